//! The lines of the probe's record.

use serde::Deserialize;
use std::borrow::Cow;

/// A phase of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Fixtures are made.
    Setup,
    /// The test function runs.
    Call,
    /// Fixtures are ended.
    Teardown,
}

/// What the exception object of a phase says, whatever any report says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Raw {
    /// No exception.
    Passed,
    /// `pytest.skip`, `unittest.SkipTest`.
    Skipped,
    /// `pytest.xfail`.
    Xfailed,
    /// Any other exception.
    Failed,
}

/// A frame of a traceback: file (relative to the tree, or absolute outside), line, function.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Frame(pub String, pub u32, pub String);

/// The object that lacks an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AttributeOwner {
    /// `module`, `class` or `instance`.
    pub kind: String,
    /// The module, or the module that defines the type.
    pub module: String,
    /// The name of the module or type.
    pub name: String,
    /// The file of that module; `None` for built-in ones.
    pub file: Option<String>,
}

/// The callable whose signature a `TypeError` names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Callee {
    /// Its name as Python writes it, such as `Cart.total`.
    pub name: String,
    /// The module that defines it, where it was found.
    pub module: Option<String>,
    /// The file of that module.
    pub file: Option<String>,
}

/// The exception behind another one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Chained {
    /// The name of its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Its type and the base types, qualified.
    pub bases: Vec<String>,
    /// Its message.
    pub message: String,
}

/// An exception as the probe saw the object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Exception {
    /// The name of its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Its type and the base types, qualified, nearest first.
    pub bases: Vec<String>,
    /// Its message, capped.
    pub message: String,
    /// The traceback without pytest's own frames, innermost last.
    pub frames: Vec<Frame>,
    /// The exception it was raised from or during.
    pub cause: Option<Chained>,
    /// `ImportError.name`, `AttributeError.name`, `NameError.name`, or the fixture.
    pub name: Option<String>,
    /// What `from MODULE import …` asked for.
    pub symbol: Option<String>,
    /// `ImportError.path`, or the file of a `SyntaxError` or `OSError`.
    pub path: Option<String>,
    /// The line of a `SyntaxError`.
    pub line: Option<u32>,
    /// Where the top-level module of a missing module lies; `None` where it does not exist.
    pub top_file: Option<String>,
    /// Names that exist in the owner and look like the missing one, nearest first.
    pub similar: Vec<String>,
    /// A compiled extension of the missing name outside the tree.
    pub compiled: Option<String>,
    /// The object that lacks an attribute.
    pub owner: Option<AttributeOwner>,
    /// The callable whose signature does not fit.
    pub callee: Option<Callee>,
    /// `OSError.errno`.
    pub errno: Option<i32>,
    /// The modules, with their files, whose code made the value that the failing expression could not work with.
    pub sources: Vec<(String, Option<String>)>,
    /// The command line of a `CalledProcessError`.
    pub command: Vec<String>,
}

impl Exception {
    /// Whether it is of a type (qualified, such as `builtins.ImportError`) or derived from it.
    #[must_use]
    pub fn is(&self, qualified: &str) -> bool {
        self.bases.iter().any(|base| base == qualified)
    }
    /// Type and message in one line of text.
    #[must_use]
    pub fn text(&self) -> String {
        if self.message.is_empty() {
            self.type_name.clone()
        } else {
            format!("{}: {}", self.type_name, self.message)
        }
    }
}

/// One phase of one test.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Phase {
    /// The number of the test.
    pub n: usize,
    /// Which phase.
    pub when: When,
    /// What the exception object says.
    pub raw: Raw,
    /// The report as it was made, all hooks included.
    pub made: String,
    /// The report as it was last seen by the outermost hook.
    pub reported: String,
    /// Whether the report counts as expected to fail.
    #[serde(default)]
    pub xfail: bool,
    /// Whether it passed and was strictly expected to fail.
    #[serde(default)]
    pub strict: bool,
    /// Why it was skipped or expected to fail.
    #[serde(default)]
    pub reason: String,
    /// How long it took.
    #[serde(default)]
    pub duration_ms: u64,
    /// The exception, for [`Raw::Failed`].
    #[serde(default)]
    pub exception: Option<Exception>,
    /// Whether a hook outside the test swallowed the exception.
    #[serde(default)]
    pub swallowed: bool,
    /// The subtest that the phase belongs to, as pytest describes it.
    #[serde(default)]
    pub subtest: Option<String>,
}

/// A top-level module or package of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Top {
    /// Its name.
    pub name: String,
    /// Where it lies, relative to the tree.
    pub path: String,
}

/// One line of the record.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Record {
    /// The probe was started with these arguments.
    Begin {
        /// What pytest was given.
        arguments: Vec<String>,
    },
    /// pytest has read its configuration.
    Session {
        /// Its version.
        pytest: String,
        /// The configuration file, empty for none.
        ini: String,
        /// What of `addopts` was left out.
        left_out: Vec<String>,
        /// The top-level names of the tree.
        tops: Vec<Top>,
    },
    /// A file or folder could not be loaded.
    Load {
        /// The file, relative to the tree.
        path: Option<String>,
        /// Whether it is a `conftest.py` that pytest loads before anything else.
        conftest: bool,
        /// Whether a hook reported that it had loaded.
        #[serde(default)]
        hidden: bool,
        /// Why.
        exception: Exception,
        /// The top-level names of the tree, where no session began.
        #[serde(default)]
        tops: Vec<Top>,
    },
    /// Loading a file ended the session.
    LoadDied {
        /// The file.
        path: String,
        /// How.
        exception: Exception,
    },
    /// A whole file was skipped while it was loaded.
    SkippedFile {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// A collected test.
    Test {
        /// Its number in the record.
        n: usize,
        /// Its file, relative to the tree.
        path: String,
        /// The function with the classes around it.
        item: String,
        /// What parametrisation added.
        case: String,
        /// The line, from 1.
        line: Option<u32>,
        /// pytest's own id.
        node: String,
    },
    /// Collection ended with this many tests.
    Collected {
        /// After deselection.
        count: usize,
    },
    /// A test begins.
    Start {
        /// The number of the test.
        n: usize,
    },
    /// A test is over.
    Finish {
        /// The number of the test.
        n: usize,
    },
    /// A phase of a test.
    Phase(Box<Phase>),
    /// pytest itself failed.
    InternalError {
        /// How.
        exception: Exception,
    },
    /// The session was ended by `pytest.exit` or a keyboard interrupt.
    Interrupted {
        /// By what.
        exception: Exception,
    },
    /// pytest could not be started.
    StartFailed {
        /// Why.
        exception: Exception,
    },
    /// Python was started without `site`, so that nothing is known about where code comes from.
    NoOrigin,
    /// A loaded module that is first-party or comes from the checkout.
    Module {
        /// Its name.
        name: String,
        /// Its file.
        file: String,
        /// Whether it came from outside the tree.
        foreign: bool,
    },
    /// pytest has returned.
    End {
        /// With this exit code.
        exit: i32,
    },
}

/// The mark of a line, and what it is.
#[derive(Deserialize)]
struct Marked<'a> {
    #[serde(borrow)]
    mark: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
}

/// A line with nothing but the number of a test.
#[derive(Deserialize)]
struct Numbered {
    n: usize,
}

/// Reads a line of a known kind. The frequent ones are read directly: an enum that is told by a field in its middle
/// is kept as a tree first, which doubles the time for a large suite.
fn record(kind: &str, line: &[u8]) -> Result<Record, serde_json::Error> {
    let number = || serde_json::from_slice(line).map(|Numbered { n }| n);
    match kind {
        "start" => number().map(|n| Record::Start { n }),
        "finish" => number().map(|n| Record::Finish { n }),
        "phase" => serde_json::from_slice(line).map(|phase| Record::Phase(Box::new(phase))),
        _ => serde_json::from_slice(line),
    }
}

/// The record of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journal {
    /// Its lines in order.
    pub records: Vec<Record>,
    /// Lines that could not be read (the last line of a process that died, or somebody else's writing).
    pub unreadable: usize,
}

impl Journal {
    /// Reads the file. A line without the mark of the run was not written by the probe and is not read.
    #[must_use]
    pub fn read(bytes: &[u8], mark: &str) -> Self {
        let mut journal = Self::default();
        for line in bytes.split(|&byte| byte == b'\n') {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let read = serde_json::from_slice::<Marked<'_>>(line)
                .ok()
                .filter(|line| line.mark == mark)
                .and_then(|marked| record(&marked.kind, line).ok());
            match read {
                Some(record) => journal.records.push(record),
                None => journal.unreadable += 1,
            }
        }
        journal
    }
    /// The exit code that pytest returned; `None` when it never returned.
    #[must_use]
    pub fn end(&self) -> Option<i32> {
        self.records.iter().rev().find_map(|record| match record {
            Record::End { exit } => Some(*exit),
            _ => None,
        })
    }
    /// What pytest was given.
    #[must_use]
    pub fn arguments(&self) -> Option<&[String]> {
        self.records.iter().find_map(|record| match record {
            Record::Begin { arguments } => Some(arguments.as_slice()),
            _ => None,
        })
    }
}

/// One line of the list that the start-up module writes: code that was executed from the checkout.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ForeignCode {
    /// The module, empty where none was found.
    pub module: String,
    /// The file.
    pub file: String,
}

/// Reads the list of code that was loaded from elsewhere.
#[must_use]
pub fn foreign_code(bytes: &[u8]) -> Vec<ForeignCode> {
    bytes
        .split(|&byte| byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}
