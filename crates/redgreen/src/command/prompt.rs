//! `redgreen prompt show TASK --role ROLE`: what a session of that role would be told (SPEC A6).

use super::Ending;
use super::task::TaskContext;
use crate::cli::{PromptCommand, PromptRole, PromptShowArgs};
use crate::drive::prompt::{Asked, assemble, tokens};
use crate::error::Failure;
use crate::referee::context::{Context, Setting};
use crate::referee::lock::{load_lock, locked_tree};
use redgreen_core::exit::ExitCode;
use redgreen_core::machine::AgentRole;
use redgreen_host::tree::Snapshot;

/// Prints a prompt.
///
/// # Errors
/// A failure when the task or a template cannot be read, or the implementer's task has no lock.
pub fn run(context: &Context, command: &PromptCommand) -> Ending {
    let PromptCommand::Show(arguments) = command;
    show(context, arguments)
}

fn show(context: &Context, arguments: &PromptShowArgs) -> Ending {
    let task = TaskContext::find(context, &arguments.task, arguments.plan.as_deref())?;
    let Some(definition) = &task.definition else {
        return Err(Failure::usage(
            format!("no plan has the task {}", task.task),
            "write it into a plan of docs/plans, or name the plan: --plan FILE",
        ));
    };
    let role = match arguments.role {
        PromptRole::Author => AgentRole::Author,
        PromptRole::Implementer => AgentRole::Implementer,
    };
    let lock = match role {
        AgentRole::Author => None,
        AgentRole::Implementer | AgentRole::Refactorer => {
            load_lock(context, &task.key, &task.task)?
        }
    };
    let tree = match &lock {
        Some(lock) => locked_tree(context, lock)?,
        None => {
            let head = context.head_commit()?;
            Snapshot::of_commit(&context.repository, &head).map_err(Failure::internal)?
        }
    };
    let setting = Setting::of_tree(context, &tree)?;
    let prompt = assemble(&Asked {
        context,
        config: &setting.config,
        role,
        task: definition,
        lock: lock.as_ref(),
        tree: &tree,
        feedback: None,
        tail: &[],
    })?;
    context.printer.result(
        || prompt.text.clone(),
        || {
            serde_json::json!({
                "schema": "redgreen.prompt/1", "task": task.task, "role": role.as_str(),
                "template": prompt.template, "text": prompt.text, "tokens": tokens(&prompt.text),
            })
        },
    );
    context.printer.detail(format!(
        "template {}, about {} tokens (characters / 4)",
        prompt.template,
        tokens(&prompt.text)
    ));
    Ok(ExitCode::Pass)
}
