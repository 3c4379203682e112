//! What a Python environment consists of: versions, plugins, every file of site-packages (SPEC C3).

use super::interpreter::{Found, make_again, user_variables};
use super::{fault, io};
use crate::process::{self, Spec};
use crate::runner::{CouldNotRun, Workspace};
use redgreen_core::environment::Environment;
use redgreen_core::id::Digest;
use redgreen_core::run_report::Ended;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const SURVEY: &str = include_str!("probe/redgreen_survey.py");

/// What `redgreen_survey.py` prints.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Facts {
    /// `Python 3.11.7`.
    pub(super) version: String,
    /// The real binary.
    pub(super) real: String,
    /// pytest's version; `None` where it cannot be imported.
    pub(super) pytest: Option<String>,
    /// The names of all `pytest11` entry points.
    pub(super) plugins: Vec<String>,
    /// Files of the project's own, not editable, distribution in site-packages.
    pub(super) own_files: Vec<String>,
    /// The project's own distribution names.
    pub(super) own_names: Vec<String>,
    /// The folders that packages are loaded from.
    pub(super) site: Vec<PathBuf>,
    /// The user's own base folder, where packages are installed in it.
    pub(super) user_base: Option<String>,
    /// Why pytest cannot be imported.
    #[serde(default)]
    pub(super) problem: Option<String>,
}

/// Asks the interpreter.
pub(super) fn survey(
    found: &Found,
    user: &BTreeMap<String, String>,
    root: &Path,
    workspace: &Workspace,
) -> Result<Facts, CouldNotRun> {
    fs::create_dir_all(&workspace.scratch)
        .map_err(|error| io("create", &workspace.scratch, &error))?;
    let launcher = found.launcher.display().to_string();
    let argv = vec![
        launcher.clone(),
        "-c".to_owned(),
        SURVEY.to_owned(),
        workspace.checkout.display().to_string(),
        root.display().to_string(),
    ];
    let mut spec = Spec::new("python survey", argv, &workspace.scratch);
    spec.env = user_variables(user);
    spec.env
        .insert("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned());
    spec.timeout = Duration::from_secs(120);
    let broken = |said: &str| {
        fault(
            format!(
                "the interpreter `{launcher}` ({}) does not work: {said}",
                found.how
            ),
            format!("make the environment again: {}", make_again(root)),
        )
    };
    let finished = process::run(&spec).map_err(|error| broken(&error.to_string()))?;
    let facts: Facts = match serde_json::from_slice(&finished.stdout) {
        Ok(facts) if finished.ended == Ended::Code(0) => facts,
        Ok(_) | Err(_) => {
            let said = finished.stderr_text();
            return Err(broken(said.lines().last().unwrap_or("it printed nothing")));
        }
    };
    if facts.pytest.is_none() {
        let why = facts
            .problem
            .clone()
            .unwrap_or_else(|| "no such package".to_owned());
        let help = if root.join("uv.lock").is_file() {
            "`uv add --dev pytest`, then `uv sync`".to_owned()
        } else if root.join("poetry.lock").is_file() {
            "`poetry add --group dev pytest`, then `poetry install`".to_owned()
        } else if found
            .launcher
            .parent()
            .and_then(Path::parent)
            .is_some_and(|venv| venv.join("pyvenv.cfg").is_file())
        {
            format!("`{launcher} -m pip install pytest`")
        } else {
            make_again(root).to_owned()
        };
        return Err(fault(
            format!(
                "pytest cannot be imported by `{launcher}` ({}): {why}",
                found.how
            ),
            help,
        ));
    }
    Ok(facts)
}

/// Digests every file of site-packages but `__pycache__`, and keeps the list so that a difference can name the file.
pub(super) fn digest_site(facts: &Facts, workspace: &Workspace) -> Result<Digest, CouldNotRun> {
    let mut list = String::new();
    for folder in &facts.site {
        let mut lines = Vec::new();
        walk(folder, folder, &mut lines).map_err(|(path, error)| io("read", &path, &error))?;
        lines.sort();
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        for (path, identity) in lines {
            // One entry per line: `sha256 size folder/path`.
            _ = writeln!(list, "{identity} {name}/{path}");
        }
    }
    let digest = Digest::of(list.as_bytes());
    let file = list_file(workspace, digest);
    write_cache(&file, list.as_bytes())?;
    Ok(digest)
}

fn walk(
    top: &Path,
    folder: &Path,
    lines: &mut Vec<(String, String)>,
) -> Result<(), (PathBuf, std::io::Error)> {
    let at = |error| (folder.to_owned(), error);
    for entry in fs::read_dir(folder).map_err(at)? {
        let entry = entry.map_err(at)?;
        let path = entry.path();
        let kind = entry.file_type().map_err(|error| (path.clone(), error))?;
        if kind.is_dir() {
            if entry.file_name() != "__pycache__" {
                walk(top, &path, lines)?;
            }
            continue;
        }
        let identity = if kind.is_symlink() {
            let target = fs::read_link(&path).map_err(|error| (path.clone(), error))?;
            format!(
                "link:{} 0",
                Digest::of(target.as_os_str().as_encoded_bytes()).hex()
            )
        } else if kind.is_file() {
            let bytes = fs::read(&path).map_err(|error| (path.clone(), error))?;
            format!("{} {}", Digest::of(&bytes).hex(), bytes.len())
        } else {
            "special 0".to_owned()
        };
        let relative = path.strip_prefix(top).unwrap_or(&path);
        lines.push((relative.to_string_lossy().into_owned(), identity));
    }
    Ok(())
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.cache.join("pytest")
}

fn list_file(workspace: &Workspace, digest: Digest) -> PathBuf {
    folder(workspace).join(format!("{}.files", digest.hex()))
}

fn facts_file(workspace: &Workspace, digest: Digest) -> PathBuf {
    // Worktrees of one repository share the cache; what belongs to the project itself depends on the checkout.
    let checkout = Digest::of(workspace.checkout.as_os_str().as_encoded_bytes()).short();
    folder(workspace).join(format!("{}-{checkout}.json", digest.hex()))
}

fn warm_folder(workspace: &Workspace, digest: Digest) -> PathBuf {
    folder(workspace).join(format!("{}.pyc", digest.hex()))
}

fn write_cache(file: &Path, bytes: &[u8]) -> Result<(), CouldNotRun> {
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent).map_err(|error| io("create", parent, &error))?;
    }
    fs::write(file, bytes).map_err(|error| io("write", file, &error))
}

/// Keeps the facts for the runs.
pub(super) fn store(facts: &Facts, site: Digest, workspace: &Workspace) -> Result<(), CouldNotRun> {
    let bytes = serde_json::to_vec(facts).unwrap_or_default();
    write_cache(&facts_file(workspace, site), &bytes)
}

fn site_digest(environment: &Environment) -> Option<Digest> {
    environment.dependencies.get("site-packages").copied()
}

/// The facts of a recorded environment; `None` when the cache was cleaned since.
pub(super) fn load(environment: &Environment, workspace: &Workspace) -> Option<Facts> {
    let bytes = fs::read(facts_file(workspace, site_digest(environment)?)).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Compiles pytest and its plugins once per environment, before any project code runs: the runs never read the
/// `__pycache__` of the environment (it is not digested), and compiling pytest anew costs 0.7 s each time.
/// What goes wrong here only costs time later.
pub(super) fn warm(launcher: &Path, facts: &Facts, site: Digest, workspace: &Workspace) {
    let target = warm_folder(workspace, site);
    if target.is_dir() {
        return;
    }
    let Ok(temporary) = crate::state::Temporary::new("warm", Some(&folder(workspace))) else {
        return;
    };
    let (pyc, empty) = (temporary.path().join("pyc"), temporary.path().join("empty"));
    if fs::create_dir_all(&pyc).is_err() || fs::create_dir_all(&empty).is_err() {
        return;
    }
    let mut argv: Vec<String> = vec![launcher.display().to_string()];
    argv.extend(
        [
            "-m",
            "pytest",
            "--collect-only",
            "-q",
            "--rootdir=.",
            "-c",
            "/dev/null",
        ]
        .map(str::to_owned),
    );
    for plugin in &facts.plugins {
        argv.extend(["-p".to_owned(), plugin.clone()]);
    }
    let mut spec = Spec::new("python compile", argv, &empty);
    spec.writable = vec![temporary.path().to_owned()];
    let variables = [
        ("PATH", "/usr/bin:/bin".to_owned()),
        ("HOME", empty.display().to_string()),
        ("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1".to_owned()),
        ("PYTHONPYCACHEPREFIX", pyc.display().to_string()),
    ];
    spec.env = variables
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    spec.timeout = Duration::from_secs(120);
    if process::run(&spec).is_ok() {
        _ = fs::rename(&pyc, &target);
    }
}

/// Gives a run its own copy of the compiled files, so that no run can change what another one loads.
pub(super) fn copy_warm(environment: &Environment, workspace: &Workspace, target: &Path) {
    if let Some(site) = site_digest(environment) {
        // A missing or partial copy is only slower: Python compiles what it does not find.
        _ = copy(&warm_folder(workspace, site), target);
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The list behind a digest of site-packages: path to `sha256 size`.
///
/// # Errors
/// A reason when the list is not in the cache any more.
pub fn dependency_files(
    workspace: &Workspace,
    digest: Digest,
) -> Result<BTreeMap<String, String>, CouldNotRun> {
    let file = list_file(workspace, digest);
    let text = fs::read_to_string(&file).map_err(|error| io("read", &file, &error))?;
    Ok(text
        .lines()
        .filter_map(|line| {
            let mut words = line.splitn(3, ' ');
            let identity = format!("{} {}", words.next()?, words.next()?);
            Some((words.next()?.to_owned(), identity))
        })
        .collect())
}

/// One file of the dependency environment that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependencyChange {
    /// The file, such as `site-packages/requests/api.py`.
    pub file: String,
    /// `added`, `changed` or `removed`.
    pub kind: &'static str,
}

/// Which files differ between two recorded environments.
///
/// # Errors
/// A reason when one of the lists is not in the cache any more.
pub fn dependency_changes(
    workspace: &Workspace,
    old: Digest,
    new: Digest,
) -> Result<Vec<DependencyChange>, CouldNotRun> {
    let (old, new) = (
        dependency_files(workspace, old)?,
        dependency_files(workspace, new)?,
    );
    let mut changes: Vec<DependencyChange> = new
        .iter()
        .filter_map(|(file, identity)| match old.get(file) {
            None => Some((file, "added")),
            Some(before) if before != identity => Some((file, "changed")),
            Some(_) => None,
        })
        .chain(
            old.keys()
                .filter(|file| !new.contains_key(*file))
                .map(|file| (file, "removed")),
        )
        .map(|(file, kind)| DependencyChange {
            file: file.clone(),
            kind,
        })
        .collect();
    changes.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(changes)
}
