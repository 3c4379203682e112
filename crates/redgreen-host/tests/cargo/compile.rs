//! Targets that do not compile (SPEC B3; reference/test-results.md 3.3).

use crate::sample::{Sample, load_causes, outcomes, problems};
use redgreen_core::outcome::{Cause, Outcome};

const LIBRARY: &str = r#"pub mod cart { #[derive(Default)] pub struct Cart { pub items: Vec<i32> } impl Cart { pub fn total(&self) -> i32 { self.items.iter().sum() } } }
pub mod models { pub struct Invoice; }
pub trait Price { fn price(&self) -> i32; }
pub fn add(a: i32, b: i32) -> i32 { a + b }
mod hidden { pub fn secret() {} }
"#;

/// One integration target for each line of the table, in one build.
const TARGETS: &[(&str, &str, &[Cause])] = &[
    (
        "e0432_ok",
        "use shop::subtract;\n#[test] fn t() { assert_eq!(subtract(2, 1), 1) }",
        &[Cause::MissingSymbol],
    ),
    (
        "e0432_alias",
        "use shop as it;\nuse it::Missing;\n#[test] fn t() { let _ = Missing; }",
        &[Cause::MissingSymbol],
    ),
    (
        "e0432_crate_alias",
        "use shop as it;\nmod inner { use crate::it::Missing; #[test] fn t() { let _ = Missing; } }",
        &[Cause::MissingSymbol],
    ),
    (
        "e0432_std",
        "use std::collections::HashMapp;\n#[test] fn t() { let _: HashMapp<i32, i32>; }",
        &[Cause::WrongForeignSymbol],
    ),
    (
        "e0432_elsewhere",
        "use shop::cart::Invoice;\n#[test] fn t() { let _ = Invoice; }",
        &[Cause::SimilarName],
    ),
    (
        "e0432_crate",
        "use requestz::get;\n#[test] fn t() { get(); }",
        &[Cause::MissingDependency],
    ),
    (
        "e0432_typo_crate",
        "use shopp::add;\n#[test] fn t() { add(1, 2); }",
        &[Cause::SimilarName],
    ),
    (
        "e0433_ok",
        "#[test] fn t() { shop::pricing::rate(); }",
        &[Cause::MissingSymbol],
    ),
    (
        "e0433_crate",
        "#[test] fn t() { proptest::run(); }",
        &[Cause::MissingDependency],
    ),
    (
        "e0425_ok",
        "#[test] fn t() { assert_eq!(shop::subtract(2, 1), 1) }",
        &[Cause::MissingSymbol],
    ),
    (
        "own_helper",
        "mod common { pub fn one() {} }\n#[test] fn t() { common::missing(); }",
        &[Cause::UndefinedName],
    ),
    (
        "e0425_module",
        "use shop::cart;\n#[test] fn t() { cart::empty(); }",
        &[Cause::MissingSymbol],
    ),
    (
        "e0425_value",
        "#[test] fn t() { let total = 1; assert_eq!(totl, 1); }",
        &[Cause::UndefinedName],
    ),
    (
        "e0425_glob",
        "use shop::*;\n#[test] fn t() { assert_eq!(subtract(2, 1), 1) }",
        &[Cause::MissingSymbol],
    ),
    (
        "e0425_similar",
        "#[test] fn t() { shop::addd(1, 2); }",
        &[Cause::SimilarName],
    ),
    (
        "e0599_ok",
        "#[test] fn t() { shop::cart::Cart::default().discount(); }",
        &[Cause::MissingSymbol],
    ),
    (
        "e0599_similar",
        "#[test] fn t() { shop::cart::Cart::default().totall(); }",
        &[Cause::SimilarName],
    ),
    (
        "e0599_local",
        "struct Mine;\n#[test] fn t() { Mine.run(); }",
        &[Cause::Unknown],
    ),
    (
        "e0609_ok",
        "#[test] fn t() { let _ = shop::cart::Cart::default().owner; }",
        &[Cause::MissingSymbol],
    ),
    (
        "e0609_std",
        "#[test] fn t() { let _ = String::new().owner; }",
        &[Cause::WrongForeignSymbol],
    ),
    (
        "e0407_ok",
        "struct P;\nimpl shop::Price for P { fn price(&self) -> i32 { 1 } fn tax(&self) -> i32 { 1 } }\n#[test] fn t() {}",
        &[Cause::MissingSymbol],
    ),
    (
        "e0061_ok",
        "#[test] fn t() { shop::add(1, 2, 3); }",
        &[Cause::Signature],
    ),
    (
        "e0061_own",
        "fn own() {}\n#[test] fn t() { own(1); }",
        &[Cause::DoesNotCompile],
    ),
    (
        "e0308",
        "#[test] fn t() { let _: i32 = \"a\"; }",
        &[Cause::TypeMismatch],
    ),
    (
        "e0277_ok",
        "fn needs(_: impl shop::Price) {}\n#[test] fn t() { needs(shop::cart::Cart::default()); }",
        &[Cause::MissingSymbol],
    ),
    (
        "e0277_own",
        "fn needs(_: impl Copy) {}\n#[test] fn t() { needs(String::new()); }",
        &[Cause::DoesNotCompile],
    ),
    (
        "e0603",
        "#[test] fn t() { shop::hidden::secret(); }",
        &[Cause::Unknown],
    ),
    (
        "e0382",
        "#[test] fn t() { let a = String::new(); drop(a); drop(a); }",
        &[Cause::DoesNotCompile],
    ),
    (
        "e0583",
        "mod helpers;\n#[test] fn t() {}",
        &[Cause::DoesNotCompile],
    ),
    (
        "syntax",
        "#[test] fn t() { let a = (1; }",
        &[Cause::SyntaxError],
    ),
    (
        "macro_typo",
        "#[test] fn t() { assert_eqq!(1, 1); }",
        &[Cause::UndefinedName],
    ),
    (
        "no_file",
        "#[test] fn t() { let _ = include_str!(\"nope.txt\"); }",
        &[Cause::DoesNotCompile],
    ),
    (
        "followers",
        "use shop::Missing;\n#[test] fn t() { let v = Vec::new(); let _ = Missing; }",
        &[Cause::MissingSymbol],
    ),
    (
        "mixed",
        "use shop::Missing;\nuse std::fmt::Displayy;\n#[test] fn t() {}",
        &[Cause::MissingSymbol, Cause::WrongForeignSymbol],
    ),
];

#[test]
fn b3_every_row_of_the_table_has_its_cause_and_other_targets_still_run() {
    let mut sample = Sample::new()
        .file("src/lib.rs", LIBRARY)
        .file(
            "tests/good.rs",
            "#[test] fn t() { assert_eq!(shop::add(1, 2), 3) }\n",
        )
        .item("tests/good.rs::t");
    for (name, text, _) in TARGETS {
        let path = format!("tests/{name}.rs");
        sample = sample.file(&path, text).item(&format!("{path}::t"));
    }
    let report = sample.run_all();
    assert_eq!(problems(&report), []);
    assert_eq!(
        outcomes(&report),
        [("tests/good.rs::t".to_owned(), Outcome::Passed)]
    );
    let mut wrong = Vec::new();
    for (name, _, expected) in TARGETS {
        let found = load_causes(&report, &format!("tests/{name}.rs"));
        if found != *expected {
            let why: Vec<_> = report
                .load_failures
                .iter()
                .filter(|failure| {
                    failure
                        .files
                        .iter()
                        .any(|file| file.as_str().contains(&format!("/{name}.")))
                })
                .flat_map(|failure| &failure.causes)
                .map(|located| format!("{}\n{}", located.cause.detail, located.message))
                .collect();
            wrong.push(format!(
                "{name}: {found:?}, expected {expected:?}\n{}",
                why.join("\n")
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert_eq!(report.load_failures.len(), TARGETS.len());
}

#[test]
fn b3_a_missing_function_of_a_unit_test_blocks_only_the_library_tests() {
    let sample = Sample::new()
        .file(
            "src/lib.rs",
            "pub mod cart;\npub fn add(a: i32, b: i32) -> i32 { a + b }\n#[cfg(test)]\nmod tests { use super::*; #[test] fn adds() { assert_eq!(add(1, 2), 3); }\n #[test] fn subtracts() { assert_eq!(subtract(2, 1), 1); } }\n",
        )
        .file("src/cart.rs", "#[cfg(test)] mod tests { #[test] fn empty() {} }\n")
        .file("tests/a.rs", "#[test] fn t() { assert_eq!(shop::add(1, 2), 3) }\n")
        .item("src/lib.rs::tests::adds")
        .item("src/lib.rs::tests::subtracts")
        .item("src/cart.rs::tests::empty")
        .item("tests/a.rs::t");
    let report = sample.run_files(&["src/lib.rs", "src/cart.rs", "tests/a.rs"]);
    assert_eq!(problems(&report), []);
    assert_eq!(
        outcomes(&report),
        [("tests/a.rs::t".to_owned(), Outcome::Passed)]
    );
    assert_eq!(
        load_causes(&report, "src/lib.rs"),
        [Cause::MissingSymbol],
        "{report:#?}"
    );
    assert_eq!(load_causes(&report, "src/cart.rs"), [Cause::MissingSymbol]);
    let located = &report.load_failures[0].causes[0];
    assert_eq!(located.line, Some(5));
    assert_eq!(located.cause.symbol.as_deref(), Some("subtract"));
}

#[test]
fn b3_a_library_that_does_not_compile_is_a_broken_base() {
    let sample = Sample::new()
        .file(
            "src/lib.rs",
            "pub fn add(a: i32, b: i32) -> i32 { a + c }\n",
        )
        .file(
            "tests/a.rs",
            "#[test] fn t() { assert_eq!(shop::add(1, 2), 3) }\n",
        )
        .item("tests/a.rs::t");
    let report = sample.run_all();
    assert_eq!(
        load_causes(&report, "tests/a.rs"),
        [Cause::BrokenBase],
        "{report:#?}"
    );
    assert!(!report.ended_well());
}

#[test]
fn b3_a_failing_build_script_is_a_broken_base() {
    let sample = Sample::new()
        .file("build.rs", "fn main() { panic!(\"no compiler\"); }\n")
        .file("src/lib.rs", "")
        .file("tests/a.rs", "#[test] fn t() {}\n")
        .item("tests/a.rs::t");
    let report = sample.run_all();
    assert_eq!(
        load_causes(&report, "tests/a.rs"),
        [Cause::BrokenBase],
        "{report:#?}"
    );
}

#[test]
fn b3_a_test_file_without_readable_items_is_named_all_the_same() {
    let report = Sample::new()
        .file("src/lib.rs", "")
        .file("tests/a.rs", "#[test] fn t( { }\n")
        .run_files(&["tests/a.rs"]);
    assert_eq!(
        load_causes(&report, "tests/a.rs"),
        [Cause::SyntaxError],
        "{report:#?}"
    );
}

#[test]
fn b3_names_of_unit_tests_are_judged_through_their_imports() {
    for (body, expected) in [
        (
            "use super::*; #[test] fn t() { tools::one(); tools::missing(); }",
            Cause::MissingSymbol,
        ),
        (
            "use super::tools; #[test] fn t() { tools::missing(); }",
            Cause::MissingSymbol,
        ),
        (
            "use super::*; #[test] fn t() { std::mem::missing(); add(1, 2); }",
            Cause::WrongForeignSymbol,
        ),
        (
            "use super::*; #[test] fn t() { assert_eq!(Basket::new().len(), 0); }",
            Cause::MissingSymbol,
        ),
        (
            "use super::*; #[test] fn t() { assert_eq!(pricing::rate(), 0); }",
            Cause::MissingSymbol,
        ),
        (
            "use super::*; #[test] fn t() { assert_eq!(LIMIT, 0); }",
            Cause::MissingSymbol,
        ),
        (
            "use super::*; #[test] fn t() { let _: Basket; }",
            Cause::MissingSymbol,
        ),
        (
            "use crate::pricing::rate; #[test] fn t() { rate(); }",
            Cause::MissingSymbol,
        ),
        (
            "#[test] fn t() { assert_eq!(super::subtract(2, 1), 1); }",
            Cause::MissingSymbol,
        ),
        (
            "#[test] fn t() { assert_eq!(subtract(2, 1), 1); }",
            Cause::UndefinedName,
        ),
        (
            "#[test] fn t() { assert_eq!(add(2, 1), 1); }",
            Cause::UndefinedName,
        ),
        (
            "use proptest::prelude::*; #[test] fn t() {}",
            Cause::MissingDependency,
        ),
        (
            "use super::*; #[test] fn t() { assert_eq!(Cart, Cart); }",
            Cause::MissingSymbol,
        ),
    ] {
        let report = Sample::new()
            .file(
                "src/lib.rs",
                &format!("pub struct Cart;\nmod tools {{ pub fn one() {{}} }}\npub fn add(a: i32, b: i32) -> i32 {{ a + b }}\n#[cfg(test)]\nmod tests {{\n{body}\n}}\n"),
            )
            .item("src/lib.rs::tests::t")
            .run_items(&["src/lib.rs::tests::t"]);
        let mut found = load_causes(&report, "src/lib.rs");
        found.dedup();
        assert_eq!(found, [expected], "{body}\n{report:#?}");
    }
}
