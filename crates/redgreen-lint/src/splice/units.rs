//! Where the test units of a file are, and what is left without them.

use crate::lang::rust::lexer::{Lexed, lex};
use crate::lang::rust::outline::{Container, Item, ItemKind, Piece, outline};
use crate::lang::rust::tests_in::{
    is_macro_of_tests, is_test_function, is_test_only, tests_of_item,
};
use crate::syntax::LineIndex;
use crate::{LintError, check_size};
use std::collections::BTreeMap;
use std::ops::Range;

/// A piece of test code inside a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestUnit {
    /// The modules around it, its kind, its name, and `#2`, `#3` … for further ones of that name:
    /// `mod tests`, `parser::fn reads_it`, `use#2`.
    pub key: String,
    /// Its text, with the comments that belong to it.
    pub text: String,
    /// Its bytes in the file.
    pub range: Range<usize>,
    /// The line it starts at, from 1.
    pub line: u32,
    /// The names of the tests in it, as in an item id: `tests::adds`.
    pub items: Vec<String>,
}

/// A `#[cfg(test)] mod tests;`: the file it names is test code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutOfLineModule {
    /// The module path inside this file: `tests`, `parser::tests`.
    pub module: String,
    /// The value of a `#[path = "…"]` attribute, as it is written.
    pub path: Option<String>,
    /// The line of the declaration, from 1.
    pub line: u32,
}

/// A unit with its place in the outline.
pub(super) struct Unit<'a> {
    pub(super) key: String,
    /// The container it stands in: the module path, empty for the file.
    pub(super) home: String,
    pub(super) range: Range<usize>,
    pub(super) item: &'a Item,
    /// Names of the modules around it, as tests are named.
    pub(super) modules: Vec<String>,
}

/// Where new units of a container go.
pub(super) struct Home {
    pub(super) append_at: usize,
}

/// The units of a file and the containers that can hold some.
pub(super) struct Layout<'a> {
    pub(super) units: Vec<Unit<'a>>,
    pub(super) homes: BTreeMap<String, Home>,
    /// The source pieces in order: byte ranges.
    code: Vec<Range<usize>>,
}

/// Finds the units of an outlined file.
pub(super) fn layout<'a>(lexed: &Lexed<'_>, outline: &'a Container) -> Layout<'a> {
    let mut builder = Builder {
        lexed,
        layout: Layout {
            units: Vec::new(),
            homes: BTreeMap::new(),
            code: Vec::new(),
        },
    };
    // A byte order mark or a `#!` line.
    let before = lexed.text.get(..lexed.start_of(0)).unwrap_or("").trim_end();
    if !before.is_empty() {
        builder.layout.code.push(0..before.len());
    }
    builder.layout.homes.insert(
        String::new(),
        Home {
            append_at: lexed.text.len(),
        },
    );
    let all = is_test_only(lexed, &outline.inner_attributes);
    builder.container(outline, "", &[], all);
    builder.layout
}

/// What the layout leaves: every source piece on lines of its own, so that blank lines between items do not count.
pub(super) fn stripped(lexed: &Lexed<'_>, layout: &Layout<'_>) -> String {
    let mut result = String::new();
    for range in &layout.code {
        result.push_str(lexed.text.get(range.clone()).unwrap_or(""));
        result.push('\n');
    }
    result
}

struct Builder<'a, 'b, 'text> {
    lexed: &'b Lexed<'text>,
    layout: Layout<'a>,
}

impl<'a> Builder<'a, '_, '_> {
    fn bytes(&self, tokens: &Range<usize>) -> Range<usize> {
        let start = self.lexed.start_of(tokens.start);
        start..self.lexed.end_before(tokens.end).max(start)
    }

    fn container(&mut self, container: &'a Container, home: &str, modules: &[String], all: bool) {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let pieces = &container.pieces;
        let units: Vec<bool> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Item(item) => all || self.is_unit(item),
                Piece::Comment(_) | Piece::InnerAttribute(_) | Piece::Stray(_) => false,
            })
            .collect();
        let owned = self.owned_comments(pieces, &units);
        for (index, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Item(item) => {
                    let name = if item.name.is_empty() {
                        item.kind.word().to_owned()
                    } else {
                        format!("{} {}", item.kind.word(), item.name)
                    };
                    // Units and source are counted apart: the source around must not rename a unit.
                    let is_unit = units[index];
                    let count = counts
                        .entry(format!("{}{name}", if is_unit { "" } else { "source " }))
                        .or_insert(0);
                    *count += 1;
                    let ordinal = if *count > 1 {
                        format!("#{count}")
                    } else {
                        String::new()
                    };
                    let join = if home.is_empty() { "" } else { "::" };
                    if is_unit {
                        let (first, last) = owned.get(&index).copied().unwrap_or((index, index));
                        let range = self.piece_bytes(&pieces[first]).start
                            ..self.piece_bytes(&pieces[last]).end;
                        self.layout.units.push(Unit {
                            key: format!("{home}{join}{name}{ordinal}"),
                            home: home.to_owned(),
                            range,
                            item,
                            modules: modules.to_vec(),
                        });
                    } else if let (Some(module), Some(body)) = (&item.module, &item.body) {
                        let inner = format!("{home}{join}{}{ordinal}", item.name);
                        self.code_module(item, module, body, &inner, modules);
                    } else {
                        let range = self.bytes(&item.tokens);
                        self.layout.code.push(range);
                    }
                }
                Piece::Comment(_) if owned.contains_key(&index) => {}
                Piece::Comment(_) | Piece::InnerAttribute(_) | Piece::Stray(_) => {
                    let range = self.piece_bytes(piece);
                    self.layout.code.push(range);
                }
            }
        }
    }

    fn code_module(
        &mut self,
        item: &Item,
        module: &'a Container,
        body: &Range<usize>,
        home: &str,
        modules: &[String],
    ) {
        let head = self.bytes(&(item.tokens.start..body.start));
        let end = self.bytes(&item.tokens).end;
        self.layout.code.push(head);
        self.layout.homes.insert(
            home.to_owned(),
            Home {
                append_at: self.lexed.end_before(body.end),
            },
        );
        let mut inner: Vec<String> = modules.to_vec();
        inner.push(item.name.clone());
        self.container(module, home, &inner, false);
        let close = self.lexed.start_of(body.end);
        self.layout.code.push(close.min(end)..end);
    }

    fn is_unit(&self, item: &Item) -> bool {
        is_test_only(self.lexed, &item.attributes)
            || is_test_function(item)
            || item
                .module
                .as_ref()
                .is_some_and(|module| is_test_only(self.lexed, &module.inner_attributes))
            || is_macro_of_tests(self.lexed, item)
    }

    fn piece_bytes(&self, piece: &Piece) -> Range<usize> {
        match piece {
            Piece::Item(item) => self.bytes(&item.tokens),
            Piece::Comment(token) => self.bytes(&(*token..*token + 1)),
            Piece::InnerAttribute(tokens) | Piece::Stray(tokens) => self.bytes(tokens),
        }
    }

    /// For each unit the first and last piece that belong to it; for each owned comment itself.
    fn owned_comments(&self, pieces: &[Piece], units: &[bool]) -> BTreeMap<usize, (usize, usize)> {
        let mut owned: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for (index, _) in units.iter().enumerate().filter(|(_, unit)| **unit) {
            let mut first = index;
            while let Some(before) = first.checked_sub(1) {
                let Piece::Comment(token) = pieces[before] else {
                    break;
                };
                if owned.contains_key(&before) || !self.belongs_below(token, &pieces[first]) {
                    break;
                }
                owned.insert(before, (before, before));
                first = before;
            }
            let mut last = index;
            if let Some(Piece::Comment(token)) = pieces.get(index + 1)
                && self.trails(&pieces[index], *token)
            {
                last = index + 1;
                owned.insert(last, (last, last));
            }
            owned.insert(index, (first, last));
        }
        owned
    }

    fn gap(&self, from: usize, to: usize) -> &str {
        self.lexed.text.get(from..to).unwrap_or("")
    }

    fn belongs_below(&self, comment: usize, below: &Piece) -> bool {
        let text = self.lexed.text_at(comment);
        if is_inner_doc(text) {
            return false;
        }
        if is_outer_doc(text) {
            return true;
        }
        let Some(token) = self.lexed.tokens.get(comment) else {
            return false;
        };
        let before = self.gap(self.lexed.end_before(comment), token.start());
        let starts_line = comment == 0 || before.contains('\n');
        let gap = self.gap(token.end(), self.piece_bytes(below).start);
        starts_line && gap.bytes().filter(|byte| *byte == b'\n').count() <= 1
    }

    fn trails(&self, unit: &Piece, comment: usize) -> bool {
        let text = self.lexed.text_at(comment);
        let Some(token) = self.lexed.tokens.get(comment) else {
            return false;
        };
        let rest = self.gap(token.end(), self.lexed.start_of(comment + 1));
        let is_last = rest.contains('\n') || comment + 1 == self.lexed.tokens.len();
        !is_inner_doc(text)
            && !is_outer_doc(text)
            && !text.contains('\n')
            && is_last
            && !self
                .gap(self.piece_bytes(unit).end, token.start())
                .contains('\n')
    }
}

fn is_inner_doc(comment: &str) -> bool {
    comment.starts_with("//!") || comment.starts_with("/*!")
}

fn is_outer_doc(comment: &str) -> bool {
    (comment.starts_with("///") && !comment.starts_with("////"))
        || (comment.starts_with("/**") && !comment.starts_with("/***") && comment.len() > 4)
}

/// The names of the tests in a unit.
pub(super) fn test_names(lexed: &Lexed<'_>, item: &Item, modules: &[String]) -> Vec<String> {
    tests_of_item(lexed, item, modules)
        .into_iter()
        .map(|test| test.name)
        .collect()
}

/// The test units of a Rust file, in order.
///
/// # Errors
/// [`LintError::TooLarge`] for a text over [`crate::MAX_FILE_BYTES`].
pub fn test_units(text: &str) -> Result<Vec<TestUnit>, LintError> {
    check_size(text)?;
    let lexed = lex(text);
    let outline = outline(&lexed);
    let lines = LineIndex::new(text);
    Ok(layout(&lexed, &outline)
        .units
        .into_iter()
        .map(|unit| TestUnit {
            text: text.get(unit.range.clone()).unwrap_or("").to_owned(),
            line: lines.line(unit.range.start),
            items: test_names(&lexed, unit.item, &unit.modules),
            key: unit.key,
            range: unit.range,
        })
        .collect())
}

/// Everything but the test units, each item on lines of its own: for comparing the source parts of two texts. Blank
/// lines between items do not count; everything inside an item does.
///
/// # Errors
/// [`LintError::TooLarge`] for a text over [`crate::MAX_FILE_BYTES`].
pub fn strip_tests(text: &str) -> Result<String, LintError> {
    check_size(text)?;
    let lexed = lex(text);
    let outline = outline(&lexed);
    Ok(stripped(&lexed, &layout(&lexed, &outline)))
}

/// The modules of test units that lie in files of their own: `#[cfg(test)] mod tests;`.
///
/// # Errors
/// [`LintError::TooLarge`] for a text over [`crate::MAX_FILE_BYTES`].
pub fn out_of_line_test_modules(text: &str) -> Result<Vec<OutOfLineModule>, LintError> {
    check_size(text)?;
    let lexed = lex(text);
    let outline = outline(&lexed);
    let lines = LineIndex::new(text);
    let mut found = Vec::new();
    for unit in layout(&lexed, &outline).units {
        declared(&lexed, unit.item, &unit.modules, &lines, &mut found);
    }
    Ok(found)
}

/// A test unit's own declaration, or those inside an inline test module.
fn declared(
    lexed: &Lexed<'_>,
    item: &Item,
    modules: &[String],
    lines: &LineIndex,
    found: &mut Vec<OutOfLineModule>,
) {
    if item.kind != ItemKind::Module {
        return;
    }
    let mut path = modules.to_vec();
    path.push(item.name.clone());
    if let Some(module) = &item.module {
        for inner in module.items() {
            declared(lexed, inner, &path, lines, found);
        }
    } else if item.body.is_none() {
        let path_attribute = item
            .attributes
            .iter()
            .find(|attribute| attribute.path == "path");
        found.push(OutOfLineModule {
            module: path.join("::"),
            path: path_attribute.and_then(|attribute| {
                let value = lexed.text_at(lexed.skip_comments(attribute.arguments.start + 1));
                Some(value.strip_prefix('"')?.strip_suffix('"')?.to_owned())
            }),
            line: lines.line(lexed.start_of(item.tokens.start)),
        });
    }
}
