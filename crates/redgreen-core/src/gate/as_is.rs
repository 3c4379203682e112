//! The control of marked expectations (SPEC C7): a test whose expected values are marked, and are what they were, passes.

use super::Control;
use crate::id::ItemId;
use crate::outcome::Outcome;
use crate::reason::{Reason, ReasonCode};
use crate::run_report::RunReport;

/// Judges tests that passed as they are written, and noticed other values in a text that was changed in the same way.
///
/// One that does not pass here, or does not load, knows which text it is in.
#[must_use]
pub fn judge_as_is(items: &[ItemId], run: &RunReport) -> (Option<Control>, Vec<Reason>) {
    let (mut passed, mut failures) = (Vec::new(), Vec::new());
    for item in items {
        let mut seen = run
            .cases
            .iter()
            .filter(|case| case.id.item == *item)
            .peekable();
        let all = seen.peek().is_some() && seen.all(|case| case.outcome == Outcome::Passed);
        if all {
            passed.push(item.to_string());
        } else {
            failures.push(
                Reason::new(
                    ReasonCode::ControlFailed,
                    format!(
                        "`{}` passes as it is written, and not with the same values in a text that was changed around them",
                        item.item
                    ),
                    "let the source not look at the tests, their callers or their helpers; where a test reads its own \
                     text, `[controls] tasks` in redgreen.toml sets another level",
                )
                .at(item.path.clone())
                .test(item),
            );
        }
    }
    let control = (!passed.is_empty()).then(|| Control {
        kind: "as_is".to_owned(),
        result: format!(
            "{} of {} pass when their expected values are only marked",
            passed.len(),
            items.len()
        ),
        tests: passed,
    });
    (control, failures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{CaseId, Digest};
    use crate::run_report::{CaseReport, Ended};

    #[test]
    fn c7_what_passed_as_it_is_written_and_not_with_the_same_values_knows_its_text() {
        let item = |name: &str| ItemId::try_from(format!("tests/a.py::{name}")).unwrap();
        let case = |name: &str, outcome| CaseReport {
            id: CaseId::single(item(name)),
            outcome,
            cause: None,
            file: None,
            line: None,
            message: String::new(),
            duration_ms: 0,
        };
        let run = RunReport {
            command: Vec::new(),
            ended: Ended::Code(1),
            cases: vec![
                case("same", Outcome::Passed),
                case("other", Outcome::Failed),
                case("twice", Outcome::Passed),
                case("twice", Outcome::Skipped),
            ],
            load_failures: Vec::new(),
            problems: Vec::new(),
            pass_line: None,
            tail: Vec::new(),
            output: Digest::of(b""),
            duration_ms: 0,
        };
        let items: Vec<ItemId> = ["same", "other", "twice", "gone"].map(item).to_vec();
        let (control, failures) = judge_as_is(&items, &run);
        assert_eq!(control.unwrap().tests, ["tests/a.py::same"]);
        let named: Vec<&str> = failures
            .iter()
            .filter_map(|reason| reason.test.as_deref())
            .collect();
        assert_eq!(
            named,
            ["tests/a.py::other", "tests/a.py::twice", "tests/a.py::gone"]
        );
        assert!(judge_as_is(&[], &run).0.is_none());
    }
}
