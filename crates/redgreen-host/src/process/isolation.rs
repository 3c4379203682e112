//! Which isolation is available, by trying the forbidden thing (SPEC C6), and how a command is wrapped in it.

use super::{Isolation, Spec};
use crate::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The best isolation that works here. Probed once per process.
#[must_use]
pub fn best_available() -> Isolation {
    match bubblewrap() {
        Some(_) => Isolation::Bubblewrap,
        None => Isolation::Process,
    }
}

fn bubblewrap() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            if env::isolation_is_process() {
                return None;
            }
            env::find_program("bwrap")
                .map(|program| program.real)
                .filter(|real| probe(real))
        })
        .as_deref()
}

/// Tries the forbidden thing: a write beside the writable folder must fail, one inside it must work, and the process
/// must not see ours.
fn probe(bwrap: &Path) -> bool {
    let Ok(folder) = crate::state::Temporary::new("isolation", None) else {
        return false;
    };
    let (inside, outside) = (folder.path().join("in"), folder.path().join("out"));
    if std::fs::create_dir(&inside).is_err() || std::fs::create_dir(&outside).is_err() {
        return false;
    }
    let script = format!(
        "echo probe > \"$1/written\" || exit 3; \
         if echo probe > \"$2/written\"; then exit 4; fi 2>/dev/null; \
         test ! -e /proc/{0}/stat || test \"$$\" != {0} || exit 5",
        std::process::id()
    );
    let mut spec = Spec::unisolated("isolation probe", Vec::new(), folder.path());
    spec.argv = vec!["/bin/sh".into(), "-c".into(), script, "sh".into()];
    spec.argv.push(inside.to_string_lossy().into_owned());
    spec.argv.push(outside.to_string_lossy().into_owned());
    spec.env = [("PATH".to_owned(), env::path())].into();
    spec.timeout = std::time::Duration::from_secs(20);
    spec.writable = vec![inside.clone()];
    let argv = wrapped(&spec, Path::new("/bin/sh"), bwrap);
    let Some(argv) = argv
        .into_iter()
        .map(|part| part.into_string().ok())
        .collect::<Option<Vec<String>>>()
    else {
        return false;
    };
    spec.argv = argv;
    super::run(&spec).is_ok_and(|finished| finished.success())
        && inside.join("written").exists()
        && !outside.join("written").exists()
}

/// The command to start and the isolation that it has. A `bwrap` that lies where the command may write is not used.
pub(super) fn wrap(spec: &Spec, program: &Path) -> (Vec<OsString>, Isolation) {
    let plain = || {
        std::iter::once(program.as_os_str().to_owned())
            .chain(spec.argv.iter().skip(1).map(OsString::from))
            .collect()
    };
    match spec.isolation {
        Isolation::Process => (plain(), Isolation::Process),
        Isolation::Bubblewrap => match bubblewrap() {
            Some(bwrap) if !within_reach(spec, bwrap) => {
                (wrapped(spec, program, bwrap), Isolation::Bubblewrap)
            }
            Some(_) | None => (plain(), Isolation::Process),
        },
    }
}

fn within_reach(spec: &Spec, bwrap: &Path) -> bool {
    bwrap.starts_with(&spec.cwd) || spec.writable.iter().any(|folder| bwrap.starts_with(folder))
}

fn wrapped(spec: &Spec, program: &Path, bwrap: &Path) -> Vec<OsString> {
    let mut argv: Vec<OsString> = vec![bwrap.into()];
    let mut add = |parts: &[&std::ffi::OsStr]| argv.extend(parts.iter().map(|&part| part.into()));
    let word = std::ffi::OsStr::new;
    add(&[word("--ro-bind"), word("/"), word("/")]);
    add(&[word("--dev"), word("/dev"), word("--proc"), word("/proc")]);
    add(&[
        word("--unshare-pid"),
        word("--die-with-parent"),
        word("--new-session"),
    ]);
    for folder in &spec.writable {
        add(&[word("--bind"), folder.as_os_str(), folder.as_os_str()]);
    }
    for (source, target) in &spec.mounts {
        add(&[word("--bind"), source.as_os_str(), target.as_os_str()]);
    }
    add(&[word("--chdir"), spec.cwd.as_os_str(), word("--")]);
    add(&[program.as_os_str()]);
    argv.extend(spec.argv.iter().skip(1).map(OsString::from));
    argv
}
