//! Simple assertions of Rust tests.

use super::Assertion;
use crate::lang::rust::lexer::{Lexed, TokenKind, lex};
use crate::lang::rust::outline::{after_group, outline, split_commas};
use crate::lang::rust::tests_in::{RustTest, tests_in};
use crate::syntax::LineIndex;
use redgreen_core::id::ItemId;
use std::collections::BTreeMap;
use std::ops::Range;

pub(super) fn assertions(text: &str, items: &BTreeMap<&str, &ItemId>) -> Vec<Assertion> {
    let lexed = lex(text);
    let lines = LineIndex::new(text);
    let mut found = Vec::new();
    for test in tests_in(&lexed, &outline(&lexed), &[]) {
        if let Some(item) = items.get(test.name.as_str())
            && let Some(body) = &test.body
            && is_plain(&lexed, &test, body)
        {
            test_assertions(&lexed, &lines, item, body.clone(), &mut found);
        }
    }
    found
}

/// No attributes but `#[test]`, no parameters.
fn is_plain(lexed: &Lexed<'_>, test: &RustTest, body: &Range<usize>) -> bool {
    let head = test.tokens.start..body.start;
    let attributes = head
        .clone()
        .filter(|at| lexed.is(*at, "#") && lexed.is(at + 1, "["))
        .count();
    let name = head.clone().find(|at| lexed.is(*at, "fn")).map(|at| at + 1);
    attributes == 1 && name.is_some_and(|name| lexed.is(name + 1, "(") && lexed.is(name + 2, ")"))
}

fn test_assertions(
    lexed: &Lexed<'_>,
    lines: &LineIndex,
    item: &ItemId,
    body: Range<usize>,
    found: &mut Vec<Assertion>,
) {
    // Names mean what they mean in this module of this file.
    let module = item.item.rsplit_once("::").map_or("", |(module, _)| module);
    let mut first: Option<String> = None;
    let mut at = lexed.skip_comments(body.start);
    while at < body.end {
        if lexed.is(at, ";") {
            at = lexed.skip_comments(at + 1);
            continue;
        }
        let is_assertion = lexed.is(at, "assert_eq") && lexed.is(at + 1, "!");
        if !is_assertion {
            return;
        }
        let end = after_group(lexed, at + 2, body.end);
        let arguments = split_commas(lexed, at + 3..end.saturating_sub(1).max(at + 3));
        let [left, right, ..] = arguments.as_slice() else {
            return;
        };
        let sides = if is_literal(lexed, right) {
            (left, right)
        } else {
            (right, left)
        };
        if !is_literal(lexed, sides.1) || !is_call(lexed, sides.0) {
            return;
        }
        let callee = format!("{}::{module}: {}", item.path, callee(lexed, sides.0));
        // What another function did before may matter.
        if first.as_ref().is_some_and(|first| *first != callee) {
            return;
        }
        first = Some(callee.clone());
        found.push(Assertion {
            callee,
            item: item.clone(),
            line: lines.line(lexed.start_of(at)),
            call: slice(lexed, sides.0),
            key: format!("{}::{module}: {}", item.path, tokens(lexed, sides.0)),
            expected: slice(lexed, sides.1),
            value: value(lexed, sides.1),
        });
        at = lexed.skip_comments(end);
    }
}

fn slice(lexed: &Lexed<'_>, range: &Range<usize>) -> String {
    let start = lexed.start_of(range.start);
    let end = lexed.end_before(range.end).max(start);
    lexed.text.get(start..end).unwrap_or("").to_owned()
}

/// Tokens as they are written, without comments and white space.
fn tokens(lexed: &Lexed<'_>, range: &Range<usize>) -> String {
    range
        .clone()
        .filter(|index| {
            !lexed
                .tokens
                .get(*index)
                .is_some_and(|token| token.is_comment())
        })
        .map(|index| format!("{} ", lexed.text_at(index)))
        .collect()
}

/// A literal in one spelling: numbers without `_` and suffix, because both sides of a comparison have one type.
fn value(lexed: &Lexed<'_>, range: &Range<usize>) -> String {
    range
        .clone()
        .filter(|index| {
            !lexed
                .tokens
                .get(*index)
                .is_some_and(|token| token.is_comment())
        })
        .map(|index| {
            let text = lexed.text_at(index);
            if lexed.kind_at(index) == Some(TokenKind::Number) {
                let digits = text.replace('_', "");
                let end = digits
                    .find(|c: char| !c.is_ascii_digit())
                    .unwrap_or(digits.len());
                digits.get(..end).unwrap_or("").to_owned()
            } else {
                text.to_owned()
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// The names of a call, without arguments.
fn callee(lexed: &Lexed<'_>, range: &Range<usize>) -> String {
    let mut result = String::new();
    let mut at = range.start;
    while at < range.end {
        if lexed.kind_at(at) == Some(TokenKind::Open) {
            at = after_group(lexed, at, range.end);
        } else {
            result.push_str(lexed.text_at(at));
            at += 1;
        }
    }
    result
}

/// One literal, perhaps negative, perhaps in `Some(…)`, `Ok(…)` or `Err(…)`: values of which two spellings are two
/// values. Numbers in other bases and escaped strings are left out.
fn is_literal(lexed: &Lexed<'_>, range: &Range<usize>) -> bool {
    let mut at = lexed.skip_comments(range.start);
    let mut end = range.end;
    while at < end && matches!(lexed.text_at(at), "Some" | "Ok" | "Err") && lexed.is(at + 1, "(") {
        if after_group(lexed, at + 1, end) != end {
            return false;
        }
        at = lexed.skip_comments(at + 2);
        end -= 1;
    }
    if lexed.is(at, "-") {
        at = lexed.skip_comments(at + 1);
    }
    if lexed.skip_comments(at + 1) < end || at >= end {
        return false;
    }
    let text = lexed.text_at(at);
    match lexed.kind_at(at) {
        Some(TokenKind::Number) => {
            let digits = text.replace('_', "");
            digits.bytes().take_while(u8::is_ascii_digit).count() > 0
                && !matches!(digits.get(..2), Some("0x" | "0o" | "0b"))
                && !digits.contains(['.', 'e', 'E'])
                && !digits.ends_with("f32")
                && !digits.ends_with("f64")
                && (digits == "0" || !digits.starts_with('0'))
        }
        Some(TokenKind::String | TokenKind::Char) => {
            !text.contains('\\') && text.starts_with(['"', '\''])
        }
        Some(TokenKind::Word) => matches!(text, "true" | "false" | "None"),
        Some(
            TokenKind::Lifetime
            | TokenKind::Open
            | TokenKind::Close
            | TokenKind::Punct
            | TokenKind::LineComment
            | TokenKind::BlockComment,
        )
        | None => false,
    }
}

/// `path::to::name(literals).method(literals)…`
fn is_call(lexed: &Lexed<'_>, range: &Range<usize>) -> bool {
    let mut at = lexed.skip_comments(range.start);
    let mut calls = 0;
    let mut has_arguments = false;
    let mut word_wanted = true;
    while at < range.end {
        match lexed.kind_at(at) {
            Some(TokenKind::Word) if word_wanted => {
                if matches!(
                    lexed.text_at(at),
                    "if" | "match" | "unsafe" | "loop" | "move" | "self"
                ) {
                    return false;
                }
                word_wanted = false;
                at += 1;
            }
            Some(TokenKind::Punct) if lexed.is(at, ":") && lexed.is(at + 1, ":") && calls == 0 => {
                word_wanted = true;
                at += 2;
            }
            Some(TokenKind::Punct) if lexed.is(at, ".") && calls > 0 => {
                word_wanted = true;
                at += 1;
            }
            Some(TokenKind::Open) if lexed.is(at, "(") && !word_wanted => {
                let end = after_group(lexed, at, range.end);
                let arguments = split_commas(lexed, at + 1..end.saturating_sub(1).max(at + 1));
                if !arguments
                    .iter()
                    .all(|argument| is_argument(lexed, argument))
                {
                    return false;
                }
                calls += 1;
                has_arguments |= !arguments.is_empty();
                at = end;
            }
            _ => return false,
        }
        at = lexed.skip_comments(at);
    }
    has_arguments && !word_wanted
}

/// A literal, or a reference to one; any base, any escapes: equal spelling is equal value.
fn is_argument(lexed: &Lexed<'_>, range: &Range<usize>) -> bool {
    range.clone().all(|index| {
        let text = lexed.text_at(index);
        match lexed.kind_at(index) {
            Some(
                TokenKind::Number
                | TokenKind::String
                | TokenKind::Char
                | TokenKind::LineComment
                | TokenKind::BlockComment,
            ) => true,
            Some(TokenKind::Word) => matches!(text, "true" | "false" | "None" | "Some" | "vec"),
            Some(TokenKind::Open | TokenKind::Close) => text != "{" && text != "}",
            Some(TokenKind::Punct) => matches!(text, "&" | "-" | "," | "!"),
            Some(TokenKind::Lifetime) | None => false,
        }
    })
}
