//! Runs tests with a planted failure on the candidate's code (SPEC C7).

use super::context::{Context, Environments, Setting};
use super::proposal::text_of;
use super::red::{all_items, merged};
use super::trees::{SITES, TreeOnDisk, of_runner, reported};
use crate::error::Failure;
use redgreen_core::gate::{Control, PlantedTest, judge_planted};
use redgreen_core::id::{ItemId, RelPath};
use redgreen_core::reason::Reason;
use redgreen_core::run_report::RunReport;
use redgreen_host::runner::{Runner, RunnerKind, Selection};
use redgreen_host::tree::Snapshot;
use redgreen_lint::Language;
use redgreen_lint::expectations::Seed;
use redgreen_lint::planted::plant;
use std::collections::{BTreeMap, BTreeSet};

/// What [`planted_failures`] works on.
pub struct Asked<'a> {
    /// Repository and state.
    pub context: &'a Context,
    /// The configuration of the locked tree.
    pub setting: &'a Setting,
    /// The environments of the runners.
    pub environments: &'a Environments,
    /// The runners.
    pub runners: &'a [Box<dyn Runner>],
    /// The tree that GREEN ran, or the same with marked expectations.
    pub tree: &'a Snapshot,
    /// Where other values come from.
    pub seed: &'a Seed,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Planted {
    /// The control as it is shown.
    pub control: Option<Control>,
    /// Tests whose result is not their own.
    pub failures: Vec<Reason>,
    /// The run; `None` where nothing could be planted.
    pub run: Option<RunReport>,
}

/// Runs the tests without another control once more, with a failing line behind their last one.
///
/// `all` locked tests run, as they did in GREEN, and `items` of them have the failing line: what one test does to another
/// one happens here, too.
///
/// A control that cannot be run (a changed file does not compile, the runner could not start) controls nothing; it never
/// turns a pass into a failure.
///
/// # Errors
/// A failure when a locked file cannot be read or the tree cannot be written.
pub fn planted_failures(
    asked: &Asked<'_>,
    items: &[ItemId],
    all: &[ItemId],
) -> Result<Planted, Failure> {
    let Asked {
        context, setting, ..
    } = *asked;
    let mut by_file: BTreeMap<&RelPath, Vec<ItemId>> = BTreeMap::new();
    for item in items {
        by_file.entry(&item.path).or_default().push(item.clone());
    }
    let mut tree = asked.tree.clone();
    let mut plants = Vec::new();
    for (path, items) in by_file {
        let (Some(language), Some(text)) = (
            Language::of(path),
            text_of(asked.tree, &context.repository, path)?,
        ) else {
            continue;
        };
        let Ok(planted) = plant(language, &text, &items) else {
            continue;
        };
        if !planted.plants.is_empty() {
            plants.extend(planted.plants);
            tree = tree.with(&context.repository, path.clone(), planted.text.into_bytes());
        }
    }
    if plants.is_empty() {
        return Ok(Planted::default());
    }
    context.printer.talk(format!(
        "{:<8}{} of them with a failing last line",
        "GREEN",
        plants.len()
    ));
    let on_disk = TreeOnDisk::build(context, setting, &tree, "green")?;
    let folder = on_disk.scratch(SITES);
    let mut run: Option<RunReport> = None;
    for runner in asked.runners {
        let wanted = of_runner(all, runner.as_ref());
        // A command that is known by its report alone may not hand the file of the reports on to the tests.
        if wanted.is_empty() || runner.settings().kind == RunnerKind::Junit {
            continue;
        }
        let known = all_items(context, setting, &tree, runner.settings().kind)?;
        let report = on_disk.run_reporting(
            context,
            setting,
            asked.environments,
            runner.as_ref(),
            &Selection::Items(wanted),
            &known,
            "green-run",
            Some((&folder, asked.seed)),
        );
        if let Ok(report) = report {
            run = Some(merged(run, report));
        }
    }
    let Some(run) = run else {
        return Ok(Planted::default());
    };
    let text = reported(&folder);
    // More may stand behind the place on a line.
    let places: BTreeSet<&str> = text
        .lines()
        .map(|line| line.split('\t').next().unwrap_or(line))
        .collect();
    let tests: Vec<PlantedTest> = plants
        .into_iter()
        .map(|plant| PlantedTest {
            entered: places.contains(plant.entered.as_str()),
            ended: places.contains(plant.ended.as_str()),
            went_on: places.contains(plant.went_on.as_str()),
            item: plant.item,
        })
        .collect();
    let (control, failures) = judge_planted(&tests, &run);
    Ok(Planted {
        control,
        failures,
        run: Some(run),
    })
}
