//! Commits, the run's branch, the user's branch (SPEC G7).

use crate::support::{Project, plan, right_source, source, task};
use serde_json::json;

fn one() -> String {
    plan(&[task("T1", "a", json!({"issue": "#12"}))])
}

#[test]
fn g7_two_commits_with_trailers_on_the_runs_branch_and_the_users() {
    let project = Project::new(&one());
    // A hook that would stop every commit.
    project.write(".git/hooks/pre-commit", "#!/bin/sh\nexit 1\n");
    project.write(".git/hooks/commit-msg", "#!/bin/sh\nexit 1\n");
    for hook in ["pre-commit", "commit-msg"] {
        std::fs::set_permissions(
            project.repo().join(".git/hooks").join(hook),
            std::os::unix::fs::PermissionsExt::from_mode(0o755),
        )
        .unwrap();
    }
    // The user's own work, staged and not, is nobody's business.
    project.write("README.md", "# sums, being edited\n");
    project.write("notes.txt", "mine\n");
    project.write("staged.txt", "mine too\n");
    project.git(&["add", "staged.txt"]);
    project.run().expect(0);
    assert_eq!(
        project.subjects("main"),
        [
            "test-lock: T1 tests ready for implementation",
            "feat(a): double in a"
        ]
    );
    assert_eq!(
        project.git(&["rev-parse", "main"]),
        project.git(&["rev-parse", "redgreen/doubles"])
    );
    let message = project.git(&["log", "-1", "--format=%B"]);
    for line in [
        "- AC-1: ",
        "Closes #12",
        "Redgreen-Task: T1",
        "Redgreen-Judged-By: sha256:",
    ] {
        assert!(message.contains(line), "no `{line}` in\n{message}");
    }
    let locked = project.git(&[
        "log",
        "-1",
        "--format=%(trailers:key=Redgreen-Lock)",
        "HEAD~1",
    ]);
    assert!(locked.contains("T1 sha256:"), "{locked}");
    assert_eq!(
        project.git(&["log", "-1", "--format=%an <%ae>"]),
        "Ann Example <ann@example.org>"
    );
    assert_eq!(project.read("README.md"), "# sums, being edited\n");
    let status = project.git(&["status", "--porcelain"]);
    let lines: Vec<&str> = status.lines().collect();
    assert_eq!(
        lines,
        [
            " M README.md",
            " M docs/plans/doubles.json",
            "A  staged.txt",
            "?? notes.txt"
        ]
    );
}

#[test]
fn g7_a_dirty_file_that_would_be_touched_keeps_the_branch_where_it_is() {
    let project = Project::new(&one());
    let head = project.git(&["rev-parse", "HEAD"]);
    project.write("src/a.rs", "// begun by hand\n");
    let run = project.run().expect(0);
    assert!(
        run.all().contains("git merge --ff-only redgreen/doubles"),
        "{}",
        run.all()
    );
    assert_eq!(project.git(&["rev-parse", "HEAD"]), head);
    assert_eq!(project.read("src/a.rs"), "// begun by hand\n");
    assert!(project.git_says(&["merge-base", "--is-ancestor", "main", "redgreen/doubles"]));
    assert!(project.passes("T1"));
}

#[test]
fn g7_an_untracked_file_in_the_way_is_not_overwritten() {
    let project = Project::new(&one());
    project.write("tests/a.rs", "// mine\n");
    let run = project.run().expect(0);
    assert!(
        run.all().contains("git merge --ff-only redgreen/doubles"),
        "{}",
        run.all()
    );
    assert_eq!(project.read("tests/a.rs"), "// mine\n");
}

#[test]
fn g7_a_branch_that_went_its_own_way_is_left_alone_until_it_is_merged() {
    let project = Project::new(&plan(&[
        task("T1", "a", json!({})),
        task("T2", "b", json!({})),
    ]));
    project.agent(&[(
        "implementer-T1-1",
        right_source("a")
            + "cd \"$REPO\"; echo more >>README.md; git -c user.name=Ann -c user.email=ann@example.org commit --quiet --message mine README.md",
    )]);
    let run = project.run().expect(0);
    assert!(
        run.all().contains("git merge redgreen/doubles"),
        "{}",
        run.all()
    );
    assert_eq!(project.subjects("main"), ["mine"]);
    assert_eq!(
        project.subjects("redgreen/doubles").len(),
        4,
        "the second task begins on the first"
    );
}

#[test]
fn g7_a_detached_head_is_left_alone() {
    let project = Project::new(&one());
    project.git(&["checkout", "--quiet", "--detach"]);
    let head = project.git(&["rev-parse", "HEAD"]);
    let run = project.run().expect(0);
    assert!(
        run.all().contains("git merge --ff-only redgreen/doubles"),
        "{}",
        run.all()
    );
    assert_eq!(project.git(&["rev-parse", "HEAD"]), head);
    assert_eq!(project.subjects("redgreen/doubles").len(), 2);
}

#[test]
fn g7_signatures_and_sign_offs_are_honoured_where_configured() {
    let project = Project::new(&one());
    let key = project.root().join("key");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status()
        .unwrap();
    assert!(made.success(), "this test needs ssh-keygen");
    let key = key.display().to_string();
    for (name, value) in [
        ("gpg.format", "ssh"),
        ("user.signingKey", key.as_str()),
        ("commit.gpgSign", "true"),
        ("format.signOff", "true"),
    ] {
        project.git(&["config", name, value]);
    }
    project.run().expect(0);
    for commit in ["HEAD", "HEAD~1"] {
        let text = project.git(&["cat-file", "commit", commit]);
        assert!(text.contains("BEGIN SSH SIGNATURE"), "{text}");
        assert!(
            text.contains("Signed-off-by: Ann Example <ann@example.org>"),
            "{text}"
        );
    }
}

#[test]
fn g7_squash_makes_one_commit_per_task() {
    let project = Project::with_config(&one(), "[deliver]\nstyle = \"squash\"\n");
    project.run().expect(0);
    assert_eq!(project.subjects("main"), ["feat(a): double in a"]);
    assert!(project.content("HEAD").contains("tests/a.rs"));
}

#[test]
fn g7_a_task_that_comes_later_is_proven_again_on_what_was_delivered_meanwhile() {
    let project = Project::with_config(
        &plan(&[task("T1", "a", json!({})), task("T2", "b", json!({}))]),
        "[limits]\nimplementer_retries = 0\n",
    );
    project.agent(&[("implementer-T1-1", source("a", "n + 3"))]);
    project.run().expect(10);
    assert!(project.passes("T2") && !project.passes("T1"));
    let first_lock = project.git(&["rev-parse", "refs/redgreen/doubles/T1/lock"]);
    project
        .redgreen(&["retry", "T1", "--hint", "double it"])
        .expect(0);
    project.run().expect(0);
    assert!(project.passes("T1"));
    let content = project.content("main");
    for path in ["src/a.rs", "src/b.rs", "tests/a.rs", "tests/b.rs"] {
        assert!(content.contains(path), "no {path} in\n{content}");
    }
    assert_eq!(
        project.read("src/b.rs").trim(),
        "pub fn double(n: i32) -> i32 {\n    n * 2\n}"
    );
    // The lock was made again on the new base, and says what it replaces.
    let lock = project.git(&["rev-parse", "refs/redgreen/doubles/T1/lock"]);
    assert_ne!(lock, first_lock);
    assert_eq!(project.git(&["rev-parse", "HEAD~1"]), lock);
    let record: serde_json::Value =
        serde_json::from_str(&project.read(".redgreen/locks/T1.json")).unwrap();
    assert!(record["supersedes"].is_string(), "{record}");
    assert_eq!(
        record["base_commit"],
        project.git(&["rev-parse", "HEAD~2"]).as_str()
    );
    let gates = project.gates("T1");
    let full = gates.iter().filter(|gate| *gate == "full pass").count();
    assert_eq!(full, 2, "once before and once on the new base: {gates:?}");
    project.nothing_is_left();
}

#[test]
fn g7_a_path_touched_by_both_is_done_again_on_what_was_delivered() {
    let both =
        |module: &str| right_source(module) + "cat >>src/c.rs <<'RUST'\n// " + module + "\nRUST\n";
    let project = Project::with_config(
        &plan(&[task("T1", "a", json!({})), task("T2", "b", json!({}))]),
        "[limits]\nimplementer_retries = 0\n",
    );
    project.agent(&[
        ("implementer-T1-1", source("a", "n + 3")),
        ("implementer-T1-2", both("a")),
        (
            "implementer-T1-3",
            "cp src/c.rs src/a.rs \"$SIDE\"\n".to_owned() + &both("a"),
        ),
        ("implementer-T2-*", both("b")),
    ]);
    project.run().expect(10);
    project.redgreen(&["retry", "T1"]).expect(0);
    project.run().expect(0);
    assert!(
        project
            .prompt("implementer", "T1", 3)
            .contains("conflicts in: src/c.rs")
    );
    // The file lay there as the other task left it; the rest of the candidate stayed.
    let side = |name: &str| std::fs::read_to_string(project.side(name)).unwrap();
    assert_eq!(side("c.rs"), "// b\n");
    assert!(side("a.rs").contains("n * 2"));
    assert_eq!(project.read("src/c.rs"), "// b\n// a\n");
    assert!(project.passes("T1"));
}
