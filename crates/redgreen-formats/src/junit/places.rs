//! Which file a case is of, and what it is called: identities from what the report itself says, never from a guess.
//!
//! An identity must be the same at RED and at GREEN, so nothing here depends on which other cases a report has.

use super::read::{Case, Report};
use redgreen_core::id::{RelPath, visible_name};
use std::collections::HashMap;

/// The path of a case whose report names no file of the tree: Go packages, jest's default report, plain scripts.
pub const NO_FILE: &str = "report";

/// Resolves what reports write of places against the test files of a tree.
#[derive(Debug)]
pub struct Places {
    root: String,
    prefixes: Vec<String>,
    files: Vec<RelPath>,
    whole: HashMap<String, usize>,
    /// Every tail of a path (`b/c.ts` of `a/b/c.ts`), and of a path without its extension.
    tails: HashMap<String, Vec<usize>>,
}

/// A case with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The file, or [`NO_FILE`].
    pub path: RelPath,
    /// The name inside the file.
    pub item: String,
}

impl Places {
    /// `root` is the folder of the runner below the top level (empty for the top level itself), `prefixes` what absolute
    /// paths of the private tree begin with, `files` the test files of the tree below the top level.
    #[must_use]
    pub fn new(root: &str, prefixes: &[String], files: Vec<RelPath>) -> Self {
        let mut whole = HashMap::new();
        let mut tails: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, file) in files.iter().enumerate() {
            let path = file.as_str();
            if path.contains(':') {
                continue;
            }
            whole.insert(path.to_owned(), index);
            let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
            for text in [path, stem] {
                let starts =
                    std::iter::once(0).chain(text.match_indices('/').map(|(at, _)| at + 1));
                for start in starts {
                    tails
                        .entry(text[start..].to_owned())
                        .or_default()
                        .push(index);
                }
            }
        }
        Self {
            root: root.to_owned(),
            prefixes: prefixes.to_vec(),
            files,
            whole,
            tails,
        }
    }

    /// The file that a text names as a path, absolute or relative.
    #[must_use]
    pub fn file(&self, text: &str) -> Option<&RelPath> {
        let text = text.trim().trim_start_matches("file://");
        let inner = self
            .prefixes
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix.as_str())?.strip_prefix('/'));
        let text = match inner {
            Some(inner) => inner,
            None if text.starts_with('/') => return None,
            None => text.trim_start_matches("./"),
        };
        if text.is_empty() {
            return None;
        }
        let exact = |path: &str| self.whole.get(path).map(|&index| &self.files[index]);
        let below = (!self.root.is_empty()).then(|| format!("{}/{text}", self.root));
        below
            .and_then(|path| exact(&path))
            .or_else(|| exact(text))
            .or_else(|| {
                // Relative to a folder that only the runner's configuration knows (Playwright's `testDir`).
                if text.contains('.') {
                    self.shortest(text)
                } else {
                    None
                }
            })
    }

    /// The file with this tail; with several, the one nearest to the top, if there is one such.
    fn shortest(&self, tail: &str) -> Option<&RelPath> {
        let found = self.tails.get(tail)?;
        let depth = |index: usize| self.files[index].as_str().matches('/').count();
        let least = found.iter().map(|&index| depth(index)).min()?;
        let mut nearest = found.iter().filter(|&&index| depth(index) == least);
        let first = nearest.next()?;
        // A path and its stem may both be tails of one file.
        nearest
            .all(|index| index == first)
            .then(|| &self.files[*first])
    }

    /// The file of a dotted name such as `tests.test_cart.TestCart` or `com.acme.CartTest$Inner`, with what is left.
    fn module<'a>(&self, class: &'a str) -> Option<(&RelPath, &'a str)> {
        // Longer ones are no names of classes, and each of their dots costs a look-up.
        if class.is_empty() || class.len() > 512 || class.contains(['/', ' ', ':']) {
            return None;
        }
        let ends =
            std::iter::once(class.len()).chain(class.rmatch_indices(['.', '$']).map(|(at, _)| at));
        for end in ends {
            let tail = class[..end].replace('.', "/");
            if let Some(file) = self.shortest(&tail) {
                return Some((file, class[end..].trim_start_matches(['.', '$'])));
            }
        }
        None
    }

    /// The file that could not be loaded, where a case stands for it: pytest, vitest and jest write such cases, named as
    /// the file or its module.
    #[must_use]
    pub fn unloaded(&self, case: &Case) -> Option<&RelPath> {
        let name = case.name.as_deref()?.trim();
        let stands_alone = case.class.is_empty()
            || case.class == name
            || case.class.ends_with("failed to run")
            || self
                .file(&case.class)
                .is_some_and(|file| Some(file) == self.file(name));
        if !stands_alone {
            return None;
        }
        self.file(name).or_else(|| {
            let (file, rest) = self.module(name)?;
            rest.is_empty().then_some(file)
        })
    }

    /// Where a case belongs; `None` for one without a name.
    #[must_use]
    pub fn place(&self, case: &Case, report: &Report) -> Option<Placed> {
        let name = case
            .name
            .as_deref()
            .map(str::trim)
            .filter(|name| !name.is_empty())?;
        let chain =
            std::iter::successors(Some(case.suite), |&suite| report.suites.get(suite)?.parent);
        let suites: Vec<_> = chain.filter_map(|suite| report.suites.get(suite)).collect();
        let class = case.class.trim();
        let named = |text: &str| {
            if text.is_empty() {
                None
            } else {
                self.file(text)
            }
        };
        let file = named(&case.file).or_else(|| suites.iter().find_map(|suite| named(&suite.file)));
        let (path, class) = match (file, self.module(class)) {
            (Some(file), Some((of_class, rest))) if of_class == file => (Some(file), rest),
            (Some(file), _) => (
                Some(file),
                if named(class) == Some(file) {
                    ""
                } else {
                    class
                },
            ),
            (None, of_class) => match named(class) {
                Some(file) => (Some(file), ""),
                None => match of_class {
                    Some((file, rest)) => (Some(file), rest),
                    None => (suites.iter().find_map(|suite| named(&suite.name)), class),
                },
            },
        };
        let path = match path {
            Some(path) => path.clone(),
            None => RelPath::new(NO_FILE).ok()?,
        };
        let mut parts: Vec<&str> = Vec::new();
        if class.is_empty() || class == "test" {
            // node:test names every class `test` and puts the description into the suites around it. Where the file is
            // known, the outermost suite is the runner's own heading.
            let headings = if class.is_empty() && path.as_str() != NO_FILE {
                2
            } else {
                1
            };
            for suite in suites.iter().rev().skip(headings) {
                if named(&suite.name).is_none() && !suite.name.is_empty() {
                    parts.push(suite.name.trim());
                }
            }
        } else {
            parts.push(class);
        }
        parts.push(name);
        // jest writes the whole description into the class and again into the name.
        let mut kept: Vec<&str> = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let repeated = parts
                .get(index + 1)
                .is_some_and(|next| next.starts_with(part));
            if !repeated {
                kept.push(part);
            }
        }
        Some(Placed {
            path,
            item: visible_name(&kept.join("::")),
        })
    }
}

/// Ids that a report uses more than once get an ordinal, so that no case hides another.
#[derive(Debug, Default)]
pub struct Ordinals {
    seen: HashMap<String, u32>,
}

impl Ordinals {
    /// The suffix of the next case with this place: nothing for the first, `#2` for the second.
    pub fn next(&mut self, placed: &Placed) -> String {
        let count = self
            .seen
            .entry(format!("{}::{}", placed.path, placed.item))
            .or_insert(0);
        *count += 1;
        if *count == 1 {
            String::new()
        } else {
            format!("#{count}")
        }
    }
}
