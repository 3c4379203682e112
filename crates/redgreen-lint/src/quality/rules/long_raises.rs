//! T31: several statements in a block that expects an error.

use super::{Example, Rule, Subject};
use crate::quality::Language;
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
    examples: &[Example {
        language: Language::Python,
        bad: include_str!("../../../fixtures/long_raises/bad.py"),
        good: include_str!("../../../fixtures/long_raises/good.py"),
    }],
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
