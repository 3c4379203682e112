//! Anthropic Messages, streaming and not: `POST /v1/messages`, `POST /v1/messages/count_tokens`, `GET /v1/models`.
//! The events of a stream: <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.

use super::script::Fault;
use super::{Answer, Asked, Reply, WireFormat};
use serde_json::{Value, json};

/// The format.
#[derive(Debug, Clone, Copy)]
pub struct Anthropic;

/// Claude Code puts what it adds to a prompt by itself into blocks of their own that begin so.
const ADDED: &str = "<system-reminder>";
/// Claude Code names its folder so.
const FOLDER: &str = "orking directory: ";

impl WireFormat for Anthropic {
    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn asked(&self, method: &str, path: &str, body: &Value) -> Option<Asked> {
        let path = path.split('?').next().unwrap_or_default();
        if method != "POST" || path != "/v1/messages" {
            return None;
        }
        let mut asked = Asked {
            prompt: String::new(),
            context: texts(&body["system"]).join("\n"),
            step: 0,
            last_result: String::new(),
            prompts: 0,
            folder: None,
            tools: names(&body["tools"]),
            model: body["model"].as_str().unwrap_or("scripted").to_owned(),
            stream: body["stream"].as_bool().unwrap_or(false),
        };
        for message in body["messages"].as_array().into_iter().flatten() {
            let all = texts(&message["content"]);
            if message["role"] != "user" {
                if message["role"] == "system" {
                    asked.context.push_str(&all.join("\n"));
                }
                continue;
            }
            let results: Vec<&Value> = message["content"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|block| block["type"] == "tool_result")
                .collect();
            let (added, said): (Vec<String>, Vec<String>) =
                all.into_iter().partition(|text| text.starts_with(ADDED));
            asked.context.push_str(&added.join("\n"));
            if let Some(last) = results.last() {
                asked.step += results.len();
                asked.last_result = texts(&last["content"]).join("\n");
            } else if !said.is_empty() {
                asked.prompts += 1;
                asked.prompt = said.join("\n");
                asked.step = 0;
                asked.last_result.clear();
            }
        }
        asked.folder = asked
            .context
            .split_once(FOLDER)
            .and_then(|(_, rest)| rest.lines().next())
            .map(|line| line.trim().to_owned());
        Some(asked)
    }

    fn answer(&self, asked: &Asked, reply: &Reply, number: usize) -> Answer {
        let (block, reason) = content(asked, reply, number);
        let usage = json!({"input_tokens": 100, "output_tokens": 20});
        if !asked.stream {
            return Answer::json(
                200,
                &json!({
                    "id": format!("msg_{number}"), "type": "message", "role": "assistant", "model": asked.model,
                    "content": [block], "stop_reason": reason, "stop_sequence": null, "usage": usage,
                }),
            );
        }
        let (start, delta) = if block["type"] == "text" {
            (
                json!({"type": "text", "text": ""}),
                json!({"type": "text_delta", "text": block["text"]}),
            )
        } else {
            let mut start = block.clone();
            start["input"] = json!({});
            (
                start,
                json!({"type": "input_json_delta", "partial_json": block["input"].to_string()}),
            )
        };
        let message = json!({
            "id": format!("msg_{number}"), "type": "message", "role": "assistant", "model": asked.model, "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 100, "output_tokens": 1},
        });
        let events = [
            ("message_start", json!({"message": message})),
            (
                "content_block_start",
                json!({"index": 0, "content_block": start}),
            ),
            ("content_block_delta", json!({"index": 0, "delta": delta})),
            ("content_block_stop", json!({"index": 0})),
            (
                "message_delta",
                json!({"delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": 20}}),
            ),
            ("message_stop", json!({})),
        ];
        Answer {
            status: 200,
            headers: vec![("content-type".to_owned(), "text/event-stream".to_owned())],
            pieces: events
                .into_iter()
                .map(|(kind, mut data)| {
                    data["type"] = kind.into();
                    format!("event: {kind}\ndata: {data}\n\n")
                })
                .collect(),
        }
    }

    fn fault(&self, fault: &Fault) -> Answer {
        let kind = fault.kind.clone().unwrap_or_else(|| {
            match fault.status {
                400 => "invalid_request_error",
                401 => "authentication_error",
                403 => "permission_error",
                404 => "not_found_error",
                429 => "rate_limit_error",
                529 => "overloaded_error",
                _ => "api_error",
            }
            .to_owned()
        });
        let mut answer = Answer::json(
            fault.status,
            &json!({"type": "error", "error": {"type": kind, "message": fault.message}}),
        );
        if let Some(seconds) = fault.reset_in {
            let reset = super::http::unix_now() + seconds;
            // The headers of a subscription's usage limit.
            for (name, value) in [
                ("anthropic-ratelimit-unified-status", "rejected".to_owned()),
                ("anthropic-ratelimit-unified-reset", reset.to_string()),
                (
                    "anthropic-ratelimit-unified-representative-claim",
                    "five_hour".to_owned(),
                ),
                ("retry-after", seconds.to_string()),
                ("x-should-retry", "false".to_owned()),
            ] {
                answer.headers.push((name.to_owned(), value));
            }
        }
        answer.headers.extend(
            fault
                .headers
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        answer
    }

    fn aside(&self, method: &str, path: &str, _body: &Value) -> Option<Answer> {
        let path = path.split('?').next().unwrap_or_default();
        match (method, path) {
            ("POST", "/v1/messages/count_tokens") => {
                Some(Answer::json(200, &json!({"input_tokens": 100})))
            }
            ("GET", "/v1/models") => Some(Answer::json(
                200,
                &json!({"data": [], "has_more": false, "first_id": null, "last_id": null}),
            )),
            ("HEAD" | "GET", "/") => Some(Answer::json(200, &json!({}))),
            _ => None,
        }
    }
}

fn names(tools: &Value) -> Vec<String> {
    tools
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|tool| tool["name"].as_str().map(str::to_owned))
        .collect()
}

/// Texts of a content: a string, or blocks.
fn texts(content: &Value) -> Vec<String> {
    match content {
        Value::String(text) => vec![text.clone()],
        Value::Array(blocks) => blocks
            .iter()
            .filter_map(|block| block["text"].as_str().map(str::to_owned))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}

/// The block of a reply, in the words of Claude Code's tools, and the stop reason.
fn content(asked: &Asked, reply: &Reply, number: usize) -> (Value, &'static str) {
    let tool = |name: &str, input: Value| {
        // Tool ids are unique in a conversation.
        (
            json!({"type": "tool_use", "id": format!("toolu_{number}"), "name": name, "input": input}),
            "tool_use",
        )
    };
    match reply {
        Reply::Text(text) => (json!({"type": "text", "text": text}), "end_turn"),
        Reply::Refusal(text) => (json!({"type": "text", "text": text}), "refusal"),
        Reply::Run(command) => tool(
            "Bash",
            json!({"command": command, "description": "as the script says"}),
        ),
        Reply::Write { path, content } => {
            let folder = asked.folder.as_deref().unwrap_or(".");
            tool(
                "Write",
                json!({"file_path": format!("{folder}/{path}"), "content": content}),
            )
        }
        Reply::Tool { name, input } => tool(name, input.clone()),
    }
}
