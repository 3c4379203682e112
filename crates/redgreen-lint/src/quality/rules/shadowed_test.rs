//! T20: a later definition takes the place of this test.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T20.
pub static RULE: Rule = Rule {
    number: "T20",
    name: "shadowed_test",
    title: "a later definition takes the place of this test",
    severity: Severity::Error,
    why: "Two tests have one name: the earlier one never runs.",
    fix: "Rename one of them.",
    when_wrong: "Definitions in different branches (`if sys.platform`) are not found by this rule.",
    examples: &[Example {
        language: Language::Python,
        bad: include_str!("../../../fixtures/shadowed_test/bad.py"),
        good: include_str!("../../../fixtures/shadowed_test/good.py"),
    }],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::Shadowed { name } = &fact.kind {
            subject.fact(
                at,
                fact,
                Severity::Error,
                format!("`{name}` is defined again below, and this one never runs"),
            );
        }
    });
}
