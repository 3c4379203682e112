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
        self.hidden_files();
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
                            && !coverage.hidden
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

    /// What is held out are whole new files: a part of a file, or one that was there before, cannot be kept from the
    /// implementer (SPEC C7).
    fn hidden_files(&mut self) {
        let hidden: BTreeSet<&str> = self
            .input
            .map
            .values()
            .flatten()
            .filter(|coverage| coverage.hidden)
            .map(|coverage| coverage.test.as_str())
            .collect();
        let items = || self.input.items.iter().map(|item| &item.id);
        let files: BTreeSet<_> = items()
            .filter(|id| hidden.contains(id.to_string().as_str()))
            .map(|id| &id.path)
            .collect();
        for path in files {
            let shown =
                items().find(|id| id.path == *path && !hidden.contains(id.to_string().as_str()));
            let before = self
                .input
                .base_items
                .iter()
                .any(|item| item.id.path == *path);
            let why = match shown {
                Some(id) => format!(
                    "`{path}` is held out only in part: `{}` is not hidden",
                    id.item
                ),
                None if before => format!("`{path}` was there before and cannot be held out"),
                None => continue,
            };
            self.findings.add(
                Verdict::Fail,
                Reason::new(
                    ReasonCode::CriteriaMapInvalid,
                    why,
                    "hold out a new file as a whole: every test of it with `\"hidden\": true`",
                )
                .at(path.clone()),
            );
        }
    }
}
