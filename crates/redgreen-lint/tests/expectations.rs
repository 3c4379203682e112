//! Changed expectations: a table of forms per language.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use redgreen_core::id::{ItemId, RelPath};
use redgreen_lint::Language;
use redgreen_lint::expectations::{Change, Mutated, Seed, mutate, mutate_as};
use std::collections::BTreeSet;

fn id(path: &str, item: &str) -> ItemId {
    ItemId {
        runner: None,
        path: RelPath::new(path).unwrap(),
        item: item.to_owned(),
    }
}

fn python(text: &str, items: &[&str]) -> Mutated {
    let items: Vec<ItemId> = items
        .iter()
        .map(|item| id("tests/test_a.py", item))
        .collect();
    mutate(Language::Python, text, &items).unwrap()
}

fn rust(text: &str, items: &[&str]) -> Mutated {
    let items: Vec<ItemId> = items.iter().map(|item| id("src/lib.rs", item)).collect();
    mutate(Language::Rust, text, &items).unwrap()
}

/// Rust text without what reports the site, so that forms can be compared; `V(…)` is a value changed when the test runs.
fn without_report(text: &str) -> String {
    let mut plain = text
        .split("\n/// What tests with other")
        .next()
        .unwrap()
        .to_owned();
    let prelude = " #[allow(unused_imports)] use self::__redgreen_other::{First as _, Second as _, Third as _};";
    plain = plain.replace(prelude, "");
    for (start, end, with) in [
        ("self::__redgreen_other::seen(", "); ", ""),
        (" self::__redgreen_other::went_on(", ");", ""),
        (" super::__redgreen_other::went_on(", ");", ""),
        ("super::__redgreen_other::seen(", "); ", ""),
        ("*(&&&self::__redgreen_other::Expected(&(", "V(", "V("),
    ] {
        while let Some(at) = plain.find(start) {
            if with.is_empty() {
                let stop = at + plain[at..].find(end).unwrap() + end.len();
                plain.replace_range(at..stop, "");
            } else {
                let stop = plain[at..].find("), \"").unwrap() + at;
                let after = stop + plain[stop..].find(")).other()").unwrap() + 10;
                plain.replace_range(stop..after, ")");
                plain.replace_range(at..at + start.len(), with);
            }
        }
    }
    plain
}

/// The statement after mutation, with `H` for the helper and `S` for the site.
fn python_form(statement: &str) -> String {
    let text = format!("def test_a(self):\n    {statement}\n");
    let mutated = python(&text, &["test_a"]);
    let mut form = mutated.text.replace("__redgreen_other__", "H");
    if let Some(at) = form.find("; __redgreen_went_on__(") {
        let end = at + form[at..].find(')').unwrap() + 1;
        form.replace_range(at..end, "");
    }
    for site in &mutated.sites {
        form = form.replace(&format!("\"{}\"", site.id), "S");
    }
    assert_eq!(mutated.uncontrolled.is_empty(), !mutated.sites.is_empty());
    assert_eq!(form.lines().count(), text.lines().count());
    form.lines()
        .skip(1)
        .collect::<Vec<_>>()
        .join("\n")
        .trim()
        .to_owned()
}

/// What the table writes as `H(3, S)`: plain literals are changed in the text.
fn with_literals(form: &str) -> String {
    let mut out = String::new();
    let mut rest = form;
    while let Some(at) = rest.find("H(") {
        let (before, after) = rest.split_at(at + 2);
        out.push_str(before);
        let Some(end) = after.find(", S)") else {
            rest = after;
            continue;
        };
        let argument = &after[..end];
        let other = match argument.parse::<i64>() {
            Ok(number) => Some((number + 61).to_string()),
            Err(_) if argument == "True" => Some("False".to_owned()),
            Err(_) if argument == "False" => Some("True".to_owned()),
            Err(_) if argument == "None" => Some("61".to_owned()),
            Err(_) if argument == "3.0" => Some("64.25".to_owned()),
            Err(_) if argument.starts_with('\'') && argument.matches('\'').count() == 2 => {
                Some(format!("{} (other)'", argument.trim_end_matches('\'')))
            }
            Err(_) => None,
        };
        match other {
            Some(other) => {
                out.push_str(&format!("{other}, S, \"as_is\")"));
                rest = &after[end + 4..];
            }
            None => rest = after,
        }
    }
    out + rest
}

#[test]
fn c7_forms_of_python_expectations() {
    for (before, after) in [
        ("assert f() == 3", "assert f() == H(3, S)"),
        ("assert f() == x.y, 'why'", "assert f() == H(x.y, S), 'why'"),
        ("assert 3 == f()", "assert H(3, S) == f()"),
        ("assert 3 == 4", "assert 3 == H(4, S)"),
        (
            "assert (f() == [1,\n  2])",
            "assert (f() == H([1,\n  63], S, \"as_is\"))",
        ),
        (
            "assert f() == approx(3.0, rel=1)",
            "assert f() == approx(H(64.25, S, \"far\"), rel=1)",
        ),
        (
            "assert f() == pytest.approx([1])",
            "assert f() == pytest.approx(H([62], S, \"as_is\"))",
        ),
        ("assert f() == g() == 3", "assert f() == g() == H(3, S)"),
        (
            "assert f() == 1 and g() == 2",
            "assert f() == H(1, S) and g() == H(2, S)",
        ),
        ("assert f() == 1 or g() == 2", ""),
        ("assert not f() == 1", ""),
        ("assert f() != 1", ""),
        ("assert f() is True", "assert f() is H(True, S)"),
        ("assert f() is None", "assert f() is H(None, S)"),
        ("assert f() is not None", ""),
        ("assert f() is x", "assert f() is H(x, S)"),
        ("assert 3 in f()", ""),
        ("assert x == f()", "assert H(x, S) == f()"),
        (
            "assert expected == result",
            "assert H(expected, S) == result",
        ),
        ("assert ANY == f()", ""),
        (
            "self.assertAlmostEqual(f(), x, delta=9)",
            "self.assertAlmostEqual(f(), H(x, S, \"far\"), delta=9)",
        ),
        (
            "self.assertTrue(f() == x)",
            "self.assertTrue(f() == H(x, S))",
        ),
        (
            "m.assert_called_once_with(x, y)",
            "m.assert_called_once_with(H(x, S), y)",
        ),
        ("assert 'a' in f()", "assert H('a', S) in f()"),
        ("assert 'a' not in f()", ""),
        (
            "assert f() in (1, 2)",
            "assert f() in (H(7983, S, \"as_is\"), H(7986, S, \"as_is\"))",
        ),
        ("assert x in f()", ""),
        ("assert f() > 3", "assert f() > H(3, S, \"greater\")"),
        ("assert f() <= -3", "assert f() <= H(-3, S, \"less\")"),
        ("assert 3 < f()", "assert H(3, S, \"greater\") < f()"),
        ("assert f() > g()", ""),
        ("assert await f() == 3", "assert await f() == H(3, S)"),
        ("assert f()", ""),
        ("self.assertEqual(f(), 3)", "self.assertEqual(f(), H(3, S))"),
        (
            "self.assertEqual(3, f(), 'why')",
            "self.assertEqual(H(3, S), f(), 'why')",
        ),
        ("self.assertEqual(*args)", ""),
        ("other.assertEqual(f(), 3)", ""),
        (
            "self.assertIs(f(), False)",
            "self.assertIs(f(), H(False, S))",
        ),
        ("self.assertIn('a', f())", "self.assertIn(H('a', S), f())"),
        (
            "self.assertLess(f(), 3)",
            "self.assertLess(f(), H(3, S, \"less\"))",
        ),
        ("self.assertTrue(f())", ""),
        (
            "self.assertRaisesRegex(E, 'x', f)",
            "self.assertRaisesRegex(E, H('x', S, \"match\"), f)",
        ),
        (
            "with pytest.raises(E, match='x'): f()",
            "with pytest.raises(E, match=H('x', S, \"match\")): f()",
        ),
        (
            "with pytest.raises(E, match=None): f()",
            "with pytest.raises(H(FloatingPointError, S, \"as_is\"), match=None): f()",
        ),
        (
            "with pytest.raises(E): f()",
            "with pytest.raises(H(FloatingPointError, S, \"as_is\")): f()",
        ),
        (
            "self.assertRaises(E, f)",
            "self.assertRaises(H(FloatingPointError, S, \"as_is\"), f)",
        ),
        (
            "for i in x:\n        assert f(i) == i",
            "for i in x:\n        assert f(i) == H(i, S)",
        ),
        (
            "assert f() == 'assert x == 1'",
            "assert f() == H('assert x == 1', S)",
        ),
        ("x = f() == 1", ""),
        ("assert f() == (yield)", "assert f() == H((yield), S)"),
    ] {
        let expected = if after.is_empty() { before } else { after };
        assert_eq!(python_form(before), with_literals(expected), "{before}");
    }
}

#[test]
fn c7_forms_of_rust_expectations() {
    for (before, after) in [
        ("assert_eq!(f(), 3);", "assert_eq!(f(), 64);"),
        (
            "assert_eq!(f(), 3, \"why {}\", 1);",
            "assert_eq!(f(), 64, \"why {}\", 1);",
        ),
        ("assert_eq!(3, f());", "assert_eq!(64, f());"),
        ("assert_eq!(f(), -127);", "assert_eq!(f(), -60);"),
        ("assert_eq!(f(), 255u8);", "assert_eq!(f(), 194u8);"),
        ("assert_eq!(f(), 0x10_usize);", "assert_eq!(f(), 77usize);"),
        ("assert_eq!(f(), 1_000);", "assert_eq!(f(), 939);"),
        ("assert_eq!(f(), 1.5f32);", "assert_eq!(f(), 63.0f32);"),
        ("assert_eq!(f(), 1e300);", "assert_eq!(f(), 5e299);"),
        ("assert_eq!(f(), true);", "assert_eq!(f(), false);"),
        ("assert_eq!(f(), 'a');", "assert_eq!(f(), '~');"),
        ("assert_eq!(f(), b'~');", "assert_eq!(f(), b'!');"),
        (
            "assert_eq!(f(), \"a\\\"\");",
            "assert_eq!(f(), \"a\\\" (other)\");",
        ),
        (
            "assert_eq!(f(), r#\"a\"#);",
            "assert_eq!(f(), r#\"a (other)\"#);",
        ),
        ("assert_eq!(f(), b\"abc\");", "assert_eq!(f(), b\"abx\");"),
        (
            "assert_eq!(f(), b\"\\x00\");",
            "assert_eq!(f(), V(b\"\\x00\"));",
        ),
        (
            "assert_eq!(f(), \"a\".to_string());",
            "assert_eq!(f(), \"a (other)\".to_string());",
        ),
        (
            "assert_eq!(f(), String::from(\"a\"));",
            "assert_eq!(f(), String::from(\"a (other)\"));",
        ),
        ("assert_eq!(f(), Some(3));", "assert_eq!(f(), Some(64));"),
        (
            "assert_eq!(f(), Ok((1, \"x\")));",
            "assert_eq!(f(), Ok((62, \"x (other)\")));",
        ),
        (
            "assert_eq!(f(), vec![g(), 1]);",
            "assert_eq!(f(), vec![g(), 62]);",
        ),
        (
            "assert_eq!(f(), &[0; 3][..]);",
            "assert_eq!(f(), &[61; 3][..]);",
        ),
        ("assert_eq!(f(), 3 + 4);", "assert_eq!(f(), V(3 + 4));"),
        (
            "assert_eq!(f(), expected);",
            "assert_eq!(f(), V(expected));",
        ),
        (
            "assert_eq!(expected, f());",
            "assert_eq!(V(expected), f());",
        ),
        ("assert_eq!(x, result);", "assert_eq!(V(x), result);"),
        ("assert_eq!(f(), g(3));", "assert_eq!(f(), V(g(3)));"),
        (
            "assert_eq!(f(), Some(3).unwrap());",
            "assert_eq!(f(), V(Some(3).unwrap()));",
        ),
        (
            "assert_eq!(f(), P { x: 1, y: -2, ..d });",
            "assert_eq!(f(), P { x: 62, y: -63, ..d });",
        ),
        (
            "assert_eq!(f(), Version::new(1, 2));",
            "assert_eq!(f(), Version::new(62, 63));",
        ),
        ("assert!(f() == x);", "assert!(f() == V(x));"),
        (
            "assert!(matches!(f(), Some(3) if g()));",
            "assert!(matches!(f(), Some(64) if g()));",
        ),
        ("assert!(matches!(f(), 1..=3));", ""),
        ("assert!(matches!(f(), Some(_)));", ""),
        (
            "assert!(f().contains(\"a\"));",
            "assert!(f().contains(\"a (other)\"));",
        ),
        ("assert!(f().contains(3));", ""),
        ("assert!(!f().contains(\"a\"));", ""),
        ("assert!(f().starts_with(\"a\") || g());", ""),
        ("assert_ne!(f(), 3);", ""),
        ("assert!(f() == 3);", "assert!(f() == 64);"),
        (
            "assert!(3 == f(), \"why\");",
            "assert!(64 == f(), \"why\");",
        ),
        ("assert!(f() == 3 || g());", "assert!(f() == 3 || g());"),
        ("assert!(f() != 3);", ""),
        ("assert!(f() >= 3);", ""),
        ("assert!(f());", ""),
        (
            "for i in 0..3 { assert_eq!(f(i), 1); }",
            "for i in 0..3 { assert_eq!(f(i), 62); }",
        ),
        (
            "block_on!(async { assert_eq!(f(), 1); });",
            "block_on!(async { assert_eq!(f(), 62); });",
        ),
        ("let s = \"assert_eq!(1, 2)\";", ""),
    ] {
        let text = format!("#[test]\nfn a() {{\n    {before}\n}}\n");
        let mutated = rust(&text, &["a"]);
        let expected = if after.is_empty() { before } else { after };
        let text = without_report(&mutated.text);
        let line = text.lines().nth(2).unwrap().trim();
        assert_eq!(line, expected, "{before}");
        assert_eq!(mutated.sites.is_empty(), before == expected, "{before}");
        assert_eq!(
            mutated.uncontrolled.len(),
            usize::from(mutated.sites.is_empty())
        );
    }
}

#[test]
fn c7_a_panic_that_has_to_come_gets_a_message_that_never_comes() {
    let text = "#[test]\n#[should_panic]\nfn a() {\n    f();\n}\n";
    let mutated = rust(text, &["a"]);
    assert!(
        mutated.text.contains(
            "#[should_panic(expected = \" (other)\")]\nfn a() { self::__redgreen_other::seen("
        ),
        "{}",
        mutated.text
    );
    assert_eq!(mutated.sites.len(), 1);
    let as_is = changed(Language::Rust, "src/lib.rs", text, "a", Change::AsIs);
    assert!(
        as_is
            .text
            .contains("#[should_panic]\nfn a() { self::__redgreen_other::seen(")
    );
}

fn changed(language: Language, path: &str, text: &str, item: &str, change: Change) -> Mutated {
    mutate_as(
        language,
        text,
        &[id(path, item)],
        None,
        (change, &Seed::of(b"a gate")),
        &BTreeSet::new(),
    )
    .unwrap()
}

#[test]
fn c7_the_same_changes_with_the_original_values_differ_in_nothing_but_the_values() {
    // What is left when every word that is not the same in both is taken out.
    let differing = |one: &str, two: &str| -> Vec<(String, String)> {
        let words = |text: &str| -> Vec<String> {
            text.split([' ', '(', ')', ',', ';'])
                .map(str::to_owned)
                .collect()
        };
        let (one, two) = (words(one), words(two));
        assert_eq!(one.len(), two.len());
        one.into_iter()
            .zip(two)
            .filter(|(one, two)| one != two)
            .collect()
    };
    let text = "def test_a():\n    assert f() == 3 and g() == 'x'\n    assert h() == [1]\n    with pytest.raises(E):\n        f()\n";
    let of = |change| changed(Language::Python, "tests/test_a.py", text, "test_a", change);
    let (as_is, other) = (of(Change::AsIs), of(Change::SameType));
    assert_eq!(as_is.sites, other.sites);
    let found = differing(&as_is.text, &other.text);
    let before: Vec<&str> = found.iter().map(|(before, _)| before.as_str()).collect();
    assert_eq!(before, ["3", "'x'", "[1]", "E"], "{found:?}");
    assert!(found[1].1.starts_with("'x") && found[3].1.ends_with("Error"));
    let text = "#[test]\nfn a() {\n    assert_eq!(f(), 3);\n    assert_eq!(g(), x);\n}\n";
    let of = |change| changed(Language::Rust, "src/lib.rs", text, "a", change);
    let (as_is, other) = (of(Change::AsIs), of(Change::SameType));
    assert_eq!(as_is.sites, other.sites);
    // The value, and the number whose difference to the one beside it is how far off other values are.
    let found = differing(&as_is.text, &other.text);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0].0, "3");
    assert!(found[1].0.parse::<u64>().is_ok());
}

#[test]
fn c7_only_the_listed_items_change() {
    let text = "\
X = 1
def test_a(): assert f() == 1
def test_b(): assert f() == 2
class TestA:
    def test_c(self): assert f() == 3
class Base:
    def test_d(self): assert f() == 4
class TestD(Base):
    pass
class TestE(TestA):
    def test_f(self): assert f() == 5
";
    let mutated = python(
        text,
        &["test_a", "TestD::test_d", "TestA::test_c", "test_missing"],
    );
    let changed: Vec<usize> = text
        .lines()
        .zip(mutated.text.lines())
        .enumerate()
        .filter(|(_, (before, after))| before != after)
        .map(|(index, _)| index + 1)
        .collect();
    // `test_c` is also a test of `TestE`, which is not listed.
    assert_eq!(changed, [2, 7]);
    let uncontrolled: Vec<&str> = mutated
        .uncontrolled
        .iter()
        .map(|id| id.item.as_str())
        .collect();
    assert_eq!(uncontrolled, ["TestA::test_c", "test_missing"]);
    let lines: Vec<(u32, &str)> = mutated
        .sites
        .iter()
        .map(|site| (site.line, site.item.as_ref().unwrap().item.as_str()))
        .collect();
    assert_eq!(lines, [(2, "test_a"), (7, "TestD::test_d")]);

    let text = "fn source() { assert_eq!(f(), 1); }\n#[test]\nfn a() { assert_eq!(f(), 1); }\nmod m { #[test] fn a() { assert_eq!(f(), 1); } }\n";
    let mutated = rust(text, &["m::a"]);
    assert_eq!(
        without_report(&mutated.text),
        text.replace(
            "mod m { #[test] fn a() { assert_eq!(f(), 1)",
            "mod m { #[test] fn a() { assert_eq!(f(), 62)"
        )
    );
}

#[test]
fn c7_helpers_of_tests_are_changed_and_belong_to_whoever_calls_them() {
    let text = "def check(a, b):\n    assert a == b\n\ndef test_a():\n    check(f(), 3)\n";
    let mutated = python(text, &["test_a"]);
    assert!(mutated.sites[0].item.is_none() && !mutated.sites[0].decisive);
    // The items of a file are controlled by its helpers only when they call them.
    assert_eq!(mutated.uncontrolled.len(), 1);
    let text = "#[cfg(test)]\nmod tests {\n    fn check(a: u8, b: u8) { assert_eq!(a, b); }\n    #[test]\n    fn a() { check(f(), 1); }\n}\nfn source(a: u8, b: u8) { debug_assert_eq!(a, b); }\n";
    let mutated = rust(text, &["tests::a"]);
    assert_eq!(mutated.sites.len(), 1);
    assert!(mutated.sites[0].item.is_none() && mutated.sites[0].line == 3);
}

#[test]
fn c7_sites_of_different_files_differ() {
    let text = "def test_a(): assert f() == 1\n";
    let site = |path: &str| {
        mutate(Language::Python, text, &[id(path, "test_a")])
            .unwrap()
            .sites[0]
            .id
            .clone()
    };
    assert_ne!(site("tests/a.py"), site("tests/b.py"));
    assert_eq!(site("tests/a.py"), site("tests/a.py"));
}

#[test]
fn c7_what_catches_a_failing_assertion_is_left_alone() {
    let python_text = "import pytest
def test_a():
    with pytest.raises(AssertionError):
        assert f() == 1
def test_b():
    try:
        assert f() == 1
    except AssertionError:
        pass
";
    // In a `try`, only that the test goes on behind the assertion says something.
    let sites = python(python_text, &["test_a", "test_b"]).sites;
    let inner: Vec<_> = sites.iter().filter(|site| site.line > 3).collect();
    assert!(inner.len() == 1 && !inner[0].decisive && !inner[0].certain);
    let rust_text = "#[test]
#[should_panic]
fn a() { assert_eq!(f(), 1); }
#[test]
fn b() { let _ = std::panic::catch_unwind(|| assert_eq!(f(), 1)); }
";
    // That `a` panics is looked at as a whole, and `b` is left alone.
    let sites = rust(rust_text, &["a", "b"]).sites;
    assert!(sites.len() == 1 && sites[0].line == 2);
}
