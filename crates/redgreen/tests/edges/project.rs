//! Projects without tests, runner, interpreter or dependencies.

use crate::rows;
use crate::support::{Hand, TOTAL_TEST, is, only, reads, small};
use std::os::unix::fs::symlink;

const PROGRAMS: &[&str] = &["git", "sh"];

#[test]
fn g10_no_runner() {
    let hand = Hand::with(&[("README.md", "hi\n")]);
    for command in [&["red"][..], &["init"], &["red", "T1"]] {
        reads(&hand, command, rows::NO_RUNNER, "");
    }
}

#[test]
fn g10_no_tests_folder_and_globs_that_match_nothing() {
    let hand = small();
    for command in [&["red"][..], &["red", "T1"], &["lock", "T1"]] {
        let out = reads(&hand, command, rows::NO_TESTS, "");
        assert!(out.stdout.contains("`/tests/**`"), "{out:#?}");
    }
    hand.write("redgreen.toml", "[paths]\ntests = [\"spec/**\"]\n");
    hand.commit("globs");
    let out = reads(&hand, &["red"], rows::NO_GLOB, "");
    assert!(out.stdout.contains("`spec/**`"), "{out:#?}");
    hand.write("redgreen.toml", "[paths]\ntests = []\n");
    hand.commit("no globs");
    reads(&hand, &["red"], rows::NO_GLOB, "").says("an empty list");
}

#[test]
fn g10_interpreter_or_pytest_is_missing() {
    let hand = Hand::python();
    hand.write("tests/test_total.py", TOTAL_TEST);
    let venv = hand.path(".venv");
    std::fs::remove_file(&venv).unwrap();
    let path = only(&hand, PROGRAMS);
    let out = hand.plain_with(&["red"], &[("PATH", &path)]);
    is(&hand, out, rows::NO_PYTHON, "");

    hand.write(".venv/pyvenv.cfg", "home = /nowhere\n");
    std::fs::create_dir(venv.join("bin")).unwrap();
    symlink("/nowhere/python3", venv.join("bin/python")).unwrap();
    reads(&hand, &["red"], rows::DEAD_VENV, "");

    std::fs::remove_dir_all(&venv).unwrap();
    let python = crate::hand::virtual_environment().join("bin/python");
    let venv = venv.to_str().unwrap();
    crate::support::must(
        python.to_str().unwrap(),
        &["-m", "venv", "--without-pip", venv],
    );
    reads(&hand, &["red"], rows::NO_PYTEST, "");
}

#[test]
fn g10_cargo_is_missing() {
    let hand = small();
    hand.write(
        "tests/total.rs",
        "#[test]\nfn total() {\n    shop::total();\n}\n",
    );
    let path = only(&hand, PROGRAMS);
    let out = hand.plain_with(&["red"], &[("PATH", &path)]);
    is(&hand, out, rows::NO_CARGO, "");
}

#[test]
fn g10_a_lock_file_that_does_not_fit_committed_or_ignored() {
    let stale = "version = 3\n\n[[package]]\nname = \"other\"\nversion = \"0.3.0\"\n";
    let hand = small();
    hand.write("Cargo.lock", stale);
    hand.commit("stale");
    hand.write(
        "tests/total.rs",
        "#[test]\nfn total() {\n    shop::total();\n}\n",
    );
    let out = reads(&hand, &["red"], rows::STALE_CARGO_LOCK, "");
    // What was not run is not called "not collected", and cargo's own advice does not fit here.
    for word in ["not collected", "remove the --locked flag"] {
        assert!(!out.stdout.contains(word), "{out:#?}");
    }
    let test = hand.read("tests/total.rs");
    hand.remove("tests/total.rs");
    hand.git(&["rm", "-q", "--cached", "Cargo.lock"]);
    hand.write(".gitignore", "target/\nCargo.lock\n");
    hand.commit("ignored");
    hand.write("tests/total.rs", &test);
    reads(&hand, &["red"], rows::STALE_CARGO_LOCK, "");
    // The next step helps.
    hand.write(
        "Cargo.lock",
        "version = 3\n\n[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\n",
    );
    hand.plain(&["red"]).ends(0);
}
