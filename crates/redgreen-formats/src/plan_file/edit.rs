//! The byte-exact edit: only derived fields change, every other byte stays (SPEC A1).

use super::scan::{Member, Node, Value};
use super::{DerivedFields, Edit};
use std::ops::Range;

/// A replacement of some bytes of the old file.
struct Splice {
    at: Range<usize>,
    text: String,
}

/// Applies `fields` to a file that was scanned from `bytes`.
pub(super) fn apply(bytes: &[u8], root: &Node, fields: &DerivedFields) -> Vec<u8> {
    let mut splices = Vec::new();
    let status = match fields.status {
        Some(status) => Edit::Set(format!("\"{status}\"")),
        None => Edit::Keep,
    };
    edit_object(
        bytes,
        root,
        &[
            ("status", status, &["description", "name"]),
            (
                "production_validated",
                flag(&fields.production_validated),
                &["status", "description", "name"],
            ),
            (
                "validation_timestamp",
                quoted(&fields.validation_timestamp),
                &["production_validated", "status", "description", "name"],
            ),
        ],
        &mut splices,
    );
    let tasks = root
        .get("tasks")
        .map_or(&[][..], |tasks| tasks.value.items());
    for task in tasks {
        let Some(Value::Text(id)) = task.get("id").map(|member| &member.value.value) else {
            continue;
        };
        let Some(derived) = fields.tasks.get(id.as_str()) else {
            continue;
        };
        edit_object(
            bytes,
            task,
            &[
                (
                    "passes",
                    flag(&derived.passes),
                    &["dod", "criteria", "description", "name", "id"],
                ),
                (
                    "production_validated",
                    flag(&derived.production_validated),
                    &["passes", "dod", "criteria", "name", "id"],
                ),
                (
                    "validation_timestamp",
                    quoted(&derived.validation_timestamp),
                    &["production_validated", "passes", "dod", "criteria", "id"],
                ),
            ],
            &mut splices,
        );
    }
    // Insertions behind one member keep the order in which they were made: the sort is stable.
    splices.sort_by_key(|splice| splice.at.start);
    let mut out = Vec::with_capacity(bytes.len() + 64 * splices.len());
    let mut copied = 0;
    for splice in splices {
        out.extend_from_slice(&bytes[copied..splice.at.start]);
        out.extend_from_slice(splice.text.as_bytes());
        copied = splice.at.end;
    }
    out.extend_from_slice(&bytes[copied..]);
    out
}

fn flag(edit: &Edit<bool>) -> Edit<String> {
    match edit {
        Edit::Keep => Edit::Keep,
        Edit::Clear => Edit::Clear,
        Edit::Set(flag) => Edit::Set(flag.to_string()),
    }
}

fn quoted(edit: &Edit<String>) -> Edit<String> {
    match edit {
        Edit::Keep => Edit::Keep,
        Edit::Clear => Edit::Clear,
        Edit::Set(text) => Edit::Set(serde_json::Value::from(text.as_str()).to_string()),
    }
}

/// Changes fields of one object. Each comes with the siblings behind which it is inserted when it is missing.
fn edit_object(
    bytes: &[u8],
    object: &Node,
    fields: &[(&str, Edit<String>, &[&str])],
    splices: &mut Vec<Splice>,
) {
    for (key, edit, siblings) in fields {
        let (text, existing) = match (edit, object.get(key)) {
            (Edit::Keep, _) | (Edit::Clear, None) => continue,
            (Edit::Clear, existing) => ("null", existing),
            (Edit::Set(text), existing) => (text.as_str(), existing),
        };
        match existing {
            Some(member) if &bytes[member.value.span.clone()] == text.as_bytes() => {}
            Some(member) => splices.push(Splice {
                at: member.value.span.clone(),
                text: text.to_owned(),
            }),
            None => {
                let anchor = siblings
                    .iter()
                    .find_map(|sibling| object.get(sibling))
                    .or(object.members().last());
                if let Some(anchor) = anchor {
                    splices.push(insertion(bytes, object, anchor, key, text));
                }
            }
        }
    }
}

/// `,` + the white space before a sibling + `"key"` + the sibling's own way to write the colon + the value.
fn insertion(bytes: &[u8], object: &Node, anchor: &Member, key: &str, text: &str) -> Splice {
    // The first member may share the line of the brace while the others have lines of their own.
    let model = match object.members() {
        [first, second, ..] if std::ptr::eq(first, anchor) => second,
        _ => anchor,
    };
    let mut start = model.key_span.start;
    while start > 0 && matches!(bytes[start - 1], b' ' | b'\t' | b'\r' | b'\n') {
        start -= 1;
    }
    let piece = |range: Range<usize>| String::from_utf8_lossy(&bytes[range]).into_owned();
    let before = piece(start..model.key_span.start);
    let colon = piece(anchor.key_span.end..anchor.value.span.start);
    let end = anchor.value.span.end;
    Splice {
        at: end..end,
        text: format!(",{before}\"{key}\"{colon}{text}"),
    }
}
