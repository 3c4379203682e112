//! A small process between us and a command that ends the whole tree when we die, even by `kill -9` (SPEC A9).
//!
//! It is the running executable again (`redgreen __supervise PARENT CONFINEMENT PROGRAM ARGUMENTS…`). It asks the system for a
//! signal at its parent's death, is a child subreaper so that nothing below it can slip away, starts the program in
//! its own process group and ends as the program ended. The record of jobs and the sweep at the next start stay: the
//! tree could kill its supervisor together with us.
//!
//! It is also where a limit of processes is set and Landlock is applied: a thread of it gives up its rights and starts
//! the program, so that nothing has to run between `fork` and `exec`. The supervisor itself keeps its rights.

#[cfg(target_os = "linux")]
use super::isolation::landlock::{Confinement, confine_this_thread};
use super::leftovers::{all_processes, descendants, kill};
use crate::{clock, env};
use rustix::process::Signal;
use signal_hook::consts::{SIGTERM, SIGUSR2};
use signal_hook::iterator::Signals;
use std::ffi::OsString;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
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

/// Whether commands can be started through a supervisor.
pub(super) fn is_there() -> bool {
    cfg!(target_os = "linux")
        && !PREFIX
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
}

/// The command with a supervisor before it that confines it, where there is a supervisor.
#[cfg(target_os = "linux")]
pub(super) fn wrap(argv: Vec<OsString>, confinement: &Confinement) -> Vec<OsString> {
    if !is_there() {
        return argv;
    }
    let prefix = PREFIX.lock().unwrap_or_else(PoisonError::into_inner);
    let own = std::process::id().to_string();
    let confinement = serde_json::to_string(confinement).unwrap_or_default();
    let ours = [SUPERVISE.into(), own.into(), confinement.into()];
    prefix.iter().cloned().chain(ours).chain(argv).collect()
}

/// The command with a supervisor before it that only limits the number of processes (0 for no limit).
pub(super) fn limited(argv: Vec<OsString>, processes: u64) -> Vec<OsString> {
    #[cfg(target_os = "linux")]
    return wrap(
        argv,
        &Confinement {
            processes,
            ..Confinement::default()
        },
    );
    #[cfg(not(target_os = "linux"))]
    {
        let _ = processes;
        argv
    }
}

/// Whether the system holds this user to a limit of processes: not root.
pub(super) fn is_held_to_limits() -> bool {
    !rustix::process::getuid().is_root()
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
    let confinement = arguments.next();
    let (Some(parent), Some(confinement), Some(program)) = (parent, confinement, arguments.next())
    else {
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
    let listening = std::thread::Builder::new().spawn(move || {
        for signal in signals.forever() {
            if signal == SIGUSR2 {
                end_everything_below();
                std::process::exit(137);
            }
        }
    });
    let status = match run(&confinement, &program, arguments.collect()) {
        Ok(status) => status,
        Err(why) => {
            eprintln!("failed to start `{}`: {why}", Path::new(&program).display());
            return 126;
        }
    };
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

/// Starts the program, confined, and waits for it. All of it in one thread that confines itself and lives as long as the
/// program: bubblewrap asks to die with its parent (`--die-with-parent`), and to Linux that is the *thread* that started
/// it (`PR_SET_PDEATHSIG`, prctl(2)).
///
/// # Errors
/// What kept it from being started.
#[cfg(target_os = "linux")]
fn run(
    confinement: &OsString,
    program: &OsString,
    arguments: Vec<OsString>,
) -> Result<std::io::Result<ExitStatus>, String> {
    let confinement: Confinement = confinement
        .to_str()
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or("the confinement cannot be read")?;
    limit_processes(confinement.processes);
    let program = program.clone();
    std::thread::spawn(move || {
        confine_this_thread(&confinement)
            .map_err(|why| format!("it could not be confined: {why}"))?;
        let mut child = spawn(&program, arguments).map_err(|why| why.to_string())?;
        Ok(child.wait())
    })
    .join()
    .unwrap_or_else(|_| Err("it could not be confined".to_owned()))
}

#[cfg(not(target_os = "linux"))]
fn run(
    _confinement: &OsString,
    program: &OsString,
    arguments: Vec<OsString>,
) -> Result<std::io::Result<ExitStatus>, String> {
    let mut child = spawn(program, arguments).map_err(|why| why.to_string())?;
    Ok(child.wait())
}

#[expect(clippy::disallowed_methods, reason = "the far side of the one door")]
fn spawn(program: &OsString, arguments: Vec<OsString>) -> std::io::Result<Child> {
    Command::new(program)
        .arg0(program)
        .args(arguments)
        .stdin(Stdio::inherit())
        .spawn()
}

/// Allows this many processes and threads more than the whole system has now. A limit that cannot be set is none.
#[cfg(target_os = "linux")]
fn limit_processes(more: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    // The fourth field is `running/all` (proc_loadavg(5)).
    let all = std::fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(|text| {
            let field = text.split_whitespace().nth(3)?;
            field.split_once('/')?.1.parse::<u64>().ok()
        });
    let (Some(all), true) = (all, more > 0) else {
        return;
    };
    let now = getrlimit(Resource::Nproc);
    let wanted = all.saturating_add(more);
    let limit = now.maximum.map_or(wanted, |hard| hard.min(wanted));
    let _ = setrlimit(
        Resource::Nproc,
        Rlimit {
            current: Some(now.current.map_or(limit, |soft| soft.min(limit))),
            maximum: Some(limit),
        },
    );
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
