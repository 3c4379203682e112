//! Test items of a file, found without running anything.

use crate::lang::go;
use crate::lang::javascript;
use crate::lang::python::{PythonTest, collect};
use crate::lang::rust::lexer::lex;
use crate::lang::rust::outline::outline;
use crate::lang::rust::tests_in::tests_in;
use crate::syntax::{
    LineIndex, digest_of_pieces, end_line_of, first_syntax_error, line_of, parse, text_of,
};
use crate::{Language, LintError};
use redgreen_core::id::{ItemId, RelPath, RunnerName};
use redgreen_core::test_item::{Mark, TestItem};
use std::collections::{BTreeMap, BTreeSet};

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileItems {
    /// Its test items, in the order of the file, each id once. Where a name is defined twice, the place is that of the
    /// last definition (the one Python runs) and the digest covers all of them.
    pub items: Vec<TestItem>,
    /// The first place that cannot be parsed. The grammars accept more than the compilers do, so `None` is no proof.
    pub syntax_error: Option<SyntaxError>,
    /// Later definitions of a name that its own block already defines: the earlier test is lost. The line is that of the
    /// later definition, from 1. Definitions in different branches, or below a `cfg`, are no duplicates.
    pub duplicates: Vec<(ItemId, u32)>,
}

/// A place that cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
    /// What is wrong, as far as a grammar knows.
    pub message: String,
}

/// How a project names its tests; pytest's defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemOptions {
    /// pytest's `python_functions`: prefixes or globs.
    pub python_functions: Vec<String>,
    /// pytest's `python_classes`: prefixes or globs.
    pub python_classes: Vec<String>,
}

impl Default for ItemOptions {
    fn default() -> Self {
        Self {
            python_functions: vec!["test".to_owned()],
            python_classes: vec!["Test".to_owned()],
        }
    }
}

/// The test items of a file, with pytest's default names.
///
/// # Errors
/// [`LintError::TooLarge`] for a text over [`crate::MAX_FILE_BYTES`].
pub fn items(
    language: Language,
    runner: Option<RunnerName>,
    path: &RelPath,
    text: &str,
) -> Result<FileItems, LintError> {
    items_with(language, runner, path, text, &ItemOptions::default())
}

/// The test items of a file.
///
/// # Errors
/// [`LintError::TooLarge`] for a text over [`crate::MAX_FILE_BYTES`].
pub fn items_with(
    language: Language,
    runner: Option<RunnerName>,
    path: &RelPath,
    text: &str,
    options: &ItemOptions,
) -> Result<FileItems, LintError> {
    let (found, syntax_error): (Vec<Found>, Option<SyntaxError>) = match language {
        Language::Python => {
            let tree = parse(language, text)?;
            let tests = collect(tree.root_node(), text, options)?;
            (
                tests.iter().map(|test| found_python(test, text)).collect(),
                first_syntax_error(&tree, text),
            )
        }
        Language::Rust => (
            found_rust(text),
            first_syntax_error(&parse(language, text)?, text),
        ),
        Language::JavaScript => found_javascript(path, text)?,
        Language::Go => {
            let tree = parse(language, text)?;
            let tests = go::tests(tree.root_node(), text);
            (
                tests.iter().map(|test| found_go(test, text)).collect(),
                first_syntax_error(&tree, text),
            )
        }
    };
    let id = |name: &str| ItemId {
        runner: runner.clone(),
        path: path.clone(),
        item: name.to_owned(),
    };
    let mut result = FileItems {
        syntax_error,
        ..FileItems::default()
    };
    let mut by_name: BTreeMap<&str, Vec<&Found>> = BTreeMap::new();
    let mut seen: BTreeSet<(&str, usize)> = BTreeSet::new();
    for test in &found {
        if !test.conditional && !seen.insert((&test.name, test.block)) {
            result.duplicates.push((id(&test.name), test.line));
        }
        by_name.entry(&test.name).or_default().push(test);
    }
    let mut order: Vec<Vec<&Found>> = by_name.into_values().collect();
    order.sort_by_key(|same| same.last().map_or(0, |test| test.position));
    for same in order {
        let Some(last) = same.last() else { continue };
        result.items.push(TestItem {
            id: id(&last.name),
            line: last.line,
            end_line: last.end_line,
            text: digest_of_pieces(same.iter().flat_map(|test| test.pieces.iter().copied())),
            marks: same
                .iter()
                .flat_map(|test| test.marks.iter().copied())
                .collect(),
        });
    }
    Ok(result)
}

/// A test function of either language.
struct Found<'text> {
    name: String,
    position: usize,
    line: u32,
    end_line: u32,
    block: usize,
    conditional: bool,
    pieces: Vec<&'text str>,
    marks: BTreeSet<Mark>,
}

fn found_python<'text>(test: &PythonTest<'_>, text: &'text str) -> Found<'text> {
    let governing = test
        .governed_by
        .iter()
        .filter_map(|range| text.get(range.clone()));
    Found {
        name: test.name.clone(),
        position: test.node.start_byte(),
        line: line_of(test.node),
        end_line: end_line_of(test.node),
        block: test.block,
        conditional: test.inherited,
        pieces: governing.chain([text_of(test.node, text)]).collect(),
        marks: test.marks.clone(),
    }
}

fn found_javascript<'text>(
    path: &RelPath,
    text: &'text str,
) -> Result<(Vec<Found<'text>>, Option<SyntaxError>), LintError> {
    let lines = LineIndex::new(text);
    let (tests, error) = javascript::with_program(text, Some(path), |program| {
        javascript::collect::collect(text, program)
    })?;
    let found = tests
        .into_iter()
        .enumerate()
        .map(|(number, test)| Found {
            position: test.span.start,
            line: lines.line(test.span.start),
            end_line: lines.line(test.span.end.saturating_sub(1)),
            // Both of two tests with one name run: names are made different.
            block: number,
            conditional: false,
            pieces: test
                .governed_by
                .iter()
                .chain([&test.span])
                .map(|range| text.get(range.clone()).unwrap_or(""))
                .collect(),
            marks: test.marks,
            name: test.name,
        })
        .collect();
    Ok((found, error))
}

fn found_go<'text>(test: &go::GoTest<'_>, text: &'text str) -> Found<'text> {
    Found {
        name: test.name.clone(),
        position: test.function.start_byte(),
        line: line_of(test.function),
        end_line: end_line_of(test.function),
        block: 0,
        conditional: false,
        pieces: go::constraints(text)
            .into_iter()
            .chain([text_of(test.function, text)])
            .collect(),
        marks: go::marks(test, text),
    }
}

fn found_rust(text: &str) -> Vec<Found<'_>> {
    let lexed = lex(text);
    let lines = LineIndex::new(text);
    tests_in(&lexed, &outline(&lexed), &[])
        .into_iter()
        .map(|test| {
            let piece = |tokens: &std::ops::Range<usize>| {
                let start = lexed.start_of(tokens.start);
                text.get(start..lexed.end_before(tokens.end).max(start))
                    .unwrap_or("")
            };
            let start = lexed.start_of(test.tokens.start);
            let end = lexed.end_before(test.tokens.end).max(start + 1);
            Found {
                position: start,
                line: lines.line(start),
                end_line: lines.line(end - 1),
                // The name holds the module, so equal names are in one module.
                block: 0,
                conditional: test.conditional,
                pieces: test
                    .governed_by
                    .iter()
                    .chain([&test.tokens])
                    .map(piece)
                    .collect(),
                marks: test.marks,
                name: test.name,
            }
        })
        .collect()
}
