//! `[validation]`: the real application, started as it ships, and used (SPEC E3).

use super::services::{ReadyWhen, ready};
use super::{duration, key_place};
use crate::error::Failure;
use redgreen_host::service::Ready;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// `[validation]` as it is written.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// Commands that build what ships, run one after the other in a clean checkout, with the machine's network.
    #[serde(default)]
    pub build: Vec<String>,
    /// Files that the build must leave.
    #[serde(default)]
    pub artefacts: Vec<String>,
    /// Names of variables that must be set where redgreen runs; they are handed on, and their values appear nowhere.
    #[serde(default)]
    pub environment: Vec<String>,
    /// Variables with values, with `{port}`, `{host}`, `{folder}` and `{tree}`.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// The application as production starts it, with `{port}`, `{host}`, `{folder}` and `{tree}`. Without it only commands are
    /// validated: a library, a program that ends.
    #[serde(default)]
    pub start: Vec<String>,
    /// The folder that it starts in: relative to the clean checkout (`.` by default), or `{folder}` for an empty one elsewhere,
    /// where a path that only works beside the source is found out.
    pub directory: Option<String>,
    /// When it is ready; as soon as it listens on `{port}` by default.
    pub ready: Option<ReadyWhen>,
    /// Texts that it must have printed in the end.
    #[serde(default)]
    pub log_contains: Vec<String>,
    /// Texts that it must never print, such as `Traceback`.
    #[serde(default)]
    pub log_absent: Vec<String>,
    /// What it is asked, one after the other.
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// `[[validation.steps]]`: exactly one of `request`, `sql`, `command`, `connect`, `receive`, `send`, `disconnect`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// A request of the application: `"POST /tasks"`. `{name}` stands for what an earlier step captured.
    pub request: Option<String>,
    /// Headers of the request or of the connection.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body of the request, or the message that is sent, as JSON.
    pub json: Option<Value>,
    /// The body of the request, or the message that is sent, as text.
    pub body: Option<String>,
    /// The status that must come; 200 by default.
    pub status: Option<u16>,
    /// Headers that must come, with their values; an empty value for any.
    #[serde(default)]
    pub expect_headers: BTreeMap<String, String>,
    /// Values in the JSON that comes, by JSON pointer (RFC 6901): `{ "/0/title" = "milk" }`.
    #[serde(default)]
    pub expect: BTreeMap<String, Value>,
    /// Texts that the answer, the message or the output must contain.
    #[serde(default)]
    pub contains: Vec<String>,
    /// Texts that it must not contain.
    #[serde(default)]
    pub absent: Vec<String>,
    /// Values that later steps use: by JSON pointer, or `header:NAME`.
    #[serde(default)]
    pub capture: BTreeMap<String, String>,
    /// So many requests at once, each of which must hold; `{n}` is the number of each, from 1.
    pub times: Option<u32>,
    /// Try again until it holds, at most this long: for what happens a moment later.
    pub within: Option<String>,
    /// Rows of a database: the service and a query; `rows` are what it must return.
    pub sql: Option<Query>,
    /// A program, run in the clean checkout: its exit code must be `exit_code`.
    pub command: Option<Vec<String>>,
    /// The exit code of `command`; 0 by default.
    pub exit_code: Option<i32>,
    /// Opens a WebSocket at this path, which later steps know by the name in `socket`.
    pub connect: Option<String>,
    /// The name of the WebSocket that `connect` opens; `socket` by default.
    pub socket: Option<String>,
    /// Waits for a message on this WebSocket that holds; `within` 5 seconds by default.
    pub receive: Option<String>,
    /// Sends `json` or `body` on this WebSocket.
    pub send: Option<String>,
    /// Closes this WebSocket.
    pub disconnect: Option<String>,
}

/// `sql`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The service, of kind `postgres`.
    pub service: String,
    /// The statement.
    pub query: String,
    /// The rows that must come, in order, `|` between columns.
    pub rows: Vec<String>,
}

/// With every default filled in.
#[derive(Debug, Clone)]
pub struct Configured {
    /// The section.
    pub section: Validation,
    /// When the application is ready.
    pub ready: Ready,
    /// How long it may take.
    pub timeout: Duration,
    /// How long each step may be tried again.
    pub within: Vec<Duration>,
}

/// How long a message is waited for when nothing is configured.
const MESSAGE: &str = "5s";

/// Reads the section.
///
/// # Errors
/// A usage failure with the place.
pub fn read(
    section: Option<&Validation>,
    services: &BTreeMap<String, super::services::Service>,
    text: &str,
    place: &str,
) -> Result<Option<Configured>, Failure> {
    let Some(section) = section else {
        return Ok(None);
    };
    let refuse = |key: &str, what: String, help: &str| {
        Err(Failure::usage(what, help).at(key_place(place, text, key)))
    };
    for command in &section.build {
        if shell_words::split(command).map_or(true, |words| words.is_empty()) {
            return refuse(
                "build",
                format!("the command `{command}` in `validation.build` cannot be read"),
                "quote it as for a shell",
            );
        }
    }
    let mut within = Vec::new();
    for step in &section.steps {
        let name = &step.name;
        let kinds = [
            ("request", step.request.is_some()),
            ("sql", step.sql.is_some()),
            ("command", step.command.is_some()),
            ("connect", step.connect.is_some()),
            ("receive", step.receive.is_some()),
            ("send", step.send.is_some()),
            ("disconnect", step.disconnect.is_some()),
        ];
        let given: Vec<&str> = kinds
            .iter()
            .filter(|(_, given)| *given)
            .map(|(kind, _)| *kind)
            .collect();
        if given.len() != 1 {
            return refuse(
                "steps",
                format!(
                    "the step `{name}` has {} of request, sql, command, connect, receive, send and disconnect",
                    given.len()
                ),
                "write exactly one of them",
            );
        }
        if given != ["sql"] && given != ["command"] && section.start.is_empty() {
            return refuse(
                "steps",
                format!(
                    "the step `{name}` talks to an application, and `[validation] start` starts none"
                ),
                "write `start = [\"program\", \"--port\", \"{port}\"]`",
            );
        }
        if let Some(request) = &step.request
            && !request
                .split_once(' ')
                .is_some_and(|(method, path)| !method.is_empty() && path.starts_with('/'))
        {
            return refuse(
                "request",
                format!("`{request}` in the step `{name}` is no request"),
                "write a method and a path: \"GET /health\"",
            );
        }
        if let Some(query) = &step.sql
            && services
                .get(&query.service)
                .is_none_or(|service| service.kind != "postgres")
        {
            return refuse(
                "sql",
                format!(
                    "the step `{name}` asks `{}`, which is no service of kind `postgres`",
                    query.service
                ),
                "name one of `[services.*]`",
            );
        }
        let default = if step.receive.is_some() { MESSAGE } else { "0" };
        let given = step.within.as_deref().unwrap_or(default);
        within.push(if given == "0" {
            Duration::ZERO
        } else {
            duration(
                Some(given),
                Duration::ZERO,
                "validation.steps.within",
                &key_place(place, text, "within"),
            )?
        });
    }
    let (ready, timeout) = ready(section.ready.as_ref(), "validation.ready", text, place)?;
    Ok(Some(Configured {
        section: section.clone(),
        ready,
        timeout,
        within,
    }))
}
