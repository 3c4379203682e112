//! The rules of the game.
//!
//! This crate is pure: no I/O, no clock, no environment, no randomness, no async. It decides; it cannot look. Every
//! verdict of redgreen is computed in [`gate`] (what history says of its tests: in [`audit`]) from values that the host crate read itself.

pub mod audit;
pub mod dispute;
pub mod environment;
pub mod exit;
pub mod gate;
pub mod id;
pub mod lock;
pub mod machine;
pub mod outcome;
pub mod plan;
pub mod reason;
pub mod run_report;
pub mod test_item;
pub mod tree;
