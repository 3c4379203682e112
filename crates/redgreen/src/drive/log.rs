//! The event log of a run: the journal and the state that follows from it.

use crate::error::Failure;
use crate::referee::context::Context;
use redgreen_core::exit::ExitCode;
use redgreen_core::machine::{Effect, Event, State};
use redgreen_formats::wire;
use redgreen_host::journal::Journal;
use redgreen_host::state::Lock;

/// The journal of a run with its replayed state.
#[derive(Debug)]
pub struct RunLog {
    journal: Journal,
    state: State,
    events: Vec<(String, Event)>,
    /// Held as long as the log is open: one driver at a time.
    _lock: Lock,
}

/// The name of the lock that a redgreen holds while it works on a plan.
#[must_use]
pub fn plan_lock(slug: &str) -> String {
    format!("plan-{slug}")
}

/// Turns a journal error into a failure: what was recorded cannot be trusted.
fn journal_failure(error: &redgreen_host::journal::JournalError) -> Failure {
    Failure::new(ExitCode::Rejected, error.to_string(), error.hint())
}

impl RunLog {
    /// Opens and verifies the journal of a plan and replays it.
    ///
    /// # Errors
    /// A failure when another redgreen holds it, a line is damaged, or an event cannot have happened.
    pub fn open(context: &Context, slug: &str) -> Result<Self, Failure> {
        let lock = context.state.lock(&plan_lock(slug)).map_err(|error| {
            let help = error.hint.clone();
            Failure::not_ready(error.to_string(), help)
        })?;
        let path = context.state.journals().join(format!("{slug}.jsonl"));
        let opened = Journal::open(&path).map_err(|error| journal_failure(&error))?;
        let mut events = Vec::new();
        for record in opened.records {
            let event = wire::decode_value(record.data).map_err(|error| {
                Failure::new(
                    ExitCode::Rejected,
                    format!("record {} of `{}`: {error}", record.seq, path.display()),
                    "it was not written by this redgreen; nothing was done",
                )
            })?;
            events.push((record.at, event));
        }
        let state = State::replay(events.iter().map(|(_, event)| event.clone())).map_err(
            |(index, illegal)| {
                Failure::new(
                    ExitCode::Rejected,
                    format!(
                        "record {} of `{}` cannot have happened: {illegal}",
                        index + 1,
                        path.display()
                    ),
                    illegal.help,
                )
            },
        )?;
        Ok(Self {
            journal: opened.journal,
            state,
            events,
            _lock: lock,
        })
    }

    /// Reads a journal without holding it, for reports and status.
    ///
    /// # Errors
    /// As [`RunLog::open`].
    pub fn read(context: &Context, slug: &str) -> Result<(State, Vec<(String, Event)>), Failure> {
        let path = context.state.journals().join(format!("{slug}.jsonl"));
        let mut events = Vec::new();
        let mut invalid = None;
        if path.exists() {
            redgreen_host::journal::read(
                &path,
                &mut |record| match wire::decode_value(record.data) {
                    Ok(event) => events.push((record.at, event)),
                    Err(error) => invalid = invalid.take().or(Some(error)),
                },
            )
            .map_err(|error| journal_failure(&error))?;
        }
        if let Some(error) = invalid {
            return Err(Failure::new(
                ExitCode::Rejected,
                error.to_string(),
                "it was not written by this redgreen",
            ));
        }
        let state = State::replay(events.iter().map(|(_, event)| event.clone())).map_err(
            |(index, illegal)| {
                Failure::new(
                    ExitCode::Rejected,
                    format!("record {} cannot have happened: {illegal}", index + 1),
                    illegal.help,
                )
            },
        )?;
        Ok((state, events))
    }

    /// The state now.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Every event with its time.
    #[must_use]
    pub fn events(&self) -> &[(String, Event)] {
        &self.events
    }

    /// Checks, persists and applies one event, in this order.
    ///
    /// # Errors
    /// A usage failure when it cannot happen now (nothing is recorded); a failure of the disk otherwise.
    pub fn record(&mut self, event: Event) -> Result<Vec<Effect>, Failure> {
        let event = without_secrets(event)?;
        // Checked without a copy of the state: one for each event makes a long run quadratic in its tasks.
        self.state
            .check(&event)
            .map_err(|illegal| Failure::usage(illegal.message, illegal.help))?;
        let text = wire::encode(&event).map_err(Failure::internal)?;
        let value = serde_json::from_str(&text).map_err(Failure::internal)?;
        let record = self
            .journal
            .append(value)
            .map_err(|error| Failure::not_ready(error.to_string(), error.hint()))?;
        let effects = self.state.apply(event.clone()).map_err(Failure::internal)?;
        self.events.push((record.at, event));
        Ok(effects)
    }
}

/// The event as it is recorded and acted on: a secret in a plan, a message or a note is taken out before anything is
/// hashed (SPEC C8). What must stay as it is to be read back (an id that is checked when it is read) stays.
fn without_secrets(event: Event) -> Result<Event, Failure> {
    let text = wire::encode(&event).map_err(Failure::internal)?;
    let mut value: serde_json::Value = serde_json::from_str(&text).map_err(Failure::internal)?;
    if redgreen_host::secrets::hide(&mut value).is_empty() {
        return Ok(event);
    }
    if let Ok(event) = wire::decode(&value.to_string()) {
        return Ok(event);
    }
    // A secret stands in an id, a path or a digest's place, which would not be read back: those stay as they are.
    let mut value: serde_json::Value = serde_json::from_str(&text).map_err(Failure::internal)?;
    hide_texts(&mut value);
    Ok(wire::decode(&value.to_string()).unwrap_or(event))
}

/// Takes secrets out of the fields that hold sentences.
fn hide_texts(value: &mut serde_json::Value) {
    const TEXTS: [&str; 14] = [
        "message",
        "detail",
        "help",
        "diff",
        "tail",
        "description",
        "name",
        "text",
        "note",
        "reason",
        "hint",
        "result",
        "agent",
        "command",
    ];
    match value {
        serde_json::Value::Object(fields) => {
            for (name, field) in fields {
                if TEXTS.contains(&name.as_str()) {
                    redgreen_host::secrets::hide(field);
                }
                hide_texts(field);
            }
        }
        serde_json::Value::Array(list) => list.iter_mut().for_each(hide_texts),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => {}
    }
}
