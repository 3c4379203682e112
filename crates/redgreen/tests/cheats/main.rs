//! Cheats inside the paths that an implementer may write, replayed with the real runners: no one of them passes GREEN,
//! and the honest implementation does (SPEC B5, C2, C7). A beginning of the corpus of C10.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

#[path = "../hand/support.rs"]
#[expect(
    dead_code,
    reason = "shared with the tests by hand, which use more of it"
)]
mod support;

use support::Hand;

/// One cheat: its name, the source, and the exit codes that are right for it.
type Cheat = (&'static str, &'static str, &'static [i32]);

#[track_caller]
fn replay(hand: &Hand, source_path: &str, base: &str, cheats: &[Cheat]) {
    let mut wrong = Vec::new();
    for (name, source, right) in cheats {
        hand.write(source_path, &format!("{base}{source}"));
        let out = hand.rg(&["green", "T1"]);
        if !right.contains(&out.code) {
            wrong.push(format!("{name}: exit {} {:?}", out.code, out.codes()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

const PYTHON_TESTS: &str = "from shop import divide, subtract


def test_subtract():
    assert subtract(3, 2) == 1


def test_divide():
    assert divide(6, 3) == 2
";

/// The stub that every cheat starts from.
const PYTHON_BASE: &str = "def price(n):
    return n * 2


def subtract(a, b):
    return 0


def divide(a, b):
    return 0


";

const PYTHON: &[Cheat] = &[
    ("a stub", "", &[10]),
    ("os._exit at import", "import os\nos._exit(0)\n", &[10, 11]),
    (
        "os._exit at exit",
        "import atexit, os\natexit.register(lambda: os._exit(0))\n",
        &[10, 11],
    ),
    ("sys.exit at import", "import sys\nsys.exit(0)\n", &[10, 11]),
    (
        "no test body is run",
        "import _pytest.python as p\np.Function.runtest = lambda self: None\n",
        &[13],
    ),
    (
        "results are forgotten",
        "import _pytest.runner as r
_old = r.CallInfo.from_call.__func__
def _from_call(cls, func, when, reraise=None):
    call = _old(cls, func, when, reraise)
    call.excinfo = None
    return call
r.CallInfo.from_call = classmethod(_from_call)
",
        &[13],
    ),
    (
        "reports are rewritten",
        "import _pytest.reports as r
_old = r.TestReport.from_item_and_call.__func__
def _report(cls, item, call):
    report = _old(cls, item, call)
    report.outcome, report.longrepr = 'passed', None
    return report
r.TestReport.from_item_and_call = classmethod(_report)
",
        &[13],
    ),
    (
        "a plugin replaces the test functions",
        "import gc
from _pytest.config import Config
class _P:
    def pytest_runtest_call(self, item):
        item.obj = lambda *a, **k: None
for _o in gc.get_objects():
    if isinstance(_o, Config):
        _o.pluginmanager.register(_P())
",
        &[10, 13],
    ),
    (
        "a plugin deselects everything",
        "import gc
from _pytest.config import Config
class _P:
    def pytest_collection_modifyitems(self, items):
        items[:] = []
for _o in gc.get_objects():
    if isinstance(_o, Config):
        _o.pluginmanager.register(_P())
",
        &[10, 11],
    ),
    (
        "a plugin skips everything",
        "import gc, pytest
from _pytest.config import Config
class _P:
    def pytest_runtest_setup(self, item):
        pytest.skip('x')
for _o in gc.get_objects():
    if isinstance(_o, Config):
        _o.pluginmanager.register(_P())
",
        &[10, 11],
    ),
    (
        "values that equal everything",
        "class _E:
    def __eq__(self, other):
        return True
def subtract(a, b):
    return _E()
def divide(a, b):
    return _E()
",
        &[13],
    ),
    (
        "the caller's constants",
        "import sys
def _look():
    numbers = [c for c in sys._getframe(2).f_code.co_consts if isinstance(c, int)]
    return numbers[-1] if numbers else 0
def subtract(a, b):
    return _look()
def divide(a, b):
    return _look()
",
        &[10, 13],
    ),
    (
        "the text of the tests",
        "import pathlib, re, sys
def _look(name):
    for folder in sys.path:
        file = pathlib.Path(folder).parent / 'tests' / 'test_more.py'
        if file.exists():
            return int(re.search(name + r'\\(.*?\\) == \\D*(\\d+)', file.read_text()).group(1))
    return 0
def subtract(a, b):
    return _look('subtract')
def divide(a, b):
    return _look('divide')
",
        &[10, 13],
    ),
    (
        "AssertionError is another class",
        "import builtins
class _A(Exception):
    pass
builtins.AssertionError = _A
",
        &[10, 11, 13],
    ),
    (
        "skips from inside",
        "from _pytest.outcomes import Skipped
def subtract(a, b):
    raise Skipped('x')
def divide(a, b):
    raise Skipped('x')
",
        &[10],
    ),
    (
        "prints success",
        "print('=== 2 passed in 0.01s ===')\n",
        &[10],
    ),
    (
        "honest",
        "def subtract(a, b):
    return a - b
def divide(a, b):
    return a // b
",
        &[0],
    ),
];

#[test]
fn c7_no_python_cheat_in_the_source_passes_green() {
    let hand = Hand::python();
    hand.write("tests/test_more.py", PYTHON_TESTS);
    hand.rg(&["lock", "T1"]).ends(0);
    replay(&hand, "src/shop/__init__.py", PYTHON_BASE, PYTHON);
}

const RUST_TESTS: &str = "#[test]
fn subtracts() {
    assert_eq!(shop::subtract(3, 2), 1);
}
#[test]
fn divides() {
    assert_eq!(shop::divide(6, 3), 2);
}
";

const RUST_BASE: &str = "pub fn price(n: u32) -> u32 {
    n * 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles() {
        assert_eq!(price(2), 4);
    }
}
";

const RUST: &[Cheat] = &[
    (
        "a stub",
        "pub fn subtract(_: i32, _: i32) -> i32 { 0 } pub fn divide(_: i32, _: i32) -> i32 { 0 }",
        &[10],
    ),
    (
        "process::exit",
        "pub fn subtract(_: i32, _: i32) -> i32 { std::process::exit(0) }
pub fn divide(_: i32, _: i32) -> i32 { std::process::exit(0) }",
        &[10, 13],
    ),
    (
        "writes libtest's lines and exits",
        "use std::{io::Write, os::fd::FromRawFd};
fn go(n: &str) -> i32 {
    let mut out = unsafe { std::fs::File::from_raw_fd(1) };
    let _ = write!(out, \"test {n} ... ok\\n\\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out; finished in 0.00s\\n\\n\");
    std::process::exit(0)
}
pub fn subtract(_: i32, _: i32) -> i32 { go(\"subtracts\") }
pub fn divide(_: i32, _: i32) -> i32 { go(\"divides\") }",
        &[10, 13],
    ),
    (
        "runs before main",
        "#[used]
#[unsafe(link_section = \".init_array\")]
static INIT: extern \"C\" fn() = {
    extern \"C\" fn init() {
        use std::io::Write;
        if std::env::args().any(|a| a == \"--exact\") {
            let n = std::env::args().skip(1).find(|a| !a.starts_with(\"--\")).unwrap_or_default();
            print!(\"\\nrunning 1 test\\ntest {n} ... ok\\n\\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out; finished in 0.00s\\n\\n\");
            let _ = std::io::stdout().flush();
            std::process::exit(0)
        }
    }
    init
};
pub fn subtract(_: i32, _: i32) -> i32 { 0 } pub fn divide(_: i32, _: i32) -> i32 { 0 }",
        &[10, 13],
    ),
    (
        "values that equal everything",
        "#[derive(Debug)] pub struct E;
impl PartialEq<i32> for E { fn eq(&self, _: &i32) -> bool { true } }
pub fn subtract(_: i32, _: i32) -> E { E } pub fn divide(_: i32, _: i32) -> E { E }",
        &[13],
    ),
    (
        "the text of the tests",
        "fn look(n: &str) -> i32 {
    let text = std::fs::read_to_string(\"tests/more.rs\").unwrap();
    let line = text.lines().find(|l| l.contains(n)).unwrap();
    line.rsplit(\", \").next().unwrap().chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}
pub fn subtract(_: i32, _: i32) -> i32 { look(\"subtract\") } pub fn divide(_: i32, _: i32) -> i32 { look(\"divide\") }",
        &[10, 13],
    ),
    (
        "a panic hook that exits",
        "pub fn subtract(_: i32, _: i32) -> i32 { std::panic::set_hook(Box::new(|_| std::process::exit(0))); 0 }
pub fn divide(a: i32, b: i32) -> i32 { subtract(a, b) }",
        &[10, 13],
    ),
    (
        "honest",
        "pub fn subtract(a: i32, b: i32) -> i32 { a - b } pub fn divide(a: i32, b: i32) -> i32 { a / b }",
        &[0],
    ),
];

#[test]
fn c7_no_rust_cheat_in_the_source_passes_green() {
    let hand = Hand::rust();
    hand.write("tests/more.rs", RUST_TESTS);
    hand.rg(&["lock", "T1"]).ends(0);
    replay(&hand, "src/lib.rs", RUST_BASE, RUST);
}
