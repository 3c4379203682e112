//! T09: a test is focused.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T09.
pub static RULE: Rule = Rule {
    number: "T09",
    name: "focused_test",
    title: "a test is focused",
    severity: Severity::Error,
    why: "All other tests of the file or suite are left out.",
    fix: "Remove `.only`, `fit`, `fdescribe`.",
    when_wrong: "Never.",
    examples: &[Example {
        language: Language::TypeScript,
        bad: include_str!("../../../fixtures/focused_test/bad.ts"),
        good: include_str!("../../../fixtures/focused_test/good.ts"),
    }],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::Focus = &fact.kind {
            subject.fact(at, fact, Severity::Error, "focused: other tests do not run");
        }
    });
}
