//! T11: a test double where the real thing is asked for.

use super::{Rule, Subject};
use crate::quality::MockPolicy;
use crate::quality::finding::Severity;
use crate::quality::model::{DoubleKind, FactKind};

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
    if subject.options.mocks != MockPolicy::Real {
        return;
    }
    subject.each_fact(|subject, at, fact| {
        if let FactKind::Double(double) = &fact.kind
            && matches!(
                double.kind,
                DoubleKind::Mock | DoubleKind::Patch | DoubleKind::Override | DoubleKind::Fake
            )
        {
            let message = format!(
                "`{}` is {}; this path is for real parts",
                double.name,
                double.kind.words()
            );
            subject.fact(at, fact, Severity::Error, message);
        }
    });
}
