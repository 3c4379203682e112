//! Lines of history: the commits of a range along first parents, and which branch a branch came from (SPEC C9).

use super::{Commit, GitError, GitErrorKind, Oid, Repository};

impl Repository {
    /// The commits of a range (`main..topic`) or the last `most` of a revision along first parents, newest first, each
    /// read from verified bytes.
    ///
    /// # Errors
    /// The range does not exist, or an object is missing or damaged.
    pub fn first_parents(&self, range: &str, most: Option<usize>) -> Result<Vec<Commit>, GitError> {
        let count = most.map(|most| format!("--max-count={most}"));
        let mut arguments = vec!["rev-list", "--first-parent"];
        arguments.extend(count.as_deref());
        arguments.extend(["--end-of-options", range, "--"]);
        let finished = self.call(&arguments, &[])?;
        if !finished.success() {
            let hint = if self.is_shallow() {
                "this clone is shallow; fetch the rest: `git fetch --unshallow`"
            } else {
                "name it as `base..head`, a branch or a commit"
            };
            return Err(GitError::new(
                GitErrorKind::NoSuchRevision,
                format!("there is no range `{range}`"),
                hint,
            ));
        }
        finished
            .stdout_text()
            .lines()
            .map(|oid| self.commit(oid))
            .collect()
    }

    /// Whether an object is here.
    ///
    /// # Errors
    /// git could not be run.
    pub fn has(&self, oid: &str) -> Result<bool, GitError> {
        Ok(self.call(&["cat-file", "-e", oid], &[])?.success())
    }

    /// The branch that a local branch follows, as a complete reference name.
    ///
    /// # Errors
    /// git failed.
    pub fn upstream_of(&self, branch: &str) -> Result<Option<String>, GitError> {
        let name = format!("refs/heads/{branch}");
        let text = self.text(&["for-each-ref", "--format=%(upstream)", &name], &[])?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// The branch that work is merged into, with its commit: what the remote says, else `main` or `master`.
    ///
    /// # Errors
    /// git failed.
    pub fn default_branch(&self) -> Result<Option<(String, Oid)>, GitError> {
        let remote = self.call(&["symbolic-ref", "-q", "refs/remotes/origin/HEAD"], &[])?;
        let said = remote.stdout_text().trim().to_owned();
        let names = [
            said.as_str(),
            "refs/remotes/origin/main",
            "refs/remotes/origin/master",
            "refs/heads/main",
            "refs/heads/master",
        ];
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            if let Some(oid) = self.refs(name)?.get(name) {
                return Ok(Some((name.to_owned(), oid.clone())));
            }
        }
        Ok(None)
    }
}
