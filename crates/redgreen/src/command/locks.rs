//! `redgreen locks list|show|diff|verify|restore`

use super::Ending;
use super::green::no_lock;
use super::lock::short;
use super::task::TaskContext;
use crate::cli::{LocksCommand, TaskArgs};
use crate::error::Failure;
use crate::referee::context::Context;
use crate::referee::evidence::gate_document;
use crate::referee::evidence_store::FETCH;
use crate::referee::green::{GreenRequest, verify_lock};
use crate::referee::lock::{StoredLock, all_locks, locked_tree};
use crate::referee::lock_in_git::{find_lock, made_elsewhere};
use crate::referee::proposal::put_as_in;
use crate::render::gate;
use redgreen_core::exit::ExitCode;
use redgreen_core::gate::ChangeClass;
use redgreen_core::plan::Mode;
use redgreen_core::tree::ChangeKind;
use redgreen_host::foreign;
use std::collections::BTreeSet;
use std::time::Duration;

/// Dispatches the sub-command.
///
/// # Errors
/// A failure when a lock cannot be read.
pub fn run(context: &Context, command: &LocksCommand) -> Ending {
    match command {
        LocksCommand::List => list(context),
        LocksCommand::Show(arguments) => show(context, arguments),
        LocksCommand::Diff(arguments) => diff(context, arguments),
        LocksCommand::Verify(arguments) => verify(context, arguments),
        LocksCommand::Restore(arguments) => restore(context, arguments),
    }
}

fn list(context: &Context) -> Ending {
    let locks = all_locks(context)?;
    let here: BTreeSet<_> = locks
        .iter()
        .map(|(_, lock)| lock.record.task.clone())
        .collect();
    let elsewhere = made_elsewhere(context, &here)?;
    context.printer.result(
        || {
            if locks.is_empty() && elsewhere.is_empty() {
                return "no locks here".to_owned();
            }
            locks
                .iter()
                .map(|(key, lock)| format!("{:<12} {:<16} {}  {} tests", lock.record.task.as_str(), key, short(&lock.commit), lock.record.tests.len()))
                .chain(elsewhere.iter().map(|lock| {
                    let missing = match &lock.missing {
                        Some(missing) => format!("\n             {missing}\n             = help: {FETCH}"),
                        None => String::new(),
                    };
                    format!("{:<12} made elsewhere   {} tests{missing}", lock.record.task.as_str(), lock.record.tests.len())
                }))
                .collect::<Vec<_>>()
                .join("\n")
        },
        || {
            let list: Vec<_> = locks
                .iter()
                .map(|(key, lock)| serde_json::json!({"task": lock.record.task, "plan": key, "commit": lock.commit, "lock": lock.digest, "tests": lock.record.tests.len()}))
                .chain(elsewhere.iter().map(|lock| serde_json::json!({"task": lock.record.task, "plan": null, "commit": null, "lock": lock.digest, "tests": lock.record.tests.len(), "missing": lock.missing})))
                .collect();
            serde_json::json!({"schema": "redgreen.locks/1", "locks": list})
        },
    );
    Ok(ExitCode::Pass)
}

fn find(context: &Context, arguments: &TaskArgs) -> Result<(TaskContext, StoredLock), Failure> {
    let task = TaskContext::find(context, &arguments.task, arguments.plan.as_deref())?;
    let chore: &[String] = match &task.definition {
        Some(definition) if definition.mode == Mode::Chore => &definition.scope,
        Some(_) | None => &[],
    };
    let lock = find_lock(context, &task.key, &task.task, chore)?.ok_or_else(|| no_lock(&task))?;
    Ok((task, lock))
}

fn show(context: &Context, arguments: &TaskArgs) -> Ending {
    let (_, lock) = find(context, arguments)?;
    context.printer.result(
        || {
            let mut text = format!("{} locked by {} on {}\n", lock.record.task, short(&lock.commit), short(&lock.record.base_commit));
            for test in &lock.record.tests {
                let role = format!("{:?}", test.role).to_lowercase();
                let red = lock
                    .red
                    .iter()
                    .find(|(id, cause)| id.starts_with(&test.item.to_string()) && cause.is_some())
                    .and_then(|(_, cause)| cause.as_ref())
                    .map_or_else(String::new, |cause| format!("  red: {}", cause.detail));
                text.push_str(&format!("  {role:<10} {}{red}\n", test.item));
            }
            for (criterion, coverages) in &lock.record.criteria {
                let tests: Vec<&str> = coverages.iter().map(|coverage| coverage.test.as_str()).collect();
                text.push_str(&format!("  {criterion}  {}\n", tests.join(", ")));
            }
            text.push_str(&format!("  {} files that could change a result are locked, and every path outside {}\n", lock.manifest.files.len(), lock.manifest.source.join(", ")));
            text
        },
        || serde_json::json!({"schema": "redgreen.lock/1", "record": lock.record, "digest": lock.digest, "commit": lock.commit}),
    );
    Ok(ExitCode::Pass)
}

fn request<'a>(
    context: &'a Context,
    task: &'a TaskContext,
    lock: &'a StoredLock,
) -> GreenRequest<'a> {
    GreenRequest {
        lock,
        candidate: context.repository.top_level(),
        plan_files: &task.plan_files,
        scope: &[],
    }
}

fn diff(context: &Context, arguments: &TaskArgs) -> Ending {
    let (task, lock) = find(context, arguments)?;
    let (_, candidate) = verify_lock(context, &request(context, &task, &lock))?;
    context.printer.result(
        || {
            let mut text = String::new();
            for change in &candidate.changes {
                text.push_str(&format!("{}\n", change.message));
                if let Some(diff) = &change.diff {
                    text.extend(diff.lines().map(|line| format!("  {line}\n")));
                }
            }
            if text.is_empty() { "nothing that is locked was changed".to_owned() } else { text }
        },
        || {
            let list: Vec<_> = candidate
                .changes
                .iter()
                .map(|change| serde_json::json!({"path": change.path, "kind": change.kind, "code": change.code, "message": change.message, "diff": change.diff}))
                .collect();
            serde_json::json!({"schema": "redgreen.lock-diff/1", "changes": list})
        },
    );
    Ok(ExitCode::Pass)
}

fn verify(context: &Context, arguments: &TaskArgs) -> Ending {
    let (task, lock) = find(context, arguments)?;
    let (result, _) = verify_lock(context, &request(context, &task, &lock))?;
    context.printer.result(
        || gate::human(&result),
        || gate_document(&result, Duration::ZERO, None),
    );
    Ok(result.verdict().into())
}

fn restore(context: &Context, arguments: &TaskArgs) -> Ending {
    let (task, lock) = find(context, arguments)?;
    let locked = locked_tree(context, &lock)?;
    let (_, candidate) = verify_lock(context, &request(context, &task, &lock))?;
    let mut restored = Vec::new();
    for change in candidate
        .changes
        .iter()
        .filter(|change| change.class == ChangeClass::Rejected)
    {
        let kept = context.state.kept_copies().join(format!(
            "{}-{}",
            task.task,
            change.path.as_str().replace('/', "%")
        ));
        let top = context.repository.top_level();
        if let Some(bytes) =
            foreign::read(top, &change.path, u64::MAX - 1).map_err(Failure::internal)?
        {
            redgreen_host::state::write_atomically(&kept, &bytes).map_err(Failure::internal)?;
        }
        let from = if locked.get(&change.path).is_some()
            && candidate.full.get(&change.path).is_some()
            && change.code == redgreen_core::reason::ReasonCode::LockedTestEdited
            && change.kind != ChangeKind::Deleted
        {
            &candidate.full
        } else {
            &locked
        };
        put_as_in(from, &context.repository, &change.path, top)?;
        restored.push(change.path.to_string());
    }
    restored.dedup();
    context.printer.result(
        || {
            if restored.is_empty() {
                "nothing to restore".to_owned()
            } else {
                format!(
                    "restored {} (your version is kept in {})",
                    restored.join(", "),
                    context.state.kept_copies().display()
                )
            }
        },
        || serde_json::json!({"schema": "redgreen.lock-restore/1", "restored": restored}),
    );
    Ok(ExitCode::Pass)
}
