//! Finding the tests of a module.

use super::marks::{NamedMarks, body_marks, governing, marks_in, named_marks};
use super::names::{callee, dotted, expression_of, fits, last_part, statements};
use crate::LintError;
use crate::items::ItemOptions;
use crate::syntax::{children, text_of};
use redgreen_core::test_item::Mark;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use tree_sitter::Node;

/// Classes and compound statements nested deeper than this are not looked into.
const DEEPEST: usize = 64;

/// A test function of a module.
#[derive(Debug, Clone)]
pub(crate) struct PythonTest<'tree> {
    /// `TestCart::test_total`.
    pub(crate) name: String,
    /// The function, with its decorators.
    pub(crate) node: Node<'tree>,
    pub(crate) function: Node<'tree>,
    /// The block it stands in: two of one name in one block are duplicates.
    pub(crate) block: usize,
    pub(crate) marks: BTreeSet<Mark>,
    /// Text around it that is part of what it is: decorators and bases of its classes, `pytestmark`.
    pub(crate) governed_by: Vec<Range<usize>>,
    /// Reached through a base class in the same file: it lies outside its class.
    pub(crate) inherited: bool,
}

/// A class as the collection sees it.
#[derive(Clone, Copy)]
struct Class<'tree> {
    /// With its decorators.
    outer: Node<'tree>,
    definition: Node<'tree>,
}

#[derive(Default, Clone)]
struct Governed {
    marks: BTreeSet<Mark>,
    ranges: Vec<Range<usize>>,
}

struct Collector<'a, 'tree> {
    text: &'a str,
    options: &'a ItemOptions,
    named: NamedMarks,
    /// Module-level classes by name: bases are looked up here.
    classes: BTreeMap<&'a str, Class<'tree>>,
    /// Local names that stand for a `TestCase`.
    test_case_names: BTreeSet<&'a str>,
    found: Vec<PythonTest<'tree>>,
    /// How much more may be looked at: many classes with one large base are quadratic.
    budget: usize,
}

/// Functions and bytes looked at through base classes; ordinary files need less than a thousandth.
const BUDGET: usize = 200_000_000;
/// What a class or function costs besides its bytes.
const VISIT: usize = 100;

/// The tests of a module, in order.
///
/// # Errors
/// [`LintError::TooComplex`] where inheritance multiplies tests beyond all measure.
pub(crate) fn collect<'tree>(
    module: Node<'tree>,
    text: &str,
    options: &ItemOptions,
) -> Result<Vec<PythonTest<'tree>>, LintError> {
    let mut collector = Collector {
        text,
        options,
        named: named_marks(module, text),
        classes: BTreeMap::new(),
        test_case_names: imported_test_cases(module, text),
        found: Vec::new(),
        budget: BUDGET,
    };
    for definition in definitions(module, 0) {
        if let Definition::Class(class) = definition
            && let Some(name) = class.definition.child_by_field_name("name")
        {
            collector.classes.insert(text_of(name, text), class);
        }
    }
    if is_switched_off(module, text) {
        return Ok(Vec::new());
    }
    let (marks, sources) = governing(module, text, &collector.named, true);
    let governed = Governed {
        marks,
        ranges: sources.iter().map(|node| node.byte_range()).collect(),
    };
    for definition in definitions(module, 0) {
        match definition {
            Definition::Function(outer, function, block) => {
                collector.function(outer, function, block, &[], &governed, false, false);
            }
            Definition::Class(class) => collector.class(class, &[], &governed, 0),
        }
    }
    if collector.budget == 0 {
        return Err(LintError::TooComplex);
    }
    Ok(collector.found)
}

/// A function or class, and the block it stands in.
enum Definition<'tree> {
    Function(Node<'tree>, Node<'tree>, usize),
    Class(Class<'tree>),
}

/// The functions and classes of a block, also those below `if`, `try`, `with`, loops and `match`.
fn definitions(block: Node<'_>, depth: usize) -> Vec<Definition<'_>> {
    let mut found = Vec::new();
    if depth > DEEPEST {
        return found;
    }
    for node in children(block) {
        match node.kind() {
            "function_definition" => found.push(Definition::Function(node, node, block.id())),
            "class_definition" => found.push(Definition::Class(Class {
                outer: node,
                definition: node,
            })),
            "decorated_definition" => match node.child_by_field_name("definition") {
                Some(inner) if inner.kind() == "function_definition" => {
                    found.push(Definition::Function(node, inner, block.id()));
                }
                Some(inner) => found.push(Definition::Class(Class {
                    outer: node,
                    definition: inner,
                })),
                None => {}
            },
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
                found.extend(definitions(node, depth + 1));
            }
            _ => {}
        }
    }
    found
}

/// Local names under which `unittest.TestCase` and its like are imported with `as`.
fn imported_test_cases<'a>(module: Node<'_>, text: &'a str) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for statement in statements(module) {
        if statement.kind() != "import_from_statement" {
            continue;
        }
        for import in children(statement) {
            if import.kind() != "aliased_import" {
                continue;
            }
            if let (Some(name), Some(alias)) = (
                import.child_by_field_name("name"),
                import.child_by_field_name("alias"),
            ) && is_test_case_name(text_of(name, text))
            {
                names.insert(text_of(alias, text));
            }
        }
    }
    names
}

/// Names that classes derived from `unittest.TestCase` have by convention.
fn is_test_case_name(name: &str) -> bool {
    let last = last_part(name);
    last.ends_with("TestCase") || last.ends_with("TestBase")
}

/// `__test__ = False` in a module or class body.
fn is_switched_off(body: Node<'_>, text: &str) -> bool {
    statements(body).into_iter().any(|statement| {
        expression_of(statement).is_some_and(|assignment| {
            assignment.kind() == "assignment"
                && assignment
                    .child_by_field_name("left")
                    .is_some_and(|left| text_of(left, text) == "__test__")
                && assignment
                    .child_by_field_name("right")
                    .is_some_and(|right| right.kind() == "false")
        })
    })
}

/// Names that a class body sets to `None`.
fn assigned_names<'a>(body: Node<'_>, text: &'a str) -> Vec<&'a str> {
    statements(body)
        .into_iter()
        .filter_map(expression_of)
        .filter(|assignment| {
            assignment.kind() == "assignment"
                && assignment
                    .child_by_field_name("right")
                    .is_some_and(|right| right.kind() == "none")
        })
        .filter_map(|assignment| text.get(assignment.child_by_field_name("left")?.byte_range()))
        .collect()
}

impl<'a, 'tree> Collector<'a, 'tree> {
    fn name_of(&self, definition: Node<'_>) -> &'a str {
        definition
            .child_by_field_name("name")
            .and_then(|name| self.text.get(name.byte_range()))
            .unwrap_or("")
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "all of it is the place where the function stands"
    )]
    fn function(
        &mut self,
        outer: Node<'tree>,
        function: Node<'tree>,
        block: usize,
        classes: &[&str],
        governed: &Governed,
        in_test_case: bool,
        inherited: bool,
    ) {
        let name = self.name_of(function);
        let fits_name = if in_test_case {
            name.starts_with("test") || name == "runTest"
        } else {
            fits(&self.options.python_functions, name)
        };
        if name.is_empty() || !fits_name {
            return;
        }
        let decorators: Vec<Node<'_>> = decorators(outer);
        let is_fixture = decorators.iter().any(|decorator| {
            callee(*decorator, self.text)
                .is_some_and(|name| matches!(last_part(&name), "fixture" | "property"))
        });
        if is_fixture {
            return;
        }
        let mut marks = governed.marks.clone();
        for decorator in decorators {
            marks.extend(marks_in(decorator, self.text, &self.named));
        }
        if let Some(body) = function.child_by_field_name("body") {
            marks.extend(body_marks(body, self.text));
        }
        let mut path: Vec<&str> = classes.to_vec();
        path.push(name);
        self.found.push(PythonTest {
            name: path.join("::"),
            node: outer,
            function,
            block,
            marks,
            governed_by: governed.ranges.clone(),
            inherited,
        });
    }

    fn bases(&self, class: Class<'tree>) -> Vec<String> {
        class
            .definition
            .child_by_field_name("superclasses")
            .map(children)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|base| match base.kind() {
                // `Generic[T]`, `make_base(X)`: the name in front.
                "subscript" => dotted(base.child_by_field_name("value")?, self.text),
                _ => callee(base, self.text),
            })
            .collect()
    }

    /// The class and its bases in this file, nearest first; each once.
    fn lineage(&self, class: Class<'tree>) -> Vec<Class<'tree>> {
        let mut lineage = vec![class];
        let mut seen = BTreeSet::from([class.definition.id()]);
        let mut next = 0;
        while let Some(current) = lineage.get(next).copied() {
            next += 1;
            for base in self.bases(current) {
                if let Some(base) = self.classes.get(base.as_str())
                    && seen.insert(base.definition.id())
                    && lineage.len() < DEEPEST
                {
                    lineage.push(*base);
                }
            }
        }
        lineage
    }

    fn class(&mut self, class: Class<'tree>, outer: &[&str], governed: &Governed, depth: usize) {
        let name = self.name_of(class.definition);
        let lineage = self.lineage(class);
        let is_test_case = lineage.iter().any(|class| {
            self.bases(*class)
                .iter()
                .any(|base| is_test_case_name(base) || self.test_case_names.contains(base.as_str()))
        });
        let mut collected = is_test_case || fits(&self.options.python_classes, name);
        let mut governed = governed.clone();
        for (index, ancestor) in lineage.iter().enumerate() {
            let Some(body) = ancestor.definition.child_by_field_name("body") else {
                continue;
            };
            self.budget = self.budget.saturating_sub(body.byte_range().len() + VISIT);
            if self.budget == 0 {
                return;
            }
            // Bases hand `__test__ = False` and their constructor down as well, but a class may switch itself on again.
            let has_constructor = functions_of(*ancestor)
                .iter()
                .any(|(_, function, _)| matches!(self.name_of(*function), "__init__" | "__new__"));
            let off = if index == 0 {
                is_switched_off(body, self.text)
            } else {
                false
            };
            collected &= !off && (is_test_case || !has_constructor);
            // The head: decorators, name, bases.
            governed
                .ranges
                .push(ancestor.outer.start_byte()..body.start_byte());
            for decorator in decorators(ancestor.outer) {
                governed
                    .marks
                    .extend(marks_in(decorator, self.text, &self.named));
            }
            let (marks, sources) = governing(body, self.text, &self.named, false);
            governed.marks.extend(marks);
            governed
                .ranges
                .extend(sources.iter().map(|node| node.byte_range()));
        }
        if !collected || name.is_empty() || depth > DEEPEST {
            return;
        }
        let mut path = outer.to_vec();
        path.push(name);
        self.members(class, &lineage, &path, &governed, is_test_case, depth);
    }

    fn members(
        &mut self,
        class: Class<'tree>,
        lineage: &[Class<'tree>],
        path: &[&str],
        governed: &Governed,
        is_test_case: bool,
        depth: usize,
    ) {
        let first = self.found.len();
        let mut own: BTreeSet<&str> = BTreeSet::new();
        for (index, ancestor) in lineage.iter().enumerate() {
            let functions = functions_of(*ancestor);
            let names: BTreeSet<&str> = functions
                .iter()
                .map(|(_, function, _)| self.name_of(*function))
                .collect();
            for (outer, function, block) in functions {
                self.budget = self
                    .budget
                    .saturating_sub(VISIT + path.len() + governed.ranges.len());
                if self.budget == 0 {
                    return;
                }
                if !own.contains(self.name_of(function)) {
                    self.function(
                        outer,
                        function,
                        block,
                        path,
                        governed,
                        is_test_case,
                        index > 0,
                    );
                }
            }
            own.extend(names);
            // `test_x = None` takes an inherited test away.
            if let Some(body) = ancestor.definition.child_by_field_name("body") {
                own.extend(assigned_names(body, self.text));
            }
        }
        if is_test_case {
            // `runTest` is a test only where there is no other.
            let others = self.found[first..]
                .iter()
                .any(|test| !test.name.ends_with("::runTest"));
            if others {
                let mut index = 0;
                self.found.retain(|test| {
                    index += 1;
                    index <= first || !test.name.ends_with("::runTest")
                });
            }
            return;
        }
        let Some(body) = class.definition.child_by_field_name("body") else {
            return;
        };
        for definition in definitions(body, 0) {
            if let Definition::Class(inner) = definition {
                self.class(inner, path, governed, depth + 1);
            }
        }
    }
}

/// The functions of a class body: with decorators, without, and their block.
fn functions_of(class: Class<'_>) -> Vec<(Node<'_>, Node<'_>, usize)> {
    class
        .definition
        .child_by_field_name("body")
        .map(|body| definitions(body, 0))
        .unwrap_or_default()
        .into_iter()
        .filter_map(|definition| match definition {
            Definition::Function(outer, function, block) => Some((outer, function, block)),
            Definition::Class(_) => None,
        })
        .collect()
}

/// The expressions behind the `@` of a decorated definition.
fn decorators(outer: Node<'_>) -> Vec<Node<'_>> {
    if outer.kind() != "decorated_definition" {
        return Vec::new();
    }
    children(outer)
        .into_iter()
        .filter(|node| node.kind() == "decorator")
        .filter_map(|node| node.named_child(0))
        .collect()
}
