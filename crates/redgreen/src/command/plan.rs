//! `redgreen plan show|check|approve|adopt`

use super::Ending;
use super::run::{record_consent, valid};
use super::task::the_plan;
use crate::cli::{PlanArgs, PlanCommand};
use crate::referee::context::Context;
use redgreen_core::exit::ExitCode;
use redgreen_core::plan;

/// Dispatches the sub-command.
///
/// # Errors
/// A usage failure that names every problem of the plan.
pub fn run(context: &Context, command: &PlanCommand) -> Ending {
    match command {
        PlanCommand::Show(arguments) => show(context, arguments),
        PlanCommand::Check(arguments) => check(context, arguments),
        PlanCommand::Approve(arguments) => consent(context, arguments, "approved"),
        PlanCommand::Adopt(arguments) => consent(context, arguments, "adopted"),
    }
}

fn show(context: &Context, arguments: &PlanArgs) -> Ending {
    let loaded = the_plan(context, arguments.plan.as_deref())?;
    let file = &loaded.file;
    context.printer.result(
        || {
            let mut text = format!("{} ({})\n{}\ndefinition {}\n", file.plan.name, file.plan.status, file.plan.description, file.definition);
            for id in plan::order(&file.plan) {
                let Some(task) = file.plan.task(&id) else { continue };
                let passes = if task.passes { "  passes" } else { "" };
                text.push_str(&format!("{id}  {}  [{}]{passes}\n", task.name, task.mode));
                for criterion in &task.criteria {
                    text.push_str(&format!("    {}  {}\n", criterion.id, criterion.text));
                }
                if !task.depends_on.is_empty() {
                    text.push_str(&format!("    after {}\n", task.depends_on.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")));
                }
            }
            text
        },
        || {
            let tasks: Vec<_> = plan::order(&file.plan)
                .iter()
                .filter_map(|id| file.plan.task(id))
                .map(|task| serde_json::json!({"id": task.id, "name": task.name, "passes": task.passes, "mode": task.mode.as_str(), "depends_on": task.depends_on}))
                .collect();
            serde_json::json!({"schema": "redgreen.plan-view/1", "name": file.plan.name, "status": file.plan.status.as_str(), "definition": file.definition, "tasks": tasks})
        },
    );
    Ok(ExitCode::Pass)
}

fn check(context: &Context, arguments: &PlanArgs) -> Ending {
    let loaded = the_plan(context, arguments.plan.as_deref())?;
    valid(&loaded)?;
    context.printer.result(
        || format!("{} is valid: {} tasks", loaded.path.display(), loaded.file.plan.tasks.len()),
        || serde_json::json!({"schema": "redgreen.plan-check/1", "valid": true, "tasks": loaded.file.plan.tasks.len()}),
    );
    Ok(ExitCode::Pass)
}

fn consent(context: &Context, arguments: &PlanArgs, kind: &str) -> Ending {
    let loaded = the_plan(context, arguments.plan.as_deref())?;
    valid(&loaded)?;
    let person = record_consent(context, &loaded, kind)?;
    context.printer.result(
        || format!("{kind} by {person}: exactly this text, {}", loaded.file.definition),
        || serde_json::json!({"schema": "redgreen.consent/1", "kind": kind, "by": person, "definition": loaded.file.definition}),
    );
    context.printer.talk("next    redgreen run");
    Ok(ExitCode::Pass)
}
