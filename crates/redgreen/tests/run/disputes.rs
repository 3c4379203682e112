//! A locked test that is wrong (SPEC A10).

use crate::support::{Project, plan, right_source, right_test, task};
use serde_json::json;

const TWO_VALUES: &str = "mkdir -p tests; cat >tests/a.rs <<'RUST'\nuse sums::a::double;\n#[test]\nfn doubles() {\n    assert_eq!(double(2), 4);\n}\n#[test]\nfn doubles_again() {\n    assert_eq!(double(2), 5);\n}\nRUST\n";

fn dispute(reason: &str) -> String {
    format!(
        "echo '// secret-of-the-implementer' >src/a.rs\n\"$REDGREEN\" dispute T1 --test tests/a.rs::doubles_again --reason {reason} --cites AC-1 --note 'four and five'"
    )
}

#[test]
fn a10_a_contradiction_sends_the_author_back_and_both_locks_are_kept() {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    project.agent(&[
        ("author-T1-1", TWO_VALUES.to_owned()),
        ("author-T1-2", right_test("a")),
        ("implementer-T1-1", dispute("contradiction")),
        ("implementer-T1-2", right_source("a")),
    ]);
    project.run().expect(0);
    assert_eq!(
        project.sessions(),
        [
            "author T1 first 1",
            "implementer T1 first 1",
            "author T1 fix 1",
            "implementer T1 again 1"
        ],
        "the dispute costs no attempt"
    );
    let told = project.prompt("author", "T1", 2);
    assert!(
        told.contains("double(2) == 4") && told.contains("double(2) == 5"),
        "{told}"
    );
    assert!(!told.contains("secret-of-the-implementer"), "{told}");
    // Red was proven again on the original source, and locked again.
    assert_eq!(
        project.gates("T1"),
        ["red pass", "red pass", "green pass", "full pass"]
    );
    let locks: Vec<String> = std::fs::read_dir(project.state().join("manifests/doubles"))
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("T1") && name.ends_with(".json"))
        .collect();
    assert_eq!(locks.len(), 2, "{locks:?}");
    let record: serde_json::Value =
        serde_json::from_str(&project.read(".redgreen/locks/T1.json")).unwrap();
    assert!(
        record["supersedes"]
            .as_str()
            .unwrap()
            .starts_with("sha256:")
    );
    assert!(
        record["reason"]
            .as_str()
            .unwrap()
            .contains("expected to give two results"),
        "{record}"
    );
    // The two lines stand in the report.
    let report = project.report("report.md");
    assert!(
        report.contains("double(2) == 4") && report.contains("double(2) == 5"),
        "{report}"
    );
    assert!(report.contains("sent back to the author"), "{report}");
}

#[test]
fn a10_the_corrected_tests_must_be_red_on_the_original_source() {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    project.agent(&[
        ("author-T1-1", TWO_VALUES.to_owned()),
        (
            "author-T1-*",
            "echo '#[test] fn nothing() {}' >tests/a.rs".to_owned(),
        ),
        ("implementer-T1-1", dispute("contradiction")),
    ]);
    project.run().expect(10);
    assert_eq!(
        project
            .sessions()
            .iter()
            .filter(|line| line.starts_with("author T1 fix"))
            .count(),
        2
    );
    assert!(!project.passes("T1"));
}

#[test]
fn a10_without_evidence_a_person_decides_and_no_attempt_is_charged() {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    project.agent(&[(
        "implementer-T1-1",
        "\"$REDGREEN\" dispute T1 --test tests/a.rs::doubles --reason not_in_criteria".to_owned(),
    )]);
    let run = project.run().expect(14);
    for command in [
        "redgreen show T1",
        "redgreen approve T1",
        "redgreen retry T1",
    ] {
        assert!(
            run.all().contains(command),
            "no `{command}` in\n{}",
            run.all()
        );
    }
    // No: the implementer goes on, with words.
    project
        .redgreen(&["retry", "T1", "--hint", "the test is right: see AC-1"])
        .expect(0);
    project.run().expect(0);
    assert_eq!(project.sessions().last().unwrap(), "implementer T1 again 1");
    assert!(
        project
            .prompt("implementer", "T1", 2)
            .contains("the test is right: see AC-1")
    );
}

#[test]
fn a10_a_person_who_agrees_sends_the_author_back() {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    project.agent(&[(
        "implementer-T1-1",
        "\"$REDGREEN\" dispute T1 --test tests/a.rs::doubles --reason wrong_expectation".to_owned(),
    )]);
    project.run().expect(14);
    project.redgreen(&["approve", "T1"]).expect(0);
    project.run().expect(0);
    assert_eq!(project.sessions()[2], "author T1 fix 1");
    assert!(project.passes("T1"));
}

#[test]
fn a10_dispute_only_writes_a_request_and_only_in_a_session() {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    let refused = project
        .redgreen(&[
            "dispute",
            "T1",
            "--test",
            "tests/a.rs::doubles",
            "--reason",
            "flaky",
        ])
        .expect(2);
    assert!(refused.err.contains("redgreen amend T1"), "{}", refused.err);
    project.agent(&[(
        "implementer-T1-1",
        "\"$REDGREEN\" dispute T1 --test tests/a.rs::doubles --reason impossible >\"$SIDE/said\"\n\
         cp \"$REDGREEN_DISPUTE_FILE\" \"$SIDE/request\"\n\
         echo 'not a request' >\"$REDGREEN_DISPUTE_FILE\""
            .to_owned()
            + "\n"
            + &right_source("a"),
    )]);
    // What cannot be read is no dispute: the work is judged.
    project.run().expect(0);
    let request = std::fs::read_to_string(project.side("request")).unwrap();
    assert!(
        request.contains("impossible") && request.contains("tests/a.rs::doubles"),
        "{request}"
    );
    assert_eq!(project.count("disputed"), 0);
}
