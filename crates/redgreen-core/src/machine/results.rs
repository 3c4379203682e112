//! What the result of an effect means: which phase follows, whose attempt it costs, what the next session is told.

use super::drive::{Drive, feedback};
use super::effect::{Action, AgentRole, FeedbackCause};
use super::event::{AgentOutcome, Delivery, LockRef};
use super::key::{EffectKey, Step};
use super::state::{HaltCause, OpenDispute, Phase, ResumeBy, Wait};
use super::summary::GateSummary;
use crate::dispute::DisputeDecision;
use crate::exit::ExitCode;
use crate::gate::Gate;
use crate::id::TaskId;
use crate::outcome::Verdict;
use crate::reason::Reason;

/// Whose attempt a refusal costs.
#[derive(Clone, Copy)]
enum Charge {
    Author,
    Implementer,
    Validation,
}

impl Drive<'_> {
    // ---- results

    pub(super) fn agent_ended(&mut self, key: &EffectKey, role: AgentRole, outcome: &AgentOutcome) {
        let Some(id) = key.task.clone() else { return };
        if *outcome == AgentOutcome::Stopped && self.run.is_held() {
            // It is handed out again by the next `Resumed`, under the same key.
            if let Some(outstanding) = self.run.outstanding.get_mut(key) {
                outstanding.started = false;
            }
            self.unsettled = true;
            return;
        }
        self.run.outstanding.remove(key);
        let disputed = role == AgentRole::Implementer
            && self
                .run
                .tasks
                .get(&id)
                .is_some_and(|task| task.dispute.is_some());
        if disputed {
            self.update(&id, |task| task.free_restarts = 0);
            return self.apply_dispute(&id);
        }
        match (role, outcome) {
            (_, AgentOutcome::Done) => {
                self.update(&id, |task| task.free_restarts = 0);
                match role {
                    AgentRole::Author => self.enter(&id, Phase::Red),
                    AgentRole::Implementer => {
                        let judged_by = self.judged_by(&id);
                        self.enter(&id, judged_by);
                    }
                    AgentRole::Refactorer => self.run_gate(&id, Gate::Green, Step::Refactor),
                }
            }
            // Refactoring is optional: whatever went wrong, the source that passed is kept.
            (
                AgentRole::Refactorer,
                AgentOutcome::UsageLimit
                | AgentOutcome::UsageLimitTooLong
                | AgentOutcome::ProviderError
                | AgentOutcome::Crashed
                | AgentOutcome::EnvironmentFault
                | AgentOutcome::SessionLimit
                | AgentOutcome::Stopped,
            ) => self.discard_refactor(&id),
            (
                AgentRole::Author | AgentRole::Implementer,
                AgentOutcome::UsageLimit
                | AgentOutcome::ProviderError
                | AgentOutcome::Crashed
                | AgentOutcome::EnvironmentFault
                | AgentOutcome::Stopped,
            ) => {
                let bound = self.run.options.budgets.free_restarts;
                let used = self.run.tasks.get(&id).map_or(0, |task| task.free_restarts);
                if used < bound {
                    self.update(&id, |task| task.free_restarts += 1);
                    self.start_agent(&id, role);
                } else {
                    let resume = Some(ResumeBy::Phase);
                    let cause = HaltCause::AgentUnavailable;
                    self.halt(&id, cause, ExitCode::CouldNotRun, None, resume);
                }
            }
            (
                AgentRole::Author | AgentRole::Implementer,
                AgentOutcome::UsageLimitTooLong | AgentOutcome::SessionLimit,
            ) => {
                let resume = Some(ResumeBy::Phase);
                self.halt(&id, HaltCause::SessionLimit, ExitCode::Limit, None, resume);
            }
        }
    }

    /// The phase whose gate judges an implementation.
    pub(super) fn judged_by(&self, id: &TaskId) -> Phase {
        if self.mode_of(id).has_red() {
            Phase::Green
        } else {
            Phase::Full
        }
    }

    fn discard_refactor(&mut self, id: &TaskId) {
        let action = Action::DiscardRefactor { task: id.clone() };
        self.emit(Some(id), Step::Refactor, action);
    }

    pub(super) fn gate_judged(&mut self, key: &EffectKey, summary: &GateSummary) {
        let Some(id) = key.task.clone() else { return };
        self.run.outstanding.remove(key);
        if summary.gate() == Gate::Full {
            // A run that the environment prevented cost what it reports; every other one ran the suite once at least.
            let reported = summary.parts().suite_runs;
            let used = if summary.is_environment_fault() {
                reported
            } else {
                reported.max(1)
            };
            self.update(&id, |task| {
                task.suites += used;
                task.suites_total += used;
            });
        }
        if summary.verdict() == Verdict::Pass {
            self.update(&id, |task| {
                task.reruns = 0;
                task.feedback = None;
            });
            self.gate_passed(&id, key.step, summary.gate());
        } else if key.step == Step::Refactor {
            self.discard_refactor(&id);
        } else {
            self.gate_refused(&id, summary);
        }
    }

    fn gate_passed(&mut self, id: &TaskId, step: Step, gate: Gate) {
        match gate {
            Gate::Red => {
                if self.run.options.approve_tests {
                    self.ask(id, Wait::TestsApproval);
                } else {
                    self.enter(id, Phase::Lock);
                }
            }
            Gate::Green if step == Step::Refactor => {
                let action = Action::AdoptRefactor { task: id.clone() };
                self.emit(Some(id), Step::Refactor, action);
            }
            Gate::Green => {
                let mut taken = false;
                self.update(id, |task| {
                    // Tests that pass are not disputed any more.
                    task.dispute = None;
                    taken = task.taken.is_some();
                });
                let next = if self.run.options.refactor && !taken {
                    Phase::Refactor
                } else {
                    Phase::Full
                };
                self.enter(id, next);
            }
            Gate::Full => self.enter(id, Phase::Deliver),
            // The machine never asks for these: the lock is committed by an effect of its own, and what a task adds to
            // the application is part of its full validation.
            Gate::Lock | Gate::Validate => {}
        }
    }

    fn gate_refused(&mut self, id: &TaskId, summary: &GateSummary) {
        let Some(task) = self.run.tasks.get(id) else {
            return;
        };
        let budgets = self.run.options.budgets;
        let phase = task.phase;
        if summary.is_environment_fault() {
            if task.reruns < budgets.gate_reruns {
                self.update(id, |task| task.reruns += 1);
                return self.enter(id, phase);
            }
            let resume = Some(ResumeBy::Phase);
            self.update(id, |task| task.reruns = 0);
            let (cause, exit) = (HaltCause::EnvironmentFault, ExitCode::CouldNotRun);
            return self.halt(id, cause, exit, Some(summary), resume);
        }
        if task.taken.is_some() {
            return self.ask(id, Wait::Taken);
        }
        if task.dispute.is_some() {
            return self.apply_dispute(id);
        }
        if summary.asks_for_approval() {
            return self.ask(id, Wait::GateApproval(summary.gate()));
        }
        let author_is_left = task.tries.author <= budgets.author_retries;
        if summary.verdict() == Verdict::Inconclusive
            && !(summary.gate() == Gate::Red && author_is_left)
        {
            // A red that cannot be told goes back to its author first: nobody else can make it plain.
            return self.ask(id, Wait::GateQuestion(summary.gate()));
        }
        match summary.gate() {
            Gate::Red => self.refuse(id, Charge::Author, summary),
            Gate::Green
                if summary.is_only_out_of_scope() && task.scope_rounds < budgets.scope_rounds =>
            {
                self.update(id, |task| {
                    task.scope_rounds += 1;
                    task.feedback =
                        Some(Box::new(feedback(FeedbackCause::OutOfScope, Some(summary))));
                });
                self.enter(id, Phase::Implement);
            }
            Gate::Green => self.refuse(id, Charge::Implementer, summary),
            Gate::Full => self.refuse(id, Charge::Validation, summary),
            Gate::Lock | Gate::Validate => {}
        }
    }

    /// Charges an attempt and sends the agent back, or halts.
    fn refuse(&mut self, id: &TaskId, charge: Charge, summary: &GateSummary) {
        let cause = FeedbackCause::Gate(summary.gate(), summary.verdict());
        let mut feedback = feedback(cause, Some(summary));
        let signature = summary.parts().signature;
        self.update(id, |task| {
            feedback.three_hypotheses = task.signature == Some(signature);
            task.signature = Some(signature);
            task.feedback = Some(Box::new(feedback));
        });
        if !self.charge(id, charge) {
            let exit = ExitCode::from(summary.verdict());
            self.halt(id, HaltCause::Exhausted, exit, Some(summary), None);
        }
    }

    /// Begins the next attempt; `false` when there is none.
    fn charge(&mut self, id: &TaskId, charge: Charge) -> bool {
        let budgets = self.run.options.budgets;
        let Some(task) = self.run.tasks.get_mut(id) else {
            return false;
        };
        task.reruns = 0;
        let next = match charge {
            Charge::Author if task.tries.author <= budgets.author_retries => {
                task.tries.author += 1;
                Phase::Specify
            }
            Charge::Implementer if task.tries.implementer <= budgets.implementer_retries => {
                task.tries.implementer += 1;
                task.scope_rounds = 0;
                Phase::Implement
            }
            Charge::Validation if task.tries.validation < budgets.validation_attempts => {
                task.tries.validation += 1;
                task.tries.implementer = 1;
                task.suites = 0;
                task.scope_rounds = 0;
                Phase::Implement
            }
            Charge::Author | Charge::Implementer | Charge::Validation => return false,
        };
        self.enter(id, next);
        true
    }

    // ---- locks, delivery, faults

    pub(super) fn lock_committed(&mut self, key: &EffectKey, lock: LockRef) {
        let Some(id) = key.task.clone() else { return };
        self.run.outstanding.remove(key);
        let mut taken = false;
        self.update(&id, |task| {
            task.reruns = 0;
            task.locks.push(lock);
            task.fixing = false;
            task.feedback = task.settled.take().map(|(dispute, evidence)| {
                Box::new(feedback(FeedbackCause::Dispute(dispute, evidence), None))
            });
            taken = task.taken.is_some();
        });
        if taken {
            self.ask(&id, Wait::Taken);
        } else {
            self.enter(&id, Phase::Implement);
        }
    }

    pub(super) fn refactor_settled(&mut self, key: &EffectKey) {
        let Some(id) = key.task.clone() else { return };
        self.run.outstanding.remove(key);
        self.update(&id, |task| task.reruns = 0);
        self.enter(&id, Phase::Full);
    }

    pub(super) fn delivered(&mut self, key: &EffectKey, delivery: &Delivery) {
        let Some(id) = key.task.clone() else { return };
        self.run.outstanding.remove(key);
        self.update(&id, |task| task.reruns = 0);
        match delivery {
            Delivery::Merged { .. } | Delivery::OnRunBranch { .. } => {
                self.enter(&id, Phase::Passed);
            }
            Delivery::ContentChanged { .. } => self.enter(&id, Phase::Full),
            Delivery::Conflict { paths } => {
                let cause = FeedbackCause::Conflict(paths.clone());
                let mut taken = false;
                self.update(&id, |task| {
                    task.feedback = Some(Box::new(feedback(cause, None)));
                    taken = task.taken.is_some();
                });
                if taken {
                    self.ask(&id, Wait::Taken);
                } else if !self.charge(&id, Charge::Validation) {
                    self.halt(&id, HaltCause::Conflict, ExitCode::GateFailed, None, None);
                }
            }
        }
    }

    pub(super) fn faulted(&mut self, key: &EffectKey, action: &Action, fault: &Reason) {
        self.run.outstanding.remove(key);
        let Some(id) = key.task.clone() else { return };
        if !action.is_work() {
            // Book-keeping: the next rewrite makes up for it, and a question stands in the state anyway.
            return;
        }
        let bound = self.run.options.budgets.gate_reruns;
        let used = self.run.tasks.get(&id).map_or(0, |task| task.reruns);
        if used < bound {
            self.update(&id, |task| task.reruns += 1);
            return self.emit(Some(&id), key.step, action.clone());
        }
        self.update(&id, |task| task.reruns = 0);
        let resume = Some(match action {
            Action::AdoptRefactor { .. } => ResumeBy::Adopt,
            Action::DiscardRefactor { .. } => ResumeBy::Discard,
            Action::StartAgent { .. }
            | Action::RunGate { .. }
            | Action::CommitLock { .. }
            | Action::Deliver { .. }
            | Action::WritePlan
            | Action::WriteReport
            | Action::Notify { .. }
            | Action::AskPerson { .. } => ResumeBy::Phase,
        });
        let (cause, exit) = (HaltCause::EffectFault, ExitCode::EnvironmentNotReady);
        self.halt_with(&id, cause, exit, None, vec![fault.clone()], resume);
    }

    // ---- disputes

    /// Acts on the open dispute of a task, once nothing of it runs any more.
    fn apply_dispute(&mut self, id: &TaskId) {
        let decision = self
            .run
            .tasks
            .get(id)
            .and_then(|task| task.dispute.as_ref())
            .map(|open| open.decision);
        match decision {
            Some(DisputeDecision::SendBack) => self.send_back(id),
            Some(DisputeDecision::AskPerson) => self.ask(id, Wait::Dispute),
            None => {}
        }
    }

    /// Sends the author back in FIX mode. The implementer's attempt is not charged and goes on after the new lock.
    pub(super) fn send_back(&mut self, id: &TaskId) {
        self.update(id, |task| {
            if let Some(OpenDispute {
                dispute, evidence, ..
            }) = task.dispute.take()
            {
                let cause = FeedbackCause::Dispute(dispute.clone(), evidence.clone());
                task.feedback = Some(Box::new(feedback(cause, None)));
                task.settled = Some((dispute, evidence));
            }
            task.sent_back = true;
            task.fixing = true;
            task.tries.author = 1;
        });
        self.enter(id, Phase::Specify);
    }
}
