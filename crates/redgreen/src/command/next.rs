//! `redgreen next [TASK]`: exactly one unit of work, for any agent or person (SPEC F7).

use super::Ending;
use super::task::{LoadedPlan, TaskContext, the_plan};
use crate::cli::NextArgs;
use crate::drive::log::RunLog;
use crate::referee::context::Context;
use crate::referee::lock::load_lock;
use crate::render::printer::Printer;
use redgreen_core::exit::ExitCode;
use redgreen_core::id::TaskId;
use redgreen_core::machine::{Phase, State, TaskState, Wait};
use redgreen_core::plan;
use std::collections::BTreeSet;

/// Prints the next unit of work.
///
/// # Errors
/// A failure where there is no plan or no such task.
pub fn run(context: &Context, arguments: &NextArgs) -> Ending {
    let printer = Printer {
        json: context.printer.json || arguments.json,
        ..context.printer
    };
    let task = match &arguments.task {
        Some(task) => TaskContext::find(context, task, arguments.plan.as_deref())?,
        None => {
            let loaded = the_plan(context, arguments.plan.as_deref())?;
            let (state, _) = RunLog::read(context, &loaded.slug())?;
            let Some(ready) = first_asking(&state).or_else(|| first_ready(&loaded, &state)) else {
                printer.result(
                    || "nothing is left to do in this plan".to_owned(),
                    || serde_json::json!({"schema": "redgreen.next/1", "task": null}),
                );
                return Ok(ExitCode::Pass);
            };
            TaskContext::find(context, ready.as_str(), Some(&loaded.path))?
        }
    };
    let lock = load_lock(context, &task.key, &task.task)?;
    let (state, _) = RunLog::read(context, &task.key)?;
    let question = state
        .task(&task.task)
        .and_then(|known| answer(&task.task, known));
    let (step, say, then) = match (question, &lock) {
        (Some((say, then)), _) => ("answer", say, then),
        (None, None) => (
            "specify",
            "write tests for these criteria, in the test paths only; they must fail because the behaviour is missing".to_owned(),
            format!("redgreen lock {}", task.task),
        ),
        (None, Some(lock)) => (
            "implement",
            format!("make the {} locked tests pass; change source only", lock.record.tests.len()),
            format!("redgreen check {}", task.task),
        ),
    };
    let criteria: Vec<(String, String)> = task
        .definition
        .iter()
        .flat_map(|definition| &definition.criteria)
        .map(|criterion| (criterion.id.to_string(), criterion.text.clone()))
        .collect();
    let name = task
        .definition
        .as_ref()
        .map(|definition| definition.name.clone())
        .unwrap_or_default();
    printer.result(
        || {
            let mut text = format!("{} {name}\n", task.task);
            for (id, criterion) in &criteria {
                text.push_str(&format!("  {id}  {criterion}\n"));
            }
            if let Some(lock) = &lock {
                for test in &lock.record.tests {
                    text.push_str(&format!("  test  {}\n", test.item));
                }
            }
            text.push_str(&format!("{step}: {say}\nthen: {then}"));
            text
        },
        || {
            serde_json::json!({
                "schema": "redgreen.next/1",
                "task": task.task,
                "name": name,
                "step": step,
                "do": say,
                "then": then,
                "criteria": criteria.iter().map(|(id, text)| serde_json::json!({"id": id, "text": text})).collect::<Vec<_>>(),
                "tests": lock.iter().flat_map(|lock| &lock.record.tests).map(|test| test.item.to_string()).collect::<Vec<_>>(),
            })
        },
    );
    Ok(ExitCode::Pass)
}

/// What a person is asked about a task, and the commands that answer it.
fn answer(id: &TaskId, known: &TaskState) -> Option<(String, String)> {
    let halted = || {
        let cause = known
            .halt
            .as_ref()
            .and_then(|halt| halt.reasons.first())
            .map_or_else(String::new, |reason| format!(": {}", reason.message));
        format!("it is halted{cause}")
    };
    match known.wait {
        Some(Wait::Taken) => Some((
            "finish it in its worktree".to_owned(),
            format!("redgreen check {id}"),
        )),
        Some(Wait::TestsApproval) => Some((
            "read its tests and approve them".to_owned(),
            format!("redgreen approve {id}, or redgreen retry {id} --hint '…'"),
        )),
        Some(Wait::GateApproval(_) | Wait::GateQuestion(_)) => Some((
            "a gate could not decide alone".to_owned(),
            format!("redgreen approve {id}, or redgreen retry {id} --hint '…'"),
        )),
        Some(Wait::Dispute) => Some((
            "decide about the disputed test".to_owned(),
            format!(
                "redgreen approve {id} (the test is wrong), or redgreen retry {id} --hint '…' (it is right)"
            ),
        )),
        None if known.phase == Phase::Halted => Some((
            halted(),
            format!("redgreen retry {id} --hint '…', or redgreen take {id}"),
        )),
        None => None,
    }
}

/// The first task that waits for a person.
fn first_asking(state: &State) -> Option<TaskId> {
    let order = state.plan().map(plan::order)?;
    order.into_iter().find(|id| {
        state
            .task(id)
            .is_some_and(|known| answer(id, known).is_some())
    })
}

/// The first task in order that has not passed and whose dependencies have: by the journal where a run knows the task,
/// by the plan's own fields otherwise.
fn first_ready(loaded: &LoadedPlan, state: &State) -> Option<TaskId> {
    let tasks = &loaded.file.plan.tasks;
    let finished: BTreeSet<TaskId> = tasks
        .iter()
        .filter(|task| match state.task(&task.id) {
            Some(known) => known.phase == Phase::Passed,
            None => task.passes,
        })
        .map(|task| task.id.clone())
        .collect();
    let waived: BTreeSet<TaskId> = tasks
        .iter()
        .filter(|task| {
            state
                .task(&task.id)
                .is_some_and(|known| known.phase == Phase::Waived)
        })
        .map(|task| task.id.clone())
        .collect();
    let none = BTreeSet::new();
    plan::ready(&loaded.file.plan, &finished, &none, &waived)
        .into_iter()
        .next()
}
