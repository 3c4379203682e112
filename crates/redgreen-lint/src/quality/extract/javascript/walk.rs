//! The walk over a file: describe blocks, tests, and the statements of a test with their context.

use super::calls::{self, string};
use super::chain::{self, Part};
use super::matchers;
use crate::quality::Options;
use crate::quality::extract::must_not_raise;
use crate::quality::model::{
    Assertion, Asserts, Context, Fact, FactKind, FileModel, Helper, Strength, TestModel,
};
use oxc_ast::ast::*;
use oxc_ast_visit::{Visit, walk};
use oxc_span::{GetSpan, Span};
use std::collections::BTreeSet;

const TESTS: [&str; 10] = [
    "it",
    "test",
    "specify",
    "fit",
    "xit",
    "xtest",
    "xspecify",
    "ftest",
    "benchmark_test",
    "should_test",
];
const SUITES: [&str; 8] = [
    "describe",
    "context",
    "suite",
    "fdescribe",
    "xdescribe",
    "xcontext",
    "fcontext",
    "feature",
];

pub(super) struct Walk<'t> {
    text: &'t str,
    options: &'t Options,
    asserting: BTreeSet<String>,
    pub(super) file: FileModel,
    suites: Vec<String>,
    /// Marks of the suites around.
    marks: Vec<Vec<FactKind>>,
    test: Option<TestModel>,
    context: Context,
    begun: bool,
    /// The value of the expression is awaited or returned.
    awaited: bool,
    fake_timers: bool,
}

impl<'t> Walk<'t> {
    pub(super) fn new(text: &'t str, options: &'t Options, asserting: BTreeSet<String>) -> Self {
        Self {
            text,
            options,
            asserting,
            file: FileModel::default(),
            suites: Vec::new(),
            marks: Vec::new(),
            test: None,
            context: Context::default(),
            begun: false,
            awaited: false,
            fake_timers: ["useFakeTimers", "fakeTimers", "clock.tick", "mock.timers"]
                .iter()
                .any(|word| text.contains(word)),
        }
    }

    fn span(span: Span) -> std::ops::Range<usize> {
        span.start as usize..span.end as usize
    }

    fn piece(&self, span: Span) -> &'t str {
        self.text.get(Self::span(span)).unwrap_or("")
    }

    fn fact(&mut self, span: Span, kind: FactKind) {
        let fact = Fact {
            span: Self::span(span),
            kind,
        };
        match &mut self.test {
            Some(test) => test.facts.push(fact),
            None => self.file.facts.push(fact),
        }
    }

    fn assertion(&mut self, span: Span, strength: Strength) {
        let text = self.piece(span).split_whitespace().collect();
        let context = self.context;
        self.begun = true;
        if let Some(test) = &mut self.test {
            test.assertions.push(Assertion {
                span: Self::span(span),
                strength,
                context,
                text,
            });
        }
    }

    fn helper(&mut self, name: &str, asserts: Asserts) {
        if let Some(test) = &mut self.test
            && !test.helpers.iter().any(|helper| helper.name == name)
        {
            test.helpers.push(Helper {
                name: name.to_owned(),
                asserts,
            });
        }
    }

    fn within(&mut self, change: impl FnOnce(&mut Context), act: impl FnOnce(&mut Self)) {
        let before = self.context;
        change(&mut self.context);
        act(self);
        self.context = before;
    }

    // ---- suites and tests

    /// Whether a call begins a suite or a test; then it is read here.
    fn definition<'a>(&mut self, call: &CallExpression<'a>, parts: &[Part<'_, 'a>]) -> bool {
        let Some(root) = parts.first() else {
            return false;
        };
        let rooted = |names: &[&str]| names.contains(&root.name.as_str());
        // `test.describe(…)` of playwright, `t.test(…)` is part of a test.
        let is_suite = rooted(&SUITES)
            || rooted(&["test"]) && parts.get(1).is_some_and(|part| part.name == "describe");
        let is_test = !is_suite && rooted(&TESTS);
        if !is_suite && !is_test {
            return false;
        }
        let Some(arguments) = parts.last().and_then(|part| part.arguments) else {
            return false;
        };
        let words: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
        if words.iter().any(|word| {
            matches!(
                *word,
                "beforeEach"
                    | "afterEach"
                    | "beforeAll"
                    | "afterAll"
                    | "use"
                    | "extend"
                    | "step"
                    | "setTimeout"
                    | "configure"
                    | "info"
                    | "slow"
            )
        }) {
            return false;
        }
        let title = string(arguments.first());
        let run = arguments
            .iter()
            .rev()
            .filter_map(Argument::as_expression)
            .find(|expression| {
                matches!(
                    expression,
                    Expression::ArrowFunctionExpression(_) | Expression::FunctionExpression(_)
                )
            });
        // `test.skip(condition, reason)` of playwright, `it.each(table)` not called yet.
        if title.is_none() && run.is_none() {
            return false;
        }
        // `test.skip('reason')` inside a test: not a definition.
        if self.test.is_some() {
            return false;
        }
        let span = call.span;
        let mut marks = Vec::new();
        let prefix = root.name.as_str();
        if prefix.starts_with('x') || words.contains(&"skip") || words.contains(&"fixme") {
            marks.push(FactKind::Skip {
                conditional: false,
                reason: false,
                in_body: false,
            });
        }
        if words.contains(&"todo") {
            marks.push(FactKind::Skip {
                conditional: false,
                reason: true,
                in_body: false,
            });
        }
        if words.iter().any(|word| matches!(*word, "skipIf" | "runIf")) {
            marks.push(FactKind::Skip {
                conditional: true,
                reason: true,
                in_body: false,
            });
        }
        if words
            .iter()
            .any(|word| matches!(*word, "fails" | "failing" | "fail"))
        {
            marks.push(FactKind::ExpectedFailure);
        }
        if matches!(prefix, "fit" | "fdescribe" | "fcontext" | "ftest") || words.contains(&"only") {
            marks.push(FactKind::Focus);
        }
        for argument in arguments {
            if let Some(Expression::ObjectExpression(object)) = argument.as_expression() {
                marks.extend(option_marks(object));
            }
        }
        if let Some(table) = parts
            .iter()
            .find(|part| part.name == "each" || part.name == "for")
            .and_then(|part| part.arguments)
            && let Some(Expression::ArrayExpression(rows)) =
                table.first().and_then(Argument::as_expression)
            && rows.elements.is_empty()
        {
            marks.push(FactKind::NoParameters);
        }
        let title = title.unwrap_or_else(|| "(computed title)".to_owned());
        if is_suite {
            if let Some(Expression::ArrowFunctionExpression(function)) = run
                && function.r#async
            {
                self.fact(span, FactKind::NotCollected { why: "a suite must not be asynchronous: what comes after the first `await` is not seen".to_owned() });
            }
            self.suites.push(title);
            for mark in &marks {
                if matches!(mark, FactKind::Focus | FactKind::Skip { .. }) {
                    self.fact(call.callee.span(), mark.clone());
                }
            }
            self.marks.push(marks);
            if let Some(run) = run {
                self.visit_expression(run);
            }
            self.suites.pop();
            self.marks.pop();
            return true;
        }
        let mut name = self.suites.clone();
        name.push(title.clone());
        let text = self.piece(span);
        let is_empty = match run {
            Some(Expression::ArrowFunctionExpression(function)) => match &function.body {
                ArrowFunctionBody::FunctionBody(body) => body.statements.is_empty(),
                _ => false,
            },
            Some(Expression::FunctionExpression(function)) => function
                .body
                .as_ref()
                .is_none_or(|body| body.statements.is_empty()),
            _ => false,
        };
        if run.is_none() && marks.is_empty() {
            if arguments.len() > 1 {
                // `it('title', helper())`: what runs is made elsewhere.
                return false;
            }
            marks.push(FactKind::Skip {
                conditional: false,
                reason: false,
                in_body: false,
            });
        }
        let place = arguments.first().map_or(span, GetSpan::span);
        let test = TestModel {
            name: name.join(" > "),
            span: Self::span(span),
            name_span: Self::span(place),
            is_empty,
            assertions: Vec::new(),
            helpers: Vec::new(),
            facts: marks
                .into_iter()
                .map(|kind| Fact {
                    span: Self::span(call.callee.span()),
                    kind,
                })
                .collect(),
            must_not_raise: must_not_raise(&title, text),
            hands_on: false,
        };
        self.test = Some(test);
        self.context = Context::default();
        self.begun = false;
        if let Some(run) = run {
            self.visit_expression(run);
        }
        if let Some(test) = self.test.take() {
            self.file.tests.push(test);
        }
        true
    }

    // ---- assertions

    /// Whether a chain is an assertion; then it is read here.
    fn expectation<'a>(&mut self, span: Span, parts: &[Part<'_, 'a>], is_statement: bool) -> bool {
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
    fn trivial(
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

    fn same(
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
    fn truth(&mut self, span: Span, condition: &Expression<'_>) -> Strength {
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
    fn chain_statement<'a>(&mut self, span: Span, expression: &Expression<'a>) -> bool {
        let parts = chain::of_expression(expression);
        if parts.first().is_none_or(|part| part.name == "?") || self.test.is_none() {
            return false;
        }
        // Only what ends without a call: calls come through `visit_call_expression`.
        self.expectation(span, &parts, true)
    }
}

impl<'a> Visit<'a> for Walk<'_> {
    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        let parts = chain::of_call(call);
        if self.definition(call, &parts) {
            return;
        }
        let name = chain::text(&parts);
        let awaited = std::mem::replace(&mut self.awaited, false);
        if self.test.is_some() {
            self.awaited = awaited;
            let read = self.expectation(call.span, &parts, true);
            self.awaited = false;
            if read {
                for part in &parts {
                    for argument in part.arguments.unwrap_or_default() {
                        self.visit_argument(argument);
                    }
                }
                return;
            }
        }
        if let Some(kind) = calls::fact(&name, &parts, self.test.is_some()) {
            self.fact(call.span, kind);
        }
        let last = parts.last().map_or("", |part| part.name.as_str());
        if self.test.is_some() {
            self.test_call(call, &name, last, &parts);
        }
        // `list.forEach(x => expect…)`: a loop.
        let looped = matches!(last, "forEach" | "map" | "every" | "some" | "filter");
        let literal = matches!(&call.callee, Expression::StaticMemberExpression(member) if surely_runs(&member.object));
        let caught = last == "catch";
        self.visit_expression(&call.callee);
        self.within(
            |context| {
                context.in_loop |= looped && !literal;
                context.in_handler |= caught;
            },
            |walk| {
                for argument in &call.arguments {
                    walk.visit_argument(argument);
                }
            },
        );
    }

    fn visit_new_expression(&mut self, it: &NewExpression<'a>) {
        if let Expression::Identifier(class) = &it.callee {
            let first = string(it.arguments.first());
            if let Some(double) = calls::constructed(&class.name, first.as_deref()) {
                self.fact(it.span, FactKind::Double(double));
            }
            // `new Promise(r => setTimeout(r, 100))`
            let text = self.piece(it.span);
            if class.name == "Promise"
                && text.contains("setTimeout(")
                && !self.fake_timers
                && text.len() < 200
                && !text.contains("setTimeout(resolve, 0")
            {
                self.fact(it.span, FactKind::Sleep);
            }
        }
        walk::walk_new_expression(self, it);
    }

    fn visit_await_expression(&mut self, it: &AwaitExpression<'a>) {
        self.awaited = true;
        self.visit_expression(&it.argument);
        self.awaited = false;
    }

    fn visit_return_statement(&mut self, it: &ReturnStatement<'a>) {
        self.awaited = true;
        if let Some(argument) = &it.argument {
            self.visit_expression(argument);
        }
        self.awaited = false;
    }

    fn visit_arrow_function_expression(&mut self, it: &ArrowFunctionExpression<'a>) {
        let before = self.context;
        self.context.unreachable = false;
        match &it.body {
            ArrowFunctionBody::FunctionBody(body) => {
                self.awaited = false;
                self.visit_function_body(body);
            }
            other => {
                // `() => expect(p).resolves.toBe(1)` returns its promise.
                self.awaited = true;
                if let Some(expression) = other.as_expression() {
                    self.visit_expression(expression);
                }
                self.awaited = false;
            }
        }
        self.context = before;
    }

    fn visit_statements(&mut self, statements: &oxc_allocator::Vec<'a, Statement<'a>>) {
        let before = self.context.unreachable;
        for statement in statements {
            self.visit_statement(statement);
            if matches!(
                statement,
                Statement::ReturnStatement(_)
                    | Statement::ThrowStatement(_)
                    | Statement::BreakStatement(_)
                    | Statement::ContinueStatement(_)
            ) {
                self.context.unreachable = true;
            }
        }
        self.context.unreachable = before;
    }

    fn visit_expression_statement(&mut self, it: &ExpressionStatement<'a>) {
        match &it.expression {
            Expression::StaticMemberExpression(_) => {
                if self.chain_statement(it.span, &it.expression) {
                    walk::walk_expression_statement(self, it);
                    return;
                }
            }
            Expression::BinaryExpression(binary)
                if self.test.is_some()
                    && (binary.operator.is_equality() || binary.operator.is_compare()) =>
            {
                self.fact(
                    it.span,
                    FactKind::NotEvaluated {
                        missing: "a comparison without an assertion",
                    },
                );
            }
            _ => {}
        }
        walk::walk_expression_statement(self, it);
        self.begun = true;
    }

    fn visit_if_statement(&mut self, it: &IfStatement<'a>) {
        self.visit_expression(&it.test);
        self.within(
            |context| context.conditional = true,
            |walk| {
                walk.visit_statement(&it.consequent);
                if let Some(other) = &it.alternate {
                    walk.visit_statement(other);
                }
            },
        );
    }

    fn visit_conditional_expression(&mut self, it: &ConditionalExpression<'a>) {
        self.visit_expression(&it.test);
        self.within(
            |context| context.conditional = true,
            |walk| {
                walk.visit_expression(&it.consequent);
                walk.visit_expression(&it.alternate);
            },
        );
    }

    fn visit_switch_statement(&mut self, it: &SwitchStatement<'a>) {
        self.within(
            |context| context.conditional = true,
            |walk| walk::walk_switch_statement(walk, it),
        );
    }

    fn visit_for_of_statement(&mut self, it: &ForOfStatement<'a>) {
        let runs = surely_runs(&it.right);
        self.visit_expression(&it.right);
        self.within(
            |context| context.in_loop |= !runs,
            |walk| walk.visit_statement(&it.body),
        );
    }

    fn visit_for_in_statement(&mut self, it: &ForInStatement<'a>) {
        self.within(
            |context| context.in_loop = true,
            |walk| walk::walk_for_in_statement(walk, it),
        );
    }

    fn visit_for_statement(&mut self, it: &ForStatement<'a>) {
        // `for (let i = 0; i < 3; i++)` runs.
        let counted = it.test.as_ref().is_some_and(|test| {
            matches!(test, Expression::BinaryExpression(binary) if matches!(binary.right, Expression::NumericLiteral(_)))
        });
        self.within(
            |context| context.in_loop |= !counted,
            |walk| walk::walk_for_statement(walk, it),
        );
    }

    fn visit_while_statement(&mut self, it: &WhileStatement<'a>) {
        self.within(
            |context| context.in_loop = true,
            |walk| walk::walk_while_statement(walk, it),
        );
    }

    fn visit_try_statement(&mut self, it: &TryStatement<'a>) {
        let mut caught = false;
        if let Some(handler) = &it.handler {
            let text = self.piece(handler.body.span);
            let answers = [
                "throw", "expect", "assert", "fail(", "done(", "reject(", "should", "t.",
            ]
            .iter()
            .any(|word| text.contains(word));
            // What was caught is kept and looked at later.
            let kept = text.contains('=');
            let expected = ["fail(", "throw new", "unreachable("]
                .iter()
                .any(|word| self.piece(it.block.span).contains(word));
            caught = !answers && !kept && !expected;
            if handler.body.body.is_empty() && self.test.is_some() && !expected {
                self.fact(handler.span, FactKind::Swallows { broad: true });
            }
        }
        self.within(
            |context| context.swallowed |= caught,
            |walk| walk.visit_block_statement(&it.block),
        );
        if let Some(handler) = &it.handler {
            self.within(
                |context| context.in_handler = true,
                |walk| walk.visit_block_statement(&handler.body),
            );
        }
        if let Some(last) = &it.finalizer {
            self.visit_block_statement(last);
        }
    }

    fn visit_static_member_expression(&mut self, it: &StaticMemberExpression<'a>) {
        if self.test.is_none() {
            let text = self.piece(it.span);
            if matches!(
                text,
                "process.env.JEST_WORKER_ID"
                    | "process.env.VITEST"
                    | "import.meta.vitest"
                    | "process.env.VITEST_WORKER_ID"
            ) && self.suites.is_empty()
                && !self.text.contains("expect(")
            {
                self.fact(
                    it.span,
                    FactKind::TestOnlyBranch {
                        looks_at: text.to_owned(),
                    },
                );
            }
        }
        walk::walk_static_member_expression(self, it);
    }
}

impl Walk<'_> {
    /// A call inside a test that is no assertion as it stands.
    fn test_call(
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
        } else if starts(&["check", "ensure", "must", "validate"]) {
            self.helper(name, Asserts::Unknown);
        } else if self.options.is_assertion(name) {
            self.helper(name, Asserts::Unknown);
        }
        // testing-library's `get…` and playwright's actions fail by themselves.
        if starts(&[
            "getby",
            "getallby",
            "findby",
            "findallby",
            "waitfor",
            "done",
        ]) || matches!(
            lower.as_str(),
            "click" | "fill" | "typecheck" | "compile" | "run"
        ) {
            if let Some(test) = &mut self.test {
                test.hands_on = true;
            }
        }
    }
}

/// `{ skip: true, todo: 'later', only: true }` of node:test.
fn option_marks(object: &ObjectExpression<'_>) -> Vec<FactKind> {
    let mut marks = Vec::new();
    for property in &object.properties {
        let ObjectPropertyKind::ObjectProperty(property) = property else {
            continue;
        };
        let Some(name) = property.key.static_name() else {
            continue;
        };
        let constant = truth_of(&property.value);
        let kind = match &*name {
            "skip" => FactKind::Skip {
                conditional: constant.is_none(),
                reason: matches!(property.value, Expression::StringLiteral(_)),
                in_body: false,
            },
            "todo" => FactKind::Skip {
                conditional: false,
                reason: true,
                in_body: false,
            },
            "only" => FactKind::Focus,
            "fails" => FactKind::ExpectedFailure,
            _ => continue,
        };
        if constant != Some(false) {
            marks.push(kind);
        }
    }
    marks
}

fn truth_of(expression: &Expression<'_>) -> Option<bool> {
    match expression {
        Expression::BooleanLiteral(literal) => Some(literal.value),
        Expression::NumericLiteral(literal) => Some(literal.value != 0.0),
        Expression::StringLiteral(literal) => Some(!literal.value.is_empty()),
        Expression::NullLiteral(_) => Some(false),
        Expression::ArrayExpression(_) | Expression::ObjectExpression(_) => None,
        Expression::UnaryExpression(unary) if unary.operator == UnaryOperator::LogicalNot => {
            truth_of(&unary.argument).map(|truth| !truth)
        }
        Expression::ParenthesizedExpression(inner) => truth_of(&inner.expression),
        _ => None,
    }
}

fn is_literal(expression: &Expression<'_>) -> bool {
    matches!(
        expression,
        Expression::BooleanLiteral(_)
            | Expression::NumericLiteral(_)
            | Expression::StringLiteral(_)
            | Expression::NullLiteral(_)
            | Expression::BigIntLiteral(_)
    )
}

/// Names and members: nothing that may answer otherwise the second time.
fn is_pure(expression: &Expression<'_>) -> bool {
    match expression {
        Expression::Identifier(_) | Expression::ThisExpression(_) => true,
        Expression::StaticMemberExpression(member) => is_pure(&member.object),
        other => is_literal(other),
    }
}

/// A subject that answers yes or no.
fn is_predicate(subject: &Expression<'_>) -> bool {
    let parts = chain::of_expression(subject);
    let name = parts.last().map_or("", |part| part.name.as_str());
    let words = [
        "is",
        "has",
        "can",
        "should",
        "includes",
        "startsWith",
        "endsWith",
        "some",
        "every",
        "test",
        "match",
        "exists",
        "contains",
        "valid",
        "equals",
        "ok",
    ];
    matches!(
        subject,
        Expression::BinaryExpression(_)
            | Expression::UnaryExpression(_)
            | Expression::LogicalExpression(_)
    ) || words.iter().any(|word| {
        name.strip_prefix(word).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_uppercase())
        })
    })
}

/// Whether a loop over this runs at least once.
fn surely_runs(expression: &Expression<'_>) -> bool {
    match expression {
        Expression::ArrayExpression(list) => !list.elements.is_empty(),
        Expression::ParenthesizedExpression(inner) => surely_runs(&inner.expression),
        Expression::TSAsExpression(cast) => surely_runs(&cast.expression),
        Expression::Identifier(name) => name
            .name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit()),
        Expression::CallExpression(call) => {
            let text = chain::text(&chain::of_call(call));
            matches!(
                text.as_str(),
                "Object.entries" | "Object.keys" | "Object.values"
            ) && matches!(call.arguments.first().and_then(Argument::as_expression), Some(Expression::ObjectExpression(object)) if !object.properties.is_empty())
        }
        _ => false,
    }
}
