//! Agents that are known by name: their sessions between the tries, what they cost, and the waiting when their provider
//! does not serve them (SPEC A7, F1-F3). What is decided here is when to start again, never what the work is worth.

use super::Driver;
use crate::config::file::Agent;
use crate::error::Failure;
use crate::referee::isolation::{AgentNetwork, agent_network};
use crate::render::progress;
use redgreen_core::id::{Digest, TaskId};
use redgreen_core::machine::{AgentOutcome, AgentRole, AgentSession, Event, RunLimit};
use redgreen_host::agent::claude::transcript;
use redgreen_host::agent::login::{Login, VARIABLES};
use redgreen_host::agent::relay::Endpoint;
use redgreen_host::agent::{self, Native, SessionEnd, Told};
use redgreen_host::{clock, env, interrupt, process};
use std::path::PathBuf;
use std::time::Duration;

/// How long the first, second … outage in a row is waited for, as parts of `max_wait`. The last one is the machine's last
/// free restart, too.
const WAITS: [(u32, u32); 5] = [(1, 360), (1, 60), (1, 12), (1, 4), (1, 2)];
/// A `command` agent waits for its provider by itself; a short pause keeps it from being started in a tight loop.
const COMMAND_PAUSE: Duration = Duration::from_secs(2);
/// How often a wait looks whether somebody stops the run.
const LOOK: Duration = Duration::from_millis(100);

/// Where Claude Code is found, in words to paste.
pub const INSTALL: &str =
    "npm install -g @anthropic-ai/claude-code, or write `program = \"/path/to/claude\"`";
/// How it is known to its provider, in words to paste.
pub const LOG_IN: &str = "start `claude` once and type /login, or export ANTHROPIC_API_KEY";

/// The login of an agent.
#[must_use]
pub fn login_of(agent: &Agent) -> Login {
    if agent.auth.as_deref() == Some("environment") {
        Login::named(agent.environment.iter().map(String::as_str))
    } else {
        Login::inherited()
    }
}

/// The endpoint that an agent is held to; `None` for no such hold.
///
/// # Errors
/// A usage failure when the address cannot be used.
pub fn endpoint_of(agent: &Agent) -> Result<Option<Endpoint>, Failure> {
    if agent_network(agent)? != AgentNetwork::Provider {
        return Ok(None);
    }
    let url = env::variable("ANTHROPIC_BASE_URL");
    Endpoint::of_url(url.as_deref()).map(Some).map_err(|why| {
        Failure::usage(
            format!("ANTHROPIC_BASE_URL: {why}"),
            "correct it, or unset it",
        )
    })
}

impl Driver<'_> {
    fn configuration_of(&self, task: &TaskId, role: AgentRole) -> PathBuf {
        self.task_folder(task)
            .join(format!("{}-claude", role.as_str()))
    }

    /// Where the id of a role's session is kept: beside what the agent may write, never in it.
    fn session_file(&self, task: &TaskId, role: AgentRole) -> PathBuf {
        self.task_folder(task)
            .join(format!("{}.session", role.as_str()))
    }

    fn session_id(&self, task: &TaskId, role: AgentRole) -> Option<String> {
        let id = std::fs::read_to_string(self.session_file(task, role)).ok()?;
        Some(id.trim().to_owned())
    }

    /// Whether a session of this role can be gone on with.
    pub(super) fn has_session(&self, task: &TaskId, role: AgentRole) -> bool {
        self.session_id(task, role)
            .is_some_and(|id| transcript(&self.configuration_of(task, role), &id).is_some())
    }

    /// Forgets the session of a role: the next one starts from nothing.
    pub(super) fn forget_session(&self, task: &TaskId, role: AgentRole) -> Result<(), Failure> {
        match std::fs::remove_file(self.session_file(task, role)) {
            Err(why) if why.kind() != std::io::ErrorKind::NotFound => Err(Failure::internal(why)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Claude Code for a role of a task.
    pub(super) fn claude(
        &self,
        agent: &Agent,
        role: AgentRole,
        task: &TaskId,
    ) -> Result<Native, Failure> {
        let program = agent.program.clone().unwrap_or_else(|| "claude".to_owned());
        if env::find_program(&program).is_none() {
            return Err(Failure::not_ready(
                format!("Claude Code (`{program}`) was not found"),
                INSTALL,
            ));
        }
        let login = login_of(agent);
        if login == Login::Nothing {
            return Err(Failure::not_ready(
                "Claude Code has no login here: neither its credential file nor a variable that it reads",
                LOG_IN,
            ));
        }
        redgreen_host::secrets::declare(VARIABLES);
        let configuration = self.configuration_of(task, role);
        let known = self
            .session_id(task, role)
            .filter(|id| transcript(&configuration, id).is_some());
        let resume = known.is_some();
        let id = match known {
            Some(id) => id,
            None => {
                let id = new_id(&format!("{}/{task}/{}", self.slug, role.as_str()));
                redgreen_host::state::write_atomically(
                    &self.session_file(task, role),
                    id.as_bytes(),
                )
                .map_err(Failure::internal)?;
                id
            }
        };
        let limits = &self.setting.config.limits;
        let left = [
            limits
                .task_micro_usd
                .map(|most| most.saturating_sub(self.spent(Some(task)).1)),
            limits
                .run_micro_usd
                .map(|most| most.saturating_sub(self.spent(None).1)),
        ];
        Ok(Native {
            program,
            model: agent.model.clone(),
            configuration,
            // A resumed session counts from its beginning.
            micro_usd: left
                .into_iter()
                .flatten()
                .min()
                .map(|left| left.saturating_add(self.money_of(&id))),
            id,
            resume,
            turns: agent.turns,
            refuse: match role {
                AgentRole::Author => Vec::new(),
                AgentRole::Implementer | AgentRole::Refactorer => self.refused_paths(),
            },
            login,
            endpoint: endpoint_of(agent)?,
        })
    }

    /// Globs of tests as Claude Code's rules read them: without a slash they hold in every folder.
    fn refused_paths(&self) -> Vec<String> {
        let globs = self.setting.config.tests.iter();
        globs
            .filter(|glob| !glob.starts_with('!'))
            .map(|glob| match glob.trim_end_matches('/').contains('/') {
                true => glob.clone(),
                false => format!("**/{glob}"),
            })
            .collect()
    }

    fn sessions(&self) -> impl Iterator<Item = (&TaskId, &AgentSession)> {
        self.log
            .events()
            .iter()
            .filter_map(|(_, event)| match event {
                Event::AgentEnded { key, session, .. } => Some((key.task.as_ref()?, session)),
                _ => None,
            })
    }

    /// Tokens and millionths of a dollar that sessions of a task, or of the run, reported.
    fn spent(&self, task: Option<&TaskId>) -> (u64, u64) {
        self.sessions()
            .filter(|(of, _)| task.is_none_or(|task| *of == task))
            .fold((0, 0), |(tokens, money), (_, session)| {
                (
                    tokens.saturating_add(session.tokens.unwrap_or(0)),
                    money.saturating_add(session.micro_usd.unwrap_or(0)),
                )
            })
    }

    /// What a session has cost so far.
    fn money_of(&self, id: &str) -> u64 {
        self.sessions()
            .filter(|(_, session)| session.session.as_deref() == Some(id))
            .filter_map(|(_, session)| session.micro_usd)
            .fold(0, u64::saturating_add)
    }

    /// What this part of a session cost: agents report what the whole of it did.
    pub(super) fn new_money(&self, told: &Told) -> Option<u64> {
        let before = told.session.as_deref().map_or(0, |id| self.money_of(id));
        told.micro_usd.map(|all| all.saturating_sub(before))
    }

    /// Why a task gets no further session; nothing while it may have one.
    pub(super) fn task_is_spent(&self, task: &TaskId) -> Option<String> {
        let limits = &self.setting.config.limits;
        let (tokens, money) = self.spent(Some(task));
        let over = |most: Option<u64>, used: u64| most.is_some_and(|most| used >= most);
        if over(limits.task_micro_usd, money) {
            return Some(format!(
                "{task} has used its money ({} US dollars): raise `limits.task_usd`",
                dollars(money)
            ));
        }
        over(limits.task_tokens, tokens)
            .then(|| format!("{task} has used its {tokens} tokens: raise `limits.task_tokens`"))
    }

    /// The limit of the run that its sessions reached.
    pub(super) fn run_is_spent(&self) -> Option<RunLimit> {
        let limits = &self.setting.config.limits;
        if limits.run_micro_usd.is_none() && limits.run_tokens.is_none() {
            return None;
        }
        let (tokens, money) = self.spent(None);
        if limits.run_micro_usd.is_some_and(|most| money >= most) {
            return Some(RunLimit::Money);
        }
        limits
            .run_tokens
            .is_some_and(|most| tokens >= most)
            .then_some(RunLimit::Tokens)
    }

    /// What the loop is told about the end of a session, after waiting for the provider where there is something to wait
    /// for.
    pub(super) fn outcome_of(
        &self,
        end: &SessionEnd,
        task: &TaskId,
        role: AgentRole,
        native: bool,
    ) -> Result<AgentOutcome, Failure> {
        let max_wait = self.setting.config.limits.max_wait;
        let why = redgreen_host::secrets::hidden(&end.told.why).into_owned();
        Ok(match end.outcome {
            agent::AgentOutcome::Done => AgentOutcome::Done,
            agent::AgentOutcome::Refused => {
                self.context
                    .printer
                    .talk(format!("{task}: the model declined: {why}"));
                AgentOutcome::Done
            }
            agent::AgentOutcome::Limit => {
                if !why.is_empty() {
                    self.context.printer.talk(format!("{task}: {why}"));
                }
                AgentOutcome::SessionLimit
            }
            agent::AgentOutcome::Crashed => {
                if native {
                    // It may be its own record that it stumbles over.
                    self.forget_session(task, role)?;
                }
                AgentOutcome::Crashed
            }
            agent::AgentOutcome::Interrupted => AgentOutcome::Stopped,
            agent::AgentOutcome::Auth => {
                return Err(Failure::not_ready(
                    format!("the provider refuses the login of the agent: {why}"),
                    LOG_IN,
                ));
            }
            agent::AgentOutcome::UsageLimit(Some(lifted)) => {
                let wait = Duration::from_secs(lifted.saturating_sub(clock::now_unix()) + 1);
                if wait > max_wait {
                    self.context.printer.talk(format!(
                        "{task}: {why}; that is in {}, longer than `limits.max_wait`",
                        span(wait)
                    ));
                    AgentOutcome::UsageLimitTooLong
                } else {
                    self.wait(wait, &format!("{task}: {why}"), AgentOutcome::UsageLimit)
                }
            }
            agent::AgentOutcome::UsageLimit(None) | agent::AgentOutcome::ProviderError => {
                if native {
                    let had = self
                        .log
                        .state()
                        .task(task)
                        .map_or(0, |known| known.free_restarts);
                    let last = WAITS.len() - 1;
                    let (part, whole) = WAITS[usize::try_from(had).unwrap_or(last).min(last)];
                    let wait = max_wait * part / whole;
                    let words = format!("{task}: the provider does not answer: {why}");
                    self.wait(wait, &words, AgentOutcome::ProviderError)
                } else {
                    clock::pause(max_wait.min(COMMAND_PAUSE));
                    AgentOutcome::ProviderError
                }
            }
        })
    }

    /// Waits, with a countdown, until the time is over or somebody stops the run.
    fn wait(&self, time: Duration, why: &str, then: AgentOutcome) -> AgentOutcome {
        self.context
            .printer
            .talk(format!("{why}; goes on in {}, costs no try", span(time)));
        let start = clock::monotonic();
        let mut shown = None;
        loop {
            if interrupt::stop_requested() {
                return AgentOutcome::Stopped;
            }
            let left = time.saturating_sub(start.elapsed());
            if left.is_zero() {
                return then;
            }
            let words = format!("waits for the provider, {} left", span(left));
            if shown.as_ref() != Some(&words) {
                progress::doing(words.clone());
                shown = Some(words);
            }
            clock::pause(LOOK.min(left));
        }
    }
}

/// An id as agents want one: a random UUID (RFC 9562, version 4), here from a digest of what it is for and when.
#[must_use]
pub fn new_id(of: &str) -> String {
    let seed = format!("{of}/{}/{:?}", process::running(), clock::monotonic());
    let digest = Digest::of(format!("{seed}/{}", clock::now_rfc3339()).as_bytes()).hex();
    let hex = |from: usize, to: usize| digest.get(from..to).unwrap_or_default().to_owned();
    format!(
        "{}-{}-4{}-8{}-{}",
        hex(0, 8),
        hex(8, 12),
        hex(12, 15),
        hex(15, 18),
        hex(18, 30)
    )
}

fn dollars(micro: u64) -> String {
    format!("{}.{:02}", micro / 1_000_000, micro % 1_000_000 / 10_000)
}

/// A time in words: `4 min 10 s`.
fn span(time: Duration) -> String {
    let seconds = crate::drive::seconds(time);
    match (seconds / 3600, seconds % 3600 / 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}
