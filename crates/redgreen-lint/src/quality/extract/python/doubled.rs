//! Assertions on what a double was told to answer: they say nothing about the code.

use super::body::Body;
use super::facts::is_made_double;
use super::names::{dotted, last};
use crate::quality::model::Strength;
use ruff_python_ast::visitor::{Visitor, walk_stmt};
use ruff_python_ast::{Expr, Stmt, StmtFunctionDef};

impl<'a> Body<'_, 'a, '_> {
    /// Names that hold a double: `mock = Mock()`, `with patch(…) as save`, parameters that `@patch` fills.
    pub(super) fn find_doubles(&mut self, function: &'a StmtFunctionDef) {
        let mut made = Made {
            body: self,
            found: Vec::new(),
        };
        for statement in &function.body {
            made.visit_stmt(statement);
        }
        let found = made.found;
        self.doubles.extend(found);
        let patches = function
            .decorator_list
            .iter()
            .filter(|decorator| {
                self.reader
                    .names
                    .qualified(&decorator.expression)
                    .is_some_and(|name| last(&name) == "patch" || name.ends_with("patch.object"))
            })
            .count();
        let names = function
            .parameters
            .iter_non_variadic_params()
            .map(|parameter| parameter.parameter.name.as_str())
            .filter(|name| *name != "self");
        self.doubles.extend(names.take(patches));
    }

    /// [`Strength::OfDouble`] where everything compared comes from a double of the test.
    pub(super) fn of_a_double(&self, expression: &Expr) -> Option<Strength> {
        let is = match expression {
            Expr::Compare(compare) => match &*compare.comparators {
                [right] => {
                    self.answered_by_double(&compare.left, 0) || self.answered_by_double(right, 0)
                }
                _ => false,
            },
            other => self.answered_by_double(other, 0),
        };
        is.then_some(Strength::OfDouble)
    }

    fn answered_by_double(&self, expression: &Expr, depth: usize) -> bool {
        match expression {
            Expr::Await(wait) => self.answered_by_double(&wait.value, depth),
            Expr::Name(name) if depth < 3 => self
                .bindings
                .value(name.id.as_str())
                .is_some_and(|value| self.answered_by_double(value, depth + 1)),
            Expr::Subscript(part) => self.answered_by_double(&part.value, depth),
            Expr::Call(call) => {
                let Some(name) = self.reader.names.qualified(&call.func) else {
                    return false;
                };
                let root = dotted(&call.func)
                    .and_then(|name| name.split('.').next().map(str::to_owned))
                    .unwrap_or_default();
                // `Cart().total()` is the patched `shop.Cart.total`.
                self.bindings.patched.contains(&name)
                    || self.doubles.contains(root.as_str())
                        && !matches!(
                            name.split('.').nth(1),
                            Some("mock_calls" | "call_args" | "call_args_list" | "method_calls")
                        )
            }
            _ => false,
        }
    }
}

struct Made<'b, 'r, 'a, 't> {
    body: &'b Body<'r, 'a, 't>,
    found: Vec<&'a str>,
}
impl<'a> Made<'_, '_, 'a, '_> {
    fn is_double(&self, value: &Expr) -> bool {
        matches!(value, Expr::Call(call) if self
            .body
            .reader
            .names
            .qualified(&call.func)
            .is_some_and(|name| is_made_double(&name)))
    }
}
impl<'a> Visitor<'a> for Made<'_, '_, 'a, '_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Assign(assign) if self.is_double(&assign.value) => {
                for target in &assign.targets {
                    if let Expr::Name(name) = target
                        && self.body.bindings.value(name.id.as_str()).is_some()
                    {
                        self.found.push(name.id.as_str());
                    }
                }
            }
            Stmt::With(with) => {
                for item in &with.items {
                    if let Some(Expr::Name(name)) = item.optional_vars.as_deref()
                        && self.is_double(&item.context_expr)
                    {
                        self.found.push(name.id.as_str());
                    }
                }
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }
}
