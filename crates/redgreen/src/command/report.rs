//! `redgreen report`: a report, made from the journal alone.

use super::Ending;
use super::task::the_plan;
use crate::cli::{ReportArgs, ReportKind};
use crate::drive::log::RunLog;
use crate::error::Failure;
use crate::referee::context::Context;
use redgreen_core::exit::ExitCode;

/// A report, made from the journal.
///
/// # Errors
/// A failure when there is no run of the plan.
pub fn run(context: &Context, arguments: &ReportArgs) -> Ending {
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
