//! Delivery: commits, the run's branch, the user's branch, the plan file, reports (SPEC G7, G8, A1).

use super::Driver;
use crate::error::Failure;
use crate::referee::context::git_failure;
use crate::referee::green::{GreenRequest, take_apart};
use crate::referee::lock::{StoredLock, locked_tree};
use crate::referee::proposal::{bytes_of, copy, put_as_in};
use redgreen_core::exit::ExitCode;
use redgreen_core::gate::{Gate, VALIDATED};
use redgreen_core::id::{Digest, RelPath, TaskId};
use redgreen_core::machine::{AgentRole, Delivery, Event, Notice};
use redgreen_core::outcome::Verdict;
use redgreen_core::plan::{Mode, PlanStatus, Task};
use redgreen_core::tree::{self, Entry};
use redgreen_formats::plan_file::{DerivedFields, Edit, set_derived};
use redgreen_host::foreign;
use redgreen_host::git::{CommitRequest, Head, Signing};
use redgreen_host::process::{self, Spec};
use redgreen_host::tree::{Snapshot, content_digest};
use std::collections::BTreeMap;
use std::path::Path;

impl Driver<'_> {
    /// The tip of the run's branch; `None` before the first delivery.
    fn branch_tip(&self) -> Result<Option<String>, Failure> {
        let branch = self.branch();
        let refs = self.context.repository.refs(&branch).map_err(git_failure)?;
        Ok(refs.get(&branch).cloned())
    }

    /// The commit the next task begins on: what is checked out where that holds everything delivered so far, else the
    /// tip of the run's branch.
    ///
    /// # Errors
    /// A failure when there is no commit.
    pub fn tip(&self) -> Result<String, Failure> {
        let head = self.context.head_commit()?;
        match self.branch_tip()? {
            Some(tip)
                if !self
                    .context
                    .repository
                    .is_ancestor(&tip, &head)
                    .map_err(git_failure)? =>
            {
                Ok(tip)
            }
            Some(_) | None => Ok(head),
        }
    }

    /// The content that FULL passed last for a task, with the lock it was judged by.
    fn validated_file(&self, task: &TaskId) -> std::path::PathBuf {
        self.task_folder(task).join("validated")
    }

    /// Remembers what FULL passed: what is delivered must be the same content (DESIGN, invariant 3).
    pub(super) fn remember_validated(
        &self,
        task: &TaskId,
        lock: &Digest,
        content: &str,
    ) -> Result<(), Failure> {
        let text = format!("{lock} {content}\n");
        redgreen_host::state::write_atomically(&self.validated_file(task), text.as_bytes())
            .map_err(Failure::internal)
    }

    /// Commits the source that FULL passed behind the lock commit, moves the run's branch, and the user's where it is safe.
    pub(super) fn deliver(&mut self, task: &TaskId) -> Result<Delivery, Failure> {
        self.finish_rebase(task)?;
        let definition = self.definition(task)?;
        let lock = self.lock_of(task)?;
        let locked = locked_tree(self.context, &lock)?;
        let setting = crate::referee::context::Setting::of_tree(self.context, &locked)?;
        let candidate_folder = self.clone_of(task, AgentRole::Implementer);
        let request = GreenRequest {
            lock: &lock,
            candidate: &candidate_folder,
            plan_files: &self.plan_files,
            scope: &definition.scope,
        };
        let candidate = take_apart(self.context, &setting, &locked, &request)?;
        let base = &lock.record.base_commit;
        let listing = candidate.full.listing();
        let mut changes: Vec<(RelPath, Option<Entry>)> = Vec::new();
        for (path, _) in tree::changes(&locked.listing(), &listing) {
            if let Some(bytes) = bytes_of(&candidate.full, &self.context.repository, &path)? {
                self.context
                    .repository
                    .write_blob(&bytes)
                    .map_err(git_failure)?;
            }
            changes.push((path.clone(), listing.get(&path).cloned()));
        }
        let written = self
            .context
            .repository
            .write_tree(Some(&lock.commit), &changes)
            .map_err(git_failure)?;
        if let Some(tip) = self.branch_tip()?
            && !self
                .context
                .repository
                .is_ancestor(&tip, base)
                .map_err(git_failure)?
        {
            if self.context.repository.tree_of(&tip).map_err(git_failure)? == written {
                // A run that was killed before it could record it has delivered this already.
                return self.forward(&tip);
            }
            return self.rebase(task, &tip, &lock, &locked, &candidate.full);
        }
        let content = content_digest(&candidate.full, &self.plan_files).to_string();
        let validated = std::fs::read_to_string(self.validated_file(task)).unwrap_or_default();
        if validated.trim() != format!("{} {content}", lock.digest) {
            return Ok(Delivery::ContentChanged { tree: content });
        }
        let evidence = crate::referee::evidence::trailer(self.context, &self.slug)?;
        let identity = self.context.repository.identity().map_err(git_failure)?;
        let squash = self.setting.config.file.deliver.style.as_deref() == Some("squash");
        let parent = if squash { base } else { &lock.commit };
        let commit = self
            .context
            .repository
            .commit_tree(&CommitRequest {
                tree: &written,
                parents: std::slice::from_ref(parent),
                message: &redgreen_host::secrets::hidden(&message(
                    &definition,
                    &lock.digest.to_string(),
                    evidence.as_deref(),
                )),
                identity: &identity,
                sign_off: self
                    .context
                    .repository
                    .wants_sign_off()
                    .map_err(git_failure)?,
                signing: Signing::AsConfigured,
            })
            .map_err(git_failure)?;
        let branch = self.branch();
        let known = self.context.repository.refs(&branch).map_err(git_failure)?;
        self.context
            .repository
            .update_ref(&branch, &commit, known.get(&branch).map(String::as_str))
            .map_err(git_failure)?;
        self.forward(&commit)
    }

    /// Something else was delivered since this task began. Its tests are proven red and locked again on what is delivered
    /// now, and its candidate gets what the others changed. Where no path is touched by both, FULL decides; otherwise the
    /// implementer makes its changes again in the files that both touched.
    fn rebase(
        &mut self,
        task: &TaskId,
        tip: &str,
        lock: &StoredLock,
        locked: &Snapshot,
        full: &Snapshot,
    ) -> Result<Delivery, Failure> {
        let repository = &self.context.repository;
        let tip = &self.with_dependencies(task, tip)?;
        let before =
            Snapshot::of_commit(repository, &lock.record.base_commit).map_err(Failure::internal)?;
        let now = Snapshot::of_commit(repository, tip).map_err(Failure::internal)?;
        let changed = |to: &Snapshot| -> Vec<RelPath> {
            tree::changes(&before.listing(), &to.listing())
                .into_iter()
                .map(|(path, _)| path)
                .filter(|path| !path.is_below(".redgreen/locks"))
                .collect()
        };
        let theirs = changed(&now);
        let of_both = |ours: Vec<RelPath>| -> Vec<RelPath> {
            ours.into_iter()
                .filter(|path| {
                    theirs.iter().any(|other| {
                        other == path
                            || path.is_below(other.as_str())
                            || other.is_below(path.as_str())
                    })
                })
                .collect()
        };
        let both = of_both(changed(full));
        let paths = || both.iter().map(ToString::to_string).collect();
        if !of_both(changed(locked)).is_empty() {
            // The tests themselves conflict: no base has both.
            return Ok(Delivery::Conflict { paths: paths() });
        }
        self.keep_copies(task, &both)?;
        let mut tests = now;
        for path in changed(locked) {
            if locked.get(&path).is_some() {
                copy(&mut tests, locked, &path);
            } else {
                tests = tests.without(&path);
            }
        }
        if let Some(held) = &lock.hidden {
            tests = held.put_into(repository, task, tests)?;
        }
        let author = self.task_folder(task).join("author");
        self.fresh_clone(&author, &tests)?;
        let claims = self.claims(&self.definition(task)?);
        let red = self.prove_in(task, tip, &author, &claims)?;
        let note = self.task_folder(task).join("rebase");
        redgreen_host::state::write_atomically(&note, lock.commit.as_bytes())
            .map_err(Failure::internal)?;
        let reason = "another task was delivered meanwhile; proven again on it".to_owned();
        let evidence = self.keep_red(&red)?;
        self.lock_proven(task, tip, &red, evidence, reason)?;
        self.finish_rebase(task)?;
        if both.is_empty() {
            Ok(Delivery::ContentChanged {
                tree: self.lock_of(task)?.record.locked_tree,
            })
        } else {
            // These files are now as the others left them; the implementer makes its changes in them again.
            Ok(Delivery::Conflict { paths: paths() })
        }
    }

    /// Keeps what a candidate holds in files that are about to be replaced.
    fn keep_copies(&self, task: &TaskId, paths: &[RelPath]) -> Result<(), Failure> {
        let from = self.clone_of(task, AgentRole::Implementer);
        let to = self.context.state.kept_copies().join(task.as_str());
        for path in paths {
            if let Ok(Some(bytes)) = foreign::read(&from, path, u64::MAX - 1) {
                let copy = to.join(path.as_str());
                redgreen_host::state::write_atomically(&copy, &bytes).map_err(Failure::internal)?;
                self.context
                    .printer
                    .talk(format!("{task}: `{path}` was kept as {}", copy.display()));
            }
        }
        Ok(())
    }

    /// Brings into the candidate what changed from the old lock to the new one. No session ran in between, so doing it
    /// twice is harmless; the note tells that it has to be done.
    fn finish_rebase(&self, task: &TaskId) -> Result<(), Failure> {
        let note = self.task_folder(task).join("rebase");
        let Ok(old) = std::fs::read_to_string(&note) else {
            return Ok(());
        };
        let lock = self.lock_of(task)?;
        if lock.commit != old.trim() {
            redgreen_host::state::write_atomically(
                &self.base_file(task),
                lock.record.base_commit.as_bytes(),
            )
            .map_err(Failure::internal)?;
            self.bring_in(
                old.trim(),
                &lock,
                &self.clone_of(task, AgentRole::Implementer),
            )?;
        }
        std::fs::remove_file(&note).map_err(Failure::internal)
    }

    /// Writes into a folder what changed from one lock commit to a lock.
    ///
    /// # Errors
    /// A failure when an object cannot be read or a file cannot be written.
    pub fn bring_in(&self, old: &str, lock: &StoredLock, folder: &Path) -> Result<(), Failure> {
        let repository = &self.context.repository;
        let old = Snapshot::of_commit(repository, old).map_err(Failure::internal)?;
        let new = locked_tree(self.context, lock)?;
        for (path, _) in tree::changes(&old.listing(), &new.listing()) {
            put_as_in(&new, repository, &path, folder)?;
        }
        Ok(())
    }

    /// Moves the user's branch when nothing of theirs is touched; otherwise says which command does it.
    fn forward(&self, commit: &str) -> Result<Delivery, Failure> {
        let repository = &self.context.repository;
        let mut command = format!("git merge --ff-only redgreen/{}", self.slug);
        let stay = |command: &str| Delivery::OnRunBranch {
            commit: commit.to_owned(),
            command: command.to_owned(),
        };
        let Head::Branch { oid, .. } = repository.head().map_err(git_failure)? else {
            return Ok(stay(&command));
        };
        if !repository.is_ancestor(&oid, commit).map_err(git_failure)? {
            command = format!("git merge redgreen/{}", self.slug);
            return Ok(stay(&command));
        }
        if !self.fast_forward {
            return Ok(stay(&command));
        }
        let old = Snapshot::of_commit(repository, &oid).map_err(Failure::internal)?;
        let new = Snapshot::of_commit(repository, commit).map_err(Failure::internal)?;
        let touched: Vec<RelPath> = tree::changes(&old.listing(), &new.listing())
            .into_iter()
            .map(|(path, _)| path)
            .collect();
        let dirty = repository.status_dirty_paths().map_err(git_failure)?;
        if touched.iter().any(|path| {
            dirty.iter().any(|other| {
                other == path || path.is_below(other.as_str()) || other.is_below(path.as_str())
            })
        }) {
            return Ok(stay(&command));
        }
        match repository.fast_forward(commit) {
            Ok(()) => Ok(Delivery::Merged {
                commit: commit.to_owned(),
            }),
            Err(_) => Ok(stay(&command)),
        }
    }

    /// Rewrites the derived fields of the plan file and nothing else of it.
    pub(super) fn write_plan(&mut self) -> Result<(), Failure> {
        let Some(derived) = self.log.state().derived() else {
            return Ok(());
        };
        let bytes = std::fs::read(&self.plan.path).map_err(|error| {
            Failure::not_ready(
                format!("the plan file cannot be read: {error}"),
                "put it back",
            )
            .at(self.plan.path.display().to_string())
        })?;
        let mut fields = DerivedFields {
            status: Some(derived.status),
            ..DerivedFields::default()
        };
        for (task, passes) in &derived.passes {
            fields.task(task).passes = Edit::Set(*passes);
        }
        self.production_validated(&bytes, derived.status, &mut fields);
        let written = set_derived(&bytes, &fields)
            .map_err(|error| Failure::usage(error.to_string(), "correct the plan file"))?;
        if written != bytes {
            redgreen_host::state::write_atomically(&self.plan.path, &written)
                .map_err(Failure::internal)?;
        }
        Ok(())
    }

    /// Which tasks were fully validated with an application every declared step of which held (SPEC E6), and when. What
    /// somebody else wrote there is taken back.
    fn production_validated(&self, bytes: &[u8], status: PlanStatus, fields: &mut DerivedFields) {
        let claims = redgreen_formats::plan_file::parse(bytes)
            .map(|file| file.claims)
            .unwrap_or_default();
        let mut validated: BTreeMap<String, Option<String>> = BTreeMap::new();
        let mut last = None;
        for (at, event) in self.log.events() {
            if let Event::GateJudged { key, summary } = event
                && let Some(task) = &key.task
                && summary.gate() == Gate::Full
            {
                let held = summary.verdict() == Verdict::Pass
                    && summary
                        .parts()
                        .controls
                        .iter()
                        .any(|control| control.kind == VALIDATED);
                last = held.then(|| at.clone());
                validated.insert(task.to_string(), last.clone());
            }
        }
        let value = |at: Option<String>, claimed: &Edit<bool>| match at {
            Some(at) => (Edit::Set(true), Edit::Set(at)),
            None if *claimed == Edit::Set(true) => (Edit::Set(false), Edit::Clear),
            None => (Edit::Keep, Edit::Keep),
        };
        for (task, derived) in &mut fields.tasks {
            let at = (derived.passes == Edit::Set(true))
                .then(|| validated.get(task).cloned().flatten())
                .flatten();
            let claimed = claims
                .tasks
                .get(task)
                .map_or(Edit::Keep, |claim| claim.production_validated.clone());
            (derived.production_validated, derived.validation_timestamp) = value(at, &claimed);
        }
        // The last task that was delivered was validated with all the others.
        let whole = last.filter(|_| status == PlanStatus::Complete);
        (fields.production_validated, fields.validation_timestamp) =
            value(whole, &claims.production_validated);
    }

    /// The folder of reports.
    #[must_use]
    pub fn report_folder(&self) -> std::path::PathBuf {
        self.context.state.root().join("reports").join(&self.slug)
    }

    /// Writes every report from the events.
    pub(super) fn write_report(&mut self) -> Result<(), Failure> {
        for (name, bytes) in crate::render::report::all(self.log.events())? {
            redgreen_host::state::write_atomically(&self.report_folder().join(name), &bytes)
                .map_err(Failure::internal)?;
        }
        Ok(())
    }

    /// Runs `[notify] command` with one argument.
    pub(super) fn notify(
        &self,
        notice: Notice,
        task: Option<&TaskId>,
        exit: ExitCode,
    ) -> Result<(), Failure> {
        let Some(mut argv) = self
            .setting
            .config
            .file
            .notify
            .command
            .clone()
            .filter(|command| !command.is_empty())
        else {
            return Ok(());
        };
        if let Some(program) = redgreen_host::env::find_program(&argv[0]) {
            argv[0] = program.found.display().to_string();
        }
        let notice = match notice {
            Notice::Halted => "halted",
            Notice::ApprovalNeeded => "approval_needed",
            Notice::Stopped => "stopped",
            Notice::Ended => "ended",
        };
        argv.push(format!(
            "{notice} {} exit={}",
            task.map_or("-", TaskId::as_str),
            exit.code()
        ));
        let scratch = self
            .context
            .state
            .scratch("notify")
            .map_err(Failure::internal)?;
        // A command of the user's own, from the approved configuration: it talks to the desktop or the network.
        let mut spec = Spec::new("notify", argv, self.context.repository.top_level());
        spec.env = redgreen_host::env::child(scratch.path(), scratch.path());
        spec.timeout = std::time::Duration::from_secs(60);
        spec.isolation = process::Isolation::Process;
        process::run(&spec)
            .map(|_| ())
            .map_err(|error| Failure::not_ready(error.to_string(), "correct `[notify] command`"))
    }
}

/// A conventional message: `feat(<module>): <name>`, the criteria, what it closes, which lock it was judged by.
fn message(task: &Task, lock: &str, evidence: Option<&str>) -> String {
    let kind = match task.mode {
        Mode::Fix => "fix",
        Mode::Chore => "chore",
        Mode::Refactor => "refactor",
        Mode::Tdd | Mode::Characterize => "feat",
    };
    let scope = task
        .module
        .as_ref()
        .map_or_else(String::new, |module| format!("({module})"));
    let mut text = format!("{kind}{scope}: {}\n\n", task.name);
    for criterion in &task.criteria {
        text.push_str(&format!("- {}: {}\n", criterion.id, criterion.text));
    }
    text.push('\n');
    if let Some(issue) = &task.issue {
        let issue = issue.trim_start_matches('#');
        text.push_str(&if issue.chars().all(|c| c.is_ascii_digit()) {
            format!("Closes #{issue}\n")
        } else {
            format!("Closes {issue}\n")
        });
    }
    text.push_str(&format!(
        "Redgreen-Task: {}\nRedgreen-Judged-By: {lock}\n",
        task.id
    ));
    if let Some(head) = evidence {
        text.push_str(&format!("Redgreen-Evidence: {head}\n"));
    }
    text
}
