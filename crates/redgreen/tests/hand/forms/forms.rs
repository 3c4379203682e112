use shop::{give, refuse, Point, Token};
use std::collections::BTreeMap;
use std::time::Duration;

const EXPECTED: &str = "a";

#[derive(Debug, PartialEq)]
struct Unknown(u8);

fn check(value: u32, expected: u32) {
    assert_eq!(give(value), expected);
}

fn generic<T: PartialEq + std::fmt::Debug>(value: T, expected: T) {
    assert_eq!(value, expected);
}

// controlled | `assert_eq!(f(), 3)`
#[test]
fn equality() {
    assert_eq!(give(3), 3);
}

// controlled | `assert_eq!(3, f())`
#[test]
fn equality_the_other_way_round() {
    assert_eq!(3, give(3));
}

// controlled | `assert!(f() == 3)`
#[test]
fn assert_equal() {
    assert!(give(3) == 3, "why");
}

// no control | `assert_ne!(f(), 3)`, `assert!(f() != 3)`
#[test]
fn inequality() {
    assert_ne!(give(3), 4);
}

// no control | `assert!(f() > 3)`, `assert!(f())`
#[test]
fn order() {
    assert!(give(4) > 3);
}

// controlled | `assert!(f().contains("…"))`, `starts_with`, `ends_with`
#[test]
fn contains() {
    assert!(give("abc").contains("b"));
}

// controlled | `assert!(matches!(f(), Some(3)))`, `assert_matches!`, with a literal in the pattern
#[test]
fn pattern() {
    assert!(matches!(give(Some(3)), Some(3)));
}

// no control | `assert!(matches!(f(), Some(_)))`, `is_some()`, `is_ok()`
#[test]
fn pattern_without_a_literal() {
    assert!(matches!(give(Some(3)), Some(_)));
}

// controlled | `#[should_panic(expected = "…")]`
#[test]
#[should_panic(expected = "code 3")]
fn panics_with_a_message() {
    refuse(3);
}

// controlled | `#[should_panic]`
#[test]
#[should_panic]
fn panics() {
    refuse(3);
}

// controlled | values in variables and constants, also when they are input and expectation both
#[test]
fn constant_used_for_both() {
    assert_eq!(give(EXPECTED), EXPECTED);
}

// controlled | a loop over a table
#[test]
fn table() {
    for (value, expected) in [("a", 1), ("bb", 2)] {
        assert_eq!(give(value).len(), expected);
    }
}

// controlled | a helper function with an expected value
#[test]
fn helper() {
    check(2, 2);
}

// no control | a helper function that is generic over the expected type
#[test]
fn generic_helper() {
    generic(give(2), 2);
}

// controlled | strings, bytes, characters, fractions, `bool`
#[test]
fn plain_values() {
    assert_eq!(give("a\n").to_string(), "a\n".to_string());
}

// controlled | `Option`, `None`
#[test]
fn none() {
    assert_eq!(give(None::<u8>), None);
}

// controlled | `Result`, tuples, arrays, `vec![…]`
#[test]
fn nested() {
    assert_eq!(give(Ok::<_, ()>((1, vec!["a"]))), Ok((1, vec!["a"])));
}

// controlled | empty collections
#[test]
fn empty() {
    assert_eq!(give(Vec::<u8>::new()), Vec::<u8>::new());
}

// controlled | maps, sets, `Duration`, `Ordering`, paths
#[test]
fn maps() {
    let expected: BTreeMap<u8, Duration> = [(1, Duration::ZERO)].into();
    assert_eq!(give(expected.clone()), expected);
}

// controlled | struct literals and variants with literals
#[test]
fn structs() {
    assert_eq!(give(Point { x: 1, y: -2 }), Point { x: 1, y: -2 });
    assert_eq!(give(Token::Number(3)), Token::Number(3));
}

// no control | a value of a type of one's own in a variable
#[test]
fn unknown_type() {
    let expected = Unknown(1);
    assert_eq!(Unknown(give(1)), expected);
}

// no control | a test that catches panics
#[test]
fn catches() {
    assert_eq!(std::panic::catch_unwind(|| give(3)).ok(), Some(3));
}

// no control | an assertion whose failure another thread keeps to itself
#[test]
fn thread() {
    let _ = std::thread::spawn(|| assert_eq!(give(3), 3)).join();
}
