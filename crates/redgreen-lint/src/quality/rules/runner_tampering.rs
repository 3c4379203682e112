//! T26: the runner is changed or ended.

use super::{Rule, Subject};
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
    check,
};

fn check(subject: &mut Subject<'_>) {
    subject.each_fact(|subject, at, fact| {
        if let FactKind::Tampers { how } = &fact.kind {
            subject.fact(at, fact, Severity::Error, how.clone());
        }
    });
}
