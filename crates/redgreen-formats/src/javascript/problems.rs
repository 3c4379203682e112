//! Why a run cannot be judged (SPEC B1): exit code, record and cases must agree.

use super::records::{Journal, Record};
use super::report::{Parts, fails};
use redgreen_core::id::RelPath;
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::Ended;
use std::collections::BTreeSet;

/// At most this many files are named one by one.
const NAMED: usize = 5;

/// What is known of the run beyond its records.
pub struct Process<'a> {
    /// The runner as people call it.
    pub runner: &'a str,
    /// How its process ended.
    pub ended: Ended,
    /// The time limit in seconds.
    pub limit_seconds: u64,
    /// What it printed.
    pub output: &'a str,
    /// The records: of the one process, or of each file with its own.
    pub journals: &'a [(Option<RelPath>, Journal)],
    /// Files of which items were asked for: a process that ends early without a word may not hide them.
    pub asked: &'a dyn Fn(&RelPath) -> bool,
}

/// Every reason why the run cannot be judged; empty for one that can.
#[must_use]
pub fn problems(parts: &Parts, process: &Process<'_>) -> Vec<Reason> {
    let mut problems = Vec::new();
    elsewhere(process, &mut problems);
    tampering(process, &mut problems);
    let runner = process.runner;
    match process.ended {
        Ended::TimedOut | Ended::IdledOut => {
            problems.push(Reason::new(
                ReasonCode::TimedOut,
                format!(
                    "{runner} did not end within {} s{}",
                    process.limit_seconds,
                    running(process)
                ),
                "find what the test waits for, or raise `timeout` of the runner in redgreen.toml",
            ));
            return problems;
        }
        Ended::OutputLimit => {
            problems.push(Reason::new(
                ReasonCode::TruncatedReport,
                format!("{runner} was ended because it printed too much"),
                "make the tests print less",
            ));
            return problems;
        }
        Ended::Interrupted => {
            problems.push(Reason::new(
                ReasonCode::Stopped,
                format!("a person stopped the run of {runner}"),
                "run the same command again",
            ));
            return problems;
        }
        Ended::Signal(signal) => problems.push(Reason::new(
            ReasonCode::TruncatedReport,
            format!("signal {signal} ended {runner}{}", running(process)),
            "look at its output (-v): the tests after it never ran",
        )),
        Ended::Code(_) => {}
    }
    let before = problems.len();
    early_ends(parts, process, &mut problems);
    if problems.len() == before {
        agreement(parts, process, &mut problems);
    }
    for unnamed in &parts.unnamed {
        problems.push(Reason::new(
            ReasonCode::ExitCodeDisagrees,
            format!("a test is of no file of the repository: {unnamed}"),
            "let the tests lie inside the repository",
        ));
    }
    problems
}

fn elsewhere(process: &Process<'_>, problems: &mut Vec<Reason>) {
    let files: BTreeSet<&str> = process
        .journals
        .iter()
        .flat_map(|(_, journal)| &journal.records)
        .filter_map(|record| match record {
            Record::Foreign { file } => Some(file.as_str()),
            _ => None,
        })
        .collect();
    let total = files.len();
    for file in files.into_iter().take(NAMED) {
        problems.push(Reason::new(
            ReasonCode::CodeLoadedFromElsewhere,
            format!("`{file}` was loaded, not its copy in the tree under judgement"),
            "let packages of a workspace be linked by the package manager, and leave absolute paths out of the configuration",
        ));
    }
    if total > NAMED {
        problems.push(Reason::new(
            ReasonCode::CodeLoadedFromElsewhere,
            format!("{} more files were loaded from elsewhere", total - NAMED),
            "see the first ones",
        ));
    }
}

fn tampering(process: &Process<'_>, problems: &mut Vec<Reason>) {
    for (file, journal) in process.journals {
        for record in &journal.records {
            let what = match record {
                Record::Tampered { what } => format!("`{what}` was replaced while the tests ran"),
                Record::Unwritable { message } => {
                    format!("a result could not be written down: {message}")
                }
                _ => continue,
            };
            let reason = Reason::new(
                ReasonCode::ReportTampered,
                what,
                "leave the functions of node that judge as they are: tests and source may add to them, not replace them",
            );
            problems.push(match file {
                Some(file) => reason.at(file.clone()),
                None => reason,
            });
        }
        // A process that died may leave half a line; more than that is foreign.
        if journal.unreadable > usize::from(!journal.reported()) {
            problems.push(Reason::new(
                ReasonCode::ReportTampered,
                format!(
                    "{} lines of the run's record cannot be read",
                    journal.unreadable
                ),
                "something other than redgreen's reporter wrote into the record of the run",
            ));
        }
    }
}

fn running(process: &Process<'_>) -> String {
    let last = process
        .journals
        .iter()
        .filter(|(_, journal)| !journal.reported())
        .find_map(|(_, journal)| {
            journal
                .records
                .iter()
                .rev()
                .find_map(|record| match record {
                    Record::Running { name, .. } => Some(name),
                    _ => None,
                })
        });
    match last {
        Some(name) => format!(" while `{name}` ran"),
        None => String::new(),
    }
}

fn last_line(output: &str) -> String {
    let line = output.lines().rev().find(|line| !line.trim().is_empty());
    super::cause::first_line(line.unwrap_or("it printed nothing"))
}

/// The line of an output that says what is wrong.
fn complaint(output: &str) -> String {
    let plain = super::cause::without_colours(output);
    let said = plain.lines().map(str::trim).find(|line| {
        line.contains("Error:")
            || line.contains("ERR_")
            || line.starts_with("error ")
            || line.contains("No test")
            || line.contains("✖ ERROR")
    });
    match said {
        Some(line) => super::cause::first_line(line),
        None => last_line(&plain),
    }
}

fn early_ends(parts: &Parts, process: &Process<'_>, problems: &mut Vec<Reason>) {
    let runner = process.runner;
    for (file, journal) in process.journals {
        if journal
            .records
            .iter()
            .any(|record| matches!(record, Record::Interrupted))
        {
            problems.push(Reason::new(
                ReasonCode::TruncatedReport,
                format!("{runner} stopped before all tests had run"),
                "remove `bail` from its configuration, and whatever stops it",
            ));
        }
        if journal.reported() {
            continue;
        }
        match file {
            // One process of one file: without a test the reporter is never asked.
            Some(file) => {
                let loaded = !parts.load_failures.iter().any(|failure| failure.files.contains(file));
                let silent = !journal.records.iter().any(|record| matches!(record, Record::Case(_) | Record::Running { .. }));
                if !journal.begun() {
                    problems.push(Reason::new(
                        ReasonCode::NoReport,
                        format!("node could not be started for `{file}`: {}", complaint(process.output)),
                        "correct the options of node in the test script or in `command` of the runner",
                    ));
                } else if loaded && (!silent || (process.asked)(file)) {
                    problems.push(
                        Reason::new(
                            ReasonCode::TruncatedReport,
                            format!("the process of `{file}` ended before its tests were reported{}", running(process)),
                            "a test or the code under test ended the process (`process.exit`, a crash): the tests after it never ran",
                        )
                        .at(file.clone()),
                    );
                }
            }
            None if !journal.begun() => problems.push(Reason::new(
                ReasonCode::NoReport,
                format!("{runner} could not be started: {}", complaint(process.output)),
                "run it by hand in the checkout and repair what it says",
            )),
            None if parts.cases.is_empty() && parts.load_failures.is_empty() => {
                let nothing = ["No tests found", "No test files found", "no test files", "No test suite found"]
                    .iter()
                    .any(|words| process.output.contains(words));
                problems.push(if nothing {
                    Reason::new(
                        ReasonCode::ZeroTests,
                        format!("{runner} found no test"),
                        "check the names of the test files against what its configuration collects",
                    )
                } else {
                    Reason::new(
                        ReasonCode::RunnerUsageError,
                        format!("{runner} ended before it ran a test: {}", complaint(process.output)),
                        "correct its configuration, and what the configuration imports",
                    )
                });
            }
            None => problems.push(Reason::new(
                ReasonCode::TruncatedReport,
                format!("the process of {runner} ended before its tests were reported{}", running(process)),
                "a test or the code under test ended the process (`process.exit`, a crash): the tests after it never ran",
            )),
        }
    }
}

fn agreement(parts: &Parts, process: &Process<'_>, problems: &mut Vec<Reason>) {
    let Ended::Code(code) = process.ended else {
        return;
    };
    if parts.cases.is_empty() && parts.load_failures.is_empty() {
        problems.push(Reason::new(
            ReasonCode::ZeroTests,
            match parts.empty.first() {
                Some(file) => format!("`{file}` holds no test"),
                None => format!("{} ran no test", process.runner),
            },
            "check the names of the test files against what the runner's configuration collects",
        ));
        return;
    }
    let failing = parts.cases.iter().filter(|case| fails(case)).count()
        + parts.load_failures.len()
        + parts.failed_suites;
    if code == 0 && failing > parts.load_failures.len() {
        problems.push(Reason::new(
            ReasonCode::ExitCodeDisagrees,
            format!("{failing} tests do not pass, and {} ended with exit code 0", process.runner),
            "something ended the process with another code than the runner's: look for `process.exit` and exit handlers",
        ));
    } else if code != 0 && failing == 0 && parts.empty.is_empty() {
        let (message, help) = match parts.unhandled.first() {
            Some(error) => (
                format!(
                    "no test fails, and an error outside of every test was not caught: {error}"
                ),
                "await what the test starts, and handle the error: what is not awaited can fail after its test has passed",
            ),
            None => (
                format!(
                    "no test fails, and {} ended with exit code {code}: {}",
                    process.runner,
                    complaint(process.output)
                ),
                "something beside the tests failed, such as a threshold or a hook of the runner: see the output (-v)",
            ),
        };
        problems.push(Reason::new(ReasonCode::ExitCodeDisagrees, message, help));
    }
}
