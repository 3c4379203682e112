//! `redgreen.audit/1`: what `redgreen audit --format json` prints.

use super::{always, codes, count, document, flag, list, may, must, object, or_null, text, words};
use redgreen_core::audit::{AuditStatus, ChangeVerdict, TestChange};
use redgreen_core::outcome::Cause;
use redgreen_formats::audit::{AUDIT_SCHEMA, FindingKind};
use serde_json::{Value, json};

fn finding() -> Value {
    object(vec![
        must(
            "kind",
            words(
                FindingKind::ALL.iter().map(|kind| kind.as_str()),
                "what kind of fact",
            ),
        ),
        must("message", text("the fact")),
        must("path", or_null(text("the file"))),
        must(
            "line",
            count("the line in it, from 1; 0 where there is none"),
        ),
        must(
            "side",
            words(["base", "head"].into_iter(), "which version of the file"),
        ),
        must("test", or_null(text("the test"))),
        may("before", text("the text before")),
        may("after", text("the text after")),
        must("help", text("what to do")),
    ])
}

fn test() -> Value {
    object(vec![
        must("test", text("file and test function")),
        must("path", text("its file")),
        must("line", count("the line it starts at after the change")),
        must(
            "change",
            words(
                TestChange::ALL.iter().map(|word| word.as_str()),
                "what the change did to it",
            ),
        ),
        must(
            "status",
            words(
                AuditStatus::ALL.iter().map(|word| word.as_str()),
                "what both runs say",
            ),
        ),
        must(
            "cause",
            or_null(words(
                Cause::ALL.iter().map(|word| word.as_str()),
                "why it fails",
            )),
        ),
        must("detail", text("the cause, or why it could not be run")),
        must(
            "code",
            or_null(words(codes(), "the code where it could not be run")),
        ),
        must("help", text("the fix where it could not be run")),
        must("without", text("the runner's message without the change")),
        must("with", text("the runner's message with the change")),
    ])
}

fn change() -> Value {
    let commit = object(vec![
        must("id", text("its id")),
        must("subject", text("the first line of its message")),
        must("author", text("who wrote it")),
        must(
            "committed_at",
            json!({"type": "integer", "description": "when, in seconds since the epoch"}),
        ),
    ]);
    let reason = object(vec![
        must("code", words(codes(), "the stable code")),
        must("message", text("the fact")),
        may("path", text("the file")),
        may("line", count("the line in it")),
        may("test", text("the test")),
        must("help", text("the fix")),
        may("diff", text("a unified difference")),
    ]);
    object(vec![
        must("commits", list(commit, "its commits, oldest first")),
        must("base", text("what it is compared with")),
        must(
            "verdict",
            words(
                ChangeVerdict::ALL.iter().map(|word| word.as_str()),
                "what is said of it",
            ),
        ),
        must("claim", text("what exactly is claimed")),
        must("tests", list(test(), "tests that were added or changed")),
        must(
            "findings",
            list(
                json!({"$ref": "#/$defs/finding"}),
                "what was seen without running",
            ),
        ),
        must(
            "source",
            list(
                text("a path"),
                "source that changed, beyond comments and layout",
            ),
        ),
        may("reason", reason),
        must("commands", count("commands of runners it took")),
        must("remembered", flag("judged before on the same content")),
        must("duration_ms", count("milliseconds; informative")),
    ])
}

fn counts<'a>(all: impl Iterator<Item = &'a str>, description: &str) -> Value {
    json!({
        "type": "array",
        "description": description,
        "items": {
            "type": "array",
            "prefixItems": [words(all, "which"), count("how many")],
            "minItems": 2,
            "maxItems": 2,
        },
    })
}

pub(in crate::command::reference) fn audit() -> Value {
    let range = object(vec![
        must("asked", text("as it was asked for, or what was assumed")),
        must("base", text("the commit before the first change")),
        must("head", text("the last commit")),
        must("whole", flag("judged as one change")),
        must("unfinished", flag("ended before every change was judged")),
    ]);
    let policy = object(vec![
        must(
            "require_lock",
            words(
                ["never", "plan", "always"].into_iter(),
                "`[audit] require_lock`",
            ),
        ),
        must(
            "fail_on",
            list(text("a verdict or finding"), "what fails it"),
        ),
        must(
            "origin",
            or_null(text("file and commit; `null` for the defaults")),
        ),
    ]);
    let totals = object(vec![
        must(
            "changes",
            counts(
                ChangeVerdict::ALL.iter().map(|word| word.as_str()),
                "changes by verdict",
            ),
        ),
        must(
            "tests",
            counts(
                AuditStatus::ALL.iter().map(|word| word.as_str()),
                "tests by status",
            ),
        ),
        must(
            "findings",
            counts(
                FindingKind::ALL.iter().map(|kind| kind.as_str()),
                "findings by kind",
            ),
        ),
    ]);
    let runs = object(vec![
        must("commands", count("commands of runners started now")),
        must("remembered", count("changes that were remembered")),
        must("without_runs", count("changes that needed no run")),
    ]);
    let body = object(vec![
        must("schema", always(AUDIT_SCHEMA)),
        must("range", range),
        must("policy", policy),
        must("exit", count("the exit code")),
        must("changes", list(change(), "every change, oldest first")),
        must(
            "findings",
            list(
                json!({"$ref": "#/$defs/finding"}),
                "what is in none of the changes",
            ),
        ),
        must("totals", totals),
        must("runs", runs),
        must("duration_ms", count("milliseconds; informative")),
    ]);
    document(AUDIT_SCHEMA, "An audit", body, vec![("finding", finding())])
}
