//! The cargo adapter against real cargo, rustc and libtest. Nothing is downloaded: the samples have no third-party
//! dependencies, except one that is a dependency of redgreen itself.

mod compile;
mod outcomes;
mod projects;
mod sample;
mod trust;
