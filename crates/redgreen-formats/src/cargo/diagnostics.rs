//! rustc diagnostics to causes (`reference/test-results.md`, section 3.3; error codes:
//! <https://doc.rust-lang.org/error_codes/error-index.html>).
//!
//! The asymmetry of section 0 is followed: a doubtful *missing symbol* is accepted with a recorded detail, because GREEN
//! cannot be reached when it was wrong; everything else that is doubtful is unclear.

use crate::cargo::source_scan::Import;
use cargo_metadata::diagnostic::{Diagnostic, DiagnosticLevel, DiagnosticSpan};
use redgreen_core::outcome::Cause;
use redgreen_core::run_report::CauseDetail;
use std::collections::BTreeSet;

/// What a place is, as the host knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// First-party source.
    Source,
    /// A test file, or a region that only tests compile.
    Test,
    /// Neither: the standard library, a registry, generated code.
    Elsewhere,
}

/// What is known about the target that did not compile.
pub struct TargetFacts<'a> {
    /// Crate names of the workspace (with `_`).
    pub crates: &'a BTreeSet<String>,
    /// Whether `crate::`, `super::` and `self::` name first-party source: unit tests of a library or binary.
    pub own_crate_is_source: bool,
    /// The imports of a file (by the name in the diagnostic).
    pub imports: &'a dyn Fn(&str) -> Vec<Import>,
    /// The first-party source file that declares a public item of that name, where one does.
    pub declared_in: &'a dyn Fn(&str) -> Option<String>,
    /// What a line of a file (both as in the diagnostic) is.
    pub place: &'a dyn Fn(&str, usize) -> Place,
}

/// One error with its cause and the place that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classified {
    /// The cause.
    pub cause: CauseDetail,
    /// The error code, such as `E0432`.
    pub code: Option<String>,
    /// The file as rustc names it; `None` for an error without a place.
    pub file: Option<String>,
    /// From 1; 0 for an error without a place.
    pub line: usize,
    /// What the place is.
    pub place: Place,
    /// rustc's own text.
    pub message: String,
}

/// Classifies the errors of one target. Warnings and summary lines are dropped, and so are "type annotations needed"
/// followers when an accepted error stands in the same target.
#[must_use]
pub fn classify_target(diagnostics: &[&Diagnostic], facts: &TargetFacts<'_>) -> Vec<Classified> {
    let mut out: Vec<Classified> = Vec::new();
    for diagnostic in diagnostics {
        if let Some(found) = classify(diagnostic, facts)
            && !out.contains(&found)
        {
            out.push(found);
        }
    }
    let accepted = out
        .iter()
        .any(|found| matches!(found.cause.cause, Cause::MissingSymbol | Cause::Signature));
    if accepted {
        out.retain(|found| !matches!(found.code.as_deref(), Some("E0282" | "E0283")));
    }
    out
}

/// Classifies one diagnostic; `None` for warnings, notes and summary lines.
#[must_use]
pub fn classify(diagnostic: &Diagnostic, facts: &TargetFacts<'_>) -> Option<Classified> {
    match diagnostic.level {
        DiagnosticLevel::Error | DiagnosticLevel::Ice => {}
        DiagnosticLevel::Warning
        | DiagnosticLevel::FailureNote
        | DiagnosticLevel::Note
        | DiagnosticLevel::Help => return None,
        // The enum is not exhaustive; an unknown level is not proof of an error, and the exit code still decides.
        _ => return None,
    }
    if diagnostic.spans.is_empty() && diagnostic.message.starts_with("aborting due") {
        return None;
    }
    let primary = diagnostic
        .spans
        .iter()
        .find(|span| span.is_primary)
        .or_else(|| diagnostic.spans.first());
    let site = primary.map(call_site);
    let place = site.map_or(Place::Elsewhere, |span| {
        (facts.place)(&span.file_name, span.line_start)
    });
    let code = diagnostic.code.as_ref().map(|code| code.code.clone());
    let reader = Reader {
        diagnostic,
        primary,
        facts,
    };
    let cause = if place == Place::Source {
        because(
            Cause::BrokenBase,
            format!("the source does not compile: {}", diagnostic.message),
            None,
        )
    } else {
        reader.cause(code.as_deref())
    };
    Some(Classified {
        cause,
        code,
        file: site.map(|span| span.file_name.clone()),
        line: site.map_or(0, |span| span.line_start),
        place,
        message: diagnostic
            .rendered
            .clone()
            .unwrap_or_else(|| diagnostic.message.clone()),
    })
}

/// The place a person wrote: out of the expansion of macros.
fn call_site(span: &DiagnosticSpan) -> &DiagnosticSpan {
    let mut span = span;
    while let Some(expansion) = &span.expansion {
        span = &expansion.span;
    }
    span
}

fn because(cause: Cause, detail: impl Into<String>, symbol: Option<&str>) -> CauseDetail {
    CauseDetail {
        cause,
        detail: detail.into(),
        symbol: symbol.map(str::to_owned),
    }
}

/// Who owns a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    FirstParty,
    Test,
    Standard,
    ThirdParty,
    /// A single name that no import explains.
    Unknown,
}

struct Reader<'a> {
    diagnostic: &'a Diagnostic,
    primary: Option<&'a DiagnosticSpan>,
    facts: &'a TargetFacts<'a>,
}

impl Reader<'_> {
    fn cause(&self, code: Option<&str>) -> CauseDetail {
        let message = self.diagnostic.message.as_str();
        match code {
            Some("E0432") => self.unresolved_import(),
            Some("E0433") => self.unresolved_path(),
            Some(
                "E0425" | "E0412" | "E0405" | "E0422" | "E0423" | "E0531" | "E0532" | "E0573"
                | "E0574" | "E0404" | "E0411",
            ) => self.name_not_found(),
            Some("E0599") => self.no_method(),
            Some("E0609" | "E0560" | "E0026" | "E0559") => self.no_field(),
            Some("E0407" | "E0437" | "E0438") => self.not_a_member(),
            Some("E0061" | "E0107" | "E0050" | "E0053") => self.signature(),
            Some("E0308") => because(Cause::TypeMismatch, message, None),
            Some("E0277" | "E0369") => self.trait_bound(),
            Some("E0282" | "E0283") => because(Cause::TypeMismatch, message, None),
            Some("E0603" | "E0616" | "E0624" | "E0451") => because(
                Cause::Unknown,
                format!("it exists and is private: {message}"),
                quoted(message).first().map(String::as_str),
            ),
            Some("E0583") => because(Cause::DoesNotCompile, message, None),
            Some(_) => because(Cause::DoesNotCompile, message, None),
            None => self.without_code(),
        }
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        self.diagnostic
            .children
            .iter()
            .map(|child| child.message.as_str())
            .chain(
                self.diagnostic
                    .children
                    .iter()
                    .flat_map(|child| &child.spans)
                    .chain(&self.diagnostic.spans)
                    .filter_map(|span| span.label.as_deref()),
            )
    }

    fn label(&self) -> &str {
        self.primary
            .and_then(|span| span.label.as_deref())
            .unwrap_or_default()
    }

    /// rustc's own typo evidence.
    fn similar(&self) -> Option<String> {
        self.texts()
            .find(|text| {
                text.contains("similar name")
                    || text.contains("similarly named")
                    || text.contains("you might have meant to use")
            })
            .map(|text| {
                let names = quoted(text);
                names.first().map_or_else(|| text.to_owned(), Clone::clone)
            })
    }

    /// Like [`Reader::missing`], for a name that was looked for under a path: the same name may exist under another
    /// one. Names that many modules have are no evidence.
    fn missing_at_path(&self, symbol: &str) -> CauseDetail {
        let found = self.missing(symbol);
        let common = symbol.len() < 4
            || matches!(
                symbol,
                "Error"
                    | "Result"
                    | "Config"
                    | "Options"
                    | "Builder"
                    | "Kind"
                    | "State"
                    | "parse"
                    | "main"
                    | "init"
                    | "open"
                    | "load"
                    | "read"
                    | "write"
                    | "build"
                    | "create"
            );
        if found.cause == Cause::MissingSymbol
            && !common
            && let Some(file) = (self.facts.declared_in)(symbol)
        {
            return because(
                Cause::SimilarName,
                format!("`{symbol}` does not exist there; `{file}` has one: is the path right?"),
                Some(symbol),
            );
        }
        found
    }

    /// Decides for a missing name whose owner is known to be first-party.
    fn missing(&self, symbol: &str) -> CauseDetail {
        if let Some(text) = self
            .texts()
            .find(|text| text.contains("configured out") || text.contains("gated behind"))
        {
            return because(
                Cause::WrongImport,
                format!("`{symbol}` exists and is not compiled here: {text}"),
                Some(symbol),
            );
        }
        if let Some(text) = self
            .texts()
            .find(|text| text.starts_with("consider importing") && text.contains("instead"))
        {
            return because(
                Cause::WrongImport,
                format!("`{symbol}` exists elsewhere: {text}"),
                Some(symbol),
            );
        }
        match self.similar() {
            Some(similar) => because(
                Cause::SimilarName,
                format!("`{symbol}` does not exist; did you mean `{similar}`?"),
                Some(symbol),
            ),
            None => because(
                Cause::MissingSymbol,
                format!("`{symbol}` does not exist yet"),
                Some(symbol),
            ),
        }
    }

    fn foreign(&self, symbol: &str) -> CauseDetail {
        because(
            Cause::WrongForeignSymbol,
            format!(
                "`{symbol}` is not part of this project and does not exist: {}",
                self.diagnostic.message
            ),
            Some(symbol),
        )
    }

    fn by_owner(&self, owner: Owner, symbol: &str) -> CauseDetail {
        match owner {
            Owner::FirstParty => self.missing_at_path(symbol),
            Owner::Standard | Owner::ThirdParty => self.foreign(symbol),
            Owner::Test => because(
                Cause::UndefinedName,
                format!("`{symbol}` is missing in the test's own code"),
                Some(symbol),
            ),
            Owner::Unknown => because(
                Cause::UndefinedName,
                format!("`{symbol}` is not defined in the test"),
                Some(symbol),
            ),
        }
    }

    /// Resolves the first segment of a path through the imports of the file.
    fn owner(&self, path: &[String]) -> Owner {
        self.owner_within(path, 0)
    }

    fn owner_within(&self, path: &[String], depth: usize) -> Owner {
        let Some(first) = path.first().map(String::as_str) else {
            return Owner::Unknown;
        };
        match first {
            "std" | "core" | "alloc" | "proc_macro" | "test" => return Owner::Standard,
            "crate" | "super" | "self" => {
                let rest: Vec<String> = path
                    .iter()
                    .skip_while(|part| matches!(part.as_str(), "crate" | "super" | "self"))
                    .cloned()
                    .collect();
                if depth < 4 && !rest.is_empty() {
                    // `crate::it::X` after `use shop as it` at the root of the target.
                    let followed = self.imported(&rest, depth);
                    if followed != Owner::Unknown {
                        return followed;
                    }
                }
                return if self.facts.own_crate_is_source {
                    Owner::FirstParty
                } else {
                    Owner::Test
                };
            }
            _ if self.facts.crates.contains(first) => return Owner::FirstParty,
            _ => {}
        }
        if depth < 4 {
            let followed = self.imported(path, depth);
            if followed != Owner::Unknown {
                return followed;
            }
        }
        if path.len() > 1 && first.starts_with(char::is_lowercase) {
            Owner::ThirdParty
        } else {
            Owner::Unknown
        }
    }

    fn imported(&self, path: &[String], depth: usize) -> Owner {
        let Some((first, rest)) = path.split_first() else {
            return Owner::Unknown;
        };
        for import in self.imports() {
            if import.name == *first && import.path.first() != Some(first) {
                let mut full = import.path.clone();
                full.extend(rest.iter().cloned());
                return self.owner_within(&full, depth + 1);
            }
        }
        Owner::Unknown
    }

    fn imports(&self) -> Vec<Import> {
        self.primary
            .map(|span| (self.facts.imports)(&call_site(span).file_name))
            .unwrap_or_default()
    }

    /// The file takes everything from a first-party module (`use shop::*`, `use super::*`).
    fn has_first_party_glob(&self) -> bool {
        self.imports()
            .iter()
            .any(|import| import.name == "*" && self.owner(&import.path) == Owner::FirstParty)
    }

    /// E0432: unresolved import `shop::subtract`.
    fn unresolved_import(&self) -> CauseDetail {
        let message = self.diagnostic.message.as_str();
        let paths = quoted(message);
        let mut worst: Option<CauseDetail> = None;
        for path in &paths {
            let parts = segments(path);
            let symbol = parts.last().cloned().unwrap_or_default();
            let unlinked = self.texts().any(|text| {
                text.contains("unresolved module or unlinked crate")
                    || text.contains("you might be missing crate")
                    || text.contains("maybe a missing crate")
            });
            let owner = self.owner(&parts);
            let cause = if unlinked && owner != Owner::FirstParty {
                self.missing_crate(parts.first().map_or("", String::as_str))
            } else {
                match owner {
                    Owner::Unknown if parts.len() == 1 => {
                        self.missing_crate(parts.first().map_or("", String::as_str))
                    }
                    Owner::FirstParty
                    | Owner::Test
                    | Owner::Standard
                    | Owner::ThirdParty
                    | Owner::Unknown => self.by_owner(owner, &symbol),
                }
            };
            let acceptable = cause.cause == Cause::MissingSymbol;
            if worst.is_none() || !acceptable {
                worst = Some(cause);
            }
        }
        worst.unwrap_or_else(|| because(Cause::Unknown, message, None))
    }

    /// E0433: cannot find `pricing` in `shop`.
    fn unresolved_path(&self) -> CauseDetail {
        let message = self.diagnostic.message.as_str();
        let label = self.label();
        let names = {
            let from_label = quoted(label);
            if from_label.is_empty() {
                quoted(message)
            } else {
                from_label
            }
        };
        let symbol = names.first().cloned().unwrap_or_default();
        if label.contains("unlinked crate") || message.contains("unlinked crate") {
            return self.missing_crate(&symbol);
        }
        let written = self.written_path();
        let mut owner = self.owner(&written);
        if owner != Owner::FirstParty
            && names
                .get(1)
                .is_some_and(|name| self.owner(&segments(name)) == Owner::FirstParty)
        {
            owner = Owner::FirstParty;
        }
        if written.len() <= 1 && names.len() <= 1 {
            // "use of undeclared type `Cart`"
            return self.bare_name(&symbol, message);
        }
        self.by_owner(owner, &symbol)
    }

    fn missing_crate(&self, name: &str) -> CauseDetail {
        // `use super::*` makes a module of the crate under test look like an unlinked crate.
        if self.facts.own_crate_is_source && self.has_first_party_glob() && self.is_path_head(name)
        {
            return self.missing(name);
        }
        let near = self
            .facts
            .crates
            .iter()
            .find(|own| *own != name && strsim::damerau_levenshtein(own, name) <= 2);
        match near {
            Some(own) => because(
                Cause::SimilarName,
                format!("there is no crate `{name}`; did you mean `{own}`?"),
                Some(name),
            ),
            None => because(
                Cause::MissingDependency,
                format!("the crate `{name}` is not a dependency"),
                Some(name),
            ),
        }
    }

    /// Whether the diagnostic points at code that uses `name::` outside a `use`.
    fn is_path_head(&self, name: &str) -> bool {
        self.primary
            .and_then(|span| span.text.first())
            .is_some_and(|line| {
                let text = line.text.trim_start();
                !text.starts_with("use ") && !text.starts_with("pub use ") && text.contains(name)
            })
    }

    /// E0425 and its kin: cannot find function `subtract` in crate `shop`.
    fn name_not_found(&self) -> CauseDetail {
        let message = self.diagnostic.message.as_str();
        let symbol = quoted(message).first().cloned().unwrap_or_default();
        let container = message
            .rsplit_once(" in ")
            .map(|(_, rest)| rest)
            .unwrap_or_default();
        if container.starts_with("this scope") || container.is_empty() {
            return self.bare_name(&symbol, message);
        }
        let label_owner = quoted(self.label());
        let named = quoted(container);
        let written = self.written_path();
        let owners = [
            self.owner(&written),
            self.owner(&segments(named.first().map_or("", String::as_str))),
            self.owner(&segments(label_owner.last().map_or("", String::as_str))),
        ];
        let owner = owners
            .into_iter()
            .find(|owner| *owner == Owner::FirstParty)
            .or_else(|| owners.into_iter().find(|owner| *owner != Owner::Unknown))
            .unwrap_or(Owner::Unknown);
        self.by_owner(owner, &symbol)
    }

    /// A name without a path. With a first-party glob import in the file it is what the glob does not bring yet; a
    /// lower-case *value* is a forgotten variable all the same.
    fn bare_name(&self, symbol: &str, message: &str) -> CauseDetail {
        let value = message.starts_with("cannot find value")
            && !symbol
                .chars()
                .all(|c| c.is_uppercase() || c.is_ascii_digit() || c == '_');
        let exists_elsewhere = self.texts().find(|text| {
            text.starts_with("consider importing") || text.contains("is not in scope")
        });
        if let Some(text) = exists_elsewhere {
            return because(
                Cause::UndefinedName,
                format!("`{symbol}` is not imported: {text}"),
                Some(symbol),
            );
        }
        if !value && self.has_first_party_glob() {
            return self.missing(symbol);
        }
        match self.similar() {
            Some(similar) if !value => because(
                Cause::SimilarName,
                format!("`{symbol}` is not defined; did you mean `{similar}`?"),
                Some(symbol),
            ),
            Some(_) | None => because(
                Cause::UndefinedName,
                format!("`{symbol}` is not defined in the test"),
                Some(symbol),
            ),
        }
    }

    /// E0599. Accepted by default: the receiver's crate is not in the message, and all real cases seen break the rule
    /// "the receiver is first-party" (extension traits, macro-made types).
    fn no_method(&self) -> CauseDetail {
        let symbol = quoted(&self.diagnostic.message)
            .first()
            .cloned()
            .unwrap_or_default();
        if let Some(similar) = self.similar() {
            return because(
                Cause::SimilarName,
                format!("`{symbol}` does not exist; did you mean `{similar}`?"),
                Some(&symbol),
            );
        }
        let local = self.diagnostic.spans.iter().any(|span| {
            !span.is_primary
                && span.expansion.is_none()
                && span
                    .label
                    .as_deref()
                    .is_some_and(|label| label.contains("not found for this"))
                && (self.facts.place)(&span.file_name, span.line_start) == Place::Test
        });
        if local {
            return because(
                Cause::Unknown,
                format!("`{symbol}` is missing on a type that the test defines"),
                Some(&symbol),
            );
        }
        because(
            Cause::MissingSymbol,
            format!("`{symbol}` does not exist yet: {}", self.diagnostic.message),
            Some(&symbol),
        )
    }

    /// E0609, E0560, E0026, E0559: no field (or variant field) of that name.
    fn no_field(&self) -> CauseDetail {
        let names = quoted(&self.diagnostic.message);
        let symbol = names.first().cloned().unwrap_or_default();
        let owner = names.get(1).cloned().unwrap_or_default();
        if is_standard_type(&owner) {
            return self.foreign(&symbol);
        }
        self.missing(&symbol)
    }

    /// E0407, E0437, E0438: method `x` is not a member of trait `shop::Price`.
    fn not_a_member(&self) -> CauseDetail {
        let names = quoted(&self.diagnostic.message);
        let symbol = names.first().cloned().unwrap_or_default();
        let owner = self.owner(&segments(names.get(1).map_or("", String::as_str)));
        match owner {
            Owner::FirstParty => self.missing(&symbol),
            Owner::Standard | Owner::ThirdParty => self.foreign(&symbol),
            Owner::Test | Owner::Unknown => because(
                Cause::Unknown,
                self.diagnostic.message.clone(),
                Some(&symbol),
            ),
        }
    }

    /// E0061 and kin: right when the callee is defined in first-party source.
    fn signature(&self) -> CauseDetail {
        let message = self.diagnostic.message.as_str();
        let first_party = self
            .diagnostic
            .children
            .iter()
            .filter(|child| child.message.contains("defined here"))
            .flat_map(|child| &child.spans)
            .any(|span| (self.facts.place)(&span.file_name, span.line_start) == Place::Source);
        if first_party {
            because(
                Cause::Signature,
                format!("the source has another signature: {message}"),
                None,
            )
        } else {
            because(Cause::DoesNotCompile, message, None)
        }
    }

    /// E0277, E0369: right when the type (of `Cart: Price`) is first-party, because only the source can implement
    /// something for it, or when rustc points at first-party source as the place where the implementation is missing.
    fn trait_bound(&self) -> CauseDetail {
        let message = self.diagnostic.message.as_str();
        let points_at_source = self
            .diagnostic
            .children
            .iter()
            .flat_map(|child| &child.spans)
            .chain(self.diagnostic.spans.iter().filter(|span| !span.is_primary))
            .any(|span| (self.facts.place)(&span.file_name, span.line_start) == Place::Source);
        let own_type = quoted(message).iter().any(|text| {
            let name = text.split(": ").next().unwrap_or(text);
            let name = name.trim_start_matches(['&', '*']);
            let name = name.split('<').next().unwrap_or(name);
            let name = name.rsplit("::").next().unwrap_or(name);
            (self.facts.declared_in)(name.trim()).is_some()
        });
        if points_at_source || own_type {
            because(
                Cause::MissingSymbol,
                format!("an implementation does not exist yet: {message}"),
                None,
            )
        } else {
            because(Cause::DoesNotCompile, message, None)
        }
    }

    fn without_code(&self) -> CauseDetail {
        let message = self.diagnostic.message.as_str();
        let name = quoted(message).first().cloned().unwrap_or_default();
        if message.starts_with("cannot find ") {
            // A macro, an attribute or a derive: macros of the source are found by path, with a code.
            return because(Cause::UndefinedName, message, Some(&name));
        }
        let syntax = [
            "expected",
            "unclosed",
            "this file contains",
            "mismatched closing",
            "unexpected closing",
            "unterminated",
            "unknown start of token",
            "missing ",
            "incorrect ",
            "unknown prefix",
            "prefix ",
        ];
        if syntax.iter().any(|start| message.starts_with(start)) {
            because(Cause::SyntaxError, message, None)
        } else {
            because(Cause::DoesNotCompile, message, None)
        }
    }

    /// The path in front of the marked text, with it: for `shop::cart::total()` with `total` marked, all three.
    fn written_path(&self) -> Vec<String> {
        let Some(line) = self.primary.and_then(|span| span.text.first()) else {
            return Vec::new();
        };
        let chars: Vec<char> = line.text.chars().collect();
        let end = line.highlight_end.saturating_sub(1).min(chars.len());
        let mut start = line.highlight_start.saturating_sub(1).min(end);
        while start > 0
            && (chars[start - 1] == ':'
                || chars[start - 1] == '_'
                || chars[start - 1].is_alphanumeric())
        {
            start -= 1;
        }
        segments(&chars[start..end].iter().collect::<String>())
    }
}

/// The texts between back-ticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn segments(path: &str) -> Vec<String> {
    path.trim_start_matches("::")
        .split("::")
        .map(|part| part.split('<').next().unwrap_or(part).trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}

/// Whether a type as rustc prints it is of the language or the standard library's prelude.
fn is_standard_type(name: &str) -> bool {
    let name = name
        .trim_start_matches(['&', '*'])
        .trim_start_matches("mut ");
    let head: String = name
        .chars()
        .take_while(|c| *c == ':' || *c == '_' || c.is_alphanumeric())
        .collect();
    name.starts_with(['(', '[', '{'])
        || head.starts_with("std::")
        || head.starts_with("core::")
        || head.starts_with("alloc::")
        || matches!(
            head.as_str(),
            "String"
                | "str"
                | "Vec"
                | "Option"
                | "Result"
                | "Box"
                | "Rc"
                | "Arc"
                | "HashMap"
                | "HashSet"
                | "BTreeMap"
                | "BTreeSet"
                | "bool"
                | "char"
                | "i8"
                | "i16"
                | "i32"
                | "i64"
                | "i128"
                | "isize"
                | "u8"
                | "u16"
                | "u32"
                | "u64"
                | "u128"
                | "usize"
                | "f32"
                | "f64"
        )
}
