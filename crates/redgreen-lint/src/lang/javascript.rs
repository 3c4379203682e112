//! JavaScript and TypeScript: tests of node:test, vitest, jest, mocha, ava and playwright, on oxc.
//!
//! A test is a call of `it`, `test` and their like with a title; its name is made of the titles around it and its own, as
//! they stand in the text: `cart::adds ${n}`. A title that is computed stands as `${…}`, so that a runner's name can be
//! matched with it (`redgreen-formats/src/javascript/names.rs`).

pub(crate) mod collect;
mod marks;
pub(crate) mod parts;

use crate::items::SyntaxError;
use crate::syntax::LineIndex;
use crate::{LintError, check_size};
use oxc_allocator::Allocator;
use oxc_ast::ast::Program;
use oxc_parser::Parser;
use oxc_span::SourceType;
use redgreen_core::id::RelPath;

/// Nesting past which a text is not parsed: the parser is recursive.
const DEEPEST: usize = 400;

/// The dialects to try, by the ending of the file.
fn dialects(path: Option<&RelPath>) -> Vec<SourceType> {
    match path.and_then(RelPath::extension) {
        Some("ts" | "mts" | "cts") => vec![SourceType::ts()],
        Some("tsx") => vec![SourceType::tsx()],
        Some(_) => vec![SourceType::jsx(), SourceType::cjs(), SourceType::tsx()],
        None => vec![
            SourceType::ts(),
            SourceType::tsx(),
            SourceType::jsx(),
            SourceType::cjs(),
        ],
    }
}

fn too_deep(text: &str) -> bool {
    let mut depth = 0usize;
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                if depth > DEEPEST {
                    return true;
                }
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// Parses a text and looks at it. Without a dialect that reads it: what the first one could make of it, and its complaint.
///
/// # Errors
/// [`LintError`] for a text that is too large or too deep.
pub(crate) fn with_program<R>(
    text: &str,
    path: Option<&RelPath>,
    look: impl FnOnce(&Program<'_>) -> R,
) -> Result<(R, Option<SyntaxError>), LintError> {
    check_size(text)?;
    if too_deep(text) {
        return Err(LintError::TooComplex);
    }
    let dialects = dialects(path);
    for dialect in &dialects {
        let allocator = Allocator::default();
        let parsed = Parser::new(&allocator, text, *dialect).parse();
        if !parsed.panicked && parsed.diagnostics.is_empty() {
            return Ok((look(&parsed.program), None));
        }
    }
    let allocator = Allocator::default();
    let dialect = dialects.first().copied().unwrap_or_else(SourceType::jsx);
    let parsed = Parser::new(&allocator, text, dialect).parse();
    let error = parsed.diagnostics.errors().next().map(|error| {
        let offset = error
            .labels
            .first()
            .map_or(0, |label| label.offset() as usize);
        let line = LineIndex::new(text).line(offset);
        let start = text
            .get(..offset)
            .and_then(|before| before.rfind('\n'))
            .map_or(0, |at| at + 1);
        let column = text
            .get(start..offset)
            .map_or(0, |before| before.chars().count());
        SyntaxError {
            line,
            column: u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1),
            message: error.message.to_string(),
        }
    });
    Ok((look(&parsed.program), error))
}
