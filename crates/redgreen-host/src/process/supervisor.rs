//! A small process between us and a command that ends the whole tree when we die, even by `kill -9` (SPEC A9).
//!
//! It is the running executable again (`redgreen __supervise PARENT PROGRAM ARGUMENTS…`). It asks the system for a
//! signal at its parent's death, is a child subreaper so that nothing below it can slip away, starts the program in
//! its own process group and ends as the program ended. The record of jobs and the sweep at the next start stay: the
//! tree could kill its supervisor together with us.

use super::leftovers::{all_processes, descendants, kill};
use crate::{clock, env};
use rustix::process::Signal;
use signal_hook::consts::{SIGTERM, SIGUSR2};
use signal_hook::iterator::Signals;
use std::ffi::OsString;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The word that comes before the supervisor's arguments.
pub const SUPERVISE: &str = "__supervise";

/// How our executable is started as a supervisor; nothing until [`supervise_with`] was called.
static PREFIX: Mutex<Vec<OsString>> = Mutex::new(Vec::new());

/// From now on commands at the lowest isolation level (bubblewrap ends its tree by itself) are started through this
/// command, to which [`SUPERVISE`] and the rest are added. It must call [`supervisor_main`].
pub fn supervise_with(command: Vec<OsString>) {
    *PREFIX.lock().unwrap_or_else(PoisonError::into_inner) = command;
}

/// The command with the supervisor before it, where there is one.
pub(super) fn wrap(argv: Vec<OsString>) -> Vec<OsString> {
    let prefix = PREFIX.lock().unwrap_or_else(PoisonError::into_inner);
    if prefix.is_empty() || !cfg!(target_os = "linux") {
        return argv;
    }
    let own = std::process::id().to_string();
    let ours = [OsString::from(SUPERVISE), OsString::from(own)];
    prefix.iter().cloned().chain(ours).chain(argv).collect()
}

/// The supervisor itself. Returns the exit code for `main`; ends by the signal that ended the program.
///
/// Call it at the very start of the program when the first argument is [`SUPERVISE`].
#[must_use]
pub fn supervisor_main() -> i32 {
    let mut arguments = env::arguments()
        .into_iter()
        .skip_while(|argument| argument != SUPERVISE)
        .skip(1);
    let parent = arguments
        .next()
        .and_then(|text| text.to_str()?.parse::<i32>().ok());
    let (Some(parent), Some(program)) = (parent, arguments.next()) else {
        return 2;
    };
    // `SIGTERM` goes to the whole group; the program decides what to do about it, we wait for it.
    let Ok(mut signals) = Signals::new([SIGUSR2, SIGTERM]) else {
        return 126;
    };
    super::leftovers::become_subreaper();
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::USR2));
    // It may have died before we asked.
    let still_there =
        rustix::process::getppid().is_some_and(|pid| pid.as_raw_nonzero().get() == parent);
    if !still_there {
        return 126;
    }
    #[expect(clippy::disallowed_methods, reason = "the far side of the one door")]
    let child = Command::new(&program)
        .arg0(&program)
        .args(arguments)
        .stdin(Stdio::inherit())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(why) => {
            eprintln!("failed to start `{}`: {why}", Path::new(&program).display());
            return 126;
        }
    };
    let listening = std::thread::Builder::new().spawn(move || {
        for signal in signals.forever() {
            if signal == SIGUSR2 {
                end_everything_below();
                std::process::exit(137);
            }
        }
    });
    let status = child.wait();
    drop(listening);
    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => code,
            (None, Some(signal)) => {
                let _ = signal_hook::low_level::emulate_default_handler(signal);
                128 + signal
            }
            (None, None) => 126,
        },
        Err(_) => 126,
    }
}

/// Kills everything that descends from us until nothing is left.
fn end_everything_below() {
    for _ in 0..1000 {
        let below = descendants(std::process::id().cast_signed(), &all_processes());
        if below.is_empty() {
            return;
        }
        for process in &below {
            kill(process);
        }
        clock::pause(Duration::from_millis(1));
    }
}
