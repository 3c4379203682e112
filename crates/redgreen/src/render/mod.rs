//! All words the user sees: standard output is data, standard error is talk (SPEC G1).

pub mod audit;
pub mod gate;
pub mod help;
pub mod printer;
pub mod progress;
pub mod report;
pub mod story;
