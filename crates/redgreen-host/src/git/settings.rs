//! git's configuration, read once per repository object: what the repository says, and what counts for the user.
//!
//! What could run a program (filters, hooks, signing) is never decided from here alone: filters are asked for again each
//! time (`index.rs`), and signing goes through git itself.

use super::{GitError, Repository};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The settings of a repository, shared by its clones.
#[derive(Clone, Default)]
pub(super) struct Settings(Arc<Mutex<Option<Arc<Values>>>>);

#[derive(Debug, Default)]
struct Values {
    /// By the repository's own files only.
    own: BTreeMap<String, Option<String>>,
    /// By all files that count for the user.
    user: BTreeMap<String, Option<String>>,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Settings")
    }
}

/// `git config --bool`: a name without a value is true. `None` for what is no such word.
fn boolean(value: Option<&str>) -> Option<bool> {
    let Some(value) = value else {
        return Some(true);
    };
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" | "" => Some(false),
        other => other.parse::<i64>().ok().map(|number| number != 0),
    }
}

/// `name LF value` or `name`; section and key are lower case already (git-config(1), `--null`).
fn pair(record: &[u8]) -> (String, Option<String>) {
    let text = String::from_utf8_lossy(record);
    match text.split_once('\n') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (text.into_owned(), None),
    }
}

impl Values {
    fn read(repository: &Repository) -> Result<Self, GitError> {
        let all = repository.user_call(&["config", "--null", "--show-scope", "--list"])?;
        let mut values = Self::default();
        if all.success() {
            let records: Vec<&[u8]> = all.stdout.split(|&byte| byte == 0).collect();
            for scoped in records.chunks_exact(2) {
                let (name, value) = pair(scoped[1]);
                if matches!(scoped[0], b"local" | b"worktree") {
                    values.own.insert(name.clone(), value.clone());
                }
                values.user.insert(name, value);
            }
            return Ok(values);
        }
        // git before 2.26 does not tell where a setting stands.
        let list = ["config", "--null", "--list"];
        let read = |output: &[u8]| {
            output
                .split(|&byte| byte == 0)
                .filter(|record| !record.is_empty())
                .map(pair)
                .collect()
        };
        values.own = read(&repository.call(&list, &[])?.stdout);
        values.user = read(&repository.user_call(&list)?.stdout);
        Ok(values)
    }
}

impl Repository {
    fn values(&self) -> Result<Arc<Values>, GitError> {
        let mut known = self
            .settings
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(values) = &*known {
            return Ok(Arc::clone(values));
        }
        let values = Arc::new(Values::read(self)?);
        *known = Some(Arc::clone(&values));
        Ok(values)
    }

    /// Forgets what was read: somebody may have set what was missing.
    pub(super) fn read_settings_again(&self) {
        *self
            .settings
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether the file system keeps the executable bit (`core.fileMode` of the repository).
    ///
    /// # Errors
    /// git failed.
    pub fn keeps_executable_bit(&self) -> Result<bool, GitError> {
        Ok(self
            .values()?
            .own
            .get("core.filemode")
            .and_then(|value| boolean(value.as_deref()))
            .unwrap_or(true))
    }

    /// A setting of the user that is not empty. `name` is in lower case.
    pub(super) fn user_setting(&self, name: &str) -> Result<Option<String>, GitError> {
        let value = self.values()?.user.get(name).cloned().flatten();
        Ok(value
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty()))
    }

    /// Whether the user switched something on. `name` is in lower case.
    pub(super) fn user_wants(&self, name: &str) -> Result<bool, GitError> {
        let values = self.values()?;
        let value = values.user.get(name);
        Ok(value.and_then(|value| boolean(value.as_deref())) == Some(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g7_settings_are_read_as_git_reads_them() {
        for (value, expected) in [
            (None, Some(true)),
            (Some("Yes"), Some(true)),
            (Some("1"), Some(true)),
            (Some("0"), Some(false)),
            (Some(""), Some(false)),
            (Some("maybe"), None),
        ] {
            assert_eq!(boolean(value), expected, "{value:?}");
        }
        assert_eq!(
            pair(b"user.name\nAnn\nLee"),
            ("user.name".to_owned(), Some("Ann\nLee".to_owned()))
        );
        assert_eq!(pair(b"commit.gpgsign"), ("commit.gpgsign".to_owned(), None));
    }
}
