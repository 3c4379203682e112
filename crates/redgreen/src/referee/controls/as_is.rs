//! The same changes of the tests with the original values (SPEC C7): what knows a changed test by its text, its constants or
//! its helpers, and behaves like an honest stub there, is not noticed by other values. Here it fails what passed.

use super::super::planted::{self, planted_failures};
use super::expectations::{Asked, LeftOut, change_files, run_once};
use crate::error::Failure;
use redgreen_core::gate::{Control, judge_as_is};
use redgreen_core::id::ItemId;
use redgreen_core::reason::Reason;
use redgreen_lint::expectations::Change;

/// Runs the tests that notice other values with the original ones, and plants failures in the others; in one run where
/// there are both.
///
/// # Errors
/// A failure when a file cannot be read or the tree cannot be written.
pub fn as_is_and_planted(
    asked: &Asked<'_>,
    noticed: &[ItemId],
    left_out: &LeftOut,
) -> Result<(Vec<Control>, Vec<Reason>), Failure> {
    let others: Vec<ItemId> = asked
        .items
        .iter()
        .filter(|item| !noticed.contains(item))
        .cloned()
        .collect();
    let marked = change_files(asked, noticed, Change::AsIs, left_out)?;
    let mut controls = Vec::new();
    let mut first = None;
    if !others.is_empty() {
        let planted = planted_failures(
            &planted::Asked {
                context: asked.context,
                setting: asked.setting,
                environments: asked.environments,
                runners: asked.runners,
                tree: &marked.tree,
                seed: asked.seed,
            },
            &others,
            asked.items,
        )?;
        controls.extend(planted.control);
        if !planted.failures.is_empty() {
            return Ok((controls, planted.failures));
        }
        first = planted.run;
    }
    if noticed.is_empty() || marked.sites.is_empty() {
        return Ok((controls, Vec::new()));
    }
    if first.is_none() {
        asked.context.printer.talk(format!(
            "{:<8}the same with the values as they are",
            "GREEN"
        ));
        first = run_once(asked, asked.items, &marked)?.0;
    }
    let Some(first) = first else {
        return Ok((controls, Vec::new()));
    };
    let (control, failures) = judge_as_is(noticed, &first);
    controls.extend(control);
    if failures.is_empty() {
        return Ok((controls, failures));
    }
    // Once more, without planted failures beside it: what is flaky by itself, or by another test, is not taken for it.
    let Some(again) = run_once(asked, asked.items, &marked)?.0 else {
        return Ok((controls, Vec::new()));
    };
    let suspects: Vec<ItemId> = noticed
        .iter()
        .filter(|item| {
            let name = item.to_string();
            failures
                .iter()
                .any(|reason| reason.test.as_deref() == Some(name.as_str()))
        })
        .cloned()
        .collect();
    let (_, failures) = judge_as_is(&suspects, &again);
    Ok((controls, failures))
}
