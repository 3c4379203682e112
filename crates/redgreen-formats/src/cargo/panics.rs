//! Why a test that ran did not pass: panic messages and libtest's notes to causes (`reference/test-results.md`, 3.1).

use redgreen_core::outcome::Cause;

/// A panic as the default hook prints it: `thread 'NAME' (ID) panicked at FILE:LINE:COLUMN:` and the message below.
/// The number of the thread is printed since Rust 1.91.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panic {
    /// The file, as rustc recorded it (relative to the workspace root for members).
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// The message, all its lines.
    pub message: String,
}

/// Every panic in a text, in order.
#[must_use]
pub fn panics(text: &str) -> Vec<Panic> {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some((file, line_number, column)) = location(line) else {
            continue;
        };
        let message: Vec<&str> = lines[index + 1..]
            .iter()
            .take_while(|line| {
                !line.starts_with("note: ")
                    && !line.starts_with("stack backtrace:")
                    && location(line).is_none()
            })
            .copied()
            .collect();
        out.push(Panic {
            file,
            line: line_number,
            column,
            message: message.join("\n").trim_end().to_owned(),
        });
    }
    out
}

fn location(line: &str) -> Option<(String, u32, u32)> {
    let rest = line.strip_prefix("thread '")?;
    let (_, place) = rest.split_once(" panicked at ")?;
    let place = place.strip_suffix(':')?;
    let (rest, column) = place.rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    Some((file.to_owned(), line.parse().ok()?, column.parse().ok()?))
}

/// The places of the frames of every backtrace in a text (`RUST_BACKTRACE=1`): lines `at FILE:LINE:COLUMN`, innermost
/// first. Paths below the working directory start with `./`.
#[must_use]
pub fn backtrace_frames(text: &str) -> Vec<(String, u32)> {
    text.lines()
        .filter_map(|line| {
            let place = line.trim_start().strip_prefix("at ")?;
            let (rest, _column) = place.rsplit_once(':')?;
            let (file, line) = rest.rsplit_once(':')?;
            Some((file.to_owned(), line.parse().ok()?))
        })
        .collect()
}

/// Who owns the place of a panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// First-party source.
    Source,
    /// A test file, or a region that only tests compile.
    Test,
    /// The standard library or a third-party crate.
    Foreign,
}

/// The cause of a failed test, with the panic that decided it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeCause {
    /// The class.
    pub cause: Cause,
    /// In plain words.
    pub detail: String,
    /// Where, if a panic said so.
    pub place: Option<Panic>,
}

fn because(cause: Cause, detail: impl Into<String>, place: Option<&Panic>) -> RuntimeCause {
    RuntimeCause {
        cause,
        detail: detail.into(),
        place: place.cloned(),
    }
}

/// Reads what a failed test printed.
///
/// `owner` tells who owns a place, `code_at` gives the source text that starts at it (empty when it cannot be read):
/// `assert!(x, "message")` prints nothing but the message, so only the text at the place tells it from `panic!`.
///
/// `unwrap` and `expect` in test code count as assertions: `parse("x").unwrap()` is how Rust tests state that a value
/// of the code under test is there (documented decision).
#[must_use]
pub fn runtime_cause(
    captured: &str,
    owner: &dyn Fn(&Panic) -> Owner,
    code_at: &dyn Fn(&Panic) -> String,
) -> RuntimeCause {
    if captured.contains("note: test did not panic as expected") {
        return because(
            Cause::Assertion,
            "the test expects a panic and there was none",
            None,
        );
    }
    let panics = panics(captured);
    if captured.contains("note: panic did not contain expected string") {
        return because(
            Cause::Assertion,
            "the panic has another message than the expected one",
            panics.last(),
        );
    }
    // The first panic is the reason; later ones follow from it (destructors, joined threads), except that `join().unwrap()`
    // and the like repeat it.
    let Some(panic) = panics.first() else {
        return match captured.lines().find(|line| line.starts_with("Error: ")) {
            Some(line) => because(
                Cause::Assertion,
                format!(
                    "the test returned an error: {}",
                    line.trim_start_matches("Error: ")
                ),
                None,
            ),
            None => because(Cause::Unknown, "the test failed without a message", None),
        };
    };
    let not_written = ["not yet implemented", "not implemented"]
        .iter()
        .any(|start| panic.message.starts_with(start));
    let first_line = panic.message.lines().next().unwrap_or_default().to_owned();
    match owner(panic) {
        Owner::Source if not_written => because(
            Cause::NotImplemented,
            format!("`{}` is a stub: {first_line}", panic.file),
            Some(panic),
        ),
        Owner::Source => because(
            Cause::RaisedInSource,
            format!("`{}` panicked: {first_line}", panic.file),
            Some(panic),
        ),
        Owner::Test if not_written => because(
            Cause::AlwaysFails,
            "the test itself is not written yet",
            Some(panic),
        ),
        Owner::Test => {
            let code = code_at(panic);
            if asserts(&panic.message, &code) {
                because(Cause::Assertion, first_line, Some(panic))
            } else {
                because(
                    Cause::RaisedInTest,
                    format!("the test panicked by itself: {first_line}"),
                    Some(panic),
                )
            }
        }
        Owner::Foreign => {
            let snapshot = panic.message.starts_with("snapshot assertion");
            if snapshot || panic.message.starts_with("assertion ") {
                because(Cause::Assertion, first_line, Some(panic))
            } else {
                because(
                    Cause::Unknown,
                    format!("code that is not of this project panicked: {first_line}"),
                    Some(panic),
                )
            }
        }
    }
}

/// Whether a panic in test code is an assertion: by the text at its place, else by the standard library's messages
/// (a user's macro around `assert_eq!` has its own name at the place).
fn asserts(message: &str, code: &str) -> bool {
    let word: String = code
        .chars()
        .take_while(|c| *c == '_' || *c == ':' || c.is_alphanumeric())
        .collect();
    let last = word.rsplit("::").next().unwrap_or_default();
    let call = code[word.len()..].chars().next();
    let by_code = match call {
        Some('!') => last.contains("assert") || last.contains("expect"),
        Some('(') => {
            last.contains("assert")
                || matches!(
                    last,
                    "unwrap" | "expect" | "unwrap_err" | "expect_err" | "unwrap_none"
                )
        }
        Some(_) | None => false,
    };
    by_code
        || message.starts_with("assertion failed")
        || message.starts_with("assertion `")
        || message.starts_with("called `Result::unwrap")
        || message.starts_with("called `Option::unwrap")
        || message.starts_with("snapshot assertion")
        || message.starts_with("Test failed: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(text: &str, owner: Owner, code: &str) -> Cause {
        runtime_cause(text, &|_| owner, &|_| code.to_owned()).cause
    }
    fn panicked(message: &str) -> String {
        format!(
            "\nthread 'tests::un' (9685) panicked at src/lib.rs:10:239:\n{message}\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n"
        )
    }

    #[test]
    fn b3_runtime_causes_follow_the_table() {
        let equal = panicked("assertion `left == right` failed\n  left: 3\n right: 4");
        let todo = panicked("not yet implemented: later");
        let custom = panicked("the total is wrong");
        let unwrap = panicked("called `Option::unwrap()` on a `None` value");
        for (text, owner, code, expected) in [
            (&equal, Owner::Test, "assert_eq!(a, b)", Cause::Assertion),
            (
                &equal,
                Owner::Source,
                "assert_eq!(a, b)",
                Cause::RaisedInSource,
            ),
            (&todo, Owner::Source, "todo!()", Cause::NotImplemented),
            (&todo, Owner::Test, "todo!()", Cause::AlwaysFails),
            (&custom, Owner::Test, "assert!(x, \"…\")", Cause::Assertion),
            (&custom, Owner::Test, "panic!(\"…\")", Cause::RaisedInTest),
            (
                &custom,
                Owner::Test,
                "expect(\"the total is wrong\")",
                Cause::Assertion,
            ),
            (&custom, Owner::Foreign, "", Cause::Unknown),
            (&unwrap, Owner::Test, "unwrap()", Cause::Assertion),
            (&unwrap, Owner::Source, "unwrap()", Cause::RaisedInSource),
        ] {
            assert_eq!(
                cause(text, owner, code),
                expected,
                "{text} {owner:?} {code}"
            );
        }
    }

    #[test]
    fn b3_should_panic_and_returned_errors_are_assertions() {
        for text in [
            "note: test did not panic as expected at src/lib.rs:10:138",
            "\nthread 'a' (1) panicked at src/lib.rs:1:1:\ndef\nnote: panic did not contain expected string\n      panic message: \"def\"\n expected substring: \"abc\"",
            "Error: \"x\"\n",
        ] {
            assert_eq!(cause(text, Owner::Source, ""), Cause::Assertion, "{text}");
        }
        assert_eq!(cause("", Owner::Test, ""), Cause::Unknown);
    }

    #[test]
    fn b3_frames_of_a_backtrace_are_read() {
        let text = "stack backtrace:\n   0: __rustc::rust_begin_unwind\n             at /rustc/5980/library/std/src/panicking.rs:689:5\n   2: shop::take\n             at ./src/lib.rs:3:9\n";
        assert_eq!(
            backtrace_frames(text),
            [
                ("/rustc/5980/library/std/src/panicking.rs".to_owned(), 689),
                ("./src/lib.rs".to_owned(), 3)
            ]
        );
    }

    #[test]
    fn b3_the_place_of_a_panic_is_read_with_and_without_a_thread_number() {
        let found = panics("thread 'main' panicked at src/a b.rs:9:27:\nnot yet implemented\n");
        assert_eq!(
            found,
            [Panic {
                file: "src/a b.rs".to_owned(),
                line: 9,
                column: 27,
                message: "not yet implemented".to_owned()
            }]
        );
        assert_eq!(panics(&panicked("x"))[0].line, 10);
    }
}
