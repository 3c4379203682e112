pub mod arithmetic;
pub use arithmetic::{divide, subtract};

pub fn price(n: u32) -> u32 {
    n * 2
}
