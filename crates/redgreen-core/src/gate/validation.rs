//! VALIDATE: the real application was started and used as declared (SPEC E3, E6).

use super::{Control, Findings, Gate, GateResult};
use crate::outcome::Verdict;
use crate::reason::{Reason, ReasonCode};

/// What usually is behind a failure of this kind (SPEC E6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hint {
    /// A file is looked up relative to the wrong folder.
    Path,
    /// A variable of the environment is missing.
    Environment,
    /// Something that the build must leave is not there.
    Artefact,
    /// A browser would refuse the answer.
    Cors,
    /// The port is taken, or another one is used.
    Port,
    /// The database lacks what the code expects.
    Migration,
    /// No handler is mounted where one is expected.
    Route,
    /// A message was not sent.
    Event,
    /// A session outlives its end, or is refused while it holds.
    Session,
}

impl Hint {
    /// Every hint.
    pub const ALL: [Self; 9] = [
        Self::Path,
        Self::Environment,
        Self::Artefact,
        Self::Cors,
        Self::Port,
        Self::Migration,
        Self::Route,
        Self::Event,
        Self::Session,
    ];

    /// The word in output and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Environment => "environment",
            Self::Artefact => "artefact",
            Self::Cors => "cors",
            Self::Port => "port",
            Self::Migration => "migration",
            Self::Route => "route",
            Self::Event => "event",
            Self::Session => "session",
        }
    }

    /// What to look at.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Path => {
                "a file was not found: is its path relative to the folder the program happens to start in?"
            }
            Self::Environment => {
                "a variable is missing where the application runs: give it a default, or declare it under `[validation] environment`"
            }
            Self::Artefact => {
                "something that the build must leave is not there: look at `[validation] build` and what it writes"
            }
            Self::Cors => {
                "a browser of another origin would refuse this answer: look at the Access-Control headers"
            }
            Self::Port => {
                "the port is taken or another one is used: let the application listen on the port it is given"
            }
            Self::Migration => {
                "the database lacks what the code expects: is every migration applied where the application starts?"
            }
            Self::Route => {
                "nothing answers there: is the handler mounted in the application that ships, and not only in its tests?"
            }
            Self::Event => "no such message came: is it sent in the application that ships?",
            Self::Session => "look at where the session is made, checked and ended",
        }
    }
}

/// What a failed step left to guess from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Traces<'a> {
    /// The status that was expected, where one was.
    pub expected_status: Option<u16>,
    /// The status that came.
    pub status: Option<u16>,
    /// The body that came, or what a command printed.
    pub answer: &'a str,
    /// What the application printed meanwhile.
    pub log: &'a str,
    /// A declared Access-Control header did not come.
    pub cors_header_missing: bool,
    /// A message was waited for and did not come.
    pub message_missing: bool,
    /// A declared artefact is missing.
    pub artefact_missing: bool,
}

/// Says what usually is behind it; the more specific sign first.
#[must_use]
pub fn hint(traces: &Traces<'_>) -> Option<Hint> {
    let text = format!("{}\n{}", traces.log, traces.answer);
    let lower = text.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let relation_missing = lower.lines().any(|line| {
        ["relation \"", "column ", "table "]
            .iter()
            .any(|word| line.contains(word))
            && (line.contains("does not exist") || line.contains("doesn't exist"))
    });
    let file_missing = any(&[
        "no such file or directory",
        "enoent",
        "filenotfounderror",
        "templatenotfound",
        "templatedoesnotexist",
        "cannot find module",
        "does not exist: '/",
        "(os error 2)",
    ]);
    if traces.artefact_missing {
        Some(Hint::Artefact)
    } else if any(&["address already in use", "eaddrinuse"]) {
        Some(Hint::Port)
    } else if relation_missing || any(&["no such table", "no such column", "undefinedtable"]) {
        Some(Hint::Migration)
    } else if names_a_missing_variable(&text) {
        Some(Hint::Environment)
    } else if file_missing {
        let built = any(&[
            "dist/",
            "build/",
            "/static/",
            ".next",
            "bundle",
            "manifest.json",
            "/out/",
        ]);
        Some(if built { Hint::Artefact } else { Hint::Path })
    } else if traces.cors_header_missing {
        Some(Hint::Cors)
    } else if traces.message_missing {
        Some(Hint::Event)
    } else {
        match (traces.expected_status, traces.status) {
            (Some(401 | 403), Some(200..=299)) | (Some(200..=299), Some(401 | 403)) => {
                Some(Hint::Session)
            }
            (Some(expected), Some(404 | 405)) if expected != 404 && expected != 405 => {
                Some(Hint::Route)
            }
            _ => None,
        }
    }
}

/// `KeyError: 'SECRET_KEY'`, `environment variable not found: TOKEN`, `DATABASE_URL is not set`.
fn names_a_missing_variable(text: &str) -> bool {
    let is_name = |word: &str| {
        let word = word.trim_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        word.len() > 2
            && word.contains(|c: char| c.is_ascii_uppercase())
            && word
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    text.lines().any(|line| {
        let lower = line.to_lowercase();
        if ["environment variable", "env var", "environmenterror"]
            .iter()
            .any(|sign| lower.contains(sign))
        {
            return true;
        }
        let signs = [
            "keyerror",
            "is not set",
            "not set",
            "is required",
            "must be set",
            "missing required",
            "is undefined",
            "notpresent",
        ];
        signs.iter().any(|sign| lower.contains(sign))
            && line
                .split(|c: char| c.is_whitespace() || c == ':' || c == '(' || c == '.')
                .any(|word| is_name(word) && word.to_lowercase() != "keyerror")
    })
}

/// One declared step, or the start of the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRun {
    /// Its name.
    pub name: String,
    /// What did not hold; empty when all of it did.
    pub failures: Vec<String>,
    /// What was asked and what came, a line each, for a person.
    pub shown: Vec<String>,
    /// What the application printed meanwhile, the last lines.
    pub log: Vec<String>,
    /// What usually is behind it.
    pub hint: Option<Hint>,
    /// It was not tried: it needs what an earlier step did not give.
    pub not_tried: bool,
    /// Whether it held on the base: a step that failed there already is not held against a task. `None` where the base
    /// was not tried.
    pub held_on_base: Option<bool>,
    /// Milliseconds; informative.
    pub duration_ms: u64,
}

impl StepRun {
    /// Whether everything held.
    #[must_use]
    pub fn held(&self) -> bool {
        self.failures.is_empty() && !self.not_tried
    }
}

/// The kind of the [`Control`] of an application every declared step of which held.
pub const VALIDATED: &str = "application";

/// The same where a step did not hold, on the base neither.
const VALIDATED_PARTLY: &str = "application_partly";

/// What the validation of an application says beside the verdict; nothing where nothing was declared.
pub(super) fn control(steps: &[StepRun]) -> Option<Control> {
    let held = steps.iter().filter(|step| step.held()).count();
    let kind = if held == steps.len() {
        VALIDATED
    } else {
        VALIDATED_PARTLY
    };
    (!steps.is_empty()).then(|| Control {
        kind: kind.to_owned(),
        result: format!("application: {held} of {} steps hold", steps.len()),
        tests: Vec::new(),
    })
}

/// Judges the validation of the whole application.
#[must_use]
pub fn judge_validation(problems: &[Reason], steps: &[StepRun]) -> GateResult {
    let mut findings = Findings::default();
    for problem in problems {
        findings.add(Verdict::CouldNotRun, problem.clone());
    }
    if problems.is_empty() && steps.is_empty() {
        findings.add(
            Verdict::CouldNotRun,
            Reason::new(
                ReasonCode::ZeroTests,
                "nothing is declared that the application must do",
                "declare `[validation] start` and `[[validation.steps]]` in redgreen.toml",
            ),
        );
    }
    judge_steps(steps, &mut findings);
    findings.finish(
        Gate::Validate,
        None,
        Vec::new(),
        control(steps).into_iter().collect(),
    )
}

/// Adds what failed.
pub(super) fn judge_steps(steps: &[StepRun], findings: &mut Findings) {
    for step in steps {
        if step.held() {
            continue;
        }
        let what = if step.not_tried {
            "was not tried: an earlier step did not give what it needs".to_owned()
        } else {
            step.failures.join("; ")
        };
        let mut help = step
            .hint
            .map_or(
                "look at what it was asked, what it answered and its log",
                |hint| hint.advice(),
            )
            .to_owned();
        if let Some(hint) = step.hint {
            help = format!("hint {}: {help}", hint.as_str());
        }
        let mut reason = Reason::new(
            ReasonCode::ValidationFailed,
            format!("`{}`: {what}", step.name),
            help,
        );
        let lines: Vec<String> = step
            .shown
            .iter()
            .cloned()
            .chain(step.log.iter().map(|line| format!("log: {line}")))
            .collect();
        if !lines.is_empty() {
            reason = reason.diff(lines.join("\n"));
        }
        if step.held_on_base == Some(false) {
            findings.note(reason);
        } else {
            findings.add(Verdict::Fail, reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(failures: &[&str]) -> StepRun {
        StepRun {
            name: "login".to_owned(),
            failures: failures.iter().map(|&text| text.to_owned()).collect(),
            shown: Vec::new(),
            log: Vec::new(),
            hint: None,
            not_tried: false,
            held_on_base: None,
            duration_ms: 1,
        }
    }

    #[test]
    fn e3_nothing_declared_is_no_pass() {
        assert_eq!(judge_validation(&[], &[]).verdict(), Verdict::CouldNotRun);
        assert_eq!(judge_validation(&[], &[step(&[])]).verdict(), Verdict::Pass);
        let failed = judge_validation(&[], &[step(&[]), step(&["404 instead of 200"])]);
        assert_eq!(failed.verdict(), Verdict::Fail);
        let mut skipped = step(&[]);
        skipped.not_tried = true;
        assert_eq!(judge_validation(&[], &[skipped]).verdict(), Verdict::Fail);
        let problem = Reason::new(ReasonCode::ServiceFailed, "x", "y");
        let could_not = judge_validation(&[problem], &[step(&[])]);
        assert_eq!(could_not.verdict(), Verdict::CouldNotRun);
    }

    #[test]
    fn e6_each_usual_cause_has_its_hint() {
        let log = |log: &'static str| Traces {
            expected_status: Some(200),
            status: Some(500),
            log,
            ..Traces::default()
        };
        let status = |expected, status| Traces {
            expected_status: Some(expected),
            status: Some(status),
            ..Traces::default()
        };
        let table = [
            (
                log("psycopg.errors.UndefinedTable: relation \"tasks\" does not exist"),
                Some(Hint::Migration),
            ),
            (
                log("sqlite3.OperationalError: no such table: users"),
                Some(Hint::Migration),
            ),
            (log("KeyError: 'SECRET_KEY'"), Some(Hint::Environment)),
            (
                log("Error: DATABASE_URL is not set"),
                Some(Hint::Environment),
            ),
            (
                log("called `Result::unwrap()` on an `Err` value: NotPresent for TOKEN"),
                Some(Hint::Environment),
            ),
            (log("KeyError: 'name'"), None),
            (
                log("OSError: [Errno 98] Address already in use"),
                Some(Hint::Port),
            ),
            (
                log(
                    "FileNotFoundError: [Errno 2] No such file or directory: 'templates/index.html'",
                ),
                Some(Hint::Path),
            ),
            (
                log("Error: ENOENT: no such file or directory, open '/app/dist/index.html'"),
                Some(Hint::Artefact),
            ),
            (status(200, 404), Some(Hint::Route)),
            (status(404, 404), None),
            (status(401, 200), Some(Hint::Session)),
            (
                Traces {
                    cors_header_missing: true,
                    ..status(200, 200)
                },
                Some(Hint::Cors),
            ),
            (
                Traces {
                    message_missing: true,
                    ..Traces::default()
                },
                Some(Hint::Event),
            ),
            (
                Traces {
                    artefact_missing: true,
                    ..Traces::default()
                },
                Some(Hint::Artefact),
            ),
        ];
        for (traces, expected) in table {
            assert_eq!(hint(&traces), expected, "{traces:?}");
        }
    }

    #[test]
    fn e3_a_step_that_failed_before_the_task_is_only_told() {
        let mut old = step(&["404 instead of 200"]);
        old.held_on_base = Some(false);
        let mut findings = Findings::default();
        judge_steps(&[old], &mut findings);
        let result = findings.finish(Gate::Full, None, Vec::new(), Vec::new());
        assert_eq!((result.verdict(), result.notes().len()), (Verdict::Pass, 1));
    }
}
