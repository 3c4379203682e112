//! T07: a test is skipped.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T07.
pub static RULE: Rule = Rule {
    number: "T07",
    name: "skipped_test",
    title: "a test is skipped",
    severity: Severity::Error,
    why: "A skipped test proves nothing and cannot become green.",
    fix: "Remove the skip, or give it a condition that is false where the tests run.",
    when_wrong: "A platform condition (`skipif`, `#[cfg]`): a note, no error.",
    examples: &[
        Example {
            language: Language::Python,
            bad: include_str!("../../../fixtures/skipped_test/bad.py"),
            good: include_str!("../../../fixtures/skipped_test/good.py"),
        },
        Example {
            language: Language::Rust,
            bad: include_str!("../../../fixtures/skipped_test/bad.rs"),
            good: include_str!("../../../fixtures/skipped_test/good.rs"),
        },
        Example {
            language: Language::TypeScript,
            bad: include_str!("../../../fixtures/skipped_test/bad.ts"),
            good: include_str!("../../../fixtures/skipped_test/good.ts"),
        },
        Example {
            language: Language::Go,
            bad: include_str!("../../../fixtures/skipped_test/bad.go"),
            good: include_str!("../../../fixtures/skipped_test/good.go"),
        },
    ],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::Skip {
            conditional,
            reason,
            in_body,
        } = &fact.kind
        {
            let severity = match (conditional, in_body) {
                (true, _) => Severity::Info,
                (false, true) => Severity::Warning,
                // `#[ignore = "why"]` is how Rust keeps slow tests beside the others.
                (false, false) if *reason && subject.language == Language::Rust => {
                    Severity::Warning
                }
                (false, false) => Severity::Error,
            };
            let message = match (conditional, reason) {
                (true, _) => "skipped under a condition",
                (false, true) => "skipped",
                (false, false) => "skipped without a reason",
            };
            subject.fact(at, fact, severity, message);
        }
    });
}
