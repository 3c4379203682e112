//! What git ignores and tests need: `[tree] carry`, `prepare`, `git` (SPEC C5, B4).

use super::support::{Hand, TOTAL, TOTAL_TEST};

#[test]
fn c5_carried_files_are_there_are_recorded_and_a_change_names_them() {
    let hand = Hand::python_with(&[
        (".gitignore", ".venv\n__pycache__/\n/src/shop/_version.py\n"),
        (
            "redgreen.toml",
            "[tree]\ncarry = [\"/src/shop/_version.py\"]\n",
        ),
        (
            "src/shop/__init__.py",
            "from shop._version import VERSION\n\n\ndef price(n):\n    return n * 2\n",
        ),
    ]);
    hand.write("src/shop/_version.py", "VERSION = '1'\n");
    hand.write("tests/test_total.py", TOTAL_TEST);
    let out = hand.rg(&["-v", "lock", "T1"]).ends(0);
    assert!(
        out.stderr.contains("carried src/shop/_version.py"),
        "{out:?}"
    );
    hand.append("src/shop/__init__.py", TOTAL);
    hand.rg(&["green", "T1"]).ends(0);
    hand.write("src/shop/_version.py", "VERSION = '2'\n");
    let out = hand.rg(&["green", "T1"]).ends(13);
    assert!(
        out.reason("environment_changed")
            .contains("`src/shop/_version.py` was changed")
    );
    let out = hand.rg(&["full", "T1"]).ends(13);
    out.reason("environment_changed");
    std::fs::remove_file(hand.path("src/shop/_version.py")).unwrap();
    let out = hand.rg(&["green", "T1"]).ends(13);
    assert!(out.reason("environment_changed").contains("is gone"));
}

#[test]
fn c5_prepare_runs_on_locked_bytes_and_again_on_the_candidate() {
    let hand = Hand::python_with(&[
        ("redgreen.toml", "[tree]\nprepare = [\"sh generate.sh\"]\n"),
        (".gitignore", ".venv\n__pycache__/\n/src/shop/made.py\n"),
        ("src/shop/made.in", "1\n"),
        (
            "generate.sh",
            "echo \"VALUE = $(cat src/shop/made.in)\" > src/shop/made.py\n",
        ),
    ]);
    // A stale file in the checkout is not what counts.
    hand.write("src/shop/made.py", "VALUE = 2\n");
    hand.write(
        "tests/test_made.py",
        "from shop.made import VALUE\n\n\ndef test_made():\n    assert VALUE == 2\n",
    );
    let out = hand.rg(&["lock", "T1"]).ends(0);
    assert_eq!(out.test("::test_made")["cause"], "assertion");
    hand.rg(&["green", "T1"]).ends(10);
    hand.write("src/shop/made.in", "2\n");
    hand.rg(&["green", "T1"]).ends(0);
    // A prepare command that fails is no verdict about the tests.
    hand.remove("src/shop/made.in");
    std::fs::create_dir(hand.path("src/shop/made.in")).unwrap();
    let hand = Hand::python_with(&[(
        "redgreen.toml",
        "[tree]\nprepare = [\"sh -c 'echo broken >&2; exit 3'\"]\n",
    )]);
    hand.write("tests/test_total.py", TOTAL_TEST);
    let out = hand.rg(&["red"]).ends(11);
    assert!(out.reason("prepare_failed").contains("broken"));
}

#[test]
fn c5_a_tool_that_wants_a_repository_gets_one() {
    let files = [
        (
            "tests/conftest.py",
            "import subprocess\n\nsubprocess.run(['git', 'rev-parse', 'HEAD'], check=True)\n",
        ),
        (
            "tests/test_git.py",
            "from shop import price\n\n\ndef test_git():\n    assert price(1) == 3\n",
        ),
    ];
    let hand = Hand::python_with(&[("redgreen.toml", "[tree]\ngit = true\n")]);
    hand.write_all(&files);
    hand.rg(&["lock", "T1"]).ends(0);
    hand.write("src/shop/__init__.py", "def price(n):\n    return n * 3\n");
    hand.rg(&["green", "T1"]).ends(0);
    let hand = Hand::python();
    hand.write_all(&files);
    let out = hand.rg(&["red"]);
    assert_ne!(out.code, 0, "{out:#?}");
}

#[test]
fn c5_init_names_the_file_that_is_missing_in_a_clean_copy() {
    let hand = Hand::python_with(&[
        (".gitignore", ".venv\n__pycache__/\n/tests/settings.local\n"),
        (
            "tests/test_settings.py",
            "import pathlib\n\n\ndef test_settings():\n    assert pathlib.Path(__file__).with_name('settings.local').read_text()\n",
        ),
    ]);
    hand.write("tests/settings.local", "x\n");
    let out = hand.rg(&["init"]).ends(0);
    let json = out.json();
    assert!(
        json["notes"]
            .to_string()
            .contains("`tests/settings.local` is ignored by git"),
        "{json}"
    );
    // What was written is read again and means the same.
    let text = hand.read("redgreen.toml");
    assert!(
        text.contains("[runner]") && text.contains("kind = \"pytest\""),
        "{text}"
    );
    hand.commit("redgreen");
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.rg(&["red", "tests/test_total.py"]).ends(0);
    hand.rg(&["init"]).ends(2).says("redgreen init --dry-run");
    let plain = hand.plain(&["init", "--dry-run", "--no-probe"]).ends(0);
    assert!(plain.stdout.contains("[paths]"), "{plain:?}");
}
