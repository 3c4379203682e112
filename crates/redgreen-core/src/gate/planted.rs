//! The control of planted failures (SPEC C7): a test whose last line fails cannot pass.

use super::Control;
use crate::id::ItemId;
use crate::outcome::Outcome;
use crate::reason::{Reason, ReasonCode};
use crate::run_report::RunReport;

/// A test with a failing line behind its last one, and what it reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlantedTest {
    /// The test.
    pub item: ItemId,
    /// Its first line was reached.
    pub entered: bool,
    /// The line in front of the failing one was reached.
    pub ended: bool,
    /// The end of a block that has to raise was reached.
    pub went_on: bool,
}

/// Judges the control: what it established, and the tests whose result is not their own.
///
/// A test that reached its end and passes is no test: something swallows its failure. One that passes and was never
/// entered was not run. One that was entered and did not reach its end (it returns early) has no control.
#[must_use]
pub fn judge_planted(tests: &[PlantedTest], run: &RunReport) -> (Option<Control>, Vec<Reason>) {
    let (mut noticed, mut failures) = (Vec::new(), Vec::new());
    for test in tests {
        let outcomes: Vec<Outcome> = run
            .cases
            .iter()
            .filter(|case| case.id.item == test.item)
            .map(|case| case.outcome)
            .collect();
        let passed =
            !outcomes.is_empty() && outcomes.iter().all(|outcome| *outcome == Outcome::Passed);
        let failed = outcomes.iter().any(|outcome| outcome.is_failure());
        let reason = |message: String, help: &str| {
            Reason::new(ReasonCode::ControlFailed, message, help)
                .at(test.item.path.clone())
                .test(&test.item)
        };
        if test.went_on {
            failures.push(reason(
                format!(
                    "`{}` passed, and a block in it that has to raise raised nothing",
                    test.item.item
                ),
                "let the code raise what the test asks for: something swallows that it does not",
            ));
        } else if passed && test.ended {
            failures.push(reason(
                format!("`{}` passes although its last line fails", test.item.item),
                "something reports tests as passed whatever happens in them: look for code that patches the runner",
            ));
        } else if passed && !test.entered {
            failures.push(reason(
                format!("`{}` is reported as passed, and was never run", test.item.item),
                "let the tests run: something replaces them, or reports them as passed without running them",
            ));
        } else if failed && test.ended {
            noticed.push(test.item.to_string());
        }
    }
    let control = (!noticed.is_empty()).then(|| Control {
        kind: "planted_failure".to_owned(),
        result: format!(
            "{} of {} fail when their last line does",
            noticed.len(),
            tests.len()
        ),
        tests: noticed,
    });
    (control, failures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{CaseId, Digest};
    use crate::run_report::{CaseReport, Ended};

    fn item() -> ItemId {
        ItemId::try_from("tests/a.py::test_a".to_owned()).unwrap()
    }
    fn judge(entered: bool, ended: bool, outcome: Option<Outcome>) -> (bool, usize) {
        let cases = outcome.map(|outcome| CaseReport {
            id: CaseId::single(item()),
            outcome,
            cause: None,
            file: None,
            line: None,
            message: String::new(),
            duration_ms: 0,
        });
        let run = RunReport {
            command: Vec::new(),
            ended: Ended::Code(0),
            cases: cases.into_iter().collect(),
            load_failures: Vec::new(),
            problems: Vec::new(),
            pass_line: None,
            tail: Vec::new(),
            output: Digest::of(b""),
            duration_ms: 0,
        };
        let test = PlantedTest {
            item: item(),
            entered,
            ended,
            went_on: false,
        };
        let (control, failures) = judge_planted(std::slice::from_ref(&test), &run);
        let swallowed = PlantedTest {
            went_on: true,
            ..test
        };
        assert_eq!(judge_planted(&[swallowed], &run).1.len(), 1);
        (control.is_some(), failures.len())
    }

    #[test]
    fn c7_a_test_that_passes_behind_its_planted_failure_is_empty() {
        assert_eq!(judge(true, true, Some(Outcome::Passed)), (false, 1));
        assert_eq!(judge(false, false, Some(Outcome::Passed)), (false, 1));
        assert_eq!(judge(true, true, Some(Outcome::Failed)), (true, 0));
        // It returned early: nothing is known.
        assert_eq!(judge(true, false, Some(Outcome::Passed)), (false, 0));
        // It does not load with the change, or was not run: nobody is blamed.
        assert_eq!(judge(false, false, None), (false, 0));
        assert_eq!(judge(false, false, Some(Outcome::Errored)), (false, 0));
    }
}
