//! Reading objects: raw bytes through one `cat-file --batch`, each hashed again (SPEC C1).

use super::{GitError, GitErrorKind, Oid, Repository};
use crate::process::run_into;
use redgreen_core::id::RelPath;
use redgreen_core::tree::{Entry, Listing, Mode};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// How a repository names its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectFormat {
    /// 40 hexadecimal digits.
    Sha1,
    /// 64 hexadecimal digits.
    Sha256,
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// File content, or the target of a link.
    Blob,
    /// A folder.
    Tree,
    /// A commit.
    Commit,
    /// An annotated tag.
    Tag,
}

impl ObjectKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Tree => "tree",
            Self::Commit => "commit",
            Self::Tag => "tag",
        }
    }
    pub(super) fn from_name(name: &[u8]) -> Option<Self> {
        [Self::Blob, Self::Tree, Self::Commit, Self::Tag]
            .into_iter()
            .find(|kind| kind.name().as_bytes() == name)
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
    text
}

/// Hashes an object piece by piece.
pub(crate) enum Hasher {
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Hasher {
    pub(crate) fn new(format: ObjectFormat, kind: ObjectKind, length: u64) -> Self {
        let mut hasher = match format {
            ObjectFormat::Sha1 => Self::Sha1(Sha1::new()),
            ObjectFormat::Sha256 => Self::Sha256(Sha256::new()),
        };
        hasher.update(format!("{} {length}\0", kind.name()).as_bytes());
        hasher
    }
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
        }
    }
    pub(crate) fn finish(self) -> Oid {
        match self {
            Self::Sha1(hasher) => hex(&hasher.finalize()),
            Self::Sha256(hasher) => hex(&hasher.finalize()),
        }
    }
}

impl ObjectFormat {
    pub(super) fn from_name(name: &[u8]) -> Option<Self> {
        match name {
            b"sha1" => Some(Self::Sha1),
            b"sha256" => Some(Self::Sha256),
            _ => None,
        }
    }
    /// Bytes of an id in a tree object.
    pub(super) fn raw_length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
    /// The bytes of a complete id; `None` for any other text.
    pub(super) fn raw(self, oid: &str) -> Option<Vec<u8>> {
        if !self.is_complete(oid) {
            return None;
        }
        (0..self.raw_length())
            .map(|at| u8::from_str_radix(oid.get(2 * at..2 * at + 2)?, 16).ok())
            .collect()
    }
    /// Whether a text is a complete id, as git writes it.
    pub(super) fn is_complete(self, text: &str) -> bool {
        text.len() == self.raw_length() * 2
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }
    /// The id of an object that does not exist: all zeros.
    #[must_use]
    pub fn null_oid(self) -> Oid {
        "0".repeat(self.raw_length() * 2)
    }
    /// The id of an object with these bytes, computed by us.
    #[must_use]
    pub fn id_of(self, kind: ObjectKind, bytes: &[u8]) -> Oid {
        let mut hasher = Hasher::new(self, kind, bytes.len() as u64);
        hasher.update(bytes);
        hasher.finish()
    }
}

/// Cuts the output of `cat-file --batch` into objects. The format is in git-cat-file(1), "BATCH OUTPUT".
pub(super) struct BatchReader<'a> {
    format: ObjectFormat,
    asked: std::slice::Iter<'a, Oid>,
    pending: Vec<u8>,
    body: Option<Body>,
}

struct Body {
    oid: Oid,
    kind: ObjectKind,
    length: usize,
    bytes: Vec<u8>,
}

/// Takes objects as they come; an error of its own ends the reading.
pub(super) type Take<'a, E> = &'a mut dyn FnMut(&str, ObjectKind, Vec<u8>) -> Result<(), E>;

impl<'a> BatchReader<'a> {
    pub(super) fn new(format: ObjectFormat, asked: &'a [Oid]) -> Self {
        Self {
            format,
            asked: asked.iter(),
            pending: Vec::new(),
            body: None,
        }
    }

    /// Whether every object that was asked for has come.
    pub(super) fn is_complete(&self) -> bool {
        self.body.is_none() && self.asked.as_slice().is_empty()
    }

    pub(super) fn push<E: From<GitError>>(
        &mut self,
        mut piece: &[u8],
        take: Take<'_, E>,
    ) -> Result<(), E> {
        loop {
            match &mut self.body {
                None => {
                    let Some(end) = piece.iter().position(|&byte| byte == b'\n') else {
                        self.pending.extend_from_slice(piece);
                        return Ok(());
                    };
                    self.pending.extend_from_slice(&piece[..end]);
                    piece = &piece[end + 1..];
                    let header = std::mem::take(&mut self.pending);
                    self.body = Some(self.parse_header(&header)?);
                }
                Some(body) => {
                    // One more byte than the content: the line feed after it.
                    let wanted = body.length + 1 - body.bytes.len();
                    let taken = wanted.min(piece.len());
                    body.bytes.extend_from_slice(&piece[..taken]);
                    piece = &piece[taken..];
                    if taken < wanted {
                        return Ok(());
                    }
                    if let Some(mut body) = self.body.take() {
                        body.bytes.pop();
                        let found = self.format.id_of(body.kind, &body.bytes);
                        if found != body.oid {
                            return Err(GitError::damaged(&body.oid, &found).into());
                        }
                        take(&body.oid, body.kind, body.bytes)?;
                    }
                }
            }
        }
    }

    fn parse_header(&mut self, header: &[u8]) -> Result<Body, GitError> {
        let confused = || {
            GitError::failed(
                "cat-file",
                &format!("unexpected line `{}`", String::from_utf8_lossy(header)),
            )
        };
        let asked = self.asked.next().ok_or_else(confused)?;
        let mut words = header.split(|&byte| byte == b' ');
        let oid = words.next().unwrap_or_default();
        let kind = words.next().unwrap_or_default();
        if kind == b"missing" {
            return Err(GitError::missing(asked));
        }
        if oid != asked.as_bytes() {
            return Err(confused());
        }
        let length = words
            .next()
            .and_then(|word| std::str::from_utf8(word).ok()?.parse::<usize>().ok())
            .ok_or_else(confused)?;
        Ok(Body {
            oid: asked.clone(),
            kind: ObjectKind::from_name(kind).ok_or_else(confused)?,
            length,
            bytes: Vec::with_capacity((length + 1).min(64 << 20)),
        })
    }
}

impl Repository {
    /// Reads objects in the order asked for, from the one git process that answers for this repository, and hands each to
    /// `take` as it comes. Every object is hashed again before it is handed over. What this process has read and hashed
    /// before is not read again.
    ///
    /// # Errors
    /// A missing or damaged object, named; or what `take` returned.
    pub fn read_objects<E: From<GitError>>(
        &self,
        oids: &[Oid],
        take: Take<'_, E>,
    ) -> Result<(), E> {
        if let Some(known) = self.memory.all(oids) {
            for (oid, (kind, bytes)) in oids.iter().zip(known) {
                take(oid, kind, bytes.to_vec())?;
            }
            return Ok(());
        }
        let mut done = 0;
        let mut remember = |oid: &str, kind: ObjectKind, bytes: Vec<u8>| {
            self.memory.keep(oid, kind, &bytes);
            done += 1;
            take(oid, kind, bytes)
        };
        if let Some(came) = self.helper.contents(self, oids, &mut remember) {
            return came;
        }
        // No helper here, or it ended on an object: a process of its own says why.
        let oids = &oids[done..];
        let mut remember = |oid: &str, kind: ObjectKind, bytes: Vec<u8>| {
            self.memory.keep(oid, kind, &bytes);
            take(oid, kind, bytes)
        };
        let mut spec = self.spec(&["cat-file", "--batch", "--buffer"]);
        for oid in oids {
            spec.stdin.extend_from_slice(oid.as_bytes());
            spec.stdin.push(b'\n');
        }
        spec.output_limit = u64::MAX;
        let mut reader = BatchReader::new(self.object_format(), oids);
        let mut failure = None;
        let finished = run_into(
            &spec,
            &mut |piece| match reader.push(piece, &mut remember) {
                Ok(()) => ControlFlow::Continue(()),
                Err(why) => {
                    failure = Some(why);
                    ControlFlow::Break(())
                }
            },
        )
        .map_err(|why| GitError::spawn(&why))?;
        if let Some(why) = failure {
            return Err(why);
        }
        match reader.asked.next() {
            // git dies on an object that it cannot inflate, and says which.
            Some(next) if finished.stderr_text().contains("corrupt") => {
                Err(GitError::damaged(next, "unreadable").into())
            }
            Some(_) => Err(GitError::failed("cat-file", &finished.stderr_text()).into()),
            None if reader.body.is_some() || !finished.success() => {
                Err(GitError::failed("cat-file", &finished.stderr_text()).into())
            }
            None => Ok(()),
        }
    }

    /// Those of some objects that the repository does not have, without reading any.
    ///
    /// # Errors
    /// git failed.
    pub(super) fn absent(&self, oids: &[Oid]) -> Result<BTreeSet<Oid>, GitError> {
        let unique: BTreeSet<&Oid> = oids.iter().collect();
        if let Some(absent) = self.helper.absent(self, &unique) {
            return Ok(absent);
        }
        let lines: String = unique.iter().map(|oid| format!("{oid}\n")).collect();
        let output = self.output(&["cat-file", "--batch-check", "--buffer"], lines.as_bytes())?;
        Ok(String::from_utf8_lossy(&output)
            .lines()
            .filter_map(|line| line.strip_suffix(" missing"))
            .map(str::to_owned)
            .collect())
    }

    /// Reads some blobs into memory. For many or large ones use [`Repository::read_objects`].
    ///
    /// # Errors
    /// A missing or damaged object, or one that is not a blob; named.
    pub fn read_blobs(&self, oids: &[Oid]) -> Result<BTreeMap<Oid, Vec<u8>>, GitError> {
        let unique: Vec<Oid> = oids
            .iter()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .cloned()
            .collect();
        let mut blobs = BTreeMap::new();
        self.read_objects(&unique, &mut |oid, kind, bytes| {
            expect_kind(oid, kind, ObjectKind::Blob)?;
            blobs.insert(oid.to_owned(), bytes);
            Ok::<(), GitError>(())
        })?;
        Ok(blobs)
    }

    /// Reads one blob.
    ///
    /// # Errors
    /// As [`Repository::read_blobs`].
    pub fn read_blob(&self, oid: &str) -> Result<Vec<u8>, GitError> {
        let mut blobs = self.read_blobs(&[oid.to_owned()])?;
        blobs.remove(oid).ok_or_else(|| GitError::missing(oid))
    }

    /// The id a blob with these bytes has in this repository, computed by us.
    #[must_use]
    pub fn blob_id(&self, bytes: &[u8]) -> Oid {
        self.object_format().id_of(ObjectKind::Blob, bytes)
    }

    /// The tree of a revision (commit, tag or tree), verified on the way.
    ///
    /// # Errors
    /// The revision does not exist, or an object is missing or damaged.
    pub fn tree_of(&self, treeish: &str) -> Result<Oid, GitError> {
        // A complete id names itself; whether it is there shows when it is read.
        let mut oid = if self.object_format().is_complete(treeish) {
            treeish.to_owned()
        } else {
            self.resolve_object(treeish)?
        };
        // A tag may name a tag; nobody nests them deeper.
        for _ in 0..16 {
            let mut next = None;
            self.read_objects(std::slice::from_ref(&oid), &mut |_, kind, bytes| {
                next = match kind {
                    ObjectKind::Tree => None,
                    ObjectKind::Commit => Some(header_value(&bytes, "tree")),
                    ObjectKind::Tag => Some(header_value(&bytes, "object")),
                    ObjectKind::Blob => {
                        return Err(GitError::new(
                            GitErrorKind::NoSuchRevision,
                            format!("`{treeish}` is a file, not a tree"),
                            "name a commit, a branch or a tag",
                        ));
                    }
                };
                Ok::<(), GitError>(())
            })?;
            match next {
                None => return Ok(oid),
                Some(value) => oid = value.ok_or_else(|| GitError::missing(treeish))?,
            }
        }
        Err(GitError::missing(treeish))
    }

    /// Every file of a revision with mode and id. The trees are read and hashed again by us, level by level.
    ///
    /// # Errors
    /// The revision does not exist, an object is missing or damaged, a name is not UTF-8 (the first one is named).
    pub fn listing(&self, treeish: &str) -> Result<Listing, GitError> {
        let mut files: Vec<(RelPath, Entry)> = Vec::new();
        // The same tree may stand at several paths: each is read once per level.
        let mut level: BTreeMap<Oid, Vec<String>> =
            BTreeMap::from([(self.tree_of(treeish)?, vec![String::new()])]);
        while !level.is_empty() {
            let oids: Vec<Oid> = level.keys().cloned().collect();
            let mut next: BTreeMap<Oid, Vec<String>> = BTreeMap::new();
            let format = self.object_format();
            self.read_objects(&oids, &mut |oid, kind, bytes| {
                expect_kind(oid, kind, ObjectKind::Tree)?;
                let Some(prefixes) = level.get(oid) else {
                    return Err(GitError::missing(oid));
                };
                for (mode, name, child) in parse_tree(format, oid, &bytes)? {
                    for prefix in prefixes {
                        let path = format!("{prefix}{name}");
                        match mode {
                            None => next
                                .entry(child.clone())
                                .or_default()
                                .push(format!("{path}/")),
                            Some(mode) => {
                                let path = RelPath::new(path).map_err(|why| {
                                    GitError::bad_name(name.as_bytes(), &why.to_string())
                                })?;
                                let oid = child.clone();
                                files.push((path, Entry { mode, oid }));
                            }
                        }
                    }
                }
                Ok::<(), GitError>(())
            })?;
            level = next;
        }
        let count = files.len();
        let listing: Listing = files.into_iter().collect();
        if listing.len() != count {
            return Err(GitError::new(
                GitErrorKind::ObjectDamaged,
                format!("`{treeish}` holds the same path twice"),
                "`git fsck` names the damaged tree",
            ));
        }
        Ok(listing)
    }
}

pub(super) fn expect_kind(
    oid: &str,
    kind: ObjectKind,
    expected: ObjectKind,
) -> Result<(), GitError> {
    if kind == expected {
        return Ok(());
    }
    Err(GitError::new(
        GitErrorKind::ObjectDamaged,
        format!(
            "object `{oid}` is a {}, not a {}",
            kind.name(),
            expected.name()
        ),
        "`git fsck` tells whether the repository is whole",
    ))
}

/// The value of a header line of a commit or tag.
pub(super) fn header_value(bytes: &[u8], name: &str) -> Option<String> {
    let head = bytes
        .split(|&byte| byte == b'\n')
        .take_while(|line| !line.is_empty());
    for line in head {
        if let Some(value) = line
            .strip_prefix(name.as_bytes())
            .and_then(|rest| rest.strip_prefix(b" "))
        {
            return String::from_utf8(value.to_vec()).ok();
        }
    }
    None
}

/// A tree's entries: mode (`None` for a folder), name, id. The format is `<mode> SP <name> NUL <raw id>`, repeated.
pub(super) fn parse_tree(
    format: ObjectFormat,
    oid: &str,
    mut bytes: &[u8],
) -> Result<Vec<(Option<Mode>, String, Oid)>, GitError> {
    let damaged = || {
        GitError::new(
            GitErrorKind::ObjectDamaged,
            format!("tree `{oid}` cannot be read"),
            "`git fsck` tells whether the repository is whole",
        )
    };
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|&b| b == b' ').ok_or_else(damaged)?;
        let nul = bytes.iter().position(|&b| b == 0).ok_or_else(damaged)?;
        let end = nul + 1 + format.raw_length();
        if space > nul || bytes.len() < end {
            return Err(damaged());
        }
        let mode = match &bytes[..space] {
            b"40000" | b"040000" => None,
            b"100644" | b"100664" => Some(Mode::File),
            b"100755" => Some(Mode::Executable),
            b"120000" => Some(Mode::Link),
            b"160000" => Some(Mode::Submodule),
            _ => return Err(damaged()),
        };
        let name = &bytes[space + 1..nul];
        let text =
            std::str::from_utf8(name).map_err(|_| GitError::bad_name(name, "is not UTF-8"))?;
        if text.contains('/') || text.eq_ignore_ascii_case(".git") {
            return Err(GitError::bad_name(name, "is not allowed in a tree"));
        }
        entries.push((mode, text.to_owned(), hex(&bytes[nul + 1..end])));
        bytes = &bytes[end..];
    }
    Ok(entries)
}
