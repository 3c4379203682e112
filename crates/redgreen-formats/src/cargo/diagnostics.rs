//! rustc diagnostics to causes (`reference/test-results.md`, section 3.3; error codes:
//! <https://doc.rust-lang.org/error_codes/error-index.html>).
//!
//! The asymmetry of section 0 is followed: a doubtful *missing symbol* is accepted with a recorded detail, because GREEN
//! cannot be reached when it was wrong; everything else that is doubtful is unclear.

mod reader;
mod words;

pub use words::is_standard_type;

use crate::cargo::source_scan::Import;
use cargo_metadata::diagnostic::{Diagnostic, DiagnosticLevel, DiagnosticSpan};
use redgreen_core::outcome::Cause;
use redgreen_core::run_report::CauseDetail;
use std::collections::BTreeSet;

/// What a place is, as the host knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// First-party source.
    Source,
    /// A test file, or a region that only tests compile.
    Test,
    /// Neither: the standard library, a registry, generated code.
    Elsewhere,
}

/// What is known about the target that did not compile.
pub struct TargetFacts<'a> {
    /// Crate names of the workspace (with `_`).
    pub crates: &'a BTreeSet<String>,
    /// Crate names of third-party dependencies of the workspace (with `_`).
    pub dependencies: &'a BTreeSet<String>,
    /// Whether `crate::`, `super::` and `self::` name first-party source: unit tests of a library or binary.
    pub own_crate_is_source: bool,
    /// The imports of a file (by the name in the diagnostic).
    pub imports: &'a dyn Fn(&str) -> Vec<Import>,
    /// The first-party source file that declares a public item of that name, where one does.
    pub declared_in: &'a dyn Fn(&str) -> Option<String>,
    /// What a line of a file (both as in the diagnostic) is.
    pub place: &'a dyn Fn(&str, usize) -> Place,
}

/// One error with its cause and the place that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classified {
    /// The cause.
    pub cause: CauseDetail,
    /// The error code, such as `E0432`.
    pub code: Option<String>,
    /// The file as rustc names it; `None` for an error without a place.
    pub file: Option<String>,
    /// From 1; 0 for an error without a place.
    pub line: usize,
    /// What the place is.
    pub place: Place,
    /// rustc's own text.
    pub message: String,
}

/// Classifies the errors of one target. Warnings and summary lines are dropped, and so are "type annotations needed"
/// followers when an accepted error stands in the same target.
#[must_use]
pub fn classify_target(diagnostics: &[&Diagnostic], facts: &TargetFacts<'_>) -> Vec<Classified> {
    let mut out: Vec<Classified> = Vec::new();
    for diagnostic in diagnostics {
        if let Some(found) = classify(diagnostic, facts)
            && !out.contains(&found)
        {
            out.push(found);
        }
    }
    let accepted = out
        .iter()
        .any(|found| matches!(found.cause.cause, Cause::MissingSymbol | Cause::Signature));
    if accepted {
        out.retain(|found| !matches!(found.code.as_deref(), Some("E0282" | "E0283")));
    }
    out
}

/// Classifies one diagnostic; `None` for warnings, notes and summary lines.
#[must_use]
pub fn classify(diagnostic: &Diagnostic, facts: &TargetFacts<'_>) -> Option<Classified> {
    match diagnostic.level {
        DiagnosticLevel::Error | DiagnosticLevel::Ice => {}
        DiagnosticLevel::Warning
        | DiagnosticLevel::FailureNote
        | DiagnosticLevel::Note
        | DiagnosticLevel::Help => return None,
        // The enum is not exhaustive; an unknown level is not proof of an error, and the exit code still decides.
        _ => return None,
    }
    if diagnostic.spans.is_empty() && diagnostic.message.starts_with("aborting due") {
        return None;
    }
    let primary = diagnostic
        .spans
        .iter()
        .find(|span| span.is_primary)
        .or_else(|| diagnostic.spans.first());
    let site = primary.map(call_site);
    let place = site.map_or(Place::Elsewhere, |span| {
        (facts.place)(&span.file_name, span.line_start)
    });
    let code = diagnostic.code.as_ref().map(|code| code.code.clone());
    let reader = reader::Reader {
        diagnostic,
        primary,
        facts,
    };
    let cause = if place == Place::Source {
        because(
            Cause::BrokenBase,
            format!("the source does not compile: {}", diagnostic.message),
            None,
        )
    } else {
        reader.cause(code.as_deref())
    };
    Some(Classified {
        cause,
        code,
        file: site.map(|span| span.file_name.clone()),
        line: site.map_or(0, |span| span.line_start),
        place,
        message: diagnostic
            .rendered
            .clone()
            .unwrap_or_else(|| diagnostic.message.clone()),
    })
}

/// The place a person wrote: out of the expansion of macros.
fn call_site(span: &DiagnosticSpan) -> &DiagnosticSpan {
    let mut span = span;
    while let Some(expansion) = &span.expansion {
        span = &expansion.span;
    }
    span
}

fn because(cause: Cause, detail: impl Into<String>, symbol: Option<&str>) -> CauseDetail {
    CauseDetail {
        cause,
        detail: detail.into(),
        symbol: symbol.map(str::to_owned),
    }
}
