//! Runs the control of changed expectations over whole suites of real projects: `real-controls --projects DIR [--only TEXT]…`.

use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const USAGE: &str = "usage: real-controls --projects DIR [--only TEXT]… [--redgreen PROGRAM] [--state DIR] [--markdown FILE --date DATE]

  --projects DIR      a folder with a checkout `owner+name` of each project, ready to run its tests
  --only TEXT         only projects whose name contains this
  --redgreen PROGRAM  the redgreen beside this program by default
  --state DIR         private state of redgreen; a temporary folder otherwise
  --markdown FILE     also write the results as a document, with --date
Ends with 0 when no test was flagged, with 1 otherwise, with 2 for wrong arguments.";

#[derive(Default)]
struct Arguments {
    projects: Option<PathBuf>,
    redgreen: Option<PathBuf>,
    state: Option<PathBuf>,
    markdown: Option<PathBuf>,
    date: String,
    only: Vec<String>,
}

fn arguments() -> Result<Arguments, String> {
    let mut found = Arguments::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words
            .next()
            .ok_or_else(|| format!("`{word}` needs a value"))?;
        match word.as_str() {
            "--projects" => found.projects = Some(value.into()),
            "--redgreen" => found.redgreen = Some(value.into()),
            "--state" => found.state = Some(value.into()),
            "--markdown" => found.markdown = Some(value.into()),
            "--date" => found.date = value,
            "--only" => found.only.push(value),
            other => return Err(format!("`{other}` is not known")),
        }
    }
    Ok(found)
}

/// What the control said of one project.
struct Row {
    name: String,
    commit: String,
    report: Value,
}

fn judge(redgreen: &Path, state: &Path, folder: &Path, name: &str) -> Result<Row, String> {
    let text = |command: &mut Command| -> Result<String, String> {
        let done = command.output().map_err(|error| error.to_string())?;
        let out = String::from_utf8_lossy(&done.stdout).into_owned();
        if out.trim().is_empty() {
            return Err(String::from_utf8_lossy(&done.stderr).trim().to_owned());
        }
        Ok(out)
    };
    let commit =
        text(
            Command::new("git")
                .arg("-C")
                .arg(folder)
                .args(["rev-parse", "--short=12", "HEAD"]),
        )?;
    let out = text(
        Command::new(redgreen)
            .args(["--format", "json", "__controls"])
            .current_dir(folder)
            .env("XDG_STATE_HOME", state),
    )?;
    let report: Value = serde_json::from_str(&out).map_err(|error| error.to_string())?;
    if report["tests"].is_null() {
        return Err(out);
    }
    Ok(Row {
        name: name.replacen('+', "/", 1),
        commit: commit.trim().to_owned(),
        report,
    })
}

fn number(report: &Value, key: &str) -> u64 {
    report[key].as_u64().unwrap_or(0)
}

fn flagged(report: &Value) -> usize {
    report["flagged"].as_array().map_or(0, Vec::len)
}

fn line(row: &Row) -> String {
    let report = &row.report;
    let (suite, control) = (number(report, "suite_ms"), number(report, "control_ms"));
    let ratio = f64::from(u32::try_from(control).unwrap_or(u32::MAX))
        / f64::from(u32::try_from(suite.max(1)).unwrap_or(u32::MAX));
    format!(
        "| {} | `{}` | {} | {} | {} | {ratio:.1} |",
        row.name,
        row.commit,
        number(report, "tests"),
        number(report, "controlled"),
        flagged(report),
    )
}

fn markdown(rows: &[Row], date: &str) -> String {
    let mut text = format!(
        "# Changed expectations on real suites\n\n\
         Every test of a project that passes is treated as if it were locked, and run again with other expected values\n\
         ([what that is](../concept/controls.md)). *Controlled*: it failed then. *Flagged*: it passed although a changed value was\n\
         evaluated, which would reject an honest implementation and must be 0. *Cost*: the time of the control over that of the\n\
         suite alone, in one run of this command; 1.0 is one more run of the suite.\n\n\
         `cargo run -p redgreen-testkit --bin real-controls -- --projects DIR`, {date}.\n\n\
         | Project | Commit | Tests | Controlled | Flagged | Cost |\n|---|---|---|---|---|---|\n"
    );
    for row in rows {
        _ = writeln!(text, "{}", line(row));
    }
    let sum = |key: &str| rows.iter().map(|row| number(&row.report, key)).sum::<u64>();
    _ = writeln!(
        text,
        "| **{} projects** | | **{}** | **{}** | **{}** | |",
        rows.len(),
        sum("tests"),
        sum("controlled"),
        rows.iter().map(|row| flagged(&row.report)).sum::<usize>(),
    );
    text
}

fn run() -> Result<bool, String> {
    let given = arguments()?;
    let projects = given.projects.ok_or("`--projects` is missing")?;
    let redgreen = match given.redgreen {
        Some(path) => path,
        None => std::env::current_exe()
            .map_err(|error| error.to_string())?
            .with_file_name("redgreen"),
    };
    let temporary = tempfile::tempdir().map_err(|error| error.to_string())?;
    let state = given
        .state
        .unwrap_or_else(|| temporary.path().to_path_buf());
    let mut names: Vec<String> = std::fs::read_dir(&projects)
        .map_err(|error| format!("{}: {error}", projects.display()))?
        .flatten()
        .filter(|entry| entry.path().join(".git").exists())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| given.only.is_empty() || given.only.iter().any(|text| name.contains(text)))
        .collect();
    names.sort();
    let mut rows = Vec::new();
    for name in names {
        match judge(&redgreen, &state, &projects.join(&name), &name) {
            Ok(row) => {
                println!("{}", line(&row));
                for one in row.report["flagged"].as_array().into_iter().flatten() {
                    println!("    {one}");
                }
                rows.push(row);
            }
            Err(why) => eprintln!("{name}: not measured: {why}"),
        }
        // After every project: what was found must not be lost with a later one.
        if let Some(path) = &given.markdown {
            std::fs::write(path, markdown(&rows, &given.date))
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    if rows.is_empty() {
        return Err("no project was measured".to_owned());
    }
    Ok(rows.iter().all(|row| flagged(&row.report) == 0))
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(why) => {
            eprintln!("error: {why}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}
