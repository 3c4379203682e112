//! `redgreen audit [RANGE]`: would these tests fail without the code they came with? (SPEC C9)

use super::Ending;
use crate::audit::{Options, audit};
use crate::cli::AuditArgs;
use crate::error::Failure;
use crate::referee::context::Context;
use crate::render;
use crate::render::printer::Level;
use redgreen_core::exit::ExitCode;

/// Audits a range, prints what it found, and ends as its policy says.
///
/// # Errors
/// A failure when the question cannot be put.
pub fn run(context: &Context, arguments: &AuditArgs) -> Ending {
    let options = Options {
        range: arguments.range.clone(),
        merge_base: arguments.merge_base.clone(),
        whole: arguments.whole,
        fail_on: arguments.fail_on.clone(),
        jobs: arguments.jobs,
        fresh: arguments.fresh,
    };
    let report = audit(context, &options)?;
    let verbose = context.printer.level >= Level::Verbose;
    let document = serde_json::to_value(&report).map_err(Failure::internal)?;
    context
        .printer
        .result(|| render::audit::human(&report, verbose), || document);
    Ok(ExitCode::ALL
        .into_iter()
        .find(|exit| exit.code() == report.exit)
        .unwrap_or(ExitCode::Internal))
}
