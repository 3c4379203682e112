//! `redgreen doctor`: what works here, by trying (SPEC E2). Every line has a state, why it matters, and a fix to paste. An
//! area is a function that returns lines; [`AREAS`] is the list of them.

mod agents;

use super::Ending;
use crate::cli::DoctorArgs;
use crate::error::Failure;
use crate::referee::context::{Context, Setting};
use crate::render::printer::Printer;
use redgreen_core::exit::ExitCode;
use redgreen_host::process::{self, Isolation};
use redgreen_host::tree::Snapshot;
use serde_json::{Value, json};

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// It works.
    Ok,
    /// It works, with less than there could be.
    Less,
    /// What needs it does not work.
    Missing,
}

impl Condition {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Less => "less",
            Self::Missing => "missing",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone)]
pub struct Line {
    /// What it is.
    pub name: String,
    /// How it is.
    pub condition: Condition,
    /// What was found.
    pub found: String,
    /// Why it matters.
    pub why: &'static str,
    /// The next step, to paste; nothing where all is well.
    pub fix: Option<String>,
}

impl Line {
    /// Something that works.
    #[must_use]
    pub fn ok(name: impl Into<String>, found: impl Into<String>, why: &'static str) -> Self {
        Self {
            name: name.into(),
            condition: Condition::Ok,
            found: found.into(),
            why,
            fix: None,
        }
    }

    /// Something that does not, or not well.
    #[must_use]
    pub fn wrong(
        condition: Condition,
        name: impl Into<String>,
        found: impl Into<String>,
        why: &'static str,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            condition,
            found: found.into(),
            why,
            fix: Some(fix.into()),
        }
    }
}

/// Looks at one area.
type Look = fn(&Context, &Setting, &DoctorArgs) -> Vec<Line>;

/// The areas, in the order they are shown.
const AREAS: [(&str, Look); 4] = [
    ("isolation", isolation),
    ("git", git),
    ("runners", runners),
    ("agents", agents::look),
];

/// Looks, and says it.
///
/// # Errors
/// A failure when there is no commit or the configuration cannot be read.
pub fn run(context: &Context, arguments: &DoctorArgs) -> Ending {
    let printer = Printer {
        json: context.printer.json || arguments.json,
        ..context.printer
    };
    let head = context.head_commit()?;
    let tree = Snapshot::of_commit(&context.repository, &head).map_err(Failure::internal)?;
    let setting = Setting::of_tree(context, &tree)?;
    let areas: Vec<(&str, Vec<Line>)> = AREAS
        .iter()
        .map(|(name, look)| (*name, look(context, &setting, arguments)))
        .collect();
    let worst = areas
        .iter()
        .flat_map(|(_, lines)| lines)
        .map(|line| line.condition)
        .max()
        .unwrap_or(Condition::Ok);
    printer.result(|| human(&areas), || document(&areas));
    Ok(match worst {
        Condition::Ok | Condition::Less => ExitCode::Pass,
        Condition::Missing => ExitCode::EnvironmentNotReady,
    })
}

fn human(areas: &[(&str, Vec<Line>)]) -> String {
    let mut text = String::new();
    for (area, lines) in areas {
        text.push_str(&format!("{area}\n"));
        for line in lines {
            text.push_str(&format!(
                "  {:<8}{:<24}{}\n",
                line.condition.as_str(),
                line.name,
                line.found
            ));
            if let Some(fix) = &line.fix {
                text.push_str(&format!(
                    "          why   {}\n          fix   {fix}\n",
                    line.why
                ));
            }
        }
    }
    text
}

fn document(areas: &[(&str, Vec<Line>)]) -> Value {
    let lines: Vec<Value> = areas
        .iter()
        .flat_map(|(area, lines)| lines.iter().map(move |line| (area, line)))
        .map(|(area, line)| {
            json!({
                "area": area, "name": line.name, "state": line.condition.as_str(), "found": line.found,
                "why": line.why, "fix": line.fix,
            })
        })
        .collect();
    json!({"schema": "redgreen.doctor/1", "lines": lines})
}

fn isolation(_: &Context, _: &Setting, _: &DoctorArgs) -> Vec<Line> {
    const WHY: &str =
        "what keeps agents and tests away from your files, your keys and the referee's records";
    const NETWORK: &str =
        "without it tests meet the ports of other programs, and agents the internet";
    let available = process::available();
    let help = available
        .reasons
        .iter()
        .map(|tried| format!("{}: {}", tried.why, tried.help))
        .collect::<Vec<_>>()
        .join("; ");
    let found = format!("{} {}", available.level.as_str(), available.mechanism);
    let level = match available.level {
        Isolation::Bubblewrap => Line::ok("level", found, WHY),
        Isolation::Landlock | Isolation::Process => {
            Line::wrong(Condition::Less, "level", found, WHY, help.clone())
        }
    };
    let network = if available.network {
        Line::ok("network", "commands have one of their own", NETWORK)
    } else {
        Line::wrong(Condition::Less, "network", "the machine's", NETWORK, help)
    };
    vec![level, network]
}

fn git(context: &Context, _: &Setting, _: &DoctorArgs) -> Vec<Line> {
    const WHY: &str = "locks and delivered work are commits in your name";
    vec![match context.repository.identity() {
        Ok(identity) => Line::ok(
            "identity",
            format!("{} <{}>", identity.name, identity.email),
            WHY,
        ),
        Err(why) => Line::wrong(
            Condition::Missing,
            "identity",
            why.to_string(),
            WHY,
            "git config --global user.name 'Your Name' && git config --global user.email you@example.org",
        ),
    }]
}

fn runners(_: &Context, setting: &Setting, _: &DoctorArgs) -> Vec<Line> {
    const WHY: &str = "what runs the tests";
    if let Err(failure) = setting.runners() {
        return vec![Line::wrong(
            Condition::Missing,
            "runner",
            failure.what,
            WHY,
            failure.help,
        )];
    }
    setting
        .config
        .runners
        .iter()
        .map(|runner| {
            let name = runner
                .name
                .as_ref()
                .map_or_else(|| "runner".to_owned(), ToString::to_string);
            Line::ok(name, runner.kind.as_str(), WHY)
        })
        .collect()
}
