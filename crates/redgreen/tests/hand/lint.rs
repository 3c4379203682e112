//! `redgreen lint` (SPEC D1-D5, G1-G3).

use super::support::Hand;

const WEAK: &str = "from shop import price\n\n\ndef test_price():\n    price(2) == 4\n";

#[test]
fn d1_lint_needs_no_repository_and_no_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let mut hand = Hand::empty();
    hand.cwd = folder.path().to_path_buf();
    std::fs::write(folder.path().join("test_price.py"), WEAK).unwrap();
    let out = hand.rg(&["lint"]).ends(10);
    let json = out.json();
    assert_eq!(
        (&json["schema"], &json["files"]),
        (&"redgreen.lint/1".into(), &1.into())
    );
    let finding = &json["findings"][0];
    for (key, value) in [
        ("rule", "assertion_not_evaluated"),
        ("severity", "error"),
        ("path", "test_price.py"),
        ("test", "test_price"),
    ] {
        assert_eq!(finding[key], value, "{finding}");
    }
    assert_eq!(
        (&finding["line"], &finding["column"]),
        (&5.into(), &5.into())
    );
    assert!(
        finding["help"]
            .as_str()
            .is_some_and(|help| !help.is_empty())
    );
    // A file that is named is judged whatever its name.
    std::fs::write(folder.path().join("odd.py"), WEAK).unwrap();
    assert_eq!(
        hand.rg(&["lint", "odd.py"]).ends(10).json()["findings"][0]["path"],
        "odd.py"
    );
    hand.plain(&["lint", "nowhere"]).ends(2).says("`");
}

#[test]
fn d3_only_new_and_changed_tests_block() {
    let hand = Hand::python_with(&[("tests/test_weak.py", WEAK)]);
    // What is committed is shown, and blocks nothing.
    let old = hand.rg(&["lint", "tests"]).ends(0).json();
    assert_eq!(old["findings"][0]["new"], false, "{old}");
    hand.append(
        "tests/test_weak.py",
        "\n\ndef test_more():\n    assert True\n",
    );
    let new = hand.rg(&["lint", "tests"]).ends(10).json();
    let of = |test: &str| {
        new["findings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|finding| finding["test"] == test && finding["severity"] == "error")
            .unwrap()["new"]
            .clone()
    };
    assert_eq!(
        (of("test_price"), of("test_more")),
        (false.into(), true.into()),
        "{new}"
    );
    let start = hand.head();
    hand.commit("weak");
    hand.rg(&["lint", "tests"]).ends(0);
    hand.rg(&["lint", "--since", &start, "tests"]).ends(10);
    hand.plain(&["lint", "--since", "nonsense"]).ends(2);
}

#[test]
fn d4_policies_of_paths_decide_about_doubles() {
    let test = "def test_a(monkeypatch):\n    monkeypatch.setattr('shop.price', None)\n    assert 1 + 1 == two()\n";
    let hand = Hand::python_with(&[(
        "redgreen.toml",
        "version = 1\n[mocks]\npolicy = \"mixed\"\n[[mocks.paths]]\nglob = \"tests/integration/**\"\npolicy = \"real\"\n",
    )]);
    hand.write("tests/unit/test_a.py", test);
    hand.write("tests/integration/test_a.py", test);
    let out = hand.rg(&["lint", "tests"]).ends(10).json();
    let paths: Vec<&str> = out["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["rule"] == "test_double")
        .map(|finding| finding["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["tests/integration/test_a.py"], "{out}");
}

#[test]
fn d5_text_sarif_annotations_and_explanations() {
    let hand = Hand::python();
    hand.write("tests/test_weak.py", WEAK);
    let text = hand.plain(&["lint", "tests"]).ends(10).stdout;
    for words in [
        "error[assertion_not_evaluated]",
        "tests/test_weak.py:5",
        "price(2) == 4",
        "help",
        "1 errors and 0 warnings",
    ] {
        assert!(text.contains(words), "no `{words}` in {text}");
    }
    let sarif: serde_json::Value = serde_json::from_str(
        &hand
            .plain(&["lint", "--output", "sarif", "tests"])
            .ends(10)
            .stdout,
    )
    .unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(
        (&sarif["version"], &result["ruleId"]),
        (&"2.1.0".into(), &"assertion_not_evaluated".into())
    );
    assert_eq!(
        result["locations"][0]["physicalLocation"]["region"]["startLine"],
        5
    );
    let github = hand
        .plain(&["lint", "--output", "github", "tests"])
        .ends(10)
        .stdout;
    assert!(
        github.starts_with(
            "::error file=tests/test_weak.py,line=5,col=5,title=assertion_not_evaluated::"
        ),
        "{github}"
    );
    let rates = hand.plain(&["lint", "--calibrate", "tests"]).ends(0).stdout;
    assert!(rates.contains("assertion_not_evaluated"), "{rates}");
    hand.plain(&["explain", "T17"])
        .ends(0)
        .says("assertion_not_evaluated");
}

#[test]
fn d6_a_test_that_cannot_fail_is_not_locked() {
    const SAME: &str = "from shop import total\n\n\ndef test_total():\n    result = total([1, 2])\n    assert result == result\n";
    let hand = Hand::python_with(&[("redgreen.toml", "[lint]\ngate = \"error\"\n")]);
    hand.plan("T1", &["totals a cart"], "");
    hand.write("tests/test_total.py", SAME);
    let out = hand.rg(&["red", "T1"]).ends(10);
    assert!(out.codes().contains(&"weak_test".to_owned()), "{out:#?}");
    // The same test with an expectation is red for the right reason.
    hand.write(
        "tests/test_total.py",
        &SAME.replace("result == result", "result == 3"),
    );
    hand.rg(&["red", "T1"]).ends(0);
    // What the base's configuration waives with a reason is not held against it.
    let waived = Hand::python_with(&[(
        "redgreen.toml",
        "[lint]\ngate = \"error\"\n\n[[lint.waivers]]\nrule = \"compares_itself\"\npath = \"tests/**\"\nreason = \"about equality\"\n",
    )]);
    waived.plan("T1", &["totals a cart"], "");
    waived.write("tests/test_total.py", SAME);
    waived.rg(&["red", "T1"]).ends(0);
}
