//! T37: a test asserts what it told a double to answer.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::{Asserts, Strength};

/// T37.
pub static RULE: Rule = Rule {
    number: "T37",
    name: "mocked_subject",
    title: "only answers of doubles are asserted",
    severity: Severity::Error,
    why: "The test told the double what to answer and then asserts that answer; the code under test is not asked.",
    fix: "Double what the code depends on, call the code, and assert what it makes of the answer.",
    when_wrong: "The subject is the mocking library itself.",
    examples: &[
        Example {
            language: Language::Python,
            bad: include_str!("../../../fixtures/mocked_subject/bad.py"),
            good: include_str!("../../../fixtures/mocked_subject/good.py"),
        },
        Example {
            language: Language::TypeScript,
            bad: include_str!("../../../fixtures/mocked_subject/bad.ts"),
            good: include_str!("../../../fixtures/mocked_subject/good.ts"),
        },
    ],
    check,
};

fn check(subject: &mut Subject<'_>) {
    for test in &subject.file.tests {
        let strengths = || test.assertions.iter().map(|assertion| assertion.strength);
        let of_doubles = |strength| {
            matches!(
                strength,
                Strength::OfDouble | Strength::MockCalled | Strength::MockCalledWith
            )
        };
        if strengths().any(|strength| strength == Strength::OfDouble)
            && strengths().all(of_doubles)
            && test
                .helpers
                .iter()
                .all(|helper| !matches!(helper.asserts, Asserts::Yes | Asserts::Named))
        {
            subject.test(
                test,
                Severity::Error,
                "only asserts what a double was told to answer",
            );
        }
    }
}
