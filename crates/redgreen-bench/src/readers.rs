//! Reading many test cases.

use crate::measure::{Job, interleaved};
use crate::projects::text;
use crate::table::{Table, ms};
use crate::{Asked, Failed};
use redgreen_core::id::RelPath;
use redgreen_formats::pytest as formats;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;

const CASES: usize = 100_000;

/// `bench __records KIND FILE`: reads a record as a gate does, or only the bytes.
pub fn main(words: &[String]) -> Result<(), Failed> {
    let [kind, file] = words else {
        return Err("__records KIND FILE".into());
    };
    let bytes = std::fs::read(file)?;
    match kind.as_str() {
        "bytes" => {
            black_box(bytes.len());
        }
        "pytest" => {
            let journal = formats::Journal::read(&bytes, "m");
            let is_test = |path: &RelPath| path.is_below("tests");
            let places = formats::Places::new(&is_test, &[], &[]);
            let items = BTreeMap::new();
            let context = formats::report::Context {
                runner: None,
                items: &items,
                timed_out: false,
            };
            let parts = formats::parts(&journal, &places, &context);
            if parts.cases.len() != CASES {
                return Err(format!("{} cases were read", parts.cases.len()).into());
            }
        }
        "junit" => {
            let report = redgreen_formats::junit::read(&bytes);
            if report.cases.len() != CASES {
                return Err(format!("{} cases were read", report.cases.len()).into());
            }
        }
        "libtest" => {
            let text = String::from_utf8(bytes)?;
            if redgreen_formats::cargo::libtest::listed(&text).len() != CASES {
                return Err("the list was not read".into());
            }
        }
        other => return Err(format!("`{other}` is no kind").into()),
    }
    Ok(())
}

fn pytest_record() -> Result<String, Failed> {
    let mut text = String::new();
    for n in 0..CASES {
        writeln!(
            text,
            "{{\"path\": \"tests/test_{0}.py\", \"item\": \"test_{n}\", \"case\": \"\", \"line\": 4, \"node\": \"tests/test_{0}.py::test_{n}\", \"n\": {n}, \"kind\": \"test\", \"mark\": \"m\"}}",
            n / 100
        )?;
    }
    writeln!(
        text,
        "{{\"count\": {CASES}, \"kind\": \"collected\", \"mark\": \"m\"}}"
    )?;
    for n in 0..CASES {
        writeln!(text, "{{\"n\": {n}, \"kind\": \"start\", \"mark\": \"m\"}}")?;
        for when in ["setup", "call", "teardown"] {
            writeln!(
                text,
                "{{\"n\": {n}, \"when\": \"{when}\", \"raw\": \"passed\", \"made\": \"passed\", \"reported\": \"passed\", \"xfail\": false, \"strict\": false, \"reason\": \"\", \"duration_ms\": 0, \"kind\": \"phase\", \"mark\": \"m\"}}"
            )?;
        }
        writeln!(
            text,
            "{{\"n\": {n}, \"kind\": \"finish\", \"mark\": \"m\"}}"
        )?;
    }
    writeln!(text, "{{\"exit\": 0, \"kind\": \"end\", \"mark\": \"m\"}}")?;
    Ok(text)
}

fn junit_report() -> Result<String, Failed> {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<testsuites name=\"all\"><testsuite name=\"pytest\" errors=\"0\" failures=\"1000\" skipped=\"0\" tests=\"{CASES}\" time=\"1.0\">"
    );
    for n in 0..CASES {
        let case = format!(
            "<testcase classname=\"tests.test_{}\" name=\"test_{n}\" time=\"0.001\"",
            n / 100
        );
        if n % 100 == 0 {
            write!(
                text,
                "{case}><failure message=\"assert 1 == 2\">def test():\n&gt;       assert 1 == 2\nE       assert 1 == 2\n\ntests/test.py:4: AssertionError</failure></testcase>"
            )?;
        } else {
            write!(text, "{case} />")?;
        }
    }
    text.push_str("</testsuite></testsuites>\n");
    Ok(text)
}

/// The readers of test results.
pub fn run(asked: &Asked) -> Result<Table, Failed> {
    let own = text(&std::env::current_exe()?);
    let mut table = Table::new(
        &format!("Reading {CASES} test cases"),
        &[
            "what",
            "MB",
            "CPU ms",
            "of it beyond reading the bytes",
            "memory MiB",
        ],
    );
    let mut list = String::new();
    for n in 0..CASES {
        writeln!(list, "module_{}::tests::test_{n}: test", n / 100)?;
    }
    for (kind, name, content) in [
        (
            "pytest",
            "the record of our pytest probe (500,000 lines)",
            pytest_record()?,
        ),
        ("junit", "a JUnit report", junit_report()?),
        ("libtest", "libtest's list", list),
    ] {
        let file = asked.work.join(format!("{kind}.record"));
        std::fs::write(&file, &content)?;
        let path = text(&file);
        let jobs = [
            Job::new(&asked.work, &[&own, "__records", "bytes", &path]),
            Job::new(&asked.work, &[&own, "__records", kind, &path]),
        ];
        let costs = interleaved(&jobs, asked.rounds)?;
        let beyond = costs[1].cpu - costs[0].cpu;
        table.row(&[
            name.to_owned(),
            (content.len() / 1_000_000).to_string(),
            ms(costs[1].cpu),
            ms(beyond),
            (costs[1].memory / 1024).to_string(),
        ]);
    }
    table.note(
        "The goal of 50 ms is for JUnit (SPEC H5); the pytest record has five lines for each case.",
    );
    Ok(table)
}
