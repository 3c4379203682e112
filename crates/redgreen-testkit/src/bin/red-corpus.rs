//! Judges the tests of `corpus/red`: `red-corpus [--language NAME]… [--write]`.

use redgreen_testkit::cheats;
use redgreen_testkit::red_causes::{self, Places, report};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage: red-corpus [OPTIONS]
  --language NAME     python or rust; both by default
  --write             write docs/reference/red-corpus.md (both languages)
  --redgreen PROGRAM  the redgreen beside this program by default
Ends with 0 when RED says of every test what it must, with 1 otherwise, with 2 for wrong arguments.";

fn run() -> Result<bool, String> {
    let (mut languages, mut write, mut redgreen) = (Vec::new(), false, None::<PathBuf>);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .ok_or_else(|| format!("`{word}` needs a value"))
        };
        match word.as_str() {
            "--language" => languages.push(value()?),
            "--redgreen" => redgreen = Some(value()?.into()),
            "--write" => write = true,
            other => return Err(format!("`{other}` is not known")),
        }
    }
    if languages.is_empty() || write {
        languages = vec!["python".to_owned(), "rust".to_owned()];
    }
    let text = |error: std::io::Error| error.to_string();
    let top = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .map_err(text)?;
    let beside = std::env::current_exe().map_err(text)?;
    let redgreen = redgreen.unwrap_or_else(|| beside.with_file_name("redgreen"));
    let redgreen = redgreen
        .canonicalize()
        .map_err(|_| "build it first: cargo build -p redgreen".to_owned())?;
    let own = beside
        .parent()
        .and_then(Path::parent)
        .unwrap_or(&top)
        .join("red-corpus");
    std::fs::create_dir_all(&own).map_err(text)?;
    let work = tempfile::tempdir().map_err(text)?;
    let places = Places {
        redgreen,
        environment: plain_environment(&top, &own)?,
        work: work.path().to_owned(),
        shared: own.join("shared"),
    };
    let mut all = Vec::new();
    for language in &languages {
        let corpus = red_causes::read(&top.join("corpus/red"), language)?;
        let judged = red_causes::judge(&places, &corpus)?;
        for one in &judged {
            println!("{}", report::line(one));
        }
        all.push((corpus, judged));
    }
    println!("{}", report::headline(&all));
    if write {
        let page = top.join("docs/reference/red-corpus.md");
        std::fs::write(page, report::markdown(&all)).map_err(text)?;
    }
    Ok(all
        .iter()
        .flat_map(|(_, judged)| judged)
        .all(red_causes::Judged::is_right))
}

/// pytest without the plugins that the adapter's tests need: a missing plugin must be missing.
fn plain_environment(top: &Path, own: &Path) -> Result<PathBuf, String> {
    let list = top.join("crates/redgreen-host/tests/pytest/requirements.txt");
    let text = std::fs::read_to_string(list).map_err(|error| error.to_string())?;
    let line = text.lines().find(|line| line.starts_with("pytest=="));
    let requirements = own.join("requirements.txt");
    std::fs::write(&requirements, line.unwrap_or("pytest")).map_err(|error| error.to_string())?;
    cheats::environment(&own.join("python"), &requirements)
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
