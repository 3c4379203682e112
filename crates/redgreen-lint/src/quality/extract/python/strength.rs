//! How much an assertion says.

use super::bindings::Bindings;
use super::constant::{constant, integer, is_literal, is_pure};
use super::names::{dotted, last};
use super::{Reader, span};
use crate::quality::model::{Fact, FactKind, Strength};
use ruff_python_ast::{BoolOp, CmpOp, Expr, UnaryOp};
use ruff_text_size::Ranged;

/// What the strength of an assertion is judged with.
#[derive(Clone, Copy)]
pub(super) struct Scale<'r, 'a> {
    pub(super) reader: &'r Reader<'a>,
    pub(super) bindings: &'r Bindings<'a>,
}

/// The strength of `assert EXPRESSION`, and what a rule should know of it.
pub(super) fn of_truth(scale: Scale<'_, '_>, expression: &Expr, facts: &mut Vec<Fact>) -> Strength {
    let mut fact = |kind| {
        facts.push(Fact {
            span: span(expression.range()),
            kind,
        });
    };
    match constant(scale.bindings, expression) {
        Some(true) => {
            fact(FactKind::ConstantTrue { in_callback: false });
            return Strength::None;
        }
        Some(false) => return Strength::None,
        None => {}
    }
    match expression {
        Expr::Subscript(part) if matches!(&*part.slice, Expr::StringLiteral(_)) => Strength::Flag,
        Expr::Name(_) | Expr::Subscript(_) => Strength::Weak,
        Expr::Attribute(attribute) => match attribute.attr.as_str() {
            // A class of the test may keep count itself.
            "called" | "called_once"
                if !dotted(&attribute.value).is_some_and(|name| scale.bindings.is_class(&name)) =>
            {
                Strength::MockCalled
            }
            _ => Strength::Flag,
        },
        Expr::Await(wait) => of_truth(scale, &wait.value, facts),
        Expr::Named(named) => of_truth(scale, &named.value, facts),
        Expr::UnaryOp(unary) if unary.op == UnaryOp::Not => match &*unary.operand {
            Expr::Attribute(attribute) if attribute.attr.as_str() == "called" => {
                Strength::MockCalledWith
            }
            Expr::Compare(compare) => match (&*compare.ops, &*compare.comparators) {
                ([CmpOp::Is | CmpOp::Eq], [Expr::NoneLiteral(_)]) => Strength::Weak,
                // `not a != a`
                ([CmpOp::NotEq], [right]) => {
                    of_comparison(scale, expression, &compare.left, CmpOp::Eq, right, facts)
                }
                _ => Strength::Value,
            },
            operand => of_truth(scale, operand, facts).max(Strength::Predicate),
        },
        Expr::BoolOp(operation) => {
            let parts = operation
                .values
                .iter()
                .map(|value| of_truth(scale, value, facts));
            match operation.op {
                BoolOp::And => {
                    let strongest = parts.max().unwrap_or(Strength::Weak);
                    facts.push(Fact {
                        span: span(expression.range()),
                        kind: FactKind::Composite,
                    });
                    strongest
                }
                BoolOp::Or => {
                    let strengths: Vec<Strength> = parts.collect();
                    let weakest = strengths.iter().copied().min().unwrap_or(Strength::Weak);
                    let mixed = strengths.iter().any(|strength| *strength > Strength::Shape);
                    if mixed && weakest == Strength::Weak {
                        Strength::Predicate
                    } else {
                        weakest
                    }
                }
            }
        }
        Expr::Compare(compare) => {
            if let [right] = &*compare.comparators {
                let op = compare.ops.first().copied().unwrap_or(CmpOp::Eq);
                return of_comparison(scale, expression, &compare.left, op, right, facts);
            }
            Strength::Value
        }
        Expr::Call(call) => match (dotted(&call.func).as_deref(), &*call.arguments.args) {
            (Some("bool"), [asked]) => of_truth(scale, asked, facts),
            (Some("isinstance" | "hasattr" | "callable"), _) => Strength::Shape,
            _ => Strength::Predicate,
        },
        _ => Strength::Value,
    }
}

/// The strength of a comparison, also one written as a method (`assertEqual(a, b)`).
pub(super) fn of_comparison(
    scale: Scale<'_, '_>,
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
    let squeezed = |side: &Expr| scale.reader.squeezed(side);
    let same = matches!(op, CmpOp::Eq | CmpOp::Is | CmpOp::LtE | CmpOp::GtE);
    if same && is_pure(left) && is_pure(right) && squeezed(left) == squeezed(right) {
        fact(if is_literal(left) {
            FactKind::ConstantTrue { in_callback: false }
        } else {
            FactKind::ComparesItself
        });
        return Strength::None;
    }
    // `b = a`, and then `a == b`.
    if let (Expr::Name(one), Expr::Name(two)) = (left, right)
        && same
        && (scale.bindings.original(one.id.as_str()) == scale.bindings.original(two.id.as_str())
            || scale.bindings.together(one.id.as_str(), two.id.as_str()))
    {
        fact(FactKind::ComparesItself);
        return Strength::None;
    }
    // `x in [x]`
    if let Expr::List(list) = right
        && op == CmpOp::In
        && is_pure(left)
        && list
            .elts
            .iter()
            .any(|item| squeezed(item) == squeezed(left))
    {
        fact(FactKind::ComparesItself);
        return Strength::None;
    }
    if is_literal(left) && is_literal(right) {
        if op == CmpOp::NotEq && squeezed(left) != squeezed(right) {
            fact(FactKind::ConstantTrue { in_callback: false });
            return Strength::None;
        }
        return Strength::Value;
    }
    if same && asks_the_subject_twice(scale, left, right) {
        fact(FactKind::ExpectedFromSubject);
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
            fact(FactKind::ConstantTrue { in_callback: false });
            return Strength::None;
        }
        return Strength::Shape;
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

/// `assert total(x) == total(x)`, also with a name in between: the subject is its own expectation.
fn asks_the_subject_twice(scale: Scale<'_, '_>, left: &Expr, right: &Expr) -> bool {
    let asked = |side: &Expr| -> Option<(String, String, bool)> {
        let held = match side {
            Expr::Name(name) => scale.bindings.value(name.id.as_str())?,
            other => other,
        };
        let Expr::Call(call) = held else { return None };
        let name = scale.reader.names.qualified(&call.func)?;
        // A receiver that the test holds may have changed in between, and so may what an iterator gives.
        let root = super::bindings::root(&call.func)?;
        let held_receiver =
            matches!(&*call.func, Expr::Attribute(_)) && scale.bindings.binds(&root);
        let plain = !held_receiver
            && root != "self"
            && !matches!(
                last(&name),
                "next"
                    | "iter"
                    | "pop"
                    | "read"
                    | "readline"
                    | "hash"
                    | "id"
                    | "repr"
                    | "str"
                    | "len"
                    | "list"
                    | "dict"
                    | "set"
                    | "tuple"
                    | "sorted"
                    | "object"
                    | "random"
            );
        plain.then(|| {
            (
                scale.reader.squeezed(held),
                name,
                matches!(side, Expr::Name(_)),
            )
        })
    };
    match (asked(left), asked(right)) {
        (Some((one, name, first_held)), Some((two, _, second_held))) => {
            // What is done in between may be what must change nothing.
            let between = (first_held || second_held) && scale.bindings.acts;
            one == two && !between && last(&name).starts_with(|c: char| c.is_lowercase())
        }
        _ => false,
    }
}
