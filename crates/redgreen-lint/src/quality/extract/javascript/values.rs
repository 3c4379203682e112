//! What an expression is worth: constants, pure expressions, predicates.

use super::chain;
use crate::quality::model::FactKind;
use oxc_ast::ast::*;

/// `{ skip: true, todo: 'later', only: true }` of node:test.
pub(super) fn option_marks(object: &ObjectExpression<'_>) -> Vec<FactKind> {
    let mut marks = Vec::new();
    for property in &object.properties {
        let ObjectPropertyKind::ObjectProperty(property) = property else {
            continue;
        };
        let Some(name) = property.key.static_name() else {
            continue;
        };
        let constant = truth_of(&property.value);
        let kind = match &*name {
            "skip" => FactKind::Skip {
                conditional: constant.is_none(),
                reason: matches!(property.value, Expression::StringLiteral(_)),
                in_body: false,
            },
            "todo" => FactKind::Skip {
                conditional: false,
                reason: true,
                in_body: false,
            },
            "only" => FactKind::Focus,
            "fails" => FactKind::ExpectedFailure,
            _ => continue,
        };
        if constant != Some(false) {
            marks.push(kind);
        }
    }
    marks
}

pub(super) fn truth_of(expression: &Expression<'_>) -> Option<bool> {
    match expression {
        Expression::BooleanLiteral(literal) => Some(literal.value),
        Expression::NumericLiteral(literal) => Some(literal.value != 0.0),
        Expression::StringLiteral(literal) => Some(!literal.value.is_empty()),
        Expression::NullLiteral(_) => Some(false),
        Expression::ArrayExpression(_) | Expression::ObjectExpression(_) => None,
        Expression::UnaryExpression(unary) if unary.operator == UnaryOperator::LogicalNot => {
            truth_of(&unary.argument).map(|truth| !truth)
        }
        Expression::ParenthesizedExpression(inner) => truth_of(&inner.expression),
        _ => None,
    }
}

pub(super) fn is_literal(expression: &Expression<'_>) -> bool {
    matches!(
        expression,
        Expression::BooleanLiteral(_)
            | Expression::NumericLiteral(_)
            | Expression::StringLiteral(_)
            | Expression::NullLiteral(_)
            | Expression::BigIntLiteral(_)
    )
}

/// A literal that is one value.
pub(super) fn is_scalar(expression: &Expression<'_>) -> bool {
    is_literal(expression)
}

/// Names and members: nothing that may answer otherwise the second time.
pub(super) fn is_pure(expression: &Expression<'_>) -> bool {
    match expression {
        Expression::Identifier(_) | Expression::ThisExpression(_) => true,
        Expression::StaticMemberExpression(member) => is_pure(&member.object),
        Expression::ComputedMemberExpression(member) => {
            is_pure(&member.object) && is_pure(&member.expression)
        }
        Expression::TSNonNullExpression(inner) => is_pure(&inner.expression),
        other => is_literal(other),
    }
}

/// A subject that answers yes or no.
pub(super) fn is_predicate(subject: &Expression<'_>) -> bool {
    let parts = chain::of_expression(subject);
    let name = parts.last().map_or("", |part| part.name.as_str());
    let words = [
        "is",
        "has",
        "can",
        "should",
        "includes",
        "startsWith",
        "endsWith",
        "some",
        "every",
        "test",
        "match",
        "exists",
        "contains",
        "valid",
        "equals",
        "ok",
    ];
    matches!(
        subject,
        Expression::BinaryExpression(_)
            | Expression::UnaryExpression(_)
            | Expression::LogicalExpression(_)
    ) || words.iter().any(|word| {
        name.strip_prefix(word).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_uppercase())
        })
    })
}

/// Whether a loop over this runs at least once.
pub(super) fn surely_runs(expression: &Expression<'_>) -> bool {
    match expression {
        Expression::ArrayExpression(list) => !list.elements.is_empty(),
        Expression::ParenthesizedExpression(inner) => surely_runs(&inner.expression),
        Expression::TSAsExpression(cast) => surely_runs(&cast.expression),
        Expression::Identifier(name) => name
            .name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit()),
        Expression::CallExpression(call) => {
            let text = chain::text(&chain::of_call(call));
            matches!(
                text.as_str(),
                "Object.entries" | "Object.keys" | "Object.values"
            ) && matches!(call.arguments.first().and_then(Argument::as_expression), Some(Expression::ObjectExpression(object)) if !object.properties.is_empty())
        }
        _ => false,
    }
}
