//! JavaScript and TypeScript: which runner each package has, and what is test and source in it.

use super::{Detected, DetectedRunner, NOT_PRODUCT, in_fixture, join};
use redgreen_core::id::RelPath;
use serde_json::Value;
use std::collections::BTreeSet;

/// Endings of scripts, as parts of globs.
const SCRIPTS: [&str; 5] = ["[jt]s", "[cm]js", "[cm]ts", "jsx", "tsx"];

/// Folders that hold tests or what they need.
const TEST_FOLDERS: [&str; 10] = [
    "test/**",
    "tests/**",
    "spec/**",
    "specs/**",
    "e2e/**",
    "__tests__/**",
    "**/__tests__/**",
    "**/__mocks__/**",
    "**/__snapshots__/**",
    "**/__fixtures__/**",
];

/// At most this many test files are read to see whether they use node's own runner.
const LOOKED_AT: usize = 40;

fn is_script(path: &RelPath) -> bool {
    matches!(
        path.extension(),
        Some("js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx")
    )
}

/// The runner that a script starts.
fn of_script(text: &str) -> Option<&'static str> {
    for (runner, kind) in [
        ("vitest", "vitest"),
        ("jest", "jest"),
        ("mocha", "mocha"),
        ("node", "node-test"),
    ] {
        if redgreen_formats::javascript::script::read(text, runner).is_some() {
            return Some(kind);
        }
    }
    None
}

struct Package {
    root: String,
    manifest: Value,
    /// Its test script starts this.
    scripted: Option<&'static str>,
    /// It is the top of a workspace.
    workspace: bool,
}

impl Package {
    fn has(&self, name: &str) -> bool {
        ["devDependencies", "dependencies"]
            .iter()
            .any(|list| self.manifest[*list].get(name).is_some())
    }

    /// What it runs its tests with, by itself.
    fn own(
        &self,
        files: &BTreeSet<RelPath>,
        read: &dyn Fn(&RelPath) -> Option<String>,
    ) -> Option<&'static str> {
        if let Some(kind) = self.scripted {
            return Some(kind);
        }
        let installed = ["vitest", "jest", "mocha"]
            .into_iter()
            .find(|name| self.has(name));
        if installed.is_some() || self.manifest.get("jest").is_some() {
            return installed.or(Some("jest"));
        }
        let uses_node = files
            .iter()
            .filter(|path| {
                path.is_below(&self.root) && is_script(path) && path.as_str().contains("test")
            })
            .take(LOOKED_AT)
            .any(|path| read(path).is_some_and(|text| text.contains("node:test")));
        uses_node.then_some("node-test")
    }
}

fn packages(files: &BTreeSet<RelPath>, read: &dyn Fn(&RelPath) -> Option<String>) -> Vec<Package> {
    files
        .iter()
        .filter(|path| path.file_name() == "package.json" && !in_fixture(path))
        .filter_map(|path| {
            let manifest: Value = serde_json::from_str(&read(path)?).ok()?;
            let root = path
                .parent()
                .map_or_else(String::new, |folder| folder.to_string());
            let scripts = manifest["scripts"].as_object();
            let named = |name: &str| {
                scripts
                    .and_then(|scripts| scripts.get(name))
                    .and_then(Value::as_str)
            };
            let scripted = [
                "test",
                "test:unit",
                "tests",
                "unit",
                "test:node",
                "test:run",
                "test:ci",
                "mocha",
                "jest",
            ]
            .iter()
            .filter_map(|name| named(name))
            .find_map(of_script)
            .or_else(|| {
                scripts
                    .into_iter()
                    .flatten()
                    .filter(|(name, _)| {
                        name.contains("test") && !name.contains("e2e") && !name.contains("types")
                    })
                    .filter_map(|(_, script)| script.as_str())
                    .find_map(of_script)
            });
            let below = |name: &str| {
                let place = if root.is_empty() {
                    name.to_owned()
                } else {
                    format!("{root}/{name}")
                };
                RelPath::new(place).is_ok_and(|path| files.contains(&path))
            };
            let workspace = manifest.get("workspaces").is_some()
                || below("pnpm-workspace.yaml")
                || below("lerna.json");
            Some(Package {
                root,
                manifest,
                scripted,
                workspace,
            })
        })
        .collect()
}

fn above<'p>(package: &Package, all: &'p [Package]) -> Option<&'p Package> {
    all.iter()
        .filter(|other| {
            other.root != package.root
                && (other.root.is_empty() || package.root.starts_with(&format!("{}/", other.root)))
        })
        .max_by_key(|other| other.root.len())
}

/// Finds runners and adds their globs.
pub(super) fn runners(
    files: &BTreeSet<RelPath>,
    read: &dyn Fn(&RelPath) -> Option<String>,
    detected: &mut Detected,
) -> Vec<DetectedRunner> {
    let all = packages(files, read);
    let tops: Vec<&Package> = all
        .iter()
        .filter(|package| above(package, &all).is_none())
        .collect();
    let mut found = Vec::new();
    for top in tops {
        let members: Vec<&Package> = all
            .iter()
            .filter(|package| {
                package.root != top.root
                    && (top.root.is_empty() || package.root.starts_with(&format!("{}/", top.root)))
            })
            .collect();
        // A top whose own script starts a runner runs everything with it; one that hands on to its members does not.
        let own = if top.workspace && !members.is_empty() {
            top.scripted
        } else {
            top.own(files, read)
        };
        match own {
            Some(kind) => found.push((top, kind)),
            None => {
                for member in members {
                    // What the top installs, its members use.
                    let kind = member
                        .own(files, read)
                        .filter(|_| member.scripted.is_some() || has_tests(files, &member.root));
                    if let Some(kind) = kind {
                        found.push((member, kind));
                    }
                }
            }
        }
    }
    for (package, _) in &found {
        globs(files, &package.root, detected);
    }
    found
        .into_iter()
        .map(|(package, kind)| DetectedRunner {
            kind,
            root: package.root.clone(),
        })
        .collect()
}

fn has_tests(files: &BTreeSet<RelPath>, root: &str) -> bool {
    files.iter().any(|path| {
        path.is_below(root)
            && is_script(path)
            && (path.file_name().contains(".test.")
                || path.file_name().contains(".spec.")
                || path.as_str().contains("test/")
                || path.as_str().contains("tests/"))
    })
}

fn globs(files: &BTreeSet<RelPath>, root: &str, detected: &mut Detected) {
    for name in TEST_FOLDERS {
        detected.tests.push(join(root, name));
    }
    for ending in SCRIPTS {
        for stem in ["*.test", "*.spec", "*-test", "*_test", "*.test-d"] {
            detected
                .tests
                .push(join(root, &format!("**/{stem}.{ending}")));
        }
        for stem in ["test", "test-*"] {
            detected.tests.push(join(root, &format!("{stem}.{ending}")));
        }
    }
    // A folder of a package may hold tests beside its source, too.
    detected.tests.push(join(root, "**/test/**"));
    detected.tests.push(join(root, "**/tests/**"));
    let mut any = false;
    for path in files.iter().filter(|path| is_script(path)) {
        let rest = match root {
            "" => path.as_str(),
            root => match path
                .as_str()
                .strip_prefix(root)
                .and_then(|rest| rest.strip_prefix('/'))
            {
                Some(rest) => rest,
                None => continue,
            },
        };
        match rest.split_once('/') {
            None => {
                let name = path.file_name();
                let steers =
                    name.contains(".config.") || name.starts_with('.') || name.contains("test");
                if !steers && let Some(ending) = path.extension() {
                    // A flat project grows by new modules beside the old ones.
                    detected.source.push(join(root, &format!("*.{ending}")));
                    any = true;
                }
            }
            Some((folder, _)) => {
                let other = matches!(
                    folder,
                    "spec"
                        | "specs"
                        | "e2e"
                        | "__tests__"
                        | "__mocks__"
                        | "coverage"
                        | "website"
                        | "types-test"
                        | "benches"
                );
                if !NOT_PRODUCT.contains(&folder) && !folder.starts_with('.') && !other {
                    detected.source.push(join(root, &format!("{folder}/**")));
                    any = true;
                }
            }
        }
    }
    if !any {
        for name in ["src/**", "lib/**", "index.js", "index.ts"] {
            detected.source.push(join(root, name));
        }
        detected
            .assumed
            .push("no source yet: `src/` and `lib/` will be source".to_owned());
    }
}
