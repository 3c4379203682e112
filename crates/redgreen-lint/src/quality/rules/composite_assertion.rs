//! T29: several conditions in one assertion.

use super::{Rule, Subject};
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T29.
pub static RULE: Rule = Rule {
    number: "T29",
    name: "composite_assertion",
    title: "several conditions in one assertion",
    severity: Severity::Info,
    why: "When it fails nobody knows which one.",
    fix: "One assertion per condition.",
    when_wrong: "A range check: `0 <= n < 10`.",
    examples: &[],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::Composite = &fact.kind {
            subject.fact(
                at,
                fact,
                Severity::Info,
                "several conditions in one assertion",
            );
        }
    });
}
