//! pytest with real interpreters, real virtual environments and real installations.

mod environment;
mod origin;
mod outcomes;
mod support;
