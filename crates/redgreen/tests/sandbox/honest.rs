//! What honest projects do must work inside, at every level.

use super::{as_nobody, is_root, levels, shell};
use redgreen_host::process::{Isolation, run};

const PROGRAM: &str = r##"
import json, locale, multiprocessing, os, pathlib, pty, socket, sqlite3, subprocess, sys, tempfile, threading, time
from multiprocessing import shared_memory

def double(n):
    return 2 * n

def shared():
    block = shared_memory.SharedMemory(create=True, size=16)
    block.buf[0] = 7
    block.close(); block.unlink()

def pool():
    with multiprocessing.Pool(2) as workers:
        assert workers.map(double, [1, 2]) == [2, 4]

def spawned():
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    queue.put(1)
    assert queue.get(timeout=60) == 1

def loopback():
    for family, host in [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "localhost")]:
        server = socket.socket(family); server.bind((host, 0)); server.listen()
        socket.create_connection(server.getsockname(), 10).close()
        server.close()

def unix_socket():
    path = os.path.join(tempfile.mkdtemp(), "s")
    server = socket.socket(socket.AF_UNIX); server.bind(path); server.listen()
    client = socket.socket(socket.AF_UNIX); client.connect(path)

def shell():
    assert subprocess.check_output("echo $((1+1)) | cat", shell=True) == b"2\n"

def terminal():
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp("tty", ["tty"])
    assert os.read(fd, 100).startswith(b"/dev/pts")
    os.waitpid(pid, 0)

def home():
    for name in [".config/app", ".cache/app", ".local/share/app", ".hypothesis"]:
        folder = pathlib.Path.home() / name
        folder.mkdir(parents=True); (folder / "file").write_text("x")

def temporary():
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("x")
    name = "/tmp/honest-%d" % os.getpid()
    if os.environ["FIXED"] == "yes":
        pathlib.Path(name).write_text("x"); os.remove(name)

def devices():
    open("/dev/null", "w").write("x"); assert os.urandom(2) and open("/dev/urandom", "rb").read(1)

def git():
    folder = tempfile.mkdtemp()
    run = lambda *words: subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=folder, check=True, capture_output=True)
    run("init"); pathlib.Path(folder, "f").write_text("x"); run("add", "f"); run("commit", "-m", "m"); run("log")

def words_and_times():
    locale.setlocale(locale.LC_ALL, "C.UTF-8"); "ä".encode(sys.getfilesystemencoding())
    os.environ["TZ"] = "Europe/Vienna"; time.tzset(); time.localtime(0)

def database():
    path = os.path.join(os.getcwd(), "data.db")
    one = sqlite3.connect(path); one.execute("pragma journal_mode=wal"); one.execute("create table t(x)"); one.commit()
    assert sqlite3.connect(path).execute("select count(*) from t").fetchone() == (0,)

def threads():
    many = [threading.Thread(target=time.sleep, args=(0.01,)) for _ in range(50)]
    [t.start() for t in many]; [t.join() for t in many]

def permissions():
    path = os.path.join(os.getcwd(), "tool"); open(path, "w").write("#!/bin/sh\nexit 0\n"); os.chmod(path, 0o755); subprocess.check_call([path])
    os.rename(path, path + "2"); os.link(path + "2", path); os.symlink(path, path + "3"); os.utime(path, (1, 1))

def signals():
    child = subprocess.Popen(["sleep", "100"]); child.terminate(); assert child.wait(60) == -15
    os.kill(os.getpid(), 0)

def listing():
    assert os.listdir(os.getcwd()) and os.listdir("/usr/bin") and os.listdir("/proc/self/fd")
    assert os.path.realpath(".") == os.getcwd()

if __name__ == "__main__":
    failed = {}
    for row in [shared, pool, spawned, loopback, unix_socket, shell, terminal, home, temporary, devices, git, words_and_times, database, threads, permissions, signals, listing]:
        try:
            row()
        except BaseException as error:
            failed[row.__name__] = "%s: %s" % (type(error).__name__, error)
    print(json.dumps(failed))
    sys.exit(1 if failed else 0)
"##;

fn everything() {
    for level in levels() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("honest.py"), PROGRAM).unwrap();
        let mut spec = shell(level, "exec /usr/bin/env python3 honest.py", folder.path());
        // The ordinary user of this test has a home in /tmp. Landlock cannot hide it and leave /tmp writable, so there
        // only `TMPDIR` is.
        let fixed = if is_root() || level != Isolation::Landlock {
            "yes"
        } else {
            "no"
        };
        spec.env.insert("FIXED".to_owned(), fixed.to_owned());
        let finished = run(&spec).unwrap();
        assert_eq!(finished.isolation, level);
        assert!(
            finished.success(),
            "{level:?}: {}{}",
            finished.stdout_text(),
            finished.stderr_text()
        );
        assert_eq!(finished.left_behind, 0, "{level:?}");
    }
    assert_eq!(levels()[0], Isolation::Process);
}

#[test]
fn c6_what_honest_projects_do_works_at_every_level() {
    everything();
}

#[test]
#[ignore = "a program that a test starts"]
fn program_everything() {
    assert!(!is_root());
    everything();
}

#[test]
fn c6_what_honest_projects_do_works_at_every_level_as_an_ordinary_user() {
    as_nobody("honest::program_everything");
}
