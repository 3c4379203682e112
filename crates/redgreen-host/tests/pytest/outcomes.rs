//! What comes out of tests and sessions (SPEC B1-B3).

use crate::support::{Project, case, cause, codes, detail, item, outcome, path, sound};
use redgreen_core::id::RelPath;
use redgreen_core::outcome::{Cause, Outcome};
use redgreen_core::reason::ReasonCode;
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

/// Purpose: ways in which a session ends early with exit code 0 or a report that says nothing.
#[test]
fn b1_sessions_that_end_early_are_never_a_pass() {
    let good = "def test_first(): pass\n";
    let cases = [
        (
            "import os\ndef test_x(): os._exit(0)\n",
            ReasonCode::TruncatedReport,
            "test_x",
        ),
        (
            "import pytest\ndef test_x(): pytest.exit('bye', returncode=0)\n",
            ReasonCode::TruncatedReport,
            "bye",
        ),
        (
            "import os, signal\ndef test_x(): os.kill(os.getpid(), signal.SIGSEGV)\n",
            ReasonCode::TruncatedReport,
            "SIGSEGV",
        ),
        (
            "import sys\nsys.exit(0)\ndef test_x(): pass\n",
            ReasonCode::TruncatedReport,
            "SystemExit",
        ),
        (
            "import os\nos._exit(0)\ndef test_x(): pass\n",
            ReasonCode::TruncatedReport,
            "exit code 0",
        ),
        (
            "import atexit, os\natexit.register(os._exit, 0)\ndef test_x(): assert 0\n",
            ReasonCode::ExitCodeDisagrees,
            "pytest returned 1",
        ),
    ];
    for (code, expected, word) in cases {
        let project = Project::new();
        project.tree(&[
            ("tests/test_a.py", good),
            ("tests/test_b.py", code),
            ("tests/test_c.py", good),
        ]);
        let report = project.run();
        assert_eq!(codes(&report), [expected], "{report:#?}");
        assert!(report.problems[0].message.contains(word), "{report:#?}");
        assert!(!report.problems[0].help.is_empty());
    }
}

/// Purpose: the test during which the process died is named and is not `passed`.
#[test]
fn b2_the_test_that_ended_the_process_is_crashed() {
    let project = Project::new();
    project.tree(&[(
        "tests/test_a.py",
        "import os\ndef test_a(): pass\ndef test_b(): os._exit(0)\ndef test_c(): pass\n",
    )]);
    let report = project.run();
    assert_eq!(outcome(&report, "tests/test_a.py::test_a"), Outcome::Passed);
    assert_eq!(
        outcome(&report, "tests/test_a.py::test_b"),
        Outcome::Crashed
    );
    assert_eq!(outcome(&report, "tests/test_a.py::test_c"), Outcome::NotRun);
}

/// Purpose: hooks in a conftest that make failures look like passes, from four sides.
#[test]
fn b1_hooks_that_rewrite_reports_are_seen() {
    let hooks = [
        "@pytest.hookimpl(hookwrapper=True, tryfirst=True)\ndef pytest_runtest_makereport(item, call):\n    out = yield\n    out.get_result().outcome = 'passed'\n",
        "@pytest.hookimpl(tryfirst=True)\ndef pytest_runtest_logreport(report):\n    report.outcome = 'passed'\n",
        "@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_call(item):\n    out = yield\n    out.force_result(None)\n",
        "@pytest.hookimpl(tryfirst=True)\ndef pytest_runtest_makereport(item, call):\n    call.excinfo = None\n",
        "@pytest.hookimpl(hookwrapper=True)\ndef pytest_pyfunc_call(pyfuncitem):\n    out = yield\n    out.force_result(True)\n",
    ];
    for hook in hooks {
        let project = Project::new();
        project.tree(&[
            ("tests/conftest.py", &format!("import pytest\n{hook}")),
            ("tests/test_a.py", "def test_a(): assert 1 == 2\n"),
        ]);
        let report = project.run();
        // pytest counts a failure before the hook on `logreport` runs; all others hide it from the exit code too.
        let hidden = !hook.contains("logreport");
        assert_eq!(
            report.ended == Ended::Code(0),
            hidden,
            "{hook}: {report:#?}"
        );
        assert!(
            codes(&report).contains(&ReasonCode::ReportTampered),
            "{hook}: {report:#?}"
        );
        assert_eq!(outcome(&report, "tests/test_a.py::test_a"), Outcome::Failed);
    }
}

/// Purpose: hooks that change the exit code, stop the session, or replace the protocol.
#[test]
fn b1_exit_code_and_cases_must_agree() {
    let hooks = [
        (
            "def pytest_sessionfinish(session): session.exitstatus = 0\n",
            ReasonCode::ExitCodeDisagrees,
        ),
        (
            "def pytest_runtest_logreport(report):\n    import pytest\n    CONFIG.shouldstop = 'enough'\ndef pytest_sessionstart(session):\n    global CONFIG\n    CONFIG = session\n",
            ReasonCode::TruncatedReport,
        ),
        (
            "def pytest_runtest_protocol(item, nextitem): return True\n",
            ReasonCode::TruncatedReport,
        ),
        (
            "def pytest_collection_modifyitems(items): items.clear()\n",
            ReasonCode::ZeroTests,
        ),
    ];
    for (hook, expected) in hooks {
        let project = Project::new();
        project.tree(&[
            ("tests/conftest.py", hook),
            (
                "tests/test_a.py",
                "def test_a(): assert 1 == 2\ndef test_b(): pass\n",
            ),
        ]);
        let report = project.run();
        assert_eq!(codes(&report), [expected], "{hook}: {report:#?}");
    }
}

/// Purpose: pytest's own words for what it refuses, and for finding nothing.
#[test]
fn b1_usage_errors_and_zero_tests_are_named() {
    let project = Project::new();
    project.tree(&[
        ("pytest.ini", "[pytest]\naddopts = --no-such-option\n"),
        ("tests/test_a.py", "def test_a(): pass\n"),
    ]);
    let report = project.run();
    assert_eq!(
        codes(&report),
        [ReasonCode::RunnerUsageError],
        "{report:#?}"
    );
    assert!(
        report.problems[0].message.contains("--no-such-option"),
        "{report:#?}"
    );
    project.tree(&[("pytest.ini", "[pytest]\naddopts = -p no_such_plugin\n")]);
    let report = project.run();
    assert_eq!(codes(&report), [ReasonCode::MissingPlugin], "{report:#?}");
    project.tree(&[
        ("pytest.ini", "[pytest]\n"),
        ("tests/test_a.py", "def helper(): pass\n"),
    ]);
    let report = project.run();
    assert_eq!(codes(&report), [ReasonCode::ZeroTests], "{report:#?}");
}

/// Purpose: an `addopts` that would select, stop early, report, cover, distribute and hide; what else it says is kept.
#[test]
fn c3_addopts_keep_what_does_not_select() {
    let project = Project::new();
    project.tree(&[
        (
            "pyproject.toml",
            "[tool.pytest.ini_options]\naddopts = \"-xq --maxfail 1 -k nothing -m 'not slow' --deselect tests/test_a.py::test_a --ignore=tests/test_b.py -n 2 --dist loadfile --cov=src --cov-report term --cov-fail-under 90 --junitxml=out.xml --lf -p no:terminal -p no:cacheprovider --strict-markers -rs -p helper_plugin\"\ncache_dir = \"x\"\nmarkers = [\"slow\"]\ntestpaths = [\"tests\"]\n",
        ),
        ("helper_plugin.py", "import pytest\n@pytest.fixture\ndef from_plugin(): return 7\n"),
        (
            "tests/test_a.py",
            "import pytest\ndef test_a(): assert 0\ndef test_b(from_plugin): assert from_plugin == 7\n@pytest.mark.slow\ndef test_c(): pass\n",
        ),
        ("tests/test_b.py", "import pytest\n@pytest.mark.unknown\ndef test_d(): pass\n"),
    ]);
    let files = ["tests/test_a.py", "tests/test_b.py"].map(|path| RelPath::new(path).unwrap());
    let report = project.try_run(&Selection::Files(files.to_vec())).unwrap();
    sound(&report);
    assert_eq!(outcome(&report, "tests/test_a.py::test_a"), Outcome::Failed);
    assert_eq!(outcome(&report, "tests/test_a.py::test_b"), Outcome::Passed);
    assert_eq!(outcome(&report, "tests/test_a.py::test_c"), Outcome::Passed);
    // `--strict-markers` is kept: the unknown marker is an error.
    assert_eq!(report.load_failures.len(), 1, "{report:#?}");
    assert!(!project.tree.join("out.xml").exists());
    assert!(!project.tree.join("x").exists());
    assert_eq!(
        report
            .pass_line
            .as_deref()
            .map(|line| line.starts_with("1 failed, 2 passed, 1 error in ")),
        Some(true),
        "{report:#?}"
    );
    assert!(report.tail.len() >= 3);
}

/// Purpose: the plugins of the environment work although autoload is off.
#[test]
fn c3_recorded_plugins_are_enabled_by_name() {
    let project = Project::new();
    project.tree(&[
        ("pytest.ini", "[pytest]\nasyncio_mode = auto\n"),
        (
            "tests/test_a.py",
            "import asyncio\nasync def test_async():\n    await asyncio.sleep(0)\n    assert 1 == 2\ndef test_worker(worker_id): assert worker_id == 'master'\ndef test_cov(cov): pass\n",
        ),
    ]);
    let environment = project.environment().unwrap();
    assert_eq!(
        environment.plugins,
        ["asyncio", "pytest_cov", "xdist", "xdist.looponfail"]
    );
    let report = project.run();
    sound(&report);
    assert_eq!(
        cause(&report, "tests/test_a.py::test_async"),
        Cause::Assertion,
        "{report:#?}"
    );
    assert_eq!(
        outcome(&report, "tests/test_a.py::test_worker"),
        Outcome::Passed
    );
    assert_eq!(
        outcome(&report, "tests/test_a.py::test_cov"),
        Outcome::Passed
    );
    // A plugin that the project switches off stays off.
    project.tree(&[("pytest.ini", "[pytest]\naddopts = -p no:asyncio\n")]);
    let report = project.run();
    assert_eq!(
        cause(&report, "tests/test_a.py::test_async"),
        Cause::MissingPlugin,
        "{report:#?}"
    );
}

/// Purpose: what tests can see of the machine.
#[test]
fn c3_tests_see_a_private_environment() {
    let mut project = Project::new();
    project
        .variables
        .insert("SECRET_TOKEN".to_owned(), "x".to_owned());
    project.tree(&[(
        "tests/test_a.py",
        r#"
import os, sys, time, tempfile
def test_a(tmp_path):
    assert "SECRET_TOKEN" not in os.environ
    assert os.environ["TZ"] == "UTC" and os.environ["PYTHONHASHSEED"] == "0" and os.environ["CI"] == "1"
    assert os.listdir(os.path.expanduser("~")) == []
    private = os.path.dirname(os.environ["HOME"])
    assert tempfile.gettempdir().startswith(private) and str(tmp_path).startswith(private)
    assert os.path.samefile(os.getcwd(), os.path.dirname(os.path.dirname(__file__)))
    assert sys.dont_write_bytecode
"#,
    )]);
    let report = project.run();
    sound(&report);
    assert_eq!(
        outcome(&report, "tests/test_a.py::test_a"),
        Outcome::Passed,
        "{report:#?}"
    );
    let left: Vec<_> = std::fs::read_dir(&project.workspace.scratch)
        .unwrap()
        .collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(!project.tree.join("tests/__pycache__").exists());
    assert!(!project.tree.join(".pytest_cache").exists());
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

/// Purpose: a test that freezes the clock (freezegun patches pytest's own too) is no tampering. Happened with
/// itsdangerous, whose time stamps are tested that way.
#[test]
fn b1_a_clock_that_goes_backwards_spoils_no_record() {
    let project = Project::new();
    project.tree(&[(
        "tests/test_clock.py",
        "import _pytest.timing\nimport pytest\n@pytest.mark.parametrize('now', [-1e9, 1e300, float('nan')])\ndef test_frozen(monkeypatch, now):\n    for name in ('perf_counter', 'time'):\n        monkeypatch.setattr(_pytest.timing, name, lambda: now)\n",
    )]);
    let report = project.run();
    sound(&report);
    assert_eq!(report.cases.len(), 3);
    assert!(
        report
            .cases
            .iter()
            .all(|case| case.outcome == Outcome::Passed)
    );
}

/// Purpose: files of the project that carry the names of pytest, its parts and our probe.
#[test]
fn c2_modules_of_the_tree_cannot_take_the_place_of_pytest_or_the_probe() {
    let forged = "import os, sys\nsys.stderr.write('forged\\n')\nos._exit(0)\n";
    for folder in ["", "src/"] {
        for name in [
            "pytest",
            "pluggy",
            "redgreen_probe",
            "redgreen_origin",
            "sitecustomize",
        ] {
            let project = Project::new();
            let file = format!("{folder}{name}.py");
            project.tree(&[
                (&file, forged),
                ("tests/test_a.py", "def test_a(): assert 1 == 2\n"),
            ]);
            let report = project.run();
            // The tree has a module of that name, and the environment's was loaded: that is said.
            let expected: &[ReasonCode] = match name {
                "pytest" | "pluggy" => &[ReasonCode::CodeLoadedFromElsewhere],
                _ => &[],
            };
            let mut found = codes(&report);
            found.dedup();
            assert_eq!(found, expected, "{file}: {report:#?}");
            assert_eq!(
                outcome(&report, "tests/test_a.py::test_a"),
                Outcome::Failed,
                "{file}: {report:#?}"
            );
        }
    }
}

/// Purpose: a test that looks for the record of the run and writes a better one.
#[test]
fn b1_lines_that_the_probe_did_not_write_are_not_believed() {
    let project = Project::new();
    project.tree(&[(
        "tests/test_a.py",
        r#"
import json, os
def test_a():
    folder = os.path.dirname(os.environ["REDGREEN_RUN"])
    with open(os.path.join(folder, "report"), "a") as report:
        for line in [
            {"kind": "phase", "n": 0, "when": "call", "raw": "passed", "made": "passed", "reported": "passed"},
            {"kind": "finish", "n": 0},
            {"kind": "end", "exit": 0},
        ]:
            report.write(json.dumps(line) + "\n")
    os._exit(0)
"#,
    )]);
    let report = project.run();
    assert_eq!(
        codes(&report),
        [ReasonCode::TruncatedReport, ReasonCode::ReportTampered],
        "{report:#?}"
    );
    assert_eq!(
        outcome(&report, "tests/test_a.py::test_a"),
        Outcome::Crashed
    );
}

/// Purpose: a test that never ends.
#[test]
fn b1_a_time_out_names_the_test_and_is_no_failure() {
    let mut project = Project::new();
    // Long enough for pytest to start on a busy machine.
    project.settings.timeout = std::time::Duration::from_secs(15);
    project.tree(&[(
        "tests/test_a.py",
        "import time\ndef test_a(): time.sleep(600)\n",
    )]);
    let report = project.run();
    assert_eq!(codes(&report), [ReasonCode::TimedOut], "{report:#?}");
    assert!(
        report.problems[0]
            .message
            .contains("`tests/test_a.py::test_a`"),
        "{report:#?}"
    );
    assert_eq!(
        outcome(&report, "tests/test_a.py::test_a"),
        Outcome::TimedOut
    );
    assert_eq!(cause(&report, "tests/test_a.py::test_a"), Cause::Timeout);
}

/// Purpose: a pytest configuration in a folder above the tree, which belongs to somebody else.
#[test]
fn c3_configuration_above_the_tree_is_not_read() {
    let project = Project::new();
    project.tree(&[("tests/test_a.py", "def test_a(): pass\n")]);
    let above = project.tree.parent().unwrap();
    std::fs::write(
        above.join("pytest.ini"),
        "[pytest]\naddopts = --no-such-option\n",
    )
    .unwrap();
    std::fs::write(above.join("conftest.py"), "raise RuntimeError('above')\n").unwrap();
    let report = project.run();
    sound(&report);
    assert_eq!(
        outcome(&report, "tests/test_a.py::test_a"),
        Outcome::Passed,
        "{report:#?}"
    );
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
