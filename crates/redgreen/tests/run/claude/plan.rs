//! Whole runs: a plan to its end, a dispute, `kill -9` in the middle.

use super::{Claude, KEY, again, author, implementer, run, source_of, test_of, write};
use crate::support::{plan, task, wait_until};
use serde_json::json;
use std::net::TcpListener;

/// Author, red, lock, an implementer that fails once, green, full, COMPLETE. What it is told, what it reaches, what is
/// kept of it.
#[test]
fn f8_a_whole_plan_with_the_real_command_line() {
    let other = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let reach = "for p in OTHER MODEL; do (exec 3<>/dev/tcp/127.0.0.1/$p) 2>/dev/null && echo reached-$p; done; env | cut -d= -f1 | tr '\\n' ' '; cat ~/.claude/CLAUDE.md $HOME_OF_USER/.claude/CLAUDE.md; true"
        .replace("OTHER", &other.local_addr().unwrap().port().to_string());
    let claim = write(
        "claims.json",
        "{\"verdict\": \"pass\", \"gate\": \"green\"}",
    );
    let script = [
        author("T1", &(test_of("a") + "[[conversation.turn]]\ntext = \"The tests are written.\"\n")),
        implementer(
            "T1",
            &(run(&reach)
                + &claim
                + &source_of("a", "n + 3")
                + "[[conversation.turn]]\ntext = \"test result: ok. 1 passed; 0 failed. GREEN: pass. COMPLETE.\"\n"),
        ),
        again("T1", &source_of("a", "n * 2")),
        author("T2", &test_of("b")),
        implementer("T2", &source_of("b", "n * 2")),
    ]
    .concat();
    let claude = Claude::new(
        &plan(&[
            task("T1", "a", json!({})),
            task("T2", "b", json!({"depends_on": ["T1"]})),
        ]),
        // The model's own port is known only when it runs: the agent finds it in its environment.
        &script.replace("MODEL", "${ANTHROPIC_BASE_URL##*:}"),
        "",
    );
    let project = &claude.project;
    project.write("CLAUDE.md", "HOUSE-INSTRUCTIONS of the project\n");
    let hook = project.side("hook-ran").display().to_string();
    let hooks = |who: &str| {
        json!({"hooks": {"PreToolUse": [{"matcher": "", "hooks": [{"type": "command", "command": format!("touch {hook}-{who}")}]}]}}).to_string()
    };
    project.write(".claude/settings.json", &hooks("project"));
    project.commit("instructions");
    let own = project.root().join("home/.claude");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join("CLAUDE.md"), "PRIVATE-INSTRUCTIONS of the user\n").unwrap();
    std::fs::write(own.join("settings.json"), hooks("user")).unwrap();

    let ended = claude.run(&["run", "-v"]).expect(0);

    assert!(project.passes("T1") && project.passes("T2"));
    assert_eq!(project.plan()["status"], "COMPLETE");
    assert_eq!(
        project.gates("T1"),
        ["red pass", "green fail", "green pass", "full pass"],
        "what it says of itself is no verdict"
    );
    // Sessions: ids of ours, one per role and task, resumed on the retry; tokens and money are counted.
    let sessions = claude.sessions();
    let ids: Vec<&str> = sessions
        .iter()
        .map(|data| data["session"]["session"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 5, "{sessions:#?}");
    assert_eq!(ids[1], ids[2], "resumed");
    assert_eq!(
        ids.iter().collect::<std::collections::BTreeSet<_>>().len(),
        4,
        "no session is shared"
    );
    for data in &sessions {
        let session = &data["session"];
        assert_eq!(data["outcome"], "done");
        assert_eq!(session["agent"], "claude-code");
        assert!(session["tokens"].as_u64().unwrap() > 0, "{session}");
        assert!(session["micro_usd"].as_u64().unwrap() > 0, "{session}");
    }
    assert!(project.report("report.md").contains("tokens"));
    let exchanges = claude.exchanges();
    let retry = exchanges
        .iter()
        .find(|exchange| exchange.prompt.contains("did not pass"))
        .unwrap();
    assert_eq!(retry.prompts, 2);
    assert!(
        retry.prompt.contains("doubles") && retry.prompt.contains("GREEN"),
        "{}",
        retry.prompt
    );
    // The project's instructions stay, those of the user and every hook do not.
    for exchange in &exchanges {
        assert!(exchange.context.contains("HOUSE-INSTRUCTIONS"));
        assert!(!format!("{exchange:?}").contains("PRIVATE-INSTRUCTIONS"));
    }
    assert!(!project.side("hook-ran-project").exists() && !project.side("hook-ran-user").exists());
    // Its environment is cleared, and it reaches its model and nothing else.
    let looked = exchanges
        .iter()
        .find(|exchange| exchange.last_result.contains("REDGREEN_TASK"))
        .unwrap();
    let looked = &looked.last_result;
    assert!(!looked.contains("REDGREEN_STATE_DIR"), "{looked}");
    assert!(
        looked.contains(&format!("reached-{}", claude.model.port())),
        "{looked}"
    );
    if ended.err.contains("a network of its own") {
        assert!(
            !looked.contains(&format!("reached-{}", other.local_addr().unwrap().port())),
            "{looked}"
        );
    }
    // The key stands nowhere, in no output and in nothing that is kept.
    assert!(!ended.all().contains(KEY));
    assert_eq!(claude.holding(KEY), Vec::<String>::new());
    project.nothing_is_left();
}

#[test]
fn a10_a_dispute_from_inside_the_real_command_line() {
    let two = write(
        "tests/a.rs",
        "use sums::a::double;\n#[test]\nfn doubles() {\n    assert_eq!(double(2), 4);\n}\n#[test]\nfn doubles_again() {\n    assert_eq!(double(2), 5);\n}\n",
    );
    let dispute = run(
        "\"$REDGREEN\" dispute T1 --test tests/a.rs::doubles_again --reason contradiction --cites AC-1 --note 'four and five'",
    );
    let script = [
        "[[conversation]]\nwhen = [\"You write tests\", \"was found wrong\"]\n".to_owned()
            + &test_of("a"),
        author("T1", &two),
        "[[conversation]]\nwhen = [\"You write the implementation\"]\nresumed = false\n".to_owned()
            + &dispute,
        "[[conversation]]\nwhen = [\"You write the implementation\"]\nresumed = true\n".to_owned()
            + &source_of("a", "n * 2"),
    ]
    .concat();
    let claude = Claude::new(&plan(&[task("T1", "a", json!({}))]), &script, "");
    claude.run(&["run"]).expect(0);
    assert_eq!(
        claude.project.gates("T1"),
        ["red pass", "red pass", "green pass", "full pass"]
    );
    assert_eq!(claude.project.count("disputed"), 1);
    let fix = claude
        .exchanges()
        .into_iter()
        .find(|exchange| exchange.prompt.contains("was found wrong"))
        .unwrap();
    assert!(fix.prompt.contains("double(2) == 5"), "{}", fix.prompt);
}

/// `kill -9` of redgreen while the agent works: the agent does not outlive it, and the next run goes on in the same
/// session and the same files, without charging the try.
#[test]
fn a9_killed_in_the_middle_of_a_session_it_is_resumed() {
    let script = [
        author("T1", &test_of("a")),
        "[[conversation]]\nwhen = [\"You write the implementation\"]\nresumed = false\n".to_owned()
            + &write("src/b.rs", "// begun\n")
            + &run("sleep 300"),
        "[[conversation]]\nwhen = [\"You write the implementation\"]\nresumed = true\n".to_owned()
            + &run("cat src/b.rs")
            + &source_of("a", "n * 2"),
    ]
    .concat();
    let claude = Claude::new(&plan(&[task("T1", "a", json!({}))]), &script, "");
    let mut child = claude.start(&["run"]);
    wait_until("the agent sleeps", || {
        claude
            .exchanges()
            .iter()
            .any(|exchange| exchange.sent == "run: sleep 300")
    });
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until("the agent is gone with its referee", || {
        claude.project.processes().is_empty()
    });
    claude.run(&["run"]).expect(0);
    assert!(claude.project.passes("T1"));
    assert_eq!(
        claude.project.gates("T1"),
        ["red pass", "green pass", "full pass"]
    );
    let exchanges = claude.exchanges();
    let resumed = exchanges.last().unwrap();
    assert_eq!(resumed.prompts, 2);
    assert!(
        exchanges
            .iter()
            .any(|exchange| exchange.last_result.contains("// begun")),
        "its files are kept"
    );
    let attempts: Vec<String> = claude
        .sessions()
        .iter()
        .map(|data| data["key"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(attempts.len(), 2, "{attempts:?}");
    claude.project.nothing_is_left();
}
