//! The referee by hand (SPEC G6, B1-B8, issue 2 milestone 1): the real binary, real git, real pytest and cargo.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod audit;
mod audit_locks;
mod controls;
mod counts;
mod dependencies;
mod full;
mod go;
mod green;
mod house;
mod javascript;
mod junit;
mod lint;
mod locking;
mod output;
mod red;
mod red_causes;
mod rust;
mod services;
mod support;
mod transcripts;
mod tree;
mod validation;
