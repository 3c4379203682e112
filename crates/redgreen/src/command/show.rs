//! `redgreen show TASK`: criterion, tests, red message.

use super::Ending;
use super::task::TaskContext;
use crate::cli::TaskArgs;
use crate::referee::context::Context;
use crate::referee::lock::load_lock;
use redgreen_core::exit::ExitCode;

/// A task: criterion, tests, red message.
///
/// # Errors
/// A failure when the task or its lock cannot be read.
pub fn run(context: &Context, arguments: &TaskArgs) -> Ending {
    let task = TaskContext::find(context, &arguments.task, arguments.plan.as_deref())?;
    let lock = load_lock(context, &task.key, &task.task)?;
    let criteria = task
        .definition
        .as_ref()
        .map(|definition| definition.criteria.clone())
        .unwrap_or_default();
    context.printer.result(
        || {
            let mut text = format!("{} {}\n", task.task, task.definition.as_ref().map_or("", |definition| definition.name.as_str()));
            for criterion in &criteria {
                text.push_str(&format!("{}  {}\n", criterion.id, criterion.text));
                let Some(lock) = &lock else { continue };
                let named: Vec<String> = match lock.record.criteria.get(&criterion.id) {
                    Some(coverages) => coverages.iter().map(|coverage| coverage.test.clone()).collect(),
                    None if criteria.len() == 1 => lock.record.tests.iter().map(|test| test.item.to_string()).collect(),
                    None => Vec::new(),
                };
                for test in named {
                    let red = lock.red.iter().find(|(id, cause)| is_case_of(id, &test) && cause.is_some()).and_then(|(_, cause)| cause.as_ref());
                    text.push_str(&format!("    {test}\n"));
                    if let Some(cause) = red {
                        text.push_str(&format!("        red: {}\n", cause.detail));
                    }
                }
            }
            if lock.is_none() {
                text.push_str("not locked yet\n");
            }
            text
        },
        || {
            serde_json::json!({
                "schema": "redgreen.task/1", "task": task.task,
                "criteria": criteria.iter().map(|criterion| serde_json::json!({"id": criterion.id, "text": criterion.text})).collect::<Vec<_>>(),
                "lock": lock.as_ref().map(|lock| &lock.record), "red": lock.as_ref().map(|lock| &lock.red),
            })
        },
    );
    Ok(ExitCode::Pass)
}

/// Whether a case id is the item `test` or one of its parameter sets or subtests.
fn is_case_of(id: &str, test: &str) -> bool {
    id.strip_prefix(test).is_some_and(|rest| {
        rest.chars()
            .next()
            .is_none_or(|next| !next.is_alphanumeric() && next != '_')
    })
}
