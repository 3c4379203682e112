//! Pure conversion between bytes and types: what runners print, and what we write.

pub mod plan_file;
pub mod wire;
