//! The `git` executable behind one typed wrapper.
//!
//! Plumbing only, with a cleared environment: no hooks, replace refs, grafts, commit-graph files, fsmonitor, filters,
//! lazy fetches or user configuration take part (`reference/trust.md` 1.4). Objects that matter (commits, trees, blobs)
//! are read as raw bytes and hashed again by us, because git does not check what it reads (SPEC C1).

mod attributes;
mod commit;
mod error;
mod helper;
mod history;
mod index;
mod log;
mod memory;
mod object;
mod refs;
mod settings;
mod tree;
mod write;

pub use attributes::Checkin;
pub use commit::{Commit, CommitRequest, Identity, Signing};
pub use error::{GitError, GitErrorKind};
pub(crate) use object::Hasher;
pub use object::{ObjectFormat, ObjectKind};
pub use refs::Head;
pub use write::Change;

use crate::env;
use crate::process::{Finished, Isolation, SpawnError, Spec, run};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A git object id: 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal digits.
pub type Oid = String;

/// A repository with a work tree, found from any folder inside it; linked worktrees too.
#[derive(Debug, Clone)]
pub struct Repository {
    program: PathBuf,
    top_level: PathBuf,
    git_dir: PathBuf,
    common_dir: PathBuf,
    format: ObjectFormat,
    shallow: bool,
    memory: memory::Memory,
    helper: helper::Helper,
    settings: settings::Settings,
}

impl Repository {
    /// Finds the repository that `dir` lies in.
    ///
    /// # Errors
    /// No git executable, no repository, a bare one, one owned by another user; each with the next step.
    pub fn open(dir: &Path) -> Result<Self, GitError> {
        let program = env::find_program("git").ok_or_else(GitError::no_git)?.found;
        let real = std::fs::canonicalize(dir).unwrap_or_else(|_| dir.to_path_buf());
        if real
            .to_str()
            .is_none_or(|text| text.chars().any(char::is_control))
        {
            return Err(GitError::odd_place(&real));
        }
        let mut spec = Spec::unisolated("git rev-parse", Vec::new(), dir);
        spec.argv = vec![
            program.to_string_lossy().into_owned(),
            "rev-parse".into(),
            "--path-format=absolute".into(),
            "--is-bare-repository".into(),
            "--is-inside-work-tree".into(),
            "--show-object-format=storage".into(),
            "--is-shallow-repository".into(),
            "--git-common-dir".into(),
            "--git-dir".into(),
            // Last, because it fails where there is no work tree; what is said before it tells why.
            "--show-toplevel".into(),
        ];
        // The user's own configuration takes part here only: it holds `safe.directory`.
        spec.env = env::git_user();
        spec.env.extend(fixed());
        spec.end_leftovers = false;
        spec.isolation = Isolation::Process;
        let finished = run(&spec).map_err(|why| GitError::spawn(&why))?;
        let lines: Vec<&[u8]> = finished.stdout.split(|&byte| byte == b'\n').collect();
        if !finished.success() && lines.len() < 7 {
            return Err(GitError::open(dir, &finished.stderr_text()));
        }
        let line = |index: usize| lines.get(index).copied().unwrap_or_default();
        let path = |index: usize| PathBuf::from(OsStr::from_bytes(line(index)));
        if line(0) == b"true" {
            return Err(GitError::bare(dir));
        }
        if line(1) != b"true" {
            let real = |path: &Path| std::fs::canonicalize(path).ok();
            let inside = real(dir)
                .zip(real(&path(5)))
                .is_none_or(|(dir, git)| dir.starts_with(git));
            return Err(if inside {
                GitError::inside_git_folder(dir)
            } else {
                GitError::points_elsewhere(format!(
                    "`{}` is not in the work tree of its own git folder `{}`",
                    dir.display(),
                    path(5).display()
                ))
            });
        }
        let format = ObjectFormat::from_name(line(2))
            .ok_or_else(|| GitError::failed("rev-parse", "unknown object format"))?;
        if !finished.success() {
            return Err(GitError::open(dir, &finished.stderr_text()));
        }
        let top = finished.stdout.splitn(7, |&byte| byte == b'\n').nth(6);
        let top = top.unwrap_or_default();
        let top = top.strip_suffix(b"\n").unwrap_or(top);
        let repository = Self {
            program,
            top_level: PathBuf::from(OsStr::from_bytes(top)),
            git_dir: path(5),
            common_dir: std::fs::canonicalize(path(4)).unwrap_or_else(|_| path(4)),
            format,
            shallow: line(3) == b"true",
            memory: memory::Memory::default(),
            helper: helper::Helper::default(),
            settings: settings::Settings::default(),
        };
        repository.is_its_own(dir)?;
        Ok(repository)
    }

    /// The folder of the work tree.
    #[must_use]
    pub fn top_level(&self) -> &Path {
        &self.top_level
    }
    /// The real path of the git folder that all linked worktrees share: the identity of the repository on this machine.
    #[must_use]
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }
    /// The git folder of this work tree.
    #[must_use]
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }
    /// How objects are named.
    #[must_use]
    pub fn object_format(&self) -> ObjectFormat {
        self.format
    }
    /// Whether history is cut off.
    #[must_use]
    pub fn is_shallow(&self) -> bool {
        self.shallow
    }

    /// Whether the work tree that git names is the one around `dir`, with the git folder that lies in it. `core.worktree`
    /// and a `commondir` file can point git somewhere else; then other files would be judged than those a person sees.
    fn is_its_own(&self, dir: &Path) -> Result<(), GitError> {
        let dot_git = self.top_level.join(".git");
        let real = |path: &Path| std::fs::canonicalize(path).ok();
        let around = real(dir).zip(real(&self.top_level));
        let here = match std::fs::read_to_string(&dot_git) {
            // A linked worktree or a submodule: a file that names the git folder.
            Ok(text) => text
                .strip_prefix("gitdir:")
                .and_then(|to| real(&self.top_level.join(to.trim()))),
            Err(_) => real(&dot_git),
        };
        if !around.is_some_and(|(dir, top)| dir.starts_with(top))
            || here.is_none()
            || here != real(&self.git_dir)
        {
            return Err(GitError::points_elsewhere(format!(
                "git takes `{}` for the work tree of `{}`",
                self.top_level.display(),
                self.git_dir.display()
            )));
        }
        let commondir = dot_git.join("commondir");
        if dot_git.is_dir() && commondir.symlink_metadata().is_ok() {
            return Err(GitError::new(
                GitErrorKind::PointsElsewhere,
                format!(
                    "`{}` leads git to another repository (`{}`)",
                    commondir.display(),
                    self.common_dir.display()
                ),
                "only the git folder of a linked worktree has such a file; remove it",
            ));
        }
        Ok(())
    }

    /// A command on this repository with everything neutralised.
    fn spec(&self, arguments: &[&str]) -> Spec {
        let mut argv = vec![self.program.to_string_lossy().into_owned()];
        for setting in [
            "core.hooksPath=/dev/null",
            "core.fsmonitor=false",
            "core.quotepath=off",
            "core.commitGraph=false",
            "core.multiPackIndex=false",
            "core.precomposeUnicode=false",
            "core.ignoreCase=false",
            "core.alternateRefsCommand=",
            "gc.auto=0",
            "maintenance.auto=false",
            "safe.directory=*",
        ] {
            argv.push("-c".into());
            argv.push(setting.into());
        }
        argv.extend(arguments.iter().map(|&argument| argument.to_owned()));
        let label = format!("git {}", sub_command(arguments));
        let mut spec = Spec::unisolated(&label, argv, &self.top_level);
        spec.env = BTreeMap::from([("PATH".to_owned(), env::path())]);
        spec.env.extend(fixed());
        for (name, value) in [
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_ATTR_NOSYSTEM", "1"),
            // No transport at all, whatever `protocol.*.allow` says: older gits know no `GIT_NO_LAZY_FETCH`, and a
            // promisor remote may name a command (`ext::`).
            ("GIT_ALLOW_PROTOCOL", "none"),
            ("GIT_AUTHOR_NAME", "redgreen"),
            ("GIT_AUTHOR_EMAIL", "redgreen@localhost"),
            ("GIT_COMMITTER_NAME", "redgreen"),
            ("GIT_COMMITTER_EMAIL", "redgreen@localhost"),
        ] {
            spec.env.insert(name.to_owned(), value.to_owned());
        }
        self.point(&mut spec);
        spec
    }

    /// Names the repository explicitly: nothing is discovered, `core.worktree` cannot redirect.
    fn point(&self, spec: &mut Spec) {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        spec.env.insert("GIT_DIR".to_owned(), text(&self.git_dir));
        spec.env
            .insert("GIT_WORK_TREE".to_owned(), text(&self.top_level));
        spec.timeout = Duration::from_secs(1800);
        spec.keep = 1 << 30;
        spec.output_limit = 8 << 30;
        spec.end_leftovers = false;
        spec.isolation = Isolation::Process;
    }

    /// Runs a command; its exit code is the caller's to judge.
    fn call(&self, arguments: &[&str], stdin: &[u8]) -> Result<Finished, GitError> {
        let mut spec = self.spec(arguments);
        spec.stdin = stdin.to_vec();
        run(&spec).map_err(|why| GitError::spawn(&why))
    }

    /// Runs a command that must succeed and returns its output.
    fn output(&self, arguments: &[&str], stdin: &[u8]) -> Result<Vec<u8>, GitError> {
        let finished = self.call(arguments, stdin)?;
        if finished.success() {
            Ok(finished.stdout)
        } else {
            Err(GitError::failed(
                sub_command(arguments),
                &finished.stderr_text(),
            ))
        }
    }

    /// Runs a command that must succeed and returns its output as trimmed text.
    fn text(&self, arguments: &[&str], stdin: &[u8]) -> Result<String, GitError> {
        let bytes = self.output(arguments, stdin)?;
        Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
    }
}

/// The command itself, after the settings before it.
fn sub_command<'a>(arguments: &[&'a str]) -> &'a str {
    let mut rest = arguments.iter();
    loop {
        match rest.next() {
            Some(&"-c") => rest.next(),
            Some(command) => return command,
            None => return "",
        };
    }
}

/// What every git command gets, also those that see the user's configuration.
fn fixed() -> BTreeMap<String, String> {
    [
        ("GIT_NO_REPLACE_OBJECTS", "1"),
        ("GIT_NO_LAZY_FETCH", "1"),
        ("GIT_GRAFT_FILE", "/dev/null"),
        ("GIT_OPTIONAL_LOCKS", "0"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_EDITOR", "false"),
        ("GIT_PAGER", "cat"),
        ("LC_ALL", "C"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

impl GitError {
    fn spawn(why: &SpawnError) -> Self {
        match why {
            SpawnError::NotFound { .. } => Self::no_git(),
            SpawnError::Io { .. } | SpawnError::Folder { .. } => Self {
                kind: GitErrorKind::Failed,
                what: why.to_string(),
                hint: "check that the folder exists and that git can be run there".to_owned(),
            },
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
