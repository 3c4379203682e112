//! JavaScript and TypeScript: node:test, vitest, jest and mocha (SPEC B1-B3, C2, C3).
//!
//! The project's own node runs the project's own runner, started by its entry file, with a reporter of ours that lies
//! outside of the tree. A preloaded file takes the secret of the run before any code of the project is there, so that
//! only our reporter can write lines that are believed. `packages` makes the installed packages of the checkout available
//! to the tree, `project` reads what the manifest says; each runner has a room of its own for its command line.

mod jest;
mod mocha;
mod node;
mod node_test;
mod packages;
mod probe;
mod project;
mod vitest;

pub use packages::provide;

use super::junit::asked_for;
use super::pytest::{keep_output, tail};
use super::{
    CouldNotRun, Request, Runner, RunnerKind, RunnerSettings, SITES_VARIABLE, Selection, Workspace,
};
use crate::path_rules::{PathClass, PathRules};
use crate::process::{self, Spec};
use redgreen_core::environment::Environment;
use redgreen_core::id::RelPath;
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::{CaseReport, RunReport};
use redgreen_formats::javascript as formats;
use redgreen_formats::javascript::names::Names;
use redgreen_formats::javascript::script::Script;
use redgreen_formats::javascript::{Journal, Owner};
use std::collections::BTreeSet;
use std::path::Path;

/// How many of the last cases are named behind the output.
const LAST_CASES: usize = 10;

/// The adapter of all four.
#[derive(Debug, Clone)]
pub struct JavaScript {
    settings: RunnerSettings,
}

impl JavaScript {
    /// An adapter with these settings.
    #[must_use]
    pub fn new(settings: RunnerSettings) -> Self {
        Self { settings }
    }
}

fn fault(message: impl Into<String>, help: impl Into<String>) -> CouldNotRun {
    Box::new(Reason::new(ReasonCode::EnvironmentFault, message, help))
}

/// A file-system error as a reason.
fn io(what: &str, path: &Path, error: &std::io::Error) -> CouldNotRun {
    fault(
        format!("failed to {what} `{}`: {error}", path.display()),
        "check free space and permissions of redgreen's private folders",
    )
}

/// What a runner's room decides about its command.
struct Start {
    /// Everything behind node.
    argv: Vec<String>,
    /// The files whose processes are recorded apart, with the places of their records; none for one process.
    per_file: Vec<(RelPath, std::path::PathBuf)>,
}

/// What the rooms of the runners are given.
struct Asked<'a> {
    settings: &'a RunnerSettings,
    request: &'a Request<'a>,
    /// The runner's folder in the tree.
    root: &'a Path,
    script: &'a Script,
    /// The test files to run, relative to the runner's folder; none for all.
    files: Vec<String>,
    /// The same below the top level.
    paths: Vec<RelPath>,
    folder: &'a probe::RunFolder,
    node: &'a str,
}

impl Asked<'_> {
    /// The entry file of a package, as the runner's folder resolves it.
    fn entry(&self, package: &str, entries: &[&str]) -> Result<String, CouldNotRun> {
        packages::installed(self.root, self.request.tree, package)
            .and_then(|folder| {
                entries
                    .iter()
                    .map(|entry| folder.join(entry))
                    .find(|file| file.is_file())
            })
            .map(|file| file.display().to_string())
            .ok_or_else(|| packages::missing(package, &self.settings.root))
    }
}

/// Names of files that runners collect by themselves.
fn looks_like_test(path: &RelPath) -> bool {
    let name = path.file_name();
    let stem = name.split('.').next().unwrap_or(name);
    name.contains(".test.")
        || name.contains(".spec.")
        || name.contains("-test.")
        || name.contains("_test.")
        || stem.starts_with("test-")
        || stem == "test"
}

fn is_script(path: &RelPath) -> bool {
    matches!(
        path.extension(),
        Some("js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx")
    )
}

/// The files to name to the runner.
fn selected(request: &Request<'_>, kind: RunnerKind) -> Vec<RelPath> {
    let items: BTreeSet<&RelPath> = request.items.iter().map(|item| &item.id.path).collect();
    let there = |path: &&RelPath| request.tree.join(path.as_str()).is_file() && is_script(path);
    match request.selection {
        Selection::Files(files) => {
            let files: BTreeSet<&RelPath> = files
                .iter()
                .filter(|path| items.contains(path) || looks_like_test(path))
                .filter(there)
                .collect();
            files.into_iter().cloned().collect()
        }
        Selection::Items(wanted) => {
            let files: BTreeSet<&RelPath> =
                wanted.iter().map(|item| &item.path).filter(there).collect();
            files.into_iter().cloned().collect()
        }
        // node:test has no configuration that says which files hold tests.
        Selection::All if kind == RunnerKind::NodeTest => {
            items.into_iter().filter(there).cloned().collect()
        }
        Selection::All => Vec::new(),
    }
}

fn below_root(path: &RelPath, settings: &RunnerSettings, tree: &Path) -> String {
    match settings.root.as_str() {
        "" => path.to_string(),
        root => match path
            .as_str()
            .strip_prefix(root)
            .and_then(|rest| rest.strip_prefix('/'))
        {
            Some(inside) => inside.to_owned(),
            None => tree.join(path.as_str()).display().to_string(),
        },
    }
}

fn owner(rules: &PathRules, path: &RelPath) -> Owner {
    match rules.class(path) {
        PathClass::Test => Owner::Test,
        PathClass::Source => Owner::Source,
        PathClass::RunnerConfig | PathClass::Inert | PathClass::Locked => Owner::Other,
    }
}

impl Runner for JavaScript {
    fn settings(&self) -> &RunnerSettings {
        &self.settings
    }

    fn environment(&self, workspace: &Workspace) -> Result<Environment, CouldNotRun> {
        node::environment(&self.settings, workspace)
    }

    fn run(&self, request: &Request<'_>) -> Result<RunReport, CouldNotRun> {
        let node = node::recorded(request.environment)?;
        let root = request.tree.join(&self.settings.root);
        let readable = provide(&request.workspace.checkout, request.tree)
            .map_err(|error| io("link the installed packages into", request.tree, &error))?;
        let project = project::Project::read(&root, request.tree);
        let script = project.script(self.settings.kind);
        let folder = probe::RunFolder::new(request)?;
        let paths = selected(request, self.settings.kind);
        if paths.is_empty()
            && (*request.selection != Selection::All || self.settings.kind == RunnerKind::NodeTest)
        {
            return Err(Box::new(Reason::new(
                ReasonCode::ZeroTests,
                "none of the files holds a test",
                "check the names of the test files, and `[paths] tests` in redgreen.toml",
            )));
        }
        let asked = Asked {
            settings: &self.settings,
            request,
            root: &root,
            script: &script,
            files: paths
                .iter()
                .map(|path| below_root(path, &self.settings, request.tree))
                .collect(),
            paths,
            folder: &folder,
            node: &node,
        };
        let start = match self.settings.kind {
            RunnerKind::NodeTest => node_test::start(&asked)?,
            RunnerKind::Vitest => vitest::start(&asked)?,
            RunnerKind::Jest => jest::start(&asked)?,
            RunnerKind::Mocha => mocha::start(&asked)?,
            RunnerKind::Pytest | RunnerKind::CargoTest | RunnerKind::GoTest | RunnerKind::Junit => {
                return Err(fault(
                    "this is no runner of JavaScript",
                    "correct `kind` of the runner",
                ));
            }
        };
        let name = self.settings.kind.as_str();
        let mut argv = vec![node.clone()];
        argv.extend(start.argv);
        let mut spec = Spec::new(name, argv, &root);
        spec.env = folder.variables(request, &root, &node);
        spec.env.extend(script.variables.clone());
        if let Some(sites) = request.sites {
            spec.env
                .insert(SITES_VARIABLE.to_owned(), sites.display().to_string());
        }
        spec.timeout = self.settings.timeout;
        spec.network = process::Network::of_record(&request.environment.network);
        spec.readable = readable;
        spec.writable = vec![request.tree.to_owned(), folder.path().to_owned()];
        spec.writable
            .extend(request.sites.and_then(Path::parent).map(Path::to_owned));
        spec.log = Some(folder.log());
        let finished = process::run(&spec).map_err(|error| {
            Box::new(Reason::new(
                ReasonCode::CommandNotFound,
                error.to_string(),
                "install node again, then lock again",
            ))
        })?;
        let output = folder.output(&finished);
        let text = String::from_utf8_lossy(&output).into_owned();
        let digest = keep_output(&output, request.workspace)?;
        let journals: Vec<(Option<RelPath>, Journal)> = if start.per_file.is_empty() {
            vec![(None, folder.journal(&folder.record()))]
        } else {
            start
                .per_file
                .iter()
                .map(|(file, record)| (Some(file.clone()), folder.journal(record)))
                .collect()
        };
        let owner = |path: &RelPath| owner(request.rules, path);
        let exists = |path: &RelPath| request.tree.join(path.as_str()).is_file();
        let places = formats::Places {
            prefixes: prefixes(request.tree),
            root: self.settings.root.clone(),
            owner: &owner,
            exists: &exists,
            packages: &project.packages,
            aliases: &project.aliases,
        };
        let context = formats::Context {
            places: &places,
            timed_out: matches!(
                finished.ended,
                redgreen_core::run_report::Ended::TimedOut
                    | redgreen_core::run_report::Ended::IdledOut
            ),
        };
        let mut names = Names::new(request.items, self.settings.name.as_ref());
        let mut parts = formats::Parts::default();
        for (file, journal) in &journals {
            formats::parts(journal, file.as_ref(), &mut names, &context, &mut parts);
        }
        let wanted: BTreeSet<&RelPath> = match request.selection {
            Selection::Items(items) => items.iter().map(|item| &item.path).collect(),
            Selection::Files(_) | Selection::All => BTreeSet::new(),
        };
        let asked_of = |path: &RelPath| wanted.contains(path) || names.has(path);
        let mut problems = formats::problems(
            &parts,
            &formats::Process {
                runner: name,
                ended: finished.ended,
                limit_seconds: self.settings.timeout.as_secs(),
                output: &text,
                journals: &journals,
                asked: &asked_of,
            },
        );
        let shown = Shown {
            tree: request.tree,
            run: folder.path(),
            checkout: &request.workspace.checkout,
        };
        for case in &mut parts.cases {
            case.message = shown.text(&case.message);
        }
        for located in parts
            .load_failures
            .iter_mut()
            .flat_map(|failure| &mut failure.causes)
        {
            located.message = shown.text(&located.message);
            located.cause.detail = shown.text(&located.cause.detail);
        }
        for problem in &mut problems {
            problem.message = shown.text(&problem.message);
        }
        // A filter of a runner may take more files than were named.
        if let Selection::Files(files) = request.selection {
            parts
                .cases
                .retain(|case| files.contains(&case.id.item.path));
            parts
                .load_failures
                .retain(|failure| failure.files.iter().any(|file| files.contains(file)));
        }
        let (ended, pass_line) = asked_for(
            &mut parts.cases,
            parts.load_failures.is_empty() && problems.is_empty(),
            request.selection,
            finished.ended,
        );
        let mut said = tail(&shown.text(&formats::cause::without_colours(&text)));
        said.extend(last_cases(&parts.cases));
        Ok(RunReport {
            command: spec.argv.iter().map(|word| shown.text(word)).collect(),
            ended,
            pass_line: Some(format!("{name}: {pass_line}")),
            cases: parts.cases,
            load_failures: parts.load_failures,
            problems,
            tail: said,
            output: digest,
            duration_ms: u64::try_from(finished.duration.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

/// Our reporters print nothing; these are the last lines they would have printed.
fn last_cases(cases: &[CaseReport]) -> Vec<String> {
    cases
        .iter()
        .skip(cases.len().saturating_sub(LAST_CASES))
        .map(|case| format!("{} {}", case.outcome, case.id))
        .collect()
}

/// The tree as it may be written in stacks.
fn prefixes(tree: &Path) -> Vec<String> {
    let mut prefixes = vec![tree.display().to_string()];
    if let Ok(real) = tree.canonicalize() {
        prefixes.push(real.display().to_string());
    }
    prefixes
}

/// How private paths are written in what is kept.
struct Shown<'a> {
    tree: &'a Path,
    run: &'a Path,
    checkout: &'a Path,
}

impl Shown<'_> {
    fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (folder, name) in [
            (self.run, "{run}"),
            (self.tree, "{tree}"),
            (self.checkout, "{checkout}"),
        ] {
            for written in prefixes(folder).into_iter().rev() {
                text = text.replace(&written, name);
            }
        }
        text
    }
}
