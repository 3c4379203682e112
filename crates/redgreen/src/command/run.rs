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
use redgreen_core::machine::{
    Approval, Budgets, Event, Limits, Phase, RunId, RunOptions, Standing,
};
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
    deliverable(&setting.config)?;
    crate::referee::isolation::prepare(context, &setting)?;
    super::clean::below_the_cap(context, setting.config.limits.cache)?;
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
    let by_plan = approved_by(context, &driver.slug, &definition, &configuration);
    let events = if standing == Standing::Empty {
        let approved = by_plan.or_else(|| {
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
        vec![Event::RunStarted {
            run: run_id()?,
            plan: Box::new(plan.clone()),
            definition,
            configuration,
            options,
            approved,
            adopted: claims,
        }]
    } else {
        let resumed = Event::Resumed {
            options,
            by: person.clone(),
        };
        let same = driver.log.state().frozen() == Some((definition, configuration));
        let waits = driver.log.state().approval() == Some(&Approval::Needed);
        // Before the first approval the plan file itself may say so; later only a person's word for exactly this text.
        let given = by_plan
            .or_else(|| arguments.yes.then(|| person.clone()))
            .or_else(|| approved_before(&driver, &definition, &configuration))
            .or_else(|| {
                (same && waits && plan.status == PlanStatus::Approved).then(|| person.clone())
            });
        match (same && !waits, given) {
            (true, _) => vec![resumed],
            (false, Some(by)) => {
                let approved = Event::Approved {
                    plan: Box::new(plan.clone()),
                    definition,
                    configuration,
                    by,
                };
                // What a killed run had begun is not being worked on any more; the approval has to know.
                let differs = Event::Differs {
                    definition,
                    configuration,
                };
                if same {
                    vec![approved, resumed]
                } else {
                    vec![differs, resumed.clone(), approved, resumed]
                }
            }
            (false, None) if same => vec![resumed],
            // What a killed run had begun is handed out again, and held.
            (false, None) => vec![
                Event::Differs {
                    definition,
                    configuration,
                },
                resumed,
            ],
        }
    };
    if announce {
        announce_start(context, &driver, arguments, &definition.short());
    }
    let mut exit = ExitCode::Internal;
    for event in events {
        exit = driver.drive(event, observer)?;
    }
    if announce {
        announce_end(context, &driver, exit);
    }
    Ok(exit)
}

/// What `[deliver]` asks for and this version cannot do is refused at the start, never passed over.
fn deliverable(config: &Config) -> Result<(), Failure> {
    if config.file.deliver.push {
        return Err(Failure::usage(
            "`[deliver] push = true` is not there yet",
            "remove it, and push the branch by hand when the run is done",
        ));
    }
    match config.file.deliver.style.as_deref() {
        None | Some("merge" | "squash") => Ok(()),
        Some(other) => Err(Failure::usage(
            format!("`[deliver] style = \"{other}\"` is not known"),
            "merge or squash",
        )),
    }
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
            run_tokens: config.limits.run_tokens,
            run_micro_usd: config.limits.run_micro_usd,
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

/// Who approved exactly this definition and configuration with `plan approve`.
fn approved_by(
    context: &Context,
    slug: &str,
    definition: &redgreen_core::id::Digest,
    configuration: &redgreen_core::id::Digest,
) -> Option<redgreen_core::machine::Person> {
    let text = std::fs::read_to_string(approval_file(context, slug, "approved")).ok()?;
    let mut parts = text.trim().splitn(3, ' ');
    let (plan, config, person) = (parts.next()?, parts.next()?, parts.next()?);
    (plan == definition.to_string() && config == configuration.to_string())
        .then(|| redgreen_core::machine::Person(person.to_owned()))
}

/// Who approved exactly this definition and configuration earlier in this run: it was changed and put back.
fn approved_before(
    driver: &Driver<'_>,
    plan: &redgreen_core::id::Digest,
    config: &redgreen_core::id::Digest,
) -> Option<redgreen_core::machine::Person> {
    driver
        .log
        .events()
        .iter()
        .rev()
        .find_map(|(_, event)| match event {
            Event::RunStarted {
                definition,
                configuration,
                approved: Some(by),
                ..
            }
            | Event::Approved {
                definition,
                configuration,
                by,
                ..
            } if definition == plan && configuration == config => Some(by.clone()),
            _ => None,
        })
}

fn adopted(context: &Context, slug: &str, definition: &redgreen_core::id::Digest) -> bool {
    std::fs::read_to_string(approval_file(context, slug, "adopted"))
        .is_ok_and(|text| text.trim().starts_with(&definition.to_string()))
}

/// Records an approval or an adoption of exactly this definition under the committed configuration.
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
    let head = context.head_commit()?;
    let tree = Snapshot::of_commit(&context.repository, &head).map_err(Failure::internal)?;
    let configuration = Setting::of_tree(context, &tree)?.config.digest;
    let text = format!("{} {configuration} {person}\n", loaded.file.definition);
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
        (None, Some(agent)) => agent.name(),
        (None, None) => "none configured".to_owned(),
    };
    context.printer.talk(format!(
        "plan {} definition {definition}, started by {}",
        driver.slug, driver.person
    ));
    context.printer.talk(format!(
        "agent: {agent}; a session: {}, idle {}, the run: {}; tries: author {}, implementer {}",
        minutes(limits.session),
        minutes(limits.idle),
        limits.run.map_or_else(|| "no limit".to_owned(), minutes),
        limits.author_retries + 1,
        limits.implementer_retries + 1,
    ));
    context.printer.talk(crate::referee::isolation::sentence(
        redgreen_host::process::available(),
    ));
    for assumed in &driver.setting.config.assumed {
        context.printer.detail(format!("assumed: {assumed}"));
    }
}

fn minutes(duration: std::time::Duration) -> String {
    match (duration.as_secs() / 60, duration.as_secs() % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
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
    let slug = loaded.slug();
    if !context.state.is_held(&crate::drive::log::plan_lock(&slug)) {
        context
            .printer
            .talk(format!("nothing is running for the plan `{slug}`"));
        return Ok(ExitCode::Pass);
    }
    redgreen_host::state::write_atomically(&stop_file(context, &slug), b"stop\n")
        .map_err(Failure::internal)?;
    context
        .printer
        .talk("asked; an agent is ended, a gate is finished, and `redgreen run` goes on later");
    Ok(ExitCode::Pass)
}
