//! The command line, from clap's own command tree.

use super::{cell, heading};
use crate::cli::Cli;
use clap::{Arg, ArgAction, Command, CommandFactory as _};

/// Every command with its arguments.
pub(super) fn cli() -> String {
    let mut root = Cli::command();
    root.build();
    let mut page = heading("Command line");
    page.push_str("`redgreen COMMAND --help` prints the same. Results are written to standard output, everything else to standard error.\n\n");
    page.push_str("| command | what it does |\n|---|---|\n");
    for command in visible(&root) {
        let name = command.get_name();
        page.push_str(&format!(
            "| [`{name}`](#redgreen-{name}) | {} |\n",
            cell(&about(command))
        ));
    }
    page.push_str("\n## Options of every command\n\n");
    table(
        &mut page,
        root.get_arguments().filter(|arg| arg.is_global_set()),
    );
    for command in visible(&root) {
        section(&mut page, command, "redgreen", 2);
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|sub| !sub.is_hide_set())
}

fn about(command: &Command) -> String {
    command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default()
}

fn section(page: &mut String, command: &Command, above: &str, level: usize) {
    let name = format!("{above} {}", command.get_name());
    page.push_str(&format!(
        "\n{} {name}\n\n{}.\n",
        "#".repeat(level),
        about(command)
    ));
    let aliases: Vec<String> = command
        .get_all_aliases()
        .map(|alias| format!("`{above} {alias}`"))
        .collect();
    if !aliases.is_empty() {
        page.push_str(&format!("\nAlso: {}.\n", aliases.join(", ")));
    }
    if command.has_subcommands() {
        for sub in visible(command) {
            section(page, sub, &name, level + 1);
        }
        return;
    }
    page.push_str(&format!("\n```console\n{name}{}\n```\n", usage(command)));
    let mut own = command
        .get_arguments()
        .filter(|arg| !arg.is_global_set() && arg.get_id() != "help")
        .peekable();
    if own.peek().is_some() {
        page.push('\n');
        table(page, own);
    }
}

fn usage(command: &Command) -> String {
    let own = || {
        command
            .get_arguments()
            .filter(|arg| !arg.is_global_set() && arg.get_id() != "help")
    };
    let mut text = String::new();
    for arg in own().filter(|arg| !arg.is_positional() && arg.is_required_set()) {
        text.push_str(&format!(" {}", shown(arg)));
    }
    if own().any(|arg| !arg.is_positional() && !arg.is_required_set()) {
        text.push_str(" [OPTIONS]");
    }
    for arg in own().filter(|arg| arg.is_positional()) {
        text.push_str(&format!(" {}", shown(arg)));
    }
    text
}

/// The argument as one types it.
fn shown(arg: &Arg) -> String {
    let value = arg
        .get_value_names()
        .map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>())
        .unwrap_or_default()
        .join(" ");
    let many = matches!(arg.get_action(), ArgAction::Append | ArgAction::Count);
    if arg.is_positional() {
        let dots = if many { "…" } else { "" };
        return if arg.is_required_set() {
            format!("{value}{dots}")
        } else {
            format!("[{value}]{dots}")
        };
    }
    let mut text = String::new();
    if let Some(short) = arg.get_short() {
        text.push_str(&format!("-{short}, "));
    }
    if let Some(long) = arg.get_long() {
        text.push_str(&format!("--{long}"));
    }
    if arg.get_action().takes_values() {
        text.push_str(&format!(" {value}"));
    }
    text
}

fn table<'a>(page: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    page.push_str("| argument | meaning |\n|---|---|\n");
    for arg in arguments.filter(|arg| !arg.is_hide_set()) {
        let mut meaning = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let takes_values = arg.get_action().takes_values();
        let values: Vec<String> = arg
            .get_possible_values()
            .iter()
            .filter(|_| takes_values)
            .map(|value| match value.get_help() {
                Some(help) => format!(
                    "`{}`: {}",
                    value.get_name(),
                    help.to_string().trim_end_matches('.')
                ),
                None => format!("`{}`", value.get_name()),
            })
            .collect();
        if !values.is_empty() {
            meaning.push_str(&format!("; {}", values.join("; ")));
        }
        let defaults: Vec<String> = arg
            .get_default_values()
            .iter()
            .map(|value| format!("`{}`", value.to_string_lossy()))
            .collect();
        if takes_values && !defaults.is_empty() {
            meaning.push_str(&format!(" (default: {})", defaults.join(", ")));
        }
        if matches!(arg.get_action(), ArgAction::Append) {
            meaning.push_str(" (may be repeated)");
        }
        page.push_str(&format!(
            "| `{}` | {} |\n",
            cell(&shown(arg)),
            cell(&meaning)
        ));
    }
}
