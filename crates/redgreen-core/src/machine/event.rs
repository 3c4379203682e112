//! What happened. Events are recorded before they are acted on; the journal of events is the run.

use super::budget::RunOptions;
use super::key::{EffectKey, RunId};
use super::summary::GateSummary;
use crate::dispute::{Dispute, DisputeEvidence};
use crate::id::{Digest, TaskId};
use crate::plan::Plan;
use crate::reason::{Reason, ReasonCode};
use crate::test_item::CriteriaMap;
use std::fmt;

/// A person, as git and the operating system name them. It is recorded, not proven.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Person(pub String);

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a session ended (SPEC F2). None of it feeds a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AgentOutcome {
    /// It says that it is done; a gate judges.
    Done,
    /// The provider's usage limit was reached and lifted again while the driver waited. Costs nothing.
    UsageLimit,
    /// The usage limit lasts longer than `max_wait`. Halts, resumable.
    UsageLimitTooLong,
    /// The provider failed. Costs nothing.
    ProviderError,
    /// The agent crashed. Costs nothing.
    Crashed,
    /// The environment failed: no disk, no sandbox, no network. Costs nothing.
    EnvironmentFault,
    /// A limit of the session (time, idle time, money) was reached. Halts, resumable.
    SessionLimit,
    /// It was ended because the run is being stopped. Costs nothing; starts over when the run is resumed.
    Stopped,
}

/// What is known about a session. Informative.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AgentSession {
    /// The agent's name, such as `claude`.
    pub agent: String,
    /// The model, where it is known.
    pub model: Option<String>,
    /// The agent's own session id, to resume it.
    pub session: Option<String>,
    /// Tokens in and out together.
    pub tokens: Option<u64>,
    /// Cost in millionths of a US dollar.
    pub micro_usd: Option<u64>,
    /// Milliseconds.
    pub duration_ms: u64,
    /// Digest of the log, which is kept in private state.
    pub log: Option<Digest>,
    /// The isolation level it ran at, where it was recorded.
    pub isolation: Option<String>,
}

/// A lock that was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockRef {
    /// Digest of the lock record.
    pub record: Digest,
    /// The commit.
    pub commit: String,
    /// Which tests serve which criterion: the author's claim, for the report.
    pub criteria: CriteriaMap,
    /// How many tests it locks.
    pub tests: usize,
    /// How many other files it locks.
    pub files: usize,
}

/// What became of a delivery (SPEC G7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The user's branch has it.
    Merged {
        /// The commit.
        commit: String,
    },
    /// It is on the run's branch; the user's branch was left alone and this command merges it.
    OnRunBranch {
        /// The commit.
        commit: String,
        /// The command to type.
        command: String,
    },
    /// Something else was delivered meanwhile and the content tree changed: FULL runs again.
    ContentChanged {
        /// The git tree id of the new content.
        tree: String,
    },
    /// It conflicts in these paths.
    Conflict {
        /// The paths.
        paths: Vec<String>,
    },
}

/// A limit of the whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunLimit {
    /// Wall-clock time.
    Time,
    /// Tokens.
    Tokens,
    /// Money.
    Money,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A run of a plan begins. Always the first event.
    RunStarted {
        /// Its name.
        run: RunId,
        /// The plan, frozen from here on.
        plan: Box<Plan>,
        /// Digest of its definition.
        definition: Digest,
        /// Digest of the effective configuration.
        configuration: Digest,
        /// How it is to be done.
        options: RunOptions,
        /// Who approved exactly this definition; `None` asks for approval.
        approved: Option<Person>,
        /// Tasks that a person adopted as done before the journal began. They are never called verified.
        adopted: Vec<TaskId>,
    },
    /// A person approved a definition: the first, or a changed one.
    Approved {
        /// The plan.
        plan: Box<Plan>,
        /// Digest of its definition.
        definition: Digest,
        /// Digest of the effective configuration.
        configuration: Digest,
        /// Who.
        by: Person,
    },
    /// The plan or the configuration differs from what was approved. Nothing starts until it is approved or put back.
    Differs {
        /// Digest of the definition that was found.
        definition: Digest,
        /// Digest of the configuration that was found.
        configuration: Digest,
    },
    /// The driver goes on after a stop, a crash or an end. Everything outstanding is handed out again.
    Resumed {
        /// How it is to be done from here on.
        options: RunOptions,
        /// Who.
        by: Person,
    },
    /// The driver begins to carry out an effect.
    Started {
        /// Which.
        key: EffectKey,
    },
    /// A session ended.
    AgentEnded {
        /// Which.
        key: EffectKey,
        /// How.
        outcome: AgentOutcome,
        /// What is known about it.
        session: AgentSession,
    },
    /// A gate was judged.
    GateJudged {
        /// Which.
        key: EffectKey,
        /// The result.
        summary: Box<GateSummary>,
    },
    /// A lock was committed.
    LockCommitted {
        /// Which.
        key: EffectKey,
        /// The lock.
        lock: LockRef,
    },
    /// The refactored source is the candidate.
    RefactorAdopted {
        /// Which.
        key: EffectKey,
    },
    /// The source that GREEN passed is the candidate again.
    RefactorDiscarded {
        /// Which.
        key: EffectKey,
    },
    /// A delivery ended.
    Delivered {
        /// Which.
        key: EffectKey,
        /// How.
        delivery: Delivery,
    },
    /// A book-keeping effect is done.
    Done {
        /// Which.
        key: EffectKey,
    },
    /// An effect that is neither a session nor a gate could not be done.
    Faulted {
        /// Which.
        key: EffectKey,
        /// Why.
        fault: Reason,
    },
    /// The implementer disputes a test.
    Disputed {
        /// What was asked.
        dispute: Dispute,
        /// What the referee found.
        evidence: Vec<DisputeEvidence>,
    },
    /// A person says yes to what a task waits for: the tests after RED, a snapshot, a dispute. The gate runs again
    /// where there is one; the answer itself is no verdict.
    Agreed {
        /// The task.
        task: TaskId,
        /// Who.
        by: Person,
    },
    /// A person corrected locked tests; they were proven red again on the base.
    Amended {
        /// The task.
        task: TaskId,
        /// The RED gate on the corrected tests. Anything but a pass is illegal.
        red: Box<GateSummary>,
        /// The new lock.
        lock: LockRef,
        /// Why, in the person's words.
        reason: String,
        /// Who.
        by: Person,
    },
    /// A person gives guidance and fresh tries.
    Retried {
        /// The task.
        task: TaskId,
        /// The guidance.
        hint: Option<String>,
        /// Who.
        by: Person,
    },
    /// A person takes a task over.
    Taken {
        /// The task.
        task: TaskId,
        /// Who.
        by: Person,
    },
    /// The person wants the work judged.
    HandedBack {
        /// The task.
        task: TaskId,
        /// Who.
        by: Person,
    },
    /// A person waives a reason; the verdict stays what it was.
    Waived {
        /// The task.
        task: TaskId,
        /// What is waived.
        code: ReasonCode,
        /// Why.
        reason: String,
        /// Until when, as a date; `None` for ever.
        expires: Option<String>,
        /// Who.
        by: Person,
    },
    /// A task starts from nothing. Locks and verdicts stay in the journal.
    Reset {
        /// The task.
        task: TaskId,
        /// Who.
        by: Person,
    },
    /// A person stops the run (`stop`, Ctrl-C).
    StopRequested {
        /// Who.
        by: Person,
    },
    /// A limit of the run was reached: like a stop.
    LimitReached {
        /// Which.
        limit: RunLimit,
    },
}
