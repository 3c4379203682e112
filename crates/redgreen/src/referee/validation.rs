//! The real application: built and started as it ships, from a clean checkout, and used as declared (SPEC E3).

mod steps;

use super::checks::find;
use super::context::{Context, Setting};
use super::services::reason;
use super::trees::TreeOnDisk;
use crate::config::validation::Configured;
use crate::error::Failure;
use redgreen_core::gate::{Hint, StepRun, Traces, hint};
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_host::process::{self, Network};
use redgreen_host::service::{HOST, Service, ServiceKind, ServiceSettings, fill};
use redgreen_host::tree::Snapshot;
use std::collections::BTreeMap;
use std::time::Duration;

/// What came of it.
#[derive(Debug, Default)]
pub struct Validated {
    /// Why it could not be established; empty when it could.
    pub problems: Vec<Reason>,
    /// What was tried, in order.
    pub steps: Vec<StepRun>,
}

/// How long the application may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// How long one build command, or one command of a step, may take.
const COMMAND: Duration = Duration::from_secs(20 * 60);

/// How many lines of a log are shown with a step.
const LOG_LINES: usize = 8;

/// Builds, starts and uses the application of a tree.
///
/// # Errors
/// A failure when the question cannot be put together.
pub fn validate(
    context: &Context,
    setting: &Setting,
    configured: &Configured,
    snapshot: &Snapshot,
    label: &str,
) -> Result<Validated, Failure> {
    let section = &configured.section;
    let mut out = Validated::default();
    let missing: Vec<&String> = section
        .environment
        .iter()
        .filter(|name| redgreen_host::env::variable(name).is_none())
        .collect();
    for name in missing {
        out.problems.push(Reason::new(
            ReasonCode::EnvironmentFault,
            format!("the variable `{name}`, which the application needs, is not set"),
            format!("export {name}=…"),
        ));
    }
    if !out.problems.is_empty() {
        return Ok(out);
    }
    let tree = match TreeOnDisk::build(context, setting, snapshot, label) {
        Ok(tree) => tree,
        Err(failure) => {
            let reason: Box<Reason> = failure.into();
            out.problems.push(*reason);
            return Ok(out);
        }
    };
    let variables = match tree.variables(context, setting) {
        Ok(variables) => variables,
        Err(reason) => {
            out.problems.push(*reason);
            return Ok(out);
        }
    };
    let given = section
        .environment
        .iter()
        .filter_map(|name| Some((name.clone(), redgreen_host::env::variable(name)?)));
    let variables: BTreeMap<String, String> = variables.into_iter().chain(given).collect();
    for command in &section.build {
        let step = build(context, &tree, command, &variables)?;
        let held = step.held();
        out.steps.push(step);
        if !held {
            return Ok(out);
        }
    }
    if !section.artefacts.is_empty() {
        let step = artefacts(&tree, &section.artefacts);
        let held = step.held();
        out.steps.push(step);
        if !held {
            return Ok(out);
        }
    }
    let application = if section.start.is_empty() {
        None
    } else {
        match start(context, &tree, configured, &variables) {
            Ok((step, application)) => {
                out.steps.push(step);
                match application {
                    Some(application) => Some(application),
                    None => return Ok(out),
                }
            }
            Err(problem) => {
                out.problems.push(*problem);
                return Ok(out);
            }
        }
    };
    let mut user = steps::User::new(context, &tree, application.as_ref(), &variables);
    for (step, within) in section.steps.iter().zip(&configured.within) {
        let run = user.take(step, *within)?;
        context.printer.talk(format!(
            "{:<8}{} {}",
            "",
            if run.held() { "ok  " } else { "no  " },
            step.name
        ));
        out.steps.push(run);
    }
    drop(user);
    if let Some(application) = application {
        out.steps.push(log(configured, &application));
    }
    if let Err(problem) = tree.services_run(context, setting) {
        out.problems.push(*problem);
    }
    Ok(out)
}

/// A step that has nothing to say yet.
fn step(name: &str) -> StepRun {
    StepRun {
        name: name.to_owned(),
        failures: Vec::new(),
        shown: Vec::new(),
        log: Vec::new(),
        hint: None,
        not_tried: false,
        held_on_base: None,
        duration_ms: 0,
    }
}

/// The last lines of a text, without empty ones and secrets.
fn last_lines(text: &str) -> Vec<String> {
    let text = redgreen_host::secrets::redactor().text(text).into_owned();
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(LOG_LINES)..]
        .iter()
        .map(|&line| line.to_owned())
        .collect()
}

fn build(
    context: &Context,
    tree: &TreeOnDisk,
    command: &str,
    variables: &BTreeMap<String, String>,
) -> Result<StepRun, Failure> {
    let mut run = step(&format!("build: {command}"));
    let mut argv = shell_words::split(command).map_err(Failure::internal)?;
    if let Some(program) = argv.first().and_then(|name| find(context, name)) {
        argv[0] = program.found.display().to_string();
    }
    let mut spec = tree.check_spec("build", argv)?;
    // Building for production often means installing from a lock file.
    spec.network = Network::Host;
    spec.timeout = COMMAND;
    spec.env.extend(variables.clone());
    match process::run(&spec) {
        Err(error) => run.failures.push(error.to_string()),
        Ok(finished) => {
            run.duration_ms = u64::try_from(finished.duration.as_millis()).unwrap_or(u64::MAX);
            if !finished.success() {
                let output = format!("{}\n{}", finished.stdout_text(), finished.stderr_text());
                run.failures
                    .push(format!("ended with {:?}", finished.ended));
                run.hint = hint(&Traces {
                    log: &output,
                    ..Traces::default()
                });
                run.log = last_lines(&output);
            }
        }
    }
    Ok(run)
}

fn artefacts(tree: &TreeOnDisk, wanted: &[String]) -> StepRun {
    let mut run = step("the build left what ships");
    run.failures = wanted
        .iter()
        .filter(|path| !tree.root.join(path).exists())
        .map(|path| format!("`{path}` is not there"))
        .collect();
    if !run.failures.is_empty() {
        run.hint = Some(Hint::Artefact);
    }
    run
}

/// Starts the application. It did not start: a failed step and no application.
fn start(
    context: &Context,
    tree: &TreeOnDisk,
    configured: &Configured,
    variables: &BTreeMap<String, String>,
) -> Result<(StepRun, Option<Service>), Box<Reason>> {
    let section = &configured.section;
    let mut command = section.start.clone();
    if let Some(found) = command.first().and_then(|name| find(context, name)) {
        command[0] = found.found.display().to_string();
    }
    let mut own_variables = variables.clone();
    own_variables.extend(section.settings.clone());
    let settings = ServiceSettings {
        name: "application".to_owned(),
        kind: ServiceKind::Command,
        command,
        own_variables,
        variables: BTreeMap::new(),
        variable: None,
        ready: configured.ready.clone(),
        timeout: configured.timeout,
        grace: GRACE,
    };
    let folder = tree.scratch("application");
    let cwd = match section.directory.as_deref() {
        None | Some(".") => tree.root.clone(),
        Some("{folder}") => folder.join("cwd"),
        Some(below) => tree.root.join(below),
    };
    if let Err(error) = std::fs::create_dir_all(&cwd) {
        return Err(Box::new(Reason::new(
            ReasonCode::EnvironmentFault,
            format!("failed to create `{}`: {error}", cwd.display()),
            "free some disk space",
        )));
    }
    let mut run = step("the application starts");
    let asked = redgreen_host::clock::monotonic();
    match Service::start_in(&settings, &folder, &tree.root, &cwd) {
        Ok(application) => {
            run.duration_ms = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
            context.printer.talk(format!(
                "{:<8}application on http://{HOST}:{}",
                "start",
                application.port()
            ));
            Ok((run, Some(application)))
        }
        Err(error) if redgreen_host::interrupt::stop_requested() => Err(reason(&error)),
        Err(error) => {
            run.failures.push(error.what.clone());
            let log = error.log.join("\n");
            run.hint = hint(&Traces {
                log: &log,
                ..Traces::default()
            });
            run.log = last_lines(&log);
            Ok((run, None))
        }
    }
}

/// What the application printed while it was used, and that it still runs.
fn log(configured: &Configured, application: &Service) -> StepRun {
    let section = &configured.section;
    let mut run = step("the application's log");
    let log = application.log();
    if let Err(error) = application.check() {
        run.failures.push(error.what);
    }
    for text in section
        .log_contains
        .iter()
        .filter(|text| !log.contains(*text))
    {
        run.failures.push(format!("it never printed `{text}`"));
    }
    for text in section.log_absent.iter().filter(|text| log.contains(*text)) {
        run.failures.push(format!("it printed `{text}`"));
        run.shown.extend(
            log.lines()
                .filter(|line| line.contains(text))
                .take(3)
                .map(|line| redgreen_host::secrets::redactor().text(line).into_owned()),
        );
    }
    if !run.failures.is_empty() {
        run.hint = hint(&Traces {
            log: &log,
            ..Traces::default()
        });
        run.log = last_lines(&log);
    }
    run
}

/// Fills `{name}` with what was captured.
fn filled(text: &str, captured: &BTreeMap<String, String>) -> String {
    let values: Vec<(&str, &str)> = captured
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    fill(text, &values)
}
