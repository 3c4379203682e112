//! Compiled Python files that every run needs: those of pytest, its plugins and our probe.
//!
//! The runs never read the `__pycache__` of the environment (it is not digested, SPEC C3), and compiling pytest anew
//! costs about a second each time. So they are compiled once per environment, before any project code runs, into a
//! private folder. Where the system keeps a run from writing there, the run reads that folder itself; where it does
//! not, each run gets a copy, so that no run can change what another one loads. Copying three hundred files costs
//! more than starting Python.

use super::survey::{self, Facts};
use super::{LAUNCHER, io};
use crate::env;
use crate::process::{self, Isolation, Spec};
use crate::runner::{CouldNotRun, Workspace};
use redgreen_core::environment::Environment;
use redgreen_core::id::Digest;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The variable that names a folder for what several repositories or jobs may share; below the private state where it
/// is not set. It must be a folder that agents cannot write.
const SHARED: &str = "REDGREEN_SHARED_CACHE";

const FILES: [(&str, &str); 9] = [
    ("sitecustomize.py", include_str!("probe/sitecustomize.py")),
    (
        "redgreen_origin.py",
        include_str!("probe/redgreen_origin.py"),
    ),
    ("redgreen_start.py", include_str!("probe/redgreen_start.py")),
    ("redgreen_probe.py", include_str!("probe/redgreen_probe.py")),
    (
        "redgreen_exceptions.py",
        include_str!("probe/redgreen_exceptions.py"),
    ),
    ("redgreen_value.py", include_str!("probe/redgreen_value.py")),
    (
        "redgreen_options.py",
        include_str!("probe/redgreen_options.py"),
    ),
    (
        "redgreen_expectations.py",
        include_str!("probe/redgreen_expectations.py"),
    ),
    (
        "redgreen_compile.py",
        include_str!("probe/redgreen_compile.py"),
    ),
];

/// Where a run finds the probe and the compiled files.
pub(super) struct Folders {
    /// Our Python files.
    pub(super) probe: PathBuf,
    /// The prefix of compiled files.
    pub(super) compiled: PathBuf,
}

/// The folders for a run with this isolation. `own` is the run's own folder, for copies.
pub(super) fn folders(
    environment: &Environment,
    workspace: &Workspace,
    isolation: Isolation,
    own: &Path,
) -> Result<Folders, CouldNotRun> {
    let ready = key(environment).map(|key| prefix(workspace, key));
    match (isolation, ready) {
        (Isolation::Bubblewrap | Isolation::Landlock, Some(compiled)) if compiled.is_dir() => {
            Ok(Folders {
                probe: probe(workspace)?,
                compiled,
            })
        }
        (Isolation::Bubblewrap | Isolation::Landlock | Isolation::Process, ready) => {
            let (probe, compiled) = (own.join("p"), own.join("c"));
            write(&probe).map_err(|error| io("write", &probe, &error))?;
            if let Some(ready) = ready {
                // A missing or partial copy is only slower: Python compiles what it does not find.
                _ = copy(&ready, &compiled);
            }
            Ok(Folders { probe, compiled })
        }
    }
}

/// Compiles them, once per environment. What goes wrong here only costs time later.
pub(super) fn prepare(environment: &Environment, facts: &Facts, workspace: &Workspace) {
    let Some(key) = key(environment) else { return };
    let target = prefix(workspace, key);
    if target.is_dir() {
        return;
    }
    let (Ok(probe), Some(launcher)) = (probe(workspace), environment.tools.get(LAUNCHER)) else {
        return;
    };
    let Ok(temporary) = crate::state::Temporary::new("warm", Some(&base(workspace))) else {
        return;
    };
    let (pyc, empty) = (temporary.path().join("pyc"), temporary.path().join("empty"));
    if fs::create_dir_all(&pyc).is_err() || fs::create_dir_all(&empty).is_err() {
        return;
    }
    let text = |path: &Path| path.display().to_string();
    let mut argv = vec![launcher.path.clone()];
    argv.push(text(&probe.join("redgreen_compile.py")));
    argv.push(text(&probe));
    argv.extend(facts.plugins.iter().cloned());
    let mut spec = Spec::new("python compile", argv, &empty);
    spec.writable = vec![temporary.path().to_owned()];
    spec.readable = vec![base(workspace)];
    spec.readable.extend(facts.readable());
    spec.env = [
        ("PATH", "/usr/bin:/bin".to_owned()),
        ("HOME", text(&empty)),
        ("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1".to_owned()),
        ("PYTHONPYCACHEPREFIX", text(&pyc)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    spec.timeout = Duration::from_secs(120);
    if process::run(&spec).is_ok() {
        _ = fs::rename(&pyc, &target);
    }
}

/// Where the probe and compiled files are kept: a run may read them.
pub(super) fn base(workspace: &Workspace) -> PathBuf {
    env::path_variable(SHARED)
        .map_or_else(|| survey::folder(workspace), |shared| shared.join("pytest"))
}

fn prefix(workspace: &Workspace, key: Digest) -> PathBuf {
    base(workspace).join(format!("{}.pyc", key.hex()))
}

/// What the compiled files depend on. Their names contain the path of the interpreter's folder.
fn key(environment: &Environment) -> Option<Digest> {
    let site = survey::site_digest(environment)?;
    let launcher = environment.tools.get(LAUNCHER)?;
    let content = format!("{site} {} {} {}", launcher.path, launcher.digest, version());
    Some(Digest::of(content.as_bytes()))
}

/// The digest of the probe.
fn version() -> Digest {
    let mut bytes = Vec::new();
    for (name, content) in FILES {
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(content.as_bytes());
        bytes.push(0);
    }
    Digest::of(&bytes)
}

/// The folder with our Python files that all runs read. Read again each time, and made again where it is not right.
fn probe(workspace: &Workspace) -> Result<PathBuf, CouldNotRun> {
    let folder = base(workspace).join(format!("{}.probe", version().short()));
    let is_right = || {
        FILES.iter().all(|(name, content)| {
            fs::read(folder.join(name)).is_ok_and(|bytes| bytes == content.as_bytes())
        })
    };
    if is_right() {
        return Ok(folder);
    }
    let parent = base(workspace);
    let made = fs::create_dir_all(&parent)
        .and_then(|()| crate::state::Temporary::new("probe", Some(&parent)))
        .and_then(|temporary| {
            let new = temporary.path().join("p");
            write(&new)?;
            if folder.is_dir() {
                fs::rename(&folder, temporary.path().join("old"))?;
            }
            fs::rename(&new, &folder)
        });
    match made {
        Ok(()) => Ok(folder),
        // Another process was faster.
        Err(_) if is_right() => Ok(folder),
        Err(error) => Err(io("write", &folder, &error)),
    }
}

fn write(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    for (name, content) in FILES {
        fs::write(folder.join(name), content)?;
    }
    Ok(())
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
