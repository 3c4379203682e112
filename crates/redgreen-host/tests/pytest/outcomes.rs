//! What comes out of tests and sessions (SPEC B1-B3).

use crate::support::{Project, case, cause, codes, detail, item, outcome, path, sound};
use redgreen_core::id::RelPath;
use redgreen_core::outcome::{Cause, Outcome};
use redgreen_core::run_report::{Ended, RunReport};
use redgreen_host::runner::Selection;

/// Purpose: one test for each way in which a test can be red.
#[test]
fn b3_causes_follow_the_table() {
    let project = Project::new();
    project.tree(&[
        ("src/shop/__init__.py", "from .stub import pay, boom, Cart, add\ndef subtotal(): pass\n"),
        (
            "src/shop/stub.py",
            "def pay():\n    raise NotImplementedError\ndef boom():\n    return {}['x']\nclass Cart:\n    pass\ndef add(a):\n    return a\n",
        ),
        (
            "tests/test_shop.py",
            r#"
import json
import pytest
import shop

def helper():
    assert 1 == 2, "helper"
def test_assertion(): assert 1 == 2
def test_helper(): helper()
def test_raises():
    with pytest.raises(ValueError):
        pass
def test_module_attribute(): shop.discount(1)
def test_instance_attribute(): shop.Cart().total()
def test_typo(): shop.subtotl()
def test_import():
    from shop import refund
def test_module():
    import shop.pricing
def test_signature(): shop.add(1, currency="EUR")
def test_stub(): shop.pay()
def test_raised(): shop.boom()
def test_undefined(): totl
def test_dependency():
    import requestz
def test_foreign(): json.parse("1")
def test_fixture(db): pass
def test_none(): None.total
def test_refused():
    import socket
    socket.create_connection(("127.0.0.1", 1))
async def test_async(): pass
@pytest.fixture
def broken(): raise RuntimeError("no")
def test_setup(broken): pass
@pytest.fixture
def uses_missing(): return shop.discount(1)
def test_setup_missing(uses_missing): pass
"#,
        ),
    ]);
    let report = project.run();
    sound(&report);
    let expected = [
        ("assertion", Cause::Assertion),
        ("helper", Cause::Assertion),
        ("raises", Cause::Assertion),
        ("module_attribute", Cause::MissingSymbol),
        ("instance_attribute", Cause::MissingSymbol),
        ("typo", Cause::SimilarName),
        ("import", Cause::MissingSymbol),
        ("module", Cause::MissingSymbol),
        ("signature", Cause::Signature),
        ("stub", Cause::NotImplemented),
        ("raised", Cause::RaisedInSource),
        ("undefined", Cause::UndefinedName),
        ("dependency", Cause::MissingDependency),
        ("foreign", Cause::WrongForeignSymbol),
        ("fixture", Cause::MissingFixture),
        ("none", Cause::RaisedInTest),
        ("refused", Cause::Environment),
        ("async", Cause::MissingPlugin),
        ("setup", Cause::SetupFailed),
        ("setup_missing", Cause::MissingSymbol),
    ];
    let found: Vec<(&str, Cause)> = expected
        .iter()
        .map(|(name, _)| {
            (
                *name,
                cause(&report, &format!("tests/test_shop.py::test_{name}")),
            )
        })
        .collect();
    assert_eq!(found, expected);
    assert_eq!(
        detail(&report, "tests/test_shop.py::test_import"),
        "`refund` does not exist yet"
    );
    assert_eq!(
        detail(&report, "tests/test_shop.py::test_fixture"),
        "fixture `db` does not exist"
    );
    assert_eq!(
        detail(&report, "tests/test_shop.py::test_dependency"),
        "`requestz` is not installed"
    );
    assert_eq!(
        outcome(&report, "tests/test_shop.py::test_fixture"),
        Outcome::Errored
    );
    assert_eq!(
        case(&report, "tests/test_shop.py::test_assertion").line,
        Some(8)
    );
    assert!(codes(&report).is_empty());
}

/// Purpose: unittest classes with and without subtests, expected failures, set-up of a class.
#[test]
fn b2_unittest_classes_and_subtests_are_cases() {
    let project = Project::new();
    project.tree(&[(
        "tests/test_unit.py",
        r#"
import unittest
class TestCart(unittest.TestCase):
    def test_ok(self): self.assertEqual(1, 1)
    def test_no(self): self.assertEqual(1, 2)
    def test_sub(self):
        for i in range(2):
            with self.subTest(i=i): self.assertEqual(i, 0)
    @unittest.expectedFailure
    def test_expected(self): self.fail()
    @unittest.expectedFailure
    def test_unexpected(self): pass
    @unittest.skip("later")
    def test_skip(self): pass
class TestSetup(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise RuntimeError("no")
    def test_a(self): pass
def test_fixture(subtests):
    with subtests.test("first", n=1): assert False, "inner"
    with subtests.test("second"): pass
"#,
    )]);
    let report = project.run();
    sound(&report);
    let id = |name: &str| format!("tests/test_unit.py::{name}");
    assert_eq!(outcome(&report, &id("TestCart::test_ok")), Outcome::Passed);
    assert_eq!(cause(&report, &id("TestCart::test_no")), Cause::Assertion);
    assert_eq!(
        outcome(&report, &id("TestCart::test_sub")),
        Outcome::Failed,
        "{report:#?}"
    );
    assert_eq!(cause(&report, &id("TestCart::test_sub")), Cause::Assertion);
    assert_eq!(
        outcome(&report, &id("TestCart::test_sub (i=0)")),
        Outcome::Passed
    );
    assert_eq!(
        outcome(&report, &id("TestCart::test_sub (i=1)")),
        Outcome::Failed
    );
    assert_eq!(
        outcome(&report, &id("TestCart::test_expected")),
        Outcome::Xfailed
    );
    assert_eq!(
        outcome(&report, &id("TestCart::test_unexpected")),
        Outcome::Xpassed
    );
    assert_eq!(
        outcome(&report, &id("TestCart::test_skip")),
        Outcome::Skipped
    );
    assert_eq!(outcome(&report, &id("TestSetup::test_a")), Outcome::Errored);
    assert_eq!(outcome(&report, &id("test_fixture")), Outcome::Failed);
    assert_eq!(
        outcome(&report, &id("test_fixture [first] (n=1)")),
        Outcome::Failed
    );
    assert_eq!(
        outcome(&report, &id("test_fixture [second]")),
        Outcome::Passed
    );
}

/// Purpose: skips and expected failures in all their forms; none of them is a pass.
#[test]
fn b2_skips_and_expected_failures_are_told_apart() {
    let mut project = Project::new();
    project.tree(&[
        (
            "tests/test_marks.py",
            r#"
import pytest
@pytest.mark.skip(reason="later")
def test_skip(): pass
def test_skip_inside(): pytest.skip("now")
@pytest.mark.xfail
def test_xfail(): assert False
@pytest.mark.xfail
def test_xpass(): pass
@pytest.mark.xfail(strict=True)
def test_strict(): pass
@pytest.mark.xfail(raises=ValueError)
def test_other(): assert False
@pytest.mark.xfail(run=False)
def test_not_run(): pass
"#,
        ),
        (
            "tests/test_module.py",
            "import pytest\npytest.importorskip('nothing_of_this_name')\ndef test_a(): pass\n",
        ),
    ]);
    project.items(&["tests/test_module.py::test_a"]);
    let report = project.run();
    sound(&report);
    let found = |name: &str| outcome(&report, &format!("tests/test_marks.py::test_{name}"));
    assert_eq!(found("skip"), Outcome::Skipped);
    assert_eq!(found("skip_inside"), Outcome::Skipped);
    assert_eq!(found("xfail"), Outcome::Xfailed);
    assert_eq!(found("xpass"), Outcome::Xpassed);
    assert_eq!(found("strict"), Outcome::Xpassed);
    assert_eq!(found("other"), Outcome::Failed);
    assert_eq!(found("not_run"), Outcome::Xfailed);
    assert_eq!(
        outcome(&report, "tests/test_module.py::test_a"),
        Outcome::Skipped,
        "{report:#?}"
    );
    assert_eq!(
        case(&report, "tests/test_marks.py::test_skip").message,
        "Skipped: later"
    );
}

/// Purpose: names with spaces, brackets and other scripts, kept as pytest writes them.
#[test]
fn g4_case_ids_are_verbatim_and_can_be_selected() {
    let project = Project::new();
    project.tree(&[(
        "tests/test with space é.py",
        r#"
import pytest
@pytest.mark.parametrize("x", ["a b", "é", "[x]", "a::b", ""])
def test_p(x): assert x
class TestÄ:
    @pytest.mark.parametrize("x", [1, 2])
    def test_m(self, x): assert x
def test_other(): assert False
"#,
    )]);
    let file = "tests/test with space é.py";
    let items = vec![
        item(&format!("{file}::test_p")),
        item(&format!("{file}::TestÄ::test_m")),
    ];
    let report = project.try_run(&Selection::Items(items)).unwrap();
    sound(&report);
    let ids: Vec<String> = report
        .cases
        .iter()
        .map(|case| case.id.case.clone())
        .collect();
    assert_eq!(
        ids,
        ["[a b]", "[\\xe9]", "[[x]]", "[a::b]", "[]", "[1]", "[2]"],
        "{report:#?}"
    );
    assert_eq!(
        report.cases[0].id.item.to_string(),
        format!("{file}::test_p")
    );
    assert_eq!(report.cases[5].id.item.item, "TestÄ::test_m");
    assert_eq!(report.count(Outcome::Failed), 1);
}

/// Purpose: a file that does not load among good ones; others still run, and the selection still works.
#[test]
fn b3_a_broken_import_does_not_hide_other_files() {
    let project = Project::new();
    project.tree(&[
        ("src/shop/__init__.py", ""),
        (
            "tests/test_bad.py",
            "from shop import refund\n\ndef test_refund(): refund()\n",
        ),
        ("tests/test_syntax.py", "def test_x(:\n    pass\n"),
        (
            "tests/test_good.py",
            "def test_good(): pass\ndef test_more(): pass\n",
        ),
    ]);
    let report = project.run();
    sound(&report);
    assert_eq!(
        outcome(&report, "tests/test_good.py::test_good"),
        Outcome::Passed
    );
    assert_eq!(report.load_failures.len(), 2, "{report:#?}");
    let bad = &report.load_failures[0];
    assert_eq!(bad.files, [path("tests/test_bad.py")]);
    assert_eq!(bad.causes[0].cause.cause, Cause::MissingSymbol);
    assert_eq!(bad.causes[0].cause.symbol.as_deref(), Some("refund"));
    assert_eq!(
        (bad.causes[0].file.clone(), bad.causes[0].line),
        (Some(path("tests/test_bad.py")), Some(1))
    );
    let syntax = &report.load_failures[1];
    assert_eq!(syntax.causes[0].cause.cause, Cause::SyntaxError);
    assert_eq!(syntax.causes[0].line, Some(1));
    let items = vec![
        item("tests/test_bad.py::test_refund"),
        item("tests/test_good.py::test_good"),
    ];
    let report = project.try_run(&Selection::Items(items)).unwrap();
    sound(&report);
    assert_eq!(
        (report.cases.len(), report.load_failures.len()),
        (1, 1),
        "{report:#?}"
    );
    assert_eq!(report.ended, Ended::Code(1));
}

/// Purpose: a conftest that does not load takes every test below it with it.
#[test]
fn b3_a_conftest_that_does_not_load_names_the_files_below_it() {
    for place in ["conftest.py", "tests/conftest.py", "tests/deep/conftest.py"] {
        let mut project = Project::new();
        project.tree(&[
            ("src/shop/__init__.py", ""),
            (place, "from shop import make_db\n"),
            ("tests/deep/test_a.py", "def test_a(): pass\n"),
        ]);
        project.items(&["tests/deep/test_a.py::test_a"]);
        let report = project.run();
        sound(&report);
        assert_eq!(report.load_failures.len(), 1, "{report:#?}");
        assert_eq!(
            report.load_failures[0].files,
            [path("tests/deep/test_a.py")]
        );
        let cause = &report.load_failures[0].causes[0];
        assert_eq!(cause.cause.cause, Cause::MissingSymbol);
        assert_eq!(cause.file, Some(path(place)));
    }
}

/// Purpose: a runner with a name and a folder of its own in a repository with several.
#[test]
fn g4_ids_carry_the_runner_and_the_path_from_the_top() {
    let mut project = Project::new();
    project.settings.name = Some("api".parse().unwrap());
    project.settings.root = "services/api".to_owned();
    project.test_globs = vec!["services/*/tests/**".to_owned()];
    project.tree(&[
        ("services/api/src/shop/__init__.py", ""),
        (
            "services/api/tests/test_a.py",
            "import shop\ndef test_a(): shop.total()\ndef test_b(): pass\n",
        ),
        ("services/web/tests/test_w.py", "def test_w(): pass\n"),
    ]);
    std::fs::create_dir_all(project.workspace.checkout.join("services/api")).unwrap();
    let report = project.run();
    sound(&report);
    assert_eq!(report.cases.len(), 2, "{report:#?}");
    assert_eq!(
        cause(&report, "api:services/api/tests/test_a.py::test_a"),
        Cause::MissingSymbol
    );
    let files = vec![path("services/api/tests/test_a.py")];
    let report = project.try_run(&Selection::Files(files)).unwrap();
    sound(&report);
    assert_eq!(report.cases.len(), 2);
    let one = vec![item("api:services/api/tests/test_a.py::test_b")];
    let report = project.try_run(&Selection::Items(one)).unwrap();
    assert_eq!(report.cases.len(), 1);
    assert!(
        report.command.contains(&"tests/test_a.py".to_owned()),
        "{report:#?}"
    );
    assert!(report.command.iter().any(|word| word == "pytest"));
}

/// Purpose: doctests of source files, and a fixture that fails in tear-down.
#[test]
fn b3_doctests_and_tear_downs_have_causes() {
    let project = Project::new();
    project.tree(&[
        ("pytest.ini", "[pytest]\naddopts = --doctest-modules\n"),
        ("src/shop/__init__.py", "def total():\n    '''\n    >>> total()\n    1\n    '''\n    return 2\n\ndef pay():\n    '''\n    >>> pay()\n    1\n    '''\n    raise NotImplementedError\n"),
        ("tests/test_a.py", "import pytest\n@pytest.fixture\ndef f():\n    yield 1\n    raise RuntimeError('down')\ndef test_a(f): pass\n"),
    ]);
    let report = project.run();
    sound(&report);
    assert_eq!(
        cause(&report, "src/shop/__init__.py::shop.total"),
        Cause::Assertion,
        "{report:#?}"
    );
    assert_eq!(
        cause(&report, "src/shop/__init__.py::shop.pay"),
        Cause::NotImplemented
    );
    assert_eq!(
        outcome(&report, "tests/test_a.py::test_a"),
        Outcome::Errored
    );
    assert_eq!(
        cause(&report, "tests/test_a.py::test_a"),
        Cause::SetupFailed
    );
}

/// Purpose: what a project leaves out of its own suite (click: `-m "not stress"`) stays out of the whole suite, and does not
/// narrow a run of named files.
#[test]
fn b6_the_whole_suite_is_what_the_project_selects() {
    let project = Project::new();
    project.tree(&[
        (
            "pyproject.toml",
            "[tool.pytest.ini_options]\naddopts = \"-m 'not slow' --deselect=tests/test_a.py::test_b\"\nmarkers = [\"slow\"]\n",
        ),
        (
            "tests/test_a.py",
            "import pytest\ndef test_a(): pass\ndef test_b(): pass\n@pytest.mark.slow\ndef test_c(): pass\n",
        ),
    ]);
    let names = |report: &RunReport| -> Vec<String> {
        report
            .cases
            .iter()
            .map(|case| case.id.item.item.clone())
            .collect()
    };
    assert_eq!(names(&project.run()), ["test_a"]);
    let file = RelPath::new("tests/test_a.py").unwrap();
    let named = project.try_run(&Selection::Files(vec![file])).unwrap();
    assert_eq!(names(&named), ["test_a", "test_b", "test_c"]);
}
