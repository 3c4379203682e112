//! What a name stands for: imports, followed to the qualified name.

use ruff_python_ast::{Expr, Stmt};
use std::collections::BTreeMap;

/// The names a module imports.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Local name to qualified name: `patch` to `unittest.mock.patch`.
    imports: BTreeMap<String, String>,
}

impl Names {
    pub(super) fn of(body: &[Stmt]) -> Self {
        let mut names = Self::default();
        let mut queue: Vec<&Stmt> = body.iter().collect();
        let mut looked_at = 0;
        while let Some(statement) = queue.pop() {
            looked_at += 1;
            if looked_at > 200_000 {
                break;
            }
            match statement {
                Stmt::Import(import) => {
                    for alias in &import.names {
                        let qualified = alias.name.as_str();
                        match &alias.asname {
                            Some(local) => names.put(local.as_str(), qualified.to_owned()),
                            None => {
                                let first = qualified.split('.').next().unwrap_or(qualified);
                                names.put(first, first.to_owned());
                            }
                        }
                    }
                }
                Stmt::ImportFrom(import) => {
                    let dots = ".".repeat(import.level as usize);
                    let module = import.module.as_ref().map_or("", |module| module.as_str());
                    for alias in &import.names {
                        let local = alias.asname.as_ref().unwrap_or(&alias.name);
                        names.put(local.as_str(), format!("{dots}{module}.{}", alias.name));
                    }
                }
                Stmt::FunctionDef(function) => queue.extend(&function.body),
                Stmt::ClassDef(class) => queue.extend(&class.body),
                Stmt::If(branch) => {
                    queue.extend(&branch.body);
                    queue.extend(
                        branch
                            .elif_else_clauses
                            .iter()
                            .flat_map(|clause| &clause.body),
                    );
                }
                Stmt::Try(attempt) => {
                    queue.extend(&attempt.body);
                    queue.extend(&attempt.orelse);
                    for handler in &attempt.handlers {
                        let ruff_python_ast::ExceptHandler::ExceptHandler(handler) = handler;
                        queue.extend(&handler.body);
                    }
                }
                Stmt::With(block) => queue.extend(&block.body),
                _ => {}
            }
        }
        names
    }
    fn put(&mut self, local: &str, qualified: String) {
        self.imports.insert(local.to_owned(), qualified);
    }
    /// What an imported local name stands for.
    pub(super) fn import(&self, local: &str) -> Option<&str> {
        self.imports.get(local).map(String::as_str)
    }
    /// The qualified name of a dotted expression: `mock.patch.object` to `unittest.mock.patch.object`. Names that are not
    /// imported stay as they are written. `None` for anything else than names and attributes.
    pub(super) fn qualified(&self, expression: &Expr) -> Option<String> {
        let written = dotted(expression)?;
        let (first, rest) = match written.split_once('.') {
            Some((first, rest)) => (first, Some(rest)),
            None => (written.as_str(), None),
        };
        let Some(import) = self.import(first) else {
            return Some(written);
        };
        Some(match rest {
            Some(rest) => format!("{import}.{rest}"),
            None => import.to_owned(),
        })
    }
}

/// `a.b.c` as it is written; calls on the way are left out (`a().b` is `a.b`).
pub(super) fn dotted(expression: &Expr) -> Option<String> {
    let mut parts = Vec::new();
    let mut at = expression;
    loop {
        match at {
            Expr::Name(name) => {
                parts.push(name.id.as_str());
                parts.reverse();
                return Some(parts.join("."));
            }
            Expr::Attribute(attribute) => {
                parts.push(attribute.attr.as_str());
                at = &attribute.value;
            }
            Expr::Call(call) => at = &call.func,
            Expr::Await(wait) => at = &wait.value,
            Expr::Subscript(subscript) => at = &subscript.value,
            _ => return None,
        }
    }
}

/// The last part of a dotted name.
pub(super) fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
