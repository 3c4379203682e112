//! A command that keeps running: a thread waits for it, and dropping it ends it.

use super::{ServiceError, ServiceSettings};
use crate::process::{self, Finished, Handle, Network, SpawnError, Spec};
use redgreen_core::run_report::Ended;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How much of a log is looked at.
const LOG: u64 = 1 << 20;

/// How it ended, once it has.
type End = Arc<Mutex<Option<Result<Finished, SpawnError>>>>;

/// A running command.
#[derive(Debug)]
pub struct Daemon {
    handle: Handle,
    end: End,
    log: PathBuf,
    thread: Option<JoinHandle<()>>,
}

impl Daemon {
    /// Starts a command with the network of the machine in a folder of its own, where it may write. Its output goes to
    /// `log` in there.
    ///
    /// # Errors
    /// The folders cannot be made.
    pub(super) fn start(
        settings: &ServiceSettings,
        argv: Vec<String>,
        folder: &Path,
        cwd: &Path,
        variables: &BTreeMap<String, String>,
        writable: &[PathBuf],
    ) -> Result<Self, ServiceError> {
        let mut spec = spec(&settings.name, argv, folder, cwd).map_err(|error| ServiceError {
            service: settings.name.clone(),
            what: format!("failed to create `{}`: {error}", folder.display()),
            hint: "free some disk space".to_owned(),
            log: Vec::new(),
        })?;
        spec.env.extend(variables.clone());
        spec.writable.extend_from_slice(writable);
        spec.grace = settings.grace;
        Ok(Self::of(spec))
    }

    /// Starts whatever a specification says; its [`Spec::log`] is where the output is looked up.
    #[must_use]
    pub fn of(mut spec: Spec) -> Self {
        let handle = Handle::default();
        spec.handle = Some(handle.clone());
        // It runs until it is ended.
        spec.timeout = Duration::from_secs(u64::from(u32::MAX));
        spec.output_limit = u64::MAX;
        spec.keep = 1 << 16;
        let log = spec.log.clone().unwrap_or_default();
        let end = End::default();
        let ended = Arc::clone(&end);
        let thread = std::thread::spawn(move || {
            let finished = process::run(&spec);
            *ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(finished);
        });
        Self {
            handle,
            end,
            log,
            thread: Some(thread),
        }
    }

    /// What belongs to it.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Whether it has not ended.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.end
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_none()
    }

    /// How it ended, in words: "with exit code 1".
    #[must_use]
    pub fn ended(&self) -> String {
        match &*self.end.lock().unwrap_or_else(PoisonError::into_inner) {
            None => "not yet".to_owned(),
            Some(Err(error)) => format!("at once ({error})"),
            Some(Ok(finished)) => match finished.ended {
                Ended::Code(code) => format!("with exit code {code}"),
                Ended::Signal(signal) => format!("by signal {signal}"),
                Ended::TimedOut | Ended::IdledOut | Ended::OutputLimit | Ended::Interrupted => {
                    "because it was stopped".to_owned()
                }
            },
        }
    }

    /// What it printed, at most the last part of it.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = crate::state::read_ends(&self.log, LOG).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A command of a service: the machine's network, a private home and temporary folder in its own folder.
///
/// # Errors
/// The folders cannot be made.
pub(super) fn spec(
    label: &str,
    argv: Vec<String>,
    folder: &Path,
    cwd: &Path,
) -> std::io::Result<Spec> {
    let (home, temporary) = (folder.join("home"), folder.join("tmp"));
    std::fs::create_dir_all(&home)?;
    std::fs::create_dir_all(&temporary)?;
    let mut spec = Spec::new(label, argv, cwd);
    spec.network = Network::Host;
    spec.env = crate::env::child(&home, &temporary);
    spec.log = Some(folder.join("log"));
    spec.writable = vec![folder.to_owned()];
    Ok(spec)
}
