//! Blocks that expect, catch or swallow errors: `with` and `try`.

use super::body::Body;
use super::constant::constant;
use super::looks::{calls_anything, mentions};
use super::names::{dotted, last};
use crate::quality::model::{Context, FactKind, Strength};
use ruff_python_ast::{ExceptHandler, Expr, ExprCall, Stmt, StmtTry, StmtWith};
use ruff_text_size::Ranged;

/// How a statement fails the test when it is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fails {
    /// As an `AssertionError` or another exception, which `except Exception` takes.
    Plainly,
    /// By `pytest.fail`, whose exception only `except BaseException` takes.
    ByTheRunner,
}

impl<'a> Body<'_, 'a, '_> {
    pub(super) fn broad(&mut self, expected: &Expr, at: impl Ranged, matched: bool) {
        if matched {
            return;
        }
        let kinds: Vec<&Expr> = match expected {
            Expr::Tuple(tuple) => tuple.elts.iter().collect(),
            other => vec![other],
        };
        let general = kinds.into_iter().find_map(|kind| {
            let name = self.reader.names.qualified(kind)?;
            let plain = name.strip_prefix("builtins.").unwrap_or(&name);
            matches!(plain, "Exception" | "BaseException").then(|| name.clone())
        });
        if let Some(expected) = general {
            self.fact(at, FactKind::BroadRaises { expected });
        }
    }

    /// Whether a call asks for a text of the error, and not for any text at all.
    pub(super) fn asks_for_a_text(call: &ExprCall) -> bool {
        let text = call
            .arguments
            .find_keyword("match")
            .map(|keyword| &keyword.value);
        match text {
            Some(Expr::StringLiteral(literal)) => {
                !matches!(literal.value.to_str(), "" | ".*" | ".+" | ".")
            }
            Some(_) => true,
            None => call.arguments.find_keyword("check").is_some(),
        }
    }

    /// `with pytest.raises(…):` and every other `with`.
    pub(super) fn with(&mut self, with: &'a StmtWith, context: Context, depth: usize) {
        let mut raises: Option<(&'a ExprCall, Option<&'a Expr>)> = None;
        let (mut suppressed, mut warns) = (false, false);
        for item in &with.items {
            self.expression(&item.context_expr, context);
            // `error = pytest.raises(ValueError)`, and then `with error:`.
            let call = match &item.context_expr {
                Expr::Name(name) => self.bindings.value(name.id.as_str()),
                other => Some(other),
            };
            let Some(Expr::Call(call)) = call else {
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
                    warns = true;
                }
                "suppress" => {
                    suppressed = call.arguments.args.iter().any(|kind| {
                        let name = self.reader.names.qualified(kind).unwrap_or_default();
                        matches!(
                            last(&name),
                            "Exception" | "BaseException" | "AssertionError"
                        )
                    });
                }
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
            self.raising += usize::from(warns);
            self.block(&with.body, inner, depth + 1);
            self.raising -= usize::from(warns);
            return;
        };
        self.expects_error(with, call, bound, context, depth);
    }

    fn expects_error(
        &mut self,
        with: &'a StmtWith,
        call: &'a ExprCall,
        bound: Option<&'a Expr>,
        context: Context,
        depth: usize,
    ) {
        let expected = call.arguments.args.first().or_else(|| {
            call.arguments
                .find_keyword("expected_exception")
                .map(|keyword| &keyword.value)
        });
        let named = self.reader.names.qualified(&call.func).unwrap_or_default();
        let by_method = last(&named) != "raises" && last(&named) != "assertRaises";
        let matched = Self::asks_for_a_text(call) || by_method;
        // What is asked of the error afterwards makes up for a general type.
        let looked_at = bound.and_then(dotted);
        let asked = looked_at
            .as_deref()
            .is_some_and(|name| name.contains('.') || self.bindings.reads(name));
        if let Some(expected) = expected
            && !asked
        {
            self.broad(expected, call, matched);
        }
        self.assertion(call, Strength::Raises, context);
        self.begun = true;
        let several = with
            .body
            .iter()
            .filter(|statement| calls_anything(statement))
            .count();
        if with.body.len() > 1 && several > 1 {
            self.fact(call, FactKind::LongRaises);
        }
        let text = expected.map_or("", |expected| self.reader.text_of(expected));
        let assertion_expected = text.contains("Assertion") || text.contains("Fail");
        let anything_expected = assertion_expected || text.is_empty() || text.contains("Exception");
        self.raising += 1;
        let mut inner = context;
        for (index, statement) in with.body.iter().enumerate() {
            let mentions = looked_at
                .as_deref()
                .is_some_and(|name| self.is_assertion_on(statement, |tree| mentions(tree, name)));
            // After the call that raises, as the last statement: nothing is left that could raise.
            let after_the_call = index > 0
                && index + 1 == with.body.len()
                && matches!(with.body.get(index - 1), Some(Stmt::Expr(before)) if matches!(&*before.value, Expr::Call(_) | Expr::Await(_)))
                && self.is_assertion_on(statement, |tree| !calls_more_than_assertions(tree));
            inner.in_raises = index > 0 && mentions && !assertion_expected
                || after_the_call && !anything_expected;
            self.statement(statement, inner, depth + 1);
            if self.leaves(statement) {
                inner.unreachable = true;
            }
        }
        self.raising -= 1;
    }

    /// Whether a statement is an assertion whose expression is as asked for.
    fn is_assertion_on(&self, statement: &Stmt, is: impl Fn(&Expr) -> bool) -> bool {
        match statement {
            Stmt::Assert(assert) => is(&assert.test),
            Stmt::Expr(expression) => {
                matches!(&*expression.value, Expr::Call(call)
                    if dotted(&call.func).is_some_and(|name| last(&name).starts_with("assert")))
                    && is(&expression.value)
            }
            _ => false,
        }
    }

    pub(super) fn attempt(&mut self, attempt: &'a StmtTry, context: Context, depth: usize) {
        let mut catches_failure = false;
        let fails = attempt
            .body
            .iter()
            .find_map(|statement| self.fails(statement));
        // `try: f() except E: pass else: fail()` expects an error.
        let expected_by_else = attempt
            .orelse
            .iter()
            .any(|statement| self.answers(statement, None, 0));
        let mut takes_its_own_failure = false;
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
            let broadest = kinds.iter().any(|kind| last(kind) == "BaseException");
            let broad = broadest || kinds.iter().any(|kind| last(kind) == "Exception");
            let failure = broad || kinds.iter().any(|kind| last(kind) == "AssertionError");
            let caught = handler.name.as_ref().map(|name| name.as_str());
            let answers = handler
                .body
                .iter()
                .any(|statement| self.answers(statement, caught, 0));
            catches_failure |= failure && !answers && !expected_by_else;
            takes_its_own_failure |= !answers
                && match fails {
                    Some(Fails::Plainly) => failure,
                    Some(Fails::ByTheRunner) => broadest,
                    None => false,
                };
            let thrown_away = handler.body.iter().all(|statement| match statement {
                Stmt::Pass(_) | Stmt::Continue(_) => true,
                Stmt::Expr(expression) => matches!(
                    &*expression.value,
                    Expr::StringLiteral(_) | Expr::EllipsisLiteral(_)
                ),
                Stmt::Return(leave) => leave.value.is_none(),
                _ => false,
            });
            if thrown_away && !expected_by_else && (fails.is_none() || takes_its_own_failure) {
                self.fact(handler, FactKind::Swallows { broad: failure });
            }
        }
        // A `return` in `finally` throws every failure away.
        let thrown_away_at_last = attempt
            .finalbody
            .iter()
            .any(|statement| matches!(statement, Stmt::Return(_)));
        let expects_error = fails.is_some() && !takes_its_own_failure;
        let inner = Context {
            swallowed: context.swallowed
                || catches_failure && !expects_error
                || thrown_away_at_last,
            ..context
        };
        let expected = expects_error || expected_by_else;
        self.raising += usize::from(expected);
        self.in_try += usize::from(!attempt.handlers.is_empty());
        self.block(&attempt.body, inner, depth + 1);
        self.in_try -= usize::from(!attempt.handlers.is_empty());
        self.raising -= usize::from(expected);
        for handler in &attempt.handlers {
            let ExceptHandler::ExceptHandler(handler) = handler;
            let inner = Context {
                in_handler: true,
                conditional: context.conditional || !expected,
                ..context
            };
            self.block(&handler.body, inner, depth + 1);
        }
        self.block(&attempt.orelse, context, depth + 1);
        self.block(&attempt.finalbody, context, depth + 1);
    }

    /// Whether a handler's statement lets the failure be seen: it raises, fails or asserts, or keeps what was caught.
    fn answers(&self, statement: &Stmt, caught: Option<&str>, depth: usize) -> bool {
        match statement {
            Stmt::Raise(_) => true,
            Stmt::Assert(assert) => constant(&self.bindings, &assert.test) != Some(true),
            Stmt::Expr(expression) => match &*expression.value {
                Expr::Call(call) => {
                    let name = self.reader.names.qualified(&call.func).unwrap_or_default();
                    let keeps = caught.is_some_and(|caught| {
                        matches!(
                            last(&name),
                            "append" | "put" | "add" | "set_exception" | "extend"
                        ) && call
                            .arguments
                            .args
                            .iter()
                            .any(|argument| mentions(argument, caught))
                    });
                    keeps || last(&name) == "fail" || last(&name).starts_with("assert")
                }
                _ => false,
            },
            Stmt::If(branch) if depth < 4 => branch
                .body
                .iter()
                .chain(
                    branch
                        .elif_else_clauses
                        .iter()
                        .flat_map(|clause| &clause.body),
                )
                .any(|statement| self.answers(statement, caught, depth + 1)),
            // What was caught is kept, and looked at later.
            Stmt::Assign(assign) => assign.targets.iter().any(|target| match target {
                Expr::Name(name) => self.bindings.reads(name.id.as_str()),
                _ => true,
            }),
            Stmt::AugAssign(_) => true,
            _ => false,
        }
    }

    /// How a statement fails the test when it is reached.
    fn fails(&self, statement: &Stmt) -> Option<Fails> {
        match statement {
            Stmt::Expr(expression) => match &*expression.value {
                Expr::Call(call) => {
                    let name = self.reader.names.qualified(&call.func)?;
                    match name.as_str() {
                        "pytest.fail" => Some(Fails::ByTheRunner),
                        _ => (last(&name) == "fail").then_some(Fails::Plainly),
                    }
                }
                _ => None,
            },
            Stmt::Assert(assert) => {
                (constant(&self.bindings, &assert.test) == Some(false)).then_some(Fails::Plainly)
            }
            Stmt::Raise(raise) => {
                let kind = raise.exc.as_deref().and_then(dotted);
                kind.is_some_and(|kind| last(&kind) == "AssertionError")
                    .then_some(Fails::Plainly)
            }
            _ => None,
        }
    }
}

/// Whether an expression calls anything but an assertion method: the call may be what is expected to raise.
fn calls_more_than_assertions(expression: &Expr) -> bool {
    match expression {
        Expr::Call(call)
            if dotted(&call.func).is_some_and(|name| last(&name).starts_with("assert")) =>
        {
            call.arguments.args.iter().any(super::looks::calls)
        }
        other => super::looks::calls(other),
    }
}
