//! What one command of a runner established: cases, how it ended, where code was loaded from.
//!
//! Adapters (host) produce it from bytes they read; gates (core) judge it. Counts are always recounted from the cases.

use crate::id::{CaseId, Digest, RelPath};
use crate::outcome::{Cause, Outcome};
use crate::reason::Reason;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The cause of a case that did not pass, with what a person needs to understand it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseDetail {
    /// The class of cause.
    pub cause: Cause,
    /// In plain words, such as "`slug` does not exist yet".
    pub detail: String,
    /// The symbol that is missing or misspelt, where the cause names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
}

/// One case as the runner reported it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseReport {
    /// Which case.
    pub id: CaseId,
    /// What happened.
    pub outcome: Outcome,
    /// Why it did not pass; `None` when it passed or was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<CauseDetail>,
    /// The file to look at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<RelPath>,
    /// The line in it, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The runner's own message, capped.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// How long it took, in milliseconds. Informative; never part of a verdict.
    #[serde(default)]
    pub duration_ms: u64,
}

/// A file, target or package that could not be loaded, so that its tests have no cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadFailure {
    /// The test files whose tests did not run because of it. An item in one of them has no case in the report.
    pub files: Vec<RelPath>,
    /// Every diagnostic; all of them must be acceptable for the load failure to be a legitimate red.
    pub causes: Vec<LocatedCause>,
}

/// One diagnostic with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocatedCause {
    /// Why.
    pub cause: CauseDetail,
    /// The file the diagnostic points at (may be source).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<RelPath>,
    /// The line in it, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The runner's or compiler's own text, capped.
    pub message: String,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// It exited with this code.
    Code(i32),
    /// A signal ended it.
    Signal(i32),
    /// The wall-clock limit ended it.
    TimedOut,
    /// The idle limit (no output) ended it.
    IdledOut,
    /// It printed more than is allowed.
    OutputLimit,
    /// A person stopped it.
    Interrupted,
}

/// One run of a runner over a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// The exact command, for evidence. Paths of the private tree are written `{tree}`.
    pub command: Vec<String>,
    /// How it ended. With one process per test: the worst of them.
    pub ended: Ended,
    /// Every case that was reported.
    pub cases: Vec<CaseReport>,
    /// What could not be loaded or compiled.
    pub load_failures: Vec<LoadFailure>,
    /// Why this run cannot be judged: each makes the gate `could_not_run` (or `rejected` where its code says so).
    /// Empty for a run that can.
    pub problems: Vec<Reason>,
    /// The line in which the runner itself states its result, such as `3 passed in 0.01s` (evidence gate, SPEC B6).
    pub pass_line: Option<String>,
    /// The last lines of the output (at least three where there are three), for people.
    pub tail: Vec<String>,
    /// Digest of the complete output, which is kept in private state under it.
    pub output: Digest,
    /// Wall-clock milliseconds. Informative.
    pub duration_ms: u64,
}

impl RunReport {
    /// The report of a run that had nothing to run.
    #[must_use]
    pub fn of_nothing() -> Self {
        Self {
            command: Vec::new(),
            ended: Ended::Code(0),
            cases: Vec::new(),
            load_failures: Vec::new(),
            problems: Vec::new(),
            pass_line: None,
            tail: Vec::new(),
            output: Digest::of(b""),
            duration_ms: 0,
        }
    }

    /// The same without anything that tells of held-out files (SPEC C7): for what is kept where an agent might look.
    #[must_use]
    pub fn concealing(mut self, hidden: &BTreeSet<RelPath>) -> Self {
        if hidden.is_empty() {
            return self;
        }
        // cargo names a test target by the stem of its file.
        let words: Vec<&str> = hidden
            .iter()
            .flat_map(|path| {
                let stem = path.file_name().split('.').next().unwrap_or_default();
                [path.as_str(), stem]
            })
            .filter(|word| !word.is_empty())
            .collect();
        let tells = |text: &str| words.iter().any(|word| text.contains(word));
        self.command.retain(|word| !tells(word));
        self.cases
            .retain(|case| !hidden.contains(&case.id.item.path) && !tells(&case.message));
        for failure in &mut self.load_failures {
            failure.files.retain(|file| !hidden.contains(file));
            failure.causes.retain(|cause| {
                !cause
                    .file
                    .as_ref()
                    .is_some_and(|file| hidden.contains(file))
                    && !tells(&cause.message)
                    && !tells(&cause.cause.detail)
            });
        }
        self.load_failures
            .retain(|failure| !failure.files.is_empty() || !failure.causes.is_empty());
        self.problems.retain(|problem| {
            !tells(&problem.message)
                && !problem.test.as_deref().is_some_and(tells)
                && !problem
                    .path
                    .as_ref()
                    .is_some_and(|path| hidden.contains(path))
        });
        self.pass_line = self.pass_line.filter(|line| !tells(line));
        self.tail.clear();
        self
    }
    /// How many cases have this outcome.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.cases
            .iter()
            .filter(|case| case.outcome == outcome)
            .count()
    }
    /// Whether the runner reported that everything it ran passed and ended as it does then.
    #[must_use]
    pub fn ended_well(&self) -> bool {
        self.ended == Ended::Code(0)
    }
}
