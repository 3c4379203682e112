//! Much of everything.

use crate::rows;
use crate::support::{Hand, TOTAL_TEST, reads};
use std::fmt::Write as _;
use std::process::{Command, Stdio};

#[test]
fn h7_a_test_file_of_fifty_megabytes() {
    let hand = Hand::python();
    let line = "0123456789abcdef".repeat(63) + "\n";
    let text = format!("{TOTAL_TEST}\n\nDATA = '''\n{}'''\n", line.repeat(50_000));
    assert!(text.len() > 50_000_000);
    hand.write("tests/test_total.py", &text);
    reads(&hand, &["red"], rows::TOO_LARGE, "tests/test_total.py");
    // Beside the tests the same bytes are data like any other.
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.write("tests/data.txt", &text);
    hand.plain(&["lock", "T1"]).ends(0);
    assert!(
        hand.git(&["show", "--stat", "HEAD"])
            .contains("tests/data.txt")
    );
}

#[test]
fn h7_a_hundred_thousand_files() {
    let hand = Hand::python();
    let mut stream = String::from(
        "blob\nmark :1\ndata 6\nX = 1\n\ncommit refs/heads/main\ncommitter A <a@b> 1 +0000\ndata 4\nmany\nfrom refs/heads/main^0\n",
    );
    for n in 0..100_000 {
        writeln!(stream, "M 100644 :1 src/shop/part{}/module{n}.py", n / 500).unwrap();
    }
    let file = hand.home.join("stream");
    std::fs::write(&file, stream).unwrap();
    let status = Command::new("git")
        .args(["fast-import", "--quiet", "--force"])
        .current_dir(&hand.root)
        .stdin(Stdio::from(std::fs::File::open(file).unwrap()))
        .status()
        .unwrap();
    assert!(status.success());
    hand.git(&["reset", "-q", "--hard"]);
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.plain(&["red"]).ends(0);
}
