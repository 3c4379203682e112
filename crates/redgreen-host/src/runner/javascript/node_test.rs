//! node:test: one process for each test file, as `node --test` has it, each with a record of its own.

use super::{Asked, Start, io};
use crate::runner::CouldNotRun;
use serde_json::json;
use std::fs;

/// At most this many files run at the same time.
const MOST: usize = 4;

/// The command that runs the files one by one.
pub(super) fn start(asked: &Asked<'_>) -> Result<Start, CouldNotRun> {
    let reporter = asked.folder.probe("redgreen_node_test.mjs");
    let mut args = vec![
        "--import".to_owned(),
        reporter.clone(),
        format!("--test-reporter={reporter}"),
        "--test-reporter-destination=stdout".to_owned(),
    ];
    args.extend(asked.script.node.iter().cloned());
    args.extend(asked.settings.command.iter().flatten().skip(1).cloned());
    args.extend(asked.settings.arguments.iter().cloned());
    let mut files = Vec::new();
    let mut per_file = Vec::new();
    for (number, (path, file)) in asked.paths.iter().zip(&asked.files).enumerate() {
        let name = (number + 1).to_string();
        let record = asked.folder.path().join("r").join(&name);
        let secret = asked.folder.secret(&name, &record)?;
        let file = if file.starts_with('-') {
            format!("./{file}")
        } else {
            file.clone()
        };
        files.push(json!({"file": file, "secret": secret}));
        per_file.push((path.clone(), record));
    }
    let concurrency = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .saturating_sub(1)
        .clamp(1, MOST);
    let settings = json!({
        "node": asked.node,
        "args": args,
        "files": files,
        "cwd": asked.root,
        "concurrency": concurrency,
        "record": asked.folder.record(),
        "mark": asked.folder.mark(),
    });
    let place = asked.folder.path().join("run.json");
    let bytes = serde_json::to_vec(&settings).unwrap_or_default();
    fs::write(&place, bytes).map_err(|error| io("write", &place, &error))?;
    Ok(Start {
        argv: vec![
            asked.folder.probe("redgreen_node_driver.mjs"),
            place.display().to_string(),
        ],
        per_file,
    })
}
