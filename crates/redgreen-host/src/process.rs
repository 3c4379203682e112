//! The one door through which everything is spawned: agents, tests, builds, services, git.

use redgreen_core::run_report::Ended;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// What to run and within which limits.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The program and its arguments. The program is an absolute path, or a name that is looked up in `env["PATH"]`.
    pub argv: Vec<String>,
    /// The working directory.
    pub cwd: PathBuf,
    /// The complete environment: nothing is inherited.
    pub env: BTreeMap<String, String>,
    /// What the process reads from its standard input; nothing by default.
    pub stdin: Vec<u8>,
    /// Wall-clock limit.
    pub timeout: Duration,
    /// Limit without any output; `None` for no such limit.
    pub idle_timeout: Option<Duration>,
    /// At most this many bytes of each of the two streams are kept in memory (head and tail); more is counted and
    /// still drained. Past `output_limit` in all the process is ended.
    pub keep: usize,
    /// Past this many bytes of output the process is ended with [`Ended::OutputLimit`].
    pub output_limit: u64,
    /// Where the complete output is also written (standard output and error, as they come); `None` to keep no file.
    pub log: Option<PathBuf>,
    /// Folders that the process may write; everything else is read-only where the isolation level allows.
    pub writable: Vec<PathBuf>,
    /// `(source, target)`: mount `source` at `target` where the isolation level allows.
    pub mounts: Vec<(PathBuf, PathBuf)>,
    /// What it is, for the session log: `pytest`, `git ls-tree`, `agent`.
    pub label: String,
}

impl Spec {
    /// A specification with ten minutes, 4 MiB kept, 1 GiB at most, nothing writable but what the caller adds.
    #[must_use]
    pub fn new(label: &str, argv: Vec<String>, cwd: impl Into<PathBuf>) -> Self {
        Self {
            argv,
            cwd: cwd.into(),
            env: BTreeMap::new(),
            stdin: Vec::new(),
            timeout: Duration::from_secs(600),
            idle_timeout: None,
            keep: 4 << 20,
            output_limit: 1 << 30,
            log: None,
            writable: Vec::new(),
            mounts: Vec::new(),
            label: label.to_owned(),
        }
    }
}

/// How a process was isolated. Part of every result and of the evidence (SPEC C6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isolation {
    /// Nothing but a process tree that is ended as a whole, a private home and a cleared environment.
    Process,
    /// Bubblewrap: own process namespace, everything read-only but `writable`.
    Bubblewrap,
}

/// What came of a process.
#[derive(Debug, Clone)]
pub struct Finished {
    /// How it ended.
    pub ended: Ended,
    /// Standard output, at most `keep` bytes (head and tail with a line in between that says how much was left out).
    pub stdout: Vec<u8>,
    /// Standard error, likewise.
    pub stderr: Vec<u8>,
    /// Wall-clock time.
    pub duration: Duration,
    /// Processes that outlived the command and were ended by us.
    pub left_behind: u32,
    /// How it was isolated.
    pub isolation: Isolation,
}

impl Finished {
    /// Standard output as text, invalid bytes replaced.
    #[must_use]
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
    /// Standard error as text, invalid bytes replaced.
    #[must_use]
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
    /// Whether it exited with 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.ended == Ended::Code(0)
    }
}

/// The process could not be started at all.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The program does not exist.
    #[error("command `{program}` was not found")]
    NotFound {
        /// The program that was looked for.
        program: String,
    },
    /// The operating system refused.
    #[error("failed to start `{program}`: {source}")]
    Io {
        /// The program.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Runs a command to its end. When this returns, no process that it started is alive.
///
/// # Errors
/// [`SpawnError`] when the process could not be started.
pub fn run(spec: &Spec) -> Result<Finished, SpawnError> {
    // First version: replaced by the supervised one.
    let program = spec.argv.first().cloned().unwrap_or_default();
    let start = std::time::Instant::now();
    let output = std::process::Command::new(&program)
        .args(spec.argv.iter().skip(1))
        .current_dir(&spec.cwd)
        .env_clear()
        .envs(&spec.env)
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => SpawnError::NotFound {
                program: program.clone(),
            },
            _ => SpawnError::Io {
                program: program.clone(),
                source,
            },
        })?;
    let ended = match output.status.code() {
        Some(code) => Ended::Code(code),
        None => Ended::Signal(
            std::os::unix::process::ExitStatusExt::signal(&output.status).unwrap_or(0),
        ),
    };
    Ok(Finished {
        ended,
        stdout: output.stdout,
        stderr: output.stderr,
        duration: start.elapsed(),
        left_behind: 0,
        isolation: Isolation::Process,
    })
}
