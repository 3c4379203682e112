//! The report as Markdown, also for a job summary that must stay below a size.

use super::document::{AuditReport, ChangeReport, Finding};
use redgreen_core::audit::{AuditStatus, ChangeVerdict};
use std::fmt::Write as _;

/// GitHub drops a job summary over one mebibyte; the rest is left to the page.
pub const SUMMARY_LIMIT: usize = 900 * 1024;

/// The whole report, or as many changes of it as fit into `limit` bytes, the worst first; what is left out is counted.
#[must_use]
pub fn markdown(report: &AuditReport, limit: usize) -> String {
    let mut out = format!("# Audit of {}\n\n", plain(&report.range.asked));
    out.push_str("Would these tests fail without the code they came with?\n\n");
    out.push_str("| tests | | |\n|---:|---|---|\n");
    for (status, count) in &report.totals.tests {
        _ = writeln!(
            out,
            "| {count} | {} | {} |",
            words(status.as_str()),
            status.meaning()
        );
    }
    for (verdict, count) in &report.totals.changes {
        _ = writeln!(
            out,
            "| {count} changes | {} | {} |",
            words(verdict.as_str()),
            verdict.meaning()
        );
    }
    for (kind, count) in &report.totals.findings {
        _ = writeln!(
            out,
            "| {count} | {} | {} |",
            words(kind.as_str()),
            kind.meaning()
        );
    }
    _ = writeln!(
        out,
        "\nFails on: {}{}. Exit code {}.\n",
        report.policy.fail_on.join(", "),
        report
            .policy
            .origin
            .as_ref()
            .map_or_else(|| " (default)".to_owned(), |origin| format!(" ({origin})")),
        report.exit
    );
    for finding in &report.findings {
        finding_line(&mut out, finding);
    }
    let mut changes: Vec<&ChangeReport> = report
        .changes
        .iter()
        .filter(|change| change.verdict != ChangeVerdict::NoCode || !change.findings.is_empty())
        .collect();
    changes.sort_by_key(|change| worst(change));
    let mut left = 0usize;
    for change in changes {
        let part = change_part(change);
        if left > 0 || out.len() + part.len() > limit.saturating_sub(200) {
            left += 1;
        } else {
            out.push_str(&part);
        }
    }
    if left > 0 {
        _ = writeln!(
            out,
            "\n{left} more changes are in `report.html` and `audit.json`."
        );
    }
    out
}

/// The place of a change among the others: smaller is worse.
fn worst(change: &ChangeReport) -> u8 {
    let found = change.findings.iter().map(|finding| match finding.kind {
        super::FindingKind::LockInvalid
        | super::FindingKind::LockMissing
        | super::FindingKind::PlanField => 0,
        super::FindingKind::Weakened | super::FindingKind::SkipAdded => 2,
        super::FindingKind::TestRemoved
        | super::FindingKind::SnapshotChanged
        | super::FindingKind::DuplicateTest => 5,
        super::FindingKind::TestRenamed => 8,
    });
    let own = match change.verdict {
        ChangeVerdict::FailsWithIt => 1,
        ChangeVerdict::DoesNotBite => 3,
        ChangeVerdict::Flaky => 4,
        ChangeVerdict::CouldNotRun => 6,
        ChangeVerdict::NoTest => 7,
        ChangeVerdict::Bites | ChangeVerdict::TestsOnly | ChangeVerdict::NoCode => 9,
    };
    found.min().unwrap_or(9).min(own)
}

fn change_part(change: &ChangeReport) -> String {
    let mut out = String::from("\n## ");
    if let Some(commit) = change.commits.last() {
        _ = write!(
            out,
            "{} {}",
            commit.id.chars().take(10).collect::<String>(),
            plain(&commit.subject)
        );
    }
    _ = writeln!(
        out,
        "\n\n**{}**: {}\n",
        words(change.verdict.as_str()),
        plain(&change.claim)
    );
    if let Some(reason) = &change.reason {
        _ = writeln!(out, "- fix: {}", plain(&reason.help));
    }
    for finding in &change.findings {
        finding_line(&mut out, finding);
    }
    for test in &change.tests {
        let why = match test.status {
            AuditStatus::DoesNotBite => "passes without the change".to_owned(),
            AuditStatus::Bites
            | AuditStatus::FailsWithIt
            | AuditStatus::Flaky
            | AuditStatus::Skipped
            | AuditStatus::TestsOnly
            | AuditStatus::CouldNotRun => plain(test.detail.lines().next().unwrap_or("")),
        };
        _ = writeln!(
            out,
            "- {}: `{}` line {}{}{}",
            words(test.status.as_str()),
            code(&test.test),
            test.line,
            if why.is_empty() { "" } else { ": " },
            why
        );
        if !test.help.is_empty() {
            _ = writeln!(out, "  - fix: {}", plain(&test.help));
        }
    }
    out
}

fn finding_line(out: &mut String, finding: &Finding) {
    let place = finding.path.as_ref().map_or_else(String::new, |path| {
        format!(" `{}:{}`", code(path.as_str()), finding.line)
    });
    _ = writeln!(
        out,
        "- {}:{place} {}",
        words(finding.kind.as_str()),
        plain(&finding.message)
    );
    if finding.before.is_empty() && finding.after.is_empty() {
        return;
    }
    let lines = |mark: char, text: &str| -> String {
        text.lines()
            .take(12)
            .map(|line| format!("  {mark} {}\n", line.replace("```", "` ` `")))
            .collect()
    };
    _ = write!(
        out,
        "\n  ```diff\n{}{}  ```\n",
        lines('-', &finding.before),
        lines('+', &finding.after)
    );
}

fn words(text: &str) -> String {
    text.replace('_', " ")
}

/// Text of a repository in a line of Markdown: no markup of its own, no mention of anybody.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '[' | ']' | '*' | '|' | '#' => {
                out.push('\\');
                out.push(c);
            }
            '@' => out.push_str("@\u{200b}"),
            '\n' | '\r' => out.push(' '),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

fn code(text: &str) -> String {
    text.replace(['`', '\n'], "'")
}
