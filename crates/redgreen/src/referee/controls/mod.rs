//! Controls beside GREEN: runs that an honest implementation must fail, or must pass in the same way (SPEC C7).

pub mod expectations;
pub mod strict;

use redgreen_core::id::ItemId;
use redgreen_core::lock::LockRecord;

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
