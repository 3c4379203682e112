//! The control of changed expectations (SPEC C7): the same tests with other expected values must fail.

use super::Control;
use crate::id::ItemId;
use crate::outcome::Outcome;
use crate::reason::{Reason, ReasonCode};
use crate::run_report::RunReport;
use std::collections::{BTreeMap, BTreeSet};

/// A place whose expected value was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedSite {
    /// What it reports when it is evaluated.
    pub id: String,
    /// The test it belongs to.
    pub item: ItemId,
    /// Its line, from 1.
    pub line: u32,
}

/// What the control established.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExpectationControl {
    /// The control as it is shown; `None` where no test could be controlled.
    pub control: Option<Control>,
    /// Tests that passed although a changed expectation was evaluated: their result is empty.
    pub failures: Vec<Reason>,
    /// Tests without a control, named.
    pub notes: Vec<Reason>,
}

/// Judges the control. `items` are the tests that GREEN passed, `groups` the same by criterion (one group where there is
/// one criterion), `evaluated` the sites that reported.
///
/// A test that fails now noticed. A test that passes although one of its sites was evaluated is empty: something makes
/// every comparison true, or the result is not the test's own. Everything else has no control: nothing to change, not
/// evaluated, or not compiled. But where a criterion's tests have expectations, pass, and not one of them was evaluated,
/// the tests did not run: at least one test per criterion has to be controlled.
#[must_use]
pub fn judge_expectations(
    items: &[ItemId],
    groups: &[Vec<ItemId>],
    sites: &[ChangedSite],
    evaluated: &BTreeSet<String>,
    run: Option<&RunReport>,
) -> ExpectationControl {
    let mut outcomes: BTreeMap<&ItemId, Vec<Outcome>> = BTreeMap::new();
    for case in run.iter().flat_map(|run| &run.cases) {
        outcomes
            .entry(&case.id.item)
            .or_default()
            .push(case.outcome);
    }
    let (mut noticed, mut failures, mut without) = (Vec::new(), Vec::new(), Vec::new());
    for item in items {
        let seen = outcomes.get(item).map_or(&[][..], Vec::as_slice);
        let own: Vec<&ChangedSite> = sites
            .iter()
            .filter(|site| site.item == *item && evaluated.contains(&site.id))
            .collect();
        let failed = seen.iter().any(|outcome| {
            matches!(
                outcome,
                Outcome::Failed | Outcome::Errored | Outcome::TimedOut | Outcome::Crashed
            )
        });
        match own.first() {
            Some(_) if failed => noticed.push(item.to_string()),
            Some(site)
                if !seen.is_empty() && seen.iter().all(|outcome| *outcome == Outcome::Passed) =>
            {
                failures.push(
                    Reason::new(
                        ReasonCode::ControlFailed,
                        format!("`{}` passes whatever value it expects", item.item),
                        "let the source return real values: something makes every comparison true, or decides the result \
                         outside of the test",
                    )
                    .at(item.path.clone())
                    .line(site.line)
                    .test(item),
                );
            }
            Some(_) | None => without.push(item),
        }
    }
    for group in groups {
        let passed = |item: &ItemId| {
            outcomes
                .get(item)
                .is_some_and(|seen| seen.iter().all(|outcome| *outcome == Outcome::Passed))
        };
        let idle: Vec<&ChangedSite> = sites
            .iter()
            .filter(|site| group.contains(&site.item) && passed(&site.item))
            .collect();
        let controlled = group.iter().any(|item| noticed.contains(&item.to_string()));
        let evaluated_any = sites
            .iter()
            .any(|site| group.contains(&site.item) && evaluated.contains(&site.id));
        if let (Some(site), false, false) = (idle.first(), controlled, evaluated_any) {
            failures.push(
                Reason::new(
                    ReasonCode::ControlFailed,
                    format!(
                        "`{}` is reported as passed, and its expectations were never evaluated",
                        site.item.item
                    ),
                    "let the tests run: something reports them as passed without running them",
                )
                .at(site.item.path.clone())
                .line(site.line)
                .test(&site.item),
            );
        }
    }
    let total = items.len();
    let control = (!noticed.is_empty()).then(|| Control {
        kind: "changed_expectations".to_owned(),
        result: format!(
            "{} of {total} notice changed expected values",
            noticed.len()
        ),
        tests: noticed,
    });
    let notes = without
        .into_iter()
        .map(|item| {
            Reason::new(
                ReasonCode::NoControl,
                format!(
                    "`{}` compares with no value that could be changed",
                    item.item
                ),
                "an equality with a literal gives it a control",
            )
            .at(item.path.clone())
            .test(item)
        })
        .collect();
    ExpectationControl {
        control,
        failures,
        notes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{CaseId, Digest};
    use crate::run_report::{CaseReport, Ended};

    fn item(name: &str) -> ItemId {
        ItemId::try_from(format!("tests/a.py::{name}")).unwrap()
    }
    fn run(cases: &[(&str, Outcome)]) -> RunReport {
        RunReport {
            command: Vec::new(),
            ended: Ended::Code(1),
            cases: cases
                .iter()
                .map(|(name, outcome)| CaseReport {
                    id: CaseId::single(item(name)),
                    outcome: *outcome,
                    cause: None,
                    file: None,
                    line: None,
                    message: String::new(),
                    duration_ms: 0,
                })
                .collect(),
            load_failures: Vec::new(),
            problems: Vec::new(),
            pass_line: None,
            tail: Vec::new(),
            output: Digest::of(b""),
            duration_ms: 0,
        }
    }

    #[test]
    fn c7_only_a_test_that_evaluated_a_changed_value_and_passed_is_empty() {
        let items = [
            item("noticed"),
            item("empty"),
            item("not_evaluated"),
            item("nothing_to_change"),
        ];
        let site = |name: &str| ChangedSite {
            id: name.to_owned(),
            item: item(name),
            line: 3,
        };
        let sites = [site("noticed"), site("empty"), site("not_evaluated")];
        let evaluated = ["noticed", "empty"].map(str::to_owned).into();
        let report = run(&[
            ("noticed", Outcome::Failed),
            ("empty", Outcome::Passed),
            ("not_evaluated", Outcome::Passed),
            ("nothing_to_change", Outcome::Passed),
        ]);
        let judged =
            judge_expectations(&items, &[items.to_vec()], &sites, &evaluated, Some(&report));
        assert_eq!(judged.failures.len(), 1);
        assert_eq!(
            judged.failures[0].test.as_deref(),
            Some("tests/a.py::empty")
        );
        assert_eq!(judged.notes.len(), 2);
        assert_eq!(
            judged.control.unwrap().result,
            "1 of 4 notice changed expected values"
        );
    }

    #[test]
    fn c7_a_control_run_that_did_not_happen_blames_nobody() {
        let judged = judge_expectations(
            &[item("a")],
            &[vec![item("a")]],
            &[],
            &BTreeSet::new(),
            None,
        );
        assert!(judged.failures.is_empty() && judged.control.is_none() && judged.notes.len() == 1);
    }

    #[test]
    fn c7_a_criterion_whose_expectations_are_never_evaluated_was_not_tested() {
        let items = [item("a"), item("b")];
        let sites = [ChangedSite {
            id: "1".to_owned(),
            item: item("a"),
            line: 3,
        }];
        let report = run(&[("a", Outcome::Passed), ("b", Outcome::Passed)]);
        let judged = judge_expectations(
            &items,
            &[items.to_vec()],
            &sites,
            &BTreeSet::new(),
            Some(&report),
        );
        assert_eq!(judged.failures.len(), 1);
        // Tests without anything to change are no proof of that.
        let judged = judge_expectations(
            &items,
            &[items.to_vec()],
            &[],
            &BTreeSet::new(),
            Some(&report),
        );
        assert!(judged.failures.is_empty());
    }
}
