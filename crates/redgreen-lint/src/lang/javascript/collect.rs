//! The tests of a file.

use super::marks;
use super::parts::{Part, of_call, title};
use oxc_ast::ast::*;
use oxc_ast_visit::{Visit, walk};
use oxc_span::GetSpan;
use redgreen_core::id::visible_name;
use redgreen_core::test_item::Mark;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A test.
#[derive(Debug, Clone)]
pub(crate) struct JsTest {
    /// The titles around it and its own, joined by `::`; a second one of that name ends with `#2`.
    pub(crate) name: String,
    /// The call.
    pub(crate) span: Range<usize>,
    /// What is between the braces of its function; `None` where it has none.
    pub(crate) body: Option<Range<usize>>,
    /// Heads of the suites around it, without their functions.
    pub(crate) governed_by: Vec<Range<usize>>,
    /// What is marked on it.
    pub(crate) marks: BTreeSet<Mark>,
    /// Its last statement neither returns nor throws.
    pub(crate) ends_open: bool,
    /// Its function takes a callback that says when the test is over (`done`).
    pub(crate) takes_callback: bool,
}

const TESTS: [&str; 11] = [
    "it", "test", "specify", "fit", "xit", "xtest", "xspecify", "ftest", "tests", "skip", "todo",
];
const SUITES: [&str; 8] = [
    "describe",
    "context",
    "suite",
    "fdescribe",
    "xdescribe",
    "xcontext",
    "fcontext",
    "xsuite",
];
/// Members that are no definition.
const NO_DEFINITION: [&str; 18] = [
    "before",
    "after",
    "beforeEach",
    "afterEach",
    "beforeAll",
    "afterAll",
    "use",
    "extend",
    "step",
    "setTimeout",
    "configure",
    "info",
    "slow",
    "mock",
    "diagnostic",
    "plan",
    "fn",
    "teardown",
];
/// Modules that tests come from.
const MODULES: [&str; 12] = [
    "node:test",
    "test",
    "vitest",
    "@jest/globals",
    "mocha",
    "ava",
    "bun:test",
    "@playwright/test",
    "tap",
    "tape",
    "uvu",
    "japa",
];

/// What is called a test and a suite in a file: the usual names, and those it imports otherwise.
struct Words {
    tests: BTreeSet<String>,
    suites: BTreeSet<String>,
}

impl Words {
    fn of(program: &Program<'_>) -> Self {
        let set = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let mut words = Self {
            tests: set(&TESTS[..9]),
            suites: set(&SUITES),
        };
        for statement in &program.body {
            match statement {
                Statement::ImportDeclaration(import)
                    if MODULES.contains(&import.source.value.as_str()) =>
                {
                    for specifier in import.specifiers.iter().flatten() {
                        match specifier {
                            ImportDeclarationSpecifier::ImportSpecifier(one) => {
                                words.add(one.imported.name().as_str(), one.local.name.as_str());
                            }
                            ImportDeclarationSpecifier::ImportDefaultSpecifier(one) => {
                                words.add("test", one.local.name.as_str());
                            }
                            ImportDeclarationSpecifier::ImportNamespaceSpecifier(_) => {}
                        }
                    }
                }
                Statement::VariableDeclaration(declaration) => {
                    for declarator in &declaration.declarations {
                        words.required(declarator);
                    }
                }
                _ => {}
            }
        }
        words
    }

    /// `const { test: it } = require('node:test')`, `const test = require('node:test')`.
    fn required(&mut self, declarator: &VariableDeclarator<'_>) {
        let Some(Expression::CallExpression(call)) = &declarator.init else {
            return;
        };
        let Some(Expression::StringLiteral(module)) =
            call.arguments.first().and_then(Argument::as_expression)
        else {
            return;
        };
        let required =
            matches!(&call.callee, Expression::Identifier(name) if name.name == "require");
        if !required || !MODULES.contains(&module.value.as_str()) {
            return;
        }
        match &declarator.id {
            BindingPattern::BindingIdentifier(name) => self.add("test", name.name.as_str()),
            BindingPattern::ObjectPattern(pattern) => {
                for property in &pattern.properties {
                    if let (
                        PropertyKey::StaticIdentifier(key),
                        BindingPattern::BindingIdentifier(local),
                    ) = (&property.key, &property.value)
                    {
                        self.add(key.name.as_str(), local.name.as_str());
                    }
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, imported: &str, local: &str) {
        if TESTS.contains(&imported) || imported == "default" {
            self.tests.insert(local.to_owned());
        } else if SUITES.contains(&imported) {
            self.suites.insert(local.to_owned());
        }
    }
}

/// The tests of a program, in order.
pub(crate) fn collect(text: &str, program: &Program<'_>) -> Vec<JsTest> {
    let mut walk = Walk {
        text,
        words: Words::of(program),
        suites: Vec::new(),
        tests: Vec::new(),
    };
    walk.visit_program(program);
    let mut tests = walk.tests;
    tests.sort_by_key(|test| test.span.start);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for test in &mut tests {
        let count = seen.entry(test.name.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            test.name.push_str(&format!("#{count}"));
        }
    }
    tests
}

struct Suite {
    title: String,
    heads: Vec<Range<usize>>,
    marks: BTreeSet<Mark>,
}

struct Walk<'t> {
    text: &'t str,
    words: Words,
    suites: Vec<Suite>,
    tests: Vec<JsTest>,
}

fn range(span: Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

/// The function of a test or suite.
enum Run<'b, 'a> {
    Arrow(&'b ArrowFunctionExpression<'a>),
    Function(&'b Function<'a>),
}

fn run_of<'b, 'a>(arguments: &'b [Argument<'a>]) -> Option<Run<'b, 'a>> {
    arguments
        .iter()
        .rev()
        .filter_map(Argument::as_expression)
        .find_map(function_in)
}

fn function_in<'b, 'a>(expression: &'b Expression<'a>) -> Option<Run<'b, 'a>> {
    match expression {
        Expression::ArrowFunctionExpression(function) => Some(Run::Arrow(function)),
        Expression::FunctionExpression(function) => Some(Run::Function(function)),
        Expression::ParenthesizedExpression(inner) => function_in(&inner.expression),
        // `test('title', wrap(async () => {}))`
        Expression::CallExpression(call) => run_of(&call.arguments),
        _ => None,
    }
}

fn shown(title: &str) -> String {
    let shown = visible_name(title.trim());
    if shown.is_empty() {
        "(no title)".to_owned()
    } else {
        shown
    }
}

impl Walk<'_> {
    /// Whether a call defines a suite or a test, which is then read.
    fn definition<'a>(&mut self, call: &CallExpression<'a>) -> bool {
        let parts = of_call(call);
        let (Some(root), Some(last)) = (parts.first(), parts.last()) else {
            return false;
        };
        let (is_test, is_suite) = (
            self.words.tests.contains(root.name),
            self.words.suites.contains(root.name),
        );
        if !is_test && !is_suite {
            return false;
        }
        // `test.describe(…)` of playwright.
        let is_suite = is_suite
            || parts
                .iter()
                .skip(1)
                .any(|part| matches!(part.name, "describe" | "suite"));
        if parts
            .iter()
            .skip(1)
            .any(|part| NO_DEFINITION.contains(&part.name))
        {
            return false;
        }
        // `it.each(table)`, `it.skipIf(condition)`: not called with a title yet.
        if matches!(last.name, "each" | "for" | "skipIf" | "runIf" | "macro") {
            return false;
        }
        let Some(arguments) = last.arguments.filter(|arguments| !arguments.is_empty()) else {
            return false;
        };
        let run = run_of(arguments);
        let named = match (&arguments[0], &run) {
            (
                Argument::FunctionExpression(_) | Argument::ArrowFunctionExpression(_),
                Some(Run::Function(function)),
            ) => function
                .id
                .as_ref()
                .map_or_else(|| "<anonymous>".to_owned(), |id| id.name.to_string()),
            (Argument::ArrowFunctionExpression(_), _) => "<anonymous>".to_owned(),
            (Argument::ObjectExpression(_), _) => return false,
            (first, _) => match title(self.text, first) {
                Some(title) => title,
                None => return false,
            },
        };
        let mut own = marks::of_parts(&parts, root.name);
        own.extend(marks::of_options(arguments));
        if is_suite {
            self.suite(call, &named, own, run);
        } else {
            self.test(call, &parts, &named, own, run);
        }
        true
    }

    fn suite<'a>(
        &mut self,
        call: &CallExpression<'a>,
        title: &str,
        own: BTreeSet<Mark>,
        run: Option<Run<'_, 'a>>,
    ) {
        let whole = range(call.span);
        let inner = run.as_ref().map(|run| match run {
            Run::Arrow(function) => range(function.span),
            Run::Function(function) => range(function.span),
        });
        let heads = match inner {
            Some(inner) => vec![whole.start..inner.start, inner.end..whole.end],
            None => vec![whole],
        };
        self.suites.push(Suite {
            title: shown(title),
            heads,
            marks: own,
        });
        match run {
            Some(Run::Arrow(function)) => walk::walk_arrow_function_expression(self, function),
            Some(Run::Function(function)) => {
                if let Some(body) = &function.body {
                    self.visit_function_body(body);
                }
            }
            None => {}
        }
        self.suites.pop();
    }

    fn test<'a>(
        &mut self,
        call: &CallExpression<'a>,
        parts: &[Part<'_, 'a>],
        title: &str,
        mut own: BTreeSet<Mark>,
        run: Option<Run<'_, 'a>>,
    ) {
        let mut body = None;
        let (mut ends_open, mut takes_callback) = (false, false);
        match &run {
            Some(Run::Arrow(function)) => {
                takes_callback = callback(&function.params);
                match &function.body {
                    ArrowFunctionBody::FunctionBody(block) => {
                        own.extend(marks::of_body(&block.statements));
                        ends_open = is_open(block);
                        body = Some(inside(block));
                    }
                    other => {
                        if let Some(expression) = other.as_expression() {
                            own.extend(marks::of_expression(expression));
                        }
                    }
                }
            }
            Some(Run::Function(function)) => {
                takes_callback = callback(&function.params);
                if let Some(block) = &function.body {
                    own.extend(marks::of_body(&block.statements));
                    ends_open = is_open(block) && !function.generator;
                    body = Some(inside(block));
                }
            }
            // `it('will be written')`: pending. `it('title', run)`: what runs is made elsewhere.
            None if parts
                .last()
                .and_then(|part| part.arguments)
                .is_some_and(|arguments| arguments.len() == 1) =>
            {
                own.insert(Mark::Todo);
            }
            None => {}
        }
        let name = self
            .suites
            .iter()
            .map(|suite| suite.title.clone())
            .chain([shown(title)])
            .collect::<Vec<_>>()
            .join("::");
        let marks = self
            .suites
            .iter()
            .flat_map(|suite| suite.marks.iter().copied())
            .chain(own)
            .collect();
        self.tests.push(JsTest {
            name,
            span: range(call.span),
            body,
            governed_by: self
                .suites
                .iter()
                .flat_map(|suite| suite.heads.iter().cloned())
                .collect(),
            marks,
            ends_open,
            takes_callback,
        });
    }
}

/// A second parameter, or a first one that is named like a callback: mocha and jest call it `done`, node:test gives it as
/// the second one.
fn callback(parameters: &FormalParameters<'_>) -> bool {
    let named = parameters.items.first().is_some_and(|first| {
        matches!(&first.pattern, BindingPattern::BindingIdentifier(name)
            if matches!(name.name.as_str(), "done" | "cb" | "callback" | "next" | "end" | "finished"))
    });
    named || parameters.items.len() > 1
}

fn is_open(body: &FunctionBody<'_>) -> bool {
    body.statements.last().is_some_and(|last| {
        !matches!(
            last,
            Statement::ReturnStatement(_) | Statement::ThrowStatement(_)
        )
    })
}

fn inside(body: &FunctionBody<'_>) -> Range<usize> {
    let whole = range(body.span());
    (whole.start + 1).min(whole.end)..whole.end.saturating_sub(1).max(whole.start + 1)
}

impl<'a> Visit<'a> for Walk<'_> {
    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        if !self.definition(call) {
            walk::walk_call_expression(self, call);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::javascript::with_program;

    fn tests(text: &str) -> Vec<JsTest> {
        let (tests, error) = with_program(text, None, |program| collect(text, program)).unwrap();
        assert_eq!(error, None);
        tests
    }
    fn names(text: &str) -> Vec<String> {
        tests(text).into_iter().map(|test| test.name).collect()
    }

    #[test]
    fn b2_a_test_is_named_by_the_titles_around_it() {
        let text = "import { test as check } from 'node:test';\nconst { it: works } = require('vitest');\n\
            describe('cart', () => { it('adds', () => { f(); }); describe(Cart.name, function () { it.only(`of ${a.b}`, f); }); });\n\
            check('x', async (t) => { await t.test('inner', () => {}); });\nworks('y', () => {});\nit.each([[1], [2]])('has %i', (n) => {});\n\
            it.each`a | b\\n${1} | ${2}`('$a', () => {});\nit('x ' + n, wrap(async () => { g(); }));\nbeforeEach(() => {});\nother('no', () => {});";
        assert_eq!(
            names(text),
            [
                "cart::adds",
                "cart::${Cart.name}::of ${a.b}",
                "x",
                "y",
                "has %i",
                "$a",
                "x ${n}"
            ]
        );
    }

    #[test]
    fn b2_two_tests_with_one_name_keep_names_of_their_own() {
        assert_eq!(
            names("it('a', () => {}); it('a', () => {}); it(' ', () => {});"),
            ["a", "a#2", "(no title)"]
        );
    }

    #[test]
    fn b3_what_is_marked_on_a_test_is_seen() {
        let marks = |text: &str| -> Vec<Mark> {
            tests(text)
                .into_iter()
                .flat_map(|test| test.marks)
                .collect()
        };
        for (text, mark) in [
            ("it.skip('a', () => { f(); })", Mark::Skip),
            ("xit('a', () => { f(); })", Mark::Skip),
            ("test('a', { skip: 'later' }, () => { f(); })", Mark::Skip),
            ("test('a', (t) => { t.skip(); f(); })", Mark::Skip),
            (
                "describe.skip('s', () => { it('a', () => { f(); }) })",
                Mark::Skip,
            ),
            ("it.only('a', () => { f(); })", Mark::Focus),
            (
                "fdescribe('s', () => { it('a', () => { f(); }) })",
                Mark::Focus,
            ),
            ("test('a', { only: true }, () => { f(); })", Mark::Focus),
            ("it.todo('a')", Mark::Todo),
            ("it('a')", Mark::Todo),
            ("it.fails('a', () => { f(); })", Mark::Xfail),
            ("test.failing('a', () => { f(); })", Mark::Xfail),
            ("it('a', () => {})", Mark::Empty),
            ("it('a', () => { assert.fail('x'); })", Mark::AlwaysFails),
            ("it('a', () => expect(true).toBe(false))", Mark::AlwaysFails),
            (
                "it('a', () => { throw new Error('no'); })",
                Mark::AlwaysFails,
            ),
            ("it('a', () => { assert.equal(1, 2); })", Mark::AlwaysFails),
        ] {
            assert!(marks(text).contains(&mark), "{text}: {:?}", marks(text));
        }
        for text in [
            "it('a', () => { expect(f()).toBe(false); })",
            "test('a', { skip: false, only: false }, () => { f(); })",
            "it('a', () => { assert.equal(f(), 2); })",
        ] {
            assert!(marks(text).is_empty(), "{text}: {:?}", marks(text));
        }
    }
}
