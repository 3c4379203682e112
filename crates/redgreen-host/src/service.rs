//! Services: real servers that tests and the application use, started for one command and ended with it (SPEC E1).
//!
//! A service is ready when its probe answers, our process is alive, and the listener belongs to that process: a server
//! that somebody else left on the port satisfies nothing. Its folder, its port and its process are its own, so it runs
//! beside the developer's own stack. It is a command of [`crate::process`] that another thread waits for, so it ends
//! with us, also when we are killed.

mod daemon;
pub mod holders;
mod nats;
mod postgres;
mod redis;

pub use daemon::Daemon;
pub use postgres::sql as postgres_sql;

use crate::http;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Which recipe a service follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceKind {
    /// A PostgreSQL server of its own; a database per test command.
    Postgres,
    /// A Redis or Valkey server of its own; emptied before every test command.
    Redis,
    /// A NATS server of its own, with JetStream.
    Nats,
    /// Any command that keeps running.
    Command,
    /// A server that somebody else runs; its address is in a variable of our environment.
    External,
}

impl ServiceKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Postgres,
        Self::Redis,
        Self::Nats,
        Self::Command,
        Self::External,
    ];

    /// The word in `redgreen.toml`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Nats => "nats",
            Self::Command => "command",
            Self::External => "external",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// When a service that follows no recipe is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// Its process listens on its port.
    Listening,
    /// A request is answered with this status.
    Http {
        /// The path, such as `/health`.
        path: String,
        /// The status, such as 200.
        status: u16,
    },
    /// Its output contains this text; for services without a port.
    Log(String),
}

/// A service as it is configured.
#[derive(Debug, Clone)]
pub struct ServiceSettings {
    /// Its name.
    pub name: String,
    /// Its recipe.
    pub kind: ServiceKind,
    /// For [`ServiceKind::Command`]: program and arguments, with `{port}`, `{host}`, `{folder}`, `{tree}`. For a recipe:
    /// arguments that are added.
    pub command: Vec<String>,
    /// Variables of the service itself, with the same templates.
    pub own_variables: BTreeMap<String, String>,
    /// Variables that tests and the application get, with `{host}`, `{port}`, `{user}`, `{database}`, `{folder}`.
    pub variables: BTreeMap<String, String>,
    /// For [`ServiceKind::External`]: the variable that must be set.
    pub variable: Option<String>,
    /// When it is ready; recipes know by themselves.
    pub ready: Ready,
    /// How long it may take to become ready.
    pub timeout: Duration,
    /// How long it may take to end.
    pub grace: Duration,
}

/// Why a service cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("service `{service}`: {what}")]
pub struct ServiceError {
    /// Its name.
    pub service: String,
    /// What is wrong, in plain words.
    pub what: String,
    /// What to do next.
    pub hint: String,
    /// The last lines it printed.
    pub log: Vec<String>,
}

/// Loopback, and nothing else.
pub const HOST: &str = "127.0.0.1";

/// How often a probe is asked.
const INTERVAL: Duration = Duration::from_millis(25);

/// How often a service is started again with another port when its port was taken in between.
const PORT_TRIES: u32 = 3;

/// A port that is free now. Somebody may take it before a server does; who uses it checks whose listener it is.
///
/// # Errors
/// The system gives no port.
pub fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind((HOST, 0))?.local_addr()?.port())
}

/// Fills in `{name}` for every name that is known; other braces stay.
#[must_use]
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    })
}

/// A service that is ready.
#[derive(Debug)]
pub struct Service {
    settings: ServiceSettings,
    /// `None` for an external one.
    daemon: Option<Daemon>,
    port: u16,
    folder: PathBuf,
}

impl Service {
    /// Starts a service and waits until it is ready. `folder` is private and its own; `tree` is what `{tree}` stands
    /// for.
    ///
    /// # Errors
    /// What kept it from becoming ready, with the last lines of its log.
    pub fn start(
        settings: &ServiceSettings,
        folder: &Path,
        tree: &Path,
    ) -> Result<Self, ServiceError> {
        Self::start_in(settings, folder, tree, tree)
    }

    /// The same for a program that is started in another folder than the tree.
    ///
    /// # Errors
    /// As [`Service::start`].
    pub fn start_in(
        settings: &ServiceSettings,
        folder: &Path,
        tree: &Path,
        cwd: &Path,
    ) -> Result<Self, ServiceError> {
        let refused = |what: String, hint: &str, log: Vec<String>| ServiceError {
            service: settings.name.clone(),
            what,
            hint: hint.to_owned(),
            log,
        };
        if settings.kind == ServiceKind::External {
            return external(settings, folder);
        }
        std::fs::create_dir_all(folder).map_err(|error| {
            refused(
                format!("failed to create `{}`: {error}", folder.display()),
                "free some disk space",
                Vec::new(),
            )
        })?;
        let mut last = None;
        for attempt in 0..PORT_TRIES {
            let port = free_port().map_err(|error| {
                refused(
                    format!("no free port on loopback: {error}"),
                    "end what holds them",
                    Vec::new(),
                )
            })?;
            let own = folder.join(attempt.to_string());
            let started = match settings.kind {
                ServiceKind::Postgres => postgres::start(settings, &own, port),
                ServiceKind::Redis => redis::start(settings, &own, port),
                ServiceKind::Nats => nats::start(settings, &own, port),
                ServiceKind::Command | ServiceKind::External => {
                    command(settings, &own, port, tree, cwd)
                }
            }
            .and_then(|daemon| {
                let service = Self {
                    settings: settings.clone(),
                    daemon: Some(daemon),
                    port,
                    folder: own.clone(),
                };
                service.wait().map(|()| service)
            });
            match started {
                Ok(service) => return Ok(service),
                Err(error) if error.log.iter().any(|line| says_port_taken(line)) => {
                    last = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| {
            refused(
                "every port was taken".to_owned(),
                "run it again",
                Vec::new(),
            )
        }))
    }

    fn wait(&self) -> Result<(), ServiceError> {
        let Some(daemon) = &self.daemon else {
            return Ok(());
        };
        let asked = crate::clock::monotonic();
        loop {
            if !daemon.is_alive() {
                return Err(self.error(
                    format!("it ended {} before it was ready", daemon.ended()),
                    "look at its last lines; run its command by hand",
                ));
            }
            // Whose listener it is, asked after the probe: what answered is then ours.
            if self.answers() && self.listens() {
                return Ok(());
            }
            if asked.elapsed() >= self.settings.timeout {
                return Err(self.error(
                    format!(
                        "it was not ready within {} seconds: {}",
                        self.settings.timeout.as_secs(),
                        self.expectation()
                    ),
                    "raise `ready.timeout`, or look at its last lines",
                ));
            }
            if crate::interrupt::stop_requested() {
                return Err(self.error("stopped while it started".to_owned(), "run it again"));
            }
            crate::clock::pause(INTERVAL);
        }
    }

    fn expectation(&self) -> String {
        match (self.settings.kind, &self.settings.ready) {
            (ServiceKind::Command, Ready::Http { path, status }) => {
                format!("`{path}` did not answer {status}")
            }
            (ServiceKind::Command, Ready::Log(text)) => format!("it never printed `{text}`"),
            _ => format!("its process does not listen on port {}", self.port),
        }
    }

    /// The listener is ours. A service that is ready by its output may have no port at all.
    fn listens(&self) -> bool {
        if self.settings.kind == ServiceKind::Command
            && matches!(self.settings.ready, Ready::Log(_))
        {
            return true;
        }
        self.daemon
            .as_ref()
            .is_none_or(|daemon| daemon.handle().listens_on(self.port).unwrap_or(true))
    }

    fn answers(&self) -> bool {
        match self.settings.kind {
            ServiceKind::Postgres => postgres::answers(self.port),
            ServiceKind::Redis => redis::answers(self.port),
            ServiceKind::Nats => nats::answers(self.port),
            ServiceKind::External => true,
            ServiceKind::Command => match &self.settings.ready {
                Ready::Listening => true,
                Ready::Http { path, status } => {
                    http::get(&format!("http://{HOST}:{}{path}", self.port))
                        .is_ok_and(|answer| answer.status == *status)
                }
                Ready::Log(text) => self
                    .daemon
                    .as_ref()
                    .is_some_and(|daemon| daemon.log().contains(text)),
            },
        }
    }

    fn error(&self, what: String, hint: &str) -> ServiceError {
        ServiceError {
            service: self.settings.name.clone(),
            what,
            hint: hint.to_owned(),
            log: self.last_lines(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Its recipe.
    #[must_use]
    pub fn kind(&self) -> ServiceKind {
        self.settings.kind
    }

    /// Its port on loopback; 0 for an external one.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Everything it printed, at most the last part of it.
    #[must_use]
    pub fn log(&self) -> String {
        self.daemon.as_ref().map(Daemon::log).unwrap_or_default()
    }

    /// The last lines it printed.
    #[must_use]
    pub fn last_lines(&self) -> Vec<String> {
        last_lines(&self.log())
    }

    /// An error when it is not running any more.
    ///
    /// # Errors
    /// How it ended.
    pub fn check(&self) -> Result<(), ServiceError> {
        match &self.daemon {
            Some(daemon) if !daemon.is_alive() => Err(self.error(
                format!("it ended {} while it was needed", daemon.ended()),
                "look at its last lines",
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// A clean start for a test command: a database of its own from `template` (Postgres), an empty store (Redis).
    /// Returns the database's name, empty for other services.
    ///
    /// # Errors
    /// The server refused.
    pub fn fresh(&self, database: &str, template: Option<&str>) -> Result<String, ServiceError> {
        let asked = match self.settings.kind {
            ServiceKind::Postgres => postgres::create_database(self.port, database, template)
                .map(|()| database.to_owned()),
            ServiceKind::Redis => redis::empty(self.port).map(|()| String::new()),
            ServiceKind::Nats | ServiceKind::Command | ServiceKind::External => Ok(String::new()),
        };
        asked.map_err(|why| self.error(why, "look at its last lines"))
    }

    /// What tests and the application get to find it.
    #[must_use]
    pub fn variables(&self, database: &str) -> BTreeMap<String, String> {
        let port = self.port.to_string();
        let folder = self.folder.display().to_string();
        let values = [
            ("host", HOST),
            ("port", port.as_str()),
            ("user", postgres::USER),
            ("database", database),
            ("folder", folder.as_str()),
        ];
        let external = self
            .settings
            .variable
            .iter()
            .filter_map(|name| Some((name.clone(), crate::env::variable(name)?)));
        self.settings
            .variables
            .iter()
            .map(|(name, text)| (name.clone(), fill(text, &values)))
            .chain(external)
            .collect()
    }

    /// How much the server has been used, by its own counters: transactions of the database, commands, messages. `None`
    /// where it does not count.
    #[must_use]
    pub fn used(&self, database: &str) -> Option<u64> {
        match self.settings.kind {
            ServiceKind::Postgres => postgres::transactions(self.port, database),
            ServiceKind::Redis => redis::commands(self.port),
            ServiceKind::Nats => nats::messages(self.port),
            ServiceKind::Command | ServiceKind::External => None,
        }
    }
}

/// The last lines of a log, without empty ones.
pub(crate) fn last_lines(log: &str) -> Vec<String> {
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    let from = lines.len().saturating_sub(8);
    lines[from..].iter().map(|&line| line.to_owned()).collect()
}

/// Whether a server says that somebody else has its port.
fn says_port_taken(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    line.contains("address already in use") || line.contains("eaddrinuse")
}

fn external(settings: &ServiceSettings, folder: &Path) -> Result<Service, ServiceError> {
    let name = settings.variable.clone().unwrap_or_default();
    if crate::env::variable(&name).is_none() {
        return Err(ServiceError {
            service: settings.name.clone(),
            what: format!("the variable `{name}` that names it is not set"),
            hint: format!("export {name}=…"),
            log: Vec::new(),
        });
    }
    Ok(Service {
        settings: settings.clone(),
        daemon: None,
        port: 0,
        folder: folder.to_owned(),
    })
}

fn command(
    settings: &ServiceSettings,
    folder: &Path,
    port: u16,
    tree: &Path,
    cwd: &Path,
) -> Result<Daemon, ServiceError> {
    let port = port.to_string();
    let (own, tree_text) = (folder.display().to_string(), tree.display().to_string());
    let values = [
        ("host", HOST),
        ("port", port.as_str()),
        ("folder", own.as_str()),
        ("tree", tree_text.as_str()),
    ];
    let argv = settings
        .command
        .iter()
        .map(|word| fill(word, &values))
        .collect();
    let mut extra = crate::env::toolchain_homes();
    extra.extend(
        settings
            .own_variables
            .iter()
            .map(|(name, text)| (name.clone(), fill(text, &values))),
    );
    Daemon::start(
        settings,
        argv,
        folder,
        cwd,
        &extra,
        &[tree.to_owned(), cwd.to_owned()],
    )
}
