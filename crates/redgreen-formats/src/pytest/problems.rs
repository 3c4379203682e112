//! Why a run of pytest cannot be judged (SPEC B1): exit code, record and cases must agree.

use super::cause::first_line;
use super::records::{Exception, ForeignCode, Journal, Record};
use super::report::Parts;
use redgreen_core::id::RelPath;
use redgreen_core::outcome::Outcome;
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::Ended;
use std::collections::BTreeMap;

/// What is known of the process beyond the record.
pub struct Process<'a> {
    /// How it ended.
    pub ended: Ended,
    /// The time limit in seconds, for the message.
    pub limit_seconds: u64,
    /// What it printed, both streams.
    pub output: &'a str,
    /// Code that was executed from the checkout, in this process and in its children.
    pub foreign: &'a [ForeignCode],
}

/// How many modules are named one by one.
const NAMED: usize = 5;

/// Every reason why the run cannot be judged; empty for one that can.
#[must_use]
pub fn problems(journal: &Journal, parts: &Parts, process: &Process<'_>) -> Vec<Reason> {
    let mut problems = Vec::new();
    loaded_from_elsewhere(journal, process, &mut problems);
    tampering(parts, &mut problems);
    match process.ended {
        Ended::TimedOut | Ended::IdledOut => {
            problems.push(time_out(journal, process));
            return problems;
        }
        Ended::OutputLimit => {
            problems.push(truncated(
                "pytest was ended because it printed too much".to_owned(),
                "make the tests print less, or raise the limit of the runner",
            ));
            return problems;
        }
        Ended::Interrupted => {
            problems.push(Reason::new(
                ReasonCode::Stopped,
                "a person stopped the run of pytest",
                "run the same command again",
            ));
            return problems;
        }
        Ended::Code(_) | Ended::Signal(_) => {}
    }
    let before = problems.len();
    session_problems(journal, parts, process, &mut problems);
    if problems.len() == before {
        agreement(journal, parts, process, &mut problems);
    }
    for unnamed in &parts.unnamed {
        problems.push(Reason::new(
            ReasonCode::ExitCodeDisagrees,
            format!("a test has no usable id: {unnamed}"),
            "give the test a file inside the repository",
        ));
    }
    problems
}

fn truncated(message: String, help: &str) -> Reason {
    Reason::new(ReasonCode::TruncatedReport, message, help)
}

/// The test that had begun and not ended, as pytest names it.
fn running(journal: &Journal) -> Option<&str> {
    let mut nodes: BTreeMap<usize, &str> = BTreeMap::new();
    let mut current = None;
    for record in &journal.records {
        match record {
            Record::Test { n, node, .. } => _ = nodes.insert(*n, node.as_str()),
            Record::Start { n } => current = Some(*n),
            Record::Finish { .. } => current = None,
            Record::Begin { .. }
            | Record::Session { .. }
            | Record::Load { .. }
            | Record::LoadDied { .. }
            | Record::SkippedFile { .. }
            | Record::Collected { .. }
            | Record::Phase(_)
            | Record::InternalError { .. }
            | Record::Interrupted { .. }
            | Record::StartFailed { .. }
            | Record::NoOrigin
            | Record::Module { .. }
            | Record::End { .. } => {}
        }
    }
    current.and_then(|n| nodes.get(&n).copied())
}

fn while_running(journal: &Journal) -> String {
    match running(journal) {
        Some(node) => format!(" while `{node}` ran"),
        None => String::new(),
    }
}

fn time_out(journal: &Journal, process: &Process<'_>) -> Reason {
    Reason::new(
        ReasonCode::TimedOut,
        format!(
            "pytest did not end within {} s{}",
            process.limit_seconds,
            while_running(journal)
        ),
        "find what the test waits for, or raise `timeout` of the runner in redgreen.toml",
    )
}

/// What the record itself says about a session that did not run to its end.
fn session_problems(
    journal: &Journal,
    parts: &Parts,
    process: &Process<'_>,
    problems: &mut Vec<Reason>,
) {
    for record in &journal.records {
        match record {
            Record::NoOrigin => problems.push(Reason::new(
                ReasonCode::RunnerUsageError,
                "Python started without its `site` module, so it cannot be told where code comes from",
                "use an interpreter that is started without `-S`",
            )),
            Record::StartFailed { exception } => problems.push(start_failed(exception)),
            Record::InternalError { exception } => {
                problems.push(at_test(exception, truncated(
                    format!("pytest stopped with an internal error: {}", first_line(&exception.text())),
                    "a test file or a hook ended the process (`sys.exit`), or a plugin failed: see the output",
                )));
            }
            Record::Interrupted { exception } => problems.push(at_test(exception, truncated(
                format!(
                    "the session was ended before all tests had run: {}{}",
                    first_line(&exception.text()),
                    while_running(journal)
                ),
                "remove the call of `pytest.exit` from the tests",
            ))),
            Record::Begin { .. }
            | Record::Session { .. }
            | Record::Load { .. }
            | Record::LoadDied { .. }
            | Record::SkippedFile { .. }
            | Record::Test { .. }
            | Record::Collected { .. }
            | Record::Start { .. }
            | Record::Finish { .. }
            | Record::Phase(_)
            | Record::Module { .. }
            | Record::End { .. } => {}
        }
    }
    if !problems
        .iter()
        .any(|reason| reason.code != ReasonCode::CodeLoadedFromElsewhere)
    {
        record_problems(journal, parts, process, problems);
    }
}

fn record_problems(
    journal: &Journal,
    parts: &Parts,
    process: &Process<'_>,
    problems: &mut Vec<Reason>,
) {
    if journal.arguments().is_none() {
        problems.push(Reason::new(
            ReasonCode::NoReport,
            format!(
                "pytest could not be started ({}): {}",
                ended_text(process.ended),
                last_line(process.output)
            ),
            "run the same interpreter with `-m pytest --version` and repair what it says",
        ));
        return;
    }
    match (journal.end(), process.ended) {
        (None, ended) => problems.push(truncated(
            format!("the test process ended early, with {}{}", ended_text(ended), while_running(journal)),
            "a test or the code under test ended the process (`os._exit`, a crash): the tests after it never ran",
        )),
        (Some(exit), Ended::Code(code)) if exit == code => {
            let text = usage_text(process.output);
            if code == 4 && text.contains("Error importing plugin") {
                problems.push(missing_plugin(&text));
            } else if code == 4 && parts.load_failures.is_empty() {
                problems.push(Reason::new(
                    ReasonCode::RunnerUsageError,
                    format!("pytest refused to start: {}", usage_text(process.output)),
                    "correct the options in the pytest configuration or the `arguments` of the runner",
                ));
            }
        }
        (Some(exit), ended) => problems.push(Reason::new(
            ReasonCode::ExitCodeDisagrees,
            format!("pytest returned {exit}, and the process ended with {}", ended_text(ended)),
            "something ended the process after pytest had returned: look for exit handlers",
        )),
    }
    // A process that died may leave half a line; more than that, or a half line before the end, is foreign.
    if journal.unreadable > usize::from(journal.end().is_none()) {
        problems.push(Reason::new(
            ReasonCode::ReportTampered,
            format!(
                "{} lines of the run's record cannot be read",
                journal.unreadable
            ),
            "something other than the probe wrote into the record of the run",
        ));
    }
}

/// Adds the innermost place in the tree.
fn at_test(exception: &Exception, reason: Reason) -> Reason {
    let frame = exception
        .frames
        .iter()
        .rev()
        .find_map(|frame| Some((RelPath::new(frame.0.as_str()).ok()?, frame.1)));
    match frame {
        Some((path, line)) => reason.at(path).line(line),
        None => reason,
    }
}

fn missing_plugin(text: &str) -> Reason {
    Reason::new(
        ReasonCode::MissingPlugin,
        format!("a plugin of pytest cannot be loaded: {text}"),
        "install the plugin into the project's environment, or remove it from the configuration",
    )
}

fn start_failed(exception: &Exception) -> Reason {
    let text = first_line(&exception.text());
    if exception.message.contains("Error importing plugin") {
        missing_plugin(&text)
    } else {
        Reason::new(
            ReasonCode::RunnerUsageError,
            format!("pytest could not be started: {text}"),
            "correct the pytest configuration",
        )
    }
}

fn ended_text(ended: Ended) -> String {
    match ended {
        Ended::Code(code) => format!("exit code {code}"),
        Ended::Signal(signal) => match signal_name(signal) {
            Some(name) => format!("signal {signal} ({name})"),
            None => format!("signal {signal}"),
        },
        Ended::TimedOut => "a time-out".to_owned(),
        Ended::IdledOut => "a time-out without output".to_owned(),
        Ended::OutputLimit => "too much output".to_owned(),
        Ended::Interrupted => "an interrupt".to_owned(),
    }
}

fn signal_name(signal: i32) -> Option<&'static str> {
    match signal {
        2 => Some("SIGINT"),
        4 => Some("SIGILL"),
        6 => Some("SIGABRT"),
        7 => Some("SIGBUS"),
        8 => Some("SIGFPE"),
        9 => Some("SIGKILL"),
        11 => Some("SIGSEGV"),
        15 => Some("SIGTERM"),
        _ => None,
    }
}

fn last_line(output: &str) -> String {
    let line = output.lines().rev().find(|line| !line.trim().is_empty());
    first_line(line.unwrap_or("it printed nothing"))
}

/// pytest's own words for a usage error.
fn usage_text(output: &str) -> String {
    let lines: Vec<&str> = output
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("ERROR: ") || line.contains(": error: "))
        .collect();
    match lines.first() {
        Some(_) => lines
            .iter()
            .map(|line| first_line(line))
            .collect::<Vec<_>>()
            .join("; "),
        None => last_line(output),
    }
}

fn loaded_from_elsewhere(journal: &Journal, process: &Process<'_>, problems: &mut Vec<Reason>) {
    let mut files: BTreeMap<&str, &str> = BTreeMap::new();
    for code in process.foreign {
        files.insert(&code.file, &code.module);
    }
    for record in &journal.records {
        if let Record::Module {
            name,
            file,
            foreign: true,
        } = record
        {
            files.insert(file, name);
        }
    }
    let total = files.len();
    for (file, module) in files.into_iter().take(NAMED) {
        let what = match module {
            "" => "code".to_owned(),
            module => format!("module `{module}`"),
        };
        problems.push(Reason::new(
            ReasonCode::CodeLoadedFromElsewhere,
            format!("{what} was loaded from `{file}`, not from the tree under judgement"),
            "install the project editable (`pip install -e .`), or remove the installed copy from the environment",
        ));
    }
    if total > NAMED {
        problems.push(Reason::new(
            ReasonCode::CodeLoadedFromElsewhere,
            format!("{} more files were not loaded from the tree", total - NAMED),
            "repair the first ones: the others usually have the same cause",
        ));
    }
    compiled_elsewhere(journal, problems);
}

/// A compiled extension that exists where the project is installed and not in the tree.
fn compiled_elsewhere(journal: &Journal, problems: &mut Vec<Reason>) {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for record in &journal.records {
        let exception = match record {
            Record::Load { exception, .. } => Some(exception),
            Record::Phase(phase) => phase.exception.as_ref(),
            Record::Begin { .. }
            | Record::Session { .. }
            | Record::LoadDied { .. }
            | Record::SkippedFile { .. }
            | Record::Test { .. }
            | Record::Collected { .. }
            | Record::Start { .. }
            | Record::Finish { .. }
            | Record::InternalError { .. }
            | Record::Interrupted { .. }
            | Record::StartFailed { .. }
            | Record::NoOrigin
            | Record::Module { .. }
            | Record::End { .. } => None,
        };
        if let Some(exception) = exception
            && let Some(file) = &exception.compiled
        {
            let name = exception.symbol.as_ref().or(exception.name.as_ref());
            seen.insert(file.clone(), name.cloned().unwrap_or_default());
        }
    }
    for (file, name) in seen.into_iter().take(NAMED) {
        problems.push(Reason::new(
            ReasonCode::CodeLoadedFromElsewhere,
            format!("the compiled extension `{name}` exists only in `{file}`, not in the tree under judgement"),
            "let redgreen build it in the tree: `[tree] prepare = [\"python setup.py build_ext --inplace\"]`",
        ));
    }
}

fn tampering(parts: &Parts, problems: &mut Vec<Reason>) {
    for (id, what) in parts.tampered.iter().take(NAMED) {
        problems.push(
            Reason::new(
                ReasonCode::ReportTampered,
                format!("the report of a test differs from what happened: {what}"),
                "remove the hook that rewrites reports (`conftest.py`, a plugin)",
            )
            .at(id.item.path.clone())
            .test(id),
        );
    }
    for path in parts.hidden_load_failures.iter().take(NAMED) {
        problems.push(
            Reason::new(
                ReasonCode::ReportTampered,
                "a file that does not load was reported as empty",
                "remove the hook that rewrites collection reports (`conftest.py`, a plugin)",
            )
            .at(path.clone()),
        );
    }
}

/// Exit code against cases (0, 1, 2, 5), and that everything that was collected ran.
fn agreement(journal: &Journal, parts: &Parts, process: &Process<'_>, problems: &mut Vec<Reason>) {
    let Ended::Code(code) = process.ended else {
        return;
    };
    let failures = parts.cases.iter().filter(|case| case.outcome.is_failure());
    let failures = failures.count() + parts.load_failures.len() + parts.strict_passes;
    let unexpected_successes = parts
        .cases
        .iter()
        .filter(|case| case.outcome == Outcome::Xpassed)
        .count();
    let not_run = parts
        .cases
        .iter()
        .filter(|case| case.outcome == Outcome::NotRun)
        .count();
    if parts.cases.is_empty() && parts.load_failures.is_empty() {
        problems.push(Reason::new(
            ReasonCode::ZeroTests,
            format!("pytest ran no test (exit code {code})"),
            "check that the test files and functions have the names that pytest collects (`test_*.py`, `test_*`)",
        ));
        return;
    }
    if not_run > 0 {
        problems.push(truncated(
            format!(
                "{not_run} of {} collected tests never ran",
                parts.cases.len()
            ),
            "a hook or a plugin stopped the session early: remove it",
        ));
        return;
    }
    let disagrees = |message: String| {
        Reason::new(
            ReasonCode::ExitCodeDisagrees,
            message,
            "a hook or a plugin changed the exit code or the reports: look into `conftest.py`",
        )
    };
    match code {
        0 if failures > 0 => {
            problems.push(disagrees(format!("pytest ended with exit code 0 although {failures} tests or files failed")));
        }
        0 | 5 => {
            if code == 5 && parts.cases.iter().any(|case| case.outcome != Outcome::Skipped) {
                problems.push(disagrees("pytest says that no test was collected, and tests ran".to_owned()));
            }
        }
        1 if failures == 0 && unexpected_successes == 0 => {
            problems.push(disagrees("pytest ended with exit code 1 although no test failed".to_owned()));
        }
        1 => {}
        4 if !parts.load_failures.is_empty() => {}
        2 => problems.push(truncated(
            "pytest was interrupted (exit code 2)".to_owned(),
            "run the same command again",
        )),
        other => problems.push(disagrees(format!(
            "pytest ended with exit code {other}, which does not follow from {} cases and {} files that did not load ({})",
            parts.cases.len(),
            parts.load_failures.len(),
            journal.end().map_or_else(|| "no end".to_owned(), |end| format!("recorded: {end}")),
        ))),
    }
}
