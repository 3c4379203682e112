//! Why a case did not pass, from what the report says of it (SPEC B3; reference: docs/reference/causes.md).
//!
//! A report carries text, not exception objects. `failure` is an assertion unless its type or message names something
//! else; `error` is unclear unless they name something known. What is known as a defect of the test itself is never a
//! right cause, whatever element it stands in.

use super::read::{Mark, MarkKind};
use redgreen_core::outcome::Cause;
use redgreen_core::run_report::CauseDetail;

/// What the reader of causes must be told of the project.
pub trait Project {
    /// Whether a name (`shop.cart`, `../src/cart`, `com.acme.Cart`) is of the project's own code and no test.
    fn is_own(&self, name: &str) -> bool;
    /// Whether the first frame of a trace that lies in the project lies in source (`Some(true)`) or in a test
    /// (`Some(false)`).
    fn raised_in_source(&self, trace: &str) -> Option<bool>;
}

/// How many characters of a message stand in the detail of a cause.
const DETAIL: usize = 200;

/// The cause of a mark.
#[must_use]
pub fn cause(mark: &Mark, project: &dyn Project) -> CauseDetail {
    let text = if mark.message.trim().is_empty() || mark.message.trim() == "Failed" {
        mark.text.as_str()
    } else {
        mark.message.as_str()
    };
    let line = telling_line(text);
    let detail = |text: &str| -> String { text.chars().take(DETAIL).collect() };
    let found = |cause: Cause, symbol: Option<&str>| CauseDetail {
        cause,
        detail: detail(line),
        symbol: symbol.map(detail),
    };
    let whole = format!("{}\n{}\n{}", mark.class, mark.message, mark.text);
    if let Some(known) = broken(mark, line, &whole) {
        return found(known.0, known.1);
    }
    if let Some((cause, symbol)) = missing(line, &whole, project) {
        return found(cause, symbol);
    }
    if has_any(&whole, &ASSERTIONS) {
        return found(Cause::Assertion, None);
    }
    if has_any(line, &NOT_IMPLEMENTED) || has_any(&mark.class, &NOT_IMPLEMENTED) {
        return found(Cause::NotImplemented, None);
    }
    if has_any(&whole, &UNREACHABLE) {
        return found(Cause::Environment, None);
    }
    let last_word = mark.class.rsplit(['.', '$', ':']).next().unwrap_or("");
    let exception = names_exception(last_word) || names_exception(line);
    if exception {
        return found(
            match project.raised_in_source(&whole) {
                Some(true) => Cause::RaisedInSource,
                Some(false) => Cause::RaisedInTest,
                None => Cause::Unknown,
            },
            None,
        );
    }
    found(
        match mark.kind {
            MarkKind::Failure => Cause::Assertion,
            MarkKind::Error | MarkKind::Skipped | MarkKind::Rerun | MarkKind::Flaky => {
                Cause::Unknown
            }
        },
        None,
    )
}

const ASSERTIONS: [&str; 15] = [
    "AssertionError",
    "AssertionFailedError",
    "AssertionFailed",
    "ERR_ASSERTION",
    "ComparisonFailure",
    "ExpectationFailed",
    "ExpectationNotMet",
    "MultipleFailuresError",
    "TestFailedException",
    "DID NOT RAISE",
    "expect(",
    "assertion failed",
    "assertion `",
    "assert ",
    "assert.",
];

const NOT_IMPLEMENTED: [&str; 8] = [
    "NotImplementedError",
    "NotImplementedException",
    "NotImplemented",
    "not implemented",
    "Not implemented",
    "not yet implemented",
    "Not yet implemented",
    "An operation is not implemented",
];

const UNREACHABLE: [&str; 7] = [
    "ECONNREFUSED",
    "ConnectionRefused",
    "Connection refused",
    "connection refused",
    "EADDRINUSE",
    "No space left on device",
    "getaddrinfo",
];

fn has_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

/// A type such as `TypeError` or `java.lang.IllegalStateException`, alone or before a colon.
fn names_exception(text: &str) -> bool {
    let head = text.split([':', ' ', '(']).next().unwrap_or("");
    let name = head.rsplit(['.', '$']).next().unwrap_or("");
    let known = name.ends_with("Exception")
        || (name.ends_with("Error") && name.len() > "Error".len())
        || name == "panic";
    known
        && name
            .chars()
            .all(|character| character.is_alphanumeric() || character == '_')
}

/// The line that tells most: the first that is not empty, not a row of signs and no heading of a trace.
fn telling_line(text: &str) -> &str {
    let useful = |line: &&str| {
        !line.is_empty()
            && !line.starts_with("Traceback (most recent")
            && line.chars().any(char::is_alphanumeric)
    };
    let mut lines = text.lines().map(str::trim).filter(useful);
    let first = lines.next().unwrap_or("no message");
    // The collection error of pytest and the load error of vitest say what happened further down.
    if matches!(first, "collection failure" | "Test suite failed to run") {
        return lines.next().unwrap_or(first);
    }
    first
}

type Found<'a> = (Cause, Option<&'a str>);

/// Defects of the test itself, time-outs and crashes.
fn broken<'a>(mark: &'a Mark, line: &'a str, whole: &'a str) -> Option<Found<'a>> {
    let class = mark.class.as_str();
    let starts = |words: &[&str]| {
        words
            .iter()
            .any(|word| line.starts_with(word) || class.ends_with(word))
    };
    if class.contains("test abort") || has_any(whole, &["SIGSEGV", "SIGABRT", "Segmentation fault"])
    {
        return Some((Cause::Crash, None));
    }
    if has_any(class, &["Timeout", "TimedOut", "timeout"])
        || has_any(
            line,
            &[
                "Timeout",
                "timed out",
                "Timed out",
                "timeout of",
                "Exceeded timeout",
            ],
        )
    {
        return Some((Cause::Timeout, None));
    }
    if line.starts_with("fixture '")
        || whole.contains("\nfixture '")
        || whole.contains("E       fixture '")
    {
        return Some((
            Cause::MissingFixture,
            quoted(whole.split("fixture ").nth(1)?),
        ));
    }
    if has_any(
        line,
        &[
            "assert False",
            "assert(false)",
            "expect(false).toBe(true)",
            "expect(true).toBe(false)",
        ],
    ) && !whole.contains(" = ")
    {
        return Some((Cause::AlwaysFails, None));
    }
    // An export that does not exist yet is a `SyntaxError` in node.
    if whole.contains("does not provide an export named") {
        return None;
    }
    if starts(&["SyntaxError", "IndentationError", "TabError"])
        || has_any(
            line,
            &[
                "Transform failed",
                "failed to parse",
                "Unexpected token",
                "Unexpected end of input",
            ],
        )
        || has_any(
            whole,
            &[
                "\nE   SyntaxError",
                "\nE     SyntaxError",
                "\nSyntaxError: ",
            ],
        )
    {
        return Some((Cause::SyntaxError, None));
    }
    if let Some(name) = after(line, "name '").filter(|_| line.contains("is not defined")) {
        return Some((Cause::UndefinedName, Some(name)));
    }
    if class.ends_with("NameError")
        || class.ends_with("ReferenceError")
        || line.starts_with("ReferenceError")
    {
        let name = line.strip_prefix("ReferenceError: ").unwrap_or(line);
        return Some((Cause::UndefinedName, name.split(' ').next()));
    }
    if line.contains("Invalid Chai property")
        || (line.contains("expect(") && line.contains("is not a function"))
    {
        return Some((Cause::WrongForeignSymbol, None));
    }
    if mark.kind == MarkKind::Error
        && has_any(
            line,
            &[
                "failed on setup",
                "failed on teardown",
                "beforeAll",
                "beforeEach",
                "\"before all\"",
            ],
        )
        && !has_any(
            whole,
            &[
                "No module named",
                "cannot import name",
                "has no attribute",
                "Cannot find module",
            ],
        )
    {
        return Some((Cause::SetupFailed, None));
    }
    None
}

/// Names and modules that do not exist. Whose they are decides: one of the project's own is what the task will write.
fn missing<'a>(line: &'a str, whole: &'a str, project: &dyn Project) -> Option<Found<'a>> {
    if let Some(name) = after(whole, "No module named '") {
        let top = name.split('.').next().unwrap_or(name);
        return Some(if project.is_own(top) {
            (Cause::MissingSymbol, Some(name))
        } else {
            (Cause::MissingDependency, Some(name))
        });
    }
    if let Some(name) = after(whole, "cannot import name '") {
        let owner = after(whole, "' from '")
            .or_else(|| after(whole, "' from partially initialized module '"));
        return Some(if owner.is_some_and(|owner| project.is_own(owner)) {
            (Cause::MissingSymbol, Some(name))
        } else {
            (Cause::WrongForeignSymbol, Some(name))
        });
    }
    if let Some(module) = after(line, "module '").filter(|_| line.contains("has no attribute '")) {
        let name = after(line, "has no attribute '");
        return Some(if project.is_own(module) {
            (Cause::MissingSymbol, name)
        } else {
            (Cause::WrongForeignSymbol, name)
        });
    }
    if whole.contains("does not provide an export named") {
        let name = after(whole, "export named '");
        let own = after(whole, "module '").is_some_and(|module| project.is_own(module));
        return Some((
            if own {
                Cause::MissingSymbol
            } else {
                Cause::WrongForeignSymbol
            },
            name,
        ));
    }
    for (start, package) in [
        ("Cannot find module '", false),
        ("Failed to resolve import \"", false),
        ("Cannot find package '", true),
    ] {
        if let Some(name) = after(whole, start) {
            return Some(if project.is_own(name) {
                (Cause::MissingSymbol, Some(name))
            } else if package || !name.starts_with(['.', '/']) {
                (Cause::MissingDependency, Some(name))
            } else {
                (Cause::Unknown, Some(name))
            });
        }
    }
    for end in [" is not a function", " is not a constructor"] {
        if let Some((before, _)) = line.split_once(end) {
            let name = before
                .rsplit([' ', '.', '(', ')'])
                .find(|word| !word.is_empty())?;
            return Some((Cause::MissingSymbol, Some(name)));
        }
    }
    for start in ["undefined: ", "cannot find symbol"] {
        if let Some((_, rest)) = whole.split_once(start) {
            let name = rest.split_whitespace().next();
            return Some((Cause::MissingSymbol, name));
        }
    }
    None
}

/// The text after `start`, up to the quotation mark that ends it.
fn after<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split(['\'', '"', '\n'])
        .next()
        .filter(|name| !name.is_empty())
}

fn quoted(text: &str) -> Option<&str> {
    text.trim_start_matches('\'').split('\'').next()
}
