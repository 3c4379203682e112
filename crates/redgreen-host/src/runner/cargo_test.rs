//! cargo's built-in test harness (SPEC B1, B2, C2, C3, C4; `reference/test-results.md`).
//!
//! A run is: build the test programs in a private folder with machine-readable messages, prove from these messages and
//! from rustc's file lists that first-party code came from the tree and was compiled now, then run **one process per
//! test** and believe a pass only with exit code 0 and libtest's own `1 passed` as the last line.

mod build;
mod doctests;
mod execute;
mod failures;
mod home;
mod manifest;
mod project;
mod shell;
mod store;
mod test_environment;
mod toolchain;

use crate::runner::{CouldNotRun, Request, Runner, RunnerSettings, Workspace};
use execute::Executed;
pub(super) use execute::worse;
use redgreen_core::environment::Environment;
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::{Ended, RunReport};
use shell::Shell;

/// How many of the last lines are kept for people.
const TAIL_LINES: usize = 20;

/// The adapter for `cargo test`.
#[derive(Debug, Clone)]
pub struct CargoTest {
    settings: RunnerSettings,
}

impl CargoTest {
    /// An adapter with these settings.
    #[must_use]
    pub fn new(settings: RunnerSettings) -> Self {
        Self { settings }
    }
}

impl Runner for CargoTest {
    fn settings(&self) -> &RunnerSettings {
        &self.settings
    }

    fn environment(&self, workspace: &Workspace) -> Result<Environment, CouldNotRun> {
        toolchain::environment(&self.settings, workspace)
    }

    fn run(&self, request: &Request<'_>) -> Result<RunReport, CouldNotRun> {
        let start = crate::clock::monotonic();
        let mut shell = Shell::new(request, &self.settings)?;
        let mut parts = Parts::default();
        if let Err(problem) = self.judge(request, &mut shell, &mut parts) {
            // What could not be started at all is the caller's error; everything else is a problem of this run.
            if problem.code == ReasonCode::CommandNotFound {
                return Err(problem);
            }
            parts.done.problems.push(*problem);
        }
        Ok(parts.report(&shell, start.elapsed()))
    }
}

/// What a run has established so far.
#[derive(Default)]
struct Parts {
    command: Vec<String>,
    build_ended: Option<Ended>,
    done: Executed,
}

impl CargoTest {
    fn judge(
        &self,
        request: &Request<'_>,
        shell: &mut Shell<'_>,
        parts: &mut Parts,
    ) -> Result<(), CouldNotRun> {
        let metadata = project::metadata(shell)?;
        let project = project::Project::read(&shell.tree, &shell.root, &metadata)?;
        let lock = build::lock_flags(shell, &project.workspace_root)?;
        home::prepare(shell, &project.workspace_root, request)?;
        let plan = build::plan(&project, request, &self.settings);
        parts.command = command(&plan, &lock, shell);
        store::fill(shell, &project, &plan, &lock, request, &self.settings)?;
        let built = build::build(shell, &project, &plan, &lock, request)?;
        parts.build_ended = Some(built.ended);
        let failures = failures::load_failures(&built, &plan, &project, request, shell);
        parts.done = execute::execute(shell, &project, &built, request, &self.settings);
        parts.done.load_failures.splice(0..0, failures);
        parts.done.problems.splice(0..0, built.problems);
        doctests::run(
            &build::doctest_commands(&project, &plan, &self.settings),
            shell,
            &project,
            request,
            &self.settings,
            &lock,
            &mut parts.done,
        )?;
        if parts.done.cases.is_empty() && parts.done.load_failures.is_empty() {
            parts.done.problems.push(Reason::new(
                ReasonCode::ZeroTests,
                "no test ran: nothing that was built contains a selected test",
                "check that the file is reached by a `mod` line, and its `cfg` attributes",
            ));
        }
        Ok(())
    }
}

/// The commands as evidence shows them.
fn command(plan: &build::Plan, lock: &[String], shell: &Shell<'_>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for arguments in &plan.commands {
        if !out.is_empty() {
            out.push("&&".to_owned());
        }
        out.push("cargo".to_owned());
        out.extend(
            arguments
                .iter()
                .chain(lock)
                .map(|argument| shell.shown(argument)),
        );
    }
    out.extend(["&&", "{target}/debug/deps/TEST", "--exact", "NAME"].map(str::to_owned));
    out
}

impl Parts {
    fn report(self, shell: &Shell<'_>, elapsed: std::time::Duration) -> RunReport {
        let mut ended = self.build_ended.unwrap_or(Ended::Code(101));
        if let Some(tests) = self.done.ended {
            ended = worse(Some(ended), tests).unwrap_or(ended);
        }
        let pass_line = (!self.done.totals.is_empty()).then(|| {
            let lines: Vec<String> = self
                .done
                .totals
                .iter()
                .map(|(target, (passed, failed, ignored))| {
                    let word = if *failed == 0 { "ok" } else { "FAILED" };
                    format!(
                        "{target}: test result: {word}. {passed} passed; {failed} failed; {ignored} ignored"
                    )
                })
                .collect();
            format!("{} (one process per test)", lines.join(" | "))
        });
        RunReport {
            command: self.command,
            ended,
            cases: self.done.cases,
            load_failures: self.done.load_failures,
            problems: self.done.problems,
            pass_line,
            tail: shell.tail(TAIL_LINES),
            output: shell.keep_output(),
            duration_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        }
    }
}
