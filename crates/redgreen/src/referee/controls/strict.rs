//! Strict controls (SPEC C7): the locked tests from other bytes in another folder must end the same, and with every changed
//! function emptied one of them must fail.

use super::super::context::{Context, Environments, Setting};
use super::super::proposal::text_of;
use super::super::red::{all_items, merged};
use super::super::trees::{SITES, TreeOnDisk, of_runner};
use crate::error::Failure;
use redgreen_core::gate::{Control, ExpectationControl};
use redgreen_core::id::{Digest, ItemId, RelPath};
use redgreen_core::outcome::Outcome;
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::RunReport;
use redgreen_core::tree::ChangeKind;
use redgreen_host::path_rules::PathClass;
use redgreen_host::runner::{Runner, Selection};
use redgreen_host::tree::Snapshot;
use redgreen_lint::Language;
use redgreen_lint::emptied::{Function, changed_functions, emptied};
use redgreen_lint::expectations::Seed;
use redgreen_lint::reserialise::reserialise;
use std::collections::{BTreeMap, BTreeSet};

/// How often functions that cannot be emptied are left alone before there is no control.
const ROUNDS: usize = 4;

/// What the strict controls are asked.
pub struct Strict<'a> {
    /// The repository and private state.
    pub context: &'a Context,
    /// The configuration of the tree.
    pub setting: &'a Setting,
    /// The environments of the gate.
    pub environments: &'a Environments,
    /// The runners.
    pub runners: &'a [Box<dyn Runner>],
    /// The tree in which every locked test passed.
    pub tree: &'a Snapshot,
    /// The locked tree, without the implementation.
    pub locked: &'a Snapshot,
    /// The implementer's files.
    pub used: &'a [(RelPath, ChangeKind)],
    /// The locked tests.
    pub items: &'a [ItemId],
    /// The run in which they passed.
    pub green: &'a RunReport,
    /// What the controls are made of.
    pub seed: &'a Seed,
}

type Outcomes = BTreeMap<String, Outcome>;

fn outcomes(run: &RunReport) -> Outcomes {
    run.cases
        .iter()
        .map(|case| (case.id.to_string(), case.outcome))
        .collect()
}

/// Runs both strict controls. What cannot be run controls nothing and is named.
///
/// # Errors
/// A failure when a file cannot be read or the tree cannot be written.
pub fn strict_controls(
    asked: &Strict<'_>,
    into: &mut ExpectationControl,
    controls: &mut Vec<Control>,
) -> Result<(), Failure> {
    other_bytes(asked, into, controls)?;
    emptied_functions(asked, into, controls)
}

/// Under the same names as GREEN, with its variables: nothing but the files tells it apart.
fn run(asked: &Strict<'_>, tree: &Snapshot) -> Result<Option<RunReport>, Failure> {
    let on_disk = match TreeOnDisk::build(asked.context, asked.setting, tree, "green") {
        Ok(on_disk) => on_disk,
        Err(_) => return Ok(None),
    };
    let mut run: Option<RunReport> = None;
    for runner in asked.runners {
        let own = of_runner(asked.items.iter(), runner.as_ref());
        if own.is_empty() {
            continue;
        }
        let known = all_items(asked.context, asked.setting, tree, runner.settings().kind)?;
        let report = on_disk.run_reporting(
            asked.context,
            asked.setting,
            asked.environments,
            runner.as_ref(),
            &Selection::Items(own),
            &known,
            "green-run",
            Some((&on_disk.scratch(SITES), asked.seed)),
        );
        match report {
            Ok(report) => run = Some(merged(run, report)),
            Err(_) => return Ok(None),
        }
    }
    Ok(run)
}

fn without_control(what: &str, why: &str) -> Reason {
    Reason::new(
        ReasonCode::NoControl,
        format!("{what}: {why}"),
        "nothing to do",
    )
}

/// The locked test files with other white space, in another folder. What tells files by their bytes or their place apart
/// ends differently.
fn other_bytes(
    asked: &Strict<'_>,
    into: &mut ExpectationControl,
    controls: &mut Vec<Control>,
) -> Result<(), Failure> {
    let repository = &asked.context.repository;
    let mut tree = asked.tree.clone();
    let own: BTreeSet<&RelPath> = asked.items.iter().map(|item| &item.path).collect();
    let paths: Vec<RelPath> = asked
        .tree
        .files()
        .keys()
        .filter(|path| own.contains(path) || asked.setting.rules.class(path) == PathClass::Test)
        .cloned()
        .collect();
    for path in paths {
        let (Some(language), Some(text)) =
            (Language::of(&path), text_of(asked.tree, repository, &path)?)
        else {
            continue;
        };
        let nonce = Digest::of(format!("{}\0{path}", asked.seed.word()).as_bytes()).short();
        if let Ok(other) = reserialise(language, &text, &nonce) {
            tree = tree.with(repository, path, other.into_bytes());
        }
    }
    asked
        .context
        .printer
        .talk(format!("{:<8}the same tests from other bytes", "GREEN"));
    let before = outcomes(asked.green);
    let mut differing = BTreeSet::new();
    // Twice, so that a test which is flaky by itself is not taken for one that knows its bytes.
    for _ in 0..2 {
        let Some(report) = run(asked, &tree)? else {
            into.notes.push(without_control(
                "other bytes",
                "the tests could not be run from them",
            ));
            return Ok(());
        };
        let after = outcomes(&report);
        let now: BTreeSet<String> = before
            .iter()
            .filter(|(case, outcome)| after.get(*case) != Some(outcome))
            .map(|(case, _)| case.clone())
            .collect();
        if now.is_empty() {
            controls.push(Control {
                kind: "other_bytes".to_owned(),
                result: format!(
                    "{0} of {0} end the same from other bytes in another folder",
                    before.len()
                ),
                tests: before.into_keys().collect(),
            });
            return Ok(());
        }
        differing = now
            .into_iter()
            .map(|case| {
                let outcome = after
                    .get(&case)
                    .map_or_else(|| "did not run".to_owned(), ToString::to_string);
                format!("`{case}` {outcome}")
            })
            .collect();
    }
    let shown: Vec<String> = differing.iter().take(5).cloned().collect();
    let mut reason = Reason::new(
        ReasonCode::ControlFailed,
        format!(
            "the same tests with other white space, in another folder, end differently: {}",
            shown.join(", ")
        ),
        "let the source not depend on the bytes or the place of the test files; where a test reads its own file, \
         `[controls] tasks` sets another level",
    );
    if let Some(item) = asked.items.iter().find(|item| {
        differing
            .iter()
            .any(|text| text.contains(&item.to_string()))
    }) {
        reason = reason.at(item.path.clone()).test(item);
    }
    into.failures.push(reason);
    Ok(())
}

/// A changed function, with its file.
struct Emptied {
    path: RelPath,
    language: Language,
    text: String,
    function: Function,
}

fn emptied_functions(
    asked: &Strict<'_>,
    into: &mut ExpectationControl,
    controls: &mut Vec<Control>,
) -> Result<(), Failure> {
    let repository = &asked.context.repository;
    let mut functions = Vec::new();
    for (path, kind) in asked.used {
        let Some(language) = Language::of(path).filter(|_| *kind != ChangeKind::Deleted) else {
            continue;
        };
        let Some(new) = text_of(asked.tree, repository, path)? else {
            continue;
        };
        let old = text_of(asked.locked, repository, path)?.unwrap_or_default();
        let Ok(changed) = changed_functions(language, &old, &new) else {
            continue;
        };
        functions.extend(changed.into_iter().map(|function| Emptied {
            path: path.clone(),
            language,
            text: new.clone(),
            function,
        }));
    }
    let what = "emptied functions";
    if functions.is_empty() {
        into.notes
            .push(without_control(what, "no function was added or changed"));
        return Ok(());
    }
    asked.context.printer.talk(format!(
        "{:<8}the same without what {} changed functions do",
        "GREEN",
        functions.len()
    ));
    for _ in 0..ROUNDS {
        let tree = without_bodies(asked, &functions);
        let Some(report) = run(asked, &tree)? else {
            break;
        };
        // A function that cannot be emptied (its type needs a body) does not keep the others from it. Python loads what it
        // can: an emptied function that is called while a module loads was noticed.
        let failing: BTreeSet<(RelPath, u32)> = report
            .load_failures
            .iter()
            .flat_map(|failure| &failure.causes)
            .filter_map(|cause| Some((cause.file.clone()?, cause.line?)))
            .collect();
        let uncompiled = |one: &Emptied| {
            one.language == Language::Rust
                && failing.iter().any(|(path, line)| {
                    *path == one.path && (one.function.line..=one.function.end_line).contains(line)
                })
        };
        let before = functions.len();
        let rust = functions.iter().any(|one| one.language == Language::Rust);
        if rust && !report.load_failures.is_empty() {
            functions.retain(|one| !uncompiled(one));
            if functions.len() == before || functions.is_empty() {
                break;
            }
            continue;
        }
        let noticed: Vec<String> = outcomes(&report)
            .into_iter()
            .filter(|(_, outcome)| *outcome != Outcome::Passed)
            .map(|(case, _)| case)
            .collect();
        let ran = !report.cases.is_empty();
        if !noticed.is_empty() || !report.load_failures.is_empty() || !report.ended_well() {
            controls.push(Control {
                kind: what.replace(' ', "_"),
                result: format!(
                    "{} fail without what {before} changed functions do",
                    noticed.len().max(1)
                ),
                tests: noticed,
            });
        } else if ran {
            into.failures.push(unnoticed(&functions));
        } else {
            break;
        }
        return Ok(());
    }
    into.notes.push(without_control(
        what,
        "the code could not be built without their bodies",
    ));
    Ok(())
}

fn without_bodies(asked: &Strict<'_>, functions: &[Emptied]) -> Snapshot {
    let mut by_path: BTreeMap<&RelPath, Vec<&Emptied>> = BTreeMap::new();
    for one in functions {
        by_path.entry(&one.path).or_default().push(one);
    }
    let mut tree = asked.tree.clone();
    for (path, list) in by_path {
        let Some(first) = list.first() else { continue };
        let own: Vec<&Function> = list.iter().map(|one| &one.function).collect();
        let text = emptied(first.language, &first.text, &own);
        tree = tree.with(&asked.context.repository, path.clone(), text.into_bytes());
    }
    tree
}

fn unnoticed(functions: &[Emptied]) -> Reason {
    let names: Vec<String> = functions
        .iter()
        .take(5)
        .map(|one| format!("`{}`", one.function.name))
        .collect();
    let reason = Reason::new(
        ReasonCode::ControlFailed,
        format!(
            "every locked test passes although all changed functions do nothing: {}",
            names.join(", ")
        ),
        "let the locked tests call what was implemented; if the work is elsewhere, `[controls] tasks` sets another level",
    );
    match functions.first() {
        Some(first) => reason.at(first.path.clone()).line(first.function.line),
        None => reason,
    }
}
