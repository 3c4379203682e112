//! Rust: an own lexer and outline, so that test code can be taken out and put back byte for byte.
//!
//! tree-sitter sees macro bodies as bare tokens and moves item borders when a file has an error. The outline here is
//! token based: the same rules hold inside `proptest! { … }`, and one broken function does not hide its neighbours.

pub(crate) mod lexer;
pub(crate) mod literals;
mod made;
pub(crate) mod outline;
pub(crate) mod tests_in;
