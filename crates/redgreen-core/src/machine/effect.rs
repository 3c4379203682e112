//! What the driver is asked to do.

use super::key::EffectKey;
use super::state::Wait;
use crate::dispute::{Dispute, DisputeEvidence};
use crate::exit::ExitCode;
use crate::gate::Gate;
use crate::id::{Digest, TaskId};
use crate::outcome::Verdict;
use crate::reason::Reason;

/// One thing to do, with its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// Its identity.
    pub key: EffectKey,
    /// What to do.
    pub action: Action,
}

/// A role of an agent inside a task (SPEC A6). Each is a session of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AgentRole {
    /// Writes tests.
    Author,
    /// Writes source.
    Implementer,
    /// Improves source after GREEN.
    Refactorer,
}

impl AgentRole {
    /// The text in prompts, logs and the journal.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Implementer => "implementer",
            Self::Refactorer => "refactorer",
        }
    }
}

/// How a session begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AgentMode {
    /// A new session.
    First,
    /// The session of this role goes on (SPEC A7), with feedback where there is some.
    Again,
    /// The author's tests were found wrong; it corrects them (SPEC A10, FIX mode).
    Fix,
}

/// What a session is told about what happened before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feedback {
    /// What happened.
    pub cause: FeedbackCause,
    /// The reasons of the gate.
    pub reasons: Vec<Reason>,
    /// The evidence whose output the driver quotes (tail kept, capped).
    pub evidence: Option<Digest>,
    /// What a person added (`retry --hint`).
    pub hint: Option<String>,
    /// The same failure twice in a row: three different written hypotheses are demanded (SPEC A7).
    pub three_hypotheses: bool,
}

/// What happened before a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedbackCause {
    /// A gate did not pass.
    Gate(Gate, Verdict),
    /// Files outside the allowed paths have to be dropped or declared; the attempt goes on.
    OutOfScope,
    /// A test was found wrong.
    Dispute(Dispute, Vec<DisputeEvidence>),
    /// The change conflicts with what was delivered meanwhile, in these paths.
    Conflict(Vec<String>),
    /// A person answered.
    Person,
}

/// Something a person wants to hear of (`[notify]`, SPEC G8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Notice {
    /// A task was halted.
    Halted,
    /// A person must decide.
    ApprovalNeeded,
    /// A limit was reached, or the run was stopped.
    Stopped,
    /// The run is at its end.
    Ended,
}

/// What to do. The result event that finishes it stands behind each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Start an agent session and wait for its end: `AgentEnded`.
    StartAgent {
        /// The role.
        role: AgentRole,
        /// The task.
        task: TaskId,
        /// The attempt, from 1, as a person counts: sessions that cost none have the same number.
        attempt: u32,
        /// How the session begins.
        mode: AgentMode,
        /// What it is told.
        feedback: Option<Box<Feedback>>,
    },
    /// Run a gate: `GateJudged`.
    RunGate {
        /// The gate.
        gate: Gate,
        /// The task.
        task: TaskId,
        /// The attempt whose work is judged.
        attempt: u32,
        /// How many full suites it may run. 0 for gates that run none.
        suites_left: u32,
    },
    /// Write the lock record and commit it: `LockCommitted`, or `Faulted`.
    CommitLock {
        /// The task.
        task: TaskId,
    },
    /// Take the refactored source as the candidate: `RefactorAdopted`, or `Faulted`.
    AdoptRefactor {
        /// The task.
        task: TaskId,
    },
    /// Go back to the source that GREEN passed: `RefactorDiscarded`, or `Faulted`.
    DiscardRefactor {
        /// The task.
        task: TaskId,
    },
    /// Commit and merge as configured: `Delivered`, or `Faulted`.
    Deliver {
        /// The task.
        task: TaskId,
    },
    /// Write [`super::State::derived`] into the plan file: `Done`, or `Faulted`.
    WritePlan,
    /// Write the report from the journal: `Done`, or `Faulted`.
    WriteReport,
    /// Run `[notify] command`: `Done`, or `Faulted`.
    Notify {
        /// What about.
        notice: Notice,
        /// The task, where it is about one.
        task: Option<TaskId>,
        /// The exit code the run has or would have.
        exit: ExitCode,
    },
    /// Show a question and go on; the answer is an event of its own: `Done`, or `Faulted`.
    AskPerson {
        /// The task.
        task: TaskId,
        /// What is waited for.
        question: Wait,
    },
}

impl Action {
    /// Whether a task waits for it. Book-keeping is allowed after a stop was requested; work is not.
    #[must_use]
    pub fn is_work(&self) -> bool {
        match self {
            Self::StartAgent { .. }
            | Self::RunGate { .. }
            | Self::CommitLock { .. }
            | Self::AdoptRefactor { .. }
            | Self::DiscardRefactor { .. }
            | Self::Deliver { .. } => true,
            Self::WritePlan | Self::WriteReport | Self::Notify { .. } | Self::AskPerson { .. } => {
                false
            }
        }
    }
}
