//! The user's index and work tree: touched as little as possible (SPEC G6, G7).

use super::write::{Change, index_info};
use super::{GitError, Repository};
use redgreen_core::id::RelPath;

impl Repository {
    /// Settings that switch off every content filter that the repository or the user configures. Whatever compares the index with the
    /// work tree would run them, `update-index` too (for entries as new as the index itself).
    pub(super) fn without_filters(&self) -> Result<Vec<String>, GitError> {
        let names = self.user_call(&[
            "config",
            "--null",
            "--name-only",
            "--get-regexp",
            r"^filter\.",
        ])?;
        let mut arguments: Vec<String> = Vec::new();
        for name in names.stdout.split(|&byte| byte == 0) {
            let name = String::from_utf8_lossy(name);
            if let Some((driver, _)) = name.rsplit_once('.') {
                for (key, value) in [
                    ("clean", ""),
                    ("smudge", ""),
                    ("process", ""),
                    ("required", "false"),
                ] {
                    arguments.push("-c".into());
                    arguments.push(format!("{driver}.{key}={value}"));
                }
            }
        }
        Ok(arguments)
    }

    /// Sets exactly these paths in the user's index; everything else that is staged stays staged.
    ///
    /// # Errors
    /// [`super::GitErrorKind::Locked`] when another git process holds the index.
    pub fn update_index_paths(&self, changes: &[Change]) -> Result<(), GitError> {
        if changes.is_empty() {
            return Ok(());
        }
        let input = index_info(&self.object_format().null_oid(), changes);
        let mut arguments = self.without_filters()?;
        arguments.extend(["update-index", "-z", "--index-info"].map(str::to_owned));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.output(&arguments, &input)?;
        Ok(())
    }

    /// Paths that differ between `HEAD`, the index and the work tree, and untracked files that are not ignored.
    /// Advisory, for messages: gates read the files themselves. Configured clean filters are switched off, so a file
    /// under such a filter may be named although it is unchanged.
    ///
    /// # Errors
    /// git failed, or a name is not UTF-8.
    pub fn status_dirty_paths(&self) -> Result<Vec<RelPath>, GitError> {
        let mut arguments = self.without_filters()?;
        arguments.extend(
            [
                "status",
                "--porcelain=v1",
                "-z",
                "--untracked-files=all",
                "--no-renames",
                "--ignore-submodules=dirty",
            ]
            .map(str::to_owned),
        );
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = self.output(&arguments, &[])?;
        let mut paths = Vec::new();
        for record in output.split(|&byte| byte == 0).filter(|r| r.len() > 3) {
            let name = &record[3..];
            let text =
                std::str::from_utf8(name).map_err(|_| GitError::bad_name(name, "is not UTF-8"))?;
            let path = RelPath::new(text.trim_end_matches('/'))
                .map_err(|why| GitError::bad_name(name, &why.to_string()))?;
            paths.push(path);
        }
        paths.sort();
        Ok(paths)
    }
}
