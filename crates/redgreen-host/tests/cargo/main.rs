//! The cargo adapter against real cargo, rustc and libtest. Nothing is downloaded: the samples have no third-party
//! dependencies, except two that are dependencies of redgreen itself.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod compile;
mod outcomes;
mod projects;
mod sample;
mod store;
mod trust;
