//! Which node, and the environment record (SPEC B4, C3).

use super::{fault, io, packages};
use crate::env;
use crate::fingerprint::Fingerprints;
use crate::process::{self, Sees, Spec};
use crate::runner::{CouldNotRun, RunnerKind, RunnerSettings, Workspace};
use redgreen_core::environment::{Environment, Tool};
use redgreen_core::reason::{Reason, ReasonCode};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The lowest node whose `--import` and reporters do what the probe needs.
const LOWEST: (u32, u32) = (18, 19);

/// The entry of [`Environment::tools`] with the binary that is started.
const NODE: &str = "node";

fn not_found(program: &str) -> CouldNotRun {
    Box::new(Reason::new(
        ReasonCode::CommandNotFound,
        format!("`{program}` was not found"),
        "install node 18.19 or newer (or activate it: nvm use, fnm use, volta), or name it: `command = [\"/path/to/node\"]` under `[runner]`",
    ))
}

/// The real binary behind `node`, which may be a shim of a version manager: node itself is asked.
fn real(program: &str, folder: &Path) -> Result<(String, String), CouldNotRun> {
    let found = env::find_program(program).ok_or_else(|| not_found(program))?;
    let argv = ["-p", "process.version + '\\n' + process.execPath"].map(str::to_owned);
    let mut spec = Spec::new(NODE, vec![found.found.display().to_string()], folder);
    spec.argv.extend(argv);
    spec.env = env::all();
    spec.env.remove("NODE_OPTIONS");
    spec.sees = Sees::Everything;
    spec.isolation = process::Isolation::Process;
    spec.timeout = Duration::from_secs(60);
    let finished = process::run(&spec).map_err(|_| not_found(program))?;
    let text = finished.stdout_text();
    let mut lines = text.lines();
    match (lines.next(), lines.next()) {
        (Some(version), Some(path)) if version.starts_with('v') => {
            Ok((version.to_owned(), path.to_owned()))
        }
        _ => Err(fault(
            format!(
                "`{program}` did not say its version: {}",
                finished
                    .stderr_text()
                    .lines()
                    .next()
                    .unwrap_or("it printed nothing")
            ),
            "run `node --version` in the checkout and repair what it says",
        )),
    }
}

fn new_enough(version: &str) -> bool {
    let mut numbers = version
        .trim_start_matches('v')
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= LOWEST
}

/// The package of a runner; `None` for node:test.
fn package(kind: RunnerKind) -> Option<&'static str> {
    match kind {
        RunnerKind::Vitest => Some("vitest"),
        RunnerKind::Jest => Some("jest"),
        RunnerKind::Mocha => Some("mocha"),
        RunnerKind::NodeTest
        | RunnerKind::Pytest
        | RunnerKind::CargoTest
        | RunnerKind::GoTest
        | RunnerKind::Junit => None,
    }
}

/// Node, the installed packages and the runner.
pub(super) fn environment(
    settings: &RunnerSettings,
    workspace: &Workspace,
) -> Result<Environment, CouldNotRun> {
    let root = workspace.checkout.join(&settings.root);
    let program = settings
        .command
        .as_deref()
        .and_then(|command| command.first())
        .map_or(NODE, String::as_str);
    let (version, path) = real(program, &root)?;
    if !new_enough(&version) {
        return Err(fault(
            format!("node {version} is too old"),
            format!("use node {}.{} or newer", LOWEST.0, LOWEST.1),
        ));
    }
    let mut known = Fingerprints::open(&workspace.cache);
    let (digest, _) = known
        .digest(Path::new(&path))
        .map_err(|error| io("read", Path::new(&path), &error))?;
    let mut tools = BTreeMap::from([(
        NODE.to_owned(),
        Tool {
            version,
            path,
            digest,
        },
    )]);
    if let Some(package) = package(settings.kind) {
        let folder = packages::installed(&root, &workspace.checkout, package)
            .ok_or_else(|| packages::missing(package, &settings.root))?;
        let manifest = folder.join("package.json");
        let (digest, _) = known
            .digest(&manifest)
            .map_err(|error| io("read", &manifest, &error))?;
        let version = packages::version(&manifest);
        tools.insert(
            package.to_owned(),
            Tool {
                version,
                path: package.to_owned(),
                digest,
            },
        );
    }
    let dependencies = packages::digests(&workspace.checkout, &root, &mut known)
        .map_err(|error| io("read", &root.join("node_modules"), &error))?;
    known.save();
    if dependencies.is_empty() && packages::wants_some(&root) {
        return Err(packages::nothing_installed(&settings.root));
    }
    let mut variables = env::child(Path::new(""), Path::new(""));
    // The folders are those of each run.
    variables.remove("HOME");
    variables.remove("TMPDIR");
    for (name, value) in [
        ("TZ", "UTC"),
        ("LC_ALL", "C.UTF-8"),
        ("LANG", "C.UTF-8"),
        ("CI", "1"),
        ("NO_COLOR", "1"),
    ] {
        variables.insert(name.to_owned(), value.to_owned());
    }
    Ok(Environment {
        tools,
        dependencies,
        plugins: Vec::new(),
        carried: BTreeMap::new(),
        prepare: Vec::new(),
        variables,
        network: process::project_network().as_str().to_owned(),
        mount: "private".to_owned(),
    })
}

/// The binary of the record.
pub(super) fn recorded(environment: &Environment) -> Result<String, CouldNotRun> {
    match environment.tools.get(NODE) {
        Some(tool) if Path::new(&tool.path).is_file() => Ok(tool.path.clone()),
        Some(tool) => Err(Box::new(Reason::new(
            ReasonCode::EnvironmentChanged,
            format!("`{}` is not there any more, as it was recorded", tool.path),
            "install that node again, or lock again",
        ))),
        None => Err(fault("the environment record names no node", "lock again")),
    }
}
