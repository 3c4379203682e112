//! Which paths of a folder are looked at.

use super::ignored::Rules;
use super::read::Root;
use super::{Irregular, IrregularKind};
use crate::tree::Snapshot;
use redgreen_core::id::RelPath;
use redgreen_core::tree::Mode;
use rustix::fs::{Dir, FileType};
use std::collections::HashSet;

/// What [`enumerate`] found.
#[derive(Default)]
pub(super) struct Found {
    /// Files and links to read.
    pub(super) files: Vec<RelPath>,
    /// Submodules of the base that are still folders.
    pub(super) submodules: Vec<RelPath>,
    /// What is neither.
    pub(super) irregular: Vec<Irregular>,
}

impl Found {
    fn report(&mut self, path: impl Into<String>, kind: IrregularKind) {
        self.irregular.push(Irregular {
            path: path.into(),
            kind,
        });
    }
}

/// A folder that is still to be read.
struct Folder {
    /// Its path; empty for the root.
    path: String,
    /// It is ignored: only paths of the base count in it.
    ignored: bool,
}

pub(super) fn enumerate(root: &Root, base: &Snapshot, rules: &Rules, found: &mut Found) {
    let mut base_folders: HashSet<&str> = HashSet::new();
    for path in base.files().keys() {
        let mut text = path.as_str();
        while let Some((folder, _)) = text.rsplit_once('/') {
            if !base_folders.insert(folder) {
                break;
            }
            text = folder;
        }
    }
    let mut queue = vec![Folder {
        path: String::new(),
        ignored: false,
    }];
    while let Some(folder) = queue.pop() {
        read_folder(root, base, &base_folders, rules, &folder, &mut queue, found);
    }
}

/// Names that are read differently somewhere (`reference/trust.md` 1.6). Only added names are judged by this.
fn is_forbidden(name: &str) -> bool {
    name.eq_ignore_ascii_case(".git")
        || name.eq_ignore_ascii_case("git~1")
        || name.contains(['\\', '\0'])
        || name.chars().any(char::is_control)
        || name.ends_with(['.', ' '])
}

/// Reads one folder, and queues those in it.
///
/// A folder that nothing of the base lies in and that says of itself that it is a virtual environment or a cache is no
/// content, ignored or not: people keep `.venv` out with their own `.git/info/exclude`, which does not count here. It
/// hides nothing, because no part of it comes into a tree that is judged; the environment has its own digest.
fn read_folder(
    root: &Root,
    base: &Snapshot,
    base_folders: &HashSet<&str>,
    rules: &Rules,
    folder: &Folder,
    queue: &mut Vec<Folder>,
    found: &mut Found,
) {
    let unreadable = |why: rustix::io::Errno| IrregularKind::Unreadable {
        why: std::io::Error::from(why).to_string(),
    };
    let shown = if folder.path.is_empty() {
        "."
    } else {
        &folder.path
    };
    let opened = root
        .open_folder(&folder.path)
        .and_then(|fd| Ok((Dir::read_from(&fd)?, fd)));
    let (entries, fd) = match opened {
        Ok(opened) => opened,
        Err(why) => return found.report(shown, unreadable(why)),
    };
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(why) => {
                found.report(shown, unreadable(why));
                return;
            }
        };
        let raw = entry.file_name();
        if matches!(raw.to_bytes(), b"." | b"..") {
            continue;
        }
        if raw.to_bytes() == b".git" && folder.path.is_empty() {
            continue;
        }
        let prefix = if folder.path.is_empty() { "" } else { "/" };
        let lossy = format!("{}{prefix}{}", folder.path, raw.to_string_lossy());
        let Ok(name) = raw.to_str() else {
            if !folder.ignored && !rules.ignores(&lossy, false) {
                found.report(lossy, IrregularKind::NotUtf8);
            }
            continue;
        };
        let path = match RelPath::new(lossy) {
            Ok(path) => path,
            Err(why) => {
                found.report(why.value, IrregularKind::ForbiddenName);
                continue;
            }
        };
        let kind = match entry.file_type() {
            FileType::Unknown => match root.kind_of(&fd, raw) {
                Ok(kind) => kind,
                Err(why) => {
                    found.report(path.to_string(), unreadable(why));
                    continue;
                }
            },
            kind => kind,
        };
        let is_folder = kind == FileType::Directory;
        let tracked = base.get(&path);
        let holds_tracked = is_folder && base_folders.contains(path.as_str());
        if tracked.is_some_and(|file| file.mode == Mode::Submodule) && is_folder {
            found.submodules.push(path);
            continue;
        }
        let ignored = folder.ignored
            || (tracked.is_none() && !holds_tracked && rules.ignores(path.as_str(), is_folder))
            || (holds_tracked && rules.ignores(path.as_str(), true));
        if ignored && tracked.is_none() && !holds_tracked {
            continue;
        }
        if is_folder && !holds_tracked && root.is_environment(&path) {
            continue;
        }
        if tracked.is_none() && !holds_tracked && is_forbidden(name) {
            let kind = if name == ".git" {
                IrregularKind::NestedRepository
            } else {
                IrregularKind::ForbiddenName
            };
            found.report(path.to_string(), kind);
            continue;
        }
        match kind {
            FileType::Directory => queue.push(Folder {
                path: path.into(),
                ignored,
            }),
            FileType::RegularFile | FileType::Symlink => found.files.push(path),
            _ => found.report(path.to_string(), IrregularKind::Special),
        }
    }
}
