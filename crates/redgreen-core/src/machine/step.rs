//! `step`: one event, one transition. Checks first, so that an illegal event changes nothing.

use super::drive::Drive;
use super::effect::{Action, Effect};
use super::event::Event;
use super::key::EffectKey;
use super::state::{
    Approval, Outstanding, Phase, Run, State, Stop, TaskState, Wait, Waiver, start_order,
};
use super::summary::GateSummary;
use crate::gate::Gate;
use crate::id::TaskId;
use crate::outcome::Verdict;
use crate::plan::{self, Plan};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an event leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// The state after it.
    pub next: State,
    /// What to do now, in this order. An effect can be handed out more than once under the same key, after `Resumed`
    /// and `Approved`; the driver carries it out once. When `Started` is illegal for a key that was handed out, the
    /// effect is not wanted any more.
    pub effects: Vec<Effect>,
}

/// Why an event cannot have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IllegalKind {
    /// No run has begun.
    NoRun,
    /// A run has begun already.
    AlreadyBegun,
    /// The plan cannot be run.
    InvalidPlan,
    /// The plan has no such task.
    UnknownTask,
    /// No effect with this key is outstanding.
    UnknownKey,
    /// The effect with this key has another kind of result.
    WrongResult,
    /// The effect was not recorded as started.
    NotStarted,
    /// The task or the run is not in a state in which this can be done.
    NotNow,
    /// More suites were run than were left.
    OverBudget,
    /// Tests can be amended only after RED passed on them.
    NoVerdict,
}

/// An event that cannot have happened in this state. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Illegal {
    /// The kind.
    pub kind: IllegalKind,
    /// The fact, a lower-case fragment.
    pub message: String,
    /// The next step.
    pub help: String,
}

fn illegal<T>(
    kind: IllegalKind,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Result<T, Illegal> {
    Err(Illegal {
        kind,
        message: message.into(),
        help: help.into(),
    })
}

/// Applies one event.
///
/// # Errors
/// [`Illegal`] when the event cannot have happened in this state.
pub fn step(state: &State, event: Event) -> Result<Transition, Illegal> {
    let mut next = state.clone();
    let effects = next.apply(event)?;
    Ok(Transition { next, effects })
}

impl State {
    /// Applies one event in place and returns what to do: [`step`] without the copy.
    ///
    /// # Errors
    /// [`Illegal`] when the event cannot have happened; the state is unchanged then.
    pub fn apply(&mut self, event: Event) -> Result<Vec<Effect>, Illegal> {
        let Some(run) = self.run.as_mut() else {
            let (run, effects) = begin_run(event)?;
            self.run = Some(run);
            return Ok(effects);
        };
        check(run, &event)?;
        let mut drive = Drive {
            run,
            effects: Vec::new(),
            unsettled: false,
        };
        carry_out(&mut drive, event);
        if drive.unsettled {
            drive.settle();
        }
        Ok(drive.effects)
    }

    /// Whether an event can happen now: whether [`State::apply`] would carry it out.
    ///
    /// # Errors
    /// [`Illegal`] when it cannot.
    pub fn check(&self, event: &Event) -> Result<(), Illegal> {
        match &self.run {
            Some(run) => check(run, event),
            None => begin_run(event.clone()).map(drop),
        }
    }

    /// The state after a list of events: how a run is taken up again.
    ///
    /// # Errors
    /// [`Illegal`] for the first event that cannot have happened, with its position from 0.
    pub fn replay(events: impl IntoIterator<Item = Event>) -> Result<Self, (usize, Illegal)> {
        let mut state = Self::new();
        for (index, event) in events.into_iter().enumerate() {
            state.apply(event).map_err(|illegal| (index, illegal))?;
        }
        Ok(state)
    }
}

fn begin_run(event: Event) -> Result<(Run, Vec<Effect>), Illegal> {
    let Event::RunStarted {
        run: id,
        plan,
        definition,
        configuration,
        options,
        approved,
        adopted,
    } = event
    else {
        return illegal(
            IllegalKind::NoRun,
            "no run has begun",
            "start one: redgreen run",
        );
    };
    check_plan(&plan)?;
    let mut tasks: BTreeMap<TaskId, TaskState> = plan
        .tasks
        .iter()
        .map(|task| (task.id.clone(), TaskState::new()))
        .collect();
    for id in &adopted {
        let Some(task) = tasks.get_mut(id) else {
            return unknown_task(id);
        };
        task.phase = Phase::Passed;
        task.adopted = true;
    }
    let mut run = Run {
        id,
        start_order: start_order(&plan),
        plan: Arc::from(plan),
        definition,
        configuration,
        options,
        approval: approved.map_or(Approval::Needed, Approval::Given),
        tasks,
        outstanding: BTreeMap::new(),
        counters: BTreeMap::new(),
        halted: Vec::new(),
        stop: None,
        announced: None,
    };
    let mut drive = Drive {
        run: &mut run,
        effects: Vec::new(),
        unsettled: true,
    };
    drive.emit(None, super::key::Step::Plan, Action::WritePlan);
    drive.settle();
    let effects = drive.effects;
    Ok((run, effects))
}

fn check_plan(plan: &Plan) -> Result<(), Illegal> {
    match plan::validate(plan).into_iter().next() {
        Some(problem) => illegal(IllegalKind::InvalidPlan, problem.message, problem.help),
        None => Ok(()),
    }
}

fn unknown_task<T>(id: &TaskId) -> Result<T, Illegal> {
    illegal(
        IllegalKind::UnknownTask,
        format!("the plan has no task `{id}`"),
        "see the tasks: redgreen status",
    )
}

fn task<'a>(run: &'a Run, id: &TaskId) -> Result<&'a TaskState, Illegal> {
    run.tasks.get(id).map_or_else(|| unknown_task(id), Ok)
}

fn outstanding<'a>(run: &'a Run, key: &EffectKey) -> Result<&'a Outstanding, Illegal> {
    match run.outstanding.get(key) {
        Some(outstanding) => Ok(outstanding),
        None => illegal(
            IllegalKind::UnknownKey,
            format!("nothing is outstanding under `{key}`"),
            "a result counts once, and only for what was asked",
        ),
    }
}

/// A task that a person can answer: it waits or is halted, and nothing of it runs.
fn answerable<'a>(run: &'a Run, id: &TaskId) -> Result<&'a TaskState, Illegal> {
    let task = task(run, id)?;
    let busy = run
        .outstanding
        .values()
        .any(|other| other.effect.key.task.as_ref() == Some(id) && other.effect.action.is_work());
    if busy {
        return illegal(
            IllegalKind::NotNow,
            format!("`{id}` is being worked on ({})", task.phase.as_str()),
            "wait for it, or stop the run: redgreen stop",
        );
    }
    if task.wait.is_none() && task.phase != Phase::Halted {
        return illegal(
            IllegalKind::NotNow,
            format!(
                "`{id}` does not wait for an answer ({})",
                task.phase.as_str()
            ),
            "see what waits: redgreen status",
        );
    }
    Ok(task)
}

/// An outstanding effect whose result has the right kind.
fn expected<'a>(
    run: &'a Run,
    key: &EffectKey,
    is: impl Fn(&Action) -> bool,
) -> Result<&'a Outstanding, Illegal> {
    let found = outstanding(run, key)?;
    if is(&found.effect.action) {
        Ok(found)
    } else {
        wrong_result(key)
    }
}

fn wrong_result<T>(key: &EffectKey) -> Result<T, Illegal> {
    illegal(
        IllegalKind::WrongResult,
        format!("`{key}` has another kind of result"),
        "record the result of the effect that was handed out",
    )
}

fn started(key: &EffectKey, outstanding: &Outstanding) -> Result<(), Illegal> {
    if outstanding.started {
        return Ok(());
    }
    illegal(
        IllegalKind::NotStarted,
        format!("`{key}` has a result and was not recorded as started"),
        "record `Started` before an effect is carried out",
    )
}

fn check_summary(key: &EffectKey, action: &Action, summary: &GateSummary) -> Result<(), Illegal> {
    let Action::RunGate {
        gate, suites_left, ..
    } = action
    else {
        return wrong_result(key);
    };
    if *gate != summary.gate() {
        return wrong_result(key);
    }
    if summary.parts().suite_runs > *suites_left {
        return illegal(
            IllegalKind::OverBudget,
            format!(
                "{} full suites were run for `{key}`, {suites_left} were left",
                summary.parts().suite_runs
            ),
            "use the cached baseline, or go without",
        );
    }
    Ok(())
}

fn check(run: &Run, event: &Event) -> Result<(), Illegal> {
    match event {
        Event::RunStarted { .. } => illegal(
            IllegalKind::AlreadyBegun,
            format!("run `{}` has begun already", run.id),
            "go on with it: redgreen run",
        ),
        Event::Approved {
            plan, definition, ..
        } => {
            check_plan(plan)?;
            let working = run
                .outstanding
                .values()
                .any(|other| other.started && other.effect.action.is_work());
            if working && *definition != run.definition {
                return illegal(
                    IllegalKind::NotNow,
                    "a changed plan cannot be approved while tasks are worked on",
                    "stop the run first: redgreen stop",
                );
            }
            Ok(())
        }
        Event::Differs { .. }
        | Event::Resumed { .. }
        | Event::StopRequested { .. }
        | Event::LimitReached { .. } => Ok(()),
        Event::Started { key } => outstanding(run, key).map(|_| ()),
        Event::AgentEnded { key, .. } => {
            let is = |action: &Action| matches!(action, Action::StartAgent { .. });
            started(key, expected(run, key, is)?)
        }
        Event::GateJudged { key, summary } => {
            let found = outstanding(run, key)?;
            check_summary(key, &found.effect.action, summary)?;
            started(key, found)
        }
        Event::LockCommitted { key, .. } => {
            let is = |action: &Action| matches!(action, Action::CommitLock { .. });
            expected(run, key, is).map(|_| ())
        }
        Event::RefactorAdopted { key } => {
            let is = |action: &Action| matches!(action, Action::AdoptRefactor { .. });
            expected(run, key, is).map(|_| ())
        }
        Event::RefactorDiscarded { key } => {
            let is = |action: &Action| matches!(action, Action::DiscardRefactor { .. });
            expected(run, key, is).map(|_| ())
        }
        Event::Delivered { key, .. } => {
            let is = |action: &Action| matches!(action, Action::Deliver { .. });
            expected(run, key, is).map(|_| ())
        }
        Event::Done { key } => expected(run, key, |action| !action.is_work()).map(|_| ()),
        Event::Faulted { key, .. } => {
            // These two have ways of their own to say that the environment failed.
            let is = |action: &Action| {
                !matches!(action, Action::StartAgent { .. } | Action::RunGate { .. })
            };
            expected(run, key, is).map(|_| ())
        }
        Event::Disputed { dispute, .. } => check_dispute(run, &dispute.task),
        Event::Agreed { task: id, .. } => match answerable(run, id)?.wait {
            Some(
                Wait::TestsApproval | Wait::GateApproval(_) | Wait::GateQuestion(_) | Wait::Dispute,
            ) => Ok(()),
            Some(Wait::Taken) | None => illegal(
                IllegalKind::NotNow,
                format!("`{id}` does not wait for an approval"),
                format!("redgreen check {id}, or redgreen retry {id}"),
            ),
        },
        Event::Amended { task: id, red, .. } => {
            let has_tests = run.plan.task(id).is_some_and(|task| task.mode.has_red());
            if answerable(run, id)?.locks.is_empty() || !has_tests {
                return illegal(
                    IllegalKind::NotNow,
                    format!("`{id}` has no locked tests to amend"),
                    format!("redgreen retry {id} --hint '…'"),
                );
            }
            if red.gate() != Gate::Red || red.verdict() != Verdict::Pass {
                return illegal(
                    IllegalKind::NoVerdict,
                    format!("the amended tests of `{id}` did not pass RED on the base"),
                    "correct them; they must fail without the implementation",
                );
            }
            Ok(())
        }
        Event::Retried { task: id, .. }
        | Event::Taken { task: id, .. }
        | Event::Waived { task: id, .. } => answerable(run, id).map(|_| ()),
        Event::HandedBack { task: id, .. } => match answerable(run, id)?.wait {
            Some(Wait::Taken) => Ok(()),
            Some(
                Wait::TestsApproval | Wait::GateApproval(_) | Wait::GateQuestion(_) | Wait::Dispute,
            )
            | None => illegal(
                IllegalKind::NotNow,
                format!("`{id}` is not taken by a person"),
                format!("redgreen take {id}"),
            ),
        },
        Event::Reset { task: id, .. } => match task(run, id)?.phase {
            Phase::Waived => Ok(()),
            Phase::Passed => illegal(
                IllegalKind::NotNow,
                format!("`{id}` is delivered; a reset would not take it back"),
                "revert its commits, or add a task",
            ),
            Phase::Waiting
            | Phase::Specify
            | Phase::Red
            | Phase::Lock
            | Phase::Implement
            | Phase::Green
            | Phase::Refactor
            | Phase::Full
            | Phase::Deliver
            | Phase::Halted => answerable(run, id).map(|_| ()),
        },
    }
}

/// Only while the implementer works or its work is judged, and one at a time.
fn check_dispute(run: &Run, id: &TaskId) -> Result<(), Illegal> {
    let task = task(run, id)?;
    let now = matches!(task.phase, Phase::Implement | Phase::Green);
    if now && task.is_in_flight() && task.dispute.is_none() && task.taken.is_none() {
        return Ok(());
    }
    illegal(
        IllegalKind::NotNow,
        format!(
            "no test of `{id}` can be disputed now ({})",
            task.phase.as_str()
        ),
        "a dispute is open, or nobody implements: a person corrects tests with `redgreen amend`",
    )
}

/// Applies an event that [`check`] let through.
fn carry_out(drive: &mut Drive<'_>, event: Event) {
    match event {
        Event::RunStarted { .. } => {}
        Event::Approved {
            plan,
            definition,
            configuration,
            by,
        } => drive.approve(*plan, definition, configuration, by),
        Event::Differs { .. } => drive.differs(),
        Event::Resumed { options, .. } => drive.resume(options),
        Event::Started { key } => {
            if let Some(outstanding) = drive.run.outstanding.get_mut(&key) {
                outstanding.started = true;
            }
        }
        Event::AgentEnded { key, outcome, .. } => {
            let action = drive
                .run
                .outstanding
                .get(&key)
                .map(|other| other.effect.action.clone());
            if let Some(Action::StartAgent { role, .. }) = action {
                drive.agent_ended(&key, role, &outcome);
                drive.unsettled |= drive.run.is_held();
            }
        }
        Event::GateJudged { key, summary } => {
            drive.gate_judged(&key, &summary);
            drive.unsettled |= drive.run.is_held();
        }
        Event::LockCommitted { key, lock } => {
            drive.lock_committed(&key, lock);
            drive.unsettled |= drive.run.is_held();
        }
        Event::RefactorAdopted { key } | Event::RefactorDiscarded { key } => {
            drive.refactor_settled(&key);
            drive.unsettled |= drive.run.is_held();
        }
        Event::Delivered { key, delivery } => {
            drive.delivered(&key, &delivery);
            drive.unsettled |= drive.run.is_held();
        }
        Event::Done { key } => _ = drive.run.outstanding.remove(&key),
        Event::Faulted { key, fault } => {
            let action = drive
                .run
                .outstanding
                .get(&key)
                .map(|other| other.effect.action.clone());
            if let Some(action) = action {
                drive.faulted(&key, &action, &fault);
                drive.unsettled |= drive.run.is_held();
            }
        }
        Event::Disputed { dispute, evidence } => drive.disputed(dispute, evidence),
        Event::Agreed { task: id, .. } => {
            if let Some(wait) = drive.run.tasks.get(&id).and_then(|task| task.wait) {
                drive.agreed(&id, wait);
            }
        }
        Event::Amended {
            task: id,
            lock,
            reason,
            ..
        } => drive.amended(&id, lock, &reason),
        Event::Retried { task: id, hint, .. } => drive.retried(&id, hint),
        Event::Taken { task: id, by } => drive.taken(&id, by),
        Event::HandedBack { task: id, .. } => drive.handed_back(&id),
        Event::Waived {
            task: id,
            code,
            reason,
            expires,
            by,
        } => drive.waived(
            &id,
            Waiver {
                code,
                reason,
                expires,
                by,
            },
        ),
        Event::Reset { task: id, .. } => drive.reset(&id),
        Event::StopRequested { by } => drive.stop(Stop::Person(by)),
        Event::LimitReached { limit } => drive.stop(Stop::Limit(limit)),
    }
}
