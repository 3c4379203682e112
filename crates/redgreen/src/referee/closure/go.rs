//! Go packages that are there for tests alone: `internal/testutil` and its like are ordinary source to the compiler.

use redgreen_core::id::RelPath;
use redgreen_lint::Language;
use redgreen_lint::definitions::imports;
use std::collections::{BTreeMap, BTreeSet};

/// Who imports what, by the last parts of import paths.
#[derive(Default)]
pub(super) struct GoPackages {
    /// Imported by test files of other folders: the folder's path as an ending of an import path, and one such file.
    by_tests: BTreeMap<String, RelPath>,
    /// Imported by source.
    by_source: BTreeSet<String>,
}

impl GoPackages {
    /// Reads the imports of test files and of source.
    pub(super) fn read(files: impl Iterator<Item = (RelPath, String)>) -> Self {
        let mut found = Self::default();
        for (path, text) in files {
            let Ok(imports) = imports(Language::Go, &text) else {
                continue;
            };
            for import in imports {
                if path.file_name().ends_with("_test.go") {
                    found
                        .by_tests
                        .entry(import.module)
                        .or_insert_with(|| path.clone());
                } else {
                    let own = path
                        .parent()
                        .is_some_and(|folder| is_of(&import.module, folder.as_str()));
                    if !own {
                        found.by_source.insert(import.module);
                    }
                }
            }
        }
        found
    }

    /// A test that uses the package of a file which nothing else uses, where the package is called as such packages are:
    /// the tests of a library use its packages from outside, too.
    pub(super) fn only_for_tests(&self, path: &RelPath) -> Option<&RelPath> {
        let folder = path.parent()?;
        let name = folder.file_name().to_lowercase();
        if !name.contains("test") && !name.contains("mock") && !name.contains("fake") {
            return None;
        }
        if self
            .by_source
            .iter()
            .any(|import| is_of(import, folder.as_str()))
        {
            return None;
        }
        self.by_tests
            .iter()
            .find(|(import, test)| {
                is_of(import, folder.as_str()) && test.parent().as_ref() != Some(&folder)
            })
            .map(|(_, test)| test)
    }
}

/// Whether an import path is that of a folder: the path of the module stands in front of it.
fn is_of(import: &str, folder: &str) -> bool {
    import
        .strip_suffix(folder)
        .is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b4_a_package_that_only_tests_import_is_theirs() {
        let file = |path: &str, text: &str| (RelPath::new(path).unwrap(), text.to_owned());
        let found = GoPackages::read(
            [
                file("cart/a_test.go", "package cart\n\nimport (\n\t\"x.com/shop/internal/testutil\"\n\t\"x.com/shop/price\"\n\t\"x.com/shop/fakeclock\"\n)\n"),
                file("cart/a.go", "package cart\n\nimport \"x.com/shop/fakeclock\"\n"),
            ]
            .into_iter(),
        );
        let of = |path: &str| found.only_for_tests(&RelPath::new(path).unwrap()).is_some();
        assert!(of("internal/testutil/new.go"));
        assert!(!of("price/price.go"));
        assert!(!of("fakeclock/clock.go"), "source uses it, too");
    }
}
