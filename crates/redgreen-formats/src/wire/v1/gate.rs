//! Gate results: the public form (SPEC G2) and the fuller one that the journal keeps.

use redgreen_core::gate::{Control, Gate};
use redgreen_core::id::{Digest, RelPath, TaskId};
use redgreen_core::machine::{GateSummary, GateSummaryParts, TestLine};
use redgreen_core::outcome::{Cause, Outcome, Role, Verdict};
use redgreen_core::reason::{Reason, ReasonCode};
use serde::{Deserialize, Serialize};

/// The schema of [`GateReport`].
pub const GATE_SCHEMA: &str = "redgreen.gate/1";

/// A gate as `--format json` prints it (SPEC G2). Append-only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateReport {
    /// Always [`GATE_SCHEMA`].
    pub schema: String,
    /// Which gate.
    pub gate: Gate,
    /// The task; `null` for an unnamed red.
    pub task: Option<TaskId>,
    /// The verdict. Only `pass` advances.
    pub verdict: Verdict,
    /// Why it is no pass.
    pub reasons: Vec<GateReason>,
    /// The tests that took part.
    pub tests: Vec<GateTest>,
    /// The controls that were run.
    pub controls: Vec<GateControl>,
    /// Milliseconds; informative.
    pub duration_ms: u64,
    /// Digest of the evidence record; `null` where nothing was run or kept.
    pub evidence: Option<Digest>,
    /// Facts worth knowing that change nothing: what was left out, tests in source, flaky on the base.
    #[serde(default)]
    pub notes: Vec<GateReason>,
}

/// A reason of a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateReason {
    /// The stable code.
    pub code: ReasonCode,
    /// The fact.
    pub message: String,
    /// The file, where there is one.
    pub path: Option<RelPath>,
    /// The line in it, from 1.
    pub line: Option<u32>,
    /// The test, where there is one.
    pub test: Option<String>,
    /// The next step.
    pub help: String,
    /// A unified difference that shows the fact, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

impl From<&Reason> for GateReason {
    fn from(reason: &Reason) -> Self {
        Self {
            code: reason.code,
            message: reason.message.clone(),
            path: reason.path.clone(),
            line: reason.line,
            test: reason.test.clone(),
            help: reason.help.clone(),
            diff: reason.diff.clone(),
        }
    }
}

/// A test of a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateTest {
    /// The case id; the item id where no case could be collected.
    pub id: String,
    /// The item id.
    pub item: String,
    /// What happened.
    pub outcome: Outcome,
    /// Why it did not pass.
    pub cause: Option<Cause>,
    /// The cause in a few words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
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

/// A control of a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateControl {
    /// `red_control`, `changed_expectations`.
    pub kind: String,
    /// In plain words.
    pub result: String,
    /// The tests it covers.
    pub tests: Vec<String>,
}

/// A gate's result in the journal: everything that the machine and the reports need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "the fields are those of `core::machine::GateSummaryParts`"
)]
pub struct SummaryData {
    pub gate: Gate,
    pub verdict: Verdict,
    pub reasons: Vec<Reason>,
    pub notes: Vec<Reason>,
    pub tests: Vec<JournalTest>,
    pub controls: Vec<GateControl>,
    pub signature: Digest,
    pub evidence: Digest,
    pub tail: Vec<String>,
    pub suite_runs: u32,
    pub duration_ms: u64,
}

/// A test in the journal; the same fields as [`GateTest`], which may grow apart.
pub type JournalTest = GateTest;

impl GateReport {
    /// The public form of a summary.
    #[must_use]
    pub fn of(task: Option<TaskId>, summary: &GateSummary) -> Self {
        let parts = summary.parts();
        Self {
            schema: GATE_SCHEMA.to_owned(),
            gate: parts.gate,
            task,
            verdict: parts.verdict,
            reasons: parts.reasons.iter().map(GateReason::from).collect(),
            tests: parts.tests.iter().map(GateTest::from).collect(),
            controls: parts.controls.iter().map(GateControl::from).collect(),
            duration_ms: parts.duration_ms,
            evidence: Some(parts.evidence),
            notes: parts.notes.iter().map(GateReason::from).collect(),
        }
    }
}

impl From<&TestLine> for GateTest {
    fn from(test: &TestLine) -> Self {
        Self {
            id: test.id.clone(),
            item: test.item.clone(),
            outcome: test.outcome,
            cause: test.cause,
            detail: test.detail.clone(),
            role: test.role,
            file: test.file.clone(),
            line: test.line,
            message: test.message.clone(),
            duration_ms: test.duration_ms,
        }
    }
}

impl From<GateTest> for TestLine {
    fn from(test: GateTest) -> Self {
        Self {
            id: test.id,
            item: test.item,
            outcome: test.outcome,
            cause: test.cause,
            detail: test.detail,
            role: test.role,
            file: test.file,
            line: test.line,
            message: test.message,
            duration_ms: test.duration_ms,
        }
    }
}

impl From<&Control> for GateControl {
    fn from(control: &Control) -> Self {
        Self {
            kind: control.kind.clone(),
            result: control.result.clone(),
            tests: control.tests.clone(),
        }
    }
}

impl From<GateControl> for Control {
    fn from(control: GateControl) -> Self {
        Self {
            kind: control.kind,
            result: control.result,
            tests: control.tests,
        }
    }
}

impl From<&GateSummary> for SummaryData {
    fn from(summary: &GateSummary) -> Self {
        let parts = summary.parts();
        Self {
            gate: parts.gate,
            verdict: parts.verdict,
            reasons: parts.reasons.clone(),
            notes: parts.notes.clone(),
            tests: parts.tests.iter().map(GateTest::from).collect(),
            controls: parts.controls.iter().map(GateControl::from).collect(),
            signature: parts.signature,
            evidence: parts.evidence,
            tail: parts.tail.clone(),
            suite_runs: parts.suite_runs,
            duration_ms: parts.duration_ms,
        }
    }
}

impl From<SummaryData> for GateSummary {
    fn from(data: SummaryData) -> Self {
        Self::recorded(GateSummaryParts {
            gate: data.gate,
            verdict: data.verdict,
            reasons: data.reasons,
            notes: data.notes,
            tests: data.tests.into_iter().map(TestLine::from).collect(),
            controls: data.controls.into_iter().map(Control::from).collect(),
            signature: data.signature,
            evidence: data.evidence,
            tail: data.tail,
            suite_runs: data.suite_runs,
            duration_ms: data.duration_ms,
        })
    }
}
