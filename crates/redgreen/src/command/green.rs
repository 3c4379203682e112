//! `redgreen green TASK`

use super::Ending;
use super::task::TaskContext;
use crate::cli::TaskArgs;
use crate::error::Failure;
use crate::referee::context::Context;
use crate::referee::evidence::{Subject, gate_document, keep};
use crate::referee::green::{CandidateTree, GreenRequest, prove_green};
use crate::referee::lock::{StoredLock, load_lock};
use crate::render::gate;
use redgreen_core::exit::ExitCode;
use redgreen_core::reason::ReasonCode;

/// The lock of a task.
///
/// # Errors
/// A failure with the next step where there is none.
pub fn lock_of(context: &Context, task: &TaskContext) -> Result<StoredLock, Failure> {
    load_lock(context, &task.key, &task.task)?.ok_or_else(|| no_lock(task))
}

/// A task without a lock, with the next step.
#[must_use]
pub fn no_lock(task: &TaskContext) -> Failure {
    let mut failure = Failure::new(
        // Absence is never a verdict: the question cannot be put.
        ExitCode::CouldNotRun,
        format!("{} has no lock", task.task),
        format!(
            "write its tests, then: redgreen red {0}, redgreen lock {0}",
            task.task
        ),
    );
    failure.code = Some(ReasonCode::LockMissing);
    failure
}

/// Proves GREEN on the working tree's sources.
///
/// # Errors
/// A failure when the question cannot be put.
pub fn run(context: &Context, arguments: &TaskArgs) -> Ending {
    let (ending, _) = prove(context, arguments)?;
    if ending == ExitCode::Pass {
        context
            .printer
            .talk(format!("next    redgreen full {}", arguments.task));
    }
    Ok(ending)
}

/// The same with the candidate as it was read, for the gate after it.
pub(super) fn prove(
    context: &Context,
    arguments: &TaskArgs,
) -> Result<(ExitCode, CandidateTree), Failure> {
    let task = TaskContext::find(context, &arguments.task, arguments.plan.as_deref())?;
    let lock = lock_of(context, &task)?;
    let start = redgreen_host::clock::monotonic();
    let outcome = prove_green(
        context,
        &GreenRequest {
            lock: &lock,
            candidate: context.repository.top_level(),
            plan_files: &task.plan_files,
            scope: &task.scope(),
        },
    )?;
    let runs: Vec<_> = outcome
        .run
        .iter()
        .map(|run| ("green".to_owned(), run.clone()))
        .collect();
    let subject = Subject {
        chain: &task.key,
        content_tree: Some(&outcome.content_tree),
        environment: Some(outcome.environment),
        lock: Some(lock.digest),
        runs: &runs,
        checks: &[],
        validation: &[],
        hidden: lock.hidden.iter().flat_map(|held| held.paths()).collect(),
    };
    let evidence = keep(context, &outcome.result, start.elapsed(), &subject)?;
    context.printer.result(
        || gate::human(&outcome.result),
        || gate_document(&outcome.result, start.elapsed(), Some(evidence)),
    );
    Ok((ExitCode::from(outcome.result.verdict()), outcome.candidate))
}
