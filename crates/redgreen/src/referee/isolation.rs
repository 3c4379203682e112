//! Isolation as a person meets it (SPEC C6): what the configuration opens, which level is required, what is said once.

use super::context::{Context, Setting};
use crate::config::file::{Agent, AgentKind};
use crate::config::{Config, PLACES};
use crate::error::Failure;
use redgreen_host::process::{self, Available, Isolation, Network, SandboxSettings};
use std::path::{Path, PathBuf};
use std::sync::Once;

/// Applies `[sandbox]` and `[policy] isolation` of a trusted tree, before anything of the project is started.
///
/// # Errors
/// A failure (exit 15) with the reason and the fix when this machine offers less than what is required; a usage failure
/// for a word that is not known.
pub fn prepare(context: &Context, setting: &Setting) -> Result<(), Failure> {
    process::configure_sandbox(settings(context, &setting.config)?);
    if let Some(level) = policy(&setting.config)? {
        process::require(level);
    }
    let available = process::available();
    enough(available, process::required())?;
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        if available.level == Isolation::Process {
            context.printer.talk(sentence(available));
        } else {
            context.printer.detail(sentence(available));
        }
    });
    Ok(())
}

/// Whether what works here is as much as what is required.
fn enough(available: &Available, required: Isolation) -> Result<(), Failure> {
    if available.level >= required {
        return Ok(());
    }
    let why: Vec<&str> = available
        .reasons
        .iter()
        .map(|tried| tried.why.as_str())
        .collect();
    let help: Vec<&str> = available
        .reasons
        .iter()
        .map(|tried| tried.help.as_str())
        .collect();
    Err(Failure::not_ready(
        format!(
            "isolation `{}` is required and `{}` is what works here: {}",
            required.as_str(),
            available.level.as_str(),
            why.join("; ")
        ),
        help.join("; or "),
    ))
}

/// What works here, in one line.
#[must_use]
pub fn sentence(available: &Available) -> String {
    let network = if available.network {
        "a network of its own"
    } else {
        "the machine's network"
    };
    let reasons = |from: &str| {
        available
            .reasons
            .iter()
            .map(|tried| tried.why.as_str())
            .collect::<Vec<_>>()
            .join("; ")
            .to_owned()
            + from
    };
    match available.level {
        Isolation::Bubblewrap => format!(
            "isolation: bubblewrap ({}), project commands have {network}",
            available.mechanism
        ),
        Isolation::Landlock => format!(
            "isolation: landlock ({}), project commands have {network}; not more because {}",
            available.mechanism,
            reasons("")
        ),
        Isolation::Process => format!(
            "isolation: none: agents and tests run as you and can read and write what you can; they work in copies, and \
             verdicts hold only against writes inside them ({}; see docs/concept/isolation.md)",
            reasons("")
        ),
    }
}

/// What evidence keeps of it.
#[must_use]
pub fn record() -> String {
    let available = process::available();
    let level = available.level.as_str();
    if available.mechanism.is_empty() {
        return level.to_owned();
    }
    format!("{level} ({})", available.mechanism)
}

/// The level that `[policy] isolation` asks for.
fn policy(config: &Config) -> Result<Option<Isolation>, Failure> {
    let Some(word) = &config.file.policy.isolation else {
        return Ok(None);
    };
    Isolation::parse(word).map(Some).ok_or_else(|| {
        Failure::usage(
            format!("`[policy] isolation = \"{word}\"` is not known"),
            "none, landlock or bubblewrap",
        )
        .at(PLACES[0])
    })
}

/// What an agent reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentNetwork {
    /// The endpoint of its model, where a command can have a network of its own; the machine's network elsewhere.
    Provider,
    /// What the machine reaches.
    Host,
    /// Nothing.
    None,
}

/// The network of an agent.
///
/// # Errors
/// A usage failure for a word that is not known.
pub fn agent_network(agent: &Agent) -> Result<AgentNetwork, Failure> {
    match (agent.network.as_deref(), agent.kind) {
        (None, AgentKind::Command) | (Some("host"), _) => Ok(AgentNetwork::Host),
        (None | Some("provider"), AgentKind::ClaudeCode) => Ok(AgentNetwork::Provider),
        (Some("provider"), AgentKind::Command) => Err(Failure::usage(
            "`network = \"provider\"` is for agents whose provider is known: `kind = \"claude-code\"`",
            "host (its provider is reached) or none",
        )
        .at(PLACES[0])),
        (Some("none"), _) => Ok(AgentNetwork::None),
        (Some(other), _) => Err(Failure::usage(
            format!("the network `{other}` of an agent is not known"),
            "provider (its model and nothing else), host (the machine's) or none",
        )
        .at(PLACES[0])),
    }
}

fn settings(context: &Context, config: &Config) -> Result<SandboxSettings, Failure> {
    let sandbox = &config.file.sandbox;
    let network = match sandbox.network.as_deref() {
        // Services listen on the machine's loopback.
        None if !config.services.is_empty() => Some(Network::Host),
        None => None,
        Some("private") if !config.services.is_empty() => {
            return Err(Failure::usage(
                "`[sandbox] network = \"private\"` keeps tests from the configured services",
                "remove it: with services, tests have the machine's network",
            )
            .at(PLACES[0]));
        }
        Some("private") => Some(Network::Private),
        Some("host") => Some(Network::Host),
        Some(other) => {
            return Err(Failure::usage(
                format!("`[sandbox] network = \"{other}\"` is not known"),
                "private (loopback only) or host (the machine's own: a database on localhost, the internet)",
            )
            .at(PLACES[0]));
        }
    };
    let places = |list: &[String]| -> Vec<PathBuf> {
        list.iter()
            .map(|text| place(context.repository.top_level(), text))
            .collect()
    };
    Ok(SandboxSettings {
        readable: places(&sandbox.readable),
        writable: places(&sandbox.writable),
        network,
        nested: sandbox.nested,
    })
}

/// `~/x` is below the user's home, a relative path below the top level.
fn place(top: &Path, text: &str) -> PathBuf {
    match (text.strip_prefix("~/"), redgreen_host::env::home()) {
        (Some(rest), Some(home)) => home.join(rest),
        (Some(_) | None, _) => top.join(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redgreen_core::exit::ExitCode;
    use redgreen_host::process::Tried;

    fn nothing() -> Available {
        Available {
            level: Isolation::Process,
            mechanism: String::new(),
            network: false,
            reasons: vec![Tried {
                why: "`bwrap` is not installed".to_owned(),
                help: "install bubblewrap".to_owned(),
            }],
        }
    }

    #[test]
    fn c6_less_than_what_is_required_ends_with_15_the_reason_and_the_fix() {
        let failure = enough(&nothing(), Isolation::Landlock).unwrap_err();
        assert_eq!(failure.exit, ExitCode::EnvironmentNotReady);
        assert!(failure.what.contains("`landlock`") && failure.what.contains("not installed"));
        assert_eq!(failure.help, "install bubblewrap");
        assert!(enough(&nothing(), Isolation::Process).is_ok());
    }

    #[test]
    fn c6_the_lowest_level_says_plainly_what_is_not_protected() {
        let text = sentence(&nothing());
        assert!(text.contains("isolation: none") && text.contains("read and write what you can"));
    }
}
