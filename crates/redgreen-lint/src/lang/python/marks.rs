//! What is marked on a Python test: decorators, `pytestmark`, and what its body does first.

use super::names::{callee, dotted, expression_of, last_part, statements};
use crate::syntax::{children, text_of, visit};
use redgreen_core::test_item::Mark;
use std::collections::{BTreeMap, BTreeSet};
use tree_sitter::Node;

/// Marks by the module's own names for them (`skip_windows = pytest.mark.skipif(…)`).
pub(super) type NamedMarks = BTreeMap<String, BTreeSet<Mark>>;

/// The mark that a decorator or mark object of this name means.
fn mark_of_name(name: &str) -> Option<Mark> {
    match last_part(name) {
        "skip" | "skipif" | "skipIf" | "skipUnless" | "skip_if" | "skip_unless" => Some(Mark::Skip),
        "xfail" | "expectedFailure" => Some(Mark::Xfail),
        "only" | "focus" if name.contains("mark.") => Some(Mark::Focus),
        _ => None,
    }
}

/// The marks anywhere in an expression: a mark, a list of marks, a `parametrize` whose cases carry marks.
pub(super) fn marks_in(expression: Node<'_>, text: &str, named: &NamedMarks) -> BTreeSet<Mark> {
    let mut marks = BTreeSet::new();
    visit(expression, |node| match node.kind() {
        "attribute" | "identifier" => {
            if let Some(name) = dotted(node, text) {
                // `skip` and `Action.skip` count only as the decorator itself, not as some argument of that name.
                let is_mark =
                    name.split('.').any(|part| part == "mark") || is_callee_of(node, expression);
                if is_mark {
                    marks.extend(mark_of_name(&name));
                }
                if let Some(known) = named.get(&name) {
                    marks.extend(known);
                }
                return false;
            }
            true
        }
        "keyword_argument" | "lambda" => node
            .child_by_field_name("name")
            .is_some_and(|name| text_of(name, text) == "marks"),
        "string" => false,
        _ => true,
    });
    marks
}

fn is_callee_of(node: Node<'_>, expression: Node<'_>) -> bool {
    node.id() == expression.id()
        || (expression.kind() == "call"
            && expression
                .child_by_field_name("function")
                .is_some_and(|function| function.id() == node.id()))
}

/// The marks that names defined in the module stand for.
pub(super) fn named_marks(module: Node<'_>, text: &str) -> NamedMarks {
    let mut named = NamedMarks::new();
    for statement in statements(module) {
        let Some(assignment) = expression_of(statement).filter(|node| node.kind() == "assignment")
        else {
            continue;
        };
        let (Some(left), Some(right)) = (
            assignment.child_by_field_name("left"),
            assignment.child_by_field_name("right"),
        ) else {
            continue;
        };
        if left.kind() == "identifier" {
            let marks = marks_in(right, text, &named);
            if !marks.is_empty() {
                named.insert(text_of(left, text).to_owned(), marks);
            }
        }
    }
    named
}

/// What governs everything in a module or class body: `pytestmark`, and for a module a call of `pytest.skip` or
/// `pytest.importorskip` (also below an `if` or `try`). With the text of the statements, for the digests.
pub(super) fn governing<'tree>(
    body: Node<'tree>,
    text: &str,
    named: &NamedMarks,
    is_module: bool,
) -> (BTreeSet<Mark>, Vec<Node<'tree>>) {
    let mut marks = BTreeSet::new();
    let mut sources = Vec::new();
    visit(body, |node| match node.kind() {
        "function_definition" | "lambda" => false,
        // Another class has its own `pytestmark`.
        "class_definition" => false,
        "assignment" | "augmented_assignment" => {
            let is_pytestmark = node
                .child_by_field_name("left")
                .is_some_and(|left| text_of(left, text) == "pytestmark");
            if is_pytestmark {
                if let Some(right) = node.child_by_field_name("right") {
                    marks.extend(marks_in(right, text, named));
                }
                sources.push(node);
            }
            !is_pytestmark
        }
        "call" if is_module => {
            let name = callee(node, text).unwrap_or_default();
            if name == "pytest.skip" || last_part(&name) == "importorskip" || name == "skip" {
                marks.insert(Mark::Skip);
                sources.push(node);
            }
            true
        }
        "raise_statement" if is_module => {
            if raises_skip(node, text) {
                marks.insert(Mark::Skip);
                sources.push(node);
            }
            false
        }
        "decorator" | "string" => false,
        _ => true,
    });
    (marks, sources)
}

fn raises_skip(statement: Node<'_>, text: &str) -> bool {
    statement
        .named_child(0)
        .and_then(|raised| callee(raised, text))
        .is_some_and(|name| matches!(last_part(&name), "SkipTest" | "Skipped"))
}

/// What the body of a test does before anything else.
pub(super) fn body_marks(body: Node<'_>, text: &str) -> BTreeSet<Mark> {
    let mut marks = BTreeSet::new();
    let mut only_nothing = true;
    for statement in statements(body) {
        match statement.kind() {
            "pass_statement" => continue,
            "import_statement" | "import_from_statement" | "future_import_statement" => {
                only_nothing = false;
                continue;
            }
            "return_statement"
                if statement
                    .named_child(0)
                    .is_none_or(|value| value.kind() == "none") => {}
            "expression_statement" if is_nothing(statement) => continue,
            _ => {
                only_nothing = false;
                marks.extend(first_statement(statement, text));
            }
        }
        break;
    }
    if cannot_pass(body, text) {
        marks.insert(Mark::AlwaysFails);
    }
    if only_nothing {
        marks.insert(Mark::Empty);
    }
    marks
}

/// A docstring, `...`, a number.
fn is_nothing(statement: Node<'_>) -> bool {
    expression_of(statement).is_some_and(|value| {
        matches!(
            value.kind(),
            "string"
                | "concatenated_string"
                | "ellipsis"
                | "integer"
                | "float"
                | "none"
                | "true"
                | "false"
        )
    })
}

/// Whether the test fails wherever it comes to its end: a statement of its own that always fails, and no way around it.
fn cannot_pass(body: Node<'_>, text: &str) -> bool {
    let fails = children(body).into_iter().any(|statement| {
        matches!(
            statement.kind(),
            "assert_statement" | "raise_statement" | "expression_statement"
        ) && first_statement(statement, text) == Some(Mark::AlwaysFails)
    });
    let mut returns = false;
    visit(body, |node| {
        returns |= matches!(node.kind(), "return_statement" | "yield");
        !returns
    });
    fails && !returns
}

fn first_statement(statement: Node<'_>, text: &str) -> Option<Mark> {
    match statement.kind() {
        "assert_statement" => {
            let condition = statement.named_child(0)?;
            is_constantly_false(condition, text).then_some(Mark::AlwaysFails)
        }
        "raise_statement" => Some(if raises_skip(statement, text) {
            Mark::Skip
        } else {
            Mark::AlwaysFails
        }),
        "expression_statement" => {
            let mut value = expression_of(statement)?;
            if value.kind() == "assignment" {
                value = value.child_by_field_name("right")?;
            }
            if value.kind() != "call" {
                return None;
            }
            let name = callee(value, text)?;
            match last_part(&name) {
                "importorskip" | "skipTest" => Some(Mark::Skip),
                "skip" if matches!(name.as_str(), "skip" | "pytest.skip") => Some(Mark::Skip),
                "xfail" if matches!(name.as_str(), "xfail" | "pytest.xfail") => Some(Mark::Xfail),
                "fail" if matches!(name.as_str(), "fail" | "pytest.fail" | "self.fail") => {
                    Some(Mark::AlwaysFails)
                }
                "assertTrue" | "assertFalse" => {
                    let argument = children(value.child_by_field_name("arguments")?)
                        .into_iter()
                        .find(|node| node.kind() != "comment")?;
                    let fails = matches!(
                        (last_part(&name), truth(argument, text)),
                        ("assertTrue", Some(false)) | ("assertFalse", Some(true))
                    );
                    fails.then_some(Mark::AlwaysFails)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn is_constantly_false(condition: Node<'_>, text: &str) -> bool {
    truth(condition, text) == Some(false)
}

/// The truth of a constant expression; `None` for everything else.
fn truth(node: Node<'_>, text: &str) -> Option<bool> {
    let mut node = node;
    let mut negated = false;
    for _ in 0..16 {
        match node.kind() {
            "parenthesized_expression" => node = node.named_child(0)?,
            "not_operator" => {
                negated = !negated;
                node = node.child_by_field_name("argument")?;
            }
            _ => break,
        }
    }
    let value = match node.kind() {
        "false" | "none" => false,
        "true" => true,
        "integer" | "float" => !text_of(node, text)
            .bytes()
            .all(|byte| matches!(byte, b'0' | b'.' | b'_')),
        "string" => !matches!(text_of(node, text), "\"\"" | "''"),
        "list" | "dictionary" | "tuple" if node.named_child_count() == 0 => false,
        "comparison_operator" => constant_comparison(node, text)?,
        _ => return None,
    };
    Some(value != negated)
}

/// `1 == 2`: two integers that are written down.
fn constant_comparison(node: Node<'_>, text: &str) -> Option<bool> {
    let (left, right) = (node.named_child(0)?, node.named_child(1)?);
    if node.named_child_count() != 2 || left.kind() != "integer" || right.kind() != "integer" {
        return None;
    }
    let equal = text_of(left, text) == text_of(right, text);
    match node.child(1).map(|operator| operator.kind()) {
        Some("==") => Some(equal),
        Some("!=") => Some(!equal),
        _ => None,
    }
}
