//! T25: a test reads the source of the code under test.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T25.
pub static RULE: Rule = Rule {
    number: "T25",
    name: "reads_implementation",
    title: "a test reads the source of the code under test",
    severity: Severity::Error,
    why: "It checks how the code is written, not what it does; every honest rewrite breaks it, and a comment can satisfy it.",
    fix: "Call the code and assert what it does.",
    when_wrong: "Tools whose subject is source text: give them samples of their own.",
    examples: &[
        Example {
            language: Language::Python,
            bad: include_str!("../../../fixtures/reads_implementation/bad.py"),
            good: include_str!("../../../fixtures/reads_implementation/good.py"),
        },
        Example {
            language: Language::Rust,
            bad: include_str!("../../../fixtures/reads_implementation/bad.rs"),
            good: include_str!("../../../fixtures/reads_implementation/good.rs"),
        },
    ],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::ReadsImplementation = &fact.kind {
            subject.fact(
                at,
                fact,
                Severity::Error,
                "reads the source of the code under test",
            );
        }
    });
}
