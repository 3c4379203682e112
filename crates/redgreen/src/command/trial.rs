//! `redgreen try TASK [TESTS]`: the locked tests, run by the referee, without a verdict (SPEC F4). Inside an agent's session
//! the referee outside does it; by hand it is done here.

use super::Ending;
use super::green::lock_of;
use super::task::TaskContext;
use crate::cli::{Cli, TryArgs};
use crate::error::Failure;
use crate::referee::green::GreenRequest;
use crate::referee::trial::try_locked;
use crate::render::printer::Printer;
use redgreen_core::exit::ExitCode;
use redgreen_core::id::TaskId;
use redgreen_host::agent::door;

/// Tries.
///
/// # Errors
/// A failure when there is no lock, or nothing can be run.
pub fn run(cli: &Cli, printer: Printer, arguments: &TryArgs) -> Ending {
    let text = match redgreen_host::env::path_variable(door::VARIABLE) {
        Some(socket) => {
            let task = TaskId::new(arguments.task.as_str())
                .map_err(|error| Failure::usage(error.to_string(), "name a task such as T43"))?;
            let question = serde_json::json!({"try": task, "tests": arguments.tests});
            door::ask(&socket, &question.to_string()).map_err(|why| {
                Failure::not_ready(
                    format!("the referee of this session does not answer: {why}"),
                    "end the session; its gates run anyway",
                )
            })?
        }
        None => {
            let context = super::open(cli, printer)?;
            let task = TaskContext::find(&context, &arguments.task, arguments.plan.as_deref())?;
            let lock = lock_of(&context, &task)?;
            try_locked(
                &context,
                &GreenRequest {
                    lock: &lock,
                    candidate: context.repository.top_level(),
                    plan_files: &task.plan_files,
                    scope: &task.scope(),
                },
                &arguments.tests,
            )?
        }
    };
    printer.result(
        || text.clone(),
        || serde_json::json!({"schema": "redgreen.try/1", "task": arguments.task, "output": text}),
    );
    Ok(ExitCode::Pass)
}
