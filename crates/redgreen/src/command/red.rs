//! `redgreen red [TASK|TESTS…]`

use super::Ending;
use super::task::{TaskContext, plan_files, unnamed_claims};
use crate::cli::RedArgs;
use crate::error::Failure;
use crate::referee::context::{Context, Setting};
use crate::referee::evidence::{Subject, gate_document, keep};
use crate::referee::hidden::paths_of;
use crate::referee::red::{RedOutcome, RedRequest, exit_of, prove_red};
use crate::render::gate;
use redgreen_core::exit::ExitCode;
use redgreen_core::id::{Digest, RelPath, TaskId};
use redgreen_host::tree::{Snapshot, content_digest};
use std::path::Path;

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
                && !has_extension(one)
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
            arguments
                .what
                .iter()
                .map(|text| from_the_top(context, text))
                .collect::<Result<Vec<_>, _>>()?,
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
    let evidence = record(
        context,
        named.as_ref().map_or("unnamed", |task| &task.key),
        &red,
        &plans,
        start.elapsed(),
    )?;
    context.printer.result(
        || gate::human(&red.result),
        || gate_document(&red.result, start.elapsed(), Some(evidence)),
    );
    if let (ExitCode::Pass, Some(task)) = (ExitCode::from(red.result.verdict()), &named) {
        context
            .printer
            .talk(format!("next    redgreen lock {}", task.task));
    }
    Ok(exit_of(&red.result))
}

/// `test_a.py`, but not `T1.2`: a file that is not there is no task.
fn has_extension(text: &str) -> bool {
    Path::new(text).extension().is_some_and(|extension| {
        extension
            .as_encoded_bytes()
            .iter()
            .all(u8::is_ascii_alphabetic)
    })
}

/// A file or an id as a person types it, relative to the folder they stand in or to the top level, as the id it means.
fn from_the_top(context: &Context, text: &str) -> Result<String, Failure> {
    let (file, item) = match text.split_once("::") {
        Some((file, item)) => (file, Some(item)),
        None => (text, None),
    };
    let top = context.repository.top_level();
    let (runner, file) = match file.split_once(':') {
        Some((runner, rest)) if !top.join(file).exists() => (Some(runner), rest),
        Some(_) | None => (None, file),
    };
    let path = [context.folder.join(file), top.join(file)]
        .into_iter()
        .filter_map(|path| path.canonicalize().ok())
        .find_map(|path| path.strip_prefix(top).ok().map(Path::to_path_buf))
        .and_then(|path| path.to_str().map(str::to_owned));
    let Some(path) = path else {
        return Err(Failure::usage(
            format!("`{text}` names no file here, and no task"),
            "name a test file, a test as path::item, or a task such as T43",
        ));
    };
    let Some(item) = item else { return Ok(path) };
    let runner = match runner {
        Some(runner) => Some(runner.to_owned()),
        None => {
            let base = Snapshot::of_commit(&context.repository, &context.head_commit()?)
                .map_err(Failure::internal)?;
            let setting = Setting::of_tree(context, &base)?;
            let rel = RelPath::new(path.clone()).map_err(Failure::internal)?;
            setting
                .item_rules()
                .runner(&rel)
                .and_then(|runner| runner.name.as_ref().map(ToString::to_string))
        }
    };
    Ok(match runner {
        Some(runner) => format!("{runner}:{path}::{item}"),
        None => format!("{path}::{item}"),
    })
}

/// Keeps the evidence of a RED.
///
/// # Errors
/// A failure when it cannot be written.
pub fn record(
    context: &Context,
    chain: &str,
    red: &RedOutcome,
    plan_files: &[RelPath],
    duration: std::time::Duration,
) -> Result<Digest, Failure> {
    let tree = content_digest(&red.proposal.tree, plan_files).to_string();
    let subject = Subject {
        chain,
        content_tree: Some(&tree),
        environment: Some(red.environments.digest()),
        lock: None,
        runs: &red.runs,
        checks: &[],
        validation: &[],
        hidden: paths_of(&red.map),
    };
    keep(context, &red.result, duration, &subject)
}
