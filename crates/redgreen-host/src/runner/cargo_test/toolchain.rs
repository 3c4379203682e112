//! The toolchain, resolved once through rustup to real binaries (SPEC C3).

use crate::process::{self, Spec};
use crate::runner::{CouldNotRun, LOCKED_FILES, RunnerSettings, Workspace};
use redgreen_core::environment::{Environment, Tool};
use redgreen_core::id::Digest;
use redgreen_core::reason::{Reason, ReasonCode};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Variables of the user that are given through, when they are set: where the toolchain and the registry are, and where
/// the system keeps its certificates. Everything else of the user's environment is left out; `RUSTFLAGS`,
/// `RUSTC_WRAPPER` and `CARGO_*` in particular.
const GIVEN_THROUGH: &[&str] = &["CARGO_HOME", "RUSTUP_HOME"];

/// Variables that are the same for every run: a fixed locale and zone, no colours, no incremental compilation (nothing
/// is ever reused), no compiler wrapper (it would share a cache), snapshots never updated (SPEC B10).
const FIXED: &[(&str, &str)] = &[
    ("CARGO_INCREMENTAL", "0"),
    ("CARGO_TERM_COLOR", "never"),
    ("CI", "true"),
    // A failed snapshot that counts as passed; the variable outranks insta's own configuration file.
    ("INSTA_FORCE_PASS", "0"),
    ("INSTA_UPDATE", "no"),
    ("LANG", "C.UTF-8"),
    ("LC_ALL", "C.UTF-8"),
    // proptest takes its seed from here (since 1.7), so that RED twice is the same test twice.
    ("PROPTEST_RNG_SEED", "0"),
    ("RUSTC_WORKSPACE_WRAPPER", ""),
    ("RUSTC_WRAPPER", ""),
    ("RUST_BACKTRACE", "0"),
    ("TZ", "UTC"),
];

/// Resolves cargo, rustc and rustdoc and records them.
///
/// # Errors
/// A reason when there is no toolchain, or the one that the checkout asks for is not installed.
pub fn environment(
    settings: &RunnerSettings,
    workspace: &Workspace,
) -> Result<Environment, CouldNotRun> {
    let user = user_environment();
    let locked = workspace.scratch.join(LOCKED_FILES);
    // The checkout itself where it may say so: rustup knows it by its path.
    let folder = if locked.is_dir() {
        locked.join(&settings.root)
    } else {
        workspace.checkout.join(&settings.root)
    };
    let asked = asked_toolchain(settings)?;
    let cargo = locate("cargo", asked.as_deref(), &folder, &user)?;
    let rustc = locate("rustc", asked.as_deref(), &folder, &user)?;
    let sysroot = sysroot_of(&rustc, &folder, &user)?;
    let rustdoc = sysroot.join("bin/rustdoc");

    let mut tools = BTreeMap::new();
    for (name, path) in [("cargo", &cargo), ("rustc", &rustc), ("rustdoc", &rustdoc)] {
        // rustdoc is an optional component: without it only doctests cannot run.
        if path.is_file() {
            tools.insert(name.to_owned(), tool(path, &folder, &user)?);
        }
    }
    let mut dependencies = BTreeMap::new();
    dependencies.insert("rust-sysroot".to_owned(), sysroot_digest(&sysroot));
    let cargo_home = user.get("CARGO_HOME").cloned().unwrap_or_default();
    for name in ["config.toml", "config"] {
        if let Ok(bytes) = std::fs::read(Path::new(&cargo_home).join(name)) {
            dependencies.insert(format!("cargo-home/{name}"), Digest::of(&bytes));
        }
    }
    dependencies.extend(configuration_above(&workspace.scratch, &cargo_home));
    let mut variables: BTreeMap<String, String> = FIXED
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    for name in GIVEN_THROUGH {
        if let Some(value) = user.get(*name) {
            variables.insert((*name).to_owned(), value.clone());
        }
    }
    variables.insert("RUSTC".to_owned(), text(&rustc));
    variables.insert("RUSTDOC".to_owned(), text(&rustdoc));
    variables.insert(
        "PATH".to_owned(),
        search_path(&sysroot, &user, &workspace.checkout),
    );
    if let Some(name) = sysroot.file_name()
        && sysroot
            .parent()
            .is_some_and(|parent| parent.ends_with("toolchains"))
    {
        variables.insert(
            "RUSTUP_TOOLCHAIN".to_owned(),
            name.to_string_lossy().into_owned(),
        );
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

/// What cargo reads in the folders above a private tree: configuration, and manifests that could claim the project for
/// their workspace. There should be none; one that appears later is a change of the environment.
fn configuration_above(scratch: &Path, cargo_home: &str) -> BTreeMap<String, Digest> {
    let mut found = BTreeMap::new();
    for folder in scratch.ancestors() {
        for name in [".cargo/config.toml", ".cargo/config", "Cargo.toml"] {
            let path = folder.join(name);
            // The user's own is recorded under `cargo-home`.
            if path.starts_with(cargo_home) {
                continue;
            }
            if let Ok(bytes) = std::fs::read(&path) {
                found.insert(text(&path), Digest::of(&bytes));
            }
        }
    }
    found
}

/// Home, search path, registry and toolchain folders of the user; homes are made explicit, because `HOME` is private in
/// every run.
fn user_environment() -> BTreeMap<String, String> {
    let mut user: BTreeMap<String, String> = ["HOME", "PATH", "CARGO_HOME", "RUSTUP_HOME"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), crate::env::variable(name)?)))
        .collect();
    if let Some(home) = user.get("HOME").cloned() {
        for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            let path = Path::new(&home).join(folder);
            if !user.contains_key(name) && (name == "CARGO_HOME" || path.is_dir()) {
                user.insert(name.to_owned(), text(&path));
            }
        }
    }
    user
}

fn asked_toolchain(settings: &RunnerSettings) -> Result<Option<String>, CouldNotRun> {
    let Some(command) = &settings.command else {
        return Ok(None);
    };
    match command.as_slice() {
        [cargo] if cargo == "cargo" => Ok(None),
        [cargo, toolchain] if cargo == "cargo" && toolchain.starts_with('+') => {
            Ok(Some(toolchain.trim_start_matches('+').to_owned()))
        }
        _ => Err(Box::new(Reason::new(
            ReasonCode::RunnerUsageError,
            format!("`command` of the cargo runner is `{}`", command.join(" ")),
            "use `command = [\"cargo\"]` or `[\"cargo\", \"+toolchain\"]`, and `arguments` for everything else",
        ))),
    }
}

/// `rustup which` in the folder (it honours `rust-toolchain.toml`), else the first of that name in `PATH`.
fn locate(
    name: &str,
    toolchain: Option<&str>,
    folder: &Path,
    user: &BTreeMap<String, String>,
) -> Result<PathBuf, CouldNotRun> {
    let mut argv = vec!["rustup".to_owned(), "which".to_owned()];
    if let Some(toolchain) = toolchain {
        argv.extend(["--toolchain".to_owned(), toolchain.to_owned()]);
    }
    argv.push(name.to_owned());
    let found = match ask(argv, folder, user) {
        Ok(finished) if finished.success() => PathBuf::from(finished.stdout_text().trim()),
        Ok(finished) => {
            return Err(missing(name, finished.stderr_text().trim()));
        }
        Err(_) if toolchain.is_some() => {
            return Err(missing(
                name,
                "`rustup` was not found, and a toolchain is named",
            ));
        }
        Err(_) => in_search_path(name, user).ok_or_else(|| missing(name, "it is not in `PATH`"))?,
    };
    found
        .canonicalize()
        .map_err(|error| missing(name, &format!("`{}`: {error}", found.display())))
}

fn missing(name: &str, why: &str) -> CouldNotRun {
    Box::new(Reason::new(
        ReasonCode::CommandNotFound,
        format!("`{name}` was not found: {why}"),
        "install a Rust toolchain (https://rustup.rs), then `rustup show` in the checkout",
    ))
}

fn in_search_path(name: &str, user: &BTreeMap<String, String>) -> Option<PathBuf> {
    user.get("PATH")?
        .split(':')
        .filter(|folder| folder.starts_with('/'))
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.is_file())
}

fn ask(
    argv: Vec<String>,
    folder: &Path,
    user: &BTreeMap<String, String>,
) -> Result<process::Finished, process::SpawnError> {
    let mut argv = argv;
    if let Some(program) = argv.first_mut()
        && !program.starts_with('/')
        && let Some(path) = in_search_path(program, user)
    {
        *program = text(&path);
    }
    let mut spec = Spec::new("toolchain", argv, folder);
    spec.env = user.clone();
    spec.sees = process::Sees::Everything;
    // A missing toolchain is a reason with a next step, never a silent download.
    spec.env
        .insert("RUSTUP_AUTO_INSTALL".to_owned(), "0".to_owned());
    process::run(&spec)
}

fn sysroot_of(
    rustc: &Path,
    folder: &Path,
    user: &BTreeMap<String, String>,
) -> Result<PathBuf, CouldNotRun> {
    let argv = vec![text(rustc), "--print".to_owned(), "sysroot".to_owned()];
    let finished = ask(argv, folder, user).map_err(|error| missing("rustc", &error.to_string()))?;
    let path = PathBuf::from(finished.stdout_text().trim());
    path.canonicalize()
        .map_err(|error| missing("rustc", &format!("sysroot `{}`: {error}", path.display())))
}

fn tool(path: &Path, folder: &Path, user: &BTreeMap<String, String>) -> Result<Tool, CouldNotRun> {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let finished = ask(vec![text(path), "-V".to_owned()], folder, user)
        .map_err(|error| missing(&name, &error.to_string()))?;
    let bytes = std::fs::read(path).map_err(|error| missing(&name, &error.to_string()))?;
    Ok(Tool {
        version: finished.stdout_text().trim().to_owned(),
        path: text(path),
        digest: Digest::of(&bytes),
    })
}

/// Names, sizes and times of every file below `lib` of the toolchain: the compiler itself is a shared library of
/// 150 MB there, and the standard library 100 MB more; reading them all would cost more than most test runs.
fn sysroot_digest(sysroot: &Path) -> Digest {
    let mut lines = Vec::new();
    let mut folders = vec![sysroot.join("lib")];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_dir() {
                folders.push(entry.path());
                continue;
            }
            let modified = metadata
                .modified()
                .ok()
                .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
                .map_or(0, |since| since.as_nanos());
            lines.push(format!(
                "{}\0{}\0{modified}\n",
                entry.path().display(),
                metadata.len()
            ));
        }
    }
    lines.sort();
    Digest::of(lines.concat().as_bytes())
}

/// The toolchain's own programs first, so that a test that calls `cargo` gets this one; then the user's search path
/// without relative folders and without folders of the checkout (an agent writes there).
fn search_path(sysroot: &Path, user: &BTreeMap<String, String>, checkout: &Path) -> String {
    let mut folders = vec![text(&sysroot.join("bin"))];
    let users = user.get("PATH").map_or("/usr/bin:/bin", String::as_str);
    for folder in users.split(':') {
        if folder.starts_with('/')
            && !Path::new(folder).starts_with(checkout)
            && !folders.iter().any(|known| known == folder)
        {
            folders.push(folder.to_owned());
        }
    }
    folders.join(":")
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
