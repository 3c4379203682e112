//! `[services.NAME]`: real servers that tests and the application use (SPEC E1).

use super::{duration, key_place};
use crate::error::Failure;
use redgreen_host::service::{Ready, ServiceKind, ServiceSettings};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// `[services.NAME]` as it is written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// `postgres`, `redis`, `nats`: a server of its own, found on this machine. `command`: any program that keeps running,
    /// in the tree under judgement. `external`: a server that somebody else runs.
    pub kind: String,
    /// For `command`: program and arguments, with `{port}`, `{host}`, `{folder}` and `{tree}`. For the others: arguments that
    /// are added to the server's.
    #[serde(default)]
    pub command: Vec<String>,
    /// Variables that tests and the application get, such as `{ DATABASE_URL = "postgresql://{user}@{host}:{port}/{database}" }`.
    /// By default `DATABASE_URL` and libpq's `PG…` (postgres), `REDIS_URL`, `NATS_URL`.
    pub environment: Option<BTreeMap<String, String>>,
    /// Variables of the program itself, for `command`.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// For `external`: the variable with its address; it must be set.
    pub variable: Option<String>,
    /// For `postgres`: commands that are run once in a tree, such as migrations and test data; every test command gets a
    /// copy of the database that they left.
    #[serde(default)]
    pub prepare: Vec<String>,
    /// For `command`: when it is ready; as soon as it listens on `{port}` by default.
    pub ready: Option<ReadyWhen>,
    /// How long it may take to end; `"5s"` by default.
    pub grace: Option<String>,
}

/// `ready`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadyWhen {
    /// A path that must be answered, such as `/health`.
    pub http: Option<String>,
    /// With which status; 200 by default.
    pub status: Option<u16>,
    /// A text that must be printed, for programs without a port.
    pub log: Option<String>,
    /// How long it may take; `"30s"` by default.
    pub timeout: Option<String>,
}

/// Longest wait for a service when nothing is configured.
const READY: Duration = Duration::from_secs(30);

/// How long a service may take to end when nothing is configured.
const GRACE: Duration = Duration::from_secs(5);

/// A service with every default filled in.
#[derive(Debug, Clone)]
pub struct Configured {
    /// What the host needs to start it.
    pub settings: ServiceSettings,
    /// Commands that fill its template.
    pub prepare: Vec<String>,
}

/// What tests usually look for.
fn usual(kind: ServiceKind) -> BTreeMap<String, String> {
    let pairs: &[(&str, &str)] = match kind {
        ServiceKind::Postgres => &[
            (
                "DATABASE_URL",
                "postgresql://{user}@{host}:{port}/{database}",
            ),
            ("PGHOST", "{host}"),
            ("PGPORT", "{port}"),
            ("PGUSER", "{user}"),
            ("PGDATABASE", "{database}"),
        ],
        ServiceKind::Redis => &[("REDIS_URL", "redis://{host}:{port}/0")],
        ServiceKind::Nats => &[("NATS_URL", "nats://{host}:{port}")],
        ServiceKind::Command | ServiceKind::External => &[],
    };
    pairs
        .iter()
        .map(|&(name, text)| (name.to_owned(), text.to_owned()))
        .collect()
}

/// When a program is ready.
///
/// # Errors
/// A usage failure for what contradicts itself.
pub fn ready(
    wanted: Option<&ReadyWhen>,
    key: &str,
    text: &str,
    place: &str,
) -> Result<(Ready, Duration), Failure> {
    let none = ReadyWhen::default();
    let wanted = wanted.unwrap_or(&none);
    let when = match (&wanted.http, &wanted.log) {
        (None, None) => Ready::Listening,
        (Some(path), None) if path.starts_with('/') => Ready::Http {
            path: path.clone(),
            status: wanted.status.unwrap_or(200),
        },
        (Some(path), None) => {
            return Err(Failure::usage(
                format!("`{key}.http = \"{path}\"` is no path"),
                "write a path of the program itself, such as \"/health\"",
            )
            .at(key_place(place, text, "ready")));
        }
        (None, Some(log)) => Ready::Log(log.clone()),
        (Some(_), Some(_)) => {
            return Err(Failure::usage(
                format!("`{key}` has `http` and `log`"),
                "leave one of them out",
            )
            .at(key_place(place, text, "ready")));
        }
    };
    let timeout = duration(
        wanted.timeout.as_deref(),
        READY,
        &format!("{key}.timeout"),
        &key_place(place, text, "ready"),
    )?;
    Ok((when, timeout))
}

/// Reads every service, servers first: programs may use them.
///
/// # Errors
/// A usage failure with the place.
pub fn read(
    services: &BTreeMap<String, Service>,
    text: &str,
    place: &str,
) -> Result<Vec<Configured>, Failure> {
    let mut configured = Vec::new();
    for (name, service) in services {
        configured.push(one(name, service, text, place)?);
    }
    configured.sort_by_key(|service| service.settings.kind == ServiceKind::Command);
    Ok(configured)
}

fn one(name: &str, service: &Service, text: &str, place: &str) -> Result<Configured, Failure> {
    let table = format!("[services.{name}]");
    let line = text
        .lines()
        .position(|line| line.trim() == table)
        .map_or_else(|| place.to_owned(), |line| format!("{place}:{}", line + 1));
    let refuse = |what: String, help: &str| Err(Failure::usage(what, help).at(line.clone()));
    let Some(kind) = ServiceKind::parse(&service.kind) else {
        let help = match service.kind.as_str() {
            "compose" | "docker" | "docker-compose" => {
                "not built yet: start it yourself and write `kind = \"external\"`"
            }
            _ => "postgres, redis, nats, command or external",
        };
        return refuse(
            format!("`{table}`: the kind `{}` is not known", service.kind),
            help,
        );
    };
    if kind == ServiceKind::Command && service.command.is_empty() {
        return refuse(
            format!("`{table}` has no command"),
            "write `command = [\"program\", \"--port\", \"{port}\"]`",
        );
    }
    if kind == ServiceKind::External && service.variable.is_none() {
        return refuse(
            format!("`{table}` does not say how it is found"),
            "write `variable = \"DATABASE_URL\"`: redgreen hands this variable on",
        );
    }
    if kind != ServiceKind::Postgres && !service.prepare.is_empty() {
        return refuse(
            format!("`prepare` means nothing to `{table}`"),
            "it fills the template database of a service of kind `postgres`",
        );
    }
    for command in &service.prepare {
        if shell_words::split(command).map_or(true, |words| words.is_empty()) {
            return refuse(
                format!("the command `{command}` in `{table}` cannot be read"),
                "quote it as for a shell",
            );
        }
    }
    let (ready, timeout) = ready(
        service.ready.as_ref(),
        &format!("services.{name}.ready"),
        text,
        place,
    )?;
    Ok(Configured {
        settings: ServiceSettings {
            name: name.to_owned(),
            kind,
            command: service.command.clone(),
            own_variables: service.settings.clone(),
            variables: service.environment.clone().unwrap_or_else(|| usual(kind)),
            variable: service.variable.clone(),
            ready,
            timeout,
            grace: duration(
                service.grace.as_deref(),
                GRACE,
                &format!("services.{name}.grace"),
                &line,
            )?,
        },
        prepare: service.prepare.clone(),
    })
}
