//! Pure conversion between bytes and types: what runners print and write, read into the types of `redgreen-core`, and
//! what we write.

pub mod audit;
pub mod cargo;
pub mod claude;
pub mod evidence;
pub mod go;
pub mod javascript;
pub mod junit;
pub mod plan_file;
pub mod pytest;
pub mod redact;
pub mod report;
pub mod wire;
