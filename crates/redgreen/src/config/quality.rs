//! What a project says about its tests: `[lint]` and `[mocks]`, for the command and for the gates alike.

use super::file::{self, MockPolicy as Word};
use crate::error::Failure;
use globset::{Glob, GlobMatcher};
use redgreen_core::id::RelPath;
use redgreen_lint::quality::{Finding, MockPolicy, Options};
use std::collections::BTreeSet;

/// `[lint]` and `[mocks]` with their globs compiled.
pub struct Quality {
    lint: file::Lint,
    everywhere: MockPolicy,
    policies: Vec<(GlobMatcher, MockPolicy)>,
    waivers: Vec<(GlobMatcher, file::Waiver)>,
    first_party: BTreeSet<String>,
}

impl Quality {
    /// Reads both tables; `paths` are the files of the project, for the names of its own packages.
    ///
    /// # Errors
    /// A usage failure for a glob that does not compile.
    pub fn of<'p>(
        parsed: file::File,
        paths: impl Iterator<Item = &'p RelPath>,
    ) -> Result<Self, Failure> {
        let glob = |text: &str, key: &str| {
            Glob::new(text)
                .map(|glob| glob.compile_matcher())
                .map_err(|error| {
                    Failure::usage(error.to_string(), "globs have gitignore semantics").at(key)
                })
        };
        let mut policies = Vec::new();
        for path in &parsed.mocks.paths {
            policies.push((glob(&path.glob, "mocks.paths")?, policy(path.policy)));
        }
        let mut waivers = Vec::new();
        for waiver in &parsed.lint.waivers {
            waivers.push((glob(&waiver.path, "lint.waivers")?, waiver.clone()));
        }
        Ok(Self {
            everywhere: parsed.mocks.policy.map_or(MockPolicy::Mixed, policy),
            lint: parsed.lint,
            policies,
            waivers,
            first_party: first_party(paths),
        })
    }

    /// Which findings stop a gate.
    #[must_use]
    pub fn gate(&self) -> file::LintGate {
        self.lint.gate
    }

    /// What the rules know of a file.
    #[must_use]
    pub fn options(&self, path: &RelPath) -> Options {
        let mocks = self
            .policies
            .iter()
            .rev()
            .find(|(glob, _)| glob.is_match(path.as_str()))
            .map_or(self.everywhere, |(_, policy)| *policy);
        Options {
            assertions: self.lint.assertions.iter().cloned().collect(),
            first_party: self.first_party.clone(),
            mocks,
            strict: self.lint.strict,
            ..Options::default()
        }
    }

    /// The waiver of a finding, if there is one that still holds `today` (`2026-11-20`).
    #[must_use]
    pub fn waiver(&self, path: &RelPath, finding: &Finding, today: &str) -> Option<&file::Waiver> {
        self.waivers
            .iter()
            .find(|(glob, waiver)| {
                glob.is_match(path.as_str())
                    && (waiver.rule == finding.rule.name || waiver.rule == finding.rule.number)
                    && waiver
                        .test
                        .as_ref()
                        .is_none_or(|test| Some(test) == finding.test.as_ref())
                    && waiver
                        .expires
                        .as_ref()
                        .is_none_or(|end| today <= end.as_str())
            })
            .map(|(_, waiver)| waiver)
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
fn first_party<'p>(paths: impl Iterator<Item = &'p RelPath>) -> BTreeSet<String> {
    paths
        .filter_map(|path| {
            let text = path.as_str();
            let text = text.strip_prefix("src/").unwrap_or(text);
            let (package, rest) = text.split_once('/')?;
            (rest == "__init__.py" && !package.starts_with("test")).then(|| package.to_owned())
        })
        .collect()
}
