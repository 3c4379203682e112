//! pytest, also for unittest classes (SPEC C2, C3, B1-B3).
//!
//! The project's own interpreter runs our probe, which runs pytest in its process and records every phase from the
//! exception objects. Nothing is installed into the project. Where code comes from is decided before any project code
//! is imported (`redgreen_origin.py`, started by `sitecustomize.py` in every Python process of the run) and proved at
//! the end.

mod compiled;
mod interpreter;
mod probe;
mod survey;

pub use survey::{DependencyChange, dependency_changes, dependency_files};

use super::{CouldNotRun, Request, Runner, RunnerSettings, SITES_VARIABLE, Selection, Workspace};
use crate::path_rules::{PathClass, PathRules};
use crate::process::{self, Spec};
use redgreen_core::environment::{Environment, Tool};
use redgreen_core::id::{Digest, ItemId, RelPath};
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::{Ended, RunReport};
use redgreen_formats::pytest as formats;
use redgreen_formats::pytest::records::foreign_code;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The entry of [`Environment::tools`] that holds the interpreter as it is started: the link inside a virtual
/// environment, not the binary behind it (which would not know the environment).
pub const LAUNCHER: &str = "python-launcher";

/// How many lines of output a report carries.
const TAIL_LINES: usize = 20;

/// The pytest adapter.
#[derive(Debug, Clone)]
pub struct Pytest {
    settings: RunnerSettings,
    user: BTreeMap<String, String>,
}

impl Pytest {
    /// An adapter that finds interpreters as the user of this process would.
    #[must_use]
    pub fn new(settings: RunnerSettings) -> Self {
        let user = interpreter::USER_VARIABLES
            .iter()
            .filter_map(|&name| Some((name.to_owned(), crate::env::variable(name)?)))
            .collect();
        Self::with_variables(settings, user)
    }
    /// An adapter with other user variables (`PATH`, `HOME`, `VIRTUAL_ENV`, those of uv, poetry and pyenv). None of
    /// them reaches the tests.
    #[must_use]
    pub fn with_variables(settings: RunnerSettings, user: BTreeMap<String, String>) -> Self {
        Self { settings, user }
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

impl Runner for Pytest {
    fn settings(&self) -> &RunnerSettings {
        &self.settings
    }

    fn environment(&self, workspace: &Workspace) -> Result<Environment, CouldNotRun> {
        let found = interpreter::find(&self.settings, &self.user, workspace)?;
        let root = workspace.checkout.join(&self.settings.root);
        let survey::Surveyed {
            facts,
            site,
            parts,
            binary: digest,
        } = survey::established(&found, &self.user, &root, workspace)?;
        survey::store(&facts, site, workspace)?;
        let tool = |version: &str, path: &str, digest| Tool {
            version: version.to_owned(),
            path: path.to_owned(),
            digest,
        };
        let launcher = found.launcher.to_string_lossy();
        let pytest = format!("pytest {}", facts.pytest.as_deref().unwrap_or("?"));
        let tools = BTreeMap::from([
            (
                "python".to_owned(),
                tool(&facts.version, &facts.real, digest),
            ),
            (LAUNCHER.to_owned(), tool(&facts.version, &launcher, digest)),
            ("pytest".to_owned(), tool(&pytest, "python -m pytest", site)),
        ]);
        let mut variables: BTreeMap<String, String> = [
            ("PYTHONHASHSEED", "0"),
            ("TZ", "UTC"),
            ("LC_ALL", "C.UTF-8"),
            ("LANG", "C.UTF-8"),
            ("CI", "1"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        if let Some(base) = &facts.user_base {
            variables.insert("PYTHONUSERBASE".to_owned(), base.clone());
        }
        let environment = Environment {
            tools,
            dependencies: parts,
            plugins: facts.plugins.clone(),
            carried: BTreeMap::new(),
            prepare: Vec::new(),
            variables,
            network: process::project_network().as_str().to_owned(),
            mount: "private".to_owned(),
        };
        compiled::prepare(&environment, &facts, workspace);
        Ok(environment)
    }

    fn run(&self, request: &Request<'_>) -> Result<RunReport, CouldNotRun> {
        let launcher = launcher(request.environment)?;
        updates_nothing(&self.settings)?;
        let asked = Asked::new(request, &self.settings)?;
        let facts = survey::load(request.environment, request.workspace);
        let root = request.tree.join(&self.settings.root);
        let writable = |own: &Path| {
            let mut writable = vec![request.tree.to_owned(), own.to_owned()];
            writable.extend(request.sites.and_then(Path::parent).map(Path::to_owned));
            writable
        };
        let isolation = |own: &Path| {
            let mut spec = Spec::new("pytest", vec![launcher.clone()], &root);
            spec.writable = writable(own);
            process::isolation_of(&spec)
        };
        let folder =
            probe::RunFolder::new(request, &self.settings, &asked, facts.as_ref(), &isolation)?;
        let mut argv = vec![launcher.clone()];
        argv.extend(folder.program());
        argv.extend(folder.options(&request.environment.plugins));
        argv.extend(self.settings.arguments.iter().cloned());
        argv.extend(interpreter::extra_arguments(&self.settings));
        let mut spec = Spec::new("pytest", argv, &root);
        spec.env = self.variables(request, &launcher, &folder);
        spec.timeout = self.settings.timeout;
        spec.network = process::Network::of_record(&request.environment.network);
        spec.readable = vec![compiled::base(request.workspace)];
        if let Some(facts) = &facts {
            spec.readable.extend(facts.readable());
        }
        spec.hidden = request.tests_in_checkout();
        spec.log = Some(folder.log());
        spec.writable = writable(folder.path());
        let finished = process::run(&spec).map_err(|error| {
            Box::new(Reason::new(
                ReasonCode::CommandNotFound,
                error.to_string(),
                "make the virtual environment again, then lock again",
            ))
        })?;
        let output = folder.output(&finished);
        let text = String::from_utf8_lossy(&output).into_owned();
        let digest = keep_output(&output, request.workspace)?;
        let (record, foreign) = folder.record();
        let journal = formats::Journal::read(&record, folder.mark());
        let shown = Shown {
            tree: request.tree,
            run: folder.path(),
            launcher: &launcher,
        };
        let is_test = |path: &RelPath| is_test(request.rules, path);
        let tops = tops(&journal);
        let names = facts.map(|facts| facts.own_names).unwrap_or_default();
        let places = formats::Places::new(&is_test, &tops, &names);
        let context = formats::report::Context {
            runner: self.settings.name.as_ref(),
            items: &asked.items,
            timed_out: matches!(finished.ended, Ended::TimedOut | Ended::IdledOut),
        };
        let mut parts = formats::parts(&journal, &places, &context);
        let foreign = foreign_code(&foreign);
        let problems = formats::problems(
            &journal,
            &parts,
            &formats::Process {
                ended: finished.ended,
                limit_seconds: self.settings.timeout.as_secs(),
                output: &text,
                foreign: &foreign,
            },
        );
        for case in &mut parts.cases {
            case.message = shown.text(&case.message);
        }
        for cause in parts
            .load_failures
            .iter_mut()
            .flat_map(|failure| &mut failure.causes)
        {
            cause.message = shown.text(&cause.message);
        }
        Ok(RunReport {
            command: shown.command(journal.arguments().unwrap_or(&[]), &spec.argv),
            ended: finished.ended,
            cases: parts.cases,
            load_failures: parts.load_failures,
            problems,
            pass_line: pass_line(&text),
            tail: tail(&shown.text(&text)),
            output: digest,
            duration_ms: u64::try_from(finished.duration.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

impl Pytest {
    /// The complete environment of the run.
    fn variables(
        &self,
        request: &Request<'_>,
        launcher: &str,
        folder: &probe::RunFolder,
    ) -> BTreeMap<String, String> {
        let mut env = request.environment.variables.clone();
        let bin = Path::new(launcher)
            .parent()
            .unwrap_or(Path::new("/usr/bin"));
        let path = env
            .get("PATH")
            .cloned()
            .unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".to_owned());
        env.insert("PATH".to_owned(), format!("{}:{path}", bin.display()));
        if let Some(venv) = bin.parent()
            && venv.join("pyvenv.cfg").is_file()
        {
            env.insert("VIRTUAL_ENV".to_owned(), venv.display().to_string());
        }
        env.extend(folder.variables());
        if let Some(sites) = request.sites {
            env.insert(SITES_VARIABLE.to_owned(), sites.display().to_string());
        }
        env
    }
}

/// Options of `addopts` that rewrite expected values are left out; where a person configured one for every run, it is
/// said instead (SPEC B10).
fn updates_nothing(settings: &RunnerSettings) -> Result<(), CouldNotRun> {
    const UPDATES: &[&str] = &[
        "--snapshot-update",
        "--update-snapshots",
        "--update-snapshot",
        "--force-regen",
        "--regen-all",
        "--inline-snapshot",
        "--insta",
        "--update-golden",
        "--update-goldens",
        "--golden-update",
        "--image-snapshot-update",
        "--mpl-generate-path",
        "--regtest-reset",
    ];
    let extra = interpreter::extra_arguments(settings);
    let word = settings.arguments.iter().chain(&extra).find(|word| {
        let name = word.split_once('=').map_or(word.as_str(), |(name, _)| name);
        UPDATES.contains(&name)
    });
    match word {
        None => Ok(()),
        Some(word) => Err(Box::new(Reason::new(
            ReasonCode::RunnerUsageError,
            format!("`{word}` would write the expected values that the tests are compared with"),
            "leave it out of `arguments` and `command` of the runner; write expected values yourself, before RED",
        ))),
    }
}

/// The interpreter of the record, if it is still the one that was recorded.
fn launcher(environment: &Environment) -> Result<String, CouldNotRun> {
    let recorded = environment
        .tools
        .get(LAUNCHER)
        .zip(environment.tools.get("python"));
    let Some((launcher, python)) = recorded else {
        return Err(fault(
            "the environment record names no Python interpreter",
            "lock again: the record was made for another runner",
        ));
    };
    match fs::canonicalize(&launcher.path) {
        Ok(real) if real == Path::new(&python.path) => Ok(launcher.path.clone()),
        Ok(real) => Err(Box::new(Reason::new(
            ReasonCode::EnvironmentChanged,
            format!(
                "`{}` is `{}` now and was `{}` when it was recorded",
                launcher.path,
                real.display(),
                python.path
            ),
            "restore the virtual environment, or lock again",
        ))),
        Err(_) => Err(Box::new(Reason::new(
            ReasonCode::CommandNotFound,
            format!(
                "the interpreter `{}` does not exist any more",
                launcher.path
            ),
            "make the virtual environment again, then lock again",
        ))),
    }
}

/// Whether a path is test code or steers the runner; everything else in the tree is first-party.
fn is_test(rules: &PathRules, path: &RelPath) -> bool {
    match rules.class(path) {
        PathClass::Test => true,
        PathClass::RunnerConfig => path.extension() == Some("py"),
        PathClass::Source | PathClass::Inert | PathClass::Locked => false,
    }
}

fn tops(journal: &formats::Journal) -> Vec<formats::records::Top> {
    journal
        .records
        .iter()
        .find_map(|record| match record {
            formats::Record::Session { tops, .. } => Some(tops.clone()),
            formats::Record::Load { tops, .. } if !tops.is_empty() => Some(tops.clone()),
            _ => None,
        })
        .unwrap_or_default()
}

/// What a request means for pytest.
struct Asked {
    /// Files to name on the command line; `None` for the whole suite.
    files: Option<Vec<RelPath>>,
    /// `(file, item)` of the tests to keep; `None` to keep all of the files.
    selection: Option<Vec<(String, String)>>,
    /// The items of the tree that were asked for, by file.
    items: BTreeMap<RelPath, Vec<ItemId>>,
}

impl Asked {
    fn new(request: &Request<'_>, settings: &RunnerSettings) -> Result<Self, CouldNotRun> {
        let (files, selection) = match request.selection {
            Selection::All => (None, None),
            Selection::Files(files) => (Some(files.iter().cloned().collect()), None),
            Selection::Items(items) => {
                let pairs = items
                    .iter()
                    .map(|id| (id.path.as_str().to_owned(), id.item.clone()))
                    .collect::<Vec<_>>();
                let files: BTreeSet<RelPath> = items.iter().map(|id| id.path.clone()).collect();
                (Some(files), Some(pairs))
            }
        };
        let files: Option<Vec<RelPath>> = files.map(|files: BTreeSet<RelPath>| {
            files
                .into_iter()
                .filter(|file| request.tree.join(file.as_str()).is_file())
                .collect()
        });
        if files.as_ref().is_some_and(Vec::is_empty) {
            return Err(Box::new(Reason::new(
                ReasonCode::ZeroTests,
                "none of the test files that were asked for exists in the tree",
                "check the paths of the tests, and that they are committed or staged for the author",
            )));
        }
        let mut items: BTreeMap<RelPath, Vec<ItemId>> = BTreeMap::new();
        for item in request.items {
            let wanted = match request.selection {
                Selection::All => item.id.path.is_below(&settings.root),
                Selection::Files(files) => files.contains(&item.id.path),
                Selection::Items(ids) => ids.contains(&item.id),
            };
            if wanted {
                items
                    .entry(item.id.path.clone())
                    .or_default()
                    .push(item.id.clone());
            }
        }
        if let Selection::Items(ids) = request.selection {
            for id in ids {
                let known = items.entry(id.path.clone()).or_default();
                if !known.contains(id) {
                    known.push(id.clone());
                }
            }
        }
        Ok(Self {
            files,
            selection,
            items,
        })
    }
}

/// How private paths are written in what is kept.
struct Shown<'a> {
    tree: &'a Path,
    run: &'a Path,
    launcher: &'a str,
}

impl Shown<'_> {
    fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (folder, name) in [(self.tree, "{tree}"), (self.run, "{run}")] {
            text = text.replace(&*folder.to_string_lossy(), name);
            if let Ok(real) = fs::canonicalize(folder) {
                text = text.replace(&*real.to_string_lossy(), name);
            }
        }
        text
    }
    /// `python -m pytest …` with everything that pytest was given, files included.
    fn command(&self, arguments: &[String], argv: &[String]) -> Vec<String> {
        if arguments.is_empty() {
            return argv.iter().map(|word| self.text(word)).collect();
        }
        [self.launcher, "-m", "pytest"]
            .into_iter()
            .map(str::to_owned)
            .chain(arguments.iter().map(|word| self.text(word)))
            .collect()
    }
}

/// The line in which pytest states its result.
fn pass_line(output: &str) -> Option<String> {
    output.lines().rev().find_map(|line| {
        let line = line.trim().trim_matches('=').trim();
        let (counts, time) = line.rsplit_once(" in ")?;
        let counted = counts
            .split(", ")
            .all(|part| part.starts_with(|c: char| c.is_ascii_digit()) || part == "no tests ran");
        let timed = time.starts_with(|c: char| c.is_ascii_digit());
        (counted && timed).then(|| line.to_owned())
    })
}

pub(super) fn tail(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    lines
        .iter()
        .skip(lines.len().saturating_sub(TAIL_LINES))
        .map(|line| (*line).to_owned())
        .collect()
}

/// Stores the complete output without secrets under its digest, in `output/` of the cache.
pub(super) fn keep_output(output: &[u8], workspace: &Workspace) -> Result<Digest, CouldNotRun> {
    let output = crate::secrets::hidden_bytes(output);
    let digest = Digest::of(&output);
    let folder: PathBuf = workspace.cache.join("output");
    let file = folder.join(digest.hex());
    fs::create_dir_all(&folder).map_err(|error| io("create", &folder, &error))?;
    fs::write(&file, &output).map_err(|error| io("write", &file, &error))?;
    Ok(digest)
}
