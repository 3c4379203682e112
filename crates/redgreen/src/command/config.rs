//! `redgreen config show`: every value that counts, and where it comes from.

use super::Ending;
use crate::cli::{ConfigCommand, ConfigShowArgs};
use crate::config::origin::{Origin, Value, values};
use crate::error::Failure;
use crate::referee::context::{Context, Setting};
use crate::referee::proposal::text_of;
use redgreen_core::exit::ExitCode;
use redgreen_host::tree::Snapshot;

/// Shows the configuration of the commit that is checked out: the one that gates use.
///
/// # Errors
/// A failure when there is no commit, or the configuration does not load.
pub fn run(context: &Context, command: &ConfigCommand) -> Ending {
    let ConfigCommand::Show(arguments) = command;
    let head = context.head_commit()?;
    let tree = Snapshot::of_commit(&context.repository, &head).map_err(Failure::internal)?;
    let config = Setting::of_tree(context, &tree)?.config;
    let text = match &config.origin {
        Some(path) => text_of(&tree, &context.repository, path)?.unwrap_or_default(),
        None => String::new(),
    };
    let values = values(&config, &text);
    context.printer.result(
        || human(&values, arguments),
        || {
            let list: Vec<_> = values
                .iter()
                .map(|value| {
                    serde_json::json!({
                        "key": value.key, "value": value.value, "origin": value.origin.word(),
                        "path": config.origin, "line": value.origin.line(),
                    })
                })
                .collect();
            serde_json::json!({"schema": "redgreen.config-values/1", "commit": head, "digest": config.digest, "values": list})
        },
    );
    Ok(ExitCode::Pass)
}

fn human(values: &[Value], arguments: &ConfigShowArgs) -> String {
    let width = values
        .iter()
        .map(|value| value.key.len() + 3 + value.text().chars().count())
        .filter(|width| *width <= 60)
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for value in values {
        let line = format!("{} = {}", value.key, value.text());
        if arguments.origin {
            text.push_str(&format!("{line:<width$}  # {}\n", words(&value.origin)));
        } else {
            text.push_str(&format!("{line}\n"));
        }
    }
    text
}

fn words(origin: &Origin) -> String {
    match origin {
        Origin::File { path, line } => format!("{path}:{line}"),
        Origin::Detected => "detected".to_owned(),
        Origin::Default => "default".to_owned(),
    }
}
