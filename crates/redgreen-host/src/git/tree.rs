//! Making trees: only the folders on the way to a change are read and written, however large the rest is.

use super::object::{expect_kind, parse_tree};
use super::write::Change;
use super::{GitError, ObjectFormat, ObjectKind, Oid, Repository};
use redgreen_core::tree::Mode;
use std::collections::BTreeMap;

/// What a name of a folder stands for: its mode (`None` for a folder) and id.
type Place = (Option<Mode>, Oid);

/// A folder's entries by name.
type Entries = BTreeMap<String, Place>;

/// What happens to a name of a folder.
#[derive(Debug, Default)]
struct Node {
    /// It is removed, or replaced by `set`.
    removed: bool,
    set: Option<(Mode, Oid)>,
    below: BTreeMap<String, Node>,
}

impl Node {
    fn sets_something_below(&self) -> bool {
        self.below
            .values()
            .any(|node| node.set.is_some() || node.sets_something_below())
    }
}

/// Trees that were made and are not written yet, children before their parents.
type Made = Vec<(Oid, Vec<u8>)>;

impl Repository {
    /// Writes the tree of `base` (nothing for `None`) with some paths changed, without any index. Removals count before
    /// what is set. Blobs must be stored already.
    ///
    /// # Errors
    /// A blob is missing, a path is to be both a file and a folder, or git failed.
    pub fn write_tree(&self, base: Option<&str>, changes: &[Change]) -> Result<Oid, GitError> {
        let mut root = Node::default();
        for (path, entry) in changes {
            let mut node = &mut root;
            for name in path.as_str().split('/') {
                node = node.below.entry(name.to_owned()).or_default();
            }
            match entry {
                None => node.removed = true,
                Some(entry) => node.set = Some((entry.mode, entry.oid.clone())),
            }
        }
        let named = changes
            .iter()
            .filter_map(|(_, entry)| entry.as_ref())
            .filter(|entry| entry.mode != Mode::Submodule)
            .map(|entry| entry.oid.clone());
        let named: Vec<Oid> = named.collect();
        if let Some(absent) = self.absent(&named)?.first() {
            return Err(GitError::missing(absent));
        }
        let base = base.map(|base| self.tree_of(base)).transpose()?;
        let mut made = Made::new();
        let oid = match self.folder(base.as_deref(), &root, &mut made)? {
            Some(oid) => oid,
            None => {
                let empty = self.object_format().id_of(ObjectKind::Tree, b"");
                made.push((empty.clone(), Vec::new()));
                empty
            }
        };
        let oids: Vec<Oid> = made.iter().map(|(oid, _)| oid.clone()).collect();
        let absent = self.absent(&oids)?;
        let mut unwritten: BTreeMap<Oid, Vec<u8>> = made.into_iter().collect();
        unwritten.retain(|oid, _| absent.contains(oid));
        let bytes: Vec<&[u8]> = unwritten.values().map(Vec::as_slice).collect();
        self.write_objects(ObjectKind::Tree, &bytes)?;
        Ok(oid)
    }

    /// Makes a folder anew; `None` when nothing is left in it.
    fn folder(
        &self,
        old: Option<&str>,
        node: &Node,
        made: &mut Made,
    ) -> Result<Option<Oid>, GitError> {
        let mut entries = match old {
            Some(oid) => self.entries(oid)?,
            None => Entries::new(),
        };
        for (name, child) in &node.below {
            let below = match entries.get(name) {
                Some((None, oid)) => Some(oid.clone()),
                Some((Some(_), _)) | None => None,
            };
            if let Some((mode, oid)) = &child.set {
                if child.sets_something_below() {
                    return Err(GitError::failed(
                        "write-tree",
                        &format!("`{name}` would be both a file and a folder"),
                    ));
                }
                entries.insert(name.clone(), (Some(*mode), oid.clone()));
                continue;
            }
            if child.below.is_empty() {
                if child.removed && below.is_none() {
                    entries.remove(name);
                }
                continue;
            }
            // Removing something below a file removes nothing; setting something there replaces the file.
            if below.is_none() && !child.sets_something_below() {
                if child.removed {
                    entries.remove(name);
                }
                continue;
            }
            match self.folder(below.as_deref(), child, made)? {
                Some(oid) => entries.insert(name.clone(), (None, oid)),
                None => entries.remove(name),
            };
        }
        if entries.is_empty() {
            return Ok(None);
        }
        let format = self.object_format();
        let bytes = tree_bytes(format, &entries)?;
        let oid = format.id_of(ObjectKind::Tree, &bytes);
        made.push((oid.clone(), bytes));
        Ok(Some(oid))
    }

    fn entries(&self, oid: &str) -> Result<Entries, GitError> {
        let mut entries = Entries::new();
        let format = self.object_format();
        self.read_objects(&[oid.to_owned()], &mut |oid, kind, bytes| {
            expect_kind(oid, kind, ObjectKind::Tree)?;
            for (mode, name, child) in parse_tree(format, oid, &bytes)? {
                entries.insert(name, (mode, child));
            }
            Ok::<(), GitError>(())
        })?;
        Ok(entries)
    }
}

/// `<mode> SP <name> NUL <raw id>`, in the order of git: a folder as if its name ended with `/`.
fn tree_bytes(format: ObjectFormat, entries: &Entries) -> Result<Vec<u8>, GitError> {
    let mut sorted: Vec<(String, &String, &Place)> = entries
        .iter()
        .map(|(name, entry)| match entry.0 {
            None => (format!("{name}/"), name, entry),
            Some(_) => (name.clone(), name, entry),
        })
        .collect();
    sorted.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    let mut bytes = Vec::new();
    for (_, name, (mode, oid)) in sorted {
        let mode = mode.map_or("40000", Mode::octal);
        bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
        let raw = format.raw(oid).ok_or_else(|| GitError::missing(oid))?;
        bytes.extend_from_slice(&raw);
    }
    Ok(bytes)
}
