//! Looking into code without its context: calls, helpers that assert, loops that run.

use super::Reader;
use super::names::{dotted, last};
use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{Expr, ExprCall, Stmt};

/// Collects calls, not those of statements below.
pub(super) struct Calls<'a>(pub(super) Vec<&'a ExprCall>);
impl<'a> Visitor<'a> for Calls<'a> {
    fn visit_body(&mut self, _: &'a [Stmt]) {}
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        // Statements with blocks are walked with their context by the caller.
        if !matches!(
            statement,
            Stmt::FunctionDef(_)
                | Stmt::ClassDef(_)
                | Stmt::If(_)
                | Stmt::For(_)
                | Stmt::While(_)
                | Stmt::With(_)
                | Stmt::Try(_)
                | Stmt::Match(_)
        ) {
            ruff_python_ast::visitor::walk_stmt(self, statement);
        }
    }
    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Call(call) = expression {
            self.0.push(call);
        }
        walk_expr(self, expression);
    }
}

/// Looks for assertions in a helper.
pub(super) struct Looks<'r, 'a> {
    pub(super) reader: &'r Reader<'a>,
    pub(super) found: bool,
    pub(super) calls: Vec<String>,
}
impl<'a> Visitor<'a> for Looks<'_, 'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Assert(_) => self.found = true,
            Stmt::Raise(raise) => {
                let name = raise
                    .exc
                    .as_deref()
                    .and_then(|exc| self.reader.names.qualified(exc));
                self.found |= name.is_some_and(|name| last(&name) == "AssertionError");
            }
            _ => {}
        }
        ruff_python_ast::visitor::walk_stmt(self, statement);
    }
    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Call(call) = expression
            && let Some(name) = self.reader.names.qualified(&call.func)
        {
            let method = last(&name);
            self.found |= method.to_ascii_lowercase().starts_with("assert")
                || matches!(
                    name.as_str(),
                    "pytest.raises" | "pytest.fail" | "self.fail" | "pytest.warns"
                )
                || matches!(method, "fnmatch_lines" | "re_match_lines");
            self.calls.push(name);
        }
        walk_expr(self, expression);
    }
}

/// Whether a loop over this runs at least once: literals and counted ranges.
pub(super) fn surely_runs(iterable: &Expr) -> bool {
    match iterable {
        Expr::List(list) => !list.elts.is_empty(),
        Expr::Tuple(tuple) => !tuple.elts.is_empty(),
        Expr::Set(_) => true,
        Expr::Dict(dict) => !dict.items.is_empty(),
        Expr::StringLiteral(text) => !text.value.is_empty(),
        Expr::Call(call) => match dotted(&call.func).as_deref() {
            Some("range") => call
                .arguments
                .args
                .iter()
                .all(|argument| matches!(argument, Expr::NumberLiteral(_))),
            Some("enumerate" | "zip" | "sorted" | "reversed" | "list" | "tuple") => {
                call.arguments.args.first().is_some_and(surely_runs)
            }
            Some(name)
                if last(name) == "items" || last(name) == "keys" || last(name) == "values" =>
            {
                matches!(&*call.func, Expr::Attribute(attribute) if surely_runs(&attribute.value))
            }
            _ => false,
        },
        // A name in capitals is a table of the module.
        Expr::Name(name) => name
            .id
            .chars()
            .all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit()),
        _ => false,
    }
}

/// Whether a loop over this never runs: an empty display, `range(0)`.
pub(super) fn never_runs(iterable: &Expr) -> bool {
    match iterable {
        Expr::List(list) => list.elts.is_empty(),
        Expr::Tuple(tuple) => tuple.elts.is_empty(),
        Expr::Dict(dict) => dict.items.is_empty(),
        Expr::Call(call) => {
            dotted(&call.func).as_deref() == Some("range")
                && matches!(&*call.arguments.args, [only] if super::constant::integer(only) == Some(0))
        }
        _ => false,
    }
}

pub(super) fn calls_anything(statement: &Stmt) -> bool {
    struct Any(bool);
    impl<'a> Visitor<'a> for Any {
        fn visit_expr(&mut self, expression: &'a Expr) {
            self.0 |= matches!(expression, Expr::Call(_));
            walk_expr(self, expression);
        }
    }
    let mut any = Any(false);
    any.visit_stmt(statement);
    any.0
}

/// Whether an expression calls anything.
pub(super) fn calls(expression: &Expr) -> bool {
    let mut calls = Calls(Vec::new());
    calls.visit_expr(expression);
    !calls.0.is_empty()
}

pub(super) fn mentions(expression: &Expr, name: &str) -> bool {
    struct Names<'n>(&'n str, bool);
    impl<'a> Visitor<'a> for Names<'_> {
        fn visit_expr(&mut self, expression: &'a Expr) {
            self.1 |= matches!(expression, Expr::Name(found) if found.id.as_str() == self.0);
            walk_expr(self, expression);
        }
    }
    let mut names = Names(name, false);
    names.visit_expr(expression);
    names.1
}
