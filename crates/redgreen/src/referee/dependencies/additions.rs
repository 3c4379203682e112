//! Manifests and lock files with something added, and the proof that nothing else changed. Pure.

use super::declared::{Declared, name_of, normalised};
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value};

/// Tables of a `Cargo.toml` that hold dependencies.
const DEPENDENCY_TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

fn parsed(text: &str) -> Result<Table, String> {
    text.parse::<Table>()
        .map_err(|error| error.message().to_owned())
}

/// Checks that a `Cargo.toml` has only new dependencies, of these names.
///
/// # Errors
/// What else is different.
pub(super) fn cargo_manifest(old: &str, new: &str, names: &BTreeSet<&str>) -> Result<(), String> {
    let (old, mut new) = (parsed(old)?, parsed(new)?);
    for table in DEPENDENCY_TABLES {
        let before = old.get(table).and_then(Value::as_table);
        let Some(after) = new.get_mut(table).and_then(Value::as_table_mut) else {
            continue;
        };
        let added: Vec<String> = after
            .keys()
            .filter(|name| before.is_none_or(|before| !before.contains_key(*name)))
            .cloned()
            .collect();
        for name in added {
            if !names.contains(name.as_str()) {
                return Err(format!("`{name}` was added, and is not declared"));
            }
            after.remove(&name);
        }
        if after.is_empty() && before.is_none() {
            new.remove(table);
        }
    }
    if old == new {
        Ok(())
    } else {
        Err("adding the dependency changes more of the manifest than that".to_owned())
    }
}

/// Packages of a `Cargo.lock` by name, version and source.
fn packages(lock: &Table) -> BTreeMap<(String, String, String), Table> {
    let text = |package: &Table, key: &str| {
        package
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    lock.get("package")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_table)
        .map(|package| {
            let key = (
                text(package, "name"),
                text(package, "version"),
                text(package, "source"),
            );
            (key, package.clone())
        })
        .collect()
}

/// Checks that a `Cargo.lock` has only new packages: every old one is there with its version, source and checksum. What a
/// member of the workspace depends on may grow.
///
/// # Errors
/// What else is different.
pub(super) fn cargo_lock(old: &str, new: &str) -> Result<(), String> {
    let (old, new) = (packages(&parsed(old)?), packages(&parsed(new)?));
    for (key, package) in &old {
        let (name, version, source) = key;
        let Some(now) = new.get(key) else {
            return Err(format!("`{name}` {version} would be another version"));
        };
        let member = source.is_empty();
        let same = package.iter().all(|(field, value)| {
            let grown = || {
                let list = |table: &Table| -> BTreeSet<String> {
                    table
                        .get(field)
                        .and_then(Value::as_array)
                        .into_iter()
                        .flatten()
                        .filter_map(Value::as_str)
                        // With a second version of a package the first one is named with its version.
                        .map(|entry| entry.split(' ').next().unwrap_or(entry).to_owned())
                        .collect()
                };
                list(now).is_superset(&list(package)) && (member || list(now) == list(package))
            };
            now.get(field) == Some(value) || (field == "dependencies" && grown())
        });
        if !same {
            return Err(format!("`{name}` {version} would be another one"));
        }
    }
    Ok(())
}

/// The end of the array that begins at an opening bracket: the place of its closing one.
fn closing(text: &str, open: usize) -> Option<usize> {
    let mut quote = None;
    let mut comment = false;
    for (at, c) in text[open + 1..].char_indices() {
        match (quote, c) {
            _ if comment => comment = c != '\n',
            (Some(known), c) if c == known => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '#') => comment = true,
            (None, ']') => return Some(open + 1 + at),
            (None, _) => {}
        }
    }
    None
}

/// A `pyproject.toml` with a requirement more in `[project] dependencies`.
///
/// # Errors
/// Why it cannot be added.
pub(super) fn pyproject_with(text: &str, declared: &Declared) -> Result<String, String> {
    let line = declared.requirement_line();
    let before = parsed(text)?;
    let known: Vec<&str> = before
        .get("project")
        .and_then(|project| project.get("dependencies"))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if let Some(there) = known
        .iter()
        .find(|one| normalised(name_of(one)) == declared.normalised())
    {
        return already(there, &line).map(|()| text.to_owned());
    }
    let header = section(text).ok_or("it has no `[project]` on a line of its own")?;
    let end = text[header..]
        .find("\n[")
        .map_or(text.len(), |at| header + at + 1);
    let key = text[header..end]
        .match_indices("dependencies")
        .map(|(at, _)| header + at)
        .find(|&at| {
            let begins = text[..at].ends_with('\n');
            begins
                && text[at + "dependencies".len()..]
                    .trim_start()
                    .starts_with('=')
        });
    let new = match key {
        None => format!(
            "{}dependencies = [\"{line}\"]\n{}",
            &text[..header],
            &text[header..]
        ),
        Some(key) => {
            let open = key
                + text[key..]
                    .find('[')
                    .ok_or("its `dependencies` are no list")?;
            let close = closing(text, open).ok_or("its `dependencies` do not end")?;
            let inside = &text[open + 1..close];
            let kept = inside.trim_end();
            let joined = if kept.trim().is_empty() {
                format!("\"{line}\"")
            } else if inside.contains('\n') {
                let comma = if kept.ends_with(',') { "" } else { "," };
                format!("{kept}{comma}\n    \"{line}\",\n")
            } else {
                let comma = if kept.ends_with(',') { " " } else { ", " };
                format!("{kept}{comma}\"{line}\"")
            };
            format!("{}{joined}{}", &text[..=open], &text[close..])
        }
    };
    // Whatever the text looked like: the same document, with this one requirement more.
    let mut expected = before.clone();
    let list = expected
        .get_mut("project")
        .and_then(Value::as_table_mut)
        .ok_or("`project` is no table")?
        .entry("dependencies")
        .or_insert_with(|| Value::Array(Vec::new()));
    list.as_array_mut()
        .ok_or("its `dependencies` are no list")?
        .push(Value::String(line));
    if parsed(&new).as_ref() == Ok(&expected) {
        Ok(new)
    } else {
        Err("the place for a requirement cannot be found in it".to_owned())
    }
}

/// Where the lines of `[project]` begin.
fn section(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        at += line.len();
        if line.trim() == "[project]" {
            return Some(at);
        }
    }
    None
}

fn already(there: &str, line: &str) -> Result<(), String> {
    let plain = |text: &str| -> String { text.chars().filter(|c| !c.is_whitespace()).collect() };
    if plain(there) == plain(line) || name_of(line) == line {
        return Ok(());
    }
    Err(format!(
        "`{there}` is there already, and `{line}` would change it: only new packages are added"
    ))
}

/// A `requirements.txt` with a line more.
///
/// # Errors
/// Why it cannot be added.
pub(super) fn requirements_with(text: &str, declared: &Declared) -> Result<String, String> {
    let line = declared.requirement_line();
    let there = text.lines().find(|known| {
        let known = known.trim();
        !known.starts_with(['#', '-']) && normalised(name_of(known)) == declared.normalised()
    });
    if let Some(there) = there {
        return already(there.trim(), &line).map(|()| text.to_owned());
    }
    let end = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    Ok(format!("{text}{end}{line}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(text: &str) -> Declared {
        Declared::read(text).unwrap()
    }

    #[test]
    fn b4_only_declared_packages_are_added_to_a_manifest_and_nothing_else_changes() {
        let old = "[package]\nname = \"a\"\n[dependencies]\nx = \"1\"\n";
        let names = BTreeSet::from(["itoa"]);
        let ok = |new: &str| cargo_manifest(old, new, &names);
        assert_eq!(ok(old), Ok(()));
        assert_eq!(ok(&format!("{old}itoa = \"1\"\n")), Ok(()));
        assert_eq!(
            ok(&format!("{old}[dev-dependencies]\nitoa = \"1\"\n")),
            Ok(())
        );
        assert!(ok(&format!("{old}serde = \"1\"\n")).is_err());
        assert!(ok(&old.replace("x = \"1\"", "x = \"2\"\nitoa = \"1\"")).is_err());
        assert!(
            ok(&format!(
                "{old}itoa = \"1\"\n[profile.test]\npanic = \"abort\"\n"
            ))
            .is_err()
        );
    }

    #[test]
    fn b4_a_lock_file_only_grows() {
        let member = "[[package]]\nname = \"a\"\nversion = \"0.1.0\"\n";
        let x = "[[package]]\nname = \"x\"\nversion = \"1.0.0\"\nsource = \"registry+u\"\nchecksum = \"12\"\n";
        let itoa = "[[package]]\nname = \"itoa\"\nversion = \"1.0.0\"\nsource = \"registry+u\"\nchecksum = \"ab\"\n";
        let old = format!("version = 4\n{member}dependencies = [\"x\"]\n{x}");
        let grown = format!("version = 4\n{member}dependencies = [\"itoa\", \"x\"]\n{itoa}{x}");
        assert_eq!(cargo_lock(&old, &grown), Ok(()));
        assert!(
            cargo_lock(
                &old,
                &grown.replace(
                    "1.0.0\"\nsource = \"registry+u\"\nchecksum = \"12",
                    "1.0.1\"\nsource = \"registry+u\"\nchecksum = \"13"
                )
            )
            .is_err()
        );
        assert!(cargo_lock(&old, &grown.replace("\"12\"", "\"13\"")).is_err());
        assert!(cargo_lock(&old, &old.replace(x, "")).is_err());
        assert!(cargo_lock(&old, "not a lock").is_err());
        let deeper = grown.replace(
            "checksum = \"12\"\n",
            "checksum = \"12\"\ndependencies = [\"itoa\"]\n",
        );
        // A package of a registry has what it has.
        assert_eq!(cargo_lock(&grown, &grown), Ok(()));
        assert!(cargo_lock(&deeper, &grown).is_err());
    }

    #[test]
    fn b4_a_requirement_is_added_to_whatever_list_there_is() {
        for (old, new) in [
            (
                "[project]\nname = \"a\"\n\n[tool.x]\ny = 1\n",
                "[project]\ndependencies = [\"d>=1\"]\nname = \"a\"\n\n[tool.x]\ny = 1\n",
            ),
            (
                "[project]\ndependencies = []\n",
                "[project]\ndependencies = [\"d>=1\"]\n",
            ),
            (
                "[project]\ndependencies = [\"a[b]>=1\"] # why\n",
                "[project]\ndependencies = [\"a[b]>=1\", \"d>=1\"] # why\n",
            ),
            (
                "[project]\ndependencies = [\n    \"a\", # ]\n    \"b\"\n]\n",
                "[project]\ndependencies = [\n    \"a\", # ]\n    \"b\",\n    \"d>=1\",\n]\n",
            ),
        ] {
            assert_eq!(pyproject_with(old, &declared("d>=1")).as_deref(), Ok(new));
        }
        let there = "[project]\ndependencies = [\"D >= 1\"]\n";
        assert_eq!(pyproject_with(there, &declared("d")).as_deref(), Ok(there));
        assert_eq!(
            pyproject_with(there, &declared("D>=1")).as_deref(),
            Ok(there)
        );
        assert!(pyproject_with(there, &declared("d>=2")).is_err());
        assert!(pyproject_with("[tool.poetry]\n", &declared("d")).is_err());
        assert_eq!(
            requirements_with("a==1", &declared("d>=1")).as_deref(),
            Ok("a==1\nd>=1\n")
        );
        assert!(requirements_with("d==1\n", &declared("d>=2")).is_err());
    }
}
