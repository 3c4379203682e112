//! LOCK: what was locked is still there, byte for byte (SPEC B4, B6 "lock verified").

use super::{Change, ChangeClass, Findings, Gate, GateResult};
use crate::id::TaskId;
use crate::outcome::Verdict;
use crate::reason::{Reason, ReasonCode};

/// Everything the lock is judged on.
#[derive(Debug)]
pub struct LockCheck<'a> {
    /// The task.
    pub task: &'a TaskId,
    /// How what is there differs from what was locked.
    pub changes: &'a [Change],
    /// The record itself does not verify; `None` when it does.
    pub invalid: Option<Reason>,
}

/// Judges whether a lock still holds.
#[must_use]
pub fn judge_lock(input: &LockCheck<'_>) -> GateResult {
    let mut findings = Findings::default();
    if let Some(reason) = &input.invalid {
        findings.add(Verdict::Rejected, reason.clone());
    }
    for change in input.changes {
        let mut reason = Reason::new(
            change.code,
            change.message.clone(),
            format!(
                "see it: redgreen locks diff {0}; put it back: redgreen locks restore {0}",
                input.task
            ),
        )
        .at(change.path.clone())
        .line(change.line.unwrap_or(0));
        reason.diff.clone_from(&change.diff);
        match change.class {
            ChangeClass::LeftOut => findings.note(reason),
            ChangeClass::OutOfScope => findings.note(Reason {
                code: ReasonCode::OutOfScope,
                ..reason
            }),
            ChangeClass::Rejected => findings.add(Verdict::Rejected, reason),
        }
    }
    findings.finish(Gate::Lock, Some(input.task.clone()), Vec::new(), Vec::new())
}
