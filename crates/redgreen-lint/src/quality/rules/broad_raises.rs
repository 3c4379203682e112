//! T14: any error at all is accepted.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T14.
pub static RULE: Rule = Rule {
    number: "T14",
    name: "broad_raises",
    title: "any error at all is accepted",
    severity: Severity::Error,
    why: "`pytest.raises(Exception)` is content with a typing error in the test itself.",
    fix: "Name the exception, and what it says (`match=`).",
    when_wrong: "The code really raises the most general type: add `match=`.",
    examples: &[
        Example {
            language: Language::Python,
            bad: include_str!("../../../fixtures/broad_raises/bad.py"),
            good: include_str!("../../../fixtures/broad_raises/good.py"),
        },
        Example {
            language: Language::Rust,
            bad: include_str!("../../../fixtures/broad_raises/bad.rs"),
            good: include_str!("../../../fixtures/broad_raises/good.rs"),
        },
        Example {
            language: Language::TypeScript,
            bad: include_str!("../../../fixtures/broad_raises/bad.ts"),
            good: include_str!("../../../fixtures/broad_raises/good.ts"),
        },
    ],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::BroadRaises { expected } = &fact.kind {
            let severity = if subject.language == Language::Python {
                Severity::Error
            } else {
                Severity::Warning
            };
            subject.fact(
                at,
                fact,
                severity,
                format!("`{expected}` is content with any error"),
            );
        }
    });
}
