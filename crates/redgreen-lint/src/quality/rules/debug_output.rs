//! T34: a test prints.

use super::{Rule, Subject};
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T34.
pub static RULE: Rule = Rule {
    number: "T34",
    name: "debug_output",
    title: "a test prints",
    severity: Severity::Info,
    why: "Left over from debugging; it hides what a failure prints.",
    fix: "Remove it, or put it into the assertion's message.",
    when_wrong: "Output is the subject and is captured.",
    examples: &[],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::Prints = &fact.kind {
            subject.fact(at, fact, Severity::Info, "prints");
        }
    });
}
