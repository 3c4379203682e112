//! T38: the expected value comes from the code under test.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T38.
pub static RULE: Rule = Rule {
    number: "T38",
    name: "expected_from_subject",
    title: "the expected value comes from the code under test",
    severity: Severity::Warning,
    why: "Both sides ask the code the same question, so a wrong answer is equal to itself.",
    fix: "Write the expected value down.",
    when_wrong: "The promise is that the same question has the same answer (cache, hash, determinism): say so in the test's name.",
    examples: &[
        Example {
            language: Language::Python,
            bad: include_str!("../../../fixtures/expected_from_subject/bad.py"),
            good: include_str!("../../../fixtures/expected_from_subject/good.py"),
        },
        Example {
            language: Language::TypeScript,
            bad: include_str!("../../../fixtures/expected_from_subject/bad.ts"),
            good: include_str!("../../../fixtures/expected_from_subject/good.ts"),
        },
    ],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if fact.kind != FactKind::ExpectedFromSubject {
            return;
        }
        let name = at
            .map_or("", |test| test.name.as_str())
            .to_ascii_lowercase();
        let about_sameness = [
            "determin",
            "idempot",
            "cache",
            "memo",
            "same",
            "stable",
            "repeat",
            "eq",
            "hash",
            "consist",
            "pure",
            "twice",
            "again",
            "singleton",
            "reproduc",
            "order",
            "ident",
            "reuse",
            "share",
            "once",
            "cmp",
            "compar",
            "seed",
            "random",
            "copy",
            "clone",
            "pickle",
        ]
        .iter()
        .any(|word| name.contains(word));
        if !about_sameness {
            subject.fact(
                at,
                fact,
                Severity::Warning,
                "both sides ask the code under test the same question",
            );
        }
    });
}
