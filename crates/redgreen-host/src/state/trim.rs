//! A cap on what may be removed at any time: the oldest goes first (SPEC G5).

use super::files::{remove_tree, size_of};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What was removed, or would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trimmed {
    /// Bytes before.
    pub before: u64,
    /// Bytes that went, or would go.
    pub removed: u64,
    /// Entries that went, or would go.
    pub entries: usize,
}

/// One file or folder that goes as a whole.
struct Entry {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

/// Removes the least recently changed entries of a cache until at most `limit` bytes are left. An entry is what lies in
/// one of the cache's rooms (`cache/red/…`, `cache/build/…`). With `dry_run` nothing is removed.
///
/// # Errors
/// What the system said about the first entry that could not be removed.
pub fn trim(cache: &Path, limit: u64, dry_run: bool) -> std::io::Result<Trimmed> {
    let mut entries: Vec<Entry> = children(cache)
        .flat_map(|room| {
            if room.is_dir() {
                children(&room).collect()
            } else {
                vec![room]
            }
        })
        .map(entry)
        .collect();
    let before = entries.iter().map(|entry| entry.bytes).sum();
    let mut trimmed = Trimmed {
        before,
        ..Trimmed::default()
    };
    entries.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
    for entry in entries {
        if before - trimmed.removed <= limit {
            break;
        }
        if !dry_run {
            remove(&entry.path)?;
        }
        trimmed.removed += entry.bytes;
        trimmed.entries += 1;
    }
    Ok(trimmed)
}

fn children(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path())
}

fn entry(path: PathBuf) -> Entry {
    let changed = |path: &Path| {
        std::fs::symlink_metadata(path)
            .and_then(|metadata| metadata.modified())
            .unwrap_or(SystemTime::UNIX_EPOCH)
    };
    let is_folder = std::fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir());
    let bytes = if is_folder {
        size_of(&path)
    } else {
        std::fs::symlink_metadata(&path).map_or(0, |metadata| metadata.len())
    };
    // A build changes what lies directly in its folder, not always the folder.
    let used = if is_folder {
        children(&path)
            .map(|child| changed(&child))
            .max()
            .unwrap_or_else(|| changed(&path))
            .max(changed(&path))
    } else {
        changed(&path)
    };
    Entry { path, bytes, used }
}

fn remove(path: &Path) -> std::io::Result<()> {
    if std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
        remove_tree(path)
    } else {
        match std::fs::remove_file(path) {
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn g5_the_oldest_entries_of_a_cache_go_first_until_it_fits() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path();
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        for (age, name) in ["build/old", "red/middle.json", "build/new"]
            .iter()
            .enumerate()
        {
            let path = cache.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let file = if name.ends_with("json") {
                path.clone()
            } else {
                std::fs::create_dir(&path).unwrap();
                path.join("bytes")
            };
            std::fs::write(&file, vec![0; 1000]).unwrap();
            let time = start + Duration::from_secs(age as u64 * 10);
            let set = |path: &Path| {
                std::fs::File::open(path)
                    .unwrap()
                    .set_modified(time)
                    .unwrap()
            };
            set(&file);
            set(&path);
        }
        let planned = trim(cache, 1500, true).unwrap();
        assert_eq!(
            (planned.before, planned.removed, planned.entries),
            (3000, 2000, 2)
        );
        assert!(cache.join("build/old").exists());
        assert_eq!(trim(cache, 1500, false).unwrap(), planned);
        assert!(!cache.join("build/old").exists() && !cache.join("red/middle.json").exists());
        assert!(cache.join("build/new/bytes").exists());
        assert_eq!(trim(cache, 1500, false).unwrap().removed, 0);
    }
}
