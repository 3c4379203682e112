//! Changed functions without what they do (SPEC C7, strict): at least one locked test must notice.

use crate::lang::rust::lexer::lex;
use crate::lang::rust::outline::{Container, ItemKind, container, outline};
use crate::lang::rust::tests_in::{is_test_function, is_test_only};
use crate::syntax::{LineIndex, children, line_of, parse, text_of};
use crate::{Language, LintError, check_size};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use tree_sitter::Node;

/// What stands in an emptied Python function.
const PYTHON_BODY: &str = "raise NotImplementedError(\"emptied\")";
/// What stands in an emptied Rust function.
/// Throws, and evaluates nothing.
const JAVASCRIPT_BODY: &str = "{ throw new Error('emptied'); }";
const RUST_BODY: &str = " ::core::unimplemented!(\"emptied\") ";

/// What stands in an emptied Go function. It terminates, so that no result has to be returned.
const GO_BODY: &str = "{ panic(\"emptied\") }";

/// A function of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// `Cart.total`, `Cart::total`.
    pub name: String,
    /// The line of its head, from 1.
    pub line: u32,
    /// The last line.
    pub end_line: u32,
    text: String,
    body: Range<usize>,
}

/// The functions of the new text that are not in the old one, or other there; test functions are none.
///
/// # Errors
/// [`LintError::TooLarge`] for a text over [`crate::MAX_FILE_BYTES`].
pub fn changed_functions(
    language: Language,
    old: &str,
    new: &str,
) -> Result<Vec<Function>, LintError> {
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for function in functions(language, old)? {
        known
            .entry(function.name)
            .or_default()
            .insert(function.text);
    }
    Ok(functions(language, new)?
        .into_iter()
        .filter(|function| {
            !known
                .get(&function.name)
                .is_some_and(|texts| texts.contains(&function.text))
        })
        .collect())
}

/// The text with these functions of it emptied.
#[must_use]
pub fn emptied(language: Language, text: &str, functions: &[&Function]) -> String {
    let mut sorted: Vec<&Function> = functions.to_vec();
    sorted.sort_by_key(|function| function.body.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for function in sorted {
        if function.body.start < at {
            continue;
        }
        out.push_str(text.get(at..function.body.start).unwrap_or(""));
        out.push_str(match language {
            Language::Python => PYTHON_BODY,
            Language::Rust => RUST_BODY,
            Language::JavaScript => JAVASCRIPT_BODY,
            Language::Go => GO_BODY,
        });
        // Later lines stay where they are.
        let gone = text.get(function.body.clone()).unwrap_or("");
        out.push_str(&"\n".repeat(gone.matches('\n').count()));
        at = function.body.end;
    }
    out.push_str(text.get(at..).unwrap_or(""));
    out
}

fn functions(language: Language, text: &str) -> Result<Vec<Function>, LintError> {
    check_size(text)?;
    let mut found = Vec::new();
    match language {
        Language::Python => python(parse(language, text)?.root_node(), text, &mut found),
        Language::JavaScript => {}
        Language::Go => go(parse(language, text)?.root_node(), text, &mut found),
        Language::Rust => {
            let lexed = lex(text);
            let lines = LineIndex::new(text);
            let file = Rust {
                lexed: &lexed,
                lines: &lines,
                text,
            };
            file.container(&outline(&lexed), "", 0, &mut found);
        }
    }
    Ok(found)
}

fn go(root: Node<'_>, text: &str, found: &mut Vec<Function>) {
    for node in children(root) {
        if !matches!(node.kind(), "function_declaration" | "method_declaration") || node.has_error()
        {
            continue;
        }
        let (Some(name), Some(body)) = (
            node.child_by_field_name("name"),
            node.child_by_field_name("body"),
        ) else {
            continue;
        };
        let own = text_of(name, text);
        let does_nothing = text_of(body, text)
            .trim_matches(['{', '}', ' ', '\n', '\t', '\r'])
            .is_empty();
        // `init` and `main` run before any test.
        if does_nothing || matches!(own, "init" | "main") {
            continue;
        }
        let receiver = node
            .child_by_field_name("receiver")
            .map_or("", |node| text_of(node, text))
            .trim_end_matches(')')
            .rsplit([' ', '*', '('])
            .next()
            .unwrap_or("");
        found.push(Function {
            name: if receiver.is_empty() {
                own.to_owned()
            } else {
                format!("{receiver}.{own}")
            },
            line: line_of(node),
            end_line: line_of(node)
                + u32::try_from(text_of(node, text).matches('\n').count()).unwrap_or(0),
            text: text_of(node, text).to_owned(),
            body: body.byte_range(),
        });
    }
}

fn python(root: Node<'_>, text: &str, found: &mut Vec<Function>) {
    let mut open = vec![(root, String::new())];
    while let Some((node, path)) = open.pop() {
        let name = || {
            let own = node
                .child_by_field_name("name")
                .map_or("", |name| text_of(name, text));
            format!("{path}{own}")
        };
        match node.kind() {
            "function_definition" => {
                let Some(body) = node.child_by_field_name("body") else {
                    continue;
                };
                let range = body.byte_range();
                // `def f(): ...` says nothing; neither does a declaration without a body.
                let does_nothing = matches!(
                    text.get(range.clone()).unwrap_or("").trim(),
                    "" | "..." | "pass"
                );
                if !does_nothing && !node.has_error() {
                    found.push(Function {
                        name: name(),
                        line: line_of(node),
                        end_line: crate::syntax::end_line_of(node),
                        text: text_of(node, text).to_owned(),
                        body: range,
                    });
                }
            }
            "class_definition" => {
                let path = format!("{}.", name());
                open.extend(
                    children(node)
                        .into_iter()
                        .map(|child| (child, path.clone())),
                );
            }
            "module"
            | "block"
            | "decorated_definition"
            | "if_statement"
            | "else_clause"
            | "elif_clause"
            | "try_statement"
            | "except_clause"
            | "with_statement" => {
                open.extend(
                    children(node)
                        .into_iter()
                        .map(|child| (child, path.clone())),
                );
            }
            _ => {}
        }
    }
    found.sort_by_key(|function| function.line);
}

struct Rust<'a, 'text> {
    lexed: &'a crate::lang::rust::lexer::Lexed<'text>,
    lines: &'a LineIndex,
    text: &'a str,
}

impl Rust<'_, '_> {
    fn container(&self, inside: &Container, path: &str, depth: usize, found: &mut Vec<Function>) {
        if depth > 32 {
            return;
        }
        for item in inside.items() {
            if is_test_only(self.lexed, &item.attributes) || is_test_function(item) {
                continue;
            }
            match item.kind {
                ItemKind::Function => {
                    let Some(body) = item.body.clone() else {
                        continue;
                    };
                    // `-> impl Iterator` has no type without a body.
                    let opaque = (item.head..body.start).any(|at| self.lexed.is(at, "impl"));
                    let bytes = self.lexed.end_before(body.start)..self.lexed.start_of(body.end);
                    if opaque || body.is_empty() {
                        continue;
                    }
                    let head = self.lexed.start_of(item.head);
                    let whole = head..self.lexed.end_before(item.tokens.end);
                    found.push(Function {
                        name: format!("{path}{}", item.name),
                        line: self.lines.line(head),
                        end_line: self.lines.line(whole.end),
                        text: self.text.get(whole).unwrap_or("").to_owned(),
                        body: bytes,
                    });
                }
                ItemKind::Module => {
                    if let Some(module) = &item.module {
                        let path = format!("{path}{}::", item.name);
                        self.container(module, &path, depth + 1, found);
                    }
                }
                ItemKind::Impl | ItemKind::Trait => {
                    if let Some(body) = item.body.clone() {
                        let path = format!("{path}{}::", item.name);
                        let members = container(self.lexed, body, depth + 1);
                        self.container(&members, &path, depth + 1, found);
                    }
                }
                ItemKind::Struct
                | ItemKind::Enum
                | ItemKind::Union
                | ItemKind::Use
                | ItemKind::ExternCrate
                | ItemKind::ExternBlock
                | ItemKind::Static
                | ItemKind::Const
                | ItemKind::Type
                | ItemKind::MacroCall
                | ItemKind::MacroDefinition => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(language: Language, old: &str, new: &str) -> (Vec<String>, String) {
        let found = changed_functions(language, old, new).unwrap_or_default();
        let all: Vec<&Function> = found.iter().collect();
        let text = emptied(language, new, &all);
        (found.into_iter().map(|found| found.name).collect(), text)
    }

    #[test]
    fn c7_only_changed_functions_are_emptied() {
        let old = "def a():\n    return 1\n";
        let new = "def a():\n    return 1\n\nclass C:\n    x = 1\n    def b(self):\n        # c\n        return 2\n\ndef d(): ...\n";
        let (names_found, text) = names(Language::Python, old, new);
        assert_eq!(names_found, ["C.b"]);
        assert!(text.contains("raise NotImplementedError") && text.contains("return 1"));
        assert!(!text.contains("return 2"));

        let old = "fn a() -> u8 { 1 }\n";
        let new = "fn a() -> u8 { 2 }\nimpl C { fn b(&self) -> u8 { 3 } }\nfn i() -> impl Iterator<Item = u8> { 0..1 }\n#[cfg(test)] mod tests { #[test] fn t() { a(); } }\n";
        let (names_found, text) = names(Language::Rust, old, new);
        assert_eq!(names_found, ["a", "C::b"]);
        assert_eq!(text.matches("unimplemented!").count(), 2);
        assert!(text.contains("fn t() { a(); }"));
    }
}
