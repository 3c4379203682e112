//! T10: a test waits for a fixed time.

use super::{Rule, Subject};
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T10.
pub static RULE: Rule = Rule {
    number: "T10",
    name: "fixed_wait",
    title: "a test waits for a fixed time",
    severity: Severity::Warning,
    why: "Too short on a busy machine, too long on any other; the test fails by chance.",
    fix: "Wait for the condition, with a limit.",
    when_wrong: "Tests of timers and clocks: use the clock that the code takes as a parameter.",
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::Sleep = &fact.kind {
            subject.fact(
                at,
                fact,
                if subject.options.strict {
                    Severity::Error
                } else {
                    Severity::Warning
                },
                "waits for a fixed time",
            );
        }
    });
}
