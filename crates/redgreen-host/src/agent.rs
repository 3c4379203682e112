//! Agents: a program that is started in a clone with a prompt. What it prints is kept and never believed (SPEC F1-F3).

pub mod command;

use crate::process::Network;
use std::path::PathBuf;
use std::time::Duration;

/// How a session ended. None of it feeds a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentOutcome {
    /// It ended by itself, whatever it says of its success.
    Done,
    /// It reached a time limit of ours.
    Limit,
    /// Its provider is out or a usage limit was reached: costs no attempt.
    ProviderError,
    /// It could not be started or a signal ended it: costs no attempt.
    Crashed,
    /// A person stopped the run.
    Interrupted,
}

/// One session.
#[derive(Debug, Clone)]
pub struct Session {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The clone it works in.
    pub clone: PathBuf,
    /// Private folders of the session: home, temporary files.
    pub home: PathBuf,
    /// The prompt, handed on standard input and as a file.
    pub prompt: String,
    /// The file a dispute is written to.
    pub dispute: PathBuf,
    /// Variables it gets, beside the fixed ones: names given by the configuration with their values.
    pub variables: Vec<(String, String)>,
    /// The network it has.
    pub network: Network,
    /// Whether it may make user namespaces, for a sandbox of its own.
    pub nested: bool,
    /// The user's checkout, of which it sees nothing but installed packages.
    pub checkout: PathBuf,
    /// Wall-clock limit.
    pub timeout: Duration,
    /// Limit without output.
    pub idle: Duration,
    /// Where everything it prints is kept.
    pub log: PathBuf,
}

/// What is known of a finished session.
#[derive(Debug, Clone)]
pub struct SessionEnd {
    /// How it ended.
    pub outcome: AgentOutcome,
    /// Its exit in words, for the session log.
    pub exit: String,
    /// The last lines it printed, for people.
    pub tail: Vec<String>,
    /// How long it took.
    pub duration: Duration,
    /// Processes it left behind, which were ended.
    pub left_behind: u32,
    /// How it was isolated.
    pub isolation: crate::process::Isolation,
}
