//! T04: a value is compared with itself.

use super::{Rule, Subject};
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
        let severity = if about_equality {
            Severity::Warning
        } else {
            Severity::Error
        };
        subject.fact(at, fact, severity, "both sides are the same expression");
    });
}
