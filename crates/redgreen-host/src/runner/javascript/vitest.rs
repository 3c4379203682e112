//! vitest: its command line, with our reporter in its main process.

use super::{Asked, Start};
use crate::runner::CouldNotRun;

/// `vitest run`, with everything off that stops early, tries again or writes.
pub(super) fn start(asked: &Asked<'_>) -> Result<Start, CouldNotRun> {
    let mut argv = vec!["-r".to_owned(), asked.folder.probe("redgreen_probe.cjs")];
    argv.extend(asked.script.node.iter().cloned());
    argv.extend(asked.settings.command.iter().flatten().skip(1).cloned());
    argv.push(asked.entry("vitest", &["vitest.mjs"])?);
    argv.push("run".to_owned());
    argv.extend(asked.script.options.iter().cloned());
    argv.push(format!(
        "--reporter={}",
        asked.folder.probe("redgreen_vitest.mjs")
    ));
    argv.extend(
        [
            "--includeTaskLocation",
            "--coverage.enabled=false",
            "--passWithNoTests=false",
            "--retry=0",
            "--bail=0",
            "--update=false",
        ]
        .map(str::to_owned),
    );
    argv.extend(asked.settings.arguments.iter().cloned());
    // Its filters are parts of paths; an absolute one is of one file.
    argv.extend(if asked.paths.is_empty() {
        asked.script.files.clone()
    } else {
        let real = asked
            .request
            .tree
            .canonicalize()
            .unwrap_or_else(|_| asked.request.tree.to_owned());
        asked
            .paths
            .iter()
            .map(|path| real.join(path.as_str()).display().to_string())
            .collect()
    });
    Ok(Start {
        argv,
        per_file: Vec::new(),
    })
}
