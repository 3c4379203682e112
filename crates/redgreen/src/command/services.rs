//! `redgreen services`: the real servers that tests use, for a person's own hands (SPEC E1).

use super::Ending;
use crate::cli::ServicesCommand;
use crate::error::Failure;
use crate::referee::context::{Context, Setting};
use crate::referee::trees::TreeOnDisk;
use redgreen_core::exit::ExitCode;
use redgreen_host::service::holders::{self, Holder};
use redgreen_host::tree::Snapshot;
use redgreen_host::{clock, interrupt, walk};
use std::time::Duration;

/// Runs the subcommand.
///
/// # Errors
/// A failure with the next step.
pub fn run(context: &Context, command: &ServicesCommand) -> Ending {
    match command {
        ServicesCommand::Up => up(context),
        ServicesCommand::Down => down(context),
        ServicesCommand::Status => status(context),
        ServicesCommand::Sweep => {
            // Opening the repository has swept already: what is left has a living owner.
            context.printer.result(
                || "what killed runs had left is gone\n".to_owned(),
                || serde_json::json!({"schema": "redgreen.services/1", "services": []}),
            );
            Ok(ExitCode::Pass)
        }
    }
}

fn up(context: &Context) -> Ending {
    let head = Snapshot::of_commit(&context.repository, &context.head_commit()?)
        .map_err(Failure::internal)?;
    let read = walk::read_candidate(&context.repository, &head, context.repository.top_level())
        .map_err(Failure::internal)?
        .snapshot;
    let setting = Setting::of_tree(context, &read)?;
    if setting.config.services.is_empty() {
        return Err(Failure::usage(
            "no service is configured",
            "add one to redgreen.toml: [services.db] kind = \"postgres\"",
        ));
    }
    crate::referee::isolation::prepare(context, &setting)?;
    let tree = TreeOnDisk::build(context, &setting, &read, "services")?;
    let variables = tree.variables(context, &setting).map_err(Failure::from)?;
    let names: Vec<String> = setting
        .config
        .services
        .iter()
        .map(|service| service.settings.name.clone())
        .collect();
    let holder = Holder::write(&context.state.root().join("services"), &names, &variables)
        .map_err(Failure::internal)?;
    context.printer.result(
        || exports(&variables),
        || serde_json::json!({"schema": "redgreen.services/1", "services": [holder.document()]}),
    );
    context
        .printer
        .talk("they run until Ctrl-C, or `redgreen services down` in another terminal");
    while !interrupt::stop_requested() {
        if let Err(reason) = tree.services_run(context, &setting) {
            return Err(Failure::from(reason));
        }
        clock::pause(Duration::from_millis(100));
    }
    Ok(ExitCode::Pass)
}

/// Lines for a shell.
fn exports(variables: &std::collections::BTreeMap<String, String>) -> String {
    variables
        .iter()
        .map(|(name, value)| format!("export {name}={}\n", shell_words::quote(value)))
        .collect()
}

fn down(context: &Context) -> Ending {
    let folder = context.state.root().join("services");
    let ended = holders::end_all(&folder);
    context.printer.result(
        || match ended {
            0 => "none was running\n".to_owned(),
            1 => "1 `services up` ended\n".to_owned(),
            more => format!("{more} `services up` ended\n"),
        },
        || serde_json::json!({"schema": "redgreen.services/1", "ended": ended, "services": []}),
    );
    Ok(ExitCode::Pass)
}

fn status(context: &Context) -> Ending {
    let running = holders::list(&context.state.root().join("services"));
    context.printer.result(
        || {
            if running.is_empty() {
                return "none is running; start them: redgreen services up\n".to_owned();
            }
            running
                .iter()
                .map(|holder| {
                    format!(
                        "{} (process {})\n{}",
                        holder.names().join(", "),
                        holder.process(),
                        exports(holder.variables())
                    )
                })
                .collect()
        },
        || {
            let list: Vec<_> = running.iter().map(Holder::document).collect();
            serde_json::json!({"schema": "redgreen.services/1", "services": list})
        },
    );
    Ok(ExitCode::Pass)
}
