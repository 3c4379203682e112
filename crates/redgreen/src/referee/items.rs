//! Static test items of a tree: which files belong to which runner, and what stands in them.

use crate::config::Config;
use redgreen_core::id::RelPath;
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::test_item::TestItem;
use redgreen_host::path_rules::{PathClass, PathRules};
use redgreen_host::runner::{RunnerKind, RunnerSettings};
use redgreen_lint::{Language, items::items};
use std::collections::BTreeMap;

/// Which files of a tree can hold test items, and whose they are.
#[derive(Debug, Clone)]
pub struct ItemRules<'a> {
    config: &'a Config,
    rules: &'a PathRules,
    python_files: Vec<globset::GlobMatcher>,
    /// `files` of the runners of kind `junit`; `None` where one of them names none.
    junit_files: Option<PathRules>,
}

/// The items of one tree.
#[derive(Debug, Clone, Default)]
pub struct Items {
    /// By file.
    pub by_file: BTreeMap<RelPath, Vec<TestItem>>,
    /// What is wrong without running anything: two tests with one name.
    pub findings: Vec<Reason>,
}

impl Items {
    /// All items in file order.
    #[must_use]
    pub fn all(&self) -> Vec<TestItem> {
        self.by_file.values().flatten().cloned().collect()
    }
}

impl<'a> ItemRules<'a> {
    /// Reads pytest's own `python_files` where the project sets it.
    #[must_use]
    pub fn new(
        config: &'a Config,
        rules: &'a PathRules,
        read: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let mut patterns = python_files(read);
        if patterns.is_empty() {
            patterns = vec!["test_*.py".to_owned(), "*_test.py".to_owned()];
        }
        let python_files = patterns
            .iter()
            .filter_map(|pattern| globset::Glob::new(pattern).ok())
            .map(|glob| glob.compile_matcher())
            .collect();
        let junit: Vec<&RunnerSettings> = config
            .runners
            .iter()
            .filter(|runner| runner.kind == RunnerKind::Junit)
            .collect();
        let globs: Vec<String> = junit
            .iter()
            .flat_map(|runner| runner.files.clone())
            .collect();
        let named = junit.iter().all(|runner| !runner.files.is_empty());
        let junit_files = if named {
            PathRules::new(&[], &globs, &[]).ok()
        } else {
            None
        };
        Self {
            config,
            rules,
            python_files,
            junit_files,
        }
    }

    /// The runner a file belongs to: the one with the deepest root of its kind.
    #[must_use]
    pub fn runner(&self, path: &RelPath) -> Option<&'a RunnerSettings> {
        let language = Language::of(path);
        let own = |kind: RunnerKind| match kind {
            RunnerKind::Pytest => language == Some(Language::Python),
            RunnerKind::CargoTest => language == Some(Language::Rust),
            RunnerKind::NodeTest | RunnerKind::Vitest | RunnerKind::Jest | RunnerKind::Mocha => {
                language == Some(Language::JavaScript)
            }
            RunnerKind::GoTest => language == Some(Language::Go),
            RunnerKind::Junit => false,
        };
        self.config
            .runners
            .iter()
            .filter(|runner| {
                path.is_below(&runner.root)
                    && (own(runner.kind)
                        || (runner.kind == RunnerKind::Junit && self.is_junit_file(path)))
            })
            .max_by_key(|runner| (runner.root.len(), own(runner.kind)))
    }

    /// A command that writes a report may be of any language: every test file is its, or those that `files` names.
    fn is_junit_file(&self, path: &RelPath) -> bool {
        self.rules.class(path) == PathClass::Test
            && self
                .junit_files
                .as_ref()
                .is_none_or(|globs| globs.names_source(path))
    }

    /// Whether a file can hold items. In Rust every test or source file can; in Python a test file that the runner
    /// collects by its name.
    #[must_use]
    pub fn can_hold(&self, path: &RelPath) -> bool {
        let class = self.rules.class(path);
        if self
            .runner(path)
            .is_some_and(|runner| runner.kind == RunnerKind::Junit)
        {
            return class == PathClass::Test;
        }
        match Language::of(path) {
            Some(Language::Python) => {
                class == PathClass::Test
                    && path.file_name() != "conftest.py"
                    && self
                        .python_files
                        .iter()
                        .any(|glob| glob.is_match(path.file_name()))
            }
            Some(Language::Rust) => matches!(class, PathClass::Test | PathClass::Source),
            Some(Language::JavaScript) => class == PathClass::Test && is_javascript_test(path),
            Some(Language::Go) => class == PathClass::Test && is_go_test_file(path),
            None => false,
        }
    }

    /// The items of one file; nothing for a file without a runner.
    pub fn of_file(&self, path: &RelPath, text: &str, items_out: &mut Items) {
        let (Some(language), Some(runner)) = (Language::of(path), self.runner(path)) else {
            return;
        };
        // Its items are the cases of its report.
        if runner.kind == RunnerKind::Junit {
            return;
        }
        let found = match items(language, runner.name.clone(), path, text) {
            Ok(found) => found,
            // Tests that nobody counted could be taken away unseen.
            Err(why) => {
                items_out.findings.push(
                    Reason::new(
                        ReasonCode::TestNotCollected,
                        format!("the file is too large to be read for tests: {why}"),
                        "put its data into a file of its own beside it",
                    )
                    .at(path.clone()),
                );
                return;
            }
        };
        // Without a tree there are no items: what looks removed is only not read.
        if let Some(error) = &found.syntax_error
            && language == Language::JavaScript
            && found.items.is_empty()
        {
            items_out.findings.push(
                Reason::new(
                    ReasonCode::BrokenTest,
                    format!(
                        "the test itself is wrong (syntax_error): the file does not parse: {}",
                        error.message
                    ),
                    "correct the file",
                )
                .at(path.clone())
                .line(error.line),
            );
        }
        for (id, line) in found.duplicates {
            items_out.findings.push(
                Reason::new(
                    ReasonCode::DuplicateTest,
                    format!("`{}` is defined twice; the first one never runs", id.item),
                    "give each test a name of its own",
                )
                .at(path.clone())
                .line(line)
                .test(&id),
            );
        }
        let any = !found.items.is_empty();
        if any {
            items_out.by_file.insert(path.clone(), found.items);
        }
    }
}

/// Whether a file of the tests is more than a helper of theirs: its name says so, or it lies where tests do and neither
/// its name nor a folder says that it is shared.
fn is_javascript_test(path: &RelPath) -> bool {
    const SHARED: [&str; 19] = [
        "helper",
        "helpers",
        "fixture",
        "fixtures",
        "__fixtures__",
        "__mocks__",
        "__snapshots__",
        "mocks",
        "support",
        "util",
        "utils",
        "setup",
        "common",
        "data",
        "stubs",
        "node_modules",
        "teardown",
        "shared",
        "global-setup",
    ];
    let name = path.file_name();
    if [".test.", ".spec.", "-test.", "_test.", ".tests."]
        .iter()
        .any(|word| name.contains(word))
    {
        return true;
    }
    let stem = name
        .split('.')
        .next()
        .unwrap_or(name)
        .trim_start_matches('_');
    let folders = path.parent();
    let mut parts = folders.iter().flat_map(|folder| folder.as_str().split('/'));
    !SHARED.contains(&stem) && !name.ends_with(".d.ts") && !parts.any(|part| SHARED.contains(&part))
}

/// Whether the go tool looks for tests in a file (`go help packages`).
fn is_go_test_file(path: &RelPath) -> bool {
    path.file_name().ends_with("_test.go")
        && !path
            .as_str()
            .split('/')
            .any(|part| part.starts_with(['.', '_']) || matches!(part, "testdata" | "vendor"))
}

/// pytest's `python_files` from the file that pytest itself would read, in its order of precedence.
fn python_files(read: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    for (file, section) in [("pytest.ini", "[pytest]"), (".pytest.ini", "[pytest]")] {
        if let Some(text) = read(file) {
            return ini_value(&text, section, "python_files")
                .map(|value| words(&value))
                .unwrap_or_default();
        }
    }
    if let Some(table) = read("pyproject.toml").and_then(|text| text.parse::<toml::Table>().ok())
        && let Some(options) = table
            .get("tool")
            .and_then(|tool| tool.get("pytest"))
            .and_then(|pytest| pytest.get("ini_options"))
    {
        return match options.get("python_files") {
            Some(toml::Value::String(text)) => words(text),
            Some(toml::Value::Array(list)) => list
                .iter()
                .filter_map(|value| value.as_str().map(str::to_owned))
                .collect(),
            _ => Vec::new(),
        };
    }
    for (file, section) in [("tox.ini", "[pytest]"), ("setup.cfg", "[tool:pytest]")] {
        if let Some(value) = read(file).and_then(|text| ini_value(&text, section, "python_files")) {
            return words(&value);
        }
    }
    Vec::new()
}

/// A value of an INI section, with its continuation lines.
fn ini_value(text: &str, section: &str, key: &str) -> Option<String> {
    let mut inside = false;
    let mut value: Option<String> = None;
    for line in text.lines() {
        if line.starts_with('[') {
            if value.is_some() {
                break;
            }
            inside = line.trim() == section;
        } else if inside {
            match &mut value {
                Some(value) if line.starts_with([' ', '\t']) => {
                    value.push(' ');
                    value.push_str(line.trim());
                }
                Some(_) => break,
                None => {
                    if let Some((name, rest)) = line.split_once('=')
                        && name.trim() == key
                    {
                        value = Some(rest.trim().to_owned());
                    }
                }
            }
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g4_python_files_come_from_the_file_pytest_reads() {
        let read = |file: &str| match file {
            "pyproject.toml" => {
                Some("[tool.pytest.ini_options]\npython_files = [\"check_*.py\"]\n".to_owned())
            }
            "setup.cfg" => Some("[tool:pytest]\npython_files = no_*.py\n".to_owned()),
            _ => None,
        };
        assert_eq!(python_files(&read), ["check_*.py"]);
        let ini = |file: &str| {
            (file == "tox.ini")
                .then(|| "[pytest]\npython_files =\n    a_*.py\n    b_*.py\nother = 1\n".to_owned())
        };
        assert_eq!(python_files(&ini), ["a_*.py", "b_*.py"]);
    }
}
