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
        for record in &opened.records {
            let event = wire::decode(&record.data.to_string()).map_err(|error| {
                Failure::new(
                    ExitCode::Rejected,
                    format!("record {} of `{}`: {error}", record.seq, path.display()),
                    "it was not written by this redgreen; nothing was done",
                )
            })?;
            events.push((record.at.clone(), event));
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
            redgreen_host::journal::read(&path, &mut |record| match wire::decode(
                &record.data.to_string(),
            ) {
                Ok(event) => events.push((record.at.clone(), event)),
                Err(error) => invalid = invalid.take().or(Some(error)),
            })
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
        let mut next = self.state.clone();
        let effects = next
            .apply(event.clone())
            .map_err(|illegal| Failure::usage(illegal.message, illegal.help))?;
        let text = wire::encode(&event).map_err(Failure::internal)?;
        let value = serde_json::from_str(&text).map_err(Failure::internal)?;
        let record = self
            .journal
            .append(value)
            .map_err(|error| Failure::not_ready(error.to_string(), error.hint()))?;
        self.state = next;
        self.events.push((record.at, event));
        Ok(effects)
    }
}
