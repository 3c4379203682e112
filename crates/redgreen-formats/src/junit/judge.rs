//! The strict judge: cases with outcomes, and everything that keeps a run from being believed (SPEC B1, B2).

use super::cause::{Project, cause};
use super::places::{Ordinals, Places};
use super::read::{Case, Mark, MarkKind, Report, Trouble};
use redgreen_core::id::{CaseId, ItemId, RunnerName};
use redgreen_core::outcome::{Cause, Outcome};
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::{CaseReport, CauseDetail, Ended, LoadFailure, LocatedCause};

/// At most this many characters of a message are kept.
const MESSAGE: usize = 4_000;

/// At most this many problems of one kind are named one by one.
const NAMED: usize = 5;

/// What is known of the run beside its reports.
pub struct Run<'a> {
    /// The runner's name; `None` where there is one.
    pub runner: Option<&'a RunnerName>,
    /// How the command ended.
    pub ended: Ended,
    /// Its time limit in seconds, for the message.
    pub limit_seconds: u64,
    /// Which files there are.
    pub places: &'a Places,
    /// What is the project's own.
    pub project: &'a dyn Project,
}

/// What the reports of one run establish.
#[derive(Debug, Default)]
pub struct Judged {
    /// Every case.
    pub cases: Vec<CaseReport>,
    /// Files that could not be loaded.
    pub load_failures: Vec<LoadFailure>,
    /// Why the run cannot be judged; empty for one that can.
    pub problems: Vec<Reason>,
}

/// Judges the reports of one run: name (for messages) and content.
#[must_use]
pub fn judge(reports: &[(String, Report)], run: &Run<'_>) -> Judged {
    let mut judged = Judged::default();
    match run.ended {
        Ended::TimedOut | Ended::IdledOut => judged.problems.push(Reason::new(
            ReasonCode::TimedOut,
            format!(
                "the test command did not end within {} s",
                run.limit_seconds
            ),
            "find what the tests wait for, or raise `timeout` of the runner in redgreen.toml",
        )),
        Ended::OutputLimit => judged.problems.push(Reason::new(
            ReasonCode::TruncatedReport,
            "the test command was ended because it printed too much",
            "make the tests print less",
        )),
        Ended::Interrupted => judged.problems.push(Reason::new(
            ReasonCode::Stopped,
            "a person stopped the run of the tests",
            "run the same command again",
        )),
        Ended::Signal(signal) => judged.problems.push(Reason::new(
            ReasonCode::TruncatedReport,
            format!("signal {signal} ended the test command"),
            "look at its output (-v): the tests after it never ran",
        )),
        Ended::Code(_) => {}
    }
    if reports.is_empty() {
        judged.problems.push(Reason::new(
            ReasonCode::NoReport,
            format!("the test command wrote no report and ended with {}", ended(run.ended)),
            "write JUnit XML to `{report}` (also in `$REDGREEN_REPORT`), or name where it is written: `report = [\"…\"]` under `[runner]`",
        ));
        return judged;
    }
    let mut ordinals = Ordinals::default();
    let mut failing = 0usize;
    for (name, report) in reports {
        for trouble in &report.troubles {
            judged.problems.push(of_trouble(name, trouble));
        }
        if report.troubles.is_empty() {
            counts(name, report, &mut judged.problems);
        }
        failing += cases(name, report, run, &mut ordinals, &mut judged);
    }
    if judged.cases.is_empty() && judged.load_failures.is_empty() && judged.problems.is_empty() {
        judged.problems.push(Reason::new(
            ReasonCode::ZeroTests,
            "the report holds no test",
            "check which tests the command runs, and that it finds them in a clean copy of the repository",
        ));
    }
    agreement(run.ended, failing, &mut judged);
    judged
}

fn ended(ended: Ended) -> String {
    match ended {
        Ended::Code(code) => format!("exit code {code}"),
        Ended::Signal(signal) => format!("signal {signal}"),
        Ended::TimedOut | Ended::IdledOut => "a time-out".to_owned(),
        Ended::OutputLimit => "too much output".to_owned(),
        Ended::Interrupted => "an interruption".to_owned(),
    }
}

fn of_trouble(name: &str, trouble: &Trouble) -> Reason {
    let (code, message, help) = match trouble {
        Trouble::Empty => (
            ReasonCode::NoReport,
            format!("the report `{name}` is empty"),
            "look at the output of the command (-v): it ended before its report was written",
        ),
        Trouble::Truncated => (
            ReasonCode::TruncatedReport,
            format!("the report `{name}` ends in the middle"),
            "look at the output of the command (-v): it ended while it wrote",
        ),
        Trouble::Malformed { at, why } => (
            ReasonCode::TruncatedReport,
            format!("the report `{name}` is no XML at byte {at}: {why}"),
            "look at what writes it; two programs may write one file",
        ),
        Trouble::OtherRoot(root) => (
            ReasonCode::NoReport,
            format!("`{name}` is no JUnit report: its root is `{root}`"),
            "let the command write JUnit XML (`testsuites` or `testsuite`) there",
        ),
        Trouble::Encoding(what) => (
            ReasonCode::TruncatedReport,
            format!("the report `{name}` is not UTF-8: {what}"),
            "let the command write its report in UTF-8",
        ),
        Trouble::Contradiction(what) => (
            ReasonCode::TruncatedReport,
            format!("the report `{name}` contradicts itself: {what}"),
            "look at the output of the command (-v): it ended early, or two programs wrote one file",
        ),
        Trouble::Entity(what) => (
            ReasonCode::ReportTampered,
            format!("the report `{name}` cannot be believed: {what}"),
            "no test runner writes this; look at what writes the report",
        ),
    };
    Reason::new(code, message, help)
}

/// Whether a mark says that the case is bad.
fn is_bad(mark: &Mark) -> bool {
    match mark.kind {
        MarkKind::Failure | MarkKind::Error => true,
        MarkKind::Skipped | MarkKind::Rerun | MarkKind::Flaky => false,
    }
}

#[derive(Clone, Copy, Default)]
struct Counted {
    cases: u64,
    suites: u64,
    bad_cases: u64,
    bad_marks: u64,
}

/// Declared numbers against what is there. Runners count differently: the direct cases, direct cases and suites (node), or
/// everything below. A number that is none of these means that something is missing, or was added.
fn counts(name: &str, report: &Report, problems: &mut Vec<Reason>) {
    let mut direct = vec![Counted::default(); report.suites.len()];
    for case in &report.cases {
        if let Some(own) = direct.get_mut(case.suite) {
            let bad = case.marks.iter().filter(|mark| is_bad(mark)).count() as u64;
            own.cases += 1;
            own.bad_cases += u64::from(bad > 0);
            own.bad_marks += bad;
        }
    }
    let mut total = direct.clone();
    // A suite begins after the one around it, so its own total is complete when it is added backwards.
    for index in (0..report.suites.len()).rev() {
        if let Some(parent) = report.suites[index].parent {
            let own = total[index];
            let up = &mut total[parent];
            up.cases += own.cases;
            up.bad_cases += own.bad_cases;
            up.bad_marks += own.bad_marks;
            direct[parent].suites += 1;
        }
    }
    let mut named = 0;
    for (index, suite) in report.suites.iter().enumerate() {
        let (own, all) = (direct[index], total[index]);
        let shown = if suite.name.is_empty() {
            "(without a name)"
        } else {
            &suite.name
        };
        let mut disagree = |what: &str, declared: u64, found: u64| {
            named += 1;
            if named <= NAMED {
                problems.push(Reason::new(
                    ReasonCode::TruncatedReport,
                    format!("in the report `{name}` the suite `{shown}` declares {declared} {what} and holds {found}"),
                    "the report is incomplete, or was changed after it was written; look at what writes it",
                ));
            }
        };
        if let Some(declared) = suite.tests
            && ![own.cases, own.cases + own.suites, all.cases].contains(&declared)
        {
            disagree("tests", declared, all.cases);
        }
        let declared = match (suite.failures, suite.errors) {
            (None, None) => continue,
            (failures, errors) => failures.unwrap_or(0).saturating_add(errors.unwrap_or(0)),
        };
        let complete = suite.failures.is_some() && suite.errors.is_some();
        let least = if complete {
            own.bad_cases.min(all.bad_cases)
        } else {
            0
        };
        if declared < least || declared > all.bad_marks + own.suites {
            disagree("failures and errors", declared, all.bad_marks);
        }
    }
}

/// Takes the cases of one report; returns how many of them ask for an exit code other than 0.
fn cases(
    name: &str,
    report: &Report,
    run: &Run<'_>,
    ordinals: &mut Ordinals,
    judged: &mut Judged,
) -> usize {
    let mut failing = 0;
    let mut unnamed = 0;
    for case in &report.cases {
        let bad = case.marks.iter().any(is_bad);
        failing += usize::from(bad);
        if bad && let Some(file) = run.places.unloaded(case) {
            judged.load_failures.push(LoadFailure {
                files: vec![file.clone()],
                causes: case
                    .marks
                    .iter()
                    .filter(|mark| is_bad(mark))
                    .map(|mark| LocatedCause {
                        cause: cause(mark, run.project),
                        file: Some(file.clone()),
                        line: case.line,
                        message: message(mark),
                    })
                    .collect(),
            });
            continue;
        }
        let Some(placed) = run.places.place(case, report) else {
            unnamed += 1;
            continue;
        };
        // pytest writes the failure of a test and that of its tear-down as two cases, one after the other.
        if case
            .marks
            .iter()
            .any(|mark| mark.message.starts_with("failed on teardown"))
            && let Some(last) = judged.cases.last_mut()
            && last.id.item.path == placed.path
            && last.id.item.item == placed.item
            && last.id.case.is_empty()
            && last.outcome == Outcome::Failed
        {
            continue;
        }
        let (outcome, cause, text) = outcome(case, run.project);
        judged.cases.push(CaseReport {
            id: CaseId {
                case: ordinals.next(&placed),
                item: ItemId {
                    runner: run.runner.cloned(),
                    path: placed.path.clone(),
                    item: placed.item,
                },
            },
            outcome,
            cause,
            file: (placed.path.as_str() != super::places::NO_FILE).then_some(placed.path),
            line: case.line,
            message: text,
            duration_ms: case.duration_ms,
        });
    }
    if unnamed > 0 {
        judged.problems.push(Reason::new(
            ReasonCode::TruncatedReport,
            format!("the report `{name}` has {unnamed} cases without a name"),
            "a test ended the session early, or the runner's report is broken: look at its output (-v)",
        ));
    }
    failing
}

fn outcome(case: &Case, project: &dyn Project) -> (Outcome, Option<CauseDetail>, String) {
    let first = |kind: MarkKind| case.marks.iter().find(|mark| mark.kind == kind);
    // An error beside a failure says more about why: set-up, a crash, a time-out.
    let bad = case.marks.iter().filter(|mark| is_bad(mark));
    let causes: Vec<(&Mark, CauseDetail)> = bad.map(|mark| (mark, cause(mark, project))).collect();
    let worst = causes.iter().max_by_key(|(_, cause)| weight(cause.cause));
    if let Some((mark, cause)) = worst {
        let outcome = match (cause.cause, mark.kind) {
            (Cause::Timeout, _) => Outcome::TimedOut,
            (Cause::Crash, _) => Outcome::Crashed,
            (_, MarkKind::Error) if !matches!(cause.cause, Cause::Assertion) => Outcome::Errored,
            (_, _) => Outcome::Failed,
        };
        return (outcome, Some(cause.clone()), message(mark));
    }
    if let Some(mark) = first(MarkKind::Rerun).or_else(|| first(MarkKind::Flaky)) {
        return (
            Outcome::Failed,
            Some(CauseDetail {
                cause: Cause::Unknown,
                detail: "it passed only when it was tried again".to_owned(),
                symbol: None,
            }),
            message(mark),
        );
    }
    match first(MarkKind::Skipped) {
        Some(mark) if mark.class.ends_with("xfail") => (Outcome::Xfailed, None, message(mark)),
        Some(mark) if mark.message.eq_ignore_ascii_case("todo") || mark.class == "todo" => {
            (Outcome::Todo, None, message(mark))
        }
        Some(mark) => (Outcome::Skipped, None, message(mark)),
        None if case.says_not_run => (Outcome::Skipped, None, String::new()),
        None => (Outcome::Passed, None, String::new()),
    }
}

/// Of several causes the one that is least like a legitimate red stands: one broken part makes the test broken.
fn weight(cause: Cause) -> u8 {
    use redgreen_core::outcome::CauseClass;
    match cause.class() {
        CauseClass::Right => 0,
        CauseClass::Unclear => 1,
        CauseClass::Environment => 2,
        CauseClass::Broken => 3,
    }
}

fn message(mark: &Mark) -> String {
    let text = match (mark.message.trim(), mark.text.trim()) {
        ("", text) => text.to_owned(),
        (message, "") => message.to_owned(),
        (message, text) if text.starts_with(message) => text.to_owned(),
        (message, text) => format!("{message}\n{text}"),
    };
    text.chars().take(MESSAGE).collect()
}

/// The exit code must say what the report says.
fn agreement(ended: Ended, failing: usize, judged: &mut Judged) {
    let Ended::Code(code) = ended else { return };
    if !judged.problems.is_empty() {
        return;
    }
    if code == 0 && failing > 0 {
        judged.problems.push(Reason::new(
            ReasonCode::ExitCodeDisagrees,
            format!("{failing} tests of the report do not pass, and the command ended with exit code 0"),
            "let the command end with the exit code of the test runner (no `|| true`, no pipe without `pipefail`)",
        ));
    } else if code != 0 && failing == 0 {
        judged.problems.push(Reason::new(
            ReasonCode::ExitCodeDisagrees,
            format!("no test of the report fails, and the command ended with exit code {code}"),
            "look at the output of the command (-v): something beside the tests failed, such as a threshold or a hook",
        ));
    }
}
