//! Tests that are known only from the report of a command (`kind = "junit"`): the cases are the items (SPEC B3, B5).
//!
//! Nobody reads their text, so a case that was there before counts as changed only when it answers differently, and a file
//! that does not load hides its tests altogether.

use super::context::Setting;
use super::proposal::Proposal;
use redgreen_core::id::{Digest, ItemId, RelPath, RunnerName};
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::RunReport;
use redgreen_core::test_item::TestItem;
use redgreen_formats::junit::places::NO_FILE;
use redgreen_host::runner::RunnerKind;
use std::collections::{BTreeMap, BTreeSet};

/// Items by report.
#[derive(Debug, Default)]
pub struct Reported {
    /// Of the base.
    pub base_items: Vec<TestItem>,
    /// Of the base with the new tests.
    pub items: Vec<TestItem>,
    /// Files that hide new tests.
    pub findings: Vec<Reason>,
    any: bool,
}

impl Reported {
    /// The items of the runners that are known by their reports only.
    #[must_use]
    pub fn of(
        setting: &Setting,
        proposal: &Proposal,
        base: Option<&RunReport>,
        runs: [&RunReport; 2],
    ) -> Self {
        let names: BTreeSet<Option<RunnerName>> = setting
            .config
            .runners
            .iter()
            .filter(|runner| runner.kind == RunnerKind::Junit)
            .map(|runner| runner.name.clone())
            .collect();
        let mut reported = Self::default();
        if names.is_empty() {
            return reported;
        }
        reported.any = true;
        let of_run = |run: &RunReport, into: &mut BTreeMap<ItemId, u32>| {
            for case in &run.cases {
                if names.contains(&case.id.item.runner) {
                    into.entry(case.id.item.clone())
                        .or_insert(case.line.unwrap_or(1));
                }
            }
        };
        let mut before = BTreeMap::new();
        if let Some(base) = base {
            of_run(base, &mut before);
        }
        let mut now = BTreeMap::new();
        for run in runs {
            of_run(run, &mut now);
        }
        let item_rules = setting.item_rules();
        let mut unloaded: BTreeSet<&RelPath> = BTreeSet::new();
        for failure in &runs[0].load_failures {
            let own = failure.files.iter().filter(|file| {
                item_rules
                    .runner(file)
                    .is_some_and(|runner| runner.kind == RunnerKind::Junit)
            });
            for file in own {
                unloaded.insert(file);
                if proposal.affected.contains(file) {
                    let why = failure
                        .causes
                        .first()
                        .map_or("", |located| located.cause.detail.as_str());
                    reported.findings.push(
                        Reason::new(
                            ReasonCode::TestNotCollected,
                            format!("`{file}` does not load, so its report names none of its tests: {why}"),
                            "add a stub to the source that lets the tests load and fail (it may throw `not implemented`), commit it, and prove red again",
                        )
                        .at(file.clone()),
                    );
                }
            }
        }
        // A test of a file that does not load any more is not removed: nobody could ask it.
        for (id, line) in &before {
            if unloaded.contains(&id.path) {
                now.entry(id.clone()).or_insert(*line);
            }
        }
        reported.base_items = items(before);
        reported.items = items(now);
        reported
    }

    /// The files whose tests may turn red: also the tests of no known file.
    #[must_use]
    pub fn and_files(&self, mut files: BTreeSet<RelPath>) -> BTreeSet<RelPath> {
        if self.any
            && let Ok(none) = RelPath::new(NO_FILE)
        {
            files.insert(none);
        }
        files
    }
}

fn items(ids: BTreeMap<ItemId, u32>) -> Vec<TestItem> {
    ids.into_iter()
        .map(|(id, line)| TestItem {
            text: Digest::of(id.item.as_bytes()),
            id,
            line,
            end_line: line,
            marks: BTreeSet::new(),
        })
        .collect()
}
