//! `bench`: measures redgreen against the floor and against peers, both sides in one run, and prints ratios.
//!
//! It makes its own projects in a temporary folder. Wall and processor time of a command come from a process of its
//! own (`bench __once COMMAND…`), which has no other child. Rounds are interleaved: one of each side, then the next.

mod gates;
mod measure;
mod projects;
mod readers;
mod runs;
mod start;
mod table;
mod tree;

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: bench [SECTION…] [--redgreen PROGRAM] [--work DIR] [--rounds N] [--files N] [--write FILE]

  SECTION             start, gates, cargo, tree, runs, readers; all of them by default
  --redgreen PROGRAM  the redgreen beside this program by default
  --work DIR          a folder for the generated projects; a temporary one by default
  --rounds N          rounds of each comparison (5)
  --files N           files of the section `tree` (80000)
  --write FILE        also write the tables into this document, between its markers";

/// What was asked for.
pub struct Asked {
    /// The program that is measured.
    pub redgreen: PathBuf,
    /// Where everything is made.
    pub work: PathBuf,
    /// Rounds of each comparison.
    pub rounds: usize,
    /// Files of the large tree.
    pub files: usize,
}

/// What went wrong.
pub type Failed = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.first().map(String::as_str) {
        Some("__once") => measure::once(&words[1..]),
        Some("__floor") => tree::floor(&words[1..]),
        Some("__records") => readers::main(&words[1..]),
        Some("--help" | "-h") => {
            println!("{USAGE}");
            Ok(())
        }
        _ => run(words),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("bench: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: Vec<String>) -> Result<(), Failed> {
    let mut sections = Vec::new();
    let (mut redgreen, mut work, mut write) = (None, None, None);
    let (mut rounds, mut files) = (5, 80_000);
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if !word.starts_with("--") {
            sections.push(word);
            continue;
        }
        let value = words.next().ok_or(format!("`{word}` needs a value"))?;
        match word.as_str() {
            "--redgreen" => redgreen = Some(PathBuf::from(value)),
            "--work" => work = Some(PathBuf::from(value)),
            "--write" => write = Some(PathBuf::from(value)),
            "--rounds" => rounds = value.parse()?,
            "--files" => files = value.parse()?,
            other => return Err(format!("`{other}` is not known\n{USAGE}").into()),
        }
    }
    let redgreen = match redgreen {
        Some(path) => path.canonicalize()?,
        None => std::env::current_exe()?.with_file_name("redgreen"),
    };
    if !redgreen.is_file() {
        return Err(format!(
            "`{}` is missing: cargo build --release -p redgreen",
            redgreen.display()
        )
        .into());
    }
    let temporary;
    let work = match work {
        Some(path) => {
            std::fs::create_dir_all(&path)?;
            path.canonicalize()?
        }
        None => {
            temporary = tempfile::tempdir()?;
            temporary.path().to_owned()
        }
    };
    let asked = Asked {
        redgreen,
        work,
        rounds,
        files,
    };
    let mut tables = Vec::new();
    type Section = fn(&Asked) -> Result<table::Table, Failed>;
    let all: [(&str, Section); 6] = [
        ("start", start::run),
        ("gates", gates::pytest),
        ("cargo", gates::cargo),
        ("tree", tree::run),
        ("runs", runs::run),
        ("readers", readers::run),
    ];
    if let Some(unknown) = sections
        .iter()
        .find(|section| !all.iter().any(|(name, _)| name == section))
    {
        return Err(format!("`{unknown}` is no section\n{USAGE}").into());
    }
    for (name, section) in all {
        if sections.is_empty() || sections.iter().any(|section| section == name) {
            eprintln!("bench: {name}");
            let made = section(&asked)?;
            println!("{made}");
            tables.push((name, made));
        }
    }
    if let Some(file) = write {
        table::write(&file, &tables)?;
    }
    Ok(())
}
