//! Stops, crashes, and going on (SPEC A9).
//!
//! What is compared after an interruption with an undisturbed run: the delivered tree, the plan file byte for byte, and
//! of the report everything but times, durations, ids that contain a time or a commit, and the extra events.

use crate::support::{Project, plan, right_source, right_test, task, wait_until};
use serde_json::json;

fn two() -> String {
    plan(&[
        task("T1", "a", json!({})),
        task("T2", "b", json!({"depends_on": ["T1"]})),
    ])
}

/// A session that tells that it runs and then hangs, unless the file `go` is there.
fn hanging(rest: String) -> String {
    format!(
        "if [ ! -e \"$SIDE/go\" ]; then\n(setsid sleep 300 &)\necho begun >\"$SIDE/hangs\"\nsleep 300\nfi\n{rest}"
    )
}

/// The parts of a report that do not depend on when and how often it was interrupted.
fn lasting(report: &str) -> Vec<String> {
    let report: serde_json::Value = serde_json::from_str(report).unwrap();
    let mut lines = vec![report["status"].to_string()];
    for task in report["tasks"].as_array().unwrap() {
        lines.push(format!("{} {}", task["id"], task["phase"]));
        lines.push(task["criteria"].to_string());
        for gate in task["gates"].as_array().unwrap() {
            let result = &gate["result"];
            assert!(result["gate"].is_string() && result["verdict"].is_string());
            lines.push(format!(
                "{} {} {}",
                result["gate"], result["verdict"], gate["attempt"]
            ));
            for test in result["tests"].as_array().unwrap() {
                lines.push(format!("{} {}", test["id"], test["outcome"]));
            }
        }
        lines.push(format!(
            "{} locks, {} not used, {} disputes",
            task["locks"].as_array().unwrap().len(),
            task["not_used"].as_array().unwrap().len(),
            task["disputes"].as_array().unwrap().len()
        ));
    }
    lines
}

struct End {
    content: String,
    plan: String,
    report: Vec<String>,
}

fn end_of(project: &Project) -> End {
    End {
        content: project.content("main"),
        plan: project.read("docs/plans/doubles.json"),
        report: lasting(&project.report("report.json")),
    }
}

#[track_caller]
fn same_as_undisturbed(project: &Project) {
    let undisturbed = Project::new(&two());
    undisturbed.run().expect(0);
    let (one, other) = (end_of(&undisturbed), end_of(project));
    assert_eq!(without_config(&one.content), without_config(&other.content));
    assert_eq!(one.plan, other.plan);
    assert_eq!(one.report, other.report);
    assert!(one.report.len() > 8, "{:?}", one.report);
}

/// `redgreen.toml` names the folder of the test.
fn without_config(content: &str) -> Vec<&str> {
    content
        .lines()
        .filter(|line| !line.ends_with("redgreen.toml"))
        .collect()
}

#[test]
fn a9_killed_while_an_agent_runs() {
    let project = Project::new(&two());
    project.agent(&[("implementer-T1-1", hanging(right_source("a")))]);
    let mut run = project.start(&["run"]);
    wait_until("the session hangs", || project.side("hangs").exists());
    run.kill().unwrap();
    run.wait().unwrap();
    std::fs::write(project.side("go"), "").unwrap();
    project.run().expect(0);
    assert_eq!(
        project.sessions(),
        [
            "author T1 first 1",
            "implementer T1 first 1",
            "implementer T1 first 1",
            "author T2 first 1",
            "implementer T2 first 1"
        ],
        "the author's session is not repeated, the interrupted one starts over and is not charged"
    );
    project.nothing_is_left();
    same_as_undisturbed(&project);
}

#[test]
fn a9_killed_while_a_gate_runs() {
    let project = Project::new(&two());
    let mut run = project.start(&["run"]);
    wait_until("GREEN runs", || project.journal().contains("T1/green/1"));
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(
        !project.journal().contains("\"gate\":\"green\""),
        "killed too late"
    );
    project.run().expect(0);
    assert_eq!(project.sessions().len(), 4, "no session is repeated");
    assert_eq!(project.gates("T1"), ["red pass", "green pass", "full pass"]);
    project.nothing_is_left();
    same_as_undisturbed(&project);
}

#[test]
fn a9_killed_again_and_again() {
    let project = Project::new(&two());
    for records in [4, 7, 10, 13, 16, 19, 22, 25] {
        let mut run = project.start(&["run"]);
        wait_until("a few more records", || {
            project.journal().lines().count() >= records || run.try_wait().unwrap().is_some()
        });
        run.kill().unwrap();
        run.wait().unwrap();
    }
    project.run().expect(0);
    project.nothing_is_left();
    same_as_undisturbed(&project);
}

/// Takes the journal back to the moment before an event was recorded, as if the power had failed just then.
fn forget_from(project: &Project, kind: &str) {
    let path = project.state().join("journals/doubles.jsonl");
    let mark = format!("\"type\":\"{kind}\"");
    let kept: String = project
        .journal()
        .lines()
        .take_while(|line| !line.contains(&mark))
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(path, kept).unwrap();
}

#[test]
fn a9_killed_between_a_commit_and_its_record() {
    for kind in ["lock_committed", "delivered"] {
        let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
        project.run().expect(0);
        let head = project.git(&["rev-parse", "HEAD"]);
        forget_from(&project, kind);
        project.run().expect(0);
        assert!(project.passes("T1"), "{kind}");
        assert_eq!(
            project.git(&["rev-parse", "HEAD"]),
            head,
            "{kind}: nothing is committed twice"
        );
        project.nothing_is_left();
    }
}

#[test]
fn a9_ctrl_c_once_ends_the_session_and_records() {
    let project = Project::new(&two());
    project.agent(&[("author-T1-1", hanging(right_test("a")))]);
    let mut run = project.start(&["run"]);
    wait_until("the session hangs", || project.side("hangs").exists());
    interrupt(&run);
    assert_eq!(
        run.wait().unwrap().code(),
        Some(12),
        "{}",
        project.background()
    );
    assert!(
        project.background().contains("redgreen run"),
        "{}",
        project.background()
    );
    project.nothing_is_left();
    assert_eq!(project.count("stop_requested"), 1);
    std::fs::write(project.side("go"), "").unwrap();
    project.run().expect(0);
    assert_eq!(
        project.sessions()[..2],
        ["author T1 first 1", "author T1 first 1"],
        "not charged"
    );
    same_as_undisturbed(&project);
}

/// A project whose full validation has a check that waits for the file `go`; the check is running now.
fn in_a_slow_check() -> (Project, std::process::Child) {
    let project = Project::with_config(
        &plan(&[task("T1", "a", json!({}))]),
        "[[checks]]\nname = \"slow\"\ncommand = [\"sh\", \"ci.sh\"]\n",
    );
    let side = project.side("").display().to_string();
    project.write(
        "ci.sh",
        &format!("echo begun >{side}/check\nwhile [ ! -e {side}/go ]; do sleep 0.05; done\n"),
    );
    project.commit("a slow check");
    let run = project.start(&["run"]);
    wait_until("the check runs", || project.side("check").exists());
    (project, run)
}

#[test]
fn a9_ctrl_c_once_finishes_the_gate() {
    let (project, mut run) = in_a_slow_check();
    interrupt(&run);
    std::thread::sleep(std::time::Duration::from_millis(400));
    let ended = run.try_wait().unwrap();
    assert!(ended.is_none(), "{}", project.background());
    std::fs::write(project.side("go"), "").unwrap();
    let code = run.wait().unwrap().code();
    assert_eq!(code, Some(12), "{}", project.background());
    assert_eq!(project.gates("T1"), ["red pass", "green pass", "full pass"]);
    assert!(!project.passes("T1"));
    assert_eq!(project.plan()["status"], "IN_PROGRESS");
    project.nothing_is_left();
    project.run().expect(0);
    assert_eq!(project.gates("T1").len(), 3, "the gate is not repeated");
    assert!(project.passes("T1"));
}

#[test]
fn a9_ctrl_c_twice_ends_now_and_records_nothing_of_what_it_cut_off() {
    let (project, mut run) = in_a_slow_check();
    interrupt(&run);
    std::thread::sleep(std::time::Duration::from_millis(50));
    interrupt(&run);
    let code = run.wait().unwrap().code();
    assert_eq!(code, Some(12), "{}", project.background());
    assert_eq!(project.gates("T1"), ["red pass", "green pass"]);
    project.nothing_is_left();
    std::fs::write(project.side("go"), "").unwrap();
    project.run().expect(0);
    assert_eq!(project.gates("T1"), ["red pass", "green pass", "full pass"]);
    assert!(project.passes("T1"));
}

#[test]
fn a9_stop_from_another_terminal_ends_a_running_agent() {
    let project = Project::new(&two());
    let nothing = project.redgreen(&["stop"]).expect(0);
    assert!(
        nothing.err.contains("nothing is running"),
        "{}",
        nothing.err
    );
    project.agent(&[("implementer-T1-1", hanging(right_source("a")))]);
    let mut run = project.start(&["run"]);
    wait_until("the session hangs", || project.side("hangs").exists());
    project.redgreen(&["stop"]).expect(0);
    assert_eq!(
        run.wait().unwrap().code(),
        Some(12),
        "{}",
        project.background()
    );
    project.nothing_is_left();
    std::fs::write(project.side("go"), "").unwrap();
    // The request is used up: the next run goes on.
    project.run().expect(0);
    same_as_undisturbed(&project);
}

#[test]
fn a9_a_second_run_of_the_same_plan_is_refused_without_harm() {
    let project = Project::new(&two());
    project.agent(&[("author-T1-1", hanging(right_test("a")))]);
    let mut run = project.start(&["run"]);
    wait_until("the session hangs", || project.side("hangs").exists());
    let before = project.journal();
    let second = project.run().expect(15);
    assert!(second.err.contains(&run.id().to_string()), "{}", second.err);
    let reset = project.redgreen(&["reset", "T1"]).expect(15);
    assert!(reset.err.contains("another redgreen"), "{}", reset.err);
    project.redgreen(&["status"]).expect(0);
    assert_eq!(project.journal(), before);
    assert!(run.try_wait().unwrap().is_none());
    assert!(!project.processes().is_empty());
    interrupt(&run);
    run.wait().unwrap();
}

#[test]
fn a9_a_plan_changed_after_a_kill_can_be_approved() {
    let project = Project::new(&two());
    project.agent(&[("author-T1-1", hanging(right_test("a")))]);
    let mut run = project.start(&["run"]);
    wait_until("the session hangs", || project.side("hangs").exists());
    run.kill().unwrap();
    run.wait().unwrap();
    std::fs::write(project.side("go"), "").unwrap();
    let text = project.read("docs/plans/doubles.json");
    project.write(
        "docs/plans/doubles.json",
        &text.replace("a::double(2) is 4", "a::double(2) is four"),
    );
    project.run().expect(14);
    project.redgreen(&["plan", "approve"]).expect(0);
    project.run().expect(0);
    assert!(project.prompt("author", "T1", 2).contains("is four"));
    assert!(project.passes("T1") && project.passes("T2"));
}

fn interrupt(run: &std::process::Child) {
    let sent = std::process::Command::new("kill")
        .args(["-INT", &run.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}
