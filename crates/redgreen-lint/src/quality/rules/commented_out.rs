//! T18: an assertion or a test was turned into a comment.

use super::{Rule, Subject};
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
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::CommentedOut = &fact.kind {
            subject.fact(at, fact, Severity::Warning, "an assertion in a comment");
        }
    });
}
