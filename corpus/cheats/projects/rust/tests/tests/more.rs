#[test]
fn subtracts() {
    assert_eq!(shop::subtract(3, 2), 1);
}

#[test]
fn divides() {
    assert_eq!(shop::divide(6, 3), 2);
}
