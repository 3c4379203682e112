//! Writing objects, without the user's index and without filters; trees are made in `tree.rs`.

use super::{GitError, ObjectKind, Oid, Repository};
use crate::state::Temporary;
use redgreen_core::id::RelPath;
use redgreen_core::tree::Entry;

/// A change of one path: `Some` sets it, `None` removes it.
pub type Change = (RelPath, Option<Entry>);

fn io(what: &str, why: &std::io::Error) -> GitError {
    GitError::failed(what, &why.to_string())
}

/// Lines for `update-index -z --index-info`: removals first, so that a file can become a folder.
pub(super) fn index_info(null: &str, changes: &[Change]) -> Vec<u8> {
    let mut input = Vec::new();
    for (path, entry) in changes {
        if entry.is_none() {
            input.extend_from_slice(format!("0 {null}\t{path}\0").as_bytes());
        }
    }
    for (path, entry) in changes {
        if let Some(entry) = entry {
            let line = format!("{} {}\t{path}\0", entry.mode.octal(), entry.oid);
            input.extend_from_slice(line.as_bytes());
        }
    }
    input
}

impl Repository {
    /// Stores a blob and returns its id.
    ///
    /// # Errors
    /// git failed, or stored something else than it was given.
    pub fn write_blob(&self, bytes: &[u8]) -> Result<Oid, GitError> {
        let mut written = self.write_objects(ObjectKind::Blob, &[bytes])?;
        written.pop().ok_or_else(|| GitError::missing("blob"))
    }

    /// Stores many blobs with one git process and returns their ids in the same order.
    ///
    /// # Errors
    /// As [`Repository::write_blob`]; or the temporary files could not be written.
    pub fn write_blobs(&self, blobs: &[&[u8]]) -> Result<Vec<Oid>, GitError> {
        self.write_objects(ObjectKind::Blob, blobs)
    }

    pub(super) fn write_objects(
        &self,
        kind: ObjectKind,
        objects: &[&[u8]],
    ) -> Result<Vec<Oid>, GitError> {
        let written = match objects {
            [] => return Ok(Vec::new()),
            [one] => self.text(
                &[
                    "hash-object",
                    "-w",
                    "--no-filters",
                    "-t",
                    kind.name(),
                    "--stdin",
                ],
                one,
            )?,
            many => {
                let folder = Temporary::new("git", None).map_err(|why| io("hash-object", &why))?;
                let mut names = Vec::new();
                for (index, bytes) in many.iter().enumerate() {
                    let path = folder.path().join(index.to_string());
                    std::fs::write(&path, bytes).map_err(|why| io("hash-object", &why))?;
                    names.extend_from_slice(path.as_os_str().as_encoded_bytes());
                    names.push(b'\n');
                }
                self.text(
                    &[
                        "hash-object",
                        "-w",
                        "--no-filters",
                        "-t",
                        kind.name(),
                        "--stdin-paths",
                    ],
                    &names,
                )?
            }
        };
        let written: Vec<Oid> = written.lines().map(str::to_owned).collect();
        let format = self.object_format();
        let expected: Vec<Oid> = objects
            .iter()
            .map(|bytes| format.id_of(kind, bytes))
            .collect();
        match (written == expected, expected.as_slice(), written.as_slice()) {
            (true, _, _) => Ok(expected),
            (false, [expected], [written]) => Err(GitError::damaged(expected, written)),
            (false, _, _) => Err(GitError::failed(
                "hash-object",
                "stored other bytes than it was given",
            )),
        }
    }
}
