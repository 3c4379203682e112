//! The binary: arguments, configuration, one file per command, the drive loop, everything a user reads.

pub mod audit;
pub mod cli;
pub mod command;
pub mod config;
pub mod demo;
pub mod drive;
pub mod error;
pub mod referee;
pub mod render;
