//! Locks in the history of a range, from git alone (SPEC C9): each cheat is built with plain git, and found in a clone.

use super::support::{Hand, Out, TOTAL, TOTAL_TEST};
use serde_json::Value;
use std::process::Command;

/// A project whose task T1 was locked and implemented by hand.
fn locked() -> Hand {
    let hand = Hand::python();
    hand.git(&["tag", "before"]);
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.rg(&["lock", "T1"]).ends(0);
    hand
}

fn implement(hand: &Hand) {
    hand.append("src/shop/__init__.py", TOTAL);
    hand.commit("feat: total");
}

/// Audits in a clone that has nothing but what a clone has.
fn audit(hand: &Hand) -> Out {
    let clone = hand.root.parent().unwrap().join("clone");
    let cloned = Command::new("git")
        .args(["clone", "-q"])
        .arg(&hand.root)
        .arg(&clone)
        .status()
        .unwrap();
    assert!(cloned.success());
    std::os::unix::fs::symlink(super::support::virtual_environment(), clone.join(".venv")).unwrap();
    let here = clone.display().to_string();
    let out = hand.rg(&["-C", &here, "audit", "before..", "--whole"]);
    std::fs::remove_dir_all(&clone).unwrap();
    out
}

#[track_caller]
fn rejected(out: Out, kind: &str, says: &str) {
    let out = out.ends(13);
    let json = out.json();
    let found = json["findings"].as_array().unwrap().iter().any(|finding| {
        finding["kind"] == kind && finding["message"].as_str().unwrap().contains(says)
    });
    assert!(found, "`{kind}` `{says}`: {json:#}");
}

fn record(hand: &Hand) -> Value {
    serde_json::from_str(&hand.read(".redgreen/locks/T1.json")).unwrap()
}

#[test]
fn c9_an_honest_lock_holds_also_after_a_squash_merge() {
    let hand = locked();
    implement(&hand);
    let json = audit(&hand).ends(0).json();
    assert_eq!(json["findings"], serde_json::json!([]), "{json:#}");
    assert_eq!(json["changes"][0]["verdict"], "bites");
    // Squashed: the record is all that is left of the lock.
    hand.git(&["checkout", "-q", "-b", "squashed", "before"]);
    hand.git(&["merge", "-q", "--squash", "main"]);
    hand.git(&["commit", "-q", "-m", "feat: total (squashed)"]);
    let json = audit(&hand).ends(0).json();
    assert_eq!(json["findings"], serde_json::json!([]), "{json:#}");
}

#[test]
fn c9_a_test_that_was_edited_after_its_lock_is_found() {
    let hand = locked();
    hand.append(
        "src/shop/__init__.py",
        "\n\ndef total(list):\n    return 0\n",
    );
    let weak = hand
        .read("tests/test_total.py")
        .replace("assert ", "assert True or ");
    hand.write("tests/test_total.py", &weak);
    hand.commit("feat: total");
    rejected(
        audit(&hand),
        "lock_invalid",
        "was edited after it was locked",
    );
}

#[test]
fn c9_a_lock_commit_that_was_amended_is_found() {
    let hand = locked();
    let weak = hand
        .read("tests/test_total.py")
        .replace("assert ", "assert True or ");
    hand.write("tests/test_total.py", &weak);
    hand.git(&["commit", "-q", "--amend", "--no-edit", "-a"]);
    implement(&hand);
    rejected(audit(&hand), "lock_invalid", "it was amended");
}

#[test]
fn c9_a_second_lock_that_replaces_nothing_is_found() {
    let hand = locked();
    implement(&hand);
    // Written by hand: another record, its digest in the trailer, the tests already green.
    let mut record = record(&hand);
    record["base_commit"] = Value::from("0".repeat(40));
    let text = serde_json::to_string_pretty(&record).unwrap() + "\n";
    hand.write(".redgreen/locks/T1.json", &text);
    let digest = redgreen_core::id::Digest::of(text.as_bytes());
    hand.git(&["add", "-A"]);
    hand.git(&[
        "commit",
        "-q",
        "-m",
        &format!("test-lock: T1 tests ready for implementation\n\nRedgreen-Lock: T1 {digest}"),
    ]);
    let out = audit(&hand);
    rejected(out, "lock_invalid", "does not say what it replaces");
    // Only words.
    let hand = locked();
    implement(&hand);
    hand.git(&[
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "test-lock: T2 tests ready for implementation",
    ]);
    rejected(audit(&hand), "lock_invalid", "says that it locks T2");
}

#[test]
fn c9_a_lock_whose_tests_were_never_red_is_found() {
    let hand = locked();
    implement(&hand);
    // The whole branch again, squashed, with tests that pass on the base.
    hand.git(&["checkout", "-q", "-b", "squashed", "before"]);
    hand.git(&["merge", "-q", "--squash", "main"]);
    let weak = "def test_total():\n    assert True\n";
    hand.write("tests/test_total.py", weak);
    hand.commit("feat: total (squashed)");
    let out = audit(&hand);
    assert!(out.stdout.contains("was locked, and is gone"), "{out:#?}");
    rejected(
        out,
        "lock_invalid",
        "passes at its lock, without the implementation",
    );
}

#[test]
fn c9_plan_fields_that_somebody_set_and_locks_that_are_missing_are_found() {
    let plan = |passes: bool| {
        format!(
            "{{\n  \"name\": \"shop\",\n  \"status\": \"APPROVED\",\n  \"tasks\": [\n    {{\"id\": \"T7\", \"name\": \"total\", \"dod\": \"sums\", \"passes\": {passes}}}\n  ]\n}}\n"
        )
    };
    let hand = Hand::python_with(&[("docs/plans/shop.json", &plan(false))]);
    hand.git(&["tag", "before"]);
    hand.write("docs/plans/shop.json", &plan(true));
    implement(&hand);
    let out = audit(&hand);
    let line = out.json()["findings"][0]["line"].clone();
    assert_eq!(line, 5);
    rejected(out, "plan_field", "`passes` of T7 was set");
    // `always`, as the base says.
    let hand = Hand::python_with(&[(
        "redgreen.toml",
        "version = 1\n\n[audit]\nrequire_lock = \"always\"\n",
    )]);
    hand.git(&["tag", "before"]);
    hand.write("redgreen.toml", "version = 1\n");
    implement(&hand);
    rejected(
        audit(&hand),
        "lock_missing",
        "source changed without a lock",
    );
}
