//! The escape table (SPEC C6): every attempt at every level, as root and as an ordinary user; process trees that try to
//! stay; honest commands that must work inside.
//!
//! The functions marked `ignore` are not tests: they are programs that tests start, this executable again.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod escapes;
mod honest;
mod trees;

use redgreen_host::process::{Isolation, Network, Spec, available, supervise_with};
use std::path::{Path, PathBuf};
use std::process::Command;

/// An ordinary user that every system has.
const NOBODY: &str = "65534";

/// The levels that work here. All but the lowest must, or the tests of this file would say less than they seem to.
fn levels() -> [Isolation; 3] {
    supervise_with(vec![redgreen().into()]);
    assert_eq!(
        available().level,
        Isolation::Bubblewrap,
        "these tests need bubblewrap with user namespaces and Landlock: {:?}",
        available().reasons
    );
    Isolation::ALL
}

/// The supervisor: the binary under test, or its copy that an ordinary user can start.
fn redgreen() -> PathBuf {
    std::env::var_os("SANDBOX_REDGREEN").map_or_else(
        || PathBuf::from(env!("CARGO_BIN_EXE_redgreen")),
        PathBuf::from,
    )
}

/// A shell command in `folder`, which it may write.
fn shell(level: Isolation, script: &str, folder: &Path) -> Spec {
    let argv = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    let mut spec = Spec::new("test", argv, folder);
    let temporary = folder.join("tmp");
    std::fs::create_dir_all(&temporary).unwrap();
    spec.env = redgreen_host::env::child(folder, &temporary);
    spec.writable = vec![folder.to_owned()];
    spec.isolation = level;
    spec.network = Network::Private;
    spec
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

/// Runs a program of this file as the ordinary user, in a world that this user owns.
#[track_caller]
fn as_nobody(program: &str) {
    if !is_root() {
        // Then the test itself ran as an ordinary user.
        return;
    }
    let folder = tempfile::Builder::new().prefix("nobody").tempdir().unwrap();
    let (test, redgreen) = (folder.path().join("test"), folder.path().join("redgreen"));
    std::fs::copy(std::env::current_exe().unwrap(), &test).unwrap();
    std::fs::copy(self::redgreen(), &redgreen).unwrap();
    let own = folder.path().join("own");
    std::fs::create_dir(&own).unwrap();
    let id = NOBODY.parse().unwrap();
    std::os::unix::fs::chown(&own, Some(id), Some(id)).unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"])
        .arg(&test)
        .args([program, "--exact", "--ignored", "--nocapture"])
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", &own)
        .env("TMPDIR", &own)
        .env("SANDBOX_REDGREEN", &redgreen)
        .current_dir(&own)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "as uid {NOBODY}:\n{text}"
    );
}
