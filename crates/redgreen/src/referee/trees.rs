//! Trees on disk: each one is private, built from bytes the referee read, and removed afterwards.

use super::context::{Context, Environments, Setting, carry_failure, workspace};
use super::services::{OfTree, Served, Servers};
use crate::error::Failure;
use redgreen_core::exit::ExitCode;
use redgreen_core::id::{ItemId, RelPath};
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::RunReport;
use redgreen_core::test_item::TestItem;
use redgreen_host::process::{self, Spec};
use redgreen_host::runner::{Request, Runner, RunnerKind, Selection};
use redgreen_host::state::Scratch;
use redgreen_host::tree::{Snapshot, materialise};
use redgreen_lint::expectations::Seed;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The scratch folder of the places that tests report. Every run of GREEN has it, controls or not: code under test must not
/// see which run it is in.
pub const SITES: &str = "sites";

/// A tree on disk with its scratch folders.
#[derive(Debug)]
pub struct TreeOnDisk {
    /// Programs that run its code, and its databases. They end before the folder is removed.
    services: OnceLock<OfTree>,
    /// What an application that runs over it was given.
    served: OnceLock<Served>,
    /// How often the last run over it used each server.
    used: Mutex<BTreeMap<String, u64>>,
    /// Removes everything on drop.
    scratch: Scratch,
    /// The tree.
    pub root: PathBuf,
}

/// The environment a prepare command or a check runs in.
fn command_environment(scratch: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let (home, temporary) = (scratch.join("home"), scratch.join("tmp"));
    for folder in [&home, &temporary] {
        std::fs::create_dir_all(folder).map_err(|error| {
            Failure::internal(format!("failed to create `{}`: {error}", folder.display()))
        })?;
    }
    let mut environment = redgreen_host::env::child(&home, &temporary);
    environment.extend(redgreen_host::env::toolchain_homes());
    environment.insert(
        "CARGO_TARGET_DIR".to_owned(),
        scratch.join("target").display().to_string(),
    );
    Ok(environment)
}

impl TreeOnDisk {
    /// Writes a tree, carries what git ignores and tests need, and runs the prepare commands.
    ///
    /// # Errors
    /// A failure when a file cannot be written or a prepare command fails.
    pub fn build(
        context: &Context,
        setting: &Setting,
        snapshot: &Snapshot,
        label: &str,
    ) -> Result<Self, Failure> {
        let scratch = context.state.scratch(label).map_err(Failure::internal)?;
        let root = scratch.path().join("tree");
        let written =
            materialise(snapshot, &context.repository, &root).map_err(Failure::internal)?;
        for left_out in &written.left_out {
            context.say_once(&format!("note    `{}`: {}", left_out.path, left_out.why));
        }
        let tree = Self {
            services: OnceLock::new(),
            served: OnceLock::new(),
            used: Mutex::default(),
            scratch,
            root,
        };
        tree.carry(context, setting, snapshot)?;
        tree.packages(context, setting)?;
        if setting.config.tree.git {
            tree.git_init()?;
        }
        for command in &setting.config.tree.prepare {
            tree.prepare(command)?;
        }
        Ok(tree)
    }

    /// Folder for reports, homes and build output of runs over this tree.
    #[must_use]
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn carry(
        &self,
        context: &Context,
        setting: &Setting,
        snapshot: &Snapshot,
    ) -> Result<(), Failure> {
        let carried = redgreen_host::carry::carry(
            context.repository.top_level(),
            &self.root,
            &setting.carry_globs(),
            snapshot,
        )
        .map_err(carry_failure)?;
        for (path, _) in carried {
            context.printer.detail(format!("carried {path}"));
        }
        Ok(())
    }

    /// Installed packages of JavaScript, for tests, prepare commands and checks.
    fn packages(&self, context: &Context, setting: &Setting) -> Result<(), Failure> {
        let any = setting
            .config
            .runners
            .iter()
            .any(|runner| runner.kind.is_javascript());
        if any {
            redgreen_host::runner::javascript::provide(context.repository.top_level(), &self.root)
                .map_err(|error| {
                    Failure::internal(format!("failed to link the installed packages: {error}"))
                })?;
        }
        Ok(())
    }

    fn git_init(&self) -> Result<(), Failure> {
        redgreen_host::clone::init_with_one_commit(&self.root, self.scratch.path())
            .map_err(Failure::internal)
    }

    fn prepare(&self, command: &str) -> Result<(), Failure> {
        let mut argv = shell_words::split(command).map_err(|error| {
            Failure::usage(
                format!("`[tree] prepare`: `{command}`: {error}"),
                "quote it as for a shell",
            )
        })?;
        if argv.is_empty() {
            return Ok(());
        }
        if let Some(program) = redgreen_host::env::find_program(&argv[0]) {
            argv[0] = program.found.display().to_string();
        }
        let mut spec = Spec::new("prepare", argv, &self.root);
        // Preparing often means installing from the lock file of a package manager.
        spec.network = process::Network::Host;
        spec.env = command_environment(self.scratch.path())?;
        spec.writable = vec![self.scratch.path().to_path_buf()];
        let finished = process::run(&spec).map_err(|error| {
            Failure::new(
                ExitCode::CouldNotRun,
                format!("prepare: {error}"),
                "correct `[tree] prepare`",
            )
        })?;
        if finished.success() {
            return Ok(());
        }
        let tail: Vec<String> = finished
            .stderr_text()
            .lines()
            .rev()
            .take(5)
            .map(str::to_owned)
            .collect();
        let reason = Reason::new(
            ReasonCode::PrepareFailed,
            format!(
                "`{command}` ended with {:?}: {}",
                finished.ended,
                tail.into_iter().rev().collect::<Vec<_>>().join(" | ")
            ),
            "correct `[tree] prepare` in redgreen.toml",
        );
        Err(Failure::from(Box::new(reason)))
    }

    /// Runs a command of a check in this tree.
    ///
    /// # Errors
    /// A failure when its folders cannot be made; a missing command is part of the result.
    pub fn check_spec(&self, label: &str, argv: Vec<String>) -> Result<Spec, Failure> {
        let mut spec = Spec::new(label, argv, &self.root);
        spec.env = command_environment(self.scratch.path())?;
        spec.writable = vec![self.scratch.path().to_path_buf()];
        Ok(spec)
    }

    fn serve(
        &self,
        context: &Context,
        setting: &Setting,
        servers: &Servers,
    ) -> Result<Served, Box<Reason>> {
        if self.services.get().is_none() {
            let own = servers.prepare_tree(context, &setting.config.services, self)?;
            let _ = self.services.set(own);
        }
        self.services
            .get()
            .map_or_else(|| Ok(Served::default()), |own| servers.serve(own))
    }

    /// Where the services of this tree are found, with databases of its own; for what is not a test command.
    ///
    /// # Errors
    /// A service that cannot be used.
    pub fn variables(
        &self,
        context: &Context,
        setting: &Setting,
    ) -> Result<BTreeMap<String, String>, Box<Reason>> {
        let Some(servers) = context.servers(setting)? else {
            return Ok(BTreeMap::new());
        };
        let served = self.serve(context, setting, &servers)?;
        let _ = self.served.set(served.clone());
        Ok(served.variables)
    }

    /// Asks the database that [`TreeOnDisk::variables`] told of.
    ///
    /// # Errors
    /// What the server says.
    pub fn ask_sql(
        &self,
        context: &Context,
        service: &str,
        statement: &str,
    ) -> Result<String, String> {
        let served = self.served.get().ok_or("no service was started")?;
        context.ask_sql(service, served, statement)
    }

    /// Whether every service of this tree still runs.
    ///
    /// # Errors
    /// The first that ended.
    pub fn services_run(&self, context: &Context, setting: &Setting) -> Result<(), Box<Reason>> {
        match (context.servers(setting)?, self.services.get()) {
            (Some(servers), Some(own)) => servers.check(own),
            _ => Ok(()),
        }
    }

    /// How often the last run of tests over this tree used each server that counts, by the server's own counters.
    #[must_use]
    pub fn used(&self) -> BTreeMap<String, u64> {
        self.used
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Runs tests of one runner over this tree.
    ///
    /// # Errors
    /// A failure when the runner could not be asked at all.
    #[expect(
        clippy::too_many_arguments,
        reason = "one call per run; a struct of the same names would say nothing more"
    )]
    pub fn run(
        &self,
        context: &Context,
        setting: &Setting,
        environments: &Environments,
        runner: &dyn Runner,
        selection: &Selection,
        items: &[TestItem],
        label: &str,
    ) -> Result<RunReport, Box<Reason>> {
        self.run_reporting(
            context,
            setting,
            environments,
            runner,
            selection,
            items,
            label,
            None,
        )
    }

    /// The same for tests with changed expectations, which report to a file below the folder of `sites` and take other
    /// values from its seed.
    ///
    /// # Errors
    /// A failure when the runner could not be asked at all.
    #[expect(
        clippy::too_many_arguments,
        reason = "one call per run; a struct of the same names would say nothing more"
    )]
    pub fn run_reporting(
        &self,
        context: &Context,
        setting: &Setting,
        environments: &Environments,
        runner: &dyn Runner,
        selection: &Selection,
        items: &[TestItem],
        label: &str,
        sites: Option<(&Path, &Seed)>,
    ) -> Result<RunReport, Box<Reason>> {
        let scratch = self.scratch(label);
        std::fs::create_dir_all(&scratch).map_err(|error| {
            Box::new(Reason::new(
                ReasonCode::EnvironmentFault,
                format!("failed to create `{}`: {error}", scratch.display()),
                "free some disk space",
            ))
        })?;
        let Some(environment) = environments.of(runner.settings()) else {
            return Err(Box::new(Reason::new(
                ReasonCode::EnvironmentFault,
                "the runner has no environment record",
                "run redgreen doctor",
            )));
        };
        let workspace = workspace(context, context.repository.top_level(), scratch);
        let servers = context.servers(setting)?;
        let served = match &servers {
            Some(servers) => self.serve(context, setting, servers)?,
            None => Served::default(),
        };
        // Where a service is found differs from run to run, so it is no part of the record.
        let mut environment = environment.clone();
        environment.variables.extend(served.variables.clone());
        let sites = sites
            .map(|(folder, seed)| site_file(folder, runner, seed))
            .transpose()?;
        let report = runner.run(&Request {
            tree: &self.root,
            selection,
            items,
            rules: &setting.rules,
            workspace: &workspace,
            environment: &environment,
            sites: sites.as_deref(),
        })?;
        if let (Some(servers), Some(own)) = (&servers, self.services.get()) {
            servers.check(own)?;
            *self.used.lock().unwrap_or_else(PoisonError::into_inner) = servers.used(&served);
        }
        let report = super::redaction::without_secrets(report);
        context
            .printer
            .detail(format!("{:8}$ {}", "", report.command.join(" ")));
        for line in report.tail.iter().rev().take(3).rev() {
            context.printer.detail(format!("{:8}  {line}", ""));
        }
        Ok(report)
    }
}

/// The file of a runner's sites. What other values are made of stands in its first line for pytest, which empties it before
/// anything of the project is loaded; other runners have it in the text of their tests.
fn site_file(folder: &Path, runner: &dyn Runner, seed: &Seed) -> Result<PathBuf, Box<Reason>> {
    let settings = runner.settings();
    let file = folder.join(match &settings.name {
        Some(name) => format!("evaluated-{name}"),
        None => "evaluated".to_owned(),
    });
    // Another seed than that of the text: what is known of the one says nothing of the other.
    let seed = seed.again();
    let first = match settings.kind {
        RunnerKind::Pytest => format!("offset\t{}\t{}\n", seed.offset(), seed.word()),
        RunnerKind::CargoTest
        | RunnerKind::GoTest
        | RunnerKind::Junit
        | RunnerKind::NodeTest
        | RunnerKind::Vitest
        | RunnerKind::Jest
        | RunnerKind::Mocha => String::new(),
    };
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&file, first))
        .map_err(|error| {
            Box::new(Reason::new(
                ReasonCode::EnvironmentFault,
                format!("failed to write `{}`: {error}", file.display()),
                "free some disk space",
            ))
        })?;
    Ok(file)
}

/// Everything that was reported to the files of a folder.
#[must_use]
pub fn reported(folder: &Path) -> String {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    files.sort();
    files
        .iter()
        .filter_map(|file| std::fs::read(file).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect()
}

/// Groups items by the runner they belong to.
#[must_use]
pub fn of_runner<'a>(
    items: impl IntoIterator<Item = &'a ItemId>,
    runner: &dyn Runner,
) -> Vec<ItemId> {
    items
        .into_iter()
        .filter(|item| match (&item.runner, &runner.settings().name) {
            (None, None) => true,
            (Some(name), Some(own)) => name == own,
            (None, Some(_)) | (Some(_), None) => false,
        })
        .cloned()
        .collect()
}

/// Files of a list that belong to a runner.
#[must_use]
pub fn files_of_runner(
    files: &std::collections::BTreeSet<RelPath>,
    rules: &super::items::ItemRules<'_>,
    runner: &dyn Runner,
) -> Vec<RelPath> {
    files
        .iter()
        .filter(|file| {
            rules.runner(file).is_some_and(|own| {
                own.name == runner.settings().name && own.kind == runner.settings().kind
            })
        })
        .cloned()
        .collect()
}
