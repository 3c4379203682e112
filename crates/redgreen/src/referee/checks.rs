//! The ladder and custom checks: a command, its exit code, what it printed, and the criterion that makes it a success
//! (SPEC B6, evidence gate).

use super::trees::TreeOnDisk;
use crate::config::file::Check;
use crate::error::Failure;
use redgreen_core::gate::CheckRun;
use redgreen_core::run_report::Ended;
use redgreen_host::process::{self, SpawnError};

/// Runs one check in a tree.
///
/// # Errors
/// A failure when its folders cannot be made.
pub fn run_check(check: &Check, tree: &TreeOnDisk) -> Result<CheckRun, Failure> {
    let mut argv = check.command.clone();
    if let Some(program) = argv
        .first()
        .and_then(|name| redgreen_host::env::find_program(name))
    {
        argv[0] = program.found.display().to_string();
    }
    let spec = tree.check_spec(&check.name, argv)?;
    let mut success = format!("exit code {}", check.exit_code);
    if let Some(text) = &check.must_contain {
        success.push_str(&format!(", output contains `{text}`"));
    }
    if let Some(text) = &check.must_not_contain {
        success.push_str(&format!(", output does not contain `{text}`"));
    }
    let mut run = CheckRun {
        name: check.name.clone(),
        command: check.command.clone(),
        ended: Ended::Interrupted,
        version: String::new(),
        tail: Vec::new(),
        success,
        succeeded: false,
        not_found: false,
        succeeded_on_base: None,
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
