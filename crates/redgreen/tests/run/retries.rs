//! Attempts, feedback, and what costs none (SPEC A7).

use crate::support::{Project, plan, right_source, source, task};
use serde_json::json;

#[test]
fn a7_the_second_prompt_carries_the_failure() {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    project.agent(&[("implementer-T1-1", source("a", "n + 3"))]);
    let run = project.run().expect(0);
    assert!(run.out.contains("COMPLETE"), "{}", run.all());
    assert_eq!(
        project.sessions(),
        [
            "author T1 first 1",
            "implementer T1 first 1",
            "implementer T1 again 2"
        ]
    );
    let first = project.prompt("implementer", "T1", 1);
    assert!(!first.contains("did not pass"), "{first}");
    let second = project.prompt("implementer", "T1", 2);
    for told in ["did not pass", "left: 5", "right: 4", "tests/a.rs"] {
        assert!(second.contains(told), "no `{told}` in\n{second}");
    }
    assert!(project.passes("T1"));
    project.nothing_is_left();
}

#[test]
fn a7_the_same_failure_twice_demands_three_hypotheses() {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    project.agent(&[
        ("implementer-T1-1|implementer-T1-2", source("a", "n + 3")),
        ("implementer-T1-3", right_source("a")),
    ]);
    project.run().expect(0);
    let (second, third) = (
        project.prompt("implementer", "T1", 2),
        project.prompt("implementer", "T1", 3),
    );
    assert!(!second.contains("three different hypotheses"), "{second}");
    assert!(third.contains("three different hypotheses"), "{third}");
}

#[test]
fn a7_another_failure_demands_no_hypotheses() {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    project.agent(&[
        ("implementer-T1-1", source("a", "n + 3")),
        ("implementer-T1-2", source("a", "panic!(\"{n}\")")),
    ]);
    project.run().expect(0);
    let third = project.prompt("implementer", "T1", 3);
    assert!(!third.contains("three different hypotheses"), "{third}");
}

#[test]
fn a7_an_outage_and_a_crash_cost_no_attempt() {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    project.agent(&[
        ("author-T1-1", "exit 75".to_owned()),
        ("implementer-T1-1", "kill -9 $$".to_owned()),
        ("implementer-T1-2", source("a", "n + 3")),
        ("implementer-T1-3", "exit 75".to_owned()),
        ("implementer-T1-4", source("a", "n + 1")),
    ]);
    project.run().expect(0);
    let attempts: Vec<String> = project
        .sessions()
        .iter()
        .map(|line| line.split(' ').next_back().unwrap().to_owned())
        .collect();
    assert_eq!(attempts, ["1", "1", "1", "1", "2", "2", "3"]);
    assert!(project.passes("T1"));
}

#[test]
fn a7_outages_are_bounded_and_resumable() {
    let project = Project::with_config(
        &plan(&[task("T1", "a", json!({}))]),
        "[limits]\nmax_wait = \"0s\"\n",
    );
    project.agent(&[(
        "author-T1-*",
        "[ -e \"$SIDE/up\" ] || exit 75\n".to_owned() + &crate::support::right_test("a"),
    )]);
    let run = project.run().expect(11);
    assert_eq!(project.sessions().len(), 6, "1 + 5 that cost nothing");
    assert!(run.all().contains("redgreen run"), "{}", run.all());
    assert!(!project.passes("T1"));
    std::fs::write(project.side("up"), "").unwrap();
    project.run().expect(0);
    assert!(project.passes("T1"));
}

#[test]
fn c1_putting_locked_files_back_never_follows_a_link_out_of_the_clone() {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    let outside = project.side("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("mine"), "mine").unwrap();
    let link = format!("rm -rf tests; ln -s '{}' tests\n", outside.display());
    project.agent(&[("implementer-T1-1", link + &right_source("a"))]);
    let run = project.run().expect(0);
    assert_eq!(
        project.gates("T1")[1..3],
        ["green rejected", "green pass"],
        "{}",
        run.all()
    );
    let names: Vec<_> = std::fs::read_dir(&outside)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(
        names,
        ["mine"],
        "the referee wrote through the agent's link"
    );
}
