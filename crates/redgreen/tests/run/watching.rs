//! Looking at a run from another terminal (SPEC G, A9).

use crate::support::{Project, plan, right_source, task, wait_until};
use serde_json::json;

#[test]
fn g8_status_and_log_follow_a_run_to_its_end() {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    let wait = "echo begun >\"$SIDE/begun\"\nwhile [ ! -e \"$SIDE/go\" ]; do sleep 0.05; done\n";
    project.agent(&[("implementer-T1-*", format!("{wait}{}", right_source("a")))]);
    let mut run = project.start(&["run"]);
    wait_until("the implementer began", || project.side("begun").exists());
    let status = project.redgreen(&["status"]).expect(0).all();
    assert!(status.contains("in progress"), "{status}");
    let mut follow = project
        .binary(&["log", "--follow"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut watch = project
        .binary(&["status", "--watch"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::fs::write(project.side("go"), "").unwrap();
    assert!(run.wait().unwrap().success(), "{}", project.background());
    assert!(follow.wait().unwrap().success() && watch.wait().unwrap().success());
    let text = |child: std::process::Child| {
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    };
    let (log, status) = (text(follow), text(watch));
    assert_eq!(
        log.lines().count(),
        project.events().len(),
        "every event once, in order: {log}"
    );
    assert!(status.contains("done"), "{status}");
}

#[test]
fn a9_status_tells_a_killed_run_from_a_running_one() {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    project.agent(&[(
        "author-T1-*",
        "echo begun >\"$SIDE/begun\"\nsleep 300\n".to_owned(),
    )]);
    let mut run = project.start(&["run"]);
    wait_until("the author began", || project.side("begun").exists());
    run.kill().unwrap();
    run.wait().unwrap();
    let status = project.redgreen(&["status"]).expect(0).all();
    assert!(
        status.contains("interrupted; `redgreen run` goes on"),
        "{status}"
    );
    project.nothing_is_left();
}
