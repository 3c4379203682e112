//! The private folder of one run: our Python files, settings, record, home, temporary files.

use super::{Asked, compiled, io, survey};
use crate::process::{Finished, Isolation};
use crate::runner::{CouldNotRun, Request, RunnerSettings};
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

/// What `redgreen_probe.py` and `redgreen_origin.py` read.
#[derive(Serialize)]
struct ProbeSettings<'a> {
    checkout: &'a Path,
    tree: &'a Path,
    root: PathBuf,
    run: &'a Path,
    /// An empty configuration file.
    empty: PathBuf,
    foreign: PathBuf,
    /// Files to run, relative to the runner's root.
    arguments: Vec<String>,
    plugins: &'a [String],
    own_files: Vec<String>,
    whole: bool,
    selection: Option<&'a [(String, String)]>,
    files: Option<Vec<&'a str>>,
}

/// What only the probe knows; it removes the file before any project code runs.
#[derive(Serialize)]
struct Secret<'a> {
    report: PathBuf,
    mark: &'a str,
}

/// The folder; it is removed when the value is dropped.
pub(super) struct RunFolder {
    folder: tempfile::TempDir,
    mark: String,
    folders: compiled::Folders,
}

impl RunFolder {
    /// Writes everything the run needs.
    pub(super) fn new(
        request: &Request<'_>,
        settings: &RunnerSettings,
        asked: &Asked,
        facts: Option<&survey::Facts>,
        isolation: &dyn Fn(&Path) -> Isolation,
    ) -> Result<Self, CouldNotRun> {
        let scratch = &request.workspace.scratch;
        fs::create_dir_all(scratch).map_err(|error| io("create", scratch, &error))?;
        let folder = tempfile::Builder::new()
            .prefix("py")
            .tempdir_in(scratch)
            .map_err(|error| io("create a folder in", scratch, &error))?;
        let mark = mark().map_err(|error| io("read", Path::new("/dev/urandom"), &error))?;
        let folders = compiled::folders(
            request.environment,
            request.workspace,
            isolation(folder.path()),
            folder.path(),
        )?;
        let this = Self {
            folder,
            mark,
            folders,
        };
        // Short names: sockets in temporary folders are limited to about a hundred characters of path.
        for name in ["h", "t"] {
            let path = this.path().join(name);
            fs::create_dir(&path).map_err(|error| io("create", &path, &error))?;
        }
        let root = request.tree.join(&settings.root);
        let content = ProbeSettings {
            checkout: &request.workspace.checkout,
            tree: request.tree,
            arguments: asked
                .files
                .iter()
                .flatten()
                .map(|file| argument(file.as_str(), settings, request.tree))
                .collect(),
            root,
            run: this.path(),
            empty: this.path().join("empty.ini"),
            foreign: this.path().join("foreign"),
            plugins: &request.environment.plugins,
            own_files: facts
                .map(|facts| facts.own_files.clone())
                .unwrap_or_default(),
            whole: asked.files.is_none() && asked.selection.is_none(),
            selection: asked.selection.as_deref(),
            files: asked
                .files
                .as_ref()
                .map(|files| files.iter().map(|file| file.as_str()).collect()),
        };
        let content = serde_json::to_vec(&content).unwrap_or_default();
        let secret = Secret {
            report: this.path().join("report"),
            mark: &this.mark,
        };
        let secret = serde_json::to_vec(&secret).unwrap_or_default();
        for (name, bytes) in [
            ("run.json", content.as_slice()),
            ("s", secret.as_slice()),
            ("empty.ini", b"[pytest]\n".as_slice()),
            ("foreign", b"".as_slice()),
        ] {
            let path = this.path().join(name);
            fs::write(&path, bytes).map_err(|error| io("write", &path, &error))?;
        }
        Ok(this)
    }

    /// The folder.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The program to run: by path, so that no file of the project can take its name, and its secret.
    pub(super) fn program(&self) -> [String; 2] {
        [
            self.folders.probe.join("redgreen_start.py"),
            self.path().join("s"),
        ]
        .map(|path| path.display().to_string())
    }

    /// The mark that every line of the record carries.
    pub(super) fn mark(&self) -> &str {
        &self.mark
    }

    /// Where the complete output is written.
    pub(super) fn log(&self) -> PathBuf {
        self.path().join("log")
    }

    /// The options that every run has.
    pub(super) fn options(&self, plugins: &[String]) -> Vec<String> {
        let mut options = vec![
            "--rootdir=.".to_owned(),
            "--continue-on-collection-errors".to_owned(),
            "--color=no".to_owned(),
            format!("--basetemp={}", self.path().join("b").display()),
            // A private cache folder, not `-p no:cacheprovider`: that makes `cache_dir` an unknown setting (an error
            // with `--strict-config`) and takes `config.cache` from plugins that need it.
            "-o".to_owned(),
            format!("cache_dir={}", self.path().join("a").display()),
        ];
        if plugins.iter().any(|plugin| plugin == "randomly") {
            options.push("-p".to_owned());
            options.push("randomly".to_owned());
            options.push("--randomly-seed=0".to_owned());
        }
        options
    }

    /// The private variables of the run.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let at = |name: &str| self.path().join(name).display().to_string();
        [
            ("PYTHONPATH", self.folders.probe.display().to_string()),
            ("REDGREEN_RUN", at("run.json")),
            ("HOME", at("h")),
            ("TMPDIR", at("t")),
            (
                "PYTHONPYCACHEPREFIX",
                self.folders.compiled.display().to_string(),
            ),
            ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
            ("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1".to_owned()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    /// The output: the log where the process layer wrote one, else what was kept. Of very much output both ends.
    pub(super) fn output(&self, finished: &Finished) -> Vec<u8> {
        crate::state::read_ends(&self.log(), OUTPUT_KEPT).unwrap_or_else(|_| {
            let mut output = finished.stdout.clone();
            output.extend_from_slice(&finished.stderr);
            output
        })
    }

    /// The record of the probe and the list of code from elsewhere; empty where they were not written.
    pub(super) fn record(&self) -> (Vec<u8>, Vec<u8>) {
        let read = |name: &str| fs::read(self.path().join(name)).unwrap_or_default();
        (read("report"), read("foreign"))
    }
}

/// Of longer output than this many bytes only both ends are kept.
const OUTPUT_KEPT: u64 = 16 << 20;

/// Sixteen random bytes in hexadecimal.
fn mark() -> std::io::Result<String> {
    use std::io::Read as _;
    let mut bytes = [0u8; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A file as pytest is given it: relative to the runner's root, absolute outside of it.
fn argument(file: &str, settings: &RunnerSettings, tree: &Path) -> String {
    let inside = match settings.root.as_str() {
        "" => Some(file),
        root => file
            .strip_prefix(root)
            .and_then(|rest| rest.strip_prefix('/')),
    };
    match inside {
        Some(inside) if inside.starts_with(['-', '@']) => format!("./{inside}"),
        Some(inside) => inside.to_owned(),
        None => tree.join(file).display().to_string(),
    }
}
