//! `redgreen.audit/1`. Append-only.

use redgreen_core::audit::{AuditStatus, ChangeVerdict, TestAudit, TestChange};
use redgreen_core::id::RelPath;
use redgreen_core::outcome::Cause;
use redgreen_core::reason::{Reason, ReasonCode};
use serde::{Deserialize, Serialize};

/// The schema of [`AuditReport`].
pub const AUDIT_SCHEMA: &str = "redgreen.audit/1";

/// A whole audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditReport {
    /// Always [`AUDIT_SCHEMA`].
    pub schema: String,
    /// What was asked.
    pub range: Range,
    /// What decides about the exit code.
    pub policy: Policy,
    /// The exit code.
    pub exit: u8,
    /// Every change, oldest first.
    pub changes: Vec<ChangeReport>,
    /// What is in none of the changes: locks of the whole range.
    pub findings: Vec<Finding>,
    /// Counts over all changes.
    pub totals: Totals,
    /// What it cost.
    pub runs: Runs,
    /// Milliseconds; informative.
    pub duration_ms: u64,
}

/// The range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// As it was asked for, or what was assumed.
    pub asked: String,
    /// The commit before the first change.
    pub base: String,
    /// The last commit.
    pub head: String,
    /// Whether all of it is judged as one change.
    pub whole: bool,
    /// Whether it ended before every change was judged.
    pub unfinished: bool,
}

/// The policy, with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// `never`, `plan` or `always`.
    pub require_lock: String,
    /// Verdicts and findings that fail the audit.
    pub fail_on: Vec<String>,
    /// The file and commit it was read from; `null` for the defaults.
    pub origin: Option<String>,
}

/// A commit of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitLine {
    /// Its id.
    pub id: String,
    /// The first line of its message.
    pub subject: String,
    /// Who wrote it.
    pub author: String,
    /// When it was committed, in seconds since the epoch.
    pub committed_at: i64,
}

/// A change: a commit, a merge, or the whole range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeReport {
    /// Its commits, oldest first: the one that gives it its name comes last.
    pub commits: Vec<CommitLine>,
    /// What it is compared with.
    pub base: String,
    /// What is said of it.
    pub verdict: ChangeVerdict,
    /// What exactly is claimed, in a sentence.
    pub claim: String,
    /// The tests that were added or changed.
    pub tests: Vec<TestLine>,
    /// What was seen without running: weakened, removed, renamed, skipped tests, changed snapshots.
    pub findings: Vec<Finding>,
    /// Source files that changed, beyond comments and layout.
    pub source: Vec<RelPath>,
    /// Why it could not be judged, with the fix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// How many commands of runners it took.
    pub commands: usize,
    /// Whether the result was remembered: the same content, environment and rules were judged before.
    pub remembered: bool,
    /// Milliseconds; informative.
    pub duration_ms: u64,
}

/// A test of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestLine {
    /// The test.
    pub test: String,
    /// Its file.
    pub path: RelPath,
    /// The line it starts at after the change, from 1.
    pub line: u32,
    /// What the change did to it.
    pub change: TestChange,
    /// What both runs say.
    pub status: AuditStatus,
    /// Why it fails (without the change, or with it).
    pub cause: Option<Cause>,
    /// The cause in a few words, or why it could not be run.
    pub detail: String,
    /// The stable code where it could not be run.
    pub code: Option<ReasonCode>,
    /// The fix where it could not be run.
    pub help: String,
    /// The runner's message without the change.
    pub without: String,
    /// The runner's message with the change.
    pub with: String,
}

impl From<&TestAudit> for TestLine {
    fn from(test: &TestAudit) -> Self {
        let detail = match (&test.reason, &test.cause) {
            (Some(reason), _) => reason.message.clone(),
            (None, Some(cause)) => cause.detail.clone(),
            (None, None) => String::new(),
        };
        Self {
            test: test.test.to_string(),
            path: test.test.path.clone(),
            line: test.line,
            change: test.change,
            status: test.status,
            cause: test.cause.as_ref().map(|cause| cause.cause),
            detail,
            code: test.reason.as_ref().map(|reason| reason.code),
            help: test
                .reason
                .as_ref()
                .map(|reason| reason.help.clone())
                .unwrap_or_default(),
            without: test.without.clone(),
            with: test.with.clone(),
        }
    }
}

/// What was seen without running a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A lock of the history does not hold: spoofed, amended, weakened.
    LockInvalid,
    /// A lock is asked for, and there is none.
    LockMissing,
    /// A derived field of a plan says more than the evidence.
    PlanField,
    /// An assertion of a test was weakened.
    Weakened,
    /// A test is skipped now, or expected to fail, or others are left out because of it.
    SkipAdded,
    /// A test is gone.
    TestRemoved,
    /// A snapshot or golden file holds other expected values.
    SnapshotChanged,
    /// Two tests have the same name; the first one never runs.
    DuplicateTest,
    /// A test has another name.
    TestRenamed,
}

impl FindingKind {
    /// Every kind, the worst first.
    pub const ALL: [Self; 9] = [
        Self::LockInvalid,
        Self::LockMissing,
        Self::PlanField,
        Self::Weakened,
        Self::SkipAdded,
        Self::TestRemoved,
        Self::SnapshotChanged,
        Self::DuplicateTest,
        Self::TestRenamed,
    ];
    /// The wire text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LockInvalid => "lock_invalid",
            Self::LockMissing => "lock_missing",
            Self::PlanField => "plan_field",
            Self::Weakened => "weakened",
            Self::SkipAdded => "skip_added",
            Self::TestRemoved => "test_removed",
            Self::SnapshotChanged => "snapshot_changed",
            Self::DuplicateTest => "duplicate_test",
            Self::TestRenamed => "test_renamed",
        }
    }
    /// What it means, in one line.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::LockInvalid => {
                "a lock of the history does not hold: spoofed, amended or weakened"
            }
            Self::LockMissing => "a lock is asked for by policy or plan, and there is none",
            Self::PlanField => "a derived field of a plan says more than the locks and their runs",
            Self::Weakened => "an assertion of a test says less than before",
            Self::SkipAdded => "a test is skipped now, expected to fail, or focused",
            Self::TestRemoved => "a test is gone",
            Self::SnapshotChanged => "a snapshot or golden file holds other expected values",
            Self::DuplicateTest => "two tests have the same name; the first one never runs",
            Self::TestRenamed => "a test has another name",
        }
    }
}

/// Which version of a file a line is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Before the change.
    Base,
    /// After the change.
    Head,
}

/// A finding with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What kind.
    pub kind: FindingKind,
    /// The fact.
    pub message: String,
    /// The file; `null` where it is about the range.
    pub path: Option<RelPath>,
    /// The line in it, from 1; 0 where there is none.
    pub line: u32,
    /// Which version of the file.
    pub side: Side,
    /// The test, where there is one.
    pub test: Option<String>,
    /// The text before, where there is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub before: String,
    /// The text after, where there is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub after: String,
    /// What to do.
    pub help: String,
}

/// Counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Changes by verdict, in the order of the list of verdicts.
    pub changes: Vec<(ChangeVerdict, usize)>,
    /// Tests by status, in the order of the list of statuses.
    pub tests: Vec<(AuditStatus, usize)>,
    /// Findings by kind, the worst first.
    pub findings: Vec<(FindingKind, usize)>,
}

impl Totals {
    /// Counts a report.
    #[must_use]
    pub fn of(changes: &[ChangeReport], more: &[Finding]) -> Self {
        let count = |wanted: &dyn Fn(&ChangeReport) -> usize| changes.iter().map(wanted).sum();
        Self {
            changes: ChangeVerdict::ALL
                .iter()
                .map(|verdict| {
                    (
                        *verdict,
                        count(&|change| usize::from(change.verdict == *verdict)),
                    )
                })
                .filter(|(_, count)| *count > 0)
                .collect(),
            tests: AuditStatus::ALL
                .iter()
                .map(|status| {
                    let of = |change: &ChangeReport| {
                        change
                            .tests
                            .iter()
                            .filter(|test| test.status == *status)
                            .count()
                    };
                    (*status, count(&of))
                })
                .filter(|(_, count)| *count > 0)
                .collect(),
            findings: FindingKind::ALL
                .into_iter()
                .map(|kind| {
                    let of = |list: &[Finding]| {
                        list.iter().filter(|finding| finding.kind == kind).count()
                    };
                    (kind, count(&|change| of(&change.findings)) + of(more))
                })
                .filter(|(_, count)| *count > 0)
                .collect(),
        }
    }
    /// How many changes have this verdict.
    #[must_use]
    pub fn verdict(&self, wanted: ChangeVerdict) -> usize {
        self.changes
            .iter()
            .find(|(verdict, _)| *verdict == wanted)
            .map_or(0, |(_, count)| *count)
    }
    /// How many tests have this status.
    #[must_use]
    pub fn status(&self, wanted: AuditStatus) -> usize {
        self.tests
            .iter()
            .find(|(status, _)| *status == wanted)
            .map_or(0, |(_, count)| *count)
    }
    /// How many findings are of this kind.
    #[must_use]
    pub fn kind(&self, wanted: FindingKind) -> usize {
        self.findings
            .iter()
            .find(|(kind, _)| *kind == wanted)
            .map_or(0, |(_, count)| *count)
    }
}

/// What an audit cost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runs {
    /// Commands of runners that were started now.
    pub commands: usize,
    /// Changes whose result was remembered.
    pub remembered: usize,
    /// Changes that needed no run: nothing in them could be run.
    pub without_runs: usize,
}
