//! Controls beside GREEN: runs that an honest implementation must fail (SPEC C7, standard).

use super::context::{Context, Environments, Setting};
use super::proposal::text_of;
use super::red::{all_items, merged};
use super::trees::{SITES, TreeOnDisk, of_runner};
use crate::error::Failure;
use redgreen_core::gate::{ChangedSite, ExpectationControl, judge_expectations};
use redgreen_core::id::{ItemId, RelPath};
use redgreen_core::lock::LockRecord;
use redgreen_core::run_report::RunReport;
use redgreen_host::runner::{Runner, Selection};
use redgreen_host::tree::Snapshot;
use redgreen_lint::Language;
use redgreen_lint::expectations::mutate;
use std::collections::{BTreeMap, BTreeSet};

/// Runs the locked tests with other expected values on the candidate's code.
///
/// A control that cannot be run (a changed file does not compile, the runner could not start) controls nothing; it never
/// turns a pass into a failure.
///
/// # Errors
/// A failure when a locked file cannot be read or the tree cannot be written.
pub fn changed_expectations(
    context: &Context,
    setting: &Setting,
    environments: &Environments,
    runners: &[Box<dyn Runner>],
    candidate: &Snapshot,
    record: &LockRecord,
) -> Result<ExpectationControl, Failure> {
    let items: Vec<ItemId> = record.tests.iter().map(|test| test.item.clone()).collect();
    let groups = groups(record, &items);
    let mut by_file: BTreeMap<&RelPath, Vec<ItemId>> = BTreeMap::new();
    for item in &items {
        by_file.entry(&item.path).or_default().push(item.clone());
    }
    let mut tree = candidate.clone();
    let mut sites: Vec<ChangedSite> = Vec::new();
    for (path, items) in by_file {
        let (Some(language), Some(text)) = (
            Language::of(path),
            text_of(candidate, &context.repository, path)?,
        ) else {
            continue;
        };
        let Ok(mutated) = mutate(language, &text, &items) else {
            continue;
        };
        if mutated.sites.is_empty() {
            continue;
        }
        sites.extend(mutated.sites.into_iter().map(|site| ChangedSite {
            id: site.id,
            item: site.item,
            line: site.line,
        }));
        tree = tree.with(&context.repository, path.clone(), mutated.text.into_bytes());
    }
    if sites.is_empty() {
        return Ok(judge_expectations(
            &items,
            &groups,
            &sites,
            &BTreeSet::new(),
            None,
        ));
    }
    context
        .printer
        .talk(format!("{:<8}the same with other expected values", "GREEN"));
    let controlled: BTreeSet<&ItemId> = sites.iter().map(|site| &site.item).collect();
    let on_disk = TreeOnDisk::build(context, setting, &tree, "green")?;
    let folder = on_disk.scratch(SITES);
    std::fs::create_dir_all(&folder).map_err(Failure::internal)?;
    let report_file = folder.join("evaluated");
    let mut run: Option<RunReport> = None;
    for runner in runners {
        let wanted = of_runner(controlled.iter().copied(), runner.as_ref());
        if wanted.is_empty() {
            continue;
        }
        let known = all_items(context, setting, &tree, runner.settings().kind)?;
        let report = on_disk.run_reporting(
            context,
            setting,
            environments,
            runner.as_ref(),
            &Selection::Items(wanted),
            &known,
            "green-run",
            Some(&report_file),
        );
        if let Ok(report) = report {
            run = Some(merged(run, report));
        }
    }
    let evaluated: BTreeSet<String> = std::fs::read_to_string(&report_file)
        .unwrap_or_default()
        .lines()
        .map(str::to_owned)
        .collect();
    Ok(judge_expectations(
        &items,
        &groups,
        &sites,
        &evaluated,
        run.as_ref(),
    ))
}

/// Locked tests by criterion; all of them where the criteria map names none.
fn groups(record: &LockRecord, items: &[ItemId]) -> Vec<Vec<ItemId>> {
    let named: Vec<Vec<ItemId>> = record
        .criteria
        .values()
        .map(|coverages| {
            items
                .iter()
                .filter(|item| {
                    coverages.iter().any(|coverage| {
                        !coverage.guard && coverage.test.starts_with(&item.to_string())
                    })
                })
                .cloned()
                .collect::<Vec<_>>()
        })
        .filter(|group| !group.is_empty())
        .collect();
    if named.is_empty() {
        vec![items.to_vec()]
    } else {
        named
    }
}
