//! What lint knows of the project around a file: a repository, its base, its configuration. All of it is optional.

use crate::config::quality::Quality;
use crate::config::{Config, file};
use crate::error::Failure;
use crate::referee::context::git_failure;
use redgreen_core::id::RelPath;
use redgreen_host::git::Repository;
use redgreen_host::tree::Snapshot;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a file was on the base.
pub(super) enum Base {
    /// The same bytes.
    Same,
    /// This text.
    Text(String),
}

/// The project.
pub(super) struct Project {
    /// Paths are relative to it.
    root: PathBuf,
    repository: Option<Repository>,
    /// What is not new.
    base: Option<Snapshot>,
    quality: Quality,
}

impl Project {
    /// Looks around a folder.
    ///
    /// # Errors
    /// A usage failure for a revision that is not known, or a configuration that does not load.
    pub(super) fn of(here: &Path, since: Option<&str>) -> Result<Self, Failure> {
        let repository = Repository::open(here).ok();
        let root = repository.as_ref().map_or_else(
            || here.to_path_buf(),
            |repository| repository.top_level().to_path_buf(),
        );
        let base = match (&repository, since) {
            (Some(repository), Some(revision)) => {
                let commit = repository.resolve(revision).map_err(|error| {
                    Failure::usage(error.to_string(), "name a commit, a branch or a tag")
                })?;
                Some(Snapshot::of_commit(repository, &commit).map_err(git_failure)?)
            }
            (Some(repository), None) => repository
                .resolve("HEAD")
                .ok()
                .and_then(|commit| Snapshot::of_commit(repository, &commit).ok()),
            (None, Some(_)) => {
                return Err(Failure::usage(
                    "`--since` needs a git repository, and there is none here",
                    "leave it out: every test is judged as new",
                ));
            }
            (None, None) => None,
        };
        let file = match crate::config::PLACES.iter().find_map(|place| {
            redgreen_host::files::text(&root.join(place)).map(|text| (*place, text))
        }) {
            Some((place, text)) => Config::parse_file(place, &text)?,
            None => file::File::default(),
        };
        let paths = base.iter().flat_map(|base| base.files().keys());
        let quality = Quality::of(file, paths)?;
        Ok(Self {
            root,
            repository,
            base,
            quality,
        })
    }

    pub(super) fn relative(&self, path: &Path) -> Option<RelPath> {
        let full = path.canonicalize().ok()?;
        let relative = full
            .strip_prefix(&self.root)
            .map(Path::to_path_buf)
            .unwrap_or_else(|_| PathBuf::from(full.file_name().unwrap_or_default()));
        RelPath::new(relative.to_str()?).ok()
    }

    /// What the files were, with one git process for all of them; those that are as they were are not read at all.
    pub(super) fn base_of<'f>(
        &self,
        files: impl Iterator<Item = (&'f RelPath, &'f str)>,
    ) -> BTreeMap<RelPath, Base> {
        let mut known = BTreeMap::new();
        let (Some(base), Some(repository)) = (&self.base, &self.repository) else {
            return known;
        };
        let mut changed = Vec::new();
        for (path, text) in files {
            match base.get(path) {
                Some(file) if file.oid == repository.blob_id(text.as_bytes()) => {
                    known.insert(path.clone(), Base::Same);
                }
                Some(_) => changed.push(path),
                None => {}
            }
        }
        if let Ok(bytes) = base.bytes_of(repository, changed) {
            for (path, bytes) in bytes {
                if let Ok(text) = String::from_utf8(bytes.to_vec()) {
                    known.insert(path, Base::Text(text));
                }
            }
        }
        known
    }

    /// What the rules know of a file, and what of the configuration waives.
    pub(super) fn quality(&self) -> &Quality {
        &self.quality
    }
}
