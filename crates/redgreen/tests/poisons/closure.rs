//! Files that steer a runner from anywhere in the project (SPEC B4, B5): each change of one is rejected and named, also
//! where the file lies in the implementer's own globs.

use super::support::Hand;

/// Name, path, new content (`None` deletes it), exit code, what is said.
type Row = (
    &'static str,
    &'static str,
    Option<&'static str>,
    i32,
    &'static str,
);

fn replay(hand: &Hand, rows: &[Row]) {
    let mut wrong = Vec::new();
    for (name, path, content, code, said) in rows {
        let file = hand.path(path);
        let before = std::fs::read(&file).ok();
        match content {
            Some(text) => drop(hand.write(path, text)),
            None => drop(hand.remove(path)),
        }
        // Which class a change has does not need a run.
        let out = hand.rg(&["locks", "verify", "T1"]);
        if out.code != *code || !out.stdout.contains(said) {
            wrong.push(format!(
                "{name}: exit {}, wanted {code} with `{said}`: {}",
                out.code, out.stdout
            ));
        }
        match before {
            Some(bytes) => std::fs::write(&file, bytes).unwrap(),
            None => drop(hand.remove(path)),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

const REJECTED: i32 = 13;
const ALLOWED: i32 = 0;

const PYTHON: &[Row] = &[
    ("source", "src/shop/cart.py", Some("a = 1\n"), ALLOWED, ""),
    (
        "a conftest at the top",
        "conftest.py",
        Some(""),
        REJECTED,
        "conftest.py",
    ),
    (
        "a conftest in the source",
        "src/shop/conftest.py",
        Some(""),
        REJECTED,
        "src/shop/conftest.py",
    ),
    (
        "a conftest of the tests",
        "tests/conftest.py",
        Some("x = 1\n"),
        REJECTED,
        "tests/conftest.py",
    ),
    (
        "pytest.ini",
        "pytest.ini",
        Some("[pytest]\n"),
        REJECTED,
        "pytest.ini",
    ),
    (
        ".pytest.ini",
        ".pytest.ini",
        Some("[pytest]\n"),
        REJECTED,
        ".pytest.ini",
    ),
    (
        "pytest.toml",
        "pytest.toml",
        Some("[pytest]\n"),
        REJECTED,
        "pytest.toml",
    ),
    (
        "a configuration below the tests outranks the one above",
        "tests/pytest.ini",
        Some("[pytest]\n"),
        REJECTED,
        "tests/pytest.ini",
    ),
    (
        "tox.ini",
        "tox.ini",
        Some("[pytest]\n"),
        REJECTED,
        "tox.ini",
    ),
    (
        "setup.cfg",
        "setup.cfg",
        Some("[tool:pytest]\n"),
        REJECTED,
        "setup.cfg",
    ),
    (
        "setup.py",
        "setup.py",
        Some("x = 1\n"),
        REJECTED,
        "setup.py",
    ),
    (
        "pyproject.toml",
        "pyproject.toml",
        Some("[project]\nname = \"shop\"\n"),
        REJECTED,
        "pyproject.toml",
    ),
    (
        ".coveragerc",
        ".coveragerc",
        Some("[run]\n"),
        REJECTED,
        ".coveragerc",
    ),
    ("noxfile", "noxfile.py", Some(""), REJECTED, "noxfile.py"),
    ("uv.lock", "uv.lock", Some(""), REJECTED, "uv.lock"),
    (
        "CI",
        ".github/workflows/ci.yml",
        Some("on: push\n"),
        REJECTED,
        ".github/workflows/ci.yml",
    ),
    (
        "the ignore rules",
        ".gitignore",
        Some("tests\n"),
        REJECTED,
        ".gitignore",
    ),
    (
        "attributes",
        ".gitattributes",
        Some("* -text\n"),
        REJECTED,
        ".gitattributes",
    ),
    (
        "a path hook in the source",
        "src/x.pth",
        Some("import os\n"),
        REJECTED,
        "src/x.pth",
    ),
    (
        "compiled code in the source",
        "src/shop/x.so",
        Some("x"),
        REJECTED,
        "src/shop/x.so",
    ),
    (
        "site customisation in the source",
        "src/sitecustomize.py",
        Some(""),
        REJECTED,
        "sitecustomize.py",
    ),
    (
        "a data file of the tests",
        "tests/data.json",
        Some("[2]\n"),
        REJECTED,
        "tests/data.json",
    ),
    (
        "a data file that is gone",
        "tests/data.json",
        None,
        REJECTED,
        "tests/data.json",
    ),
    (
        "a golden",
        "tests/golden/out.txt",
        Some("2\n"),
        REJECTED,
        "tests/golden/out.txt",
    ),
    (
        "a helper of the tests",
        "tests/helpers.py",
        Some("def near(a, b): return True\n"),
        REJECTED,
        "tests/helpers.py",
    ),
    (
        "a script that a runner uses",
        "scripts/test.sh",
        Some("exit 0\n"),
        REJECTED,
        "scripts/test.sh",
    ),
    (
        "the Makefile",
        "Makefile",
        Some("test:\n\ttrue\n"),
        REJECTED,
        "Makefile",
    ),
    (
        "a data file beside everything",
        "data.csv",
        Some("2\n"),
        REJECTED,
        "data.csv",
    ),
    (
        "a plugin in the source that conftest names",
        "src/shop/testing.py",
        Some("x = 1\n"),
        REJECTED,
        "a pytest plugin that `tests/conftest.py` names",
    ),
    (
        "a plugin in the source that the configuration names",
        "src/shop/hooks.py",
        Some("x = 1\n"),
        REJECTED,
        "a pytest plugin that the configuration of pytest names",
    ),
    (
        "a module with the name of an installed package",
        "src/iniconfig.py",
        Some("x = 1\n"),
        REJECTED,
        "in place of the installed package `iniconfig`",
    ),
    (
        "a package with the name of the tests",
        "src/tests/__init__.py",
        Some(""),
        REJECTED,
        "src/tests/__init__.py",
    ),
    (
        "a module with the name of a helper",
        "src/helpers.py",
        Some(""),
        REJECTED,
        "in place of the locked `tests/helpers.py`",
    ),
    (
        "what a failed run leaves",
        "src/shop/x.snap.new",
        Some("x"),
        ALLOWED,
        "",
    ),
    ("a document", "docs/a.md", Some("x"), ALLOWED, ""),
];

#[test]
fn b4_every_file_that_steers_pytest_is_locked() {
    let hand = Hand::python_with(&[
        (
            "tests/conftest.py",
            "pytest_plugins = [\n    \"shop.testing\",\n]\n",
        ),
        (
            "src/shop/testing.py",
            "import pytest\n\n\n@pytest.fixture\ndef two():\n    return 2\n",
        ),
        (
            "src/shop/hooks.py",
            "def pytest_report_header():\n    return ''\n",
        ),
        ("src/shop/cart.py", "a = 0\n"),
        (
            "pyproject.toml",
            "[project]\nname = \"shop\"\nversion = \"0.1.0\"\n\n[tool.pytest.ini_options]\npythonpath = [\"src\", \"tests\"]\naddopts = \"-p shop.hooks\"\n",
        ),
        ("tests/data.json", "[1]\n"),
        ("tests/golden/out.txt", "1\n"),
        ("tests/helpers.py", "def near(a, b):\n    return a == b\n"),
        ("scripts/test.sh", "pytest\n"),
        ("Makefile", "test:\n\tpytest\n"),
        ("data.csv", "1\n"),
    ]);
    hand.write("tests/test_total.py", "from helpers import near\nfrom shop import total\n\n\ndef test_total(two):\n    assert near(total([two]), 4)\n");
    hand.rg(&["lock", "T1"]).ends(0);
    replay(&hand, PYTHON);
}

const CARGO: &[Row] = &[
    (
        "source",
        "src/more.rs",
        Some("pub fn more() {}\n"),
        ALLOWED,
        "",
    ),
    (
        "the manifest",
        "Cargo.toml",
        Some("[package]\nname = \"shop\"\nversion = \"0.1.0\"\nautotests = false\n"),
        REJECTED,
        "Cargo.toml",
    ),
    (
        "the lock file",
        "Cargo.lock",
        Some("version = 4\n"),
        REJECTED,
        "Cargo.lock",
    ),
    (
        "cargo's configuration",
        ".cargo/config.toml",
        Some(""),
        REJECTED,
        ".cargo/config.toml",
    ),
    (
        "cargo's configuration, old name",
        ".cargo/config",
        Some(""),
        REJECTED,
        ".cargo/config",
    ),
    (
        "cargo's configuration below the source",
        "src/.cargo/config.toml",
        Some(""),
        REJECTED,
        "src/.cargo/config.toml",
    ),
    (
        "the toolchain",
        "rust-toolchain.toml",
        Some(""),
        REJECTED,
        "rust-toolchain.toml",
    ),
    (
        "a build script",
        "build.rs",
        Some("fn main() {}\n"),
        REJECTED,
        "build.rs",
    ),
    (
        "a build script that the manifest names",
        "src/build/main.rs",
        Some("fn main() { println!(); }\n"),
        REJECTED,
        "which `Cargo.toml` names",
    ),
    (
        "a test target that the manifest names",
        "src/checks.rs",
        Some("#[test] fn x() {}\n"),
        REJECTED,
        "src/checks.rs",
    ),
    (
        "nextest",
        ".config/nextest.toml",
        Some(""),
        REJECTED,
        ".config/nextest.toml",
    ),
    ("clippy", "clippy.toml", Some(""), REJECTED, "clippy.toml"),
    (
        "rustfmt",
        "rustfmt.toml",
        Some(""),
        REJECTED,
        "rustfmt.toml",
    ),
    (
        "insta",
        ".config/insta.yaml",
        Some(""),
        REJECTED,
        ".config/insta.yaml",
    ),
    (
        "a snapshot",
        "src/snapshots/a.snap",
        Some("x"),
        REJECTED,
        "src/snapshots/a.snap",
    ),
    (
        "a test module in the source",
        "src/tests.rs",
        Some(""),
        REJECTED,
        "src/tests.rs",
    ),
    (
        "a new test",
        "tests/other.rs",
        Some(""),
        REJECTED,
        "tests/other.rs",
    ),
    (
        "data in the source that a test includes",
        "src/cases.txt",
        Some("2\n"),
        REJECTED,
        "which the locked `tests/totals.rs` includes",
    ),
    (
        "code in the source that a test includes",
        "src/judge.rs",
        Some("fn judge(_: u32, _: u32) {}\n"),
        REJECTED,
        "which the locked `tests/totals.rs` includes",
    ),
    (
        "data that the product includes too",
        "src/names.txt",
        Some("b\n"),
        ALLOWED,
        "",
    ),
    (
        "a macro that only tests use",
        "src/near.rs",
        Some("#[macro_export]\nmacro_rules! near {\n    ($a:expr, $b:expr) => {};\n}\n"),
        REJECTED,
        "`near!`",
    ),
    (
        "a macro that the product uses",
        "src/max.rs",
        Some(
            "#[macro_export]\nmacro_rules! larger {\n    ($a:expr) => { $a + 0 };\n}\npub fn f() -> u32 { larger!(1) }\n",
        ),
        ALLOWED,
        "",
    ),
    (
        "a macro in place of assert_eq",
        "src/max.rs",
        Some("#[macro_export]\nmacro_rules! assert_eq {\n    ($($t:tt)*) => {};\n}\n"),
        REJECTED,
        "in place of the standard library's",
    ),
    (
        "what insta leaves",
        "tests/snapshots/a.snap.new",
        Some("x"),
        ALLOWED,
        "",
    ),
];

#[test]
fn b4_every_file_that_steers_cargo_is_locked() {
    let hand = Hand::rust_with(&[
        (
            "Cargo.toml",
            "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\nbuild = \"src/build/main.rs\"\n\n[[test]]\nname = \"checks\"\npath = \"src/checks.rs\"\n",
        ),
        ("src/build/main.rs", "fn main() {}\n"),
        (
            "src/checks.rs",
            "#[test]\nfn checks() {\n    assert_eq!(1 + 1, 2);\n}\n",
        ),
        (
            "src/lib.rs",
            "mod max;\nmod near;\nmod more;\npub const NAMES: &str = include_str!(\"names.txt\");\npub fn price(n: u32) -> u32 {\n    n * 2\n}\n",
        ),
        ("src/names.txt", "a\n"),
        ("src/more.rs", ""),
        (
            "src/max.rs",
            "#[macro_export]\nmacro_rules! larger {\n    ($a:expr) => { $a };\n}\npub fn f() -> u32 { larger!(1) }\n",
        ),
        (
            "src/near.rs",
            "#[macro_export]\nmacro_rules! near {\n    ($a:expr, $b:expr) => { assert!($a == $b) };\n}\n",
        ),
        ("src/cases.txt", "1\n"),
        (
            "src/judge.rs",
            "fn judge(a: u32, b: u32) {\n    assert!(a == b)\n}\n",
        ),
        ("src/snapshots/a.snap", "a"),
    ]);
    hand.write(
        "tests/totals.rs",
        "include!(\"../src/judge.rs\");\nconst CASES: &str = include_str!(\"../src/cases.txt\");\nconst NAMES: &str = include_str!(\"../src/names.txt\");\n\n#[test]\nfn totals() {\n    let n = CASES.trim().parse().unwrap();\n    judge(n, 1);\n    shop::near!(shop::total(&[n]), 2);\n    assert_eq!(NAMES, \"a\\n\");\n}\n",
    );
    hand.rg(&["lock", "T1"]).ends(0);
    replay(&hand, CARGO);
}
