//! T12: a service that is not the real one.

use super::{Rule, Subject};
use crate::quality::MockPolicy;
use crate::quality::finding::Severity;
use crate::quality::model::{DoubleKind, FactKind};

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
    if subject.options.mocks != MockPolicy::Real {
        return;
    }
    subject.each_fact(|subject, at, fact| {
        if let FactKind::Double(double) = &fact.kind
            && matches!(
                double.kind,
                DoubleKind::Database | DoubleKind::Http | DoubleKind::Events
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
