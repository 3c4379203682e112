//! What this process knows of the machine it protects: private folders, the checkout, and what the configuration opens.

use super::super::Network;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// `[sandbox]` of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SandboxSettings {
    /// Folders and files that commands may read although they lie in a hidden place.
    pub readable: Vec<PathBuf>,
    /// Folders and files that every command may write.
    pub writable: Vec<PathBuf>,
    /// The network of project commands; `None` for the default of each kind of command.
    pub network: Option<Network>,
    /// Whether a command may make user namespaces of its own (a browser's sandbox, an agent's).
    pub nested: bool,
}

/// All of it, for one command.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// Private state and git folders: no command sees them.
    pub(super) hidden: BTreeSet<PathBuf>,
    /// Checkouts that are worked on.
    pub(super) checkouts: BTreeSet<PathBuf>,
    /// The configuration.
    pub(super) settings: SandboxSettings,
}

static KNOWN: Mutex<Option<Known>> = Mutex::new(None);

fn change(with: impl FnOnce(&mut Known)) {
    with(
        KNOWN
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(Known::default),
    );
}

pub(super) fn known() -> Known {
    KNOWN
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
        .unwrap_or_default()
}

/// From now on no isolated command sees this folder, except the parts that it is given by name.
pub fn keep_out_of(folder: &Path) {
    if let Ok(real) = std::fs::canonicalize(folder) {
        change(|known| {
            known.hidden.insert(real);
        });
    }
}

/// From now on isolated commands may read this checkout, also where it lies in the user's home. Its git folder is
/// hidden: it holds later commits, locks and evidence.
pub fn may_read_checkout(top: &Path, git_folder: &Path) {
    if let Ok(real) = std::fs::canonicalize(top) {
        change(|known| {
            known.checkouts.insert(real);
        });
    }
    keep_out_of(git_folder);
}

/// What the configuration says, for every command that starts from now on.
pub fn configure_sandbox(settings: SandboxSettings) {
    change(|known| known.settings = settings);
}

/// The network that project commands get here: what is configured, or the machine's own where a command cannot have one
/// of its own.
#[must_use]
pub fn project_network() -> Network {
    possible(known().settings.network.unwrap_or(Network::Private))
}

/// The network of a test command of the project's own (`kind = "junit"`): the machine's unless something else is
/// configured, because such a command fetches its dependencies as it likes.
#[must_use]
pub fn command_network() -> Network {
    possible(known().settings.network.unwrap_or(Network::Host))
}

fn possible(wanted: Network) -> Network {
    match wanted {
        Network::Private if super::available().network => Network::Private,
        Network::Private | Network::Host => Network::Host,
        Network::Closed => Network::Closed,
    }
}
