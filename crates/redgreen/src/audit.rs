//! `redgreen audit`: would these tests fail without the code they came with? (SPEC C9)
//!
//! Works on any clone, without keys, configuration or agents. What was judged is remembered by content, environment and
//! rules, so that an audit that was interrupted goes on, and a second one costs nothing.

mod drive;
mod findings;
mod judge;
mod locks;
pub mod policy;
pub mod range;
mod runs;
mod split;

pub use drive::{Options, audit};
