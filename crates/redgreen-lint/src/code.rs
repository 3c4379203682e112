//! Whether two texts are the same program: comments, docstrings, white space and trailing commas apart.
//!
//! Compared are the tokens, and in Python also which block they stand in. Nothing is said of what a formatter may rewrite
//! beyond that (other quotes, other parentheses): such texts count as different.

use crate::Language;
use crate::lang::rust::lexer::lex;
use crate::syntax::{parse, text_of};

/// Whether both texts are the same code. False where one of them cannot be read as a program.
#[must_use]
pub fn same_code(language: Language, old: &str, new: &str) -> bool {
    if old == new {
        return true;
    }
    let both = match language {
        // Nothing reads JavaScript here yet: its texts count as different.
        Language::Python | Language::Go | Language::JavaScript => {
            (leaves(language, old), leaves(language, new))
        }
        Language::Rust => (Some(rust(old)), Some(rust(new))),
    };
    match both {
        (Some(old), Some(new)) => old == new,
        (None, _) | (_, None) => false,
    }
}

fn rust(text: &str) -> Vec<String> {
    let lexed = lex(text);
    let mut out: Vec<String> = Vec::new();
    for (index, token) in lexed.tokens.iter().enumerate() {
        if token.is_comment() {
            continue;
        }
        let word = lexed.text_at(index);
        if matches!(word, ")" | "]" | "}") && out.last().is_some_and(|last| last == ",") {
            out.pop();
        }
        out.push(word.to_owned());
    }
    out
}

/// Leaves of the tree with the borders of blocks. `None` where the text does not parse: what stands in an error is
/// nobody's token.
fn leaves(language: Language, text: &str) -> Option<Vec<String>> {
    let tree = parse(language, text).ok()?;
    if tree.root_node().has_error() {
        return None;
    }
    let mut out: Vec<String> = Vec::new();
    let mut cursor = tree.root_node().walk();
    loop {
        let node = cursor.node();
        let is_docstring = node.kind() == "expression_statement"
            && node.named_child_count() == 1
            && node
                .named_child(0)
                .is_some_and(|child| child.kind() == "string");
        let below = node.kind() != "comment" && !is_docstring && node.kind() != "string";
        if below && node.kind() == "block" {
            out.push("{".to_owned());
        }
        if below && cursor.goto_first_child() {
            continue;
        }
        if (below || node.kind() == "string") && !is_docstring {
            let word = text_of(node, text);
            if matches!(word, ")" | "]" | "}") && out.last().is_some_and(|last| last == ",") {
                out.pop();
            }
            // A line end is a token of Go.
            if !word.trim().is_empty() {
                out.push(word.to_owned());
            }
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return Some(out);
            }
            if cursor.node().kind() == "block" {
                out.push("}".to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c9_comments_and_layout_are_no_code() {
        for (old, new) in [
            (
                "def f(a, b):\n    return a\n",
                "# new\ndef f(\n    a,\n    b,\n):\n    \"\"\"Says a.\"\"\"\n    return a  # a\n",
            ),
            ("x = [1, 2]\n", "x = [\n    1,\n    2,\n]\n"),
        ] {
            assert!(same_code(Language::Python, old, new), "{new}");
        }
        assert!(same_code(
            Language::Rust,
            "fn f(a: u8) -> u8 { a }",
            "/// Says a.\nfn f(\n    a: u8,\n) -> u8 {\n    a // a\n}\n"
        ));
    }

    #[test]
    fn c9_another_token_or_another_block_is_another_program() {
        for (old, new) in [
            ("x = 1\n", "x = 2\n"),
            ("if a:\n    b()\n    c()\n", "if a:\n    b()\nc()\n"),
            ("x = 'a b'\n", "x = 'a  b'\n"),
            ("x = 1\n", "x = = 1\n"),
        ] {
            assert!(!same_code(Language::Python, old, new), "{new}");
        }
        assert!(!same_code(
            Language::Rust,
            "fn f() { a() }",
            "fn f() { b() }"
        ));
    }
}
