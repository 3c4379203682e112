//! The statements of a test with their context.

use super::bindings::Bindings;
use super::constant::constant;
use super::looks::{Calls, Looks, calls, never_runs, surely_runs};
use super::names::{dotted, last};
use super::strength::{Scale, of_truth};
use super::{Reader, facts, span};
use crate::quality::model::{Assertion, Asserts, Context, Fact, FactKind, Strength, TestModel};
use ruff_python_ast::visitor::Visitor as _;
use ruff_python_ast::{Expr, ExprCall, Stmt, StmtFunctionDef, UnaryOp};
use ruff_text_size::Ranged;
use std::collections::BTreeSet;

/// Blocks nested deeper are not looked into.
const DEEPEST: usize = 60;
/// What a comparison lacks that stands alone.
const COMPARISON: &str = "a comparison without `assert`";

/// Reads one test.
pub(super) struct Body<'r, 'a, 't> {
    pub(super) reader: &'r Reader<'a>,
    pub(super) test: &'t mut TestModel,
    pub(super) parameters: BTreeSet<&'a str>,
    /// Whether anything that could pass came before.
    pub(super) begun: bool,
    /// Inside a block that expects an error: comparisons may be what raises.
    pub(super) raising: usize,
    /// Names that hold what a predicate answered.
    pub(super) answers_of_predicates: BTreeSet<&'a str>,
    /// Names that hold an assertion method.
    pub(super) aliases: BTreeSet<&'a str>,
    /// Functions and classes around the statement, inside the test: what they raise they raise when they are called.
    pub(super) nested: usize,
    /// Inside `if wrong:` with nothing but a failure in it.
    in_failing_branch: usize,
    /// Inside a `try` that catches something.
    pub(super) in_try: usize,
    pub(super) bindings: Bindings<'a>,
    /// Names that hold a double.
    pub(super) doubles: BTreeSet<&'a str>,
}

impl<'r, 'a, 't> Body<'r, 'a, 't> {
    pub(super) fn read(
        reader: &'r Reader<'a>,
        function: &'a StmtFunctionDef,
        test: &'t mut TestModel,
    ) {
        let parameters = function
            .parameters
            .iter_non_variadic_params()
            .map(|parameter| parameter.parameter.name.as_str())
            .collect();
        let mut body = Self {
            reader,
            test,
            parameters,
            begun: false,
            raising: 0,
            answers_of_predicates: BTreeSet::new(),
            aliases: BTreeSet::new(),
            nested: 0,
            in_failing_branch: 0,
            in_try: 0,
            bindings: Bindings::of(function, &reader.names),
            doubles: BTreeSet::new(),
        };
        body.find_doubles(function);
        body.fixtures();
        body.block(&function.body, Context::default(), 0);
    }

    pub(super) fn fact(&mut self, node: impl Ranged, kind: FactKind) {
        self.test.facts.push(Fact {
            span: span(node.range()),
            kind,
        });
    }

    /// Doubles that come as fixtures.
    fn fixtures(&mut self) {
        for name in self.parameters.clone() {
            if let Some(double) = facts::double_of_fixture(name) {
                let span = self.test.name_span.clone();
                self.test.facts.push(Fact {
                    span,
                    kind: FactKind::Double(double),
                });
            }
        }
    }

    pub(super) fn block(&mut self, statements: &'a [Stmt], context: Context, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        let mut context = context;
        for statement in statements {
            self.statement(statement, context, depth);
            if self.leaves(statement) {
                context.unreachable = true;
            }
        }
    }

    /// Whether nothing after a statement runs.
    pub(super) fn leaves(&self, statement: &Stmt) -> bool {
        match statement {
            Stmt::Return(_) | Stmt::Raise(_) | Stmt::Continue(_) | Stmt::Break(_) => true,
            Stmt::Expr(expression) => match &*expression.value {
                Expr::Call(call) => {
                    let name = self.reader.names.qualified(&call.func).unwrap_or_default();
                    matches!(
                        name.as_str(),
                        "pytest.skip"
                            | "pytest.fail"
                            | "pytest.xfail"
                            | "self.fail"
                            | "self.skipTest"
                            | "sys.exit"
                            | "os._exit"
                            | "os.abort"
                            | "pytest.exit"
                    )
                }
                _ => false,
            },
            Stmt::If(branch) => {
                let all = |block: &[Stmt]| block.iter().any(|statement| self.leaves(statement));
                let always = constant(&self.bindings, &branch.test) == Some(true);
                let has_else = branch
                    .elif_else_clauses
                    .iter()
                    .any(|clause| clause.test.is_none());
                all(&branch.body)
                    && (always
                        || has_else
                            && branch
                                .elif_else_clauses
                                .iter()
                                .all(|clause| all(&clause.body)))
            }
            _ => false,
        }
    }

    pub(super) fn scale(&self) -> Scale<'_, 'a> {
        Scale {
            reader: self.reader,
            bindings: &self.bindings,
        }
    }

    /// Something that fails whatever the code does.
    pub(super) fn always_fails(&mut self, node: impl Ranged, context: Context) {
        let first = self.nested == 0
            && !self.begun
            && self.raising == 0
            && self.in_failing_branch == 0
            && self.in_try == 0
            && !context.conditional
            && !context.in_handler
            && !context.in_loop;
        self.fact(node, FactKind::AlwaysFails { first });
        if context.swallowed {
            // It cannot even fail: whoever catches it throws it away.
            self.begun = true;
        }
    }

    /// Whether a block asserts something, itself or through a helper of this file.
    fn asserts_in(&self, block: &'a [Stmt]) -> bool {
        let mut look = Looks {
            reader: self.reader,
            found: false,
            calls: Vec::new(),
        };
        for statement in block {
            look.visit_stmt(statement);
        }
        look.found
    }

    pub(super) fn assertion(&mut self, node: impl Ranged, strength: Strength, context: Context) {
        let text = self.reader.squeezed(&node);
        self.test.assertions.push(Assertion {
            span: span(node.range()),
            strength,
            context,
            text,
        });
    }

    pub(super) fn statement(&mut self, statement: &'a Stmt, context: Context, depth: usize) {
        match statement {
            Stmt::Assert(assert) => {
                if constant(&self.bindings, &assert.test) == Some(false) {
                    self.always_fails(assert, context);
                    if context.swallowed {
                        self.assertion(assert, Strength::Value, context);
                    }
                } else {
                    let mut found = Vec::new();
                    let strength = of_truth(self.scale(), &assert.test, &mut found);
                    let strength = self.of_a_double(&assert.test).unwrap_or(strength);
                    let strength = self.known(&assert.test, strength);
                    self.test.facts.append(&mut found);
                    // `assert a == b if a else True`
                    let optional = matches!(&*assert.test, Expr::If(choice)
                        if constant(&self.bindings, &choice.orelse) == Some(true)
                            || constant(&self.bindings, &choice.body) == Some(true));
                    let context = Context {
                        conditional: context.conditional || optional,
                        ..context
                    };
                    self.assertion(assert, strength, context);
                    self.begun = true;
                    self.clock_in(&assert.test);
                }
                self.expressions(statement, context);
            }
            Stmt::Expr(expression) => {
                self.expression_statement(&expression.value, context);
                self.expressions(statement, context);
            }
            Stmt::With(with) => self.with(with, context, depth),
            Stmt::Try(attempt) => self.attempt(attempt, context, depth),
            Stmt::If(branch) => {
                self.expression(&branch.test, context);
                let known = constant(&self.bindings, &branch.test);
                let has_else = branch
                    .elif_else_clauses
                    .iter()
                    .any(|clause| clause.test.is_none());
                // Where every branch asserts, something is asserted.
                let exhaustive = has_else
                    && self.asserts_in(&branch.body)
                    && branch
                        .elif_else_clauses
                        .iter()
                        .all(|clause| self.asserts_in(&clause.body));
                // `if wrong: fail()` is an assertion of its condition.
                let fails = branch.elif_else_clauses.is_empty()
                    && branch
                        .body
                        .iter()
                        .all(|statement| self.fails_plainly(statement));
                let inner = Context {
                    conditional: context.conditional || known.is_none() && !exhaustive && !fails,
                    unreachable: context.unreachable || known == Some(false),
                    ..context
                };
                self.in_failing_branch += usize::from(fails);
                self.block(&branch.body, inner, depth + 1);
                self.in_failing_branch -= usize::from(fails);
                let otherwise = Context {
                    unreachable: context.unreachable || known == Some(true),
                    ..inner
                };
                for clause in &branch.elif_else_clauses {
                    if let Some(test) = &clause.test {
                        self.expression(test, context);
                    }
                    self.block(&clause.body, otherwise, depth + 1);
                }
            }
            Stmt::Match(choice) => {
                self.expression(&choice.subject, context);
                let inner = Context {
                    conditional: true,
                    ..context
                };
                for case in &choice.cases {
                    self.block(&case.body, inner, depth + 1);
                }
            }
            Stmt::For(each) => {
                self.expression(&each.iter, context);
                let inner = Context {
                    in_loop: context.in_loop || !surely_runs(&each.iter),
                    unreachable: context.unreachable || never_runs(&each.iter),
                    ..context
                };
                self.block(&each.body, inner, depth + 1);
                self.block(&each.orelse, context, depth + 1);
            }
            Stmt::While(repeat) => {
                self.expression(&repeat.test, context);
                let known = constant(&self.bindings, &repeat.test);
                let inner = Context {
                    in_loop: context.in_loop || known != Some(true),
                    unreachable: context.unreachable || known == Some(false),
                    ..context
                };
                self.block(&repeat.body, inner, depth + 1);
            }
            Stmt::Raise(raise) => {
                let name = raise
                    .exc
                    .as_deref()
                    .and_then(|exc| self.reader.names.qualified(exc))
                    .unwrap_or_default();
                if last(&name) == "SkipTest" || name.ends_with("skip.Exception") {
                    self.fact(
                        raise,
                        FactKind::Skip {
                            conditional: context.conditional || context.in_handler,
                            reason: true,
                            in_body: self.begun,
                        },
                    );
                } else if !name.is_empty() && self.raising == 0 {
                    if last(&name) == "AssertionError"
                        && (self.begun || context.conditional || self.in_failing_branch > 0)
                    {
                        // `if wrong: raise AssertionError(…)` is an assertion.
                        self.assertion(raise, Strength::Value, context);
                    } else {
                        self.always_fails(raise, context);
                    }
                }
                self.expressions(statement, context);
            }
            Stmt::Return(leave) => {
                if let Some(value) = leave.value.as_deref()
                    && matches!(value, Expr::Compare(_) | Expr::BooleanLiteral(_))
                    && self.nested == 0
                {
                    self.fact(
                        leave,
                        FactKind::NotEvaluated {
                            missing: "a test's result is thrown away; write `assert`",
                        },
                    );
                }
                self.begun = true;
                self.expressions(statement, context);
            }
            Stmt::Assign(assign) => {
                for target in &assign.targets {
                    if let Expr::Name(name) = target {
                        // `eq = self.assertEqual`
                        if let Some(method) = dotted(&assign.value)
                            && method.starts_with("self.assert")
                            && !matches!(&*assign.value, Expr::Call(_))
                        {
                            self.aliases.insert(name.id.as_str());
                        }
                        if facts::is_answer(self.reader, name.id.as_str(), &assign.value) {
                            self.answers_of_predicates.insert(name.id.as_str());
                        } else {
                            self.answers_of_predicates.remove(name.id.as_str());
                        }
                    }
                    facts::of_assignment(self.reader, target, &assign.value, &mut self.test.facts);
                }
                self.begun |= calls(&assign.value);
                self.expressions(statement, context);
            }
            Stmt::FunctionDef(function) => {
                // A callback: what it asserts counts, if it is called.
                let name = function.name.as_str();
                let never_called = function.decorator_list.is_empty()
                    && !self.bindings.reads(name)
                    && self.nested == 0;
                if never_called && name.starts_with("test_") {
                    self.fact(
                        &function.name,
                        FactKind::NotCollected {
                            sure: true,
                            why: format!("`{name}` is defined inside a test"),
                        },
                    );
                }
                let inner = Context {
                    unreachable: false,
                    uncalled: never_called,
                    ..context
                };
                let (begun, raising) = (self.begun, self.raising);
                self.nested += 1;
                self.block(&function.body, inner, depth + 1);
                self.nested -= 1;
                (self.begun, self.raising) = (begun, raising);
            }
            Stmt::ClassDef(class) => {
                facts::of_class(class, &mut self.test.facts);
                let inner = Context {
                    unreachable: false,
                    ..context
                };
                let begun = self.begun;
                self.nested += 1;
                self.block(&class.body, inner, depth + 1);
                self.nested -= 1;
                self.begun = begun;
            }
            _ => {
                if !matches!(
                    statement,
                    Stmt::Pass(_)
                        | Stmt::Import(_)
                        | Stmt::ImportFrom(_)
                        | Stmt::Global(_)
                        | Stmt::Nonlocal(_)
                ) {
                    self.begun = true;
                }
                self.expressions(statement, context);
            }
        }
    }

    /// A statement that is an expression.
    fn expression_statement(&mut self, expression: &'a Expr, context: Context) {
        let inner = match expression {
            Expr::Await(wait) => &wait.value,
            other => other,
        };
        match inner {
            Expr::Tuple(tuple)
                if tuple.elts.len() == 2
                    && matches!(&tuple.elts[..], [Expr::Compare(_), Expr::StringLiteral(_)]) =>
            {
                return self.fact(
                    expression,
                    FactKind::NotEvaluated {
                        missing: COMPARISON,
                    },
                );
            }
            Expr::Compare(_) if self.raising == 0 && !context.swallowed => {
                self.fact(
                    expression,
                    FactKind::NotEvaluated {
                        missing: COMPARISON,
                    },
                );
            }
            Expr::BoolOp(operation)
                if self.raising == 0
                    && !context.swallowed
                    && operation
                        .values
                        .iter()
                        .all(|value| matches!(value, Expr::Compare(_) | Expr::UnaryOp(_))) =>
            {
                self.fact(
                    expression,
                    FactKind::NotEvaluated {
                        missing: COMPARISON,
                    },
                );
            }
            Expr::UnaryOp(unary)
                if unary.op == UnaryOp::Not && self.raising == 0 && !context.swallowed =>
            {
                self.fact(
                    expression,
                    FactKind::NotEvaluated {
                        missing: COMPARISON,
                    },
                );
            }
            // `mock.assert_called_once` without its brackets, `self.assertEqual`.
            Expr::Attribute(attribute) => {
                let method = attribute.attr.as_str();
                if facts::of_mock_assertion(method).is_some()
                    || method == "called" && self.raising == 0
                    || dotted(inner).is_some_and(|name| name.starts_with("self.assert"))
                {
                    self.fact(
                        expression,
                        FactKind::NotEvaluated {
                            missing: "the assertion is not called",
                        },
                    );
                    return;
                }
            }
            Expr::Name(name)
                if matches!(
                    self.bindings.value(name.id.as_str()),
                    Some(Expr::Compare(_))
                ) =>
            {
                self.fact(
                    expression,
                    FactKind::NotEvaluated {
                        missing: COMPARISON,
                    },
                );
            }
            Expr::BinOp(operation)
                if operation.op == ruff_python_ast::Operator::Div
                    && matches!(&*operation.right, Expr::NumberLiteral(_))
                    && constant(&self.bindings, &operation.right) == Some(false) =>
            {
                self.always_fails(expression, context);
            }
            Expr::Call(call) => {
                if !matches!(expression, Expr::Await(_)) && self.is_coroutine(call) {
                    self.fact(
                        call,
                        FactKind::NotEvaluated {
                            missing: "the coroutine is not awaited",
                        },
                    );
                }
                self.call_statement(call, context);
                return;
            }
            Expr::StringLiteral(_) | Expr::EllipsisLiteral(_) | Expr::NoneLiteral(_) => return,
            _ => {}
        }
        self.begun = true;
    }

    /// A call of a function that is `async` in this file, or of `asyncio.sleep`.
    fn is_coroutine(&self, call: &ExprCall) -> bool {
        match &*call.func {
            Expr::Name(name) => self
                .reader
                .functions
                .get(name.id.as_str())
                .is_some_and(|known| known.iter().all(|function| function.is_async)),
            Expr::Attribute(_) => self
                .reader
                .names
                .qualified(&call.func)
                .is_some_and(|name| name == "asyncio.sleep"),
            _ => false,
        }
    }

    /// What a call lacks that stands alone and only answers a question.
    fn unevaluated_call(&self, name: &str, call: &ExprCall) -> Option<&'static str> {
        let arguments = &call.arguments.args;
        if self.raising > 0 || self.defined_here(name).is_some() || self.bindings.binds(name) {
            return None;
        }
        let asks = |argument: &Expr| match argument {
            Expr::Generator(each) => matches!(&*each.elt, Expr::Compare(_)),
            other => matches!(other, Expr::Compare(_)),
        };
        match (name, &**arguments) {
            ("isinstance", [_, _]) => Some("a question without `assert`"),
            ("all" | "any" | "bool", [argument]) if asks(argument) => {
                Some("a question without `assert`")
            }
            (
                "expect"
                | "playwright.sync_api.expect"
                | "playwright.async_api.expect"
                | "sure.expect"
                | "expects.expect"
                | "assertpy.assert_that"
                | "assert_that",
                [_],
            ) => Some("nothing is asked of the value"),
            ("pytest.raises" | "pytest.warns" | "self.assertRaises", [_]) => {
                Some("it is neither a block nor given something to call")
            }
            _ => None,
        }
    }

    fn call_statement(&mut self, call: &'a ExprCall, context: Context) {
        let name = self.reader.names.qualified(&call.func).unwrap_or_default();
        let method = last(&name);
        if let Some(missing) = self.unevaluated_call(&name, call) {
            self.fact(call, FactKind::NotEvaluated { missing });
            return;
        }
        let first_argument = call.arguments.args.first();
        if matches!(name.as_str(), "pytest.fail" | "self.fail") {
            self.always_fails(call, context);
            if self.in_failing_branch > 0 || context.swallowed {
                self.assertion(call, Strength::Value, context);
            }
            return;
        }
        if matches!(name.as_str(), "pytest.skip" | "self.skipTest") {
            self.fact(
                call,
                FactKind::Skip {
                    conditional: context.conditional || context.in_handler,
                    reason: first_argument.is_some()
                        || call.arguments.find_keyword("reason").is_some(),
                    in_body: self.begun,
                },
            );
            return;
        }
        if name == "pytest.xfail" {
            self.fact(call, FactKind::ExpectedFailure);
            return;
        }
        if let Some(strength) = facts::of_mock_assertion(method) {
            self.assertion(call, strength, context);
            self.begun = true;
            return;
        }
        if facts::is_misspelt_mock_assertion(&name, call) {
            self.fact(
                call,
                FactKind::NotEvaluated {
                    missing: "a double answers to any name; this one asserts nothing",
                },
            );
            return;
        }
        if let Some(rest) = name
            .strip_prefix("self.assert")
            .or_else(|| name.strip_prefix("cls.assert"))
            && rest.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
            && self.defined_here(method).is_none()
        {
            self.unittest(call, rest, context);
            return;
        }
        self.begun = true;
    }

    /// A name that holds the answer of a predicate says as much as the call.
    pub(super) fn known(&self, expression: &Expr, strength: Strength) -> Strength {
        match expression {
            Expr::Name(name)
                if strength == Strength::Weak
                    && self.answers_of_predicates.contains(name.id.as_str()) =>
            {
                Strength::Predicate
            }
            _ => strength,
        }
    }

    /// Every call in a statement's own expressions.
    fn expressions(&mut self, statement: &'a Stmt, context: Context) {
        let mut calls = Calls(Vec::new());
        calls.visit_stmt(statement);
        self.calls(calls.0, context);
    }
    pub(super) fn expression(&mut self, expression: &'a Expr, context: Context) {
        let mut calls = Calls(Vec::new());
        calls.visit_expr(expression);
        self.calls(calls.0, context);
    }

    fn calls(&mut self, calls: Vec<&'a ExprCall>, context: Context) {
        for call in calls {
            let Some(name) = self.reader.names.qualified(&call.func) else {
                if facts::reads_source(self.reader, call) {
                    self.fact(call, FactKind::ReadsImplementation);
                }
                continue;
            };
            facts::of_call(
                self.reader,
                &name,
                call,
                self.raising > 0 || self.nested > 0,
                &self.bindings,
                &mut self.test.facts,
            );
            if facts::is_expectation_chain(&name, call) {
                self.assertion(call, Strength::Value, context);
                self.begun = true;
                continue;
            }
            if last(&name) == "raises" && call.arguments.args.len() > 1 && !context.in_raises {
                // `pytest.raises(Error, function, argument)`.
                if let Some(expected) = call.arguments.args.first() {
                    self.broad(expected, call, false);
                }
                self.assertion(call, Strength::Raises, context);
            }
            if self.aliases.contains(name.as_str()) {
                self.assertion(call, Strength::Value, context);
                self.begun = true;
            } else if !self.is_assertion_itself(&name) {
                self.helper(&name);
                if context.swallowed && self.follows(&name) {
                    self.assertion(call, Strength::Value, context);
                }
            }
        }
    }

    /// Whether a call is of a helper that asserts.
    fn follows(&self, name: &str) -> bool {
        self.test.helpers.iter().any(|helper| {
            helper.name == name && matches!(helper.asserts, Asserts::Yes | Asserts::Named)
        })
    }

    /// Whether a statement does nothing but fail.
    fn fails_plainly(&self, statement: &Stmt) -> bool {
        match statement {
            Stmt::Expr(expression) => matches!(&*expression.value, Expr::Call(call)
                if self.reader.names.qualified(&call.func).is_some_and(|name| matches!(name.as_str(), "pytest.fail" | "self.fail"))),
            Stmt::Raise(raise) => raise
                .exc
                .as_deref()
                .and_then(dotted)
                .is_some_and(|name| last(&name) == "AssertionError"),
            _ => false,
        }
    }

    /// Whether a call is read as an assertion where it stands, so that it is no helper.
    fn is_assertion_itself(&self, name: &str) -> bool {
        let method = last(name);
        let of_case = name
            .strip_prefix("self.assert")
            .or_else(|| name.strip_prefix("cls.assert"))
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase() || c == '_'));
        of_case && self.defined_here(method).is_none()
            || facts::of_mock_assertion(method).is_some()
            || matches!(
                name,
                "pytest.raises"
                    | "pytest.warns"
                    | "pytest.fail"
                    | "pytest.skip"
                    | "self.fail"
                    | "self.skipTest"
                    | "pytest.deprecated_call"
            )
    }

    /// The clock of the wall inside an assertion.
    fn clock_in(&mut self, expression: &'a Expr) {
        let mut calls = Calls(Vec::new());
        calls.visit_expr(expression);
        for call in calls.0 {
            let name = self.reader.names.qualified(&call.func).unwrap_or_default();
            if facts::reads_the_clock(&name) {
                self.fact(call, FactKind::Unrepeatable { on: "the clock" });
            }
        }
    }
}
