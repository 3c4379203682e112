//! One row per attempt and level. What a level allows by its nature stands in the table, so that it cannot be forgotten.

use super::{as_nobody, is_root, levels, shell};
use redgreen_host::process::{Isolation, Network, run};
use std::collections::BTreeMap;
use std::fs;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};

/// What surrounds a command: a checkout that it may read, its own clone, and what it must not see.
struct World {
    root: tempfile::TempDir,
}

/// `(name, script)`: ends with 0 when the attempt worked. `$R` the world, `$P` the referee's process, `$A` the name of an
/// abstract socket, `$T` a port on loopback.
const WRITES: &[(&str, &str)] = &[
    ("sed -i", "sed -i s/1/2/ $R/checkout/tests/test_a.py"),
    ("append", "echo x >> $R/checkout/tests/test_a.py"),
    ("truncate", ": > $R/checkout/tests/test_a.py"),
    (
        "truncate by name",
        "truncate -s 0 $R/checkout/tests/test_a.py",
    ),
    ("rm", "rm -f $R/checkout/tests/test_a.py"),
    ("create", "echo x > $R/checkout/tests/test_new.py"),
    ("mkdir", "mkdir $R/checkout/tests/new"),
    ("mv tests", "mv $R/checkout/tests $R/checkout/other"),
    ("mv the parent", "mv $R/checkout $R/other"),
    (
        "cp over by rename",
        "echo x > $R/clone/x && mv $R/clone/x $R/checkout/tests/test_a.py",
    ),
    (
        "hard link",
        "ln $R/checkout/tests/test_a.py $R/clone/hard && echo x >> $R/clone/hard",
    ),
    (
        "symlink and write through",
        "ln -sf $R/checkout/tests/test_a.py $R/clone/soft && echo x >> $R/clone/soft",
    ),
    ("root conftest.py", "echo x > $R/checkout/conftest.py"),
    (
        ".git/hooks",
        "echo x > $R/checkout/.git/hooks/post-checkout",
    ),
    (
        "through /proc/self/root",
        "echo x >> /proc/self/root$R/checkout/tests/test_a.py",
    ),
    (
        "through the referee's root",
        "echo x >> /proc/$P/root$R/checkout/tests/test_a.py",
    ),
    (
        "through the referee's folder",
        "echo x >> /proc/$P/cwd/anything && rm /proc/$P/cwd/anything",
    ),
    ("another task's clone", "echo x >> $R/state/clones/T2/file"),
    ("the journal", "echo x >> $R/state/journals/plan.jsonl"),
    (
        "a new file of private state",
        "echo x > $R/state/journals/new && test -e $R/state/journals/plan.jsonl",
    ),
    (
        "bind over tests",
        "mkdir -p $R/clone/fake && mount --bind $R/clone/fake $R/checkout/tests",
    ),
    (
        "unshare and bind over tests",
        "mkdir -p $R/clone/fake && unshare -rm sh -c \"mount --bind $R/clone/fake $R/checkout/tests\"",
    ),
    ("remount", "mount -o remount,rw,bind / /"),
    ("umount what hides", "umount $R/state"),
    ("nsenter", "nsenter -t $P -m true"),
    ("chmod", "chmod 600 $R/checkout/tests/test_a.py"),
    (
        "touch -d",
        "touch -d 2001-01-01 $R/checkout/tests/test_a.py",
    ),
];

const READS: &[(&str, &str)] = &[
    ("the key", "cat $R/state/keys/ed25519"),
    (
        "the manifest of a lock",
        "cat $R/state/manifests/plan/T1.json",
    ),
    ("a hold-out", "cat $R/state/holdouts/test_hidden.py"),
    ("the journal", "cat $R/state/journals/plan.jsonl"),
    ("evidence", "cat $R/state/evidence/record.json"),
    ("another task's clone", "cat $R/state/clones/T2/file"),
    (
        "later commits of the repository",
        "cat $R/checkout/.git/objects/later",
    ),
    (
        "by a link",
        "ln -sf $R/state/keys/ed25519 $R/clone/key && cat $R/clone/key",
    ),
    (
        "by a hard link",
        "ln $R/state/keys/ed25519 $R/clone/key2 && cat $R/clone/key2",
    ),
    (
        "by /proc/self/root",
        "cat /proc/self/root$R/state/keys/ed25519",
    ),
    (
        "by the referee's root",
        "cat /proc/$P/root$R/state/keys/ed25519",
    ),
    (
        "the referee's memory",
        "head -1 /proc/$P/maps | grep -q . || : < /proc/$P/mem",
    ),
    (
        "the referee's variables",
        "tr '\\0' '\\n' < /proc/$P/environ | grep -q .",
    ),
    (
        "the referee's open files",
        "for f in /proc/$P/fd/*; do readlink $f && exit 0; done; exit 1",
    ),
    ("a signal to the referee", "kill -0 $P"),
    (
        "an inherited descriptor",
        "for f in 3 4 5 6 7 8 9 10 11 12; do if { : >&$f; } 2>/dev/null; then exit 0; fi; done; exit 1",
    ),
];

/// What works at a level although nobody wants it. The verdict holds all the same: what is judged is rebuilt from bytes.
fn by_nature(level: Isolation) -> &'static [&'static str] {
    match level {
        Isolation::Bubblewrap => &[],
        // Landlock does not mediate them; the owner may.
        Isolation::Landlock => &["chmod", "touch -d"],
        Isolation::Process => &[],
    }
}

impl World {
    fn new() -> Self {
        let world = Self {
            root: tempfile::Builder::new().prefix("world").tempdir().unwrap(),
        };
        for (path, text) in [
            ("checkout/tests/test_a.py", "assert 1\n"),
            ("checkout/.git/hooks/sample", ""),
            ("checkout/.git/objects/later", "secret\n"),
            ("clone/src.py", ""),
            ("state/keys/ed25519", "secret\n"),
            ("state/manifests/plan/T1.json", "secret\n"),
            ("state/holdouts/test_hidden.py", "secret\n"),
            ("state/journals/plan.jsonl", "secret\n"),
            ("state/evidence/record.json", "secret\n"),
            ("state/clones/T2/file", "secret\n"),
        ] {
            let path = world.path(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        world
    }
    fn path(&self, path: &str) -> PathBuf {
        self.root.path().canonicalize().unwrap().join(path)
    }
    /// Everything that is to stay as it is: bytes, mode and time of change by path.
    fn state(&self) -> BTreeMap<PathBuf, (Vec<u8>, u32, i64)> {
        let mut all = BTreeMap::new();
        let mut folders = vec![self.path("checkout"), self.path("state")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
                let meta = entry.metadata().unwrap();
                if meta.is_dir() {
                    folders.push(entry.path());
                }
                let bytes = fs::read(entry.path()).unwrap_or_default();
                all.insert(entry.path(), (bytes, meta.mode(), meta.mtime()));
            }
        }
        all
    }
    /// Runs a script at a level; whether it says that it worked, and what it printed.
    fn attempt(&self, level: Isolation, script: &str, more: &[(&str, String)]) -> (bool, String) {
        let mut spec = shell(level, script, &self.path("clone"));
        spec.hidden = vec![self.path("state"), self.path("checkout/.git")];
        let referee = std::process::id().to_string();
        spec.env.insert(
            "R".to_owned(),
            self.root
                .path()
                .canonicalize()
                .unwrap()
                .display()
                .to_string(),
        );
        spec.env.insert("P".to_owned(), referee);
        for (name, value) in more {
            spec.env.insert((*name).to_owned(), value.clone());
        }
        // A variable names what a command needs; `R` names what it tries to reach.
        let finished = run(&spec).unwrap();
        assert_eq!(finished.isolation, level, "{script}");
        let said = finished.stdout_text() + &finished.stderr_text();
        (finished.success(), said)
    }
}

/// All attempts at every level that forbids anything.
fn table() {
    let mut wrong = Vec::new();
    for level in levels() {
        if level == Isolation::Process {
            continue;
        }
        for (name, script) in WRITES {
            let world = World::new();
            let before = world.state();
            let (worked, said) = world.attempt(level, script, &[]);
            let changed = !world.path("checkout").is_dir() || world.state() != before;
            let allowed = by_nature(level).contains(name);
            // A mount inside its own namespace would be no change outside: neither may happen.
            if (worked || changed) != allowed {
                wrong.push(format!(
                    "{level:?}: {name}: worked {worked}, changed {changed}: {said}"
                ));
            }
        }
        for (name, script) in READS {
            let world = World::new();
            let (worked, said) = world.attempt(level, script, &[]);
            if worked || said.contains("secret") {
                wrong.push(format!("{level:?}: {name}: worked {worked}: {said}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn c6_every_escape_fails_at_every_level() {
    table();
}

#[test]
#[ignore = "a program that a test starts"]
fn program_table() {
    assert!(!is_root());
    table();
}

#[test]
fn c6_every_escape_fails_at_every_level_as_an_ordinary_user() {
    as_nobody("escapes::program_table");
}

/// The lowest level forbids none of it: the run says so in its first lines and in its report.
#[test]
fn c6_at_the_lowest_level_private_state_can_be_read_and_written() {
    levels();
    let world = World::new();
    for script in [
        "cat $R/state/keys/ed25519",
        "echo x >> $R/checkout/tests/test_a.py",
    ] {
        assert!(world.attempt(Isolation::Process, script, &[]).0, "{script}");
    }
}

#[test]
fn c6_the_network_is_what_was_asked_for() {
    let name = format!("redgreen-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _abstract = UnixListener::bind_addr(&address).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let tcp = format!("import socket; socket.create_connection(('127.0.0.1', {port}), 5)");
    let named = format!("import socket; s = socket.socket(socket.AF_UNIX); s.connect('\\0{name}')");
    let own = "import socket; l = socket.create_server(('127.0.0.1', 0)); socket.create_connection(l.getsockname(), 5)";
    let unix = "import socket; a, b = socket.socketpair(); a.send(b'x'); assert b.recv(1) == b'x'";
    let folder = tempfile::tempdir().unwrap();
    let works = |level: Isolation, network: Network, script: &str| {
        let mut spec = shell(
            level,
            "exec /usr/bin/env python3 -c \"$SCRIPT\"",
            folder.path(),
        );
        spec.env.insert("SCRIPT".to_owned(), script.to_owned());
        spec.network = network;
        let finished = run(&spec).unwrap();
        (finished.success(), finished.network)
    };
    levels();
    use Isolation::{Bubblewrap, Landlock, Process};
    use Network::{Closed, Host, Private};
    for (level, network, script, expected, used) in [
        (Bubblewrap, Private, tcp.as_str(), false, Private),
        (Bubblewrap, Private, named.as_str(), false, Private),
        (Bubblewrap, Private, own, true, Private),
        (Bubblewrap, Closed, tcp.as_str(), false, Closed),
        (Bubblewrap, Closed, unix, true, Closed),
        (Bubblewrap, Host, tcp.as_str(), true, Host),
        // Without namespaces loopback is allowed, and the result says so.
        (Landlock, Private, tcp.as_str(), true, Host),
        (Landlock, Private, own, true, Host),
        (Landlock, Private, named.as_str(), false, Host),
        (Landlock, Closed, tcp.as_str(), false, Closed),
        (Landlock, Closed, unix, true, Closed),
        (Process, Private, tcp.as_str(), true, Host),
    ] {
        assert_eq!(
            works(level, network, script),
            (expected, used),
            "{level:?} {network:?} {script}"
        );
    }
}

/// A `bwrap` that the command could write is not trusted: the level below is used instead.
#[test]
fn c6_a_bubblewrap_within_reach_is_not_used() {
    levels();
    let bubblewrap = redgreen_host::env::find_program("bwrap").unwrap().real;
    let folder = tempfile::tempdir().unwrap();
    let mut spec = shell(Isolation::Bubblewrap, "true", folder.path());
    spec.writable.push(bubblewrap.parent().unwrap().to_owned());
    assert_eq!(run(&spec).unwrap().isolation, Isolation::Landlock);
    assert!(Path::new(&bubblewrap).exists());
}
