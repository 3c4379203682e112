//! How the environment differs from the one at lock (SPEC B4, C3): one fact per difference, naming the file.

use super::context::{Context, Environments};
use super::lock::StoredLock;
use redgreen_core::environment::Environment;
use redgreen_core::id::Digest;
use redgreen_core::reason::{Reason, ReasonCode};
use std::collections::{BTreeMap, BTreeSet};

/// How the environment differs from the one at lock, in plain words: one reason per fact, naming the file.
#[must_use]
pub fn environment_changes(
    context: &Context,
    stored: &StoredLock,
    now: &Environments,
) -> Vec<Reason> {
    let mut facts = Vec::new();
    for (name, before) in &stored.environments {
        match now.by_runner.get(name) {
            None => facts.push(format!("runner `{name}` is gone")),
            Some(after) if before.digest() == after.digest() => {}
            Some(after) => differences(context, before, after, &mut facts),
        }
    }
    facts.sort();
    facts.dedup();
    let task = &stored.record.task;
    facts
        .into_iter()
        .map(|what| {
            Reason::new(
                ReasonCode::EnvironmentChanged,
                format!("the environment differs from the one at lock: {what}"),
                format!("put it back, or prove red again in the new one: redgreen amend {task} --reason 'environment'"),
            )
        })
        .collect()
}

/// At most this many changed files of a dependency environment are named.
const FILES_NAMED: usize = 5;

fn differences(
    context: &Context,
    before: &Environment,
    after: &Environment,
    facts: &mut Vec<String>,
) {
    let parts: BTreeSet<&String> = before
        .dependencies
        .keys()
        .chain(after.dependencies.keys())
        .collect();
    for part in parts {
        let (old, new) = (before.dependencies.get(part), after.dependencies.get(part));
        if old != new {
            facts.push(dependency(context, part, old, new));
        }
    }
    let tools: BTreeSet<&String> = before.tools.keys().chain(after.tools.keys()).collect();
    for tool in tools {
        match (before.tools.get(tool), after.tools.get(tool)) {
            (Some(old), Some(new)) if old == new => {}
            // A tool that lives in the dependency environment is named by its files.
            (Some(old), Some(new))
                if old.version == new.version
                    && old.path == new.path
                    && before
                        .dependencies
                        .values()
                        .any(|digest| *digest == old.digest) => {}
            (Some(old), Some(new)) if old.version == new.version && old.path == new.path => {
                facts.push(format!("`{}` ({tool}) has other bytes", new.path));
            }
            (Some(old), Some(new)) => facts.push(format!(
                "`{tool}` was {} ({}) and is {} ({})",
                old.version, old.path, new.version, new.path
            )),
            (Some(_), None) => facts.push(format!("`{tool}` is gone")),
            (None, Some(new)) => facts.push(format!("`{tool}` {} was not there", new.version)),
            (None, None) => {}
        }
    }
    if before.plugins != after.plugins {
        facts.push(format!(
            "plugins were [{}] and are [{}]",
            before.plugins.join(", "),
            after.plugins.join(", ")
        ));
    }
    named("variable", &before.variables, &after.variables, facts);
    let mut carried = after.carried.clone();
    // An ignored `Cargo.lock` appears with the first build in the checkout; only a changed one is a difference.
    carried.retain(|path, _| before.carried.contains_key(path) || !path.ends_with("Cargo.lock"));
    named("carried file", &before.carried, &carried, facts);
    if before.prepare != after.prepare {
        facts.push(format!(
            "prepare commands were [{}] and are [{}]",
            before.prepare.join("; "),
            after.prepare.join("; ")
        ));
    }
    // The network depends on what the machine allows; it is kept in the record, and a test that needs another one fails by
    // itself. What is configured is frozen with the configuration.
    if before.mount != after.mount {
        facts.push(format!(
            "the mount was {} and is {}",
            before.mount, after.mount
        ));
    }
}

fn named<T: PartialEq>(
    what: &str,
    before: &BTreeMap<String, T>,
    after: &BTreeMap<String, T>,
    facts: &mut Vec<String>,
) {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        let verb = match (before.get(name), after.get(name)) {
            (Some(old), Some(new)) if old == new => continue,
            (Some(_), Some(_)) => "was changed",
            (Some(_), None) => "is gone",
            (None, _) => "was added",
        };
        facts.push(format!("{what} `{name}` {verb}"));
    }
}

/// A part of the dependency environment, with the files where the adapter keeps a list of them.
fn dependency(context: &Context, part: &str, old: Option<&Digest>, new: Option<&Digest>) -> String {
    let workspace = super::context::workspace(
        context,
        context.repository.top_level(),
        context.state.cache(),
    );
    let changes = old.zip(new).and_then(|(old, new)| {
        redgreen_host::runner::pytest::dependency_changes(&workspace, *old, *new).ok()
    });
    match changes {
        Some(changes) if !changes.is_empty() => {
            let more = changes.len().saturating_sub(FILES_NAMED);
            let mut list: Vec<String> = changes
                .iter()
                .take(FILES_NAMED)
                .map(|change| format!("`{}` was {}", change.file, change.kind))
                .collect();
            if more > 0 {
                list.push(format!("and {more} more"));
            }
            list.join(", ")
        }
        _ => {
            let verb = match (old, new) {
                (None, _) => "was added",
                (Some(_), None) => "is gone",
                (Some(_), Some(_)) => "was changed",
            };
            format!("`{part}` {verb}")
        }
    }
}
