//! What is said of a run (SPEC F7, G5, G8).

use crate::support::{Project, plan, right_source, source, task};
use serde_json::json;

#[test]
fn g8_reports_are_a_pure_function_of_the_journal() {
    let project = Project::new(&plan(&[
        task("T1", "a", json!({})),
        task("T2", "b", json!({})),
    ]));
    project.agent(&[
        ("implementer-T1-*", source("a", "n + 3")),
        ("implementer-T2-1", "true".to_owned()),
        ("implementer-T2-2", right_source("b")),
    ]);
    project.run().expect(10);
    for (kind, file) in [
        ("markdown", "report.md"),
        ("json", "report.json"),
        ("junit", "junit.xml"),
    ] {
        let printed = project.redgreen(&["report", "--kind", kind]).expect(0);
        let written = project.report(file);
        assert_eq!(printed.out.trim_end(), written.trim_end(), "{file}");
        std::fs::remove_file(project.state().join("reports/doubles").join(file)).unwrap();
    }
    // The journal alone makes the files again, byte for byte.
    let before = project
        .redgreen(&["report", "--kind", "json"])
        .expect(0)
        .out;
    let report: serde_json::Value = serde_json::from_str(&before).unwrap();
    assert_eq!(report["schema"], "redgreen.report/1");
    assert_eq!(
        project
            .redgreen(&["report", "--kind", "json"])
            .expect(0)
            .out,
        before
    );
}

#[test]
fn g5_a_damaged_journal_is_refused_and_nothing_is_done() {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    project.run().expect(0);
    let path = project.state().join("journals/doubles.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("Ann Example", "Eve Example", 1)).unwrap();
    let sessions = project.sessions().len();
    for command in [&["run"][..], &["report"], &["log"], &["retry", "T1"]] {
        let refused = project.redgreen(command).expect(13);
        assert!(
            refused.err.contains("doubles.jsonl") || refused.err.contains("record"),
            "{}",
            refused.err
        );
    }
    assert_eq!(project.sessions().len(), sessions);
}

#[test]
fn g8_the_log_tells_every_step() {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    project.run().expect(0);
    let log = project.redgreen(&["log"]).expect(0).out;
    for step in [
        "specify/1",
        "red/1 red pass",
        "locked 1 tests",
        "implement/1",
        "green/1 green pass",
        "full/1 full pass",
        "deliver/1",
    ] {
        assert!(log.contains(step), "no `{step}` in\n{log}");
    }
    let json = project.redgreen(&["log", "--format", "json"]).expect(0).out;
    assert_eq!(json.lines().count(), project.events().len());
    // Everything an agent printed is kept.
    let logs = std::fs::read_dir(project.state().join("logs/doubles"))
        .unwrap()
        .count();
    assert_eq!(logs, 2);
}

#[test]
fn g8_status_says_where_every_task_stands() {
    let project = Project::new(&plan(&[
        task("T1", "a", json!({})),
        task("T2", "b", json!({"depends_on": ["T1"]})),
        task("T3", "c", json!({})),
    ]));
    let before = project.redgreen(&["status"]).expect(0);
    assert!(before.out.contains("not started"), "{}", before.out);
    project.agent(&[("author-T1-*", "true".to_owned())]);
    project.run().expect(10);
    let status = project.redgreen(&["status"]).expect(0).out;
    for line in ["T1       halted", "T2       waiting", "T3       passed"] {
        assert!(status.contains(line), "no `{line}` in\n{status}");
    }
    assert!(
        !status.contains("WaitsForPerson") && !status.contains("Ended("),
        "{status}"
    );
    let json = project
        .redgreen(&["status", "--format", "json"])
        .expect(0)
        .out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["schema"], "redgreen.status/1");
    assert_eq!(json["plans"][0]["tasks"][0]["phase"], "halted");
    assert_eq!(json["plans"][0]["exit"], 10);
}

#[test]
fn f7_next_is_exactly_one_unit_of_work() {
    let project = Project::new(&plan(&[
        task("T1", "a", json!({})),
        task("T2", "b", json!({"depends_on": ["T1"]})),
    ]));
    let next = |project: &Project| -> serde_json::Value {
        serde_json::from_str(&project.redgreen(&["next", "--json"]).expect(0).out).unwrap()
    };
    let first = next(&project);
    assert_eq!(first["schema"], "redgreen.next/1");
    assert_eq!(
        (&first["task"], &first["step"]),
        (&json!("T1"), &json!("specify"))
    );
    assert_eq!(first["criteria"][0]["id"], "AC-1");
    project.agent(&[("implementer-T1-*", source("a", "n + 3"))]);
    project.run().expect(10);
    // A halted task waits for a person, and that is the next thing to do.
    let halted = next(&project);
    assert_eq!(
        (&halted["task"], &halted["step"]),
        (&json!("T1"), &json!("answer"))
    );
    assert!(
        halted["then"]
            .as_str()
            .unwrap()
            .contains("redgreen retry T1"),
        "{halted}"
    );
    project.agent(&[]);
    project.redgreen(&["retry", "T1"]).expect(0);
    project.run().expect(0);
    assert_eq!(next(&project)["task"], json!(null));
}

#[test]
fn g8_a_person_is_told_of_halts_and_ends() {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    let script = project.root().join("notify.sh");
    std::fs::write(
        &script,
        format!("echo \"$1\" >>{}\n", project.side("told").display()),
    )
    .unwrap();
    project.write(
        "redgreen.toml",
        &(project.read("redgreen.toml")
            + &format!("[notify]\ncommand = [\"sh\", \"{}\"]\n", script.display())),
    );
    project.commit("notify");
    project.agent(&[("author-T1-*", "true".to_owned())]);
    project.run().expect(10);
    let told = std::fs::read_to_string(project.side("told")).unwrap();
    assert!(
        told.contains("halted T1 exit=10") && told.contains("ended - exit=10"),
        "{told}"
    );
}
