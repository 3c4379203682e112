//! T32: the code behaves otherwise when it is tested.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T32.
pub static RULE: Rule = Rule {
    number: "T32",
    name: "test_only_branch",
    title: "the code behaves otherwise when it is tested",
    severity: Severity::Error,
    why: "What the tests see is not what ships.",
    fix: "Remove the branch; hand in what differs as a parameter.",
    when_wrong: "A debug flag that people use: name it for what it does.",
    examples: &[Example {
        language: Language::Rust,
        bad: include_str!("../../../fixtures/test_only_branch/bad.rs"),
        good: include_str!("../../../fixtures/test_only_branch/good.rs"),
    }],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::TestOnlyBranch { looks_at } = &fact.kind {
            subject.fact(
                at,
                fact,
                Severity::Error,
                format!("looks at `{looks_at}` to find out whether it is tested"),
            );
        }
    });
}
