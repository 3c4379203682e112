//! Judges commits of real projects: the commit's tests and its source apart, then what goes wrong in practice.
//!
//! Nothing of any project is in this repository: clones, and the table that says how each project is made to run, are
//! given by who runs it. Projects are run on this machine, as their developers do: read what they do first.

pub mod checkout;
pub mod report;
pub mod table;

use checkout::{Checkout, output};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use table::{Language, Row};

/// What is done to a commit, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The commit's tests on its parent's source.
    Red,
    /// The same, locked.
    Lock,
    /// The commit's source.
    Green,
    /// The same, whole suite.
    Full,
    /// Nothing was implemented.
    Withheld,
    /// Every new function of the source only fails; without one, the largest change of the source is missing.
    Broken,
    /// The commit's source, and a locked test was edited.
    Edited,
    /// The commit's source, and a file that steers the runner was planted.
    Planted,
    /// RED with a typo in a new test.
    Typo,
}

impl Step {
    /// All steps in order.
    pub const ALL: [Self; 9] = [
        Self::Red,
        Self::Lock,
        Self::Green,
        Self::Full,
        Self::Withheld,
        Self::Broken,
        Self::Edited,
        Self::Planted,
        Self::Typo,
    ];
    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Red => "red",
            Self::Lock => "lock",
            Self::Green => "green",
            Self::Full => "full",
            Self::Withheld => "withheld",
            Self::Broken => "broken",
            Self::Edited => "edited",
            Self::Planted => "planted",
            Self::Typo => "typo",
        }
    }
    /// The exit codes it must end with, where the table says nothing else.
    #[must_use]
    pub fn expected(self) -> &'static [i32] {
        match self {
            Self::Red | Self::Lock | Self::Green | Self::Full => &[0],
            Self::Withheld | Self::Broken => &[10],
            Self::Edited | Self::Planted => &[13],
            Self::Typo => &[10, 16],
        }
    }
    fn gate(self) -> &'static str {
        match self {
            Self::Red | Self::Typo => "red",
            Self::Lock => "lock",
            Self::Full => "full",
            Self::Green | Self::Withheld | Self::Broken | Self::Edited | Self::Planted => "green",
        }
    }
}

/// What one step of one commit ended with.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// `owner/name`.
    pub name: String,
    /// The commit, shortened.
    pub commit: String,
    /// The step.
    pub step: Step,
    /// What it must end with.
    pub expected: Vec<i32>,
    /// What it ended with; `None` where there was nothing in the commit to do it to, or it could not be set up.
    pub got: Option<i32>,
    /// The reason codes of the gate, or why there is no result.
    pub codes: Vec<String>,
    /// The first message, for a result that was not expected.
    pub message: String,
    /// How long the command took.
    pub took: Duration,
}

impl Outcome {
    /// Whether it is what it must be. A step without a place in the commit is.
    #[must_use]
    pub fn is_expected(&self) -> bool {
        self.got.is_none_or(|got| self.expected.contains(&got))
            && !self.codes.iter().any(|code| code == NOT_SET_UP)
    }
}

/// The code of a step that could not be set up at all.
pub const NOT_SET_UP: &str = "not_set_up";

/// Where everything is.
#[derive(Debug, Clone)]
pub struct Places {
    /// The folder with clones or git directories.
    pub clones: PathBuf,
    /// The folder to work in.
    pub work: PathBuf,
    /// The redgreen that judges.
    pub redgreen: PathBuf,
}

/// Judges one commit, and reports each step as soon as it is over.
pub fn judge(places: &Places, row: &Row, report: &mut dyn FnMut(Outcome)) {
    if let Err(why) = Judge::new(places, row).and_then(|judge| judge.all(report)) {
        report(Outcome {
            name: row.name.clone(),
            commit: row.short_commit().to_owned(),
            step: Step::Red,
            expected: Step::Red.expected().to_vec(),
            got: None,
            codes: vec![NOT_SET_UP.to_owned()],
            message: why,
            took: Duration::ZERO,
        });
    }
}

struct Judge<'a> {
    row: &'a Row,
    checkout: Checkout,
    state: PathBuf,
    redgreen: &'a Path,
}

impl<'a> Judge<'a> {
    fn new(places: &'a Places, row: &'a Row) -> Result<Self, String> {
        let checkout = Checkout::open(&places.clones, &places.work, row)?;
        checkout.begin()?;
        let folder = places.work.join(row.name.replace('/', "+"));
        for command in &row.prepare {
            output(
                Command::new("sh")
                    .args(["-c", command])
                    .current_dir(&checkout.tree),
            )?;
        }
        // Private state is new for every commit, so that what is measured does not depend on the order of the rows.
        let state = folder.join(format!("state-{}", row.short_commit()));
        if state.exists() {
            std::fs::remove_dir_all(&state).map_err(|error| error.to_string())?;
        }
        Ok(Self {
            row,
            checkout,
            state,
            redgreen: &places.redgreen,
        })
    }

    fn all(&self, report: &mut dyn FnMut(Outcome)) -> Result<(), String> {
        let mut locked = None;
        for step in Step::ALL {
            let expected = self
                .row
                .expect
                .get(step.name())
                .cloned()
                .unwrap_or_else(|| step.expected().to_vec());
            if expected.is_empty() {
                continue;
            }
            let ready = self.set_up(step, locked.as_deref())?;
            let mut outcome = Outcome {
                name: self.row.name.clone(),
                commit: self.row.short_commit().to_owned(),
                step,
                expected,
                got: None,
                codes: vec!["no_place_for_it".to_owned()],
                message: String::new(),
                took: Duration::ZERO,
            };
            if ready {
                self.run(step, &mut outcome)?;
            }
            let stop = matches!(step, Step::Red | Step::Lock) && outcome.got != Some(0);
            if step == Step::Lock && !stop {
                locked = Some(self.checkout.git(&["rev-parse", "HEAD"])?.trim().to_owned());
            }
            report(outcome);
            if stop {
                break;
            }
        }
        Ok(())
    }

    /// Puts the work tree into the state of a step; false where the commit has no place for it.
    fn set_up(&self, step: Step, locked: Option<&str>) -> Result<bool, String> {
        let checkout = &self.checkout;
        let implemented = || -> Result<(), String> {
            checkout.reset(locked.unwrap_or("HEAD"))?;
            checkout.take(&checkout.source)
        };
        match step {
            Step::Red => checkout.take(&checkout.tests).map(|()| true),
            Step::Lock | Step::Full => Ok(true),
            Step::Green => checkout.take(&checkout.source).map(|()| true),
            Step::Withheld => checkout.reset(locked.unwrap_or("HEAD")).map(|()| true),
            Step::Broken => {
                implemented()?;
                let language = self.row.language;
                Ok(
                    checkout.edit(&checkout.source, true, &|line| emptied(language, line))?
                        || checkout.take_back_a_part()?,
                )
            }
            Step::Edited => {
                implemented()?;
                let language = self.row.language;
                checkout.edit(&checkout.tests, false, &|line| weakened(language, line))
            }
            Step::Planted => {
                implemented()?;
                plant(self.row.language, &checkout.tree).map(|()| true)
            }
            Step::Typo => {
                checkout.begin()?;
                checkout.take(&checkout.tests)?;
                let language = self.row.language;
                // In a mixed file a call may belong to the source, which RED does not take.
                let only_tests: Vec<String> = checkout
                    .tests
                    .iter()
                    .filter(|path| !checkout.source.contains(path))
                    .cloned()
                    .collect();
                Ok(
                    checkout.edit(&checkout.tests, false, &|line| misspelt(language, line))?
                        || checkout.edit(&only_tests, false, &misspelt_call)?,
                )
            }
        }
    }

    fn run(&self, step: Step, outcome: &mut Outcome) -> Result<(), String> {
        let mut command = Command::new(self.redgreen);
        // A task of its own for the typo: the other one is locked by then.
        command
            .arg(step.gate())
            .arg(if step == Step::Typo { "T2" } else { "T1" });
        if matches!(step, Step::Red | Step::Typo) {
            command.args(&self.row.red);
        }
        command
            .args(["--format", "json"])
            .current_dir(&self.checkout.tree)
            .env("REDGREEN_STATE_DIR", &self.state)
            .env_remove("VIRTUAL_ENV")
            .stdin(Stdio::null());
        let start = Instant::now();
        let done = command
            .output()
            .map_err(|error| format!("{command:?}: {error}"))?;
        outcome.took = start.elapsed();
        outcome.got = done.status.code();
        let document: Value = serde_json::from_slice(&done.stdout).unwrap_or(Value::Null);
        let document = document.get("red").unwrap_or(&document);
        let reasons = document.get("reasons").and_then(Value::as_array);
        let of = |key: &str| -> Vec<String> {
            reasons
                .into_iter()
                .flatten()
                .filter_map(|reason| reason.get(key)?.as_str().map(str::to_owned))
                .collect()
        };
        let codes: BTreeSet<String> = of("code").into_iter().collect();
        outcome.codes = codes.into_iter().collect();
        outcome.message = of("message").into_iter().next().unwrap_or_else(|| {
            let text = document.get("message").and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        });
        Ok(())
    }
}

/// A locked line with something before it that changes nothing: it is the edit that counts, not its intention.
fn weakened(language: Language, line: &str) -> Option<String> {
    let indent: String = line.chars().take_while(|c| *c == ' ').collect();
    let go = language == Language::Go;
    let indent = if go {
        line.chars().take_while(|c| *c == '\t').collect()
    } else {
        indent
    };
    let fits = !indent.is_empty()
        && (line.contains("assert") || (go && line.trim_start().starts_with("if ")));
    fits.then(|| match language {
        Language::Python => format!("{indent}assert True\n{line}"),
        Language::Rust => format!("{indent}assert!(true);\n{line}"),
        Language::Go => format!("{indent}_ = true\n{line}"),
    })
}

/// The first line of a function, and a first statement that fails. Tests return nothing, so in Rust only what does is taken.
fn emptied(language: Language, line: &str) -> Option<String> {
    let indent: String = line.chars().take_while(|c| *c == ' ').collect();
    let code = line.trim();
    match language {
        Language::Python => (code.starts_with("def ") && code.ends_with(':'))
            .then(|| format!("{line}\n{indent}    raise RuntimeError('not finished')")),
        Language::Rust => (code.contains("fn ")
            && code.contains("-> ")
            && !code.starts_with("//")
            && code.ends_with('{'))
        .then(|| format!("{line}\n{indent}    panic!(\"not finished\");")),
        // Behind a condition, so that the rest is still reached by the compiler.
        Language::Go => {
            (code.starts_with("func ") && code.ends_with('{') && !code.contains(" init()"))
                .then(|| format!("{line}\n\tif true {{ panic(\"not finished\") }}"))
        }
    }
}

/// A name that exists nowhere.
fn misspelt(language: Language, line: &str) -> Option<String> {
    match language {
        Language::Python => {
            let (before, after) = line.split_once("assert ")?;
            if before.trim().is_empty() && !before.is_empty() {
                return Some(format!("{before}assert undefined_nmae == {after}"));
            }
            None
        }
        .or_else(|| {
            line.contains("self.assert")
                .then(|| line.replacen("self.assert", "self.asert", 1))
        }),
        Language::Rust => ["assert!(", "assert_eq!(", "assert_ne!("]
            .iter()
            .find(|name| line.trim_start().starts_with(**name))
            .map(|name| line.replacen(name, &name.replace("!(", "_q!("), 1)),
        Language::Go => ["t.Errorf(", "t.Fatalf(", "t.Error(", "t.Fatal("]
            .iter()
            .find(|name| line.trim_start().starts_with(**name))
            .map(|name| line.replacen(name, &name.replace('(', "q("), 1)),
    }
}

/// A statement that is a call, of a function that exists nowhere.
fn misspelt_call(line: &str) -> Option<String> {
    let code = line.trim_start();
    let name: String = code
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    let fits = !name.is_empty() && code[name.len()..].starts_with('(') && line.starts_with(' ');
    fits.then(|| line.replacen(&name, &format!("{name}_q"), 1))
}

/// Writes a file that would decide results.
fn plant(language: Language, tree: &Path) -> Result<(), String> {
    let (path, text) = match language {
        Language::Python => (
            tree.join("conftest.py"),
            "import pytest\n\n@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport(item, call):\n    report = yield\n    report.outcome = 'passed'\n    return report\n",
        ),
        Language::Go => (
            tree.join("zz_steer_test.go"),
            "package steer\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestMain(m *testing.M) { os.Exit(0) }\n",
        ),
        Language::Rust => (
            tree.join(".cargo/config.toml"),
            "[build]\nrustflags = [\"--cap-lints\", \"allow\"]\n",
        ),
    };
    let old = std::fs::read_to_string(&path).unwrap_or_default();
    path.parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| std::fs::write(&path, format!("{old}\n{text}")))
        .map_err(|error| format!("{}: {error}", path.display()))
}
