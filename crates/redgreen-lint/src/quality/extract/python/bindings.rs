//! What the names inside a test hold: which are bound once, to what, and which are read.
//!
//! Only what is certain is used: a name that is bound twice, also in a nested function, holds nothing that is known.

use super::names::{Names, dotted};
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{ExceptHandler, Expr, ExprContext, Pattern, Stmt, StmtFunctionDef};
use std::collections::{BTreeMap, BTreeSet};

/// The names of one test.
#[derive(Debug, Default)]
pub(super) struct Bindings<'a> {
    counts: BTreeMap<&'a str, usize>,
    values: BTreeMap<&'a str, &'a Expr>,
    read: BTreeSet<&'a str>,
    classes: BTreeSet<&'a str>,
    imported: BTreeSet<&'a str>,
    /// Something is called for its effect: a statement that is a call and no assertion.
    pub(super) acts: bool,
    /// Targets of `patch("a.b")`, `monkeypatch.setattr(a, "b", …)`, as qualified names.
    pub(super) patched: BTreeSet<String>,
}

impl<'a> Bindings<'a> {
    pub(super) fn of(function: &'a StmtFunctionDef, names: &Names) -> Self {
        let mut reader = Reader {
            found: Self::default(),
            names,
        };
        for decorator in &function.decorator_list {
            reader.visit_expr(&decorator.expression);
        }
        for parameter in function.parameters.iter() {
            reader.bind(parameter.name().as_str());
        }
        for statement in &function.body {
            reader.visit_stmt(statement);
        }
        reader.found
    }
    /// What a name holds, if it is bound once in the whole test.
    pub(super) fn value(&self, name: &str) -> Option<&'a Expr> {
        (self.counts.get(name) == Some(&1))
            .then(|| self.values.get(name).copied())
            .flatten()
    }
    /// Whether the test makes what a name holds: it is bound, and not by an import.
    pub(super) fn makes(&self, name: &str) -> bool {
        self.binds(name) && !self.imported.contains(name)
    }
    /// Whether the test binds a name itself.
    pub(super) fn binds(&self, name: &str) -> bool {
        self.counts.contains_key(name)
    }
    /// Whether a name is that of a class of the test.
    pub(super) fn is_class(&self, name: &str) -> bool {
        self.classes.contains(name)
    }
    /// Whether anything reads a name.
    pub(super) fn reads(&self, name: &str) -> bool {
        self.read.contains(name)
    }
    /// The name that a name is another word for: `b = a` makes `b` the same object as `a`.
    pub(super) fn original<'n>(&self, name: &'n str) -> &'n str
    where
        'a: 'n,
    {
        let mut at = name;
        for _ in 0..8 {
            match self.value(at) {
                Some(Expr::Name(next)) if self.counts.get(next.id.as_str()) == Some(&1) => {
                    at = next.id.as_str();
                }
                _ => return at,
            }
        }
        at
    }
    /// Whether two names are bound together, `a = b = f()`, and never again.
    pub(super) fn together(&self, left: &str, right: &str) -> bool {
        match (self.value(left), self.value(right)) {
            (Some(one), Some(two)) => std::ptr::eq(one, two),
            _ => false,
        }
    }
}

struct Reader<'a, 'n> {
    found: Bindings<'a>,
    names: &'n Names,
}

impl<'a> Reader<'a, '_> {
    fn bind(&mut self, name: &'a str) {
        *self.found.counts.entry(name).or_default() += 1;
    }
}

impl<'a> Visitor<'a> for Reader<'a, '_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Assign(assign) => {
                for target in &assign.targets {
                    if let Expr::Name(name) = target {
                        self.found.values.insert(name.id.as_str(), &assign.value);
                    } else if let (Expr::Attribute(_), Expr::Call(call)) = (target, &*assign.value)
                        && self
                            .names
                            .qualified(&call.func)
                            .is_some_and(|name| super::facts::is_made_double(&name))
                        && let Some(name) = self.names.qualified(target)
                    {
                        // `shop.total = Mock(…)`
                        self.found.patched.insert(name);
                    }
                }
            }
            Stmt::AnnAssign(assign) => {
                if let (Expr::Name(name), Some(value)) = (&*assign.target, &assign.value) {
                    self.found.values.insert(name.id.as_str(), value);
                }
            }
            Stmt::AugAssign(assign) => {
                if let Expr::Name(name) = &*assign.target {
                    self.bind(name.id.as_str());
                }
            }
            Stmt::Global(names) => names.names.iter().for_each(|name| {
                self.bind(name.as_str());
                self.bind(name.as_str());
            }),
            Stmt::Nonlocal(names) => names.names.iter().for_each(|name| {
                self.bind(name.as_str());
                self.bind(name.as_str());
            }),
            Stmt::FunctionDef(function) => {
                self.bind(function.name.as_str());
                for parameter in function.parameters.iter() {
                    self.bind(parameter.name().as_str());
                }
            }
            Stmt::ClassDef(class) => {
                self.bind(class.name.as_str());
                self.found.classes.insert(class.name.as_str());
            }
            Stmt::Expr(expression) => {
                self.found.acts |= match &*expression.value {
                    Expr::Call(call) => dotted(&call.func)
                        .is_none_or(|name| !super::names::last(&name).starts_with("assert")),
                    Expr::Await(_) => true,
                    _ => false,
                };
            }
            Stmt::Import(import) => {
                for alias in &import.names {
                    let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
                    self.found.imported.insert(name);
                    self.bind(name);
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
                    self.found.imported.insert(name);
                    self.bind(name);
                }
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }
    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(inner) = handler;
        if let Some(name) = &inner.name {
            self.bind(name.as_str());
        }
        ruff_python_ast::visitor::walk_except_handler(self, handler);
    }
    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        if let Pattern::MatchAs(capture) = pattern
            && let Some(name) = &capture.name
        {
            self.bind(name.as_str());
        }
        ruff_python_ast::visitor::walk_pattern(self, pattern);
    }
    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) => match name.ctx {
                ExprContext::Load => {
                    self.found.read.insert(name.id.as_str());
                }
                _ => self.bind(name.id.as_str()),
            },
            Expr::Call(call) => {
                if let Some(target) = patched(self.names, call) {
                    self.found.patched.insert(target);
                }
            }
            _ => {}
        }
        walk_expr(self, expression);
    }
}

/// What a call puts a double in the place of.
fn patched(names: &Names, call: &ruff_python_ast::ExprCall) -> Option<String> {
    let name = names.qualified(&call.func)?;
    let text = |at: usize| match call.arguments.args.get(at) {
        Some(Expr::StringLiteral(literal)) => Some(literal.value.to_str()),
        _ => None,
    };
    let member = || {
        let owner = names.qualified(call.arguments.args.first()?)?;
        Some(format!("{owner}.{}", text(1)?))
    };
    let is_patch = ["patch", "mock.patch", "unittest.mock.patch", "mocker.patch"].contains(&&*name);
    if is_patch || name == "monkeypatch.setattr" && text(0).is_some() {
        return text(0).map(str::to_owned);
    }
    if name.ends_with("patch.object") || name == "monkeypatch.setattr" {
        return member();
    }
    None
}

/// The name behind `a`, `a.b`, `a[0]`, `a.b()`: where a chain begins.
pub(super) fn root(expression: &Expr) -> Option<String> {
    dotted(expression).map(|name| name.split('.').next().unwrap_or("").to_owned())
}
