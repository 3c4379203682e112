//! Gates inside a run: the same referee as by hand, on the clones of the agents.

use super::Driver;
use crate::error::Failure;
use crate::referee::context::{Environments, Setting};
use crate::referee::evidence::{Subject, keep};
use crate::referee::full::validate_full;
use crate::referee::green::{GreenRequest, prove_green};
use crate::referee::hidden::{paths_of, shown};
use crate::referee::lock::{LockTarget, StoredLock, create_lock, finish_lock, load_lock};
use crate::referee::proposal::propose;
use crate::referee::red::{Claims, RedOutcome, RedRequest, prove_red};
use redgreen_core::gate::{Gate, LockCheck, could_not_run, judge_lock};
use redgreen_core::id::{CriterionId, Digest, RelPath, TaskId};
use redgreen_core::machine::{AgentRole, EffectKey, Event, GateSummary, LockRef};
use redgreen_core::outcome::Verdict;
use redgreen_core::plan::{Mode, Task};
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::RunReport;
use redgreen_core::test_item::CriteriaMap;
use redgreen_host::tree::{Snapshot, content_digest};
use redgreen_host::walk::Candidate;
use std::collections::BTreeSet;
use std::path::Path;

impl Driver<'_> {
    /// What the plan says of a task.
    ///
    /// # Errors
    /// A failure when the frozen plan has no such task.
    pub fn definition(&self, task: &TaskId) -> Result<Task, Failure> {
        self.log
            .state()
            .plan()
            .and_then(|plan| plan.task(task))
            .cloned()
            .ok_or_else(|| Failure::internal(format!("the plan has no task `{task}`")))
    }

    pub(super) fn claims(&self, definition: &Task) -> Claims {
        Claims {
            supersedes: definition.supersedes.iter().cloned().collect(),
            new_symbols: definition
                .new_symbols
                .clone()
                .map(|list| list.into_iter().collect()),
            accepted: self.accepted(&definition.id),
            ..Claims::default()
        }
    }

    /// Tests whose unclear red a person accepted with `approve`: those that the RED named which the answer followed.
    #[must_use]
    pub fn accepted(&self, task: &TaskId) -> BTreeSet<String> {
        let mut asked = BTreeSet::new();
        let mut accepted = BTreeSet::new();
        for (_, event) in self.log.events() {
            if let Event::GateJudged { key, summary } = event
                && key.task.as_ref() == Some(task)
                && summary.gate() == Gate::Red
            {
                asked = summary
                    .parts()
                    .reasons
                    .iter()
                    .filter(|reason| {
                        matches!(
                            reason.code,
                            ReasonCode::UnclearRed | ReasonCode::ApprovalNeeded
                        )
                    })
                    .filter_map(|reason| reason.test.clone())
                    .collect();
            }
            if matches!(event, Event::Agreed { task: answered, .. } if answered == task) {
                accepted.append(&mut asked);
            }
        }
        accepted
    }

    fn prove(&self, task: &TaskId) -> Result<RedOutcome, Failure> {
        let base = self.base_of(task)?;
        let claims = self.claims(&self.definition(task)?);
        self.prove_in(
            task,
            &base,
            &self.clone_of(task, AgentRole::Author),
            &claims,
        )
    }

    /// RED of the tests in a folder, on a base.
    ///
    /// # Errors
    /// A failure when the question cannot be put together.
    pub fn prove_in(
        &self,
        task: &TaskId,
        base: &str,
        folder: &Path,
        claims: &Claims,
    ) -> Result<RedOutcome, Failure> {
        let definition = self.definition(task)?;
        let criteria: Vec<CriterionId> = definition
            .criteria
            .iter()
            .map(|criterion| criterion.id.clone())
            .collect();
        if !definition.mode.has_red() {
            return self.nothing_to_prove(task, base);
        }
        prove_red(
            self.context,
            &RedRequest {
                base_commit: base,
                candidate: folder,
                plan_files: &self.plan_files,
                task: Some(task),
                criteria: &criteria,
                claims,
                judge_outside: true,
                only: &[],
            },
        )
    }

    /// What is locked for a task without new tests (SPEC A5): the base as it is.
    fn nothing_to_prove(&self, task: &TaskId, base: &str) -> Result<RedOutcome, Failure> {
        let base =
            Snapshot::of_commit(&self.context.repository, base).map_err(Failure::internal)?;
        let setting = Setting::of_tree(self.context, &base)?;
        let environments =
            Environments::resolve(self.context, &setting, &base, &setting.runners()?)?;
        let proposal = propose(
            &self.context.repository,
            &base,
            &Candidate {
                snapshot: base.clone(),
                irregular: Vec::new(),
            },
            &setting.rules,
            &setting.item_rules(),
            &self.plan_files,
            Some(task),
        )?;
        Ok(RedOutcome {
            result: judge_lock(&LockCheck {
                task,
                changes: &[],
                invalid: None,
            }),
            proposal,
            map: CriteriaMap::new(),
            environments,
            base,
            runs: Vec::new(),
        })
    }

    /// The lock of a task of this run.
    ///
    /// # Errors
    /// A failure when there is none.
    pub fn lock_of(&self, task: &TaskId) -> Result<StoredLock, Failure> {
        load_lock(self.context, &self.slug, task)?
            .ok_or_else(|| Failure::internal(format!("{task} has no lock")))
    }

    /// Runs a gate. What cannot be put together is `could_not_run`, with its reason.
    pub(super) fn gate(
        &mut self,
        key: &EffectKey,
        gate: Gate,
        task: &TaskId,
        suites_left: u32,
    ) -> Result<Event, Failure> {
        let start = redgreen_host::clock::monotonic();
        let judged = match gate {
            Gate::Red | Gate::Lock => self.red_gate(task),
            Gate::Green => self.green_gate(task),
            Gate::Full => self.full_gate(task, suites_left),
            Gate::Validate => Err(Failure::internal(
                "the application is validated with the full gate of each task",
            )),
        };
        let judged = match judged {
            Ok(judged) => judged,
            Err(failure) => Judged {
                result: could_not_run(
                    gate,
                    Some(task.clone()),
                    vec![Reason::new(
                        ReasonCode::EnvironmentFault,
                        failure.what,
                        failure.help,
                    )],
                ),
                content_tree: None,
                lock: None,
                runs: Vec::new(),
                suite_runs: 0,
                checks: Vec::new(),
                validation: Vec::new(),
                environment: None,
                hidden: BTreeSet::new(),
            },
        };
        let subject = Subject {
            chain: &self.slug,
            content_tree: judged.content_tree.as_deref(),
            environment: judged.environment,
            lock: judged.lock,
            runs: &judged.runs,
            checks: &judged.checks,
            validation: &judged.validation,
            hidden: judged.hidden,
        };
        let evidence = keep(self.context, &judged.result, start.elapsed(), &subject)?;
        let tail = judged
            .runs
            .iter()
            .flat_map(|(_, run)| run.tail.iter().cloned())
            .collect();
        let duration = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let summary = GateSummary::of(&judged.result, evidence, tail, judged.suite_runs, duration);
        Ok(Event::GateJudged {
            key: key.clone(),
            summary: Box::new(summary),
        })
    }

    fn red_gate(&mut self, task: &TaskId) -> Result<Judged, Failure> {
        let red = self.prove(task)?;
        let judged = Judged {
            result: red.result.clone(),
            content_tree: Some(content_digest(&red.proposal.tree, &self.plan_files).to_string()),
            lock: None,
            runs: red.runs.clone(),
            suite_runs: 0,
            checks: Vec::new(),
            validation: Vec::new(),
            environment: Some(red.environments.digest()),
            hidden: paths_of(&red.map),
        };
        self.red.insert(task.clone(), red);
        Ok(judged)
    }

    fn green_gate(&self, task: &TaskId) -> Result<Judged, Failure> {
        let definition = self.definition(task)?;
        let lock = self.lock_of(task)?;
        let candidate = self.clone_of(task, AgentRole::Implementer);
        let outcome = prove_green(
            self.context,
            &GreenRequest {
                lock: &lock,
                candidate: &candidate,
                plan_files: &self.plan_files,
                scope: &definition.scope,
            },
        )?;
        Ok(Judged {
            result: outcome.result,
            content_tree: Some(outcome.content_tree),
            lock: Some(lock.digest),
            runs: outcome
                .run
                .into_iter()
                .map(|run| ("green".to_owned(), run))
                .collect(),
            suite_runs: 0,
            checks: Vec::new(),
            validation: Vec::new(),
            environment: Some(outcome.environment),
            hidden: lock.hidden.iter().flat_map(|held| held.paths()).collect(),
        })
    }

    fn full_gate(&self, task: &TaskId, suites_left: u32) -> Result<Judged, Failure> {
        let definition = self.definition(task)?;
        let lock = self.lock_of(task)?;
        let candidate = self.clone_of(task, AgentRole::Implementer);
        let outcome = validate_full(
            self.context,
            &GreenRequest {
                lock: &lock,
                candidate: &candidate,
                plan_files: &self.plan_files,
                scope: &definition.scope,
            },
            &definition.supersedes.iter().cloned().collect(),
            None,
        )?;
        if outcome.result.verdict() == Verdict::Pass {
            self.remember_validated(task, &lock.digest, &outcome.content_tree)?;
        }
        let mut outcome = outcome;
        if let Some(held) = &lock.hidden {
            // The next session is told what is recorded here.
            outcome.result = outcome.result.concealing(&held.paths());
            for (_, run) in &mut outcome.runs {
                run.tail.clear();
            }
        }
        Ok(Judged {
            result: outcome.result,
            content_tree: Some(outcome.content_tree),
            lock: Some(lock.digest),
            runs: outcome.runs,
            suite_runs: outcome.suite_runs.min(suites_left),
            checks: outcome.checks,
            validation: outcome.validation,
            environment: Some(outcome.environment),
            hidden: lock.hidden.iter().flat_map(|held| held.paths()).collect(),
        })
    }

    /// Commits the lock of tests that RED passed. The lock commit waits beside the run's branch until the task is
    /// delivered, so that a halted task leaves no red tests behind.
    pub(super) fn commit_lock(&mut self, task: &TaskId) -> Result<LockRef, Failure> {
        let proven = self
            .red
            .get(task)
            .is_some_and(|red| red.result.verdict() == Verdict::Pass);
        if !proven {
            let red = self.prove(task)?;
            self.red.insert(task.clone(), red);
        }
        let Some(red) = self.red.remove(task) else {
            return Err(Failure::internal(format!("RED of {task} was not proven")));
        };
        let base = self.base_of(task)?;
        let reason = self.why_locked_again(task);
        let evidence = match self.judged_red(task) {
            Some(evidence) => evidence,
            None => self.keep_red(&red)?,
        };
        self.lock_proven(task, &base, &red, evidence, reason)
    }

    /// The evidence of the RED that a task passed last, as the journal names it.
    fn judged_red(&self, task: &TaskId) -> Option<Digest> {
        self.log
            .events()
            .iter()
            .rev()
            .find_map(|(_, event)| match event {
                Event::GateJudged { key, summary }
                    if key.task.as_ref() == Some(task)
                        && matches!(summary.gate(), Gate::Red | Gate::Lock) =>
                {
                    Some(summary.parts())
                }
                _ => None,
            })
            .filter(|parts| parts.verdict == Verdict::Pass)
            .map(|parts| parts.evidence)
    }

    /// Keeps the evidence of a RED that is proven again outside of a gate of the run.
    ///
    /// # Errors
    /// A failure when it cannot be written.
    pub fn keep_red(&self, red: &RedOutcome) -> Result<Digest, Failure> {
        // How long it took is not known here, and informative only.
        crate::command::red::record(
            self.context,
            &self.slug,
            red,
            &self.plan_files,
            std::time::Duration::ZERO,
        )
    }

    /// Why a task is locked another time: the dispute that was settled last.
    fn why_locked_again(&self, task: &TaskId) -> String {
        let dispute = self
            .log
            .events()
            .iter()
            .rev()
            .find_map(|(_, event)| match event {
                Event::Disputed { dispute, evidence } if dispute.task == *task => Some(evidence),
                _ => None,
            });
        dispute.map_or_else(
            || "tests corrected".to_owned(),
            |evidence| {
                evidence.first().map_or_else(
                    || "a person decided".to_owned(),
                    redgreen_core::dispute::DisputeEvidence::describe,
                )
            },
        )
    }

    /// Commits the lock of a RED that passed on this base, naming its evidence. What was locked before is superseded,
    /// for this reason.
    ///
    /// # Errors
    /// A failure when RED does not pass, or git refuses.
    pub fn lock_proven(
        &self,
        task: &TaskId,
        base: &str,
        red: &RedOutcome,
        evidence: Digest,
        reason: String,
    ) -> Result<LockRef, Failure> {
        if red.result.verdict() != Verdict::Pass {
            return Err(Failure::not_ready(
                format!(
                    "RED of {task} does not pass any more: {}",
                    first_reason(&red.result)
                ),
                format!(
                    "correct its tests: redgreen amend {task} --reason '…'; or start over: redgreen reset {task}"
                ),
            ));
        }
        let definition = self.definition(task)?;
        let old = load_lock(self.context, &self.slug, task)?;
        let shown_tree = match old.as_ref().and_then(|old| old.hidden.as_ref()) {
            Some(held) => held.without(red.proposal.tree.clone()),
            None => red.proposal.tree.clone(),
        };
        let tree = content_digest(&shown_tree, &self.plan_files).to_string();
        if let Some(old) = &old
            && old.record.base_commit == base
            && old.record.locked_tree == tree
            && old.record.criteria == shown(&red.map)
            && old.record.environment == red.environments.digest()
        {
            // The same tests on the same base: a run that was killed before it could record it has locked them already.
            finish_lock(self.context, &self.slug, old)?;
            return Ok(reference_to(old));
        }
        let reference = format!("refs/redgreen/{}/{task}/lock", self.slug);
        let known = self
            .context
            .repository
            .refs(&reference)
            .map_err(crate::referee::context::git_failure)?;
        let existing = known.get(&reference).map(String::as_str);
        let stored = create_lock(
            self.context,
            &self.slug,
            task,
            base,
            red,
            &self.plan_files,
            &LockTarget {
                parent: base,
                reference: &reference,
                expected: existing,
                update_index: false,
                plan: self.log.state().frozen().map(|(definition, _)| definition),
                supersedes: old.map(|old| (old.digest, reason)),
                red: evidence,
                replaces_source: if definition.mode == Mode::Chore {
                    definition.scope
                } else {
                    Vec::new()
                },
            },
        )?;
        Ok(reference_to(&stored))
    }
}

fn reference_to(lock: &StoredLock) -> LockRef {
    LockRef {
        record: lock.digest,
        commit: lock.commit.clone(),
        criteria: lock.record.criteria.clone(),
        tests: lock.record.tests.len(),
        files: lock.manifest.files.len(),
    }
}

fn first_reason(result: &redgreen_core::gate::GateResult) -> String {
    result
        .reasons()
        .first()
        .map_or_else(String::new, |reason| reason.message.clone())
}

/// A gate with what is recorded beside it.
struct Judged {
    result: redgreen_core::gate::GateResult,
    content_tree: Option<String>,
    lock: Option<Digest>,
    runs: Vec<(String, RunReport)>,
    suite_runs: u32,
    checks: Vec<redgreen_core::gate::CheckRun>,
    validation: Vec<redgreen_core::gate::StepRun>,
    environment: Option<Digest>,
    /// Held-out files.
    hidden: BTreeSet<RelPath>,
}
