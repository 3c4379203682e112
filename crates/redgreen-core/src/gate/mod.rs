//! Gates: each a pure judge. This is the only place where a [`GateResult`] can be made (invariant 1), and every judge
//! takes values that the host established: listings, run reports, static items. No constructor takes agent text.

mod as_is;
mod expectations;
mod full;
mod green;
mod locking;
mod planted;
mod red;
mod scope;
#[cfg(test)]
mod tests;
mod validation;

pub use as_is::judge_as_is;
pub use expectations::{
    ChangedSite, ExpectationControl, ExpectationInput, empty_tests, judge_expectations,
};
pub use full::{CheckRun, FullInput, SuiteRun, judge_full};
pub use green::{ExpectedTest, GreenInput, judge_green};
pub use locking::{LockCheck, judge_lock};
pub use planted::{PlantedTest, judge_planted};
pub use red::{RedInput, judge_red};
pub use scope::{Change, ChangeClass, Place, classify, is_loaded_unseen};
pub use validation::{Hint, StepRun, Traces, VALIDATED, hint, judge_validation};

use crate::id::{ItemId, RelPath, TaskId};
use crate::outcome::{Outcome, Role, Verdict};
use crate::reason::{Reason, ReasonCode};
use crate::run_report::{CaseReport, CauseDetail, RunReport};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Which gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// The new tests fail for the right reason.
    Red,
    /// The tests, and everything that can change their result, are recorded and unchanged.
    Lock,
    /// Exactly the locked tests pass in a clean copy.
    Green,
    /// The whole suite and every check pass.
    Full,
    /// The real application was started and used.
    Validate,
}

impl Gate {
    /// The wire text, and the name of the command.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Red => "red",
            Self::Lock => "lock",
            Self::Green => "green",
            Self::Full => "full",
            Self::Validate => "validate",
        }
    }
}

/// What one test contributed to a verdict (SPEC G2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestVerdict {
    /// The case id; the item id where no case could be collected.
    pub id: String,
    /// The item.
    pub item: ItemId,
    /// What happened.
    pub outcome: Outcome,
    /// Why it did not pass.
    pub cause: Option<CauseDetail>,
    /// What it is for the task.
    pub role: Role,
    /// The file to look at.
    pub file: Option<RelPath>,
    /// The line in it, from 1.
    pub line: Option<u32>,
    /// The runner's message.
    pub message: String,
    /// Milliseconds; informative.
    pub duration_ms: u64,
}

impl TestVerdict {
    fn of(case: &CaseReport, role: Role) -> Self {
        Self {
            id: case.id.to_string(),
            item: case.id.item.clone(),
            outcome: case.outcome,
            cause: case.cause.clone(),
            role,
            file: case.file.clone(),
            line: case.line,
            message: case.message.clone(),
            duration_ms: case.duration_ms,
        }
    }
}

/// A control that was run beside the gate (SPEC C7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// `red_control`, `changed_expectations`, `other_bytes`, `emptied_functions`, `hold_outs`,
    /// `application`, `application_partly`.
    pub kind: String,
    /// In plain words, such as "3 of 3 fail again without the code".
    pub result: String,
    /// The tests it covers.
    pub tests: Vec<String>,
}

/// The result of a gate. Only this module can make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateResult {
    gate: Gate,
    task: Option<TaskId>,
    verdict: Verdict,
    reasons: Vec<Reason>,
    notes: Vec<Reason>,
    tests: Vec<TestVerdict>,
    controls: Vec<Control>,
}

impl GateResult {
    /// The same without anything that tells of held-out files: for what is handed on to who must not know them
    /// (SPEC C7). The verdict stays.
    #[must_use]
    pub fn concealing(mut self, hidden: &BTreeSet<RelPath>) -> Self {
        if hidden.is_empty() {
            return self;
        }
        let tells = |reason: &Reason| {
            let text = |text: &str| hidden.iter().any(|path| text.contains(path.as_str()));
            reason
                .path
                .as_ref()
                .is_some_and(|path| hidden.contains(path))
                || reason.test.as_deref().is_some_and(text)
                || text(&reason.message)
                || reason.diff.as_deref().is_some_and(text)
        };
        self.tests.retain(|test| !hidden.contains(&test.item.path));
        self.notes.retain(|note| !tells(note));
        for control in &mut self.controls {
            control.tests.retain(|test| {
                ItemId::try_from(test.clone()).map_or(true, |item| !hidden.contains(&item.path))
            });
        }
        let mut told = false;
        self.reasons = std::mem::take(&mut self.reasons)
            .into_iter()
            .filter_map(|reason| {
                if !tells(&reason) {
                    return Some(reason);
                }
                (!std::mem::replace(&mut told, true)).then(|| {
                    Reason::new(
                        ReasonCode::HiddenTestFailed,
                        "a held-out test does not pass",
                        "read the criteria again: the tests that are shown do not say everything",
                    )
                })
            })
            .collect();
        self
    }
    /// The gate.
    #[must_use]
    pub fn gate(&self) -> Gate {
        self.gate
    }
    /// The task; `None` for an unnamed red.
    #[must_use]
    pub fn task(&self) -> Option<&TaskId> {
        self.task.as_ref()
    }
    /// The verdict. Only [`Verdict::Pass`] advances.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }
    /// Why it is not a pass; empty for a pass.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }
    /// Facts worth knowing that change nothing: what was left out, tests in source, flaky on base.
    #[must_use]
    pub fn notes(&self) -> &[Reason] {
        &self.notes
    }
    /// The tests that took part.
    #[must_use]
    pub fn tests(&self) -> &[TestVerdict] {
        &self.tests
    }
    /// The controls that were run.
    #[must_use]
    pub fn controls(&self) -> &[Control] {
        &self.controls
    }
    /// How many tests of a role have an outcome.
    #[must_use]
    pub fn count(&self, role: Role, outcome: Outcome) -> usize {
        self.tests
            .iter()
            .filter(|test| test.role == role && test.outcome == outcome)
            .count()
    }
}

/// A gate whose question could not even be put: the run could not start, the environment is not there.
#[must_use]
pub fn could_not_run(gate: Gate, task: Option<TaskId>, reasons: Vec<Reason>) -> GateResult {
    let mut findings = Findings::default();
    for reason in reasons {
        findings.add(Verdict::CouldNotRun, reason);
    }
    if findings.reasons.is_empty() {
        findings.add(
            Verdict::CouldNotRun,
            Reason::new(
                ReasonCode::NoReport,
                "nothing was established",
                "run the command again with -v",
            ),
        );
    }
    findings.finish(gate, task, Vec::new(), Vec::new())
}

/// Collects reasons with the verdict each one demands; the gravest wins. No reason means pass.
#[derive(Debug, Default)]
struct Findings {
    reasons: Vec<(Verdict, Reason)>,
    notes: Vec<Reason>,
}

/// Rejected before could-not-run before fail before flaky before inconclusive: what was tampered with matters more than
/// what it led to, and a run that did not happen says nothing about the tests.
fn gravity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pass => 0,
        Verdict::Inconclusive => 1,
        Verdict::Flaky => 2,
        Verdict::Fail => 3,
        Verdict::CouldNotRun => 4,
        Verdict::Rejected => 5,
    }
}

impl Findings {
    fn add(&mut self, verdict: Verdict, reason: Reason) {
        self.reasons.push((verdict, reason));
    }
    fn note(&mut self, reason: Reason) {
        self.notes.push(reason);
    }
    /// What is wrong with a run as a run.
    fn problems(&mut self, run: &RunReport) {
        for problem in &run.problems {
            let verdict = match problem.code {
                ReasonCode::ReportTampered => Verdict::Rejected,
                _ => Verdict::CouldNotRun,
            };
            if !self.reasons.iter().any(|(_, known)| known == problem) {
                self.add(verdict, problem.clone());
            }
        }
    }
    fn finish(
        mut self,
        gate: Gate,
        task: Option<TaskId>,
        tests: Vec<TestVerdict>,
        controls: Vec<Control>,
    ) -> GateResult {
        self.reasons
            .sort_by_key(|(verdict, _)| std::cmp::Reverse(gravity(*verdict)));
        let verdict = self
            .reasons
            .first()
            .map_or(Verdict::Pass, |(verdict, _)| *verdict);
        GateResult {
            gate,
            task,
            verdict,
            reasons: self.reasons.into_iter().map(|(_, reason)| reason).collect(),
            notes: self.notes,
            tests,
            controls,
        }
    }
}
