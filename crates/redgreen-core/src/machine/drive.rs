//! How a task moves: entering phases, handing out effects, halting; and which task begins next.

use super::effect::{Action, AgentMode, AgentRole, Effect, Feedback, FeedbackCause, Notice};
use super::key::{EffectKey, Step};
use super::state::{Halt, HaltCause, Outstanding, Phase, ResumeBy, Run, Standing, TaskState, Wait};
use super::summary::GateSummary;
use crate::exit::ExitCode;
use crate::gate::Gate;
use crate::id::TaskId;
use crate::plan::{Mode, Task};
use crate::reason::Reason;
use std::sync::Arc;

/// A run while an event is applied to it.
pub(super) struct Drive<'a> {
    pub(super) run: &'a mut Run,
    /// What is handed out because of the event.
    pub(super) effects: Vec<Effect>,
    /// Whether a task may have become able to start, or the run may have come to its end.
    pub(super) unsettled: bool,
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
            .filter(|other| !(other.started || held && other.effect.action.is_work()))
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

    pub(super) fn mode_of(&self, id: &TaskId) -> Mode {
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

    pub(super) fn start_agent(&mut self, id: &TaskId, role: AgentRole) {
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

    pub(super) fn run_gate(&mut self, id: &TaskId, gate: Gate, step: Step) {
        let Some(task) = self.run.tasks.get(id) else {
            return;
        };
        let attempt = match gate {
            Gate::Red | Gate::Lock => task.tries.author,
            Gate::Green => task.tries.implementer,
            Gate::Full | Gate::Validate => task.tries.validation,
        };
        let suites_left = match gate {
            Gate::Full => self
                .run
                .options
                .budgets
                .suite_runs
                .saturating_sub(task.suites),
            Gate::Red | Gate::Lock | Gate::Green | Gate::Validate => 0,
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

    pub(super) fn halt(
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

    pub(super) fn halt_with(
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
        let in_flight = self
            .run
            .tasks
            .values()
            .filter(|task| task.is_in_flight())
            .count();
        let jobs = usize::try_from(self.run.options.jobs.max(1)).unwrap_or(usize::MAX);
        let mut places = jobs.saturating_sub(in_flight);
        // The same choice as `plan::ready`, without building its sets at every turn (SPEC H7: 1,000 tasks).
        let plan = Arc::clone(&self.run.plan);
        let order = Arc::clone(&self.run.start_order);
        for task in order.iter().filter_map(|index| plan.tasks.get(*index)) {
            if places == 0 {
                break;
            }
            if self.can_start(task) {
                self.begin(&task.id);
                // With `--until` a task may park at once and take no place.
                if self
                    .run
                    .tasks
                    .get(&task.id)
                    .is_some_and(TaskState::is_in_flight)
                {
                    places -= 1;
                }
            }
        }
    }

    fn can_start(&self, task: &Task) -> bool {
        let waits = self
            .run
            .tasks
            .get(&task.id)
            .is_some_and(|state| state.phase == Phase::Waiting && state.parked.is_none());
        waits
            && self.run.is_selected(&task.id)
            && task.depends_on.iter().all(|dependency| {
                self.run
                    .tasks
                    .get(dependency)
                    .is_some_and(|state| state.phase == Phase::Passed)
            })
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
