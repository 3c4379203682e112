//! Values that are written down.

use crate::syntax::{children, text_of, visit};
use tree_sitter::Node;

/// Values nested deeper than this are not looked into.
const DEEPEST: usize = 32;

/// Whether an expression is a value written down: numbers, strings without interpolation, `None`, `True`, `False`, and
/// collections of them.
pub(crate) fn is_literal(node: Node<'_>) -> bool {
    let mut literal = true;
    visit(node, |inner| {
        if !literal {
            return false;
        }
        match inner.kind() {
            "integer" | "float" | "true" | "false" | "none" | "comment" => false,
            "string" | "concatenated_string" => {
                visit(inner, |part| {
                    literal &= part.kind() != "interpolation";
                    literal
                });
                false
            }
            "list" | "tuple" | "set" | "dictionary" | "pair" | "parenthesized_expression" => true,
            "unary_operator" => true,
            _ => {
                literal &= !inner.is_named();
                false
            }
        }
    });
    literal && !node.has_error()
}

/// A literal in one spelling per value: equal values give equal texts as far as they can be told apart without running
/// Python. `None` where they cannot (escapes, sets, very large numbers).
pub(crate) fn canonical(node: Node<'_>, text: &str) -> Option<String> {
    canonical_at(node, text, 0)
}

fn canonical_at(node: Node<'_>, text: &str, depth: usize) -> Option<String> {
    if depth > DEEPEST || node.has_error() {
        return None;
    }
    let inner = || {
        children(node)
            .into_iter()
            .filter(|child| child.kind() != "comment")
            .map(|child| canonical_at(child, text, depth + 1))
            .collect::<Option<Vec<String>>>()
    };
    match node.kind() {
        "none" => Some("None".to_owned()),
        // `True == 1` in Python.
        "true" => Some("1".to_owned()),
        "false" => Some("0".to_owned()),
        "integer" | "float" => number(text_of(node, text)),
        "unary_operator" => {
            let value = number(text_of(node.named_child(0)?, text))?;
            match node.child(0)?.kind() {
                "-" if value == "0" => Some(value),
                "-" => Some(format!("-{value}")),
                "+" => Some(value),
                _ => None,
            }
        }
        "parenthesized_expression" => canonical_at(node.named_child(0)?, text, depth + 1),
        "string" => string(text_of(node, text)),
        "list" => Some(format!("[{}]", inner()?.join(", "))),
        "tuple" => Some(format!("({},)", inner()?.join(", "))),
        "pair" => Some(inner()?.join(": ")),
        "dictionary" => {
            let mut pairs = inner()?;
            pairs.sort();
            Some(format!("{{{}}}", pairs.join(", ")))
        }
        _ => None,
    }
}

fn number(text: &str) -> Option<String> {
    let text = text.replace('_', "").to_ascii_lowercase();
    let radix = match text.get(..2) {
        Some("0x") => 16,
        Some("0o") => 8,
        Some("0b") => 2,
        _ => 10,
    };
    let integer = if radix == 10 {
        text.parse::<u64>()
    } else {
        u64::from_str_radix(text.get(2..)?, radix)
    };
    // Above 2^53 an integer and a float of the same text may differ.
    if let Ok(value) = integer {
        return (value < 1 << 53).then(|| value.to_string());
    }
    let value: f64 = text.parse().ok()?;
    if value.fract() == 0.0 && value.abs() < 9e15 {
        Some(format!("{value:.0}"))
    } else {
        value.is_finite().then(|| format!("{value:e}"))
    }
}

fn string(text: &str) -> Option<String> {
    let quote_at = text.find(['"', '\''])?;
    let (prefix, quoted) = text.split_at(quote_at);
    let bytes = match prefix.to_ascii_lowercase().as_str() {
        "" | "u" | "r" => "",
        "b" | "br" | "rb" => "b",
        _ => return None,
    };
    let quote = quoted
        .get(..3)
        .filter(|quote| matches!(*quote, "\"\"\"" | "'''"))
        .or_else(|| quoted.get(..1))?;
    let content = quoted.strip_prefix(quote)?.strip_suffix(quote)?;
    (!content.contains('\\')).then(|| format!("{bytes}{content:?}"))
}
