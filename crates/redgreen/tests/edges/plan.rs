//! Plan files (SPEC A1, A3): every problem with line and column, and no byte of the file changes.

use crate::rows::{self, Row};
use crate::support::{Hand, reads, small};

/// The commands that read a plan.
const COMMANDS: &[&[&str]] = &[&["plan", "check"], &["red", "T1"], &["status"], &["run"]];

const PLAN: &str = "docs/plans/shop.json";

fn task(id: &str, more: &str) -> String {
    format!(
        "{{\"id\": \"{id}\", \"name\": \"n\", \"description\": \"\", \"dod\": \"x\", \"passes\": false{more}}}"
    )
}

fn plan(tasks: &[String]) -> String {
    format!(
        "{{\"name\": \"shop\", \"description\": \"d\", \"status\": \"APPROVED\", \"tasks\": [\n{}\n]}}\n",
        tasks.join(",\n")
    )
}

/// Each command reads this row at this line and column, and leaves the file alone.
#[track_caller]
fn refused(hand: &Hand, bytes: impl AsRef<[u8]>, row: Row, place: &str) {
    let file = hand.path(PLAN);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, bytes.as_ref()).unwrap();
    for command in COMMANDS {
        reads(hand, command, row, &format!("{PLAN}{place}"));
    }
    assert!(std::fs::read(&file).unwrap() == bytes.as_ref());
}

#[test]
fn a3_cycles_unknown_dependencies_and_duplicate_ids_are_refused_with_their_place() {
    let hand = small();
    let needs = |id: &str, other: &str| task(id, &format!(", \"depends_on\": [\"{other}\"]"));
    let cycle = plan(&[needs("T1", "T2"), needs("T2", "T1")]);
    refused(&hand, cycle, rows::PLAN_CYCLE, ":2:");
    refused(&hand, plan(&[needs("T1", "T9")]), rows::PLAN_UNKNOWN, ":2:");
    let twice = plan(&[task("T1", ""), task("T2", ""), task("T1", "")]);
    refused(&hand, twice, rows::PLAN_TWICE, ":4:8");
}

#[test]
fn g10_wrong_types_and_misspelt_fields_are_refused_with_their_place() {
    let hand = small();
    let typed = plan(&[task("T1", "")]).replace("\"shop\"", "5");
    refused(&hand, typed, rows::PLAN_TYPE, ":1:10");
    let misspelt = plan(&[task("T1", ", \"depends\": []")]);
    refused(&hand, misspelt, rows::PLAN_FIELD, ":2:");
    // A hundred problems are not one line of a hundred problems.
    let many: Vec<String> = (0..100)
        .map(|n| task(&format!("T{n}"), "").replace("\"x\"", "7"))
        .collect();
    hand.write(PLAN, &plan(&many));
    let out = hand.plain(&["plan", "check"]).ends(2);
    assert!(
        out.stderr.len() < 1500 && out.stderr.contains("more"),
        "{}",
        out.stderr
    );
}

#[test]
fn g10_broken_json_is_refused_with_line_and_column() {
    let hand = small();
    refused(
        &hand,
        "{\"name\": \"s\",\n  \"status\": APPROVED}\n",
        rows::PLAN_SYNTAX,
        ":2:13",
    );
    refused(&hand, "", rows::PLAN_SYNTAX, ":1:1");
    let file = hand.path(PLAN);
    for (text, place) in [
        ("{\"name\": \"s\",\n", ":2:1"),
        ("[]", ":1:1"),
        ("{\"name\": \"s\" // x\n}", ":1:14"),
        ("{\"a\": 1,}", ":1:8"),
    ] {
        std::fs::write(&file, text).unwrap();
        let out = hand.plain(&["plan", "check"]).ends(2);
        let place = format!("{PLAN}{place}");
        assert!(
            crate::support::first_error(&out).at(&place),
            "{text} {place} {out:#?}"
        );
    }
    refused(&hand, b"{\"name\": \"\xff\"}", rows::PLAN_UTF8, ":1:11");
    refused(&hand, "[".repeat(100_000), rows::PLAN_DEEP, ":1:65");
}

#[test]
fn g10_a_plan_that_is_no_file_is_refused_and_not_waited_for() {
    let hand = small();
    reads(
        &hand,
        &["plan", "check", "nowhere.json"],
        rows::PLAN_UNREADABLE,
        "nowhere.json",
    );
    std::fs::create_dir_all(hand.path(PLAN)).unwrap();
    reads(&hand, &["plan", "check"], rows::PLAN_UNREADABLE, PLAN);
    std::fs::remove_dir(hand.path(PLAN)).unwrap();
    crate::support::must("mkfifo", &[hand.path(PLAN)]);
    for command in COMMANDS {
        reads(&hand, command, rows::PLAN_UNREADABLE, PLAN);
    }
}

#[test]
fn a1_byte_order_mark_and_carriage_returns_are_read_and_kept() {
    let hand = small();
    let text = format!(
        "\u{feff}{}",
        plan(&[task("T1", ", \"x_own\": \"\\u00e9\"")]).replace('\n', "\r\n")
    );
    hand.write(PLAN, &text);
    hand.plain(&["plan", "check"])
        .ends(0)
        .says("valid: 1 tasks");
    hand.plain(&["plan", "approve"]).ends(0);
    hand.plain(&["red", "T1"]).ends(10);
    assert_eq!(hand.read(PLAN), text);
}

#[test]
fn g10_a_plan_of_ten_megabytes_is_read() {
    let hand = small();
    let long = "é".repeat(5_000);
    let tasks: Vec<String> = (0..1_000)
        .map(|n| task(&format!("T{n}"), "").replace("\"x\"", &format!("\"{long}\"")))
        .collect();
    let text = plan(&tasks);
    assert!(text.len() > 10_000_000);
    hand.write(PLAN, &text);
    hand.plain(&["plan", "check"]).ends(0).says("1000 tasks");
    hand.plain(&["red", "T7"]).ends(10);
    assert!(hand.read(PLAN) == text);
}

#[test]
fn a12_checking_a_task_that_a_run_halted_asks_for_take_or_retry() {
    let hand = small();
    hand.write(
        "redgreen.toml",
        "version = 1\n\n[agent]\ncommand = [\"sh\", \"-c\", \"exit 0\"]\n",
    );
    hand.commit("an agent that does nothing");
    hand.write(PLAN, &plan(&[task("T1", "")]));
    hand.commit("plan");
    let out = hand.plain(&["run"]);
    assert_eq!(out.code, 10, "{out:#?}");
    reads(&hand, &["check", "T1"], rows::HALTED, "").says("redgreen retry T1");
}
