//! The report of an audit (SPEC C9): what is kept, printed and rendered is one document.

mod document;
pub mod html;
pub mod machine;
pub mod text;

pub use document::{
    AUDIT_SCHEMA, AuditReport, ChangeReport, CommitLine, Finding, FindingKind, Policy, Range, Runs,
    Side, TestLine, Totals,
};
