//! T33: a comment tells a tool to look away.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T33.
pub static RULE: Rule = Rule {
    number: "T33",
    name: "suppression",
    title: "a comment tells a tool to look away",
    severity: Severity::Warning,
    why: "A waiver inside the file can be written by whoever writes the file. redgreen reports it and never obeys it.",
    fix: "Mend what the tool found, or waive it in the plan or the configuration, with a reason.",
    when_wrong: "It was there before the task: only what the task added counts.",
    examples: &[
        Example {
            language: Language::Python,
            bad: include_str!("../../../fixtures/suppression/bad.py"),
            good: include_str!("../../../fixtures/suppression/good.py"),
        },
        Example {
            language: Language::TypeScript,
            bad: include_str!("../../../fixtures/suppression/bad.ts"),
            good: include_str!("../../../fixtures/suppression/good.ts"),
        },
    ],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::Suppression { text } = &fact.kind {
            // What a type checker passes over changes nothing of what a test asserts.
            let of_types = ["type: ignore", "type:ignore", "mypy", "pyright", "@ts-"]
                .iter()
                .any(|word| text.contains(word));
            let severity = if of_types {
                Severity::Info
            } else {
                Severity::Warning
            };
            subject.fact(
                at,
                fact,
                severity,
                format!("`{text}`: a waiver inside the file is not obeyed"),
            );
        }
    });
}
