//! Where reports lie, and that they are of this run.

use super::super::CouldNotRun;
use crate::path_rules::{PathClass, PathRules};
use redgreen_core::id::RelPath;
use redgreen_core::reason::{Reason, ReasonCode};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The largest report that is read, in bytes.
const MOST_BYTES: u64 = 512 << 20;

/// The most reports of one run.
const MOST_REPORTS: usize = 20_000;

/// Folders that no report of the project is written to. A build tool's `target` is not among them: Maven's reports lie
/// there.
const NO_REPORTS: [&str; 2] = [".git", "node_modules"];

/// Folders that hold no tests of the project, whatever the globs say.
const NO_TESTS: [&str; 6] = [
    ".git",
    "node_modules",
    "target",
    ".venv",
    "venv",
    "__pycache__",
];

/// Every regular file of a tree, relative to it, in order. Folders with these names are passed over, links not followed.
fn files_below(tree: &Path, passed_over: &[&str]) -> Vec<RelPath> {
    let mut found = Vec::new();
    let mut open = vec![tree.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            let path = entry.path();
            if kind.is_dir() {
                if !passed_over.iter().any(|name| entry.file_name() == *name) {
                    open.push(path);
                }
            } else if kind.is_file()
                && let Some(text) = path.strip_prefix(tree).ok().and_then(Path::to_str)
                && let Ok(path) = RelPath::new(text)
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The files of a tree that may hold tests.
pub(super) fn list(tree: &Path) -> Vec<RelPath> {
    files_below(tree, &NO_TESTS)
}

/// Places in the tree that the command always writes to (`report` under `[runner]`).
pub(super) struct Fixed {
    rules: Option<PathRules>,
}

impl Fixed {
    pub(super) fn new(globs: &[String]) -> Result<Self, CouldNotRun> {
        if globs.is_empty() {
            return Ok(Self { rules: None });
        }
        let rules = PathRules::new(&[], globs, &[]).map_err(|bad| {
            Box::new(Reason::new(
                ReasonCode::RunnerUsageError,
                format!("`report` of the runner: {bad}"),
                "globs have gitignore semantics, relative to the runner's folder",
            ))
        })?;
        Ok(Self { rules: Some(rules) })
    }

    fn found(&self, root: &Path) -> Vec<RelPath> {
        let Some(rules) = &self.rules else {
            return Vec::new();
        };
        let mut found = files_below(root, &NO_REPORTS);
        found.retain(|path| {
            rules.names_source(path) && rules.class(path) != PathClass::RunnerConfig
        });
        found
    }

    /// Removes what lies there before the run, so that what lies there afterwards is of this run.
    pub(super) fn clear(&self, root: &Path) -> io::Result<()> {
        self.found(root)
            .iter()
            .try_for_each(|path| fs::remove_file(root.join(path.as_str())))
    }
}

/// The folder of one run. Its name cannot be guessed; it goes with the value.
pub(super) struct RunFolder {
    folder: tempfile::TempDir,
    began: SystemTime,
}

impl RunFolder {
    pub(super) fn new(scratch: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("junit-")
            .rand_bytes(32)
            .tempdir_in(scratch)?;
        for name in ["home", "tmp"] {
            fs::create_dir(folder.path().join(name))?;
        }
        // The file system's own clock: the one that reports are dated by.
        let began = fs::metadata(folder.path().join("tmp"))?.modified()?;
        Ok(Self { folder, began })
    }
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
    pub(super) fn report(&self) -> PathBuf {
        self.path().join("report.xml")
    }
    pub(super) fn home(&self) -> PathBuf {
        self.path().join("home")
    }
    pub(super) fn temporary(&self) -> PathBuf {
        self.path().join("tmp")
    }
    pub(super) fn log(&self) -> PathBuf {
        self.path().join("output")
    }

    /// The reports of the run with the name each is shown by, and why one of them is not believed.
    pub(super) fn reports(
        &self,
        root: &Path,
        fixed: &Fixed,
    ) -> (Vec<(String, Vec<u8>)>, Vec<Reason>) {
        let mut paths = Vec::new();
        let own = self.report();
        match fs::symlink_metadata(&own) {
            Ok(meta) if meta.is_dir() => {
                // Some runners take a folder and write one file per class.
                let mut inside: Vec<PathBuf> = fs::read_dir(&own)
                    .into_iter()
                    .flatten()
                    .flatten()
                    .map(|entry| entry.path())
                    .filter(|path| {
                        path.extension()
                            .is_some_and(|end| end == "xml" || end == "json" || end == "tap")
                    })
                    .collect();
                inside.sort();
                paths.extend(inside.into_iter().map(|path| (short(&path), path)));
            }
            Ok(_) => paths.push(("{report}".to_owned(), own)),
            Err(_) => {}
        }
        for path in fixed.found(root) {
            paths.push((path.to_string(), root.join(path.as_str())));
        }
        let mut reports = Vec::new();
        let mut problems = Vec::new();
        for (name, path) in paths {
            if reports.len() >= MOST_REPORTS {
                problems.push(Reason::new(
                    ReasonCode::TruncatedReport,
                    format!("the run wrote more than {MOST_REPORTS} reports"),
                    "name fewer in `report` of the runner",
                ));
                break;
            }
            match self.one(&name, &path) {
                Ok(bytes) => reports.push((name, bytes)),
                Err(reason) => problems.push(*reason),
            }
        }
        (reports, problems)
    }

    fn one(&self, name: &str, path: &Path) -> Result<Vec<u8>, CouldNotRun> {
        let unreadable = |error: io::Error| {
            Box::new(Reason::new(
                ReasonCode::NoReport,
                format!("the report `{name}` cannot be read: {error}"),
                "look at what writes it",
            ))
        };
        let refused = |what: &str, help: &str| {
            Err(Box::new(Reason::new(
                ReasonCode::NoReport,
                format!("the report `{name}` {what}"),
                help,
            )))
        };
        let meta = fs::symlink_metadata(path).map_err(unreadable)?;
        if !meta.is_file() {
            return refused(
                "is no regular file",
                "let the command write it itself, not link to it",
            );
        }
        if meta.len() > MOST_BYTES {
            return refused(
                &format!("has {} bytes, more than {MOST_BYTES}", meta.len()),
                "keep the tests' output out of it",
            );
        }
        if meta.modified().map_err(unreadable)? < self.began {
            return refused(
                "was written before this run began",
                "let the command write it anew, not copy an old one",
            );
        }
        fs::read(path).map_err(unreadable)
    }
}

fn short(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
