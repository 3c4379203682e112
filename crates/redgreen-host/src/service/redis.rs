//! Redis, or Valkey: a server without persistence on loopback (the inline commands of its protocol, RESP 2).

use super::daemon::Daemon;
use super::{HOST, ServiceError, ServiceSettings};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

const SERVERS: [&str; 2] = ["redis-server", "valkey-server"];

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn start(
    settings: &ServiceSettings,
    folder: &Path,
    port: u16,
) -> Result<Daemon, ServiceError> {
    let Some(server) = SERVERS
        .iter()
        .find_map(|name| crate::env::find_program(name))
    else {
        return Err(ServiceError {
            service: settings.name.clone(),
            what: "neither `redis-server` nor `valkey-server` is installed".to_owned(),
            hint: "install it (Debian: apt install redis-server), or use `kind = \"external\"`"
                .to_owned(),
            log: Vec::new(),
        });
    };
    let words = [
        "--port",
        &port.to_string(),
        "--bind",
        HOST,
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
        &folder.display().to_string(),
    ]
    .map(ToOwned::to_owned);
    let argv = [server.found.display().to_string()]
        .into_iter()
        .chain(words)
        .chain(settings.command.iter().cloned())
        .collect();
    Daemon::start(settings, argv, folder, folder, &BTreeMap::new(), &[])
}

pub(super) fn answers(port: u16) -> bool {
    ask(port, "PING").is_ok_and(|answer| answer.starts_with("+PONG"))
}

pub(super) fn empty(port: u16) -> Result<(), String> {
    let answer = ask(port, "FLUSHALL").map_err(|error| error.to_string())?;
    if answer.starts_with("+OK") {
        Ok(())
    } else {
        Err(format!("FLUSHALL: {}", answer.trim()))
    }
}

/// How many commands it has processed, without the one that asks.
pub(super) fn commands(port: u16) -> Option<u64> {
    let answer = ask(port, "INFO stats").ok()?;
    answer
        .lines()
        .find_map(|line| line.strip_prefix("total_commands_processed:"))
        .and_then(|count| count.trim().parse().ok())
}

/// One inline command and everything that comes back before the server closes the connection.
fn ask(port: u16, command: &str) -> std::io::Result<String> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
