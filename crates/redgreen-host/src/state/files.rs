//! Files that are whole or not there.

use super::StateError;
use redgreen_core::id::Digest;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Replaces a file so that a reader, a crash or a power cut sees the old bytes or the new ones: temporary file on the
/// same disk, fsync, rename, fsync of the folder. An existing file keeps its permissions; a new one gets
/// the usual ones (in private state the folder is closed).
///
/// # Errors
/// No permission, no space; the old file is then untouched and the temporary file is removed.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    let failed = |why: std::io::Error| StateError::io("written", path, &why);
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let temporary = super::scratch::before(path);
    let write = || {
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o666)
            .open(&temporary)?;
        file.write_all(bytes)?;
        if let Ok(old) = std::fs::metadata(path) {
            file.set_permissions(old.permissions())?;
        }
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        sync_folder(folder)
    };
    write().map_err(|why| {
        let _ = std::fs::remove_file(&temporary);
        failed(why)
    })
}

/// What [`write_sealed`] puts before the digest, on a line of its own.
const SEAL: &[u8] = b"\nsha256:";

/// Like [`write_atomically`], with the digest of the bytes behind them: a byte that the disk has changed since is noticed
/// by [`unsealed`].
///
/// # Errors
/// As [`write_atomically`].
pub fn write_sealed(path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    let mut sealed = bytes.to_vec();
    sealed.extend_from_slice(SEAL);
    sealed.extend_from_slice(Digest::of(bytes).hex().as_bytes());
    sealed.push(b'\n');
    write_atomically(path, &sealed)
}

/// The bytes before a seal that is right; `None` when there is none or it is not that of the bytes.
#[must_use]
pub fn unsealed(bytes: &[u8]) -> Option<&[u8]> {
    let at = bytes.len().checked_sub(SEAL.len() + 64 + 1)?;
    let (content, seal) = bytes.split_at(at);
    let digest = seal.strip_prefix(SEAL)?.strip_suffix(b"\n")?;
    (digest == Digest::of(content).hex().as_bytes()).then_some(content)
}

/// Files that people write (plans) are smaller than this.
const LARGEST: u64 = 256 << 20;

/// Reads a file that somebody named. A pipe or a device is refused instead of waited for.
///
/// # Errors
/// What the system said, or that it is no regular file of a sensible size.
pub fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    let refused = |why: &str| Err(std::io::Error::other(why.to_owned()));
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let mut file = File::options()
        .read(true)
        .custom_flags(nonblocking)
        .open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return refused("it is a folder");
    }
    if !metadata.is_file() {
        return refused("it is no regular file");
    }
    if metadata.len() > LARGEST {
        return refused("it is larger than 256 MiB");
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a file of unknown length, such as the output of tests: all of it, or of a longer one than `keep` bytes the
/// first and the last half with a line in between that says how much was left out.
///
/// # Errors
/// What the system said.
pub(crate) fn read_ends(path: &Path, keep: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    if length <= keep {
        file.take(keep).read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    let half = keep / 2;
    (&mut file).take(half).read_to_end(&mut bytes)?;
    let left_out = length - 2 * half;
    bytes.extend_from_slice(format!("\n[redgreen left out {left_out} bytes here]\n").as_bytes());
    file.seek(SeekFrom::Start(length - half))?;
    file.take(half).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Removes a folder with everything in it, also folders that were made read-only (Go's and cargo's caches are). Links
/// are removed, never followed. No error when it is not there.
///
/// # Errors
/// What the system said about the first thing that could not be removed.
pub fn remove_tree(dir: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(why) if why.kind() == std::io::ErrorKind::PermissionDenied => {
            open_folders(dir);
            std::fs::remove_dir_all(dir)
        }
        other => other,
    }
}

fn open_folders(dir: &Path) {
    let _ = std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700));
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_folders(&entry.path());
        }
    }
}

/// How many bytes the files of a folder have; what cannot be read counts nothing. Links are not followed.
#[must_use]
pub fn size_of(folder: &Path) -> u64 {
    let mut total = 0;
    let mut queue = vec![folder.to_path_buf()];
    while let Some(folder) = queue.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => queue.push(entry.path()),
                Ok(metadata) => total += metadata.len(),
                Err(_) => {}
            }
        }
    }
    total
}
