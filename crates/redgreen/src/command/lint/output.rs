//! Findings as text, JSON, SARIF and GitHub annotations.

use super::Judged;
use crate::render::printer::Printer;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use redgreen_lint::quality::rules::ALL;
use redgreen_lint::quality::{Finding, Severity};
use serde_json::json;
use std::collections::BTreeMap;

/// GitHub shows so many annotations of one step; the worst come first.
const ANNOTATIONS: usize = 10;

fn shown(file: &Judged, least: Severity) -> impl Iterator<Item = &Finding> {
    file.findings
        .iter()
        .filter(move |finding| finding.severity >= least)
}

/// A line and a column in characters, from 1, of a byte offset.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    (
        before.matches('\n').count() + 1,
        before[start..].chars().count() + 1,
    )
}

pub(super) fn human(printer: Printer, files: &[Judged], least: Severity) {
    let renderer = if colour() {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut counts = BTreeMap::new();
    for file in files {
        for finding in shown(file, least) {
            let is_new = file.is_new(finding);
            *counts.entry((finding.severity, is_new)).or_insert(0usize) += 1;
            let level = match finding.severity {
                Severity::Error => Level::ERROR,
                Severity::Warning => Level::WARNING,
                Severity::Info => Level::INFO,
            };
            // One line of the source is enough to find it.
            let start = finding.span.start.min(file.text.len());
            let line_end = file.text[start..]
                .find('\n')
                .map_or(file.text.len(), |end| start + end);
            let end = finding.span.end.clamp(start, line_end);
            let line_start = file.text[..start].rfind('\n').map_or(0, |end| end + 1);
            let snippet = Snippet::source(&file.text[line_start..line_end])
                .line_start(place(&file.text, start).0)
                .path(&file.path)
                .annotation(
                    AnnotationKind::Primary
                        .span(start - line_start..end - line_start)
                        .label(finding.test.as_deref().unwrap_or("")),
                );
            let group = level
                .primary_title(&finding.message)
                .id(finding.rule.name)
                .element(snippet)
                .element(Level::NOTE.message(finding.rule.why))
                .element(Level::HELP.message(finding.rule.fix));
            printer.data(format!("{}\n", renderer.render(&[group])));
        }
    }
    let count = |severity, new| counts.get(&(severity, new)).copied().unwrap_or(0);
    let tests: usize = files.iter().map(|file| file.tests).sum();
    printer.data(format!(
        "{} files, {tests} tests: {} errors and {} warnings in new or changed tests, {} and {} in the others",
        files.len(),
        count(Severity::Error, true),
        count(Severity::Warning, true),
        count(Severity::Error, false),
        count(Severity::Warning, false),
    ));
}

fn colour() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}

fn document(file: &Judged, finding: &Finding) -> serde_json::Value {
    let (line, column) = place(&file.text, finding.span.start);
    let (end_line, _) = place(
        &file.text,
        finding.span.end.saturating_sub(1).max(finding.span.start),
    );
    json!({
        "rule": finding.rule.name, "number": finding.rule.number, "severity": finding.severity.as_str(),
        "path": file.path, "line": line, "column": column, "end_line": end_line, "test": finding.test,
        "message": finding.message, "help": finding.rule.fix, "new": file.is_new(finding),
    })
}

pub(super) fn json(printer: Printer, files: &[Judged], least: Severity) {
    let findings: Vec<_> = files
        .iter()
        .flat_map(|file| shown(file, least).map(move |finding| document(file, finding)))
        .collect();
    let tests: usize = files.iter().map(|file| file.tests).sum();
    printer.data(json!({"schema": "redgreen.lint/1", "findings": findings, "files": files.len(), "tests": tests}).to_string());
}

/// SARIF 2.1.0 (OASIS), the part that code scanning reads.
pub(super) fn sarif(printer: Printer, files: &[Judged], least: Severity) {
    let rules: Vec<_> = ALL
        .iter()
        .map(|rule| {
            json!({
                "id": rule.name, "shortDescription": {"text": rule.title}, "fullDescription": {"text": rule.why},
                "help": {"text": rule.fix},
            })
        })
        .collect();
    let results: Vec<_> = files
        .iter()
        .flat_map(|file| {
            shown(file, least).map(move |finding| {
                let (line, column) = place(&file.text, finding.span.start);
                let level = match finding.severity {
                    Severity::Error => "error",
                    Severity::Warning => "warning",
                    Severity::Info => "note",
                };
                json!({
                    "ruleId": finding.rule.name, "level": level, "message": {"text": finding.message},
                    "locations": [{"physicalLocation": {
                        "artifactLocation": {"uri": file.path},
                        "region": {"startLine": line, "startColumn": column},
                    }}],
                })
            })
        })
        .collect();
    printer.data(
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
            "runs": [{
                "tool": {"driver": {"name": "redgreen", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
                "results": results,
            }],
        })
        .to_string(),
    );
}

/// Workflow commands of GitHub Actions: the ten worst; the rest is counted.
pub(super) fn github(printer: Printer, files: &[Judged], least: Severity) {
    let mut all: Vec<(&Judged, &Finding)> = files
        .iter()
        .flat_map(|file| shown(file, least).map(move |finding| (file, finding)))
        .collect();
    all.sort_by_key(|(file, finding)| std::cmp::Reverse((file.is_new(finding), finding.severity)));
    for (file, finding) in all.iter().take(ANNOTATIONS) {
        let (line, column) = place(&file.text, finding.span.start);
        let level = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "notice",
        };
        printer.data(format!(
            "::{level} file={},line={line},col={column},title={}::{}",
            escaped(&file.path, true),
            finding.rule.name,
            escaped(&format!("{}. {}", finding.message, finding.rule.fix), false)
        ));
    }
    if all.len() > ANNOTATIONS {
        printer.talk(format!(
            "and {} more; `redgreen lint` shows all",
            all.len() - ANNOTATIONS
        ));
    }
}

/// Escapes as GitHub's own toolkit does: data, and in properties `:` and `,`, too.
fn escaped(text: &str, property: bool) -> String {
    let text = text
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A");
    if property {
        text.replace(':', "%3A").replace(',', "%2C")
    } else {
        text
    }
}

/// How often each rule fires here.
pub(super) fn calibration(printer: Printer, files: &[Judged]) {
    let tests: usize = files.iter().map(|file| file.tests).sum();
    let mut rates: BTreeMap<&str, (Severity, usize)> = BTreeMap::new();
    for file in files {
        let mut seen = std::collections::BTreeSet::new();
        for finding in &file.findings {
            if seen.insert((finding.rule.name, &finding.test)) {
                let entry = rates
                    .entry(finding.rule.name)
                    .or_insert((finding.severity, 0));
                entry.0 = entry.0.max(finding.severity);
                entry.1 += 1;
            }
        }
    }
    printer.result(
        || {
            let mut text = format!("{tests} tests in {} files\n", files.len());
            for (rule, (severity, count)) in &rates {
                text.push_str(&format!("{rule:<24} {:<8} {count:>6}  {:>6.2} %\n", severity.as_str(), percent(*count, tests)));
            }
            text.push_str("a rule that fires on more than 2 % of accepted tests says little here\n");
            text
        },
        || json!({"schema": "redgreen.lint-rates/1", "tests": tests, "files": files.len(), "rules": rates.iter().map(|(rule, (severity, count))| json!({"rule": rule, "severity": severity.as_str(), "tests": count})).collect::<Vec<_>>()}),
    );
}

fn percent(part: usize, whole: usize) -> f64 {
    let number = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    100.0 * number(part) / number(whole.max(1))
}
