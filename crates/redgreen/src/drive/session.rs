//! Agent sessions: a clone, a prompt, a program, and what is taken from it: nothing but files (SPEC A6, F1-F3).

use super::prompt::{Asked, assemble};
use super::{Driver, Observer};
use crate::config::file::{Agent, AgentKind};
use crate::error::Failure;
use crate::referee::context::Context;
use crate::referee::dependencies::with_dependencies;
use crate::referee::green::{GreenRequest, take_apart};
use crate::referee::isolation::{AgentNetwork, agent_network};
use crate::referee::lock::{StoredLock, load_lock, locked_tree};
use crate::referee::proposal::put_as_in;
use crate::referee::trial::try_locked;
use redgreen_core::gate::ChangeClass;
use redgreen_core::id::TaskId;
use redgreen_core::machine::{
    AgentMode, AgentOutcome, AgentRole, AgentSession, EffectKey, Event, Feedback,
};
use redgreen_core::reason::ReasonCode;
use redgreen_host::agent::door::Door;
use redgreen_host::agent::{self, Session};
use redgreen_host::process::Network;
use redgreen_host::tree::{Snapshot, materialise};
use serde::Deserialize;
use std::path::{Path, PathBuf};

impl Driver<'_> {
    /// The commit a task's tests are proven on: the tip of the run's branch when the task began.
    ///
    /// # Errors
    /// A failure when it cannot be read or written.
    pub fn base_of(&self, task: &TaskId) -> Result<String, Failure> {
        let file = self.base_file(task);
        if let Ok(text) = std::fs::read_to_string(&file) {
            return Ok(text.trim().to_owned());
        }
        let tip = self.with_dependencies(task, &self.tip()?)?;
        redgreen_host::state::write_atomically(&file, tip.as_bytes()).map_err(Failure::internal)?;
        Ok(tip)
    }

    /// A commit with what the task declares in `new_dependencies`, on top of another one.
    ///
    /// # Errors
    /// A failure when something cannot be added.
    pub(super) fn with_dependencies(&self, task: &TaskId, commit: &str) -> Result<String, Failure> {
        with_dependencies(
            self.context,
            &self.definition(task)?,
            commit,
            &format!("refs/redgreen/{}/{task}/dependencies", self.slug),
        )
    }

    /// Where [`Driver::base_of`] is kept.
    pub(super) fn base_file(&self, task: &TaskId) -> PathBuf {
        self.task_folder(task).join("base")
    }

    /// The folder of a role's clone.
    #[must_use]
    pub fn clone_of(&self, task: &TaskId, role: AgentRole) -> PathBuf {
        match role {
            AgentRole::Author => self.task_folder(task).join("author"),
            AgentRole::Implementer | AgentRole::Refactorer => {
                let taken = std::fs::read_to_string(self.task_folder(task).join("taken")).ok();
                let is_taken = self
                    .log
                    .state()
                    .task(task)
                    .is_some_and(|state| state.taken.is_some());
                match taken {
                    Some(folder) if is_taken => PathBuf::from(folder),
                    Some(_) | None => self.task_folder(task).join("implementer"),
                }
            }
        }
    }

    /// Makes a folder anew: these files, one commit, no history.
    ///
    /// # Errors
    /// A failure when it cannot be written or git refuses.
    pub fn fresh_clone(&self, folder: &Path, tree: &Snapshot) -> Result<(), Failure> {
        if folder.exists() {
            redgreen_host::state::remove_tree(folder).map_err(Failure::internal)?;
        }
        materialise(tree, &self.context.repository, folder).map_err(Failure::internal)?;
        let scratch = self
            .context
            .state
            .scratch("clone")
            .map_err(Failure::internal)?;
        redgreen_host::clone::init_with_one_commit(folder, scratch.path())
            .map_err(Failure::internal)
    }

    /// Puts back everything locked that a session changed, so that the next one starts from the lock.
    fn refresh(
        &self,
        lock: &StoredLock,
        folder: &Path,
        locked: &Snapshot,
        scope: &[String],
    ) -> Result<(), Failure> {
        let setting = crate::referee::context::Setting::of_tree(self.context, locked)?;
        let request = GreenRequest {
            lock,
            candidate: folder,
            plan_files: &[],
            scope,
        };
        let candidate = take_apart(self.context, &setting, locked, &request)?;
        for change in candidate.changes {
            if change.class != ChangeClass::Rejected && change.class != ChangeClass::OutOfScope {
                continue;
            }
            let wanted = if change.code == ReasonCode::LockedTestEdited
                && candidate.full.get(&change.path).is_some()
            {
                &candidate.full
            } else {
                locked
            };
            put_as_in(wanted, &self.context.repository, &change.path, folder)?;
        }
        Ok(())
    }

    /// Runs one session and returns the events it led to: perhaps a dispute, then its end.
    #[expect(
        clippy::too_many_arguments,
        reason = "these are the fields of the effect"
    )]
    pub(super) fn session(
        &mut self,
        key: &EffectKey,
        role: AgentRole,
        task: &TaskId,
        attempt: u32,
        mode: AgentMode,
        feedback: Option<&Feedback>,
        _observer: &mut dyn Observer,
    ) -> Result<Vec<Event>, Failure> {
        let ended = |outcome: AgentOutcome, session: AgentSession| Event::AgentEnded {
            key: key.clone(),
            outcome,
            session,
        };
        let clone = self.clone_of(task, role);
        let lock = match role {
            AgentRole::Author => None,
            AgentRole::Implementer | AgentRole::Refactorer => {
                load_lock(self.context, &self.slug, task)?
            }
        };
        let tree = match (&lock, role) {
            (Some(lock), _) => locked_tree(self.context, lock)?,
            (None, AgentRole::Author) => {
                let base = self.base_of(task)?;
                Snapshot::of_commit(&self.context.repository, &base).map_err(Failure::internal)?
            }
            // A chore has no lock: the implementer starts from the base.
            (None, AgentRole::Implementer | AgentRole::Refactorer) => {
                let base = self.base_of(task)?;
                Snapshot::of_commit(&self.context.repository, &base).map_err(Failure::internal)?
            }
        };
        let Some(configured) = self.agent_of(role) else {
            return Err(Failure::usage(
                format!("no agent is configured for the role `{}`", role.as_str()),
                "add `[agent]` with `kind = \"claude-code\"` or `command = [\"program\"]` to redgreen.toml, or give --agent 'program'",
            ));
        };
        if let Some(limit) = self.task_is_spent(task) {
            self.context.printer.talk(limit);
            return Ok(vec![ended(
                AgentOutcome::SessionLimit,
                AgentSession::default(),
            )]);
        }
        // A session that was cut off (an outage, kill -9) goes on in the files that it left.
        let goes_on = configured.kind == AgentKind::ClaudeCode
            && clone.exists()
            && self.has_session(task, role);
        if mode == AgentMode::First && attempt <= 1 && !goes_on || !clone.exists() {
            self.fresh_clone(&clone, &tree)?;
            self.forget_session(task, role)?;
        } else if let Some(lock) = &lock {
            self.refresh(lock, &clone, &tree, &self.definition(task)?.scope)?;
        }
        let prompt = self.prompt(role, task, lock.as_ref(), &tree, feedback)?;
        let prompt = redgreen_host::secrets::hidden(&prompt).into_owned();
        let home = self
            .context
            .state
            .scratch("agent")
            .map_err(Failure::internal)?;
        let dispute = home.path().join("dispute").join("request.json");
        std::fs::create_dir_all(home.path().join("dispute")).map_err(Failure::internal)?;
        let log = self
            .context
            .state
            .logs()
            .join(&self.slug)
            .join(format!("{}.log", key.to_string().replace('/', "-")));
        let mode_text = match mode {
            AgentMode::First => "first",
            AgentMode::Again => "again",
            AgentMode::Fix => "fix",
        };
        let mut variables = vec![
            ("REDGREEN_TASK".to_owned(), task.to_string()),
            ("REDGREEN_ROLE".to_owned(), role.as_str().to_owned()),
            ("REDGREEN_ATTEMPT".to_owned(), attempt.to_string()),
            ("REDGREEN_MODE".to_owned(), mode_text.to_owned()),
        ];
        for name in &configured.environment {
            if let Some(value) = redgreen_host::env::variable(name) {
                variables.push((name.clone(), value));
            }
        }
        let native = match configured.kind {
            AgentKind::Command => None,
            AgentKind::ClaudeCode => Some(self.claude(&configured, role, task)?),
        };
        let network = match agent_network(&configured)? {
            AgentNetwork::Provider | AgentNetwork::Host => Network::Host,
            AgentNetwork::None => Network::Closed,
        };
        // Something can be tried as soon as something is locked.
        let door = match &lock {
            Some(_) => Some(Door::open(home.path()).map_err(Failure::internal)?),
            None => None,
        };
        let limits = &self.setting.config.limits;
        let session = Session {
            command: configured.command.clone(),
            clone: clone.clone(),
            home: home.path().to_path_buf(),
            prompt,
            dispute: dispute.clone(),
            door: door.as_ref().map(|door| door.socket().to_path_buf()),
            variables,
            network,
            nested: configured.nested,
            checkout: self.context.repository.top_level().to_path_buf(),
            timeout: limits.session,
            idle: limits.idle,
            log: log.clone(),
        };
        let scope = self.definition(task)?.scope;
        let (context, plan_files) = (self.context, &self.plan_files);
        let end = std::thread::scope(|threads| {
            if let (Some(door), Some(lock)) = (&door, &lock) {
                let request = GreenRequest {
                    lock,
                    candidate: &clone,
                    plan_files,
                    scope: &scope,
                };
                threads.spawn(move || door.serve(|question| tried(context, &request, question)));
            }
            let end = match &native {
                Some(native) => agent::claude::run(&session, native),
                None => agent::command::run(&session),
            };
            if let Some(door) = &door {
                door.close();
            }
            end
        })
        .map_err(Failure::internal)?;
        let outcome = self.outcome_of(&end, task, role, native.is_some())?;
        let told = &end.told;
        let known = AgentSession {
            agent: match &native {
                Some(_) => configured.kind.as_str().to_owned(),
                None => configured.command.first().cloned().unwrap_or_default(),
            },
            model: told.model.clone(),
            session: told.session.clone(),
            tokens: told.tokens,
            micro_usd: self.new_money(told),
            duration_ms: u64::try_from(end.duration.as_millis()).unwrap_or(u64::MAX),
            log: std::fs::read(&log)
                .ok()
                .map(|bytes| redgreen_core::id::Digest::of(&bytes)),
            isolation: Some(end.isolation.as_str().to_owned()),
        };
        self.context.printer.detail(format!(
            "{} of {task} ended: {} ({})",
            role.as_str(),
            end.exit,
            log.display()
        ));
        let mut events = Vec::new();
        if outcome == AgentOutcome::Done
            && role == AgentRole::Implementer
            && let Some(lock) = &lock
            && let Some(event) = self.dispute_from(&dispute, task, lock, &clone)?
        {
            events.push(event);
        }
        events.push(ended(outcome, known));
        Ok(events)
    }

    /// The agent of a role.
    pub(super) fn agent_of(&self, role: AgentRole) -> Option<Agent> {
        if let Some(words) = &self.agent {
            return Some(Agent::of_words(words.clone()));
        }
        let name = match role {
            AgentRole::Author => "author",
            AgentRole::Implementer | AgentRole::Refactorer => "implementer",
        };
        self.setting.config.agent(name).cloned()
    }

    fn prompt(
        &self,
        role: AgentRole,
        task: &TaskId,
        lock: Option<&StoredLock>,
        tree: &Snapshot,
        feedback: Option<&Feedback>,
    ) -> Result<String, Failure> {
        let plan = self
            .log
            .state()
            .plan()
            .cloned()
            .unwrap_or_else(|| self.plan.file.plan.clone());
        let Some(definition) = plan.task(task) else {
            return Err(Failure::internal(format!("the plan has no task `{task}`")));
        };
        let tail = match feedback.and_then(|feedback| feedback.evidence) {
            Some(evidence) => self.tail_of(&evidence),
            None => Vec::new(),
        };
        let asked = Asked {
            context: self.context,
            config: &self.setting.config,
            role,
            task: definition,
            lock,
            tree,
            feedback,
            tail: &tail,
        };
        Ok(assemble(&asked)?.text)
    }

    /// The last lines of the runs behind an evidence record.
    fn tail_of(&self, evidence: &redgreen_core::id::Digest) -> Vec<String> {
        const LINES: usize = 40;
        let Some(record) = crate::referee::evidence::read(self.context, evidence) else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        for test in record.gate["tests"].as_array().into_iter().flatten() {
            if test["outcome"] != "passed"
                && let Some(message) = test["message"].as_str()
            {
                lines.extend(message.lines().take(12).map(str::to_owned));
            }
        }
        for run in &record.runs {
            lines.extend(
                run["report"]["tail"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|line| line.as_str().map(str::to_owned)),
            );
        }
        let skip = lines.len().saturating_sub(LINES);
        lines.split_off(skip)
    }
}

/// Answers a question of an agent: a trial of the locked tests on what it has written so far.
fn tried(context: &Context, request: &GreenRequest<'_>, question: &str) -> String {
    #[derive(Deserialize)]
    struct Question {
        r#try: String,
        #[serde(default)]
        tests: Vec<String>,
    }
    let task = &request.lock.record.task;
    match serde_json::from_str::<Question>(question) {
        Ok(question) if question.r#try == task.as_str() => {
            try_locked(context, request, &question.tests)
                .unwrap_or_else(|failure| format!("{} ({})\n", failure.what, failure.help))
        }
        Ok(_) => format!("this session is about {task}\n"),
        Err(_) => "this is no question that the referee answers\n".to_owned(),
    }
}
