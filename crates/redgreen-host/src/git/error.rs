//! What can go wrong with git, each with the next step.

use std::path::Path;

/// The class of a git failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GitErrorKind {
    /// There is no git executable.
    NoGit,
    /// The folder is in no repository.
    NotARepository,
    /// The repository has no work tree.
    Bare,
    /// Configuration or a file in the git folder leads git to another work tree or repository (SPEC C1).
    PointsElsewhere,
    /// The repository belongs to another user and git refuses it.
    OtherOwner,
    /// A revision or reference does not exist.
    NoSuchRevision,
    /// An object is not there (a shallow or partial clone, or damage).
    ObjectMissing,
    /// An object's bytes do not have the id it is stored under (SPEC C1).
    ObjectDamaged,
    /// A file name is not UTF-8, or is no name that a tree may hold.
    BadName,
    /// A reference was changed by somebody else in the meantime.
    LostRace,
    /// `user.name` or `user.email` is missing.
    NoIdentity,
    /// Another git process holds the index or a reference.
    Locked,
    /// Signing was asked for and failed.
    SigningFailed,
    /// Anything else that git reported.
    Failed,
}

/// A git command that did not do what it should: what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct GitError {
    /// The class.
    pub kind: GitErrorKind,
    /// What happened, a lower-case fragment.
    pub what: String,
    /// The next step.
    pub hint: String,
}

impl GitError {
    pub(super) fn new(
        kind: GitErrorKind,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            what: what.into(),
            hint: hint.into(),
        }
    }

    pub(super) fn no_git() -> Self {
        Self::new(
            GitErrorKind::NoGit,
            "there is no `git` on the search path",
            "install git 2.40 or newer, then try again",
        )
    }

    pub(super) fn bare(dir: &Path) -> Self {
        Self::new(
            GitErrorKind::Bare,
            format!("`{}` has no work tree", dir.display()),
            "run redgreen in a checkout: `git worktree add ../checkout`",
        )
    }

    pub(super) fn points_elsewhere(what: String) -> Self {
        Self::new(
            GitErrorKind::PointsElsewhere,
            what,
            "look at `core.worktree`: git config --show-origin core.worktree; remove it: git config --unset core.worktree",
        )
    }

    /// What `rev-parse` said when a repository could not be opened.
    pub(super) fn open(dir: &Path, stderr: &str) -> Self {
        if stderr.contains("dubious ownership") {
            return Self::new(
                GitErrorKind::OtherOwner,
                format!(
                    "the repository at `{}` belongs to another user",
                    dir.display()
                ),
                format!(
                    "if you trust it: `git config --global --add safe.directory {}`",
                    dir.display()
                ),
            );
        }
        if stderr.contains("must be run in a work tree") {
            return Self::bare(dir);
        }
        if stderr.contains("repository extension") || stderr.contains("git repo version") {
            return Self::new(
                GitErrorKind::Failed,
                format!(
                    "git cannot read the repository at `{}`: {}",
                    dir.display(),
                    stderr.trim()
                ),
                "look at `core.repositoryFormatVersion` and `extensions.*` in its `config`; a newer git may know them",
            );
        }
        if stderr.contains("not a git repository") {
            return Self::new(
                GitErrorKind::NotARepository,
                format!("`{}` is not inside a git repository", dir.display()),
                "change to your project, or begin one: `git init`",
            );
        }
        Self::failed("rev-parse", stderr)
    }

    /// What a command said when it failed, put into a class.
    pub(super) fn failed(command: &str, stderr: &str) -> Self {
        let said = stderr.trim().lines().collect::<Vec<_>>().join("; ");
        if said.contains("index.lock") {
            return Self::new(
                GitErrorKind::Locked,
                "another git process holds the index",
                "let it finish; if none runs, remove `index.lock` in the git folder",
            );
        }
        if said.contains("No space left on device") {
            return Self::new(
                GitErrorKind::Failed,
                format!("`git {command}` found no space left on the disk"),
                "free some space, then try again",
            );
        }
        if said.contains("Read-only file system") || said.contains("ermission denied") {
            return Self::new(
                GitErrorKind::Failed,
                format!("`git {command}` may not write to the repository: {said}"),
                "make the git folder writable, or work in a clone of your own: git clone . ../mine",
            );
        }
        Self::new(
            GitErrorKind::Failed,
            format!("`git {command}` failed: {said}"),
            "`git fsck` tells whether the repository is whole",
        )
    }

    /// Paths go to git, runners and evidence as text.
    pub(super) fn odd_place(dir: &Path) -> Self {
        Self::new(
            GitErrorKind::BadName,
            format!(
                "the path of the repository, {dir:?}, is not UTF-8 or has a line break or another control character in it"
            ),
            "rename that folder, or clone into another one",
        )
    }

    pub(super) fn inside_git_folder(dir: &Path) -> Self {
        Self::new(
            GitErrorKind::Bare,
            format!("`{}` lies inside the git folder", dir.display()),
            "change to the checkout: cd \"$(dirname \"$(git rev-parse --absolute-git-dir)\")\"",
        )
    }

    pub(crate) fn missing(oid: &str) -> Self {
        Self::new(
            GitErrorKind::ObjectMissing,
            format!("object `{oid}` is not in the repository"),
            "a shallow or partial clone lacks it: `git fetch --unshallow` or `git fetch --refetch`",
        )
    }

    pub(super) fn damaged(oid: &str, found: &str) -> Self {
        Self::new(
            GitErrorKind::ObjectDamaged,
            format!("object `{oid}` holds bytes whose id is `{found}`"),
            "the repository was damaged or changed by hand: `git fsck`, then fetch it again from a good clone",
        )
    }

    pub(super) fn bad_name(name: &[u8], why: &str) -> Self {
        Self::new(
            GitErrorKind::BadName,
            format!("file name `{}` {why}", String::from_utf8_lossy(name)),
            "rename it with `git mv`; redgreen needs UTF-8 names without special components",
        )
    }
}
