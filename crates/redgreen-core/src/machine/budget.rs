//! What a run may use: tries, suites, time. Frozen when the run starts, replaced only by `Resumed`.

use super::state::Phase;
use crate::dispute::Bounce;
use crate::id::TaskId;
use std::collections::BTreeSet;

/// Tries (SPEC A7, B7). See the table in the module documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budgets {
    /// Author sessions after the first, for one set of tests.
    pub author_retries: u32,
    /// Implementer sessions after the first, per validation round.
    pub implementer_retries: u32,
    /// Validation rounds in all.
    pub validation_attempts: u32,
    /// Full suites per validation round: baseline, FULL, once after a rebase.
    pub suite_runs: u32,
    /// Sessions in a row that may end without a result and without being charged.
    pub free_restarts: u32,
    /// Further runs of one gate or effect after an environment fault.
    pub gate_reruns: u32,
    /// Sessions per attempt that only have to drop or declare files out of scope.
    pub scope_rounds: u32,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            author_retries: 1,
            implementer_retries: 2,
            validation_attempts: 3,
            suite_runs: 3,
            free_restarts: 5,
            gate_reruns: 2,
            scope_rounds: 2,
        }
    }
}

/// Limits of time and money (SPEC A7, F3). The driver measures; the machine only hears that one was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Seconds a session may last.
    pub session_seconds: u64,
    /// Seconds a session may print nothing.
    pub idle_seconds: u64,
    /// Seconds a run may last; `None` for no limit.
    pub run_seconds: Option<u64>,
    /// Seconds to wait for a usage limit to be lifted (`max_wait`).
    pub wait_seconds: u64,
    /// Tokens a run may use; `None` for no limit.
    pub run_tokens: Option<u64>,
    /// Money a run may use, in millionths of a US dollar; `None` for no limit.
    pub run_micro_usd: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            session_seconds: 30 * 60,
            idle_seconds: 10 * 60,
            run_seconds: None,
            wait_seconds: 6 * 60 * 60,
            run_tokens: None,
            run_micro_usd: None,
        }
    }
}

/// How a run is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOptions {
    /// Tries.
    pub budgets: Budgets,
    /// Limits of time and money.
    pub limits: Limits,
    /// How many tasks may be worked on at a time, at least 1. Tasks that wait for a person do not count.
    pub jobs: u32,
    /// Whether tasks that do not depend on a halted or waiting one go on (default when unattended).
    pub keep_going: bool,
    /// The last phase to carry out (`--until`); `None` for all.
    pub until: Option<Phase>,
    /// The only tasks to start (`--task`); `None` for all.
    pub only: Option<BTreeSet<TaskId>>,
    /// Whether a refactoring session follows GREEN.
    pub refactor: bool,
    /// Whether a person approves the tests after RED (`[approve] tests`).
    pub approve_tests: bool,
    /// Which evidence sends an author back.
    pub bounce: Bounce,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            budgets: Budgets::default(),
            limits: Limits::default(),
            jobs: 1,
            keep_going: false,
            until: None,
            only: None,
            refactor: false,
            approve_tests: false,
            bounce: Bounce::default(),
        }
    }
}
