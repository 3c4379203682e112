//! T04: a value is compared with itself.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T04.
pub static RULE: Rule = Rule {
    number: "T04",
    name: "compares_itself",
    title: "a value is compared with itself",
    severity: Severity::Error,
    why: "Both sides are the same expression, so a wrong value is equal to itself, too.",
    fix: "Compare with the value that the criterion names.",
    when_wrong: "A test of equality itself (`__eq__`, `PartialEq`, NaN): a warning when the test's name says so; use two objects that were made apart.",
    examples: &[
        Example {
            language: Language::Python,
            bad: include_str!("../../../fixtures/compares_itself/bad.py"),
            good: include_str!("../../../fixtures/compares_itself/good.py"),
        },
        Example {
            language: Language::Rust,
            bad: include_str!("../../../fixtures/compares_itself/bad.rs"),
            good: include_str!("../../../fixtures/compares_itself/good.rs"),
        },
        Example {
            language: Language::TypeScript,
            bad: include_str!("../../../fixtures/compares_itself/bad.ts"),
            good: include_str!("../../../fixtures/compares_itself/good.ts"),
        },
        Example {
            language: Language::Go,
            bad: include_str!("../../../fixtures/compares_itself/bad.go"),
            good: include_str!("../../../fixtures/compares_itself/good.go"),
        },
    ],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if fact.kind != FactKind::ComparesItself {
            return;
        }
        let name = at
            .map_or("", |test| test.name.as_str())
            .to_ascii_lowercase();
        let about_equality = [
            "eq", "equal", "hash", "reflex", "ident", "nan", "order", "cmp", "same", "compar",
        ]
        .iter()
        .any(|word| name.contains(word));
        // Beside a comparison with something else it is about what equality means.
        let about_equality = about_equality
            || at.is_some_and(|test| {
                test.assertions
                    .iter()
                    .any(|other| other.text.contains("!=") || other.text.contains("hash("))
            });
        let severity = if about_equality {
            Severity::Warning
        } else {
            Severity::Error
        };
        subject.fact(at, fact, severity, "both sides are the same expression");
    });
}
