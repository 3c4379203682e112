//! T15: an assertion stands under a condition.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::Asserts;

/// T15.
pub static RULE: Rule = Rule {
    number: "T15",
    name: "conditional_assertion",
    title: "an assertion stands under a condition",
    severity: Severity::Warning,
    why: "When the condition is false nothing is asserted, and the test passes.",
    fix: "Assert the condition, or write one test per case.",
    when_wrong: "Narrowing a type, a branch per platform or parameter.",
    examples: &[
        Example {
            language: Language::Python,
            bad: include_str!("../../../fixtures/conditional_assertion/bad.py"),
            good: include_str!("../../../fixtures/conditional_assertion/good.py"),
        },
        Example {
            language: Language::Rust,
            bad: include_str!("../../../fixtures/conditional_assertion/bad.rs"),
            good: include_str!("../../../fixtures/conditional_assertion/good.rs"),
        },
        Example {
            language: Language::TypeScript,
            bad: include_str!("../../../fixtures/conditional_assertion/bad.ts"),
            good: include_str!("../../../fixtures/conditional_assertion/good.ts"),
        },
    ],
    check,
};

fn check(subject: &mut Subject<'_>) {
    for test in &subject.file.tests {
        let all = !test.assertions.is_empty()
            && test
                .assertions
                .iter()
                .all(|assertion| assertion.context.conditional || assertion.context.in_handler)
            && test
                .helpers
                .iter()
                .all(|helper| helper.asserts != Asserts::Yes);
        for assertion in test
            .assertions
            .iter()
            .filter(|assertion| assertion.context.conditional)
        {
            let severity = if all {
                Severity::Warning
            } else {
                Severity::Info
            };
            subject.at(
                Some(test),
                assertion.span.clone(),
                severity,
                "only asserted under a condition",
            );
        }
    }
}
