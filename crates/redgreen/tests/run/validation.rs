//! The application of a run, and what the plan says of it (SPEC E6, A1).

use crate::support::{Project, plan, right_source, source, task};
use serde_json::json;

/// The program that ships doubles 4; another step is only built by the second task.
const VALIDATION: &str = r#"
[[validation.steps]]
name = "the first module ships"
command = ["grep", "-q", "n \\* 2", "src/a.rs"]

[[validation.steps]]
name = "the second module ships"
command = ["grep", "-q", "n \\* 2", "src/b.rs"]
"#;

#[test]
fn e6_a_task_is_production_validated_only_after_its_tests_and_the_whole_application() {
    let text = plan(&[
        task("T1", "a", json!({})),
        task("T2", "b", json!({"depends_on": ["T1"]})),
    ]);
    let project = Project::with_config(&text, VALIDATION);
    // The second task breaks what the first one ships, which no test of its own sees.
    let breaks = format!("{}{}", right_source("b"), source("a", "n + n"));
    let mends = format!("{}{}", right_source("b"), right_source("a"));
    project.agent(&[("implementer-T2-1", breaks), ("implementer-T2-*", mends)]);
    let run = project.run().expect(0);
    assert!(
        run.all().contains("the first module ships"),
        "{}",
        run.all()
    );
    let plan = project.plan();
    let of = |index: usize| &plan["tasks"][index];
    assert!(project.passes("T1") && project.passes("T2"));
    // T1 was delivered while a step did not hold yet, on the base neither: its own field is not set.
    assert_ne!(of(0)["production_validated"], true, "{plan:#}");
    assert_eq!(of(1)["production_validated"], true, "{plan:#}");
    assert_eq!(plan["production_validated"], true, "{plan:#}");
    let at = plan["validation_timestamp"].as_str().unwrap();
    assert_eq!(of(1)["validation_timestamp"], at);
    assert!(at.ends_with('Z') && at.len() == 20, "{at}");
    assert!(project.gates("T2").len() > 4, "{:?}", project.gates("T2"));
}

#[test]
fn a1_production_validated_that_nobody_established_is_taken_back() {
    let text = plan(&[task("T1", "a", json!({"production_validated": true}))]);
    let project = Project::new(&text);
    project.run().expect(0);
    let plan = project.plan();
    assert!(project.passes("T1"));
    assert_eq!(plan["tasks"][0]["production_validated"], false, "{plan:#}");
}
