//! T01: a test without a body.

use super::{Rule, Subject};
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T01.
pub static RULE: Rule = Rule {
    number: "T01",
    name: "empty_test",
    title: "a test without a body",
    severity: Severity::Error,
    why: "It passes whatever the code does, and counts as a test in every report.",
    fix: "Write what must hold, or remove it until there is something to say.",
    when_wrong: "A method that a subclass fills, or a compile-time check: move it out of the collected names, or waive it in the plan.",
    check,
};

fn check(subject: &mut Subject<'_>) {
    for test in &subject.file.tests {
        if test.is_empty && !subject.has(test, |kind| matches!(kind, FactKind::Skip { .. })) {
            subject.test(test, Severity::Error, "the test has no body");
        }
    }
}
