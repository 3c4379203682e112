//! A whole run, end to end: the real binary, real git, real cargo on a tiny crate, scripted agents as real programs.
//! Nothing here is timed; nothing needs a network. The number of the requirement stands in each test's name.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod support;

mod answers;
mod author;
mod claude;
mod delivery;
mod dependencies;
mod disputes;
mod evidence;
mod examples;
mod hold_outs;
mod isolation;
mod modes;
mod plan_file;
mod reports;
mod resume;
mod retries;
mod secrets;
mod sessions;
mod validation;
mod watching;
