//! T01: a test without a body.

use super::{Example, Rule, Subject};
use crate::quality::Language;
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
    examples: &[
        Example {
            language: Language::Python,
            bad: include_str!("../../../fixtures/empty_test/bad.py"),
            good: include_str!("../../../fixtures/empty_test/good.py"),
        },
        Example {
            language: Language::Rust,
            bad: include_str!("../../../fixtures/empty_test/bad.rs"),
            good: include_str!("../../../fixtures/empty_test/good.rs"),
        },
        Example {
            language: Language::TypeScript,
            bad: include_str!("../../../fixtures/empty_test/bad.ts"),
            good: include_str!("../../../fixtures/empty_test/good.ts"),
        },
        Example {
            language: Language::Go,
            bad: include_str!("../../../fixtures/empty_test/bad.go"),
            good: include_str!("../../../fixtures/empty_test/good.go"),
        },
    ],
    check,
};

fn check(subject: &mut Subject<'_>) {
    for test in &subject.file.tests {
        if test.is_empty && !subject.has(test, |kind| matches!(kind, FactKind::Skip { .. })) {
            subject.test(test, Severity::Error, "the test has no body");
        }
    }
}
