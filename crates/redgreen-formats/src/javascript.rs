//! JavaScript and TypeScript: the record of our reporters for node:test, vitest, jest and mocha, read into cases, load
//! failures and problems (SPEC B1-B3).
//!
//! All of them write one form of record, JSON Lines behind the mark of the run ([`records`]). Causes follow the table for
//! JavaScript in `reference/test-results.md` (3.4), from fields of error objects where there are any.

pub mod cause;
pub mod names;
pub mod places;
pub mod problems;
pub mod records;
pub mod report;
pub mod script;
pub mod stack;

#[cfg(test)]
mod tests;

pub use places::{Owner, Places};
pub use problems::{Process, problems};
pub use records::{Journal, Record};
pub use report::{Context, Parts, parts};
