//! Modes of a task (SPEC A5).

use crate::support::{Project, plan, right_source, task};
use serde_json::json;

fn chore(scope: &[&str]) -> serde_json::Value {
    let mut task = task("T1", "ci", json!({"mode": "chore", "scope": scope}));
    task["name"] = "a pipeline".into();
    task.as_object_mut().unwrap().remove("dod");
    task
}

/// A crate without any test has nothing that could pin its behaviour.
fn with_a_test(plan: &str) -> Project {
    let project = Project::with_config(plan, "[limits]\nimplementer_retries = 0\n");
    project.write("src/d.rs", "pub fn one() -> i32 {\n    1\n}\n");
    project.write(
        "tests/d.rs",
        "#[test]\nfn one() {\n    assert_eq!(sums::d::one(), 1);\n}\n",
    );
    project.commit("a test");
    project
}

#[test]
fn a5_a_chore_may_change_manifests_and_ci_and_nothing_else() {
    let project = with_a_test(&plan(&[chore(&[".github/**", "Cargo.toml"])]));
    project.agent(&[(
        "implementer-T1-1",
        "mkdir -p .github/workflows; echo 'on: push' >.github/workflows/ci.yml; sed -i 's/0.1.0/0.2.0/' Cargo.toml".to_owned(),
    )]);
    project.run().expect(0);
    assert_eq!(
        project.sessions(),
        ["implementer T1 first 1"],
        "no author, no RED"
    );
    assert_eq!(project.gates("T1"), ["full pass"]);
    assert_eq!(project.read(".github/workflows/ci.yml"), "on: push\n");
    assert!(project.read("Cargo.toml").contains("0.2.0"));
    assert_eq!(
        project.subjects("main").last().unwrap(),
        "chore(ci): a pipeline"
    );
    let prompt = project.prompt("implementer", "T1", 1);
    assert!(
        prompt.contains("Write only: .github/**, Cargo.toml"),
        "{prompt}"
    );
    assert!(!prompt.contains("dispute"), "{prompt}");
}

#[test]
fn a5_a_chore_never_writes_tests_or_source_or_the_referees_files() {
    // All of them are named by the scope, but for the source.
    let project = with_a_test(&plan(&[chore(&[
        "ci.yml",
        "tests/**",
        "redgreen.toml",
        "conftest.py",
        ".redgreen/**",
    ])]));
    let forbidden = [
        ("tests/d.rs", "#[test] fn one() {}"),
        ("src/d.rs", "pub fn one() -> i32 { 2 - 1 }"),
        ("redgreen.toml", "version = 1"),
        ("conftest.py", "import sys"),
        (".redgreen/locks/T9.json", "{}"),
    ];
    let mut script = "echo 'on: push' >ci.yml\n".to_owned();
    for (path, text) in forbidden {
        script += &format!("mkdir -p \"$(dirname {path})\"; echo '{text}' >{path}\n");
    }
    project.agent(&[("implementer-T1-*", script)]);
    let head = project.git(&["rev-parse", "HEAD"]);
    project.run().expect(13);
    let told = project.prompt("implementer", "T1", 2);
    for (path, _) in forbidden {
        assert!(told.contains(path), "{path}: {told}");
    }
    assert!(!told.contains("ci.yml` "), "{told}");
    assert_eq!(project.git(&["rev-parse", "HEAD"]), head);
    assert!(!project.passes("T1"));
}

#[test]
fn a5_a_chore_that_breaks_a_test_is_refused() {
    let project = with_a_test(&plan(&[chore(&["src/d.rs"])]));
    project.agent(&[(
        "implementer-T1-*",
        "echo 'pub fn one() -> i32 { 2 }' >src/d.rs".to_owned(),
    )]);
    project.run().expect(10);
    assert!(!project.passes("T1"));
}

#[test]
fn a5_a_fix_begins_with_a_red_regression_test() {
    let project = Project::new(&plan(&[task("T1", "a", json!({"mode": "fix"}))]));
    project.write("src/a.rs", "pub fn double(n: i32) -> i32 {\n    n + 1\n}\n");
    project.commit("a bug");
    project.agent(&[("implementer-T1-1", right_source("a"))]);
    project.run().expect(0);
    assert_eq!(project.gates("T1"), ["red pass", "green pass", "full pass"]);
    assert_eq!(
        project.subjects("main").last().unwrap(),
        "fix(a): double in a"
    );
}

#[test]
fn a5_scope_narrows_where_the_implementer_writes() {
    let project = Project::new(&plan(&[task("T1", "a", json!({"scope": ["src/a.rs"]}))]));
    project.agent(&[(
        "implementer-T1-1",
        right_source("a") + "echo '// here, too' >src/b.rs",
    )]);
    project.run().expect(0);
    let again = project.prompt("implementer", "T1", 2);
    assert!(
        again.contains("src/b.rs") && again.contains("scope"),
        "{again}"
    );
    assert_eq!(
        project.sessions()[2],
        "implementer T1 again 1",
        "the same attempt goes on"
    );
    // The second session did nothing more than the right thing, so what was out of scope is gone or left out.
    assert_eq!(project.read("src/b.rs"), "");
}
