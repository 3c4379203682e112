//! mocha: its command line, with our reporter in its process.

use super::{Asked, Start};
use crate::runner::CouldNotRun;

/// mocha in one process, with everything off that stops early or tries again.
pub(super) fn start(asked: &Asked<'_>) -> Result<Start, CouldNotRun> {
    let mut argv = vec!["-r".to_owned(), asked.folder.probe("redgreen_probe.cjs")];
    argv.extend(asked.script.node.iter().cloned());
    argv.extend(asked.settings.command.iter().flatten().skip(1).cloned());
    // `bin/mocha.js` starts a second process where it is given options of node.
    argv.push(asked.entry("mocha", &["bin/_mocha", "bin/mocha.js", "bin/mocha"])?);
    argv.extend(asked.script.options.iter().cloned());
    argv.push("--reporter".to_owned());
    argv.push(asked.folder.probe("redgreen_mocha.cjs"));
    argv.extend(
        [
            "--full-trace",
            "--no-parallel",
            "--no-bail",
            "--retries=0",
            "--no-color",
            "--no-watch",
        ]
        .map(str::to_owned),
    );
    argv.extend(asked.settings.arguments.iter().cloned());
    argv.extend(if asked.paths.is_empty() {
        asked.script.files.clone()
    } else {
        asked.files.clone()
    });
    Ok(Start {
        argv,
        per_file: Vec::new(),
    })
}
