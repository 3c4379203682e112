//! Finds the project's Python as its user would use it, without activation (SPEC C3).

use super::fault;
use crate::process::{self, Spec};
use crate::runner::{CouldNotRun, RunnerSettings, Workspace};
use redgreen_core::reason::{Reason, ReasonCode};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The variables of the user that decide which Python is the project's.
pub(super) const USER_VARIABLES: [&str; 10] = [
    "PATH",
    "HOME",
    "VIRTUAL_ENV",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "UV_PROJECT_ENVIRONMENT",
    "POETRY_VIRTUALENVS_PATH",
];

/// An interpreter and how it was found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// The program to start.
    pub(super) launcher: PathBuf,
    /// How it was found, for messages.
    pub(super) how: String,
}

/// Finds it: the configured command, the active virtual environment of this checkout, one in the usual places,
/// poetry's, and at last `python3` on `PATH`.
pub(super) fn find(
    settings: &RunnerSettings,
    user: &BTreeMap<String, String>,
    workspace: &Workspace,
) -> Result<Found, CouldNotRun> {
    let root = workspace.checkout.join(&settings.root);
    if let Some(command) = &settings.command
        && let Some(found) = from_command(command, user, &root)?
    {
        return Ok(found);
    }
    if let Some(found) = from_virtual_environment(user, workspace, &root)? {
        return Ok(found);
    }
    if root.join("poetry.lock").is_file()
        && on_path("poetry", user).is_some()
        && let Some(found) = from_poetry(user, &root)
    {
        return Ok(found);
    }
    from_path(user, &root)
}

/// The words of a configured command after `pytest`: they are arguments.
pub(super) fn extra_arguments(settings: &RunnerSettings) -> Vec<String> {
    let Some(command) = &settings.command else {
        return Vec::new();
    };
    match pytest_word(command) {
        Some(index) => command.iter().skip(index + 1).cloned().collect(),
        None => Vec::new(),
    }
}

fn file_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

fn is_python(word: &str) -> bool {
    let name = file_name(word);
    name.strip_prefix("python")
        .or_else(|| name.strip_prefix("pypy"))
        .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

fn pytest_word(command: &[String]) -> Option<usize> {
    command
        .iter()
        .position(|word| matches!(file_name(word), "pytest" | "py.test"))
}

/// `None` where the command says no more than "the project's Python" (`pytest`, `python -m pytest`).
fn from_command(
    command: &[String],
    user: &BTreeMap<String, String>,
    root: &Path,
) -> Result<Option<Found>, CouldNotRun> {
    let shown = command.join(" ");
    let Some(index) = pytest_word(command) else {
        return Err(fault(
            format!(
                "the command `{shown}` does not contain `pytest`, so its interpreter cannot be told"
            ),
            "give a command such as `[\"uv\", \"run\", \"pytest\"]` or `[\".venv/bin/python\", \"-m\", \"pytest\"]`",
        ));
    };
    let how = format!("the configured command `{shown}`");
    let before: Vec<&String> = command.iter().take(index).collect();
    match before.as_slice() {
        [] if command[index].contains('/') => {
            let folder = root.join(&command[index]);
            let python = folder.parent().map(|bin| bin.join("python"));
            match python.filter(|python| python.is_file()) {
                Some(launcher) => Ok(Some(Found { launcher, how })),
                None => Err(not_found(&command[index])),
            }
        }
        [] => Ok(None),
        [python, flags @ ..]
            if is_python(python) && flags.iter().all(|flag| flag.starts_with('-')) =>
        {
            if python.contains('/') {
                let launcher = root.join(python);
                if launcher.is_file() {
                    return Ok(Some(Found { launcher, how }));
                }
                return Err(not_found(python));
            }
            if matches!(python.as_str(), "python" | "python3") {
                return Ok(None);
            }
            match on_path(python, user) {
                Some(path) => resolved(&path, user, root, how).map(Some),
                None => Err(not_found(python)),
            }
        }
        [wrapper, rest @ ..] => {
            let mut argv: Vec<String> = vec![(*wrapper).clone()];
            // `uv run python -m pytest`: the interpreter is asked for by the same wrapper.
            argv.extend(
                rest.iter()
                    .take_while(|word| !is_python(word))
                    .map(|word| (*word).clone()),
            );
            if on_path(wrapper, user).is_none() && !root.join(wrapper.as_str()).is_file() {
                return Err(not_found(wrapper));
            }
            argv.push("python".to_owned());
            argv.extend(ask_executable());
            match ask(argv, user, root) {
                Ok(path) => Ok(Some(Found {
                    launcher: root.join(path),
                    how,
                })),
                Err(said) => Err(fault(
                    format!("`{shown}` could not be asked for its interpreter: {said}"),
                    format!(
                        "run `{shown} --version` in `{}` and repair what it says",
                        root.display()
                    ),
                )),
            }
        }
    }
}

fn from_virtual_environment(
    user: &BTreeMap<String, String>,
    workspace: &Workspace,
    root: &Path,
) -> Result<Option<Found>, CouldNotRun> {
    let mut folders: Vec<(PathBuf, String)> = Vec::new();
    if let Some(active) = user.get("VIRTUAL_ENV").filter(|path| !path.is_empty()) {
        let inside = std::fs::canonicalize(active)
            .ok()
            .zip(std::fs::canonicalize(&workspace.checkout).ok())
            .is_some_and(|(active, checkout)| active.starts_with(checkout));
        if inside {
            folders.push((
                PathBuf::from(active),
                "the active virtual environment".to_owned(),
            ));
        }
    }
    if let Some(uv) = user
        .get("UV_PROJECT_ENVIRONMENT")
        .filter(|path| !path.is_empty())
    {
        folders.push((root.join(uv), "`UV_PROJECT_ENVIRONMENT`".to_owned()));
    }
    for base in [root, workspace.checkout.as_path()] {
        for name in [".venv", "venv", "env"] {
            folders.push((base.join(name), format!("`{name}/`")));
        }
    }
    for (folder, how) in folders {
        if !folder.join("pyvenv.cfg").is_file() {
            continue;
        }
        let launcher = folder.join("bin/python");
        if launcher.is_file() {
            return Ok(Some(Found { launcher, how }));
        }
        return Err(fault(
            format!(
                "the virtual environment `{}` has no working interpreter",
                folder.display()
            ),
            format!("make it again: {}", make_again(root)),
        ));
    }
    Ok(None)
}

/// The line that makes a virtual environment with pytest in this project.
pub(super) fn make_again(root: &Path) -> &'static str {
    if root.join("uv.lock").is_file() {
        "`uv sync`"
    } else if root.join("poetry.lock").is_file() {
        "`poetry install`"
    } else if root.join("pdm.lock").is_file() {
        "`pdm install`"
    } else {
        "`python3 -m venv .venv && .venv/bin/python -m pip install -e . pytest`"
    }
}

fn from_poetry(user: &BTreeMap<String, String>, root: &Path) -> Option<Found> {
    let argv = ["poetry", "env", "info", "-p"].map(str::to_owned).to_vec();
    let folder = PathBuf::from(ask(argv, user, root).ok()?);
    let launcher = folder.join("bin/python");
    launcher.is_file().then(|| Found {
        launcher,
        how: "poetry's virtual environment".to_owned(),
    })
}

fn from_path(user: &BTreeMap<String, String>, root: &Path) -> Result<Found, CouldNotRun> {
    for name in ["python3", "python"] {
        if let Some(path) = on_path(name, user) {
            return resolved(&path, user, root, format!("`{name}` on `PATH`"));
        }
    }
    Err(Box::new(Reason::new(
        ReasonCode::CommandNotFound,
        "no Python interpreter was found: no virtual environment in the checkout, no `python3` on `PATH`",
        format!("make a virtual environment: {}", make_again(root)),
    )))
}

/// Asks an interpreter where it is: shims of pyenv and mise start another program than their own file.
fn resolved(
    path: &Path,
    user: &BTreeMap<String, String>,
    root: &Path,
    how: String,
) -> Result<Found, CouldNotRun> {
    let mut argv = vec![path.display().to_string()];
    argv.extend(ask_executable());
    match ask(argv, user, root) {
        Ok(real) => Ok(Found {
            launcher: root.join(real),
            how,
        }),
        Err(said) => Err(fault(
            format!("{how} (`{}`) does not run: {said}", path.display()),
            format!("make a virtual environment: {}", make_again(root)),
        )),
    }
}

fn ask_executable() -> [String; 2] {
    [
        "-c".to_owned(),
        "import sys; print(sys.executable)".to_owned(),
    ]
}

fn not_found(program: &str) -> CouldNotRun {
    Box::new(Reason::new(
        ReasonCode::CommandNotFound,
        format!("command `{program}` was not found"),
        "install it, or correct `command` of the runner in redgreen.toml",
    ))
}

/// A program on the user's `PATH`.
fn on_path(name: &str, user: &BTreeMap<String, String>) -> Option<PathBuf> {
    user.get("PATH")?
        .split(':')
        .filter(|folder| !folder.is_empty())
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.is_file())
}

/// The variables with which tools of the user are asked.
pub(super) fn user_variables(user: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    user.iter()
        .filter(|(name, _)| {
            name.as_str() != "VIRTUAL_ENV" && USER_VARIABLES.contains(&name.as_str())
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The last line a command prints; what it said when it failed.
fn ask(argv: Vec<String>, user: &BTreeMap<String, String>, root: &Path) -> Result<String, String> {
    let mut spec = Spec::new("python interpreter", argv, root);
    // The user's own tools, in the user's own checkout: uv and poetry write caches of their own.
    spec.isolation = process::Isolation::Process;
    spec.env = user_variables(user);
    spec.timeout = Duration::from_secs(120);
    if let Some(program) = spec.argv.first().filter(|program| !program.contains('/'))
        && let Some(path) = on_path(program, user)
    {
        spec.argv[0] = path.display().to_string();
    }
    let finished = process::run(&spec).map_err(|error| error.to_string())?;
    let last = |text: String| {
        text.lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .map(|line| line.trim().to_owned())
    };
    if !finished.success() {
        return Err(last(finished.stderr_text()).unwrap_or_else(|| "it printed nothing".to_owned()));
    }
    last(finished.stdout_text()).ok_or_else(|| "it printed nothing".to_owned())
}
