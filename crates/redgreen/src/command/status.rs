//! `redgreen status`: where every task stands.

use super::Ending;
use super::task::{plan_files, the_plan};
use crate::cli::StatusArgs;
use crate::drive::log::{RunLog, plan_lock};
use crate::error::Failure;
use crate::referee::context::Context;
use crate::referee::lock::load_lock;
use redgreen_core::exit::ExitCode;
use redgreen_core::machine::Standing;
use redgreen_core::plan;
use redgreen_host::{clock, interrupt};
use std::time::Duration;

/// How often `--watch` looks.
const PERIOD: Duration = Duration::from_millis(500);

/// Where every task stands.
///
/// # Errors
/// A failure when a plan or journal cannot be read.
pub fn run(context: &Context, arguments: &StatusArgs) -> Ending {
    if arguments.paths {
        context.printer.result(
            || format!("state    {}\nlogs     {}\nreports  {}", context.state.root().display(), context.state.logs().display(), context.state.root().join("reports").display()),
            || serde_json::json!({"schema": "redgreen.paths/1", "state": context.state.root(), "logs": context.state.logs(), "reports": context.state.root().join("reports")}),
        );
        return Ok(ExitCode::Pass);
    }
    let mut shown = String::new();
    loop {
        let look = look(context, arguments)?;
        if look.text != shown {
            context
                .printer
                .result(|| look.text.clone(), || look.document);
            shown = look.text;
        }
        if !arguments.watch || !look.working || interrupt::stop_requested() {
            return Ok(ExitCode::Pass);
        }
        clock::pause(PERIOD);
    }
}

/// What there is to see at one moment.
struct Look {
    text: String,
    document: serde_json::Value,
    /// Whether a redgreen works on one of the plans.
    working: bool,
}

fn look(context: &Context, arguments: &StatusArgs) -> Result<Look, Failure> {
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
    let mut working = false;
    for loaded in plans {
        let slug = loaded.slug();
        let (state, _) = RunLog::read(context, &slug)?;
        let standing = state.standing();
        let held = context.state.is_held(&plan_lock(&slug));
        working |= held;
        let words = standing_words(standing, held);
        text.push_str(&format!(
            "{}  {}  {words}\n",
            loaded.file.plan.name, loaded.file.plan.status,
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
        list.push(serde_json::json!({"plan": loaded.file.plan.name, "status": loaded.file.plan.status.as_str(), "standing": words, "exit": standing.exit().map(ExitCode::code), "tasks": tasks}));
    }
    Ok(Look {
        text,
        document: serde_json::json!({"schema": "redgreen.status/1", "plans": list}),
        working,
    })
}

/// How a run stands, in words.
fn standing_words(standing: Standing, held: bool) -> String {
    match standing {
        Standing::Empty => "not started".to_owned(),
        Standing::Working if held => "in progress".to_owned(),
        Standing::Working => "interrupted; `redgreen run` goes on".to_owned(),
        Standing::NeedsApproval => "the plan waits for approval".to_owned(),
        Standing::WaitsForPerson(_) => "waits for a person".to_owned(),
        Standing::Stopped => "stopped; `redgreen run` goes on".to_owned(),
        Standing::Parked => "at the phase where it was to end".to_owned(),
        Standing::Ended(ExitCode::Pass) => "done".to_owned(),
        Standing::Ended(code) => format!("halted (exit {})", code.code()),
    }
}
