//! Files inside the source globs that steer the tests all the same: locked like the tests that use them (SPEC B4).
//!
//! Default deny covers everything outside the globs. Inside them, these are found by what the locked tree says of them:
//! pytest plugins that `conftest.py` or the configuration names, test targets and build scripts that a manifest names,
//! files that tests include, macros that only tests use, and new modules that would be imported in place of a package or
//! of a helper of the tests.

mod go;

use super::context::{Context, Setting, workspace};
use super::green::CandidateTree;
use super::lock::StoredLock;
use super::proposal::{bytes_of, copy, text_of};
use super::scope;
use crate::error::Failure;
use redgreen_core::gate::{Change, ChangeClass};
use redgreen_core::id::RelPath;
use redgreen_core::reason::ReasonCode;
use redgreen_core::tree::ChangeKind;
use redgreen_host::path_rules::PathClass;
use redgreen_host::runner::RunnerKind;
use redgreen_host::tree::Snapshot;
use redgreen_lint::splice::splice;
use std::collections::{BTreeMap, BTreeSet};

/// Macros of the standard library that tests judge with. A crate that defines one of them judges in its place.
const JUDGES: &[&str] = &[
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "panic",
    "matches",
    "unreachable",
];

/// Top-level modules of Python's standard library (`sys.stdlib_module_names` of 3.11, without private ones). One of these
/// beside the source comes before the library's, also for the tests.
#[rustfmt::skip]
const STANDARD: &[&str] = &[
    "abc", "aifc", "argparse", "array", "ast", "asynchat", "asyncio", "asyncore", "atexit",
    "audioop", "base64", "bdb", "binascii", "bisect", "builtins", "bz2", "cProfile", "calendar",
    "cgi", "cgitb", "chunk", "cmath", "cmd", "code", "codecs", "codeop", "collections", "colorsys",
    "compileall", "concurrent", "configparser", "contextlib", "contextvars", "copy", "copyreg",
    "crypt", "csv", "ctypes", "curses", "dataclasses", "datetime", "dbm", "decimal", "difflib",
    "dis", "distutils", "doctest", "email", "encodings", "ensurepip", "enum", "errno",
    "faulthandler", "fcntl", "filecmp", "fileinput", "fnmatch", "fractions", "ftplib", "functools",
    "gc", "genericpath", "getopt", "getpass", "gettext", "glob", "graphlib", "grp", "gzip",
    "hashlib", "heapq", "hmac", "html", "http", "idlelib", "imaplib", "imghdr", "imp", "importlib",
    "inspect", "io", "ipaddress", "itertools", "json", "keyword", "lib2to3", "linecache", "locale",
    "logging", "lzma", "mailbox", "mailcap", "marshal", "math", "mimetypes", "mmap",
    "modulefinder", "msilib", "msvcrt", "multiprocessing", "netrc", "nis", "nntplib", "nt",
    "ntpath", "nturl2path", "numbers", "opcode", "operator", "optparse", "os", "ossaudiodev",
    "pathlib", "pdb", "pickle", "pickletools", "pipes", "pkgutil", "platform", "plistlib",
    "poplib", "posix", "posixpath", "pprint", "profile", "pstats", "pty", "pwd", "py_compile",
    "pyclbr", "pydoc", "pydoc_data", "pyexpat", "queue", "quopri", "random", "re", "readline",
    "reprlib", "resource", "rlcompleter", "runpy", "sched", "secrets", "select", "selectors",
    "shelve", "shlex", "shutil", "signal", "site", "smtpd", "smtplib", "sndhdr", "socket",
    "socketserver", "spwd", "sqlite3", "sre_compile", "sre_constants", "sre_parse", "ssl", "stat",
    "statistics", "string", "stringprep", "struct", "subprocess", "sunau", "symtable", "sys",
    "sysconfig", "syslog", "tabnanny", "tarfile", "telnetlib", "tempfile", "termios", "textwrap",
    "threading", "time", "timeit", "tkinter", "token", "tokenize", "tomllib", "trace", "traceback",
    "tracemalloc", "tty", "turtle", "turtledemo", "types", "typing", "unicodedata", "unittest",
    "urllib", "uu", "uuid", "venv", "warnings", "wave", "weakref", "webbrowser", "winreg",
    "winsound", "wsgiref", "xdrlib", "xml", "xmlrpc", "zipapp", "zipfile", "zipimport", "zlib",
    "zoneinfo",
];

/// Moves every change that steers the tests from what is used to what is rejected.
///
/// # Errors
/// A failure when a file of the locked tree cannot be read.
pub fn enforce(
    context: &Context,
    setting: &Setting,
    locked: &Snapshot,
    lock: &StoredLock,
    out: &mut CandidateTree,
) -> Result<(), Failure> {
    if out.used.is_empty() {
        return Ok(());
    }
    let closure = Closure::read(context, setting, locked, lock, &out.used)?;
    let mut used = Vec::new();
    for (path, kind) in std::mem::take(&mut out.used) {
        let Some(why) = closure.why(&path, kind) else {
            closure.macros(context, &path, out)?;
            used.push((path, kind));
            continue;
        };
        let old = bytes_of(locked, &context.repository, &path)?;
        let new = bytes_of(&out.full, &context.repository, &path)?;
        let (diff, line) = scope::difference(&path, old.as_deref(), new.as_deref());
        let (verb, code) = match kind {
            ChangeKind::Added => ("added", ReasonCode::LockAdded),
            ChangeKind::Modified => ("changed", ReasonCode::LockModified),
            ChangeKind::Deleted => ("deleted", ReasonCode::LockDeleted),
        };
        out.changes.push(Change {
            path: path.clone(),
            kind,
            class: ChangeClass::Rejected,
            code,
            message: format!("{verb} `{path}`, {why}"),
            line,
            diff,
        });
        for tree in [&mut out.tree, &mut out.full] {
            if locked.get(&path).is_some() {
                copy(tree, locked, &path);
            } else {
                *tree = std::mem::take(tree).without(&path);
            }
        }
    }
    out.used = used;
    Ok(())
}

struct Closure<'a> {
    locked: &'a Snapshot,
    /// Files of tests by path, those in the languages of the change.
    tests: BTreeMap<RelPath, String>,
    /// Source of the locked tree without its test items, for Rust.
    source: BTreeMap<RelPath, String>,
    /// Test targets and build scripts that manifests name.
    named_by_manifests: BTreeMap<RelPath, RelPath>,
    /// Text of the configuration that can name pytest plugins.
    configuration: String,
    /// Whether the project is a pytest plugin itself: then its plugin modules are the product.
    is_plugin: bool,
    /// Top-level names of installed packages.
    installed: BTreeSet<String>,
    /// Folders that Python modules are found in.
    roots: Vec<String>,
    /// What Go files import.
    go: go::GoPackages,
}

impl<'a> Closure<'a> {
    fn read(
        context: &Context,
        setting: &Setting,
        locked: &'a Snapshot,
        lock: &StoredLock,
        used: &[(RelPath, ChangeKind)],
    ) -> Result<Self, Failure> {
        let has = |extension: &str| {
            used.iter()
                .any(|(path, _)| path.extension() == Some(extension))
        };
        let (python, rust) = (
            has("py"),
            locked
                .files()
                .keys()
                .any(|path| path.extension() == Some("rs")),
        );
        let of = |class: PathClass| -> Vec<RelPath> {
            locked
                .files()
                .keys()
                .filter(|path| match path.extension() {
                    Some("py") => python,
                    Some("rs") => rust,
                    _ => false,
                })
                .filter(|path| {
                    setting.rules.class(path) == class
                        || (class == PathClass::Test && path.file_name() == "conftest.py")
                })
                .cloned()
                .collect()
        };
        let texts = |paths: Vec<RelPath>| -> Result<BTreeMap<RelPath, String>, Failure> {
            let bytes = locked
                .bytes_of(&context.repository, &paths)
                .map_err(Failure::internal)?;
            Ok(bytes
                .into_iter()
                .filter_map(|(path, bytes)| {
                    Some((path, std::str::from_utf8(&bytes).ok()?.to_owned()))
                })
                .collect())
        };
        let mut source = BTreeMap::new();
        let mut tests = texts(of(PathClass::Test))?;
        if rust {
            let files = of(PathClass::Source)
                .into_iter()
                .filter(|path| path.extension() == Some("rs"));
            for (path, text) in texts(files.collect())? {
                let plain = splice(&text, "").unwrap_or_else(|_| text.clone());
                if plain != text {
                    // Its test items: what is in them and not in the rest.
                    tests.insert(path.clone(), without_lines(&text, &plain));
                }
                source.insert(path, plain);
            }
        }
        let go_files: Vec<RelPath> = locked
            .files()
            .keys()
            .filter(|path| has("go") && path.extension() == Some("go"))
            .cloned()
            .collect();
        let go = go::GoPackages::read(texts(go_files)?.into_iter());
        let mut configuration = String::new();
        let mut is_plugin = false;
        for name in [
            "pytest.ini",
            ".pytest.ini",
            "pytest.toml",
            "pyproject.toml",
            "tox.ini",
            "setup.cfg",
            "setup.py",
        ] {
            for root in roots(setting) {
                let Ok(path) = RelPath::new(if root.is_empty() {
                    name.to_owned()
                } else {
                    format!("{root}/{name}")
                }) else {
                    continue;
                };
                if let Some(text) = text_of(locked, &context.repository, &path)? {
                    is_plugin |= text.contains("pytest11");
                    configuration.push_str(&text);
                }
            }
        }
        let site = lock
            .environments
            .values()
            .find_map(|environment| environment.dependencies.get("site-packages"));
        let installed = match site {
            Some(digest) if python => {
                let folders = workspace(
                    context,
                    context.repository.top_level(),
                    context.state.cache(),
                );
                redgreen_host::runner::pytest::dependency_files(&folders, *digest)
                    .unwrap_or_default()
                    .keys()
                    .filter_map(|file| top_level_name(file.split_once('/')?.1))
                    .collect()
            }
            Some(_) | None => BTreeSet::new(),
        };
        Ok(Self {
            locked,
            named_by_manifests: if rust {
                named_by_manifests(context, locked)?
            } else {
                BTreeMap::new()
            },
            tests,
            source,
            configuration,
            is_plugin,
            installed,
            go,
            roots: roots(setting),
        })
    }

    /// Why a changed path steers the tests; `None` when it does not.
    fn why(&self, path: &RelPath, kind: ChangeKind) -> Option<String> {
        if let Some(manifest) = self.named_by_manifests.get(path) {
            return Some(format!(
                "which `{manifest}` names as a test target or a build script"
            ));
        }
        if path.extension() == Some("py") {
            if let Some(by) = self.plugin_of(path) {
                return Some(format!("a pytest plugin that {by} names"));
            }
            if kind == ChangeKind::Added
                && let Some(what) = self.shadowed(path)
            {
                return Some(format!("which would be imported in place of {what}"));
            }
        }
        if path.extension() == Some("go") {
            let test = self.go.only_for_tests(path)?;
            return Some(format!("of a package that only tests such as `{test}` use"));
        }
        let by = self
            .tests
            .iter()
            .find(|(test, text)| includes(test, text, path))?
            .0;
        // What the product is made of too is the implementer's.
        let product = self.source.iter().any(|(file, text)| {
            file != path && (includes(file, text, path) || declares_module(file, text, path))
        }) || matches!(path.file_name(), "lib.rs" | "main.rs");
        (!product).then(|| format!("which the locked `{by}` includes"))
    }

    /// Who names a module as a pytest plugin.
    fn plugin_of(&self, path: &RelPath) -> Option<String> {
        if self.is_plugin {
            return None;
        }
        let names: Vec<String> = self
            .roots
            .iter()
            .filter_map(|root| {
                let inside = if root.is_empty() {
                    path.as_str()
                } else {
                    path.as_str()
                        .strip_prefix(root.as_str())?
                        .strip_prefix('/')?
                };
                let module = inside.strip_suffix(".py")?;
                Some(
                    module
                        .strip_suffix("/__init__")
                        .unwrap_or(module)
                        .replace('/', "."),
                )
            })
            .collect();
        let quoted = |text: &str| {
            names.iter().any(|name| {
                text.contains(&format!("\"{name}\"")) || text.contains(&format!("'{name}'"))
            })
        };
        let words: Vec<&str> = self
            .configuration
            .split(|c: char| c.is_whitespace() || "\"',=[]".contains(c))
            .filter(|word| !word.is_empty())
            .collect();
        // The option itself: `-p` is also a part of many names.
        let follows_p = names.iter().any(|name| {
            words.contains(&format!("-p{name}").as_str())
                || words
                    .windows(2)
                    .any(|pair| pair[0] == "-p" && pair[1] == name.as_str())
        });
        if follows_p {
            return Some("the configuration of pytest".to_owned());
        }
        self.tests
            .iter()
            .find(|(_, text)| {
                text.lines()
                    .position(|line| line.starts_with("pytest_plugins"))
                    .is_some_and(|at| {
                        let said: Vec<&str> = text.lines().skip(at).take(12).collect();
                        quoted(&said.join("\n"))
                    })
            })
            .map(|(path, _)| format!("`{path}`"))
    }

    /// What a new module would be imported in place of.
    fn shadowed(&self, path: &RelPath) -> Option<String> {
        for root in &self.roots {
            let inside = match root.as_str() {
                "" => path.as_str(),
                root => match path
                    .as_str()
                    .strip_prefix(root)
                    .and_then(|rest| rest.strip_prefix('/'))
                {
                    Some(inside) => inside,
                    None => continue,
                },
            };
            let Some(name) = top_level_name(inside) else {
                continue;
            };
            let at = |rest: &str| {
                if root.is_empty() {
                    rest.to_owned()
                } else {
                    format!("{root}/{rest}")
                }
            };
            let known = self.locked.files().keys().any(|file| {
                file.as_str() == at(&format!("{name}.py")) || file.is_below(&at(&name))
            });
            if known {
                continue;
            }
            if self.installed.contains(&name) {
                return Some(format!("the installed package `{name}`"));
            }
            if STANDARD.contains(&name.as_str())
                && let Some((by, _)) = self.tests.iter().find(|(_, text)| imports(text, &name))
            {
                return Some(format!(
                    "the standard library's `{name}`, which the locked `{by}` imports"
                ));
            }
            let helper = self.tests.keys().find(|test| {
                test.extension() == Some("py")
                    && (test.as_str().split('/').next() == Some(name.as_str())
                        || test.file_name() == format!("{name}.py"))
            });
            if let Some(helper) = helper {
                return Some(format!("the locked `{helper}`"));
            }
        }
        None
    }

    /// Macros that a changed Rust file defines otherwise than the locked one, and that tests judge with.
    fn macros(
        &self,
        context: &Context,
        path: &RelPath,
        out: &mut CandidateTree,
    ) -> Result<(), Failure> {
        if path.extension() != Some("rs") {
            return Ok(());
        }
        let text = |tree: &Snapshot| text_of(tree, &context.repository, path);
        let (old, new) = (
            text(self.locked)?.unwrap_or_default(),
            text(&out.full)?.unwrap_or_default(),
        );
        let (before, after) = (macros(&old), macros(&new));
        let calls = |text: &str, name: &str| {
            text.match_indices(&format!("{name}!"))
                .any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        };
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            if before.get(name) == after.get(name) {
                continue;
            }
            let in_tests = self.tests.values().any(|text| calls(text, name));
            let in_source = self.source.values().any(|text| calls(text, name));
            let why = if JUDGES.contains(&name.as_str()) && after.contains_key(name) {
                "which would judge in place of the standard library's"
            } else if before.contains_key(name) && in_tests && !in_source {
                "which only tests use"
            } else {
                continue;
            };
            let (diff, line) = scope::difference(path, Some(old.as_bytes()), Some(new.as_bytes()));
            out.changes.push(Change {
                path: path.clone(),
                kind: ChangeKind::Modified,
                class: ChangeClass::Rejected,
                code: ReasonCode::LockedTestEdited,
                message: format!("changed the macro `{name}!` in `{path}`, {why}"),
                line,
                diff,
            });
        }
        Ok(())
    }
}

/// Folders that Python modules are found in: the top level, the runners' roots, and `src` and `lib` of each.
fn roots(setting: &Setting) -> Vec<String> {
    let mut tops: Vec<String> = vec![String::new()];
    for runner in &setting.config.runners {
        if runner.kind == RunnerKind::Pytest && !runner.root.is_empty() {
            tops.push(runner.root.clone());
        }
    }
    let below = tops.iter().flat_map(|top| {
        ["src", "lib"].map(|name| {
            if top.is_empty() {
                name.to_owned()
            } else {
                format!("{top}/{name}")
            }
        })
    });
    let below: Vec<String> = below.collect();
    tops.extend(below);
    tops
}

/// Whether a Python text imports a top-level module.
fn imports(text: &str, name: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start();
        let Some(rest) = line
            .strip_prefix("import ")
            .or_else(|| line.strip_prefix("from "))
        else {
            return false;
        };
        let modules = rest.split(" import ").next().unwrap_or(rest);
        modules.split(',').any(|module| {
            let first = module.trim_start().split([' ', '.']).next().unwrap_or("");
            first == name
        })
    })
}

/// The name under which the first part of a path is imported.
fn top_level_name(path: &str) -> Option<String> {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let name = if rest.is_empty() {
        let stem = first.split('.').next()?;
        [".py", ".so", ".pyd"]
            .iter()
            .any(|end| first.ends_with(end))
            .then_some(stem)?
    } else {
        first
    };
    let is_name = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_name.then(|| name.to_owned())
}

/// Whether a file includes another one by a literal path: `include!`, `include_str!`, `include_bytes!`, `#[path]`.
fn includes(file: &RelPath, text: &str, target: &RelPath) -> bool {
    let name = target.file_name();
    if file.extension() != Some("rs") || !text.contains(name) {
        return false;
    }
    let end = format!("{name}\"");
    text.match_indices(&end).any(|(at, _)| {
        let Some(start) = text[..at].rfind('"') else {
            return false;
        };
        let literal = &text[start + 1..at + name.len()];
        let before = text[..start].trim_end();
        let window = &before[before.len().saturating_sub(120).min(before.len())..];
        let kind = ["include!", "include_str!", "include_bytes!", "path ="]
            .iter()
            .any(|word| window.contains(word));
        kind && resolved(file, literal, target)
    })
}

/// Whether a literal path, seen from a file (or, behind `CARGO_MANIFEST_DIR`, from its package), is the target.
fn resolved(file: &RelPath, literal: &str, target: &RelPath) -> bool {
    if let Some(from_package) = literal.strip_prefix('/') {
        return target.as_str() == from_package || target.as_str().ends_with(literal);
    }
    let mut parts: Vec<&str> = file.as_str().split('/').collect();
    parts.pop();
    for part in literal.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/") == target.as_str()
}

/// Whether a source file declares the module that lies in another one.
fn declares_module(file: &RelPath, text: &str, target: &RelPath) -> bool {
    let stem = match target.file_name() {
        "mod.rs" => target.parent().map(|folder| folder.file_name().to_owned()),
        name => name.strip_suffix(".rs").map(str::to_owned),
    };
    stem.is_some_and(|stem| {
        file.extension() == Some("rs") && text.contains(&format!("mod {stem};"))
    })
}

/// Test targets and build scripts that manifests name, with the manifest.
fn named_by_manifests(
    context: &Context,
    locked: &Snapshot,
) -> Result<BTreeMap<RelPath, RelPath>, Failure> {
    let mut found = BTreeMap::new();
    let manifests: Vec<RelPath> = locked
        .files()
        .keys()
        .filter(|path| path.file_name() == "Cargo.toml")
        .cloned()
        .collect();
    for manifest in manifests {
        let Some(table) = text_of(locked, &context.repository, &manifest)?
            .and_then(|text| text.parse::<toml::Table>().ok())
        else {
            continue;
        };
        let targets = ["test", "bench"]
            .iter()
            .filter_map(|kind| table.get(*kind)?.as_array())
            .flatten()
            .filter_map(|target| target.get("path")?.as_str());
        let build = table
            .get("package")
            .and_then(|package| package.get("build")?.as_str());
        for place in targets.chain(build) {
            let folder = manifest
                .parent()
                .map_or_else(String::new, |folder| format!("{folder}/"));
            if let Ok(path) = RelPath::new(format!("{folder}{}", place.trim_start_matches("./"))) {
                found.insert(path, manifest.clone());
            }
        }
    }
    Ok(found)
}

/// Names and bodies of the macros that a text defines, white space apart.
fn macros(text: &str) -> BTreeMap<String, String> {
    const START: &str = "macro_rules!";
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for (at, _) in text.match_indices(START) {
        let rest = text[at + START.len()..].trim_start();
        let name: String = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        let body = &rest[name.len()..];
        let mut depth = 0u32;
        let mut end = body.len();
        for (index, c) in body.char_indices() {
            match c {
                '{' | '(' | '[' => depth += 1,
                '}' | ')' | ']' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        end = index + 1;
                        break;
                    }
                }
                _ => {}
            }
        }
        let plain: String = body[..end].split_whitespace().collect();
        found.entry(name).or_default().push_str(&plain);
    }
    found
}

/// The lines of a text that another one has not.
fn without_lines(text: &str, other: &str) -> String {
    let known: BTreeSet<&str> = other.lines().collect();
    let own: Vec<&str> = text.lines().filter(|line| !known.contains(line)).collect();
    own.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rel(path: &str) -> RelPath {
        RelPath::new(path).unwrap()
    }

    #[test]
    fn b4_what_a_test_includes_is_found_by_its_literal_path() {
        let test = rel("tests/a.rs");
        let target = rel("src/cases.txt");
        for text in [
            "const CASES: &str = include_str!(\"../src/cases.txt\");",
            "include!( \"../src/cases.txt\" );",
            "#[path = \"../src/cases.txt\"] mod cases;",
            "include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/src/cases.txt\"))",
        ] {
            assert!(includes(&test, text, &target), "{text}");
        }
        for text in [
            "let name = \"cases.txt\";",
            "include_str!(\"cases.txt\")",
            "include_str!(\"../src/other_cases.txt\")",
        ] {
            assert!(!includes(&test, text, &target), "{text}");
        }
    }

    #[test]
    fn b4_macros_are_compared_by_their_bodies() {
        let one = macros("macro_rules! near { ($a:expr) => { assert!($a < 1) } }\nfn f() {}");
        assert_eq!(
            one,
            macros("macro_rules! near {\n    ($a:expr) => { assert!($a < 1) }\n}")
        );
        assert_ne!(one, macros("macro_rules! near { ($a:expr) => {} }"));
        assert_eq!(top_level_name("numpy/testing.py").as_deref(), Some("numpy"));
        assert_eq!(top_level_name("six.py").as_deref(), Some("six"));
        assert_eq!(top_level_name("six-1.16.dist-info/RECORD"), None);
    }
}
