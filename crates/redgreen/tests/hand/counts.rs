//! What must not grow with the size of a project: how many processes a command starts (SPEC H1, H3). Nothing is timed.

use super::support::{Hand, TOTAL_TEST};
use std::os::unix::fs::PermissionsExt as _;

/// Runs redgreen with a `git` on the search path that notes each call, and returns how many there were.
fn git_calls(hand: &Hand, arguments: &[&str], code: i32) -> usize {
    let real = std::env::var("PATH")
        .unwrap()
        .split(':')
        .map(|folder| std::path::Path::new(folder).join("git"))
        .find(|path| path.is_file())
        .expect("git is needed");
    let folder = hand.home.join("counting");
    let notes = folder.join("notes");
    std::fs::create_dir_all(&folder).unwrap();
    _ = std::fs::remove_file(&notes);
    let program = folder.join("git");
    std::fs::write(
        &program,
        format!(
            "#!/bin/sh\necho \"$*\" >>'{}'\nexec '{}' \"$@\"\n",
            notes.display(),
            real.display()
        ),
    )
    .unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let mut all = vec!["--format", "json"];
    all.extend(arguments);
    hand.plain_with(&all, &[("PATH", path.as_str())]).ends(code);
    std::fs::read_to_string(notes).unwrap().lines().count()
}

#[test]
fn h1_verify_starts_as_many_processes_for_many_changes_as_for_few() {
    let names: Vec<String> = (0..60).map(|n| format!("data/{n}.txt")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "old\n")).collect();
    let hand = Hand::python_with(&files);
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.rg(&["lock", "T1"]).ends(0);
    let verify = |changed: usize| {
        for name in &names[..changed] {
            hand.write(name, &format!("new {name}\n"));
        }
        git_calls(&hand, &["locks", "verify", "T1"], 13)
    };
    let (few, many) = (verify(1), verify(60));
    assert!(few > 0);
    assert_eq!(few, many);
}

#[test]
fn h3_a_lock_starts_as_many_processes_for_many_new_files_as_for_few() {
    let locked = |count: usize| {
        let hand = Hand::python();
        for n in 0..count {
            hand.write(
                &format!("tests/test_total_{n}.py"),
                &TOTAL_TEST.replace("== 6", &format!("== 6 + {n}")),
            );
        }
        git_calls(&hand, &["lock", "T1"], 0)
    };
    let (few, many) = (locked(2), locked(12));
    assert!(few > 0);
    assert_eq!(few, many);
}
