//! T16: an assertion that is never reached.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;

/// T16.
pub static RULE: Rule = Rule {
    number: "T16",
    name: "unreachable_assertion",
    title: "an assertion that is never reached",
    severity: Severity::Error,
    why: "It stands after `return` or `raise`, or after the call that is expected to raise.",
    fix: "Move it before the statement that leaves, or out of the `raises` block.",
    when_wrong: "Never.",
    examples: &[Example {
        language: Language::Python,
        bad: include_str!("../../../fixtures/unreachable_assertion/bad.py"),
        good: include_str!("../../../fixtures/unreachable_assertion/good.py"),
    }],
    check,
};

fn check(subject: &mut Subject<'_>) {
    for test in &subject.file.tests {
        for assertion in &test.assertions {
            if assertion.context.unreachable {
                subject.at(
                    Some(test),
                    assertion.span.clone(),
                    Severity::Error,
                    "never reached",
                );
            } else if assertion.context.uncalled {
                // Beside others it is a helper that somebody forgot.
                let severity = if test.assertions.iter().all(|other| other.context.uncalled) {
                    Severity::Error
                } else {
                    Severity::Info
                };
                subject.at(
                    Some(test),
                    assertion.span.clone(),
                    severity,
                    "never reached: nothing calls the function that it stands in",
                );
            } else if assertion.context.in_raises {
                subject.at(
                    Some(test),
                    assertion.span.clone(),
                    Severity::Error,
                    "never reached when the error is raised",
                );
            }
        }
    }
}
