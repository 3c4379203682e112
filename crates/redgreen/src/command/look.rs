//! Looking at a run: `status`, `log`, `report`, `show`.

use super::Ending;
use super::task::{TaskContext, plan_files, the_plan};
use crate::cli::{LogArgs, ReportArgs, ReportKind, StatusArgs, TaskArgs};
use crate::drive::log::RunLog;
use crate::error::Failure;
use crate::referee::context::Context;
use crate::referee::lock::load_lock;
use redgreen_core::exit::ExitCode;
use redgreen_core::machine::{Event, Standing};
use redgreen_core::plan;

/// Where every task stands.
///
/// # Errors
/// A failure when a plan or journal cannot be read.
pub fn status(context: &Context, arguments: &StatusArgs) -> Ending {
    if arguments.paths {
        context.printer.result(
            || format!("state    {}\nlogs     {}\nreports  {}", context.state.root().display(), context.state.logs().display(), context.state.root().join("reports").display()),
            || serde_json::json!({"schema": "redgreen.paths/1", "state": context.state.root(), "logs": context.state.logs(), "reports": context.state.root().join("reports")}),
        );
        return Ok(ExitCode::Pass);
    }
    let plans = match &arguments.plan {
        Some(path) => vec![the_plan(context, Some(path))?],
        None => plan_files(context)?
            .iter()
            .map(|path| {
                the_plan(
                    context,
                    Some(&context.repository.top_level().join(path.as_str())),
                )
            })
            .collect::<Result<_, _>>()?,
    };
    if plans.is_empty() {
        return Err(Failure::usage(
            "there is no plan here",
            "write one in docs/plans, or name a plan file",
        ));
    }
    let mut text = String::new();
    let mut list = Vec::new();
    for loaded in plans {
        let slug = loaded.slug();
        let (state, _) = RunLog::read(context, &slug)?;
        let standing = state.standing();
        text.push_str(&format!(
            "{}  {}  {}\n",
            loaded.file.plan.name,
            loaded.file.plan.status,
            standing_words(standing)
        ));
        let mut tasks = Vec::new();
        for id in plan::order(&loaded.file.plan) {
            let known = state.task(&id);
            let phase = known.map_or("waiting", |task| task.phase.as_str());
            let lock = load_lock(context, &slug, &id)?;
            let note = match known {
                Some(task) if task.wait.is_some() => "  waits for a person",
                Some(task) if task.adopted => "  adopted, never verified",
                _ => "",
            };
            let tests = lock.map_or_else(String::new, |lock| {
                format!("  {} tests locked", lock.record.tests.len())
            });
            text.push_str(&format!("  {:<8} {phase:<10}{tests}{note}\n", id.as_str()));
            tasks.push(serde_json::json!({"task": id, "phase": phase}));
        }
        list.push(serde_json::json!({"plan": loaded.file.plan.name, "status": loaded.file.plan.status.as_str(), "standing": standing_words(standing), "exit": standing.exit().map(ExitCode::code), "tasks": tasks}));
    }
    context.printer.result(
        || text,
        || serde_json::json!({"schema": "redgreen.status/1", "plans": list}),
    );
    Ok(ExitCode::Pass)
}

/// How a run stands, in words.
fn standing_words(standing: Standing) -> String {
    match standing {
        Standing::Empty => "not started".to_owned(),
        // A run that was killed stands so, too, until `redgreen run` goes on.
        Standing::Working => "in progress".to_owned(),
        Standing::NeedsApproval => "the plan waits for approval".to_owned(),
        Standing::WaitsForPerson(_) => "waits for a person".to_owned(),
        Standing::Stopped => "stopped; `redgreen run` goes on".to_owned(),
        Standing::Parked => "at the phase where it was to end".to_owned(),
        Standing::Ended(ExitCode::Pass) => "done".to_owned(),
        Standing::Ended(code) => format!("halted (exit {})", code.code()),
    }
}

/// The events of a run, one a line.
///
/// # Errors
/// A failure when the journal does not verify.
pub fn log(context: &Context, arguments: &LogArgs) -> Ending {
    let loaded = the_plan(context, arguments.plan.as_deref())?;
    let (_, events) = RunLog::read(context, &loaded.slug())?;
    for (at, event) in &events {
        if context.printer.json {
            let text = redgreen_formats::wire::encode(event).map_err(Failure::internal)?;
            context.printer.data(text);
        } else {
            context.printer.data(format!("{at}  {}", event_line(event)));
        }
    }
    Ok(ExitCode::Pass)
}

fn event_line(event: &Event) -> String {
    let task = |id: &redgreen_core::id::TaskId, what: &str| format!("{id} {what}");
    match event {
        Event::RunStarted {
            run, definition, ..
        } => format!("run {run} of definition {}", definition.short()),
        Event::Approved { by, .. } => format!("approved by {by}"),
        Event::Differs { .. } => {
            "the plan or the configuration differs from what was approved".to_owned()
        }
        Event::Resumed { by, .. } => format!("resumed by {by}"),
        Event::Started { key } => format!("started {key}"),
        Event::AgentEnded {
            key,
            outcome,
            session,
        } => format!(
            "{key} session ended: {outcome:?} after {} ms",
            session.duration_ms
        ),
        Event::GateJudged { key, summary } => {
            format!("{key} {} {}", summary.gate().as_str(), summary.verdict())
        }
        Event::LockCommitted { key, lock } => {
            format!("{key} locked {} tests in {}", lock.tests, lock.commit)
        }
        Event::RefactorAdopted { key } => format!("{key} adopted"),
        Event::RefactorDiscarded { key } => format!("{key} discarded"),
        Event::Delivered { key, delivery } => format!("{key} {delivery:?}"),
        Event::Done { key } => format!("{key} done"),
        Event::Faulted { key, fault } => format!("{key} could not be done: {}", fault.message),
        Event::Disputed { dispute, .. } => {
            task(&dispute.task, &format!("disputes {}", dispute.test))
        }
        Event::Agreed { task: id, by } => task(id, &format!("yes, by {by}")),
        Event::Amended { task: id, by, .. } => task(id, &format!("tests corrected by {by}")),
        Event::Retried { task: id, by, .. } => task(id, &format!("fresh tries, by {by}")),
        Event::Taken { task: id, by } => task(id, &format!("taken by {by}")),
        Event::HandedBack { task: id, by } => task(id, &format!("handed back by {by}")),
        Event::Waived {
            task: id, code, by, ..
        } => task(id, &format!("waived {} by {by}", code.as_str())),
        Event::Reset { task: id, by } => task(id, &format!("starts over, by {by}")),
        Event::StopRequested { by } => format!("stop asked for by {by}"),
        Event::LimitReached { limit } => format!("limit reached: {limit:?}"),
    }
}

/// A report, made from the journal.
///
/// # Errors
/// A failure when there is no run of the plan.
pub fn report(context: &Context, arguments: &ReportArgs) -> Ending {
    let loaded = the_plan(context, arguments.plan.as_deref())?;
    let (_, events) = RunLog::read(context, &loaded.slug())?;
    if events.is_empty() {
        return Err(Failure::usage(
            "there is no run of this plan yet",
            "redgreen run",
        ));
    }
    let wanted = match arguments.kind {
        ReportKind::Markdown => "report.md",
        ReportKind::Json => "report.json",
        ReportKind::Junit => "junit.xml",
    };
    for (name, bytes) in crate::render::report::all(&events)? {
        if name == wanted {
            context
                .printer
                .data(String::from_utf8_lossy(&bytes).trim_end());
        }
    }
    Ok(ExitCode::Pass)
}

/// A task: criterion, tests, red message.
///
/// # Errors
/// A failure when the task or its lock cannot be read.
pub fn show(context: &Context, arguments: &TaskArgs) -> Ending {
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
                    let red = lock.red.iter().find(|(id, cause)| id.starts_with(&test) && cause.is_some()).and_then(|(_, cause)| cause.as_ref());
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
