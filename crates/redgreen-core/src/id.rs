//! Names of things: every identifier is a checked newtype, stored for ever in locks and evidence.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// An identifier that does not have the form it must have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{value}` is not valid: {why}")]
pub struct InvalidId {
    /// What kind of identifier it should have been, such as `task id`.
    pub what: &'static str,
    /// The text that was given.
    pub value: String,
    /// What is wrong with it.
    pub why: &'static str,
}

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);
        impl $name {
            /// The text of the identifier.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(value: String) -> Result<Self, InvalidId> { Self::new(value) }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String { id.0 }
        }
        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(value: &str) -> Result<Self, InvalidId> { Self::new(value) }
        }
    };
}

string_id! {
    /// A task of a plan, such as `T43`. Letters, digits, `.`, `_`, `-`; starts with a letter or digit; at most 64 bytes.
    TaskId
}
string_id! {
    /// An acceptance criterion, such as `AC-1`. The same form as a [`TaskId`].
    CriterionId
}
string_id! {
    /// The name of a configured runner (`[runner.NAME]`). The same form as a [`TaskId`].
    RunnerName
}
string_id! {
    /// A path relative to the git top level: UTF-8, `/` between components, no empty, `.` or `..` component.
    RelPath
}

fn check_word(what: &'static str, value: String) -> Result<String, InvalidId> {
    let why = if value.is_empty() {
        "it is empty"
    } else if value.len() > 64 {
        "it is longer than 64 bytes"
    } else if !value.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        "it must start with a letter or a digit"
    } else if !value
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    {
        "only letters, digits, `.`, `_` and `-` are allowed"
    } else if value.contains("..") || value.ends_with(".lock") {
        "it must be usable in a git reference"
    } else {
        return Ok(value);
    };
    Err(InvalidId { what, value, why })
}

impl TaskId {
    /// Checks and wraps a task id.
    ///
    /// # Errors
    /// [`InvalidId`] when the text has not the documented form.
    pub fn new(value: impl Into<String>) -> Result<Self, InvalidId> {
        check_word("task id", value.into()).map(Self)
    }
}

impl CriterionId {
    /// Checks and wraps a criterion id.
    ///
    /// # Errors
    /// [`InvalidId`] when the text has not the documented form.
    pub fn new(value: impl Into<String>) -> Result<Self, InvalidId> {
        check_word("criterion id", value.into()).map(Self)
    }
    /// The id of the `n`th criterion (from 1) that carries none of its own: `AC-n`.
    #[must_use]
    pub fn numbered(n: usize) -> Self {
        Self(format!("AC-{n}"))
    }
}

impl RunnerName {
    /// Checks and wraps a runner name.
    ///
    /// # Errors
    /// [`InvalidId`] when the text has not the documented form.
    pub fn new(value: impl Into<String>) -> Result<Self, InvalidId> {
        check_word("runner name", value.into()).map(Self)
    }
}

impl RelPath {
    /// Checks and wraps a path relative to the git top level.
    ///
    /// # Errors
    /// [`InvalidId`] for absolute paths and for empty, `.` and `..` components and NUL bytes.
    pub fn new(value: impl Into<String>) -> Result<Self, InvalidId> {
        let value = value.into();
        let why = if value.is_empty() {
            "it is empty"
        } else if value.contains('\0') {
            "it contains a NUL byte"
        } else if value
            .split('/')
            .any(|part| part.is_empty() || part == "." || part == "..")
        {
            "empty, `.` and `..` components are not allowed"
        } else {
            return Ok(Self(value));
        };
        Err(InvalidId {
            what: "path",
            value,
            why,
        })
    }
    /// The place of something whose own name cannot be a path here: shown as `(top level)`.
    #[must_use]
    pub fn top() -> Self {
        Self("(top level)".to_owned())
    }
    /// The last component.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
    /// The folder that contains it; `None` at the top level.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0
            .rsplit_once('/')
            .map(|(folder, _)| Self(folder.to_owned()))
    }
    /// The text after the last `.` of the file name; `None` without one.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        self.file_name()
            .rsplit_once('.')
            .map(|(_, extension)| extension)
    }
    /// Whether it lies below `folder` (or is it). The empty text means the top level.
    #[must_use]
    pub fn is_below(&self, folder: &str) -> bool {
        folder.is_empty()
            || self
                .0
                .strip_prefix(folder)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// A SHA-256 digest, written `sha256:` and 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
    /// Wraps 32 bytes that a SHA-256 implementation produced.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
    /// The 64 hexadecimal digits, without the prefix.
    #[must_use]
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
    /// The first eight hexadecimal digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        self.hex().chars().take(8).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}
impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl TryFrom<String> for Digest {
    type Error = InvalidId;
    fn try_from(value: String) -> Result<Self, InvalidId> {
        let invalid = |why| InvalidId {
            what: "digest",
            value: value.clone(),
            why,
        };
        let hex = value
            .strip_prefix("sha256:")
            .ok_or_else(|| invalid("it must start with `sha256:`"))?;
        if hex.len() != 64 || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(invalid("64 lower-case hexadecimal digits are expected"));
        }
        let mut bytes = [0u8; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[index * 2..index * 2 + 2], 16)
                .map_err(|_| invalid("64 lower-case hexadecimal digits are expected"))?;
        }
        Ok(Self(bytes))
    }
}
impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}

/// A test item: a test function known statically, `path::item` or, with several runners, `NAME:path::item`.
///
/// The path is relative to the git top level. `item` is `TestCart::test_total` in Python and
/// `tests::adds` (the module path inside the file, then the function) in Rust.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ItemId {
    /// The runner, left out where the repository has one.
    pub runner: Option<RunnerName>,
    /// The file.
    pub path: RelPath,
    /// The function inside the file, with the classes or modules around it, joined by `::`.
    pub item: String,
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(runner) = &self.runner {
            write!(f, "{runner}:")?;
        }
        write!(f, "{}::{}", self.path, self.item)
    }
}
impl TryFrom<String> for ItemId {
    type Error = InvalidId;
    fn try_from(value: String) -> Result<Self, InvalidId> {
        let invalid = |why| InvalidId {
            what: "test id",
            value: value.clone(),
            why,
        };
        let (path, item) = value
            .split_once("::")
            .ok_or_else(|| invalid("`path::item` is expected"))?;
        if item.is_empty() {
            return Err(invalid("`path::item` is expected"));
        }
        let (runner, path) = match path.split_once(':') {
            Some((runner, path)) => (Some(RunnerName::new(runner)?), path),
            None => (None, path),
        };
        Ok(Self {
            runner,
            path: RelPath::new(path)?,
            item: item.to_owned(),
        })
    }
}
impl From<ItemId> for String {
    fn from(id: ItemId) -> String {
        id.to_string()
    }
}

/// A test case: an item and what the runner adds for one parameter set, verbatim (`[1-2]`, `::case_1`, or nothing).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CaseId {
    /// The item it belongs to.
    pub item: ItemId,
    /// The suffix that the runner appends, never cut or changed; empty for an item with one case.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub case: String,
}

impl CaseId {
    /// The only case of an item.
    #[must_use]
    pub fn single(item: ItemId) -> Self {
        Self {
            item,
            case: String::new(),
        }
    }
}
impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.item, self.case)
    }
}

/// Control characters of a name made visible: a name is shown, typed and written on one line.
#[must_use]
pub fn visible_name(name: &str) -> String {
    if !name.chars().any(char::is_control) {
        return name.to_owned();
    }
    name.chars()
        .flat_map(|character| {
            let escaped = character.is_control();
            let mut own = (!escaped).then_some(character).into_iter();
            let mut shown = escaped
                .then(|| character.escape_default())
                .into_iter()
                .flatten();
            std::iter::from_fn(move || own.next().or_else(|| shown.next()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g4_item_ids_round_trip_with_and_without_a_runner() {
        for text in [
            "tests/a.py::TestA::test_b",
            "web:tests/a b.py::test_x",
            "src/lib.rs::tests::adds",
        ] {
            assert_eq!(ItemId::try_from(text.to_owned()).unwrap().to_string(), text);
        }
        assert!(ItemId::try_from("tests/a.py".to_owned()).is_err());
        assert!(ItemId::try_from("../a.py::x".to_owned()).is_err());
    }

    #[test]
    fn task_ids_must_be_usable_in_a_git_reference() {
        assert!(TaskId::new("T43").is_ok());
        for bad in ["", "-x", "a..b", "a b", "a/b", "x.lock"] {
            assert!(TaskId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn digests_round_trip() {
        let digest = Digest::of(b"abc");
        assert_eq!(
            digest.to_string(),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(Digest::try_from(digest.to_string()).unwrap(), digest);
    }
}
