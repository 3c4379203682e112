//! The lines of the reporters' record: the mark of the run, a blank, and an object with a `kind`.

use serde::Deserialize;

/// What was thrown, by its fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Thrown {
    /// `name` of the error; empty for what is no error.
    pub name: String,
    /// Its message, capped.
    pub message: String,
    /// Its stack, capped.
    pub stack: String,
    /// Its code, such as `ERR_ASSERTION`.
    pub code: String,
    /// Name of its class.
    #[serde(rename = "type")]
    pub class: String,
    /// What node:test says of a failure: `hookFailed`, `testTimeoutFailure`, ….
    #[serde(rename = "failureType")]
    pub failure_type: String,
    /// The file that a compiler complained about.
    pub id: String,
    /// The line in it.
    pub at: Option<u32>,
    /// A matcher of jest raised it.
    pub matcher: bool,
    /// It carries an actual and an expected value.
    pub compares: bool,
    /// What was thrown, where it is no object (`string`).
    pub thrown: String,
    /// What jest makes of it.
    pub text: String,
    /// What caused it.
    pub cause: Option<Box<Thrown>>,
    /// The errors of an aggregate.
    pub errors: Vec<Thrown>,
}

impl Thrown {
    /// The error that the test met: node:test wraps it.
    #[must_use]
    pub fn met(&self) -> &Self {
        match &self.cause {
            Some(cause) if self.code == "ERR_TEST_FAILURE" => cause.met(),
            _ => self,
        }
    }
    /// Name and message as a person reads them.
    #[must_use]
    pub fn text(&self) -> String {
        let name = if self.name.is_empty() {
            &self.class
        } else {
            &self.name
        };
        if name.is_empty() || self.message.starts_with(name.as_str()) {
            self.message.clone()
        } else {
            format!("{name}: {}", self.message)
        }
    }
}

/// One test, or a suite that failed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Case {
    /// The file; empty where the process is of one file.
    pub file: String,
    /// The project of a workspace it ran in.
    pub project: String,
    /// Titles of the suites and tests around it.
    pub path: Vec<String>,
    /// Its title.
    pub name: String,
    /// It is a suite.
    pub suite: bool,
    /// `run`, `skip` or `todo`.
    pub mode: String,
    /// `pass`, `fail`, or something else for one that did not run.
    pub state: String,
    /// Why it is skipped.
    pub note: Option<String>,
    /// It is expected to fail.
    pub fails: bool,
    /// A hook around it failed.
    pub hook: bool,
    /// How often it was tried again.
    pub retries: u32,
    /// Its line.
    pub line: Option<u32>,
    /// Milliseconds.
    pub ms: Option<f64>,
    /// What it threw.
    pub errors: Vec<Thrown>,
}

/// One file as its runner reports it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct File {
    /// The file.
    pub file: String,
    /// The project of a workspace it ran in.
    pub project: String,
    /// How many tests it holds.
    pub tests: usize,
    /// `run` or `skip`.
    pub mode: String,
    /// Why it could not be loaded.
    pub errors: Vec<Thrown>,
}

/// One process of node:test.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct FileProcess {
    /// The file.
    pub file: String,
    /// Its exit code.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<String>,
    /// Why it could not be started.
    pub problem: Option<String>,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Record {
    /// The reporter was loaded.
    Begin {
        /// Version of node.
        node: String,
    },
    /// The runner said its version.
    Runner {
        /// Its version.
        version: String,
    },
    /// A file.
    File(File),
    /// A test has begun.
    Running {
        /// Its file.
        #[serde(default)]
        file: String,
        /// What is around it.
        path: Vec<String>,
        /// Its title.
        name: String,
    },
    /// A test or a failed suite.
    Case(Box<Case>),
    /// An error outside of tests that nobody caught, in the first process.
    Uncaught {
        /// The error.
        error: Box<Thrown>,
    },
    /// The same, as the runner reports it.
    Unhandled {
        /// The error.
        error: Box<Thrown>,
        /// The test file that ran.
        #[serde(default)]
        file: String,
    },
    /// What the runner says beside.
    Diagnostic {
        /// Its words.
        message: String,
    },
    /// Code was read from the checkout.
    Foreign {
        /// The file.
        file: String,
    },
    /// A function that judges was replaced.
    Tampered {
        /// Which.
        what: String,
    },
    /// A record could not be written.
    Unwritable {
        /// Why.
        message: String,
    },
    /// The runner reported everything.
    Reported,
    /// A person or the runner itself stopped the run.
    Interrupted,
    /// The process ends.
    Exit {
        /// The code it had then; others may change it.
        code: i32,
    },
    /// A process of node:test ended.
    Process(FileProcess),
    /// The driver of node:test came to its end.
    End,
}

/// The lines of one process.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Journal {
    /// The lines that carry the mark.
    pub records: Vec<Record>,
    /// Lines that do not, or cannot be read.
    pub unreadable: usize,
}

impl Journal {
    /// Reads the record of one process.
    #[must_use]
    pub fn read(bytes: &[u8], mark: &str) -> Self {
        let mut journal = Self::default();
        for line in bytes.split(|&byte| byte == b'\n') {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let read = line
                .strip_prefix(mark.as_bytes())
                .and_then(|line| line.strip_prefix(b" "))
                .and_then(|line| serde_json::from_slice(line).ok());
            match read {
                Some(record) => journal.records.push(record),
                None => journal.unreadable += 1,
            }
        }
        journal
    }
    /// Whether the runner reported everything.
    #[must_use]
    pub fn reported(&self) -> bool {
        self.records
            .iter()
            .any(|record| matches!(record, Record::Reported))
    }
    /// Whether our reporter was started.
    #[must_use]
    pub fn begun(&self) -> bool {
        self.records
            .iter()
            .any(|record| matches!(record, Record::Begin { .. }))
    }
}
