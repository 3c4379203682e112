//! The generic agent: any program. The prompt comes on standard input; `{prompt}` in an argument is replaced by the path
//! of a file that holds it. Exit 75 (`EX_TEMPFAIL` of sysexits.h) says that its provider is out; everything else is
//! *done*, because only the gates say whether it worked.

use super::{AgentOutcome, Session, SessionEnd};
use crate::env;
use crate::process::{self, SpawnError, Spec};
use redgreen_core::run_report::Ended;
use std::time::Duration;

/// The exit code that says "temporary failure, try again later".
pub const PROVIDER_ERROR: i32 = 75;

/// Folders of a checkout in which packages are installed.
const INSTALLED: [&str; 4] = [".venv", "venv", "env", "node_modules"];

/// Runs a session to its end.
///
/// # Errors
/// An operating-system error when the private folders cannot be made.
pub fn run(session: &Session) -> std::io::Result<SessionEnd> {
    let temporary = session.home.join("tmp");
    std::fs::create_dir_all(&temporary)?;
    if let Some(folder) = session.log.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let prompt = session.home.join("prompt.md");
    std::fs::write(&prompt, &session.prompt)?;
    let mut argv: Vec<String> = session
        .command
        .iter()
        .map(|argument| argument.replace("{prompt}", &prompt.to_string_lossy()))
        .collect();
    if let Some(program) = argv.first().and_then(|name| env::find_program(name)) {
        argv[0] = program.found.to_string_lossy().into_owned();
    }
    let mut spec = Spec::new("agent", argv, &session.clone);
    spec.env = env::child(&session.home, &temporary);
    spec.env.extend(env::toolchain_homes());
    if let Some(own) = env::own_executable() {
        spec.env
            .insert("REDGREEN".to_owned(), own.to_string_lossy().into_owned());
    }
    spec.env.insert(
        "REDGREEN_PROMPT".to_owned(),
        prompt.to_string_lossy().into_owned(),
    );
    spec.env.insert(
        "REDGREEN_DISPUTE_FILE".to_owned(),
        session.dispute.to_string_lossy().into_owned(),
    );
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
    let finished = match process::run(&spec) {
        Ok(finished) => finished,
        Err(
            error @ (SpawnError::NotFound { .. }
            | SpawnError::Io { .. }
            | SpawnError::Folder { .. }),
        ) => {
            return Ok(SessionEnd {
                outcome: AgentOutcome::Crashed,
                exit: error.to_string(),
                tail: Vec::new(),
                duration: Duration::ZERO,
                left_behind: 0,
                isolation: process::Isolation::Process,
            });
        }
    };
    let outcome = match finished.ended {
        Ended::Code(PROVIDER_ERROR) => AgentOutcome::ProviderError,
        Ended::Code(_) => AgentOutcome::Done,
        Ended::Signal(_) => AgentOutcome::Crashed,
        Ended::TimedOut | Ended::IdledOut | Ended::OutputLimit => AgentOutcome::Limit,
        Ended::Interrupted => AgentOutcome::Interrupted,
    };
    let text = format!("{}\n{}", finished.stdout_text(), finished.stderr_text());
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    Ok(SessionEnd {
        outcome,
        exit: format!("{:?}", finished.ended),
        tail: lines
            .iter()
            .rev()
            .take(5)
            .rev()
            .map(|&line| line.to_owned())
            .collect(),
        duration: finished.duration,
        left_behind: finished.left_behind,
        isolation: finished.isolation,
    })
}
