//! Tests that a `macro_rules!` of the same file makes: `price_is!(two, 2, 4);` with `#[test] fn $name()` in the macro.
//!
//! The usual forms only: a name among the arguments, once or in a repetition. Other macros keep their tests to
//! themselves, as the compiler alone knows them.

use super::lexer::{Lexed, TokenKind};
use super::outline::{Container, ItemKind, after_group, split_commas};
use std::collections::BTreeMap;
use std::ops::Range;

/// Where a macro takes the names of the tests that it makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Maker {
    /// Which of the comma-separated parts begins with the name.
    part: usize,
    /// After how many parts the next name comes; `None` for a single one.
    every: Option<usize>,
}

/// The macros of a file that make tests, by name, those of its modules included.
pub(crate) fn makers(lexed: &Lexed<'_>, container: &Container) -> BTreeMap<String, Maker> {
    let mut found = BTreeMap::new();
    collect(lexed, container, &mut found);
    found
}

fn collect(lexed: &Lexed<'_>, container: &Container, found: &mut BTreeMap<String, Maker>) {
    for item in container.items() {
        match item.kind {
            ItemKind::MacroDefinition => {
                if let Some(maker) = maker(lexed, item.tokens.clone()) {
                    found.insert(item.name.clone(), maker);
                }
            }
            ItemKind::Module => {
                if let Some(module) = &item.module {
                    collect(lexed, module, found);
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
            | ItemKind::MacroCall => {}
        }
    }
}

/// The first arm that makes a test decides.
fn maker(lexed: &Lexed<'_>, tokens: Range<usize>) -> Option<Maker> {
    let body = tokens
        .clone()
        .find(|at| lexed.kind_at(*at) == Some(TokenKind::Open))?;
    let mut at = lexed.skip_comments(body + 1);
    let end = lexed.close_of(body).min(tokens.end);
    while at < end && lexed.kind_at(at) == Some(TokenKind::Open) {
        let matcher = at + 1..after_group(lexed, at, end).saturating_sub(1);
        at = after_group(lexed, at, end);
        while at < end && lexed.kind_at(at) != Some(TokenKind::Open) {
            at += 1;
        }
        let arm = at + 1..after_group(lexed, at, end).saturating_sub(1);
        at = after_group(lexed, at, end);
        while at < end && (lexed.is(at, ";") || lexed.skip_comments(at) != at) {
            at += 1;
        }
        if let Some(name) = made_name(lexed, arm)
            && let Some(maker) = place(lexed, matcher, name)
        {
            return Some(maker);
        }
    }
    None
}

/// `name` in `#[test] fn $name(`.
fn made_name<'text>(lexed: &Lexed<'text>, arm: Range<usize>) -> Option<&'text str> {
    let mut is_test = false;
    for at in arm {
        if lexed.is(at, "[") && lexed.is(at.saturating_sub(1), "#") {
            let inside = at + 1..lexed.close_of(at);
            is_test |= inside.clone().any(|word| lexed.is(word, "test"));
        }
        if is_test && lexed.is(at, "fn") && lexed.is(at + 1, "$") {
            return Some(lexed.text_at(at + 2));
        }
    }
    None
}

/// Where `$name:ident` stands in a matcher.
fn place(lexed: &Lexed<'_>, matcher: Range<usize>, name: &str) -> Option<Maker> {
    let parts = split_commas(lexed, matcher.clone());
    let is_name = |range: &Range<usize>| {
        range.clone().any(|at| {
            lexed.is(at, "$")
                && lexed.is(at + 1, name)
                && lexed.is(at + 2, ":")
                && lexed.is(at + 3, "ident")
        })
    };
    let part = parts.iter().position(is_name)?;
    let found = parts.get(part)?;
    // `$( $name:ident: $value:expr, )*`
    let group = found.clone().find(|at| {
        lexed.is(*at, "(")
            && lexed.is(at.saturating_sub(1), "$")
            && is_name(&(*at..lexed.close_of(*at)))
    });
    match group {
        None => Some(Maker { part, every: None }),
        Some(open) => {
            let inner: Vec<_> = split_commas(lexed, open + 1..lexed.close_of(open))
                .into_iter()
                .filter(|range| lexed.skip_comments(range.start) < range.end)
                .collect();
            let within = inner.iter().position(is_name)?;
            Some(Maker {
                part: part + within,
                every: Some(inner.len().max(1)),
            })
        }
    }
}

/// The names of the tests that a call makes, each with the tokens of its part.
pub(crate) fn made(
    lexed: &Lexed<'_>,
    maker: &Maker,
    arguments: Range<usize>,
) -> Vec<(String, Range<usize>)> {
    let parts = split_commas(lexed, arguments.clone());
    let mut names = Vec::new();
    let mut at = maker.part;
    while let Some(part) = parts.get(at) {
        let mut word = lexed.skip_comments(part.start);
        // Attributes and documentation of one case.
        while lexed.is(word, "#") && lexed.is(word + 1, "[") {
            word = lexed.skip_comments(after_group(lexed, word + 1, part.end));
        }
        if word < part.end && lexed.kind_at(word) == Some(TokenKind::Word) {
            let end = match maker.every {
                Some(every) => parts.get(at + every - 1).map_or(part.end, |last| last.end),
                None => arguments.end,
            };
            names.push((lexed.text_at(word).to_owned(), part.start..end));
        }
        match maker.every {
            Some(every) => at += every,
            None => break,
        }
    }
    names
}
