//! The worked examples of `examples/agents`, run as their comments say (SPEC F1).

use crate::support::{Project, plan, task};
use serde_json::json;
use std::path::PathBuf;

fn example(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/agents");
    root.join(name).canonicalize().unwrap()
}

fn project(command: &[&str], more: &str) -> Project {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    project.write(
        "redgreen.toml",
        &format!("version = 1\n\n[agent]\ncommand = {command:?}\n{more}"),
    );
    project.commit("the agent");
    project
}

const TEST: &str =
    "use sums::a::double;\n#[test]\nfn doubles() {\n    assert_eq!(double(2), 4);\n}\n";
const SOURCE: &str = "pub fn double(n: i32) -> i32 {\n    n * 2\n}\n";

#[test]
fn f1_example_a_shell_script() {
    let probe = Project::new(&plan(&[]));
    let notes = probe.side("notes");
    for (path, text) in [
        ("author/T1/tests/a.rs", TEST),
        ("implementer/T1/src/a.rs", SOURCE),
    ] {
        let path = notes.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let script = example("script.sh");
    let project = project(
        &[
            "sh",
            &script.display().to_string(),
            &notes.display().to_string(),
        ],
        "",
    );
    project.run().expect(0);
    assert!(project.passes("T1"));
    let logs = std::process::Command::new("grep")
        .args(["-rh", "passed tests/a.rs::doubles"])
        .arg(project.state().join("logs"))
        .output()
        .unwrap();
    assert!(!logs.stdout.is_empty(), "it tried its work first");
}

/// The person is a script that does what a person would do in the window that opens.
#[test]
fn f1_example_a_person_in_an_editor() {
    let script = example("person.sh");
    let project = project(
        &["sh", &script.display().to_string()],
        "environment = [\"EDITOR\"]\n",
    );
    let editor = project.side("editor.sh");
    std::fs::write(
        &editor,
        format!(
            "set -eu\ncd \"$1\"\ngrep -q 'Task T1' \"$2\"\ncase $REDGREEN_ROLE in\n\
             author) mkdir -p tests; cat >tests/a.rs <<'RUST'\n{TEST}RUST\n;;\n\
             implementer) cat >src/a.rs <<'RUST'\n{SOURCE}RUST\n;;\nesac\n"
        ),
    )
    .unwrap();
    let ended: crate::support::Ended = project
        .binary(&["run"])
        .env("EDITOR", format!("sh {}", editor.display()))
        .output()
        .unwrap()
        .into();
    ended.expect(0);
    assert!(project.passes("T1"));
    assert!(!project.repo().join(".redgreen-task.md").exists());
}

/// aider itself is not installed here; what can be checked is that the script is one that a shell reads.
#[test]
fn f1_example_every_script_is_read_by_a_plain_shell() {
    for name in ["aider.sh", "person.sh", "script.sh"] {
        let read = std::process::Command::new("sh")
            .arg("-n")
            .arg(example(name))
            .output()
            .unwrap();
        assert!(read.status.success(), "{name}: {read:?}");
    }
}
