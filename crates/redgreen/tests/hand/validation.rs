//! The real application is started and used (SPEC E3, E6).

use super::support::{Hand, TOTAL, TOTAL_TEST};

/// An application in the standard library: sessions, tasks, a page from a file.
const APPLICATION: &str = r#"import json, os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HERE = os.path.dirname(os.path.abspath(__file__))
SESSIONS, TASKS = {}, []


class Handler(BaseHTTPRequestHandler):
    def answer(self, status, value, **headers):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.send_header("access-control-allow-origin", "*")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def user(self):
        return SESSIONS.get(self.headers.get("authorization", ""))

    def body(self):
        return json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or "{}")

    def do_GET(self):
        if self.path == "/health":
            return self.answer(200, {})
        if self.path == "/":
            return self.answer(200, open(os.path.join(HERE, "page.html"), "rb").read())
        if self.path == "/tasks":
            return self.answer(200, TASKS) if self.user() else self.answer(401, {})
        self.answer(404, {})

    def do_POST(self):
        if self.path == "/login":
            token = "token-" + self.body()["name"]
            SESSIONS[token] = self.body
            return self.answer(200, {"session": {"token": token}}, location="/tasks")
        if self.path == "/logout":
            SESSIONS.pop(self.headers.get("authorization", ""), None)
            return self.answer(204, b"")
        if self.path == "/tasks":
            TASKS.append(self.body())
            return self.answer(201, {"id": len(TASKS)})
        self.answer(404, {})


class Server(ThreadingHTTPServer):
    request_queue_size = 128


if __name__ == "__main__":
    os.environ["GREETING"]
    Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#;

const CONFIGURATION: &str = r#"version = 1

[runner]
kind = "pytest"

[validation]
build = ["sh -c 'echo \"<h1>tasks</h1>\" > src/shop/page.html'"]
artefacts = ["src/shop/page.html"]
settings = { GREETING = "hello" }
start = ["python", "{tree}/src/shop/application.py", "{port}"]
directory = "{folder}"
ready = { http = "/health" }
log_absent = ["Traceback"]

[[validation.steps]]
name = "the page"
request = "GET /"
contains = ["<h1>tasks</h1>"]
expect_headers = { Access-Control-Allow-Origin = "*" }

[[validation.steps]]
name = "refused without a session"
request = "GET /tasks"
status = 401

[[validation.steps]]
name = "log in"
request = "POST /login"
json = { name = "ada" }
capture = { token = "/session/token" }

[[validation.steps]]
name = "many at once"
request = "POST /tasks"
headers = { Authorization = "{token}" }
json = { title = "task {n}" }
status = 201
times = 20

[[validation.steps]]
name = "nothing is lost"
request = "GET /tasks"
headers = { Authorization = "{token}" }
contains = ["task 1\"", "task 20"]

[[validation.steps]]
name = "log out"
request = "POST /logout"
headers = { Authorization = "{token}" }
status = 204

[[validation.steps]]
name = "refused after logout"
request = "GET /tasks"
headers = { Authorization = "{token}" }
status = 401

[[validation.steps]]
name = "the command line"
command = ["python", "-c", "import sys; print('version', 3); sys.exit(4)"]
exit_code = 4
contains = ["version 3"]
"#;

fn project(application: &str, configuration: &str) -> Hand {
    let ignored = (".gitignore", ".venv\n__pycache__/\npage.html\n");
    Hand::python_with(&[
        ignored,
        ("redgreen.toml", configuration),
        ("src/shop/application.py", application),
    ])
}

#[test]
fn e3_a_whole_flow_from_a_clean_checkout_with_captured_values() {
    let hand = project(APPLICATION, CONFIGURATION);
    let out = hand.rg(&["validate"]).ends(0);
    let steps = out.json()["steps"].as_array().unwrap().clone();
    assert_eq!(steps.len(), 12, "{steps:#?}");
    assert!(steps.iter().all(|step| step["held"] == true));
    hand.plain(&["validate"])
        .ends(0)
        .says("application: 12 of 12 steps hold");
    // Full validation does the same for a task.
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.rg(&["lock", "T1"]).ends(0);
    hand.append("src/shop/__init__.py", TOTAL);
    hand.plain(&["full", "T1"])
        .ends(0)
        .says("application: 12 of 12 steps hold");
}

#[test]
fn e6_what_is_broken_in_production_only_is_caught_with_its_hint() {
    let broken = [
        (
            "        if self.path == \"/tasks\":\n            TASKS",
            "        if self.path == \"/nowhere\":\n            TASKS",
            "many at once",
            "route",
        ),
        (
            "os.path.join(HERE, \"page.html\")",
            "\"src/shop/page.html\"",
            "the page",
            "path",
        ),
        ("SESSIONS.pop(", "print(", "refused after logout", "session"),
        (
            "self.send_header(\"access-control-allow-origin\", \"*\")",
            "pass",
            "the page",
            "cors",
        ),
        (
            "os.environ[\"GREETING\"]",
            "os.environ[\"SECRET_KEY\"]",
            "the application starts",
            "environment",
        ),
        (
            "(\"127.0.0.1\", int(sys.argv[1]))",
            "(\"127.0.0.1\", 1)",
            "the application starts",
            "",
        ),
    ];
    for (good, bad, step, hint) in broken {
        assert!(APPLICATION.contains(good), "{good}");
        let hand = project(&APPLICATION.replace(good, bad), CONFIGURATION);
        let out = hand.rg(&["validate"]).ends(10);
        let steps = out.json()["steps"].as_array().unwrap().clone();
        let first = steps.iter().find(|step| step["held"] == false).unwrap();
        assert_eq!(first["name"], step, "{first:#}");
        assert_eq!(
            first["hint"].as_str().unwrap_or_default(),
            hint,
            "{first:#}"
        );
        assert!(out.reason("validation_failed").contains(step));
    }
    let hand = project(
        APPLICATION,
        &CONFIGURATION.replace("> src/shop/page.html", "> page.html"),
    );
    let out = hand.rg(&["validate"]).ends(10);
    assert!(out.reason("validation_failed").contains("hint artefact"));
}

#[test]
fn e3_what_cannot_be_established_is_no_verdict_and_secrets_are_not_shown() {
    let needs = CONFIGURATION.replace("settings =", "environment = [\"SHOP_PEPPER\"]\nsettings =");
    let hand = project(
        &APPLICATION.replace(
            "    os.environ[\"GREETING\"]",
            "    print('pepper', os.environ['SHOP_PEPPER'], flush=True)\n    sys.exit(1)",
        ),
        &needs,
    );
    let out = hand.rg(&["validate"]).ends(11);
    assert!(out.reason("environment_fault").contains("SHOP_PEPPER"));
    let value = "correct-horse-battery-staple";
    let out = hand
        .plain_with(&["--format", "json", "validate"], &[("SHOP_PEPPER", value)])
        .ends(10);
    assert!(out.stdout.contains("pepper"), "{out:?}");
    assert!(
        !out.stdout.contains(value) && !out.stderr.contains(value),
        "{out:?}"
    );
    let hand = project(APPLICATION, "version = 1\n[runner]\nkind = \"pytest\"\n");
    hand.plain(&["validate"]).ends(2).says("[validation]");
    let two = CONFIGURATION.replace(
        "request = \"GET /\"",
        "request = \"GET /\"\nconnect = \"/ws\"",
    );
    project(APPLICATION, &two)
        .plain(&["validate"])
        .ends(2)
        .says("exactly one");
}

#[test]
fn e3_a_step_that_already_failed_on_the_base_is_told_and_blocks_no_task() {
    let more = format!(
        "{CONFIGURATION}\n[[validation.steps]]\nname = \"not built yet\"\nrequest = \"GET /report\"\n"
    );
    let hand = project(APPLICATION, &more);
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.rg(&["lock", "T1"]).ends(0);
    hand.append("src/shop/__init__.py", TOTAL);
    let out = hand.rg(&["full", "T1"]).ends(0);
    assert!(out.note("validation_failed").contains("not built yet"));
    // What held on the base must go on to hold.
    let broken = APPLICATION.replace("SESSIONS.pop(", "print(");
    hand.write("src/shop/application.py", &broken);
    let out = hand.rg(&["full", "T1"]).ends(10);
    assert!(
        out.reason("validation_failed")
            .contains("refused after logout")
    );
}
