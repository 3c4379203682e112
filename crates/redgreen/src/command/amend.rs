//! `redgreen amend TASK --reason …` for a task of a run (SPEC A12). By hand: `lock.rs`.

use super::answer::taken_folder;
use super::task::TaskContext;
use crate::cli::AmendArgs;
use crate::drive::Driver;
use crate::drive::log::RunLog;
use crate::error::Failure;
use crate::referee::context::{Context, Environments, Setting, git_failure};
use crate::referee::environment_changes::environment_changes;
use crate::referee::evidence::gate_document;
use crate::referee::lock::{StoredLock, load_lock, locked_tree};
use crate::render::gate;
use redgreen_core::exit::ExitCode;
use redgreen_core::machine::{AgentRole, Event, GateSummary, Phase};
use redgreen_core::outcome::Verdict;
use redgreen_host::path_rules::PathClass;
use redgreen_host::tree::{Snapshot, materialise};
use std::path::Path;

/// Corrects the locked tests of a task of a run: red is proven again on its base, the old lock is kept. The tests are
/// read from the worktree of `take`, or as changes of the working tree. `None` where no run has the task.
///
/// # Errors
/// A failure when nothing was changed, the task is being worked on, or the question cannot be put.
pub fn in_a_run(context: &Context, arguments: &AmendArgs) -> Result<Option<ExitCode>, Failure> {
    let task = TaskContext::find(context, &arguments.task, arguments.plan.as_deref())?;
    let journal = context.state.journals().join(format!("{}.jsonl", task.key));
    let Some(loaded) = task.plan.clone().filter(|_| journal.exists()) else {
        return Ok(None);
    };
    let (state, _) = RunLog::read(context, &task.key)?;
    let Some(known) = state
        .task(&task.task)
        .filter(|known| !known.locks.is_empty())
    else {
        return Ok(None);
    };
    let Some(old) = load_lock(context, &task.key, &task.task)? else {
        return Ok(None);
    };
    if known.wait.is_none() && known.phase != Phase::Halted {
        return Err(Failure::usage(
            format!(
                "`{}` does not wait for an answer ({})",
                task.task,
                known.phase.as_str()
            ),
            "stop the run first: redgreen stop",
        ));
    }
    let taken = known.taken.is_some();
    let head = context.head_commit()?;
    let tree = Snapshot::of_commit(&context.repository, &head).map_err(Failure::internal)?;
    let setting = Setting::of_tree(context, &tree)?;
    let mut driver = Driver::open(context, loaded, setting)?;
    let scratch = context.state.scratch("amend").map_err(Failure::internal)?;
    let folder = match taken_folder(context, &task).filter(|_| taken) {
        Some(folder) => folder,
        None => {
            let folder = scratch.path().join("tests");
            with_changes_of_the_working_tree(context, &task, &old, &folder)?;
            folder
        }
    };
    let start = redgreen_host::clock::monotonic();
    let mut claims = task.claims(context, &arguments.tests)?;
    claims.accepted.append(&mut driver.accepted(&task.task));
    let base = old.record.base_commit.clone();
    let red = driver.prove_in(&task.task, &base, &folder, &claims)?;
    let evidence = super::red::record(
        context,
        &driver.slug,
        &red,
        &task.plan_files,
        start.elapsed(),
    )?;
    if red.result.verdict() != Verdict::Pass {
        context.printer.result(
            || gate::human(&red.result),
            || gate_document(&red.result, start.elapsed(), Some(evidence)),
        );
        context
            .printer
            .talk("nothing was changed; the old lock stands");
        return Ok(Some(red.result.verdict().into()));
    }
    let tail = red
        .runs
        .iter()
        .flat_map(|(_, run)| run.tail.iter().cloned())
        .collect();
    let duration = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    let summary = GateSummary::of(&red.result, evidence, tail, 0, duration);
    let lock = driver.lock_proven(&task.task, &base, &red, evidence, arguments.reason.clone())?;
    let by = driver.person.clone();
    let new = driver.lock_of(&task.task)?;
    driver.fresh_clone(
        &driver.clone_of(&task.task, AgentRole::Author),
        &red.proposal.tree,
    )?;
    if taken {
        driver.bring_in(&old.commit, &new, &folder)?;
    }
    driver.record(
        Event::Amended {
            task: task.task.clone(),
            red: Box::new(summary),
            lock,
            reason: arguments.reason.clone(),
            by,
        },
        &mut crate::drive::Silent,
    )?;
    context.printer.result(
        || format!("{}lock    {}   {} tests; the old lock is kept", gate::human(&red.result), new.commit.get(..7).unwrap_or(""), new.record.tests.len()),
        || {
            serde_json::json!({
                "schema": "redgreen.lock-result/1", "task": task.task, "commit": new.commit, "lock": new.digest,
                "tests": new.record.tests.len(), "files": new.manifest.files.len(),
                "red": gate_document(&red.result, start.elapsed(), Some(evidence)),
            })
        },
    );
    context.printer.talk(if taken {
        format!("next    redgreen check {}", task.task)
    } else {
        "next    redgreen run".to_owned()
    });
    Ok(Some(ExitCode::Pass))
}

/// Whether the environment is another one than at lock: then red is proven again with the same tests.
fn environment_differs(
    context: &Context,
    lock: &StoredLock,
    locked: &Snapshot,
) -> Result<bool, Failure> {
    let setting = Setting::of_tree(context, locked)?;
    let now = Environments::resolve(context, &setting, locked, &setting.runners()?)?
        .with_search_paths_of(&lock.environments);
    Ok(!environment_changes(context, lock, &now).is_empty())
}

/// A folder with what is locked and, over it, the test files that a person changed in the working tree.
fn with_changes_of_the_working_tree(
    context: &Context,
    task: &TaskContext,
    lock: &StoredLock,
    folder: &Path,
) -> Result<(), Failure> {
    let locked = locked_tree(context, lock)?;
    let rules = Setting::of_tree(context, &locked)?.rules;
    let map = crate::referee::proposal::criteria_path(&task.task);
    materialise(&locked, &context.repository, folder).map_err(Failure::internal)?;
    let mut found = false;
    for path in context
        .repository
        .status_dirty_paths()
        .map_err(git_failure)?
    {
        let of_author = match rules.class(&path) {
            PathClass::Test => true,
            // Test items inside source; the code around them is not used.
            PathClass::Source => path.as_str().ends_with(".rs"),
            PathClass::RunnerConfig | PathClass::Inert | PathClass::Locked => {
                Some(&path) == map.as_ref()
            }
        };
        let (from, to) = (
            context.repository.top_level().join(path.as_str()),
            folder.join(path.as_str()),
        );
        if !of_author || from.is_symlink() {
            continue;
        }
        found = true;
        match std::fs::read(&from) {
            Ok(bytes) => {
                redgreen_host::state::write_atomically(&to, &bytes).map_err(Failure::internal)?
            }
            Err(_) => drop(std::fs::remove_file(&to)),
        }
    }
    if found || environment_differs(context, lock, &locked)? {
        return Ok(());
    }
    Err(Failure::usage(
        format!("no test of {} was changed in the working tree", task.task),
        format!(
            "write the corrected test files here, or open what is locked: redgreen take {}",
            task.task
        ),
    ))
}
