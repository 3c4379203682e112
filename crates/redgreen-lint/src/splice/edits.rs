//! What somebody who may not touch tests did to the test units of a file (SPEC B5).

use super::units::{Unit, layout, test_names};
use crate::lang::rust::lexer::{Lexed, TokenKind, lex};
use crate::lang::rust::outline::{Container, Item, Piece, outline};
use crate::lang::rust::tests_in::{is_macro_of_tests, is_test_function};
use crate::syntax::LineIndex;
use crate::{LintError, check_size};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

/// How locked test code was edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EditKind {
    /// It is there with other tokens.
    Modified,
    /// It is gone.
    Deleted,
    /// It is new and no test: a helper, an import, an attribute beside locked tests.
    Added,
}

/// One edit of test code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitEdit {
    /// Module path, kind and name of the smallest item that was edited: `tests::fn adds`.
    pub key: String,
    /// The line in the candidate, from 1; in the locked text for what was deleted.
    pub line: u32,
    /// What happened.
    pub kind: EditKind,
    /// The locked text; empty for what was added.
    pub locked_text: String,
    /// The candidate's text; empty for what was deleted.
    pub candidate_text: String,
}

/// All edits of the test code of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EditedUnits {
    /// What was changed, in the order of the locked text, additions last in their module.
    pub edits: Vec<UnitEdit>,
    /// Test functions that the candidate adds: allowed, listed, never evidence.
    pub added_tests: Vec<String>,
}

/// Compares the test units of a candidate with the locked ones. Differences of white space, comments and trailing commas
/// are none.
///
/// # Errors
/// [`LintError::TooLarge`] for a text over [`crate::MAX_FILE_BYTES`].
pub fn edited_units(locked: &str, candidate: &str) -> Result<EditedUnits, LintError> {
    check_size(locked)?;
    check_size(candidate)?;
    let (old, new) = (lex(locked), lex(candidate));
    let (old_outline, new_outline) = (outline(&old), outline(&new));
    let old_layout = layout(&old, &old_outline);
    let new_layout = layout(&new, &new_outline);
    let mut comparison = Comparison {
        old: Side::new(&old),
        new: Side::new(&new),
        result: EditedUnits::default(),
    };
    let mut homes: BTreeMap<&str, (Vec<Part<'_>>, Vec<Part<'_>>)> = BTreeMap::new();
    for unit in &old_layout.units {
        homes
            .entry(&unit.home)
            .or_default()
            .0
            .push(part_of_unit(unit));
    }
    for unit in &new_layout.units {
        homes
            .entry(&unit.home)
            .or_default()
            .1
            .push(part_of_unit(unit));
    }
    for (home, (old_parts, new_parts)) in homes {
        comparison.parts(home, old_parts, new_parts, false);
    }
    Ok(comparison.result)
}

struct Side<'a, 'text> {
    lexed: &'a Lexed<'text>,
    lines: LineIndex,
}

impl<'a, 'text> Side<'a, 'text> {
    fn new(lexed: &'a Lexed<'text>) -> Self {
        Self {
            lexed,
            lines: LineIndex::new(lexed.text),
        }
    }
    fn text(&self, tokens: &Range<usize>) -> String {
        let start = self.lexed.start_of(tokens.start);
        let end = self.lexed.end_before(tokens.end).max(start);
        self.lexed.text.get(start..end).unwrap_or("").to_owned()
    }
    fn line(&self, tokens: &Range<usize>) -> u32 {
        self.lines.line(self.lexed.start_of(tokens.start))
    }
}

/// An item, or something else in a test module (`#![allow(…)]`, what could not be read).
#[derive(Clone)]
struct Part<'a> {
    label: String,
    tokens: Range<usize>,
    item: Option<&'a Item>,
    modules: Vec<String>,
}

fn part_of_unit<'a>(unit: &Unit<'a>) -> Part<'a> {
    Part {
        label: label(unit.item),
        tokens: unit.item.tokens.clone(),
        item: Some(unit.item),
        modules: unit.modules.clone(),
    }
}

fn label(item: &Item) -> String {
    if item.name.is_empty() {
        item.kind.word().to_owned()
    } else {
        format!("{} {}", item.kind.word(), item.name)
    }
}

fn parts_of<'a>(container: &'a Container, modules: &[String]) -> Vec<Part<'a>> {
    container
        .pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Item(item) => Some(Part {
                label: label(item),
                tokens: item.tokens.clone(),
                item: Some(item),
                modules: modules.to_vec(),
            }),
            Piece::Comment(_) => None,
            Piece::InnerAttribute(tokens) | Piece::Stray(tokens) => Some(Part {
                label: "attribute".to_owned(),
                tokens: tokens.clone(),
                item: None,
                modules: modules.to_vec(),
            }),
        })
        .collect()
}

struct Comparison<'a, 'text> {
    old: Side<'a, 'text>,
    new: Side<'a, 'text>,
    result: EditedUnits,
}

impl Comparison<'_, '_> {
    /// Compares what two versions of one container hold. Items of one name (imports, `impl` blocks) are paired by their
    /// tokens first, so that moving or adding one does not look like a change of its neighbours.
    fn parts<'p>(
        &mut self,
        home: &str,
        old: Vec<Part<'p>>,
        new: Vec<Part<'p>>,
        inside_test_module: bool,
    ) {
        let mut candidates: BTreeMap<String, Vec<(String, Option<Part<'p>>)>> = BTreeMap::new();
        for part in new {
            candidates
                .entry(part.label.clone())
                .or_default()
                .push((normal_form(self.new.lexed, part.tokens.clone()), Some(part)));
        }
        let mut unpaired: Vec<Part<'p>> = Vec::new();
        let mut grouped: BTreeMap<String, Vec<Part<'p>>> = BTreeMap::new();
        let mut order = Vec::new();
        for part in old {
            let group = grouped.entry(part.label.clone()).or_default();
            if group.is_empty() {
                order.push(part.label.clone());
            }
            group.push(part);
        }
        for label in order {
            let group = grouped.remove(&label).unwrap_or_default();
            let mut others = candidates.remove(&label).unwrap_or_default();
            let mut index: BTreeMap<String, VecDeque<usize>> = BTreeMap::new();
            for (position, (form, _)) in others.iter().enumerate() {
                index.entry(form.clone()).or_default().push_back(position);
            }
            let mut different = Vec::new();
            for part in group {
                let form = normal_form(self.old.lexed, part.tokens.clone());
                match index.get_mut(&form).and_then(VecDeque::pop_front) {
                    Some(position) => others[position].1 = None,
                    None => different.push(part),
                }
            }
            let mut rest = others.into_iter().filter_map(|(_, part)| part);
            for part in different {
                let other = rest.next();
                self.pair(home, part, other);
            }
            unpaired.extend(rest);
        }
        unpaired.extend(
            candidates
                .into_values()
                .flatten()
                .filter_map(|(_, part)| part),
        );
        unpaired.sort_by_key(|part| part.tokens.start);
        for part in unpaired {
            self.added(home, &part, inside_test_module);
        }
    }

    fn key(home: &str, label: &str) -> String {
        if home.is_empty() {
            label.to_owned()
        } else {
            format!("{home}::{label}")
        }
    }

    fn pair(&mut self, home: &str, old: Part<'_>, new: Option<Part<'_>>) {
        let key = Self::key(home, &old.label);
        let Some(new) = new else {
            self.result.edits.push(UnitEdit {
                key,
                line: self.old.line(&old.tokens),
                kind: EditKind::Deleted,
                locked_text: self.old.text(&old.tokens),
                candidate_text: String::new(),
            });
            return;
        };
        if let (Some(old_item), Some(new_item)) = (old.item, new.item)
            && let (Some(old_module), Some(new_module)) = (&old_item.module, &new_item.module)
            && normal_form(self.old.lexed, head(old_item))
                == normal_form(self.new.lexed, head(new_item))
        {
            let inner = Self::key(home, &old_item.name);
            let mut modules = old.modules.clone();
            modules.push(old_item.name.clone());
            let (old_parts, new_parts) = (
                parts_of(old_module, &modules),
                parts_of(new_module, &modules),
            );
            self.parts(&inner, old_parts, new_parts, true);
            return;
        }
        self.result.edits.push(UnitEdit {
            key,
            line: self.new.line(&new.tokens),
            kind: EditKind::Modified,
            locked_text: self.old.text(&old.tokens),
            candidate_text: self.new.text(&new.tokens),
        });
    }

    /// Something that only the candidate has. A whole new test unit in the source part brings its own helpers; inside a
    /// locked module only test functions may be added, because anything else could change what the locked ones do.
    fn added(&mut self, home: &str, part: &Part<'_>, inside_test_module: bool) {
        if let Some(item) = part.item {
            let names = test_names(self.new.lexed, item, &part.modules);
            let allowed = if inside_test_module {
                is_test_function(item) || is_macro_of_tests(self.new.lexed, item)
            } else {
                !names.is_empty()
            };
            if allowed {
                self.result.added_tests.extend(names);
                return;
            }
        }
        self.result.edits.push(UnitEdit {
            key: Self::key(home, &part.label),
            line: self.new.line(&part.tokens),
            kind: EditKind::Added,
            locked_text: String::new(),
            candidate_text: self.new.text(&part.tokens),
        });
    }
}

/// A module's tokens up to its brace.
fn head(item: &Item) -> Range<usize> {
    item.tokens.start
        ..item
            .body
            .as_ref()
            .map_or(item.tokens.end, |body| body.start)
}

/// Keywords in front of a parenthesis that is no call.
const NOT_CALLED: [&str; 12] = [
    "return", "in", "match", "if", "while", "else", "break", "yield", "mut", "ref", "as", "let",
];

/// The tokens of a range without comments and without the commas that a formatter adds or removes.
fn normal_form(lexed: &Lexed<'_>, range: Range<usize>) -> String {
    let mut form = String::new();
    let mut before = "";
    // For each open group: whether it is a call, and whether it had a comma.
    let mut groups: Vec<(bool, bool)> = Vec::new();
    let indices: Vec<usize> = range
        .filter(|index| {
            !lexed
                .tokens
                .get(*index)
                .is_some_and(|token| token.is_comment())
        })
        .collect();
    for (position, index) in indices.iter().enumerate() {
        let text = lexed.text_at(*index);
        match lexed.kind_at(*index) {
            Some(TokenKind::Open) => {
                let word = before.starts_with(|c: char| c.is_alphanumeric() || c == '_');
                let is_call =
                    (word && !NOT_CALLED.contains(&before)) || matches!(before, "!" | ">");
                groups.push((is_call, false));
            }
            Some(TokenKind::Close) => _ = groups.pop(),
            Some(TokenKind::Punct) if text == "," => {
                let next = indices
                    .get(position + 1)
                    .map_or("", |next| lexed.text_at(*next));
                let (is_call, had_comma) = groups.last().copied().unwrap_or((false, false));
                let superfluous = match next {
                    "}" | "]" => true,
                    ")" => is_call || had_comma,
                    _ => false,
                };
                if superfluous {
                    continue;
                }
                if let Some(group) = groups.last_mut() {
                    group.1 = true;
                }
            }
            _ => {}
        }
        form.push_str(text);
        form.push('\0');
        before = text;
    }
    form
}
