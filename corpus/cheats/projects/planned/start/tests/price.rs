#[test]
fn doubles() {
    assert_eq!(shop::price(2), 4);
}
