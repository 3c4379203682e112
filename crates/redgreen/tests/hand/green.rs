//! GREEN in a clean tree (SPEC B5, C1, C3, G6).

use super::support::{Hand, TOTAL, TOTAL_TEST};
use std::os::unix::fs::symlink;

fn locked() -> Hand {
    locked_with(&[])
}

fn locked_with(files: &[(&str, &str)]) -> Hand {
    let hand = Hand::python_with(files);
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.rg(&["lock", "T1"]).ends(0);
    hand
}

#[test]
fn g6_green_takes_the_working_trees_sources_committed_or_not() {
    let hand = locked();
    let out = hand.rg(&["green", "T1"]).ends(10);
    assert_eq!(out.codes(), ["test_failed", "test_failed"]);
    hand.append("src/shop/__init__.py", TOTAL);
    let out = hand.rg(&["green", "T1"]).ends(0);
    assert_eq!(out.json()["tests"].as_array().unwrap().len(), 2);
    assert_eq!(out.json()["controls"][0]["kind"], "red_control");
    hand.commit("feat: total");
    hand.rg(&["green", "T1"]).ends(0);
    // A wrong one fails.
    let wrong = hand.read("src/shop/__init__.py").replace("sum(", "len(");
    hand.write("src/shop/__init__.py", &wrong);
    hand.rg(&["green", "T1"]).ends(10);
}

#[test]
fn b5_what_is_not_a_pass_of_exactly_the_locked_tests_is_none() {
    let hand = locked();
    let begun = hand.read("src/shop/__init__.py");
    for (name, code, exits) in [
        ("exit", "\nimport os\nos._exit(0)\n", &[10, 11][..]),
        (
            "exit in the function",
            "\n\ndef total(list):\n    import os\n    print('2 passed')\n    os._exit(0)\n",
            &[10, 11],
        ),
        (
            "sys.exit",
            "\n\ndef total(list):\n    raise SystemExit(0)\n",
            &[10, 11],
        ),
        (
            "skip",
            "\n\ndef total(list):\n    import pytest\n    pytest.skip('later')\n",
            &[10],
        ),
        ("prints", "\nprint('=== 2 passed in 0.01s ===')\n", &[10]),
        (
            "equal to everything",
            "\nimport sys\nsys.modules['pytest'].main = lambda *a: 0\n",
            &[10, 11, 13],
        ),
    ] {
        hand.write("src/shop/__init__.py", &format!("{begun}{code}"));
        let out = hand.rg(&["green", "T1"]);
        assert!(exits.contains(&out.code), "{name}: {out:#?}");
        assert_ne!(out.json()["verdict"], "pass", "{name}");
    }
}

#[test]
fn b5_edits_of_locked_tests_and_planted_runner_files_are_rejected_with_the_difference() {
    let hand = locked();
    hand.append("src/shop/__init__.py", TOTAL);
    for (path, text) in [
        (
            "tests/test_total.py",
            "def test_total():\n    assert True\n",
        ),
        ("conftest.py", "collect_ignore = ['tests']\n"),
        (
            "tests/conftest.py",
            "def pytest_collection_modifyitems(items):\n    items.clear()\n",
        ),
        ("pytest.ini", "[pytest]\naddopts = --collect-only\n"),
        ("src/sitecustomize.py", "import os\n"),
        ("src/shop/conftest.py", "x = 1\n"),
        ("src/evil.pth", "import os\n"),
        ("tests/test_more.py", "def test_more():\n    pass\n"),
        ("setup.cfg", "[tool:pytest]\naddopts = -x\n"),
    ] {
        hand.write(path, text);
        let out = hand.rg(&["green", "T1"]).ends(13);
        let reasons = out.json()["reasons"].to_string();
        assert!(
            reasons.contains(&format!("\"path\":\"{path}\"")),
            "{path}: {reasons}"
        );
        assert!(
            reasons.contains("\"diff\":\"+ ") || reasons.contains("\"diff\":\"- "),
            "{path}: {reasons}"
        );
        assert!(
            reasons.contains("redgreen locks restore T1"),
            "{path}: {reasons}"
        );
        hand.rg(&["locks", "restore", "T1"]).ends(0);
        hand.rg(&["locks", "verify", "T1"]).ends(0);
    }
    hand.rg(&["green", "T1"]).ends(0);
}

#[test]
fn c1_links_and_hard_links_are_refused_and_nothing_behind_them_is_read() {
    let hand = locked();
    hand.append("src/shop/__init__.py", TOTAL);
    let secret = hand.home.join("secret.py");
    std::fs::write(&secret, "def total(list):\n    return 6\n").unwrap();
    symlink(&secret, hand.path("src/shop/linked.py")).unwrap();
    let out = hand.rg(&["green", "T1"]).ends(13);
    assert!(out.reason("forbidden_file").contains("symbolic link"));
    hand.remove("src/shop/linked.py");
    std::fs::hard_link(&secret, hand.path("src/shop/hard.py")).unwrap();
    let out = hand.rg(&["green", "T1"]).ends(13);
    assert!(out.reason("forbidden_file").contains("hard link"));
    hand.remove("src/shop/hard.py");
    let pipe = hand.path("src/shop/pipe.py");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let out = hand.rg(&["green", "T1"]).ends(13);
    assert!(out.reason("forbidden_file").contains("pipe.py"));
    hand.remove("src/shop/pipe.py");
    hand.write("src/shop/__INIT__.py", "x = 1\n");
    let out = hand.rg(&["green", "T1"]).ends(13);
    assert!(out.reason("forbidden_file").contains("same name as"));
    hand.remove("src/shop/__INIT__.py");
    hand.write("src/shop/_fast.so", "no source");
    let out = hand.rg(&["green", "T1"]).ends(13);
    assert!(out.reason("forbidden_file").contains("_fast.so"));
    hand.remove("src/shop/_fast.so");
    hand.rg(&["green", "T1"]).ends(0);
}

#[test]
fn c1_caches_of_a_project_that_ignores_nothing_are_neither_locked_nor_judged() {
    let hand = Hand::python_with(&[(".gitignore", ".venv\n")]);
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.write("tests/__pycache__/test_total.cpython-311.pyc", "1");
    hand.write("src/shop/__pycache__/x.pyc", "1");
    hand.rg(&["lock", "T1"]).ends(0);
    assert_eq!(
        hand.git(&["diff", "--name-only", "HEAD~1", "HEAD"]),
        ".redgreen/locks/T1.json\ntests/test_total.py"
    );
    hand.append("src/shop/__init__.py", TOTAL);
    hand.write("tests/__pycache__/test_total.cpython-311.pyc", "2");
    hand.write("src/shop/__pycache__/x.pyc", "2");
    hand.rg(&["green", "T1"]).ends(0);
}

#[test]
fn b5_a_harmless_file_outside_is_out_of_scope_and_left_overs_and_formatting_are_left_out() {
    let hand = locked();
    hand.append("src/shop/__init__.py", TOTAL);
    hand.write("scratch.txt", "notes\n");
    let out = hand.rg(&["green", "T1"]).ends(10);
    let reason = out.reason("out_of_scope");
    assert!(
        reason.contains("scratch.txt") && reason.contains("drop it"),
        "{reason}"
    );
    hand.remove("scratch.txt");
    hand.write("src/shop/__pycache__/x.pyc", "no");
    hand.write(".pytest_cache/v/x", "no");
    hand.write(".coverage", "no");
    hand.write("README.md", "shop\n");
    let formatted = TOTAL_TEST.replace("total([1, 2]) == 6", "total(\n        [1, 2]\n    ) == 6");
    hand.write("tests/test_total.py", &formatted);
    let out = hand.rg(&["green", "T1"]).ends(0);
    let notes = out.json()["notes"].to_string();
    assert!(notes.contains("README.md"), "{notes}");
    assert!(notes.contains("differs only in formatting"), "{notes}");
}

#[test]
fn b5_formatting_of_a_string_is_no_formatting() {
    let hand = Hand::python();
    hand.write(
        "tests/test_total.py",
        "from shop import total\n\n\ndef test_total():\n    assert total('a b,c') == 6\n",
    );
    hand.rg(&["lock", "T1"]).ends(0);
    hand.append(
        "src/shop/__init__.py",
        "\n\ndef total(text):\n    return 6\n",
    );
    let edited = hand.read("tests/test_total.py").replace("a b,c", "abc");
    hand.write("tests/test_total.py", &edited);
    hand.rg(&["green", "T1"]).ends(13);
}

#[test]
fn b5_parameters_may_grow_and_must_not_shrink() {
    let hand = Hand::python_with(&[("src/shop/cases.py", "CASES = [1, 2]\n")]);
    hand.write(
        "tests/test_a.py",
        "import pytest\nfrom shop import price\nfrom shop.cases import CASES\n\n\n@pytest.mark.parametrize('n', CASES)\ndef test_a(n):\n    assert price(n) == n * 3\n",
    );
    hand.rg(&["lock", "T1"]).ends(0);
    hand.write("src/shop/__init__.py", "def price(n):\n    return n * 3\n");
    hand.write("src/shop/cases.py", "CASES = [1]\n");
    let out = hand.rg(&["green", "T1"]).ends(10);
    assert!(out.reason("test_missing").contains("test_a[2]"));
    hand.write("src/shop/cases.py", "CASES = [1, 2, 3]\n");
    hand.rg(&["green", "T1"]).ends(0);
}

#[test]
fn b5_a_hook_in_the_source_that_deselects_or_skips_locked_tests_is_no_way_through() {
    let hand = locked_with(&[(
        "conftest.py",
        "import shop\n\n\ndef pytest_collection_modifyitems(config, items):\n    hook = getattr(shop, 'hook', None)\n    if hook:\n        hook(config, items)\n",
    )]);
    hand.append(
        "src/shop/__init__.py",
        "\n\ndef total(list):\n    return 0\n\n\ndef hook(config, items):\n    gone = [i for i in items if 'total' in i.name]\n    config.hook.pytest_deselected(items=gone)\n    items[:] = [i for i in items if i not in gone]\n",
    );
    let out = hand.rg(&["green", "T1"]);
    assert!(matches!(out.code, 10 | 11), "{out:#?}");
    hand.write(
        "src/shop/__init__.py",
        "import pytest\n\n\ndef price(n):\n    return n * 2\n\n\ndef total(list):\n    return 0\n\n\ndef hook(config, items):\n    for i in items:\n        i.add_marker(pytest.mark.skip)\n",
    );
    let out = hand.rg(&["green", "T1"]).ends(10);
    out.reason("test_skipped");
}

#[test]
fn b5_scope_narrows_where_the_implementer_writes() {
    let hand = Hand::python_with(&[("src/shop/cart.py", "x = 1\n")]);
    hand.plan(
        "T1",
        &["AC-1: a"],
        ", \"scope\": [\"src/shop/__init__.py\"]",
    );
    hand.commit("plan");
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.rg(&["lock", "T1"]).ends(0);
    hand.append("src/shop/__init__.py", TOTAL);
    hand.rg(&["green", "T1"]).ends(0);
    hand.write("src/shop/cart.py", "x = 2\n");
    let out = hand.rg(&["green", "T1"]).ends(10);
    assert!(out.reason("out_of_scope").contains("src/shop/cart.py"));
    // Plan files are no content: editing one changes nothing here.
    hand.remove("src/shop/cart.py");
    hand.git(&["checkout", "-q", "src/shop/cart.py"]);
    let plan = hand
        .read("docs/plans/shop.json")
        .replace("\"n\"", "\"renamed\"");
    hand.write("docs/plans/shop.json", &plan);
    hand.rg(&["green", "T1"]).ends(0);
}

#[test]
fn g6_unrelated_commits_after_the_lock_are_judged_sensibly() {
    let hand = locked_with(&[("src/shop/cart.py", "x = 1\n")]);
    hand.write("docs/guide.md", "# guide\n");
    hand.write("src/shop/cart.py", "x = 2\n");
    hand.commit("docs and another module");
    hand.append("src/shop/__init__.py", TOTAL);
    hand.rg(&["green", "T1"]).ends(0);
    // A teammate's test and configuration: a change, and the message says what to do.
    hand.write("tests/test_theirs.py", "def test_theirs():\n    assert 1\n");
    hand.append("pyproject.toml", "addopts = \"-q\"\n");
    hand.git(&["add", "tests/test_theirs.py", "pyproject.toml"]);
    hand.git(&["commit", "-qm", "theirs"]);
    let out = hand.rg(&["green", "T1"]).ends(13);
    for code in ["lock_added", "lock_modified"] {
        let reason = out.reason(code);
        assert!(reason.contains("redgreen amend T1"), "{reason}");
        assert!(reason.contains("committed after the lock"), "{reason}");
    }
    hand.rg(&["amend", "T1", "--reason", "merged main"]).ends(0);
    hand.rg(&["green", "T1"]).ends(0);
}

#[test]
fn c3_an_environment_that_changed_since_the_lock_is_rejected_naming_the_file() {
    let hand = Hand::python();
    // An environment of its own, with a package that is edited after the lock.
    hand.remove(".venv");
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .arg(super::support::virtual_environment())
        .arg(hand.path(".venv"))
        .status()
        .unwrap();
    assert!(copied.success());
    let lib = std::fs::read_dir(hand.path(".venv/lib"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let module = lib.join("site-packages/helperlib.py");
    std::fs::write(&module, "VALUE = 1\n").unwrap();
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.rg(&["lock", "T1"]).ends(0);
    hand.append("src/shop/__init__.py", TOTAL);
    hand.rg(&["green", "T1"]).ends(0);
    std::fs::write(&module, "VALUE = 2\n").unwrap();
    let out = hand.rg(&["green", "T1"]).ends(13);
    let reason = out.reason("environment_changed");
    assert!(reason.contains("helperlib.py"), "{reason}");
    std::fs::write(&module, "VALUE = 1\n").unwrap();
    hand.rg(&["green", "T1"]).ends(0);
}

#[test]
fn c3_variables_of_the_user_do_not_reach_the_tests() {
    let hand = Hand::python();
    hand.write(
        "tests/test_a.py",
        "import os\nfrom shop import total\n\n\ndef test_a():\n    assert 'SECRET_OF_MINE' not in os.environ\n    assert os.environ['HOME'] != os.path.expanduser('~root')\n    assert total() == os.environ.get('PYTHONHASHSEED')\n",
    );
    let secret = [
        ("SECRET_OF_MINE", "1"),
        ("PYTHONHASHSEED", "7"),
        ("PYTEST_ADDOPTS", "--collect-only"),
    ];
    let out = hand.plain_with(&["--format", "json", "lock", "T1"], &secret);
    out.ends(0);
    hand.append("src/shop/__init__.py", "\n\ndef total():\n    return '0'\n");
    hand.plain_with(&["green", "T1"], &secret).ends(0);
}

#[test]
fn b5_rust_ends_early_prints_and_planted_files_are_no_pass() {
    let lib = "pub fn price(n: u32) -> u32 {\n    n * 2\n}\n";
    let tests = "\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn totals() {\n        assert_eq!(total(&[1, 2]), 6);\n    }\n}\n";
    let hand = Hand::rust_with(&[("src/lib.rs", lib)]);
    hand.write("src/lib.rs", &format!("{lib}{tests}"));
    hand.rg(&["lock", "T1"]).ends(0);
    let with = |body: &str| {
        hand.write(
            "src/lib.rs",
            &format!("{lib}\npub fn total(list: &[u32]) -> u32 {{\n    {body}\n}}\n{tests}"),
        );
    };
    with("println!(\"test result: ok. 1 passed\"); std::process::exit(0)");
    let out = hand.rg(&["green", "T1"]);
    assert!(matches!(out.code, 10 | 11), "{out:#?}");
    with("list.len() as u32");
    hand.rg(&["green", "T1"]).ends(10).says("totals");
    with("list.iter().map(|n| price(*n)).sum()");
    hand.rg(&["green", "T1"]).ends(0);
    for (path, text) in [
        (
            ".cargo/config.toml",
            "[build]\nrustflags = [\"--cfg\", \"x\"]\n",
        ),
        ("build.rs", "fn main() {}\n"),
        (
            "rust-toolchain.toml",
            "[toolchain]\nchannel = \"nightly\"\n",
        ),
        ("tests/extra.rs", "#[test]\nfn x() {}\n"),
    ] {
        hand.write(path, text);
        let out = hand.rg(&["green", "T1"]).ends(13);
        assert!(out.stdout.contains(path), "{path}: {out:#?}");
        hand.remove(path);
    }
    hand.append("Cargo.toml", "\n[features]\nx = []\n");
    let out = hand.rg(&["green", "T1"]).ends(13);
    assert!(out.reason("lock_modified").contains("+ [features]"));
    hand.git(&["checkout", "-q", "Cargo.toml"]);
    // A test the implementer adds is listed, and no evidence.
    hand.write(
        "src/cart.rs",
        "pub fn cart() -> u32 { 1 }\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn own() {\n        assert_eq!(super::cart(), 1);\n    }\n}\n",
    );
    let text = hand.read("src/lib.rs");
    hand.write("src/lib.rs", &format!("pub mod cart;\n{text}"));
    let out = hand.rg(&["green", "T1"]).ends(0);
    assert!(out.note("tests_in_source").contains("own"));
}
