//! Which file is which module of a target (<https://doc.rust-lang.org/reference/items/modules.html>).

use crate::cargo::source_scan::{FileScan, scan};
use std::collections::BTreeMap;

/// Deeper and more modules than these are not followed: every project we know stays far below. Without a bound, files
/// that declare each other twice through `#[path]` would be followed for ever (found by fuzzing).
const DEEPEST: usize = 64;
const MOST: usize = 50_000;

/// The files of one target, each with its module path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModuleTree {
    /// Module path (empty for the root) to file. Paths have `/` separators and are relative to what the reader of
    /// [`resolve`] understands.
    pub modules: BTreeMap<Vec<String>, String>,
    /// What each file declares.
    pub files: BTreeMap<String, FileScan>,
    /// Files that only tests compile: their `mod` declaration (or one above it) carries `#[cfg(test)]`.
    pub test_files: std::collections::BTreeSet<String>,
}

/// Follows `mod` declarations from the root file of a target. `read` gives the text of a file, `None` when there is
/// none; files outside what it knows are not followed.
#[must_use]
pub fn resolve(root: &str, read: &dyn Fn(&str) -> Option<String>) -> ModuleTree {
    let mut tree = ModuleTree::default();
    let folder = parent(root).to_owned();
    visit(
        &mut tree,
        &Sources { read, most: MOST },
        Vec::new(),
        root,
        &folder,
        false,
    );
    tree
}

/// Where texts come from, and how many modules are followed.
struct Sources<'a> {
    read: &'a dyn Fn(&str) -> Option<String>,
    most: usize,
}

impl ModuleTree {
    /// The file of the deepest module that a test name lies in, and the rest of the name.
    #[must_use]
    pub fn locate<'t>(&'t self, name: &str) -> Option<(&'t str, String)> {
        let parts: Vec<String> = name.split("::").map(str::to_owned).collect();
        (0..parts.len()).rev().find_map(|length| {
            let file = self.modules.get(&parts[..length])?;
            Some((file.as_str(), parts[length..].join("::")))
        })
    }
}

/// `folder` is where `mod x;` of this file looks for `x.rs`.
fn visit(
    tree: &mut ModuleTree,
    sources: &Sources<'_>,
    module: Vec<String>,
    file: &str,
    folder: &str,
    for_tests: bool,
) {
    if module.len() > DEEPEST
        || tree.modules.len() >= sources.most
        || tree.modules.contains_key(&module)
        || declares_itself(tree, &module, file)
    {
        return;
    }
    // A file can be several modules; it is read once.
    let found = match tree.files.get(file) {
        Some(found) => found.clone(),
        None => {
            let Some(text) = (sources.read)(file) else {
                return;
            };
            scan(&text)
        }
    };
    tree.modules.insert(module.clone(), file.to_owned());
    if for_tests {
        tree.test_files.insert(file.to_owned());
    }
    tree.files.insert(file.to_owned(), found.clone());
    let inline_tests: std::collections::BTreeSet<&[String]> = found
        .modules
        .iter()
        .filter(|outer| outer.for_tests && !outer.in_other_file)
        .map(|outer| outer.path.as_slice())
        .collect();
    for declared in found.modules.iter().filter(|module| module.in_other_file) {
        let Some((name, around)) = declared.path.split_last() else {
            continue;
        };
        let below = around
            .iter()
            .fold(folder.to_owned(), |folder, part| join(&folder, part));
        let mut path = module.clone();
        path.extend(declared.path.iter().cloned());
        let for_tests = for_tests
            || declared.for_tests
            || (1..=declared.path.len())
                .any(|length| inline_tests.contains(&declared.path[..length]));
        let candidates = match &declared.path_attribute {
            // Relative to the folder of this file, except inside inline modules.
            Some(value) if around.is_empty() => {
                let target = normalise(&join(parent(file), value));
                let below = parent(&target).to_owned();
                vec![(target, below)]
            }
            Some(value) => {
                let target = normalise(&join(&below, value));
                let folder = parent(&target).to_owned();
                vec![(target, folder)]
            }
            None => vec![
                (join(&below, &format!("{name}.rs")), join(&below, name)),
                (join(&below, &format!("{name}/mod.rs")), join(&below, name)),
            ],
        };
        for (candidate, folder) in candidates {
            if (sources.read)(&candidate).is_some() {
                visit(tree, sources, path, &candidate, &folder, for_tests);
                break;
            }
        }
    }
}

/// Whether a module would be of a file that is one of the modules around it: rustc refuses that too.
fn declares_itself(tree: &ModuleTree, module: &[String], file: &str) -> bool {
    (0..module.len()).any(|length| {
        tree.modules
            .get(&module[..length])
            .is_some_and(|above| above == file)
    })
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

fn normalise(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => _ = parts.pop(),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)], root: &str) -> ModuleTree {
        let files: BTreeMap<String, String> = files
            .iter()
            .map(|&(path, text)| (path.to_owned(), text.to_owned()))
            .collect();
        resolve(root, &|path| files.get(path).cloned())
    }

    #[test]
    fn g4_test_names_find_their_file_through_the_mod_tree() {
        let tree = tree(
            &[
                (
                    "src/lib.rs",
                    "mod a; #[cfg(test)] mod tests; #[path = \"odd/place.rs\"] mod named;",
                ),
                ("src/a.rs", "mod b { mod c; }"),
                ("src/a/b/c.rs", "#[cfg(test)] mod tests {}"),
                ("src/tests.rs", ""),
                ("src/odd/place.rs", "mod near;"),
                ("src/odd/near.rs", ""),
                ("src/stray.rs", ""),
            ],
            "src/lib.rs",
        );
        assert_eq!(
            tree.locate("a::b::c::tests::adds"),
            Some(("src/a/b/c.rs", "tests::adds".to_owned()))
        );
        assert_eq!(
            tree.locate("tests::adds"),
            Some(("src/tests.rs", "adds".to_owned()))
        );
        assert_eq!(
            tree.locate("named::near::x"),
            Some(("src/odd/near.rs", "x".to_owned()))
        );
        assert_eq!(tree.locate("top"), Some(("src/lib.rs", "top".to_owned())));
        assert!(!tree.files.contains_key("src/stray.rs"));
        assert!(tree.test_files.contains("src/tests.rs"));
        assert!(!tree.test_files.contains("src/a.rs"));
    }

    /// Found by fuzzing: each file was followed twice from each of its own modules, for longer than anybody waits.
    #[test]
    fn g4_files_that_declare_each_other_are_followed_once() {
        let circle =
            "#[path = \"a.rs\"] mod x; #[path = \"a.rs\"] mod y; #[path = \"lib.rs\"] mod z;";
        let tree = tree(
            &[("src/lib.rs", "mod a;"), ("src/a.rs", circle)],
            "src/lib.rs",
        );
        assert_eq!(tree.modules.len(), 2);
        // Without a circle, each level twice as many: bounded.
        let read = |path: &str| (path.len() < 400).then(|| "mod a; mod b;".to_owned());
        let mut tree = ModuleTree::default();
        let sources = Sources {
            read: &read,
            most: 300,
        };
        visit(&mut tree, &sources, Vec::new(), "src/lib.rs", "src", false);
        assert_eq!(tree.modules.len(), 300);
    }

    #[test]
    fn g4_modules_of_an_integration_test_lie_beside_its_root() {
        let tree = tree(
            &[
                ("tests/it/main.rs", "mod cart; mod common;"),
                ("tests/it/cart.rs", ""),
                ("tests/it/common/mod.rs", "mod deep;"),
                ("tests/it/common/deep.rs", ""),
            ],
            "tests/it/main.rs",
        );
        assert_eq!(
            tree.locate("common::deep::x"),
            Some(("tests/it/common/deep.rs", "x".to_owned()))
        );
        assert_eq!(
            tree.locate("cart::y"),
            Some(("tests/it/cart.rs", "y".to_owned()))
        );
    }
}
