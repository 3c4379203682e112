//! The table of projects: which commits are judged, and how a developer gets them to run.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its rows.
    #[serde(default)]
    pub project: Vec<Row>,
}

/// What the tests of a project are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// pytest.
    Python,
    /// cargo test.
    Rust,
    /// go test.
    Go,
}

/// One commit of one project.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// `owner/name`; its clone or git directory is `owner+name` or `name` in the folder of clones.
    pub name: String,
    /// The commit whose tests and source are split. Its first parent is the base.
    pub commit: String,
    /// What its tests are written in.
    pub language: Language,
    /// Commands, for `sh -c` in the work tree at the base, that make the environment as a developer would. The
    /// work tree of a project is kept for all its rows; this is run for each of them, and not timed.
    #[serde(default)]
    pub prepare: Vec<String>,
    /// More arguments of `redgreen red`, such as `--guard-passing`.
    #[serde(default)]
    pub red: Vec<String>,
    /// Exit codes by step where they differ from [`Step::expected`](super::Step::expected); an empty list leaves the step
    /// out.
    #[serde(default)]
    pub expect: BTreeMap<String, Vec<i32>>,
    /// What is special about it, for the report.
    #[serde(default)]
    pub note: String,
}

impl Row {
    /// The name without its owner.
    #[must_use]
    pub fn short_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }
    /// The first digits of the commit.
    #[must_use]
    pub fn short_commit(&self) -> &str {
        self.commit.get(..8).unwrap_or(&self.commit)
    }
}

/// Reads a table.
///
/// # Errors
/// What is wrong with the file.
pub fn read(path: &Path) -> Result<Table, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
    toml::from_str(&text).map_err(|error| format!("`{}`: {error}", path.display()))
}
