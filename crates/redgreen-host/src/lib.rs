//! The only crate that touches the world: processes, git, trees, the journal, runners, agents, time and environment.
//!
//! Nothing here decides. It reads bytes, runs commands and hands values to `redgreen-core`.

pub mod agent;
pub mod carry;
pub mod clock;
pub mod clone;
pub mod env;
pub mod files;
pub mod fingerprint;
pub mod foreign;
pub mod git;
pub mod http;
pub mod interrupt;
pub mod journal;
pub mod keys;
pub mod path_rules;
pub mod process;
pub mod runner;
pub mod secrets;
pub mod service;
pub mod state;
pub mod tree;
pub mod walk;
pub mod websocket;
