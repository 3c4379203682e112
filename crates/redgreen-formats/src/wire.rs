//! Wire types: what is written to the journal and printed as JSON, apart from the domain types of `redgreen-core`.
//!
//! A version only grows: fields and variants are added, never renamed or removed. A newer redgreen reads all older
//! versions; an older one refuses a newer version instead of guessing (SPEC C8).

pub mod v1;

use redgreen_core::machine::Event;

/// The version that is written.
pub const VERSION: u32 = 1;

/// A record that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// It was written by a newer redgreen.
    #[error(
        "record version {found} is newer than {VERSION}, the newest that this redgreen reads; install a newer redgreen"
    )]
    Newer {
        /// The version in the record.
        found: u64,
    },
    /// It has no version, so it is no record.
    #[error("the record has no version number `v`")]
    NoVersion,
    /// It does not have the form of its version.
    #[error("the record is not valid: {0}")]
    Invalid(String),
}

/// One event as the text that the journal keeps: `{"v":1,"event":{"type":"…","data":{…}}}`, one line.
///
/// # Errors
/// [`WireError::Invalid`] when serde_json refuses a value, which no event can cause.
pub fn encode(event: &Event) -> Result<String, WireError> {
    let record = v1::Record {
        v: VERSION,
        event: v1::EventData::from(event),
    };
    serde_json::to_string(&record).map_err(|error| WireError::Invalid(error.to_string()))
}

/// Reads what [`encode`] wrote, of this version or an older one.
///
/// # Errors
/// [`WireError`] for a newer version, text without a version, and text that has not the form of its version.
pub fn decode(text: &str) -> Result<Event, WireError> {
    decode_value(serde_json::from_str(text).map_err(|error| WireError::Invalid(error.to_string()))?)
}

/// Like [`decode`], of a record that was parsed already.
///
/// # Errors
/// As [`decode`].
pub fn decode_value(value: serde_json::Value) -> Result<Event, WireError> {
    // The version comes first: what a newer record means must not be guessed from the fields that happen to fit.
    match value.get("v").and_then(serde_json::Value::as_u64) {
        None => return Err(WireError::NoVersion),
        Some(found) if found > u64::from(VERSION) => return Err(WireError::Newer { found }),
        Some(_) => {}
    }
    let record: v1::Record =
        serde_json::from_value(value).map_err(|error| WireError::Invalid(error.to_string()))?;
    Event::try_from(record.event).map_err(WireError::Invalid)
}

#[cfg(test)]
mod tests;
