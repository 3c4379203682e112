//! No byte sequence in what a runner, an agent or another hand wrote crashes a reader or becomes a pass (issue 4): a seed
//! corpus with structured mutations. `fuzz/` runs the same functions under a fuzzer.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]
#![expect(
    clippy::disallowed_methods,
    reason = "the corpus lies in files: a finding is added as a file"
)]

#[path = "readers/exercise.rs"]
mod exercise;

use proptest::prelude::*;
use redgreen_core::gate::{ExpectedTest, GreenInput, judge_green};
use redgreen_core::id::{Digest, ItemId, TaskId};
use redgreen_core::outcome::{Role, Verdict};
use redgreen_core::run_report::{Ended, RunReport};
use std::collections::BTreeSet;
use std::path::Path;

type Reader = (&'static str, fn(&[u8]));

const READERS: [Reader; 10] = [
    ("pytest", exercise::pytest),
    ("junit", exercise::junit),
    ("cargo_messages", exercise::cargo_messages),
    ("libtest", exercise::libtest),
    ("rust_source", exercise::rust_source),
    ("plan", exercise::plan),
    ("event", exercise::event),
    ("lock", exercise::lock),
    ("evidence", exercise::evidence),
    ("redact", exercise::redact),
];

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/corpus/readers")
        .join(name);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{name} has a corpus");
    files
        .iter()
        .map(|file| std::fs::read(file).unwrap())
        .collect()
}

/// One structured change.
#[derive(Debug, Clone)]
enum Change {
    Flip(usize, u8),
    Cut(usize),
    Insert(usize, Vec<u8>),
    /// The lines from one place are put at another.
    Splice(usize, usize),
    DoubleLine(usize),
    DropLine(usize),
    /// A number becomes another one.
    Number(usize, &'static str),
    /// A word in quotes becomes another one.
    Word(usize, &'static str),
}

fn change() -> impl Strategy<Value = Change> {
    let bytes = prop_oneof![
        Just(b"\0".to_vec()),
        Just(b"\xff\xfe".to_vec()),
        Just(b"\xed\xa0\x80".to_vec()),
        Just("\u{202e}\u{feff}".as_bytes().to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"[".repeat(300)),
        Just(br#"{"a":"#.repeat(300)),
        Just(b"\"".to_vec()),
        Just(b"\\u0000".to_vec()),
        proptest::collection::vec(any::<u8>(), 1..20),
    ];
    let number = prop_oneof![
        Just("-1"),
        Just("0"),
        Just("4294967296"),
        Just("18446744073709551615"),
        Just("18446744073709551616"),
        Just("1e999"),
        Just("-0.0"),
        Just("99999999999999999999999999"),
    ];
    let word = prop_oneof![
        Just("passed"),
        Just("failed"),
        Just("skipped"),
        Just("ok"),
        Just(""),
        Just("../../etc"),
        Just("/"),
        Just("call"),
        Just("test"),
        Just("T1"),
    ];
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, bit)| Change::Flip(at, bit)),
        any::<usize>().prop_map(Change::Cut),
        (any::<usize>(), bytes).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (any::<usize>(), any::<usize>()).prop_map(|(from, to)| Change::Splice(from, to)),
        any::<usize>().prop_map(Change::DoubleLine),
        any::<usize>().prop_map(Change::DropLine),
        (any::<usize>(), number).prop_map(|(at, text)| Change::Number(at, text)),
        (any::<usize>(), word).prop_map(|(at, text)| Change::Word(at, text)),
    ]
}

/// The runs of bytes that satisfy something.
fn runs(bytes: &[u8], is: impl Fn(u8) -> bool) -> Vec<std::ops::Range<usize>> {
    let mut out = Vec::new();
    let mut from = None;
    for (at, byte) in bytes.iter().chain(b"\n").enumerate() {
        match (is(*byte) && at < bytes.len(), from) {
            (true, None) => from = Some(at),
            (false, Some(begin)) => {
                out.push(begin..at);
                from = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    out
}

fn changed(bytes: &[u8], change: &Change) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let at = |place: usize| place % (bytes.len() + 1);
    let lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
    let replaced = |ranges: Vec<std::ops::Range<usize>>, place: usize, text: &str| {
        let mut out = bytes.to_vec();
        if !ranges.is_empty() {
            let range = ranges[place % ranges.len()].clone();
            out.splice(range, text.bytes());
        }
        out
    };
    match change {
        Change::Flip(place, bit) => {
            if let Some(byte) = out.get_mut(at(*place)) {
                *byte ^= 1 << (bit % 8);
            }
        }
        Change::Cut(place) => out.truncate(at(*place)),
        Change::Insert(place, bytes) => {
            let at = at(*place);
            out.splice(at..at, bytes.iter().copied());
        }
        Change::Splice(from, to) => {
            let (from, to) = (at(*from), at(*to));
            let tail = bytes[from..].to_vec();
            out.truncate(to);
            out.extend(tail);
        }
        Change::DoubleLine(place) | Change::DropLine(place) => {
            if !lines.is_empty() {
                let place = place % lines.len();
                let times = if matches!(change, Change::DoubleLine(_)) {
                    2
                } else {
                    0
                };
                out = lines
                    .iter()
                    .enumerate()
                    .flat_map(|(number, line)| line.repeat(if number == place { times } else { 1 }))
                    .collect();
            }
        }
        Change::Number(place, text) => {
            out = replaced(runs(bytes, |byte| byte.is_ascii_digit()), *place, text);
        }
        Change::Word(place, text) => {
            out = replaced(
                runs(bytes, |byte| byte.is_ascii_alphabetic() || byte == b'_'),
                *place,
                text,
            );
        }
    }
    out
}

fn all(bytes: &[u8], changes: &[Change]) -> Vec<u8> {
    changes
        .iter()
        .fold(bytes.to_vec(), |bytes, one| changed(&bytes, one))
}

/// What GREEN makes of a record of pytest, for a lock of the two tests of the corpus.
fn green(record: &[u8], ended: Ended) -> Verdict {
    judged(exercise::pytest_run(record, ended), ended)
}

fn judged(read: exercise::PytestRun, ended: Ended) -> Verdict {
    let run = RunReport {
        command: Vec::new(),
        ended,
        cases: read.cases,
        load_failures: read.load_failures,
        problems: read.problems,
        pass_line: None,
        tail: Vec::new(),
        output: Digest::of(b""),
        duration_ms: 0,
    };
    let expected: Vec<ExpectedTest> = ["tests/test_a.py::test_a", "tests/test_b.py::test_b"]
        .map(|id| ExpectedTest {
            item: ItemId::try_from(id.to_owned()).unwrap(),
            role: Role::Required,
            cases: BTreeSet::from([String::new()]),
        })
        .into();
    let task = TaskId::new("T1").unwrap();
    judge_green(&GreenInput {
        task: &task,
        expected: &expected,
        run: &run,
        changes: &[],
        failing_on_base: &BTreeSet::new(),
        tests_in_source: &[],
        controls: &[],
        control_failures: &[],
        no_control: &[],
        environment_changes: &[],
    })
    .verdict()
}

fn record(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/corpus/readers/pytest")
        .join(name);
    std::fs::read(path).unwrap()
}

#[test]
fn b1_the_corpus_says_what_its_names_say() {
    assert_eq!(
        green(&record("passed.jsonl"), Ended::Code(0)),
        Verdict::Pass
    );
    assert_eq!(
        green(&record("failed.jsonl"), Ended::Code(1)),
        Verdict::Fail
    );
    let junit = |name: &str, ended| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/corpus/readers/junit")
            .join(name);
        judged(
            exercise::junit_run(&std::fs::read(path).unwrap(), ended),
            ended,
        )
    };
    assert_eq!(junit("passed.xml", Ended::Code(0)), Verdict::Pass);
    assert_eq!(junit("failed.xml", Ended::Code(1)), Verdict::Fail);
    assert_ne!(junit("failed.xml", Ended::Code(0)), Verdict::Pass);
    for (name, reader) in READERS {
        for seed in seeds(name) {
            reader(&seed);
        }
    }
}

#[test]
fn b1_every_beginning_of_a_seed_is_read_without_a_crash() {
    for (name, reader) in READERS {
        for seed in seeds(name) {
            let step = (seed.len() / 400).max(1);
            for end in (0..seed.len()).step_by(step) {
                reader(&seed[..end]);
            }
        }
    }
}

#[test]
fn b1_a_record_that_is_cut_off_is_never_a_pass() {
    let record = record("passed.jsonl");
    let whole = record.len() - 1;
    for end in 0..whole {
        let verdict = green(&record[..end], Ended::Code(0));
        assert_ne!(verdict, Verdict::Pass, "cut off at {end} of {whole}");
    }
}

#[test]
fn b1_a_record_without_one_of_its_lines_is_never_a_pass_of_a_failing_run() {
    let record = record("failed.jsonl");
    let lines: Vec<&[u8]> = record.split_inclusive(|&byte| byte == b'\n').collect();
    // Also where the process ends well, as one does whose end somebody forged.
    for ended in [Ended::Code(0), Ended::Code(1)] {
        for without in 0..lines.len() {
            for also in without..lines.len() {
                let rest: Vec<u8> = lines
                    .iter()
                    .enumerate()
                    .filter(|(number, _)| *number != without && *number != also)
                    .flat_map(|(_, line)| line.to_vec())
                    .collect();
                let text = String::from_utf8_lossy(&rest);
                assert_ne!(
                    green(&rest, ended),
                    Verdict::Pass,
                    "{ended:?} without lines {without} and {also}:\n{text}"
                );
            }
        }
    }
}

#[test]
fn b1_deep_nesting_is_refused_and_not_followed() {
    for open in [
        "[",
        "{\"a\":",
        "{\"children\":[",
        "[[{\"tasks\":",
        "mod a {",
        "use a::{",
        "/*",
        "((((",
        "<",
    ] {
        let deep = open.repeat(20_000);
        for (_, reader) in READERS {
            reader(deep.as_bytes());
            reader(format!("{{\"mark\":\"m\",\"kind\":\"load\",\"exception\":{deep}").as_bytes());
            reader(
                format!("{{\"reason\":\"compiler-message\",\"message\":{{\"children\":{deep}")
                    .as_bytes(),
            );
        }
    }
}

#[test]
fn b1_long_input_is_read_in_one_pass() {
    // Not timed: a reader that is quadratic does not come back from these within the patience of a person.
    let lines = [
        "test tests::adds ... ok\n",
        "thread 'a' panicked at src/lib.rs:1:1:\n",
        "running 3 tests\n",
        "---- a stdout ----\n",
        "{\"mark\":\"m\",\"kind\":\"start\",\"n\":0}\n",
        "mod a;\n",
        "use a::b;\n",
        "#[test] fn a() {}\n",
        "/*",
        "r#\"",
        "-----BEGIN PRIVATE KEY-----\n",
        "eyJ",
        "a:b@",
        "http://a:",
        "failures:\n",
    ];
    for line in lines {
        let long = line.repeat(60_000 / line.len());
        for (_, reader) in READERS {
            reader(long.as_bytes());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn b1_mutated_bytes_crash_no_reader(
        which in 0..READERS.len(),
        seed: usize,
        changes in proptest::collection::vec(change(), 1..6),
    ) {
        let (name, reader) = READERS[which];
        let seeds = seeds(name);
        reader(&all(&seeds[seed % seeds.len()], &changes));
    }

    /// The exit code is the process's own: whatever the record says, a run that ended with 1 is no pass.
    #[test]
    fn b1_a_mutated_report_of_a_failing_run_never_judges_as_pass(
        changes in proptest::collection::vec(change(), 1..8),
    ) {
        let record = all(&record("failed.jsonl"), &changes);
        prop_assert_ne!(green(&record, Ended::Code(1)), Verdict::Pass);
    }

    /// The same for a JUnit report.
    #[test]
    fn b1_a_mutated_junit_report_of_a_failing_run_never_judges_as_pass(
        changes in proptest::collection::vec(change(), 1..8),
    ) {
        let report = all(&seeds("junit")[0], &changes);
        let read = exercise::junit_run(&report, Ended::Code(1));
        prop_assert_ne!(judged(read, Ended::Code(1)), Verdict::Pass);
    }
}
