//! JUnit XML as any command writes it: read leniently, judged strictly (SPEC B1-B3).
//!
//! There is no standard. What pytest, jest, vitest, Playwright, Surefire, Gradle, nextest, gotestsum, node and mocha write
//! differs in nearly everything: the root, who names the file, what is counted, how a retry looks. [`read`] takes all of
//! it as it is and loses nothing; [`judge`] says what cannot be believed; [`places`] says which file a case is of;
//! [`cause`] says why a case did not pass.

pub mod cause;
pub mod ctrf;
pub mod judge;
pub mod places;
pub mod read;
pub mod tap;

pub use judge::{Judged, Run, judge};
pub use places::Places;
pub use read::{Case, Mark, MarkKind, Report, Suite, Trouble, read};

/// Reads a report of any of the forms that are known: JUnit XML, CTRF (JSON) and TAP. The first character tells.
#[must_use]
pub fn read_any(bytes: &[u8]) -> Report {
    let bare = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let first = bare.iter().find(|byte| !byte.is_ascii_whitespace());
    match (first, std::str::from_utf8(bare)) {
        (Some(b'{'), Ok(text)) => ctrf::read(text),
        (Some(b'<') | None, _) | (_, Err(_)) => read(bytes),
        (Some(_), Ok(text)) if tap::looks_like(text) => tap::read(text),
        (Some(_), Ok(_)) => read(bytes),
    }
}

#[cfg(test)]
mod dialect_tests;
#[cfg(test)]
mod tests;
