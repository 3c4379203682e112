//! T36: parameters come from the code under test.

use super::{Rule, Subject};
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T36.
pub static RULE: Rule = Rule {
    number: "T36",
    name: "parameters_from_subject",
    title: "parameters come from the code under test",
    severity: Severity::Error,
    why: "The code decides which cases there are; when it returns none, none runs, and a wrong one is its own expectation.",
    fix: "Write the cases down.",
    when_wrong: "Members of an enumeration or registry: assert their number first, in a test of its own.",
    examples: &[],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::ParametersFromSubject = &fact.kind {
            subject.fact(
                at,
                fact,
                Severity::Error,
                "the parameters come from the code under test",
            );
        }
    });
}
