//! Simple assertions of Python tests.

use super::Assertion;
use crate::LintError;
use crate::definitions::{Import, imports};
use crate::items::ItemOptions;
use crate::lang::python::{PythonTest, canonical, collect, is_literal};
use crate::syntax::{children, line_of, text_of, visit};
use crate::{Language, definitions};
use redgreen_core::id::ItemId;
use std::collections::{BTreeMap, BTreeSet};
use tree_sitter::{Node, Tree};

/// Method chains longer than this are not simple.
const LONGEST_CHAIN: usize = 16;

pub(super) fn assertions(
    tree: &Tree,
    text: &str,
    items: &BTreeMap<&str, &ItemId>,
) -> Result<Vec<Assertion>, LintError> {
    let any = ItemOptions {
        python_functions: vec![String::new()],
        python_classes: vec![String::new()],
    };
    let mut imported: BTreeMap<String, Vec<Import>> = BTreeMap::new();
    for import in imports(Language::Python, text)? {
        imported
            .entry(import.local.clone())
            .or_default()
            .push(import);
    }
    // A name bound twice (an import that a definition replaces) means nothing certain.
    let mut bindings: BTreeMap<String, usize> = BTreeMap::new();
    for definition in definitions::definitions(Language::Python, text)? {
        if definition.container.is_none() {
            *bindings.entry(definition.name).or_insert(0) += 1;
        }
    }
    let mut found = Vec::new();
    for test in collect(tree.root_node(), text, &any)? {
        let Some(item) = items.get(test.name.as_str()) else {
            continue;
        };
        if !is_plain(&test, text) {
            continue;
        }
        let reader = Reader {
            text,
            item,
            imported: &imported,
            bindings: &bindings,
        };
        if let Some(body) = test.function.child_by_field_name("body") {
            reader.body(body, &mut found);
        }
    }
    Ok(found)
}

/// No decorators, no parameters but `self`, no set-up in its class.
fn is_plain(test: &PythonTest<'_>, text: &str) -> bool {
    let no_decorators = test.node.id() == test.function.id();
    let parameters = test
        .function
        .child_by_field_name("parameters")
        .map(children)
        .unwrap_or_default();
    let no_fixtures = parameters
        .iter()
        .all(|parameter| text_of(*parameter, text) == "self");
    let mut node = test.node;
    while let Some(parent) = node.parent() {
        if parent.kind() == "class_definition" {
            // A base class may prepare anything.
            let decorated = parent
                .parent()
                .is_some_and(|outer| outer.kind() == "decorated_definition");
            let bases = parent
                .child_by_field_name("superclasses")
                .map(children)
                .unwrap_or_default();
            let known = bases.iter().all(|base| {
                matches!(
                    text_of(*base, text),
                    "TestCase" | "unittest.TestCase" | "object"
                )
            });
            if decorated || !known || has_set_up(parent, text) {
                return false;
            }
        }
        node = parent;
    }
    no_decorators && no_fixtures && !test.inherited
}

fn has_set_up(class: Node<'_>, text: &str) -> bool {
    let Some(body) = class.child_by_field_name("body") else {
        return false;
    };
    children(body).into_iter().any(|member| {
        let name = member
            .child_by_field_name("name")
            .map_or("", |name| text_of(name, text));
        // A decorated method may be a fixture that is used by itself.
        let decorated = member
            .child_by_field_name("definition")
            .and_then(|definition| definition.child_by_field_name("name"))
            .is_some_and(|name| !text_of(name, text).starts_with("test"));
        decorated || name.to_ascii_lowercase().starts_with("setup") || name == "asyncSetUp"
    })
}

struct Reader<'a> {
    text: &'a str,
    item: &'a ItemId,
    imported: &'a BTreeMap<String, Vec<Import>>,
    bindings: &'a BTreeMap<String, usize>,
}

impl Reader<'_> {
    fn body(&self, body: Node<'_>, found: &mut Vec<Assertion>) {
        let mut local: BTreeSet<String> = BTreeSet::new();
        let mut callee: Option<String> = None;
        for statement in children(body) {
            match statement.kind() {
                "comment" | "pass_statement" => {}
                "expression_statement" if is_docstring(statement) => {}
                "import_statement" | "import_from_statement" => {
                    visit(statement, |node| {
                        if node.kind() == "identifier" {
                            local.insert(text_of(node, self.text).to_owned());
                        }
                        true
                    });
                }
                "assert_statement" | "expression_statement" => {
                    let Some(assertion) = self.assertion(statement, &local) else {
                        return;
                    };
                    // What another function did before may matter.
                    if callee
                        .as_ref()
                        .is_some_and(|callee| *callee != assertion.callee)
                    {
                        return;
                    }
                    callee = Some(assertion.callee.clone());
                    found.push(assertion);
                }
                _ => return,
            }
        }
    }

    fn assertion(&self, statement: Node<'_>, local: &BTreeSet<String>) -> Option<Assertion> {
        let (left, right) = match statement.kind() {
            "assert_statement" => {
                let mut condition = statement.named_child(0)?;
                while condition.kind() == "parenthesized_expression" {
                    condition = condition.named_child(0)?;
                }
                let is_equality = condition.kind() == "comparison_operator"
                    && condition.named_child_count() == 2
                    && condition.child(1)?.kind() == "==";
                if !is_equality {
                    return None;
                }
                (condition.named_child(0)?, condition.named_child(1)?)
            }
            _ => {
                let call = statement
                    .named_child(0)
                    .filter(|node| node.kind() == "call")?;
                let function = call.child_by_field_name("function")?;
                if text_of(function, self.text) != "self.assertEqual" {
                    return None;
                }
                let arguments = children(call.child_by_field_name("arguments")?);
                (*arguments.first()?, *arguments.get(1)?)
            }
        };
        let (call, expected) = if is_literal(right) {
            (left, right)
        } else {
            (right, left)
        };
        let value = canonical(expected, self.text)?;
        let (key, callee) = self.call(call, local)?;
        Some(Assertion {
            item: self.item.clone(),
            line: line_of(statement),
            call: text_of(call, self.text).to_owned(),
            key,
            callee,
            expected: text_of(expected, self.text).to_owned(),
            value,
        })
    }

    /// A call in one spelling, with the meaning of its name; and the same without the arguments.
    fn call(&self, node: Node<'_>, local: &BTreeSet<String>) -> Option<(String, String)> {
        let mut node = node;
        let mut parts: Vec<String> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        if node.kind() == "await" {
            parts.push(" awaited".to_owned());
            node = node.named_child(0)?;
        }
        let mut has_arguments = false;
        for _ in 0..LONGEST_CHAIN {
            match node.kind() {
                "call" => {
                    let arguments = self.arguments(node.child_by_field_name("arguments")?)?;
                    has_arguments |= arguments != "()";
                    parts.push(arguments);
                    node = node.child_by_field_name("function")?;
                }
                "attribute" => {
                    let attribute = node.child_by_field_name("attribute")?;
                    let name = format!(".{}", text_of(attribute, self.text));
                    names.push(name.clone());
                    parts.push(name);
                    node = node.child_by_field_name("object")?;
                }
                "identifier" if has_arguments => {
                    let name = self.meaning(text_of(node, self.text), local)?;
                    names.push(name.clone());
                    parts.push(name);
                    names.reverse();
                    parts.reverse();
                    return Some((parts.concat(), names.concat()));
                }
                _ => return None,
            }
        }
        None
    }

    fn arguments(&self, list: Node<'_>) -> Option<String> {
        if list.kind() != "argument_list" {
            return None;
        }
        let mut positional = Vec::new();
        let mut named = BTreeMap::new();
        for argument in children(list) {
            match argument.kind() {
                "comment" => {}
                "keyword_argument" => {
                    let name = text_of(argument.child_by_field_name("name")?, self.text);
                    let value = self.argument(argument.child_by_field_name("value")?)?;
                    named.insert(name, value);
                }
                _ => positional.push(self.argument(argument)?),
            }
        }
        let named = named
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"));
        Some(format!(
            "({})",
            positional
                .into_iter()
                .chain(named)
                .collect::<Vec<_>>()
                .join(", ")
        ))
    }

    /// `f(1)`, `f(True)` and `f(1.0)` are different calls, though the values are equal.
    fn argument(&self, argument: Node<'_>) -> Option<String> {
        if !is_literal(argument) {
            return None;
        }
        let value = canonical(argument, self.text)?;
        // Inside collections the spelling decides: a missed contradiction is better than an invented one.
        let spelling: String = match argument.kind() {
            "string" | "integer" | "none" => String::new(),
            _ => text_of(argument, self.text).split_whitespace().collect(),
        };
        Some(format!("{value}{spelling}"))
    }

    /// Where a name comes from: its import, or this file.
    fn meaning(&self, name: &str, local: &BTreeSet<String>) -> Option<String> {
        if name == "self" || name == "cls" {
            return None;
        }
        let defined = self.bindings.get(name).copied().unwrap_or(0);
        match self.imported.get(name).map(Vec::as_slice) {
            // Two imports of one name may be two things; a relative one depends on the file.
            Some([import]) if defined <= 1 => {
                let relative = import.module.starts_with('.');
                let file = if relative {
                    self.item.path.as_str()
                } else {
                    ""
                };
                let symbol = import.symbol.as_deref().unwrap_or("");
                let module = if import.symbol.is_none() && import.local != import.module {
                    // `import a.b` binds `a`, `import a.b as c` binds `a.b`.
                    format!("{} as {}", import.module, import.local)
                } else {
                    import.module.clone()
                };
                Some(format!("{file}:{module}:{symbol}"))
            }
            Some(_) => None,
            None if local.contains(name) => None,
            None => Some(format!("{}::{name}", self.item.path)),
        }
    }
}

fn is_docstring(statement: Node<'_>) -> bool {
    statement
        .named_child(0)
        .is_some_and(|value| matches!(value.kind(), "string" | "concatenated_string" | "ellipsis"))
}
