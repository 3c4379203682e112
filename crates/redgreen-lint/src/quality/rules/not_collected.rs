//! T21: it looks like a test and is not collected.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T21.
pub static RULE: Rule = Rule {
    number: "T21",
    name: "not_collected",
    title: "it looks like a test and is not collected",
    severity: Severity::Error,
    why: "It never runs, and everybody believes it does.",
    fix: "Name it as the runner asks, or take it out of the class or function that hides it.",
    when_wrong: "A helper with the name of a test: rename it.",
    examples: &[
        Example {
            language: Language::Python,
            bad: include_str!("../../../fixtures/not_collected/bad.py"),
            good: include_str!("../../../fixtures/not_collected/good.py"),
        },
        Example {
            language: Language::TypeScript,
            bad: include_str!("../../../fixtures/not_collected/bad.ts"),
            good: include_str!("../../../fixtures/not_collected/good.ts"),
        },
        Example {
            language: Language::Go,
            bad: include_str!("../../../fixtures/not_collected/bad.go"),
            good: include_str!("../../../fixtures/not_collected/good.go"),
        },
    ],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::NotCollected { why, sure } = &fact.kind {
            let severity = if *sure {
                Severity::Error
            } else {
                Severity::Warning
            };
            subject.fact(at, fact, severity, format!("never collected: {why}"));
        }
    });
}
