//! Plan files: JSON in, a checked [`Plan`] out, and an edit that keeps every byte it does not own (SPEC A1).
//!
//! Accepted: UTF-8 with or without byte order mark, any line ends. Refused with line and column: comments, trailing
//! commas, duplicate fields, wrong types, misspelt fields. Fields that redgreen does not know are kept and ignored.

mod edit;
mod read;
mod scan;

use read::{Claims, Reader};
use redgreen_core::id::{Digest, TaskId};
use redgreen_core::plan::{Plan, PlanStatus, validate};
use scan::{Node, Value};
use std::collections::BTreeMap;
use std::fmt;

/// The fields that redgreen derives from its journal; everything else is the definition.
pub const DERIVED_PLAN_FIELDS: &[&str] =
    &["status", "production_validated", "validation_timestamp"];
/// The derived fields of a task.
pub const DERIVED_TASK_FIELDS: &[&str] =
    &["passes", "production_validated", "validation_timestamp"];

/// At most this many problems of one file are listed.
const MOST_PROBLEMS: usize = 100;

/// A plan file that can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanFile {
    /// What it says.
    pub plan: Plan,
    /// The digest of everything but the derived fields: the text that an approval is bound to. White space, the order
    /// of fields and the way a string is escaped do not change it; unknown fields are part of it.
    pub definition: Digest,
    /// What the file claims in its derived fields, to compare with the journal. Tasks that claim nothing are left out.
    pub claims: DerivedFields,
}

/// One problem of a plan file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanFileProblem {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The place as a JSON pointer (RFC 6901); empty for the whole file and for syntax errors.
    pub pointer: String,
    /// The fact, a lower-case fragment.
    pub message: String,
    /// The next step.
    pub help: String,
}

impl fmt::Display for PlanFileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}: {}",
            self.line, self.column, self.message
        )?;
        if !self.pointer.is_empty() {
            write!(f, " (at `{}`)", self.pointer)?;
        }
        Ok(())
    }
}

/// A file that is not a plan that can be run: every problem that was found, in file order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", rendered(.problems))]
pub struct PlanFileError {
    /// At least one problem.
    pub problems: Vec<PlanFileProblem>,
}

fn rendered(problems: &[PlanFileProblem]) -> String {
    let lines: Vec<_> = problems
        .iter()
        .map(|problem| format!("{problem}\n  {}", problem.help))
        .collect();
    lines.join("\n")
}

/// What to do with a derived field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Edit<T> {
    /// Leave it as it is, also when it is missing.
    #[default]
    Keep,
    /// Give it this value; insert it when it is missing.
    Set(T),
    /// Make it `null` where it stands; insert nothing.
    Clear,
}

/// New values of the derived fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DerivedFields {
    /// The plan's status; `None` leaves it.
    pub status: Option<PlanStatus>,
    /// Whether the real application was validated.
    pub production_validated: Edit<bool>,
    /// When, RFC 3339 UTC.
    pub validation_timestamp: Edit<String>,
    /// By task id. Tasks that are not listed stay as they are.
    pub tasks: BTreeMap<String, DerivedTask>,
}

/// New values of the derived fields of one task.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DerivedTask {
    /// Whether it passed.
    pub passes: Edit<bool>,
    /// Whether the real application was validated with it.
    pub production_validated: Edit<bool>,
    /// When, RFC 3339 UTC.
    pub validation_timestamp: Edit<String>,
}

/// Reads and checks a plan file.
///
/// # Errors
/// Every problem at once: a syntax error (the first only, since nothing after it can be trusted), or all wrong types,
/// missing and misspelt fields, or everything that [`validate`] finds.
pub fn parse(bytes: &[u8]) -> Result<PlanFile, PlanFileError> {
    let root = scanned(bytes)?;
    let mut reader = Reader {
        complaints: Vec::new(),
    };
    let (plan, plan_claims, task_claims) = reader.plan(&root);
    let mut found: Vec<(usize, String, String, String)> = reader
        .complaints
        .into_iter()
        .map(|complaint| {
            (
                complaint.offset,
                complaint.pointer,
                complaint.message,
                complaint.help,
            )
        })
        .collect();
    // A task that could not be read is missing from `plan`: its index and what depends on it would be reported wrongly.
    if found.is_empty() {
        found.extend(validate(&plan).into_iter().map(|problem| {
            (
                scan::locate(&root, &problem.pointer),
                problem.pointer,
                problem.message,
                problem.help,
            )
        }));
    }
    if !found.is_empty() {
        found.sort_by_key(|(offset, ..)| *offset);
        let problems = found
            .into_iter()
            .take(MOST_PROBLEMS)
            .map(|(offset, pointer, message, help)| {
                let (line, column) = scan::place(bytes, offset);
                PlanFileProblem {
                    line,
                    column,
                    pointer,
                    message,
                    help,
                }
            })
            .collect();
        return Err(PlanFileError { problems });
    }
    let claims = claims(&root, &plan, plan_claims, task_claims);
    Ok(PlanFile {
        definition: definition(&root),
        plan,
        claims,
    })
}

/// The digest of everything but the derived fields; see [`PlanFile::definition`].
///
/// # Errors
/// When the bytes are not JSON. The plan need not be valid: a broken plan differs from the approved one, too.
pub fn definition_digest(bytes: &[u8]) -> Result<Digest, PlanFileError> {
    Ok(definition(&scanned(bytes)?))
}

/// Writes derived fields and keeps every other byte: fields, order, white space, line ends, byte order mark.
///
/// A missing field is inserted behind its nearest sibling in the file's own style. A field that has the value already
/// is not touched, so an edit that changes nothing returns the same bytes. Task ids that the file lacks are ignored.
///
/// # Errors
/// When the bytes are not JSON.
pub fn set_derived(bytes: &[u8], fields: &DerivedFields) -> Result<Vec<u8>, PlanFileError> {
    Ok(edit::apply(bytes, &scanned(bytes)?, fields))
}

fn scanned(bytes: &[u8]) -> Result<Node, PlanFileError> {
    scan::scan(bytes).map_err(|fault| {
        let (line, column) = scan::place(bytes, fault.offset);
        PlanFileError {
            problems: vec![PlanFileProblem {
                line,
                column,
                pointer: String::new(),
                message: fault.message,
                help: fault.help,
            }],
        }
    })
}

fn claims(root: &Node, plan: &Plan, of_plan: Claims, of_tasks: Vec<Claims>) -> DerivedFields {
    let told = |flag: Option<bool>| flag.map_or(Edit::Keep, Edit::Set);
    let dated = |text: Option<String>| text.map_or(Edit::Keep, Edit::Set);
    DerivedFields {
        status: root.get("status").is_some().then_some(plan.status),
        production_validated: told(of_plan.production_validated),
        validation_timestamp: dated(of_plan.validation_timestamp),
        tasks: plan
            .tasks
            .iter()
            .zip(of_tasks)
            .map(|(task, claims)| {
                let derived = DerivedTask {
                    passes: if task.passes {
                        Edit::Set(true)
                    } else {
                        Edit::Keep
                    },
                    production_validated: told(claims.production_validated),
                    validation_timestamp: dated(claims.validation_timestamp),
                };
                (task.id.to_string(), derived)
            })
            .filter(|(_, derived)| derived != &DerivedTask::default())
            .collect(),
    }
}

impl DerivedFields {
    /// The derived fields of one task, to be filled.
    pub fn task(&mut self, id: &TaskId) -> &mut DerivedTask {
        self.tasks.entry(id.to_string()).or_default()
    }
}

/// Canonical text: no white space, object fields sorted by name, strings escaped as serde_json does, numbers as written
/// (so `1` and `1.0` differ, which can only ask for an approval too many).
fn definition(root: &Node) -> Digest {
    let mut text = String::from("redgreen.plan-definition/1\n");
    write_object(&mut text, root, DERIVED_PLAN_FIELDS, |text, key, node| {
        if key != "tasks" {
            return write_canonical(text, node);
        }
        match &node.value {
            Value::List(items) => write_list(text, items, |text, item| {
                write_object(text, item, DERIVED_TASK_FIELDS, |text, _, node| {
                    write_canonical(text, node);
                });
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Object(_) => {
                write_canonical(text, node);
            }
        }
    });
    Digest::of(text.as_bytes())
}

fn write_canonical(text: &mut String, node: &Node) {
    match &node.value {
        Value::Null => text.push_str("null"),
        Value::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => text.push_str(number),
        Value::Text(value) => write_text(text, value),
        Value::List(items) => write_list(text, items, write_canonical),
        Value::Object(_) => {
            write_object(text, node, &[], |text, _, node| write_canonical(text, node));
        }
    }
}

fn write_text(text: &mut String, value: &str) {
    text.push_str(&serde_json::Value::from(value).to_string());
}

fn write_list(text: &mut String, items: &[Node], mut write: impl FnMut(&mut String, &Node)) {
    text.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write(text, item);
    }
    text.push(']');
}

fn write_object(
    text: &mut String,
    node: &Node,
    without: &[&str],
    mut write: impl FnMut(&mut String, &str, &Node),
) {
    if !matches!(node.value, Value::Object(_)) {
        return write_canonical(text, node);
    }
    let members: BTreeMap<&str, &Node> = node
        .members()
        .iter()
        .filter(|member| !without.contains(&member.key.as_str()))
        .map(|member| (member.key.as_str(), &member.value))
        .collect();
    text.push('{');
    for (index, (key, value)) in members.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write_text(text, key);
        text.push(':');
        write(text, key, value);
    }
    text.push('}');
}

#[cfg(test)]
mod tests;
