//! The agents of each role: found, version, login by its name, what holds them, and on request one short answer.

use super::{Condition, Line};
use crate::cli::DoctorArgs;
use crate::config::file::{Agent, AgentKind};
use crate::drive::native::{INSTALL, LOG_IN, endpoint_of, login_of};
use crate::referee::context::{Context, Setting};
use redgreen_host::agent::login::Login;
use redgreen_host::agent::{AgentOutcome, Native, Session, claude};
use redgreen_host::env;
use redgreen_host::process::{self, Isolation, Network};
use std::time::Duration;

const FOUND: &str = "the program that is started for the role";
const LOGIN: &str = "how its provider knows you; never read, shown or kept by redgreen";
const HELD: &str = "what it reaches while it works; its own rules are only an early answer";
const ANSWER: &str = "program, login, network and sandbox together, tried";

pub(super) fn look(context: &Context, setting: &Setting, arguments: &DoctorArgs) -> Vec<Line> {
    let agents = &setting.config.agents;
    if agents.is_empty() {
        return vec![Line::wrong(
            Condition::Less,
            "agent",
            "none is configured",
            "`redgreen run` needs one; every gate works by hand without",
            "add to redgreen.toml: [agent] and kind = \"claude-code\" (or command = [\"program\"])",
        )];
    }
    agents
        .iter()
        .flat_map(|(role, agent)| {
            let role = if role == "*" { "agent" } else { role.as_str() };
            match agent.kind {
                AgentKind::Command => command(role, agent),
                AgentKind::ClaudeCode => claude_code(context, role, agent, arguments.ask),
            }
        })
        .collect()
}

fn command(role: &str, agent: &Agent) -> Vec<Line> {
    let name = agent.command.first().map_or("", String::as_str);
    let found = match env::find_program(name) {
        Some(program) => Line::ok(
            role,
            format!("{} ({})", agent.name(), program.found.display()),
            FOUND,
        ),
        None => Line::wrong(
            Condition::Missing,
            role,
            format!("`{name}` was not found"),
            FOUND,
            "install it, or correct `command` in redgreen.toml",
        ),
    };
    let mut lines = vec![found];
    for variable in &agent.environment {
        lines.push(match env::variable(variable) {
            Some(_) => Line::ok(format!("{role} ${variable}"), "set", LOGIN),
            None => Line::wrong(
                Condition::Less,
                format!("{role} ${variable}"),
                "not set",
                LOGIN,
                format!("export {variable}=…"),
            ),
        });
    }
    lines.push(held(role, agent));
    lines
}

fn claude_code(context: &Context, role: &str, agent: &Agent, ask: bool) -> Vec<Line> {
    let program = agent.program.clone().unwrap_or_else(|| "claude".to_owned());
    let version = claude::version(&program);
    let login = login_of(agent);
    let mut lines = vec![
        match &version {
            Some(version) => Line::ok(role, version.clone(), FOUND),
            None => Line::wrong(
                Condition::Missing,
                role,
                format!("`{program}` was not found, or does not say its version"),
                FOUND,
                INSTALL,
            ),
        },
        match &login {
            Login::File(_) | Login::Variables(_) => {
                Line::ok(format!("{role} login"), login.name(), LOGIN)
            }
            Login::Nothing => Line::wrong(
                Condition::Missing,
                format!("{role} login"),
                "none",
                LOGIN,
                LOG_IN,
            ),
        },
        held(role, agent),
    ];
    if !ask {
        lines.push(Line::ok(
            format!("{role} answer"),
            "not asked: redgreen doctor --ask (a few tokens)",
            ANSWER,
        ));
    } else if version.is_some() && login != Login::Nothing {
        lines.push(answer(context, role, agent, program, login));
    }
    lines
}

/// What is enforced, and by what.
fn held(role: &str, agent: &Agent) -> Line {
    let available = process::available();
    let files = match available.level {
        Isolation::Bubblewrap => "bubblewrap: writes its copy only, sees no keys and no records",
        Isolation::Landlock => "Landlock: writes its copy only, reads no keys and no records",
        Isolation::Process => {
            "nothing: it runs as you, in a copy; only its files are taken, and judged"
        }
    };
    let name = format!("{role} is held by");
    let network = match endpoint_of(agent) {
        Ok(Some(endpoint)) if available.network => {
            format!("the network: {} and nothing else", endpoint.name())
        }
        Ok(Some(_)) => "the machine's network: it cannot have one of its own here".to_owned(),
        Ok(None) if agent.network.as_deref() == Some("none") => "no network".to_owned(),
        Ok(None) => "the machine's network".to_owned(),
        Err(failure) => {
            return Line::wrong(Condition::Missing, name, failure.what, HELD, failure.help);
        }
    };
    let found = format!("{files}; {network}");
    match available.level {
        Isolation::Bubblewrap | Isolation::Landlock => Line::ok(name, found, HELD),
        Isolation::Process => Line::wrong(
            Condition::Less,
            name,
            found,
            HELD,
            "see the lines of isolation above",
        ),
    }
}

/// One short session, as a role's would be, in an empty folder.
fn answer(context: &Context, role: &str, agent: &Agent, program: String, login: Login) -> Line {
    let name = format!("{role} answer");
    let wrong = |found: String, fix: &str| {
        Line::wrong(Condition::Missing, name.clone(), found, ANSWER, fix)
    };
    let (scratch, endpoint) = match (context.state.scratch("doctor"), endpoint_of(agent)) {
        (Ok(scratch), Ok(endpoint)) => (scratch, endpoint),
        (Err(why), _) => return wrong(why.to_string(), "free some space"),
        (_, Err(failure)) => return wrong(failure.what, &failure.help),
    };
    redgreen_host::secrets::declare(redgreen_host::agent::login::VARIABLES);
    let folder = scratch.path();
    let (clone, home) = (folder.join("clone"), folder.join("home"));
    for made in [&clone, &home] {
        if let Err(why) = std::fs::create_dir_all(made) {
            return wrong(why.to_string(), "free some space");
        }
    }
    let mut variables = Vec::new();
    for variable in &agent.environment {
        if let Some(value) = env::variable(variable) {
            variables.push((variable.clone(), value));
        }
    }
    let session = Session {
        command: Vec::new(),
        clone,
        dispute: home.join("dispute.json"),
        home,
        prompt: "Answer with the word OK. Use no tools.\n".to_owned(),
        door: None,
        variables,
        network: Network::Host,
        nested: agent.nested,
        checkout: context.repository.top_level().to_path_buf(),
        timeout: Duration::from_secs(120),
        idle: Duration::from_secs(60),
        log: folder.join("log"),
    };
    let native = Native {
        program,
        model: agent.model.clone(),
        configuration: folder.join("configuration"),
        id: crate::drive::native::new_id("doctor"),
        resume: false,
        turns: Some(1),
        micro_usd: None,
        refuse: Vec::new(),
        login,
        endpoint,
    };
    match claude::run(&session, &native) {
        Ok(end) if end.outcome == AgentOutcome::Done => Line::ok(
            name,
            format!(
                "{} answered, {} tokens",
                end.told.model.as_deref().unwrap_or("its model"),
                end.told.tokens.unwrap_or(0)
            ),
            ANSWER,
        ),
        Ok(end) if end.outcome == AgentOutcome::Auth => wrong(end.told.why, LOG_IN),
        Ok(end) => wrong(
            format!("{} {}", end.exit, end.told.why),
            "try it by itself: claude -p 'Answer with the word OK'",
        ),
        Err(why) => wrong(why.to_string(), "free some space"),
    }
}
