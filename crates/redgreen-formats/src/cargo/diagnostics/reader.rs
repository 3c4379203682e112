//! The decision table: from an error code, its words and its places to a cause.

use super::words::{is_standard_type, quoted, segments};
use super::{Place, TargetFacts, because, call_site};
use crate::cargo::source_scan::Import;
use cargo_metadata::diagnostic::{Diagnostic, DiagnosticSpan};
use redgreen_core::outcome::Cause;
use redgreen_core::run_report::CauseDetail;

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

/// One diagnostic with what is known about its target.
pub struct Reader<'a> {
    /// The diagnostic.
    pub diagnostic: &'a Diagnostic,
    /// Its primary span.
    pub primary: Option<&'a DiagnosticSpan>,
    /// What is known.
    pub facts: &'a TargetFacts<'a>,
}

impl Reader<'_> {
    /// The cause by the code of the error.
    pub fn cause(&self, code: Option<&str>) -> CauseDetail {
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
            Some("E0061" | "E0107" | "E0050" | "E0053" | "E0023" | "E0027") => self.signature(),
            Some("E0463") => self.missing_crate(quoted(message).first().map_or("", String::as_str)),
            Some("E0308" | "E0271") => because(Cause::TypeMismatch, message, None),
            Some("E0277" | "E0369" | "E0368" | "E0600" | "E0608") => self.trait_bound(),
            Some("E0282" | "E0283") => because(Cause::TypeMismatch, message, None),
            Some("E0603" | "E0616" | "E0624" | "E0451") => because(
                Cause::Unknown,
                format!("it exists and is private: {message}"),
                quoted(message).first().map(String::as_str),
            ),
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

    /// rustc's own typo evidence: the name that it suggests.
    fn similar(&self) -> Option<String> {
        let evidence = |text: &str| {
            text.contains("similar name")
                || text.contains("similarly named")
                || text.contains("you might have meant to use")
        };
        let child = self
            .diagnostic
            .children
            .iter()
            .find(|child| evidence(&child.message) && !child.message.ends_with("defined here"));
        if let Some(child) = child {
            let suggested = child
                .spans
                .iter()
                .find_map(|span| span.suggested_replacement.clone());
            return Some(
                quoted(&child.message)
                    .first()
                    .cloned()
                    .or(suggested)
                    .unwrap_or_else(|| child.message.clone()),
            );
        }
        self.texts().find(|text| evidence(text)).map(|text| {
            quoted(text)
                .first()
                .cloned()
                .unwrap_or_else(|| text.to_owned())
        })
    }

    /// Whether rustc points at first-party source besides the place of the error.
    fn points_at_source(&self) -> bool {
        self.diagnostic
            .children
            .iter()
            .flat_map(|child| &child.spans)
            .chain(self.diagnostic.spans.iter().filter(|span| !span.is_primary))
            .any(|span| (self.facts.place)(&span.file_name, span.line_start) == Place::Source)
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
            _ if self.facts.dependencies.contains(first) => return Owner::ThirdParty,
            _ => {}
        }
        if depth < 4 {
            let followed = self.imported(path, depth);
            if followed != Owner::Unknown {
                return followed;
            }
        }
        if path.len() > 1 && first.starts_with(char::is_lowercase) {
            // A module that nothing in the file names, and no dependency: brought by `use super::*`, else of this crate.
            if self.facts.own_crate_is_source || (depth == 0 && self.has_first_party_glob()) {
                Owner::FirstParty
            } else {
                Owner::Test
            }
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
        self.imports().iter().any(|import| {
            import.name == "*" && self.owner_within(&import.path, 1) == Owner::FirstParty
        })
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
        if self.facts.own_crate_is_source && self.has_first_party_glob() && self.is_in_code() {
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

    /// Whether the diagnostic points at code outside a `use` declaration (as far as its line shows).
    fn is_in_code(&self) -> bool {
        self.primary
            .and_then(|span| span.text.first())
            .is_some_and(|line| {
                let before: String = line
                    .text
                    .chars()
                    .take(line.highlight_start.saturating_sub(1))
                    .collect();
                let statement = before.rsplit(';').next().unwrap_or_default().trim_start();
                !statement.starts_with("use ") && !statement.starts_with("pub use ")
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
        let is_crate = container.starts_with("crate ");
        if is_crate
            && let Some(name) = named.first()
            && self.owner_within(&segments(name), 1) != Owner::FirstParty
            && self.owner_within(&self.written_path(), 1) != Owner::FirstParty
        {
            return self.foreign(&symbol);
        }
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
        let owner = match owner {
            // rustc resolved a module without a path from outside: one of this crate.
            Owner::Unknown if container.starts_with("module ") => {
                if self.facts.own_crate_is_source {
                    Owner::FirstParty
                } else {
                    Owner::Test
                }
            }
            Owner::FirstParty
            | Owner::Test
            | Owner::Standard
            | Owner::ThirdParty
            | Owner::Unknown => owner,
        };
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
        if let Some(text) = self
            .texts()
            .find(|text| text.contains("is implemented but not in scope"))
        {
            return because(
                Cause::UndefinedName,
                format!("a trait is not imported: {text}"),
                Some(&symbol),
            );
        }
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
        if self.points_at_source() {
            because(
                Cause::Signature,
                format!("the source has another signature: {message}"),
                None,
            )
        } else {
            because(Cause::DoesNotCompile, message, None)
        }
    }

    /// E0277, E0369 and kin: right when the type (of `Cart: Price`) is first-party, because only the source can implement
    /// something for it, or when rustc points at first-party source as the place where the implementation is missing.
    fn trait_bound(&self) -> CauseDetail {
        let message = self.diagnostic.message.as_str();
        let own_type = quoted(message).iter().any(|text| {
            let name = text.split(": ").next().unwrap_or(text);
            let name = name.trim_start_matches(['&', '*']);
            let name = name.split('<').next().unwrap_or(name);
            let name = name.rsplit("::").next().unwrap_or(name);
            (self.facts.declared_in)(name.trim()).is_some()
        });
        if self.points_at_source() || own_type {
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
        if let Some(program) = name.strip_prefix("CARGO_BIN_EXE_") {
            return because(
                Cause::MissingSymbol,
                format!("the program `{program}` does not exist yet"),
                Some(program),
            );
        }
        // A first-party macro that does not take this form yet.
        let form = message.starts_with("no rules expected")
            || message.starts_with("unexpected end of macro invocation");
        if form && self.points_at_source() {
            return because(
                Cause::Signature,
                format!("a macro of the source takes another form: {message}"),
                None,
            );
        }
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
