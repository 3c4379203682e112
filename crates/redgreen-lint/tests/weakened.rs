//! Tests that say less than before (SPEC D1, C9): what is named, and what is not.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use redgreen_lint::quality::weakened::{Weakening, WeakeningKind as K, weakened};
use redgreen_lint::quality::{Language, Options};

fn in_test(language: Language, body: &str) -> String {
    match language {
        Language::Python => {
            let body: String = body.lines().map(|line| format!("    {line}\n")).collect();
            format!("import pytest\n\n\ndef test_it(self):\n    x = make()\n{body}    done()\n")
        }
        Language::Rust => {
            format!("#[test]\nfn it() {{\n    let x = make();\n    {body}\n    done();\n}}\n")
        }
        Language::JavaScript | Language::TypeScript => {
            format!("test('it', () => {{\n  const x = make();\n  {body}\n  done();\n}});\n")
        }
        Language::Go => format!(
            "package shop\n\nfunc TestIt(t *testing.T) {{\n\tx := make()\n\t{body}\n\tdone()\n}}\n"
        ),
    }
}

fn found(language: Language, old: &str, new: &str) -> Vec<Weakening> {
    weakened(
        language,
        &in_test(language, old),
        &in_test(language, new),
        &Options::default(),
    )
    .unwrap()
}

#[track_caller]
fn kinds(language: Language, table: &[(&str, &str, K)]) {
    for (old, new, wanted) in table {
        let found = found(language, old, new);
        let kinds: Vec<K> = found.iter().map(|one| one.kind).collect();
        assert!(
            kinds.contains(wanted),
            "{language:?}\n- {old}\n+ {new}\nwanted {wanted:?}, found {found:#?}"
        );
        assert_eq!(kinds.len(), 1, "{language:?}\n- {old}\n+ {new}\n{found:#?}");
    }
}

#[track_caller]
fn nothing(language: Language, table: &[(&str, &str)]) {
    for (old, new) in table {
        let found = found(language, old, new);
        assert!(
            found.is_empty(),
            "{language:?}\n- {old}\n+ {new}\n{found:#?}"
        );
    }
}

#[test]
fn d1_weakened_python_assertions_are_named() {
    kinds(
        Language::Python,
        &[
            ("assert x == 3", "assert x", K::Exactness),
            (
                "assert x.total == 3",
                "assert x.total is not None",
                K::Exactness,
            ),
            (
                "assert x == [1, 2]",
                "assert isinstance(x, list)",
                K::Exactness,
            ),
            ("assert x == 3", "assert x >= 0", K::Exactness),
            ("assert x == 3", "assert x != 0", K::Exactness),
            ("assert x == 'abc'", "assert 'a' in x", K::Exactness),
            ("assert x == 200", "assert x in (200, 500)", K::Exactness),
            (
                "assert x in (1, 2)",
                "assert x in (1, 2, 3)",
                K::Alternative,
            ),
            ("assert x == 3", "assert x == 3 or True", K::Alternative),
            ("assert x < 10", "assert x < 1000", K::Bound),
            ("assert x > 10", "assert x >= 10", K::Bound),
            ("assert len(x) >= 5", "assert len(x) >= 1", K::Bound),
            ("assert x > -1.5", "assert x > -15", K::Bound),
            (
                "assert x == pytest.approx(1.0, rel=1e-9)",
                "assert x == pytest.approx(1.0, rel=0.5)",
                K::Tolerance,
            ),
            (
                "assert x == 1.5",
                "assert x == pytest.approx(1.5, abs=1)",
                K::Tolerance,
            ),
            (
                "self.assertAlmostEqual(x, 1.5, places=7)",
                "self.assertAlmostEqual(x, 1.5, places=1)",
                K::Tolerance,
            ),
            (
                "self.assertAlmostEqual(x, 1.5, 7)",
                "self.assertAlmostEqual(x, 1.5, 2)",
                K::Tolerance,
            ),
            ("self.assertEqual(x, 3)", "self.assertTrue(x)", K::Exactness),
            (
                "self.assertEqual(x, 3)",
                "self.assertIsNotNone(x)",
                K::Exactness,
            ),
            (
                "self.assertEqual(x, [1])",
                "self.assertIn(1, x)",
                K::Exactness,
            ),
            (
                "with pytest.raises(ValueError):\n    x()",
                "with pytest.raises(Exception):\n    x()",
                K::Raises,
            ),
            (
                "with pytest.raises(ValueError, match='no'):\n    x()",
                "with pytest.raises(ValueError):\n    x()",
                K::Raises,
            ),
            (
                "assert x == 3\nassert x.y == 4",
                "assert x.y == 4",
                K::Removed,
            ),
            ("assert x == 3", "pass", K::Removed),
            ("assert x == 3", "# assert x == 3", K::CommentedOut),
            ("assert x == 3 and x.y == 4", "assert x == 3", K::Removed),
            ("assert x == 3", "if x:\n    assert x == 3", K::Conditional),
            (
                "assert x == 3",
                "try:\n    assert x == 3\nexcept Exception:\n    pass",
                K::Swallowed,
            ),
            ("assert x == 3", "pytest.skip()\nassert x == 3", K::Skipped),
            (
                "m.assert_called_once_with(3)",
                "m.assert_called()",
                K::Exactness,
            ),
        ],
    );
}

#[test]
fn d1_weakened_assertions_of_other_languages_are_named() {
    kinds(
        Language::Rust,
        &[
            ("assert_eq!(x, 3);", "assert!(x > 0);", K::Exactness),
            (
                "assert_eq!(x.name, \"a\");",
                "assert!(!x.name.is_empty());",
                K::Exactness,
            ),
            ("assert_eq!(x, 3);", "assert_ne!(x, 0);", K::Exactness),
            ("assert!(x < 10);", "assert!(x < 100);", K::Bound),
            (
                "assert!((x - 1.0).abs() < 1e-9);",
                "assert!((x - 1.0).abs() < 0.1);",
                K::Bound,
            ),
            (
                "assert!(x >= 5);",
                "assert!(x >= 5 || true);",
                K::Alternative,
            ),
            (
                "assert_eq!(x, 3);\n    assert_eq!(x.y, 4);",
                "assert_eq!(x.y, 4);",
                K::Removed,
            ),
            ("assert_eq!(x, 3);", "// assert_eq!(x, 3);", K::CommentedOut),
            (
                "assert_eq!(x, 3);",
                "if x > 1 { assert_eq!(x, 3); }",
                K::Conditional,
            ),
        ],
    );
    kinds(
        Language::JavaScript,
        &[
            (
                "expect(x).toBe(3);",
                "expect(x).toBeTruthy();",
                K::Exactness,
            ),
            (
                "expect(x).toEqual({ a: 1 });",
                "expect(x).toBeDefined();",
                K::Exactness,
            ),
            (
                "expect(x).toBe(3);",
                "expect(x).toBeGreaterThan(0);",
                K::Exactness,
            ),
            (
                "expect(x).toBeCloseTo(1.5, 5);",
                "expect(x).toBeCloseTo(1.5, 1);",
                K::Tolerance,
            ),
            (
                "expect(x).toBeLessThan(10);",
                "expect(x).toBeLessThan(100);",
                K::Bound,
            ),
            (
                "expect(x).toBe(3);\n  expect(x.y).toBe(4);",
                "expect(x.y).toBe(4);",
                K::Removed,
            ),
            (
                "expect(x).toBe(3);",
                "// expect(x).toBe(3);",
                K::CommentedOut,
            ),
        ],
    );
    kinds(
        Language::Go,
        &[
            ("assert.Equal(t, 3, x)", "assert.NotNil(t, x)", K::Exactness),
            (
                "assert.Equal(t, 3, x)\n\tassert.Equal(t, 4, x.y)",
                "assert.Equal(t, 4, x.y)",
                K::Removed,
            ),
        ],
    );
}

#[test]
fn d1_another_statement_is_not_a_weaker_one() {
    nothing(
        Language::Python,
        &[
            ("assert x == 3", "assert x == 4"),
            ("assert x == 3", "assert x == 3\nassert x.y"),
            ("assert x", "assert x == 3"),
            ("assert x == True", "assert x"),
            ("assert x == None", "assert x is None"),
            ("assert x is True", "assert x"),
            ("assert x == []", "assert not x"),
            ("assert x < 100", "assert x < 10"),
            ("assert x >= 10", "assert x > 10"),
            ("assert x == 3", "check_total(x, 3)"),
            (
                "assert x.a == 1\nassert x.b == 2",
                "assert (x.a, x.b) == (1, 2)",
            ),
            (
                "assert x.a == 1 and x.b == 2",
                "assert x.a == 1\nassert x.b == 2",
            ),
            ("self.assertEqual(x, 3)", "assert x == 3"),
            ("self.assertEqual(3, x)", "assert x == 3"),
            ("assert x == 3", "assert 3 == x"),
            ("assert 'a' in x", "assert x == 'abc'"),
            (
                "assert x == pytest.approx(1.0, rel=0.5)",
                "assert x == pytest.approx(1.0, rel=1e-9)",
            ),
            ("assert x.status == 200", "assert x.code == 200"),
            ("assert x == 3", "assert (\n    x\n    == 3\n), 'no total'"),
            ("assert x == make_a(1)", "assert same(x, make_a(1))"),
            (
                "with pytest.raises(Exception):\n    x()",
                "with pytest.raises(ValueError):\n    x()",
            ),
            (
                "assert x == 1\nassert y == 2",
                "for a, b in ((x, 1), (y, 2)):\n    assert a == b",
            ),
            ("assert x == 3", "y = x\nassert y == 3"),
        ],
    );
    nothing(
        Language::Rust,
        &[
            ("assert_eq!(x, 3);", "assert_eq!(x, 4);"),
            ("assert_eq!(x, 3);", "assert_eq!(3, x);"),
            ("assert_eq!(x, true);", "assert!(x);"),
            ("assert!(x == 3);", "assert_eq!(x, 3);"),
            ("assert_eq!(x.len(), 0);", "assert!(x.is_empty());"),
            ("assert_eq!(x, Some(3));", "assert_eq!(x.unwrap(), 3);"),
            ("assert!(x.is_err());", "assert_eq!(x, Err(Bad));"),
            ("assert!(a && b);", "assert!(a);\n    assert!(b);"),
        ],
    );
    nothing(
        Language::JavaScript,
        &[
            ("expect(x).toBe(3);", "expect(x).toStrictEqual(3);"),
            ("expect(x).toBe(true);", "expect(x).toBeTruthy();"),
            ("expect(x).toBe(3);", "expect(x).toBe(4);"),
        ],
    );
}

#[test]
fn d1_parameter_sets_and_marks_that_are_gone_are_named() {
    let test =
        |head: &str| format!("import pytest\n\n\n{head}def test_it(n):\n    assert n == f(n)\n");
    let of = |old: &str, new: &str| {
        weakened(
            Language::Python,
            &test(old),
            &test(new),
            &Options::default(),
        )
        .unwrap()
    };
    let all = "@pytest.mark.parametrize('n', [1, 2, (3, 4)])\n";
    let found = of(all, "@pytest.mark.parametrize('n', [1, 2])\n");
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].kind, K::Parameters);
    assert!(found[0].before.contains('3'), "{found:#?}");
    assert!(of(all, "@pytest.mark.parametrize('n', [1, 2, 5])\n").is_empty());
    assert!(of(all, "@pytest.mark.parametrize('n', NUMBERS)\n").is_empty());
    assert!(of("@pytest.mark.parametrize('n', [1])\n", all).is_empty());
    let skipped = of(all, &format!("@pytest.mark.skip(reason='later')\n{all}"));
    assert_eq!(skipped.len(), 1, "{skipped:#?}");
    assert_eq!((skipped[0].kind, skipped[0].new_line), (K::Skipped, 4));
}

#[test]
fn d1_a_weakening_names_both_lines() {
    let old = "def test_a():\n    x = f()\n    assert x == 3\n";
    let new = "# new\n\n\ndef test_a():\n    x = f()\n    assert x\n";
    let found = weakened(Language::Python, old, new, &Options::default()).unwrap();
    let [one] = found.as_slice() else {
        panic!("{found:#?}");
    };
    assert_eq!((one.old_line, one.new_line), (3, 6));
    assert_eq!(
        (one.before.as_str(), one.after.as_str()),
        ("assert x == 3", "assert x")
    );
    // A test under another name is another test.
    let other = new.replace("test_a", "test_b");
    assert!(
        weakened(Language::Python, old, &other, &Options::default())
            .expect("it is read")
            .is_empty()
    );
}
