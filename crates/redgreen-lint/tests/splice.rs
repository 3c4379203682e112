//! Test units of mixed files: tables, the laws of `splice`, and edits.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use proptest::prelude::*;
use redgreen_lint::splice::{
    EditKind, SpliceError, edited_units, out_of_line_test_modules, splice, strip_tests, test_units,
};
use std::collections::BTreeMap;

fn keys(text: &str) -> Vec<String> {
    test_units(text)
        .unwrap()
        .into_iter()
        .map(|unit| unit.key)
        .collect()
}

fn units(text: &str) -> BTreeMap<String, String> {
    test_units(text)
        .unwrap()
        .into_iter()
        .map(|unit| (unit.key, unit.text))
        .collect()
}

const MIXED: &str = "\
//! The crate.
#[cfg(test)]
use std::fmt;
use std::io;

pub fn add(a: i32, b: i32) -> i32 { a + b }

// About the helper.
/// Helps.
#[cfg(test)]
fn helper() -> i32 { 1 } // one line

pub mod inner {
    pub fn sub() {}

    #[test]
    fn in_place() { super::add(1, 2); }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn adds() { assert_eq!(add(1, 2), 3); }
}
";

#[test]
fn b4_test_units_are_governed_by_cfg_test_or_are_tests() {
    assert_eq!(
        keys(MIXED),
        ["use", "fn helper", "inner::fn in_place", "mod tests"]
    );
    let found = test_units(MIXED).unwrap();
    assert_eq!(
        found[1].text,
        "// About the helper.\n/// Helps.\n#[cfg(test)]\nfn helper() -> i32 { 1 } // one line"
    );
    assert_eq!(found[2].items, ["inner::in_place"]);
    assert_eq!(found[3].items, ["tests::adds"]);
    assert_eq!(found[1].line, 8);
    for (text, is_unit) in [
        ("#[cfg(all(test, unix))] mod t {}", true),
        ("#[cfg(all(unix, any(test)))] mod t {}", true),
        ("#[cfg(any(test, feature = \"x\"))] mod t {}", false),
        ("#[cfg(any(test, all(test, unix)))] mod t {}", true),
        ("#[cfg(not(test))] fn t() {}", false),
        ("#[cfg(any())] fn t() {}", false),
        ("#[cfg_attr(test, derive(Debug))] struct T;", false),
        ("#[cfg(test)] impl T { fn a() {} }", true),
        ("#[cfg(test)] static T: u8 = { 1 };", true),
        ("#[cfg(test)] macro_rules! t { () => {} }", true),
        ("#[cfg(test)] mod t;", true),
        ("mod t { #![cfg(test)] fn a() {} }", true),
        ("proptest! { #[test] fn a(b in 0..1) {} }", true),
        ("cfg_if! { fn a() {} #[test] fn b() {} }", false),
        ("impl T { #[cfg(test)] fn a() {} }", false),
        ("#![cfg(test)]\nfn a() {}", true),
    ] {
        assert_eq!(!keys(text).is_empty(), is_unit, "{text}");
    }
}

#[test]
fn b4_modules_in_files_of_their_own() {
    let found = out_of_line_test_modules(
        "#[cfg(test)]\nmod tests;\nmod a { #[cfg(test)] #[path = \"other/x.rs\"] mod b; mod c; }\n#[cfg(test)] mod d { mod e; }",
    )
    .unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|module| (module.module.as_str(), module.path.as_deref(), module.line))
        .collect();
    assert_eq!(
        found,
        [
            ("tests", None, 1),
            ("a::b", Some("other/x.rs"), 3),
            ("d::e", None, 4)
        ]
    );
}

#[test]
fn a6_splice_replaces_appends_and_removes() {
    let source = "pub fn add() -> i32 { 2 }\n\n#[cfg(test)]\nfn old() {}\n\n#[cfg(test)]\nmod tests { weak!(); }\n";
    let tests = "pub fn add() -> i32 { todo!() }\n\n#[cfg(test)]\nmod tests {\n    strong!();\n}\n\n#[cfg(test)]\nmod more {}\n";
    assert_eq!(
        splice(source, tests).unwrap(),
        "pub fn add() -> i32 { 2 }\n\n#[cfg(test)]\nmod tests {\n    strong!();\n}\n\n#[cfg(test)]\nmod more {}\n"
    );
    assert_eq!(
        splice(
            "mod a {\n    fn f() {}\n}\n",
            "mod a {\n    #[test]\n    fn t() {}\n}\n"
        )
        .unwrap(),
        "mod a {\n    fn f() {}\n\n    #[test]\n    fn t() {}\n}\n"
    );
    // A macro must stand before its use.
    assert_eq!(
        splice(
            "fn f() {}\n#[cfg(test)]\nmod t {}\n",
            "#[cfg(test)]\nmacro_rules! m { () => {} }\n#[cfg(test)]\nmod t {}\n"
        )
        .unwrap(),
        "fn f() {}\n#[cfg(test)]\nmacro_rules! m { () => {} }\n\n#[cfg(test)]\nmod t {}\n"
    );
    assert_eq!(
        splice("fn f() {}\r\n", "#[test]\nfn t() {}").unwrap(),
        "fn f() {}\r\n\r\n#[test]\nfn t() {}\r\n"
    );
    assert_eq!(
        splice("fn f() {}\n\n#[test]\nfn t() {}\n", "").unwrap(),
        "fn f() {}\n"
    );
}

#[test]
fn a6_splice_refuses_what_it_cannot_place() {
    assert_eq!(
        splice("fn f() {", "").unwrap_err(),
        SpliceError::Unbalanced { which: "source" }
    );
    assert_eq!(
        splice("fn f() {}", "mod a { #[test] fn t() {} }").unwrap_err(),
        SpliceError::NoHome {
            key: "a::fn t".to_owned(),
            module: "a".to_owned()
        }
    );
}

#[test]
fn b5_formatting_and_comments_are_no_edit_but_tokens_are() {
    let locked = "#[cfg(test)]\nmod tests {\n    use super::*;\n    use std::fmt;\n    fn helper() -> i32 { 1 }\n    #[test]\n    fn adds() { assert_eq!(add(1, 2), 3); }\n}\n";
    let edits = |candidate: &str| -> Vec<String> {
        edited_units(locked, candidate)
            .unwrap()
            .edits
            .iter()
            .map(|edit| format!("{:?} {} {}", edit.kind, edit.key, edit.line))
            .collect()
    };
    let none: Vec<String> = Vec::new();
    assert_eq!(edits(locked), none);
    assert_eq!(
        edits(&locked.replace("add(1, 2)", "add(\n  1, 2, // two\n )")),
        none
    );
    assert_eq!(
        edits(&locked.replace("\n    ", "\n\t\t").replace('\n', "\r\n")),
        none
    );
    assert_eq!(edits(&format!("fn add() {{}}\n{locked}")), none);
    assert_eq!(
        edits(&locked.replace(", 3)", ", 4)")),
        ["Modified tests::fn adds 6"]
    );
    assert_eq!(
        edits(&locked.replace("{ 1 }", "{ 2 }")),
        ["Modified tests::fn helper 5"]
    );
    assert_eq!(
        edits(&locked.replace("    use std::fmt;\n", "")),
        ["Deleted tests::use 4"]
    );
    assert_eq!(
        edits(&locked.replace("use super::*;", "use super::*; use evil::assert_eq;")),
        ["Added tests::use 3"]
    );
    assert_eq!(
        edits(&locked.replace("#[test]", "#[test] #[ignore]")),
        ["Modified tests::fn adds 6"]
    );
    assert_eq!(
        edits(&locked.replace("use super::*;", "#![allow(x)] use super::*;")),
        ["Added tests::attribute 3"]
    );
    assert_eq!(
        edits(&locked.replace("#[cfg(test)]", "#[cfg(all(test, any()))]")),
        ["Modified mod tests 1"]
    );
    // A module brings helpers and imports along: it is more than a test.
    assert_eq!(
        edits(&locked.replace("use super::*;", "use super::*; mod m { #[test] fn x() {} }")),
        ["Added tests::mod m 3"]
    );
    assert_eq!(edits(""), ["Deleted mod tests 1"]);
    assert_eq!(
        edits(&locked.replace("1, 2)", "1, (2,))")),
        ["Modified tests::fn adds 6"]
    );
}

#[test]
fn b5_a_candidate_may_add_tests_and_they_are_listed() {
    let locked = "#[cfg(test)]\nmod tests {\n    #[test]\n    fn a() { f(); }\n}\n";
    let candidate = "#[cfg(test)]\nmod tests {\n    #[test]\n    fn a() { f(); }\n    #[test]\n    fn b() { g(); }\n}\n#[cfg(test)]\nmod more { use x; #[test] fn c() {} }\n#[cfg(test)]\nfn helper() {}\n";
    let edited = edited_units(locked, candidate).unwrap();
    let mut added = edited.added_tests.clone();
    added.sort();
    assert_eq!(added, ["more::c", "tests::b"]);
    assert_eq!(edited.edits.len(), 1);
    assert_eq!(
        (edited.edits[0].key.as_str(), edited.edits[0].kind),
        ("fn helper", EditKind::Added)
    );
}

/// Whole pieces of a file, each on lines of its own.
fn piece() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "c"]);
    let number = 0..4u8;
    (0..14usize, name, number).prop_map(|(kind, name, n)| match kind {
        0 => format!("pub fn {name}() -> u8 {{\n    {n}\n}}"),
        1 => format!("// note {n}"),
        2 => format!("/// doc {n}\npub struct S{name};"),
        3 => format!("use std::{name}{n};"),
        4 => format!("#[cfg(test)]\nuse std::{name}{n};"),
        5 => format!("#[test]\nfn t_{name}() {{\n    assert_eq!({n}, 1);\n}}"),
        6 => format!("// about\n/// doc\n#[cfg(test)]\nmod m_{name} {{\n    // x\n    fn f() {{ {n} }}\n}} // end"),
        7 => format!("#[cfg(test)]\nmacro_rules! {name} {{ () => {{ {n} }} }}"),
        8 => format!("proptest! {{\n    #[test]\n    fn p_{name}(x in 0..{n}) {{ }}\n}}"),
        9 => format!("const T{name}: &str = \"#[test] fn x() {{ }}\n\n// no {n}\";"),
        10 => format!("/* block {n}\n */"),
        11 => format!("#[cfg(test)]\nimpl S{name} {{ fn x() {{ {n} }} }}"),
        12 => format!("#[cfg(any(test, feature = \"x\"))]\nfn s_{name}() {{ {n} }}"),
        _ => format!("//! inner {n}"),
    })
}

/// The modules are the same in all files, so that units find their home.
fn file() -> impl Strategy<Value = String> {
    let pieces = || prop::collection::vec((piece(), 1..4usize), 0..6);
    (
        pieces(),
        pieces(),
        pieces(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(top, middle, end, crlf, bom, open_end)| {
            let write = |pieces: &[(String, usize)], indent: &str| -> String {
                pieces
                    .iter()
                    .map(|(piece, lines)| format!("{indent}{piece}{}", "\n".repeat(*lines)))
                    .collect()
            };
            let mut text = format!(
                "{}mod outer {{\n{}    mod inner {{ {}\n    }}\n}}\n{}",
                write(&top, ""),
                write(&middle, "    "),
                write(&end, "        "),
                write(&end, ""),
            );
            if open_end {
                text.truncate(text.trim_end().len());
            }
            if crlf {
                text = text.replace('\n', "\r\n");
            }
            if bom { format!("\u{feff}{text}") } else { text }
        })
}

/// Bits of Rust in any order.
fn soup() -> impl Strategy<Value = String> {
    let bits = prop::sample::select(vec![
        "#[cfg(test)]",
        "#[test]",
        "#![cfg(test)]",
        "fn a() {}",
        "fn b(){}",
        "mod m {",
        "}",
        "{",
        "(",
        ")",
        "mod m;",
        "use x;",
        "// c",
        "/// d",
        "/* e */",
        "\n",
        "\n\n",
        " ",
        "\r\n",
        ";",
        "const X: u8 = 1;",
        "\"",
        "'",
        "r#\"",
        "proptest! { #[test] fn p() {} }",
        "impl A {}",
        "é",
        "macro_rules! m { () => {} }",
        "#",
        "[",
        "]",
        "!",
        "//!",
    ]);
    prop::collection::vec(bits, 0..24).prop_map(|bits| bits.concat())
}

fn laws(base: &str, donor: &str) -> Result<bool, TestCaseError> {
    let Ok(result) = splice(base, donor) else {
        return Ok(false);
    };
    prop_assert_eq!(strip_tests(&result).unwrap(), strip_tests(base).unwrap());
    prop_assert_eq!(units(&result), units(donor));
    prop_assert_eq!(splice(&result, donor).unwrap(), result.clone());
    prop_assert_eq!(splice(&result, &result).unwrap(), result);
    Ok(true)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a6_laws_hold_and_well_formed_files_always_splice(base in file(), donor in file()) {
        prop_assert_eq!(splice(&base, &base).unwrap(), base.clone());
        prop_assert!(laws(&base, &donor)?, "refused: {:?}", splice(&base, &donor));
        prop_assert!(edited_units(&base, &base).unwrap().edits.is_empty());
    }

    #[test]
    fn a6_laws_hold_for_anything_that_splices(base in soup(), donor in soup()) {
        if let Ok(result) = splice(&base, &base) {
            prop_assert_eq!(result, base.clone());
        }
        laws(&base, &donor)?;
        let spliced = splice(&base, &donor);
        if let Ok(result) = spliced {
            // What was put in is what is found there.
            prop_assert!(edited_units(&donor, &result).unwrap().edits.is_empty());
        }
        edited_units(&base, &donor).unwrap();
        out_of_line_test_modules(&base).unwrap();
    }
}
