//! `redgreen audit [RANGE]`: would these tests fail without the code they came with? (SPEC C9)

use super::Ending;
use crate::audit::{Options, audit};
use crate::cli::{AuditArgs, AuditFormat};
use crate::error::Failure;
use crate::referee::context::Context;
use crate::render;
use crate::render::printer::Level;
use redgreen_core::exit::ExitCode;
use redgreen_formats::audit::{AuditReport, html, machine, text};

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
    if let Some(folder) = &arguments.reports {
        let folder = context.folder.join(folder);
        for (name, bytes) in files(&report)? {
            redgreen_host::state::write_atomically(&folder.join(name), bytes.as_bytes())
                .map_err(Failure::internal)?;
        }
        context
            .printer
            .talk(format!("wrote   {}", folder.join("report.html").display()));
    }
    print(context, arguments, &report)?;
    Ok(ExitCode::ALL
        .into_iter()
        .find(|exit| exit.code() == report.exit)
        .unwrap_or(ExitCode::Internal))
}

/// Every report: file name and text.
fn files(report: &AuditReport) -> Result<Vec<(&'static str, String)>, Failure> {
    let pretty = |value: serde_json::Result<String>| value.map_err(Failure::internal);
    Ok(vec![
        ("report.md", text::markdown(report, usize::MAX)),
        ("report.html", html::page(report).render()),
        ("audit.json", pretty(serde_json::to_string_pretty(report))?),
        (
            "junit.xml",
            machine::junit(report).map_err(Failure::internal)?,
        ),
        (
            "audit.sarif",
            pretty(serde_json::to_string_pretty(&machine::sarif(
                report,
                env!("CARGO_PKG_VERSION"),
            )))?,
        ),
    ])
}

fn print(context: &Context, arguments: &AuditArgs, report: &AuditReport) -> Result<(), Failure> {
    let printer = context.printer;
    let form = arguments.output.unwrap_or(if printer.json {
        AuditFormat::Json
    } else {
        AuditFormat::Human
    });
    let verbose = printer.level >= Level::Verbose;
    match form {
        AuditFormat::Human => printer.data(render::audit::human(report, verbose)),
        AuditFormat::Json => {
            printer.data(serde_json::to_string(report).map_err(Failure::internal)?);
        }
        AuditFormat::Markdown => printer.data(text::markdown(report, usize::MAX).trim_end()),
        AuditFormat::Junit => {
            printer.data(
                machine::junit(report)
                    .map_err(Failure::internal)?
                    .trim_end(),
            );
        }
        AuditFormat::Sarif => {
            printer.data(machine::sarif(report, env!("CARGO_PKG_VERSION")).to_string());
        }
        AuditFormat::Github => {
            for line in machine::annotations(report) {
                printer.data(line);
            }
            printer.talk(render::audit::human(report, verbose));
            if let Some(place) = redgreen_host::env::path_variable("GITHUB_STEP_SUMMARY") {
                let summary = text::markdown(report, text::SUMMARY_LIMIT);
                redgreen_host::files::append(&place, &summary).map_err(Failure::internal)?;
            }
        }
    }
    Ok(())
}
