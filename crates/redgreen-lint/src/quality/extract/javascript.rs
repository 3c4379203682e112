//! JavaScript and TypeScript tests on oxc: jest, vitest, mocha, node:test, ava, playwright, jasmine.
//!
//! A test is a call of `it`, `test` and their like with a title and a function; what the function does is read with its
//! context. `chain` turns `expect(x).not.toBe(y)` into its parts, `expectations` which calls assert and
//! `matchers` how much they say, `known` what values are without running anything, `calls` what other calls mean.

mod calls;
mod chain;
mod comments;
mod expectations;
mod known;
mod matchers;
mod values;
mod walk;

use crate::LintError;
use crate::quality::model::FileModel;
use crate::quality::{Language, Options};
use oxc_allocator::Allocator;
use oxc_ast::ast::{BindingPattern, Expression, Program, Statement, VariableDeclarator};
use oxc_ast_visit::Visit;
use oxc_parser::Parser;
use oxc_span::{GetSpan as _, SourceType};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn extract(
    language: Language,
    text: &str,
    options: &Options,
) -> Result<FileModel, LintError> {
    if super::is_too_deep(text) {
        return Err(LintError::TooComplex);
    }
    // Without the name of the file: the first dialect that reads it.
    let dialects = match language {
        Language::TypeScript => [SourceType::ts(), SourceType::tsx(), SourceType::jsx()],
        Language::JavaScript | Language::Python | Language::Rust | Language::Go => {
            [SourceType::jsx(), SourceType::cjs(), SourceType::tsx()]
        }
    };
    for dialect in dialects {
        let allocator = Allocator::default();
        let parsed = Parser::new(&allocator, text, dialect).parse();
        if !parsed.panicked && parsed.diagnostics.is_empty() {
            return Ok(read(text, options, &parsed.program));
        }
    }
    Ok(FileModel::default())
}

fn read(text: &str, options: &Options, program: &Program<'_>) -> FileModel {
    let mut walk = walk::Walk::new(text, options, asserting_functions(text, program));
    walk.visit_program(program);
    let mut file = walk.file;
    file.tests.sort_by_key(|test| test.span.start);
    comments::collect(text, program, &mut file);
    file
}

/// Names of functions of the file that assert, also through each other.
fn asserting_functions(text: &str, program: &Program<'_>) -> BTreeSet<String> {
    let mut functions = Functions {
        text,
        found: Vec::new(),
    };
    functions.visit_program(program);
    let bodies = functions.found;
    let names: BTreeSet<&str> = bodies.iter().map(|(name, _)| name.as_str()).collect();
    // Who calls whom, by the words of each body, once.
    let mut callers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut open: Vec<&str> = Vec::new();
    for (name, body) in &bodies {
        if ASSERTING.iter().any(|word| body.contains(word)) {
            open.push(name);
        }
        for called in called_words(body) {
            if names.contains(called) {
                callers.entry(called).or_default().insert(name);
            }
        }
    }
    let mut asserting: BTreeSet<String> = BTreeSet::new();
    while let Some(name) = open.pop() {
        if asserting.insert(name.to_owned()) {
            open.extend(callers.get(name).into_iter().flatten());
        }
    }
    asserting
}

/// What stands in a function that asserts.
const ASSERTING: [&str; 8] = [
    "expect(",
    "assert(",
    "assert.",
    "t.is(",
    "should.",
    "throw new Error",
    "expectTypeOf(",
    "chai.",
];

/// Every word with a bracket behind it.
fn called_words(body: &str) -> impl Iterator<Item = &str> {
    body.match_indices('(').filter_map(|(end, _)| {
        let before = body.get(..end)?;
        let start = before
            .rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
            .map_or(0, |at| {
                at + before[at..].chars().next().map_or(1, char::len_utf8)
            });
        before.get(start..).filter(|word| !word.is_empty())
    })
}

/// Functions with names, wherever they are defined.
struct Functions<'t> {
    text: &'t str,
    found: Vec<(String, &'t str)>,
}

impl<'t> Functions<'t> {
    fn push(&mut self, name: &str, span: oxc_span::Span) {
        let piece = self.text.get(span.start as usize..span.end as usize);
        self.found.push((name.to_owned(), piece.unwrap_or("")));
    }
}

impl<'a> Visit<'a> for Functions<'_> {
    fn visit_statement(&mut self, it: &Statement<'a>) {
        if let Statement::FunctionDeclaration(function) = it
            && let Some(id) = &function.id
        {
            self.push(&id.name, function.span);
        }
        oxc_ast_visit::walk::walk_statement(self, it);
    }
    fn visit_variable_declarator(&mut self, it: &VariableDeclarator<'a>) {
        if let (BindingPattern::BindingIdentifier(id), Some(init)) = (&it.id, &it.init)
            && matches!(
                init,
                Expression::ArrowFunctionExpression(_) | Expression::FunctionExpression(_)
            )
        {
            self.push(&id.name, init.span());
        }
        oxc_ast_visit::walk::walk_variable_declarator(self, it);
    }
}
