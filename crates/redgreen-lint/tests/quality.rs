//! The rules of test quality on their examples: every bad one is found, no good one is (SPEC D1, D5).
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "helpers of tests read the examples"
)]

use redgreen_core::id::RelPath;
use redgreen_lint::quality::rules::{ALL, find};
use redgreen_lint::quality::{Language, MockPolicy, Options, Severity, lint};
use std::collections::BTreeSet;
use std::path::Path;

fn fixtures() -> Vec<(String, bool, Language, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut found = Vec::new();
    for rule in std::fs::read_dir(folder).unwrap() {
        let rule = rule.unwrap();
        for file in std::fs::read_dir(rule.path()).unwrap() {
            let file = file.unwrap();
            let name = file.file_name().into_string().unwrap();
            let language = Language::of(&RelPath::new(name.clone()).unwrap()).unwrap();
            found.push((
                rule.file_name().into_string().unwrap(),
                name.starts_with("bad"),
                language,
                std::fs::read_to_string(file.path()).unwrap(),
            ));
        }
    }
    found.sort();
    found
}

#[test]
fn d5_every_example_is_judged_as_it_is_shown() {
    let mut wrong = Vec::new();
    for (rule, is_bad, language, text) in fixtures() {
        let findings = lint(language, &text, &Options::default()).unwrap();
        let is_found = findings
            .iter()
            .any(|finding| finding.rule.name == rule && finding.severity > Severity::Info);
        let errors: Vec<_> = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .map(|finding| finding.rule.name)
            .collect();
        if is_bad != is_found {
            wrong.push(format!(
                "{rule} {language:?}: bad is {is_bad}, found is {is_found}: {findings:?}"
            ));
        } else if !is_bad && !errors.is_empty() {
            wrong.push(format!(
                "{rule} {language:?}: the good one has errors: {errors:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn d1_rules_have_names_numbers_and_pages_of_their_own() {
    let names: BTreeSet<&str> = ALL.iter().map(|rule| rule.name).collect();
    let numbers: BTreeSet<&str> = ALL.iter().map(|rule| rule.number).collect();
    assert_eq!((names.len(), numbers.len()), (ALL.len(), ALL.len()));
    for rule in ALL {
        assert_eq!(find(rule.name), Some(*rule));
        assert_eq!(find(rule.number), Some(*rule));
        assert!(
            rule.why.len() > 20 && rule.fix.len() > 5 && rule.when_wrong.len() > 4,
            "{}",
            rule.name
        );
    }
    let shown: BTreeSet<String> = fixtures().into_iter().map(|(rule, ..)| rule).collect();
    for rule in &shown {
        assert!(
            names.contains(rule.as_str()),
            "an example of no rule: {rule}"
        );
    }
}

#[test]
fn d4_doubles_are_errors_where_the_policy_says_real_and_nowhere_else() {
    let doubles = [
        (
            Language::Python,
            "from unittest.mock import patch\n\n@patch(\"shop.db\")\ndef test_a(db):\n    assert total() == 3\n",
            "test_double",
        ),
        (
            Language::Python,
            "def test_a(monkeypatch):\n    monkeypatch.setattr(\"shop.db\", None)\n    assert total() == 3\n",
            "test_double",
        ),
        (
            Language::Python,
            "import sqlite3\n\ndef test_a():\n    assert count(sqlite3.connect(\":memory:\")) == 0\n",
            "fake_service",
        ),
        (
            Language::Python,
            "def test_a(httpx_mock):\n    assert fetch() == 3\n",
            "fake_service",
        ),
        (
            Language::Python,
            "def test_a(client):\n    app.dependency_overrides[db] = lambda: None\n    assert client.get(\"/\").status_code == 200\n",
            "test_double",
        ),
        (
            Language::TypeScript,
            "vi.mock('./db');\nit('a', () => { expect(total()).toBe(3); });\n",
            "test_double",
        ),
        (
            Language::TypeScript,
            "it('a', async () => { const db = await MongoMemoryServer.create(); expect(total(db)).toBe(3); });\n",
            "fake_service",
        ),
        (
            Language::Rust,
            "#[test]\nfn a() {\n    let db = MockStore::new();\n    assert_eq!(total(&db), 3);\n}\n",
            "test_double",
        ),
        (
            Language::Go,
            "package a\n\nfunc TestA(t *testing.T) {\n\tdb, _, _ := sqlmock.New()\n\tassert.Equal(t, 3, Total(db))\n}\n",
            "fake_service",
        ),
    ];
    for (language, text, rule) in doubles {
        for policy in [MockPolicy::Real, MockPolicy::Mixed, MockPolicy::Unit] {
            let options = Options {
                mocks: policy,
                ..Options::default()
            };
            let findings = lint(language, text, &options).unwrap();
            let found = findings.iter().any(|finding| finding.rule.name == rule);
            assert_eq!(
                found,
                policy == MockPolicy::Real,
                "{language:?} {policy:?} {text} {findings:?}"
            );
        }
    }
    let no_double = "def test_a(monkeypatch):\n    monkeypatch.setenv(\"SHOP\", \"1\")\n    assert total() == 3\n";
    let options = Options {
        mocks: MockPolicy::Real,
        ..Options::default()
    };
    assert!(
        lint(Language::Python, no_double, &options)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn d2_a_comment_inside_the_file_waives_nothing() {
    for comment in [
        "# noqa",
        "# redgreen: ignore",
        "# ast-grep-ignore",
        "# type: ignore",
    ] {
        let text = format!("def test_a():\n    assert True  {comment}\n");
        let names: Vec<&str> = lint(Language::Python, &text, &Options::default())
            .unwrap()
            .iter()
            .map(|finding| finding.rule.name)
            .collect();
        assert!(
            names.contains(&"constant_assertion") && names.contains(&"suppression"),
            "{comment}: {names:?}"
        );
    }
}

#[test]
fn g10_no_text_is_too_strange_to_be_read() {
    let deep = [
        "(".repeat(100_000),
        format!("x = {}", "not ".repeat(100_000)),
        format!("def test_a():\n    assert {}", "[".repeat(50_000)),
        "\u{feff}\u{0}\u{ffff}".repeat(100),
        "describe('a', () => {".repeat(20_000),
        "if x {".repeat(20_000),
    ];
    for language in Language::ALL {
        for text in &deep {
            _ = lint(language, text, &Options::default());
        }
    }
}

#[test]
fn d1_what_a_nested_function_raises_is_not_the_end_of_the_test() {
    let text = "def test_a():\n    class Plugin:\n        def hook(self):\n            raise NotImplementedError\n\n    assert run(Plugin()) == 3\n";
    let findings = lint(Language::Python, text, &Options::default()).unwrap();
    assert!(
        findings
            .iter()
            .all(|finding| finding.severity < Severity::Error),
        "{findings:?}"
    );
}
