//! Files below a folder that somebody else writes, such as the clone an agent worked in (SPEC C1).
//!
//! Between the root and the file no link is followed: an agent that replaces `tests` by a link to another folder must not
//! make the referee read or write there. What stands in the way of a folder is removed.

use redgreen_core::id::RelPath;
use redgreen_core::tree::Mode;
use rustix::fs::{AtFlags, FileType, Mode as Permissions, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

const FOLDER: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Reads a regular file. `None` where there is none, where a link stands on the way, or where it is larger than `limit`
/// bytes.
///
/// # Errors
/// What the system said about a file that is there.
pub fn read(root: &Path, path: &RelPath, limit: u64) -> std::io::Result<Option<Vec<u8>>> {
    let Some((folder, name)) = folder_of(root, path, false)? else {
        return Ok(None);
    };
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(&folder, name, flags, Permissions::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(None),
        Err(why) => return Err(why.into()),
    };
    let stat = rustix::fs::fstat(&file)?;
    let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || size > limit {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    File::from(file).take(limit + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

/// Puts a file there as it is in a tree, whatever lies there now. The old name is replaced at once, never written through.
///
/// # Errors
/// No permission, no space; the old file is then untouched.
pub fn put(root: &Path, path: &RelPath, mode: Mode, bytes: &[u8]) -> std::io::Result<()> {
    let Some((folder, name)) = folder_of(root, path, true)? else {
        return Err(std::io::ErrorKind::NotFound.into());
    };
    clear(&folder, name, true)?;
    let temporary = format!(".redgreen-{}.tmp", std::process::id());
    let place = || -> std::io::Result<()> {
        match mode {
            Mode::Link => {
                rustix::fs::symlinkat(std::ffi::OsStr::from_bytes(bytes), &folder, &temporary)?;
            }
            Mode::File | Mode::Executable => {
                let bits = if mode == Mode::Executable {
                    0o777
                } else {
                    0o666
                };
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
                let permissions = Permissions::from_bits_truncate(bits);
                let file = rustix::fs::openat(&folder, &temporary, flags, permissions)?;
                let mut file = File::from(file);
                file.write_all(bytes)?;
                file.sync_all()?;
            }
            Mode::Submodule => return Err(std::io::ErrorKind::Unsupported.into()),
        }
        rustix::fs::renameat(&folder, &temporary, &folder, name)?;
        rustix::fs::fsync(&folder)?;
        Ok(())
    };
    place().inspect_err(|_| {
        let _ = rustix::fs::unlinkat(&folder, &temporary, AtFlags::empty());
    })
}

/// Takes a file, a link or a whole folder away. No error where there is none.
///
/// # Errors
/// What the system said.
pub fn take_away(root: &Path, path: &RelPath) -> std::io::Result<()> {
    match folder_of(root, path, false)? {
        Some((folder, name)) => clear(&folder, name, false),
        None => Ok(()),
    }
}

/// Opens the folder a file lies in, component by component. With `make`, what is missing is made and what is no folder is
/// replaced by one; without, that is `None`.
fn folder_of<'a>(
    root: &Path,
    path: &'a RelPath,
    make: bool,
) -> std::io::Result<Option<(OwnedFd, &'a str)>> {
    let (folders, name) = path
        .as_str()
        .rsplit_once('/')
        .unwrap_or(("", path.as_str()));
    let mut at = rustix::fs::open(
        root,
        OFlags::DIRECTORY | OFlags::CLOEXEC,
        Permissions::empty(),
    )?;
    for step in folders.split('/').filter(|step| !step.is_empty()) {
        let opened = match rustix::fs::openat(&at, step, FOLDER, Permissions::empty()) {
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) if make => {
                clear(&at, step, false)?;
                rustix::fs::mkdirat(&at, step, Permissions::from_bits_truncate(0o777))?;
                rustix::fs::openat(&at, step, FOLDER, Permissions::empty())?
            }
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => return Ok(None),
            other => other?,
        };
        at = opened;
    }
    Ok(Some((at, name)))
}

/// Removes a name, also a folder with everything in it. With `only_folder` anything else stays: it is replaced later.
fn clear(folder: &OwnedFd, name: &str, only_folder: bool) -> std::io::Result<()> {
    let stat = match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(()),
        Err(why) => return Err(why.into()),
    };
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        // The folder itself was opened without a link on the way; its descriptor stands for that place.
        let open = std::path::PathBuf::from(format!("/dev/fd/{}", folder.as_raw_fd()));
        return crate::state::remove_tree(&open.join(name));
    }
    if !only_folder {
        rustix::fs::unlinkat(folder, name, AtFlags::empty())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn rel(path: &str) -> RelPath {
        RelPath::new(path).unwrap()
    }

    #[test]
    fn c1_a_link_on_the_way_is_replaced_never_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (root, outside) = (folder.path().join("clone"), folder.path().join("outside"));
        std::fs::create_dir_all(&root).unwrap();
        std::fs::create_dir_all(&outside).unwrap();
        std::fs::write(outside.join("conftest.py"), "mine").unwrap();
        symlink(&outside, root.join("tests")).unwrap();
        let path = rel("tests/conftest.py");
        assert_eq!(read(&root, &path, 100).unwrap(), None);
        take_away(&root, &path).unwrap();
        put(&root, &path, Mode::File, b"locked").unwrap();
        assert_eq!(
            std::fs::read_to_string(outside.join("conftest.py")).unwrap(),
            "mine"
        );
        assert!(!root.join("tests").is_symlink());
        assert_eq!(read(&root, &path, 100).unwrap().unwrap(), b"locked");
        assert_eq!(read(&root, &path, 5).unwrap(), None, "too large");
    }

    #[test]
    fn c1_whatever_lies_there_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let target = folder.path().join("target");
        std::fs::write(&target, "mine").unwrap();
        symlink(&target, root.join("a")).unwrap();
        put(root, &rel("a"), Mode::Executable, b"#!").unwrap();
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "mine");
        assert!(root.join("a").metadata().unwrap().permissions().mode() & 0o100 != 0);
        std::fs::create_dir_all(root.join("b/deep/er")).unwrap();
        std::fs::write(root.join("b/deep/er/x"), "").unwrap();
        put(root, &rel("b"), Mode::Link, b"a").unwrap();
        assert_eq!(std::fs::read_link(root.join("b")).unwrap(), Path::new("a"));
        put(root, &rel("a/c/d"), Mode::File, b"d").unwrap();
        assert_eq!(std::fs::read(root.join("a/c/d")).unwrap(), b"d");
        take_away(root, &rel("a")).unwrap();
        take_away(root, &rel("a")).unwrap();
        assert!(!root.join("a").exists() && target.exists());
    }
}
