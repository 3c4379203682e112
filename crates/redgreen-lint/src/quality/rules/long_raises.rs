//! T31: several statements in a block that expects an error.

use super::{Rule, Subject};
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T31.
pub static RULE: Rule = Rule {
    number: "T31",
    name: "long_raises",
    title: "several statements in a block that expects an error",
    severity: Severity::Warning,
    why: "Any of them may raise; the one that was meant may never run.",
    fix: "Keep the one call that must raise in the block.",
    when_wrong: "A context manager that is part of the call.",
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::LongRaises = &fact.kind {
            subject.fact(
                at,
                fact,
                Severity::Warning,
                "several statements may raise what is expected",
            );
        }
    });
}
