//! What single calls, classes and decorators mean.

use super::constant::{constant_alone, is_literal};
use super::names::{dotted, last};
use super::{Reader, span};
use crate::quality::model::{Double, DoubleKind, Fact, FactKind, Strength};
use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{Decorator, Expr, ExprCall, Stmt, StmtClassDef};
use ruff_text_size::Ranged;

/// Methods of `unittest.mock` that assert.
pub(super) fn of_mock_assertion(method: &str) -> Option<Strength> {
    Some(match method {
        "assert_called" | "assert_awaited" => Strength::MockCalled,
        "assert_called_once"
        | "assert_awaited_once"
        | "assert_not_called"
        | "assert_not_awaited"
        | "assert_called_with"
        | "assert_called_once_with"
        | "assert_any_call"
        | "assert_has_calls"
        | "assert_awaited_with"
        | "assert_awaited_once_with"
        | "assert_any_await"
        | "assert_has_awaits" => Strength::MockCalledWith,
        _ => return None,
    })
}

/// `mock.called_once_with(…)`, `mock.assert_caled(…)`: a double answers to any name.
pub(super) fn is_misspelt_mock_assertion(name: &str, call: &ExprCall) -> bool {
    if !matches!(&*call.func, Expr::Attribute(_)) {
        return false;
    }
    let method = last(name);
    matches!(
        method,
        "called_once"
            | "called_with"
            | "called_once_with"
            | "not_called"
            | "has_calls"
            | "any_call"
            | "called"
            | "asert_called"
            | "asssert_called"
            | "assert_called_wiht"
            | "assert_called_once_wiht"
    ) || method.starts_with("as") && of_mock_assertion(method).is_none() && is_near(method)
}

/// Whether a name is one or two letters away from an assertion of a mock.
fn is_near(method: &str) -> bool {
    [
        "assert_called",
        "assert_called_once",
        "assert_called_with",
        "assert_called_once_with",
    ]
    .iter()
    .any(|known| strsim::damerau_levenshtein(known, method) <= 2)
}

/// `expect(page).to_have_title(…)`, `assert_that(x).is_equal_to(…)`: a matcher behind a subject.
pub(super) fn is_expectation_chain(name: &str, call: &ExprCall) -> bool {
    let Expr::Attribute(attribute) = &*call.func else {
        return false;
    };
    let subject = matches!(&*attribute.value, Expr::Call(_) | Expr::Attribute(_));
    let first = name.split('.').collect::<Vec<_>>();
    subject
        && first
            .iter()
            .any(|part| matches!(*part, "expect" | "assert_that" | "verify_that"))
        && !matches!(last(name), "expect" | "assert_that" | "verify_that")
        || matches!(last(name), "should")
}

pub(super) fn reads_the_clock(name: &str) -> bool {
    matches!(
        name,
        "time.time"
            | "datetime.datetime.now"
            | "datetime.datetime.utcnow"
            | "datetime.datetime.today"
            | "datetime.date.today"
            | "datetime.now"
            | "date.today"
            | "django.utils.timezone.now"
    )
}

/// Fixtures whose name is that of a double.
pub(super) fn double_of_fixture(name: &str) -> Option<Double> {
    let kind = match name {
        "mocker" | "class_mocker" | "module_mocker" | "session_mocker" => DoubleKind::Mock,
        "httpx_mock" | "requests_mock" | "responses" | "respx_mock" | "aioresponses"
        | "mock_responses" => DoubleKind::Http,
        "fakeredis" | "fake_redis" | "mongomock" => DoubleKind::Database,
        _ => return None,
    };
    Some(Double {
        kind,
        name: name.to_owned(),
    })
}

/// Decorators that put a double in place.
pub(super) fn double_of_decorator(name: &str, decorator: &Decorator, facts: &mut Vec<Fact>) {
    if let Some(kind) = double_kind(name, None) {
        facts.push(Fact {
            span: span(decorator.range()),
            kind: FactKind::Double(Double {
                kind,
                name: name.to_owned(),
            }),
        });
    }
}

/// Whether a call makes or puts in place a double whose answers the test decides.
pub(super) fn is_made_double(name: &str) -> bool {
    matches!(
        last(name),
        "Mock" | "MagicMock" | "AsyncMock" | "create_autospec"
    ) || matches!(
        name,
        "patch" | "patch.object" | "mocker.patch" | "mocker.patch.object" | "mocker.stub"
    ) || matches!(
        name,
        "unittest.mock.patch" | "unittest.mock.patch.object" | "mock.patch" | "mock.patch.object"
    )
}

/// The kind of double behind a qualified name.
fn double_kind(name: &str, call: Option<&ExprCall>) -> Option<DoubleKind> {
    let starts = |module: &str| {
        name == module
            || name
                .strip_prefix(module)
                .is_some_and(|rest| rest.starts_with('.'))
    };
    let method = last(name);
    if starts("unittest.mock") || starts("mock") {
        return match method {
            "ANY" | "call" | "DEFAULT" | "sentinel" => None,
            _ if name.contains(".patch") || name == "mock.patch" => Some(DoubleKind::Patch),
            "Mock" | "MagicMock" | "AsyncMock" | "NonCallableMock" | "PropertyMock"
            | "create_autospec" | "mock_open" | "seal" => Some(DoubleKind::Mock),
            _ => None,
        };
    }
    if starts("mocker") {
        return Some(match method {
            "Mock" | "MagicMock" | "AsyncMock" | "stub" | "spy" | "create_autospec" => {
                DoubleKind::Mock
            }
            "stopall" | "resetall" | "stop" => return None,
            _ => DoubleKind::Patch,
        });
    }
    if starts("monkeypatch") {
        return match method {
            "setattr" | "delattr" | "setitem" | "delitem" => {
                // Variables of the environment and the search path are no doubles.
                let environ = call
                    .and_then(|call| call.arguments.args.first())
                    .and_then(dotted)
                    .is_some_and(|target| {
                        matches!(
                            target.as_str(),
                            "os.environ" | "environ" | "sys.path" | "sys.argv"
                        )
                    });
                (!environ).then_some(DoubleKind::Patch)
            }
            _ => None,
        };
    }
    for module in [
        "flexmock",
        "doublex",
        "mockito",
        "pretend",
        "asynctest",
        "aiomock",
        "fudge",
        "mox",
    ] {
        if starts(module) {
            return Some(DoubleKind::Mock);
        }
    }
    for module in [
        "responses",
        "respx",
        "httpretty",
        "requests_mock",
        "aioresponses",
        "httmock",
        "vcr",
        "betamax",
        "pook",
        "pytest_httpx",
        "mocket",
        "httpx.MockTransport",
        "httpx_mock",
        "respx_mock",
        "webtest_plus",
        "moto",
    ] {
        if starts(module) {
            return Some(if module == "moto" {
                DoubleKind::Fake
            } else {
                DoubleKind::Http
            });
        }
    }
    for module in [
        "fakeredis",
        "mongomock",
        "mongomock_motor",
        "pymongo_inmemory",
        "mockfirestore",
        "fake_redis",
    ] {
        if starts(module) {
            return Some(DoubleKind::Database);
        }
    }
    None
}

/// `open(shop.__file__)`, `Path(shop.__file__).read_text()`, `(… / "src" / "cart.py").read_text()`.
pub(super) fn reads_source(reader: &Reader<'_>, call: &ExprCall) -> bool {
    let reads = match &*call.func {
        Expr::Name(name) => name.id.as_str() == "open",
        Expr::Attribute(attribute) => {
            matches!(attribute.attr.as_str(), "read_text" | "read_bytes")
        }
        _ => false,
    };
    if !reads || writes(call) {
        return false;
    }
    let text = reader.squeezed(call);
    text.contains(".__file__)") && !text.contains('/')
        || text.contains("\"src\"/") && text.contains(".py\")")
}

/// The facts of one call.
pub(super) fn of_call(
    reader: &Reader<'_>,
    name: &str,
    call: &ExprCall,
    raising: bool,
    bindings: &super::bindings::Bindings<'_>,
    facts: &mut Vec<Fact>,
) {
    let mut put = |kind| {
        facts.push(Fact {
            span: span(call.range()),
            kind,
        });
    };
    let method = last(name);
    let argument = call.arguments.args.first();
    match name {
        "time.sleep" | "asyncio.sleep" | "anyio.sleep" | "trio.sleep" | "gevent.sleep"
        | "eventlet.sleep"
            // `sleep(0)` lets others run and waits for nothing.
            if argument.is_none_or(|argument| constant_alone(argument) != Some(false)) =>
        {
            put(FactKind::Sleep);
        }
        "sys.exit" | "exit" | "quit" if !raising => put(FactKind::Tampers {
            how: "ends the process of the runner".to_owned(),
        }),
        "os._exit" | "pytest.exit" | "os.abort" if !raising => put(FactKind::Tampers {
            how: "ends the process of the runner".to_owned(),
        }),
        "inspect.getsource" | "inspect.getsourcelines" | "inspect.getsourcefile"
            // What the test made itself is no implementation.
            if !argument
                .and_then(super::bindings::root)
                .is_some_and(|root| bindings.makes(&root)) =>
        {
            put(FactKind::ReadsImplementation);
        }
        "print" | "pprint.pprint" | "breakpoint" | "pdb.set_trace" => put(FactKind::Prints),
        _ => {}
    }
    let waits = method == "wait"
        && matches!(&*call.func, Expr::Attribute(attribute) if matches!(&*attribute.value, Expr::Call(_)) && name.contains("Event"));
    if matches!(method, "wait_for_timeout") || waits {
        put(FactKind::Sleep);
    }
    if matches!(
        name,
        "open" | "io.open" | "pathlib.Path" | "Path" | "codecs.open"
    ) && let Some(Expr::StringLiteral(literal)) = argument
        && is_source_path(literal.value.to_str())
        && !writes(call)
    {
        put(FactKind::ReadsImplementation);
    }
    if reads_source(reader, call) {
        put(FactKind::ReadsImplementation);
    }
    if let Some(on) = chance(name)
        && !reader.text.contains("random.seed(")
    {
        put(FactKind::Unrepeatable { on });
    }
    if let Some(kind) = double_kind(name, Some(call)) {
        put(FactKind::Double(Double {
            kind,
            name: name.to_owned(),
        }));
    } else if is_in_memory(name, call) {
        put(FactKind::Double(Double {
            kind: DoubleKind::Database,
            name: reader.text_of(call).chars().take(60).collect(),
        }));
    } else if is_fake(name) {
        put(FactKind::Double(Double {
            kind: DoubleKind::Fake,
            name: name.to_owned(),
        }));
    }
}

/// Whether a value is the answer of a predicate: yes or no.
pub(super) fn is_answer(reader: &Reader<'_>, target: &str, value: &Expr) -> bool {
    let predicate = |name: &str| {
        let words: Vec<&str> = name.trim_start_matches('_').split('_').collect();
        matches!(
            words.first().copied(),
            Some(
                "is" | "has"
                    | "can"
                    | "should"
                    | "was"
                    | "are"
                    | "does"
                    | "did"
                    | "all"
                    | "any"
                    | "verify"
                    | "valid"
                    | "check"
                    | "matches"
                    | "match"
                    | "exists"
                    | "contains"
                    | "supports"
                    | "validate"
                    | "equal"
                    | "equals"
            )
        ) || words.iter().any(|word| {
            matches!(
                *word,
                "ok" | "valid" | "verified" | "success" | "found" | "equal"
            )
        }) || matches!(
            name,
            "isinstance"
                | "callable"
                | "hasattr"
                | "bool"
                | "startswith"
                | "endswith"
                | "isdigit"
                | "verify"
        )
    };
    let value = match value {
        Expr::Await(wait) => &wait.value,
        other => other,
    };
    match value {
        Expr::Call(call) => {
            predicate(target)
                || reader
                    .names
                    .qualified(&call.func)
                    .is_some_and(|name| predicate(last(&name)))
        }
        Expr::Compare(_) | Expr::BoolOp(_) | Expr::UnaryOp(_) | Expr::BooleanLiteral(_) => true,
        _ => false,
    }
}

/// A class of the tests that stands in for a real one, by its name.
fn is_fake(name: &str) -> bool {
    let class = last(name);
    ["Fake", "Stub", "Dummy", "Mock", "InMemory", "Spy"]
        .iter()
        .any(|word| {
            class
                .strip_prefix(word)
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
        })
}

fn is_in_memory(name: &str, call: &ExprCall) -> bool {
    let text = |expression: &Expr| match expression {
        Expr::StringLiteral(literal) => Some(literal.value.to_str().to_owned()),
        _ => None,
    };
    let first = call
        .arguments
        .args
        .first()
        .and_then(text)
        .unwrap_or_default();
    match last(name) {
        "connect" => first == ":memory:" || first.contains("mode=memory"),
        "create_engine" | "create_async_engine" | "Database" | "SqliteDatabase" => {
            first == "sqlite://"
                || first.contains(":memory:")
                || first.starts_with("sqlite+aiosqlite://") && first.len() < 22
        }
        _ => false,
    }
}

fn chance(name: &str) -> Option<&'static str> {
    let method = name
        .strip_prefix("random.")
        .or_else(|| name.strip_prefix("numpy.random."))
        .or_else(|| name.strip_prefix("uuid."))?;
    matches!(
        method,
        "random"
            | "randint"
            | "choice"
            | "choices"
            | "shuffle"
            | "sample"
            | "uniform"
            | "randrange"
            | "gauss"
            | "rand"
            | "randn"
            | "uuid4"
            | "uuid1"
    )
    .then_some("chance")
}

fn is_source_path(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let lower = path.to_ascii_lowercase();
    std::path::Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "py")
        && ![
            "test", "conftest", "tmp", "example", "sample", "fixture", "docs", "setup.py",
        ]
        .iter()
        .any(|word| lower.contains(word))
        && path.contains('/')
}

fn writes(call: &ExprCall) -> bool {
    let mode = call.arguments.args.get(1).or_else(|| {
        call.arguments
            .find_keyword("mode")
            .map(|keyword| &keyword.value)
    });
    matches!(mode, Some(Expr::StringLiteral(literal)) if literal.value.to_str().contains(['w', 'a', 'x']))
}

/// `app.dependency_overrides[get_db] = …`, `module.function = Mock()`.
pub(super) fn of_assignment(
    reader: &Reader<'_>,
    target: &Expr,
    value: &Expr,
    facts: &mut Vec<Fact>,
) {
    let Some(name) = reader.names.qualified(target) else {
        return;
    };
    if name.split('.').any(|part| part == "dependency_overrides") {
        facts.push(Fact {
            span: span(target.range()),
            kind: FactKind::Double(Double {
                kind: DoubleKind::Override,
                name,
            }),
        });
    } else if matches!(name.as_str(), "sys.modules") && !matches!(value, Expr::NoneLiteral(_)) {
        facts.push(Fact {
            span: span(target.range()),
            kind: FactKind::Double(Double {
                kind: DoubleKind::Patch,
                name: "sys.modules".to_owned(),
            }),
        });
    } else if matches!(target, Expr::Attribute(_))
        && matches!(last(&name), "outcome")
        && ["report", "rep", "result"]
            .iter()
            .any(|word| name.starts_with(word))
    {
        facts.push(Fact {
            span: span(target.range()),
            kind: FactKind::Tampers {
                how: "writes the outcome of a test".to_owned(),
            },
        });
    }
}

/// Classes that are equal to everything.
pub(super) fn of_class(class: &StmtClassDef, facts: &mut Vec<Fact>) {
    for statement in &class.body {
        if let Stmt::FunctionDef(function) = statement
            && function.name.as_str() == "__eq__"
            && let [.., Stmt::Return(leave)] = &*function.body
            && function.body.len() <= 2
            && leave.value.as_deref().and_then(constant_alone) == Some(true)
        {
            facts.push(Fact {
                span: span(function.name.range()),
                kind: FactKind::Tampers {
                    how: format!("`{}` is equal to everything", class.name),
                },
            });
        }
    }
}

/// Hooks of a `conftest.py`, and functions of the runner that are replaced.
pub(super) fn of_module(reader: &Reader<'_>, body: &[Stmt], facts: &mut Vec<Fact>) {
    for statement in body {
        match statement {
            Stmt::FunctionDef(function) => {
                let hook = function.name.as_str();
                if !hook.starts_with("pytest_") {
                    continue;
                }
                let mut looks = Outcome(false);
                for statement in &function.body {
                    looks.visit_stmt(statement);
                }
                let how = match hook {
                    "pytest_runtest_makereport"
                    | "pytest_runtest_logreport"
                    | "pytest_report_teststatus"
                        if looks.0 =>
                    {
                        "writes the outcome of a test"
                    }
                    "pytest_runtest_protocol" | "pytest_runtest_call" | "pytest_pyfunc_call"
                        if looks.0 =>
                    {
                        "takes the place of running a test"
                    }
                    "pytest_sessionfinish" if looks.0 => "writes the exit code of the session",
                    "pytest_collection_modifyitems" if deselects_everything(&function.body) => {
                        "takes every test out of the session"
                    }
                    _ => continue,
                };
                facts.push(Fact {
                    span: span(function.name.range()),
                    kind: FactKind::Tampers {
                        how: how.to_owned(),
                    },
                });
            }
            Stmt::Assign(assign) => {
                for target in &assign.targets {
                    let name = reader.names.qualified(target).unwrap_or_default();
                    if matches!(target, Expr::Attribute(_))
                        && name.starts_with("unittest.TestCase.assert")
                        || name.starts_with("unittest.case.")
                        || name.starts_with("_pytest.")
                        || name.starts_with("builtins.")
                    {
                        facts.push(Fact {
                            span: span(target.range()),
                            kind: FactKind::Tampers {
                                how: format!("replaces `{name}`"),
                            },
                        });
                    }
                }
            }
            _ => {}
        }
    }
}

/// `items[:] = []`, `items.clear()`, or a skip mark on every item without a condition.
fn deselects_everything(body: &[Stmt]) -> bool {
    body.iter().any(|statement| match statement {
        Stmt::Assign(assign) => {
            matches!(&*assign.value, Expr::List(list) if list.elts.is_empty())
                && assign.targets.iter().any(|target| matches!(target, Expr::Subscript(_)))
        }
        Stmt::Expr(expression) => matches!(&*expression.value, Expr::Call(call)
            if dotted(&call.func).as_deref() == Some("items.clear")),
        Stmt::Delete(delete) => delete.targets.iter().any(
            |target| matches!(target, Expr::Subscript(part) if matches!(&*part.slice, Expr::Slice(_))),
        ),
        _ => false,
    }) || matches!(body, [Stmt::For(each)] if matches!(&*each.body, [Stmt::Expr(marked)]
        if matches!(&*marked.value, Expr::Call(call) if dotted(&call.func).is_some_and(|name| last(&name) == "add_marker")
            && call.arguments.args.iter().any(|mark| dotted(mark).is_some_and(|name| matches!(last(&name), "skip" | "xfail"))))))
}

/// Assignments to an outcome or an exit code.
struct Outcome(bool);
impl<'a> Visitor<'a> for Outcome {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        if let Stmt::Assign(assign) = statement {
            self.0 |= assign.targets.iter().any(|target| {
                matches!(target, Expr::Attribute(attribute)
                    if matches!(attribute.attr.as_str(), "outcome" | "exitstatus" | "wasxfail" | "testsfailed" | "longrepr" | "obj"))
            });
        }
        ruff_python_ast::visitor::walk_stmt(self, statement);
    }
}

/// `@pytest.mark.parametrize(names, values)`.
pub(super) fn parameters(reader: &Reader<'_>, call: &ExprCall, facts: &mut Vec<Fact>) {
    let values = call.arguments.args.get(1).or_else(|| {
        call.arguments
            .find_keyword("argvalues")
            .map(|keyword| &keyword.value)
    });
    let Some(values) = values else { return };
    let mut put = |kind| {
        facts.push(Fact {
            span: span(values.range()),
            kind,
        });
    };
    match values {
        Expr::List(list) if list.elts.is_empty() => put(FactKind::NoParameters),
        Expr::Tuple(tuple) if tuple.elts.is_empty() => put(FactKind::NoParameters),
        other if super::looks::never_runs(other) => put(FactKind::NoParameters),
        // A table of the module that is empty and is mentioned nowhere else.
        Expr::Name(name) if is_empty_table(reader, name.id.as_str()) => put(FactKind::NoParameters),
        other if !is_literal(other) => {
            let mut subjects = Subjects {
                reader,
                found: false,
            };
            subjects.visit_expr(other);
            if subjects.found {
                put(FactKind::ParametersFromSubject);
            }
        }
        _ => {}
    }
}

fn is_empty_table(reader: &Reader<'_>, name: &str) -> bool {
    let empty = reader
        .module_values
        .get(name)
        .is_some_and(|value| super::looks::never_runs(value));
    empty && reader.text.matches(name).count() == 2
}

/// Marks of single parameter sets: `pytest.param(…, marks=pytest.mark.skip)`.
pub(super) fn marks_of_parameters<'a>(reader: &Reader<'a>, call: &'a ExprCall) -> Vec<&'a Expr> {
    struct Marks<'r, 'a> {
        reader: &'r Reader<'a>,
        found: Vec<&'a Expr>,
    }
    impl<'a> Visitor<'a> for Marks<'_, 'a> {
        fn visit_expr(&mut self, expression: &'a Expr) {
            if let Expr::Call(call) = expression
                && self
                    .reader
                    .names
                    .qualified(&call.func)
                    .is_some_and(|name| last(&name) == "param")
                && let Some(marks) = call.arguments.find_keyword("marks")
            {
                match &marks.value {
                    Expr::List(list) => self.found.extend(&list.elts),
                    Expr::Tuple(tuple) => self.found.extend(&tuple.elts),
                    other => self.found.push(other),
                }
            }
            walk_expr(self, expression);
        }
    }
    let mut marks = Marks {
        reader,
        found: Vec::new(),
    };
    for argument in &call.arguments.args {
        marks.visit_expr(argument);
    }
    marks.found
}

/// Calls of what a project names as its own packages.
struct Subjects<'r, 'a> {
    reader: &'r Reader<'a>,
    found: bool,
}
impl<'a> Visitor<'a> for Subjects<'_, '_> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Call(call) = expression
            && let Some(name) = self.reader.names.qualified(&call.func)
            && !name.starts_with("pytest.")
        {
            let first = name.split('.').next().unwrap_or("");
            // A class that is made is a value of the test; a function that is called is asked for the expectation.
            let is_function = last(&name).starts_with(|c: char| c.is_lowercase());
            self.found |= is_function && self.reader.options.first_party.contains(first);
        }
        walk_expr(self, expression);
    }
}
