//! The author's tests, halts, and what goes on beside them (SPEC A3, A4, A8, B7).

use crate::support::{Project, plan, right_test, source, task};
use serde_json::json;

fn test_with_a_typo() -> String {
    "mkdir -p tests; cat >tests/a.rs <<'RUST'\nuse sums::a::double;\n#[test]\nfn doubles() {\n    assert_eq!(double(2), fuor);\n}\nRUST\n".to_owned()
}

#[test]
fn a4_a_refused_typo_is_told_and_the_second_try_goes_through() {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    project.agent(&[("author-T1-1", test_with_a_typo())]);
    project.run().expect(0);
    assert_eq!(
        project.sessions(),
        [
            "author T1 first 1",
            "author T1 again 2",
            "implementer T1 first 1"
        ]
    );
    assert!(project.prompt("author", "T1", 2).contains("fuor"));
    let phases: Vec<String> = project
        .events()
        .iter()
        .filter_map(|event| event["data"]["key"].as_str().map(str::to_owned))
        .filter_map(|key| key.split('/').nth(2).map(str::to_owned))
        .filter(|step| !["plan", "report", "notify"].contains(&step.as_str()))
        .collect();
    let mut order = phases;
    order.dedup();
    assert_eq!(
        order,
        [
            "specify",
            "red",
            "specify",
            "red",
            "lock",
            "implement",
            "green",
            "full",
            "deliver"
        ]
    );
}

#[test]
fn a4_a_criteria_map_that_cannot_be_read_is_the_authors_to_correct() {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    let wrong = format!(
        "{}mkdir -p .redgreen/criteria; echo '{{\"criteria\": {{}}}}' >.redgreen/criteria/T1.json\n",
        right_test("a")
    );
    let mended = format!("{}rm .redgreen/criteria/T1.json\n", right_test("a"));
    project.agent(&[("author-T1-1", wrong), ("author-T1-2", mended)]);
    project.run().expect(0);
    assert_eq!(project.gates("T1")[0], "red fail");
    let prompt = project.prompt("author", "T1", 2);
    assert!(
        prompt.contains("the criteria map cannot be read"),
        "{prompt}"
    );
}

#[test]
fn a8_an_exhausted_author_halts_with_the_gates_code_and_touches_nothing() {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    project.agent(&[("author-T1-*", test_with_a_typo())]);
    let head = project.git(&["rev-parse", "HEAD"]);
    let run = project.run().expect(10);
    assert_eq!(project.sessions().len(), 2);
    for told in ["HALTED", "T1", "fuor", "redgreen retry T1"] {
        assert!(run.all().contains(told), "no `{told}` in\n{}", run.all());
    }
    assert_eq!(project.git(&["rev-parse", "HEAD"]), head);
    assert_eq!(
        project.git(&["status", "--porcelain"]),
        " M docs/plans/doubles.json"
    );
    assert!(!project.git_says(&["rev-parse", "--verify", "redgreen/doubles"]));
    assert_eq!(project.plan()["status"], "HALTED");
    // The error report is the same as a file.
    let report = project.report("error.txt");
    assert!(
        report.contains("fuor") && report.contains("redgreen retry T1"),
        "{report}"
    );
    // Once more: nothing is tried again by itself, and the code stays.
    project.run().expect(10);
    assert_eq!(project.sessions().len(), 2);
    project.nothing_is_left();
}

#[test]
fn a8_independent_tasks_finish_and_dependents_never_start() {
    let tasks = [
        task("T1", "a", json!({})),
        task("T2", "b", json!({"depends_on": ["T1"]})),
        task("T3", "c", json!({"depends_on": ["T4"]})),
        task("T4", "d", json!({})),
    ];
    let project = Project::with_config(&plan(&tasks), "[limits]\nimplementer_retries = 0\n");
    project.agent(&[("implementer-T1-*", source("a", "n + 3"))]);
    // Nobody watches here, so independent tasks go on.
    project.run().expect(10);
    let started: Vec<String> = project
        .sessions()
        .iter()
        .filter(|line| line.starts_with("author"))
        .map(|line| line.split(' ').nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(
        started,
        ["T1", "T4", "T3"],
        "A3: dependencies first, then the order of the file"
    );
    assert_eq!(
        ["T1", "T2", "T3", "T4"].map(|id| project.passes(id)),
        [false, false, true, true]
    );
    let content = project.content("HEAD");
    assert!(
        content.contains("tests/d.rs") && content.contains("tests/c.rs"),
        "{content}"
    );
    assert!(
        !content.contains("tests/a.rs") && !content.contains("tests/b.rs"),
        "{content}"
    );
}

#[test]
fn a8_without_keep_going_nothing_starts_after_a_halt() {
    let tasks = [task("T1", "a", json!({})), task("T4", "d", json!({}))];
    let project = Project::with_config(&plan(&tasks), "[policy]\nkeep_going = false\n");
    project.agent(&[("author-T1-*", "true".to_owned())]);
    project.run().expect(10);
    assert!(project.sessions().iter().all(|line| line.contains(" T1 ")));
}

#[test]
fn a3_priority_comes_before_the_order_of_the_file_and_a_cycle_is_refused() {
    let tasks = [
        task("T1", "a", json!({"priority": 2})),
        task("T2", "b", json!({"priority": 1})),
    ];
    let project = Project::new(&plan(&tasks));
    let order = project
        .redgreen(&["run", "--dry-run", "--format", "json"])
        .expect(0);
    let order: serde_json::Value = serde_json::from_str(&order.out).unwrap();
    assert_eq!(order["order"], json!(["T2", "T1"]));
    let cycle = [
        task("T1", "a", json!({"depends_on": ["T2"]})),
        task("T2", "b", json!({"depends_on": ["T1"]})),
        task("T3", "c", json!({"depends_on": ["T9"]})),
        task("T3", "d", json!({})),
    ];
    project.write("docs/plans/doubles.json", &plan(&cycle));
    let refused = project.run().expect(2);
    for told in ["T1", "T2", "T9", "T3"] {
        assert!(refused.err.contains(told), "no `{told}` in {}", refused.err);
    }
    assert!(project.sessions().is_empty());
}

#[test]
fn b7_the_second_task_needs_one_full_suite_only() {
    let tasks = [task("T1", "a", json!({})), task("T2", "b", json!({}))];
    let project = Project::new(&plan(&tasks));
    project.run().expect(0);
    let suites: Vec<u64> = project
        .events()
        .iter()
        .filter(|event| event["type"] == "gate_judged")
        .filter(|event| event["data"]["summary"]["gate"] == "full")
        .map(|event| event["data"]["summary"]["suite_runs"].as_u64().unwrap())
        .collect();
    assert_eq!(
        suites,
        [2, 1],
        "the first task's result is the second one's baseline"
    );
}

#[test]
fn a4_until_ends_after_a_phase_and_goes_on_later() {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    project.agent(&[("author-T1-1", right_test("a"))]);
    project.redgreen(&["run", "--until", "lock"]).expect(0);
    assert_eq!(project.sessions(), ["author T1 first 1"]);
    project.run().expect(0);
    assert_eq!(
        project.sessions(),
        ["author T1 first 1", "implementer T1 first 1"]
    );
    project.redgreen(&["run", "--until", "tea"]).expect(2);
}
