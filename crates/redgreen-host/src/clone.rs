//! A separate repository for an agent: one commit, no history, no remote, nothing of the referee's (SPEC C6, C5 `git`).

use crate::env;
use crate::process::{self, Spec};
use std::path::Path;

/// git refused to make the clone.
#[derive(Debug, thiserror::Error)]
#[error("failed to prepare `{folder}` as a repository: {why}")]
pub struct CloneError {
    /// The folder.
    pub folder: String,
    /// What git said.
    pub why: String,
}

/// Attributes that outrank those of the tree: no conversion of any kind.
const AS_THEY_LIE: &str = "* -text !eol !working-tree-encoding -ident !filter\n";

/// Makes a folder of files a git repository with one commit.
///
/// # Errors
/// [`CloneError`] with git's words.
pub fn init_with_one_commit(folder: &Path, home: &Path) -> Result<(), CloneError> {
    let failed = |why: String| CloneError {
        folder: folder.display().to_string(),
        why,
    };
    let git = env::find_program("git").ok_or_else(|| failed("`git` was not found".to_owned()))?;
    let commands: [&[&str]; 3] = [
        &["init", "--quiet", "--initial-branch=work", "--template="],
        &["add", "--all", "--force"],
        &[
            "commit",
            "--quiet",
            "--allow-empty",
            "--no-verify",
            "--no-gpg-sign",
            "-m",
            "start",
        ],
    ];
    for arguments in commands {
        if arguments[0] == "add" {
            // The files are the objects' own bytes. Converting them at check-in would fail (`working-tree-encoding`) or
            // show an agent differences that are none.
            let info = folder.join(".git/info");
            std::fs::create_dir_all(&info)
                .and_then(|()| std::fs::write(info.join("attributes"), AS_THEY_LIE))
                .map_err(|why| failed(why.to_string()))?;
        }
        let mut argv = vec![git.found.to_string_lossy().into_owned()];
        argv.extend(
            [
                "-c",
                "core.hooksPath=/dev/null",
                "-c",
                "core.autocrlf=false",
                "-c",
                "gc.auto=0",
            ]
            .map(str::to_owned),
        );
        argv.extend(arguments.iter().map(|&argument| argument.to_owned()));
        // Our own git on bytes that we wrote, with no configuration but this: nothing of theirs runs.
        let mut spec = Spec::unisolated("git clone", argv, folder);
        spec.env = env::child(home, home);
        for (name, value) in [
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_AUTHOR_NAME", "redgreen"),
            ("GIT_AUTHOR_EMAIL", "redgreen@localhost"),
            ("GIT_COMMITTER_NAME", "redgreen"),
            ("GIT_COMMITTER_EMAIL", "redgreen@localhost"),
            ("GIT_AUTHOR_DATE", "2000-01-01T00:00:00Z"),
            ("GIT_COMMITTER_DATE", "2000-01-01T00:00:00Z"),
        ] {
            spec.env.insert(name.to_owned(), value.to_owned());
        }
        spec.writable = vec![folder.to_path_buf()];
        let finished = process::run(&spec).map_err(|error| failed(error.to_string()))?;
        if !finished.success() {
            return Err(failed(finished.stderr_text().trim().to_owned()));
        }
    }
    Ok(())
}
