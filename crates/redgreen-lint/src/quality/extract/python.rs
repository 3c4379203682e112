//! Python tests (pytest, unittest) on ruff's parser.
//!
//! `names` what a name stands for, `tests` which functions are tests, `body` statements with their context, `strength` how
//! much an assertion says, `facts` what single calls mean, `comments` what is not code.

mod body;
mod comments;
mod facts;
mod helpers;
mod looks;
mod names;
mod strength;
mod tests;

use crate::LintError;
use crate::quality::Options;
use crate::quality::model::{FileModel, Span};
use names::Names;
use ruff_python_ast::{PySourceType, Stmt, StmtFunctionDef};
use ruff_python_parser::parse_unchecked_source;
use ruff_text_size::{Ranged, TextRange};
use std::collections::BTreeMap;

pub(super) fn extract(text: &str, options: &Options) -> Result<FileModel, LintError> {
    if super::is_too_deep(text) {
        return Err(LintError::TooComplex);
    }
    let parsed = parse_unchecked_source(text, PySourceType::Python);
    let body = &parsed.syntax().body;
    let reader = Reader {
        text,
        options,
        names: Names::of(body),
        functions: functions_of(body),
    };
    let mut file = tests::collect(&reader, body);
    comments::collect(&reader, parsed.tokens(), &mut file);
    Ok(file)
}

/// What every room needs.
struct Reader<'a> {
    text: &'a str,
    options: &'a Options,
    names: Names,
    /// Functions of the module and methods of its classes, by name: helpers are followed.
    functions: BTreeMap<&'a str, Vec<&'a StmtFunctionDef>>,
}

impl<'a> Reader<'a> {
    fn text_of(&self, node: impl Ranged) -> &'a str {
        self.text.get(span(node.range())).unwrap_or("")
    }
    /// Without blanks, to compare.
    fn squeezed(&self, node: impl Ranged) -> String {
        self.text_of(node).split_whitespace().collect()
    }
}

fn span(range: TextRange) -> Span {
    range.start().to_usize()..range.end().to_usize()
}

fn functions_of(body: &[Stmt]) -> BTreeMap<&str, Vec<&StmtFunctionDef>> {
    let mut found: BTreeMap<&str, Vec<&StmtFunctionDef>> = BTreeMap::new();
    let mut queue: Vec<(&[Stmt], usize)> = vec![(body, 0)];
    while let Some((block, depth)) = queue.pop() {
        for statement in block {
            match statement {
                Stmt::FunctionDef(function) => {
                    found
                        .entry(function.name.as_str())
                        .or_default()
                        .push(function);
                }
                Stmt::ClassDef(class) if depth < 4 => queue.push((&class.body, depth + 1)),
                Stmt::If(branch) if depth < 4 => {
                    queue.push((&branch.body, depth + 1));
                    queue.extend(
                        branch
                            .elif_else_clauses
                            .iter()
                            .map(|clause| (&clause.body[..], depth + 1)),
                    );
                }
                Stmt::Try(attempt) if depth < 4 => {
                    queue.push((&attempt.body, depth + 1));
                    queue.push((&attempt.orelse, depth + 1));
                }
                _ => {}
            }
        }
    }
    found
}
