//! Replays the cheat corpus: `cheat-corpus [--filter TEXT]… [--jobs N] [--write]`.

use redgreen_testkit::cheats::{self, Places, Played, case, report};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage: cheat-corpus [OPTIONS]
  --filter TEXT       only cases whose id contains this; may be given again
  --jobs N            how many at once; 2 by default
  --write             write corpus/cheats/results.json, docs/reference/cheat-corpus.md and the sentence of README.md
  --smoke             only the selection that runs as a test
  --redgreen PROGRAM  the redgreen beside this program by default
With --filter, --write replaces the results of the chosen cases and keeps the others.
Ends with 0 when every case ended as it must (known misses included), with 1 otherwise, with 2 for wrong arguments.";

#[derive(Default)]
struct Arguments {
    filter: Vec<String>,
    jobs: Option<usize>,
    write: bool,
    smoke: bool,
    redgreen: Option<PathBuf>,
}

fn arguments() -> Result<Arguments, String> {
    let mut found = Arguments::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .ok_or_else(|| format!("`{word}` needs a value"))
        };
        match word.as_str() {
            "--filter" => found.filter.push(value()?),
            "--jobs" => found.jobs = Some(value()?.parse().map_err(|_| "`--jobs` is a number")?),
            "--redgreen" => found.redgreen = Some(value()?.into()),
            "--write" => found.write = true,
            "--smoke" => found.smoke = true,
            other => return Err(format!("`{other}` is not known")),
        }
    }
    Ok(found)
}

fn run() -> Result<bool, String> {
    let given = arguments()?;
    let top = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .map_err(|error| error.to_string())?;
    let beside = std::env::current_exe().map_err(|error| error.to_string())?;
    let redgreen = given
        .redgreen
        .unwrap_or_else(|| beside.with_file_name("redgreen"));
    if !redgreen.is_file() {
        return Err(format!(
            "there is no `{}`: cargo build -p redgreen",
            redgreen.display()
        ));
    }
    let redgreen = redgreen.canonicalize().map_err(|error| error.to_string())?;
    let build = beside.parent().and_then(Path::parent).unwrap_or(&top);
    let work = tempfile::tempdir().map_err(|error| error.to_string())?;
    let environment = cheats::environment(
        &build.join("cheat-corpus"),
        &top.join("crates/redgreen-host/tests/pytest/requirements.txt"),
    )?;
    let places = Places {
        corpus: top.join("corpus/cheats"),
        work: work
            .path()
            .canonicalize()
            .map_err(|error| error.to_string())?,
        redgreen,
        environment,
        strict: true,
    };
    let all = case::read(&places.corpus)?;
    let chosen: Vec<case::Case> = all
        .iter()
        .filter(|case| {
            (given.filter.is_empty() || given.filter.iter().any(|text| case.id.contains(text)))
                && (!given.smoke || case.smoke)
        })
        .cloned()
        .collect();
    if chosen.is_empty() {
        return Err("no case was chosen".to_owned());
    }
    let results = cheats::play(&places, &chosen, given.jobs.unwrap_or(2), &|played| {
        println!("{}", report::line(played));
    });
    let line = report::headline(&results);
    println!(
        "{} cheats: {} called green by hashes and exit code, {} by redgreen, {} by it with strict controls; {} of {} honest \
         controls pass, {} with strict ones",
        line.cheats,
        line.usual,
        line.missed,
        line.missed_strictly,
        line.honest_passed,
        line.honest,
        line.honest_strictly
    );
    let right = results.iter().all(|played| played.wrong.is_none());
    if given.write {
        let kept = cheats::committed(&places.corpus)?;
        let wanted = |old: &Played| {
            all.iter().any(|case| case.id == old.id) && !results.iter().any(|new| new.id == old.id)
        };
        let mut merged: Vec<Played> = kept.into_iter().filter(wanted).collect();
        merged.extend(results);
        merged.sort_by(|a, b| a.id.cmp(&b.id));
        write(&top, &merged)?;
    }
    Ok(right)
}

fn write(top: &Path, results: &[Played]) -> Result<(), String> {
    let put = |name: &str, text: String| {
        std::fs::write(top.join(name), text).map_err(|error| format!("{name}: {error}"))
    };
    let json = serde_json::to_string_pretty(results).map_err(|error| error.to_string())?;
    put("corpus/cheats/results.json", json + "\n")?;
    put("docs/reference/cheat-corpus.md", report::markdown(results))?;
    let readme =
        std::fs::read_to_string(top.join("README.md")).map_err(|error| error.to_string())?;
    let new =
        report::in_readme(&readme, results).ok_or("README.md has no place for the sentence")?;
    put("README.md", new)
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
