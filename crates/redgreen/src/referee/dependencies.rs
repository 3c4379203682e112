//! New dependencies of a task (SPEC B4): declared in the plan, added by the referee before the tests are written, and nothing
//! else changed by it. What a task may add is frozen with the plan; everything else in a manifest is locked.

mod additions;
mod declared;

use super::context::{Context, Environments, Setting, git_failure};
use super::proposal::{bytes_of, text_of};
use super::trees::TreeOnDisk;
use crate::error::Failure;
use additions::{cargo_lock, cargo_manifest, pyproject_with, requirements_with};
use declared::{Declared, Ecosystem};
use redgreen_core::id::RelPath;
use redgreen_core::plan::Task;
use redgreen_core::tree::{Entry, Mode};
use redgreen_host::git::{CommitRequest, Signing};
use redgreen_host::process::{self, Finished, Network};
use redgreen_host::runner::RunnerKind;
use redgreen_host::runner::pytest::LAUNCHER;
use redgreen_host::tree::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A commit on top of another one that has what a task declares; the other one itself where nothing is to be added.
///
/// # Errors
/// A failure (exit 15) that says what to do by hand when a dependency cannot be added, or not without changing others.
pub fn with_dependencies(
    context: &Context,
    task: &Task,
    base: &str,
    reference: &str,
) -> Result<String, Failure> {
    if task.new_dependencies.is_empty() {
        return Ok(base.to_owned());
    }
    let adding = Adding::new(context, base)?;
    let mut changed: BTreeMap<RelPath, Vec<u8>> = BTreeMap::new();
    let mut cargo = Vec::new();
    let mut python = Vec::new();
    for text in &task.new_dependencies {
        let declared = Declared::read(text).map_err(|why| {
            Failure::usage(
                format!("{}: `new_dependencies`: `{text}`: {why}", task.id),
                "write a package as `itoa@1`, `requests>=2`, `dev:proptest@1`, `cargo:itoa@1 in server`",
            )
        })?;
        match adding.ecosystem(&declared)? {
            Ecosystem::Cargo => cargo.push(declared),
            Ecosystem::Python => python.push(declared),
        }
    }
    if !cargo.is_empty() {
        changed.extend(adding.cargo(&cargo)?);
    }
    if !python.is_empty() {
        changed.extend(adding.python(&python)?);
        adding.install(&python)?;
    }
    if changed.is_empty() {
        return Ok(base.to_owned());
    }
    adding.commit(task, base, &changed, reference)
}

/// Why something cannot be added, and what to do.
fn cannot(what: impl Into<String>) -> Failure {
    Failure::not_ready(
        what,
        "add it by hand and commit manifest and lock file before the run, then leave it out of `new_dependencies`",
    )
}

struct Adding<'a> {
    context: &'a Context,
    setting: Setting,
    tree: Snapshot,
}

impl<'a> Adding<'a> {
    fn new(context: &'a Context, base: &str) -> Result<Self, Failure> {
        let tree = Snapshot::of_commit(&context.repository, base).map_err(Failure::internal)?;
        let setting = Setting::of_tree(context, &tree)?;
        Ok(Self {
            context,
            setting,
            tree,
        })
    }

    /// Where a package belongs: as it says, else to the only kind of project there is.
    fn ecosystem(&self, declared: &Declared) -> Result<Ecosystem, Failure> {
        if let Some(named) = declared.ecosystem {
            return Ok(named);
        }
        let has = |name: &str| {
            self.tree
                .files()
                .keys()
                .any(|path| path.file_name() == name)
        };
        let kinds: BTreeSet<bool> = self
            .setting
            .config
            .runners
            .iter()
            .filter_map(|runner| match runner.kind {
                RunnerKind::Pytest => Some(false),
                RunnerKind::CargoTest => Some(true),
                _ => None,
            })
            .collect();
        match kinds.iter().collect::<Vec<_>>().as_slice() {
            [true] => Ok(Ecosystem::Cargo),
            [false] => Ok(Ecosystem::Python),
            [] if has("Cargo.toml") => Ok(Ecosystem::Cargo),
            [] if has("pyproject.toml") || has("requirements.txt") => Ok(Ecosystem::Python),
            _ => Err(Failure::usage(
                format!(
                    "`new_dependencies`: `{}` could be a package of Python or of Rust, or of neither",
                    declared.name
                ),
                "write `cargo:NAME` or `python:NAME`; packages of other kinds are added by hand and committed before the run",
            )),
        }
    }

    /// The folder of the runner that a package is for.
    fn root(&self, kind: RunnerKind) -> String {
        self.setting
            .config
            .runners
            .iter()
            .find(|runner| runner.kind == kind)
            .map(|runner| runner.root.clone())
            .unwrap_or_default()
    }

    fn at(root: &str, name: &str) -> Option<RelPath> {
        let path = if root.is_empty() {
            name.to_owned()
        } else {
            format!("{root}/{name}")
        };
        RelPath::new(path).ok()
    }

    /// `cargo add` in a clean copy, and the lock file brought up to it; both must be additions.
    fn cargo(&self, declared: &[Declared]) -> Result<BTreeMap<RelPath, Vec<u8>>, Failure> {
        let on_disk = TreeOnDisk::build(self.context, &self.setting, &self.tree, "dependencies")?;
        let root = self.root(RunnerKind::CargoTest);
        let folder = on_disk.root.join(&root);
        for one in declared {
            let mut words = vec!["cargo", "add", "--quiet"];
            if one.dev {
                words.push("--dev");
            }
            if let Some(package) = &one.package {
                words.extend(["--package", package]);
            }
            let name = match &one.requirement {
                Some(requirement) => format!("{}@{requirement}", one.name),
                None => one.name.clone(),
            };
            words.push(&name);
            self.offline_first(&on_disk, &folder, &words)?;
        }
        let words = ["cargo", "metadata", "--format-version", "1", "--quiet"];
        self.offline_first(&on_disk, &folder, &words)?;
        let names: BTreeSet<&str> = declared.iter().map(|one| one.name.as_str()).collect();
        let mut changed = BTreeMap::new();
        for path in self.tree.files().keys() {
            let is_lock = path.file_name() == "Cargo.lock";
            if !is_lock && path.file_name() != "Cargo.toml" {
                continue;
            }
            let old = text_of(&self.tree, &self.context.repository, path)?.unwrap_or_default();
            let new = redgreen_host::files::text(&on_disk.root.join(path.as_str()))
                .ok_or_else(|| cannot(format!("`{path}` is gone after `cargo add`")))?;
            if old == new {
                continue;
            }
            if is_lock {
                cargo_lock(&old, &new)
            } else {
                cargo_manifest(&old, &new, &names)
            }
            .map_err(|why| cannot(format!("`{path}`: {why}")))?;
            changed.insert(path.clone(), new.into_bytes());
        }
        Ok(changed)
    }

    /// What is at home already needs no network.
    fn offline_first(
        &self,
        tree: &TreeOnDisk,
        folder: &Path,
        words: &[&str],
    ) -> Result<(), Failure> {
        let mut offline: Vec<&str> = words.to_vec();
        offline.insert(2, "--offline");
        if self.command(tree, folder, &offline)?.success() {
            return Ok(());
        }
        let finished = self.command(tree, folder, words)?;
        if finished.success() {
            return Ok(());
        }
        Err(cannot(format!(
            "`{}` failed: {}",
            words.join(" "),
            last_words(&finished)
        )))
    }

    fn command(
        &self,
        tree: &TreeOnDisk,
        folder: &Path,
        words: &[&str],
    ) -> Result<Finished, Failure> {
        let mut argv: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        if let Some(program) = redgreen_host::env::find_program(words[0]) {
            argv[0] = program.found.display().to_string();
        }
        let mut spec = tree.check_spec("dependencies", argv)?;
        spec.cwd = folder.to_owned();
        spec.network = Network::Host;
        // Packages are kept in cargo's home, where builds look for them.
        if let Some(home) = redgreen_host::env::toolchain_homes().get("CARGO_HOME") {
            spec.writable.push(PathBuf::from(home));
        }
        process::run(&spec).map_err(|error| cannot(error.to_string()))
    }

    /// The manifest of a Python project with the requirements.
    fn python(&self, declared: &[Declared]) -> Result<BTreeMap<RelPath, Vec<u8>>, Failure> {
        let root = self.root(RunnerKind::Pytest);
        let text = |name: &str| -> Result<Option<(RelPath, String)>, Failure> {
            let Some(path) = Self::at(&root, name) else {
                return Ok(None);
            };
            Ok(text_of(&self.tree, &self.context.repository, &path)?.map(|text| (path, text)))
        };
        for lock in ["uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock"] {
            if text(lock)?.is_some() {
                return Err(cannot(format!(
                    "the project has a `{lock}`, which only its own tool writes"
                )));
            }
        }
        let mut changed = BTreeMap::new();
        let (path, old, is_project) = match (text("pyproject.toml")?, text("requirements.txt")?) {
            (Some((path, text)), _) if text.lines().any(|line| line.trim() == "[project]") => {
                (path, text, true)
            }
            (_, Some((path, text))) => (path, text, false),
            _ => {
                return Err(cannot(
                    "there is neither `[project]` in pyproject.toml nor a requirements.txt",
                ));
            }
        };
        let mut new = old.clone();
        for one in declared {
            new = if is_project {
                pyproject_with(&new, one)
            } else {
                requirements_with(&new, one)
            }
            .map_err(|why| cannot(format!("`{path}`: {why}")))?;
        }
        if new != old {
            changed.insert(path, new.into_bytes());
        }
        Ok(changed)
    }

    /// Installs what is not there into the virtual environment, with everything that is there held as it is.
    fn install(&self, declared: &[Declared]) -> Result<(), Failure> {
        let runners = self.setting.runners()?;
        let environments =
            Environments::resolve(self.context, &self.setting, &self.tree, &runners)?;
        let (launcher, real) = runners
            .iter()
            .filter(|runner| runner.settings().kind == RunnerKind::Pytest)
            .find_map(|runner| {
                let tools = &environments.of(runner.settings())?.tools;
                let path = |name: &str| Some(tools.get(name)?.path.clone());
                Some((PathBuf::from(path(LAUNCHER)?), path("python")?))
            })
            .ok_or_else(|| cannot("there is no Python environment to install into"))?;
        let venv = launcher
            .parent()
            .and_then(Path::parent)
            .map(Path::to_path_buf);
        let Some(venv) = venv.filter(|venv| venv.join("pyvenv.cfg").is_file()) else {
            return Err(cannot(format!(
                "`{}` is not in a virtual environment, and redgreen installs nothing elsewhere",
                launcher.display()
            )));
        };
        let on_disk = TreeOnDisk::build(self.context, &self.setting, &self.tree, "dependencies")?;
        let python = launcher.display().to_string();
        let installed = self.installed(&on_disk, &python)?;
        let constraints = on_disk.scratch("constraints.txt");
        let held: String = installed
            .iter()
            .map(|(name, version)| format!("{name}=={version}\n"))
            .collect();
        redgreen_host::state::write_atomically(&constraints, held.as_bytes())
            .map_err(Failure::internal)?;
        let constraints = constraints.display().to_string();
        let wanted: Vec<String> = declared
            .iter()
            .filter(|one| !installed.contains_key(&one.normalised()))
            .map(Declared::requirement_line)
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let mut words = installer(&python, &venv, real);
        words.extend(["--quiet".to_owned(), "-c".to_owned(), constraints]);
        words.extend(wanted);
        let mut spec = on_disk.check_spec("dependencies", words)?;
        spec.network = Network::Host;
        spec.writable.push(venv);
        let finished = process::run(&spec).map_err(|error| cannot(error.to_string()))?;
        if !finished.success() {
            return Err(cannot(format!(
                "it cannot be installed beside what is there: {}",
                last_words(&finished)
            )));
        }
        let after = self.installed(&on_disk, &python)?;
        for (name, version) in &installed {
            if after.get(name) != Some(version) {
                return Err(cannot(format!(
                    "installing changed `{name}`, which was {version}"
                )));
            }
        }
        Ok(())
    }

    /// The distributions of an environment: name and version.
    fn installed(
        &self,
        tree: &TreeOnDisk,
        python: &str,
    ) -> Result<BTreeMap<String, String>, Failure> {
        const LIST: &str = "import importlib.metadata as m\nfor d in m.distributions():\n    print(d.metadata['Name'], d.version)\n";
        let argv = vec![python.to_owned(), "-I".into(), "-c".into(), LIST.into()];
        let spec = tree.check_spec("dependencies", argv)?;
        let finished = process::run(&spec).map_err(|error| cannot(error.to_string()))?;
        if !finished.success() {
            return Err(cannot(format!(
                "the environment cannot be listed: {}",
                last_words(&finished)
            )));
        }
        Ok(finished
            .stdout_text()
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(name, version)| (declared::normalised(name), version.to_owned()))
            .collect())
    }

    fn commit(
        &self,
        task: &Task,
        base: &str,
        changed: &BTreeMap<RelPath, Vec<u8>>,
        reference: &str,
    ) -> Result<String, Failure> {
        let repository = &self.context.repository;
        let mut entries = Vec::new();
        for (path, bytes) in changed {
            let mode = match bytes_of(&self.tree, repository, path)? {
                Some(_) => self.tree.get(path).map_or(Mode::File, |file| file.mode),
                None => Mode::File,
            };
            let oid = repository.write_blob(bytes).map_err(git_failure)?;
            entries.push((path.clone(), Some(Entry { mode, oid })));
        }
        let tree = repository
            .write_tree(Some(base), &entries)
            .map_err(git_failure)?;
        let names = task.new_dependencies.join(", ");
        let scope = task
            .module
            .as_ref()
            .map_or_else(String::new, |module| format!("({module})"));
        let identity = repository.identity().map_err(git_failure)?;
        let commit = repository
            .commit_tree(&CommitRequest {
                tree: &tree,
                parents: &[base.to_owned()],
                message: &format!(
                    "build{scope}: add {names}\n\nDeclared in the plan by {}, added before its tests were written.\n",
                    task.id
                ),
                identity: &identity,
                sign_off: repository.wants_sign_off().map_err(git_failure)?,
                signing: Signing::AsConfigured,
            })
            .map_err(git_failure)?;
        let known = repository.refs(reference).map_err(git_failure)?;
        repository
            .update_ref(reference, &commit, known.get(reference).map(String::as_str))
            .map_err(git_failure)?;
        let files: Vec<String> = changed.keys().map(ToString::to_string).collect();
        self.context
            .printer
            .talk(format!("{}: added {names} ({})", task.id, files.join(", ")));
        Ok(commit)
    }
}

/// The command that installs into a virtual environment: uv, its own pip, or the pip of the Python it was made from. Never
/// a shim of a version manager, which does more than it is asked.
fn installer(python: &str, venv: &Path, real: String) -> Vec<String> {
    let found = |name: &str| {
        redgreen_host::env::find_program(name).map(|program| program.found.display().to_string())
    };
    let words = |first: String, rest: &[&str]| {
        let mut words = vec![first];
        words.extend(rest.iter().map(|word| (*word).to_owned()));
        words
    };
    if let Some(uv) = found("uv") {
        return words(uv, &["pip", "install", "--python", python]);
    }
    if venv.join("bin/pip").exists() {
        let rest = ["-m", "pip", "--disable-pip-version-check", "install"];
        return words(python.to_owned(), &rest);
    }
    let rest = [
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--python",
        python,
        "install",
    ];
    words(real, &rest)
}

fn last_words(finished: &Finished) -> String {
    let text = finished.stderr_text();
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let from = lines.len().saturating_sub(3);
    lines[from..].join(" | ")
}
