//! `redgreen __controls`: the control of changed expectations over a suite as it is, as if every passing test were locked.
//!
//! Internal: it is how the control is measured on real projects (`docs/reference/controls.md`).

use super::Ending;
use crate::error::Failure;
use crate::referee::context::{Context, Environments, Setting};
use crate::referee::controls::as_is::as_is_and_planted;
use crate::referee::controls::expectations::{Asked, Established, changed_expectations};
use crate::referee::controls::seed;
use crate::referee::red::{all_items, merged};
use crate::referee::trees::TreeOnDisk;
use redgreen_core::exit::ExitCode;
use redgreen_core::id::ItemId;
use redgreen_core::outcome::Outcome;
use redgreen_core::run_report::RunReport;
use redgreen_host::runner::Selection;
use redgreen_host::tree::Snapshot;
use std::collections::{BTreeMap, BTreeSet};

/// Runs the suite of the commit that is checked out, and again with other expected values.
///
/// # Errors
/// A failure when the suite cannot be run.
pub fn run(context: &Context) -> Ending {
    let head = context.head_commit()?;
    let tree = Snapshot::of_commit(&context.repository, &head).map_err(Failure::internal)?;
    let setting = Setting::of_tree(context, &tree)?;
    let runners = setting.runners()?;
    let environments = Environments::resolve(context, &setting, &tree, &runners)?;
    let on_disk = TreeOnDisk::build(context, &setting, &tree, "suite")?;
    let suite = |label: &str| -> Result<RunReport, Failure> {
        let mut run = None;
        for runner in &runners {
            let known = all_items(context, &setting, &tree, runner.settings().kind)?;
            let report = on_disk
                .run(
                    context,
                    &setting,
                    &environments,
                    runner.as_ref(),
                    // What the project itself leaves out (`-m 'not stress'`) is left out of its suite.
                    &Selection::All,
                    &known,
                    label,
                )
                .map_err(Failure::from)?;
            run = Some(merged(run, report));
        }
        run.ok_or_else(|| Failure::usage("there is no runner", "run redgreen init"))
    };
    // The first run builds what later ones share; the second is what a suite costs.
    suite("warm")?;
    let start = redgreen_host::clock::monotonic();
    let run = suite("suite")?;
    let bare = start.elapsed();
    let mut outcomes: BTreeMap<&ItemId, bool> = BTreeMap::new();
    for case in &run.cases {
        *outcomes.entry(&case.id.item).or_insert(true) &= case.outcome == Outcome::Passed;
    }
    let mut known = BTreeSet::new();
    for runner in &runners {
        let items = all_items(context, &setting, &tree, runner.settings().kind)?;
        known.extend(items.into_iter().map(|item| item.id));
    }
    let items: Vec<ItemId> = outcomes
        .iter()
        .filter(|(item, passed)| **passed && known.contains(**item))
        .map(|(item, _)| (*item).clone())
        .collect();
    let start = redgreen_host::clock::monotonic();
    let seed = seed(context, None, &head)?;
    let asked = Asked {
        context,
        setting: &setting,
        environments: &environments,
        runners: &runners,
        tree: &tree,
        items: &items,
        groups: &[(String::new(), items.clone())],
        required: false,
        loose_accepted: false,
        usual_ms: run.duration_ms,
        seed: &seed,
    };
    let Established {
        mut control,
        left_out,
    } = changed_expectations(&asked)?;
    let took = start.elapsed();
    let shown: Vec<&String> = control.control.iter().flat_map(|c| &c.tests).collect();
    let noticed: Vec<ItemId> = items
        .iter()
        .filter(|item| shown.contains(&&item.to_string()))
        .cloned()
        .collect();
    let start = redgreen_host::clock::monotonic();
    let (_, failures) = as_is_and_planted(&asked, &noticed, &left_out)?;
    control.failures.extend(failures);
    let rest = start.elapsed();
    let place = |reason: &redgreen_core::reason::Reason| {
        serde_json::json!({
            "test": reason.test,
            "path": reason.path.as_ref().map(ToString::to_string),
            "line": reason.line,
            "message": reason.message,
        })
    };
    let mut why: BTreeMap<String, usize> = BTreeMap::new();
    for note in &control.notes {
        let text = note.message.rsplit("` ").next().unwrap_or(&note.message);
        *why.entry(text.to_owned()).or_default() += 1;
    }
    let document = serde_json::json!({
        "schema": "redgreen.controls/1",
        "tests": items.len(),
        "controlled": control.control.as_ref().map_or(0, |control| control.tests.len()),
        "flagged": control.failures.iter().map(place).collect::<Vec<_>>(),
        "asked": control.refusals.iter().map(place).collect::<Vec<_>>(),
        "no_control": why,
        "uncontrolled": control.notes.iter().map(place).collect::<Vec<_>>(),
        "suite_ms": u64::try_from(bare.as_millis()).unwrap_or(u64::MAX),
        "control_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "as_is_and_planted_ms": u64::try_from(rest.as_millis()).unwrap_or(u64::MAX),
    });
    context.printer.data(format!("{document:#}"));
    Ok(if control.failures.is_empty() {
        ExitCode::Pass
    } else {
        ExitCode::Rejected
    })
}
