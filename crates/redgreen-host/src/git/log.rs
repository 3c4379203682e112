//! Growing logs in git: a reference whose commits each add files, and the commits that carry a trailer.

use super::{Commit, GitError, GitErrorKind, Oid, Repository};
use crate::clock;
use crate::process::run;

impl Repository {
    /// Adds files to the log under `name` (a complete reference name) in one commit on `parent`, with one git process
    /// and without touching index or work tree. `None` begins the log.
    ///
    /// # Errors
    /// [`GitErrorKind::LostRace`] when the log does not end at `parent` any more; git failed.
    pub fn append_to_log(
        &self,
        name: &str,
        parent: Option<&str>,
        message: &str,
        files: &[(String, &[u8])],
    ) -> Result<(), GitError> {
        let mut spec = self.spec(&["fast-import", "--quiet", "--done"]);
        let input = &mut spec.stdin;
        input.extend_from_slice(
            format!(
                "commit {name}\ncommitter redgreen <redgreen@localhost> {} +0000\ndata {}\n{message}\n",
                clock::now_unix(),
                message.len()
            )
            .as_bytes(),
        );
        if let Some(parent) = parent {
            input.extend_from_slice(format!("from {parent}\n").as_bytes());
        }
        for (path, bytes) in files {
            input.extend_from_slice(
                format!("M 100644 inline {path}\ndata {}\n", bytes.len()).as_bytes(),
            );
            input.extend_from_slice(bytes);
            input.push(b'\n');
        }
        input.extend_from_slice(b"\ndone\n");
        let finished = run(&spec).map_err(|why| GitError::spawn(&why))?;
        if finished.success() {
            return Ok(());
        }
        let said = finished.stderr_text();
        if said.contains("does not contain") || said.contains("Not updating") {
            return Err(GitError::new(
                GitErrorKind::LostRace,
                format!("`{name}` was changed by somebody else"),
                "nothing was overwritten; try again",
            ));
        }
        Err(GitError::failed("fast-import", &said))
    }

    /// Commits that any reference leads to (or those of a range) whose message mentions a trailer, each read from
    /// verified bytes. Whether it is a trailer there, [`Commit::trailers`] tells.
    ///
    /// # Errors
    /// The range does not exist, or an object is missing or damaged.
    pub fn commits_mentioning(
        &self,
        trailer: &str,
        range: Option<&str>,
    ) -> Result<Vec<Commit>, GitError> {
        let pattern = format!("--grep={trailer}: ");
        let mut arguments = vec!["rev-list", "--fixed-strings", &pattern];
        match range {
            Some(range) if range.starts_with('-') => {
                return Err(GitError::failed(
                    "rev-list",
                    "a range cannot begin with `-`",
                ));
            }
            Some(range) => arguments.extend([range, "--"]),
            None => arguments.extend(["--all", "--"]),
        }
        let finished = self.call(&arguments, &[])?;
        if !finished.success() {
            return Err(GitError::new(
                GitErrorKind::NoSuchRevision,
                format!(
                    "there is no range `{}`: {}",
                    range.unwrap_or("--all"),
                    finished.stderr_text().trim()
                ),
                "name it as `base..head`; a shallow clone may lack it: `git fetch --unshallow`",
            ));
        }
        let oids: Vec<Oid> = finished.stdout_text().lines().map(str::to_owned).collect();
        oids.iter().map(|oid| self.commit(oid)).collect()
    }
}
