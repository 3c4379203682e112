//! Calls that may assert: followed in the file, judged by their name elsewhere.

use super::Reader;
use super::body::Body;
use super::looks::Looks;
use super::names::last;
use crate::quality::model::{Asserts, Helper};
use ruff_python_ast::visitor::Visitor as _;
use ruff_python_ast::{Stmt, StmtFunctionDef};
use std::collections::{BTreeMap, BTreeSet};

/// Helpers are followed through so many calls.
const FOLLOWED: usize = 4;

/// A fixture that asserts after its `yield`.
pub(super) struct Fixture {
    /// Every test has it.
    pub(super) autouse: bool,
}

/// Fixtures of the file that assert something when the test is done.
pub(super) fn checking_fixtures<'a>(reader: &Reader<'a>) -> BTreeMap<&'a str, Fixture> {
    let mut found = BTreeMap::new();
    for function in reader.functions.values().flatten().copied() {
        let Some(decorator) = function.decorator_list.iter().find(|decorator| {
            reader
                .names
                .qualified(&decorator.expression)
                .is_some_and(|name| last(&name) == "fixture")
        }) else {
            continue;
        };
        let yields = |statement: &Stmt| reader.text_of(statement).contains("yield");
        let Some(at) = function.body.iter().position(yields) else {
            continue;
        };
        let mut look = Looks {
            reader,
            found: false,
            calls: Vec::new(),
        };
        for statement in function.body.iter().skip(at + 1) {
            look.visit_stmt(statement);
        }
        if look.found {
            let autouse = reader.text_of(decorator).contains("autouse=True");
            found.insert(function.name.as_str(), Fixture { autouse });
        }
    }
    found
}

impl<'a> Body<'_, 'a, '_> {
    /// A call that may assert.
    pub(super) fn helper(&mut self, name: &str) {
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
            _ => self.elsewhere(name),
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
    pub(super) fn elsewhere(&self, name: &str) -> Asserts {
        let method = last(name).trim_start_matches('_');
        let lower = method.to_ascii_lowercase();
        if lower.starts_with("assert")
            || lower.contains("_assert")
            || lower.starts_with("expect") && !lower.starts_with("expected")
            || self.reader.options.helpers.contains(last(name))
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
            || self.parameters.contains(first);
        let says_so = super::super::says_that_it_checks(&lower);
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
