//! Tests that contradict each other (SPEC A10 b): the same call with the same literal arguments, and two literal
//! expectations that no value can meet both.
//!
//! Only what can be established from the text counts: the test takes no fixtures, has no decorators, sits in no class
//! with a set-up of its own, and before the assertion there is nothing but a docstring, imports, and assertions of the
//! same simple form. A call is a name that the test does not bind itself, with at least one literal argument, or a
//! chain of method calls on such a call. A function that one test expects to answer the same call differently has a
//! memory; nothing is concluded about it. What the name means is part of the comparison: the module it is imported from, or this file.

mod python;
mod rust;

use crate::syntax::parse;
use crate::{Language, LintError, check_size};
use redgreen_core::id::ItemId;
use std::collections::{BTreeMap, BTreeSet};

/// A test file, with the items that are looked at.
#[derive(Debug, Clone, Copy)]
pub struct TestFile<'a> {
    /// Its language.
    pub language: Language,
    /// Its text.
    pub text: &'a str,
    /// Items of this file; others in it are not looked at.
    pub items: &'a [ItemId],
}

/// One side of a contradiction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// The test.
    pub item: ItemId,
    /// The line of the assertion, from 1.
    pub line: u32,
    /// The expected value as it is written.
    pub expected: String,
}

/// Two tests of which at most one can pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The call as the first test writes it.
    pub call: String,
    /// The first test, in the order given.
    pub first: Expectation,
    /// Another test.
    pub second: Expectation,
}

/// A simple assertion.
struct Assertion {
    item: ItemId,
    line: u32,
    /// The call as written.
    call: String,
    /// The call and what its name means, in one spelling.
    key: String,
    /// The key without its arguments.
    callee: String,
    expected: String,
    /// The expected value in one spelling.
    value: String,
}

/// The contradictions among the given tests. Of several with the first one, each is reported once against it; two
/// assertions of one test are never reported (a call may well answer differently the second time).
///
/// # Errors
/// [`LintError::TooLarge`] for a text over [`crate::MAX_FILE_BYTES`].
pub fn conflicts(files: &[TestFile<'_>]) -> Result<Vec<Conflict>, LintError> {
    let mut by_call: BTreeMap<String, Vec<Assertion>> = BTreeMap::new();
    for file in files {
        check_size(file.text)?;
        let items: BTreeMap<&str, &ItemId> =
            file.items.iter().map(|id| (id.item.as_str(), id)).collect();
        let assertions = match file.language {
            Language::Python => {
                python::assertions(&parse(file.language, file.text)?, file.text, &items)?
            }
            Language::Rust => rust::assertions(file.text, &items),
            Language::JavaScript => Vec::new(),
            // Not read yet: what a Go test expects stands in any expression of an `if`.
            Language::Go => Vec::new(),
        };
        for assertion in assertions {
            by_call
                .entry(assertion.key.clone())
                .or_default()
                .push(assertion);
        }
    }
    let with_memory = with_memory(&by_call);
    let mut found = Vec::new();
    for assertions in by_call.into_values() {
        let Some((first, others)) = assertions.split_first() else {
            continue;
        };
        if with_memory.contains(&first.callee) {
            continue;
        }
        let mut reported: Vec<&ItemId> = Vec::new();
        for other in others {
            if other.value != first.value
                && other.item != first.item
                && reported.last() != Some(&&other.item)
            {
                reported.push(&other.item);
                let side = |assertion: &Assertion| Expectation {
                    item: assertion.item.clone(),
                    line: assertion.line,
                    expected: assertion.expected.clone(),
                };
                found.push(Conflict {
                    call: first.call.clone(),
                    first: side(first),
                    second: side(other),
                });
            }
        }
    }
    Ok(found)
}

/// Functions that answer the same call differently within one test.
fn with_memory(by_call: &BTreeMap<String, Vec<Assertion>>) -> BTreeSet<String> {
    let mut callees = BTreeSet::new();
    for assertions in by_call.values() {
        let mut values: BTreeMap<&ItemId, &str> = BTreeMap::new();
        for assertion in assertions {
            let value = *values.entry(&assertion.item).or_insert(&assertion.value);
            if value != assertion.value {
                callees.insert(assertion.callee.clone());
            }
        }
    }
    callees
}
