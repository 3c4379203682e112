//! Locks: the small record that is committed, and the complete manifest behind it (SPEC B4).

use crate::gate::ExpectedTest;
use crate::id::{Digest, RelPath, TaskId};
use crate::test_item::CriteriaMap;
use crate::tree::{Listing, Mode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The schema of [`LockRecord`].
pub const LOCK_SCHEMA: &str = "redgreen.lock/1";

/// The record that lies in `.redgreen/locks/<task>.json` and is named by the commit trailer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockRecord {
    /// Always [`LOCK_SCHEMA`].
    pub schema: String,
    /// The task.
    pub task: TaskId,
    /// The digest of the record this one replaces (amend, send-back).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<Digest>,
    /// Why it replaces it, in the words of the person or the evidence of the dispute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The commit the tests were proven red on.
    pub base_commit: String,
    /// The content tree of that commit (a git tree id without `.redgreen/**` and plan files).
    pub base_tree: String,
    /// The content tree that is locked: the base with the tests.
    pub locked_tree: String,
    /// The locked tests with their role, in the order of their ids. Written in groups, so that the record stays small.
    #[serde(with = "grouped")]
    pub tests: Vec<ExpectedTest>,
    /// Which tests serve which criterion.
    pub criteria: CriteriaMap,
    /// Digest of the held-out tests with a secret number; `None` where nothing is held out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<Digest>,
    /// Digest of the complete [`Manifest`].
    pub manifest: Digest,
    /// Digest of the environment record.
    pub environment: Digest,
    /// Digest of the approved plan; `None` by hand without a plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Digest>,
    /// The RED gate's evidence.
    pub red: Digest,
}

/// Tests as the record writes them: grouped by role, runner and file. A name is written once; almost every item has
/// exactly one case without a suffix (`single`) or none that could be collected at RED (`uncollected`).
mod grouped {
    use super::{BTreeMap, Deserialize, ExpectedTest, RelPath, Serialize};
    use crate::id::{ItemId, RunnerName};
    use crate::outcome::Role;
    use serde::{Deserializer, Serializer};
    use std::collections::BTreeSet;

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Group {
        role: Role,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        runner: Option<RunnerName>,
        file: RelPath,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        single: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        uncollected: Vec<String>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        cases: BTreeMap<String, BTreeSet<String>>,
    }

    pub(super) fn serialize<S: Serializer>(
        tests: &[ExpectedTest],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut groups: BTreeMap<(Role, Option<RunnerName>, RelPath), Group> = BTreeMap::new();
        for test in tests {
            let ItemId { runner, path, item } = test.item.clone();
            let group = groups
                .entry((test.role, runner.clone(), path.clone()))
                .or_insert_with(|| Group {
                    role: test.role,
                    runner,
                    file: path,
                    single: Vec::new(),
                    uncollected: Vec::new(),
                    cases: BTreeMap::new(),
                });
            if test.cases.is_empty() {
                group.uncollected.push(item);
            } else if test.cases.len() == 1 && test.cases.contains("") {
                group.single.push(item);
            } else {
                group.cases.insert(item, test.cases.clone());
            }
        }
        serializer.collect_seq(groups.into_values())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<ExpectedTest>, D::Error> {
        let mut tests = Vec::new();
        for group in Vec::<Group>::deserialize(deserializer)? {
            let test = |item: String, cases: BTreeSet<String>| ExpectedTest {
                item: ItemId {
                    runner: group.runner.clone(),
                    path: group.file.clone(),
                    item,
                },
                role: group.role,
                cases,
            };
            let one = BTreeSet::from([String::new()]);
            tests.extend(group.single.into_iter().map(|item| test(item, one.clone())));
            tests.extend(
                group
                    .uncollected
                    .into_iter()
                    .map(|item| test(item, BTreeSet::new())),
            );
            tests.extend(
                group
                    .cases
                    .into_iter()
                    .map(|(item, cases)| test(item, cases)),
            );
        }
        tests.sort_by(|a, b| a.item.cmp(&b.item));
        Ok(tests)
    }
}

/// One locked file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedFile {
    /// The kind of entry.
    pub mode: Mode,
    /// The git object id.
    pub oid: String,
    /// SHA-256 of the bytes (git ids are SHA-1 by default).
    pub sha256: Digest,
}

/// The complete list behind a lock: every file that the implementer may not change, present or absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Locked files by path. A path that is not here and not writable for the implementer is locked as absent.
    pub files: BTreeMap<RelPath, LockedFile>,
    /// Test items inside mixed files: path to the digest of its test units.
    pub mixed: BTreeMap<RelPath, Digest>,
    /// The globs the implementer may write.
    pub source: Vec<String>,
    /// The globs of tests.
    pub tests: Vec<String>,
    /// The inert globs.
    pub inert: Vec<String>,
    /// The runner commands, by runner name.
    pub runners: BTreeMap<String, Vec<String>>,
}

impl Manifest {
    /// The locked files as a listing, to compare with another tree.
    #[must_use]
    pub fn listing(&self) -> Listing {
        self.files
            .iter()
            .map(|(path, file)| {
                (
                    path.clone(),
                    crate::tree::Entry {
                        mode: file.mode,
                        oid: file.oid.clone(),
                    },
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ItemId;
    use crate::outcome::Role;
    use std::collections::BTreeSet;

    fn record(tests: Vec<ExpectedTest>) -> LockRecord {
        let digest = Digest::of(b"");
        LockRecord {
            schema: LOCK_SCHEMA.to_owned(),
            task: TaskId::new("T1").unwrap(),
            supersedes: None,
            reason: None,
            base_commit: "1".repeat(40),
            base_tree: "2".repeat(40),
            locked_tree: "3".repeat(40),
            tests,
            criteria: CriteriaMap::new(),
            hidden: None,
            manifest: digest,
            environment: digest,
            plan: None,
            red: digest,
        }
    }

    #[test]
    fn b4_a_record_is_read_back_as_it_was_written() {
        let cases = |list: &[&str]| {
            list.iter()
                .map(|&text| text.to_owned())
                .collect::<BTreeSet<_>>()
        };
        let test = |id: &str, role, list: &[&str]| ExpectedTest {
            item: ItemId::try_from(id.to_owned()).unwrap(),
            role,
            cases: cases(list),
        };
        let written = record(vec![
            test("py:tests/test_a.py::A::test_x", Role::Required, &[""]),
            test("py:tests/test_a.py::test_y", Role::Guard, &["", "[a:b c]"]),
            test("py:tests/test_a.py::test_z", Role::Required, &[]),
            test(
                "py:tests/test_b.py::test_x",
                Role::Collateral,
                &["[1]", "[2]"],
            ),
            test("rs:src/lib.rs::tests::adds", Role::Hidden, &[""]),
        ]);
        let text = serde_json::to_string(&written).unwrap();
        assert_eq!(serde_json::from_str::<LockRecord>(&text).unwrap(), written);
        assert!(serde_json::from_str::<LockRecord>(&text.replace("single", "simple")).is_err());
    }
}
