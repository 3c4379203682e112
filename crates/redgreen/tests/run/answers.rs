//! A person can always answer (SPEC A12).

use crate::support::{Project, plan, right_source, right_test, source, task};
use serde_json::json;

/// The implementer has one try.
const ONE_TRY: &str = "[limits]\nimplementer_retries = 0\n";

/// A run that halted because nothing the agent wrote passed.
fn halted() -> Project {
    let tasks = [
        task("T1", "a", json!({})),
        task("T2", "b", json!({"depends_on": ["T1"]})),
    ];
    let project = Project::with_config(&plan(&tasks), ONE_TRY);
    project.agent(&[("implementer-T1-1", source("a", "n + 3"))]);
    project.run().expect(10);
    project
}

#[test]
fn a12_retry_gives_guidance_and_fresh_tries() {
    let project = halted();
    assert_eq!(project.sessions().len(), 2);
    project
        .redgreen(&["retry", "T1", "--hint", "multiply, do not add"])
        .expect(0);
    project.run().expect(0);
    assert_eq!(project.sessions()[2], "implementer T1 again 1");
    let prompt = project.prompt("implementer", "T1", 2);
    assert!(
        prompt.contains("multiply, do not add") && prompt.contains("left: 5"),
        "{prompt}"
    );
    assert!(project.passes("T1") && project.passes("T2"));
    // What is done cannot be answered any more.
    let refused = project.redgreen(&["retry", "T1"]).expect(2);
    assert!(
        refused.err.contains("does not wait for an answer"),
        "{}",
        refused.err
    );
}

#[test]
fn a12_amend_proves_red_on_the_base_and_keeps_the_old_lock() {
    let project = Project::with_config(&plan(&[task("T1", "a", json!({}))]), ONE_TRY);
    let wrong = right_test("a").replace("double(2), 4", "double(2), 5");
    project.agent(&[("author-T1-1", wrong)]);
    project.run().expect(10);
    let sessions = project.sessions().len();
    let old = project.git(&["rev-parse", "refs/redgreen/doubles/T1/lock"]);
    let nothing = project
        .redgreen(&["amend", "T1", "--reason", "AC-1 says 4"])
        .expect(2);
    assert!(nothing.err.contains("redgreen take T1"), "{}", nothing.err);
    // A test that passes without the implementation is refused, and the old lock stands.
    project.write("tests/a.rs", "#[test]\nfn doubles() {}\n");
    project
        .redgreen(&["amend", "T1", "--reason", "AC-1 says 4"])
        .expect(10);
    assert_eq!(
        project.git(&["rev-parse", "refs/redgreen/doubles/T1/lock"]),
        old
    );
    project.write(
        "tests/a.rs",
        "use sums::a::double;\n#[test]\nfn doubles() {\n    assert_eq!(double(2), 4);\n}\n",
    );
    project
        .redgreen(&["amend", "T1", "--reason", "AC-1 says 4"])
        .expect(0);
    let new = project.git(&["rev-parse", "refs/redgreen/doubles/T1/lock"]);
    assert_ne!(new, old);
    assert_eq!(
        project.git(&["rev-parse", &format!("{new}^")]),
        project.git(&["rev-parse", &format!("{old}^")]),
        "the same base"
    );
    let record = project.git(&["show", &format!("{new}:.redgreen/locks/T1.json")]);
    assert!(
        record.contains("AC-1 says 4") && record.contains("supersedes"),
        "{record}"
    );
    std::fs::remove_file(project.repo().join("tests/a.rs")).unwrap();
    project.run().expect(0);
    assert!(project.passes("T1"));
    assert_eq!(
        project.sessions()[sessions..],
        ["implementer T1 again 1"],
        "no author is asked"
    );
    let report = project.report("report.md");
    assert!(report.contains("AC-1 says 4"), "{report}");
}

#[test]
fn a12_take_opens_a_worktree_and_check_hands_back() {
    let project = halted();
    let taken = project.redgreen(&["take", "T1"]).expect(0);
    let folder = project.root().join("repo-T1");
    assert!(
        taken.out.contains(&folder.display().to_string()),
        "{}",
        taken.out
    );
    // The lock and the candidate are there.
    assert!(
        std::fs::read_to_string(folder.join("tests/a.rs"))
            .unwrap()
            .contains("double(2), 4")
    );
    assert!(
        std::fs::read_to_string(folder.join("src/a.rs"))
            .unwrap()
            .contains("n + 3")
    );
    let sessions = project.sessions().len();
    // Nothing is worked on behind the person's back.
    project.run().expect(14);
    // Still wrong: it stays theirs.
    let still = project.redgreen(&["check", "T1"]).expect(10);
    assert!(still.all().contains("5 == 4"), "{}", still.all());
    std::fs::write(
        folder.join("src/a.rs"),
        "pub fn double(n: i32) -> i32 {\n    n + n\n}\n",
    )
    .unwrap();
    let passed = project.redgreen(&["check", "T1"]).expect(0);
    assert!(passed.out.contains("git worktree remove"), "{}", passed.out);
    assert!(project.passes("T1") && !project.passes("T2"));
    assert_eq!(
        project.sessions().len(),
        sessions,
        "no agent was started, not even for the next task"
    );
    assert_eq!(
        project.read("src/a.rs"),
        "pub fn double(n: i32) -> i32 {\n    n + n\n}\n"
    );
    project.git(&[
        "worktree",
        "remove",
        "--force",
        &folder.display().to_string(),
    ]);
    project.run().expect(0);
    assert!(project.passes("T2"));
    project.nothing_is_left();
}

#[test]
fn a12_a_taken_task_is_judged_as_strictly_as_an_agents() {
    let project = halted();
    project.redgreen(&["take", "T1"]).expect(0);
    let folder = project.root().join("repo-T1");
    std::fs::write(folder.join("tests/a.rs"), "#[test]\nfn doubles() {}\n").unwrap();
    let rejected = project.redgreen(&["check", "T1"]).expect(13);
    assert!(rejected.all().contains("tests/a.rs"), "{}", rejected.all());
    // As a correction with a reason, red is proven again, and the same worktree goes on.
    std::fs::write(
        folder.join("tests/a.rs"),
        "use sums::a::double;\n#[test]\nfn doubles() {\n    assert_eq!(double(5), 10);\n}\n",
    )
    .unwrap();
    project
        .redgreen(&["amend", "T1", "--reason", "three is clearer"])
        .expect(0);
    project.redgreen(&["check", "T1"]).expect(10);
    std::fs::write(
        folder.join("src/a.rs"),
        "pub fn double(n: i32) -> i32 {\n    2 * n\n}\n",
    )
    .unwrap();
    project.redgreen(&["check", "T1"]).expect(0);
    assert!(project.read("tests/a.rs").contains("double(5), 10"));
}

#[test]
fn a12_a_waiver_stands_in_a_persons_name_and_is_no_pass() {
    let project = halted();
    let unknown = project
        .redgreen(&["waive", "T1", "bad_mood", "--reason", "x"])
        .expect(2);
    assert!(unknown.err.contains("bad_mood"));
    let code = halt_code(&project);
    let why = ["--reason", "shipped by hand", "--expires", "2027-01-01"];
    project
        .redgreen(&[&["waive", "T1", code.as_str()], &why[..]].concat())
        .expect(0);
    project.run();
    assert!(!project.passes("T1"), "the verdict stays what it was");
    assert!(!project.passes("T2"), "what depends on it never starts");
    assert_eq!(project.sessions().len(), 2);
    let report = project.report("report.md");
    for told in [
        "waived by Ann Example",
        "shipped by hand",
        "| green | 1 | fail |",
    ] {
        assert!(report.contains(told), "no `{told}` in\n{report}");
    }
}

/// The code of the first reason of the last gate.
fn halt_code(project: &Project) -> String {
    let events = project.events();
    let last = events
        .iter()
        .rev()
        .find(|event| event["type"] == "gate_judged")
        .unwrap();
    last["data"]["summary"]["reasons"][0]["code"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn a12_waivers_may_need_two_people_or_be_denied() {
    for (policy, first, second) in [("two_people", 14, 0), ("deny", 14, 14)] {
        let project = Project::with_config(
            &plan(&[task("T1", "a", json!({}))]),
            &format!("[policy]\nwaivers = \"{policy}\"\n"),
        );
        project.agent(&[("author-T1-*", "true".to_owned())]);
        project.run().expect(10);
        let code = halt_code(&project);
        let waive = ["waive", "T1", code.as_str(), "--reason", "r"];
        project.redgreen(&waive).expect(first);
        assert_eq!(project.count("waived"), 0, "{policy}");
        // The same person again is still one person.
        project.redgreen(&waive).expect(14);
        project.git(&["config", "user.name", "Bob Example"]);
        project.git(&["config", "user.email", "bob@example.org"]);
        project.redgreen(&waive).expect(second);
        let events = project.events();
        let by = events
            .iter()
            .find(|event| event["type"] == "waived")
            .map(|event| event["data"]["by"].as_str().unwrap().to_owned());
        match policy {
            "deny" => assert_eq!(by, None),
            _ => {
                let by = by.unwrap();
                assert!(
                    by.contains("Ann Example") && by.contains("Bob Example"),
                    "{by}"
                );
            }
        }
    }
}

#[test]
fn a12_reset_starts_over_and_keeps_the_old_lock() {
    let project = halted();
    project.redgreen(&["reset", "T1"]).expect(0);
    assert_eq!(
        project.plan()["status"],
        "HALTED",
        "`run` writes the plan file"
    );
    project.agent(&[("implementer-T1-*", right_source("a"))]);
    project.run().expect(0);
    assert_eq!(
        project.sessions()[2..4],
        ["author T1 first 1", "implementer T1 first 1"]
    );
    assert!(project.passes("T1") && project.passes("T2"));
    let refused = project.redgreen(&["reset", "T1"]).expect(2);
    assert!(refused.err.contains("delivered"), "{}", refused.err);
}

#[test]
fn a12_tests_can_wait_for_approval() {
    let project = Project::with_config(
        &plan(&[task("T1", "a", json!({}))]),
        "[approve]\ntests = true\n",
    );
    let asked = project.run().expect(14);
    assert!(
        asked.all().contains("redgreen approve T1"),
        "{}",
        asked.all()
    );
    assert_eq!(project.sessions(), ["author T1 first 1"]);
    assert!(!project.git_says(&["rev-parse", "--verify", "refs/redgreen/doubles/T1/lock"]));
    // No: the author hears it and tries again; then yes.
    project.redgreen(&["approve", "T1", "--deny"]).expect(0);
    project.run().expect(14);
    assert_eq!(project.sessions()[1], "author T1 again 1");
    project.redgreen(&["approve", "T1"]).expect(0);
    project.run().expect(0);
    assert_eq!(project.sessions().len(), 3);
    let shown = project.redgreen(&["show", "T1"]).expect(0);
    for part in ["AC-1", "tests/a.rs::doubles", "red: "] {
        assert!(shown.out.contains(part), "no `{part}` in {}", shown.out);
    }
}
