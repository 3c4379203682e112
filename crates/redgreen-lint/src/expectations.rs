//! Changed expectations (SPEC C7): the same tests with other expected values, which an honest implementation must fail.
//!
//! Values are changed, never negated: `not (a == b)` would also flip for an object that equals everything. Each changed
//! place keeps its line, so that messages of the control run point to the real test.
//!
//! # Python: the helper `__redgreen_other__`
//!
//! An expected value `E` becomes `__redgreen_other__(E, "SITE")` or `__redgreen_other__(E, "SITE", "DIRECTION")`. The
//! probe that runs the tests installs the helper in `builtins`, with this contract:
//!
//! * It appends `SITE` and a newline to the file named by the environment variable [`SITES_VARIABLE`], flushed before it
//!   returns, and does nothing there when the variable is not set.
//! * Without a direction it returns a value of the type of `E` that is different from it: a number far away, a string that
//!   neither contains nor is contained in it, the other `bool`, a collection of the same type with one element more (of a
//!   kind that no code produces). For `None`, and for types it does not know, a fresh object that equals nothing but
//!   itself. `E` is never changed in place.
//! * `"greater"` and `"less"`: a number far above or below `E`.
//! * `"as_is"`: `E` itself. A plain number or string is changed in the text, so that code which reads the test file or the
//!   constants of its frames finds the other value, too.
//! * `"match"`: the pattern `(?!)`, which matches nothing.
//! * It raises nothing.
//!
//! # Rust
//!
//! Literals are replaced in place by one of the same type and, for byte strings, length. A block before the assertion (or,
//! where it is no statement, around the literal) appends the site to the same file, with the standard library alone and
//! on the same line.

mod python;
mod rust;

use crate::syntax::parse;
use crate::{Language, LintError, check_size};
use redgreen_core::id::{Digest, ItemId};
use std::collections::BTreeMap;
use std::ops::Range;

/// The name of the helper that mutated Python calls.
pub const HELPER: &str = "__redgreen_other__";
/// The environment variable that names the file to which the helper appends the sites it was called for.
pub const SITES_VARIABLE: &str = "REDGREEN_EXPECTATION_SITES";

/// What kind of expectation was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SiteKind {
    /// `==`, `assertEqual`, `assert_eq!`, `approx`.
    Equality,
    /// `is True`, `assertIs`.
    Identity,
    /// `"x" in f()`.
    Membership,
    /// `f() > 3`.
    Ordering,
    /// `raises(…, match="…")`.
    Pattern,
}

/// A changed place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// What the helper reports: unique per file path and place.
    pub id: String,
    /// The item it controls.
    pub item: ItemId,
    /// The line, from 1; the same before and after.
    pub line: u32,
    /// What was changed.
    pub kind: SiteKind,
}

/// A test file with other expected values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutated {
    /// The new text; the same as before where nothing could be changed.
    pub text: String,
    /// The changed places, in order. Tests shared by several items (inherited methods) give a site for each of them.
    pub sites: Vec<Site>,
    /// Items without a changed place: no control is possible.
    pub uncontrolled: Vec<ItemId>,
}

/// A replacement, and where it belongs.
struct Edit {
    range: Range<usize>,
    text: Replacement,
    line: u32,
    kind: SiteKind,
    /// Item names (`TestA::test_b`).
    items: Vec<String>,
}

/// How a range is changed.
enum Replacement {
    /// It becomes an argument of the Python helper.
    Helper(Option<&'static str>),
    /// Another literal, which the Python helper returns as it is: the original stands nowhere in the changed file.
    HelperLiteral(String),
    /// Other text in a block that reports the site first.
    Reported(String),
    /// Other text from an offset on, with a block before the whole that reports the site.
    ReportedBefore(usize, String),
}

/// A statement that reports a site, for Rust. Absolute paths, so that nothing of the file can stand in between.
fn report(site: &str) -> String {
    format!(
        "if let ::std::result::Result::Ok(path) = ::std::env::var(\"{SITES_VARIABLE}\") {{ \
         if let ::std::result::Result::Ok(mut file) = \
         ::std::fs::OpenOptions::new().create(true).append(true).open(path) {{ \
         let _ = ::std::io::Write::write_all(&mut file, b\"{site}\\n\"); }} }}"
    )
}

/// Changes the expected values of the given items of one file, and nothing else.
///
/// # Errors
/// [`LintError::TooLarge`] for a text over [`crate::MAX_FILE_BYTES`].
pub fn mutate(language: Language, text: &str, items: &[ItemId]) -> Result<Mutated, LintError> {
    check_size(text)?;
    let listed: BTreeMap<&str, &ItemId> = items.iter().map(|id| (id.item.as_str(), id)).collect();
    let mut edits = match language {
        Language::Python => python::edits(&parse(language, text)?, text, &listed)?,
        Language::Rust => rust::edits(text, &listed),
    };
    edits.sort_by_key(|edit| edit.range.start);
    let prefix: String = items.first().map_or_else(String::new, |id| {
        Digest::of(id.path.as_str().as_bytes()).short()
    });
    let mut result = Mutated {
        text: String::with_capacity(text.len()),
        sites: Vec::new(),
        uncontrolled: Vec::new(),
    };
    let mut at = 0;
    for (number, edit) in edits.into_iter().enumerate() {
        // Nested places cannot both be changed; the outer one comes first.
        if edit.range.start < at {
            continue;
        }
        let id = format!("{prefix}-{number}");
        result
            .text
            .push_str(text.get(at..edit.range.start).unwrap_or(""));
        let old = text.get(edit.range.clone()).unwrap_or("");
        match &edit.text {
            Replacement::Helper(None) => {
                result.text.push_str(&format!("{HELPER}({old}, \"{id}\")"));
            }
            Replacement::HelperLiteral(new) => {
                result
                    .text
                    .push_str(&format!("{HELPER}({new}, \"{id}\", \"as_is\")"));
            }
            Replacement::Helper(Some(direction)) => result
                .text
                .push_str(&format!("{HELPER}({old}, \"{id}\", \"{direction}\")")),
            Replacement::Reported(new) => {
                result
                    .text
                    .push_str(&format!("{{ {} {new} }}", report(&id)));
            }
            Replacement::ReportedBefore(offset, new) => {
                let kept = old.get(..*offset).unwrap_or("");
                result
                    .text
                    .push_str(&format!("{{ {} }} {kept}{new}", report(&id)));
            }
        }
        at = edit.range.end;
        for name in &edit.items {
            if let Some(item) = listed.get(name.as_str()) {
                result.sites.push(Site {
                    id: id.clone(),
                    item: (*item).clone(),
                    line: edit.line,
                    kind: edit.kind,
                });
            }
        }
    }
    result.text.push_str(text.get(at..).unwrap_or(""));
    let controlled: std::collections::BTreeSet<&ItemId> =
        result.sites.iter().map(|site| &site.item).collect();
    result.uncontrolled = items
        .iter()
        .filter(|item| !controlled.contains(item))
        .cloned()
        .collect();
    Ok(result)
}
