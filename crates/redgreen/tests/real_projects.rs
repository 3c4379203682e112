//! The program that judges commits of real projects, on a project that is made here.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use redgreen_testkit::real_projects::{Outcome, Places, judge, table};
use std::path::Path;
use std::process::Command;

fn git(folder: &Path, arguments: &[&str]) -> String {
    let done = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args([
            "-c",
            "user.name=Ann",
            "-c",
            "user.email=ann@example.invalid",
        ])
        .args(arguments)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A project with a mixed file: its second commit adds a function, a test beside it, one in `tests/`, and a doctest.
fn project(folder: &Path) -> String {
    std::fs::create_dir_all(folder).unwrap();
    git(folder, &["init", "-q"]);
    write(
        folder,
        "Cargo.toml",
        "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
    );
    write(folder, ".gitignore", "target\nCargo.lock\n");
    write(
        folder,
        "src/lib.rs",
        "pub fn one() -> i32 {\n    1\n}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n    #[test]\n    fn one_is_one() {\n        assert_eq!(one(), 1);\n    }\n}\n",
    );
    git(folder, &["add", "."]);
    git(folder, &["commit", "-qm", "one"]);
    write(
        folder,
        "src/lib.rs",
        "pub fn one() -> i32 {\n    1\n}\n\n/// Two.\n/// ```\n/// assert_eq!(shop::two(), 2);\n/// ```\npub fn two() -> i32 {\n    double(1)\n}\n\nfn double(value: i32) -> i32 {\n    let twice = value + value;\n    twice\n}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n    #[test]\n    fn one_is_one() {\n        assert_eq!(one(), 1);\n    }\n    #[test]\n    fn two_is_two() {\n        assert_eq!(two(), 2);\n    }\n}\n",
    );
    write(
        folder,
        "tests/shop.rs",
        "#[test]\nfn two_from_outside() {\n    assert_eq!(shop::two(), 2);\n}\n",
    );
    git(folder, &["add", "."]);
    git(folder, &["commit", "-qm", "two"]);
    git(folder, &["rev-parse", "HEAD"])
}

fn judged(change: &dyn Fn(&Path)) -> Vec<Outcome> {
    let folder = tempfile::tempdir().unwrap();
    let clone = folder.path().join("clones/acme+shop");
    let commit = project(&clone);
    change(&clone);
    let text = format!(
        "[[project]]\nname = \"acme/shop\"\ncommit = \"{commit}\"\nlanguage = \"rust\"\nprepare = [\"cargo generate-lockfile --offline -q\"]\n"
    );
    write(folder.path(), "table.toml", &text);
    let table = table::read(&folder.path().join("table.toml")).unwrap();
    let places = Places {
        clones: folder.path().join("clones"),
        work: folder.path().join("work"),
        redgreen: env!("CARGO_BIN_EXE_redgreen").into(),
    };
    let mut outcomes = Vec::new();
    judge(&places, &table.project[0], &mut |outcome| {
        outcomes.push(outcome)
    });
    outcomes
}

#[test]
fn m1_every_step_of_a_commit_with_a_mixed_file_ends_as_it_must() {
    let outcomes = judged(&|_| {});
    let ended: Vec<(&str, Option<i32>)> = outcomes
        .iter()
        .map(|outcome| (outcome.step.name(), outcome.got))
        .collect();
    assert_eq!(
        ended,
        [
            ("red", Some(0)),
            ("lock", Some(0)),
            ("green", Some(0)),
            ("full", Some(0)),
            ("withheld", Some(10)),
            ("broken", Some(10)),
            ("edited", Some(13)),
            ("planted", Some(13)),
            ("typo", Some(10)),
        ],
        "{outcomes:#?}"
    );
    assert!(outcomes.iter().all(Outcome::is_expected));
}

#[test]
fn m1_a_commit_that_is_not_there_is_no_success() {
    let outcomes = judged(&|clone| {
        std::fs::remove_dir_all(clone).unwrap();
    });
    assert_eq!(outcomes.len(), 1);
    assert!(!outcomes[0].is_expected(), "{outcomes:#?}");
}
