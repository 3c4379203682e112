//! What people say: approvals, answers, stops (SPEC A12). None of it is a verdict.

use super::budget::RunOptions;
use super::drive::{Drive, feedback};
use super::effect::{Action, Feedback, FeedbackCause, Notice};
use super::event::{LockRef, Person};
use super::key::Step;
use super::state::{
    Approval, HaltCause, OpenDispute, Phase, ResumeBy, Stop, TaskState, Wait, Waiver, start_order,
};
use crate::dispute::{Dispute, DisputeDecision, DisputeEvidence, decide};
use crate::exit::ExitCode;
use crate::id::{Digest, TaskId};
use crate::plan::{Plan, Task};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Drive<'_> {
    /// Takes a (possibly changed) definition over. A task whose own definition changed starts from nothing, also when
    /// it had passed: what was proven was the old text.
    pub(super) fn approve(
        &mut self,
        plan: Plan,
        definition: Digest,
        configuration: Digest,
        by: Person,
    ) {
        self.run.configuration = configuration;
        self.run.approval = Approval::Given(by);
        self.unsettled = true;
        if definition != self.run.definition {
            self.run.definition = definition;
            self.replace_plan(plan);
        }
        self.hand_out();
        self.emit(None, Step::Plan, Action::WritePlan);
    }

    fn replace_plan(&mut self, plan: Plan) {
        let old = Arc::clone(&self.run.plan);
        let mut before = std::mem::take(&mut self.run.tasks);
        let tasks: BTreeMap<TaskId, TaskState> = plan
            .tasks
            .iter()
            .map(|task| {
                let same = old
                    .task(&task.id)
                    .is_some_and(|known| same_work(known, task));
                let kept = before.remove(&task.id).filter(|_| same);
                let state = kept.unwrap_or_else(|| {
                    self.forget(&task.id);
                    TaskState::new()
                });
                (task.id.clone(), state)
            })
            .collect();
        for gone in before.keys() {
            self.forget(gone);
        }
        self.run.tasks = tasks;
        self.run.start_order = start_order(&plan);
        self.run.plan = Arc::new(plan);
    }

    /// Drops what is outstanding for a task and was not begun, and its place among the halted ones.
    fn forget(&mut self, id: &TaskId) {
        self.run
            .outstanding
            .retain(|key, other| other.started || key.task.as_ref() != Some(id));
        self.effects
            .retain(|effect| effect.key.task.as_ref() != Some(id));
        self.run.halted.retain(|other| other != id);
    }

    /// Drops the question that was answered.
    fn answered(&mut self, id: &TaskId) {
        self.forget(id);
        self.unsettled = true;
    }

    pub(super) fn resume(&mut self, options: RunOptions) {
        self.run.options = options;
        self.run.stop = None;
        self.run.announced = None;
        for outstanding in self.run.outstanding.values_mut() {
            outstanding.started = false;
        }
        self.hand_out();
        self.unsettled = true;
        let parked: Vec<(TaskId, Phase)> = self
            .run
            .tasks
            .iter()
            .filter_map(|(id, task)| Some((id.clone(), task.parked?)))
            .collect();
        for (id, phase) in parked {
            self.update(&id, |task| task.parked = None);
            if self.run.tasks.get(&id).map(|task| task.phase) == Some(Phase::Waiting) {
                // It begins with the others, by priority.
                continue;
            }
            self.enter(&id, phase);
        }
        let halted: Vec<(TaskId, Phase, ResumeBy)> = self
            .run
            .tasks
            .iter()
            .filter_map(|(id, task)| {
                let halt = task.halt.as_ref().filter(|_| task.phase == Phase::Halted)?;
                Some((id.clone(), halt.phase, halt.resume?))
            })
            .collect();
        for (id, phase, resume) in halted {
            self.resume_task(&id, phase, resume);
        }
    }

    fn resume_task(&mut self, id: &TaskId, phase: Phase, resume: ResumeBy) {
        self.forget(id);
        self.update(id, |task| {
            task.free_restarts = 0;
            task.reruns = 0;
        });
        let action = match resume {
            ResumeBy::Phase => return self.enter(id, phase),
            ResumeBy::Adopt => Action::AdoptRefactor { task: id.clone() },
            ResumeBy::Discard => Action::DiscardRefactor { task: id.clone() },
        };
        self.update(id, |task| {
            task.phase = phase;
            task.halt = None;
        });
        self.emit(Some(id), Step::Refactor, action);
    }

    pub(super) fn disputed(&mut self, dispute: Dispute, evidence: Vec<DisputeEvidence>) {
        let weighed = decide(&evidence, self.run.options.bounce);
        let id = dispute.task.clone();
        self.update(&id, |task| {
            let decision = if task.sent_back {
                DisputeDecision::AskPerson
            } else {
                weighed
            };
            task.dispute = Some(OpenDispute {
                dispute,
                evidence,
                decision,
            });
        });
    }

    pub(super) fn agreed(&mut self, id: &TaskId, wait: Wait) {
        self.answered(id);
        match wait {
            Wait::TestsApproval => self.enter(id, Phase::Lock),
            Wait::GateApproval(_) | Wait::GateQuestion(_) => {
                let phase = self.run.tasks.get(id).map(|task| task.phase);
                if let Some(phase) = phase {
                    self.enter(id, phase);
                }
            }
            Wait::Dispute => self.send_back(id),
            Wait::Taken => {}
        }
    }

    pub(super) fn amended(&mut self, id: &TaskId, lock: LockRef, reason: &str) {
        self.answered(id);
        let mut note = feedback(FeedbackCause::Person, None);
        note.hint = Some(reason.to_owned());
        let mut taken = false;
        self.update(id, |task| {
            task.locks.push(lock);
            task.dispute = None;
            task.fixing = false;
            task.settled = None;
            task.feedback = Some(Box::new(note));
            fresh(task);
            taken = task.taken.is_some();
        });
        if taken {
            self.ask(id, Wait::Taken);
        } else {
            self.enter(id, Phase::Implement);
        }
    }

    pub(super) fn retried(&mut self, id: &TaskId, hint: Option<String>) {
        let Some(task) = self.run.tasks.get(id) else {
            return;
        };
        let phase = task.halt.as_ref().map_or(task.phase, |halt| halt.phase);
        let halt = task.halt.clone();
        self.answered(id);
        self.update(id, |task| {
            let before = task.feedback.take();
            task.feedback = Some(Box::new(Feedback {
                hint,
                ..before.map_or_else(|| feedback(FeedbackCause::Person, None), |before| *before)
            }));
            task.taken = None;
            task.dispute = None;
            task.halt = None;
            fresh(task);
        });
        if let Some(halt) = halt {
            match (halt.cause, halt.resume) {
                // Nothing was refused: what could not be done is done once more.
                (_, Some(resume)) => return self.resume_task(id, phase, resume),
                (HaltCause::SuiteBudget, None) => return self.enter(id, Phase::Full),
                (
                    HaltCause::Exhausted
                    | HaltCause::Conflict
                    | HaltCause::EnvironmentFault
                    | HaltCause::AgentUnavailable
                    | HaltCause::SessionLimit
                    | HaltCause::EffectFault,
                    None,
                ) => {}
            }
        }
        self.enter(id, worked_on_in(phase));
    }

    pub(super) fn taken(&mut self, id: &TaskId, by: Person) {
        self.answered(id);
        self.update(id, |task| {
            if let Some(halt) = task.halt.take() {
                task.phase = halt.phase;
            }
            task.taken = Some(by);
            task.dispute = None;
        });
        self.ask(id, Wait::Taken);
    }

    pub(super) fn handed_back(&mut self, id: &TaskId) {
        self.answered(id);
        let Some(task) = self.run.tasks.get(id) else {
            return;
        };
        let phase = match (task.locks.is_empty(), self.judged_by(id)) {
            (false, judged_by) => judged_by,
            (true, Phase::Green) => Phase::Red,
            (true, _) => Phase::Lock,
        };
        self.update(id, fresh);
        self.enter(id, phase);
    }

    pub(super) fn waived(&mut self, id: &TaskId, waiver: Waiver) {
        self.answered(id);
        self.update(id, |task| {
            // The halt stays: the verdict is what it was.
            task.phase = Phase::Waived;
            task.wait = None;
            task.dispute = None;
            task.waiver = Some(waiver);
        });
        self.emit(None, Step::Plan, Action::WritePlan);
    }

    pub(super) fn reset(&mut self, id: &TaskId) {
        self.answered(id);
        self.update(id, |task| *task = TaskState::new());
        self.emit(None, Step::Plan, Action::WritePlan);
    }

    pub(super) fn stop(&mut self, stop: Stop) {
        self.run.stop = Some(stop);
        self.unsettled = true;
    }

    pub(super) fn differs(&mut self) {
        self.run.approval = Approval::Needed;
        self.unsettled = true;
        let action = Action::Notify {
            notice: Notice::ApprovalNeeded,
            task: None,
            exit: ExitCode::ApprovalNeeded,
        };
        self.emit(None, Step::Notify, action);
    }
}

/// Fresh tries, as a person grants them. `sent_back` stays: it is once per task.
fn fresh(task: &mut TaskState) {
    task.tries.author = 1;
    task.tries.implementer = 1;
    task.tries.validation = 1;
    task.suites = 0;
    task.free_restarts = 0;
    task.reruns = 0;
    task.scope_rounds = 0;
    task.signature = None;
}

/// The phase in which an agent works on what `phase` judges.
fn worked_on_in(phase: Phase) -> Phase {
    match phase {
        Phase::Waiting | Phase::Specify | Phase::Red => Phase::Specify,
        Phase::Lock => Phase::Lock,
        Phase::Implement
        | Phase::Green
        | Phase::Refactor
        | Phase::Full
        | Phase::Deliver
        | Phase::Passed
        | Phase::Halted
        | Phase::Waived => Phase::Implement,
    }
}

/// Whether two definitions ask for the same work. Names, order and the claim `passes` may differ.
fn same_work(old: &Task, new: &Task) -> bool {
    old.mode == new.mode
        && old.description == new.description
        && old.criteria == new.criteria
        && old.scope == new.scope
        && old.new_symbols == new.new_symbols
        && old.new_dependencies == new.new_dependencies
        && old.supersedes == new.supersedes
        && old.categories == new.categories
        && old.checks == new.checks
}
