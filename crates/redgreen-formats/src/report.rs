//! Reports: pure functions from the journal to bytes (SPEC G8). The same journal gives the same bytes.
//!
//! [`Facts`] is the journal folded once; each format renders it. Nothing here looks at the present state of anything.

pub mod error_report;
mod facts;
mod gather;
pub mod json;
pub mod junit;
pub mod markdown;
mod text;

pub use facts::{
    Answer, DisputeFact, Entry, Facts, GateFact, LockFact, NotUsed, ReportError, SessionFact,
    TaskFacts, WaiverFact,
};
pub use gather::gather;

#[cfg(test)]
mod tests;
