//! Shapes of projects: workspaces, generated code, macros, harness-less targets, doctests, shared modules (SPEC C2, G4).

use crate::sample::{Sample, case, cause, outcomes, problems};
use redgreen_core::outcome::{Cause, Outcome};

/// A workspace in which a member's tests need everything that cargo sets for a test process.
fn workspace() -> Sample {
    Sample::with_manifest("[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\n")
        .file(
            "crates/derive-shop/Cargo.toml",
            "[package]\nname = \"derive-shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\nproc-macro = true\n",
        )
        .file(
            "crates/derive-shop/src/lib.rs",
            "use proc_macro::TokenStream;\n#[proc_macro]\npub fn seven(_: TokenStream) -> TokenStream { \"7\".parse().unwrap() }\n#[cfg(test)] mod tests { #[test] fn in_a_macro_crate() {} }\n",
        )
        .file(
            "crates/helper/Cargo.toml",
            "[package]\nname = \"helper\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
        )
        .file("crates/helper/src/lib.rs", "pub fn three() -> i32 { 3 }\n")
        .file(
            "crates/app/Cargo.toml",
            "[package]\nname = \"app\"\nversion = \"1.2.3\"\nedition = \"2021\"\n[features]\nextra = []\n[dependencies]\nderive-shop = { path = \"../derive-shop\" }\n[dev-dependencies]\nhelper = { path = \"../helper\" }\n[[test]]\nname = \"whole\"\nharness = false\n",
        )
        .file(
            "crates/app/build.rs",
            "fn main() { let out = std::env::var(\"OUT_DIR\").unwrap(); std::fs::write(format!(\"{out}/made.rs\"), \"pub const MADE: i32 = 5;\").unwrap(); println!(\"cargo::rustc-env=MADE_BY=build\"); }\n",
        )
        .file(
            "crates/app/src/lib.rs",
            "include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\"));\npub fn seven() -> i32 { derive_shop::seven!() }\n#[cfg(feature = \"extra\")] pub fn extra() {}\n#[cfg(test)] mod tests { #[test] #[cfg(feature = \"extra\")] fn with_a_feature() { super::extra() } #[test] fn generated() { assert_eq!(super::MADE + super::seven(), 12) } }\n",
        )
        .file(".cargo/config.toml", "[env]\nSHOP_MODE = \"test\"\nSHOP_DATA = { value = \"crates/app/data\", relative = true }\n")
        .file("crates/app/src/main.rs", "fn main() { println!(\"hello\") }\n")
        .file("crates/app/data/three.txt", "3")
        .file(
            "crates/app/tests/it.rs",
            r#"#[test] fn everything_is_set() {
    assert_eq!(helper::three().to_string(), std::fs::read_to_string("data/three.txt").unwrap());
    assert_eq!(std::env::var("CARGO_PKG_VERSION").unwrap(), "1.2.3");
    assert_eq!(std::env::var("CARGO_MANIFEST_DIR").unwrap(), env!("CARGO_MANIFEST_DIR"));
    assert_eq!(std::env::var("MADE_BY").unwrap(), "build");
    assert!(std::path::Path::new(&std::env::var("OUT_DIR").unwrap()).is_dir());
    assert!(std::path::Path::new(&std::env::var("CARGO").unwrap()).is_file());
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_app")).output().unwrap();
    assert_eq!(String::from_utf8(out.stdout).unwrap(), "hello\n");
    assert_eq!(std::env::var("SHOP_MODE").unwrap(), "test");
    assert!(std::path::Path::new(&std::env::var("SHOP_DATA").unwrap()).join("three.txt").is_file());
    assert!(std::env::var("HOME").unwrap().contains("scratch"));
}
"#,
        )
        .file("crates/app/tests/whole.rs", "fn main() { assert_eq!(app::seven(), 7); }\n")
        .item("crates/app/src/lib.rs::tests::generated")
        .item("crates/app/src/lib.rs::tests::with_a_feature")
        .item("crates/app/tests/it.rs::everything_is_set")
        .item("crates/derive-shop/src/lib.rs::tests::in_a_macro_crate")
}

#[test]
fn c2_a_workspace_with_generated_code_and_macros_runs_like_under_cargo() {
    let report = workspace().run_all();
    assert_eq!(problems(&report), [], "{report:#?}");
    assert_eq!(
        outcomes(&report),
        [
            "crates/app/src/lib.rs::tests::generated",
            "crates/app/tests/it.rs::everything_is_set",
            "crates/app/tests/whole.rs::whole",
            "crates/derive-shop/src/lib.rs::tests::in_a_macro_crate",
        ]
        .map(|id| (id.to_owned(), Outcome::Passed)),
        "{report:#?}"
    );
    assert!(report.ended_well());
}

#[test]
fn g4_a_runner_in_one_package_tests_that_package() {
    let report = workspace().root("crates/app").run_all();
    assert_eq!(problems(&report), [], "{report:#?}");
    assert_eq!(
        outcomes(&report),
        [
            "crates/app/src/lib.rs::tests::generated",
            "crates/app/tests/it.rs::everything_is_set",
            "crates/app/tests/whole.rs::whole",
        ]
        .map(|id| (id.to_owned(), Outcome::Passed))
    );
}

#[test]
fn g4_configured_features_reach_every_build() {
    let sample = workspace().arguments(&["--features", "app/extra"]);
    let report = sample.run_items(&["crates/app/src/lib.rs::tests::with_a_feature"]);
    assert_eq!(
        outcomes(&report),
        [(
            "crates/app/src/lib.rs::tests::with_a_feature".to_owned(),
            Outcome::Passed
        )],
        "{report:#?}"
    );
}

#[test]
fn g4_a_harness_less_target_is_one_case_and_its_exit_code_decides() {
    let sample = workspace().file(
        "crates/app/tests/whole.rs",
        "fn main() { assert_eq!(app::seven(), 8); }\n",
    );
    let report = sample.run_files(&["crates/app/tests/whole.rs"]);
    let found = case(&report, "crates/app/tests/whole.rs::whole");
    assert_eq!(found.outcome, Outcome::Failed, "{report:#?}");
    assert_eq!(report.cases.len(), 1);
}

#[test]
fn g4_doctests_have_item_paths_and_ordinals_not_lines() {
    let sample = Sample::new()
        .file(
            "src/lib.rs",
            r#"//! ```
//! assert_eq!(shop::cart::add(1, 1), 2);
//! ```
pub mod cart;
"#,
        )
        .file(
            "src/cart.rs",
            r#"/// Adds.
///
/// ```
/// assert_eq!(shop::cart::add(1, 2), 3);
/// ```
///
/// ```
/// assert_eq!(shop::cart::add(1, 2), 4);
/// ```
///
/// ```should_panic
/// shop::cart::stub();
/// ```
///
/// ```
/// assert_eq!(shop::cart::missing(1, 2), 4);
/// ```
///
/// ```ignore
/// nothing
/// ```
pub fn add(a: i32, b: i32) -> i32 { a + b }
/// ```
/// shop::cart::stub();
/// ```
pub fn stub() { todo!() }
"#,
        );
    let report = sample.run_all();
    assert_eq!(problems(&report), [], "{report:#?}");
    for (id, outcome, expected) in [
        ("src/lib.rs::crate #1", Outcome::Passed, None),
        ("src/cart.rs::cart::add #1", Outcome::Passed, None),
        (
            "src/cart.rs::cart::add #2",
            Outcome::Failed,
            Some(Cause::Assertion),
        ),
        ("src/cart.rs::cart::add #3", Outcome::Passed, None),
        (
            "src/cart.rs::cart::add #4",
            Outcome::Failed,
            Some(Cause::MissingSymbol),
        ),
        ("src/cart.rs::cart::add #5", Outcome::Skipped, None),
        (
            "src/cart.rs::cart::stub #1",
            Outcome::Failed,
            Some(Cause::NotImplemented),
        ),
    ] {
        let found = case(&report, id);
        assert_eq!(
            (found.outcome, cause(found)),
            (outcome, expected),
            "{found:#?}"
        );
    }
    assert_eq!(report.cases.len(), 7);
    // One doctest by name, without the others.
    let one = sample.run_items(&["src/cart.rs::cart::stub"]);
    assert_eq!(
        outcomes(&one),
        [("src/cart.rs::cart::stub #1".to_owned(), Outcome::Failed)],
        "{one:#?}"
    );
}

#[test]
fn g4_doctests_of_two_members_are_told_apart() {
    let member = |name: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n")
    };
    let text = |value: i32| {
        format!(
            "/// ```\n/// assert_eq!({value}, 1);\n/// ```\npub fn f() {{}}\n/// ```\n/// ```\npub fn g() {{}}\n"
        )
    };
    let report = Sample::with_manifest("[workspace]\nresolver = \"3\"\nmembers = [\"a\", \"b\"]\n")
        .file("a/Cargo.toml", &member("a"))
        .file("a/src/lib.rs", &text(1))
        .file("b/Cargo.toml", &member("b"))
        .file("b/src/lib.rs", &text(2))
        .run_all();
    assert_eq!(problems(&report), [], "{report:#?}");
    assert_eq!(
        outcomes(&report),
        [
            ("a/src/lib.rs::f #1", Outcome::Passed),
            ("a/src/lib.rs::g #1", Outcome::Passed),
            ("b/src/lib.rs::f #1", Outcome::Failed),
            ("b/src/lib.rs::g #1", Outcome::Passed),
        ]
        .map(|(id, outcome)| (id.to_owned(), outcome))
    );
}

#[test]
fn g4_macro_made_cases_belong_to_their_item() {
    let sample = Sample::new()
        .file(
            "tests/a.rs",
            "macro_rules! cases { ($name:ident: $($case:ident = $value:expr),*) => { mod $name { $(#[test] fn $case() { assert!($value > 0) })* } } }\ncases!(adds: case_1 = 1, case_2 = -2);\nmacro_rules! made { ($name:ident) => { #[test] fn $name() {} } }\nmade!(unknown);\n",
        )
        .file("src/lib.rs", "")
        .item("tests/a.rs::adds");
    let report = sample.run_all();
    assert_eq!(
        outcomes(&report),
        [
            ("tests/a.rs::adds::case_1".to_owned(), Outcome::Passed),
            ("tests/a.rs::adds::case_2".to_owned(), Outcome::Failed),
            ("tests/a.rs::unknown".to_owned(), Outcome::Passed),
        ]
    );
    assert_eq!(report.cases[0].id.item.item, "adds");
    assert_eq!(report.cases[0].id.case, "::case_1");
    assert_eq!(sample.run_items(&["tests/a.rs::adds"]).cases.len(), 2);
}

#[test]
fn g4_a_file_in_two_targets_has_one_case_for_each() {
    let sample = Sample::new()
        .file("src/lib.rs", "mod shared;\n")
        .file("src/main.rs", "mod shared;\nfn main() {}\n")
        .file(
            "src/shared.rs",
            "#[cfg(test)] mod tests { #[test] fn same() {} }\n",
        )
        .file(
            "tests/a.rs",
            "#[path = \"odd/place.rs\"] mod odd;\nmod common;\n",
        )
        .file("tests/odd/place.rs", "#[test] fn found() {}\n")
        .file("tests/common/mod.rs", "#[test] fn helper_works() {}\n")
        .item("src/shared.rs::tests::same")
        .item("tests/odd/place.rs::found")
        .item("tests/common/mod.rs::helper_works");
    let report = sample.run_all();
    assert_eq!(
        outcomes(&report),
        [
            "src/shared.rs::tests::same",
            "src/shared.rs::tests::same @bin:shop",
            "tests/common/mod.rs::helper_works",
            "tests/odd/place.rs::found",
        ]
        .map(|id| (id.to_owned(), Outcome::Passed))
    );
    assert_eq!(sample.run_files(&["tests/odd/place.rs"]).cases.len(), 1);
}
