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
    /// Folders that would be in `site` if they existed, and those that are.
    #[serde(default)]
    candidates: Vec<PathBuf>,
    /// A file of the standard library.
    #[serde(default)]
    library: PathBuf,
    /// Whether everything above follows from the interpreter, `site` and the project's own files.
    #[serde(default)]
    complete: bool,
}

/// What was established about an interpreter.
pub(super) struct Surveyed {
    pub(super) facts: Facts,
    /// The digest of every file of site-packages.
    pub(super) site: Digest,
    /// The digest of the interpreter's binary.
    pub(super) binary: Digest,
}

/// Facts with what they followed from.
#[derive(Serialize, Deserialize)]
struct Known {
    from: Digest,
    facts: Facts,
}

/// Establishes what the environment consists of. Files are digested each time; the interpreter, which takes longer to
/// start than a small gate may cost (SPEC H3), is asked only when something that it was told from has changed.
pub(super) fn established(
    found: &Found,
    user: &BTreeMap<String, String>,
    root: &Path,
    workspace: &Workspace,
) -> Result<Surveyed, CouldNotRun> {
    let place = format!(
        "{}\0{}\0{}",
        found.launcher.display(),
        workspace.checkout.display(),
        root.display()
    );
    let file = folder(workspace).join(format!(
        "{}.survey.json",
        Digest::of(place.as_bytes()).short()
    ));
    let known = fs::read(&file)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Known>(&bytes).ok());
    if let Some(Known { from, facts }) = known
        && let Ok((now, site, binary)) = origin(&facts, &place, user, root, workspace)
        && now == from
    {
        return Ok(Surveyed {
            facts,
            site,
            binary,
        });
    }
    let facts = survey(found, user, root, workspace)?;
    let (from, site, binary) = origin(&facts, &place, user, root, workspace)?;
    if facts.complete {
        let known = Known { from, facts };
        write_cache(&file, &serde_json::to_vec(&known).unwrap_or_default())?;
        return Ok(Surveyed {
            facts: known.facts,
            site,
            binary,
        });
    }
    Ok(Surveyed {
        facts,
        site,
        binary,
    })
}

/// The digest of everything that facts follow from, that of site-packages and that of the binary.
fn origin(
    facts: &Facts,
    place: &str,
    user: &BTreeMap<String, String>,
    root: &Path,
    workspace: &Workspace,
) -> Result<(Digest, Digest, Digest), CouldNotRun> {
    let real = Path::new(&facts.real);
    let binary = fs::read(real).map_err(|error| io("read", real, &error))?;
    let binary = Digest::of(&binary);
    let site = digest_site(facts, workspace)?;
    let launcher = place.split('\0').next().unwrap_or_default();
    let mut content = format!("{SURVEY}\0{place}\0{binary}\0{site}\0{user:?}");
    _ = write!(content, "\0{:?}", fs::canonicalize(launcher).ok());
    let venv = Path::new(launcher).parent().and_then(Path::parent);
    for file in [
        venv.map(|venv| venv.join("pyvenv.cfg")),
        Some(root.join("pyproject.toml")),
        Some(workspace.checkout.join("pyproject.toml")),
    ]
    .into_iter()
    .flatten()
    {
        _ = write!(
            content,
            "\0{:?}",
            fs::read(file).ok().map(|bytes| Digest::of(&bytes))
        );
    }
    for folder in &facts.candidates {
        _ = write!(content, "\0{:?}", fs::canonicalize(folder).ok());
    }
    // The standard library is not digested with the environment; a new version of it has another date.
    let library = fs::metadata(&facts.library)
        .and_then(|found| Ok((found.len(), found.modified()?)))
        .ok();
    _ = write!(content, "\0{library:?}");
    Ok((Digest::of(content.as_bytes()), site, binary))
}

/// Asks the interpreter.
fn survey(
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
fn digest_site(facts: &Facts, workspace: &Workspace) -> Result<Digest, CouldNotRun> {
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

pub(super) fn folder(workspace: &Workspace) -> PathBuf {
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

pub(super) fn site_digest(environment: &Environment) -> Option<Digest> {
    environment.dependencies.get("site-packages").copied()
}

/// The facts of a recorded environment; `None` when the cache was cleaned since.
pub(super) fn load(environment: &Environment, workspace: &Workspace) -> Option<Facts> {
    let bytes = fs::read(facts_file(workspace, site_digest(environment)?)).ok()?;
    serde_json::from_slice(&bytes).ok()
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
