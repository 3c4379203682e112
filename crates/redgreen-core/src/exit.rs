//! Exit codes: public API (SPEC G3).

use crate::outcome::Verdict;

/// How the process ends. The numbers are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// The gate passed, or the command did what was asked.
    Pass = 0,
    /// A defect of redgreen itself.
    Internal = 1,
    /// Wrong arguments, an invalid plan or an invalid configuration.
    Usage = 2,
    /// A gate failed: the tests or a check say no.
    GateFailed = 10,
    /// A gate could not run: no report, zero tests, a missing command, a time-out.
    CouldNotRun = 11,
    /// A limit (tries, time, money) was reached, or a person stopped the run.
    Limit = 12,
    /// Something was changed that could change a verdict.
    Rejected = 13,
    /// A person must decide first.
    ApprovalNeeded = 14,
    /// The environment is not ready: a dirty verdict file, a missing tool.
    EnvironmentNotReady = 15,
    /// Not decided: inconclusive or flaky.
    NotDecided = 16,
}

impl ExitCode {
    /// Every code, in numerical order.
    pub const ALL: [Self; 10] = [
        Self::Pass,
        Self::Internal,
        Self::Usage,
        Self::GateFailed,
        Self::CouldNotRun,
        Self::Limit,
        Self::Rejected,
        Self::ApprovalNeeded,
        Self::EnvironmentNotReady,
        Self::NotDecided,
    ];
    /// The number the process ends with.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
    /// What it means, in one line (for the generated table).
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Internal => "internal error: a defect of redgreen",
            Self::Usage => "usage: wrong arguments, plan or configuration",
            Self::GateFailed => "gate failed",
            Self::CouldNotRun => "could not run",
            Self::Limit => "limit reached, or stopped",
            Self::Rejected => "rejected: something was changed that could change a verdict",
            Self::ApprovalNeeded => "approval needed",
            Self::EnvironmentNotReady => "environment not ready",
            Self::NotDecided => "not decided, or flaky",
        }
    }
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Fail => Self::GateFailed,
            Verdict::Rejected => Self::Rejected,
            Verdict::CouldNotRun => Self::CouldNotRun,
            Verdict::Inconclusive | Verdict::Flaky => Self::NotDecided,
        }
    }
}
