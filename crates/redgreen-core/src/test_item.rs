//! Test items as they are known statically, before anything runs, and how a change alters them.

use crate::id::{CriterionId, Digest, ItemId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Something written on or in a test that keeps it from counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Skipped, with or without a condition.
    Skip,
    /// Expected to fail.
    Xfail,
    /// Not written yet.
    Todo,
    /// Focused: others are left out.
    Focus,
    /// Fails whatever the code does: `assert False`, `pytest.fail()`, `panic!()` as the only statement.
    AlwaysFails,
    /// An empty body, `pass`, `...`.
    Empty,
}

/// A test function found in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestItem {
    /// Its identity.
    pub id: ItemId,
    /// The line it starts at (its first decorator or attribute), from 1. A location, never identity.
    pub line: u32,
    /// The line it ends at, from 1.
    pub end_line: u32,
    /// Digest of its text (decorators included) without trailing white space.
    pub text: Digest,
    /// What is marked on it.
    pub marks: BTreeSet<Mark>,
}

/// How the items of two versions of the tests differ.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ItemChanges {
    /// In the new version only.
    pub added: BTreeSet<ItemId>,
    /// In both, with other text.
    pub changed: BTreeSet<ItemId>,
    /// In the old version only.
    pub removed: BTreeSet<ItemId>,
}

impl ItemChanges {
    /// Compares two lists of items by id and text.
    #[must_use]
    pub fn between(old: &[TestItem], new: &[TestItem]) -> Self {
        let index = |items: &[TestItem]| -> BTreeMap<ItemId, (Digest, BTreeSet<Mark>)> {
            items
                .iter()
                .map(|item| (item.id.clone(), (item.text, item.marks.clone())))
                .collect()
        };
        let (old, new) = (index(old), index(new));
        let mut changes = Self::default();
        for (id, text) in &new {
            match old.get(id) {
                None => _ = changes.added.insert(id.clone()),
                Some(before) if before != text => _ = changes.changed.insert(id.clone()),
                Some(_) => {}
            }
        }
        changes.removed = old
            .keys()
            .filter(|id| !new.contains_key(*id))
            .cloned()
            .collect();
        changes
    }
    /// Added or changed.
    pub fn touched(&self) -> impl Iterator<Item = &ItemId> {
        self.added.iter().chain(&self.changed)
    }
}

/// One entry of a criteria map: a test that the author says serves a criterion (SPEC B3a).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// An item id, or a case id (an item id with its suffix).
    pub test: String,
    /// Passes before and after; satisfies nothing.
    #[serde(default)]
    pub guard: bool,
    /// Not shown to the implementer.
    #[serde(default)]
    pub hidden: bool,
}

/// Which tests serve which criterion: a claim of the author, shown as one, locked with the tests.
pub type CriteriaMap = BTreeMap<CriterionId, Vec<Coverage>>;
