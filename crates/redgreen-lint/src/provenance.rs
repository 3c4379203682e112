//! Whose code made the value that a Rust test stumbled over: an `unwrap` of what the code under test returned says that
//! behaviour is missing, an `unwrap` of the test's own literal that the test is wrong.
//!
//! The text decides, through the `let`s of the function: what cannot be followed is [`Origin::Unknown`].

use proc_macro2::{LineColumn, Span};
use std::collections::BTreeMap;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Expr, Pat, Stmt, Token, UseTree};

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The code under test had a part in it.
    FirstParty,
    /// Literals and libraries only: the test made it by itself.
    Own,
    /// It cannot be followed.
    Unknown,
}

impl Origin {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::FirstParty, _) | (_, Self::FirstParty) => Self::FirstParty,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Own, Self::Own) => Self::Own,
        }
    }
}

/// What is asked of a place.
#[derive(Debug, Clone, Copy)]
pub enum Question<'a> {
    /// The value that a panic at this line and column (from 1) is about: what is unwrapped or indexed, or what decided
    /// that a `panic!` was reached.
    Panic(u32, u32),
    /// The value that a method of this name is called on, on this line.
    Receiver(u32, &'a str),
    /// Everything in the statements of this line.
    Statement(u32),
    /// The macros that are called on this line.
    Macros(u32),
}

/// What a file of tests is to the project.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// Whether a crate of this name (with underscores) is first-party.
    pub is_own_crate: &'a dyn Fn(&str) -> bool,
    /// Whether the tests lie in a source file, so that `crate::`, `super::` and the file's own items are source.
    pub in_source: bool,
}

/// Answers; [`Origin::Unknown`] where the file does not parse or nothing is at that place.
#[must_use]
pub fn origin(text: &str, question: Question<'_>, setting: Setting<'_>) -> Origin {
    let Ok(file) = syn::parse_file(text) else {
        return Origin::Unknown;
    };
    let mut uses = BTreeMap::new();
    let mut collect = Uses { names: &mut uses };
    collect.visit_file(&file);
    let line = match question {
        Question::Panic(line, _)
        | Question::Receiver(line, _)
        | Question::Statement(line)
        | Question::Macros(line) => line,
    };
    let mut functions = Functions { line, found: None };
    functions.visit_file(&file);
    let Some(body) = functions.found else {
        return Origin::Unknown;
    };
    let mut bound = Bindings::default();
    bound.visit_block(body);
    let names = Names {
        uses: &uses,
        bound: &bound.names,
        setting,
    };
    let mut places = Places {
        question,
        around: Vec::new(),
        operands: Vec::new(),
    };
    places.visit_block(body);
    let own_type = places.operands.iter().any(|operand| operand.inferred);
    let found = places
        .operands
        .iter()
        .map(|operand| names.of(&operand.value, 0))
        .reduce(Origin::and)
        .unwrap_or(Origin::Unknown);
    // `let money: Money = "3".parse().unwrap()`: the type says whose code it was.
    if found == Origin::Own && own_type {
        Origin::Unknown
    } else {
        found
    }
}

/// Whether the file imports something of a first-party crate that may be a trait: methods of foreign types can be its.
#[must_use]
pub fn may_extend(text: &str, setting: Setting<'_>) -> bool {
    let Ok(file) = syn::parse_file(text) else {
        return true;
    };
    let mut uses = BTreeMap::new();
    let mut collect = Uses { names: &mut uses };
    collect.visit_file(&file);
    let own = |first: &String| {
        (setting.is_own_crate)(first)
            || (setting.in_source && matches!(first.as_str(), "crate" | "super" | "self"))
    };
    uses.iter().any(|(name, first)| {
        own(first) && (name.starts_with('*') || name.starts_with(char::is_uppercase))
    })
}

fn at(span: Span) -> (LineColumn, LineColumn) {
    (span.start(), span.end())
}

fn covers(span: Span, line: u32) -> bool {
    let (start, end) = at(span);
    start.line <= line as usize && line as usize <= end.line
}

fn starts_at(span: Span, line: u32, column: u32) -> bool {
    let start = span.start();
    start.line == line as usize && start.column + 1 == column as usize
}

/// Imported names with the first part of their path; globs as `*N`.
struct Uses<'a> {
    names: &'a mut BTreeMap<String, String>,
}

impl Uses<'_> {
    fn tree(&mut self, tree: &UseTree, first: Option<&str>) {
        match tree {
            UseTree::Path(path) => {
                let name = path.ident.to_string();
                self.tree(&path.tree, Some(first.unwrap_or(&name)));
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                let first = first.unwrap_or(&name).to_owned();
                self.names.insert(name, first);
            }
            UseTree::Rename(rename) => {
                let own = rename.ident.to_string();
                let first = first.unwrap_or(&own).to_owned();
                self.names.insert(rename.rename.to_string(), first);
            }
            UseTree::Glob(_) => {
                let name = format!("*{}", self.names.len());
                self.names
                    .insert(name, first.unwrap_or_default().to_owned());
            }
            UseTree::Group(group) => {
                for inner in &group.items {
                    self.tree(inner, first);
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Uses<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&item.tree, None);
    }
}

/// The innermost function around a line.
struct Functions<'ast> {
    line: u32,
    found: Option<&'ast syn::Block>,
}

impl<'ast> Visit<'ast> for Functions<'ast> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if covers(item.span(), self.line) {
            self.found = Some(&item.block);
        }
        visit::visit_item_fn(self, item);
    }
    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if covers(item.span(), self.line) {
            self.found = Some(&item.block);
        }
        visit::visit_impl_item_fn(self, item);
    }
}

/// What is bound to the names of a function.
#[derive(Default)]
struct Bindings {
    names: BTreeMap<String, Vec<Option<Expr>>>,
}

impl Bindings {
    fn bind(&mut self, pat: &Pat, value: Option<&Expr>) {
        struct Idents(Vec<String>);
        impl Visit<'_> for Idents {
            fn visit_pat_ident(&mut self, pat: &syn::PatIdent) {
                self.0.push(pat.ident.to_string());
                visit::visit_pat_ident(self, pat);
            }
        }
        let mut idents = Idents(Vec::new());
        idents.visit_pat(pat);
        for name in idents.0 {
            self.names.entry(name).or_default().push(value.cloned());
        }
    }
}

impl<'ast> Visit<'ast> for Bindings {
    fn visit_local(&mut self, local: &'ast syn::Local) {
        self.bind(&local.pat, local.init.as_ref().map(|init| &*init.expr));
        visit::visit_local(self, local);
    }
    fn visit_expr_let(&mut self, expr: &'ast syn::ExprLet) {
        self.bind(&expr.pat, Some(&expr.expr));
        visit::visit_expr_let(self, expr);
    }
    fn visit_expr_for_loop(&mut self, expr: &'ast syn::ExprForLoop) {
        self.bind(&expr.pat, Some(&expr.expr));
        visit::visit_expr_for_loop(self, expr);
    }
    fn visit_expr_match(&mut self, expr: &'ast syn::ExprMatch) {
        for arm in &expr.arms {
            self.bind(&arm.pat, Some(&expr.expr));
        }
        visit::visit_expr_match(self, expr);
    }
    fn visit_expr_closure(&mut self, expr: &'ast syn::ExprClosure) {
        for pat in &expr.inputs {
            self.bind(pat, None);
        }
        visit::visit_expr_closure(self, expr);
    }
}

/// The arguments of a macro call that are expressions.
fn arguments(mac: &syn::Macro) -> Vec<Expr> {
    mac.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated)
        .map(|list| list.into_iter().collect())
        .unwrap_or_default()
}

struct Operand {
    value: Expr,
    /// A type stands beside it that the test did not make.
    inferred: bool,
}

/// The expressions that a question is about.
struct Places<'q> {
    question: Question<'q>,
    /// What decides whether the place is reached, outermost first.
    around: Vec<Expr>,
    operands: Vec<Operand>,
}

impl Places<'_> {
    fn add(&mut self, value: &Expr) {
        self.operands.push(Operand {
            value: value.clone(),
            inferred: false,
        });
    }
    fn within(&mut self, condition: &Expr, visit: impl FnOnce(&mut Self)) {
        self.around.push(condition.clone());
        visit(self);
        self.around.pop();
    }
    fn macro_call(&mut self, mac: &syn::Macro, span: Span) {
        if let Question::Panic(line, column) = self.question
            && starts_at(span, line, column)
            && mac.path.segments.last().is_some_and(|last| {
                ["panic", "unreachable", "todo", "unimplemented"]
                    .iter()
                    .any(|name| last.ident == name)
            })
        {
            for condition in self.around.clone() {
                self.add(&condition);
            }
        }
        if let Question::Macros(line) = self.question
            && covers(span, line)
        {
            self.add(&Expr::Macro(syn::ExprMacro {
                attrs: Vec::new(),
                mac: mac.clone(),
            }));
        }
        for argument in arguments(mac) {
            self.visit_expr(&argument);
        }
    }
}

impl<'ast> Visit<'ast> for Places<'_> {
    fn visit_stmt(&mut self, stmt: &'ast Stmt) {
        if let Question::Statement(line) = self.question
            && covers(stmt.span(), line)
        {
            let before = self.operands.len();
            visit::visit_stmt(self, stmt);
            // Only the innermost statements: a block around them says nothing.
            if self.operands.len() == before {
                let mut parts = Parts {
                    operands: &mut self.operands,
                };
                parts.visit_stmt(stmt);
            }
            return;
        }
        visit::visit_stmt(self, stmt);
    }
    fn visit_local(&mut self, local: &'ast syn::Local) {
        let before = self.operands.len();
        match &local.init {
            Some(init) => {
                self.visit_expr(&init.expr);
                if let Some((_, otherwise)) = &init.diverge {
                    self.within(&init.expr, |own| own.visit_expr(otherwise));
                }
            }
            None => visit::visit_local(self, local),
        }
        if let Pat::Type(typed) = &local.pat
            && !is_plain(&typed.ty)
        {
            for operand in &mut self.operands[before..] {
                operand.inferred = true;
            }
        }
    }
    fn visit_expr_if(&mut self, expr: &'ast syn::ExprIf) {
        self.visit_expr(&expr.cond);
        self.within(&expr.cond, |own| {
            own.visit_block(&expr.then_branch);
            if let Some((_, otherwise)) = &expr.else_branch {
                own.visit_expr(otherwise);
            }
        });
    }
    fn visit_expr_match(&mut self, expr: &'ast syn::ExprMatch) {
        self.visit_expr(&expr.expr);
        self.within(&expr.expr, |own| {
            for arm in &expr.arms {
                own.visit_arm(arm);
            }
        });
    }
    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let is_it = match self.question {
            Question::Panic(line, column) => starts_at(call.method.span(), line, column),
            Question::Receiver(line, name) => {
                call.method == name && call.method.span().start().line == line as usize
            }
            Question::Statement(_) | Question::Macros(_) => false,
        };
        if is_it {
            self.add(&call.receiver);
        }
        visit::visit_expr_method_call(self, call);
    }
    fn visit_expr_index(&mut self, expr: &'ast syn::ExprIndex) {
        // An array panics where the expression begins, a vector at the bracket.
        if let Question::Panic(line, column) = self.question
            && (starts_at(expr.span(), line, column)
                || starts_at(expr.bracket_token.span.open(), line, column))
        {
            self.add(&expr.expr);
        }
        visit::visit_expr_index(self, expr);
    }
    fn visit_expr_macro(&mut self, expr: &'ast syn::ExprMacro) {
        self.macro_call(&expr.mac, expr.span());
    }
    fn visit_stmt_macro(&mut self, stmt: &'ast syn::StmtMacro) {
        self.macro_call(&stmt.mac, stmt.span());
    }
    fn visit_item(&mut self, _: &'ast syn::Item) {}
}

/// Every expression of a statement, for the question about a whole line.
struct Parts<'a> {
    operands: &'a mut Vec<Operand>,
}

impl<'ast> Visit<'ast> for Parts<'_> {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        self.operands.push(Operand {
            value: expr.clone(),
            inferred: false,
        });
        visit::visit_expr(self, expr);
    }
    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        for argument in arguments(mac) {
            self.visit_expr(&argument);
        }
    }
}

/// A type of the language or of the standard library's texts: its conversions are nobody's behaviour.
fn is_plain(ty: &syn::Type) -> bool {
    let syn::Type::Path(path) = ty else {
        return false;
    };
    path.path
        .segments
        .last()
        .is_some_and(|last| is_standard(&last.ident.to_string()))
}

fn is_standard(name: &str) -> bool {
    matches!(
        name,
        "u8" | "u16"
            | "u32"
            | "u64"
            | "u128"
            | "usize"
            | "i8"
            | "i16"
            | "i32"
            | "i64"
            | "i128"
            | "isize"
            | "f32"
            | "f64"
            | "bool"
            | "char"
            | "str"
            | "String"
            | "Vec"
            | "Option"
            | "Some"
            | "None"
            | "Ok"
            | "Err"
            | "Result"
            | "Box"
            | "Rc"
            | "Arc"
            | "HashMap"
            | "HashSet"
            | "BTreeMap"
            | "BTreeSet"
            | "Path"
            | "PathBuf"
    )
}

struct Names<'a> {
    uses: &'a BTreeMap<String, String>,
    bound: &'a BTreeMap<String, Vec<Option<Expr>>>,
    setting: Setting<'a>,
}

impl Names<'_> {
    fn path(&self, path: &syn::Path, depth: usize) -> Origin {
        let Some(first) = path
            .segments
            .first()
            .map(|segment| segment.ident.to_string())
        else {
            return Origin::Unknown;
        };
        let single = path.segments.len() == 1;
        if single && let Some(values) = self.bound.get(&first) {
            return values
                .iter()
                .map(|value| match value {
                    Some(value) => self.of(value, depth + 1),
                    None => Origin::Unknown,
                })
                .reduce(Origin::and)
                .unwrap_or(Origin::Unknown);
        }
        let root = self.uses.get(&first).unwrap_or(&first);
        if (self.setting.is_own_crate)(root) {
            return Origin::FirstParty;
        }
        match root.as_str() {
            "crate" | "super" | "self" | "Self" => {
                if self.setting.in_source {
                    Origin::FirstParty
                } else {
                    Origin::Unknown
                }
            }
            "std" | "core" | "alloc" => Origin::Own,
            name if is_standard(name) => Origin::Own,
            // `use super::*` and the like bring names that the file does not show.
            _ if self.has_own_glob() => Origin::FirstParty,
            _ => Origin::Unknown,
        }
    }

    fn has_own_glob(&self) -> bool {
        self.uses.iter().any(|(name, first)| {
            name.starts_with('*')
                && ((self.setting.is_own_crate)(first)
                    || (self.setting.in_source && matches!(first.as_str(), "crate" | "super")))
        })
    }

    fn all<'e>(&self, list: impl IntoIterator<Item = &'e Expr>, depth: usize) -> Origin {
        list.into_iter()
            .map(|expr| self.of(expr, depth + 1))
            .fold(Origin::Own, Origin::and)
    }

    fn of(&self, expr: &Expr, depth: usize) -> Origin {
        if depth > 40 {
            return Origin::Unknown;
        }
        match expr {
            Expr::Lit(_) => Origin::Own,
            Expr::Path(path) => self.path(&path.path, depth),
            Expr::Call(call) => match self.of(&call.func, depth + 1) {
                Origin::Own => self.all(&call.args, depth),
                other => other,
            },
            Expr::MethodCall(call) => {
                let receiver = self.of(&call.receiver, depth + 1);
                let given = self.all(&call.args, depth);
                // `parse::<Money>()` runs the code of Money.
                let turbofish = match &call.turbofish {
                    Some(generics) => self.generics(generics),
                    None => Origin::Own,
                };
                receiver.and(turbofish).and(match given {
                    Origin::FirstParty => Origin::FirstParty,
                    // A closure that cannot be followed does not make the value.
                    Origin::Own | Origin::Unknown => Origin::Own,
                })
            }
            Expr::Struct(literal) => {
                let fields = self.all(literal.fields.iter().map(|field| &field.expr), depth);
                self.path(&literal.path, depth).and(fields)
            }
            Expr::Field(inner) => self.of(&inner.base, depth + 1),
            Expr::Index(inner) => self.of(&inner.expr, depth + 1),
            Expr::Unary(inner) => self.of(&inner.expr, depth + 1),
            Expr::Reference(inner) => self.of(&inner.expr, depth + 1),
            Expr::Paren(inner) => self.of(&inner.expr, depth + 1),
            Expr::Group(inner) => self.of(&inner.expr, depth + 1),
            Expr::Try(inner) => self.of(&inner.expr, depth + 1),
            Expr::Await(inner) => self.of(&inner.base, depth + 1),
            Expr::Cast(inner) => self.of(&inner.expr, depth + 1),
            Expr::Let(inner) => self.of(&inner.expr, depth + 1),
            Expr::Closure(inner) => self.of(&inner.body, depth + 1),
            Expr::Binary(both) => self
                .of(&both.left, depth + 1)
                .and(self.of(&both.right, depth + 1)),
            Expr::Array(list) => self.all(&list.elems, depth),
            Expr::Tuple(list) => self.all(&list.elems, depth),
            Expr::Repeat(list) => self.of(&list.expr, depth + 1),
            Expr::Range(range) => self.all(
                range.start.iter().chain(&range.end).map(|edge| &**edge),
                depth,
            ),
            Expr::Macro(call) => {
                let path = &call.mac.path;
                let name = path.segments.last().map(|last| last.ident.to_string());
                match name.as_deref() {
                    Some("vec" | "format" | "matches" | "concat" | "stringify") => {
                        let list = arguments(&call.mac);
                        self.all(&list, depth)
                    }
                    _ if path.segments.len() > 1 => self.path(path, depth),
                    _ => Origin::Unknown,
                }
            }
            _ => Origin::Unknown,
        }
    }

    fn generics(&self, generics: &syn::AngleBracketedGenericArguments) -> Origin {
        struct Types<'n, 'a>(&'n Names<'a>, Origin);
        impl Visit<'_> for Types<'_, '_> {
            fn visit_type_path(&mut self, ty: &syn::TypePath) {
                let is_hole = ty.path.is_ident("_");
                if !is_hole {
                    self.1 = self.1.and(self.0.path(&ty.path, 0));
                }
                visit::visit_type_path(self, ty);
            }
        }
        let mut types = Types(self, Origin::Own);
        types.visit_angle_bracketed_generic_arguments(generics);
        types.1
    }
}

#[cfg(test)]
mod tests;
