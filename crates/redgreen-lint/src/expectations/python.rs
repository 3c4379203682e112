//! Expected values of Python tests.

use super::{Edit, Replacement, SiteKind};
use crate::LintError;
use crate::items::ItemOptions;
use crate::lang::python::{collect, dotted, is_literal};
use crate::syntax::{children, line_of, text_of, visit};
use redgreen_core::id::ItemId;
use std::collections::{BTreeMap, BTreeSet};
use tree_sitter::{Node, Tree};

/// Assertions of `unittest` whose second argument is compared with the first.
const EQUALITY_METHODS: [&str; 12] = [
    "assertEqual",
    "assertEquals",
    "assertListEqual",
    "assertTupleEqual",
    "assertDictEqual",
    "assertSetEqual",
    "assertSequenceEqual",
    "assertMultiLineEqual",
    "assertCountEqual",
    "assertAlmostEqual",
    "assertJSONEqual",
    "assertQuerySetEqual",
];

pub(super) fn edits(
    tree: &Tree,
    text: &str,
    listed: &BTreeMap<&str, &ItemId>,
) -> Result<Vec<Edit>, LintError> {
    // The caller names the items, under whatever patterns the project has: any name fits here.
    let any = ItemOptions {
        python_functions: vec![String::new()],
        python_classes: vec![String::new()],
    };
    let mut owners: BTreeMap<usize, (Node<'_>, BTreeSet<String>)> = BTreeMap::new();
    for test in collect(tree.root_node(), text, &any)? {
        if listed.contains_key(test.name.as_str()) {
            let entry = owners
                .entry(test.function.id())
                .or_insert_with(|| (test.function, BTreeSet::new()));
            entry.1.insert(test.name);
        }
    }
    // A method that classes share is changed only when all tests made of it are to be changed.
    let mut shared_with_others: BTreeSet<usize> = BTreeSet::new();
    for test in collect(tree.root_node(), text, &ItemOptions::default())? {
        if !listed.contains_key(test.name.as_str()) {
            shared_with_others.insert(test.function.id());
        }
    }
    let mut edits = Vec::new();
    for (function, (node, names)) in owners {
        if shared_with_others.contains(&function) {
            continue;
        }
        if let Some(body) = node.child_by_field_name("body") {
            let items: Vec<String> = names.into_iter().collect();
            collect_edits(body, text, &items, &mut edits);
        }
    }
    Ok(edits)
}

fn collect_edits(body: Node<'_>, text: &str, items: &[String], edits: &mut Vec<Edit>) {
    visit(body, |node| {
        let mut push = |target: Node<'_>, kind, direction| {
            if can_be_argument(target) {
                edits.push(Edit {
                    range: target.byte_range(),
                    text: match (direction, other_literal(text_of(target, text))) {
                        (None, Some(other)) => Replacement::HelperLiteral(other),
                        (None, None) | (Some(_), _) => Replacement::Helper(direction),
                    },
                    line: line_of(target),
                    kind,
                    items: items.to_vec(),
                });
            }
        };
        match node.kind() {
            "assert_statement" => {
                if let Some(condition) = node.named_child(0) {
                    condition_edits(condition, text, 0, &mut push);
                }
                // Calls inside an assertion are what is tested.
                false
            }
            "call" => {
                call_edits(node, text, &mut push);
                true
            }
            // What catches a failing assertion turns a control around.
            "try_statement" => false,
            "with_statement" => {
                let body = node.child_by_field_name("body");
                let head = body.map_or(node.end_byte(), |body| body.start_byte());
                !text.get(node.start_byte()..head).is_some_and(|head| {
                    [
                        "AssertionError",
                        "Exception",
                        "suppress(",
                        "subtests",
                        "soft",
                    ]
                    .iter()
                    .any(|word| head.contains(word))
                })
            }
            "string" => false,
            _ => true,
        }
    });
}

/// Another literal of the same type, for plain integers, decimal fractions and one-line strings; `None` for the rest, which
/// the helper changes when the test runs.
fn other_literal(literal: &str) -> Option<String> {
    let digits = literal.replace('_', "");
    if let Ok(number) = digits.parse::<i64>()
        && digits == number.to_string()
    {
        return Some(number.checked_mul(3)?.checked_add(7919)?.to_string());
    }
    if digits.contains('.')
        && digits
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'))
        && let Ok(number) = digits.parse::<f64>()
    {
        return Some(format!("{:?}", number * 3.0 + 7919.25));
    }
    let quote = literal
        .chars()
        .next()
        .filter(|quote| matches!(quote, '"' | '\''))?;
    let inner = literal.strip_prefix(quote)?.strip_suffix(quote)?;
    let plain = !inner.contains(quote) && !inner.contains('\\') && !inner.contains('\n');
    plain.then(|| format!("{quote}{inner} (other){quote}"))
}

/// What can stand as the first argument of a call as it is written.
fn can_be_argument(node: Node<'_>) -> bool {
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

type Push<'a, 'tree> = dyn FnMut(Node<'tree>, SiteKind, Option<&'static str>) + 'a;

fn condition_edits<'tree>(
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
            equality_edit(last, text, push);
        }
        return;
    }
    // `3 == f()` has its expected value on the left.
    let flipped = is_literal(first) && !is_literal(last);
    match operators.first().copied().unwrap_or("") {
        "==" => equality_edit(if flipped { first } else { last }, text, push),
        "is" if matches!(last.kind(), "true" | "false" | "none") => {
            push(last, SiteKind::Identity, None);
        }
        "in" if is_literal(first) => push(first, SiteKind::Membership, None),
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

fn is_number(node: Node<'_>) -> bool {
    match node.kind() {
        "integer" | "float" => true,
        "unary_operator" => node
            .named_child(0)
            .is_some_and(|inner| matches!(inner.kind(), "integer" | "float")),
        _ => false,
    }
}

/// The expected side of an equality; inside `approx(…)` its first argument.
fn equality_edit<'tree>(expected: Node<'tree>, text: &str, push: &mut Push<'_, 'tree>) {
    if expected.kind() == "call" && callee_name(expected, text).is_some_and(|name| name == "approx")
    {
        if let Some(value) = positional(expected).first() {
            push(*value, SiteKind::Equality, None);
        }
        return;
    }
    push(expected, SiteKind::Equality, None);
}

fn callee_name<'text>(call: Node<'_>, text: &'text str) -> Option<&'text str> {
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

/// `self.assertEqual(f(), 3)`, `pytest.raises(X, match="…")`.
fn call_edits<'tree>(call: Node<'tree>, text: &str, push: &mut Push<'_, 'tree>) {
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
                let flipped = is_literal(first) && !is_literal(second);
                equality_edit(if flipped { first } else { second }, text, push);
            }
        }
        "assertIs" if is_method => {
            if let Some((_, second)) = pair()
                && matches!(second.kind(), "true" | "false" | "none")
            {
                push(second, SiteKind::Identity, None);
            }
        }
        "assertIn" if is_method => {
            if let Some((first, _)) = pair()
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
        "assertRaisesRegex" | "assertRaisesRegexp" | "assertWarnsRegex" if is_method => {
            if let Some((_, pattern)) = pair() {
                push(pattern, SiteKind::Pattern, Some("match"));
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
            let pattern = call
                .child_by_field_name("arguments")
                .map(children)
                .unwrap_or_default()
                .into_iter()
                .filter(|argument| argument.kind() == "keyword_argument")
                .find(|argument| {
                    argument
                        .child_by_field_name("name")
                        .is_some_and(|name| text_of(name, text) == "match")
                })
                .and_then(|argument| argument.child_by_field_name("value"));
            // `match=None` asks for nothing.
            if let Some(pattern) = pattern.filter(|pattern| pattern.kind() != "none") {
                push(pattern, SiteKind::Pattern, Some("match"));
            }
        }
        _ => {}
    }
}
