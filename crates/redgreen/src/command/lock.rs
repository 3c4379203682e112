//! `redgreen lock TASK` and `redgreen amend TASK --reason …`

use super::Ending;
use super::red::record;
use super::task::TaskContext;
use crate::cli::{AmendArgs, LockArgs, TestClaims};
use crate::error::Failure;
use crate::referee::context::{Context, git_failure};
use crate::referee::evidence::gate_document;
use crate::referee::lock::{LockTarget, StoredLock, amended_base, create_lock, load_lock};
use crate::referee::red::{RedRequest, exit_of, prove_red};
use crate::render::gate;
use redgreen_core::exit::ExitCode;
use redgreen_core::outcome::Verdict;
use redgreen_host::git::Head;

/// Proves RED and locks on the current branch.
///
/// # Errors
/// A failure when the question cannot be put or git refuses.
pub fn run(context: &Context, arguments: &LockArgs) -> Ending {
    let task = TaskContext::find(context, &arguments.task, arguments.plan.as_deref())?;
    if let Some(old) = load_lock(context, &task.key, &task.task)? {
        return Err(Failure::usage(
            format!("{} is locked already ({})", task.task, short(&old.commit)),
            format!(
                "correct its tests: redgreen amend {0} --reason '…'; or start over: redgreen reset {0}",
                task.task
            ),
        ));
    }
    lock(context, &task, &arguments.tests, None)
}

/// Corrects locked tests: red is proven again on the original base, the old lock is kept.
///
/// # Errors
/// A failure when there is no lock, the question cannot be put, or git refuses.
pub fn amend(context: &Context, arguments: &AmendArgs) -> Ending {
    let task = TaskContext::find(context, &arguments.task, arguments.plan.as_deref())?;
    let Some(old) = load_lock(context, &task.key, &task.task)? else {
        return Err(Failure::usage(
            format!("{} has no lock to amend", task.task),
            format!("redgreen lock {}", task.task),
        ));
    };
    lock(
        context,
        &task,
        &arguments.tests,
        Some((old, arguments.reason.clone())),
    )
}

fn lock(
    context: &Context,
    task: &TaskContext,
    said: &TestClaims,
    old: Option<(StoredLock, String)>,
) -> Ending {
    let start = redgreen_host::clock::monotonic();
    let head = context.head_commit()?;
    // An amended lock is proven on the sources the first one was proven on, not on what was implemented since.
    let base_commit = match &old {
        Some((old, _)) => amended_base(context, &task.key, old, &task.plan_files, &head)?,
        None => head.clone(),
    };
    let claims = task.claims(context, said)?;
    let red = prove_red(
        context,
        &RedRequest {
            base_commit: &base_commit,
            candidate: context.repository.top_level(),
            plan_files: &task.plan_files,
            task: Some(&task.task),
            criteria: &task.criteria(),
            claims: &claims,
            judge_outside: false,
            only: &[],
        },
    )?;
    let evidence = record(context, &task.key, &red, &task.plan_files, start.elapsed())?;
    if red.result.verdict() != Verdict::Pass {
        context.printer.result(
            || gate::human(&red.result),
            || gate_document(&red.result, start.elapsed(), Some(evidence)),
        );
        context.printer.talk("nothing was locked");
        return Ok(exit_of(&red.result));
    }
    let reference = match context.repository.head().map_err(git_failure)? {
        Head::Branch { name, .. } => format!("refs/heads/{name}"),
        Head::Detached(_) | Head::Unborn { .. } => "HEAD".to_owned(),
    };
    let stored = create_lock(
        context,
        &task.key,
        &task.task,
        &base_commit,
        &red,
        &task.plan_files,
        &LockTarget {
            parent: &head,
            reference: &reference,
            expected: Some(&head),
            update_index: true,
            plan: task.plan.as_ref().map(|plan| plan.file.definition),
            supersedes: old.map(|(old, reason)| (old.digest, reason)),
            red: evidence,
            replaces_source: Vec::new(),
        },
    )?;
    context.printer.result(
        || {
            format!(
                "{}lock    {}   {} tests, and {} files that could change their result",
                gate::human(&red.result),
                short(&stored.commit),
                stored.record.tests.len(),
                stored.manifest.files.len()
            )
        },
        || {
            serde_json::json!({
                "schema": "redgreen.lock-result/1",
                "task": task.task,
                "commit": stored.commit,
                "lock": stored.digest,
                "tests": stored.record.tests.len(),
                "files": stored.manifest.files.len(),
                "red": gate_document(&red.result, start.elapsed(), Some(evidence)),
            })
        },
    );
    context.printer.talk(format!(
        "next    implement it, then: redgreen green {}",
        task.task
    ));
    Ok(ExitCode::Pass)
}

/// The first seven digits of a commit id.
#[must_use]
pub fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}
