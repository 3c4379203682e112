//! T27: a failure in a thread or callback that nobody sees.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T27.
pub static RULE: Rule = Rule {
    number: "T27",
    name: "unseen_failure",
    title: "a failure in a thread or callback that nobody sees",
    severity: Severity::Error,
    why: "An assertion that fails in another thread or after the test has ended fails nothing.",
    fix: "Collect the result and assert it in the test's own thread; await the promise.",
    when_wrong: "The framework hands the failure on (`t.Error` in a goroutine that is waited for).",
    examples: &[Example {
        language: Language::Go,
        bad: include_str!("../../../fixtures/unseen_failure/bad.go"),
        good: include_str!("../../../fixtures/unseen_failure/good.go"),
    }],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if fact.kind == FactKind::UnseenFailure {
            let severity = if subject.language == Language::Go {
                Severity::Error
            } else {
                Severity::Warning
            };
            subject.fact(at, fact, severity, "a failure here is seen by nobody");
        }
    });
}
