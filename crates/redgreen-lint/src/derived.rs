//! Which names of a JavaScript test hold something that the source gave: imports of it, and what is made of them.
//!
//! `cart.total is not a function` says a missing method of the source where `cart` comes from it, and a slip of the test
//! where `cart` is an array of the test's own (SPEC B3; reference/test-results.md 3.4).

use crate::LintError;
use crate::definitions::{Import, imports};
use crate::lang::javascript::with_program;
use crate::{Language, check_size};
use oxc_ast::ast::*;
use oxc_ast_visit::{Visit, walk};
use oxc_span::GetSpan;
use redgreen_core::id::RelPath;
use std::collections::BTreeSet;
use std::ops::Range;

/// The names of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Derived {
    /// They hold something of the source.
    pub own: BTreeSet<String>,
    /// Imports of other modules, which nothing of the source is made into.
    pub foreign: BTreeSet<String>,
    /// Names that are given something else: the test's own.
    pub local: BTreeSet<String>,
}

/// How often names are followed through each other.
const ROUNDS: usize = 6;

/// The names of a file. `is_own` says whether a module is of the source.
///
/// # Errors
/// [`LintError`] for a text that is too large or too deep.
pub fn derived_names(
    text: &str,
    path: &RelPath,
    is_own: &dyn Fn(&str) -> bool,
) -> Result<Derived, LintError> {
    check_size(text)?;
    let mut found = Derived::default();
    for Import { local, module, .. } in imports(Language::JavaScript, text)? {
        if is_own(&module) {
            found.own.insert(local);
        } else {
            found.foreign.insert(local);
        }
    }
    let (flows, _) = with_program(text, Some(path), |program| {
        let mut walk = Flows {
            text,
            found: Vec::new(),
        };
        walk.visit_program(program);
        walk.found
    })?;
    for _ in 0..ROUNDS {
        let before = found.own.len();
        for (names, from) in &flows {
            let source = text.get(from.clone()).unwrap_or("");
            if mentions(source, &found.own) {
                found.own.extend(names.iter().cloned());
            }
        }
        if found.own.len() == before {
            break;
        }
    }
    found.foreign.retain(|name| !found.own.contains(name));
    found.local = flows
        .into_iter()
        .flat_map(|(names, _)| names)
        .filter(|name| !found.own.contains(name))
        .collect();
    Ok(found)
}

/// Whether one of the names stands in a text as a word.
#[must_use]
pub fn mentions(text: &str, names: &BTreeSet<String>) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$')))
        .any(|word| names.contains(word))
}

struct Flows<'t> {
    text: &'t str,
    /// Names, and the place of what they are given.
    found: Vec<(Vec<String>, Range<usize>)>,
}

fn range(span: Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

impl Flows<'_> {
    fn words(&self, span: Span) -> Vec<String> {
        self.text
            .get(range(span))
            .unwrap_or("")
            .split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$')))
            .filter(|word| word.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '$')))
            .map(str::to_owned)
            .collect()
    }
}

impl<'a> Visit<'a> for Flows<'_> {
    fn visit_variable_declarator(&mut self, it: &VariableDeclarator<'a>) {
        if let Some(init) = &it.init {
            self.found
                .push((self.words(it.id.span()), range(init.span())));
        }
        walk::walk_variable_declarator(self, it);
    }

    fn visit_assignment_expression(&mut self, it: &AssignmentExpression<'a>) {
        let root = self.words(it.left.span()).into_iter().next();
        self.found
            .push((root.into_iter().collect(), range(it.right.span())));
        walk::walk_assignment_expression(self, it);
    }

    fn visit_for_of_statement(&mut self, it: &ForOfStatement<'a>) {
        self.found
            .push((self.words(it.left.span()), range(it.right.span())));
        walk::walk_for_of_statement(self, it);
    }

    fn visit_statement(&mut self, it: &Statement<'a>) {
        // What a function of the test returns is made of what stands in it.
        if let Statement::FunctionDeclaration(function) = it
            && let Some(id) = &function.id
        {
            self.found
                .push((vec![id.name.to_string()], range(function.span)));
        }
        walk::walk_statement(self, it);
    }

    /// A callback that something of the source calls is given something of it.
    fn visit_call_expression(&mut self, it: &CallExpression<'a>) {
        let mut names = Vec::new();
        for argument in &it.arguments {
            let parameters = match argument {
                Argument::ArrowFunctionExpression(function) => &function.params,
                Argument::FunctionExpression(function) => &function.params,
                _ => continue,
            };
            for item in &parameters.items {
                names.extend(self.words(item.pattern.span()));
            }
        }
        if !names.is_empty() {
            self.found.push((names, range(it.callee.span())));
        }
        walk::walk_call_expression(self, it);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b3_what_is_made_of_the_source_is_told_from_the_tests_own() {
        let text = "import { Cart } from '../src/cart.js';\nimport fs from 'node:fs';\nconst list = [];\n\
            test('a', () => { const cart = new Cart(); let { items, count: n } = cart.open(); cart.on('x', (event) => {}); \
            function make() { return Cart.of(1); } const made = make(); for (const one of items) {} });";
        let path = RelPath::new("test/a.test.js").unwrap();
        let found = derived_names(text, &path, &|module| module.starts_with("../src")).unwrap();
        for name in ["Cart", "cart", "items", "n", "event", "made", "one"] {
            assert!(found.own.contains(name), "{name}: {found:?}");
        }
        assert!(found.local.contains("list"), "{found:?}");
        assert!(
            !found.own.contains("list") && found.foreign.contains("fs"),
            "{found:?}"
        );
    }
}
