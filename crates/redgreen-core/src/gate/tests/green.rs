//! GREEN and LOCK (SPEC B4, B5).

use super::*;

struct Green {
    expected: Vec<ExpectedTest>,
    run: RunReport,
    changes: Vec<Change>,
    failing_on_base: BTreeSet<String>,
    tests_in_source: Vec<ItemId>,
    control_failures: Vec<Reason>,
    environment_changes: Vec<Reason>,
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
