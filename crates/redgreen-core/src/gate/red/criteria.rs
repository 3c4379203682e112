//! Every criterion has a red test, and the map names what exists (SPEC B3, B3a).

use super::Judge;
use crate::outcome::Verdict;
use crate::reason::{Reason, ReasonCode};
use std::collections::BTreeSet;

impl Judge<'_> {
    pub(super) fn criteria(&mut self) {
        let mut known: BTreeSet<String> = self
            .input
            .items
            .iter()
            .map(|item| item.id.to_string())
            .collect();
        known.extend(
            self.input.runs[0]
                .cases
                .iter()
                .map(|case| case.id.to_string()),
        );
        for (criterion, coverages) in self.input.map {
            if !self.input.criteria.is_empty() && !self.input.criteria.contains(criterion) {
                self.findings.add(
                    Verdict::Fail,
                    Reason::new(
                        ReasonCode::CriteriaMapInvalid,
                        format!(
                            "the criteria map names `{criterion}`, which the task does not have"
                        ),
                        "name the criteria of the task",
                    ),
                );
            }
            for coverage in coverages {
                if !known.contains(&coverage.test) {
                    self.findings.add(
                        Verdict::Fail,
                        Reason::new(
                            ReasonCode::CriteriaMapInvalid,
                            format!(
                                "the criteria map names `{}`, which is no test here",
                                coverage.test
                            ),
                            "use an id as `redgreen red --format json` prints it",
                        )
                        .test(&coverage.test),
                    );
                }
            }
        }
        let single = self.input.criteria.len() == 1 && self.input.map.values().all(Vec::is_empty);
        for criterion in self.input.criteria {
            let served = single && !self.red.is_empty()
                || self
                    .input
                    .map
                    .get(criterion)
                    .into_iter()
                    .flatten()
                    .any(|coverage| {
                        !coverage.guard
                            && self.tests.iter().any(|test| {
                                (test.id == coverage.test || test.item.to_string() == coverage.test)
                                    && self.red.contains(&test.item)
                            })
                    });
            if !served {
                let task = self
                    .input
                    .task
                    .map_or_else(|| "TASK".to_owned(), ToString::to_string);
                self.findings.add(
                    Verdict::Fail,
                    Reason::new(
                        ReasonCode::CriterionWithoutRed,
                        format!("{criterion} has no red test"),
                        format!("write one and name it in `.redgreen/criteria/{task}.json`, or by hand: --covers {criterion}=TEST"),
                    ),
                );
            }
        }
    }
}
