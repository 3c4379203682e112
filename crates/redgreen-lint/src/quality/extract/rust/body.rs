//! The statements of a Rust test with their context.

use super::known::{Known, Names};
use super::looks::{
    Looks, arguments, asks, is_literal, is_pure, literal_truth, only_panics, path_text, string,
    surely_runs, text_of, text_of_call,
};
use super::{Reader, doubles};
use crate::quality::model::{
    Assertion, Asserts, Context, Double, DoubleKind, Fact, FactKind, Helper, Strength, TestModel,
};
use quote::ToTokens as _;
use std::collections::BTreeSet;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Block, Expr, Macro, Stmt};

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
    names: Names,
    /// The text of the test: what is mentioned once is not used.
    whole: &'r str,
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
            context: Context::default(),
            begun: false,
            elsewhere: usize::from(is_to_panic),
            names: Names::of(block),
            whole: reader.text.get(test.span.clone()).unwrap_or(""),
            test,
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
                let truth = match self.names.known(condition) {
                    Some(Known::Bool(value)) => Some(value),
                    _ => literal_truth(condition),
                };
                match truth {
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
            Expr::Binary(binary)
                if text_of(&binary.left).ends_with(". len ()") && text_of(&binary.right) == "0" =>
            {
                match binary.op {
                    // A length is never less than nothing.
                    BinOp::Ge(_) => {
                        self.fact(at, FactKind::ConstantTrue { in_callback: false });
                        Strength::None
                    }
                    BinOp::Gt(_) | BinOp::Ne(_) => Strength::Shape,
                    _ => Strength::Value,
                }
            }
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
            Expr::Unary(unary) => match &*unary.expr {
                Expr::MethodCall(call) if call.method == "is_empty" => Strength::Shape,
                // `!(r != r)`
                Expr::Paren(inner) => match &*inner.expr {
                    Expr::Binary(binary) if matches!(binary.op, BinOp::Ne(_)) => {
                        self.comparison(at, &binary.left, &binary.right, true)
                    }
                    other => self.truth(at, other).max(Strength::Predicate),
                },
                other => match self.truth(at, other) {
                    Strength::Weak => Strength::Weak,
                    stronger => stronger.max(Strength::Predicate),
                },
            },
            Expr::Macro(call) if call.mac.path.is_ident("matches") => {
                let text = call.mac.tokens.to_string().replace(' ', "");
                if [
                    ",Ok(_)",
                    ",Some(_)",
                    ",Err(_)",
                    ",Ok(..)",
                    ",Some(..)",
                    ",Err(..)",
                ]
                .iter()
                .any(|end| text.ends_with(end))
                {
                    Strength::Weak
                } else {
                    Strength::Value
                }
            }
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
        if let (Some(one), Some(two)) = (self.names.known(left), self.names.known(right)) {
            if (one == two) == equal {
                self.fact(at, FactKind::ConstantTrue { in_callback: false });
            } else {
                self.always_fails(at);
            }
            return Strength::None;
        }
        if !equal && left_text.ends_with(". len ()") && right_text == "0" {
            return Strength::Shape;
        }
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
        if equal
            && let (Some(one), Some(two)) = (self.names.plain(left), self.names.plain(right))
            && one == two
        {
            self.fact(at, FactKind::ComparesItself);
            return Strength::None;
        }
        if equal && self.names.asked_twice(left, right) {
            self.fact(at, FactKind::ExpectedFromSubject);
        }
        Strength::Value
    }

    /// How often the test mentions a name.
    fn mentions(&self, name: &str) -> usize {
        let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        self.whole
            .match_indices(name)
            .filter(|(at, _)| {
                !part(self.whole[..*at].chars().next_back())
                    && !part(self.whole[at + name.len()..].chars().next())
            })
            .count()
    }

    /// `let _ = a == b;`, `let ok = a == b;` and `ok` is not looked at.
    fn unevaluated(&mut self, local: &syn::Local) {
        let name = match &local.pat {
            syn::Pat::Wild(_) => None,
            syn::Pat::Ident(name) => Some(name.ident.to_string()),
            _ => return,
        };
        let Some(init) = &local.init else { return };
        let question = match &*init.expr {
            Expr::Binary(binary) => matches!(
                binary.op,
                BinOp::Eq(_)
                    | BinOp::Ne(_)
                    | BinOp::Lt(_)
                    | BinOp::Le(_)
                    | BinOp::Gt(_)
                    | BinOp::Ge(_)
            ),
            Expr::MethodCall(call) => {
                name.is_none() && asks(&call.method.to_string()) && call.method != "contains"
            }
            Expr::Macro(call) => call.mac.path.is_ident("matches"),
            _ => false,
        };
        if question && name.is_none_or(|name| self.mentions(&name) == 1) {
            self.fact(
                &*init.expr,
                FactKind::NotEvaluated {
                    missing: "a question without `assert!`",
                },
            );
        }
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
        let whole = text_of_call(at);
        if matches!(name, "read_to_string" | "read") && whole.contains("CARGO_MANIFEST_DIR") {
            let path = whole.replace(' ', "");
            if path.contains("src/") && path.contains(".rs\"") {
                self.fact(at, FactKind::ReadsImplementation);
            }
        }
        match name {
            "sleep_ms" => self.fact(at, FactKind::Sleep),
            "after" if path.ends_with("Timer::after") => self.fact(at, FactKind::Sleep),
            "new_v4" => self.fact(at, FactKind::Unrepeatable { on: "chance" }),
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
            if let Stmt::Local(local) = statement
                && let Some((_, otherwise)) =
                    local.init.as_ref().and_then(|init| init.diverge.as_ref())
            {
                // `let Some(v) = f() else { return };`: what follows may not be reached.
                let mut looks = Looks::default();
                looks.visit_expr(otherwise);
                self.context.conditional |= !looks.panics;
            }
            let leaves =
                match statement {
                    Stmt::Expr(Expr::If(branch), _) => {
                        self.names.known(&branch.cond) == Some(Known::Bool(true))
                            && branch.then_branch.stmts.iter().any(|statement| {
                                matches!(statement, Stmt::Expr(Expr::Return(_), _))
                            })
                    }
                    Stmt::Expr(Expr::Call(call), _) => {
                        let path = call.func.to_token_stream().to_string().replace(' ', "");
                        path.ends_with("process::exit") || path.ends_with("process::abort")
                    }
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
        self.context.conditional = before.conditional;
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
            Stmt::Expr(Expr::MethodCall(call), Some(_)) if asks(&call.method.to_string()) => {
                self.fact(
                    call,
                    FactKind::NotEvaluated {
                        missing: "a question without `assert!`",
                    },
                );
                visit::visit_stmt(self, statement);
            }
            // A thread that nobody waits for: its panic fails nothing.
            Stmt::Expr(Expr::Call(call), Some(_))
                if call
                    .func
                    .to_token_stream()
                    .to_string()
                    .ends_with(":: spawn") =>
            {
                self.within(
                    |context| context.swallowed = true,
                    |body| visit::visit_stmt(body, statement),
                );
            }
            Stmt::Local(local)
                if matches!(local.pat, syn::Pat::Wild(_))
                    && local.init.as_ref().is_some_and(|init| {
                        matches!(&*init.expr, Expr::MethodCall(call) if call.method == "join"
                            && matches!(&*call.receiver, Expr::Call(_)))
                    }) =>
            {
                self.within(
                    |context| context.swallowed = true,
                    |body| visit::visit_stmt(body, statement),
                );
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
        self.unevaluated(local);
        let Some(init) = &local.init else { return };
        // `let check = || assert…;` that nothing calls.
        let forgotten = matches!(&*init.expr, Expr::Closure(_) | Expr::Async(_))
            && matches!(&local.pat, syn::Pat::Ident(name) if self.mentions(&name.ident.to_string()) == 1);
        self.within(
            |context| context.uncalled |= forgotten,
            |body| body.visit_expr(&init.expr),
        );
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
        let known = self.names.known(&branch.cond);
        self.within(
            |context| {
                context.conditional |= !exhaustive && known.is_none();
                context.unreachable |= known == Some(Known::Bool(false));
            },
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
        let text = text_of(&each.expr).replace(' ', "");
        let never = text == "0..0" || text == "[]" || text.starts_with("[]as");
        self.within(
            |context| {
                context.in_loop |= !runs;
                context.unreachable |= never;
            },
            |body| body.visit_block(&each.body),
        );
    }

    fn visit_expr_while(&mut self, repeat: &'ast syn::ExprWhile) {
        self.visit_expr(&repeat.cond);
        let never = self.names.known(&repeat.cond) == Some(Known::Bool(false));
        self.within(
            |context| {
                context.in_loop = true;
                context.unreachable |= never;
            },
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
        let forgotten =
            function.attrs.is_empty() && self.mentions(&function.sig.ident.to_string()) == 1;
        self.within(
            |context| context.uncalled |= forgotten,
            |body| visit::visit_item_fn(body, function),
        );
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
        if matches!(name.as_str(), "map" | "inspect" | "and_then") {
            // Nothing runs where there is nothing.
            return self.within(
                |context| context.conditional = true,
                |body| visit::visit_expr_method_call(body, call),
            );
        }
        visit::visit_expr_method_call(self, call);
    }
}
