//! Locks in the history of a range, from git alone: no key, no reference of ours, no private state (SPEC C9).
//!
//! A record lies in the tree, so it is there after a squash merge, too. Each is held against its lock commit (digest in the
//! trailer, content tree in the record), against the record it replaces, against the tests as they are at the end, and
//! against runs: the locked tests fail at the lock and pass at the end.

use super::runs::Runner;
use super::split::split;
use crate::error::Failure;
use crate::referee::context::{Context, Environments, Setting, git_failure};
use crate::referee::items::Items;
use crate::referee::lock::{LOCKS, record_path};
use crate::referee::proposal::text_of;
use redgreen_core::audit::{AuditInput, AuditStatus, TestChange, Touched, judge};
use redgreen_core::gate::ExpectedTest;
use redgreen_core::id::{Digest, ItemId, RelPath, TaskId};
use redgreen_core::lock::{LOCK_SCHEMA, LockRecord};
use redgreen_core::outcome::Role;
use redgreen_core::plan::{Mode, Plan, PlanStatus};
use redgreen_core::test_item::TestItem;
use redgreen_formats::audit::{ChangeReport, Finding, FindingKind, Policy, Side};
use redgreen_formats::plan_file;
use redgreen_host::git::Commit;
use redgreen_host::tree::{Snapshot, content_digest};
use std::collections::{BTreeMap, BTreeSet};

const PLANS: &str = "docs/plans";
const SUBJECT: &str = "test-lock: ";

/// What the locks of a range are judged on.
pub struct Locks<'a> {
    /// The repository.
    pub context: &'a Context,
    /// The rules of the base.
    pub setting: &'a Setting,
    /// The environment of the end.
    pub environments: &'a Environments,
    /// The tree before the range.
    pub base: &'a Snapshot,
    /// The tree at the end.
    pub head: &'a Snapshot,
    /// Every commit of the range, newest first.
    pub commits: &'a [Commit],
    /// What the locks are held to.
    pub policy: &'a Policy,
    /// Commands of runners that were started.
    pub commands: usize,
}

/// A lock commit of the range.
struct LockCommit<'a> {
    commit: &'a Commit,
    tree: Snapshot,
    record: Option<(LockRecord, Digest)>,
}

impl<'a> Locks<'a> {
    /// Judges the locks of the range.
    ///
    /// # Errors
    /// A failure when an object cannot be read.
    pub fn judge(&mut self, changes: &[ChangeReport]) -> Result<Vec<Finding>, Failure> {
        let mut findings = Vec::new();
        if self.policy.require_lock == "never" {
            return Ok(findings);
        }
        let commits = self.lock_commits(&mut findings)?;
        let records = self.records(self.head)?;
        let before = self.records(self.base)?;
        let mut locked = BTreeSet::new();
        for (task, bytes) in &records {
            if before.get(task) == Some(bytes) {
                locked.insert(task.clone());
                continue;
            }
            let Some(record) = self.read(task, bytes, &mut findings)? else {
                continue;
            };
            locked.insert(task.clone());
            let own = commits.get(task).map(Vec::as_slice).unwrap_or_default();
            self.chain(task, &Digest::of(bytes), own, &mut findings)?;
            self.tests(task, &record, own.last(), &mut findings)?;
        }
        self.plans(&locked, &mut findings)?;
        if self.policy.require_lock == "always" {
            let any_new = records
                .keys()
                .any(|task| before.get(task) != records.get(task));
            for change in changes.iter().filter(|change| !change.source.is_empty()) {
                if !any_new {
                    let subject = change.commits.last().map_or("", |commit| &commit.subject);
                    findings.push(finding(
                        FindingKind::LockMissing,
                        format!("source changed without a lock: {subject}"),
                        change.source.first().cloned(),
                        "lock its tests first: redgreen lock TASK",
                    ));
                }
            }
        }
        Ok(findings)
    }

    fn records(&self, tree: &Snapshot) -> Result<BTreeMap<TaskId, Vec<u8>>, Failure> {
        let mut found = BTreeMap::new();
        for path in tree.files().keys().filter(|path| path.is_below(LOCKS)) {
            let task = path
                .file_name()
                .strip_suffix(".json")
                .and_then(|name| TaskId::new(name).ok());
            if let Some(task) = task {
                let bytes = tree
                    .bytes(&self.context.repository, path)
                    .map_err(Failure::internal)?;
                found.insert(task, bytes.to_vec());
            }
        }
        Ok(found)
    }

    fn read(
        &self,
        task: &TaskId,
        bytes: &[u8],
        findings: &mut Vec<Finding>,
    ) -> Result<Option<LockRecord>, Failure> {
        let record = serde_json::from_slice::<LockRecord>(bytes)
            .ok()
            .filter(|record| record.schema == LOCK_SCHEMA && record.task == *task);
        if record.is_none() {
            findings.push(finding(
                FindingKind::LockInvalid,
                format!("the lock record of {task} cannot be read as one"),
                Some(record_path(task)?),
                "restore the record that redgreen wrote, or lock again",
            ));
        }
        Ok(record)
    }

    /// Commits that say they lock, by task, oldest first.
    fn lock_commits(
        &self,
        findings: &mut Vec<Finding>,
    ) -> Result<BTreeMap<TaskId, Vec<LockCommit<'a>>>, Failure> {
        let mut found: BTreeMap<TaskId, Vec<LockCommit<'a>>> = BTreeMap::new();
        let commits: &'a [Commit] = self.commits;
        for commit in commits.iter().rev() {
            let named: Vec<(TaskId, String)> = commit
                .trailers("Redgreen-Lock")
                .into_iter()
                .filter_map(|value| {
                    let (task, digest) = value.split_once(' ')?;
                    Some((TaskId::new(task).ok()?, digest.to_owned()))
                })
                .collect();
            let said = commit
                .subject()
                .strip_prefix(SUBJECT)
                .and_then(|rest| rest.split_whitespace().next())
                .and_then(|word| TaskId::new(word).ok());
            let short = super::range::short(&commit.oid);
            if let Some(task) = &said
                && !named.iter().any(|(known, _)| known == task)
            {
                findings.push(finding(
                    FindingKind::LockInvalid,
                    format!("commit {short} says that it locks {task}, and names no record"),
                    None,
                    "a lock is a record with its digest in the commit: redgreen lock makes both",
                ));
            }
            for (task, digest) in named {
                let tree = Snapshot::of_commit(&self.context.repository, &commit.oid)
                    .map_err(git_failure)?;
                let path = record_path(&task)?;
                let bytes = tree
                    .get(&path)
                    .map(|_| tree.bytes(&self.context.repository, &path))
                    .transpose()
                    .map_err(Failure::internal)?;
                let record = bytes.and_then(|bytes| {
                    let own = Digest::of(&bytes);
                    let record = serde_json::from_slice::<LockRecord>(&bytes).ok()?;
                    (own.to_string() == digest).then_some((record, own))
                });
                if record.is_none() {
                    findings.push(finding(
                        FindingKind::LockInvalid,
                        format!("commit {short} names a record of {task} that is not in it"),
                        Some(path),
                        "the record or the commit was changed after the lock: lock again",
                    ));
                }
                found.entry(task).or_default().push(LockCommit {
                    commit,
                    tree,
                    record,
                });
            }
        }
        Ok(found)
    }

    /// The record at the end against its commit and the records before it.
    fn chain(
        &self,
        task: &TaskId,
        digest: &Digest,
        commits: &[LockCommit<'_>],
        findings: &mut Vec<Finding>,
    ) -> Result<(), Failure> {
        let mut last: Option<Digest> = None;
        for lock in commits {
            let Some((record, own)) = &lock.record else {
                continue;
            };
            let short = super::range::short(&lock.commit.oid);
            if last.is_some() && record.supersedes != last {
                findings.push(finding(
                    FindingKind::LockInvalid,
                    format!("commit {short} locks {task} again and does not say what it replaces"),
                    Some(record_path(task)?),
                    "correct locked tests with: redgreen amend",
                ));
            }
            let plans: Vec<RelPath> = lock
                .tree
                .files()
                .keys()
                .filter(|path| path.is_below(PLANS) && path.extension() == Some("json"))
                .cloned()
                .collect();
            let content = content_digest(&lock.tree, &plans).to_string();
            let whole = content_digest(&lock.tree, &[]).to_string();
            if record.locked_tree != content && record.locked_tree != whole {
                findings.push(finding(
                    FindingKind::LockInvalid,
                    format!(
                        "commit {short} is not the tree that was locked for {task}: it was amended"
                    ),
                    Some(record_path(task)?),
                    "lock the tests as they are meant to be: redgreen lock",
                ));
            }
            last = Some(*own);
        }
        if last.is_some_and(|last| last != *digest) {
            findings.push(finding(
                FindingKind::LockInvalid,
                format!("the lock record of {task} is not the one that its lock commit names"),
                Some(record_path(task)?),
                "restore the record, or correct the tests with: redgreen amend",
            ));
        }
        Ok(())
    }

    /// The locked tests: unchanged since the lock, red at it, green at the end.
    fn tests(
        &mut self,
        task: &TaskId,
        record: &LockRecord,
        lock: Option<&LockCommit<'_>>,
        findings: &mut Vec<Finding>,
    ) -> Result<(), Failure> {
        let files: BTreeSet<RelPath> = record
            .tests
            .iter()
            .map(|test| test.item.path.clone())
            .collect();
        let at_end = self.items(self.head, &files)?;
        let locked = match lock {
            Some(lock) => Some(self.items(&lock.tree, &files)?),
            // Squashed: what the tests were like is not known, that they were there is.
            None => None,
        };
        for test in &record.tests {
            let new = at_end.iter().find(|item| item.id == test.item);
            let old = locked
                .as_ref()
                .map(|items| items.iter().find(|item| item.id == test.item));
            let message = match (old, new) {
                (None, Some(_)) => continue,
                (Some(Some(old)), Some(new)) if old.text == new.text && old.marks == new.marks => {
                    continue;
                }
                (_, Some(_)) => "was edited after it was locked",
                (_, None) => "was locked, and is gone",
            };
            let mut found = finding(
                FindingKind::LockInvalid,
                format!("`{}` {message} ({task})", test.item.item),
                Some(test.item.path.clone()),
                "locked tests are corrected by: redgreen amend",
            );
            found.line = new.map_or(0, |item| item.line);
            found.test = Some(test.item.to_string());
            findings.push(found);
        }
        self.again(task, &record.tests, lock, &at_end, findings)
    }

    fn items(&self, tree: &Snapshot, files: &BTreeSet<RelPath>) -> Result<Vec<TestItem>, Failure> {
        let rules = self.setting.item_rules();
        let mut items = Items::default();
        for path in files {
            if let Some(text) = text_of(tree, &self.context.repository, path)? {
                rules.of_file(path, &text, &mut items);
            }
        }
        Ok(items.all())
    }

    /// Runs the locked tests at the lock (after a squash merge: on the source before the range) and at the end.
    fn again(
        &mut self,
        task: &TaskId,
        tests: &[ExpectedTest],
        lock: Option<&LockCommit<'_>>,
        at_end: &[TestItem],
        findings: &mut Vec<Finding>,
    ) -> Result<(), Failure> {
        let wanted: BTreeMap<&ItemId, Role> =
            tests.iter().map(|test| (&test.item, test.role)).collect();
        let touched: Vec<Touched<'_>> = at_end
            .iter()
            .filter(|item| wanted.contains_key(&item.id))
            .map(|item| Touched {
                item,
                change: TestChange::Added,
            })
            .collect();
        if touched.is_empty() {
            return Ok(());
        }
        let ids: BTreeSet<ItemId> = touched.iter().map(|one| one.item.id.clone()).collect();
        let parts = split(self.context, self.setting, self.base, self.head)?;
        let before = match lock {
            Some(lock) => &lock.tree,
            None => &parts.without,
        };
        let mut runner = Runner::new(self.context, self.setting, self.environments);
        let reachable: BTreeSet<ItemId> = ids
            .iter()
            .filter(|id| !parts.unreachable.contains_key(&id.path))
            .cloned()
            .collect();
        let with = runner.run(self.head, "end", &ids, at_end);
        let without = if reachable.is_empty() {
            Ok(None)
        } else {
            runner.run(before, "lock", &reachable, at_end).map(Some)
        };
        self.commands += runner.commands;
        let (with, without) = match (with, without) {
            (Ok(with), Ok(without)) => (with, without),
            (Err(reason), _) | (_, Err(reason)) => {
                findings.push(finding(
                    FindingKind::LockInvalid,
                    format!(
                        "the locked tests of {task} could not be run: {}",
                        reason.message
                    ),
                    None,
                    &reason.help,
                ));
                return Ok(());
            }
        };
        let judged = judge(&AuditInput {
            touched: &touched,
            source_changed: true,
            without: without.as_ref(),
            without_again: None,
            with: Some(&with),
            with_again: None,
            unreachable: &parts.unreachable,
        });
        for test in judged {
            let role = wanted.get(&test.test).copied().unwrap_or(Role::Required);
            let message = match (test.status, role) {
                (AuditStatus::Bites, _) | (AuditStatus::DoesNotBite, Role::Guard) => continue,
                (AuditStatus::DoesNotBite, _) => "passes at its lock, without the implementation",
                (AuditStatus::FailsWithIt, _) => "is locked, and fails at the end",
                (AuditStatus::Skipped, _) => "is locked, and skipped at the end",
                (AuditStatus::Flaky | AuditStatus::TestsOnly | AuditStatus::CouldNotRun, _) => {
                    "is locked, and could not be run again"
                }
            };
            let mut found = finding(
                FindingKind::LockInvalid,
                format!("`{}` {message} ({task})", test.test.item),
                Some(test.test.path.clone()),
                "look at the commits since its lock: redgreen audit -v names them",
            );
            found.line = test.line;
            found.test = Some(test.test.to_string());
            findings.push(found);
        }
        Ok(())
    }

    /// Derived fields of plans that the range set without a lock behind them.
    fn plans(&self, locked: &BTreeSet<TaskId>, findings: &mut Vec<Finding>) -> Result<(), Failure> {
        for path in self.head.files().keys() {
            if !path.is_below(PLANS) || path.extension() != Some("json") {
                continue;
            }
            let plan =
                |tree: &Snapshot| -> Result<Option<(Plan, String)>, Failure> {
                    let text = text_of(tree, &self.context.repository, path)?;
                    Ok(text.and_then(|text| {
                        Some((plan_file::parse(text.as_bytes()).ok()?.plan, text))
                    }))
                };
            let Some((now, text)) = plan(self.head)? else {
                continue;
            };
            let before = plan(self.base)?.map(|(plan, _)| plan);
            let had = |id: &TaskId| {
                before
                    .as_ref()
                    .is_some_and(|plan| plan.tasks.iter().any(|task| task.id == *id && task.passes))
            };
            for task in &now.tasks {
                let needs_lock = !matches!(task.mode, Mode::Chore);
                if task.passes && needs_lock && !had(&task.id) && !locked.contains(&task.id) {
                    let mut found = finding(
                        FindingKind::PlanField,
                        format!(
                            "`passes` of {} was set, and there is no lock of it",
                            task.id
                        ),
                        Some(path.clone()),
                        "`passes` is derived: redgreen run sets it from its own evidence",
                    );
                    found.line = line_of(&text, &format!("\"{}\"", task.id));
                    findings.push(found);
                }
            }
            let was = before.map(|plan| plan.status);
            if now.status == PlanStatus::Complete
                && was != Some(PlanStatus::Complete)
                && now.tasks.iter().any(|task| !task.passes)
            {
                findings.push(finding(
                    FindingKind::PlanField,
                    "`status` is COMPLETE, and not every task passes".to_owned(),
                    Some(path.clone()),
                    "`status` is derived: redgreen run sets it from its own evidence",
                ));
            }
        }
        Ok(())
    }
}

fn line_of(text: &str, what: &str) -> u32 {
    text.lines()
        .position(|line| line.contains(what))
        .and_then(|at| u32::try_from(at + 1).ok())
        .unwrap_or(0)
}

fn finding(kind: FindingKind, message: String, path: Option<RelPath>, help: &str) -> Finding {
    Finding {
        kind,
        message,
        path,
        line: 0,
        side: Side::Head,
        test: None,
        before: String::new(),
        after: String::new(),
        help: help.to_owned(),
    }
}
