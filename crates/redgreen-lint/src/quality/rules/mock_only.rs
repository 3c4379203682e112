//! T06: only calls of doubles are asserted.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::{Asserts, Strength};

/// T06.
pub static RULE: Rule = Rule {
    number: "T06",
    name: "mock_only",
    title: "only calls of doubles are asserted",
    severity: Severity::Error,
    why: "The test checks that the code calls what the test itself put there; what comes out is not looked at.",
    fix: "Assert the result or the state; where the call is the promise, assert its arguments.",
    when_wrong: "Callbacks, events and hooks, whose contract is the call: assert the arguments (`assert_called_once_with`, `toHaveBeenCalledWith`).",
    examples: &[
        Example {
            language: Language::Python,
            bad: include_str!("../../../fixtures/mock_only/bad.py"),
            good: include_str!("../../../fixtures/mock_only/good.py"),
        },
        Example {
            language: Language::TypeScript,
            bad: include_str!("../../../fixtures/mock_only/bad.ts"),
            good: include_str!("../../../fixtures/mock_only/good.ts"),
        },
    ],
    check,
};

fn check(subject: &mut Subject<'_>) {
    for test in &subject.file.tests {
        let strengths = || test.assertions.iter().map(|assertion| assertion.strength);
        let called = |strength| matches!(strength, Strength::MockCalled | Strength::MockCalledWith);
        if test.assertions.is_empty()
            || !strengths().all(called)
            || test
                .helpers
                .iter()
                .any(|helper| helper.asserts == Asserts::Yes)
        {
            continue;
        }
        if strengths().all(|strength| strength == Strength::MockCalled) {
            let severity = if subject.language == Language::Python {
                Severity::Error
            } else {
                Severity::Warning
            };
            subject.test(
                test,
                severity,
                "only asserts that a double was called, with any arguments",
            );
        } else {
            subject.test(
                test,
                Severity::Warning,
                "only calls of doubles are asserted",
            );
        }
    }
}
