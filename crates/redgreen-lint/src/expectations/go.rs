//! Expected values of Go tests: `if got != want { t.Error(…) }` in all its forms, and testify.
//!
//! Only conditions that fail the test when two values *differ* are changed: with another expected value an honest
//! implementation fails there. `nil`, truth and order have no other value and are left to the planted failure.

use super::{Edit, Replacement, Seed, SiteKind, go_helper};
use crate::lang::go::{self, FAILS, parameters, statements};
use crate::syntax::{children, line_of, text_of, visit};
use redgreen_core::id::ItemId;
use std::collections::BTreeMap;
use std::ops::Range;
use tree_sitter::Node;

/// Stands for the site's id in a template.
pub(super) const SITE: char = '\u{0}';

/// How values of a file are changed.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    /// Of this file alone.
    pub(super) suffix: &'a str,
    /// What other values are made of.
    pub(super) seed: &'a Seed,
    /// The same changes of the text with the original values.
    pub(super) as_is: bool,
}

/// The places of a file.
pub(super) fn edits(
    root: Node<'_>,
    text: &str,
    listed: &BTreeMap<&str, &ItemId>,
    values: &Values<'_>,
) -> Vec<Edit> {
    let mut found = Vec::new();
    let tests = go::tests(root, text);
    for test in &tests {
        if listed.contains_key(test.name.as_str()) && !test.function.has_error() {
            let mut walk = Walk {
                text,
                values: *values,
                items: vec![test.name.clone()],
                test: "\"\"".to_owned(),
                found: &mut found,
                testify: text.contains("stretchr/testify"),
            };
            walk.body(test.body);
        }
    }
    for node in children(root) {
        let is_function = matches!(node.kind(), "function_declaration" | "method_declaration");
        if !is_function || node.has_error() || tests.iter().any(|test| test.function == node) {
            continue;
        }
        // An assertion of the tests' own: the test that called it is known by its handle.
        let handle = parameters(node, text).into_iter().find(|(name, kind)| {
            !name.is_empty()
                && *name != "_"
                && matches!(*kind, "*testing.T" | "testing.TB" | "testing.T")
        });
        if let (Some((name, _)), Some(body)) = (handle, node.child_by_field_name("body")) {
            let mut walk = Walk {
                text,
                values: *values,
                items: Vec::new(),
                test: format!("\"::\"+{name}.Name()"),
                found: &mut found,
                testify: text.contains("stretchr/testify"),
            };
            walk.body(body);
        }
    }
    if !found.is_empty()
        && let Some(at) = go_helper::imports_at(root)
    {
        for (at, inserted) in [
            (at, go_helper::imports(values.suffix, true)),
            (
                text.len(),
                go_helper::all(values.suffix, values.seed, values.as_is),
            ),
        ] {
            found.push(Edit {
                range: at..at,
                text: Replacement::Inserted(inserted),
                line: 1,
                kind: SiteKind::Equality,
                items: Vec::new(),
                decisive: false,
                certain: false,
            });
        }
    }
    found
}

struct Walk<'a> {
    text: &'a str,
    values: Values<'a>,
    items: Vec<String>,
    /// A Go expression for the name of the test.
    test: String,
    found: &'a mut Vec<Edit>,
    testify: bool,
}

/// A part of an assertion with other text.
type Part = (Range<usize>, String);

impl Walk<'_> {
    fn body(&mut self, body: Node<'_>) {
        // A place is evaluated in every passing run while nothing before it can leave the function.
        let mut leaves = false;
        for statement in statements(body) {
            let top = statement.byte_range();
            visit(statement, |node| {
                let certain = !leaves && node.byte_range() == top;
                match node.kind() {
                    "if_statement" => self.condition(node, certain),
                    "expression_statement" if self.testify => self.call(node, certain),
                    _ => {}
                }
                true
            });
            let own = text_of(statement, self.text);
            leaves |= own.contains("return") || own.contains(".Skip") || own.contains("goto ");
        }
    }

    fn push(
        &mut self,
        range: Range<usize>,
        template: String,
        line: u32,
        kind: SiteKind,
        certain: bool,
    ) {
        self.found.push(Edit {
            range,
            text: Replacement::Template(template),
            line,
            kind,
            items: self.items.clone(),
            decisive: !self.items.is_empty(),
            certain: certain && !self.items.is_empty(),
        });
    }

    fn name(&self, what: &str) -> String {
        go_helper::name(what, self.values.suffix)
    }

    /// `if got != want { t.Errorf(…) }`.
    fn condition(&mut self, node: Node<'_>, certain: bool) {
        let (Some(condition), Some(block)) = (
            node.child_by_field_name("condition"),
            node.child_by_field_name("consequence"),
        ) else {
            return;
        };
        if node.child_by_field_name("alternative").is_some() || !self.fails(block) {
            return;
        }
        let mut parts = Vec::new();
        let mut literal = false;
        let from = match node
            .child_by_field_name("initializer")
            .and_then(|initializer| Some((initializer, self.diff(initializer)?)))
        {
            // `if diff := cmp.Diff(want, got); diff != "" {`
            Some((initializer, part)) => {
                parts.push(part);
                initializer.start_byte()
            }
            None => {
                self.differing(condition, &mut parts, &mut literal);
                condition.start_byte()
            }
        };
        if parts.is_empty() {
            return;
        }
        let head = self.rendered(from..condition.start_byte(), &parts);
        let inner = self.rendered(condition.byte_range(), &parts);
        let seen = if literal {
            format!("{}(\"{SITE}\", {}) && ", self.name("Seen"), self.test)
        } else {
            String::new()
        };
        let template = format!(
            "{head}{}(\"{SITE}\", {}, {seen}({inner}))",
            self.name("Fails"),
            self.test
        );
        self.push(
            from..condition.end_byte(),
            template,
            line_of(node),
            SiteKind::Equality,
            certain,
        );
    }

    fn rendered(&self, range: Range<usize>, parts: &[Part]) -> String {
        let mut out = String::new();
        let mut at = range.start;
        for (part, new) in parts {
            if part.start < at || part.end > range.end {
                continue;
            }
            out.push_str(self.text.get(at..part.start).unwrap_or(""));
            out.push_str(new);
            at = part.end;
        }
        out.push_str(self.text.get(at..range.end).unwrap_or(""));
        out
    }

    /// Whether a block fails the test itself, or hands the test on to something that may.
    fn fails(&self, block: Node<'_>) -> bool {
        statements(block).into_iter().any(|statement| {
            let Some(call) = children(statement)
                .into_iter()
                .next()
                .filter(|call| call.kind() == "call_expression")
            else {
                return false;
            };
            let function = call
                .child_by_field_name("function")
                .map_or("", |node| text_of(node, self.text));
            let (object, name) = function.rsplit_once('.').unwrap_or(("", function));
            let plain = object
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '(' | ')'));
            !object.is_empty() && plain && FAILS.contains(&name)
        })
    }

    /// The parts of a condition that is true when values differ; nothing where it may be true for other reasons.
    fn differing(&self, node: Node<'_>, parts: &mut Vec<Part>, literal: &mut bool) {
        match node.kind() {
            "parenthesized_expression" => {
                if let Some(inner) = children(node).into_iter().next() {
                    self.differing(inner, parts, literal);
                }
            }
            "binary_expression" => {
                let (Some(left), Some(right)) = (
                    node.child_by_field_name("left"),
                    node.child_by_field_name("right"),
                ) else {
                    return;
                };
                let operator = node
                    .child_by_field_name("operator")
                    .map_or("", |operator| text_of(operator, self.text));
                if operator == "||" {
                    self.differing(left, parts, literal);
                    self.differing(right, parts, literal);
                } else if operator == "!=" {
                    let expected = self.expected(left, right);
                    let Some(part) = self.other(expected, literal) else {
                        return;
                    };
                    // A constant without a type takes that of the other side, which it cannot behind a call.
                    if self.values.as_is && part.1.contains(SITE) {
                        *literal = true;
                        parts.push((part.0, text_of(expected, self.text).to_owned()));
                    } else {
                        parts.push(part);
                    }
                }
            }
            "unary_expression" if text_of(node, self.text).starts_with('!') => {
                if let Some(call) = node
                    .child_by_field_name("operand")
                    .filter(|call| call.kind() == "call_expression")
                {
                    self.equal_call(call, parts, literal);
                }
            }
            _ => {}
        }
    }

    /// Which of two values is the expected one.
    fn expected<'t>(&self, left: Node<'t>, right: Node<'t>) -> Node<'t> {
        if is_literal(right) {
            right
        } else if is_literal(left) || (self.is_wanted(left) && !self.is_wanted(right)) {
            left
        } else {
            right
        }
    }

    fn is_wanted(&self, node: Node<'_>) -> bool {
        let text = text_of(node, self.text).to_lowercase();
        ["want", "exp", "golden", "should"]
            .iter()
            .any(|word| text.contains(word))
    }

    /// `!reflect.DeepEqual(got, want)`, `!bytes.Equal`, `!strings.Contains(out, "x")`, `!errors.Is(err, ErrX)`.
    fn equal_call(&self, call: Node<'_>, parts: &mut Vec<Part>, literal: &mut bool) {
        let function = call
            .child_by_field_name("function")
            .map_or("", |node| text_of(node, self.text));
        let arguments = call
            .child_by_field_name("arguments")
            .map(children)
            .unwrap_or_default();
        let &[first, second, ..] = arguments.as_slice() else {
            return;
        };
        let expected = self.expected(first, second);
        let part = match function {
            "reflect.DeepEqual" | "cmp.Equal" => self.other(expected, literal),
            "errors.Is" => Some((
                second.byte_range(),
                format!(
                    "{}(\"{SITE}\", {}, {})",
                    self.name("OtherError"),
                    self.test,
                    text_of(second, self.text)
                ),
            )),
            "strings.Contains" | "strings.HasPrefix" | "strings.HasSuffix"
            | "strings.EqualFold" | "bytes.Equal" | "slices.Equal" | "slices.Contains" => {
                other_literal(expected, self.text, &self.values).map(|new| {
                    *literal = true;
                    (expected.byte_range(), new)
                })
            }
            _ => None,
        };
        parts.extend(part);
    }

    /// `diff := cmp.Diff(want, got)`.
    fn diff(&self, initializer: Node<'_>) -> Option<Part> {
        let right = initializer.child_by_field_name("right")?;
        let call = children(right)
            .into_iter()
            .find(|node| node.kind() == "call_expression")?;
        let function = text_of(call.child_by_field_name("function")?, self.text);
        if !function.ends_with("cmp.Diff") {
            return None;
        }
        let arguments = children(call.child_by_field_name("arguments")?);
        let expected = self.expected(*arguments.get(1)?, *arguments.first()?);
        self.other(expected, &mut false)
            .filter(|(_, new)| new.contains(SITE))
    }

    /// Another value: another literal in the text, or what changes the value when it is evaluated.
    fn other(&self, node: Node<'_>, literal: &mut bool) -> Option<Part> {
        let old = text_of(node, self.text);
        if old == "nil" || old.is_empty() {
            return None;
        }
        if let Some(new) = other_literal(node, self.text, &self.values) {
            *literal = true;
            return Some((node.byte_range(), new));
        }
        Some((
            node.byte_range(),
            format!("{}(\"{SITE}\", {}, {old})", self.name("Other"), self.test),
        ))
    }

    /// `assert.Equal(t, want, got)`, `require.Equal`, `s.Equal(want, got)`.
    fn call(&mut self, statement: Node<'_>, certain: bool) {
        let Some(call) = children(statement)
            .into_iter()
            .next()
            .filter(|call| call.kind() == "call_expression")
        else {
            return;
        };
        let function = call
            .child_by_field_name("function")
            .map_or("", |node| text_of(node, self.text));
        let Some((object, name)) = function.rsplit_once('.') else {
            return;
        };
        let arguments = call
            .child_by_field_name("arguments")
            .map(children)
            .unwrap_or_default();
        // Methods of a suite or of `assert.New(t)` take no test.
        let takes_test = matches!(object, "assert" | "require")
            && arguments.first().is_some_and(|first| {
                let first = text_of(*first, self.text);
                first.ends_with(".T()")
                    || (first.len() <= 3 && first.chars().all(char::is_alphanumeric))
            });
        let own = arguments.get(usize::from(takes_test)..).unwrap_or_default();
        let base = name.strip_suffix('f').unwrap_or(name);
        let (at, kind, any_type) = match base {
            "Equal"
            | "EqualValues"
            | "Exactly"
            | "ElementsMatch"
            | "InDelta"
            | "EqualExportedValues" => (0, SiteKind::Equality, true),
            "JSONEq" | "YAMLEq" => (0, SiteKind::Equality, false),
            "EqualError" | "ErrorContains" => (1, SiteKind::Equality, false),
            "Len" => (1, SiteKind::Equality, false),
            "Contains" => (1, SiteKind::Membership, true),
            "ErrorIs" => (1, SiteKind::Identity, false),
            _ => return,
        };
        let (Some(expected), true) = (own.get(at).copied(), own.len() >= 2) else {
            return;
        };
        let mut literal = false;
        let part = if base == "ErrorIs" {
            Some((
                expected.byte_range(),
                format!(
                    "{}(\"{SITE}\", {}, {})",
                    self.name("OtherError"),
                    self.test,
                    text_of(expected, self.text)
                ),
            ))
        } else if any_type {
            self.other(expected, &mut literal)
        } else {
            literal = true;
            other_literal(expected, self.text, &self.values).map(|new| (expected.byte_range(), new))
        };
        let Some(part) = part else { return };
        let inner = self.rendered(call.byte_range(), &[part]);
        let seen = if literal {
            format!("{}(\"{SITE}\", {}); ", self.name("Seen"), self.test)
        } else {
            String::new()
        };
        let template = if object == "assert" && takes_test {
            format!(
                "{seen}{}(\"{SITE}\", {}, !{inner})",
                self.name("Fails"),
                self.test
            )
        } else {
            // What goes on behind it held, or does not end the test.
            format!("{seen}{inner}")
        };
        self.push(
            statement.byte_range(),
            template,
            line_of(statement),
            kind,
            certain,
        );
    }
}

fn is_literal(node: Node<'_>) -> bool {
    matches!(
        node.kind(),
        "int_literal"
            | "float_literal"
            | "rune_literal"
            | "interpreted_string_literal"
            | "raw_string_literal"
            | "true"
            | "false"
    )
}

/// Another literal of the same kind, near enough to fit every type that the old one fits.
fn other_literal(node: Node<'_>, text: &str, values: &Values<'_>) -> Option<String> {
    let old = text_of(node, text);
    let (offset, word) = (u64::from(values.seed.offset()), values.seed.word());
    let new = match node.kind() {
        "true" => "false".to_owned(),
        "false" => "true".to_owned(),
        "int_literal" => {
            let plain = old.replace('_', "");
            let number: u64 = plain
                .parse()
                .ok()
                .filter(|_| plain == "0" || !plain.starts_with('0'))?;
            // Up where it fits the smallest type, else down.
            match number.checked_sub(offset) {
                Some(less) if number + offset > 127 => less,
                _ => number + offset,
            }
            .to_string()
        }
        "float_literal" => {
            let number: f64 = old.replace('_', "").parse().ok()?;
            format!("{:?}", number + f64::from(values.seed.offset()) + 0.5)
        }
        "rune_literal" => if old == "'q'" { "'z'" } else { "'q'" }.to_owned(),
        "interpreted_string_literal" => format!("{}{word}\"", old.strip_suffix('"')?),
        "raw_string_literal" => format!("{}{word}`", old.strip_suffix('`')?),
        _ => return None,
    };
    Some(if values.as_is { old.to_owned() } else { new })
}

#[cfg(test)]
#[path = "go_tests.rs"]
mod tests;
