//! LOCK on the user's branch (SPEC B4, G6).

use super::support::{Hand, Out, TOTAL, TOTAL_TEST};
use std::os::unix::fs::PermissionsExt as _;

fn locked() -> Hand {
    let hand = Hand::python();
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.rg(&["lock", "T1"]).ends(0);
    hand
}

#[test]
fn b4_the_commit_has_the_trailer_and_its_record_is_the_one_in_private_state() {
    let hand = locked();
    let message = hand.git(&["log", "-1", "--format=%B"]);
    assert!(
        message.starts_with("test-lock: T1 tests ready for implementation\n"),
        "{message}"
    );
    let trailer = hand.git(&[
        "log",
        "-1",
        "--format=%(trailers:key=Redgreen-Lock,valueonly)",
    ]);
    let record = hand.git(&["show", "HEAD:.redgreen/locks/T1.json"]) + "\n";
    let digest = redgreen_core::id::Digest::of(record.as_bytes()).to_string();
    assert_eq!(trailer.trim(), format!("T1 {digest}"));
    let shown = hand.rg(&["locks", "show", "T1"]).ends(0).json();
    assert_eq!(shown["digest"], digest.as_str());
    let parsed: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert_eq!(shown["record"], parsed);
    assert_eq!(
        hand.git(&["diff", "--name-only", "HEAD~1"]),
        ".redgreen/locks/T1.json\ntests/test_total.py"
    );
    assert_eq!(hand.git(&["status", "--porcelain"]), "");
    // The complete manifest is reachable in git too, and the record names its digest.
    let refs = hand.git(&[
        "for-each-ref",
        "--format=%(refname)",
        "refs/redgreen/manifests/",
    ]);
    assert!(refs.contains("T1"), "{refs}");
    let manifest = hand.git(&["cat-file", "blob", refs.lines().next().unwrap()]);
    assert_eq!(
        parsed["manifest"],
        redgreen_core::id::Digest::of(manifest.as_bytes()).to_string()
    );
}

#[test]
fn b4_g6_the_lock_touches_only_its_paths_of_the_index_and_nothing_of_the_working_tree() {
    let hand = Hand::python_with(&[
        ("src/shop/cart.py", "a = 1\n"),
        ("src/shop/other.py", "b = 1\n"),
    ]);
    hand.write("src/shop/cart.py", "a = 2\n");
    hand.git(&["add", "src/shop/cart.py"]);
    hand.write("src/shop/other.py", "b = 2\n");
    hand.write("src/shop/new.py", "c = 1\n");
    hand.git(&["add", "-N", "src/shop/new.py"]);
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.append("src/shop/__init__.py", TOTAL);
    hand.rg(&["lock", "T1"]).ends(0);
    assert_eq!(
        hand.git(&["diff", "--cached", "--name-only"]),
        "src/shop/cart.py"
    );
    assert_eq!(
        hand.git(&["diff", "--name-only"]),
        "src/shop/__init__.py\nsrc/shop/new.py\nsrc/shop/other.py"
    );
    assert_eq!(hand.read("src/shop/other.py"), "b = 2\n");
    hand.rg(&["green", "T1"]).ends(0);
}

#[test]
fn g6_lock_works_on_a_detached_head_and_in_a_linked_worktree() {
    let hand = Hand::python();
    hand.git(&["checkout", "-q", "--detach"]);
    hand.write("tests/test_total.py", TOTAL_TEST);
    let before = hand.head();
    hand.rg(&["lock", "T1"]).ends(0);
    assert_eq!(hand.git(&["rev-parse", "HEAD~1"]), before);
    assert_eq!(hand.git(&["rev-parse", "main"]), before);

    let mut hand = Hand::python();
    let linked = hand.root.with_file_name("linked");
    hand.git(&[
        "worktree",
        "add",
        "-q",
        "-b",
        "topic",
        linked.to_str().unwrap(),
    ]);
    std::os::unix::fs::symlink(super::support::virtual_environment(), linked.join(".venv"))
        .unwrap();
    let main = hand.head();
    hand.cwd = linked.clone();
    std::fs::write(linked.join("tests/test_total.py"), TOTAL_TEST).unwrap();
    hand.rg(&["lock", "T1"]).ends(0);
    assert_eq!(
        hand.head(),
        main,
        "the main worktree's branch does not move"
    );
    let source = linked.join("src/shop/__init__.py");
    let text = std::fs::read_to_string(&source).unwrap() + TOTAL;
    std::fs::write(source, text).unwrap();
    hand.rg(&["green", "T1"]).ends(0);
}

#[test]
fn g7_hooks_are_not_run_and_signing_that_is_configured_is_done_or_said() {
    let hand = Hand::python();
    let hook = hand.path(".git/hooks/pre-commit");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\ntouch hook-ran\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    for name in [
        "commit-msg",
        "post-commit",
        "reference-transaction",
        "post-index-change",
    ] {
        std::fs::copy(&hook, hand.path(&format!(".git/hooks/{name}"))).unwrap();
    }
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.rg(&["lock", "T1"]).ends(0);
    assert!(!hand.path("hook-ran").exists());

    let hand = Hand::python();
    hand.git(&["config", "commit.gpgSign", "true"]);
    hand.git(&["config", "gpg.program", "/nowhere/gpg"]);
    hand.write("tests/test_total.py", TOTAL_TEST);
    let before = hand.head();
    let out = hand.rg(&["lock", "T1"]).ends(15);
    assert!(
        out.json()["message"].as_str().unwrap().contains("sign"),
        "{out:?}"
    );
    assert_eq!(hand.head(), before);
    assert_eq!(
        hand.git(&["status", "--porcelain"]),
        "?? tests/test_total.py"
    );
}

#[test]
fn g7_a_signature_by_ssh_and_sign_off_are_honoured() {
    let hand = Hand::python();
    let key = hand.home.join("key");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status();
    assert!(
        made.is_ok_and(|status| status.success()),
        "this test needs ssh-keygen"
    );
    hand.git(&["config", "commit.gpgSign", "true"]);
    hand.git(&["config", "gpg.format", "ssh"]);
    hand.git(&["config", "user.signingKey", key.to_str().unwrap()]);
    hand.write("redgreen.toml", "[git]\nsign_off = true\n");
    hand.git(&["add", "-A"]);
    hand.git(&["-c", "commit.gpgSign=false", "commit", "-qm", "config"]);
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.rg(&["lock", "T1"]).ends(0);
    let raw = hand.git(&["cat-file", "commit", "HEAD"]);
    assert!(raw.contains("BEGIN SSH SIGNATURE"), "{raw}");
    assert!(
        raw.contains("Signed-off-by: Ada <ada@example.invalid>"),
        "{raw}"
    );
}

#[test]
fn b4_the_record_of_200_tests_is_small() {
    let hand = Hand::python();
    let mut text = String::from("import pytest\nfrom shop import total\n");
    for n in 0..200 {
        text.push_str(&format!(
            "\n\ndef test_total_of_{n}_items():\n    assert total([{n}]) == {}\n",
            n * 2
        ));
    }
    hand.write("tests/test_total.py", &text);
    hand.rg(&["lock", "T1"]).ends(0);
    let size = hand.read(".redgreen/locks/T1.json").len();
    println!("record of 200 tests: {size} bytes");
    assert!(size <= 8 * 1024, "{size} bytes");
}

#[test]
fn b4_a_second_lock_names_amend_and_reset() {
    let hand = locked();
    hand.rg(&["lock", "T1"])
        .ends(2)
        .says("redgreen amend T1")
        .says("redgreen reset T1");
}

#[test]
fn a12_amend_proves_red_on_the_original_base_and_keeps_both_locks() {
    let hand = locked();
    let first = hand.read(".redgreen/locks/T1.json");
    hand.append("src/shop/__init__.py", TOTAL);
    hand.commit("feat: total");
    hand.append(
        "tests/test_total.py",
        "\n\ndef test_more():\n    assert total([5]) == 10\n",
    );
    // An edit of a locked test is a change until it is amended.
    let out = hand.rg(&["green", "T1"]).ends(13);
    assert!(
        out.reason("locked_test_edited")
            .contains("redgreen amend T1")
    );
    let out = hand
        .rg(&["amend", "T1", "--reason", "one case more"])
        .ends(0);
    assert_eq!(out.test("::test_more")["cause"], "missing_symbol");
    let record: serde_json::Value =
        serde_json::from_str(&hand.read(".redgreen/locks/T1.json")).unwrap();
    assert_eq!(
        record["supersedes"],
        redgreen_core::id::Digest::of(first.as_bytes()).to_string()
    );
    assert_eq!(record["reason"], "one case more");
    assert!(hand.read("src/shop/__init__.py").contains("def total"));
    hand.rg(&["green", "T1"]).ends(0);
    let kept = walk(&hand.state)
        .iter()
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with("T1.") && name.ends_with(".json")
        })
        .count();
    assert_eq!(kept, 2, "both locks are kept in private state");
    // A lock that is no lock cannot be amended.
    hand.rg(&["amend", "T2", "--reason", "x"])
        .ends(2)
        .says("redgreen lock T2");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(walk(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn b4_a_branch_that_moved_meanwhile_is_refused_without_loss() {
    let hand = Hand::python();
    hand.write("tests/test_total.py", TOTAL_TEST);
    let out = hand.rg_meanwhile(&["lock", "T1"], "red-2", || {
        hand.git(&["commit", "--allow-empty", "-qm", "race"]);
    });
    let out = out.ends(15);
    assert!(
        out.json()["help"].as_str().unwrap().contains("again"),
        "{out:?}"
    );
    assert_eq!(hand.git(&["log", "-1", "--format=%s"]), "race");
    assert!(hand.path("tests/test_total.py").exists());
    assert!(!hand.path(".redgreen/locks/T1.json").exists());
    assert_eq!(
        hand.rg(&["locks", "list"]).ends(0).json()["locks"],
        serde_json::json!([])
    );
}

fn changes(out: &Out) -> Vec<String> {
    out.json()["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            format!(
                "{} {}",
                change["kind"].as_str().unwrap(),
                change["path"].as_str().unwrap()
            )
        })
        .collect()
}

#[test]
fn b4_locks_diff_verify_and_restore_whole_files() {
    let hand = Hand::python_with(&[("tests/data/a.txt", "1\n")]);
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.rg(&["lock", "T1"]).ends(0);
    hand.rg(&["locks", "verify", "T1"]).ends(0);
    let test = hand.read("tests/test_total.py").replace("== 6", "== 5");
    hand.write("tests/test_total.py", &test);
    hand.remove("tests/data/a.txt");
    hand.write("tests/test_planted.py", "def test_x():\n    assert True\n");
    hand.append("src/shop/__init__.py", TOTAL);
    let out = hand.rg(&["locks", "diff", "T1"]).ends(0);
    assert_eq!(
        changes(&out),
        [
            "deleted tests/data/a.txt",
            "added tests/test_planted.py",
            "modified tests/test_total.py"
        ]
    );
    assert!(
        out.stdout.contains("+     assert total([1, 2]) == 5"),
        "{out:?}"
    );
    let out = hand.rg(&["locks", "verify", "T1"]).ends(13);
    for code in ["lock_deleted", "lock_added", "locked_test_edited"] {
        out.reason(code);
    }
    let out = hand.rg(&["locks", "restore", "T1"]).ends(0);
    assert_eq!(out.json()["restored"].as_array().unwrap().len(), 3);
    assert_eq!(hand.read("tests/test_total.py"), TOTAL_TEST);
    assert_eq!(hand.read("tests/data/a.txt"), "1\n");
    assert!(!hand.path("tests/test_planted.py").exists());
    assert!(hand.read("src/shop/__init__.py").contains("def total"));
    let kept = walk(&hand.state)
        .into_iter()
        .filter(|path| path.to_string_lossy().contains("test_planted"))
        .count();
    assert_eq!(kept, 1, "what was replaced is kept");
    hand.rg(&["locks", "verify", "T1"]).ends(0);
    let list = hand.rg(&["locks", "list"]).ends(0).json();
    assert_eq!(list["locks"][0]["task"], "T1");
    hand.rg(&["snapshot", "list"]).ends(0);
}

#[test]
fn b4_locks_diff_and_restore_mixed_files_item_by_item() {
    let hand = Hand::rust();
    let tests = "#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn doubles() {\n        assert_eq!(price(2), 4);\n    }\n\n    #[test]\n    fn totals() {\n        assert_eq!(total(&[1, 2]), 6);\n    }\n}\n";
    let code = "pub fn price(n: u32) -> u32 {\n    n * 2\n}\n\n";
    hand.write("src/lib.rs", &format!("{code}{tests}"));
    hand.rg(&["lock", "T1"]).ends(0);
    let done = format!(
        "{code}pub fn total(list: &[u32]) -> u32 {{\n    list.iter().map(|n| price(*n)).sum()\n}}\n\n"
    );
    hand.write(
        "src/lib.rs",
        &format!("{done}{}", tests.replace("), 6)", "), 5)")),
    );
    let out = hand.rg(&["green", "T1"]).ends(13);
    assert!(out.reason("locked_test_edited").contains("totals"));
    hand.rg(&["locks", "verify", "T1"]).ends(13);
    hand.rg(&["locks", "restore", "T1"]).ends(0);
    assert_eq!(hand.read("src/lib.rs"), format!("{done}{tests}"));
    hand.rg(&["green", "T1"]).ends(0);
}

#[test]
fn b4_a_record_that_was_changed_is_rejected() {
    let hand = locked();
    let file = walk(&hand.state)
        .into_iter()
        .find(|path| path.file_name().unwrap() == "T1.json")
        .unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("test_nothing", "test_nothinG", 1)).unwrap();
    hand.rg(&["green", "T1"]).ends(13).says("redgreen reset T1");
    // The committed one is part of what is locked.
    std::fs::write(&file, text).unwrap();
    let record = hand
        .read(".redgreen/locks/T1.json")
        .replace("required", "guard");
    hand.write(".redgreen/locks/T1.json", &record);
    hand.rg(&["locks", "verify", "T1"]).ends(13);
}

#[test]
fn b4_the_lock_outlives_a_rebase_that_drops_its_commit() {
    let hand = locked();
    hand.git(&["reset", "-q", "--soft", "HEAD~1"]);
    hand.git(&["commit", "-qm", "my own words"]);
    hand.git(&["reflog", "expire", "--expire=now", "--all"]);
    hand.git(&["gc", "-q", "--prune=now"]);
    hand.append("src/shop/__init__.py", TOTAL);
    hand.rg(&["green", "T1"]).ends(0);
}
