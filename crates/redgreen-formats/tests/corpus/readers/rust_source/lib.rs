#![doc = "x"]
use crate::a::{self, b as c, *};
pub mod a { #[path = "q.rs"] pub mod b; pub fn f() {} }
#[cfg(test)]
mod tests {
    use super::*;
    /* nested /* comment */ */
    #[test]
    fn t() { assert_eq!(r#"x"#, 'a'.to_string(), "{}", b'\x00'); }
}
impl<'a> S<'a> { pub const N: u8 = 1; }
