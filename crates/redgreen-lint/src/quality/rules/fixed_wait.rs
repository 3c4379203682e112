//! T10: a test waits for a fixed time.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T10.
pub static RULE: Rule = Rule {
    number: "T10",
    name: "fixed_wait",
    title: "a test waits for a fixed time",
    severity: Severity::Warning,
    why: "Too short on a busy machine, too long on any other; the test fails by chance.",
    fix: "Wait for the condition, with a limit.",
    when_wrong: "Tests of timers and clocks: use the clock that the code takes as a parameter.",
    examples: &[
        Example {
            language: Language::Python,
            bad: include_str!("../../../fixtures/fixed_wait/bad.py"),
            good: include_str!("../../../fixtures/fixed_wait/good.py"),
        },
        Example {
            language: Language::Rust,
            bad: include_str!("../../../fixtures/fixed_wait/bad.rs"),
            good: include_str!("../../../fixtures/fixed_wait/good.rs"),
        },
        Example {
            language: Language::TypeScript,
            bad: include_str!("../../../fixtures/fixed_wait/bad.ts"),
            good: include_str!("../../../fixtures/fixed_wait/good.ts"),
        },
        Example {
            language: Language::Go,
            bad: include_str!("../../../fixtures/fixed_wait/bad.go"),
            good: include_str!("../../../fixtures/fixed_wait/good.go"),
        },
    ],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::Sleep = &fact.kind {
            subject.fact(
                at,
                fact,
                if subject.options.strict {
                    Severity::Error
                } else {
                    Severity::Warning
                },
                "waits for a fixed time",
            );
        }
    });
}
