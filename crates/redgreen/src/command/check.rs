//! `redgreen check TASK`: whichever gate is due.

use super::task::TaskContext;
use super::{Ending, full, green, red};
use crate::cli::{RedArgs, TaskArgs, TestClaims};
use crate::referee::context::Context;
use crate::referee::lock::load_lock;
use redgreen_core::exit::ExitCode;

/// RED where there is no lock; else GREEN, and FULL after it.
///
/// # Errors
/// A failure when the question cannot be put.
pub fn run(context: &Context, arguments: &TaskArgs) -> Ending {
    let task = TaskContext::find(context, &arguments.task, arguments.plan.as_deref())?;
    if let Some(exit) = super::answer::hand_back(context, &task)? {
        return Ok(exit);
    }
    super::answer::not_halted(context, &task)?;
    if load_lock(context, &task.key, &task.task)?.is_none() {
        let red_arguments = RedArgs {
            what: vec![arguments.task.clone()],
            tests: TestClaims::default(),
            plan: arguments.plan.clone(),
        };
        return red::run(context, &red_arguments);
    }
    match green::prove(context, arguments)? {
        (ExitCode::Pass, candidate) => full::validate(context, arguments, Some(candidate)),
        (other, _) => Ok(other),
    }
}
