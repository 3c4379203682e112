//! Doctests: `cargo test --doc`, one package at a time, because rustdoc has no list of programs to run one by one.

use super::execute::{Executed, code_at, owner, selected, worse};
use super::failures::capped;
use super::project::Project;
use super::shell::Shell;
use crate::runner::{CouldNotRun, Request, RunnerSettings};
use redgreen_core::id::{CaseId, ItemId, RelPath};
use redgreen_core::outcome::{Cause, Outcome};
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::{CaseReport, CauseDetail, Ended};
use redgreen_formats::cargo::libtest::{self, Doctest, DoctestOutcome};
use redgreen_formats::cargo::panics::{Owner, runtime_cause};
use std::collections::BTreeMap;
use std::path::Path;

/// The item of a doctest of the crate itself (`//!` in the root file).
const CRATE_ITEM: &str = "crate";

/// Runs the commands that run doctests and adds their cases.
///
/// # Errors
/// A reason when cargo could not be started, or a limit ended it.
pub fn run(
    commands: &[Vec<String>],
    shell: &mut Shell<'_>,
    project: &Project,
    request: &Request<'_>,
    settings: &RunnerSettings,
    lock: &[String],
    done: &mut Executed,
) -> Result<(), CouldNotRun> {
    for command in commands {
        let mut arguments = command.clone();
        arguments.extend_from_slice(lock);
        let finished = shell.cargo(&arguments)?;
        let run = libtest::doctests(&finished.stdout_text());
        let passed: u64 = run.results.iter().map(|result| result.passed).sum();
        let failed: u64 = run.results.iter().map(|result| result.failed).sum();
        let ignored: u64 = run.results.iter().map(|result| result.ignored).sum();
        let counted = |outcome| {
            run.tests
                .iter()
                .filter(|test| test.outcome == outcome)
                .count() as u64
        };
        let agree = passed == counted(DoctestOutcome::Passed)
            && failed == counted(DoctestOutcome::Failed)
            && ignored == counted(DoctestOutcome::Ignored)
            && run.announced == passed + failed + ignored
            && (finished.ended == Ended::Code(0)) == (failed == 0 && !run.results.is_empty());
        if !agree {
            let first = finished
                .stderr_text()
                .lines()
                .find(|line| line.starts_with("error"))
                .unwrap_or("no error was printed")
                .to_owned();
            done.problems.push(Reason::new(
                ReasonCode::ExitCodeDisagrees,
                format!(
                    "the doctests ended with {:?} after {} of {} results: {first}",
                    finished.ended,
                    run.tests.len(),
                    run.announced
                ),
                format!("run `cargo {}` in the checkout", command.join(" ")),
            ));
        }
        done.ended = worse(done.ended, finished.ended);
        if run.announced > 0 {
            let total = done.totals.entry("doctests".to_owned()).or_default();
            *total = (total.0 + passed, total.1 + failed, total.2 + ignored);
        }
        let mut ordinals: BTreeMap<(String, String), u32> = BTreeMap::new();
        for test in &run.tests {
            let Some(path) = file_of(&test.file, project) else {
                done.problems.push(Reason::new(
                    ReasonCode::RunnerUsageError,
                    format!(
                        "it cannot be told which file the doctest of `{}` is in",
                        test.file
                    ),
                    "use Rust 1.85 or newer, or one runner for each package",
                ));
                continue;
            };
            let item = if test.item.is_empty() {
                CRATE_ITEM.to_owned()
            } else {
                test.item.clone()
            };
            // Code blocks of one item are numbered in the order of their lines.
            let ordinal = ordinals
                .entry((path.to_string(), item.clone()))
                .and_modify(|ordinal| *ordinal += 1)
                .or_insert(1);
            let id = CaseId {
                item: ItemId {
                    runner: settings.name.clone(),
                    path: path.clone(),
                    item,
                },
                case: format!(" #{ordinal}"),
            };
            if selected(request.selection, &id) {
                done.cases.push(case(test, id, path, project, request));
            }
        }
    }
    done.cases.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(())
}

/// rustdoc names files relative to the workspace root; older ones relative to the package, and then the file must exist
/// in one package only.
fn file_of(file: &str, project: &Project) -> Option<RelPath> {
    let from_root = project.workspace_root.join(file);
    if from_root.is_file() {
        return project.rel_path(&from_root);
    }
    let mut beside = project
        .packages
        .iter()
        .map(|member| member.folder.join(file))
        .filter(|path| path.is_file());
    match (beside.next(), beside.next()) {
        (Some(only), None) => project.rel_path(&only),
        (Some(_), Some(_)) | (None, _) => None,
    }
}

fn case(
    test: &Doctest,
    id: CaseId,
    path: RelPath,
    project: &Project,
    request: &Request<'_>,
) -> CaseReport {
    let outcome = match test.outcome {
        DoctestOutcome::Passed => Outcome::Passed,
        DoctestOutcome::Failed => Outcome::Failed,
        DoctestOutcome::Ignored => Outcome::Skipped,
    };
    let cause = (outcome == Outcome::Failed).then(|| cause(test, &path, project, request));
    CaseReport {
        id,
        outcome,
        cause,
        file: Some(path),
        line: Some(test.line),
        message: capped(test.output.trim()),
        duration_ms: 0,
    }
}

/// rustdoc prints compile errors as text: the code and the first line decide.
fn cause(test: &Doctest, path: &RelPath, project: &Project, request: &Request<'_>) -> CauseDetail {
    let detail = |cause, detail: String| CauseDetail {
        cause,
        detail,
        symbol: None,
    };
    if test
        .output
        .contains("Test compiled successfully, but it's marked `compile_fail`")
        || test
            .output
            .contains("Test executable succeeded, but it's marked `should_panic`")
    {
        return detail(
            Cause::Assertion,
            "the example does not fail as it says".to_owned(),
        );
    }
    let errors: Vec<&str> = test
        .output
        .lines()
        .filter(|line| line.starts_with("error"))
        .filter(|line| !line.starts_with("error: aborting"))
        .collect();
    if let Some(first) = errors.first() {
        let missing = errors.iter().all(|line| {
            let code = ["E0432", "E0433", "E0425", "E0412", "E0405", "E0422"]
                .iter()
                .any(|code| line.contains(&format!("[{code}]")));
            let own = project.crates.iter().any(|name| {
                line.contains(&format!("`{name}`")) || line.contains(&format!("`{name}::"))
            });
            (code && own) || line.contains("[E0599]")
        });
        let signature = errors.iter().all(|line| line.contains("[E0061]"));
        let similar = test.output.contains("similar name");
        return if missing && !similar {
            detail(Cause::MissingSymbol, (*first).to_owned())
        } else if missing {
            detail(Cause::SimilarName, (*first).to_owned())
        } else if signature {
            detail(Cause::Signature, (*first).to_owned())
        } else {
            detail(Cause::DoesNotCompile, (*first).to_owned())
        };
    }
    let found = runtime_cause(
        &test.output,
        &|panic| {
            let in_comment = project
                .relative(Path::new(&panic.file))
                .is_some_and(|file| file == path.as_str())
                && {
                    let mut start = panic.clone();
                    start.column = 1;
                    let line = code_at(&start, project);
                    let line = line.trim_start();
                    line.starts_with("//") || line.starts_with('*') || line.is_empty()
                };
            // The program that rustdoc makes of an example has a name of its own.
            if in_comment || panic.file.contains("rustdoctest") || panic.file.contains("doctest") {
                Owner::Test
            } else {
                owner(panic, project, request)
            }
        },
        &|panic| code_at(panic, project),
    );
    detail(found.cause, found.detail)
}
