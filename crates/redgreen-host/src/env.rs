//! The only reader of environment variables, and the allow-list for what a child process sees (SPEC C3).

use crate::process::Isolation;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A variable of our own environment; `None` when it is unset, empty or not UTF-8.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "this room is the reader of the environment"
)]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A variable that holds an absolute path; `None` when it is unset, empty or relative.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "this room is the reader of the environment"
)]
pub fn path_variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

/// The user's home folder.
#[must_use]
pub fn home() -> Option<PathBuf> {
    path_variable("HOME")
}

/// The folder for temporary files: `TMPDIR`, else `/tmp`.
#[must_use]
pub fn temporary_folder() -> PathBuf {
    path_variable("TMPDIR").unwrap_or_else(|| PathBuf::from("/tmp"))
}

/// The path of the running executable; `None` where the system does not tell.
#[must_use]
pub fn own_executable() -> Option<PathBuf> {
    std::env::current_exe().ok()
}

/// Our own command line, with the program.
#[must_use]
pub fn arguments() -> Vec<OsString> {
    std::env::args_os().collect()
}

/// A program that was found on a search path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Where it was found: the path to run. A multi-call program (rustup's `cargo`, busybox) needs this name.
    pub found: PathBuf,
    /// The real file after every link was followed: the path to digest and to record.
    pub real: PathBuf,
}

/// Finds a program on our own `PATH`. Relative entries of the path are skipped: they would depend on the folder that
/// a command runs in, which an agent may write.
#[must_use]
pub fn find_program(name: &str) -> Option<Program> {
    find_program_on(name, &path())
}

/// Finds a program on a search path (`:` between folders). An absolute `name` is checked and returned.
#[must_use]
pub fn find_program_on(name: &str, search: &str) -> Option<Program> {
    let usable = |candidate: PathBuf| {
        let meta = std::fs::metadata(&candidate).ok()?;
        if !meta.is_file() || meta.permissions().mode() & 0o111 == 0 {
            return None;
        }
        let real = std::fs::canonicalize(&candidate).ok()?;
        Some(Program {
            found: candidate,
            real,
        })
    };
    if name.starts_with('/') {
        return usable(PathBuf::from(name));
    }
    if name.is_empty() || name.contains('/') {
        return None;
    }
    search
        .split(':')
        .map(Path::new)
        .filter(|folder| folder.is_absolute())
        .find_map(|folder| usable(folder.join(name)))
}

/// Our own search path, or the system's usual one when there is none.
#[must_use]
pub fn path() -> String {
    variable("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".to_owned())
}

/// The environment of a project command: the search path and fixed values, nothing else of ours. Adapters add what
/// their tools need.
///
/// `home` and `temporary` are private folders of the run.
#[must_use]
pub fn child(home: &Path, temporary: &Path) -> BTreeMap<String, String> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    BTreeMap::from(
        [
            ("PATH", path()),
            ("HOME", text(home)),
            ("TMPDIR", text(temporary)),
            ("LANG", "C.UTF-8".to_owned()),
            ("LC_ALL", "C.UTF-8".to_owned()),
            ("TZ", "UTC".to_owned()),
            ("CI", "true".to_owned()),
            ("PYTHONHASHSEED", "0".to_owned()),
            ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    )
}

/// Variables through which a user tells git who they are, where the configuration lies and how to sign. Only reading
/// the identity and making signed commits see them.
const GIT_USER: &[&str] = &[
    "HOME",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "USER",
    "LOGNAME",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_AUTHOR_NAME",
    "GIT_AUTHOR_EMAIL",
    "GIT_COMMITTER_NAME",
    "GIT_COMMITTER_EMAIL",
    "GNUPGHOME",
    "GPG_TTY",
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    "SSH_ASKPASS",
    "DISPLAY",
    "WAYLAND_DISPLAY",
];

/// The user's own git settings from our environment, with the search path.
#[must_use]
pub fn git_user() -> BTreeMap<String, String> {
    GIT_USER
        .iter()
        .filter_map(|&name| Some((name.to_owned(), variable(name)?)))
        .chain([("PATH".to_owned(), path())])
        .collect()
}

/// The value that names every job we belong to (`REDGREEN_JOB`), when we run below another redgreen.
pub(crate) fn outer_job() -> Option<String> {
    variable("REDGREEN_JOB")
}

/// The best isolation level that the user allows (`REDGREEN_ISOLATION=none`, `landlock`); every level by default.
pub(crate) fn isolation_limit() -> Isolation {
    variable("REDGREEN_ISOLATION")
        .and_then(|word| Isolation::parse(&word))
        .unwrap_or(Isolation::Bubblewrap)
}

/// Folders in which the user's toolchains and their package caches lie, for commands that get a private home: a rustup
/// or pyenv shim finds its toolchains through them. Only folders that exist.
#[must_use]
pub fn toolchain_homes() -> BTreeMap<String, String> {
    const HOMES: &[(&str, &str)] = &[
        ("RUSTUP_HOME", ".rustup"),
        ("CARGO_HOME", ".cargo"),
        ("PYENV_ROOT", ".pyenv"),
        ("NVM_DIR", ".nvm"),
        ("MISE_DATA_DIR", ".local/share/mise"),
    ];
    HOMES
        .iter()
        .filter_map(|(name, folder)| {
            let path = path_variable(name).or_else(|| Some(home()?.join(folder)))?;
            path.is_dir()
                .then(|| ((*name).to_owned(), path.to_string_lossy().into_owned()))
        })
        .collect()
}

/// Our whole environment, entries that are not UTF-8 left out. For resolving tools as the user would (virtual
/// environments, version managers); none of it may reach a child by itself.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "this room is the reader of the environment"
)]
pub fn all() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c3_a_program_is_found_with_its_real_file_and_never_through_a_relative_entry() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real-tool");
        std::fs::write(&real, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink(&real, folder.path().join("tool")).unwrap();
        std::fs::write(folder.path().join("plain"), "").unwrap();
        let search = format!(".:{}", folder.path().display());
        let tool = find_program_on("tool", &search).unwrap();
        assert_eq!(tool.found, folder.path().join("tool"));
        assert_eq!(tool.real, real.canonicalize().unwrap());
        assert_eq!(find_program_on("plain", &search), None);
        assert_eq!(find_program_on("./tool", &search), None);
        assert_eq!(find_program_on("Cargo.toml", "."), None);
    }

    #[test]
    fn c3_a_child_sees_only_the_allow_list() {
        let child = child(Path::new("/private/home"), Path::new("/private/tmp"));
        let names: Vec<&str> = child.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "CI",
                "HOME",
                "LANG",
                "LC_ALL",
                "PATH",
                "PYTHONDONTWRITEBYTECODE",
                "PYTHONHASHSEED",
                "TMPDIR",
                "TZ"
            ]
        );
        assert_eq!(child["HOME"], "/private/home");
    }
}
