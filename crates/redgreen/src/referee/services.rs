//! Services while a command of redgreen runs: servers once for the command, programs once for each tree, a database of
//! its own for each test command (SPEC E1, D4).

use super::checks::find;
use super::context::Context;
use super::trees::TreeOnDisk;
use crate::config::services::Configured;
use crate::error::Failure;
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_host::process;
use redgreen_host::service::{Service, ServiceError, ServiceKind};
use redgreen_host::state::Scratch;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

/// The database that `prepare` fills.
const TEMPLATE: &str = "template";

/// Servers of one command.
#[derive(Debug)]
pub struct Servers {
    services: Vec<Service>,
    /// Numbers databases.
    count: AtomicU32,
    /// The folders of the servers; removed after they have ended, so it stands last.
    _folder: Scratch,
}

/// What a tree has of its own: programs that run its code, and filled template databases.
#[derive(Debug)]
pub struct OfTree {
    programs: Vec<Service>,
    /// The template of each database server.
    templates: BTreeMap<String, String>,
    /// With programs, one database of each server for all test commands over the tree: programs and tests must see the
    /// same one.
    shared: Option<BTreeMap<String, String>>,
}

/// What one test command gets.
#[derive(Debug, Clone, Default)]
pub struct Served {
    /// Where services are found.
    pub variables: BTreeMap<String, String>,
    /// Databases by service.
    databases: BTreeMap<String, String>,
    /// Counters before the command.
    before: BTreeMap<String, u64>,
}

/// A service that cannot be used, as a reason.
pub fn reason(error: &ServiceError) -> Box<Reason> {
    let mut message = error.to_string();
    if !error.log.is_empty() {
        message.push_str("; it said: ");
        message.push_str(&error.log.join(" | "));
    }
    Box::new(Reason::new(
        ReasonCode::ServiceFailed,
        redgreen_host::secrets::redactor().text(&message),
        error.hint.clone(),
    ))
}

fn scratch(context: &Context) -> Result<Scratch, Box<Reason>> {
    context.state.scratch("services").map_err(|error| {
        Box::new(Reason::new(
            ReasonCode::EnvironmentFault,
            error.to_string(),
            "free some disk space",
        ))
    })
}

impl Servers {
    /// Starts every server that is configured.
    ///
    /// # Errors
    /// The first that does not become ready.
    pub fn start(context: &Context, configured: &[Configured]) -> Result<Self, Box<Reason>> {
        let folder = scratch(context)?;
        let mut services = Vec::new();
        for one in configured {
            if one.settings.kind == ServiceKind::Command {
                continue;
            }
            let own = folder.path().join(&one.settings.name);
            let service = Service::start(&one.settings, &own, folder.path())
                .map_err(|error| reason(&error))?;
            context.printer.detail(format!(
                "{:8}service `{}` ({}) on port {}",
                "",
                service.name(),
                service.kind().as_str(),
                service.port()
            ));
            services.push(service);
        }
        Ok(Self {
            services,
            count: AtomicU32::new(0),
            _folder: folder,
        })
    }

    /// The servers.
    #[must_use]
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// A new database on each server that has databases, from the templates.
    fn databases(
        &self,
        templates: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, Box<Reason>> {
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        self.services
            .iter()
            .map(|service| {
                let template = templates.get(service.name()).map(String::as_str);
                let name = service
                    .fresh(&format!("run_{number}"), template)
                    .map_err(|error| reason(&error))?;
                Ok((service.name().to_owned(), name))
            })
            .collect()
    }

    fn variables(&self, databases: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        self.services
            .iter()
            .flat_map(|service| {
                let database = databases.get(service.name()).map_or("", String::as_str);
                service.variables(database)
            })
            .collect()
    }

    /// Fills the templates and starts the programs of a tree.
    ///
    /// # Errors
    /// What failed.
    pub fn prepare_tree(
        &self,
        context: &Context,
        configured: &[Configured],
        tree: &TreeOnDisk,
    ) -> Result<OfTree, Box<Reason>> {
        let mut templates = BTreeMap::new();
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        for one in configured.iter().filter(|one| !one.prepare.is_empty()) {
            let name = &one.settings.name;
            let template = format!("{TEMPLATE}_{number}");
            for service in self.services.iter().filter(|own| own.name() == name) {
                service
                    .fresh(&template, None)
                    .map_err(|error| reason(&error))?;
            }
            let databases = BTreeMap::from([(name.clone(), template.clone())]);
            for command in &one.prepare {
                fill(context, tree, name, command, &self.variables(&databases))?;
            }
            templates.insert(name.clone(), template);
        }
        let programs: Vec<&Configured> = configured
            .iter()
            .filter(|one| one.settings.kind == ServiceKind::Command)
            .collect();
        let mut own = OfTree {
            programs: Vec::new(),
            templates,
            shared: None,
        };
        if programs.is_empty() {
            return Ok(own);
        }
        let databases = self.databases(&own.templates)?;
        let mut variables = self.variables(&databases);
        for program in programs {
            let mut settings = program.settings.clone();
            let known = variables.clone();
            settings.own_variables.extend(
                known
                    .into_iter()
                    .filter(|(name, _)| !program.settings.own_variables.contains_key(name)),
            );
            if let Some(found) = settings
                .command
                .first()
                .and_then(|name| find(context, name))
            {
                settings.command[0] = found.found.display().to_string();
            }
            let folder = tree.scratch("services").join(&settings.name);
            let service =
                Service::start(&settings, &folder, &tree.root).map_err(|error| reason(&error))?;
            variables.extend(service.variables(""));
            own.programs.push(service);
        }
        own.shared = Some(databases);
        Ok(own)
    }

    /// Gets everything ready for one test command over a tree.
    ///
    /// # Errors
    /// A service that does not run any more, or a server that refuses.
    pub fn serve(&self, own: &OfTree) -> Result<Served, Box<Reason>> {
        self.check(own)?;
        let databases = match &own.shared {
            Some(databases) => databases.clone(),
            None => self.databases(&own.templates)?,
        };
        let mut variables = self.variables(&databases);
        for program in &own.programs {
            variables.extend(program.variables(""));
        }
        let before = self.counters(&databases);
        Ok(Served {
            variables,
            databases,
            before,
        })
    }

    fn counters(&self, databases: &BTreeMap<String, String>) -> BTreeMap<String, u64> {
        self.services
            .iter()
            .filter_map(|service| {
                let database = databases.get(service.name()).map_or("", String::as_str);
                Some((service.name().to_owned(), service.used(database)?))
            })
            .collect()
    }

    /// Whether everything still runs.
    ///
    /// # Errors
    /// The first service that ended.
    pub fn check(&self, own: &OfTree) -> Result<(), Box<Reason>> {
        self.services
            .iter()
            .chain(&own.programs)
            .try_for_each(Service::check)
            .map_err(|error| reason(&error))
    }

    /// Asks the database that somebody was given.
    ///
    /// # Errors
    /// What the server says.
    pub fn ask_sql(
        &self,
        service: &str,
        served: &Served,
        statement: &str,
    ) -> Result<String, String> {
        let own = self
            .services
            .iter()
            .find(|own| own.name() == service)
            .ok_or_else(|| format!("the service `{service}` does not run"))?;
        let database = served.databases.get(service).map_or("", String::as_str);
        redgreen_host::service::postgres_sql(own.port(), database, statement)
    }

    /// How often each server was used since [`Servers::serve`], without our own questions: those are as many as when
    /// nothing is used.
    #[must_use]
    pub fn used(&self, served: &Served) -> BTreeMap<String, u64> {
        // What one look costs by itself: the difference of two looks at once.
        let after = self.counters(&served.databases);
        let again = self.counters(&served.databases);
        after
            .into_iter()
            .map(|(name, count)| {
                let own = again
                    .get(&name)
                    .map_or(0, |later| later.saturating_sub(count));
                let before = served.before.get(&name).copied().unwrap_or(0);
                let used = count.saturating_sub(before).saturating_sub(own);
                (name, used)
            })
            .collect()
    }
}

/// Runs a command that fills a template, in the tree.
fn fill(
    context: &Context,
    tree: &TreeOnDisk,
    service: &str,
    command: &str,
    variables: &BTreeMap<String, String>,
) -> Result<(), Box<Reason>> {
    let failed = |what: String| {
        Box::new(Reason::new(
            ReasonCode::PrepareFailed,
            format!("`{command}` of the service `{service}` {what}"),
            format!("correct `prepare` under `[services.{service}]`, or what it runs"),
        ))
    };
    let mut argv = shell_words::split(command).map_err(|error| failed(error.to_string()))?;
    if let Some(program) = argv.first().and_then(|name| find(context, name)) {
        argv[0] = program.found.display().to_string();
    }
    let mut spec = tree
        .check_spec("prepare", argv)
        .map_err(|failure: Failure| failed(failure.what))?;
    spec.env.extend(variables.clone());
    let finished = process::run(&spec).map_err(|error| failed(error.to_string()))?;
    if finished.success() {
        return Ok(());
    }
    let output = format!("{}\n{}", finished.stdout_text(), finished.stderr_text());
    let lines: Vec<&str> = output
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let tail = lines[lines.len().saturating_sub(5)..].join(" | ");
    Err(failed(format!("ended with {:?}: {tail}", finished.ended)))
}

/// Which of the services that a suite must use were not used.
#[must_use]
pub fn unused(wanted: &[String], used: &BTreeMap<String, u64>) -> Vec<String> {
    wanted
        .iter()
        .filter(|name| used.get(*name).copied() == Some(0))
        .cloned()
        .collect()
}
