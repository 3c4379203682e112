//! Real servers: started, used, found out about, and gone afterwards.
#![expect(clippy::panic, reason = "helpers of tests")]

use redgreen_host::http;
use redgreen_host::service::{HOST, Ready, Service, ServiceKind, ServiceSettings, free_port};
use redgreen_host::websocket::Socket;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

fn settings(kind: ServiceKind, command: &[&str]) -> ServiceSettings {
    ServiceSettings {
        name: "it".to_owned(),
        kind,
        command: command.iter().map(|&word| word.to_owned()).collect(),
        own_variables: BTreeMap::new(),
        variables: BTreeMap::from([(
            "ADDRESS".to_owned(),
            "{user}@{host}:{port}/{database}".to_owned(),
        )]),
        variable: None,
        ready: Ready::Listening,
        timeout: Duration::from_secs(60),
        grace: Duration::from_secs(5),
    }
}

fn start(settings: &ServiceSettings, folder: &Path) -> Service {
    Service::start(settings, &folder.join("it"), folder)
        .unwrap_or_else(|error| panic!("{error}\n{}", error.log.join("\n")))
}

/// A small server in Python, which every machine of the tests has: answers each request with 200 and its arguments.
const SERVER: &str = r"
import http.server, sys, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path != '/missing' else 404)
        self.end_headers()
        self.wfile.write(os.environ.get('GREETING', '').encode())
    def log_message(self, *arguments):
        print('asked for', self.path, flush=True)
http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
";

fn nobody_listens(port: u16) -> bool {
    TcpStream::connect((HOST, port)).is_err()
}

#[test]
fn e1_a_command_is_ready_when_it_answers_and_gone_when_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let mut wanted = settings(ServiceKind::Command, &["python3", "-c", SERVER, "{port}"]);
    wanted.ready = Ready::Http {
        path: "/health".to_owned(),
        status: 200,
    };
    wanted
        .own_variables
        .insert("GREETING".to_owned(), "hello on {port}".to_owned());
    let service = start(&wanted, folder.path());
    let port = service.port();
    let answer = http::get(&format!("http://{HOST}:{port}/x")).unwrap();
    assert_eq!(
        (answer.status, String::from_utf8(answer.body).unwrap()),
        (200, format!("hello on {port}"))
    );
    assert!(service.log().contains("asked for /health"));
    service.check().unwrap();
    drop(service);
    assert!(nobody_listens(port));
}

#[test]
fn e1_a_stale_server_on_the_port_satisfies_nothing() {
    let stale = TcpListener::bind((HOST, 0)).unwrap();
    let port = stale.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in stale.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let folder = tempfile::tempdir().unwrap();
    // It runs and never listens; the stale server answers on the port that the probe asks.
    let mut wanted = settings(ServiceKind::Command, &["sleep", "300"]);
    wanted.ready = Ready::Http {
        path: format!(":{port}/health"),
        status: 200,
    };
    wanted.timeout = Duration::from_secs(2);
    let error = Service::start(&wanted, &folder.path().join("it"), folder.path()).unwrap_err();
    assert!(error.what.contains("not ready"), "{error}");
}

#[test]
fn e1_a_service_that_ends_is_said_with_its_last_lines() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = settings(
        ServiceKind::Command,
        &["sh", "-c", "echo 'no such table: users'; exit 3"],
    );
    let error = Service::start(&wanted, &folder.path().join("it"), folder.path()).unwrap_err();
    assert!(
        error.what.contains("with exit code 3 before it was ready"),
        "{error}"
    );
    assert_eq!(error.log, ["no such table: users"]);

    let mut wanted = settings(
        ServiceKind::Command,
        &["sh", "-c", "echo up; sleep 1; exit 4"],
    );
    wanted.ready = Ready::Log("up".to_owned());
    let service = start(&wanted, folder.path());
    while service.check().is_ok() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let error = service.check().unwrap_err();
    assert!(
        error.what.contains("with exit code 4 while it was needed"),
        "{error}"
    );
}

#[test]
fn e1_a_server_that_finds_its_port_taken_is_started_on_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let script = "if [ ! -e second ]; then touch second; echo 'Address already in use' >&2; exit 1; fi; exec python3 -c \"$0\" \"$1\"";
    let wanted = settings(
        ServiceKind::Command,
        &["sh", "-c", script, SERVER, "{port}"],
    );
    let service = start(&wanted, folder.path());
    assert!(http::get(&format!("http://{HOST}:{}/", service.port())).is_ok());
}

#[test]
fn e1_d4_postgres_has_a_database_per_run_and_counts_its_use() {
    let folder = tempfile::tempdir().unwrap();
    let service = start(&settings(ServiceKind::Postgres, &[]), folder.path());
    let port = service.port();
    let psql = |database: &str, statement: &str| {
        redgreen_host::service::postgres_sql(port, database, statement).unwrap()
    };
    service.fresh("template", None).unwrap();
    psql(
        "template",
        "create table t (x int); insert into t values (42)",
    );
    let one = service.fresh("one", Some("template")).unwrap();
    let before = service.used(&one).unwrap();
    assert_eq!(psql(&one, "select x from t").trim(), "42");
    psql(&one, "delete from t");
    let other = service.fresh("other", Some("template")).unwrap();
    assert_eq!(psql(&other, "select x from t").trim(), "42");
    assert!(service.used(&one).unwrap() > before);
    let untouched = service.used(&other);
    assert_eq!(
        service.variables(&one)["ADDRESS"],
        format!("redgreen@{HOST}:{port}/one")
    );
    assert_eq!(untouched, service.used(&other), "looking is not using");
    drop(service);
    assert!(nobody_listens(port));
}

#[test]
fn e1_d4_redis_is_empty_for_each_run_and_counts_its_use() {
    let folder = tempfile::tempdir().unwrap();
    let service = start(&settings(ServiceKind::Redis, &[]), folder.path());
    let port = service.port();
    let ask = |command: &str| {
        let mut stream = TcpStream::connect((HOST, port)).unwrap();
        stream
            .write_all(format!("{command}\r\nQUIT\r\n").as_bytes())
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    service.fresh("", None).unwrap();
    let before = service.used("").unwrap();
    let idle = service.used("").unwrap();
    ask("SET a 1");
    let used = service.used("").unwrap();
    assert!(used - idle > idle - before, "{before} {idle} {used}");
    service.fresh("", None).unwrap();
    assert!(ask("GET a").starts_with("$-1"));
    drop(service);
    assert!(nobody_listens(port));
}

#[test]
fn e1_what_is_not_there_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut wanted = settings(ServiceKind::External, &[]);
    wanted.variable = Some("REDGREEN_TEST_NO_SUCH_VARIABLE".to_owned());
    let error = Service::start(&wanted, folder.path(), folder.path()).unwrap_err();
    assert_eq!(error.hint, "export REDGREEN_TEST_NO_SUCH_VARIABLE=…");
    let wanted = settings(ServiceKind::Command, &["redgreen-no-such-program"]);
    let error = Service::start(&wanted, &folder.path().join("it"), folder.path()).unwrap_err();
    assert!(error.what.contains("was not found"), "{error}");
    assert!(free_port().unwrap() > 0);
}

#[test]
fn e3_messages_of_a_websocket_are_kept_until_they_are_asked_for() {
    let listener = TcpListener::bind((HOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut socket = tungstenite::accept(stream).unwrap();
        for text in ["one", "two"] {
            socket.send(tungstenite::Message::text(text)).unwrap();
        }
        let asked = socket.read().unwrap();
        socket
            .send(tungstenite::Message::text(format!("heard {asked}")))
            .unwrap();
        socket.close(None).unwrap();
        while socket.read().is_ok() {}
    });
    let mut socket = Socket::open(port, "/ws", &[]).unwrap();
    let wait = Duration::from_secs(60);
    // Out of order, and each only once.
    assert_eq!(socket.receive(wait, |text| text == "two").unwrap(), "two");
    assert_eq!(socket.receive(wait, |_| true).unwrap(), "one");
    socket.send("hello").unwrap();
    assert_eq!(socket.receive(wait, |_| true).unwrap(), "heard hello");
    let missed = socket.receive(wait, |_| true).unwrap_err();
    assert!(
        missed.closed.is_some() && missed.others.is_empty(),
        "{missed:?}"
    );
    drop(socket);
    server.join().unwrap();
    assert!(Socket::open(port, "/ws", &[]).is_err());
}
