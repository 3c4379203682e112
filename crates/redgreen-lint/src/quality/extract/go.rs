//! Go tests on tree-sitter: the standard package, testify, table tests.
//!
//! Go has no assertions of its own: `if got != want { t.Errorf(…) }` is one, so a failing call under a condition counts as
//! the assertion, and a test that hands its `t` on asserts through whatever takes it.

mod questions;
mod walk;

use crate::LintError;
use crate::quality::Options;
use crate::quality::model::FileModel;
use crate::syntax::{children, parse_by, text_of};
use tree_sitter::Node;

pub(super) fn extract(text: &str, options: &Options) -> Result<FileModel, LintError> {
    if super::is_too_deep(text) {
        return Err(LintError::TooComplex);
    }
    let tree = parse_by("Go", tree_sitter_go::LANGUAGE.into(), text)?;
    let mut file = FileModel::default();
    for declaration in children(tree.root_node()) {
        if declaration.kind() == "function_declaration" {
            walk::function(text, options, declaration, &mut file);
        } else if declaration.kind() == "comment" {
            walk::comment(text, declaration, &mut file.facts);
        } else if declaration.kind() == "method_declaration" && is_suite_method(declaration, text) {
            walk::function(text, options, declaration, &mut file);
        }
    }
    Ok(file)
}

/// `func (s *SuiteX) TestY()`: a method of a testify suite.
fn is_suite_method(method: Node<'_>, text: &str) -> bool {
    let name = method
        .child_by_field_name("name")
        .map_or("", |name| text_of(name, text));
    let receiver = method
        .child_by_field_name("receiver")
        .map_or("", |node| text_of(node, text));
    is_test_name(name) && receiver.contains("Suite")
}

/// `TestX`, `Test_x`, `Test`: what the go tool runs.
fn is_test_name(name: &str) -> bool {
    name.strip_prefix("Test")
        .or_else(|| name.strip_prefix("Fuzz"))
        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_lowercase()))
        && name != "TestMain"
}
