//! What both languages need around a tree-sitter tree: parsing, places, the first syntax error, walking.

use crate::items::SyntaxError;
use crate::{Language, LintError, check_size};
use redgreen_core::id::Digest;
use std::ops::ControlFlow;
use tree_sitter::{Node, ParseOptions, ParseState, Parser, Tree};

/// Steps of the parser (a hundred operations each) that every text may take.
const FREE_STEPS: usize = 20_000;
/// One more step per so many bytes. Ordinary files need one per 57 to 100 bytes, the worst garbage found one per 16: this
/// ends only what would go on for ever.
const BYTES_PER_STEP: usize = 4;

/// Parses a text. The tree is error tolerant.
pub(crate) fn parse(language: Language, text: &str) -> Result<Tree, LintError> {
    check_size(text)?;
    let (name, grammar) = match language {
        Language::Python => ("Python", tree_sitter_python::LANGUAGE),
        Language::Rust => ("Rust", tree_sitter_rust::LANGUAGE),
        // Read by oxc: `lang/javascript.rs`.
        Language::JavaScript => {
            return Err(LintError::NoGrammar {
                language: "JavaScript",
            });
        }
        Language::Go => ("Go", tree_sitter_go::LANGUAGE),
    };
    parse_by(name, grammar.into(), text)
}

/// Parses a text by any grammar, within a bound on the steps it takes.
pub(crate) fn parse_by(
    name: &'static str,
    grammar: tree_sitter::Language,
    text: &str,
) -> Result<Tree, LintError> {
    let mut parser = Parser::new();
    parser
        .set_language(&grammar)
        .map_err(|_| LintError::NoGrammar { language: name })?;
    let mut steps = 0usize;
    let most = FREE_STEPS + text.len() / BYTES_PER_STEP;
    let mut count = |_: &ParseState| {
        steps += 1;
        if steps > most {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let bytes = text.as_bytes();
    let options = ParseOptions::new().progress_callback(&mut count);
    let tree = parser.parse_with_options(
        &mut |at, _| bytes.get(at..).unwrap_or(&[]),
        None,
        Some(options),
    );
    tree.ok_or(LintError::TooComplex)
}

/// The text of a node; empty where the node does not lie on character boundaries (never seen, but not excluded by the
/// grammar's interface).
pub(crate) fn text_of<'text>(node: Node<'_>, text: &'text str) -> &'text str {
    text.get(node.byte_range()).unwrap_or("")
}

/// The line a node starts at, from 1.
pub(crate) fn line_of(node: Node<'_>) -> u32 {
    line_number(node.start_position().row)
}

/// The line a node ends at, from 1.
pub(crate) fn end_line_of(node: Node<'_>) -> u32 {
    let end = node.end_position();
    // A node that ends with a newline ends on the line before.
    let row = if end.column == 0 && end.row > node.start_position().row {
        end.row - 1
    } else {
        end.row
    };
    line_number(row)
}

/// A row from 0 as a line from 1.
pub(crate) fn line_number(row: usize) -> u32 {
    u32::try_from(row).unwrap_or(u32::MAX).saturating_add(1)
}

/// The named children of a node.
pub(crate) fn children<'tree>(node: Node<'tree>) -> Vec<Node<'tree>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).collect()
}

/// Visits a node and everything below it in document order, without recursion (nesting may be deeper than the stack).
/// `enter` says whether to go below a node.
pub(crate) fn visit<'tree>(root: Node<'tree>, mut enter: impl FnMut(Node<'tree>) -> bool) {
    let mut cursor = root.walk();
    loop {
        if enter(cursor.node()) && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

/// The first place where the grammar did not match, in document order.
///
/// tree-sitter accepts more than the compilers do (and, rarely, less: syntax newer than the grammar), so `None` does
/// not prove that the file compiles.
pub(crate) fn first_syntax_error(tree: &Tree, text: &str) -> Option<SyntaxError> {
    if !tree.root_node().has_error() {
        return None;
    }
    let mut found = None;
    let mut innermost = false;
    visit(tree.root_node(), |node| {
        // Inside an error there may be a smaller one, which is the better place.
        let is_inside = found
            .as_ref()
            .is_none_or(|(outer, _): &(Node<'_>, String)| {
                node.start_byte() >= outer.start_byte() && node.end_byte() <= outer.end_byte()
            });
        if !is_inside || !node.has_error() || innermost {
            return false;
        }
        if node.is_missing() {
            innermost = true;
            found = Some((node, format!("`{}` is missing", node.kind())));
        } else if node.is_error() {
            let near: String = text_of(node, text)
                .lines()
                .next()
                .unwrap_or("")
                .chars()
                .take(40)
                .collect();
            found = Some((node, format!("cannot be parsed near `{}`", near.trim())));
        }
        true
    });
    let (node, message) = found?;
    let position = node.start_position();
    let line_start = node.start_byte().saturating_sub(position.column);
    let column = text
        .get(line_start..node.start_byte())
        .map_or(position.column, |before| before.chars().count());
    Some(SyntaxError {
        line: line_number(position.row),
        column: line_number(column),
        message,
    })
}

/// Digest of several pieces of text, trailing white space of every line removed, so that line endings and stray blanks
/// are no change. Pieces are separated by a byte that cannot be part of them.
pub(crate) fn digest_of_pieces<'text>(pieces: impl IntoIterator<Item = &'text str>) -> Digest {
    let mut bytes = Vec::new();
    for piece in pieces {
        for line in piece.lines() {
            bytes.extend_from_slice(line.trim_end().as_bytes());
            bytes.push(b'\n');
        }
        bytes.push(0xff);
    }
    Digest::of(&bytes)
}

/// Start offsets of all lines, to turn offsets into line numbers.
pub(crate) struct LineIndex(Vec<usize>);

impl LineIndex {
    pub(crate) fn new(text: &str) -> Self {
        let starts = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(index, _)| index + 1);
        Self(std::iter::once(0).chain(starts).collect())
    }
    /// The line of a byte offset, from 1.
    pub(crate) fn line(&self, offset: usize) -> u32 {
        line_number(
            self.0
                .partition_point(|start| *start <= offset)
                .saturating_sub(1),
        )
    }
}
