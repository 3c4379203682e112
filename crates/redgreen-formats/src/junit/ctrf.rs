//! CTRF, a JSON report that many runners can be made to write: <https://ctrf.io/docs/specification/overview>.
//!
//! Its summary is recounted; a case that passed only in a further try, or whose status is none of the five, is no pass.

use super::read::{Case, Mark, MarkKind, Report, Suite, Trouble};
use serde_json::Value;

/// Reads a document that begins with a brace.
#[must_use]
pub fn read(text: &str) -> Report {
    let mut report = Report {
        suites: vec![Suite::default()],
        ..Report::default()
    };
    let document: Value = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(error) if error.is_eof() => {
            report.troubles.push(Trouble::Truncated);
            return report;
        }
        Err(error) => {
            report
                .troubles
                .push(Trouble::Contradiction(format!("it is no JSON: {error}")));
            return report;
        }
    };
    let results = document.get("results");
    let Some(tests) = results
        .and_then(|results| results.get("tests"))
        .and_then(Value::as_array)
    else {
        report.troubles.push(Trouble::OtherRoot(
            "JSON without `results.tests`".to_owned(),
        ));
        return report;
    };
    let mut counts = std::collections::BTreeMap::new();
    for test in tests {
        let text = |name: &str| test.get(name).and_then(Value::as_str).unwrap_or_default();
        let status = text("status");
        *counts.entry(status.to_owned()).or_insert(0u64) += 1;
        report.cases.push(Case {
            suite: 0,
            class: suite_of(test),
            name: test
                .get("name")
                .and_then(Value::as_str)
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
            file: text("filePath").to_owned(),
            line: test
                .get("line")
                .and_then(Value::as_u64)
                .and_then(|line| u32::try_from(line).ok()),
            duration_ms: test
                .get("duration")
                .and_then(Value::as_f64)
                .filter(|time| *time > 0.0)
                .and_then(|time| format!("{time:.0}").parse().ok())
                .unwrap_or(0),
            says_not_run: false,
            marks: marks(test, status),
        });
    }
    match results.and_then(|results| results.get("summary")) {
        None => report.troubles.push(Trouble::Contradiction(
            "it has no summary: it may have been written in parts".to_owned(),
        )),
        Some(summary) => {
            let total = u64::try_from(tests.len()).unwrap_or(u64::MAX);
            for name in ["tests", "passed", "failed", "skipped", "pending", "other"] {
                let found = match name {
                    "tests" => total,
                    name => counts.get(name).copied().unwrap_or(0),
                };
                let declared = summary.get(name).and_then(Value::as_u64);
                if declared.is_some_and(|declared| declared != found)
                    || (declared.is_none() && matches!(name, "tests" | "passed" | "failed"))
                {
                    report.troubles.push(Trouble::Contradiction(format!(
                        "its summary says {} `{name}`, and there are {found}",
                        declared.map_or_else(
                            || "nothing of".to_owned(),
                            |declared| declared.to_string()
                        )
                    )));
                }
            }
        }
    }
    report
}

/// `suite` is a text in older versions and a list in newer ones.
fn suite_of(test: &Value) -> String {
    match test.get("suite") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(" > "),
        _ => String::new(),
    }
}

fn marks(test: &Value, status: &str) -> Vec<Mark> {
    let text = |name: &str| {
        test.get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let mark = |kind| Mark {
        kind,
        class: text("rawStatus"),
        message: text("message"),
        text: text("trace"),
    };
    let flaky = test.get("flaky").and_then(Value::as_bool) == Some(true)
        || test
            .get("retries")
            .and_then(Value::as_u64)
            .is_some_and(|tries| tries > 0);
    match status {
        "passed" if flaky => vec![mark(MarkKind::Flaky)],
        "passed" => Vec::new(),
        "failed" => vec![mark(MarkKind::Failure)],
        "skipped" | "pending" => vec![mark(MarkKind::Skipped)],
        _ => vec![mark(MarkKind::Error)],
    }
}
