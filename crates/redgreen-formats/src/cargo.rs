//! Cargo, rustc and libtest: build messages, diagnostics and their causes, test output, module trees.
//!
//! Formats: <https://doc.rust-lang.org/cargo/reference/external-tools.html> (messages),
//! <https://doc.rust-lang.org/rustc/json.html> (diagnostics). libtest's text has no specification; what is relied on is
//! written at each function. The decision tables are those of `reference/test-results.md`, sections 3.1 and 3.3.

pub mod diagnostics;
pub mod libtest;
pub mod messages;
pub mod module_tree;
pub mod panics;
pub mod source_scan;
