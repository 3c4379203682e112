//! How a task moves: entering phases, judging results, charging attempts, halting.

use super::effect::{Action, AgentMode, AgentRole, Effect, Feedback, FeedbackCause, Notice};
use super::event::{AgentOutcome, Delivery, LockRef};
use super::key::{EffectKey, Step};
use super::state::{
    Halt, HaltCause, OpenDispute, Outstanding, Phase, ResumeBy, Run, Standing, TaskState, Wait,
};
use super::summary::GateSummary;
use crate::dispute::DisputeDecision;
use crate::exit::ExitCode;
use crate::gate::Gate;
use crate::id::TaskId;
use crate::outcome::Verdict;
use crate::plan::{self, Mode};
use crate::reason::Reason;
use std::collections::BTreeSet;

/// A run while an event is applied to it.
pub(super) struct Drive<'a> {
    pub(super) run: &'a mut Run,
    /// What is handed out because of the event.
    pub(super) effects: Vec<Effect>,
    /// Whether a task may have become able to start, or the run may have come to its end.
    pub(super) unsettled: bool,
}

/// Whose attempt a refusal costs.
#[derive(Clone, Copy)]
enum Charge {
    Author,
    Implementer,
    Validation,
}

impl Drive<'_> {
    // ---- effects

    /// Registers an effect under a new key and hands it out, unless work is held back.
    pub(super) fn emit(&mut self, task: Option<&TaskId>, step: Step, action: Action) {
        if matches!(action, Action::WritePlan | Action::WriteReport)
            && self
                .run
                .outstanding
                .values()
                .any(|other| !other.started && other.effect.action == action)
        {
            return;
        }
        let counter = self.run.counters.entry((task.cloned(), step)).or_insert(0);
        *counter += 1;
        let key = EffectKey {
            run: self.run.id.clone(),
            task: task.cloned(),
            step,
            attempt: *counter,
        };
        let effect = Effect {
            key: key.clone(),
            action,
        };
        if !(effect.action.is_work() && self.run.is_held()) {
            self.effects.push(effect.clone());
        }
        self.run.outstanding.insert(
            key,
            Outstanding {
                effect,
                started: false,
            },
        );
    }

    /// Hands out everything outstanding that was not begun.
    pub(super) fn hand_out(&mut self) {
        let held = self.run.is_held();
        self.effects = self
            .run
            .outstanding
            .values()
            .filter(|other| !other.started && !(held && other.effect.action.is_work()))
            .map(|other| other.effect.clone())
            .collect();
    }

    fn notify(&mut self, notice: Notice, task: Option<&TaskId>, exit: ExitCode) {
        let action = Action::Notify {
            notice,
            task: task.cloned(),
            exit,
        };
        self.emit(task, Step::Notify, action);
    }

    /// Changes a task. Ids were checked before; an unknown one changes nothing.
    pub(super) fn update(&mut self, id: &TaskId, change: impl FnOnce(&mut TaskState)) {
        if let Some(task) = self.run.tasks.get_mut(id) {
            change(task);
        }
    }

    fn mode_of(&self, id: &TaskId) -> Mode {
        self.run
            .plan
            .task(id)
            .map_or(Mode::default(), |task| task.mode)
    }

    // ---- phases

    /// Begins a task.
    pub(super) fn begin(&mut self, id: &TaskId) {
        self.update(id, |task| {
            task.tries.author = 1;
            task.tries.implementer = 1;
            task.tries.validation = 1;
        });
        let first = if self.mode_of(id).has_red() {
            Phase::Specify
        } else {
            Phase::Lock
        };
        self.enter(id, first);
    }

    /// Enters a phase and asks for its work, or parks the task when `--until` ends before it.
    pub(super) fn enter(&mut self, id: &TaskId, phase: Phase) {
        if phase.is_working() && self.run.options.until.is_some_and(|until| phase > until) {
            self.update(id, |task| task.parked = Some(phase));
            self.unsettled = true;
            return;
        }
        self.update(id, |task| {
            task.phase = phase;
            task.parked = None;
            task.wait = None;
            task.halt = None;
        });
        match phase {
            Phase::Specify => self.start_agent(id, AgentRole::Author),
            Phase::Red => self.run_gate(id, Gate::Red, Step::Red),
            Phase::Lock => {
                let action = Action::CommitLock { task: id.clone() };
                self.emit(Some(id), Step::Lock, action);
            }
            Phase::Implement => self.start_agent(id, AgentRole::Implementer),
            Phase::Green => self.run_gate(id, Gate::Green, Step::Green),
            Phase::Refactor => self.start_agent(id, AgentRole::Refactorer),
            Phase::Full => {
                let used = self.run.tasks.get(id).map_or(0, |task| task.suites);
                if used < self.run.options.budgets.suite_runs {
                    self.run_gate(id, Gate::Full, Step::Full);
                } else {
                    self.halt(id, HaltCause::SuiteBudget, ExitCode::Limit, None, None);
                }
            }
            Phase::Deliver => {
                let action = Action::Deliver { task: id.clone() };
                self.emit(Some(id), Step::Deliver, action);
            }
            Phase::Passed => {
                self.unsettled = true;
                self.emit(None, Step::Plan, Action::WritePlan);
            }
            Phase::Waiting | Phase::Halted | Phase::Waived => self.unsettled = true,
        }
    }

    fn start_agent(&mut self, id: &TaskId, role: AgentRole) {
        let Some(task) = self.run.tasks.get_mut(id) else {
            return;
        };
        let known = !task.sessions.insert(role);
        let (step, attempt) = match role {
            AgentRole::Author => (Step::Specify, task.tries.author),
            AgentRole::Implementer => (Step::Implement, task.tries.implementer),
            AgentRole::Refactorer => (Step::Refactor, 1),
        };
        let mode = match (role, known) {
            (AgentRole::Author, _) if task.fixing => AgentMode::Fix,
            (AgentRole::Author | AgentRole::Implementer, true) => AgentMode::Again,
            (AgentRole::Author | AgentRole::Implementer, false) | (AgentRole::Refactorer, _) => {
                AgentMode::First
            }
        };
        let feedback = match role {
            AgentRole::Author | AgentRole::Implementer => task.feedback.clone(),
            AgentRole::Refactorer => None,
        };
        let action = Action::StartAgent {
            role,
            task: id.clone(),
            attempt,
            mode,
            feedback,
        };
        self.emit(Some(id), step, action);
    }

    fn run_gate(&mut self, id: &TaskId, gate: Gate, step: Step) {
        let Some(task) = self.run.tasks.get(id) else {
            return;
        };
        let attempt = match gate {
            Gate::Red | Gate::Lock => task.tries.author,
            Gate::Green => task.tries.implementer,
            Gate::Full => task.tries.validation,
        };
        let suites_left = match gate {
            Gate::Full => self
                .run
                .options
                .budgets
                .suite_runs
                .saturating_sub(task.suites),
            Gate::Red | Gate::Lock | Gate::Green => 0,
        };
        let action = Action::RunGate {
            gate,
            task: id.clone(),
            attempt,
            suites_left,
        };
        self.emit(Some(id), step, action);
    }

    /// Makes a task wait for a person.
    pub(super) fn ask(&mut self, id: &TaskId, wait: Wait) {
        self.update(id, |task| task.wait = Some(wait));
        self.unsettled = true;
        let action = Action::AskPerson {
            task: id.clone(),
            question: wait,
        };
        self.emit(Some(id), Step::Ask, action);
        self.notify(Notice::ApprovalNeeded, Some(id), wait.exit());
    }

    fn halt(
        &mut self,
        id: &TaskId,
        cause: HaltCause,
        exit: ExitCode,
        summary: Option<&GateSummary>,
        resume: Option<ResumeBy>,
    ) {
        let reasons = summary.map_or(Vec::new(), |summary| summary.parts().reasons.clone());
        self.halt_with(id, cause, exit, summary, reasons, resume);
    }

    fn halt_with(
        &mut self,
        id: &TaskId,
        cause: HaltCause,
        exit: ExitCode,
        summary: Option<&GateSummary>,
        reasons: Vec<Reason>,
        resume: Option<ResumeBy>,
    ) {
        self.update(id, |task| {
            task.halt = Some(Halt {
                cause,
                phase: task.phase,
                exit,
                gate: summary.map(|summary| (summary.gate(), summary.verdict())),
                reasons,
                evidence: summary.map(|summary| summary.parts().evidence),
                resume,
            });
            task.phase = Phase::Halted;
            task.wait = None;
            task.dispute = None;
        });
        self.run.halted.push(id.clone());
        self.unsettled = true;
        self.emit(None, Step::Plan, Action::WritePlan);
        self.emit(None, Step::Report, Action::WriteReport);
        self.notify(Notice::Halted, Some(id), exit);
    }

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
            // The machine never asks for this gate alone: the lock is committed by an effect of its own.
            Gate::Lock => {}
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
        if summary.verdict() == Verdict::Inconclusive {
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
            Gate::Lock => {}
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

    // ---- the run

    /// Starts what can start, and says so once when the run came to its end.
    pub(super) fn settle(&mut self) {
        if !self.run.is_held() {
            self.start_ready();
        }
        let standing = self.run.standing();
        let (Some(exit), true) = (standing.exit(), self.run.announced != Some(standing)) else {
            if standing == Standing::Working {
                self.run.announced = None;
            }
            return;
        };
        self.run.announced = Some(standing);
        self.emit(None, Step::Plan, Action::WritePlan);
        self.emit(None, Step::Report, Action::WriteReport);
        let notice = match standing {
            Standing::NeedsApproval | Standing::WaitsForPerson(_) => Notice::ApprovalNeeded,
            Standing::Stopped => Notice::Stopped,
            Standing::Empty | Standing::Working | Standing::Parked | Standing::Ended(_) => {
                Notice::Ended
            }
        };
        self.notify(notice, None, exit);
    }

    fn start_ready(&mut self) {
        let blocked = !self.run.options.keep_going
            && self
                .run
                .tasks
                .values()
                .any(|task| task.phase == Phase::Halted || task.wait.is_some());
        if blocked {
            return;
        }
        let mut places = usize::try_from(self.run.options.jobs.max(1)).unwrap_or(usize::MAX);
        let (mut finished, mut begun) = (BTreeSet::new(), BTreeSet::new());
        for (id, task) in &self.run.tasks {
            if task.is_in_flight() {
                places = places.saturating_sub(1);
            }
            if task.phase == Phase::Passed {
                finished.insert(id.clone());
            } else if task.phase != Phase::Waiting || task.parked.is_some() {
                begun.insert(id.clone());
            }
        }
        for id in plan::ready(&self.run.plan, &finished, &begun, &BTreeSet::new()) {
            if places == 0 {
                break;
            }
            if self.run.is_selected(&id) {
                self.begin(&id);
                // With `--until` a task may park at once and take no place.
                if self.run.tasks.get(&id).is_some_and(TaskState::is_in_flight) {
                    places -= 1;
                }
            }
        }
    }
}

/// What a session is told.
pub(super) fn feedback(cause: FeedbackCause, summary: Option<&GateSummary>) -> Feedback {
    Feedback {
        cause,
        reasons: summary.map_or(Vec::new(), |summary| summary.parts().reasons.clone()),
        evidence: summary.map(|summary| summary.parts().evidence),
        hint: None,
        three_hypotheses: false,
    }
}
