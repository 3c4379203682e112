//! What a file or a module is to the project: source under test, test code, or somebody else's.

use super::records::Top;
use redgreen_core::id::RelPath;
use std::collections::BTreeSet;

/// Whose code it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// First-party, not a test.
    Source,
    /// A test file, helper or conftest.
    Test,
    /// The standard library, a third-party package, or unknown.
    Foreign,
}

/// The map of a tree.
pub struct Places<'a> {
    is_test: &'a dyn Fn(&RelPath) -> bool,
    source_tops: BTreeSet<String>,
    test_tops: BTreeSet<String>,
    project: BTreeSet<String>,
}

impl<'a> Places<'a> {
    /// `is_test` says whether a path belongs to the tests or steers the runner; `tops` are the top-level modules of
    /// the tree; `project` the project's own distribution names (`my-shop`), which count as first-party names even
    /// before a module of that name exists.
    #[must_use]
    pub fn new(is_test: &'a dyn Fn(&RelPath) -> bool, tops: &[Top], project: &[String]) -> Self {
        let (mut source_tops, mut test_tops) = (BTreeSet::new(), BTreeSet::new());
        for top in tops {
            // Globs such as `tests/**` match what is in a folder, not the folder.
            let inside = if top.path.ends_with(".py") {
                top.path.clone()
            } else {
                format!("{}/__init__.py", top.path)
            };
            match RelPath::new(inside) {
                Ok(path) if is_test(&path) => test_tops.insert(top.name.clone()),
                Ok(_) => source_tops.insert(top.name.clone()),
                Err(_) => false,
            };
        }
        Self {
            is_test,
            source_tops,
            test_tops,
            project: project.iter().map(|name| name.replace('-', "_")).collect(),
        }
    }
    /// Whose file it is; the probe writes files of the tree relative and all others absolute.
    #[must_use]
    pub fn file(&self, file: &str) -> Owner {
        match RelPath::new(file) {
            Ok(path) if (self.is_test)(&path) || path.file_name() == "conftest.py" => Owner::Test,
            // The folder of a package: globs such as `tests/**` match what is in it.
            Ok(path)
                if path.extension().is_none()
                    && RelPath::new(format!("{file}/__init__.py"))
                        .is_ok_and(|inside| (self.is_test)(&inside)) =>
            {
                Owner::Test
            }
            Ok(_) if file.starts_with('<') => Owner::Foreign,
            Ok(_) => Owner::Source,
            Err(_) => Owner::Foreign,
        }
    }
    /// Whose module it is, by its file where that lies in the tree and by its first name otherwise.
    #[must_use]
    pub fn module(&self, name: &str, file: Option<&str>) -> Owner {
        match file.map(|file| self.file(file)) {
            Some(Owner::Source) => Owner::Source,
            Some(Owner::Test) => Owner::Test,
            Some(Owner::Foreign) | None => self.name(name),
        }
    }
    /// Whose module a name would be. Names of the tree's own top-level packages and of the project are first-party.
    #[must_use]
    pub fn name(&self, module: &str) -> Owner {
        let top = module.split('.').next().unwrap_or(module);
        if self.source_tops.contains(top) {
            Owner::Source
        } else if self.test_tops.contains(top) || matches!(top, "tests" | "test" | "conftest") {
            Owner::Test
        } else if self.project.contains(top) {
            Owner::Source
        } else {
            Owner::Foreign
        }
    }
    /// Whether the tree has no source yet, so that a missing name can only be the planned package or a dependency.
    #[must_use]
    pub fn is_greenfield(&self) -> bool {
        const NO_SOURCE: [&str; 8] = [
            "docs",
            "examples",
            "benchmarks",
            "scripts",
            "tools",
            "noxfile",
            "tasks",
            "src",
        ];
        self.source_tops
            .iter()
            .all(|top| NO_SOURCE.contains(&top.as_str()))
    }
}
