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
//! * It appends a line to the file named by the environment variable [`SITES_VARIABLE`], flushed before it returns: `SITE`,
//!   a tab, and pytest's name for the test that is running. One line per site and test is enough.
//! * Without a direction it returns a value of the type of `E` that is different from it: a number some way off, a string
//!   with letters behind it, the other `bool`, a collection of the same type with one element changed. For `None`, and for
//!   types it does not know, a fresh object that equals nothing but itself. `E` is never changed in place.
//! * How far off and which letters come from the [`Seed`] of the gate, which is private: code under test cannot tell another
//!   value from a real one. They stand in the first line of the file of the sites (`offset`, tab, number, tab, letters), which
//!   the probe reads and empties before it loads anything of the project.
//! * `"greater"` and `"less"`: not a number, which is on no side of any number. `"far"`: the same, for comparisons with a
//!   tolerance; anything else than a number as without a direction.
//! * `"as_is"`: `E` itself. A plain number or string, also in a collection of literals, is changed in the text, so that
//!   code which reads the test file or the constants of its frames finds the other value, too.
//! * `"match"`: the pattern `(?!)`, which matches nothing.
//! * `"alien"`: an object of a type of its own ([`Change::Alien`]).
//! * It raises nothing. It does not know which run it is in: what asks it is told nothing.
//!
//! Behind the statement stands `__redgreen_went_on__("SITE", …)`, which reports `+SITE` in the same way: the assertion was
//! true with another expected value. In places where something may catch a failing assertion only that counts.
//!
//! # JavaScript
//!
//! As in Python; the helper is added behind the file (`javascript_helper.js.txt`), so that it is there in whatever global
//! object a runner gives to tests. Only places of the tests themselves are changed.
//!
//! # Rust
//!
//! Literals are replaced in place by others of the same type and, for byte strings, length. A value that is computed, or
//! stands in a variable, is changed when the test runs, where its type is one of the standard library's (`rust_helper.rs.txt`,
//! which is added behind the file). Calls before and behind the assertion report the site and that the test went on.
//!
//! # As it is
//!
//! Code that knows a changed test by its text, its constants or its helpers could behave like an honest stub there, and
//! so be noticed by nothing. [`Change::AsIs`] makes the same changes of the text with the original values: there every
//! test must pass.

mod go;
pub(crate) mod go_helper;
pub(crate) mod javascript;
mod python;
mod rust;
mod seed;

pub use seed::Seed;

use crate::syntax::parse;
use crate::{Language, LintError, check_size};
use redgreen_core::id::{Digest, ItemId, RelPath};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The name of the helper that mutated Python calls.
pub const HELPER: &str = "__redgreen_other__";
/// The environment variable that names the file to which the helper appends the sites it was called for.
pub const SITES_VARIABLE: &str = "REDGREEN_EXPECTATION_SITES";

/// What is behind a statement whose expected values were changed.
pub const WENT_ON: &str = "__redgreen_went_on__";

/// How values are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Another value of the same type; plain literals in the text itself.
    SameType,
    /// The original values in a text that is changed in the same way: what passes without it must pass with it.
    AsIs,
    /// Python only: another value of the same type, and the text keeps its literals. What finds its answers in the text
    /// of the tests is wrong then.
    AtRuntime,
    /// Python only: an object that nothing knows. What is by design equal to every value of a type (a matcher) is not
    /// equal to this one; what is equal to everything is.
    Alien,
}

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
    /// `raises(…, match="…")`, `#[should_panic(expected = "…")]`, `matches!`.
    Pattern,
}

/// A changed place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// What the helper reports: unique per file path and place.
    pub id: String,
    /// The item it controls; `None` in a helper, where the report says which test it was.
    pub item: Option<ItemId>,
    /// The line, from 1; the same before and after.
    pub line: u32,
    /// What was changed.
    pub kind: SiteKind,
    /// Nothing around it can catch a failing assertion: that the test passes says that the assertion was true.
    pub decisive: bool,
    /// It is evaluated whenever the test passes.
    pub certain: bool,
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
    /// Item names (`TestA::test_b`); none in a helper.
    items: Vec<String>,
    /// See [`Site::decisive`].
    decisive: bool,
    /// See [`Site::certain`].
    certain: bool,
}

/// How a range is changed.
enum Replacement {
    /// It becomes an argument of the Python helper.
    Helper(Option<&'static str>),
    /// Another literal, which the Python helper returns as it is: the original stands nowhere in the changed file.
    HelperLiteral(String),
    /// Another literal, which the Python helper changes again in this direction.
    HelperChanged(String, &'static str),
    /// Behind a Python statement: the places in it, by their start.
    WentOn(Vec<usize>),
    /// Parts of a Rust assertion are other text; the whole is reported.
    Assertion(RustAssertion),
    /// `#[should_panic(expected = "…")]` up to the opening brace of the body. Where nothing is expected yet, `literal` is
    /// empty and `other` is the whole argument.
    ExpectedPanic {
        literal: Range<usize>,
        other: String,
        helper: String,
    },
    /// Text that is put in, for the places of a function or for the whole file.
    Inserted(String),
    /// Go text in which the site's id stands for itself.
    Template(String),
}

/// A Rust assertion with other expected values.
struct RustAssertion {
    /// What is replaced, in order: literals by literals, or a value by what changes it when it is evaluated.
    parts: Vec<(Range<usize>, RustPart)>,
    /// The path of the helper module from here.
    helper: String,
    /// Whether the range is a statement with its semicolon.
    statement: bool,
    /// Whether nothing can catch its failure, so that going on need not be reported.
    decisive: bool,
}

enum RustPart {
    Literal(String),
    Value,
}

/// The name of the module that is added to a Rust file.
const RUST_HELPER: &str = "__redgreen_other";

impl RustAssertion {
    /// The assertion as it stands in the changed file. A value reports by itself, when its type is known.
    fn render(&self, text: &str, range: &Range<usize>, id: &str, as_is: bool) -> String {
        let mut out = String::new();
        let mut at = range.start;
        let mut reports = false;
        for (part, change) in &self.parts {
            out.push_str(text.get(at..part.start).unwrap_or(""));
            let old = text.get(part.clone()).unwrap_or("");
            match change {
                RustPart::Literal(new) => {
                    reports = true;
                    out.push_str(if as_is { old } else { new });
                }
                RustPart::Value => out.push_str(&format!(
                    "*(&&&{}Expected(&({old}), \"{id}\")).other()",
                    self.helper
                )),
            }
            at = part.end;
        }
        out.push_str(text.get(at..range.end).unwrap_or(""));
        let seen = if reports {
            format!("{}seen(\"{id}\"); ", self.helper)
        } else {
            String::new()
        };
        // An assertion with other literals stays as an author would write it: code that reads the tests finds them.
        let behind = if reports && self.decisive {
            String::new()
        } else {
            format!(" {}went_on(\"{id}\");", self.helper)
        };
        if self.statement {
            format!("{seen}{out}{behind}")
        } else {
            format!("{{ {seen}{out};{behind} }}")
        }
    }
}

/// Changes the expected values of the given items of one file, and nothing else.
///
/// # Errors
/// [`LintError::TooLarge`] for a text over [`crate::MAX_FILE_BYTES`].
pub fn mutate(language: Language, text: &str, items: &[ItemId]) -> Result<Mutated, LintError> {
    mutate_as(
        language,
        text,
        items,
        None,
        (Change::SameType, &Seed::default()),
        &BTreeSet::new(),
    )
}

/// The same with everything that can be chosen: the path that site ids are made of (for files without items of their
/// own), how values are changed and what other ones are made of, and the sites to leave as they are because they do not
/// compile.
///
/// # Errors
/// As [`mutate`].
pub fn mutate_as(
    language: Language,
    text: &str,
    items: &[ItemId],
    path: Option<&RelPath>,
    (change, seed): (Change, &Seed),
    without: &BTreeSet<String>,
) -> Result<Mutated, LintError> {
    check_size(text)?;
    let as_is = change == Change::AsIs;
    let listed: BTreeMap<&str, &ItemId> = items.iter().map(|id| (id.item.as_str(), id)).collect();
    let prefix: String = path
        .or_else(|| items.first().map(|id| &id.path))
        .map_or_else(String::new, |path| {
            Digest::of(path.as_str().as_bytes()).short()
        });
    let mut edits = match language {
        Language::Go => go::edits(
            parse(language, text)?.root_node(),
            text,
            &listed,
            &go::Values {
                suffix: &prefix,
                seed,
                as_is,
            },
        ),
        Language::Python => python::edits(&parse(language, text)?, text, &listed, seed)?,
        Language::JavaScript => javascript::edits(text, &listed, path, seed)?,
        Language::Rust => rust::edits(
            text,
            &listed,
            path.or_else(|| items.first().map(|id| &id.path)),
            seed,
        ),
    };
    edits.sort_by_key(|edit| edit.range.start);
    let mut ids: BTreeMap<usize, String> = BTreeMap::new();
    let mut result = Mutated {
        text: String::with_capacity(text.len()),
        sites: Vec::new(),
        uncontrolled: Vec::new(),
    };
    let mut at = 0;
    let mut helped = false;
    for (number, edit) in edits.into_iter().enumerate() {
        // Nested places cannot both be changed; the outer one comes first.
        if edit.range.start < at {
            continue;
        }
        let id = format!("{prefix}-{number}");
        if without.contains(&id) {
            continue;
        }
        if let Replacement::WentOn(places) = &edit.text {
            let known: Vec<String> = places
                .iter()
                .filter_map(|place| Some(format!("\"{}\"", ids.get(place)?)))
                .collect();
            if !known.is_empty() {
                result
                    .text
                    .push_str(text.get(at..edit.range.start).unwrap_or(""));
                result
                    .text
                    .push_str(&format!("; {WENT_ON}({})", known.join(", ")));
                at = edit.range.end;
            }
            continue;
        }
        if let Replacement::Inserted(inserted) = &edit.text {
            result
                .text
                .push_str(text.get(at..edit.range.start).unwrap_or(""));
            result.text.push_str(inserted);
            at = edit.range.end;
            continue;
        }
        ids.insert(edit.range.start, id.clone());
        result
            .text
            .push_str(text.get(at..edit.range.start).unwrap_or(""));
        let old = text.get(edit.range.clone()).unwrap_or("");
        match &edit.text {
            Replacement::WentOn(_) | Replacement::Inserted(_) => {}
            Replacement::Template(template) => {
                result.text.push_str(&template.replace(go::SITE, &id));
            }
            Replacement::Helper(_)
            | Replacement::HelperLiteral(_)
            | Replacement::HelperChanged(..)
                if change == Change::Alien =>
            {
                result
                    .text
                    .push_str(&format!("{HELPER}({old}, \"{id}\", \"alien\")"));
            }
            Replacement::Helper(_)
            | Replacement::HelperLiteral(_)
            | Replacement::HelperChanged(..)
                if as_is =>
            {
                result
                    .text
                    .push_str(&format!("{HELPER}({old}, \"{id}\", \"as_is\")"));
            }
            Replacement::HelperLiteral(_) if change == Change::AtRuntime => {
                result.text.push_str(&format!("{HELPER}({old}, \"{id}\")"));
            }
            Replacement::HelperChanged(_, direction) if change == Change::AtRuntime => {
                result
                    .text
                    .push_str(&format!("{HELPER}({old}, \"{id}\", \"{direction}\")"));
            }
            Replacement::HelperChanged(new, direction) => {
                result
                    .text
                    .push_str(&format!("{HELPER}({new}, \"{id}\", \"{direction}\")"));
            }
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
            Replacement::ExpectedPanic {
                literal,
                other,
                helper,
            } => {
                helped = true;
                let rest = text.get(literal.end..edit.range.end).unwrap_or("");
                let other = match text.get(literal.clone()) {
                    Some(old) if as_is => old,
                    _ => other,
                };
                result
                    .text
                    .push_str(&format!("{other}{rest} {helper}seen(\"{id}\");"));
            }
            Replacement::Assertion(assertion) => {
                helped = true;
                result
                    .text
                    .push_str(&assertion.render(text, &edit.range, &id, as_is));
            }
        }
        at = edit.range.end;
        let site = |item: Option<ItemId>| Site {
            id: id.clone(),
            item,
            line: edit.line,
            kind: edit.kind,
            decisive: edit.decisive,
            certain: edit.certain,
        };
        if edit.items.is_empty() {
            result.sites.push(site(None));
        }
        for name in &edit.items {
            if let Some(item) = listed.get(name.as_str()) {
                result.sites.push(site(Some((*item).clone())));
            }
        }
    }
    result.text.push_str(text.get(at..).unwrap_or(""));
    if language == Language::JavaScript && !result.sites.is_empty() {
        let path = path.or_else(|| items.first().map(|id| &id.path));
        let (typed, module) = javascript::dialect(text, path);
        result.text.push('\n');
        result
            .text
            .push_str(&javascript::helper(typed, module, seed));
    }
    if helped {
        result.text.push('\n');
        let right = seed.mask();
        let offset = if as_is { 0 } else { u64::from(seed.offset()) };
        let helper = include_str!("expectations/rust_helper.rs.txt")
            .replace("@LEFT@", &(right ^ offset).to_string())
            .replace("@RIGHT@", &right.to_string())
            .replace("@WORD@", seed.word());
        result.text.push_str(&helper);
    }
    let controlled: BTreeSet<&ItemId> = result
        .sites
        .iter()
        .filter_map(|site| site.item.as_ref())
        .collect();
    result.uncontrolled = items
        .iter()
        .filter(|item| !controlled.contains(item))
        .cloned()
        .collect();
    Ok(result)
}
