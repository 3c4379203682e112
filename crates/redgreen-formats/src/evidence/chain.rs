//! What a list of records establishes. Pure: where the records and the anchors come from is the host's matter.
//!
//! A chain alone shows what was edited, dropped or put elsewhere, but not that its end was cut off: for that, something
//! outside must know a later record. The store's own head tells *truncated*; commits, locks and journals tell *rolled
//! back*.

use super::dsse::{Envelope, KeyId};
use super::statement::{GateRecord, RecordError, read_record, test_result_of};
use redgreen_core::id::Digest;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The number that its place in the store gives it.
    pub place: u64,
    /// The envelope.
    pub envelope: Vec<u8>,
    /// The envelope of the same facts as `test-result/v0.1`, where it is kept.
    pub test_result: Option<Vec<u8>>,
}

/// What a store itself says its last record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreHead {
    /// Its number.
    pub seq: u64,
    /// Its digest.
    pub digest: Digest,
}

/// Something outside the store that names a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// What names it, such as `commit 1234567`.
    pub by: String,
    /// The record's number, where it is known.
    pub seq: Option<u64>,
    /// The record's digest.
    pub digest: Digest,
}

impl Anchor {
    /// Reads the value of a `Redgreen-Evidence` trailer: `sha256:… <plan>/<writer>/<seq>`. Returns the chain too.
    #[must_use]
    pub fn of_trailer(value: &str, by: String) -> Option<(String, Self)> {
        let (digest, place) = value.trim().split_once(' ')?;
        let (chain, seq) = place.rsplit_once('/')?;
        let seq = Some(seq.parse().ok()?);
        let digest = Digest::try_from(digest.to_owned()).ok()?;
        Some((chain.to_owned(), Self { by, seq, digest }))
    }

    /// The value of a trailer.
    #[must_use]
    pub fn to_trailer(chain: &str, head: StoreHead) -> String {
        format!("{} {chain}/{}", head.digest, head.seq)
    }
}

/// What is wrong with a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// The bytes of a record are not those that were written.
    Edited,
    /// A record in the middle (or at the beginning) is not there.
    Dropped,
    /// A record stands in the place of another.
    Reordered,
    /// The store says itself that it had later records.
    Truncated,
    /// The store is whole in itself, and something outside knows a record that it does not have.
    RolledBack,
    /// A record was judged on other content than the commit that names it holds.
    OtherContent,
    /// A newer redgreen wrote it: refused, not judged.
    Newer,
}

impl FindingKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Edited,
        Self::Dropped,
        Self::Reordered,
        Self::Truncated,
        Self::RolledBack,
        Self::OtherContent,
        Self::Newer,
    ];
    /// The wire text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edited => "edited",
            Self::Dropped => "dropped",
            Self::Reordered => "reordered",
            Self::Truncated => "truncated",
            Self::RolledBack => "rolled_back",
            Self::OtherContent => "other_content",
            Self::Newer => "newer",
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that is wrong, with the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// The number of the record; `None` where only its digest is known.
    pub seq: Option<u64>,
    /// The fact, a sentence.
    pub message: String,
}

/// A fact worth knowing that breaks nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// This many records are not signed: there was no key.
    Unsigned(u64),
    /// This many records are signed with this key.
    SignedBy(KeyId, u64),
    /// This many records were made where the agents could read the key.
    KeyWithinReach(u64),
}

/// What was established.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Examined {
    /// The readable records, by number.
    pub records: BTreeMap<u64, (Digest, GateRecord)>,
    /// What is wrong; empty for a chain that verifies.
    pub findings: Vec<Finding>,
    /// What else is to be known.
    pub notes: Vec<Note>,
}

impl Examined {
    /// Whether nothing is wrong. A chain without a record establishes nothing.
    #[must_use]
    pub fn verifies(&self) -> bool {
        self.findings.is_empty() && !self.records.is_empty()
    }
    /// The last record.
    #[must_use]
    pub fn head(&self) -> Option<StoreHead> {
        let (seq, (digest, _)) = self.records.last_key_value()?;
        Some(StoreHead {
            seq: *seq,
            digest: *digest,
        })
    }
    fn find(&mut self, kind: FindingKind, seq: Option<u64>, message: String) {
        let finding = Finding { kind, seq, message };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}

/// Examines the records of one chain, in the order in which they are stored.
#[must_use]
pub fn examine(
    chain: &str,
    stored: &[Stored],
    head: Option<StoreHead>,
    anchors: &[Anchor],
) -> Examined {
    let mut out = Examined::default();
    let mut order: Vec<(u64, u64)> = Vec::new();
    let mut damaged: BTreeSet<u64> = BTreeSet::new();
    let mut signed: BTreeMap<KeyId, u64> = BTreeMap::new();
    let (mut unsigned, mut within_reach) = (0, 0);
    for one in stored {
        let place = one.place;
        let edited = |out: &mut Examined, why: String| {
            out.find(
                FindingKind::Edited,
                Some(place),
                format!("record {place} was edited: {why}"),
            );
        };
        let (payload, signers) = match Envelope::open(&one.envelope) {
            Ok(opened) => opened,
            Err(why) => {
                damaged.insert(place);
                edited(&mut out, why.to_string());
                continue;
            }
        };
        let record = match read_record(&payload) {
            Ok(record) => record,
            Err(why @ RecordError::Newer { .. }) => {
                damaged.insert(place);
                let message = format!("record {place} cannot be judged: {why}");
                out.find(FindingKind::Newer, Some(place), message);
                continue;
            }
            Err(why @ RecordError::Invalid(_)) => {
                damaged.insert(place);
                edited(&mut out, why.to_string());
                continue;
            }
        };
        if record.chain != chain {
            damaged.insert(place);
            let message = format!(
                "record {place} is record {} of the chain `{}`",
                record.seq, record.chain
            );
            out.find(FindingKind::Reordered, Some(place), message);
            continue;
        }
        if signers.is_empty() {
            unsigned += 1;
            if record.key.id.is_some() {
                edited(
                    &mut out,
                    "it says that it is signed, and carries no signature".to_owned(),
                );
            }
        } else if record
            .key
            .id
            .as_ref()
            .is_none_or(|id| !signers.contains(id))
        {
            edited(&mut out, "the key that it names did not sign it".to_owned());
        }
        if record.key.protection == "none" {
            within_reach += 1;
        }
        for signer in signers {
            *signed.entry(signer).or_default() += 1;
        }
        if let Some(test_result) = &one.test_result {
            let same = Envelope::open(test_result)
                .is_ok_and(|(payload, _)| payload == test_result_of(&record));
            if !same {
                edited(
                    &mut out,
                    "its `test-result` does not follow from it".to_owned(),
                );
            }
        }
        order.push((place, record.seq));
        let digest = Digest::of(&payload);
        match out.records.get(&record.seq) {
            Some((before, _)) if *before == digest => {
                let message = format!("record {} is there twice, also at {place}", record.seq);
                out.find(FindingKind::Reordered, Some(record.seq), message);
            }
            Some(_) => {
                let message = format!("there are two records {}, one at {place}", record.seq);
                out.find(FindingKind::Edited, Some(record.seq), message);
            }
            None => {
                out.records.insert(record.seq, (digest, record));
            }
        }
    }
    in_order(&order, &mut out);
    gaps(&damaged, &mut out);
    links(&damaged, &mut out);
    against_head(head, &damaged, &mut out);
    for anchor in anchors {
        against_anchor(anchor, &damaged, &mut out);
    }
    if unsigned > 0 {
        out.notes.push(Note::Unsigned(unsigned));
    }
    if within_reach > 0 {
        out.notes.push(Note::KeyWithinReach(within_reach));
    }
    let signed = signed.into_iter();
    out.notes
        .extend(signed.map(|(key, count)| Note::SignedBy(key, count)));
    out
}

/// Records whose numbers do not grow with their places.
fn in_order(order: &[(u64, u64)], out: &mut Examined) {
    for pair in order.windows(2) {
        let [(_, before), (place, seq)] = pair else {
            continue;
        };
        if seq < before {
            let message = format!("record {seq} stands at place {place}, behind record {before}");
            out.find(FindingKind::Reordered, Some(*seq), message);
        }
    }
}

/// Numbers that are missing before the last one.
fn gaps(damaged: &BTreeSet<u64>, out: &mut Examined) {
    let last = out.records.keys().chain(damaged).max().copied();
    let Some(last) = last else { return };
    // A number is what a record says it is: one absurd number must not make us count to it.
    let known: BTreeSet<u64> = out.records.keys().chain(damaged).copied().collect();
    let mut next = 0;
    for seq in known {
        if seq > next {
            let message = if seq == next + 1 {
                format!("record {next} is not there")
            } else {
                format!("records {next} to {} are not there", seq - 1)
            };
            out.find(FindingKind::Dropped, Some(next), message);
        }
        next = seq.saturating_add(1);
        if seq == last {
            break;
        }
    }
}

/// Records that do not follow the one before them.
fn links(damaged: &BTreeSet<u64>, out: &mut Examined) {
    let mut found = Vec::new();
    for (seq, (_, record)) in &out.records {
        match (seq.checked_sub(1), record.prev) {
            (None, None) => {}
            (None, Some(_)) => found.push((
                *seq,
                "record 0 was edited: it names a record before it".to_owned(),
            )),
            (Some(before), prev) => {
                let Some((digest, _)) = out.records.get(&before) else {
                    continue;
                };
                if prev != Some(*digest) && !damaged.contains(&before) {
                    found.push((
                        before,
                        format!(
                            "record {before} was edited: record {seq} follows another one ({})",
                            prev.map_or_else(|| "none".to_owned(), |prev| prev.to_string())
                        ),
                    ));
                }
            }
        }
    }
    for (seq, message) in found {
        out.find(FindingKind::Edited, Some(seq), message);
    }
}

fn against_head(head: Option<StoreHead>, damaged: &BTreeSet<u64>, out: &mut Examined) {
    let Some(head) = head else { return };
    if damaged.contains(&head.seq) {
        return;
    }
    let last = out.records.keys().chain(damaged).max().copied();
    match out.records.get(&head.seq) {
        Some((digest, _)) if *digest == head.digest => {
            if let Some(last) = last.filter(|last| *last > head.seq) {
                let message = format!(
                    "the store says that record {} is its last, and there is a record {last}",
                    head.seq
                );
                out.find(FindingKind::RolledBack, Some(last), message);
            }
        }
        Some((digest, _)) => {
            let message = format!(
                "record {} was edited: the store knows it as {}, and it is {digest}",
                head.seq, head.digest
            );
            out.find(FindingKind::Edited, Some(head.seq), message);
        }
        None if last.is_none_or(|last| last < head.seq) => {
            let from = last.map_or(0, |last| last + 1);
            let message = if from == head.seq {
                format!("record {from}, the last one, was cut off")
            } else {
                format!("records {from} to {} were cut off", head.seq)
            };
            out.find(FindingKind::Truncated, Some(from), message);
        }
        // A gap before later records is said as one.
        None => {}
    }
}

fn against_anchor(anchor: &Anchor, damaged: &BTreeSet<u64>, out: &mut Examined) {
    if out
        .records
        .values()
        .any(|(digest, _)| *digest == anchor.digest)
    {
        return;
    }
    let already = |seq: u64| {
        damaged.contains(&seq)
            || out
                .findings
                .iter()
                .any(|finding| finding.seq == Some(seq) && finding.kind != FindingKind::RolledBack)
    };
    let by = &anchor.by;
    let message = match anchor.seq {
        Some(seq) if already(seq) => return,
        Some(seq) => match out.records.last_key_value() {
            Some((last, _)) if *last >= seq => format!(
                "record {seq} is not the one that {by} names ({}): the chain was taken back and written anew",
                anchor.digest
            ),
            Some((last, _)) => format!(
                "record {seq}, which {by} names, is not there: the chain ends at record {last}"
            ),
            None => format!("record {seq}, which {by} names, is not there"),
        },
        None => {
            if !out.findings.is_empty() {
                // It may be the one that was edited or dropped.
                return;
            }
            format!("no record is the one that {by} names ({})", anchor.digest)
        }
    };
    out.find(FindingKind::RolledBack, anchor.seq, message);
}

#[cfg(test)]
mod tests;
