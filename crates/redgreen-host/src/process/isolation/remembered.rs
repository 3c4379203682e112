//! That bubblewrap was tried here before and held everything: a probe costs three processes, and every gate would pay
//! for it.
//!
//! Remembered is only that *all* of it works. Then every command is wrapped in all of it and bubblewrap itself refuses
//! what it cannot do, so a wrong memory stops commands and never weakens one. It counts for the same program on the same
//! boot, user, namespaces and limits, for a day. Whoever requires a level (`--require-isolation`) has it tried anew.

use super::required;
use crate::process::Isolation;
use crate::{clock, state};
use redgreen_core::id::Digest;
use std::path::{Path, PathBuf};

/// For how many seconds a probe counts.
const DAY: u64 = 86_400;

/// What the result of a probe depends on.
pub(super) struct Key(String);

/// What is known of this process and this machine, with the program that was tried.
pub(super) fn key(program: &Path, digest: Digest) -> Key {
    let mut parts = vec![
        env!("CARGO_PKG_VERSION").to_owned(),
        program.display().to_string(),
        digest.to_string(),
    ];
    for file in [
        "/proc/sys/kernel/random/boot_id",
        "/proc/sys/user/max_user_namespaces",
        "/proc/sys/user/max_net_namespaces",
        "/proc/sys/kernel/unprivileged_userns_clone",
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "/proc/self/attr/current",
    ] {
        parts.push(std::fs::read_to_string(file).unwrap_or_default());
    }
    for namespace in ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"] {
        let link = std::fs::read_link(format!("/proc/self/ns/{namespace}"));
        parts.push(link.unwrap_or_default().display().to_string());
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let counts = [
        "Uid:",
        "Gid:",
        "NoNewPrivs:",
        "Seccomp:",
        "CapEff:",
        "CapBnd:",
    ];
    parts.extend(
        status
            .lines()
            .filter(|line| counts.iter().any(|name| line.starts_with(name)))
            .map(str::to_owned),
    );
    Key(Digest::of(parts.join("\0").as_bytes()).to_string())
}

fn file() -> Option<PathBuf> {
    Some(state::open_cache()?.join("isolation"))
}

/// What the program said of itself when it was tried and held everything; `None` where it has to be tried.
pub(super) fn version(key: &Key) -> Option<String> {
    if required() > Isolation::Process {
        return None;
    }
    let bytes = std::fs::read(file()?).ok()?;
    let text = std::str::from_utf8(state::unsealed(&bytes)?).ok()?;
    let mut lines = text.lines();
    let (kept, at, version) = (lines.next()?, lines.next()?, lines.next()?);
    // A clock that went back makes it a probe of the future: it does not count.
    let age = clock::now_unix().checked_sub(at.parse().ok()?)?;
    (kept == key.0 && age < DAY).then(|| version.to_owned())
}

/// Remembers it. Losing it costs a probe.
pub(super) fn keep(key: &Key, version: &str) {
    if let Some(file) = file() {
        let text = format!("{}\n{}\n{version}", key.0, clock::now_unix());
        let _ = state::write_sealed(&file, text.as_bytes());
    }
}
