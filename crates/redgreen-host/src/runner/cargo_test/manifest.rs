//! What only the manifests say (<https://doc.rust-lang.org/cargo/reference/manifest.html>).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn table(manifest: &Path) -> Option<toml::Table> {
    std::fs::read_to_string(manifest).ok()?.parse().ok()
}

/// The name of the package in a folder.
#[must_use]
pub fn package_name(folder: &Path) -> Option<String> {
    let table = table(&folder.join("Cargo.toml"))?;
    Some(table.get("package")?.get("name")?.as_str()?.to_owned())
}

/// The library root and the build script of the package in a folder, where they exist.
#[must_use]
pub fn sources(folder: &Path) -> Vec<PathBuf> {
    let table = table(&folder.join("Cargo.toml")).unwrap_or_default();
    let text_at = |section: &str, key: &str, default: &str| {
        table
            .get(section)
            .and_then(|section| section.get(key)?.as_str())
            .unwrap_or(default)
            .to_owned()
    };
    [
        folder.join(text_at("lib", "path", "src/lib.rs")),
        folder.join(text_at("package", "build", "build.rs")),
    ]
    .into_iter()
    .filter(|path| path.is_file())
    .collect()
}

/// The folders that the dependency tables of a manifest (those of platforms, of the workspace and of patches too) name by
/// `path`.
#[must_use]
pub fn path_dependencies(folder: &Path) -> Vec<PathBuf> {
    let Some(table) = table(&folder.join("Cargo.toml")) else {
        return Vec::new();
    };
    let mut paths = Vec::new();
    collect_paths(&table, false, &mut paths);
    paths
        .into_iter()
        .map(|path| folder.join(path))
        .filter(|path| path.join("Cargo.toml").is_file())
        .filter_map(|path| path.canonicalize().ok())
        .collect()
}

fn collect_paths(table: &toml::Table, inside: bool, out: &mut Vec<String>) {
    for (name, value) in table {
        let Some(below) = value.as_table() else {
            continue;
        };
        if inside && let Some(path) = below.get("path").and_then(toml::Value::as_str) {
            out.push(path.to_owned());
        }
        collect_paths(
            below,
            inside || name.ends_with("dependencies") || name == "patch",
            out,
        );
    }
}

/// `cargo metadata` does not say which targets have `harness = false`, so the manifest is read.
#[must_use]
pub fn targets_without_harness(manifest: &Path) -> BTreeSet<(String, String)> {
    let mut out = BTreeSet::new();
    let Some(table) = table(manifest) else {
        return out;
    };
    let off =
        |value: &toml::Value| value.get("harness").and_then(toml::Value::as_bool) == Some(false);
    for kind in ["bin", "test", "example", "bench"] {
        for value in table
            .get(kind)
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten()
        {
            if off(value)
                && let Some(name) = value.get("name").and_then(toml::Value::as_str)
            {
                out.insert((kind.to_owned(), name.to_owned()));
            }
        }
    }
    if table.get("lib").is_some_and(off) {
        out.insert(("lib".to_owned(), String::new()));
    }
    out
}

/// Variables by which snapshot and golden-file crates write what they should compare (SPEC B10). A project may set them in
/// `[env]` for its own convenience; a judged run never has them. Those of insta begin with `INSTA_`.
const WRITE_EXPECTED_VALUES: &[&str] = &[
    "BLESS",
    "REGENERATE_GOLDENFILES",
    "SNAPSHOTS",
    "TRYBUILD",
    "TRYCMD",
    "UPDATE_EXPECT",
    "UPDATE_GOLDENFILES",
    "UPDATE_SNAPSHOTS",
];

/// The `[env]` tables of cargo's configuration files, which cargo sets for test processes too
/// (<https://doc.rust-lang.org/cargo/reference/config.html#env>): from the runner's folder up to the top level of the tree,
/// then cargo's home; the first one that names a variable wins. A variable that the run sets itself is kept, unless the
/// configuration says `force`.
#[must_use]
pub fn configured_environment(
    root: &Path,
    tree: &Path,
    cargo_home: Option<&Path>,
    set: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut folders: Vec<PathBuf> = root
        .ancestors()
        .take_while(|folder| folder.starts_with(tree))
        .map(|folder| folder.join(".cargo"))
        .collect();
    folders.extend(cargo_home.map(Path::to_owned));
    let mut out = BTreeMap::new();
    for folder in folders {
        let Some(table) =
            table(&folder.join("config.toml")).or_else(|| table(&folder.join("config")))
        else {
            continue;
        };
        let variables = table.get("env").and_then(toml::Value::as_table);
        for (name, value) in variables.into_iter().flatten() {
            let flag = |key: &str| value.get(key).and_then(toml::Value::as_bool) == Some(true);
            let Some(text) = value
                .as_str()
                .or_else(|| value.get("value").and_then(toml::Value::as_str))
            else {
                continue;
            };
            let writes =
                WRITE_EXPECTED_VALUES.contains(&name.as_str()) || name.starts_with("INSTA_");
            if writes || out.contains_key(name) || (set.contains_key(name) && !flag("force")) {
                continue;
            }
            let text = match folder.parent() {
                Some(above) if flag("relative") => above.join(text).to_string_lossy().into_owned(),
                Some(_) | None => text.to_owned(),
            };
            out.insert(name.clone(), text);
        }
    }
    out
}
