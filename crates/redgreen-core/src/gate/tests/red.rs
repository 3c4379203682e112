//! RED (SPEC B3).

use super::*;

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
