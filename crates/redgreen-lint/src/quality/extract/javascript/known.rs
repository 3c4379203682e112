//! What is known of values inside a test without running anything: literals, what is computed from them, and what
//! `const` names hold. `const` is the only binding that is believed.

use super::chain;
use super::values::{is_pure, is_scalar};
use oxc_ast::ast::*;
use oxc_span::GetSpan;
use std::collections::{BTreeMap, BTreeSet};

/// A value that is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Known {
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// A display of literals, as it is written without blanks.
    Display(String),
}

impl Known {
    pub(super) fn truth(&self) -> bool {
        match self {
            Self::Undefined | Self::Null => false,
            Self::Bool(value) => *value,
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Text(text) => !text.is_empty(),
            Self::Display(_) => true,
        }
    }
}

/// What the names of one test hold.
#[derive(Debug, Default)]
pub(super) struct Names {
    constants: BTreeMap<String, Known>,
    /// `const b = a`, where `a` is a `const`, too.
    aliases: BTreeMap<String, String>,
    all: BTreeSet<String>,
    /// `const expected = total([1])`, as it is written.
    calls: BTreeMap<String, String>,
    /// Names and members that are doubles whose answers the test decides: `f`, `cart.total`.
    doubles: BTreeSet<String>,
    /// Names that hold what a double answered.
    answered: BTreeSet<String>,
    /// Something is called for its effect.
    pub(super) acts: bool,
}

const MAKERS: [&str; 10] = [
    "vi.fn",
    "jest.fn",
    "sinon.stub",
    "sinon.fake",
    "mock.fn",
    "t.mock.fn",
    "jasmine.createSpy",
    "td.func",
    "vi.spyOn",
    "jest.spyOn",
];

impl Names {
    /// Takes in a `const`.
    pub(super) fn hold(&mut self, text: &str, name: &str, value: &Expression<'_>) {
        self.all.insert(name.to_owned());
        if let Some(known) = self.known(text, value)
            && !matches!(known, Known::Display(_))
        {
            self.constants.insert(name.to_owned(), known);
        }
        match value {
            Expression::Identifier(other) if self.all.contains(other.name.as_str()) => {
                self.aliases.insert(name.to_owned(), other.name.to_string());
            }
            Expression::CallExpression(_) | Expression::AwaitExpression(_) => {
                let parts = chain::of_expression(value);
                if is_made(&chain::text(&parts)) {
                    self.doubles.insert(name.to_owned());
                } else if self.is_answer(value) {
                    self.answered.insert(name.to_owned());
                } else if parts
                    .first()
                    .is_some_and(|root| root.name != "?" && !self.all.contains(root.name.as_str()))
                {
                    self.calls.insert(name.to_owned(), squeezed(text, value));
                }
            }
            // `{ total: vi.fn().mockReturnValue(3) }`
            Expression::ObjectExpression(object) => {
                for property in &object.properties {
                    if let ObjectPropertyKind::ObjectProperty(property) = property
                        && let Some(key) = property.key.static_name()
                        && is_made(&chain::text(&chain::of_expression(&property.value)))
                    {
                        self.doubles.insert(format!("{name}.{key}"));
                    }
                }
            }
            _ => {}
        }
    }

    /// `vi.spyOn(cart, 'total').mockReturnValue(3)`: `cart.total` answers what the test decides.
    pub(super) fn spied(&mut self, parts: &[chain::Part<'_, '_>]) {
        let makes = parts.iter().any(|part| {
            matches!(part.name.as_str(), "spyOn" | "stub")
                && part.arguments.is_some_and(|arguments| arguments.len() == 2)
        });
        let decides = parts.iter().any(|part| {
            part.name.starts_with("mockRe")
                || part.name.starts_with("mockImplementation")
                || matches!(part.name.as_str(), "returns" | "resolves" | "callsFake")
        });
        if !makes || !decides {
            return;
        }
        for part in parts {
            let Some([owner, member]) = part.arguments else {
                continue;
            };
            if let (Some(owner), Some(Expression::StringLiteral(member))) =
                (owner.as_expression(), member.as_expression())
            {
                let owner = chain::text(&chain::of_expression(owner));
                self.doubles.insert(format!("{owner}.{}", member.value));
            }
        }
    }

    /// Whether an expression is what a double of the test answers.
    pub(super) fn is_answer(&self, expression: &Expression<'_>) -> bool {
        match expression {
            Expression::AwaitExpression(wait) => self.is_answer(&wait.argument),
            Expression::ParenthesizedExpression(inner) => self.is_answer(&inner.expression),
            Expression::Identifier(name) => self.answered.contains(name.name.as_str()),
            Expression::CallExpression(call) => {
                let parts = chain::of_call(call);
                parts.last().is_some_and(|part| part.arguments.is_some())
                    && parts.iter().filter(|part| part.arguments.is_some()).count() == 1
                    && self.doubles.contains(&chain::text(&parts))
            }
            _ => false,
        }
    }

    /// The name that a name is another word for.
    fn original<'n>(&'n self, name: &'n str) -> &'n str {
        let mut at = name;
        for _ in 0..8 {
            match self.aliases.get(at) {
                Some(next) => at = next,
                None => break,
            }
        }
        at
    }

    /// Whether two names are the same object.
    pub(super) fn same(&self, left: &Expression<'_>, right: &Expression<'_>) -> bool {
        match (left, right) {
            (Expression::Identifier(one), Expression::Identifier(two)) => {
                one.name != two.name && self.original(&one.name) == self.original(&two.name)
            }
            _ => false,
        }
    }

    /// Whether both sides ask the code under test the same question.
    pub(super) fn asked_twice(
        &self,
        text: &str,
        left: &Expression<'_>,
        right: &Expression<'_>,
    ) -> bool {
        let asked = |side: &Expression<'_>| match side {
            Expression::Identifier(name) => {
                Some((self.calls.get(name.name.as_str())?.clone(), true))
            }
            Expression::CallExpression(call) => {
                let parts = chain::of_call(call);
                let root = parts.first()?;
                // What the test holds may change in between, and so may what an iterator gives.
                let plain = root.name != "?"
                    && !self.all.contains(root.name.as_str())
                    && !parts.iter().any(|part| {
                        matches!(
                            part.name.as_str(),
                            "next" | "pop" | "shift" | "read" | "expect" | "Symbol" | "this"
                        )
                    });
                plain.then(|| (squeezed(text, side), false))
            }
            _ => None,
        };
        match (asked(left), asked(right)) {
            (Some((one, first)), Some((two, second))) => {
                one == two && !(self.acts && (first || second))
            }
            _ => false,
        }
    }

    /// What an expression is worth, where that is known.
    pub(super) fn known(&self, text: &str, expression: &Expression<'_>) -> Option<Known> {
        Some(match expression {
            Expression::BooleanLiteral(literal) => Known::Bool(literal.value),
            Expression::NumericLiteral(literal) => Known::Number(literal.value),
            Expression::StringLiteral(literal) => Known::Text(literal.value.to_string()),
            Expression::NullLiteral(_) => Known::Null,
            Expression::Identifier(name) if name.name == "undefined" => Known::Undefined,
            Expression::Identifier(name) => self.constants.get(name.name.as_str())?.clone(),
            Expression::ParenthesizedExpression(inner) => self.known(text, &inner.expression)?,
            Expression::TSAsExpression(cast) => self.known(text, &cast.expression)?,
            Expression::TemplateLiteral(literal) if literal.expressions.is_empty() => {
                Known::Text(literal.quasis.first()?.value.raw.to_string())
            }
            Expression::ArrayExpression(list) => {
                let plain = list.elements.iter().all(|element| {
                    element.as_expression().is_some_and(|element| {
                        self.known(text, element).is_some()
                            && !matches!(element, Expression::Identifier(_))
                    })
                });
                plain.then(|| Known::Display(squeezed(text, expression)))?
            }
            Expression::ObjectExpression(object) => {
                let plain = object.properties.iter().all(|property| match property {
                    ObjectPropertyKind::ObjectProperty(property) => {
                        self.known(text, &property.value).is_some()
                            && !matches!(property.value, Expression::Identifier(_))
                    }
                    ObjectPropertyKind::SpreadProperty(_) => false,
                });
                plain.then(|| Known::Display(squeezed(text, expression)))?
            }
            Expression::UnaryExpression(unary) => {
                let inner = self.known(text, &unary.argument)?;
                match unary.operator {
                    UnaryOperator::LogicalNot => Known::Bool(!inner.truth()),
                    UnaryOperator::UnaryNegation => match inner {
                        Known::Number(number) => Known::Number(-number),
                        _ => return None,
                    },
                    UnaryOperator::Typeof => Known::Text(
                        match inner {
                            Known::Undefined => "undefined",
                            Known::Bool(_) => "boolean",
                            Known::Number(_) => "number",
                            Known::Text(_) => "string",
                            Known::Null | Known::Display(_) => "object",
                        }
                        .to_owned(),
                    ),
                    _ => return None,
                }
            }
            Expression::LogicalExpression(logical) => {
                let right = self.known(text, &logical.right);
                let left = self.known(text, &logical.left);
                match (logical.operator, left, right) {
                    (LogicalOperator::Or, _, Some(right)) if right.truth() => Known::Bool(true),
                    (LogicalOperator::Or, Some(left), _) if left.truth() => Known::Bool(true),
                    (LogicalOperator::And, _, Some(right)) if !right.truth() => Known::Bool(false),
                    _ => return None,
                }
            }
            Expression::BinaryExpression(binary) => {
                let (left, right) = (
                    self.known(text, &binary.left),
                    self.known(text, &binary.right),
                );
                if left.is_none()
                    && binary.operator.is_equality()
                    && is_pure(&binary.left)
                    && !is_scalar(&binary.left)
                    && squeezed(text, &binary.left) == squeezed(text, &binary.right)
                {
                    return None;
                }
                computed(binary.operator, left?, right?)?
            }
            _ => return None,
        })
    }
}

fn computed(operator: BinaryOperator, left: Known, right: Known) -> Option<Known> {
    let displays = matches!(left, Known::Display(_)) || matches!(right, Known::Display(_));
    Some(match (operator, &left, &right) {
        (BinaryOperator::StrictEquality | BinaryOperator::Equality, ..) if !displays => {
            Known::Bool(left == right)
        }
        (BinaryOperator::StrictInequality | BinaryOperator::Inequality, ..) if !displays => {
            Known::Bool(left != right)
        }
        (operator, Known::Number(a), Known::Number(b)) => match operator {
            BinaryOperator::Addition => Known::Number(a + b),
            BinaryOperator::Subtraction => Known::Number(a - b),
            BinaryOperator::Multiplication => Known::Number(a * b),
            BinaryOperator::LessThan => Known::Bool(a < b),
            BinaryOperator::LessEqualThan => Known::Bool(a <= b),
            BinaryOperator::GreaterThan => Known::Bool(a > b),
            BinaryOperator::GreaterEqualThan => Known::Bool(a >= b),
            _ => return None,
        },
        (BinaryOperator::Addition, Known::Text(a), Known::Text(b)) => {
            Known::Text(format!("{a}{b}"))
        }
        _ => return None,
    })
}

fn is_made(name: &str) -> bool {
    MAKERS.iter().any(|maker| {
        name == *maker
            || name
                .strip_prefix(maker)
                .is_some_and(|rest| rest.starts_with('.'))
    })
}

/// Without blanks, to compare.
pub(super) fn squeezed(text: &str, expression: &Expression<'_>) -> String {
    let span = expression.span();
    text.get(span.start as usize..span.end as usize)
        .unwrap_or("")
        .split_whitespace()
        .collect()
}
