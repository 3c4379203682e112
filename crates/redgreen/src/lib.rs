//! The binary: arguments, configuration, one file per command, the drive loop, everything a user reads.

pub mod config;
pub mod error;
