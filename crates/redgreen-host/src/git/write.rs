//! Writing blobs and trees, without the user's index and without filters.

use super::{GitError, Oid, Repository};
use crate::process::run;
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
        let expected = self.blob_id(bytes);
        let written = self.text(
            &["hash-object", "-w", "--no-filters", "-t", "blob", "--stdin"],
            bytes,
        )?;
        if written == expected {
            Ok(expected)
        } else {
            Err(GitError::damaged(&expected, &written))
        }
    }

    /// Stores many blobs with one git process and returns their ids in the same order.
    ///
    /// # Errors
    /// As [`Repository::write_blob`]; or the temporary files could not be written.
    pub fn write_blobs(&self, blobs: &[&[u8]]) -> Result<Vec<Oid>, GitError> {
        match blobs {
            [] => return Ok(Vec::new()),
            [one] => return Ok(vec![self.write_blob(one)?]),
            _ => {}
        }
        let folder = Temporary::new("git", None).map_err(|why| io("hash-object", &why))?;
        let mut names = Vec::new();
        for (index, bytes) in blobs.iter().enumerate() {
            let path = folder.path().join(index.to_string());
            std::fs::write(&path, bytes).map_err(|why| io("hash-object", &why))?;
            names.extend_from_slice(path.as_os_str().as_encoded_bytes());
            names.push(b'\n');
        }
        let text = self.text(
            &["hash-object", "-w", "--no-filters", "--stdin-paths"],
            &names,
        )?;
        let written: Vec<Oid> = text.lines().map(str::to_owned).collect();
        let expected: Vec<Oid> = blobs.iter().map(|bytes| self.blob_id(bytes)).collect();
        if written == expected {
            Ok(expected)
        } else {
            Err(GitError::failed(
                "hash-object",
                "stored other bytes than it was given",
            ))
        }
    }

    /// Writes the tree of `base` (nothing for `None`) with some paths changed, through a private index. Blobs must be
    /// stored already.
    ///
    /// # Errors
    /// A blob is missing, a path is both a file and a folder, or git failed.
    pub fn write_tree(&self, base: Option<&str>, changes: &[Change]) -> Result<Oid, GitError> {
        let folder = Temporary::new("git", None).map_err(|why| io("write-tree", &why))?;
        let index = folder.path().join("index");
        let step = |arguments: &[&str], stdin: Vec<u8>| -> Result<String, GitError> {
            let mut spec = self.spec(arguments);
            spec.stdin = stdin;
            spec.env.insert(
                "GIT_INDEX_FILE".to_owned(),
                index.to_string_lossy().into_owned(),
            );
            let finished = run(&spec).map_err(|why| GitError::spawn(&why))?;
            if finished.success() {
                Ok(finished.stdout_text().trim().to_owned())
            } else {
                let command = arguments.first().copied().unwrap_or_default();
                Err(GitError::failed(command, &finished.stderr_text()))
            }
        };
        match base {
            Some(base) => step(&["read-tree", &self.tree_of(base)?], Vec::new())?,
            None => step(&["read-tree", "--empty"], Vec::new())?,
        };
        if !changes.is_empty() {
            let input = index_info(&self.object_format().null_oid(), changes);
            step(&["update-index", "-z", "--index-info"], input)?;
        }
        step(&["write-tree"], Vec::new())
    }
}
