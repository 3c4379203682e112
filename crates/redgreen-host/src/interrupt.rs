//! Ctrl-C: the first signal asks to stop, the second ends now (SPEC A9).

use crate::{clock, process};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

static STOP: AtomicBool = AtomicBool::new(false);
static NOW: AtomicBool = AtomicBool::new(false);

/// How long a second signal waits for the program to end by itself before the process exits regardless.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether somebody asked to stop: finish recording, start nothing new.
#[must_use]
pub fn stop_requested() -> bool {
    STOP.load(Ordering::SeqCst)
}

/// Whether somebody asked to end now: running commands are being ended, no command is started any more, and nothing
/// that follows from either may be recorded.
#[must_use]
pub fn ends_now() -> bool {
    NOW.load(Ordering::SeqCst)
}

/// Asks to stop, as the first signal does (`redgreen stop`, a limit that was reached).
pub fn request_stop() {
    STOP.store(true, Ordering::SeqCst);
}

/// Listens to `SIGINT` and `SIGTERM` from now on. The first sets [`stop_requested`]; the second ends every running
/// command; the program then returns by itself, and is ended with `exit_code` when it does not. Call it once, at the start of the program.
///
/// # Errors
/// The system refused the signal handlers or the listening thread.
pub fn install(exit_code: i32) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for _ in signals.forever() {
                if STOP.swap(true, Ordering::SeqCst) {
                    NOW.store(true, Ordering::SeqCst);
                    process::interrupt_all();
                    // The main thread sees it, removes its temporary folders and returns.
                    clock::pause(PATIENCE);
                    std::process::exit(exit_code);
                }
            }
        })?;
    Ok(())
}
