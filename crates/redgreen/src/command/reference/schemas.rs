//! JSON Schemas of what redgreen reads and writes, beside the configuration's. Written by hand, with their lists of
//! words taken from the types; tests hold them against real output, and the parsers against their lists of fields.

mod audit;
mod evidence;
mod journal;

pub(super) use audit::audit;
pub(super) use evidence::{evidence, evidence_verify};
pub(super) use journal::journal;
use redgreen_core::gate::Gate;
use redgreen_core::lock::LOCK_SCHEMA;
use redgreen_core::outcome::{Cause, Outcome, Role, Verdict};
use redgreen_core::plan::{Mode, PlanStatus, Priority};
use redgreen_core::reason::ReasonCode;
use redgreen_formats::wire::v1::GATE_SCHEMA;
use serde_json::{Map, Value, json};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// One field of an object: its name, whether it must be there, and what it holds.
type Field = (&'static str, bool, Value);

fn must(name: &'static str, schema: Value) -> Field {
    (name, true, schema)
}
fn may(name: &'static str, schema: Value) -> Field {
    (name, false, schema)
}

/// An object without other fields.
fn object(fields: Vec<Field>) -> Value {
    let required: Vec<&str> = fields
        .iter()
        .filter(|(_, required, _)| *required)
        .map(|(name, ..)| *name)
        .collect();
    let properties: Map<String, Value> = fields
        .into_iter()
        .map(|(name, _, schema)| (name.to_owned(), schema))
        .collect();
    json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false})
}

fn text(description: &str) -> Value {
    json!({"type": "string", "description": description})
}
fn flag(description: &str) -> Value {
    json!({"type": "boolean", "description": description})
}
fn count(description: &str) -> Value {
    json!({"type": "integer", "minimum": 0, "description": description})
}
fn list(items: Value, description: &str) -> Value {
    json!({"type": "array", "items": items, "description": description})
}
fn words<'a>(all: impl Iterator<Item = &'a str>, description: &str) -> Value {
    json!({"type": "string", "enum": all.collect::<Vec<_>>(), "description": description})
}
fn digest(description: &str) -> Value {
    json!({"type": "string", "pattern": "^sha256:[0-9a-f]{64}$", "description": description})
}
/// The same, or `null`.
fn or_null(mut schema: Value) -> Value {
    if let Some(kind) = schema.get("type").cloned() {
        schema["type"] = json!([kind, "null"]);
    }
    if let Some(all) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        all.push(Value::Null);
    }
    schema
}
fn always(word: &str) -> Value {
    json!({"const": word})
}

/// Adds what a whole document has: dialect, name, title.
fn document(id: &str, title: &str, mut schema: Value, definitions: Vec<(&str, Value)>) -> Value {
    let mut root = Map::new();
    root.insert("$schema".to_owned(), json!(DRAFT));
    root.insert("$id".to_owned(), json!(id));
    root.insert("title".to_owned(), json!(title));
    if let Some(fields) = schema.as_object_mut() {
        root.append(fields);
    }
    if !definitions.is_empty() {
        let definitions: Map<String, Value> = definitions
            .into_iter()
            .map(|(name, schema)| (name.to_owned(), schema))
            .collect();
        root.insert("$defs".to_owned(), Value::Object(definitions));
    }
    Value::Object(root)
}

fn gates() -> impl Iterator<Item = &'static str> {
    [Gate::Red, Gate::Lock, Gate::Green, Gate::Full]
        .into_iter()
        .map(Gate::as_str)
}
fn codes() -> impl Iterator<Item = &'static str> {
    ReasonCode::ALL.iter().map(|code| code.as_str())
}
fn verdict() -> Value {
    words(
        Verdict::ALL.iter().map(|word| word.as_str()),
        "only `pass` advances",
    )
}
fn role() -> Value {
    words(
        Role::ALL.iter().map(|word| word.as_str()),
        "what the test is for the task",
    )
}

fn test() -> Value {
    object(vec![
        must(
            "id",
            text("the case; the item where no case could be collected"),
        ),
        must("item", text("file and test function")),
        must(
            "outcome",
            words(
                Outcome::ALL.iter().map(|word| word.as_str()),
                "what happened",
            ),
        ),
        must(
            "cause",
            or_null(words(
                Cause::ALL.iter().map(|word| word.as_str()),
                "why it did not pass",
            )),
        ),
        may("detail", text("the cause in a few words")),
        must("role", role()),
        must("file", or_null(text("the file to look at"))),
        must("line", or_null(count("the line in it, from 1"))),
        must("message", text("the runner's message")),
        must("duration_ms", count("milliseconds; informative")),
    ])
}

fn control() -> Value {
    object(vec![
        must(
            "kind",
            text(
                "`red_control`, `changed_expectations`, `other_bytes`, `emptied_functions`, `hold_outs`",
            ),
        ),
        must("result", text("in plain words")),
        must("tests", list(text("a test"), "the tests it covers")),
    ])
}

/// What a gate came to, wherever it is written. `reason` is the schema of a reason.
fn judged(reason: &Value) -> Vec<Field> {
    let reasons = |description: &str| list(reason.clone(), description);
    vec![
        must("gate", words(gates(), "which gate")),
        must("verdict", verdict()),
        must("reasons", reasons("why it is no pass")),
        must(
            "tests",
            list(json!({"$ref": "#/$defs/test"}), "the tests that took part"),
        ),
        must(
            "controls",
            list(
                json!({"$ref": "#/$defs/control"}),
                "the controls that were run",
            ),
        ),
        must("duration_ms", count("milliseconds; informative")),
        must("notes", reasons("facts worth knowing that change nothing")),
    ]
}

/// `redgreen.gate/1`: what `--format json` prints for a gate.
pub(super) fn gate() -> Value {
    let reason = object(vec![
        must("code", words(codes(), "the stable code")),
        must("message", text("the fact")),
        must("path", or_null(text("the file"))),
        must("line", or_null(count("the line in it, from 1"))),
        must("test", or_null(text("the test"))),
        must("help", text("the next step")),
        may("diff", text("a unified difference that shows the fact")),
    ]);
    let mut fields = vec![
        must("schema", always(GATE_SCHEMA)),
        must("task", or_null(text("the task; `null` for an unnamed red"))),
        must(
            "evidence",
            or_null(digest("the evidence record; `null` where nothing was kept")),
        ),
    ];
    fields.extend(judged(&json!({"$ref": "#/$defs/reason"})));
    let body = object(fields);
    let definitions = vec![("reason", reason), ("test", test()), ("control", control())];
    document(GATE_SCHEMA, "The result of a gate", body, definitions)
}

/// A plan file. Other fields are kept and ignored, so they are allowed.
pub(super) fn plan() -> Value {
    let texts = |description: &str| {
        json!({
            "description": description,
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"type": "null"}],
        })
    };
    let criteria = |description: &str| {
        json!({
            "description": description,
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/criterion"}]}},
                {"type": "null"},
            ],
        })
    };
    let derived = |mut fields: Vec<Field>| {
        fields.push(may(
            "production_validated",
            or_null(flag("derived: the real application was validated")),
        ));
        fields.push(may(
            "validation_timestamp",
            or_null(text("derived: when, RFC 3339 UTC")),
        ));
        let mut schema = object(fields);
        schema["additionalProperties"] = json!(true);
        schema
    };
    let task = derived(vec![
        must("id", text("such as `T43`; unique in the plan")),
        must("name", text("a few words for lists and commit messages")),
        may(
            "description",
            or_null(text("what is wanted; both roles read it")),
        ),
        may(
            "dod",
            criteria("the criteria under their other name; a task has one of the two"),
        ),
        may(
            "criteria",
            criteria(
                "one string or a list; `AC-1: text` or `{\"id\": …, \"text\": …}` carries an id, others are numbered",
            ),
        ),
        may(
            "passes",
            or_null(flag("derived: the task passed every gate")),
        ),
        may("depends_on", texts("ids of tasks that must pass first")),
        may(
            "priority",
            json!({
                "description": format!("after dependencies: {}", Priority::WORDS),
                "type": ["integer", "string", "null"],
            }),
        ),
        may(
            "module",
            or_null(text("the scope in commit messages: `feat(<module>): …`")),
        ),
        may(
            "mode",
            or_null(words(
                Mode::ALL
                    .iter()
                    .filter(|mode| mode.is_supported())
                    .map(|mode| mode.as_str()),
                "`tdd` by default",
            )),
        ),
        may(
            "scope",
            texts("globs that narrow where the implementer writes; a `chore` needs it"),
        ),
        may(
            "new_symbols",
            texts(
                "names that the implementation will have; a red that needs another one is unclear",
            ),
        ),
        may("new_dependencies", texts("packages that the task adds")),
        may("supersedes", texts("old tests that the task may replace")),
        may("categories", texts("suite categories of the task")),
        may("checks", texts("names of configured checks of the task")),
        may(
            "issue",
            json!({"description": "an issue number, for `Closes #N`", "type": ["integer", "string", "null"]}),
        ),
    ]);
    let criterion = {
        let mut schema = object(vec![
            may("id", or_null(text("such as `AC-1`"))),
            must("text", text("the criterion")),
        ]);
        schema["additionalProperties"] = json!(true);
        schema
    };
    let body = derived(vec![
        must(
            "name",
            text("its name; also the end of the branch name `redgreen/<name>`"),
        ),
        may("description", or_null(text("what it is for"))),
        may(
            "status",
            or_null(words(
                PlanStatus::ALL.iter().map(|status| status.as_str()),
                "derived once a run exists; a person may write `APPROVED` before the first run",
            )),
        ),
        must("tasks", list(json!({"$ref": "#/$defs/task"}), "the tasks")),
    ]);
    document(
        "redgreen.plan/1",
        "A plan",
        body,
        vec![("task", task), ("criterion", criterion)],
    )
}

fn criteria_map() -> Value {
    let coverage = object(vec![
        must("test", text("an item or a case")),
        may("guard", flag("passes before and after; satisfies nothing")),
        may("hidden", flag("not shown to the implementer")),
    ]);
    json!({"type": "object", "additionalProperties": {"type": "array", "items": coverage}, "description": "which tests serve which criterion, as the author says"})
}

/// `redgreen.lock/1`: `.redgreen/locks/<task>.json`.
pub(super) fn lock() -> Value {
    let names = |description: &str| list(text("the item's name in its file"), description);
    let expected = object(vec![
        must("role", role()),
        may("runner", text("the runner's name, where there are several")),
        must("file", text("the test file")),
        may("single", names("items with one case without a suffix")),
        may(
            "uncollected",
            names("items whose cases could not be collected at RED"),
        ),
        may(
            "cases",
            json!({
                "type": "object",
                "description": "other items with the suffixes of their cases",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            }),
        ),
    ]);
    let body = object(vec![
        must("schema", always(LOCK_SCHEMA)),
        must("task", text("the task")),
        may(
            "hidden",
            digest("the held-out tests, with a secret number; absent where nothing is held out"),
        ),
        may("supersedes", digest("the record this one replaces")),
        may("reason", text("why it replaces it")),
        must(
            "base_commit",
            text("the commit the tests were proven red on"),
        ),
        must("base_tree", text("the content tree of that commit")),
        must(
            "locked_tree",
            text("the content tree that is locked: the base with the tests"),
        ),
        must(
            "tests",
            list(
                json!({"$ref": "#/$defs/expected"}),
                "the locked tests, in groups of one role, runner and file",
            ),
        ),
        must("criteria", criteria_map()),
        must("manifest", digest("the complete list of locked files")),
        must("environment", digest("the environment record")),
        may(
            "plan",
            digest("the approved plan; not there by hand without a plan"),
        ),
        must("red", digest("the evidence of RED")),
    ]);
    document(
        LOCK_SCHEMA,
        "A lock record",
        body,
        vec![("expected", expected)],
    )
}
