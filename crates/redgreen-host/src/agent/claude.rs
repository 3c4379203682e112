//! Claude Code, as its own command line runs it: `claude -p`, events on standard output, read to the end.
//!
//! Its configuration is a private folder per role and task: neither settings, hooks, plug-ins nor instructions of the user
//! reach it. The project's own instructions and skills stay (`--setting-sources project`), its hooks do not run: one that
//! insists on green tests would fight the author. Inside a sandbox it asks nothing (`--dangerously-skip-permissions`);
//! its own rules only give an early answer. Contract and quirks: seen with 2.1.328.

use super::login::{Carried, Login};
use super::relay::Relay;
use super::{AgentOutcome, Native, Session, SessionEnd, Told};
use crate::env;
use crate::process::{self, Isolation, Network, SpawnError, Spec};
use redgreen_formats::claude::{Known, SessionClass, Stream};
use serde_json::json;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// What it may do without being asked where no sandbox holds it.
const TOOLS: &str = "Bash,Edit,Glob,Grep,Read,Skill,Task,Write";
/// Retries of one request, after which the session ends and the loop waits, as long as it is allowed to.
const RETRIES: &str = "3";

/// Where the configuration keeps a session, when it does.
#[must_use]
pub fn transcript(configuration: &Path, id: &str) -> Option<PathBuf> {
    let name = format!("{id}.jsonl");
    std::fs::read_dir(configuration.join("projects"))
        .ok()?
        .flatten()
        .map(|project| project.path().join(&name))
        .find(|file| file.is_file())
}

/// What it says of its version, `2.1.328 (Claude Code)`; `None` when it is not there or does not run.
#[must_use]
pub fn version(program: &str) -> Option<String> {
    let found = env::find_program(program)?;
    let home = tempfile::tempdir().ok()?;
    let argv = vec![
        found.found.to_string_lossy().into_owned(),
        "--version".to_owned(),
    ];
    let mut spec = Spec::new("claude --version", argv, home.path());
    spec.env = env::child(home.path(), home.path());
    spec.env.extend(quiet());
    spec.network = Network::Private;
    spec.writable = vec![home.path().to_path_buf()];
    let finished = process::run(&spec).ok()?;
    let said = finished.stdout_text().trim().to_owned();
    (finished.success() && !said.is_empty()).then_some(said)
}

/// No updates, no telemetry, nothing but the model.
fn quiet() -> [(String, String); 4] {
    [
        "DISABLE_AUTOUPDATER",
        "DISABLE_TELEMETRY",
        "DISABLE_ERROR_REPORTING",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
    ]
    .map(|name| (name.to_owned(), "1".to_owned()))
}

/// Runs a session to its end.
///
/// # Errors
/// An operating-system error when the private folders cannot be made.
pub fn run(session: &Session, native: &Native) -> std::io::Result<SessionEnd> {
    let Some(program) = env::find_program(&native.program) else {
        return Ok(super::not_started(format!(
            "`{}` was not found",
            native.program
        )));
    };
    std::fs::create_dir_all(&native.configuration)?;
    let carried = match &native.login {
        Login::File(file) => Some(Carried::into(&native.configuration, file)?),
        Login::Variables(_) | Login::Nothing => None,
    };
    // A network of its own is only of use with a way out of it.
    let endpoint = native
        .endpoint
        .as_ref()
        .filter(|_| process::available().network);
    let relay = match endpoint {
        Some(endpoint) => Some(Relay::start(&session.home, endpoint)?),
        None => None,
    };
    let held = process::best_available() != Isolation::Process;
    let mut argv = vec![program.found.to_string_lossy().into_owned()];
    argv.extend(arguments(session, native, held));
    if let (Some(relay), Some(own)) = (&relay, env::own_executable()) {
        argv = relay.wrap(&own, argv);
    }
    let mut spec = super::spec(session, argv)?;
    spec.network = match (&relay, session.network) {
        (Some(_), _) => Network::Private,
        (None, Network::Closed) => Network::Closed,
        (None, Network::Host | Network::Private) => Network::Host,
    };
    spec.env.extend(quiet());
    let text = |path: &Path| path.to_string_lossy().into_owned();
    spec.env
        .insert("CLAUDE_CONFIG_DIR".to_owned(), text(&native.configuration));
    spec.env
        .insert("CLAUDE_CODE_MAX_RETRIES".to_owned(), RETRIES.to_owned());
    if held {
        // Its word for "somebody else holds me"; without it root may not skip permissions.
        spec.env.insert("IS_SANDBOX".to_owned(), "1".to_owned());
    }
    if let Login::Variables(list) = &native.login {
        spec.env.extend(list.iter().cloned());
    }
    if let Some(relay) = &relay {
        spec.env.extend(relay.variables());
        spec.writable.push(relay.folder().to_path_buf());
    }
    spec.writable.push(native.configuration.clone());
    if let Some(carried) = &carried {
        spec.writable.push(carried.file().to_path_buf());
    }
    spec.readable.push(program.real);
    let mut stream = Stream::default();
    let finished = process::run_into(&spec, &mut |bytes| {
        stream.feed(bytes);
        ControlFlow::Continue(())
    });
    let finished = match finished {
        Ok(finished) => finished,
        Err(
            error @ (SpawnError::NotFound { .. }
            | SpawnError::Io { .. }
            | SpawnError::Folder { .. }),
        ) => return Ok(super::not_started(error.to_string())),
    };
    let known = stream.finish();
    let class = known.class(&finished.ended);
    let said = known.said();
    let stderr = finished.stderr_text();
    let tail = said
        .lines()
        .chain(stderr.lines())
        .filter(|line| !line.trim().is_empty())
        .take(5)
        .map(str::to_owned)
        .collect();
    Ok(SessionEnd {
        outcome: outcome(&class),
        exit: format!("{class:?}, {:?}", finished.ended),
        tail,
        duration: finished.duration,
        left_behind: finished.left_behind,
        isolation: finished.isolation,
        told: told(known, &class, said),
    })
}

fn told(known: Known, class: &SessionClass, said: String) -> Told {
    Told {
        session: known.session,
        model: known.model,
        tokens: known.tokens,
        micro_usd: known.micro_usd,
        denials: known.denials,
        why: if *class == SessionClass::Done {
            String::new()
        } else {
            said
        },
    }
}

fn outcome(class: &SessionClass) -> AgentOutcome {
    match class {
        SessionClass::Done => AgentOutcome::Done,
        SessionClass::Refused => AgentOutcome::Refused,
        SessionClass::TurnLimit
        | SessionClass::MoneyLimit
        | SessionClass::TimeLimit
        | SessionClass::Hung => AgentOutcome::Limit,
        SessionClass::UsageLimit(lifted) => AgentOutcome::UsageLimit(*lifted),
        SessionClass::Outage => AgentOutcome::ProviderError,
        SessionClass::Auth => AgentOutcome::Auth,
        SessionClass::UnknownSession | SessionClass::Crashed => AgentOutcome::Crashed,
        SessionClass::Interrupted => AgentOutcome::Interrupted,
    }
}

/// The arguments of a session.
fn arguments(session: &Session, native: &Native, held: bool) -> Vec<String> {
    let mut line: Vec<String> = [
        "-p",
        "--output-format",
        "stream-json",
        "--verbose",
        "--setting-sources",
        "project",
        "--strict-mcp-config",
        "--settings",
    ]
    .map(str::to_owned)
    .into();
    line.push(settings(session, native));
    line.push(
        if native.resume {
            "--resume"
        } else {
            "--session-id"
        }
        .to_owned(),
    );
    line.push(native.id.clone());
    if held {
        line.push("--dangerously-skip-permissions".to_owned());
    } else {
        line.extend(
            ["--permission-mode", "acceptEdits", "--allowedTools", TOOLS].map(str::to_owned),
        );
    }
    if let Some(model) = &native.model {
        line.extend(["--model".to_owned(), model.clone()]);
    }
    if let Some(turns) = native.turns {
        line.extend(["--max-turns".to_owned(), turns.to_string()]);
    }
    if let Some(micro) = native.micro_usd {
        let usd = format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
        line.extend(["--max-budget-usd".to_owned(), usd]);
    }
    line
}

/// Its own settings, above those of the project.
fn settings(session: &Session, native: &Native) -> String {
    // A rule with two slashes is absolute; `Edit` covers every tool that writes files.
    let folder = session.clone.to_string_lossy();
    let deny: Vec<String> = native
        .refuse
        .iter()
        .map(|glob| format!("Edit(/{folder}/{})", glob.trim_start_matches('/')))
        .collect();
    json!({"disableAllHooks": true, "permissions": {"deny": deny}}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn session() -> Session {
        Session {
            command: Vec::new(),
            clone: PathBuf::from("/state/clone"),
            home: PathBuf::from("/state/home"),
            prompt: "the prompt".to_owned(),
            dispute: PathBuf::from("/state/dispute/request.json"),
            door: None,
            variables: Vec::new(),
            network: Network::Private,
            nested: false,
            checkout: PathBuf::from("/work"),
            timeout: Duration::from_secs(1),
            idle: Duration::from_secs(1),
            log: PathBuf::from("/state/log"),
        }
    }

    fn native() -> Native {
        Native {
            program: "claude".to_owned(),
            model: Some("sonnet".to_owned()),
            configuration: PathBuf::from("/state/config"),
            id: "11111111-2222-4333-8444-555555555555".to_owned(),
            resume: false,
            turns: Some(40),
            micro_usd: Some(1_250_000),
            refuse: vec!["/tests/**".to_owned()],
            login: Login::Nothing,
            endpoint: None,
        }
    }

    #[test]
    fn f1_the_command_line_is_private_limited_and_never_holds_the_prompt() {
        let line = arguments(&session(), &native(), true).join(" ");
        for part in [
            "-p --output-format stream-json --verbose --setting-sources project --strict-mcp-config",
            "--session-id 11111111-2222-4333-8444-555555555555",
            "--dangerously-skip-permissions",
            "--max-turns 40",
            "--max-budget-usd 1.250000",
            "--model sonnet",
            r#""disableAllHooks":true"#,
            "Edit(//state/clone/tests/**)",
        ] {
            assert!(line.contains(part), "no `{part}` in {line}");
        }
        assert!(!line.contains("the prompt"));
        let resumed = Native {
            resume: true,
            ..native()
        };
        let line = arguments(&session(), &resumed, false).join(" ");
        assert!(line.contains("--resume 1111") && !line.contains("--session-id"));
        assert!(line.contains("acceptEdits") && !line.contains("skip-permissions"));
    }
}
