//! Reasons: why a gate did not pass, in a form that a person, a program and an agent can act on (SPEC B1, G2).

use crate::id::RelPath;
use serde::{Deserialize, Serialize};

macro_rules! reason_codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $meaning:literal;)*) => {
        /// Stable codes of reasons. Append-only.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ReasonCode { $( #[doc = $meaning] #[serde(rename = $text)] $variant, )* }
        impl ReasonCode {
            /// Every code, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// The wire text.
            #[must_use]
            pub fn as_str(self) -> &'static str { match self { $(Self::$variant => $text),* } }
            /// What it means, in one line (for `redgreen explain` and the generated table).
            #[must_use]
            pub fn meaning(self) -> &'static str { match self { $(Self::$variant => $meaning),* } }
        }
    };
}

reason_codes! {
    // ---- could not run
    NoReport = "no_report", "the runner wrote no report";
    TruncatedReport = "truncated_report", "the report ends before the run did";
    ZeroTests = "zero_tests", "no test ran";
    CommandNotFound = "command_not_found", "the command does not exist";
    TimedOut = "timed_out", "the time limit was reached";
    RunnerUsageError = "runner_usage_error", "the runner refused its own arguments or configuration";
    ExitCodeDisagrees = "exit_code_disagrees", "the exit code and the report do not agree";
    CodeLoadedFromElsewhere = "code_loaded_from_elsewhere", "code under test was not loaded from the tree under judgement";
    EnvironmentChanged = "environment_changed", "the environment differs from the one at lock";
    BrokenBase = "broken_base", "the project does not build or load without the task";
    PrepareFailed = "prepare_failed", "a prepare command failed";
    MissingPlugin = "missing_plugin", "a plugin that the tests need is not there";
    EnvironmentFault = "environment_fault", "a service, device or permission is missing";
    ProcessLeftBehind = "process_left_behind", "a process outlived the command that started it";
    // ---- red
    NoTests = "no_tests", "no test was added or changed";
    NotRed = "not_red", "an added or changed test passes without the implementation";
    CriterionWithoutRed = "criterion_without_red", "a criterion has no red test";
    CriteriaMapInvalid = "criteria_map_invalid", "the criteria map names an unknown criterion or test";
    BrokenTest = "broken_test", "a test is red because of a defect of its own";
    UnclearRed = "unclear_red", "it cannot be told why a test is red";
    SkippedTest = "skipped_test", "an added or changed test is skipped, expected to fail, todo or focused";
    TestNotCollected = "test_not_collected", "a test in the file was not collected by the runner";
    TestRemoved = "test_removed", "a test was removed that the task does not replace";
    CollateralBroken = "collateral_broken", "a test that passed before does not pass any more";
    BlockedWithoutCause = "blocked_without_cause", "a test cannot load, without an accepted cause";
    DuplicateTest = "duplicate_test", "two tests have the same name; one of them never runs";
    Placeholder = "placeholder", "a skeleton's placeholder is still there";
    Flaky = "flaky", "the same bytes gave different outcomes";
    DirtyVerdictFile = "dirty_verdict_file", "a file that can change a verdict has uncommitted changes";
    // ---- lock
    LockMissing = "lock_missing", "there is no lock for the task";
    LockInvalid = "lock_invalid", "the lock record does not verify";
    LockModified = "lock_modified", "a locked file was changed";
    LockDeleted = "lock_deleted", "a locked file was deleted";
    LockAdded = "lock_added", "a file was added that could change a verdict";
    LockedTestEdited = "locked_test_edited", "a locked test was edited";
    // ---- green
    TestFailed = "test_failed", "a locked test does not pass";
    TestMissing = "test_missing", "a locked test did not run";
    TestSkipped = "test_skipped", "a locked test was skipped";
    UnexpectedTest = "unexpected_test", "a test ran that is not locked";
    OutOfScope = "out_of_scope", "a change outside the paths the implementer may write";
    ForbiddenFile = "forbidden_file", "a link, special file, compiled file or cache was added or changed";
    ReportTampered = "report_tampered", "the report was changed after the runner wrote it";
    NoChange = "no_change", "there is no implementation to judge";
    ControlFailed = "control_failed", "a control shows that the result is empty";
    // ---- full
    SuiteFailed = "suite_failed", "a test of the suite fails that passed before";
    CheckFailed = "check_failed", "a configured check failed";
    EvidenceMissing = "evidence_missing", "a check printed nothing that proves that it ran";
    SourceNotExecuted = "source_not_executed", "a changed source file is executed by no locked test";
    // ---- plan and run
    ApprovalNeeded = "approval_needed", "a person must approve first";
    PlanChanged = "plan_changed", "the plan differs from the approved one";
    LimitReached = "limit_reached", "a limit was reached";
    AgentFailed = "agent_failed", "the agent ended without a result";
    DisputeOpen = "dispute_open", "a dispute waits for a person";
    Stopped = "stopped", "a person stopped the run";
    // ---- evidence, notes
    LeftOut = "left_out", "a change that was judged without: inert, or only formatting";
    TestsInSource = "tests_in_source", "tests that the implementer added inside source files";
    FlakyOnBase = "flaky_on_base", "a test differs between runs of the base";
    NoControl = "no_control", "no control is possible for a test";
    SnapshotMissing = "snapshot_missing", "a test compares with a snapshot that nobody has written";
    // ---- strict controls
    CriterionWithoutControl = "criterion_without_control", "no test of a criterion was shown to notice another expected value";
    HiddenTestFailed = "hidden_test_failed", "a held-out test does not pass; only its criterion is told";
    // ---- services and validation
    ServiceFailed = "service_failed", "a service did not become ready, or ended while it was needed";
    ServiceUnused = "service_unused", "a suite never reached a service that it must use";
    ValidationFailed = "validation_failed", "the real application did not do what was declared";
}

/// One reason: the fact first, where, and the next step. Never a motive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The stable code.
    pub code: ReasonCode,
    /// The fact, a lower-case fragment in plain words.
    pub message: String,
    /// The file, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<RelPath>,
    /// The line in it, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The test (item or case id), where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
    /// The next step: what to do or type.
    pub help: String,
    /// A unified difference that shows the fact, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

impl Reason {
    /// A reason without a place.
    #[must_use]
    pub fn new(code: ReasonCode, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            path: None,
            line: None,
            test: None,
            help: help.into(),
            diff: None,
        }
    }
    /// Adds the file.
    #[must_use]
    pub fn at(mut self, path: RelPath) -> Self {
        self.path = Some(path);
        self
    }
    /// Adds the line, from 1; 0 means unknown.
    #[must_use]
    pub fn line(mut self, line: u32) -> Self {
        self.line = (line > 0).then_some(line);
        self
    }
    /// Adds the test.
    #[must_use]
    pub fn test(mut self, test: impl ToString) -> Self {
        self.test = Some(test.to_string());
        self
    }
    /// Adds a unified difference.
    #[must_use]
    pub fn diff(mut self, diff: impl Into<String>) -> Self {
        self.diff = Some(diff.into());
        self
    }
}
