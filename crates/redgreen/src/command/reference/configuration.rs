//! The configuration: its schema, and a page made from it.

use super::{cell, heading};
use crate::config::file::{File, Runner};
use serde_json::{Map, Value, json};

/// The JSON Schema of `redgreen.toml`.
pub(super) fn schema() -> Value {
    let mut root = schemars::schema_for!(File).to_value();
    let mut runner = schemars::schema_for!(Runner).to_value();
    for key in ["$schema", "title"] {
        if let Some(object) = runner.as_object_mut() {
            object.remove(key);
        }
    }
    root["$id"] = json!("redgreen.config/1");
    root["title"] = json!("redgreen.toml");
    root["$defs"]["Runner"] = runner;
    // The file keeps `[runner]` as a table, because one runner and several named ones have the same place.
    root["properties"]["runner"] = json!({
        "description": "One runner, or several named ones (`[runner.NAME]`).",
        "anyOf": [
            {"$ref": "#/$defs/Runner"},
            {"type": "object", "additionalProperties": {"$ref": "#/$defs/Runner"}},
            {"type": "null"},
        ],
    });
    root
}

/// Every key with its meaning.
pub(super) fn page() -> String {
    let schema = schema();
    let mut page = heading("Configuration");
    page.push_str(
        "`redgreen.toml` at the top level of the repository, or `.config/redgreen.toml`. A conventional project needs none: \
         `redgreen init` says what it would assume. Unknown keys are errors. The schema is \
         [`schemas/config.json`](../../schemas/config.json).\n\n\
         Globs have the semantics of gitignore, relative to the folder of the file. Precedence: files that steer a runner, a \
         tool or git are never written by an agent; then `tests`; then `source`. What no glob names is locked.\n",
    );
    let properties = schema["properties"].as_object();
    let (sections, keys): (Vec<_>, Vec<_>) = properties
        .into_iter()
        .flatten()
        .partition(|(_, value)| section_of(&schema, value).is_some());
    page.push_str("\n## Top level\n\n");
    table(&mut page, &schema, keys.into_iter());
    for (name, value) in sections {
        let Some((form, definition)) = section_of(&schema, value) else {
            continue;
        };
        let title = match form {
            Form::Table => format!("[{name}]"),
            Form::List => format!("[[{name}]]"),
            Form::Named => format!("[{name}.NAME]"),
        };
        page.push_str(&format!("\n## `{title}`\n\n"));
        if let Some(text) = value["description"].as_str() {
            page.push_str(&format!("{text}\n\n"));
        }
        let fields = definition["properties"].as_object();
        table(&mut page, definition, fields.into_iter().flatten());
    }
    page
}

enum Form {
    Table,
    List,
    Named,
}

/// The definition behind a section, and how the section is written.
fn section_of<'a>(schema: &'a Value, value: &'a Value) -> Option<(Form, &'a Value)> {
    let resolved = |value: &Value| -> Option<&'a Value> {
        let name = value["$ref"].as_str()?.strip_prefix("#/$defs/")?;
        schema["$defs"].get(name)
    };
    if let Some(definition) = resolved(value) {
        return Some((Form::Table, definition));
    }
    if let Some(definition) = resolved(&value["items"]) {
        return Some((Form::List, definition));
    }
    if let Some(definition) = resolved(&value["additionalProperties"]) {
        return Some((Form::Named, definition));
    }
    let alternatives = value["anyOf"].as_array()?;
    alternatives
        .iter()
        .find_map(resolved)
        .map(|definition| (Form::Table, definition))
}

fn table<'a>(
    page: &mut String,
    object: &Value,
    fields: impl Iterator<Item = (&'a String, &'a Value)>,
) {
    page.push_str("| key | type | meaning |\n|---|---|---|\n");
    let required = |name: &str| {
        object["required"]
            .as_array()
            .is_some_and(|names| names.iter().any(|other| other == name))
    };
    for (name, value) in fields {
        let mut meaning = value["description"].as_str().unwrap_or_default().to_owned();
        if required(name) {
            meaning.push_str(" Required.");
        }
        page.push_str(&format!(
            "| `{name}` | {} | {} |\n",
            kind(value),
            cell(&meaning)
        ));
    }
}

/// The type in words.
fn kind(value: &Value) -> String {
    let no_fields = Map::new();
    let object = value.as_object().unwrap_or(&no_fields);
    let word = |name: &str| match name {
        "array" => match object.get("items").and_then(|items| items["type"].as_str()) {
            Some(item) => format!("list of {item}s"),
            None => "list".to_owned(),
        },
        "object" => "table".to_owned(),
        other => other.to_owned(),
    };
    match object.get("type") {
        Some(Value::String(name)) => word(name),
        Some(Value::Array(names)) => names
            .iter()
            .filter_map(Value::as_str)
            .filter(|name| *name != "null")
            .map(word)
            .collect::<Vec<_>>()
            .join(" or "),
        Some(_) | None => String::new(),
    }
}
