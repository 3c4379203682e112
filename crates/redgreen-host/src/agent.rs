//! Agents: a program that is started in a clone with a prompt. What it prints is kept and never believed (SPEC F1-F3).
//!
//! A [`SessionEnd`] is all that comes back, and a gate cannot be given one: the judges of `redgreen-core::gate` take trees,
//! locks and reports of runs, and this crate makes those from bytes that it read itself.

pub mod claude;
pub mod command;
pub mod door;
pub mod login;
pub mod relay;

use crate::env;
use crate::process::{Network, Spec};
use login::Login;
use relay::Endpoint;
use std::path::PathBuf;
use std::time::Duration;

/// How a session ended. None of it feeds a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentOutcome {
    /// It ended by itself, whatever it says of its success.
    Done,
    /// It ended because the model declined; whatever it left is judged.
    Refused,
    /// It reached a limit of ours: time, turns, money, or silence in the middle of a command.
    Limit,
    /// The account's usage limit: seconds since 1970 when it is lifted, where that is known. Costs no attempt.
    UsageLimit(Option<u64>),
    /// The provider does not know the user, or wants money first. Costs no attempt.
    Auth,
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
    /// The socket of a [`door::Door`], where there is one.
    pub door: Option<PathBuf>,
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
    /// What the agent says about itself, where it says something. Informative, like all of it.
    pub told: Told,
}

/// What an agent says about its session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Its session id, to resume it.
    pub session: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// Tokens of this session, in and out together.
    pub tokens: Option<u64>,
    /// Millionths of a US dollar; of a resumed session all that it ever cost.
    pub micro_usd: Option<u64>,
    /// Tools whose use was refused.
    pub denials: Vec<String>,
    /// Why it ended, in its own words; empty when it ended by itself.
    pub why: String,
}

/// An agent that is known by name.
#[derive(Debug, Clone)]
pub struct Native {
    /// The program, a name or a path.
    pub program: String,
    /// The model; its own default otherwise.
    pub model: Option<String>,
    /// Its private configuration, kept between the sessions of one role of one task.
    pub configuration: PathBuf,
    /// The session, by an id that we chose.
    pub id: String,
    /// Whether that session is gone on with.
    pub resume: bool,
    /// At most this many turns.
    pub turns: Option<u32>,
    /// At most this much money, in millionths of a US dollar.
    pub micro_usd: Option<u64>,
    /// Globs below the clone that its own file tools refuse to write, so that it hears at once what the gate would say
    /// later. No protection.
    pub refuse: Vec<String>,
    /// How it is known to its provider.
    pub login: Login,
    /// The only place it reaches; `None` for the machine's network.
    pub endpoint: Option<Endpoint>,
}

/// Folders of a checkout in which packages are installed.
const INSTALLED: [&str; 4] = [".venv", "venv", "env", "node_modules"];

/// What every agent is started with, whatever its program: private folders, a cleared environment, the prompt on
/// standard input, the limits of time.
///
/// # Errors
/// An operating-system error when the private folders cannot be made.
fn spec(session: &Session, argv: Vec<String>) -> std::io::Result<Spec> {
    let temporary = session.home.join("tmp");
    std::fs::create_dir_all(&temporary)?;
    if let Some(folder) = session.log.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let prompt = prompt_file(session);
    std::fs::write(&prompt, &session.prompt)?;
    let mut spec = Spec::new("agent", argv, &session.clone);
    spec.env = env::child(&session.home, &temporary);
    spec.env.extend(env::toolchain_homes());
    let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
    if let Some(own) = env::own_executable() {
        spec.env.insert("REDGREEN".to_owned(), text(&own));
    }
    spec.env.insert("REDGREEN_PROMPT".to_owned(), text(&prompt));
    spec.env
        .insert("REDGREEN_DISPUTE_FILE".to_owned(), text(&session.dispute));
    spec.env.extend(session.variables.iter().cloned());
    spec.stdin = session.prompt.clone().into_bytes();
    spec.timeout = session.timeout;
    spec.idle_timeout = Some(session.idle);
    spec.keep = 64 << 10;
    spec.ends_on_stop = true;
    spec.log = Some(session.log.clone());
    spec.network = session.network;
    spec.nested = session.nested;
    // The checkout may hold later work. Packages that are installed in it are tools.
    spec.hidden = vec![session.checkout.clone()];
    spec.readable = INSTALLED
        .iter()
        .map(|name| session.checkout.join(name))
        .collect();
    spec.writable = vec![session.clone.clone(), session.home.clone()];
    if let Some(folder) = session.dispute.parent() {
        spec.writable.push(folder.to_path_buf());
    }
    if let Some(socket) = &session.door {
        spec.env.insert(door::VARIABLE.to_owned(), text(socket));
        if let Some(folder) = socket.parent() {
            spec.writable.push(folder.to_path_buf());
        }
    }
    Ok(spec)
}

/// The file that holds the prompt.
fn prompt_file(session: &Session) -> PathBuf {
    session.home.join("prompt.md")
}

/// The end of a session that never began.
fn not_started(why: String) -> SessionEnd {
    SessionEnd {
        outcome: AgentOutcome::Crashed,
        exit: why.clone(),
        tail: Vec::new(),
        duration: Duration::ZERO,
        left_behind: 0,
        isolation: crate::process::Isolation::Process,
        told: Told {
            why,
            ..Told::default()
        },
    }
}
