//! T11: a test double where the real thing is asked for.

use super::{Rule, Subject};
use crate::quality::finding::Severity;
use crate::quality::model::DoubleKind;

/// T11.
pub static RULE: Rule = Rule {
    number: "T11",
    name: "test_double",
    title: "a test double where the real thing is asked for",
    severity: Severity::Error,
    why: "The policy of this path says `real`: a double passes although the real service would not.",
    fix: "Use the service that the configuration starts, or move the test to a path whose policy allows doubles.",
    when_wrong: "Setting an environment variable is no double and is not found by this rule.",
    examples: &[],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.doubles_among_real_parts(|kind| {
        matches!(
            kind,
            DoubleKind::Mock | DoubleKind::Patch | DoubleKind::Override | DoubleKind::Fake
        )
    });
}
