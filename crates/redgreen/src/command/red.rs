//! `redgreen red [TASK|TESTS…]`

use super::Ending;
use super::task::{TaskContext, plan_files, unnamed_claims};
use crate::cli::RedArgs;
use crate::error::Failure;
use crate::referee::context::Context;
use crate::referee::evidence::{Subject, gate_document, keep};
use crate::referee::red::{RedOutcome, RedRequest, prove_red};
use crate::render::gate;
use redgreen_core::exit::ExitCode;
use redgreen_core::id::{Digest, TaskId};
use redgreen_host::tree::content_digest;

/// Proves RED on the working tree's tests and HEAD's sources.
///
/// # Errors
/// A failure when the question cannot be put.
pub fn run(context: &Context, arguments: &RedArgs) -> Ending {
    let named = match arguments.what.as_slice() {
        [one]
            if !one.contains("::")
                && !one.contains('/')
                && TaskId::new(one.as_str()).is_ok()
                && !context.repository.top_level().join(one).exists() =>
        {
            Some(TaskContext::find(context, one, arguments.plan.as_deref())?)
        }
        _ => None,
    };
    let start = redgreen_host::clock::monotonic();
    let base_commit = context.head_commit()?;
    let (claims, only, plans) = match &named {
        Some(task) => (
            task.claims(context, &arguments.tests)?,
            Vec::new(),
            task.plan_files.clone(),
        ),
        None => (
            unnamed_claims(&arguments.tests)?,
            arguments.what.clone(),
            plan_files(context)?,
        ),
    };
    let criteria = named
        .as_ref()
        .map(TaskContext::criteria)
        .unwrap_or_default();
    let red = prove_red(
        context,
        &RedRequest {
            base_commit: &base_commit,
            candidate: context.repository.top_level(),
            plan_files: &plans,
            task: named.as_ref().map(|task| &task.task),
            criteria: &criteria,
            claims: &claims,
            judge_outside: false,
            only: &only,
        },
    )?;
    let evidence = record(context, &red, &plans, start.elapsed())?;
    context.printer.result(
        || gate::human(&red.result),
        || gate_document(&red.result, start.elapsed(), Some(evidence)),
    );
    if let (ExitCode::Pass, Some(task)) = (ExitCode::from(red.result.verdict()), &named) {
        context
            .printer
            .talk(format!("next    redgreen lock {}", task.task));
    }
    Ok(red.result.verdict().into())
}

/// Keeps the evidence of a RED.
///
/// # Errors
/// A failure when it cannot be written.
pub fn record(
    context: &Context,
    red: &RedOutcome,
    plan_files: &[redgreen_core::id::RelPath],
    duration: std::time::Duration,
) -> Result<Digest, Failure> {
    let tree = content_digest(&red.proposal.tree, plan_files).to_string();
    let subject = Subject {
        content_tree: Some(&tree),
        environment: Some(red.environments.digest()),
        lock: None,
        runs: &red.runs,
        checks: &[],
    };
    keep(context, &red.result, duration, &subject)
}
