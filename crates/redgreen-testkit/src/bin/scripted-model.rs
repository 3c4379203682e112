//! `scripted-model SCRIPT.toml [--port N] [--log FILE]`: a scripted model server on loopback, until it is ended.

use redgreen_testkit::model::Server;
use redgreen_testkit::model::script::Script;
use std::process::ExitCode;

fn main() -> ExitCode {
    match start() {
        Ok(server) => {
            println!("{}", server.url());
            loop {
                std::thread::park();
            }
        }
        Err(why) => {
            eprintln!("scripted-model: {why}");
            ExitCode::from(2)
        }
    }
}

fn start() -> Result<Server, String> {
    let mut words = std::env::args().skip(1);
    let (mut script, mut port, mut log) = (None, 0, None);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--port" => port = value()?.parse().map_err(|_| "--port: not a port")?,
            "--log" => log = Some(value()?.into()),
            _ => script = Some(word),
        }
    }
    let script = script.ok_or("usage: scripted-model SCRIPT.toml [--port N] [--log FILE]")?;
    let text = std::fs::read_to_string(&script).map_err(|error| format!("{script}: {error}"))?;
    let script = Script::read(&text).map_err(|why| format!("{script}: {why}"))?;
    Server::start_at(script, port, log).map_err(|error| error.to_string())
}
