//! Definitions and imports of Rust.

use super::{Definition, DefinitionKind, Import};
use crate::lang::rust::lexer::{Lexed, TokenKind, lex};
use crate::lang::rust::outline::{
    Container, Item, ItemKind, after_group, container, outline, split_commas,
};
use crate::syntax::LineIndex;
use std::ops::Range;

/// `use` trees nested deeper than this are not looked into.
const DEEPEST_USE: usize = 32;

pub(super) fn definitions(text: &str) -> Vec<Definition> {
    let lexed = lex(text);
    let mut reader = Reader {
        lexed: &lexed,
        lines: LineIndex::new(text),
        found: Vec::new(),
    };
    reader.container(&outline(&lexed), &[]);
    reader.found
}

struct Reader<'a, 'text> {
    lexed: &'a Lexed<'text>,
    lines: LineIndex,
    found: Vec<Definition>,
}

impl Reader<'_, '_> {
    fn push(&mut self, token: usize, name: &str, kind: DefinitionKind, path: &[String]) {
        if !name.is_empty() && name != "_" {
            self.found.push(Definition {
                name: name.strip_prefix("r#").unwrap_or(name).to_owned(),
                kind,
                line: self.lines.line(self.lexed.start_of(token)),
                container: (!path.is_empty()).then(|| path.join("::")),
            });
        }
    }

    fn container(&mut self, outline: &Container, path: &[String]) {
        for item in outline.items() {
            self.item(item, path);
        }
    }

    fn item(&mut self, item: &Item, path: &[String]) {
        let simple = match item.kind {
            ItemKind::Function => Some(DefinitionKind::Function),
            ItemKind::Struct
            | ItemKind::Enum
            | ItemKind::Union
            | ItemKind::Trait
            | ItemKind::Type => Some(DefinitionKind::Type),
            ItemKind::Module => Some(DefinitionKind::Module),
            ItemKind::Static | ItemKind::Const => Some(DefinitionKind::Constant),
            ItemKind::MacroDefinition => Some(DefinitionKind::Macro),
            ItemKind::Impl
            | ItemKind::Use
            | ItemKind::ExternCrate
            | ItemKind::ExternBlock
            | ItemKind::MacroCall => None,
        };
        if let Some(kind) = simple {
            self.push(item.head, &item.name, kind, path);
        }
        let mut inner = path.to_vec();
        inner.push(item.name.clone());
        match (item.kind, &item.body) {
            (ItemKind::Module, _) => {
                if let Some(module) = &item.module {
                    self.container(module, &inner);
                }
            }
            (ItemKind::Enum, Some(body)) => {
                for part in split_commas(self.lexed, body.clone()) {
                    let at = self.skip_attributes(part.start, part.end);
                    if at < part.end && self.lexed.kind_at(at) == Some(TokenKind::Word) {
                        let name = self.lexed.text_at(at);
                        self.push(at, name, DefinitionKind::Variant, &inner);
                    }
                }
            }
            (ItemKind::Struct | ItemKind::Union, Some(body)) => {
                for part in split_commas(self.lexed, body.clone()) {
                    let mut at = self.skip_attributes(part.start, part.end);
                    if self.lexed.is(at, "pub") {
                        at = self.lexed.skip_comments(at + 1);
                        if self.lexed.is(at, "(") {
                            at = after_group(self.lexed, at, part.end);
                        }
                    }
                    if at < part.end && self.lexed.is(self.lexed.skip_comments(at + 1), ":") {
                        let name = self.lexed.text_at(at);
                        self.push(at, name, DefinitionKind::Field, &inner);
                    }
                }
            }
            (ItemKind::Impl | ItemKind::Trait, Some(body)) => {
                if item.kind == ItemKind::Impl {
                    inner.pop();
                    inner.push(implemented_type(&item.name));
                }
                self.members(body.clone(), &inner);
            }
            (ItemKind::ExternBlock, Some(body)) => {
                self.container(&container(self.lexed, body.clone(), 0), path);
            }
            (ItemKind::Use, _) if self.is_public(item) => {
                let start = item.head;
                let mut imports = Vec::new();
                let from = (start..item.tokens.end).find(|at| self.lexed.is(*at, "use"));
                if let Some(from) = from {
                    use_tree(
                        self.lexed,
                        from + 1..item.tokens.end,
                        String::new(),
                        0,
                        &mut imports,
                    );
                }
                for (local, ..) in imports {
                    self.push(start, &local, DefinitionKind::ReExport, path);
                }
            }
            _ => {}
        }
    }

    fn is_public(&self, item: &Item) -> bool {
        self.lexed.is(item.head, "pub")
    }

    fn members(&mut self, body: Range<usize>, path: &[String]) {
        let members = container(self.lexed, body, 0);
        for member in members.items() {
            let kind = match member.kind {
                ItemKind::Function => DefinitionKind::Method,
                ItemKind::Const | ItemKind::Static => DefinitionKind::Constant,
                ItemKind::Type => DefinitionKind::Type,
                ItemKind::Struct
                | ItemKind::Enum
                | ItemKind::Union
                | ItemKind::Trait
                | ItemKind::Impl
                | ItemKind::Module
                | ItemKind::Use
                | ItemKind::ExternCrate
                | ItemKind::ExternBlock
                | ItemKind::MacroDefinition
                | ItemKind::MacroCall => continue,
            };
            self.push(member.head, &member.name, kind, path);
        }
    }

    fn skip_attributes(&self, start: usize, limit: usize) -> usize {
        let mut at = self.lexed.skip_comments(start);
        while at < limit && self.lexed.is(at, "#") && self.lexed.is(at + 1, "[") {
            at = self
                .lexed
                .skip_comments(after_group(self.lexed, at + 1, limit));
        }
        at
    }
}

/// The type of `Trait for Type<T>` or `<T>Type<T>`, without generics.
fn implemented_type(name: &str) -> String {
    let after_generics = if name.starts_with('<') {
        let mut depth = 0i32;
        let end = name.char_indices().find_map(|(at, c)| {
            depth += match c {
                '<' => 1,
                '>' => -1,
                _ => 0,
            };
            (depth == 0).then_some(at + 1)
        });
        name.get(end.unwrap_or(0)..).unwrap_or(name)
    } else {
        name
    };
    let target = after_generics
        .rsplit_once(" for ")
        .or_else(|| after_generics.rsplit_once(">for "))
        .map_or(after_generics, |(_, target)| target);
    let base = target
        .trim_start_matches(['&', ' '])
        .split(['<', ' '])
        .next()
        .unwrap_or(target);
    base.rsplit("::").next().unwrap_or(base).to_owned()
}

pub(super) fn imports(text: &str) -> Vec<Import> {
    let lexed = lex(text);
    let lines = LineIndex::new(text);
    let mut found = Vec::new();
    let mut before: Option<usize> = None;
    let mut at = 0;
    while at < lexed.tokens.len() {
        if lexed.tokens.get(at).is_some_and(|token| token.is_comment()) {
            at += 1;
            continue;
        }
        let starts = before.is_none_or(|before| {
            matches!(lexed.text_at(before), ";" | "{" | "}" | "]" | ")" | "pub")
        });
        let mut end = at + 1;
        if starts && lexed.is(at, "use") {
            end = (at..lexed.tokens.len())
                .find(|index| lexed.is(*index, ";"))
                .unwrap_or(lexed.tokens.len());
            let mut parts = Vec::new();
            use_tree(&lexed, at + 1..end, String::new(), 0, &mut parts);
            let line = lines.line(lexed.start_of(at));
            found.extend(parts.into_iter().map(|(local, module, symbol)| Import {
                local,
                module,
                symbol: Some(symbol),
                line,
            }));
        }
        before = Some(end - 1);
        at = end;
    }
    found
}

/// Reads a `use` tree into (local name, module, symbol).
fn use_tree(
    lexed: &Lexed<'_>,
    range: Range<usize>,
    prefix: String,
    depth: usize,
    found: &mut Vec<(String, String, String)>,
) {
    if depth > DEEPEST_USE {
        return;
    }
    let mut segments: Vec<&str> = if prefix.is_empty() {
        Vec::new()
    } else {
        prefix.split("::").collect()
    };
    let mut alias = None;
    let mut at = range.start;
    while at < range.end {
        match lexed.kind_at(at) {
            Some(TokenKind::Word) if lexed.is(at, "as") => {
                let name = lexed.skip_comments(at + 1);
                alias = (name < range.end).then(|| lexed.text_at(name));
                break;
            }
            Some(TokenKind::Word) => segments.push(lexed.text_at(at)),
            Some(TokenKind::Punct) if lexed.is(at, "*") => segments.push("*"),
            Some(TokenKind::Open) => {
                let end = after_group(lexed, at, range.end);
                for part in split_commas(lexed, at + 1..end.saturating_sub(1).max(at + 1)) {
                    use_tree(lexed, part, segments.join("::"), depth + 1, found);
                }
                return;
            }
            Some(TokenKind::Punct) if lexed.is(at, ";") => break,
            _ => {}
        }
        at += 1;
    }
    // `a::b::{self}` imports `b`.
    if segments.len() > 1 && segments.last() == Some(&"self") {
        segments.pop();
    }
    let Some(symbol) = segments.pop() else { return };
    found.push((
        alias.unwrap_or(symbol).to_owned(),
        segments.join("::"),
        symbol.to_owned(),
    ));
}
