//! The statements of a test with their context.

use super::looks::{Calls, calls_anything, mentions, surely_runs};
use super::names::{dotted, last};
use super::strength::{constant, of_comparison, of_truth};
use super::{Reader, facts, span};
use crate::quality::model::{Assertion, Context, Fact, FactKind, Strength, TestModel};
use ruff_python_ast::visitor::Visitor as _;
use ruff_python_ast::{
    CmpOp, ExceptHandler, Expr, ExprCall, Stmt, StmtFunctionDef, StmtTry, StmtWith,
};
use ruff_text_size::Ranged;
use std::collections::BTreeSet;

/// Blocks nested deeper are not looked into.
const DEEPEST: usize = 60;

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
    nested: usize,
}

impl<'r, 'a, 't> Body<'r, 'a, 't> {
    pub(super) fn read(
        reader: &'r Reader<'a>,
        function: &'a StmtFunctionDef,
        _class: Option<&str>,
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
        };
        body.fixtures();
        body.block(&function.body, Context::default(), 0);
    }

    fn fact(&mut self, node: impl Ranged, kind: FactKind) {
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

    fn block(&mut self, statements: &'a [Stmt], context: Context, depth: usize) {
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
    fn leaves(&self, statement: &Stmt) -> bool {
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
                    )
                }
                _ => false,
            },
            _ => false,
        }
    }

    fn assertion(&mut self, node: impl Ranged, strength: Strength, context: Context) {
        let text = self.reader.squeezed(&node);
        self.test.assertions.push(Assertion {
            span: span(node.range()),
            strength,
            context,
            text,
        });
    }

    fn statement(&mut self, statement: &'a Stmt, context: Context, depth: usize) {
        let nested = |context: Context| context;
        match statement {
            Stmt::Assert(assert) => {
                if constant(&assert.test) == Some(false) {
                    let first = self.nested == 0
                        && !self.begun
                        && !context.conditional
                        && !context.in_handler;
                    self.fact(assert, FactKind::AlwaysFails { first });
                } else {
                    let mut found = Vec::new();
                    let strength = of_truth(self.reader, &assert.test, &mut found);
                    let strength = self.known(&assert.test, strength);
                    self.test.facts.append(&mut found);
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
                let inner = Context {
                    conditional: constant(&branch.test).is_none(),
                    ..context
                };
                let inner = Context {
                    conditional: inner.conditional || context.conditional,
                    ..inner
                };
                self.block(&branch.body, inner, depth + 1);
                for clause in &branch.elif_else_clauses {
                    if let Some(test) = &clause.test {
                        self.expression(test, context);
                    }
                    self.block(&clause.body, inner, depth + 1);
                }
            }
            Stmt::Match(choice) => {
                self.expression(&choice.subject, context);
                let inner = Context {
                    conditional: true,
                    ..nested(context)
                };
                for case in &choice.cases {
                    self.block(&case.body, inner, depth + 1);
                }
            }
            Stmt::For(each) => {
                self.expression(&each.iter, context);
                let inner = Context {
                    in_loop: context.in_loop || !surely_runs(&each.iter),
                    ..context
                };
                self.block(&each.body, inner, depth + 1);
                self.block(&each.orelse, context, depth + 1);
            }
            Stmt::While(repeat) => {
                self.expression(&repeat.test, context);
                let inner = Context {
                    in_loop: true,
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
                            in_body: true,
                        },
                    );
                } else if matches!(last(&name), "AssertionError" | "NotImplementedError") {
                    let first = self.nested == 0
                        && !self.begun
                        && !context.conditional
                        && !context.in_handler
                        && !context.in_loop;
                    if last(&name) == "AssertionError" && !first {
                        // `if wrong: raise AssertionError(…)` is an assertion.
                        self.assertion(raise, Strength::Value, context);
                    } else {
                        self.fact(raise, FactKind::AlwaysFails { first });
                    }
                }
                self.expressions(statement, context);
            }
            Stmt::Return(leave) => {
                if let Some(value) = leave.value.as_deref()
                    && matches!(value, Expr::Compare(_) | Expr::BooleanLiteral(_))
                    && depth == 0
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
                self.begun = true;
                self.expressions(statement, context);
            }
            Stmt::FunctionDef(function) => {
                // A callback: what it asserts counts, if it is called.
                let inner = Context {
                    unreachable: false,
                    ..context
                };
                let (begun, raising) = (self.begun, self.raising);
                self.nested += 1;
                self.block(&function.body, inner, depth + 1);
                self.nested -= 1;
                (self.begun, self.raising) = (begun, raising);
            }
            Stmt::ClassDef(class) => {
                facts::of_class(self.reader, class, &mut self.test.facts);
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
            Expr::Compare(compare) if self.raising == 0 => {
                let chained = compare.ops.iter().any(|op| {
                    matches!(
                        op,
                        CmpOp::Eq
                            | CmpOp::NotEq
                            | CmpOp::Is
                            | CmpOp::IsNot
                            | CmpOp::In
                            | CmpOp::NotIn
                            | CmpOp::Lt
                            | CmpOp::LtE
                            | CmpOp::Gt
                            | CmpOp::GtE
                    )
                });
                if chained && !context.swallowed {
                    self.fact(
                        expression,
                        FactKind::NotEvaluated {
                            missing: "a comparison without `assert`",
                        },
                    );
                }
            }
            Expr::Call(call) => {
                self.call_statement(call, context, matches!(expression, Expr::Await(_)));
                return;
            }
            Expr::StringLiteral(_) | Expr::EllipsisLiteral(_) => return,
            _ => {}
        }
        self.begun = true;
    }

    fn call_statement(&mut self, call: &'a ExprCall, context: Context, _awaited: bool) {
        let name = self.reader.names.qualified(&call.func).unwrap_or_default();
        let method = last(&name);
        let first_argument = call.arguments.args.first();
        if matches!(name.as_str(), "pytest.fail" | "self.fail") {
            let first =
                !self.begun && !context.conditional && !context.in_handler && !context.in_loop;
            self.fact(call, FactKind::AlwaysFails { first });
            return;
        }
        if matches!(name.as_str(), "pytest.skip" | "self.skipTest") {
            self.fact(
                call,
                FactKind::Skip {
                    conditional: context.conditional || context.in_handler,
                    reason: first_argument.is_some()
                        || call.arguments.find_keyword("reason").is_some(),
                    in_body: true,
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

    /// `self.assertEqual(a, b)` and its like.
    fn unittest(&mut self, call: &'a ExprCall, method: &str, context: Context) {
        let arguments = &call.arguments.args;
        let mut found = Vec::new();
        let strength = match (method, &**arguments) {
            ("True", [value, ..]) => match constant(value) {
                Some(false) => {
                    let first = self.nested == 0 && !self.begun && !context.conditional;
                    self.fact(call, FactKind::AlwaysFails { first });
                    return;
                }
                _ => {
                    let strength = of_truth(self.reader, value, &mut found);
                    self.known(value, strength)
                }
            },
            ("False", [value, ..]) => match constant(value) {
                Some(true) => {
                    let first = self.nested == 0 && !self.begun && !context.conditional;
                    self.fact(call, FactKind::AlwaysFails { first });
                    return;
                }
                Some(false) => {
                    self.fact(call, FactKind::ConstantTrue);
                    Strength::None
                }
                None => Strength::Predicate,
            },
            ("IsNotNone", _) => Strength::Weak,
            ("IsInstance" | "NotIsInstance", _) => Strength::Predicate,
            (
                "Equal" | "Equals" | "Is" | "AlmostEqual" | "ListEqual" | "DictEqual" | "SetEqual"
                | "TupleEqual" | "SequenceEqual" | "MultiLineEqual" | "CountEqual",
                [left, right, ..],
            ) => of_comparison(self.reader, call, left, CmpOp::Eq, right, &mut found),
            ("NotEqual" | "IsNot", [left, right, ..]) => {
                of_comparison(self.reader, call, left, CmpOp::NotEq, right, &mut found)
            }
            ("GreaterEqual", [left, right, ..]) => {
                of_comparison(self.reader, call, left, CmpOp::GtE, right, &mut found)
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

    /// A name that holds the answer of a predicate says as much as the call.
    fn known(&self, expression: &Expr, strength: Strength) -> Strength {
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

    fn broad(&mut self, expected: &Expr, at: impl Ranged, matched: bool) {
        let name = self.reader.names.qualified(expected).unwrap_or_default();
        if !matched
            && matches!(
                name.as_str(),
                "Exception" | "BaseException" | "builtins.Exception"
            )
        {
            self.fact(at, FactKind::BroadRaises { expected: name });
        }
    }

    /// `with pytest.raises(…):` and every other `with`.
    fn with(&mut self, with: &'a StmtWith, context: Context, depth: usize) {
        let mut raises: Option<(&'a ExprCall, Option<&'a Expr>)> = None;
        let mut suppressed = false;
        for item in &with.items {
            self.expression(&item.context_expr, context);
            let Expr::Call(call) = &item.context_expr else {
                continue;
            };
            let name = self.reader.names.qualified(&call.func).unwrap_or_default();
            match last(&name) {
                "raises"
                | "assertRaises"
                | "assertRaisesRegex"
                | "assertRaisesMessage"
                | "assertRaisesRegexp"
                | "RaisesGroup" => {
                    raises = Some((call, item.optional_vars.as_deref()));
                }
                "warns" | "assertWarns" | "assertWarnsRegex" | "deprecated_call" | "assertLogs"
                | "assertNoLogs" | "assertNumQueries" | "assertWarnsMessage"
                | "assertTemplateUsed" => {
                    self.assertion(call, Strength::Raises, context);
                    self.begun = true;
                }
                "suppress" => suppressed = true,
                other if other.starts_with("assert") => {
                    self.assertion(call, Strength::Value, context);
                    self.begun = true;
                }
                _ => {}
            }
        }
        let Some((call, bound)) = raises else {
            let inner = Context {
                swallowed: context.swallowed || suppressed,
                ..context
            };
            self.block(&with.body, inner, depth + 1);
            return;
        };
        let expected = call.arguments.args.first().or_else(|| {
            call.arguments
                .find_keyword("expected_exception")
                .map(|keyword| &keyword.value)
        });
        let matched = call.arguments.find_keyword("match").is_some()
            || call.arguments.find_keyword("check").is_some()
            || call.arguments.args.len() > 1;
        // What is asked of the error afterwards makes up for a general type.
        let looked_at = bound.and_then(dotted);
        if let Some(expected) = expected
            && looked_at.is_none()
        {
            self.broad(expected, call, matched);
        }
        self.assertion(call, Strength::Raises, context);
        self.begun = true;
        if with.body.len() > 1 {
            let several = with
                .body
                .iter()
                .filter(|statement| calls_anything(statement))
                .count();
            if several > 1 {
                self.fact(call, FactKind::LongRaises);
            }
        }
        let assertion_expected = expected
            .is_some_and(|expected| self.reader.text_of(expected).contains("AssertionError"));
        self.raising += 1;
        for (index, statement) in with.body.iter().enumerate() {
            let mentions = looked_at.as_deref().is_some_and(|name| match statement {
                Stmt::Assert(assert) => mentions(&assert.test, name),
                Stmt::Expr(expression) => {
                    matches!(&*expression.value, Expr::Call(call)
                        if dotted(&call.func).is_some_and(|name| last(&name).starts_with("assert")))
                        && mentions(&expression.value, name)
                }
                _ => false,
            });
            let inner = Context {
                in_raises: index > 0 && mentions && !assertion_expected,
                ..context
            };
            self.statement(statement, inner, depth + 1);
        }
        self.raising -= 1;
    }

    fn attempt(&mut self, attempt: &'a StmtTry, context: Context, depth: usize) {
        let mut catches_failure = false;
        for handler in &attempt.handlers {
            let ExceptHandler::ExceptHandler(handler) = handler;
            let kinds: Vec<String> = match handler.type_.as_deref() {
                None => vec!["BaseException".to_owned()],
                Some(Expr::Tuple(tuple)) => tuple
                    .elts
                    .iter()
                    .filter_map(|kind| self.reader.names.qualified(kind))
                    .collect(),
                Some(kind) => self.reader.names.qualified(kind).into_iter().collect(),
            };
            let broad = kinds
                .iter()
                .any(|kind| matches!(last(kind), "Exception" | "BaseException"));
            let failure = broad || kinds.iter().any(|kind| last(kind) == "AssertionError");
            let answers = handler
                .body
                .iter()
                .any(|statement| self.answers(statement, 0));
            catches_failure |= failure && !answers;
            let thrown_away = handler.body.iter().all(|statement| match statement {
                Stmt::Pass(_) | Stmt::Continue(_) => true,
                Stmt::Expr(expression) => matches!(
                    &*expression.value,
                    Expr::StringLiteral(_) | Expr::EllipsisLiteral(_)
                ),
                Stmt::Return(leave) => leave.value.is_none(),
                _ => false,
            });
            // `try: f() except E: pass else: fail()` expects an error.
            let expected = attempt
                .orelse
                .iter()
                .any(|statement| self.answers(statement, 0))
                || attempt.body.iter().any(|statement| self.fails(statement));
            if thrown_away && !expected {
                self.fact(handler, FactKind::Swallows { broad: failure });
            }
        }
        let expects_error = attempt.body.iter().any(|statement| self.fails(statement));
        let inner = Context {
            swallowed: context.swallowed || catches_failure && !expects_error,
            ..context
        };
        self.block(&attempt.body, inner, depth + 1);
        for handler in &attempt.handlers {
            let ExceptHandler::ExceptHandler(handler) = handler;
            let inner = Context {
                in_handler: true,
                ..context
            };
            self.block(&handler.body, inner, depth + 1);
        }
        self.block(&attempt.orelse, context, depth + 1);
        self.block(&attempt.finalbody, context, depth + 1);
    }

    /// Whether a handler's statement lets the failure be seen: it raises, fails or asserts.
    fn answers(&self, statement: &Stmt, depth: usize) -> bool {
        match statement {
            Stmt::Raise(_) | Stmt::Assert(_) => true,
            Stmt::Expr(expression) => matches!(&*expression.value, Expr::Call(call) if {
                let name = self.reader.names.qualified(&call.func).unwrap_or_default();
                last(&name) == "fail" || last(&name).starts_with("assert") || name == "pytest.skip" || name == "self.skipTest" || name == "sys.exit"
            }),
            Stmt::If(branch) if depth < 4 => branch
                .body
                .iter()
                .chain(
                    branch
                        .elif_else_clauses
                        .iter()
                        .flat_map(|clause| &clause.body),
                )
                .any(|statement| self.answers(statement, depth + 1)),
            // What was caught is kept, and looked at later.
            Stmt::Assign(_) | Stmt::AugAssign(_) => true,
            _ => false,
        }
    }

    /// Whether a statement fails the test when it is reached.
    fn fails(&self, statement: &Stmt) -> bool {
        match statement {
            Stmt::Expr(expression) => matches!(&*expression.value, Expr::Call(call)
                if self.reader.names.qualified(&call.func).is_some_and(|name| last(&name) == "fail")),
            Stmt::Assert(assert) => constant(&assert.test) == Some(false),
            Stmt::Raise(_) => true,
            _ => false,
        }
    }

    /// Every call in a statement's own expressions.
    fn expressions(&mut self, statement: &'a Stmt, context: Context) {
        let mut calls = Calls(Vec::new());
        calls.visit_stmt(statement);
        self.calls(calls.0, context);
    }
    fn expression(&mut self, expression: &'a Expr, context: Context) {
        let mut calls = Calls(Vec::new());
        calls.visit_expr(expression);
        self.calls(calls.0, context);
    }

    fn calls(&mut self, calls: Vec<&'a ExprCall>, context: Context) {
        for call in calls {
            let Some(name) = self.reader.names.qualified(&call.func) else {
                continue;
            };
            facts::of_call(
                self.reader,
                &name,
                call,
                self.raising > 0,
                &mut self.test.facts,
            );
            if facts::is_expectation_chain(&name, call) {
                self.assertion(call, Strength::Value, context);
                self.begun = true;
                continue;
            }
            if last(&name) == "raises" && call.arguments.args.len() > 1 && !context.in_raises {
                // `pytest.raises(Error, function, argument)`.
                self.assertion(call, Strength::Raises, context);
            }
            if self.aliases.contains(name.as_str()) {
                self.assertion(call, Strength::Value, context);
                self.begun = true;
            } else if !self.is_assertion_itself(&name) {
                self.helper(&name, call);
            }
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
