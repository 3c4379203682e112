//! Expected values of Python tests.

mod forms;

use super::{Edit, Replacement, Seed, SiteKind};
use crate::LintError;
use crate::items::ItemOptions;
use crate::lang::python::{collect, dotted, is_literal};
use crate::syntax::{children, line_of, text_of, visit};
use forms::{FAR, RAISES, call_edits, callee_name, can_be_argument, condition_edits};
use redgreen_core::id::ItemId;
use std::collections::{BTreeMap, BTreeSet};
use tree_sitter::{Node, Tree};

pub(super) fn edits(
    tree: &Tree,
    text: &str,
    listed: &BTreeMap<&str, &ItemId>,
    seed: &Seed,
) -> Result<Vec<Edit>, LintError> {
    // The caller names the items, under whatever patterns the project has: any name fits here.
    let any = ItemOptions {
        python_functions: vec![String::new()],
        python_classes: vec![String::new()],
    };
    let mut owners: BTreeMap<usize, (Node<'_>, BTreeSet<String>)> = BTreeMap::new();
    let mut plain: BTreeSet<usize> = BTreeSet::new();
    for test in collect(tree.root_node(), text, &any)? {
        if listed.contains_key(test.name.as_str()) {
            if only_marks(test.node, text) {
                plain.insert(test.function.id());
            }
            let entry = owners
                .entry(test.function.id())
                .or_insert_with(|| (test.function, BTreeSet::new()));
            entry.1.insert(test.name);
        }
    }
    // A method that classes share is changed only when all tests made of it are to be changed.
    let mut tests: BTreeSet<usize> = owners.keys().copied().collect();
    let mut shared_with_others: BTreeSet<usize> = BTreeSet::new();
    for test in collect(tree.root_node(), text, &ItemOptions::default())? {
        tests.insert(test.function.id());
        if !listed.contains_key(test.name.as_str()) {
            shared_with_others.insert(test.function.id());
        }
    }
    let mut edits = Vec::new();
    for (function, (node, names)) in owners {
        if shared_with_others.contains(&function) || is_property(node, text) {
            continue;
        }
        let items: Vec<String> = names.into_iter().collect();
        let certain = plain.contains(&function);
        function_edits(node, (text, seed), &items, certain, &mut edits);
    }
    // Helpers that assert for the tests: whose call it was is known when they run.
    let mut helpers = Vec::new();
    visit(tree.root_node(), |node| {
        if node.kind() != "function_definition" {
            return true;
        }
        if !tests.contains(&node.id()) && !is_fixture(node, text) {
            helpers.push(node);
        }
        // What is nested in a function is part of it.
        false
    });
    for helper in helpers {
        function_edits(helper, (text, seed), &[], false, &mut edits);
    }
    Ok(edits)
}

fn decorators<'tree>(function: Node<'tree>) -> Vec<Node<'tree>> {
    function
        .parent()
        .filter(|parent| parent.kind() == "decorated_definition")
        .map(children)
        .unwrap_or_default()
        .into_iter()
        .filter(|child| child.kind() == "decorator")
        .collect()
}

fn decorator_name(decorator: Node<'_>, text: &str) -> Option<String> {
    let expression = decorator.named_child(0)?;
    if expression.kind() == "call" {
        dotted(expression.child_by_field_name("function")?, text)
    } else {
        dotted(expression, text)
    }
}

/// Whether a function has no decorator that could keep it from being called.
fn only_marks(node: Node<'_>, text: &str) -> bool {
    let outer = if node.kind() == "decorated_definition" {
        children(node)
    } else {
        decorators(node)
    };
    outer
        .into_iter()
        .filter(|child| child.kind() == "decorator")
        .all(|decorator| {
            decorator_name(decorator, text).is_some_and(|name| name.starts_with("pytest.mark."))
        })
}

/// A property (hypothesis) fails by searching for a small example, which takes long and says no more.
fn is_property(function: Node<'_>, text: &str) -> bool {
    decorators(function).into_iter().any(|decorator| {
        decorator_name(decorator, text)
            .is_some_and(|name| name.rsplit('.').next().is_some_and(|last| last == "given"))
    })
}

fn is_fixture(function: Node<'_>, text: &str) -> bool {
    decorators(function).into_iter().any(|decorator| {
        decorator_name(decorator, text).is_some_and(|name| name.contains("fixture"))
    })
}

/// Where a place stands.
#[derive(Clone, Copy)]
struct Around {
    /// Nothing around it can catch a failing assertion.
    decisive: bool,
    /// It is evaluated whenever the test passes.
    certain: bool,
}

fn function_edits(
    function: Node<'_>,
    (text, seed): (&str, &Seed),
    items: &[String],
    certain: bool,
    edits: &mut Vec<Edit>,
) {
    let Some(body) = function.child_by_field_name("body") else {
        return;
    };
    // Behind the first way out nothing is certain.
    let mut way_out = usize::MAX;
    visit(body, |node| {
        let leaves = match node.kind() {
            "return_statement" | "yield" => true,
            "call" => callee_name(node, text)
                .is_some_and(|name| matches!(name, "skip" | "skipTest" | "importorskip" | "xfail")),
            _ => false,
        };
        if leaves {
            way_out = way_out.min(node.start_byte());
        }
        node.kind() != "function_definition"
    });
    let start = Around {
        decisive: !items.is_empty(),
        certain,
    };
    let mut open = vec![(body, start)];
    while let Some((node, around)) = open.pop() {
        let around = Around {
            certain: around.certain && node.start_byte() < way_out,
            ..around
        };
        match node.kind() {
            "assert_statement" => {
                if let Some(condition) = node.named_child(0) {
                    let mut found = Found::new((text, seed), items, around);
                    condition_edits(condition, text, 0, &mut |target, kind, direction| {
                        found.push(target, kind, direction);
                    });
                    found.into_statement(node, edits);
                }
                // Calls inside an assertion are what is tested.
            }
            "expression_statement" => {
                let call = node.named_child(0).filter(|inner| inner.kind() == "call");
                if let Some(call) = call {
                    let mut found = Found::new((text, seed), items, around);
                    call_edits(call, text, &mut |target, kind, direction| {
                        found.push(target, kind, direction);
                    });
                    found.into_statement(node, edits);
                    open.extend(children(call).into_iter().map(|child| (child, around)));
                } else {
                    open.extend(children(node).into_iter().map(|child| (child, around)));
                }
            }
            "call" => {
                let mut found = Found::new((text, seed), items, around);
                call_edits(node, text, &mut |target, kind, direction| {
                    found.push(target, kind, direction);
                });
                edits.append(&mut found.edits);
                open.extend(children(node).into_iter().map(|child| (child, around)));
            }
            "string" => {}
            "with_statement" => with_edits(node, text, around, &mut open),
            // What catches a failing assertion turns a control around, unless it is seen that the test went on.
            "try_statement" => {
                let parts = children(node);
                let catches = parts
                    .iter()
                    .any(|part| matches!(part.kind(), "except_clause" | "except_group_clause"));
                let inner = Around {
                    decisive: around.decisive && !catches,
                    certain: false,
                };
                open.extend(parts.into_iter().map(|part| (part, inner)));
            }
            "function_definition" | "lambda" | "class_definition" => {
                let inner = Around {
                    decisive: false,
                    certain: false,
                };
                open.extend(children(node).into_iter().map(|child| (child, inner)));
            }
            "if_statement"
            | "for_statement"
            | "while_statement"
            | "match_statement"
            | "conditional_expression"
            | "boolean_operator" => {
                let inner = Around {
                    certain: false,
                    ..around
                };
                open.extend(children(node).into_iter().map(|child| (child, inner)));
            }
            _ => open.extend(children(node).into_iter().map(|child| (child, around))),
        }
    }
}

/// A context manager may catch what its body raises: only that the test went on says something about a place in it.
fn with_edits<'tree>(
    node: Node<'tree>,
    text: &str,
    around: Around,
    open: &mut Vec<(Node<'tree>, Around)>,
) {
    let body = node.child_by_field_name("body");
    let head = body.map_or(node.end_byte(), |body| body.start_byte());
    let head_text = text.get(node.start_byte()..head).unwrap_or("");
    let expects_failure = ["AssertionError", "raises(Exception", "BaseException"]
        .iter()
        .any(|word| head_text.contains(word));
    for child in children(node) {
        if Some(child) == body {
            if expects_failure {
                continue;
            }
            let inner = Around {
                decisive: false,
                certain: false,
            };
            open.push((child, inner));
        } else {
            open.push((child, around));
        }
    }
}

/// The places of one statement.
struct Found<'a> {
    text: &'a str,
    seed: &'a Seed,
    items: &'a [String],
    around: Around,
    edits: Vec<Edit>,
}

impl<'a> Found<'a> {
    fn new((text, seed): (&'a str, &'a Seed), items: &'a [String], around: Around) -> Self {
        Self {
            text,
            seed,
            items,
            around,
            edits: Vec::new(),
        }
    }

    fn push(&mut self, target: Node<'_>, kind: SiteKind, direction: Option<&'static str>) {
        if !can_be_argument(target) {
            return;
        }
        let other = other_literal(text_of(target, self.text), kind, self.seed)
            .or_else(|| other_collection(target, self.text, kind, self.seed));
        self.edits.push(Edit {
            range: target.byte_range(),
            text: match (direction, other) {
                (None, Some(other)) => Replacement::HelperLiteral(other),
                // The number that is not there any more is no answer to code that reads the test file.
                (RAISES, _) => Replacement::HelperLiteral(
                    other_exception(text_of(target, self.text), self.seed).to_owned(),
                ),
                (FAR, Some(other)) if is_plain_number(target) => {
                    Replacement::HelperChanged(other, "far")
                }
                (None, None) | (Some(_), _) => Replacement::Helper(direction),
            },
            line: line_of(target),
            kind,
            items: self.items.to_vec(),
            decisive: self.around.decisive,
            certain: self.around.certain,
        });
    }

    /// Adds what reports that the test went on behind the statement.
    fn into_statement(mut self, statement: Node<'_>, edits: &mut Vec<Edit>) {
        let places: Vec<usize> = self.edits.iter().map(|edit| edit.range.start).collect();
        if places.is_empty() {
            return;
        }
        let end = statement.end_byte();
        edits.append(&mut self.edits);
        edits.push(Edit {
            range: end..end,
            text: Replacement::WentOn(places),
            line: line_of(statement),
            kind: SiteKind::Equality,
            items: Vec::new(),
            decisive: false,
            certain: false,
        });
    }
}

/// Exceptions that hardly anything raises, and that hardly anything derives from.
const EXCEPTIONS: [&str; 5] = [
    "BufferError",
    "FloatingPointError",
    "ChildProcessError",
    "UnboundLocalError",
    "ProcessLookupError",
];

/// Another exception than the expected ones.
fn other_exception(expected: &str, seed: &Seed) -> &'static str {
    let first = usize::try_from(seed.offset()).unwrap_or(0);
    (0..EXCEPTIONS.len())
        .map(|index| EXCEPTIONS[(first + index) % EXCEPTIONS.len()])
        .find(|name| !expected.contains(name))
        .unwrap_or("BufferError")
}

/// A number as it is written, whose text may change where the helper changes it again.
fn is_plain_number(target: Node<'_>) -> bool {
    matches!(target.kind(), "integer" | "float" | "unary_operator")
}

/// A collection of literals with another last one: code that reads the text finds nothing that is not a plain value.
fn other_collection(target: Node<'_>, text: &str, kind: SiteKind, seed: &Seed) -> Option<String> {
    if !matches!(target.kind(), "list" | "tuple" | "dictionary" | "set") || !is_literal(target) {
        return None;
    }
    let mut last = None;
    visit(target, |node| {
        if matches!(node.kind(), "integer" | "float" | "string") {
            if let Some(other) = other_literal(text_of(node, text), kind, seed) {
                last = Some((node.byte_range(), other));
            }
            return false;
        }
        true
    });
    let (range, other) = last?;
    let (start, end) = (target.start_byte(), target.end_byte());
    let (before, after) = (text.get(start..range.start)?, text.get(range.end..end)?);
    Some(format!("{before}{other}{after}"))
}

/// Another literal of the same type, for plain integers, decimal fractions and one-line strings; `None` for the rest, which
/// the helper changes when the test runs.
fn other_literal(literal: &str, kind: SiteKind, seed: &Seed) -> Option<String> {
    let offset = i64::from(seed.offset());
    match literal {
        "True" => return Some("False".to_owned()),
        "False" => return Some("True".to_owned()),
        "None" => return Some(offset.to_string()),
        _ => {}
    }
    let digits = literal.replace('_', "");
    if let Ok(number) = digits.parse::<i64>()
        && digits == number.to_string()
    {
        // Another member of a list of allowed values must be none of the others.
        let other = match kind {
            SiteKind::Membership => number.checked_mul(3)?.checked_add(7919 + offset)?,
            SiteKind::Equality | SiteKind::Identity | SiteKind::Ordering | SiteKind::Pattern => {
                number.checked_add(offset)?
            }
        };
        return Some(other.to_string());
    }
    if digits.contains('.')
        && digits
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'))
        && let Ok(number) = digits.parse::<f64>()
    {
        let other = number + f64::from(seed.offset()) + 0.25;
        return (other != number).then(|| format!("{other:?}"));
    }
    let quote = literal
        .chars()
        .next()
        .filter(|quote| matches!(quote, '"' | '\''))?;
    let inner = literal.strip_prefix(quote)?.strip_suffix(quote)?;
    let plain = !inner.contains(quote) && !inner.contains('\\') && !inner.contains('\n');
    plain.then(|| format!("{quote}{inner}{}{quote}", seed.word()))
}
