//! What is known about a run at one moment. A fold of its events, nothing else.

use super::budget::RunOptions;
use super::effect::{AgentRole, Effect, Feedback};
use super::event::{LockRef, Person, RunLimit};
use super::key::{EffectKey, RunId, Step};
use crate::dispute::{Dispute, DisputeDecision, DisputeEvidence};
use crate::exit::ExitCode;
use crate::gate::Gate;
use crate::id::{Digest, TaskId};
use crate::outcome::Verdict;
use crate::plan::{Plan, PlanStatus};
use crate::reason::{Reason, ReasonCode};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where a task stands (SPEC A4). The order of the working phases is the order in which they are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Not begun.
    Waiting,
    /// The author writes tests.
    Specify,
    /// The tests are judged.
    Red,
    /// The lock is being committed.
    Lock,
    /// The implementer writes source.
    Implement,
    /// The locked tests are judged.
    Green,
    /// The source is being improved.
    Refactor,
    /// Everything is judged.
    Full,
    /// The result is being delivered.
    Deliver,
    /// Delivered after a pass, or adopted by a person.
    Passed,
    /// Out of tries, or something outside failed.
    Halted,
    /// A person waived what halted it. Not delivered, and no dependency of it counts as passed.
    Waived,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 12] = [
        Self::Waiting,
        Self::Specify,
        Self::Red,
        Self::Lock,
        Self::Implement,
        Self::Green,
        Self::Refactor,
        Self::Full,
        Self::Deliver,
        Self::Passed,
        Self::Halted,
        Self::Waived,
    ];
    /// The text on the command line (`--until`) and in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Specify => "specify",
            Self::Red => "red",
            Self::Lock => "lock",
            Self::Implement => "implement",
            Self::Green => "green",
            Self::Refactor => "refactor",
            Self::Full => "full",
            Self::Deliver => "deliver",
            Self::Passed => "passed",
            Self::Halted => "halted",
            Self::Waived => "waived",
        }
    }
    /// Whether work is done in it.
    #[must_use]
    pub fn is_working(self) -> bool {
        match self {
            Self::Specify
            | Self::Red
            | Self::Lock
            | Self::Implement
            | Self::Green
            | Self::Refactor
            | Self::Full
            | Self::Deliver => true,
            Self::Waiting | Self::Passed | Self::Halted | Self::Waived => false,
        }
    }
}

/// Attempts begun, as a person counts them: from 1 once the task began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tries {
    /// Of the author, for the present set of tests.
    pub author: u32,
    /// Of the implementer, in the present validation round.
    pub implementer: u32,
    /// Validation rounds.
    pub validation: u32,
}

/// What a task waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wait {
    /// A person reads the tests after RED: `approve`, or `retry --hint`.
    TestsApproval,
    /// The gate cannot decide without an approval (a changed snapshot): `approve`, `retry`, `amend`.
    GateApproval(Gate),
    /// The gate is inconclusive: `approve` runs it again, `retry --hint` sends the agent back, `amend`, `take`.
    GateQuestion(Gate),
    /// A dispute without evidence, or a second one: `approve` sends the author back, `retry --hint` upholds the test,
    /// `amend` corrects it.
    Dispute,
    /// A person has taken the task: `check` hands it back, `retry` gives it to the agents again.
    Taken,
}

impl Wait {
    /// The code the run ends with when only waiting tasks are left.
    #[must_use]
    pub fn exit(self) -> ExitCode {
        match self {
            Self::GateQuestion(_) => ExitCode::NotDecided,
            Self::TestsApproval | Self::GateApproval(_) | Self::Dispute | Self::Taken => {
                ExitCode::ApprovalNeeded
            }
        }
    }
}

/// Why a task was halted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HaltCause {
    /// A gate refused the last attempt.
    Exhausted,
    /// Merging conflicts, and no validation round is left.
    Conflict,
    /// The full suite may not run once more in this round.
    SuiteBudget,
    /// A gate met an environment fault again and again.
    EnvironmentFault,
    /// No session ended with a result.
    AgentUnavailable,
    /// A session reached a limit, or its usage limit lasts too long.
    SessionLimit,
    /// Committing, adopting or delivering failed again and again.
    EffectFault,
}

/// A halt: what the error report says and how it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    /// Why.
    pub cause: HaltCause,
    /// The phase it happened in.
    pub phase: Phase,
    /// The exit code of the run.
    pub exit: ExitCode,
    /// The gate that refused, and its verdict.
    pub gate: Option<(Gate, Verdict)>,
    /// The reasons.
    pub reasons: Vec<Reason>,
    /// The evidence of the gate.
    pub evidence: Option<Digest>,
    /// How `Resumed` continues; `None` where a person has to answer first.
    pub(super) resume: Option<ResumeBy>,
}

impl Halt {
    /// Whether running again is enough once the cause is gone.
    #[must_use]
    pub fn is_resumable(&self) -> bool {
        self.resume.is_some()
    }
}

/// How a halted task goes on by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResumeBy {
    /// Enter the phase again.
    Phase,
    /// Adopt the refactored source once more.
    Adopt,
    /// Discard the refactored source once more.
    Discard,
}

/// What a person waived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// The waived reason.
    pub code: ReasonCode,
    /// Why.
    pub reason: String,
    /// Until when; `None` for ever.
    pub expires: Option<String>,
    /// Who.
    pub by: Person,
}

/// A dispute that is not settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDispute {
    /// What was asked.
    pub dispute: Dispute,
    /// What the referee found.
    pub evidence: Vec<DisputeEvidence>,
    /// What happens with it.
    pub decision: DisputeDecision,
}

/// One task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskState {
    /// Where it stands.
    pub phase: Phase,
    /// Attempts begun.
    pub tries: Tries,
    /// Full suites run in the present validation round.
    pub suites: u32,
    /// Full suites run in all.
    pub suites_total: u32,
    /// Sessions in a row that ended without a result.
    pub free_restarts: u32,
    /// Environment faults of one gate or effect in a row.
    pub reruns: u32,
    /// Sessions of the present attempt that only had to deal with files out of scope.
    pub scope_rounds: u32,
    /// Every lock, the valid one last.
    pub locks: Vec<LockRef>,
    /// The signature of the last refusal.
    pub signature: Option<Digest>,
    /// Whether the author was sent back by a dispute (once per task).
    pub sent_back: bool,
    /// A dispute that is not settled.
    pub dispute: Option<OpenDispute>,
    /// What it waits for.
    pub wait: Option<Wait>,
    /// The phase that `--until` keeps it from entering.
    pub parked: Option<Phase>,
    /// Why it is halted.
    pub halt: Option<Halt>,
    /// What a person waived.
    pub waiver: Option<Waiver>,
    /// Who has taken it.
    pub taken: Option<Person>,
    /// Adopted as done from before the journal: never verified.
    pub adopted: bool,
    /// What the next session is told.
    pub feedback: Option<Box<Feedback>>,
    /// The author is correcting its tests.
    pub(super) fixing: bool,
    /// The dispute that sent the author back, to tell the implementer after the new lock.
    pub(super) settled: Option<(Dispute, Vec<DisputeEvidence>)>,
    /// The roles that had a session.
    pub(super) sessions: BTreeSet<AgentRole>,
}

impl TaskState {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Waiting,
            tries: Tries::default(),
            suites: 0,
            suites_total: 0,
            free_restarts: 0,
            reruns: 0,
            scope_rounds: 0,
            locks: Vec::new(),
            signature: None,
            sent_back: false,
            dispute: None,
            wait: None,
            parked: None,
            halt: None,
            waiver: None,
            taken: None,
            adopted: false,
            feedback: None,
            fixing: false,
            settled: None,
            sessions: BTreeSet::new(),
        }
    }
    /// Whether it takes one of the places that `jobs` gives.
    #[must_use]
    pub fn is_in_flight(&self) -> bool {
        self.phase.is_working() && self.wait.is_none() && self.parked.is_none()
    }
}

/// Whether a person approved what is being done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approval {
    /// Nobody did yet, or the plan or the configuration differs from what was approved.
    Needed,
    /// This person did.
    Given(Person),
}

/// An effect that has no result yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outstanding {
    /// The effect.
    pub effect: Effect,
    /// Whether the driver began it since the last `Resumed`.
    pub started: bool,
}

/// Why nothing new is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// A person asked for it.
    Person(Person),
    /// A limit of the run was reached.
    Limit(RunLimit),
}

/// Where the run stands, for the driver: whether there is something to wait for, and the exit code if not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// No run has begun.
    Empty,
    /// Work is outstanding.
    Working,
    /// A person must approve the plan first (exit 14).
    NeedsApproval,
    /// Every task that could go on waits for a person.
    WaitsForPerson(ExitCode),
    /// It was stopped, and nothing runs any more (exit 12).
    Stopped,
    /// `--until` was reached (exit 0).
    Parked,
    /// Nothing is left to do without a person.
    Ended(ExitCode),
}

impl Standing {
    /// The exit code of a driver that ends now; `None` while work is outstanding.
    #[must_use]
    pub fn exit(self) -> Option<ExitCode> {
        match self {
            Self::Empty | Self::Working => None,
            Self::NeedsApproval => Some(ExitCode::ApprovalNeeded),
            Self::WaitsForPerson(code) | Self::Ended(code) => Some(code),
            Self::Stopped => Some(ExitCode::Limit),
            Self::Parked => Some(ExitCode::Pass),
        }
    }
}

/// The fields of the plan file that follow from the journal (SPEC A1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    /// The plan's status.
    pub status: PlanStatus,
    /// Whether each task passed: verified by this journal, or adopted by a person.
    pub passes: BTreeMap<TaskId, bool>,
}

/// A run at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    pub(super) run: Option<Run>,
}

/// Everything about a run that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) id: RunId,
    pub(super) plan: Arc<Plan>,
    /// Indices of the tasks by priority, then file order.
    pub(super) start_order: Arc<[usize]>,
    pub(super) definition: Digest,
    pub(super) configuration: Digest,
    pub(super) options: RunOptions,
    pub(super) approval: Approval,
    pub(super) tasks: BTreeMap<TaskId, TaskState>,
    pub(super) outstanding: BTreeMap<EffectKey, Outstanding>,
    pub(super) counters: BTreeMap<(Option<TaskId>, Step), u32>,
    /// Halted tasks in the order in which they were halted.
    pub(super) halted: Vec<TaskId>,
    pub(super) stop: Option<Stop>,
    pub(super) announced: Option<Standing>,
}

impl State {
    /// The state before anything happened.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// The run's name; `None` before it began.
    #[must_use]
    pub fn run_id(&self) -> Option<&RunId> {
        self.run.as_ref().map(|run| &run.id)
    }
    /// The plan as it was frozen; `None` before the run began.
    #[must_use]
    pub fn plan(&self) -> Option<&Plan> {
        self.run.as_ref().map(|run| run.plan.as_ref())
    }
    /// Digests of the approved (or to be approved) definition and configuration.
    #[must_use]
    pub fn frozen(&self) -> Option<(Digest, Digest)> {
        self.run
            .as_ref()
            .map(|run| (run.definition, run.configuration))
    }
    /// How the run is to be done.
    #[must_use]
    pub fn options(&self) -> Option<&RunOptions> {
        self.run.as_ref().map(|run| &run.options)
    }
    /// Whether a person approved what is being done.
    #[must_use]
    pub fn approval(&self) -> Option<&Approval> {
        self.run.as_ref().map(|run| &run.approval)
    }
    /// Why nothing new is started.
    #[must_use]
    pub fn stop(&self) -> Option<&Stop> {
        self.run.as_ref().and_then(|run| run.stop.as_ref())
    }
    /// A task.
    #[must_use]
    pub fn task(&self, id: &TaskId) -> Option<&TaskState> {
        self.run.as_ref().and_then(|run| run.tasks.get(id))
    }
    /// Every task, by id.
    pub fn tasks(&self) -> impl Iterator<Item = (&TaskId, &TaskState)> {
        self.run.iter().flat_map(|run| run.tasks.iter())
    }
    /// Every effect without a result, by key.
    pub fn outstanding(&self) -> impl Iterator<Item = &Outstanding> {
        self.run.iter().flat_map(|run| run.outstanding.values())
    }
    /// Where the run stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.run.as_ref().map_or(Standing::Empty, Run::standing)
    }
    /// The derived fields of the plan file; `None` before the run began.
    #[must_use]
    pub fn derived(&self) -> Option<Derived> {
        let run = self.run.as_ref()?;
        let done = run
            .tasks
            .values()
            .all(|task| matches!(task.phase, Phase::Passed | Phase::Waived));
        let status = match (&run.approval, run.standing()) {
            (Approval::Needed, _) => PlanStatus::Draft,
            (Approval::Given(_), _) if done => PlanStatus::Complete,
            (Approval::Given(_), Standing::Ended(_)) if !run.halted.is_empty() => {
                PlanStatus::Halted
            }
            (Approval::Given(_), _) => PlanStatus::InProgress,
        };
        Some(Derived {
            status,
            passes: run
                .tasks
                .iter()
                .map(|(id, task)| (id.clone(), task.phase == Phase::Passed))
                .collect(),
        })
    }
}

/// Indices of the tasks by priority, then file order (SPEC A3).
pub(super) fn start_order(plan: &Plan) -> Arc<[usize]> {
    let mut order: Vec<usize> = (0..plan.tasks.len()).collect();
    // The sort is stable, so equal priorities keep the order of the file.
    order.sort_by_key(|index| plan.tasks.get(*index).map(|task| task.priority));
    Arc::from(order)
}

impl Run {
    /// Whether no new work is handed out.
    pub(super) fn is_held(&self) -> bool {
        self.stop.is_some() || self.approval == Approval::Needed
    }
    pub(super) fn is_selected(&self, id: &TaskId) -> bool {
        self.options
            .only
            .as_ref()
            .is_none_or(|only| only.contains(id))
    }
    pub(super) fn standing(&self) -> Standing {
        let work = |started_only: bool| {
            self.outstanding.values().any(|outstanding| {
                outstanding.effect.action.is_work() && (outstanding.started || !started_only)
            })
        };
        if self.is_held() {
            return match (work(true), &self.stop) {
                (true, _) => Standing::Working,
                (false, Some(_)) => Standing::Stopped,
                (false, None) => Standing::NeedsApproval,
            };
        }
        if work(false) {
            return Standing::Working;
        }
        let first_halt = self
            .halted
            .first()
            .and_then(|id| self.tasks.get(id))
            .and_then(|task| task.halt.as_ref());
        if let Some(halt) = first_halt {
            return Standing::Ended(halt.exit);
        }
        let in_plan_order = || {
            self.plan
                .tasks
                .iter()
                .filter_map(|task| self.tasks.get(&task.id))
        };
        if let Some(wait) = in_plan_order().find_map(|task| task.wait) {
            return Standing::WaitsForPerson(wait.exit());
        }
        if in_plan_order().any(|task| task.parked.is_some()) {
            return Standing::Parked;
        }
        let left = self
            .tasks
            .iter()
            .any(|(id, task)| task.phase == Phase::Waiting && self.is_selected(id));
        // What is left waits behind a waived task or one that was not selected: a person has to say how to go on.
        Standing::Ended(if left {
            ExitCode::ApprovalNeeded
        } else {
            ExitCode::Pass
        })
    }
}
