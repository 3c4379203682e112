//! Files that a person names on the command line, for advice only: no verdict comes from here, gates read trees.

use ignore::WalkBuilder;
use std::path::{Path, PathBuf};

/// Every regular file below the given files and folders, without what git ignores, sorted, each once.
///
/// # Errors
/// The first path that is not there.
pub fn below(paths: &[PathBuf]) -> Result<Vec<PathBuf>, PathBuf> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_file() {
            found.push(path.clone());
        } else if path.is_dir() {
            let walk = WalkBuilder::new(path)
                .require_git(false)
                .follow_links(false)
                .build();
            found.extend(
                walk.filter_map(Result::ok)
                    .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
                    .map(ignore::DirEntry::into_path),
            );
        } else {
            return Err(path.clone());
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// The text of a file; `None` where it cannot be read or is not UTF-8.
#[must_use]
pub fn text(path: &Path) -> Option<String> {
    String::from_utf8(std::fs::read(path).ok()?).ok()
}

/// Adds text to the end of a file that a CI server names, and makes it where it is not there.
///
/// # Errors
/// What the system said.
pub fn append(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)?;
    file.write_all(text.as_bytes())
}
