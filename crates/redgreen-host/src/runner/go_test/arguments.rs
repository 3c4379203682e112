//! `arguments` of the runner: what of `go test`'s flags is for the compiler and what for the test program.

use crate::runner::CouldNotRun;
use redgreen_core::reason::{Reason, ReasonCode};

/// Flags by whom they are for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Arguments {
    /// For `go test -c`.
    pub(super) build: Vec<String>,
    /// For the test program, with `-test.` in front.
    pub(super) test: Vec<String>,
    /// Behind everything else (`-args`).
    pub(super) rest: Vec<String>,
}

/// Flags of the compiler that take a value.
const BUILD: &[&str] = &[
    "tags",
    "gcflags",
    "ldflags",
    "asmflags",
    "mod",
    "p",
    "pgo",
    "compiler",
    "installsuffix",
];
/// Flags of the compiler that take none.
const BUILD_SWITCHES: &[&str] = &["race", "msan", "asan", "trimpath", "a", "linkshared"];
/// Flags of the test program that take a value.
const TEST: &[&str] = &["parallel", "cpu", "shuffle"];
/// Flags of the test program that take none.
const TEST_SWITCHES: &[&str] = &["short", "fullpath"];
/// Flags that change nothing here.
const IGNORED: &[&str] = &["v", "vet", "count", "buildvcs"];

impl Arguments {
    pub(super) fn read(words: &[String]) -> Result<Self, CouldNotRun> {
        let mut found = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word == "-args" || word == "--args" {
                found.rest.extend(words.cloned());
                break;
            }
            let flag = word.trim_start_matches('-').trim_start_matches("test.");
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (flag, None),
            };
            let mut value_of = |taken: bool| match (&value, taken) {
                (Some(value), _) => format!("={value}"),
                (None, true) => words
                    .next()
                    .map_or_else(String::new, |next| format!("={next}")),
                (None, false) => String::new(),
            };
            if !word.starts_with('-') {
                return Err(refused(word, "packages are chosen by the tests that run"));
            } else if BUILD.contains(&name) {
                let value = value_of(true);
                found.build.push(format!("-{name}{value}"));
            } else if BUILD_SWITCHES.contains(&name) {
                let value = value_of(false);
                found.build.push(format!("-{name}{value}"));
            } else if TEST.contains(&name) {
                let value = value_of(true);
                found.test.push(format!("-test.{name}{value}"));
            } else if TEST_SWITCHES.contains(&name) {
                let value = value_of(false);
                found.test.push(format!("-test.{name}{value}"));
            } else if IGNORED.contains(&name) {
                if matches!(name, "vet" | "count") {
                    drop(value_of(true));
                }
            } else {
                return Err(refused(
                    word,
                    "it selects tests, changes the report or replaces files, which the referee does itself (a limit is `timeout` of the runner)",
                ));
            }
        }
        Ok(found)
    }
}

fn refused(word: &str, why: &str) -> CouldNotRun {
    Box::new(Reason::new(
        ReasonCode::RunnerUsageError,
        format!("`{word}` in `arguments` of the runner is not used: {why}"),
        "leave it out; flags such as `-tags`, `-race`, `-short`, `-parallel`, and `-args …` are passed on",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c3_flags_go_to_whom_they_are_for_and_selections_are_refused() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let found = Arguments::read(&words(
            "-tags integration -race -short -parallel=2 -v -count 1 -args -update",
        ))
        .unwrap();
        assert_eq!(found.build, ["-tags=integration", "-race"]);
        assert_eq!(found.test, ["-test.short", "-test.parallel=2"]);
        assert_eq!(found.rest, ["-update"]);
        for bad in [
            "-run TestA",
            "-overlay=x.json",
            "-exec true",
            "./...",
            "-json",
            "-failfast",
        ] {
            assert!(Arguments::read(&words(bad)).is_err(), "{bad}");
        }
    }
}
