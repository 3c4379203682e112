//! The scripted model server over real connections.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use redgreen_testkit::model::Server;
use redgreen_testkit::model::script::Script;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

fn server(script: &str) -> Server {
    Server::start(Script::read(script).unwrap()).unwrap()
}

/// One request on a connection of its own; the whole answer, empty when the server says nothing.
fn post(server: &Server, path: &str, body: &Value) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    let body = body.to_string();
    // In two chunks, as some agents send it.
    let (first, second) = body.split_at(body.len() / 2);
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: x\r\nx-api-key: dummy\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
        first.len(),
        second.len()
    )
    .unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

fn request(prompt: &str, results: usize, stream: bool) -> Value {
    let mut messages = vec![json!({"role": "user", "content": [
        {"type": "text", "text": "<system-reminder>house rules</system-reminder>"},
        {"type": "text", "text": prompt},
    ]})];
    for number in 0..results {
        messages.push(json!({"role": "assistant", "content": [{"type": "tool_use", "id": number.to_string(), "name": "Bash", "input": {}}]}));
        messages.push(json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": number.to_string(), "content": format!("result {number}")}]}));
    }
    json!({"model": "m", "stream": stream, "tools": [{"name": "Bash"}, {"name": "Write"}], "messages": messages,
        "system": [{"type": "text", "text": "Working directory: /clone\nmore"}]})
}

fn body(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

const SCRIPT: &str = r#"
[[conversation]]
when = ["author"]
unless = ["again"]
[[conversation.turn]]
write = "tests/a.py"
content = "x"
[[conversation.turn]]
run = "cd {folder} && ls"
[[conversation.turn]]
tool = "Read"
input = { file_path = "{folder}/a" }
[[conversation]]
when = ["again"]
[[conversation.turn]]
refuse = "No."
"#;

#[test]
fn f8_turns_follow_the_tool_results_of_the_latest_prompt() {
    let server = server(SCRIPT);
    let first = body(&post(
        &server,
        "/v1/messages?beta=true",
        &request("author", 0, false),
    ));
    assert_eq!(first["content"][0]["name"], "Write");
    assert_eq!(
        first["content"][0]["input"]["file_path"],
        "/clone/tests/a.py"
    );
    assert_eq!(first["stop_reason"], "tool_use");
    let second = body(&post(&server, "/v1/messages", &request("author", 1, false)));
    assert_eq!(second["content"][0]["input"]["command"], "cd /clone && ls");
    let third = body(&post(&server, "/v1/messages", &request("author", 2, false)));
    assert_eq!(third["content"][0]["input"]["file_path"], "/clone/a");
    let over = body(&post(&server, "/v1/messages", &request("author", 3, false)));
    assert_eq!(over["stop_reason"], "end_turn");
    // A resumed conversation is answered by its latest prompt.
    let mut resumed = request("author", 2, false);
    resumed["messages"]
        .as_array_mut()
        .unwrap()
        .push(json!({"role": "user", "content": "author, again"}));
    let resumed = body(&post(&server, "/v1/messages", &resumed));
    assert_eq!(resumed["stop_reason"], "refusal");
    let asked = server.exchanges();
    assert_eq!(asked[2].last_result, "result 1");
    assert_eq!((asked[4].prompts, asked[4].step), (2, 0));
    assert_eq!(asked[4].conversation, Some(2));
    assert!(asked[0].context.contains("house rules"));
    assert!(asked[0].headers.contains(&"x-api-key".to_owned()));
    assert!(!format!("{asked:?}").contains("dummy"));
}

#[test]
fn f8_a_stream_has_the_events_of_the_api_and_can_break_off() {
    let server = server(
        "[[conversation]]\nwhen = [\"whole\"]\n[[conversation.turn]]\ntext = \"hello\"\n\
         [[conversation]]\nwhen = [\"broken\"]\n[[conversation.turn]]\ntext = \"hello\"\ndrop_after = 2\npause_ms = 1\n",
    );
    let whole = post(&server, "/v1/messages", &request("whole", 0, true));
    let kinds: Vec<&str> = whole
        .lines()
        .filter_map(|line| line.strip_prefix("event: "))
        .collect();
    assert_eq!(
        kinds,
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    for line in whole.lines().filter_map(|line| line.strip_prefix("data: ")) {
        assert!(serde_json::from_str::<Value>(line).unwrap()["type"].is_string());
    }
    let broken = post(&server, "/v1/messages", &request("broken", 0, true));
    assert_eq!(broken.matches("event: ").count(), 2);
}

#[test]
fn f8_faults_come_as_often_as_the_script_says_and_then_the_turn() {
    let server = server(
        "[[conversation]]\n[[conversation.turn]]\ntext = \"well again\"\n\
         faults = [{ status = 529, times = 2 }, { status = 429, reset_in = 60 }, { drop = true }]\n",
    );
    let ask = || post(&server, "/v1/messages", &request("x", 0, false));
    for _ in 0..2 {
        let answer = ask();
        assert!(answer.starts_with("HTTP/1.1 529"), "{answer}");
        assert_eq!(body(&answer)["error"]["type"], "overloaded_error");
    }
    let limit = ask();
    assert!(
        limit.contains("anthropic-ratelimit-unified-reset: "),
        "{limit}"
    );
    assert_eq!(ask(), "");
    assert_eq!(body(&ask())["content"][0]["text"], "well again");
}

#[test]
fn f8_what_is_no_conversation_is_answered_beside_it() {
    let server = server("");
    let count = post(&server, "/v1/messages/count_tokens", &json!({}));
    assert_eq!(body(&count)["input_tokens"], 100);
    assert!(post(&server, "/v2/other", &json!({})).starts_with("HTTP/1.1 404"));
    let mut title = request("a title", 0, false);
    title["tools"] = json!([]);
    assert_eq!(
        body(&post(&server, "/v1/messages", &title))["content"][0]["text"],
        "Title"
    );
    assert_eq!(server.exchanges().len(), 3);
}

#[test]
fn f8_a_script_with_a_mistake_names_the_place() {
    let two = "[[conversation]]\n[[conversation.turn]]\ntext = \"a\"\nrun = \"b\"\n";
    assert!(
        Script::read(two)
            .unwrap_err()
            .contains("conversation 1, turn 1")
    );
    let unknown = "[[conversation]]\nwhenever = []\n";
    assert!(Script::read(unknown).unwrap_err().contains("whenever"));
}
