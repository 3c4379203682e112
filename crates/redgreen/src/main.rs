//! redgreen
fn main() {}
