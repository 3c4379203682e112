//! What cannot be had from the interpreter at hand: other Python versions, other ends of a process.

use super::cause::{Stage, cause};
use super::places::{Owner, Places};
use super::records::{AttributeOwner, Exception, ForeignCode, Frame, Journal, Top, When};
use super::report::Context;
use super::{Process, parts, problems};
use redgreen_core::id::RelPath;
use redgreen_core::outcome::{Cause, Outcome};
use redgreen_core::reason::ReasonCode;
use redgreen_core::run_report::Ended;
use std::collections::BTreeMap;

fn is_test(path: &RelPath) -> bool {
    path.is_below("tests")
}

fn top(name: &str, path: &str) -> Top {
    let (name, path) = (name.to_owned(), path.to_owned());
    Top { name, path }
}

fn classified(exception: &Exception, when: When) -> Cause {
    let tops = [top("shop", "src/shop"), top("tests", "tests")];
    let places = Places::new(&is_test, &tops, &["my-project".to_owned()]);
    cause(exception, Stage::Phase(when), &places).cause
}

fn exception(type_name: &str, bases: &[&str], frames: &[(&str, &str)]) -> Exception {
    Exception {
        type_name: type_name.to_owned(),
        bases: bases.iter().map(|&base| base.to_owned()).collect(),
        frames: frames
            .iter()
            .map(|(file, function)| Frame((*file).to_owned(), 1, (*function).to_owned()))
            .collect(),
        ..Exception::default()
    }
}

const TEST: (&str, &str) = ("tests/test_a.py", "test_a");
const SOURCE: (&str, &str) = ("src/shop/cart.py", "total");
const LIBRARY: (&str, &str) = ("/usr/lib/python3/socket.py", "connect");

#[test]
fn b3_the_last_frame_of_the_tree_decides() {
    let assertion = |frames: &[(&str, &str)]| {
        classified(
            &exception("AssertionError", &["builtins.AssertionError"], frames),
            When::Call,
        )
    };
    assert_eq!(assertion(&[TEST]), Cause::Assertion);
    assert_eq!(
        assertion(&[TEST, ("tests/helpers.py", "check"), LIBRARY]),
        Cause::Assertion
    );
    assert_eq!(assertion(&[TEST, SOURCE]), Cause::RaisedInSource);
    assert_eq!(assertion(&[TEST, SOURCE, LIBRARY]), Cause::RaisedInSource);
    let value = |frames: &[(&str, &str)], when| {
        classified(
            &exception("ValueError", &["builtins.ValueError"], frames),
            when,
        )
    };
    assert_eq!(
        value(&[TEST, SOURCE, LIBRARY], When::Call),
        Cause::RaisedInSource
    );
    assert_eq!(value(&[TEST, LIBRARY], When::Call), Cause::RaisedInTest);
    assert_eq!(
        value(&[("tests/conftest.py", "db"), SOURCE], When::Setup),
        Cause::RaisedInSource
    );
    assert_eq!(
        value(&[("tests/conftest.py", "db")], When::Setup),
        Cause::SetupFailed
    );
}

#[test]
fn b3_a_refused_connection_is_environment_unless_source_raises_it_itself() {
    let bases = [
        "builtins.ConnectionRefusedError",
        "builtins.ConnectionError",
        "builtins.OSError",
    ];
    let mut refused = exception("ConnectionRefusedError", &bases, &[TEST, SOURCE]);
    assert_eq!(classified(&refused, When::Call), Cause::RaisedInSource);
    refused.errno = Some(111);
    assert_eq!(classified(&refused, When::Call), Cause::Environment);
    let mut missing = exception(
        "FileNotFoundError",
        &["builtins.FileNotFoundError", "builtins.OSError"],
        &[TEST],
    );
    missing.errno = Some(2);
    assert_eq!(classified(&missing, When::Call), Cause::RaisedInTest);
    let driver = exception(
        "OperationalError",
        &["psycopg.OperationalError", "builtins.Exception"],
        &[
            ("tests/conftest.py", "db"),
            ("/site-packages/psycopg/connection.py", "connect"),
        ],
    );
    assert_eq!(classified(&driver, When::Setup), Cause::Environment);
    let memory = exception(
        "MemoryError",
        &["builtins.MemoryError", "builtins.Exception"],
        &[TEST, SOURCE],
    );
    assert_eq!(classified(&memory, When::Call), Cause::Environment);
}

#[test]
fn b3_missing_modules_by_owner() {
    let bases = ["builtins.ModuleNotFoundError", "builtins.ImportError"];
    let missing = |name: &str, top_file: Option<&str>| Exception {
        name: Some(name.to_owned()),
        top_file: top_file.map(str::to_owned),
        ..exception("ModuleNotFoundError", &bases, &[TEST])
    };
    let of = |exception: &Exception| classified(exception, When::Call);
    assert_eq!(
        of(&missing("shop.pricing", Some("src/shop/__init__.py"))),
        Cause::MissingSymbol
    );
    assert_eq!(of(&missing("my_project", None)), Cause::MissingSymbol);
    assert_eq!(of(&missing("requestz", None)), Cause::MissingDependency);
    assert_eq!(of(&missing("tests.helpers", None)), Cause::UndefinedName);
    assert_eq!(
        of(&missing(
            "json.nope",
            Some("/usr/lib/python3/json/__init__.py")
        )),
        Cause::WrongForeignSymbol
    );
    let mut typo = missing("shop.pricng", Some("src/shop/__init__.py"));
    typo.similar = vec!["pricing".to_owned()];
    assert_eq!(of(&typo), Cause::SimilarName);
    // Source that cannot be imported is not a red of the test.
    let mut inside = missing("shop.pricing", Some("src/shop/__init__.py"));
    inside.frames.push(Frame(
        "src/shop/__init__.py".to_owned(),
        1,
        "<module>".to_owned(),
    ));
    assert_eq!(of(&inside), Cause::BrokenBase);
}

#[test]
fn b3_the_typo_guard_leaves_short_names_alone() {
    let missing = |name: &str, similar: &str| Exception {
        name: Some(name.to_owned()),
        similar: vec![similar.to_owned()],
        owner: Some(AttributeOwner {
            kind: "module".to_owned(),
            module: "shop".to_owned(),
            name: "shop".to_owned(),
            file: Some("src/shop/__init__.py".to_owned()),
        }),
        ..exception("AttributeError", &["builtins.AttributeError"], &[TEST])
    };
    assert_eq!(
        classified(&missing("sub", "add"), When::Call),
        Cause::MissingSymbol
    );
    assert_eq!(
        classified(&missing("mul", "mod"), When::Call),
        Cause::MissingSymbol
    );
    assert_eq!(
        classified(&missing("subtotl", "subtotal"), When::Call),
        Cause::SimilarName
    );
}

#[test]
fn b3_a_tree_without_source_accepts_the_planned_package() {
    let places = Places::new(&is_test, &[top("tests", "tests"), top("docs", "docs")], &[]);
    assert!(places.is_greenfield());
    assert_eq!(places.name("tests.a"), Owner::Test);
    let places = Places::new(&is_test, &[top("cart", "cart.py")], &[]);
    assert!(!places.is_greenfield());
    assert_eq!(places.name("cart"), Owner::Source);
}

/// A record of one test `tests/test_a.py::test_a`, whose call ended as given.
fn record(call: &str, end: &str) -> Journal {
    let lines = format!(
        r#"{{"mark":"m","kind":"begin","arguments":[]}}
{{"mark":"m","kind":"test","n":0,"path":"tests/test_a.py","item":"test_a","case":"","line":1,"node":"tests/test_a.py::test_a"}}
{{"mark":"m","kind":"start","n":0}}
{call}
{end}
"#
    );
    Journal::read(lines.as_bytes(), "m")
}

fn judged(
    journal: &Journal,
    ended: Ended,
    foreign: &[ForeignCode],
) -> (Vec<ReasonCode>, Vec<Outcome>) {
    let places = Places::new(&is_test, &[], &[]);
    let items = BTreeMap::new();
    let timed_out = ended == Ended::TimedOut;
    let parts = parts(
        journal,
        &places,
        &Context {
            runner: None,
            items: &items,
            timed_out,
        },
    );
    let process = Process {
        ended,
        limit_seconds: 5,
        output: "",
        foreign,
    };
    let codes = problems(journal, &parts, &process)
        .iter()
        .map(|reason| reason.code)
        .collect();
    (codes, parts.cases.iter().map(|case| case.outcome).collect())
}

const PASSED: &str = r#"{"mark":"m","kind":"phase","n":0,"when":"call","raw":"passed","made":"passed","reported":"passed"}
{"mark":"m","kind":"finish","n":0}"#;
const END: &str = r#"{"mark":"m","kind":"end","exit":0}"#;

#[test]
fn b1_exit_code_record_and_cases_must_agree() {
    let good = record(PASSED, END);
    let ok = (vec![], vec![Outcome::Passed]);
    assert_eq!(judged(&good, Ended::Code(0), &[]), ok);
    let codes = |journal: &Journal, ended| judged(journal, ended, &[]).0;
    assert_eq!(
        codes(&good, Ended::Code(1)),
        [ReasonCode::ExitCodeDisagrees]
    );
    assert_eq!(
        codes(&good, Ended::Signal(11)),
        [ReasonCode::ExitCodeDisagrees]
    );
    assert_eq!(codes(&good, Ended::Interrupted), [ReasonCode::Stopped]);
    assert_eq!(
        codes(&good, Ended::OutputLimit),
        [ReasonCode::TruncatedReport]
    );
    assert_eq!(
        codes(&record(PASSED, ""), Ended::Code(0)),
        [ReasonCode::TruncatedReport]
    );
    assert_eq!(
        codes(&Journal::default(), Ended::Code(0)),
        [ReasonCode::NoReport]
    );
    let failed = END.replace(":0}", ":1}");
    assert_eq!(
        codes(&record(PASSED, &failed), Ended::Code(1)),
        [ReasonCode::ExitCodeDisagrees]
    );
}

#[test]
fn b2_a_test_that_was_running_is_never_passed() {
    let open = PASSED.lines().next().unwrap();
    let outcome = |ended| judged(&record(open, ""), ended, &[]);
    assert_eq!(
        outcome(Ended::TimedOut),
        (vec![ReasonCode::TimedOut], vec![Outcome::TimedOut])
    );
    assert_eq!(
        outcome(Ended::Signal(9)),
        (vec![ReasonCode::TruncatedReport], vec![Outcome::Crashed])
    );
}

#[test]
fn b1_lines_without_the_mark_are_refused() {
    let forged = END.replace("\"m\"", "\"x\"");
    let journal = record(PASSED, &format!("{forged}\n{END}"));
    assert_eq!(journal.unreadable, 1);
    assert_eq!(
        judged(&journal, Ended::Code(0), &[]).0,
        [ReasonCode::ReportTampered]
    );
}

#[test]
fn c2_code_from_elsewhere_is_named_even_when_everything_passed() {
    let foreign = [ForeignCode {
        module: "shop.cart".to_owned(),
        file: "/home/me/shop/cart.py".to_owned(),
    }];
    let (codes, _) = judged(&record(PASSED, END), Ended::Code(0), &foreign);
    assert_eq!(codes, [ReasonCode::CodeLoadedFromElsewhere]);
}
