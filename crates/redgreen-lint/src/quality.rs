//! Test quality: what a weak test looks like, and what to do about it (SPEC D1–D6).
//!
//! An extractor per language ([`extract`]) turns text into a [`model`]; the [`rules`] judge the model. Comments that ask a
//! tool to look away are findings, never obeyed: waivers live where an agent cannot write.

mod extract;
pub mod finding;
pub mod model;
pub mod rules;
pub mod weakened;

use crate::{ItemOptions, LintError, check_size};
pub use finding::{Finding, Severity};
use redgreen_core::id::RelPath;
use std::collections::BTreeSet;

/// A language whose tests are judged. [`crate::Language`] has those whose test items are known; the two become one when
/// every runner has its items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// pytest and unittest.
    Python,
    /// The standard harness and the common test attributes.
    Rust,
    /// jest, vitest, mocha, node:test, ava, playwright.
    JavaScript,
    /// The same, with types.
    TypeScript,
    /// The standard package and testify.
    Go,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 5] = [
        Self::Python,
        Self::Rust,
        Self::JavaScript,
        Self::TypeScript,
        Self::Go,
    ];
    /// The language of a file, by its extension.
    #[must_use]
    pub fn of(path: &RelPath) -> Option<Self> {
        match path.extension()? {
            "py" | "pyi" => Some(Self::Python),
            "rs" => Some(Self::Rust),
            "js" | "jsx" | "mjs" | "cjs" => Some(Self::JavaScript),
            "ts" | "tsx" | "mts" | "cts" => Some(Self::TypeScript),
            "go" => Some(Self::Go),
            _ => None,
        }
    }
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Python => "Python",
            Self::Rust => "Rust",
            Self::JavaScript => "JavaScript",
            Self::TypeScript => "TypeScript",
            Self::Go => "Go",
        }
    }
}

/// Which doubles a path allows (SPEC D4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MockPolicy {
    /// None: real services, real code.
    Real,
    /// Where they help.
    #[default]
    Mixed,
    /// Wherever the unit ends.
    Unit,
}

/// What a project says about its tests.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How tests are named.
    pub items: ItemOptions,
    /// More functions that assert: `check_invoice`, `helpers.verify`. A trailing `*` stands for any end.
    pub assertions: BTreeSet<String>,
    /// Functions, fixtures and methods of imported first-party files that assert, by their last name.
    pub helpers: BTreeSet<String>,
    /// The project's own top-level modules or packages: parameters of tests must not come from them.
    pub first_party: BTreeSet<String>,
    /// Which doubles are allowed.
    pub mocks: MockPolicy,
    /// Some warnings are errors.
    pub strict: bool,
}

impl Options {
    /// Whether a call is an assertion because the project says so.
    #[must_use]
    pub fn is_assertion(&self, name: &str) -> bool {
        let last = name.rsplit(['.', ':']).next().unwrap_or(name);
        self.assertions
            .iter()
            .any(|known| match known.strip_suffix('*') {
                Some(start) => name.starts_with(start) || last.starts_with(start),
                None => known == name || known == last,
            })
    }
    /// Whether the name of a call says that it asserts.
    #[must_use]
    pub fn is_assertion_like(&self, name: &str) -> bool {
        let last = name.rsplit(['.', ':']).next().unwrap_or(name);
        let last = last.trim_start_matches('_').to_ascii_lowercase();
        [
            "assert", "check", "verify", "expect", "should", "ensure", "validate", "must",
            "require", "compare",
        ]
        .iter()
        .any(|word| last.starts_with(word))
            || last.contains("assert")
    }
}

/// Judges one file of tests.
///
/// # Errors
/// [`LintError::TooLarge`] and [`LintError::TooComplex`]. A file that does not parse is judged as far as it was read.
pub fn lint(language: Language, text: &str, options: &Options) -> Result<Vec<Finding>, LintError> {
    Ok(rules::judge(
        language,
        &model_of(language, text, options)?,
        options,
    ))
}

/// The model of a file.
///
/// # Errors
/// As [`lint`].
pub fn model_of(
    language: Language,
    text: &str,
    options: &Options,
) -> Result<model::FileModel, LintError> {
    check_size(text)?;
    extract::extract(language, text, options)
}
