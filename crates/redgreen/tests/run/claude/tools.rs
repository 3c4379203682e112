//! What is around a session: `try` from inside the sandbox, `doctor`, and working by hand with `redgreen next`.

use super::{Claude, KEY, author, implementer, program, run, source_of, test_of};
use crate::support::{Ended, plan, task};
use redgreen_testkit::model::Server;
use redgreen_testkit::model::script::Script;
use serde_json::json;

fn one() -> String {
    plan(&[task("T1", "a", json!({}))])
}

/// The agent sees what the locked tests do with its work, as often as it likes: the referee runs them outside, and neither a
/// verdict nor a try comes of it.
#[test]
fn f4_try_from_inside_the_sandbox() {
    let ask = run("\"$REDGREEN\" try T1");
    let turns = source_of("a", "n + 3")
        + &ask
        + &source_of("a", "n * 2")
        + &ask
        + &run(
            "\"$REDGREEN\" try T1 tests/a.rs::other; \"$REDGREEN\" try T9; echo '{' | cat >/dev/null",
        );
    let script = author("T1", &test_of("a")) + &implementer("T1", &turns);
    let claude = Claude::new(&one(), &script, "\n[limits]\nimplementer_retries = 0\n");
    claude.run(&["run"]).expect(0);
    let results: Vec<String> = claude
        .exchanges()
        .iter()
        .map(|exchange| exchange.last_result.clone())
        .filter(|result| result.contains("T1") || result.contains("doubles"))
        .collect();
    let failed = results
        .iter()
        .find(|text| text.contains("failed tests/a.rs::doubles"));
    assert!(
        failed.unwrap().contains("no try is used up"),
        "{results:#?}"
    );
    assert!(
        results
            .iter()
            .any(|text| text.contains("passed tests/a.rs::doubles")),
        "{results:#?}"
    );
    let wrong = results.last().unwrap();
    assert!(
        wrong.contains("no locked test of T1 is meant by `tests/a.rs::other`")
            && wrong.contains("this session is about T1"),
        "{wrong}"
    );
    assert_eq!(
        claude.project.gates("T1"),
        ["red pass", "green pass", "full pass"]
    );
    claude.project.nothing_is_left();
}

#[test]
fn e2_doctor_says_what_an_agent_has_and_asks_it() {
    let script = "[[conversation]]\nwhen = [\"Answer with the word OK\"]\n[[conversation.turn]]\ntext = \"OK\"\n";
    let claude = Claude::new(&one(), script, "environment = [\"EXTRA\"]\n");
    let plain = claude.run(&["doctor"]).expect(0);
    for text in [
        "2.1.328 (Claude Code)",
        "$ANTHROPIC_API_KEY",
        "is held by",
        "doctor --ask",
        "Ann Example",
        "cargo-test",
    ] {
        assert!(plain.out.contains(text), "no `{text}` in {}", plain.out);
    }
    assert!(!plain.all().contains(KEY));
    assert_eq!(
        claude.exchanges().len(),
        0,
        "nothing is asked without --ask"
    );
    let asked = claude.run(&["doctor", "--ask", "--json"]).expect(0);
    let document: serde_json::Value = serde_json::from_str(&asked.out).unwrap();
    assert_eq!(document["schema"], "redgreen.doctor/1");
    let lines = document["lines"].as_array().unwrap();
    let answer = lines
        .iter()
        .find(|line| line["name"] == "agent answer")
        .unwrap();
    assert_eq!(answer["state"], "ok", "{answer}");
    assert!(
        answer["found"].as_str().unwrap().contains("answered"),
        "{answer}"
    );
    for line in lines {
        assert!(!line["why"].as_str().unwrap().is_empty(), "{line}");
        assert_eq!(line["state"] == "ok", line["fix"].is_null(), "{line}");
    }
    claude.project.nothing_is_left();
    // Without a login: what is missing, and what to type.
    let none: Ended = claude
        .command(&["doctor", "--ask"])
        .env_remove("ANTHROPIC_API_KEY")
        .output()
        .unwrap()
        .into();
    let none = none.expect(15);
    assert!(
        none.out.contains("missing") && none.out.contains("/login"),
        "{}",
        none.out
    );
}

/// The five-minute guide of `docs/guide/claude-code.md`, walked through: Claude Code in the user's own checkout, as a person
/// starts it, told to do what `redgreen next` says.
#[test]
fn f7_by_hand_with_next_in_ones_own_checkout() {
    let turns = [
        run("redgreen next"),
        test_of("a"),
        run("redgreen lock T1"),
        run("redgreen next"),
        source_of("a", "n + 3"),
        run("redgreen try T1"),
        source_of("a", "n * 2"),
        run("redgreen check T1"),
    ]
    .concat();
    let script = format!("[[conversation]]\nwhen = [\"redgreen next\"]\n{turns}");
    let claude = Claude::new(&one(), "", "");
    let project = &claude.project;
    let model = Server::start(Script::read(&script).unwrap()).unwrap();
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_redgreen"))
        .parent()
        .unwrap();
    let path = format!(
        "{}:{}",
        bin.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    // As `redgreen` is started, but Claude Code itself: the same home, the same variables.
    let like = project.binary(&[]);
    let mut command = std::process::Command::new(program());
    command.current_dir(project.repo()).env_clear();
    for (name, value) in like.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let ended: Ended = command
        .args([
            "-p",
            "--dangerously-skip-permissions",
            "Run `redgreen next`, do what it says, and go on until nothing is left of T1.",
        ])
        .env("PATH", path)
        .env("IS_SANDBOX", "1")
        .env("DISABLE_AUTOUPDATER", "1")
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .env("ANTHROPIC_BASE_URL", model.url())
        .env("ANTHROPIC_API_KEY", KEY)
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap()
        .into();
    ended.expect(0);
    let results: Vec<String> = model
        .exchanges()
        .iter()
        .map(|exchange| exchange.last_result.clone())
        .collect();
    let all = results.join("\n---\n");
    for text in [
        "specify: write tests for these criteria",
        "implement: make the 1 locked tests pass",
        "failed tests/a.rs::doubles",
    ] {
        assert!(all.contains(text), "no `{text}` in {all}");
    }
    assert!(
        project
            .git(&["log", "--format=%s"])
            .contains("test-lock: T1"),
        "{all}"
    );
    // It ended with a full validation of its own accord, judged from the files alone.
    project.redgreen(&["check", "T1"]).expect(0);
}
