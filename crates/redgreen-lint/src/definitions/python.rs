//! Definitions and imports of Python.

use super::{Definition, DefinitionKind, Import};
use crate::lang::python::dotted;
use crate::syntax::{children, line_of, text_of, visit};
use std::collections::BTreeSet;
use tree_sitter::Node;

/// Classes and compound statements nested deeper than this are not looked into.
const DEEPEST: usize = 64;

pub(super) fn definitions(module: Node<'_>, text: &str) -> Vec<Definition> {
    let mut reader = Reader {
        text,
        found: Vec::new(),
        seen: BTreeSet::new(),
    };
    reader.block(module, None, 0);
    reader.found
}

struct Reader<'a> {
    text: &'a str,
    found: Vec<Definition>,
    /// Assigned names, so that each is listed once per container.
    seen: BTreeSet<(Option<String>, String)>,
}

impl Reader<'_> {
    fn push(&mut self, node: Node<'_>, name: &str, kind: DefinitionKind, container: Option<&str>) {
        if name.is_empty() {
            return;
        }
        self.found.push(Definition {
            name: name.to_owned(),
            kind,
            line: line_of(node),
            container: container.map(str::to_owned),
        });
    }

    fn push_once(
        &mut self,
        node: Node<'_>,
        name: &str,
        kind: DefinitionKind,
        container: Option<&str>,
    ) {
        if self
            .seen
            .insert((container.map(str::to_owned), name.to_owned()))
        {
            self.push(node, name, kind, container);
        }
    }

    fn block(&mut self, block: Node<'_>, class: Option<&str>, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        for node in children(block) {
            match node.kind() {
                "function_definition" => self.function(node, class),
                "class_definition" => self.class(node, class, depth),
                "decorated_definition" => match node.child_by_field_name("definition") {
                    Some(inner) if inner.kind() == "function_definition" => {
                        self.function(inner, class)
                    }
                    Some(inner) => self.class(inner, class, depth),
                    None => {}
                },
                "expression_statement" => {
                    if let Some(assignment) = node.named_child(0) {
                        self.assignment(assignment, class);
                    }
                }
                "type_alias_statement" => {
                    if let Some(left) = node.child_by_field_name("left") {
                        let name = text_of(left, self.text)
                            .split('[')
                            .next()
                            .unwrap_or("")
                            .trim();
                        self.push(node, name, DefinitionKind::Type, class);
                    }
                }
                "import_from_statement" if class.is_none() => {
                    for import in import_statement(node, self.text) {
                        self.push(node, &import.local, DefinitionKind::ReExport, None);
                    }
                }
                "if_statement"
                | "elif_clause"
                | "else_clause"
                | "try_statement"
                | "except_clause"
                | "except_group_clause"
                | "finally_clause"
                | "with_statement"
                | "for_statement"
                | "while_statement"
                | "match_statement"
                | "case_clause"
                | "block"
                | "ERROR" => {
                    self.block(node, class, depth + 1);
                }
                _ => {}
            }
        }
    }

    fn name(&self, node: Node<'_>) -> String {
        node.child_by_field_name("name")
            .map_or_else(String::new, |name| text_of(name, self.text).to_owned())
    }

    fn function(&mut self, function: Node<'_>, class: Option<&str>) {
        let kind = if class.is_some() {
            DefinitionKind::Method
        } else {
            DefinitionKind::Function
        };
        let name = self.name(function);
        self.push(function, &name, kind, class);
        let (Some(class), Some(body)) = (class, function.child_by_field_name("body")) else {
            return;
        };
        visit(body, |node| match node.kind() {
            "class_definition" => false,
            "attribute" => {
                let is_target = node.parent().is_some_and(|parent| {
                    parent.kind() == "assignment"
                        && parent
                            .child_by_field_name("left")
                            .is_some_and(|left| left.id() == node.id())
                });
                if is_target
                    && let Some(name) = dotted(node, self.text)
                    && let Some(field) = name.strip_prefix("self.")
                    && !field.contains('.')
                {
                    self.push_once(node, field, DefinitionKind::Field, Some(class));
                }
                true
            }
            _ => true,
        });
    }

    fn class(&mut self, class: Node<'_>, outer: Option<&str>, depth: usize) {
        let name = self.name(class);
        self.push(class, &name, DefinitionKind::Type, outer);
        let path = outer.map_or_else(|| name.clone(), |outer| format!("{outer}.{name}"));
        if let Some(body) = class.child_by_field_name("body") {
            self.block(body, Some(&path), depth + 1);
        }
    }

    fn assignment(&mut self, assignment: Node<'_>, class: Option<&str>) {
        if assignment.kind() != "assignment" {
            return;
        }
        let kind = if class.is_some() {
            DefinitionKind::Field
        } else {
            DefinitionKind::Constant
        };
        let Some(left) = assignment.child_by_field_name("left") else {
            return;
        };
        let targets = match left.kind() {
            "pattern_list" | "tuple_pattern" | "list_pattern" => children(left),
            _ => vec![left],
        };
        for target in targets {
            if target.kind() == "identifier" {
                let name = text_of(target, self.text);
                self.push_once(target, name, kind, class);
            }
        }
        // `A = B = 1`
        if let Some(right) = assignment.child_by_field_name("right")
            && right.kind() == "assignment"
            && let Some(left) = right.child_by_field_name("left")
            && left.kind() == "identifier"
        {
            self.push_once(left, text_of(left, self.text), kind, class);
        }
    }
}

pub(super) fn imports(module: Node<'_>, text: &str) -> Vec<Import> {
    let mut found = Vec::new();
    visit(module, |node| match node.kind() {
        "import_statement" | "import_from_statement" => {
            found.extend(import_statement(node, text));
            false
        }
        "string" => false,
        _ => true,
    });
    found
}

fn import_statement(statement: Node<'_>, text: &str) -> Vec<Import> {
    let line = line_of(statement);
    let module_node = statement.child_by_field_name("module_name");
    // Blanks are allowed in `from . models import x`.
    let compact = |node: Node<'_>| text_of(node, text).split_whitespace().collect::<String>();
    let mut found = Vec::new();
    for node in children(statement) {
        if module_node.is_some_and(|module| module.id() == node.id()) {
            continue;
        }
        let (name, alias) = match node.kind() {
            "dotted_name" => (compact(node), None),
            "aliased_import" => (
                node.child_by_field_name("name")
                    .map_or_else(String::new, compact),
                node.child_by_field_name("alias").map(compact),
            ),
            "wildcard_import" => ("*".to_owned(), None),
            _ => continue,
        };
        found.push(match module_node {
            Some(module) => Import {
                local: alias.unwrap_or_else(|| name.clone()),
                module: compact(module),
                symbol: Some(name),
                line,
            },
            None => Import {
                local: alias.unwrap_or_else(|| name.split('.').next().unwrap_or(&name).to_owned()),
                module: name,
                symbol: None,
                line,
            },
        });
    }
    found
}
