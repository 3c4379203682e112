//! What git itself does to the files of a user's checkout: converted line ends and encodings, a sparse checkout. Such a
//! file is the base's file in other clothes, and no change that somebody made.
//!
//! Attributes and the index say *that* git converts; they are not trusted for anything else. A file counts as unchanged
//! only when its bytes, converted back by us, are the base's bytes, and then the base's bytes are used. An agent's clone
//! has no conversion at all (`clone.rs`), so none of this is asked there.

use crate::git::{Checkin, GitError, Repository};
use crate::tree::{Content, File, Snapshot};
use redgreen_core::id::RelPath;
use redgreen_core::tree::Mode;
use std::collections::BTreeMap;

/// Takes back what git did at checkout.
///
/// # Errors
/// git failed.
pub(super) fn take_back(
    repository: &Repository,
    base: &Snapshot,
    files: &mut BTreeMap<RelPath, File>,
) -> Result<(), GitError> {
    let hidden = base
        .files()
        .keys()
        .any(|path| !files.contains_key(path))
        .then(|| repository.sparse_paths())
        .transpose()?
        .unwrap_or_default();
    for path in hidden {
        if let (Some(file), false) = (base.get(&path), files.contains_key(&path)) {
            files.insert(path, file.clone());
        }
    }
    let differing: Vec<RelPath> = files
        .iter()
        .filter(|(path, file)| {
            file.content != Content::Git && may_be_converted(file, base.get(path))
        })
        .map(|(path, _)| path.clone())
        .collect();
    if differing.is_empty() {
        return Ok(());
    }
    let checkins = repository.checkins(&differing)?;
    let oids: Vec<String> = differing
        .iter()
        .filter_map(|path| base.get(path))
        .filter(|file| matches!(file.mode, Mode::File | Mode::Executable))
        .map(|file| file.oid.clone())
        .collect();
    let bases = repository.read_blobs(&oids)?;
    for path in differing {
        let Some(checkin) = checkins.get(&path) else {
            continue;
        };
        let before = base.get(&path);
        let old = before.and_then(|file| bases.get(&file.oid));
        let Some(file) = files.get_mut(&path) else {
            continue;
        };
        let Content::Bytes(bytes) = &file.content else {
            continue;
        };
        let Some(converted) = checked_in(checkin, bytes, old.map(Vec::as_slice)) else {
            continue;
        };
        let oid = repository.blob_id(&converted);
        match before {
            Some(before) if before.oid == oid && before.mode == file.mode => *file = before.clone(),
            Some(_) | None => {
                file.oid = oid;
                file.content = Content::Bytes(converted.into());
            }
        }
    }
    Ok(())
}

/// Spares asking git about files that no conversion could have touched.
fn may_be_converted(file: &File, before: Option<&File>) -> bool {
    match &file.content {
        Content::Git | Content::Large(_) => false,
        Content::Bytes(bytes) => {
            before.is_some()
                || bytes.contains(&b'\r')
                || bytes.starts_with(&[0xff, 0xfe])
                || bytes.starts_with(&[0xfe, 0xff])
        }
    }
}

/// The bytes as git would store them; `None` where it stores them as they are, or where they cannot be converted.
fn checked_in(checkin: &Checkin, bytes: &[u8], old: Option<&[u8]>) -> Option<Vec<u8>> {
    let mut now = match &checkin.encoding {
        Some(encoding) => decoded(encoding, bytes)?.into_bytes(),
        None => bytes.to_vec(),
    };
    let has_crlf = |bytes: &[u8]| bytes.windows(2).any(|pair| pair == b"\r\n");
    let text = match checkin.text {
        Some(text) => text,
        // `auto` leaves alone what looks binary and what is stored with such line ends already.
        None => !now.contains(&0) && !old.is_some_and(has_crlf),
    };
    if text && has_crlf(&now) {
        let mut out = Vec::with_capacity(now.len());
        for (at, &byte) in now.iter().enumerate() {
            if byte != b'\r' || now.get(at + 1) != Some(&b'\n') {
                out.push(byte);
            }
        }
        now = out;
    }
    if checkin.ident {
        now = without_ident(&now);
    }
    (now != bytes).then_some(now)
}

/// `$Id: 0123…$` as it is stored: `$Id$`.
fn without_ident(bytes: &[u8]) -> Vec<u8> {
    const START: &[u8] = b"$Id:";
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(START.len()).position(|part| part == START) {
        let after = &rest[at + START.len()..];
        let end = after
            .iter()
            .position(|&byte| byte == b'$' || byte == b'\n')
            .filter(|&end| after[end] == b'$');
        out.extend_from_slice(&rest[..at]);
        match end {
            Some(end) => {
                out.extend_from_slice(b"$Id$");
                rest = &after[end + 1..];
            }
            None => {
                out.extend_from_slice(START);
                rest = after;
            }
        }
    }
    out.extend_from_slice(rest);
    out
}

/// UTF-16 in its four spellings; any other encoding is not converted, and the file counts as changed.
fn decoded(encoding: &str, bytes: &[u8]) -> Option<String> {
    let name = encoding.to_ascii_lowercase().replace('_', "-");
    if matches!(name.as_str(), "utf-8" | "utf8") {
        return String::from_utf8(bytes.to_vec()).ok();
    }
    let (big, body) = match (name.as_str(), bytes) {
        ("utf-16" | "utf-16le-bom", [0xff, 0xfe, body @ ..]) => (false, body),
        ("utf-16" | "utf-16be-bom", [0xfe, 0xff, body @ ..]) => (true, body),
        ("utf-16le", body) => (false, body),
        ("utf-16be", body) => (true, body),
        _ => return None,
    };
    let units: Vec<u16> = body
        .chunks_exact(2)
        .map(|pair| {
            if big {
                u16::from_be_bytes([pair[0], pair[1]])
            } else {
                u16::from_le_bytes([pair[0], pair[1]])
            }
        })
        .collect();
    (body.len() % 2 == 0)
        .then(|| String::from_utf16(&units).ok())
        .flatten()
}
