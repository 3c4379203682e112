//! Evidence: one record per gate, bound to the content tree that was judged, kept by digest in private state.

use super::context::Context;
use crate::error::Failure;
use redgreen_core::gate::{CheckRun, GateResult};
use redgreen_core::id::Digest;
use redgreen_core::machine::GateSummary;
use redgreen_core::run_report::RunReport;
use redgreen_formats::wire::v1::GateReport;
use serde_json::{Value, json};
use std::time::Duration;

/// What a gate was judged on, beside its result.
#[derive(Debug, Default)]
pub struct Subject<'a> {
    /// The content tree that was run.
    pub content_tree: Option<&'a str>,
    /// Digest of the environments.
    pub environment: Option<Digest>,
    /// Digest of the lock record.
    pub lock: Option<Digest>,
    /// The runs, by label.
    pub runs: &'a [(String, RunReport)],
    /// The ladder: each check with its exact command, tool, exit code, success criterion and last lines.
    pub checks: &'a [CheckRun],
}

/// A gate as `redgreen.gate/1` (SPEC G2).
#[must_use]
pub fn gate_document(result: &GateResult, duration: Duration, evidence: Option<Digest>) -> Value {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let kept = evidence.unwrap_or_else(|| Digest::of(b""));
    let summary = GateSummary::of(result, kept, Vec::new(), 0, milliseconds);
    let report = GateReport {
        evidence,
        ..GateReport::of(result.task().cloned(), &summary)
    };
    serde_json::to_value(report).unwrap_or(Value::Null)
}

/// Keeps the record and returns its digest.
///
/// # Errors
/// A failure when it cannot be written: without evidence there is no verdict to act on.
pub fn keep(
    context: &Context,
    result: &GateResult,
    duration: Duration,
    subject: &Subject<'_>,
) -> Result<Digest, Failure> {
    let runs: Vec<Value> = subject
        .runs
        .iter()
        .map(|(label, run)| json!({"label": label, "report": run}))
        .collect();
    let checks: Vec<Value> = subject
        .checks
        .iter()
        .map(|check| {
            json!({
                "name": check.name,
                "command": check.command,
                "tool": check.version,
                "ended": check.ended,
                "success": check.success,
                "succeeded": check.succeeded,
                "not_found": check.not_found,
                "succeeded_on_base": check.succeeded_on_base,
                "tail": check.tail,
            })
        })
        .collect();
    let mut record = json!({
        "schema": "redgreen.evidence/1",
        "redgreen": env!("CARGO_PKG_VERSION"),
        "at": redgreen_host::clock::now_rfc3339(),
        "gate": gate_document(result, duration, None),
        "content_tree": subject.content_tree,
        "environment": subject.environment,
        "isolation": super::isolation::record(),
        "lock": subject.lock,
        "runs": runs,
        "checks": checks,
    });
    redgreen_host::secrets::hide(&mut record);
    let bytes = serde_json::to_vec(&record).map_err(Failure::internal)?;
    let digest = Digest::of(&bytes);
    let path = context
        .state
        .evidence()
        .join(format!("{}.json", digest.hex()));
    redgreen_host::state::write_atomically(&path, &bytes).map_err(Failure::internal)?;
    Ok(digest)
}
