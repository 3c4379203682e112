//! Why a test did not pass: the table for JavaScript of `reference/test-results.md`, 3.4.

use super::places::{Owner, Places};
use super::records::Thrown;
use super::stack::{frames, head};
use redgreen_core::id::RelPath;
use redgreen_core::outcome::Cause;
use redgreen_core::run_report::CauseDetail;
use regex::Regex;
use std::sync::LazyLock;

/// Where an error came up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// While a file was loaded.
    Load,
    /// In a hook around tests.
    Hook,
    /// In a test.
    Call,
}

/// A cause with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Why.
    pub cause: CauseDetail,
    /// The file to look at.
    pub file: Option<RelPath>,
    /// The line in it.
    pub line: Option<u32>,
}

fn detail(cause: Cause, detail: impl Into<String>, symbol: Option<&str>) -> CauseDetail {
    CauseDetail {
        cause,
        detail: detail.into(),
        symbol: symbol.map(str::to_owned),
    }
}

/// The first line of a message that says something, without colours, at most 200 characters.
#[must_use]
pub fn first_line(text: &str) -> String {
    let plain = without_colours(text);
    plain
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or("")
        .chars()
        .take(200)
        .collect()
}

/// A text without escape sequences of terminals.
#[must_use]
pub fn without_colours(text: &str) -> String {
    static COLOURS: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new("\u{1b}\\[[0-9;]*[A-Za-z]").ok());
    match COLOURS.as_ref() {
        Some(colours) => colours.replace_all(text, "").into_owned(),
        None => text.to_owned(),
    }
}

/// Classifies what a test of `own` threw.
#[must_use]
pub fn cause(thrown: &Thrown, stage: Stage, own: &RelPath, places: &Places<'_>) -> Found {
    let seen = Seen::new(thrown, own, places);
    let cause = seen.cause(stage);
    let (file, line) = seen.place();
    Found { cause, file, line }
}

struct Seen<'a> {
    outer: &'a Thrown,
    error: &'a Thrown,
    message: String,
    own: &'a RelPath,
    places: &'a Places<'a>,
    /// Frames of the tree, innermost first.
    frames: Vec<(RelPath, u32, Owner, String)>,
}

/// Names that a test gets from node, its runner or an assertion library.
const FOREIGN_ROOTS: [&str; 40] = [
    "expect",
    "assert",
    "t",
    "chai",
    "vi",
    "jest",
    "sinon",
    "should",
    "cy",
    "page",
    "console",
    "Math",
    "JSON",
    "Object",
    "Array",
    "String",
    "Number",
    "Promise",
    "Reflect",
    "Symbol",
    "process",
    "Buffer",
    "fs",
    "path",
    "os",
    "util",
    "test",
    "it",
    "describe",
    "suite",
    "before",
    "after",
    "beforeEach",
    "afterEach",
    "beforeAll",
    "afterAll",
    "mock",
    "Date",
    "Set",
    "Map",
];

impl<'a> Seen<'a> {
    fn new(thrown: &'a Thrown, own: &'a RelPath, places: &'a Places<'a>) -> Self {
        let error = thrown.met();
        let stack = if error.stack.is_empty() {
            &error.text
        } else {
            &error.stack
        };
        let frames = frames(&without_colours(stack))
            .into_iter()
            .filter_map(|frame| {
                let path = places.relative(&frame.file)?;
                let owner = (places.owner)(&path);
                Some((path, frame.line, owner, frame.function))
            })
            .collect();
        Self {
            outer: thrown,
            error,
            message: without_colours(&error.message),
            own,
            places,
            frames,
        }
    }

    fn place(&self) -> (Option<RelPath>, Option<u32>) {
        if let Some(path) = self.places.relative(&self.error.id)
            && let Some(line) = self.error.at
        {
            return (Some(path), Some(line));
        }
        let frame = self
            .frames
            .iter()
            .find(|frame| frame.0 == *self.own)
            .or_else(|| self.frames.first());
        if let Some((path, line, ..)) = frame {
            return (Some(path.clone()), Some(*line));
        }
        match head(&without_colours(&self.error.stack)) {
            Some((file, line)) => match self.places.relative(&file) {
                Some(path) => (Some(path), Some(line)),
                None => (None, None),
            },
            None => (None, None),
        }
    }

    /// Whose the innermost frame of the tree is: what a library raises counts for who called it.
    fn last(&self) -> Owner {
        self.frames.first().map_or(Owner::Foreign, |frame| frame.2)
    }

    fn summary(&self) -> String {
        first_line(&self.error.text())
    }

    fn named(&self, name: &str) -> bool {
        self.error.name == name
            || self.error.class == name
            || self.error.stack.starts_with(&format!("{name}:"))
    }

    fn cause(&self, stage: Stage) -> CauseDetail {
        if let Some(found) = self.timeout() {
            return found;
        }
        if let Some(found) = self.module(stage) {
            return found;
        }
        if let Some(found) = self.syntax() {
            return found;
        }
        if matches!(
            self.error.code.as_str(),
            "ECONNREFUSED"
                | "ENOTFOUND"
                | "EAI_AGAIN"
                | "ENETUNREACH"
                | "EHOSTUNREACH"
                | "EMFILE"
                | "ENOSPC"
                | "ENOMEM"
        ) {
            return detail(
                Cause::Environment,
                format!(
                    "a service, device or permission is missing: {}",
                    self.summary()
                ),
                None,
            );
        }
        let last = self.last();
        if self.is_assertion() {
            return match (last, stage) {
                (Owner::Source, _) => self.raised_in_source(stage),
                (_, Stage::Call) => detail(Cause::Assertion, first_line(&self.message), None),
                (_, Stage::Load | Stage::Hook) => self.set_up(stage),
            };
        }
        if last == Owner::Source {
            return self.raised_in_source(stage);
        }
        if let Some(found) = self.reference().or_else(|| self.not_callable()) {
            return found;
        }
        match stage {
            Stage::Load | Stage::Hook => self.set_up(stage),
            Stage::Call if self.error.thrown.is_empty() => detail(
                Cause::RaisedInTest,
                format!("the test itself threw {}", self.summary()),
                None,
            ),
            Stage::Call => detail(
                Cause::RaisedInTest,
                format!(
                    "the test ended with a value that is no error: {}",
                    first_line(&self.message)
                ),
                None,
            ),
        }
    }

    fn timeout(&self) -> Option<CauseDetail> {
        let first = first_line(&self.message);
        let timed = self.outer.failure_type == "testTimeoutFailure"
            || self.error.code == "ERR_MOCHA_TIMEOUT"
            || first.contains("Exceeded timeout of ")
            || (first.starts_with("Test timed out in ") || first.starts_with("Hook timed out in "));
        let pending = self.message.contains("Promise resolution is still pending");
        (timed || pending).then(|| {
            let text = if pending {
                "the test waits for a promise that nothing settles".to_owned()
            } else {
                format!("the test ran into its time limit: {first}")
            };
            detail(Cause::Timeout, text, None)
        })
    }

    fn is_assertion(&self) -> bool {
        // `expect(…).toEquals is not a function`
        if self.named("TypeError") {
            return false;
        }
        self.error.code == "ERR_ASSERTION"
            || self.error.matcher
            || self.error.name.ends_with("AssertionError")
            || self.error.class.ends_with("AssertionError")
            || self.message.starts_with("expect(")
            || self.message.starts_with("assert.")
            || self.message.starts_with("assert(")
            || (self.error.compares && self.error.name == "Error")
            || self.message.starts_with("Snapshot `")
            || self
                .message
                .starts_with("The expression evaluated to a falsy value")
            || self.named("JestAssertionError")
            // supertest, nock and their like raise plain errors.
            || (self.message.to_ascii_lowercase().starts_with("expected ")
                && [" got ", " to ", " but "].iter().any(|word| self.message.contains(word)))
    }

    fn set_up(&self, stage: Stage) -> CauseDetail {
        let what = if stage == Stage::Load {
            "loading the test file"
        } else {
            "a hook around the test"
        };
        detail(
            Cause::SetupFailed,
            format!("{what} failed: {}", self.summary()),
            None,
        )
    }

    fn raised_in_source(&self, stage: Stage) -> CauseDetail {
        let top_level = self.frames.first().is_some_and(|frame| {
            frame.3.is_empty()
                || frame.3 == "Object.<anonymous>"
                || frame.3.starts_with("ModuleJob")
        });
        if stage == Stage::Load
            && top_level
            && self.frames.iter().all(|frame| {
                frame.2 != Owner::Test || frame.3.is_empty() || frame.3 == "Object.<anonymous>"
            })
        {
            return detail(
                Cause::BrokenBase,
                format!("source cannot be loaded: {}", self.summary()),
                None,
            );
        }
        let stub = {
            let text = self.message.to_ascii_lowercase();
            text.contains("not implemented")
                || text.contains("not yet implemented")
                || text.contains("unimplemented")
                || text.trim() == "todo"
        };
        if stub {
            let by = self.frames.first().map_or("", |frame| frame.3.as_str());
            return detail(
                Cause::NotImplemented,
                format!("`{by}` is not implemented yet"),
                None,
            );
        }
        detail(
            Cause::RaisedInSource,
            format!("the code under test threw {}", self.summary()),
            None,
        )
    }

    fn reference(&self) -> Option<CauseDetail> {
        let name = self
            .message
            .strip_suffix(" is not defined")
            .filter(|_| self.named("ReferenceError"))?;
        let text = match name {
            "require" | "module" | "exports" | "__dirname" | "__filename" => {
                format!("`{name}` does not exist in an ES module")
            }
            _ => format!("the name `{name}` is not defined in the test"),
        };
        Some(detail(Cause::UndefinedName, text, Some(name)))
    }

    /// What is missing where something is called or read. Whose it is, the text of the test says; see the referee.
    fn not_callable(&self) -> Option<CauseDetail> {
        let message = first_line(&self.message);
        if let Some(name) = message.strip_prefix("Invalid Chai property: ") {
            let name = name.split(['.', ' ']).next().unwrap_or(name);
            return Some(detail(
                Cause::WrongForeignSymbol,
                format!("chai has no `{name}`"),
                Some(name),
            ));
        }
        if !self.named("TypeError") {
            return None;
        }
        for end in [
            " is not a function",
            " is not a constructor",
            " is not iterable",
        ] {
            let Some((before, _)) = message.split_once(end) else {
                continue;
            };
            let expression = expression(before);
            let root = expression.split(['.', '(', '[']).next().unwrap_or("");
            let name = expression
                .rsplit('.')
                .next()
                .unwrap_or(&expression)
                .to_owned();
            if FOREIGN_ROOTS.contains(&root) && root != expression {
                return Some(detail(
                    Cause::WrongForeignSymbol,
                    format!("`{root}` has no `{name}`"),
                    Some(&name),
                ));
            }
            if end == " is not iterable" {
                return Some(detail(
                    Cause::RaisedInTest,
                    format!("the test itself threw {}", self.summary()),
                    Some(&expression),
                ));
            }
            return Some(detail(
                Cause::MissingSymbol,
                format!("`{name}` does not exist yet"),
                Some(&expression),
            ));
        }
        None
    }

    /// Modules and exports that are not there.
    fn module(&self, stage: Stage) -> Option<CauseDetail> {
        let whole = &self.message;
        if let Some(name) = between(whole, "does not provide an export named '", "'") {
            let module = between(whole, "requested module '", "'").unwrap_or_default();
            let importer = head(&self.error.stack)
                .and_then(|(file, _)| self.places.relative(&file))
                .unwrap_or_else(|| self.own.clone());
            let importer_owner = (self.places.owner)(&importer);
            return Some(match self.places.module(module, Some(&importer)).0 {
                Owner::Source if importer_owner == Owner::Source => detail(
                    Cause::BrokenBase,
                    format!("source cannot be loaded: `{module}` has no `{name}`"),
                    Some(name),
                ),
                Owner::Source => detail(
                    Cause::MissingSymbol,
                    format!("`{name}` does not exist yet in `{module}`"),
                    Some(name),
                ),
                Owner::Test => detail(
                    Cause::UndefinedName,
                    format!("`{module}` has no `{name}`, and it is test code"),
                    Some(name),
                ),
                Owner::Other => detail(
                    Cause::WrongImport,
                    format!(
                        "`{module}` has no `{name}`, and it is no source of the project (`[paths] source`)"
                    ),
                    Some(name),
                ),
                Owner::Foreign => detail(
                    Cause::WrongForeignSymbol,
                    format!("`{module}` has no `{name}`"),
                    Some(name),
                ),
            });
        }
        if let Some(name) = between(whole, "No such built-in module: ", "\n")
            .or_else(|| whole.strip_prefix("No such built-in module: "))
        {
            return Some(detail(
                Cause::WrongForeignSymbol,
                format!("node has no module `{name}`"),
                Some(name),
            ));
        }
        let (specifier, importer) = missing_module(whole)?;
        let importer = importer
            .and_then(|file| self.places.relative(&super::stack::path_of(file)))
            .unwrap_or_else(|| self.own.clone());
        Some(self.missing(specifier, &importer, stage))
    }

    fn missing(&self, specifier: &str, importer: &RelPath, stage: Stage) -> CauseDetail {
        let (owner, path) = self.places.module(specifier, Some(importer));
        let shown = path.as_ref().map_or(specifier, RelPath::as_str).to_owned();
        if let Some(there) = path.as_ref().and_then(|path| self.places.nearly(path)) {
            return detail(
                Cause::WrongImport,
                format!(
                    "`{shown}` does not exist; `{there}` does: the import is written otherwise than this runner resolves it"
                ),
                Some(specifier),
            );
        }
        let by_source = (self.places.owner)(importer) == Owner::Source;
        match owner {
            Owner::Source if by_source && stage == Stage::Load => detail(
                Cause::BrokenBase,
                format!("source cannot be loaded: it imports `{specifier}`, which does not exist"),
                Some(specifier),
            ),
            Owner::Source => detail(
                Cause::MissingSymbol,
                format!("module `{shown}` does not exist yet"),
                Some(&shown),
            ),
            Owner::Test => detail(
                Cause::UndefinedName,
                format!("`{shown}` does not exist, and it would be test code"),
                Some(specifier),
            ),
            Owner::Other => detail(
                Cause::WrongImport,
                format!(
                    "`{shown}` does not exist, and it would be no source of the project (`[paths] source`)"
                ),
                Some(specifier),
            ),
            Owner::Foreign => {
                let package = package_of(specifier);
                if specifier.starts_with(['.', '/']) {
                    detail(
                        Cause::WrongImport,
                        format!("`{specifier}` does not exist"),
                        Some(specifier),
                    )
                } else if specifier.starts_with("node:") {
                    detail(
                        Cause::WrongForeignSymbol,
                        format!("node has no module `{specifier}`"),
                        Some(specifier),
                    )
                } else {
                    detail(
                        Cause::MissingDependency,
                        format!("package `{package}` is not installed"),
                        Some(package),
                    )
                }
            }
        }
    }

    fn syntax(&self) -> Option<CauseDetail> {
        let text = format!("{}\n{}", self.message, self.error.text);
        let compiler = [
            "Transform failed with ",
            "Parse failure: ",
            "Jest encountered an unexpected token",
            "[PARSE_ERROR]",
            "Unterminated string",
            "error TS1",
            "Cannot use import statement outside a module",
            "Failed to parse source",
        ]
        .iter()
        .any(|word| text.contains(word));
        let parsing = self.named("SyntaxError")
            && (self.frames.is_empty() || compiler || head(&self.error.stack).is_some());
        if !compiler && !parsing {
            return None;
        }
        // The first file of the tree that it speaks of.
        let named = self
            .places
            .relative(&self.error.id)
            .or_else(|| head(&self.error.stack).and_then(|(file, _)| self.places.relative(&file)))
            .or_else(|| {
                text.split(|c: char| c.is_whitespace() || "'\"`()[],".contains(c))
                    .filter(|word| word.starts_with('/') || word.starts_with("file:"))
                    .map(|word| {
                        super::stack::path_of(
                            word.split(':')
                                .next()
                                .filter(|file| !file.is_empty() && *file != "file")
                                .unwrap_or(word),
                        )
                    })
                    .find_map(|file| self.places.relative(&file))
            })
            .unwrap_or_else(|| self.own.clone());
        let said = first_line(&self.message);
        Some(match (self.places.owner)(&named) {
            Owner::Source => detail(
                Cause::BrokenBase,
                format!("source file `{named}` does not parse: {said}"),
                None,
            ),
            Owner::Test | Owner::Other | Owner::Foreign => detail(
                Cause::SyntaxError,
                format!("`{named}` does not parse: {said}"),
                None,
            ),
        })
    }
}

/// What was called, as it stands in the text: without what compilers put around it.
fn expression(before: &str) -> String {
    let plain = before.trim();
    let plain = plain
        .strip_prefix("(0 , ")
        .or_else(|| plain.strip_prefix("(0, "))
        .and_then(|inner| inner.strip_suffix(')'))
        .unwrap_or(plain);
    // `_shop.sub` and `__vite_ssr_import_0__.sub` are names of compilers.
    match plain.split_once('.') {
        Some((root, rest)) if root.starts_with('_') && !rest.is_empty() => rest.to_owned(),
        _ => plain.to_owned(),
    }
}

/// Specifier and importer of a module that was not found, in the words of node, vite, jest and esbuild.
fn missing_module(text: &str) -> Option<(&str, Option<&str>)> {
    for start in [
        "Cannot find module '",
        "Cannot find package '",
        "Failed to resolve import \"",
        "Could not resolve \"",
        "Failed to load url ",
        "Directory import '",
        "Failed to resolve entry for package \"",
    ] {
        let Some((_, rest)) = text.split_once(start) else {
            continue;
        };
        let specifier = rest.split(['\'', '"', '\n', ' ']).next()?;
        let importer = [
            "imported from '",
            "imported from ",
            "' from '",
            "\" from \"",
            "Require stack:\n- ",
        ]
        .iter()
        .find_map(|word| {
            let (_, rest) = rest.split_once(word)?;
            rest.split(['\'', '"', '\n', ' ', '?'])
                .find(|file| !file.is_empty())
        });
        return (!specifier.is_empty()).then_some((specifier, importer));
    }
    None
}

/// `@scope/name` or `name` of a specifier.
fn package_of(specifier: &str) -> &str {
    let parts = if specifier.starts_with('@') { 2 } else { 1 };
    specifier
        .match_indices('/')
        .nth(parts - 1)
        .map_or(specifier, |(at, _)| &specifier[..at])
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(found, _)| found)
}
