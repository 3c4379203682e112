//! A hold on a command that another thread runs: a service is a command that is not waited for.

use super::leftovers::{all_processes, descendants};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

/// Ends a running command, and tells what belongs to it.
#[derive(Debug, Clone, Default)]
pub struct Handle(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    leader: AtomicI32,
}

impl Handle {
    /// Asks the command to end: `SIGTERM` to its group, then `SIGKILL` after [`super::Spec::grace`].
    pub fn stop(&self) {
        self.0.stop.store(true, Ordering::SeqCst);
    }

    pub(super) fn stop_asked(&self) -> bool {
        self.0.stop.load(Ordering::SeqCst)
    }

    pub(super) fn started(&self, leader: i32) {
        self.0.leader.store(leader, Ordering::SeqCst);
    }

    /// Whether a process of the command listens on this port of loopback; `None` where the system does not tell whose
    /// the listener is.
    #[must_use]
    pub fn listens_on(&self, port: u16) -> Option<bool> {
        let sockets = listening(port)?;
        let leader = self.0.leader.load(Ordering::SeqCst);
        if sockets.is_empty() || leader == 0 {
            return Some(false);
        }
        let mut unreadable = false;
        let own = descendants(leader, &all_processes())
            .into_iter()
            .map(|process| process.pid)
            .chain([leader]);
        for pid in own {
            match sockets_of(pid) {
                Some(held) if !held.is_disjoint(&sockets) => return Some(true),
                Some(_) => {}
                None => unreadable = true,
            }
        }
        (!unreadable).then_some(false)
    }
}

/// Inodes of the sockets that listen on a port, on any address (proc_net_tcp(5)); `None` where there is no such table.
fn listening(port: u16) -> Option<BTreeSet<u64>> {
    const LISTEN: &str = "0A";
    let mut found = BTreeSet::new();
    let mut read = false;
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let Ok(text) = std::fs::read_to_string(table) else {
            continue;
        };
        read = true;
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (Some(local), Some(&state), Some(inode)) =
                (fields.get(1), fields.get(3), fields.get(9))
            else {
                continue;
            };
            let of_port = local
                .rsplit_once(':')
                .and_then(|(_, hex)| u16::from_str_radix(hex, 16).ok())
                == Some(port);
            if of_port && state == LISTEN {
                found.extend(inode.parse::<u64>().ok());
            }
        }
    }
    read.then_some(found)
}

/// Inodes of the sockets that a process holds; `None` when that may not be read.
fn sockets_of(pid: i32) -> Option<BTreeSet<u64>> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let inode = |entry: std::io::Result<std::fs::DirEntry>| {
        let target = std::fs::read_link(entry.ok()?.path()).ok()?;
        let text = target.to_str()?.strip_prefix("socket:[")?;
        text.strip_suffix(']')?.parse().ok()
    };
    Some(entries.filter_map(inode).collect())
}
