//! A project in two versions: what the user's checkout holds and what the private tree holds.
//!
//! Needs `python3` with `venv` and `pip`, and a package index for the first run; the packages are pinned in
//! `requirements*.txt` and kept in a virtual environment below `target/`. A missing need fails the test.

use redgreen_core::environment::Environment;
use redgreen_core::id::Digest;
use redgreen_core::id::{ItemId, RelPath};
use redgreen_core::outcome::{Cause, Outcome};
use redgreen_core::reason::ReasonCode;
use redgreen_core::run_report::{CaseReport, RunReport};
use redgreen_core::test_item::TestItem;
use redgreen_host::path_rules::PathRules;
use redgreen_host::runner::pytest::{LAUNCHER, Pytest};
use redgreen_host::runner::{
    CouldNotRun, Request, Runner, RunnerKind, RunnerSettings, Selection, Workspace,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed (these tests need python3 with venv and pip, and a package index):\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A virtual environment with the packages of a requirements file, made once.
fn environment_of(name: &str, requirements: &str) -> PathBuf {
    let digest = Digest::of(requirements.as_bytes()).short();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{digest}"));
    let ready = target.join("ready");
    if !ready.is_file() {
        _ = fs::remove_dir_all(&target);
        fs::create_dir_all(&target).unwrap();
        run(Command::new("python3")
            .args(["-m", "venv", "--without-pip"])
            .arg(target.join("v")));
        let list = target.join("requirements.txt");
        fs::write(&list, requirements).unwrap();
        run(Command::new("python3")
            .args(["-m", "pip", "-q", "--disable-pip-version-check", "--python"])
            .arg(target.join("v/bin/python"))
            .args(["install", "-r"])
            .arg(&list));
        fs::write(ready, "").unwrap();
    }
    target.join("v")
}

/// pytest and its plugins.
pub fn base_environment() -> &'static Path {
    static BASE: OnceLock<PathBuf> = OnceLock::new();
    BASE.get_or_init(|| environment_of("pytest", include_str!("requirements.txt")))
}

/// Build backends, pip and uv: what installs the fixture projects.
pub fn build_tools() -> &'static Path {
    static TOOLS: OnceLock<PathBuf> = OnceLock::new();
    TOOLS.get_or_init(|| environment_of("build", include_str!("requirements-build.txt")))
}

fn site_packages(environment: &Path) -> PathBuf {
    let lib = fs::read_dir(environment.join("lib"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    lib.path().join("site-packages")
}

/// The fixture.
pub struct Project {
    _folder: tempfile::TempDir,
    pub workspace: Workspace,
    pub tree: PathBuf,
    pub settings: RunnerSettings,
    pub variables: BTreeMap<String, String>,
    pub test_globs: Vec<String>,
    items: Vec<ItemId>,
    shared: bool,
}

/// Writes files; a name that ends in `/` is an empty folder.
pub fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, content) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

pub fn path(text: &str) -> RelPath {
    RelPath::new(text).unwrap()
}

pub fn item(text: &str) -> ItemId {
    ItemId::try_from(text.to_owned()).unwrap()
}

impl Project {
    /// A project without a virtual environment: `python3` of `PATH` is all there is.
    pub fn bare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(&path).unwrap();
            path
        };
        let variables = ["PATH", "HOME"]
            .iter()
            .map(|name| ((*name).to_owned(), std::env::var(name).unwrap()))
            .collect();
        Self {
            workspace: Workspace {
                checkout: at("checkout"),
                cache: at("cache"),
                scratch: at("scratch"),
            },
            tree: at("tree"),
            settings: RunnerSettings {
                name: None,
                kind: RunnerKind::Pytest,
                root: String::new(),
                command: None,
                arguments: Vec::new(),
                timeout: Duration::from_secs(120),
                report: Vec::new(),
                files: Vec::new(),
            },
            variables,
            test_globs: ["tests/**", "test_*.py"].map(str::to_owned).to_vec(),
            items: Vec::new(),
            shared: false,
            _folder: folder,
        }
    }
    /// A project whose `.venv` is the shared environment; nothing may be installed into it.
    pub fn new() -> Self {
        let mut project = Self::bare();
        project.shared = true;
        // The compiled files of the shared environment are shared too.
        project.workspace.cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pytest-cache");
        symlink(base_environment(), project.workspace.checkout.join(".venv")).unwrap();
        project
    }
    /// A project with an environment of its own, into which it can be installed.
    pub fn with_own_environment() -> Self {
        let project = Self::bare();
        let from = base_environment();
        run(Command::new("cp").arg("-a").arg(from).arg(project.venv()));
        project
    }
    pub fn venv(&self) -> PathBuf {
        self.workspace.checkout.join(".venv")
    }
    /// Installs the checkout into its own environment with pip, as a user does.
    pub fn install(&self, options: &[&str]) {
        run(Command::new(self.venv().join("bin/python"))
            .args(["-m", "pip", "-q", "--disable-pip-version-check", "install"])
            .args(["--no-build-isolation", "--no-deps", "--no-index"])
            .args(options)
            .arg(&self.workspace.checkout)
            .env("PYTHONPATH", site_packages(build_tools()))
            .current_dir(self.workspace.scratch.as_path()));
        _ = fs::remove_dir_all(self.workspace.checkout.join("build"));
    }
    /// Puts a package of the build tools into the project's environment.
    pub fn copy_build_tool(&self, package: &str) {
        run(Command::new("cp")
            .arg("-a")
            .arg(site_packages(build_tools()).join(package))
            .arg(site_packages(&self.venv())));
    }
    /// Takes a package out of the environment and makes it source of the checkout and the tree.
    pub fn move_package_into_the_project(&self, package: &str, folder: &str) {
        let from = site_packages(&self.venv());
        for place in [&self.workspace.checkout, &self.tree] {
            let target = place.join(folder);
            fs::create_dir_all(&target).unwrap();
            run(Command::new("cp")
                .arg("-a")
                .arg(from.join(package))
                .arg(target));
        }
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            if entry.file_name().to_string_lossy().starts_with(package) {
                fs::remove_dir_all(entry.path()).unwrap();
            }
        }
    }
    /// Adds a file to the environment, as another distribution would.
    pub fn site_file(&self, name: &str, content: &str) {
        write(&site_packages(&self.venv()), &[(name, content)]);
    }
    /// Replaces the environment by one that uv makes, with the checkout installed by uv.
    pub fn uv_environment(&self) {
        fs::remove_dir_all(self.venv()).unwrap();
        let uv = build_tools().join("bin/uv");
        run(Command::new(&uv)
            .args(["venv", "-q", "--python"])
            .arg(base_environment().join("bin/python"))
            .arg(self.venv()));
        run(Command::new("cp")
            .arg("-a")
            .arg(format!("{}/.", site_packages(base_environment()).display()))
            .arg(site_packages(&self.venv())));
        run(Command::new(&uv)
            .args([
                "pip",
                "install",
                "-q",
                "--offline",
                "--no-build-isolation",
                "--no-deps",
                "--python",
            ])
            .arg(self.venv().join("bin/python"))
            .arg("-e")
            .arg(&self.workspace.checkout)
            .env("PYTHONPATH", site_packages(build_tools())));
    }
    /// Files of the checkout and the tree.
    pub fn both(&self, files: &[(&str, &str)]) {
        self.checkout(files);
        self.tree(files);
    }
    /// Files of the checkout only.
    pub fn checkout(&self, files: &[(&str, &str)]) {
        write(&self.workspace.checkout, files);
    }
    /// Files of the tree only.
    pub fn tree(&self, files: &[(&str, &str)]) {
        write(&self.tree, files);
    }
    /// Static items, which another room of the program would read from the files.
    pub fn items(&mut self, ids: &[&str]) {
        self.items = ids
            .iter()
            .map(|id| ItemId::try_from((*id).to_owned()).unwrap())
            .collect();
    }
    pub fn runner(&self) -> Pytest {
        Pytest::with_variables(self.settings.clone(), self.variables.clone())
    }
    pub fn environment(&self) -> Result<Environment, CouldNotRun> {
        self.runner().environment(&self.workspace)
    }
    pub fn try_run(&self, selection: &Selection) -> Result<RunReport, CouldNotRun> {
        self.run_in(selection, &self.recorded()?)
    }
    /// The record; that of the shared environment is made once, and the path of the link in the checkout put in.
    fn recorded(&self) -> Result<Environment, CouldNotRun> {
        static SHARED: OnceLock<Environment> = OnceLock::new();
        if !self.shared || self.settings.command.is_some() {
            return self.environment();
        }
        let mut environment = match SHARED.get() {
            Some(environment) => environment.clone(),
            None => SHARED.get_or_init(|| self.environment().unwrap()).clone(),
        };
        let launcher = environment.tools.get_mut(LAUNCHER).unwrap();
        launcher.path = self.venv().join("bin/python").display().to_string();
        Ok(environment)
    }
    pub fn run_in(
        &self,
        selection: &Selection,
        environment: &Environment,
    ) -> Result<RunReport, CouldNotRun> {
        let rules = PathRules::new(
            &self.test_globs,
            &["src/**".to_owned(), "*.py".to_owned()],
            &[],
        )
        .unwrap();
        let items: Vec<TestItem> = self
            .items
            .iter()
            .map(|id| TestItem {
                id: id.clone(),
                line: 1,
                end_line: 1,
                text: Digest::of(b""),
                marks: BTreeSet::new(),
            })
            .collect();
        self.runner().run(&Request {
            tree: &self.tree,
            selection,
            items: &items,
            rules: &rules,
            workspace: &self.workspace,
            environment,
            sites: None,
        })
    }
    /// Runs the whole suite.
    pub fn run(&self) -> RunReport {
        self.try_run(&Selection::All)
            .unwrap_or_else(|reason| panic!("{reason:?}"))
    }
}

/// The case with this id, written in full.
pub fn case<'a>(report: &'a RunReport, id: &str) -> &'a CaseReport {
    report
        .cases
        .iter()
        .find(|case| case.id.to_string() == id)
        .unwrap_or_else(|| panic!("no case `{id}` in {report:#?}"))
}

pub fn outcome(report: &RunReport, id: &str) -> Outcome {
    case(report, id).outcome
}

pub fn cause(report: &RunReport, id: &str) -> Cause {
    case(report, id)
        .cause
        .as_ref()
        .unwrap_or_else(|| panic!("no cause: {report:#?}"))
        .cause
}

pub fn detail<'a>(report: &'a RunReport, id: &str) -> &'a str {
    &case(report, id).cause.as_ref().unwrap().detail
}

/// The codes of the problems, in order.
pub fn codes(report: &RunReport) -> Vec<ReasonCode> {
    report.problems.iter().map(|reason| reason.code).collect()
}

/// The run can be judged.
#[track_caller]
pub fn sound(report: &RunReport) {
    assert!(report.problems.is_empty(), "{report:#?}");
}
