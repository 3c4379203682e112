//! What every gate shares: the repository, private state, who asked, and the configuration of the tree in question.

use super::items::ItemRules;
use super::proposal::text_of;
use super::services::{Served, Servers};
use crate::config::Config;
use crate::error::Failure;
use crate::render::printer::Printer;
use redgreen_core::environment::Environment;
use redgreen_core::exit::ExitCode;
use redgreen_core::id::{Digest, RelPath, RunnerName};
use redgreen_core::reason::Reason;
use redgreen_core::test_item::TestItem;
use redgreen_core::tree::Mode;
use redgreen_host::git::{Head, Repository};
use redgreen_host::path_rules::PathRules;
use redgreen_host::runner::{Runner, RunnerKind, RunnerSettings, Workspace};
use redgreen_host::state::{Leftovers, State, StateError};
use redgreen_host::tree::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The repository somebody works in.
#[derive(Debug)]
pub struct Context {
    /// The git repository.
    pub repository: Repository,
    /// Private state of it.
    pub state: State,
    /// Where words go.
    pub printer: Printer,
    /// The folder somebody stands in: what they type is relative to it.
    pub folder: PathBuf,
    /// Static items by runner, path and content: a file that several trees of one command share is read once.
    pub(super) items: Mutex<ItemCache>,
    /// What was said that need not be said again.
    said: Mutex<BTreeSet<String>>,
    /// Servers that were started, with the configuration that they were started for.
    servers: Mutex<Option<(String, Arc<Servers>)>>,
}

/// Items by runner name, path and object id.
pub(super) type ItemCache = BTreeMap<(Option<RunnerName>, RelPath, String), Vec<TestItem>>;

impl Context {
    /// Opens the repository around a folder.
    ///
    /// # Errors
    /// A failure with the next step: no git, no repository, bare, no permission.
    pub fn open(folder: &Path, printer: Printer) -> Result<Self, Failure> {
        let repository = Repository::open(folder).map_err(git_failure)?;
        let opened = State::open(&repository);
        Self::with(folder, repository, opened, printer)
    }

    /// Like [`Context::open`] with private state below a given folder.
    ///
    /// # Errors
    /// As [`Context::open`].
    pub fn open_with_state(folder: &Path, printer: Printer, state: &Path) -> Result<Self, Failure> {
        let repository = Repository::open(folder).map_err(git_failure)?;
        let opened = State::open_below(state, &repository);
        Self::with(folder, repository, opened, printer)
    }

    fn with(
        folder: &Path,
        repository: Repository,
        opened: Result<(State, Leftovers), StateError>,
        printer: Printer,
    ) -> Result<Self, Failure> {
        let (state, leftovers) = opened.map_err(|error| {
            let help = error.hint.clone();
            Failure::not_ready(error.to_string(), help)
        })?;
        if leftovers != Leftovers::default() {
            printer.detail(format!(
                "swept what a redgreen that died had left: {leftovers:?}"
            ));
        }
        declare_secrets(&repository);
        Ok(Self {
            repository,
            state,
            printer,
            folder: folder
                .canonicalize()
                .unwrap_or_else(|_| folder.to_path_buf()),
            items: Mutex::default(),
            said: Mutex::default(),
            servers: Mutex::default(),
        })
    }

    /// The servers of a configuration, started at the first question; they end with this command. `None` where none is
    /// configured.
    ///
    /// # Errors
    /// The first that does not become ready.
    pub fn servers(&self, setting: &Setting) -> Result<Option<Arc<Servers>>, Box<Reason>> {
        let configured = &setting.config.services;
        if configured.is_empty() {
            return Ok(None);
        }
        let key = format!("{configured:?}");
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((own, running)) = servers.as_ref()
            && *own == key
        {
            return Ok(Some(Arc::clone(running)));
        }
        let started = Arc::new(Servers::start(self, configured)?);
        *servers = Some((key, Arc::clone(&started)));
        Ok(Some(started))
    }

    /// Asks the database that somebody was given on a server that runs.
    ///
    /// # Errors
    /// What the server says.
    pub fn ask_sql(
        &self,
        service: &str,
        served: &Served,
        statement: &str,
    ) -> Result<String, String> {
        let servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        match servers.as_ref() {
            Some((_, servers)) => servers.ask_sql(service, served, statement),
            None => Err("no service was started".to_owned()),
        }
    }

    /// A line of talk that is true of every tree of this command, said for the first one.
    pub fn say_once(&self, line: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.insert(line.to_owned()) {
            self.printer.talk(line);
        }
    }

    /// The commit that is checked out.
    ///
    /// # Errors
    /// A failure when there is no commit yet.
    pub fn head_commit(&self) -> Result<String, Failure> {
        match self.repository.head().map_err(git_failure)? {
            Head::Branch { oid, .. } => Ok(oid),
            Head::Detached(oid) => Ok(oid),
            Head::Unborn { .. } => Err(Failure::not_ready(
                "the repository has no commit yet, so there is no base to prove red on",
                "commit what there is: git add -A && git commit -m 'start'",
            )),
        }
    }
}

/// Declares what the checked-out configuration calls secret, also for commands that need no configuration. A file that
/// cannot be read declares nothing here; whoever needs it says what is wrong with it.
fn declare_secrets(repository: &Repository) {
    for place in crate::config::PLACES {
        let text = std::fs::read_to_string(repository.top_level().join(place)).unwrap_or_default();
        if let Ok(file) = toml::from_str::<crate::config::file::File>(&text) {
            redgreen_host::secrets::declare(file.secret_variables());
        }
    }
}

/// Turns a git error into a failure: most of them are an environment that is not ready.
#[must_use]
pub fn git_failure(error: redgreen_host::git::GitError) -> Failure {
    let help = error.hint.clone();
    Failure::new(ExitCode::EnvironmentNotReady, error.to_string(), help)
}

/// The configuration of one tree, compiled.
pub struct Setting {
    /// The effective configuration.
    pub config: Config,
    /// The path rules.
    pub rules: PathRules,
    /// Text of `pyproject.toml` and its like, for pytest's own patterns.
    pytest_files: BTreeMap<String, String>,
}

impl Setting {
    /// Reads it from a tree.
    ///
    /// # Errors
    /// A usage failure of the configuration.
    pub fn of_tree(context: &Context, tree: &Snapshot) -> Result<Self, Failure> {
        let files: BTreeSet<RelPath> = tree.files().keys().cloned().collect();
        let read = |path: &RelPath| text_of(tree, &context.repository, path).ok().flatten();
        no_link(tree)?;
        let config = Config::load(&files, &read)?;
        roots_are_there(&config, &files)?;
        redgreen_host::secrets::declare(config.file.secret_variables());
        let rules = config.rules()?;
        let mut pytest_files = BTreeMap::new();
        for name in [
            "pytest.ini",
            ".pytest.ini",
            "pyproject.toml",
            "tox.ini",
            "setup.cfg",
        ] {
            let text = RelPath::new(name)
                .ok()
                .filter(|path| files.contains(path))
                .and_then(|path| read(&path));
            if let Some(text) = text {
                pytest_files.insert(name.to_owned(), text);
            }
        }
        Ok(Self {
            config,
            rules,
            pytest_files,
        })
    }

    /// Which files hold items.
    #[must_use]
    pub fn item_rules(&self) -> ItemRules<'_> {
        ItemRules::new(&self.config, &self.rules, &|name| {
            self.pytest_files.get(name).cloned()
        })
    }

    /// What is carried into every tree: `[tree] carry`, and a `Cargo.lock` that git ignores, because it is what the
    /// developer's own builds use.
    #[must_use]
    pub fn carry_globs(&self) -> Vec<String> {
        let mut globs = self.config.tree.carry.clone();
        for runner in &self.config.runners {
            if runner.kind == RunnerKind::CargoTest {
                globs.push(if runner.root.is_empty() {
                    "/Cargo.lock".to_owned()
                } else {
                    format!("/{}/Cargo.lock", runner.root)
                });
            }
        }
        globs
    }

    /// The runners.
    ///
    /// # Errors
    /// A failure where no runner is configured or found.
    pub fn runners(&self) -> Result<Vec<Box<dyn Runner>>, Failure> {
        if self.config.runners.is_empty() {
            return Err(Failure::not_ready(
                "no test runner was found here",
                "this version knows pytest (pyproject.toml, setup.py, tests/test_*.py), cargo test (Cargo.toml), go test (go.mod), and node:test, vitest, jest and mocha (package.json); anything else: write `[runner]` with `kind = \"junit\"` and a `command` that writes a JUnit XML report into redgreen.toml",
            ));
        }
        Ok(self.config.runners.iter().map(adapter).collect())
    }
}

/// The text of a link is not the configuration that somebody sees in an editor.
fn no_link(tree: &Snapshot) -> Result<(), Failure> {
    for place in crate::config::PLACES {
        let linked = RelPath::new(place)
            .ok()
            .and_then(|path| tree.get(&path))
            .is_some_and(|file| file.mode == Mode::Link);
        if linked {
            return Err(Failure::usage(
                format!("`{place}` is a symbolic link; the configuration is a regular file of the repository"),
                format!("put a copy in its place: cp --remove-destination \"$(realpath {place})\" {place}"),
            )
            .at(place));
        }
    }
    Ok(())
}

/// A runner in a folder that does not exist would find no test and say only that.
fn roots_are_there(config: &Config, files: &BTreeSet<RelPath>) -> Result<(), Failure> {
    for runner in &config.runners {
        if !runner.root.is_empty() && !files.iter().any(|path| path.is_below(&runner.root)) {
            let place = config
                .origin
                .as_ref()
                .map_or("redgreen.toml", RelPath::as_str);
            return Err(Failure::usage(
                format!(
                    "the runner's `root = \"{}\"` is no folder of the repository",
                    runner.root
                ),
                "name a folder with committed files, relative to the top level",
            )
            .at(place));
        }
    }
    Ok(())
}

/// A carry list that cannot be followed.
#[must_use]
pub fn carry_failure(error: redgreen_host::carry::CarryError) -> Failure {
    Failure::not_ready(error.to_string(), "correct `[tree] carry` in redgreen.toml")
}

/// The adapter of a runner.
#[must_use]
pub fn adapter(settings: &RunnerSettings) -> Box<dyn Runner> {
    match settings.kind {
        RunnerKind::Pytest => {
            Box::new(redgreen_host::runner::pytest::Pytest::new(settings.clone()))
        }
        RunnerKind::CargoTest => Box::new(redgreen_host::runner::cargo_test::CargoTest::new(
            settings.clone(),
        )),
        RunnerKind::GoTest => Box::new(redgreen_host::runner::go_test::GoTest::new(
            settings.clone(),
        )),
        RunnerKind::Junit => Box::new(redgreen_host::runner::junit::Junit::new(settings.clone())),
        RunnerKind::NodeTest | RunnerKind::Vitest | RunnerKind::Jest | RunnerKind::Mocha => {
            Box::new(redgreen_host::runner::javascript::JavaScript::new(
                settings.clone(),
            ))
        }
    }
}

/// Environment records by runner name (empty text without one), with one digest over all.
#[derive(Debug, Clone, Default)]
pub struct Environments {
    /// By runner name.
    pub by_runner: BTreeMap<String, Environment>,
}

/// Puts the tree's toolchain files where the adapter looks, if those of the checkout are others: which toolchain is asked is
/// for the locked tree to say, not for whoever writes into the checkout.
fn locked_toolchain_files(
    context: &Context,
    tree: &Snapshot,
    scratch: &Path,
) -> Result<(), Failure> {
    const NAMES: [&str; 2] = ["rust-toolchain", "rust-toolchain.toml"];
    let top = context.repository.top_level();
    let mut folders: BTreeSet<String> = tree
        .files()
        .keys()
        .filter(|path| path.file_name() == "Cargo.toml" || NAMES.contains(&path.file_name()))
        .map(|path| {
            path.parent()
                .map(|folder| folder.to_string())
                .unwrap_or_default()
        })
        .collect();
    folders.insert(String::new());
    let mut files = Vec::new();
    let mut differs = false;
    for folder in &folders {
        for name in NAMES {
            let path = if folder.is_empty() {
                name.to_owned()
            } else {
                format!("{folder}/{name}")
            };
            let Ok(path) = RelPath::new(path) else {
                continue;
            };
            let locked = text_of(tree, &context.repository, &path)?;
            differs |= locked != redgreen_host::files::text(&top.join(path.as_str()));
            files.extend(locked.map(|text| (path, text)));
        }
    }
    if !differs {
        return Ok(());
    }
    let place = scratch.join(redgreen_host::runner::LOCKED_FILES);
    let put = |file: PathBuf, text: &str| {
        redgreen_host::state::write_atomically(&file, text.as_bytes()).map_err(Failure::internal)
    };
    for folder in &folders {
        // The folder itself is what is needed; rustup looks in it and above it.
        put(place.join(folder).join(".keep"), "")?;
    }
    files
        .iter()
        .try_for_each(|(path, text)| put(place.join(path.as_str()), text))
}

impl Environments {
    /// Resolves the environment of every runner, with what is carried into the tree and prepared in it (SPEC B4, C5).
    ///
    /// # Errors
    /// A failure with the next step when a tool is missing or a carried file cannot be read.
    pub fn resolve(
        context: &Context,
        setting: &Setting,
        tree: &Snapshot,
        runners: &[Box<dyn Runner>],
    ) -> Result<Self, Failure> {
        super::isolation::prepare(context, setting)?;
        let scratch = context
            .state
            .scratch("environment")
            .map_err(Failure::internal)?;
        let workspace = workspace(
            context,
            context.repository.top_level(),
            scratch.path().to_path_buf(),
        );
        let mut by_runner = BTreeMap::new();
        let carried: BTreeMap<String, Digest> = redgreen_host::carry::carried(
            context.repository.top_level(),
            &setting.carry_globs(),
            tree,
        )
        .map_err(carry_failure)?
        .into_iter()
        .map(|(path, digest)| (path.to_string(), digest))
        .collect();
        locked_toolchain_files(context, tree, scratch.path())?;
        for runner in runners {
            let name = runner
                .settings()
                .name
                .as_ref()
                .map_or_else(String::new, ToString::to_string);
            let mut environment = runner.environment(&workspace).map_err(|reason| {
                let mut failure = Failure::from(reason);
                failure.exit = ExitCode::EnvironmentNotReady;
                failure
            })?;
            environment.carried.extend(carried.clone());
            environment.prepare.clone_from(&setting.config.tree.prepare);
            by_runner.insert(name, environment);
        }
        Ok(Self { by_runner })
    }
    /// The same with the search paths of the lock. Every terminal has a search path of its own; which tools it leads to
    /// is recorded apart, so that a run uses the recorded path and another terminal is no change.
    #[must_use]
    pub fn with_search_paths_of(mut self, locked: &BTreeMap<String, Environment>) -> Self {
        for (name, environment) in &mut self.by_runner {
            let recorded = locked
                .get(name)
                .and_then(|locked| locked.variables.get("PATH"));
            if let (Some(path), Some(own)) = (recorded, environment.variables.get_mut("PATH")) {
                own.clone_from(path);
            }
        }
        self
    }
    /// One digest over all records.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let text: String = self
            .by_runner
            .iter()
            .map(|(name, environment)| format!("{name}\0{}\n", environment.digest()))
            .collect();
        Digest::of(text.as_bytes())
    }
    /// The record of a runner.
    #[must_use]
    pub fn of(&self, runner: &RunnerSettings) -> Option<&Environment> {
        self.by_runner
            .get(runner.name.as_ref().map_or("", |name| name.as_str()))
    }
}

/// Folders of one run.
#[must_use]
pub fn workspace(context: &Context, checkout: &Path, scratch: PathBuf) -> Workspace {
    Workspace {
        checkout: checkout.to_path_buf(),
        cache: context.state.cache(),
        scratch,
    }
}
