//! See `exercise::rust_source`.
#![no_main]

#[path = "../../crates/redgreen-formats/tests/readers/exercise.rs"]
#[expect(dead_code, reason = "each target uses one of them")]
mod exercise;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| exercise::rust_source(bytes));
