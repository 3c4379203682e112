//! The statements of a Rust test with their context.

use super::{Reader, doubles};
use crate::quality::model::{
    Assertion, Asserts, Context, Double, DoubleKind, Fact, FactKind, Helper, Strength, TestModel,
};
use quote::ToTokens as _;
use std::collections::BTreeSet;
use std::ops::Range;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Block, Expr, Lit, Macro, Stmt, Token};

/// Helpers are followed through so many calls.
const FOLLOWED: usize = 4;

/// Reads one test.
pub(super) struct Body<'r, 'a, 't> {
    reader: &'r Reader<'a>,
    test: &'t mut TestModel,
    context: Context,
    /// Whether anything that could pass came before.
    begun: bool,
    /// In a function or closure of the test, or in a test that is to panic: failing is not the test's own end.
    elsewhere: usize,
}

impl<'r, 'a, 't> Body<'r, 'a, 't> {
    pub(super) fn read(
        reader: &'r Reader<'a>,
        block: &Block,
        is_to_panic: bool,
        test: &'t mut TestModel,
    ) {
        let mut body = Self {
            reader,
            test,
            context: Context::default(),
            begun: false,
            elsewhere: usize::from(is_to_panic),
        };
        body.visit_block(block);
    }

    fn fact(&mut self, node: &impl Spanned, kind: FactKind) {
        let span = self.reader.span(node);
        self.test.facts.push(Fact { span, kind });
    }

    fn within(&mut self, change: impl FnOnce(&mut Context), act: impl FnOnce(&mut Self)) {
        let before = self.context;
        change(&mut self.context);
        act(self);
        self.context = before;
    }

    fn assertion(&mut self, node: &impl Spanned, strength: Strength) {
        let span = self.reader.span(node);
        let text = self
            .reader
            .text
            .get(span.clone())
            .unwrap_or("")
            .split_whitespace()
            .collect();
        self.test.assertions.push(Assertion {
            span,
            strength,
            context: self.context,
            text,
        });
        self.begun = true;
    }

    /// Something that fails whatever the code does.
    fn always_fails(&mut self, node: &impl Spanned) {
        let first = !self.begun
            && self.elsewhere == 0
            && !self.context.conditional
            && !self.context.in_loop;
        self.fact(node, FactKind::AlwaysFails { first });
    }

    /// A macro call.
    fn called_macro(&mut self, call: &Macro) {
        let path = path_text(&call.path);
        let name = path.rsplit("::").next().unwrap_or(&path).to_owned();
        let arguments = arguments(call);
        match name.as_str() {
            "assert" | "debug_assert" | "prop_assert" | "tassert" => {
                let Some(condition) = arguments.first() else {
                    return;
                };
                match literal_truth(condition) {
                    Some(false) => {
                        self.always_fails(call);
                    }
                    Some(true) => {
                        self.fact(call, FactKind::ConstantTrue { in_callback: false });
                        self.assertion(call, Strength::None);
                    }
                    None => {
                        let strength = self.truth(call, condition);
                        self.assertion(call, strength);
                    }
                }
            }
            "assert_eq" | "debug_assert_eq" | "prop_assert_eq" | "assert_ne"
            | "debug_assert_ne" | "prop_assert_ne" => {
                let [left, right, ..] = &arguments[..] else {
                    return self.assertion(call, Strength::Value);
                };
                let strength = self.comparison(call, left, right, name.ends_with("_eq"));
                self.assertion(call, strength);
            }
            "panic" | "todo" | "unimplemented" | "unreachable" => {
                self.always_fails(call);
            }
            "println" | "print" | "eprintln" | "eprint" | "dbg" => {
                self.fact(call, FactKind::Prints)
            }
            "include_str" | "include_bytes" => {
                if let Some(path) = string(arguments.first()) {
                    self.reads(call, &path);
                }
            }
            "matches" | "format" | "vec" | "json" | "write" | "writeln" | "concat" | "env"
            | "stringify" | "include" | "try" | "cfg" | "line" | "file" => {}
            _ if self.reader.macros.contains(&name) => self.assertion(call, Strength::Value),
            _ if name.contains("snapshot") => self.assertion(call, Strength::Snapshot),
            _ if [
                "assert",
                "prop_assert",
                "check",
                "expect",
                "ensure",
                "verify",
                "require",
            ]
            .iter()
            .any(|word| name.starts_with(word)) =>
            {
                self.assertion(call, Strength::Value);
            }
            _ => {
                if let Some(double) = doubles::of_path(&path) {
                    self.fact(call, FactKind::Double(double));
                } else {
                    // A macro of the project's own may assert.
                    self.test.hands_on = true;
                }
                self.begun = true;
            }
        }
        for argument in &arguments {
            self.visit_expr(argument);
        }
    }

    /// `assert!(…)`
    fn truth(&mut self, at: &Macro, condition: &Expr) -> Strength {
        match condition {
            Expr::Paren(inner) => self.truth(at, &inner.expr),
            Expr::Binary(binary) => match binary.op {
                BinOp::Eq(_) | BinOp::Le(_) | BinOp::Ge(_) => {
                    self.comparison(at, &binary.left, &binary.right, true)
                }
                BinOp::And(_) => {
                    self.fact(at, FactKind::Composite);
                    self.truth(at, &binary.left)
                        .max(self.truth(at, &binary.right))
                }
                BinOp::Or(_) => {
                    if literal_truth(&binary.left) == Some(true)
                        || literal_truth(&binary.right) == Some(true)
                    {
                        self.fact(at, FactKind::ConstantTrue { in_callback: false });
                        return Strength::None;
                    }
                    self.truth(at, &binary.left)
                        .min(self.truth(at, &binary.right))
                }
                _ => Strength::Value,
            },
            Expr::Unary(unary) => self.truth(at, &unary.expr).max(Strength::Predicate),
            Expr::MethodCall(call) => match call.method.to_string().as_str() {
                "is_ok" | "is_some" | "is_err" | "is_none" if call.args.is_empty() => {
                    Strength::Weak
                }
                _ => Strength::Predicate,
            },
            Expr::Path(_) | Expr::Field(_) => Strength::Flag,
            Expr::Call(_) | Expr::Await(_) => Strength::Predicate,
            _ => Strength::Value,
        }
    }

    fn comparison(&mut self, at: &Macro, left: &Expr, right: &Expr, equal: bool) -> Strength {
        let (left_text, right_text) = (text_of(left), text_of(right));
        if is_literal(left) && is_literal(right) {
            if (left_text == right_text) == equal {
                self.fact(at, FactKind::ConstantTrue { in_callback: false });
                return Strength::None;
            }
            return Strength::Value;
        }
        if equal && left_text == right_text && is_pure(left) {
            self.fact(at, FactKind::ComparesItself);
            return Strength::None;
        }
        Strength::Value
    }

    fn reads(&mut self, at: &impl Spanned, path: &str) {
        let source = path.starts_with("src/") || path.contains("/src/");
        if source
            && std::path::Path::new(path)
                .extension()
                .is_some_and(|extension| extension == "rs")
        {
            self.fact(at, FactKind::ReadsImplementation);
        }
    }

    /// A call of a path.
    fn called(&mut self, at: &syn::ExprCall, path: &str) {
        let name = path.rsplit("::").next().unwrap_or(path);
        if let Some(text) = string(at.args.first()) {
            if doubles::is_memory_address(&text) {
                let double = Double {
                    kind: DoubleKind::Database,
                    name: text.clone(),
                };
                self.fact(at, FactKind::Double(double));
            }
            if matches!(name, "read_to_string" | "read" | "open") {
                self.reads(at, &text);
            }
        }
        match name {
            "sleep" => self.fact(at, FactKind::Sleep),
            "exit" | "abort" if path.contains("process") => self.fact(
                at,
                FactKind::Tampers {
                    how: "ends the process of the runner".to_owned(),
                },
            ),
            "thread_rng" | "random" if path.contains("rand") => {
                self.fact(at, FactKind::Unrepeatable { on: "chance" })
            }
            _ => {}
        }
        if let Some(double) = doubles::of_path(path) {
            self.fact(at, FactKind::Double(double));
        }
        self.helper(path, name);
    }

    fn helper(&mut self, path: &str, name: &str) {
        if self.test.helpers.iter().any(|helper| helper.name == path) {
            return;
        }
        let says_so = [
            "assert",
            "check",
            "verify",
            "expect",
            "ensure",
            "should",
            "must",
            "compile_fail",
            "test_",
            "run_test",
            "roundtrip",
            "round_trip",
            "validate",
            "compare",
            "compile_fail",
            "pass",
        ]
        .iter()
        .any(|word| name.starts_with(word) || name.contains("_assert"));
        let asserts = match self.reader.functions.get(name) {
            Some(bodies)
                if !path.contains("::")
                    || path.starts_with("Self::")
                    || path.starts_with("self::")
                    || path.starts_with("super::") =>
            {
                let asserts = bodies.iter().any(|body| {
                    self.asserts(body, FOLLOWED, &mut BTreeSet::from([name.to_owned()]))
                });
                if asserts { Asserts::Yes } else { return }
            }
            _ if says_so && !name.starts_with("checkout") => Asserts::Named,
            _ if path.contains("TestCases") => Asserts::Named,
            _ if self.reader.options.helpers.contains(name) => Asserts::Yes,
            _ if self.reader.options.is_assertion(path) => Asserts::Unknown,
            _ => return,
        };
        self.test.helpers.push(Helper {
            name: path.to_owned(),
            asserts,
        });
    }

    fn asserts(&self, body: &Block, left: usize, seen: &mut BTreeSet<String>) -> bool {
        let mut looks = Looks::default();
        looks.visit_block(body);
        looks.found
            || left > 0
                && looks.calls.into_iter().any(|name| {
                    seen.insert(name.clone())
                        && self.reader.functions.get(&name).is_some_and(|bodies| {
                            bodies.iter().any(|body| self.asserts(body, left - 1, seen))
                        })
                })
    }
}

impl<'ast> Visit<'ast> for Body<'_, '_, '_> {
    fn visit_block(&mut self, block: &'ast Block) {
        let before = self.context;
        for statement in &block.stmts {
            self.visit_stmt(statement);
            let leaves = match statement {
                Stmt::Expr(Expr::Return(_) | Expr::Break(_) | Expr::Continue(_), _) => true,
                Stmt::Macro(call) => ["panic", "todo", "unimplemented", "unreachable"]
                    .iter()
                    .any(|name| call.mac.path.is_ident(name)),
                _ => false,
            };
            if leaves {
                self.context.unreachable = true;
            }
        }
        self.context.unreachable = before.unreachable;
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        match statement {
            Stmt::Macro(call) => {
                if call.mac.path.is_ident("matches") {
                    self.fact(
                        call,
                        FactKind::NotEvaluated {
                            missing: "`matches!` without `assert!`",
                        },
                    );
                }
                self.called_macro(&call.mac);
            }
            Stmt::Expr(Expr::Binary(binary), Some(_))
                if matches!(
                    binary.op,
                    BinOp::Eq(_)
                        | BinOp::Ne(_)
                        | BinOp::Lt(_)
                        | BinOp::Le(_)
                        | BinOp::Gt(_)
                        | BinOp::Ge(_)
                ) =>
            {
                self.fact(
                    binary,
                    FactKind::NotEvaluated {
                        missing: "a comparison without `assert!`",
                    },
                );
                visit::visit_stmt(self, statement);
            }
            Stmt::Expr(Expr::MethodCall(call), Some(_))
                if matches!(
                    call.method.to_string().as_str(),
                    "is_ok" | "is_some" | "is_err" | "is_none" | "eq" | "ne"
                ) =>
            {
                self.fact(
                    call,
                    FactKind::NotEvaluated {
                        missing: "a question without `assert!`",
                    },
                );
                visit::visit_stmt(self, statement);
            }
            Stmt::Item(_) => visit::visit_stmt(self, statement),
            _ => {
                visit::visit_stmt(self, statement);
                self.begun = true;
            }
        }
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.called_macro(call);
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        let Some(init) = &local.init else { return };
        self.visit_expr(&init.expr);
        let Some((_, otherwise)) = &init.diverge else {
            return;
        };
        // `let Some(v) = f() else { panic!() }` asserts which variant it is.
        let mut looks = Looks::default();
        looks.visit_expr(otherwise);
        if looks.panics {
            self.assertion(&*init.expr, Strength::Value);
        } else {
            self.within(
                |context| context.conditional = true,
                |body| body.visit_expr(otherwise),
            );
        }
    }

    fn visit_expr_if(&mut self, branch: &'ast syn::ExprIf) {
        self.visit_expr(&branch.cond);
        let asserts = |look: &dyn Fn(&mut Looks)| {
            let mut looks = Looks::default();
            look(&mut looks);
            looks.found
        };
        // `if wrong { panic!() }` is an assertion of its condition.
        if branch.else_branch.is_none() && only_panics(&branch.then_branch) {
            return self.assertion(&*branch.cond, Strength::Value);
        }
        // Where every branch asserts, something is asserted.
        let exhaustive = branch.else_branch.as_ref().is_some_and(|(_, other)| {
            asserts(&|looks| looks.visit_expr(other))
                && asserts(&|looks| looks.visit_block(&branch.then_branch))
        });
        self.within(
            |context| context.conditional |= !exhaustive,
            |body| {
                body.visit_block(&branch.then_branch);
                if let Some((_, other)) = &branch.else_branch {
                    body.visit_expr(other);
                }
            },
        );
    }

    fn visit_expr_match(&mut self, choice: &'ast syn::ExprMatch) {
        self.visit_expr(&choice.expr);
        // `match x { Good(v) => assert…, other => panic!() }` asserts which arm it is.
        let looks_of = |arm: &syn::Arm| {
            let mut looks = Looks::default();
            looks.visit_expr(&arm.body);
            looks
        };
        let every_arm_asserts =
            choice.arms.len() > 1 && choice.arms.iter().all(|arm| looks_of(arm).found);
        let fails_elsewhere =
            every_arm_asserts || choice.arms.iter().any(|arm| looks_of(arm).panics);
        if fails_elsewhere {
            self.assertion(&choice.expr, Strength::Value);
        }
        self.within(
            |context| context.conditional |= !fails_elsewhere,
            |body| {
                for arm in &choice.arms {
                    let before = body.context;
                    // A `panic!` in an arm is an assertion of the match.
                    let mut looks = Looks::default();
                    looks.visit_expr(&arm.body);
                    if looks.panics && matches!(&*arm.body, Expr::Macro(_)) {
                        continue;
                    }
                    body.context = before;
                    body.visit_expr(&arm.body);
                }
            },
        );
    }

    fn visit_expr_for_loop(&mut self, each: &'ast syn::ExprForLoop) {
        self.visit_expr(&each.expr);
        let runs = surely_runs(&each.expr);
        self.within(
            |context| context.in_loop |= !runs,
            |body| body.visit_block(&each.body),
        );
    }

    fn visit_expr_while(&mut self, repeat: &'ast syn::ExprWhile) {
        self.visit_expr(&repeat.cond);
        self.within(
            |context| context.in_loop = true,
            |body| body.visit_block(&repeat.body),
        );
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        let before = self.context.unreachable;
        self.context.unreachable = false;
        self.elsewhere += 1;
        visit::visit_expr_closure(self, closure);
        self.elsewhere -= 1;
        self.context.unreachable = before;
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        let before = self.context.unreachable;
        self.context.unreachable = false;
        self.elsewhere += 1;
        visit::visit_item_fn(self, function);
        self.elsewhere -= 1;
        self.context.unreachable = before;
    }

    fn visit_expr_try(&mut self, attempt: &'ast syn::ExprTry) {
        self.test.must_not_raise = true;
        visit::visit_expr_try(self, attempt);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let Expr::Path(path) = &*call.func {
            let has_types = path
                .path
                .segments
                .last()
                .is_some_and(|segment| !segment.arguments.is_none());
            if has_types && call.args.is_empty() {
                // `is_send::<Cart>()`: the compiler is what asserts.
                self.test.hands_on = true;
            }
            let path = path_text(&path.path);
            if path.ends_with("catch_unwind") {
                self.within(
                    |context| context.swallowed = true,
                    |body| visit::visit_expr_call(body, call),
                );
                return;
            }
            self.called(call, &path);
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let name = call.method.to_string();
        match name.as_str() {
            // The error is the failure: nothing else is promised.
            "unwrap" | "expect" | "unwrap_err" | "expect_err" | "unwrap_none" => {
                self.test.must_not_raise = true
            }
            "join" => {}
            _ => self.helper(&name, &name),
        }
        visit::visit_expr_method_call(self, call);
    }
}

/// Whether a block does nothing but panic.
fn only_panics(block: &Block) -> bool {
    match &block.stmts[..] {
        [Stmt::Macro(call)] => call.mac.path.is_ident("panic"),
        [Stmt::Expr(Expr::Macro(call), _)] => call.mac.path.is_ident("panic"),
        _ => false,
    }
}

/// Looks for assertions in a helper.
#[derive(Default)]
struct Looks {
    found: bool,
    panics: bool,
    calls: Vec<String>,
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
fn arguments(call: &Macro) -> Vec<Expr> {
    let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
    match parser.parse2(call.tokens.clone()) {
        Ok(list) => list.into_iter().collect(),
        // `assert_matches!(x, Some(1) if y)`: the first one is what is asserted.
        Err(_) => Vec::new(),
    }
}

fn path_text(path: &syn::Path) -> String {
    path.segments
        .iter()
        .map(|segment| segment.ident.to_string())
        .collect::<Vec<_>>()
        .join("::")
}

fn text_of(expression: &Expr) -> String {
    expression.to_token_stream().to_string()
}

fn string(expression: Option<&Expr>) -> Option<String> {
    match expression? {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

fn literal_truth(expression: &Expr) -> Option<bool> {
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

fn is_literal(expression: &Expr) -> bool {
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
fn is_pure(expression: &Expr) -> bool {
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
fn surely_runs(iterable: &Expr) -> bool {
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
