//! What lint knows of the project around a file: a repository, its base, its configuration. All of it is optional.

use crate::config::file::MockPolicy as Word;
use crate::config::{Config, file};
use crate::error::Failure;
use crate::referee::context::git_failure;
use globset::{Glob, GlobSet, GlobSetBuilder};
use redgreen_core::id::RelPath;
use redgreen_host::git::Repository;
use redgreen_host::tree::Snapshot;
use redgreen_lint::quality::{MockPolicy, Options};
use std::collections::{BTreeMap, BTreeSet};
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
    file: file::File,
    policies: Vec<(GlobSet, MockPolicy)>,
    first_party: BTreeSet<String>,
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
        let mut policies = Vec::new();
        for path in &file.mocks.paths {
            let mut set = GlobSetBuilder::new();
            let glob = Glob::new(&path.glob).map_err(|error| {
                Failure::usage(error.to_string(), "globs have gitignore semantics")
                    .at("mocks.paths")
            })?;
            set.add(glob);
            let set = set.build().map_err(Failure::internal)?;
            policies.push((set, policy(path.policy)));
        }
        let first_party = first_party(base.as_ref());
        Ok(Self {
            root,
            repository,
            base,
            file,
            policies,
            first_party,
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

    pub(super) fn options(&self, path: &RelPath) -> Options {
        let mocks = self
            .policies
            .iter()
            .rev()
            .find(|(set, _)| set.is_match(path.as_str()))
            .map_or_else(
                || self.file.mocks.policy.map_or(MockPolicy::Mixed, policy),
                |(_, policy)| *policy,
            );
        Options {
            assertions: self.file.lint.assertions.iter().cloned().collect(),
            first_party: self.first_party.clone(),
            mocks,
            strict: self.file.lint.strict,
            ..Options::default()
        }
    }
}

fn policy(word: Word) -> MockPolicy {
    match word {
        Word::Real => MockPolicy::Real,
        Word::Mixed => MockPolicy::Mixed,
        Word::Unit => MockPolicy::Unit,
    }
}

/// Top-level packages of the project: folders with an `__init__.py` at the top or below `src`.
fn first_party(base: Option<&Snapshot>) -> BTreeSet<String> {
    base.into_iter()
        .flat_map(|base| base.files().keys())
        .filter_map(|path| {
            let text = path.as_str();
            let text = text.strip_prefix("src/").unwrap_or(text);
            let (package, rest) = text.split_once('/')?;
            (rest == "__init__.py" && !package.starts_with("test")).then(|| package.to_owned())
        })
        .collect()
}
