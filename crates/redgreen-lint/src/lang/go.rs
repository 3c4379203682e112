//! Go: tests as the go tool collects them, on tree-sitter.
//!
//! `TestX`, `FuzzX` and examples with an `// Output:` comment; methods of testify suites, which run as subtests of the
//! function that starts the suite. Benchmarks and `TestMain` are none. Rules: `go help testfunc`.

use crate::syntax::{children, text_of};
use redgreen_core::test_item::Mark;
use std::collections::BTreeSet;
use tree_sitter::Node;

/// A test of a file.
pub(crate) struct GoTest<'tree> {
    /// `TestAdd`; `CartSuite.TestAdd` for a method of a suite.
    pub(crate) name: String,
    /// The function.
    pub(crate) function: Node<'tree>,
    /// Its body.
    pub(crate) body: Node<'tree>,
    /// What a statement calls to fail it: `t`, or `s.T()`; `None` for examples and where it has no name.
    pub(crate) handle: Option<String>,
}

/// Whether the go tool runs a function of this name: a prefix, and no small letter behind it.
pub(crate) fn is_test_name(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix)
        .is_some_and(|rest| !rest.starts_with(char::is_lowercase))
}

/// The tests of a file in their order.
pub(crate) fn tests<'tree>(root: Node<'tree>, text: &str) -> Vec<GoTest<'tree>> {
    let suites = text.contains("testify/suite\"");
    children(root)
        .into_iter()
        .filter_map(|node| match node.kind() {
            "function_declaration" => function(node, text),
            "method_declaration" => method(node, text, suites),
            _ => None,
        })
        .collect()
}

/// The parameters of a function as `(name, type)`.
pub(crate) fn parameters<'text>(
    function: Node<'_>,
    text: &'text str,
) -> Vec<(&'text str, &'text str)> {
    let Some(list) = function.child_by_field_name("parameters") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for parameter in children(list) {
        let kind = parameter
            .child_by_field_name("type")
            .map_or("", |node| text_of(node, text));
        let mut cursor = parameter.walk();
        let names: Vec<&str> = parameter
            .children_by_field_name("name", &mut cursor)
            .map(|name| text_of(name, text))
            .collect();
        if names.is_empty() {
            found.push(("", kind));
        }
        found.extend(names.into_iter().map(|name| (name, kind)));
    }
    found
}

fn function<'tree>(node: Node<'tree>, text: &str) -> Option<GoTest<'tree>> {
    let name = text_of(node.child_by_field_name("name")?, text);
    let body = node.child_by_field_name("body")?;
    let parameters = parameters(node, text);
    if is_test_name(name, "Example") && parameters.is_empty() {
        // Without the comment it is compiled and not run.
        let has_output = children(body)
            .last()
            .filter(|last| last.kind() == "comment")
            .or(children(body).iter().rfind(|node| node.kind() == "comment"))
            .is_some_and(|_| expects_output(text_of(body, text)));
        return has_output.then(|| GoTest {
            name: name.to_owned(),
            function: node,
            body,
            handle: None,
        });
    }
    let fits = |prefix: &str, kind: &str| {
        is_test_name(name, prefix)
            && matches!(parameters.as_slice(), [(_, own)] if own.trim_start_matches('*') == format!("testing.{kind}")
                || own.trim_start_matches('*') == kind)
    };
    if !fits("Test", "T") && !fits("Fuzz", "F") {
        return None;
    }
    Some(GoTest {
        name: name.to_owned(),
        function: node,
        body,
        handle: parameters
            .first()
            .map(|(name, _)| (*name).to_owned())
            .filter(|name| !name.is_empty() && name != "_"),
    })
}

fn expects_output(body: &str) -> bool {
    body.lines().any(|line| {
        line.trim_start().strip_prefix("//").is_some_and(|comment| {
            let comment = comment.trim_start().to_lowercase();
            comment.starts_with("output:") || comment.starts_with("unordered output:")
        })
    })
}

/// `func (s *CartSuite) TestAdd()`.
fn method<'tree>(node: Node<'tree>, text: &str, suites: bool) -> Option<GoTest<'tree>> {
    let name = text_of(node.child_by_field_name("name")?, text);
    let body = node.child_by_field_name("body")?;
    if !name.starts_with("Test") || !parameters(node, text).is_empty() {
        return None;
    }
    let receiver = children(node.child_by_field_name("receiver")?)
        .into_iter()
        .next()?;
    let kind = text_of(receiver.child_by_field_name("type")?, text);
    let kind = kind.trim_start_matches('*');
    let kind = kind.split('[').next().unwrap_or(kind);
    if !suites && !kind.contains("Suite") {
        return None;
    }
    let handle = receiver
        .child_by_field_name("name")
        .map(|name| text_of(name, text))
        .filter(|name| !name.is_empty() && *name != "_");
    Some(GoTest {
        name: format!("{kind}.{name}"),
        function: node,
        body,
        handle: handle.map(|name| format!("{name}.T()")),
    })
}

/// The lines that decide whether a file is compiled: part of every test in it.
pub(crate) fn constraints(text: &str) -> Vec<&str> {
    text.lines()
        .take_while(|line| !line.starts_with("package "))
        .filter(|line| line.starts_with("//go:build") || line.starts_with("// +build"))
        .collect()
}

/// The statements of a block.
pub(crate) fn statements(block: Node<'_>) -> Vec<Node<'_>> {
    children(block)
        .into_iter()
        .flat_map(|node| {
            // Newer grammars have a list in between.
            if node.kind() == "statement_list" {
                children(node)
            } else {
                vec![node]
            }
        })
        .filter(|node| node.kind() != "comment")
        .collect()
}

/// `t.Fatalf(…)` → `Fatalf`, where the statement calls a method of the test's own handle.
pub(crate) fn called<'text>(
    statement: Node<'_>,
    handle: Option<&str>,
    text: &'text str,
) -> Option<&'text str> {
    let call = match statement.kind() {
        "expression_statement" => children(statement).into_iter().next()?,
        "call_expression" => statement,
        _ => return None,
    };
    if call.kind() != "call_expression" {
        return None;
    }
    let function = call.child_by_field_name("function")?;
    let (object, name) = text_of(function, text).rsplit_once('.')?;
    (Some(object) == handle
        || (object.ends_with(".T()") && handle.is_some_and(|own| own == object)))
    .then_some(name)
}

/// Names of methods that fail a test.
pub(crate) const FAILS: [&str; 6] = ["Error", "Errorf", "Fatal", "Fatalf", "Fail", "FailNow"];

/// What is marked on a test: only what holds whenever it runs. A skip under a condition is seen when it happens.
pub(crate) fn marks(test: &GoTest<'_>, text: &str) -> BTreeSet<Mark> {
    let mut marks = BTreeSet::new();
    let handle = test.handle.as_deref();
    let own = |statement: Node<'_>| called(statement, handle, text);
    let all = statements(test.body);
    let mut doing = all
        .iter()
        .filter(|statement| {
            !matches!(
                own(**statement),
                Some("Parallel" | "Helper" | "Log" | "Logf")
            )
        })
        .peekable();
    let Some(first) = doing.peek() else {
        if handle.is_some() || all.is_empty() {
            marks.insert(Mark::Empty);
        }
        return marks;
    };
    let fails = |statement: Node<'_>| {
        own(statement).is_some_and(|name| FAILS.contains(&name))
            || text_of(statement, text).starts_with("panic(")
    };
    if fails(**first) || fails_under_a_constant(**first, text, &fails) {
        marks.insert(Mark::AlwaysFails);
    }
    if all
        .iter()
        .any(|statement| matches!(own(*statement), Some("Skip" | "Skipf" | "SkipNow")))
    {
        marks.insert(Mark::Skip);
    }
    marks
}

/// `if 1 != 2 { t.Fatal() }`.
fn fails_under_a_constant(
    statement: Node<'_>,
    text: &str,
    fails: &dyn Fn(Node<'_>) -> bool,
) -> bool {
    if statement.kind() != "if_statement" {
        return false;
    }
    let condition = statement
        .child_by_field_name("condition")
        .map_or("", |node| text_of(node, text));
    let constant = !condition.is_empty()
        && condition
            .replace("true", "")
            .replace("false", "")
            .chars()
            .all(|c| !c.is_alphabetic() && c != '"' && c != '`');
    constant
        && condition != "false"
        && statement
            .child_by_field_name("consequence")
            .is_some_and(|block| statements(block).into_iter().any(fails))
}
