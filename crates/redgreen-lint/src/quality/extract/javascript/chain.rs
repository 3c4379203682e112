//! A chain of members and calls: `expect(x).not.toBe(y)` is `expect(…)`, `not`, `toBe(…)`.

use oxc_ast::ast::{Argument, CallExpression, Expression};

/// One part.
pub(super) struct Part<'b, 'a> {
    pub(super) name: String,
    /// Its arguments, where it is called.
    pub(super) arguments: Option<&'b [Argument<'a>]>,
}

/// The parts of a call, from the root. A root that is no name is called `?`.
pub(super) fn of_call<'b, 'a>(call: &'b CallExpression<'a>) -> Vec<Part<'b, 'a>> {
    let mut parts = Vec::new();
    push(&call.callee, Some(&call.arguments), &mut parts);
    parts.reverse();
    parts
}

/// The parts of any expression.
pub(super) fn of_expression<'b, 'a>(expression: &'b Expression<'a>) -> Vec<Part<'b, 'a>> {
    let mut parts = Vec::new();
    push(expression, None, &mut parts);
    parts.reverse();
    parts
}

fn push<'b, 'a>(
    expression: &'b Expression<'a>,
    arguments: Option<&'b [Argument<'a>]>,
    parts: &mut Vec<Part<'b, 'a>>,
) {
    let (mut at, mut called) = (expression, arguments);
    loop {
        let name = match at {
            Expression::Identifier(name) => {
                parts.push(Part {
                    name: name.name.to_string(),
                    arguments: called,
                });
                return;
            }
            Expression::ThisExpression(_) => {
                parts.push(Part {
                    name: "this".to_owned(),
                    arguments: called,
                });
                return;
            }
            Expression::StaticMemberExpression(member) => {
                let name = member.property.name.to_string();
                at = &member.object;
                name
            }
            Expression::ComputedMemberExpression(member) => {
                at = &member.object;
                "[]".to_owned()
            }
            Expression::CallExpression(call) => {
                if called.is_some() {
                    // `it.each(table)(title, run)`: a call of what a call returned.
                    parts.push(Part {
                        name: "()".to_owned(),
                        arguments: called,
                    });
                }
                called = Some(&call.arguments);
                at = &call.callee;
                continue;
            }
            Expression::TaggedTemplateExpression(tagged) => {
                parts.push(Part {
                    name: "()".to_owned(),
                    arguments: called,
                });
                called = Some(&[]);
                at = &tagged.tag;
                continue;
            }
            Expression::AwaitExpression(wait) => {
                at = &wait.argument;
                continue;
            }
            Expression::ParenthesizedExpression(inner) => {
                at = &inner.expression;
                continue;
            }
            Expression::TSAsExpression(cast) => {
                at = &cast.expression;
                continue;
            }
            Expression::TSNonNullExpression(cast) => {
                at = &cast.expression;
                continue;
            }
            Expression::ChainExpression(chain) => {
                if let oxc_ast::ast::ChainElement::CallExpression(call) = &chain.expression {
                    called = Some(&call.arguments);
                    at = &call.callee;
                    continue;
                }
                parts.push(Part {
                    name: "?".to_owned(),
                    arguments: called,
                });
                return;
            }
            _ => {
                parts.push(Part {
                    name: "?".to_owned(),
                    arguments: called,
                });
                return;
            }
        };
        parts.push(Part {
            name,
            arguments: called,
        });
        called = None;
    }
}

/// The names with dots: `jest.fn`.
pub(super) fn text(parts: &[Part<'_, '_>]) -> String {
    parts
        .iter()
        .map(|part| part.name.as_str())
        .collect::<Vec<_>>()
        .join(".")
}
