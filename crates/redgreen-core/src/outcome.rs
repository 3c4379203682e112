//! What can come out of a test, a cause, a gate. Closed enums: a new value is a compile error everywhere it matters.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A closed list of words: the enum, its wire texts and its meanings, so that no list beside it can go stale.
macro_rules! words {
    ($(#[$attribute:meta])* $name:ident { $($variant:ident = $text:literal, $meaning:literal;)* }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $( #[doc = $meaning] #[serde(rename = $text)] $variant, )* }
        impl $name {
            /// Every value, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// The wire text.
            #[must_use]
            pub fn as_str(self) -> &'static str { match self { $(Self::$variant => $text),* } }
            /// What it means, in one line (for `redgreen explain` and the generated tables).
            #[must_use]
            pub fn meaning(self) -> &'static str { match self { $(Self::$variant => $meaning),* } }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }
    };
}

pub(crate) use words;

words! {
    /// The verdict of a gate (SPEC B1). Only `Pass` advances.
    Verdict {
        Pass = "pass", "everything that had to be established was established";
        Fail = "fail", "the tests or a check say no";
        Rejected = "rejected", "something was changed that could change a verdict, or a control shows the result is empty";
        CouldNotRun = "could_not_run", "the question could not be put: missing or truncated report, zero tests, time-out, missing command";
        Inconclusive = "inconclusive", "put, but not decided; a person must look";
        Flaky = "flaky", "the same bytes gave different answers";
    }
}

words! {
    /// What happened to one test case (SPEC B2).
    Outcome {
        Passed = "passed", "it ran and passed";
        Failed = "failed", "it ran and failed";
        Errored = "errored", "it could not be set up, loaded, compiled or torn down";
        Skipped = "skipped", "the runner skipped it";
        Xfailed = "xfailed", "it failed and was expected to";
        Xpassed = "xpassed", "it passed and was expected to fail";
        Todo = "todo", "marked as not written yet";
        TimedOut = "timed_out", "it was ended by a time-out";
        Crashed = "crashed", "its process died";
        NotRun = "not_run", "it was expected and never ran";
        Blocked = "blocked", "it cannot load because of an accepted missing symbol elsewhere in its file, target or package";
    }
}

impl Outcome {
    /// Whether it was tried and did not succeed.
    #[must_use]
    pub fn is_failure(self) -> bool {
        match self {
            Self::Failed | Self::Errored | Self::TimedOut | Self::Crashed => true,
            Self::Passed
            | Self::Skipped
            | Self::Xfailed
            | Self::Xpassed
            | Self::Todo
            | Self::NotRun
            | Self::Blocked => false,
        }
    }

    /// Whether it failed, or should have been tried and was not.
    #[must_use]
    pub fn falls_short(self) -> bool {
        match self {
            Self::NotRun | Self::Blocked => true,
            Self::Passed
            | Self::Failed
            | Self::Errored
            | Self::Skipped
            | Self::Xfailed
            | Self::Xpassed
            | Self::Todo
            | Self::TimedOut
            | Self::Crashed => self.is_failure(),
        }
    }
}

words! {
    /// Why a case did not pass (SPEC B3; tables: reference/test-results.md section 3).
    Cause {
        // ---- right: the behaviour is missing
        Assertion = "assertion", "an assertion of the test failed";
        MissingSymbol = "missing_symbol", "a first-party symbol or module does not exist yet";
        Signature = "signature", "a first-party callable has another signature";
        NotImplemented = "not_implemented", "a not-implemented stub of first-party source was reached";
        RaisedInSource = "raised_in_source", "first-party source raised or panicked";
        // ---- broken: the test itself is wrong
        SyntaxError = "syntax_error", "the test file does not parse";
        UndefinedName = "undefined_name", "a name in the test is not defined";
        MissingFixture = "missing_fixture", "a fixture does not exist or a fixture failed";
        MissingDependency = "missing_dependency", "a third-party package is not installed";
        WrongImport = "wrong_import", "the imported name exists, elsewhere";
        AlwaysFails = "always_fails", "the test fails whatever the code does (`assert False`, `panic!()` alone)";
        SetupFailed = "setup_failed", "set-up or tear-down in test code failed";
        DoesNotCompile = "does_not_compile", "the test does not compile, for a reason of its own";
        WrongForeignSymbol = "wrong_foreign_symbol", "a third-party or standard-library symbol does not exist";
        // ---- unclear: a person or the author must look
        RaisedInTest = "raised_in_test", "an exception raised by test code that is no assertion";
        SimilarName = "similar_name", "a very similar name exists: perhaps a typo";
        TypeMismatch = "type_mismatch", "types do not match";
        Timeout = "timeout", "the test ran into the time limit";
        Crash = "crash", "the process of the test died";
        Unknown = "unknown", "nothing that is known";
        // ---- environment: the question could not be put
        MissingPlugin = "missing_plugin", "a plugin the test needs is not there (for example: async tests without a plugin)";
        Environment = "environment", "a service, device or permission is missing";
        BrokenBase = "broken_base", "the project was broken before the task";
    }
}

words! {
    /// What a cause means for RED.
    CauseClass {
        Right = "right", "the behaviour is missing: a legitimate red";
        Broken = "broken", "the test itself is wrong";
        Unclear = "unclear", "it cannot be told; stops with a question";
        Environment = "environment", "the environment or the base is not sane; neither pass nor fail";
    }
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
}

words! {
    /// The role a test plays in a task (SPEC B2).
    Role {
        Required = "required", "red at RED, must pass at GREEN";
        Guard = "guard", "passes before and after; locked, satisfies no criterion";
        Hidden = "hidden", "like required, never shown to the implementer";
        Collateral = "collateral", "everything else that ran; must not change for the worse";
    }
}
