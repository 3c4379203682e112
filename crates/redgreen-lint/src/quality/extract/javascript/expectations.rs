//! Which calls are assertions, and what they say.

use super::chain::{self, Part};
use super::matchers;
use super::values::{is_literal, is_predicate, is_pure, truth_of};
use super::walk::Walk;
use crate::quality::model::{Asserts, FactKind, Strength};
use oxc_ast::ast::*;
use oxc_span::{GetSpan, Span};

impl Walk<'_> {
    // ---- assertions

    /// Whether a chain is an assertion; then it is read here.
    pub(super) fn expectation<'a>(
        &mut self,
        span: Span,
        parts: &[Part<'_, 'a>],
        is_statement: bool,
    ) -> bool {
        let Some(root) = parts.first() else {
            return false;
        };
        let name = chain::text(parts);
        let last = &parts[parts.len() - 1];
        let negated = parts.iter().any(|part| part.name == "not");
        let arguments = last.arguments.map_or(0, <[_]>::len);
        match root.name.as_str() {
            "expect" | "expectAsync" | "expectSoft" => {
                if parts.len() >= 2
                    && matches!(
                        parts[1].name.as_str(),
                        "assertions"
                            | "hasAssertions"
                            | "extend"
                            | "addSnapshotSerializer"
                            | "any"
                            | "anything"
                            | "objectContaining"
                            | "arrayContaining"
                            | "stringContaining"
                            | "stringMatching"
                            | "closeTo"
                            | "configure"
                    )
                {
                    return false;
                }
                if name == "expect.fail" || name == "expect.unreachable" {
                    let first =
                        !self.begun && !self.context.conditional && !self.context.in_handler;
                    self.fact(span, FactKind::AlwaysFails { first });
                    return true;
                }
                let subject = parts.iter().find_map(|part| match part.name.as_str() {
                    "expect" | "soft" | "poll" | "expectAsync" | "expectSoft" => {
                        part.arguments.and_then(|list| list.first())
                    }
                    _ => None,
                });
                let chai = parts.iter().any(|part| {
                    matches!(
                        part.name.as_str(),
                        "to" | "be" | "have" | "been" | "eventually"
                    )
                });
                let bare = parts.iter().all(|part| {
                    matches!(
                        part.name.as_str(),
                        "expect" | "soft" | "poll" | "not" | "resolves" | "rejects" | "expectAsync"
                    )
                });
                if bare {
                    if is_statement {
                        self.fact(
                            span,
                            FactKind::NotEvaluated {
                                missing: "`expect` without a matcher",
                            },
                        );
                    }
                    return true;
                }
                if !chai && last.arguments.is_none() {
                    if is_statement {
                        self.fact(
                            span,
                            FactKind::NotEvaluated {
                                missing: "the matcher is not called",
                            },
                        );
                    }
                    return true;
                }
                if is_statement
                    && !self.awaited
                    && parts.iter().any(|part| {
                        matches!(
                            part.name.as_str(),
                            "resolves" | "rejects" | "poll" | "eventually"
                        )
                    })
                {
                    self.fact(
                        span,
                        FactKind::NotEvaluated {
                            missing: "the promise is not awaited",
                        },
                    );
                }
                let mut strength = if chai {
                    matchers::of_chai(&last.name, last.arguments.is_some(), negated)
                } else {
                    matchers::of_expect(&last.name, arguments, negated)
                };
                if matches!(
                    last.name.as_str(),
                    "toThrow" | "toThrowError" | "throw" | "toThrowErrorMatchingSnapshot"
                ) && arguments == 0
                    && !negated
                    && strength == Strength::Raises
                {
                    self.fact(
                        span,
                        FactKind::BroadRaises {
                            expected: format!("{}()", last.name),
                        },
                    );
                }
                if last.name == "toMatchInlineSnapshot" && arguments == 0 {
                    self.fact(
                        span,
                        FactKind::Snapshot {
                            what: "an inline snapshot without content: the first run writes it",
                        },
                    );
                }
                if let Some(subject) = subject.and_then(Argument::as_expression) {
                    strength = self.trivial(span, subject, last, negated, strength);
                    if strength == Strength::Weak && is_predicate(subject) {
                        strength = Strength::Predicate;
                    }
                }
                self.assertion(span, strength);
                true
            }
            "expectTypeOf" | "assertType" | "expectType" | "attest" => {
                self.assertion(span, Strength::Value);
                true
            }
            "assert" | "t" | "chai" | "sinon" | "tap" | "qunit" | "QUnit" => {
                let method = last.name.as_str();
                if matches!(root.name.as_str(), "sinon" | "chai")
                    && !parts.iter().any(|part| part.name == "assert")
                {
                    return false;
                }
                if parts.len() == 1 && root.name == "assert" {
                    let Some(condition) = root
                        .arguments
                        .and_then(|list| list.first())
                        .and_then(Argument::as_expression)
                    else {
                        return false;
                    };
                    let strength = self.truth(span, condition);
                    self.assertion(span, strength);
                    return true;
                }
                if method == "fail" {
                    let first =
                        !self.begun && !self.context.conditional && !self.context.in_handler;
                    self.fact(span, FactKind::AlwaysFails { first });
                    return true;
                }
                if root.name == "t" && matches!(method, "skip" | "todo") {
                    self.fact(
                        span,
                        FactKind::Skip {
                            conditional: self.context.conditional,
                            reason: arguments > 0,
                            in_body: true,
                        },
                    );
                    return true;
                }
                // `t` is also a translation function, or any other name.
                if root.name == "t" && parts.len() == 1 {
                    return false;
                }
                let Some(mut strength) = matchers::of_assert(method) else {
                    return false;
                };
                let list = last.arguments.unwrap_or_default();
                let of = |index: usize| list.get(index).and_then(Argument::as_expression);
                match (method, of(0), of(1)) {
                    ("ok" | "true" | "truthy" | "isTrue", Some(condition), _) => {
                        strength = self.truth(span, condition)
                    }
                    (
                        "equal" | "strictEqual" | "deepEqual" | "deepStrictEqual" | "is" | "same"
                        | "eq",
                        Some(left),
                        Some(right),
                    ) => {
                        if let Some(trivial) = self.same(span, left, right) {
                            strength = trivial;
                        }
                    }
                    ("throws", Some(_), None) => self.fact(
                        span,
                        FactKind::BroadRaises {
                            expected: "throws()".to_owned(),
                        },
                    ),
                    ("rejects" | "throwsAsync", _, _) if is_statement && !self.awaited => {
                        self.fact(
                            span,
                            FactKind::NotEvaluated {
                                missing: "the promise is not awaited",
                            },
                        );
                    }
                    _ => {}
                }
                self.assertion(span, strength);
                true
            }
            "fail" if parts.len() == 1 => {
                let first = !self.begun && !self.context.conditional && !self.context.in_handler;
                self.fact(span, FactKind::AlwaysFails { first });
                true
            }
            _ => {
                // chai's `should`, supertest's and cypress' chains.
                if let Some(at) = parts.iter().position(|part| part.name == "should")
                    && (at + 1 < parts.len() || last.arguments.is_some())
                {
                    let strength = if last.name == "should" {
                        Strength::Value
                    } else {
                        matchers::of_chai(&last.name, last.arguments.is_some(), negated)
                    };
                    self.assertion(span, strength);
                    return true;
                }
                if parts.len() > 1
                    && parts.iter().skip(1).any(|part| {
                        part.name == "expect" && part.arguments.is_some_and(|list| !list.is_empty())
                    })
                {
                    self.assertion(span, Strength::Value);
                    // The chain may hold a callback with assertions of its own.
                    return false;
                }
                false
            }
        }
    }

    /// `expect(true).toBe(true)`, `expect(x).toBe(x)`.
    pub(super) fn trivial(
        &mut self,
        span: Span,
        subject: &Expression<'_>,
        matcher: &Part<'_, '_>,
        negated: bool,
        strength: Strength,
    ) -> Strength {
        let equality = matches!(
            matcher.name.as_str(),
            "toBe" | "toEqual" | "toStrictEqual" | "equal" | "eql" | "equals" | "eq"
        );
        let expected = matcher
            .arguments
            .and_then(|list| list.first())
            .and_then(Argument::as_expression);
        if equality && let Some(expected) = expected {
            if is_literal(subject) && is_literal(expected) {
                let equal = self.piece(subject.span()) == self.piece(expected.span());
                if equal == negated {
                    let first =
                        !self.begun && !self.context.conditional && !self.context.in_handler;
                    self.fact(span, FactKind::AlwaysFails { first });
                } else {
                    self.fact(span, FactKind::ConstantTrue);
                }
                return Strength::None;
            }
            if !negated && let Some(strength) = self.same(span, subject, expected) {
                return strength;
            }
        }
        let truth = match (matcher.name.as_str(), truth_of(subject)) {
            ("toBeTruthy" | "toBeDefined" | "ok", Some(truth)) => Some(truth != negated),
            ("true", Some(truth)) if matches!(subject, Expression::BooleanLiteral(_)) => {
                Some(truth != negated)
            }
            ("toBeFalsy", Some(truth)) => Some(truth == negated),
            _ => None,
        };
        match truth {
            Some(true) => {
                self.fact(span, FactKind::ConstantTrue);
                Strength::None
            }
            Some(false) => {
                let first = !self.begun && !self.context.conditional && !self.context.in_handler;
                self.fact(span, FactKind::AlwaysFails { first });
                Strength::None
            }
            None => strength,
        }
    }

    pub(super) fn same(
        &mut self,
        span: Span,
        left: &Expression<'_>,
        right: &Expression<'_>,
    ) -> Option<Strength> {
        if is_pure(left) && self.piece(left.span()) == self.piece(right.span()) {
            let kind = if is_literal(left) {
                FactKind::ConstantTrue
            } else {
                FactKind::ComparesItself
            };
            self.fact(span, kind);
            return Some(Strength::None);
        }
        None
    }

    /// `assert(condition)`
    pub(super) fn truth(&mut self, span: Span, condition: &Expression<'_>) -> Strength {
        match truth_of(condition) {
            Some(true) => {
                self.fact(span, FactKind::ConstantTrue);
                return Strength::None;
            }
            Some(false) => {
                let first = !self.begun && !self.context.conditional && !self.context.in_handler;
                self.fact(span, FactKind::AlwaysFails { first });
                return Strength::None;
            }
            None => {}
        }
        match condition {
            Expression::Identifier(_) => Strength::Weak,
            Expression::StaticMemberExpression(_) | Expression::ComputedMemberExpression(_) => {
                Strength::Flag
            }
            Expression::UnaryExpression(unary) => {
                self.truth(span, &unary.argument).max(Strength::Predicate)
            }
            Expression::BinaryExpression(binary) if binary.operator.is_equality() => self
                .same(span, &binary.left, &binary.right)
                .unwrap_or(Strength::Value),
            Expression::CallExpression(_) | Expression::AwaitExpression(_) => Strength::Predicate,
            _ => Strength::Value,
        }
    }

    /// A statement of its own.
    pub(super) fn chain_statement<'a>(&mut self, span: Span, expression: &Expression<'a>) -> bool {
        let parts = chain::of_expression(expression);
        if parts.first().is_none_or(|part| part.name == "?") || self.test.is_none() {
            return false;
        }
        // Only what ends without a call: calls come through `visit_call_expression`.
        self.expectation(span, &parts, true)
    }
}

impl Walk<'_> {
    /// A call inside a test that is no assertion as it stands.
    pub(super) fn test_call(
        &mut self,
        call: &CallExpression<'_>,
        name: &str,
        last: &str,
        parts: &[Part<'_, '_>],
    ) {
        if matches!(
            name,
            "this.skip" | "ctx.skip" | "context.skip" | "test.skip" | "test.fixme"
        ) {
            let conditional =
                self.context.conditional || name.starts_with("test.") && !call.arguments.is_empty();
            self.fact(
                call.span,
                FactKind::Skip {
                    conditional,
                    reason: !call.arguments.is_empty(),
                    in_body: true,
                },
            );
            return;
        }
        if name == "test.fail" {
            self.fact(call.span, FactKind::ExpectedFailure);
            return;
        }
        if parts.len() == 1 && self.asserting.contains(name)
            || name.starts_with("this.") && self.asserting.contains(last)
        {
            self.helper(name, Asserts::Yes);
            return;
        }
        let lower = last.to_ascii_lowercase();
        let starts = |words: &[&str]| words.iter().any(|word| lower.starts_with(word));
        if starts(&["assert", "expect", "verify", "should"])
            || lower.contains("assert")
            || lower.contains("expect")
        {
            self.helper(name, Asserts::Named);
        } else if starts(&["check", "ensure", "must", "validate"])
            || self.options.is_assertion(name)
        {
            self.helper(name, Asserts::Unknown);
        }
        // testing-library's `get…` and playwright's actions fail by themselves.
        let fails_itself = starts(&[
            "getby",
            "getallby",
            "findby",
            "findallby",
            "waitfor",
            "done",
        ]) || matches!(
            lower.as_str(),
            "click" | "fill" | "typecheck" | "compile" | "run"
        );
        if let (true, Some(test)) = (fails_itself, &mut self.test) {
            test.hands_on = true;
        }
    }
}
