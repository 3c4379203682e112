//! Opening files below a folder without following any link, and reading them once.

use super::{IrregularKind, LARGE};
use crate::git::{Hasher, ObjectFormat, ObjectKind, Oid};
use redgreen_core::id::RelPath;
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::io::Read as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

/// The folder that everything is opened below.
pub(super) struct Root(OwnedFd);

/// A file as it was read.
pub(super) struct Read {
    /// Its object id, computed by us.
    pub(super) oid: Oid,
    /// Its bytes; `None` when there are more than [`LARGE`].
    pub(super) bytes: Option<Vec<u8>>,
    /// The owner may execute it.
    pub(super) executable: bool,
    /// How many names (hard links) it has.
    pub(super) names: u64,
    /// It is a link, with this target.
    pub(super) link_target: Option<Vec<u8>>,
}

/// `None`: it is gone. `Some`: it is no ordinary file, or cannot be read.
type Refusal = Option<IrregularKind>;

fn refusal(why: Errno) -> Refusal {
    match why {
        Errno::NOENT | Errno::NOTDIR => None,
        _ => Some(IrregularKind::Unreadable {
            why: std::io::Error::from(why).to_string(),
        }),
    }
}

impl Root {
    pub(super) fn open(dir: &Path) -> std::io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(dir, flags, Mode::empty())?))
    }

    /// Opens a folder below; the empty path is the root itself.
    pub(super) fn open_folder(&self, path: &str) -> Result<OwnedFd, Errno> {
        let path = if path.is_empty() { "." } else { path };
        self.open_below(path, OFlags::RDONLY | OFlags::DIRECTORY)
    }

    /// Opens a path such that no component is a link. Non-blocking, so that a named pipe cannot hold us.
    fn open_below(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::ResolveFlags;
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
            match rustix::fs::openat2(&self.0, path, flags, Mode::empty(), resolve) {
                // Kernels before 5.6 and some container profiles: component by component.
                Err(Errno::NOSYS | Errno::PERM) => {}
                other => return other,
            }
        }
        self.open_stepwise(path, flags)
    }

    /// The same without `openat2`, one component after the other.
    fn open_stepwise(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let mut at: Option<OwnedFd> = None;
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        for folder in folders.split('/').filter(|part| !part.is_empty()) {
            let from = at.as_ref().unwrap_or(&self.0);
            let step = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            at = Some(rustix::fs::openat(from, folder, step, Mode::empty())?);
        }
        let from = at.as_ref().unwrap_or(&self.0);
        rustix::fs::openat(from, name, flags, Mode::empty())
    }

    /// Whether a folder is a virtual environment (PEP 405: `pyvenv.cfg`) or a cache (`CACHEDIR.TAG` with the signature
    /// of <https://bford.info/cachedir/>: cargo's `target`, `.pytest_cache`, `.mypy_cache`, `.ruff_cache`).
    pub(super) fn is_environment(&self, folder: &RelPath) -> bool {
        const SIGNATURE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";
        let start = |name: &str| -> Option<Vec<u8>> {
            let file = self
                .open_below(&format!("{folder}/{name}"), OFlags::RDONLY)
                .ok()?;
            let stat = rustix::fs::fstat(&file).ok()?;
            if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                return None;
            }
            let mut bytes = Vec::new();
            std::fs::File::from(file)
                .take(SIGNATURE.len() as u64)
                .read_to_end(&mut bytes)
                .ok()?;
            Some(bytes)
        };
        start("pyvenv.cfg").is_some()
            || start("CACHEDIR.TAG").is_some_and(|bytes| bytes == SIGNATURE)
    }

    /// Reads a file once, or the target of a link.
    pub(super) fn read(&self, format: ObjectFormat, path: &RelPath) -> Result<Read, Refusal> {
        let file = match self.open_below(path.as_str(), OFlags::RDONLY) {
            Ok(file) => file,
            // The last component is a link (or, at the folder above, nothing of ours any more).
            Err(Errno::LOOP) => return self.read_link(format, path),
            // A socket cannot be opened.
            Err(Errno::NXIO) => return Err(Some(IrregularKind::Special)),
            Err(why) => return Err(refusal(why)),
        };
        let stat = rustix::fs::fstat(&file).map_err(refusal)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {}
            FileType::Directory => return Err(None),
            _ => return Err(Some(IrregularKind::Special)),
        }
        let length = u64::try_from(stat.st_size).unwrap_or(0);
        let (oid, bytes) = read_content(&file, format, length)?;
        Ok(Read {
            oid,
            bytes,
            executable: stat.st_mode & 0o100 != 0,
            #[expect(
                clippy::useless_conversion,
                reason = "the width of the link count differs between platforms"
            )]
            names: u64::try_from(stat.st_nlink).unwrap_or(u64::MAX),
            link_target: None,
        })
    }

    fn read_link(&self, format: ObjectFormat, path: &RelPath) -> Result<Read, Refusal> {
        let parent = path.parent();
        let folder = parent.as_ref().map_or("", RelPath::as_str);
        let folder = self.open_folder(folder).map_err(|why| match why {
            // A folder on the way is a link: that folder is reported by itself.
            Errno::LOOP => None,
            why => refusal(why),
        })?;
        let name = path.file_name();
        let target = rustix::fs::readlinkat(folder.as_fd(), name, Vec::new()).map_err(refusal)?;
        let target = target.into_bytes();
        Ok(Read {
            oid: format.id_of(ObjectKind::Blob, &target),
            bytes: None,
            executable: false,
            names: 1,
            link_target: Some(target),
        })
    }

    /// What an entry is, for file systems that do not tell it with the name.
    pub(super) fn kind_of(
        &self,
        folder: &OwnedFd,
        name: &std::ffi::CStr,
    ) -> Result<FileType, Errno> {
        let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(FileType::from_raw_mode(stat.st_mode))
    }
}

/// Reads to the end and hashes. More or fewer bytes than the file said to have: it is being written to.
fn read_content(
    file: &OwnedFd,
    format: ObjectFormat,
    length: u64,
) -> Result<(Oid, Option<Vec<u8>>), Refusal> {
    let keep = length <= LARGE;
    let mut hasher = Hasher::new(format, ObjectKind::Blob, length);
    // One byte more than there should be: the end is then seen with the first read.
    let room = usize::try_from(if keep { length + 1 } else { 1 << 20 }).unwrap_or(1 << 20);
    let mut buffer = vec![0u8; room];
    let mut filled = 0usize;
    let mut seen = 0u64;
    loop {
        if filled == buffer.len() {
            if keep {
                return Err(Some(IrregularKind::Changing));
            }
            hasher.update(&buffer);
            filled = 0;
        }
        match rustix::io::read(file, &mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => {
                filled += count;
                seen += count as u64;
            }
            Err(Errno::INTR) => {}
            Err(why) => return Err(refusal(why)),
        }
        if keep && seen == length && filled < buffer.len() {
            // There was room for one byte more and it did not come: this is the end.
            break;
        }
    }
    if seen != length {
        return Err(Some(IrregularKind::Changing));
    }
    hasher.update(&buffer[..filled]);
    buffer.truncate(filled);
    Ok((hasher.finish(), keep.then_some(buffer)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c1_a_file_is_never_opened_through_a_folder_that_became_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        std::fs::create_dir(dir.join("real")).unwrap();
        std::fs::write(dir.join("real/file"), "x").unwrap();
        std::os::unix::fs::symlink("real", dir.join("link")).unwrap();
        std::os::unix::fs::symlink("file", dir.join("real/link")).unwrap();
        let root = Root::open(dir).unwrap();
        let path = |text: &str| RelPath::new(text).unwrap();
        let read = |text: &str| root.read(ObjectFormat::Sha1, &path(text));
        assert_eq!(
            read("real/file").ok().and_then(|read| read.bytes),
            Some(b"x".to_vec())
        );
        assert!(matches!(read("link/file"), Err(None)));
        let link = read("real/link").ok().and_then(|read| read.link_target);
        assert_eq!(link, Some(b"file".to_vec()));
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        assert!(root.open_stepwise("real/file", flags).is_ok());
        assert!(root.open_stepwise("link/file", flags).is_err());
        assert!(root.open_stepwise("real/link", flags).is_err());
    }
}
