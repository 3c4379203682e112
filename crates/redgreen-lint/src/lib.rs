//! Pure text to findings: what can be known of a test file without running anything.
//!
//! The crate reads text and nothing else. It finds test items ([`items`]), takes test code out of mixed Rust files and
//! puts it back ([`splice`]), lists definitions and imports ([`definitions`]), finds tests that contradict each other
//! ([`conflicts`]) and changes expected values ([`expectations`]).
//!
//! Every function accepts any text: a file that does not parse gives what could be recognised. Files over
//! [`MAX_FILE_BYTES`] give an error value instead of an answer.

pub mod code;
pub mod conflicts;
pub mod definitions;
pub mod derived;
pub mod emptied;
pub mod expectations;
pub mod items;
mod lang;
pub mod planted;
pub mod provenance;
pub mod quality;
pub mod reserialise;
pub mod splice;
mod syntax;
pub mod undefined;

pub use items::{FileItems, ItemOptions, SyntaxError, items, items_with};

use redgreen_core::id::RelPath;

/// The largest file that is read, in bytes. Test files are written by people; a larger one is data or an attack, and
/// parsing it would take minutes.
pub const MAX_FILE_BYTES: usize = 8 * 1024 * 1024;

/// A language with a test model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// Python, with pytest's and unittest's conventions.
    Python,
    /// Rust, with the conventions of the standard test harness and the common test attributes.
    Rust,
    /// JavaScript and TypeScript, with the conventions of node:test, vitest, jest and mocha.
    JavaScript,
    /// Go, with the conventions of the go tool and of testify suites.
    Go,
}

impl Language {
    /// The language of a file, by its extension; `None` for one without a test model.
    #[must_use]
    pub fn of(path: &RelPath) -> Option<Self> {
        match path.extension() {
            Some("py" | "pyi") => Some(Self::Python),
            Some("rs") => Some(Self::Rust),
            Some("js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx") => {
                Some(Self::JavaScript)
            }
            Some("go") => Some(Self::Go),
            Some(_) | None => None,
        }
    }
}

/// Why a text was not read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LintError {
    /// The text is larger than [`MAX_FILE_BYTES`].
    #[error(
        "the file has {bytes} bytes; at most {MAX_FILE_BYTES} are read. Split it, or move data out of it"
    )]
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
    },
    /// Reading it would take out of all proportion long: test classes that inherit from each other by the thousand, or
    /// text that is no program.
    #[error("the file is too complex to be read as a program; split it, or move data out of it")]
    TooComplex,
    /// The grammar of this build cannot be used (a mismatch of library versions).
    #[error("the {language} grammar of this build cannot be loaded; install a release build")]
    NoGrammar {
        /// Which grammar.
        language: &'static str,
    },
}

/// Refuses what is too large to be read.
pub(crate) fn check_size(text: &str) -> Result<(), LintError> {
    if text.len() > MAX_FILE_BYTES {
        return Err(LintError::TooLarge { bytes: text.len() });
    }
    Ok(())
}
