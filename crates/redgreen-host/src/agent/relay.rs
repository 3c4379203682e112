//! The way of an agent to its model endpoint, and to nothing else (SPEC C6, F1).
//!
//! A command with a network of its own sees no address but its loopback. Unix sockets are files, so one that lies in a
//! folder it was given leads out: inside, our own executable (`redgreen __relay`) listens on loopback and hands every
//! connection to that socket; outside, a thread of this process connects it to the endpoint. For an endpoint on loopback
//! that is all. For one on the internet the thread speaks HTTP `CONNECT` and refuses every other host; the connection
//! stays encrypted from the agent to its provider.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The word that comes before the relay's arguments.
pub const RELAY: &str = "__relay";

/// Hosts that Claude Code needs beside the one it asks: where a login is renewed.
const LOGIN_HOSTS: [&str; 3] = ["platform.claude.com", "console.anthropic.com", "claude.ai"];
/// Where it asks when nothing else is said.
const DEFAULT: &str = "https://api.anthropic.com";
/// A `CONNECT` with its headers is no longer.
const LONGEST_CONNECT: usize = 16 << 10;

/// Where an agent's model answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// Plain HTTP, such as a gateway on this machine: host and port.
    Plain(String, u16),
    /// Encrypted: these hosts and ports may be asked.
    Encrypted(Vec<(String, u16)>),
}

impl Endpoint {
    /// The endpoint of a base URL (`ANTHROPIC_BASE_URL`), or that of the provider.
    ///
    /// # Errors
    /// Why the URL cannot be used.
    pub fn of_url(url: Option<&str>) -> Result<Self, String> {
        let url = url.unwrap_or(DEFAULT);
        let wrong = || format!("`{url}` is no http(s) address of a model");
        let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
        let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if place.contains('@') {
            return Err("the address of a model must not hold a password".to_owned());
        }
        let usual = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return Err(wrong()),
        };
        let bracketed = place.ends_with(']');
        let (host, port) = match place.rsplit_once(':').filter(|_| !bracketed) {
            Some((host, port)) => (host, port.parse().map_err(|_| wrong())?),
            None => (place, usual),
        };
        if host.is_empty() {
            return Err(wrong());
        }
        let host = host.to_owned();
        Ok(if scheme == "http" {
            Self::Plain(host, port)
        } else {
            let login = LOGIN_HOSTS.map(|name| (name.to_owned(), 443));
            Self::Encrypted([(host, port)].into_iter().chain(login).collect())
        })
    }

    /// What it is, for people: `api.anthropic.com:443`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Plain(host, port) => format!("{host}:{port}"),
            Self::Encrypted(list) => list
                .first()
                .map(|(host, port)| format!("{host}:{port}"))
                .unwrap_or_default(),
        }
    }

    /// The port on the loopback of the agent: that of the endpoint where the agent asks it directly.
    fn inner_port(&self) -> u16 {
        match self {
            Self::Plain(_, port) => *port,
            Self::Encrypted(_) => 8118,
        }
    }

    /// Variables that make an agent go this way.
    fn variables(&self) -> Vec<(String, String)> {
        match self {
            // The same port on its own loopback: the address it knows works as it is.
            Self::Plain(_, port) => vec![(
                "ANTHROPIC_BASE_URL".to_owned(),
                format!("http://127.0.0.1:{port}"),
            )],
            Self::Encrypted(_) => vec![(
                "HTTPS_PROXY".to_owned(),
                format!("http://127.0.0.1:{}", self.inner_port()),
            )],
        }
    }

    fn reach(&self, client: &mut UnixStream) -> std::io::Result<TcpStream> {
        match self {
            Self::Plain(host, port) => TcpStream::connect((host.as_str(), *port)),
            Self::Encrypted(allowed) => {
                let asked = connect_of(client)?;
                let known = allowed
                    .iter()
                    .find(|(host, port)| asked == format!("{host}:{port}"));
                let Some((host, port)) = known else {
                    client.write_all(b"HTTP/1.1 403 only the model endpoint is reached from here\r\ncontent-length: 0\r\n\r\n")?;
                    return Err(std::io::ErrorKind::PermissionDenied.into());
                };
                let upstream = TcpStream::connect((host.as_str(), *port));
                if upstream.is_err() {
                    client.write_all(b"HTTP/1.1 502 not reached\r\ncontent-length: 0\r\n\r\n")?;
                }
                let upstream = upstream?;
                client.write_all(b"HTTP/1.1 200 connected\r\n\r\n")?;
                Ok(upstream)
            }
        }
    }
}

/// Reads a `CONNECT host:port` byte by byte, so that nothing after it is taken.
fn connect_of(client: &mut UnixStream) -> std::io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > LONGEST_CONNECT || client.read(&mut byte)? == 0 {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    match (words.next(), words.next()) {
        (Some("CONNECT"), Some(place)) => Ok(place.to_ascii_lowercase()),
        // Plain requests of other programs go nowhere.
        _ => Ok(String::new()),
    }
}

/// The outer end: connects whoever comes to the socket with the endpoint, for as long as this value lives.
#[derive(Debug)]
pub(super) struct Relay {
    socket: PathBuf,
    endpoint: Endpoint,
    over: Arc<AtomicBool>,
    /// Where the socket lies when the given folder has too long a path.
    _folder: Option<tempfile::TempDir>,
}

impl Relay {
    /// Opens a socket in a folder.
    pub(super) fn start(folder: &Path, endpoint: &Endpoint) -> std::io::Result<Self> {
        let (socket, own) = super::door::place_for(folder, "endpoint")?;
        let listener = UnixListener::bind(&socket)?;
        let over = Arc::new(AtomicBool::new(false));
        let (ends, to) = (Arc::clone(&over), endpoint.clone());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if ends.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(mut client) = client else { continue };
                let to = to.clone();
                std::thread::spawn(move || {
                    if let Ok(upstream) = to.reach(&mut client) {
                        join(client, upstream);
                    }
                });
            }
        });
        Ok(Self {
            socket,
            endpoint: endpoint.clone(),
            over,
            _folder: own,
        })
    }

    /// The folder that the command must be able to reach.
    pub(super) fn folder(&self) -> &Path {
        self.socket.parent().unwrap_or(&self.socket)
    }

    /// Variables that make an agent go this way.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        self.endpoint.variables()
    }

    /// The command with the inner end before it.
    pub(super) fn wrap(&self, own: &Path, argv: Vec<String>) -> Vec<String> {
        [
            own.to_string_lossy().into_owned(),
            RELAY.to_owned(),
            self.socket.to_string_lossy().into_owned(),
            self.endpoint.inner_port().to_string(),
        ]
        .into_iter()
        .chain(argv)
        .collect()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = UnixStream::connect(&self.socket);
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// One connection, both ways, until both are done.
trait Duplex: std::io::Read + std::io::Write + Send + Sized + 'static {
    fn again(&self) -> std::io::Result<Self>;
    fn close(&self, how: Shutdown);
}
impl Duplex for TcpStream {
    fn again(&self) -> std::io::Result<Self> {
        self.try_clone()
    }
    fn close(&self, how: Shutdown) {
        let _ = self.shutdown(how);
    }
}
impl Duplex for UnixStream {
    fn again(&self) -> std::io::Result<Self> {
        self.try_clone()
    }
    fn close(&self, how: Shutdown) {
        let _ = self.shutdown(how);
    }
}

fn join(first: impl Duplex, second: impl Duplex) {
    let (Ok(mut from), Ok(mut to)) = (first.again(), second.again()) else {
        return;
    };
    let there = std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        to.close(Shutdown::Write);
    });
    let (mut from, mut to) = (second, first);
    let _ = std::io::copy(&mut from, &mut to);
    // An endpoint that broke off in the middle has broken off for the agent, too.
    to.close(Shutdown::Both);
    from.close(Shutdown::Both);
    let _ = there.join();
}

/// The inner end: `redgreen __relay SOCKET PORT PROGRAM ARGUMENTS…`. Listens on loopback, starts the program, and ends as
/// it ended. Call it at the very start of the program when the first argument is [`RELAY`].
#[must_use]
pub fn relay_main() -> i32 {
    let mut arguments = crate::env::arguments()
        .into_iter()
        .skip_while(|argument| argument != RELAY)
        .skip(1);
    let socket = arguments.next().map(PathBuf::from);
    let port = arguments
        .next()
        .and_then(|text| text.to_str()?.parse::<u16>().ok());
    let (Some(socket), Some(port), Some(program)) = (socket, port, arguments.next()) else {
        return 2;
    };
    let listener = match TcpListener::bind(("127.0.0.1", port)) {
        Ok(listener) => listener,
        Err(why) => {
            eprintln!("redgreen: port {port} of this sandbox cannot be used: {why}");
            return 1;
        }
    };
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let socket = socket.clone();
            std::thread::spawn(move || match UnixStream::connect(&socket) {
                Ok(outside) => join(client, outside),
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            });
        }
    });
    run(&program, arguments.collect())
}

#[expect(
    clippy::disallowed_methods,
    reason = "inside of the sandbox, on the far side of the one door"
)]
fn run(program: &OsString, arguments: Vec<OsString>) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    match Command::new(program)
        .args(arguments)
        .stdin(Stdio::inherit())
        .status()
    {
        Ok(status) => status
            .code()
            .unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
        Err(why) => {
            eprintln!("redgreen: {}: {why}", program.display());
            127
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f1_an_endpoint_is_a_host_and_a_port_and_holds_no_password() {
        let of = |url| Endpoint::of_url(url);
        assert_eq!(
            of(Some("http://127.0.0.1:8123/v1")).unwrap(),
            Endpoint::Plain("127.0.0.1".to_owned(), 8123)
        );
        assert_eq!(of(None).unwrap().name(), "api.anthropic.com:443");
        assert_eq!(
            of(Some("https://gateway.example")).unwrap().name(),
            "gateway.example:443"
        );
        for wrong in [
            "",
            "localhost:80",
            "ftp://x",
            "http://",
            "http://x:y",
            "https://a:b@c",
        ] {
            assert!(of(Some(wrong)).is_err(), "{wrong}");
        }
        let said = of(Some("https://user:hunter2@host")).unwrap_err();
        assert!(!said.contains("hunter2"));
    }

    /// A server that answers every connection with one word.
    fn server(word: &'static str) -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = (&stream).write_all(word.as_bytes());
            }
        });
        port
    }

    fn asked(relay: &Relay, question: &str) -> String {
        let mut stream = UnixStream::connect(&relay.socket).unwrap();
        stream.write_all(question.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn c6_a_relay_leads_to_the_endpoint_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let (model, other) = (server("model"), server("other"));
        let plain = Relay::start(
            folder.path(),
            &Endpoint::Plain("127.0.0.1".to_owned(), model),
        )
        .unwrap();
        assert_eq!(asked(&plain, "hello"), "model");
        drop(plain);
        let deep = folder.path().join("x".repeat(120));
        std::fs::create_dir(&deep).unwrap();
        let relay = Relay::start(
            &deep,
            &Endpoint::Encrypted(vec![("localhost".to_owned(), model)]),
        )
        .unwrap();
        let right = asked(
            &relay,
            &format!("CONNECT localhost:{model} HTTP/1.1\r\nhost: x\r\n\r\n"),
        );
        assert!(
            right.starts_with("HTTP/1.1 200") && right.ends_with("model"),
            "{right}"
        );
        for question in [
            format!("CONNECT localhost:{other} HTTP/1.1\r\n\r\n"),
            format!("CONNECT 127.0.0.1:{model} HTTP/1.1\r\n\r\n"),
            format!("GET http://localhost:{other}/ HTTP/1.1\r\n\r\n"),
        ] {
            let answer = asked(&relay, &question);
            assert!(answer.starts_with("HTTP/1.1 403"), "{question}{answer}");
        }
    }
}
