use super::cause::{Stage, cause};
use super::names::Names;
use super::places::{Owner, Places};
use super::records::{Journal, Thrown};
use super::report::{Context, Parts, parts};
use super::script::read;
use super::{Process, problems};
use redgreen_core::id::{Digest, ItemId, RelPath};
use redgreen_core::outcome::{Cause, Outcome};
use redgreen_core::reason::ReasonCode;
use redgreen_core::run_report::Ended;
use redgreen_core::test_item::TestItem;
use serde_json::json;
use std::collections::BTreeSet;

fn rel(path: &str) -> RelPath {
    RelPath::new(path).unwrap()
}

fn with_places<R>(look: impl FnOnce(&Places<'_>) -> R) -> R {
    let owner = |path: &RelPath| {
        if path.is_below("test") {
            Owner::Test
        } else if path.is_below("src") {
            Owner::Source
        } else {
            Owner::Other
        }
    };
    let exists = |path: &RelPath| path.as_str() == "src/shop.js";
    let packages = BTreeSet::from(["@acme/lib".to_owned()]);
    look(&Places {
        prefixes: vec!["/w/tree".to_owned()],
        root: String::new(),
        owner: &owner,
        exists: &exists,
        packages: &packages,
        aliases: &["@/".to_owned()],
    })
}

fn cause_of(name: &str, message: &str, stack: &[&str], stage: Stage) -> Cause {
    let stack: String = stack
        .iter()
        .map(|line| format!("\n    at {line}"))
        .collect();
    let thrown = Thrown {
        name: name.to_owned(),
        message: message.to_owned(),
        stack: format!("{name}: {message}{stack}"),
        ..Thrown::default()
    };
    with_places(|places| {
        cause(&thrown, stage, &rel("test/a.test.js"), places)
            .cause
            .cause
    })
}

const TEST: &str = "TestContext.<anonymous> (file:///w/tree/test/a.test.js:4:9)";
const SOURCE: &str = "total (/w/tree/src/shop.js:2:9)";
const LIBRARY: &str = "run (/w/node_modules/x/index.js:1:1)";

#[test]
fn b3_the_table_of_javascript_causes() {
    let call =
        |name: &str, message: &str, stack: &[&str]| cause_of(name, message, stack, Stage::Call);
    for (found, expected) in [
        (call("AssertionError", "3 == 4", &[TEST]), Cause::Assertion),
        (
            call("Error", "expect(received).toBe(expected)", &[TEST]),
            Cause::Assertion,
        ),
        (
            call("AssertionError", "positive", &[SOURCE, TEST]),
            Cause::RaisedInSource,
        ),
        (
            call("TypeError", "shop.sub is not a function", &[TEST]),
            Cause::MissingSymbol,
        ),
        (
            call("TypeError", "(0 , sub) is not a function", &[TEST]),
            Cause::MissingSymbol,
        ),
        (
            call("TypeError", "x is not a function", &[SOURCE, TEST]),
            Cause::RaisedInSource,
        ),
        (
            call("TypeError", "x is not a function", &[LIBRARY, SOURCE, TEST]),
            Cause::RaisedInSource,
        ),
        (
            call(
                "TypeError",
                "expect(...).toEquals is not a function",
                &[TEST],
            ),
            Cause::WrongForeignSymbol,
        ),
        (
            call("TypeError", "assert.equls is not a function", &[TEST]),
            Cause::WrongForeignSymbol,
        ),
        (
            call("Error", "Invalid Chai property: toEquals", &[TEST]),
            Cause::WrongForeignSymbol,
        ),
        (
            call("ReferenceError", "totl is not defined", &[TEST]),
            Cause::UndefinedName,
        ),
        (
            call("ReferenceError", "totl is not defined", &[SOURCE, TEST]),
            Cause::RaisedInSource,
        ),
        (
            call("Error", "not implemented", &[SOURCE, TEST]),
            Cause::NotImplemented,
        ),
        (call("Error", "no", &[TEST]), Cause::RaisedInTest),
        (
            call("Error", "Test timed out in 50ms.", &[]),
            Cause::Timeout,
        ),
        (
            call(
                "Error",
                "Promise resolution is still pending but the event loop has already resolved",
                &[],
            ),
            Cause::Timeout,
        ),
        (
            cause_of("Error", "no", &[TEST], Stage::Hook),
            Cause::SetupFailed,
        ),
        (
            cause_of("AssertionError", "3 == 4", &[TEST], Stage::Hook),
            Cause::SetupFailed,
        ),
    ] {
        assert_eq!(found, expected);
    }
}

#[test]
fn b3_the_table_of_modules_that_are_not_there() {
    let load = |name: &str, message: &str| cause_of(name, message, &[], Stage::Load);
    for (message, expected) in [
        (
            "The requested module '../src/shop.js' does not provide an export named 'sub'",
            Cause::MissingSymbol,
        ),
        (
            "The requested module './helper.js' does not provide an export named 'sub'",
            Cause::UndefinedName,
        ),
        (
            "The requested module 'node:fs' does not provide an export named 'sub'",
            Cause::WrongForeignSymbol,
        ),
        (
            "The requested module '@acme/lib' does not provide an export named 'sub'",
            Cause::MissingSymbol,
        ),
        (
            "Cannot find module '/w/tree/src/price.js' imported from /w/tree/test/a.test.js",
            Cause::MissingSymbol,
        ),
        (
            "Cannot find module '../src/price' from 'test/a.test.js'",
            Cause::MissingSymbol,
        ),
        (
            "Cannot find module '../src/price'\nRequire stack:\n- /w/tree/test/a.test.js",
            Cause::MissingSymbol,
        ),
        (
            "Cannot find module '/w/tree/src/shop' imported from /w/tree/test/a.test.js",
            Cause::WrongImport,
        ),
        (
            "Cannot find module '/w/tree/test/helper.js' imported from /w/tree/test/a.test.js",
            Cause::UndefinedName,
        ),
        (
            "Cannot find module '/w/tree/price.js' imported from /w/tree/test/a.test.js",
            Cause::WrongImport,
        ),
        (
            "Cannot find package 'left-padz' imported from '/w/tree/test/a.test.js'",
            Cause::MissingDependency,
        ),
        (
            "Cannot find package '@/price' imported from '/w/tree/test/a.test.js'",
            Cause::MissingSymbol,
        ),
        (
            "Failed to resolve import \"../src/price\" from \"test/a.test.js\". Does the file exist?",
            Cause::MissingSymbol,
        ),
        (
            "Cannot find module '../src/price.js' imported from /w/tree/src/shop.js",
            Cause::BrokenBase,
        ),
        (
            "No such built-in module: node:nope",
            Cause::WrongForeignSymbol,
        ),
    ] {
        let name = if message.contains("provide") {
            "SyntaxError"
        } else {
            "Error"
        };
        let message = message.replace(
            "'../src/price.js' imported from /w/tree/src",
            "'/w/tree/src/price.js' imported from /w/tree/src",
        );
        assert_eq!(load(name, &message), expected, "{message}");
    }
    assert_eq!(
        load("SyntaxError", "Unexpected token ')'"),
        Cause::SyntaxError
    );
    assert_eq!(
        load(
            "Error",
            "Transform failed with 1 error:\n/w/tree/test/a.test.js:1:49: ERROR: Unexpected"
        ),
        Cause::SyntaxError
    );
    assert_eq!(
        load(
            "Error",
            "Transform failed with 1 error:\n/w/tree/src/shop.js:1:49: ERROR: Unexpected"
        ),
        Cause::BrokenBase
    );
}

fn item(name: &str, line: u32) -> TestItem {
    TestItem {
        id: ItemId::try_from(format!("test/a.test.js::{name}")).unwrap(),
        line,
        end_line: line,
        text: Digest::of(b""),
        marks: BTreeSet::new(),
    }
}

#[test]
fn b2_titles_of_a_runner_find_the_items_of_the_file() {
    let items = [
        item("cart::adds", 1),
        item("twice", 2),
        item("twice#2", 3),
        item("has %i of ${name}", 4),
        item("issue #42", 5),
        item("${title}", 6),
    ];
    let mut names = Names::new(&items, None);
    let file = rel("test/a.test.js");
    let mut case =
        |full: &str, line: Option<u32>| names.case(&file, full, line, &[], "").to_string();
    assert_eq!(case("cart::adds", None), "test/a.test.js::cart::adds");
    assert_eq!(
        case("cart::adds", None),
        "test/a.test.js::cart::adds#2",
        "none is merged"
    );
    assert_eq!(case("twice", None), "test/a.test.js::twice");
    assert_eq!(case("twice", None), "test/a.test.js::twice#2");
    assert_eq!(case("issue #42", None), "test/a.test.js::issue #42");
    assert_eq!(
        case("has 3 of a (b)", None),
        "test/a.test.js::has %i of ${name}[has 3 of a (b)]"
    );
    assert_eq!(
        case("whatever", Some(6)),
        "test/a.test.js::${title}[whatever]"
    );
    let below = names.case(&file, "cart::adds", None, &["inner".to_owned()], "browser");
    assert_eq!(
        below.to_string(),
        "test/a.test.js::cart::adds > inner (browser)"
    );
}

#[test]
fn g4_a_test_script_gives_options_and_not_wrappers() {
    let mocha = read("lint && cross-env A=1 NODE_OPTIONS=--no-warnings c8 --reporter=lcov mocha -r tsx --timeout 5000 --reporter dot 'test/**/*.ts'", "mocha").unwrap();
    assert_eq!(mocha.node, ["--no-warnings"]);
    assert_eq!(mocha.options, ["-r", "tsx", "--timeout", "5000"]);
    assert_eq!(mocha.files, ["test/**/*.ts"]);
    assert_eq!(mocha.variables.get("A").map(String::as_str), Some("1"));
    let jest = read("node --experimental-vm-modules node_modules/jest/bin/jest.js --coverage --config jest.json", "jest").unwrap();
    assert_eq!(
        (jest.node, jest.options),
        (
            vec!["--experimental-vm-modules".to_owned()],
            vec!["--config".to_owned(), "jest.json".to_owned()]
        )
    );
    let node = read(
        "node --import tsx --test --test-reporter spec test/*.ts",
        "node",
    )
    .unwrap();
    assert_eq!(node.node, ["--import", "tsx"]);
    assert_eq!(node.files, ["test/*.ts"]);
    assert_eq!(
        read("tsx --test test.ts", "node").unwrap().node,
        ["--import", "tsx"]
    );
    for (script, runner) in [
        ("node scripts/build.js", "node"),
        ("vitest run", "jest"),
        ("eslint .", "mocha"),
    ] {
        assert_eq!(read(script, runner), None, "{script}");
    }
}

fn judged(lines: &[serde_json::Value], ended: Ended) -> (Parts, Vec<ReasonCode>) {
    let text: String = lines.iter().map(|line| format!("M {line}\n")).collect();
    let journal = Journal::read(text.as_bytes(), "M");
    let items = [item("s::a", 1), item("b", 2)];
    let mut out = Parts::default();
    with_places(|places| {
        let context = Context {
            places,
            timed_out: false,
        };
        parts(
            &journal,
            None,
            &mut Names::new(&items, None),
            &context,
            &mut out,
        );
    });
    let journals = [(None, journal)];
    let asked = |_: &RelPath| true;
    let process = Process {
        runner: "vitest",
        ended,
        limit_seconds: 1,
        output: "",
        journals: &journals,
        asked: &asked,
    };
    let codes = problems(&out, &process)
        .into_iter()
        .map(|reason| reason.code)
        .collect();
    (out, codes)
}

#[test]
fn b1_only_lines_with_the_mark_of_a_complete_run_are_believed() {
    let begin = json!({"kind": "begin", "node": "v20"});
    let case = |state: &str, more: serde_json::Value| {
        let mut case = json!({"kind": "case", "file": "/w/tree/test/a.test.js", "path": ["s"], "name": "a", "mode": "run", "state": state});
        case.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        case
    };
    let passed = case("pass", json!({}));
    let end = json!({"kind": "reported"});
    let good = [begin.clone(), passed.clone(), end.clone()];
    let (parts, codes) = judged(&good, Ended::Code(0));
    assert_eq!((parts.cases[0].outcome, codes), (Outcome::Passed, vec![]));
    assert_eq!(
        judged(&good, Ended::Code(1)).1,
        [ReasonCode::ExitCodeDisagrees]
    );
    assert_eq!(
        judged(&[begin.clone(), passed.clone()], Ended::Code(0)).1,
        [ReasonCode::TruncatedReport]
    );
    assert_eq!(judged(&[], Ended::Code(0)).1, [ReasonCode::NoReport]);
    assert_eq!(
        judged(&[begin.clone(), end.clone()], Ended::Code(0)).1,
        [ReasonCode::ZeroTests]
    );
    let patched = json!({"kind": "tampered", "what": "assert.equal"});
    assert_eq!(
        judged(
            &[begin.clone(), passed.clone(), patched, end.clone()],
            Ended::Code(0)
        )
        .1,
        [ReasonCode::ReportTampered]
    );
    let foreign = json!({"kind": "foreign", "file": "/checkout/src/a.js"});
    assert_eq!(
        judged(
            &[begin.clone(), foreign, passed.clone(), end.clone()],
            Ended::Code(0)
        )
        .1,
        [ReasonCode::CodeLoadedFromElsewhere]
    );
    // A failing hook of the suite: its tests did not run, whatever they are called.
    let suite = json!({"kind": "case", "file": "/w/tree/test/a.test.js", "path": [], "name": "s", "suite": true, "mode": "run", "state": "fail",
        "errors": [{"name": "Error", "message": "no database"}]});
    let skipped = case("skip", json!({"mode": "skip"}));
    let (parts, codes) = judged(
        &[begin.clone(), suite, skipped.clone(), end.clone()],
        Ended::Code(1),
    );
    assert_eq!((parts.cases[0].outcome, codes), (Outcome::Errored, vec![]));
    assert_eq!(
        parts.cases[0].cause.as_ref().map(|cause| cause.cause),
        Some(Cause::SetupFailed)
    );
    assert_eq!(
        judged(&[begin.clone(), skipped, end.clone()], Ended::Code(0))
            .0
            .cases[0]
            .outcome,
        Outcome::Skipped
    );
    let again = case("pass", json!({"retries": 2}));
    assert_eq!(
        judged(&[begin.clone(), again, end.clone()], Ended::Code(0))
            .0
            .cases[0]
            .outcome,
        Outcome::Failed
    );
    let running =
        json!({"kind": "running", "file": "/w/tree/test/a.test.js", "path": [], "name": "b"});
    let (parts, codes) = judged(&[begin, running], Ended::Signal(9));
    assert_eq!(parts.cases[0].outcome, Outcome::Crashed);
    assert!(codes.contains(&ReasonCode::TruncatedReport), "{codes:?}");
}
