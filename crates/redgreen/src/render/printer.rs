//! Where words go: one place decides about quiet, verbose and colour.

use super::progress::aside;
use crate::error::Failure;
use redgreen_core::outcome::Verdict;
use redgreen_host::secrets::hidden;
use std::io::Write;

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `-qq`: nothing but the exit code.
    Silent,
    /// `-q`: the verdict.
    Quiet,
    /// Nothing asked.
    Normal,
    /// `-v`: commands and their last lines.
    Verbose,
}

/// Prints for people and for programs, without secrets (SPEC C8). Write errors are ignored on purpose: a closed pipe is no reason to fail a gate.
#[derive(Debug, Clone, Copy)]
pub struct Printer {
    /// How much is said.
    pub level: Level,
    /// JSON on standard output instead of text.
    pub json: bool,
}

impl Printer {
    /// From the counts of `-q` and `-v`.
    #[must_use]
    pub fn new(quiet: u8, verbose: u8, json: bool) -> Self {
        let level = match (quiet, verbose) {
            (0, 0) => Level::Normal,
            (0, _) => Level::Verbose,
            (1, _) => Level::Quiet,
            _ => Level::Silent,
        };
        Self { level, json }
    }
    /// A line of data on standard output.
    pub fn data(&self, line: impl AsRef<str>) {
        if self.level > Level::Silent {
            aside(|| {
                let _ = writeln!(anstream::stdout(), "{}", hidden(line.as_ref()));
            });
        }
    }
    /// A line of talk on standard error.
    pub fn talk(&self, line: impl AsRef<str>) {
        if self.level >= Level::Normal {
            aside(|| {
                let _ = writeln!(anstream::stderr(), "{}", hidden(line.as_ref()));
            });
        }
    }
    /// A line of talk that only `-v` shows.
    pub fn detail(&self, line: impl AsRef<str>) {
        if self.level >= Level::Verbose {
            aside(|| {
                let _ = writeln!(anstream::stderr(), "{}", hidden(line.as_ref()));
            });
        }
    }
    /// A result: text for people, or the JSON document; never both.
    pub fn result(&self, human: impl FnOnce() -> String, json: impl FnOnce() -> serde_json::Value) {
        if self.json {
            self.data(json().to_string());
        } else {
            let text = human();
            let text = text.trim_end_matches('\n');
            if !text.is_empty() {
                self.data(text);
            }
        }
    }
    /// A failure, on standard error; with `--format json` also as a document.
    pub fn failure(&self, failure: &Failure) {
        if self.json {
            self.data(
                serde_json::json!({
                    "schema": "redgreen.error/1",
                    "exit": failure.exit.code(),
                    "code": failure.code,
                    "message": failure.what,
                    "place": failure.place,
                    "help": failure.help,
                })
                .to_string(),
            );
        }
        if self.level > Level::Silent {
            let word = failure.code.map_or_else(
                || "error".to_owned(),
                |code| format!("error[{}]", code.as_str()),
            );
            let mut text = format!("{}: {}", red(&word), failure.what);
            if let Some(place) = &failure.place {
                text.push_str(&format!("\n  --> {place}"));
            }
            text.push_str(&format!("\n   = help: {}", failure.help));
            aside(|| {
                let _ = writeln!(anstream::stderr(), "{}", hidden(&text));
            });
        }
    }
}

/// Red, where colour is shown. The word says it without.
#[must_use]
pub fn red(text: &str) -> String {
    use owo_colors::OwoColorize as _;
    text.red().to_string()
}

/// A verdict as a coloured word.
#[must_use]
pub fn verdict(verdict: Verdict) -> String {
    use owo_colors::OwoColorize as _;
    let word = match verdict {
        Verdict::CouldNotRun => "could not run",
        Verdict::Pass
        | Verdict::Fail
        | Verdict::Rejected
        | Verdict::Inconclusive
        | Verdict::Flaky => verdict.as_str(),
    };
    match verdict {
        Verdict::Pass => word.green().to_string(),
        Verdict::Fail | Verdict::Rejected => word.red().to_string(),
        Verdict::CouldNotRun | Verdict::Inconclusive | Verdict::Flaky => word.yellow().to_string(),
    }
}
