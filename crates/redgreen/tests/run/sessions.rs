//! What an agent sees, may write, and cannot cheat with (SPEC A6, C4-C6, F1-F3).

use crate::support::{Project, plan, right_source, right_test, source, task};
use serde_json::json;

pub fn one() -> String {
    plan(&[task("T1", "a", json!({}))])
}

#[test]
fn f3_the_wall_clock_and_silence_end_a_session_and_the_run_goes_on_later() {
    for (limit, rest) in [
        (
            "session = \"1s\"",
            "while :; do echo working; sleep 0.1; done",
        ),
        ("idle = \"1s\"", "sleep 300"),
    ] {
        let project = Project::with_config(&one(), &format!("[limits]\n{limit}\n"));
        project.agent(&[("author-T1-1", format!("(setsid sleep 300 &)\n{rest}"))]);
        let run = project.run().expect(12);
        assert!(run.all().contains("redgreen run"), "{}", run.all());
        project.nothing_is_left();
        project.run().expect(0);
        assert_eq!(
            project.sessions()[..2],
            ["author T1 first 1", "author T1 again 1"],
            "{limit}: not charged"
        );
    }
}

#[test]
fn f3_the_limit_of_the_run_stops_it_resumably() {
    let project = Project::with_config(&one(), "[limits]\nrun = \"1s\"\n");
    project.agent(&[("author-T1-1", "sleep 300".to_owned())]);
    let run = project.run().expect(12);
    assert!(run.all().contains("redgreen run"), "{}", run.all());
    assert_eq!(project.count("limit_reached"), 1);
    project.nothing_is_left();
    project.write(
        "redgreen.toml",
        &project.read("redgreen.toml").replace("run = \"1s\"\n", ""),
    );
    project.commit("no limit");
    project.redgreen(&["run", "--yes"]).expect(0);
    assert!(project.passes("T1"));
}

#[test]
fn f3_limits_are_printed_at_the_start() {
    let project = Project::with_config(&one(), "[limits]\nsession = \"7m\"\nrun = \"3h\"\n");
    let run = project.run().expect(0);
    for limit in ["7 min", "180 min", "author 2", "implementer 3"] {
        assert!(run.err.contains(limit), "no `{limit}` in {}", run.err);
    }
}

#[test]
fn a6_an_agent_works_in_a_clone_without_history_and_without_the_locks_private_state() {
    let project = Project::new(&one());
    let look = "git log --format=%s >\"$SIDE/log-$REDGREEN_ROLE\"; git remote -v >\"$SIDE/remotes\"; git for-each-ref >\"$SIDE/refs\"; pwd >\"$SIDE/pwd-$REDGREEN_ROLE\"; ls -A >\"$SIDE/files-$REDGREEN_ROLE\"; env >\"$SIDE/env-$REDGREEN_ROLE\"\n";
    project.agent(&[
        (
            "author-T1-1",
            look.to_owned()
                + "echo 'pub fn double(n: i32) -> i32 { n * 2 } // author-was-here' >src/a.rs\n"
                + &right_test("a"),
        ),
        (
            "implementer-T1-1",
            look.to_owned() + "grep -r author-was-here . && exit 1\n" + &right_source("a"),
        ),
    ]);
    project.run().expect(0);
    let side = |name: &str| std::fs::read_to_string(project.side(name)).unwrap();
    for role in ["author", "implementer"] {
        assert_eq!(side(&format!("log-{role}")), "start\n");
        let env = side(&format!("env-{role}"));
        for name in ["REDGREEN_TASK=T1", "REDGREEN_ROLE=", "PATH=", "HOME="] {
            assert!(env.contains(name), "no {name} in {env}");
        }
        assert!(!env.contains("REDGREEN_STATE_DIR"), "{env}");
    }
    assert_eq!(side("remotes"), "");
    assert_eq!(side("refs").lines().count(), 1);
    // Author and implementer have folders of their own, and neither is the user's.
    assert_ne!(side("pwd-author"), side("pwd-implementer"));
    assert!(!side("pwd-author").starts_with(&project.repo().display().to_string()));
    // What the author wrote outside of tests is neither used nor seen.
    assert!(!project.content("main").is_empty());
    assert!(!project.read("src/a.rs").contains("author-was-here"));
}

#[test]
fn a6_nothing_of_the_implementation_is_in_the_authors_prompt() {
    let project = Project::new(&one());
    project.run().expect(0);
    let prompt = project.prompt("author", "T1", 1);
    assert!(
        prompt.contains("a::double(2) is 4") && prompt.contains("tests/**"),
        "{prompt}"
    );
    for word in ["pub fn", "n * 2", "Locked tests", "Write only: /src"] {
        assert!(!prompt.contains(word), "`{word}` in\n{prompt}");
    }
}

#[test]
fn a6_templates_and_included_files_of_the_project_work_and_unknown_variables_do_not() {
    let project = Project::with_config(&one(), "[prompts]\ninclude = [\"HOUSE.md\"]\n");
    project.write("HOUSE.md", "House rule: be kind.\n");
    project.write(
        ".redgreen/prompts/author.md",
        "OUR OWN {{ task.id }} {% for file in include %}{{ file.text }}{% endfor %}\n",
    );
    project.commit("templates");
    project.run().expect(0);
    let author = project.prompt("author", "T1", 1);
    assert!(
        author.starts_with("OUR OWN T1 House rule: be kind."),
        "{author}"
    );
    assert!(
        project
            .prompt("implementer", "T1", 1)
            .contains("House rule: be kind.")
    );
    let project = Project::new(&one());
    project.write(".redgreen/prompts/author.md", "{{ task.secret_plan }}\n");
    project.commit("templates");
    let run = project.run().expect(2);
    assert!(
        run.err.contains("secret_plan") || run.err.contains("undefined"),
        "{}",
        run.err
    );
    assert!(run.err.contains(".redgreen/prompts"), "{}", run.err);
    assert!(project.sessions().is_empty());
}

#[test]
fn f1_only_named_variables_reach_an_agent_and_their_values_no_log() {
    let config = one();
    let project = Project::new(&config);
    let text = project.read("redgreen.toml");
    project.write("redgreen.toml", &(text + "environment = [\"MODEL_KEY\"]\n"));
    project.commit("a key");
    project.agent(&[
        (
            "author-T1-1",
            "echo \"key: $MODEL_KEY\"; env >\"$SIDE/env\"\n".to_owned() + &right_test("a"),
        ),
        (
            "implementer-T1-1",
            "echo \"key: $MODEL_KEY\" >&2; exit 75".to_owned(),
        ),
    ]);
    let ended: crate::support::Ended = project
        .binary(&["run", "-v"])
        .env("MODEL_KEY", "hunter2-hunter2")
        .env("OTHER_KEY", "swordfish")
        .output()
        .unwrap()
        .into();
    let ended = ended.expect(0);
    let env = std::fs::read_to_string(project.side("env")).unwrap();
    assert!(
        env.contains("MODEL_KEY=hunter2-hunter2") && !env.contains("swordfish"),
        "{env}"
    );
    assert!(!ended.all().contains("hunter2"), "{}", ended.all());
    let found = std::process::Command::new("grep")
        .args(["-rl", "hunter2"])
        .arg(project.root().join("state"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
    let logs = std::process::Command::new("grep")
        .args(["-rh", "key: "])
        .arg(project.root().join("state"))
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&logs.stdout).contains("key: [redacted MODEL_KEY]"));
}

#[test]
fn f1_without_an_agent_the_next_step_is_said() {
    let project = Project::new(&one());
    project.write("redgreen.toml", "version = 1\n");
    project.commit("no agent");
    let run = project.run().expect(2);
    assert!(
        run.err.contains("[agent]") && run.err.contains("--agent"),
        "{}",
        run.err
    );
    let script = format!("sh {}", project.root().join("agent.sh").display());
    project.redgreen(&["run", "--agent", &script]).expect(0);
    assert!(project.passes("T1"));
}

#[test]
fn c4_cheats_are_refused_with_their_difference_and_legitimate_source_is_kept() {
    let kept = "echo '// kept' >src/b.rs\n";
    let printed = "echo 'test result: ok. 1 passed; 0 failed'\nexit 0\n";
    for (name, cheat, path, difference) in [
        (
            "edited test",
            "sed -i 's/double(2), 4/double(2), 5/' tests/a.rs",
            "tests/a.rs",
            "double(2), 5",
        ),
        (
            "planted configuration",
            "mkdir -p .cargo; printf '[build]\\nrustc-wrapper = \"true\"\\n' >.cargo/config.toml",
            ".cargo/config.toml",
            "rustc-wrapper",
        ),
        (
            "planted conftest",
            "printf 'import sys\\n' >tests/conftest.py",
            "tests/conftest.py",
            "import sys",
        ),
        (
            "a test as a link",
            "cp tests/a.rs src/x.rs; rm tests/a.rs; ln -s ../src/x.rs tests/a.rs",
            "tests/a.rs",
            "symbolic link",
        ),
        (
            "deleted test",
            "rm tests/a.rs",
            "tests/a.rs",
            "double(2), 4",
        ),
    ] {
        let project = Project::new(&one());
        project.agent(&[
            ("implementer-T1-1", format!("{kept}{}{cheat}\n{printed}", source("a", "n + 3"))),
            ("implementer-T1-2", "ls -la tests .cargo >\"$SIDE/second\" 2>&1 || true\ncat tests/a.rs >\"$SIDE/restored\"\ncat src/b.rs >\"$SIDE/kept\"\n".to_owned() + &right_source("a")),
        ]);
        project.run().expect(0);
        assert_eq!(project.gates("T1")[1], "green rejected", "{name}");
        let told = project.prompt("implementer", "T1", 2);
        assert!(
            told.contains(path) && told.contains(difference),
            "{name}:\n{told}"
        );
        let side = |file: &str| std::fs::read_to_string(project.side(file)).unwrap();
        assert!(side("restored").contains("double(2), 4"), "{name}");
        assert!(
            !side("second").contains("config.toml")
                && !side("second").contains("conftest")
                && !side("second").contains("->"),
            "{name}: {}",
            side("second")
        );
        assert_eq!(side("kept"), "// kept\n", "{name}");
        let report = project.report("report.md");
        assert!(report.contains(path), "{name}:\n{report}");
        assert_eq!(project.read("src/b.rs"), "// kept\n", "{name}");
        project.nothing_is_left();
    }
}

#[test]
fn c4_printed_success_is_no_evidence() {
    let project = Project::new(&one());
    project.agent(&[(
        "implementer-T1-*",
        "echo 'test result: ok. 1 passed; 0 failed'; exit 0".to_owned(),
    )]);
    project.run().expect(10);
    assert_eq!(
        project.gates("T1"),
        ["red pass", "green fail", "green fail", "green fail"]
    );
    assert!(!project.passes("T1"));
}
