//! Running tests: one process per test, so that no test can speak for another one.

use super::build::Built;
use super::failures::capped;
use super::project::Project;
use super::shell::{self, Shell};
use super::test_environment::test_environment;
use crate::process::{Finished, Spec};
use crate::runner::{
    CouldNotRun, Request, RunnerSettings, SITES_VARIABLE, Selection, TEST_VARIABLE,
};
use redgreen_core::id::CaseId;
use redgreen_core::outcome::{Cause, Outcome};
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::{CaseReport, CauseDetail, Ended, LoadFailure, LocatedCause};
use redgreen_formats::cargo::diagnostics::Place;
use redgreen_formats::cargo::libtest;
use redgreen_formats::cargo::panics::{Owner, Panic, backtrace_frames, runtime_cause};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What came of running.
#[derive(Debug, Default)]
pub struct Executed {
    /// Every case, in a fixed order.
    pub cases: Vec<CaseReport>,
    /// Targets whose tests could not even be listed.
    pub load_failures: Vec<LoadFailure>,
    /// What keeps the run from being judged.
    pub problems: Vec<Reason>,
    /// How the worst process ended; one that ended with 0 without a result counts as 101, as libtest itself does.
    pub ended: Option<Ended>,
    /// Per target: passed, failed, ignored; recounted from the result lines of the processes.
    pub totals: BTreeMap<String, (u64, u64, u64)>,
}

/// Whether a case was asked for.
#[must_use]
pub fn selected(selection: &Selection, id: &CaseId) -> bool {
    match selection {
        Selection::All => true,
        Selection::Files(files) => files.contains(&id.item.path),
        Selection::Items(items) => items.contains(&id.item),
    }
}

struct Job {
    id: CaseId,
    target: usize,
    name: String,
    harness: bool,
    // How many tests of the same program were not asked for.
    others: u64,
    spec: Spec,
}

/// Tells a process which test it is, so that places in helpers can be told apart. In every run, controls or not: code under
/// test must not see which one it is in.
fn name_test(spec: &mut Spec, id: &CaseId) {
    spec.env.insert(TEST_VARIABLE.to_owned(), id.to_string());
}

/// Lists and runs the tests of every executable.
pub fn execute(
    shell: &mut Shell<'_>,
    project: &Project,
    built: &Built,
    request: &Request<'_>,
    settings: &RunnerSettings,
) -> Executed {
    let mut done = Executed::default();
    let mut jobs = Vec::new();
    for (&index, executable) in &built.executables {
        let target = &project.targets[index];
        let Some(member) = project.packages.get(target.package) else {
            continue;
        };
        let env = test_environment(shell, built, member);
        let spec_of = |shell: &Shell<'_>, arguments: &[&str]| {
            let mut argv = vec![executable.to_string_lossy().into_owned()];
            argv.extend(arguments.iter().map(|&argument| argument.to_owned()));
            let mut spec = shell.spec("cargo test", argv, &member.folder);
            spec.env.extend(env.clone());
            if let Some(sites) = request.sites {
                spec.env
                    .insert(SITES_VARIABLE.to_owned(), sites.display().to_string());
                spec.writable.extend(sites.parent().map(Path::to_owned));
            }
            spec.keep = 4 << 20;
            spec
        };
        if !target.harness {
            // The target as a whole is its only case, named like it.
            if let Some(id) =
                project.case_id(index, &target.name, request.items, settings.name.as_ref())
                && selected(request.selection, &id)
            {
                let mut spec = spec_of(shell, &[]);
                name_test(&mut spec, &id);
                jobs.push(Job {
                    id,
                    target: index,
                    name: target.name.clone(),
                    harness: false,
                    others: 0,
                    spec,
                });
            }
            continue;
        }
        let listed = list(shell, &spec_of, &["--list", "--format", "terse"]).and_then(|all| {
            let ignored = list(
                shell,
                &spec_of,
                &["--ignored", "--list", "--format", "terse"],
            )?;
            Ok((all, ignored))
        });
        let ((all, total), (ignored, _)) = match listed {
            Ok(lists) => lists,
            Err(why) => {
                done.load_failures.push(LoadFailure {
                    files: project
                        .item_files(index, request.items)
                        .into_iter()
                        .collect(),
                    causes: vec![LocatedCause {
                        cause: CauseDetail {
                            cause: Cause::Crash,
                            detail: format!("the tests of `{}` cannot be listed", target.name),
                            symbol: None,
                        },
                        file: None,
                        line: None,
                        message: why,
                    }],
                });
                done.ended = worse(done.ended, Ended::Code(101));
                continue;
            }
        };
        for name in all {
            let Some(id) = project.case_id(index, &name, request.items, settings.name.as_ref())
            else {
                continue;
            };
            if !selected(request.selection, &id) {
                continue;
            }
            if ignored.contains(&name) {
                done.totals
                    .entry(target_label(project, index))
                    .or_default()
                    .2 += 1;
                done.cases.push(skipped(id));
                continue;
            }
            // With one thread libtest writes the name before the test runs, and output of the test in between.
            let mut spec = spec_of(shell, &["--test-threads=2", "--exact", &name]);
            name_test(&mut spec, &id);
            jobs.push(Job {
                id,
                target: index,
                name,
                harness: true,
                others: total.saturating_sub(1),
                spec,
            });
        }
    }
    for (job, result) in run_all(jobs) {
        let finished = match result {
            Ok(finished) => finished,
            Err(reason) => {
                done.problems.push(*reason);
                continue;
            }
        };
        shell.record(&job.spec.argv, &finished);
        let case = judge(&job, &finished, project, request, &mut done);
        done.cases.push(case);
    }
    done.cases.sort_by(|a, b| a.id.cmp(&b.id));
    done
}

/// A name for the target in the pass line: its root file.
fn target_label(project: &Project, index: usize) -> String {
    let target = &project.targets[index];
    match target.kind {
        "bin" => format!("{} ({})", target.root, target.name),
        _ => target.root.clone(),
    }
}

fn skipped(id: CaseId) -> CaseReport {
    CaseReport {
        file: Some(id.item.path.clone()),
        id,
        outcome: Outcome::Skipped,
        cause: None,
        line: None,
        message: "ignored".to_owned(),
        duration_ms: 0,
    }
}

fn list(
    shell: &mut Shell<'_>,
    spec_of: &dyn Fn(&Shell<'_>, &[&str]) -> Spec,
    arguments: &[&str],
) -> Result<(Vec<String>, u64), String> {
    let spec = spec_of(shell, arguments);
    let finished = shell::start(&spec).map_err(|reason| reason.message)?;
    shell.record(&spec.argv, &finished);
    if finished.success() {
        let text = finished.stdout_text();
        Ok((libtest::listed(&text), libtest::listed_in_all(&text)))
    } else {
        Err(capped(&format!(
            "{:?}: {}{}",
            finished.ended,
            finished.stdout_text(),
            finished.stderr_text()
        )))
    }
}

/// Up to as many processes at once as there are cores; results in the order of the jobs.
fn run_all(jobs: Vec<Job>) -> Vec<(Job, Result<Finished, CouldNotRun>)> {
    let next = AtomicUsize::new(0);
    let results: Mutex<BTreeMap<usize, Result<Finished, CouldNotRun>>> =
        Mutex::new(BTreeMap::new());
    let workers = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(jobs.len());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { break };
                    let result = shell::start(&job.spec);
                    results
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .insert(index, result);
                }
            });
        }
    });
    let mut results = results
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    jobs.into_iter()
        .enumerate()
        .filter_map(|(index, job)| Some((job, results.remove(&index)?)))
        .collect()
}

/// A success that libtest did not report: the last line says so, and it is not the one of this test. Said once for all
/// tests that print the same.
fn forged(job: &Job, result: &libtest::ResultLine, done: &mut Executed) {
    let counts = result.text.split(';').next().unwrap_or(&result.text);
    let printed = format!("printed `{counts}`, exit 0");
    let known = done.problems.iter().any(|problem| {
        problem.code == ReasonCode::ReportTampered && problem.message.starts_with(&printed)
    });
    if !known {
        done.problems.push(
            Reason::new(
                ReasonCode::ReportTampered,
                format!("{printed}; `{}` never finished", job.name),
                "look for code that prints libtest's lines and ends the process by itself",
            )
            .test(&job.id),
        );
    }
}

/// Passed only with exit code 0 *and* libtest's own `1 passed` at the end.
fn judge(
    job: &Job,
    finished: &Finished,
    project: &Project,
    request: &Request<'_>,
    done: &mut Executed,
) -> CaseReport {
    let stdout = finished.stdout_text();
    let result = libtest::last_result(&stdout);
    let one_passed = libtest::ends_with_one_passed(&stdout, &job.name, job.others);
    let one_failed =
        |result: &libtest::ResultLine| !result.ok && result.passed == 0 && result.failed == 1;
    let (outcome, fixed) = match (finished.ended, &result) {
        (Ended::Code(0), _) if !job.harness => (Outcome::Passed, None),
        (Ended::Code(code), _) if !job.harness => (
            Outcome::Failed,
            Some((
                Cause::Assertion,
                format!("the test program ended with exit code {code}"),
            )),
        ),
        (Ended::Code(0), _) if one_passed => (Outcome::Passed, None),
        (Ended::Code(101), Some(result)) if one_failed(result) => (Outcome::Failed, None),
        (Ended::Code(0), Some(result)) if one_failed(result) => {
            done.problems.push(
                Reason::new(
                    ReasonCode::ExitCodeDisagrees,
                    "libtest says that the test failed, and the process ended with 0",
                    "look for code that ends the process by itself",
                )
                .test(&job.id),
            );
            (Outcome::Failed, None)
        }
        (Ended::Code(0), Some(result)) if result.ok => {
            forged(job, result, done);
            (
                Outcome::Crashed,
                Some((
                    Cause::Crash,
                    "the process ended before the test did (exit code 0)".to_owned(),
                )),
            )
        }
        (Ended::Code(code), _) => (
            Outcome::Crashed,
            Some((
                Cause::Crash,
                format!("the process ended before the test did (exit code {code})"),
            )),
        ),
        (Ended::Signal(signal), _) => (
            Outcome::Crashed,
            Some((Cause::Crash, format!("signal {signal} ended the test"))),
        ),
        (Ended::TimedOut | Ended::IdledOut, _) => (
            Outcome::TimedOut,
            Some((
                Cause::Timeout,
                "the test ran into the time limit".to_owned(),
            )),
        ),
        (Ended::OutputLimit, _) => (
            Outcome::Crashed,
            Some((
                Cause::Crash,
                "the test printed more than is allowed".to_owned(),
            )),
        ),
        (Ended::Interrupted, _) => {
            done.problems.push(
                Reason::new(ReasonCode::Stopped, "the test was stopped", "run again").test(&job.id),
            );
            (
                Outcome::NotRun,
                Some((Cause::Unknown, "it was stopped".to_owned())),
            )
        }
    };
    done.ended = worse(
        done.ended,
        match finished.ended {
            Ended::Code(0) if outcome != Outcome::Passed => Ended::Code(101),
            ended => ended,
        },
    );
    let total = done
        .totals
        .entry(target_label(project, job.target))
        .or_default();
    if outcome == Outcome::Passed {
        total.0 += 1;
    } else {
        total.1 += 1;
    }
    let duration_ms = u64::try_from(finished.duration.as_millis()).unwrap_or(u64::MAX);
    let file = Some(job.id.item.path.clone());
    if outcome == Outcome::Passed {
        return CaseReport {
            id: job.id.clone(),
            outcome,
            cause: None,
            file,
            line: None,
            message: String::new(),
            duration_ms,
        };
    }
    let text = format!("{stdout}{}", finished.stderr_text());
    // libtest prints the name with ` - should panic` only in the list of results.
    let captured = libtest::captured(&text, &job.name);
    let (cause, place) = match fixed {
        Some((cause, detail)) => ((cause, detail), None),
        None => {
            let found = runtime_cause(
                captured,
                &|panic| owner(panic, project, request),
                &|panic| code_at(panic, project),
            );
            match &found.place {
                Some(panic)
                    if found.cause == Cause::Unknown
                        && owner(panic, project, request) == Owner::Foreign =>
                {
                    (
                        foreign_panic(job, &found.detail, project, request),
                        found.place.clone(),
                    )
                }
                Some(_) | None => ((found.cause, found.detail), found.place),
            }
        }
    };
    let place_file = place
        .as_ref()
        .and_then(|panic| project.rel_path(Path::new(&panic.file)));
    CaseReport {
        id: job.id.clone(),
        outcome,
        cause: Some(CauseDetail {
            cause: cause.0,
            detail: cause.1,
            symbol: None,
        }),
        line: place
            .as_ref()
            .filter(|_| place_file.is_some())
            .map(|panic| panic.line),
        file: place_file.or(file),
        message: capped(captured.trim()),
        duration_ms,
    }
}

/// Code that is not of this project panicked: the test runs once more with a backtrace, and the innermost frame of this
/// project tells who called it. The outcome of the first run stands.
fn foreign_panic(
    job: &Job,
    detail: &str,
    project: &Project,
    request: &Request<'_>,
) -> (Cause, String) {
    let unknown = (Cause::Unknown, detail.to_owned());
    let mut spec = job.spec.clone();
    spec.env.insert("RUST_BACKTRACE".to_owned(), "1".to_owned());
    let cwd = spec.cwd.clone();
    let Ok(finished) = shell::start(&spec) else {
        return unknown;
    };
    let text = format!("{}{}", finished.stdout_text(), finished.stderr_text());
    let own = backtrace_frames(&text)
        .into_iter()
        .find_map(|(file, line)| {
            let path = match file.strip_prefix("./") {
                Some(below) => cwd.join(below),
                None => Path::new(&file).to_owned(),
            };
            let file = project.relative(&path)?;
            let place = project.place(&file, line as usize, request.rules, request.items);
            Some((file, line, place))
        });
    match own {
        Some((file, line, Place::Source)) => (
            Cause::RaisedInSource,
            format!("called from `{file}:{line}`: {detail}"),
        ),
        Some((_, _, Place::Test)) if detail.contains("assert") => {
            (Cause::Assertion, detail.to_owned())
        }
        Some((file, line, Place::Test)) => (
            Cause::RaisedInTest,
            format!("called from `{file}:{line}`: {detail}"),
        ),
        Some((_, _, Place::Elsewhere)) | None => unknown,
    }
}

/// Who owns the place of a panic.
#[must_use]
pub fn owner(panic: &Panic, project: &Project, request: &Request<'_>) -> Owner {
    let Some(file) = project.relative(Path::new(&panic.file)) else {
        return Owner::Foreign;
    };
    match project.place(&file, panic.line as usize, request.rules, request.items) {
        Place::Source => Owner::Source,
        Place::Test => Owner::Test,
        Place::Elsewhere => Owner::Foreign,
    }
}

/// The source text that starts at the place of a panic, one line of it.
#[must_use]
pub fn code_at(panic: &Panic, project: &Project) -> String {
    let Some(file) = project.relative(Path::new(&panic.file)) else {
        return String::new();
    };
    let Ok(text) = std::fs::read_to_string(project.tree.join(file)) else {
        return String::new();
    };
    text.lines()
        .nth((panic.line as usize).saturating_sub(1))
        .map(|line| {
            line.chars()
                .skip((panic.column as usize).saturating_sub(1))
                .collect()
        })
        .unwrap_or_default()
}

/// The worse of two ends: a limit before a signal before an exit code before success.
#[must_use]
pub fn worse(one: Option<Ended>, other: Ended) -> Option<Ended> {
    let weight = |ended: Ended| match ended {
        Ended::Code(0) => 0,
        Ended::Code(_) => 1,
        Ended::Signal(_) => 2,
        Ended::OutputLimit => 3,
        Ended::IdledOut => 4,
        Ended::TimedOut => 5,
        Ended::Interrupted => 6,
    };
    match one {
        Some(one) if weight(one) >= weight(other) => Some(one),
        Some(_) | None => Some(other),
    }
}
