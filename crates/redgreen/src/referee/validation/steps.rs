//! One step after the other, as a user of the application: requests, messages, rows, commands.

use super::{COMMAND, filled, last_lines, step as named};
use crate::config::validation::Step;
use crate::error::Failure;
use crate::referee::checks::find;
use crate::referee::context::Context;
use crate::referee::trees::TreeOnDisk;
use redgreen_core::gate::{StepRun, Traces, hint};
use redgreen_core::run_report::Ended;
use redgreen_host::http::{self, Answer, Question};
use redgreen_host::process;
use redgreen_host::service::{HOST, Service};
use redgreen_host::websocket::Socket;
use redgreen_host::{clock, secrets};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// The WebSocket of a step that names none.
const SOCKET: &str = "socket";

/// How much of an answer is shown.
const SHOWN: usize = 400;

/// Between two tries of a step with `within`.
const AGAIN: Duration = Duration::from_millis(50);

/// Somebody who uses the application, with what they remember.
pub struct User<'a> {
    context: &'a Context,
    tree: &'a TreeOnDisk,
    application: Option<&'a Service>,
    variables: &'a BTreeMap<String, String>,
    captured: BTreeMap<String, String>,
    sockets: BTreeMap<String, Socket>,
}

/// What one try of a step found.
#[derive(Debug, Default)]
struct Tried {
    failures: Vec<String>,
    shown: Vec<String>,
    captured: BTreeMap<String, String>,
    status: Option<u16>,
    answer: String,
    cors_header_missing: bool,
    message_missing: bool,
}

impl Tried {
    fn failed(what: impl Into<String>) -> Self {
        Self {
            failures: vec![what.into()],
            ..Self::default()
        }
    }
}

impl<'a> User<'a> {
    /// Somebody who has done nothing yet.
    pub fn new(
        context: &'a Context,
        tree: &'a TreeOnDisk,
        application: Option<&'a Service>,
        variables: &'a BTreeMap<String, String>,
    ) -> Self {
        Self {
            context,
            tree,
            application,
            variables,
            captured: BTreeMap::new(),
            sockets: BTreeMap::new(),
        }
    }

    /// Takes a step.
    ///
    /// # Errors
    /// A failure when it cannot be put together.
    pub fn take(&mut self, step: &Step, within: Duration) -> Result<StepRun, Failure> {
        let mut run = named(&step.name);
        let printed = self
            .application
            .map_or(0, |application| application.log().len());
        let asked = clock::monotonic();
        let mut tried = if self.needs_what_is_missing(step) {
            run.not_tried = true;
            Tried::default()
        } else {
            self.attempt(step, within)?
        };
        // A message is waited for where it is received.
        while !tried.failures.is_empty() && step.receive.is_none() && asked.elapsed() < within {
            clock::pause(AGAIN);
            tried = self.attempt(step, within)?;
        }
        run.duration_ms = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
        run.failures = tried.failures;
        if !run.failures.is_empty() {
            let log = self.application.map(Service::log).unwrap_or_default();
            let since = log.get(printed..).unwrap_or(&log);
            run.hint = hint(&Traces {
                expected_status: step.request.is_some().then(|| step.status.unwrap_or(200)),
                status: tried.status,
                answer: &tried.answer,
                log: since,
                cors_header_missing: tried.cors_header_missing,
                message_missing: tried.message_missing,
                artefact_missing: false,
            });
            run.log = last_lines(since);
            run.shown = tried
                .shown
                .iter()
                .map(|line| secrets::redactor().text(line).into_owned())
                .collect();
            run.failures = run
                .failures
                .iter()
                .map(|line| secrets::redactor().text(line).into_owned())
                .collect();
        }
        self.captured.extend(tried.captured);
        Ok(run)
    }

    /// Whether the step uses something that an earlier one should have captured, or a connection that is not open.
    fn needs_what_is_missing(&self, step: &Step) -> bool {
        let texts = step
            .request
            .iter()
            .chain(step.headers.values())
            .chain(&step.body)
            .chain(step.connect.iter())
            .chain(step.command.iter().flatten())
            .chain(step.sql.iter().map(|query| &query.query));
        let mut text: String = texts.cloned().collect::<Vec<_>>().join(" ");
        if let Some(json) = &step.json {
            text.push_str(&strings(json).join(" "));
        }
        let unknown = self.context_names(&text);
        let closed = [&step.receive, &step.send, &step.disconnect]
            .into_iter()
            .flatten()
            .any(|name| !self.sockets.contains_key(name));
        unknown || closed
    }

    /// Whether a text has a `{name}` that nobody gave. Only words count: other braces are the text's own.
    fn context_names(&self, text: &str) -> bool {
        text.split('{').skip(1).any(|rest| {
            rest.split_once('}').is_some_and(|(name, _)| {
                !name.is_empty()
                    && name != "n"
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                    && !self.captured.contains_key(name)
                    && !["host", "port"].contains(&name)
            })
        })
    }

    /// Everything that `{name}` may stand for.
    fn names(&self) -> BTreeMap<String, String> {
        let mut names = self.captured.clone();
        names.insert("host".to_owned(), HOST.to_owned());
        names.insert("port".to_owned(), self.port().to_string());
        names
    }

    fn port(&self) -> u16 {
        self.application.map_or(0, Service::port)
    }

    fn attempt(&mut self, step: &Step, within: Duration) -> Result<Tried, Failure> {
        if let Some(request) = &step.request {
            return Ok(self.request(step, request));
        }
        if let Some(query) = &step.sql {
            let statement = filled(&query.query, &self.names());
            return Ok(
                match self.tree.ask_sql(self.context, &query.service, &statement) {
                    Err(why) => Tried::failed(why),
                    Ok(text) => {
                        let rows: Vec<&str> = text.lines().collect();
                        let wanted: Vec<String> = query
                            .rows
                            .iter()
                            .map(|row| filled(row, &self.names()))
                            .collect();
                        if rows == wanted {
                            Tried::default()
                        } else {
                            Tried::failed(format!(
                                "the rows are {}, not {}",
                                list(&rows),
                                list(&wanted)
                            ))
                        }
                    }
                },
            );
        }
        if let Some(command) = &step.command {
            return self.command(step, command);
        }
        if let Some(path) = &step.connect {
            let name = step.socket.clone().unwrap_or_else(|| SOCKET.to_owned());
            let path = filled(path, &self.names());
            let opened = Socket::open(self.port(), &path, &self.headers(step));
            return Ok(match opened {
                Ok(socket) => {
                    self.sockets.insert(name, socket);
                    Tried::default()
                }
                Err(why) => {
                    let status = why.rsplit(' ').next().and_then(|word| word.parse().ok());
                    Tried {
                        status,
                        ..Tried::failed(format!("`{path}` cannot be opened: {why}"))
                    }
                }
            });
        }
        if let Some(name) = &step.send {
            let text = self.body(step);
            return Ok(
                match self.sockets.get(name).map(|socket| socket.send(&text)) {
                    Some(Ok(())) => Tried::default(),
                    Some(Err(why)) => Tried::failed(why),
                    None => Tried::failed(format!("`{name}` is not open")),
                },
            );
        }
        if let Some(name) = &step.receive {
            return Ok(self.receive(step, name, within));
        }
        if let Some(name) = &step.disconnect {
            self.sockets.remove(name);
        }
        Ok(Tried::default())
    }

    fn headers(&self, step: &Step) -> Vec<(String, String)> {
        let names = self.names();
        step.headers
            .iter()
            .map(|(name, value)| (name.clone(), filled(value, &names)))
            .collect()
    }

    fn body(&self, step: &Step) -> String {
        let names = self.names();
        match (&step.json, &step.body) {
            (Some(json), _) => with_names(json, &names).to_string(),
            (None, Some(body)) => filled(body, &names),
            (None, None) => String::new(),
        }
    }

    fn request(&self, step: &Step, request: &str) -> Tried {
        let times = step.times.unwrap_or(1).max(1);
        if times == 1 {
            return self.one_request(step, request, 1);
        }
        let mut all: Vec<Tried> = std::thread::scope(|scope| {
            let running: Vec<_> = (1..=times)
                .map(|number| scope.spawn(move || self.one_request(step, request, number)))
                .collect();
            running
                .into_iter()
                .map(|thread| {
                    thread
                        .join()
                        .unwrap_or_else(|_| Tried::failed("the request could not be made"))
                })
                .collect()
        });
        let failed = all
            .iter()
            .filter(|tried| !tried.failures.is_empty())
            .count();
        let at = all
            .iter()
            .position(|tried| !tried.failures.is_empty())
            .unwrap_or(0);
        let mut first = all.swap_remove(at);
        if failed > 0 {
            first
                .failures
                .insert(0, format!("{failed} of {times} at once"));
        }
        first
    }

    fn one_request(&self, step: &Step, request: &str, number: u32) -> Tried {
        let mut names = self.names();
        names.insert("n".to_owned(), number.to_string());
        let Some((method, path)) = request.split_once(' ') else {
            return Tried::failed(format!("`{request}` is no request"));
        };
        let path = filled(path.trim(), &names);
        let mut headers: Vec<(String, String)> = step
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), filled(value, &names)))
            .collect();
        let body = match (&step.json, &step.body) {
            (Some(json), _) => {
                if !headers
                    .iter()
                    .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
                {
                    headers.push(("content-type".to_owned(), "application/json".to_owned()));
                }
                with_names(json, &names).to_string()
            }
            (None, Some(body)) => filled(body, &names),
            (None, None) => String::new(),
        };
        let mut shown = vec![format!("> {method} {path}")];
        if !body.is_empty() {
            shown.push(format!("> {}", short(&body)));
        }
        let answer = http::ask(&Question {
            method: method.to_owned(),
            url: format!("http://{HOST}:{}{path}", self.port()),
            headers,
            body: body.into_bytes(),
        });
        match answer {
            Err(why) => Tried {
                shown,
                ..Tried::failed(format!("no answer: {why}"))
            },
            Ok(answer) => {
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                shown.push(format!("< {} {}", answer.status, short(&text)));
                self.judge(step, &answer, text, shown, &names)
            }
        }
    }

    /// Compares an answer with what was declared.
    fn judge(
        &self,
        step: &Step,
        answer: &Answer,
        text: String,
        shown: Vec<String>,
        names: &BTreeMap<String, String>,
    ) -> Tried {
        let mut tried = Tried {
            shown,
            status: Some(answer.status),
            ..Tried::default()
        };
        let wanted = step.status.unwrap_or(200);
        if answer.status != wanted {
            tried
                .failures
                .push(format!("answered {}, not {wanted}", answer.status));
        }
        for (name, value) in &step.expect_headers {
            let value = filled(value, names);
            let held = match answer.header(name) {
                Some(own) => value.is_empty() || own == value,
                None => false,
            };
            if !held {
                tried.cors_header_missing |=
                    name.to_ascii_lowercase().starts_with("access-control-");
                tried.failures.push(match answer.header(name) {
                    Some(own) => format!("the header `{name}` is `{own}`, not `{value}`"),
                    None => format!("the header `{name}` is missing"),
                });
            }
        }
        content(step, &text, names, &mut tried);
        for (name, place) in &step.capture {
            let found = match place.strip_prefix("header:") {
                Some(header) => answer.header(header).map(ToOwned::to_owned),
                None => pointed(&text, place).map(|value| plain(&value)),
            };
            match found {
                Some(value) => _ = tried.captured.insert(name.clone(), value),
                None => tried.failures.push(format!(
                    "`{place}`, which `{name}` stands for, did not come"
                )),
            }
        }
        tried.answer = text;
        tried
    }

    fn receive(&mut self, step: &Step, name: &str, within: Duration) -> Tried {
        let names = self.names();
        let holds = |text: &str| {
            let mut tried = Tried::default();
            content(step, text, &names, &mut tried);
            tried.failures.is_empty()
        };
        let Some(socket) = self.sockets.get_mut(name) else {
            return Tried::failed(format!("`{name}` is not open"));
        };
        match socket.receive(within, holds) {
            Ok(text) => {
                let mut tried = Tried::default();
                for (name, place) in &step.capture {
                    match pointed(&text, place) {
                        Some(value) => _ = tried.captured.insert(name.clone(), plain(&value)),
                        None => tried.failures.push(format!(
                            "`{place}`, which `{name}` stands for, did not come"
                        )),
                    }
                }
                tried
            }
            Err(missed) => {
                let mut what = format!("no such message came within {} ms", within.as_millis());
                if let Some(why) = missed.closed {
                    what.push_str(&format!("; {why}"));
                }
                Tried {
                    shown: missed
                        .others
                        .iter()
                        .take(5)
                        .map(|text| format!("< {}", short(text)))
                        .collect(),
                    message_missing: true,
                    ..Tried::failed(what)
                }
            }
        }
    }

    fn command(&self, step: &Step, command: &[String]) -> Result<Tried, Failure> {
        let names = self.names();
        let mut argv: Vec<String> = command.iter().map(|word| filled(word, &names)).collect();
        if let Some(found) = argv.first().and_then(|name| find(self.context, name)) {
            argv[0] = found.found.display().to_string();
        }
        let mut spec = self.tree.check_spec("validate", argv)?;
        spec.env.extend(self.variables.clone());
        spec.timeout = COMMAND;
        Ok(match process::run(&spec) {
            Err(error) => Tried::failed(error.to_string()),
            Ok(finished) => {
                let text = format!("{}{}", finished.stdout_text(), finished.stderr_text());
                let mut tried = Tried {
                    shown: last_lines(&text),
                    ..Tried::default()
                };
                let wanted = step.exit_code.unwrap_or(0);
                if finished.ended != Ended::Code(wanted) {
                    tried
                        .failures
                        .push(format!("ended with {:?}, not {wanted}", finished.ended));
                }
                content(step, &text, &names, &mut tried);
                tried.answer = text;
                tried
            }
        })
    }
}

/// What a text must contain, must not, and the values in it.
fn content(step: &Step, text: &str, names: &BTreeMap<String, String>, tried: &mut Tried) {
    for wanted in &step.contains {
        let wanted = filled(wanted, names);
        if !text.contains(&wanted) {
            tried.failures.push(format!("`{wanted}` is not in it"));
        }
    }
    for unwanted in &step.absent {
        let unwanted = filled(unwanted, names);
        if text.contains(&unwanted) {
            tried.failures.push(format!("`{unwanted}` is in it"));
        }
    }
    for (place, wanted) in &step.expect {
        let wanted = with_names(wanted, names);
        match pointed(text, place) {
            Some(value) if same(&value, &wanted) => {}
            Some(value) => tried
                .failures
                .push(format!("`{place}` is {value}, not {wanted}")),
            None => tried.failures.push(format!("`{place}` is not there")),
        }
    }
}

/// A captured value is a text also where the answer has a number.
fn same(value: &Value, wanted: &Value) -> bool {
    value == wanted
        || matches!((value, wanted), (Value::Number(number), Value::String(text)) if number.to_string() == *text)
        || matches!((value, wanted), (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64())
}

fn pointed(text: &str, place: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    value.pointer(place).cloned()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Every text in a value.
fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(fields) => fields.values().flat_map(strings).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// A value with `{name}` filled in wherever a text stands.
fn with_names(value: &Value, names: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => Value::String(filled(text, names)),
        Value::Array(items) => items.iter().map(|item| with_names(item, names)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), with_names(value, names)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn list(rows: &[impl AsRef<str>]) -> String {
    let rows: Vec<String> = rows
        .iter()
        .map(|row| format!("`{}`", row.as_ref()))
        .collect();
    format!("[{}]", rows.join(", "))
}

fn short(text: &str) -> String {
    let line = text.replace('\n', " ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
