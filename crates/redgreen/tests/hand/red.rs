//! RED on a person's working tree (SPEC B3, B3a, G6).

use super::support::{Hand, TOTAL, TOTAL_TEST};

#[test]
fn g6_code_already_begun_does_not_spoil_red() {
    let hand = Hand::python();
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.append("src/shop/__init__.py", TOTAL);
    let out = hand.rg(&["red", "T1"]).ends(0);
    let test = out.test("test_total.py::test_total");
    assert_eq!(test["cause"], "missing_symbol");
    assert_eq!(test["role"], "required");
    assert_eq!(out.json()["verdict"], "pass");
    // The same with the implementation in a new file, and with one that the working tree deletes.
    hand.write("src/shop/extra.py", "x = 1\n");
    hand.git(&["checkout", "-q", "src/shop/__init__.py"]);
    hand.rg(&["red"]).ends(0);
}

#[test]
fn g6_source_that_is_deleted_or_renamed_in_the_working_tree_stays_at_red() {
    let hand = Hand::python_with(&[("src/shop/cart.py", "def cart():\n    return []\n")]);
    hand.write(
        "tests/test_cart.py",
        "from shop.cart import cart\n\n\ndef test_cart():\n    assert cart() == [1]\n",
    );
    hand.git(&["mv", "src/shop/cart.py", "src/shop/basket.py"]);
    let out = hand.rg(&["red", "tests/test_cart.py"]).ends(0);
    assert_eq!(out.test("::test_cart")["cause"], "assertion");
}

#[test]
fn g6_a_dirty_verdict_file_stops_red_with_15_and_what_to_do() {
    let hand = Hand::python_with(&[("Makefile", "all:\n"), ("conftest.py", "\n")]);
    hand.write("tests/test_total.py", TOTAL_TEST);
    for path in ["pyproject.toml", "conftest.py", "Makefile"] {
        hand.append(path, "# changed\n");
        let out = hand.rg(&["red"]).ends(15);
        let json = out.json();
        assert_eq!(json["schema"], "redgreen.error/1");
        assert!(json["message"].as_str().unwrap().contains(path), "{json}");
        assert!(json["help"].as_str().unwrap().contains("git "), "{json}");
        assert_eq!(json["code"], "dirty_verdict_file");
        assert!(
            !out.stderr.contains("running"),
            "it stops before anything runs"
        );
        hand.git(&["checkout", "-q", path]);
    }
    let hand = Hand::rust();
    hand.write(
        "tests/total.rs",
        "#[test]\nfn total() { assert_eq!(shop::total(), 1); }\n",
    );
    hand.append("Cargo.toml", "\n[dependencies]\n");
    hand.rg(&["red"]).ends(15).says("Cargo.toml");
}

#[test]
fn g6_inert_files_are_ignored_and_untracked_harmless_ones_are_remembered() {
    let hand = Hand::python_with(&[("README.md", "shop\n")]);
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.append("README.md", "more\n");
    hand.write("notes.txt", "mine\n");
    hand.rg(&["lock", "T1"]).ends(0);
    hand.append("src/shop/__init__.py", TOTAL);
    hand.rg(&["green", "T1"]).ends(0);
    // The same file with other content is a change of the implementer's time: out of scope, not tampering.
    hand.write("notes.txt", "other\n");
    let out = hand.rg(&["green", "T1"]).ends(10);
    assert!(out.reason("out_of_scope").contains("notes.txt"));
}

#[test]
fn b3_an_unnamed_red_takes_files_and_ids() {
    let hand = Hand::python();
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.write(
        "tests/test_other.py",
        "from shop import price\n\n\ndef test_passes_already():\n    assert price(1) == 2\n",
    );
    assert_eq!(hand.rg(&["red"]).ends(10).codes(), ["not_red"]);
    let out = hand.rg(&["red", "tests/test_total.py"]).ends(0);
    assert_eq!(out.json()["task"], serde_json::Value::Null);
    assert_eq!(out.json()["tests"].as_array().unwrap().len(), 2);
    let out = hand
        .rg(&["red", "tests/test_total.py::test_nothing"])
        .ends(0);
    assert_eq!(out.json()["tests"].as_array().unwrap().len(), 1, "{out:?}");
}

#[test]
fn b3a_each_criterion_needs_a_red_test_and_a_single_one_needs_no_map() {
    let hand = Hand::python();
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.plan("T1", &["AC-1: totals", "AC-2: nothing is 0"], "");
    let out = hand.rg(&["red", "T1"]).ends(10);
    assert_eq!(
        out.codes(),
        ["criterion_without_red", "criterion_without_red"]
    );
    assert!(
        out.reason("criterion_without_red")
            .contains("--covers AC-1=")
    );
    hand.rg(&[
        "red",
        "T1",
        "--covers",
        "AC-1=tests/test_total.py::test_total",
        "--covers",
        "AC-2=tests/test_total.py::test_nothing",
    ])
    .ends(0);
    // What was said at `red` holds at `lock`.
    let out = hand.rg(&["lock", "T1"]).ends(0);
    assert_eq!(out.json()["tests"], 2);
    let map = hand.read(".redgreen/criteria/T1.json");
    assert!(
        map.contains("AC-2") && map.contains("test_nothing"),
        "{map}"
    );

    let hand = Hand::python();
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.plan("T1", &["AC-1: totals"], "");
    hand.rg(&["red", "T1"]).ends(0);
}

#[test]
fn b3a_the_map_file_is_read_and_what_it_names_must_exist() {
    let hand = Hand::python();
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.plan("T1", &["AC-1: totals", "AC-2: nothing is 0"], "");
    hand.write(
        ".redgreen/criteria/T1.json",
        r#"{"AC-1": [{"test": "tests/test_total.py::test_totl"}], "AC-9": [{"test": "tests/test_total.py::test_nothing"}]}"#,
    );
    let out = hand.rg(&["red", "T1"]).ends(10);
    let text = out.stdout.clone();
    assert!(
        text.contains("AC-9") && text.contains("test_totl"),
        "{text}"
    );
    hand.write(
        ".redgreen/criteria/T1.json",
        r#"{"AC-1": [{"test": "tests/test_total.py::test_total"}], "AC-2": [{"test": "tests/test_total.py::test_nothing"}]}"#,
    );
    hand.rg(&["red", "T1"]).ends(0);
    hand.write(".redgreen/criteria/T1.json", "{\"AC-1\": [");
    // The map is the author's, as the tests are: what is wrong with it is a reason of the gate, not an ending of the run.
    let reason = hand
        .rg(&["red", "T1"])
        .ends(10)
        .reason("criteria_map_invalid");
    assert!(
        reason.contains("T1.json") && reason.contains("\"line\":1"),
        "{reason}"
    );
}

#[test]
fn b3_a_test_that_passes_on_the_base_is_refused_unless_it_is_declared_a_guard() {
    let hand = Hand::python();
    hand.write(
        "tests/test_total.py",
        &(TOTAL_TEST.to_owned()
            + "\n\ndef test_guard():\n    from shop import price\n    assert price(0) == 0\n"),
    );
    // The whole file cannot load, so its tests cannot be told apart: the guard stands in a file of its own.
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.write(
        "tests/test_guard.py",
        "from shop import price\n\n\ndef test_guard():\n    assert price(0) == 0\n",
    );
    let out = hand.rg(&["red", "T1"]).ends(10);
    assert!(
        out.reason("not_red")
            .contains("--guard 'tests/test_guard.py::test_guard'")
    );
    let out = hand
        .rg(&["red", "T1", "--guard", "tests/test_guard.py::test_guard"])
        .ends(0);
    assert_eq!(out.test("::test_guard")["role"], "guard");
    hand.rg(&["red", "T1", "--guard-passing"]).ends(0);
    // A guard satisfies no criterion.
    hand.plan("T2", &["AC-1: a", "AC-2: b"], "");
    let out = hand
        .rg(&[
            "red",
            "T2",
            "--guard",
            "tests/test_guard.py::test_guard",
            "--covers",
            "AC-1=tests/test_total.py::test_total",
            "--covers",
            "AC-2=tests/test_guard.py::test_guard",
        ])
        .ends(10);
    assert_eq!(out.codes(), ["criterion_without_red"]);
}

#[test]
fn b3_skips_xfails_and_tests_that_always_fail_are_refused() {
    let hand = Hand::python();
    for (name, body, code) in [
        (
            "skip",
            "@pytest.mark.skip\ndef test_a():\n    assert total([]) == 0\n",
            "skipped_test",
        ),
        (
            "xfail",
            "@pytest.mark.xfail\ndef test_a():\n    assert price(1) == 3\n",
            "skipped_test",
        ),
        (
            "inner skip",
            "def test_a():\n    pytest.skip('later')\n",
            "skipped_test",
        ),
        (
            "always fails",
            "def test_a():\n    assert False\n",
            "broken_test",
        ),
        (
            "pytest.fail",
            "def test_a():\n    pytest.fail('not done')\n",
            "broken_test",
        ),
        ("empty", "def test_a():\n    pass\n", "broken_test"),
        (
            "fixture",
            "def test_a(no_such_fixture):\n    assert price(1) == 3\n",
            "broken_test",
        ),
        (
            "name error",
            "def test_a():\n    assert prise(1) == 3\n",
            "broken_test",
        ),
        (
            "syntax",
            "def test_a(:\n    assert price(1) == 3\n",
            "broken_test",
        ),
        (
            "dependency",
            "import not_a_package\n\n\ndef test_a():\n    assert price(1) == 3\n",
            "broken_test",
        ),
        (
            "duplicate",
            "def test_a():\n    assert price(1) == 3\n\n\ndef test_a():\n    assert price(1) == 4\n",
            "duplicate_test",
        ),
        (
            "placeholder",
            "def test_a():\n    assert price(1) == 'REDGREEN_PLACEHOLDER'\n",
            "placeholder",
        ),
    ] {
        hand.write(
            "tests/test_a.py",
            &format!("import pytest\nfrom shop import price\n\n\n{body}"),
        );
        let out = hand.rg(&["red"]);
        assert_eq!(out.code, 10, "{name}: {out:#?}");
        assert!(out.codes().contains(&code.to_owned()), "{name}: {out:#?}");
    }
}

#[test]
fn b3_a_slip_of_the_finger_and_a_wrong_import_are_questions_or_refusals() {
    let hand = Hand::python_with(&[(
        "src/shop/cart.py",
        "def calculate_total(n):\n    return n\n",
    )]);
    hand.write(
        "tests/test_a.py",
        "from shop.cart import calculate_totl\n\n\ndef test_a():\n    assert calculate_totl(1) == 2\n",
    );
    let out = hand.rg(&["red", "T1"]).ends(16);
    let reason = out.reason("unclear_red");
    assert!(
        reason.contains("did you mean `calculate_total`?"),
        "{reason}"
    );
    let id = "tests/test_a.py::test_a";
    assert!(reason.contains(&format!("--accept '{id}'")), "{reason}");
    hand.rg(&["red", "T1", "--accept", id]).ends(0);
    // Announced by the plan: no question.
    hand.plan(
        "T2",
        &["AC-1: a"],
        ", \"new_symbols\": [\"calculate_totl\"]",
    );
    hand.rg(&["red", "T2"]).ends(0);
    // What exists elsewhere is imported from the wrong place.
    hand.write(
        "tests/test_a.py",
        "from shop import calculate_total\n\n\ndef test_a():\n    assert calculate_total(1) == 2\n",
    );
    let out = hand.rg(&["red", "T3"]).ends(10);
    assert!(out.reason("broken_test").contains("src/shop/cart.py"));
}

#[test]
fn b3_an_exception_of_test_code_is_unclear_and_ends_16_until_a_person_accepts_it() {
    let hand = Hand::python();
    hand.write(
        "tests/test_a.py",
        "from shop import price\n\n\ndef test_a():\n    assert {}['total'] == price(1)\n",
    );
    let out = hand.rg(&["red"]).ends(16);
    assert_eq!(out.codes(), ["unclear_red"]);
    hand.rg(&["red", "--accept", "tests/test_a.py::test_a"])
        .ends(0);
}

#[test]
fn b3_removed_tests_need_supersedes_and_moved_ones_do_not() {
    let hand = Hand::python_with(&[(
        "tests/test_old.py",
        "from shop import price\n\n\ndef test_old():\n    assert price(3) == 6\n",
    )]);
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.remove("tests/test_old.py");
    let out = hand.rg(&["red", "T1"]).ends(10);
    let reason = out.reason("test_removed");
    assert!(
        reason.contains("--supersedes 'tests/test_old.py::test_old'"),
        "{reason}"
    );
    hand.rg(&["red", "T1", "--supersedes", "tests/test_old.py::test_old"])
        .ends(0);
    hand.write(
        "tests/test_moved.py",
        "from shop import price\n\n\ndef test_old():\n    assert price(3) == 6\n",
    );
    hand.rg(&["red"]).ends(0);
}

#[test]
fn b3_changed_data_turns_old_tests_red_and_required() {
    let hand = Hand::python_with(&[
        ("tests/data/cases.txt", "1 2\n"),
        (
            "tests/test_data.py",
            "import pathlib\nfrom shop import price\n\n\ndef test_cases():\n    for line in pathlib.Path(__file__).with_name('data').joinpath('cases.txt').read_text().splitlines():\n        a, b = line.split()\n        assert price(int(a)) == int(b)\n",
        ),
    ]);
    hand.append("tests/data/cases.txt", "2 5\n");
    let out = hand.rg(&["lock", "T1"]).ends(0);
    assert_eq!(out.test("::test_cases")["role"], "required");
    hand.write(
        "src/shop/__init__.py",
        "def price(n):\n    return {1: 2, 2: 5}[n]\n",
    );
    // Another locked-out test of the same folder is not run at GREEN.
    hand.rg(&["green", "T1"]).ends(0);
}

#[test]
fn b3_the_same_bytes_with_other_results_are_flaky() {
    let hand = Hand::python();
    // 64 coins: the chance that two runs agree is nil.
    hand.write(
        "tests/test_a.py",
        "import os\nimport pytest\nfrom shop import price\n\n\n@pytest.mark.parametrize('n', range(64))\ndef test_a(n):\n    assert price(1) == 2 + os.urandom(1)[0] % 2\n",
    );
    let out = hand.rg(&["red"]).ends(16);
    assert!(out.codes().contains(&"flaky".to_owned()), "{out:?}");
    assert_eq!(out.json()["verdict"], "flaky");
}

#[test]
fn b3_a_new_fixture_must_not_break_another_test() {
    let hand = Hand::python();
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.write(
        "tests/conftest.py",
        "import pytest\n\n\n@pytest.fixture(autouse=True)\ndef settings():\n    return {}['shop']\n",
    );
    let out = hand.rg(&["red"]).ends(10);
    assert!(out.reason("collateral_broken").contains("test_price"));
}

#[test]
fn b3_tests_that_cannot_load_because_of_the_missing_symbol_are_blocked_and_locked() {
    let hand = Hand::python();
    hand.write(
        "tests/test_price.py",
        "from shop import price, total\n\n\ndef test_price():\n    assert price(2) == 4\n\n\ndef test_total():\n    assert total([1]) == 2\n",
    );
    let out = hand.rg(&["lock", "T1"]).ends(0);
    assert_eq!(out.test("::test_price")["outcome"], "blocked");
    assert_eq!(out.json()["tests"], 2);
    // It must pass again at GREEN.
    hand.write(
        "src/shop/__init__.py",
        "def price(n):\n    return n\n\n\ndef total(list):\n    return 2\n",
    );
    let out = hand.rg(&["green", "T1"]).ends(10);
    assert!(out.reason("test_failed").contains("test_price"));
}

#[test]
fn b1_a_missing_plugin_and_a_missing_service_could_not_run_and_no_test_is_no_pass() {
    let hand = Hand::python_with(&[(
        "pyproject.toml",
        "[project]\nname = \"shop\"\nversion = \"0.1.0\"\n\n[tool.pytest.ini_options]\npythonpath = [\"src\"]\nrequired_plugins = [\"pytest-not-there\"]\n",
    )]);
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.rg(&["red"]).ends(11);

    let hand = Hand::python();
    hand.write(
        "tests/test_total.py",
        "from shop import total\n\n\ndef check_total():\n    assert total([]) == 0\n",
    );
    let out = hand.rg(&["red"]).ends(10);
    // No item of the file is a test: that is known before anything runs.
    assert_eq!(out.codes(), ["no_tests"]);

    let hand = Hand::python();
    hand.write(
        "tests/test_service.py",
        "import socket\nfrom shop import price\n\n\ndef test_service():\n    socket.create_connection(('127.0.0.1', 1), timeout=1)\n    assert price(1) == 3\n",
    );
    let out = hand.rg(&["red"]).ends(11);
    assert_eq!(out.json()["verdict"], "could_not_run");
}

#[test]
fn g3_a_missing_runner_is_15_with_the_line_to_type() {
    let hand = Hand::with(&[
        (
            "pyproject.toml",
            "[project]\nname = \"shop\"\nversion = \"0.1.0\"\n",
        ),
        ("shop.py", "x = 1\n"),
    ]);
    hand.write("tests/test_a.py", "def test_a():\n    assert 1 == 2\n");
    let made = std::process::Command::new("python3")
        .args(["-m", "venv", "--without-pip"])
        .arg(hand.path(".venv"))
        .status();
    assert!(made.unwrap().success());
    let out = hand.rg(&["red"]).ends(15);
    assert!(
        out.json()["help"]
            .as_str()
            .unwrap()
            .contains("-m pip install pytest"),
        "{out:?}"
    );
    let hand = Hand::rust();
    hand.write(
        "tests/t.rs",
        "#[test]\nfn t() { assert_eq!(shop::price(1), 3); }\n",
    );
    // A search path with nothing on it but git.
    let which = std::process::Command::new("sh")
        .args(["-c", "command -v git"])
        .output()
        .unwrap();
    let bin = hand.home.join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::os::unix::fs::symlink(
        String::from_utf8(which.stdout).unwrap().trim(),
        bin.join("git"),
    )
    .unwrap();
    hand.plain_with(
        &["red"],
        &[
            ("PATH", bin.to_str().unwrap()),
            ("HOME", "/nonexistent"),
            ("CARGO_HOME", "/nonexistent"),
            ("RUSTUP_HOME", "/nonexistent"),
        ],
    )
    .ends(15)
    .says("rustup");
    let hand = Hand::with(&[("README.md", "nothing\n")]);
    hand.rg(&["red"]).ends(15).says("[runner]");
    let hand = Hand::empty();
    hand.rg(&["red"]).ends(15).says("git add -A && git commit");
}

/// Purpose: the new name at the top of the file keeps every test of it from running, and hid the slip until GREEN.
#[test]
fn b3_a_slip_below_an_import_that_fails_is_seen() {
    let hand = Hand::python();
    let text = "from shop import total\n\n\ndef test_total():\n    value = total([2])\n    assert valeu == 2\n";
    hand.write("tests/test_total.py", text);
    let out = hand.rg(&["red", "T1"]).ends(10);
    let reason = out.reason("broken_test");
    assert!(reason.contains("`valeu` is defined nowhere"), "{reason}");
    assert!(reason.contains("\"line\":6"), "{reason}");
    hand.write("tests/test_total.py", &text.replace("valeu", "value"));
    hand.rg(&["red", "T1"]).ends(0);
    // A project may make names where no file shows it: one that the base uses too is not judged.
    hand.write("tests/test_old.py", "def helper():\n    return injected\n");
    hand.commit("old");
    hand.write(
        "tests/test_total.py",
        &text.replace("valeu", "injected or value"),
    );
    hand.rg(&["red", "T1"]).ends(0);
}

/// Purpose: a package that is not installed was taken for a module that is still to be written (marshmallow, `pytz`).
#[test]
fn b3_a_file_that_does_not_load_on_the_base_either_is_no_red() {
    // In a conftest, because that fails before the adapter knows what the project has.
    let hand = Hand::python_with(&[
        ("tests/conftest.py", "import zones\n"),
        ("tests/test_zone.py", "def test_zone():\n    pass\n"),
    ]);
    hand.append(
        "tests/test_zone.py",
        "\n\ndef test_other():\n    from shop import other\n    assert other() == 1\n",
    );
    let out = hand.rg(&["red", "T1"]).ends(11);
    let reason = out.reason("broken_base");
    assert!(reason.contains("zones"), "{reason}");
}
