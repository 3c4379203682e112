//! One Go function with its statements.

use super::is_test_name;
use crate::quality::Options;
use crate::quality::extract::must_not_raise;
use crate::quality::model::{
    Assertion, Asserts, Context, Double, DoubleKind, Fact, FactKind, FileModel, Helper, Strength,
    TestModel,
};
use crate::syntax::{children, text_of};
use tree_sitter::Node;

/// Blocks nested deeper are not looked into.
const DEEPEST: usize = 120;

pub(super) fn function(text: &str, options: &Options, node: Node<'_>, file: &mut FileModel) {
    let Some(name_node) = node.child_by_field_name("name") else {
        return;
    };
    let name = text_of(name_node, text);
    let parameters = node
        .child_by_field_name("parameters")
        .map_or("", |node| text_of(node, text));
    let body = node.child_by_field_name("body");
    if name == "TestMain" {
        let ends = body.is_some_and(|body| text_of(body, text).contains("os.Exit(0)"));
        if ends {
            file.facts.push(Fact {
                span: name_node.byte_range(),
                kind: FactKind::Tampers {
                    how: "ends the process with success whatever the tests say".to_owned(),
                },
            });
        }
        return;
    }
    if !is_test_name(name) {
        if name.to_lowercase().starts_with("test")
            && parameters.contains("*testing.T")
            && !parameters.contains(',')
            // Called by a test: a helper with that name.
            && text.matches(name).count() == 1
        {
            file.facts.push(Fact {
                span: name_node.byte_range(),
                kind: FactKind::NotCollected {
                    sure: true,
                    why: format!("the go tool runs `TestX`, not `{name}`"),
                },
            });
        }
        return;
    }
    // `func TestX(t *testing.T, more int)` is a helper.
    if node.kind() == "function_declaration"
        && (parameters.contains(',') || !parameters.contains("testing."))
    {
        return;
    }
    let handle = parameters
        .trim_start_matches('(')
        .split_whitespace()
        .next()
        .unwrap_or("t")
        .to_owned();
    let statements = body.map(statements_of).unwrap_or_default();
    let whole = text_of(node, text);
    let mut walk = Walk {
        text,
        options,
        handle: if node.kind() == "method_declaration" {
            "s".to_owned()
        } else {
            handle
        },
        is_suite: node.kind() == "method_declaration",
        test: TestModel {
            name: name.to_owned(),
            span: node.byte_range(),
            name_span: name_node.byte_range(),
            is_empty: statements.is_empty(),
            assertions: Vec::new(),
            helpers: Vec::new(),
            facts: Vec::new(),
            must_not_raise: must_not_raise(&split(name), whole),
            hands_on: false,
        },
        context: Context::default(),
        begun: false,
        in_goroutine: false,
    };
    if let Some(body) = body {
        walk.block(body, 0);
    }
    file.tests.push(walk.test);
}

/// `TestAddsTwoNumbers` as words with `_`.
fn split(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push('_');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}

pub(super) fn comment(text: &str, node: Node<'_>, facts: &mut Vec<Fact>) {
    let words = text_of(node, text).trim_start_matches('/').trim();
    let kind = if ["nolint", "#nosec", "NOSONAR", "lint:ignore"]
        .iter()
        .any(|known| words.starts_with(known))
    {
        FactKind::Suppression {
            text: format!("//{}", words.split_whitespace().next().unwrap_or("")),
        }
    } else if (words.starts_with("assert.")
        || words.starts_with("require.")
        || words.starts_with("t.Error")
        || words.starts_with("t.Fatal"))
        && words.ends_with(')')
        || words.starts_with("func Test") && words.ends_with('{')
    {
        FactKind::CommentedOut
    } else {
        return;
    };
    facts.push(Fact {
        span: node.byte_range(),
        kind,
    });
}

/// The statements of a block; a grammar may put them in a list of their own.
fn statements_of(block: Node<'_>) -> Vec<Node<'_>> {
    let mut found = Vec::new();
    for child in children(block) {
        if child.kind() == "statement_list" {
            found.extend(children(child));
        } else {
            found.push(child);
        }
    }
    found.retain(|node| node.kind() != "comment" && node.kind() != "empty_statement");
    found
}

struct Walk<'t> {
    text: &'t str,
    options: &'t Options,
    /// The name of `*testing.T`; a subtest may have another one.
    handle: String,
    is_suite: bool,
    test: TestModel,
    context: Context,
    begun: bool,
    in_goroutine: bool,
}

impl Walk<'_> {
    fn fact(&mut self, node: Node<'_>, kind: FactKind) {
        self.test.facts.push(Fact {
            span: node.byte_range(),
            kind,
        });
    }

    fn assertion(&mut self, node: Node<'_>, strength: Strength, context: Context) {
        let text = text_of(node, self.text).split_whitespace().collect();
        self.test.assertions.push(Assertion {
            span: node.byte_range(),
            strength,
            context,
            text,
        });
        self.begun = true;
    }

    fn block(&mut self, block: Node<'_>, depth: usize) {
        let before = self.context.unreachable;
        for child in children(block) {
            if child.kind() == "statement_list" {
                self.statements(children(child), depth);
            } else {
                self.statements(vec![child], depth);
            }
        }
        self.context.unreachable = before;
    }

    fn statements(&mut self, statements: Vec<Node<'_>>, depth: usize) {
        for statement in statements {
            self.node(statement, depth);
            let leaves = matches!(
                statement.kind(),
                "return_statement" | "break_statement" | "continue_statement"
            ) || statement.kind() == "expression_statement" && {
                let text = text_of(statement, self.text);
                [
                    "FailNow()",
                    "Skip(",
                    "Skipf(",
                    "SkipNow()",
                    "Fatal(",
                    "Fatalf(",
                ]
                .iter()
                .any(|call| text.starts_with(&format!("{}.{call}", self.handle)))
            };
            if leaves {
                self.context.unreachable = true;
            }
        }
    }

    fn within(&mut self, change: impl FnOnce(&mut Context), act: impl FnOnce(&mut Self)) {
        let before = self.context;
        change(&mut self.context);
        act(self);
        self.context = before;
    }

    fn node(&mut self, node: Node<'_>, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        match node.kind() {
            "comment" => {
                let mut facts = Vec::new();
                comment(self.text, node, &mut facts);
                self.test.facts.append(&mut facts);
            }
            "if_statement" => self.branch(node, depth),
            "for_statement" => {
                let runs = self.surely_runs(node);
                self.within(
                    |context| context.in_loop |= !runs,
                    |walk| walk.inner(node, depth),
                );
            }
            "go_statement" => {
                let before = std::mem::replace(&mut self.in_goroutine, true);
                self.inner(node, depth);
                self.in_goroutine = before;
            }
            "expression_switch_statement" | "type_switch_statement" | "select_statement" => {
                self.within(
                    |context| context.conditional = true,
                    |walk| walk.inner(node, depth),
                );
            }
            "func_literal" => {
                let before = self.context.unreachable;
                self.context.unreachable = false;
                // `func(st *testing.T) {`
                let handle = node
                    .child_by_field_name("parameters")
                    .map(|parameters| text_of(parameters, self.text))
                    .filter(|parameters| parameters.contains("*testing."))
                    .and_then(|parameters| {
                        parameters.trim_start_matches('(').split_whitespace().next()
                    })
                    .map_or_else(|| self.handle.clone(), str::to_owned);
                let outer = std::mem::replace(&mut self.handle, handle);
                self.inner(node, depth);
                self.handle = outer;
                self.context.unreachable = before;
            }
            "defer_statement" => {
                // `defer func() { recover() }()`
                let text = text_of(node, self.text);
                if text.contains("recover()")
                    && !text.contains(&format!("{}.", self.handle))
                    && !text.contains("assert")
                    && !text.contains("require")
                {
                    self.fact(node, FactKind::Swallows { broad: true });
                }
                self.inner(node, depth);
            }
            "call_expression" => self.call(node, depth),
            _ => {
                if matches!(
                    node.kind(),
                    "short_var_declaration" | "assignment_statement" | "var_declaration"
                ) {
                    self.begun = true;
                }
                self.inner(node, depth);
            }
        }
    }

    fn inner(&mut self, node: Node<'_>, depth: usize) {
        for child in children(node) {
            match child.kind() {
                "block" => self.block(child, depth + 1),
                _ => self.node(child, depth + 1),
            }
        }
    }

    /// `if got != want { t.Errorf(…) }`: the condition is the assertion.
    fn branch(&mut self, node: Node<'_>, depth: usize) {
        let condition = node.child_by_field_name("condition");
        let consequence = node.child_by_field_name("consequence");
        if let Some(condition) = condition {
            self.node(condition, depth + 1);
        }
        let fails = consequence.is_some_and(|block| self.fails_directly(block));
        if let (true, Some(condition)) = (fails, condition) {
            let strength = self.strength_of_condition(condition);
            let context = self.context;
            self.assertion(condition, strength, context);
            if self.in_goroutine
                && consequence.is_some_and(|block| {
                    text_of(block, self.text).contains(&format!("{}.Fatal", self.handle))
                })
            {
                self.fact(node, FactKind::UnseenFailure);
            }
        }
        // Where every branch asserts, something is asserted.
        let alternative = node.child_by_field_name("alternative");
        let exhaustive = !fails
            && alternative.is_some_and(|other| other.kind() == "block" && self.asserts_in(other))
            && consequence.is_some_and(|block| self.asserts_in(block));
        self.within(
            |context| context.conditional |= !exhaustive,
            |walk| {
                if let Some(block) = consequence
                    && !fails
                {
                    walk.block(block, depth + 1);
                }
                if let Some(other) = node.child_by_field_name("alternative") {
                    walk.node(other, depth + 1);
                    if other.kind() == "block" {
                        walk.block(other, depth + 1);
                    }
                }
            },
        );
    }

    /// Whether a block asserts something.
    fn asserts_in(&self, block: Node<'_>) -> bool {
        let text = text_of(block, self.text);
        ["assert.", "require.", "Expect("]
            .iter()
            .any(|word| text.contains(word))
            || ["Error", "Fatal", "Fail"]
                .iter()
                .any(|call| text.contains(&format!("{}.{call}", self.handle)))
    }

    /// Whether a block calls `t.Error` or one of its like in one of its own statements.
    fn fails_directly(&self, block: Node<'_>) -> bool {
        statements_of(block).into_iter().any(|statement| {
            let text = text_of(statement, self.text);
            [
                "Error(",
                "Errorf(",
                "Fatal(",
                "Fatalf(",
                "Fail()",
                "FailNow()",
            ]
            .iter()
            .any(|call| text.starts_with(&format!("{}.{call}", self.handle)))
                || text.starts_with("panic(")
        })
    }

    fn strength_of_condition(&mut self, condition: Node<'_>) -> Strength {
        let text: String = text_of(condition, self.text).split_whitespace().collect();
        if matches!(text.as_str(), "true" | "1!=1" | "1==1") {
            return Strength::Value;
        }
        if let Some((left, right)) = text.split_once("!=")
            && left == right
            && !left.contains('(')
        {
            self.fact(condition, FactKind::ComparesItself);
            return Strength::None;
        }
        match text.as_str() {
            "err!=nil" | "nil!=err" => Strength::Predicate,
            _ if text.ends_with("==nil") => Strength::Weak,
            _ => Strength::Value,
        }
    }

    fn surely_runs(&self, node: Node<'_>) -> bool {
        let clause = children(node)
            .into_iter()
            .find(|child| child.kind().ends_with("clause"));
        let Some(clause) = clause else { return false };
        match clause.kind() {
            "range_clause" => {
                let over = clause
                    .child_by_field_name("right")
                    .map_or("", |node| text_of(node, self.text));
                // A table that is written down in the test, or counted.
                over.contains('{')
                    || over.parse::<u64>().is_ok_and(|n| n > 0)
                    || text_of_test(self.text, &self.test).contains(&format!("{over} := []"))
                    || text_of_test(self.text, &self.test).contains(&format!("{over} := map["))
                    || text_of_test(self.text, &self.test).contains(&format!("{over} = []"))
                    || self.text.contains(&format!("var {over} = []"))
                    || self.text.contains(&format!("var {over} = map["))
            }
            _ => true,
        }
    }

    fn call(&mut self, node: Node<'_>, depth: usize) {
        let function = node.child_by_field_name("function");
        let name: String = function
            .map_or("", |function| text_of(function, self.text))
            .split_whitespace()
            .collect();
        let arguments: Vec<Node<'_>> = node
            .child_by_field_name("arguments")
            .map(children)
            .unwrap_or_default();
        let argument = |index: usize| arguments.get(index).map(|node| text_of(*node, self.text));
        let (package, method) = name.rsplit_once('.').unwrap_or(("", name.as_str()));
        let context = self.context;
        if package == self.handle && !self.is_suite {
            match method {
                "Error" | "Errorf" | "Fatal" | "Fatalf" | "Fail" | "FailNow" => {
                    if context.conditional || context.in_handler {
                        self.assertion(
                            node,
                            Strength::Value,
                            Context {
                                conditional: false,
                                ..context
                            },
                        );
                    } else {
                        let first = !self.begun && !context.in_loop;
                        self.fact(node, FactKind::AlwaysFails { first });
                    }
                    if self.in_goroutine && (method.starts_with("Fatal") || method == "FailNow") {
                        self.fact(node, FactKind::UnseenFailure);
                    }
                }
                "Skip" | "Skipf" | "SkipNow" => self.fact(
                    node,
                    FactKind::Skip {
                        conditional: context.conditional,
                        reason: !arguments.is_empty(),
                        in_body: self.begun || context.conditional,
                    },
                ),
                // `t.Run("name", testTotal)`: what runs stands elsewhere.
                "Run"
                    if arguments
                        .get(1)
                        .is_some_and(|run| run.kind() != "func_literal") =>
                {
                    self.test.helpers.push(Helper {
                        name: argument(1).unwrap_or("").to_owned(),
                        asserts: Asserts::Named,
                    });
                }
                "Log" | "Logf" | "Helper" | "Parallel" | "Cleanup" | "Setenv" | "TempDir"
                | "Name" | "Run" | "Context" | "Chdir" => {}
                _ => {}
            }
        } else if matches!(
            package,
            "assert"
                | "require"
                | "is"
                | "should"
                | "must"
                | "qt"
                | "c"
                | "a"
                | "r"
                | "tassert"
                | "g"
        ) && method.starts_with(|c: char| c.is_ascii_uppercase())
            || self.is_suite
                && (package == self.handle
                    || package.ends_with("Require()")
                    || package.ends_with("Assert()"))
                && method.starts_with(|c: char| c.is_ascii_uppercase())
                && !matches!(method, "T" | "Run" | "SetT" | "Require" | "Assert")
        {
            self.testify(node, method, &arguments, context);
        } else if (package.starts_with("Expect(")
            || package.contains(".Expect(")
            || package.starts_with("Ω("))
            && matches!(method, "To" | "ToNot" | "NotTo" | "Should" | "ShouldNot")
        {
            self.assertion(node, Strength::Value, context);
        } else if arguments
            .iter()
            .any(|node| text_of(*node, self.text) == self.handle)
            || self.is_suite
                && arguments
                    .iter()
                    .any(|node| text_of(*node, self.text).ends_with(".T()"))
        {
            // What takes the handle may fail the test.
            if !matches!(package, "httptest" | "context") {
                self.test.helpers.push(Helper {
                    name: name.clone(),
                    asserts: Asserts::Named,
                });
            }
        } else if self.options.is_assertion(&name) {
            self.test.helpers.push(Helper {
                name: name.clone(),
                asserts: Asserts::Unknown,
            });
        }
        self.plain_call(node, &name, package, method, argument(0));
        self.begun |= !matches!(method, "Parallel" | "Helper" | "Run");
        self.inner(node, depth);
    }

    /// `assert.Equal(t, want, got)`
    fn testify(&mut self, node: Node<'_>, method: &str, arguments: &[Node<'_>], context: Context) {
        let skip = usize::from(arguments.first().is_some_and(|first| {
            let text = text_of(*first, self.text);
            text == self.handle || text.ends_with(".T()")
        }));
        let of = |index: usize| {
            arguments
                .get(index + skip)
                .map(|node| text_of(*node, self.text))
        };
        let base = method
            .strip_suffix('f')
            .filter(|base| !base.ends_with("El"))
            .unwrap_or(method);
        let strength = match base {
            "True" | "IsTrue" if of(0) == Some("true") => {
                self.fact(node, FactKind::ConstantTrue { in_callback: false });
                Strength::None
            }
            "True" if of(0) == Some("false") => {
                let first = !self.begun;
                self.fact(node, FactKind::AlwaysFails { first });
                return;
            }
            "False" if of(0) == Some("false") => {
                self.fact(node, FactKind::ConstantTrue { in_callback: false });
                Strength::None
            }
            "Fail" | "FailNow" => {
                let first = !self.begun && !context.conditional;
                self.fact(node, FactKind::AlwaysFails { first });
                return;
            }
            "Equal" | "EqualValues" | "Exactly" | "Same" | "JSONEq" => match (of(0), of(1)) {
                (Some(left), Some(right)) if left == right && !left.contains('(') => {
                    let literal = left.starts_with(|c: char| c.is_ascii_digit() || c == '"')
                        || matches!(left, "true" | "false" | "nil");
                    self.fact(
                        node,
                        if literal {
                            FactKind::ConstantTrue { in_callback: false }
                        } else {
                            FactKind::ComparesItself
                        },
                    );
                    Strength::None
                }
                _ => Strength::Value,
            },
            "NotNil" | "NotEmpty" | "NotZero" => Strength::Weak,
            "NoError" | "Nil" | "Error" | "Implements" | "IsType" | "NotPanics" => {
                Strength::Predicate
            }
            "True" | "False" => Strength::Predicate,
            "Panics" => Strength::Raises,
            "AssertExpectations" | "AssertNumberOfCalls" | "AssertCalled" | "AssertNotCalled" => {
                Strength::MockCalledWith
            }
            _ => Strength::Value,
        };
        self.assertion(node, strength, context);
        if self.in_goroutine && text_of(node, self.text).starts_with("require.") {
            self.fact(node, FactKind::UnseenFailure);
        }
    }

    fn plain_call(
        &mut self,
        node: Node<'_>,
        name: &str,
        package: &str,
        method: &str,
        first: Option<&str>,
    ) {
        let double = |kind| {
            FactKind::Double(Double {
                kind,
                name: name.to_owned(),
            })
        };
        match name {
            "time.Sleep" => self.fact(node, FactKind::Sleep),
            "os.Exit" | "syscall.Exit" => self.fact(
                node,
                FactKind::Tampers {
                    how: "ends the process of the runner".to_owned(),
                },
            ),
            "panic" if !self.context.conditional && !self.begun => {
                self.fact(node, FactKind::AlwaysFails { first: true })
            }
            "fmt.Println" | "fmt.Printf" | "println" | "fmt.Print" => {
                self.fact(node, FactKind::Prints)
            }
            "rand.Int" | "rand.Intn" | "rand.Float64" | "rand.Perm" | "rand.Shuffle"
            | "rand.Int63" | "rand.IntN" => {
                self.fact(node, FactKind::Unrepeatable { on: "chance" });
            }
            "gomock.NewController" => self.fact(node, double(DoubleKind::Mock)),
            "sqlmock.New"
            | "sqlmock.NewWithDSN"
            | "miniredis.Run"
            | "miniredis.RunT"
            | "redismock.NewClientMock"
            | "pgxmock.NewPool"
            | "pgxmock.NewConn" => {
                self.fact(node, double(DoubleKind::Database));
            }
            "httpmock.Activate" | "httpmock.RegisterResponder" | "gock.New" => {
                self.fact(node, double(DoubleKind::Http))
            }
            "os.ReadFile" | "os.Open" | "ioutil.ReadFile" => {
                let source = first.is_some_and(|path| {
                    let path = path.trim_matches('"');
                    path.ends_with(".go")
                        && !path.contains("testdata")
                        && !path.contains("_test.go")
                        && first.is_some_and(|text| text.starts_with('"'))
                });
                if source {
                    self.fact(node, FactKind::ReadsImplementation);
                }
            }
            "sql.Open" | "gorm.Open"
                if text_of(node, self.text).contains(":memory:")
                    || text_of(node, self.text).contains("mode=memory") =>
            {
                self.fact(node, double(DoubleKind::Database));
            }
            _ => {
                let built = method.strip_prefix("New").is_some_and(|rest| {
                    ["Mock", "Fake", "Stub"]
                        .iter()
                        .any(|word| rest.starts_with(word))
                });
                if built || package == "mocks" {
                    self.fact(node, double(DoubleKind::Mock));
                }
            }
        }
    }
}

fn text_of_test<'t>(text: &'t str, test: &TestModel) -> &'t str {
    text.get(test.span.clone()).unwrap_or("")
}
