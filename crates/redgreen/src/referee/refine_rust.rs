//! What the text of Rust tests adds to causes: whose code made the value that a test stumbled over (SPEC B3).
//!
//! `found.unwrap()` in a test is an assertion when the code under test returned `found`, and a slip when the test made
//! it; rustc's "mismatched types" is a new signature when first-party code is in the statement. What cannot be followed
//! keeps the cause that it has.

use super::context::{Context, Setting as Tree};
use super::proposal::text_of;
use crate::error::Failure;
use redgreen_core::id::RelPath;
use redgreen_core::outcome::Cause;
use redgreen_core::run_report::{CauseDetail, RunReport};
use redgreen_formats::cargo::diagnostics::is_standard_type;
use redgreen_host::path_rules::PathClass;
use redgreen_host::tree::Snapshot;
use redgreen_lint::provenance::{Origin, Question, Setting, may_extend, origin};
use std::collections::{BTreeMap, BTreeSet};

/// System errors that a connection gives when nobody listens, or the network is not there.
const NETWORK: [&str; 6] = [
    "code: 111,",
    "code: 101,",
    "code: 113,",
    "code: 110,",
    "code: 99,",
    "Uncategorized, message: \"failed to lookup",
];

/// Refines every cause of these runs that is about a Rust file of a tree.
///
/// # Errors
/// A failure when a blob cannot be read.
pub fn refine_rust(
    context: &Context,
    setting: &Tree,
    tree: &Snapshot,
    runs: &mut [&mut RunReport],
) -> Result<(), Failure> {
    let mut files: BTreeSet<&RelPath> = BTreeSet::new();
    for run in runs.iter() {
        files.extend(run.cases.iter().filter_map(|case| case.file.as_ref()));
        let located = run.load_failures.iter().flat_map(|failure| &failure.causes);
        files.extend(located.filter_map(|located| located.file.as_ref()));
    }
    let mut texts = BTreeMap::new();
    for file in files
        .into_iter()
        .filter(|file| file.extension() == Some("rs"))
    {
        if let Some(text) = text_of(tree, &context.repository, file)? {
            texts.insert(file.clone(), text);
        }
    }
    if texts.is_empty() {
        return Ok(());
    }
    let tests = RustTests {
        crates: own_crates(context, tree)?,
        texts,
        is_source: &|path| setting.rules.class(path) == PathClass::Source,
    };
    for run in runs {
        tests.refine(run);
    }
    Ok(())
}

/// The names under which the packages of a tree are used.
fn own_crates(context: &Context, tree: &Snapshot) -> Result<Vec<String>, Failure> {
    let manifests: Vec<RelPath> = tree
        .files()
        .keys()
        .filter(|path| path.file_name() == "Cargo.toml")
        .cloned()
        .collect();
    let mut names = Vec::new();
    for (_, bytes) in tree
        .bytes_of(&context.repository, &manifests)
        .map_err(Failure::internal)?
    {
        let Ok(manifest) = toml::from_str::<toml::Table>(&String::from_utf8_lossy(&bytes)) else {
            continue;
        };
        for section in ["package", "lib"] {
            let name = manifest
                .get(section)
                .and_then(|section| section.get("name")?.as_str());
            names.extend(name.map(|name| name.replace('-', "_")));
        }
    }
    Ok(names)
}

/// The files of tests and the names of the project's crates.
struct RustTests<'a> {
    crates: Vec<String>,
    texts: BTreeMap<RelPath, String>,
    is_source: &'a dyn Fn(&RelPath) -> bool,
}

impl RustTests<'_> {
    fn refine(&self, run: &mut RunReport) {
        for case in &mut run.cases {
            let (Some(cause), Some(file)) = (&mut case.cause, &case.file) else {
                continue;
            };
            if let Some((line, column)) = panic_place(&case.message) {
                self.panicked(cause, file, line, column, &case.message);
            }
        }
        for failure in &mut run.load_failures {
            for located in &mut failure.causes {
                if let (Some(file), Some(line)) = (&located.file, located.line) {
                    self.compile_error(&mut located.cause, file, line, &located.message);
                }
            }
        }
    }

    fn ask(&self, file: &RelPath, question: Question<'_>) -> Origin {
        match self.texts.get(file) {
            Some(text) => self.with(file, |setting| origin(text, question, setting)),
            None => Origin::Unknown,
        }
    }

    fn with<T>(&self, file: &RelPath, ask: impl FnOnce(Setting<'_>) -> T) -> T {
        ask(Setting {
            is_own_crate: &|name| self.crates.iter().any(|own| own == name),
            in_source: (self.is_source)(file),
        })
    }

    fn panicked(
        &self,
        cause: &mut CauseDetail,
        file: &RelPath,
        line: u32,
        column: u32,
        message: &str,
    ) {
        let asks = match cause.cause {
            Cause::RaisedInTest => true,
            // A comparison is one, whoever made its sides.
            Cause::Assertion => {
                message.contains("called `Result::unwrap") || message.contains(": Os { code")
            }
            _ => false,
        };
        if !asks {
            return;
        }
        match self.ask(file, Question::Panic(line, column)) {
            Origin::FirstParty if cause.cause == Cause::RaisedInTest => {
                cause.cause = Cause::Assertion;
                cause.detail = format!(
                    "what the code under test gave is not what the test needs: {}",
                    first_line(message)
                );
            }
            Origin::Own => {
                if NETWORK.iter().any(|code| message.contains(code)) {
                    cause.cause = Cause::Environment;
                    cause.detail = format!(
                        "a service or the network is missing: {}",
                        first_line(message)
                    );
                } else if message.contains("Os { code: 2,") {
                    cause.cause = Cause::SetupFailed;
                    cause.detail = format!(
                        "a file that the test reads is missing: {}",
                        first_line(message)
                    );
                } else {
                    cause.cause = Cause::RaisedInTest;
                    cause.detail = format!(
                        "the test stumbled over a value that it made by itself: {}",
                        first_line(message)
                    );
                }
            }
            Origin::FirstParty | Origin::Unknown => {}
        }
    }

    fn compile_error(&self, cause: &mut CauseDetail, file: &RelPath, line: u32, message: &str) {
        match cause.cause {
            Cause::TypeMismatch
                if message.starts_with("error[E0308]")
                    && self.ask(file, Question::Statement(line)) == Origin::FirstParty =>
            {
                cause.cause = Cause::Signature;
                cause.detail = format!("the code under test has other types: {}", cause.detail);
            }
            Cause::DoesNotCompile
                if message.contains("no rules expected")
                    && self.ask(file, Question::Macros(line)) == Origin::FirstParty =>
            {
                cause.cause = Cause::Signature;
                cause.detail = format!(
                    "a macro of the project does not take this form yet: {}",
                    cause.detail
                );
            }
            Cause::MissingSymbol | Cause::SimilarName if message.starts_with("error[E0599]") => {
                let mut quoted = message.split('`').skip(1).step_by(2);
                let (Some(method), Some(owner)) = (quoted.next(), quoted.next()) else {
                    return;
                };
                let extended = self
                    .texts
                    .get(file)
                    .is_none_or(|text| self.with(file, |setting| may_extend(text, setting)));
                if is_standard_type(owner)
                    && !extended
                    && self.ask(file, Question::Receiver(line, method)) == Origin::Own
                {
                    cause.cause = Cause::WrongForeignSymbol;
                    cause.detail = format!("`{owner}` has no method `{method}`");
                }
            }
            _ => {}
        }
    }
}

/// Line and column in `thread 'it' (3) panicked at tests/a.rs:3:5:`.
fn panic_place(message: &str) -> Option<(u32, u32)> {
    let (_, rest) = message.split_once(" panicked at ")?;
    let place = rest.lines().next()?.strip_suffix(':')?;
    let (rest, column) = place.rsplit_once(':')?;
    let (_, line) = rest.rsplit_once(':')?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

/// What was panicked with, in one line.
fn first_line(message: &str) -> String {
    let said = message
        .lines()
        .find(|line| !line.trim().is_empty() && !line.contains(" panicked at "));
    said.unwrap_or_default().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::panic_place;

    #[test]
    fn b3_the_place_of_a_panic_is_in_its_message() {
        let text = "thread 'it' (3) panicked at tests/a.rs:3:51:\nindex out of bounds";
        assert_eq!(panic_place(text), Some((3, 51)));
        assert_eq!(panic_place("assertion failed"), None);
    }
}
