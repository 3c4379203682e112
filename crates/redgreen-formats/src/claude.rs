//! What Claude Code prints with `--output-format stream-json`: one JSON object a line. Read for what a person and the
//! loop want to know of a session (how it ended, its id, tokens, money, refused calls); nothing of it is for a gate.
//!
//! Versions add events and fields as they like, so everything unknown is passed over and everything known may be missing.
//! Seen with 2.1.328; the words: <https://docs.anthropic.com/en/docs/claude-code/sdk/sdk-headless>.

use redgreen_core::run_report::Ended;
use serde_json::Value;

/// A line longer than this is passed over.
const LONGEST_LINE: usize = 32 << 20;
/// At most this many refused calls are named.
const DENIALS: usize = 50;

/// Everything that is known of a session.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// Its id.
    pub session: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// Tokens in (cached ones too) and out of this session, together.
    pub tokens: Option<u64>,
    /// Money in millionths of a US dollar; of a resumed session all that it ever cost.
    pub micro_usd: Option<u64>,
    /// Turns.
    pub turns: Option<u64>,
    /// Tools whose use was refused, as they were named.
    pub denials: Vec<String>,
    /// What it said last.
    pub last_text: String,
    /// Lines that are no JSON object.
    pub other_lines: u64,
    /// The last line, when it was a retry of a request to the model.
    retrying: bool,
    /// The last line was a call of a tool that has not answered.
    in_tool: bool,
    errors: Vec<String>,
    resets_at: Option<u64>,
    limit: bool,
    refused: bool,
    result: Option<Seen>,
}

/// The parts of the last line that say how it ended.
#[derive(Debug, Clone, Default, PartialEq)]
struct Seen {
    subtype: String,
    terminal: String,
    stop: String,
    api_error: String,
    status: Option<u64>,
    is_error: bool,
    text: String,
}

/// How a session ended, as far as its output and its process tell. None of it is a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionClass {
    /// It ended by itself.
    Done,
    /// The model declined.
    Refused,
    /// Its number of turns was reached.
    TurnLimit,
    /// Its money was used up.
    MoneyLimit,
    /// Our limit of time was reached.
    TimeLimit,
    /// The account's usage limit was reached; seconds since 1970 when it is lifted, where that is known.
    UsageLimit(Option<u64>),
    /// The provider did not answer, or with an error of its own.
    Outage,
    /// The provider does not know the user, or wants money first.
    Auth,
    /// It was to be resumed and is not known any more.
    UnknownSession,
    /// It ended without saying how.
    Crashed,
    /// It went silent in the middle of a tool call.
    Hung,
    /// A person stopped it.
    Interrupted,
}

/// Reads a stream as it comes.
#[derive(Debug, Default)]
pub struct Stream {
    pending: Vec<u8>,
    skipping: bool,
    known: Known,
}

impl Stream {
    /// Takes the next piece.
    pub fn feed(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            let whole = part.ends_with(b"\n");
            if !self.skipping {
                self.pending.extend_from_slice(part);
            }
            if self.pending.len() > LONGEST_LINE {
                self.pending = Vec::new();
                self.skipping = true;
            }
            if whole {
                let line = std::mem::take(&mut self.pending);
                if std::mem::take(&mut self.skipping) {
                    self.known.other_lines += 1;
                } else {
                    self.known.line(&line);
                }
            }
        }
    }

    /// What is known at the end.
    #[must_use]
    pub fn finish(mut self) -> Known {
        let line = std::mem::take(&mut self.pending);
        self.known.line(&line);
        self.known
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Known {
    fn line(&mut self, line: &[u8]) {
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let Ok(event @ Value::Object(_)) = serde_json::from_slice::<Value>(line) else {
            self.other_lines += 1;
            return;
        };
        if let Some(session) = event["session_id"].as_str() {
            self.session = Some(session.to_owned());
        }
        let subtype = event["subtype"].as_str().unwrap_or_default();
        match event["type"].as_str().unwrap_or_default() {
            "system" => match subtype {
                "init" => {
                    self.model = event["model"].as_str().map(str::to_owned);
                    self.retrying = false;
                }
                "api_retry" => self.retrying = true,
                "permission_denied" => self.denied(&event["tool_name"]),
                subtype if subtype.starts_with("model_refusal") => self.refused = true,
                _ => {}
            },
            "rate_limit_event" => {
                let info = &event["rate_limit_info"];
                if info["status"] == "rejected" {
                    self.limit = true;
                    self.resets_at = info["resetsAt"].as_u64();
                }
            }
            "assistant" => self.assistant(&event),
            "user" => self.in_tool = false,
            "result" => self.result(&event),
            _ => {}
        }
    }

    fn assistant(&mut self, event: &Value) {
        self.retrying = false;
        self.in_tool = false;
        for block in event["message"]["content"].as_array().into_iter().flatten() {
            match block["type"].as_str().unwrap_or_default() {
                "text" => self.last_text = text(&block["text"]),
                "tool_use" => self.in_tool = true,
                _ => {}
            }
        }
        if let Some(error) = event["error"].as_str() {
            self.errors.push(error.to_owned());
        }
    }

    fn result(&mut self, event: &Value) {
        self.in_tool = false;
        let usage = &event["usage"];
        let counted = [
            "input_tokens",
            "output_tokens",
            "cache_creation_input_tokens",
            "cache_read_input_tokens",
        ];
        if usage.is_object() {
            let sum = counted
                .iter()
                .filter_map(|name| usage[*name].as_u64())
                .fold(0, u64::saturating_add);
            self.tokens = Some(sum);
        }
        self.micro_usd = event["total_cost_usd"].as_f64().and_then(micro);
        self.turns = event["num_turns"].as_u64();
        for denial in event["permission_denials"].as_array().into_iter().flatten() {
            if self.denials.len() < DENIALS {
                self.denials.push(text(&denial["tool_name"]));
            }
        }
        for error in event["errors"].as_array().into_iter().flatten() {
            self.errors.push(text(error));
        }
        self.result = Some(Seen {
            subtype: text(&event["subtype"]),
            terminal: text(&event["terminal_reason"]),
            stop: text(&event["stop_reason"]),
            api_error: text(&event["api_error"]),
            status: event["api_error_status"].as_u64(),
            is_error: event["is_error"].as_bool().unwrap_or(false),
            text: text(&event["result"]),
        });
    }

    fn denied(&mut self, tool: &Value) {
        // The result names every one of them again; without a result these are all there is.
        if self.denials.len() < DENIALS {
            self.denials.push(text(tool));
        }
    }

    fn has_error(&self, words: &[&str]) -> bool {
        self.errors
            .iter()
            .any(|error| words.iter().any(|word| error.contains(word)))
    }

    /// Which end of a session this is.
    #[must_use]
    pub fn class(&self, ended: &Ended) -> SessionClass {
        if *ended == Ended::Interrupted {
            return SessionClass::Interrupted;
        }
        let Some(seen) = &self.result else {
            return match ended {
                Ended::TimedOut | Ended::OutputLimit => SessionClass::TimeLimit,
                // The model was waited for, not a command: the provider is silent.
                Ended::IdledOut if !self.in_tool => SessionClass::Outage,
                Ended::IdledOut => SessionClass::Hung,
                Ended::Code(_) | Ended::Signal(_) | Ended::Interrupted if self.limit => {
                    SessionClass::UsageLimit(self.resets_at)
                }
                Ended::Code(_) | Ended::Signal(_) | Ended::Interrupted if self.retrying => {
                    SessionClass::Outage
                }
                Ended::Code(_) | Ended::Signal(_) | Ended::Interrupted => SessionClass::Crashed,
            };
        };
        if self.has_error(&["No conversation found"]) {
            return SessionClass::UnknownSession;
        }
        if seen.terminal == "max_turns" || seen.subtype == "error_max_turns" {
            return SessionClass::TurnLimit;
        }
        if seen.terminal == "budget_exhausted" || seen.subtype == "error_max_budget_usd" {
            return SessionClass::MoneyLimit;
        }
        if !seen.is_error {
            return SessionClass::Done;
        }
        if self.refused || seen.stop == "refusal" {
            return SessionClass::Refused;
        }
        if self.limit || seen.api_error == "usage_limit_reached" {
            return SessionClass::UsageLimit(self.resets_at);
        }
        if matches!(seen.status, Some(401..=403))
            || self.has_error(&["authentication_failed", "billing_error", "oauth"])
        {
            return SessionClass::Auth;
        }
        if seen.terminal == "api_error" || seen.status.is_some() {
            return SessionClass::Outage;
        }
        SessionClass::Crashed
    }

    /// What it said of its end, in one line, for people.
    #[must_use]
    pub fn said(&self) -> String {
        let said = match &self.result {
            Some(seen) if !seen.text.is_empty() => &seen.text,
            Some(_) | None => self.errors.last().unwrap_or(&self.last_text),
        };
        said.lines().next().unwrap_or_default().to_owned()
    }
}

/// Millionths of a dollar, rounded up.
fn micro(usd: f64) -> Option<u64> {
    let value = (usd * 1e6).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is finite, not negative, and far below the largest"
    )]
    (value.is_finite() && (0.0..1e15).contains(&value)).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines as 2.1.328 printed them against a scripted model, shortened to what matters.
    fn read(lines: &[&str]) -> Known {
        let mut stream = Stream::default();
        for line in lines {
            // In two pieces, as a pipe may cut it.
            let (first, second) = line.split_at(line.len() / 2);
            stream.feed(first.as_bytes());
            stream.feed(second.as_bytes());
            stream.feed(b"\n");
        }
        stream.finish()
    }

    const INIT: &str =
        r#"{"type":"system","subtype":"init","session_id":"s-1","model":"claude-opus-5-5"}"#;
    const TOOL: &str = r#"{"type":"assistant","message":{"content":[{"type":"tool_use","name":"Bash"}]},"session_id":"s-1"}"#;
    const RETRY: &str = r#"{"type":"system","subtype":"api_retry","attempt":1,"max_retries":3,"error_status":529,"error":"overloaded","session_id":"s-1"}"#;

    #[test]
    fn f2_a_session_is_known_by_its_last_line_whatever_else_is_printed() {
        let known = read(&[
            "warning: something that is no JSON",
            INIT,
            r#"{"type":"system","subtype":"ui_invalidate","event":"ui.render","session_id":"s-1"}"#,
            r#"{"type":"an_event_of_next_year","a":[1,2],"session_id":"s-1"}"#,
            r#"[1, 2]"#,
            TOOL,
            r#"{"type":"user","message":{"content":[{"type":"tool_result","content":"hi"}]},"session_id":"s-1"}"#,
            r#"{"type":"assistant","message":{"content":[{"type":"text","text":"All done."}]},"session_id":"s-1"}"#,
            r#"{"stop_reason":"end_turn","session_id":"s-1","total_cost_usd":0.00042,"usage":{"input_tokens":30,"cache_read_input_tokens":5,"output_tokens":15},"permission_denials":[{"tool_name":"Edit","tool_use_id":"t","tool_input":{}}],"terminal_reason":"completed","is_error":false,"num_turns":3,"subtype":"success","result":"All done.\nReally.","type":"result"}"#,
        ]);
        assert_eq!(known.session.as_deref(), Some("s-1"));
        assert_eq!(known.model.as_deref(), Some("claude-opus-5-5"));
        assert_eq!((known.tokens, known.micro_usd), (Some(50), Some(420)));
        assert_eq!(known.turns, Some(3));
        assert_eq!(known.denials, ["Edit"]);
        assert_eq!(known.other_lines, 2);
        assert_eq!(known.said(), "All done.");
        assert_eq!(known.class(&Ended::Code(0)), SessionClass::Done);
        assert_eq!(known.class(&Ended::Interrupted), SessionClass::Interrupted);
    }

    #[test]
    fn f2_every_end_of_a_session_has_its_class() {
        let rows: &[(&[&str], Ended, SessionClass)] = &[
            (
                &[
                    r#"{"type":"result","subtype":"error_max_turns","terminal_reason":"max_turns","is_error":true,"errors":["Reached maximum number of turns (2)"]}"#,
                ],
                Ended::Code(1),
                SessionClass::TurnLimit,
            ),
            (
                &[
                    r#"{"type":"result","subtype":"error_max_budget_usd","terminal_reason":"budget_exhausted","is_error":true}"#,
                ],
                Ended::Code(1),
                SessionClass::MoneyLimit,
            ),
            (
                &[
                    r#"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1795190329,"rateLimitType":"five_hour"}}"#,
                    r#"{"type":"result","subtype":"success","terminal_reason":"api_error","is_error":true,"api_error_status":429,"api_error":"usage_limit_reached"}"#,
                ],
                Ended::Code(1),
                SessionClass::UsageLimit(Some(1_795_190_329)),
            ),
            (
                &[
                    r#"{"type":"rate_limit_event","rate_limit_info":{"status":"allowed_warning","resetsAt":1795190329}}"#,
                    r#"{"type":"result","subtype":"success","terminal_reason":"completed","is_error":false}"#,
                ],
                Ended::Code(0),
                SessionClass::Done,
            ),
            (
                &[
                    RETRY,
                    r#"{"type":"result","subtype":"success","terminal_reason":"api_error","is_error":true,"api_error_status":529}"#,
                ],
                Ended::Code(1),
                SessionClass::Outage,
            ),
            (
                &[
                    r#"{"type":"result","subtype":"success","terminal_reason":"api_error","is_error":true,"api_error_status":429,"result":"API Error: Request rejected (429)"}"#,
                ],
                Ended::Code(1),
                SessionClass::Outage,
            ),
            (
                &[
                    r#"{"type":"result","subtype":"success","terminal_reason":"api_error","is_error":true,"api_error_status":401}"#,
                ],
                Ended::Code(1),
                SessionClass::Auth,
            ),
            (
                &[
                    r#"{"type":"assistant","error":"billing_error","message":{"content":[]}}"#,
                    r#"{"type":"result","subtype":"success","terminal_reason":"api_error","is_error":true,"api_error_status":400}"#,
                ],
                Ended::Code(1),
                SessionClass::Auth,
            ),
            (
                &[
                    r#"{"type":"assistant","error":"authentication_failed","message":{"content":[{"type":"text","text":"Not logged in"}]}}"#,
                    r#"{"type":"result","subtype":"success","terminal_reason":"api_error","is_error":true,"api_error_status":null}"#,
                ],
                Ended::Code(1),
                SessionClass::Auth,
            ),
            (
                &[
                    r#"{"type":"system","subtype":"model_refusal_no_fallback"}"#,
                    r#"{"type":"result","subtype":"success","terminal_reason":"api_error","is_error":true,"stop_reason":"refusal","api_error_status":null}"#,
                ],
                Ended::Code(1),
                SessionClass::Refused,
            ),
            (
                &[
                    r#"{"type":"result","subtype":"error_during_execution","is_error":true,"errors":["No conversation found with session ID: x"]}"#,
                ],
                Ended::Code(1),
                SessionClass::UnknownSession,
            ),
            (&[INIT], Ended::Code(1), SessionClass::Crashed),
            (&[INIT], Ended::Code(0), SessionClass::Crashed),
            (&[INIT, TOOL], Ended::Signal(9), SessionClass::Crashed),
            (&[INIT, TOOL], Ended::IdledOut, SessionClass::Hung),
            (&[INIT], Ended::IdledOut, SessionClass::Outage),
            (&[INIT, RETRY], Ended::Signal(9), SessionClass::Outage),
            (&[INIT, TOOL], Ended::TimedOut, SessionClass::TimeLimit),
            (&[], Ended::Code(1), SessionClass::Crashed),
        ];
        for (lines, ended, wanted) in rows {
            assert_eq!(read(lines).class(ended), *wanted, "{lines:?} {ended:?}");
        }
    }

    #[test]
    fn f2_a_line_without_end_takes_no_memory_and_what_follows_is_read() {
        let mut stream = Stream::default();
        for _ in 0..40 {
            stream.feed(&vec![b'x'; 1 << 20]);
        }
        stream.feed(b"\n");
        stream.feed(INIT.as_bytes());
        let known = stream.finish();
        assert_eq!(known.other_lines, 1);
        assert_eq!(known.session.as_deref(), Some("s-1"));
    }
}
