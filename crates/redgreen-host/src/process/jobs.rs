//! A record of running jobs on disk, so that the next start can end what a killed referee left (SPEC A9).

use super::leftovers::{self, Leader};
use crate::clock;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a command that ends by itself may take to do so.
const FINISH: Duration = Duration::from_secs(20);

/// Where jobs are recorded; nowhere until [`record_jobs_in`] was called.
static FOLDER: Mutex<Option<PathBuf>> = Mutex::new(None);

/// From now on every job is recorded in this folder for as long as it runs.
pub fn record_jobs_in(folder: &Path) {
    *FOLDER.lock().unwrap_or_else(PoisonError::into_inner) = Some(folder.to_owned());
}

/// The content of a record.
#[derive(Debug, Serialize, Deserialize)]
struct Job {
    /// Who supervises it.
    owner: i32,
    owner_started: u64,
    /// The first process of the job.
    leader: i32,
    leader_started: u64,
    /// What `REDGREEN_JOB` holds in it.
    tag: String,
    /// What it is.
    label: String,
    /// It is short and ends by itself, and what it writes must not be cut off: git, which leaves lock files behind when
    /// it is killed.
    #[serde(default)]
    let_finish: bool,
}

/// A job's record; removed when it is dropped.
pub(super) struct Record(Option<PathBuf>);

impl Record {
    /// Writes a record where a folder is set. A record that cannot be written is no reason not to run: the state
    /// folder reports its own faults.
    pub(super) fn write(leader: &Leader, label: &str, let_finish: bool) -> Self {
        let folder = FOLDER
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Some(folder) = folder else {
            return Self(None);
        };
        let owner = std::process::id().cast_signed();
        let job = Job {
            owner,
            owner_started: leftovers::start_time(owner),
            leader: leader.pid.as_raw_nonzero().get(),
            leader_started: leader.started,
            tag: leader.tag.clone(),
            label: label.to_owned(),
            let_finish,
        };
        let path = folder.join(format!("{}.json", leader.tag.replace('/', "+")));
        if let Ok(bytes) = serde_json::to_vec(&job) {
            // On a full disk an empty file may come of it; that one, too, goes with the job.
            let _ = std::fs::write(&path, bytes);
        }
        Self(Some(path))
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// What [`sweep`] found and ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Swept {
    /// Labels of the jobs whose referee is dead.
    pub jobs: Vec<String>,
    /// Processes that were ended.
    pub processes: u32,
}

/// Ends what dead referees left running, by the records in `folder`, and removes those records. Jobs of living
/// referees are left alone.
#[must_use]
pub fn sweep(folder: &Path) -> Swept {
    let mut swept = Swept::default();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return swept;
    };
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        let written = std::fs::read(&path)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Job>(&bytes).ok());
        // A referee that was killed while it wrote the record left the name only; its tag is enough.
        let Some(job) = written.or_else(|| job_of_name(&path)) else {
            continue;
        };
        if leftovers::lives(job.owner, job.owner_started) {
            continue;
        }
        swept.processes += end_job(&job);
        swept.jobs.push(job.label);
        let _ = std::fs::remove_file(&path);
    }
    swept
}

/// What the name of a record says: the tag, whose last part begins with the owner and its start time.
fn job_of_name(path: &Path) -> Option<Job> {
    let tag = path.file_stem()?.to_str()?.replace('+', "/");
    let mut parts = tag.rsplit('/').next()?.split('-');
    let owner = parts.next()?.parse().ok()?;
    let owner_started = parts.next()?.parse().ok()?;
    Some(Job {
        owner,
        owner_started,
        leader: 0,
        leader_started: 0,
        label: "a command".to_owned(),
        tag,
        let_finish: false,
    })
}

/// Ends the processes of a job whose referee is dead: its leader, what descends from it, its group, its tag.
fn end_job(job: &Job) -> u32 {
    let mut ended: BTreeSet<(i32, u64)> = BTreeSet::new();
    let asked = clock::monotonic();
    while job.let_finish
        && asked.elapsed() < FINISH
        && !leftovers::of_dead_job(job.leader, job.leader_started, &job.tag).is_empty()
    {
        clock::pause(Duration::from_millis(5));
    }
    for _ in 0..200 {
        let alive = leftovers::of_dead_job(job.leader, job.leader_started, &job.tag);
        if alive.is_empty() {
            break;
        }
        for process in &alive {
            ended.insert((process.pid, process.started));
            leftovers::kill(process);
        }
        clock::pause(Duration::from_millis(5));
    }
    u32::try_from(ended.len()).unwrap_or(u32::MAX)
}
