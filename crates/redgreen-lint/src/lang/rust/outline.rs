//! The items of a Rust file or inline module: where each starts and ends, its attributes, kind and name.

use super::lexer::{Lexed, TokenKind};
use std::ops::Range;

/// Modules nested deeper than this are not looked into.
const DEEPEST_MODULE: usize = 64;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ItemKind {
    Function,
    Struct,
    Enum,
    Union,
    Trait,
    Impl,
    Module,
    Use,
    ExternCrate,
    ExternBlock,
    Static,
    Const,
    Type,
    MacroDefinition,
    MacroCall,
}

impl ItemKind {
    /// The keyword, as it stands in keys and messages.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Function => "fn",
            Self::Struct => "struct",
            Self::Enum => "enum",
            Self::Union => "union",
            Self::Trait => "trait",
            Self::Impl => "impl",
            Self::Module => "mod",
            Self::Use => "use",
            Self::ExternCrate => "extern crate",
            Self::ExternBlock => "extern",
            Self::Static => "static",
            Self::Const => "const",
            Self::Type => "type",
            Self::MacroDefinition => "macro_rules",
            Self::MacroCall => "macro",
        }
    }
}

/// An attribute; those inside `cfg_attr` are listed as well.
#[derive(Debug, Clone)]
pub(crate) struct Attribute {
    /// `tokio::test`.
    pub(crate) path: String,
    /// The tokens behind the path (a group with its delimiters, or `= value`).
    pub(crate) arguments: Range<usize>,
    /// Inside `cfg_attr`.
    pub(crate) conditional: bool,
}

impl Attribute {
    /// The last segment of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit("::").next().unwrap_or(&self.path)
    }
}

/// An item.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) kind: ItemKind,
    /// Empty for what has no name; the type for an `impl`, the path for a macro call.
    pub(crate) name: String,
    pub(crate) attributes: Vec<Attribute>,
    /// From the first attribute to the last token.
    pub(crate) tokens: Range<usize>,
    /// The first token behind the attributes.
    pub(crate) head: usize,
    /// Inside the last braces (or a macro call's delimiters).
    pub(crate) body: Option<Range<usize>>,
    /// What an inline module holds.
    pub(crate) module: Option<Container>,
}

/// A part of a container.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Item(Box<Item>),
    /// A comment between items.
    Comment(usize),
    /// `#![…]`.
    InnerAttribute(Range<usize>),
    /// What could not be recognised.
    Stray(Range<usize>),
}

/// A file or an inline module.
#[derive(Debug, Clone, Default)]
pub(crate) struct Container {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) inner_attributes: Vec<Attribute>,
}

impl Container {
    /// The items, in order.
    pub(crate) fn items(&self) -> impl Iterator<Item = &Item> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Item(item) => Some(item.as_ref()),
            Piece::Comment(_) | Piece::InnerAttribute(_) | Piece::Stray(_) => None,
        })
    }
}

/// The outline of a whole text.
pub(crate) fn outline(lexed: &Lexed<'_>) -> Container {
    container(lexed, 0..lexed.tokens.len(), 0)
}

/// The outline of a range of tokens, such as a macro's argument.
pub(crate) fn container(lexed: &Lexed<'_>, range: Range<usize>, depth: usize) -> Container {
    let mut result = Container::default();
    let mut at = range.start;
    while at < range.end {
        let next = match lexed.kind_at(at) {
            Some(TokenKind::LineComment | TokenKind::BlockComment) => {
                result.pieces.push(Piece::Comment(at));
                at + 1
            }
            _ if lexed.is(at, "#") && lexed.is(at + 1, "!") && lexed.is(at + 2, "[") => {
                let end = after_group(lexed, at + 2, range.end);
                attribute(
                    lexed,
                    at + 3..group_end(lexed, at + 2, end),
                    false,
                    0,
                    &mut result.inner_attributes,
                );
                result.pieces.push(Piece::InnerAttribute(at..end));
                end
            }
            _ => match item(lexed, at..range.end, depth) {
                Ok(item) => {
                    let end = item.tokens.end;
                    result.pieces.push(Piece::Item(Box::new(item)));
                    end
                }
                Err(end) => {
                    let end = end.clamp(at + 1, range.end);
                    result.pieces.push(Piece::Stray(at..end));
                    end
                }
            },
        };
        at = next.max(at + 1);
    }
    result
}

/// The index behind a group, at most `limit`. A group that another delimiter ended does not own that delimiter.
pub(crate) fn after_group(lexed: &Lexed<'_>, open: usize, limit: usize) -> usize {
    let close = lexed.close_of(open);
    let fits = matches!(
        (lexed.text_at(open), lexed.text_at(close)),
        ("(", ")") | ("[", "]") | ("{", "}")
    );
    (if fits { close + 1 } else { close }).clamp(open + 1, limit.max(open + 1))
}

/// The index of the closing delimiter of a group that ends at `after` (as [`after_group`] gave it).
fn group_end(lexed: &Lexed<'_>, open: usize, after: usize) -> usize {
    lexed.close_of(open).min(after).max(open + 1)
}

/// Reads the attribute inside `[…]`, and those inside a `cfg_attr`.
fn attribute(
    lexed: &Lexed<'_>,
    range: Range<usize>,
    conditional: bool,
    depth: usize,
    found: &mut Vec<Attribute>,
) {
    let mut at = range.start;
    // `#[unsafe(no_mangle)]` wraps the attribute proper; nothing of interest is ever wrapped so.
    let mut path = String::new();
    while at < range.end {
        match lexed.kind_at(at) {
            Some(TokenKind::Word) => path.push_str(lexed.text_at(at)),
            Some(TokenKind::Punct) if lexed.is(at, ":") => path.push(':'),
            Some(TokenKind::LineComment | TokenKind::BlockComment) => {}
            _ => break,
        }
        at += 1;
    }
    if path == "cfg_attr" && depth < 8 {
        let (start, end) = (at + 1, range.end.saturating_sub(1).max(at + 1));
        for part in split_commas(lexed, start..end.min(range.end))
            .into_iter()
            .skip(1)
        {
            attribute(lexed, part, true, depth + 1, found);
        }
    }
    found.push(Attribute {
        path: path.trim_start_matches(':').to_owned(),
        arguments: at.min(range.end)..range.end,
        conditional,
    });
}

/// Splits tokens at the commas outside groups.
pub(crate) fn split_commas(lexed: &Lexed<'_>, range: Range<usize>) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (range.start, range.start);
    while at < range.end {
        if lexed.kind_at(at) == Some(TokenKind::Open) {
            at = after_group(lexed, at, range.end);
            continue;
        }
        if lexed.is(at, ",") {
            parts.push(start..at);
            start = at + 1;
        }
        at += 1;
    }
    if start < range.end {
        parts.push(start..range.end);
    }
    parts
}

/// What stands at the head of an item.
struct Head {
    kind: ItemKind,
    name: String,
    /// Where the search for the end begins.
    scan: usize,
    end: EndsWith,
}

/// How an item ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EndsWith {
    /// At the first `;`, groups skipped.
    Semicolon,
    /// At the first `;` or behind the first braces.
    SemicolonOrBraces,
    /// Behind a group of any kind, with a `;` unless it was braces.
    MacroGroup,
}

/// Reads one item; `Err` is where to go on when there is none.
fn item(lexed: &Lexed<'_>, range: Range<usize>, depth: usize) -> Result<Item, usize> {
    let mut attributes = Vec::new();
    let mut at = range.start;
    while lexed.is(at, "#") && lexed.is(at + 1, "[") && at + 1 < range.end {
        let end = after_group(lexed, at + 1, range.end);
        attribute(
            lexed,
            at + 2..group_end(lexed, at + 1, end),
            false,
            0,
            &mut attributes,
        );
        at = lexed.skip_comments(end);
    }
    let head_at = at;
    if head_at >= range.end {
        return Err(range.end);
    }
    let Some(head) = head(lexed, head_at, range.end) else {
        return Err(stray_end(lexed, head_at, range.end));
    };
    let (end, body) = item_end(lexed, &head, range.end);
    let module = match (&head.kind, &body) {
        (ItemKind::Module, Some(body)) if depth < DEEPEST_MODULE => {
            Some(container(lexed, body.clone(), depth + 1))
        }
        _ => None,
    };
    let name = if head.kind == ItemKind::Impl {
        impl_name(
            lexed,
            head.scan,
            body.as_ref().map_or(end, |body| body.start),
        )
    } else {
        head.name
    };
    Ok(Item {
        kind: head.kind,
        name,
        attributes,
        tokens: range.start..end,
        head: head_at,
        body,
        module,
    })
}

/// Behind something unknown: at its `;`, or behind its first braces.
fn stray_end(lexed: &Lexed<'_>, start: usize, limit: usize) -> usize {
    let mut at = start;
    while at < limit {
        if lexed.kind_at(at) == Some(TokenKind::Open) {
            let end = after_group(lexed, at, limit);
            if lexed.is(at, "{") {
                return end;
            }
            at = end;
            continue;
        }
        let stop = lexed.is(at, ";") || (at > start && lexed.is(at, "#") && lexed.is(at + 1, "["));
        at += 1;
        if stop {
            return if lexed.is(at - 1, ";") { at } else { at - 1 };
        }
    }
    limit
}

fn item_end(lexed: &Lexed<'_>, head: &Head, limit: usize) -> (usize, Option<Range<usize>>) {
    let mut at = head.scan;
    while at < limit {
        if lexed.kind_at(at) == Some(TokenKind::Open) {
            let end = after_group(lexed, at, limit);
            let inside = at + 1..group_end(lexed, at, end);
            match head.end {
                EndsWith::SemicolonOrBraces if lexed.is(at, "{") => return (end, Some(inside)),
                EndsWith::MacroGroup => {
                    let after = lexed.skip_comments(end);
                    let semicolon = !lexed.is(at, "{") && after < limit && lexed.is(after, ";");
                    return (if semicolon { after + 1 } else { end }, Some(inside));
                }
                EndsWith::SemicolonOrBraces | EndsWith::Semicolon => {}
            }
            at = end;
            continue;
        }
        if lexed.is(at, ";") {
            return (at + 1, None);
        }
        // A forgotten `;`: the next item's attribute ends this one.
        if at > head.scan && lexed.is(at, "#") && lexed.is(at + 1, "[") {
            return (at, None);
        }
        at += 1;
    }
    (limit, None)
}

fn head(lexed: &Lexed<'_>, start: usize, limit: usize) -> Option<Head> {
    let mut at = start;
    let named = |kind, name_at: usize, end| {
        Some(Head {
            kind,
            name: lexed.text_at(name_at).to_owned(),
            scan: name_at + 1,
            end,
        })
    };
    let unnamed = |kind, scan, end| {
        Some(Head {
            kind,
            name: String::new(),
            scan,
            end,
        })
    };
    while at < limit {
        at = lexed.skip_comments(at);
        let next = lexed.skip_comments(at + 1);
        let next_is_word = lexed.kind_at(next) == Some(TokenKind::Word) && next < limit;
        match lexed.text_at(at) {
            "pub" | "crate" if lexed.is(next, "(") => at = after_group(lexed, next, limit),
            "pub" | "default" | "async" | "unsafe" | "safe" | "auto" | "gen" if next_is_word => {
                at = next;
            }
            "const" if ["fn", "unsafe", "async", "extern"].contains(&lexed.text_at(next)) => {
                at = next
            }
            "extern" if lexed.kind_at(next) == Some(TokenKind::String) => {
                let after = lexed.skip_comments(next + 1);
                if lexed.is(after, "{") {
                    return unnamed(ItemKind::ExternBlock, after, EndsWith::SemicolonOrBraces);
                }
                at = after;
            }
            "extern" if lexed.is(next, "{") => {
                return unnamed(ItemKind::ExternBlock, next, EndsWith::SemicolonOrBraces);
            }
            "extern" if lexed.is(next, "crate") => {
                return named(
                    ItemKind::ExternCrate,
                    lexed.skip_comments(next + 1),
                    EndsWith::Semicolon,
                );
            }
            "extern" if lexed.is(next, "fn") => at = next,
            "fn" => return named(ItemKind::Function, next, EndsWith::SemicolonOrBraces),
            "struct" => return named(ItemKind::Struct, next, EndsWith::SemicolonOrBraces),
            "enum" => return named(ItemKind::Enum, next, EndsWith::SemicolonOrBraces),
            "union" if next_is_word => {
                return named(ItemKind::Union, next, EndsWith::SemicolonOrBraces);
            }
            "trait" => return named(ItemKind::Trait, next, EndsWith::SemicolonOrBraces),
            "mod" => return named(ItemKind::Module, next, EndsWith::SemicolonOrBraces),
            "impl" => return unnamed(ItemKind::Impl, next, EndsWith::SemicolonOrBraces),
            "use" => return unnamed(ItemKind::Use, next, EndsWith::Semicolon),
            "type" => return named(ItemKind::Type, next, EndsWith::Semicolon),
            "const" => return named(ItemKind::Const, next, EndsWith::Semicolon),
            "static" => {
                let name = if lexed.is(next, "mut") {
                    lexed.skip_comments(next + 1)
                } else {
                    next
                };
                return named(ItemKind::Static, name, EndsWith::Semicolon);
            }
            "macro_rules" if lexed.is(next, "!") => {
                return named(
                    ItemKind::MacroDefinition,
                    lexed.skip_comments(next + 1),
                    EndsWith::MacroGroup,
                );
            }
            "macro" if next_is_word => {
                return named(ItemKind::MacroDefinition, next, EndsWith::SemicolonOrBraces);
            }
            _ => return macro_call(lexed, at, limit),
        }
    }
    None
}

fn macro_call(lexed: &Lexed<'_>, start: usize, limit: usize) -> Option<Head> {
    let mut name = String::new();
    let mut at = start;
    while at < limit {
        match lexed.kind_at(at) {
            Some(TokenKind::Word) => name.push_str(lexed.text_at(at)),
            Some(TokenKind::Punct) if lexed.is(at, ":") => name.push(':'),
            Some(TokenKind::Punct) if lexed.is(at, "!") && !name.is_empty() => {
                return Some(Head {
                    kind: ItemKind::MacroCall,
                    name,
                    scan: at + 1,
                    end: EndsWith::MacroGroup,
                });
            }
            _ => return None,
        }
        at += 1;
    }
    None
}

/// `impl<T> Trait for Type<T>` as `Trait for Type<T>`: its tokens without white space where none is needed.
fn impl_name(lexed: &Lexed<'_>, start: usize, body: usize) -> String {
    let mut name = String::new();
    let mut word_before = false;
    for index in start..body.saturating_sub(1).max(start) {
        let is_word = matches!(
            lexed.kind_at(index),
            Some(TokenKind::Word | TokenKind::Lifetime)
        );
        if lexed
            .tokens
            .get(index)
            .is_some_and(|token| token.is_comment())
        {
            continue;
        }
        if is_word && word_before {
            name.push(' ');
        }
        name.push_str(lexed.text_at(index));
        word_before = is_word;
        if name.len() > 200 {
            break;
        }
    }
    name
}
