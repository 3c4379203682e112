//! What static knowledge of the source adds to the causes that a runner established: a misspelt name, a name that
//! exists elsewhere (reference/test-results.md section 3.1, typo guard).
//!
//! A false alarm here blocks legitimate work, a miss is cheap (GREEN can never be reached), so both rules are narrow.

use redgreen_core::id::RelPath;
use redgreen_core::outcome::Cause;
use redgreen_core::run_report::{CauseDetail, RunReport};
use redgreen_lint::definitions::{Definition, DefinitionKind};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Definitions of first-party source by name.
#[derive(Debug, Default)]
pub struct Known {
    /// Whether modules of the product lie at the top level of a Python project, so that a missing top-level module may be
    /// one that the task adds.
    pub flat_python: bool,
    by_name: BTreeMap<String, Vec<(RelPath, bool)>>,
}

impl Known {
    /// Adds a JavaScript module, which tests import by its path.
    pub fn add_script(&mut self, path: &RelPath) {
        let stem = super::refine_javascript::stem(path.as_str()).to_owned();
        self.by_name
            .entry(stem)
            .or_default()
            .push((path.clone(), false));
    }

    /// Adds the definitions of one source file.
    pub fn add(&mut self, path: &RelPath, definitions: &[Definition]) {
        for definition in definitions {
            let own = match definition.kind {
                DefinitionKind::Function
                | DefinitionKind::Type
                | DefinitionKind::Constant
                | DefinitionKind::Macro => true,
                DefinitionKind::Method
                | DefinitionKind::Variant
                | DefinitionKind::Field
                | DefinitionKind::Module
                | DefinitionKind::ReExport => false,
            };
            self.by_name
                .entry(definition.name.clone())
                .or_default()
                .push((path.clone(), own && definition.container.is_none()));
        }
    }

    /// Adds the name of a Python file as a module, and those of the packages that it lies in.
    pub fn add_module(&mut self, path: &RelPath) {
        for part in path.as_str().split('/') {
            let name = part.strip_suffix(".py").unwrap_or(part);
            if !name.starts_with("__") && !self.by_name.contains_key(name) {
                self.by_name
                    .insert(name.to_owned(), vec![(path.clone(), false)]);
            }
        }
    }

    /// Where a name of module level is defined.
    fn at_module_level(&self, name: &str) -> Option<&RelPath> {
        self.by_name
            .get(name)?
            .iter()
            .find(|(_, top)| *top)
            .map(|(path, _)| path)
    }

    /// A name that the given one is most likely a slip of.
    fn misspelt(&self, name: &str) -> Option<&str> {
        if self.by_name.contains_key(name) {
            return None;
        }
        self.by_name
            .keys()
            .map(String::as_str)
            .find(|known| is_slip(name, known))
    }
}

/// Whether `name` reads like a slip of the finger for `known`: one letter wrong, missing, doubled or swapped in a word
/// of five letters or more, two in one of nine or more. Plurals, versions and underscores are how APIs grow, and pairs
/// like `encode` and `decode` differ at the front on purpose.
fn is_slip(name: &str, known: &str) -> bool {
    let longer = name.len().max(known.len());
    // Two letters more or less are eight bytes at most.
    if name.len().abs_diff(known.len()) > 8 {
        return false;
    }
    let plain = |text: &str| {
        text.trim_matches('_')
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .trim_end_matches('s')
            .to_ascii_lowercase()
    };
    if longer < 5 || name.chars().next() != known.chars().next() || plain(name) == plain(known) {
        return false;
    }
    let same_words = name.matches('_').count() == known.matches('_').count();
    let distance = strsim::damerau_levenshtein(name, known);
    same_words && (distance == 1 || (distance == 2 && longer >= 9))
}

/// Whether a name is particular enough that finding it elsewhere means something.
fn is_particular(name: &str) -> bool {
    name.len() >= 4
        && (name.contains('_') || name.chars().any(char::is_uppercase) || name.len() >= 8)
}

/// The names that the definitions of the source could say more about; `None` when nothing is missing at all.
#[must_use]
pub fn asked_names<'a>(runs: impl IntoIterator<Item = &'a RunReport>) -> Option<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let mut asks = false;
    for run in runs {
        let of_cases = run.cases.iter().filter_map(|case| case.cause.as_ref());
        let of_loading = run
            .load_failures
            .iter()
            .flat_map(|failure| failure.causes.iter().map(|located| &located.cause));
        for cause in of_cases.chain(of_loading) {
            let Some(symbol) = &cause.symbol else {
                continue;
            };
            if matches!(cause.cause, Cause::SimilarName | Cause::MissingSymbol) {
                names.insert(last_part(symbol).to_owned());
                asks = true;
            }
            asks |= cause.cause == Cause::MissingDependency;
        }
    }
    asks.then_some(names)
}

/// `slugify` of `shop.text.slugify`, and of the path `./shop/slugify.js`.
fn last_part(symbol: &str) -> &str {
    if symbol.contains('/') {
        return super::refine_javascript::stem(symbol);
    }
    symbol.rsplit(['.', ':']).next().unwrap_or(symbol)
}

/// Which texts have to be parsed to answer for some names. What a file defines stands in it as a word, so a file without
/// one of the names and without a word like one of them says nothing about them: most files of a large project.
#[derive(Debug)]
pub struct Mentions<'a> {
    names: &'a BTreeSet<String>,
    /// Words that were looked at, and whether they matter.
    seen: HashMap<String, bool>,
}

impl<'a> Mentions<'a> {
    /// A search for these names.
    #[must_use]
    pub fn of(names: &'a BTreeSet<String>) -> Self {
        Self {
            names,
            seen: HashMap::new(),
        }
    }

    /// Whether a text has one of the names, or a word that one of them may be a slip of.
    pub fn are_in(&mut self, text: &str) -> bool {
        let in_word = |c: char| matches!(c, '_' | '$') || c.is_alphanumeric();
        text.split(|c: char| !in_word(c))
            .filter(|word| !word.is_empty())
            .any(|word| match self.seen.get(word) {
                Some(&matters) => matters,
                None => {
                    let matters = self
                        .names
                        .iter()
                        .any(|name| name == word || is_slip(name, word));
                    self.seen.insert(word.to_owned(), matters);
                    matters
                }
            })
    }
}

/// Refines every cause of a run.
pub fn refine(run: &mut RunReport, known: &Known) {
    for case in &mut run.cases {
        if let Some(cause) = &mut case.cause {
            one(cause, &case.message, known);
        }
    }
    for failure in &mut run.load_failures {
        for located in &mut failure.causes {
            one(&mut located.cause, &located.message, known);
        }
    }
}

fn one(cause: &mut CauseDetail, message: &str, known: &Known) {
    let Some(symbol) = cause.symbol.clone() else {
        return;
    };
    let symbol = last_part(&symbol).to_owned();
    match cause.cause {
        Cause::MissingDependency if known.flat_python => {
            cause.cause = Cause::Unknown;
            cause.detail = format!(
                "`{symbol}` is neither installed nor a module of this project; if the task adds it, say so in `new_symbols`"
            );
        }
        Cause::SimilarName | Cause::MissingSymbol => {
            if let Some(meant) = known.misspelt(&symbol) {
                cause.cause = Cause::SimilarName;
                cause.detail = format!("`{symbol}` does not exist; did you mean `{meant}`?");
                return;
            }
            // rustc: nothing in the test's own scope has that name, and what is similar is no source: a slip in the test.
            if cause.cause == Cause::SimilarName && message.contains("in this scope") {
                cause.cause = Cause::UndefinedName;
                return;
            }
            if cause.cause == Cause::SimilarName {
                cause.cause = Cause::MissingSymbol;
                cause.detail = format!("`{symbol}` does not exist yet");
            }
            // Asked for in one module by its path, and defined in another one.
            let by_path = message.contains("cannot import name")
                || message.contains("unresolved import")
                || message.contains("does not provide an export named")
                || message.starts_with("AttributeError: module '")
                || (message.starts_with("error[E0425]") && !message.contains("in this scope"));
            if by_path
                && is_particular(&symbol)
                && let Some(path) = known.at_module_level(&symbol)
            {
                cause.cause = Cause::WrongImport;
                cause.detail =
                    format!("`{symbol}` is imported from the wrong place: it exists in `{path}`");
            }
        }
        Cause::Assertion
        | Cause::Signature
        | Cause::NotImplemented
        | Cause::RaisedInSource
        | Cause::SyntaxError
        | Cause::UndefinedName
        | Cause::MissingFixture
        | Cause::MissingDependency
        | Cause::WrongImport
        | Cause::AlwaysFails
        | Cause::SetupFailed
        | Cause::DoesNotCompile
        | Cause::WrongForeignSymbol
        | Cause::RaisedInTest
        | Cause::TypeMismatch
        | Cause::Timeout
        | Cause::Crash
        | Cause::Unknown
        | Cause::MissingPlugin
        | Cause::Environment
        | Cause::BrokenBase => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b3_a_slip_is_told_from_an_api_that_grows() {
        for (name, known) in [
            ("slugfy", "slugify"),
            ("totla", "total"),
            ("calcualte_totl", "calculate_total"),
            ("totl", "total"),
        ] {
            assert!(is_slip(name, known), "{name} {known}");
        }
        for (name, known) in [
            ("items", "item"),
            ("decode", "encode"),
            ("parse_v2", "parse_v1"),
            ("ne", "eq"),
            ("get_user", "get_user_id"),
            ("max", "min"),
            ("ge", "gt"),
        ] {
            assert!(!is_slip(name, known), "{name} {known}");
        }
    }

    #[test]
    fn b3_only_files_that_can_answer_are_parsed() {
        let names = BTreeSet::from(["slugfy".to_owned(), "total_of".to_owned()]);
        let mut mentions = Mentions::of(&names);
        for (text, expected) in [
            ("def slugify(text):\n    return text\n", true),
            ("pub fn total_of(a: u8) {}", true),
            ("class Totals:\n    subtotal_of_it = 1\n", false),
            ("def slugifying_all(): pass\n", false),
            ("größe = 1", false),
            ("", false),
        ] {
            assert_eq!(mentions.are_in(text), expected, "{text}");
        }
    }

    /// Happened with semver: `assert_to_string_q` for a helper of the tests themselves.
    #[test]
    fn b3_a_name_that_is_like_one_of_the_tests_own_is_a_slip() {
        let similar = |symbol: &str| CauseDetail {
            cause: Cause::SimilarName,
            detail: String::new(),
            symbol: Some(symbol.to_owned()),
        };
        let known = Known::default();
        let mut cause = similar("assert_equal_q");
        one(
            &mut cause,
            "error[E0425]: cannot find function `assert_equal_q` in this scope",
            &known,
        );
        assert_eq!(cause.cause, Cause::UndefinedName);
        // A method that source could have is accepted when no source has a name it is a slip of.
        let mut cause = similar("decode");
        one(
            &mut cause,
            "error[E0599]: no method named `decode` found for struct `Codec`",
            &known,
        );
        assert_eq!(cause.cause, Cause::MissingSymbol);
    }
}
