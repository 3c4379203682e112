//! What a program printed as cases: whose they are, and why they are red.

use super::execute::{Round, culprits};
use super::packages::Package;
use super::{Done, Shell};
use crate::path_rules::PathClass;
use crate::runner::RunnerSettings;
use redgreen_core::id::{CaseId, ItemId, RelPath};
use redgreen_core::outcome::{Cause, Outcome};
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::{CaseReport, CauseDetail, Ended};
use redgreen_formats::go::panics::{Panic, is_stub};
use redgreen_formats::go::stream::{End, TestRun};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The longest message of a case, in characters.
const LONGEST: usize = 4000;

/// Reads the rounds of one package.
pub(super) struct Reader<'a> {
    shell: &'a Shell<'a>,
    package: &'a Package,
    cases: BTreeMap<CaseId, CaseReport>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        shell: &'a Shell<'a>,
        package: &'a Package,
        _settings: &RunnerSettings,
    ) -> Self {
        Self {
            shell,
            package,
            cases: BTreeMap::new(),
        }
    }

    pub(super) fn finish(self) -> Vec<CaseReport> {
        self.cases.into_values().collect()
    }

    /// Adds what one start of the program said.
    pub(super) fn round(&mut self, round: &Round, done: &mut Done) {
        self.problems(round, done);
        let open: BTreeSet<&str> = round
            .stream
            .runs
            .iter()
            .filter(|run| run.end.is_none() && !run.name.contains('/'))
            .map(TestRun::top)
            .collect();
        let running: BTreeSet<&str> = round
            .stream
            .runs
            .iter()
            .filter(|run| run.end.is_none() && !run.paused)
            .map(TestRun::top)
            .collect();
        let culprits = culprits(round, &open, &running);
        let mut begun: BTreeMap<&str, usize> = BTreeMap::new();
        let mut occurrence = 0;
        for (at, run) in round.stream.runs.iter().enumerate() {
            if !run.name.contains('/') {
                let times = begun.entry(run.top()).or_default();
                occurrence = *times;
                *times += 1;
            }
            let Some(id) = self.id(run, occurrence) else {
                continue;
            };
            let report = match run.end {
                Some(End::Pass) => self.plain(id, run, Outcome::Passed),
                Some(End::Skip) => self.plain(id, run, Outcome::Skipped),
                Some(End::Fail) => self.failed(id, run, at, round),
                // What waited, or ran beside the one that ended the program, is started again.
                None if !culprits.contains(run.top()) => continue,
                None => self.unfinished(id, run, round),
            };
            self.cases.insert(report.id.clone(), report);
        }
    }

    fn problems(&self, round: &Round, done: &mut Done) {
        let mut add = |code, message: String, help: &str| {
            let reason = Reason::new(code, message, help);
            if !done.problems.contains(&reason) {
                done.problems.push(reason);
            }
        };
        let package = &self.package.pattern;
        for contradiction in &round.stream.contradictions {
            add(
                ReasonCode::ReportTampered,
                format!("the output of `{package}` contradicts itself: {contradiction}"),
                "nothing but the testing package may print its result lines",
            );
        }
        match round.ended {
            Ended::Code(0) if round.stream.passed != Some(true) => add(
                ReasonCode::TruncatedReport,
                format!(
                    "the tests of `{package}` ended with success before the testing package said how they went"
                ),
                "look for `os.Exit(0)` in code that the tests load, and in `TestMain`",
            ),
            Ended::Code(_) | Ended::Signal(_) => {}
            Ended::TimedOut | Ended::IdledOut => add(
                ReasonCode::TimedOut,
                format!("the tests of `{package}` did not end in time"),
                "raise `timeout` of the runner in redgreen.toml",
            ),
            Ended::OutputLimit => add(
                ReasonCode::TruncatedReport,
                format!("the tests of `{package}` printed more than is allowed"),
                "make the tests print less",
            ),
            Ended::Interrupted => add(
                ReasonCode::Stopped,
                "the tests were stopped".to_owned(),
                "run again",
            ),
        }
    }

    /// The case that a name stands for; `None` for functions that no file was read to have.
    fn id(&self, run: &TestRun, occurrence: usize) -> Option<CaseId> {
        let top = run.top();
        let rest = run.name.get(top.len()..).unwrap_or_default();
        if let Some(text) = self.package.suites.get(top)
            && let Some(id) = self.method(text, rest)
        {
            return Some(id);
        }
        let ids = self.package.by_name.get(top)?;
        let item = ids.get(occurrence).or_else(|| ids.last())?;
        Some(CaseId {
            item: item.clone(),
            case: rest.to_owned(),
        })
    }

    /// `TestCartSuite/TestAdd/x` is the method `TestAdd` of a suite that `TestCartSuite` starts.
    fn method(&self, starter: &str, rest: &str) -> Option<CaseId> {
        let rest = rest.strip_prefix('/')?;
        let name = rest.split('/').next()?;
        let candidates: Vec<&ItemId> = self
            .package
            .methods
            .iter()
            .filter(|id| {
                id.item
                    .split_once('.')
                    .is_some_and(|(_, method)| method == name)
            })
            .collect();
        let started = |id: &&&ItemId| {
            let kind = id.item.split('.').next().unwrap_or_default();
            starter
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(|word| word == kind || word == format!("New{kind}"))
        };
        let item = match candidates.as_slice() {
            [] => return None,
            [only] => only,
            several => several.iter().find(started).or_else(|| several.first())?,
        };
        Some(CaseId {
            item: (*item).clone(),
            case: rest.get(name.len()..).unwrap_or_default().to_owned(),
        })
    }

    fn plain(&self, id: CaseId, run: &TestRun, outcome: Outcome) -> CaseReport {
        CaseReport {
            file: Some(id.item.path.clone()),
            id,
            outcome,
            cause: None,
            line: None,
            message: match outcome {
                Outcome::Skipped => self.message(&run.output),
                _ => String::new(),
            },
            duration_ms: run.duration_ms,
        }
    }

    fn message(&self, text: &str) -> String {
        self.shell
            .shown(text)
            .trim()
            .chars()
            .take(LONGEST)
            .collect()
    }

    fn red(&self, id: CaseId, run: &TestRun, outcome: Outcome, why: Why) -> CaseReport {
        CaseReport {
            file: Some(why.file.unwrap_or_else(|| id.item.path.clone())),
            id,
            outcome,
            cause: Some(CauseDetail {
                cause: why.cause,
                detail: why.detail,
                symbol: None,
            }),
            line: why.line,
            message: self.message(&why.message),
            duration_ms: run.duration_ms,
        }
    }

    fn failed(&self, id: CaseId, run: &TestRun, at: usize, round: &Round) -> CaseReport {
        let said = said(&run.output);
        if let Some((file, line, text)) = &said {
            let why = Why {
                cause: Cause::Assertion,
                detail: text.lines().next().unwrap_or_default().trim().to_owned(),
                file: self.beside(file),
                line: Some(*line),
                message: run.output.clone(),
            };
            return self.red(id, run, Outcome::Failed, why);
        }
        let children: Vec<&TestRun> = round
            .stream
            .runs
            .iter()
            .skip(at + 1)
            .filter(|other| {
                other
                    .name
                    .strip_prefix(run.name.as_str())
                    .is_some_and(|rest| rest.starts_with('/'))
            })
            .collect();
        // The panic belongs to the test whose function is on the stack, and its line of failure came last.
        if let Some(panic) = round
            .panic
            .as_ref()
            .filter(|_| self.panicked(run, &children, round))
        {
            let why = self.why_panic(panic);
            return self.red(id, run, Outcome::Failed, why);
        }
        if let Some((file, line, text)) = children
            .iter()
            .filter(|child| child.end == Some(End::Fail))
            .find_map(|child| self::said(&child.output))
        {
            let why = Why {
                cause: Cause::Assertion,
                detail: format!(
                    "a subtest failed: {}",
                    text.lines().next().unwrap_or_default().trim()
                ),
                file: self.beside(&file),
                line: Some(line),
                message: text,
            };
            return self.red(id, run, Outcome::Failed, why);
        }
        let detail = run
            .output
            .lines()
            .find(|line| !line.trim().is_empty())
            .unwrap_or("the test failed without a message")
            .trim()
            .to_owned();
        let why = Why {
            // Nothing but a call of the test itself marks it as failed.
            cause: Cause::Assertion,
            detail,
            file: None,
            line: None,
            message: run.output.clone(),
        };
        self.red(id, run, Outcome::Failed, why)
    }

    fn panicked(&self, run: &TestRun, children: &[&TestRun], round: &Round) -> bool {
        if round.stream.passed.is_some() {
            return false;
        }
        let Some(panic) = &round.panic else {
            return false;
        };
        let named = panic.frames.iter().any(|frame| {
            frame
                .function
                .rsplit('/')
                .next()
                .is_some_and(|last| last.split('.').skip(1).any(|part| part == run.top()))
        });
        let last = round
            .stream
            .runs
            .iter()
            .rfind(|other| other.end == Some(End::Fail))
            .is_some_and(|other| other.top() == run.top());
        (named || last) && !children.iter().any(|child| said(&child.output).is_some())
    }

    fn unfinished(&self, id: CaseId, run: &TestRun, round: &Round) -> CaseReport {
        if let Some(panic) = &round.panic {
            let outcome = if panic.timed_out {
                Outcome::TimedOut
            } else {
                Outcome::Failed
            };
            let why = self.why_panic(panic);
            return self.red(id, run, outcome, why);
        }
        let (outcome, cause, detail) = match round.ended {
            Ended::TimedOut | Ended::IdledOut => (
                Outcome::TimedOut,
                Cause::Timeout,
                "the test did not end in time".to_owned(),
            ),
            Ended::Code(code) => (
                Outcome::Crashed,
                Cause::Crash,
                format!("the program ended with code {code} while the test ran"),
            ),
            Ended::Signal(signal) => (
                Outcome::Crashed,
                Cause::Crash,
                format!("signal {signal} ended the program while the test ran"),
            ),
            Ended::OutputLimit | Ended::Interrupted => (
                Outcome::NotRun,
                Cause::Unknown,
                "the test was ended".to_owned(),
            ),
        };
        let why = Why {
            cause,
            detail,
            file: None,
            line: None,
            message: format!("{}{}", run.output, round.errors),
        };
        self.red(id, run, outcome, why)
    }

    /// By whose code the panic was raised: the innermost frame in the tree decides.
    fn why_panic(&self, panic: &Panic) -> Why {
        let message = panic.message.clone();
        let found = panic.frames.iter().find_map(|frame| {
            let path = Path::new(&frame.file);
            let path = path.strip_prefix(&self.shell.tree).ok()?;
            let path = RelPath::new(path.to_str()?).ok()?;
            let vendored =
                path.as_str().starts_with("vendor/") || path.as_str().contains("/vendor/");
            (!vendored).then_some((path, frame.line))
        });
        if panic.timed_out {
            return Why {
                cause: Cause::Timeout,
                detail: message.clone(),
                file: None,
                line: None,
                message,
            };
        }
        let (file, line, cause, detail) = match found {
            Some((path, line)) => {
                let in_test = self.shell.request.rules.class(&path) == PathClass::Test;
                let cause = match (in_test, is_stub(&message)) {
                    (false, true) => Cause::NotImplemented,
                    (false, false) => Cause::RaisedInSource,
                    (true, _) => Cause::RaisedInTest,
                };
                let detail = format!("panic at `{path}:{line}`: {message}");
                (Some(path), Some(line), cause, detail)
            }
            None if message.contains("unexpected call to os.Exit(0)") => {
                (None, None, Cause::Crash, message.clone())
            }
            None => (None, None, Cause::Unknown, format!("panic: {message}")),
        };
        Why {
            cause,
            detail,
            file,
            line,
            message: format!(
                "panic: {message}\n{}",
                panic
                    .frames
                    .iter()
                    .take(12)
                    .map(|frame| format!("{} {}:{}", frame.function, frame.file, frame.line))
                    .collect::<Vec<_>>()
                    .join("\n")
            ),
        }
    }

    /// A file that a message names by its last part, where it lies beside the tests.
    fn beside(&self, name: &str) -> Option<RelPath> {
        let path = if self.package.folder.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.package.folder)
        };
        let path = RelPath::new(path).ok()?;
        self.shell
            .tree
            .join(path.as_str())
            .is_file()
            .then_some(path)
    }
}

struct Why {
    cause: Cause,
    detail: String,
    file: Option<RelPath>,
    line: Option<u32>,
    message: String,
}

/// The last message of a test with its place: `    cart_test.go:12: got 1`. Logs have the same form, so the last one that
/// is not only a log is not known; a failing test's last message is most often the reason.
fn said(output: &str) -> Option<(String, u32, String)> {
    let mut found = None;
    let mut text = String::new();
    let mut place: Option<(String, u32)> = None;
    for line in output.lines() {
        let trimmed = line.trim_start();
        let located = trimmed.split_once(".go:").and_then(|(name, rest)| {
            let (number, message) = rest
                .split_once(": ")
                .or_else(|| Some((rest.strip_suffix(':')?, "")))?;
            let plain = !name.is_empty() && !name.contains([' ', '/', ':']);
            Some((format!("{name}.go"), number.parse().ok()?, message)).filter(|_| plain)
        });
        if let Some((file, number, message)) = located {
            if let Some((file, number)) = place.take() {
                found = Some((file, number, text.clone()));
            }
            place = Some((file, number));
            text = message.to_owned();
        } else if place.is_some() {
            text.push('\n');
            text.push_str(trimmed);
        }
    }
    if let Some((file, number)) = place {
        found = Some((file, number, text.trim().to_owned()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b2_the_last_message_of_a_test_has_its_place() {
        let (file, line, text) =
            said("    a_test.go:3: log\nprinted\n    b_test.go:12: got 1\n        want 2\n")
                .unwrap();
        assert_eq!((file.as_str(), line), ("b_test.go", 12));
        assert_eq!(text, "got 1\nwant 2");
        assert_eq!(said("just text: 3\n"), None);
        let testify = said("    a_test.go:9: \n        \tError Trace:\t/t/a_test.go:9\n        \tError:      \tNot equal\n").unwrap();
        assert_eq!(testify.1, 9);
        assert!(testify.2.contains("Not equal"));
    }
}
