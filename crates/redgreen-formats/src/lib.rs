//! Pure conversion between bytes and types: what runners print, and what we write.

pub mod cargo;
pub mod plan_file;
//! Pure conversion between bytes and types: what runners print and write, read into the types of `redgreen-core`.

pub mod pytest;
