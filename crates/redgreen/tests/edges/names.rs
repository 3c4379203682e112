//! Names of files and tests that programs trip over.

use crate::rows;
use crate::support::{Hand, TOTAL, TOTAL_TEST, reads};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

#[test]
fn c1_blanks_quotes_and_emoji_in_paths_and_test_names_are_ordinary() {
    let hand = Hand::python();
    hand.write("tests/a b/test_it's \"quoted\" $HOME `x`.py", TOTAL_TEST);
    hand.write("tests/test_🎉.py", TOTAL_TEST);
    hand.write("tests/-rf.py", "X = 1\n");
    hand.write(
        "tests/test_names.py",
        "import pytest\nfrom shop import total\n\n\n@pytest.mark.parametrize('x', ['a b', 'q\"q', \"it's\", 'n\\nl', '🎉', '\\udcff', 'x::y[', b'\\xff', '', 'p' * 3000])\ndef test_total(x):\n    assert total([1, 2]) == 6\n\n\ndef test_ünï():\n    assert total([1]) == 2\n",
    );
    let out = hand.rg(&["lock", "T1"]).ends(0);
    assert_eq!(out.gate()["tests"].as_array().unwrap().len(), 6, "{out:#?}");
    hand.append("src/shop/__init__.py", TOTAL);
    hand.plain(&["check", "T1"]).ends(0);
    hand.plain(&["locks", "verify", "T1"]).ends(0);
}

#[test]
fn c1_a_name_with_a_line_break_or_other_bytes_is_refused_by_its_name() {
    for (name, shown) in [
        (&b"test_a\nb.py"[..], "`tests/test_a\\nb.py`"),
        (b"test_\xff.py", "`tests/test_\u{fffd}.py`"),
    ] {
        let hand = Hand::python();
        let path = hand.path("tests").join(OsStr::from_bytes(name));
        std::fs::write(&path, TOTAL_TEST).unwrap();
        let out = reads(&hand, &["red"], rows::FORBIDDEN_NAME, "");
        assert!(out.stderr.contains(shown), "{out:#?}");
        assert!(path.exists());
    }
}

#[test]
fn c1_a_committed_name_that_is_not_utf_8_is_refused_by_its_name() {
    let hand = Hand::python();
    std::fs::write(
        hand.path("tests").join(OsStr::from_bytes(b"test_\xff.py")),
        "",
    )
    .unwrap();
    hand.commit("odd");
    hand.write("tests/test_total.py", TOTAL_TEST);
    reads(&hand, &["red"], rows::BAD_NAME, "").says("test_\u{fffd}.py");
}
