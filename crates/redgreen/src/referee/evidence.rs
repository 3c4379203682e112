//! Evidence: one record per gate, bound to the content tree that was judged, signed and chained (SPEC C8).
//!
//! A record is kept in private state under its digest, and beside it in git under `refs/redgreen/evidence/`, where a
//! clone can fetch it. Each writer (this private state) has chains of its own, so that two people never write one chain.

use super::context::{Context, git_failure};
use crate::error::Failure;
use redgreen_core::gate::{CheckRun, GateResult, StepRun};
use redgreen_core::id::{Digest, RelPath};
use redgreen_core::machine::GateSummary;
use redgreen_core::run_report::RunReport;
use redgreen_formats::evidence::{
    Anchor, Envelope, GateRecord, KeyNote, Output, RECORD_VERSION, SigningKey, StoreHead,
    read_record, statement_of, test_result_of,
};
use redgreen_formats::wire::v1::GateReport;
use redgreen_host::process::Isolation;
use redgreen_host::state::write_atomically;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// Where evidence lies in git.
pub const REFERENCES: &str = "refs/redgreen/evidence/";
/// Outputs longer than this are named by digest and not kept beside the record.
const OUTPUT_CAP: u64 = 256 << 10;

/// What a gate was judged on, beside its result.
#[derive(Debug, Default)]
pub struct Subject<'a> {
    /// The name of the chain the record goes to: the plan's, or `by-hand`.
    pub chain: &'a str,
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
    /// What the real application was asked to do, and what came of it.
    pub validation: &'a [StepRun],
    /// Held-out files, which a record does not name: it lies under `refs/redgreen/`, too.
    pub hidden: BTreeSet<RelPath>,
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

/// The chain of this writer for a plan (or `by-hand`): `<plan>/<writer>`. The writer's name is made on first use.
///
/// # Errors
/// A failure when it cannot be written.
pub fn chain_of(context: &Context, key: &str) -> Result<String, Failure> {
    let file = context.state.evidence().join("writer");
    let known = || {
        let text = std::fs::read_to_string(&file).ok()?;
        let name = text.trim().to_owned();
        let usable = name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        usable.then_some(name)
    };
    let writer = match known() {
        Some(writer) => writer,
        None => {
            let _held = context
                .state
                .wait_for("evidence-writer")
                .map_err(Failure::internal)?;
            match known() {
                Some(writer) => writer,
                None => {
                    let made = redgreen_host::keys::random_name()
                        .ok_or_else(|| Failure::internal("the system gives no random bytes"))?;
                    write_atomically(&file, made.as_bytes()).map_err(Failure::internal)?;
                    made
                }
            }
        }
    };
    Ok(format!("{key}/{writer}"))
}

fn head_file(context: &Context, chain: &str) -> PathBuf {
    context.state.evidence().join("chains").join(chain)
}

/// The file of a record in private state.
#[must_use]
pub fn record_file(context: &Context, digest: &Digest) -> PathBuf {
    context
        .state
        .evidence()
        .join(format!("{}.json", digest.hex()))
}

/// The last record of a chain, as private state knows it; `None` for a chain without a record.
#[must_use]
pub fn private_head(context: &Context, chain: &str) -> Option<StoreHead> {
    read_head(&std::fs::read(head_file(context, chain)).ok()?)
}

/// Reads `{"seq":…,"digest":…}`.
#[must_use]
pub fn read_head(bytes: &[u8]) -> Option<StoreHead> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    Some(StoreHead {
        seq: value["seq"].as_u64()?,
        digest: Digest::try_from(value["digest"].as_str()?.to_owned()).ok()?,
    })
}

fn head_bytes(head: StoreHead) -> Vec<u8> {
    json!({"seq": head.seq, "digest": head.digest})
        .to_string()
        .into_bytes()
}

/// The value of the trailer that anchors a chain's head in a commit; `None` while there is no record.
///
/// # Errors
/// A failure when the writer's name cannot be kept.
pub fn trailer(context: &Context, key: &str) -> Result<Option<String>, Failure> {
    let chain = chain_of(context, key)?;
    Ok(private_head(context, &chain).map(|head| Anchor::to_trailer(&chain, head)))
}

/// A record of private state; `None` where it is not there or not what its name says.
#[must_use]
pub fn read(context: &Context, digest: &Digest) -> Option<GateRecord> {
    let bytes = std::fs::read(record_file(context, digest)).ok()?;
    let (payload, _) = Envelope::open(&bytes).ok()?;
    (Digest::of(&payload) == *digest)
        .then(|| read_record(&payload).ok())
        .flatten()
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
    let chain = chain_of(context, subject.chain)?;
    let _held = context
        .state
        .wait_for(&format!("evidence-{chain}"))
        .map_err(Failure::internal)?;
    let key = redgreen_host::keys::load_or_make(&context.state.keys());
    let before = private_head(context, &chain);
    let mut record = GateRecord {
        version: RECORD_VERSION,
        seq: before.map_or(0, |head| head.seq + 1),
        prev: before.map(|head| head.digest),
        chain,
        redgreen: env!("CARGO_PKG_VERSION").to_owned(),
        at: redgreen_host::clock::now_rfc3339(),
        isolation: isolation(),
        key: key_note(key.as_ref()),
        gate: gate_document(&result.clone().concealing(&subject.hidden), duration, None),
        content_tree: subject.content_tree.map(str::to_owned),
        environment: subject.environment,
        lock: subject.lock,
        runs: runs(subject),
        checks: subject
            .checks
            .iter()
            .map(check)
            .chain(subject.validation.iter().map(step))
            .collect(),
        outputs: outputs(context, subject),
        redactions: Default::default(),
    };
    hide_secrets(&mut record);
    let payload = statement_of(&record);
    let digest = Digest::of(&payload);
    let head = StoreHead {
        seq: record.seq,
        digest,
    };
    let envelope = Envelope::seal(&payload, key.as_ref()).to_bytes();
    write_atomically(&record_file(context, &digest), &envelope).map_err(Failure::internal)?;
    write_atomically(&head_file(context, &record.chain), &head_bytes(head))
        .map_err(Failure::internal)?;
    // Private state has it; a git that is held or read-only at the moment gets it with the next record.
    if let Err(failure) = mirror(context, &record, head, key.as_ref()) {
        context
            .printer
            .detail(format!("evidence is not in git yet: {}", failure.what));
    }
    Ok(digest)
}

fn isolation() -> String {
    super::isolation::record()
}

/// Whether what is judged could have read the key: not where the system hides private state.
fn key_note(key: Option<&SigningKey>) -> KeyNote {
    let protection = match (key, redgreen_host::process::best_available()) {
        (None, _) => "no_key",
        (Some(_), Isolation::Bubblewrap | Isolation::Landlock) => "masked",
        (Some(_), Isolation::Process) => "none",
    };
    KeyNote {
        id: key.map(SigningKey::id),
        protection: protection.to_owned(),
    }
}

fn runs(subject: &Subject<'_>) -> Vec<Value> {
    let runs = subject.runs.iter();
    runs.map(
        |(label, run)| json!({"label": label, "report": run.clone().concealing(&subject.hidden)}),
    )
    .collect()
}

fn check(check: &CheckRun) -> Value {
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
}

/// A step of the validation of the application.
fn step(step: &StepRun) -> Value {
    json!({
        "name": step.name,
        "validation": true,
        "succeeded": step.held(),
        "not_tried": step.not_tried,
        "failures": step.failures,
        "shown": step.shown,
        "hint": step.hint.map(|hint| hint.as_str()),
        "succeeded_on_base": step.held_on_base,
        "duration_ms": step.duration_ms,
        "tail": step.log,
    })
}

/// Where the runners left complete outputs, without secrets, by digest.
fn output_file(context: &Context, digest: &Digest) -> PathBuf {
    context.state.cache().join("output").join(digest.hex())
}

fn outputs(context: &Context, subject: &Subject<'_>) -> Vec<Output> {
    let mut outputs: Vec<Output> = Vec::new();
    // What was printed names the tests, the held-out ones among them.
    if !subject.hidden.is_empty() {
        return outputs;
    }
    for (label, run) in subject.runs {
        let Ok(metadata) = std::fs::metadata(output_file(context, &run.output)) else {
            continue;
        };
        if outputs.iter().all(|known| known.digest != run.output) {
            outputs.push(Output {
                label: label.clone(),
                digest: run.output,
                bytes: metadata.len(),
                kept: metadata.len() <= OUTPUT_CAP,
            });
        }
    }
    outputs
}

/// Takes secrets out of everything that could hold one, before anything is hashed, and notes how many.
fn hide_secrets(record: &mut GateRecord) {
    let mut counts = redgreen_host::secrets::hide(&mut record.gate);
    for value in record.runs.iter_mut().chain(&mut record.checks) {
        for (name, count) in redgreen_host::secrets::hide(value) {
            *counts.entry(name).or_default() += count;
        }
    }
    record.redactions = counts;
}

/// The reference of a chain.
#[must_use]
pub fn reference(chain: &str) -> String {
    format!("{REFERENCES}{chain}")
}

/// The name of a record's file in git; sorted by name is sorted by number.
#[must_use]
pub fn name_in_git(seq: u64) -> String {
    format!("{seq:08}.json")
}

/// Brings git up to this record: with everything that a git that was held missed before.
fn mirror(
    context: &Context,
    record: &GateRecord,
    head: StoreHead,
    key: Option<&SigningKey>,
) -> Result<(), Failure> {
    let name = reference(&record.chain);
    let refs = context.repository.refs(&name).map_err(git_failure)?;
    let parent = refs.get(&name).map(String::as_str);
    let in_git = match parent {
        Some(commit) => head_in_git(context, commit)?,
        None => None,
    };
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut next = Some(head.digest);
    while let Some(digest) = next {
        let bytes = std::fs::read(record_file(context, &digest)).map_err(Failure::internal)?;
        let (payload, _) = Envelope::open(&bytes).map_err(Failure::internal)?;
        let one = read_record(&payload).map_err(Failure::internal)?;
        if in_git.is_some_and(|known| known.seq >= one.seq) {
            break;
        }
        let result = Envelope::seal(&test_result_of(&one), key);
        files.push((name_in_git(one.seq), bytes));
        files.push((
            format!("test-result/{}", name_in_git(one.seq)),
            result.to_bytes(),
        ));
        for output in one.outputs.iter().filter(|output| output.kept) {
            if let Ok(bytes) = std::fs::read(output_file(context, &output.digest)) {
                files.push((format!("output/{}", output.digest.hex()), bytes));
            }
        }
        next = one.prev;
    }
    files.push(("head.json".to_owned(), head_bytes(head)));
    let files: Vec<(String, &[u8])> = files
        .iter()
        .map(|(name, bytes)| (name.clone(), bytes.as_slice()))
        .collect();
    let message = format!(
        "evidence {}/{}\n\n{}\n",
        record.chain, head.seq, head.digest
    );
    context
        .repository
        .append_to_log(&name, parent, &message, &files)
        .map_err(git_failure)
}

/// What a commit of a chain says its last record is.
///
/// # Errors
/// A failure when it cannot be read.
pub fn head_in_git(context: &Context, commit: &str) -> Result<Option<StoreHead>, Failure> {
    let listing = context.repository.listing(commit).map_err(git_failure)?;
    let Some((_, entry)) = listing
        .iter()
        .find(|(path, _)| path.as_str() == "head.json")
    else {
        return Ok(None);
    };
    let bytes = context
        .repository
        .read_blob(&entry.oid)
        .map_err(git_failure)?;
    Ok(read_head(&bytes))
}
