//! Who keeps services running for a person (`redgreen services up`): one small file each, removed at its end.

use crate::process::{own_start_time, process_lives};
use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long one that was asked to end is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    process: i32,
    started: u64,
    names: Vec<String>,
    variables: BTreeMap<String, String>,
}

/// A process that keeps services running.
#[derive(Debug)]
pub struct Holder {
    record: Record,
    /// Set for our own: the file goes with us.
    own: Option<PathBuf>,
}

impl Holder {
    /// Tells others that we keep these services running, for as long as this value lives.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(
        folder: &Path,
        names: &[String],
        variables: &BTreeMap<String, String>,
    ) -> std::io::Result<Self> {
        let record = Record {
            process: std::process::id().cast_signed(),
            started: own_start_time(),
            names: names.to_vec(),
            variables: variables.clone(),
        };
        std::fs::create_dir_all(folder)?;
        let path = folder.join(format!("{}.json", record.process));
        let bytes = serde_json::to_vec(&record)?;
        crate::state::write_atomically(&path, &bytes).map_err(std::io::Error::other)?;
        Ok(Self {
            record,
            own: Some(path),
        })
    }

    /// Its services.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.record.names
    }

    /// Its process number.
    #[must_use]
    pub fn process(&self) -> i32 {
        self.record.process
    }

    /// Where its services are found.
    #[must_use]
    pub fn variables(&self) -> &BTreeMap<String, String> {
        &self.record.variables
    }

    /// For `--format json`.
    #[must_use]
    pub fn document(&self) -> serde_json::Value {
        serde_json::json!({
            "names": self.record.names,
            "process": self.record.process,
            "variables": self.record.variables,
        })
    }

    fn lives(&self) -> bool {
        process_lives(self.record.process, self.record.started)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        if let Some(path) = &self.own {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Those that live. Files of dead ones are removed.
#[must_use]
pub fn list(folder: &Path) -> Vec<Holder> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let record = std::fs::read(&path)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Record>(&bytes).ok());
        let Some(record) = record else { continue };
        let holder = Holder { record, own: None };
        if holder.lives() {
            found.push(holder);
        } else {
            let _ = std::fs::remove_file(&path);
        }
    }
    found.sort_by_key(Holder::process);
    found
}

/// Asks every one that lives to end, and waits for it. Returns how many ended.
#[must_use]
pub fn end_all(folder: &Path) -> usize {
    let holders = list(folder);
    for holder in &holders {
        if let Some(pid) = Pid::from_raw(holder.process())
            && holder.lives()
        {
            let _ = rustix::process::kill_process(pid, Signal::TERM);
        }
    }
    let asked = crate::clock::monotonic();
    while holders.iter().any(Holder::lives) && asked.elapsed() < PATIENCE {
        crate::clock::pause(Duration::from_millis(10));
    }
    holders.iter().filter(|holder| !holder.lives()).count()
}
