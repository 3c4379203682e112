//! Assertion methods of `unittest.TestCase`.

use super::body::Body;
use super::constant::constant;
use super::strength::{of_comparison, of_truth};
use crate::quality::model::{Context, FactKind, Strength};
use ruff_python_ast::{CmpOp, Expr, ExprCall};

impl<'a> Body<'_, 'a, '_> {
    /// `self.assertEqual(a, b)` and its like.
    pub(super) fn unittest(&mut self, call: &'a ExprCall, method: &str, context: Context) {
        let arguments = &call.arguments.args;
        let mut found = Vec::new();
        let truth = |value: &Expr| constant(&self.bindings, value);
        let none = |value: &Expr| matches!(value, Expr::NoneLiteral(_));
        let strength = match (method, &**arguments) {
            ("True", [value, ..]) if truth(value) == Some(false) => {
                return self.always_fails(call, context);
            }
            ("False", [value, ..]) if truth(value) == Some(true) => {
                return self.always_fails(call, context);
            }
            ("False", [value, ..]) if truth(value) == Some(false) => {
                self.fact(call, FactKind::ConstantTrue { in_callback: false });
                Strength::None
            }
            ("True", [value, ..]) => {
                let strength = of_truth(self.scale(), value, &mut found);
                self.known(value, strength)
            }
            ("IsNone", [Expr::NoneLiteral(_)]) => {
                self.fact(call, FactKind::ConstantTrue { in_callback: false });
                Strength::None
            }
            ("IsNotNone", [value, ..]) if truth(value).is_some() && !none(value) => {
                self.fact(call, FactKind::ConstantTrue { in_callback: false });
                Strength::None
            }
            ("False", _) => Strength::Predicate,
            ("IsNotNone", _) => Strength::Weak,
            ("IsInstance" | "NotIsInstance", _) => Strength::Shape,
            (
                "Equal" | "Equals" | "Is" | "AlmostEqual" | "ListEqual" | "DictEqual" | "SetEqual"
                | "TupleEqual" | "SequenceEqual" | "MultiLineEqual" | "CountEqual" | "NotEqual"
                | "IsNot" | "GreaterEqual" | "Greater" | "Less" | "LessEqual" | "In" | "NotIn",
                [left, right, ..],
            ) => {
                let op = match method {
                    "NotEqual" => CmpOp::NotEq,
                    "IsNot" => CmpOp::IsNot,
                    "GreaterEqual" => CmpOp::GtE,
                    "Greater" => CmpOp::Gt,
                    "Less" => CmpOp::Lt,
                    "LessEqual" => CmpOp::LtE,
                    "In" => CmpOp::In,
                    "NotIn" => CmpOp::NotIn,
                    _ => CmpOp::Eq,
                };
                match super::constant::comparison(&self.bindings, left, op, right) {
                    Some(true) => {
                        self.fact(call, FactKind::ConstantTrue { in_callback: false });
                        Strength::None
                    }
                    Some(false) => return self.always_fails(call, context),
                    None => of_comparison(self.scale(), call, left, op, right, &mut found),
                }
            }
            (
                "Raises" | "RaisesRegex" | "RaisesMessage" | "Warns" | "WarnsRegex"
                | "WarnsMessage",
                _,
            ) => {
                if let Some(expected) = arguments.first()
                    && method == "Raises"
                {
                    self.broad(expected, call, false);
                }
                Strength::Raises
            }
            _ => Strength::Value,
        };
        self.test.facts.append(&mut found);
        self.assertion(call, strength, context);
        self.begun = true;
    }
}
