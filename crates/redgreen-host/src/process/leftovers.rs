//! What outlived its command: found in `/proc` and ended.
//!
//! We are a child subreaper, so every orphan of a job becomes our child. A process belongs to a job when it descends
//! from its leader, is in the leader's group or session, carries the job's tag in its environment, or is a child of
//! ours that left our process group and that no other living job can claim. The last rule is deliberately strict:
//! a daemon that hides its origin is ended by the first job that ends, because the tree must be gone before anything
//! is read (SPEC C6). It is counted against that job only when no other job could have started it.

use super::supervise::pid_of;
use crate::{clock, env};
use rustix::process::{Pid, Signal, WaitOptions};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

/// How long processes that are about to end by themselves (workers of a test runner) may take.
const SETTLE: Duration = Duration::from_millis(250);
/// How long we keep killing before we give up on a process that cannot be killed (uninterruptible sleep).
const PATIENCE: Duration = Duration::from_secs(10);

/// The first process of a job.
#[derive(Debug, Clone)]
pub(super) struct Leader {
    /// Its number, also the number of its group.
    pub(super) pid: Pid,
    /// When it was started, in clock ticks since boot; 0 where the system does not tell.
    pub(super) started: u64,
    /// What `REDGREEN_JOB` holds in it: `/`-separated tags, the outermost redgreen first.
    pub(super) tag: String,
    /// It is git plumbing, which leaves nothing behind.
    plumbing: bool,
}

/// Living leaders by process number.
static LEADERS: Mutex<BTreeMap<i32, Leader>> = Mutex::new(BTreeMap::new());
static OWN_EVERY_CHILD: AtomicBool = AtomicBool::new(false);

fn leaders() -> MutexGuard<'static, BTreeMap<i32, Leader>> {
    LEADERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Declares that nothing but this module spawns processes here: every unknown child is a leftover. For the `redgreen`
/// binary; test programs start children of their own.
pub fn own_every_child() {
    OWN_EVERY_CHILD.store(true, Ordering::SeqCst);
}

/// Makes orphans our children. Once per process.
pub(super) fn become_subreaper() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        #[cfg(target_os = "linux")]
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    });
}

/// A tag that no other job has: ours inside the one we run below.
pub(super) fn new_tag() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::SeqCst);
    let own = std::process::id();
    let started = start_time(own.cast_signed());
    let tag = format!("{own}-{started}-{count}");
    match env::outer_job() {
        Some(outer) => format!("{outer}/{tag}"),
        None => tag,
    }
}

/// Starts a process while no other thread can mistake it for a leftover.
pub(super) fn register(
    tag: String,
    plumbing: bool,
    mut spawn: impl FnMut() -> std::io::Result<Child>,
) -> std::io::Result<(Child, Leader)> {
    let mut leaders = leaders();
    let mut tries = 0;
    let child = loop {
        match spawn() {
            // A program that was written a moment ago: a process that another thread is just starting still holds
            // the descriptor it was written through.
            Err(why) if why.kind() == std::io::ErrorKind::ExecutableFileBusy && tries < 50 => {
                tries += 1;
                clock::pause(Duration::from_millis(5));
            }
            other => break other?,
        }
    };
    let pid = pid_of(&child).ok_or_else(|| std::io::Error::other("the process has no number"))?;
    let raw = pid.as_raw_nonzero().get();
    let leader = Leader {
        pid,
        started: start_time(raw),
        tag,
        plumbing,
    };
    leaders.insert(raw, leader.clone());
    Ok((child, leader))
}

/// Takes a leader that has been waited for off the list.
pub(super) fn forget(leader: &Leader) {
    leaders().remove(&leader.pid.as_raw_nonzero().get());
}

/// One process as `/proc/N/stat` tells it (proc_pid_stat(5)).
#[derive(Debug, Clone, Copy)]
pub(super) struct Process {
    pub(super) pid: i32,
    parent: i32,
    group: i32,
    session: i32,
    zombie: bool,
    pub(super) started: u64,
}

fn read_process(pid: i32) -> Option<Process> {
    let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let text = String::from_utf8_lossy(&text);
    // The name stands in parentheses and may hold anything, also parentheses.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<i32>().ok();
    Some(Process {
        pid,
        zombie: matches!(*fields.first()?, "Z" | "X"),
        parent: number(1)?,
        group: number(2)?,
        session: number(3)?,
        started: fields.get(19)?.parse().ok()?,
    })
}

/// When a process was started, in clock ticks since boot; 0 when it does not exist or the system does not tell.
pub(super) fn start_time(pid: i32) -> u64 {
    read_process(pid).map_or(0, |process| process.started)
}

/// When we were started, in clock ticks since boot.
pub(crate) fn own_start_time() -> u64 {
    start_time(std::process::id().cast_signed())
}

/// Whether a process with this number and start time lives (and is not a zombie).
pub(crate) fn lives(pid: i32, started: u64) -> bool {
    read_process(pid).is_some_and(|process| process.started == started && !process.zombie)
}

/// Every process that can be seen. Empty where there is no `/proc`.
pub(super) fn all_processes() -> Vec<Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(read_process)
        .collect()
}

/// The value of `REDGREEN_JOB` in a process; `None` when it has none or may not be read.
pub(super) fn tag_of(pid: i32) -> Option<String> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment
        .split(|&byte| byte == 0)
        .find_map(|pair| pair.strip_prefix(b"REDGREEN_JOB="))
        .map(|value| String::from_utf8_lossy(value).into_owned())
}

/// Whether a tag is the job's own or one from inside it.
pub(super) fn tag_is_within(tag: &str, job: &str) -> bool {
    tag.strip_prefix(job)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Adds every descendant of the processes in `found`, except the leaders of other jobs and what descends from them.
fn add_descendants(found: &mut BTreeSet<i32>, processes: &[Process], barred: &BTreeSet<i32>) {
    loop {
        let more: Vec<i32> = processes
            .iter()
            .filter(|process| {
                found.contains(&process.parent)
                    && !found.contains(&process.pid)
                    && !barred.contains(&process.pid)
            })
            .map(|process| process.pid)
            .collect();
        if more.is_empty() {
            return;
        }
        found.extend(more);
    }
}

/// The processes of a job, without its leader, and the numbers of those that another job may have started as well.
fn members(leader: &Leader) -> (Vec<Process>, BTreeSet<i32>) {
    // The list first, the leaders after: a leader that is in the list has been registered by then.
    let processes = all_processes();
    let others: BTreeMap<i32, Leader> = {
        let mut leaders = leaders().clone();
        leaders.remove(&leader.pid.as_raw_nonzero().get());
        leaders
    };
    let own = std::process::id().cast_signed();
    let lead = leader.pid.as_raw_nonzero().get();
    let own_group = rustix::process::getpgrp().as_raw_nonzero().get();
    let barred: BTreeSet<i32> = others.keys().copied().chain([own]).collect();
    let mut of_others = barred.clone();
    of_others.remove(&own);
    add_descendants(&mut of_others, &processes, &BTreeSet::new());

    let mut found = BTreeSet::from([lead]);
    let mut doubtful = BTreeSet::new();
    for process in &processes {
        if process.pid == own
            || of_others.contains(&process.pid)
            || process.started < leader.started
        {
            continue;
        }
        if process.group == lead || process.session == lead {
            found.insert(process.pid);
            continue;
        }
        let tag = tag_of(process.pid);
        let tagged = |job: &Leader| {
            tag.as_deref()
                .is_some_and(|tag| tag_is_within(tag, &job.tag))
        };
        if tagged(leader) {
            found.insert(process.pid);
            continue;
        }
        let claimed = others.values().any(|other| {
            let pid = other.pid.as_raw_nonzero().get();
            process.group == pid || process.session == pid || tagged(other)
        });
        let left_us = process.group != own_group || OWN_EVERY_CHILD.load(Ordering::SeqCst);
        if process.parent == own && left_us && !claimed {
            found.insert(process.pid);
            if others.values().any(|other| !other.plumbing) {
                doubtful.insert(process.pid);
            }
        }
    }
    add_descendants(&mut found, &processes, &barred);
    found.remove(&lead);
    add_descendants(&mut doubtful, &processes, &barred);
    let members = processes
        .into_iter()
        .filter(|process| found.contains(&process.pid))
        .collect();
    (members, doubtful)
}

/// Kills one process if it is still the one that was seen, and reaps it when it is our child.
pub(super) fn kill(process: &Process) {
    if let Some(pid) = Pid::from_raw(process.pid) {
        if !process.zombie && start_time(process.pid) == process.started {
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
        if process.parent == std::process::id().cast_signed() {
            // A number of a child that was not waited for cannot be reused, so this reaps the right one.
            let _ = rustix::process::waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
}

/// Stops one process if it is still the one that was seen.
fn stop(process: &Process) {
    if let Some(pid) = Pid::from_raw(process.pid)
        && !process.zombie
        && start_time(process.pid) == process.started
    {
        let _ = rustix::process::kill_process(pid, Signal::STOP);
    }
}

/// Ends what is left of a job and returns how many processes that were, and whether nothing of it is alive any more. With
/// `settle`, processes that are just ending get a moment and are not counted.
pub(super) fn end(leader: &Leader, settle: bool) -> (u32, bool) {
    let mut all_gone = true;
    let mut counted: BTreeSet<(i32, u64)> = BTreeSet::new();
    let start = clock::monotonic();
    let mut pause = Duration::from_millis(1);
    loop {
        let (members, doubtful) = members(leader);
        if members.is_empty() {
            break;
        }
        let alive = members.iter().any(|process| !process.zombie);
        let settling = settle && alive && start.elapsed() < SETTLE;
        if !settling {
            // A stopped process starts no other one while its siblings are being ended.
            members.iter().for_each(stop);
        }
        for process in &members {
            if process.zombie {
                kill(process);
            } else if !settling {
                if !doubtful.contains(&process.pid) {
                    counted.insert((process.pid, process.started));
                }
                kill(process);
            }
        }
        if start.elapsed() > PATIENCE {
            all_gone = !alive;
            break;
        }
        if alive {
            clock::pause(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        } else if members
            .iter()
            .all(|process| process.parent != std::process::id().cast_signed())
        {
            // Zombies of somebody else: dead already, and not ours to reap.
            break;
        }
    }
    (u32::try_from(counted.len()).unwrap_or(u32::MAX), all_gone)
}

/// The living processes of a job whose referee is dead.
pub(super) fn of_dead_job(leader: i32, leader_started: u64, tag: &str) -> Vec<Process> {
    let processes = all_processes();
    let own = std::process::id().cast_signed();
    let leader_lives = processes
        .iter()
        .any(|process| process.pid == leader && process.started == leader_started);
    let mut found: BTreeSet<i32> = processes
        .iter()
        .filter(|process| process.pid != own && process.started >= leader_started)
        .filter(|process| {
            (leader_lives && (process.group == leader || process.session == leader))
                || tag_of(process.pid).is_some_and(|other| tag_is_within(&other, tag))
        })
        .map(|process| process.pid)
        .collect();
    add_descendants(&mut found, &processes, &BTreeSet::from([own]));
    processes
        .into_iter()
        .filter(|process| !process.zombie && found.contains(&process.pid))
        .collect()
}

/// Every process below one, without zombies.
pub(super) fn descendants(of: i32, processes: &[Process]) -> Vec<Process> {
    let mut found = BTreeSet::from([of]);
    add_descendants(&mut found, processes, &BTreeSet::new());
    found.remove(&of);
    processes
        .iter()
        .filter(|process| !process.zombie && found.contains(&process.pid))
        .copied()
        .collect()
}
