//! The referee: gathers what a gate is judged on, in trees of its own, and lets `redgreen-core` judge.
//!
//! A person's checkout and an agent's clone are the same thing here: a *candidate folder* that is read once and never
//! run in.

pub mod checks;
pub mod closure;
pub mod context;
pub mod controls;
pub mod dependencies;
pub mod environment_changes;
pub mod evidence;
pub mod evidence_store;
pub mod full;
pub mod green;
pub mod hidden;
pub mod isolation;
pub mod items;
pub mod lock;
pub mod lock_in_git;
pub mod planted;
pub mod proposal;
pub mod red;
pub mod redaction;
pub mod refine;
pub mod refine_javascript;
pub mod refine_rust;
pub mod reported;
pub mod scope;
pub mod services;
pub mod slips;
pub mod snapshots;
pub mod trees;
pub mod trial;
pub mod validation;
