pub fn subtract(_a: i32, _b: i32) -> i32 {
    todo!()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_is_two() {
        assert_eq!(2, 2);
    }

    #[test]
    fn subtracts() {
        assert_eq!(subtract(3, 2), 1);
    }
}
