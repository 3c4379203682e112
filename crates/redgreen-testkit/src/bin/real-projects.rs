//! Judges commits of real projects with redgreen: `real-projects --clones DIR --table FILE [--only TEXT]…`.

use redgreen_testkit::real_projects::{Places, judge, report, table};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: real-projects --clones DIR --table FILE [--only TEXT]… [--work DIR] [--redgreen PROGRAM] [--markdown FILE --date DATE]

  --clones DIR        a folder with a clone or git directory `owner+name` for each project
  --table FILE        which commits, and how a developer gets them to run (module real_projects::table)
  --only TEXT         only rows whose name or commit contains this
  --work DIR          work here, and keep it; a temporary folder otherwise
  --redgreen PROGRAM  the redgreen beside this program by default
  --markdown FILE     also write the results as a document, with --date
Ends with 0 when every step ended as it must, with 1 otherwise, with 2 for wrong arguments.";

#[derive(Default)]
struct Arguments {
    clones: Option<PathBuf>,
    table: Option<PathBuf>,
    work: Option<PathBuf>,
    redgreen: Option<PathBuf>,
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
            "--clones" => found.clones = Some(value.into()),
            "--table" => found.table = Some(value.into()),
            "--work" => found.work = Some(value.into()),
            "--redgreen" => found.redgreen = Some(value.into()),
            "--markdown" => found.markdown = Some(value.into()),
            "--date" => found.date = value,
            "--only" => found.only.push(value),
            other => return Err(format!("`{other}` is not known")),
        }
    }
    Ok(found)
}

fn run() -> Result<bool, String> {
    let given = arguments()?;
    let clones = given.clones.ok_or("`--clones` is missing")?;
    let rows = table::read(&given.table.ok_or("`--table` is missing")?)?;
    let redgreen = match given.redgreen {
        Some(path) => path,
        None => std::env::current_exe()
            .map_err(|error| error.to_string())?
            .with_file_name("redgreen"),
    };
    if !redgreen.is_file() {
        return Err(format!(
            "there is no `{}`: cargo build -p redgreen",
            redgreen.display()
        ));
    }
    let temporary = tempfile::tempdir().map_err(|error| error.to_string())?;
    let places = Places {
        clones,
        work: given.work.unwrap_or_else(|| temporary.path().to_path_buf()),
        redgreen,
    };
    let mut outcomes = Vec::new();
    for row in &rows.project {
        let wanted = |text: &String| row.name.contains(text) || row.commit.starts_with(text);
        if !given.only.is_empty() && !given.only.iter().any(wanted) {
            continue;
        }
        judge(&places, row, &mut |outcome| {
            println!("{}", report::line(&outcome));
            outcomes.push(outcome);
        });
        // After every row: a run over many projects is long, and what it found must not be lost with it.
        if let Some(path) = &given.markdown {
            let command =
                "cargo run -p redgreen-testkit --bin real-projects -- --clones DIR --table FILE";
            std::fs::write(path, report::markdown(&outcomes, &given.date, command))
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    if outcomes.is_empty() {
        return Err("no row of the table was chosen".to_owned());
    }
    Ok(outcomes
        .iter()
        .all(redgreen_testkit::real_projects::Outcome::is_expected))
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
