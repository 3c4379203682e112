//! `redgreen full TASK`

use super::Ending;
use super::green::lock_of;
use super::task::TaskContext;
use crate::cli::TaskArgs;
use crate::referee::context::Context;
use crate::referee::evidence::{Subject, gate_document, keep};
use crate::referee::full::validate_full;
use crate::referee::green::{CandidateTree, GreenRequest};
use crate::render::gate;

/// Whole suite, lock and checks on the working tree's sources.
///
/// # Errors
/// A failure when the question cannot be put.
pub fn run(context: &Context, arguments: &TaskArgs) -> Ending {
    validate(context, arguments, None)
}

/// The same with the candidate as GREEN read it in the same command.
pub(super) fn validate(
    context: &Context,
    arguments: &TaskArgs,
    candidate: Option<CandidateTree>,
) -> Ending {
    let task = TaskContext::find(context, &arguments.task, arguments.plan.as_deref())?;
    let lock = lock_of(context, &task)?;
    let start = redgreen_host::clock::monotonic();
    let outcome = validate_full(
        context,
        &GreenRequest {
            lock: &lock,
            candidate: context.repository.top_level(),
            plan_files: &task.plan_files,
            scope: &task.scope(),
        },
        &task.supersedes(),
        candidate,
    )?;
    let subject = Subject {
        chain: &task.key,
        content_tree: Some(&outcome.content_tree),
        environment: Some(outcome.environment),
        lock: Some(lock.digest),
        runs: &outcome.runs,
        checks: &outcome.checks,
        validation: &outcome.validation,
        hidden: lock.hidden.iter().flat_map(|held| held.paths()).collect(),
    };
    let evidence = keep(context, &outcome.result, start.elapsed(), &subject)?;
    context.printer.result(
        || {
            let mut text = gate::human(&outcome.result);
            for check in &outcome.checks {
                let word = if check.succeeded { "pass" } else { "fail" };
                text.push_str(&format!(
                    "        check {} {word} ({})\n",
                    check.name, check.success
                ));
            }
            text.push_str(&format!(
                "        full suite run {} of at most 3 times\n",
                outcome.suite_runs
            ));
            text
        },
        || gate_document(&outcome.result, start.elapsed(), Some(evidence)),
    );
    Ok(outcome.result.verdict().into())
}
