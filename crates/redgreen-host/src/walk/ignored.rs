//! The ignore rules of the base: its own `.gitignore` files and nothing else.

use crate::git::Repository;
use crate::tree::{Snapshot, TreeError};
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use redgreen_core::id::RelPath;
use redgreen_core::tree::Mode;
use std::collections::BTreeMap;

/// One set of rules per folder that has a `.gitignore`.
pub(super) struct Rules {
    by_folder: BTreeMap<String, Gitignore>,
}

impl Rules {
    pub(super) fn of_base(repository: &Repository, base: &Snapshot) -> Result<Self, TreeError> {
        let files: Vec<&RelPath> = base
            .files()
            .iter()
            .filter(|(path, file)| {
                path.file_name() == ".gitignore"
                    && matches!(file.mode, Mode::File | Mode::Executable)
            })
            .map(|(path, _)| path)
            .collect();
        let mut by_folder = BTreeMap::new();
        for (path, bytes) in base.bytes_of(repository, files)? {
            let folder = path.parent().map_or_else(String::new, String::from);
            // Paths are matched relative to the folder, so the builder's own root is empty.
            let mut builder = GitignoreBuilder::new("");
            for line in String::from_utf8_lossy(&bytes).lines() {
                // A line that git would not understand either matches nothing.
                let _ = builder.add_line(None, line);
            }
            if let Ok(rules) = builder.build() {
                by_folder.insert(folder, rules);
            }
        }
        Ok(Self { by_folder })
    }

    /// Whether a path is ignored, given that the folder it lies in is not: the deepest file that says something wins.
    pub(super) fn ignores(&self, path: &str, is_folder: bool) -> bool {
        let mut folder = path;
        loop {
            let parent = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
            if let Some(rules) = self.by_folder.get(parent) {
                let inner = path
                    .strip_prefix(parent)
                    .map_or(path, |rest| rest.trim_start_matches('/'));
                let matched = rules.matched(inner, is_folder);
                if matched.is_ignore() {
                    return true;
                }
                if matched.is_whitelist() {
                    return false;
                }
            }
            if parent.is_empty() {
                return false;
            }
            folder = parent;
        }
    }
}
