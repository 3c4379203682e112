//! What is secret in this process: values of environment variables that look secret by name or were declared, and the
//! forms of common tokens. Everything that redgreen keeps, hashes, sends to an agent or prints goes through here
//! (SPEC C8).
//!
//! One per process, because the environment is one per process: a log that is written by the door through which commands
//! are spawned knows no configuration, and must not be able to forget it either.

use crate::env;
use redgreen_formats::redact::{Redactions, Redactor, looks_secret};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

static CURRENT: RwLock<Option<Arc<Redactor>>> = RwLock::new(None);
static DECLARED: RwLock<BTreeSet<String>> = RwLock::new(BTreeSet::new());

/// Declares that these environment variables hold secrets, whatever they are called.
pub fn declare<'a>(names: impl IntoIterator<Item = &'a str>) {
    let mut declared = DECLARED.write().unwrap_or_else(PoisonError::into_inner);
    let before = declared.len();
    declared.extend(names.into_iter().map(str::to_owned));
    if declared.len() != before {
        *CURRENT.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// What finds the secrets of this process.
#[must_use]
pub fn redactor() -> Arc<Redactor> {
    let current = CURRENT.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(redactor) = current.as_ref() {
        return Arc::clone(redactor);
    }
    drop(current);
    let declared = DECLARED
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let all = env::all();
    let redactor = Arc::new(Redactor::new(all.iter().filter_map(|(name, value)| {
        let is_declared = declared.contains(name);
        let is_secret = is_declared
            || looks_secret(name) && !(value.starts_with('/') && Path::new(value).exists());
        is_secret.then_some((name.as_str(), value.as_str(), is_declared))
    })));
    *CURRENT.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&redactor));
    redactor
}

/// A text without secrets.
#[must_use]
pub fn hidden(text: &str) -> Cow<'_, str> {
    redactor().text(text)
}

/// Bytes without secrets.
#[must_use]
pub fn hidden_bytes(bytes: &[u8]) -> Cow<'_, [u8]> {
    redactor().bytes(bytes, &mut Redactions::new())
}

/// Takes secrets out of every string of a value, and says how many of what were taken out.
pub fn hide(value: &mut Value) -> Redactions {
    let mut counts = Redactions::new();
    redactor().value(value, &mut counts);
    counts
}
