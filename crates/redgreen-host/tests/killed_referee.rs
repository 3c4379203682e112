//! A referee that is killed or interrupted, as a real process. The functions marked `ignore` are not tests: they are
//! the programs that the tests start (this executable again, with their name).
#![expect(clippy::unwrap_used, reason = "helpers of tests")]
#![expect(
    clippy::disallowed_methods,
    reason = "the referee under test is started and killed from outside"
)]

use redgreen_core::run_report::Ended;
use redgreen_host::process::{
    Isolation, Spec, record_jobs_in, run, supervise_with, supervisor_main, sweep,
};
use redgreen_host::{env, interrupt};
use rustix::process::{Pid, Signal};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

fn start(program: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([program, "--exact", "--ignored", "--nocapture"])
        .env("TEST_FOLDER", folder)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

fn folder() -> PathBuf {
    env::path_variable("TEST_FOLDER").unwrap()
}

fn long_command(folder: &Path) -> Spec {
    let script = "(setsid sh -c 'echo $$ > daemon.part; mv daemon.part daemon; exec sleep 300' &) ; \
                  echo $$ > leader.part; mv leader.part leader; exec sleep 300";
    let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
    let mut spec = Spec::new("long command", argv, folder);
    spec.env = env::child(folder, folder);
    // Bubblewrap would end everything with its parent: the lowest level is the one that needs the sweep.
    spec.isolation = Isolation::Process;
    spec
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "waited too long for {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn number_in(path: &Path) -> i32 {
    wait_for("a process number", || path.exists());
    std::fs::read_to_string(path)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

fn is_alive(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(')').unwrap().1.starts_with(" Z"))
}

fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.cast_signed()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

#[test]
#[ignore = "a program that a test starts"]
fn program_referee() {
    record_jobs_in(&folder().join("jobs"));
    run(&long_command(&folder())).unwrap();
}

#[test]
fn a9_what_a_killed_referee_left_running_is_ended_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let jobs = folder.path().join("jobs");
    std::fs::create_dir(&jobs).unwrap();
    let mut referee = start("program_referee", folder.path());
    let leader = number_in(&folder.path().join("leader"));
    let daemon = number_in(&folder.path().join("daemon"));
    // While the referee lives its jobs are its own.
    assert_eq!(sweep(&jobs).processes, 0);
    signal(referee.id(), Signal::KILL);
    referee.wait().unwrap();
    assert!(
        is_alive(leader) && is_alive(daemon),
        "nothing was left: the test shows nothing"
    );
    let swept = sweep(&jobs);
    assert_eq!(swept.jobs, ["long command"]);
    assert_eq!(swept.processes, 2);
    assert!(!is_alive(leader) && !is_alive(daemon));
    assert_eq!(std::fs::read_dir(&jobs).unwrap().count(), 0);
}

#[test]
#[ignore = "a program that a test starts"]
fn program_interrupted() {
    let folder = folder();
    interrupt::install(12).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !interrupt::stop_requested() {
                std::thread::sleep(Duration::from_millis(5));
            }
            std::fs::write(folder.join("asked"), "").unwrap();
        });
        let finished = run(&long_command(&folder)).unwrap();
        assert_eq!(finished.ended, Ended::Interrupted);
        // The listening thread exits the process.
        std::thread::sleep(Duration::from_secs(60));
    });
}

#[test]
fn a9_the_first_signal_asks_to_stop_and_the_second_ends_everything_now() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = start("program_interrupted", folder.path());
    let leader = number_in(&folder.path().join("leader"));
    let daemon = number_in(&folder.path().join("daemon"));
    signal(program.id(), Signal::INT);
    wait_for("the request to stop", || {
        folder.path().join("asked").exists()
    });
    assert!(is_alive(leader), "the first signal must not end what runs");
    signal(program.id(), Signal::TERM);
    assert_eq!(program.wait().unwrap().code(), Some(12));
    assert!(!is_alive(leader) && !is_alive(daemon));
}

#[test]
#[ignore = "a program that a test starts"]
fn program_supervisor() {
    std::process::exit(supervisor_main());
}

/// Commands of this process go through a supervisor from now on.
fn use_supervisor() {
    let own = std::env::current_exe().unwrap().into_os_string();
    let flags = [
        "program_supervisor",
        "--exact",
        "--ignored",
        "--nocapture",
        "--",
    ];
    supervise_with(std::iter::once(own).chain(flags.map(Into::into)).collect());
}

#[test]
#[ignore = "a program that a test starts"]
fn program_supervised_referee() {
    use_supervisor();
    run(&long_command(&folder())).unwrap();
}

#[test]
fn a9_a_supervised_tree_does_not_outlive_a_killed_referee() {
    let folder = tempfile::tempdir().unwrap();
    let mut referee = start("program_supervised_referee", folder.path());
    let leader = number_in(&folder.path().join("leader"));
    let daemon = number_in(&folder.path().join("daemon"));
    assert!(is_alive(leader) && is_alive(daemon));
    signal(referee.id(), Signal::KILL);
    referee.wait().unwrap();
    wait_for("the tree to be gone", || {
        !is_alive(leader) && !is_alive(daemon)
    });
}

#[test]
#[ignore = "a program that a test starts"]
fn program_supervised_commands() {
    use_supervisor();
    let folder = folder();
    let shell = |script: &str| {
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        let mut spec = Spec::new("supervised", argv, &folder);
        spec.env = env::child(&folder, &folder);
        spec.isolation = Isolation::Process;
        spec
    };
    let finished = run(&shell("exit 7")).unwrap();
    assert_eq!(finished.ended, Ended::Code(7));
    assert_eq!(run(&shell("kill -9 $$")).unwrap().ended, Ended::Signal(9));
    assert_eq!(run(&shell("kill -15 $$")).unwrap().ended, Ended::Signal(15));
    let mut spec = shell("cat");
    spec.stdin = b"through".to_vec();
    assert!(run(&spec).unwrap().stdout_text().ends_with("through"));
    let mut spec = shell("(setsid sleep 300 &) ; sleep 300");
    spec.timeout = Duration::from_millis(300);
    assert_eq!(run(&spec).unwrap().ended, Ended::TimedOut);
    let finished = run(&shell("(setsid sleep 300 >/dev/null 2>&1 &) ; sleep 0.1")).unwrap();
    assert_eq!((finished.ended, finished.left_behind), (Ended::Code(0), 1));
    // A tree that kills its own supervisor does not get away.
    let script = "(setsid sh -c 'echo $$ > daemon.part; mv daemon.part daemon; exec sleep 300' &) ; \
                  while ! test -e daemon; do :; done; kill -9 $PPID; sleep 300";
    let finished = run(&shell(script)).unwrap();
    assert_eq!(finished.ended, Ended::Signal(9));
    assert!(!is_alive(number_in(&folder.join("daemon"))));
    std::fs::write(folder.join("all-well"), "").unwrap();
}

#[test]
fn b1_supervised_commands_end_as_they_would_without() {
    let folder = tempfile::tempdir().unwrap();
    let status = start("program_supervised_commands", folder.path())
        .wait()
        .unwrap();
    assert!(status.success() && folder.path().join("all-well").exists());
}
