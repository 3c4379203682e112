//! What is known of values inside a Rust test without running anything, and what its names hold.
//!
//! Only names that are bound once and never `mut` are believed.

use quote::ToTokens as _;
use std::collections::BTreeMap;
use syn::visit::{self, Visit};
use syn::{BinOp, Block, Expr, Lit, Local, Pat, PatIdent, Stmt, UnOp};

/// A value that is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Known {
    Bool(bool),
    Number(i128),
    Text(String),
    /// Literals in an array, a tuple or a variant, as they are written.
    Other(String),
}

/// The names of one test.
#[derive(Default)]
pub(super) struct Names {
    counts: BTreeMap<String, usize>,
    values: BTreeMap<String, Expr>,
    /// Something is called for its effect.
    acts: bool,
}

impl Names {
    pub(super) fn of(block: &Block) -> Self {
        let mut names = Self::default();
        names.visit_block(block);
        names
    }

    fn value(&self, name: &str) -> Option<&Expr> {
        (self.counts.get(name) == Some(&1))
            .then(|| self.values.get(name))
            .flatten()
    }

    /// What an expression is worth.
    pub(super) fn known(&self, expression: &Expr) -> Option<Known> {
        self.known_to(expression, 10)
    }

    fn known_to(&self, expression: &Expr, left: usize) -> Option<Known> {
        if left == 0 {
            return None;
        }
        let inner = |part: &Expr| self.known_to(part, left - 1);
        Some(match expression {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Bool(value) => Known::Bool(value.value),
                Lit::Int(number) => Known::Number(number.base10_parse().ok()?),
                Lit::Str(text) => Known::Text(text.value()),
                other => Known::Other(other.to_token_stream().to_string()),
            },
            Expr::Paren(part) => inner(&part.expr)?,
            Expr::Reference(part) => inner(&part.expr)?,
            Expr::Path(path) => inner(self.value(&path.path.get_ident()?.to_string())?)?,
            Expr::Unary(unary) => match (&unary.op, inner(&unary.expr)?) {
                (UnOp::Not(_), Known::Bool(value)) => Known::Bool(!value),
                (UnOp::Neg(_), Known::Number(number)) => Known::Number(-number),
                _ => return None,
            },
            Expr::Binary(binary) => {
                if let BinOp::Or(_) = binary.op
                    && (inner(&binary.left) == Some(Known::Bool(true))
                        || inner(&binary.right) == Some(Known::Bool(true)))
                {
                    return Some(Known::Bool(true));
                }
                computed(&binary.op, inner(&binary.left)?, inner(&binary.right)?)?
            }
            Expr::Tuple(tuple) if tuple.elems.iter().all(|part| inner(part).is_some()) => {
                Known::Other(expression.to_token_stream().to_string())
            }
            Expr::Array(list) if list.elems.iter().all(|part| inner(part).is_some()) => {
                Known::Other(expression.to_token_stream().to_string())
            }
            Expr::Macro(call) if call.mac.path.is_ident("vec") => {
                let text = call.mac.tokens.to_string();
                let plain = !text.is_empty()
                    && text
                        .chars()
                        .all(|c| c.is_ascii_digit() || " ,\"".contains(c));
                plain.then(|| Known::Other(expression.to_token_stream().to_string()))?
            }
            Expr::Macro(call) if call.mac.path.is_ident("matches") => {
                let text = call.mac.tokens.to_string();
                let (left, right) = text.split_once(',')?;
                let literal = left.trim().parse::<i64>().is_ok();
                (literal && (right.trim() == left.trim() || right.trim() == "_"))
                    .then_some(Known::Bool(true))?
            }
            Expr::Call(call) => {
                let function = call.func.to_token_stream().to_string();
                let plain = matches!(function.as_str(), "Some" | "Ok" | "Err")
                    && call.args.iter().all(|part| inner(part).is_some());
                plain.then(|| Known::Other(expression.to_token_stream().to_string()))?
            }
            Expr::MethodCall(call) if call.args.is_empty() => {
                let receiver = inner(&call.receiver)?;
                match (call.method.to_string().as_str(), receiver) {
                    ("len", Known::Text(text)) if text.is_ascii() => {
                        Known::Number(i128::try_from(text.len()).ok()?)
                    }
                    ("is_empty", Known::Text(text)) => Known::Bool(text.is_empty()),
                    ("to_string" | "to_owned" | "into" | "as_str", Known::Text(text)) => {
                        Known::Text(text)
                    }
                    ("is_some", Known::Other(text)) if text.starts_with("Some") => {
                        Known::Bool(true)
                    }
                    ("is_ok", Known::Other(text)) if text.starts_with("Ok") => Known::Bool(true),
                    ("is_err", Known::Other(text)) if text.starts_with("Err") => Known::Bool(true),
                    _ => return None,
                }
            }
            _ => return None,
        })
    }

    /// What a pure expression stands for: references, `clone` and other words for the same value are taken away.
    pub(super) fn plain(&self, expression: &Expr) -> Option<String> {
        self.plain_to(expression, 8)
    }

    fn plain_to(&self, expression: &Expr, left: usize) -> Option<String> {
        if left == 0 {
            return None;
        }
        match expression {
            Expr::Paren(part) => self.plain_to(&part.expr, left - 1),
            Expr::Reference(part) => self.plain_to(&part.expr, left - 1),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Deref(_)) => {
                self.plain_to(&unary.expr, left - 1)
            }
            Expr::MethodCall(call)
                if call.args.is_empty()
                    && matches!(call.method.to_string().as_str(), "clone" | "to_owned") =>
            {
                self.plain_to(&call.receiver, left - 1)
            }
            Expr::Path(path) => {
                let Some(name) = path.path.get_ident().map(ToString::to_string) else {
                    return Some(expression.to_token_stream().to_string());
                };
                match self.value(&name) {
                    // Another word for a name that itself never changes.
                    Some(held) if self.is_other_word(held) => self.plain_to(held, left - 1),
                    _ => Some(name),
                }
            }
            Expr::Field(field) => Some(format!(
                "{}.{}",
                self.plain_to(&field.base, left - 1)?,
                field.member.to_token_stream()
            )),
            Expr::Index(index) => {
                let at = match &*index.index {
                    Expr::Lit(_) | Expr::Path(_) => index.index.to_token_stream().to_string(),
                    _ => return None,
                };
                Some(format!("{}[{at}]", self.plain_to(&index.expr, left - 1)?))
            }
            _ => None,
        }
    }

    fn is_other_word(&self, held: &Expr) -> bool {
        match held {
            Expr::Path(path) => path.path.get_ident().is_some_and(|name| {
                self.values.contains_key(&name.to_string())
                    && self.counts.get(&name.to_string()) == Some(&1)
            }),
            Expr::Reference(part) => {
                part.mutability.is_none() && matches!(&*part.expr, Expr::Path(_))
            }
            Expr::MethodCall(call) if call.method == "clone" => self.is_other_word(&call.receiver),
            _ => false,
        }
    }

    /// Whether both sides ask the code under test the same question.
    pub(super) fn asked_twice(&self, left: &Expr, right: &Expr) -> bool {
        let asked = |side: &Expr| {
            let (held, by_name) = match side {
                Expr::Path(path) => (self.value(&path.path.get_ident()?.to_string())?, true),
                other => (other, false),
            };
            let Expr::Call(call) = held else { return None };
            let function = call.func.to_token_stream().to_string();
            let last = function.rsplit("::").next().unwrap_or("").trim().to_owned();
            let text = held.to_token_stream().to_string();
            let plain = last.starts_with(|c: char| c.is_ascii_lowercase())
                && ![
                    "new",
                    "default",
                    "from",
                    "next",
                    "with_capacity",
                    "hash",
                    "size_of",
                ]
                .contains(&last.as_str())
                && !text.contains("& mut")
                && !call.args.is_empty();
            plain.then_some((text, by_name))
        };
        match (asked(left), asked(right)) {
            (Some((one, first)), Some((two, second))) => {
                one == two && !(self.acts && (first || second))
            }
            _ => false,
        }
    }
}

fn computed(op: &BinOp, left: Known, right: Known) -> Option<Known> {
    Some(match (op, &left, &right) {
        (BinOp::Add(_), Known::Number(a), Known::Number(b)) => Known::Number(a.checked_add(*b)?),
        (BinOp::Sub(_), Known::Number(a), Known::Number(b)) => Known::Number(a.checked_sub(*b)?),
        (BinOp::Mul(_), Known::Number(a), Known::Number(b)) => Known::Number(a.checked_mul(*b)?),
        (BinOp::Lt(_), Known::Number(a), Known::Number(b)) => Known::Bool(a < b),
        (BinOp::Le(_), Known::Number(a), Known::Number(b)) => Known::Bool(a <= b),
        (BinOp::Gt(_), Known::Number(a), Known::Number(b)) => Known::Bool(a > b),
        (BinOp::Ge(_), Known::Number(a), Known::Number(b)) => Known::Bool(a >= b),
        (BinOp::Eq(_), ..) => Known::Bool(left == right),
        (BinOp::Ne(_), ..) => Known::Bool(left != right),
        _ => return None,
    })
}

impl<'ast> Visit<'ast> for Names {
    fn visit_local(&mut self, local: &'ast Local) {
        let pattern = match &local.pat {
            Pat::Type(typed) => &*typed.pat,
            other => other,
        };
        if let (Pat::Ident(name), Some(init)) = (pattern, &local.init)
            && name.mutability.is_none()
            && name.by_ref.is_none()
        {
            self.values
                .insert(name.ident.to_string(), (*init.expr).clone());
        }
        visit::visit_local(self, local);
    }
    fn visit_pat_ident(&mut self, name: &'ast PatIdent) {
        *self.counts.entry(name.ident.to_string()).or_default() += 1;
        visit::visit_pat_ident(self, name);
    }
    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        if let Stmt::Expr(Expr::MethodCall(_) | Expr::Call(_), Some(_)) = statement {
            self.acts = true;
        }
        visit::visit_stmt(self, statement);
    }
}
