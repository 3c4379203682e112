use super::*;
use std::path::Path;

fn shell(script: &str, folder: &Path) -> Spec {
    let mut spec = Spec::new(
        "test",
        vec!["sh".into(), "-c".into(), script.into()],
        folder,
    );
    spec.env = crate::env::child(folder, folder);
    spec.writable = vec![folder.to_owned()];
    spec
}

fn pid_in(path: &Path) -> i32 {
    std::fs::read_to_string(path)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

fn is_alive(pid: i32) -> bool {
    leftovers::lives(pid, leftovers::start_time(pid))
}

#[test]
fn b1_exit_codes_signals_and_missing_commands_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let finished = run(&shell("echo out; echo err >&2; exit 7", folder.path())).unwrap();
    assert_eq!(finished.ended, Ended::Code(7));
    assert_eq!(finished.stdout, b"out\n");
    assert_eq!(finished.stderr, b"err\n");
    let mut killed = shell("kill -9 $$", folder.path());
    assert_eq!(run(&killed).unwrap().ended, Ended::Signal(9));
    killed.isolation = Isolation::Process;
    assert_eq!(run(&killed).unwrap().ended, Ended::Signal(9));
    let mut missing = shell("", folder.path());
    missing.argv = vec!["no-such-program-here".into()];
    assert!(matches!(run(&missing), Err(SpawnError::NotFound { .. })));
    let nowhere = shell("true", &folder.path().join("nowhere"));
    assert!(matches!(run(&nowhere), Err(SpawnError::Folder { .. })));
}

#[test]
fn c3_nothing_is_inherited_and_stdin_is_what_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = shell(
        "cat; env | cut -d= -f1 | sort | tr '\\n' ' '",
        folder.path(),
    );
    spec.stdin = vec![b'x'; 300_000];
    let text = run(&spec).unwrap().stdout_text();
    let names = text.trim_start_matches('x');
    assert_eq!(text.len() - names.len(), 300_000);
    assert!(!names.contains("CARGO"), "{names}");
    assert!(names.contains("REDGREEN_JOB") && names.contains("HOME"));
}

#[test]
fn b1_wall_idle_and_output_limits_end_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = shell("echo begun; sleep 300", folder.path());
    spec.timeout = Duration::from_millis(300);
    let finished = run(&spec).unwrap();
    assert_eq!(finished.ended, Ended::TimedOut);
    assert_eq!(finished.stdout, b"begun\n");
    assert_eq!(finished.left_behind, 0);
    let mut spec = shell("sleep 300", folder.path());
    spec.idle_timeout = Some(Duration::from_millis(200));
    assert_eq!(run(&spec).unwrap().ended, Ended::IdledOut);
    let mut spec = shell("yes", folder.path());
    spec.output_limit = 100_000;
    spec.keep = 1000;
    let finished = run(&spec).unwrap();
    assert_eq!(finished.ended, Ended::OutputLimit);
    assert!(finished.stdout.len() < 1100);
}

#[test]
fn c6_a_daemon_that_holds_the_pipe_neither_blocks_the_reader_nor_survives() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = shell(
        "(setsid sh -c 'echo $$ > daemon; exec sleep 300' &) ; while ! test -s daemon; do :; done; echo done",
        folder.path(),
    );
    spec.isolation = Isolation::Process;
    let finished = run(&spec).unwrap();
    assert_eq!(finished.ended, Ended::Code(0));
    assert_eq!(finished.stdout, b"done\n");
    assert_eq!(finished.left_behind, 1);
    assert!(!is_alive(pid_in(&folder.path().join("daemon"))));
}

#[test]
fn c6_a_daemon_with_a_cleared_environment_and_closed_pipes_does_not_survive() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = shell(
        "(env -i /usr/bin/setsid /bin/sh -c 'echo $$ > daemon; cd /; exec /bin/sleep 300' \
          </dev/null >/dev/null 2>&1 &) ; while ! test -s daemon; do :; done; sleep 0.2",
        folder.path(),
    );
    spec.isolation = Isolation::Process;
    // Jobs of other tests may live at the same time, so it need not be counted against this one.
    assert_eq!(run(&spec).unwrap().ended, Ended::Code(0));
    assert!(!is_alive(pid_in(&folder.path().join("daemon"))));
}

#[test]
fn c6_two_jobs_at_once_do_not_end_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let long = |name: &str| {
        let mut spec = shell(
            &format!("(setsid sleep 2 &) ; sleep 1; echo {name}"),
            folder.path(),
        );
        spec.isolation = Isolation::Process;
        spec
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(|| run(&long("first")).unwrap());
        for _ in 0..10 {
            let mut short = shell("true", folder.path());
            short.isolation = Isolation::Process;
            assert_eq!(run(&short).unwrap().left_behind, 0);
        }
        let first = first.join().unwrap();
        assert_eq!(first.ended, Ended::Code(0));
        // Other tests of this program start git at the same time, whose maintenance goes on by itself.
        assert!(first.left_behind >= 1);
    });
}

#[test]
fn c6_workers_that_are_just_ending_are_not_counted_as_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = shell("(sleep 0.05 &) ; exit 0", folder.path());
    spec.isolation = Isolation::Process;
    assert_eq!(run(&spec).unwrap().left_behind, 0);
}

#[test]
fn c6_the_isolation_level_that_was_used_is_part_of_the_result() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("escaped");
    let script = format!("echo x > {}; echo y > inside", target.display());
    let finished = run(&shell(&script, folder.path())).unwrap();
    assert_eq!(finished.isolation, best_available());
    assert!(folder.path().join("inside").exists());
    // At the lowest level nothing stops the write; the result must then not claim more.
    assert_eq!(target.exists(), finished.isolation == Isolation::Process);
}

#[test]
fn a9_a_record_of_a_dead_referee_ends_its_job_and_that_of_a_living_one_stays() {
    let state = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let tag = "999999-1-0";
    let mut daemon = shell(
        &format!(
            "(REDGREEN_JOB={tag} setsid sh -c 'echo $$ > pid; exec sleep 300' >/dev/null 2>&1 &)"
        ),
        folder.path(),
    );
    daemon.isolation = Isolation::Process;
    daemon.end_leftovers = false;
    assert!(run(&daemon).unwrap().success());
    while !std::fs::read(folder.path().join("pid")).is_ok_and(|text| !text.is_empty()) {
        crate::clock::pause(Duration::from_millis(5));
    }
    let pid = pid_in(&folder.path().join("pid"));
    assert!(is_alive(pid));
    let own = std::process::id().cast_signed();
    let record = |name: &str, owner: i32, started: u64, tag: &str| {
        let text = format!(
            r#"{{"owner":{owner},"owner_started":{started},"leader":{},"leader_started":1,"tag":"{tag}","label":"{name}"}}"#,
            i32::MAX
        );
        std::fs::write(state.path().join(format!("{name}.json")), text).unwrap();
    };
    record("living", own, leftovers::start_time(own), "another");
    record("dead", own, 1, tag);
    let swept = sweep(state.path());
    assert_eq!(swept.jobs, ["dead"]);
    assert_eq!(swept.processes, 1);
    assert!(!is_alive(pid));
    assert!(state.path().join("living.json").exists());
    assert!(!state.path().join("dead.json").exists());
}

#[test]
fn b1_output_can_be_taken_piece_by_piece_and_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let mut seen = 0usize;
    let finished = run_into(&shell("yes", folder.path()), &mut |bytes| {
        seen += bytes.len();
        if seen > 50_000 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
    .unwrap();
    assert_eq!(finished.ended, Ended::Interrupted);
    assert!(seen > 50_000 && finished.stdout.is_empty());
}
