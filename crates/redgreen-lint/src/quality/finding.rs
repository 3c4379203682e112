//! Findings: what a rule says, where, and what to do.

use super::model::Span;
use crate::quality::rules::Rule;

/// How much a finding weighs on a test that a task added or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Off unless asked for.
    Info,
    /// Shown, never blocks.
    Warning,
    /// The test cannot be locked.
    Error,
}

impl Severity {
    /// The word in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One finding in one file.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// Its severity here: a rule may weigh less in one language or place.
    pub severity: Severity,
    /// The test it is about; `None` for the file.
    pub test: Option<String>,
    /// Where.
    pub span: Span,
    /// What was found, a lower-case fragment.
    pub message: String,
}
