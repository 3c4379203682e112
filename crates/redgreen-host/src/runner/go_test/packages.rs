//! Which packages hold the selected tests, and whose module they are.

use super::Shell;
use crate::runner::{CouldNotRun, RunnerSettings, Selection};
use redgreen_core::id::{ItemId, RelPath};
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::test_item::TestItem;
use redgreen_formats::go::cause::package_of;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A package with selected tests.
#[derive(Debug, Clone)]
pub(super) struct Package {
    /// Its folder, relative to the tree; empty for the top level.
    pub(super) folder: String,
    /// The folder of its module, absolute.
    pub(super) module: PathBuf,
    /// The `go.work` that lists the module; `off` without one.
    pub(super) workspace: String,
    /// How the go tool names it from the folder of its module.
    pub(super) pattern: String,
    /// Its items by the name of their function: those of the package first, then those of `_test`, as they run.
    pub(super) by_name: BTreeMap<String, Vec<ItemId>>,
    /// Items that are methods of a suite.
    pub(super) methods: Vec<ItemId>,
    /// Functions that start suites, with their text.
    pub(super) suites: BTreeMap<String, String>,
    /// The functions to run; `None` for all of them.
    pub(super) wanted: Option<BTreeSet<String>>,
    /// Every file of it with items.
    pub(super) files: BTreeSet<RelPath>,
}

/// Folders that the go tool never looks into.
pub(super) fn is_passed_over(name: &str) -> bool {
    name.starts_with(['.', '_']) || matches!(name, "vendor" | "testdata" | "node_modules")
}

/// The packages of the selected tests, in the order of their folders.
pub(super) fn of_selection(
    shell: &Shell<'_>,
    settings: &RunnerSettings,
) -> Result<Vec<Package>, CouldNotRun> {
    let selected = |id: &ItemId| match shell.request.selection {
        Selection::All => true,
        Selection::Files(files) => files.contains(&id.path),
        Selection::Items(items) => items.contains(id),
    };
    let mut by_folder: BTreeMap<String, Vec<&TestItem>> = BTreeMap::new();
    for item in shell.request.items {
        if item.id.runner == settings.name {
            let folder = item
                .id
                .path
                .parent()
                .map_or_else(String::new, |path| path.to_string());
            by_folder.entry(folder).or_default().push(item);
        }
    }
    let mut packages = Vec::new();
    for (folder, items) in by_folder {
        if !items.iter().any(|item| selected(&item.id)) {
            continue;
        }
        let module = module_of(&shell.tree, &folder).ok_or_else(|| {
            Box::new(Reason::new(
                ReasonCode::RunnerUsageError,
                format!(
                    "`{}` belongs to no module: there is no go.mod above it",
                    if folder.is_empty() { "." } else { &folder }
                ),
                "make one: go mod init example.com/name",
            ))
        })?;
        packages.push(package(shell, folder, &module, &items, &selected));
    }
    let modules: BTreeSet<PathBuf> = packages
        .iter()
        .map(|package| package.module.clone())
        .collect();
    for module in &modules {
        nothing_from_elsewhere(&shell.tree, module)?;
    }
    Ok(packages)
}

fn package(
    shell: &Shell<'_>,
    folder: String,
    module: &Path,
    items: &[&TestItem],
    selected: &dyn Fn(&ItemId) -> bool,
) -> Package {
    let mut texts: BTreeMap<&RelPath, String> = BTreeMap::new();
    for item in items {
        texts.entry(&item.id.path).or_insert_with(|| {
            std::fs::read_to_string(shell.tree.join(item.id.path.as_str())).unwrap_or_default()
        });
    }
    let is_external = |path: &RelPath| {
        texts
            .get(path)
            .and_then(|text| package_of(text))
            .is_some_and(|name| name.ends_with("_test"))
    };
    let mut sorted: Vec<&&TestItem> = items.iter().collect();
    sorted.sort_by_key(|item| (is_external(&item.id.path), item.id.path.clone(), item.line));
    let mut by_name: BTreeMap<String, Vec<ItemId>> = BTreeMap::new();
    let mut methods = Vec::new();
    let mut suites = BTreeMap::new();
    for item in sorted {
        if item.id.item.contains('.') {
            methods.push(item.id.clone());
            continue;
        }
        let text: String = texts
            .get(&item.id.path)
            .map_or("", String::as_str)
            .lines()
            .skip((item.line as usize).saturating_sub(1))
            .take((item.end_line.saturating_sub(item.line) + 1) as usize)
            .collect::<Vec<_>>()
            .join("\n");
        if text.contains("suite.Run(") {
            suites.insert(item.id.item.clone(), text);
        }
        by_name
            .entry(item.id.item.clone())
            .or_default()
            .push(item.id.clone());
    }
    let everything = items.iter().all(|item| selected(&item.id));
    let wanted = (!everything).then(|| {
        let mut wanted: BTreeSet<String> = by_name
            .iter()
            .filter(|(_, ids)| ids.iter().any(selected))
            .map(|(name, _)| name.clone())
            .collect();
        if methods.iter().any(selected) {
            wanted.extend(suites.keys().cloned());
        }
        wanted
    });
    let own = shell.tree.join(&folder);
    let pattern = match own.strip_prefix(module) {
        Ok(rest) if !rest.as_os_str().is_empty() => format!("./{}", rest.display()),
        _ => ".".to_owned(),
    };
    Package {
        workspace: workspace_of(&shell.tree, module),
        module: module.to_path_buf(),
        pattern,
        by_name,
        methods,
        suites,
        wanted,
        files: items.iter().map(|item| item.id.path.clone()).collect(),
        folder,
    }
}

/// The nearest folder at or above with a `go.mod`, inside the tree.
fn module_of(tree: &Path, folder: &str) -> Option<PathBuf> {
    let start = tree.join(folder);
    start
        .ancestors()
        .take_while(|path| path.starts_with(tree))
        .find(|path| path.join("go.mod").is_file())
        .map(Path::to_path_buf)
}

/// The `go.work` at or above a module that lists it.
fn workspace_of(tree: &Path, module: &Path) -> String {
    module
        .ancestors()
        .take_while(|path| path.starts_with(tree))
        .map(|path| path.join("go.work"))
        .find(|path| path.is_file())
        .filter(|path| {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            let folder = path.parent().unwrap_or(tree);
            used(&text).any(|used| clean(&folder.join(used)) == module)
        })
        .map_or_else(|| "off".to_owned(), |path| path.display().to_string())
}

/// The folders that a `go.work` uses.
fn used(text: &str) -> impl Iterator<Item = &str> {
    directive(text, "use").map(|line| line.trim_matches(['"', '`']))
}

/// The lines of one directive of a go.mod or go.work, alone or in a block, without comments.
fn directive<'t>(text: &'t str, name: &'t str) -> impl Iterator<Item = &'t str> {
    let mut inside = false;
    text.lines().filter_map(move |line| {
        let line = line.split("//").next().unwrap_or(line).trim();
        if inside {
            if line == ")" {
                inside = false;
                return None;
            }
            return (!line.is_empty()).then_some(line);
        }
        let rest = line.strip_prefix(name)?;
        let rest = rest.trim_start();
        if rest == "(" {
            inside = true;
            return None;
        }
        line.strip_prefix(name)
            .filter(|rest| rest.starts_with([' ', '\t']))
            .map(str::trim)
    })
}

/// A path without `.` and `..`.
fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => drop(out.pop()),
            std::path::Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

/// Modules of the project that lie beside the tree: code that nobody here has read (SPEC C2).
fn nothing_from_elsewhere(tree: &Path, module: &Path) -> Result<(), CouldNotRun> {
    for name in ["go.mod", "go.work"] {
        let files = module
            .ancestors()
            .take_while(|path| path.starts_with(tree))
            .map(|path| path.join(name))
            .filter(|path| path.is_file());
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let folder = file.parent().unwrap_or(tree);
            let replaced = directive(&text, "replace")
                .filter_map(|line| Some(line.split_once("=>")?.1.trim()));
            let paths = replaced
                .chain(if name == "go.work" {
                    used(&text).collect()
                } else {
                    Vec::new()
                })
                .filter(|path| path.starts_with(['.', '/']));
            for path in paths {
                let whole = clean(&folder.join(path.trim_matches(['"', '`'])));
                let real = whole.canonicalize().unwrap_or(whole);
                if !real.starts_with(tree) {
                    return Err(Box::new(Reason::new(
                        ReasonCode::CodeLoadedFromElsewhere,
                        format!(
                            "`{name}` takes a module from `{path}`, which is not part of the repository"
                        ),
                        "add it to the repository, or require a published version of it",
                    )));
                }
            }
        }
    }
    Ok(())
}

/// The project's own modules and packages, for the causes of errors: import paths.
pub(super) fn own_packages(tree: &Path) -> (Vec<String>, BTreeSet<String>) {
    let mut modules = Vec::new();
    let mut packages = BTreeSet::new();
    let mut open: Vec<(PathBuf, Option<String>)> = vec![(tree.to_path_buf(), None)];
    while let Some((folder, above)) = open.pop() {
        let own = std::fs::read_to_string(folder.join("go.mod"))
            .ok()
            .and_then(|text| {
                Some(
                    directive(&text, "module")
                        .next()?
                        .trim_matches('"')
                        .to_owned(),
                )
            });
        if let Some(own) = &own {
            modules.push(own.clone());
        }
        let path = own.or(above);
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            let name = entry.file_name().to_string_lossy().into_owned();
            if kind.is_dir() && !is_passed_over(&name) {
                open.push((
                    entry.path(),
                    path.as_ref().map(|path| format!("{path}/{name}")),
                ));
            } else if kind.is_file()
                && name.ends_with(".go")
                && !name.ends_with("_test.go")
                && let Some(path) = &path
            {
                packages.insert(path.clone());
            }
        }
    }
    (modules, packages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c2_directives_are_read_alone_and_in_blocks() {
        let text = "module \"example.com/a\" // why\n\nuse (\n\t./a\n\t./b // b\n)\nuse ./c\nreplace x => ../x\nuser no\n";
        assert_eq!(used(text).collect::<Vec<_>>(), ["./a", "./b", "./c"]);
        assert_eq!(
            directive(text, "replace").collect::<Vec<_>>(),
            ["x => ../x"]
        );
        assert_eq!(clean(Path::new("/t/a/../b/./c")), Path::new("/t/b/c"));
    }
}
