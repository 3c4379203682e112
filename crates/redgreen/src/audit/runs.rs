//! Runs tests over trees of a change: one tree per side, remembered by what it contains.

use crate::referee::context::{Context, Environments, Setting};
use crate::referee::red::{items_for, merged};
use crate::referee::refine::{Known, refine};
use crate::referee::trees::{TreeOnDisk, files_of_runner, of_runner};
use redgreen_core::id::{ItemId, RelPath};
use redgreen_core::reason::Reason;
use redgreen_core::run_report::RunReport;
use redgreen_core::test_item::TestItem;
use redgreen_host::runner::{RunnerKind, Selection};
use redgreen_host::tree::Snapshot;
use std::collections::{BTreeMap, BTreeSet};

/// Runs tests of one change.
pub struct Runner<'a> {
    context: &'a Context,
    setting: &'a Setting,
    environments: &'a Environments,
    trees: BTreeMap<String, (TreeOnDisk, Snapshot)>,
    /// How many commands were started.
    pub commands: usize,
}

impl<'a> Runner<'a> {
    /// A runner without trees.
    #[must_use]
    pub fn new(context: &'a Context, setting: &'a Setting, environments: &'a Environments) -> Self {
        Self {
            context,
            setting,
            environments,
            trees: BTreeMap::new(),
            commands: 0,
        }
    }

    /// Runs these tests.
    ///
    /// # Errors
    /// A reason when a tree cannot be built or a command cannot be started.
    pub fn run(
        &mut self,
        tree: &Snapshot,
        label: &str,
        ids: &BTreeSet<ItemId>,
        items: &[TestItem],
    ) -> Result<RunReport, Box<Reason>> {
        if redgreen_host::interrupt::stop_requested() {
            return Err(Box::new(Reason::new(
                redgreen_core::reason::ReasonCode::Stopped,
                "a person stopped the audit",
                "start it again: what was judged is remembered",
            )));
        }
        let side = label.trim_end_matches("-again").to_owned();
        if !self.trees.contains_key(&side) {
            let built = TreeOnDisk::build(self.context, self.setting, tree, &side)
                .map_err(Box::<Reason>::from)?;
            self.trees.insert(side.clone(), (built, tree.clone()));
        }
        let item_rules = self.setting.item_rules();
        let runners = self.setting.runners().map_err(Box::<Reason>::from)?;
        let mut all = None;
        let files: BTreeSet<RelPath> = ids.iter().map(|id| id.path.clone()).collect();
        for runner in &runners {
            let mine = files_of_runner(&files, &item_rules, runner.as_ref());
            let mut wanted: Vec<ItemId> = of_runner(ids, runner.as_ref())
                .into_iter()
                .filter(|id| mine.contains(&id.path))
                .collect();
            let known = match runner.settings().kind {
                kind @ (RunnerKind::CargoTest | RunnerKind::GoTest) => items_for(
                    self.context,
                    self.setting,
                    kind,
                    tree,
                    &crate::referee::items::Items::default(),
                )
                .map_err(Box::<Reason>::from)?,
                RunnerKind::Pytest
                | RunnerKind::Junit
                | RunnerKind::NodeTest
                | RunnerKind::Vitest
                | RunnerKind::Jest
                | RunnerKind::Mocha => items
                    .iter()
                    .filter(|item| files.contains(&item.id.path))
                    .cloned()
                    .collect(),
            };
            // What a source file does not hold on this side cannot be asked for.
            if matches!(
                runner.settings().kind,
                RunnerKind::CargoTest | RunnerKind::GoTest
            ) {
                wanted.retain(|id| known.iter().any(|item| item.id == *id));
            }
            let Some((on_disk, _)) = self.trees.get(&side).filter(|_| !wanted.is_empty()) else {
                continue;
            };
            let selection = Selection::Items(wanted);
            self.commands += 1;
            let mut report = on_disk.run(
                self.context,
                self.setting,
                self.environments,
                runner.as_ref(),
                &selection,
                &known,
                label,
            )?;
            // Nothing is known of the source here: only what the message itself says is refined.
            refine(&mut report, &Known::default());
            all = Some(merged(all, report));
        }
        Ok(all.unwrap_or_else(RunReport::of_nothing))
    }

    /// Runs some items once more in a tree that is there.
    ///
    /// # Errors
    /// As [`Runner::run`].
    pub fn again(
        &mut self,
        side: &str,
        ids: &BTreeSet<ItemId>,
        items: &[TestItem],
    ) -> Result<Option<RunReport>, Box<Reason>> {
        // The tree whose run counted: the second one where the first did not build.
        let name = [format!("{side}-2"), side.to_owned()]
            .into_iter()
            .find(|name| self.trees.contains_key(name));
        let Some(name) = name else { return Ok(None) };
        let Some(tree) = self.trees.get(&name).map(|(_, tree)| tree.clone()) else {
            return Ok(None);
        };
        self.run(&tree, &format!("{name}-again"), ids, items)
            .map(Some)
    }
}
