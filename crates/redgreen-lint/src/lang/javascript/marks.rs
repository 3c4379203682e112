//! What is marked on a test: modifiers, options, calls in its body, bodies that fail whatever the code does.

use super::parts::{Part, of_call};
use oxc_ast::ast::{
    Argument, BinaryExpression, CallExpression, Expression, ObjectPropertyKind, PropertyKey,
    Statement,
};
use redgreen_core::test_item::Mark;
use std::collections::BTreeSet;

/// Marks of the parts of a call: `it.skip`, `fdescribe`, `test.each(…).only`.
pub(super) fn of_parts(parts: &[Part<'_, '_>], root: &str) -> BTreeSet<Mark> {
    let mut marks = BTreeSet::new();
    if matches!(
        root,
        "xit" | "xtest" | "xspecify" | "xdescribe" | "xcontext" | "xsuite"
    ) {
        marks.insert(Mark::Skip);
    }
    if matches!(root, "fit" | "ftest" | "fdescribe" | "fcontext" | "only") {
        marks.insert(Mark::Focus);
    }
    match root {
        "skip" => _ = marks.insert(Mark::Skip),
        "todo" => _ = marks.insert(Mark::Todo),
        _ => {}
    }
    for part in parts.iter().skip(1) {
        let mark = match part.name {
            "skip" | "fixme" | "skipIf" | "runIf" => Mark::Skip,
            "only" => Mark::Focus,
            "todo" => Mark::Todo,
            "fails" | "failing" | "fail" | "expectFailure" => Mark::Xfail,
            _ => continue,
        };
        marks.insert(mark);
    }
    marks
}

/// Marks of `{ skip: true, only: true, todo: 'later' }`.
pub(super) fn of_options(arguments: &[Argument<'_>]) -> BTreeSet<Mark> {
    let mut marks = BTreeSet::new();
    for argument in arguments {
        let Some(Expression::ObjectExpression(object)) = argument.as_expression() else {
            continue;
        };
        for property in &object.properties {
            let ObjectPropertyKind::ObjectProperty(property) = property else {
                continue;
            };
            let name = match &property.key {
                PropertyKey::StaticIdentifier(name) => name.name.as_str(),
                PropertyKey::StringLiteral(name) => name.value.as_str(),
                _ => continue,
            };
            let off = match &property.value {
                Expression::BooleanLiteral(value) => !value.value,
                Expression::NullLiteral(_) => true,
                Expression::Identifier(name) => name.name == "undefined",
                Expression::UnaryExpression(_) => false,
                _ => false,
            };
            if off {
                continue;
            }
            let mark = match name {
                "skip" => Mark::Skip,
                "only" => Mark::Focus,
                "todo" => Mark::Todo,
                "fails" | "expectFailure" => Mark::Xfail,
                _ => continue,
            };
            marks.insert(mark);
        }
    }
    marks
}

/// Marks of a body: `t.skip()`, nothing, or an assertion that cannot be true as its only statement.
pub(super) fn of_body(statements: &[Statement<'_>]) -> BTreeSet<Mark> {
    let mut marks = BTreeSet::new();
    if statements
        .iter()
        .all(|statement| matches!(statement, Statement::EmptyStatement(_)))
    {
        marks.insert(Mark::Empty);
    }
    for statement in statements {
        if let Some(call) = called(statement) {
            let parts = of_call(call);
            if let [root, last] = parts.as_slice()
                && matches!(root.name, "t" | "this" | "ctx" | "context")
            {
                match last.name {
                    "skip" => _ = marks.insert(Mark::Skip),
                    "todo" => _ = marks.insert(Mark::Todo),
                    _ => {}
                }
            }
        }
    }
    if let [only] = statements
        && always_fails(only)
    {
        marks.insert(Mark::AlwaysFails);
    }
    marks
}

/// The same for `() => assert.fail()`.
pub(super) fn of_expression(expression: &Expression<'_>) -> BTreeSet<Mark> {
    if expression_fails(expression) {
        BTreeSet::from([Mark::AlwaysFails])
    } else {
        BTreeSet::new()
    }
}

fn called<'b, 'a>(statement: &'b Statement<'a>) -> Option<&'b CallExpression<'a>> {
    let expression = match statement {
        Statement::ExpressionStatement(statement) => &statement.expression,
        Statement::ReturnStatement(statement) => statement.argument.as_ref()?,
        _ => return None,
    };
    match expression {
        Expression::CallExpression(call) => Some(call),
        Expression::AwaitExpression(wait) => match &wait.argument {
            Expression::CallExpression(call) => Some(call),
            _ => None,
        },
        _ => None,
    }
}

fn always_fails(statement: &Statement<'_>) -> bool {
    match statement {
        Statement::ThrowStatement(_) => true,
        Statement::ExpressionStatement(statement) => expression_fails(&statement.expression),
        Statement::ReturnStatement(statement) => {
            statement.argument.as_ref().is_some_and(expression_fails)
        }
        _ => false,
    }
}

/// The value of a literal, where it has one.
fn literal(expression: &Expression<'_>) -> Option<String> {
    match expression {
        Expression::BooleanLiteral(value) => Some(value.value.to_string()),
        Expression::NumericLiteral(value) => Some(value.value.to_string()),
        Expression::StringLiteral(value) => Some(format!("'{}'", value.value)),
        Expression::NullLiteral(_) => Some("null".to_owned()),
        Expression::ParenthesizedExpression(inner) => literal(&inner.expression),
        _ => None,
    }
}

fn is_falsy(expression: &Expression<'_>) -> bool {
    if let Expression::BinaryExpression(comparison) = expression {
        return compares_other_literals(comparison);
    }
    matches!(
        literal(expression).as_deref(),
        Some("false" | "0" | "''" | "null")
    )
}

fn compares_other_literals(comparison: &BinaryExpression<'_>) -> bool {
    match (literal(&comparison.left), literal(&comparison.right)) {
        (Some(left), Some(right)) => {
            matches!(comparison.operator.as_str(), "==" | "===") && left != right
        }
        _ => false,
    }
}

fn expression_fails(expression: &Expression<'_>) -> bool {
    let call = match expression {
        Expression::CallExpression(call) => call,
        Expression::AwaitExpression(wait) => return expression_fails(&wait.argument),
        Expression::ParenthesizedExpression(inner) => return expression_fails(&inner.expression),
        _ => return false,
    };
    let parts = of_call(call);
    let names: Vec<&str> = parts.iter().map(|part| part.name).collect();
    let argument = |part: &Part<'_, '_>, at: usize| -> Option<bool> {
        Some(is_falsy(part.arguments?.get(at)?.as_expression()?))
    };
    match names.as_slice() {
        ["fail"] | ["assert" | "expect" | "t" | "chai", "fail"] | ["expect", "unreachable"] => true,
        ["assert"] | ["assert", "ok"] => parts
            .last()
            .and_then(|part| argument(part, 0))
            .unwrap_or(false),
        ["assert" | "t", "equal" | "strictEqual" | "deepEqual" | "is"] => {
            let values: Vec<Option<String>> = parts
                .last()
                .and_then(|part| part.arguments)
                .unwrap_or_default()
                .iter()
                .take(2)
                .map(|argument| argument.as_expression().and_then(literal))
                .collect();
            matches!(values.as_slice(), [Some(one), Some(other)] if one != other)
        }
        ["expect", "toBe" | "toEqual" | "toStrictEqual"] => {
            let value =
                |part: &Part<'_, '_>| part.arguments?.first()?.as_expression().and_then(literal);
            matches!((value(&parts[0]), value(&parts[1])), (Some(one), Some(other)) if one != other)
        }
        ["expect", "toBeTruthy"] => parts
            .first()
            .and_then(|part| argument(part, 0))
            .unwrap_or(false),
        _ => false,
    }
}
