//! Process trees that try to outlive their command (SPEC C6, A9), at every level.

use super::{as_nobody, is_root, levels, shell};
use redgreen_core::run_report::Ended;
use redgreen_host::process::{Isolation, run};
use std::fs;
use std::time::Duration;

/// Each script leaves processes behind that carry `$MARK` in their command line.
const TREES: &[(&str, &str)] = &[
    ("setsid", "setsid sleep $MARK & sleep 0.1"),
    (
        "double fork",
        "(setsid sh -c 'setsid sleep $MARK &' &) ; sleep 0.2",
    ),
    (
        "an inherited pipe held open",
        "setsid sleep $MARK & echo done",
    ),
    (
        "closed descriptors and variables",
        "(env -i setsid sh -c \"cd /; exec sleep $MARK\" </dev/null >/dev/null 2>&1 &) ; sleep 0.2",
    ),
    (
        "ignores SIGTERM",
        "setsid sh -c \"trap '' TERM HUP INT; while :; do sleep $MARK; done\" & sleep 0.1",
    ),
    ("stopped", "setsid sleep $MARK & kill -STOP $! ; sleep 0.1"),
    (
        "siblings that replace each other",
        "cat > hydra <<'SH'\n#!/bin/sh\n(sleep \"$1\" & wait) &\nsleep 0.01\nexec setsid \"$0\" \"$1\"\nSH\nchmod +x hydra; for i in 1 2 3 4; do setsid ./hydra $MARK & done; sleep 0.3",
    ),
];

fn alive(mark: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(mark) {
            found.push(line);
        }
    }
    found
}

fn all_trees() {
    for (number, level) in levels().into_iter().enumerate() {
        for (row, (name, script)) in TREES.iter().enumerate() {
            // A number of seconds that nothing else on the machine sleeps for.
            let mark = format!("3{:07}.{number}{row}", std::process::id());
            let folder = tempfile::tempdir().unwrap();
            let mut spec = shell(level, script, folder.path());
            spec.env.insert("MARK".to_owned(), mark.clone());
            let finished = run(&spec).unwrap();
            assert_eq!(finished.isolation, level);
            assert_eq!(
                finished.ended,
                Ended::Code(0),
                "{level:?} {name}: {}",
                finished.stderr_text()
            );
            assert_eq!(alive(&mark), Vec::<String>::new(), "{level:?}: {name}");
        }
    }
}

#[test]
fn c6_no_process_outlives_its_command_at_any_level() {
    all_trees();
}

#[test]
#[ignore = "a program that a test starts"]
fn program_trees() {
    assert!(!is_root());
    all_trees();
    bombs();
}

#[test]
fn c6_no_process_outlives_its_command_and_a_fork_bomb_ends_as_an_ordinary_user() {
    as_nobody("trees::program_trees");
}

/// More processes than the limit allows: the system refuses, and nothing is left.
fn bombs() {
    for (number, level) in levels().into_iter().enumerate() {
        let all: u64 = fs::read_to_string("/proc/loadavg")
            .unwrap()
            .split_whitespace()
            .nth(3)
            .unwrap()
            .split_once('/')
            .unwrap()
            .1
            .parse()
            .unwrap();
        let mark = format!("4{:07}.{number}", std::process::id());
        let folder = tempfile::tempdir().unwrap();
        let script = "i=0; while [ $i -lt $MANY ]; do sleep $MARK & i=$((i+1)); done; touch all";
        let mut spec = shell(level, script, folder.path());
        spec.processes = 50;
        spec.timeout = Duration::from_secs(120);
        spec.env.insert("MARK".to_owned(), mark.clone());
        spec.env.insert("MANY".to_owned(), (all + 1000).to_string());
        let finished = run(&spec).unwrap();
        assert_eq!(finished.isolation, level);
        assert!(
            !folder.path().join("all").exists(),
            "{level:?}: every process was started"
        );
        assert_eq!(alive(&mark), Vec::<String>::new(), "{level:?}");
    }
}

/// The time limit ends a tree that does not want to, at every level.
#[test]
fn b1_a_tree_that_ignores_signals_ends_at_the_time_limit() {
    for (number, level) in levels().into_iter().enumerate() {
        let mark = format!("5{:07}.{number}", std::process::id());
        let folder = tempfile::tempdir().unwrap();
        let script = "trap '' TERM INT HUP; setsid sh -c \"trap '' TERM; while :; do sleep $MARK; done\" & while :; do sleep $MARK; done";
        let mut spec = shell(level, script, folder.path());
        spec.timeout = Duration::from_secs(1);
        spec.env.insert("MARK".to_owned(), mark.clone());
        assert_eq!(run(&spec).unwrap().ended, Ended::TimedOut, "{level:?}");
        assert_eq!(alive(&mark), Vec::<String>::new(), "{level:?}");
    }
    assert_eq!(levels().last(), Some(&Isolation::Bubblewrap));
}
