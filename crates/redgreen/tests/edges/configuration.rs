//! `redgreen.toml` (SPEC G4): place, suggestion, next step.

use crate::rows::{self, Row};
use crate::support::{Hand, is, reads, small};

/// The committed configuration is refused so, at this line, by every command that reads it.
#[track_caller]
fn refused(hand: &Hand, text: &str, row: Row, line: u32) {
    hand.write("redgreen.toml", text);
    hand.commit("configuration");
    let place = format!("redgreen.toml:{line}");
    let out = reads(hand, &["red"], row, &place);
    drop(out);
    is(hand, hand.plain(&["lock", "T1"]), row, &place);
}

#[test]
fn g4_an_unknown_key_is_refused_with_a_suggestion_wherever_it_stands() {
    let hand = small();
    for (text, line, meant) in [
        ("[paths]\ntets = []\n", 2, "`tests`"),
        ("version = 1\npath = 1\n", 2, "`paths`"),
        (
            "[runner]\nkind = \"cargo-test\"\ntimout = \"3m\"\n",
            3,
            "`timeout`",
        ),
        (
            "[runner.a]\nkind = \"cargo-test\"\nrot = \"\"\n",
            3,
            "`root`",
        ),
        ("[limits]\n\nsesion = \"3m\"\n", 3, "`session`"),
    ] {
        refused(&hand, text, rows::UNKNOWN_KEY, line);
        hand.plain(&["red"])
            .ends(2)
            .says(&format!("did you mean {meant}?"));
    }
}

#[test]
fn g4_wrong_types_bad_globs_and_the_same_glob_twice_are_refused() {
    let hand = small();
    refused(&hand, "[paths]\ntests = \"x\"\n", rows::WRONG_TYPE, 2);
    refused(
        &hand,
        "[paths]\ntests = [\"tests/[a\"]\n",
        rows::BAD_GLOB,
        2,
    );
    refused(
        &hand,
        "[paths]\nsource = [\"../src/**\"]\n",
        rows::GLOB_OUTSIDE,
        2,
    );
    refused(
        &hand,
        "[tree]\ncarry = [\"../../etc/passwd\"]\n",
        rows::GLOB_OUTSIDE,
        2,
    );
    for lists in ["tests source", "tests ignore", "source ignore"] {
        let (one, other) = lists.split_once(' ').unwrap();
        let text = format!("[paths]\n{one} = [\"x/**\"]\n{other} = [\"x/**\"]\n");
        refused(&hand, &text, rows::SAME_GLOB, 2);
    }
}

#[test]
fn g4_values_that_cannot_work_are_refused() {
    let hand = small();
    let runner = |more: &str| format!("[runner]\nkind = \"cargo-test\"\n{more}\n");
    hand.write("redgreen.toml", &runner("root = \"nowhere\""));
    hand.commit("root");
    reads(&hand, &["red"], rows::RUNNER_ROOT, "redgreen.toml");
    refused(&hand, &runner("command = []"), rows::NO_COMMAND, 3);
    refused(&hand, &runner("timeout = \"0s\""), rows::NO_TIME, 3);
    for (text, line) in [
        (runner("timeout = \"-3m\""), 3),
        (runner("root = \"../..\""), 3),
        ("[runner]\nkind = \"pytets\"\n".to_owned(), 2),
        ("[limits]\nsession = \"soon\"\n".to_owned(), 2),
        ("[tree]\nprepare = [\"sh -c 'x\"]\n".to_owned(), 2),
        ("[paths\n".to_owned(), 1),
    ] {
        hand.write("redgreen.toml", &text);
        hand.commit("value");
        let out = hand.plain(&["red"]).ends(2);
        let place = format!("redgreen.toml:{line}");
        assert!(
            crate::support::first_error(&out).at(&place),
            "{text}{out:#?}"
        );
    }
}

#[test]
fn g4_a_file_that_is_no_text_or_a_link_is_refused() {
    let hand = small();
    std::fs::write(hand.path("redgreen.toml"), b"\xff\xfe\0").unwrap();
    hand.commit("no text");
    reads(&hand, &["red"], rows::CONFIG_UTF8, "redgreen.toml");
    hand.remove("redgreen.toml");
    std::os::unix::fs::symlink("/etc/hostname", hand.path("redgreen.toml")).unwrap();
    hand.commit("a link");
    reads(&hand, &["red"], rows::CONFIG_LINK, "redgreen.toml");
}

#[test]
fn g6_an_uncommitted_configuration_stops_with_what_to_do() {
    let hand = small();
    hand.write("redgreen.toml", "[paths]\ntets = []\n");
    reads(&hand, &["red"], rows::DIRTY, "").says("git add redgreen.toml");
}
