//! Every way a session ends, with the real command line: an outage, a usage limit, no login, a refusal, limits, silence.

use super::{Claude, KEY, author, implementer, source_of, test_of};
use crate::support::{plan, task};
use serde_json::json;

fn one() -> String {
    plan(&[task("T1", "a", json!({}))])
}

fn outcomes(claude: &Claude) -> Vec<String> {
    claude
        .sessions()
        .iter()
        .map(|data| data["outcome"].as_str().unwrap().to_owned())
        .collect()
}

/// The provider is overloaded for longer than the agent itself tries, in the middle of a session: it is waited for, the
/// session goes on where it was, and no try is charged.
#[test]
fn a7_an_outage_in_the_middle_costs_no_attempt() {
    let broken = source_of("a", "n * 2").replace(
        "content",
        "faults = [{ status = 529, times = 5 }, { drop = true }]\ncontent",
    );
    let script =
        author("T1", &test_of("a")) + &implementer("T1", &(super::run("echo begun") + &broken));
    let claude = Claude::new(
        &one(),
        &script,
        "\n[limits]\nmax_wait = \"60s\"\nimplementer_retries = 0\n",
    );
    let ended = claude.run(&["run"]).expect(0);
    assert_eq!(outcomes(&claude), ["done", "provider_error", "done"]);
    assert_eq!(
        claude.project.gates("T1"),
        ["red pass", "green pass", "full pass"]
    );
    let sessions = claude.sessions();
    assert_eq!(
        sessions[1]["session"]["session"],
        sessions[2]["session"]["session"]
    );
    assert!(
        ended.err.contains("does not answer") && ended.err.contains("costs no try"),
        "{}",
        ended.err
    );
}

/// The login is carried: a credential file in the user's folder, which no log, prompt, record or report repeats, even
/// where the agent prints it. A usage limit is waited out until its reset.
#[test]
fn a7_f1_a_usage_limit_of_a_carried_login_is_waited_for() {
    let token = "sk-ant-oat01-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGH";
    let print = super::run(
        "cat $CLAUDE_CONFIG_DIR/.credentials.json; ls ~/.claude $(dirname $(readlink $CLAUDE_CONFIG_DIR/.credentials.json)) 2>&1 | head -5",
    );
    let limited = test_of("a").replace(
        "content",
        "faults = [{ status = 429, reset_in = 2 }]\ncontent",
    );
    let script = author("T1", &(print + &limited)) + &implementer("T1", &source_of("a", "n * 2"));
    let claude = Claude::new(&one(), &script, "");
    let folder = claude.project.root().join("home/.claude");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join(".credentials.json");
    let login = json!({"claudeAiOauth": {"accessToken": token, "refreshToken": token.replace("oat", "ort"),
        "expiresAt": 4_102_444_800_000_u64, "scopes": ["user:inference"], "subscriptionType": "pro"}})
    .to_string();
    std::fs::write(&file, &login).unwrap();
    std::fs::write(folder.join("history.jsonl"), "private").unwrap();
    let ended: crate::support::Ended = claude
        .command(&["run", "-v"])
        .env_remove("ANTHROPIC_API_KEY")
        .output()
        .unwrap()
        .into();
    let ended = ended.expect(0);
    assert_eq!(outcomes(&claude), ["usage_limit", "done", "done"]);
    assert!(
        ended.err.contains("limit") && ended.err.contains("goes on in"),
        "{}",
        ended.err
    );
    let exchanges = claude.exchanges();
    assert!(exchanges[0].headers.contains(&"authorization".to_owned()));
    assert!(
        exchanges
            .iter()
            .any(|exchange| exchange.last_result.contains(token)),
        "the agent could read its own login"
    );
    assert!(
        !exchanges
            .iter()
            .any(|exchange| exchange.last_result.contains("history.jsonl"))
    );
    // Its own value and any piece of it that could be used.
    for secret in [
        token,
        "oat01-0123456789abcdefghij",
        "ort01-0123456789abcdefghij",
    ] {
        assert!(!ended.all().contains(secret));
        assert_eq!(claude.holding(secret), Vec::<String>::new());
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), login);
}

#[test]
fn f2_an_unknown_key_is_said_at_once_and_a_refusal_is_judged_by_what_is_there() {
    let fault = "[[conversation.turn]]\ntext = \"x\"\nfaults = [{ status = 401, message = \"invalid x-api-key\", times = 99 }]\n";
    let claude = Claude::new(&one(), &author("T1", fault), "");
    let ended = claude.run(&["run"]).expect(15);
    assert!(
        ended.err.contains("refuses the login") && ended.err.contains("/login"),
        "{}",
        ended.err
    );
    assert!(!ended.all().contains(KEY));
    let none: crate::support::Ended = claude
        .command(&["run"])
        .env_remove("ANTHROPIC_API_KEY")
        .output()
        .unwrap()
        .into();
    let none = none.expect(15);
    assert!(none.err.contains("has no login here"), "{}", none.err);

    let refusal = "[[conversation.turn]]\nrefuse = \"I cannot help with that.\"\n";
    let claude = Claude::new(
        &one(),
        // The agent asks once more by itself.
        &(author("T1", refusal) + "[[conversation]]\nwhen = [\"safety classifier\"]\n" + refusal),
        "\n[limits]\nauthor_retries = 0\n",
    );
    let ended = claude.run(&["run"]);
    assert!(matches!(ended.code, 10 | 11), "{}", ended.all());
    assert!(ended.err.contains("the model declined"), "{}", ended.err);
    assert_eq!(outcomes(&claude), ["done"]);
    assert_eq!(claude.project.gates("T1").len(), 1);
}

#[test]
fn f3_turns_money_and_silence_end_a_session_and_it_goes_on_later() {
    let script = author(
        "T1",
        &(super::run("echo one") + &super::run("echo two") + &test_of("a")),
    );
    let claude = Claude::new(&one(), &script, "turns = 1\n");
    let ended = claude.run(&["run"]).expect(12);
    assert!(ended.err.contains("number of turns"), "{}", ended.err);
    assert_eq!(outcomes(&claude), ["session_limit"]);

    let claude = Claude::new(&one(), &script, "\n[limits]\ntask_usd = 0.000001\n");
    let ended = claude.run(&["run"]).expect(12);
    assert!(ended.err.contains("budget"), "{}", ended.err);
    let ended = claude.run(&["run"]).expect(12);
    assert!(ended.err.contains("limits.task_usd"), "{}", ended.err);
    assert_eq!(claude.exchanges().len(), 1, "not even asked again");

    // Silence while the model is waited for is the provider's.
    let silent = test_of("a").replace("content", "faults = [{ hang = 3600 }]\ncontent");
    let script = author("T1", &silent);
    let claude = Claude::new(
        &one(),
        &script,
        "\n[limits]\nidle = \"8s\"\nmax_wait = \"6s\"\n",
    );
    claude.run(&["run", "--until", "red"]);
    assert_eq!(outcomes(&claude)[0], "provider_error");
    assert_eq!(outcomes(&claude).last().unwrap(), "done");
}
