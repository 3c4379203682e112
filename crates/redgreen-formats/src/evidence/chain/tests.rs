//! Every way to change a chain, and what it is called.

use super::super::dsse::SigningKey;
use super::super::statement::{KeyNote, RECORD_VERSION, statement_of};
use super::*;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;

const CHAIN: &str = "doubles/ab12cd34";

fn key() -> SigningKey {
    SigningKey::from_seed(&[3; 32])
}

fn record(seq: u64, prev: Option<Digest>) -> GateRecord {
    let verdict = if seq.is_multiple_of(2) {
        "pass"
    } else {
        "fail"
    };
    GateRecord {
        version: RECORD_VERSION,
        chain: CHAIN.to_owned(),
        seq,
        prev,
        redgreen: "0.1.0".to_owned(),
        at: "2026-11-20T12:00:00Z".to_owned(),
        isolation: "bubblewrap".to_owned(),
        key: KeyNote {
            id: Some(key().id()),
            protection: "masked".to_owned(),
        },
        gate: json!({"gate": "green", "task": "T1", "verdict": verdict,
            "tests": [{"id": "tests/a.rs::adds", "outcome": "passed"}]}),
        content_tree: Some(Digest::of(&[seq as u8]).to_string()),
        environment: Some(Digest::of(b"environment")),
        lock: Some(Digest::of(b"lock")),
        runs: Vec::new(),
        checks: Vec::new(),
        outputs: Vec::new(),
        redactions: BTreeMap::new(),
    }
}

fn sealed(record: &GateRecord, key: Option<&SigningKey>) -> Vec<u8> {
    Envelope::seal(&statement_of(record), key).to_bytes()
}

/// Ten records are made once; a chain is the beginning of them.
fn chain(length: u64) -> (Vec<Stored>, StoreHead) {
    static MADE: std::sync::OnceLock<(Vec<Stored>, Vec<StoreHead>)> = std::sync::OnceLock::new();
    let (stored, heads) = MADE.get_or_init(made);
    let length = usize::try_from(length).unwrap();
    (stored[..length].to_vec(), heads[length - 1])
}

fn made() -> (Vec<Stored>, Vec<StoreHead>) {
    let mut stored = Vec::new();
    let mut head = StoreHead {
        seq: 0,
        digest: Digest::of(b""),
    };
    let mut heads = Vec::new();
    for seq in 0..10 {
        let record = record(seq, (seq > 0).then_some(head.digest));
        let payload = statement_of(&record);
        let test_result = test_result_of(&record);
        stored.push(Stored {
            place: seq,
            envelope: sealed(&record, Some(&key())),
            test_result: Some(Envelope::seal(&test_result, Some(&key())).to_bytes()),
        });
        let digest = Digest::of(&payload);
        head = StoreHead { seq, digest };
        heads.push(head);
    }
    (stored, heads)
}

fn anchor(seq: u64) -> Anchor {
    let (_, head) = chain(seq + 1);
    Anchor {
        by: "commit 1234567".to_owned(),
        seq: Some(seq),
        digest: head.digest,
    }
}

fn kinds(examined: &Examined) -> Vec<(FindingKind, Option<u64>)> {
    examined
        .findings
        .iter()
        .map(|finding| (finding.kind, finding.seq))
        .collect()
}

/// Seals a changed record in the place of another, with its test result, as somebody with a key of their own would.
fn forged(stored: &mut Stored, change: impl FnOnce(&mut GateRecord), key: &SigningKey) {
    let (payload, _) = Envelope::open(&stored.envelope).unwrap();
    let mut record = read_record(&payload).unwrap();
    record.key.id = Some(key.id());
    change(&mut record);
    stored.envelope = sealed(&record, Some(key));
    stored.test_result = Some(Envelope::seal(&test_result_of(&record), Some(key)).to_bytes());
}

#[test]
fn c8_a_whole_chain_verifies_and_says_who_signed_it() {
    let (stored, head) = chain(5);
    let examined = examine(CHAIN, &stored, Some(head), &[anchor(2), anchor(4)]);
    assert!(examined.verifies(), "{:?}", examined.findings);
    assert_eq!(examined.notes, [Note::SignedBy(key().id(), 5)]);
    assert_eq!(examined.head(), Some(head));
    assert!(
        !examine(CHAIN, &[], None, &[]).verifies(),
        "nothing establishes nothing"
    );
}

#[test]
fn c8_an_edited_record_is_named() {
    // Bytes of the payload changed, the signature as it was.
    let (mut stored, head) = chain(5);
    let mut envelope: Envelope = serde_json::from_slice(&stored[2].envelope).unwrap();
    let mut other: Envelope = serde_json::from_slice(&stored[3].envelope).unwrap();
    std::mem::swap(&mut envelope.payload, &mut other.payload);
    stored[2].envelope = envelope.to_bytes();
    let examined = examine(CHAIN, &stored, Some(head), &[]);
    assert_eq!(kinds(&examined), [(FindingKind::Edited, Some(2))]);

    // Signed again with another key: the chain tells.
    let (mut stored, head) = chain(5);
    let stranger = SigningKey::from_seed(&[9; 32]);
    forged(
        &mut stored[1],
        |record| record.gate["verdict"] = json!("pass"),
        &stranger,
    );
    let examined = examine(CHAIN, &stored, Some(head), &[]);
    assert_eq!(kinds(&examined), [(FindingKind::Edited, Some(1))]);

    // The last one has nobody after it: the store's head tells.
    let (mut stored, head) = chain(5);
    forged(
        &mut stored[4],
        |record| record.gate["verdict"] = json!("fail"),
        &key(),
    );
    let examined = examine(CHAIN, &stored, Some(head), &[]);
    assert_eq!(kinds(&examined), [(FindingKind::Edited, Some(4))]);

    // The other form of the same facts.
    let (mut stored, head) = chain(5);
    stored[3].test_result = stored[2].test_result.clone();
    let examined = examine(CHAIN, &stored, Some(head), &[]);
    assert_eq!(kinds(&examined), [(FindingKind::Edited, Some(3))]);

    // A signature taken off.
    let (mut stored, head) = chain(5);
    let mut envelope: Envelope = serde_json::from_slice(&stored[2].envelope).unwrap();
    envelope.signatures.clear();
    stored[2].envelope = envelope.to_bytes();
    let examined = examine(CHAIN, &stored, Some(head), &[]);
    assert_eq!(kinds(&examined), [(FindingKind::Edited, Some(2))]);
}

#[test]
fn c8_a_dropped_record_is_named() {
    for gone in [0, 2, 3] {
        let (mut stored, head) = chain(5);
        stored.remove(gone);
        let examined = examine(CHAIN, &stored, Some(head), &[]);
        assert_eq!(
            kinds(&examined),
            [(FindingKind::Dropped, Some(gone as u64))]
        );
        // Also when the places were numbered anew.
        for (place, one) in stored.iter_mut().enumerate() {
            one.place = place as u64;
        }
        let examined = examine(CHAIN, &stored, Some(head), &[]);
        assert_eq!(
            kinds(&examined),
            [(FindingKind::Dropped, Some(gone as u64))]
        );
    }
    let (mut stored, head) = chain(9);
    stored.drain(3..6);
    let examined = examine(CHAIN, &stored, Some(head), &[]);
    assert_eq!(kinds(&examined), [(FindingKind::Dropped, Some(3))]);
    assert!(examined.findings[0].message.contains("3 to 5"));
}

#[test]
fn c8_a_reordered_or_doubled_record_is_named() {
    let (mut stored, head) = chain(5);
    stored.swap(1, 2);
    (stored[1].place, stored[2].place) = (1, 2);
    let examined = examine(CHAIN, &stored, Some(head), &[]);
    assert_eq!(kinds(&examined), [(FindingKind::Reordered, Some(1))]);

    let (mut stored, head) = chain(5);
    let mut again = stored[2].clone();
    again.place = 5;
    stored.push(again);
    let examined = examine(CHAIN, &stored, Some(head), &[]);
    assert!(
        examined
            .findings
            .iter()
            .all(|finding| finding.kind == FindingKind::Reordered && finding.seq == Some(2))
    );
    assert!(!examined.verifies());

    let (stored, _) = chain(5);
    let examined = examine("other/ab12cd34", &stored, None, &[]);
    assert_eq!(
        examined.findings.len(),
        5,
        "records of another chain prove nothing here"
    );
}

#[test]
fn c8_a_cut_off_end_is_truncated_and_an_older_state_is_rolled_back() {
    let (mut stored, head) = chain(5);
    stored.truncate(3);
    let examined = examine(CHAIN, &stored, Some(head), &[]);
    assert_eq!(kinds(&examined), [(FindingKind::Truncated, Some(3))]);

    // The whole store was put back: it is right in itself, and a commit knows better.
    let (older, head) = chain(3);
    let examined = examine(CHAIN, &older, Some(head), &[anchor(4)]);
    assert_eq!(kinds(&examined), [(FindingKind::RolledBack, Some(4))]);
    assert!(examined.findings[0].message.contains("commit 1234567"));

    // Put back and written anew.
    let (mut other, _) = chain(3);
    let mut prev = Digest::of(&Envelope::open(&other[2].envelope).unwrap().0);
    for seq in 3..6 {
        let mut record = record(seq, Some(prev));
        record.at = "2027-01-01T00:00:00Z".to_owned();
        prev = Digest::of(&statement_of(&record));
        let envelope = sealed(&record, Some(&key()));
        other.push(Stored {
            place: seq,
            envelope,
            test_result: None,
        });
    }
    let head = StoreHead {
        seq: 5,
        digest: prev,
    };
    assert!(examine(CHAIN, &other, Some(head), &[anchor(2)]).verifies());
    let examined = examine(CHAIN, &other, Some(head), &[anchor(4)]);
    assert_eq!(kinds(&examined), [(FindingKind::RolledBack, Some(4))]);
    let unnumbered = Anchor {
        seq: None,
        ..anchor(4)
    };
    let examined = examine(CHAIN, &other, Some(head), &[unnumbered]);
    assert_eq!(kinds(&examined), [(FindingKind::RolledBack, None)]);
}

#[test]
fn c8_a_newer_record_is_refused_and_not_judged() {
    let (mut stored, _) = chain(2);
    let mut newer = record(2, None);
    newer.version = RECORD_VERSION + 1;
    let mut payload: serde_json::Value = serde_json::from_slice(&statement_of(&newer)).unwrap();
    // What it means is not known: fields may be other ones.
    payload["predicate"].as_object_mut().unwrap().remove("runs");
    payload["predicate"]["verdicts"] = json!([{"what": "ever"}]);
    let envelope = Envelope::seal(payload.to_string().as_bytes(), Some(&key())).to_bytes();
    stored.push(Stored {
        place: 2,
        envelope,
        test_result: None,
    });
    let examined = examine(CHAIN, &stored, None, &[]);
    assert_eq!(kinds(&examined), [(FindingKind::Newer, Some(2))]);
    assert!(!examined.verifies());
    let read = read_record(payload.to_string().as_bytes());
    assert_eq!(
        read,
        Err(RecordError::Newer {
            found: RECORD_VERSION + 1
        })
    );
}

/// A record as version 1 of this program wrote it. It must verify for ever: never change these bytes.
#[test]
fn c8_a_record_of_the_first_version_verifies_for_ever() {
    let envelope = include_bytes!("../../../tests/corpus/evidence/v1.json").to_vec();
    let stored = [Stored {
        place: 0,
        envelope,
        test_result: None,
    }];
    let examined = examine(CHAIN, &stored, None, &[]);
    assert!(examined.verifies(), "{:?}", examined.findings);
    assert_eq!(examined.records[&0].1.gate["verdict"], "pass");
}

#[test]
fn c8_without_a_key_nothing_fails_and_it_is_said() {
    let mut unsigned = record(0, None);
    unsigned.key = KeyNote {
        id: None,
        protection: "no_key".to_owned(),
    };
    let stored = [Stored {
        place: 0,
        envelope: sealed(&unsigned, None),
        test_result: None,
    }];
    let examined = examine(CHAIN, &stored, None, &[]);
    assert!(examined.verifies(), "{:?}", examined.findings);
    assert_eq!(examined.notes, [Note::Unsigned(1)]);
}

#[test]
fn c8_a_trailer_names_digest_chain_and_number() {
    let (_, head) = chain(4);
    let value = Anchor::to_trailer(CHAIN, head);
    let (chain, read) = Anchor::of_trailer(&value, "x".to_owned()).unwrap();
    assert_eq!(
        (chain.as_str(), read.seq, read.digest),
        (CHAIN, Some(3), head.digest)
    );
    for bad in ["", "sha256:", "3", &head.digest.to_string(), "a b/c/d"] {
        assert!(Anchor::of_trailer(bad, String::new()).is_none(), "{bad}");
    }
}

fn mutated(bytes: &[u8], how: u8, at: usize, to: u8, other: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let at = at % out.len();
    match how % 6 {
        0 => out[at] ^= 1 << (to % 8),
        1 => out.truncate(at),
        2 => out.insert(at, to),
        3 => drop(out.remove(at)),
        4 => out[at] = 0,
        _ => {
            let with = at % other.len();
            out.truncate(at);
            out.extend_from_slice(&other[with..]);
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever is done to the bytes of a record: either it is found, or every record says what it said.
    #[test]
    fn c8_mutated_evidence_never_verifies(which in 0usize..4, how: u8, at: usize, to: u8) {
        let (mut stored, head) = chain(4);
        let before = examine(CHAIN, &stored, Some(head), &[]);
        let other = stored[(which + 1) % 4].envelope.clone();
        stored[which].envelope = mutated(&stored[which].envelope, how, at, to, &other);
        let after = examine(CHAIN, &stored, Some(head), &[]);
        if after.verifies() {
            prop_assert_eq!(after.records, before.records);
        }
    }

    /// Any set of whole records in any order verifies only when it is the chain itself.
    #[test]
    fn c8_only_the_chain_itself_verifies(picked in proptest::collection::vec(0u64..4, 0..6)) {
        let (stored, head) = chain(4);
        let list: Vec<Stored> = picked
            .iter()
            .enumerate()
            .map(|(place, seq)| Stored { place: place as u64, ..stored[*seq as usize].clone() })
            .collect();
        let verifies = examine(CHAIN, &list, Some(head), &[]).verifies();
        prop_assert_eq!(verifies, picked == [0, 1, 2, 3]);
    }
}
