//! T02: nothing is asserted.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::{Asserts, FactKind};

/// T02.
pub static RULE: Rule = Rule {
    number: "T02",
    name: "no_assertion",
    title: "nothing is asserted",
    severity: Severity::Error,
    why: "Without an assertion a test only shows that nothing is raised; a wrong result passes.",
    fix: "Assert the result. A helper that asserts is followed into its definition; name other assertion functions in `[lint] assertions`.",
    when_wrong: "\"Must not raise\" is the whole promise: waive it in the plan with that reason (`must_not_raise`).",
    examples: &[
        Example {
            language: Language::Python,
            bad: include_str!("../../../fixtures/no_assertion/bad.py"),
            good: include_str!("../../../fixtures/no_assertion/good.py"),
        },
        Example {
            language: Language::Rust,
            bad: include_str!("../../../fixtures/no_assertion/bad.rs"),
            good: include_str!("../../../fixtures/no_assertion/good.rs"),
        },
        Example {
            language: Language::TypeScript,
            bad: include_str!("../../../fixtures/no_assertion/bad.ts"),
            good: include_str!("../../../fixtures/no_assertion/good.ts"),
        },
        Example {
            language: Language::Go,
            bad: include_str!("../../../fixtures/no_assertion/bad.go"),
            good: include_str!("../../../fixtures/no_assertion/good.go"),
        },
    ],
    check,
};

fn check(subject: &mut Subject<'_>) {
    for test in &subject.file.tests {
        let explained = subject.has(test, |kind| {
            matches!(
                kind,
                FactKind::Skip { .. }
                    | FactKind::AlwaysFails { .. }
                    | FactKind::ExpectedFailure
                    // Said there, and once is enough.
                    | FactKind::NotEvaluated { .. }
            )
        });
        // A helper that is defined elsewhere and says nothing may assert: that is a warning.
        let unknown = test.helpers.iter().find(|helper| {
            helper.asserts == Asserts::Unknown && subject.options.is_assertion_like(&helper.name)
        });
        if test.is_empty || explained || test.asserts() || subject.asserts_by_option(test) {
            continue;
        }
        match unknown {
            Some(helper) => subject.test(
                test,
                Severity::Warning,
                format!("nothing is asserted, unless `{}` does", helper.name),
            ),
            None if test.must_not_raise || test.hands_on => subject.test(
                test,
                Severity::Warning,
                "nothing is asserted; the test only shows that nothing is raised",
            ),
            None => subject.test(test, Severity::Error, "nothing is asserted"),
        }
    }
}
