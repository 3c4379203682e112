//! `redgreen lint [PATHS]`: weak tests, with the place and what to do (SPEC D1, D3, D5). Needs no plan and no repository.

mod output;
mod project;

use super::Ending;
use crate::cli::{Cli, LintArgs, LintFormat};
use crate::error::Failure;
use crate::render::printer::Printer;
use project::{Base, Project};
use redgreen_core::exit::ExitCode;
use redgreen_core::id::RelPath;
use redgreen_host::files;
use redgreen_lint::quality::model::FileModel;
use redgreen_lint::quality::{Finding, Language, Severity, model_of, rules};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// One judged file.
pub(super) struct Judged {
    /// As it is shown.
    pub(super) path: String,
    pub(super) text: String,
    pub(super) findings: Vec<Finding>,
    /// Names of tests that are new or changed, and whether text outside tests is.
    pub(super) new: New,
    /// How many tests it holds.
    pub(super) tests: usize,
}

/// What of a file is new since the base.
pub(super) enum New {
    /// Everything: there is no base, or the file is not in it.
    All,
    /// These tests.
    Tests(BTreeSet<String>),
}

impl Judged {
    /// Whether a finding is about something that was added or changed.
    pub(super) fn is_new(&self, finding: &Finding) -> bool {
        match (&self.new, &finding.test) {
            (New::All, _) => true,
            (New::Tests(tests), Some(test)) => tests.contains(test),
            // A file-level finding counts when any test of the file is new.
            (New::Tests(tests), None) => !tests.is_empty(),
        }
    }
}

/// Judges the tests below the given paths.
///
/// # Errors
/// A usage failure for a path that is not there or a revision that git does not know.
pub fn run(cli: &Cli, printer: Printer, arguments: &LintArgs) -> Ending {
    let here = super::folder(cli)?;
    let project = Project::of(&here, arguments.since.as_deref())?;
    let paths: Vec<PathBuf> = if arguments.paths.is_empty() {
        vec![here.clone()]
    } else {
        arguments.paths.iter().map(|path| here.join(path)).collect()
    };
    let named: BTreeSet<&PathBuf> = paths.iter().filter(|path| path.is_file()).collect();
    let found = files::below(&paths).map_err(|path| {
        Failure::usage(
            format!("`{}` is not there", path.display()),
            "name a file or a folder",
        )
    })?;
    let files: Vec<TestFile> = found
        .iter()
        .filter_map(|path| TestFile::read(&project, &here, path, named.contains(path)))
        .collect();
    let base = project.base_of(
        files
            .iter()
            .map(|file| (&file.relative, file.text.as_str())),
    );
    let judged: Vec<Judged> = files
        .into_iter()
        .filter_map(|file| {
            let base = base.get(&file.relative);
            judge(&project, file, base, arguments.strict)
        })
        .collect();
    if arguments.calibrate {
        output::calibration(printer, &judged);
        return Ok(ExitCode::Pass);
    }
    let format = arguments.output.unwrap_or(if printer.json {
        LintFormat::Json
    } else {
        LintFormat::Human
    });
    let least = if arguments.all || format == LintFormat::Json {
        Severity::Info
    } else {
        Severity::Warning
    };
    match format {
        LintFormat::Human => output::human(printer, &judged, least),
        LintFormat::Json => output::json(printer, &judged, least),
        LintFormat::Sarif => output::sarif(printer, &judged, least),
        LintFormat::Github => output::github(printer, &judged, least),
    }
    let blocks = judged.iter().any(|file| {
        file.findings
            .iter()
            .any(|finding| finding.severity == Severity::Error && file.is_new(finding))
    });
    Ok(if blocks {
        ExitCode::GateFailed
    } else {
        ExitCode::Pass
    })
}

/// A file that is judged.
struct TestFile {
    /// As it is shown.
    shown: String,
    /// From the top of the repository.
    relative: RelPath,
    language: Language,
    text: String,
}

impl TestFile {
    /// Reads a file that may hold tests; one that is `named` is taken whatever it is called.
    fn read(project: &Project, here: &Path, path: &Path, named: bool) -> Option<Self> {
        let relative = project.relative(path)?;
        let language = Language::of(&relative)?;
        if !named && !is_test_file(&relative, language) {
            return None;
        }
        Some(Self {
            shown: path
                .strip_prefix(here)
                .unwrap_or(path)
                .to_string_lossy()
                .into_owned(),
            relative,
            language,
            text: files::text(path)?,
        })
    }
}

fn judge(project: &Project, file: TestFile, base: Option<&Base>, strict: bool) -> Option<Judged> {
    let TestFile {
        shown,
        relative,
        language,
        text,
    } = file;
    let mut options = project.options(&relative);
    options.strict |= strict;
    let model = model_of(language, &text, &options).ok()?;
    let findings = rules::judge(language, &model, &options);
    let new = match base {
        Some(Base::Same) => New::Tests(BTreeSet::new()),
        Some(Base::Text(base)) => match model_of(language, base, &options) {
            Ok(old) => New::Tests(changed(&old, base, &model, &text)),
            Err(_) => New::All,
        },
        None => New::All,
    };
    Some(Judged {
        path: shown,
        findings,
        new,
        tests: model.tests.len(),
        text,
    })
}

/// Names of the tests whose text is not in the base.
fn changed(old: &FileModel, old_text: &str, new: &FileModel, new_text: &str) -> BTreeSet<String> {
    let texts = |file: &FileModel, text: &str| -> BTreeMap<String, String> {
        file.tests
            .iter()
            .map(|test| {
                let text: String = text
                    .get(test.span.clone())
                    .unwrap_or("")
                    .split_whitespace()
                    .collect();
                (test.name.clone(), text)
            })
            .collect()
    };
    let old = texts(old, old_text);
    texts(new, new_text)
        .into_iter()
        .filter(|(name, text)| old.get(name) != Some(text))
        .map(|(name, _)| name)
        .collect()
}

/// Whether a runner would look for tests in a file. Rust keeps tests anywhere.
fn is_test_file(path: &RelPath, language: Language) -> bool {
    let text = path.as_str();
    let name = text.rsplit('/').next().unwrap_or(text);
    match language {
        Language::Python => {
            name.starts_with("test") || name.ends_with("_test.py") || name == "conftest.py"
        }
        Language::Rust => true,
        Language::JavaScript | Language::TypeScript => {
            name.contains(".test.")
                || name.contains(".spec.")
                || name.contains("-test.")
                || name.contains("_test.")
                || text
                    .split('/')
                    .any(|part| matches!(part, "__tests__" | "test" | "tests"))
        }
        Language::Go => name.ends_with("_test.go"),
    }
}
