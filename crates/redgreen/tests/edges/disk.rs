//! Full disks, folders that may not be written, times that cannot be.

use crate::rows;
use crate::support::{Hand, Mount, TOTAL, TOTAL_TEST, clean, fill, is, must, reads};
use std::fs;

fn with_total() -> Hand {
    let hand = Hand::python();
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand
}

#[test]
fn g10_a_full_disk_below_private_state_loses_nothing() {
    let mut hand = with_total();
    let mount = Mount::memory(&hand.home.join("small"), 24 << 20);
    hand.state = hand.home.join("small/state");
    hand.plain(&["lock", "T1"]).ends(0);
    let head = hand.head();
    hand.append("src/shop/__init__.py", TOTAL);
    let filler = fill(&hand.home.join("small"), 0);
    for command in [&["green", "T1"][..], &["red"], &["full", "T1"]] {
        let out = hand.plain(command);
        is(&hand, out, rows::DISK_FULL, "");
    }
    assert_eq!(hand.head(), head);
    // A little room: a verdict only where everything that it needs still fitted.
    fs::File::options()
        .write(true)
        .open(&filler)
        .unwrap()
        .set_len(fs::metadata(&filler).unwrap().len() - (64 << 10))
        .unwrap();
    let out = hand.plain(&["green", "T1"]);
    assert!(matches!(out.code, 0 | 11 | 15), "{out:#?}");
    clean(&hand, &out);
    fs::remove_file(filler).unwrap();
    hand.plain(&["check", "T1"]).ends(0);
    drop(mount);
}

#[test]
fn g10_a_test_that_fills_the_disk_is_no_verdict_and_leaves_room_again() {
    let mut hand = Hand::python();
    let place = hand.home.join("small");
    let mount = Mount::memory(&place, 24 << 20);
    hand.state = place.join("state");
    hand.write(
        "tests/test_fill.py",
        "from shop import price\n\n\ndef test_fill():\n    with open('fill', 'wb') as file:\n        while True:\n            file.write(b'x' * 65536)\n            file.flush()\n    assert price(2) == 5\n",
    );
    let out = hand.plain(&["red"]);
    assert!(matches!(out.code, 10 | 11 | 15 | 16), "{out:#?}");
    clean(&hand, &out);
    hand.remove("tests/test_fill.py");
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.plain(&["red"]).ends(0);
    drop(mount);
}

#[test]
fn g10_a_full_disk_below_the_checkout_leaves_the_repository_as_it_was() {
    let mut hand = with_total();
    let place = hand.home.join("small");
    let mount = Mount::memory(&place, 4 << 20);
    must(
        "cp",
        &[
            "-a",
            hand.root.to_str().unwrap(),
            place.join("work").to_str().unwrap(),
        ],
    );
    hand.root = place.join("work");
    hand.cwd.clone_from(&hand.root);
    let (head, status) = (hand.head(), hand.git(&["status", "--porcelain"]));
    let filler = fill(&place, 0);
    hand.plain(&["red"]).ends(0);
    reads(&hand, &["lock", "T1"], rows::DISK_FULL_GIT, "");
    fs::remove_file(filler).unwrap();
    assert_eq!(
        (hand.head(), hand.git(&["status", "--porcelain"])),
        (head, status)
    );
    assert!(!hand.path(".git/index.lock").exists());
    hand.plain(&["lock", "T1"]).ends(0);
    drop(mount);
}

#[test]
fn g10_private_state_that_may_not_be_written() {
    let mut hand = with_total();
    hand.state = hand.home.join("state");
    fs::create_dir(&hand.state).unwrap();
    let mount = Mount::read_only(&hand.state);
    for command in [&["red"][..], &["status"], &["lock", "T1"]] {
        reads(&hand, command, rows::NO_STATE_PERMISSION, "");
    }
    drop(mount);
}

#[test]
fn g10_a_read_only_checkout_is_judged_and_not_written() {
    let hand = with_total();
    let mount = Mount::read_only(&hand.root);
    hand.plain(&["red"]).ends(0);
    reads(&hand, &["lock", "T1"], rows::READ_ONLY_CHECKOUT, "");
    let out = hand.plain(&["init"]).ends(15);
    clean(&hand, &out);
    drop(mount);
    hand.plain(&["lock", "T1"]).ends(0);
}

/// The clock itself cannot be turned back here. What redgreen sees of it does: every file of the state and of the checkout
/// was written in the year 2100.
#[test]
fn g10_times_in_the_future_change_no_verdict() {
    let hand = with_total();
    hand.plain(&["lock", "T1"]).ends(0);
    hand.append("src/shop/__init__.py", TOTAL);
    let later = |folder: &std::path::Path| {
        must(
            "find",
            &[
                folder.to_str().unwrap(),
                "-exec",
                "touch",
                "--no-dereference",
                "--date=2100-01-01",
                "{}",
                "+",
            ],
        );
    };
    later(&hand.state);
    later(&hand.root);
    hand.plain(&["check", "T1"]).ends(0);
    hand.write("src/shop/__init__.py", "def price(n):\n    return n * 2\n");
    later(&hand.root);
    hand.plain(&["green", "T1"]).ends(10);
    hand.plain(&["clean"]).ends(0);
    hand.plain(&["locks", "verify", "T1"]).ends(0);
}
