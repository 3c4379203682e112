//! What a test file that does not load yet hides: slips inside its tests, and packages that are not installed (SPEC B3).
//!
//! `from shop import refund` at the top of a test file is a legitimate red, and it hides everything below it: a misspelt
//! variable in a test would be seen at GREEN for the first time, when the implementer may not correct it. What can be
//! known without running is added to the causes of the load failure.

use super::context::Context;
use super::proposal::{Proposal, text_of};
use crate::error::Failure;
use redgreen_core::id::RelPath;
use redgreen_core::outcome::Cause;
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::{CauseDetail, LocatedCause, RunReport};
use redgreen_core::test_item::ItemChanges;
use redgreen_host::tree::Snapshot;
use redgreen_lint::Language;
use redgreen_lint::quality::finding::Finding;
use redgreen_lint::quality::{self, Options, lint};
use redgreen_lint::undefined::{UndefinedName, undefined_names};
use std::collections::BTreeMap;

/// More of them in one file say nothing more.
const MOST: usize = 5;

/// Adds undefined names to the load failures of these runs.
///
/// # Errors
/// A failure when a blob cannot be read.
pub fn add(
    context: &Context,
    base: &Snapshot,
    tree: &Snapshot,
    runs: &mut [&mut RunReport],
) -> Result<(), Failure> {
    let mut known: BTreeMap<RelPath, Vec<UndefinedName>> = BTreeMap::new();
    for run in runs.iter_mut() {
        for failure in &mut run.load_failures {
            for file in &failure.files {
                if !looks_up_names(file) {
                    continue;
                }
                if !known.contains_key(file) {
                    known.insert(file.clone(), in_file(context, base, tree, file)?);
                }
                failure
                    .causes
                    .extend(known.get(file).into_iter().flatten().map(|found| {
                        let detail = format!("`{}` is defined nowhere", found.name);
                        LocatedCause {
                            cause: CauseDetail {
                                cause: Cause::UndefinedName,
                                detail: detail.clone(),
                                symbol: Some(found.name.clone()),
                            },
                            file: Some(file.clone()),
                            line: Some(found.line),
                            message: detail,
                        }
                    }));
            }
        }
    }
    Ok(())
}

/// Undefined names in tests that were added or changed and that load: Python looks a name up when it is reached, and a call
/// before it that fails for a right reason hides it.
///
/// # Errors
/// A failure when a blob cannot be read.
pub fn in_touched_tests(
    context: &Context,
    base: &Snapshot,
    proposal: &Proposal,
    run: &RunReport,
) -> Result<Vec<Reason>, Failure> {
    let changes = ItemChanges::between(&proposal.base_items.all(), &proposal.items.all());
    let mut reasons = Vec::new();
    for (file, items) in &proposal.items.by_file {
        let loaded = !run
            .load_failures
            .iter()
            .any(|failure| failure.files.contains(file));
        if !looks_up_names(file) || !loaded {
            continue;
        }
        let touched: Vec<_> = items
            .iter()
            .filter(|item| changes.added.contains(&item.id) || changes.changed.contains(&item.id))
            .collect();
        if touched.is_empty() {
            continue;
        }
        for found in in_file(context, base, &proposal.tree, file)? {
            let item = touched
                .iter()
                .find(|item| (item.line..=item.end_line).contains(&found.line));
            if let Some(item) = item {
                reasons.push(
                    Reason::new(
                        ReasonCode::BrokenTest,
                        format!(
                            "the test itself is wrong (undefined_name): `{}` is defined nowhere",
                            found.name
                        ),
                        "import or define the name in the test",
                    )
                    .at(file.clone())
                    .line(found.line)
                    .test(&item.id),
                );
            }
        }
    }
    Ok(reasons)
}

/// Tests that were written and that pytest never collects, for a class with `__init__` and the like: nobody would miss
/// them where the file has other tests.
///
/// # Errors
/// A failure when a blob cannot be read.
pub fn never_collected(
    context: &Context,
    base: &Snapshot,
    proposal: &Proposal,
) -> Result<Vec<Reason>, Failure> {
    let mut reasons = Vec::new();
    let of = |tree: &Snapshot, file: &RelPath| -> Result<(String, Vec<Finding>), Failure> {
        let Some(text) = text_of(tree, &context.repository, file)? else {
            return Ok(<(String, Vec<Finding>)>::default());
        };
        let mut found = lint(quality::Language::Python, &text, &Options::default());
        if let Ok(found) = &mut found {
            found.retain(|finding| finding.rule.name == "not_collected");
        }
        Ok((text, found.unwrap_or_default()))
    };
    for file in proposal.affected.iter() {
        if Language::of(file) != Some(Language::Python) || base.get(file) == proposal.tree.get(file)
        {
            continue;
        }
        let (_, before) = of(base, file)?;
        let (text, now) = of(&proposal.tree, file)?;
        for finding in now {
            let above = text.get(..finding.span.start).unwrap_or_default();
            let line = above.matches('\n').count() + 1;
            let same = |old: &Finding| old.test == finding.test && old.message == finding.message;
            if !before.iter().any(same) {
                reasons.push(
                    Reason::new(
                        ReasonCode::TestNotCollected,
                        finding.message.clone(),
                        "take `__init__` out of the class, or name the test as the runner asks",
                    )
                    .at(file.clone())
                    .line(u32::try_from(line).unwrap_or(0)),
                );
            }
        }
    }
    Ok(reasons)
}

/// A whole module that a file could not import on the base either is a package that is not installed: it looks like a
/// module that is still to be written, but the new tests have nothing to do with it. A missing name of a module that
/// exists is left alone: people commit tests that are red, and go on.
pub fn not_installed(base: Option<&RunReport>, runs: &mut [&mut RunReport]) {
    let Some(base) = base else { return };
    let is_module = |located: &LocatedCause| {
        matches!(
            located.cause.cause,
            Cause::MissingSymbol | Cause::MissingDependency
        ) && located.message.starts_with("ModuleNotFoundError")
            && located
                .cause
                .symbol
                .as_ref()
                .is_some_and(|symbol| !symbol.contains('.'))
    };
    for failure in runs.iter_mut().flat_map(|run| &mut run.load_failures) {
        let before: Vec<&LocatedCause> = base
            .load_failures
            .iter()
            .filter(|old| old.files.iter().any(|file| failure.files.contains(file)))
            .flat_map(|old| &old.causes)
            .filter(|located| is_module(located))
            .collect();
        for located in &mut failure.causes {
            if before.iter().any(|old| old.cause == located.cause) {
                let name = located.cause.symbol.clone().unwrap_or_default();
                located.cause.cause = Cause::BrokenBase;
                located.cause.detail = format!(
                    "`{name}` cannot be imported without the new tests either: is it installed?"
                );
            }
        }
    }
}

/// Whether a language looks a name up only when it is reached.
fn looks_up_names(file: &RelPath) -> bool {
    matches!(
        Language::of(file),
        Some(Language::Python | Language::JavaScript)
    )
}

/// Undefined names of a file. One that stands anywhere in the base's files of that language is left out: a project may make names
/// by means that no file shows, as IPython does in its tests.
fn in_file(
    context: &Context,
    base: &Snapshot,
    tree: &Snapshot,
    file: &RelPath,
) -> Result<Vec<UndefinedName>, Failure> {
    let Some(text) = text_of(tree, &context.repository, file)? else {
        return Ok(Vec::new());
    };
    let language = Language::of(file).unwrap_or(Language::Python);
    let mut found = undefined_names(language, &text).unwrap_or_default();
    if found.is_empty() {
        return Ok(found);
    }
    let same: Vec<RelPath> = base
        .files()
        .keys()
        .filter(|path| Language::of(path) == Some(language))
        .cloned()
        .collect();
    for (_, bytes) in base
        .bytes_of(&context.repository, &same)
        .map_err(Failure::internal)?
    {
        let text = String::from_utf8_lossy(&bytes);
        found.retain(|name| !has_word(&text, &name.name));
    }
    found.truncate(MOST);
    Ok(found)
}

fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(is_part)
            && !text[at + word.len()..].chars().next().is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::has_word;

    #[test]
    fn b3_a_name_inside_another_one_is_no_use_of_it() {
        assert!(has_word("a = total(1)", "total"));
        assert!(!has_word("a = totals + subtotal + total_1", "total"));
        assert!(!has_word("", "total"));
    }
}
