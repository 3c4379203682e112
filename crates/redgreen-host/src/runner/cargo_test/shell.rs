//! One run's folders, environment and output; every command of the run goes through here.

use crate::process::{self, Finished, Spec};
use crate::runner::{CouldNotRun, Request, RunnerSettings};
use redgreen_core::id::Digest;
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::Ended;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Folders and environment of one run.
pub struct Shell<'a> {
    /// The private tree, real path.
    pub tree: PathBuf,
    /// The folder of the runner in it.
    pub root: PathBuf,
    /// cargo's private target folder.
    pub target: PathBuf,
    /// The real cargo.
    pub cargo: String,
    /// The environment of every command.
    pub env: BTreeMap<String, String>,
    /// Limit for one command.
    pub timeout: Duration,
    /// Everything that was printed, in a fixed order.
    pub output: Vec<u8>,
    request: &'a Request<'a>,
    // Removed with everything in it when the run is over.
    folder: tempfile::TempDir,
}

impl<'a> Shell<'a> {
    /// Makes the private folders.
    ///
    /// # Errors
    /// A reason when the environment record has no cargo or the folders cannot be made.
    pub fn new(request: &'a Request<'a>, settings: &RunnerSettings) -> Result<Self, CouldNotRun> {
        let fault = |error: std::io::Error| {
            Box::new(Reason::new(
                ReasonCode::EnvironmentFault,
                format!("a private folder cannot be made: {error}"),
                "free disk space, or check the permissions of redgreen's state folder",
            ))
        };
        let cargo = request
            .environment
            .tools
            .get("cargo")
            .map(|tool| tool.path.clone())
            .ok_or_else(|| {
                Box::new(Reason::new(
                    ReasonCode::CommandNotFound,
                    "the environment record has no `cargo`",
                    "build the environment record again",
                ))
            })?;
        std::fs::create_dir_all(&request.workspace.scratch).map_err(fault)?;
        let folder = tempfile::Builder::new()
            .prefix("cargo-")
            .tempdir_in(&request.workspace.scratch)
            .map_err(fault)?;
        let base = folder.path().canonicalize().map_err(fault)?;
        let tree = request.tree.canonicalize().map_err(fault)?;
        let mut env = request.environment.variables.clone();
        for (name, sub) in [
            ("HOME", "home"),
            ("TMPDIR", "tmp"),
            ("CARGO_TARGET_DIR", "target"),
            // A configuration file may name a shared one (stable since Rust 1.91).
            ("CARGO_BUILD_BUILD_DIR", "target"),
        ] {
            let path = base.join(sub);
            std::fs::create_dir_all(&path).map_err(fault)?;
            env.insert(name.to_owned(), path.to_string_lossy().into_owned());
        }
        Ok(Self {
            root: tree.join(&settings.root),
            tree,
            target: base.join("target"),
            cargo,
            env,
            timeout: settings.timeout,
            output: Vec::new(),
            request,
            folder,
        })
    }

    /// Runs cargo in the runner's folder.
    ///
    /// # Errors
    /// A reason when it could not be started, or was ended by a limit.
    pub fn cargo(&mut self, arguments: &[String]) -> Result<Finished, CouldNotRun> {
        let spec = self.cargo_spec(arguments);
        let finished = start(&spec)?;
        self.record(&spec.argv, &finished);
        within_limits(&finished, "cargo", self.timeout)?;
        Ok(finished)
    }

    /// What [`Shell::cargo`] runs.
    #[must_use]
    pub fn cargo_spec(&self, arguments: &[String]) -> Spec {
        let mut argv = vec![self.cargo.clone()];
        argv.extend_from_slice(arguments);
        self.spec("cargo", argv, &self.root)
    }

    /// Any command with this run's environment and limits.
    #[must_use]
    pub fn spec(&self, label: &str, argv: Vec<String>, cwd: &Path) -> Spec {
        let mut spec = Spec::new(label, argv, cwd);
        spec.env = self.env.clone();
        spec.timeout = self.timeout;
        spec.network = process::Network::of_record(&self.request.environment.network);
        spec.writable = vec![self.tree.clone(), self.folder.path().to_owned()];
        spec.hidden = self.request.tests_in_checkout();
        // Diagnostics of a large workspace are long, and a cut stream is no stream.
        spec.keep = 256 << 20;
        spec
    }

    /// Adds a command and what it printed to the output of the run.
    pub fn record(&mut self, argv: &[String], finished: &Finished) {
        self.output
            .extend_from_slice(format!("$ {}\n", argv.join(" ")).as_bytes());
        self.output.extend_from_slice(&finished.stdout);
        self.output.extend_from_slice(&finished.stderr);
        self.output
            .extend_from_slice(format!("[{:?}]\n", finished.ended).as_bytes());
    }

    /// A text for evidence: the private paths become `{tree}` and `{target}`.
    #[must_use]
    pub fn shown(&self, text: &str) -> String {
        text.replace(self.target.to_string_lossy().as_ref(), "{target}")
            .replace(self.tree.to_string_lossy().as_ref(), "{tree}")
    }

    /// Keeps the complete output without secrets under its digest, in the private state.
    #[must_use]
    pub fn keep_output(&self) -> Digest {
        let output = crate::secrets::hidden_bytes(&self.output);
        let digest = Digest::of(&output);
        let folder = self.request.workspace.cache.join("output");
        // Evidence binds the digest; a full disk must not turn a result into another one.
        if std::fs::create_dir_all(&folder).is_ok() {
            let _ = std::fs::write(folder.join(digest.hex()), &output);
        }
        digest
    }

    /// The last lines with content, for people.
    #[must_use]
    pub fn tail(&self, lines: usize) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.output);
        let mut tail: Vec<String> = text
            .lines()
            .rev()
            .filter(|line| !line.trim().is_empty() && !line.starts_with("{\"reason\""))
            .take(lines)
            .map(|line| self.shown(line))
            .collect();
        tail.reverse();
        tail
    }
}

/// Starts a command.
///
/// # Errors
/// A reason when the program is missing or the system refuses.
pub fn start(spec: &Spec) -> Result<Finished, CouldNotRun> {
    process::run(spec).map_err(|error| {
        let code = match error {
            process::SpawnError::NotFound { .. } => ReasonCode::CommandNotFound,
            process::SpawnError::Io { .. } | process::SpawnError::Folder { .. } => {
                ReasonCode::EnvironmentFault
            }
        };
        Box::new(Reason::new(
            code,
            error.to_string(),
            "install what is missing, then run again",
        ))
    })
}

/// Refuses what a limit or a person ended.
///
/// # Errors
/// The limit.
pub fn within_limits(
    finished: &Finished,
    what: &str,
    timeout: Duration,
) -> Result<(), CouldNotRun> {
    match finished.ended {
        Ended::Code(_) | Ended::Signal(_) => Ok(()),
        Ended::TimedOut => Err(Box::new(Reason::new(
            ReasonCode::TimedOut,
            format!("`{what}` did not end within {} s", timeout.as_secs()),
            "raise `timeout` of the runner in `redgreen.toml`",
        ))),
        Ended::IdledOut => Err(Box::new(Reason::new(
            ReasonCode::TimedOut,
            format!("`{what}` printed nothing for too long"),
            "raise `timeout` of the runner in `redgreen.toml`",
        ))),
        Ended::OutputLimit => Err(Box::new(Reason::new(
            ReasonCode::TruncatedReport,
            format!("`{what}` printed more than is allowed"),
            "make the build or the tests print less",
        ))),
        Ended::Interrupted => Err(Box::new(Reason::new(
            ReasonCode::Stopped,
            format!("`{what}` was stopped"),
            "run again",
        ))),
    }
}
