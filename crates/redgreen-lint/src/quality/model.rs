//! What a test file says, the same for every language: tests, assertions, and facts that rules judge.
//!
//! An extractor per language fills this model from a syntax tree; a rule reads nothing else. So a rule is written once,
//! and a language is added without touching a rule.

use std::ops::Range;

/// A place in the text, in bytes.
pub type Span = Range<usize>;

/// A file.
#[derive(Debug, Clone, Default)]
pub struct FileModel {
    /// Its tests, in the order of the file.
    pub tests: Vec<TestModel>,
    /// Facts that belong to no test: hooks, comments, lost definitions.
    pub facts: Vec<Fact>,
}

impl FileModel {
    /// Takes in a fact: of the test it stands in, or of the file.
    pub(super) fn add(&mut self, fact: Fact) {
        let place = fact.span.start;
        match self
            .tests
            .iter_mut()
            .find(|test| test.span.contains(&place))
        {
            Some(test) => test.facts.push(fact),
            None => self.facts.push(fact),
        }
    }
}

/// A test function.
#[derive(Debug, Clone)]
pub struct TestModel {
    /// The item name, as in its id: `TestCart::test_total`, `tests::doubles`, `cart > adds`.
    pub name: String,
    /// From its first decorator or attribute to its end.
    pub span: Span,
    /// Its name, where a finding about the whole test points.
    pub name_span: Span,
    /// Nothing but comments, a docstring, `pass` or `…`.
    pub is_empty: bool,
    /// What it asserts itself.
    pub assertions: Vec<Assertion>,
    /// What it calls that asserts for it, or may.
    pub helpers: Vec<Helper>,
    /// Facts that rules judge.
    pub facts: Vec<Fact>,
    /// Its name or its comments say that nothing being raised is the whole promise.
    pub must_not_raise: bool,
    /// It hands work to something whose code is elsewhere and may assert: a method of a base class in another file.
    pub hands_on: bool,
}

/// An assertion.
#[derive(Debug, Clone)]
pub struct Assertion {
    /// The statement.
    pub span: Span,
    /// How much it says.
    pub strength: Strength,
    /// Where it stands.
    pub context: Context,
    /// The assertion without blanks, to find the same one twice.
    pub text: String,
}

/// How much an assertion says of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// Nothing: a constant, a value against itself.
    None,
    /// What a double was told to answer: nothing of the code.
    OfDouble,
    /// That a bare name or attribute is truthy, or that something is there (`is not None`, `toBeDefined`).
    Weak,
    /// That an attribute is truthy, which may be a flag.
    Flag,
    /// Of which type something is, that it has an attribute, that a collection is not empty.
    Shape,
    /// That a call says yes (`assert cart.is_empty()`), that a result is not an error.
    Predicate,
    /// That a double was called, without its arguments.
    MockCalled,
    /// That a double was called with these arguments, or how often.
    MockCalledWith,
    /// That an error of a named kind is raised.
    Raises,
    /// That a stored snapshot is matched.
    Snapshot,
    /// A comparison with a value.
    Value,
}

/// Where an assertion stands inside its test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Context {
    /// Below an `if`, `match` or conditional expression.
    pub conditional: bool,
    /// In a loop.
    pub in_loop: bool,
    /// In the handler of an exception.
    pub in_handler: bool,
    /// In a `try` whose handler catches the failure of the assertion and does not raise it again.
    pub swallowed: bool,
    /// After a statement that always leaves the block.
    pub unreachable: bool,
    /// In a function of the test that nothing calls.
    pub uncalled: bool,
    /// In a block that ends with the statement that is expected to raise.
    pub in_raises: bool,
}

/// A call that may assert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Helper {
    /// As it is written: `check_total`, `self.assert_ok`, `helpers.verify`.
    pub name: String,
    /// Whether it asserts.
    pub asserts: Asserts,
}

/// Whether a helper asserts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asserts {
    /// Its definition was read, and it does.
    Yes,
    /// Its definition was read, and it does not.
    No,
    /// It is defined elsewhere, and its name or its arguments say that it does.
    Named,
    /// Nothing is known.
    Unknown,
}

/// Something that a rule may call a finding.
#[derive(Debug, Clone)]
pub struct Fact {
    /// Where.
    pub span: Span,
    /// What.
    pub kind: FactKind,
}

/// The kinds of facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactKind {
    /// An assertion on a constant that is true.
    ConstantTrue {
        /// In a callback, where it may show that the callback was called.
        in_callback: bool,
    },
    /// A pure expression compared with itself.
    ComparesItself,
    /// The expected value is what the code under test answers to the same question.
    ExpectedFromSubject,
    /// Fails whatever the code does; `only` when nothing that could pass comes before it.
    AlwaysFails {
        /// Nothing comes before it.
        first: bool,
    },
    /// A skip.
    Skip {
        /// Under a condition.
        conditional: bool,
        /// With a reason.
        reason: bool,
        /// In the body, not as a mark.
        in_body: bool,
    },
    /// Expected to fail.
    ExpectedFailure,
    /// Focused: others do not run.
    Focus,
    /// Waits a fixed time.
    Sleep,
    /// A test double, a patch, a fake.
    Double(Double),
    /// An exception is caught and thrown away; `broad` when every exception is.
    Swallows {
        /// Every exception.
        broad: bool,
    },
    /// Expects an error so general that any defect is one.
    BroadRaises {
        /// The kind that is expected, as written.
        expected: String,
    },
    /// Several statements in a block that expects an error.
    LongRaises,
    /// A comparison, matcher or promise that nothing evaluates.
    NotEvaluated {
        /// What is missing, as a fragment.
        missing: &'static str,
    },
    /// An assertion that was turned into a comment.
    CommentedOut,
    /// A later definition takes the place of this test.
    Shadowed {
        /// The name.
        name: String,
    },
    /// Looks like a test and is not collected.
    NotCollected {
        /// Whether every runner passes it over.
        sure: bool,
        /// Why, as a fragment.
        why: String,
    },
    /// No parameter sets at all.
    NoParameters,
    /// Parameters that come from the code under test.
    ParametersFromSubject,
    /// Reads the source of the code under test.
    ReadsImplementation,
    /// Changes how the runner works or ends its process.
    Tampers {
        /// How, as a fragment.
        how: String,
    },
    /// Fails in a thread or callback where the runner does not see it.
    UnseenFailure,
    /// A snapshot without content in the source, or an oversized one.
    Snapshot {
        /// What is wrong, as a fragment.
        what: &'static str,
    },
    /// Depends on chance or on the clock of the wall.
    Unrepeatable {
        /// On what.
        on: &'static str,
    },
    /// A comment or attribute that tells a tool to look away.
    Suppression {
        /// As it is written.
        text: String,
    },
    /// Prints or debugs.
    Prints,
    /// Behaves otherwise when it is tested (in source, never in tests).
    TestOnlyBranch {
        /// What it looks at.
        looks_at: String,
    },
    /// Several conditions in one assertion.
    Composite,
}

/// A test double.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Double {
    /// Which kind.
    pub kind: DoubleKind,
    /// As it is written: `unittest.mock.patch`, `jest.fn`.
    pub name: String,
}

/// Kinds of test doubles (SPEC D4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DoubleKind {
    /// A mock object or spy.
    Mock,
    /// An attribute or module is replaced.
    Patch,
    /// A database in memory, or one that only looks like one.
    Database,
    /// HTTP answers that no server gave.
    Http,
    /// WebSocket or message events that nobody sent.
    Events,
    /// A dependency of the application is overridden.
    Override,
    /// A class or function of the tests that stands in for a real one.
    Fake,
}

impl DoubleKind {
    /// In a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Mock => "a mock object",
            Self::Patch => "a patch",
            Self::Database => "a database that is not the real one",
            Self::Http => "HTTP answers that no server gives",
            Self::Events => "events that nobody sends",
            Self::Override => "an overridden dependency",
            Self::Fake => "a fake",
        }
    }
}

impl TestModel {
    /// Whether anything in it, or that it calls, asserts.
    #[must_use]
    pub fn asserts(&self) -> bool {
        !self.assertions.is_empty()
            || self
                .helpers
                .iter()
                .any(|helper| matches!(helper.asserts, Asserts::Yes | Asserts::Named))
    }
}
