//! T30: the result depends on chance or on the clock.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T30.
pub static RULE: Rule = Rule {
    number: "T30",
    name: "unrepeatable",
    title: "the result depends on chance or on the clock",
    severity: Severity::Warning,
    why: "It passes today and fails at midnight, or once in a thousand runs.",
    fix: "Seed the generator; hand the time in.",
    when_wrong: "Chance is the subject: fix the seed, assert a property.",
    examples: &[Example {
        language: Language::Python,
        bad: include_str!("../../../fixtures/unrepeatable/bad.py"),
        good: include_str!("../../../fixtures/unrepeatable/good.py"),
    }],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::Unrepeatable { on } = &fact.kind {
            subject.fact(at, fact, Severity::Warning, format!("depends on {on}"));
        }
    });
}
