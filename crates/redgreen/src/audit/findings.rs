//! What a change shows without running it: weakened, removed, renamed and skipped tests, changed snapshots.

use super::split::Split;
use crate::error::Failure;
use crate::referee::context::{Context, Setting};
use crate::referee::proposal::{bytes_of, text_of};
use crate::referee::scope;
use crate::referee::snapshots::is_snapshot;
use redgreen_core::id::RelPath;
use redgreen_core::reason::ReasonCode;
use redgreen_core::test_item::Mark;
use redgreen_core::tree::ChangeKind;
use redgreen_formats::audit::{Finding, FindingKind, Side};
use redgreen_host::tree::Snapshot;
use redgreen_lint::quality::weakened::{WeakeningKind, weakened};
use redgreen_lint::quality::{Language, Options};

/// Everything that is seen of a change.
///
/// # Errors
/// A failure when an object cannot be read.
pub fn of_change(
    context: &Context,
    setting: &Setting,
    base: &Snapshot,
    head: &Snapshot,
    split: &Split,
) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    removed(head, split, &mut findings);
    skipped(split, &mut findings);
    snapshots(context, base, head, split, &mut findings)?;
    weaker(context, setting, base, head, split, &mut findings)?;
    for finding in &split.proposal.findings {
        if finding.code == ReasonCode::DuplicateTest {
            findings.push(Finding {
                kind: FindingKind::DuplicateTest,
                message: finding.message.clone(),
                path: finding.path.clone(),
                line: finding.line.unwrap_or(0),
                side: Side::Head,
                test: finding.test.clone(),
                before: String::new(),
                after: String::new(),
                help: finding.help.clone(),
            });
        }
    }
    findings.sort_by(|one, other| {
        (one.kind, &one.path, one.line).cmp(&(other.kind, &other.path, other.line))
    });
    Ok(findings)
}

/// Assertions that say less than before. A test that is skipped now is named once.
fn weaker(
    context: &Context,
    setting: &Setting,
    base: &Snapshot,
    head: &Snapshot,
    split: &Split,
    findings: &mut Vec<Finding>,
) -> Result<(), Failure> {
    let options = Options {
        assertions: setting
            .config
            .file
            .lint
            .assertions
            .iter()
            .cloned()
            .collect(),
        ..Options::default()
    };
    for (path, kind) in &split.proposal.changed {
        let Some(language) = Language::of(path).filter(|_| *kind == ChangeKind::Modified) else {
            continue;
        };
        let (Some(old), Some(new)) = (
            text_of(base, &context.repository, path)?,
            text_of(head, &context.repository, path)?,
        ) else {
            continue;
        };
        for one in weakened(language, &old, &new, &options).unwrap_or_default() {
            let skips = one.kind == WeakeningKind::Skipped;
            let test = format!("{path}::{}", one.test);
            let known = findings.iter().any(|known| {
                known.kind == FindingKind::SkipAdded
                    && known
                        .test
                        .as_ref()
                        .is_some_and(|known| known.ends_with(&test))
            });
            if skips && known {
                continue;
            }
            findings.push(Finding {
                kind: if skips {
                    FindingKind::SkipAdded
                } else {
                    FindingKind::Weakened
                },
                message: format!("`{}`: {}", one.test, one.message),
                path: Some(path.clone()),
                line: one.new_line,
                side: Side::Head,
                test: Some(test),
                before: one.before,
                after: one.after,
                help: "put it back, or say in the change why less is promised now".to_owned(),
            });
        }
    }
    Ok(())
}

fn removed(head: &Snapshot, split: &Split, findings: &mut Vec<Finding>) {
    for item in &split.removed {
        let whole = head.get(&item.id.path).is_none();
        findings.push(Finding {
            kind: FindingKind::TestRemoved,
            message: if whole {
                format!("`{}` is gone with its file", item.id.item)
            } else {
                format!("`{}` is gone", item.id.item)
            },
            path: Some(item.id.path.clone()),
            line: item.line,
            side: Side::Base,
            test: Some(item.id.to_string()),
            before: String::new(),
            after: String::new(),
            help: "say in the change what took its place, or put it back".to_owned(),
        });
    }
    for (old, new) in &split.renamed {
        findings.push(Finding {
            kind: FindingKind::TestRenamed,
            message: format!("`{}` is `{}` now", old.id.item, new.id.item),
            path: Some(new.id.path.clone()),
            line: new.line,
            side: Side::Head,
            test: Some(new.id.to_string()),
            before: old.id.item.clone(),
            after: new.id.item.clone(),
            help: "nothing to do: the test itself is the same".to_owned(),
        });
    }
}

/// A mark that was not there before, on a test that was.
fn skipped(split: &Split, findings: &mut Vec<Finding>) {
    for item in &split.items {
        let old = split
            .proposal
            .base_items
            .by_file
            .get(&item.id.path)
            .and_then(|items| items.iter().find(|old| old.id == item.id));
        for mark in &item.marks {
            let words = match mark {
                Mark::Skip => "is skipped now",
                Mark::Xfail => "is expected to fail now",
                Mark::Todo => "is only planned now",
                Mark::Focus => "keeps the tests beside it from running",
                Mark::AlwaysFails | Mark::Empty => continue,
            };
            let is_new = old.is_none_or(|old| !old.marks.contains(mark));
            let was_there = old.is_some() || *mark == Mark::Focus;
            if is_new && was_there {
                findings.push(Finding {
                    kind: FindingKind::SkipAdded,
                    message: format!("`{}` {words}", item.id.item),
                    path: Some(item.id.path.clone()),
                    line: item.line,
                    side: Side::Head,
                    test: Some(item.id.to_string()),
                    before: String::new(),
                    after: String::new(),
                    help: "repair the test or the code, or say in the change why it cannot run"
                        .to_owned(),
                });
            }
        }
    }
}

fn snapshots(
    context: &Context,
    base: &Snapshot,
    head: &Snapshot,
    split: &Split,
    findings: &mut Vec<Finding>,
) -> Result<(), Failure> {
    let changed: Vec<&RelPath> = split
        .proposal
        .changed
        .iter()
        .filter(|(path, kind)| *kind == ChangeKind::Modified && is_snapshot(path))
        .map(|(path, _)| path)
        .collect();
    for path in changed {
        let (old, new) = (
            bytes_of(base, &context.repository, path)?,
            bytes_of(head, &context.repository, path)?,
        );
        let (diff, line) = scope::difference(path, old.as_deref(), new.as_deref());
        findings.push(Finding {
            kind: FindingKind::SnapshotChanged,
            message: format!("the snapshot `{path}` holds other expected values"),
            path: Some(path.clone()),
            line: line.unwrap_or(0),
            side: Side::Head,
            test: None,
            before: String::new(),
            after: diff.unwrap_or_default(),
            help: "look at the difference: a snapshot that follows the code says nothing of it"
                .to_owned(),
        });
    }
    Ok(())
}
