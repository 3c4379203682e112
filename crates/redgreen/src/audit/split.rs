//! Splits a change into its tests and its source, by path and, in mixed Rust files, by item.

use crate::error::Failure;
use crate::referee::context::{Context, Setting};
use crate::referee::proposal::{Proposal, bytes_of, copy, propose, text_of};
use redgreen_core::audit::TestChange;
use redgreen_core::id::{ItemId, RelPath};
use redgreen_core::outcome::Cause;
use redgreen_core::run_report::CauseDetail;
use redgreen_core::test_item::{ItemChanges, TestItem};
use redgreen_core::tree::{self, ChangeKind};
use redgreen_host::path_rules::PathClass;
use redgreen_host::tree::Snapshot;
use redgreen_host::walk::Candidate;
use redgreen_lint::Language;
use redgreen_lint::code::same_code;
use redgreen_lint::splice::{SpliceError, splice, strip_tests};
use std::collections::{BTreeMap, BTreeSet};

/// A change, split.
#[derive(Debug)]
pub struct Split {
    /// The tests of the change on the source before it, with everything else of the change: manifests, runner
    /// configuration, data.
    pub without: Snapshot,
    /// The same with nothing but the tests of the change, for a change whose manifests do not fit the source before it.
    pub tests_alone: Option<Snapshot>,
    /// What the proposal is made of: changed test files, items.
    pub proposal: Proposal,
    /// The items after the change, in the files that were touched.
    pub items: Vec<TestItem>,
    /// Tests that the change touched, in file order.
    pub touched: Vec<(TestItem, TestChange)>,
    /// Tests that are gone.
    pub removed: Vec<TestItem>,
    /// Tests that have another name: old and new.
    pub renamed: Vec<(TestItem, TestItem)>,
    /// Source files that changed, beyond comments and layout.
    pub source: Vec<RelPath>,
    /// Files that nothing reaches before the change.
    pub unreachable: BTreeMap<RelPath, CauseDetail>,
}

impl Split {
    /// Whether the change has anything to do with tests.
    #[must_use]
    pub fn tests_changed(&self) -> bool {
        !self.proposal.changed.is_empty() || !self.touched.is_empty() || !self.removed.is_empty()
    }
}

/// Splits a change.
///
/// # Errors
/// A failure when an object cannot be read.
pub fn split(
    context: &Context,
    setting: &Setting,
    base: &Snapshot,
    head: &Snapshot,
) -> Result<Split, Failure> {
    let repository = &context.repository;
    let item_rules = setting.item_rules();
    let candidate = Candidate {
        snapshot: head.clone(),
        irregular: Vec::new(),
    };
    let proposal = propose(
        repository,
        base,
        &candidate,
        &setting.rules,
        &item_rules,
        &[],
        None,
    )?;
    let mut without = proposal.tree.clone();
    let mut source = Vec::new();
    let mut other = false;
    let mut unreachable = proposal.unreachable.clone();
    for (path, kind) in tree::changes(&base.listing(), &head.listing()) {
        match setting.rules.class(&path) {
            PathClass::Source => {
                if is_code(&path) && source_differs(context, base, head, &path)? {
                    source.push(path.clone());
                }
                if let Some(cause) = no_home(context, base, head, &path)? {
                    unreachable.insert(path, cause);
                }
            }
            PathClass::Test => {}
            PathClass::RunnerConfig | PathClass::Locked | PathClass::Inert => {
                other |= setting.rules.class(&path) != PathClass::Inert;
                match kind {
                    ChangeKind::Deleted => without = without.without(&path),
                    ChangeKind::Added | ChangeKind::Modified => copy(&mut without, head, &path),
                }
            }
        }
    }
    // The items of the head itself: those of a file that could not be spliced are in no proposal.
    let mut head_items = crate::referee::items::Items::default();
    let mut base_items = crate::referee::items::Items::default();
    for path in proposal.affected.iter().chain(unreachable.keys()) {
        if head_items.by_file.contains_key(path) {
            continue;
        }
        if let Some(text) = text_of(head, repository, path)? {
            item_rules.of_file(path, &text, &mut head_items);
        }
        if let Some(text) = text_of(base, repository, path)? {
            item_rules.of_file(path, &text, &mut base_items);
        }
    }
    let (items, base_items) = (head_items.all(), base_items.all());
    let texts = Texts {
        context,
        base,
        head,
    };
    let changes = ItemChanges::between(&base_items, &items);
    let removed: Vec<TestItem> = base_items
        .iter()
        .filter(|item| changes.removed.contains(&item.id))
        .cloned()
        .collect();
    let mut found = Found::default();
    for item in &items {
        if changes.added.contains(&item.id) {
            found.added(&texts, item, &removed)?;
        } else if changes.changed.contains(&item.id) {
            let old = base_items.iter().find(|old| old.id == item.id);
            if let Some(old) = old
                && !texts.same(old, item, None)?
            {
                found.touched.push((item.clone(), TestChange::Changed));
            }
        }
    }
    // Nothing but helpers, data or snapshots changed: the tests beside them are what is left to ask.
    if found.touched.is_empty() && !proposal.changed.is_empty() && changes.removed.is_empty() {
        found.touched = items
            .iter()
            .filter(|item| proposal.affected.contains(&item.id.path))
            .map(|item| (item.clone(), TestChange::Beside))
            .collect();
    }
    let removed = removed
        .into_iter()
        .filter(|item| !found.taken.contains(&item.id))
        .collect();
    Ok(Split {
        tests_alone: other.then(|| proposal.tree.clone()),
        without,
        items,
        touched: found.touched,
        removed,
        renamed: found.renamed,
        source,
        unreachable,
        proposal,
    })
}

#[derive(Default)]
struct Found {
    touched: Vec<(TestItem, TestChange)>,
    renamed: Vec<(TestItem, TestItem)>,
    /// Removed tests that live on under another name.
    taken: BTreeSet<ItemId>,
}

impl Found {
    /// A new test, or an old one under another name or path.
    fn added(
        &mut self,
        texts: &Texts<'_>,
        item: &TestItem,
        removed: &[TestItem],
    ) -> Result<(), Failure> {
        for old in removed {
            if self.taken.contains(&old.id) {
                continue;
            }
            let (old_name, name) = (last_name(&old.id), last_name(&item.id));
            let moved = old.text == item.text && old_name == name;
            let renamed = !moved
                && old.id.path == item.id.path
                && texts.same(old, item, Some((old_name, name)))?;
            if moved || renamed {
                self.taken.insert(old.id.clone());
                if renamed {
                    self.renamed.push((old.clone(), item.clone()));
                }
                return Ok(());
            }
        }
        self.touched.push((item.clone(), TestChange::Added));
        Ok(())
    }
}

fn last_name(id: &ItemId) -> &str {
    id.item.rsplit("::").next().unwrap_or(&id.item)
}

struct Texts<'a> {
    context: &'a Context,
    base: &'a Snapshot,
    head: &'a Snapshot,
}

impl Texts<'_> {
    /// Whether two items are the same code, the old one under the new name where one is given.
    fn same(
        &self,
        old: &TestItem,
        new: &TestItem,
        names: Option<(&str, &str)>,
    ) -> Result<bool, Failure> {
        let Some(language) = Language::of(&new.id.path) else {
            return Ok(false);
        };
        if old.marks != new.marks {
            return Ok(false);
        }
        let repository = &self.context.repository;
        let texts = (
            text_of(self.base, repository, &old.id.path)?,
            text_of(self.head, repository, &new.id.path)?,
        );
        let (Some(old_text), Some(new_text)) = texts else {
            return Ok(false);
        };
        let mut before = lines(&old_text, old.line, old.end_line);
        let after = lines(&new_text, new.line, new.end_line);
        if let Some((old_name, name)) = names {
            before = before.replacen(&format!("{old_name}("), &format!("{name}("), 1);
        }
        Ok(same_code(language, &before, &after))
    }
}

/// The lines of an item without the indentation of its first line.
fn lines(text: &str, from: u32, to: u32) -> String {
    let from = usize::try_from(from).unwrap_or(1).max(1);
    let to = usize::try_from(to).unwrap_or(usize::MAX);
    let wanted: Vec<&str> = text.lines().skip(from - 1).take(to + 1 - from).collect();
    let indent = wanted
        .first()
        .map_or(0, |line| line.len() - line.trim_start().len());
    wanted
        .iter()
        .map(|line| match line.get(..indent) {
            Some(start) if start.trim().is_empty() => &line[indent..],
            _ => line.trim_start(),
        })
        .collect::<Vec<_>>()
        .join("\n")
        + "\n"
}

/// Stubs and markers are read by type checkers only.
fn is_code(path: &RelPath) -> bool {
    !matches!(
        path.extension(),
        Some("pyi" | "typed" | "md" | "rst" | "txt")
    )
}

/// Whether a source file is another program: tests inside it, comments and layout apart.
fn source_differs(
    context: &Context,
    base: &Snapshot,
    head: &Snapshot,
    path: &RelPath,
) -> Result<bool, Failure> {
    let repository = &context.repository;
    let old = bytes_of(base, repository, path)?;
    let new = bytes_of(head, repository, path)?;
    let text = |bytes: &Option<std::sync::Arc<[u8]>>| -> Option<String> {
        match bytes {
            None => Some(String::new()),
            Some(bytes) => String::from_utf8(bytes.to_vec()).ok(),
        }
    };
    let (Some(language), Some(old), Some(new)) = (Language::of(path), text(&old), text(&new))
    else {
        return Ok(true);
    };
    Ok(match language {
        Language::Python | Language::Go | Language::JavaScript => !same_code(language, &old, &new),
        Language::Rust => {
            let (Ok(old), Ok(new)) = (strip_tests(&old), strip_tests(&new)) else {
                return Ok(true);
            };
            !same_code(language, &old, &new)
        }
    })
}

/// Why tests of a Rust source file cannot be put on the source before the change: the module around them is part of it.
fn no_home(
    context: &Context,
    base: &Snapshot,
    head: &Snapshot,
    path: &RelPath,
) -> Result<Option<CauseDetail>, Failure> {
    if Language::of(path) != Some(Language::Rust) {
        return Ok(None);
    }
    let repository = &context.repository;
    let old = text_of(base, repository, path)?.unwrap_or_default();
    let Some(new) = text_of(head, repository, path)? else {
        return Ok(None);
    };
    Ok(match splice(&old, &new) {
        Err(SpliceError::NoHome { module, .. }) => Some(CauseDetail {
            cause: Cause::MissingSymbol,
            detail: format!("module `{module}` does not exist yet"),
            symbol: Some(module),
        }),
        Err(
            SpliceError::Unreadable(_)
            | SpliceError::Unbalanced { .. }
            | SpliceError::Entangled { .. },
        )
        | Ok(_) => None,
    })
}
