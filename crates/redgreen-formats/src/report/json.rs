//! The report as JSON, `redgreen.report/1` (SPEC G1, G8). Append-only.

use super::facts::{Facts, ReportError, TaskFacts};
use crate::wire::v1::{
    AgentOutcomeData, DeliveryData, DisputeData, DisputeEvidenceData, GateReport, LockData,
    ModeData, PhaseData, SessionData,
};
use redgreen_core::dispute::DisputeDecision;
use redgreen_core::exit::ExitCode;
use redgreen_core::id::{CriterionId, TaskId};
use redgreen_core::machine::{AgentRole, Phase};
use redgreen_core::reason::{Reason, ReasonCode};
use serde::{Deserialize, Serialize};

/// The schema of [`Report`].
pub const REPORT_SCHEMA: &str = "redgreen.report/1";

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Always [`REPORT_SCHEMA`].
    pub schema: String,
    /// The run's name.
    pub run: String,
    /// The plan's name.
    pub plan: String,
    /// The exit code the run has; `null` while it works.
    pub exit: Option<u8>,
    /// The time of the first entry, RFC 3339 UTC.
    pub begun: String,
    /// The time of the last entry, RFC 3339 UTC.
    pub ended: String,
    /// Seconds between them, pauses included.
    pub seconds: u64,
    /// Tasks that passed every gate.
    pub verified: usize,
    /// Tasks that a person adopted; not verified.
    pub adopted: usize,
    /// Halted tasks.
    pub halted: usize,
    /// Waived tasks.
    pub waived: usize,
    /// Full suites that were run.
    pub suite_runs: u32,
    /// Tokens, as the agents report.
    pub tokens: u64,
    /// Cost in millionths of a US dollar, as the agents report; `null` where none did.
    pub micro_usd: Option<u64>,
    /// Who approved the plan.
    pub approvals: Vec<ApprovalReport>,
    /// The tasks, in plan order.
    pub tasks: Vec<TaskReport>,
}

/// An approval of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ApprovalReport {
    pub time: String,
    pub by: String,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskReport {
    /// Its id.
    pub id: TaskId,
    /// Its name.
    pub name: String,
    /// How it was worked on.
    pub mode: ModeData,
    /// Where it stands.
    pub phase: PhaseData,
    /// Adopted by a person, never verified.
    pub adopted: bool,
    /// Seconds between its first and its last entry.
    pub seconds: u64,
    /// Full suites that were run for it.
    pub suite_runs: u32,
    /// Criteria with their tests.
    pub criteria: Vec<CriterionReport>,
    /// Sessions, in order.
    pub sessions: Vec<SessionReport>,
    /// Gates, in order.
    pub gates: Vec<TimedGate>,
    /// Locks, in order; the last one is valid.
    pub locks: Vec<TimedLock>,
    /// Changes that were judged without, and why.
    pub not_used: Vec<NotUsedReport>,
    /// Disputes, in order.
    pub disputes: Vec<DisputeReport>,
    /// What people said.
    pub answers: Vec<AnswerReport>,
    /// Waivers.
    pub waivers: Vec<WaiverReport>,
    /// What became of the last delivery.
    pub delivery: Option<DeliveryData>,
}

/// A criterion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct CriterionReport {
    pub id: CriterionId,
    pub text: String,
    /// The author's claim.
    pub tests: Vec<CriterionTest>,
}

/// A test that is said to serve a criterion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CriterionTest {
    /// The test, with a remark in brackets where it is a guard or hidden.
    pub test: String,
    /// The first line of the message it was red with.
    pub red: Option<String>,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct SessionReport {
    pub time: String,
    /// `author`, `implementer` or `refactorer`.
    pub role: String,
    pub attempt: u32,
    pub outcome: AgentOutcomeData,
    pub session: SessionData,
}

/// A gate with its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct TimedGate {
    pub time: String,
    pub attempt: u32,
    pub of_refactoring: bool,
    pub suite_runs: u32,
    pub result: GateReport,
}

/// A lock with its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct TimedLock {
    pub time: String,
    pub lock: LockData,
    pub amended_by: Option<String>,
    pub reason: Option<String>,
}

/// A change that was judged without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct NotUsedReport {
    pub gate: String,
    pub attempt: u32,
    pub reason: Reason,
}

/// A dispute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeReport {
    /// When.
    pub time: String,
    /// What was asked.
    pub dispute: DisputeData,
    /// What the referee found.
    pub evidence: Vec<DisputeEvidenceData>,
    /// Whether the author was sent back; otherwise a person was asked.
    pub sent_back: bool,
}

/// What a person said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct AnswerReport {
    pub time: String,
    pub by: String,
    pub what: String,
}

/// A waiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct WaiverReport {
    pub time: String,
    pub by: String,
    pub code: ReasonCode,
    pub reason: String,
    pub expires: Option<String>,
}

/// The report as a value.
#[must_use]
pub fn report(facts: &Facts) -> Report {
    let adopted = facts.tasks.iter().filter(|task| task.adopted).count();
    Report {
        schema: REPORT_SCHEMA.to_owned(),
        run: facts.run.clone(),
        plan: facts.plan.name.clone(),
        exit: facts.standing.exit().map(ExitCode::code),
        begun: facts.begun.clone(),
        ended: facts.ended.clone(),
        seconds: facts.seconds,
        verified: facts.count(Phase::Passed) - adopted,
        adopted,
        halted: facts.count(Phase::Halted),
        waived: facts.count(Phase::Waived),
        suite_runs: facts.tasks.iter().map(TaskFacts::suite_runs).sum(),
        tokens: facts.tokens(),
        micro_usd: facts.micro_usd(),
        approvals: facts
            .approvals
            .iter()
            .map(|(time, by)| ApprovalReport {
                time: time.clone(),
                by: by.0.clone(),
            })
            .collect(),
        tasks: facts.tasks.iter().map(task_report).collect(),
    }
}

/// The report as indented JSON with a final line feed.
///
/// # Errors
/// [`ReportError::Render`] when serde_json refuses a value, which no report can cause.
pub fn render(facts: &Facts) -> Result<String, ReportError> {
    let mut text = serde_json::to_string_pretty(&report(facts))
        .map_err(|error| ReportError::Render(error.to_string()))?;
    text.push('\n');
    Ok(text)
}

fn task_report(facts: &TaskFacts) -> TaskReport {
    let role = |role: AgentRole| role.as_str().to_owned();
    TaskReport {
        id: facts.task.id.clone(),
        name: facts.task.name.clone(),
        mode: facts.task.mode.into(),
        phase: facts.phase.into(),
        adopted: facts.adopted,
        seconds: facts.seconds,
        suite_runs: facts.suite_runs(),
        criteria: facts
            .task
            .criteria
            .iter()
            .enumerate()
            .map(|(index, criterion)| CriterionReport {
                id: criterion.id.clone(),
                text: criterion.text.clone(),
                tests: facts
                    .tests_of(index)
                    .into_iter()
                    .map(|(test, red)| CriterionTest { test, red })
                    .collect(),
            })
            .collect(),
        sessions: facts
            .sessions
            .iter()
            .map(|fact| SessionReport {
                time: fact.time.clone(),
                role: role(fact.role),
                attempt: fact.attempt,
                outcome: fact.outcome.into(),
                session: (&fact.session).into(),
            })
            .collect(),
        gates: facts
            .gates
            .iter()
            .map(|fact| TimedGate {
                time: fact.time.clone(),
                attempt: fact.attempt,
                of_refactoring: fact.of_refactoring,
                suite_runs: fact.summary.parts().suite_runs,
                result: GateReport::of(Some(facts.task.id.clone()), &fact.summary),
            })
            .collect(),
        locks: facts
            .locks
            .iter()
            .map(|fact| TimedLock {
                time: fact.time.clone(),
                lock: (&fact.lock).into(),
                amended_by: fact.amended.as_ref().map(|(by, _)| by.0.clone()),
                reason: fact.amended.as_ref().map(|(_, reason)| reason.clone()),
            })
            .collect(),
        not_used: facts
            .not_used()
            .into_iter()
            .map(|change| NotUsedReport {
                gate: change.gate.as_str().to_owned(),
                attempt: change.attempt,
                reason: change.reason.clone(),
            })
            .collect(),
        disputes: facts
            .disputes
            .iter()
            .map(|fact| DisputeReport {
                time: fact.time.clone(),
                dispute: (&fact.dispute).into(),
                evidence: fact.evidence.iter().map(Into::into).collect(),
                sent_back: fact.decision == DisputeDecision::SendBack,
            })
            .collect(),
        answers: facts
            .answers
            .iter()
            .map(|answer| AnswerReport {
                time: answer.time.clone(),
                by: answer.by.0.clone(),
                what: answer.what.clone(),
            })
            .collect(),
        waivers: facts
            .waivers
            .iter()
            .map(|waiver| WaiverReport {
                time: waiver.time.clone(),
                by: waiver.by.0.clone(),
                code: waiver.code,
                reason: waiver.reason.clone(),
                expires: waiver.expires.clone(),
            })
            .collect(),
        delivery: facts.delivery.as_ref().map(DeliveryData::from),
    }
}
