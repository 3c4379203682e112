//! Which items of an outline are tests, and what is marked on them.

use super::lexer::{Lexed, TokenKind};
use super::made::{Maker, made, makers};
use super::outline::{
    Attribute, Container, Item, ItemKind, Piece, after_group, container, split_commas,
};
use redgreen_core::test_item::Mark;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Macro calls inside macro calls are looked into up to here.
const DEEPEST_MACRO: usize = 4;

/// A test function of a file.
#[derive(Debug, Clone)]
pub(crate) struct RustTest {
    /// `tests::adds`.
    pub(crate) name: String,
    /// From the first attribute to the last token.
    pub(crate) tokens: Range<usize>,
    /// Inside the braces.
    pub(crate) body: Option<Range<usize>>,
    pub(crate) marks: BTreeSet<Mark>,
    /// Whether a `cfg` decides if it exists: two such with one name are no duplicates.
    pub(crate) conditional: bool,
    /// The heads of the modules around it: their attributes are part of its text.
    pub(crate) governed_by: Vec<Range<usize>>,
}

/// Attributes that make a function a test without ending in `test`.
const TEST_ATTRIBUTES: [&str; 9] = [
    "rstest",
    "test_case",
    "test_matrix",
    "case",
    "quickcheck",
    "proptest",
    "parameterized",
    "gtest",
    "test_log",
];

/// Whether an attribute makes a function a test: `#[test]`, `#[tokio::test]`, `#[wasm_bindgen_test]`, `#[rstest]` ….
pub(crate) fn is_test_attribute(attribute: &Attribute) -> bool {
    let name = attribute.name();
    name == "test" || name.ends_with("_test") || TEST_ATTRIBUTES.contains(&name)
}

/// Whether an item is a test function. `#[template]` (rstest_reuse) is a pattern for tests, not one.
pub(crate) fn is_test_function(item: &Item) -> bool {
    item.kind == ItemKind::Function
        && item.attributes.iter().any(is_test_attribute)
        && !item
            .attributes
            .iter()
            .any(|attribute| attribute.name() == "template")
}

/// Whether one of the attributes is a `cfg` that only a test build satisfies.
pub(crate) fn is_test_only(lexed: &Lexed<'_>, attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path == "cfg"
            && !attribute.conditional
            && implies_test(lexed, inside(&attribute.arguments), 0)
    })
}

/// A group's tokens without its delimiters.
fn inside(group: &Range<usize>) -> Range<usize> {
    let start = (group.start + 1).min(group.end);
    start..group.end.saturating_sub(1).max(start)
}

/// Whether a `cfg` predicate can only hold in a test build: `test`; `all(…)` with one such part; `any(…)` where every
/// part is one. `any(test, feature = "x")` also holds in the shipped program, so it is source.
fn implies_test(lexed: &Lexed<'_>, range: Range<usize>, depth: usize) -> bool {
    let start = lexed.skip_comments(range.start);
    if depth > 16 || start >= range.end {
        return false;
    }
    let next = lexed.skip_comments(start + 1);
    let group = || {
        let end = after_group(lexed, next, range.end);
        split_commas(lexed, next + 1..end.saturating_sub(1).max(next + 1))
    };
    match lexed.text_at(start) {
        "test" => next >= range.end,
        "all" if lexed.is(next, "(") => group()
            .into_iter()
            .any(|part| implies_test(lexed, part, depth + 1)),
        "any" if lexed.is(next, "(") => {
            let parts = group();
            !parts.is_empty()
                && parts
                    .into_iter()
                    .all(|part| implies_test(lexed, part, depth + 1))
        }
        _ => false,
    }
}

/// All tests of a container, with the given module path in front of their names.
pub(crate) fn tests_in(lexed: &Lexed<'_>, outline: &Container, path: &[String]) -> Vec<RustTest> {
    let mut search = Search {
        lexed,
        path: path.to_vec(),
        governed_by: Vec::new(),
        conditional: false,
        makers: makers(lexed, outline),
        found: Vec::new(),
    };
    search.container(outline, false, 0);
    search.found
}

/// The tests inside one item: itself, or those of a module or macro call.
pub(crate) fn tests_of_item(lexed: &Lexed<'_>, item: &Item, path: &[String]) -> Vec<RustTest> {
    let mut search = Search {
        lexed,
        path: path.to_vec(),
        governed_by: Vec::new(),
        conditional: false,
        makers: BTreeMap::new(),
        found: Vec::new(),
    };
    search.item(item, false, 0);
    search.found
}

/// What a macro call holds, read as items; `None` where no test is in it.
pub(crate) fn macro_content(lexed: &Lexed<'_>, item: &Item, depth: usize) -> Option<Container> {
    let body = item.body.clone()?;
    // Only a `fn` can be a test: cheap, and most macro calls have none.
    if depth >= DEEPEST_MACRO || !body.clone().any(|index| lexed.is(index, "fn")) {
        return None;
    }
    Some(container(lexed, body, DEEPEST_MACRO))
}

/// Whether every function of this macro is a test without an attribute (`quickcheck! { fn prop() -> bool … }`).
fn is_quickcheck(item: &Item) -> bool {
    item.name == "quickcheck" || item.name.ends_with("::quickcheck")
}

/// Whether a macro call holds tests and nothing else, so that it is test code as a whole.
pub(crate) fn is_macro_of_tests(lexed: &Lexed<'_>, item: &Item) -> bool {
    if item.kind != ItemKind::MacroCall {
        return false;
    }
    let Some(content) = macro_content(lexed, item, 0) else {
        return false;
    };
    let mut functions = content.items().peekable();
    functions.peek().is_some()
        && functions.all(|inner| {
            is_test_function(inner) || (is_quickcheck(item) && inner.kind == ItemKind::Function)
        })
}

struct Search<'a, 'text> {
    lexed: &'a Lexed<'text>,
    path: Vec<String>,
    governed_by: Vec<Range<usize>>,
    conditional: bool,
    /// Macros of the file that make tests.
    makers: BTreeMap<String, Maker>,
    found: Vec<RustTest>,
}

impl Search<'_, '_> {
    fn container(&mut self, container: &Container, all_are_tests: bool, depth: usize) {
        for item in container.items() {
            self.item(item, all_are_tests, depth);
        }
    }

    fn item(&mut self, item: &Item, all_are_tests: bool, macro_depth: usize) {
        let conditional = self.conditional
            || item
                .attributes
                .iter()
                .any(|attribute| attribute.path == "cfg" || attribute.conditional);
        match item.kind {
            ItemKind::Function if all_are_tests || is_test_function(item) => {
                let mut name = self.path.clone();
                name.push(item.name.clone());
                self.found.push(RustTest {
                    name: name.join("::"),
                    tokens: item.tokens.clone(),
                    body: item.body.clone(),
                    marks: marks(self.lexed, item),
                    conditional,
                    governed_by: self.governed_by.clone(),
                });
            }
            ItemKind::Module => {
                let Some(module) = &item.module else { return };
                let before = self.conditional;
                self.conditional = conditional;
                self.path.push(item.name.clone());
                let outer = self.governed_by.len();
                self.governed_by.push(item.tokens.start..item.head);
                for piece in &module.pieces {
                    if let Piece::InnerAttribute(tokens) = piece {
                        self.governed_by.push(tokens.clone());
                    }
                }
                self.container(module, false, macro_depth);
                self.governed_by.truncate(outer);
                self.path.pop();
                self.conditional = before;
            }
            ItemKind::MacroCall if self.makers.contains_key(&item.name) => {
                let (Some(maker), Some(body)) = (self.makers.get(&item.name), item.body.clone())
                else {
                    return;
                };
                for (name, tokens) in made(self.lexed, maker, body) {
                    let mut path = self.path.clone();
                    path.push(name);
                    self.found.push(RustTest {
                        name: path.join("::"),
                        tokens,
                        body: None,
                        marks: BTreeSet::new(),
                        conditional,
                        governed_by: self.governed_by.clone(),
                    });
                }
            }
            ItemKind::MacroCall => {
                if let Some(content) = macro_content(self.lexed, item, macro_depth) {
                    self.container(&content, is_quickcheck(item), macro_depth + 1);
                }
            }
            ItemKind::Function
            | ItemKind::Struct
            | ItemKind::Enum
            | ItemKind::Union
            | ItemKind::Trait
            | ItemKind::Impl
            | ItemKind::Use
            | ItemKind::ExternCrate
            | ItemKind::ExternBlock
            | ItemKind::Static
            | ItemKind::Const
            | ItemKind::Type
            | ItemKind::MacroDefinition => {}
        }
    }
}

/// What is marked on a test function.
fn marks(lexed: &Lexed<'_>, item: &Item) -> BTreeSet<Mark> {
    let mut marks = BTreeSet::new();
    let mut should_panic = false;
    for attribute in &item.attributes {
        match attribute.name() {
            "ignore" => _ = marks.insert(Mark::Skip),
            "should_panic" => should_panic = true,
            // `#[test_case(1 => ignore)]`, `#[case::x(1)] #[ignore]` and the like.
            "test_case" | "case"
                if attribute.arguments.clone().any(|at| lexed.is(at, "ignore")) =>
            {
                marks.insert(Mark::Skip);
            }
            _ => {}
        }
    }
    if let Some(body) = &item.body {
        match first_statement(lexed, body.clone()) {
            Statement::None => _ = marks.insert(Mark::Empty),
            Statement::Todo => _ = marks.insert(Mark::Todo),
            // With an expected message, its own words decide.
            Statement::Panic if !should_panic || expects_message(lexed, item) => {
                _ = marks.insert(Mark::AlwaysFails);
            }
            Statement::Panic | Statement::Other => {}
        }
        if !should_panic && cannot_pass(lexed, body.clone()) {
            marks.insert(Mark::AlwaysFails);
        }
    }
    marks
}

/// `#[should_panic(expected = "…")]`.
fn expects_message(lexed: &Lexed<'_>, item: &Item) -> bool {
    item.attributes
        .iter()
        .filter(|attribute| attribute.name() == "should_panic")
        .any(|attribute| {
            attribute
                .arguments
                .clone()
                .any(|at| lexed.is(at, "expected"))
        })
}

/// Whether a statement of the body itself always panics, and nothing returns before it.
fn cannot_pass(lexed: &Lexed<'_>, body: Range<usize>) -> bool {
    if body.clone().any(|at| lexed.is(at, "return")) {
        return false;
    }
    let mut at = body.start;
    while at < body.end {
        let begins = at == body.start || [";", "}"].contains(&lexed.text_at(at - 1));
        if begins && matches!(first_statement(lexed, at..body.end), Statement::Panic) {
            return true;
        }
        at = if lexed.kind_at(at) == Some(TokenKind::Open) {
            after_group(lexed, at, body.end)
        } else {
            at + 1
        };
    }
    false
}

enum Statement {
    None,
    Todo,
    Panic,
    Other,
}

/// What the first statement of a body does; everything behind an unconditional panic is unreachable.
fn first_statement(lexed: &Lexed<'_>, body: Range<usize>) -> Statement {
    let mut at = body.start;
    loop {
        at = lexed.skip_comments(at);
        if at >= body.end {
            return Statement::None;
        }
        if lexed.is(at, ";") {
            at += 1;
        } else if lexed.is(at, "(") && lexed.is(at + 1, ")") {
            at += 2;
        } else {
            break;
        }
    }
    // `std::panic!(…)`: the word in front of the `!` counts.
    while at < body.end && lexed.is(at + 1, ":") && lexed.kind_at(at) == Some(TokenKind::Word) {
        at += 3;
    }
    if !lexed.is(at + 1, "!") || lexed.kind_at(at + 2) != Some(TokenKind::Open) {
        return Statement::Other;
    }
    match lexed.text_at(at) {
        "todo" | "unimplemented" => Statement::Todo,
        "panic" | "unreachable" => Statement::Panic,
        "assert" if lexed.is(lexed.skip_comments(at + 3), "false") => {
            let after = lexed.skip_comments(lexed.skip_comments(at + 3) + 1);
            if lexed.is(after, ",") || after >= lexed.close_of(at + 2) {
                Statement::Panic
            } else {
                Statement::Other
            }
        }
        "assert_eq" if are_other_literals(lexed, at + 2) => Statement::Panic,
        _ => Statement::Other,
    }
}

/// Whether a macro call begins with two single literals that are written differently: `assert_eq!(1, 2)`.
fn are_other_literals(lexed: &Lexed<'_>, open: usize) -> bool {
    let first = lexed.skip_comments(open + 1);
    let comma = lexed.skip_comments(first + 1);
    let second = lexed.skip_comments(comma + 1);
    let after = lexed.skip_comments(second + 1);
    let is_number = |at: usize| {
        let text = lexed.text_at(at);
        !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
    };
    let is_text = |at: usize| {
        let text = lexed.text_at(at);
        text.len() >= 2 && text.starts_with('"') && text.ends_with('"') && !text.contains('\\')
    };
    lexed.is(comma, ",")
        && (lexed.is(after, ",") || after >= lexed.close_of(open))
        && ((is_number(first) && is_number(second)) || (is_text(first) && is_text(second)))
        && lexed.text_at(first) != lexed.text_at(second)
}
