//! Which role may write a path: globs with gitignore semantics, one precedence (SPEC G4, B4, B5).

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use redgreen_core::id::RelPath;

/// What a path is to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathClass {
    /// Steers a runner or is forbidden by name: never writable by any role.
    RunnerConfig,
    /// A test file: the author writes it, the lock holds it.
    Test,
    /// Source: the implementer writes it (in Rust files, everything but the test items).
    Source,
    /// Inert: never changes a verdict (`[paths] ignore`).
    Inert,
    /// Everything else: locked.
    Locked,
}

/// A glob that cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("glob `{glob}` in `{list}` cannot be read: {why}")]
pub struct BadGlob {
    /// The glob.
    pub glob: String,
    /// The configuration key it stands in.
    pub list: &'static str,
    /// What the parser said.
    pub why: String,
}

/// The compiled rules of a repository.
#[derive(Debug, Clone)]
pub struct PathRules {
    config: Gitignore,
    tests: Gitignore,
    source: Gitignore,
    inert: Gitignore,
}

/// Names that steer a runner, a tool or git in every ecosystem; never source, never inert.
const RUNNER_CONFIG: &[&str] = &[
    "conftest.py",
    "pytest.ini",
    ".pytest.ini",
    "pytest.toml",
    ".pytest.toml",
    "tox.ini",
    "setup.cfg",
    "pyproject.toml",
    "noxfile.py",
    "setup.py",
    "sitecustomize.py",
    "usercustomize.py",
    "*.pth",
    ".coveragerc",
    "Cargo.toml",
    "Cargo.lock",
    ".cargo/",
    "rust-toolchain",
    "rust-toolchain.toml",
    "go.mod",
    "go.sum",
    "go.work",
    "go.work.sum",
    "nextest.toml",
    "clippy.toml",
    ".clippy.toml",
    "rustfmt.toml",
    ".rustfmt.toml",
    ".insta.yaml",
    "insta.yaml",
    ".config/nextest.toml",
    ".config/insta.yaml",
    ".coveragerc.toml",
    "pdm.lock",
    "Pipfile",
    "Pipfile.lock",
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "yarn.lock",
    "bun.lock",
    "bun.lockb",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pnp.cjs",
    ".pnpmfile.cjs",
    ".nvmrc",
    ".node-version",
    "node_modules/",
    "vitest.config.*",
    "vitest.workspace.*",
    "vitest.projects.*",
    "vitest.setup.*",
    "vite.config.*",
    "jest.config.*",
    "jest.setup.*",
    "jest-setup.*",
    ".mocharc",
    ".mocharc.*",
    "ava.config.*",
    "playwright.config.*",
    ".taprc",
    ".c8rc.json",
    ".nycrc",
    ".nycrc.*",
    "babel.config.*",
    ".babelrc",
    ".babelrc.*",
    ".swcrc",
    "tsconfig.json",
    "tsconfig.*.json",
    "jsconfig.json",
    "Jenkinsfile",
    ".circleci/",
    "azure-pipelines.yml",
    "uv.lock",
    "poetry.lock",
    "redgreen.toml",
    ".redgreen/",
    ".gitignore",
    ".gitattributes",
    ".gitmodules",
    ".github/",
    ".gitlab-ci.yml",
];

/// Why a glob can match nothing, although it can be read.
#[must_use]
pub fn pointless(glob: &str) -> Option<&'static str> {
    let text = glob.trim_end();
    if text.is_empty() || text.starts_with('#') {
        return Some("it is empty or a comment");
    }
    if text.split('/').any(|part| part == "..") {
        return Some("`..` leads out of the repository");
    }
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => drop(characters.next()),
            // A `]` right after the bracket is one of the class.
            '[' if !characters.as_str().chars().skip(1).any(|c| c == ']') => {
                return Some("a `[` has no `]`");
            }
            '[' => {
                let mut inside = characters.by_ref().skip(1);
                while inside.next().is_some_and(|c| c != ']') {}
            }
            _ => {}
        }
    }
    None
}

fn compile(list: &'static str, globs: &[String]) -> Result<Gitignore, BadGlob> {
    let mut builder = GitignoreBuilder::new("");
    for glob in globs {
        if let Some(why) = pointless(glob) {
            return Err(BadGlob {
                glob: glob.clone(),
                list,
                why: why.to_owned(),
            });
        }
        builder.add_line(None, glob).map_err(|why| BadGlob {
            glob: glob.clone(),
            list,
            why: why.to_string(),
        })?;
    }
    builder.build().map_err(|why| BadGlob {
        glob: String::new(),
        list,
        why: why.to_string(),
    })
}

fn matches(globs: &Gitignore, path: &RelPath) -> bool {
    globs
        .matched_path_or_any_parents(path.as_str(), false)
        .is_ignore()
}

impl PathRules {
    /// Compiles the three lists of `[paths]`.
    ///
    /// # Errors
    /// [`BadGlob`] naming the glob and its list.
    pub fn new(tests: &[String], source: &[String], inert: &[String]) -> Result<Self, BadGlob> {
        let config: Vec<String> = RUNNER_CONFIG.iter().map(|&name| name.to_owned()).collect();
        Ok(Self {
            config: compile("built-in", &config)?,
            tests: compile("paths.tests", tests)?,
            source: compile("paths.source", source)?,
            inert: compile("paths.ignore", inert)?,
        })
    }

    /// Whether the globs of source match a path, whatever else it is: a chore's `scope` may name manifests and CI.
    #[must_use]
    pub fn names_source(&self, path: &RelPath) -> bool {
        matches(&self.source, path)
    }

    /// What a path is. Runner configuration first, then tests, then source, then inert (SPEC G4).
    ///
    /// A `conftest.py` or another runner file inside a test folder is a test file for the author, never source.
    #[must_use]
    pub fn class(&self, path: &RelPath) -> PathClass {
        if matches(&self.config, path) {
            if path.file_name() == "conftest.py" && matches(&self.tests, path) {
                PathClass::Test
            } else {
                PathClass::RunnerConfig
            }
        } else if matches(&self.tests, path) {
            PathClass::Test
        } else if matches(&self.source, path) {
            PathClass::Source
        } else if matches(&self.inert, path) {
            PathClass::Inert
        } else {
            PathClass::Locked
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(path: &str) -> PathClass {
        let globs = |list: &[&str]| list.iter().map(|&g| g.to_owned()).collect::<Vec<_>>();
        let rules = PathRules::new(
            &globs(&["tests/**", "test_*.py"]),
            &globs(&["src/**"]),
            &globs(&["docs/**", "*.md"]),
        )
        .unwrap();
        rules.class(&RelPath::new(path).unwrap())
    }

    #[test]
    fn g10_a_glob_that_can_match_nothing_is_refused() {
        for glob in [
            "",
            " ",
            "# tests",
            "../tests/**",
            "a/../b",
            "tests/[a",
            "[]",
        ] {
            let lists = [vec![glob.to_owned()], Vec::new()];
            let bad = PathRules::new(&lists[0], &lists[1], &lists[1]).unwrap_err();
            assert!(bad.to_string().contains("paths.tests"), "{bad}");
        }
        for glob in ["tests/**", "[ab].py", "[]a]", "\\[a", "a..b", "!x", "*.{py"] {
            assert_eq!(pointless(glob), None, "{glob}");
        }
    }

    #[test]
    fn g4_precedence_is_runner_configuration_then_tests_then_source() {
        assert_eq!(class("tests/test_a.py"), PathClass::Test);
        assert_eq!(class("tests/conftest.py"), PathClass::Test);
        assert_eq!(class("src/conftest.py"), PathClass::RunnerConfig);
        assert_eq!(class("conftest.py"), PathClass::RunnerConfig);
        assert_eq!(class("src/test_b.py"), PathClass::Test);
        assert_eq!(class("src/shop/cart.py"), PathClass::Source);
        assert_eq!(class("src/.cargo/config.toml"), PathClass::RunnerConfig);
        assert_eq!(class("README.md"), PathClass::Inert);
        assert_eq!(class("Makefile"), PathClass::Locked);
        assert_eq!(class(".redgreen/criteria/T1.json"), PathClass::RunnerConfig);
    }
}
