//! The changes of a range, several at a time, each remembered by what decides about it.

use super::judge::{Judged, judge_change};
use super::locks::Locks;
use super::policy;
use super::range::{Change, resolve, short};
use crate::error::Failure;
use crate::referee::context::{Context, Environments, Setting, carry_failure, git_failure};
use crate::render::progress;
use redgreen_core::audit::ChangeVerdict;
use redgreen_core::id::{Digest, RelPath};
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_formats::audit::{
    AUDIT_SCHEMA, AuditReport, ChangeReport, CommitLine, Finding, Policy, Range, Runs, Totals,
};
use redgreen_host::git::Commit;
use redgreen_host::runner::RunnerKind;
use redgreen_host::tree::{Snapshot, content_digest};
use redgreen_host::{clock, interrupt};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What is asked of an audit.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The range; the commits of the current branch when there is none.
    pub range: Option<String>,
    /// Judge everything since the common ancestor with this branch as one change.
    pub merge_base: Option<String>,
    /// Judge the whole range as one change.
    pub whole: bool,
    /// More to fail on than the policy says.
    pub fail_on: Vec<String>,
    /// How many changes at a time; as many as there are cores (one for cargo, which takes them itself) when there is none.
    pub jobs: Option<usize>,
    /// Judge again what is remembered.
    pub fresh: bool,
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the workers share.
struct Work<'a> {
    context: &'a Context,
    options: &'a Options,
    environments: Mutex<BTreeMap<Digest, Result<Environments, Reason>>>,
    trees: Mutex<BTreeMap<String, Snapshot>>,
    started: Instant,
}

/// Audits.
///
/// # Errors
/// A failure when the question cannot be put: no such range, no runner, a policy that cannot be read.
pub fn audit(context: &Context, options: &Options) -> Result<AuditReport, Failure> {
    let started = clock::monotonic();
    let asked = resolve(
        &context.repository,
        options.range.as_deref(),
        options.merge_base.as_deref(),
        options.whole,
    )?;
    let policy = policy::read(context, &asked.base, &options.fail_on)?;
    let tip = Snapshot::of_commit(&context.repository, &asked.head).map_err(git_failure)?;
    let setting = Setting::of_tree(context, &tip)?;
    setting.runners()?;
    for note in &asked.notes {
        context.printer.talk(format!("note    {note}"));
    }
    let work = Work {
        context,
        options,
        environments: Mutex::default(),
        trees: Mutex::default(),
        started,
    };
    let jobs = options.jobs.unwrap_or_else(|| workers(&setting)).max(1);
    let mut changes = work.all(&asked.changes, jobs)?;
    let unfinished = changes.iter().any(Option::is_none);
    if !asked.whole && !unfinished {
        work.pair(&asked.changes, &mut changes)?;
    }
    let changes: Vec<ChangeReport> = changes.into_iter().flatten().collect();
    let (findings, commands) = if unfinished {
        (Vec::new(), 0)
    } else {
        work.locks(&asked.base, &asked.head, &policy, &changes)?
    };
    let mut report = AuditReport {
        schema: AUDIT_SCHEMA.to_owned(),
        range: Range {
            asked: asked.text.clone(),
            base: asked.base.clone(),
            head: asked.head.clone(),
            whole: asked.whole,
            unfinished,
        },
        policy,
        exit: 0,
        findings,
        totals: Totals::default(),
        runs: runs(&changes, commands),
        changes,
        duration_ms: 0,
    };
    report.totals = Totals::of(&report.changes, &report.findings);
    report.exit = policy::exit(&report).code();
    report.duration_ms = milliseconds(started.elapsed());
    Ok(report)
}

fn runs(changes: &[ChangeReport], more: usize) -> Runs {
    Runs {
        commands: changes
            .iter()
            .filter(|change| !change.remembered)
            .map(|change| change.commands)
            .sum::<usize>()
            + more,
        remembered: changes.iter().filter(|change| change.remembered).count(),
        without_runs: changes.iter().filter(|change| change.commands == 0).count(),
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// cargo keeps every core busy by itself.
fn workers(setting: &Setting) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let compiles = setting
        .config
        .runners
        .iter()
        .any(|runner| runner.kind == RunnerKind::CargoTest);
    if compiles { cores.div_ceil(4) } else { cores }
}

type Results = Vec<Option<ChangeReport>>;

impl Work<'_> {
    /// Judges every change; `None` for one that was not reached because somebody stopped it.
    fn all(&self, changes: &[Change], jobs: usize) -> Result<Results, Failure> {
        let queue: Mutex<VecDeque<usize>> = Mutex::new((0..changes.len()).collect());
        let results: Mutex<Results> = Mutex::new(vec![None; changes.len()]);
        let failure: Mutex<Option<Failure>> = Mutex::new(None);
        let worker = || {
            while !interrupt::stop_requested() && held(&failure).is_none() {
                let Some(at) = held(&queue).pop_front() else {
                    return;
                };
                match self.one(&changes[at]) {
                    Ok(None) => {}
                    Ok(Some(report)) => {
                        let mut results = held(&results);
                        results[at] = Some(report);
                        let done = results.iter().flatten().count();
                        self.say(results[at].as_ref(), done, changes.len());
                    }
                    Err(why) => {
                        held(&failure).get_or_insert(why);
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..jobs.min(changes.len()) {
                scope.spawn(worker);
            }
            worker();
        });
        match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(failure) => Err(failure),
            None => Ok(results.into_inner().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    fn say(&self, report: Option<&ChangeReport>, done: usize, all: usize) {
        let Some(report) = report else { return };
        let Some(commit) = report.commits.last() else {
            return;
        };
        let left = if done < all {
            let spent = self.started.elapsed().as_secs_f64();
            let share = f64::from(u32::try_from(all - done).unwrap_or(0))
                / f64::from(u32::try_from(done).unwrap_or(1));
            let seconds = spent * share;
            if seconds < 90.0 {
                format!("  (about {seconds:.0} s left)")
            } else {
                format!("  (about {:.0} min left)", seconds / 60.0)
            }
        } else {
            String::new()
        };
        let word = report.verdict.as_str().replace('_', " ");
        self.context.printer.talk(format!(
            "[{done}/{all}] {}  {word:<14} {}{left}",
            short(&commit.id),
            commit.subject.chars().take(60).collect::<String>()
        ));
        progress::doing(format!("audit {done}/{all}"));
    }

    fn tree(&self, commit: &str) -> Result<Snapshot, Failure> {
        if let Some(known) = held(&self.trees).get(commit) {
            return Ok(known.clone());
        }
        let tree = Snapshot::of_commit(&self.context.repository, commit).map_err(git_failure)?;
        held(&self.trees).insert(commit.to_owned(), tree.clone());
        Ok(tree)
    }

    /// Judges a change, or remembers it.
    fn one(&self, change: &Change) -> Result<Option<ChangeReport>, Failure> {
        let started = clock::monotonic();
        let (base, head) = (self.tree(&change.base)?, self.tree(&change.head)?);
        let judged = self.judged(&base, &head)?;
        let stopped = judged
            .reason
            .as_ref()
            .is_some_and(|reason| reason.code == ReasonCode::Stopped);
        if stopped || (interrupt::stop_requested() && !judged.remembered && judged.commands > 0) {
            return Ok(None);
        }
        let mut report = judged;
        report.commits = change.commits.iter().map(line).collect();
        report.base.clone_from(&change.base);
        if !report.remembered {
            report.duration_ms = milliseconds(started.elapsed());
        }
        Ok(Some(report))
    }

    fn judged(&self, base: &Snapshot, head: &Snapshot) -> Result<ChangeReport, Failure> {
        let could_not = |reason: Reason| {
            Judged {
                reason: Some(reason),
                ..Judged::default()
            }
            .report()
        };
        let ruled = ruled(base, head);
        let setting = match Setting::of_tree(self.context, &ruled) {
            Ok(setting) => setting,
            Err(failure) => return Ok(could_not(*Box::<Reason>::from(failure))),
        };
        if setting.config.runners.is_empty() {
            return Ok(could_not(Reason::new(
                ReasonCode::CommandNotFound,
                "no test runner was found at this commit",
                "nothing to do where the project had no tests then; otherwise name its runner in redgreen.toml",
            )));
        }
        let environments = match self.environments(&setting, head)? {
            Ok(environments) => environments,
            Err(reason) => return Ok(could_not(reason)),
        };
        let key = Digest::of(
            format!(
                "audit/1\0{}\0{}\0{}\0{:?}\0{}\0{}\0{:?}",
                content_digest(base, &[]),
                content_digest(head, &[]),
                setting.config.digest,
                setting.config.runners,
                environments.digest(),
                env!("CARGO_PKG_VERSION"),
                redgreen_host::process::best_available(),
            )
            .as_bytes(),
        );
        if !self.options.fresh
            && let Some(known) = self.recall(&key)
        {
            return Ok(known);
        }
        let report = judge_change(self.context, &setting, &environments, base, head)?.report();
        if report.verdict != ChangeVerdict::CouldNotRun && !interrupt::stop_requested() {
            let bytes = serde_json::to_vec(&report).map_err(Failure::internal)?;
            redgreen_host::state::write_sealed(&self.place(&key), &bytes)
                .map_err(Failure::internal)?;
        }
        Ok(report)
    }

    /// The environment, once for all changes whose runners and carried files are the same.
    fn environments(
        &self,
        setting: &Setting,
        head: &Snapshot,
    ) -> Result<Result<Environments, Reason>, Failure> {
        let carried = redgreen_host::carry::carried(
            self.context.repository.top_level(),
            &setting.carry_globs(),
            head,
        )
        .map_err(carry_failure)?;
        let key = Digest::of(
            format!(
                "{:?}\0{:?}\0{carried:?}\0{:?}",
                setting.config.runners, setting.config.tree, setting.config.file.sandbox
            )
            .as_bytes(),
        );
        let mut known = held(&self.environments);
        if let Some(known) = known.get(&key) {
            return Ok(known.clone());
        }
        let resolved = setting
            .runners()
            .and_then(|runners| Environments::resolve(self.context, setting, head, &runners))
            .map_err(|failure| *Box::<Reason>::from(failure));
        known.insert(key, resolved.clone());
        Ok(resolved)
    }

    /// The locks of the whole range.
    fn locks(
        &self,
        base: &str,
        head: &str,
        policy: &Policy,
        changes: &[ChangeReport],
    ) -> Result<(Vec<Finding>, usize), Failure> {
        let commits = self
            .context
            .repository
            .commits(&format!("{base}..{head}"))
            .map_err(git_failure)?;
        let (base, head) = (self.tree(base)?, self.tree(head)?);
        let setting = Setting::of_tree(self.context, &ruled(&base, &head))?;
        // Without a configuration at the base the runners are those that are found at the end.
        let environments = self
            .environments(&setting, &head)?
            .map_err(|reason| Failure::from(Box::new(reason)))?;
        let mut locks = Locks {
            context: self.context,
            setting: &setting,
            environments: &environments,
            base: &base,
            head: &head,
            commits: &commits,
            policy,
            commands: 0,
        };
        let findings = locks.judge(changes)?;
        Ok((findings, locks.commands))
    }

    fn place(&self, key: &Digest) -> std::path::PathBuf {
        self.context
            .state
            .cache()
            .join("audit")
            .join(format!("{}.json", key.hex()))
    }

    fn recall(&self, key: &Digest) -> Option<ChangeReport> {
        let bytes = redgreen_host::state::read_file(&self.place(key)).ok()?;
        let mut report: ChangeReport =
            serde_json::from_slice(redgreen_host::state::unsealed(&bytes)?).ok()?;
        report.remembered = true;
        Some(report)
    }

    /// Tests and their code in neighbouring commits belong together: tests that came first and fail until the code is
    /// there, or code that came first and its tests in the next commit.
    fn pair(&self, changes: &[Change], results: &mut Results) -> Result<(), Failure> {
        for at in 0..changes.len() {
            let Some(report) = &results[at] else { continue };
            let tests_alone = report.source.is_empty() && !report.tests.is_empty();
            if !tests_alone {
                continue;
            }
            let span = match report.verdict {
                ChangeVerdict::FailsWithIt => {
                    let code = (at + 1..changes.len()).find(|next| {
                        results[*next]
                            .as_ref()
                            .is_some_and(|report| !report.source.is_empty())
                    });
                    code.map(|code| (at, code))
                }
                ChangeVerdict::TestsOnly => {
                    let before = at.checked_sub(1).filter(|before| {
                        results[*before]
                            .as_ref()
                            .is_some_and(|report| report.verdict == ChangeVerdict::NoTest)
                    });
                    before.map(|before| (before, at))
                }
                ChangeVerdict::Bites
                | ChangeVerdict::DoesNotBite
                | ChangeVerdict::Flaky
                | ChangeVerdict::CouldNotRun
                | ChangeVerdict::NoTest
                | ChangeVerdict::NoCode => None,
            };
            let Some((first, last)) = span else { continue };
            // Only what lies side by side in one line of history is one piece of work.
            let side_by_side = (first..last).all(|at| changes[at].head == changes[at + 1].base);
            if !side_by_side {
                continue;
            }
            let both = Change {
                base: changes[first].base.clone(),
                head: changes[last].head.clone(),
                commits: changes[first..=last]
                    .iter()
                    .flat_map(|change| change.commits.clone())
                    .collect(),
            };
            if let Some(report) = self.one(&both)?
                && report.verdict == ChangeVerdict::Bites
            {
                for result in &mut results[first..=last] {
                    *result = None;
                }
                results[last] = Some(report);
            }
        }
        Ok(())
    }
}

/// A change is judged by the rules of its base: it cannot write its own.
fn ruled(base: &Snapshot, head: &Snapshot) -> Snapshot {
    let mut ruled = head.clone();
    for place in crate::config::PLACES {
        let Ok(path) = RelPath::new(place) else {
            continue;
        };
        ruled = match base.get(&path) {
            Some(file) => ruled.with_file(path, file.clone()),
            None => ruled.without(&path),
        };
    }
    ruled
}

fn line(commit: &Commit) -> CommitLine {
    CommitLine {
        id: commit.oid.clone(),
        subject: commit.subject().to_owned(),
        author: commit.author.clone(),
        committed_at: commit.committed_at,
    }
}
