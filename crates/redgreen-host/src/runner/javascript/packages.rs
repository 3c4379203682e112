//! Installed packages: those of the checkout, made available to a tree and digested (SPEC C2, C3).
//!
//! A tree gets folders `node_modules` of its own, with a link for each package. Node looks at what a link leads to, so a
//! package of the registry is loaded from the checkout, where its own dependencies lie beside it, and a package of this
//! repository (a workspace, a `file:` dependency) must lead into the tree: a link to the checkout would judge the
//! implementation that lies there.

use crate::fingerprint::Fingerprints;
use crate::runner::CouldNotRun;
use redgreen_core::id::Digest;
use redgreen_core::reason::{Reason, ReasonCode};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// The folder of installed packages.
const MODULES: &str = "node_modules";

/// What tools write into it while they run.
const CACHES: [&str; 6] = [
    ".cache",
    ".vite",
    ".vitest",
    ".vite-temp",
    ".vitest-results",
    ".tmp",
];

/// Folders that are not looked into for packages of the repository.
const NOT_LOOKED_INTO: [&str; 4] = [MODULES, ".git", "target", ".venv"];

/// How deep packages of the repository may lie.
const DEPTH: usize = 6;

/// Folders below `top` that hold a manifest, `top` itself included, relative to it.
pub(super) fn package_folders(top: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![(PathBuf::new(), 0)];
    while let Some((folder, depth)) = open.pop() {
        if folder.as_os_str().is_empty() || top.join(&folder).join("package.json").is_file() {
            found.push(folder.clone());
        }
        if depth == DEPTH {
            continue;
        }
        for entry in fs::read_dir(top.join(&folder))
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = entry.file_name();
            let skipped = NOT_LOOKED_INTO.iter().any(|other| name == *other);
            if !skipped && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push((folder.join(name), depth + 1));
            }
        }
    }
    found.sort();
    found
}

/// Makes the packages of a checkout available to a tree. Returns the folders that must be readable for it. What is there
/// already stays.
///
/// # Errors
/// A folder or a link cannot be made.
pub fn provide(checkout: &Path, tree: &Path) -> io::Result<Vec<PathBuf>> {
    let (Ok(checkout), Ok(tree)) = (checkout.canonicalize(), tree.canonicalize()) else {
        return Ok(Vec::new());
    };
    if checkout == tree {
        return Ok(Vec::new());
    }
    let mut readable = BTreeSet::new();
    for folder in package_folders(&tree) {
        let from = checkout.join(&folder).join(MODULES);
        let Ok(real) = from.canonicalize() else {
            continue;
        };
        readable.insert(real.clone());
        let to = tree.join(&folder).join(MODULES);
        let mut linking = Linking {
            checkout: &checkout,
            tree: &tree,
            readable: &mut readable,
        };
        linking.folder(&real, &to)?;
    }
    Ok(readable.into_iter().collect())
}

struct Linking<'a> {
    checkout: &'a Path,
    tree: &'a Path,
    readable: &'a mut BTreeSet<PathBuf>,
}

impl Linking<'_> {
    fn folder(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        if to
            .symlink_metadata()
            .is_ok_and(|there| there.file_type().is_symlink())
        {
            return Ok(());
        }
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let name = entry.file_name();
            let text = name.to_string_lossy();
            if CACHES.contains(&&*text) {
                continue;
            }
            let (from, to) = (entry.path(), to.join(&name));
            let kind = entry.file_type()?;
            if text.starts_with('@') && kind.is_dir() {
                self.folder(&from, &to)?;
            } else if to.symlink_metadata().is_err()
                && let Some(target) = self.target(&from)
            {
                symlink(target, to)?;
            }
        }
        Ok(())
    }

    /// What the tree's link leads to; `None` for a link to nothing.
    fn target(&mut self, entry: &Path) -> Option<PathBuf> {
        let real = entry.canonicalize().ok()?;
        match real.strip_prefix(self.checkout) {
            Ok(inside) if !inside.components().any(|part| part.as_os_str() == MODULES) => {
                Some(self.tree.join(inside))
            }
            Ok(_) => Some(real),
            Err(_) => {
                // `npm link`, a store of the package manager elsewhere.
                self.readable.insert(real.clone());
                Some(real)
            }
        }
    }
}

/// The folder of an installed package, as node finds it from `root`: in it or above, up to `top`.
pub(super) fn installed(root: &Path, top: &Path, package: &str) -> Option<PathBuf> {
    root.ancestors()
        .take_while(|folder| folder.starts_with(top))
        .map(|folder| folder.join(MODULES).join(package))
        .find(|folder| folder.join("package.json").is_file())
        .and_then(|folder| folder.canonicalize().ok())
}

/// The version that a manifest states.
pub(super) fn version(manifest: &Path) -> String {
    fs::read(manifest)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok())
        .and_then(|manifest| manifest["version"].as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// Whether the manifest asks for packages.
pub(super) fn wants_some(root: &Path) -> bool {
    let manifest = fs::read(root.join("package.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    manifest.is_some_and(|manifest| {
        ["dependencies", "devDependencies"].iter().any(|key| {
            manifest[*key]
                .as_object()
                .is_some_and(|list| !list.is_empty())
        })
    })
}

fn install(root: &str) -> String {
    let folder = if root.is_empty() {
        String::new()
    } else {
        format!(" in `{root}`")
    };
    format!(
        "install the packages of the checkout{folder}: npm ci (pnpm install --frozen-lockfile, yarn install --immutable)"
    )
}

/// The reason for a runner that is not installed.
pub(super) fn missing(package: &str, root: &str) -> CouldNotRun {
    Box::new(Reason::new(
        ReasonCode::CommandNotFound,
        format!(
            "`{package}` is not installed: there is no `node_modules/{package}` in the checkout"
        ),
        install(root),
    ))
}

/// The reason for a checkout without installed packages.
pub(super) fn nothing_installed(root: &str) -> CouldNotRun {
    Box::new(Reason::new(
        ReasonCode::EnvironmentFault,
        "the manifest names packages, and the checkout has no `node_modules`",
        install(root),
    ))
}

/// A digest of each folder of installed packages: names, contents, links. Caches of tools apart.
pub(super) fn digests(
    checkout: &Path,
    root: &Path,
    known: &mut Fingerprints,
) -> io::Result<BTreeMap<String, Digest>> {
    let mut folders: BTreeSet<PathBuf> = package_folders(checkout).into_iter().collect();
    if let Ok(inside) = root.strip_prefix(checkout) {
        folders.extend(inside.ancestors().map(Path::to_owned));
    }
    let mut found = BTreeMap::new();
    for folder in folders {
        let modules = checkout.join(&folder).join(MODULES);
        if !modules.is_dir() {
            continue;
        }
        let mut list = String::new();
        content(&modules, "", known, &mut list)?;
        found.insert(
            folder.join(MODULES).display().to_string(),
            Digest::of(list.as_bytes()),
        );
    }
    Ok(found)
}

fn content(
    folder: &Path,
    name: &str,
    known: &mut Fingerprints,
    list: &mut String,
) -> io::Result<()> {
    let mut entries: Vec<fs::DirEntry> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let text = entry.file_name().to_string_lossy().into_owned();
        if CACHES.contains(&text.as_str()) {
            continue;
        }
        let (path, name) = (entry.path(), format!("{name}/{text}"));
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            _ = writeln!(list, "{name}\0{}", fs::read_link(&path)?.display());
        } else if kind.is_dir() {
            content(&path, &name, known, list)?;
        } else {
            _ = writeln!(list, "{name}\0{}", known.digest(&path)?.0);
        }
    }
    Ok(())
}
