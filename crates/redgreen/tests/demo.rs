//! `redgreen demo` as a stranger runs it: the real binary, git, cargo and shell scripts, in an empty home.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A home, a folder for temporary files and a folder for state, all empty.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "tmp", "state", "here"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder }
    }
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    fn command(&self, arguments: &[&str]) -> Command {
        let real_home = PathBuf::from(std::env::var("HOME").unwrap());
        let toolchain = |name: &str, folder: &str| {
            std::env::var(name).map_or_else(|_| real_home.join(folder), PathBuf::from)
        };
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("redgreen"));
        command
            .args(arguments)
            .current_dir(self.path("here"))
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("CARGO_HOME", toolchain("CARGO_HOME", ".cargo"))
            .env("RUSTUP_HOME", toolchain("RUSTUP_HOME", ".rustup"))
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("XDG_STATE_HOME", self.path("state"));
        command
    }
    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }
    /// Every file that is there now and was not at the beginning.
    fn left(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in folder.read_dir().unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path.clone());
                }
                found.push(path);
            }
        }
        let known = ["home", "tmp", "state", "here"].map(|name| self.path(name));
        found.retain(|path| !known.contains(path));
        found
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Times and commit ids differ from run to run; nothing else does.
fn scrubbed(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let words: Vec<String> = line
            .split(' ')
            .map(|word| {
                let is_commit = word.len() == 7
                    && word.chars().all(|c| c.is_ascii_hexdigit())
                    && word != "default";
                if is_commit {
                    "COMMIT_".to_owned()
                } else {
                    word.to_owned()
                }
            })
            .collect();
        let line = words.join(" ");
        let line = match line
            .strip_suffix(" s")
            .and_then(|line| line.rsplit_once(' '))
        {
            Some((head, seconds)) if seconds.parse::<u64>().is_ok() => format!("{head} N s"),
            Some(_) | None => line,
        };
        out.push_str(&line);
        out.push('\n');
    }
    out
}

#[test]
fn a_complete_plan_with_a_retry_a_dispute_and_three_cheats_is_told_in_under_45_lines() {
    let machine = Machine::new();
    let keep = machine.path("kept");
    let output = machine.run(&["demo", "--keep", keep.to_str().unwrap()]);
    let story = text(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{story}{}",
        text(&output.stderr)
    );
    assert_eq!(text(&output.stderr), "");
    assert!(
        story.lines().count() < 45,
        "{} lines",
        story.lines().count()
    );
    assert!(!story.contains('\u{1b}'), "colour on a pipe");

    // What it says at the end is so in the repository and in the report.
    assert!(story.contains(
        "Plan COMPLETE: 4 of 4 tasks, 12 tests locked, 3 cheats rejected, 1 wrong test put right."
    ));
    let repository = keep.join("shortener");
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(&repository)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        text(&output.stdout)
    };
    assert_eq!(
        git(&["rev-list", "--count", "redgreen/shortener"]).trim(),
        "9"
    );
    assert_eq!(
        git(&["rev-parse", "main"]),
        git(&["rev-parse", "redgreen/shortener"])
    );
    assert_eq!(
        git(&["status", "--porcelain"]).trim(),
        "M docs/plans/shortener.json"
    );
    let plan: serde_json::Value = serde_json::from_slice(
        &std::fs::read(repository.join("docs/plans/shortener.json")).unwrap(),
    )
    .unwrap();
    assert_eq!(plan["status"], "COMPLETE");
    for task in plan["tasks"].as_array().unwrap() {
        assert_eq!(task["passes"], true, "{task}");
    }
    // Nothing of what was refused is in the delivered code; the corrected test is.
    assert!(
        git(&["show", "main:tests/visits.rs"]).contains("assert_eq!(links.visits(\"home\"), 2);")
    );
    assert!(!git(&["show", "main:src/links.rs"]).contains("exit("));
    assert!(!git(&["ls-tree", "-r", "--name-only", "main"]).contains(".cargo"));
    assert!(
        git(&["show", "main:tests/alias.rs"]).contains("assert_eq!(claim(\"big-sale\"), 201);")
    );
    let line = story
        .lines()
        .find_map(|line| line.strip_prefix("Report: "))
        .unwrap();
    let report = std::fs::read_to_string(Path::new(line)).unwrap();
    assert!(report.contains("4 of 4 tasks verified"), "{report}");
    // A tree that was validated is the next task's baseline: the whole suite is not run on it again (B7).
    assert!(report.contains("5 full suite runs"), "{report}");

    // Only the folder that was asked for is new.
    assert_eq!(
        machine
            .left()
            .into_iter()
            .filter(|path| !path.starts_with(&keep))
            .collect::<Vec<_>>(),
        Vec::<PathBuf>::new()
    );
    insta::assert_snapshot!("story", scrubbed(&story.replace(line, "REPORT")));
}

#[test]
fn naive_shows_that_exit_codes_accept_every_cheat_and_nothing_is_left_behind() {
    let machine = Machine::new();
    let output = machine.run(&["demo", "--naive"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(machine.left(), Vec::<PathBuf>::new());
    insta::assert_snapshot!("naive", text(&output.stdout));
}

#[test]
fn a9_an_interrupted_demonstration_leaves_nothing_behind() {
    let machine = Machine::new();
    let mut child = machine
        .command(&["demo"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines
        .find(|line| line.as_ref().unwrap().contains("RED"))
        .unwrap()
        .unwrap();
    let interrupted = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupted.success());
    let last = lines.last().unwrap().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(12));
    assert_eq!(last, "Stopped. The sample is removed again.");
    assert_eq!(machine.left(), Vec::<PathBuf>::new());
}

#[test]
fn g10_what_the_machine_lacks_is_one_sentence_with_the_next_step() {
    // A search path with only the named programs.
    let machine = Machine::new();
    let only = |names: &[&str]| {
        let folder = machine.path("home").join(names.join("-"));
        std::fs::create_dir_all(&folder).unwrap();
        for name in names {
            let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
                .map(|folder| folder.join(name))
                .find(|path| path.exists())
                .unwrap();
            std::os::unix::fs::symlink(found, folder.join(name)).unwrap();
        }
        folder
    };
    for (names, fact, next) in [
        (&["sh", "cargo"][..], "`git` was not found", "install git"),
        (
            &["sh", "git"],
            "`cargo` was not found",
            "install a Rust toolchain",
        ),
        (
            &["sh", "git", "cargo", "rustc"],
            "no C linker (`cc`) was found",
            "apt install gcc",
        ),
    ] {
        let output = machine
            .command(&["demo"])
            .env("PATH", only(names))
            .output()
            .unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(15), "{said}");
        assert_eq!(text(&output.stdout), "");
        assert_eq!(said.lines().count(), 2, "{said}");
        assert!(said.contains(fact) && said.contains(next), "{said}");
    }
    let nowhere = machine.path("nowhere");
    let output = machine
        .command(&["demo"])
        .env("TMPDIR", &nowhere)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(15));
    assert!(text(&output.stderr).contains("TMPDIR=/path redgreen demo"));
    assert!(!nowhere.exists());
    assert_eq!(machine.path("tmp").read_dir().unwrap().count(), 0);

    // A folder that is there is never written into.
    std::fs::write(machine.path("here").join("mine"), "mine").unwrap();
    let output = machine.run(&["demo", "--keep", "."]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("is there already"));
    assert_eq!(machine.path("here").read_dir().unwrap().count(), 1);
}
