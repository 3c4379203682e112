//! The walk over a file: describe blocks, tests, and the statements of a test with their context.

use super::calls::{self, string};
use super::chain::{self, Part};
use super::known::Names;
use super::values::{option_marks, surely_runs};
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
    pub(super) text: &'t str,
    pub(super) options: &'t Options,
    pub(super) asserting: BTreeSet<String>,
    pub(super) file: FileModel,
    pub(super) suites: Vec<String>,
    /// Marks of the suites around.
    pub(super) marks: Vec<Vec<FactKind>>,
    pub(super) test: Option<TestModel>,
    pub(super) context: Context,
    pub(super) begun: bool,
    /// The value of the expression is awaited or returned.
    pub(super) awaited: bool,
    pub(super) fake_timers: bool,
    /// The expression that is a statement of its own, behind its `await`.
    pub(super) statement: Option<Span>,
    /// `expect.assertions(n)`: a branch that is not taken fails the test.
    pub(super) counted: bool,
    /// The test ends when its `done` is called.
    pub(super) has_done: bool,
    /// Functions around, inside the test.
    pub(super) functions: usize,
    /// Inside a `try` that catches.
    pub(super) in_try: usize,
    pub(super) names: Names,
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
            statement: None,
            counted: false,
            has_done: false,
            functions: 0,
            in_try: 0,
            names: Names::default(),
            fake_timers: ["useFakeTimers", "fakeTimers", "clock.tick", "mock.timers"]
                .iter()
                .any(|word| text.contains(word)),
        }
    }

    pub(super) fn span(span: Span) -> std::ops::Range<usize> {
        span.start as usize..span.end as usize
    }

    pub(super) fn piece(&self, span: Span) -> &'t str {
        self.text.get(Self::span(span)).unwrap_or("")
    }

    pub(super) fn fact(&mut self, span: Span, kind: FactKind) {
        let fact = Fact {
            span: Self::span(span),
            kind,
        };
        match &mut self.test {
            Some(test) => test.facts.push(fact),
            None => self.file.facts.push(fact),
        }
    }

    pub(super) fn assertion(&mut self, span: Span, strength: Strength) {
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

    pub(super) fn helper(&mut self, name: &str, asserts: Asserts) {
        if let Some(test) = &mut self.test
            && !test.helpers.iter().any(|helper| helper.name == name)
        {
            test.helpers.push(Helper {
                name: name.to_owned(),
                asserts,
            });
        }
    }

    pub(super) fn within(
        &mut self,
        change: impl FnOnce(&mut Context),
        act: impl FnOnce(&mut Self),
    ) {
        let before = self.context;
        change(&mut self.context);
        act(self);
        self.context = before;
    }

    // ---- suites and tests

    /// Whether a call begins a suite or a test; then it is read here.
    pub(super) fn definition<'a>(
        &mut self,
        call: &CallExpression<'a>,
        parts: &[Part<'_, 'a>],
    ) -> bool {
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
                self.fact(span, FactKind::NotCollected { sure: false, why: "a suite must not be asynchronous: what comes after the first `await` is not seen".to_owned() });
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
            // What the compiler of types asserts.
            hands_on: [
                "@ts-expect-error",
                "satisfies ",
                " type ",
                "z.infer<",
                "AssertEqual",
                "assertEqual<",
            ]
            .iter()
            .any(|word| text.contains(word)),
        };
        self.test = Some(test);
        self.context = Context::default();
        self.begun = false;
        self.counted = ["expect.assertions(", "expect.hasAssertions(", ".plan("]
            .iter()
            .any(|call| text.contains(call));
        self.has_done = text.contains("done(") || text.contains("end(") || text.contains("done)");
        self.functions = 0;
        self.in_try = 0;
        self.names = Names::default();
        match run {
            Some(Expression::ArrowFunctionExpression(function)) => {
                self.visit_arrow_body(&function.body);
            }
            Some(Expression::FunctionExpression(function)) => {
                if let Some(body) = &function.body {
                    self.visit_function_body(body);
                }
            }
            _ => {}
        }
        if let Some(test) = self.test.take() {
            self.file.tests.push(test);
        }
        true
    }
}

impl Walk<'_> {
    fn visit_arrow_body<'a>(&mut self, body: &ArrowFunctionBody<'a>) {
        match body {
            ArrowFunctionBody::FunctionBody(body) => self.visit_function_body(body),
            other => {
                // `() => expect(p).resolves.toBe(1)` returns its promise.
                self.awaited = true;
                if let Some(expression) = other.as_expression() {
                    self.visit_expression(expression);
                }
                self.awaited = false;
            }
        }
    }
}

/// Whether a statement does nothing but throw.
fn only_throws(statement: &Statement<'_>) -> bool {
    match statement {
        Statement::ThrowStatement(_) => true,
        Statement::BlockStatement(block) => {
            matches!(&block.body[..], [Statement::ThrowStatement(_)])
        }
        _ => false,
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
            let is_statement = self.statement == Some(call.span);
            let read = self.expectation(call.span, &parts, is_statement);
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
        self.names.spied(&parts);
        if last.starts_with("mockRe") || last.starts_with("mockImplementation") {
            // `f.mockReturnValue(3)`: known where `f` is made.
        } else if self.statement == Some(call.span) {
            self.names.acts = true;
        }
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
                && ![", 0)", ",0)", "setTimeout(resolve)", "setTimeout(r)"]
                    .iter()
                    .any(|end| text.contains(end))
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
        let functions = self.functions;
        self.functions += 1;
        self.visit_arrow_body(&it.body);
        self.functions = functions;
        self.context = before;
    }

    fn visit_function_body(&mut self, it: &FunctionBody<'a>) {
        self.awaited = false;
        walk::walk_function_body(self, it);
    }

    fn visit_variable_declaration(&mut self, it: &VariableDeclaration<'a>) {
        walk::walk_variable_declaration(self, it);
        if self.test.is_none() || !it.kind.is_const() {
            return;
        }
        for declarator in &it.declarations {
            if let (BindingPattern::BindingIdentifier(name), Some(value)) =
                (&declarator.id, &declarator.init)
            {
                self.names.hold(self.text, &name.name, value);
            }
        }
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
        let inner = match &it.expression {
            Expression::AwaitExpression(wait) => &wait.argument,
            other => other,
        };
        self.statement = Some(inner.span());
        match &it.expression {
            Expression::StaticMemberExpression(_) if self.test.is_some() => {
                let parts = chain::of_expression(&it.expression);
                if parts.first().is_some_and(|part| part.name != "?")
                    && self.expectation(it.span, &parts, true)
                {
                    for argument in parts
                        .iter()
                        .flat_map(|part| part.arguments.unwrap_or_default())
                    {
                        self.visit_argument(argument);
                    }
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

    fn visit_throw_statement(&mut self, it: &ThrowStatement<'a>) {
        if self.test.is_some() {
            self.always_fails(it.span);
            if self.context.swallowed {
                self.assertion(it.span, Strength::Value);
            }
        }
        walk::walk_throw_statement(self, it);
    }

    fn visit_if_statement(&mut self, it: &IfStatement<'a>) {
        self.visit_expression(&it.test);
        // `if (wrong) throw new Error(…)` is an assertion of its condition.
        if it.alternate.is_none() && self.test.is_some() && only_throws(&it.consequent) {
            return self.assertion(it.test.span(), Strength::Value);
        }
        let asserts = |statement: &Statement<'a>| {
            super::ASSERTING
                .iter()
                .any(|word| self.piece(statement.span()).contains(word))
        };
        // Where every branch asserts, something is asserted.
        let exhaustive =
            self.counted || it.alternate.as_ref().is_some_and(asserts) && asserts(&it.consequent);
        self.within(
            |context| context.conditional |= !exhaustive,
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
        // A `return` in `finally` throws every failure away.
        caught |= it.finalizer.as_ref().is_some_and(|last| {
            last.body
                .iter()
                .any(|statement| matches!(statement, Statement::ReturnStatement(_)))
        });
        let in_try = self.in_try;
        self.in_try += usize::from(it.handler.is_some());
        self.within(
            |context| context.swallowed |= caught,
            |walk| walk.visit_block_statement(&it.block),
        );
        self.in_try = in_try;
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
