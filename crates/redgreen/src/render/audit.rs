//! An audit for a person: ten lines, the worst first; everything else is in the JSON and the reports.

use redgreen_core::audit::{AuditStatus, ChangeVerdict};
use redgreen_formats::audit::{AuditReport, ChangeReport, Finding, FindingKind, Side};

/// How many single facts are named.
const NAMED: usize = 6;

/// The text; `all` names every fact.
#[must_use]
pub fn human(report: &AuditReport, all: bool) -> String {
    let totals = &report.totals;
    let tests: usize = totals.tests.iter().map(|(_, count)| count).sum();
    let mut lines = vec![format!(
        "{}: {}, {} added or changed{}",
        report.range.asked,
        if report.range.whole {
            "one change".to_owned()
        } else {
            counted(report.changes.len(), "change", "changes")
        },
        counted(tests, "test", "tests"),
        if report.range.unfinished {
            " (not finished: start it again, it goes on)"
        } else {
            ""
        }
    )];
    for (status, one, many) in STATUSES {
        let count = totals.status(status);
        if count > 0 {
            lines.push(format!(
                "  {count:>4} {}",
                if count == 1 { one } else { many }
            ));
        }
    }
    let silent: Vec<String> = [
        (ChangeVerdict::NoTest, "changed source without a test"),
        (ChangeVerdict::TestsOnly, "only tests"),
        (ChangeVerdict::NoCode, "neither"),
    ]
    .into_iter()
    .map(|(verdict, words)| (totals.verdict(verdict), words))
    .filter(|(count, _)| *count > 0)
    .map(|(count, words)| format!("{count} {words}"))
    .collect();
    if !silent.is_empty() && !report.range.whole {
        lines.push(format!("  changes: {}", silent.join(", ")));
    }
    let facts = facts(report);
    let most = if all { facts.len() } else { NAMED };
    for fact in facts.iter().take(most) {
        lines.push(fact.clone());
    }
    if facts.len() > most {
        lines.push(format!(
            "  and {} more: -v names them, --reports DIR writes them down",
            facts.len() - most
        ));
    }
    lines.push(format!(
        "{}{}",
        counted(report.runs.commands, "test run", "test runs"),
        if report.runs.remembered > 0 {
            format!(
                ", {} remembered",
                counted(report.runs.remembered, "change", "changes")
            )
        } else {
            String::new()
        }
    ));
    lines.join("\n")
}

const STATUSES: [(AuditStatus, &str, &str); 7] = [
    (
        AuditStatus::Bites,
        "test fails without the code it came with, and passes with it",
        "tests fail without the code they came with, and pass with it",
    ),
    (
        AuditStatus::DoesNotBite,
        "test passes without the code it came with",
        "tests pass without the code they came with",
    ),
    (
        AuditStatus::FailsWithIt,
        "test fails with it",
        "tests fail with it",
    ),
    (
        AuditStatus::Flaky,
        "test gave different outcomes on the same bytes",
        "tests gave different outcomes on the same bytes",
    ),
    (
        AuditStatus::CouldNotRun,
        "test could not be run",
        "tests could not be run",
    ),
    (
        AuditStatus::Skipped,
        "test is skipped or expected to fail",
        "tests are skipped or expected to fail",
    ),
    (
        AuditStatus::TestsOnly,
        "test came without code, and passes",
        "tests came without code, and pass",
    ),
];

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Every fact worth naming, the worst first, one line each.
#[must_use]
pub fn facts(report: &AuditReport) -> Vec<String> {
    let mut found: Vec<(u8, String)> = Vec::new();
    for finding in &report.findings {
        found.push((rank(finding.kind), finding_line("", finding)));
    }
    for change in &report.changes {
        let commit = change
            .commits
            .last()
            .map_or_else(String::new, |commit| commit.id.chars().take(10).collect());
        change_facts(&commit, change, &mut found);
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, line)| line).collect()
}

fn change_facts(commit: &str, change: &ChangeReport, found: &mut Vec<(u8, String)>) {
    for finding in &change.findings {
        found.push((rank(finding.kind), finding_line(commit, finding)));
    }
    match change.verdict {
        ChangeVerdict::NoTest => {
            found.push((60, format!("  {commit} {:<13} {}", "no test", change.claim)));
        }
        ChangeVerdict::CouldNotRun if change.reason.is_some() => {
            let help = change.reason.as_ref().map_or("", |reason| &reason.help);
            found.push((
                50,
                format!(
                    "  {commit} {:<13} {} ({help})",
                    "could not run", change.claim
                ),
            ));
        }
        ChangeVerdict::CouldNotRun
        | ChangeVerdict::Bites
        | ChangeVerdict::DoesNotBite
        | ChangeVerdict::FailsWithIt
        | ChangeVerdict::Flaky
        | ChangeVerdict::TestsOnly
        | ChangeVerdict::NoCode => {}
    }
    for test in &change.tests {
        let (rank, word, why) = match test.status {
            AuditStatus::FailsWithIt => (10, "fails with it", first_line(&test.detail)),
            AuditStatus::DoesNotBite => (
                if change.verdict == ChangeVerdict::DoesNotBite {
                    30
                } else {
                    40
                },
                "does not bite",
                "passes without the change",
            ),
            AuditStatus::Flaky => (45, "flaky", "different outcomes on the same bytes"),
            AuditStatus::CouldNotRun => (55, "could not run", first_line(&test.detail)),
            AuditStatus::Bites | AuditStatus::Skipped | AuditStatus::TestsOnly => continue,
        };
        let name = test
            .test
            .split_once("::")
            .map_or(test.test.as_str(), |(_, name)| name);
        found.push((
            rank,
            format!(
                "  {commit} {word:<13} {}:{} {name}: {why}",
                test.path, test.line
            ),
        ));
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("")
}

/// The place of a finding among all facts: smaller is worse.
#[must_use]
pub fn rank(kind: FindingKind) -> u8 {
    match kind {
        FindingKind::LockInvalid => 0,
        FindingKind::LockMissing => 2,
        FindingKind::PlanField => 1,
        FindingKind::Weakened => 20,
        FindingKind::SkipAdded => 22,
        FindingKind::TestRemoved => 48,
        FindingKind::SnapshotChanged => 46,
        FindingKind::DuplicateTest => 47,
        FindingKind::TestRenamed => 90,
    }
}

fn finding_line(commit: &str, finding: &Finding) -> String {
    let word = match finding.kind {
        FindingKind::LockInvalid => "lock",
        FindingKind::LockMissing => "no lock",
        FindingKind::PlanField => "plan field",
        FindingKind::Weakened => "weakened",
        FindingKind::SkipAdded => "skipped",
        FindingKind::TestRemoved => "removed",
        FindingKind::SnapshotChanged => "snapshot",
        FindingKind::DuplicateTest => "duplicate",
        FindingKind::TestRenamed => "renamed",
    };
    let place = match (&finding.path, finding.line) {
        (Some(path), 0) => format!("{path}: "),
        (Some(path), line) if finding.side == Side::Base => format!("{path}:{line} (before): "),
        (Some(path), line) => format!("{path}:{line} "),
        (None, _) => String::new(),
    };
    format!(
        "  {commit} {word:<13} {place}{}",
        first_line(&finding.message)
    )
}
