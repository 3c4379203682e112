//! What runs right now and what it printed last, for a person who waits. No verdict looks here.

use super::Spec;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// A command that runs now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// What it is: `pytest`, `cargo build`, `agent`.
    pub label: String,
    /// When it started, on the monotonic clock.
    pub since: Instant,
    /// The last line it printed that is not empty, at most [`LINE`] bytes of it, without control characters.
    pub last_line: String,
}

/// How much of a line is kept.
const LINE: usize = 200;

/// The commands that run now, the newest last.
static RUNNING: Mutex<Vec<(u64, Activity)>> = Mutex::new(Vec::new());

fn running() -> std::sync::MutexGuard<'static, Vec<(u64, Activity)>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The command that was started last among those that still run. Git plumbing is not shown: it takes no time.
#[must_use]
pub fn current() -> Option<Activity> {
    running().last().map(|(_, activity)| activity.clone())
}

/// Shows a command for as long as it lives.
pub(super) struct Shown {
    number: Option<u64>,
}

/// Begins to show a command, where it is one that a person might wait for.
pub(super) fn begin(spec: &Spec, since: Instant) -> Shown {
    if !spec.end_leftovers {
        return Shown { number: None };
    }
    let mut running = running();
    let number = running.iter().map(|(number, _)| number + 1).max();
    let number = number.unwrap_or(0);
    let activity = Activity {
        label: spec.label.clone(),
        since,
        last_line: String::new(),
    };
    running.push((number, activity));
    Shown {
        number: Some(number),
    }
}

impl Shown {
    /// Takes note of a piece of output.
    pub(super) fn output(&self, bytes: &[u8]) {
        let Some(number) = self.number else { return };
        let Some(line) = last_line(bytes) else { return };
        for (other, activity) in running().iter_mut() {
            if *other == number {
                activity.last_line.clone_from(&line);
            }
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            running().retain(|(other, _)| *other != number);
        }
    }
}

/// The last line of a piece of output that has something to read. Only the end of a piece is looked at.
fn last_line(bytes: &[u8]) -> Option<String> {
    let tail = &bytes[bytes.len().saturating_sub(4 * LINE)..];
    String::from_utf8_lossy(tail)
        .split(['\n', '\r'])
        .rev()
        .map(|line| {
            let mut text: String = without_escapes(line)
                .chars()
                .filter(|c| !c.is_control())
                .collect();
            if let Some((end, _)) = text.char_indices().take_while(|(at, _)| *at < LINE).last() {
                text.truncate(end + text[end..].chars().next().map_or(0, char::len_utf8));
            }
            text.trim().to_owned()
        })
        .find(|line| !line.is_empty())
}

/// Without terminal sequences (`ESC [ … letter`, `ESC letter`): a program's output must not move our cursor.
fn without_escapes(line: &str) -> String {
    let mut out = String::new();
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            out.push(c);
        } else if chars.next() == Some('[') {
            while chars.next().is_some_and(|c| !c.is_ascii_alphabetic()) {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g8_the_last_line_is_the_last_that_can_be_read() {
        assert_eq!(last_line(b"one\ntwo\r\n\n").as_deref(), Some("two"));
        assert_eq!(last_line(b"\n \n"), None);
        assert_eq!(
            last_line(b"10 %\r20 %\r\x1b[1;32m30 %\x1b[0m\x07").as_deref(),
            Some("30 %")
        );
        let long = last_line("ä".repeat(10_000).as_bytes());
        assert!(long.is_some_and(|line| line.len() <= LINE + 4 && line.ends_with('ä')));
    }
}
