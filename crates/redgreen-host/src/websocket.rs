//! A WebSocket to a server that we started ourselves, on loopback. A thread reads, so nothing that comes is missed.

use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::http::{HeaderName, HeaderValue};
use tungstenite::{Message, WebSocket};

/// How long the handshake, and one message to be sent, may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often the reader looks whether it shall stop, and lets others write.
const TICK: Duration = Duration::from_millis(20);

/// More messages than this are not kept.
const MOST: usize = 100_000;

#[derive(Debug, Default)]
struct Inbox {
    messages: Vec<String>,
    closed: Option<String>,
}

/// An open connection.
#[derive(Debug)]
pub struct Socket {
    socket: Arc<Mutex<Option<WebSocket<TcpStream>>>>,
    inbox: Arc<(Mutex<Inbox>, Condvar)>,
    /// How many messages were taken.
    taken: Vec<usize>,
}

impl Socket {
    /// Opens a connection to a port of loopback.
    ///
    /// # Errors
    /// What the server answered instead, with its status.
    pub fn open(port: u16, path: &str, headers: &[(String, String)]) -> Result<Self, String> {
        let host = crate::service::HOST;
        let text = |error: tungstenite::Error| match error {
            tungstenite::Error::Http(answer) => {
                format!(
                    "the handshake was answered with {}",
                    answer.status().as_u16()
                )
            }
            other => other.to_string(),
        };
        let mut request = format!("ws://{host}:{port}{path}")
            .into_client_request()
            .map_err(text)?;
        for (name, value) in headers {
            let name: HeaderName = name.parse().map_err(|_| format!("`{name}` is no header"))?;
            let value = HeaderValue::from_str(value)
                .map_err(|_| format!("the value of `{name}` is no header value"))?;
            request.headers_mut().insert(name, value);
        }
        let stream = TcpStream::connect((host, port)).map_err(|error| error.to_string())?;
        stream
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
            .map_err(|error| error.to_string())?;
        let (socket, _) = tungstenite::client(request, stream).map_err(|error| match error {
            tungstenite::HandshakeError::Failure(error) => text(error),
            tungstenite::HandshakeError::Interrupted(_) => "the handshake took too long".to_owned(),
        })?;
        let _ = socket.get_ref().set_read_timeout(Some(TICK));
        let opened = Self {
            socket: Arc::new(Mutex::new(Some(socket))),
            inbox: Arc::default(),
            taken: Vec::new(),
        };
        opened.listen();
        Ok(opened)
    }

    fn listen(&self) {
        let (shared, inbox) = (Arc::clone(&self.socket), Arc::clone(&self.inbox));
        std::thread::spawn(move || {
            let close = |why: String| {
                inbox
                    .0
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .closed = Some(why);
                inbox.1.notify_all();
            };
            loop {
                let read = {
                    let mut socket = shared.lock().unwrap_or_else(PoisonError::into_inner);
                    let Some(socket) = socket.as_mut() else {
                        return;
                    };
                    socket.read()
                };
                match read {
                    Ok(Message::Text(_) | Message::Binary(_)) => {
                        let Ok(message) = read else { return };
                        let bytes = message.into_data();
                        let text = String::from_utf8_lossy(&bytes).into_owned();
                        let mut kept = inbox.0.lock().unwrap_or_else(PoisonError::into_inner);
                        if kept.messages.len() < MOST {
                            kept.messages.push(text);
                        }
                        inbox.1.notify_all();
                    }
                    Ok(Message::Close(frame)) => {
                        return close(frame.map_or_else(
                            || "the server closed it".to_owned(),
                            |frame| {
                                format!("the server closed it: {} {}", frame.code, frame.reason)
                            },
                        ));
                    }
                    Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                    Err(tungstenite::Error::Io(error))
                        if matches!(
                            error.kind(),
                            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                        ) =>
                    {
                        // Whoever wants to send gets its turn.
                        crate::clock::pause(Duration::from_millis(1));
                    }
                    Err(error) => return close(error.to_string()),
                }
            }
        });
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// What the connection says.
    pub fn send(&self, text: &str) -> Result<(), String> {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        match socket.as_mut() {
            Some(socket) => socket
                .send(Message::text(text))
                .map_err(|error| error.to_string()),
            None => Err("it is closed".to_owned()),
        }
    }

    /// Waits for a message that `holds` and was not taken yet, and takes it.
    ///
    /// # Errors
    /// What came instead, and whether the connection was closed.
    pub fn receive(
        &mut self,
        within: Duration,
        holds: impl Fn(&str) -> bool,
    ) -> Result<String, Missed> {
        let asked = crate::clock::monotonic();
        let (inbox, came) = &*self.inbox;
        let mut kept = inbox.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let found = kept
                .messages
                .iter()
                .enumerate()
                .find(|(index, text)| !self.taken.contains(index) && holds(text));
            if let Some((index, text)) = found {
                self.taken.push(index);
                return Ok(text.clone());
            }
            let left = within.saturating_sub(asked.elapsed());
            if left.is_zero() || kept.closed.is_some() {
                return Err(Missed {
                    others: kept
                        .messages
                        .iter()
                        .enumerate()
                        .filter(|(index, _)| !self.taken.contains(index))
                        .map(|(_, text)| text.clone())
                        .collect(),
                    closed: kept.closed.clone(),
                });
            }
            kept = came
                .wait_timeout(kept, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut socket) = socket.take() {
            let _ = socket.close(None);
            let _ = socket.flush();
        }
    }
}

/// No message held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// Messages that came and did not hold.
    pub others: Vec<String>,
    /// Why the connection is closed, if it is.
    pub closed: Option<String>,
}
