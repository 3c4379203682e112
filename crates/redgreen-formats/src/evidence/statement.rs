//! What is in an envelope: an in-toto Statement v1
//! (<https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>) with our predicate, and the same facts as
//! `test-result/v0.1`, which other tools read.

use redgreen_core::gate::Gate;
use redgreen_core::id::Digest;
use redgreen_core::outcome::{Outcome, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

use super::dsse::KeyId;

/// The type of every statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// The type of our predicate. Its description is `docs/reference/evidence-predicate.md`.
pub const GATE_PREDICATE: &str = "urn:redgreen:attestation:gate:v1";
/// The type of the predicate that other tools read.
pub const TEST_RESULT_PREDICATE: &str = "https://in-toto.io/attestation/test-result/v0.1";
/// The version of a record that this program writes, and the newest that it reads.
pub const RECORD_VERSION: u64 = 1;
/// What can be said of a key: nobody who is judged can read it, or it lies where any program of the user can.
pub const KEY_PROTECTIONS: [&str; 3] = ["masked", "none", "no_key"];

/// The key that a record was signed with, as it was when it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyNote {
    /// Its public name; `null` where there was none.
    pub id: Option<KeyId>,
    /// One of [`KEY_PROTECTIONS`].
    pub protection: String,
}

/// Complete output of one command, kept by digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Which run.
    pub label: String,
    /// Digest of what is kept, without secrets.
    pub digest: Digest,
    /// How many bytes there were.
    pub bytes: u64,
    /// Whether the bytes lie beside the record; longer ones are only named.
    pub kept: bool,
}

/// Our predicate: everything that one gate established. Append-only within a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateRecord {
    /// [`RECORD_VERSION`] of the writer.
    pub version: u64,
    /// The chain: `<plan>/<writer>`.
    pub chain: String,
    /// Its number in the chain, from 0 without gaps.
    pub seq: u64,
    /// The record before; `null` for the first.
    pub prev: Option<Digest>,
    /// The version of redgreen that wrote it.
    pub redgreen: String,
    /// When, RFC 3339 UTC. Informative.
    pub at: String,
    /// How project commands were isolated: `bubblewrap`, `landlock`, `none`.
    pub isolation: String,
    /// The key it is signed with.
    pub key: KeyNote,
    /// The gate as `redgreen.gate/1`, without its own evidence.
    pub gate: Value,
    /// The content tree that was judged.
    pub content_tree: Option<String>,
    /// Digest of the environments.
    pub environment: Option<Digest>,
    /// Digest of the lock record it was judged by.
    pub lock: Option<Digest>,
    /// The runs: label and report.
    pub runs: Vec<Value>,
    /// The ladder.
    pub checks: Vec<Value>,
    /// Complete outputs.
    pub outputs: Vec<Output>,
    /// How many secrets were taken out before anything was hashed, by name.
    pub redactions: BTreeMap<String, u64>,
}

/// The part of a record that is the same in every version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Header {
    /// The version.
    pub version: u64,
    /// The chain.
    pub chain: String,
    /// The number.
    pub seq: u64,
    /// The record before.
    pub prev: Option<Digest>,
}

/// A payload that is no record of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A newer redgreen wrote it.
    #[error("its version is {found}, and this redgreen reads up to {RECORD_VERSION}")]
    Newer {
        /// The version in it.
        found: u64,
    },
    /// It has not the form of its version.
    #[error("it is no evidence record: {0}")]
    Invalid(String),
}

#[derive(Deserialize)]
struct Wrapped<P> {
    #[serde(rename = "_type")]
    kind: String,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: P,
}

#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

/// Reads a payload. The version is looked at first: what a newer record means is not guessed.
///
/// # Errors
/// A newer version, or no record.
pub fn read_record(payload: &[u8]) -> Result<GateRecord, RecordError> {
    let invalid = |why: serde_json::Error| RecordError::Invalid(why.to_string());
    let versioned: Wrapped<Versioned> = serde_json::from_slice(payload).map_err(invalid)?;
    let found = versioned.predicate.version;
    if found > RECORD_VERSION {
        return Err(RecordError::Newer { found });
    }
    if versioned.kind != STATEMENT_TYPE || versioned.predicate_type != GATE_PREDICATE {
        return Err(RecordError::Invalid(format!(
            "it is `{}` with `{}`",
            versioned.kind, versioned.predicate_type
        )));
    }
    let wrapped: Wrapped<GateRecord> = serde_json::from_slice(payload).map_err(invalid)?;
    Ok(wrapped.predicate)
}

fn subject(record: &GateRecord) -> Value {
    let hex = |text: &str| text.strip_prefix("sha256:").unwrap_or(text).to_owned();
    match (&record.content_tree, &record.lock) {
        (Some(tree), _) => json!([{"name": "content tree", "digest": {"sha256": hex(tree)}}]),
        // Nothing was built: what is left to name is what it would have been judged by.
        (None, Some(lock)) => json!([{"name": "lock record", "digest": {"sha256": lock.hex()}}]),
        (None, None) => json!([]),
    }
}

/// The statement of a record, as it is signed.
#[must_use]
pub fn statement_of(record: &GateRecord) -> Vec<u8> {
    let statement = json!({
        "_type": STATEMENT_TYPE,
        "subject": subject(record),
        "predicateType": GATE_PREDICATE,
        "predicate": record,
    });
    statement.to_string().into_bytes()
}

/// The same facts for tools that know `test-result/v0.1`. It follows from the record alone. `result` says how the tests
/// went, not what the gate made of it: at RED tests fail, so a RED that passes is `FAILED`.
#[must_use]
pub fn test_result_of(record: &GateRecord) -> Vec<u8> {
    let mut passed = Vec::new();
    let mut failed = Vec::new();
    let mut warned = Vec::new();
    for test in record.gate["tests"].as_array().into_iter().flatten() {
        let id = test["id"].as_str().unwrap_or_default().to_owned();
        let outcome = serde_json::from_value::<Outcome>(test["outcome"].clone());
        match outcome {
            Ok(Outcome::Passed) => passed.push(id),
            Ok(Outcome::Skipped | Outcome::Xfailed | Outcome::Xpassed | Outcome::Todo) => {
                warned.push(id);
            }
            Ok(
                Outcome::Failed
                | Outcome::Errored
                | Outcome::TimedOut
                | Outcome::Crashed
                | Outcome::NotRun
                | Outcome::Blocked,
            )
            | Err(_) => failed.push(id),
        }
    }
    let gate = serde_json::from_value::<Gate>(record.gate["gate"].clone()).ok();
    let verdict = serde_json::from_value::<Verdict>(record.gate["verdict"].clone()).ok();
    let red = matches!(gate, None | Some(Gate::Red));
    let all_well = verdict == Some(Verdict::Pass) && failed.is_empty() && !red;
    let result = if all_well { "PASSED" } else { "FAILED" };
    let configuration: Vec<Value> = [
        ("environment", record.environment),
        ("lock record", record.lock),
    ]
    .into_iter()
    .filter_map(|(name, digest)| Some(json!({"name": name, "digest": {"sha256": digest?.hex()}})))
    .collect();
    json!({
        "_type": STATEMENT_TYPE,
        "subject": subject(record),
        "predicateType": TEST_RESULT_PREDICATE,
        "predicate": {
            "result": result,
            "configuration": configuration,
            "passedTests": passed,
            "warnedTests": warned,
            "failedTests": failed,
        },
    })
    .to_string()
    .into_bytes()
}
