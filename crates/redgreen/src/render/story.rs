//! A run as a story: what was established, in plain words, one idea a line, as it happens.
//!
//! Every line is a fact of an event; nothing is printed that did not happen. Colour is added to words that say the same
//! without it.

mod words;

#[cfg(test)]
mod tests;

use super::printer::{self, Printer};
use crate::drive::Observer;
use crate::error::Failure;
use crate::referee::context::{Context, Setting};
use crate::referee::proposal::bytes_of;
use crate::referee::scope;
use redgreen_core::dispute::{DisputeDecision, DisputeEvidence};
use redgreen_core::gate::Gate;
use redgreen_core::id::TaskId;
use redgreen_core::machine::{
    Action, AgentMode, AgentOutcome, AgentRole, Delivery, Event, GateSummary, Halt, HaltCause,
    LockRef, Person, Phase, RunLimit, State, Step,
};
use redgreen_core::outcome::Verdict;
use redgreen_core::reason::Reason;
use redgreen_core::tree;
use redgreen_host::tree::Snapshot;
use std::collections::BTreeMap;

/// How much of a task is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Every gate and every session.
    All,
    /// Every gate of the first task; of the others the tests in one line, and what is new in them.
    FirstTask,
}

/// The lines of a difference that are shown.
const DIFFERENCE_LINES: usize = 4;

/// What changed in the tests between two commits, as lines that begin with `-` or `+`.
pub type Differences<'a> = Box<dyn Fn(&str, &str) -> Vec<String> + 'a>;

/// Tells a run: events in, lines out.
pub struct Teller<'a> {
    detail: Detail,
    differences: Differences<'a>,
    /// The task whose heading was printed last.
    heading: Option<TaskId>,
    /// The task that is told in full with [`Detail::FirstTask`].
    first: Option<TaskId>,
    /// A RED that passed, until its lock is committed: both are told together.
    red: BTreeMap<TaskId, GateSummary>,
    /// A FULL that passed, until its delivery ended.
    full: BTreeMap<TaskId, GateSummary>,
    /// The attempt of the gate that runs.
    attempts: BTreeMap<TaskId, u32>,
    lines: Vec<String>,
}

impl std::fmt::Debug for Teller<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Teller")
            .field("detail", &self.detail)
            .finish_non_exhaustive()
    }
}

impl<'a> Teller<'a> {
    /// A teller that has told nothing yet. `differences` is asked when tests were locked again.
    #[must_use]
    pub fn new(detail: Detail, differences: Differences<'a>) -> Self {
        Self {
            detail,
            differences,
            heading: None,
            first: None,
            red: BTreeMap::new(),
            full: BTreeMap::new(),
            attempts: BTreeMap::new(),
            lines: Vec::new(),
        }
    }

    /// The lines that an event adds; `state` is the one after it.
    pub fn tell(&mut self, state: &State, event: &Event) -> Vec<String> {
        let task = task_of(event).cloned();
        if let Some(task) = &task
            && !matches!(event, Event::LockCommitted { .. } | Event::Delivered { .. })
            && !matches!(event, Event::Started { key } if matches!(key.step, Step::Lock | Step::Deliver))
        {
            self.told_alone(state, task);
        }
        self.event(state, event);
        if let Some(task) = &task {
            self.halted(state, task, event);
        }
        std::mem::take(&mut self.lines)
    }

    /// A RED or FULL whose lock or delivery did not follow at once.
    fn told_alone(&mut self, state: &State, task: &TaskId) {
        if let Some(summary) = self.red.remove(task) {
            self.passed(state, task, &summary, &words::red(&summary));
        }
        if let Some(summary) = self.full.remove(task) {
            self.passed(state, task, &summary, &words::full(&summary));
        }
    }

    fn is_brief(&self, task: &TaskId) -> bool {
        self.detail == Detail::FirstTask && self.first.as_ref().is_some_and(|first| first != task)
    }

    // ---- lines

    fn head(&mut self, state: &State, task: &TaskId) {
        if self.heading.as_ref() == Some(task) {
            return;
        }
        let name = state
            .plan()
            .and_then(|plan| plan.task(task))
            .map_or("", |task| task.name.as_str());
        self.lines
            .push(format!("{task} {name}").trim_end().to_owned());
        self.heading = Some(task.clone());
        self.first.get_or_insert_with(|| task.clone());
    }
    fn row(&mut self, state: &State, task: &TaskId, label: &str, word: &str, text: &str) {
        self.head(state, task);
        let width = if word.is_empty() { 0 } else { 10 };
        let gap = " ".repeat(usize::saturating_sub(width, word.chars().count()).max(width.min(1)));
        let line = format!("  {label:<8}{}{gap}{text}", paint(word));
        self.lines.push(line.trim_end().to_owned());
    }
    fn more(&mut self, text: &str) {
        self.lines.push(format!("          {text}"));
    }

    // ---- events

    fn event(&mut self, state: &State, event: &Event) {
        match event {
            Event::RunStarted { .. } | Event::Resumed { .. } | Event::Done { .. } => {}
            Event::Approved { by, .. } => self.lines.push(format!("approved by {by}")),
            Event::Differs { .. } => self
                .lines
                .push("the plan or the configuration differs from what was approved".to_owned()),
            Event::Started { key } => {
                if let Some(task) = &key.task {
                    self.started(state, task, event);
                }
            }
            Event::AgentEnded { key, outcome, .. } => {
                if let Some(task) = &key.task {
                    self.session_ended(state, task, outcome);
                }
            }
            Event::GateJudged { key, summary } => {
                if let Some(task) = &key.task {
                    self.judged(state, task, key.step, summary);
                }
            }
            Event::LockCommitted { key, lock } => {
                if let Some(task) = &key.task {
                    self.locked(state, task, lock);
                }
            }
            Event::RefactorAdopted { key } | Event::RefactorDiscarded { key } => {
                if let Some(task) = &key.task {
                    let word = if matches!(event, Event::RefactorAdopted { .. }) {
                        "kept"
                    } else {
                        "dropped"
                    };
                    self.row(state, task, "tidy", word, "");
                }
            }
            Event::Delivered { key, delivery } => {
                if let Some(task) = &key.task {
                    self.delivered(state, task, delivery);
                }
            }
            Event::Faulted { key, fault } => match &key.task {
                Some(task) => self.row(state, task, key.step.as_str(), "fault", &fault.message),
                None => self
                    .lines
                    .push(format!("{}: {}", key.step.as_str(), fault.message)),
            },
            Event::Disputed { dispute, evidence } => {
                self.disputed(state, &dispute.task, &dispute.test, evidence);
            }
            Event::Amended {
                task, lock, reason, ..
            } => {
                let text = format!("{reason}; locked again as {}", words::short(&lock.commit));
                self.row(state, task, "amend", "", &text);
            }
            Event::Agreed { task, by } => self.answer(state, task, "approve", by, None),
            Event::Retried { task, hint, by } => {
                self.answer(state, task, "retry", by, hint.as_deref());
            }
            Event::Taken { task, by } => self.answer(state, task, "take", by, None),
            Event::HandedBack { task, by } => self.answer(state, task, "check", by, None),
            Event::Waived {
                task,
                code,
                reason,
                by,
                ..
            } => {
                let text = format!("{}: {reason}; the verdict stays what it was", code.as_str());
                self.answer(state, task, "waive", by, Some(&text));
            }
            Event::Reset { task, by } => self.answer(state, task, "reset", by, None),
            Event::StopRequested { by } => self.lines.push(format!("{by} asked to stop")),
            Event::LimitReached { limit } => {
                let what = match limit {
                    RunLimit::Time => "time",
                    RunLimit::Tokens => "tokens",
                    RunLimit::Money => "money",
                };
                self.lines
                    .push(format!("the run's limit of {what} is reached"));
            }
        }
    }

    fn started(&mut self, state: &State, task: &TaskId, event: &Event) {
        let Event::Started { key } = event else {
            return;
        };
        let action = state
            .outstanding()
            .find(|outstanding| outstanding.effect.key == *key)
            .map(|outstanding| &outstanding.effect.action);
        match action {
            Some(Action::RunGate { attempt, .. }) => {
                self.attempts.insert(task.clone(), *attempt);
            }
            Some(Action::StartAgent {
                role,
                mode,
                attempt,
                ..
            }) if self.detail == Detail::All => {
                let text = match (role, mode) {
                    (AgentRole::Author, AgentMode::Fix) => "corrects the tests",
                    (AgentRole::Author, _) => "writes the tests",
                    (AgentRole::Implementer, _) => "writes the code",
                    (AgentRole::Refactorer, _) => "tidies the code",
                };
                let of = tries(state, *role);
                let text = format!("{} {text} (try {attempt}{of})", role.as_str());
                self.row(state, task, "agent", "", &text);
            }
            Some(_) | None => {}
        }
    }

    fn session_ended(&mut self, state: &State, task: &TaskId, outcome: &AgentOutcome) {
        let text = match outcome {
            AgentOutcome::Done => return,
            AgentOutcome::UsageLimit => "waited for its usage limit; costs no try",
            AgentOutcome::UsageLimitTooLong => "its usage limit lasts too long",
            AgentOutcome::ProviderError => "its provider failed; costs no try",
            AgentOutcome::Crashed => "ended without a result; costs no try",
            AgentOutcome::EnvironmentFault => "the environment failed; costs no try",
            AgentOutcome::SessionLimit => "reached the limit of a session",
            AgentOutcome::Stopped => "was stopped; costs no try",
        };
        self.row(state, task, "agent", "", text);
    }

    fn judged(&mut self, state: &State, task: &TaskId, step: Step, summary: &GateSummary) {
        if summary.verdict() != Verdict::Pass {
            return self.refused(state, task, summary);
        }
        match summary.gate() {
            Gate::Red => _ = self.red.insert(task.clone(), summary.clone()),
            Gate::Full => _ = self.full.insert(task.clone(), summary.clone()),
            Gate::Green | Gate::Lock | Gate::Validate if step == Step::Refactor => {
                self.passed(state, task, summary, "after tidying");
            }
            Gate::Green | Gate::Lock | Gate::Validate => {
                let mut text = words::green(summary);
                let attempt = self.attempts.get(task).copied().unwrap_or(1);
                if attempt > 1 {
                    text.push_str(&format!(
                        "{:4}(try {attempt}{})",
                        "",
                        tries(state, AgentRole::Implementer)
                    ));
                }
                self.passed(state, task, summary, &text);
                if !self.is_brief(task) {
                    let controls = summary.parts().controls.iter();
                    let results: Vec<&str> = controls
                        .filter(|control| super::gate::is_told(control))
                        .map(|control| control.result.as_str())
                        .collect();
                    if !results.is_empty() {
                        self.more(&results.join("; "));
                    }
                }
            }
        }
    }

    fn passed(&mut self, state: &State, task: &TaskId, summary: &GateSummary, text: &str) {
        self.row(
            state,
            task,
            super::gate::label(summary.gate()),
            "pass",
            text,
        );
    }

    /// What was found, its difference, and what became of it.
    fn refused(&mut self, state: &State, task: &TaskId, summary: &GateSummary) {
        let parts = summary.parts();
        let label = super::gate::label(parts.gate);
        let word = words::verdict(parts.verdict);
        let main: Vec<&Reason> = words::main_reasons(summary);
        let mut text = main.first().map_or_else(
            || "no reason was given".to_owned(),
            |reason| words::reason(reason, &parts.tests),
        );
        if parts.gate == Gate::Green || parts.gate == Gate::Red {
            let role = if parts.gate == Gate::Red {
                AgentRole::Author
            } else {
                AgentRole::Implementer
            };
            let attempt = self.attempts.get(task).copied().unwrap_or(1);
            let sent = match state.task(task).map(|task| task.phase) {
                Some(Phase::Implement | Phase::Specify) => "; output sent back",
                Some(_) | None => "",
            };
            text.push_str(&format!(
                "{:4}(try {attempt}{}{sent})",
                "",
                tries(state, role)
            ));
        }
        self.row(state, task, label, word, &text);
        for (index, reason) in main.iter().enumerate() {
            if index > 0 && index < 3 {
                self.more(&words::reason(reason, &parts.tests));
            }
            if let Some(difference) = &reason.diff {
                for line in words::difference(difference, DIFFERENCE_LINES) {
                    self.more(&line);
                }
            }
        }
        if main.len() > 3 {
            self.more(&format!("and {} more", main.len() - 3));
        }
        if let Some(not_used) = words::not_used(summary) {
            self.more(&not_used);
        }
    }

    fn locked(&mut self, state: &State, task: &TaskId, lock: &LockRef) {
        let red = self.red.remove(task);
        let locks: &[LockRef] = state.task(task).map_or(&[], |task| &task.locks);
        let old = locks
            .len()
            .checked_sub(2)
            .and_then(|index| locks.get(index));
        let commit = words::short(&lock.commit);
        let criteria = words::criteria(
            state.plan().and_then(|plan| plan.task(task)),
            lock,
            red.as_ref(),
        );
        let failing = red.as_ref().map_or_else(String::new, words::red);
        if let Some(old) = old {
            self.row(
                state,
                task,
                "again",
                commit,
                &format!("{failing}; locked again, both locks are kept"),
            );
            for line in (self.differences)(&old.commit, &lock.commit)
                .into_iter()
                .take(DIFFERENCE_LINES)
            {
                self.more(&line);
            }
        } else if self.is_brief(task) {
            let text = format!("{} tests for {}; {failing}", lock.tests, criteria.short);
            self.row(state, task, "locked", commit, &text);
        } else {
            if !criteria.long.is_empty() {
                self.row(state, task, "tests", "author", &criteria.long);
            }
            if let Some(red) = &red {
                self.passed(state, task, red, &failing);
            }
            let text = format!(
                "{} tests, and {} files that could change their result",
                lock.tests, lock.files
            );
            self.row(state, task, "lock", commit, &text);
        }
    }

    fn delivered(&mut self, state: &State, task: &TaskId, delivery: &Delivery) {
        let suite = self.full.remove(task).map(|summary| words::full(&summary));
        let (word, text) = match delivery {
            Delivery::Merged { commit } => (
                "pass",
                format!("on your branch as {}", words::short(commit)),
            ),
            Delivery::OnRunBranch { commit, command } => (
                "pass",
                format!(
                    "your branch is untouched; {} waits: {command}",
                    words::short(commit)
                ),
            ),
            Delivery::ContentChanged { .. } => (
                "again",
                "something else was delivered meanwhile; the whole suite runs again".to_owned(),
            ),
            Delivery::Conflict { paths } => (
                "conflict",
                format!("with what was delivered meanwhile, in {}", paths.join(", ")),
            ),
        };
        let text = match suite {
            Some(suite) => format!("{suite}; {text}"),
            None => text,
        };
        self.row(state, task, "full", word, &text);
    }

    fn disputed(&mut self, state: &State, task: &TaskId, test: &str, evidence: &[DisputeEvidence]) {
        let decision = state
            .task(task)
            .and_then(|task| task.dispute.as_ref())
            .map(|open| open.decision);
        let (word, end) = match decision {
            Some(DisputeDecision::SendBack) => ("accepted", "; back to the author"),
            Some(DisputeDecision::AskPerson) | None => ("open", "; a person decides"),
        };
        let text = evidence.first().map_or_else(
            || {
                format!(
                    "`{}`: nothing was found that proves it wrong",
                    words::item(test)
                )
            },
            words::evidence,
        );
        self.row(state, task, "dispute", word, &format!("{text}{end}"));
    }

    fn answer(
        &mut self,
        state: &State,
        task: &TaskId,
        what: &str,
        by: &Person,
        text: Option<&str>,
    ) {
        let text = text.map_or_else(String::new, |text| format!("{text}  "));
        self.row(state, task, what, "", &format!("{text}({by})"));
    }

    fn halted(&mut self, state: &State, task: &TaskId, event: &Event) {
        let now = matches!(
            event,
            Event::GateJudged { .. }
                | Event::AgentEnded { .. }
                | Event::Faulted { .. }
                | Event::Delivered { .. }
        );
        let halt: Option<&Halt> = state
            .task(task)
            .filter(|task| task.phase == Phase::Halted)
            .and_then(|task| task.halt.as_ref());
        let (true, Some(halt)) = (now, halt) else {
            return;
        };
        let attempt = self.attempts.get(task).copied().unwrap_or(1);
        let cause = match halt.cause {
            // Full validation has attempts of its own: a chore's implementer may have more sessions than retries.
            HaltCause::Exhausted if halt.phase == Phase::Full => {
                let used = state.task(task).map_or(0, |task| task.tries.validation);
                let of = state
                    .options()
                    .map_or(used, |options| options.budgets.validation_attempts);
                format!("{used} of {of} full validations used")
            }
            HaltCause::Exhausted => {
                let role = if halt.phase == Phase::Red {
                    AgentRole::Author
                } else {
                    AgentRole::Implementer
                };
                format!("{attempt}{} tries used", tries(state, role))
            }
            HaltCause::Conflict => "it conflicts, and no round is left".to_owned(),
            HaltCause::SuiteBudget => "the whole suite may not run once more".to_owned(),
            HaltCause::EnvironmentFault => "the environment failed again and again".to_owned(),
            HaltCause::AgentUnavailable => "no session ended with a result".to_owned(),
            HaltCause::SessionLimit => "a session reached its limit".to_owned(),
            HaltCause::EffectFault => "writing the result failed again and again".to_owned(),
        };
        self.row(
            state,
            task,
            "halted",
            "",
            &format!("{cause}. Nothing of {task} is on your branch."),
        );
    }
}

/// " of 3".
fn tries(state: &State, role: AgentRole) -> String {
    state.options().map_or_else(String::new, |options| {
        let retries = match role {
            AgentRole::Author => options.budgets.author_retries,
            AgentRole::Implementer => options.budgets.implementer_retries,
            AgentRole::Refactorer => 0,
        };
        format!(" of {}", retries + 1)
    })
}

fn task_of(event: &Event) -> Option<&TaskId> {
    match event {
        Event::Started { key }
        | Event::AgentEnded { key, .. }
        | Event::GateJudged { key, .. }
        | Event::LockCommitted { key, .. }
        | Event::RefactorAdopted { key }
        | Event::RefactorDiscarded { key }
        | Event::Delivered { key, .. }
        | Event::Done { key }
        | Event::Faulted { key, .. } => key.task.as_ref(),
        Event::Disputed { dispute, .. } => Some(&dispute.task),
        Event::Agreed { task, .. }
        | Event::Amended { task, .. }
        | Event::Retried { task, .. }
        | Event::Taken { task, .. }
        | Event::HandedBack { task, .. }
        | Event::Waived { task, .. }
        | Event::Reset { task, .. } => Some(task),
        Event::RunStarted { .. }
        | Event::Approved { .. }
        | Event::Differs { .. }
        | Event::Resumed { .. }
        | Event::StopRequested { .. }
        | Event::LimitReached { .. } => None,
    }
}

/// The second word of a row, in its colour.
fn paint(word: &str) -> String {
    use owo_colors::OwoColorize as _;
    match word {
        "pass" | "accepted" => word.green().to_string(),
        "fail" | "rejected" => printer::red(word),
        _ => word.to_owned(),
    }
}

/// The changed lines of test files between two commits. What cannot be read is left out of the story.
#[must_use]
pub fn test_differences(context: &Context) -> Differences<'_> {
    Box::new(|old, new| differences(context, old, new).unwrap_or_default())
}

fn differences(context: &Context, old: &str, new: &str) -> Result<Vec<String>, Failure> {
    let repository = &context.repository;
    let of = |commit: &str| Snapshot::of_commit(repository, commit).map_err(Failure::internal);
    let (old, new) = (of(old)?, of(new)?);
    let setting = Setting::of_tree(context, &new)?;
    let item_rules = setting.item_rules();
    let mut lines = Vec::new();
    for (path, _) in tree::changes(&old.listing(), &new.listing()) {
        if item_rules.can_hold(&path) {
            let (before, after) = (
                bytes_of(&old, repository, &path)?,
                bytes_of(&new, repository, &path)?,
            );
            let (difference, _) = scope::difference(&path, before.as_deref(), after.as_deref());
            lines.extend(words::difference(
                &difference.unwrap_or_default(),
                DIFFERENCE_LINES,
            ));
        }
    }
    Ok(lines)
}

/// The story of `redgreen run`, told on standard error.
#[derive(Debug)]
pub struct Story<'a> {
    printer: Printer,
    teller: Teller<'a>,
}

impl<'a> Story<'a> {
    /// A story that tells everything.
    #[must_use]
    pub fn new(context: &'a Context) -> Self {
        Self {
            printer: context.printer,
            teller: Teller::new(Detail::All, test_differences(context)),
        }
    }
}

impl Observer for Story<'_> {
    fn event(&mut self, state: &State, event: &Event) {
        for line in self.teller.tell(state, event) {
            self.printer.talk(line);
        }
    }
}

/// What a person waits for while an effect is carried out: `GREEN T43`, `author T43`.
#[must_use]
pub fn title(action: &Action) -> Option<String> {
    match action {
        Action::StartAgent { role, task, .. } => Some(format!("{} {task}", role.as_str())),
        Action::RunGate { gate, task, .. } => Some(format!("{} {task}", super::gate::label(*gate))),
        Action::CommitLock { task } => Some(format!("lock {task}")),
        Action::Deliver { task } => Some(format!("deliver {task}")),
        Action::AdoptRefactor { .. }
        | Action::DiscardRefactor { .. }
        | Action::WritePlan
        | Action::WriteReport
        | Action::Notify { .. }
        | Action::AskPerson { .. } => None,
    }
}
