//! JavaScript and TypeScript tests on oxc: jest, vitest, mocha, node:test, ava, playwright, jasmine.
//!
//! A test is a call of `it`, `test` and their like with a title and a function; what the function does is read with its
//! context. `chain` turns `expect(x).not.toBe(y)` into its parts, `expectations` which calls assert and
//! `matchers` how much they say, `calls` what
//! other calls mean.

mod calls;
mod chain;
mod comments;
mod expectations;
mod matchers;
mod values;
mod walk;

use crate::LintError;
use crate::quality::model::FileModel;
use crate::quality::{Language, Options};
use oxc_allocator::Allocator;
use oxc_ast::ast::{BindingPattern, Expression, Program, Statement};
use oxc_ast_visit::Visit as _;
use oxc_parser::Parser;
use oxc_span::SourceType;
use std::collections::BTreeSet;

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
    let mut bodies: Vec<(String, &str)> = Vec::new();
    for statement in &program.body {
        functions_of(text, statement, &mut bodies);
    }
    let mut asserting: BTreeSet<String> = BTreeSet::new();
    for _ in 0..4 {
        let before = asserting.len();
        for (name, body) in &bodies {
            let direct = [
                "expect(",
                "assert(",
                "assert.",
                "t.is(",
                "should.",
                "throw new Error",
                "expectTypeOf(",
                "chai.",
            ]
            .iter()
            .any(|word| body.contains(word));
            if direct
                || asserting
                    .iter()
                    .any(|known| body.contains(&format!("{known}(")))
            {
                asserting.insert(name.clone());
            }
        }
        if asserting.len() == before {
            break;
        }
    }
    asserting
}

fn functions_of<'t>(text: &'t str, statement: &Statement<'_>, found: &mut Vec<(String, &'t str)>) {
    use oxc_span::GetSpan as _;
    let piece = |span: oxc_span::Span| {
        text.get(span.start as usize..span.end as usize)
            .unwrap_or("")
    };
    match statement {
        Statement::FunctionDeclaration(function) => {
            if let Some(id) = &function.id {
                found.push((id.name.to_string(), piece(function.span)));
            }
        }
        Statement::VariableDeclaration(declaration) => {
            for declarator in &declaration.declarations {
                if let (BindingPattern::BindingIdentifier(id), Some(init)) =
                    (&declarator.id, &declarator.init)
                    && matches!(
                        init,
                        Expression::ArrowFunctionExpression(_) | Expression::FunctionExpression(_)
                    )
                {
                    found.push((id.name.to_string(), piece(init.span())));
                }
            }
        }
        Statement::ExportNamedDeclaration(_) => {}
        _ => {}
    }
}
