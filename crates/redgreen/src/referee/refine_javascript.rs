//! Whose the value is that a JavaScript test calls or reads and that has not what it wants (SPEC B3).
//!
//! An engine says `cart.total is not a function` and not whose `cart` is. The text of the test does: a value that comes
//! from the source misses something that the task will write; an array of the test's own was misspelt.

use super::context::{Context, Setting};
use super::proposal::text_of;
use crate::error::Failure;
use redgreen_core::id::RelPath;
use redgreen_core::outcome::Cause;
use redgreen_core::run_report::{CaseReport, RunReport};
use redgreen_host::path_rules::PathClass;
use redgreen_host::tree::Snapshot;
use redgreen_lint::Language;
use redgreen_lint::derived::{Derived, derived_names, mentions};
use std::collections::{BTreeMap, BTreeSet};

/// The name of a module without its folder and ending; that of the folder for an index.
#[must_use]
pub fn stem(path: &str) -> &str {
    let name = |path: &str| -> usize { path.rfind('/').map_or(0, |at| at + 1) };
    let own = &path[name(path)..];
    let bare = own
        .split('.')
        .next()
        .filter(|bare| !bare.is_empty())
        .unwrap_or(own);
    if bare == "index"
        && let Some((folder, _)) = path.rsplit_once('/')
    {
        return &folder[name(folder)..];
    }
    bare
}

/// Refines what was called, read or iterated in tests.
///
/// # Errors
/// A failure when a file of the tree cannot be read.
pub fn refine(
    context: &Context,
    setting: &Setting,
    tree: &Snapshot,
    run: &mut RunReport,
) -> Result<(), Failure> {
    let mut known: BTreeMap<RelPath, Option<(String, Derived)>> = BTreeMap::new();
    let mut packages: Option<BTreeSet<String>> = None;
    for case in &mut run.cases {
        let Some(file) = case.file.clone() else {
            continue;
        };
        if Language::of(&file) != Some(Language::JavaScript) || !asks(case) {
            continue;
        }
        if packages.is_none() {
            packages = Some(own_packages(context, tree)?);
        }
        if !known.contains_key(&file) {
            let text = text_of(tree, &context.repository, &file)?;
            let own = |module: &str| is_own(setting, &file, module, packages.as_ref());
            let read = text.and_then(|text| {
                let names = derived_names(&text, &file, &own).ok()?;
                Some((text, names))
            });
            known.insert(file.clone(), read);
        }
        if let Some(Some((text, names))) = known.get(&file) {
            one(case, text, names);
        }
    }
    Ok(())
}

/// `Cannot read properties of undefined (reading 'total')`, `Cannot destructure property 'total' of …`.
fn read_name(message: &str) -> Option<&str> {
    for start in ["(reading '", "(setting '", "Cannot destructure property '"] {
        if let Some((_, rest)) = message.split_once(start) {
            return rest.split('\'').next();
        }
    }
    None
}

fn asks(case: &CaseReport) -> bool {
    let Some(cause) = &case.cause else {
        return false;
    };
    match cause.cause {
        Cause::MissingSymbol => {
            case.message.contains(" is not a function")
                || case.message.contains(" is not a constructor")
        }
        Cause::RaisedInTest => {
            case.message.contains("is not iterable") || read_name(&case.message).is_some()
        }
        _ => false,
    }
}

fn one(case: &mut CaseReport, text: &str, names: &Derived) {
    let line = case
        .line
        .and_then(|line| text.lines().nth(line as usize - usize::from(line > 0)))
        .unwrap_or("");
    let Some(cause) = &mut case.cause else { return };
    if cause.cause == Cause::RaisedInTest {
        if mentions(line, &names.own) {
            cause.cause = Cause::MissingSymbol;
            cause.detail = match read_name(&case.message) {
                Some(name) => format!("what the source gives has no `{name}` yet"),
                None => "what the source gives cannot be iterated yet".to_owned(),
            };
            // A name that stands for any value: not one to look for slips of.
            cause.symbol = None;
        }
        return;
    }
    let expression = cause.symbol.clone().unwrap_or_default();
    let root = expression
        .split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$')))
        .find(|word| !word.is_empty())
        .unwrap_or("");
    let name = expression
        .rsplit('.')
        .next()
        .unwrap_or(&expression)
        .to_owned();
    if names.own.contains(root) {
        cause.symbol = Some(name);
    } else if names.foreign.contains(root) {
        cause.cause = Cause::WrongForeignSymbol;
        cause.detail = format!("`{root}` is not of the source, and has no `{name}`");
    } else if mentions(line, &names.own) && !names.local.contains(root) {
        cause.symbol = Some(name);
    } else {
        cause.cause = Cause::RaisedInTest;
        cause.detail =
            format!("`{expression}` is nothing that the source gave, and cannot be called");
    }
}

/// Names of the packages of the repository.
fn own_packages(context: &Context, tree: &Snapshot) -> Result<BTreeSet<String>, Failure> {
    let mut names = BTreeSet::new();
    let manifests: Vec<RelPath> = tree
        .files()
        .keys()
        .filter(|path| path.file_name() == "package.json")
        .cloned()
        .collect();
    for (_, bytes) in tree
        .bytes_of(&context.repository, &manifests)
        .map_err(Failure::internal)?
    {
        let name = serde_json::from_slice::<serde_json::Value>(&bytes)
            .ok()
            .and_then(|manifest| manifest["name"].as_str().map(str::to_owned));
        names.extend(name);
    }
    Ok(names)
}

fn is_own(
    setting: &Setting,
    file: &RelPath,
    module: &str,
    packages: Option<&BTreeSet<String>>,
) -> bool {
    if !module.starts_with('.') {
        return module.starts_with(['#', '~'])
            || module.starts_with("@/")
            || packages.is_some_and(|names| {
                names.iter().any(|name| {
                    module
                        .strip_prefix(name.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                })
            });
    }
    let mut parts: Vec<&str> = file.as_str().split('/').collect();
    parts.pop();
    for part in module.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    ["", ".js", ".ts", ".mjs", ".tsx", "/index.js", "/index.ts"]
        .iter()
        .filter_map(|ending| RelPath::new(format!("{path}{ending}")).ok())
        .any(|path| setting.rules.class(&path) == PathClass::Source)
        // `import … from '../'`
        || path.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b3_a_module_is_called_by_its_own_name() {
        for (path, name) in [
            ("src/cart.mjs", "cart"),
            ("src/cart/index.ts", "cart"),
            ("cart", "cart"),
            ("src/cart.service.ts", "cart"),
        ] {
            assert_eq!(stem(path), name);
        }
    }
}
