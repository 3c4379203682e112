//! The environment of a test process.

use super::build::Built;
use super::manifest;
use super::project::Member;
use super::shell::Shell;
use redgreen_formats::cargo::messages::kind;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What `cargo test` sets for a test process
/// (<https://doc.rust-lang.org/cargo/reference/environment-variables.html>).
#[must_use]
pub fn test_environment(
    shell: &Shell<'_>,
    built: &Built,
    member: &Member,
) -> BTreeMap<String, String> {
    let package = &member.package;
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let version = &package.version;
    let cargo_home = shell.env.get("CARGO_HOME").map(Path::new);
    let mut env =
        manifest::configured_environment(&shell.root, &shell.tree, cargo_home, &shell.env);
    let described = [
        ("CARGO", shell.cargo.clone()),
        ("CARGO_MANIFEST_DIR", text(&member.folder)),
        ("CARGO_MANIFEST_PATH", package.manifest_path.to_string()),
        ("CARGO_PKG_NAME", member.name.clone()),
        ("CARGO_PKG_VERSION", version.to_string()),
        ("CARGO_PKG_VERSION_MAJOR", version.major.to_string()),
        ("CARGO_PKG_VERSION_MINOR", version.minor.to_string()),
        ("CARGO_PKG_VERSION_PATCH", version.patch.to_string()),
        ("CARGO_PKG_VERSION_PRE", version.pre.to_string()),
        ("CARGO_PKG_AUTHORS", package.authors.join(":")),
        (
            "CARGO_PKG_DESCRIPTION",
            package.description.clone().unwrap_or_default(),
        ),
        (
            "CARGO_PKG_HOMEPAGE",
            package.homepage.clone().unwrap_or_default(),
        ),
        (
            "CARGO_PKG_REPOSITORY",
            package.repository.clone().unwrap_or_default(),
        ),
        (
            "CARGO_PKG_LICENSE",
            package.license.clone().unwrap_or_default(),
        ),
        (
            "CARGO_PKG_LICENSE_FILE",
            package
                .license_file
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        ),
        (
            "CARGO_PKG_RUST_VERSION",
            package
                .rust_version
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        ),
        (
            "CARGO_PKG_README",
            package
                .readme
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        ),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    env.extend(described);
    let mut libraries: Vec<PathBuf> = Vec::new();
    for script in &built.messages.build_scripts {
        libraries.extend(
            script
                .linked_paths
                .iter()
                .map(|path| {
                    let path = path.as_str();
                    PathBuf::from(path.split_once('=').map_or(path, |(_, path)| path))
                })
                // As cargo does: only folders that builds made.
                .filter(|path| path.starts_with(&shell.target)),
        );
        if script.package_id.repr == member.id {
            env.insert("OUT_DIR".to_owned(), script.out_dir.to_string());
            env.extend(script.env.iter().cloned());
        }
    }
    for artifact in &built.messages.artifacts {
        if artifact.package_id.repr == member.id
            && kind(&artifact.target.kind) == "bin"
            && !artifact.profile.test
            && let Some(executable) = &artifact.executable
        {
            env.insert(
                format!("CARGO_BIN_EXE_{}", artifact.target.name),
                executable.to_string(),
            );
        }
        if let Some(folder) = artifact.filenames.first().and_then(|file| file.parent())
            && folder.as_std_path().starts_with(&shell.target)
        {
            let folder = folder.as_std_path().to_owned();
            if let Some(above) = folder.parent().filter(|_| folder.ends_with("deps")) {
                libraries.push(above.to_owned());
            }
            libraries.push(folder);
        }
    }
    if let Some(sysroot) = project_sysroot(shell) {
        // Where the shared standard library lies, which the tests of macro crates need, differs between releases.
        let targets = std::fs::read_dir(sysroot.join("lib/rustlib"))
            .into_iter()
            .flatten();
        let mut folders: Vec<PathBuf> = targets
            .flatten()
            .map(|entry| entry.path().join("lib"))
            .filter(|path| path.is_dir())
            .collect();
        folders.sort();
        libraries.extend(folders);
        libraries.push(sysroot.join("lib"));
    }
    let mut unique: Vec<String> = Vec::new();
    for path in libraries {
        let path = text(&path);
        if !unique.contains(&path) {
            unique.push(path);
        }
    }
    let name = if cfg!(target_os = "macos") {
        "DYLD_FALLBACK_LIBRARY_PATH"
    } else {
        "LD_LIBRARY_PATH"
    };
    env.insert(name.to_owned(), unique.join(":"));
    env
}

fn project_sysroot(shell: &Shell<'_>) -> Option<PathBuf> {
    let rustc = shell.env.get("RUSTC")?;
    Some(Path::new(rustc).parent()?.parent()?.to_owned())
}
