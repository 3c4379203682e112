//! T08: a test is expected to fail.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T08.
pub static RULE: Rule = Rule {
    number: "T08",
    name: "expected_failure",
    title: "a test is expected to fail",
    severity: Severity::Error,
    why: "A failure counts as success, so neither red nor green says anything.",
    fix: "Let it fail until the code is there: that is what RED is for.",
    when_wrong: "A known defect that is kept in view: keep it in the old tests, never among the new ones.",
    examples: &[
        Example {
            language: Language::Python,
            bad: include_str!("../../../fixtures/expected_failure/bad.py"),
            good: include_str!("../../../fixtures/expected_failure/good.py"),
        },
        Example {
            language: Language::TypeScript,
            bad: include_str!("../../../fixtures/expected_failure/bad.ts"),
            good: include_str!("../../../fixtures/expected_failure/good.ts"),
        },
    ],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::ExpectedFailure = &fact.kind {
            subject.fact(at, fact, Severity::Error, "the test is expected to fail");
        }
    });
}
