//! Tables over the judges: every verdict and every reason code a gate can give is reached, and breaks when its rule does.

use super::*;
use crate::id::{CaseId, CriterionId, Digest};
use crate::outcome::{Cause, CauseClass};
use crate::run_report::{Ended, LoadFailure, LocatedCause};
use crate::test_item::{Coverage, CriteriaMap, Mark, TestItem};
use crate::tree::ChangeKind;
use std::collections::{BTreeMap, BTreeSet};

fn path(text: &str) -> RelPath {
    RelPath::new(text).unwrap()
}

/// `a` is the test `test_a` of `tests/t.py`; a name with `/` is a whole id.
fn item_id(name: &str) -> ItemId {
    let text = if name.contains('/') {
        name.to_owned()
    } else {
        format!("tests/t.py::test_{name}")
    };
    ItemId::try_from(text).unwrap()
}

fn item(name: &str, text: &str, marks: &[Mark]) -> TestItem {
    TestItem {
        id: item_id(name),
        line: 3,
        end_line: 5,
        text: Digest::of(text.as_bytes()),
        marks: marks.iter().copied().collect(),
    }
}

fn detail(cause: Cause, symbol: Option<&str>) -> CauseDetail {
    CauseDetail {
        cause,
        detail: format!("because of {cause}"),
        symbol: symbol.map(str::to_owned),
    }
}

fn case(name: &str, outcome: Outcome, cause: Option<Cause>) -> CaseReport {
    let (name, suffix) = match name.split_once('[') {
        Some((name, rest)) => (name, format!("[{rest}")),
        None => (name, String::new()),
    };
    CaseReport {
        id: CaseId {
            item: item_id(name),
            case: suffix,
        },
        outcome,
        cause: cause.map(|cause| detail(cause, None)),
        file: None,
        line: None,
        message: String::new(),
        duration_ms: 1,
    }
}

fn passed(name: &str) -> CaseReport {
    case(name, Outcome::Passed, None)
}

fn failed(name: &str) -> CaseReport {
    case(name, Outcome::Failed, Some(Cause::Assertion))
}

fn report(cases: Vec<CaseReport>) -> RunReport {
    let bad = |case: &CaseReport| {
        matches!(
            case.outcome,
            Outcome::Failed | Outcome::Errored | Outcome::TimedOut | Outcome::Crashed
        )
    };
    let code = i32::from(cases.iter().any(bad));
    RunReport {
        command: vec!["pytest".to_owned()],
        ended: Ended::Code(code),
        cases,
        load_failures: Vec::new(),
        problems: Vec::new(),
        pass_line: Some("1 passed in 0.1s".to_owned()),
        tail: vec!["1 passed in 0.1s".to_owned()],
        output: Digest::of(b""),
        duration_ms: 1,
    }
}

fn not_loading(files: &[&str], causes: &[CauseDetail]) -> RunReport {
    let mut run = report(Vec::new());
    run.ended = Ended::Code(2);
    run.load_failures.push(LoadFailure {
        files: files.iter().map(|file| path(file)).collect(),
        causes: causes
            .iter()
            .map(|cause| LocatedCause {
                cause: cause.clone(),
                file: None,
                line: Some(1),
                message: "why".to_owned(),
            })
            .collect(),
    });
    run
}

fn problem(code: ReasonCode) -> Reason {
    Reason::new(code, "a problem", "do something")
}

fn change(class: ChangeClass, code: ReasonCode) -> Change {
    Change {
        path: path("pytest.ini"),
        kind: ChangeKind::Added,
        class,
        code,
        message: "new file".to_owned(),
        line: Some(1),
        diff: Some("+ x".to_owned()),
    }
}

fn task() -> TaskId {
    TaskId::new("T1").unwrap()
}

fn strings(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|&text| text.to_owned()).collect()
}

fn codes(result: &GateResult) -> Vec<&'static str> {
    result
        .reasons()
        .iter()
        .map(|reason| reason.code.as_str())
        .collect()
}

#[track_caller]
fn expect(result: &GateResult, verdict: Verdict, expected: &[&str]) {
    assert_eq!(
        (result.verdict(), codes(result).as_slice()),
        (verdict, expected),
        "{result:#?}"
    );
    assert_eq!(
        result.verdict() == Verdict::Pass,
        result.reasons().is_empty()
    );
    for reason in result.reasons() {
        assert!(
            !reason.help.is_empty() && !reason.message.is_empty(),
            "{reason:?}"
        );
    }
}

// ---- RED

struct Red {
    task: TaskId,
    criteria: Vec<CriterionId>,
    map: CriteriaMap,
    base_items: Vec<TestItem>,
    items: Vec<TestItem>,
    changed_files: BTreeSet<RelPath>,
    base_run: Option<RunReport>,
    runs: [RunReport; 2],
    new_symbols: Option<BTreeSet<String>>,
    supersedes: BTreeSet<String>,
    guards: BTreeSet<String>,
    guard_passing: bool,
    accepted: BTreeSet<String>,
    findings: Vec<Reason>,
    outside: Vec<Change>,
    unreachable: BTreeMap<RelPath, CauseDetail>,
}

impl Red {
    /// One new test `a` that fails by an assertion.
    fn honest() -> Self {
        Self::of(vec![item("a", "new", &[])], report(vec![failed("a")]))
    }
    fn of(items: Vec<TestItem>, run: RunReport) -> Self {
        Self {
            task: task(),
            criteria: Vec::new(),
            map: CriteriaMap::new(),
            base_items: Vec::new(),
            items,
            changed_files: BTreeSet::new(),
            base_run: None,
            runs: [run.clone(), run],
            new_symbols: None,
            supersedes: BTreeSet::new(),
            guards: BTreeSet::new(),
            guard_passing: false,
            accepted: BTreeSet::new(),
            findings: Vec::new(),
            outside: Vec::new(),
            unreachable: BTreeMap::new(),
        }
    }
    /// Old items, unchanged unless `items` holds another text, which passed on the base.
    fn base(mut self, names: &[&str]) -> Self {
        self.base_items = names.iter().map(|name| item(name, "old", &[])).collect();
        self.base_run = Some(report(names.iter().map(|name| passed(name)).collect()));
        self
    }
    fn covers(mut self, criteria: &[&str], list: &[(&str, &str, bool, bool)]) -> Self {
        self.criteria = criteria
            .iter()
            .map(|id| CriterionId::new(*id).unwrap())
            .collect();
        for (criterion, test, guard, hidden) in list {
            self.map
                .entry(CriterionId::new(*criterion).unwrap())
                .or_default()
                .push(Coverage {
                    test: (*test).to_owned(),
                    guard: *guard,
                    hidden: *hidden,
                });
        }
        self
    }
    fn judge(&self) -> GateResult {
        judge_red(&RedInput {
            task: Some(&self.task),
            criteria: &self.criteria,
            map: &self.map,
            base_items: &self.base_items,
            items: &self.items,
            changed_files: &self.changed_files,
            base_run: self.base_run.as_ref(),
            runs: [&self.runs[0], &self.runs[1]],
            new_symbols: self.new_symbols.as_ref(),
            supersedes: &self.supersedes,
            guards: &self.guards,
            guard_passing: self.guard_passing,
            accepted: &self.accepted,
            findings: &self.findings,
            outside: &self.outside,
            unreachable: &self.unreachable,
        })
    }
}

const A: &str = "tests/t.py::test_a";

#[test]
fn b3_every_cause_has_its_verdict() {
    for (cause, verdict, code) in [
        (Cause::Assertion, Verdict::Pass, None),
        (Cause::MissingSymbol, Verdict::Pass, None),
        (Cause::Signature, Verdict::Pass, None),
        (Cause::NotImplemented, Verdict::Pass, None),
        (Cause::RaisedInSource, Verdict::Pass, None),
        (Cause::SyntaxError, Verdict::Fail, Some("broken_test")),
        (Cause::UndefinedName, Verdict::Fail, Some("broken_test")),
        (Cause::MissingFixture, Verdict::Fail, Some("broken_test")),
        (Cause::MissingDependency, Verdict::Fail, Some("broken_test")),
        (Cause::WrongImport, Verdict::Fail, Some("broken_test")),
        (Cause::AlwaysFails, Verdict::Fail, Some("broken_test")),
        (Cause::SetupFailed, Verdict::Fail, Some("broken_test")),
        (Cause::DoesNotCompile, Verdict::Fail, Some("broken_test")),
        (
            Cause::WrongForeignSymbol,
            Verdict::Fail,
            Some("broken_test"),
        ),
        (
            Cause::RaisedInTest,
            Verdict::Inconclusive,
            Some("unclear_red"),
        ),
        (
            Cause::SimilarName,
            Verdict::Inconclusive,
            Some("unclear_red"),
        ),
        (
            Cause::TypeMismatch,
            Verdict::Inconclusive,
            Some("unclear_red"),
        ),
        (Cause::Timeout, Verdict::Inconclusive, Some("unclear_red")),
        (Cause::Crash, Verdict::Inconclusive, Some("unclear_red")),
        (Cause::Unknown, Verdict::Inconclusive, Some("unclear_red")),
        (
            Cause::MissingPlugin,
            Verdict::CouldNotRun,
            Some("missing_plugin"),
        ),
        (
            Cause::Environment,
            Verdict::CouldNotRun,
            Some("environment_fault"),
        ),
        (Cause::BrokenBase, Verdict::CouldNotRun, Some("broken_base")),
    ] {
        let run = report(vec![case("a", Outcome::Failed, Some(cause))]);
        let red = Red::of(vec![item("a", "new", &[])], run);
        let expected: Vec<&str> = code.into_iter().collect();
        expect(&red.judge(), verdict, &expected);
        // The same where the file could not be loaded.
        let run = not_loading(&["tests/t.py"], &[detail(cause, Some("total"))]);
        let red = Red::of(vec![item("a", "new", &[])], run);
        expect(&red.judge(), verdict, &expected);
        // A person may accept what is unclear, and a wrong import; nothing else.
        let mut accepted = Red::of(
            vec![item("a", "new", &[])],
            report(vec![case("a", Outcome::Failed, Some(cause))]),
        );
        accepted.accepted = strings(&[A]);
        let acceptable = cause.class() == CauseClass::Unclear
            || cause.class() == CauseClass::Right
            || cause == Cause::WrongImport;
        assert_eq!(
            accepted.judge().verdict() == Verdict::Pass,
            acceptable,
            "{cause}"
        );
    }
}

#[test]
fn b3_a_cause_that_is_not_named_is_unclear() {
    for (outcome, cause) in [
        (Outcome::Failed, Cause::Unknown),
        (Outcome::TimedOut, Cause::Timeout),
        (Outcome::Crashed, Cause::Crash),
    ] {
        let red = Red::of(
            vec![item("a", "new", &[])],
            report(vec![case("a", outcome, None)]),
        );
        let result = red.judge();
        expect(&result, Verdict::Inconclusive, &["unclear_red"]);
        assert!(result.reasons()[0].message.contains(cause.as_str()));
    }
    let red = Red::of(
        vec![item("a", "new", &[])],
        not_loading(&["tests/t.py"], &[]),
    );
    expect(&red.judge(), Verdict::Inconclusive, &["unclear_red"]);
}

#[test]
fn b3_one_wrong_diagnostic_beside_a_right_one_refuses_the_file() {
    let run = not_loading(
        &["tests/t.py"],
        &[
            detail(Cause::MissingSymbol, Some("total")),
            detail(Cause::UndefinedName, None),
        ],
    );
    let red = Red::of(vec![item("a", "new", &[])], run);
    expect(&red.judge(), Verdict::Fail, &["broken_test"]);
}

#[test]
fn b3_a_similar_name_that_the_plan_announces_is_no_question() {
    let run = not_loading(&["tests/t.py"], &[detail(Cause::SimilarName, Some("totl"))]);
    let mut red = Red::of(vec![item("a", "new", &[])], run);
    expect(&red.judge(), Verdict::Inconclusive, &["unclear_red"]);
    for (list, pass) in [
        (&["totl"][..], true),
        (&["shop.totl"], true),
        (&["other"], false),
    ] {
        red.new_symbols = Some(strings(list));
        assert_eq!(red.judge().verdict() == Verdict::Pass, pass, "{list:?}");
    }
}

#[test]
fn b3_marks_and_outcomes_that_prove_nothing() {
    for mark in [Mark::AlwaysFails, Mark::Empty] {
        let red = Red::of(vec![item("a", "new", &[mark])], report(vec![failed("a")]));
        expect(&red.judge(), Verdict::Fail, &["broken_test"]);
    }
    for outcome in [
        Outcome::Skipped,
        Outcome::Xfailed,
        Outcome::Xpassed,
        Outcome::Todo,
    ] {
        let mut red = Red::of(
            vec![item("a", "new", &[])],
            report(vec![case("a", outcome, None)]),
        );
        expect(&red.judge(), Verdict::Fail, &["skipped_test"]);
        // Skipped on the base already: not the author's doing, but still no red test.
        red.base_items = vec![item("a", "old", &[])];
        red.base_run = Some(report(vec![case("a", outcome, None)]));
        assert_ne!(red.judge().verdict(), Verdict::Pass);
    }
    for outcome in [Outcome::NotRun, Outcome::Blocked] {
        let red = Red::of(
            vec![item("a", "new", &[])],
            report(vec![case("a", outcome, None)]),
        );
        expect(&red.judge(), Verdict::CouldNotRun, &["test_not_collected"]);
    }
    let red = Red::of(vec![item("a", "new", &[])], report(Vec::new()));
    expect(&red.judge(), Verdict::Fail, &["test_not_collected"]);
    let red = Red::of(Vec::new(), report(Vec::new()));
    expect(&red.judge(), Verdict::Fail, &["no_tests"]);
}

#[test]
fn b3_a_passing_test_is_refused_unless_it_is_a_guard_and_guards_alone_are_no_red() {
    let both = || {
        Red::of(
            vec![item("a", "new", &[]), item("b", "new", &[])],
            report(vec![failed("a"), passed("b")]),
        )
    };
    expect(&both().judge(), Verdict::Fail, &["not_red"]);
    let mut named = both();
    named.guards = strings(&["tests/t.py::test_b"]);
    let result = named.judge();
    expect(&result, Verdict::Pass, &[]);
    assert_eq!(result.count(Role::Guard, Outcome::Passed), 1);
    let mut all = both();
    all.guard_passing = true;
    expect(&all.judge(), Verdict::Pass, &[]);
    let by_map = both().covers(
        &["AC-1"],
        &[
            ("AC-1", A, false, false),
            ("AC-1", "tests/t.py::test_b", true, false),
        ],
    );
    expect(&by_map.judge(), Verdict::Pass, &[]);
    let mut alone = Red::of(vec![item("b", "new", &[])], report(vec![passed("b")]));
    alone.guard_passing = true;
    expect(&alone.judge(), Verdict::Fail, &["not_red"]);
    // One red case makes the item red: the passing ones are required too, not guards.
    let cases = Red::of(
        vec![item("a", "new", &[])],
        report(vec![failed("a[1]"), passed("a[2]")]),
    );
    let result = cases.judge();
    expect(&result, Verdict::Pass, &[]);
    assert_eq!(result.count(Role::Required, Outcome::Passed), 1);
}

#[test]
fn b3a_criteria_and_their_map() {
    let two = || {
        Red::of(
            vec![item("a", "new", &[]), item("b", "new", &[])],
            report(vec![failed("a"), failed("b")]),
        )
    };
    const B: &str = "tests/t.py::test_b";
    expect(&two().covers(&["AC-1"], &[]).judge(), Verdict::Pass, &[]);
    expect(
        &two().covers(&["AC-1", "AC-2"], &[]).judge(),
        Verdict::Fail,
        &["criterion_without_red", "criterion_without_red"],
    );
    let full = [("AC-1", A, false, false), ("AC-2", B, false, false)];
    expect(
        &two().covers(&["AC-1", "AC-2"], &full).judge(),
        Verdict::Pass,
        &[],
    );
    // A guard satisfies no criterion, even when it is red.
    let guard = [("AC-1", A, false, false), ("AC-2", B, true, false)];
    expect(
        &two().covers(&["AC-1", "AC-2"], &guard).judge(),
        Verdict::Fail,
        &["criterion_without_red"],
    );
    let unknown = [("AC-1", A, false, false), ("AC-9", B, false, false)];
    expect(
        &two().covers(&["AC-1"], &unknown).judge(),
        Verdict::Fail,
        &["criteria_map_invalid"],
    );
    let no_test = [
        ("AC-1", A, false, false),
        ("AC-1", "tests/t.py::test_z", false, false),
    ];
    expect(
        &two().covers(&["AC-1"], &no_test).judge(),
        Verdict::Fail,
        &["criteria_map_invalid"],
    );
    // A case serves a criterion as well as an item does.
    let by_case = Red::of(
        vec![item("a", "new", &[])],
        report(vec![failed("a[1]"), failed("a[2]")]),
    )
    .covers(
        &["AC-1", "AC-2"],
        &[
            ("AC-1", "tests/t.py::test_a[1]", false, false),
            ("AC-2", "tests/t.py::test_a[2]", false, false),
        ],
    );
    expect(&by_case.judge(), Verdict::Pass, &[]);
    // A held-out test is none that the implementer can work with, and a part of a file cannot be held out.
    let hidden = two().covers(
        &["AC-1", "AC-2"],
        &[("AC-1", A, false, false), ("AC-2", B, false, true)],
    );
    let judged = hidden.judge();
    assert_eq!(judged.count(Role::Hidden, Outcome::Failed), 1);
    expect(
        &judged,
        Verdict::Fail,
        &["criteria_map_invalid", "criterion_without_red"],
    );
}

#[test]
fn b3_removed_and_moved_tests() {
    let mut removed = Red::honest().base(&["old"]);
    expect(&removed.judge(), Verdict::Fail, &["test_removed"]);
    removed.supersedes = strings(&["tests/t.py::test_old"]);
    expect(&removed.judge(), Verdict::Pass, &[]);
    // The same name and text in another file is a move: neither removed nor new.
    let mut moved = Red::honest().base(&["old"]);
    moved.items.push(item("tests/u.py::test_old", "old", &[]));
    moved.runs = [0, 1].map(|_| report(vec![failed("a"), passed("tests/u.py::test_old")]));
    expect(&moved.judge(), Verdict::Pass, &[]);
    // With another text it is a removal and a new test that passes.
    let mut other = Red::honest().base(&["old"]);
    other
        .items
        .push(item("tests/u.py::test_old", "weaker", &[]));
    other.runs = [0, 1].map(|_| report(vec![failed("a"), passed("tests/u.py::test_old")]));
    expect(&other.judge(), Verdict::Fail, &["test_removed", "not_red"]);
    // A changed text is a changed test.
    let mut changed = Red::of(
        vec![item("old", "weaker", &[])],
        report(vec![passed("old")]),
    );
    changed = changed.base(&["old"]);
    expect(&changed.judge(), Verdict::Fail, &["not_red"]);
}

#[test]
fn b3_what_was_green_is_blocked_by_an_accepted_symbol_or_stays_green() {
    let old = || item("old", "old", &[]);
    let with = |run: RunReport| Red::of(vec![item("a", "new", &[]), old()], run).base(&["old"]);
    // Blocked.
    let symbol = detail(Cause::MissingSymbol, Some("total"));
    let result = with(not_loading(&["tests/t.py"], &[symbol])).judge();
    expect(&result, Verdict::Pass, &[]);
    assert_eq!(result.count(Role::Collateral, Outcome::Blocked), 1);
    // Not for a cause of the test's own, and not without any.
    let run = not_loading(&["tests/t.py"], &[detail(Cause::SyntaxError, None)]);
    expect(&with(run).judge(), Verdict::Fail, &["broken_test"]);
    let unknown = with(not_loading(&["tests/t.py"], &[]));
    expect(
        &unknown.judge(),
        Verdict::Fail,
        &["blocked_without_cause", "unclear_red"],
    );
    // Broken by the new tests.
    let run = report(vec![failed("a"), failed("old")]);
    expect(&with(run).judge(), Verdict::Fail, &["collateral_broken"]);
    let run = report(vec![failed("a"), case("old", Outcome::Skipped, None)]);
    expect(&with(run).judge(), Verdict::Fail, &["collateral_broken"]);
    // Gone from a file that was changed.
    let mut gone = with(report(vec![failed("a")]));
    gone.changed_files = BTreeSet::from([path("tests/t.py")]);
    expect(&gone.judge(), Verdict::Fail, &["collateral_broken"]);
    // Red by changed data beside it: required.
    let mut data = Red::of(vec![old()], report(vec![failed("old")])).base(&["old"]);
    data.changed_files = BTreeSet::from([path("tests/t.py")]);
    let result = data.judge();
    expect(&result, Verdict::Pass, &[]);
    assert_eq!(result.count(Role::Required, Outcome::Failed), 1);
    // What failed before is nobody's.
    let mut before = with(report(vec![failed("a"), failed("old")]));
    before.base_run = Some(report(vec![failed("old")]));
    expect(&before.judge(), Verdict::Pass, &[]);
}

#[test]
fn b3_the_same_bytes_with_other_results_are_flaky_and_on_the_base_a_note() {
    let mut red = Red::honest();
    red.runs[1] = report(vec![case("a", Outcome::Passed, None)]);
    expect(&red.judge(), Verdict::Flaky, &["flaky"]);
    let mut red = Red::honest();
    red.runs[1] = report(vec![case("a", Outcome::Failed, Some(Cause::RaisedInTest))]);
    expect(&red.judge(), Verdict::Flaky, &["flaky"]);
    let mut red = Red::honest();
    red.runs[1] = report(Vec::new());
    expect(&red.judge(), Verdict::Flaky, &["flaky"]);
    // Another right cause of the same class is the same result.
    let mut red = Red::honest();
    red.runs[1] = report(vec![case(
        "a",
        Outcome::Failed,
        Some(Cause::RaisedInSource),
    )]);
    expect(&red.judge(), Verdict::Pass, &[]);
    // An old test that differs and is none of the task's.
    let mut red = Red::of(
        vec![item("a", "new", &[]), item("old", "old", &[])],
        report(vec![failed("a"), failed("old")]),
    );
    red.base_items = vec![item("old", "old", &[])];
    red.base_run = Some(report(vec![failed("old")]));
    red.runs[1] = report(vec![failed("a"), passed("old")]);
    let result = red.judge();
    expect(&result, Verdict::Pass, &[]);
    assert_eq!(result.notes()[0].code, ReasonCode::FlakyOnBase);
}

#[test]
fn b3_case_ids_that_differ_by_themselves_are_a_note() {
    let with_id = |suffix: &str, outcome: Outcome| {
        let mut one = case(
            "a",
            outcome,
            (outcome == Outcome::Failed).then_some(Cause::Assertion),
        );
        one.id.case = suffix.to_owned();
        report(vec![one])
    };
    let mut red = Red::honest();
    red.runs = [
        with_id("[11:00]", Outcome::Failed),
        with_id("[11:01]", Outcome::Failed),
    ];
    let result = red.judge();
    expect(&result, Verdict::Pass, &[]);
    assert_eq!(result.notes()[0].code, ReasonCode::Flaky);
    red.runs[1] = with_id("[11:01]", Outcome::Passed);
    expect(&red.judge(), Verdict::Flaky, &["flaky"]);
}

#[test]
fn b3_a_new_module_that_nothing_reaches_is_red_by_it() {
    let mut red = Red::of(
        vec![item("src/cart.rs::tests::empty", "new", &[])],
        report(Vec::new()),
    );
    red.unreachable.insert(
        path("src/cart.rs"),
        detail(Cause::MissingSymbol, Some("cart")),
    );
    expect(&red.judge(), Verdict::Pass, &[]);
}

#[test]
fn b1_the_gravest_verdict_wins_and_every_reason_is_kept() {
    let mut red = Red::of(
        vec![item("a", "new", &[]), item("b", "new", &[])],
        report(vec![
            case("a", Outcome::Failed, Some(Cause::RaisedInTest)),
            passed("b"),
        ]),
    );
    expect(&red.judge(), Verdict::Fail, &["not_red", "unclear_red"]);
    red.runs[1].problems = vec![problem(ReasonCode::TimedOut)];
    expect(
        &red.judge(),
        Verdict::CouldNotRun,
        &["timed_out", "not_red", "unclear_red"],
    );
    red.outside = vec![change(ChangeClass::Rejected, ReasonCode::LockAdded)];
    expect(
        &red.judge(),
        Verdict::Rejected,
        &["lock_added", "timed_out", "not_red", "unclear_red"],
    );
    // What an author wrote outside in a harmless place is said and not used.
    let mut harmless = Red::honest();
    harmless.outside = vec![change(ChangeClass::OutOfScope, ReasonCode::OutOfScope)];
    let result = harmless.judge();
    expect(&result, Verdict::Pass, &[]);
    assert_eq!(result.notes().len(), 1);
}

#[test]
fn b1_problems_of_any_run_and_static_findings_stop_red() {
    for code in [
        ReasonCode::NoReport,
        ReasonCode::TruncatedReport,
        ReasonCode::ZeroTests,
        ReasonCode::TimedOut,
        ReasonCode::RunnerUsageError,
        ReasonCode::ExitCodeDisagrees,
        ReasonCode::CodeLoadedFromElsewhere,
        ReasonCode::ProcessLeftBehind,
    ] {
        for which in 0..3 {
            let mut red = Red::honest().base(&[]);
            match which {
                2 => red.base_run.as_mut().unwrap().problems.push(problem(code)),
                run => red.runs[run].problems.push(problem(code)),
            }
            expect(&red.judge(), Verdict::CouldNotRun, &[code.as_str()]);
        }
    }
    let mut red = Red::honest();
    red.runs[0]
        .problems
        .push(problem(ReasonCode::ReportTampered));
    expect(&red.judge(), Verdict::Rejected, &["report_tampered"]);
    for code in [ReasonCode::DuplicateTest, ReasonCode::Placeholder] {
        let mut red = Red::honest();
        red.findings = vec![problem(code)];
        expect(&red.judge(), Verdict::Fail, &[code.as_str()]);
    }
    expect(
        &could_not_run(Gate::Red, None, Vec::new()),
        Verdict::CouldNotRun,
        &["no_report"],
    );
}

// ---- GREEN

struct Green {
    expected: Vec<ExpectedTest>,
    run: RunReport,
    changes: Vec<Change>,
    failing_on_base: BTreeSet<String>,
    tests_in_source: Vec<ItemId>,
    control_failures: Vec<Reason>,
    environment_changes: Vec<Reason>,
}

fn expected(name: &str, role: Role, cases: &[&str]) -> ExpectedTest {
    ExpectedTest {
        item: item_id(name),
        role,
        cases: strings(cases),
    }
}

impl Green {
    fn of(expected: Vec<ExpectedTest>, cases: Vec<CaseReport>) -> Self {
        Self {
            expected,
            run: report(cases),
            changes: Vec::new(),
            failing_on_base: BTreeSet::new(),
            tests_in_source: Vec::new(),
            control_failures: Vec::new(),
            environment_changes: Vec::new(),
        }
    }
    fn honest() -> Self {
        Self::of(
            vec![expected("a", Role::Required, &[""])],
            vec![passed("a")],
        )
    }
    fn judge(&self) -> GateResult {
        judge_green(&GreenInput {
            task: &task(),
            expected: &self.expected,
            run: &self.run,
            changes: &self.changes,
            failing_on_base: &self.failing_on_base,
            tests_in_source: &self.tests_in_source,
            controls: &[],
            control_failures: &self.control_failures,
            control_refusals: &[],
            hidden_failures: &[],
            no_control: &[],
            environment_changes: &self.environment_changes,
        })
    }
}

#[test]
fn b5_only_a_pass_of_every_locked_test_is_green() {
    for role in [Role::Required, Role::Guard, Role::Hidden, Role::Collateral] {
        for (outcome, code) in [
            (Outcome::Passed, None),
            (Outcome::Failed, Some("test_failed")),
            (Outcome::Errored, Some("test_failed")),
            (Outcome::TimedOut, Some("test_failed")),
            (Outcome::Crashed, Some("test_failed")),
            (Outcome::Skipped, Some("test_skipped")),
            (Outcome::Xfailed, Some("test_skipped")),
            (Outcome::Xpassed, Some("test_skipped")),
            (Outcome::Todo, Some("test_skipped")),
            (Outcome::NotRun, Some("test_missing")),
            (Outcome::Blocked, Some("test_missing")),
        ] {
            let mut green = Green::of(
                vec![expected("a", role, &[""]), expected("b", role, &[])],
                vec![case("a", outcome, None), passed("b")],
            );
            green.run.ended = Ended::Code(i32::from(code == Some("test_failed")));
            let list: Vec<&str> = code.into_iter().collect();
            let verdict = if list.is_empty() {
                Verdict::Pass
            } else {
                Verdict::Fail
            };
            expect(&green.judge(), verdict, &list);
        }
    }
}

#[test]
fn b5_items_and_cases_that_are_missing_or_too_many() {
    let two = vec![expected("a", Role::Required, &["[1]", "[2]"])];
    let green = Green::of(two.clone(), vec![passed("a[1]")]);
    expect(&green.judge(), Verdict::Fail, &["test_missing"]);
    let grown = Green::of(two, vec![passed("a[1]"), passed("a[2]"), passed("a[3]")]);
    expect(&grown.judge(), Verdict::Pass, &[]);
    let mut grown_red = Green::of(
        vec![expected("a", Role::Required, &["[1]"])],
        vec![passed("a[1]"), failed("a[2]")],
    );
    expect(&grown_red.judge(), Verdict::Fail, &["test_failed"]);
    grown_red.run = report(Vec::new());
    assert_eq!(grown_red.judge().verdict(), Verdict::Fail);
    let green = Green::of(
        vec![expected("a", Role::Required, &[""])],
        vec![passed("a"), passed("z")],
    );
    expect(&green.judge(), Verdict::CouldNotRun, &["unexpected_test"]);
    let none = Green::of(Vec::new(), Vec::new());
    assert_ne!(none.judge().verdict(), Verdict::Pass);
    let mut not_loading_now = Green::honest();
    not_loading_now.run = not_loading(&["tests/t.py"], &[detail(Cause::MissingSymbol, Some("x"))]);
    expect(&not_loading_now.judge(), Verdict::Fail, &["test_failed"]);
}

#[test]
fn b2_exit_code_and_report_must_agree() {
    let mut green = Green::honest();
    green.run.ended = Ended::Code(1);
    expect(
        &green.judge(),
        Verdict::CouldNotRun,
        &["exit_code_disagrees"],
    );
    for ended in [
        Ended::Signal(9),
        Ended::TimedOut,
        Ended::IdledOut,
        Ended::OutputLimit,
        Ended::Interrupted,
    ] {
        green.run.ended = ended;
        assert_ne!(green.judge().verdict(), Verdict::Pass, "{ended:?}");
    }
}

#[test]
fn b5_changes_outside_are_left_out_out_of_scope_or_rejected() {
    let mut green = Green::honest();
    green.changes = vec![change(ChangeClass::LeftOut, ReasonCode::LeftOut)];
    let result = green.judge();
    expect(&result, Verdict::Pass, &[]);
    assert_eq!(result.notes()[0].code, ReasonCode::LeftOut);
    green.changes = vec![change(ChangeClass::OutOfScope, ReasonCode::OutOfScope)];
    expect(&green.judge(), Verdict::Fail, &["out_of_scope"]);
    for code in [
        ReasonCode::LockAdded,
        ReasonCode::LockModified,
        ReasonCode::LockDeleted,
        ReasonCode::LockedTestEdited,
        ReasonCode::ForbiddenFile,
    ] {
        green.changes = vec![change(ChangeClass::Rejected, code)];
        let result = green.judge();
        expect(&result, Verdict::Rejected, &[code.as_str()]);
        assert_eq!(result.reasons()[0].diff.as_deref(), Some("+ x"));
        assert!(result.reasons()[0].help.contains("redgreen amend T1"));
    }
    let mut green = Green::honest();
    green.environment_changes = vec![problem(ReasonCode::EnvironmentChanged)];
    expect(&green.judge(), Verdict::Rejected, &["environment_changed"]);
    let mut green = Green::honest();
    green.control_failures = vec![problem(ReasonCode::ControlFailed)];
    expect(&green.judge(), Verdict::Rejected, &["control_failed"]);
    let mut green = Green::honest();
    green.tests_in_source = vec![item_id("src/lib.rs::tests::own")];
    assert_eq!(green.judge().notes()[0].code, ReasonCode::TestsInSource);
}

#[test]
fn b5_every_kind_of_change_in_every_place_has_its_class() {
    use ChangeKind::{Added, Deleted, Modified};
    for (file, place, kind, class, code) in [
        (
            "README.md",
            Place::Inert,
            Added,
            ChangeClass::LeftOut,
            "left_out",
        ),
        (
            "README.md",
            Place::Inert,
            Deleted,
            ChangeClass::LeftOut,
            "left_out",
        ),
        (
            "tests/t.py",
            Place::Test,
            Modified,
            ChangeClass::Rejected,
            "locked_test_edited",
        ),
        (
            "tests/t.py",
            Place::Test,
            Added,
            ChangeClass::Rejected,
            "lock_added",
        ),
        (
            "tests/t.py",
            Place::Test,
            Deleted,
            ChangeClass::Rejected,
            "lock_deleted",
        ),
        (
            "pytest.ini",
            Place::RunnerConfig,
            Added,
            ChangeClass::Rejected,
            "lock_added",
        ),
        (
            "pytest.ini",
            Place::RunnerConfig,
            Modified,
            ChangeClass::Rejected,
            "lock_modified",
        ),
        (
            "notes",
            Place::Other,
            Added,
            ChangeClass::OutOfScope,
            "out_of_scope",
        ),
        (
            "x.so",
            Place::Other,
            Added,
            ChangeClass::Rejected,
            "forbidden_file",
        ),
        (
            "x.pth",
            Place::Other,
            Added,
            ChangeClass::Rejected,
            "forbidden_file",
        ),
        (
            "Makefile",
            Place::Other,
            Modified,
            ChangeClass::Rejected,
            "lock_modified",
        ),
        (
            "Makefile",
            Place::Other,
            Deleted,
            ChangeClass::Rejected,
            "lock_deleted",
        ),
    ] {
        let (found, reason, message) = classify(&path(file), kind, place);
        assert_eq!((found, reason.as_str()), (class, code), "{file} {kind:?}");
        assert!(message.contains(file));
    }
}

// ---- LOCK

#[test]
fn b4_a_lock_holds_only_without_changes_and_with_a_valid_record() {
    let judge = |changes: &[Change], invalid: Option<Reason>| {
        judge_lock(&LockCheck {
            task: &task(),
            changes,
            invalid,
        })
    };
    expect(&judge(&[], None), Verdict::Pass, &[]);
    let left_out = change(ChangeClass::LeftOut, ReasonCode::LeftOut);
    expect(&judge(&[left_out], None), Verdict::Pass, &[]);
    let edited = change(ChangeClass::Rejected, ReasonCode::LockedTestEdited);
    expect(
        &judge(&[edited], None),
        Verdict::Rejected,
        &["locked_test_edited"],
    );
    let invalid = Some(problem(ReasonCode::LockInvalid));
    expect(&judge(&[], invalid), Verdict::Rejected, &["lock_invalid"]);
}

// ---- FULL

struct Full {
    expected: Vec<ExpectedTest>,
    base: Option<RunReport>,
    run: RunReport,
    flaky: BTreeSet<CaseId>,
    flaky_here: BTreeSet<CaseId>,
    changes: Vec<Change>,
    checks: Vec<CheckRun>,
    supersedes: BTreeSet<String>,
    environment_changes: Vec<Reason>,
    suites: bool,
}

impl Full {
    /// `a` is locked and passes, `old` passed before.
    fn with(old_before: Outcome, old_now: Option<Outcome>) -> Self {
        let mut cases = vec![passed("a")];
        cases.extend(old_now.map(|outcome| case("old", outcome, None)));
        Self {
            expected: vec![expected("a", Role::Required, &[""])],
            base: Some(report(vec![case("old", old_before, None)])),
            run: report(cases),
            flaky: BTreeSet::new(),
            flaky_here: BTreeSet::new(),
            changes: Vec::new(),
            checks: Vec::new(),
            supersedes: BTreeSet::new(),
            environment_changes: Vec::new(),
            suites: true,
        }
    }
    fn judge(&self) -> GateResult {
        let suite = SuiteRun {
            name: "unit",
            base: self.base.as_ref(),
            candidate: &self.run,
            flaky_on_base: self.flaky.clone(),
            flaky_here: self.flaky_here.clone(),
            unused: Vec::new(),
        };
        let suites = if self.suites { vec![suite] } else { Vec::new() };
        judge_full(&FullInput {
            task: &task(),
            suites: &suites,
            expected: &self.expected,
            changes: &self.changes,
            checks: &self.checks,
            validation: &[],
            supersedes: &self.supersedes,
            environment_changes: &self.environment_changes,
        })
    }
}

#[test]
fn b8_failures_are_held_against_what_was_there_before() {
    use Outcome::{Errored, Failed, Passed, Skipped};
    for (before, now, verdict, list) in [
        (Passed, Some(Passed), Verdict::Pass, &[][..]),
        (Passed, Some(Failed), Verdict::Fail, &["suite_failed"]),
        (Passed, Some(Errored), Verdict::Fail, &["suite_failed"]),
        (Failed, Some(Failed), Verdict::Pass, &[]),
        (Errored, Some(Failed), Verdict::Pass, &[]),
        (Failed, Some(Passed), Verdict::Pass, &[]),
        (Skipped, Some(Failed), Verdict::Fail, &["suite_failed"]),
        (Skipped, Some(Skipped), Verdict::Pass, &[]),
        (Passed, Some(Skipped), Verdict::Fail, &["test_skipped"]),
        (Passed, None, Verdict::Fail, &["test_missing"]),
        (Failed, None, Verdict::Pass, &[]),
    ] {
        expect(&Full::with(before, now).judge(), verdict, list);
    }
    // Without a base nothing is forgiven.
    let mut no_base = Full::with(Passed, Some(Failed));
    no_base.base = None;
    expect(&no_base.judge(), Verdict::Fail, &["suite_failed"]);
    // Flaky on the base: listed, held against nobody.
    let mut flaky = Full::with(Passed, Some(Failed));
    flaky.flaky = BTreeSet::from([CaseId {
        item: item_id("old"),
        case: String::new(),
    }]);
    let result = flaky.judge();
    expect(&result, Verdict::Pass, &[]);
    assert_eq!(result.notes()[0].code, ReasonCode::FlakyOnBase);
    // Flaky only with the candidate: not decided; a locked test fails either way.
    let mut here = Full::with(Passed, Some(Failed));
    here.flaky_here = BTreeSet::from([CaseId {
        item: item_id("old"),
        case: String::new(),
    }]);
    expect(&here.judge(), Verdict::Flaky, &["flaky"]);
    here.expected = vec![expected("old", Role::Required, &[""])];
    expect(&here.judge(), Verdict::Fail, &["suite_failed"]);
    // A locked test is never forgiven.
    let mut locked = Full::with(Failed, Some(Failed));
    locked.expected = vec![expected("old", Role::Required, &[""])];
    expect(&locked.judge(), Verdict::Fail, &["suite_failed"]);
    for now in [None, Some(Skipped)] {
        let mut superseded = Full::with(Passed, now);
        superseded.supersedes = strings(&["tests/t.py::test_old"]);
        expect(&superseded.judge(), Verdict::Pass, &[]);
    }
}

#[test]
fn b8_a_locked_test_that_cannot_load_is_never_forgiven() {
    let broken = LoadFailure {
        files: vec![item_id("a").path],
        causes: Vec::new(),
    };
    let mut full = Full::with(Outcome::Passed, Some(Outcome::Passed));
    full.run.cases.clear();
    full.run.load_failures = vec![broken.clone()];
    if let Some(base) = &mut full.base {
        base.cases.clear();
        base.load_failures = vec![broken];
    }
    expect(&full.judge(), Verdict::Fail, &["suite_failed"]);
    // A file without a locked test that the base could not load either is no business of the task.
    full.expected.clear();
    expect(&full.judge(), Verdict::Pass, &[]);
}

#[test]
fn b6_locked_tests_are_part_of_the_suite_and_pass_there() {
    let mut missing = Full::with(Outcome::Passed, Some(Outcome::Passed));
    missing.expected.push(expected("b", Role::Required, &[""]));
    expect(&missing.judge(), Verdict::Fail, &["test_missing"]);
    let mut skipped = Full::with(Outcome::Passed, Some(Outcome::Passed));
    skipped.run.cases[0].outcome = Outcome::Skipped;
    expect(&skipped.judge(), Verdict::Fail, &["test_skipped"]);
    let mut changed = Full::with(Outcome::Passed, Some(Outcome::Passed));
    changed.changes = vec![change(ChangeClass::Rejected, ReasonCode::LockModified)];
    expect(&changed.judge(), Verdict::Rejected, &["lock_modified"]);
    changed.changes = vec![change(ChangeClass::OutOfScope, ReasonCode::OutOfScope)];
    expect(&changed.judge(), Verdict::Fail, &["out_of_scope"]);
    let mut environment = Full::with(Outcome::Passed, Some(Outcome::Passed));
    environment.environment_changes = vec![problem(ReasonCode::EnvironmentChanged)];
    expect(
        &environment.judge(),
        Verdict::Rejected,
        &["environment_changed"],
    );
}

#[test]
fn b6_a_suite_without_evidence_could_not_run() {
    let mut full = Full::with(Outcome::Passed, Some(Outcome::Passed));
    full.run.pass_line = None;
    expect(&full.judge(), Verdict::CouldNotRun, &["evidence_missing"]);
    let mut full = Full::with(Outcome::Passed, Some(Outcome::Passed));
    full.run.ended = Ended::Code(3);
    expect(
        &full.judge(),
        Verdict::CouldNotRun,
        &["exit_code_disagrees"],
    );
    let mut empty = Full::with(Outcome::Failed, None);
    empty.run = report(Vec::new());
    empty.expected = Vec::new();
    expect(&empty.judge(), Verdict::CouldNotRun, &["zero_tests"]);
    let mut none = Full::with(Outcome::Failed, None);
    none.suites = false;
    none.expected = Vec::new();
    expect(&none.judge(), Verdict::CouldNotRun, &["zero_tests"]);
    let mut problems = Full::with(Outcome::Passed, Some(Outcome::Passed));
    problems.run.problems = vec![problem(ReasonCode::TruncatedReport)];
    expect(
        &problems.judge(),
        Verdict::CouldNotRun,
        &["truncated_report"],
    );
    let mut not_loaded = Full::with(Outcome::Passed, None);
    not_loaded.run = not_loading(&["tests/t.py"], &[detail(Cause::SyntaxError, None)]);
    expect(&not_loaded.judge(), Verdict::Fail, &["suite_failed"]);
}

/// What a project's own files ask for: a missing tool or a limit holds nothing up, a finding does.
#[test]
fn b6_a_detected_check_that_cannot_be_asked_is_a_note() {
    let check = |ended: Ended, not_found: bool| CheckRun {
        name: "ruff".to_owned(),
        command: vec!["ruff".to_owned()],
        ended,
        version: String::new(),
        tail: Vec::new(),
        success: "exit code 0".to_owned(),
        succeeded: false,
        not_found,
        succeeded_on_base: None,
        optional: true,
        fix: Some(vec![
            "ruff".to_owned(),
            "check".to_owned(),
            "--fix".to_owned(),
        ]),
    };
    for (check, verdict, list) in [
        (check(Ended::Interrupted, true), Verdict::Pass, &[][..]),
        (check(Ended::TimedOut, false), Verdict::Pass, &[]),
        (
            check(Ended::Code(1), false),
            Verdict::Fail,
            &["check_failed"],
        ),
    ] {
        let mut full = Full::with(Outcome::Passed, Some(Outcome::Passed));
        full.checks = vec![check];
        let result = full.judge();
        expect(&result, verdict, list);
        match result.reasons().first() {
            Some(reason) => assert!(reason.help.contains("ruff check --fix"), "{reason:?}"),
            None => assert_eq!(result.notes().len(), 1),
        }
    }
}

#[test]
fn b6_checks_by_exit_code_words_tool_and_limit() {
    let check = |ended: Ended, succeeded: bool, not_found: bool, on_base: Option<bool>| CheckRun {
        name: "lint".to_owned(),
        command: vec!["ruff".to_owned()],
        ended,
        version: String::new(),
        tail: vec!["E1".to_owned()],
        success: "exit code 0".to_owned(),
        succeeded,
        not_found,
        succeeded_on_base: on_base,
        optional: false,
        fix: None,
    };
    for (check, verdict, list) in [
        (
            check(Ended::Code(0), true, false, None),
            Verdict::Pass,
            &[][..],
        ),
        (
            check(Ended::Code(1), false, false, None),
            Verdict::Fail,
            &["check_failed"],
        ),
        (
            check(Ended::Code(1), false, false, Some(true)),
            Verdict::Fail,
            &["check_failed"],
        ),
        (
            check(Ended::Code(1), false, false, Some(false)),
            Verdict::Pass,
            &[],
        ),
        (
            check(Ended::Signal(9), false, false, None),
            Verdict::Fail,
            &["check_failed"],
        ),
        (
            check(Ended::TimedOut, false, false, None),
            Verdict::CouldNotRun,
            &["timed_out"],
        ),
        (
            check(Ended::IdledOut, true, false, None),
            Verdict::CouldNotRun,
            &["timed_out"],
        ),
        (
            check(Ended::OutputLimit, true, false, None),
            Verdict::CouldNotRun,
            &["timed_out"],
        ),
        (
            check(Ended::Interrupted, false, true, None),
            Verdict::CouldNotRun,
            &["command_not_found"],
        ),
    ] {
        let mut full = Full::with(Outcome::Passed, Some(Outcome::Passed));
        full.checks = vec![check];
        expect(&full.judge(), verdict, list);
    }
}
