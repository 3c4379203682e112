//! Delivery: commits, the run's branch, the user's branch, the plan file, reports (SPEC G7, G8, A1).

use super::Driver;
use crate::error::Failure;
use crate::referee::context::git_failure;
use crate::referee::green::{GreenRequest, take_apart};
use crate::referee::lock::locked_tree;
use crate::referee::proposal::bytes_of;
use redgreen_core::exit::ExitCode;
use redgreen_core::id::{RelPath, TaskId};
use redgreen_core::machine::{AgentRole, Delivery, Notice};
use redgreen_core::plan::{Mode, Task};
use redgreen_core::tree::{self, Entry};
use redgreen_formats::plan_file::{DerivedFields, Edit, set_derived};
use redgreen_host::git::{CommitRequest, Head, Signing};
use redgreen_host::process::{self, Spec};
use redgreen_host::tree::Snapshot;

impl Driver<'_> {
    /// The tip of the run's branch; where there is none yet, the commit that is checked out.
    ///
    /// # Errors
    /// A failure when there is no commit.
    pub fn tip(&self) -> Result<String, Failure> {
        let branch = self.branch();
        if let Some(tip) = self
            .context
            .repository
            .refs(&branch)
            .map_err(git_failure)?
            .get(&branch)
        {
            return Ok(tip.clone());
        }
        self.context.head_commit()
    }

    /// Commits the source that FULL passed behind the lock commit, moves the run's branch, and the user's where it is safe.
    pub(super) fn deliver(&mut self, task: &TaskId) -> Result<Delivery, Failure> {
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
        let tip = self.tip()?;
        if tip != lock.record.base_commit {
            return self.deliver_on(&tip, &lock.record.base_commit, &changes, &locked);
        }
        let written = self
            .context
            .repository
            .write_tree(Some(&lock.commit), &changes)
            .map_err(git_failure)?;
        let identity = self.context.repository.identity().map_err(git_failure)?;
        let commit = self
            .context
            .repository
            .commit_tree(&CommitRequest {
                tree: &written,
                parents: &[lock.commit.clone()],
                message: &message(&definition, &lock.digest.to_string()),
                identity: &identity,
                sign_off: false,
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

    /// Something else was delivered since this task began.
    fn deliver_on(
        &self,
        tip: &str,
        base: &str,
        changes: &[(RelPath, Option<Entry>)],
        locked: &Snapshot,
    ) -> Result<Delivery, Failure> {
        let repository = &self.context.repository;
        let before = Snapshot::of_commit(repository, base).map_err(Failure::internal)?;
        let now = Snapshot::of_commit(repository, tip).map_err(Failure::internal)?;
        let theirs: Vec<RelPath> = tree::changes(&before.listing(), &now.listing())
            .into_iter()
            .map(|(path, _)| path)
            .collect();
        let mut ours: Vec<RelPath> = changes.iter().map(|(path, _)| path.clone()).collect();
        ours.extend(
            tree::changes(&before.listing(), &locked.listing())
                .into_iter()
                .map(|(path, _)| path),
        );
        let both: Vec<String> = ours
            .iter()
            .filter(|path| theirs.contains(path))
            .map(ToString::to_string)
            .collect();
        if both.is_empty() {
            return Err(Failure::not_ready(
                "another task was delivered since this one began, and its tests have to be proven again on the new base",
                "redgreen reset TASK, then redgreen run",
            ));
        }
        Ok(Delivery::Conflict { paths: both })
    }

    /// Moves the user's branch when nothing of theirs is touched; otherwise says which command does it.
    fn forward(&self, commit: &str) -> Result<Delivery, Failure> {
        let repository = &self.context.repository;
        let command = format!("git merge --ff-only redgreen/{}", self.slug);
        let stay = || Delivery::OnRunBranch {
            commit: commit.to_owned(),
            command: command.clone(),
        };
        let Head::Branch { oid, .. } = repository.head().map_err(git_failure)? else {
            return Ok(stay());
        };
        if !self.fast_forward || !repository.is_ancestor(&oid, commit).map_err(git_failure)? {
            return Ok(stay());
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
            return Ok(stay());
        }
        match repository.fast_forward(commit) {
            Ok(()) => Ok(Delivery::Merged {
                commit: commit.to_owned(),
            }),
            Err(_) => Ok(stay()),
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
        let written = set_derived(&bytes, &fields)
            .map_err(|error| Failure::usage(error.to_string(), "correct the plan file"))?;
        if written != bytes {
            redgreen_host::state::write_atomically(&self.plan.path, &written)
                .map_err(Failure::internal)?;
        }
        Ok(())
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
        let mut spec = Spec::new("notify", argv, self.context.repository.top_level());
        spec.env = redgreen_host::env::child(scratch.path(), scratch.path());
        spec.timeout = std::time::Duration::from_secs(60);
        process::run(&spec)
            .map(|_| ())
            .map_err(|error| Failure::not_ready(error.to_string(), "correct `[notify] command`"))
    }
}

/// A conventional message: `feat(<module>): <name>`, the criteria, what it closes, which lock it was judged by.
fn message(task: &Task, lock: &str) -> String {
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
    text
}
