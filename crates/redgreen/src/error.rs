//! What a command can end with beside its result: kind, what, where, next step. Rendered in one place.

use redgreen_core::exit::ExitCode;
use redgreen_core::reason::{Reason, ReasonCode};

/// A command that could not do what was asked.
#[derive(Debug)]
pub struct Failure {
    /// How the process ends.
    pub exit: ExitCode,
    /// The fact, a lower-case fragment.
    pub what: String,
    /// Where: a file with a line, or nothing.
    pub place: Option<String>,
    /// The next step.
    pub help: String,
    /// The reason code, where the failure is one of a gate's.
    pub code: Option<ReasonCode>,
}

impl Failure {
    /// A failure without a place.
    #[must_use]
    pub fn new(exit: ExitCode, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            exit,
            what: what.into(),
            place: None,
            help: help.into(),
            code: None,
        }
    }
    /// Wrong arguments, plan or configuration.
    #[must_use]
    pub fn usage(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, what, help)
    }
    /// The environment is not ready.
    #[must_use]
    pub fn not_ready(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(ExitCode::EnvironmentNotReady, what, help)
    }
    /// A defect of redgreen, or an operating-system error that nothing could be done about.
    #[must_use]
    pub fn internal(what: impl std::fmt::Display) -> Self {
        Self::new(
            ExitCode::Internal,
            what.to_string(),
            "nothing was lost; run it again with -v, and report it if it stays",
        )
    }
    /// Adds the place.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }
}

/// A failure inside a gate as a reason of it.
impl From<Failure> for Box<Reason> {
    fn from(failure: Failure) -> Self {
        let code = failure.code.unwrap_or(ReasonCode::EnvironmentFault);
        Self::new(Reason::new(code, failure.what, failure.help))
    }
}

impl From<Box<Reason>> for Failure {
    fn from(reason: Box<Reason>) -> Self {
        Self {
            exit: ExitCode::CouldNotRun,
            what: reason.message.clone(),
            place: reason.path.as_ref().map(ToString::to_string),
            help: reason.help.clone(),
            code: Some(reason.code),
        }
    }
}
