//! What an agent reaches of the referee and of the user, at every level, tried by a scripted agent (SPEC C6, F1).

use crate::support::{Project, plan, right_source, right_test, task};
use serde_json::json;

/// Everything an agent has no business with: name and path, `$HOME_OF_USER` and `$STATE` are the user's.
const PRIVATE: &[(&str, &str)] = &[
    ("ssh", "$HOME_OF_USER/.ssh/id_ed25519"),
    ("cloud", "$HOME_OF_USER/.aws/credentials"),
    ("notes", "$HOME_OF_USER/notes.txt"),
    ("journal", "$STATE/*/journals/doubles.jsonl"),
    ("state", "$STATE/*/manifests"),
    ("clones", "$STATE/*/clones/doubles/T1/author"),
    ("git", "$REPO/.git/HEAD"),
    ("later", "$REPO/later.txt"),
];

/// A project whose agents try to reach all of it, and write what they could reach to `side/reached`.
fn curious(more: &str) -> Project {
    let tasks = [task("T1", "a", json!({})), task("T2", "b", json!({}))];
    let config = format!("\n[sandbox]\nwritable = [\"../side\"]\n{more}");
    let project = Project::with_config(&plan(&tasks), &config);
    let home = project.root().join("home");
    for (path, text) in [
        (".ssh/id_ed25519", "secret"),
        (".aws/credentials", "secret"),
        ("notes.txt", "secret"),
    ] {
        let path = home.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    // Work in progress of the user, never committed.
    project.write("later.txt", "secret");
    let mut script = format!(
        "HOME_OF_USER='{}'; STATE='{}'\n",
        home.display(),
        project.root().join("state").display()
    );
    for (name, path) in PRIVATE {
        script.push_str(&format!(
            "for f in {path}; do if test -d $f && ls $f/* >/dev/null 2>&1 || cat $f >/dev/null 2>&1; then echo {name} >>\"$SIDE/reached\"; fi; done\n"
        ));
        script.push_str(&format!(
            "for f in {path}; do if test -f $f && ( : >>$f ) 2>/dev/null; then echo write-{name} >>\"$SIDE/reached\"; fi; done\n"
        ));
    }
    // The own clone of this role is of course reached; only those of other tasks count.
    project.agent(&[
        ("author-T1-*", right_test("a")),
        ("implementer-T1-*", right_source("a")),
        ("author-T2-*", format!("{script}{}", right_test("b"))),
        ("implementer-T2-*", format!("{script}{}", right_source("b"))),
    ]);
    project
}

fn reached(project: &Project) -> Vec<String> {
    let mut lines: Vec<String> = std::fs::read_to_string(project.side("reached"))
        .unwrap_or_default()
        .lines()
        .map(str::to_owned)
        .collect();
    lines.sort();
    lines.dedup();
    lines
}

fn run_at(project: &Project, level: &str) -> crate::support::Ended {
    let mut command = project.binary(&["run", &format!("--require-isolation={level}")]);
    command.env("REDGREEN_ISOLATION", level);
    command.output().unwrap().into()
}

#[test]
fn c6_an_agent_reaches_nothing_private_under_bubblewrap() {
    let project = curious("");
    let ended = run_at(&project, "bubblewrap").expect(0);
    assert!(
        ended.all().contains("isolation: bubblewrap"),
        "{}",
        ended.all()
    );
    assert_eq!(reached(&project), Vec::<String>::new());
    assert!(project.passes("T1") && project.passes("T2"));
    assert!(
        project
            .report("report.md")
            .contains("isolation of agents: bubblewrap")
    );
    project.nothing_is_left();
}

#[test]
fn c6_an_agent_reaches_nothing_private_under_landlock() {
    let project = curious("");
    let ended = run_at(&project, "landlock").expect(0);
    assert!(
        ended.all().contains("isolation: landlock"),
        "{}",
        ended.all()
    );
    assert_eq!(reached(&project), Vec::<String>::new());
    assert!(project.passes("T1") && project.passes("T2"));
    project.nothing_is_left();
}

/// The lowest level protects none of it, and run and report say so.
#[test]
fn c6_without_isolation_the_run_and_the_report_say_what_is_not_protected() {
    let project = curious("");
    let ended = run_at(&project, "none").expect(0);
    assert!(
        ended
            .all()
            .contains("isolation: none: agents and tests run as you"),
        "{}",
        ended.all()
    );
    let all = reached(&project);
    for name in ["ssh", "journal", "git", "write-notes"] {
        assert!(all.contains(&name.to_owned()), "{name}: {all:?}");
    }
    let report = project.report("report.md");
    assert!(
        report.contains("isolation of agents: none: agents could read and write what you can"),
        "{report}"
    );
}

/// Less than what is required: nothing is started, 15, the reason and the fix.
#[test]
fn c6_a_required_level_that_is_not_there_ends_with_15() {
    let project = Project::with_config(
        &plan(&[task("T1", "a", json!({}))]),
        "\n[policy]\nisolation = \"landlock\"\n",
    );
    let ended = project.run().expect(15);
    assert!(
        ended
            .err
            .contains("isolation `landlock` is required and `none` is what works here")
            && ended.err.contains("REDGREEN_ISOLATION"),
        "{}",
        ended.err
    );
    assert!(project.sessions().is_empty());
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    project.redgreen(&["run", "--require-isolation"]).expect(15);
    assert!(project.sessions().is_empty());
}

/// What the configuration opens is open, and nothing else.
#[test]
fn c6_configuration_can_show_a_folder_of_the_home() {
    let project = curious("readable = [\"~/notes.txt\"]\n");
    run_at(&project, "bubblewrap").expect(0);
    assert_eq!(reached(&project), ["notes"]);
}
