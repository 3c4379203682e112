//! Commits: reading them from verified bytes, writing them without hooks, with the user's identity and signature.

use super::object::header_value;
use super::{GitError, GitErrorKind, Oid, Repository, fixed};
use crate::env;
use crate::process::{Finished, Spec, run};

/// Who a commit is by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `user.name`
    pub name: String,
    /// `user.email`
    pub email: String,
}

/// Whether a commit is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// As `commit.gpgSign` says.
    AsConfigured,
    /// Never.
    Never,
}

/// A commit to write.
#[derive(Debug, Clone)]
pub struct CommitRequest<'a> {
    /// The tree.
    pub tree: &'a str,
    /// The parents, in order.
    pub parents: &'a [Oid],
    /// The complete message.
    pub message: &'a str,
    /// Author and committer.
    pub identity: &'a Identity,
    /// Adds `Signed-off-by` with the identity, unless it is there.
    pub sign_off: bool,
    /// Signature.
    pub signing: Signing,
}

/// A commit as its verified bytes say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub oid: Oid,
    /// Its tree.
    pub tree: Oid,
    /// Its parents, in order.
    pub parents: Vec<Oid>,
    /// Name and address of the author, such as `Ann <ann@example.org>`.
    pub author: String,
    /// When it was committed, in seconds since the epoch.
    pub committed_at: i64,
    /// The complete message, invalid bytes replaced.
    pub message: String,
}

impl Commit {
    /// The first line of the message.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }
    /// Values of a trailer (`Redgreen-Lock`), from the last paragraph only.
    #[must_use]
    pub fn trailers(&self, name: &str) -> Vec<&str> {
        let last = self.message.trim_end().rsplit("\n\n").next();
        last.unwrap_or_default()
            .lines()
            .filter_map(|line| line.split_once(':'))
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect()
    }

    fn parse(oid: &str, bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
        let author = header_value(bytes, "author").or_else(|| {
            // An author that is not UTF-8: read it lossily.
            head.lines()
                .find_map(|line| line.strip_prefix("author ").map(str::to_owned))
        })?;
        let committer = head
            .lines()
            .find_map(|line| line.strip_prefix("committer "))?;
        Some(Self {
            oid: oid.to_owned(),
            tree: header_value(bytes, "tree")?,
            parents: head
                .lines()
                .filter_map(|line| line.strip_prefix("parent ").map(str::to_owned))
                .collect(),
            author: author
                .rsplit_once('>')
                .map_or_else(|| author.clone(), |(person, _)| format!("{person}>")),
            committed_at: committer
                .rsplit_once("> ")
                .and_then(|(_, time)| time.split(' ').next()?.parse().ok())
                .unwrap_or(0),
            message: message.to_owned(),
        })
    }
}

impl Repository {
    /// A command that sees the user's own git configuration, for identity and signing.
    pub(super) fn user_spec(&self, arguments: &[&str]) -> Spec {
        let mut spec = self.spec(arguments);
        spec.env = env::git_user();
        spec.env.extend(fixed());
        self.point(&mut spec);
        spec
    }

    pub(super) fn user_call(&self, arguments: &[&str]) -> Result<Finished, GitError> {
        run(&self.user_spec(arguments)).map_err(|why| GitError::spawn(&why))
    }

    /// The user's identity from the environment or their git configuration. Nothing is guessed from the host name.
    ///
    /// # Errors
    /// [`GitErrorKind::NoIdentity`] with the command that sets what is missing.
    pub fn identity(&self) -> Result<Identity, GitError> {
        self.known_identity().or_else(|_| {
            self.read_settings_again();
            self.known_identity()
        })
    }

    fn known_identity(&self) -> Result<Identity, GitError> {
        let find = |variable: &str, settings: [&str; 2]| -> Result<Option<String>, GitError> {
            if let Some(value) = env::variable(variable) {
                return Ok(Some(value));
            }
            for setting in settings {
                if let Some(value) = self.user_setting(setting)? {
                    return Ok(Some(value));
                }
            }
            Ok(None)
        };
        let name = find("GIT_AUTHOR_NAME", ["author.name", "user.name"])?;
        let email = find("GIT_AUTHOR_EMAIL", ["author.email", "user.email"])?;
        match (name, email) {
            (Some(name), Some(email)) => Ok(Identity { name, email }),
            (None, Some(_)) => Err(no_identity("user.name", "\"Your Name\"")),
            (Some(_) | None, None) => Err(no_identity("user.email", "you@example.org")),
        }
    }

    /// Whether the user wants commits signed (`commit.gpgSign`).
    ///
    /// # Errors
    /// git failed.
    pub fn wants_signatures(&self) -> Result<bool, GitError> {
        self.user_wants("commit.gpgsign")
    }

    /// Whether the user signs off what they write (`format.signOff`, the only setting git has for it).
    ///
    /// # Errors
    /// git failed.
    pub fn wants_sign_off(&self) -> Result<bool, GitError> {
        self.user_wants("format.signoff")
    }

    /// Writes a commit. No hook runs; no reference changes.
    ///
    /// # Errors
    /// [`GitErrorKind::SigningFailed`] with what the signing program said; or git failed.
    pub fn commit_tree(&self, request: &CommitRequest<'_>) -> Result<Oid, GitError> {
        let mut arguments = vec!["commit-tree", request.tree];
        for parent in request.parents {
            arguments.extend(["-p", parent]);
        }
        let sign = match request.signing {
            Signing::AsConfigured => self.wants_signatures()?,
            Signing::Never => false,
        };
        arguments.push(if sign { "--gpg-sign" } else { "--no-gpg-sign" });
        arguments.extend(["-F", "-"]);
        let mut spec = if sign {
            self.user_spec(&arguments)
        } else {
            self.spec(&arguments)
        };
        let identity = request.identity;
        for role in ["AUTHOR", "COMMITTER"] {
            spec.env
                .insert(format!("GIT_{role}_NAME"), identity.name.clone());
            spec.env
                .insert(format!("GIT_{role}_EMAIL"), identity.email.clone());
        }
        let message = if request.sign_off {
            signed_off(request.message, identity)
        } else {
            request.message.to_owned()
        };
        spec.stdin = message.into_bytes();
        let finished = run(&spec).map_err(|why| GitError::spawn(&why))?;
        if finished.success() {
            return Ok(finished.stdout_text().trim().to_owned());
        }
        let said = finished.stderr_text();
        // With a known identity and stored objects, signing is what can still fail; programs word it in many ways.
        if sign {
            return Err(GitError::new(
                GitErrorKind::SigningFailed,
                format!("the commit could not be signed: {}", said.trim()),
                "try `git commit --allow-empty -S -m test`, or set `commit.gpgSign` to false",
            ));
        }
        Err(GitError::failed("commit-tree", &said))
    }

    /// Commits of a range (`main..topic`) or revision, parents after their children, each read from verified bytes.
    ///
    /// # Errors
    /// The range does not exist, or an object is missing or damaged.
    pub fn commits(&self, range: &str) -> Result<Vec<Commit>, GitError> {
        let finished = self.call(
            &["rev-list", "--topo-order", "--end-of-options", range, "--"],
            &[],
        )?;
        if !finished.success() {
            return Err(GitError::new(
                GitErrorKind::NoSuchRevision,
                format!(
                    "there is no range `{range}`: {}",
                    finished.stderr_text().trim()
                ),
                "name it as `base..head`; a shallow clone may lack it: `git fetch --unshallow`",
            ));
        }
        let oids: Vec<Oid> = finished.stdout_text().lines().map(str::to_owned).collect();
        let mut commits = Vec::with_capacity(oids.len());
        self.read_objects(&oids, &mut |oid, _, bytes| {
            let commit = Commit::parse(oid, &bytes)
                .ok_or_else(|| GitError::failed("cat-file", "a commit cannot be read"))?;
            commits.push(commit);
            Ok::<(), GitError>(())
        })?;
        Ok(commits)
    }

    /// One commit.
    ///
    /// # Errors
    /// There is no such commit, or its object is missing or damaged.
    pub fn commit(&self, rev: &str) -> Result<Commit, GitError> {
        let oid = self.resolve(rev)?;
        let mut found = None;
        self.read_objects(&[oid], &mut |oid, _, bytes| {
            found = Commit::parse(oid, &bytes);
            Ok::<(), GitError>(())
        })?;
        found.ok_or_else(|| GitError::failed("cat-file", "the commit cannot be read"))
    }
}

fn no_identity(setting: &str, example: &str) -> GitError {
    GitError::new(
        GitErrorKind::NoIdentity,
        format!("git does not know who commits: `{setting}` is not set"),
        format!("`git config --global {setting} {example}`"),
    )
}

/// Adds the `Signed-off-by` line to the trailers at the end, as git-interpret-trailers(1) lays them out. Done by us:
/// that command runs what `trailer.*.command` of the repository says.
fn signed_off(message: &str, identity: &Identity) -> String {
    let line = format!("Signed-off-by: {} <{}>", identity.name, identity.email);
    let text = message.trim_end();
    if text.lines().any(|have| have == line) {
        return format!("{text}\n");
    }
    let is_trailer = |line: &str| {
        line.split_once(": ").is_some_and(|(key, _)| {
            !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        })
    };
    let last = text.rsplit("\n\n").next().unwrap_or_default();
    let joins = text.contains("\n\n") && last.lines().all(is_trailer);
    format!("{text}{}{line}\n", if joins { "\n" } else { "\n\n" })
}
