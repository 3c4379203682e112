//! The fold over the journal that makes [`Facts`].

use super::facts::{
    Answer, DisputeFact, Entry, Facts, GateFact, LockFact, ReportError, SessionFact, TaskFacts,
    WaiverFact,
};
use super::text;
use redgreen_core::dispute::DisputeDecision;
use redgreen_core::id::TaskId;
use redgreen_core::machine::{Action, EffectKey, Event, Illegal, Person, State, Step};
use redgreen_core::plan::Plan;
use std::collections::BTreeMap;

/// Folds a journal.
///
/// # Errors
/// [`ReportError`] for an empty journal and for one that no run can have written.
pub fn gather(journal: &[Entry]) -> Result<Facts, ReportError> {
    let (Some(first), Some(last)) = (journal.first(), journal.last()) else {
        return Err(ReportError::Empty);
    };
    let mut gathering = Gathering {
        clock: Clock::default(),
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
        clock,
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
    Ok(Facts {
        run: run.to_string(),
        standing: state.standing(),
        plan,
        state,
        begun: first.time.clone(),
        ended: last.time.clone(),
        seconds: clock.passed,
        approvals,
        tasks,
    })
}

/// Seconds since the first entry. The wall clock of a machine may step back in the middle of a run: such a step takes
/// nothing away from what had passed before.
#[derive(Default)]
struct Clock {
    last: Option<u64>,
    passed: u64,
}

impl Clock {
    fn see(&mut self, time: &str) {
        if let Some(now) = text::seconds(time) {
            self.passed += now.saturating_sub(self.last.unwrap_or(now));
            self.last = Some(now);
        }
    }
}

struct Gathering {
    clock: Clock,
    state: State,
    tasks: Vec<TaskFacts>,
    /// Where each task stands in `tasks`: a search for every entry is quadratic.
    places: BTreeMap<TaskId, usize>,
    approvals: Vec<(String, Person)>,
}

impl Gathering {
    fn take(&mut self, entry: &Entry) -> Result<(), Illegal> {
        self.clock.see(&entry.time);
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
                    self.with(key.task.as_ref(), |task| task.sessions.push(fact));
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
                    self.with(key.task.as_ref(), |task| task.gates.push(fact));
                }
            }
            Event::LockCommitted { key, lock } => {
                let fact = LockFact {
                    time,
                    lock: lock.clone(),
                    amended: None,
                };
                self.with(key.task.as_ref(), |task| task.locks.push(fact));
            }
            Event::Delivered { key, delivery } => {
                let delivery = delivery.clone();
                self.with(key.task.as_ref(), |task| task.delivery = Some(delivery));
            }
            Event::Started { key }
            | Event::RefactorAdopted { key }
            | Event::RefactorDiscarded { key }
            | Event::Done { key }
            | Event::Faulted { key, .. } => self.with(key.task.as_ref(), |_| ()),
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
                self.with(Some(&dispute.task), |task| task.disputes.push(fact));
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
                self.with(Some(task), |facts| {
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
                self.with(Some(task), |facts| facts.waivers.push(fact));
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

    fn with(&mut self, id: Option<&TaskId>, change: impl FnOnce(&mut TaskFacts)) {
        let now = self.clock.passed;
        let at = id.and_then(|id| self.places.get(id).copied());
        let Some(facts) = at.and_then(|at| self.tasks.get_mut(at)) else {
            return;
        };
        facts.seconds = now - *facts.first.get_or_insert(now);
        change(facts);
    }

    fn answer(&mut self, task: &TaskId, entry: &Entry, by: &Person, what: String) {
        let answer = Answer {
            time: entry.time.clone(),
            by: by.clone(),
            what,
        };
        self.with(Some(task), |facts| facts.answers.push(answer));
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
