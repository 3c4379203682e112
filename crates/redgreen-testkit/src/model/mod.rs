//! A scripted model server on loopback: real agent command lines are tested against it (SPEC F8).
//!
//! It keeps no state of a conversation: which answer comes next follows from what the request holds, the number of tool
//! results after the latest prompt. So a resumed session, a retried request and two sessions at once need no care. Only
//! faults are counted, because a fault that comes twice and then goes away is what a test of an outage needs.
//!
//! One wire format is a file beside [`anthropic`] that implements [`WireFormat`]: the script says *run this command*, the
//! format says which tool of its agent that is.

pub mod anthropic;
mod http;
pub mod script;

use script::{Fault, Script, Turn};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a request asks, whatever its wire format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The latest prompt, without what the agent adds to it by itself.
    pub prompt: String,
    /// Everything the agent was told beside the prompt: system text, project instructions.
    pub context: String,
    /// Tool results after the latest prompt: the number of the turn.
    pub step: usize,
    /// The text of the latest tool result.
    pub last_result: String,
    /// How many prompts the conversation holds: more than one in a resumed session.
    pub prompts: usize,
    /// The folder the agent works in, where it says so.
    pub folder: Option<String>,
    /// Tools the model may use. None: a side request (a title, a summary), answered with a word.
    pub tools: Vec<String>,
    /// The model.
    pub model: String,
    /// Whether the answer is a stream of events.
    pub stream: bool,
}

/// What the model does.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Says something and ends its turn.
    Text(String),
    /// Runs a command in the agent's shell.
    Run(String),
    /// Writes a file; the path is relative to the agent's folder.
    Write {
        /// The path.
        path: String,
        /// The content.
        content: String,
    },
    /// Calls a tool by its name in the agent.
    Tool {
        /// The name.
        name: String,
        /// Its input.
        input: Value,
    },
    /// Declines.
    Refusal(String),
}

/// An answer in pieces as they are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers beside length and connection.
    pub headers: Vec<(String, String)>,
    /// The body; a slow stream pauses between the pieces.
    pub pieces: Vec<String>,
}

impl Answer {
    /// One JSON document.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            pieces: vec![body.to_string()],
        }
    }
}

/// One API. Others (OpenAI Responses, Chat Completions, Gemini) are further implementations.
pub trait WireFormat: Sync {
    /// Its name in the log.
    fn name(&self) -> &'static str;
    /// What a request asks; `None` when method and path are not of this API's conversations.
    fn asked(&self, method: &str, path: &str, body: &Value) -> Option<Asked>;
    /// The answer of the model. `number` is unique over the server, for identifiers.
    fn answer(&self, asked: &Asked, reply: &Reply, number: usize) -> Answer;
    /// A fault as this API says it.
    fn fault(&self, fault: &Fault) -> Answer;
    /// Answers to everything else that its agents ask; `None` for what it does not know.
    fn aside(&self, method: &str, path: &str, body: &Value) -> Option<Answer>;
}

/// The formats there are.
static FORMATS: [&dyn WireFormat; 1] = [&anthropic::Anthropic];

/// One request that was answered.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Exchange {
    /// `POST /v1/messages?beta=true`.
    pub line: String,
    /// Names of the headers; values are never kept.
    pub headers: Vec<String>,
    /// The latest prompt.
    pub prompt: String,
    /// What else the agent was told.
    pub context: String,
    /// Number of the turn.
    pub step: usize,
    /// How many prompts the conversation held.
    pub prompts: usize,
    /// The text of the latest tool result.
    pub last_result: String,
    /// The script's conversation that answered, counted from 1; `None` when none fitted.
    pub conversation: Option<usize>,
    /// What was sent back, in a few words.
    pub sent: String,
}

struct Shared {
    script: Script,
    faults: BTreeMap<(usize, usize, usize), u32>,
    exchanges: Vec<Exchange>,
    log: Option<PathBuf>,
    number: usize,
}

/// A running server. It ends with this value.
pub struct Server {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    shared: Arc<Mutex<Shared>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Starts a server on a free port of loopback.
    ///
    /// # Errors
    /// What the system says about the port.
    pub fn start(script: Script) -> std::io::Result<Self> {
        Self::start_at(script, 0, None)
    }

    /// Starts a server on this port (0 for a free one); exchanges are also written to `log` as JSON Lines.
    ///
    /// # Errors
    /// What the system says about the port.
    pub fn start_at(script: Script, port: u16, log: Option<PathBuf>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let address = listener.local_addr()?;
        let over = Arc::new(AtomicBool::new(false));
        let shared = Arc::new(Mutex::new(Shared {
            script,
            faults: BTreeMap::new(),
            exchanges: Vec::new(),
            log,
            number: 0,
        }));
        let (ends, state) = (Arc::clone(&over), Arc::clone(&shared));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::SeqCst) {
                    break;
                }
                if let Ok(stream) = stream {
                    let state = Arc::clone(&state);
                    std::thread::spawn(move || serve(&stream, &state));
                }
            }
        });
        Ok(Self {
            address,
            over,
            shared,
            thread: Some(thread),
        })
    }

    /// The base URL for an agent.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Everything that was asked so far.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        locked(&self.shared).exchanges.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn locked(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is to be sent, and how.
struct Sending {
    answer: Answer,
    pause: Duration,
    /// The connection ends after so many pieces, `Some(0)` without a word.
    drop_after: Option<usize>,
    words: String,
}

fn serve(stream: &TcpStream, shared: &Mutex<Shared>) {
    let Ok(mut reader) = stream.try_clone().map(http::Reader::new) else {
        return;
    };
    while let Ok(Some(request)) = reader.next() {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        let sending = decide(shared, &request, &body);
        let ends = sending.drop_after.is_some();
        if http::send(
            stream,
            &sending.answer,
            sending.pause,
            sending.drop_after,
            request.is_head(),
        )
        .is_err()
            || ends
        {
            let _ = stream.shutdown(std::net::Shutdown::Both);
            return;
        }
    }
}

fn decide(shared: &Mutex<Shared>, request: &http::Request, body: &Value) -> Sending {
    let mut shared = locked(shared);
    shared.number += 1;
    let number = shared.number;
    let found = FORMATS.iter().find_map(|format| {
        format
            .asked(&request.method, &request.path, body)
            .map(|asked| (*format, asked))
    });
    let mut exchange = Exchange {
        line: format!("{} {}", request.method, request.path),
        headers: request.headers.clone(),
        prompt: String::new(),
        context: String::new(),
        step: 0,
        prompts: 0,
        last_result: String::new(),
        conversation: None,
        sent: String::new(),
    };
    let sending = match &found {
        None => {
            let aside = FORMATS
                .iter()
                .find_map(|format| format.aside(&request.method, &request.path, body));
            let words = if aside.is_some() {
                "aside"
            } else {
                "not found"
            };
            plain(aside.unwrap_or_else(not_found), words)
        }
        Some((format, asked)) => {
            exchange.prompt.clone_from(&asked.prompt);
            exchange.context.clone_from(&asked.context);
            exchange.step = asked.step;
            exchange.prompts = asked.prompts;
            exchange.last_result.clone_from(&asked.last_result);
            let turn = shared.script.turn(asked);
            exchange.conversation = turn.as_ref().map(|(conversation, _)| conversation + 1);
            converse(&mut shared, *format, asked, turn, number)
        }
    };
    exchange.sent.clone_from(&sending.words);
    if let Some(log) = &shared.log
        && let Ok(line) = serde_json::to_string(&exchange)
        && let Ok(mut file) = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
    {
        let _ = writeln!(file, "{line}");
    }
    shared.exchanges.push(exchange);
    sending
}

fn plain(answer: Answer, words: &str) -> Sending {
    Sending {
        answer,
        pause: Duration::ZERO,
        drop_after: None,
        words: words.to_owned(),
    }
}

fn not_found() -> Answer {
    Answer::json(
        404,
        &serde_json::json!({"type": "error", "error": {"type": "not_found_error", "message": "the scripted model does not know this address"}}),
    )
}

/// The next answer of a conversation: first its faults, each as often as the script says, then its turn.
fn converse(
    shared: &mut Shared,
    format: &dyn WireFormat,
    asked: &Asked,
    turn: Option<(usize, Turn)>,
    number: usize,
) -> Sending {
    let Some((conversation, turn)) = turn else {
        let text = if asked.tools.is_empty() {
            "Title"
        } else {
            "The script has no answer to this."
        };
        return plain(
            format.answer(asked, &Reply::Text(text.to_owned()), number),
            "text: no answer in the script",
        );
    };
    for (index, fault) in turn.faults.iter().enumerate() {
        let had = shared
            .faults
            .entry((conversation, asked.step, index))
            .or_default();
        if *had < fault.times {
            *had += 1;
            return Sending {
                answer: format.fault(fault),
                pause: Duration::from_secs(fault.hang),
                drop_after: fault.drop.then_some(0),
                words: fault.words(),
            };
        }
    }
    let reply = turn.reply(asked);
    let words = match &reply {
        Reply::Text(_) => "text".to_owned(),
        Reply::Run(command) => format!("run: {command}"),
        Reply::Write { path, .. } => format!("write: {path}"),
        Reply::Tool { name, .. } => format!("tool: {name}"),
        Reply::Refusal(_) => "refusal".to_owned(),
    };
    Sending {
        answer: format.answer(asked, &reply, number),
        pause: Duration::from_millis(turn.pause_ms),
        drop_after: turn.drop_after,
        words,
    }
}
