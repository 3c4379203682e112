//! All words the user sees: standard output is data, standard error is talk (SPEC G1).

pub mod gate;
pub mod printer;
pub mod report;
pub mod story;
