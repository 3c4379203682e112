//! T12: a service that is not the real one.

use super::{Rule, Subject};
use crate::quality::finding::Severity;
use crate::quality::model::DoubleKind;

/// T12.
pub static RULE: Rule = Rule {
    number: "T12",
    name: "fake_service",
    title: "a service that is not the real one",
    severity: Severity::Error,
    why: "A database in memory or stubbed HTTP answers differently from the real one, mostly where it matters.",
    fix: "Use the service that the configuration starts.",
    when_wrong: "SQLite is the application's own database: say so with `policy = \"mixed\"` for that path.",
    examples: &[],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.doubles_among_real_parts(|kind| {
        matches!(
            kind,
            DoubleKind::Database | DoubleKind::Http | DoubleKind::Events
        )
    });
}
