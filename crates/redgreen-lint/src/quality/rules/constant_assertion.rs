//! T03: an assertion on a constant.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::{FactKind, Strength};

/// T03.
pub static RULE: Rule = Rule {
    number: "T03",
    name: "constant_assertion",
    title: "an assertion on a constant",
    severity: Severity::Error,
    why: "`assert True`, `assert (x, \"message\")` or `expect(true).toBe(true)` pass whatever the code does.",
    fix: "Assert the value that the code returned.",
    when_wrong: "A compile-time guard such as `assert!(cfg!(unix))`: use a `cfg` attribute.",
    examples: &[
        Example {
            language: Language::Python,
            bad: include_str!("../../../fixtures/constant_assertion/bad.py"),
            good: include_str!("../../../fixtures/constant_assertion/good.py"),
        },
        Example {
            language: Language::Rust,
            bad: include_str!("../../../fixtures/constant_assertion/bad.rs"),
            good: include_str!("../../../fixtures/constant_assertion/good.rs"),
        },
        Example {
            language: Language::TypeScript,
            bad: include_str!("../../../fixtures/constant_assertion/bad.ts"),
            good: include_str!("../../../fixtures/constant_assertion/good.ts"),
        },
        Example {
            language: Language::Go,
            bad: include_str!("../../../fixtures/constant_assertion/bad.go"),
            good: include_str!("../../../fixtures/constant_assertion/good.go"),
        },
    ],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::ConstantTrue { in_callback } = &fact.kind {
            let among_others = at.is_some_and(|test| {
                test.assertions
                    .iter()
                    .any(|assertion| assertion.strength != Strength::None)
            });
            let severity = match (*in_callback, among_others) {
                (false, _) => Severity::Error,
                (true, false) => Severity::Warning,
                (true, true) => Severity::Info,
            };
            subject.fact(
                at,
                fact,
                severity,
                "the assertion is on a constant and cannot fail",
            );
        }
    });
}
