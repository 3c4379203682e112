//! Snapshots (SPEC B10): never written by a judged run; a new one needs content, a changed one a person's yes.

use super::support::Hand;

/// A small snapshot tool in the manner of syrupy, as the project's own fixture: it updates when it is told to.
const TOOL: &str = "import pathlib\nimport pytest\n\n\ndef pytest_addoption(parser):\n    parser.addoption('--snapshot-update', action='store_true')\n\n\n@pytest.fixture\ndef snapshot(request):\n    file = pathlib.Path(__file__).parent / '__snapshots__' / (request.node.name + '.golden')\n\n    def check(value):\n        if request.config.getoption('--snapshot-update'):\n            file.parent.mkdir(exist_ok=True)\n            file.write_text(value)\n        if not file.exists():\n            raise AssertionError(\"Snapshot '%s' does not exist!\" % request.node.name)\n        assert value == file.read_text()\n\n    return check\n";

const TEST: &str =
    "from shop import label\n\n\ndef test_label(snapshot):\n    snapshot(label(2))\n";

fn project(more: &str) -> Hand {
    Hand::python_with(&[
        ("tests/conftest.py", TOOL),
        (
            "pyproject.toml",
            &format!(
                "[project]\nname = \"shop\"\nversion = \"0.1.0\"\n\n[tool.pytest.ini_options]\npythonpath = [\"src\"]\n{more}"
            ),
        ),
        (
            "src/shop/__init__.py",
            "def price(n):\n    return n * 2\n\n\ndef label(n):\n    return 'none'\n",
        ),
    ])
}

#[test]
fn b10_a_new_snapshot_without_content_is_refused_and_no_run_updates_one() {
    let hand = project("addopts = \"--snapshot-update\"\n");
    hand.write("tests/test_label.py", TEST);
    let out = hand.rg(&["red"]).ends(10);
    assert!(out.reason("snapshot_missing").contains("test_label"));
    assert!(!hand.path("tests/__snapshots__").exists());
    hand.write("tests/__snapshots__/test_label.golden", "2 pieces");
    hand.rg(&["lock", "T1"]).ends(0);
    // With an update every implementation would pass.
    hand.rg(&["green", "T1"]).ends(10);
    hand.write(
        "src/shop/__init__.py",
        "def price(n):\n    return n * 2\n\n\ndef label(n):\n    return f'{n} pieces'\n",
    );
    hand.rg(&["green", "T1"]).ends(0);
    // The implementer may not bring the expected values.
    hand.write("tests/__snapshots__/test_label.golden", "none");
    let out = hand.rg(&["green", "T1"]).ends(13);
    assert!(
        out.reason("locked_test_edited")
            .contains("test_label.golden")
    );

    let hand = project("");
    hand.write(
        "redgreen.toml",
        "[runner]\nkind = \"pytest\"\narguments = [\"--snapshot-update\"]\n",
    );
    hand.commit("configuration");
    hand.write("tests/test_label.py", TEST);
    let out = hand.rg(&["red"]).ends(11);
    assert!(
        out.reason("runner_usage_error")
            .contains("--snapshot-update")
    );
}

#[test]
fn b10_a_changed_snapshot_waits_for_a_person_and_is_locked_by_its_digest() {
    let hand = project("");
    hand.write("tests/test_label.py", TEST);
    hand.write("tests/__snapshots__/test_label.golden", "none");
    hand.commit("a snapshot");
    hand.write("tests/__snapshots__/test_label.golden", "2 pieces");
    let out = hand.rg(&["red"]).ends(14);
    let said = out.reason("approval_needed");
    assert!(
        said.contains("+ 2 pieces") && said.contains("- none"),
        "{said}"
    );
    let reason: serde_json::Value = serde_json::from_str(&said).unwrap();
    let name = reason["test"].as_str().unwrap().to_owned();
    hand.rg(&["lock", "T1"]).ends(14);
    // The yes is for these bytes and no others.
    hand.write("tests/__snapshots__/test_label.golden", "3 pieces");
    hand.rg(&["lock", "T1", "--accept", &name]).ends(14);
    hand.write("tests/__snapshots__/test_label.golden", "2 pieces");
    hand.rg(&["lock", "T1", "--accept", &name]).ends(0);
    hand.write(
        "src/shop/__init__.py",
        "def price(n):\n    return n * 2\n\n\ndef label(n):\n    return f'{n} pieces'\n",
    );
    hand.rg(&["green", "T1"]).ends(0);
}
