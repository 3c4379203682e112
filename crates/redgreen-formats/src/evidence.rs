//! Evidence records (SPEC C8): one per gate, an in-toto Statement in a DSSE envelope, each naming the one before.
//!
//! `dsse` is the envelope, `statement` what is in it, `chain` what a list of records establishes.

pub mod chain;
pub mod dsse;
pub mod statement;

pub use chain::{Anchor, Examined, Finding, FindingKind, Note, StoreHead, Stored, examine};
pub use dsse::{Envelope, EnvelopeError, KeyId, SigningKey, pae};
pub use statement::{
    GATE_PREDICATE, GateRecord, Header, KEY_PROTECTIONS, KeyNote, Output, RECORD_VERSION,
    RecordError, STATEMENT_TYPE, TEST_RESULT_PREDICATE, read_record, statement_of, test_result_of,
};
