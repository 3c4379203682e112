//! `redgreen explain CODE|CAUSE|PATH`

use super::{Ending, open};
use crate::cli::{Cli, ExplainArgs};
use crate::error::Failure;
use crate::referee::context::Setting;
use crate::render::printer::Printer;
use redgreen_core::exit::ExitCode;
use redgreen_core::id::RelPath;
use redgreen_core::outcome::Cause;
use redgreen_core::reason::ReasonCode;
use redgreen_host::path_rules::PathClass;
use redgreen_host::tree::Snapshot;

/// Explains a reason code, or what a path is to a task and why.
///
/// # Errors
/// A usage failure for what is neither.
pub fn run(cli: &Cli, printer: Printer, arguments: &ExplainArgs) -> Ending {
    if let Some(code) = ReasonCode::ALL
        .iter()
        .find(|code| code.as_str() == arguments.what)
    {
        printer.result(
            || format!("{}: {}\nmore: docs/reference/reasons.md", code.as_str(), code.meaning()),
            || serde_json::json!({"schema": "redgreen.explain/1", "code": code, "meaning": code.meaning()}),
        );
        return Ok(ExitCode::Pass);
    }
    if let Some(cause) = Cause::ALL
        .iter()
        .find(|cause| cause.as_str() == arguments.what)
    {
        let class = cause.class();
        printer.result(
            || format!("{cause}: {}\n{class}: {}\nmore: docs/reference/causes.md", cause.meaning(), class.meaning()),
            || serde_json::json!({"schema": "redgreen.explain/1", "cause": cause, "class": class, "meaning": cause.meaning()}),
        );
        return Ok(ExitCode::Pass);
    }
    if let Some(rule) = redgreen_lint::quality::rules::find(&arguments.what) {
        printer.result(
            || {
                format!(
                    "{} ({}): {}\n\nwhy          {}\nwhat to do   {}\nwhen it is wrong   {}",
                    rule.name, rule.number, rule.title, rule.why, rule.fix, rule.when_wrong
                )
            },
            || {
                serde_json::json!({
                    "schema": "redgreen.explain/1", "rule": rule.name, "number": rule.number, "meaning": rule.title,
                    "severity": rule.severity.as_str(), "why": rule.why, "help": rule.fix, "when_wrong": rule.when_wrong,
                })
            },
        );
        return Ok(ExitCode::Pass);
    }
    let unknown = || {
        Failure::usage(
            format!(
                "`{}` is neither a reason code nor a cause nor a lint rule nor a path here",
                arguments.what
            ),
            "reason codes stand in brackets behind `error`, as in error[locked_test_edited]",
        )
    };
    let path = RelPath::new(arguments.what.trim_start_matches("./")).map_err(|_| unknown())?;
    if !arguments.what.contains(['/', '.']) {
        return Err(unknown());
    }
    let context = open(cli, printer)?;
    let head = context.head_commit()?;
    let tree = Snapshot::of_commit(&context.repository, &head).map_err(Failure::internal)?;
    let setting = Setting::of_tree(&context, &tree)?;
    let (class, meaning) = match setting.rules.class(&path) {
        PathClass::RunnerConfig => (
            "locked",
            "its name steers a runner, a tool or git: no role writes it",
        ),
        PathClass::Test => ("test", "the author writes it, the lock holds it"),
        PathClass::Source => (
            "source",
            "the implementer writes it; in Rust files everything but the test items",
        ),
        PathClass::Inert => (
            "inert",
            "it never changes a verdict; changes are judged without it",
        ),
        PathClass::Locked => (
            "locked",
            "neither test nor source: what no glob allows is locked",
        ),
    };
    printer.result(
        || format!("{path}: {class}: {meaning}"),
        || serde_json::json!({"schema": "redgreen.explain/1", "path": path, "class": class, "meaning": meaning}),
    );
    Ok(ExitCode::Pass)
}
