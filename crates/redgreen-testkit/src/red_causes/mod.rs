//! What RED says of broken tests and of the honest ones that look alike: `corpus/red` (SPEC B3).
//!
//! All tests of a language that can stand beside each other lie in one project and are judged in one run, so that a
//! hundred of them cost little more than one. Every case is judged by the reasons and causes that name its files.

pub mod report;

use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A file of `corpus/red`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corpus {
    /// `python` or `rust`.
    pub language: String,
    /// The project that the tests are written for: text by path.
    pub project: BTreeMap<String, String>,
    /// The tests.
    pub case: Vec<Case>,
}

/// Whether the behaviour is missing or the test is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The test itself is wrong.
    Broken,
    /// The behaviour is missing.
    Honest,
}

/// How RED ends for a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ends {
    /// A legitimate red.
    Accepted,
    /// It cannot be told; a person is asked.
    Asked,
    /// Other results with the same bytes.
    Flaky,
    /// The question could not be put.
    CouldNotRun,
    /// The test is wrong.
    Refused,
    /// Nothing was said of it; never right.
    Silent,
}

impl Ends {
    /// In one word of the table.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Asked => "asked",
            Self::Flaky => "flaky",
            Self::CouldNotRun => "could not run",
            Self::Refused => "refused",
            Self::Silent => "passed over",
        }
    }
}

/// One test, with what RED must say.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// In a few words; unique in its file.
    pub name: String,
    /// Broken or honest.
    pub kind: Kind,
    /// What RED must say.
    pub ends: Ends,
    /// The cause, or the reason code where there is no cause; any where it is absent.
    #[serde(default)]
    pub cause: Option<String>,
    /// Whether it would keep other tests from running, or changes what they are built from.
    #[serde(default)]
    pub alone: bool,
    /// Where it is written; a file of its own below `tests` when absent.
    #[serde(default)]
    pub path: Option<String>,
    /// The test file.
    pub text: String,
    /// More files of the test.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

/// What RED said of a case.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The case.
    pub case: Case,
    /// How it ended.
    pub ended: Ends,
    /// The causes and reason codes, each once.
    pub causes: BTreeSet<String>,
    /// The first message.
    pub message: String,
}

impl Judged {
    /// Whether RED said what the case asks for.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.ended == self.case.ends
            && self
                .case
                .cause
                .as_ref()
                .is_none_or(|cause| self.causes.contains(cause))
    }
    /// A broken test that is accepted, or an honest one that is not.
    #[must_use]
    pub fn misjudged(&self) -> bool {
        self.ended == Ends::Silent
            || (self.case.kind == Kind::Broken) == (self.ended == Ends::Accepted)
    }
}

/// Where things are.
#[derive(Debug, Clone)]
pub struct Places {
    /// The redgreen that judges.
    pub redgreen: PathBuf,
    /// A virtual environment with pytest and no plugins.
    pub environment: PathBuf,
    /// The folder to work in.
    pub work: PathBuf,
    /// Compiled Python of all runs.
    pub shared: PathBuf,
}

/// Reads `corpus/red/LANGUAGE.toml`.
///
/// # Errors
/// A file that cannot be read, or two cases of one name.
pub fn read(corpus: &Path, language: &str) -> Result<Corpus, String> {
    let path = corpus.join(format!("{language}.toml"));
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let corpus: Corpus =
        toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let names: BTreeSet<&String> = corpus.case.iter().map(|case| &case.name).collect();
    if names.len() < corpus.case.len() {
        return Err(format!("{}: two cases have one name", path.display()));
    }
    Ok(corpus)
}

/// Judges every case of a corpus; results in its order.
///
/// # Errors
/// What kept redgreen from being asked.
pub fn judge(places: &Places, corpus: &Corpus) -> Result<Vec<Judged>, String> {
    let (alone, together): (Vec<_>, Vec<_>) = (0..corpus.case.len())
        .zip(&corpus.case)
        .partition(|(_, case)| case.alone);
    let mut results: BTreeMap<usize, Judged> = BTreeMap::new();
    if !together.is_empty() {
        let (document, output) = red(places, corpus, &together)?;
        for (index, case) in &together {
            let judged = of_case(&document, case, &files(corpus, *index, case), None);
            let judged = judged
                .ok_or_else(|| format!("RED says nothing of `{}`: {}", case.name, said(&output)))?;
            results.insert(*index, judged);
        }
    }
    for one in alone {
        let (document, output) = red(places, corpus, &[one])?;
        let (index, case) = one;
        let judged = of_case(
            &document,
            case,
            &files(corpus, index, case),
            Some(output.status.code()),
        );
        let judged =
            judged.ok_or_else(|| format!("no verdict on `{}`: {}", case.name, said(&output)))?;
        results.insert(index, judged);
    }
    Ok(results.into_values().collect())
}

/// The path of a case's test and its text, then its other files.
fn files(corpus: &Corpus, index: usize, case: &Case) -> BTreeMap<String, String> {
    let path = case.path.clone().unwrap_or_else(|| {
        let (start, end) = match corpus.language.as_str() {
            "python" => ("test_", "py"),
            _ => ("", "rs"),
        };
        format!("tests/{start}case_{index}.{end}")
    });
    let mut files = case.files.clone();
    files.insert(path, case.text.trim_start().to_owned());
    files
}

/// Makes the project, writes the tests, asks RED.
fn red(
    places: &Places,
    corpus: &Corpus,
    cases: &[(usize, &Case)],
) -> Result<(Value, Output), String> {
    let text = |error: std::io::Error| error.to_string();
    let folder = tempfile::tempdir_in(&places.work).map_err(text)?;
    let base = folder.path().canonicalize().map_err(text)?;
    let root = base.join("work");
    for made in ["work", "home"] {
        fs::create_dir(base.join(made)).map_err(text)?;
    }
    let write = |files: &BTreeMap<String, String>| -> Result<(), String> {
        for (path, content) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap_or(&root)).map_err(text)?;
            fs::write(path, content.trim_start()).map_err(text)?;
        }
        Ok(())
    };
    write(&corpus.project)?;
    if corpus.language == "python" {
        std::os::unix::fs::symlink(&places.environment, root.join(".venv")).map_err(text)?;
    }
    for arguments in [
        &["init", "-q", "-b", "main"][..],
        &["config", "user.name", "Ada"],
        &["config", "user.email", "ada@example.invalid"],
        &["add", "-A"],
        &["commit", "-q", "-m", "start"],
    ] {
        let done = Command::new("git")
            .args(arguments)
            .current_dir(&root)
            .output()
            .map_err(text)?;
        if !done.status.success() {
            return Err(format!("git {arguments:?}: {}", said(&done)));
        }
    }
    for (index, case) in cases {
        write(&files(corpus, *index, case))?;
    }
    let home = std::env::var("HOME").unwrap_or_default();
    let mut command = Command::new(&places.redgreen);
    command
        .args(["--format", "json", "red"])
        .current_dir(&root)
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap_or_default())
        .env("HOME", base.join("home"))
        .env("REDGREEN_STATE_DIR", base.join("state"))
        .env("REDGREEN_SHARED_CACHE", &places.shared);
    for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        let set = std::env::var(name).unwrap_or_else(|_| format!("{home}/{folder}"));
        command.env(name, set);
    }
    if corpus.language == "python" {
        command.env("UV_PROJECT_ENVIRONMENT", &places.environment);
    }
    let output = command.output().map_err(text)?;
    let document: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("no document ({error}): {}", said(&output)))?;
    Ok((document, output))
}

fn said(output: &Output) -> String {
    let both = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    both.concat().chars().take(4000).collect()
}

/// How a reason ends a test.
fn ends_of(code: &str) -> Ends {
    match code {
        "unclear_red" | "approval_needed" => Ends::Asked,
        "flaky" => Ends::Flaky,
        "missing_plugin" | "environment_fault" | "broken_base" => Ends::CouldNotRun,
        _ => Ends::Refused,
    }
}

/// What a document says of a case; for one that was judged alone the end of the whole gate counts.
fn of_case(
    document: &Value,
    case: &Case,
    files: &BTreeMap<String, String>,
    alone: Option<Option<i32>>,
) -> Option<Judged> {
    let list = |key: &str| {
        let entries = document.get(key).and_then(Value::as_array);
        entries.cloned().unwrap_or_default()
    };
    let text = |value: &Value, key: &str| {
        let found = value.get(key).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
    };
    let own = |value: &Value| {
        alone.is_some()
            || files.keys().any(|path| {
                text(value, "path") == *path
                    || text(value, "file") == *path
                    || text(value, "test").starts_with(&format!("{path}::"))
                    || text(value, "id").starts_with(&format!("{path}::"))
            })
    };
    let mut causes = BTreeSet::new();
    let mut message = String::new();
    let mut ended = Ends::Accepted;
    for reason in list("reasons").iter().filter(|reason| own(reason)) {
        let code = text(reason, "code");
        let words = text(reason, "message");
        // "the test itself is wrong (undefined_name): …"
        if let Some((_, rest)) = words.split_once('(')
            && let Some((cause, _)) = rest.split_once("):")
            && matches!(code.as_str(), "broken_test" | "unclear_red")
        {
            causes.insert(cause.to_owned());
        }
        ended = ended.max(ends_of(&code));
        causes.insert(code);
        if message.is_empty() {
            message = words;
        }
    }
    let mut red = false;
    for test in list("tests").iter().filter(|test| own(test)) {
        if let Some(cause) = test.get("cause").and_then(Value::as_str)
            && test.get("role").and_then(Value::as_str) == Some("required")
        {
            red = true;
            causes.insert(cause.to_owned());
            if message.is_empty() {
                message = text(test, "message");
            }
        }
    }
    if let Some(code) = alone {
        ended = match code? {
            0 => Ends::Accepted,
            10 | 13 => Ends::Refused,
            11 => Ends::CouldNotRun,
            16 if text(document, "verdict") == "flaky" => Ends::Flaky,
            16 => Ends::Asked,
            _ => return None,
        };
    } else if ended == Ends::Accepted && !red {
        ended = Ends::Silent;
    }
    Some(Judged {
        case: case.clone(),
        ended,
        causes,
        message: message.lines().next().unwrap_or_default().to_owned(),
    })
}
