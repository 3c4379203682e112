//! `redgreen validate`: the application as it ships, from a clean checkout, with real services (SPEC E3, E6).

use super::Ending;
use crate::cli::ValidateArgs;
use crate::error::Failure;
use crate::referee::context::{Context, Setting, git_failure};
use crate::referee::evidence::{Subject, gate_document, keep};
use crate::referee::validation::validate;
use crate::render::gate;
use redgreen_core::gate::{StepRun, judge_validation};
use redgreen_host::tree::{Snapshot, content_digest};

/// Validates a commit.
///
/// # Errors
/// A failure when the question cannot be put.
pub fn run(context: &Context, arguments: &ValidateArgs) -> Ending {
    let commit = match &arguments.commit {
        Some(name) => context.repository.resolve(name).map_err(git_failure)?,
        None => context.head_commit()?,
    };
    let snapshot = Snapshot::of_commit(&context.repository, &commit).map_err(Failure::internal)?;
    let setting = Setting::of_tree(context, &snapshot)?;
    crate::referee::isolation::prepare(context, &setting)?;
    let Some(configured) = &setting.config.validation else {
        return Err(Failure::usage(
            "nothing says how the application is started and used",
            "declare `[validation]` in redgreen.toml and commit it: docs/guide/validation.md",
        ));
    };
    let start = redgreen_host::clock::monotonic();
    let validated = validate(context, &setting, configured, &snapshot, "validate")?;
    let result = judge_validation(&validated.problems, &validated.steps);
    let content_tree = content_digest(&snapshot, &[]).to_string();
    let subject = Subject {
        chain: "by-hand",
        content_tree: Some(&content_tree),
        validation: &validated.steps,
        ..Subject::default()
    };
    let evidence = keep(context, &result, start.elapsed(), &subject)?;
    context.printer.result(
        || gate::human(&result),
        || {
            let mut document = gate_document(&result, start.elapsed(), Some(evidence));
            if let Some(fields) = document.as_object_mut() {
                fields.insert("steps".to_owned(), steps(&validated.steps));
            }
            document
        },
    );
    Ok(result.verdict().into())
}

fn steps(steps: &[StepRun]) -> serde_json::Value {
    steps
        .iter()
        .map(|step| {
            serde_json::json!({
                "name": step.name,
                "held": step.held(),
                "not_tried": step.not_tried,
                "failures": step.failures,
                "shown": step.shown,
                "log": step.log,
                "hint": step.hint.map(|hint| hint.as_str()),
                "duration_ms": step.duration_ms,
            })
        })
        .collect()
}
