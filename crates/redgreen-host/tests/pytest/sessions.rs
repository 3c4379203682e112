//! How a session of pytest ends, what of it is believed, and what it sees (SPEC B1, B2, C2, C3).

use crate::support::{Project, cause, codes, outcome, sound};
use redgreen_core::id::RelPath;
use redgreen_core::outcome::{Cause, Outcome};
use redgreen_core::reason::ReasonCode;
use redgreen_core::run_report::Ended;
use redgreen_host::runner::Selection;

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
