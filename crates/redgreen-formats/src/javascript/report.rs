//! From the record to cases and load failures.

use super::cause::{Stage, cause, without_colours};
use super::names::{Names, joined};
use super::places::Places;
use super::records::{Case, File, Journal, Record, Thrown};
use redgreen_core::id::{CaseId, ItemId, RelPath};
use redgreen_core::outcome::{Cause, CauseClass, Outcome};
use redgreen_core::run_report::{CaseReport, CauseDetail, LoadFailure, LocatedCause};
use std::collections::BTreeSet;

/// At most this many characters of a message are kept.
const MESSAGE: usize = 4_000;

/// What the cases need to know beyond the record.
pub struct Context<'a> {
    /// The tree.
    pub places: &'a Places<'a>,
    /// Whether the time limit ended the process.
    pub timed_out: bool,
}

/// What the records of a run give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// Every case, in the order of the record.
    pub cases: Vec<CaseReport>,
    /// What could not be loaded.
    pub load_failures: Vec<LoadFailure>,
    /// Files that hold no test.
    pub empty: Vec<RelPath>,
    /// Errors outside of every test.
    pub unhandled: Vec<String>,
    /// Suites that failed: hooks and the like. They ask for an exit code, too.
    pub failed_suites: usize,
    /// Tests whose file is not of the tree.
    pub unnamed: Vec<String>,
}

/// Reads one record. `file` is the file of the process, where there is one.
pub fn parts(
    journal: &Journal,
    file: Option<&RelPath>,
    names: &mut Names<'_>,
    context: &Context<'_>,
    out: &mut Parts,
) {
    let all: Vec<(&Case, RelPath)> = journal
        .records
        .iter()
        .filter_map(|record| match record {
            Record::Case(case) => Some(case.as_ref()),
            _ => None,
        })
        .filter_map(|case| {
            match file
                .cloned()
                .or_else(|| context.places.relative(&case.file))
            {
                Some(path) => Some((case, path)),
                None => {
                    out.unnamed
                        .push(format!("`{}` of `{}`", case.name, case.file));
                    None
                }
            }
        })
        .collect();
    out.failed_suites += all
        .iter()
        .filter(|(case, _)| case.suite && case.state == "fail")
        .count();
    // Of a test that was tried again the last record counts, with what the first ones said.
    let broken = Broken::new(&all, context.places);
    let tests: BTreeSet<(&RelPath, Vec<&str>)> = all
        .iter()
        .filter(|(case, _)| !case.suite)
        .map(|(case, path)| (path, titles(case)))
        .collect();
    for (case, path) in &all {
        if case.suite {
            continue;
        }
        // A test inside of a test is a case of the outer one.
        let own = titles(case);
        let outer = (1..own.len()).find(|&length| tests.contains(&(path, own[..length].to_vec())));
        let (full, below) = match outer {
            Some(length) => (
                joined(&case.path[..length - 1], own[length - 1]),
                case.path[length..]
                    .iter()
                    .chain([&case.name])
                    .cloned()
                    .collect(),
            ),
            None => (joined(&case.path, &case.name), Vec::new()),
        };
        let line = if below.is_empty() { case.line } else { None };
        let id = names.case(path, &full, line, &below, &case.project);
        let verdict = broken.judge(case, path, context);
        out.cases.push(CaseReport {
            id,
            outcome: verdict.outcome,
            cause: verdict.cause,
            file: Some(verdict.file.unwrap_or_else(|| path.clone())),
            line: verdict.line.or(case.line),
            message: verdict.message,
            duration_ms: milliseconds(case.ms),
        });
    }
    for record in &journal.records {
        match record {
            Record::File(loaded) => load(loaded, context, out),
            Record::Unhandled { error, .. } => {
                out.unhandled.push(super::cause::first_line(&error.text()))
            }
            Record::Uncaught { error } => match file {
                Some(file) if all.is_empty() => {
                    failure(file, std::slice::from_ref(error.as_ref()), context, out)
                }
                _ => out.unhandled.push(super::cause::first_line(&error.text())),
            },
            Record::Case(_)
            | Record::Begin { .. }
            | Record::Runner { .. }
            | Record::Running { .. }
            | Record::Diagnostic { .. }
            | Record::Foreign { .. }
            | Record::Tampered { .. }
            | Record::Unwritable { .. }
            | Record::Reported
            | Record::Interrupted
            | Record::Exit { .. }
            | Record::Process(_)
            | Record::End => {}
        }
    }
    if !journal.reported() {
        died(journal, file, names, context, out);
    }
}

fn titles(case: &Case) -> Vec<&str> {
    case.path
        .iter()
        .map(String::as_str)
        .chain([case.name.as_str()])
        .collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a duration in whole milliseconds, capped"
)]
fn milliseconds(ms: Option<f64>) -> u64 {
    ms.filter(|ms| ms.is_finite() && *ms >= 0.0)
        .map_or(0, |ms| ms.round().min(1e15) as u64)
}

fn load(loaded: &File, context: &Context<'_>, out: &mut Parts) {
    let Some(file) = context.places.relative(&loaded.file) else {
        return;
    };
    if loaded.errors.is_empty() {
        return;
    }
    let nothing = |error: &Thrown| {
        error.message.contains("No test suite found in file")
            || error.message.contains("must contain at least one test")
            || error.text.contains("must contain at least one test")
    };
    if loaded.errors.iter().all(nothing) {
        out.empty.push(file);
        return;
    }
    failure(&file, &loaded.errors, context, out);
}

fn failure(file: &RelPath, errors: &[Thrown], context: &Context<'_>, out: &mut Parts) {
    let stage = Stage::Load;
    let causes = errors
        .iter()
        .map(|error| {
            let found = cause(error, stage, file, context.places);
            LocatedCause {
                cause: found.cause,
                file: Some(found.file.unwrap_or_else(|| file.clone())),
                line: found.line,
                message: message(error),
            }
        })
        .collect();
    out.load_failures.push(LoadFailure {
        files: vec![file.clone()],
        causes,
    });
}

fn message(error: &Thrown) -> String {
    let met = error.met();
    let text = if met.stack.contains(met.message.as_str()) && !met.stack.is_empty() {
        met.stack.clone()
    } else {
        format!("{}\n{}", met.text(), met.stack)
    };
    without_colours(text.trim()).chars().take(MESSAGE).collect()
}

/// The test that had begun when the process ended.
fn died(
    journal: &Journal,
    file: Option<&RelPath>,
    names: &mut Names<'_>,
    context: &Context<'_>,
    out: &mut Parts,
) {
    let last = journal
        .records
        .iter()
        .rev()
        .find_map(|record| match record {
            Record::Running { file, path, name } => Some(Some((file, path, name))),
            Record::Case(case) if !case.suite => Some(None),
            _ => None,
        });
    let Some(Some((of, path, name))) = last else {
        return;
    };
    let Some(file) = file.cloned().or_else(|| context.places.relative(of)) else {
        return;
    };
    let (outcome, cause, text) = if context.timed_out {
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
    let id: CaseId = names.case(&file, &joined(path, name), None, &[], "");
    out.cases.push(CaseReport {
        id,
        outcome,
        cause: Some(CauseDetail {
            cause,
            detail: text.to_owned(),
            symbol: None,
        }),
        file: Some(file),
        line: None,
        message: text.to_owned(),
        duration_ms: 0,
    });
}

struct Verdict {
    outcome: Outcome,
    cause: Option<CauseDetail>,
    message: String,
    file: Option<RelPath>,
    line: Option<u32>,
}

impl Verdict {
    fn plain(outcome: Outcome, message: &str) -> Self {
        Self {
            outcome,
            cause: None,
            message: message.to_owned(),
            file: None,
            line: None,
        }
    }
}

/// The suites that failed by a hook, and the tests below which others are.
struct Broken<'a> {
    all: &'a [(&'a Case, RelPath)],
    places: &'a Places<'a>,
}

impl<'a> Broken<'a> {
    fn new(all: &'a [(&'a Case, RelPath)], places: &'a Places<'a>) -> Self {
        Self { all, places }
    }

    /// The nearest suite around a case that failed by itself.
    fn around(&self, case: &Case, path: &RelPath) -> Option<&'a Case> {
        self.all
            .iter()
            .filter(|(suite, file)| {
                suite.suite
                    && suite.state == "fail"
                    && file == path
                    && suite.project == case.project
            })
            .map(|(suite, _)| *suite)
            .filter(|suite| {
                let outer = titles(suite);
                let root = outer.len() == 1 && outer[0].is_empty();
                (root || titles(case).starts_with(&outer))
                    && suite.errors.iter().any(|error| {
                        error.failure_type != "subtestsFailed"
                            && error.failure_type != "cancelledByParent"
                    })
            })
            .max_by_key(|suite| suite.path.len())
    }

    /// The first test below a test that failed by itself.
    fn below(&self, case: &Case, path: &RelPath) -> Option<&'a Case> {
        let outer = titles(case);
        self.all
            .iter()
            .filter(|(_, file)| file == path)
            .map(|(inner, _)| *inner)
            .find(|inner| {
                inner.state == "fail"
                    && inner.path.len() >= outer.len()
                    && titles(inner).starts_with(&outer)
                    && inner
                        .errors
                        .iter()
                        .any(|error| error.failure_type != "subtestsFailed")
            })
    }

    fn judge(&self, case: &Case, path: &RelPath, context: &Context<'_>) -> Verdict {
        let note = case.note.as_deref().unwrap_or("");
        match (case.mode.as_str(), case.state.as_str()) {
            ("todo", _) => Verdict::plain(Outcome::Todo, note),
            (_, "pass") if case.mode != "skip" => {
                if case.fails {
                    return Verdict::plain(Outcome::Xfailed, note);
                }
                if case.retries > 0 {
                    return Verdict {
                        cause: Some(CauseDetail {
                            cause: Cause::Unknown,
                            detail: "it passed only when it was tried again".to_owned(),
                            symbol: None,
                        }),
                        ..Verdict::plain(Outcome::Failed, "it passed only when it was tried again")
                    };
                }
                Verdict::plain(Outcome::Passed, "")
            }
            (_, "fail") => {
                if case.fails {
                    return Verdict::plain(Outcome::Xpassed, note);
                }
                let of_children = case
                    .errors
                    .iter()
                    .all(|error| error.failure_type == "subtestsFailed")
                    && !case.errors.is_empty();
                if of_children && let Some(inner) = self.below(case, path) {
                    return self.failed(inner, path, Stage::Call, context);
                }
                let cancelled = case
                    .errors
                    .iter()
                    .any(|error| error.failure_type == "cancelledByParent");
                if cancelled && let Some(suite) = self.around(case, path) {
                    return Verdict {
                        outcome: Outcome::Errored,
                        ..self.failed(suite, path, Stage::Hook, context)
                    };
                }
                let hook = case.hook
                    || case
                        .errors
                        .iter()
                        .any(|error| error.failure_type == "hookFailed");
                let verdict = self.failed(
                    case,
                    path,
                    if hook { Stage::Hook } else { Stage::Call },
                    context,
                );
                if hook && verdict.outcome == Outcome::Failed {
                    return Verdict {
                        outcome: Outcome::Errored,
                        ..verdict
                    };
                }
                verdict
            }
            (mode, _) => match self.around(case, path) {
                Some(suite) => Verdict {
                    outcome: Outcome::Errored,
                    ..self.failed(suite, path, Stage::Hook, context)
                },
                None if mode == "skip"
                    || matches!(case.state.as_str(), "skip" | "pending" | "disabled") =>
                {
                    Verdict::plain(Outcome::Skipped, note)
                }
                None => Verdict::plain(Outcome::NotRun, "the runner listed it and never ran it"),
            },
        }
    }

    /// Of several errors the one that is least like a legitimate red stands: one broken part makes the test broken.
    fn failed(&self, case: &Case, path: &RelPath, stage: Stage, _context: &Context<'_>) -> Verdict {
        let worst = case
            .errors
            .iter()
            .map(|error| (error, cause(error, stage, path, self.places)))
            .rev()
            .max_by_key(|(_, found)| weight(found.cause.cause));
        let Some((error, found)) = worst else {
            return Verdict {
                cause: Some(CauseDetail {
                    cause: Cause::Unknown,
                    detail: "the runner reports it as failed, and no error".to_owned(),
                    symbol: None,
                }),
                ..Verdict::plain(Outcome::Failed, "")
            };
        };
        let outcome = if found.cause.cause == Cause::Timeout {
            Outcome::TimedOut
        } else {
            Outcome::Failed
        };
        Verdict {
            outcome,
            cause: Some(found.cause),
            message: message(error),
            file: found.file,
            line: found.line,
        }
    }
}

fn weight(cause: Cause) -> u8 {
    match cause.class() {
        CauseClass::Right => 0,
        CauseClass::Unclear => 1,
        CauseClass::Environment => 2,
        CauseClass::Broken => 3,
    }
}

/// Whether a case asks for an exit code other than 0.
#[must_use]
pub fn fails(case: &CaseReport) -> bool {
    matches!(
        case.outcome,
        Outcome::Failed
            | Outcome::Errored
            | Outcome::TimedOut
            | Outcome::Crashed
            | Outcome::Xpassed
    )
}

/// Items of files that were asked for and have no case, where the file did load.
pub fn not_run<'a>(items: impl Iterator<Item = &'a ItemId>, parts: &Parts) -> Vec<ItemId> {
    let seen: BTreeSet<&ItemId> = parts.cases.iter().map(|case| &case.id.item).collect();
    items.filter(|item| !seen.contains(item)).cloned().collect()
}
