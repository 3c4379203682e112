//! What a file defines and imports: the ground for "did you mean" and for wrong imports of names that exist elsewhere
//! (SPEC B3).

mod go;
mod javascript;
mod python;
mod rust;
mod similar;

pub use similar::similar_name;

use crate::syntax::parse;
use crate::{Language, LintError, check_size};

/// What a definition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DefinitionKind {
    /// A function of a module.
    Function,
    /// A class, struct, enum, union, trait or type alias.
    Type,
    /// A function of a class, `impl` or trait.
    Method,
    /// A constant, static or module-level variable; an associated constant.
    Constant,
    /// A variant of an enum.
    Variant,
    /// A field of a struct, an attribute of a class or of `self`.
    Field,
    /// A macro.
    Macro,
    /// A module.
    Module,
    /// A name that is handed on: `pub use`, `from .x import y`.
    ReExport,
}

/// A name that a file defines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Definition {
    /// The name.
    pub name: String,
    /// What it is.
    pub kind: DefinitionKind,
    /// Its line, from 1.
    pub line: u32,
    /// The module path inside the file, class, enum or `impl` type around it, joined by `::` (Rust) or `.` (Python);
    /// `None` at the top.
    pub container: Option<String>,
}

/// A name that a file imports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Import {
    /// The name it has here; `*` for everything.
    pub local: String,
    /// The module it comes from, as written: `shop.cart`, `.models`, `shop::cart`, `super`.
    pub module: String,
    /// The name it has there; `None` where the module itself is imported (Python's `import shop.cart`).
    pub symbol: Option<String>,
    /// The line, from 1.
    pub line: u32,
}

/// The names that a file defines, in order. Python: also below `if` and `try`, and attributes set on `self`.
///
/// # Errors
/// [`LintError::TooLarge`] for a text over [`crate::MAX_FILE_BYTES`].
pub fn definitions(language: Language, text: &str) -> Result<Vec<Definition>, LintError> {
    check_size(text)?;
    match language {
        Language::Python => Ok(python::definitions(
            parse(language, text)?.root_node(),
            text,
        )),
        Language::Rust => Ok(rust::definitions(text)),
        Language::JavaScript => javascript::definitions(text),
        Language::Go => Ok(go::definitions(parse(language, text)?.root_node(), text)),
    }
}

/// The names that a file imports anywhere, in order, also inside functions.
///
/// # Errors
/// [`LintError::TooLarge`] for a text over [`crate::MAX_FILE_BYTES`].
pub fn imports(language: Language, text: &str) -> Result<Vec<Import>, LintError> {
    check_size(text)?;
    match language {
        Language::Python => Ok(python::imports(parse(language, text)?.root_node(), text)),
        Language::Rust => Ok(rust::imports(text)),
        Language::JavaScript => javascript::imports(text),
        Language::Go => Ok(go::imports(parse(language, text)?.root_node(), text)),
    }
}
