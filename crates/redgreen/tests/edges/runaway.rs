//! Tests that misbehave: no endless wait, nothing left behind, never a pass.

use crate::rows;
use crate::support::{Hand, clean, is, reads, within};

fn project(timeout: &str, test: &str) -> Hand {
    let configuration = format!("[runner]\nkind = \"pytest\"\ntimeout = \"{timeout}\"\n");
    let hand = Hand::python_with(&[("redgreen.toml", &configuration)]);
    hand.write("tests/test_odd.py", test);
    hand
}

/// Whether a process runs with this word on its command line.
fn runs(word: &str) -> bool {
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| std::fs::read(entry.unwrap().path().join("cmdline")).ok())
        .any(|line| {
            line.split(|&byte| byte == 0)
                .any(|part| part == word.as_bytes())
        })
}

#[test]
fn b1_a_test_that_never_ends_and_its_daemon_are_ended_and_named() {
    let hand = project(
        "4s",
        "import os, signal, time\n\n\ndef test_forever():\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    if os.fork() == 0:\n        os.setsid()\n        if os.fork() == 0:\n            os.execvp('sleep', ['sleep', '86418.5'])\n        os._exit(0)\n    while True:\n        time.sleep(1)\n",
    );
    let out = reads(&hand, &["red"], rows::NEVER_ENDS, "");
    assert!(
        out.stdout.contains("tests/test_odd.py::test_forever"),
        "{out:#?}"
    );
    assert!(!runs("86418.5"));
}

#[test]
fn b1_a_daemon_does_not_outlive_a_test_that_ended() {
    let hand = project(
        "2m",
        "import os\nfrom shop import price\n\n\ndef test_daemon():\n    if os.fork() == 0:\n        os.setsid()\n        if os.fork() == 0:\n            os.execvp('sleep', ['sleep', '86419.5'])\n        os._exit(0)\n    assert price(2) == 5\n",
    );
    let out = hand.plain(&["red"]);
    assert!(matches!(out.code, 0 | 11), "{out:#?}");
    clean(&hand, &out);
    assert!(!runs("86419.5"));
}

#[test]
fn b1_a_gigabyte_of_output_ends_the_run_and_fills_nothing() {
    let hand = project(
        "20m",
        "import os\n\n\ndef test_loud(capfd):\n    block = b'x' * (1 << 22)\n    with capfd.disabled():\n        while True:\n            os.write(1, block)\n",
    );
    let out = reads(&hand, &["red"], rows::TOO_MUCH_OUTPUT, "");
    assert!(out.stdout.len() + out.stderr.len() < 10_000);
    let state = std::fs::read_dir(&hand.state)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    assert!(redgreen_host::state::size_of(&state) < 64 << 20);
}

#[test]
fn c1_a_test_that_changes_its_own_file_proves_nothing_by_it() {
    let hand = project(
        "2m",
        "import pathlib\nfrom shop import price\n\n\ndef test_own():\n    pathlib.Path(__file__).write_text('def test_own():\\n    pass\\n')\n    assert price(2) == 5\n",
    );
    let before = hand.read("tests/test_odd.py");
    let out = hand.plain(&["lock", "T1"]);
    clean(&hand, &out);
    // Neither the checkout nor the lock has other bytes than those that were read.
    assert_eq!(hand.read("tests/test_odd.py"), before);
    if out.code == 0 {
        assert_eq!(
            hand.git(&["show", "HEAD:tests/test_odd.py"]),
            before.trim_end()
        );
        // GREEN runs the locked bytes: the code that does not fit them still fails.
        hand.plain(&["green", "T1"]).ends(10);
    } else {
        assert_eq!(out.code, 16, "{out:#?}");
    }
}

#[test]
fn b3_a_test_that_needs_a_terminal_is_not_red_for_a_right_reason() {
    for line in ["open('/dev/tty').read()", "input('continue? ')"] {
        let hand = project("1m", &format!("def test_asks():\n    assert {line}\n"));
        let out = hand.plain(&["red"]);
        assert!(matches!(out.code, 10 | 16), "{line} {out:#?}");
        clean(&hand, &out);
    }
    let hand = project("1m", "def test_asks():\n    assert input('continue? ')\n");
    let out = hand.plain(&["red"]);
    is(&hand, out, rows::NO_TERMINAL, "tests/test_odd.py");
}

#[test]
fn b3_code_that_finds_no_memory_is_no_red() {
    let hand = Hand::python_with(&[(
        "src/shop/__init__.py",
        "def price(n):\n    return len(bytearray(3_000_000_000)) * n\n",
    )]);
    hand.write(
        "tests/test_memory.py",
        "from shop import price\n\n\ndef test_memory():\n    assert price(2) == 4\n",
    );
    let out = within(&hand, 2_000_000_000, &["red", "tests/test_memory.py"]);
    is(&hand, out, rows::NO_MEMORY, "");
    // redgreen itself needs little.
    hand.write(
        "tests/test_memory.py",
        "def test_other():\n    from shop import total\n\n    assert total([]) == 0\n",
    );
    within(&hand, 300_000_000, &["red", "tests/test_memory.py"]).ends(0);
}
