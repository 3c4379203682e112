//! The predicate of an evidence record, and what `evidence verify` prints.

use super::{always, count, digest, document, flag, list, must, object, or_null, text, words};
use crate::command::evidence::VERIFY_SCHEMA;
use redgreen_formats::evidence::{FindingKind, GATE_PREDICATE, KEY_PROTECTIONS, RECORD_VERSION};
use serde_json::{Value, json};

fn anything(description: &str) -> Value {
    json!({"type": "object", "description": description})
}

/// The predicate `urn:redgreen:attestation:gate:v1`.
pub(in crate::command::reference) fn evidence() -> Value {
    let key = object(vec![
        must(
            "id",
            or_null(text(
                "`ed25519:` and the public key; `null` where there was no key",
            )),
        ),
        must(
            "protection",
            words(
                KEY_PROTECTIONS.into_iter(),
                "`masked`: nothing that is judged could read the key; `none`: it could; `no_key`",
            ),
        ),
    ]);
    let output = object(vec![
        must("label", text("which run")),
        must("digest", digest("the complete output, without secrets")),
        must("bytes", count("its length")),
        must(
            "kept",
            flag("whether it lies beside the record, as `output/<digest>`"),
        ),
    ]);
    let body = object(vec![
        must(
            "version",
            json!({"const": RECORD_VERSION, "description": "an older redgreen refuses a newer version"}),
        ),
        must("chain", text("`<plan>/<writer>`")),
        must("seq", count("its number in the chain, from 0 without gaps")),
        must(
            "prev",
            or_null(digest(
                "the payload of the record before; `null` for the first",
            )),
        ),
        must("redgreen", text("the version that wrote it")),
        must("at", text("when, RFC 3339 UTC; informative")),
        must("isolation", text("how project commands were isolated")),
        must("key", json!({"$ref": "#/$defs/key"})),
        must(
            "gate",
            anything("the gate as `redgreen.gate/1`, without its own evidence"),
        ),
        must(
            "content_tree",
            or_null(digest("the content tree that was judged")),
        ),
        must("environment", or_null(digest("the environment records"))),
        must("lock", or_null(digest("the lock record it was judged by"))),
        must(
            "runs",
            list(
                anything("label and report of a run, case by case"),
                "what was run",
            ),
        ),
        must(
            "checks",
            list(
                anything("command, tool, end, criterion, last lines"),
                "the ladder",
            ),
        ),
        must(
            "outputs",
            list(json!({"$ref": "#/$defs/output"}), "complete outputs"),
        ),
        must(
            "redactions",
            json!({
                "type": "object",
                "description": "how many secrets were taken out before anything was hashed, by name",
                "additionalProperties": {"type": "integer", "minimum": 1},
            }),
        ),
    ]);
    document(
        GATE_PREDICATE,
        "The predicate of an evidence record",
        body,
        vec![("key", key), ("output", output)],
    )
}

/// `redgreen.evidence-verify/1`.
pub(in crate::command::reference) fn evidence_verify() -> Value {
    let finding = object(vec![
        must(
            "kind",
            words(
                FindingKind::ALL.into_iter().map(FindingKind::as_str),
                "what is wrong",
            ),
        ),
        must("record", or_null(count("the number of the record"))),
        must("message", text("the fact")),
    ]);
    let head = json!({
        "description": "the last record",
        "anyOf": [
            {"type": "null"},
            object(vec![must("record", count("its number")), must("digest", digest("its payload"))]),
        ],
    });
    let chain = object(vec![
        must("chain", text("`<plan>/<writer>`")),
        must("source", text("`git` or `private state`")),
        must("verified", flag("nothing is wrong with it")),
        must("records", count("readable records")),
        must("head", head),
        must(
            "findings",
            list(json!({"$ref": "#/$defs/finding"}), "what is wrong"),
        ),
        must(
            "notes",
            list(text("a fact"), "who signed, what is not signed"),
        ),
    ]);
    let body = object(vec![
        must("schema", always(VERIFY_SCHEMA)),
        must(
            "verified",
            flag("everything that was asked for is here and right"),
        ),
        must(
            "chains",
            list(json!({"$ref": "#/$defs/chain"}), "the chains that are here"),
        ),
        must("missing", list(text("what and why"), "what is not here")),
        must(
            "help",
            or_null(text("the command that fetches what is not here")),
        ),
    ]);
    document(
        VERIFY_SCHEMA,
        "What `redgreen evidence verify` found",
        body,
        vec![("chain", chain), ("finding", finding)],
    )
}
