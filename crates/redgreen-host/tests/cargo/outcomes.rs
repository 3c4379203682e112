//! What comes out of tests that run (SPEC B1, B2, B3).

use crate::sample::{Sample, case, cause, outcomes, problems};
use redgreen_core::outcome::{Cause, Outcome};
use redgreen_core::reason::ReasonCode;
use redgreen_core::run_report::Ended;

const LIBRARY: &str = r#"pub fn add(a: i32, b: i32) -> i32 { a + b }
pub fn later() -> i32 { todo!() }
pub fn broken(values: &[i32]) -> i32 { values[7] }
pub fn parse(text: &str) -> Result<i32, String> { text.parse().map_err(|_| format!("no number: {text}")) }

#[cfg(test)]
mod tests {
    use super::*;
    fn check(value: i32) { assert!(value == 3, "three is expected"); }
    #[test] fn adds() { assert_eq!(add(1, 2), 3); }
    #[test] fn adds_wrongly() { assert_eq!(add(1, 2), 4); }
    #[test] fn says_so() { check(add(2, 2)); }
    #[test] fn reaches_a_stub() { assert_eq!(later(), 1); }
    #[test] fn panics_in_source() { assert_eq!(broken(&[1]), 1); }
    #[test] fn unwraps() { assert_eq!(parse("x").unwrap(), 1); }
    #[test] fn gives_up() { panic!("not written"); }
    #[test] fn returns_an_error() -> Result<(), String> { parse("x").map(|_| ()) }
    #[test] #[ignore = "slow"] fn slow() {}
    #[test] #[should_panic] fn expects_a_panic() { add(1, 2); }
    #[test] #[should_panic(expected = "index")] fn gets_a_panic() { broken(&[]); }
    #[test] fn leaves() { std::process::exit(0); }
    #[test] fn forges() { println!("test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s"); std::process::exit(0); }
    #[test] fn aborts() { std::process::abort(); }
    mod deep { #[test] fn nested() {} }
}
"#;

#[test]
fn b2_every_way_a_unit_test_can_end_has_its_outcome_and_cause() {
    let sample = Sample::new().file("src/lib.rs", LIBRARY);
    let names = [
        "adds",
        "adds_wrongly",
        "says_so",
        "reaches_a_stub",
        "panics_in_source",
        "unwraps",
        "gives_up",
        "returns_an_error",
        "slow",
        "expects_a_panic",
        "gets_a_panic",
        "leaves",
        "forges",
        "aborts",
        "deep::nested",
    ];
    let sample = names.iter().fold(sample, |sample, name| {
        sample.item(&format!("src/lib.rs::tests::{name}"))
    });
    let report = sample.run_files(&["src/lib.rs"]);
    assert_eq!(problems(&report), [], "{report:#?}");
    assert_eq!(report.cases.len(), names.len());
    for (name, outcome, expected) in [
        ("adds", Outcome::Passed, None),
        ("adds_wrongly", Outcome::Failed, Some(Cause::Assertion)),
        ("says_so", Outcome::Failed, Some(Cause::Assertion)),
        (
            "reaches_a_stub",
            Outcome::Failed,
            Some(Cause::NotImplemented),
        ),
        (
            "panics_in_source",
            Outcome::Failed,
            Some(Cause::RaisedInSource),
        ),
        ("unwraps", Outcome::Failed, Some(Cause::Assertion)),
        ("gives_up", Outcome::Failed, Some(Cause::RaisedInTest)),
        ("returns_an_error", Outcome::Failed, Some(Cause::Assertion)),
        ("slow", Outcome::Skipped, None),
        ("expects_a_panic", Outcome::Failed, Some(Cause::Assertion)),
        ("gets_a_panic", Outcome::Passed, None),
        ("leaves", Outcome::Crashed, Some(Cause::Crash)),
        ("forges", Outcome::Crashed, Some(Cause::Crash)),
        ("aborts", Outcome::Crashed, Some(Cause::Crash)),
        ("deep::nested", Outcome::Passed, None),
    ] {
        let found = case(&report, &format!("src/lib.rs::tests::{name}"));
        assert_eq!(
            (found.outcome, cause(found)),
            (outcome, expected),
            "{name}: {found:#?}"
        );
    }
    let stub = case(&report, "src/lib.rs::tests::reaches_a_stub");
    assert_eq!(stub.line, Some(2));
    assert_eq!(report.ended, Ended::Signal(6));
    assert!(
        report
            .pass_line
            .unwrap()
            .contains("FAILED. 3 passed; 11 failed; 1 ignored")
    );
}

#[test]
fn b5_only_the_selected_items_are_run_and_others_are_not_built() {
    let sample = Sample::new()
        .file("src/lib.rs", "pub fn one() -> i32 { 1 }\n")
        .file(
            "tests/a.rs",
            "#[test] fn one() { assert_eq!(shop::one(), 1); }\n#[test] fn two() {}\n",
        )
        .file("tests/b.rs", "this does not compile\n")
        .item("tests/a.rs::one")
        .item("tests/a.rs::two")
        .item("tests/b.rs::three");
    let report = sample.run_items(&["tests/a.rs::one"]);
    assert_eq!(
        outcomes(&report),
        [("tests/a.rs::one".to_owned(), Outcome::Passed)]
    );
    assert_eq!(report.load_failures, []);
    assert!(report.ended_well(), "{report:#?}");
    assert!(
        !report.command.join(" ").contains("/tmp"),
        "{:?}",
        report.command
    );
}

#[test]
fn b1_no_test_at_all_is_a_problem() {
    let report = Sample::new().file("src/lib.rs", "").run_all();
    assert_eq!(problems(&report), [ReasonCode::ZeroTests]);
}

#[test]
fn b1_an_endless_test_is_timed_out_and_the_others_still_run() {
    let sample = Sample::new()
        .file("src/lib.rs", "")
        .file("tests/a.rs", "#[test] fn good() {}\n")
        .item("tests/a.rs::good");
    let built = sample.run_all();
    assert_eq!(
        outcomes(&built),
        [("tests/a.rs::good".to_owned(), Outcome::Passed)]
    );
    // The limit is for one command; building is one too, so it is long enough for that.
    let sample = sample
        .file(
            "tests/a.rs",
            "#[test] fn good() {}\n#[test] fn endless() { loop { std::thread::sleep(std::time::Duration::from_secs(1)); } }\n",
        )
        .item("tests/a.rs::endless")
        .timeout(std::time::Duration::from_secs(20));
    let report = sample.run_all();
    assert_eq!(
        outcomes(&report),
        [
            ("tests/a.rs::endless".to_owned(), Outcome::TimedOut),
            ("tests/a.rs::good".to_owned(), Outcome::Passed)
        ]
    );
    assert_eq!(
        cause(case(&report, "tests/a.rs::endless")),
        Some(Cause::Timeout)
    );
    assert_eq!(report.ended, Ended::TimedOut);
}

#[test]
fn b1_output_past_libtest_is_harmless_and_forged_result_lines_are_no_result() {
    let sample = Sample::new()
        .file(
            "src/lib.rs",
            r#"use std::io::Write;
/// Prints what libtest prints, past its capture, and ends the process.
pub fn forge() -> i32 {
    let mut out = std::io::stdout().lock();
    write!(out, "test forged ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n").unwrap();
    out.flush().unwrap();
    std::process::exit(0)
}
pub fn too_much() -> Vec<u8> { Vec::with_capacity(usize::MAX) }
"#,
        )
        .file(
            "tests/a.rs",
            r#"#[test] fn forged() { assert_eq!(shop::forge(), 1); }
#[test] fn talks() { assert!(std::process::Command::new("echo").arg("hello").status().unwrap().success()); }
#[test] fn panics_in_the_standard_library() { shop::too_much(); }
"#,
        );
    let report = sample.run_all();
    assert_eq!(problems(&report), [ReasonCode::ReportTampered]);
    let forged = case(&report, "tests/a.rs::forged");
    assert_eq!(forged.outcome, Outcome::Crashed, "{forged:#?}");
    assert_eq!(case(&report, "tests/a.rs::talks").outcome, Outcome::Passed);
    let foreign = case(&report, "tests/a.rs::panics_in_the_standard_library");
    assert_eq!(cause(foreign), Some(Cause::RaisedInSource), "{foreign:#?}");
}
