#!/bin/sh
# The author: writes the tests of a task, and says which test serves which criterion.
# redgreen starts it like any other agent: the prompt comes on standard input, the current folder is a clone.
set -eu
cat >/dev/null
mkdir -p tests .redgreen/criteria

case "$REDGREEN_TASK" in
T1)
    cat >tests/slug.rs <<'RUST'
use shortener::slug;

#[test]
fn last_part_of_the_address() {
    assert_eq!(slug("https://example.com/blog/first-post"), "first-post");
}

#[test]
fn small_letters() {
    assert_eq!(slug("https://example.com/About"), "about");
}

#[test]
fn one_dash_for_everything_else() {
    assert_eq!(slug("https://example.com/big_ (sale)!"), "big-sale");
}
RUST
    cat >.redgreen/criteria/T1.json <<'JSON'
{
  "AC-1": [{"test": "tests/slug.rs::last_part_of_the_address"}, {"test": "tests/slug.rs::small_letters"}],
  "AC-2": [{"test": "tests/slug.rs::one_dash_for_everything_else"}]
}
JSON
    ;;
T2)
    cat >tests/expiry.rs <<'RUST'
use shortener::Links;

fn sale() -> Links {
    let mut links = Links::default();
    links.add("sale", "https://example.com/sale", 100);
    links
}

#[test]
fn open_until_it_expires() {
    assert_eq!(sale().status("sale", 99), 200);
}

#[test]
fn expired_is_410() {
    assert_eq!(sale().status("sale", 100), 410);
}

#[test]
fn unknown_is_404() {
    assert_eq!(sale().status("winter", 1), 404);
}
RUST
    cat >.redgreen/criteria/T2.json <<'JSON'
{
  "AC-1": [{"test": "tests/expiry.rs::open_until_it_expires"}, {"test": "tests/expiry.rs::expired_is_410"}],
  "AC-2": [{"test": "tests/expiry.rs::unknown_is_404"}]
}
JSON
    ;;
T3)
    # The first version contradicts itself: `spring-sale` has eleven characters. In fix mode it is put right.
    joined="spring-sale"
    if [ "$REDGREEN_MODE" = fix ]; then
        joined="big-sale"
    fi
    cat >tests/alias.rs <<RUST
use shortener::claim;

#[test]
fn ten_characters_at_most() {
    assert_eq!(claim("springsale"), 201);
    assert_eq!(claim("spring-sale"), 422);
}

#[test]
fn words_joined_by_a_dash() {
    assert_eq!(claim("$joined"), 201);
}

#[test]
fn no_spaces() {
    assert_eq!(claim("big sale"), 422);
}
RUST
    cat >.redgreen/criteria/T3.json <<'JSON'
{
  "AC-1": [{"test": "tests/alias.rs::ten_characters_at_most"}],
  "AC-2": [{"test": "tests/alias.rs::words_joined_by_a_dash"}, {"test": "tests/alias.rs::no_spaces"}]
}
JSON
    ;;
T4)
    cat >tests/visits.rs <<'RUST'
use shortener::Links;

#[test]
fn starts_at_zero() {
    assert_eq!(Links::default().visits("home"), 0);
}

#[test]
fn counts_twice() {
    let mut links = Links::default();
    links.visit("home");
    links.visit("home");
    assert_eq!(links.visits("home"), 2);
}

#[test]
fn counts_each_link_alone() {
    let mut links = Links::default();
    links.visit("home");
    assert_eq!((links.visits("home"), links.visits("sale")), (1, 0));
}
RUST
    cat >.redgreen/criteria/T4.json <<'JSON'
{
  "AC-1": [{"test": "tests/visits.rs::starts_at_zero"}, {"test": "tests/visits.rs::counts_twice"}],
  "AC-2": [{"test": "tests/visits.rs::counts_each_link_alone"}]
}
JSON
    ;;
esac
