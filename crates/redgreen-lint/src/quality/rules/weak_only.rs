//! T05: every assertion only asks whether something is there.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::{Asserts, Strength};

/// T05.
pub static RULE: Rule = Rule {
    number: "T05",
    name: "weak_only",
    title: "every assertion only asks whether something is there",
    severity: Severity::Error,
    why: "A bare `assert result`, `is not None` or `toBeDefined` passes for nearly every wrong value.",
    fix: "Assert the value, or what distinguishes it from a wrong one.",
    when_wrong: "The function returns a truth value, or presence is the whole promise: assert `is True`, or call the predicate inside the assertion.",
    examples: &[
        Example {
            language: Language::Python,
            bad: include_str!("../../../fixtures/weak_only/bad.py"),
            good: include_str!("../../../fixtures/weak_only/good.py"),
        },
        Example {
            language: Language::Rust,
            bad: include_str!("../../../fixtures/weak_only/bad.rs"),
            good: include_str!("../../../fixtures/weak_only/good.rs"),
        },
        Example {
            language: Language::TypeScript,
            bad: include_str!("../../../fixtures/weak_only/bad.ts"),
            good: include_str!("../../../fixtures/weak_only/good.ts"),
        },
        Example {
            language: Language::Go,
            bad: include_str!("../../../fixtures/weak_only/bad.go"),
            good: include_str!("../../../fixtures/weak_only/good.go"),
        },
    ],
    check,
};

fn check(subject: &mut Subject<'_>) {
    for test in &subject.file.tests {
        let all = |strength: &dyn Fn(Strength) -> bool| {
            !test.assertions.is_empty()
                && test
                    .helpers
                    .iter()
                    .all(|helper| !matches!(helper.asserts, Asserts::Yes | Asserts::Named))
                && test
                    .assertions
                    .iter()
                    .all(|assertion| strength(assertion.strength))
        };
        if all(&|strength| matches!(strength, Strength::Weak | Strength::Flag | Strength::Shape)) {
            let flags = test
                .assertions
                .iter()
                .any(|assertion| assertion.strength != Strength::Weak);
            let severity = match subject.language {
                _ if flags || test.must_not_raise => Severity::Warning,
                Language::Python | Language::JavaScript | Language::TypeScript => Severity::Error,
                Language::Rust | Language::Go => Severity::Warning,
            };
            subject.test(
                test,
                severity,
                "every assertion only asks whether something is there",
            );
        }
    }
}
