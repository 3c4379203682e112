//! Tests that the task did not touch, and tests that answer differently when they are asked twice.

use super::super::TestVerdict;
use super::{Index, Judge, Seen};
use crate::id::ItemId;
use crate::outcome::{CauseClass, Outcome, Role, Verdict};
use crate::reason::{Reason, ReasonCode};
use crate::run_report::CaseReport;
use crate::test_item::TestItem;
use std::collections::{BTreeMap, BTreeSet};

impl<'a> Judge<'a> {
    /// An item whose text did not change: it must still do what it did, be blocked, or be red through changed data.
    pub(super) fn untouched(&mut self, item: &'a TestItem, index: &Index<'a>) {
        let id = &item.id;
        let base = self.base.get(id).cloned().unwrap_or_default();
        if base.is_empty() || base.iter().any(|case| case.outcome != Outcome::Passed) {
            return;
        }
        match index.seen(id, self.input.unreachable) {
            Seen::Nothing | Seen::Unreachable(_) => {
                if self.input.changed_files.contains(&id.path) {
                    self.findings.add(
                        Verdict::Fail,
                        Reason::new(
                            ReasonCode::CollateralBroken,
                            format!("`{}` passed before and is not run any more", id.item),
                            "the new tests must not keep an old one from running",
                        )
                        .at(id.path.clone())
                        .line(item.line)
                        .test(id),
                    );
                }
            }
            Seen::NotLoaded(failure) => {
                let text = id.to_string();
                let mut all_right = !failure.causes.is_empty();
                for located in &failure.causes {
                    let class = self.class(&located.cause, &text, id);
                    if class != CauseClass::Right {
                        all_right = false;
                        self.refuse(
                            &located.cause,
                            class,
                            &text,
                            id,
                            located.file.clone(),
                            located.line,
                        );
                    }
                }
                if all_right {
                    for case in base {
                        self.tests.push(TestVerdict {
                            outcome: Outcome::Blocked,
                            ..TestVerdict::of(case, Role::Collateral)
                        });
                    }
                } else if failure.causes.is_empty() {
                    self.findings.add(
                        Verdict::Fail,
                        Reason::new(
                            ReasonCode::BlockedWithoutCause,
                            format!("`{}` cannot load any more, and nothing says why", id.item),
                            "look at the runner's output (-v)",
                        )
                        .at(id.path.clone())
                        .test(id),
                    );
                }
            }
            Seen::Cases(cases) => {
                let failing: Vec<&CaseReport> = cases
                    .iter()
                    .filter(|case| case.outcome != Outcome::Passed)
                    .copied()
                    .collect();
                if failing.is_empty() {
                    return;
                }
                let by_data = self.input.changed_files.contains(&id.path)
                    && failing.iter().all(|case| {
                        case.cause.as_ref().is_some_and(|cause| {
                            self.class(cause, &case.id.to_string(), id) == CauseClass::Right
                        })
                    });
                if by_data {
                    self.red.insert(id.clone());
                    for case in cases {
                        self.tests.push(TestVerdict::of(case, Role::Required));
                    }
                    return;
                }
                for case in failing {
                    self.findings.add(
                        Verdict::Fail,
                        Reason::new(
                            ReasonCode::CollateralBroken,
                            format!(
                                "`{}` passed before the new tests and is {} now",
                                case.id, case.outcome
                            ),
                            "the new tests must leave every other test as it was",
                        )
                        .at(id.path.clone())
                        .line(case.line.unwrap_or(item.line))
                        .test(&case.id),
                    );
                    self.tests.push(TestVerdict::of(case, Role::Collateral));
                }
            }
        }
    }

    pub(super) fn flaky(&mut self, first: &Index<'a>, second: &Index<'a>) {
        let mut all: BTreeSet<&ItemId> = first.cases.keys().copied().collect();
        all.extend(second.cases.keys().copied());
        for id in all {
            let view = |index: &Index<'a>| -> BTreeMap<String, (Outcome, Option<CauseClass>)> {
                index
                    .cases
                    .get(id)
                    .into_iter()
                    .flatten()
                    .map(|case| {
                        (
                            case.id.case.clone(),
                            (
                                case.outcome,
                                case.cause.as_ref().map(|cause| cause.cause.class()),
                            ),
                        )
                    })
                    .collect()
            };
            let (one, two) = (view(first), view(second));
            if one == two {
                continue;
            }
            // Ids that are made from the time or an address differ by themselves; what the cases did does not.
            let results = |view: &BTreeMap<String, (Outcome, Option<CauseClass>)>| {
                let mut all: Vec<String> =
                    view.values().map(|result| format!("{result:?}")).collect();
                all.sort();
                all
            };
            let same_ids = one.keys().eq(two.keys());
            if !same_ids && results(&one) == results(&two) {
                self.findings.note(
                    Reason::new(
                        ReasonCode::Flaky,
                        format!(
                            "the ids of the cases of `{}` differ between runs; only those that do not are locked by name",
                            id.item
                        ),
                        "give the parameters fixed ids",
                    )
                    .at(id.path.clone())
                    .test(id),
                );
                continue;
            }
            let show = |view: &BTreeMap<String, (Outcome, Option<CauseClass>)>| {
                if view.is_empty() {
                    "not run".to_owned()
                } else {
                    view.iter()
                        .map(|(case, (outcome, _))| {
                            format!("{case}{}{outcome}", if case.is_empty() { "" } else { " " })
                        })
                        .collect::<Vec<_>>()
                        .join(", ")
                }
            };
            let reason = |code| {
                Reason::new(
                    code,
                    format!(
                        "the same bytes gave `{}` and then `{}`",
                        show(&one),
                        show(&two)
                    ),
                    "make the test independent of time, order and chance",
                )
                .at(id.path.clone())
                .test(id)
            };
            if self.red.contains(id)
                || self.guards.contains(id)
                || self.tests.iter().any(|test| test.item == *id)
            {
                self.findings.add(Verdict::Flaky, reason(ReasonCode::Flaky));
            } else {
                self.findings.note(reason(ReasonCode::FlakyOnBase));
            }
        }
    }
}
