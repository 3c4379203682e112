//! What a person sees while a gate runs: one live line on a terminal, a heartbeat elsewhere. Never on standard output.
//!
//! The line says which gate it is, for how long, which command runs and what that command printed last. It is drawn by
//! a thread that only looks; nothing waits for it, and no verdict depends on it.

use super::printer::{Level, Printer};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use redgreen_host::process::{Activity, current_activity};
use redgreen_host::{clock, env};
use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often the line is drawn.
const PERIOD: Duration = Duration::from_millis(100);
/// After this much silence a line says that it still goes on, where there is no terminal. `REDGREEN_HEARTBEAT` (seconds,
/// 0 for never) changes it.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// What the thread and the printer share.
struct Shared {
    /// The gate or step that runs, and since when.
    title: Option<(String, Instant)>,
    /// The line on the terminal.
    bar: Option<ProgressBar>,
    /// When something was printed last.
    said: Option<Instant>,
}

static SHARED: Mutex<Shared> = Mutex::new(Shared {
    title: None,
    bar: None,
    said: None,
});

fn shared() -> MutexGuard<'static, Shared> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says what runs from now on: `GREEN T43`.
pub fn doing(title: impl Into<String>) {
    shared().title = Some((title.into(), clock::monotonic()));
}

/// Prints while the live line is out of the way.
pub(super) fn aside<R>(print: impl FnOnce() -> R) -> R {
    let bar = {
        let mut shared = shared();
        shared.said = Some(clock::monotonic());
        shared.bar.clone()
    };
    match bar {
        Some(bar) => bar.suspend(print),
        None => print(),
    }
}

/// The live line, or the heartbeat, for as long as this value lives.
#[derive(Debug)]
pub struct Progress {
    over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Progress {
    /// Starts to show progress, unless `-q` asks for silence.
    #[must_use]
    pub fn start(printer: Printer, title: &str) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        if printer.level < Level::Normal {
            return Self { over, thread: None };
        }
        let dumb = env::variable("TERM").is_some_and(|term| term == "dumb");
        let live = std::io::stderr().is_terminal() && !dumb;
        let heartbeat = env::variable("REDGREEN_HEARTBEAT")
            .and_then(|text| text.trim().parse().ok())
            .map_or(HEARTBEAT, Duration::from_secs);
        doing(title);
        shared().said = Some(clock::monotonic());
        let ends = Arc::clone(&over);
        let look = move || {
            while !ends.load(Ordering::SeqCst) {
                if live {
                    draw(current_activity().as_ref());
                } else if !heartbeat.is_zero() {
                    beat(printer, heartbeat);
                }
                std::thread::park_timeout(PERIOD);
            }
            if let Some(bar) = shared().bar.take() {
                bar.finish_and_clear();
            }
        };
        // Without a thread there is no progress line, and nothing else is missing.
        let thread = std::thread::Builder::new()
            .name("progress".to_owned())
            .spawn(look)
            .ok();
        Self { over, thread }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

/// Draws the line, or takes it away while nothing runs.
fn draw(activity: Option<&Activity>) {
    let mut shared = shared();
    let Some(activity) = activity else {
        if let Some(bar) = shared.bar.take() {
            bar.finish_and_clear();
        }
        return;
    };
    let (title, since) = shared
        .title
        .clone()
        .unwrap_or_else(|| (activity.label.clone(), activity.since));
    let bar = shared.bar.get_or_insert_with(|| {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{prefix}  {wide_msg}") {
            bar.set_style(style);
        }
        bar
    });
    bar.set_prefix(format!("{title}  {}", elapsed(since.elapsed())));
    bar.set_message(words(activity));
    bar.tick();
}

/// Says that it still goes on, when nothing was said for long.
fn beat(printer: Printer, period: Duration) {
    let (title, since) = {
        let shared = shared();
        let Some(said) = shared.said else { return };
        let Some((title, since)) = shared.title.clone() else {
            return;
        };
        if said.elapsed() < period {
            return;
        }
        (title, since)
    };
    let Some(activity) = current_activity() else {
        return;
    };
    printer.talk(format!(
        "{title} still runs after {}: {}",
        elapsed(since.elapsed()),
        words(&activity)
    ));
}

/// The command and its last line.
fn words(activity: &Activity) -> String {
    if activity.last_line.is_empty() {
        activity.label.clone()
    } else {
        format!("{}: {}", activity.label, activity.last_line)
    }
}

/// `8 s`, `3 min 20 s`, `1 h 5 min`.
fn elapsed(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g8_elapsed_time_is_told_in_two_units_at_most() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (200, "3 min 20 s"),
            (3_900, "1 h 5 min"),
        ] {
            assert_eq!(elapsed(Duration::from_secs(seconds)), text);
        }
    }
}
