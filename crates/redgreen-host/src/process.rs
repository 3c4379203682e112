//! The one door through which everything is spawned: agents, tests, builds, services, git.
//!
//! A child runs in its own process group with a complete environment of ours and a tag (`REDGREEN_JOB`). One loop in
//! the calling thread feeds and drains its pipes, so an inherited pipe can never block us. After its end everything
//! that it started is ended too, also what called `setsid` and forked twice: we are a *child subreaper*, so orphans
//! become our children and are found in `/proc` ([`leftovers`]).

mod activity;
mod capture;
mod handle;
mod helper;
mod isolation;
mod jobs;
mod leftovers;
mod supervise;
mod supervisor;

pub use activity::{Activity, current as current_activity};
pub use handle::Handle;
pub(crate) use helper::Helper;
pub use isolation::{
    Available, SandboxSettings, Tried, available, best_available, command_network,
    configure_sandbox, keep_out_of, may_read_checkout, project_network, require, required,
};
pub use jobs::{Swept, record_jobs_in, sweep};
pub use leftovers::own_every_child;
pub(crate) use leftovers::{lives as process_lives, own_start_time};
pub use supervise::{interrupt_all, running};
pub use supervisor::{SUPERVISE, supervise_with, supervisor_main};

use redgreen_core::run_report::Ended;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

/// How many processes and threads a command may have; a fork bomb ends here, and no build that is known comes near.
const PROCESSES: u64 = 4096;

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
    /// Folders and files that the process may read although they lie in a hidden place.
    pub readable: Vec<PathBuf>,
    /// Folders and files that the process does not see, beside private state, git folders and the user's home.
    pub hidden: Vec<PathBuf>,
    /// How much of the user's home it sees.
    pub sees: Sees,
    /// The network it has, where the isolation level allows.
    pub network: Network,
    /// Whether it may make user namespaces of its own.
    pub nested: bool,
    /// At most this many processes and threads more than there are when it starts; 0 for no limit. The system does not
    /// hold root to it.
    pub processes: u64,
    /// `(source, target)`: mount `source` at `target` where the isolation level allows.
    pub mounts: Vec<(PathBuf, PathBuf)>,
    /// What it is, for the session log: `pytest`, `git ls-tree`, `agent`.
    pub label: String,
    /// The isolation that is asked for: the best available by default (`REDGREEN_ISOLATION=process` lowers it). What
    /// was really used is in [`Finished::isolation`].
    pub isolation: Isolation,
    /// Look for and end what outlived the command (default). False only for git plumbing, which starts nothing, and
    /// for signing, whose agent (`gpg-agent`) belongs to the user.
    pub end_leftovers: bool,
    /// Ends with [`Ended::Interrupted`] as soon as somebody asks to stop ([`crate::interrupt::stop_requested`]), not
    /// only at the second signal. True for agent sessions: they cost nothing and start over; a gate is finished.
    pub ends_on_stop: bool,
    /// Under bubblewrap root is an ordinary user in there, for servers that refuse root. Our files stay its own.
    pub ordinary_user: bool,
    /// How long it may take to end once it was asked to, before it is killed.
    pub grace: Duration,
    /// Another thread's hold on it; `None` for a command that is waited for.
    pub handle: Option<Handle>,
}

impl Spec {
    /// A specification with ten minutes, 4 MiB kept, 1 GiB at most, nothing writable but what the caller adds.
    #[must_use]
    pub fn new(label: &str, argv: Vec<String>, cwd: impl Into<PathBuf>) -> Self {
        Self {
            isolation: best_available(),
            network: project_network(),
            processes: PROCESSES,
            ..Self::unisolated(label, argv, cwd)
        }
    }

    /// Like [`Spec::new`] at the lowest isolation level, without asking for the best one.
    pub(crate) fn unisolated(label: &str, argv: Vec<String>, cwd: impl Into<PathBuf>) -> Self {
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
            readable: Vec::new(),
            hidden: Vec::new(),
            sees: Sees::Project,
            network: Network::Host,
            nested: false,
            processes: 0,
            mounts: Vec::new(),
            label: label.to_owned(),
            isolation: Isolation::Process,
            end_leftovers: true,
            ends_on_stop: false,
            ordinary_user: false,
            grace: Duration::from_millis(300),
            handle: None,
        }
    }
}

/// How a process was isolated. Part of every result and of the evidence (SPEC C6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isolation {
    /// Nothing but a process tree that is ended as a whole, a private home and a cleared environment. Agents work in a
    /// copy, and only what their role may write is taken from it.
    Process,
    /// Landlock: the kernel refuses writes beside `writable` and reads of what is hidden.
    Landlock,
    /// Bubblewrap: namespaces of its own, everything read-only but `writable`, nothing of what is hidden.
    Bubblewrap,
}

impl Isolation {
    /// Every level, lowest first.
    pub const ALL: [Self; 3] = [Self::Process, Self::Landlock, Self::Bubblewrap];

    /// The word for it in configuration, output and evidence.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Process => "none",
            Self::Landlock => "landlock",
            Self::Bubblewrap => "bubblewrap",
        }
    }

    /// The level of a word; `process` is the old word for `none`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "process" => Some(Self::Process),
            _ => Self::ALL.into_iter().find(|level| level.as_str() == word),
        }
    }
}

/// The network of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// A network of its own, in which only loopback is up; the machine's where namespaces are not allowed.
    Private,
    /// The machine's.
    Host,
    /// As [`Network::Private`]; where namespaces are not allowed, no sockets but Unix sockets.
    Closed,
}

impl Network {
    /// The word for it in the environment record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Private => "loopback",
            Self::Host => "host",
            Self::Closed => "none",
        }
    }

    /// The network of a word in an environment record. Records from before it was kept say `host`.
    #[must_use]
    pub fn of_record(word: &str) -> Self {
        match word {
            "loopback" => Self::Private,
            "none" => Self::Closed,
            _ => Self::Host,
        }
    }
}

/// How much of the user's home a command sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sees {
    /// Tools, the checkout and what it is given: agents, tests, builds.
    Project,
    /// All of it: tools of the user that are asked about themselves. They run no code of the tree.
    Everything,
}

/// What came of a process.
#[derive(Debug, Clone)]
pub struct Finished {
    /// How it ended. Under bubblewrap the exit codes 129 to 159 count as the signal they stand for (a command that
    /// itself exits with one of them cannot be told apart).
    pub ended: Ended,
    /// Standard output, at most `keep` bytes (head and tail with a line in between that says how much was left out).
    pub stdout: Vec<u8>,
    /// Standard error, likewise.
    pub stderr: Vec<u8>,
    /// Wall-clock time.
    pub duration: Duration,
    /// Processes that outlived the command and were ended by us. Always 0 under bubblewrap: the system ends them with
    /// their process namespace before they can be counted.
    pub left_behind: u32,
    /// How it was isolated.
    pub isolation: Isolation,
    /// The network it had.
    pub network: Network,
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
    /// The working directory cannot be used.
    #[error("folder `{}` to run `{program}` in cannot be used: {source}", .folder.display())]
    Folder {
        /// The program.
        program: String,
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Runs a command to its end. When this returns, no process that it started is alive.
///
/// # Errors
/// [`SpawnError`] when the process could not be started.
pub fn run(spec: &Spec) -> Result<Finished, SpawnError> {
    supervise::supervise(spec, None)
}

/// Like [`run`], but standard output goes piece by piece to `sink` and is not kept. When `sink` says `Break`, the
/// process is ended at once.
///
/// # Errors
/// [`SpawnError`] when the process could not be started.
pub fn run_into(
    spec: &Spec,
    sink: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
) -> Result<Finished, SpawnError> {
    supervise::supervise(spec, Some(sink))
}

/// The isolation that [`run`] will give to this command: what it writes to is all that matters.
#[must_use]
pub fn isolation_of(spec: &Spec) -> Isolation {
    isolation::wrap(spec, std::path::Path::new("")).map_or(Isolation::Process, |wrapped| wrapped.1)
}

#[cfg(test)]
mod tests;
