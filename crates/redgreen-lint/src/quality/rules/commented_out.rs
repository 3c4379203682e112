//! T18: an assertion or a test was turned into a comment.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T18.
pub static RULE: Rule = Rule {
    number: "T18",
    name: "commented_out",
    title: "an assertion or a test was turned into a comment",
    severity: Severity::Warning,
    why: "What was checked is not checked any more.",
    fix: "Restore it, or delete it in a change that says why.",
    when_wrong: "Prose that looks like code.",
    examples: &[
        Example {
            language: Language::Python,
            bad: include_str!("../../../fixtures/commented_out/bad.py"),
            good: include_str!("../../../fixtures/commented_out/good.py"),
        },
        Example {
            language: Language::Rust,
            bad: include_str!("../../../fixtures/commented_out/bad.rs"),
            good: include_str!("../../../fixtures/commented_out/good.rs"),
        },
        Example {
            language: Language::TypeScript,
            bad: include_str!("../../../fixtures/commented_out/bad.ts"),
            good: include_str!("../../../fixtures/commented_out/good.ts"),
        },
    ],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::CommentedOut = &fact.kind {
            subject.fact(at, fact, Severity::Warning, "an assertion in a comment");
        }
    });
}
