//! `go test` (SPEC B1, B2, C2, C3, C4; `reference/test-results.md`).
//!
//! A run is: compile the tests of each package with `go test -c` in a build cache that only the compiler writes, then start
//! the test program of each package, once, as the go tool would. So a build never runs code of the project, tests never
//! write the cache, and what a program prints is read with the framework's own marks ([`redgreen_formats::go::stream`]).
//! When a panic ends a program early, the tests that it kept from running are started again without the one that panicked.
//!
//! `go vet`, which `go test` runs over a few checks, is left out (`-vet=off`): it says nothing about behaviour, differs between
//! versions of Go, and is a check of its own.

mod arguments;
mod build;
mod cases;
mod execute;
mod packages;
mod toolchain;

use crate::process::{self, Spec};
use crate::runner::pytest::{keep_output, tail};
use crate::runner::{
    CouldNotRun, Request, Runner, RunnerSettings, SITES_VARIABLE, Selection, Workspace,
};
use arguments::Arguments;
use redgreen_core::environment::Environment;
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::{CaseReport, Ended, LoadFailure, RunReport};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The adapter for `go test`.
#[derive(Debug, Clone)]
pub struct GoTest {
    settings: RunnerSettings,
}

impl GoTest {
    /// An adapter with these settings.
    #[must_use]
    pub fn new(settings: RunnerSettings) -> Self {
        Self { settings }
    }
}

/// Folders and environment of one run.
struct Shell<'a> {
    /// The private tree, real path.
    tree: PathBuf,
    /// The real go.
    go: String,
    /// Whether test programs can mark their own lines (Go 1.20).
    framed: bool,
    /// The environment of every command.
    env: BTreeMap<String, String>,
    timeout: Duration,
    request: &'a Request<'a>,
    arguments: Arguments,
    /// Everything that was printed.
    output: Vec<u8>,
    // Removed with everything in it when the run is over.
    folder: tempfile::TempDir,
}

/// What a run has established.
#[derive(Default)]
struct Done {
    cases: Vec<CaseReport>,
    load_failures: Vec<LoadFailure>,
    problems: Vec<Reason>,
    ended: Option<Ended>,
    packages: usize,
    command: Vec<String>,
}

impl Runner for GoTest {
    fn settings(&self) -> &RunnerSettings {
        &self.settings
    }

    fn environment(&self, workspace: &Workspace) -> Result<Environment, CouldNotRun> {
        toolchain::environment(&self.settings, workspace)
    }

    fn run(&self, request: &Request<'_>) -> Result<RunReport, CouldNotRun> {
        let start = crate::clock::monotonic();
        let mut shell = Shell::new(request, &self.settings)?;
        let mut done = Done::default();
        if let Err(problem) = self.judge(&mut shell, &mut done) {
            done.problems.push(*problem);
        }
        // A selected test that its file's constraints exclude is missed by whoever asked for it, and a file with benchmarks
        // alone has none to run.
        let asked = !matches!(request.selection, Selection::All);
        let nothing = done.cases.is_empty() && done.load_failures.is_empty();
        if nothing && done.problems.is_empty() && !asked {
            done.problems.push(Reason::new(
                ReasonCode::ZeroTests,
                "no test ran: no package contains a selected test",
                "check the names of files (`_test.go`) and functions (`TestX`), and build constraints",
            ));
        }
        done.cases.sort_by(|a, b| a.id.cmp(&b.id));
        let failing = done
            .cases
            .iter()
            .filter(|case| case.outcome.is_failure())
            .count();
        let text = String::from_utf8_lossy(&shell.output).into_owned();
        Ok(RunReport {
            command: done.command,
            ended: done
                .ended
                .unwrap_or(Ended::Code(i32::from(!asked || !done.problems.is_empty()))),
            pass_line: Some(format!(
                "{} ({} packages, {} cases, {failing} failing)",
                if failing == 0 && done.load_failures.is_empty() {
                    "PASS"
                } else {
                    "FAIL"
                },
                done.packages,
                done.cases.len(),
            )),
            cases: done.cases,
            load_failures: done.load_failures,
            problems: done.problems,
            tail: tail(&shell.shown(&text)),
            output: keep_output(text.as_bytes(), request.workspace)?,
            duration_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    }
}

impl GoTest {
    fn judge(&self, shell: &mut Shell<'_>, done: &mut Done) -> Result<(), CouldNotRun> {
        let packages = packages::of_selection(shell, &self.settings)?;
        done.packages = packages.len();
        done.command = command(shell, &packages);
        let built = build::build(shell, packages, done);
        execute::execute(shell, built, &self.settings, done);
        Ok(())
    }
}

/// The commands as evidence shows them.
fn command(shell: &Shell<'_>, packages: &[packages::Package]) -> Vec<String> {
    let mut words: Vec<String> = ["go", "test", "-c", "-vet=off"].map(str::to_owned).to_vec();
    words.extend(shell.arguments.build.iter().cloned());
    words.extend(
        packages
            .iter()
            .take(20)
            .map(|package| package.pattern.clone()),
    );
    words.extend(["&&", "PACKAGE.test", "-test.run", "NAMES", "-test.count=1"].map(str::to_owned));
    words.extend(shell.arguments.test.iter().cloned());
    words
}

impl<'a> Shell<'a> {
    fn new(request: &'a Request<'a>, settings: &RunnerSettings) -> Result<Self, CouldNotRun> {
        let fault = |error: std::io::Error| {
            Box::new(Reason::new(
                ReasonCode::EnvironmentFault,
                format!("a private folder cannot be made: {error}"),
                "free disk space, or check the permissions of redgreen's state folder",
            ))
        };
        let tool = request.environment.tools.get("go").ok_or_else(|| {
            Box::new(Reason::new(
                ReasonCode::CommandNotFound,
                "the environment record has no `go`",
                "build the environment record again",
            ))
        })?;
        std::fs::create_dir_all(&request.workspace.scratch).map_err(fault)?;
        let folder = tempfile::Builder::new()
            .prefix("go-")
            .tempdir_in(&request.workspace.scratch)
            .map_err(fault)?;
        let base = folder.path().canonicalize().map_err(fault)?;
        let mut env = request.environment.variables.clone();
        for (name, sub) in [
            ("HOME", "home"),
            ("TMPDIR", "tmp"),
            ("GOPATH", "gopath"),
            // Tests that call the go tool fill one of their own.
            ("GOCACHE", "cache"),
        ] {
            let path = base.join(sub);
            std::fs::create_dir_all(&path).map_err(fault)?;
            env.insert(name.to_owned(), path.to_string_lossy().into_owned());
        }
        std::fs::create_dir_all(base.join("programs")).map_err(fault)?;
        Ok(Self {
            tree: request.tree.canonicalize().map_err(fault)?,
            go: tool.path.clone(),
            framed: toolchain::minor(&tool.version).is_none_or(|minor| minor >= 20),
            env,
            timeout: settings.timeout,
            request,
            arguments: Arguments::read(&settings.arguments)?,
            output: Vec::new(),
            folder,
        })
    }

    /// A command with this run's environment and limits.
    fn spec(&self, label: &str, argv: Vec<String>, cwd: &Path) -> Spec {
        let mut spec = Spec::new(label, argv, cwd);
        spec.env = self.env.clone();
        spec.timeout = self.timeout;
        spec.network = process::Network::of_record(&self.request.environment.network);
        spec.hidden = self.request.tests_in_checkout();
        spec.keep = 64 << 20;
        for name in ["GOROOT", "GOMODCACHE"] {
            if let Some(path) = self.env.get(name) {
                spec.readable.push(PathBuf::from(path));
            }
        }
        spec
    }

    /// What compiles: it writes the build cache and its own folder, never the tree.
    fn compiler(&self, arguments: Vec<String>, cwd: &Path, workspace_file: &str) -> Spec {
        let mut argv = vec![self.go.clone()];
        argv.extend(arguments);
        let mut spec = self.spec("go test -c", argv, cwd);
        let cache = self.build_cache();
        let _ = std::fs::create_dir_all(&cache);
        spec.env
            .insert("GOCACHE".to_owned(), cache.display().to_string());
        spec.env
            .insert("GOWORK".to_owned(), workspace_file.to_owned());
        spec.writable = vec![cache, self.folder.path().to_owned()];
        spec.readable.push(self.tree.clone());
        spec
    }

    /// What runs tests: it writes the tree and its own folder, never the build cache.
    fn program(&self, argv: Vec<String>, cwd: &Path) -> Spec {
        let mut spec = self.spec("go test", argv, cwd);
        spec.writable = vec![self.tree.clone(), self.folder.path().to_owned()];
        spec.timeout = self.timeout + Duration::from_secs(15);
        if let Some(sites) = self.request.sites {
            spec.env
                .insert(SITES_VARIABLE.to_owned(), sites.display().to_string());
            spec.writable.extend(sites.parent().map(Path::to_owned));
        }
        spec
    }

    /// Kept between runs. The compiler names what it stores by what went into it.
    fn build_cache(&self) -> PathBuf {
        self.request.workspace.cache.join("go-build")
    }

    /// A text for evidence, without private paths and framework marks.
    fn shown(&self, text: &str) -> String {
        text.replace(self.folder.path().to_string_lossy().as_ref(), "{run}")
            .replace(self.tree.to_string_lossy().as_ref(), "{tree}")
            .replace(redgreen_formats::go::stream::FRAME, "")
    }

    fn record(&mut self, argv: &[String], printed: &[u8], ended: Ended) {
        self.output
            .extend_from_slice(format!("$ {}\n", argv.join(" ")).as_bytes());
        self.output.extend_from_slice(printed);
        self.output
            .extend_from_slice(format!("\n[{ended:?}]\n").as_bytes());
    }
}

/// Up to as many at once as there are cores, results in the order of the jobs.
fn at_once<J: Sync, R: Send>(jobs: &[J], work: impl Fn(&J) -> R + Sync) -> Vec<R> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let results = std::sync::Mutex::new(BTreeMap::new());
    let workers = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(jobs.len());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(job) = jobs.get(at) else { break };
                    let result = work(job);
                    results
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .insert(at, result);
                }
            });
        }
    });
    results
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .into_values()
        .collect()
}
