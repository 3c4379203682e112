//! T28: only a stored snapshot is asserted.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::{FactKind, Strength};

/// T28.
pub static RULE: Rule = Rule {
    number: "T28",
    name: "snapshot_only",
    title: "only a stored snapshot is asserted",
    severity: Severity::Warning,
    why: "The first run writes whatever the code returned; a wrong value becomes the expectation.",
    fix: "Assert the values that matter beside the snapshot, and write a new snapshot by hand.",
    when_wrong: "Rendered output as a whole is the promise.",
    examples: &[Example {
        language: Language::TypeScript,
        bad: include_str!("../../../fixtures/snapshot_only/bad.ts"),
        good: include_str!("../../../fixtures/snapshot_only/good.ts"),
    }],
    check,
};

fn check(subject: &mut Subject<'_>) {
    for test in &subject.file.tests {
        if !test.assertions.is_empty()
            && test
                .assertions
                .iter()
                .all(|assertion| assertion.strength == Strength::Snapshot)
        {
            subject.test(
                test,
                Severity::Warning,
                "only a stored snapshot is asserted",
            );
        }
    }
    subject.each_fact(|subject, at, fact| {
        if let FactKind::Snapshot { what } = &fact.kind {
            subject.fact(at, fact, Severity::Warning, *what);
        }
    });
}
