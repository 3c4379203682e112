//! The generic agent: any program. The prompt comes on standard input; `{prompt}` in an argument is replaced by the path
//! of a file that holds it. Exit 75 (`EX_TEMPFAIL` of sysexits.h) says that its provider is out; everything else is
//! *done*, because only the gates say whether it worked.

use super::{AgentOutcome, Session, SessionEnd};
use crate::env;
use crate::process::{self, SpawnError};
use redgreen_core::run_report::Ended;

/// The exit code that says "temporary failure, try again later".
pub const PROVIDER_ERROR: i32 = 75;

/// Runs a session to its end.
///
/// # Errors
/// An operating-system error when the private folders cannot be made.
pub fn run(session: &Session) -> std::io::Result<SessionEnd> {
    let prompt = super::prompt_file(session);
    let mut argv: Vec<String> = session
        .command
        .iter()
        .map(|argument| argument.replace("{prompt}", &prompt.to_string_lossy()))
        .collect();
    if let Some(program) = argv.first().and_then(|name| env::find_program(name)) {
        argv[0] = program.found.to_string_lossy().into_owned();
    }
    let spec = super::spec(session, argv)?;
    let finished = match process::run(&spec) {
        Ok(finished) => finished,
        Err(
            error @ (SpawnError::NotFound { .. }
            | SpawnError::Io { .. }
            | SpawnError::Folder { .. }),
        ) => {
            return Ok(super::not_started(error.to_string()));
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
        told: super::Told::default(),
    })
}
