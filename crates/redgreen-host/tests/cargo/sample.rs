//! Small cargo projects in temporary folders, run with the real adapter and the real cargo.

use redgreen_core::environment::Environment;
use redgreen_core::id::{Digest, ItemId, RelPath};
use redgreen_core::outcome::{Cause, Outcome};
use redgreen_core::reason::ReasonCode;
use redgreen_core::run_report::{CaseReport, LoadFailure, RunReport};
use redgreen_core::test_item::TestItem;
use redgreen_host::path_rules::PathRules;
use redgreen_host::runner::cargo_test::CargoTest;
use redgreen_host::runner::{Request, Runner, RunnerKind, RunnerSettings, Selection, Workspace};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// A project, its items and where redgreen's private folders are.
pub struct Sample {
    pub folder: tempfile::TempDir,
    items: Vec<TestItem>,
    arguments: Vec<String>,
    root: String,
    timeout: Duration,
}

impl Sample {
    /// A package `shop` (edition 2021) without any file but its manifest.
    pub fn new() -> Self {
        Self::with_manifest("[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n")
    }
    pub fn with_manifest(manifest: &str) -> Self {
        let sample = Self {
            folder: tempfile::tempdir().unwrap(),
            items: Vec::new(),
            arguments: Vec::new(),
            root: String::new(),
            timeout: Duration::from_secs(300),
        };
        sample.file("Cargo.toml", manifest)
    }
    pub fn tree(&self) -> PathBuf {
        self.folder.path().join("tree")
    }
    pub fn file(self, path: &str, text: &str) -> Self {
        self.write(path, text);
        self
    }
    pub fn write(&self, path: &str, text: &str) {
        let path = self.tree().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    /// A static item, as the lint room would find it. Lines are where the function's name stands, three lines long.
    pub fn item(mut self, id: &str) -> Self {
        let id = ItemId::try_from(id.to_owned()).unwrap();
        let name = id.item.rsplit("::").next().unwrap().to_owned();
        let text = std::fs::read_to_string(self.tree().join(id.path.as_str())).unwrap_or_default();
        let line = text
            .lines()
            .position(|line| line.contains(&format!("fn {name}(")))
            .map_or(1, |line| line as u32 + 1);
        self.items.push(TestItem {
            id,
            line,
            end_line: line,
            text: Digest::of(b""),
            marks: BTreeSet::new(),
        });
        self
    }
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments = arguments.iter().map(|&part| part.to_owned()).collect();
        self
    }
    /// The folder of the runner.
    pub fn root(mut self, root: &str) -> Self {
        self.root = root.to_owned();
        self
    }
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
    pub fn workspace(&self) -> Workspace {
        let folder = |name: &str| {
            let path = self.folder.path().join(name);
            std::fs::create_dir_all(&path).unwrap();
            path
        };
        Workspace {
            checkout: folder("checkout"),
            cache: folder("cache"),
            scratch: folder("scratch"),
        }
    }
    pub fn runner(&self) -> CargoTest {
        CargoTest::new(RunnerSettings {
            name: None,
            kind: RunnerKind::CargoTest,
            root: self.root.clone(),
            command: None,
            arguments: self.arguments.clone(),
            timeout: self.timeout,
            report: Vec::new(),
            files: Vec::new(),
        })
    }
    pub fn run(&self, selection: &Selection) -> RunReport {
        self.run_in(selection, environment())
    }
    pub fn run_with(&self, environment: &Environment) -> RunReport {
        self.run_in(&Selection::All, environment)
    }
    fn run_in(&self, selection: &Selection, environment: &Environment) -> RunReport {
        let rules = PathRules::new(
            &["tests/**".to_owned(), "**/tests/**".to_owned()],
            &["src/**".to_owned(), "**/src/**".to_owned()],
            &[],
        )
        .unwrap();
        let workspace = self.workspace();
        self.runner()
            .run(&Request {
                tree: &self.tree(),
                selection,
                items: &self.items,
                rules: &rules,
                workspace: &workspace,
                environment,
                sites: None,
            })
            .unwrap()
    }
    pub fn run_all(&self) -> RunReport {
        self.run(&Selection::All)
    }
    pub fn run_items(&self, items: &[&str]) -> RunReport {
        self.run(&Selection::Items(
            items
                .iter()
                .map(|&id| ItemId::try_from(id.to_owned()).unwrap())
                .collect(),
        ))
    }
    pub fn run_files(&self, files: &[&str]) -> RunReport {
        self.run(&Selection::Files(
            files
                .iter()
                .map(|&file| RelPath::new(file).unwrap())
                .collect(),
        ))
    }
}

/// The record of this machine; the same for all samples, because none has a toolchain file.
pub fn environment() -> &'static Environment {
    static ENVIRONMENT: OnceLock<Environment> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| Sample::new().environment().unwrap())
}

impl Sample {
    pub fn environment(&self) -> Result<Environment, Box<redgreen_core::reason::Reason>> {
        self.runner().environment(&self.workspace())
    }
}

pub fn case<'r>(report: &'r RunReport, id: &str) -> &'r CaseReport {
    report
        .cases
        .iter()
        .find(|case| case.id.to_string() == id)
        .unwrap_or_else(|| panic!("no case {id} in {report:#?}"))
}
pub fn outcomes(report: &RunReport) -> Vec<(String, Outcome)> {
    report
        .cases
        .iter()
        .map(|case| (case.id.to_string(), case.outcome))
        .collect()
}
pub fn cause(case: &CaseReport) -> Option<Cause> {
    case.cause.as_ref().map(|detail| detail.cause)
}
pub fn problems(report: &RunReport) -> Vec<ReasonCode> {
    report.problems.iter().map(|reason| reason.code).collect()
}
/// The load failure that names this test file, and the causes in it.
pub fn load_causes(report: &RunReport, file: &str) -> Vec<Cause> {
    let file = RelPath::new(file).unwrap();
    report
        .load_failures
        .iter()
        .filter(|failure: &&LoadFailure| failure.files.contains(&file))
        .flat_map(|failure| &failure.causes)
        .map(|located| located.cause.cause)
        .collect()
}
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                out.push(entry.path());
            }
        }
    }
    out
}
