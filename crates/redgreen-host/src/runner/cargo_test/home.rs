//! A cargo home of our own (SPEC C3): sources of dependencies that an agent cannot have edited.
//!
//! cargo checks a package's checksum when it downloads it, not when it builds the unpacked sources that lie in
//! `CARGO_HOME/registry/src`, nor when it unpacks an archive that it already has. So the archives that the lock file names
//! are copied once, each against the checksum in the lock file, and cargo unpacks these copies itself.
//!
//! Dependencies from git are linked, not copied: their commit is in the lock file, their working copies are not checked.

use super::shell::Shell;
use crate::runner::{CouldNotRun, Request};
use redgreen_core::id::Digest;
use redgreen_core::reason::{Reason, ReasonCode};
use std::io;
use std::path::{Path, PathBuf};

/// A package of a registry as the lock file names it.
#[derive(Debug, PartialEq, Eq)]
struct Locked {
    name: String,
    version: String,
    checksum: String,
}

/// Copies what the lock file names from the user's cargo home, and uses the copy for every later command of the run.
///
/// # Errors
/// A reason that names an archive which does not fit its checksum, or says why nothing can be copied.
pub fn prepare(
    shell: &mut Shell<'_>,
    workspace_root: &Path,
    request: &Request<'_>,
) -> Result<(), CouldNotRun> {
    let Some(user) = request.environment.variables.get("CARGO_HOME") else {
        return Ok(());
    };
    let lock_file = std::fs::read_to_string(workspace_root.join("Cargo.lock")).unwrap_or_default();
    let home = request.workspace.cache.join("cargo-home");
    copy(Path::new(user), &home, &locked(&lock_file)).map_err(|error| match error {
        Failed::Checksum(archive) => Box::new(Reason::new(
            ReasonCode::EnvironmentFault,
            format!("`{archive}` in cargo's cache is not what `Cargo.lock` names"),
            "delete that file, then run `cargo fetch` in the checkout",
        )),
        Failed::Io(error) => Box::new(Reason::new(
            ReasonCode::EnvironmentFault,
            format!("cargo's cache cannot be copied: {error}"),
            "free disk space, or check the permissions of redgreen's state folder",
        )),
    })?;
    shell
        .env
        .insert("CARGO_HOME".to_owned(), home.to_string_lossy().into_owned());
    Ok(())
}

#[derive(Debug)]
enum Failed {
    Checksum(String),
    Io(io::Error),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Packages with their checksums. Files of version 1, which cargo still writes where `rust-version` is below 1.38, keep
/// the checksums in a table of their own.
fn locked(lock_file: &str) -> Vec<Locked> {
    let table: toml::Table = lock_file.parse().unwrap_or_default();
    let apart = table.get("metadata").and_then(toml::Value::as_table);
    let packages = table
        .get("package")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten();
    packages
        .filter_map(|package| {
            let text = |key: &str| package.get(key)?.as_str().map(str::to_owned);
            let (name, version) = (text("name")?, text("version")?);
            let checksum = text("checksum").or_else(|| {
                let key = format!("checksum {name} {version} ({})", text("source")?);
                apart?.get(&key)?.as_str().map(str::to_owned)
            })?;
            Some(Locked {
                name,
                version,
                checksum,
            })
        })
        .collect()
}

/// Names of the folders that the packages of a lock file are unpacked to.
pub fn source_folders(lock_file: &str) -> Vec<String> {
    locked(lock_file)
        .iter()
        .map(|package| format!("{}-{}", package.name, package.version))
        .collect()
}

fn copy(user: &Path, home: &Path, packages: &[Locked]) -> Result<(), Failed> {
    std::fs::create_dir_all(home)?;
    for name in ["config.toml", "config"] {
        if let Ok(bytes) = std::fs::read(user.join(name)) {
            put(&home.join(name), &bytes)?;
        }
    }
    for registry in folders(&user.join("registry/index")) {
        let Some(name) = registry.file_name() else {
            continue;
        };
        let target = home.join("registry/index").join(name);
        if registry.join(".git").exists() {
            link(&registry, &target)?;
            continue;
        }
        for file in std::iter::once("config.json".to_owned())
            .chain(packages.iter().map(|package| index_file(&package.name)))
        {
            if let Ok(bytes) = std::fs::read(registry.join(&file))
                && std::fs::read(target.join(&file)).ok().as_ref() != Some(&bytes)
            {
                put(&target.join(&file), &bytes)?;
            }
        }
    }
    let caches = folders(&user.join("registry/cache"));
    for package in packages {
        let archive = format!("{}-{}.crate", package.name, package.version);
        let mut found = false;
        let mut fits = false;
        for cache in &caches {
            let Some(name) = cache.file_name() else {
                continue;
            };
            let target = home.join("registry/cache").join(name).join(&archive);
            if target.is_file() {
                fits = true;
                continue;
            }
            let Ok(bytes) = std::fs::read(cache.join(&archive)) else {
                continue;
            };
            found = true;
            if Digest::of(&bytes).hex() == package.checksum {
                put(&target, &bytes)?;
                fits = true;
            }
        }
        if found && !fits {
            return Err(Failed::Checksum(archive));
        }
    }
    if user.join("git").is_dir() {
        link(&user.join("git"), &home.join("git"))?;
    }
    Ok(())
}

/// Where a sparse index keeps what it knows of a package
/// (<https://doc.rust-lang.org/cargo/reference/registry-index.html#index-files>).
fn index_file(name: &str) -> String {
    let name = name.to_lowercase();
    let part = |from: usize, to: usize| name.get(from..to).unwrap_or_default();
    match name.len() {
        1 => format!(".cache/1/{name}"),
        2 => format!(".cache/2/{name}"),
        3 => format!(".cache/3/{}/{name}", part(0, 1)),
        _ => format!(".cache/{}/{}/{name}", part(0, 2), part(2, 4)),
    }
}

fn folders(path: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect()
}

/// Writes a file whole or not at all: two runs share the folder.
fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)?;
    let temporary = crate::state::before(path);
    std::fs::write(&temporary, bytes)?;
    std::fs::rename(&temporary, path)
}

fn link(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    match std::os::unix::fs::symlink(from, to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "version = 4\n[[package]]\nname = \"Abcd\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\nchecksum = \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n";

    #[test]
    fn c3_only_archives_that_fit_their_checksum_are_copied() {
        let folder = tempfile::tempdir().unwrap();
        let (user, home) = (folder.path().join("user"), folder.path().join("home"));
        let archive = "registry/cache/mirror/Abcd-1.0.0.crate";
        put(&user.join(archive), b"abc").unwrap();
        put(
            &user.join("registry/index/mirror/.cache/ab/cd/abcd"),
            b"index",
        )
        .unwrap();
        put(
            &user.join("registry/src/mirror/Abcd-1.0.0/lib.rs"),
            b"edited",
        )
        .unwrap();
        copy(&user, &home, &locked(LOCK)).unwrap();
        assert_eq!(std::fs::read(home.join(archive)).unwrap(), b"abc");
        assert!(
            home.join("registry/index/mirror/.cache/ab/cd/abcd")
                .is_file()
        );
        assert!(!home.join("registry/src").exists());

        put(&user.join(archive), b"abd").unwrap();
        let other = folder.path().join("other");
        let failed = copy(&user, &other, &locked(LOCK)).unwrap_err();
        assert!(matches!(failed, Failed::Checksum(name) if name == "Abcd-1.0.0.crate"));
        assert!(!other.join(archive).exists());
    }

    /// Purpose: semver, whose `rust-version` was 1.31: nothing was copied, and cargo then found no package at all.
    #[test]
    fn c3_checksums_of_the_first_version_of_the_lock_file_are_read() {
        let old = "[[package]]\nname = \"Abcd\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n[metadata]\n\"checksum Abcd 1.0.0 (registry+x)\" = \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"\n";
        assert_eq!(locked(old), locked(LOCK));
        assert_eq!(locked(old).len(), 1);
    }
}
