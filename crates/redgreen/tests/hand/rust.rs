//! Rust projects and repositories with several runners (SPEC B3, B4, G4, G6).

use super::support::{Hand, TOTAL, TOTAL_TEST};

const CODE: &str = "pub fn price(n: u32) -> u32 {\n    n * 2\n}\n";

#[test]
fn g6_tests_in_a_file_with_begun_code_are_spliced_item_by_item() {
    let hand = Hand::rust_with(&[("src/lib.rs", CODE)]);
    // A new test module, begun code, and a changed function, all in one file.
    hand.write(
        "src/lib.rs",
        "pub fn price(n: u32) -> u32 {\n    n * 2 + 1\n}\n\npub fn total(list: &[u32]) -> u32 {\n    list.iter().map(|n| price(*n)).sum()\n}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn totals() {\n        assert_eq!(total(&[1, 2]), 6);\n    }\n}\n",
    );
    let out = hand.rg(&["lock", "T1"]).ends(0);
    assert_eq!(out.test("tests::totals")["cause"], "missing_symbol");
    let locked = hand.git(&["show", "HEAD:src/lib.rs"]);
    assert!(
        locked.contains("fn totals()") && !locked.contains("pub fn total("),
        "{locked}"
    );
    assert!(
        hand.read("src/lib.rs").contains("pub fn total("),
        "the working tree is kept"
    );
    let out = hand.rg(&["green", "T1"]).ends(10);
    out.reason("test_failed");
    let text = hand.read("src/lib.rs").replace("n * 2 + 1", "n * 2");
    hand.write("src/lib.rs", &text);
    hand.rg(&["green", "T1"]).ends(0);
}

#[test]
fn b3_a_new_rust_module_whose_mod_line_is_missing_is_red_by_it() {
    let hand = Hand::rust();
    hand.write(
        "src/cart.rs",
        "#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn empty() {\n        assert_eq!(size(), 0);\n    }\n}\n",
    );
    let out = hand.rg(&["lock", "T1"]).ends(0);
    let test = out.test("tests::empty");
    assert_eq!(test["cause"], "missing_symbol");
    assert!(
        test["message"]
            .as_str()
            .unwrap()
            .contains("module `cart` does not exist yet"),
        "{test}"
    );
    let text = hand.read("src/cart.rs");
    hand.write(
        "src/cart.rs",
        &format!("pub fn size() -> u32 {{\n    0\n}}\n\n{text}"),
    );
    // Without the `mod` line the locked test does not run.
    let out = hand.rg(&["green", "T1"]);
    assert!(matches!(out.code, 10 | 11), "{out:#?}");
    let lib = hand.read("src/lib.rs");
    hand.write("src/lib.rs", &format!("pub mod cart;\n\n{lib}"));
    hand.rg(&["green", "T1"]).ends(0);
}

#[test]
fn g6_an_out_of_line_test_module_is_a_test_file() {
    let hand = Hand::rust_with(&[
        ("src/lib.rs", &format!("{CODE}\n#[cfg(test)]\nmod tests;\n")),
        (
            "src/tests.rs",
            "use super::*;\n\n#[test]\nfn doubles() {\n    assert_eq!(price(2), 4);\n}\n",
        ),
    ]);
    hand.append(
        "src/tests.rs",
        "\n#[test]\nfn triples() {\n    assert_eq!(price(3), 9);\n}\n",
    );
    let out = hand.rg(&["lock", "T1"]).ends(0);
    assert_eq!(out.test("src/tests.rs::triples")["cause"], "assertion");
    let lib = hand
        .read("src/lib.rs")
        .replace("n * 2", "if n == 3 { 9 } else { n * 2 }");
    hand.write("src/lib.rs", &lib);
    hand.rg(&["green", "T1"]).ends(0);
    hand.append("src/tests.rs", "\n#[test]\nfn more() {}\n");
    hand.rg(&["green", "T1"]).ends(13);
}

#[test]
fn b3_rust_tests_that_prove_nothing_are_refused() {
    let hand = Hand::rust();
    for (name, body, code, exit) in [
        (
            "ignored",
            "#[test]\n#[ignore]\nfn t() { assert_eq!(shop::price(1), 3); }\n",
            "skipped_test",
            10,
        ),
        (
            "panic",
            "#[test]\nfn t() { panic!(\"not yet\") }\n",
            "broken_test",
            10,
        ),
        ("empty", "#[test]\nfn t() {}\n", "broken_test", 10),
        (
            "passes",
            "#[test]\nfn t() { assert_eq!(shop::price(1), 2); }\n",
            "not_red",
            10,
        ),
        (
            "syntax",
            "#[test]\nfn t( { assert_eq!(shop::price(1), 3); }\n",
            "broken_test",
            10,
        ),
        (
            "typo in the test",
            "#[test]\nfn t() { let a = 1; assert_eq!(shop::price(b), 3); }\n",
            "broken_test",
            10,
        ),
        (
            "no dependency",
            "use not_a_crate::x;\n#[test]\nfn t() { assert_eq!(shop::price(x()), 3); }\n",
            "broken_test",
            10,
        ),
        (
            "slip",
            "#[test]\nfn t() { assert_eq!(shop::prise(1), 3); }\n",
            "unclear_red",
            16,
        ),
    ] {
        hand.write("tests/t.rs", body);
        let out = hand.rg(&["red"]);
        assert_eq!(out.code, exit, "{name}: {out:#?}");
        assert!(out.codes().contains(&code.to_owned()), "{name}: {out:#?}");
    }
}

#[test]
fn g4_two_runners_in_one_repository_and_a_start_in_a_sub_folder() {
    let mut hand = Hand::python_with(&[
        (
            "native/Cargo.toml",
            "[package]\nname = \"native\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
        ),
        (
            "native/Cargo.lock",
            "version = 3\n\n[[package]]\nname = \"native\"\nversion = \"0.1.0\"\n",
        ),
        ("native/src/lib.rs", CODE),
        ("web/readme.txt", "x\n"),
        (".gitignore", ".venv\n__pycache__/\ntarget/\n"),
    ]);
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.write(
        "native/tests/total.rs",
        "#[test]\nfn totals() {\n    assert_eq!(native::total(), 6);\n}\n",
    );
    hand.cwd = hand.path("web");
    let out = hand.rg(&["lock", "T1"]).ends(0);
    assert_eq!(out.json()["tests"], 3);
    let ids: Vec<String> = out.gate()["tests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|test| test["id"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        ids.contains(&"native:native/tests/total.rs::totals".to_owned()),
        "{ids:?}"
    );
    assert!(
        ids.contains(&"python:tests/test_total.py::test_total".to_owned()),
        "{ids:?}"
    );
    hand.append("src/shop/__init__.py", TOTAL);
    let out = hand.rg(&["green", "T1"]).ends(10);
    assert!(out.reason("test_failed").contains("native"));
    hand.append("native/src/lib.rs", "\npub fn total() -> u32 {\n    6\n}\n");
    hand.rg(&["green", "T1"]).ends(0);
    hand.rg(&["full", "T1"]).ends(0);
    // Paths that a person types are those of where they stand, or of the repository.
    hand.write(
        "tests/test_other.py",
        "from shop import other\n\n\ndef test_other():\n    assert other() == 1\n",
    );
    hand.rg(&["red", "../tests/test_other.py"]).ends(0);
    hand.rg(&["red", "tests/test_other.py"]).ends(0);
}

#[test]
fn g4_a_configured_runner_in_a_sub_folder() {
    let hand = Hand::python_with(&[
        (
            "redgreen.toml",
            "[paths]\ntests = [\"app/tests/**\"]\nsource = [\"app/src/**\"]\n\n[runner]\nkind = \"pytest\"\nroot = \"app\"\n",
        ),
        (
            "app/pyproject.toml",
            "[project]\nname = \"app\"\nversion = \"0\"\n\n[tool.pytest.ini_options]\npythonpath = [\"src\"]\n",
        ),
        ("app/src/app/__init__.py", "def a():\n    return 1\n"),
        (
            "app/tests/test_a.py",
            "from app import a\n\n\ndef test_a():\n    assert a() == 1\n",
        ),
    ]);
    std::os::unix::fs::symlink(
        super::support::virtual_environment(),
        hand.path("app/.venv"),
    )
    .unwrap();
    hand.write(
        "app/tests/test_b.py",
        "from app import b\n\n\ndef test_b():\n    assert b() == 1\n",
    );
    let out = hand.rg(&["lock", "T1"]).ends(0);
    out.test("app/tests/test_b.py::test_b");
    hand.append("app/src/app/__init__.py", "\n\ndef b():\n    return 1\n");
    hand.rg(&["check", "T1"]);
    hand.rg(&["green", "T1"]).ends(0);
}
