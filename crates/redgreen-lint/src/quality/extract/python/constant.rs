//! What an expression is worth without running anything: literals, what is computed from them, and names that hold them.

use super::bindings::Bindings;
use super::names::dotted;
use ruff_python_ast::{BoolOp, CmpOp, Expr, ExprCall, Number, Operator, UnaryOp};

/// A value that is known.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Tuple(Vec<Value>),
    /// A display whose parts are not looked at: how many there are.
    Other(usize),
}

impl Value {
    fn truth(&self) -> bool {
        match self {
            Self::None => false,
            Self::Bool(value) => *value,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::List(list) | Self::Tuple(list) => !list.is_empty(),
            Self::Other(parts) => *parts > 0,
        }
    }
    fn number(&self) -> Option<f64> {
        match self {
            Self::Bool(value) => Some(f64::from(u8::from(*value))),
            Self::Int(number) => i32::try_from(*number).ok().map(f64::from),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }
    fn equals(&self, other: &Self) -> Option<bool> {
        match (self.number(), other.number()) {
            (Some(left), Some(right)) => Some(left.to_bits() == right.to_bits() || left == right),
            _ if matches!(self, Self::Other(_)) || matches!(other, Self::Other(_)) => {
                match (self, other) {
                    (Self::Other(0), Self::Other(0)) => Some(true),
                    _ => None,
                }
            }
            _ => Some(self == other),
        }
    }
}

/// Whether an expression is a constant, and whether that is true. Displays with elements are true.
pub(super) fn constant(names: &Bindings<'_>, expression: &Expr) -> Option<bool> {
    truth(names, expression, 12)
}

/// The same for an expression outside a test.
pub(super) fn constant_alone(expression: &Expr) -> Option<bool> {
    constant(&Bindings::default(), expression)
}

/// What a comparison of two expressions gives, where both are known.
pub(super) fn comparison(
    names: &Bindings<'_>,
    left: &Expr,
    op: CmpOp,
    right: &Expr,
) -> Option<bool> {
    compared(&value(names, left, 12)?, op, &value(names, right, 12)?)
}

fn truth(names: &Bindings<'_>, expression: &Expr, left: usize) -> Option<bool> {
    if left == 0 {
        return None;
    }
    match expression {
        Expr::EllipsisLiteral(_) | Expr::Lambda(_) | Expr::Generator(_) => Some(true),
        Expr::Tuple(tuple) => Some(!tuple.elts.is_empty()),
        Expr::List(list) => Some(!list.elts.is_empty()),
        Expr::Dict(dict) => Some(!dict.items.is_empty()),
        Expr::Set(_) => Some(true),
        Expr::FString(text) => text
            .value
            .elements()
            .any(|part| {
                part.as_literal()
                    .is_some_and(|literal| !literal.value.is_empty())
            })
            .then_some(true),
        Expr::UnaryOp(unary) if unary.op == UnaryOp::Not => {
            truth(names, &unary.operand, left - 1).map(|value| !value)
        }
        Expr::BoolOp(operation) => {
            let parts: Vec<Option<bool>> = operation
                .values
                .iter()
                .map(|value| truth(names, value, left - 1))
                .collect();
            let decides = operation.op == BoolOp::Or;
            if parts.contains(&Some(decides)) {
                return Some(decides);
            }
            parts.iter().all(Option::is_some).then_some(!decides)
        }
        other => value(names, other, left).map(|value| value.truth()),
    }
}

fn value(names: &Bindings<'_>, expression: &Expr, left: usize) -> Option<Value> {
    if left == 0 {
        return None;
    }
    let inner = |part: &Expr| value(names, part, left - 1);
    match expression {
        Expr::BooleanLiteral(literal) => Some(Value::Bool(literal.value)),
        Expr::NumberLiteral(literal) => match &literal.value {
            Number::Int(number) => number.as_i64().map(Value::Int),
            Number::Float(number) => Some(Value::Float(*number)),
            Number::Complex { .. } => None,
        },
        Expr::StringLiteral(literal) => Some(Value::Text(literal.value.to_str().to_owned())),
        Expr::BytesLiteral(literal) => Some(Value::Bytes(literal.value.bytes().collect())),
        Expr::NoneLiteral(_) => Some(Value::None),
        Expr::Tuple(tuple) => tuple
            .elts
            .iter()
            .map(inner)
            .collect::<Option<_>>()
            .map(Value::Tuple),
        Expr::List(list) => list
            .elts
            .iter()
            .map(inner)
            .collect::<Option<_>>()
            .map(Value::List),
        Expr::Dict(dict) => Some(Value::Other(dict.items.len())),
        Expr::Set(set) => Some(Value::Other(set.elts.len())),
        Expr::Name(name) => match names.value(name.id.as_str())? {
            // What may be changed in place is not known.
            held @ (Expr::BooleanLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::StringLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::UnaryOp(_)
            | Expr::Name(_)) => inner(held),
            _ => None,
        },
        Expr::UnaryOp(unary) => match (unary.op, inner(&unary.operand)?) {
            (UnaryOp::Not, value) => Some(Value::Bool(!value.truth())),
            (UnaryOp::USub, Value::Int(number)) => number.checked_neg().map(Value::Int),
            (UnaryOp::USub, Value::Float(number)) => Some(Value::Float(-number)),
            _ => None,
        },
        Expr::BoolOp(_) => truth(names, expression, left).map(Value::Bool),
        Expr::BinOp(operation) => {
            match (
                inner(&operation.left)?,
                operation.op,
                inner(&operation.right)?,
            ) {
                (Value::Int(a), Operator::Add, Value::Int(b)) => a.checked_add(b).map(Value::Int),
                (Value::Int(a), Operator::Sub, Value::Int(b)) => a.checked_sub(b).map(Value::Int),
                (Value::Int(a), Operator::Mult, Value::Int(b)) => a.checked_mul(b).map(Value::Int),
                (Value::Text(a), Operator::Add, Value::Text(b)) => Some(Value::Text(a + &b)),
                _ => None,
            }
        }
        Expr::Compare(compare) => {
            let [right] = &*compare.comparators else {
                return None;
            };
            let op = compare.ops.first().copied()?;
            compared(&inner(&compare.left)?, op, &inner(right)?).map(Value::Bool)
        }
        Expr::Call(call) => called(names, call, left),
        _ => None,
    }
}

fn compared(left: &Value, op: CmpOp, right: &Value) -> Option<bool> {
    let order = || Some((left.number()?, right.number()?));
    match op {
        CmpOp::Eq => left.equals(right),
        CmpOp::NotEq => left.equals(right).map(|equal| !equal),
        CmpOp::Is => match (left, right) {
            (Value::None, _) | (_, Value::None) | (Value::Bool(_), Value::Bool(_)) => {
                Some(left == right)
            }
            _ => left.equals(right),
        },
        CmpOp::IsNot => compared(left, CmpOp::Is, right).map(|same| !same),
        CmpOp::Lt => order().map(|(left, right)| left < right),
        CmpOp::LtE => order().map(|(left, right)| left <= right),
        CmpOp::Gt => order().map(|(left, right)| left > right),
        CmpOp::GtE => order().map(|(left, right)| left >= right),
        CmpOp::In => match (left, right) {
            (Value::Text(part), Value::Text(whole)) => Some(whole.contains(part.as_str())),
            (_, Value::List(list) | Value::Tuple(list)) => {
                Some(list.iter().any(|item| item.equals(left) == Some(true)))
            }
            _ => None,
        },
        CmpOp::NotIn => compared(left, CmpOp::In, right).map(|found| !found),
    }
}

/// `len("abc")`, `isinstance(1, int)`, `bool(1)`, `all([True])`.
fn called(names: &Bindings<'_>, call: &ExprCall, left: usize) -> Option<Value> {
    let function = match &*call.func {
        Expr::Name(name) if !names.binds(name.id.as_str()) => name.id.as_str(),
        _ => return None,
    };
    let first = value(names, call.arguments.args.first()?, left - 1)?;
    Some(match (function, &first) {
        ("len", Value::Text(text)) => Value::Int(i64::try_from(text.chars().count()).ok()?),
        ("len", Value::List(list) | Value::Tuple(list)) => {
            Value::Int(i64::try_from(list.len()).ok()?)
        }
        ("bool", _) => Value::Bool(first.truth()),
        ("all", Value::List(list)) => Value::Bool(list.iter().all(Value::truth)),
        ("any", Value::List(list)) => Value::Bool(list.iter().any(Value::truth)),
        ("isinstance", _) => {
            let kind = dotted(call.arguments.args.get(1)?)?;
            Value::Bool(kind == kind_of(&first)? || kind == "object")
        }
        _ => return None,
    })
}

fn kind_of(value: &Value) -> Option<&'static str> {
    Some(match value {
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float",
        Value::Text(_) => "str",
        Value::Bytes(_) => "bytes",
        Value::List(_) => "list",
        Value::Tuple(_) => "tuple",
        Value::None | Value::Other(_) => return None,
    })
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
pub(super) fn is_pure(expression: &Expr) -> bool {
    match expression {
        Expr::Name(_) => true,
        Expr::Attribute(attribute) => is_pure(&attribute.value),
        Expr::Subscript(subscript) => is_pure(&subscript.value) && is_pure(&subscript.slice),
        other => is_literal(other),
    }
}

pub(super) fn integer(expression: &Expr) -> Option<i64> {
    match expression {
        Expr::NumberLiteral(literal) => match &literal.value {
            Number::Int(number) => number.as_i64(),
            Number::Float(_) | Number::Complex { .. } => None,
        },
        _ => None,
    }
}
