//! jest: its command line, with our reporter in its main process.

use super::{Asked, Start};
use crate::runner::CouldNotRun;

/// `jest --ci`, with everything off that stops early or counts coverage.
pub(super) fn start(asked: &Asked<'_>) -> Result<Start, CouldNotRun> {
    let mut argv = vec!["-r".to_owned(), asked.folder.probe("redgreen_probe.cjs")];
    argv.extend(asked.script.node.iter().cloned());
    argv.extend(asked.settings.command.iter().flatten().skip(1).cloned());
    argv.push(asked.entry("jest", &["bin/jest.js"])?);
    argv.extend(asked.script.options.iter().cloned());
    argv.push(format!(
        "--reporters={}",
        asked.folder.probe("redgreen_jest.cjs")
    ));
    argv.extend(
        [
            "--ci",
            "--testLocationInResults",
            "--coverage=false",
            "--watchAll=false",
            "--bail=0",
            "--passWithNoTests=false",
            "--colors=false",
        ]
        .map(str::to_owned),
    );
    argv.extend(asked.settings.arguments.iter().cloned());
    if asked.paths.is_empty() {
        argv.extend(asked.script.files.iter().cloned());
    } else {
        argv.push("--runTestsByPath".to_owned());
        argv.push("--".to_owned());
        argv.extend(asked.files.iter().cloned());
    }
    Ok(Start {
        argv,
        per_file: Vec::new(),
    })
}
