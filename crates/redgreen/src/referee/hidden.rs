//! Hold-outs (SPEC C7, strict): whole test files that the implementer never sees. They are kept in private state until
//! delivery, in no git object that an agent's clone has, and are judged at GREEN beside the locked tests.

use super::context::{Context, Environments, Setting};
use super::proposal::{bytes_of, criteria_path};
use super::red::{RedOutcome, all_items};
use super::trees::{TreeOnDisk, of_runner};
use crate::error::Failure;
use redgreen_core::gate::{Control, ExpectedTest};
use redgreen_core::id::{Digest, ItemId, RelPath, TaskId};
use redgreen_core::outcome::Outcome;
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::RunReport;
use redgreen_core::test_item::CriteriaMap;
use redgreen_host::git::Repository;
use redgreen_host::runner::{Runner, Selection};
use redgreen_host::tree::Snapshot;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What is held out of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldOut {
    /// The files with their bytes.
    files: BTreeMap<RelPath, Vec<u8>>,
    /// Their tests.
    pub tests: Vec<ExpectedTest>,
    /// The complete criteria map; the one that is committed at lock has only what is shown.
    criteria: CriteriaMap,
    /// Keeps the digest in the record from being found by trying.
    secret: String,
}

impl HeldOut {
    /// What the criteria map of a RED says is hidden.
    ///
    /// # Errors
    /// A failure when a file cannot be read.
    pub fn of(
        context: &Context,
        red: &RedOutcome,
        tests: &[ExpectedTest],
    ) -> Result<Option<Self>, Failure> {
        let hidden: BTreeSet<&str> = red
            .map
            .values()
            .flatten()
            .filter(|coverage| coverage.hidden)
            .map(|coverage| coverage.test.as_str())
            .collect();
        let paths: BTreeSet<&RelPath> = tests
            .iter()
            .filter(|test| hidden.contains(test.item.to_string().as_str()))
            .map(|test| &test.item.path)
            .collect();
        let mut files = BTreeMap::new();
        for path in paths {
            if let Some(bytes) = bytes_of(&red.proposal.tree, &context.repository, path)? {
                files.insert(path.clone(), bytes.to_vec());
            }
        }
        if files.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            tests: tests
                .iter()
                .filter(|test| files.contains_key(&test.item.path))
                .cloned()
                .collect(),
            criteria: red.map.clone(),
            secret: redgreen_host::state::secret_number().map_err(Failure::internal)?,
            files,
        }))
    }

    /// The files.
    #[must_use]
    pub fn paths(&self) -> BTreeSet<RelPath> {
        self.files.keys().cloned().collect()
    }

    /// A tree without the files.
    #[must_use]
    pub fn without(&self, tree: Snapshot) -> Snapshot {
        self.files
            .keys()
            .fold(tree, |tree, path| tree.without(path))
    }

    /// A tree with the files, and with the complete criteria map.
    ///
    /// # Errors
    /// A failure of serialisation, which does not happen for these types.
    pub fn put_into(
        &self,
        repository: &Repository,
        task: &TaskId,
        tree: Snapshot,
    ) -> Result<Snapshot, Failure> {
        let mut tree = tree;
        for (path, bytes) in &self.files {
            tree = tree.with(repository, path.clone(), bytes.clone());
        }
        if let Some(path) = criteria_path(task) {
            let mut map = serde_json::to_vec_pretty(&self.criteria).map_err(Failure::internal)?;
            map.push(b'\n');
            tree = tree.with(repository, path, map);
        }
        Ok(tree)
    }

    /// What the lock record says of it: names and bytes are not to be found by trying.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut bytes = self.secret.as_bytes().to_vec();
        for (path, content) in &self.files {
            bytes.extend_from_slice(path.as_str().as_bytes());
            bytes.push(0);
            bytes.extend_from_slice(Digest::of(content).hex().as_bytes());
            bytes.push(0);
        }
        Digest::of(&bytes)
    }

    /// The criterion of a test, as it is told.
    fn criterion(&self, item: &ItemId) -> String {
        let id = item.to_string();
        self.criteria
            .iter()
            .find(|(_, coverages)| coverages.iter().any(|coverage| coverage.test == id))
            .map_or_else(
                || "the task".to_owned(),
                |(criterion, _)| criterion.to_string(),
            )
    }
}

/// The files that a criteria map holds out.
#[must_use]
pub fn paths_of(map: &CriteriaMap) -> BTreeSet<RelPath> {
    map.values()
        .flatten()
        .filter(|coverage| coverage.hidden)
        .filter_map(|coverage| ItemId::try_from(coverage.test.clone()).ok())
        .map(|item| item.path)
        .collect()
}

/// A criteria map without what is held out.
#[must_use]
pub fn shown(map: &CriteriaMap) -> CriteriaMap {
    map.iter()
        .map(|(criterion, coverages)| {
            let kept = coverages
                .iter()
                .filter(|coverage| !coverage.hidden)
                .cloned()
                .collect();
            (criterion.clone(), kept)
        })
        .collect()
}

/// Runs the held-out tests on the candidate. What failed is told by criterion and cause, and nothing else of it.
///
/// # Errors
/// A failure when the tree cannot be written.
pub fn judge(
    context: &Context,
    setting: &Setting,
    environments: &Environments,
    runners: &[Box<dyn Runner>],
    task: &TaskId,
    candidate: &Snapshot,
    held: &HeldOut,
) -> Result<(Option<Control>, Vec<Reason>), Failure> {
    context.printer.talk(format!(
        "{:<8}running {} held-out tests",
        "GREEN",
        held.tests.len()
    ));
    let tree = held.put_into(&context.repository, task, candidate.clone())?;
    let on_disk = TreeOnDisk::build(context, setting, &tree, "held-out")?;
    let mut runs: Vec<RunReport> = Vec::new();
    for runner in runners {
        let own = of_runner(held.tests.iter().map(|test| &test.item), runner.as_ref());
        if own.is_empty() {
            continue;
        }
        let known = all_items(context, setting, &tree, runner.settings().kind)?;
        if let Ok(report) = on_disk.run(
            context,
            setting,
            environments,
            runner.as_ref(),
            &Selection::Items(own),
            &known,
            "held-out-run",
        ) {
            runs.push(report);
        }
    }
    let mut told = BTreeSet::new();
    for test in &held.tests {
        let cases: Vec<_> = runs
            .iter()
            .flat_map(|run| &run.cases)
            .filter(|case| case.id.item == test.item)
            .collect();
        let missing = test
            .cases
            .iter()
            .any(|suffix| !cases.iter().any(|case| case.id.case == *suffix));
        let criterion = held.criterion(&test.item);
        if cases.is_empty() || missing {
            told.insert((criterion.clone(), "did not run".to_owned()));
        }
        for case in cases {
            if case.outcome != Outcome::Passed {
                let cause = case
                    .cause
                    .as_ref()
                    .map_or_else(|| case.outcome.to_string(), |cause| cause.cause.to_string());
                told.insert((criterion.clone(), cause));
            }
        }
    }
    if told.is_empty() && runs.iter().any(|run| !run.ended_well()) {
        told.insert(("the task".to_owned(), "the run ended badly".to_owned()));
    }
    if told.is_empty() {
        let control = Control {
            kind: "hold_outs".to_owned(),
            result: format!("{0} of {0} held-out tests pass", held.tests.len()),
            tests: Vec::new(),
        };
        return Ok((Some(control), Vec::new()));
    }
    let reasons = told
        .into_iter()
        .map(|(criterion, cause)| {
            Reason::new(
                ReasonCode::HiddenTestFailed,
                format!("a held-out test of {criterion} does not pass: {cause}"),
                "read the criterion again: the tests that are shown do not say everything",
            )
        })
        .collect();
    Ok((None, reasons))
}
