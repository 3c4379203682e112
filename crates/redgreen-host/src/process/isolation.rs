//! The ladder of isolation (SPEC C6): which level works here, by trying the forbidden thing, and how a command is wrapped
//! in it.

mod bubblewrap;
mod home;
mod known;
#[cfg(target_os = "linux")]
pub(super) mod landlock;
mod probe;
mod remembered;
mod view;

pub use known::{
    SandboxSettings, command_network, configure_sandbox, keep_out_of, may_read_checkout,
    project_network,
};

use super::{Isolation, Network, Spec, supervisor};
use crate::env;
use bubblewrap::Bubblewrap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

/// What works on this machine, for reports and evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Available {
    /// The best level.
    pub level: Isolation,
    /// What provides it: `bubblewrap 0.8.0 sha256:…`, `Landlock 6`; nothing at the lowest level.
    pub mechanism: String,
    /// Whether a command can have a network of its own.
    pub network: bool,
    /// Why it is not a better level, each with what to do about it.
    pub reasons: Vec<Tried>,
}

/// A level that is not there: why, and the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Why, a lower-case fragment.
    pub why: String,
    /// What to do.
    pub help: String,
}

/// What was found, with the parts that are needed to use it.
struct Found {
    available: Available,
    bubblewrap: Option<Bubblewrap>,
    #[cfg(target_os = "linux")]
    landlock: Option<u8>,
}

static REQUIRED: Mutex<Isolation> = Mutex::new(Isolation::Process);

/// From now on no project command and no agent is started at a lower level. The highest level that was asked for counts.
pub fn require(level: Isolation) {
    let mut required = REQUIRED.lock().unwrap_or_else(PoisonError::into_inner);
    *required = level.max(*required);
}

/// The level that is required.
#[must_use]
pub fn required() -> Isolation {
    *REQUIRED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The best isolation that works here. Probed once per process.
#[must_use]
pub fn best_available() -> Isolation {
    available().level
}

/// What works here and why not more. Probed once per process.
#[must_use]
pub fn available() -> &'static Available {
    &found().available
}

fn found() -> &'static Found {
    static FOUND: OnceLock<Found> = OnceLock::new();
    FOUND.get_or_init(look)
}

#[cfg(target_os = "linux")]
fn look() -> Found {
    let limit = env::isolation_limit();
    let mut reasons = Vec::new();
    let asked = || Tried {
        why: format!("`REDGREEN_ISOLATION={}` asks for no more", limit.as_str()),
        help: "unset `REDGREEN_ISOLATION`".to_owned(),
    };
    let bubblewrap = if limit < Isolation::Bubblewrap {
        reasons.push(asked());
        None
    } else {
        bubblewrap::find().map_err(|tried| reasons.push(tried)).ok()
    };
    let landlock = if bubblewrap.is_some() || limit < Isolation::Landlock {
        None
    } else {
        find_landlock().map_err(|tried| reasons.push(tried)).ok()
    };
    let level = match (&bubblewrap, landlock) {
        (Some(_), _) => Isolation::Bubblewrap,
        (None, Some(_)) => Isolation::Landlock,
        (None, None) => Isolation::Process,
    };
    let mechanism = match (&bubblewrap, landlock) {
        (Some(found), _) => match &found.digest {
            Some(digest) => format!("{} {digest}", found.version),
            None => found.version.clone(),
        },
        (None, Some(version)) => format!("Landlock {version}"),
        (None, None) => String::new(),
    };
    Found {
        available: Available {
            level,
            mechanism,
            network: bubblewrap.as_ref().is_some_and(|found| found.shape.network),
            reasons,
        },
        bubblewrap,
        landlock,
    }
}

#[cfg(not(target_os = "linux"))]
fn look() -> Found {
    Found {
        available: Available {
            level: Isolation::Process,
            mechanism: String::new(),
            network: false,
            reasons: vec![Tried {
                why: "this system has neither bubblewrap nor Landlock".to_owned(),
                help: "run it on Linux (a virtual machine or WSL2) for a stronger level".to_owned(),
            }],
        },
        bubblewrap: None,
    }
}

#[cfg(target_os = "linux")]
fn find_landlock() -> Result<u8, Tried> {
    let Some(version) = landlock::version() else {
        return Err(Tried {
            why: "the kernel has no Landlock 3, or the container forbids it".to_owned(),
            help: "Linux 6.2 or newer, with `landlock` in `/sys/kernel/security/lsm`".to_owned(),
        });
    };
    if !supervisor::is_there() {
        return Err(Tried {
            why: "there is no supervisor to apply Landlock in".to_owned(),
            help: "use the `redgreen` program".to_owned(),
        });
    }
    probe::forbidden_things(&|spec, program| confined(spec, program, version)).map_err(|said| {
        Tried {
            why: format!("Landlock does not hold what it must: {said}"),
            help: "report it with the version of the kernel (`uname -r`)".to_owned(),
        }
    })?;
    Ok(version)
}

#[cfg(target_os = "linux")]
fn confined(spec: &Spec, program: &Path, version: u8) -> Vec<OsString> {
    let confinement = landlock::confinement(spec, program, version);
    supervisor::wrap(plain(spec, program), &confinement)
}

fn plain(spec: &Spec, program: &Path) -> Vec<OsString> {
    std::iter::once(program.as_os_str().to_owned())
        .chain(spec.argv.iter().skip(1).map(OsString::from))
        .collect()
}

/// The first line that says something.
fn first_line(text: &str) -> String {
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default()
        .to_owned()
}

/// The command to start, the isolation and the network that it has. A `bwrap` that lies where the command may write is
/// not used.
///
/// # Errors
/// A message when the command would run below the required level.
pub(super) fn wrap(
    spec: &Spec,
    program: &Path,
) -> Result<(Vec<OsString>, Isolation, Network), String> {
    let (argv, used, network) = at_its_level(spec, program);
    let required = required();
    if spec.isolation > Isolation::Process && used < required {
        return Err(format!(
            "it would run at the isolation level `{}`, and `{}` is required",
            used.as_str(),
            required.as_str()
        ));
    }
    Ok((argv, used, network))
}

fn at_its_level(spec: &Spec, program: &Path) -> (Vec<OsString>, Isolation, Network) {
    let own = |can: bool| match spec.network {
        Network::Private | Network::Closed if can => spec.network,
        Network::Private | Network::Closed | Network::Host => Network::Host,
    };
    if spec.isolation == Isolation::Bubblewrap
        && let Some(bubblewrap) = &found().bubblewrap
        && !bubblewrap.is_within_reach(&view::View::of(spec, program))
    {
        let network = own(bubblewrap.shape.network);
        let argv = bubblewrap.wrapped(spec, program);
        // The namespace ends with its command by itself; a supervisor is only needed for the limit.
        let argv = if spec.processes > 0 && supervisor::is_held_to_limits() {
            supervisor::limited(argv, spec.processes)
        } else {
            argv
        };
        return (argv, Isolation::Bubblewrap, network);
    }
    #[cfg(target_os = "linux")]
    if spec.isolation >= Isolation::Landlock
        && let Some(version) = landlock_version()
    {
        let network = if spec.network == Network::Closed {
            Network::Closed
        } else {
            Network::Host
        };
        return (
            confined(spec, program, version),
            Isolation::Landlock,
            network,
        );
    }
    let argv = plain(spec, program);
    let argv = if spec.end_leftovers {
        supervisor::limited(argv, spec.processes)
    } else {
        argv
    };
    (argv, Isolation::Process, Network::Host)
}

/// Landlock's version, also where bubblewrap works and a command asks for Landlock only.
#[cfg(target_os = "linux")]
fn landlock_version() -> Option<u8> {
    static FOUND: OnceLock<Option<u8>> = OnceLock::new();
    if env::isolation_limit() < Isolation::Landlock {
        return None;
    }
    *FOUND.get_or_init(|| found().landlock.or_else(|| find_landlock().ok()))
}
