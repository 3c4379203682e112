//! What a person answers: `retry`, `approve`, `waive`, `reset`, `take`, and `dispute` from inside a session (SPEC A12).

use super::Ending;
use super::task::TaskContext;
use crate::cli::{
    ApproveArgs, DisputeArgs, DisputeReason, ResetArgs, RetryArgs, TaskArgs, WaiveArgs,
};
use crate::drive::Driver;
use crate::drive::dispute::Request;
use crate::drive::log::RunLog;
use crate::error::Failure;
use crate::referee::context::{Context, Setting, git_failure};
use crate::referee::green::{GreenRequest, take_apart};
use crate::referee::lock::{forget_lock, load_lock, locked_tree};
use crate::referee::proposal::put_as_in;
use redgreen_core::exit::ExitCode;
use redgreen_core::id::TaskId;
use redgreen_core::machine::{Event, Person, Phase};
use redgreen_core::outcome::Verdict;
use redgreen_core::reason::ReasonCode;
use redgreen_host::tree::Snapshot;
use std::path::Path;

/// Who answers, as git names them.
///
/// # Errors
/// A failure when git knows no name.
pub fn person(context: &Context) -> Result<Person, Failure> {
    let identity = context.repository.identity().map_err(git_failure)?;
    Ok(Person(format!("{} <{}>", identity.name, identity.email)))
}

/// The plan and task of an answer; the task must stand in a plan.
fn find(context: &Context, task: &str, plan: Option<&Path>) -> Result<TaskContext, Failure> {
    let found = TaskContext::find(context, task, plan)?;
    if found.plan.is_none() {
        return Err(Failure::usage(
            format!("no plan has a task `{task}`"),
            "name the plan with --plan",
        ));
    }
    Ok(found)
}

/// Records one event of a person, without carrying anything out: `redgreen run` does.
fn record(context: &Context, task: &TaskContext, event: Event, done: &str) -> Ending {
    let mut log = RunLog::open(context, &task.key)?;
    log.record(event)?;
    context.printer.result(
        || done.to_owned(),
        || serde_json::json!({"schema": "redgreen.answer/1", "task": task.task, "done": done}),
    );
    context.printer.talk("next    redgreen run");
    Ok(ExitCode::Pass)
}

/// Fresh tries with guidance.
///
/// # Errors
/// A usage failure when the task does not wait for an answer.
pub fn retry(context: &Context, arguments: &RetryArgs) -> Ending {
    let task = find(context, &arguments.task, arguments.plan.as_deref())?;
    let event = Event::Retried {
        task: task.task.clone(),
        hint: arguments.hint.clone(),
        by: person(context)?,
    };
    record(
        context,
        &task,
        event,
        &format!("{} gets fresh tries", task.task),
    )
}

/// Yes (or no) to what a task waits for.
///
/// # Errors
/// A usage failure when the task does not wait for an answer.
pub fn approve(context: &Context, arguments: &ApproveArgs) -> Ending {
    let task = find(context, &arguments.task, arguments.plan.as_deref())?;
    let by = person(context)?;
    if arguments.deny {
        let event = Event::Retried {
            task: task.task.clone(),
            hint: Some("a person said no".to_owned()),
            by,
        };
        return record(
            context,
            &task,
            event,
            &format!("no: {} goes back to its agent", task.task),
        );
    }
    let event = Event::Agreed {
        task: task.task.clone(),
        by,
    };
    record(context, &task, event, &format!("yes, for {}", task.task))
}

/// Lets a task through in a person's name.
///
/// # Errors
/// A usage failure for an unknown code, a task that is not halted, or a policy that denies it.
pub fn waive(context: &Context, arguments: &WaiveArgs) -> Ending {
    let task = find(context, &arguments.task, arguments.plan.as_deref())?;
    let Some(code) = ReasonCode::ALL
        .iter()
        .copied()
        .find(|code| code.as_str() == arguments.code)
    else {
        return Err(Failure::usage(
            format!("`{}` is no reason code", arguments.code),
            "the gate prints it in brackets: error[suite_failed]",
        ));
    };
    let head = context.head_commit()?;
    let tree = Snapshot::of_commit(&context.repository, &head).map_err(Failure::internal)?;
    let setting = Setting::of_tree(context, &tree)?;
    let mut by = person(context)?;
    match setting.config.file.policy.waivers.as_deref() {
        None | Some("allow") => {}
        Some("two_people") => {
            let file = context.state.manifests().join(&task.key).join(format!(
                "{}.{}.waiver",
                task.task,
                code.as_str()
            ));
            match std::fs::read_to_string(&file) {
                Ok(first) if first.trim() != by.0 => {
                    by = Person(format!("{} and {}", first.trim(), by.0));
                    std::fs::remove_file(&file).map_err(Failure::internal)?;
                }
                Ok(_) | Err(_) => {
                    redgreen_host::state::write_atomically(&file, by.0.as_bytes())
                        .map_err(Failure::internal)?;
                    context.printer.talk(format!("recorded for {by}; a second person has to type the same command (policy.waivers = two_people)"));
                    return Ok(ExitCode::ApprovalNeeded);
                }
            }
        }
        Some("deny") => {
            return Err(Failure::new(
                ExitCode::ApprovalNeeded,
                "this project allows no waivers (policy.waivers = deny)",
                format!("redgreen take {}", task.task),
            ));
        }
        Some(other) => {
            return Err(Failure::usage(
                format!("`policy.waivers = \"{other}\"` is not known"),
                "allow, two_people or deny",
            ));
        }
    }
    let event = Event::Waived {
        task: task.task.clone(),
        code,
        reason: arguments.reason.clone(),
        expires: arguments.expires.clone(),
        by: by.clone(),
    };
    record(
        context,
        &task,
        event,
        &format!(
            "{} is waived ({}) by {by}; the verdict stays what it was",
            task.task,
            code.as_str()
        ),
    )
}

/// Starts a task over: its lock is kept under its digest, its clones are removed.
///
/// # Errors
/// A failure when another redgreen works on the plan.
pub fn reset(context: &Context, arguments: &ResetArgs) -> Ending {
    let task = TaskContext::find(context, &arguments.task, arguments.plan.as_deref())?;
    if task.plan.is_some()
        && context
            .state
            .journals()
            .join(format!("{}.jsonl", task.key))
            .exists()
    {
        let mut log = RunLog::open(context, &task.key)?;
        if log.state().task(&task.task).is_some() {
            log.record(Event::Reset {
                task: task.task.clone(),
                by: person(context)?,
            })?;
        }
    }
    let had = forget_lock(context, &task.key, &task.task)?;
    let folder = context
        .state
        .clones()
        .join(&task.key)
        .join(task.task.as_str());
    if folder.exists() {
        redgreen_host::state::remove_tree(&folder).map_err(Failure::internal)?;
    }
    let words = if had {
        "its lock is kept in private state, and it starts over"
    } else {
        "it had no lock"
    };
    context.printer.result(
        || format!("{}: {words}", task.task),
        || serde_json::json!({"schema": "redgreen.answer/1", "task": task.task, "done": words}),
    );
    Ok(ExitCode::Pass)
}

/// Opens a worktree with the lock and the candidate.
///
/// # Errors
/// A failure when the task has no lock, does not wait, or git refuses.
pub fn take(context: &Context, arguments: &TaskArgs) -> Ending {
    let task = find(context, &arguments.task, arguments.plan.as_deref())?;
    let Some(lock) = load_lock(context, &task.key, &task.task)? else {
        return Err(Failure::usage(
            format!(
                "{} has no lock yet, so there is nothing to finish",
                task.task
            ),
            "write its tests by hand and run: redgreen lock",
        ));
    };
    let name = context.repository.top_level().file_name().map_or_else(
        || "repository".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    let folder = context
        .repository
        .top_level()
        .with_file_name(format!("{name}-{}", task.task));
    if folder.exists() {
        return Err(Failure::usage(
            format!("`{}` exists already", folder.display()),
            "finish there, or remove it",
        ));
    }
    let mut log = RunLog::open(context, &task.key)?;
    log.record(Event::Taken {
        task: task.task.clone(),
        by: person(context)?,
    })?;
    let locked = locked_tree(context, &lock)?;
    let setting = Setting::of_tree(context, &locked)?;
    let clone = context
        .state
        .clones()
        .join(&task.key)
        .join(task.task.as_str())
        .join("implementer");
    context
        .repository
        .add_worktree(
            &folder,
            &format!("redgreen-take/{}", task.task),
            &lock.commit,
        )
        .map_err(git_failure)?;
    if clone.exists() {
        let request = GreenRequest {
            lock: &lock,
            candidate: &clone,
            plan_files: &task.plan_files,
            scope: &[],
        };
        let candidate = take_apart(context, &setting, &locked, &request)?;
        for (path, _) in &candidate.used {
            put_as_in(&candidate.full, &context.repository, path, &folder)?;
        }
    }
    let note = context
        .state
        .clones()
        .join(&task.key)
        .join(task.task.as_str())
        .join("taken");
    redgreen_host::state::write_atomically(&note, folder.to_string_lossy().as_bytes())
        .map_err(Failure::internal)?;
    context.printer.result(
        || {
            format!(
                "{} is yours in {}\nnext    change the source there, then here: redgreen check {}",
                task.task,
                folder.display(),
                task.task
            )
        },
        || serde_json::json!({"schema": "redgreen.take/1", "task": task.task, "folder": folder}),
    );
    Ok(ExitCode::Pass)
}

/// A task that a run halted has its work in the run, not in the checkout: judging the checkout would answer another
/// question than the one that was asked.
///
/// # Errors
/// The failure (exit 14) with the ways to go on.
pub fn not_halted(context: &Context, task: &TaskContext) -> Result<(), Failure> {
    let journal = context.state.journals().join(format!("{}.jsonl", task.key));
    if task.plan.is_none() || !journal.exists() {
        return Ok(());
    }
    let (state, _) = RunLog::read(context, &task.key)?;
    let halted = state
        .task(&task.task)
        .is_some_and(|known| known.phase == Phase::Halted && known.taken.is_none());
    if !halted {
        return Ok(());
    }
    Err(Failure::new(
        ExitCode::ApprovalNeeded,
        format!(
            "{} is halted in a run; its work is not in this checkout, so there is nothing here to check",
            task.task
        ),
        format!(
            "finish it yourself: redgreen take {0}; or let the agent try again: redgreen retry {0} --hint '…'",
            task.task
        ),
    ))
}

/// Hands a taken task back to the referee; `None` when it is not taken.
///
/// # Errors
/// A failure of the gates' environment.
pub fn hand_back(context: &Context, task: &TaskContext) -> Result<Option<ExitCode>, Failure> {
    let journal = context.state.journals().join(format!("{}.jsonl", task.key));
    let Some(loaded) = task.plan.clone().filter(|_| journal.exists()) else {
        return Ok(None);
    };
    let (state, _) = RunLog::read(context, &task.key)?;
    if state
        .task(&task.task)
        .is_none_or(|known| known.taken.is_none())
    {
        return Ok(None);
    }
    let head = context.head_commit()?;
    let tree = Snapshot::of_commit(&context.repository, &head).map_err(Failure::internal)?;
    let setting = Setting::of_tree(context, &tree)?;
    let mut driver = Driver::open(context, loaded, setting)?;
    driver.only = Some(task.task.clone());
    let by = driver.person.clone();
    let mut story = crate::render::story::Story::new(context);
    let before = driver.log.events().len();
    driver.drive(
        Event::HandedBack {
            task: task.task.clone(),
            by,
        },
        &mut story,
    )?;
    let passed = driver
        .log
        .state()
        .task(&task.task)
        .is_some_and(|state| state.phase == Phase::Passed);
    let judged = driver.log.events()[before..]
        .iter()
        .rev()
        .find_map(|(_, event)| match event {
            Event::GateJudged { summary, .. } => Some(summary.verdict()),
            _ => None,
        });
    let exit = match (passed, judged) {
        (true, _) => ExitCode::Pass,
        (false, Some(verdict)) if verdict != Verdict::Pass => verdict.into(),
        (false, _) => ExitCode::EnvironmentNotReady,
    };
    let folder = taken_folder(context, task);
    context.printer.result(
        || {
            if passed {
                let remove = folder.as_ref().map_or_else(String::new, |folder| {
                    format!("\nnext    git worktree remove --force {}; redgreen run", folder.display())
                });
                format!("{} passed and is delivered{remove}", task.task)
            } else {
                format!("{} is still yours\nnext    correct it, then: redgreen check {}", task.task, task.task)
            }
        },
        || serde_json::json!({"schema": "redgreen.answer/1", "task": task.task, "done": if passed { "passed" } else { "still taken" }}),
    );
    Ok(Some(exit))
}

/// Where a person works on a task that was taken; `None` where it was never taken.
pub fn taken_folder(context: &Context, task: &TaskContext) -> Option<std::path::PathBuf> {
    let note = context
        .state
        .clones()
        .join(&task.key)
        .join(task.task.as_str())
        .join("taken");
    std::fs::read_to_string(note)
        .ok()
        .map(std::path::PathBuf::from)
}

/// Writes a dispute request for the referee, from inside an agent's session.
///
/// # Errors
/// A usage failure outside of a session.
pub fn dispute(arguments: &DisputeArgs, printer: crate::render::printer::Printer) -> Ending {
    TaskId::new(arguments.task.as_str())
        .map_err(|error| Failure::usage(error.to_string(), "name a task such as T43"))?;
    let Some(file) = redgreen_host::env::path_variable("REDGREEN_DISPUTE_FILE") else {
        return Err(Failure::usage(
            "a dispute is asked for by an agent inside its session",
            format!(
                "a person corrects locked tests directly: redgreen amend {} --reason '…'",
                arguments.task
            ),
        ));
    };
    let reason = match arguments.reason {
        DisputeReason::Contradiction => "contradiction",
        DisputeReason::Impossible => "impossible",
        DisputeReason::NotInCriteria => "not_in_criteria",
        DisputeReason::WrongExpectation => "wrong_expectation",
        DisputeReason::Flaky => "flaky",
    };
    let request = Request {
        test: arguments.test.clone(),
        reason: reason.to_owned(),
        cites: arguments.cites.clone(),
        note: arguments.note.clone(),
    };
    let bytes = serde_json::to_vec(&request).map_err(Failure::internal)?;
    std::fs::write(&file, bytes)
        .map_err(|error| Failure::internal(format!("the request cannot be written: {error}")))?;
    printer.result(
        || "noted; the referee looks at the facts when this session ends. Stop now.".to_owned(),
        || serde_json::json!({"schema": "redgreen.dispute/1", "noted": true}),
    );
    Ok(ExitCode::Pass)
}
