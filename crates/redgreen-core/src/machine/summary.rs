//! What a gate's result means to the machine, and what the report needs of it.

use crate::gate::{Control, Gate, GateResult};
use crate::id::{Digest, RelPath};
use crate::outcome::{Cause, Outcome, Role, Verdict};
use crate::reason::{Reason, ReasonCode};

/// One test as the report shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestLine {
    /// The case id; the item id where no case could be collected.
    pub id: String,
    /// The item id.
    pub item: String,
    /// What happened.
    pub outcome: Outcome,
    /// Why it did not pass.
    pub cause: Option<Cause>,
    /// The cause in a few words, such as "`slug` does not exist yet"; empty where nothing is known beside the message.
    pub detail: String,
    /// What it is for the task.
    pub role: Role,
    /// The file to look at.
    pub file: Option<RelPath>,
    /// The line in it, from 1.
    pub line: Option<u32>,
    /// The runner's message.
    pub message: String,
    /// Milliseconds; informative.
    pub duration_ms: u64,
}

/// A gate's result as an event carries it. It is made from a [`GateResult`], which only `core::gate` can make, or read
/// back from the journal; there is no way to make one from what an agent said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateSummary {
    parts: GateSummaryParts,
}

/// The content of a [`GateSummary`], for the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateSummaryParts {
    /// The gate.
    pub gate: Gate,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is no pass.
    pub reasons: Vec<Reason>,
    /// Facts that change nothing.
    pub notes: Vec<Reason>,
    /// The tests that took part.
    pub tests: Vec<TestLine>,
    /// The controls that were run.
    pub controls: Vec<Control>,
    /// What failed, without lines, times and messages: equal for the same failure.
    pub signature: Digest,
    /// The evidence record.
    pub evidence: Digest,
    /// The last lines of the output, for the error report.
    pub tail: Vec<String>,
    /// Full suites that were run for it.
    pub suite_runs: u32,
    /// Milliseconds; informative.
    pub duration_ms: u64,
}

impl GateSummary {
    /// The summary of a result, with what the driver knows about the run behind it.
    #[must_use]
    pub fn of(
        result: &GateResult,
        evidence: Digest,
        tail: Vec<String>,
        suite_runs: u32,
        duration_ms: u64,
    ) -> Self {
        let tests: Vec<TestLine> = result
            .tests()
            .iter()
            .map(|test| TestLine {
                id: test.id.clone(),
                item: test.item.to_string(),
                outcome: test.outcome,
                cause: test.cause.as_ref().map(|detail| detail.cause),
                detail: test
                    .cause
                    .as_ref()
                    .map_or_else(String::new, |detail| detail.detail.clone()),
                role: test.role,
                file: test.file.clone(),
                line: test.line,
                message: test.message.clone(),
                duration_ms: test.duration_ms,
            })
            .collect();
        Self {
            parts: GateSummaryParts {
                gate: result.gate(),
                verdict: result.verdict(),
                reasons: result.reasons().to_vec(),
                notes: result.notes().to_vec(),
                signature: signature(result.gate(), result.verdict(), result.reasons(), &tests),
                tests,
                controls: result.controls().to_vec(),
                evidence,
                tail,
                suite_runs,
                duration_ms,
            },
        }
    }
    /// Reads a summary back that was recorded. For the journal only: the caller vouches that the hash chain was
    /// verified, so that the parts are what [`GateSummary::of`] once made.
    #[must_use]
    pub fn recorded(parts: GateSummaryParts) -> Self {
        Self { parts }
    }
    /// The content.
    #[must_use]
    pub fn parts(&self) -> &GateSummaryParts {
        &self.parts
    }
    /// The gate.
    #[must_use]
    pub fn gate(&self) -> Gate {
        self.parts.gate
    }
    /// The verdict.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.parts.verdict
    }
    /// Whether what stopped it is the environment and nothing that a task could change: costs no attempt (SPEC A7).
    #[must_use]
    pub fn is_environment_fault(&self) -> bool {
        self.parts.verdict == Verdict::CouldNotRun
            && self
                .parts
                .reasons
                .iter()
                .all(|reason| is_environment(reason.code))
    }
    /// Whether the only complaint is about files out of scope, so that the same attempt goes on (SPEC B5).
    #[must_use]
    pub fn is_only_out_of_scope(&self) -> bool {
        self.parts.verdict == Verdict::Fail
            && !self.parts.reasons.is_empty()
            && self
                .parts
                .reasons
                .iter()
                .all(|reason| reason.code == ReasonCode::OutOfScope)
    }
    /// Whether a person has to approve something before the gate can decide (SPEC B10).
    #[must_use]
    pub fn asks_for_approval(&self) -> bool {
        self.parts.verdict != Verdict::Pass
            && self
                .parts
                .reasons
                .iter()
                .any(|reason| reason.code == ReasonCode::ApprovalNeeded)
    }
    /// How many tests of a role have an outcome.
    #[must_use]
    pub fn count(&self, role: Role, outcome: Outcome) -> usize {
        self.parts
            .tests
            .iter()
            .filter(|test| test.role == role && test.outcome == outcome)
            .count()
    }
}

/// Faults that come from outside: the candidate cannot cause them and another session cannot cure them. A time-out or
/// a missing report is not among them, because a candidate can cause both.
fn is_environment(code: ReasonCode) -> bool {
    matches!(
        code,
        ReasonCode::CommandNotFound
            | ReasonCode::CodeLoadedFromElsewhere
            | ReasonCode::EnvironmentChanged
            | ReasonCode::BrokenBase
            | ReasonCode::PrepareFailed
            | ReasonCode::MissingPlugin
            | ReasonCode::EnvironmentFault
    )
}

fn signature(gate: Gate, verdict: Verdict, reasons: &[Reason], tests: &[TestLine]) -> Digest {
    let mut lines: Vec<String> = reasons
        .iter()
        .map(|reason| {
            format!(
                "reason\0{}\0{}\0{}",
                reason.code.as_str(),
                reason.path.as_ref().map_or("", RelPath::as_str),
                reason.test.as_deref().unwrap_or("")
            )
        })
        .chain(
            tests
                .iter()
                .filter(|test| test.outcome != Outcome::Passed)
                .map(|test| {
                    let cause = test.cause.map_or("", Cause::as_str);
                    format!("test\0{}\0{}\0{cause}", test.id, test.outcome)
                }),
        )
        .collect();
    lines.sort();
    lines.dedup();
    lines.insert(0, format!("{}\0{verdict}", gate.as_str()));
    Digest::of(lines.join("\n").as_bytes())
}
