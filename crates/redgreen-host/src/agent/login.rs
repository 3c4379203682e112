//! How an agent is known to its provider (SPEC F1): the user's existing login, which is that agent's own credential file
//! and nothing else of its configuration, or variables by name. No value is read, parsed, copied into a log or shown.
//!
//! The file is shown to the agent where it lies, through a link in its private configuration: a copy would lose the token
//! that the agent renews in between, and the user would be logged out.

use crate::env;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// What Claude Code reads its login from, in its configuration folder.
const CREDENTIALS: &str = ".credentials.json";
/// Variables that Claude Code is known by.
pub const VARIABLES: [&str; 3] = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
];
/// A credential file is never larger.
const LARGEST: u64 = 256 << 10;

/// How an agent is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// The agent's own credential file.
    File(PathBuf),
    /// Variables of these names, with their values.
    Variables(Vec<(String, String)>),
    /// Nothing was found.
    Nothing,
}

impl Login {
    /// The user's own login to Claude Code: its credential file, else the variables it reads.
    #[must_use]
    pub fn inherited() -> Self {
        let folder = env::path_variable("CLAUDE_CONFIG_DIR")
            .or_else(|| env::home().map(|home| home.join(".claude")));
        if let Some(file) = folder
            .map(|folder| folder.join(CREDENTIALS))
            .filter(|file| file.is_file())
        {
            return Self::File(file);
        }
        Self::named(VARIABLES)
    }

    /// The variables of these names that are set.
    #[must_use]
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let set: Vec<(String, String)> = names
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), env::variable(name)?)))
            .collect();
        if set.is_empty() {
            Self::Nothing
        } else {
            Self::Variables(set)
        }
    }

    /// What it is, by name, for people.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(file) => file.display().to_string(),
            Self::Variables(list) => list
                .iter()
                .map(|(name, _)| format!("${name}"))
                .collect::<Vec<_>>()
                .join(", "),
            Self::Nothing => "none".to_owned(),
        }
    }
}

/// Makes a credential file known in a private configuration, for as long as this value lives.
#[derive(Debug)]
pub(super) struct Carried {
    link: PathBuf,
    real: PathBuf,
}

impl Carried {
    /// Puts the link there.
    pub(super) fn into(configuration: &Path, file: &Path) -> std::io::Result<Self> {
        let real = std::fs::canonicalize(file)?;
        let link = configuration.join(CREDENTIALS);
        remove(&link)?;
        std::os::unix::fs::symlink(&real, &link)?;
        Ok(Self { link, real })
    }

    /// The file that the agent must be able to read and renew.
    pub(super) fn file(&self) -> &Path {
        &self.real
    }

    /// Where an agent renewed its login by putting a new file in the place of the link, the bytes are put where the
    /// user's agent looks for them. Nothing but a plain file of our own is taken.
    fn take_back(&self) -> std::io::Result<()> {
        let Ok(found) = self.link.symlink_metadata() else {
            return Ok(());
        };
        let own = rustix::process::getuid().as_raw();
        if !found.is_file() || found.nlink() != 1 || found.uid() != own || found.len() > LARGEST {
            return Ok(());
        }
        let mut bytes = Vec::new();
        std::fs::File::options()
            .read(true)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(&self.link)?
            .take(LARGEST)
            .read_to_end(&mut bytes)?;
        if bytes.is_empty() {
            return Ok(());
        }
        let beside = self.real.with_extension("redgreen-new");
        remove(&beside)?;
        let mut file = std::fs::File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, &self.real)
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        // A login that could not be taken back costs the user a `/login`; it must not cost the session.
        let _ = self.take_back();
        let _ = remove(&self.link);
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => Err(why),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f1_a_renewed_login_goes_back_and_nothing_but_a_plain_file_does() {
        let folder = tempfile::tempdir().unwrap();
        let (own, user) = (folder.path().join("own"), folder.path().join("user"));
        std::fs::create_dir_all(&own).unwrap();
        std::fs::create_dir_all(&user).unwrap();
        let file = user.join(CREDENTIALS);
        std::fs::write(&file, "first").unwrap();
        // Written through the link.
        let carried = Carried::into(&own, &file).unwrap();
        std::fs::write(own.join(CREDENTIALS), "second").unwrap();
        drop(carried);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "second");
        assert!(own.join(CREDENTIALS).symlink_metadata().is_err());
        // Put in its place, as programs do that write a new file and rename it.
        let carried = Carried::into(&own, &file).unwrap();
        std::fs::write(own.join("new"), "third").unwrap();
        std::fs::rename(own.join("new"), own.join(CREDENTIALS)).unwrap();
        drop(carried);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "third");
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600);
        // A link to somewhere else, or nothing at all: the user's file stays.
        let carried = Carried::into(&own, &file).unwrap();
        std::fs::remove_file(own.join(CREDENTIALS)).unwrap();
        std::fs::write(folder.path().join("other"), "stolen").unwrap();
        std::os::unix::fs::symlink(folder.path().join("other"), own.join(CREDENTIALS)).unwrap();
        drop(carried);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "third");
    }
}
