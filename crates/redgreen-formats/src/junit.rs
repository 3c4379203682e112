//! JUnit XML as any command writes it: read leniently, judged strictly (SPEC B1-B3).
//!
//! There is no standard. What pytest, jest, vitest, Playwright, Surefire, Gradle, nextest, gotestsum, node and mocha write
//! differs in nearly everything: the root, who names the file, what is counted, how a retry looks. [`read`] takes all of
//! it as it is and loses nothing; [`judge`] says what cannot be believed; [`places`] says which file a case is of;
//! [`cause`] says why a case did not pass.

pub mod cause;
pub mod judge;
pub mod places;
pub mod read;

pub use judge::{Judged, Run, judge};
pub use places::Places;
pub use read::{Case, Mark, MarkKind, Report, Suite, Trouble, read};

#[cfg(test)]
mod tests;
