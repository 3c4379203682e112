//! Compiling the tests of each package, and why that failed.

use super::packages::{Package, own_packages};
use super::{Done, Shell, at_once};
use crate::path_rules::PathClass;
use crate::process;
use redgreen_core::id::RelPath;
use redgreen_core::outcome::Cause;
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::{CauseDetail, Ended, LoadFailure, LocatedCause};
use redgreen_formats::go::build::{Build, BuildError, read};
use redgreen_formats::go::cause::{Facts, causes};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A package whose test program there is.
pub(super) struct Built {
    pub(super) package: Package,
    pub(super) program: PathBuf,
}

/// Compiles every package; those that do not compile become load failures.
pub(super) fn build(shell: &mut Shell<'_>, packages: Vec<Package>, done: &mut Done) -> Vec<Built> {
    let specs: Vec<(PathBuf, process::Spec)> = packages
        .iter()
        .enumerate()
        .map(|(at, package)| {
            let program = shell.folder.path().join(format!("programs/{at}.test"));
            let mut arguments: Vec<String> = ["test", "-c", "-vet=off", "-buildvcs=false"]
                .map(str::to_owned)
                .to_vec();
            // All errors, not the first ten: each must be one that may be.
            if !shell
                .arguments
                .build
                .iter()
                .any(|word| word.starts_with("-gcflags"))
            {
                arguments.push("-gcflags=-e".to_owned());
            }
            arguments.extend(shell.arguments.build.iter().cloned());
            arguments.extend(["-o".to_owned(), program.display().to_string()]);
            arguments.push(package.pattern.clone());
            let spec = shell.compiler(arguments, &package.module, &package.workspace);
            (program, spec)
        })
        .collect();
    let results = at_once(&specs, |(_, spec)| process::run(spec));
    let mut built = Vec::new();
    let mut own = None;
    for ((package, (program, spec)), result) in packages.into_iter().zip(specs).zip(results) {
        let finished = match result {
            Ok(finished) => finished,
            Err(error) => {
                done.problems.push(Reason::new(
                    ReasonCode::EnvironmentFault,
                    format!("the compiler could not be started: {error}"),
                    "look at the toolchain: go version",
                ));
                continue;
            }
        };
        let mut printed = finished.stdout.clone();
        printed.extend_from_slice(&finished.stderr);
        shell.record(&spec.argv, &printed, finished.ended);
        let text = String::from_utf8_lossy(&printed).into_owned();
        match finished.ended {
            Ended::Code(0) => {
                // No program: every file of the package is excluded by its constraints.
                if program.is_file() {
                    built.push(Built { package, program });
                }
            }
            Ended::Code(_) => {
                done.ended = super::execute::worse(done.ended, finished.ended);
                let read = read(&text);
                if let Some(problem) = not_asked(&read) {
                    if !done
                        .problems
                        .iter()
                        .any(|known| known.message == problem.message)
                    {
                        done.problems.push(problem);
                    }
                    continue;
                }
                let own = own.get_or_insert_with(|| own_packages(&shell.tree));
                done.load_failures
                    .push(failure(shell, &package, &read, &text, own));
            }
            Ended::Signal(_) | Ended::OutputLimit => done.problems.push(Reason::new(
                ReasonCode::EnvironmentFault,
                format!("the compiler was ended: {:?}", finished.ended),
                "look at memory and disk space",
            )),
            Ended::TimedOut | Ended::IdledOut => done.problems.push(Reason::new(
                ReasonCode::TimedOut,
                format!("compiling did not end within {} s", shell.timeout.as_secs()),
                "raise `timeout` of the runner in redgreen.toml",
            )),
            Ended::Interrupted => done.problems.push(Reason::new(
                ReasonCode::Stopped,
                "compiling was stopped",
                "run again",
            )),
        }
    }
    built
}

/// Errors of the go tool that say nothing about the tests: modules that are not there, a toolchain that is too old.
fn not_asked(build: &Build) -> Option<Reason> {
    let fault = |message: &str, help: &str| {
        Some(Reason::new(
            ReasonCode::EnvironmentFault,
            format!("the go tool says: {message}"),
            help,
        ))
    };
    let texts = || {
        build
            .tool
            .iter()
            .map(String::as_str)
            .chain(build.errors.iter().map(|error| error.message.as_str()))
    };
    if let Some(message) = texts().find(|text| {
        text.contains("module lookup disabled by GOPROXY=off")
            || text.contains("is not in your go.mod file")
    }) {
        return fault(
            message,
            "fetch the modules of the project once: go mod download",
        );
    }
    if let Some(message) = texts().find(|text| {
        text.contains("requires go >=")
            || text.contains("(running go")
            || text.contains("invalid go version")
    }) {
        return fault(message, "install the version of Go that go.mod asks for");
    }
    let first = build.tool.first()?;
    build.errors.is_empty().then(|| {
        Reason::new(
            ReasonCode::EnvironmentFault,
            format!("the go tool says: {first}"),
            "make `go test -c` work in the checkout, commit go.mod and go.sum, then run again",
        )
    })
}

fn failure(
    shell: &Shell<'_>,
    package: &Package,
    build: &Build,
    text: &str,
    (modules, packages): &(Vec<String>, BTreeSet<String>),
) -> LoadFailure {
    let of_tests = names_of_tests(&shell.tree.join(&package.folder));
    let path_of = |error: &BuildError| -> Option<RelPath> {
        let written = Path::new(error.file.as_deref()?);
        let whole = if written.is_absolute() {
            written.to_path_buf()
        } else {
            package.module.join(written)
        };
        let whole = whole.canonicalize().unwrap_or(whole);
        RelPath::new(whole.strip_prefix(&shell.tree).ok()?.to_str()?).ok()
    };
    let found = causes(&build.errors, &|error, with| {
        let text = path_of(error)
            .and_then(|path| std::fs::read_to_string(shell.tree.join(path.as_str())).ok())
            .unwrap_or_default();
        with(&Facts {
            modules,
            packages,
            text: &text,
            of_tests: &of_tests,
        });
    });
    let mut causes: Vec<LocatedCause> = found
        .into_iter()
        .map(|(error, cause)| {
            let file = path_of(error);
            let in_source = file
                .as_ref()
                .is_some_and(|path| shell.request.rules.class(path) != PathClass::Test);
            LocatedCause {
                cause: if in_source {
                    CauseDetail {
                        cause: Cause::BrokenBase,
                        detail: format!("source does not compile: {}", first_line(&error.message)),
                        symbol: None,
                    }
                } else {
                    cause
                },
                file: file.or_else(|| package.files.first().cloned()),
                line: (error.line > 0).then_some(error.line),
                message: shell.shown(&error.message),
            }
        })
        .collect();
    if causes.is_empty() {
        causes.push(LocatedCause {
            cause: CauseDetail {
                cause: Cause::Unknown,
                detail: format!("the tests of `{}` were not built", package.pattern),
                symbol: None,
            },
            file: package.files.first().cloned(),
            line: None,
            message: shell.shown(text).chars().take(2000).collect(),
        });
    }
    LoadFailure {
        files: package.files.iter().cloned().collect(),
        causes,
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}

/// What the test files of a folder declare at the top.
fn names_of_tests(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().ends_with("_test.go") {
            continue;
        }
        let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
        for line in text.lines() {
            for word in ["func ", "type ", "var ", "const "] {
                if let Some(rest) = line.strip_prefix(word) {
                    let name: String = rest
                        .chars()
                        .take_while(|c| c.is_alphanumeric() || *c == '_')
                        .collect();
                    if !name.is_empty() {
                        found.insert(name);
                    }
                }
            }
        }
    }
    found
}
