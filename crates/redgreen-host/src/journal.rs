//! The journal: an append-only JSON Lines file, synced at every append and hash-chained (SPEC G5).
//!
//! A line is `{"v":1,"seq":N,"prev":"sha256:…","at":"…","data":{…},"sum":"sha256:…"}`. `prev` is the SHA-256 of the
//! bytes of the line before (of nothing for the first), `sum` that of the line's own bytes before `,"sum"`: the chain
//! alone would not protect the last line. What the data mean is not this room's matter.

use crate::clock;
use crate::state::StateError;
use redgreen_core::id::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{File, TryLockError};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// The version this program writes, and the newest it reads.
pub const VERSION: u64 = 1;

/// What `sum` is preceded by.
const SUM: &[u8] = b",\"sum\":\"";

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its number, from 0 without gaps.
    pub seq: u64,
    /// When it was written, RFC 3339 UTC.
    pub at: String,
    /// What it says.
    pub data: Value,
    /// The digest of its line: the head of the chain up to here.
    pub digest: Digest,
}

/// A last line that a crash cut off. It was never acknowledged, so nothing was done because of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// Its length in bytes.
    pub bytes: usize,
    /// Where its bytes were put aside; `None` when the journal was only read.
    pub kept_in: Option<PathBuf>,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A line is not what was written.
    #[error("`{}` line {line}: {cause}", .path.display())]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong, a lower-case fragment.
        cause: String,
    },
    /// A line was written by a newer redgreen.
    #[error("`{}` line {line} has version {found}; this redgreen reads up to {VERSION}", .path.display())]
    Newer {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Its version.
        found: u64,
    },
    /// Another redgreen writes it.
    #[error("another redgreen writes `{}`", .path.display())]
    Busy {
        /// The journal.
        path: PathBuf,
    },
    /// An earlier append failed and could not be undone: nothing more is written.
    #[error("`{}` could not be brought back to its last whole record", .path.display())]
    Unusable {
        /// The journal.
        path: PathBuf,
    },
    /// The system refused.
    #[error(transparent)]
    State(#[from] StateError),
}

impl JournalError {
    /// The next step.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Damaged { .. } => {
                "restore the file from a backup, or move it away to begin again: its evidence is then gone"
                    .to_owned()
            }
            Self::Newer { .. } => "update redgreen".to_owned(),
            Self::Busy { .. } => "wait for it, or end it with `redgreen stop`".to_owned(),
            Self::Unusable { .. } => "free some space, then run the same command again".to_owned(),
            Self::State(error) => error.hint.clone(),
        }
    }
}

/// The journal of a plan, open for appending. One writer at a time.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    length: u64,
    next: u64,
    head: Digest,
    usable: bool,
}

/// A journal that was opened, with everything in it.
#[derive(Debug)]
pub struct Opened {
    /// Open for appending.
    pub journal: Journal,
    /// Every record, verified.
    pub records: Vec<Record>,
    /// A cut-off last line that was set aside.
    pub torn: Option<Torn>,
}

/// A line as it is stored, before its sum.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    v: u64,
    seq: u64,
    prev: Digest,
    at: String,
    data: Value,
    /// Judged on the bytes before anything is parsed; here so that no other field can stand in its place.
    #[serde(default, skip_serializing, rename = "sum")]
    _sum: Option<Digest>,
}

/// Whatever has a version, to recognise a newer one.
#[derive(Deserialize)]
struct Versioned {
    v: u64,
}

/// What reading a journal came to.
struct Verified {
    length: u64,
    next: u64,
    head: Digest,
    torn: Vec<u8>,
}

impl Journal {
    /// Opens (and makes) a journal, verifies all of it and sets a torn last line aside in `<path>.torn`.
    ///
    /// # Errors
    /// A line is damaged or newer than this program; another redgreen writes it; the system refused.
    pub fn open(path: &Path) -> Result<Opened, JournalError> {
        let failed = |why: std::io::Error| StateError::io("opened", path, &why);
        let is_new = !path.exists();
        let file = File::options()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let path = path.to_owned();
                return Err(JournalError::Busy { path });
            }
            Err(TryLockError::Error(why)) => return Err(failed(why).into()),
        }
        if is_new && let Some(folder) = path.parent() {
            crate::state::sync_folder(folder).map_err(failed)?;
        }
        // From here on the lock is freed whatever happens.
        let mut journal = Self {
            path: path.to_owned(),
            file,
            length: 0,
            next: 0,
            head: Digest::of(b""),
            usable: true,
        };
        let mut records = Vec::new();
        let verified = verify(path, &mut journal.file, &mut |record| records.push(record))?;
        let torn = if verified.torn.is_empty() {
            None
        } else {
            Some(set_aside(path, &journal.file, &verified).map_err(failed)?)
        };
        journal.length = verified.length;
        journal.next = verified.next;
        journal.head = verified.head;
        Ok(Opened {
            journal,
            records,
            torn,
        })
    }

    /// Appends a record and returns when it is on the disk. After an error nothing of it is in the journal.
    ///
    /// # Errors
    /// No space, no permission; or an earlier failure could not be undone.
    pub fn append(&mut self, data: Value) -> Result<Record, JournalError> {
        if !self.usable {
            let path = self.path.clone();
            return Err(JournalError::Unusable { path });
        }
        let at = clock::now_rfc3339();
        let line = Line {
            v: VERSION,
            seq: self.next,
            prev: self.head,
            at: at.clone(),
            data,
            _sum: None,
        };
        let failed = |path: &Path, why: std::io::Error| StateError::io("written", path, &why);
        let mut bytes = serde_json::to_vec(&line)
            .map_err(|why| failed(&self.path, std::io::Error::other(why)))?;
        bytes.pop();
        let sum = Digest::of(&bytes);
        bytes.extend_from_slice(SUM);
        bytes.extend_from_slice(format!("{sum}\"}}").as_bytes());
        let digest = Digest::of(&bytes);
        bytes.push(b'\n');
        let written = self
            .file
            .write_all(&bytes)
            .and_then(|()| self.file.sync_data());
        if let Err(why) = written {
            let undone = self
                .file
                .set_len(self.length)
                .and_then(|()| self.file.sync_data());
            self.usable = undone.is_ok();
            return Err(failed(&self.path, why).into());
        }
        self.length += bytes.len() as u64;
        let seq = self.next;
        self.next += 1;
        self.head = digest;
        Ok(Record {
            seq,
            at,
            data: line.data,
            digest,
        })
    }

    /// The digest of the last line: what commit trailers anchor. Of nothing for an empty journal.
    #[must_use]
    pub fn head(&self) -> Digest {
        self.head
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.next
    }

    /// Whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.next == 0
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // Closing is not enough: a process that another thread is just starting holds a copy for a moment.
        let _ = self.file.unlock();
    }
}

/// Reads and verifies a journal that somebody else may be writing, record by record. A last line without its end is
/// told and left alone: its writer may not be done.
///
/// # Errors
/// A line is damaged or newer than this program; the file cannot be read.
pub fn read(path: &Path, each: &mut dyn FnMut(Record)) -> Result<Option<Torn>, JournalError> {
    let mut file = File::open(path).map_err(|why| StateError::io("opened", path, &why))?;
    let verified = verify(path, &mut file, each)?;
    Ok((!verified.torn.is_empty()).then_some(Torn {
        bytes: verified.torn.len(),
        kept_in: None,
    }))
}

fn verify(
    path: &Path,
    file: &mut File,
    each: &mut dyn FnMut(Record),
) -> Result<Verified, JournalError> {
    let failed = |why: std::io::Error| StateError::io("read", path, &why);
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let mut reader = BufReader::with_capacity(1 << 18, &*file);
    let mut verified = Verified {
        length: 0,
        next: 0,
        head: Digest::of(b""),
        torn: Vec::new(),
    };
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        if reader.read_until(b'\n', &mut bytes).map_err(failed)? == 0 {
            return Ok(verified);
        }
        let line = verified.next + 1;
        let damaged = |cause: String| JournalError::Damaged {
            path: path.to_owned(),
            line,
            cause,
        };
        if bytes.last() != Some(&b'\n') {
            // A whole record with something else where its line ends was changed, not cut off.
            let whole = bytes
                .split_last()
                .is_some_and(|(_, body)| sum_is_right(body));
            if whole {
                return Err(damaged(
                    "the line feed after the record was changed".to_owned(),
                ));
            }
            verified.torn = bytes;
            return Ok(verified);
        }
        let body = &bytes[..bytes.len() - 1];
        if !sum_is_right(body) {
            return Err(match serde_json::from_slice::<Versioned>(body) {
                Ok(versioned) if versioned.v > VERSION => JournalError::Newer {
                    path: path.to_owned(),
                    line,
                    found: versioned.v,
                },
                Ok(_) => damaged("its bytes do not have the digest in `sum`".to_owned()),
                Err(why) => damaged(format!("it is no record: {why}")),
            });
        }
        let versioned: Versioned = serde_json::from_slice(body)
            .map_err(|why| damaged(format!("it is no record: {why}")))?;
        if versioned.v > VERSION {
            return Err(JournalError::Newer {
                path: path.to_owned(),
                line,
                found: versioned.v,
            });
        }
        let read: Line = serde_json::from_slice(body)
            .map_err(|why| damaged(format!("it is no record: {why}")))?;
        if read.seq != verified.next {
            return Err(damaged(format!(
                "it has number {} where {} is expected",
                read.seq, verified.next
            )));
        }
        if read.prev != verified.head {
            return Err(damaged("it does not follow the line before it".to_owned()));
        }
        verified.head = Digest::of(body);
        verified.next += 1;
        verified.length += bytes.len() as u64;
        each(Record {
            seq: read.seq,
            at: read.at,
            data: read.data,
            digest: verified.head,
        });
    }
}

/// Whether a line ends with the digest of what stands before it.
fn sum_is_right(body: &[u8]) -> bool {
    // `,"sum":"` + `sha256:` + 64 digits + `"}`
    let tail = SUM.len() + 7 + 64 + 2;
    let Some(at) = body.len().checked_sub(tail) else {
        return false;
    };
    let (content, tail) = body.split_at(at);
    let expected = format!("{}\"}}", Digest::of(content));
    tail.strip_prefix(SUM) == Some(expected.as_bytes())
}

fn set_aside(path: &Path, file: &File, verified: &Verified) -> std::io::Result<Torn> {
    let mut name = path.as_os_str().to_owned();
    name.push(".torn");
    let kept_in = PathBuf::from(name);
    let mut aside = File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&kept_in)?;
    aside.write_all(&verified.torn)?;
    aside.write_all(b"\n")?;
    aside.sync_all()?;
    file.set_len(verified.length)?;
    file.sync_all()?;
    Ok(Torn {
        bytes: verified.torn.len(),
        kept_in: Some(kept_in),
    })
}

#[cfg(test)]
mod tests;
