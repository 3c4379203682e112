//! T09: a test is focused.

use super::{Rule, Subject};
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
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::Focus = &fact.kind {
            subject.fact(at, fact, Severity::Error, "focused: other tests do not run");
        }
    });
}
