//! `lint-rates FOLDER…`: how often each rule of test quality fires on test suites, per rule and per suite.
//!
//! For the accuracy table in the documentation: the folders are clones of excellent projects, none of whose code is in
//! this repository. `--list` prints every finding of at least that severity with its place.

use redgreen_core::id::RelPath;
use redgreen_lint::quality::{Language, Options, Severity, model_of, rules};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn main() {
    let mut folders = Vec::new();
    let mut list = None;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--list=error" => list = Some(Severity::Error),
            "--list=warning" => list = Some(Severity::Warning),
            "--list=info" => list = Some(Severity::Info),
            _ => folders.push(PathBuf::from(argument)),
        }
    }
    if folders.is_empty() {
        eprintln!("usage: lint-rates [--list=error|warning|info] FOLDER…");
        std::process::exit(2);
    }
    println!("| suite | files | tests | tests with an error | share |");
    println!("|---|---|---|---|---|");
    let mut rates: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    let mut all_tests = 0;
    for folder in &folders {
        let (mut files, mut tests, mut wrong) = (0, 0, 0);
        for path in test_files(folder) {
            let Ok(text) = std::fs::read_to_string(&path) else {
                continue;
            };
            let shown = path
                .strip_prefix(folder)
                .unwrap_or(&path)
                .to_string_lossy()
                .into_owned();
            let Some(language) = RelPath::new(shown.clone())
                .ok()
                .and_then(|path| Language::of(&path))
            else {
                continue;
            };
            let options = Options::default();
            let Ok(model) = model_of(language, &text, &options) else {
                eprintln!("{shown}: not read");
                continue;
            };
            files += 1;
            tests += model.tests.len();
            let findings = rules::judge(language, &model, &options);
            let mut with_error: BTreeSet<Option<String>> = BTreeSet::new();
            let mut seen: BTreeSet<(&str, Option<String>)> = BTreeSet::new();
            for finding in &findings {
                if finding.severity == Severity::Error {
                    with_error.insert(finding.test.clone());
                }
                if seen.insert((finding.rule.name, finding.test.clone())) {
                    rates.entry(finding.rule.name).or_default()[finding.severity as usize] += 1;
                }
                if list.is_some_and(|least| finding.severity >= least) {
                    let line = text[..finding.span.start.min(text.len())]
                        .matches('\n')
                        .count()
                        + 1;
                    println!(
                        "  {}:{line} {} {} {} ({})",
                        path.display(),
                        finding.severity.as_str(),
                        finding.rule.name,
                        finding.message,
                        finding.test.as_deref().unwrap_or("file")
                    );
                }
            }
            wrong += with_error.len();
        }
        all_tests += tests;
        println!(
            "| {} | {files} | {tests} | {wrong} | {:.2} % |",
            folder.display(),
            share(wrong, tests)
        );
    }
    println!(
        "\n| rule | errors | warnings | notes | of {all_tests} tests |\n|---|---|---|---|---|"
    );
    for (rule, [notes, warnings, errors]) in rates {
        println!(
            "| {rule} | {errors} | {warnings} | {notes} | {:.2} % |",
            share(errors + warnings + notes, all_tests)
        );
    }
}

fn share(part: usize, whole: usize) -> f64 {
    let number = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    100.0 * number(part) / number(whole.max(1))
}

/// Files that a runner would look for tests in.
fn test_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut queue = vec![folder.to_path_buf()];
    while let Some(folder) = queue.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if !name.starts_with('.')
                    && !["node_modules", "target", "vendor"].contains(&name.as_str())
                {
                    queue.push(path);
                }
            } else if is_test_file(&name, &path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn is_test_file(name: &str, path: &Path) -> bool {
    let python = name.ends_with(".py")
        && (name.starts_with("test")
            || name.ends_with("_test.py")
            || name == "conftest.py"
            || name == "tests.py");
    let script = [".test.", ".spec."].iter().any(|part| name.contains(part))
        || path
            .components()
            .any(|part| part.as_os_str() == "__tests__");
    let script = script
        && [".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts"]
            .iter()
            .any(|end| name.ends_with(end));
    python || script || name.ends_with("_test.go") || name.ends_with(".rs")
}
