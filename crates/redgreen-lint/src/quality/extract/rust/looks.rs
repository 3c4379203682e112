//! Looking into code without its context: helpers that assert, branches for tests, what is written down.

use quote::ToTokens as _;
use std::ops::Range;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Block, Expr, Lit, Macro, Stmt, Token};

/// Whether a method only answers a question.
pub(super) fn asks(method: &str) -> bool {
    matches!(
        method,
        "is_ok"
            | "is_some"
            | "is_err"
            | "is_none"
            | "eq"
            | "ne"
            | "is_empty"
            | "contains"
            | "starts_with"
            | "ends_with"
            | "contains_key"
    )
}

pub(super) fn text_of_call(call: &syn::ExprCall) -> String {
    call.to_token_stream().to_string()
}

/// Whether a block does nothing but panic.
pub(super) fn only_panics(block: &Block) -> bool {
    match &block.stmts[..] {
        [Stmt::Macro(call)] => call.mac.path.is_ident("panic"),
        [Stmt::Expr(Expr::Macro(call), _)] => call.mac.path.is_ident("panic"),
        _ => false,
    }
}

/// Looks for assertions in a helper.
#[derive(Default)]
pub(super) struct Looks {
    pub(super) found: bool,
    pub(super) panics: bool,
    pub(super) calls: Vec<String>,
}
impl<'ast> Visit<'ast> for Looks {
    fn visit_macro(&mut self, call: &'ast Macro) {
        let path = path_text(&call.path);
        let name = path.rsplit("::").next().unwrap_or(&path);
        self.panics |= matches!(name, "panic" | "unreachable" | "todo" | "unimplemented");
        self.found |= self.panics
            || [
                "assert",
                "debug_assert",
                "prop_assert",
                "check",
                "expect",
                "ensure",
            ]
            .iter()
            .any(|word| name.starts_with(word));
        for argument in arguments(call) {
            self.visit_expr(&argument);
        }
    }
    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let Expr::Path(path) = &*call.func {
            let path = path_text(&path.path);
            let name = path.rsplit("::").next().unwrap_or(&path);
            self.found |= name.starts_with("assert");
            self.calls.push(name.to_owned());
        }
        visit::visit_expr_call(self, call);
    }
    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let name = call.method.to_string();
        self.found |= name.starts_with("assert")
            || !call.args.is_empty()
                && (name.starts_with("validate")
                    || name.starts_with("verify")
                    || name.starts_with("check_"));
        self.calls.push(name);
        visit::visit_expr_method_call(self, call);
    }
}

/// Places where source asks whether it is tested.
#[derive(Default)]
pub(super) struct TestBranches {
    pub(super) found: Vec<(Range<usize>, String)>,
}
impl<'ast> Visit<'ast> for TestBranches {
    fn visit_macro(&mut self, call: &'ast Macro) {
        if call.path.is_ident("cfg") {
            let text = call.tokens.to_string().replace(' ', "");
            if text == "test" || text == "not(test)" {
                self.found
                    .push((call.span().byte_range(), format!("cfg!({text})")));
            }
        }
    }
}

/// The arguments of a macro that looks like a call; none where it does not.
pub(super) fn arguments(call: &Macro) -> Vec<Expr> {
    let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
    match parser.parse2(call.tokens.clone()) {
        Ok(list) => list.into_iter().collect(),
        // `assert_matches!(x, Some(1) if y)`: the first one is what is asserted.
        Err(_) => Vec::new(),
    }
}

pub(super) fn path_text(path: &syn::Path) -> String {
    path.segments
        .iter()
        .map(|segment| segment.ident.to_string())
        .collect::<Vec<_>>()
        .join("::")
}

pub(super) fn text_of(expression: &Expr) -> String {
    expression.to_token_stream().to_string()
}

pub(super) fn string(expression: Option<&Expr>) -> Option<String> {
    match expression? {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn literal_truth(expression: &Expr) -> Option<bool> {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Bool(value) => Some(value.value),
            _ => None,
        },
        Expr::Paren(inner) => literal_truth(&inner.expr),
        Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Not(_)) => {
            literal_truth(&unary.expr).map(|value| !value)
        }
        _ => None,
    }
}

pub(super) fn is_literal(expression: &Expr) -> bool {
    match expression {
        Expr::Lit(_) => true,
        Expr::Unary(unary) => is_literal(&unary.expr),
        Expr::Reference(reference) => is_literal(&reference.expr),
        Expr::Paren(inner) => is_literal(&inner.expr),
        Expr::Tuple(tuple) => !tuple.elems.is_empty() && tuple.elems.iter().all(is_literal),
        Expr::Array(array) => array.elems.iter().all(is_literal),
        _ => false,
    }
}

/// Paths, fields and references: nothing that may answer otherwise the second time.
pub(super) fn is_pure(expression: &Expr) -> bool {
    match expression {
        Expr::Path(_) => true,
        Expr::Field(field) => is_pure(&field.base),
        Expr::Reference(reference) => is_pure(&reference.expr),
        Expr::Paren(inner) => is_pure(&inner.expr),
        Expr::Unary(unary) => is_pure(&unary.expr),
        Expr::Index(index) => is_pure(&index.expr) && is_pure(&index.index),
        other => is_literal(other),
    }
}

/// Whether a loop over this runs at least once.
pub(super) fn surely_runs(iterable: &Expr) -> bool {
    match iterable {
        Expr::Array(array) => !array.elems.is_empty(),
        Expr::Range(range) => {
            range.start.as_deref().is_none_or(is_literal)
                && range.end.as_deref().is_some_and(is_literal)
        }
        Expr::Reference(reference) => surely_runs(&reference.expr),
        Expr::Paren(inner) => surely_runs(&inner.expr),
        Expr::MethodCall(call) => surely_runs(&call.receiver),
        Expr::Macro(call) => call.mac.path.is_ident("vec") && !call.mac.tokens.is_empty(),
        Expr::Path(path) => path.path.segments.last().is_some_and(|segment| {
            segment
                .ident
                .to_string()
                .chars()
                .all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit())
        }),
        _ => false,
    }
}
