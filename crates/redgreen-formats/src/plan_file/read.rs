//! From the JSON tree to a [`Plan`]: every field with a wrong type, a missing one, a misspelt one, all at once.

use super::scan::{Member, Node, Value};
use redgreen_core::id::{CriterionId, TaskId};
use redgreen_core::plan::{Criterion, Mode, Plan, PlanStatus, Priority, Task};
use std::collections::BTreeSet;

/// A complaint before its line and column are known.
#[derive(Debug)]
pub(super) struct Complaint {
    pub(super) offset: usize,
    pub(super) pointer: String,
    pub(super) message: String,
    pub(super) help: String,
}

/// What the file says about one task beyond its definition.
#[derive(Debug, Clone, Default)]
pub(super) struct Claims {
    pub(super) production_validated: Option<bool>,
    pub(super) validation_timestamp: Option<String>,
}

const PLAN_FIELDS: &[&str] = &[
    "name",
    "description",
    "status",
    "tasks",
    "production_validated",
    "validation_timestamp",
];
const TASK_FIELDS: &[&str] = &[
    "id",
    "name",
    "description",
    "dod",
    "criteria",
    "passes",
    "depends_on",
    "priority",
    "module",
    "mode",
    "scope",
    "new_symbols",
    "new_dependencies",
    "supersedes",
    "categories",
    "checks",
    "issue",
    "production_validated",
    "validation_timestamp",
];
/// Names from other plan formats. Ignoring them silently would lose an order or a criterion.
const SYNONYMS: &[(&str, &str)] = &[
    ("acceptancecriteria", "criteria"),
    ("acceptance", "criteria"),
    ("definitionofdone", "dod"),
    ("dependencies", "depends_on"),
    ("depends", "depends_on"),
    ("requires", "depends_on"),
    ("blockedby", "depends_on"),
    ("userstories", "tasks"),
    ("stories", "tasks"),
];

pub(super) struct Reader {
    pub(super) complaints: Vec<Complaint>,
}

impl Reader {
    fn complain(
        &mut self,
        node: &Node,
        pointer: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.complaints.push(Complaint {
            offset: node.span.start,
            pointer: pointer.to_owned(),
            message: message.into(),
            help: help.into(),
        });
    }
    fn wrong_type(&mut self, node: &Node, pointer: &str, expected: &str) {
        let message = format!("{expected} was expected, {} was found", node.kind());
        self.complain(node, pointer, message, format!("write {expected}"));
    }
    fn text(&mut self, node: &Node, pointer: &str) -> Option<String> {
        if let Value::Text(text) = &node.value {
            return Some(text.clone());
        }
        self.wrong_type(node, pointer, "a string");
        None
    }
    fn flag(&mut self, node: &Node, pointer: &str) -> Option<bool> {
        if let Value::Bool(flag) = node.value {
            return Some(flag);
        }
        self.wrong_type(node, pointer, "`true` or `false`");
        None
    }
    /// A list of strings, or one string.
    fn texts(&mut self, node: &Node, pointer: &str) -> Vec<String> {
        match &node.value {
            Value::Text(text) => vec![text.clone()],
            Value::List(items) => items
                .iter()
                .enumerate()
                .filter_map(|(index, item)| self.text(item, &format!("{pointer}/{index}")))
                .collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
                self.wrong_type(node, pointer, "a list of strings");
                Vec::new()
            }
        }
    }
    /// A member that is there and not `null`.
    fn present<'a>(node: &'a Node, key: &str) -> Option<&'a Member> {
        node.get(key)
            .filter(|member| member.value.value != Value::Null)
    }
    fn required_text(&mut self, node: &Node, pointer: &str, key: &str, help: &str) -> String {
        match node.get(key) {
            Some(member) => self
                .text(&member.value, &format!("{pointer}/{key}"))
                .unwrap_or_default(),
            None => {
                self.complain(node, pointer, format!("`{key}` is missing"), help);
                String::new()
            }
        }
    }
    fn optional_text(&mut self, node: &Node, pointer: &str, key: &str) -> Option<String> {
        let member = Self::present(node, key)?;
        self.text(&member.value, &format!("{pointer}/{key}"))
    }
    fn optional_texts(&mut self, node: &Node, pointer: &str, key: &str) -> Option<Vec<String>> {
        let member = Self::present(node, key)?;
        Some(self.texts(&member.value, &format!("{pointer}/{key}")))
    }

    /// A field that nobody reads is kept, unless it looks like one that somebody reads.
    fn unknown_fields(&mut self, node: &Node, pointer: &str, known: &[&'static str]) {
        for member in node.members() {
            if known.contains(&member.key.as_str())
                || member.key.starts_with("x_")
                || member.key.starts_with("x-")
            {
                continue;
            }
            let Some(meant) = meant(&member.key, known) else {
                continue;
            };
            self.complaints.push(Complaint {
                offset: member.key_span.start,
                pointer: format!(
                    "{pointer}/{}",
                    member.key.replace('~', "~0").replace('/', "~1")
                ),
                message: format!("`{}` is not a field; did you mean `{meant}`?", member.key),
                help: format!(
                    "write `{meant}`; a field of your own with such a name starts with `x_`"
                ),
            });
        }
    }

    pub(super) fn plan(&mut self, root: &Node) -> (Plan, Claims, Vec<Claims>) {
        let mut plan = Plan {
            name: String::new(),
            description: String::new(),
            status: PlanStatus::Draft,
            tasks: Vec::new(),
        };
        if !matches!(root.value, Value::Object(_)) {
            self.wrong_type(root, "", "an object with `name` and `tasks`");
            return (plan, Claims::default(), Vec::new());
        }
        self.unknown_fields(root, "", PLAN_FIELDS);
        plan.name = self.required_text(root, "", "name", "add `\"name\": \"…\"` to the plan");
        plan.description = self
            .optional_text(root, "", "description")
            .unwrap_or_default();
        if let Some(member) = Self::present(root, "status")
            && let Some(text) = self.text(&member.value, "/status")
        {
            match PlanStatus::ALL.into_iter().find(|s| s.as_str() == text) {
                Some(status) => plan.status = status,
                None => {
                    let names: Vec<_> = PlanStatus::ALL.iter().map(|s| format!("`{s}`")).collect();
                    self.complain(
                        &member.value,
                        "/status",
                        format!("`{text}` is not a status"),
                        format!("use one of {}", names.join(", ")),
                    );
                }
            }
        }
        let claims = self.claims(root, "");
        let mut task_claims = Vec::new();
        match root.get("tasks") {
            None => self.complain(root, "", "`tasks` is missing", "add `\"tasks\": […]`"),
            Some(member) if !matches!(member.value.value, Value::List(_)) => {
                self.wrong_type(&member.value, "/tasks", "a list of tasks");
            }
            Some(member) => {
                for (index, node) in member.value.items().iter().enumerate() {
                    let pointer = format!("/tasks/{index}");
                    if let Some(task) = self.task(node, &pointer) {
                        plan.tasks.push(task);
                        task_claims.push(self.claims(node, &pointer));
                    }
                }
            }
        }
        (plan, claims, task_claims)
    }

    fn claims(&mut self, node: &Node, pointer: &str) -> Claims {
        Claims {
            production_validated: Self::present(node, "production_validated")
                .and_then(|m| self.flag(&m.value, &format!("{pointer}/production_validated"))),
            validation_timestamp: self.optional_text(node, pointer, "validation_timestamp"),
        }
    }

    /// `None` when there is no usable id; a complaint was made then.
    fn task(&mut self, node: &Node, pointer: &str) -> Option<Task> {
        if !matches!(node.value, Value::Object(_)) {
            self.wrong_type(node, pointer, "an object (a task)");
            return None;
        }
        self.unknown_fields(node, pointer, TASK_FIELDS);
        let name = self.required_text(
            node,
            pointer,
            "name",
            "add `\"name\": \"…\"`: a few words for lists and commit messages",
        );
        let criteria = self.criteria(node, pointer);
        let mode = self.mode(node, pointer);
        let priority = self.priority(node, pointer);
        let passes = Self::present(node, "passes")
            .and_then(|member| self.flag(&member.value, &format!("{pointer}/passes")));
        let depends_on = self.dependencies(node, pointer);
        let issue = Self::present(node, "issue").and_then(|member| match &member.value.value {
            Value::Text(text) => Some(text.clone()),
            Value::Number(number) => Some(number.clone()),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Object(_) => {
                let at = format!("{pointer}/issue");
                self.wrong_type(&member.value, &at, "a number or a string");
                None
            }
        });
        let id_text = self.required_text(
            node,
            pointer,
            "id",
            "add `\"id\": \"T1\"`: every task needs an id of its own",
        );
        let mut list = |key: &str| self.optional_texts(node, pointer, key);
        let (scope, new_symbols) = (list("scope"), list("new_symbols"));
        let (new_dependencies, supersedes) = (list("new_dependencies"), list("supersedes"));
        let (categories, checks) = (list("categories"), list("checks"));
        let description = self.optional_text(node, pointer, "description");
        let module = self.optional_text(node, pointer, "module");
        let id = match (TaskId::new(id_text), node.get("id")) {
            (Ok(id), _) => id,
            (Err(error), Some(member)) if matches!(member.value.value, Value::Text(_)) => {
                let at = format!("{pointer}/id");
                self.complain(
                    &member.value,
                    &at,
                    error.to_string(),
                    "use an id like `T43`",
                );
                return None;
            }
            // Missing, or of a wrong type: that was said already.
            (Err(_), _) => return None,
        };
        Some(Task {
            id,
            name,
            description: description.unwrap_or_default(),
            criteria,
            passes: passes.unwrap_or(false),
            depends_on,
            priority,
            module,
            mode,
            scope: scope.unwrap_or_default(),
            new_symbols,
            new_dependencies: new_dependencies.unwrap_or_default(),
            supersedes: supersedes.unwrap_or_default(),
            categories: categories.unwrap_or_default(),
            checks: checks.unwrap_or_default(),
            issue,
        })
    }

    fn mode(&mut self, node: &Node, pointer: &str) -> Mode {
        let Some(member) = Self::present(node, "mode") else {
            return Mode::default();
        };
        let at = format!("{pointer}/mode");
        let Some(text) = self.text(&member.value, &at) else {
            return Mode::default();
        };
        Mode::ALL
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .unwrap_or_else(|| {
                let names: Vec<_> = Mode::ALL.iter().map(|mode| format!("`{mode}`")).collect();
                self.complain(
                    &member.value,
                    &at,
                    format!("`{text}` is not a mode"),
                    format!("use one of {}", names.join(", ")),
                );
                Mode::default()
            })
    }

    fn priority(&mut self, node: &Node, pointer: &str) -> Priority {
        let Some(member) = Self::present(node, "priority") else {
            return Priority::default();
        };
        let at = format!("{pointer}/priority");
        let parsed = match &member.value.value {
            Value::Text(text) => Priority::parse(text),
            Value::Number(number) => number.parse().ok().map(Priority),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Object(_) => {
                self.wrong_type(&member.value, &at, "a number or a word");
                return Priority::default();
            }
        };
        parsed.unwrap_or_else(|| {
            self.complain(
                &member.value,
                &at,
                "this is not a priority",
                format!("use {}", Priority::WORDS),
            );
            Priority::default()
        })
    }

    fn dependencies(&mut self, node: &Node, pointer: &str) -> Vec<TaskId> {
        let Some(member) = Self::present(node, "depends_on") else {
            return Vec::new();
        };
        let at = format!("{pointer}/depends_on");
        let mut ids = Vec::new();
        for text in self.texts(&member.value, &at) {
            match TaskId::new(text) {
                Ok(id) => ids.push(id),
                Err(error) => self.complain(
                    &member.value,
                    &at,
                    error.to_string(),
                    "list the ids of other tasks, like `[\"T1\", \"T2\"]`",
                ),
            }
        }
        ids
    }

    fn criteria(&mut self, node: &Node, pointer: &str) -> Vec<Criterion> {
        let (key, member) = match (Self::present(node, "criteria"), Self::present(node, "dod")) {
            (Some(criteria), Some(dod)) => {
                self.complain(
                    &dod.value,
                    &format!("{pointer}/dod"),
                    "a task has `criteria` or `dod`, not both",
                    "keep one; which one counts must not be guessed",
                );
                ("criteria", criteria)
            }
            (Some(criteria), None) => ("criteria", criteria),
            (None, Some(dod)) => ("dod", dod),
            (None, None) => return Vec::new(),
        };
        let at = format!("{pointer}/{key}");
        let mut read: Vec<(Option<CriterionId>, String)> = Vec::new();
        match &member.value.value {
            Value::Text(text) => read.push(carried_id(text)),
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    let at = format!("{at}/{index}");
                    if let Some(criterion) = self.criterion(item, &at) {
                        read.push(criterion);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
                self.wrong_type(&member.value, &at, "a string or a list of strings");
            }
        }
        numbered(read)
    }

    fn criterion(&mut self, item: &Node, at: &str) -> Option<(Option<CriterionId>, String)> {
        match &item.value {
            Value::Text(text) => Some(carried_id(text)),
            Value::Object(_) => {
                let text = self.required_text(item, at, "text", "write `{\"id\": …, \"text\": …}`");
                let Some(id) = self.optional_text(item, at, "id") else {
                    return Some(carried_id(&text));
                };
                match CriterionId::new(id) {
                    Ok(id) => Some((Some(id), text)),
                    Err(error) => {
                        self.complain(item, at, error.to_string(), "use an id like `AC-1`");
                        None
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) => {
                self.wrong_type(item, at, "a string (a criterion)");
                None
            }
        }
    }
}

/// The known field that a name was probably meant to be.
fn meant(key: &str, known: &[&'static str]) -> Option<&'static str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['_', '-', ' '], "");
    let flat = plain(key);
    known
        .iter()
        .copied()
        .find(|field| plain(field) == flat)
        .or_else(|| {
            SYNONYMS
                .iter()
                .find(|(other, field)| *other == flat && known.contains(field))
                .map(|(_, field)| *field)
        })
        .or_else(|| {
            // One slip of the finger, two in a long name. Short names (`dod`, `id`) resemble too much.
            known.iter().copied().find(|field| {
                let allowed = match field.len() {
                    0..=4 => 0,
                    5..=9 => 1,
                    _ => 2,
                };
                strsim::osa_distance(&flat, &plain(field)) <= allowed
            })
        })
}

/// Splits `AC-1: text` (SPEC A1, B3a). Only the `AC` form: `UTF-8: …` is a sentence. Other ids are given as an object.
fn carried_id(text: &str) -> (Option<CriterionId>, String) {
    let trimmed = text.trim();
    if let Some((id, rest)) = trimmed.split_once(':')
        && let Some(number) = id.trim_end().strip_prefix("AC")
    {
        let number = number.strip_prefix('-').unwrap_or(number);
        let is_number = number.starts_with(|c: char| c.is_ascii_digit())
            && number
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '.');
        if is_number && let Ok(id) = CriterionId::new(id.trim_end()) {
            return (Some(id), rest.trim().to_owned());
        }
    }
    (None, trimmed.to_owned())
}

/// Gives `AC-<position>` to those without an id, or the next number that no other criterion carries.
fn numbered(read: Vec<(Option<CriterionId>, String)>) -> Vec<Criterion> {
    let mut taken: BTreeSet<CriterionId> = read.iter().filter_map(|(id, _)| id.clone()).collect();
    let mut out = Vec::with_capacity(read.len());
    for (index, (id, text)) in read.into_iter().enumerate() {
        let id = id.unwrap_or_else(|| {
            let mut number = index + 1;
            while taken.contains(&CriterionId::numbered(number)) {
                number += 1;
            }
            CriterionId::numbered(number)
        });
        taken.insert(id.clone());
        out.push(Criterion { id, text });
    }
    out
}
