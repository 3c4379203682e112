//! What a person and a program read (SPEC G1, G2, G3, G4, G10).

use super::support::{Hand, TOTAL, TOTAL_TEST};
use std::collections::BTreeSet;

#[test]
fn g2_every_gate_document_has_the_documented_form() {
    let hand = Hand::python();
    hand.write("tests/test_total.py", TOTAL_TEST);
    let red = hand.rg(&["red", "T1"]).ends(0).json();
    hand.rg(&["lock", "T1"]).ends(0);
    hand.append("src/shop/__init__.py", TOTAL);
    let green = hand.rg(&["green", "T1"]).ends(0).json();
    let full = hand.rg(&["full", "T1"]).ends(0).json();
    let verify = hand.rg(&["locks", "verify", "T1"]).ends(0).json();
    for (gate, document) in [
        ("red", &red),
        ("green", &green),
        ("full", &full),
        ("lock", &verify),
    ] {
        assert_eq!(document["schema"], "redgreen.gate/1");
        assert_eq!(document["gate"], gate);
        assert_eq!(document["task"], "T1");
        assert_eq!(document["verdict"], "pass");
        assert!(document["duration_ms"].is_u64());
        let keys: BTreeSet<&str> = document
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        for key in ["reasons", "tests", "controls", "evidence", "notes"] {
            assert!(keys.contains(key), "{gate}: {keys:?}");
        }
        let test_keys = [
            "id",
            "item",
            "outcome",
            "cause",
            "role",
            "file",
            "line",
            "message",
            "duration_ms",
        ];
        for test in document["tests"].as_array().unwrap() {
            for key in test_keys {
                assert!(test.get(key).is_some(), "{gate} {key}: {test}");
            }
        }
    }
    for (arguments, schema) in [
        (&["locks", "list"][..], "redgreen.locks/1"),
        (&["locks", "show", "T1"], "redgreen.lock/1"),
        (&["locks", "diff", "T1"], "redgreen.lock-diff/1"),
        (&["locks", "restore", "T1"], "redgreen.lock-restore/1"),
        (&["next", "T1"], "redgreen.next/1"),
        (&["explain", "locked_test_edited"], "redgreen.explain/1"),
        (&["explain", "tests/test_total.py"], "redgreen.explain/1"),
        (&["green", "T9"], "redgreen.error/1"),
    ] {
        assert_eq!(hand.rg(arguments).json()["schema"], schema, "{arguments:?}");
    }
}

#[test]
fn g1_check_prints_one_document() {
    let hand = Hand::python();
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.rg(&["check", "T1"]).ends(0).json();
    hand.rg(&["lock", "T1"]).ends(0);
    hand.append("src/shop/__init__.py", TOTAL);
    let out = hand.rg(&["check", "T1"]).ends(0);
    // One document per line: the last one is the gate that decides.
    let last: serde_json::Value = serde_json::from_str(out.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(last["gate"], "full");
}

#[test]
fn g1_quiet_verbose_and_colour() {
    let hand = Hand::python();
    hand.write("tests/test_total.py", TOTAL_TEST);
    let normal = hand.plain(&["red", "T1"]).ends(0);
    assert!(normal.stdout.starts_with("RED     pass"), "{normal:?}");
    assert!(
        normal
            .stdout
            .contains("2 of 2 fail: `total` does not exist yet"),
        "{normal:?}"
    );
    assert!(
        normal.stderr.contains("next    redgreen lock T1"),
        "{normal:?}"
    );
    assert!(!normal.stdout.contains('\u{1b}') && !normal.stderr.contains('\u{1b}'));
    let quiet = hand.plain(&["-q", "red", "T1"]).ends(0);
    assert_eq!(
        (
            quiet
                .stdout
                .lines()
                .next()
                .unwrap()
                .starts_with("RED     pass"),
            quiet.stderr.as_str()
        ),
        (true, "")
    );
    let silent = hand.plain(&["-qq", "red", "T1"]).ends(0);
    assert_eq!((silent.stdout.as_str(), silent.stderr.as_str()), ("", ""));
    let silent = hand.plain(&["-qq", "green", "T1"]).ends(11);
    assert_eq!((silent.stdout.as_str(), silent.stderr.as_str()), ("", ""));
    hand.append("tests/test_total.py", "\n# other bytes are run again\n");
    let verbose = hand.plain(&["-v", "red", "T1"]).ends(0);
    assert!(
        verbose.stderr.contains("-m pytest"),
        "the commands are shown: {verbose:?}"
    );
    let coloured = hand
        .plain_with(&["-q", "red", "T1"], &[("CLICOLOR_FORCE", "1")])
        .ends(0);
    assert!(coloured.stdout.contains('\u{1b}'), "{coloured:?}");
    let plain = hand
        .plain_with(
            &["-q", "red", "T1"],
            &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")],
        )
        .ends(0);
    assert!(!plain.stdout.contains('\u{1b}'), "{plain:?}");
}

#[test]
fn g10_bad_input_gets_one_error_with_its_place_and_the_next_step() {
    let hand = Hand::python();
    hand.write("tests/test_total.py", TOTAL_TEST);
    for (arguments, exit, words) in [
        (
            &["red", "T1", "--covers", "nonsense"][..],
            2,
            "--covers AC-1=path::item",
        ),
        (&["green", "../x"], 2, "T43"),
        (&["green", "T1"], 11, "redgreen lock T1"),
        (&["locks", "diff", "T1"], 11, "redgreen lock T1"),
        (
            &["red", "tests/no_such_test.py"],
            2,
            "tests/no_such_test.py",
        ),
        (&["red", "tests/test_total.py::test_nope"], 2, "test_nope"),
        (&["explain", "no_such_code"], 2, "error["),
        (&["-C", "/nonexistent", "red"], 2, "-C"),
        (&["next"], 2, "docs/plans"),
    ] {
        let out = hand.plain(arguments);
        assert_eq!(out.code, exit, "{arguments:?}: {out:#?}");
        assert!(out.stderr.contains(words), "{arguments:?}: {out:#?}");
        assert!(out.stderr.contains("= help: "), "{arguments:?}: {out:#?}");
        assert_eq!(out.stdout, "", "{arguments:?}");
        assert!(!out.stderr.contains("panicked"), "{arguments:?}");
    }
    hand.plain(&["no-such-command"]).ends(2);
    hand.write("docs/plans/bad.json", "{\"name\": \"x\",\n \"tasks\": [");
    let out = hand.plain(&["red", "T1"]).ends(2);
    assert!(out.stderr.contains("docs/plans/bad.json:2"), "{out:?}");
    hand.remove("docs/plans/bad.json");
    hand.write("redgreen.toml", "version = 1\n[paths]\ntest = []\n");
    hand.commit("bad configuration");
    let out = hand.plain(&["red", "T1"]).ends(2);
    assert!(
        out.stderr.contains("redgreen.toml:3") && out.stderr.contains("did you mean `tests`?"),
        "{out:?}"
    );
    let outside = Hand::empty();
    std::fs::remove_dir_all(outside.path(".git")).unwrap();
    outside.plain(&["red"]).ends(15).says("git init");
}

#[test]
fn f7_next_is_one_unit_of_work() {
    let hand = Hand::python();
    hand.plan("T1", &["AC-1: totals"], "");
    hand.commit("plan");
    let next = hand.rg(&["next"]).ends(0).json();
    assert_eq!(
        (next["task"].as_str(), next["step"].as_str()),
        (Some("T1"), Some("specify"))
    );
    assert_eq!(next["criteria"][0]["id"], "AC-1");
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.rg(&["lock", "T1"]).ends(0);
    let next = hand.rg(&["next"]).ends(0).json();
    assert_eq!(next["step"], "implement");
    assert_eq!(next["tests"].as_array().unwrap().len(), 2);
    assert_eq!(next["then"], "redgreen check T1");
}

#[test]
fn g4_explain_says_what_a_path_is() {
    let hand = Hand::python();
    for (path, class) in [
        ("src/shop/__init__.py", "source"),
        ("tests/test_price.py", "test"),
        ("pyproject.toml", "locked"),
        ("README.md", "inert"),
        ("Makefile.x", "locked"),
    ] {
        assert_eq!(
            hand.rg(&["explain", path]).ends(0).json()["class"],
            class,
            "{path}"
        );
    }
}
