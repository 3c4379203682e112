//! pytest with real interpreters, real virtual environments and real installations.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests: a failure is a panic, and fixture projects are installed by real commands"
)]

mod environment;
mod origin;
mod outcomes;
mod sessions;
mod support;
