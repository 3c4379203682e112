//! Landlock: a thread of the supervisor gives up everything but what the view shows, then starts the command. Needs no
//! privilege and no namespace (<https://docs.kernel.org/userspace-api/landlock.html>).
//!
//! It can only allow. So what is hidden is never named: the folders on the way to it are opened one by one, and cannot
//! be listed themselves. It does not mediate `chmod`, `utime` and connections to Unix sockets that lie in the file system.

use super::super::{Network, Spec};
use super::view::{Sight, TEMPORARY, View};
use landlock::{
    ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible as _, PathBeneath, PathFd,
    Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetStatus, Scope,
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What a command is confined to, handed to the supervisor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Confinement {
    /// The version of Landlock's interface whose rights are used; 0 for no Landlock.
    pub(crate) abi: u8,
    /// May be read and executed, with everything below.
    pub(crate) readable: Vec<PathBuf>,
    /// May be written as well.
    pub(crate) writable: Vec<PathBuf>,
    /// Files and devices that may be written, and nothing made.
    pub(crate) devices: Vec<PathBuf>,
    /// No sockets but those of the file system.
    pub(crate) no_network: bool,
    /// At most this many processes and threads of the user more than there are; 0 for no limit.
    pub(crate) processes: u64,
}

/// Versions that are used, best first. Below 3 a file can be truncated that cannot be written, below 6 signals reach
/// processes outside.
const VERSIONS: [u8; 2] = [6, 3];

/// The best version whose every right the kernel enforces; `None` without Landlock.
pub(super) fn version() -> Option<u8> {
    VERSIONS
        .into_iter()
        .find(|&version| ruleset(version).is_ok())
}

fn rights(version: u8) -> ABI {
    if version >= 6 { ABI::V6 } else { ABI::V3 }
}

/// An empty ruleset that handles every right of a version but `ioctl` on devices: terminals need it.
fn ruleset(version: u8) -> Result<RulesetCreated, landlock::RulesetError> {
    let mut handled = AccessFs::from_all(rights(version));
    handled.remove(AccessFs::IoctlDev);
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(handled)?;
    let scopes = Scope::from_all(rights(version));
    if scopes.is_empty() {
        ruleset.create()
    } else {
        ruleset.scope(scopes)?.create()
    }
}

/// What a command is confined to by its view.
pub(super) fn confinement(spec: &Spec, program: &Path, version: u8) -> Confinement {
    let view = View::of(spec, program);
    let mut confinement = Confinement {
        abi: version,
        no_network: spec.network == Network::Closed,
        processes: spec.processes,
        ..Confinement::default()
    };
    open(Path::new("/"), Sight::Shown, &view, &mut confinement);
    for device in [
        "/dev/null",
        "/dev/zero",
        "/dev/full",
        "/dev/tty",
        "/dev/random",
        "/dev/urandom",
        "/dev/ptmx",
    ] {
        confinement.devices.push(PathBuf::from(device));
    }
    for folder in ["/dev/shm", "/dev/pts", "/dev/mqueue"] {
        confinement.writable.push(PathBuf::from(folder));
    }
    for folder in TEMPORARY {
        if view.is_free(Path::new(folder)) {
            confinement.writable.push(PathBuf::from(folder));
        }
    }
    confinement
}

/// Allows a folder as a whole, or what lies in it one by one where something in it is hidden.
fn open(folder: &Path, sight: Sight, view: &View, confinement: &mut Confinement) {
    let below = |wanted: Sight| {
        view.places
            .iter()
            .any(|(path, &other)| other == wanted && path != folder && path.starts_with(folder))
    };
    if sight != Sight::Hidden && !below(Sight::Hidden) {
        match sight {
            Sight::Writable => confinement.writable.push(folder.to_path_buf()),
            Sight::Shown | Sight::Hidden => confinement.readable.push(folder.to_path_buf()),
        }
        // Below it only more can be allowed.
        for (path, &other) in &view.places {
            if other == Sight::Writable && path != folder && path.starts_with(folder) {
                confinement.writable.push(path.clone());
            }
        }
        return;
    }
    if sight == Sight::Hidden {
        // Only what was named is opened; the nearest names first, and what lies in them by their own turn.
        let mut last: Option<&Path> = None;
        for (path, &other) in &view.places {
            let inside = path != folder && path.starts_with(folder);
            if inside && last.is_none_or(|last| !path.starts_with(last)) {
                open(path, other, view, confinement);
                last = Some(path);
            }
        }
        return;
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        // A link would open what it leads to.
        if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
            continue;
        }
        let sight = view.places.get(&path).copied().unwrap_or(sight);
        open(&path, sight, view, confinement);
    }
}

/// Gives up everything but what the confinement names, for the calling thread and what it starts.
///
/// # Errors
/// Why it could not be enforced in full.
pub(crate) fn confine_this_thread(confinement: &Confinement) -> Result<(), String> {
    if confinement.abi > 0 {
        give_up_powers();
        let abi = rights(confinement.abi);
        let mut all = AccessFs::from_all(abi);
        all.remove(AccessFs::IoctlDev);
        let read = AccessFs::from_read(abi);
        let files = AccessFs::from_file(abi);
        let device: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::WriteFile;
        let mut rules = ruleset(confinement.abi).map_err(|error| error.to_string())?;
        for (paths, access) in [
            (&confinement.readable, read),
            (&confinement.writable, all),
            (&confinement.devices, device),
        ] {
            for path in paths {
                // What is gone meanwhile cannot be opened.
                let Ok(fd) = PathFd::new(path) else { continue };
                let access = if path.is_dir() {
                    access
                } else {
                    access & files & all
                };
                rules = rules
                    .add_rule(PathBeneath::new(fd, access))
                    .map_err(|error| format!("{}: {error}", path.display()))?;
            }
        }
        let status = rules.restrict_self().map_err(|error| error.to_string())?;
        if status.ruleset != RulesetStatus::FullyEnforced || !status.no_new_privs {
            return Err(format!("Landlock is only {:?}", status.ruleset));
        }
    }
    if confinement.no_network {
        close_the_network()?;
    }
    Ok(())
}

/// What root could use to look or act beside Landlock: reading the memory of others (`PERFMON`, `SYS_PTRACE`), opening
/// files by their number (`DAC_READ_SEARCH`), devices, the kernel. What a container usually has is kept; tests may need it.
fn give_up_powers() {
    use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};
    for power in [
        CapabilitySet::SYS_ADMIN,
        CapabilitySet::SYS_PTRACE,
        CapabilitySet::PERFMON,
        CapabilitySet::CHECKPOINT_RESTORE,
        CapabilitySet::BPF,
        CapabilitySet::DAC_READ_SEARCH,
        CapabilitySet::SYS_MODULE,
        CapabilitySet::SYS_RAWIO,
        CapabilitySet::SYS_BOOT,
        CapabilitySet::SYS_TIME,
        CapabilitySet::SYSLOG,
        CapabilitySet::NET_ADMIN,
        CapabilitySet::MKNOD,
        CapabilitySet::LINUX_IMMUTABLE,
        CapabilitySet::MAC_ADMIN,
        CapabilitySet::MAC_OVERRIDE,
    ] {
        // An ordinary user has none and may not drop any.
        let _ = remove_capability_from_bounding_set(power);
    }
}

/// Sockets of the internet and of the kernel cannot be made; nor the queue of requests through which they could be made
/// unseen.
fn close_the_network() -> Result<(), String> {
    use seccompiler::{
        SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    };
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let condition = SeccompCondition::new(
        0,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::Ne,
        u64::from(libc::AF_UNIX.unsigned_abs()),
    )
    .map_err(|error| said(&error))?;
    let rule = SeccompRule::new(vec![condition]).map_err(|error| said(&error))?;
    let filter = SeccompFilter::new(
        [
            (libc::SYS_socket, vec![rule]),
            (libc::SYS_io_uring_setup, Vec::new()),
        ]
        .into(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EACCES.unsigned_abs()),
        std::env::consts::ARCH
            .try_into()
            .map_err(|error: seccompiler::BackendError| said(&error))?,
    )
    .map_err(|error| said(&error))?;
    let program: seccompiler::BpfProgram = filter
        .try_into()
        .map_err(|error: seccompiler::BackendError| said(&error))?;
    seccompiler::apply_filter(&program).map_err(|error| said(&error))
}
