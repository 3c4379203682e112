//! Definitions and imports of Go.

use super::{Definition, DefinitionKind, Import};
use crate::syntax::{children, line_of, text_of, visit};
use tree_sitter::Node;

pub(super) fn definitions(root: Node<'_>, text: &str) -> Vec<Definition> {
    let mut found = Vec::new();
    let mut add = |name: Node<'_>, kind, container: Option<String>| {
        let own = text_of(name, text);
        if own != "_" && !own.is_empty() {
            found.push(Definition {
                name: own.to_owned(),
                kind,
                line: line_of(name),
                container,
            });
        }
    };
    for node in children(root) {
        match node.kind() {
            "function_declaration" => {
                if let Some(name) = node.child_by_field_name("name") {
                    add(name, DefinitionKind::Function, None);
                }
            }
            "method_declaration" => {
                let receiver = node
                    .child_by_field_name("receiver")
                    .map_or("", |node| text_of(node, text));
                let kind: String = receiver
                    .trim_end_matches(')')
                    .rsplit([' ', '*', '('])
                    .next()
                    .unwrap_or_default()
                    .split('[')
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                if let Some(name) = node.child_by_field_name("name") {
                    add(name, DefinitionKind::Method, Some(kind));
                }
            }
            "type_declaration" => {
                for spec in children(node) {
                    let Some(name) = spec.child_by_field_name("name") else {
                        continue;
                    };
                    add(name, DefinitionKind::Type, None);
                    let of = text_of(name, text).to_owned();
                    visit(spec, |inside| {
                        match inside.kind() {
                            "field_declaration" => {
                                let mut cursor = inside.walk();
                                for field in inside.children_by_field_name("name", &mut cursor) {
                                    add(field, DefinitionKind::Field, Some(of.clone()));
                                }
                            }
                            "method_elem" | "method_spec" => {
                                if let Some(method) = inside.child_by_field_name("name") {
                                    add(method, DefinitionKind::Method, Some(of.clone()));
                                }
                            }
                            _ => {}
                        }
                        true
                    });
                }
            }
            "const_declaration" | "var_declaration" => {
                visit(node, |inside| {
                    if matches!(inside.kind(), "const_spec" | "var_spec") {
                        let mut cursor = inside.walk();
                        for name in inside.children_by_field_name("name", &mut cursor) {
                            add(name, DefinitionKind::Constant, None);
                        }
                        return false;
                    }
                    !matches!(inside.kind(), "func_literal" | "block")
                });
            }
            _ => {}
        }
    }
    found
}

pub(super) fn imports(root: Node<'_>, text: &str) -> Vec<Import> {
    let mut found = Vec::new();
    for node in children(root) {
        if node.kind() != "import_declaration" {
            continue;
        }
        visit(node, |inside| {
            if inside.kind() == "import_spec" {
                let module = inside
                    .child_by_field_name("path")
                    .map_or("", |path| text_of(path, text))
                    .trim_matches(['"', '`'])
                    .to_owned();
                let local = inside.child_by_field_name("name").map_or_else(
                    || module.rsplit('/').next().unwrap_or(&module).to_owned(),
                    |name| match text_of(name, text) {
                        "." => "*".to_owned(),
                        name => name.to_owned(),
                    },
                );
                found.push(Import {
                    local,
                    module,
                    symbol: None,
                    line: line_of(inside),
                });
            }
            true
        });
    }
    found
}
