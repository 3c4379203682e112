//! T23: everything is asserted in a loop.

use super::{Rule, Subject};
use crate::quality::finding::Severity;
use crate::quality::model::Asserts;

/// T23.
pub static RULE: Rule = Rule {
    number: "T23",
    name: "vacuous_loop",
    title: "everything is asserted in a loop",
    severity: Severity::Info,
    why: "When the collection is empty nothing is asserted, and the test passes.",
    fix: "Assert the length first, or compare the whole collection.",
    when_wrong: "A loop over a literal.",
    examples: &[],
    check,
};

fn check(subject: &mut Subject<'_>) {
    for test in &subject.file.tests {
        let looped = test
            .assertions
            .iter()
            .filter(|assertion| assertion.context.in_loop)
            .count();
        if looped > 0
            && looped == test.assertions.len()
            && test
                .helpers
                .iter()
                .all(|helper| helper.asserts != Asserts::Yes)
        {
            subject.test(
                test,
                Severity::Info,
                "every assertion stands in a loop that may not run",
            );
        }
    }
}
