//! Weak tests among those that a task adds or changes: they are not worth locking (SPEC D3, D6).
//!
//! The configuration is that of the base: the author of the tests cannot write it. Tests that were there before are never
//! judged here.

use super::context::Context;
use super::proposal::{Proposal, text_of};
use crate::config::file::LintGate;
use crate::config::quality::Quality;
use crate::config::{Config, PLACES};
use crate::error::Failure;
use redgreen_core::id::RelPath;
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::test_item::{ItemChanges, TestItem};
use redgreen_host::tree::Snapshot;
use redgreen_lint::quality::{Finding, Language, Severity, lint};
use std::collections::BTreeSet;

/// So many warnings are said; the rest is counted.
const SAID: usize = 5;

/// Errors on the tests that a proposal adds or changes, as reasons; warnings are said and stop nothing.
///
/// # Errors
/// A file of the base or the proposal that cannot be read, or a configuration that does not load.
pub fn weak_tests(
    context: &Context,
    base: &Snapshot,
    proposal: &Proposal,
) -> Result<Vec<Reason>, Failure> {
    let quality = quality_of(context, base)?;
    if quality.gate() == LintGate::Off {
        return Ok(Vec::new());
    }
    let changes = ItemChanges::between(&proposal.base_items.all(), &proposal.items.all());
    let today: String = redgreen_host::clock::now_rfc3339()
        .chars()
        .take(10)
        .collect();
    let (mut reasons, mut warnings) = (Vec::new(), Vec::new());
    for (path, _) in &proposal.changed {
        let Some(language) = Language::of(path) else {
            continue;
        };
        let Some(text) = text_of(&proposal.tree, &context.repository, path)? else {
            continue;
        };
        let options = quality.options(path);
        // What cannot be read is said by others.
        let Ok(findings) = lint(language, &text, &options) else {
            continue;
        };
        let before = match text_of(base, &context.repository, path)? {
            Some(old) => known_before(&lint(language, &old, &options).unwrap_or_default()),
            None => BTreeSet::new(),
        };
        let touched: Vec<&TestItem> = proposal
            .items
            .by_file
            .get(path)
            .into_iter()
            .flatten()
            .filter(|item| changes.added.contains(&item.id) || changes.changed.contains(&item.id))
            .collect();
        for finding in findings {
            let line = line_of(&text, finding.span.start);
            let item = touched
                .iter()
                .find(|item| (item.line..=item.end_line).contains(&line));
            let is_new = match &finding.test {
                Some(_) => item.is_some(),
                None => !before.contains(&identity(&finding)),
            };
            if !is_new || quality.waiver(path, &finding, &today).is_some() {
                continue;
            }
            let reason = reason(path, line, &finding, item.copied());
            let blocks = finding.severity == Severity::Error
                || finding.severity == Severity::Warning && quality.gate() == LintGate::Warning;
            if blocks {
                reasons.push(reason);
            } else if finding.severity == Severity::Warning {
                warnings.push(reason);
            }
        }
    }
    for warning in warnings.iter().take(SAID) {
        context.printer.talk(format!(
            "{:<8}weak test, not held against it: {}:{} {}",
            "lint",
            warning.path.as_ref().map_or("", RelPath::as_str),
            warning.line.unwrap_or(0),
            warning.message
        ));
    }
    if warnings.len() > SAID {
        context.printer.talk(format!(
            "{:<8}and {} more: redgreen lint",
            "lint",
            warnings.len() - SAID
        ));
    }
    Ok(reasons)
}

/// `[lint]` and `[mocks]` of the base.
fn quality_of(context: &Context, base: &Snapshot) -> Result<Quality, Failure> {
    let mut parsed = crate::config::file::File::default();
    for place in PLACES {
        let path = RelPath::new(place).map_err(Failure::internal)?;
        if let Some(text) = text_of(base, &context.repository, &path)? {
            parsed = Config::parse_file(place, &text)?;
            break;
        }
    }
    Quality::of(parsed, base.files().keys())
}

fn reason(path: &RelPath, line: u32, finding: &Finding, item: Option<&TestItem>) -> Reason {
    let reason = Reason::new(
        ReasonCode::WeakTest,
        format!("{} ({})", finding.message, finding.rule.name),
        format!(
            "{} More: redgreen explain {}. If it is meant: [[lint.waivers]] in redgreen.toml, with a reason",
            finding.rule.fix, finding.rule.name
        ),
    )
    .at(path.clone())
    .line(line);
    match item {
        Some(item) => reason.test(&item.id),
        None => reason,
    }
}

/// What makes a finding about a file the same one as before: its rule and what it says.
fn identity(finding: &Finding) -> (&'static str, String) {
    (finding.rule.name, finding.message.clone())
}

fn known_before(findings: &[Finding]) -> BTreeSet<(&'static str, String)> {
    findings
        .iter()
        .filter(|finding| finding.test.is_none())
        .map(identity)
        .collect()
}

fn line_of(text: &str, at: usize) -> u32 {
    let lines = text.get(..at).unwrap_or(text).matches('\n').count() + 1;
    u32::try_from(lines).unwrap_or(u32::MAX)
}
