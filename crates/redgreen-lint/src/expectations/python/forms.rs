//! Which part of an assertion is the expected value.

use super::super::SiteKind;
use crate::lang::python::{dotted, is_literal};
use crate::syntax::{children, text_of};
use tree_sitter::Node;

/// Assertions of `unittest` whose first two arguments must be equal.
const EQUALITY_METHODS: [&str; 11] = [
    "assertEqual",
    "assertEquals",
    "assertListEqual",
    "assertTupleEqual",
    "assertDictEqual",
    "assertSetEqual",
    "assertSequenceEqual",
    "assertMultiLineEqual",
    "assertCountEqual",
    "assertJSONEqual",
    "assertQuerySetEqual",
];
/// Functions of other libraries whose first two arguments must be equal, or close.
const EQUALITY_FUNCTIONS: [&str; 9] = [
    "assert_equal",
    "assert_array_equal",
    "assert_allclose",
    "assert_almost_equal",
    "assert_array_almost_equal",
    "assert_frame_equal",
    "assert_series_equal",
    "assert_index_equal",
    "assert_close",
];
/// Methods of a mock whose first argument is expected.
const MOCK_METHODS: [&str; 6] = [
    "assert_called_with",
    "assert_called_once_with",
    "assert_any_call",
    "assert_has_calls",
    "assert_awaited_with",
    "assert_awaited_once_with",
];
/// Names that stand for what was computed, not for what is expected.
const ACTUAL_NAMES: [&str; 9] = [
    "result", "results", "actual", "got", "out", "output", "response", "res", "obtained",
];

/// How a place is changed, beside another value of its type.
pub(super) const FAR: Option<&str> = Some("far");
const MATCH: Option<&str> = Some("match");
pub(super) const RAISES: Option<&str> = Some("raises");

/// Takes a place: the expression, its kind, and a direction for the helper.
pub(super) type Push<'a, 'tree> = dyn FnMut(Node<'tree>, SiteKind, Option<&'static str>) + 'a;

/// What can stand as the first argument of a call as it is written.
pub(super) fn can_be_argument(node: Node<'_>) -> bool {
    !node.has_error()
        && !matches!(
            node.kind(),
            "list_splat"
                | "dictionary_splat"
                | "generator_expression"
                | "yield"
                | "named_expression"
                | "comment"
        )
}

/// The places of `assert condition`.
pub(super) fn condition_edits<'tree>(
    condition: Node<'tree>,
    text: &str,
    depth: usize,
    push: &mut Push<'_, 'tree>,
) {
    match condition.kind() {
        "parenthesized_expression" if depth < 32 => {
            let inner = children(condition)
                .into_iter()
                .find(|node| node.kind() != "comment");
            if let Some(inner) = inner {
                condition_edits(inner, text, depth + 1, push);
            }
        }
        "boolean_operator" if depth < 32 => {
            let is_and = condition
                .child_by_field_name("operator")
                .is_some_and(|operator| operator.kind() == "and");
            if is_and {
                for side in ["left", "right"] {
                    if let Some(side) = condition.child_by_field_name(side) {
                        condition_edits(side, text, depth + 1, push);
                    }
                }
            }
        }
        "comparison_operator" => comparison_edits(condition, text, push),
        _ => {}
    }
}

fn comparison_edits<'tree>(comparison: Node<'tree>, text: &str, push: &mut Push<'_, 'tree>) {
    let operands: Vec<Node<'_>> = children(comparison)
        .into_iter()
        .filter(|node| node.kind() != "comment")
        .collect();
    let mut cursor = comparison.walk();
    let operators: Vec<&str> = comparison
        .children_by_field_name("operators", &mut cursor)
        .map(|operator| operator.kind())
        .collect();
    let (Some(first), Some(last)) = (operands.first().copied(), operands.last().copied()) else {
        return;
    };
    if operators.len() + 1 != operands.len() {
        return;
    }
    if operators.len() > 1 {
        // `a == b == 3`
        if operators.iter().all(|operator| *operator == "==") {
            equality_edit(last, None, text, push);
        }
        return;
    }
    // `3 < f()` has its expected value on the left.
    let flipped = is_literal(first) && !is_literal(last);
    match operators.first().copied().unwrap_or("") {
        "==" => equal_pair(first, last, None, text, push),
        "is" => push(last, SiteKind::Identity, None),
        // A number may be in many things that count (`3 in range(10**9)`): no other one is surely outside.
        "in" if matches!(first.kind(), "string" | "concatenated_string") && is_literal(first) => {
            push(first, SiteKind::Membership, None);
        }
        "in" if is_literal(last) => {
            // Every member is another; the collection keeps its type.
            let members: Vec<Node<'_>> = children(last)
                .into_iter()
                .filter(|member| is_literal(*member))
                .collect();
            if matches!(last.kind(), "tuple" | "list" | "set") {
                for member in members {
                    push(member, SiteKind::Membership, None);
                }
            } else if last.kind() == "string" {
                push(last, SiteKind::Membership, None);
            }
        }
        operator @ (">" | ">=" | "<" | "<=") => {
            let target = if flipped { first } else { last };
            let raise = operator.starts_with('>') != flipped;
            if is_number(target) {
                let direction = if raise { "greater" } else { "less" };
                push(target, SiteKind::Ordering, Some(direction));
            }
        }
        _ => {}
    }
}

/// Of two values that must be equal, the expected one: a literal, else the one that calls nothing, else the second.
fn equal_pair<'tree>(
    first: Node<'tree>,
    second: Node<'tree>,
    direction: Option<&'static str>,
    text: &str,
    push: &mut Push<'_, 'tree>,
) {
    // A matcher (`ANY == f()`) equals many values, so another one says nothing.
    if is_matcher(first, text) {
        return;
    }
    let is_actual_name =
        |node: Node<'_>| node.kind() == "identifier" && ACTUAL_NAMES.contains(&text_of(node, text));
    let flipped = if is_literal(first) || is_literal(second) {
        !is_literal(second)
    } else if is_tolerance(first, text) || is_tolerance(second, text) {
        is_tolerance(first, text)
    } else if calls(first) != calls(second) {
        calls(second)
    } else {
        is_actual_name(second) && !is_actual_name(first)
    };
    equality_edit(if flipped { first } else { second }, direction, text, push);
}

fn calls(node: Node<'_>) -> bool {
    let mut found = false;
    crate::syntax::visit(node, |inner| {
        found |= matches!(inner.kind(), "call" | "await" | "subscript");
        !found
    });
    found
}

fn is_matcher(node: Node<'_>, text: &str) -> bool {
    dotted(node, text).is_some_and(|name| name == "ANY" || name.ends_with(".ANY"))
}

fn is_tolerance(node: Node<'_>, text: &str) -> bool {
    node.kind() == "call" && callee_name(node, text) == Some("approx")
}

fn is_number(node: Node<'_>) -> bool {
    match node.kind() {
        "integer" | "float" => true,
        "unary_operator" => node
            .named_child(0)
            .is_some_and(|inner| matches!(inner.kind(), "integer" | "float")),
        _ => false,
    }
}

/// The expected side of an equality; inside `approx(…)` its first argument, where only a value out of any tolerance is
/// another one.
fn equality_edit<'tree>(
    expected: Node<'tree>,
    direction: Option<&'static str>,
    text: &str,
    push: &mut Push<'_, 'tree>,
) {
    if is_tolerance(expected, text) {
        // With the tolerance that it has by itself a value some way off is out of it; with any other one nothing is for sure.
        let usual = expected
            .child_by_field_name("arguments")
            .is_some_and(|arguments| {
                children(arguments)
                    .iter()
                    .filter(|node| node.is_named())
                    .count()
                    == 1
            });
        if let Some(value) = positional(expected).first() {
            let direction = if usual && is_literal(*value) {
                None
            } else {
                FAR
            };
            push(*value, SiteKind::Equality, direction);
        }
        return;
    }
    push(expected, SiteKind::Equality, direction);
}

pub(super) fn callee_name<'text>(call: Node<'_>, text: &'text str) -> Option<&'text str> {
    let function = call.child_by_field_name("function")?;
    match function.kind() {
        "identifier" => Some(text_of(function, text)),
        "attribute" => Some(text_of(function.child_by_field_name("attribute")?, text)),
        _ => None,
    }
}

/// The positional arguments of a call; none where one is unpacked.
fn positional(call: Node<'_>) -> Vec<Node<'_>> {
    let arguments = call
        .child_by_field_name("arguments")
        .filter(|arguments| arguments.kind() == "argument_list")
        .map(children)
        .unwrap_or_default();
    if arguments
        .iter()
        .any(|argument| argument.kind() == "list_splat")
    {
        return Vec::new();
    }
    arguments
        .into_iter()
        .filter(|argument| {
            !matches!(
                argument.kind(),
                "comment" | "keyword_argument" | "dictionary_splat"
            )
        })
        .collect()
}

fn keyword<'tree>(call: Node<'tree>, name: &str, text: &str) -> Option<Node<'tree>> {
    call.child_by_field_name("arguments")
        .map(children)
        .unwrap_or_default()
        .into_iter()
        .filter(|argument| argument.kind() == "keyword_argument")
        .find(|argument| {
            argument
                .child_by_field_name("name")
                .is_some_and(|node| text_of(node, text) == name)
        })
        .and_then(|argument| argument.child_by_field_name("value"))
}

/// Whether an exception that nobody catches fails its test and nothing else: an interrupt ends the run.
fn ends_a_test_only(expected: Node<'_>, text: &str) -> bool {
    let text = text_of(expected, text);
    !["Interrupt", "exit.Exception", "pytest.exit"]
        .iter()
        .any(|word| text.contains(word))
}

/// `self.assertEqual(f(), 3)`, `pytest.raises(X, match="…")`, `mock.assert_called_with(3)`.
pub(super) fn call_edits<'tree>(call: Node<'tree>, text: &str, push: &mut Push<'_, 'tree>) {
    let Some(function) = call.child_by_field_name("function") else {
        return;
    };
    let Some(name) = callee_name(call, text) else {
        return;
    };
    let arguments = positional(call);
    let is_method = function.kind() == "attribute"
        && function
            .child_by_field_name("object")
            .is_some_and(|object| {
                matches!(text_of(object, text), "self" | "cls" | "case" | "testcase")
            });
    let pair = || Some((*arguments.first()?, *arguments.get(1)?));
    match name {
        _ if is_method && EQUALITY_METHODS.contains(&name) => {
            if let Some((first, second)) = pair() {
                equal_pair(first, second, None, text, push);
            }
        }
        "assertAlmostEqual" if is_method => {
            if let Some((first, second)) = pair() {
                equal_pair(first, second, FAR, text, push);
            }
        }
        _ if !is_method && EQUALITY_FUNCTIONS.contains(&name) => {
            if let Some((first, second)) = pair() {
                equal_pair(first, second, FAR, text, push);
            }
        }
        _ if function.kind() == "attribute" && MOCK_METHODS.contains(&name) => {
            if let Some(first) = arguments.first() {
                push(*first, SiteKind::Equality, None);
            }
        }
        "assertTrue" if is_method => {
            if let Some(condition) = arguments.first() {
                condition_edits(*condition, text, 0, push);
            }
        }
        "assertIs" if is_method => {
            if let Some((_, second)) = pair() {
                push(second, SiteKind::Identity, None);
            }
        }
        "assertIn" if is_method => {
            if let Some((first, _)) = pair()
                && matches!(first.kind(), "string" | "concatenated_string")
                && is_literal(first)
            {
                push(first, SiteKind::Membership, None);
            }
        }
        "assertGreater" | "assertGreaterEqual" | "assertLess" | "assertLessEqual" if is_method => {
            if let Some((_, second)) = pair()
                && is_number(second)
            {
                let direction = if name.starts_with("assertG") {
                    "greater"
                } else {
                    "less"
                };
                push(second, SiteKind::Ordering, Some(direction));
            }
        }
        "assertRegex"
        | "assertRegexpMatches"
        | "assertRaisesRegex"
        | "assertRaisesRegexp"
        | "assertWarnsRegex"
            if is_method =>
        {
            if let Some((_, pattern)) = pair() {
                push(pattern, SiteKind::Pattern, MATCH);
            }
        }
        "assertRaises" if is_method => {
            if let Some(expected) = arguments.first()
                && ends_a_test_only(*expected, text)
            {
                push(*expected, SiteKind::Pattern, RAISES);
            }
        }
        "raises" | "warns"
            if dotted(function, text).is_some_and(|name| {
                matches!(
                    name.as_str(),
                    "pytest.raises" | "raises" | "pytest.warns" | "warns"
                )
            }) =>
        {
            // `match=None` asks for nothing.
            if let Some(pattern) =
                keyword(call, "match", text).filter(|pattern| pattern.kind() != "none")
            {
                push(pattern, SiteKind::Pattern, MATCH);
            } else if name == "raises"
                && let Some(expected) = arguments.first()
                && ends_a_test_only(*expected, text)
            {
                push(*expected, SiteKind::Pattern, RAISES);
            }
        }
        _ => {}
    }
}
