//! The plan file: its bytes, its approval, what is derived (SPEC A1).

use crate::support::{Project, plan, right_source, source, task};
use serde_json::json;

/// An outage is not waited for.
const NO_WAIT: &str = "[limits]\nmax_wait = \"0s\"\n";

/// Odd on purpose: carriage returns, tabs, unknown fields, `passes` in front, numbers as they are written.
const ODD: &str = "{\r\n\t\"x-team\" : {\"n\":1.0,\"é\":\"\\u00e9\"},\r\n\t\"name\":\"Doubles\",  \"description\" : \"numbers\",\r\n\t\"status\":\"APPROVED\",\r\n\t\"tasks\":[ {\"passes\" : false,\"id\":\"T1\",\r\n\t\t\"name\":\"double in a\",\"description\":\"\",\"dod\":\"AC-1: double(2) is 4\" ,\"owner\":null } ]\r\n}\r\n\r\n";

#[test]
fn a1_only_derived_fields_change_and_every_other_byte_stays() {
    let project = Project::new(ODD);
    project.run().expect(0);
    let expected = ODD
        .replace("\"APPROVED\"", "\"COMPLETE\"")
        .replace("\"passes\" : false", "\"passes\" : true");
    let written = project.read("docs/plans/doubles.json");
    // Fields that were not there may be added by evidence; everything that was there stands where it stood.
    assert_eq!(written, expected);
}

#[test]
fn a1_what_somebody_else_writes_into_derived_fields_is_rewritten() {
    let project = Project::new(&plan(&[
        task("T1", "a", json!({})),
        task("T2", "b", json!({})),
    ]));
    project.agent(&[
        (
            "author-T1-1",
            crate::support::right_test("a")
                + "sed -i 's/\"passes\": false/\"passes\": true/; s/\"IN_PROGRESS\"/\"COMPLETE\"/' \"$REPO/docs/plans/doubles.json\"\ncp \"$REPO/docs/plans/doubles.json\" \"$SIDE/forged\"",
        ),
        ("implementer-T1-*", source("a", "n + 3")),
    ]);
    project.run().expect(10);
    let forged = std::fs::read_to_string(project.side("forged")).unwrap();
    assert!(forged.contains("\"passes\": true"), "{forged}");
    assert!(!project.passes("T1") && project.passes("T2"));
    assert_eq!(project.plan()["status"], "HALTED");
}

#[test]
fn a1_a_changed_definition_asks_again_and_goes_on_after_approval() {
    let project = Project::with_config(
        &plan(&[task("T1", "a", json!({})), task("T2", "b", json!({}))]),
        NO_WAIT,
    );
    project.agent(&[
        ("author-T2-1", "exit 75".to_owned()),
        ("author-T2-[2-6]", "exit 75".to_owned()),
    ]);
    project.run().expect(11);
    assert!(project.passes("T1"));
    let text = project
        .read("docs/plans/doubles.json")
        .replace("b::double(2) is 4", "b::double(2) is four");
    project.write("docs/plans/doubles.json", &text);
    let before = project.sessions().len();
    let asked = project.run().expect(14);
    assert!(
        asked.all().contains("redgreen plan approve"),
        "{}",
        asked.all()
    );
    assert_eq!(project.sessions().len(), before);
    // Asking twice changes nothing.
    project.run().expect(14);
    project.redgreen(&["plan", "approve"]).expect(0);
    project.run().expect(0);
    assert!(
        project
            .prompt("author", "T2", 7)
            .contains("b::double(2) is four")
    );
    // What had passed under the same words is not done again.
    assert_eq!(
        project
            .sessions()
            .iter()
            .filter(|line| line.contains(" T1 "))
            .count(),
        2
    );
}

#[test]
fn a1_a_changed_configuration_asks_again_although_the_plan_was_approved_before() {
    let project = Project::with_config(
        &plan(&[task("T1", "a", json!({}))]).replace("APPROVED", "DRAFT"),
        NO_WAIT,
    );
    project.redgreen(&["plan", "approve"]).expect(0);
    project.agent(&[(
        "author-T1-1|author-T1-2|author-T1-3|author-T1-4|author-T1-5|author-T1-6",
        "exit 75".to_owned(),
    )]);
    project.run().expect(11);
    let before = project.sessions().len();
    project.write(
        "redgreen.toml",
        &(project.read("redgreen.toml") + "implementer_retries = 9\n"),
    );
    project.commit("other limits");
    project.run().expect(14);
    assert_eq!(project.sessions().len(), before);
    project.redgreen(&["plan", "approve"]).expect(0);
    project.run().expect(0);
    assert!(project.passes("T1"));
}

#[test]
fn a1_a_changed_definition_that_is_put_back_goes_on() {
    let project = Project::with_config(&plan(&[task("T1", "a", json!({}))]), NO_WAIT);
    project.agent(&[("author-T1-[1-6]", "exit 75".to_owned())]);
    project.run().expect(11);
    let text = project.read("docs/plans/doubles.json");
    project.write("docs/plans/doubles.json", &text.replace("is 4", "is 5"));
    project.run().expect(14);
    let now = project.read("docs/plans/doubles.json");
    project.write("docs/plans/doubles.json", &now.replace("is 5", "is 4"));
    project.run().expect(0);
    assert!(project.passes("T1"));
}

#[test]
fn a1_a_draft_asks_first() {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]).replace("APPROVED", "DRAFT"));
    let asked = project.run().expect(14);
    assert!(
        asked.all().contains("redgreen plan approve"),
        "{}",
        asked.all()
    );
    assert!(project.sessions().is_empty());
    project.redgreen(&["plan", "approve"]).expect(0);
    project.run().expect(0);
    assert_eq!(project.plan()["status"], "COMPLETE");
    let events = project.events();
    let approved = events
        .iter()
        .find(|event| event["type"] == "approved")
        .unwrap();
    assert_eq!(approved["data"]["by"], "Ann Example <ann@example.org>");
}

#[test]
fn a1_passes_from_before_is_adopted_and_never_called_verified() {
    let project = Project::new(&plan(&[
        task("T1", "a", json!({"passes": true})),
        task("T2", "b", json!({"depends_on": ["T1"]})),
    ]));
    let asked = project.run().expect(14);
    assert!(
        asked.err.contains("T1") && asked.err.contains("redgreen plan adopt"),
        "{}",
        asked.err
    );
    assert!(project.sessions().is_empty());
    project.redgreen(&["plan", "adopt"]).expect(0);
    project.run().expect(0);
    assert!(project.sessions().iter().all(|line| line.contains(" T2 ")));
    let report = project.report("report.md");
    assert!(
        report.contains("T1 double in a: adopted, not verified"),
        "{report}"
    );
    let status = project.redgreen(&["status"]).expect(0);
    assert!(
        status.out.contains("adopted, never verified"),
        "{}",
        status.out
    );
    assert!(project.passes("T1") && project.passes("T2"));
}

#[test]
fn a1_two_plans_of_one_repository_keep_each_others_updates() {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    let other = plan(&[task("T2", "b", json!({}))]).replace("Doubles", "Others");
    project.write("docs/plans/others.json", &other);
    project.commit("another plan");
    project.agent(&[
        // The other plan runs to its end while this one works.
        (
            "implementer-T1-1",
            right_source("a") + "[ -e \"$SIDE/both\" ] || exit 1",
        ),
    ]);
    let unnamed = project.run().expect(2);
    assert!(
        unnamed.err.contains("others.json") && unnamed.err.contains("doubles.json"),
        "{}",
        unnamed.err
    );
    let first = project.start(&["run", "docs/plans/doubles.json"]);
    let second = project
        .redgreen(&["run", "docs/plans/others.json"])
        .expect(0);
    let mut first = first;
    assert!(first.wait().unwrap().success(), "{}", project.background());
    assert!(second.all().contains("COMPLETE"));
    let others: serde_json::Value =
        serde_json::from_str(&project.read("docs/plans/others.json")).unwrap();
    assert_eq!(others["tasks"][0]["passes"], true);
    assert!(project.passes("T1"));
    // Each has its own branch, and nothing of one is lost for the other.
    assert!(project.content("redgreen/doubles").contains("tests/a.rs"));
    assert!(project.content("redgreen/others").contains("tests/b.rs"));
}
