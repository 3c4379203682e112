//! `redgreen run [PLAN]` and `redgreen stop [PLAN]`

use super::Ending;
use super::task::{LoadedPlan, the_plan};
use crate::cli::{RunArgs, StopArgs};
use crate::config::Config;
use crate::drive::{Driver, Observer, seconds, stop_file};
use crate::error::Failure;
use crate::referee::context::{Context, Setting};
use crate::render::story::Story;
use redgreen_core::dispute::Bounce;
use redgreen_core::exit::ExitCode;
use redgreen_core::id::TaskId;
use redgreen_core::machine::{Budgets, Event, Limits, Phase, RunId, RunOptions, Standing};
use redgreen_core::plan::{self, PlanStatus};
use redgreen_host::tree::Snapshot;
use std::io::IsTerminal as _;

/// Runs a plan, or goes on with it.
///
/// # Errors
/// A failure when the plan, the configuration or the environment does not allow it.
pub fn run(context: &Context, arguments: &RunArgs) -> Ending {
    let loaded = the_plan(context, arguments.plan.as_deref())?;
    valid(&loaded)?;
    if arguments.dry_run {
        return dry_run(context, &loaded);
    }
    let mut story = Story::new(context);
    run_observed(context, loaded, arguments, &mut story, true)
}

/// Every problem of a plan that keeps it from being run.
///
/// # Errors
/// A usage failure naming all of them.
pub fn valid(loaded: &LoadedPlan) -> Result<(), Failure> {
    let problems = plan::validate(&loaded.file.plan);
    let Some(first) = problems.first() else {
        return Ok(());
    };
    let all: Vec<String> = problems
        .iter()
        .map(|problem| format!("{} ({})", problem.message, problem.pointer))
        .collect();
    Err(Failure::usage(all.join("; "), first.help.clone()).at(loaded.path.display().to_string()))
}

fn dry_run(context: &Context, loaded: &LoadedPlan) -> Ending {
    let order = plan::order(&loaded.file.plan);
    context.printer.result(
        || {
            let mut text = format!("{} ({}), definition {}\n", loaded.file.plan.name, loaded.file.plan.status, loaded.file.definition.short());
            for id in &order {
                if let Some(task) = loaded.file.plan.task(id) {
                    let after = if task.depends_on.is_empty() { String::new() } else { format!("  after {}", task.depends_on.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")) };
                    text.push_str(&format!("  {id:<8} {:<8} {}{after}\n", task.mode, task.name));
                }
            }
            text.push_str("nothing was started");
            text
        },
        || serde_json::json!({"schema": "redgreen.order/1", "plan": loaded.file.plan.name, "definition": loaded.file.definition, "order": order}),
    );
    Ok(ExitCode::Pass)
}

/// Runs a plan and tells an observer.
///
/// # Errors
/// As [`run`].
pub fn run_observed(
    context: &Context,
    loaded: LoadedPlan,
    arguments: &RunArgs,
    observer: &mut dyn Observer,
    announce: bool,
) -> Ending {
    let head = context.head_commit()?;
    let tree = Snapshot::of_commit(&context.repository, &head).map_err(Failure::internal)?;
    let setting = Setting::of_tree(context, &tree)?;
    setting.runners()?;
    let configuration = setting.config.digest;
    let options = options(&setting.config, arguments)?;
    let definition = loaded.file.definition;
    let plan = loaded.file.plan.clone();
    let place = loaded.path.display().to_string();
    let mut driver = Driver::open(context, loaded, setting)?;
    driver.agent = match &arguments.agent {
        Some(text) => Some(shell_words::split(text).map_err(|error| {
            Failure::usage(format!("--agent: {error}"), "quote it as for a shell")
        })?),
        None => None,
    };
    let person = driver.person.clone();
    let standing = driver.log.state().standing();
    let first = if standing == Standing::Empty {
        let approved = approved_by(context, &driver.slug, &definition).or_else(|| {
            (arguments.yes || plan.status == PlanStatus::Approved).then(|| person.clone())
        });
        let claims: Vec<TaskId> = plan
            .tasks
            .iter()
            .filter(|task| task.passes)
            .map(|task| task.id.clone())
            .collect();
        if !claims.is_empty() && !arguments.yes && !adopted(context, &driver.slug, &definition) {
            return Err(Failure::new(
                ExitCode::ApprovalNeeded,
                format!("{} say `passes: true`, and no run of redgreen proved it", claims.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
                "adopt them as done, never called verified: redgreen plan adopt; or set `passes` to false",
            )
            .at(place));
        }
        Event::RunStarted {
            run: run_id()?,
            plan: Box::new(plan.clone()),
            definition,
            configuration,
            options,
            approved,
            adopted: claims,
        }
    } else {
        let frozen = driver.log.state().frozen();
        let same = frozen == Some((definition, configuration));
        if !same && (arguments.yes || approved_by(context, &driver.slug, &definition).is_some()) {
            Event::Approved {
                plan: Box::new(plan.clone()),
                definition,
                configuration,
                by: person.clone(),
            }
        } else if !same {
            Event::Differs {
                definition,
                configuration,
            }
        } else {
            Event::Resumed {
                options,
                by: person.clone(),
            }
        }
    };
    if announce {
        announce_start(context, &driver, arguments, &definition.short());
    }
    let needs_resume = matches!(first, Event::Approved { .. });
    let mut exit = driver.drive(first, observer)?;
    if needs_resume {
        let resumed = Event::Resumed {
            options: self::options(&driver.setting.config, arguments)?,
            by: person,
        };
        exit = driver.drive(resumed, observer)?;
    }
    if announce {
        announce_end(context, &driver, exit);
    }
    Ok(exit)
}

fn run_id() -> Result<RunId, Failure> {
    let digits: String = redgreen_host::clock::now_rfc3339()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(15)
        .collect();
    RunId::new(format!("R{digits}")).map_err(Failure::internal)
}

fn options(config: &Config, arguments: &RunArgs) -> Result<RunOptions, Failure> {
    let until = match &arguments.until {
        Some(text) => Some(
            Phase::ALL
                .into_iter()
                .find(|phase| phase.as_str() == text && phase.is_working())
                .ok_or_else(|| {
                    let known: Vec<&str> = Phase::ALL
                        .into_iter()
                        .filter(|phase| phase.is_working())
                        .map(Phase::as_str)
                        .collect();
                    Failure::usage(
                        format!("`{text}` is no phase"),
                        format!("one of {}", known.join(", ")),
                    )
                })?,
        ),
        None => None,
    };
    let only = match &arguments.task {
        Some(text) => Some(
            [TaskId::new(text.as_str())
                .map_err(|error| Failure::usage(error.to_string(), "name a task such as T43"))?]
            .into(),
        ),
        None => None,
    };
    let unattended = !std::io::stderr().is_terminal();
    Ok(RunOptions {
        budgets: Budgets {
            author_retries: config.limits.author_retries,
            implementer_retries: config.limits.implementer_retries,
            ..Budgets::default()
        },
        limits: Limits {
            session_seconds: seconds(config.limits.session),
            idle_seconds: seconds(config.limits.idle),
            run_seconds: config.limits.run.map(seconds),
            wait_seconds: seconds(config.limits.max_wait),
            ..Limits::default()
        },
        keep_going: arguments.keep_going || config.file.policy.keep_going.unwrap_or(unattended),
        until,
        only,
        approve_tests: config.file.approve.tests,
        bounce: if config.file.policy.bounce.as_deref() == Some("heuristic") {
            Bounce::Heuristic
        } else {
            Bounce::Evidence
        },
        ..RunOptions::default()
    })
}

fn approval_file(context: &Context, slug: &str, kind: &str) -> std::path::PathBuf {
    context.state.manifests().join(slug).join(kind)
}

/// Who approved exactly this definition with `plan approve`.
fn approved_by(
    context: &Context,
    slug: &str,
    definition: &redgreen_core::id::Digest,
) -> Option<redgreen_core::machine::Person> {
    let text = std::fs::read_to_string(approval_file(context, slug, "approved")).ok()?;
    let (digest, person) = text.trim().split_once(' ')?;
    (digest == definition.to_string()).then(|| redgreen_core::machine::Person(person.to_owned()))
}

fn adopted(context: &Context, slug: &str, definition: &redgreen_core::id::Digest) -> bool {
    std::fs::read_to_string(approval_file(context, slug, "adopted"))
        .is_ok_and(|text| text.trim().starts_with(&definition.to_string()))
}

/// Records an approval or an adoption of exactly this definition.
///
/// # Errors
/// A failure when it cannot be written or nobody is named in the git configuration.
pub fn record_consent(
    context: &Context,
    loaded: &LoadedPlan,
    kind: &str,
) -> Result<String, Failure> {
    let identity = context
        .repository
        .identity()
        .map_err(crate::referee::context::git_failure)?;
    let person = format!("{} <{}>", identity.name, identity.email);
    let text = format!("{} {person}\n", loaded.file.definition);
    redgreen_host::state::write_atomically(
        &approval_file(context, &loaded.slug(), kind),
        text.as_bytes(),
    )
    .map_err(Failure::internal)?;
    Ok(person)
}

fn announce_start(context: &Context, driver: &Driver<'_>, arguments: &RunArgs, definition: &str) {
    let limits = &driver.setting.config.limits;
    let agent = match (&arguments.agent, driver.setting.config.agent("implementer")) {
        (Some(text), _) => text.clone(),
        (None, Some(agent)) => agent.command.join(" "),
        (None, None) => "none configured".to_owned(),
    };
    context.printer.talk(format!(
        "plan {} definition {definition}, started by {}",
        driver.slug, driver.person
    ));
    context.printer.talk(format!(
        "agent: {agent}; a session: {} min, idle {} min; tries: author {}, implementer {}; isolation: {:?}",
        limits.session.as_secs() / 60,
        limits.idle.as_secs() / 60,
        limits.author_retries + 1,
        limits.implementer_retries + 1,
        redgreen_host::process::best_available(),
    ));
    for assumed in &driver.setting.config.assumed {
        context.printer.detail(format!("assumed: {assumed}"));
    }
}

fn announce_end(context: &Context, driver: &Driver<'_>, exit: ExitCode) {
    let state = driver.log.state();
    let done = state
        .tasks()
        .filter(|(_, task)| task.phase == Phase::Passed)
        .count();
    let all = state.tasks().count();
    let standing = state.standing();
    let word = match standing {
        Standing::Empty | Standing::Working => "unfinished",
        Standing::NeedsApproval => "waits for approval of the plan",
        Standing::WaitsForPerson(_) => "waits for a person",
        Standing::Stopped => "stopped",
        Standing::Parked => "parked",
        Standing::Ended(ExitCode::Pass) => "COMPLETE",
        Standing::Ended(_) => "HALTED",
    };
    let report = driver.report_folder().join("report.md");
    context.printer.result(
        || {
            let mut text = format!("Plan {word}: {done} of {all} tasks.  Branch redgreen/{}  Report: {}\n", driver.slug, report.display());
            text.push_str(&next_steps(driver));
            text
        },
        || {
            let tasks: Vec<_> = state
                .tasks()
                .map(|(id, task)| serde_json::json!({"task": id, "phase": task.phase.as_str()}))
                .collect();
            serde_json::json!({
                "schema": "redgreen.run/1", "plan": driver.slug, "standing": word, "exit": exit.code(),
                "tasks": tasks, "branch": format!("redgreen/{}", driver.slug), "report": report,
            })
        },
    );
}

/// What a person types next, for every task that needs one (SPEC A8).
fn next_steps(driver: &Driver<'_>) -> String {
    match driver.log.state().standing() {
        Standing::NeedsApproval => format!(
            "next    read the plan, then: redgreen plan approve {}\n",
            driver.plan.path.display()
        ),
        Standing::Stopped => "next    redgreen run   (goes on where it stopped)\n".to_owned(),
        Standing::Empty
        | Standing::Working
        | Standing::WaitsForPerson(_)
        | Standing::Parked
        | Standing::Ended(_) => crate::render::report::halts(driver.log.events()),
    }
}

/// Asks a running redgreen to stop after the current step.
///
/// # Errors
/// A failure when there is no such plan or the request cannot be written.
pub fn stop(context: &Context, arguments: &StopArgs) -> Ending {
    let loaded = the_plan(context, arguments.plan.as_deref())?;
    let file = stop_file(context, &loaded.slug());
    redgreen_host::state::write_atomically(&file, b"stop\n").map_err(Failure::internal)?;
    context
        .printer
        .talk("asked; the run stops after the current step, and `redgreen run` goes on later");
    Ok(ExitCode::Pass)
}
