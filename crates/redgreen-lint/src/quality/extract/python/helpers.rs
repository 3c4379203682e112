//! Calls that may assert: followed in the file, judged by their name elsewhere.

use super::body::Body;
use super::looks::Looks;
use super::names::last;
use crate::quality::model::{Asserts, Helper};
use ruff_python_ast::visitor::Visitor as _;
use ruff_python_ast::{ExprCall, StmtFunctionDef};
use std::collections::BTreeSet;

/// Helpers are followed through so many calls.
const FOLLOWED: usize = 4;

impl<'a> Body<'_, 'a, '_> {
    /// A call that may assert.
    pub(super) fn helper(&mut self, name: &str, call: &'a ExprCall) {
        let method = last(name);
        let of_base = name
            .strip_prefix("self.")
            .or_else(|| name.strip_prefix("super."))
            .is_some_and(|rest| !rest.contains('.'));
        if of_base && self.defined_here(method).is_none() {
            self.test.hands_on = true;
        }
        if self.test.helpers.iter().any(|helper| helper.name == name) {
            return;
        }
        let asserts = match self.defined_here(method) {
            Some(functions)
                if !name.contains('.') || name.starts_with("self.") || name.starts_with("cls.") =>
            {
                let asserts = functions
                    .iter()
                    .any(|function| self.asserts(function, FOLLOWED, &mut BTreeSet::new()));
                if asserts { Asserts::Yes } else { Asserts::No }
            }
            _ => self.elsewhere(name, call),
        };
        if asserts == Asserts::No && !self.reader.options.is_assertion(name) {
            return;
        }
        self.test.helpers.push(Helper {
            name: name.to_owned(),
            asserts,
        });
    }

    pub(super) fn defined_here(&self, name: &str) -> Option<&Vec<&'a StmtFunctionDef>> {
        self.reader.functions.get(name)
    }

    /// What the name of a function says that is defined elsewhere.
    pub(super) fn elsewhere(&self, name: &str, call: &ExprCall) -> Asserts {
        let method = last(name).trim_start_matches('_');
        let lower = method.to_ascii_lowercase();
        if lower.starts_with("assert")
            || lower.contains("_assert")
            || lower.starts_with("expect")
            || matches!(
                method,
                "fnmatch_lines"
                    | "re_match_lines"
                    | "no_fnmatch_line"
                    | "raise_for_status"
                    | "check_output_matches"
            )
        {
            return Asserts::Named;
        }
        let first = name.split('.').next().unwrap_or(name);
        let from_tests = [
            "test", "helper", "util", "conftest", "common", "support", "assert", "fixtures",
        ]
        .iter()
        .any(|word| {
            name.rsplit_once('.')
                .is_some_and(|(module, _)| module.to_ascii_lowercase().contains(word))
        }) || name.starts_with('.')
            || first == "self"
            || self.parameters.contains(first) && !name.contains('.');
        let says_so = [
            "check", "verify", "ensure", "must", "should", "validate", "compare", "require",
        ]
        .iter()
        .any(|word| lower.starts_with(word));
        let _ = call;
        match (says_so, from_tests) {
            (true, true) => Asserts::Named,
            (true, false) => Asserts::Unknown,
            (false, _) => Asserts::No,
        }
    }

    /// Whether a function of this file asserts, itself or through others.
    pub(super) fn asserts(
        &self,
        function: &'a StmtFunctionDef,
        left: usize,
        seen: &mut BTreeSet<&'a str>,
    ) -> bool {
        if !seen.insert(function.name.as_str()) {
            return false;
        }
        let mut look = Looks {
            reader: self.reader,
            found: false,
            calls: Vec::new(),
        };
        for statement in &function.body {
            look.visit_stmt(statement);
        }
        if look.found {
            return true;
        }
        left > 0
            && look.calls.into_iter().any(|name| {
                self.reader
                    .functions
                    .get(last(&name))
                    .is_some_and(|functions| {
                        functions
                            .iter()
                            .any(|function| self.asserts(function, left - 1, seen))
                    })
            })
    }
}
