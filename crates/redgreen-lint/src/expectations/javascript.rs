//! Which part of an assertion of JavaScript is expected: node:assert, the matchers of jest and vitest, chai, ava.

use super::{Edit, Replacement, Seed, SiteKind};
use crate::LintError;
use crate::lang::javascript::collect::{JsTest, collect};
use crate::lang::javascript::parts::{Part, of_call};
use crate::lang::javascript::with_program;
use crate::syntax::LineIndex;
use oxc_ast::ast::*;
use oxc_ast_visit::{Visit, walk};
use oxc_span::{GetSpan, Span};
use redgreen_core::id::{ItemId, RelPath};
use std::collections::BTreeMap;
use std::ops::Range;

/// The helper for a changed file, with the values of this gate; `typed` for TypeScript, `module` for one with `import` or `export`.
pub(crate) fn helper(typed: bool, module: bool, seed: &Seed) -> String {
    let text = include_str!("javascript_helper.js.txt")
        .replace("@OFFSET@", &seed.offset().to_string())
        .replace("@WORD@", seed.word());
    let text = if typed {
        text.replace("/*any*/", ": any")
            .replace("/*global*/", "(globalThis as any)")
    } else {
        text.replace("/*any*/", "")
            .replace("/*global*/", "globalThis")
    };
    if module {
        format!("import * as __redgreen_fs__ from 'node:fs';\n{text}")
    } else {
        format!(
            "{}\n{text}",
            if typed {
                "declare const require: any;"
            } else {
                ""
            }
        )
        .replace("__redgreen_fs__", "require('node:fs')")
    }
}

/// Whether a text is an ES module, and whether it is TypeScript.
pub(crate) fn dialect(text: &str, path: Option<&RelPath>) -> (bool, bool) {
    let typed = matches!(
        path.and_then(RelPath::extension),
        Some("ts" | "mts" | "cts" | "tsx")
    );
    let module = with_program(text, path, |program| {
        program
            .body
            .iter()
            .any(|statement| statement.is_module_declaration())
    });
    (typed, module.is_ok_and(|(module, _)| module))
}

/// The changes of the listed tests.
pub(super) fn edits(
    text: &str,
    listed: &BTreeMap<&str, &ItemId>,
    path: Option<&RelPath>,
    seed: &Seed,
) -> Result<Vec<Edit>, LintError> {
    let path = path.or_else(|| listed.values().next().map(|item| &item.path));
    let lines = LineIndex::new(text);
    let (found, error) = with_program(text, path, |program| {
        let tests: Vec<JsTest> = collect(text, program)
            .into_iter()
            .filter(|test| listed.contains_key(test.name.as_str()))
            .collect();
        let mut walk = Walk {
            text,
            seed,
            lines: &lines,
            tests: &tests,
            inside: None,
            place: Place::default(),
            edits: Vec::new(),
        };
        walk.visit_program(program);
        walk.edits
    })?;
    Ok(if error.is_some() { Vec::new() } else { found })
}

/// Where the walk is inside of a test.
#[derive(Clone, Copy, Default)]
struct Place {
    /// Something around may catch a failure, or never come to it.
    nested: bool,
    /// Not every run comes to it.
    conditional: bool,
}

struct Walk<'t> {
    text: &'t str,
    seed: &'t Seed,
    lines: &'t LineIndex,
    tests: &'t [JsTest],
    inside: Option<&'t JsTest>,
    place: Place,
    edits: Vec<Edit>,
}

fn range(span: Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

/// What a matcher does with its expected value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Matcher {
    Equal,
    Contains,
    Orders,
    Throws,
}

/// The matcher with the number of its expected argument.
fn matcher(name: &str) -> Option<(Matcher, usize)> {
    Some(match name {
        "toBe"
        | "toEqual"
        | "toStrictEqual"
        | "toMatchObject"
        | "toHaveLength"
        | "toBeCloseTo"
        | "toHaveBeenCalledTimes"
        | "toHaveReturnedWith"
        | "toHaveBeenCalledWith"
        | "toHaveBeenLastCalledWith"
        | "toBeCalledWith"
        | "toBeCalledTimes"
        | "toHaveReturnedTimes"
        | "toHaveTextContent"
        | "toHaveValue"
        | "equal"
        | "equals"
        | "eq"
        | "eql"
        | "eqls"
        | "lengthOf"
        | "length"
        | "members"
        | "toHaveResolvedWith"
        | "toHaveBeenCalledExactlyOnceWith" => (Matcher::Equal, 0),
        "toHaveProperty" | "toHaveBeenNthCalledWith" | "property" | "toHaveAttribute" => {
            (Matcher::Equal, 1)
        }
        "toContain" | "toContainEqual" | "toMatch" | "include" | "includes" | "contain"
        | "contains" | "match" | "matches" | "string" => (Matcher::Contains, 0),
        "toBeGreaterThan"
        | "toBeGreaterThanOrEqual"
        | "toBeLessThan"
        | "toBeLessThanOrEqual"
        | "above"
        | "gt"
        | "gte"
        | "least"
        | "below"
        | "lt"
        | "lte"
        | "most"
        | "greaterThan"
        | "lessThan"
        | "closeTo"
        | "approximately" => (Matcher::Orders, 0),
        "toThrow" | "toThrowError" | "throw" | "throws" | "Throw" => (Matcher::Throws, 0),
        _ => return None,
    })
}

/// The functions of node:assert, chai's `assert` and ava's `t`, with the number of their expected argument.
fn function(name: &str) -> Option<(Matcher, usize)> {
    Some(match name {
        "equal"
        | "strictEqual"
        | "deepEqual"
        | "deepStrictEqual"
        | "is"
        | "same"
        | "equals"
        | "strictSame"
        | "lengthOf"
        | "sameMembers"
        | "sameDeepMembers"
        | "sameOrderedMembers"
        | "partialDeepStrictEqual"
        | "like"
        | "eql" => (Matcher::Equal, 1),
        "include" | "includes" | "match" | "regex" => (Matcher::Contains, 1),
        "isAbove" | "isBelow" | "isAtLeast" | "isAtMost" | "closeTo" | "approximately" => {
            (Matcher::Orders, 1)
        }
        "throws" | "rejects" | "throwsAsync" | "isRejected" | "throw" => (Matcher::Throws, 1),
        _ => return None,
    })
}

/// Functions that are known without `assert.` before them, where a file imports them.
const BARE: [&str; 5] = [
    "strictEqual",
    "deepStrictEqual",
    "deepEqual",
    "equal",
    "notStrictEqual",
];

fn quoted(text: &str) -> String {
    let mut out = String::from("'");
    for c in text.chars() {
        match c {
            '\'' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                out.push_str(&format!("\\u{{{:x}}}", c as u32))
            }
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// Another literal of the same type; `None` for what is none.
fn other(expression: &Expression<'_>, seed: &Seed) -> Option<String> {
    let string = |text: &str| quoted(&format!("{text}{}", seed.word()));
    let offset = f64::from(seed.offset());
    match expression {
        Expression::NumericLiteral(number) => Some(format!("{}", number.value + offset)),
        Expression::UnaryExpression(unary) if unary.operator.as_str() == "-" => {
            match &unary.argument {
                Expression::NumericLiteral(number) => Some(format!("{}", offset - number.value)),
                _ => None,
            }
        }
        Expression::BigIntLiteral(number) => {
            Some(format!("({}n + {})", seed.offset(), number.raw.as_ref()?))
        }
        Expression::StringLiteral(text) => Some(string(&text.value)),
        Expression::TemplateLiteral(template) if template.expressions.is_empty() => {
            Some(string(template.quasis.first()?.value.cooked.as_ref()?))
        }
        Expression::BooleanLiteral(value) => Some((!value.value).to_string()),
        Expression::RegExpLiteral(_) => Some("/(?!)/".to_owned()),
        _ => None,
    }
}

/// The first value inside of a literal that can be another one, with its place.
fn leaf(expression: &Expression<'_>, seed: &Seed) -> Option<(Range<usize>, String)> {
    if let Some(other) = other(expression, seed) {
        return Some((range(expression.span()), other));
    }
    match expression {
        Expression::ArrayExpression(array) => array
            .elements
            .iter()
            .filter_map(ArrayExpressionElement::as_expression)
            .find_map(|element| leaf(element, seed)),
        Expression::ObjectExpression(object) => {
            object
                .properties
                .iter()
                .find_map(|property| match property {
                    ObjectPropertyKind::ObjectProperty(property) => leaf(&property.value, seed),
                    ObjectPropertyKind::SpreadProperty(_) => None,
                })
        }
        Expression::NewExpression(new) => new
            .arguments
            .iter()
            .filter_map(Argument::as_expression)
            .find_map(|argument| leaf(argument, seed)),
        Expression::ParenthesizedExpression(inner) => leaf(&inner.expression, seed),
        Expression::TSAsExpression(cast) => leaf(&cast.expression, seed),
        Expression::TSSatisfiesExpression(cast) => leaf(&cast.expression, seed),
        _ => None,
    }
}

fn is_function(expression: &Expression<'_>) -> bool {
    matches!(
        expression,
        Expression::ArrowFunctionExpression(_)
            | Expression::FunctionExpression(_)
            | Expression::ClassExpression(_)
    )
}

impl Walk<'_> {
    fn call(&mut self, call: &CallExpression<'_>) {
        let parts = of_call(call);
        let (Some(root), Some(last)) = (parts.first(), parts.last()) else {
            return;
        };
        if parts
            .iter()
            .any(|part| matches!(part.name, "not" | "never" | "skip"))
        {
            return;
        }
        let Some(arguments) = last.arguments else {
            return;
        };
        let expects = root.name == "expect"
            || root.name.ends_with("Expect")
            || parts.iter().any(|part| part.name == "should");
        if expects && parts.len() > 1 {
            if let Some((kind, at)) = matcher(last.name)
                && let Some(expected) = arguments.get(at).and_then(Argument::as_expression)
            {
                self.change(call, &parts, kind, expected);
            }
            return;
        }
        let asserts = matches!(root.name, "assert" | "t" | "chai" | "tap")
            || (parts.len() == 1 && BARE.contains(&root.name));
        if !asserts {
            return;
        }
        let truth = matches!(
            last.name,
            "assert" | "ok" | "isTrue" | "true" | "truthy" | "isOk"
        );
        if truth {
            if let Some(Expression::BinaryExpression(comparison)) =
                arguments.first().and_then(Argument::as_expression)
                && matches!(comparison.operator.as_str(), "===" | "==")
            {
                let left_is_plain = other(&comparison.left, self.seed).is_some()
                    && other(&comparison.right, self.seed).is_none();
                let expected = if left_is_plain {
                    &comparison.left
                } else {
                    &comparison.right
                };
                self.change(call, &parts, Matcher::Equal, expected);
            }
            return;
        }
        let Some((kind, at)) = function(last.name) else {
            return;
        };
        let of = |at: usize| arguments.get(at).and_then(Argument::as_expression);
        let Some(mut expected) = of(at) else { return };
        if kind == Matcher::Equal
            && leaf(expected, self.seed).is_none()
            && let Some(first) = of(0).filter(|first| other(first, self.seed).is_some())
        {
            expected = first;
        }
        self.change(call, &parts, kind, expected);
    }

    fn change(
        &mut self,
        call: &CallExpression<'_>,
        parts: &[Part<'_, '_>],
        matcher: Matcher,
        expected: &Expression<'_>,
    ) {
        let Some(test) = self.inside else { return };
        if is_function(expected) {
            return;
        }
        let whole = range(expected.span());
        let plain = leaf(expected, self.seed).map(|(place, other)| {
            let before = self.text.get(whole.start..place.start).unwrap_or("");
            let after = self.text.get(place.end..whole.end).unwrap_or("");
            format!("{before}{other}{after}")
        });
        let (kind, text) = match (matcher, plain) {
            (Matcher::Orders, _) => (SiteKind::Ordering, Replacement::Helper(Some("far"))),
            (Matcher::Throws, Some(text)) => (SiteKind::Pattern, Replacement::HelperLiteral(text)),
            // A class or a variable: what is thrown otherwise is not known.
            (Matcher::Throws, None) => return,
            (Matcher::Contains, Some(text)) => {
                (SiteKind::Membership, Replacement::HelperLiteral(text))
            }
            (Matcher::Equal, Some(text)) => (SiteKind::Equality, Replacement::HelperLiteral(text)),
            (Matcher::Contains, None) => (SiteKind::Membership, Replacement::Helper(None)),
            (Matcher::Equal, None) => (SiteKind::Equality, Replacement::Helper(None)),
        };
        let late = parts.iter().any(|part| {
            matches!(
                part.name,
                "resolves" | "rejects" | "eventually" | "throwsAsync" | "poll"
            )
        });
        let before = self
            .text
            .get(..call.span.start as usize)
            .unwrap_or("")
            .trim_end();
        let waited = ["await", "return", "=>"]
            .iter()
            .any(|word| before.ends_with(word));
        let decisive = !self.place.nested && (!late || waited);
        let earlier = self
            .text
            .get(test.span.start..call.span.start as usize)
            .unwrap_or("");
        let leaves = earlier.contains("return") || earlier.contains("skip(");
        self.edits.push(Edit {
            range: whole,
            text,
            line: self.lines.line(expected.span().start as usize),
            kind,
            items: vec![test.name.clone()],
            decisive,
            certain: decisive && !self.place.conditional && !leaves,
        });
    }

    fn within(&mut self, change: impl FnOnce(&mut Place), look: impl FnOnce(&mut Self)) {
        let before = self.place;
        change(&mut self.place);
        look(self);
        self.place = before;
    }
}

impl<'a> Visit<'a> for Walk<'_> {
    fn visit_call_expression(&mut self, it: &CallExpression<'a>) {
        let own = range(it.span);
        if self.inside.is_none()
            && let Some(test) = self.tests.iter().find(|test| test.span == own)
        {
            self.inside = Some(test);
            self.place = Place::default();
            // Its own function is no nesting.
            for argument in it.arguments.iter().filter_map(Argument::as_expression) {
                match argument {
                    Expression::ArrowFunctionExpression(function) => match &function.body {
                        ArrowFunctionBody::FunctionBody(body) => {
                            walk::walk_function_body(self, body)
                        }
                        other => {
                            if let Some(expression) = other.as_expression() {
                                self.visit_expression(expression);
                            }
                        }
                    },
                    Expression::FunctionExpression(function) => {
                        if let Some(body) = &function.body {
                            walk::walk_function_body(self, body);
                        }
                    }
                    other => self.visit_expression(other),
                }
            }
            self.inside = None;
            return;
        }
        if self.inside.is_some() {
            self.call(it);
        }
        walk::walk_call_expression(self, it);
    }

    fn visit_arrow_function_expression(&mut self, it: &ArrowFunctionExpression<'a>) {
        self.within(
            |place| place.nested = true,
            |walk| walk::walk_arrow_function_expression(walk, it),
        );
    }

    fn visit_function_body(&mut self, it: &FunctionBody<'a>) {
        self.within(
            |place| place.nested = true,
            |walk| walk::walk_function_body(walk, it),
        );
    }

    fn visit_try_statement(&mut self, it: &TryStatement<'a>) {
        self.within(
            |place| place.nested = true,
            |walk| walk::walk_try_statement(walk, it),
        );
    }

    fn visit_if_statement(&mut self, it: &IfStatement<'a>) {
        self.within(
            |place| place.conditional = true,
            |walk| walk::walk_if_statement(walk, it),
        );
    }

    fn visit_switch_statement(&mut self, it: &SwitchStatement<'a>) {
        self.within(
            |place| place.conditional = true,
            |walk| walk::walk_switch_statement(walk, it),
        );
    }

    fn visit_conditional_expression(&mut self, it: &ConditionalExpression<'a>) {
        self.within(
            |place| place.conditional = true,
            |walk| walk::walk_conditional_expression(walk, it),
        );
    }

    fn visit_logical_expression(&mut self, it: &LogicalExpression<'a>) {
        self.within(
            |place| place.conditional = true,
            |walk| walk::walk_logical_expression(walk, it),
        );
    }

    fn visit_for_statement(&mut self, it: &ForStatement<'a>) {
        self.within(
            |place| place.conditional = true,
            |walk| walk::walk_for_statement(walk, it),
        );
    }

    fn visit_for_of_statement(&mut self, it: &ForOfStatement<'a>) {
        self.within(
            |place| place.conditional = true,
            |walk| walk::walk_for_of_statement(walk, it),
        );
    }

    fn visit_for_in_statement(&mut self, it: &ForInStatement<'a>) {
        self.within(
            |place| place.conditional = true,
            |walk| walk::walk_for_in_statement(walk, it),
        );
    }

    fn visit_while_statement(&mut self, it: &WhileStatement<'a>) {
        self.within(
            |place| place.conditional = true,
            |walk| walk::walk_while_statement(walk, it),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::Language;
    use crate::expectations::mutate;
    use crate::lang::javascript::with_program;
    use redgreen_core::id::ItemId;

    fn changed(body: &str) -> (String, usize) {
        let text =
            format!("import {{ it }} from 'vitest';\nit('a', async () => {{\n{body}\n}});\n");
        let item = ItemId::try_from("tests/a.test.ts::a".to_owned()).unwrap();
        let mutated = mutate(Language::JavaScript, &text, &[item]).unwrap();
        let parsed = with_program(&mutated.text, None, |_| ()).unwrap();
        assert_eq!(parsed.1, None, "{}", mutated.text);
        assert_eq!(
            mutated.sites.iter().filter(|site| site.line != 3).count(),
            0
        );
        (
            mutated.text.lines().nth(2).unwrap().to_owned(),
            mutated.sites.len(),
        )
    }

    #[test]
    fn c7_expected_values_of_javascript_become_others() {
        for (body, other) in [
            ("expect(f()).toBe(3);", "64"),
            ("expect(f()).toEqual({ a: [1, 'b'] });", "{ a: [62, 'b'] }"),
            ("assert.equal(f(), 'abc');", "'abc (other)'"),
            ("assert.strictEqual(-2, f());", "59"),
            ("assert.deepEqual(f(), [true]);", "[false]"),
            ("assert.ok(f() === 2);", "63"),
            ("expect(f).to.have.lengthOf(3);", "64"),
            ("expect(f).to.deep.equal([1]);", "[62]"),
            ("expect(() => f()).toThrow('bad');", "'bad (other)'"),
            ("assert.throws(() => f(), /bad/);", "/(?!)/"),
            (
                "assert.throws(() => f(), { message: 'x' });",
                "{ message: 'x (other)' }",
            ),
            ("expect(list).toContain('a');", "'a (other)'"),
            ("await expect(p).resolves.toBe(1);", "62"),
            ("x.should.equal(1);", "62"),
            ("t.is(f(), 1);", "62"),
        ] {
            let (line, sites) = changed(body);
            assert!(
                line.contains(&format!("__redgreen_other__({other}, \"")),
                "{line}"
            );
            assert!(line.contains("\"as_is\")"), "{line}");
            assert_eq!(sites, 1, "{line}");
        }
        for body in [
            "expect(f()).toBe(expected);",
            "expect(n).toBeGreaterThan(2);",
            "assert.equal(f(), null);",
        ] {
            let (line, sites) = changed(body);
            assert!(line.contains("__redgreen_other__(") && sites == 1, "{line}");
        }
        for body in [
            "expect(f()).not.toBe(3);",
            "assert.notEqual(f(), 3);",
            "assert.throws(() => f(), TypeError);",
            "expect(f()).toBeTruthy();",
            "run(3);",
        ] {
            assert_eq!(changed(body), (body.to_owned(), 0));
        }
    }

    #[test]
    fn c7_what_something_may_catch_is_not_decisive() {
        let sites = |body: &str| {
            let text = format!("test('a', () => {{ {body} }});\n");
            let item = ItemId::try_from("tests/a.test.js::a".to_owned()).unwrap();
            let mutated = mutate(Language::JavaScript, &text, &[item]).unwrap();
            mutated
                .sites
                .iter()
                .map(|site| (site.decisive, site.certain))
                .collect::<Vec<_>>()
        };
        assert_eq!(sites("expect(f()).toBe(1);"), [(true, true)]);
        assert_eq!(sites("if (x) expect(f()).toBe(1);"), [(true, false)]);
        assert_eq!(
            sites("try { expect(f()).toBe(1); } catch {}"),
            [(false, false)]
        );
        assert_eq!(
            sites("on(() => { expect(f()).toBe(1); });"),
            [(false, false)]
        );
        assert_eq!(sites("expect(p).resolves.toBe(1);"), [(false, false)]);
        assert_eq!(sites("return expect(p).resolves.toBe(1);"), [(true, false)]);
    }
}
