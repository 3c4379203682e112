//! Whose file or module something is.

use redgreen_core::id::RelPath;
use std::collections::BTreeSet;

/// Whose code it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Source of the project.
    Source,
    /// A test, or a helper of the tests.
    Test,
    /// A file of the tree that is neither.
    Other,
    /// A package, node itself, the runner.
    Foreign,
}

/// What is known of the tree.
pub struct Places<'a> {
    /// What absolute paths of the tree begin with.
    pub prefixes: Vec<String>,
    /// The folder of the runner, for paths that are relative to it.
    pub root: String,
    /// Whose a file of the tree is, or would be.
    pub owner: &'a dyn Fn(&RelPath) -> Owner,
    /// Whether the tree has it.
    pub exists: &'a dyn Fn(&RelPath) -> bool,
    /// Names of the packages of this repository.
    pub packages: &'a BTreeSet<String>,
    /// Beginnings of specifiers that stand for folders of the project (`@/`, `#`, from `tsconfig.json` and the manifest).
    pub aliases: &'a [String],
}

/// Endings that a specifier may leave out.
const ENDINGS: [&str; 12] = [
    "",
    ".js",
    ".ts",
    ".mjs",
    ".cjs",
    ".mts",
    ".cts",
    ".tsx",
    ".jsx",
    ".json",
    "/index.js",
    "/index.ts",
];

impl Places<'_> {
    /// The path below the top level; `None` for what is not of the tree.
    #[must_use]
    pub fn relative(&self, file: &str) -> Option<RelPath> {
        let inner = self
            .prefixes
            .iter()
            .find_map(|prefix| file.strip_prefix(prefix.as_str())?.strip_prefix('/'));
        let path = match inner {
            Some(inner) => inner.to_owned(),
            None if file.starts_with('/') || file.contains(':') || file.starts_with('<') => {
                return None;
            }
            None => join(&self.root, file.trim_start_matches("./")),
        };
        if path.split('/').any(|part| part == "node_modules") {
            return None;
        }
        RelPath::new(path).ok()
    }

    /// Whose file it is.
    #[must_use]
    pub fn file(&self, file: &str) -> Owner {
        match self.relative(file) {
            Some(path) => (self.owner)(&path),
            None => Owner::Foreign,
        }
    }

    /// A module by its specifier, as it is written in a file. The path is where it would be, where it is of the tree.
    #[must_use]
    pub fn module(&self, specifier: &str, importer: Option<&RelPath>) -> (Owner, Option<RelPath>) {
        let specifier = specifier.split('?').next().unwrap_or(specifier);
        let path = if specifier.starts_with('/') || specifier.starts_with("file:") {
            self.relative(&super::stack::path_of(specifier))
        } else if specifier.starts_with('.') {
            let folder = importer
                .and_then(RelPath::parent)
                .map_or_else(|| self.root.clone(), |folder| folder.to_string());
            normalised(&join(&folder, specifier)).and_then(|path| RelPath::new(path).ok())
        } else {
            let own = self.packages.iter().any(|name| {
                specifier
                    .strip_prefix(name.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }) || self
                .aliases
                .iter()
                .any(|alias| specifier.starts_with(alias.as_str()));
            return (if own { Owner::Source } else { Owner::Foreign }, None);
        };
        match path {
            Some(path) => (self.would_be(&path), Some(path)),
            None => (Owner::Foreign, None),
        }
    }

    /// Whose a module would be whose ending is left out.
    fn would_be(&self, path: &RelPath) -> Owner {
        let mut owner = (self.owner)(path);
        for ending in ENDINGS {
            let Ok(other) = RelPath::new(format!("{path}{ending}")) else {
                continue;
            };
            match (self.owner)(&other) {
                Owner::Test => return Owner::Test,
                Owner::Source => owner = Owner::Source,
                Owner::Other | Owner::Foreign => {}
            }
        }
        owner
    }

    /// The file that a module without or with another ending stands for, where there is one.
    #[must_use]
    pub fn nearly(&self, path: &RelPath) -> Option<RelPath> {
        let stem = path.as_str();
        let bare = [".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx"]
            .iter()
            .find_map(|ending| stem.strip_suffix(ending))
            .unwrap_or(stem);
        ENDINGS
            .iter()
            .flat_map(|ending| [format!("{stem}{ending}"), format!("{bare}{ending}")])
            .filter_map(|path| RelPath::new(path).ok())
            .find(|path| (self.exists)(path))
    }
}

fn join(folder: &str, path: &str) -> String {
    if folder.is_empty() {
        path.to_owned()
    } else {
        format!("{folder}/{path}")
    }
}

/// Without `.` and `..`; `None` where it leaves the tree.
fn normalised(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop()?,
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}
