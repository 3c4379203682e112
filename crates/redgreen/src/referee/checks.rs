//! The ladder and custom checks: a command, its exit code, what it printed, and the criterion that makes it a success
//! (SPEC B6, evidence gate).

use super::context::Context;
use super::trees::TreeOnDisk;
use crate::config::file::Check;
use crate::error::Failure;
use redgreen_core::gate::CheckRun;
use redgreen_core::id::Digest;
use redgreen_core::run_report::Ended;
use redgreen_host::env::Program;
use redgreen_host::process::{self, SpawnError};

/// A tool on the search path, else in the virtual environment of the checkout, where a Python project's tools live.
pub(super) fn find(context: &Context, name: &str) -> Option<Program> {
    redgreen_host::env::find_program(name).or_else(|| {
        let folder = context.repository.top_level().join(".venv/bin");
        redgreen_host::env::find_program_on(name, &folder.display().to_string())
    })
}

/// Runs one check in a tree.
///
/// # Errors
/// A failure when its folders cannot be made.
pub fn run_check(context: &Context, check: &Check, tree: &TreeOnDisk) -> Result<CheckRun, Failure> {
    let mut argv = check.command.clone();
    let mut version = String::new();
    if let Some(program) = argv.first().and_then(|name| find(context, name)) {
        argv[0] = program.found.display().to_string();
        let digest = std::fs::read(&program.real).map(|bytes| Digest::of(&bytes));
        version = match digest {
            Ok(digest) => format!("{} {digest}", program.real.display()),
            Err(_) => program.real.display().to_string(),
        };
    }
    let mut spec = tree.check_spec(&check.name, argv)?;
    if let Some(limit) = crate::config::limit_of(check)? {
        spec.timeout = limit;
    }
    let mut success = format!("exit code {}", check.exit_code);
    if let Some(text) = &check.must_contain {
        success.push_str(&format!(", output contains `{text}`"));
    }
    if let Some(text) = &check.must_not_contain {
        success.push_str(&format!(", output does not contain `{text}`"));
    }
    if check.must_be_empty {
        success.push_str(", no output");
    }
    let mut run = CheckRun {
        name: check.name.clone(),
        command: check.command.clone(),
        ended: Ended::Interrupted,
        version,
        tail: Vec::new(),
        success,
        succeeded: false,
        not_found: false,
        succeeded_on_base: None,
        optional: check.optional,
        fix: check.fix.clone(),
    };
    match process::run(&spec) {
        Err(SpawnError::NotFound { .. }) => run.not_found = true,
        Err(error @ (SpawnError::Io { .. } | SpawnError::Folder { .. })) => {
            run.tail = vec![error.to_string()]
        }
        Ok(finished) => {
            let output = format!("{}\n{}", finished.stdout_text(), finished.stderr_text());
            let lines: Vec<&str> = output
                .lines()
                .filter(|line| !line.trim().is_empty())
                .collect();
            run.tail = lines
                .iter()
                .rev()
                .take(5)
                .rev()
                .map(|&line| line.to_owned())
                .collect();
            run.ended = finished.ended;
            run.succeeded = finished.ended == Ended::Code(check.exit_code)
                && (!check.must_be_empty || lines.is_empty())
                && check
                    .must_contain
                    .as_ref()
                    .is_none_or(|text| output.contains(text.as_str()))
                && check
                    .must_not_contain
                    .as_ref()
                    .is_none_or(|text| !output.contains(text.as_str()));
        }
    }
    Ok(run)
}
