//! The first screen of `--help`: where to start comes first, everything else in the order somebody needs it.

use crate::cli::Cli;
use clap::CommandFactory as _;

/// Every command in its group. A test compares the list with the commands there are.
pub const GROUPS: [(&str, &[&str]); 6] = [
    (
        "Start here",
        &[
            "demo", "audit", "init", "plan", "run", "check", "status", "report",
        ],
    ),
    (
        "One gate, by hand",
        &["next", "red", "lock", "try", "green", "full", "validate"],
    ),
    (
        "Answer a run",
        &[
            "approve", "amend", "retry", "take", "waive", "reset", "dispute", "stop",
        ],
    ),
    (
        "Look",
        &[
            "show", "log", "locks", "evidence", "lint", "explain", "prompt",
        ],
    ),
    ("Keep house", &["doctor", "config", "services", "clean"]),
    ("Shell", &["completions", "man"]),
];

/// The command line with its first screen.
#[must_use]
pub fn command() -> clap::Command {
    let root = Cli::command();
    let width = GROUPS
        .iter()
        .flat_map(|(_, names)| names.iter().map(|name| name.len()))
        .max()
        .unwrap_or(0);
    let mut screen = String::new();
    for (title, names) in GROUPS {
        screen.push_str(&format!("{title}:\n"));
        for name in names {
            let about = root
                .find_subcommand(name)
                .and_then(clap::Command::get_about)
                .map(ToString::to_string)
                .unwrap_or_default();
            screen.push_str(&format!("  {name:<width$}  {about}\n"));
        }
        screen.push('\n');
    }
    root.help_template(format!(
        "{{about}}\n\n{{usage-heading}} {{usage}}\n\n{screen}{{options}}\n\n{{after-help}}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn g1_every_command_stands_once_on_the_first_screen() {
        let command = command();
        let there: Vec<&str> = command
            .get_subcommands()
            .filter(|sub| !sub.is_hide_set())
            .map(clap::Command::get_name)
            .collect();
        let named: Vec<&str> = GROUPS
            .iter()
            .flat_map(|(_, names)| names.iter().copied())
            .collect();
        assert_eq!(
            there.iter().collect::<BTreeSet<_>>(),
            named.iter().collect::<BTreeSet<_>>()
        );
        assert_eq!(there.len(), named.len());
    }
}
