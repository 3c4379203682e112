//! FULL: the whole suite, the baseline, checks, evidence (SPEC B6, B7, B8).

use super::support::{Hand, Out, TOTAL, TOTAL_TEST};

/// A project whose suite has a test that failed before, implemented and green.
fn implemented(files: &[(&str, &str)]) -> Hand {
    let hand = Hand::python_with(files);
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.rg(&["lock", "T1"]).ends(0);
    hand.append("src/shop/__init__.py", TOTAL);
    hand
}

const FAILS_BEFORE: (&str, &str) = (
    "tests/test_before.py",
    "from shop import price\n\n\ndef test_before():\n    assert price(1) == 7\n",
);

/// The evidence record of a gate.
fn evidence(hand: &Hand, out: &Out) -> serde_json::Value {
    let digest = out.json()["evidence"].as_str().unwrap().to_owned();
    let name = digest.trim_start_matches("sha256:").to_owned() + ".json";
    let file = find(&hand.state, &name).unwrap_or_else(|| panic!("no evidence {name}"));
    let bytes = std::fs::read(file).unwrap();
    let (payload, _) = redgreen_formats::evidence::Envelope::open(&bytes).unwrap();
    assert_eq!(redgreen_core::id::Digest::of(&payload).to_string(), digest);
    let statement: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    statement["predicate"].clone()
}

fn find(folder: &std::path::Path, name: &str) -> Option<std::path::PathBuf> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(Result::unwrap)
        .find_map(|entry| {
            if entry.file_type().unwrap().is_dir() {
                find(&entry.path(), name)
            } else {
                (entry.file_name() == name).then(|| entry.path())
            }
        })
}

#[test]
fn b8_failures_before_the_task_are_accepted_only_with_the_same_ids_and_the_baseline_is_cached() {
    let hand = implemented(&[FAILS_BEFORE]);
    let first = hand.rg(&["full", "T1"]).ends(0);
    assert_eq!(first.test("::test_before")["outcome"], "failed");
    assert!(first.stderr.contains("on the base, once"), "{first:?}");
    let again = hand.plain(&["full", "T1"]).ends(0);
    assert!(!again.stderr.contains("on the base"), "{again:?}");
    assert!(
        again.stdout.contains("full suite run 1 of at most 3 times"),
        "{again:?}"
    );
    // B6, evidence gate: exact command, pass line, recounted cases, last lines.
    let record = evidence(&hand, &first);
    let run = &record["runs"][0]["report"];
    assert!(
        run["command"]
            .as_array()
            .unwrap()
            .iter()
            .any(|word| word == "pytest"),
        "{run}"
    );
    assert!(
        run["pass_line"]
            .as_str()
            .unwrap()
            .contains("1 failed, 3 passed"),
        "{run}"
    );
    assert!(run["tail"].as_array().unwrap().len() >= 3, "{run}");
    assert_eq!(run["cases"].as_array().unwrap().len(), 4);
    assert!(record["environment"].is_string() && record["content_tree"].is_string());
    // Another failure is the task's.
    let broken = hand
        .read("src/shop/__init__.py")
        .replace("return n * 2", "return n * 2 if n != 2 else 5");
    hand.write("src/shop/__init__.py", &broken);
    let out = hand.rg(&["full", "T1"]).ends(10);
    assert!(
        out.reason("suite_failed")
            .contains("tests/test_price.py::test_price")
    );
    assert!(
        !out.json()["reasons"].to_string().contains("test_before"),
        "{out:?}"
    );
    // A failure that is repaired is no failure.
    let right = broken.replace(
        "return n * 2 if n != 2 else 5",
        "return 7 if n == 1 else n * 2",
    );
    hand.write("src/shop/__init__.py", &right);
    let out = hand.rg(&["full", "T1"]);
    assert_eq!(out.test("::test_before")["outcome"], "passed");
}

#[test]
fn b8_a_test_that_differs_between_runs_of_the_base_is_listed_and_halts_nothing() {
    let hand = Hand::python_with(&[(
        "tests/test_coin.py",
        "import os\nimport pytest\n\n\n@pytest.mark.parametrize('n', range(12))\ndef test_coin(n):\n    assert os.urandom(1)[0] % 4\n",
    )]);
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.rg(&["lock", "T1"]).ends(0);
    hand.append("src/shop/__init__.py", TOTAL);
    // Whether a coin that falls now fell on the base is chance; that nothing but a coin is ever held against the task is
    // not, and 12 coins make a silent run of all of them next to impossible.
    let out = hand.rg(&["full", "T1"]);
    for reason in out.json()["reasons"].as_array().unwrap() {
        assert!(
            reason["test"].as_str().unwrap().contains("test_coin"),
            "{reason}"
        );
    }
    // 16: a coin that fell once with the code and never on the base is not decided.
    assert!(matches!(out.code, 0 | 10 | 16), "{out:#?}");
}

#[test]
fn b6_a_test_that_disappears_or_is_skipped_is_named() {
    let hand = implemented(&[(
        "tests/test_cases.py",
        "import pytest\nimport shop\n\n\ndef test_feature():\n    if not getattr(shop, 'feature', True):\n        pytest.skip('no feature')\n    assert True\n",
    )]);
    hand.rg(&["full", "T1"]).ends(0);
    hand.append("src/shop/__init__.py", "\n\nfeature = False\n");
    let out = hand.rg(&["full", "T1"]).ends(10);
    assert!(out.reason("test_skipped").contains("test_feature"));

    let hand = implemented(&[
        ("src/shop/cases.py", "NAMES = ['a', 'b']\n"),
        (
            "tests/test_gen.py",
            "from shop.cases import NAMES\n\nif 'a' in NAMES:\n    def test_a():\n        assert NAMES\n\n\ndef test_always():\n    assert True\n",
        ),
    ]);
    hand.write("src/shop/cases.py", "NAMES = ['b']\n");
    let out = hand.rg(&["full", "T1"]).ends(10);
    assert!(out.reason("test_missing").contains("test_a"));
}

#[test]
fn b6_checks_need_their_exit_code_and_their_words() {
    let hand = implemented(&[(
        "redgreen.toml",
        r#"
[[checks]]
name = "words"
command = ["sh", "-c", "echo 0 problems; exit 3"]
exit_code = 3
must_contain = "0 problems"
must_not_contain = "warning"

[[checks]]
name = "sees the tree"
command = ["grep", "-c", "def total", "src/shop/__init__.py"]

[[checks]]
name = "fails before too"
command = ["grep", "-q", "no such text", "src/shop/__init__.py"]
"#,
    )]);
    let out = hand.rg(&["full", "T1"]).ends(0);
    let note = out.note("check_failed");
    assert!(
        note.contains("fails before too") && note.contains("on the base too"),
        "{note}"
    );
    let record = evidence(&hand, &out);
    assert_eq!(record["checks"][0]["succeeded"], true);
    assert_eq!(record["checks"][1]["command"][0], "grep");
    assert!(
        record["checks"][1]["tool"]
            .as_str()
            .unwrap()
            .contains("sha256:")
    );
    assert_eq!(record["checks"][1]["tail"][0], "1");
    for (check, code, exit, words) in [
        (
            "command = [\"sh\", \"-c\", \"grep -q total src/shop/__init__.py && exit 1; exit 0\"]",
            "check_failed",
            10,
            "failed",
        ),
        (
            "command = [\"cat\", \"src/shop/__init__.py\"]\nmust_contain = \"never there\"",
            "check_failed",
            0,
            "on the base too",
        ),
        (
            "command = [\"no-such-tool\"]",
            "command_not_found",
            11,
            "no-such-tool",
        ),
        (
            "command = [\"sleep\", \"30\"]\ntimeout = \"1s\"",
            "timed_out",
            11,
            "limit",
        ),
        (
            "command = [\"cat\", \"src/shop/__init__.py\"]\nmust_not_contain = \"def total\"",
            "check_failed",
            10,
            "failed",
        ),
    ] {
        let hand = implemented(&[(
            "redgreen.toml",
            &format!("[[checks]]\nname = \"c\"\n{check}\n"),
        )]);
        let out = hand.rg(&["full", "T1"]).ends(exit);
        let text = if exit == 0 {
            out.note(code)
        } else {
            out.reason(code)
        };
        assert!(text.contains(words), "{check}: {text}");
    }
}

#[test]
fn b6_a_suite_that_prints_no_result_line_proves_nothing() {
    let hand = implemented(&[
        (
            "pyproject.toml",
            "[project]\nname = \"shop\"\nversion = \"0.1.0\"\n\n[tool.pytest.ini_options]\npythonpath = [\"src\"]\naddopts = \"-qq --no-summary\"\n",
        ),
        (
            "conftest.py",
            "import pytest\n\n\n@pytest.hookimpl(trylast=True)\ndef pytest_configure(config):\n    reporter = config.pluginmanager.getplugin('terminalreporter')\n    reporter.summary_stats = lambda: None\n",
        ),
    ]);
    let out = hand.rg(&["full", "T1"]).ends(11);
    out.reason("evidence_missing");
}

#[test]
fn b6_suites_run_by_category_in_their_order() {
    let hand = implemented(&[
        (
            "tests/integration/test_all.py",
            "from shop import price\n\n\ndef test_all():\n    assert price(1) == 2\n",
        ),
        (
            "redgreen.toml",
            "[suites.unit]\npaths = [\"tests/*.py\"]\norder = 2\n\n[suites.integration]\npaths = [\"tests/integration/**\"]\norder = 1\n",
        ),
    ]);
    let out = hand.rg(&["full", "T1"]).ends(0);
    let first = out.stderr.find("`integration` with").unwrap();
    let second = out.stderr.find("`unit` with").unwrap();
    assert!(first < second, "{}", out.stderr);
    let record = evidence(&hand, &out);
    let cases = |n: usize| {
        record["runs"][n]["report"]["cases"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((cases(0), cases(1)), (1, 3), "{record}");
}

#[test]
fn b6_the_lock_is_verified_at_full() {
    let hand = implemented(&[]);
    hand.append(
        "tests/test_total.py",
        "\n\ndef test_own():\n    assert True\n",
    );
    let out = hand.rg(&["full", "T1"]).ends(13);
    out.reason("locked_test_edited");
}

#[test]
fn b5_tests_in_source_files_run_at_full_validation() {
    let hand = Hand::rust();
    hand.write(
        "tests/total.rs",
        "#[test]\nfn totals() {\n    assert_eq!(shop::total(&[1, 2]), 6);\n}\n",
    );
    hand.rg(&["lock", "T1"]).ends(0);
    let text = hand.read("src/lib.rs").replace(
        "    #[test]\n",
        "    #[test]\n    fn own() {\n        assert_eq!(total(&[]), 1, \"wrong on purpose\");\n    }\n\n    #[test]\n",
    );
    hand.write(
        "src/lib.rs",
        &format!("pub fn total(list: &[u32]) -> u32 {{\n    list.iter().map(|n| price(*n)).sum()\n}}\n\n{text}"),
    );
    let out = hand.rg(&["green", "T1"]).ends(0);
    assert!(out.note("tests_in_source").contains("own"));
    let out = hand.rg(&["full", "T1"]).ends(10);
    assert!(out.reason("suite_failed").contains("tests::own"), "{out:?}");
    let text = hand
        .read("src/lib.rs")
        .replace("total(&[]), 1, ", "total(&[]), 0, ");
    hand.write("src/lib.rs", &text);
    // `check` runs whichever gate is due: green, then full.
    let out = hand.plain(&["check", "T1"]).ends(0);
    assert!(
        out.stdout.contains("GREEN") && out.stdout.contains("full"),
        "{out:?}"
    );
}

/// The project's own configuration of a tool asks for it; the tool only looks.
#[test]
fn b6_tools_that_the_project_configured_are_run_check_only() {
    let hand = Hand::rust_with(&[
        ("rustfmt.toml", "max_width = 90\n"),
        ("pyrightconfig.json", "{}\n"),
    ]);
    let init = hand.plain(&["init", "--dry-run"]);
    assert!(
        init.stdout.contains("rustfmt: cargo fmt --all --check"),
        "{init:#?}"
    );
    let test = "#[test]\nfn it() {\n    assert_eq!(shop::half(4), 2);\n}\n";
    hand.write("tests/half.rs", test);
    hand.rg(&["lock", "T1"]).ends(0);
    let source = hand.read("src/lib.rs");
    let ugly = "pub fn half(n: u32)   -> u32 { n / 2 }\n";
    hand.write("src/lib.rs", &(source.clone() + ugly));
    hand.rg(&["green", "T1"]).ends(0);
    let out = hand.rg(&["full", "T1"]).ends(10);
    let reason = out.reason("check_failed");
    assert!(reason.contains("run `cargo fmt --all`"), "{reason}");
    assert_eq!(
        hand.read("src/lib.rs"),
        source.clone() + ugly,
        "a gate repairs nothing"
    );
    let tidy = "\npub fn half(n: u32) -> u32 {\n    n / 2\n}\n";
    let lib = source.replace("\n#[cfg(test)]", &format!("{tidy}\n#[cfg(test)]"));
    hand.write("src/lib.rs", &lib);
    hand.rg(&["green", "T1"]).ends(0);
    let out = hand.rg(&["full", "T1"]).ends(0);
    // A tool that is not installed is said, and holds nothing up.
    assert!(out.note("command_not_found").contains("pyright"));
}
