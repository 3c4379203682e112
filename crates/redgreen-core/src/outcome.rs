//! What can come out of a test, a cause, a gate. Closed enums: a new value is a compile error everywhere it matters.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The verdict of a gate (SPEC B1). Only `Pass` advances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything that had to be established was established.
    Pass,
    /// The tests or a check say no.
    Fail,
    /// Something was changed that could change a verdict, or a control shows the result is empty.
    Rejected,
    /// The question could not be put: missing or truncated report, zero tests, time-out, missing command.
    CouldNotRun,
    /// Put, but not decided; a person must look.
    Inconclusive,
    /// The same bytes gave different answers.
    Flaky,
}

impl Verdict {
    /// The wire text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Rejected => "rejected",
            Self::CouldNotRun => "could_not_run",
            Self::Inconclusive => "inconclusive",
            Self::Flaky => "flaky",
        }
    }
}
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What happened to one test case (SPEC B2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It ran and passed.
    Passed,
    /// It ran and failed.
    Failed,
    /// It could not be set up, loaded, compiled or torn down.
    Errored,
    /// The runner skipped it.
    Skipped,
    /// It failed and was expected to.
    Xfailed,
    /// It passed and was expected to fail.
    Xpassed,
    /// Marked as not written yet.
    Todo,
    /// It was ended by a time-out.
    TimedOut,
    /// Its process died.
    Crashed,
    /// It was expected and never ran.
    NotRun,
    /// It cannot load because of an accepted missing symbol elsewhere in its file, target or package.
    Blocked,
}

impl Outcome {
    /// The wire text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Errored => "errored",
            Self::Skipped => "skipped",
            Self::Xfailed => "xfailed",
            Self::Xpassed => "xpassed",
            Self::Todo => "todo",
            Self::TimedOut => "timed_out",
            Self::Crashed => "crashed",
            Self::NotRun => "not_run",
            Self::Blocked => "blocked",
        }
    }
}
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a case did not pass (SPEC B3; tables: reference/test-results.md section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    // ---- right: the behaviour is missing
    /// An assertion of the test failed.
    Assertion,
    /// A first-party symbol or module does not exist yet.
    MissingSymbol,
    /// A first-party callable has another signature.
    Signature,
    /// A not-implemented stub of first-party source was reached.
    NotImplemented,
    /// First-party source raised or panicked.
    RaisedInSource,
    // ---- broken: the test itself is wrong
    /// The test file does not parse.
    SyntaxError,
    /// A name in the test is not defined.
    UndefinedName,
    /// A fixture does not exist or a fixture failed.
    MissingFixture,
    /// A third-party package is not installed.
    MissingDependency,
    /// The imported name exists, elsewhere.
    WrongImport,
    /// The test fails whatever the code does (`assert False`, `panic!()` alone).
    AlwaysFails,
    /// Set-up or tear-down in test code failed.
    SetupFailed,
    /// The test does not compile, for a reason of its own.
    DoesNotCompile,
    /// A third-party or standard-library symbol does not exist.
    WrongForeignSymbol,
    // ---- unclear: a person or the author must look
    /// An exception raised by test code that is no assertion.
    RaisedInTest,
    /// A very similar name exists: perhaps a typo.
    SimilarName,
    /// Types do not match.
    TypeMismatch,
    /// The test ran into the time limit.
    Timeout,
    /// The process of the test died.
    Crash,
    /// Nothing that is known.
    Unknown,
    // ---- environment: the question could not be put
    /// A plugin the test needs is not there (for example: async tests without a plugin).
    MissingPlugin,
    /// A service, device or permission is missing.
    Environment,
    /// The project was broken before the task.
    BrokenBase,
}

/// What a cause means for RED.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseClass {
    /// The behaviour is missing: a legitimate red.
    Right,
    /// The test itself is wrong.
    Broken,
    /// It cannot be told; stops with a question.
    Unclear,
    /// The environment or the base is not sane; neither pass nor fail.
    Environment,
}

impl Cause {
    /// What the cause means for RED.
    #[must_use]
    pub fn class(self) -> CauseClass {
        match self {
            Self::Assertion
            | Self::MissingSymbol
            | Self::Signature
            | Self::NotImplemented
            | Self::RaisedInSource => CauseClass::Right,
            Self::SyntaxError
            | Self::UndefinedName
            | Self::MissingFixture
            | Self::MissingDependency
            | Self::WrongImport
            | Self::AlwaysFails
            | Self::SetupFailed
            | Self::DoesNotCompile
            | Self::WrongForeignSymbol => CauseClass::Broken,
            Self::RaisedInTest
            | Self::SimilarName
            | Self::TypeMismatch
            | Self::Timeout
            | Self::Crash
            | Self::Unknown => CauseClass::Unclear,
            Self::MissingPlugin | Self::Environment | Self::BrokenBase => CauseClass::Environment,
        }
    }
    /// The wire text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Assertion => "assertion",
            Self::MissingSymbol => "missing_symbol",
            Self::Signature => "signature",
            Self::NotImplemented => "not_implemented",
            Self::RaisedInSource => "raised_in_source",
            Self::SyntaxError => "syntax_error",
            Self::UndefinedName => "undefined_name",
            Self::MissingFixture => "missing_fixture",
            Self::MissingDependency => "missing_dependency",
            Self::WrongImport => "wrong_import",
            Self::AlwaysFails => "always_fails",
            Self::SetupFailed => "setup_failed",
            Self::DoesNotCompile => "does_not_compile",
            Self::WrongForeignSymbol => "wrong_foreign_symbol",
            Self::RaisedInTest => "raised_in_test",
            Self::SimilarName => "similar_name",
            Self::TypeMismatch => "type_mismatch",
            Self::Timeout => "timeout",
            Self::Crash => "crash",
            Self::Unknown => "unknown",
            Self::MissingPlugin => "missing_plugin",
            Self::Environment => "environment",
            Self::BrokenBase => "broken_base",
        }
    }
}
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The role a test plays in a task (SPEC B2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Red at RED, must pass at GREEN.
    Required,
    /// Passes before and after; locked, satisfies no criterion.
    Guard,
    /// Like required, never shown to the implementer.
    Hidden,
    /// Everything else that ran; must not change for the worse.
    Collateral,
}
