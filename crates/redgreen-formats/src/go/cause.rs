//! Why the tests of a package do not compile: an error of the Go compiler as a cause (`reference/test-results.md`, 3.5).
//!
//! Go names the owner of what is missing by its package (`undefined: shop.Total`), except within the package itself, where
//! a missing function and a slip read the same. There the place decides how the name is used: what takes the test's own
//! `t` is a helper of the tests, a package that is not imported is a slip, and so is what resembles a name of the test.

use super::build::BuildError;
use redgreen_core::outcome::{Cause, CauseClass};
use redgreen_core::run_report::CauseDetail;
use regex::Regex;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// What is known around an error.
#[derive(Debug)]
pub struct Facts<'a> {
    /// Paths of the project's own modules.
    pub modules: &'a [String],
    /// Import paths of the project's own packages.
    pub packages: &'a BTreeSet<String>,
    /// Text of the file of the error; empty where it cannot be read.
    pub text: &'a str,
    /// Names that test files of the same folder declare at the top.
    pub of_tests: &'a BTreeSet<String>,
}

/// The package clause of a file.
#[must_use]
pub fn package_of(text: &str) -> Option<&str> {
    static CLAUSE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?m)^package[ \t]+(\w+)").ok());
    CLAUSE
        .as_ref()?
        .captures(text)
        .and_then(|found| found.get(1))
        .map(|name| name.as_str())
}

/// The imports of a file: the name written before the path, and the path.
#[must_use]
pub fn imports(text: &str) -> Vec<(Option<&str>, &str)> {
    static IMPORT: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r#"(?m)^[ \t]*(?:import[ \t]+)?\(?[ \t]*([\w.]+[ \t]+)?["`]([^"`\n]+)["`]"#).ok()
    });
    static FIRST: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?m)^(?:func|type|var|const)\b").ok());
    let end = FIRST
        .as_ref()
        .and_then(|first| first.find(text))
        .map_or(text.len(), |found| found.start());
    let head = text.get(..end).unwrap_or(text);
    IMPORT
        .iter()
        .flat_map(|import| import.captures_iter(head))
        .filter_map(|found| {
            let path = found.get(2)?.as_str();
            let name = found
                .get(1)
                .map(|name| name.as_str().trim())
                .filter(|name| *name != "import");
            Some((name, path))
        })
        .collect()
}

/// Names of the standard library that tests import most.
const STANDARD: &[&str] = &[
    "bufio", "bytes", "cmp", "context", "errors", "exec", "filepath", "fmt", "fs", "hex", "http",
    "httptest", "io", "ioutil", "iter", "json", "log", "maps", "math", "net", "os", "path", "rand",
    "reflect", "regexp", "runtime", "slices", "slog", "sort", "sql", "strconv", "strings", "sync",
    "testing", "time", "unicode", "url", "utf8", "xml",
];

/// Names that tests give to their own values.
const LOCAL: &[&str] = &[
    "actual", "args", "b", "buf", "c", "ctx", "err", "exp", "expected", "f", "got", "i", "in",
    "input", "k", "n", "ok", "out", "output", "req", "res", "resp", "result", "s", "t", "tb", "tc",
    "test", "tests", "tt", "v", "val", "value", "want", "x", "y",
];

/// Who owns a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Own,
    Foreign,
    Unknown,
}

impl Facts<'_> {
    fn is_own(&self, path: &str) -> bool {
        self.packages.contains(path)
            || self.modules.iter().any(|module| {
                path.strip_prefix(module.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    }

    fn is_external(&self) -> bool {
        package_of(self.text).is_some_and(|name| name.ends_with("_test"))
    }

    /// The owner of what stands before a dot: by the name of an import, else by the packages of the project.
    fn owner(&self, qualifier: &str) -> Owner {
        let imports = imports(self.text);
        let named = imports
            .iter()
            .find(|(name, _)| *name == Some(qualifier))
            .or_else(|| imports.iter().find(|(_, path)| is_name_of(path, qualifier)));
        match named {
            Some((_, path)) if self.is_own(path) => Owner::Own,
            Some(_) => Owner::Foreign,
            None if self.packages.iter().any(|path| is_name_of(path, qualifier)) => Owner::Own,
            None if STANDARD.contains(&qualifier) => Owner::Foreign,
            None => Owner::Unknown,
        }
    }

    /// The owner of a type or function as the compiler writes it.
    fn owner_of_name(&self, written: &str) -> Owner {
        let bare = written.trim_start_matches(['*', '[', ']', '(', '&']);
        let bare = bare.split(['[', '{', '(', ')']).next().unwrap_or(bare);
        match bare.rsplit_once('.') {
            Some((before, _)) => self.owner(before.rsplit('/').next().unwrap_or(before)),
            None if self.of_tests.contains(bare) => Owner::Foreign,
            None if bare.is_empty() || is_predeclared(bare) => Owner::Foreign,
            None if self.is_external() => Owner::Unknown,
            None => Owner::Own,
        }
    }

    /// The source from the place of an error on, to the end of its line.
    fn code_at(&self, error: &BuildError) -> &str {
        let Some(line) = self
            .text
            .lines()
            .nth((error.line as usize).saturating_sub(1))
        else {
            return "";
        };
        line.get((error.column as usize).saturating_sub(1)..)
            .unwrap_or("")
    }
}

/// Whether a package with this import path is most likely called so: its last part, without a version and without the
/// decoration of repository names.
fn is_name_of(path: &str, name: &str) -> bool {
    let mut parts = path.rsplit('/');
    let mut last = parts.next().unwrap_or(path);
    let is_version = last
        .strip_prefix('v')
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()));
    if is_version {
        last = parts.next().unwrap_or(last);
    }
    let last = last.split(".v").next().unwrap_or(last);
    let plain = |text: &str| text.replace(['-', '.', '_'], "").to_lowercase();
    let (own, wanted) = (plain(last), plain(name.trim_end_matches("_test")));
    own == wanted
        || own.strip_prefix("go") == Some(&wanted)
        || own.strip_suffix("go") == Some(&wanted)
}

fn is_predeclared(name: &str) -> bool {
    matches!(
        name,
        "any"
            | "bool"
            | "byte"
            | "chan"
            | "comparable"
            | "complex128"
            | "complex64"
            | "error"
            | "float32"
            | "float64"
            | "func"
            | "int"
            | "int16"
            | "int32"
            | "int64"
            | "int8"
            | "interface"
            | "map"
            | "rune"
            | "string"
            | "struct"
            | "uint"
            | "uint16"
            | "uint32"
            | "uint64"
            | "uint8"
            | "uintptr"
            | "untyped"
    )
}

fn because(cause: Cause, detail: impl Into<String>, symbol: Option<&str>) -> CauseDetail {
    CauseDetail {
        cause,
        detail: detail.into(),
        symbol: symbol.map(str::to_owned),
    }
}

fn missing(symbol: &str) -> CauseDetail {
    because(
        Cause::MissingSymbol,
        format!("`{symbol}` does not exist yet"),
        Some(symbol),
    )
}

fn broken(error: &BuildError) -> CauseDetail {
    let first = error.message.lines().next().unwrap_or_default();
    because(Cause::DoesNotCompile, first, None)
}

/// Hands what is known around an error to whoever asks.
pub type FactsOf<'a> = dyn Fn(&BuildError, &mut dyn FnMut(&Facts<'_>)) + 'a;

/// The causes of all errors of one package, in order. What only follows from another error is left out: a variable whose
/// value does not exist is not used either.
#[must_use]
pub fn causes<'e>(
    errors: &'e [BuildError],
    facts_of: &FactsOf<'_>,
) -> Vec<(&'e BuildError, CauseDetail)> {
    let unused: BTreeSet<&str> = errors.iter().filter_map(unused_variable).collect();
    let mut found = Vec::new();
    for error in errors {
        let follows = unused_variable(error).is_some()
            && errors.iter().any(|other| {
                other.file == error.file
                    && other.line == error.line
                    && unused_variable(other).is_none()
            });
        // `time.Unix(id.Time().UnixTime())` where nobody knows what `id` is.
        let of_nothing = [
            "(unknown type",
            "(invalid type",
            "have (unknown",
            "invalid type",
        ]
        .iter()
        .any(|word| error.message.contains(word));
        if follows || (of_nothing && errors.len() > 1) {
            continue;
        }
        facts_of(error, &mut |facts| {
            let mut detail = cause(error, facts);
            // `total := …` that nobody uses beside a use of `totl`.
            if detail.cause.class() == CauseClass::Right
                && let Some(symbol) = &detail.symbol
                && let Some(meant) = unused.iter().find(|name| is_near(name, symbol))
            {
                detail = because(
                    Cause::UndefinedName,
                    format!("`{symbol}` is not defined; did you mean `{meant}`?"),
                    Some(symbol),
                );
            }
            found.push((error, detail));
        });
    }
    found
}

fn unused_variable(error: &BuildError) -> Option<&str> {
    let message = error.message.as_str();
    message
        .strip_prefix("declared and not used: ")
        .or_else(|| message.strip_suffix(" declared and not used"))
        .or_else(|| message.strip_suffix(" declared but not used"))
}

fn is_near(one: &str, other: &str) -> bool {
    one.len().max(other.len()) >= 3
        && one != other
        && strsim::damerau_levenshtein(one, other) <= 1 + usize::from(one.len() >= 8)
}

/// The cause of one error in a test file.
#[must_use]
pub fn cause(error: &BuildError, facts: &Facts<'_>) -> CauseDetail {
    let message = error.message.as_str();
    let first = message.lines().next().unwrap_or_default();
    if let Some(found) = import_cause(first, facts) {
        return found;
    }
    if let Some(name) = first.strip_prefix("undefined: ") {
        return undefined(name.trim(), error, facts);
    }
    if let Some((path, rest)) = first.split_once(" undefined (type ") {
        return no_member(path, rest, facts);
    }
    if let Some(rest) = first.strip_prefix("unknown field ") {
        let (field, rest) = rest.split_once(" in struct literal").unwrap_or((rest, ""));
        let field = field.trim_matches(['\'', '"', '`']);
        let kind = rest.strip_prefix(" of type ").unwrap_or_default();
        return match (kind.is_empty(), facts.owner_of_name(kind)) {
            (false, Owner::Foreign) => wrong_foreign(field, kind, facts),
            _ => missing(field),
        };
    }
    for words in [
        "not enough arguments in call to ",
        "too many arguments in call to ",
    ] {
        if let Some(callee) = first.strip_prefix(words) {
            return signature(callee, error, facts);
        }
    }
    if first.starts_with("assignment mismatch: ")
        && let Some(callee) = first
            .split_once(" but ")
            .and_then(|(_, rest)| rest.split_once(" return"))
            .map(|(callee, _)| callee)
    {
        return signature(callee, error, facts);
    }
    if let Some((callee, _)) = first.split_once(" (no value) used as value") {
        return signature(callee, error, facts);
    }
    if let Some(method) = missing_method(message) {
        return missing(method);
    }
    if first.starts_with("cannot use ") {
        return match first.rsplit_once(" in argument to ") {
            // A literal of another kind is a mistake or another signature; a value of another type mostly the second.
            Some((before, callee)) if !before.contains("(untyped ") => {
                signature(callee, error, facts)
            }
            _ => because(Cause::TypeMismatch, first, None),
        };
    }
    let syntax = [
        "syntax error",
        "expected ",
        "missing '",
        "illegal ",
        "invalid character",
    ]
    .iter()
    .any(|word| first.starts_with(word))
        || first.contains("not terminated")
        || first.contains("found 'EOF'");
    if syntax {
        return because(Cause::SyntaxError, first, None);
    }
    if first.contains("requires go1.") && first.contains("or later") {
        return because(Cause::Environment, first, None);
    }
    let types = [
        "invalid operation: ",
        "cannot infer ",
        "impossible type ",
        "cannot range over ",
        "cannot convert ",
        "cannot call ",
    ];
    if types.iter().any(|word| first.starts_with(word))
        || first.contains(" does not satisfy ")
        || first.contains("mismatched types")
    {
        return because(Cause::TypeMismatch, first, None);
    }
    broken(error)
}

/// Errors about what a file imports, and about packages without files.
fn import_cause(first: &str, facts: &Facts<'_>) -> Option<CauseDetail> {
    static PACKAGE: LazyLock<Vec<Regex>> = LazyLock::new(|| {
        [
            r"no required module provides package ([^\s;:]+)",
            r"package ([^\s;:]+) is not in (?:GOROOT|std)",
            r"cannot find module providing package ([^\s;:]+)",
            r"cannot find package \W?([^\s;:]+?)\W? in",
            r"module [^\s]+ found[^,]*, but does not contain package ([^\s;:]+)",
            r"missing go\.sum entry for module providing package ([^\s;:]+)",
            r"package ([^\s;:]+) provided by [^\s]+ but not",
        ]
        .iter()
        .filter_map(|pattern| Regex::new(pattern).ok())
        .collect()
    });
    if let Some((_, folder)) = first.split_once("no non-test Go files in ") {
        let name = folder.rsplit('/').next().unwrap_or(folder);
        return Some(because(
            Cause::MissingSymbol,
            format!("package `{name}` has no source yet"),
            Some(name),
        ));
    }
    let path = PACKAGE
        .iter()
        .find_map(|pattern| pattern.captures(first)?.get(1))
        .map(|found| found.as_str())?;
    let last = path.rsplit('/').next().unwrap_or(path);
    if !facts.is_own(path) {
        return Some(because(
            Cause::MissingDependency,
            format!("package `{path}` is no dependency of the module"),
            Some(path),
        ));
    }
    let near = facts.packages.iter().find(|known| {
        known.rsplit_once('/').map(|(folder, _)| folder)
            == path.rsplit_once('/').map(|(folder, _)| folder)
            && known
                .rsplit('/')
                .next()
                .is_some_and(|name| is_near(name, last) && name.len() >= 4)
    });
    Some(match near {
        Some(known) => because(
            Cause::WrongImport,
            format!("package `{path}` does not exist; did you mean `{known}`?"),
            Some(last),
        ),
        None => because(
            Cause::MissingSymbol,
            format!("package `{path}` does not exist yet"),
            Some(last),
        ),
    })
}

fn is_exported(name: &str) -> bool {
    name.chars().next().is_some_and(char::is_uppercase)
}

fn not_exported(name: &str, of: &str) -> CauseDetail {
    because(
        Cause::DoesNotCompile,
        format!("`{name}` is not exported: a test of another package than `{of}` cannot use it"),
        Some(name),
    )
}

fn wrong_foreign(name: &str, of: &str, facts: &Facts<'_>) -> CauseDetail {
    let bare = of.trim_start_matches('*');
    if facts.of_tests.contains(bare) {
        return because(
            Cause::UndefinedName,
            format!("`{name}` is not defined on the tests' own `{bare}`"),
            Some(name),
        );
    }
    because(
        Cause::WrongForeignSymbol,
        format!("`{bare}` has no `{name}`, and is not of this project"),
        Some(name),
    )
}

fn undefined(name: &str, error: &BuildError, facts: &Facts<'_>) -> CauseDetail {
    if let Some((qualifier, symbol)) = name.rsplit_once('.') {
        return match facts.owner(qualifier) {
            Owner::Own | Owner::Unknown if is_exported(symbol) => missing(symbol),
            Owner::Own | Owner::Unknown => not_exported(symbol, qualifier),
            Owner::Foreign => wrong_foreign(symbol, qualifier, facts),
        };
    }
    let slip = |detail: String| because(Cause::UndefinedName, detail, Some(name));
    let code = facts.code_at(error);
    let behind = code.get(name.len()..).unwrap_or("");
    let selects = behind.starts_with('.');
    if selects && !is_exported(name) {
        let known =
            STANDARD.contains(&name) || facts.packages.iter().any(|path| is_name_of(path, name));
        if known {
            return slip(format!("package `{name}` is not imported"));
        }
    }
    if let Some(meant) = near_local(name, facts.text) {
        return slip(format!("`{name}` is not defined; did you mean `{meant}`?"));
    }
    let lower = name.to_lowercase();
    let takes_t = ["(t,", "(t)", "(tb,", "(tb)", "(b,", "(f,"]
        .iter()
        .any(|start| behind.starts_with(start));
    let like_a_helper = lower.contains("test")
        || [
            "assert", "setup", "fake", "mock", "stub", "expect", "require",
        ]
        .iter()
        .any(|word| lower.starts_with(word) && behind.starts_with('('));
    if takes_t || (like_a_helper && !is_exported(name)) {
        return slip(format!(
            "`{name}` looks like a helper of the tests, and no test file defines it"
        ));
    }
    if facts.is_external() {
        let dot = imports(facts.text)
            .iter()
            .any(|(local, path)| *local == Some(".") && facts.is_own(path));
        return if dot {
            missing(name)
        } else {
            slip(format!(
                "`{name}` is not defined in the tests' own package; what is tested has its package name in front"
            ))
        };
    }
    let bare = !behind.starts_with(['(', '{', '.', '[']);
    if !is_exported(name) && bare && LOCAL.contains(&name) {
        return slip(format!("`{name}` is not defined in the test"));
    }
    missing(name)
}

/// A name that the file declares and that the given one is most likely a slip of.
fn near_local<'t>(name: &str, text: &'t str) -> Option<&'t str> {
    static DECLARED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?m)((?:\w+[ \t]*,[ \t]*)*\w+)[ \t]*:=|\bvar[ \t]+(\w+)|^func[ \t]+(\w+)").ok()
    });
    if name.len() < 4 {
        return None;
    }
    DECLARED
        .as_ref()?
        .captures_iter(text)
        .flat_map(|found| {
            let list = found
                .get(1)
                .or_else(|| found.get(2))
                .or_else(|| found.get(3));
            list.map_or("", |list| list.as_str())
                .split([',', ' ', '\t'])
                .collect::<Vec<_>>()
        })
        .filter(|known| known.len() >= 4)
        .find(|known| {
            is_near(known, name)
                && known.chars().next() == name.chars().next()
                && known.trim_end_matches('s') != name.trim_end_matches('s')
                && known.trim_end_matches(|c: char| c.is_ascii_digit())
                    != name.trim_end_matches(|c: char| c.is_ascii_digit())
        })
}

/// `c.Remove undefined (type *Cart has no field or method Remove, but does have …)`.
fn no_member(path: &str, rest: &str, facts: &Facts<'_>) -> CauseDetail {
    let name = path.rsplit('.').next().unwrap_or(path);
    let (kind, rest) = rest
        .split_once(" has no field or method ")
        .unwrap_or((rest, ""));
    match facts.owner_of_name(kind) {
        Owner::Foreign => wrong_foreign(name, kind, facts),
        Owner::Own | Owner::Unknown => {
            let qualified = kind.contains('.');
            if let Some((_, other)) = rest.split_once("but does have ") {
                let other = other
                    .trim_end_matches(')')
                    .rsplit(' ')
                    .next()
                    .unwrap_or(other);
                return because(
                    Cause::UndefinedName,
                    format!(
                        "`{}` has no `{name}`; did you mean `{other}`?",
                        kind.trim_start_matches('*')
                    ),
                    Some(name),
                );
            }
            if qualified && !is_exported(name) {
                return not_exported(name, kind.trim_start_matches('*'));
            }
            missing(name)
        }
    }
}

fn signature(callee: &str, error: &BuildError, facts: &Facts<'_>) -> CauseDetail {
    let first = error.message.lines().next().unwrap_or_default();
    let callee = callee.trim();
    let callee = callee.split('(').next().unwrap_or(callee);
    let root = callee.split('.').next().unwrap_or(callee);
    let own = match callee.contains('.') {
        // A value of the test: its type is not named.
        true => match facts.owner(root) {
            Owner::Own => true,
            Owner::Foreign => false,
            Owner::Unknown => !matches!(root, "t" | "tb" | "b" | "f" | "require" | "assert"),
        },
        false => facts.owner_of_name(callee) == Owner::Own,
    };
    let name = callee.rsplit('.').next().unwrap_or(callee);
    if own {
        because(Cause::Signature, first, Some(name))
    } else {
        because(Cause::DoesNotCompile, first, Some(name))
    }
}

fn missing_method(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("(missing ")?;
    let rest = rest.split(')').next()?;
    rest.strip_prefix("method ")
        .or_else(|| rest.strip_suffix(" method"))
        .filter(|name| !name.contains(' '))
}

#[cfg(test)]
#[path = "cause_tests.rs"]
mod tests;
