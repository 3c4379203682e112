//! Building the test targets, and what the messages of that build prove.

use super::project::{Member, Project, loaded_from_elsewhere};
use super::shell::Shell;
use crate::runner::{CouldNotRun, Request, RunnerSettings, Selection};
use cargo_metadata::Artifact;
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::Ended;
use redgreen_formats::cargo::messages::{self, BuildMessages};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What is to be built and run.
#[derive(Debug, Default)]
pub struct Plan {
    /// The test targets that must come out of the build.
    pub targets: Vec<usize>,
    /// The cargo commands that build them, in order.
    pub commands: Vec<Vec<String>>,
    /// Whether all targets of the project are built, in one command.
    pub everything: bool,
    /// Packages whose doctests run.
    pub doctests: Vec<usize>,
}

/// What came of the build.
#[derive(Debug)]
pub struct Built {
    /// All messages of all commands.
    pub messages: BuildMessages,
    /// Test executables by target.
    pub executables: BTreeMap<usize, PathBuf>,
    /// How the worst command ended.
    pub ended: Ended,
    /// Why the build proves nothing.
    pub problems: Vec<Reason>,
    /// cargo's own error lines.
    pub errors: Vec<String>,
}

/// Decides what to build. Selected files that no target compiles mean: build everything.
#[must_use]
pub fn plan(project: &Project, request: &Request<'_>, settings: &RunnerSettings) -> Plan {
    let all: Vec<usize> = (0..project.targets.len()).collect();
    let everything = Plan {
        commands: vec![build_command(
            settings,
            &["--tests".to_owned()],
            &workspace_flags(settings, project),
        )],
        targets: all,
        everything: true,
        doctests: Vec::new(),
    };
    let files: BTreeSet<&str> = match request.selection {
        Selection::All => {
            return Plan {
                doctests: doctest_packages(project),
                ..everything
            };
        }
        Selection::Files(files) => files.iter().map(|file| file.as_str()).collect(),
        Selection::Items(items) => items.iter().map(|item| item.path.as_str()).collect(),
    };
    let mut targets = BTreeSet::new();
    for file in files {
        let owners = project.targets_of(file);
        if owners.is_empty() {
            return everything;
        }
        targets.extend(owners);
    }
    let mut commands = Vec::new();
    for &index in &targets {
        let target = &project.targets[index];
        let Some(member) = project.packages.get(target.package) else {
            continue;
        };
        let packages = package_flags(settings, project, member);
        commands.push(match target.kind {
            // `cargo build --lib` would build the library itself, not its tests.
            "lib" => no_run_command(settings, &["--lib".to_owned()], &packages),
            kind => no_run_or_build(settings, kind, &target.name, &packages),
        });
    }
    Plan {
        targets: targets.into_iter().collect(),
        commands: merged(commands),
        everything: false,
        doctests: selected_doctest_packages(project, request),
    }
}

fn doctest_packages(project: &Project) -> Vec<usize> {
    (0..project.packages.len())
        .filter(|&index| {
            project.packages[index]
                .package
                .targets
                .iter()
                .any(|target| target.doctest)
                && (!project.one_package
                    || project.targets.iter().any(|target| target.package == index))
        })
        .collect()
}

/// A selected item that is no static test item of its file can only be a doctest.
fn selected_doctest_packages(project: &Project, request: &Request<'_>) -> Vec<usize> {
    let Selection::Items(items) = request.selection else {
        return Vec::new();
    };
    let wanted: BTreeSet<usize> = items
        .iter()
        .filter(|item| !request.items.iter().any(|known| known.id == **item))
        .flat_map(|item| project.targets_of(item.path.as_str()))
        .filter(|&index| project.targets[index].kind == "lib")
        .map(|index| project.targets[index].package)
        .collect();
    let with_doctests: BTreeSet<usize> = doctest_packages(project).into_iter().collect();
    wanted.intersection(&with_doctests).copied().collect()
}

fn no_run_or_build(
    settings: &RunnerSettings,
    kind: &str,
    name: &str,
    packages: &[String],
) -> Vec<String> {
    let selector = vec![format!("--{kind}"), name.to_owned()];
    match kind {
        "test" | "bench" => build_command(settings, &selector, packages),
        // Binaries and examples are built as programs by `cargo build --bin`.
        _ => no_run_command(settings, &selector, packages),
    }
}

/// The commands that build all dependencies of what a plan builds, over the skeleton of [`super::store`].
#[must_use]
pub fn skeleton_commands(
    project: &Project,
    plan: &Plan,
    settings: &RunnerSettings,
) -> Vec<Vec<String>> {
    let tests = ["--tests".to_owned()];
    if plan.everything {
        return vec![build_command(
            settings,
            &tests,
            &workspace_flags(settings, project),
        )];
    }
    let packages: BTreeSet<usize> = plan
        .targets
        .iter()
        .map(|&index| project.targets[index].package)
        .collect();
    let mut commands: Vec<Vec<String>> = packages
        .into_iter()
        .filter_map(|index| project.packages.get(index))
        .map(|member| build_command(settings, &tests, &package_flags(settings, project, member)))
        .collect();
    commands.dedup();
    commands
}

/// The commands that run doctests. They choose packages as the build does: another choice unifies other features, and
/// every dependency would be built again.
#[must_use]
pub fn doctest_commands(
    project: &Project,
    plan: &Plan,
    settings: &RunnerSettings,
) -> Vec<Vec<String>> {
    let command = |packages: &[String]| {
        let mut command = vec![
            "test".to_owned(),
            "--doc".to_owned(),
            "--no-fail-fast".to_owned(),
        ];
        command.extend(
            settings
                .arguments
                .iter()
                .filter(|argument| !matches!(argument.as_str(), "--tests" | "--all-targets"))
                .cloned(),
        );
        command.extend_from_slice(packages);
        command
    };
    if plan.doctests.is_empty() {
        return Vec::new();
    }
    if plan.everything {
        return vec![command(&workspace_flags(settings, project))];
    }
    let mut commands: Vec<Vec<String>> = plan
        .doctests
        .iter()
        .filter_map(|&index| project.packages.get(index))
        .map(|member| command(&package_flags(settings, project, member)))
        .collect();
    commands.dedup();
    commands
}

/// Neighbouring `cargo build` commands of one package become one, so that all their diagnostics come at once.
fn merged(commands: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let mut out: Vec<Vec<String>> = Vec::new();
    for command in commands {
        let selector = command.iter().position(|part| part == "--test");
        if let (Some(at), Some(last)) = (selector, out.last_mut())
            && last.first() == command.first()
            && last[..at.min(last.len())] == command[..at]
            && command[at + 2..].is_empty()
        {
            last.extend_from_slice(&command[at..]);
            continue;
        }
        out.push(command);
    }
    out
}

/// Whether the configured arguments choose packages by themselves.
fn chooses_packages(settings: &RunnerSettings) -> bool {
    settings.arguments.iter().any(|argument| {
        matches!(
            argument.as_str(),
            "--workspace" | "--all" | "-p" | "--package" | "--exclude"
        ) || argument.starts_with("--package=")
            || argument.starts_with("--exclude=")
    })
}

fn workspace_flags(settings: &RunnerSettings, project: &Project) -> Vec<String> {
    if chooses_packages(settings) || project.one_package {
        Vec::new()
    } else {
        vec!["--workspace".to_owned()]
    }
}

/// `-p NAME@VERSION`, unless features are chosen by name: the package may not have them, and then cargo refuses. The
/// name alone is ambiguous where a dependency depends on a published version of the package, as criterion does on
/// itertools. The full id is no choice: it contains the path, and the same command is run in a skeleton elsewhere.
fn package_flags(settings: &RunnerSettings, project: &Project, member: &Member) -> Vec<String> {
    let features = settings
        .arguments
        .iter()
        .any(|argument| argument.starts_with("--features") || argument.starts_with("-F"));
    if chooses_packages(settings) || features {
        workspace_flags(settings, project)
    } else {
        vec![
            "-p".to_owned(),
            format!("{}@{}", member.name, member.package.version),
        ]
    }
}

fn profile_flags(settings: &RunnerSettings) -> Vec<String> {
    let chosen = settings.arguments.iter().any(|argument| {
        argument == "--release" || argument == "-r" || argument.starts_with("--profile")
    });
    if chosen {
        Vec::new()
    } else {
        vec!["--profile".to_owned(), "test".to_owned()]
    }
}

fn build_command(
    settings: &RunnerSettings,
    selectors: &[String],
    packages: &[String],
) -> Vec<String> {
    let mut command = vec!["build".to_owned(), "--keep-going".to_owned()];
    command.extend(profile_flags(settings));
    finish(command, settings, selectors, packages)
}

fn no_run_command(
    settings: &RunnerSettings,
    selectors: &[String],
    packages: &[String],
) -> Vec<String> {
    let command = vec!["test".to_owned(), "--no-run".to_owned()];
    finish(command, settings, selectors, packages)
}

fn finish(
    mut command: Vec<String>,
    settings: &RunnerSettings,
    selectors: &[String],
    packages: &[String],
) -> Vec<String> {
    command.push("--message-format=json".to_owned());
    command.extend_from_slice(&settings.arguments);
    command.extend_from_slice(packages);
    command.extend_from_slice(selectors);
    command
}

/// Makes sure that there is a lock file in the tree, and says how cargo is to treat it.
///
/// # Errors
/// The reason why cargo refused.
pub fn lock_flags(
    shell: &mut Shell<'_>,
    workspace_root: &Path,
) -> Result<Vec<String>, CouldNotRun> {
    if !workspace_root.join("Cargo.lock").is_file() {
        let offline = shell.cargo(&["generate-lockfile".to_owned(), "--offline".to_owned()])?;
        if !offline.success() {
            let online = shell.cargo(&["generate-lockfile".to_owned()])?;
            if !online.success() {
                return Err(refusal(&online.stderr_text(), shell));
            }
        }
    }
    Ok(vec!["--offline".to_owned(), "--locked".to_owned()])
}

/// Runs the commands. What a later command finds built by an earlier one of the same run is no stale build.
///
/// # Errors
/// A reason when cargo could not be started, was ended by a limit, or refused before it built anything.
pub fn build(
    shell: &mut Shell<'_>,
    project: &Project,
    plan: &Plan,
    lock: &[String],
    request: &Request<'_>,
) -> Result<Built, CouldNotRun> {
    let mut built = Built {
        messages: BuildMessages::default(),
        executables: BTreeMap::new(),
        ended: Ended::Code(0),
        problems: Vec::new(),
        errors: Vec::new(),
    };
    let mut produced: BTreeSet<String> = BTreeSet::new();
    for command in &plan.commands {
        let mut arguments = command.clone();
        arguments.extend_from_slice(lock);
        let mut finished = shell.cargo(&arguments)?;
        let mut found = messages::parse(&finished.stdout_text());
        if found.finished.is_none() && needs_network(&finished.stderr_text()) {
            fetch(shell, project, request)?;
            finished = shell.cargo(&arguments)?;
            found = messages::parse(&finished.stdout_text());
        }
        if found.finished.is_none() {
            return Err(refusal(&finished.stderr_text(), shell));
        }
        if found.finished != Some(finished.success()) {
            built.problems.push(Reason::new(
                ReasonCode::ExitCodeDisagrees,
                format!(
                    "cargo ended with {:?} and its messages say success = {:?}",
                    finished.ended, found.finished
                ),
                "look for a build script or macro that prints to cargo's output",
            ));
        }
        for text in found.contradictions() {
            built.problems.push(Reason::new(
                ReasonCode::ReportTampered,
                text,
                "look for a macro that prints to the compiler's output",
            ));
        }
        check_artifacts(&found, project, shell, &mut produced, &mut built);
        built.errors.extend(error_lines(&finished.stderr_text()));
        if !finished.success() {
            built.ended = finished.ended;
        }
        built.messages.append(found);
    }
    Ok(built)
}

fn check_artifacts(
    found: &BuildMessages,
    project: &Project,
    shell: &Shell<'_>,
    produced: &mut BTreeSet<String>,
    built: &mut Built,
) {
    for artifact in &found.artifacts {
        if !is_local(&artifact.package_id.repr) {
            continue;
        }
        if project
            .relative(artifact.manifest_path.as_std_path())
            .is_none()
        {
            built.problems.push(loaded_from_elsewhere(&format!(
                "the package `{}` was built from outside the tree: `{}`",
                artifact.target.name, artifact.manifest_path
            )));
        }
        let known = artifact
            .filenames
            .iter()
            .all(|file| produced.contains(file.as_str()));
        if artifact.fresh && !known {
            built.problems.push(loaded_from_elsewhere(&format!(
                "a stale build was used: target `{}` was not compiled in this run",
                artifact.target.name
            )));
        }
        produced.extend(artifact.filenames.iter().map(ToString::to_string));
        sources_in_tree(artifact, project, shell, built);
        if artifact.profile.test
            && let Some(executable) = &artifact.executable
            && let Some(index) = project.target_index(&artifact.package_id.repr, &artifact.target)
        {
            if executable.as_std_path().starts_with(&shell.target) {
                built
                    .executables
                    .insert(index, executable.as_std_path().to_owned());
            } else {
                built.problems.push(loaded_from_elsewhere(&format!(
                    "the test program of `{}` is not in this run's build folder",
                    artifact.target.name
                )));
            }
        }
    }
}

/// rustc lists every file that it read in a `.d` file beside what it wrote; each must lie in the tree or be generated in
/// this run's build folder (`#[path]` and `include!` can name any file).
fn sources_in_tree(artifact: &Artifact, project: &Project, shell: &Shell<'_>, built: &mut Built) {
    let Some(list) = artifact.filenames.iter().find_map(|file| {
        let path = file.as_std_path();
        let stem = path.file_stem()?.to_string_lossy().into_owned();
        let stem = stem.strip_prefix("lib").map_or(stem.clone(), str::to_owned);
        [stem, path.file_stem()?.to_string_lossy().into_owned()]
            .into_iter()
            .find_map(|stem| std::fs::read_to_string(path.with_file_name(format!("{stem}.d"))).ok())
    }) else {
        return;
    };
    let mut outside = BTreeSet::new();
    for line in list.lines() {
        // Besides the rule lines, rustc writes an empty rule for each file: `path:`.
        let Some(file) = line.strip_suffix(':') else {
            continue;
        };
        let path = PathBuf::from(file.replace("\\ ", " "));
        let absolute = if path.is_absolute() {
            path
        } else {
            project.workspace_root.join(path)
        };
        let real = absolute.canonicalize().unwrap_or(absolute);
        if !real.starts_with(&project.tree) && !real.starts_with(&shell.target) {
            outside.insert(real);
        }
    }
    for path in outside {
        built.problems.push(loaded_from_elsewhere(&format!(
            "target `{}` was compiled with a file outside the tree: `{}`",
            artifact.target.name,
            path.display()
        )));
    }
}

/// Packages that lie on this machine, as their ids say (`path+file:///…`).
#[must_use]
pub fn is_local(package_id: &str) -> bool {
    package_id.starts_with("path+") || package_id.contains("(path+")
}

/// How the user's network is reached; only `cargo fetch` sees them, which runs no code of any package.
const NETWORK_VARIABLES: &[&str] = &[
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "all_proxy",
    "https_proxy",
    "http_proxy",
    "no_proxy",
    "CARGO_HTTP_CAINFO",
    "CARGO_HTTP_PROXY",
    "CARGO_NET_GIT_FETCH_WITH_CLI",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];

/// Whether cargo refused because something is not on this machine yet.
#[must_use]
pub fn needs_network(stderr: &str) -> bool {
    stderr.contains("--offline") || stderr.contains("offline mode")
}

/// One `cargo fetch`; third-party code is unpacked, none is run.
///
/// # Errors
/// The reason why cargo refused.
pub fn fetch(
    shell: &mut Shell<'_>,
    project: &Project,
    request: &Request<'_>,
) -> Result<(), CouldNotRun> {
    let mut spec = shell.cargo_spec(&["fetch".to_owned(), "--locked".to_owned()]);
    // In the user's own cargo home: his credentials and mirrors are configured there.
    spec.sees = crate::process::Sees::Everything;
    spec.network = crate::process::Network::Host;
    if let Some(home) = request.environment.variables.get("CARGO_HOME") {
        spec.env.insert("CARGO_HOME".to_owned(), home.clone());
        spec.writable.push(PathBuf::from(home));
    }
    for name in NETWORK_VARIABLES {
        if let Some(value) = crate::env::variable(name) {
            spec.env.insert((*name).to_owned(), value);
        }
    }
    let finished = super::shell::start(&spec)?;
    shell.record(&spec.argv, &finished);
    super::shell::within_limits(&finished, "cargo fetch", shell.timeout)?;
    if finished.success() {
        super::home::prepare(shell, &project.workspace_root, request)
    } else {
        Err(refusal(&finished.stderr_text(), shell))
    }
}

fn error_lines(stderr: &str) -> Vec<String> {
    stderr
        .lines()
        .filter(|line| line.starts_with("error"))
        .map(str::to_owned)
        .collect()
}

/// Why cargo refused before it built anything.
#[must_use]
pub fn refusal(stderr: &str, shell: &Shell<'_>) -> CouldNotRun {
    Box::new(refusal_reason(stderr, shell))
}

fn refusal_reason(stderr: &str, shell: &Shell<'_>) -> Reason {
    let first = stderr
        .lines()
        .position(|line| line.starts_with("error"))
        .unwrap_or(0);
    let text: Vec<&str> = stderr
        .lines()
        .skip(first)
        .filter(|line| !line.trim().is_empty())
        .take(8)
        .collect();
    let text = shell.shown(&text.join(" | "));
    if stderr.contains("--locked was passed")
        || stderr.contains("lock file") && stderr.contains("needs to be updated")
    {
        return Reason::new(
            ReasonCode::RunnerUsageError,
            "`Cargo.lock` does not fit the manifests: cargo would have to change it",
            "bring it up to date in the checkout: cargo update --workspace; then commit it, unless git ignores it",
        );
    }
    if stderr.contains("failed to parse manifest") || stderr.contains("could not parse") {
        return Reason::new(
            ReasonCode::RunnerUsageError,
            format!("a manifest cannot be read: {text}"),
            "correct the named `Cargo.toml`",
        );
    }
    if stderr.contains("could not find `Cargo.toml`") {
        return Reason::new(
            ReasonCode::RunnerUsageError,
            format!("there is no cargo project here: {text}"),
            "set `root` of the runner in `redgreen.toml` to the folder of `Cargo.toml`",
        );
    }
    if stderr.contains("failed to download") || stderr.contains("network") || needs_network(stderr)
    {
        return Reason::new(
            ReasonCode::EnvironmentFault,
            format!("dependencies are missing and cannot be fetched: {text}"),
            "run `cargo fetch` in the checkout",
        );
    }
    Reason::new(
        ReasonCode::RunnerUsageError,
        format!("cargo refused: {text}"),
        "run the same cargo command in the checkout, and look at `arguments` of the runner",
    )
}
