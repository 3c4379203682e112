//! Contradictions that can be read, and everything that is none.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use redgreen_core::id::{ItemId, RelPath};
use redgreen_lint::conflicts::{TestFile, conflicts};
use redgreen_lint::{Language, items};

fn found(language: Language, texts: &[&str]) -> Vec<String> {
    let ids: Vec<Vec<ItemId>> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let path = RelPath::new(format!("tests/file_{index}")).unwrap();
            items(language, None, &path, text)
                .unwrap()
                .items
                .into_iter()
                .map(|item| item.id)
                .collect()
        })
        .collect();
    let files: Vec<TestFile<'_>> = texts
        .iter()
        .zip(&ids)
        .map(|(text, items)| TestFile {
            language,
            text,
            items,
        })
        .collect();
    conflicts(&files)
        .unwrap()
        .into_iter()
        .map(|c| {
            format!(
                "{}: {} {} {} / {} {} {}",
                c.call,
                c.first.item.item,
                c.first.line,
                c.first.expected,
                c.second.item.item,
                c.second.line,
                c.second.expected
            )
        })
        .collect()
}

#[test]
fn a10_python_tests_that_contradict_each_other() {
    let text = "from shop import add\ndef test_a():\n    'doc'\n    assert add(1, 2) == 3\ndef test_b():\n    assert add( 1,2 ) == 4\n";
    assert_eq!(
        found(Language::Python, &[text]),
        ["add(1, 2): test_a 4 3 / test_b 6 4"]
    );
    let conflict = |first: &str, second: &str| {
        let text = format!(
            "from shop import f, Cart\ndef test_a():\n    {first}\nimport m\nclass TestB:\n  def test_b(self):\n    {second}\n"
        );
        found(Language::Python, &[&text]).len()
    };
    for (first, second, expected) in [
        ("assert f(1) == 2", "assert f(1) == 3", 1),
        ("assert f(1) == 2", "assert 3 == f(1)", 1),
        ("assert f('a') == 'x'", "assert f(\"a\") == 'y'", 1),
        ("assert f('a') == 'x'", "assert f(\"a\") == \"x\"", 0),
        ("assert f(1) == 2", "self.assertEqual(f(1), 3)", 1),
        ("assert f(a=1, b=2) == 2", "assert f(b=2, a=1) == 3", 1),
        (
            "assert Cart(3).total() == 2",
            "assert Cart(3).total() == 3",
            1,
        ),
        (
            "assert Cart(3).total() == 2",
            "assert Cart(4).total() == 3",
            0,
        ),
        ("assert m.f(1) == None", "assert m.f(1) == 3", 1),
        ("assert f(1) == 2", "assert f(1) == 2.0", 0),
        ("assert f(1) == True", "assert f(1) == 1", 0),
        ("assert f(1) == 2", "assert f(1.0) == 3", 0),
        ("assert f(1) == 2", "assert f(2) == 3", 0),
        ("assert f(1) == [1, 2]", "assert f(1) == [1, 2, 3]", 1),
        (
            "assert f(1) == {'a': 1, 'b': 2}",
            "assert f(1) == {'b': 2, 'a': 1}",
            0,
        ),
        ("assert f(1) == [1]", "assert f(1) == (1,)", 1),
        ("assert f(1) == f(2)", "assert f(1) == 3", 0),
        ("assert f(1) != 2", "assert f(1) == 3", 0),
        // Something before it may matter.
        ("setup()\n    assert f(1) == 2", "assert f(1) == 3", 0),
        ("x = 1\n    assert f(x) == 2", "assert f(1) == 3", 0),
        (
            "from other import f\n    assert f(1) == 2",
            "assert f(1) == 3",
            0,
        ),
        ("assert self.f(1) == 2", "assert self.f(1) == 3", 0),
        ("with x:\n        assert f(1) == 2", "assert f(1) == 3", 0),
        (
            "assert f(0) == 0\n    assert f(1) == 2",
            "assert f(1) == 3",
            1,
        ),
    ] {
        assert_eq!(conflict(first, second), expected, "{first} / {second}");
    }
}

#[test]
fn a10_fixtures_decorators_and_set_up_are_no_evidence() {
    for text in [
        "def test_a(db):\n    assert f(1) == 2\ndef test_b():\n    assert f(1) == 3\n",
        "@patch('x')\ndef test_a():\n    assert f(1) == 2\ndef test_b():\n    assert f(1) == 3\n",
        "class TestA:\n  def setup_method(self): pass\n  def test_a(self):\n    assert f(1) == 2\ndef test_b():\n    assert f(1) == 3\n",
        "class TestA(Base):\n  def test_a(self):\n    assert f(1) == 2\ndef test_b():\n    assert f(1) == 3\n",
        "class TestA:\n  @fixture(autouse=True)\n  def x(self): pass\n  def test_a(self):\n    assert f(1) == 2\ndef test_b():\n    assert f(1) == 3\n",
        // Twice in one test: a counter.
        "def test_a():\n    assert f(1) == 2\n    assert f(1) == 3\n",
    ] {
        assert_eq!(
            found(Language::Python, &[text]),
            Vec::<String>::new(),
            "{text}"
        );
    }
}

#[test]
fn a10_python_files_contradict_each_other_when_the_name_is_the_same_thing() {
    let test = |head: &str, expected: u8| {
        format!("{head}\ndef test_a():\n    assert f(1) == {expected}\n")
    };
    let count =
        |one: &str, two: &str| found(Language::Python, &[&test(one, 1), &test(two, 2)]).len();
    assert_eq!(count("from shop import f", "from shop import f"), 1);
    assert_eq!(count("from shop import f", "from shop import g as f"), 0);
    assert_eq!(count("from .shop import f", "from .shop import f"), 0);
    assert_eq!(count("def f(x): return x", "def f(x): return 2"), 0);
}

#[test]
fn a10_rust_tests_that_contradict_each_other() {
    let conflict = |first: &str, second: &str| {
        let text = format!(
            "mod tests {{\n use super::*;\n #[test]\n fn a() {{ {first} }}\n #[test]\n fn b() {{ {second} }}\n}}\n"
        );
        found(Language::Rust, &[&text])
    };
    assert_eq!(
        conflict(
            "assert_eq!(add(1, 2), 3);",
            "assert_eq!(add(1,2), 4, \"why\");"
        ),
        ["add(1, 2): tests::a 4 3 / tests::b 6 4"]
    );
    for (first, second, expected) in [
        ("assert_eq!(f(1), 2);", "assert_eq!(f(1), 3)", 1),
        ("assert_eq!(f(1), 2);", "assert_eq!(3, f(1))", 1),
        ("assert_eq!(f(1), 1_000u32);", "assert_eq!(f(1), 1000)", 0),
        ("assert_eq!(f(1), Some(2));", "assert_eq!(f(1), None)", 1),
        ("assert_eq!(f(1), \"a\");", "assert_eq!(f(1), \"b\")", 1),
        ("assert_eq!(f(1), \"\\n\");", "assert_eq!(f(1), \"\n\")", 0),
        ("assert_eq!(f(1), 16);", "assert_eq!(f(1), 0x10)", 0),
        (
            "assert_eq!(Cart::new(1).total(), 2);",
            "assert_eq!(Cart::new(1).total(), 3)",
            1,
        ),
        ("assert_eq!(x.f(1), 2);", "assert_eq!(x.f(1), 3)", 0),
        ("assert_eq!(f(y), 2);", "assert_eq!(f(y), 3)", 0),
        ("let x = 1; assert_eq!(f(1), 2);", "assert_eq!(f(1), 3)", 0),
        ("g(); assert_eq!(f(1), 2);", "assert_eq!(f(1), 3)", 0),
        (
            "assert_eq!(f(0), 0); assert_eq!(f(1), 2);",
            "assert_eq!(f(1), 3)",
            1,
        ),
    ] {
        assert_eq!(
            conflict(first, second).len(),
            expected,
            "{first} / {second}"
        );
    }
    let text = "mod a { #[test] fn t() { assert_eq!(f(1), 2); } }\nmod b { #[test] fn t() { assert_eq!(f(1), 3); } }\n";
    assert_eq!(found(Language::Rust, &[text]).len(), 0);
    let text = "#[test] #[should_panic] fn t() { assert_eq!(f(1), 2); }\n#[test] fn u() { assert_eq!(f(1), 3); }\n";
    assert_eq!(found(Language::Rust, &[text]).len(), 0);
}
