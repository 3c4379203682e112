//! Starting the program.

use crate::measure::{Job, interleaved};
use crate::projects::{Project, must, text};
use crate::table::{Table, ms, ratio};
use crate::{Asked, Failed};
use std::process::Command;

/// Cold start against an empty static program.
pub fn run(asked: &Asked) -> Result<Table, Failed> {
    let source = asked.work.join("empty.rs");
    let empty = asked.work.join("empty");
    std::fs::write(&source, "fn main() {}\n")?;
    must(
        Command::new("rustc")
            .args([
                "-O",
                "-C",
                "target-feature=+crt-static",
                "-C",
                "panic=abort",
                "-o",
            ])
            .arg(&empty)
            .arg(&source),
    )?;
    let project = Project::python(asked, "start", 3)?;
    project.plan(3)?;
    project.commit()?;
    let redgreen = text(&asked.redgreen);
    let job = |arguments: &[&str]| {
        let mut argv = vec![redgreen.as_str()];
        argv.extend(arguments);
        Job::new(&project.root, &argv).with("REDGREEN_STATE_DIR", project.state.display())
    };
    let jobs = [
        Job::new(&project.root, &[&text(&empty)]),
        Job::new(&project.root, &["git", "--version"]),
        job(&["--version"]),
        job(&["status"]),
    ];
    let costs = interleaved(&jobs, asked.rounds * 10)?;
    let mut table = Table::new(
        "Starting the program",
        &["command", "wall ms", "CPU ms", "wall / empty program"],
    );
    for (name, cost) in [
        "an empty static program",
        "`git --version`",
        "`redgreen --version`",
        "`redgreen status` (3 tasks)",
    ]
    .iter()
    .zip(&costs)
    {
        table.row(&[
            (*name).to_owned(),
            ms(cost.wall),
            ms(cost.cpu),
            ratio(cost.wall / costs[0].wall, None),
        ]);
    }
    table.note(format!(
        "Medians of {} interleaved rounds.",
        asked.rounds * 10
    ));
    Ok(table)
}
