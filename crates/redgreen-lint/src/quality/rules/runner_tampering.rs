//! T26: the runner is changed or ended.

use super::{Example, Rule, Subject};
use crate::quality::Language;
use crate::quality::finding::Severity;
use crate::quality::model::FactKind;

/// T26.
pub static RULE: Rule = Rule {
    number: "T26",
    name: "runner_tampering",
    title: "the runner is changed or ended",
    severity: Severity::Error,
    why: "Ending the process, rewriting reports or deselecting tests decides the result without running them.",
    fix: "Remove it. Expect an exit with `pytest.raises(SystemExit)`.",
    when_wrong: "The subject is a command line that exits: call it in a process of its own, or expect the exit.",
    examples: &[
        Example {
            language: Language::Python,
            bad: include_str!("../../../fixtures/runner_tampering/bad.py"),
            good: include_str!("../../../fixtures/runner_tampering/good.py"),
        },
        Example {
            language: Language::Rust,
            bad: include_str!("../../../fixtures/runner_tampering/bad.rs"),
            good: include_str!("../../../fixtures/runner_tampering/good.rs"),
        },
        Example {
            language: Language::TypeScript,
            bad: include_str!("../../../fixtures/runner_tampering/bad.ts"),
            good: include_str!("../../../fixtures/runner_tampering/good.ts"),
        },
        Example {
            language: Language::Go,
            bad: include_str!("../../../fixtures/runner_tampering/bad.go"),
            good: include_str!("../../../fixtures/runner_tampering/good.go"),
        },
    ],
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::Tampers { how } = &fact.kind {
            // A class that is equal to everything cheats where it is compared.
            let severity = match how.split_once("` is equal to everything") {
                Some((class, _)) if subject.language == Language::Rust => {
                    let class = class.trim_start_matches('`');
                    let compared = subject.file.tests.iter().any(|test| {
                        test.assertions
                            .iter()
                            .any(|assertion| assertion.text.contains(class))
                    });
                    if compared {
                        Severity::Error
                    } else {
                        Severity::Warning
                    }
                }
                _ => Severity::Error,
            };
            subject.fact(at, fact, severity, how.clone());
        }
    });
}
