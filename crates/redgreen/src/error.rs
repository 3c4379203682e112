//! What a command can end with beside its result: kind, what, where, next step. Rendered in one place.

use redgreen_core::exit::ExitCode;
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_host::git::{GitError, GitErrorKind};
use redgreen_host::state::StateError;
use redgreen_host::tree::TreeError;
use std::any::Any;
use std::fmt::Display;
use std::io::ErrorKind;

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
    /// An error of a lower layer that the caller has no better words for: what lies in the machine or the repository (a
    /// full disk, no permission, a damaged object) is an environment that is not ready, with that layer's own next step;
    /// the rest is a defect of redgreen.
    #[must_use]
    pub fn internal(what: impl Display + 'static) -> Self {
        match next_step(&what) {
            Some(help) => {
                let mut failure = Self::not_ready(what.to_string(), help);
                failure.code = is_damaged(&what).then_some(ReasonCode::EnvironmentFault);
                failure
            }
            None => Self::new(
                ExitCode::Internal,
                what.to_string(),
                "nothing was lost; run it again with -v, and report it if it stays",
            ),
        }
    }
    /// Adds the place.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }
}

/// Whether an object of git is not what its name says: a refusal with a code of its own, never a verdict.
fn is_damaged(error: &dyn Any) -> bool {
    let git =
        error
            .downcast_ref::<GitError>()
            .or_else(|| match error.downcast_ref::<TreeError>()? {
                TreeError::Git(error) => Some(error),
                TreeError::NoSuchPath { .. } | TreeError::Changed { .. } | TreeError::Io { .. } => {
                    None
                }
            });
    git.is_some_and(|error| error.kind == GitErrorKind::ObjectDamaged)
}

/// What a person can do about an error of a lower layer; `None` where it can only be a defect of redgreen.
fn next_step(error: &dyn Any) -> Option<String> {
    if let Some(error) = error.downcast_ref::<StateError>() {
        return Some(error.hint.clone());
    }
    if let Some(error) = error.downcast_ref::<GitError>() {
        return Some(error.hint.clone());
    }
    if let Some(error) = error.downcast_ref::<TreeError>() {
        return match error {
            TreeError::NoSuchPath { .. } => None,
            TreeError::Git(_) | TreeError::Changed { .. } | TreeError::Io { .. } => {
                Some(error.hint())
            }
        };
    }
    match error.downcast_ref::<std::io::Error>()?.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Some("free some space (`redgreen clean` removes old runs), then try again".to_owned())
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Some(
            "check who owns the checkout and private state (`redgreen status --paths`)".to_owned(),
        ),
        _ => None,
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
