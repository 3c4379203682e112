//! Bubblewrap: namespaces of its own, everything read-only but what is writable, nothing of what is hidden.

use super::super::{Network, Spec};
use super::view::{Sight, TEMPORARY, View};
use super::{Tried, first_line, probe, remembered};
use crate::env;
use redgreen_core::id::Digest;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// A bubblewrap that works here, and what of it works.
#[derive(Debug, Clone)]
pub(super) struct Bubblewrap {
    /// The program.
    pub(super) program: PathBuf,
    /// What it says of itself, such as `bubblewrap 0.8.0`.
    pub(super) version: String,
    /// Digest of the program.
    pub(super) digest: Option<Digest>,
    /// What can be used of it.
    pub(super) shape: Shape,
}

/// What can be used: decided by trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// A user namespace of its own.
    user: bool,
    /// No further user namespaces inside (bubblewrap 0.8).
    closed: bool,
    /// A network namespace of its own.
    pub(super) network: bool,
    /// A `/proc` of its own: containers often forbid it. Without one the outer `/proc` is shown, and the user namespace
    /// keeps its processes from being read or written.
    proc: bool,
    /// Permissions of new folders can be given (bubblewrap 0.5).
    permissions: bool,
}

const ALL: Shape = Shape {
    user: true,
    closed: true,
    network: true,
    proc: true,
    permissions: true,
};

/// Where a folder for temporary files has more entries, only those that lead to something a command is given are shown:
/// bubblewrap reads the whole list of mounts for each one (70 of them cost 50 ms, 30 cost 5).
const MOST_ENTRIES: usize = 40;

/// Finds and tries it; the reason why there is none otherwise.
pub(super) fn find() -> Result<Bubblewrap, Tried> {
    let Some(program) = env::find_program("bwrap").map(|program| program.real) else {
        return Err(Tried {
            why: "`bwrap` is not installed".to_owned(),
            help: "install bubblewrap (Debian, Ubuntu, Fedora: the package `bubblewrap`)"
                .to_owned(),
        });
    };
    let bytes = std::fs::read(&program).ok();
    let digest = bytes.as_deref().map(Digest::of);
    let found = |version, shape| Bubblewrap {
        program: program.clone(),
        version,
        digest,
        shape,
    };
    let tried_before = digest.map(|digest| remembered::key(&program, digest));
    if let Some(version) = tried_before.as_ref().and_then(remembered::version) {
        return Ok(found(version, ALL));
    }
    let mut shape = ALL;
    let mut first = None;
    // Each failure names the part that is not there; at most every part is given up once.
    for _ in 0..6 {
        let candidate = found(String::new(), shape);
        let said = match probe::forbidden_things(&|spec, program| candidate.wrapped(spec, program))
        {
            Ok(()) => {
                let version = version_of(&program);
                if let (true, Some(key)) = (shape == ALL, &tried_before) {
                    remembered::keep(key, &version);
                }
                return Ok(found(version, shape));
            }
            Err(said) => said,
        };
        match shape.without_what_failed(&said) {
            Some(less) => shape = less,
            None => return Err(tried(first.as_deref().unwrap_or(&said))),
        }
        first.get_or_insert(said);
    }
    Err(tried(first.as_deref().unwrap_or_default()))
}

fn version_of(program: &Path) -> String {
    let mut spec = Spec::unisolated(
        "bwrap --version",
        vec![
            program.to_string_lossy().into_owned(),
            "--version".to_owned(),
        ],
        "/",
    );
    spec.env = [("PATH".to_owned(), env::path())].into();
    spec.end_leftovers = false;
    super::super::run(&spec)
        .map(|finished| first_line(&finished.stdout_text()))
        .unwrap_or_default()
}

/// What bubblewrap said, and what to do about it.
fn tried(said: &str) -> Tried {
    let help = if said.contains("uid map") || said.contains("RTM_NEWADDR") {
        "AppArmor restricts user namespaces (Ubuntu 24.04): load its profile `bwrap-userns-restrict`, or \
         `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`"
    } else if said.contains("No space left") || said.contains("max_user_namespaces") {
        "user namespaces are switched off: `sudo sysctl -w user.max_user_namespaces=15000`"
    } else if said.contains("namespace")
        || said.contains("not permitted")
        || said.contains("denied")
    {
        "in a container, start it with `--security-opt seccomp=unconfined --security-opt apparmor=unconfined \
         --security-opt systempaths=unconfined`; on Debian `sudo sysctl -w kernel.unprivileged_userns_clone=1`"
    } else {
        "see docs/concept/isolation.md"
    };
    let why = if said.is_empty() {
        "`bwrap` does not hold what it must".to_owned()
    } else {
        format!("`bwrap` does not work here: {said}")
    };
    Tried {
        why,
        help: help.to_owned(),
    }
}

impl Shape {
    /// The next smaller shape after bubblewrap said why it cannot; `None` when nothing is left to give up.
    fn without_what_failed(self, said: &str) -> Option<Self> {
        let named = |words: &[&str]| words.iter().any(|word| said.contains(word));
        let mut less = self;
        if self.permissions && named(&["--perms"]) {
            less.permissions = false;
        } else if self.network && named(&["RTM_", "loopback", "NETLINK", "netlink"]) {
            less.network = false;
        } else if self.proc && self.user && named(&["mount proc"]) {
            less.proc = false;
            less.closed = false;
        } else if self.closed && named(&["disable-userns", "max_user_namespaces", "userns"]) {
            less.closed = false;
        } else if self.user && self.proc {
            less.user = false;
            less.closed = false;
        } else {
            return None;
        }
        Some(less)
    }
}

/// The number of whoever [`Spec::ordinary_user`] is.
const ORDINARY_USER: &str = "1000";

impl Bubblewrap {
    /// Whether it lies where the command may write: then it is not to be trusted.
    pub(super) fn is_within_reach(&self, view: &View) -> bool {
        view.of_path(&self.program) != Sight::Shown
    }

    /// The command line that runs a command inside.
    pub(super) fn wrapped(&self, spec: &Spec, program: &Path) -> Vec<OsString> {
        let view = View::of(spec, program);
        let mut line = Line(vec![self.program.clone().into()]);
        self.namespaces(spec, &view, &mut line);
        line.add(&["--ro-bind", "/", "/", "--dev", "/dev"]);
        if self.shape.proc {
            line.add(&["--proc", "/proc"]);
        }
        for folder in TEMPORARY {
            self.own_temporary_folder(Path::new(folder), &view, &mut line);
        }
        for (path, sight) in view.changes() {
            let in_devices = path.starts_with("/dev");
            match sight {
                Sight::Hidden if path.is_dir() => {
                    line.add(&["--tmpfs"]);
                    line.path(path);
                }
                Sight::Hidden => {
                    line.add(&["--ro-bind", "/dev/null"]);
                    line.path(path);
                }
                Sight::Shown if in_devices => line.bind("--dev-bind", path),
                Sight::Writable if in_devices => line.bind("--dev-bind", path),
                Sight::Shown => line.bind("--ro-bind", path),
                Sight::Writable => line.bind("--bind", path),
            }
        }
        for (source, target) in &spec.mounts {
            line.add(&["--bind"]);
            line.path(source);
            line.path(target);
        }
        line.add(&["--chdir"]);
        line.path(&spec.cwd);
        line.add(&["--"]);
        line.path(program);
        line.0.extend(spec.argv.iter().skip(1).map(OsString::from));
        line.0
    }

    fn namespaces(&self, spec: &Spec, view: &View, line: &mut Line) {
        line.add(&["--unshare-pid", "--unshare-ipc", "--unshare-uts"]);
        line.add(&["--die-with-parent", "--new-session", "--cap-drop", "ALL"]);
        if self.shape.user || spec.ordinary_user {
            line.add(&["--unshare-user"]);
        }
        if spec.ordinary_user {
            line.add(&["--uid", ORDINARY_USER, "--gid", ORDINARY_USER]);
        }
        if self.shape.closed && !view.nested {
            line.add(&["--disable-userns"]);
        }
        match spec.network {
            Network::Private | Network::Closed if self.shape.network => {
                line.add(&["--unshare-net"]);
            }
            Network::Private | Network::Closed | Network::Host => {}
        }
    }

    /// An empty folder for temporary files over the machine's, in which what was there can be read.
    fn own_temporary_folder(&self, folder: &Path, view: &View, line: &mut Line) {
        if view.of_path(folder) != Sight::Shown || !folder.is_dir() || folder.is_symlink() {
            return;
        }
        if self.shape.permissions {
            line.add(&["--perms", "1777"]);
        }
        line.add(&["--tmpfs"]);
        line.path(folder);
        let entries: Vec<std::fs::DirEntry> = std::fs::read_dir(folder)
            .map(|entries| entries.filter_map(Result::ok).collect())
            .unwrap_or_default();
        let all = entries.len() <= MOST_ENTRIES;
        for entry in entries {
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            let path = entry.path();
            // Sockets, and folders that hold them, lead to agents and displays of the user.
            let name = entry.file_name();
            let leads_out = [
                "ssh-",
                "tmux-",
                "gpg-",
                ".X",
                ".ICE",
                "dbus-",
                "pulse-",
                "systemd-private",
            ]
            .iter()
            .any(|start| name.to_string_lossy().starts_with(start));
            let needed = all || view.places.keys().any(|place| place.starts_with(&path));
            if leads_out || !needed || view.places.contains_key(&path) {
                continue;
            }
            if kind.is_symlink() {
                if let Ok(target) = std::fs::read_link(&path) {
                    line.add(&["--symlink"]);
                    line.path(&target);
                    line.path(&path);
                }
            } else if kind.is_dir() || kind.is_file() {
                line.bind("--ro-bind-try", &path);
            }
        }
        // A place right in this folder is not "another than around it" when it is shown, but it is not there yet.
        for (path, &sight) in &view.places {
            if sight == Sight::Shown && path.parent() == Some(folder) {
                line.bind("--ro-bind", path);
            }
        }
    }
}

/// A command line that grows.
struct Line(Vec<OsString>);

impl Line {
    fn add(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(OsString::from));
    }
    fn path(&mut self, path: impl AsRef<OsStr>) {
        self.0.push(path.as_ref().to_owned());
    }
    fn bind(&mut self, how: &str, path: &Path) {
        self.add(&[how]);
        self.path(path);
        self.path(path);
    }
}
