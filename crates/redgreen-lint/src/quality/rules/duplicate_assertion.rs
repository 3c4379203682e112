//! T19: the same assertion twice.

use super::{Rule, Subject};
use crate::quality::finding::Severity;

/// T19.
pub static RULE: Rule = Rule {
    number: "T19",
    name: "duplicate_assertion",
    title: "the same assertion twice",
    severity: Severity::Info,
    why: "The second one adds nothing, unless something happened in between.",
    fix: "Remove it, or assert what changed.",
    when_wrong: "State machines: the same question before and after a step.",
    examples: &[],
    check,
};

fn check(subject: &mut Subject<'_>) {
    for test in &subject.file.tests {
        let mut seen = std::collections::BTreeSet::new();
        for assertion in &test.assertions {
            if !seen.insert(assertion.text.as_str()) {
                subject.at(
                    Some(test),
                    assertion.span.clone(),
                    Severity::Info,
                    "the same assertion stands above",
                );
            }
        }
    }
}
