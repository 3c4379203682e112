//! Table tests of the static test model.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use redgreen_core::id::RelPath;
use redgreen_core::test_item::ItemChanges;
use redgreen_lint::{FileItems, ItemOptions, Language, items, items_with};

fn read(language: Language, text: &str) -> FileItems {
    let path = match language {
        Language::Python => "tests/test_a.py",
        Language::Rust => "src/lib.rs",
        Language::JavaScript => "test/a.test.js",
        Language::Go => "a_test.go",
    };
    items(language, None, &RelPath::new(path).unwrap(), text).unwrap()
}

/// `name Mark+Mark`, one per item.
fn summary(file: &FileItems) -> Vec<String> {
    file.items
        .iter()
        .map(|item| {
            let marks: Vec<String> = item.marks.iter().map(|mark| format!("{mark:?}")).collect();
            format!("{} {}", item.id.item, marks.join("+"))
                .trim()
                .to_owned()
        })
        .collect()
}

fn python(text: &str) -> Vec<String> {
    summary(&read(Language::Python, text))
}

fn rust(text: &str) -> Vec<String> {
    summary(&read(Language::Rust, text))
}

#[test]
fn words_test_items_of_python_are_those_that_pytest_collects() {
    let text = "\
import unittest
from unittest import TestCase as Base

def test_plain(): assert f() == 1
async def test_async(): assert await f() == 1
def helper(): pass
def testless(): assert 1 == f()

if True:
    def test_in_if(): assert f()
else:
    def test_in_else(): assert f()
try:
    import x
except ImportError:
    def test_in_except(): assert f()
with ctx:
    def test_in_with(): assert f()

@pytest.fixture
def test_fixture(): return 1

class TestCart:
    @pytest.mark.parametrize('a', [1])
    def test_total(self, a): assert f(a)
    class TestInner:
        def test_deep(self): assert f()
    class Inner:
        def test_not_collected(self): assert f()
    def helper(self): pass

class TestWithConstructor:
    def __init__(self): pass
    def test_no(self): assert f()

class CartCase(unittest.TestCase):
    def test_unit(self): self.assertEqual(f(), 1)
    class TestNested:
        def test_no(self): assert f()

class Aliased(Base):
    def test_alias(self): self.assertEqual(f(), 1)

class Derived(CartCase):
    def test_more(self): self.assertEqual(f(), 2)

class Without(CartCase):
    test_unit = None

class AsyncOne(unittest.IsolatedAsyncioTestCase):
    async def test_a(self): self.assertEqual(f(), 1)

class Plain:
    def test_no(self): assert f()

class TestOff:
    __test__ = False
    def test_no(self): assert f()

class OnlyRun(unittest.TestCase):
    def runTest(self): self.assertEqual(f(), 1)

def outer():
    def test_inner(): assert f()
";
    assert_eq!(
        python(text),
        [
            "test_plain",
            "test_async",
            "testless",
            "test_in_if",
            "test_in_else",
            "test_in_except",
            "test_in_with",
            "TestCart::test_total",
            "TestCart::TestInner::test_deep",
            "CartCase::test_unit",
            "Derived::test_unit",
            "Aliased::test_alias",
            "Derived::test_more",
            "AsyncOne::test_a",
            "OnlyRun::runTest",
        ]
        .map(str::to_owned)
    );
}

#[test]
fn b3_marks_of_python_tests() {
    for (text, expected) in [
        ("@pytest.mark.skip\ndef test_a(): assert f()", "test_a Skip"),
        (
            "@pytest.mark.skipif(x, reason='y')\ndef test_a(): assert f()",
            "test_a Skip",
        ),
        (
            "@pytest.mark.xfail(strict=True)\ndef test_a(): assert f()",
            "test_a Xfail",
        ),
        (
            "@unittest.skip('x')\ndef test_a(): assert f()",
            "test_a Skip",
        ),
        (
            "@unittest.skipUnless(a, 'x')\ndef test_a(): assert f()",
            "test_a Skip",
        ),
        (
            "@unittest.expectedFailure\ndef test_a(): assert f()",
            "test_a Xfail",
        ),
        ("@expectedFailure\ndef test_a(): assert f()", "test_a Xfail"),
        (
            "win = pytest.mark.skipif(x)\n@win\ndef test_a(): assert f()",
            "test_a Skip",
        ),
        (
            "pytestmark = pytest.mark.skip\ndef test_a(): assert f()",
            "test_a Skip",
        ),
        (
            "pytestmark = [pytest.mark.db, pytest.mark.xfail()]\ndef test_a(): assert f()",
            "test_a Xfail",
        ),
        (
            "class TestA:\n  pytestmark = pytest.mark.skip\n  def test_a(self): assert f()",
            "TestA::test_a Skip",
        ),
        (
            "@pytest.mark.skip\nclass TestA:\n  def test_a(self): assert f()",
            "TestA::test_a Skip",
        ),
        (
            "@unittest.skip('')\nclass TestA:\n  class TestB:\n    def test_a(self): assert f()",
            "TestA::TestB::test_a Skip",
        ),
        (
            "pytest.skip('x', allow_module_level=True)\ndef test_a(): assert f()",
            "test_a Skip",
        ),
        (
            "np = pytest.importorskip('numpy')\ndef test_a(): assert f()",
            "test_a Skip",
        ),
        (
            "if x:\n  raise unittest.SkipTest('x')\ndef test_a(): assert f()",
            "test_a Skip",
        ),
        (
            "def test_a():\n  'doc'\n  pytest.skip('later')\n  assert f()",
            "test_a Skip",
        ),
        (
            "class TestA(TestCase):\n  def test_a(self):\n    self.skipTest('x')",
            "TestA::test_a Skip",
        ),
        ("def test_a():\n  pytest.xfail('x')", "test_a Xfail"),
        (
            "@pytest.mark.parametrize('a', [pytest.param(1, marks=pytest.mark.xfail)])\ndef test_a(a): assert f(a)",
            "test_a Xfail",
        ),
        (
            "@pytest.mark.parametrize('skip', [1])\ndef test_a(skip): assert f(skip)",
            "test_a",
        ),
        (
            "@pytest.mark.parametrize('a', [Action.skip])\ndef test_a(a): assert f(a)",
            "test_a",
        ),
        ("def test_a(): assert False", "test_a AlwaysFails"),
        (
            "def test_a():\n  '''doc'''\n  assert 0, 'x'",
            "test_a AlwaysFails",
        ),
        ("def test_a(): assert not True", "test_a AlwaysFails"),
        ("def test_a(): assert 1 == 2", "test_a AlwaysFails"),
        ("def test_a(): assert (False)", "test_a AlwaysFails"),
        ("def test_a(): pytest.fail('x')", "test_a AlwaysFails"),
        ("def test_a(self): self.fail('x')", "test_a AlwaysFails"),
        (
            "def test_a(self): self.assertTrue(False)",
            "test_a AlwaysFails",
        ),
        (
            "def test_a(): raise NotImplementedError",
            "test_a AlwaysFails",
        ),
        (
            "def test_a():\n  from shop import x\n  raise ValueError",
            "test_a AlwaysFails",
        ),
        // Whatever comes before it, it never passes; unless there is a way out.
        (
            "def test_a():\n  x = f()\n  assert False",
            "test_a AlwaysFails",
        ),
        (
            "def test_a():\n  try:\n    f()\n  except X:\n    return\n  assert False",
            "test_a",
        ),
        (
            "def test_a():\n  try:\n    f()\n    assert False\n  except X:\n    pass",
            "test_a",
        ),
        ("def test_a():\n  with pytest.raises(X): raise X", "test_a"),
        ("def test_a(): assert f() == 0", "test_a"),
        ("def test_a(): pass", "test_a Empty"),
        ("def test_a(): ...", "test_a Empty"),
        (
            "def test_a():\n  'doc'\n  # later\n  return",
            "test_a Empty",
        ),
        ("def test_a():\n  import shop", "test_a"),
    ] {
        assert_eq!(python(text), [expected.to_owned()], "{text}");
    }
}

#[test]
fn words_custom_names_of_python_tests() {
    let options = ItemOptions {
        python_functions: vec!["check_*".to_owned(), "it_".to_owned(), "[ab]x?".to_owned()],
        python_classes: vec!["*Suite".to_owned()],
    };
    let text = "def check_a(): f()\ndef it_b(): f()\ndef test_c(): f()\ndef bxy(): f()\ndef cxy(): f()\nclass MySuite:\n  def check_d(self): f()\n";
    let path = RelPath::new("tests/a.py").unwrap();
    let file = items_with(Language::Python, None, &path, text, &options).unwrap();
    assert_eq!(
        summary(&file),
        ["check_a", "it_b", "bxy", "MySuite::check_d"].map(str::to_owned)
    );
}

#[test]
fn words_test_items_of_rust_in_modules_and_macros() {
    let text = r##"
#[test]
fn top() { assert_eq!(f(), 1); }
mod unit {
    #[tokio::test(flavor = "multi_thread")]
    async fn waits() { assert_eq!(f().await, 1); }
    mod deep { #[rstest] #[case(1)] fn cases(#[case] a: i32) { assert!(f(a)); } }
    fn helper() {}
}
#[test_case(1; "one")]
fn table(a: i32) { assert!(f(a)); }
#[wasm_bindgen_test] pub fn web() { f(); }
#[cfg_attr(not(miri), test)] fn not_miri() { f(); }
#[template] #[rstest] fn pattern() { f(); }
#[cfg(test)] fn helper() { f(); }
proptest! {
    #![proptest_config(Config::default())]
    #[test]
    fn round_trips(a in 0..10, b in any::<u8>()) { prop_assert_eq!(f(a), b); }
}
quickcheck! { fn prop_reverse(xs: Vec<u8>) -> bool { f(xs) } }
cfg_rt! { mod inner { #[test] fn nested() { f(); } } }
const TEXT: &str = "#[test] fn in_string() {}";
// #[test] fn in_comment() {}
#[bench] fn speed(b: &mut Bencher) { f(); }
"##;
    assert_eq!(
        rust(text),
        [
            "top",
            "unit::waits",
            "unit::deep::cases",
            "table",
            "web",
            "not_miri",
            "round_trips",
            "prop_reverse",
            "inner::nested",
        ]
        .map(str::to_owned)
    );
}

#[test]
fn b3_marks_of_rust_tests() {
    for (text, expected) in [
        ("#[test] #[ignore] fn a() { f(); }", "a Skip"),
        ("#[test] #[ignore = \"slow\"] fn a() { f(); }", "a Skip"),
        (
            "#[test] #[cfg_attr(not(feature = \"x\"), ignore)] fn a() { f(); }",
            "a Skip",
        ),
        ("#[test_case(1 => ignore)] fn a(b: u8) { f(); }", "a Skip"),
        ("#[test] #[should_panic] fn a() { panic!(); }", "a"),
        ("#[test] fn a() { todo!() }", "a Todo"),
        ("#[test] fn a() { std::unimplemented!(\"x\"); }", "a Todo"),
        ("#[test] fn a() { panic!(\"x\") }", "a AlwaysFails"),
        ("#[test] fn a() { assert!(false); }", "a AlwaysFails"),
        ("#[test] fn a() { assert!(false, \"x\"); }", "a AlwaysFails"),
        ("#[test] fn a() { assert!(false || f()); }", "a"),
        ("#[test] fn a() { unreachable!() }", "a AlwaysFails"),
        ("#[test] fn a() {}", "a Empty"),
        ("#[test] fn a() { /* later */ }", "a Empty"),
        ("#[test] fn a() { f(); panic!() }", "a AlwaysFails"),
        ("#[test] fn a() { if f() { return; } panic!() }", "a"),
        (
            "#[test] fn a() { match f() { Ok(_) => {} Err(e) => panic!(\"{e}\") } }",
            "a",
        ),
        (
            "#[test] fn a() { let Some(x) = f() else { panic!() }; g(x); }",
            "a",
        ),
    ] {
        assert_eq!(rust(text), [expected.to_owned()], "{text}");
    }
}

#[test]
fn b3_a_skip_on_a_class_or_module_changes_its_items() {
    let plain = "class TestA:\n    def test_a(self):\n        assert f() == 1\n\ndef test_b():\n    assert f() == 2\n";
    let changed = |other: &str| {
        ItemChanges::between(
            &read(Language::Python, plain).items,
            &read(Language::Python, other).items,
        )
        .changed
        .iter()
        .map(|id| id.item.clone())
        .collect::<Vec<_>>()
    };
    assert_eq!(changed(&format!("@slow\n{plain}")), ["TestA::test_a"]);
    assert_eq!(
        changed(&format!("pytestmark = x\n{plain}")),
        ["TestA::test_a", "test_b"]
    );
    assert_eq!(changed(&plain.replace("f() == 2", "f() >= 2")), ["test_b"]);
    // Line endings, trailing blanks and moving are no change.
    assert!(changed(&plain.replace('\n', "  \r\n")).is_empty());
    assert!(changed(&format!("\n\n{plain}")).is_empty());
}

#[test]
fn words_duplicate_names_lose_a_test_but_branches_do_not() {
    let file = read(
        Language::Python,
        "def test_a(): assert f()\ndef test_a(): assert g()\nif x:\n  def test_b(): assert f()\nelse:\n  def test_b(): assert g()\n",
    );
    assert_eq!(summary(&file), ["test_a", "test_b"]);
    let lines: Vec<_> = file
        .duplicates
        .iter()
        .map(|(id, line)| (id.item.as_str(), *line))
        .collect();
    assert_eq!(lines, [("test_a", 2)]);
    let file = read(
        Language::Rust,
        "#[test] fn a() { f(); }\n#[test] fn a() { g(); }\n#[cfg(unix)] #[test] fn b() { f(); }\n#[cfg(windows)] #[test] fn b() { f(); }\n",
    );
    assert_eq!(file.duplicates.len(), 1);
}

#[test]
fn b3_a_file_that_does_not_parse_still_has_its_items() {
    let file = read(
        Language::Python,
        "def test_a():\n    assert f() == 1\n\ndef test_b(:\n    assert\n\ndef test_c():\n    assert f() == 2\n",
    );
    assert!(file.syntax_error.is_some());
    let names = summary(&file).join(" ");
    assert!(
        names.contains("test_a") && names.contains("test_c"),
        "{names}"
    );
    let file = read(
        Language::Rust,
        "#[cfg(test)]\nmod tests {\n#[test]\nfn a() { assert_eq!(f(, 1); }\n#[test]\nfn b() { assert_eq!(f(), 1); }\n}\n",
    );
    assert_eq!(file.syntax_error.as_ref().map(|error| error.line), Some(4));
    assert_eq!(summary(&file), ["tests::a", "tests::b"]);
    let file = read(
        Language::Rust,
        "mod tests {\n#[test] fn a() { f(); }\n#[test] fn b() { f(); \n",
    );
    assert_eq!(summary(&file), ["tests::a", "tests::b"]);
}

#[test]
fn g4_places_of_items_are_lines_from_one() {
    let file = read(
        Language::Python,
        "\n@mark\ndef test_a():\n    assert f()\n\n",
    );
    assert_eq!((file.items[0].line, file.items[0].end_line), (2, 4));
    let file = read(
        Language::Rust,
        "\n/// doc\n#[test]\nfn a() {\n    f();\n}\n",
    );
    assert_eq!((file.items[0].line, file.items[0].end_line), (3, 6));
}

/// The usual forms of macros that make tests (SPEC B3): a name once, or in a repetition.
#[test]
fn b3_tests_that_a_macro_of_the_file_makes_are_items() {
    let text = "macro_rules! price_is {\n    ($name:ident, $n:expr) => {\n        #[test]\n        fn $name() { assert_eq!(shop::price($n), 4); }\n    };\n}\nprice_is!(two, 2);\nmacro_rules! all {\n    ($($name:ident: $value:expr,)*) => {$(\n        #[test]\n        fn $name() { let (a, b) = $value; assert_eq!(a, b); }\n    )*};\n}\nmod inner {\n    all! {\n        one: (1, 1),\n        three: (3, 4),\n    }\n}\n";
    let found: Vec<String> = rust(text);
    assert_eq!(found, ["two", "inner::one", "inner::three"]);
}

#[test]
fn words_test_items_of_go_are_those_that_the_go_tool_runs() {
    let text = "\
package a

import \"testing\"

func TestA(t *testing.T) { t.Parallel(); if F() != 1 { t.Error(1) } }
func Test_b(t *testing.T) {}
func Testify(t *testing.T) { F() }
func TestMain(m *testing.M) {}
func TestHelper(t *testing.T, n int) { F() }
func TestSkips(t *testing.T) { t.Skip(\"later\"); F() }
func TestShort(t *testing.T) { if testing.Short() { t.Skip() }; F() }
func TestFails(t *testing.T) { t.Parallel(); t.Fatal(\"not implemented\") }
func TestConstant(t *testing.T) { if 1 != 2 { t.Error(1) } }
func TestPanics(t *testing.T) { defer func() { recover() }(); F(); t.Fatal(1) }
func BenchmarkA(b *testing.B) {}
func FuzzA(f *testing.F) { f.Add(1) }
func ExampleA() {
\tF()
\t// Output: 1
}
func ExampleB() { F() }
func (s *CartSuite) TestTotal() { s.Equal(1, F()) }
func (c *Cart) TestTotal() { F() }
";
    assert_eq!(
        summary(&read(Language::Go, text)),
        [
            "TestA",
            "Test_b Empty",
            "TestSkips Skip",
            "TestShort",
            "TestFails AlwaysFails",
            "TestConstant AlwaysFails",
            "TestPanics",
            "FuzzA",
            "ExampleA",
            "CartSuite.TestTotal",
        ]
    );
}

#[test]
fn words_a_build_constraint_is_part_of_every_go_test_of_its_file() {
    let text = "package a\n\nfunc TestA(t *testing.T) { F() }\n";
    let old = read(Language::Go, text);
    let new = read(Language::Go, &format!("//go:build never\n\n{text}"));
    let changes = ItemChanges::between(&old.items, &new.items);
    assert_eq!(changes.changed.len(), 1);
    assert!(
        !old.items.is_empty()
            && read(Language::Go, "package a\nfunc Test")
                .syntax_error
                .is_some()
    );
}
