//! Test code inside Rust source files: taking it out, putting it back, finding edits of it (SPEC A6, B4, B5).
//!
//! A *test unit* is an item at module level, at any depth of inline modules, that exists only in test builds: it is
//! governed by `#[cfg(test)]` (also `cfg(all(test, …))`, and `cfg(any(…))` where every part implies `test`; a plain
//! `cfg(any(test, feature = "x"))` also holds in the shipped program and is source), or it is a test function, or a
//! macro call that holds nothing but test functions (`proptest! { … }`). A file or module with `#![cfg(test)]` consists
//! of test units. Members of an `impl` block are never units of their own.
//!
//! A unit owns the doc comments in front of it, ordinary comments directly above it, and a comment behind it on its last
//! line.

mod edits;
mod units;

pub use edits::{EditKind, EditedUnits, UnitEdit, edited_units};
pub use units::{OutOfLineModule, TestUnit, out_of_line_test_modules, strip_tests, test_units};

use crate::check_size;
use crate::lang::rust::lexer::{Lexed, lex};
use crate::lang::rust::outline::{ItemKind, outline};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use units::{Layout, Unit, layout, stripped};

/// Why test units could not be put into a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpliceError {
    /// One of the texts is larger than [`crate::MAX_FILE_BYTES`].
    #[error(transparent)]
    Unreadable(#[from] crate::LintError),
    /// A delimiter has no partner, so that nobody can say where an item ends.
    #[error("the {which} has a bracket without its partner; make it parse first")]
    Unbalanced {
        /// `source` (the base) or `tests` (the donor).
        which: &'static str,
    },
    /// The inline module that holds the tests does not exist in the base.
    #[error(
        "`{key}` belongs into module `{module}`, which the source does not have; keep that module in this file"
    )]
    NoHome {
        /// The unit.
        key: String,
        /// The module path.
        module: String,
    },
    /// The result would not hold exactly the source of one file and the tests of the other: source and tests stand so
    /// close together (comments on one line, half-written items) that they cannot be told apart.
    #[error("source and tests cannot be told apart near `{near}`; put them on lines of their own")]
    Entangled {
        /// A unit that came out differently, or `source`.
        near: String,
    },
}

/// One change of a text.
struct Change {
    range: Range<usize>,
    text: String,
}

/// The source of `base` with the test units of `donor`: replaced in place, appended at the end of the file or of the
/// enclosing module when new (macros in front of the next unit, because they must come before their use), removed when
/// the donor lacks them.
///
/// For every result: `test_units` of it are those of the donor, `strip_tests` of it is that of the base.
///
/// # Errors
/// See [`SpliceError`]; never a text that breaks one of the two laws.
pub fn splice(base: &str, donor: &str) -> Result<String, SpliceError> {
    check_size(base)?;
    check_size(donor)?;
    let (base_lexed, donor_lexed) = (lex(base), lex(donor));
    if !base_lexed.balanced {
        return Err(SpliceError::Unbalanced { which: "source" });
    }
    if !donor_lexed.balanced {
        return Err(SpliceError::Unbalanced { which: "tests" });
    }
    let (base_outline, donor_outline) = (outline(&base_lexed), outline(&donor_lexed));
    let base_layout = layout(&base_lexed, &base_outline);
    let donor_layout = layout(&donor_lexed, &donor_outline);
    let changes = changes(base, &base_layout, donor, &donor_layout)?;
    if changes.is_empty() {
        return Ok(base.to_owned());
    }
    let result = apply(base, changes);
    verify(&result, &base_lexed, &base_layout, donor, &donor_layout)?;
    Ok(result)
}

fn changes(
    base: &str,
    base_layout: &Layout<'_>,
    donor: &str,
    donor_layout: &Layout<'_>,
) -> Result<Vec<Change>, SpliceError> {
    let eol = if base.contains("\r\n") { "\r\n" } else { "\n" };
    let donor_units: BTreeMap<&str, &Unit<'_>> = donor_layout
        .units
        .iter()
        .map(|unit| (unit.key.as_str(), unit))
        .collect();
    let mut changes = Vec::new();
    for unit in &base_layout.units {
        let change = match donor_units.get(unit.key.as_str()) {
            Some(new) => replacement(base, unit, slice(donor, &new.range), eol),
            None => Some(removal(base, &unit.range)),
        };
        changes.extend(change);
    }
    let removed: Vec<Range<usize>> = changes
        .iter()
        .filter(|change| change.text.is_empty())
        .map(|change| change.range.clone())
        .collect();
    let present: BTreeMap<&str, &Unit<'_>> = base_layout
        .units
        .iter()
        .map(|unit| (unit.key.as_str(), unit))
        .collect();
    // The next unit of the same container that the base has, for every unit of the donor.
    let mut following: BTreeMap<&str, &Unit<'_>> = BTreeMap::new();
    let mut appended: BTreeMap<&str, String> = BTreeMap::new();
    let mut in_front: Vec<(usize, String)> = Vec::new();
    let mut anchors: BTreeMap<&str, usize> = BTreeMap::new();
    let mut new_units = Vec::new();
    for unit in donor_layout.units.iter().rev() {
        if let Some(existing) = present.get(unit.key.as_str()) {
            following.insert(&unit.home, existing);
        } else {
            new_units.push((unit, following.get(unit.home.as_str()).copied()));
        }
    }
    for (unit, next) in new_units.into_iter().rev() {
        let Some(home) = base_layout.homes.get(&unit.home) else {
            return Err(SpliceError::NoHome {
                key: unit.key.clone(),
                module: unit.home.clone(),
            });
        };
        let text = slice(donor, &unit.range);
        let must_come_first = unit.item.kind == ItemKind::MacroDefinition
            || unit
                .item
                .attributes
                .iter()
                .any(|attribute| attribute.path == "macro_use");
        // Further ones of a name keep their order: they go where the first went.
        let first_key = unit.key.split('#').next().unwrap_or(&unit.key);
        let anchor = if first_key == unit.key {
            next.map(|next| next.range.start)
        } else {
            anchors.get(first_key).copied()
        };
        match anchor {
            Some(at) if must_come_first => {
                let indent = indent_before(base, at).unwrap_or("");
                in_front.push((at, format!("{text}{eol}{eol}{indent}")));
                anchors.insert(first_key, at);
            }
            _ => {
                let indent = indent_before(donor, unit.range.start).unwrap_or("");
                let added = appended.entry(unit.home.as_str()).or_default();
                let before = slice(base, &(0..home.append_at));
                if added.is_empty() && before.trim_start_matches('\u{feff}').is_empty() {
                    added.push_str(indent);
                } else {
                    let ends_line = added.is_empty() && before.ends_with('\n');
                    added.push_str(if ends_line { "" } else { eol });
                    added.push_str(eol);
                    added.push_str(indent);
                }
                added.push_str(text);
            }
        }
    }
    for (home, mut text) in appended {
        let Some(home) = base_layout.homes.get(home) else {
            continue;
        };
        // Where the last unit of the container goes, new ones come behind what its removal takes along.
        let next = removed.partition_point(|range| range.start <= home.append_at);
        let covering = next
            .checked_sub(1)
            .and_then(|index| removed.get(index))
            .filter(|range| range.end >= home.append_at);
        let at = covering.map_or(home.append_at, |range| range.end);
        if covering.is_some() || !at_line_end(slice(base, &(at..base.len()))) {
            text.push_str(eol);
        }
        changes.push(Change {
            range: at..at,
            text,
        });
    }
    changes.extend(in_front.into_iter().map(|(at, text)| Change {
        range: at..at,
        text,
    }));
    Ok(changes)
}

fn slice<'text>(text: &'text str, range: &Range<usize>) -> &'text str {
    text.get(range.clone()).unwrap_or("")
}

/// The white space in front of a place, when nothing else stands before it on its line.
fn indent_before(text: &str, at: usize) -> Option<&str> {
    let before = text.get(..at)?;
    let line = before.trim_end_matches([' ', '\t']);
    (line.is_empty() || line == "\u{feff}" || line.ends_with('\n')).then(|| &before[line.len()..])
}

fn replacement(base: &str, unit: &Unit<'_>, new: &str, eol: &str) -> Option<Change> {
    if slice(base, &unit.range) == new {
        return None;
    }
    let mut text = String::new();
    // A comment of the unit must stay the unit's: it needs a line of its own.
    if new.starts_with('/') && indent_before(base, unit.range.start).is_none() {
        text.push_str(eol);
    }
    text.push_str(new);
    let rest = slice(base, &(unit.range.end..base.len()));
    let last_line = new.rsplit('\n').next().unwrap_or(new);
    if last_line.contains("//") && !rest.is_empty() && !at_line_end(rest) {
        text.push_str(eol);
    }
    Some(Change {
        range: unit.range.clone(),
        text,
    })
}

/// Whether a line ends here, without a blank in between (it would become part of a comment in front of it).
fn at_line_end(rest: &str) -> bool {
    rest.starts_with('\n') || rest.starts_with("\r\n")
}

/// Removes a unit, with its lines and one of two blank lines around them when it has the lines to itself.
fn removal(base: &str, range: &Range<usize>) -> Change {
    let exact = Change {
        range: range.clone(),
        text: String::new(),
    };
    let Some(indent) = indent_before(base, range.start) else {
        return exact;
    };
    let rest = slice(base, &(range.end..base.len()));
    let after = rest.trim_start_matches([' ', '\t', '\r']);
    let line_rest = rest.len() - after.len() + usize::from(after.starts_with('\n'));
    if !after.is_empty() && !after.starts_with('\n') {
        return exact;
    }
    let mut start = range.start - indent.len();
    let mut end = range.end + line_rest;
    let before = slice(base, &(0..start));
    let blank_before = before
        .lines()
        .next_back()
        .is_none_or(|line| line.trim().is_empty());
    if end == base.len() {
        let kept = before.trim_end();
        if kept.trim_start_matches('\u{feff}').is_empty() {
            return Change {
                range: start..end,
                text: String::new(),
            };
        }
        // The last line keeps its end.
        let line_end = before[kept.len()..]
            .find('\n')
            .map_or(before.len(), |at| kept.len() + at + 1);
        start = line_end;
    } else if blank_before {
        for line in slice(base, &(end..base.len())).split_inclusive('\n') {
            if !line.trim().is_empty() || !line.ends_with('\n') {
                break;
            }
            end += line.len();
        }
    }
    Change {
        range: start..end,
        text: String::new(),
    }
}

/// Applies changes in the order of their places; one that begins inside an earlier one is shortened.
fn apply(base: &str, mut changes: Vec<Change>) -> String {
    changes.sort_by_key(|change| (change.range.start, change.range.end));
    let mut result = String::with_capacity(base.len());
    let mut at = 0;
    for change in changes {
        let start = change.range.start.max(at);
        result.push_str(slice(base, &(at..start)));
        result.push_str(&change.text);
        at = change.range.end.max(start);
    }
    result.push_str(slice(base, &(at..base.len())));
    result
}

/// The two laws, checked on every result rather than believed.
fn verify(
    result: &str,
    base_lexed: &Lexed<'_>,
    base_layout: &Layout<'_>,
    donor: &str,
    donor_layout: &Layout<'_>,
) -> Result<(), SpliceError> {
    check_size(result)?;
    let lexed = lex(result);
    let outline = outline(&lexed);
    let layout = layout(&lexed, &outline);
    let pairs = |text: &str, layout: &Layout<'_>| -> BTreeSet<(String, String)> {
        layout
            .units
            .iter()
            .map(|unit| (unit.key.clone(), slice(text, &unit.range).to_owned()))
            .collect()
    };
    let (made, wanted) = (pairs(result, &layout), pairs(donor, donor_layout));
    if let Some((key, _)) = made.symmetric_difference(&wanted).next() {
        return Err(SpliceError::Entangled { near: key.clone() });
    }
    if stripped(&lexed, &layout) != stripped(base_lexed, base_layout) {
        return Err(SpliceError::Entangled {
            near: "source".to_owned(),
        });
    }
    Ok(())
}
