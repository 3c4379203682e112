//! What a private tree contains: packages, targets, their module trees, and which test item is which libtest name.

use super::manifest;
use super::shell::Shell;
use crate::path_rules::{PathClass, PathRules};
use crate::runner::CouldNotRun;
use cargo_metadata::{Metadata, Package, Target};
use redgreen_core::id::{CaseId, ItemId, RelPath, RunnerName};
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::test_item::TestItem;
use redgreen_formats::cargo::diagnostics::Place;
use redgreen_formats::cargo::messages::kind;
use redgreen_formats::cargo::module_tree::{self, ModuleTree};
use redgreen_formats::cargo::source_scan::{FileScan, Import};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// One target that cargo can build as a test.
#[derive(Debug, Clone)]
pub struct TestTarget {
    /// Index in [`Project::packages`].
    pub package: usize,
    /// `lib`, `bin`, `test`, `example`, `bench`.
    pub kind: &'static str,
    /// The name of the target.
    pub name: String,
    /// The root file, relative to the top level of the tree.
    pub root: String,
    /// Whether libtest runs it (`harness = false` otherwise).
    pub harness: bool,
    /// Features without which cargo leaves it out.
    pub required_features: Vec<String>,
    /// Its files.
    pub modules: ModuleTree,
}

/// A workspace member.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// What cargo calls it in messages.
    pub id: String,
    /// The folder of its manifest.
    pub folder: PathBuf,
    /// Everything cargo knows about it.
    pub package: Package,
}

/// A project as it lies in a private tree.
#[derive(Debug)]
pub struct Project {
    /// The top level of the tree, real path.
    pub tree: PathBuf,
    /// The workspace root, absolute: rustc's relative paths start here.
    pub workspace_root: PathBuf,
    /// Members, by name.
    pub packages: Vec<Member>,
    /// Test targets in a fixed order: package, then lib, bin, test, example, bench, then name.
    pub targets: Vec<TestTarget>,
    /// Crate names of first-party code (members and path dependencies), with `_`.
    pub crates: BTreeSet<String>,
    /// Crate names of third-party dependencies of the members, with `_`.
    pub dependencies: BTreeSet<String>,
    /// Whether the runner's folder is one package of a larger workspace: then only that package is tested.
    pub one_package: bool,
    /// Files of the tree that were scanned, by path.
    files: BTreeMap<String, FileScan>,
    /// Those that libraries and binaries compile outside tests.
    source_files: BTreeSet<String>,
}

/// The order in which targets own a file that several of them compile.
const KINDS: [&str; 5] = ["lib", "bin", "test", "example", "bench"];

impl Project {
    /// Reads the project from what `cargo metadata --no-deps` printed.
    ///
    /// # Errors
    /// A reason when a package lies outside the tree (SPEC C2) or the tree cannot be read.
    pub fn read(tree: &Path, root: &Path, metadata: &Metadata) -> Result<Self, CouldNotRun> {
        let tree = tree.canonicalize().map_err(|error| {
            Box::new(Reason::new(
                ReasonCode::RunnerUsageError,
                format!("the tree cannot be read: {error}"),
                "run again; when it happens again, `redgreen doctor`",
            ))
        })?;
        let mut project = Self {
            workspace_root: metadata.workspace_root.clone().into_std_path_buf(),
            tree,
            packages: Vec::new(),
            targets: Vec::new(),
            crates: BTreeSet::new(),
            dependencies: BTreeSet::new(),
            one_package: false,
            files: BTreeMap::new(),
            source_files: BTreeSet::new(),
        };
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let workspace_root = project
            .workspace_root
            .canonicalize()
            .unwrap_or_else(|_| project.workspace_root.clone());
        if !workspace_root.starts_with(&project.tree) {
            return Err(Box::new(loaded_from_elsewhere(&format!(
                "`{}` outside the tree claims the project for its workspace",
                workspace_root.join("Cargo.toml").display()
            ))));
        }
        project.one_package = root != workspace_root;
        let mut members: Vec<&Package> = metadata
            .packages
            .iter()
            .filter(|package| metadata.workspace_members.contains(&package.id))
            .collect();
        members.sort_by(|a, b| a.name.cmp(&b.name));
        for package in members {
            project.inside(package.manifest_path.as_std_path(), &package.name)?;
            for dependency in &package.dependencies {
                let name = dependency.rename.as_deref().unwrap_or(&dependency.name);
                let name = name.replace('-', "_");
                match &dependency.path {
                    Some(path) => {
                        project.inside(path.as_std_path(), &dependency.name)?;
                        project.crates.insert(name);
                    }
                    None => _ = project.dependencies.insert(name),
                }
            }
            project.add(package)?;
        }
        project.targets.sort_by_key(|target| {
            (
                target.package,
                KINDS.iter().position(|kind| *kind == target.kind),
                target.name.clone(),
            )
        });
        if project.one_package {
            let packages = &project.packages;
            project.targets.retain(|target| {
                packages
                    .get(target.package)
                    .is_some_and(|member| member.folder.canonicalize().ok().as_ref() == Some(&root))
            });
        }
        Ok(project)
    }

    fn inside(&self, path: &Path, name: &str) -> Result<(), CouldNotRun> {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if real.starts_with(&self.tree) {
            return Ok(());
        }
        Err(Box::new(loaded_from_elsewhere(&format!(
            "the package `{name}` lies outside the tree: `{}`",
            path.display()
        ))))
    }

    fn add(&mut self, package: &Package) -> Result<(), CouldNotRun> {
        let folder = package
            .manifest_path
            .parent()
            .map(|path| path.as_std_path().to_owned())
            .unwrap_or_default();
        let index = self.packages.len();
        let without_harness =
            manifest::targets_without_harness(package.manifest_path.as_std_path());
        for target in &package.targets {
            self.inside(target.src_path.as_std_path(), &target.name)?;
            let kind = kind(&target.kind);
            if kind == "lib" {
                self.crates.insert(target.name.replace('-', "_"));
            }
            let Some(root) = self.relative(target.src_path.as_std_path()) else {
                continue;
            };
            let modules = self.modules(&root);
            for (path, scan) in &modules.files {
                self.files.insert(path.clone(), scan.clone());
                if matches!(kind, "lib" | "bin") && !modules.test_files.contains(path) {
                    self.source_files.insert(path.clone());
                }
            }
            if !target.test || kind == "build" {
                continue;
            }
            self.targets.push(TestTarget {
                package: index,
                kind,
                name: target.name.clone(),
                harness: !without_harness.contains(&(
                    kind.to_owned(),
                    if kind == "lib" {
                        String::new()
                    } else {
                        target.name.clone()
                    },
                )),
                required_features: target.required_features.clone(),
                modules,
                root,
            });
        }
        self.packages.push(Member {
            name: package.name.to_string(),
            id: package.id.repr.clone(),
            folder,
            package: package.clone(),
        });
        Ok(())
    }

    fn modules(&self, root: &str) -> ModuleTree {
        let read = |path: &str| -> Option<String> {
            if path.starts_with("../") || path.starts_with('/') {
                return None;
            }
            let bytes = std::fs::read(self.tree.join(path)).ok()?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        };
        module_tree::resolve(root, &read)
    }

    /// The folders of all local packages: members, and path dependencies that are no members, with theirs.
    #[must_use]
    pub fn manifest_folders(&self) -> BTreeSet<PathBuf> {
        let mut found: BTreeSet<PathBuf> = BTreeSet::new();
        let mut open: Vec<PathBuf> = self
            .packages
            .iter()
            .map(|member| member.folder.clone())
            .chain([self.workspace_root.clone()])
            .collect();
        while let Some(folder) = open.pop() {
            if found.insert(folder.clone()) {
                open.extend(manifest::path_dependencies(&folder));
            }
        }
        found
    }

    /// Folder (relative to the top level of the tree) and name of every local package.
    #[must_use]
    pub fn local_packages(&self) -> BTreeMap<PathBuf, String> {
        self.manifest_folders()
            .iter()
            .filter_map(|folder| {
                let name = manifest::package_name(folder)?;
                Some((folder.strip_prefix(&self.tree).ok()?.to_path_buf(), name))
            })
            .collect()
    }

    /// Library roots and build scripts of local packages that are no members, relative to the tree.
    #[must_use]
    pub fn other_sources(&self) -> Vec<String> {
        let members: BTreeSet<&PathBuf> =
            self.packages.iter().map(|member| &member.folder).collect();
        self.manifest_folders()
            .iter()
            .filter(|folder| !members.contains(folder))
            .flat_map(|folder| manifest::sources(folder))
            .filter_map(|path| self.relative(&path))
            .collect()
    }

    /// A path of a message, relative to the top level of the tree; `None` outside it. Relative paths start at the
    /// workspace root, as cargo starts rustc there.
    #[must_use]
    pub fn relative(&self, path: &Path) -> Option<String> {
        let absolute = if path.is_absolute() {
            path.to_owned()
        } else {
            self.workspace_root.join(path)
        };
        let real = absolute.canonicalize().unwrap_or(absolute);
        let inside = real.strip_prefix(&self.tree).ok()?;
        Some(inside.to_string_lossy().into_owned())
    }

    /// The same as a checked path.
    #[must_use]
    pub fn rel_path(&self, path: &Path) -> Option<RelPath> {
        RelPath::new(self.relative(path)?).ok()
    }

    /// The target of a message.
    #[must_use]
    pub fn target_index(&self, package_id: &str, target: &Target) -> Option<usize> {
        let kind = kind(&target.kind);
        self.targets.iter().position(|known| {
            known.kind == kind
                && known.name == target.name
                && self
                    .packages
                    .get(known.package)
                    .is_some_and(|member| member.id == package_id)
        })
    }

    /// The targets that compile a file, owner first.
    #[must_use]
    pub fn targets_of(&self, file: &str) -> Vec<usize> {
        (0..self.targets.len())
            .filter(|&index| self.targets[index].modules.files.contains_key(file))
            .collect()
    }

    /// What a line of a file (a path relative to the tree) is: the lines of the known test items count as tests too.
    #[must_use]
    pub fn place(&self, file: &str, line: usize, rules: &PathRules, items: &[TestItem]) -> Place {
        let Ok(path) = RelPath::new(file) else {
            return Place::Elsewhere;
        };
        if rules.class(&path) == PathClass::Test {
            return Place::Test;
        }
        let owners = self.targets_of(file);
        let only_tests = !self.source_files.contains(file)
            && !owners.is_empty()
            && owners.iter().all(|&index| {
                matches!(self.targets[index].kind, "test" | "bench")
                    || self.targets[index].modules.test_files.contains(file)
            });
        let in_test_lines = self
            .files
            .get(file)
            .is_some_and(|scan| scan.is_test_line(line));
        let in_item = items.iter().any(|item| {
            item.id.path == path && (item.line as usize..=item.end_line as usize).contains(&line)
        });
        if only_tests || in_test_lines || in_item {
            Place::Test
        } else {
            Place::Source
        }
    }

    /// The imports of a file.
    #[must_use]
    pub fn imports(&self, file: &str) -> Vec<Import> {
        self.files
            .get(file)
            .map(|scan| scan.imports.clone())
            .unwrap_or_default()
    }

    /// The source file that declares a public item of that name.
    #[must_use]
    pub fn declared_in(&self, name: &str) -> Option<String> {
        self.files
            .iter()
            .filter(|(file, _)| self.source_files.contains(*file))
            .find(|(_, scan)| scan.public_names.iter().any(|known| known == name))
            .map(|(file, _)| file.clone())
    }

    /// The case that a libtest name of a target is.
    ///
    /// The file is that of the deepest module of the name; the item is the longest static item of that file that is the
    /// rest of the name or a `::`-prefix of it (macro-made cases), else the whole rest. A target that does not own the
    /// file (a library and a binary with the same `mod x;`) adds ` @kind:name`.
    #[must_use]
    pub fn case_id(
        &self,
        target_index: usize,
        name: &str,
        items: &[TestItem],
        runner: Option<&RunnerName>,
    ) -> Option<CaseId> {
        let target = self.targets.get(target_index)?;
        let (file, rest) = target
            .modules
            .locate(name)
            .unwrap_or((target.root.as_str(), name.to_owned()));
        let path = RelPath::new(file).ok()?;
        let known = items
            .iter()
            .filter(|item| item.id.path == path)
            .map(|item| item.id.item.as_str())
            .filter(|item| {
                rest.strip_prefix(item)
                    .is_some_and(|after| after.is_empty() || after.starts_with("::"))
            })
            .max_by_key(|item| item.len());
        let (item, suffix) = match known {
            Some(item) => (item.to_owned(), rest[item.len()..].to_owned()),
            None => (rest, String::new()),
        };
        let case = format!("{suffix}{}", self.target_suffix(target_index, file));
        Some(CaseId {
            item: ItemId {
                runner: runner.cloned(),
                path,
                item,
            },
            case,
        })
    }

    fn target_suffix(&self, target_index: usize, file: &str) -> String {
        let owner = self.targets_of(file).first().copied();
        match owner {
            Some(owner) if owner != target_index => {
                let target = &self.targets[target_index];
                if self.targets[owner].package == target.package {
                    format!(" @{}:{}", target.kind, target.name)
                } else {
                    let package = self
                        .packages
                        .get(target.package)
                        .map_or("", |member| member.name.as_str());
                    format!(" @{package}/{}:{}", target.kind, target.name)
                }
            }
            Some(_) | None => String::new(),
        }
    }

    /// The test files (files with items) of a target.
    #[must_use]
    pub fn item_files(&self, target_index: usize, items: &[TestItem]) -> BTreeSet<RelPath> {
        let Some(target) = self.targets.get(target_index) else {
            return BTreeSet::new();
        };
        items
            .iter()
            .map(|item| &item.id.path)
            .filter(|path| target.modules.files.contains_key(path.as_str()))
            .cloned()
            .collect()
    }
}

/// A problem of SPEC C2.
#[must_use]
pub fn loaded_from_elsewhere(message: &str) -> Reason {
    Reason::new(
        ReasonCode::CodeLoadedFromElsewhere,
        message,
        "every path dependency must lie in the repository; move it in, or depend on a published version",
    )
}

/// Asks cargo for the members and their targets; nothing is resolved, so nothing is downloaded.
///
/// # Errors
/// The reason why cargo refused.
pub fn metadata(shell: &mut Shell<'_>) -> Result<Metadata, CouldNotRun> {
    let finished = shell.cargo(&[
        "metadata".to_owned(),
        "--no-deps".to_owned(),
        "--offline".to_owned(),
        "--format-version".to_owned(),
        "1".to_owned(),
    ])?;
    if !finished.success() {
        return Err(super::build::refusal(&finished.stderr_text(), shell));
    }
    cargo_metadata::MetadataCommand::parse(finished.stdout_text()).map_err(|error| {
        Box::new(Reason::new(
            ReasonCode::NoReport,
            format!("`cargo metadata` printed something that cannot be read: {error}"),
            "run `cargo metadata --no-deps` in the checkout",
        ))
    })
}
