//! Any command that writes a JUnit XML report (SPEC B1, B2, B5).
//!
//! The command is the project's own; what is known of its tests is what its report says. So the cases of the report are
//! the items, a run without a usable report is no answer, and the report must come from this run: it is written below
//! a folder with a name of this run's own, or to places that were emptied before it.

mod files;
mod project;

use super::pytest::{keep_output, tail};
use super::{CouldNotRun, Request, Runner, RunnerSettings, Selection, Workspace};
use crate::env;
use crate::process::{self, Spec};
use redgreen_core::environment::{Environment, Tool};
use redgreen_core::id::{Digest, ItemId, RelPath};
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::{CaseReport, Ended, RunReport};
use redgreen_formats::junit::{Places, Run, judge, read_any};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The variable that names the report to the command.
pub const REPORT_VARIABLE: &str = "REDGREEN_REPORT";

/// The argument that stands for the test files; an argument of its own.
pub const TESTS: &str = "{tests}";

/// The adapter.
#[derive(Debug, Clone)]
pub struct Junit {
    settings: RunnerSettings,
}

impl Junit {
    /// An adapter with these settings.
    #[must_use]
    pub fn new(settings: RunnerSettings) -> Self {
        Self { settings }
    }

    fn command(&self) -> &[String] {
        self.settings.command.as_deref().unwrap_or_default()
    }
}

fn fault(what: &str, path: &Path, error: &std::io::Error) -> CouldNotRun {
    Box::new(Reason::new(
        ReasonCode::EnvironmentFault,
        format!("failed to {what} `{}`: {error}", path.display()),
        "check free space and permissions of redgreen's private folders",
    ))
}

impl Runner for Junit {
    fn settings(&self) -> &RunnerSettings {
        &self.settings
    }

    fn environment(&self, _workspace: &Workspace) -> Result<Environment, CouldNotRun> {
        let program = self.command().first().map_or("", String::as_str);
        let mut tools = BTreeMap::new();
        // A program of the tree (`./run-tests.sh`) is locked with it.
        if !program.contains('/') || program.starts_with('/') {
            let found = env::find_program(program).ok_or_else(|| {
                Box::new(Reason::new(
                    ReasonCode::CommandNotFound,
                    format!("the test command `{program}` was not found"),
                    "install it, or correct `command` under `[runner]` in redgreen.toml",
                ))
            })?;
            let bytes =
                fs::read(&found.real).map_err(|error| fault("read", &found.real, &error))?;
            tools.insert(
                program.to_owned(),
                Tool {
                    version: String::new(),
                    path: found.real.display().to_string(),
                    digest: Digest::of(&bytes),
                },
            );
        }
        let mut variables = env::child(Path::new(""), Path::new(""));
        // The folders are those of each run.
        variables.remove("HOME");
        variables.remove("TMPDIR");
        variables.extend(env::toolchain_homes());
        Ok(Environment {
            tools,
            dependencies: BTreeMap::new(),
            plugins: Default::default(),
            carried: BTreeMap::new(),
            prepare: Vec::new(),
            variables,
            network: process::command_network().as_str().to_owned(),
            mount: "private".to_owned(),
        })
    }

    fn run(&self, request: &Request<'_>) -> Result<RunReport, CouldNotRun> {
        let root = request.tree.join(&self.settings.root);
        let folder = files::RunFolder::new(&request.workspace.scratch)
            .map_err(|error| fault("create", &request.workspace.scratch, &error))?;
        let listed = files::list(request.tree);
        let known = project::Known::new(request.tree, &self.settings.root, request.rules, listed);
        let places = Places::new(&self.settings.root, &known.prefixes, known.tests.clone());
        let fixed = files::Fixed::new(&self.settings.report)?;
        fixed
            .clear(&root)
            .map_err(|error| fault("empty", &root, &error))?;
        let mut spec = Spec::new("junit", self.argv(request, &folder)?, &root);
        spec.env = self.variables(request, &folder);
        spec.timeout = self.settings.timeout;
        spec.log = Some(folder.log());
        spec.network = process::Network::of_record(&request.environment.network);
        spec.writable = vec![request.tree.to_owned(), folder.path().to_owned()];
        let finished = process::run(&spec).map_err(|error| {
            Box::new(Reason::new(
                ReasonCode::CommandNotFound,
                error.to_string(),
                "install it, or correct `command` under `[runner]` in redgreen.toml",
            ))
        })?;
        let (written, mut problems) = folder.reports(&root, &fixed);
        let mut output = crate::state::read_ends(&folder.log(), 16 << 20).unwrap_or_default();
        let shown = tail(&known.shown(&String::from_utf8_lossy(&output), folder.path()));
        for (name, bytes) in &written {
            output.extend_from_slice(format!("\n--- {name}\n").as_bytes());
            output.extend_from_slice(bytes);
        }
        let digest = keep_output(&output, request.workspace)?;
        let reports: Vec<_> = written
            .into_iter()
            .map(|(name, bytes)| (name, read_any(&bytes)))
            .collect();
        let mut judged = judge(
            &reports,
            &Run {
                runner: self.settings.name.as_ref(),
                ended: finished.ended,
                limit_seconds: self.settings.timeout.as_secs(),
                places: &places,
                project: &known,
            },
        );
        problems.append(&mut judged.problems);
        judged.problems = problems;
        for case in &mut judged.cases {
            case.message = known.shown(&case.message, folder.path());
        }
        let agreed = judged.load_failures.is_empty() && judged.problems.is_empty();
        let (ended, pass_line) =
            asked_for(&mut judged.cases, agreed, request.selection, finished.ended);
        Ok(RunReport {
            command: spec
                .argv
                .iter()
                .map(|word| known.shown(word, folder.path()))
                .collect(),
            ended,
            cases: judged.cases,
            load_failures: judged.load_failures,
            problems: judged.problems,
            pass_line: Some(format!("JUnit report: {pass_line}")),
            tail: shown,
            output: digest,
            duration_ms: u64::try_from(finished.duration.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

impl Junit {
    /// The command with its templates filled in.
    fn argv(
        &self,
        request: &Request<'_>,
        folder: &files::RunFolder,
    ) -> Result<Vec<String>, CouldNotRun> {
        let mut argv = Vec::new();
        for word in self.command().iter().chain(&self.settings.arguments) {
            if word == TESTS {
                argv.extend(targets(request, &self.settings.root));
            } else {
                argv.push(
                    word.replace("{report}", &folder.report().display().to_string())
                        .replace("{tree}", &request.tree.display().to_string()),
                );
            }
        }
        let Some(program) = argv.first_mut() else {
            return Err(Box::new(Reason::new(
                ReasonCode::CommandNotFound,
                "the runner has no command",
                "write `command = [\"program\", \"argument\"]` under `[runner]` in redgreen.toml",
            )));
        };
        if program.contains('/') && !program.starts_with('/') {
            let inside = request.tree.join(&self.settings.root).join(&*program);
            *program = inside.display().to_string();
        } else if let Some(tool) = request.environment.tools.get(program.as_str()) {
            // Multi-call programs look at the name they are started by.
            let same =
                env::find_program(program).is_some_and(|found| found.real == Path::new(&tool.path));
            if !same {
                return Err(Box::new(Reason::new(
                    ReasonCode::EnvironmentChanged,
                    format!(
                        "`{program}` is not `{}` any more, as it was recorded",
                        tool.path
                    ),
                    "put it back, or lock again",
                )));
            }
        }
        Ok(argv)
    }

    fn variables(
        &self,
        request: &Request<'_>,
        folder: &files::RunFolder,
    ) -> BTreeMap<String, String> {
        let mut variables = request.environment.variables.clone();
        for (name, path) in [
            (REPORT_VARIABLE, folder.report()),
            ("HOME", folder.home()),
            ("TMPDIR", folder.temporary()),
        ] {
            variables.insert(name.to_owned(), path.display().to_string());
        }
        variables
    }
}

/// The test files to name to the command, relative to the runner's folder; none for the whole suite, and none where a
/// locked test is of no known file: the whole suite is the only way to run it.
fn targets(request: &Request<'_>, root: &str) -> Vec<String> {
    let files: BTreeSet<&RelPath> = match request.selection {
        Selection::All => BTreeSet::new(),
        Selection::Files(files) => files.iter().collect(),
        Selection::Items(items) => items.iter().map(|item| &item.path).collect(),
    };
    let there = |file: &&RelPath| request.tree.join(file.as_str()).is_file();
    if matches!(request.selection, Selection::Items(_)) && !files.iter().all(there) {
        return Vec::new();
    }
    files
        .into_iter()
        .filter(there)
        .map(|file| {
            let path = file.as_str();
            path.strip_prefix(root)
                .and_then(|rest| rest.strip_prefix('/'))
                .filter(|_| !root.is_empty())
                .unwrap_or(path)
                .to_owned()
        })
        .collect()
}

/// Keeps the cases of the items that were asked for: a command without targets runs everything. The exit code was
/// compared with the complete report before; where only other tests fail, the part that was asked for ended well, and the
/// line says so. `agreed` says that nothing else is wrong with the run.
pub(super) fn asked_for(
    cases: &mut Vec<CaseReport>,
    agreed: bool,
    selection: &Selection,
    ended: Ended,
) -> (Ended, String) {
    let all = cases.len();
    let failing = cases
        .iter()
        .filter(|case| case.outcome.is_failure())
        .count();
    if let Selection::Items(items) = selection {
        let wanted: BTreeSet<&ItemId> = items.iter().collect();
        cases.retain(|case| wanted.contains(&case.id.item));
    }
    let kept_failing = cases
        .iter()
        .filter(|case| case.outcome.is_failure())
        .count();
    let mut line = format!("{all} cases, {failing} of them failing");
    if cases.len() != all {
        line.push_str(&format!(
            "; {} asked for, {kept_failing} failing",
            cases.len()
        ));
    }
    let others_only = failing > 0 && kept_failing == 0;
    let ended = match ended {
        Ended::Code(code) if code != 0 && others_only && agreed => {
            line.push_str(&format!("; exit code {code} is of the others"));
            Ended::Code(0)
        }
        other => other,
    };
    (ended, line)
}
