//! Bad input (SPEC G10, G3, G4, A1, C1): one test per row. Each row asserts what a person reads (the fact, the place, the
//! next step) and the exit code, and that nothing is left behind.
//!
//! The words of the rows stand in `rows.rs`; the page `docs/guide/when-something-is-wrong.md` is compared with it.
//!
//! Needs git, python3 with venv and pip, cargo and, for full disks and read-only checkouts, the right to mount (root, as in
//! CI). A missing need fails the test.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

#[path = "../hand/support.rs"]
#[expect(
    dead_code,
    reason = "shared with the tests by hand, which use all of it"
)]
mod hand;

mod configuration;
mod disk;
mod guide;
mod hostile;
mod names;
mod place;
mod plan;
mod project;
mod repository;
mod rows;
mod runaway;
mod size;
mod support;
mod together;
