//! T22: a parametrised test without parameters.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T22.
pub static RULE: Rule = Rule {
    number: "T22",
    name: "no_parameters",
    title: "a parametrised test without parameters",
    severity: Severity::Error,
    why: "No case is made, so nothing runs.",
    fix: "Add the cases.",
    when_wrong: "A generated list that may be empty: assert that it is not.",
    examples: &[
        Example {
            language: Language::Python,
            bad: include_str!("../../../fixtures/no_parameters/bad.py"),
            good: include_str!("../../../fixtures/no_parameters/good.py"),
        },
        Example {
            language: Language::TypeScript,
            bad: include_str!("../../../fixtures/no_parameters/bad.ts"),
            good: include_str!("../../../fixtures/no_parameters/good.ts"),
        },
    ],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::NoParameters = &fact.kind {
            subject.fact(at, fact, Severity::Error, "there is no parameter set");
        }
    });
}
