//! The private folder of one run: our reporters, secrets, records, home, temporary files.

use super::io;
use crate::process::Finished;
use crate::runner::{CouldNotRun, Request};
use redgreen_formats::javascript::Journal;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The files of the probe.
const FILES: [(&str, &str); 6] = [
    (
        "redgreen_probe.cjs",
        include_str!("probe/redgreen_probe.cjs"),
    ),
    (
        "redgreen_node_test.mjs",
        include_str!("probe/redgreen_node_test.mjs"),
    ),
    (
        "redgreen_node_driver.mjs",
        include_str!("probe/redgreen_node_driver.mjs"),
    ),
    (
        "redgreen_vitest.mjs",
        include_str!("probe/redgreen_vitest.mjs"),
    ),
    ("redgreen_jest.cjs", include_str!("probe/redgreen_jest.cjs")),
    (
        "redgreen_mocha.cjs",
        include_str!("probe/redgreen_mocha.cjs"),
    ),
];

/// Of longer output than this many bytes only both ends are kept.
const OUTPUT_KEPT: u64 = 16 << 20;

/// What only the probe knows; it removes the file before any project code runs.
#[derive(Serialize)]
struct Secret<'a> {
    mark: &'a str,
    report: &'a Path,
    checkout: &'a Path,
    tree: &'a Path,
}

/// The folder; it is removed when the value is dropped.
pub(super) struct RunFolder {
    folder: tempfile::TempDir,
    mark: String,
    checkout: PathBuf,
    tree: PathBuf,
}

impl RunFolder {
    /// Writes everything the run needs.
    pub(super) fn new(request: &Request<'_>) -> Result<Self, CouldNotRun> {
        let scratch = &request.workspace.scratch;
        fs::create_dir_all(scratch).map_err(|error| io("create", scratch, &error))?;
        let folder = tempfile::Builder::new()
            .prefix("js")
            .tempdir_in(scratch)
            .map_err(|error| io("create a folder in", scratch, &error))?;
        let mark = mark().map_err(|error| io("read", Path::new("/dev/urandom"), &error))?;
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let this = Self {
            folder,
            mark,
            checkout: real(&request.workspace.checkout),
            tree: real(request.tree),
        };
        for name in ["h", "t", "p", "s", "r"] {
            let path = this.path().join(name);
            fs::create_dir(&path).map_err(|error| io("create", &path, &error))?;
        }
        for (name, text) in FILES {
            let path = PathBuf::from(this.probe(name));
            fs::write(&path, text).map_err(|error| io("write", &path, &error))?;
        }
        this.secret("0", &this.record())?;
        Ok(this)
    }

    /// The folder.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The mark that every line of a record carries.
    pub(super) fn mark(&self) -> &str {
        &self.mark
    }

    /// One of our files.
    pub(super) fn probe(&self, name: &str) -> String {
        self.path().join("p").join(name).display().to_string()
    }

    /// The record of a run with one process.
    pub(super) fn record(&self) -> PathBuf {
        self.path().join("r").join("0")
    }

    /// Where the complete output is written.
    pub(super) fn log(&self) -> PathBuf {
        self.path().join("log")
    }

    /// Writes the secret of one process; the place of the file.
    pub(super) fn secret(&self, name: &str, record: &Path) -> Result<PathBuf, CouldNotRun> {
        let path = self.path().join("s").join(name);
        let secret = Secret {
            mark: &self.mark,
            report: record,
            checkout: &self.checkout,
            tree: &self.tree,
        };
        let bytes = serde_json::to_vec(&secret).unwrap_or_default();
        fs::write(&path, bytes).map_err(|error| io("write", &path, &error))?;
        Ok(path)
    }

    /// The complete environment of the run.
    pub(super) fn variables(
        &self,
        request: &Request<'_>,
        root: &Path,
        node: &str,
    ) -> BTreeMap<String, String> {
        let mut variables = request.environment.variables.clone();
        let at = |name: &str| self.path().join(name).display().to_string();
        variables.insert("HOME".to_owned(), at("h"));
        variables.insert("TMPDIR".to_owned(), at("t"));
        variables.insert("REDGREEN_RUN".to_owned(), at("s/0"));
        let bin = Path::new(node).parent().unwrap_or(Path::new("/usr/bin"));
        let path = variables
            .get("PATH")
            .cloned()
            .unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".to_owned());
        let own = root.join("node_modules/.bin");
        variables.insert(
            "PATH".to_owned(),
            format!("{}:{}:{path}", own.display(), bin.display()),
        );
        variables
    }

    /// The output: the log where the process layer wrote one, else what was kept.
    pub(super) fn output(&self, finished: &Finished) -> Vec<u8> {
        crate::state::read_ends(&self.log(), OUTPUT_KEPT).unwrap_or_else(|_| {
            let mut output = finished.stdout.clone();
            output.extend_from_slice(&finished.stderr);
            output
        })
    }

    /// One record; empty where it was not written.
    pub(super) fn journal(&self, record: &Path) -> Journal {
        Journal::read(&fs::read(record).unwrap_or_default(), &self.mark)
    }
}

/// Sixteen random bytes in hexadecimal.
fn mark() -> std::io::Result<String> {
    use std::io::Read as _;
    let mut bytes = [0u8; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
