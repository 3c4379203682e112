//! What a conventional project needs no configuration for: runners, tests and source, from the list of its files.

mod javascript;

use super::file::{Check, Runner};
use redgreen_core::id::RelPath;
use std::collections::{BTreeMap, BTreeSet};

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Detected {
    /// Runners by name; one without a name where there is one.
    pub runners: BTreeMap<String, DetectedRunner>,
    /// Globs of tests.
    pub tests: Vec<String>,
    /// Globs of source.
    pub source: Vec<String>,
    /// Globs of files that git ignores and the project needs: what its build writes, such as `_version.py`.
    pub carry: Vec<String>,
    /// Linters and the like that the project configured by itself.
    pub ladder: Vec<Check>,
    /// What was assumed, one sentence each, for the person.
    pub assumed: Vec<String>,
}

/// A runner that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetectedRunner {
    /// `pytest`, `cargo-test`, `vitest` and so on.
    pub kind: &'static str,
    /// The folder.
    pub root: String,
}

impl DetectedRunner {
    /// As it would be written in the file.
    #[must_use]
    pub fn to_file(&self) -> Runner {
        Runner {
            kind: self.kind.to_owned(),
            root: self.root.clone(),
            command: None,
            arguments: Vec::new(),
            timeout: None,
            report: Vec::new(),
            files: Vec::new(),
        }
    }
}

/// Inert files of every ecosystem.
pub const INERT: &[&str] = &[
    "*.md",
    "*.rst",
    "docs/**",
    "doc/**",
    "LICENSE*",
    "LICENCE*",
    "COPYING*",
    "NOTICE*",
    "AUTHORS*",
    "CHANGE*",
    "HISTORY*",
    "NEWS*",
    "changelog.d/**",
    "newsfragments/**",
    ".vscode/**",
    ".idea/**",
    ".editorconfig",
];

/// Folders of a Python project that hold no code of the product.
const NOT_PRODUCT: &[&str] = &[
    "tests",
    "test",
    "testing",
    "docs",
    "doc",
    "examples",
    "example",
    "scripts",
    "script",
    "tools",
    "tool",
    "benchmarks",
    "benchmark",
    "bench",
    "ci",
    "build",
    "dist",
    "venv",
    "env",
    "node_modules",
    "target",
    "requirements",
    "changelog.d",
    "newsfragments",
];

/// The files that setuptools-scm, hatch-vcs and their like write into a package from the tags of the repository: imported
/// by the package, ignored by git, and so missing in a clean copy.
fn version_files(
    files: &BTreeSet<RelPath>,
    read: &dyn Fn(&RelPath) -> Option<String>,
) -> Vec<String> {
    let manifests = files
        .iter()
        .filter(|path| path.file_name() == "pyproject.toml");
    let mut found = Vec::new();
    for manifest in manifests {
        let folder = manifest.parent().map(|folder| folder.to_string());
        let folder = folder.unwrap_or_default();
        for line in read(manifest).unwrap_or_default().lines() {
            let Some((key, value)) = line.split_once('=') else {
                continue;
            };
            let key = key.trim().rsplit('.').next().unwrap_or_default().trim();
            let value = value.trim().trim_matches(['"', '\'']);
            if !matches!(key, "version-file" | "version_file" | "write_to")
                || !value.ends_with(".py")
            {
                continue;
            }
            let path = if folder.is_empty() {
                format!("/{value}")
            } else {
                format!("/{folder}/{value}")
            };
            if RelPath::new(path.trim_start_matches('/')).is_ok_and(|path| !files.contains(&path)) {
                found.push(path);
            }
        }
    }
    found
}

/// Finds runners and globs. `read` returns a file's text.
#[must_use]
pub fn detect(files: &BTreeSet<RelPath>, read: &dyn Fn(&RelPath) -> Option<String>) -> Detected {
    let mut detected = Detected {
        carry: version_files(files, read),
        ladder: super::ladder::ladder(files, read),
        ..Detected::default()
    };
    let mut found: Vec<DetectedRunner> = Vec::new();
    for root in cargo_roots(files, read) {
        found.push(DetectedRunner {
            kind: "cargo-test",
            root,
        });
    }
    for root in go_roots(files) {
        found.push(DetectedRunner {
            kind: "go-test",
            root,
        });
    }
    for root in python_roots(files) {
        found.push(DetectedRunner {
            kind: "pytest",
            root,
        });
    }
    found.extend(javascript::runners(files, read, &mut detected));
    if found.iter().any(|runner| runner.kind == "cargo-test") {
        cargo_globs(files, read, &mut detected);
    }
    for runner in found.iter().filter(|runner| runner.kind == "go-test") {
        go_globs(&runner.root, &mut detected);
    }
    for runner in found.iter().filter(|runner| runner.kind == "pytest") {
        python_globs(files, &runner.root, &mut detected);
    }
    let single = found.len() == 1;
    for runner in found {
        let name = match (single, runner.root.as_str(), runner.kind) {
            (true, _, _) => String::new(),
            (false, "", "pytest") => "python".to_owned(),
            (false, "", "go-test") => "go".to_owned(),
            (false, "", "cargo-test") => "rust".to_owned(),
            (false, "", _) => "js".to_owned(),
            (false, root, kind) => {
                let mut name: String = root
                    .chars()
                    .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
                    .collect();
                if detected.runners.contains_key(&name) {
                    name.push('-');
                    name.push_str(kind);
                }
                name
            }
        };
        let place = if runner.root.is_empty() {
            "the top level".to_owned()
        } else {
            format!("`{}`", runner.root)
        };
        detected.assumed.push(format!("{} in {place}", runner.kind));
        detected.runners.insert(name, runner);
    }
    detected.tests.sort();
    detected.tests.dedup();
    // What is taken back comes last: the last glob that matches decides.
    detected
        .source
        .sort_by(|a, b| (a.starts_with('!'), a).cmp(&(b.starts_with('!'), b)));
    detected.source.dedup();
    detected
}

fn join(root: &str, rest: &str) -> String {
    if root.is_empty() {
        format!("/{rest}")
    } else {
        format!("/{root}/{rest}")
    }
}

/// Workspaces and packages that stand alone: a `Cargo.toml` with no other one above it that claims it.
fn cargo_roots(
    files: &BTreeSet<RelPath>,
    read: &dyn Fn(&RelPath) -> Option<String>,
) -> Vec<String> {
    let manifests: Vec<String> = files
        .iter()
        .filter(|path| path.file_name() == "Cargo.toml" && !in_fixture(path))
        .map(|path| {
            path.parent()
                .map_or_else(String::new, |parent| parent.to_string())
        })
        .collect();
    if manifests.iter().any(String::is_empty) {
        return vec![String::new()];
    }
    let workspaces: Vec<&String> = manifests
        .iter()
        .filter(|root| {
            RelPath::new(format!("{root}/Cargo.toml"))
                .ok()
                .and_then(|path| read(&path))
                .is_some_and(|text| text.contains("[workspace"))
        })
        .collect();
    manifests
        .iter()
        .filter(|root| {
            workspaces.contains(root)
                || !workspaces.iter().any(|workspace| {
                    root.strip_prefix(workspace.as_str())
                        .is_some_and(|rest| rest.starts_with('/'))
                })
        })
        .cloned()
        .collect()
}

/// Packages that are data of tests are no projects.
fn in_fixture(path: &RelPath) -> bool {
    path.as_str().split('/').any(|part| {
        matches!(
            part,
            "tests"
                | "test"
                | "fixtures"
                | "testdata"
                | "test-data"
                | "examples"
                | "vendor"
                | "third_party"
                | "node_modules"
                | "templates"
        )
    })
}

fn cargo_globs(
    files: &BTreeSet<RelPath>,
    read: &dyn Fn(&RelPath) -> Option<String>,
    detected: &mut Detected,
) {
    for path in files
        .iter()
        .filter(|path| path.file_name() == "Cargo.toml" && !in_fixture(path))
    {
        let Some(text) = read(path) else { continue };
        if !text.contains("[package]") {
            continue;
        }
        let root = path
            .parent()
            .map_or_else(String::new, |parent| parent.to_string());
        let table: Option<toml::Table> = text.parse().ok();
        let lib = table
            .as_ref()
            .and_then(|table| table.get("lib")?.get("path")?.as_str())
            .and_then(|lib| lib.rsplit_once('/').map(|(folder, _)| folder.to_owned()));
        detected.source.push(join(
            &root,
            &format!("{}/**", lib.as_deref().unwrap_or("src")),
        ));
        if lib.is_some() {
            detected.source.push(join(&root, "src/**"));
        }
        detected.tests.push(join(&root, "tests/**"));
        for name in [
            "src/**/tests.rs",
            "src/**/tests/**",
            "src/**/test.rs",
            "src/**/*_test.rs",
            "src/**/*_tests.rs",
            "src/tests.rs",
            "src/tests/**",
        ] {
            detected.tests.push(join(&root, name));
        }
    }
    detected.tests.push("*.snap".to_owned());
}

/// One runner for all modules below a folder: the one at the top, a workspace, or each that stands alone.
fn go_roots(files: &BTreeSet<RelPath>) -> Vec<String> {
    let roots: BTreeSet<String> = files
        .iter()
        .filter(|path| {
            let steers = matches!(path.file_name(), "go.mod" | "go.work");
            steers
                && !in_fixture(path)
                && !path
                    .as_str()
                    .split('/')
                    .any(|part| part.starts_with(['.', '_']))
        })
        .map(|path| {
            path.parent()
                .map_or_else(String::new, |parent| parent.to_string())
        })
        .collect();
    if roots.contains("") {
        return vec![String::new()];
    }
    roots
        .iter()
        .filter(|root| {
            !roots.iter().any(|other| {
                root.strip_prefix(other.as_str())
                    .is_some_and(|rest| rest.starts_with('/'))
            })
        })
        .cloned()
        .collect()
}

/// Go keeps tests beside source, and tells them by their names.
fn go_globs(root: &str, detected: &mut Detected) {
    for name in ["**/*_test.go", "**/testdata/**"] {
        detected.tests.push(join(root, name));
    }
    detected.source.push(join(root, "**/*.go"));
    // Copies of other modules are dependencies.
    detected
        .source
        .push(format!("!{}", join(root, "**/vendor/**")));
}

fn is_python_test(path: &RelPath) -> bool {
    let name = path.file_name();
    path.extension() == Some("py")
        && (name.starts_with("test_") || name.ends_with("_test.py") || name == "conftest.py")
}

fn python_roots(files: &BTreeSet<RelPath>) -> Vec<String> {
    const MARKERS: &[&str] = &[
        "pyproject.toml",
        "setup.py",
        "setup.cfg",
        "pytest.ini",
        "tox.ini",
    ];
    let has_tests = |root: &str| {
        files
            .iter()
            .any(|path| path.is_below(root) && is_python_test(path))
    };
    let at_top = files
        .iter()
        .any(|path| path.parent().is_none() && MARKERS.contains(&path.file_name()));
    let no_markers = !files.iter().any(|path| MARKERS.contains(&path.file_name()));
    if at_top {
        let python = files.iter().any(|path| path.extension() == Some("py"))
            || files.iter().any(|path| {
                path.parent().is_none() && matches!(path.file_name(), "pytest.ini" | "setup.py")
            });
        return if python {
            vec![String::new()]
        } else {
            Vec::new()
        };
    }
    if no_markers {
        let python = files
            .iter()
            .any(|path| path.parent().is_none() && path.file_name().starts_with("requirements"));
        return if has_tests("") || python {
            vec![String::new()]
        } else {
            Vec::new()
        };
    }
    let roots: BTreeSet<String> = files
        .iter()
        .filter(|path| MARKERS.contains(&path.file_name()) && !in_fixture(path))
        .filter_map(|path| path.parent().map(|parent| parent.to_string()))
        .collect();
    roots
        .iter()
        .filter(|root| has_tests(root))
        .filter(|root| {
            !roots.iter().any(|other| {
                root.strip_prefix(other.as_str())
                    .is_some_and(|rest| rest.starts_with('/'))
            })
        })
        .cloned()
        .collect()
}

fn python_globs(files: &BTreeSet<RelPath>, root: &str, detected: &mut Detected) {
    for name in ["tests/**", "test/**"] {
        detected.tests.push(join(root, name));
        if name == "tests/**" {
            detected.tests.push(join(root, "**/tests/**"));
        }
    }
    for name in ["test_*.py", "*_test.py"] {
        detected.tests.push(join(root, &format!("**/{name}")));
    }
    // A `conftest.py` beside tests belongs to them; the one at the root of a project whose tests lie in folders steers
    // every run, like `pytest.ini`.
    detected.tests.push(join(root, "*/**/conftest.py"));
    let beside_tests = files.iter().any(|path| {
        path.parent().as_ref().map_or("", RelPath::as_str) == root
            && is_python_test(path)
            && path.file_name() != "conftest.py"
    });
    if beside_tests {
        detected.tests.push(join(root, "conftest.py"));
    }
    let mut any = false;
    let below = |path: &RelPath| -> Option<String> {
        if root.is_empty() {
            Some(path.to_string())
        } else {
            path.as_str()
                .strip_prefix(root)?
                .strip_prefix('/')
                .map(str::to_owned)
        }
    };
    for path in files {
        let Some(rest) = below(path) else { continue };
        if path.extension() != Some("py") && path.extension() != Some("pyi") {
            continue;
        }
        match rest.split_once('/') {
            None => {
                let steers = matches!(
                    rest.as_str(),
                    "setup.py" | "conftest.py" | "noxfile.py" | "tasks.py" | "fabfile.py"
                );
                if !steers && !is_python_test(path) {
                    // A flat project grows by new modules beside the old ones.
                    detected.source.push(join(root, "*.py"));
                    any = true;
                }
            }
            Some((folder, _)) => {
                if !NOT_PRODUCT.contains(&folder) && !folder.starts_with('.') {
                    detected.source.push(join(root, &format!("{folder}/**")));
                    any = true;
                }
            }
        }
    }
    if !any {
        detected.source.push(join(root, "src/**"));
        detected.source.push(join(root, "*.py"));
        detected
            .assumed
            .push("no source yet: `src/` and modules at the top level will be source".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Detected {
        let texts: BTreeMap<RelPath, String> = files
            .iter()
            .map(|(path, text)| (RelPath::new(*path).unwrap(), (*text).to_owned()))
            .collect();
        detect(&texts.keys().cloned().collect(), &|path| {
            texts.get(path).cloned()
        })
    }

    #[test]
    fn g4_a_conventional_python_project_needs_no_configuration() {
        let detected = found(&[
            ("pyproject.toml", ""),
            ("shop/__init__.py", ""),
            ("shop/cart.py", ""),
            ("tests/test_cart.py", ""),
            ("setup.py", ""),
            ("docs/conf.py", ""),
        ]);
        assert_eq!(detected.runners.len(), 1);
        assert_eq!(detected.runners[""].kind, "pytest");
        assert_eq!(detected.source, vec!["/shop/**"]);
        assert!(detected.tests.contains(&"/tests/**".to_owned()));
    }

    #[test]
    fn g4_a_cargo_workspace_is_one_runner_and_its_members_are_source() {
        let detected = found(&[
            ("Cargo.toml", "[workspace]\nmembers=[\"crates/*\"]"),
            ("crates/a/Cargo.toml", "[package]\nname='a'"),
            ("crates/a/src/lib.rs", ""),
            (
                "crates/a/tests/fixtures/x/Cargo.toml",
                "[package]\nname='x'",
            ),
        ]);
        assert_eq!(detected.runners.len(), 1);
        assert_eq!(detected.runners[""].kind, "cargo-test");
        assert_eq!(detected.source, vec!["/crates/a/src/**"]);
    }

    #[test]
    fn g4_two_ecosystems_are_two_named_runners() {
        let detected = found(&[
            ("Cargo.toml", "[package]\nname='a'"),
            ("src/lib.rs", ""),
            ("pyproject.toml", ""),
            ("python/a/__init__.py", ""),
            ("tests/test_a.py", ""),
        ]);
        assert_eq!(
            detected.runners.keys().collect::<Vec<_>>(),
            ["python", "rust"]
        );
    }

    #[test]
    fn g6_the_conftest_at_the_root_is_a_verdict_file_unless_tests_lie_beside_it() {
        let steers = found(&[
            ("pyproject.toml", ""),
            ("a/x.py", ""),
            ("tests/test_a.py", ""),
        ]);
        assert!(!steers.tests.contains(&"/conftest.py".to_owned()));
        let flat = found(&[("pyproject.toml", ""), ("x.py", ""), ("test_x.py", "")]);
        assert!(flat.tests.contains(&"/conftest.py".to_owned()));
    }

    /// Happened with humanize: `_version.py` is written when the project is installed, and imported by the package.
    #[test]
    fn c5_a_version_file_that_the_build_writes_is_carried() {
        let text = "[tool.hatch]\nbuild.hooks.vcs.version-file = \"src/a/_version.py\"\n";
        assert_eq!(
            found(&[("pyproject.toml", text)]).carry,
            ["/src/a/_version.py"]
        );
        let text = "[tool.setuptools_scm]\nwrite_to = 'a/_version.py'\n";
        assert_eq!(
            found(&[("py/pyproject.toml", text)]).carry,
            ["/py/a/_version.py"]
        );
        let committed = [("pyproject.toml", text), ("a/_version.py", "")];
        assert!(found(&committed).carry.is_empty());
    }

    #[test]
    fn g4_a_package_has_the_runner_that_its_script_starts() {
        let with = |script: &str, more: &str| {
            let manifest =
                format!("{{\"name\": \"a\", \"scripts\": {{\"test\": \"{script}\"}}{more}}}");
            let detected = found(&[
                ("package.json", &manifest),
                ("src/cart.ts", ""),
                ("index.js", ""),
                ("test/cart.test.ts", "import test from 'node:test'"),
                ("vitest.config.ts", ""),
            ]);
            assert_eq!(detected.source, vec!["/*.js", "/src/**"], "{script}");
            assert!(detected.tests.contains(&"/test/**".to_owned()));
            detected
                .runners
                .values()
                .map(|runner| runner.kind)
                .collect::<Vec<_>>()
        };
        for (script, kind) in [
            ("vitest run --coverage", "vitest"),
            (
                "eslint . && cross-env CI=1 NODE_OPTIONS=--experimental-vm-modules jest",
                "jest",
            ),
            ("c8 mocha -r tsx 'test/**/*.ts'", "mocha"),
            ("node --import tsx --test", "node-test"),
            ("tsx --test test/*.test.ts", "node-test"),
            ("node scripts/build.js", "node-test"),
        ] {
            assert_eq!(with(script, ""), [kind], "{script}");
        }
        assert_eq!(
            with("run-s lint", ", \"devDependencies\": {\"mocha\": \"11\"}"),
            ["mocha"]
        );
    }

    #[test]
    fn g4_a_workspace_is_one_runner_or_one_for_each_of_its_members() {
        let files = |script: &str| {
            let top = format!(
                "{{\"workspaces\": [\"packages/*\"], \"scripts\": {{\"test\": \"{script}\"}}}}"
            );
            found(&[
                ("package.json", top.as_str()),
                (
                    "packages/a/package.json",
                    "{\"name\": \"a\", \"scripts\": {\"test\": \"vitest\"}}",
                ),
                ("packages/a/src/a.ts", ""),
                (
                    "packages/b/package.json",
                    "{\"name\": \"b\", \"scripts\": {\"test\": \"node --test\"}}",
                ),
                ("packages/b/src/b.js", ""),
                ("packages/b/test/fixtures/x/package.json", "{}"),
            ])
        };
        let members = files("npm test --workspaces");
        let kinds: Vec<(&str, &str)> = members
            .runners
            .iter()
            .map(|(name, runner)| (name.as_str(), runner.kind))
            .collect();
        assert_eq!(
            kinds,
            [("packages-a", "vitest"), ("packages-b", "node-test")]
        );
        assert_eq!(members.source, ["/packages/a/src/**", "/packages/b/src/**"]);
        let one = files("vitest run");
        assert_eq!(one.runners[""].kind, "vitest");
        assert_eq!(one.source, ["/packages/**"]);
    }

    #[test]
    fn g4_go_modules_below_one_root_are_one_runner() {
        let detected = found(&[
            ("go.mod", "module x"),
            ("a.go", ""),
            ("tools/go.mod", "module x/tools"),
            ("a/testdata/go.mod", ""),
        ]);
        assert_eq!(detected.runners.len(), 1);
        assert_eq!(detected.runners[""].kind, "go-test");
        let rules =
            redgreen_host::path_rules::PathRules::new(&detected.tests, &detected.source, &[])
                .unwrap();
        let class = |path: &str| rules.class(&RelPath::new(path).unwrap());
        use redgreen_host::path_rules::PathClass;
        assert_eq!(class("a_test.go"), PathClass::Test);
        assert_eq!(class("a/testdata/x.json"), PathClass::Test);
        assert_eq!(class("a/b.go"), PathClass::Source);
        assert_eq!(class("main.go"), PathClass::Source);
        assert_eq!(class("vendor/x/y.go"), PathClass::Locked);
        assert_eq!(class("go.mod"), PathClass::RunnerConfig);
        let two = found(&[("a/go.mod", ""), ("b/go.mod", "")]);
        assert_eq!(two.runners.keys().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn g4_an_empty_repository_has_no_runner() {
        assert_eq!(found(&[("README.md", "")]).runners.len(), 0);
    }
}
