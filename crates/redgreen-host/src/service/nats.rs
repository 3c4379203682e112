//! NATS with JetStream on loopback; its monitoring port is the client port's neighbour.

use super::daemon::Daemon;
use super::{HOST, ServiceError, ServiceSettings};
use crate::http;
use std::collections::BTreeMap;
use std::path::Path;

pub(super) fn start(
    settings: &ServiceSettings,
    folder: &Path,
    port: u16,
) -> Result<Daemon, ServiceError> {
    let Some(server) = crate::env::find_program("nats-server") else {
        return Err(ServiceError {
            service: settings.name.clone(),
            what: "`nats-server` is not installed".to_owned(),
            hint: "install it (Debian: apt install nats-server), or use `kind = \"external\"`"
                .to_owned(),
            log: Vec::new(),
        });
    };
    let argv = [
        server.found.display().to_string(),
        "-a".to_owned(),
        HOST.to_owned(),
        "-p".to_owned(),
        port.to_string(),
        "-m".to_owned(),
        monitoring(port).to_string(),
        "-js".to_owned(),
        "-sd".to_owned(),
        folder.join("store").display().to_string(),
    ]
    .into_iter()
    .chain(settings.command.iter().cloned())
    .collect();
    Daemon::start(settings, argv, folder, folder, &BTreeMap::new(), &[])
}

fn monitoring(port: u16) -> u16 {
    port.checked_add(1).unwrap_or(port - 1)
}

pub(super) fn answers(port: u16) -> bool {
    http::get(&format!("http://{HOST}:{}/healthz", monitoring(port)))
        .is_ok_and(|answer| answer.status == 200)
}

/// Messages that clients have sent to it.
pub(super) fn messages(port: u16) -> Option<u64> {
    let answer = http::get(&format!("http://{HOST}:{}/varz", monitoring(port))).ok()?;
    serde_json::from_slice::<serde_json::Value>(&answer.body)
        .ok()?
        .get("in_msgs")?
        .as_u64()
}
