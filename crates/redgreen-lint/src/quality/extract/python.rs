//! Python tests (pytest, unittest) on ruff's parser.
//!
//! `names` what a name stands for, `bindings` what a name inside a test holds, `tests` which functions are tests, `body`
//! statements with their context, `blocks` those that expect or catch errors, `cases` the methods of unittest, `strength`
//! how much an assertion says, `constant` what is known without running anything, `doubled` what a double answers,
//! `facts` what single calls mean, `helpers` calls that may assert, `comments` what is not code.

mod bindings;
mod blocks;
mod body;
mod cases;
mod comments;
mod constant;
mod doubled;
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
use ruff_python_ast::{Expr, PySourceType, Stmt, StmtFunctionDef};
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
        is_benchmark: text.contains("pytestmark = pytest.mark.benchmark"),
        text,
        options,
        names: Names::of(body),
        functions: functions_of(body),
        module_values: module_values(body),
        checking_fixtures: BTreeMap::new(),
    };
    let reader = Reader {
        checking_fixtures: helpers::checking_fixtures(&reader),
        ..reader
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
    /// What the module measures is its speed.
    is_benchmark: bool,
    /// What names of the module hold that are assigned once.
    module_values: BTreeMap<&'a str, &'a Expr>,
    /// Fixtures that assert something when the test is done.
    checking_fixtures: BTreeMap<&'a str, helpers::Fixture>,
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

fn module_values(body: &[Stmt]) -> BTreeMap<&str, &Expr> {
    let mut found: BTreeMap<&str, Option<&Expr>> = BTreeMap::new();
    for statement in body {
        if let Stmt::Assign(assign) = statement {
            for target in &assign.targets {
                if let Expr::Name(name) = target {
                    found
                        .entry(name.id.as_str())
                        .and_modify(|held| *held = None)
                        .or_insert(Some(&assign.value));
                }
            }
        }
    }
    found
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
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
