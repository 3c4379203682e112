//! Expected values of Rust tests.

use super::{Edit, RUST_HELPER, Replacement, RustAssertion, RustPart, Seed, SiteKind};
use crate::lang::rust::lexer::{Lexed, TokenKind, lex};
use crate::lang::rust::literals::{expected_literals, other_literal, pattern_literals};
use crate::lang::rust::outline::{Container, Item, ItemKind, after_group, outline, split_commas};
use crate::lang::rust::tests_in::{RustTest, is_test_function, is_test_only, tests_in};
use crate::syntax::LineIndex;
use redgreen_core::id::{ItemId, RelPath};
use std::collections::BTreeMap;
use std::ops::Range;

/// Macros whose first two arguments must be equal. `assert_ne!` is none: no other value makes it fail for certain.
const EQUALITY_MACROS: [&str; 4] = [
    "assert_eq",
    "debug_assert_eq",
    "assert_eq_str",
    "assert_str_eq",
];
/// Methods of `assert!(x.contains("…"))`.
const MEMBERSHIP_METHODS: [&str; 3] = ["contains", "starts_with", "ends_with"];
/// Calls that may keep a panic of their argument to themselves.
const CATCHERS: [&str; 4] = ["spawn", "spawn_blocking", "spawn_local", "spawn_scoped"];
/// Names that stand for what was computed, not for what is expected.
const ACTUAL_NAMES: [&str; 7] = ["result", "results", "actual", "got", "out", "output", "res"];

struct Rewriter<'a, 'text> {
    seed: &'a Seed,
    lexed: &'a Lexed<'text>,
    lines: LineIndex,
    text: &'text str,
    edits: Vec<Edit>,
}

/// A function whose assertions are changed.
struct Owner {
    /// Its test; none for a helper.
    items: Vec<String>,
    /// `self::` or `super::…` up to the file's top level, with the helper's name.
    helper: String,
    /// Nothing but `#[test]` is around it.
    plain: bool,
}

pub(super) fn edits(
    text: &str,
    listed: &BTreeMap<&str, &ItemId>,
    path: Option<&RelPath>,
    seed: &Seed,
) -> Vec<Edit> {
    let lexed = lex(text);
    let mut rewriter = Rewriter {
        seed,
        lexed: &lexed,
        lines: LineIndex::new(text),
        text,
        edits: Vec::new(),
    };
    let outline = outline(&lexed);
    for test in tests_in(&lexed, &outline, &[]) {
        if let (true, Some(body)) = (listed.contains_key(test.name.as_str()), test.body.clone()) {
            rewriter.test(&test, body);
        }
    }
    let in_source = path.is_some_and(|path| {
        path.as_str().split('/').any(|part| part == "src")
            && !matches!(path.file_name(), "tests.rs" | "test.rs")
    });
    rewriter.helpers(&outline, 0, !in_source);
    rewriter.edits
}

/// The path of the helper module from a function that is this many modules deep.
fn helper_path(depth: usize) -> String {
    if depth == 0 {
        format!("self::{RUST_HELPER}::")
    } else {
        format!("{}{RUST_HELPER}::", "super::".repeat(depth))
    }
}

impl Rewriter<'_, '_> {
    fn test(&mut self, test: &RustTest, body: Range<usize>) {
        let head = test.tokens.start..body.start.saturating_sub(1);
        let inside = self.lexed.start_of(body.start)..self.lexed.end_before(body.end);
        let mentions = |range: Range<usize>, words: &[&str]| {
            range
                .into_iter()
                .any(|at| words.iter().any(|word| self.lexed.is(at, word)))
        };
        // A test that catches a panic passes when an assertion fails. A property (`fn p(x in 0..9)`) fails by searching
        // for a small example, which takes long and says no more.
        if mentions(body.clone(), &["catch_unwind"])
            || mentions(head.clone(), &["in", "quickcheck", "proptest"])
            || self
                .text
                .get(inside)
                .is_some_and(|inside| inside.contains("prop_assert"))
        {
            return;
        }
        let helper = helper_path(test.name.matches("::").count());
        if mentions(head.clone(), &["should_panic"]) {
            self.expected_panic(test, head, body, &helper);
            return;
        }
        let attributes = head.filter(|at| self.lexed.is(*at, "#")).count();
        let owner = Owner {
            items: vec![test.name.clone()],
            helper,
            plain: attributes == 1,
        };
        self.function(&owner, body);
    }

    /// `#[should_panic]`, `#[should_panic(expected = "…")]`: with another message expected, the panic of an honest test is
    /// a failure.
    fn expected_panic(
        &mut self,
        test: &RustTest,
        head: Range<usize>,
        body: Range<usize>,
        helper: &str,
    ) {
        let Some(at) = head.clone().find(|at| self.lexed.is(*at, "should_panic")) else {
            return;
        };
        let (place, other) = if self.lexed.is(at + 1, "]") {
            let behind = self.lexed.end_before(at + 1);
            let other = format!("(expected = \"{}\")", self.seed.word());
            (behind..behind, other)
        } else {
            let Some(literal) = (at..head.end)
                .take(6)
                .find(|at| self.lexed.kind_at(*at) == Some(TokenKind::String))
            else {
                return;
            };
            let Some(other) = other_literal(self.lexed, literal, self.seed) else {
                return;
            };
            (self.place(literal), other)
        };
        let start = place.start;
        // The whole up to the body, so that the report and the message are one change.
        let end = self.lexed.end_before(body.start);
        self.edits.push(Edit {
            line: self.lines.line(start),
            range: start..end,
            text: Replacement::ExpectedPanic {
                literal: place,
                other,
                helper: helper.to_owned(),
            },
            kind: SiteKind::Pattern,
            items: vec![test.name.clone()],
            decisive: true,
            certain: false,
        });
    }

    /// Functions of test code that assert for the tests: whose call it was is known when they run.
    fn helpers(&mut self, container: &Container, depth: usize, test_code: bool) {
        for item in container.items() {
            match item.kind {
                ItemKind::Function if test_code && !is_test_function(item) => {
                    self.helper(item, depth);
                }
                ItemKind::Module => {
                    if let Some(module) = &item.module {
                        let inner = test_code || is_test_only(self.lexed, &item.attributes);
                        self.helpers(module, depth + 1, inner);
                    }
                }
                _ => {}
            }
        }
    }

    fn helper(&mut self, item: &Item, depth: usize) {
        let Some(body) = item.body.clone() else {
            return;
        };
        let is_const = (item.head..body.start).any(|at| self.lexed.is(at, "const"));
        if !is_const {
            let owner = Owner {
                items: Vec::new(),
                helper: helper_path(depth),
                plain: false,
            };
            self.function(&owner, body);
        }
    }

    fn place(&self, token: usize) -> Range<usize> {
        self.lexed.start_of(token)..self.lexed.end_before(token + 1)
    }

    fn function(&mut self, owner: &Owner, body: Range<usize>) {
        let lexed = self.lexed;
        let (mut at, mut caught, mut nested, mut way_out) = (body.start, 0, 0, false);
        let mut values = false;
        while at < body.end {
            way_out |= lexed.is(at, "return") || lexed.is(at, "?");
            if lexed.kind_at(at) == Some(TokenKind::Open) {
                nested = nested.max(after_group(lexed, at, body.end));
                if at > body.start && CATCHERS.contains(&lexed.text_at(at - 1)) {
                    caught = caught.max(after_group(lexed, at, body.end));
                }
            }
            let is_call = lexed.kind_at(at) == Some(TokenKind::Word)
                && lexed.is(at + 1, "!")
                && lexed.kind_at(at + 2) == Some(TokenKind::Open);
            if !is_call {
                at += 1;
                continue;
            }
            let end = after_group(lexed, at + 2, body.end);
            let arguments = at + 3..end.saturating_sub(1).max(at + 3);
            let (parts, kind) = match lexed.text_at(at) {
                name if EQUALITY_MACROS.contains(&name) => {
                    (self.equality(arguments), SiteKind::Equality)
                }
                "assert" | "debug_assert" => self.condition(arguments),
                "assert_matches" | "debug_assert_matches" => {
                    (self.pattern(arguments), SiteKind::Pattern)
                }
                _ => {
                    // Assertions may stand inside other macros.
                    at += 3;
                    continue;
                }
            };
            if !parts.is_empty() {
                values |= parts
                    .iter()
                    .any(|(_, part)| matches!(part, RustPart::Value));
                // `std::assert_eq!(…)`
                let mut start = at;
                while start >= body.start + 3 && lexed.is(start - 1, ":") {
                    start -= 3;
                }
                let statement = (start == body.start
                    || [";", "{", "}"].contains(&lexed.text_at(start - 1)))
                    && lexed.is(end, ";")
                    && end < body.end;
                let first = parts.first().map_or(0, |(range, _)| range.start);
                self.edits.push(Edit {
                    line: self.lines.line(first),
                    range: lexed.start_of(start)..lexed.end_before(if statement {
                        end + 1
                    } else {
                        end
                    }),
                    text: Replacement::Assertion(RustAssertion {
                        parts,
                        helper: owner.helper.clone(),
                        statement,
                        decisive: !owner.items.is_empty() && at >= caught,
                    }),
                    kind,
                    items: owner.items.clone(),
                    decisive: !owner.items.is_empty() && at >= caught,
                    certain: owner.plain && statement && !way_out && at >= nested,
                });
            }
            at = end;
        }
        if values {
            let start = lexed.end_before(body.start);
            self.edits.push(Edit {
                line: self.lines.line(start),
                range: start..start,
                text: Replacement::Inserted(format!(
                    " #[allow(unused_imports)] use {}{{First as _, Second as _, Third as _}};",
                    owner.helper
                )),
                kind: SiteKind::Equality,
                items: Vec::new(),
                decisive: false,
                certain: false,
            });
        }
    }

    fn literals(&self, tokens: &[usize]) -> Vec<(Range<usize>, RustPart)> {
        tokens
            .iter()
            .filter_map(|token| {
                let other = other_literal(self.lexed, *token, self.seed)?;
                Some((self.place(*token), RustPart::Literal(other)))
            })
            .collect()
    }

    fn value(&self, tokens: Range<usize>) -> Vec<(Range<usize>, RustPart)> {
        let start = self.lexed.skip_comments(tokens.start);
        let mut end = tokens.end;
        while end > start && self.lexed.tokens[end - 1].is_comment() {
            end -= 1;
        }
        if start >= end {
            return Vec::new();
        }
        let range = self.lexed.start_of(start)..self.lexed.end_before(end);
        vec![(range, RustPart::Value)]
    }

    /// Of two values that must be equal, the expected one: literals, else the one that calls nothing, else the second.
    fn equality(&self, arguments: Range<usize>) -> Vec<(Range<usize>, RustPart)> {
        let parts = split_commas(self.lexed, arguments);
        let (Some(first), Some(second)) = (parts.first(), parts.get(1)) else {
            return Vec::new();
        };
        self.equal_pair(first.clone(), second.clone())
    }

    fn equal_pair(
        &self,
        first: Range<usize>,
        second: Range<usize>,
    ) -> Vec<(Range<usize>, RustPart)> {
        for side in [&second, &first] {
            let literals = self.literals(&expected_literals(self.lexed, side.clone()));
            if !literals.is_empty() {
                return literals;
            }
        }
        let (first_calls, second_calls) = (self.calls(first.clone()), self.calls(second.clone()));
        let named = |side: &Range<usize>| {
            side.len() == 1 && ACTUAL_NAMES.contains(&self.lexed.text_at(side.start))
        };
        let flipped = if first_calls == second_calls {
            named(&second) && !named(&first)
        } else {
            second_calls
        };
        self.value(if flipped { first } else { second })
    }

    /// Whether a function or method is called; `Some(…)` and `Point(…)` build a value.
    fn calls(&self, tokens: Range<usize>) -> bool {
        tokens.clone().any(|at| {
            let word = self.lexed.text_at(at);
            self.lexed.kind_at(at) == Some(TokenKind::Word)
                && at + 1 < tokens.end
                && (self.lexed.is(at + 1, "(") || self.lexed.is(at + 1, "!") && word != "vec")
                && !word.chars().next().is_some_and(char::is_uppercase)
        })
    }

    /// `matches!(value, PATTERN)`, `assert_matches!`.
    fn pattern(&self, arguments: Range<usize>) -> Vec<(Range<usize>, RustPart)> {
        let parts = split_commas(self.lexed, arguments);
        parts
            .get(1)
            .map(|pattern| self.literals(&pattern_literals(self.lexed, pattern.clone())))
            .unwrap_or_default()
    }

    /// `assert!(a == b)`, `assert!(matches!(a, P))`, `assert!(a.contains("…"))`.
    fn condition(&self, arguments: Range<usize>) -> (Vec<(Range<usize>, RustPart)>, SiteKind) {
        let lexed = self.lexed;
        let nothing = (Vec::new(), SiteKind::Equality);
        let Some(condition) = split_commas(lexed, arguments).into_iter().next() else {
            return nothing;
        };
        let start = lexed.skip_comments(condition.start);
        if lexed.is(start, "matches") && lexed.is(start + 1, "!") {
            let end = after_group(lexed, start + 2, condition.end);
            if end == condition.end {
                let inner = start + 3..end.saturating_sub(1).max(start + 3);
                return (self.pattern(inner), SiteKind::Pattern);
            }
            return nothing;
        }
        let mut operator = None;
        let mut last_group = None;
        let mut at = start;
        while at < condition.end {
            if lexed.kind_at(at) == Some(TokenKind::Open) {
                last_group = Some(at);
                at = after_group(lexed, at, condition.end);
                continue;
            }
            // Anything else between comparisons would need a precedence of its own.
            let opens = at == start && lexed.is(at, "!");
            if opens || lexed.is(at, "|") || lexed.is(at, "&") && lexed.is(at + 1, "&") {
                return nothing;
            }
            let is_equality = lexed.is(at, "=")
                && lexed.is(at + 1, "=")
                && lexed.end_before(at + 1) == lexed.start_of(at + 1)
                && !(at > condition.start && ["!", "<", ">", "="].contains(&lexed.text_at(at - 1)));
            if is_equality && operator.is_none() {
                operator = Some(at);
            }
            at += 1;
        }
        if let Some(operator) = operator {
            let sides = self.equal_pair(condition.start..operator, operator + 2..condition.end);
            return (sides, SiteKind::Equality);
        }
        if let Some(open) = last_group
            && after_group(lexed, open, condition.end) == condition.end
            && open > condition.start + 1
            && MEMBERSHIP_METHODS.contains(&lexed.text_at(open - 1))
            && lexed.is(open - 2, ".")
            && !(start..condition.end).any(|at| {
                lexed.is(at, "<") || lexed.is(at, ">") || lexed.is(at, "!") && lexed.is(at + 1, "=")
            })
        {
            let inner = open + 1..condition.end.saturating_sub(1).max(open + 1);
            let literals: Vec<usize> = expected_literals(lexed, inner)
                .into_iter()
                .filter(|token| lexed.kind_at(*token) == Some(TokenKind::String))
                .collect();
            return (self.literals(&literals), SiteKind::Membership);
        }
        nothing
    }
}
