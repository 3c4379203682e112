#[test]
fn recognises_a_price() {
    assert!(shop::is_price("3"));
    assert!(!shop::is_price("three"));
}

#[test]
fn refuses_words() {
    assert!(shop::parse("three").is_err());
    assert_ne!(shop::parse("3"), shop::parse("4"));
}
