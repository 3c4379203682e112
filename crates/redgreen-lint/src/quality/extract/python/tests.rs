//! Which functions are tests, and what their decorators say.

use super::body::Body;
use super::names::{dotted, last};
use super::{Reader, span};
use crate::lang::python::fits;
use crate::quality::extract::must_not_raise;
use crate::quality::model::{Asserts, Fact, FactKind, FileModel, Helper, TestModel};
use ruff_python_ast::{Decorator, Expr, Stmt, StmtClassDef, StmtFunctionDef};
use ruff_text_size::Ranged;
use std::collections::{BTreeMap, BTreeSet};

/// Classes nested deeper are not looked into.
const DEEPEST: usize = 16;

/// The tests of a module.
pub(super) fn collect<'a>(reader: &Reader<'a>, body: &'a [Stmt]) -> FileModel {
    let mut collector = Collector {
        reader,
        file: FileModel::default(),
        cases: test_case_classes(reader, body),
    };
    collector.block(body, &Place::default(), 0);
    collector.module_marks(body);
    collector.file.tests.sort_by_key(|test| test.span.start);
    collector.file
}

/// Where a definition stands.
#[derive(Clone, Default)]
struct Place<'a> {
    /// Classes around it.
    prefix: Vec<&'a str>,
    /// In a `unittest.TestCase`.
    is_case: bool,
    /// In a class that the runner collects, or in the module.
    is_collected: bool,
    /// Below `if` or `try`: a second definition is an alternative.
    conditional: bool,
    /// Marks of the classes around it.
    marks: Vec<&'a Decorator>,
}

struct Collector<'r, 'a> {
    reader: &'r Reader<'a>,
    file: FileModel,
    /// Names of classes that are test cases.
    cases: BTreeSet<&'a str>,
}

impl<'a> Collector<'_, 'a> {
    fn block(&mut self, body: &'a [Stmt], place: &Place<'a>, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        self.shadowed(body, place);
        for statement in body {
            match statement {
                Stmt::FunctionDef(function) => self.function(function, place),
                Stmt::ClassDef(class) => self.class(class, place, depth),
                Stmt::If(branch) => {
                    let place = Place {
                        conditional: true,
                        ..place.clone()
                    };
                    self.block(&branch.body, &place, depth + 1);
                    for clause in &branch.elif_else_clauses {
                        self.block(&clause.body, &place, depth + 1);
                    }
                }
                Stmt::Try(attempt) => {
                    let place = Place {
                        conditional: true,
                        ..place.clone()
                    };
                    self.block(&attempt.body, &place, depth + 1);
                    self.block(&attempt.orelse, &place, depth + 1);
                }
                _ => {}
            }
        }
        if place.prefix.is_empty() {
            super::facts::of_module(self.reader, body, &mut self.file.facts);
        }
    }

    fn class(&mut self, class: &'a StmtClassDef, place: &Place<'a>, depth: usize) {
        let name = class.name.as_str();
        let is_case = self.cases.contains(name);
        let named = fits(&self.reader.options.items.python_classes, name);
        let constructor = class.body.iter().find_map(|statement| match statement {
            Stmt::FunctionDef(function) if function.name.as_str() == "__init__" => Some(function),
            _ => None,
        });
        let has_tests = class.body.iter().any(|statement| {
            matches!(statement, Stmt::FunctionDef(function) if self.is_test_name(function.name.as_str(), is_case))
        });
        super::facts::of_class(class, &mut self.file.facts);
        let switched_off = class.body.iter().any(|statement| {
            matches!(statement, Stmt::Assign(assign)
                if assign.targets.iter().any(|target| dotted(target).as_deref() == Some("__test__")))
        });
        if let Some(constructor) = constructor
            && named
            && !is_case
            && has_tests
            && !switched_off
            && place.is_collected_place()
        {
            self.file.facts.push(Fact {
                span: span(constructor.name.range()),
                kind: FactKind::NotCollected {
                    sure: true,
                    why: format!("`{name}` has a constructor, so pytest passes it over"),
                },
            });
        }
        if !named
            && !is_case
            && has_tests
            && place.prefix.is_empty()
            && class.arguments.is_none()
            && name.ends_with("Tests")
            && !["Base", "Mixin", "Abstract", "Common", "Shared", "Generic"]
                .iter()
                .any(|word| name.contains(word))
            && self.reader.text.matches(name).count() == 1
        {
            self.file.facts.push(Fact {
                span: span(class.name.range()),
                kind: FactKind::NotCollected {
                    sure: false,
                    why: format!("pytest looks for `Test*`, not for `{name}`"),
                },
            });
        }
        let mut prefix = place.prefix.clone();
        prefix.push(name);
        let mut marks = place.marks.clone();
        marks.extend(&class.decorator_list);
        let inner = Place {
            prefix,
            is_case,
            is_collected: (is_case || named && constructor.is_none())
                && place.is_collected_place()
                && !switched_off,
            conditional: place.conditional,
            marks,
        };
        self.block(&class.body, &inner, depth + 1);
    }

    fn is_test_name(&self, name: &str, is_case: bool) -> bool {
        if is_case {
            name.starts_with("test")
        } else {
            fits(&self.reader.options.items.python_functions, name)
        }
    }

    fn function(&mut self, function: &'a StmtFunctionDef, place: &Place<'a>) {
        let name = function.name.as_str();
        if !(place.prefix.is_empty() || place.is_collected)
            || !self.is_test_name(name, place.is_case)
        {
            let misspelt = ["tset_", "tets_", "tes_", "tst_", "ttest_", "etst_"]
                .iter()
                .any(|start| name.starts_with(start));
            if misspelt && (place.prefix.is_empty() || place.is_collected) {
                self.file.facts.push(Fact {
                    span: span(function.name.range()),
                    kind: FactKind::NotCollected {
                        sure: false,
                        why: format!("`{name}` does not begin with `test_`"),
                    },
                });
            }
            return;
        }
        let decorators: Vec<&'a Decorator> = function.decorator_list.iter().collect();
        if decorators.iter().any(|decorator| {
            let name = self.decorator_name(decorator);
            [
                "fixture",
                "property",
                "staticmethod_fixture",
                "overload",
                "task",
                "route",
            ]
            .contains(&last(&name))
                || name.ends_with("pytest.fixture")
        }) {
            return;
        }
        let mut qualified = place.prefix.clone();
        qualified.push(name);
        let mut test = TestModel {
            name: qualified.join("::"),
            span: span(function.range()),
            name_span: span(function.name.range()),
            is_empty: is_empty(&function.body) && !self.reader.text_of(function).contains(">>>"),
            assertions: Vec::new(),
            helpers: Vec::new(),
            facts: Vec::new(),
            must_not_raise: must_not_raise(name, self.reader.text_of(function))
                || promises(&function.body),
            hands_on: self.reader.is_benchmark,
        };
        for decorator in place.marks.iter().copied().chain(decorators) {
            self.decorator(decorator, &mut test);
        }
        Body::read(self.reader, function, &mut test);
        if self.reader.text_of(function).contains(">>> ") {
            test.helpers.push(Helper {
                name: "doctest".to_owned(),
                asserts: Asserts::Named,
            });
        }
        self.fixtures(function, &mut test);
        // How a function is written, not what it does.
        let whole = self.reader.text_of(function);
        if ["co_names", "co_code", "co_consts"]
            .iter()
            .any(|part| whole.contains(&format!(".__code__.{part}")))
        {
            test.facts.push(Fact {
                span: test.name_span.clone(),
                kind: FactKind::ReadsImplementation,
            });
        }
        self.file.tests.push(test);
    }

    /// Fixtures of the file that assert when the test is done.
    fn fixtures(&self, function: &StmtFunctionDef, test: &mut TestModel) {
        for (name, fixture) in &self.reader.checking_fixtures {
            let asked = fixture.autouse
                || function
                    .parameters
                    .iter_non_variadic_params()
                    .any(|parameter| parameter.parameter.name.as_str() == *name)
                || function.decorator_list.iter().any(|decorator| {
                    matches!(&decorator.expression, Expr::Call(call)
                        if last(&self.decorator_name(decorator)) == "usefixtures"
                            && call.arguments.args.iter().any(|argument| matches!(argument, Expr::StringLiteral(text) if text.value.to_str() == *name)))
                });
            if asked {
                test.helpers.push(Helper {
                    name: (*name).to_owned(),
                    asserts: Asserts::Yes,
                });
            }
        }
    }

    fn decorator_name(&self, decorator: &Decorator) -> String {
        self.reader
            .names
            .qualified(&decorator.expression)
            .unwrap_or_default()
    }

    fn decorator(&self, decorator: &'a Decorator, test: &mut TestModel) {
        let name = self.decorator_name(decorator);
        if let Some(kind) = mark(&name, &decorator.expression) {
            test.facts.push(Fact {
                span: span(decorator.range()),
                kind,
            });
        }
        // `skip = pytest.mark.skip(…)` in the module, and then `@skip`.
        if let Expr::Name(alias) = &decorator.expression
            && let Some(value) = self.reader.module_values.get(alias.id.as_str())
        {
            let name = self.reader.names.qualified(value).unwrap_or_default();
            if let Some(kind) = mark(&name, value) {
                test.facts.push(Fact {
                    span: span(decorator.range()),
                    kind,
                });
            }
        }
        if let Expr::Call(call) = &decorator.expression
            && last(&name) == "parametrize"
        {
            for value in super::facts::marks_of_parameters(self.reader, call) {
                let name = self.reader.names.qualified(value).unwrap_or_default();
                if let Some(kind) = mark(&name, value) {
                    test.facts.push(Fact {
                        span: span(value.range()),
                        kind,
                    });
                }
            }
            super::facts::parameters(self.reader, call, &mut test.facts);
        }
        super::facts::double_of_decorator(&name, decorator, &mut test.facts);
    }

    /// `pytestmark = …` of the module.
    fn module_marks(&mut self, body: &[Stmt]) {
        for statement in body {
            if let Stmt::Expr(expression) = statement
                && let Expr::Call(call) = &*expression.value
                && self.reader.names.qualified(&call.func).as_deref() == Some("pytest.skip")
            {
                self.file.facts.push(Fact {
                    span: span(call.range()),
                    kind: FactKind::Skip {
                        conditional: false,
                        reason: !call.arguments.args.is_empty(),
                        in_body: false,
                    },
                });
            }
            let Stmt::Assign(assign) = statement else {
                continue;
            };
            if !assign
                .targets
                .iter()
                .any(|target| dotted(target).as_deref() == Some("pytestmark"))
            {
                continue;
            }
            let values: Vec<&Expr> = match &*assign.value {
                Expr::List(list) => list.elts.iter().collect(),
                Expr::Tuple(tuple) => tuple.elts.iter().collect(),
                other => vec![other],
            };
            for value in values {
                let name = self.reader.names.qualified(value).unwrap_or_default();
                if let Some(kind) = mark(&name, value) {
                    self.file.facts.push(Fact {
                        span: span(value.range()),
                        kind,
                    });
                }
            }
        }
    }

    /// Two definitions of one name in one block.
    fn shadowed(&mut self, body: &'a [Stmt], place: &Place<'a>) {
        if place.conditional {
            return;
        }
        let mut seen: BTreeMap<&str, &'a Stmt> = BTreeMap::new();
        for statement in body {
            let (name, decorated) = match statement {
                Stmt::FunctionDef(function) => (
                    function.name.as_str(),
                    function.decorator_list.iter().any(|decorator| {
                        let name = self.decorator_name(decorator);
                        matches!(
                            last(&name),
                            "overload" | "setter" | "getter" | "deleter" | "register"
                        )
                    }),
                ),
                Stmt::ClassDef(class) => (class.name.as_str(), false),
                _ => continue,
            };
            let is_test = match statement {
                Stmt::FunctionDef(_) => {
                    (place.prefix.is_empty() || place.is_collected)
                        && self.is_test_name(name, place.is_case)
                }
                _ => {
                    self.cases.contains(name)
                        || fits(&self.reader.options.items.python_classes, name)
                }
            };
            if !is_test || decorated {
                continue;
            }
            if let Some(earlier) = seen.insert(name, statement) {
                let range = match earlier {
                    Stmt::FunctionDef(function) => function.name.range(),
                    Stmt::ClassDef(class) => class.name.range(),
                    other => other.range(),
                };
                self.file.facts.push(Fact {
                    span: span(range),
                    kind: FactKind::Shadowed {
                        name: name.to_owned(),
                    },
                });
            }
        }
    }
}

impl Place<'_> {
    fn is_collected_place(&self) -> bool {
        self.prefix.is_empty() || self.is_collected
    }
}

/// What a mark says: `pytest.mark.skip`, `unittest.expectedFailure`.
fn mark(name: &str, expression: &Expr) -> Option<FactKind> {
    let call = match expression {
        Expr::Call(call) => Some(call),
        _ => None,
    };
    let argument =
        |name: &str| call.is_some_and(|call| call.arguments.find_keyword(name).is_some());
    let positional = call.map_or(0, |call| call.arguments.args.len());
    let of_mark =
        name.contains("mark.") || name.starts_with("unittest.") || name.starts_with("pytest.");
    let kind = match last(name) {
        "skip" if of_mark => FactKind::Skip {
            conditional: false,
            reason: positional > 0 || argument("reason"),
            in_body: false,
        },
        "skipif" | "skipIf" | "skipUnless" if of_mark => {
            // A condition that is a constant is none. pytest evaluates a text.
            let condition = call.and_then(|call| call.arguments.args.first());
            let constant = match condition {
                Some(Expr::StringLiteral(text)) => match text.value.to_str() {
                    "True" | "1" => Some(true),
                    _ => None,
                },
                other => other.and_then(super::constant::constant_alone),
            };
            if constant == Some(last(name) == "skipUnless") {
                return None;
            }
            FactKind::Skip {
                conditional: constant.is_none(),
                reason: positional > 1 || argument("reason"),
                in_body: false,
            }
        }
        "xfail" if of_mark => {
            let condition = call.and_then(|call| call.arguments.args.first());
            let decides = |condition: &Expr| {
                super::constant::constant_alone(condition).is_none()
                    || matches!(condition, Expr::StringLiteral(_))
            };
            if condition.is_some_and(decides) {
                FactKind::Skip {
                    conditional: true,
                    reason: true,
                    in_body: false,
                }
            } else {
                FactKind::ExpectedFailure
            }
        }
        "expectedFailure" => FactKind::ExpectedFailure,
        _ => return None,
    };
    Some(kind)
}

/// Whether a docstring says what is promised: more than the name of what is called.
fn promises(body: &[Stmt]) -> bool {
    let Some(Stmt::Expr(first)) = body.first() else {
        return false;
    };
    let Expr::StringLiteral(text) = &*first.value else {
        return false;
    };
    let words: Vec<String> = text
        .value
        .to_str()
        .split_whitespace()
        .map(str::to_lowercase)
        .collect();
    words.len() >= 3
        && words.first().is_some_and(|word| {
            !["test", "check", "verif", "ensur", "todo", "given", "make"]
                .iter()
                .any(|start| word.starts_with(start))
        })
}

/// Nothing but a docstring, `pass`, `...`.
fn is_empty(body: &[Stmt]) -> bool {
    body.iter().all(|statement| match statement {
        Stmt::Pass(_) => true,
        Stmt::Expr(expression) => matches!(
            &*expression.value,
            Expr::StringLiteral(_) | Expr::EllipsisLiteral(_) | Expr::NoneLiteral(_)
        ),
        Stmt::Return(leave) => leave
            .value
            .as_deref()
            .is_none_or(|value| matches!(value, Expr::NoneLiteral(_))),
        _ => false,
    })
}

/// Names of classes that derive from a `TestCase`, through bases of the same file, too.
fn test_case_classes<'a>(reader: &Reader<'_>, body: &'a [Stmt]) -> BTreeSet<&'a str> {
    let mut bases: BTreeMap<&'a str, Vec<String>> = BTreeMap::new();
    let mut queue: Vec<(&'a [Stmt], usize)> = vec![(body, 0)];
    while let Some((block, depth)) = queue.pop() {
        for statement in block {
            match statement {
                Stmt::ClassDef(class) => {
                    let arguments = class.arguments.as_deref();
                    let names = arguments
                        .into_iter()
                        .flat_map(|arguments| arguments.args.iter())
                        .filter_map(|base| reader.names.qualified(base))
                        .collect();
                    bases.insert(class.name.as_str(), names);
                    if depth < DEEPEST {
                        queue.push((&class.body, depth + 1));
                    }
                }
                Stmt::If(branch) if depth < DEEPEST => queue.push((&branch.body, depth + 1)),
                Stmt::Try(attempt) if depth < DEEPEST => queue.push((&attempt.body, depth + 1)),
                _ => {}
            }
        }
    }
    let mut cases: BTreeSet<&'a str> = BTreeSet::new();
    loop {
        let before = cases.len();
        for (name, names) in &bases {
            if names.iter().any(|base| {
                last(base).ends_with("TestCase")
                    || last(base).ends_with("TestCaseMixin")
                    || cases.contains(base.as_str())
            }) {
                cases.insert(name);
            }
        }
        if cases.len() == before {
            return cases;
        }
    }
}
