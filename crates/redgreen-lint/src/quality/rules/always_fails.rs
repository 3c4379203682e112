//! T24: a test that fails whatever the code does.

use super::{Rule, Subject};
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T24.
pub static RULE: Rule = Rule {
    number: "T24",
    name: "always_fails",
    title: "a test that fails whatever the code does",
    severity: Severity::Error,
    why: "It is red before and after; for RED it looks like a test that waits for its code.",
    fix: "Write the assertion that the criterion asks for.",
    when_wrong: "`else: assert False` at the end of a branch is not found by this rule.",
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::AlwaysFails { first } = &fact.kind {
            let severity = if *first {
                Severity::Error
            } else {
                Severity::Info
            };
            subject.fact(at, fact, severity, "fails whatever the code does");
        }
    });
}
