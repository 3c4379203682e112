//! `kill -9` at random points of whole runs, and what a power cut does to files (SPEC A9, G5, G10; DESIGN, invariants
//! 4, 6, 7): the real binary, real git, scripted agents, a shell script as the test runner.
//!
//! `REDGREEN_CRASH_KILLS` (300) says how many kills, `REDGREEN_CRASH_SEED` which points; `scripts/crash` is the long tier.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod kills;
mod power;
mod support;
