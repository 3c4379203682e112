//! Tests that say less than before: two versions of one test file, compared on the model (SPEC D1, C9).
//!
//! Named is what can be shown: an assertion that is gone or a comment now, a bound that was loosened, a comparison that
//! became a look at whether something is there, a tolerance that was widened, an alternative, a condition or a handler
//! around it, a skip, parameters that are gone. A test that says something *else* is no finding: another expected value,
//! another subject, an assertion that moved into a helper.

mod claim;
mod compare;
mod parameters;
mod tokens;

use super::model::{Assertion, FactKind, FileModel, TestModel};
use super::{Language, Options, model_of};
use crate::LintError;
use crate::quality::model::Asserts;
use compare::{Said, less};
use std::collections::{BTreeMap, BTreeSet};

/// What kind of weakening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WeakeningKind {
    /// The assertion is gone.
    Removed,
    /// The assertion is a comment now.
    CommentedOut,
    /// A comparison with a value became something less exact.
    Exactness,
    /// A bound was loosened.
    Bound,
    /// A tolerance was widened or added.
    Tolerance,
    /// More is accepted than before.
    Alternative,
    /// An expected error is less exact.
    Raises,
    /// The assertion runs under a condition now.
    Conditional,
    /// What the assertion raises is caught now.
    Swallowed,
    /// The test is skipped, expected to fail, or focused now.
    Skipped,
    /// Parameter sets are gone.
    Parameters,
}

impl WeakeningKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Removed,
        Self::CommentedOut,
        Self::Exactness,
        Self::Bound,
        Self::Tolerance,
        Self::Alternative,
        Self::Raises,
        Self::Conditional,
        Self::Swallowed,
        Self::Skipped,
        Self::Parameters,
    ];
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::CommentedOut => "commented_out",
            Self::Exactness => "exactness",
            Self::Bound => "bound",
            Self::Tolerance => "tolerance",
            Self::Alternative => "alternative",
            Self::Raises => "raises",
            Self::Conditional => "conditional",
            Self::Swallowed => "swallowed",
            Self::Skipped => "skipped",
            Self::Parameters => "parameters",
        }
    }
}

/// One weakening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weakening {
    /// What kind.
    pub kind: WeakeningKind,
    /// The test, named as in its id.
    pub test: String,
    /// The line in the old text, from 1.
    pub old_line: u32,
    /// The line in the new text, from 1.
    pub new_line: u32,
    /// The old assertion or parameters.
    pub before: String,
    /// What took its place; empty where nothing did.
    pub after: String,
    /// The fact, a lower-case fragment.
    pub message: String,
}

/// What tests of a file say less than in its old version, in the order of the new text. Tests that are in both under the
/// same name are compared.
///
/// # Errors
/// As [`model_of`], for either text.
pub fn weakened(
    language: Language,
    old: &str,
    new: &str,
    options: &Options,
) -> Result<Vec<Weakening>, LintError> {
    if old == new {
        return Ok(Vec::new());
    }
    let (before, after) = (
        model_of(language, old, options)?,
        model_of(language, new, options)?,
    );
    let mut found = Vec::new();
    for test in &after.tests {
        let old_test = only(&before, &test.name).filter(|_| only(&after, &test.name).is_some());
        let Some(old_test) = old_test else { continue };
        let pair = Pair {
            old,
            new,
            before: old_test,
            after: test,
        };
        pair.compare(&mut found);
    }
    found.sort_by(|one: &Weakening, other| {
        (one.new_line, one.kind, &one.before).cmp(&(other.new_line, other.kind, &other.before))
    });
    Ok(found)
}

/// The only test of this name.
fn only<'m>(model: &'m FileModel, name: &str) -> Option<&'m TestModel> {
    let mut named = model.tests.iter().filter(|test| test.name == name);
    let first = named.next()?;
    named.next().is_none().then_some(first)
}

/// Where the test is skipped before it, that is said, and nothing else.
const UNREACHABLE: &str = "it cannot be reached any more";

struct Pair<'a> {
    old: &'a str,
    new: &'a str,
    before: &'a TestModel,
    after: &'a TestModel,
}

/// An assertion with its text.
struct Part<'a> {
    assertion: &'a Assertion,
    text: &'a str,
    tokens: Vec<String>,
}

fn parts<'a>(text: &'a str, test: &'a TestModel) -> Vec<Part<'a>> {
    test.assertions
        .iter()
        .flat_map(|assertion| {
            let text = first_part(text.get(assertion.span.clone()).unwrap_or(""));
            conjuncts(tokens::tokens(text))
                .into_iter()
                .map(move |tokens| Part {
                    assertion,
                    text,
                    tokens,
                })
        })
        .collect()
}

/// `assert a and b` says what `assert a` and `assert b` say.
fn conjuncts(all: Vec<String>) -> Vec<Vec<String>> {
    if all.first().is_none_or(|first| first != "assert") {
        return vec![all];
    }
    let (head, inside, tail) = match all.get(1).map(String::as_str) {
        Some("!") if all.get(2).is_some_and(|open| open == "(") => {
            let Some(close) = tokens::closing(&all, 2) else {
                return vec![all];
            };
            (&all[..3], &all[3..close], &all[close..close + 1])
        }
        Some("." | "(" | "!") | None => return vec![all],
        Some(_) => (&all[..1], &all[1..], &all[all.len()..]),
    };
    let condition = tokens::split(inside, ",")
        .first()
        .copied()
        .unwrap_or(inside);
    let word = if head.len() == 3 { "&&" } else { "and" };
    let is_alternative = ["or", "||", "if"]
        .iter()
        .any(|word| tokens::split(condition, word).len() > 1);
    let all_parts = tokens::split(condition, word);
    if is_alternative || all_parts.len() < 2 {
        return vec![all];
    }
    all_parts
        .into_iter()
        .map(|part| [head, part, tail].concat())
        .collect()
}

/// A `with pytest.raises(…):` without its block.
fn first_part(text: &str) -> &str {
    if text.starts_with("with ") || text.starts_with("async with ") {
        text.find(":\n").map_or(text, |at| &text[..at])
    } else {
        text
    }
}

/// The line of an offset, from 1.
fn line(text: &str, at: usize) -> u32 {
    let before = text.get(..at).unwrap_or(text);
    u32::try_from(before.matches('\n').count()).unwrap_or(u32::MAX - 1) + 1
}

impl Pair<'_> {
    fn compare(&self, found: &mut Vec<Weakening>) {
        let (old, new) = (parts(self.old, self.before), parts(self.new, self.after));
        let (same, pairs, gone) = matched(&old, &new);
        for (one, other) in same {
            self.around(&old[one], &new[other], found);
        }
        for (one, other) in pairs {
            let said = |part: &Part<'_>| part.assertion.strength;
            let result = less(
                &Said {
                    tokens: &old[one].tokens,
                    strength: said(&old[one]),
                },
                &Said {
                    tokens: &new[other].tokens,
                    strength: said(&new[other]),
                },
            );
            match result {
                Some((kind, message)) => {
                    found.push(self.between(kind, &old[one], &new[other], message));
                }
                None => self.around(&old[one], &new[other], found),
            }
        }
        self.gone(&old, &new, &gone, found);
        self.facts(found);
        let is_skipped = found
            .iter()
            .any(|one| one.kind == WeakeningKind::Skipped && one.test == self.after.name);
        if is_skipped {
            found.retain(|one| one.test != self.after.name || one.message != UNREACHABLE);
        }
        parameters::compare(
            (self.old, self.before),
            (self.new, self.after),
            &mut |before, after, message| {
                found.push(Weakening {
                    kind: WeakeningKind::Parameters,
                    test: self.after.name.clone(),
                    old_line: line(self.old, self.before.span.start),
                    new_line: line(self.new, self.after.span.start),
                    before,
                    after,
                    message,
                });
            },
        );
    }

    fn between(
        &self,
        kind: WeakeningKind,
        old: &Part<'_>,
        new: &Part<'_>,
        message: String,
    ) -> Weakening {
        Weakening {
            kind,
            test: self.after.name.clone(),
            old_line: line(self.old, old.assertion.span.start),
            new_line: line(self.new, new.assertion.span.start),
            before: old.text.to_owned(),
            after: new.text.to_owned(),
            message,
        }
    }

    /// The same assertion in a place where it can be passed by.
    fn around(&self, old: &Part<'_>, new: &Part<'_>, found: &mut Vec<Weakening>) {
        let (before, after) = (old.assertion.context, new.assertion.context);
        if after.swallowed && !before.swallowed {
            found.push(self.between(
                WeakeningKind::Swallowed,
                old,
                new,
                "its failure is caught now".to_owned(),
            ));
        } else if after.unreachable && !before.unreachable {
            found.push(self.between(WeakeningKind::Removed, old, new, UNREACHABLE.to_owned()));
        } else if (after.conditional && !before.conditional)
            || (after.in_handler && !before.in_handler)
        {
            found.push(self.between(
                WeakeningKind::Conditional,
                old,
                new,
                "it runs under a condition now".to_owned(),
            ));
        }
    }

    /// Assertions that nothing took the place of.
    fn gone(&self, old: &[Part<'_>], new: &[Part<'_>], gone: &[usize], found: &mut Vec<Weakening>) {
        if gone.is_empty() {
            return;
        }
        let comments = comments(self.new.get(self.after.span.clone()).unwrap_or(""));
        let body: BTreeSet<String> =
            tokens::tokens(self.new.get(self.after.span.clone()).unwrap_or(""))
                .into_iter()
                .collect();
        let known: BTreeSet<&str> = self
            .before
            .helpers
            .iter()
            .map(|helper| helper.name.as_str())
            .collect();
        let hands_over = self.after.helpers.iter().any(|helper| {
            !known.contains(helper.name.as_str())
                && matches!(
                    helper.asserts,
                    Asserts::Yes | Asserts::Named | Asserts::Unknown
                )
                && (helper.asserts != Asserts::Unknown || new.is_empty())
        });
        for at in gone {
            let part = &old[*at];
            let squeezed: String = part.text.split_whitespace().collect();
            if comments.iter().any(|comment| comment.contains(&squeezed)) {
                found.push(self.without(
                    WeakeningKind::CommentedOut,
                    part,
                    "the assertion is a comment now",
                ));
                continue;
            }
            // Its values stand elsewhere in the test: it was put together with another one, or into a table.
            let moved = part
                .tokens
                .iter()
                .filter(|token| {
                    token.starts_with(|c: char| c.is_alphanumeric() || "\"'_".contains(c))
                        && !is_assertion_word(token)
                })
                .all(|token| body.contains(token))
                && new.len() >= old.len().saturating_sub(gone.len())
                && !self.is_plain_removal(old, new, gone);
            let handed_on = self.after.hands_on && !self.before.hands_on;
            if !hands_over && !moved && !handed_on {
                found.push(self.without(WeakeningKind::Removed, part, "the assertion is gone"));
            }
        }
    }

    /// Whether everything else of the test is as it was: then nothing can have taken the place of what is gone.
    fn is_plain_removal(&self, old: &[Part<'_>], new: &[Part<'_>], gone: &[usize]) -> bool {
        let kept: Vec<&Vec<String>> = old
            .iter()
            .enumerate()
            .filter(|(at, _)| !gone.contains(at))
            .map(|(_, part)| &part.tokens)
            .collect();
        let now: Vec<&Vec<String>> = new.iter().map(|part| &part.tokens).collect();
        let size = |text: &str, test: &TestModel| {
            tokens::tokens(text.get(test.span.clone()).unwrap_or("")).len()
        };
        kept == now && size(self.new, self.after) < size(self.old, self.before)
    }

    fn without(&self, kind: WeakeningKind, part: &Part<'_>, message: &str) -> Weakening {
        Weakening {
            kind,
            test: self.after.name.clone(),
            old_line: line(self.old, part.assertion.span.start),
            new_line: line(self.new, self.after.name_span.start),
            before: part.text.to_owned(),
            after: String::new(),
            message: message.to_owned(),
        }
    }

    /// Skips and handlers that were not there.
    fn facts(&self, found: &mut Vec<Weakening>) {
        type Wanted = (fn(&FactKind) -> bool, WeakeningKind, &'static str);
        let wanted: [Wanted; 4] = [
            (
                |kind| matches!(kind, FactKind::Skip { .. }),
                WeakeningKind::Skipped,
                "the test is skipped now",
            ),
            (
                |kind| matches!(kind, FactKind::ExpectedFailure),
                WeakeningKind::Skipped,
                "the test is expected to fail now",
            ),
            (
                |kind| matches!(kind, FactKind::Focus),
                WeakeningKind::Skipped,
                "the test keeps others from running now",
            ),
            (
                |kind| matches!(kind, FactKind::Swallows { broad: true }),
                WeakeningKind::Swallowed,
                "every exception is caught now",
            ),
        ];
        for (is, kind, message) in wanted {
            let count = |test: &TestModel| test.facts.iter().filter(|fact| is(&fact.kind)).count();
            if count(self.after) <= count(self.before) {
                continue;
            }
            let Some(fact) = self.after.facts.iter().rev().find(|fact| is(&fact.kind)) else {
                continue;
            };
            let start = fact.span.start;
            if kind == WeakeningKind::Swallowed
                && found
                    .iter()
                    .any(|known| known.kind == kind && known.test == self.after.name)
            {
                continue;
            }
            found.push(Weakening {
                kind,
                test: self.after.name.clone(),
                old_line: line(self.old, self.before.name_span.start),
                new_line: line(self.new, start),
                before: String::new(),
                after: self
                    .new
                    .get(fact.span.clone())
                    .and_then(|text| text.lines().next())
                    .unwrap_or("")
                    .to_owned(),
                message: message.to_owned(),
            });
        }
    }
}

fn is_assertion_word(token: &str) -> bool {
    token == "assert"
        || token == "self"
        || token.starts_with("assert")
        || matches!(token, "expect" | "toBe" | "toEqual" | "is" | "in" | "not")
}

/// Comments of a test, without blanks and without the marks of a comment.
fn comments(text: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    for line in text.lines() {
        let plain = line.trim_start();
        let inside = ["//", "#"]
            .iter()
            .find_map(|mark| plain.strip_prefix(mark))
            .or_else(|| plain.strip_prefix("/*"))
            .or_else(|| plain.strip_prefix('*'));
        match inside {
            Some(inside) => {
                // An assertion may be a comment over several lines.
                if let Some(last) = found.last_mut() {
                    last.extend(inside.chars().filter(|c| !c.is_whitespace()));
                }
            }
            None => found.push(String::new()),
        }
    }
    found
}

/// Indices of old and new assertions: the same, pairs that could be versions of each other, and what is gone.
type Matched = (Vec<(usize, usize)>, Vec<(usize, usize)>, Vec<usize>);

fn matched(old: &[Part<'_>], new: &[Part<'_>]) -> Matched {
    let mut free: BTreeMap<&[String], Vec<usize>> = BTreeMap::new();
    for (at, part) in new.iter().enumerate().rev() {
        free.entry(&part.tokens).or_default().push(at);
    }
    let mut same = Vec::new();
    let mut left = Vec::new();
    for (at, part) in old.iter().enumerate() {
        match free.get_mut(part.tokens.as_slice()).and_then(Vec::pop) {
            Some(other) => same.push((at, other)),
            None => left.push(at),
        }
    }
    let taken: BTreeSet<usize> = same.iter().map(|(_, other)| *other).collect();
    let mut candidates: Vec<(usize, usize, usize)> = Vec::new();
    for one in &left {
        for (other, part) in new.iter().enumerate() {
            if !taken.contains(&other) {
                let score = likeness(&old[*one].tokens, &part.tokens);
                if score >= 34 {
                    // The nearer in order, the likelier.
                    let distance = one.abs_diff(other).min(20);
                    candidates.push((score * 100 - distance, *one, other));
                }
            }
        }
    }
    candidates.sort_by(|one, other| other.cmp(one));
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (_, one, other) in candidates {
        if !pairs.iter().any(|(a, b)| *a == one || *b == other) {
            pairs.push((one, other));
        }
    }
    pairs.sort_unstable();
    // More unknown assertions than before: they may have taken over.
    let fresh = new.len() - same.len() - pairs.len();
    let gone: Vec<usize> = left
        .into_iter()
        .filter(|one| !pairs.iter().any(|(a, _)| a == one))
        .collect();
    let gone = if fresh >= gone.len() {
        Vec::new()
    } else {
        gone
    };
    (same, pairs, gone)
}

/// How many of a hundred tokens two assertions share.
fn likeness(one: &[String], other: &[String]) -> usize {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for token in other {
        *counts.entry(token).or_default() += 1;
    }
    let mut shared = 0;
    for token in one {
        if let Some(count) = counts.get_mut(token.as_str())
            && *count > 0
        {
            *count -= 1;
            shared += 1;
        }
    }
    200 * shared / (one.len() + other.len()).max(1)
}
