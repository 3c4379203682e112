//! Revisions and references.

use super::{GitError, GitErrorKind, Oid, Repository};
use std::collections::BTreeMap;

/// What `HEAD` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// A branch without a commit.
    Unborn {
        /// The branch, such as `main`.
        name: String,
    },
    /// A commit without a branch.
    Detached(Oid),
    /// A branch.
    Branch {
        /// Its short name, such as `main`.
        name: String,
        /// Its commit.
        oid: Oid,
    },
}

impl Head {
    /// The commit; `None` when there is none yet.
    #[must_use]
    pub fn oid(&self) -> Option<&str> {
        match self {
            Self::Unborn { .. } => None,
            Self::Detached(oid) | Self::Branch { oid, .. } => Some(oid),
        }
    }
}

impl Repository {
    /// What `HEAD` is.
    ///
    /// # Errors
    /// git failed.
    pub fn head(&self) -> Result<Head, GitError> {
        let symbolic = self.call(&["symbolic-ref", "--quiet", "HEAD"], &[])?;
        let oid = match self.resolve("HEAD") {
            Ok(oid) => Some(oid),
            Err(why) if why.kind == GitErrorKind::NoSuchRevision => None,
            Err(why) => return Err(why),
        };
        if !symbolic.success() {
            return oid.map(Head::Detached).ok_or_else(|| {
                GitError::failed("rev-parse", "`HEAD` names a commit that is not there")
            });
        }
        let full = symbolic.stdout_text();
        let name = full.trim();
        let name = name.strip_prefix("refs/heads/").unwrap_or(name).to_owned();
        Ok(match oid {
            Some(oid) => Head::Branch { name, oid },
            None => Head::Unborn { name },
        })
    }

    fn parse_revision(&self, rev: &str, suffix: &str) -> Result<Oid, GitError> {
        let wanted = format!("{rev}{suffix}");
        if let Some(oid) = self.helper.named(self, &wanted) {
            return Ok(oid);
        }
        let finished = self.call(
            &[
                "rev-parse",
                "--verify",
                "--quiet",
                "--end-of-options",
                &wanted,
            ],
            &[],
        )?;
        // Without its value, `--end-of-options` itself is echoed by old versions of git.
        let text = finished.stdout_text();
        match text.lines().last() {
            Some(oid) if finished.success() => Ok(oid.to_owned()),
            Some(_) | None => Err(GitError::new(
                GitErrorKind::NoSuchRevision,
                format!("there is no commit `{rev}`"),
                "`git log --oneline --all` shows what there is; a shallow clone may lack it: `git fetch --unshallow`",
            )),
        }
    }

    /// The commit that a revision names (branch, tag, `HEAD~2`, id).
    ///
    /// # Errors
    /// There is no such commit.
    pub fn resolve(&self, rev: &str) -> Result<Oid, GitError> {
        self.parse_revision(rev, "^{commit}")
    }

    /// The object that a revision names, of any kind.
    ///
    /// # Errors
    /// There is no such object.
    pub fn resolve_object(&self, rev: &str) -> Result<Oid, GitError> {
        self.parse_revision(rev, "^{object}")
    }

    /// Sets a reference if it still has the expected value (compare and swap). `expected_old` of `None` means that it
    /// must not exist yet. `name` is complete, such as `refs/heads/main`.
    ///
    /// # Errors
    /// [`GitErrorKind::LostRace`] when somebody else changed it.
    pub fn update_ref(
        &self,
        name: &str,
        new: &str,
        expected_old: Option<&str>,
    ) -> Result<(), GitError> {
        let null = self.object_format().null_oid();
        let old = expected_old.unwrap_or(&null);
        let finished = self.call(
            &["update-ref", "-m", "redgreen", "--no-deref", name, new, old],
            &[],
        )?;
        self.judge_update(name, finished.success(), &finished.stderr_text())
    }

    /// Lets references of ours name these objects, whatever they named before, all of them at once: two git processes.
    ///
    /// # Errors
    /// [`GitErrorKind::LostRace`] when somebody else changed one meanwhile.
    pub fn point_refs(&self, wanted: &[(String, Oid)]) -> Result<(), GitError> {
        let mut arguments = vec!["for-each-ref", "--format=%(objectname) %(refname)"];
        arguments.extend(wanted.iter().map(|(name, _)| name.as_str()));
        let before = names_of(&self.text(&arguments, &[])?);
        let null = self.object_format().null_oid();
        let mut input = Vec::new();
        for (name, oid) in wanted {
            let old = before.get(name).unwrap_or(&null);
            if old != oid {
                input.extend_from_slice(format!("update {name}\0{oid}\0{old}\0").as_bytes());
            }
        }
        if input.is_empty() {
            return Ok(());
        }
        let finished = self.call(
            &[
                "update-ref",
                "-m",
                "redgreen",
                "--no-deref",
                "-z",
                "--stdin",
            ],
            &input,
        )?;
        let name = wanted.first().map_or("", |(name, _)| name);
        self.judge_update(name, finished.success(), &finished.stderr_text())
    }

    /// Deletes a reference if it still has the expected value.
    ///
    /// # Errors
    /// [`GitErrorKind::LostRace`] when somebody else changed it.
    pub fn delete_ref(&self, name: &str, expected_old: &str) -> Result<(), GitError> {
        let finished = self.call(&["update-ref", "--no-deref", "-d", name, expected_old], &[])?;
        self.judge_update(name, finished.success(), &finished.stderr_text())
    }

    fn judge_update(&self, name: &str, success: bool, stderr: &str) -> Result<(), GitError> {
        if success {
            return Ok(());
        }
        // git says "is at X but expected Y", "reference already exists", "unable to resolve reference".
        let lost = [
            "but expected",
            "already exists",
            "unable to resolve reference",
        ]
        .iter()
        .any(|text| stderr.contains(text));
        if lost {
            return Err(GitError::new(
                GitErrorKind::LostRace,
                format!("`{name}` was changed by somebody else: {}", stderr.trim()),
                "nothing was overwritten; look at it, then try again",
            ));
        }
        if stderr.contains(".lock") {
            return Err(GitError::new(
                GitErrorKind::Locked,
                format!("another git process holds `{name}`"),
                "let it finish, then try again",
            ));
        }
        Err(GitError::failed("update-ref", stderr))
    }

    /// References below a prefix (`refs/heads/`, `refs/redgreen/`), complete names with their object.
    ///
    /// # Errors
    /// git failed.
    pub fn refs(&self, prefix: &str) -> Result<BTreeMap<String, Oid>, GitError> {
        let text = self.text(
            &["for-each-ref", "--format=%(objectname) %(refname)", prefix],
            &[],
        )?;
        Ok(names_of(&text))
    }

    /// Whether `ancestor` is reachable from `descendant` (or is it).
    ///
    /// # Errors
    /// A revision does not exist.
    pub fn is_ancestor(&self, ancestor: &str, descendant: &str) -> Result<bool, GitError> {
        let (ancestor, descendant) = (self.resolve(ancestor)?, self.resolve(descendant)?);
        let finished = self.call(
            &["merge-base", "--is-ancestor", &ancestor, &descendant],
            &[],
        )?;
        match finished.ended {
            redgreen_core::run_report::Ended::Code(0) => Ok(true),
            redgreen_core::run_report::Ended::Code(1) => Ok(false),
            _ => Err(GitError::failed("merge-base", &finished.stderr_text())),
        }
    }

    /// Adds a linked worktree with a new branch at a commit, with the user's own settings, without hooks and without
    /// filters: what a repository names in `.gitattributes` must not run a program because a person takes a task. A file
    /// under a filter is written as it is stored (a git-lfs pointer stays one until `git lfs pull`).
    ///
    /// # Errors
    /// The folder or the branch exists already.
    pub fn add_worktree(
        &self,
        folder: &std::path::Path,
        branch: &str,
        commit: &str,
    ) -> Result<(), GitError> {
        let folder = folder.to_string_lossy();
        let mut arguments = self.without_filters()?;
        arguments.extend(
            ["worktree", "add", "--quiet", "-b", branch, &folder, commit].map(str::to_owned),
        );
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let spec = self.user_spec(&arguments);
        let finished = crate::process::run(&spec).map_err(|why| GitError::spawn(&why))?;
        if finished.success() {
            Ok(())
        } else {
            Err(GitError::failed("worktree add", &finished.stderr_text()))
        }
    }

    /// Moves the checked-out branch, the index and the working tree to a descendant, with the user's own settings (line
    /// ends), without hooks and without filters. git itself refuses where a changed file would be overwritten.
    ///
    /// # Errors
    /// The commit is no descendant, something of the user's would be overwritten, or a changed file goes through a filter:
    /// running it is for the user to do.
    pub fn fast_forward(&self, commit: &str) -> Result<(), GitError> {
        let changed = self.output(
            &[
                "diff-tree",
                "-r",
                "-z",
                "--name-only",
                "--no-renames",
                "HEAD",
                commit,
            ],
            &[],
        )?;
        let filters = self.output(&["check-attr", "-z", "--stdin", "filter"], &changed)?;
        let mut fields = filters.split(|&byte| byte == 0);
        while let (Some(path), Some(_), Some(value)) = (fields.next(), fields.next(), fields.next())
        {
            if !matches!(value, b"unspecified" | b"unset") {
                return Err(GitError::new(
                    GitErrorKind::Failed,
                    format!(
                        "`{}` goes through the filter `{}` of the git configuration, which redgreen does not run",
                        String::from_utf8_lossy(path),
                        String::from_utf8_lossy(value)
                    ),
                    format!("take it over yourself: git merge --ff-only {commit}"),
                ));
            }
        }
        let mut arguments = self.without_filters()?;
        arguments.extend(["merge", "--quiet", "--ff-only", commit].map(str::to_owned));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let spec = self.user_spec(&arguments);
        let finished = crate::process::run(&spec).map_err(|why| GitError::spawn(&why))?;
        if finished.success() {
            Ok(())
        } else {
            Err(GitError::failed("merge --ff-only", &finished.stderr_text()))
        }
    }

    /// A best common ancestor; `None` for unrelated histories.
    ///
    /// # Errors
    /// A revision does not exist.
    pub fn merge_base(&self, one: &str, other: &str) -> Result<Option<Oid>, GitError> {
        let (one, other) = (self.resolve(one)?, self.resolve(other)?);
        let finished = self.call(&["merge-base", &one, &other], &[])?;
        Ok(finished
            .success()
            .then(|| finished.stdout_text().trim().to_owned()))
    }
}

/// Lines of `object name`.
fn names_of(text: &str) -> BTreeMap<String, Oid> {
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(oid, name)| (name.to_owned(), oid.to_owned()))
        .collect()
}
