//! Snapshots and goldens (SPEC B10): a new one needs content that somebody wrote, a changed one needs a person's yes.

use super::proposal::{Proposal, bytes_of, text_of};
use super::scope;
use crate::error::Failure;
use redgreen_core::id::{Digest, RelPath};
use redgreen_core::outcome::Outcome;
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::RunReport;
use redgreen_core::test_item::TestItem;
use redgreen_core::tree::ChangeKind;
use redgreen_host::git::Repository;
use redgreen_host::tree::Snapshot;
use std::collections::BTreeSet;

/// How tools say that there is nothing to compare with: syrupy, pytest-snapshot, pytest-regressions, inline-snapshot.
const NOTHING_THERE: &[&str] = &[
    "does not exist!",
    "doesn't exist. (run pytest with --snapshot-update",
    "File not found in data directory, created",
    "--inline-snapshot=create",
];

/// Whether a file holds expected values that a tool can write.
pub(crate) fn is_snapshot(path: &RelPath) -> bool {
    let folders = path
        .as_str()
        .rsplit_once('/')
        .map_or("", |(folders, _)| folders);
    matches!(
        path.extension(),
        Some("snap" | "ambr" | "golden" | "approved" | "expected")
    ) || path.file_name().contains(".approved.")
        || folders.split('/').any(|part| {
            matches!(
                part,
                "__snapshots__" | "snapshots" | "golden" | "goldens" | "__image_snapshots__"
            )
        })
}

/// Changed snapshots that no person has approved, each with its difference. An approval names the path with the digest
/// of the new bytes: content that changes afterwards is asked about again.
///
/// # Errors
/// A failure when a file cannot be read.
pub fn changed(
    repository: &Repository,
    base: &Snapshot,
    proposal: &Proposal,
    accepted: &BTreeSet<String>,
) -> Result<Vec<Reason>, Failure> {
    let mut reasons = Vec::new();
    for (path, kind) in &proposal.changed {
        if *kind != ChangeKind::Modified || !is_snapshot(path) {
            continue;
        }
        let (old, new) = (
            bytes_of(base, repository, path)?,
            bytes_of(&proposal.tree, repository, path)?,
        );
        let name = format!("{path}@{}", Digest::of(new.as_deref().unwrap_or_default()));
        if accepted.contains(&name) {
            continue;
        }
        let (diff, line) = scope::difference(path, old.as_deref(), new.as_deref());
        let mut reason = Reason::new(
            ReasonCode::ApprovalNeeded,
            format!("the existing snapshot `{path}` has other expected values"),
            format!("look at the difference; where it is right: redgreen approve TASK (by hand: --accept '{name}')"),
        )
        .at(path.clone())
        .line(line.unwrap_or(0))
        .test(&name);
        reason.diff = diff;
        reasons.push(reason);
    }
    Ok(reasons)
}

/// Tests that compare with a snapshot that nobody has written: without an update they can never pass.
///
/// # Errors
/// A failure when a file cannot be read.
pub fn missing(
    repository: &Repository,
    tree: &Snapshot,
    items: &[TestItem],
    run: &RunReport,
) -> Result<Vec<Reason>, Failure> {
    let mut reasons = Vec::new();
    for case in &run.cases {
        if !matches!(case.outcome, Outcome::Failed | Outcome::Errored) {
            continue;
        }
        let item = &case.id.item;
        let said = NOTHING_THERE.iter().any(|text| case.message.contains(text))
            && (case.message.contains("napshot") || case.message.contains("data directory"));
        let of_insta = match insta_name(&case.message) {
            Some(name) => {
                let ends = [format!("__{name}.snap"), format!("/{name}.snap")];
                let there = tree
                    .files()
                    .keys()
                    .any(|path| ends.iter().any(|end| path.as_str().ends_with(end)));
                let text = text_of(tree, repository, &item.path)?.unwrap_or_default();
                let inline = items.iter().filter(|known| known.id == *item).any(|known| {
                    text.lines()
                        .skip(known.line.saturating_sub(1) as usize)
                        .take((known.end_line + 1).saturating_sub(known.line) as usize)
                        .any(|line| line.contains("@\"") || line.contains("@r"))
                });
                !there && !inline
            }
            None => false,
        };
        if said || of_insta {
            reasons.push(
                Reason::new(
                    ReasonCode::SnapshotMissing,
                    format!(
                        "`{}` compares with a snapshot that nobody has written",
                        item.item
                    ),
                    "write the expected content beside the test; a judged run never writes it",
                )
                .at(item.path.clone())
                .line(case.line.unwrap_or(0))
                .test(&case.id),
            );
        }
    }
    Ok(reasons)
}

/// The name in insta's panic: `snapshot assertion for 'name' failed in line 5`.
fn insta_name(message: &str) -> Option<&str> {
    let rest = &message[message.find("snapshot assertion for '")? + 24..];
    rest.split_once("' failed").map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b10_what_a_snapshot_is() {
        for path in [
            "tests/snapshots/a__b.snap",
            "tests/__snapshots__/test_a.ambr",
            "tests/golden/out.txt",
            "tests/out.golden",
            "tests/report.approved.txt",
        ] {
            assert!(is_snapshot(&RelPath::new(path).unwrap()), "{path}");
        }
        for path in [
            "tests/test_a.py",
            "tests/data/a.json",
            "tests/test_snapshots.py",
        ] {
            assert!(!is_snapshot(&RelPath::new(path).unwrap()), "{path}");
        }
        assert_eq!(
            insta_name("snapshot assertion for 'total' failed in line 5"),
            Some("total")
        );
    }
}
