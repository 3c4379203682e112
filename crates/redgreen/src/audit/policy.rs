//! What decides about the exit code (`[audit]` of redgreen.toml): read from the commit before the first change, so that
//! a pull request cannot loosen what it is judged by (SPEC C9).

use crate::config::Config;
use crate::config::file::Audit;
use crate::error::Failure;
use crate::referee::context::{Context, git_failure};
use crate::referee::proposal::text_of;
use redgreen_core::audit::ChangeVerdict;
use redgreen_core::exit::ExitCode;
use redgreen_core::id::RelPath;
use redgreen_formats::audit::{AuditReport, FindingKind, Policy};
use redgreen_host::tree::Snapshot;
use std::collections::BTreeSet;

/// What fails an audit where nothing is configured: a test that fails with the change is wrong in any project.
const DEFAULT: &[&str] = &["fails_with_it"];

/// What `fail_on` may name: verdicts of changes and kinds of findings.
#[must_use]
pub fn words() -> Vec<&'static str> {
    let verdicts = [
        ChangeVerdict::DoesNotBite,
        ChangeVerdict::FailsWithIt,
        ChangeVerdict::Flaky,
        ChangeVerdict::CouldNotRun,
        ChangeVerdict::NoTest,
    ];
    verdicts
        .iter()
        .map(|verdict| verdict.as_str())
        .chain(FindingKind::ALL.iter().map(|kind| kind.as_str()))
        .collect()
}

/// The policy of a commit, with what the command line adds.
///
/// # Errors
/// A failure when the configuration there cannot be read, or names something unknown.
pub fn read(context: &Context, base: &str, more: &[String]) -> Result<Policy, Failure> {
    let tree = Snapshot::of_listing(context.repository.listing(base).map_err(git_failure)?);
    let mut section = Audit::default();
    let mut origin = None;
    for place in crate::config::PLACES {
        let Ok(path) = RelPath::new(place) else {
            continue;
        };
        if let Some(text) = text_of(&tree, &context.repository, &path)? {
            section = Config::parse_file(place, &text)?.audit;
            origin = Some(format!("{place} of {}", super::range::short(base)));
            break;
        }
    }
    let require_lock = section.require_lock.unwrap_or_else(|| "plan".to_owned());
    if !["never", "plan", "always"].contains(&require_lock.as_str()) {
        return Err(Failure::usage(
            format!("`{require_lock}` is no value of `[audit] require_lock`"),
            "write \"never\", \"plan\" or \"always\"",
        ));
    }
    let configured = section
        .fail_on
        .unwrap_or_else(|| DEFAULT.iter().map(|&word| word.to_owned()).collect());
    let known: BTreeSet<&str> = words().into_iter().collect();
    let mut fail_on: Vec<String> = Vec::new();
    for word in configured.iter().chain(more) {
        if !known.contains(word.as_str()) {
            let all: Vec<&str> = words();
            return Err(Failure::usage(
                format!("`{word}` is nothing that an audit can fail on"),
                format!("there are: {}", all.join(", ")),
            ));
        }
        if !fail_on.contains(word) {
            fail_on.push(word.clone());
        }
    }
    Ok(Policy {
        require_lock,
        fail_on,
        origin,
    })
}

/// How the audit ends by its policy. What could not be established is never a pass.
#[must_use]
pub fn exit(report: &AuditReport) -> ExitCode {
    let findings = || {
        report
            .changes
            .iter()
            .flat_map(|change| &change.findings)
            .chain(&report.findings)
    };
    let locks = |kind: FindingKind| match kind {
        FindingKind::LockInvalid | FindingKind::PlanField => true,
        FindingKind::LockMissing => true,
        FindingKind::Weakened
        | FindingKind::SkipAdded
        | FindingKind::TestRemoved
        | FindingKind::SnapshotChanged
        | FindingKind::DuplicateTest
        | FindingKind::TestRenamed => false,
    };
    if report.range.unfinished {
        return ExitCode::Limit;
    }
    if report.policy.require_lock != "never" && findings().any(|finding| locks(finding.kind)) {
        return ExitCode::Rejected;
    }
    let fails = |word: &str| report.policy.fail_on.iter().any(|known| known == word);
    let failed = report
        .changes
        .iter()
        .any(|change| fails(change.verdict.as_str()))
        || findings().any(|finding| fails(finding.kind.as_str()));
    if failed {
        return ExitCode::GateFailed;
    }
    let any = |verdict| {
        report
            .changes
            .iter()
            .any(|change| change.verdict == verdict)
    };
    if any(ChangeVerdict::CouldNotRun) {
        ExitCode::CouldNotRun
    } else if any(ChangeVerdict::Flaky) {
        ExitCode::NotDecided
    } else {
        ExitCode::Pass
    }
}
