//! Literals of Rust: finding the one an expected value is made of, and another of the same type.

use super::lexer::{Lexed, TokenKind};
use super::outline::{after_group, split_commas};
use crate::expectations::Seed;
use std::ops::Range;

/// Wrappers nested deeper than this are not looked into.
const DEEPEST: usize = 16;
/// Methods that turn a literal into an owned value.
const CONVERSIONS: [&str; 6] = [
    "to_string",
    "to_owned",
    "into",
    "to_vec",
    "as_str",
    "as_bytes",
];

/// The literals that make up an expected value: the value itself, or those inside references, `Some(…)`, `vec![…]`,
/// arrays, tuples, struct literals, variants, `Type::new(…)` and conversions. Empty for anything that is computed.
pub(crate) fn expected_literals(lexed: &Lexed<'_>, range: Range<usize>) -> Vec<usize> {
    let mut found = Vec::new();
    if is_made_of_literals(lexed, range, 0, &mut found) {
        found
    } else {
        Vec::new()
    }
}

/// Adds the literals of a value; false where it is computed.
fn is_made_of_literals(
    lexed: &Lexed<'_>,
    range: Range<usize>,
    depth: usize,
    found: &mut Vec<usize>,
) -> bool {
    if depth > DEEPEST {
        return false;
    }
    let mut at = lexed.skip_comments(range.start);
    while at < range.end && (lexed.is(at, "&") || lexed.is(at, "-") || lexed.is(at, "*")) {
        at = lexed.skip_comments(at + 1);
    }
    if at >= range.end {
        return false;
    }
    let after = match lexed.kind_at(at) {
        Some(TokenKind::Number | TokenKind::String | TokenKind::Char) => {
            found.push(at);
            at + 1
        }
        Some(TokenKind::Word) if matches!(lexed.text_at(at), "true" | "false") => {
            found.push(at);
            at + 1
        }
        Some(TokenKind::Word) => match constructor(lexed, at..range.end) {
            Some(open) => {
                let end = after_group(lexed, open, range.end);
                inside(lexed, open, end, depth, found);
                end
            }
            None => return false,
        },
        Some(TokenKind::Open) if !lexed.is(at, "{") => {
            let end = after_group(lexed, at, range.end);
            inside(lexed, at, end, depth, found);
            end
        }
        Some(
            TokenKind::Open
            | TokenKind::Close
            | TokenKind::Lifetime
            | TokenKind::Punct
            | TokenKind::LineComment
            | TokenKind::BlockComment,
        )
        | None => return false,
    };
    is_rest_harmless(lexed, after, range.end)
}

/// The opening token of a path that builds a value: `vec![`, `Some(`, `String::from(`, `Point {`, `Token::Number(`,
/// `Version::new(`.
fn constructor(lexed: &Lexed<'_>, range: Range<usize>) -> Option<usize> {
    let mut at = range.start;
    if lexed.is(at, "vec") && lexed.is(at + 1, "!") {
        return (lexed.kind_at(at + 2) == Some(TokenKind::Open)).then_some(at + 2);
    }
    let is_type = |text: &str| text.chars().next().is_some_and(char::is_uppercase);
    let (mut last, mut before) = ("", "");
    while at < range.end {
        match lexed.kind_at(at)? {
            TokenKind::Word => (before, last) = (last, lexed.text_at(at)),
            TokenKind::Open => break,
            TokenKind::Punct if lexed.is(at, ":") => {}
            TokenKind::Number
            | TokenKind::String
            | TokenKind::Char
            | TokenKind::Lifetime
            | TokenKind::Close
            | TokenKind::Punct
            | TokenKind::LineComment
            | TokenKind::BlockComment => return None,
        }
        at += 1;
    }
    let builds = is_type(last) || (matches!(last, "new" | "from") && is_type(before));
    (at < range.end && builds && (lexed.is(at, "(") || (lexed.is(at, "{") && is_type(last))))
        .then_some(at)
}

/// The literals in a group's elements, as far as those are made of literals.
fn inside(lexed: &Lexed<'_>, open: usize, end: usize, depth: usize, found: &mut Vec<usize>) {
    let content = open + 1..end.saturating_sub(1).max(open + 1);
    let fields = lexed.is(open, "{");
    for part in split_commas(lexed, content).into_iter().take(64) {
        // `[0; 3]`: the value, not the length.
        let end = part
            .clone()
            .find(|index| lexed.is(*index, ";"))
            .unwrap_or(part.end);
        let mut start = lexed.skip_comments(part.start);
        if fields {
            if !(lexed.kind_at(start) == Some(TokenKind::Word) && lexed.is(start + 1, ":")) {
                continue;
            }
            start += 2;
        }
        let mut own = Vec::new();
        if is_made_of_literals(lexed, start..end, depth + 1, &mut own) {
            found.append(&mut own);
        }
    }
}

/// The literals of a pattern, up to its guard; none where it has ranges.
pub(crate) fn pattern_literals(lexed: &Lexed<'_>, range: Range<usize>) -> Vec<usize> {
    let mut found = Vec::new();
    for at in range {
        match lexed.kind_at(at) {
            Some(TokenKind::Number | TokenKind::String | TokenKind::Char) => found.push(at),
            Some(TokenKind::Word) => match lexed.text_at(at) {
                "true" | "false" => found.push(at),
                "if" => break,
                _ => {}
            },
            Some(TokenKind::Punct) if lexed.is(at, ".") => return Vec::new(),
            _ => {}
        }
    }
    found
}

/// Whether only conversions follow: `.to_string()`, `as u8`, `[..]`.
fn is_rest_harmless(lexed: &Lexed<'_>, start: usize, limit: usize) -> bool {
    let mut at = lexed.skip_comments(start);
    while at < limit {
        if lexed.is(at, ".")
            && CONVERSIONS.contains(&lexed.text_at(at + 1))
            && lexed.is(at + 2, "(")
            && lexed.is(at + 3, ")")
        {
            at += 4;
        } else if lexed.is(at, "as") && lexed.kind_at(at + 1) == Some(TokenKind::Word) {
            at += 2;
        } else if lexed.is(at, "[")
            && lexed.is(at + 1, ".")
            && lexed.is(at + 2, ".")
            && lexed.is(at + 3, "]")
        {
            at += 4;
        } else {
            return false;
        }
        at = lexed.skip_comments(at);
    }
    true
}

/// Another literal of the same type; `None` where no such is known to exist.
pub(crate) fn other_literal(lexed: &Lexed<'_>, index: usize, seed: &Seed) -> Option<String> {
    let text = lexed.text_at(index);
    match lexed.kind_at(index)? {
        TokenKind::Word => match text {
            "true" => Some("false".to_owned()),
            "false" => Some("true".to_owned()),
            _ => None,
        },
        TokenKind::Number => other_number(text, seed),
        TokenKind::Char => Some(
            match text {
                "'~'" => "'!'",
                "b'~'" => "b'!'",
                byte if byte.starts_with('b') => "b'~'",
                _ => "'~'",
            }
            .to_owned(),
        ),
        TokenKind::String => other_string(text, seed),
        TokenKind::Lifetime
        | TokenKind::Open
        | TokenKind::Close
        | TokenKind::Punct
        | TokenKind::LineComment
        | TokenKind::BlockComment => None,
    }
}

/// Splits a number into value and type suffix.
fn split_suffix(text: &str) -> (&str, &str) {
    const SUFFIXES: [&str; 14] = [
        "usize", "isize", "u128", "i128", "u64", "i64", "u32", "i32", "u16", "i16", "u8", "i8",
        "f64", "f32",
    ];
    let hexadecimal = text.starts_with("0x");
    SUFFIXES
        .iter()
        .filter(|suffix| !(hexadecimal && suffix.starts_with('f')))
        .find_map(|suffix| Some((text.strip_suffix(suffix)?, *suffix)))
        .unwrap_or((text, ""))
}

/// Another number that every type holding the first one can hold: the smallest types end at 127 and 255, and a literal
/// that overflows does not compile.
fn other_number(text: &str, seed: &Seed) -> Option<String> {
    let (digits, suffix) = split_suffix(text);
    let plain = digits.replace('_', "");
    let radix = match plain.get(..2) {
        Some("0x") => 16,
        Some("0o") => 8,
        Some("0b") => 2,
        _ => 10,
    };
    let is_float = radix == 10 && (plain.contains(['.', 'e', 'E']) || suffix.starts_with('f'));
    if is_float {
        let value: f64 = plain.parse().ok()?;
        let other = if value.abs() < 1e6 {
            value + f64::from(seed.offset()) + 0.5
        } else {
            value / 2.0
        };
        return other.is_finite().then(|| format!("{other:?}{suffix}"));
    }
    let value = if radix == 10 {
        plain.parse::<u128>()
    } else {
        u128::from_str_radix(plain.get(2..)?, radix)
    }
    .ok()?;
    let offset = u128::from(seed.offset());
    let other = if value < 128 {
        (value + offset) % 128
    } else {
        value - offset
    };
    Some(format!("{other}{suffix}"))
}

fn other_string(text: &str, seed: &Seed) -> Option<String> {
    let quote = text.find('"')?;
    let (prefix, rest) = text.split_at(quote);
    let end = rest.rfind('"').filter(|end| *end > 0)?;
    let (content, closing) = (rest.get(1..end)?, rest.get(end..)?);
    let other = if prefix.starts_with('b') {
        // `&[u8; 3]`: the length is part of the type.
        let last = content
            .chars()
            .next_back()
            .filter(char::is_ascii_alphanumeric)?;
        let escaped = content.contains('\\') && !prefix.contains('r');
        if escaped {
            return None;
        }
        let kept = content.get(..content.len() - 1)?;
        format!("{kept}{}", if last == 'x' { 'y' } else { 'x' })
    } else {
        format!("{content}{}", seed.word())
    };
    Some(format!("{prefix}\"{other}{closing}"))
}
