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

/// Runs the doctests of some packages and adds their cases.
///
/// # Errors
/// A reason when cargo could not be started, or a limit ended it.
pub fn run(
    packages: &[usize],
    shell: &mut Shell<'_>,
    project: &Project,
    request: &Request<'_>,
    settings: &RunnerSettings,
    lock: &[String],
    done: &mut Executed,
) -> Result<(), CouldNotRun> {
    for &index in packages {
        let Some(member) = project.packages.get(index) else {
            continue;
        };
        let mut arguments = vec!["test".to_owned(), "--doc".to_owned()];
        arguments.extend(
            settings
                .arguments
                .iter()
                .filter(|argument| {
                    !matches!(
                        argument.as_str(),
                        "--workspace" | "--all" | "--tests" | "--all-targets"
                    )
                })
                .cloned(),
        );
        arguments.extend(["-p".to_owned(), member.name.clone()]);
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
                    "the doctests of `{}` ended with {:?} after {} of {} results: {first}",
                    member.name,
                    finished.ended,
                    run.tests.len(),
                    run.announced
                ),
                format!("run `cargo test --doc -p {}` in the checkout", member.name),
            ));
        }
        done.ended = worse(done.ended, finished.ended);
        if run.announced > 0 {
            done.totals.insert(
                format!("doctests of {}", member.name),
                (passed, failed, ignored),
            );
        }
        let mut ordinals: BTreeMap<(String, String), u32> = BTreeMap::new();
        for test in &run.tests {
            let Some(path) = file_of(&test.file, project, &member.folder) else {
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

/// rustdoc names files relative to the workspace root (since 1.83) or to the package.
fn file_of(file: &str, project: &Project, folder: &Path) -> Option<RelPath> {
    let beside = folder.join(file);
    let from_root = project.workspace_root.join(file);
    if from_root.is_file() {
        project.rel_path(&from_root)
    } else {
        project.rel_path(&beside)
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
