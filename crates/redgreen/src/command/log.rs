//! `redgreen log`: the events of a run, one a line.

use super::Ending;
use super::task::the_plan;
use crate::cli::LogArgs;
use crate::drive::log::{RunLog, plan_lock};
use crate::error::Failure;
use crate::referee::context::Context;
use redgreen_core::exit::ExitCode;
use redgreen_core::machine::Event;
use redgreen_host::{clock, interrupt};
use std::time::Duration;

/// How often `--follow` looks.
const PERIOD: Duration = Duration::from_millis(300);

/// The events of a run, one a line.
///
/// # Errors
/// A failure when the journal does not verify.
pub fn run(context: &Context, arguments: &LogArgs) -> Ending {
    let loaded = the_plan(context, arguments.plan.as_deref())?;
    let slug = loaded.slug();
    let mut shown = 0;
    loop {
        // Asked before the journal is read: what a run adds last is still printed.
        let working = context.state.is_held(&plan_lock(&slug));
        let (_, events) = RunLog::read(context, &slug)?;
        for (at, event) in events.iter().skip(shown) {
            if context.printer.json {
                let text = redgreen_formats::wire::encode(event).map_err(Failure::internal)?;
                context.printer.data(text);
            } else {
                context.printer.data(format!("{at}  {}", event_line(event)));
            }
        }
        shown = events.len();
        if !arguments.follow || !working || interrupt::stop_requested() {
            return Ok(ExitCode::Pass);
        }
        clock::pause(PERIOD);
    }
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
