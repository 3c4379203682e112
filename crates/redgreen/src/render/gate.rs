//! A gate's result in plain words.

use super::printer;
use redgreen_core::gate::{Control, Gate, GateResult, TestVerdict};
use redgreen_core::outcome::{Outcome, Role, Verdict};
use redgreen_core::reason::Reason;
use std::collections::BTreeMap;

/// At most this many reasons are printed in full; the rest is counted.
const REASONS_SHOWN: usize = 8;

/// The whole result, for a terminal.
#[must_use]
pub fn human(result: &GateResult) -> String {
    let mut text = format!(
        "{:<8}{}",
        label(result.gate()),
        printer::verdict(result.verdict())
    );
    let summary = summary(result);
    if !summary.is_empty() {
        text.push_str(
            &" ".repeat(
                10usize
                    .saturating_sub(result.verdict().as_str().len())
                    .max(1),
            ),
        );
        text.push_str(&summary);
    }
    text.push('\n');
    if result.verdict() == Verdict::Pass {
        for control in result.controls().iter().filter(|control| is_told(control)) {
            text.push_str(&format!("{:8}{}\n", "", control.result));
        }
    }
    for shown in result.reasons().iter().take(REASONS_SHOWN) {
        text.push_str(&reason("error", shown));
    }
    let more = result.reasons().len().saturating_sub(REASONS_SHOWN);
    if more > 0 {
        text.push_str(&format!("… and {more} more: --format json shows all\n"));
    }
    for note in result.notes().iter().take(REASONS_SHOWN) {
        text.push_str(&format!("note[{}]: {}\n", note.code.as_str(), note.message));
    }
    text
}

/// One reason: the fact, where, the next step, the difference.
#[must_use]
pub fn reason(word: &str, reason: &Reason) -> String {
    let mut text = format!(
        "{}: {}\n",
        printer::red(&format!("{word}[{}]", reason.code.as_str())),
        reason.message
    );
    if let Some(path) = &reason.path {
        text.push_str(&format!("  --> {path}"));
        if let Some(line) = reason.line {
            text.push_str(&format!(":{line}"));
        }
        text.push('\n');
    }
    if let Some(diff) = &reason.diff {
        for line in diff.lines().take(12) {
            text.push_str(&format!("   | {line}\n"));
        }
    }
    text.push_str(&format!("   = help: {}\n", reason.help));
    text
}

/// Whether a control is told beside a pass. That marked tests pass as they are only makes sense of what the changed ones
/// show; `--format json` has it.
#[must_use]
pub fn is_told(control: &Control) -> bool {
    control.kind != "as_is"
}

/// The gate's name as the story prints it.
#[must_use]
pub fn label(gate: Gate) -> &'static str {
    match gate {
        Gate::Red => "RED",
        Gate::Lock => "lock",
        Gate::Green => "GREEN",
        Gate::Full => "full",
        Gate::Validate => "validate",
    }
}

/// "3 of 3 fail: `slug` does not exist yet".
#[must_use]
pub fn summary(result: &GateResult) -> String {
    let tests = result.tests();
    let of = |role: Role| tests.iter().filter(move |test| test.role == role);
    let required: Vec<&TestVerdict> = of(Role::Required).chain(of(Role::Hidden)).collect();
    match result.gate() {
        Gate::Red => {
            let red = required
                .iter()
                .filter(|test| test.outcome != Outcome::Passed)
                .count();
            if required.is_empty() {
                return String::new();
            }
            let mut text = format!("{red} of {} fail", required.len());
            if let Some(why) = commonest_cause(&required) {
                text.push_str(&format!(": {why}"));
            }
            let guards = of(Role::Guard).count();
            if guards > 0 {
                text.push_str(&format!(
                    "; {guards} guard{} pass",
                    if guards == 1 { "" } else { "s" }
                ));
            }
            let blocked = of(Role::Collateral)
                .filter(|test| test.outcome == Outcome::Blocked)
                .count();
            if blocked > 0 {
                text.push_str(&format!("; {blocked} wait for the same code"));
            }
            text
        }
        Gate::Green => {
            let passed = tests
                .iter()
                .filter(|test| test.outcome == Outcome::Passed)
                .count();
            if tests.is_empty() {
                String::new()
            } else {
                format!("{passed} of {} pass, run in a clean copy", tests.len())
            }
        }
        Gate::Full => {
            let passed = tests
                .iter()
                .filter(|test| test.outcome == Outcome::Passed)
                .count();
            if tests.is_empty() {
                String::new()
            } else {
                format!("suite {passed}/{}", tests.len())
            }
        }
        Gate::Lock | Gate::Validate => String::new(),
    }
}

fn commonest_cause(tests: &[&TestVerdict]) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for cause in tests.iter().filter_map(|test| test.cause.as_ref()) {
        *counts.entry(cause.detail.as_str()).or_default() += 1;
    }
    counts
        .into_iter()
        .max_by_key(|(_, count)| *count)
        .map(|(detail, _)| detail.to_owned())
}
