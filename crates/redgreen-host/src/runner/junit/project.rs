//! What is the project's own: names of modules, and frames of traces.

use crate::path_rules::{PathClass, PathRules};
use redgreen_core::id::RelPath;
use redgreen_formats::junit::cause::Project;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The files of a tree as causes need them.
pub(super) struct Known<'a> {
    rules: &'a PathRules,
    root: String,
    /// What absolute paths of the tree begin with.
    pub(super) prefixes: Vec<String>,
    /// Test files.
    pub(super) tests: Vec<RelPath>,
    /// Names of source folders and of source files without their extension.
    names: BTreeSet<String>,
    /// Files of source and tests by their name, with whether they are source.
    by_name: BTreeMap<String, Vec<(RelPath, bool)>>,
}

impl<'a> Known<'a> {
    pub(super) fn new(tree: &Path, root: &str, rules: &'a PathRules, files: Vec<RelPath>) -> Self {
        let mut prefixes = vec![tree.display().to_string()];
        if let Ok(real) = std::fs::canonicalize(tree) {
            let real = real.display().to_string();
            if !prefixes.contains(&real) {
                prefixes.push(real);
            }
        }
        let mut known = Self {
            rules,
            root: root.to_owned(),
            prefixes,
            tests: Vec::new(),
            names: BTreeSet::new(),
            by_name: BTreeMap::new(),
        };
        for path in files {
            let source = match rules.class(&path) {
                PathClass::Test => false,
                PathClass::Source => true,
                PathClass::RunnerConfig | PathClass::Inert | PathClass::Locked => continue,
            };
            if source {
                for part in path.as_str().split('/') {
                    let stem = part.split('.').next().unwrap_or(part);
                    known.names.insert(stem.to_owned());
                }
            }
            known
                .by_name
                .entry(path.file_name().to_owned())
                .or_default()
                .push((path.clone(), source));
            if !source && path.is_below(root) {
                known.tests.push(path);
            }
        }
        known
    }

    /// Text with the private paths of this run written as `{tree}` and `{run}`.
    pub(super) fn shown(&self, text: &str, run: &Path) -> String {
        let mut text = text.replace(&run.display().to_string(), "{run}");
        for prefix in &self.prefixes {
            text = text.replace(prefix, "{tree}");
        }
        text
    }

    fn inside<'t>(&self, path: &'t str) -> &'t str {
        self.prefixes
            .iter()
            .find_map(|prefix| path.strip_prefix(prefix.as_str()))
            .unwrap_or(path)
    }

    /// Whether the file of a frame is source; `None` for files of others.
    fn frame(&self, word: &str) -> Option<bool> {
        let word = word.split(':').next().unwrap_or(word);
        let own = self.inside(word);
        if own.starts_with('/') && own.len() == word.len() {
            return None;
        }
        let path = own.trim_start_matches(['/', '.']);
        let name = path.rsplit('/').next()?;
        let found = self.by_name.get(name)?;
        let mut matching = found.iter().filter(|(file, _)| {
            file.as_str() == path
                || file.as_str().ends_with(&format!("/{path}"))
                || file.as_str() == format!("{}/{path}", self.root)
        });
        let (_, source) = matching.next()?;
        matching
            .all(|(_, other)| other == source)
            .then_some(*source)
    }
}

impl Project for Known<'_> {
    fn is_own(&self, name: &str) -> bool {
        let inside = self.inside(name);
        let is_path = name.starts_with('.') || inside.len() != name.len();
        if is_path {
            let path = inside.trim_start_matches(['/', '.']);
            return RelPath::new(path).is_ok_and(|path| self.rules.class(&path) != PathClass::Test);
        }
        let top = name.split(['.', '/', ':']).next().unwrap_or(name);
        !name.starts_with('/') && self.names.contains(top)
    }

    fn raised_in_source(&self, trace: &str) -> Option<bool> {
        let words = || {
            trace
                .split(|character: char| {
                    character.is_whitespace() || "()\"'`,<>".contains(character)
                })
                .filter(|word| word.contains('.'))
        };
        // Python prints the innermost frame last, everybody else first.
        if trace.contains(".py") {
            words().filter_map(|word| self.frame(word)).next_back()
        } else {
            words().find_map(|word| self.frame(word))
        }
    }
}
