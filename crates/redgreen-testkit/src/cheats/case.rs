//! The cases of the corpus: one TOML file each, in `corpus/cheats/CLASS/NAME.toml`.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The class folder of the honest controls.
pub const HONEST: &str = "honest";

/// Which gate has the last word over a case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// The tests are an author's work: RED, as part of `lock`.
    Lock,
    /// `lock` on the project's tests, then GREEN on what was written.
    #[default]
    Green,
    /// The same, and FULL after a GREEN that passed.
    Full,
    /// `run` over a plan, with the case's agents.
    Run,
}

/// A case as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What is done, in one line. The fact, for the table.
    pub title: String,
    /// The folder in `corpus/cheats/projects` it starts from.
    pub project: String,
    /// The gate that judges it.
    #[serde(default)]
    pub gate: Gate,
    /// The verdicts that are right; `pass` alone for honest cases and for known misses.
    pub expect: Vec<String>,
    /// Reason codes that must be among those given, each may be alternatives joined with `|`. Right for the right reason.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// Why it gets through, where it does: it is counted as a miss.
    #[serde(default)]
    pub miss: Option<String>,
    /// Whether it is part of the selection that runs as a test.
    #[serde(default)]
    pub smoke: bool,
    /// Whether the virtual environment is the case's own, because it is changed.
    #[serde(default)]
    pub own_environment: bool,
    /// The test command of the baseline, where it is not the project's.
    #[serde(default)]
    pub command: Option<String>,
    /// Committed files on top of the project's.
    #[serde(default)]
    pub start: BTreeMap<String, String>,
    /// Tests to lock, instead of the project's.
    #[serde(default)]
    pub tests: BTreeMap<String, String>,
    /// Files that the implementer writes.
    #[serde(default)]
    pub write: BTreeMap<String, String>,
    /// Text that the implementer appends to files.
    #[serde(default)]
    pub append: BTreeMap<String, String>,
    /// A shell script that the implementer runs in the checkout, after the files.
    #[serde(default, rename = "do")]
    pub script: Option<String>,
    /// A shell script of the author, for `gate = "run"`.
    #[serde(default)]
    pub author: Option<String>,
    /// A shell script of the implementer, for `gate = "run"`.
    #[serde(default)]
    pub implementer: Option<String>,

    /// `CLASS/NAME`, from its place.
    #[serde(skip)]
    pub id: String,
    /// The bytes it was read from.
    #[serde(skip)]
    pub text: String,
}

impl Case {
    /// The class, from its place.
    #[must_use]
    pub fn class(&self) -> &str {
        self.id.split('/').next().unwrap_or(&self.id)
    }
    /// Whether it is an honest control.
    #[must_use]
    pub fn is_honest(&self) -> bool {
        self.class() == HONEST
    }
    /// Whether it needs a project of its own: scripts may leave things behind that no reset finds.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.script.is_some()
            || self.own_environment
            || self.gate != Gate::Green
            || !self.start.is_empty()
            || !self.tests.is_empty()
    }
    fn check(&self) -> Result<(), String> {
        const VERDICTS: [&str; 6] = [
            "pass",
            "fail",
            "rejected",
            "could_not_run",
            "inconclusive",
            "flaky",
        ];
        if self.expect.is_empty() {
            return Err("`expect` is empty".to_owned());
        }
        if let Some(word) = self
            .expect
            .iter()
            .find(|word| !VERDICTS.contains(&word.as_str()) && !word.starts_with("exit "))
        {
            return Err(format!("`expect`: `{word}` is no verdict"));
        }
        let passes = self.expect.iter().any(|word| word == "pass");
        if passes != (self.is_honest() || self.miss.is_some()) || (passes && self.expect.len() > 1)
        {
            return Err("`pass` is for honest cases and for known misses alone".to_owned());
        }
        if !passes && self.reasons.is_empty() {
            return Err("`reasons` is empty: any refusal would be right".to_owned());
        }
        if (self.gate == Gate::Run) != (self.author.is_some() && self.implementer.is_some()) {
            return Err("`author` and `implementer` belong to `gate = \"run\"`".to_owned());
        }
        Ok(())
    }
}

/// All cases below a folder, in the order of their ids.
///
/// # Errors
/// The file that cannot be read, and why.
pub fn read(corpus: &Path) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for class in folders(corpus)? {
        let name = file_name(&class);
        if name == "projects" {
            continue;
        }
        for file in entries(&class)? {
            if file.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let bad = |why: String| format!("{}: {why}", file.display());
            let text = std::fs::read_to_string(&file).map_err(|error| bad(error.to_string()))?;
            let mut case: Case = toml::from_str(&text).map_err(|error| bad(error.to_string()))?;
            let stem = file.file_stem().unwrap_or_default().to_string_lossy();
            case.id = format!("{name}/{stem}");
            case.text = text;
            case.check().map_err(bad)?;
            cases.push(case);
        }
    }
    cases.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(cases)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(|error| format!("{}: {error}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    Ok(paths)
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>, String> {
    Ok(entries(folder)?
        .into_iter()
        .filter(|path| path.is_dir())
        .collect())
}
