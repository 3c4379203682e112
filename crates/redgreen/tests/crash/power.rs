//! What a power cut or a bad disk does to files: each damage is named with its place and the next step, and none of them
//! becomes a pass (SPEC A9, G5, G10). Every byte of a journal is tried in `redgreen-host/src/journal/tests.rs`; here the
//! binary is asked about a sample.

use crate::support::{Project, same};
use std::fs;
use std::path::{Path, PathBuf};

/// A run that was killed after its first delivery, while the second task was at work.
fn halfway() -> Project {
    let project = Project::new();
    let mut run = project.start();
    loop {
        let journal = String::from_utf8_lossy(&project.journal()).into_owned();
        if journal.contains("T2/green/1") {
            break;
        }
        assert!(run.try_wait().unwrap().is_none(), "it ended early");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    project.save();
    project
}

/// Asserts the exit code of a command and that it says all of this.
#[track_caller]
fn ends(project: &Project, arguments: &[&str], code: i32, says: &[&str]) {
    let output = project.redgreen(arguments);
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    for word in says {
        assert!(
            text.contains(word),
            "{arguments:?} does not say `{word}`: {text}"
        );
    }
}

fn last_line(journal: &[u8]) -> usize {
    let before = &journal[..journal.len() - 1];
    before.iter().rposition(|&byte| byte == b'\n').unwrap() + 1
}

#[test]
fn g5_a_journal_that_a_power_cut_tore_goes_on_with_its_whole_records() {
    let undisturbed = Project::new();
    undisturbed.finish();
    let expected = undisturbed.normal_form();
    let project = halfway();
    let whole = project.journal();
    let start = last_line(&whole);
    let zeros = |from: usize, count: usize| [&whole[..from], &vec![0; count][..]].concat();
    for (what, torn) in [
        ("one byte of the last record", whole[..=start].to_vec()),
        (
            "half of it",
            whole[..usize::midpoint(start, whole.len())].to_vec(),
        ),
        ("all but its line feed", whole[..whole.len() - 1].to_vec()),
        (
            "half of it and zeros",
            zeros(usize::midpoint(start, whole.len()), 4096),
        ),
        ("zeros behind it", zeros(whole.len(), 4096)),
        (
            "garbage behind it",
            [&whole[..], b"\x07\xff{\"v\":1,"].concat(),
        ),
    ] {
        project.restore();
        fs::write(project.journal_path(), &torn).unwrap();
        ends(&project, &["status"], 0, &[]);
        project.finish();
        for (part, one) in project.normal_form() {
            same(&format!("{part} after {what}"), &one, &expected[part]);
        }
        let aside = project.journal_path().with_extension("jsonl.torn");
        assert!(aside.exists(), "the torn bytes of `{what}` are kept");
    }
}

#[test]
fn g5_a_damaged_journal_is_named_with_its_line_and_nothing_goes_on() {
    let project = halfway();
    let whole = project.journal();
    let start = last_line(&whole);
    let lines = whole.iter().filter(|&&byte| byte == b'\n').count();
    let line = |number: usize| format!("line {number}:");
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    for (damaged, says) in [
        (flipped(40), line(1)),
        (flipped(start + 40), line(lines)),
        ([&whole[..], &whole[start..]].concat(), line(lines + 1)),
        ([&whole[..], b"garbage\n"].concat(), line(lines + 1)),
        (
            [&whole[..start / 2], &whole[start / 2 + 1..]].concat(),
            "line ".to_owned(),
        ),
    ] {
        project.restore();
        fs::write(project.journal_path(), &damaged).unwrap();
        for command in [&["status"][..], &["run"], &["report"], &["log"]] {
            ends(&project, command, 13, &[&says, "numbers.jsonl", "backup"]);
        }
        assert_eq!(project.journal(), damaged, "nothing was changed");
    }
}

#[test]
fn g5_a_journal_that_is_gone_makes_no_task_done() {
    let project = halfway();
    for gone in [None, Some(&b""[..])] {
        project.restore();
        match gone {
            None => fs::remove_file(project.journal_path()).unwrap(),
            Some(bytes) => fs::write(project.journal_path(), bytes).unwrap(),
        }
        // The plan file says that T1 passes, and nothing proves it any more.
        ends(&project, &["run"], 14, &["T1", "passes: true"]);
    }
}

fn stored_lock(project: &Project) -> PathBuf {
    project.state().unwrap().join("manifests/numbers/T2.json")
}

#[test]
fn b4_a_stored_lock_that_the_disk_changed_is_no_lock() {
    let project = halfway();
    let whole = fs::read(stored_lock(&project)).unwrap();
    let mut variants: Vec<Vec<u8>> = (0..whole.len())
        .step_by(whole.len() / 5)
        .map(|at| {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            bytes
        })
        .collect();
    variants.push(whole[..whole.len() / 2].to_vec());
    variants.push(vec![0; whole.len()]);
    variants.push(Vec::new());
    for bytes in variants {
        project.restore();
        fs::write(stored_lock(&project), &bytes).unwrap();
        let output = project.redgreen(&["run"]);
        assert!(!output.status.success(), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned()
            + &String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("stored lock of T2"), "{said}");
        assert!(
            said.contains("redgreen reset T2") || said.contains("redgreen retry"),
            "{said}"
        );
    }
}

#[test]
fn g10_a_plan_file_that_a_power_cut_emptied_is_refused_with_its_place() {
    let project = halfway();
    let path = project.path("repo/docs/plans/numbers.json");
    let whole = fs::read(&path).unwrap();
    for bytes in [
        whole[..whole.len() / 2].to_vec(),
        vec![0; whole.len()],
        Vec::new(),
    ] {
        project.restore();
        fs::write(&path, &bytes).unwrap();
        ends(&project, &["run"], 2, &["numbers.json"]);
        // Put back, it goes on.
        fs::write(&path, &whole).unwrap();
        project.finish();
        project.nothing_was_done_twice();
    }
}

/// Changes one byte in the middle of every file below a folder.
fn spoil(folder: &Path) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() {
            count += spoil(&entry.path());
        } else {
            let mut bytes = fs::read(entry.path()).unwrap();
            let middle = bytes.len() / 2;
            if let Some(byte) = bytes.get_mut(middle) {
                *byte ^= 1;
                fs::write(entry.path(), bytes).unwrap();
                count += 1;
            }
        }
    }
    count
}

#[test]
fn b7_kept_runs_that_the_disk_changed_are_run_again() {
    let project = halfway();
    for room in ["cache/red", "cache/baseline", "evidence"] {
        project.restore();
        assert!(
            spoil(&project.state().unwrap().join(room)) > 0,
            "{room} is empty"
        );
        project.finish();
        project.nothing_was_done_twice();
    }
}

#[test]
fn g5_references_that_were_lost_are_made_again_or_missed_by_name() {
    let undisturbed = Project::new();
    undisturbed.finish();
    let expected = undisturbed.normal_form();
    let project = halfway();
    project.restore();
    project.git(&["update-ref", "-d", "refs/heads/redgreen/numbers"]);
    project.finish();
    assert_eq!(project.normal_form()["content"], expected["content"]);
    assert_eq!(project.normal_form()["references"], expected["references"]);
}
