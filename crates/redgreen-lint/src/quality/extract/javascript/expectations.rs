//! Which calls are assertions, and what they say.

use super::chain::{self, Part};
use super::known::{Known, squeezed};
use super::matchers;
use super::values::{is_literal, is_predicate, is_pure};
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
                // playwright's matchers wait, and give a promise.
                let of_page = self.text.contains("@playwright/test")
                    && matches!(
                        last.name.as_str(),
                        "toBeVisible"
                            | "toHaveText"
                            | "toBeHidden"
                            | "toHaveURL"
                            | "toHaveTitle"
                            | "toBeEnabled"
                            | "toBeChecked"
                            | "toHaveCount"
                            | "toContainText"
                    );
                if is_statement
                    && !self.awaited
                    && (of_page
                        || parts.iter().any(|part| {
                            matches!(
                                part.name.as_str(),
                                "resolves" | "rejects" | "poll" | "eventually"
                            )
                        }))
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
                if matches!(last.name.as_str(), "toThrow" | "toThrowError")
                    && !negated
                    && matches!(last.arguments.and_then(|list| list.first()).and_then(Argument::as_expression), Some(Expression::Identifier(kind)) if kind.name == "Error")
                {
                    self.fact(
                        span,
                        FactKind::BroadRaises {
                            expected: "Error".to_owned(),
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
                    self.always_fails(span);
                    if self.context.swallowed {
                        self.assertion(span, Strength::Value);
                    }
                    return true;
                }
                if method == "pass"
                    && self.functions == 0
                    && self
                        .test
                        .as_ref()
                        .is_some_and(|test| test.assertions.is_empty())
                {
                    self.assertion(span, Strength::None);
                    self.fact(span, FactKind::ConstantTrue { in_callback: false });
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
                    ("truthy", Some(condition @ Expression::CallExpression(_)), _)
                        if !is_predicate(condition) =>
                    {
                        strength = Strength::Weak;
                    }
                    ("ok" | "true" | "truthy" | "isTrue", Some(condition), _) => {
                        strength = self.truth(span, condition)
                    }
                    (
                        "notEqual" | "notStrictEqual" | "not" | "isNot" | "notDeepEqual",
                        Some(left),
                        Some(right),
                    ) => {
                        let (one, two) = (
                            self.names.known(self.text, left),
                            self.names.known(self.text, right),
                        );
                        match (one, two) {
                            (Some(one), Some(two)) => strength = self.constant(span, one != two),
                            (None, Some(Known::Null | Known::Undefined)) => {
                                strength = Strength::Weak;
                            }
                            _ => {}
                        }
                    }
                    (
                        "equal" | "strictEqual" | "deepEqual" | "deepStrictEqual" | "is" | "same"
                        | "eq",
                        Some(left),
                        Some(right),
                    ) => {
                        let (one, two) = (
                            self.names.known(self.text, left),
                            self.names.known(self.text, right),
                        );
                        if let (Some(one), Some(two)) = (one, two) {
                            strength = self.constant(span, one == two);
                        } else if let Some(trivial) = self.same(span, left, right) {
                            strength = trivial;
                        } else if self.names.is_answer(left) || self.names.is_answer(right) {
                            strength = Strength::OfDouble;
                        } else if chain::text(&chain::of_expression(left))
                            .ends_with(".mock.callCount")
                        {
                            strength = Strength::MockCalledWith;
                        }
                    }
                    // `assert.throws(f, Error)` is content with any error, too.
                    ("throws", Some(_), Some(Expression::Identifier(kind)))
                        if kind.name == "Error" =>
                    {
                        self.fact(
                            span,
                            FactKind::BroadRaises {
                                expected: "Error".to_owned(),
                            },
                        );
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
                self.always_fails(span);
                if self.context.swallowed {
                    self.assertion(span, Strength::Value);
                }
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
            "toBe" | "toEqual" | "toStrictEqual" | "equal" | "equals" | "eql" | "eq" | "deepEqual"
        );
        let expected = matcher
            .arguments
            .and_then(|list| list.first())
            .and_then(Argument::as_expression);
        let value = self.names.known(self.text, subject);
        let other = expected.and_then(|expected| self.names.known(self.text, expected));
        if self.names.is_answer(subject) {
            return Strength::OfDouble;
        }
        if equality && let Some(expected) = expected {
            if !negated && let Some(strength) = self.same(span, subject, expected) {
                return strength;
            }
            if self.asks_whether_it_is_itself(subject) {
                self.fact(span, FactKind::ComparesItself);
                return Strength::None;
            }
        }
        let holds = match (matcher.name.as_str(), &value, &other) {
            (_, Some(value), Some(other)) if equality => Some(value == other),
            ("toBeTruthy" | "ok", Some(value), _) => Some(value.truth()),
            ("toBeFalsy", Some(value), _) => Some(!value.truth()),
            ("toBeDefined" | "exist", Some(value), _) => Some(*value != Known::Undefined),
            ("toBeNull" | "null", Some(value), _) => Some(*value == Known::Null),
            ("toBeUndefined" | "undefined", Some(value), _) => Some(*value == Known::Undefined),
            ("true", Some(Known::Bool(value)), _) => Some(*value),
            ("false", Some(Known::Bool(value)), _) => Some(!*value),
            (
                "toContain"
                | "toHaveLength"
                | "toBeGreaterThan"
                | "toBeLessThan"
                | "toMatch"
                | "toBeGreaterThanOrEqual"
                | "toBeLessThanOrEqual"
                | "include"
                | "contain",
                Some(_),
                Some(_),
            ) => Some(!negated),
            _ => None,
        };
        // `expect([cart]).toContain(cart)`
        if let (Expression::ArrayExpression(list), "toContain", Some(expected)) =
            (subject, matcher.name.as_str(), expected)
            && is_pure(expected)
            && list.elements.iter().any(|element| {
                element.as_expression().is_some_and(|element| {
                    squeezed(self.text, element) == squeezed(self.text, expected)
                })
            })
        {
            self.fact(span, FactKind::ComparesItself);
            return Strength::None;
        }
        match holds {
            Some(truth) => self.constant(span, truth != negated),
            None => self.softer(subject, matcher, expected, negated, strength),
        }
    }

    /// An assertion on a constant.
    fn constant(&mut self, span: Span, holds: bool) -> Strength {
        if !holds {
            self.always_fails(span);
        } else if self.functions == 0 || !(self.counted || self.has_done) {
            // In a callback of a test that counts or waits it shows that the callback was called.
            let in_callback = self.functions > 0;
            self.fact(span, FactKind::ConstantTrue { in_callback });
            return Strength::None;
        }
        Strength::Predicate
    }

    /// Something that fails whatever the code does.
    pub(super) fn always_fails(&mut self, span: Span) {
        let first = !self.begun
            && self.functions == 0
            && self.in_try == 0
            && !self.context.conditional
            && !self.context.in_handler;
        self.fact(span, FactKind::AlwaysFails { first });
    }

    /// `expect(r === r).toBe(true)`
    fn asks_whether_it_is_itself(&self, subject: &Expression<'_>) -> bool {
        matches!(subject, Expression::BinaryExpression(binary)
            if binary.operator.is_equality()
                && is_pure(&binary.left)
                && squeezed(self.text, &binary.left) == squeezed(self.text, &binary.right))
    }

    /// Matchers that say less than they seem to, by what they are asked of.
    fn softer(
        &self,
        subject: &Expression<'_>,
        matcher: &Part<'_, '_>,
        expected: Option<&Expression<'_>>,
        negated: bool,
        strength: Strength,
    ) -> Strength {
        let nothing = expected.is_some_and(|expected| {
            matches!(
                self.names.known(self.text, expected),
                Some(Known::Null | Known::Undefined)
            )
        });
        let yes = matches!(
            expected.and_then(|expected| self.names.known(self.text, expected)),
            Some(Known::Bool(true))
        );
        let name = matcher.name.as_str();
        let equality = matches!(name, "toBe" | "toEqual" | "toStrictEqual" | "equal" | "eql");
        if equality && negated && nothing {
            return Strength::Weak;
        }
        let root = chain::text(&chain::of_expression(subject));
        let is_length = root.ends_with(".length") || root.ends_with(".size");
        let expected_text = expected.map(|expected| squeezed(self.text, expected));
        let general = expected_text
            .as_deref()
            .is_some_and(|text| text == "expect.anything()" || text.starts_with("expect.any("));
        let zero = expected_text.as_deref() == Some("0");
        match (name, subject) {
            // `expect(!!r).toBe(true)`
            (_, Expression::UnaryExpression(outer))
                if equality
                    && yes
                    && matches!(&outer.argument, Expression::UnaryExpression(inner)
                        if inner.operator == UnaryOperator::LogicalNot
                            && matches!(inner.argument, Expression::Identifier(_))) =>
            {
                Strength::Weak
            }
            (_, Expression::UnaryExpression(unary))
                if equality && unary.operator == UnaryOperator::Typeof =>
            {
                Strength::Shape
            }
            (_, Expression::CallExpression(_))
                if yes && (root == "Array.isArray" || root == "Object.keys.length") =>
            {
                Strength::Shape
            }
            // `expect(r.length > 0).toBe(true)`
            (_, Expression::BinaryExpression(binary))
                if yes
                    && binary.operator == BinaryOperator::GreaterThan
                    && squeezed(self.text, &binary.left).ends_with(".length")
                    && squeezed(self.text, &binary.right) == "0" =>
            {
                Strength::Shape
            }
            (_, Expression::BinaryExpression(binary))
                if binary.operator == BinaryOperator::Instanceof && yes =>
            {
                Strength::Shape
            }
            ("toBeGreaterThan" | "above", _) if is_length && zero => Strength::Shape,
            ("toBeInstanceOf" | "toBeTypeOf", _) => Strength::Shape,
            ("a" | "an" | "instanceof" | "instanceOf", _) => Strength::Shape,
            ("toHaveProperty", _) if matcher.arguments.is_some_and(|list| list.len() == 1) => {
                Strength::Shape
            }
            ("toEqual" | "toStrictEqual" | "toMatchObject", _) if general => Strength::Shape,
            // `expect(spy.called).to.be.true`, `expect(f.mock.calls.length).toBe(1)`
            _ if root.ends_with(".called") || root.ends_with(".calledOnce") => Strength::MockCalled,
            _ if root.ends_with(".mock.calls.length")
                || root.ends_with(".mock.calls")
                || root.ends_with(".callCount") =>
            {
                if matches!(name, "toHaveLength" | "toBe" | "equal" | "length") {
                    Strength::MockCalledWith
                } else {
                    strength
                }
            }
            _ => strength,
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
                FactKind::ConstantTrue { in_callback: false }
            } else {
                FactKind::ComparesItself
            };
            self.fact(span, kind);
            return Some(Strength::None);
        }
        if self.names.same(left, right) {
            self.fact(span, FactKind::ComparesItself);
            return Some(Strength::None);
        }
        if self.names.asked_twice(self.text, left, right) {
            self.fact(span, FactKind::ExpectedFromSubject);
        }
        None
    }

    /// `assert(condition)`
    pub(super) fn truth(&mut self, span: Span, condition: &Expression<'_>) -> Strength {
        if let Some(known) = self.names.known(self.text, condition) {
            let holds = known.truth();
            return self.constant(span, holds);
        }
        if self.names.is_answer(condition) {
            return Strength::OfDouble;
        }
        let name = chain::text(&chain::of_expression(condition));
        if name.ends_with(".called") || name.ends_with(".calledOnce") {
            return Strength::MockCalled;
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
