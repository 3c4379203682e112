//! From the record to cases and load failures.

use super::cause::{Stage, cause, first_line};
use super::places::Places;
use super::records::{Exception, Journal, Phase, Raw, Record, When};
use redgreen_core::id::{CaseId, ItemId, RelPath, RunnerName};
use redgreen_core::outcome::{Cause, Outcome};
use redgreen_core::run_report::{CaseReport, CauseDetail, LoadFailure, LocatedCause};
use std::collections::{BTreeMap, BTreeSet};

/// What the cases need to know beyond the record.
pub struct Context<'a> {
    /// The runner's name, where ids carry one.
    pub runner: Option<&'a RunnerName>,
    /// The items of the tree that were asked for, by file: identities where a file does not load or is skipped.
    pub items: &'a BTreeMap<RelPath, Vec<ItemId>>,
    /// Whether the time limit ended the process.
    pub timed_out: bool,
}

/// The parts of a run report that the record gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// Every case, in the order pytest collected them.
    pub cases: Vec<CaseReport>,
    /// What could not be loaded.
    pub load_failures: Vec<LoadFailure>,
    /// Cases whose report differs from what the exception object said.
    pub tampered: Vec<(CaseId, String)>,
    /// Files that a hook reported as loaded although they did not load.
    pub hidden_load_failures: Vec<RelPath>,
    /// Cases that pytest counts as failed although they passed: strictly expected failures.
    pub strict_passes: usize,
    /// Identities that cannot be written as test ids, with the reason.
    pub unnamed: Vec<String>,
}

struct Test {
    id: CaseId,
    line: Option<u32>,
    started: bool,
    finished: bool,
    phases: Vec<Phase>,
}

/// Reads the record.
#[must_use]
pub fn parts(journal: &Journal, places: &Places<'_>, context: &Context<'_>) -> Parts {
    let mut parts = Parts::default();
    let mut tests: BTreeMap<usize, Test> = BTreeMap::new();
    for record in &journal.records {
        match record {
            Record::Test {
                n,
                path,
                item,
                case,
                line,
                node,
            } => match case_id(path, item, case, context) {
                Ok(id) => {
                    let line = *line;
                    let (started, finished, phases) = (false, false, Vec::new());
                    tests.insert(
                        *n,
                        Test {
                            id,
                            line,
                            started,
                            finished,
                            phases,
                        },
                    );
                }
                Err(why) => parts.unnamed.push(format!("`{node}`: {why}")),
            },
            Record::Start { n } => {
                if let Some(test) = tests.get_mut(n) {
                    test.started = true;
                }
            }
            Record::Finish { n } => {
                if let Some(test) = tests.get_mut(n) {
                    test.finished = true;
                }
            }
            Record::Phase(phase) => {
                if let Some(test) = tests.get_mut(&phase.n) {
                    test.phases.push(phase.as_ref().clone());
                }
            }
            Record::Load {
                path,
                hidden,
                exception,
                ..
            } => {
                load_failure(path.as_deref(), exception, places, context, &mut parts);
                if *hidden
                    && let Some(path) = path.as_deref().and_then(|path| RelPath::new(path).ok())
                {
                    parts.hidden_load_failures.push(path);
                }
            }
            Record::LoadDied { path, exception } => {
                load_failure(Some(path), exception, places, context, &mut parts);
            }
            Record::SkippedFile { path, reason } => skipped_file(path, reason, context, &mut parts),
            Record::Begin { .. }
            | Record::Session { .. }
            | Record::Collected { .. }
            | Record::InternalError { .. }
            | Record::Interrupted { .. }
            | Record::StartFailed { .. }
            | Record::NoOrigin
            | Record::Module { .. }
            | Record::End { .. } => {}
        }
    }
    for test in tests.values() {
        add_cases(test, places, context, &mut parts);
    }
    merge_duplicates(&mut parts.cases);
    parts
}

fn case_id(path: &str, item: &str, case: &str, context: &Context<'_>) -> Result<CaseId, String> {
    let path = RelPath::new(path).map_err(|why| why.to_string())?;
    let runner = context.runner.cloned();
    let item = item.to_owned();
    Ok(CaseId {
        item: ItemId { runner, path, item },
        case: case.to_owned(),
    })
}

fn load_failure(
    path: Option<&str>,
    exception: &Exception,
    places: &Places<'_>,
    context: &Context<'_>,
    parts: &mut Parts,
) {
    let file = path.and_then(|path| RelPath::new(path).ok());
    let files = match &file {
        Some(file) if !is_folder_wide(file) && is_module(file) => vec![file.clone()],
        // A conftest or a package that does not load takes every test file below its folder with it.
        Some(file) => {
            let folder = if is_module(file) {
                file.parent().map(|folder| folder.as_str().to_owned())
            } else {
                Some(file.as_str().to_owned())
            };
            let folder = folder.unwrap_or_default();
            context
                .items
                .keys()
                .filter(|file| file.is_below(&folder))
                .cloned()
                .collect()
        }
        None => context.items.keys().cloned().collect(),
    };
    let (at, line) = place(exception, file.as_ref(), places);
    parts.load_failures.push(LoadFailure {
        files,
        causes: vec![LocatedCause {
            cause: cause(exception, Stage::Load, places),
            file: at.or(file),
            line,
            message: exception.text(),
        }],
    });
}

fn is_module(file: &RelPath) -> bool {
    file.extension().is_some()
}

fn is_folder_wide(file: &RelPath) -> bool {
    matches!(file.file_name(), "conftest.py" | "__init__.py")
}

/// The place to look at: the last frame in the file itself, else the last one in the tree, else a syntax error's.
fn place(
    exception: &Exception,
    own: Option<&RelPath>,
    places: &Places<'_>,
) -> (Option<RelPath>, Option<u32>) {
    if let (Some(path), Some(line)) = (exception.path.as_deref(), exception.line)
        && let Ok(path) = RelPath::new(path)
    {
        return (Some(path), Some(line));
    }
    let in_tree = || {
        exception
            .frames
            .iter()
            .rev()
            .filter(|frame| places.file(&frame.0) != super::places::Owner::Foreign)
    };
    let frame = own
        .and_then(|own| in_tree().find(|frame| frame.0 == own.as_str()))
        .or_else(|| in_tree().next());
    match frame {
        Some(frame) => (RelPath::new(frame.0.as_str()).ok(), Some(frame.1)),
        None => (None, None),
    }
}

fn skipped_file(path: &str, reason: &str, context: &Context<'_>, parts: &mut Parts) {
    let Ok(path) = RelPath::new(path) else { return };
    for item in context.items.get(&path).into_iter().flatten() {
        parts.cases.push(CaseReport {
            id: CaseId::single(item.clone()),
            outcome: Outcome::Skipped,
            cause: None,
            file: Some(path.clone()),
            line: None,
            message: reason.to_owned(),
            duration_ms: 0,
        });
    }
}

struct Verdict {
    outcome: Outcome,
    cause: Option<CauseDetail>,
    message: String,
    place: (Option<RelPath>, Option<u32>),
}

impl Verdict {
    fn plain(outcome: Outcome, message: &str) -> Self {
        Self {
            outcome,
            cause: None,
            message: message.to_owned(),
            place: (None, None),
        }
    }
}

fn add_cases(test: &Test, places: &Places<'_>, context: &Context<'_>, parts: &mut Parts) {
    let own = &test.id.item.path;
    let mut verdict: Option<Verdict> = None;
    let mut subtests: Vec<CaseReport> = Vec::new();
    for phase in &test.phases {
        note_tampering(&test.id, phase, parts);
        if phase.strict {
            parts.strict_passes += 1;
        }
        let new = judge_phase(phase, own, places);
        match &phase.subtest {
            Some(name) => {
                let mut id = test.id.clone();
                id.case = format!("{} {name}", id.case);
                let new = new.unwrap_or_else(|| Verdict::plain(Outcome::Passed, ""));
                subtests.push(case(id, new, test.line, phase.duration_ms));
            }
            None => keep_worse(&mut verdict, new),
        }
    }
    let mut verdict = match verdict {
        _ if test.started && !test.finished => died(context.timed_out),
        Some(verdict) => verdict,
        None if !test.started => {
            Verdict::plain(Outcome::NotRun, "pytest collected it and never ran it")
        }
        // A hook of the project took the test and never called it.
        None => Verdict::plain(Outcome::NotRun, "its function was never called"),
    };
    if let Some(failed) = subtests.iter().find(|case| case.outcome.is_failure())
        && (verdict.outcome == Outcome::Passed
            || verdict
                .cause
                .as_ref()
                .is_none_or(|cause| cause.cause == Cause::Unknown))
    {
        // pytest 9 fails the test around a failed subtest; older plugins leave it passed.
        verdict.outcome = Outcome::Failed;
        verdict.cause.clone_from(&failed.cause);
        verdict.message.clone_from(&failed.message);
        verdict.place = (failed.file.clone(), failed.line);
    }
    let duration = test
        .phases
        .iter()
        .fold(0_u64, |sum, phase| sum.saturating_add(phase.duration_ms));
    parts
        .cases
        .push(case(test.id.clone(), verdict, test.line, duration));
    parts.cases.extend(subtests);
}

fn case(id: CaseId, verdict: Verdict, line: Option<u32>, duration_ms: u64) -> CaseReport {
    let (file, at) = verdict.place;
    let (file, line) = match file {
        Some(file) => (file, at),
        None => (id.item.path.clone(), line),
    };
    CaseReport {
        id,
        outcome: verdict.outcome,
        cause: verdict.cause,
        file: Some(file),
        line,
        message: verdict.message,
        duration_ms,
    }
}

fn died(timed_out: bool) -> Verdict {
    let (outcome, cause, text) = if timed_out {
        (
            Outcome::TimedOut,
            Cause::Timeout,
            "the time limit was reached while the test ran",
        )
    } else {
        (
            Outcome::Crashed,
            Cause::Crash,
            "the process ended while the test ran",
        )
    };
    let cause = CauseDetail {
        cause,
        detail: text.to_owned(),
        symbol: None,
    };
    Verdict {
        outcome,
        cause: Some(cause),
        message: text.to_owned(),
        place: (None, None),
    }
}

/// A failure stays a failure: of several calls (reruns) and phases the first that is not a pass counts, unless a
/// later one is a failure and the first was not.
fn keep_worse(verdict: &mut Option<Verdict>, new: Option<Verdict>) {
    let Some(new) = new else { return };
    match verdict {
        None => *verdict = Some(new),
        Some(old) if old.outcome == Outcome::Passed => *verdict = Some(new),
        Some(old) if !old.outcome.is_failure() && new.outcome.is_failure() => *verdict = Some(new),
        Some(_) => {}
    }
}

/// What a phase says about its test; `None` where it says nothing (a set-up that worked).
fn judge_phase(phase: &Phase, own: &RelPath, places: &Places<'_>) -> Option<Verdict> {
    let reported_failed = phase.reported == "failed";
    match (phase.raw, phase.when) {
        (Raw::Passed, When::Call) if phase.strict || phase.xfail => {
            Some(Verdict::plain(Outcome::Xpassed, &phase.reason))
        }
        (Raw::Passed, When::Call) if reported_failed => Some(Verdict {
            outcome: Outcome::Failed,
            cause: Some(CauseDetail {
                cause: Cause::Unknown,
                detail: "a hook reported the test as failed".to_owned(),
                symbol: None,
            }),
            message: "a hook reported the test as failed; no exception was seen".to_owned(),
            place: (None, None),
        }),
        (Raw::Passed, When::Call) => Some(Verdict::plain(Outcome::Passed, "")),
        (Raw::Passed, When::Setup | When::Teardown) => None,
        (Raw::Skipped, _) => Some(Verdict::plain(Outcome::Skipped, &phase.reason)),
        (Raw::Xfailed, _) => Some(Verdict::plain(Outcome::Xfailed, &phase.reason)),
        (Raw::Failed, when) => {
            if phase.xfail && phase.reported == "skipped" {
                return Some(Verdict::plain(Outcome::Xfailed, &phase.reason));
            }
            let exception = phase.exception.clone().unwrap_or_default();
            if exception.type_name == "Failed"
                && exception.message.starts_with("Unexpected success")
            {
                return Some(Verdict::plain(
                    Outcome::Xpassed,
                    &first_line(&exception.message),
                ));
            }
            let cause = cause(&exception, Stage::Phase(when), places);
            let outcome = match (when, cause.cause) {
                (_, Cause::Timeout) => Outcome::TimedOut,
                (When::Call, _) => Outcome::Failed,
                (When::Setup | When::Teardown, _) => Outcome::Errored,
            };
            let place = place(&exception, Some(own), places);
            Some(Verdict {
                outcome,
                cause: Some(cause),
                message: exception.text(),
                place,
            })
        }
    }
}

fn note_tampering(id: &CaseId, phase: &Phase, parts: &mut Parts) {
    if phase.raw != Raw::Failed {
        return;
    }
    let hides = |report: &str| report == "passed" || (report == "skipped" && !phase.xfail);
    if hides(&phase.made) || hides(&phase.reported) {
        let report = if hides(&phase.made) {
            &phase.made
        } else {
            &phase.reported
        };
        let error = phase
            .exception
            .as_ref()
            .map(Exception::text)
            .unwrap_or_default();
        parts.tampered.push((
            id.clone(),
            format!(
                "it raised {}, and a hook reported it as {report}",
                first_line(&error)
            ),
        ));
    }
}

/// Two cases with one id (a test collected twice, subtests with one name) become one: the worse of the two.
fn merge_duplicates(cases: &mut Vec<CaseReport>) {
    let mut seen: BTreeMap<CaseId, usize> = BTreeMap::new();
    let mut drop: BTreeSet<usize> = BTreeSet::new();
    for index in 0..cases.len() {
        let Some(first) = seen.get(&cases[index].id).copied() else {
            seen.insert(cases[index].id.clone(), index);
            continue;
        };
        let worse = cases[index].outcome.is_failure() && !cases[first].outcome.is_failure()
            || cases[first].outcome == Outcome::Passed;
        if worse {
            cases[first] = cases[index].clone();
        }
        drop.insert(index);
    }
    let mut index = 0;
    cases.retain(|_| {
        index += 1;
        !drop.contains(&(index - 1))
    });
}
