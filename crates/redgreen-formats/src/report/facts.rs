//! The journal, folded into what reports show.

use super::text;
use redgreen_core::dispute::{Dispute, DisputeDecision, DisputeEvidence};
use redgreen_core::gate::Gate;
use redgreen_core::id::TaskId;
use redgreen_core::machine::{
    Action, AgentOutcome, AgentRole, AgentSession, Delivery, EffectKey, Event, GateSummary, Halt,
    Illegal, LockRef, Person, Phase, Standing, State, Step, Wait,
};
use redgreen_core::outcome::{Role, Verdict};
use redgreen_core::plan::{Plan, Task};
use redgreen_core::reason::{Reason, ReasonCode};
use std::collections::BTreeMap;

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
    /// Seconds from the first to the last entry, pauses included.
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
    first: Option<u64>,
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
    fn new(task: Task) -> Self {
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
        self.sessions().filter_map(|fact| fact.session.tokens).sum()
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

/// Folds a journal.
///
/// # Errors
/// [`ReportError`] for an empty journal and for one that no run can have written.
pub fn gather(journal: &[Entry]) -> Result<Facts, ReportError> {
    let (Some(first), Some(last)) = (journal.first(), journal.last()) else {
        return Err(ReportError::Empty);
    };
    let mut gathering = Gathering {
        state: State::new(),
        tasks: Vec::new(),
        places: BTreeMap::new(),
        approvals: Vec::new(),
    };
    for (index, entry) in journal.iter().enumerate() {
        gathering
            .take(entry)
            .map_err(|illegal| ReportError::Illegal {
                position: index + 1,
                illegal,
            })?;
    }
    let Gathering {
        state,
        mut tasks,
        approvals,
        ..
    } = gathering;
    let (Some(plan), Some(run)) = (state.plan().cloned(), state.run_id()) else {
        return Err(ReportError::Empty);
    };
    for facts in &mut tasks {
        if let Some(task) = state.task(&facts.task.id) {
            facts.phase = task.phase;
            facts.adopted = task.adopted;
            facts.wait = task.wait;
            facts.halt.clone_from(&task.halt);
        }
    }
    let seconds = text::seconds(&last.time)
        .unwrap_or(0)
        .saturating_sub(text::seconds(&first.time).unwrap_or(0));
    Ok(Facts {
        run: run.to_string(),
        standing: state.standing(),
        plan,
        state,
        begun: first.time.clone(),
        ended: last.time.clone(),
        seconds,
        approvals,
        tasks,
    })
}

struct Gathering {
    state: State,
    tasks: Vec<TaskFacts>,
    /// Where each task stands in `tasks`: a search for every entry is quadratic.
    places: BTreeMap<TaskId, usize>,
    approvals: Vec<(String, Person)>,
}

impl Gathering {
    fn take(&mut self, entry: &Entry) -> Result<(), Illegal> {
        let time = entry.time.clone();
        let action = key_of(&entry.event).and_then(|key| {
            let mut outstanding = self.state.outstanding();
            outstanding
                .find(|other| &other.effect.key == key)
                .map(|other| other.effect.action.clone())
        });
        self.state.apply(entry.event.clone())?;
        match &entry.event {
            Event::RunStarted { plan, approved, .. } => {
                self.approvals
                    .extend(approved.iter().map(|by| (time.clone(), by.clone())));
                self.follow_plan(plan);
            }
            Event::Approved { plan, by, .. } => {
                self.approvals.push((time, by.clone()));
                self.follow_plan(plan);
            }
            Event::AgentEnded {
                key,
                outcome,
                session,
            } => {
                if let Some(Action::StartAgent { role, attempt, .. }) = action {
                    let fact = SessionFact {
                        time,
                        role,
                        attempt,
                        outcome: *outcome,
                        session: session.clone(),
                    };
                    self.with(key.task.as_ref(), entry, |task| task.sessions.push(fact));
                }
            }
            Event::GateJudged { key, summary } => {
                if let Some(Action::RunGate { attempt, .. }) = action {
                    let fact = GateFact {
                        time,
                        attempt,
                        of_refactoring: key.step == Step::Refactor,
                        summary: (**summary).clone(),
                    };
                    self.with(key.task.as_ref(), entry, |task| task.gates.push(fact));
                }
            }
            Event::LockCommitted { key, lock } => {
                let fact = LockFact {
                    time,
                    lock: lock.clone(),
                    amended: None,
                };
                self.with(key.task.as_ref(), entry, |task| task.locks.push(fact));
            }
            Event::Delivered { key, delivery } => {
                let delivery = delivery.clone();
                self.with(key.task.as_ref(), entry, |task| {
                    task.delivery = Some(delivery)
                });
            }
            Event::Started { key }
            | Event::RefactorAdopted { key }
            | Event::RefactorDiscarded { key }
            | Event::Done { key }
            | Event::Faulted { key, .. } => self.with(key.task.as_ref(), entry, |_| ()),
            Event::Disputed { dispute, evidence } => {
                let open = self
                    .state
                    .task(&dispute.task)
                    .and_then(|t| t.dispute.as_ref());
                let fact = DisputeFact {
                    time,
                    dispute: dispute.clone(),
                    evidence: evidence.clone(),
                    decision: open.map_or(DisputeDecision::AskPerson, |open| open.decision),
                };
                self.with(Some(&dispute.task), entry, |task| task.disputes.push(fact));
            }
            Event::Amended {
                task,
                red,
                lock,
                reason,
                by,
            } => {
                let gate = GateFact {
                    time: time.clone(),
                    attempt: 1,
                    of_refactoring: false,
                    summary: (**red).clone(),
                };
                let lock = LockFact {
                    time: time.clone(),
                    lock: lock.clone(),
                    amended: Some((by.clone(), reason.clone())),
                };
                self.with(Some(task), entry, |facts| {
                    facts.gates.push(gate);
                    facts.locks.push(lock);
                });
                self.answer(task, entry, by, format!("amended the tests: {reason}"));
            }
            Event::Agreed { task, by } => self.answer(task, entry, by, "approved".to_owned()),
            Event::Retried { task, hint, by } => {
                let what = match hint {
                    Some(hint) => format!("gave fresh tries with a hint: {hint}"),
                    None => "gave fresh tries".to_owned(),
                };
                self.answer(task, entry, by, what);
            }
            Event::Taken { task, by } => self.answer(task, entry, by, "took it over".to_owned()),
            Event::HandedBack { task, by } => {
                self.answer(task, entry, by, "handed it back to be judged".to_owned());
            }
            Event::Reset { task, by } => {
                self.answer(task, entry, by, "started it from nothing".to_owned());
            }
            Event::Waived {
                task,
                code,
                reason,
                expires,
                by,
            } => {
                let fact = WaiverFact {
                    time,
                    by: by.clone(),
                    code: *code,
                    reason: reason.clone(),
                    expires: expires.clone(),
                };
                self.with(Some(task), entry, |facts| facts.waivers.push(fact));
            }
            Event::Differs { .. }
            | Event::Resumed { .. }
            | Event::StopRequested { .. }
            | Event::LimitReached { .. } => {}
        }
        Ok(())
    }

    /// Brings the list of tasks into the order of a plan. What happened to a task stays with it.
    fn follow_plan(&mut self, plan: &Plan) {
        let mut before = std::mem::take(&mut self.tasks);
        self.tasks = plan
            .tasks
            .iter()
            .map(|task| {
                let known = before.iter().position(|facts| facts.task.id == task.id);
                let mut facts = match known {
                    Some(at) => before.swap_remove(at),
                    None => TaskFacts::new(task.clone()),
                };
                facts.task = task.clone();
                facts
            })
            .collect();
        self.places = self
            .tasks
            .iter()
            .enumerate()
            .map(|(at, facts)| (facts.task.id.clone(), at))
            .collect();
    }

    fn with(&mut self, id: Option<&TaskId>, entry: &Entry, change: impl FnOnce(&mut TaskFacts)) {
        let at = id.and_then(|id| self.places.get(id).copied());
        let Some(facts) = at.and_then(|at| self.tasks.get_mut(at)) else {
            return;
        };
        if let Some(now) = text::seconds(&entry.time) {
            let first = *facts.first.get_or_insert(now);
            facts.seconds = now.saturating_sub(first);
        }
        change(facts);
    }

    fn answer(&mut self, task: &TaskId, entry: &Entry, by: &Person, what: String) {
        let answer = Answer {
            time: entry.time.clone(),
            by: by.clone(),
            what,
        };
        self.with(Some(task), entry, |facts| facts.answers.push(answer));
    }
}

fn key_of(event: &Event) -> Option<&EffectKey> {
    match event {
        Event::AgentEnded { key, .. } | Event::GateJudged { key, .. } => Some(key),
        Event::RunStarted { .. }
        | Event::Approved { .. }
        | Event::Differs { .. }
        | Event::Resumed { .. }
        | Event::Started { .. }
        | Event::LockCommitted { .. }
        | Event::RefactorAdopted { .. }
        | Event::RefactorDiscarded { .. }
        | Event::Delivered { .. }
        | Event::Done { .. }
        | Event::Faulted { .. }
        | Event::Disputed { .. }
        | Event::Agreed { .. }
        | Event::Amended { .. }
        | Event::Retried { .. }
        | Event::Taken { .. }
        | Event::HandedBack { .. }
        | Event::Waived { .. }
        | Event::Reset { .. }
        | Event::StopRequested { .. }
        | Event::LimitReached { .. } => None,
    }
}
