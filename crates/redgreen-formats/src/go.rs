//! What Go prints: the compiler's errors, the output of a test program, panics (`reference/test-results.md`, 3.5).
//!
//! The adapter compiles the tests of a package and starts the program itself, so that an error of the compiler is the same
//! text in every version of Go (the events of `go test -json` changed in 1.24), and so that nothing that a test prints comes
//! from the go tool: see [`stream`] for what of it is believed.

pub mod build;
pub mod cause;
pub mod panics;
pub mod stream;
