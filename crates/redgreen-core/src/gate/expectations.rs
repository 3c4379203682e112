//! The control of changed expectations (SPEC C7): the same tests with other expected values must fail.

use super::Control;
use crate::id::{ItemId, RelPath};
use crate::outcome::Outcome;
use crate::reason::{Reason, ReasonCode};
use crate::run_report::RunReport;
use std::collections::{BTreeMap, BTreeSet};

/// A place whose expected value was changed, and what it reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedSite {
    /// What it reports when it is evaluated.
    pub id: String,
    /// The test it belongs to.
    pub item: ItemId,
    /// The file it stands in: the test's own, or that of a helper.
    pub path: RelPath,
    /// Its line, from 1.
    pub line: u32,
    /// Nothing around it can catch a failing assertion.
    pub decisive: bool,
    /// It is evaluated whenever the test passes.
    pub certain: bool,
    /// It was evaluated, with another value.
    pub evaluated: bool,
    /// The test came to it, whether or not its value could be changed.
    pub reached: bool,
    /// The test went on behind the assertion: it was true.
    pub went_on: bool,
}

/// What the control established.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExpectationControl {
    /// The control as it is shown; `None` where no test could be controlled.
    pub control: Option<Control>,
    /// Tests that passed although a changed expectation was evaluated: their result is empty.
    pub failures: Vec<Reason>,
    /// Criteria without a controlled test, where that is not enough (SPEC C7, policy).
    pub refusals: Vec<Reason>,
    /// Tests without a control, named.
    pub notes: Vec<Reason>,
}

/// What the control is judged on.
#[derive(Debug)]
pub struct ExpectationInput<'a> {
    /// The tests that GREEN passed.
    pub items: &'a [ItemId],
    /// The same by criterion; one group without a name where there is one criterion.
    pub groups: &'a [(String, Vec<ItemId>)],
    /// The changed places of these tests.
    pub sites: &'a [ChangedSite],
    /// The run with other expected values.
    pub run: Option<&'a RunReport>,
    /// Tests that passed here, and failed with an object of an unknown type as the expected value: what they compare is
    /// equal to every value of a type by design.
    pub loose: &'a BTreeSet<ItemId>,
    /// Whether every criterion needs a controlled test.
    pub required: bool,
    /// Whether a person said that tests may be loose.
    pub loose_accepted: bool,
}

/// Outcomes of each item.
fn outcomes(run: Option<&RunReport>) -> BTreeMap<&ItemId, Vec<Outcome>> {
    let mut outcomes: BTreeMap<&ItemId, Vec<Outcome>> = BTreeMap::new();
    for case in run.iter().flat_map(|run| &run.cases) {
        outcomes
            .entry(&case.id.item)
            .or_default()
            .push(case.outcome);
    }
    outcomes
}

/// The tests that passed although a changed expectation was evaluated and true, with the place.
#[must_use]
pub fn empty_tests<'a>(
    items: &'a [ItemId],
    sites: &'a [ChangedSite],
    run: Option<&RunReport>,
) -> Vec<(&'a ItemId, &'a ChangedSite)> {
    let outcomes = outcomes(run);
    items
        .iter()
        .filter(|item| {
            outcomes.get(item).is_some_and(|seen| {
                !seen.is_empty() && seen.iter().all(|outcome| *outcome == Outcome::Passed)
            })
        })
        .filter_map(|item| {
            let site = sites.iter().find(|site| {
                site.item == *item && site.evaluated && (site.decisive || site.went_on)
            })?;
            Some((item, site))
        })
        .collect()
}

/// Judges the control.
///
/// A test that fails now noticed. A test that passes although the changed assertion was true is empty: something makes
/// every comparison true, or the result is not the test's own. Everything else has no control: nothing to change, not
/// evaluated, not compiling, or in a place where something may have caught the failure. But where a criterion's tests
/// have expectations that are certainly evaluated, pass, and not one of them was evaluated, the tests did not run.
#[must_use]
pub fn judge_expectations(input: &ExpectationInput<'_>) -> ExpectationControl {
    let outcomes = outcomes(input.run);
    let empty: BTreeMap<&ItemId, &ChangedSite> = empty_tests(input.items, input.sites, input.run)
        .into_iter()
        .collect();
    let (mut noticed, mut failures, mut without) = (Vec::new(), Vec::new(), Vec::new());
    let mut loose = Vec::new();
    for item in input.items {
        let seen = outcomes.get(item).map_or(&[][..], Vec::as_slice);
        let evaluated = input
            .sites
            .iter()
            .any(|site| site.item == *item && site.evaluated);
        let failed = seen.iter().any(|outcome| outcome.is_failure());
        match empty.get(item) {
            _ if evaluated && failed => noticed.push(item),
            Some(site) if !input.loose.contains(item) => failures.push(
                Reason::new(
                    ReasonCode::ControlFailed,
                    format!("`{}` passes whatever value it expects", item.item),
                    "let the source return real values: something makes every comparison true, or decides the result \
                     outside of the test",
                )
                .at(site.path.clone())
                .line(site.line)
                .test(item),
            ),
            Some(_) => {
                // Nothing says whether what equals every number is a matcher of the project or an answer to every test.
                if !input.loose_accepted {
                    loose.push(equal_to_all(item));
                }
                without.push(item);
            }
            None => without.push(item),
        }
    }
    let mut refusals = loose;
    for (criterion, group) in input.groups {
        let controlled = group.iter().any(|item| noticed.contains(&item));
        if controlled {
            continue;
        }
        if let Some(site) = never_evaluated(group, input.sites, &outcomes) {
            failures.push(
                Reason::new(
                    ReasonCode::ControlFailed,
                    format!(
                        "`{}` is reported as passed, and its expectations were never evaluated",
                        site.item.item
                    ),
                    "let the tests run: something reports them as passed without running them",
                )
                .at(site.path.clone())
                .line(site.line)
                .test(&site.item),
            );
        } else if input.required && failures.is_empty() {
            refusals.push(uncontrolled(criterion));
        }
    }
    let total = input.items.len();
    let control = (!noticed.is_empty()).then(|| Control {
        kind: "changed_expectations".to_owned(),
        result: format!(
            "{} of {total} notice changed expected values",
            noticed.len()
        ),
        tests: noticed.iter().map(ToString::to_string).collect(),
    });
    let notes = without
        .into_iter()
        .map(|item| no_control(item, input))
        .collect();
    ExpectationControl {
        control,
        failures,
        refusals,
        notes,
    }
}

/// A place that a passing test evaluates for certain, where none of a criterion's places was evaluated.
fn never_evaluated<'a>(
    group: &[ItemId],
    sites: &'a [ChangedSite],
    outcomes: &BTreeMap<&ItemId, Vec<Outcome>>,
) -> Option<&'a ChangedSite> {
    let mut own = sites.iter().filter(|site| group.contains(&site.item));
    if own.clone().any(|site| site.reached) {
        return None;
    }
    own.find(|site| {
        site.certain
            && outcomes.get(&site.item).is_some_and(|seen| {
                !seen.is_empty() && seen.iter().all(|outcome| *outcome == Outcome::Passed)
            })
    })
}

fn equal_to_all(item: &ItemId) -> Reason {
    Reason::new(
        ReasonCode::CriterionWithoutControl,
        format!("`{}` passes with every expected value of the same type", item.item),
        "let it compare plain values (redgreen amend TASK --reason '…'); where matching many values is what the code is for, \
         accept it: `[controls] uncontrolled = \"note\"` in redgreen.toml",
    )
    .at(item.path.clone())
    .test(item)
}

fn uncontrolled(criterion: &str) -> Reason {
    let whose = if criterion.is_empty() {
        "the task".to_owned()
    } else {
        criterion.to_owned()
    };
    Reason::new(
        ReasonCode::CriterionWithoutControl,
        format!("no test of {whose} was shown to notice another expected value"),
        "let one of its tests compare with an expected value (redgreen amend TASK --reason '…'), or accept it: \
         `[controls] uncontrolled = \"note\"` in redgreen.toml",
    )
}

fn no_control(item: &ItemId, input: &ExpectationInput<'_>) -> Reason {
    let own = || input.sites.iter().filter(|site| site.item == *item);
    let (why, help) = if input.loose.contains(item) {
        (
            "compares with something that is equal to every value of a type",
            "an equality of plain values gives it a control",
        )
    } else if own().next().is_none() {
        (
            "compares with no value that could be changed",
            "an equality with an expected value gives it a control",
        )
    } else if own().any(|site| site.evaluated) {
        (
            "passes with another expected value where something may catch a failing assertion",
            "an equality outside of `try`, `with` and nested functions gives it a control",
        )
    } else if own().any(|site| site.reached) {
        (
            "compares with values of which no other one is known",
            "an equality of numbers, strings or collections gives it a control",
        )
    } else {
        (
            "did not come to a changed expected value",
            "an equality that every run evaluates gives it a control",
        )
    };
    Reason::new(
        ReasonCode::NoControl,
        format!("`{}` {why}", item.item),
        help,
    )
    .at(item.path.clone())
    .test(item)
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
    fn site(name: &str, evaluated: bool) -> ChangedSite {
        ChangedSite {
            id: name.to_owned(),
            item: item(name),
            path: item(name).path,
            line: 3,
            decisive: true,
            certain: true,
            evaluated,
            reached: evaluated,
            went_on: false,
        }
    }
    fn judge(
        names: &[&str],
        sites: &[ChangedSite],
        report: Option<&RunReport>,
        loose: &[&str],
        required: bool,
    ) -> ExpectationControl {
        let items: Vec<ItemId> = names.iter().map(|name| item(name)).collect();
        judge_expectations(&ExpectationInput {
            items: &items,
            groups: &[("AC-1".to_owned(), items.clone())],
            sites,
            run: report,
            loose: &loose.iter().map(|name| item(name)).collect(),
            required,
            loose_accepted: !required,
        })
    }

    #[test]
    fn c7_only_a_test_that_evaluated_a_changed_value_and_passed_is_empty() {
        let sites = [
            site("noticed", true),
            site("empty", true),
            site("not_evaluated", false),
            site("loose", true),
        ];
        let report = run(&[
            ("noticed", Outcome::Failed),
            ("empty", Outcome::Passed),
            ("not_evaluated", Outcome::Passed),
            ("nothing_to_change", Outcome::Passed),
            ("loose", Outcome::Passed),
        ]);
        let names = [
            "noticed",
            "empty",
            "not_evaluated",
            "nothing_to_change",
            "loose",
        ];
        let judged = judge(&names, &sites, Some(&report), &["loose"], true);
        assert_eq!(judged.failures.len(), 1);
        assert_eq!(
            judged.failures[0].test.as_deref(),
            Some("tests/a.py::empty")
        );
        assert_eq!(judged.notes.len(), 3);
        assert_eq!(
            judged.control.unwrap().result,
            "1 of 5 notice changed expected values"
        );
        assert_eq!(
            judged.refusals[0].test.as_deref(),
            Some("tests/a.py::loose")
        );
        let judged = judge(&names, &sites, Some(&report), &["loose"], false);
        assert!(judged.refusals.is_empty() && judged.notes.len() == 3);
    }

    #[test]
    fn c7_where_a_failure_can_be_caught_only_going_on_counts() {
        let caught = ChangedSite {
            decisive: false,
            certain: false,
            ..site("a", true)
        };
        let report = run(&[("a", Outcome::Passed)]);
        let judged = judge(
            &["a"],
            std::slice::from_ref(&caught),
            Some(&report),
            &[],
            false,
        );
        assert!(judged.failures.is_empty() && judged.notes.len() == 1);
        let went_on = ChangedSite {
            went_on: true,
            ..caught
        };
        let judged = judge(&["a"], &[went_on], Some(&report), &[], false);
        assert_eq!(judged.failures.len(), 1);
    }

    #[test]
    fn c7_a_control_run_that_did_not_happen_blames_nobody() {
        let judged = judge(&["a"], &[], None, &[], false);
        assert!(judged.failures.is_empty() && judged.control.is_none() && judged.notes.len() == 1);
        assert!(judged.refusals.is_empty());
    }

    #[test]
    fn c7_a_criterion_without_a_controlled_test_is_refused_where_that_is_asked() {
        let judged = judge(&["a"], &[], None, &[], true);
        assert_eq!(judged.refusals[0].code, ReasonCode::CriterionWithoutControl);
        let report = run(&[("a", Outcome::Failed)]);
        let judged = judge(&["a"], &[site("a", true)], Some(&report), &[], true);
        assert!(judged.refusals.is_empty());
    }

    #[test]
    fn c7_a_criterion_whose_expectations_are_never_evaluated_was_not_tested() {
        let report = run(&[("a", Outcome::Passed), ("b", Outcome::Passed)]);
        let judged = judge(&["a", "b"], &[site("a", false)], Some(&report), &[], false);
        assert_eq!(judged.failures.len(), 1);
        // Behind a condition it may be right that nothing was evaluated.
        let uncertain = ChangedSite {
            certain: false,
            ..site("a", false)
        };
        let judged = judge(&["a", "b"], &[uncertain], Some(&report), &[], false);
        assert!(judged.failures.is_empty());
        // Tests without anything to change are no proof of that.
        let judged = judge(&["a", "b"], &[], Some(&report), &[], false);
        assert!(judged.failures.is_empty());
    }
}
