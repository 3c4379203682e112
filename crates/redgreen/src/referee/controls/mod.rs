//! Controls beside GREEN: runs that an honest implementation must fail, or must pass in the same way (SPEC C7).

pub mod as_is;
pub mod expectations;
pub mod strict;

use super::context::Context;
use crate::error::Failure;
use redgreen_core::id::{ItemId, TaskId};
use redgreen_core::lock::LockRecord;
use redgreen_formats::evidence::Envelope;
use redgreen_lint::expectations::Seed;

/// What other values are made of in the controls of a task: the same for the same tree, and known to nobody who has not
/// the key of the private state.
///
/// # Errors
/// A failure when there is neither a key nor a random number.
pub fn seed(context: &Context, task: Option<&TaskId>, content_tree: &str) -> Result<Seed, Failure> {
    let subject = format!(
        "controls\0{}\0{content_tree}",
        task.map(ToString::to_string).unwrap_or_default()
    );
    let secret = match redgreen_host::keys::load_or_make(&context.state.keys()) {
        Some(key) => Envelope::seal(subject.as_bytes(), Some(&key)).to_bytes(),
        None => redgreen_host::state::secret_number()
            .map_err(Failure::internal)?
            .into_bytes(),
    };
    Ok(Seed::of(&secret))
}

/// Locked tests by criterion; all of them, without a name, where the criteria map names none.
#[must_use]
pub fn groups(record: &LockRecord, items: &[ItemId]) -> Vec<(String, Vec<ItemId>)> {
    let named: Vec<(String, Vec<ItemId>)> = record
        .criteria
        .iter()
        .map(|(criterion, coverages)| {
            let own = items
                .iter()
                .filter(|item| {
                    coverages.iter().any(|coverage| {
                        !coverage.guard && coverage.test.starts_with(&item.to_string())
                    })
                })
                .cloned()
                .collect::<Vec<_>>();
            (criterion.to_string(), own)
        })
        .filter(|(_, group)| !group.is_empty())
        .collect();
    if named.is_empty() {
        vec![(String::new(), items.to_vec())]
    } else {
        named
    }
}
