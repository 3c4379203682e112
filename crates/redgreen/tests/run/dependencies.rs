//! New dependencies of a task: declared in the plan, added by the referee, and nothing else (SPEC B4, B5).

use crate::support::{Project, plan, task};
use serde_json::json;

const LOCK: &str = "version = 3\n\n[[package]]\nname = \"sums\"\nversion = \"0.1.0\"\n";

fn project(more: serde_json::Value) -> Project {
    let project = Project::with_config(
        &plan(&[task("T1", "a", more)]),
        "[limits]\nimplementer_retries = 0\n",
    );
    project.write("Cargo.lock", LOCK);
    project.commit("a lock file");
    project
}

/// An implementation that needs `itoa`, which the tests of redgreen's own build have brought to cargo's home.
fn with_itoa(beside: &str) -> String {
    format!(
        "{beside}\ncat >src/a.rs <<'RUST'\npub fn double(n: i32) -> i32 {{\n    itoa::Buffer::new().format(n * 2).parse().unwrap()\n}}\nRUST\n"
    )
}

#[test]
fn b4_a_declared_crate_is_there_before_the_tests_are_written_and_nothing_else_changes() {
    let project = project(json!({"new_dependencies": ["itoa@1"]}));
    project.agent(&[
        (
            "author-T1-*",
            format!(
                "grep -q itoa Cargo.toml && grep -q itoa Cargo.lock && touch \"$SIDE/seen\"\n{}",
                crate::support::right_test("a")
            ),
        ),
        ("implementer-T1-*", with_itoa("")),
    ]);
    project.run().expect(0);
    assert!(project.side("seen").exists(), "the author had it");
    let manifest = project.git(&["show", "HEAD:Cargo.toml"]);
    assert!(
        manifest.contains("[dependencies]\nitoa = \"1"),
        "{manifest}"
    );
    assert!(
        manifest.contains("[profile.dev]\ndebug = false"),
        "{manifest}"
    );
    let lock = project.git(&["show", "HEAD:Cargo.lock"]);
    assert!(
        lock.contains("name = \"itoa\"") && lock.contains("checksum"),
        "{lock}"
    );
    let subjects = project.subjects("HEAD");
    assert!(
        subjects
            .iter()
            .any(|subject| subject == "build(a): add itoa@1"),
        "{subjects:?}"
    );
}

#[test]
fn b5_a_crate_that_is_not_declared_is_rejected() {
    let project = project(json!({}));
    project.agent(&[(
        "implementer-T1-*",
        with_itoa("printf '\\n[dependencies]\\nitoa = \"1\"\\n' >>Cargo.toml"),
    )]);
    project.run().expect(13);
    assert_eq!(project.gates("T1").last().unwrap(), "green rejected");
}

#[test]
fn b5_a_declared_crate_does_not_open_the_manifest() {
    let project = project(json!({"new_dependencies": ["itoa@1"]}));
    // The declared one in another version, and a profile.
    project.agent(&[(
        "implementer-T1-*",
        with_itoa("sed -i 's/^itoa = .*/itoa = \"0.4\"/' Cargo.toml"),
    )]);
    project.run().expect(13);
    assert_eq!(project.gates("T1").last().unwrap(), "green rejected");
}

#[test]
fn b4_what_cannot_be_added_stops_before_anything_is_written() {
    for (declared, said) in [
        ("itoa@999", "`cargo add --quiet itoa@999` failed"),
        (
            "--git=https://example.org/x",
            "it does not begin with the name of a package",
        ),
    ] {
        let project = project(json!({"new_dependencies": [declared]}));
        let run = project.redgreen(&["run", "--yes"]);
        assert_ne!(run.code, 0);
        assert!(run.all().contains(said), "{}", run.all());
        assert!(!project.side("sessions").exists(), "no session began");
        assert_eq!(project.read("Cargo.lock"), LOCK);
    }
}
