//! Reports as files, all made from the journal (SPEC G8).

use crate::error::Failure;
use redgreen_core::machine::Event;
use redgreen_formats::report::{Entry, Facts, error_report, gather, json, junit, markdown};

/// The journal folded once.
///
/// # Errors
/// A failure when there is no run yet.
pub fn facts(events: &[(String, Event)]) -> Result<Facts, Failure> {
    let entries: Vec<Entry> = events
        .iter()
        .map(|(time, event)| Entry {
            time: time.clone(),
            event: event.clone(),
        })
        .collect();
    gather(&entries).map_err(|error| Failure::usage(error.to_string(), "redgreen run"))
}

/// Every report of a run: file name and bytes.
///
/// # Errors
/// A failure when the events cannot be rendered, which does not happen for a journal that was replayed.
pub fn all(events: &[(String, Event)]) -> Result<Vec<(&'static str, Vec<u8>)>, Failure> {
    let facts = facts(events)?;
    let mut files = vec![
        ("report.md", markdown::render(&facts).into_bytes()),
        (
            "report.json",
            json::render(&facts)
                .map_err(Failure::internal)?
                .into_bytes(),
        ),
        (
            "junit.xml",
            junit::render(&facts)
                .map_err(Failure::internal)?
                .into_bytes(),
        ),
    ];
    if let Some(text) = error_report::render(&facts) {
        files.push(("error.txt", text.into_bytes()));
    }
    Ok(files)
}

/// What a person reads about every task that is halted or waits; empty where there is none (SPEC A8).
#[must_use]
pub fn halts(events: &[(String, Event)]) -> String {
    facts(events)
        .ok()
        .and_then(|facts| error_report::render(&facts))
        .unwrap_or_default()
}
