//! Dotted names, name patterns, statements.

use crate::syntax::{children, text_of};
use tree_sitter::Node;

/// The dotted name of an expression such as `pytest.mark.skip`; `None` for anything but names and attributes.
pub(crate) fn dotted(node: Node<'_>, text: &str) -> Option<String> {
    let mut parts = Vec::new();
    let mut node = node;
    loop {
        match node.kind() {
            "identifier" => {
                parts.push(text_of(node, text));
                break;
            }
            "attribute" => {
                parts.push(text_of(node.child_by_field_name("attribute")?, text));
                node = node.child_by_field_name("object")?;
            }
            _ => return None,
        }
        if parts.len() > 32 {
            return None;
        }
    }
    parts.reverse();
    Some(parts.join("."))
}

/// The dotted name of what a call calls, or of the expression itself.
pub(super) fn callee(node: Node<'_>, text: &str) -> Option<String> {
    if node.kind() == "call" {
        dotted(node.child_by_field_name("function")?, text)
    } else {
        dotted(node, text)
    }
}

/// The last part of a dotted name.
pub(super) fn last_part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Whether a name fits one of pytest's `python_functions` or `python_classes` patterns: a prefix, or a glob.
pub(crate) fn fits(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| {
        name.starts_with(pattern.as_str())
            || (pattern.contains(['*', '?', '[']) && glob(pattern.as_bytes(), name.as_bytes()))
    })
}

/// `fnmatch`, with `*`, `?` and `[…]`; linear in both, one backtracking point.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while seen < name.len() {
        let step = match pattern.get(at) {
            Some(b'*') => {
                retry = Some((at + 1, seen));
                at += 1;
                continue;
            }
            Some(b'?') => Some(at + 1),
            Some(b'[') => set(pattern, at, name[seen]),
            Some(byte) if *byte == name[seen] => Some(at + 1),
            _ => None,
        };
        match (step, retry) {
            (Some(next), _) => {
                at = next;
                seen += 1;
            }
            (None, Some((star, from))) => {
                at = star;
                seen = from + 1;
                retry = Some((star, from + 1));
            }
            (None, None) => return false,
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// Matches one byte against the set at `at`; the index behind the set when it fits.
fn set(pattern: &[u8], at: usize, byte: u8) -> Option<usize> {
    let length = pattern.get(at + 2..)?.iter().position(|end| *end == b']')? + 1;
    let (negated, members) = match pattern.get(at + 1..at + 1 + length)? {
        [b'!', members @ ..] => (true, members),
        members => (false, members),
    };
    let mut found = false;
    let mut index = 0;
    while let Some(first) = members.get(index) {
        if let (Some(b'-'), Some(last)) = (members.get(index + 1), members.get(index + 2)) {
            found |= (*first..=*last).contains(&byte);
            index += 3;
        } else {
            found |= *first == byte;
            index += 1;
        }
    }
    (found != negated).then_some(at + length + 2)
}

/// The statements of a body, comments left out.
pub(super) fn statements(block: Node<'_>) -> Vec<Node<'_>> {
    children(block)
        .into_iter()
        .filter(|node| node.kind() != "comment")
        .collect()
}

/// The only expression of an expression statement.
pub(super) fn expression_of(statement: Node<'_>) -> Option<Node<'_>> {
    (statement.kind() == "expression_statement" && statement.named_child_count() == 1)
        .then(|| statement.named_child(0))
        .flatten()
}
