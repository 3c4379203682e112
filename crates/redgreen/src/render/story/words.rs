//! The words of the story: numbers, names and differences of a gate's summary.

use redgreen_core::dispute::DisputeEvidence;
use redgreen_core::machine::{GateSummary, LockRef, TestLine};
use redgreen_core::outcome::{Outcome, Role, Verdict};
use redgreen_core::plan::Task;
use redgreen_core::reason::{Reason, ReasonCode};
use std::collections::BTreeMap;

/// At most this many tests of a criterion are named.
const NAMES: usize = 4;
/// A fact longer than this is cut: the whole of it stands in the report.
const FACT_CHARACTERS: usize = 110;

/// The first seven digits of a commit.
pub fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

/// `path::name` without its path.
pub fn item(test: &str) -> &str {
    test.split_once("::").map_or(test, |(_, name)| name)
}

/// A verdict as a word.
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::CouldNotRun => "could not run",
        Verdict::Pass
        | Verdict::Fail
        | Verdict::Rejected
        | Verdict::Inconclusive
        | Verdict::Flaky => verdict.as_str(),
    }
}

fn required(summary: &GateSummary) -> Vec<&TestLine> {
    summary
        .parts()
        .tests
        .iter()
        .filter(|test| matches!(test.role, Role::Required | Role::Hidden))
        .collect()
}

fn passed(tests: &[&TestLine]) -> usize {
    tests
        .iter()
        .filter(|test| test.outcome == Outcome::Passed)
        .count()
}

/// "3 of 3 fail: `slug` does not exist yet".
pub fn red(summary: &GateSummary) -> String {
    let required = required(summary);
    let mut text = format!(
        "{} of {} fail",
        required.len() - passed(&required),
        required.len()
    );
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for test in &required {
        if test.outcome != Outcome::Passed && !test.detail.is_empty() {
            *counts.entry(&test.detail).or_default() += 1;
        }
    }
    if let Some((why, _)) = counts.iter().max_by_key(|(_, count)| **count) {
        text.push_str(&format!(": {}", fact(why)));
    }
    let guards = summary.count(Role::Guard, Outcome::Passed);
    if guards > 0 {
        text.push_str(&format!(
            "; {guards} guard{} pass",
            if guards == 1 { "" } else { "s" }
        ));
    }
    let blocked = summary.count(Role::Collateral, Outcome::Blocked);
    if blocked > 0 {
        text.push_str(&format!("; {blocked} wait for the same code"));
    }
    text
}

/// The compiler's explanation after "does not exist yet" says nothing more to a reader.
fn fact(detail: &str) -> String {
    const MISSING: &str = "does not exist yet";
    let plain = detail
        .find(MISSING)
        .map_or(detail, |at| &detail[..at + MISSING.len()]);
    cut(plain)
}

fn cut(text: &str) -> String {
    if text.chars().count() <= FACT_CHARACTERS {
        return text.to_owned();
    }
    let head: String = text.chars().take(FACT_CHARACTERS).collect();
    format!("{}…", head.trim_end())
}

/// "3 of 3, run in a clean copy".
pub fn green(summary: &GateSummary) -> String {
    let tests: Vec<&TestLine> = summary.parts().tests.iter().collect();
    format!("{} of {}, run in a clean copy", passed(&tests), tests.len())
}

/// "suite 13/13".
pub fn full(summary: &GateSummary) -> String {
    let tests: Vec<&TestLine> = summary.parts().tests.iter().collect();
    if tests.is_empty() {
        return "no suite".to_owned();
    }
    format!("suite {}/{}", passed(&tests), tests.len())
}

/// Which tests serve which criterion.
pub struct Criteria {
    /// With the names of the tests.
    pub long: String,
    /// The criteria only.
    pub short: String,
}

/// From the author's claim, as it was locked; a single criterion needs no claim.
pub fn criteria(task: Option<&Task>, lock: &LockRef, red: Option<&GateSummary>) -> Criteria {
    let mut served: Vec<(String, Vec<&str>)> = lock
        .criteria
        .iter()
        .map(|(criterion, tests)| {
            let names = tests.iter().map(|test| {
                if test.hidden {
                    "a hidden one"
                } else {
                    item(&test.test)
                }
            });
            (criterion.to_string(), names.collect())
        })
        .collect();
    if served.is_empty()
        && let Some([only]) = task.map(|task| task.criteria.as_slice())
        && let Some(red) = red
    {
        let names = required(red)
            .into_iter()
            .map(|test| item(&test.item))
            .collect();
        served.push((only.id.to_string(), names));
    }
    let long: Vec<String> = served
        .iter()
        .map(|(criterion, names)| {
            let mut text = names
                .iter()
                .take(NAMES)
                .copied()
                .collect::<Vec<_>>()
                .join(", ");
            if names.len() > NAMES {
                text.push_str(&format!(" and {} more", names.len() - NAMES));
            }
            format!("{criterion} {text}")
        })
        .collect();
    let short: Vec<&str> = served
        .iter()
        .map(|(criterion, _)| criterion.as_str())
        .collect();
    Criteria {
        long: long.join("; "),
        short: short.join(", "),
    }
}

fn is_change(code: ReasonCode) -> bool {
    matches!(
        code,
        ReasonCode::LockModified
            | ReasonCode::LockDeleted
            | ReasonCode::LockAdded
            | ReasonCode::LockedTestEdited
            | ReasonCode::ForbiddenFile
    )
}

/// The reasons of the verdict itself: beside a rejected change, the failure it was to hide is a consequence.
pub fn main_reasons(summary: &GateSummary) -> Vec<&Reason> {
    let reasons = &summary.parts().reasons;
    if summary.verdict() != Verdict::Rejected {
        return reasons.iter().collect();
    }
    let consequence = |reason: &&Reason| {
        !matches!(
            reason.code,
            ReasonCode::TestFailed
                | ReasonCode::TestMissing
                | ReasonCode::TestSkipped
                | ReasonCode::OutOfScope
        )
    };
    let main: Vec<&Reason> = reasons.iter().filter(consequence).collect();
    if main.is_empty() {
        reasons.iter().collect()
    } else {
        main
    }
}

/// A reason in one line: the fact with its line, and for a failed comparison both sides.
pub fn reason(reason: &Reason, tests: &[TestLine]) -> String {
    let test = reason
        .test
        .as_ref()
        .and_then(|id| tests.iter().find(|test| test.id == *id));
    if reason.code == ReasonCode::TestFailed
        && let Some(test) = test
        && let Some((left, right)) = sides(&test.message)
    {
        return cut(&format!("{}: {left} == {right}", item(&test.id)));
    }
    let mut text = cut(&reason.message);
    if let (ReasonCode::LockedTestEdited, Some(line)) = (reason.code, reason.line) {
        text.push_str(&format!(", line {line}"));
    }
    text
}

/// Both sides of a failed `assert_eq!`, as Rust prints them.
fn sides(message: &str) -> Option<(&str, &str)> {
    let side = |name: &str| {
        message
            .lines()
            .find_map(|line| line.trim_start().strip_prefix(name))
            .map(str::trim)
    };
    Some((side("left:")?, side("right:")?))
}

/// The lines of a difference without their indentation.
pub fn difference(text: &str, most: usize) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut out: Vec<String> = lines
        .iter()
        .take(most)
        .map(|line| {
            let (sign, rest) = line.split_at_checked(1).unwrap_or((line, ""));
            cut(&format!("{sign} {}", rest.trim()))
        })
        .collect();
    if lines.len() > most {
        out.push(format!("… {} more lines", lines.len() - most));
    }
    out
}

/// What was run in place of a rejected change.
pub fn not_used(summary: &GateSummary) -> Option<String> {
    let parts = summary.parts();
    let edited = parts
        .reasons
        .iter()
        .any(|reason| reason.code == ReasonCode::LockedTestEdited);
    let changed = parts.reasons.iter().any(|reason| is_change(reason.code));
    if parts.verdict != Verdict::Rejected || !changed || parts.tests.is_empty() {
        return None;
    }
    let tests: Vec<&TestLine> = parts.tests.iter().collect();
    let failed = tests.len() - passed(&tests);
    let what = if edited {
        "the tests ran as they were locked"
    } else {
        "the locked tests ran without it"
    };
    Some(format!(
        "Not used: {what}; {failed} of {} failed.",
        tests.len()
    ))
}

/// What the referee found, in one line.
pub fn evidence(evidence: &DisputeEvidence) -> String {
    match evidence {
        DisputeEvidence::ContradictingExpectations { first, second } => {
            let (first, second) = (claim(first), claim(second));
            match (first.split_once(" == "), second.split_once(" == ")) {
                (Some((call, one)), Some((same, other))) if call == same => {
                    cut(&format!("`{call}` cannot be {one} and {other}"))
                }
                _ => cut(&format!("`{first}` and `{second}` cannot both hold")),
            }
        }
        DisputeEvidence::RaisedByTestCode { .. }
        | DisputeEvidence::OutcomeVaries { .. }
        | DisputeEvidence::UnannouncedSymbol { .. }
        | DisputeEvidence::FewFailures { .. } => cut(&evidence.describe()),
    }
}

/// `tests/a.rs:6 f("x") == 1` without its place.
fn claim(text: &str) -> &str {
    text.split_once(' ').map_or(text, |(_, claim)| claim)
}
