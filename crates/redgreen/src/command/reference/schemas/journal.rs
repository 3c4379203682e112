//! The schema of a line of the journal.

use super::{
    Field, always, codes, control, count, criteria_map, digest, document, judged, list, must,
    object, or_null, test, text, words,
};
use redgreen_core::dispute::DisputeReason;
use redgreen_formats::wire::VERSION;
use serde_json::{Value, json};

/// One line of a journal. The large parts of an event are described by name only.
pub(in crate::command::reference) fn journal() -> Value {
    let any = |description: &str| json!({"description": description});
    let by = || must("by", text("the person, as `git` names them"));
    let key = || must("key", text("`run/task/phase/attempt`"));
    let task = || must("task", text("the task"));
    let definition = || must("definition", digest("the plan's definition"));
    let configuration = || must("configuration", digest("the effective configuration"));
    let plan = || {
        must(
            "plan",
            json!({"type": "object", "description": "the plan as it was read"}),
        )
    };
    let options = || {
        must(
            "options",
            json!({"type": "object", "description": "limits, tries and switches of the run"}),
        )
    };
    let lock = || {
        must(
            "lock",
            object(vec![
                must("record", digest("the lock record")),
                must("commit", text("the commit it lies in")),
                must("criteria", criteria_map()),
                must("tests", count("locked tests")),
                must("files", count("files that could change their result")),
            ]),
        )
    };
    let summary = || {
        let mut fields = judged(&json!({"type": "object"}));
        fields.extend([
            must(
                "signature",
                digest("the failure, to recognise it when it comes back"),
            ),
            must("evidence", digest("the evidence record")),
            must("tail", list(text("a line"), "the last lines of the output")),
            must("suite_runs", count("full suites that were run")),
        ]);
        object(fields)
    };
    let reason = || {
        must(
            "fault",
            json!({"type": "object", "required": ["code", "message", "help"], "description": "a reason"}),
        )
    };
    let dispute = object(vec![
        task(),
        must("test", text("the disputed test")),
        must(
            "reason",
            words(
                DisputeReason::ALL.iter().map(|reason| reason.as_str()),
                "the claim",
            ),
        ),
        must("cites", or_null(text("the criterion"))),
        must("note", or_null(text("free text; shown, never weighed"))),
    ]);
    let events: Vec<(&str, Vec<Field>)> = vec![
        (
            "run_started",
            vec![
                must("run", text("the run's name")),
                plan(),
                definition(),
                configuration(),
                options(),
                must(
                    "approved",
                    or_null(text("who approved the plan at the start")),
                ),
                must("adopted", list(text("a task"), "tasks taken over as done")),
            ],
        ),
        (
            "approved",
            vec![plan(), definition(), configuration(), by()],
        ),
        ("differs", vec![definition(), configuration()]),
        ("resumed", vec![options(), by()]),
        ("started", vec![key()]),
        (
            "agent_ended",
            vec![
                key(),
                must("outcome", text("how the session ended")),
                must(
                    "session",
                    json!({"type": "object", "description": "what is known of the session; feeds no verdict"}),
                ),
            ],
        ),
        ("gate_judged", vec![key(), must("summary", summary())]),
        ("lock_committed", vec![key(), lock()]),
        ("refactor_adopted", vec![key()]),
        ("refactor_discarded", vec![key()]),
        (
            "delivered",
            vec![key(), must("delivery", any("what became of the candidate"))],
        ),
        ("done", vec![key()]),
        ("faulted", vec![key(), reason()]),
        (
            "disputed",
            vec![
                must("dispute", dispute),
                must(
                    "evidence",
                    list(
                        json!({"type": "object"}),
                        "facts that the referee established",
                    ),
                ),
            ],
        ),
        ("agreed", vec![task(), by()]),
        (
            "amended",
            vec![
                task(),
                must("red", summary()),
                lock(),
                must("reason", text("why")),
                by(),
            ],
        ),
        (
            "retried",
            vec![task(), must("hint", or_null(text("guidance"))), by()],
        ),
        ("taken", vec![task(), by()]),
        ("handed_back", vec![task(), by()]),
        (
            "waived",
            vec![
                task(),
                must("code", words(codes(), "what is waived")),
                must("reason", text("why")),
                must("expires", or_null(text("a date"))),
                by(),
            ],
        ),
        ("reset", vec![task(), by()]),
        ("stop_requested", vec![by()]),
        (
            "limit_reached",
            vec![must(
                "limit",
                words(["time", "tokens", "money"].into_iter(), "which limit"),
            )],
        ),
    ];
    let event: Vec<Value> = events
        .into_iter()
        .map(|(name, fields)| {
            object(vec![
                must("type", always(name)),
                must("data", object(fields)),
            ])
        })
        .collect();
    let body = object(vec![
        must(
            "v",
            json!({"type": "integer", "minimum": 1, "description": "the version of the line"}),
        ),
        must("seq", count("its number, from 0 without gaps")),
        must(
            "prev",
            digest("the bytes of the line before; of nothing for the first"),
        ),
        must("at", text("when it was written, RFC 3339 UTC")),
        must(
            "data",
            object(vec![
                must("v", json!({"const": VERSION})),
                must("event", json!({"oneOf": event})),
            ]),
        ),
        must("sum", digest("the bytes of the line before `,\"sum\"`")),
    ]);
    document(
        "redgreen.journal/1",
        "One line of a journal",
        body,
        vec![("test", test()), ("control", control())],
    )
}
