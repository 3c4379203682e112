//! Expected values of Rust tests.

use super::{Edit, Replacement, SiteKind};
use crate::lang::rust::lexer::{Lexed, TokenKind, lex};
use crate::lang::rust::literals::{expected_literal, other_literal};
use crate::lang::rust::outline::{after_group, outline, split_commas};
use crate::lang::rust::tests_in::{RustTest, tests_in};
use crate::syntax::LineIndex;
use redgreen_core::id::ItemId;
use std::collections::BTreeMap;
use std::ops::Range;

/// Macros whose first two arguments must be equal. `assert_ne!` is none: no other literal makes it fail.
const EQUALITY_MACROS: [&str; 4] = [
    "assert_eq",
    "debug_assert_eq",
    "prop_assert_eq",
    "assert_eq_str",
];

pub(super) fn edits(text: &str, listed: &BTreeMap<&str, &ItemId>) -> Vec<Edit> {
    let lexed = lex(text);
    let lines = LineIndex::new(text);
    let mut edits = Vec::new();
    for test in tests_in(&lexed, &outline(&lexed), &[]) {
        if let (true, Some(body)) = (listed.contains_key(test.name.as_str()), test.body.clone()) {
            // A test that expects a panic, or catches one, passes when an assertion fails: no control is possible.
            let before = lexed.start_of(test.tokens.start)..lexed.start_of(body.start);
            let inside = lexed.start_of(body.start)..lexed.end_before(body.end);
            let mentions = |range: Range<usize>, word: &str| {
                text.get(range).is_some_and(|piece| piece.contains(word))
            };
            if mentions(before, "should_panic") || mentions(inside, "catch_unwind") {
                continue;
            }
            test_edits(&lexed, &lines, &test, body, &mut edits);
        }
    }
    edits
}

fn test_edits(
    lexed: &Lexed<'_>,
    lines: &LineIndex,
    test: &RustTest,
    body: Range<usize>,
    edits: &mut Vec<Edit>,
) {
    let mut at = body.start;
    while at < body.end {
        let is_call = lexed.kind_at(at) == Some(TokenKind::Word)
            && lexed.is(at + 1, "!")
            && lexed.kind_at(at + 2) == Some(TokenKind::Open);
        if !is_call {
            at += 1;
            continue;
        }
        let end = after_group(lexed, at + 2, body.end);
        let arguments = at + 3..end.saturating_sub(1).max(at + 3);
        let target = match lexed.text_at(at) {
            name if EQUALITY_MACROS.contains(&name) => equality(lexed, arguments),
            "assert" | "debug_assert" | "prop_assert" => comparison(lexed, arguments),
            _ => {
                // Assertions may stand inside other macros.
                at += 3;
                continue;
            }
        };
        if let Some(literal) = target
            && let Some(other) = other_literal(lexed, literal)
        {
            let place = lexed.start_of(literal)..lexed.end_before(literal + 1);
            // A statement can be preceded by the report, which leaves the assertion as an author would write it; anywhere
            // else the literal becomes a block.
            let statement = at == body.start || [";", "{", "}"].contains(&lexed.text_at(at - 1));
            let (range, text) = if statement {
                let start = lexed.start_of(at);
                let offset = place.start - start;
                (start..place.end, Replacement::ReportedBefore(offset, other))
            } else {
                (place.clone(), Replacement::Reported(other))
            };
            edits.push(Edit {
                line: lines.line(place.start),
                range,
                text,
                kind: SiteKind::Equality,
                items: vec![test.name.clone()],
            });
        }
        at = end;
    }
}

/// The literal in the expected argument: the second, or the first when only that is one.
fn equality(lexed: &Lexed<'_>, arguments: Range<usize>) -> Option<usize> {
    let parts = split_commas(lexed, arguments);
    let (first, second) = (parts.first()?, parts.get(1)?);
    expected_literal(lexed, second.clone()).or_else(|| expected_literal(lexed, first.clone()))
}

/// The literal in `assert!(a == literal)`.
fn comparison(lexed: &Lexed<'_>, arguments: Range<usize>) -> Option<usize> {
    let condition = split_commas(lexed, arguments).into_iter().next()?;
    let mut operator = None;
    let mut at = condition.start;
    while at < condition.end {
        if lexed.kind_at(at) == Some(TokenKind::Open) {
            at = after_group(lexed, at, condition.end);
            continue;
        }
        // Anything else between comparisons would need a precedence of its own.
        if lexed.is(at, "|") || lexed.is(at, "&") && lexed.is(at + 1, "&") {
            return None;
        }
        let is_equality = lexed.is(at, "=")
            && lexed.is(at + 1, "=")
            && lexed.end_before(at + 1) == lexed.start_of(at + 1)
            && !(at > condition.start && ["!", "<", ">", "="].contains(&lexed.text_at(at - 1)));
        if is_equality {
            operator = Some(at);
            break;
        }
        at += 1;
    }
    let operator = operator?;
    expected_literal(lexed, operator + 2..condition.end)
        .or_else(|| expected_literal(lexed, condition.start..operator))
}
