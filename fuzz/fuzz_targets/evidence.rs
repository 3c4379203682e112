//! See `exercise::evidence`.
#![no_main]

#[path = "../../crates/redgreen-formats/tests/readers/exercise.rs"]
#[allow(dead_code)]
mod exercise;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| exercise::evidence(bytes));
