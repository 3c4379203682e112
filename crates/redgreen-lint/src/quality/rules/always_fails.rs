//! T24: a test that fails whatever the code does.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T24.
pub static RULE: Rule = Rule {
    number: "T24",
    name: "always_fails",
    title: "a test that fails whatever the code does",
    severity: Severity::Error,
    why: "It is red before and after; for RED it looks like a test that waits for its code.",
    fix: "Write the assertion that the criterion asks for.",
    when_wrong: "`else: assert False` at the end of a branch is not found by this rule.",
    examples: &[
        Example {
            language: Language::Python,
            bad: include_str!("../../../fixtures/always_fails/bad.py"),
            good: include_str!("../../../fixtures/always_fails/good.py"),
        },
        Example {
            language: Language::Rust,
            bad: include_str!("../../../fixtures/always_fails/bad.rs"),
            good: include_str!("../../../fixtures/always_fails/good.rs"),
        },
        Example {
            language: Language::TypeScript,
            bad: include_str!("../../../fixtures/always_fails/bad.ts"),
            good: include_str!("../../../fixtures/always_fails/good.ts"),
        },
        Example {
            language: Language::Go,
            bad: include_str!("../../../fixtures/always_fails/bad.go"),
            good: include_str!("../../../fixtures/always_fails/good.go"),
        },
    ],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::AlwaysFails { first } = &fact.kind {
            let severity = if *first {
                Severity::Error
            } else {
                Severity::Info
            };
            subject.fact(at, fact, severity, "fails whatever the code does");
        }
    });
}
