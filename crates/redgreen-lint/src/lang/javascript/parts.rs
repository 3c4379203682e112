//! A chain of members and calls: `it.each(table)('adds', run)` is `it`, `each(…)`, `()(…)`.

use oxc_ast::ast::{Argument, CallExpression, Expression, TemplateLiteral};
use oxc_span::{GetSpan, Span};

/// One part.
pub(crate) struct Part<'b, 'a> {
    /// Its name; `()` for a call of what a call returned, `?` for a root that is no name.
    pub(crate) name: &'b str,
    /// Its arguments, where it is called.
    pub(crate) arguments: Option<&'b [Argument<'a>]>,
}

/// The parts of a call, from the root.
pub(crate) fn of_call<'b, 'a>(call: &'b CallExpression<'a>) -> Vec<Part<'b, 'a>> {
    let mut parts = Vec::new();
    let (mut at, mut called) = (&call.callee, Some(call.arguments.as_slice()));
    loop {
        match at {
            Expression::Identifier(name) => {
                parts.push(Part {
                    name: name.name.as_str(),
                    arguments: called,
                });
                break;
            }
            Expression::ThisExpression(_) => {
                parts.push(Part {
                    name: "this",
                    arguments: called,
                });
                break;
            }
            Expression::StaticMemberExpression(member) => {
                parts.push(Part {
                    name: member.property.name.as_str(),
                    arguments: called.take(),
                });
                at = &member.object;
            }
            Expression::CallExpression(inner) => {
                if called.is_some() {
                    parts.push(Part {
                        name: "()",
                        arguments: called,
                    });
                }
                called = Some(inner.arguments.as_slice());
                at = &inner.callee;
            }
            Expression::TaggedTemplateExpression(tagged) => {
                if called.is_some() {
                    parts.push(Part {
                        name: "()",
                        arguments: called,
                    });
                }
                called = Some(&[]);
                at = &tagged.tag;
            }
            Expression::AwaitExpression(wait) => at = &wait.argument,
            Expression::ParenthesizedExpression(inner) => at = &inner.expression,
            Expression::TSAsExpression(cast) => at = &cast.expression,
            Expression::TSNonNullExpression(cast) => at = &cast.expression,
            _ => {
                parts.push(Part {
                    name: "?",
                    arguments: called,
                });
                break;
            }
        }
    }
    parts.reverse();
    parts
}

/// The text of a span.
pub(crate) fn piece(text: &str, span: Span) -> &str {
    text.get(span.start as usize..span.end as usize)
        .unwrap_or("")
}

fn template(text: &str, literal: &TemplateLiteral<'_>) -> String {
    let mut out = String::new();
    for (at, quasi) in literal.quasis.iter().enumerate() {
        out.push_str(
            quasi
                .value
                .cooked
                .as_ref()
                .map_or(quasi.value.raw.as_str(), |cooked| cooked.as_str()),
        );
        if let Some(expression) = literal.expressions.get(at) {
            out.push_str(&computed(piece(text, expression.span())));
        }
    }
    out
}

fn computed(source: &str) -> String {
    // Braces inside of it would end the place holder.
    let plain: String = source
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace(['{', '}'], "");
    format!("${{{plain}}}")
}

/// A title as it stands in the text, with place holders for what is computed.
pub(crate) fn title(text: &str, argument: &Argument<'_>) -> Option<String> {
    Some(expression_title(text, argument.as_expression()?))
}

fn expression_title(text: &str, expression: &Expression<'_>) -> String {
    match expression {
        Expression::StringLiteral(literal) => literal.value.to_string(),
        Expression::NumericLiteral(literal) => literal.value.to_string(),
        Expression::TemplateLiteral(literal) => template(text, literal),
        Expression::BinaryExpression(binary) if binary.operator.as_str() == "+" => format!(
            "{}{}",
            expression_title(text, &binary.left),
            expression_title(text, &binary.right)
        ),
        Expression::ParenthesizedExpression(inner) => expression_title(text, &inner.expression),
        Expression::TSAsExpression(cast) => expression_title(text, &cast.expression),
        other => computed(piece(text, other.span())),
    }
}
