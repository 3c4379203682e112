//! T13: a failure is caught and thrown away.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T13.
pub static RULE: Rule = Rule {
    number: "T13",
    name: "swallowed_failure",
    title: "a failure is caught and thrown away",
    severity: Severity::Error,
    why: "The assertion stands in a `try` whose handler takes its failure, so the test cannot fail.",
    fix: "Let it fail; expect an error with `pytest.raises`, `assertRaises`, `expect(...).toThrow`.",
    when_wrong: "Cleaning up after the assertion: do it in `finally` or a fixture.",
    examples: &[
        Example {
            language: Language::Python,
            bad: include_str!("../../../fixtures/swallowed_failure/bad.py"),
            good: include_str!("../../../fixtures/swallowed_failure/good.py"),
        },
        Example {
            language: Language::Rust,
            bad: include_str!("../../../fixtures/swallowed_failure/bad.rs"),
            good: include_str!("../../../fixtures/swallowed_failure/good.rs"),
        },
        Example {
            language: Language::TypeScript,
            bad: include_str!("../../../fixtures/swallowed_failure/bad.ts"),
            good: include_str!("../../../fixtures/swallowed_failure/good.ts"),
        },
    ],
    check,
};

fn check(subject: &mut Subject<'_>) {
    for test in &subject.file.tests {
        for assertion in test
            .assertions
            .iter()
            .filter(|assertion| assertion.context.swallowed)
        {
            subject.at(
                Some(test),
                assertion.span.clone(),
                Severity::Error,
                "its failure is caught and thrown away",
            );
        }
    }
    subject.each_fact(|subject, at, fact| {
        if let FactKind::Swallows { broad } = &fact.kind {
            let alone = at.is_none_or(|test| !test.asserts());
            let severity = match (*broad, alone) {
                (true, true) => Severity::Error,
                // Cleaning up what may not be there; a `catch` of JavaScript has no kind.
                (true, false) if subject.language != Language::Python => Severity::Info,
                (false, false) => Severity::Info,
                (true, false) | (false, true) => Severity::Warning,
            };
            let message = if *broad {
                "every exception is caught and thrown away"
            } else {
                "an exception is caught and thrown away"
            };
            subject.fact(at, fact, severity, message);
        }
    });
}
