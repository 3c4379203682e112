use super::*;
use serde_json::json;

/// A journal with `count` records and its bytes.
fn written(count: u64) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.jsonl");
    let mut journal = Journal::open(&path).unwrap().journal;
    for n in 0..count {
        journal
            .append(json!({"event": "x", "n": n, "text": "ü\n"}))
            .unwrap();
    }
    drop(journal);
    let bytes = std::fs::read(&path).unwrap();
    (folder, path, bytes)
}

fn line_starts(bytes: &[u8]) -> Vec<usize> {
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    std::iter::once(0)
        .chain(ends.map(|(at, _)| at + 1))
        .collect()
}

#[test]
fn g5_records_come_back_and_the_chain_goes_on() {
    let (_folder, path, bytes) = written(3);
    let mut opened = Journal::open(&path).unwrap();
    assert_eq!(opened.torn, None);
    let numbers: Vec<u64> = opened.records.iter().map(|record| record.seq).collect();
    assert_eq!(numbers, [0, 1, 2]);
    assert_eq!(
        opened.records[1].data,
        json!({"event": "x", "n": 1, "text": "ü\n"})
    );
    assert_eq!(opened.journal.head(), opened.records[2].digest);
    let record = opened.journal.append(json!({"more": true})).unwrap();
    assert_eq!((record.seq, opened.journal.len()), (3, 4));
    let now = std::fs::read(&path).unwrap();
    assert!(now.starts_with(&bytes));
    let mut seen = 0;
    assert_eq!(read(&path, &mut |_| seen += 1).unwrap(), None);
    assert_eq!(seen, 4);
    assert!(matches!(
        Journal::open(&path),
        Err(JournalError::Busy { .. })
    ));
}

#[test]
fn g5_a_clock_that_steps_back_spoils_no_journal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.jsonl");
    let mut journal = Journal::open(&path).unwrap().journal;
    // An hour back, before 1970 was a day old, and on again.
    for (n, time) in [1_795_167_322, 1_795_163_722, 86_400, 1_795_167_400]
        .into_iter()
        .enumerate()
    {
        clock::set::to(time);
        journal.append(json!({"n": n})).unwrap();
    }
    drop(journal);
    clock::set::to(1_000_000_000);
    let opened = Journal::open(&path).unwrap();
    assert_eq!(opened.torn, None);
    let times: Vec<&str> = opened.records.iter().map(|r| r.at.as_str()).collect();
    assert_eq!(
        times,
        [
            "2026-11-20T09:35:22Z",
            "2026-11-20T08:35:22Z",
            "1970-01-02T00:00:00Z",
            "2026-11-20T09:36:40Z"
        ]
    );
    let numbers: Vec<u64> = opened.records.iter().map(|r| r.seq).collect();
    assert_eq!(numbers, [0, 1, 2, 3]);
}

#[test]
fn g5_a_journal_cut_off_at_any_byte_of_its_last_two_records_keeps_the_whole_ones() {
    let (_folder, path, bytes) = written(4);
    let starts = line_starts(&bytes);
    for cut in starts[2]..bytes.len() {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let whole = starts
            .iter()
            .filter(|&&start| start > 0 && start <= cut)
            .count();
        let last = starts[whole];
        let mut opened = Journal::open(&path).unwrap();
        assert_eq!(opened.records.len(), whole, "cut at {cut}");
        assert_eq!(
            opened.torn.as_ref().map(|torn| torn.bytes),
            (cut > last).then_some(cut - last)
        );
        // Going on is the same everywhere; every append waits for the disk.
        if cut % 16 == 0 {
            opened.journal.append(json!({"after": cut})).unwrap();
            drop(opened);
            assert_eq!(Journal::open(&path).unwrap().records.len(), whole + 1);
        }
        let torn = path.with_extension("jsonl.torn");
        if cut > last {
            let kept = std::fs::read(&torn).unwrap();
            assert_eq!(kept.strip_suffix(b"\n").unwrap(), &bytes[last..cut]);
            std::fs::remove_file(&torn).unwrap();
        } else {
            assert!(!torn.exists());
        }
    }
}

#[test]
fn g5_every_flipped_byte_is_diagnosed_with_its_line() {
    let (_folder, path, bytes) = written(3);
    let starts = line_starts(&bytes);
    for at in 0..bytes.len() {
        for flip in [0x01, 0x20, 0x80, bytes[at] ^ b'\n'] {
            if flip == 0 {
                continue;
            }
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            std::fs::write(&path, &changed).unwrap();
            let line = starts.iter().filter(|&&start| start <= at).count() as u64;
            let found = match Journal::open(&path) {
                Err(JournalError::Damaged { line, .. } | JournalError::Newer { line, .. }) => line,
                other => panic!("byte {at} flipped by {flip}: {other:?}"),
            };
            assert_eq!(found, line, "byte {at} flipped by {flip}");
            assert_eq!(
                std::fs::read(&path).unwrap(),
                changed,
                "nothing may be changed"
            );
        }
    }
}

#[test]
fn g5_a_removed_a_doubled_and_a_newer_line_are_told_apart() {
    let (_folder, path, bytes) = written(3);
    let starts = line_starts(&bytes);
    let error = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Journal::open(&path).unwrap_err().to_string()
    };
    let without = [&bytes[..starts[1]], &bytes[starts[2]..]].concat();
    assert!(error(&without).contains("line 2: it has number 2 where 1 is expected"));
    let doubled = [&bytes[..starts[2]], &bytes[starts[1]..]].concat();
    assert!(error(&doubled).contains("line 3: it has number 1 where 2 is expected"));
    let newer = [&bytes[..], b"{\"v\":2,\"other\":1}\n"].concat();
    assert!(error(&newer).contains("line 4 has version 2"));
    // A line with a right sum and number that belongs to another chain.
    let (_other_folder, _other, other) = {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let mut journal = Journal::open(&path).unwrap().journal;
        journal.append(json!({"other": 0})).unwrap();
        journal.append(json!({"other": 1})).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        (folder, path, bytes)
    };
    let second = line_starts(&other)[1];
    let spliced = [&bytes[..starts[1]], &other[second..]].concat();
    assert!(error(&spliced).contains("line 2: it does not follow the line before it"));
}

#[test]
fn g5_a_full_disk_leaves_only_whole_records() {
    // `/dev/full` answers every write with "no space left on device".
    let full = File::options()
        .write(true)
        .read(true)
        .open("/dev/full")
        .unwrap();
    let mut journal = Journal {
        path: PathBuf::from("/dev/full"),
        file: full,
        length: 0,
        next: 0,
        head: Digest::of(b""),
        usable: true,
    };
    let error = journal.append(json!({})).unwrap_err();
    match &error {
        JournalError::State(state) => {
            assert_eq!(state.kind, crate::state::StateErrorKind::DiskFull);
        }
        other => panic!("{other}"),
    }
    // A device cannot be cut back, so nothing more may be written to it.
    assert!(matches!(
        journal.append(json!({})),
        Err(JournalError::Unusable { .. })
    ));
    assert_eq!(journal.len(), 0);
}
