//! Runners: one adapter per test runner, each a small room. An adapter runs a command over a tree and reports cases.

pub mod cargo_test;
pub mod go_test;
pub mod javascript;
pub mod junit;
pub mod pytest;

use crate::path_rules::PathRules;
use redgreen_core::environment::Environment;
use redgreen_core::id::{ItemId, RelPath, RunnerName};
use redgreen_core::reason::Reason;
use redgreen_core::run_report::RunReport;
use redgreen_core::test_item::TestItem;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Which adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunnerKind {
    /// pytest, also for unittest classes.
    Pytest,
    /// cargo's built-in test harness.
    CargoTest,
    /// `go test`.
    GoTest,
    /// Any command that writes a JUnit XML report.
    Junit,
    /// node's own test runner.
    NodeTest,
    /// vitest.
    Vitest,
    /// jest.
    Jest,
    /// mocha.
    Mocha,
}

impl RunnerKind {
    /// The word in `redgreen.toml`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pytest => "pytest",
            Self::CargoTest => "cargo-test",
            Self::GoTest => "go-test",
            Self::Junit => "junit",
            Self::NodeTest => "node-test",
            Self::Vitest => "vitest",
            Self::Jest => "jest",
            Self::Mocha => "mocha",
        }
    }

    /// Whether it runs JavaScript and TypeScript.
    #[must_use]
    pub fn is_javascript(self) -> bool {
        match self {
            Self::NodeTest | Self::Vitest | Self::Jest | Self::Mocha => true,
            Self::Pytest | Self::CargoTest | Self::GoTest | Self::Junit => false,
        }
    }
}

/// A runner as it is configured (`[runner]` or `[runner.NAME]`).
#[derive(Debug, Clone)]
pub struct RunnerSettings {
    /// Its name; `None` where the repository has one runner, and then test ids carry no name.
    pub name: Option<RunnerName>,
    /// Which adapter.
    pub kind: RunnerKind,
    /// The folder it runs in, relative to the top level; empty for the top level itself.
    pub root: String,
    /// A command that replaces the adapter's own start (`["uv", "run", "pytest"]`); `None` for the detected one.
    pub command: Option<Vec<String>>,
    /// Extra arguments (`["--features", "full"]`).
    pub arguments: Vec<String>,
    /// Limit for one command of it.
    pub timeout: Duration,
    /// Only for [`RunnerKind::Junit`]: globs below `root` where the command writes its reports, beside `{report}`.
    pub report: Vec<String>,
    /// Only for [`RunnerKind::Junit`]: globs of the files that `{tests}` may name; empty for every test path.
    pub files: Vec<String>,
}

impl RunnerSettings {
    /// Whether single test files can be named to its command.
    #[must_use]
    pub fn takes_targets(&self) -> bool {
        match self.kind {
            RunnerKind::Pytest
            | RunnerKind::CargoTest
            | RunnerKind::GoTest
            | RunnerKind::NodeTest
            | RunnerKind::Vitest
            | RunnerKind::Jest
            | RunnerKind::Mocha => true,
            RunnerKind::Junit => self
                .command
                .iter()
                .flatten()
                .any(|word| word == junit::TESTS),
        }
    }
}

/// The folders of redgreen's private state that a runner uses.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The user's checkout (its virtual environment and build caches are looked up there; never run in).
    pub checkout: PathBuf,
    /// Kept between runs: dependency build store and the like.
    pub cache: PathBuf,
    /// Removed after the run: reports, home, temporary files.
    pub scratch: PathBuf,
}

/// Which tests to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// The whole suite, doctests included.
    All,
    /// The tests of these files.
    Files(Vec<RelPath>),
    /// These items, all their cases.
    Items(Vec<ItemId>),
}

/// One run that is asked for.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The private tree to run in.
    pub tree: &'a Path,
    /// Which tests.
    pub selection: &'a Selection,
    /// The static items of the tree that belong to this runner: identities for tests that cannot load, and the map
    /// from the runner's names to item ids.
    pub items: &'a [TestItem],
    /// What a path is: decides whether a traceback frame or a diagnostic lies in source or in a test.
    pub rules: &'a PathRules,
    /// Private folders.
    pub workspace: &'a Workspace,
    /// The environment record of the task; plugins and tools come from it.
    pub environment: &'a Environment,
    /// Only for tests with changed expectations: the file in a folder of its own to which each changed place reports
    /// that it was evaluated (see [`SITES_VARIABLE`]).
    pub sites: Option<&'a Path>,
}

/// More files than this are not hidden one by one.
const MOST_HIDDEN: usize = 256;

impl Request<'_> {
    /// The tests as they lie in the user's checkout: a run sees the tree's, and nothing of the checkout's. What code under
    /// test reads there are the original values, whatever a control changed.
    #[must_use]
    pub fn tests_in_checkout(&self) -> Vec<PathBuf> {
        let named: std::collections::BTreeSet<&RelPath> = match self.selection {
            Selection::All => self.items.iter().map(|item| &item.id.path).collect(),
            Selection::Files(files) => files.iter().collect(),
            Selection::Items(items) => items.iter().map(|item| &item.path).collect(),
        };
        named
            .into_iter()
            .take(MOST_HIDDEN)
            .map(|path| self.workspace.checkout.join(path.as_str()))
            .filter(|path| path.is_file())
            .collect()
    }
}

/// Below the scratch folder of [`Runner::environment`]: files of the locked tree that say which toolchain is asked, where
/// those of the checkout are others.
pub const LOCKED_FILES: &str = "locked";

/// The environment variable that names [`Request::sites`] to the tests.
pub const SITES_VARIABLE: &str = "REDGREEN_EXPECTATION_SITES";

/// The environment variable that names the test, where a process runs only one.
pub const TEST_VARIABLE: &str = "REDGREEN_EXPECTATION_TEST";

/// A runner that could not even be asked; becomes `could_not_run` with this reason.
pub type CouldNotRun = Box<Reason>;

/// An adapter. One implementation per runner; see `runner/pytest.rs`, `runner/cargo_test.rs`, `runner/junit.rs`.
pub trait Runner {
    /// Its settings.
    fn settings(&self) -> &RunnerSettings;
    /// Resolves tools and digests dependencies, once per task, in the user's environment.
    ///
    /// # Errors
    /// A reason with the next step when a tool or the environment is missing.
    fn environment(&self, workspace: &Workspace) -> Result<Environment, CouldNotRun>;
    /// Runs tests over a private tree. Everything that went wrong with the run itself is in `problems` of the report.
    ///
    /// # Errors
    /// A reason when the command could not be started at all.
    fn run(&self, request: &Request<'_>) -> Result<RunReport, CouldNotRun>;
}
