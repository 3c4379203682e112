//! T17: an assertion that nothing evaluates.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T17.
pub static RULE: Rule = Rule {
    number: "T17",
    name: "assertion_not_evaluated",
    title: "an assertion that nothing evaluates",
    severity: Severity::Error,
    why: "A comparison as a statement, `expect(x)` without a matcher, a missing `await` or a misspelt assertion of a mock do nothing.",
    fix: "Write `assert`, the matcher, or `await`.",
    when_wrong: "A comparison inside `pytest.raises` that is expected to raise is not found by this rule.",
    examples: &[
        Example {
            language: Language::Python,
            bad: include_str!("../../../fixtures/assertion_not_evaluated/bad.py"),
            good: include_str!("../../../fixtures/assertion_not_evaluated/good.py"),
        },
        Example {
            language: Language::Rust,
            bad: include_str!("../../../fixtures/assertion_not_evaluated/bad.rs"),
            good: include_str!("../../../fixtures/assertion_not_evaluated/good.rs"),
        },
        Example {
            language: Language::TypeScript,
            bad: include_str!("../../../fixtures/assertion_not_evaluated/bad.ts"),
            good: include_str!("../../../fixtures/assertion_not_evaluated/good.ts"),
        },
    ],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::NotEvaluated { missing } = &fact.kind {
            subject.fact(
                at,
                fact,
                Severity::Error,
                format!("nothing evaluates this: {missing}"),
            );
        }
    });
}
