//! `redgreen __reference DOCUMENT`: documents that are generated from the code that they describe.
//!
//! They are committed in `docs/reference/` and `schemas/`; `scripts/reference` writes them, a test compares them.

mod arguments;
mod configuration;
mod lint_rules;
mod schemas;
mod tables;

use super::Ending;
use crate::cli::ReferenceArgs;
use crate::error::Failure;
use crate::render::printer::Printer;
use redgreen_core::exit::ExitCode;

/// A generated document.
#[derive(Debug, Clone, Copy)]
pub struct Document {
    /// The name on the command line.
    pub name: &'static str,
    /// The file it is committed as, from the top level of redgreen's own repository.
    pub file: &'static str,
    text: fn() -> String,
}

impl Document {
    /// The document as it should be committed.
    #[must_use]
    pub fn text(&self) -> String {
        (self.text)()
    }
}

/// Every generated document.
pub const DOCUMENTS: [Document; 15] = [
    document("cli", "docs/reference/cli.md", arguments::cli),
    document(
        "exit-codes",
        "docs/reference/exit-codes.md",
        tables::exit_codes,
    ),
    document("reasons", "docs/reference/reasons.md", tables::reasons),
    document("causes", "docs/reference/causes.md", tables::causes),
    document(
        "configuration",
        "docs/reference/configuration.md",
        configuration::page,
    ),
    document(
        "lint-rules",
        "docs/reference/lint-rules.md",
        lint_rules::page,
    ),
    document("plan", "docs/reference/plan.md", tables::plan),
    document("gate-schema", "schemas/gate.json", || {
        written(&schemas::gate())
    }),
    document("plan-schema", "schemas/plan.json", || {
        written(&schemas::plan())
    }),
    document("config-schema", "schemas/config.json", || {
        written(&configuration::schema())
    }),
    document("lock-schema", "schemas/lock.json", || {
        written(&schemas::lock())
    }),
    document("evidence", "schemas/evidence.json", || {
        written(&schemas::evidence())
    }),
    document("evidence-verify", "schemas/evidence-verify.json", || {
        written(&schemas::evidence_verify())
    }),
    document("audit-schema", "schemas/audit.json", || {
        written(&schemas::audit())
    }),
    document("journal", "schemas/journal.json", || {
        written(&schemas::journal())
    }),
];

const fn document(name: &'static str, file: &'static str, text: fn() -> String) -> Document {
    Document { name, file, text }
}

/// A JSON document as it is committed: indented, with a line end.
fn written(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

/// The first line of every generated page.
fn heading(title: &str) -> String {
    format!("# {title}\n\n<!-- Generated from the code by scripts/reference. Do not edit. -->\n\n")
}

/// Text inside a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}

/// Prints a document; `list` prints the name and file of each.
///
/// # Errors
/// A usage failure for an unknown name.
pub fn run(printer: Printer, arguments: &ReferenceArgs) -> Ending {
    if arguments.document == "list" {
        for document in DOCUMENTS {
            printer.data(format!("{} {}", document.name, document.file));
        }
        return Ok(ExitCode::Pass);
    }
    let found = DOCUMENTS
        .iter()
        .find(|document| document.name == arguments.document);
    let Some(document) = found else {
        let names = DOCUMENTS.map(|document| document.name).join(", ");
        return Err(Failure::usage(
            format!("there is no document `{}`", arguments.document),
            format!("one of: list, {names}"),
        ));
    };
    printer.data(document.text().trim_end_matches('\n'));
    Ok(ExitCode::Pass)
}
