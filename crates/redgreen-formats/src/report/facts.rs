//! The journal, folded into what reports show.

use super::text;
use redgreen_core::dispute::{Dispute, DisputeDecision, DisputeEvidence};
use redgreen_core::gate::Gate;
use redgreen_core::machine::{
    AgentOutcome, AgentRole, AgentSession, Delivery, Event, GateSummary, Halt, Illegal, LockRef,
    Person, Phase, Standing, State, Wait,
};
use redgreen_core::outcome::{Role, Verdict};
use redgreen_core::plan::{Plan, Task};
use redgreen_core::reason::{Reason, ReasonCode};

/// One record of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it was recorded, RFC 3339 UTC. Shown as given; durations are differences of these.
    pub time: String,
    /// What happened.
    pub event: Event,
}

/// A journal that no run can have written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// An event cannot have happened.
    #[error("entry {position} of the journal cannot have happened: {illegal}")]
    Illegal {
        /// Which entry, from 1.
        position: usize,
        /// Why.
        illegal: Illegal,
    },
    /// There is no run in it.
    #[error("the journal has no entry")]
    Empty,
    /// The report could not be written.
    #[error("the report could not be written: {0}")]
    Render(String),
}

/// A whole run.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The run's name.
    pub run: String,
    /// The plan as it is frozen at the end.
    pub plan: Plan,
    /// The state at the end.
    pub state: State,
    /// Where the run stands at the end.
    pub standing: Standing,
    /// The time of the first entry.
    pub begun: String,
    /// The time of the last entry.
    pub ended: String,
    /// Seconds from the first to the last entry, pauses included; a clock that was set back takes nothing away.
    pub seconds: u64,
    /// Who approved, when, and how often a changed plan was approved again.
    pub approvals: Vec<(String, Person)>,
    /// The tasks, in plan order.
    pub tasks: Vec<TaskFacts>,
}

/// What happened to a task.
#[derive(Debug, Clone)]
pub struct TaskFacts {
    /// Its definition.
    pub task: Task,
    /// Where it stands at the end.
    pub phase: Phase,
    /// Adopted by a person, never verified.
    pub adopted: bool,
    /// What it waits for.
    pub wait: Option<Wait>,
    /// Why it is halted.
    pub halt: Option<Halt>,
    /// Sessions, in order.
    pub sessions: Vec<SessionFact>,
    /// Gates, in order.
    pub gates: Vec<GateFact>,
    /// Locks, in order.
    pub locks: Vec<LockFact>,
    /// Disputes, in order.
    pub disputes: Vec<DisputeFact>,
    /// What people said, in order.
    pub answers: Vec<Answer>,
    /// Waivers, in order.
    pub waivers: Vec<WaiverFact>,
    /// What became of the last delivery.
    pub delivery: Option<Delivery>,
    /// Seconds between its first and its last entry.
    pub seconds: u64,
    pub(super) first: Option<u64>,
}

/// A session.
#[derive(Debug, Clone)]
pub struct SessionFact {
    /// When it ended.
    pub time: String,
    /// The role.
    pub role: AgentRole,
    /// The attempt it worked on.
    pub attempt: u32,
    /// How it ended.
    pub outcome: AgentOutcome,
    /// What is known about it.
    pub session: AgentSession,
}

/// A gate.
#[derive(Debug, Clone)]
pub struct GateFact {
    /// When it was judged.
    pub time: String,
    /// The attempt that was judged.
    pub attempt: u32,
    /// Whether a refactoring was judged, so that a refusal only discards it.
    pub of_refactoring: bool,
    /// The result.
    pub summary: GateSummary,
}

/// A lock.
#[derive(Debug, Clone)]
pub struct LockFact {
    /// When it was committed.
    pub time: String,
    /// The lock.
    pub lock: LockRef,
    /// Who amended the tests and why; `None` for the author's.
    pub amended: Option<(Person, String)>,
}

/// A dispute.
#[derive(Debug, Clone)]
pub struct DisputeFact {
    /// When it was asked.
    pub time: String,
    /// What was asked.
    pub dispute: Dispute,
    /// What the referee found.
    pub evidence: Vec<DisputeEvidence>,
    /// What happened with it.
    pub decision: DisputeDecision,
}

/// What a person said about a task.
#[derive(Debug, Clone)]
pub struct Answer {
    /// When.
    pub time: String,
    /// Who.
    pub by: Person,
    /// What, in plain words.
    pub what: String,
}

/// A waiver.
#[derive(Debug, Clone)]
pub struct WaiverFact {
    /// When.
    pub time: String,
    /// Who.
    pub by: Person,
    /// What is waived.
    pub code: ReasonCode,
    /// Why.
    pub reason: String,
    /// Until when.
    pub expires: Option<String>,
}

/// A change that was judged without.
#[derive(Debug, Clone, Copy)]
pub struct NotUsed<'a> {
    /// The gate that met it.
    pub gate: Gate,
    /// The attempt.
    pub attempt: u32,
    /// What, where and why.
    pub reason: &'a Reason,
}

impl TaskFacts {
    pub(super) fn new(task: Task) -> Self {
        Self {
            task,
            phase: Phase::Waiting,
            adopted: false,
            wait: None,
            halt: None,
            sessions: Vec::new(),
            gates: Vec::new(),
            locks: Vec::new(),
            disputes: Vec::new(),
            answers: Vec::new(),
            waivers: Vec::new(),
            delivery: None,
            seconds: 0,
            first: None,
        }
    }
    /// The last judgement of a gate, refactorings left out.
    #[must_use]
    pub fn last(&self, gate: Gate) -> Option<&GateFact> {
        self.gates
            .iter()
            .rev()
            .find(|fact| fact.summary.gate() == gate && !fact.of_refactoring)
    }
    /// Full suites that were run.
    #[must_use]
    pub fn suite_runs(&self) -> u32 {
        self.gates
            .iter()
            .map(|fact| fact.summary.parts().suite_runs)
            .sum()
    }
    /// Sessions of a role.
    #[must_use]
    pub fn tries(&self, role: AgentRole) -> usize {
        self.sessions
            .iter()
            .filter(|session| session.role == role)
            .count()
    }
    /// The tests that the author (or an amendment) says serve a criterion, with the message they were red with.
    /// With a single criterion and no map every required test serves it.
    #[must_use]
    pub fn tests_of(&self, criterion: usize) -> Vec<(String, Option<String>)> {
        let red = self
            .gates
            .iter()
            .rev()
            .find(|fact| {
                fact.summary.gate() == Gate::Red && fact.summary.verdict() == Verdict::Pass
            })
            .map_or(&[][..], |fact| fact.summary.parts().tests.as_slice());
        let message = |test: &str| {
            red.iter()
                .find(|line| line.id == test || line.item == test)
                .and_then(|line| text::first_line(&line.message))
        };
        let map = self.locks.last().map(|fact| &fact.lock.criteria);
        let claimed = self
            .task
            .criteria
            .get(criterion)
            .and_then(|criterion| map?.get(&criterion.id));
        match claimed {
            Some(claimed) => claimed
                .iter()
                .map(|coverage| {
                    let mut name = coverage.test.clone();
                    if coverage.guard {
                        name.push_str(" (guard: passes before and after)");
                    }
                    if coverage.hidden {
                        name.push_str(" (hidden)");
                    }
                    (name, message(&coverage.test))
                })
                .collect(),
            None if self.task.criteria.len() == 1 && map.is_none_or(|map| map.is_empty()) => red
                .iter()
                .filter(|line| line.role == Role::Required)
                .map(|line| (line.id.clone(), text::first_line(&line.message)))
                .collect(),
            None => Vec::new(),
        }
    }
    /// Changes that were judged without, and why.
    #[must_use]
    pub fn not_used(&self) -> Vec<NotUsed<'_>> {
        self.gates
            .iter()
            .flat_map(|fact| {
                let parts = fact.summary.parts();
                parts
                    .reasons
                    .iter()
                    .chain(&parts.notes)
                    .filter(|reason| is_about_a_change(reason.code))
                    .map(|reason| NotUsed {
                        gate: parts.gate,
                        attempt: fact.attempt,
                        reason,
                    })
            })
            .collect()
    }
}

fn is_about_a_change(code: ReasonCode) -> bool {
    matches!(
        code,
        ReasonCode::LeftOut
            | ReasonCode::OutOfScope
            | ReasonCode::LockModified
            | ReasonCode::LockDeleted
            | ReasonCode::LockAdded
            | ReasonCode::LockedTestEdited
            | ReasonCode::ForbiddenFile
            | ReasonCode::ReportTampered
    )
}

impl Facts {
    /// Agents' tokens.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.sessions()
            .filter_map(|fact| fact.session.tokens)
            .fold(0, u64::saturating_add)
    }
    /// Agents' cost in millionths of a US dollar; `None` where none was told.
    #[must_use]
    pub fn micro_usd(&self) -> Option<u64> {
        self.sessions()
            .filter_map(|fact| fact.session.micro_usd)
            .reduce(u64::saturating_add)
    }
    /// Every session.
    pub fn sessions(&self) -> impl Iterator<Item = &SessionFact> {
        self.tasks.iter().flat_map(|task| &task.sessions)
    }
    /// How many tasks are in a phase.
    #[must_use]
    pub fn count(&self, phase: Phase) -> usize {
        self.tasks.iter().filter(|task| task.phase == phase).count()
    }
}
