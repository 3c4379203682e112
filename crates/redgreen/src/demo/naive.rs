//! What judging by exit codes lets through: the agent's own folder, `cargo test`, nothing compared.

use super::sample::Sample;
use crate::error::Failure;
use redgreen_core::run_report::Ended;
use std::path::Path;

/// What the implementer of T4 does in its three attempts, where that is to be seen, and how the lines are found.
const CHEATS: [(&str, &str, &[&str]); 3] = [
    (
        "changes the test that fails",
        "tests/visits.rs",
        &["links.visits(\"home\")"],
    ),
    (
        "has every test program replaced by one that prints success",
        ".cargo/config.toml",
        &["runner"],
    ),
    (
        "ends the test program in the middle, with the words and the exit code of success",
        "src/links.rs",
        &["stdout", "exit"],
    ),
];

/// How many attempts cheat.
pub const COUNT: usize = CHEATS.len();

/// One cheat, judged by the exit code.
#[derive(Debug)]
pub struct Judgement {
    /// What the agent does.
    pub what: &'static str,
    /// The file in which it does it.
    pub file: &'static str,
    /// The changed lines.
    pub lines: Vec<String>,
    /// How `cargo test` ended.
    pub ended: Ended,
    /// Its last result line.
    pub result: String,
}

impl Judgement {
    /// Whether the exit code says that it is done.
    #[must_use]
    pub fn would_be_merged(&self) -> bool {
        self.ended == Ended::Code(0)
    }
}

/// Lets the implementer of T4 make an attempt in a clone of `commit`, and judges it by the exit code of `cargo test` with
/// these further arguments.
///
/// # Errors
/// A failure when git, the agent or cargo cannot be started.
pub fn judge(
    sample: &Sample,
    commit: &str,
    attempt: usize,
    arguments: &[&str],
) -> Result<Judgement, Failure> {
    let clone = clone(sample, commit, &format!("attempt-{attempt}"))?;
    agent(sample, &clone, "implementer.sh", "T4", attempt, "first")?;
    let (what, file, shows) = CHEATS[(attempt - 1).min(COUNT - 1)];
    sample.command("git", &["add", "--all", "--intent-to-add"], &clone, &[])?;
    let difference = sample.command("git", &["diff", "--unified=0", "--", file], &clone, &[])?;
    let lines = difference
        .lines()
        .filter(|line| !line.starts_with("---") && !line.starts_with("+++"))
        .filter(|line| shows.iter().any(|part| line.contains(part)))
        .filter_map(|line| line.split_at_checked(1))
        .filter(|(sign, _)| matches!(*sign, "-" | "+"))
        .map(|(sign, text)| format!("{sign} {}", text.trim()))
        .collect();
    let target = sample.scratch().join("target");
    let finished = sample.run(
        "cargo",
        &[&["test", "--offline"], arguments].concat(),
        &clone,
        &[("CARGO_TARGET_DIR", &target.to_string_lossy())],
    )?;
    let printed = finished.stdout_text();
    let result = printed
        .lines()
        .rfind(|line| line.contains("test result: ") && line.contains("3 passed"))
        .unwrap_or_default()
        .split("; ")
        .take(2)
        .collect::<Vec<_>>()
        .join("; ");
    Ok(Judgement {
        what,
        file,
        lines,
        ended: finished.ended,
        result,
    })
}

/// How many visits the code of an attempt counts after two, as it says itself; `None` when it says nothing of the kind.
///
/// # Errors
/// A failure when cargo cannot be started.
pub fn counted(sample: &Sample, attempt: usize) -> Result<Option<u64>, Failure> {
    const PROGRAM: &str = "fn main() {\n    let mut links = shortener::Links::default();\n    links.visit(\"home\");\n    links.visit(\"home\");\n    println!(\"counted={}\", links.visits(\"home\"));\n}\n";
    let clone = sample.scratch().join(format!("attempt-{attempt}"));
    let folder = clone.join("examples");
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(folder.join("two_visits.rs"), PROGRAM))
        .map_err(Failure::internal)?;
    let target = sample.scratch().join("target");
    let variables = [("CARGO_TARGET_DIR", &*target.to_string_lossy())];
    sample.command(
        "cargo",
        &["build", "--quiet", "--offline", "--example", "two_visits"],
        &clone,
        &variables,
    )?;
    let program = target.join("debug/examples/two_visits");
    let finished = sample.run(&program.to_string_lossy(), &[], &clone, &[])?;
    Ok(finished
        .stdout_text()
        .lines()
        .find_map(|line| line.strip_prefix("counted="))
        .and_then(|count| count.parse().ok()))
}

/// Brings the sample to where T4 is to be implemented, without a referee, and returns that commit.
///
/// # Errors
/// A failure when git or an agent cannot be started.
pub fn prepare(sample: &Sample) -> Result<String, Failure> {
    let repository = sample.repository();
    let commit = |message: &str| {
        sample.command("git", &["add", "--all"], &repository, &[])?;
        sample.command(
            "git",
            &["commit", "--quiet", "--no-verify", "-m", message],
            &repository,
            &[],
        )
    };
    for task in ["T1", "T2", "T3"] {
        agent(sample, &repository, "author.sh", task, 1, "fix")?;
        commit(&format!("tests of {task}"))?;
        agent(sample, &repository, "honest.sh", task, 2, "again")?;
        commit(task)?;
    }
    agent(sample, &repository, "author.sh", "T4", 1, "first")?;
    commit("tests of T4")?;
    let head = sample.command("git", &["rev-parse", "HEAD"], &repository, &[])?;
    Ok(head.trim().to_owned())
}

fn clone(sample: &Sample, commit: &str, name: &str) -> Result<std::path::PathBuf, Failure> {
    let clone = sample.scratch().join(name);
    let from = sample.repository();
    sample.command(
        "git",
        &[
            "clone",
            "--quiet",
            "--no-checkout",
            &from.to_string_lossy(),
            &clone.to_string_lossy(),
        ],
        &sample.scratch(),
        &[],
    )?;
    sample.command(
        "git",
        &["checkout", "--quiet", "--detach", commit],
        &clone,
        &[],
    )?;
    Ok(clone)
}

fn agent(
    sample: &Sample,
    folder: &Path,
    script: &str,
    task: &str,
    attempt: usize,
    mode: &str,
) -> Result<(), Failure> {
    let script = sample.agent(script);
    let role = if script.ends_with("author.sh") {
        "author"
    } else {
        "implementer"
    };
    let variables = [
        ("REDGREEN_TASK", task),
        ("REDGREEN_ROLE", role),
        ("REDGREEN_ATTEMPT", &attempt.to_string()),
        ("REDGREEN_MODE", mode),
    ];
    sample.command("sh", &[&script.to_string_lossy()], folder, &variables)?;
    Ok(())
}
