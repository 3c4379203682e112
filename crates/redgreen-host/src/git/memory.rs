//! Objects that were read and verified once. An id names its bytes for ever, so nothing here can become stale.

use super::{ObjectKind, Oid};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Larger objects are read again: they are rare, and few of them would fill the memory.
const LARGEST: usize = 128 << 10;
/// Bytes in all. Past this the memory starts over; a gate reads the same few hundred small objects many times.
const MOST: usize = 8 << 20;

/// What is remembered, shared by the clones of a repository.
#[derive(Clone, Default)]
pub(super) struct Memory(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    objects: BTreeMap<Oid, (ObjectKind, Arc<[u8]>)>,
    bytes: usize,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory")
    }
}

impl Memory {
    /// Every one of these objects in order; `None` unless all are known.
    pub(super) fn all(&self, oids: &[Oid]) -> Option<Vec<(ObjectKind, Arc<[u8]>)>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        oids.iter()
            .map(|oid| known.objects.get(oid).cloned())
            .collect()
    }

    /// Remembers an object whose bytes were hashed.
    pub(super) fn keep(&self, oid: &str, kind: ObjectKind, bytes: &[u8]) {
        if bytes.len() > LARGEST {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.bytes + bytes.len() > MOST {
            *known = Known::default();
        }
        if known
            .objects
            .insert(oid.to_owned(), (kind, bytes.into()))
            .is_none()
        {
            known.bytes += bytes.len();
        }
    }
}
