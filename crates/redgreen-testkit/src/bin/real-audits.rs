//! Audits the last commits of real projects: `real-audits --projects DIR [--last N] [--only TEXT]…`. Prints a table as Markdown.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

const USAGE: &str =
    "usage: real-audits --projects DIR [--last N] [--only TEXT]… [--redgreen PROGRAM] [--state DIR]

  --projects DIR      a folder with a checkout of each project, ready to run its tests
  --last N            how many commits of each; 20 by default
  --only TEXT         only projects whose name contains this
  --redgreen PROGRAM  the redgreen beside this program by default
  --state DIR         private state of redgreen; a folder beside the projects otherwise
Ends with 0 when every project was audited, with 1 otherwise, with 2 for wrong arguments.";

struct Arguments {
    projects: PathBuf,
    redgreen: PathBuf,
    state: PathBuf,
    last: u32,
    only: Vec<String>,
}

fn arguments() -> Result<Arguments, String> {
    let (mut projects, mut redgreen, mut state) = (None, None, None);
    let (mut last, mut only) = (20, Vec::new());
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words
            .next()
            .ok_or_else(|| format!("`{word}` needs a value"))?;
        match word.as_str() {
            "--projects" => projects = Some(PathBuf::from(value)),
            "--redgreen" => redgreen = Some(PathBuf::from(value)),
            "--state" => state = Some(PathBuf::from(value)),
            "--last" => {
                last = value
                    .parse()
                    .map_err(|_| format!("`{value}` is no number"))?
            }
            "--only" => only.push(value),
            other => return Err(format!("`{other}` is not known")),
        }
    }
    let projects = projects.ok_or("`--projects` is needed")?;
    let beside = std::env::current_exe()
        .ok()
        .and_then(|program| Some(program.parent()?.join("redgreen")));
    Ok(Arguments {
        state: state.unwrap_or_else(|| projects.join(".redgreen-state")),
        redgreen: redgreen.or(beside).ok_or("`--redgreen` is needed")?,
        projects,
        last,
        only,
    })
}

/// One project's report with how long it took.
fn audited(arguments: &Arguments, folder: &Path) -> Result<(Value, u64), String> {
    let start = Instant::now();
    let done = Command::new(&arguments.redgreen)
        .args(["audit", &format!("HEAD~{}..", arguments.last)])
        .args(["--format", "json"])
        .current_dir(folder)
        .env("REDGREEN_STATE_DIR", &arguments.state)
        .env_remove("VIRTUAL_ENV")
        .output()
        .map_err(|error| error.to_string())?;
    let seconds = start.elapsed().as_secs();
    let report: Value = serde_json::from_slice(&done.stdout)
        .map_err(|_| String::from_utf8_lossy(&done.stderr).trim().to_owned())?;
    if report["schema"] == "redgreen.audit/1" {
        Ok((report, seconds))
    } else {
        Err(report["message"].as_str().unwrap_or("no report").to_owned())
    }
}

fn count(report: &Value, list: &str, word: &str) -> u64 {
    report["totals"][list]
        .as_array()
        .into_iter()
        .flatten()
        .find(|pair| pair[0] == word)
        .and_then(|pair| pair[1].as_u64())
        .unwrap_or(0)
}

/// What could not be run, by its reason.
fn causes(report: &Value) -> BTreeMap<String, (u64, String)> {
    let mut found: BTreeMap<String, (u64, String)> = BTreeMap::new();
    let mut add = |detail: &Value, help: &Value| {
        let text = |value: &Value| {
            let line = value.as_str().unwrap_or("").lines().next().unwrap_or("");
            line.replace('|', "\\|")
        };
        let entry = found.entry(text(detail)).or_insert((0, text(help)));
        entry.0 += 1;
    };
    for change in report["changes"].as_array().into_iter().flatten() {
        if change["reason"].is_object() {
            add(&change["reason"]["message"], &change["reason"]["help"]);
        }
        for test in change["tests"].as_array().into_iter().flatten() {
            if test["status"] == "could_not_run" {
                add(&test["detail"], &test["help"]);
            }
        }
    }
    found
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(why) => {
            eprintln!("{why}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&arguments.projects)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join(".git").exists())
        .collect();
    folders.sort();
    let mut all_well = !folders.is_empty();
    println!(
        "| project | changes | with code, no test | tests | bite | pass without | fail | flaky | skipped | only tests | could not run | weakened | removed | test runs | s |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    let mut notes = String::new();
    for folder in folders {
        let name = folder
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if !arguments.only.is_empty() && !arguments.only.iter().any(|text| name.contains(text)) {
            continue;
        }
        match audited(&arguments, &folder) {
            Ok((report, seconds)) => {
                let tests: u64 = report["totals"]["tests"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|pair| pair[1].as_u64())
                    .sum();
                let of = |word| count(&report, "tests", word);
                println!(
                    "| {name} | {} | {} | {tests} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {seconds} |",
                    report["changes"].as_array().map_or(0, Vec::len),
                    count(&report, "changes", "no_test"),
                    of("bites"),
                    of("does_not_bite"),
                    of("fails_with_it"),
                    of("flaky"),
                    of("skipped"),
                    of("tests_only"),
                    of("could_not_run"),
                    count(&report, "findings", "weakened"),
                    count(&report, "findings", "test_removed"),
                    report["runs"]["commands"],
                );
                for (why, (count, fix)) in causes(&report) {
                    _ = writeln!(notes, "- {name}: {count} could not run: {why}. Fix: {fix}");
                }
            }
            Err(why) => {
                all_well = false;
                let first = why.lines().next().unwrap_or("").to_owned();
                _ = writeln!(notes, "- {name}: not audited: {first}");
            }
        }
    }
    println!("\n{notes}");
    if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    }
}
