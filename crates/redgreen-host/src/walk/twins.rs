//! Names that some file systems and runners take for the same: other case, other Unicode form.

use super::{Irregular, IrregularKind};
use crate::tree::{File, Snapshot};
use redgreen_core::id::RelPath;
use std::collections::{BTreeMap, HashMap, HashSet};
use unicode_normalization::UnicodeNormalization as _;

/// A name as the least careful reader sees it.
fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

/// A path and every folder above it.
fn with_folders(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| {
        path.rsplit_once('/').map(|(folder, _)| folder)
    })
}

/// Added paths (or added folders) that are twins of another path. Twins that the base has already are its own matter.
pub(super) fn added_twins(base: &Snapshot, files: &BTreeMap<RelPath, File>) -> Vec<Irregular> {
    let added: Vec<&str> = files
        .keys()
        .filter(|path| base.get(path).is_none())
        .map(RelPath::as_str)
        .collect();
    if added.is_empty() {
        return Vec::new();
    }
    let mut known: HashMap<String, &str> = HashMap::new();
    let mut seen: HashSet<&str> = HashSet::new();
    let kept = files.keys().filter(|path| base.get(path).is_some());
    for path in kept.map(RelPath::as_str) {
        for part in with_folders(path) {
            if !seen.insert(part) {
                break;
            }
            known.entry(folded(part)).or_insert(part);
        }
    }
    let mut twins = Vec::new();
    for path in added {
        for part in with_folders(path) {
            if seen.contains(part) {
                break;
            }
            match known.get(&folded(part)) {
                Some(&other) if other != part => {
                    twins.push(Irregular {
                        path: path.to_owned(),
                        kind: IrregularKind::Twin {
                            of: other.to_owned(),
                        },
                    });
                    break;
                }
                Some(_) => {}
                None => {
                    known.insert(folded(part), part);
                }
            }
        }
    }
    twins
}
