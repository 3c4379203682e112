//! How much an assertion says.

use super::names::{dotted, last};
use super::{Reader, span};
use crate::quality::model::{Fact, FactKind, Strength};
use ruff_python_ast::{BoolOp, CmpOp, Expr, Number, UnaryOp};
use ruff_text_size::Ranged;

/// The strength of `assert EXPRESSION`, and what a rule should know of it.
pub(super) fn of_truth(reader: &Reader<'_>, expression: &Expr, facts: &mut Vec<Fact>) -> Strength {
    let mut fact = |kind| {
        facts.push(Fact {
            span: span(expression.range()),
            kind,
        });
    };
    match constant(expression) {
        Some(true) => {
            fact(FactKind::ConstantTrue);
            return Strength::None;
        }
        Some(false) => return Strength::None,
        None => {}
    }
    match expression {
        Expr::Name(_) | Expr::Subscript(_) => Strength::Weak,
        Expr::Attribute(attribute) => match attribute.attr.as_str() {
            "called" | "called_once" => Strength::MockCalled,
            _ => Strength::Flag,
        },
        Expr::Await(wait) => of_truth(reader, &wait.value, facts),
        Expr::Named(named) => of_truth(reader, &named.value, facts),
        Expr::UnaryOp(unary) if unary.op == UnaryOp::Not => match &*unary.operand {
            Expr::Attribute(attribute) if attribute.attr.as_str() == "called" => {
                Strength::MockCalledWith
            }
            operand => of_truth(reader, operand, facts).max(Strength::Predicate),
        },
        Expr::BoolOp(operation) => {
            let parts = operation
                .values
                .iter()
                .map(|value| of_truth(reader, value, facts));
            match operation.op {
                BoolOp::And => {
                    let strongest = parts.max().unwrap_or(Strength::Weak);
                    facts.push(Fact {
                        span: span(expression.range()),
                        kind: FactKind::Composite,
                    });
                    strongest
                }
                BoolOp::Or => parts.min().unwrap_or(Strength::Weak),
            }
        }
        Expr::Compare(compare) => {
            if let [right] = &*compare.comparators {
                let op = compare.ops.first().copied().unwrap_or(CmpOp::Eq);
                return of_comparison(reader, expression, &compare.left, op, right, facts);
            }
            Strength::Value
        }
        Expr::Call(_) => Strength::Predicate,
        _ => Strength::Value,
    }
}

/// The strength of a comparison, also one written as a method (`assertEqual(a, b)`).
pub(super) fn of_comparison(
    reader: &Reader<'_>,
    whole: &impl Ranged,
    left: &Expr,
    op: CmpOp,
    right: &Expr,
    facts: &mut Vec<Fact>,
) -> Strength {
    let mut fact = |kind| {
        facts.push(Fact {
            span: span(whole.range()),
            kind,
        });
    };
    let same = matches!(op, CmpOp::Eq | CmpOp::Is | CmpOp::LtE | CmpOp::GtE);
    if is_literal(left) && is_literal(right) {
        if same && reader.squeezed(left) == reader.squeezed(right)
            || op == CmpOp::NotEq && reader.squeezed(left) != reader.squeezed(right)
        {
            fact(FactKind::ConstantTrue);
            return Strength::None;
        }
        return Strength::Value;
    }
    if same && is_pure(left) && is_pure(right) && reader.squeezed(left) == reader.squeezed(right) {
        fact(FactKind::ComparesItself);
        return Strength::None;
    }
    let none = |side: &Expr| matches!(side, Expr::NoneLiteral(_));
    if matches!(op, CmpOp::IsNot | CmpOp::NotEq) && (none(left) || none(right)) {
        return Strength::Weak;
    }
    // `len(x) > 0` is a longer way to write `x`.
    let length = |side: &Expr| matches!(side, Expr::Call(call) if dotted(&call.func).as_deref() == Some("len"));
    if length(left) && matches!(op, CmpOp::Gt | CmpOp::NotEq) && integer(right) == Some(0)
        || length(left) && op == CmpOp::GtE && matches!(integer(right), Some(0 | 1))
    {
        if integer(right) == Some(0) && op == CmpOp::GtE {
            fact(FactKind::ConstantTrue);
            return Strength::None;
        }
        return Strength::Predicate;
    }
    if let Some(name) = dotted(left)
        && matches!(
            last(&name),
            "call_count" | "await_count" | "call_args" | "call_args_list" | "mock_calls"
        )
        && !matches!(left, Expr::Call(_))
    {
        return Strength::MockCalledWith;
    }
    if let Some(name) = dotted(right)
        && last(&name) == "snapshot"
    {
        return Strength::Snapshot;
    }
    Strength::Value
}

/// Whether an expression is a constant, and whether that is true. Displays with elements are true.
pub(super) fn constant(expression: &Expr) -> Option<bool> {
    match expression {
        Expr::BooleanLiteral(literal) => Some(literal.value),
        Expr::NumberLiteral(literal) => match &literal.value {
            Number::Int(number) => Some(number.as_i64() != Some(0)),
            Number::Float(number) => Some(*number != 0.0),
            Number::Complex { .. } => None,
        },
        Expr::StringLiteral(literal) => Some(!literal.value.is_empty()),
        Expr::BytesLiteral(literal) => Some(!literal.value.is_empty()),
        Expr::NoneLiteral(_) => Some(false),
        Expr::EllipsisLiteral(_) | Expr::Lambda(_) | Expr::Generator(_) => Some(true),
        Expr::Tuple(tuple) => Some(!tuple.elts.is_empty()),
        Expr::List(list) => Some(!list.elts.is_empty()),
        Expr::Dict(dict) => Some(!dict.items.is_empty()),
        Expr::Set(_) => Some(true),
        Expr::UnaryOp(unary) if unary.op == UnaryOp::Not => {
            constant(&unary.operand).map(|value| !value)
        }
        _ => None,
    }
}

/// A literal without names in it.
pub(super) fn is_literal(expression: &Expr) -> bool {
    match expression {
        Expr::BooleanLiteral(_)
        | Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::BytesLiteral(_)
        | Expr::NoneLiteral(_) => true,
        Expr::UnaryOp(unary) => is_literal(&unary.operand),
        Expr::Tuple(tuple) => tuple.elts.iter().all(is_literal),
        Expr::List(list) => list.elts.iter().all(is_literal),
        _ => false,
    }
}

/// Names, attributes and literals: without a call that may return something else the second time.
fn is_pure(expression: &Expr) -> bool {
    match expression {
        Expr::Name(_) => true,
        Expr::Attribute(attribute) => is_pure(&attribute.value),
        Expr::Subscript(subscript) => is_pure(&subscript.value) && is_pure(&subscript.slice),
        other => is_literal(other),
    }
}

fn integer(expression: &Expr) -> Option<i64> {
    match expression {
        Expr::NumberLiteral(literal) => match &literal.value {
            Number::Int(number) => number.as_i64(),
            Number::Float(_) | Number::Complex { .. } => None,
        },
        _ => None,
    }
}
