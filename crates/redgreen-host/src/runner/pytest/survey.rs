//! What a Python environment consists of: versions, plugins, every file of site-packages (SPEC C3).

use super::interpreter::{Found, make_again, user_variables};
use super::{compiled, fault, io};
use crate::fingerprint::Fingerprints;
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
    /// Folders and files of the standard library.
    #[serde(default)]
    pub(super) standard: Vec<PathBuf>,
    /// The folder of the environment's programs; `None` where it is the system's.
    #[serde(default)]
    pub(super) programs: Option<PathBuf>,
    /// Folders outside of the checkout that packages are linked from (`.pth` files, editable installs).
    #[serde(default)]
    pub(super) beside: Vec<PathBuf>,
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
    /// The digests of everything that code is loaded from, `site-packages` too.
    pub(super) parts: BTreeMap<String, Digest>,
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
        && let Ok((now, Digests { site, parts }, binary)) =
            origin(&facts, &place, user, root, workspace)
        && now == from
    {
        return Ok(Surveyed {
            facts,
            site,
            parts,
            binary,
        });
    }
    let mut facts = survey(found, user, root, workspace)?;
    let (from, Digests { site, parts }, binary) = origin(&facts, &place, user, root, workspace)?;
    importable(found, user, root, &mut facts, site, workspace)?;
    if facts.complete {
        let known = Known {
            from,
            facts: facts.clone(),
        };
        write_cache(&file, &serde_json::to_vec(&known).unwrap_or_default())?;
    }
    Ok(Surveyed {
        facts,
        site,
        parts,
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
) -> Result<(Digest, Digests, Digest), CouldNotRun> {
    let real = Path::new(&facts.real);
    let binary = fs::read(real).map_err(|error| io("read", real, &error))?;
    let binary = Digest::of(&binary);
    let digests = digest(facts, workspace)?;
    let site = digests.site;
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
    // A new version of the standard library has another date.
    let library = fs::metadata(&facts.library)
        .and_then(|found| Ok((found.len(), found.modified()?)))
        .ok();
    _ = write!(content, "\0{library:?}");
    Ok((Digest::of(content.as_bytes()), digests, binary))
}

impl Facts {
    /// Where code is loaded from, for the isolation of a run: it may lie in the user's home.
    pub(super) fn readable(&self) -> Vec<PathBuf> {
        let lists = [&self.site, &self.standard, &self.beside];
        lists.into_iter().flatten().cloned().collect()
    }
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
    let compiled = folder(workspace).join("survey");
    fs::create_dir_all(&compiled).map_err(|error| io("create", &compiled, &error))?;
    let mut argv = vec![launcher.clone()];
    // Neither the environment's `.pth` files nor its kept byte code may run here: they could change the answer.
    argv.extend(["-I", "-S", "-X"].map(str::to_owned));
    argv.push(format!("pycache_prefix={}", compiled.display()));
    argv.extend(["-c".to_owned(), SURVEY.to_owned()]);
    argv.push(workspace.checkout.display().to_string());
    argv.push(root.display().to_string());
    let mut spec = Spec::new("python survey", argv, &workspace.scratch);
    // Packages may be installed anywhere; what it finds is what the runs are shown.
    spec.sees = process::Sees::Everything;
    spec.readable = vec![workspace.scratch.clone()];
    spec.env = user_variables(user);
    spec.writable = vec![compiled];
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
    Ok(facts)
}

/// Whether pytest can be imported as the tests will do it. Asked once for an environment: the facts of one that was seen
/// before say that it could.
fn importable(
    found: &Found,
    user: &BTreeMap<String, String>,
    root: &Path,
    facts: &mut Facts,
    site: Digest,
    workspace: &Workspace,
) -> Result<(), CouldNotRun> {
    if facts.problem.is_none() && facts.pytest.is_some() && facts_file(workspace, site).is_file() {
        return Ok(());
    }
    let launcher = found.launcher.display().to_string();
    // Another repository, or another worktree, may have asked the same environment.
    let asked = format!(
        "{launcher}\0{}\0{}\0{site}\0{:?}",
        facts.real, facts.version, facts.user_base
    );
    let asked =
        compiled::base(workspace).join(format!("{}.imports", Digest::of(asked.as_bytes()).short()));
    if facts.problem.is_none() && facts.pytest.is_some() && asked.is_file() {
        return Ok(());
    }
    let why = match facts.problem.clone() {
        Some(problem) => Some(problem),
        None => cannot_import(&launcher, user, workspace, facts)?,
    };
    let Some(why) = why else {
        return write_cache(
            &asked,
            facts.pytest.as_deref().unwrap_or_default().as_bytes(),
        );
    };
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
    Err(fault(
        format!(
            "pytest cannot be imported by `{launcher}` ({}): {why}",
            found.how
        ),
        help,
    ))
}

/// Starts the environment as the tests will, and imports pytest. Returns why that fails.
fn cannot_import(
    launcher: &str,
    user: &BTreeMap<String, String>,
    workspace: &Workspace,
    facts: &mut Facts,
) -> Result<Option<String>, CouldNotRun> {
    const IMPORT: &str = "import pytest; print(pytest.__version__)";
    let argv = [launcher, "-c", IMPORT].map(str::to_owned).to_vec();
    let mut spec = Spec::new("python import", argv, &workspace.scratch);
    spec.sees = process::Sees::Everything;
    spec.env = user_variables(user);
    spec.env
        .insert("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned());
    spec.timeout = Duration::from_secs(120);
    let finished =
        process::run(&spec).map_err(|error| fault(error.to_string(), "make it again"))?;
    if finished.success() {
        facts.pytest = Some(finished.stdout_text().trim().to_owned());
        return Ok(None);
    }
    let said = finished.stderr_text();
    let last = said.lines().rev().find(|line| !line.trim().is_empty());
    Ok(Some(last.unwrap_or("no such package").trim().to_owned()))
}

/// Which files of a folder count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Files {
    /// All but kept byte code, which no run reads.
    All,
    /// Those of the folder itself.
    Here,
    /// What the interpreter loads, without its own tests and what is needed to build programs that embed it.
    Standard,
    /// Code, and what says which plugins there are: a folder that packages are linked from holds a whole project.
    Code,
}

impl Files {
    fn enters(self, name: &str) -> bool {
        const JUNK: &[&str] = &["node_modules", "target", "build", "dist", "venv", "env"];
        match self {
            Self::Here => false,
            _ if name == "__pycache__" => false,
            Self::All => true,
            Self::Standard => {
                !matches!(
                    name,
                    "test" | "tests" | "idlelib" | "site-packages" | "dist-packages"
                ) && !name.starts_with("config-")
            }
            Self::Code => !name.starts_with('.') && !JUNK.contains(&name),
        }
    }
    fn takes(self, name: &str) -> bool {
        match self {
            Self::All | Self::Here | Self::Standard => true,
            Self::Code => {
                [".py", ".so", ".pyd", ".pth"]
                    .iter()
                    .any(|end| name.ends_with(end))
                    || name == "entry_points.txt"
            }
        }
    }
}

/// The digests of everything that an interpreter loads code from, by part; each part has a list, so that a difference
/// can name the file.
struct Digests {
    /// Packages of the environment.
    site: Digest,
    /// Every part, `site-packages` too.
    parts: BTreeMap<String, Digest>,
}

/// Digests every file that an interpreter loads code from, but `__pycache__`: the runs keep byte code of their own.
fn digest(facts: &Facts, workspace: &Workspace) -> Result<Digests, CouldNotRun> {
    let mut prints = Fingerprints::open(&compiled::base(workspace));
    let mut part = |folders: &[(String, &Path)], files: Files| {
        let mut list = String::new();
        for (name, folder) in folders {
            let mut lines = Vec::new();
            walk(folder, folder, files, &mut prints, &mut lines)
                .map_err(|(path, error)| io("read", &path, &error))?;
            lines.sort();
            for (path, identity) in lines {
                // One entry per line: `sha256 size folder/path`.
                let slash = if path.is_empty() { "" } else { "/" };
                _ = writeln!(list, "{identity} {name}{slash}{path}");
            }
        }
        let digest = Digest::of(list.as_bytes());
        let file = list_file(workspace, digest);
        // Its name is the digest of what is in it.
        if fs::metadata(&file).map(|found| found.len()).ok() != Some(list.len() as u64) {
            write_cache(&file, list.as_bytes())?;
        }
        Ok::<Digest, CouldNotRun>(digest)
    };
    let short = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.into_owned()
    };
    let whole = |path: &Path| path.display().to_string();
    let named = |list: &'_ [PathBuf], name: &dyn Fn(&Path) -> String| -> Vec<(String, PathBuf)> {
        list.iter().map(|path| (name(path), path.clone())).collect()
    };
    let mut parts = BTreeMap::new();
    let mut add = |key: &str, folders: Vec<(String, PathBuf)>, files: Files| {
        let folders: Vec<(String, &Path)> = folders
            .iter()
            .map(|(name, path)| (name.clone(), path.as_path()))
            .collect();
        let digest = part(&folders, files)?;
        parts.insert(key.to_owned(), digest);
        Ok::<Digest, CouldNotRun>(digest)
    };
    let site = add("site-packages", named(&facts.site, &short), Files::All)?;
    add("python", named(&facts.standard, &whole), Files::Standard)?;
    if let Some(programs) = &facts.programs {
        add(
            "programs",
            vec![(short(programs), programs.clone())],
            Files::Here,
        )?;
    }
    if !facts.beside.is_empty() {
        add("linked-packages", named(&facts.beside, &whole), Files::Code)?;
    }
    prints.save();
    Ok(Digests { site, parts })
}

/// A folder that packages are linked from is not read beyond this many files: it may be somebody's whole home.
const MOST_FILES: usize = 50_000;

fn walk(
    top: &Path,
    folder: &Path,
    files: Files,
    prints: &mut Fingerprints,
    lines: &mut Vec<(String, String)>,
) -> Result<(), (PathBuf, std::io::Error)> {
    let at = |error| (folder.to_owned(), error);
    if !folder.is_dir() {
        // A file by itself (an archive of the standard library, `pyvenv.cfg`); where there is none, that is recorded too.
        if folder.is_file() {
            let (digest, size) = prints.digest(folder).map_err(at)?;
            lines.push((String::new(), format!("{} {size}", digest.hex())));
        }
        return Ok(());
    }
    for entry in fs::read_dir(folder).map_err(at)? {
        let entry = entry.map_err(at)?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type().map_err(|error| (path.clone(), error))?;
        if kind.is_dir() {
            if files.enters(&name) && (files == Files::All || lines.len() < MOST_FILES) {
                walk(top, &path, files, prints, lines)?;
            }
            continue;
        }
        if !files.takes(&name) {
            continue;
        }
        let identity = if kind.is_symlink() {
            let target = fs::read_link(&path).map_err(|error| (path.clone(), error))?;
            // uv can link the files of packages to its cache: what is behind a link counts as well.
            let behind = prints
                .digest(&path)
                .map_or_else(|_| "-".to_owned(), |(digest, _)| digest.hex());
            let target = Digest::of(target.as_os_str().as_encoded_bytes());
            format!("link:{}:{behind} 0", target.hex())
        } else if kind.is_file() {
            let (digest, size) = prints
                .digest(&path)
                .map_err(|error| (path.clone(), error))?;
            format!("{} {size}", digest.hex())
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
