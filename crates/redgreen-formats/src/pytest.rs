//! pytest: the record of our probe (`redgreen_probe.py`), read into cases, load failures and problems (SPEC B1-B3).
//!
//! The record is JSON Lines, one object per line with a `kind`; its fields are documented in [`records`]. Causes follow
//! the table for Python in `reference/test-results.md` (3.2), from the fields of exception objects, never from text
//! where a field exists.

pub mod cause;
pub mod places;
pub mod problems;
pub mod records;
pub mod report;

#[cfg(test)]
mod tests;

pub use places::Places;
pub use problems::{Process, problems};
pub use records::{Journal, Record};
pub use report::{Parts, parts};
