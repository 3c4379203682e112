//! A journal whose bytes somebody changed: it is refused, or what is read of it is what was written (SPEC G5, G10).
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use proptest::prelude::*;
use redgreen_host::journal::{Journal, read};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::OnceLock;

/// A journal of five records, its bytes and what its records say.
fn written() -> &'static (Vec<u8>, Vec<Value>) {
    static WRITTEN: OnceLock<(Vec<u8>, Vec<Value>)> = OnceLock::new();
    WRITTEN.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut opened = Journal::open(&path).unwrap();
        let said: Vec<Value> = (0..5)
            .map(|n| json!({"v": 1, "event": {"type": "e", "data": {"n": n, "text": "ä\n\u{0}\"" }}}))
            .collect();
        for one in &said {
            opened.journal.append(one.clone()).unwrap();
        }
        drop(opened);
        (std::fs::read(&path).unwrap(), said)
    })
}

/// What reading these bytes gives: the records, or nothing where they are refused.
fn records(folder: &Path, bytes: &[u8]) -> Option<Vec<Value>> {
    let path = folder.join("journal.jsonl");
    std::fs::write(&path, bytes).unwrap();
    let mut found = Vec::new();
    let ended = read(&path, &mut |record| found.push(record.data));
    let opened = Journal::open(&path);
    assert_eq!(ended.is_ok(), opened.is_ok(), "both ways to read it agree");
    ended.ok().map(|_| found)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn g5_a_mutated_journal_never_says_anything_else(
        how in 0u8..8, at: prop::sample::Index, other: prop::sample::Index, byte: u8,
    ) {
        let (bytes, said) = written();
        let (at, other) = (at.index(bytes.len()), other.index(bytes.len()));
        let mut changed = bytes.clone();
        let lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
        match how {
            0 => changed[at] = byte,
            1 => changed.truncate(at),
            2 => changed.insert(at, byte),
            3 => drop(changed.remove(at)),
            4 => changed.splice(at..at, bytes[other..].iter().copied()).for_each(drop),
            5 => changed = lines.iter().enumerate().filter(|(n, _)| *n != at % 5).flat_map(|(_, line)| line.to_vec()).collect(),
            6 => {
                let mut lines = lines.clone();
                lines.swap(at % 5, other % 5);
                changed = lines.concat();
            }
            _ => changed.splice(at..at, b"[".repeat(10_000)).for_each(drop),
        }
        let folder = tempfile::tempdir().unwrap();
        if let Some(found) = records(folder.path(), &changed) {
            prop_assert!(said.starts_with(&found), "{how} at {at}: {found:?}");
        }
    }
}
