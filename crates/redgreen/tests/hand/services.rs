//! Real servers in gates, and by hand (SPEC E1, D4).

use super::support::Hand;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A store that keeps rows in the database it is given, through `psql`.
const STORE: &str = r#"import subprocess


def sql(text):
    return subprocess.run(["psql", "-XqAtc", text], check=True, capture_output=True, text=True).stdout.split()


def add(title):
    sql(f"insert into tasks values ('{title}')")


def titles():
    return sql("select title from tasks order by title")
"#;

const STORE_TEST: &str = "from shop.store import add, titles\n\n\ndef test_rows_are_kept():\n    assert titles() == ['seed']\n    add('milk')\n    assert titles() == ['milk', 'seed']\n";

const CONFIGURATION: &str = "version = 1\n\n[runner]\nkind = \"pytest\"\n\n[services.db]\nkind = \"postgres\"\nprepare = [\"psql -Xqf schema.sql\"]\n\n[suites.integration]\npaths = [\"tests/test_store.py\"]\nuses = [\"db\"]\n";

const SCHEMA: &str = "create table tasks (title text);\ninsert into tasks values ('seed');\n";

#[test]
fn e1_every_test_command_has_a_database_of_its_own_filled_once_for_the_tree() {
    let hand = Hand::python_with(&[("redgreen.toml", CONFIGURATION), ("schema.sql", SCHEMA)]);
    hand.write("tests/test_store.py", STORE_TEST);
    hand.rg(&["lock", "T1"]).ends(0);
    hand.write("src/shop/store.py", STORE);
    // RED ran twice, GREEN and its controls several times: each found the seed row and nothing of the others.
    hand.rg(&["green", "T1"]).ends(0);
    let full = hand.rg(&["full", "T1"]).ends(0);
    assert_eq!(full.test("::test_rows_are_kept")["outcome"], "passed");
    assert!(
        postgres_of(&hand).is_empty(),
        "servers end with the command"
    );
}

/// Command lines of servers whose data lie below the project's private state.
fn postgres_of(hand: &Hand) -> Vec<String> {
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "))
        .filter(|line| line.contains("postgres") && line.contains(hand.state.to_str().unwrap()))
        .collect()
}

#[test]
fn d4_a_suite_that_never_reached_its_service_has_failed() {
    let hand = Hand::python_with(&[("redgreen.toml", CONFIGURATION), ("schema.sql", SCHEMA)]);
    hand.write(
        "tests/test_store.py",
        "from shop.store import add, titles\n\n\ndef test_rows_are_kept():\n    add('milk')\n    assert titles() == ['milk']\n",
    );
    hand.rg(&["lock", "T1"]).ends(0);
    hand.write(
        "src/shop/store.py",
        "KEPT = []\n\n\ndef add(title):\n    KEPT.append(title)\n\n\ndef titles():\n    return KEPT\n",
    );
    let out = hand.rg(&["full", "T1"]).ends(10);
    assert_eq!(out.codes(), ["service_unused"]);
    assert!(
        out.reason("service_unused")
            .contains("`integration` never reached the service `db`")
    );
}

#[test]
fn e1_a_service_that_does_not_start_or_dies_is_never_a_verdict() {
    let broken = "version = 1\n\n[runner]\nkind = \"pytest\"\n\n[services.mail]\nkind = \"command\"\ncommand = [\"sh\", \"-c\", \"echo no licence; exit 7\"]\n";
    let hand = Hand::python_with(&[("redgreen.toml", broken)]);
    hand.write("tests/test_total.py", super::support::TOTAL_TEST);
    let out = hand.rg(&["red"]).ends(11);
    let reason = out.reason("service_failed");
    assert!(
        reason.contains("no licence") && reason.contains("exit code 7"),
        "{reason}"
    );
    // It dies while the tests run.
    let dies = "version = 1\n\n[runner]\nkind = \"pytest\"\n\n[services.mail]\nkind = \"command\"\ncommand = [\"sh\", \"-c\", \"echo up; while [ ! -e stop ]; do sleep 0.05; done; exit 9\"]\nready = { log = \"up\" }\n";
    let hand = Hand::python_with(&[("redgreen.toml", dies)]);
    hand.write(
        "tests/test_total.py",
        "import time\n\n\ndef test_total():\n    open('stop', 'w').close()\n    time.sleep(2)\n    from shop import total\n    assert total([1]) == 1\n",
    );
    let out = hand.rg(&["red"]).ends(11);
    assert!(out.reason("service_failed").contains("while it was needed"));
    let unknown = "version = 1\n[services.db]\nkind = \"oracle\"\n";
    let hand = Hand::python_with(&[("redgreen.toml", unknown)]);
    hand.plain(&["red"])
        .ends(2)
        .says("postgres, redis, nats, command or external")
        .says("redgreen.toml:2");
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "waited too long for {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn e1_services_up_keeps_them_until_down_and_kill_leaves_nothing() {
    let configuration =
        "version = 1\n\n[runner]\nkind = \"pytest\"\n\n[services.cache]\nkind = \"redis\"\n";
    let hand = Hand::python_with(&[("redgreen.toml", configuration)]);
    hand.plain(&["services", "status"])
        .ends(0)
        .says("none is running");
    let port_of = |hand: &Hand| -> Option<u16> {
        let status = hand.rg(&["services", "status"]).ends(0).json();
        let address = status["services"][0]["variables"]["REDIS_URL"]
            .as_str()?
            .to_owned();
        address.rsplit(':').next()?.split('/').next()?.parse().ok()
    };
    let mut up = hand
        .redgreen(&["services", "up"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    wait_for("services up", || port_of(&hand).is_some());
    let port = port_of(&hand).unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    hand.plain(&["services", "down"])
        .ends(0)
        .says("1 `services up` ended");
    assert!(up.wait().unwrap().success());
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());

    let mut up = hand
        .redgreen(&["services", "up"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    wait_for("services up", || port_of(&hand).is_some());
    let port = port_of(&hand).unwrap();
    up.kill().unwrap();
    up.wait().unwrap();
    wait_for("the end of the server", || {
        TcpStream::connect(("127.0.0.1", port)).is_err()
    });
    hand.plain(&["services", "sweep"]).ends(0);
    hand.plain(&["services", "status"])
        .ends(0)
        .says("none is running");
}
