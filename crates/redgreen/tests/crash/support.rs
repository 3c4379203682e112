//! A small project whose whole plan runs in seconds, and the normal form of what a run leaves.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// Each line of `tests/*.t` is `name expected command`.
const RUNNER: &str = r#"out=$1; shift
[ $# -gt 0 ] || set -- tests/*.t
for source in src/*.sh; do . "./$source"; done
bad=0; n=0; body=
for file in "$@"; do
  while read -r name expected call; do
    n=$((n + 1)); got=$($call 2>&1)
    if [ "$got" = "$expected" ]; then body="$body<testcase file='$file' name='$name'/>"
    else bad=$((bad + 1)); body="$body<testcase file='$file' name='$name'><failure message='expected $expected, got $got'/></testcase>"; fi
  done <"$file"
done
echo "$n tests, $bad failures"
echo "<testsuite tests='$n' failures='$bad' errors='0'>$body</testsuite>" >"$out"
[ "$bad" = 0 ]
"#;

/// T2 needs two tries.
const AGENT: &str = r#"cat >/dev/null
mkdir -p tests src
double() { echo "$1() { echo \$((\$1 * $2)); }" >"src/$1.sh"; }
case "$REDGREEN_ROLE-$REDGREEN_TASK-$REDGREEN_ATTEMPT" in
author-T1-*) echo 'a 4 twice 2' >tests/twice.t;;
author-T2-*) echo 'b 6 thrice 2' >tests/thrice.t;;
author-T3-*) echo 'c 8 fourfold 2' >tests/fourfold.t;;
implementer-T1-*) double twice 2;;
implementer-T2-1) double thrice 7;;
implementer-T2-*) double thrice 3;;
implementer-T3-*) double fourfold 4;;
esac
"#;

const CONFIG: &str = r#"version = 1
[paths]
tests = ["tests/**"]
source = ["src/**"]
[runner]
kind = "junit"
command = ["sh", "run-tests.sh", "{report}", "{tests}"]
[agent]
command = ["sh", "agent.sh"]
"#;

const PLAN: &str = r#"{
  "name": "Numbers", "description": "numbers", "status": "APPROVED",
  "tasks": [
    {"id": "T1", "name": "twice", "description": "d", "dod": ["AC-1: twice 2 is 4"], "passes": false},
    {"id": "T2", "name": "thrice", "description": "d", "dod": ["AC-1: thrice 2 is 6"], "depends_on": ["T1"],   "passes": false},
    {"id": "T3", "name": "fourfold", "description": "d", "dod": ["AC-1: fourfold 2 is 8"], "passes": false}
  ]
}
"#;

/// A repository with private state, a home and a folder for temporary files of its own.
pub struct Project {
    root: TempDir,
    pub isolation: &'static str,
}

impl Project {
    pub fn new() -> Self {
        Self::with_isolation("process")
    }
    pub fn with_isolation(isolation: &'static str) -> Self {
        let project = Self {
            root: tempfile::Builder::new().prefix("crash-").tempdir().unwrap(),
            isolation,
        };
        for folder in [
            "repo/src",
            "repo/tests",
            "repo/docs/plans",
            "state",
            "home",
            "tmp",
        ] {
            fs::create_dir_all(project.path(folder)).unwrap();
        }
        for (path, text) in [
            (
                "home/.gitconfig",
                "[user]\n\tname = Ann Example\n\temail = ann@example.org\n[init]\n\tdefaultBranch = main\n",
            ),
            ("repo/redgreen.toml", CONFIG),
            ("repo/run-tests.sh", RUNNER),
            ("repo/agent.sh", AGENT),
            ("repo/src/once.sh", "once() { echo $1; }\n"),
            ("repo/tests/once.t", "o 2 once 2\n"),
            ("repo/docs/plans/numbers.json", PLAN),
        ] {
            fs::write(project.path(path), text).unwrap();
        }
        project.git(&["init", "--quiet"]);
        project.git(&["add", "--all"]);
        project.git(&["commit", "--quiet", "--message", "start"]);
        project
    }
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path("repo"))
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LC_ALL", "C.UTF-8")
            .env("REDGREEN_STATE_DIR", self.path("state"))
            .stdin(Stdio::null());
        if !self.isolation.is_empty() {
            command.env("REDGREEN_ISOLATION", self.isolation);
        }
        command
    }
    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        let output = self.command("git").args(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned()
    }
    /// Runs the binary to its end.
    pub fn redgreen(&self, arguments: &[&str]) -> Output {
        self.command(env!("CARGO_BIN_EXE_redgreen"))
            .args(arguments)
            .output()
            .unwrap()
    }
    /// Starts `redgreen run`; what it says goes to a file.
    pub fn start(&self) -> Child {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.path("said"))
            .unwrap();
        self.command(env!("CARGO_BIN_EXE_redgreen"))
            .arg("run")
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap()
    }
    /// Runs the plan to its end and fails with everything that was said unless it ends well.
    #[track_caller]
    pub fn finish(&self) {
        let output = self.redgreen(&["run"]);
        assert!(
            output.status.success(),
            "{:?}\n{}\n{}\n--- before\n{}\n--- journal\n{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
            fs::read_to_string(self.path("said")).unwrap_or_default(),
            self.short_journal()
        );
    }
    /// The private state of the repository, where there is one yet.
    pub fn state(&self) -> Option<PathBuf> {
        Some(fs::read_dir(self.path("state")).ok()?.next()?.ok()?.path())
    }
    pub fn journal_path(&self) -> PathBuf {
        self.state().unwrap().join("journals/numbers.jsonl")
    }
    /// The journal as it stands; empty where there is none.
    pub fn journal(&self) -> Vec<u8> {
        self.state()
            .and_then(|state| fs::read(state.join("journals/numbers.jsonl")).ok())
            .unwrap_or_default()
    }
    /// Keeps everything as it is now, for [`Project::restore`].
    pub fn save(&self) {
        let saved = self.path("saved");
        _ = fs::remove_dir_all(&saved);
        fs::create_dir(&saved).unwrap();
        self.copy(&["repo", "state"], &saved);
    }
    /// Puts everything back as it was kept.
    pub fn restore(&self) {
        for folder in ["repo", "state"] {
            fs::remove_dir_all(self.path(folder)).unwrap();
        }
        self.copy(&["saved/repo", "saved/state"], self.root.path());
    }
    fn copy(&self, from: &[&str], to: &Path) {
        let status = self
            .command("cp")
            .current_dir(self.root.path())
            .arg("--archive")
            .args(from.iter().map(|folder| self.path(folder)))
            .arg(to)
            .status()
            .unwrap();
        assert!(status.success());
    }
    /// The events of the journal, whole lines only.
    pub fn events(&self) -> Vec<Value> {
        let bytes = self.journal();
        bytes
            .split_inclusive(|&byte| byte == b'\n')
            .filter(|line| line.ends_with(b"\n"))
            .map(|line| serde_json::from_slice::<Value>(line).unwrap()["data"]["event"].clone())
            .collect()
    }
    /// `type key` of each event.
    pub fn short_journal(&self) -> String {
        let line = |event: &Value| format!("{} {}\n", event["type"], event["data"]["key"]);
        self.events().iter().map(line).collect()
    }
    /// What is the same however often a run was killed.
    pub fn normal_form(&self) -> BTreeMap<&'static str, String> {
        let report = self.state().unwrap().join("reports/numbers/report.json");
        let report: Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
        // Evidence lies under the name of who wrote it: the key of this machine and repository.
        let refs: String = self
            .git(&["for-each-ref", "--format=%(refname)"])
            .lines()
            .map(|name| match name.strip_prefix("refs/redgreen/evidence/") {
                Some(rest) => format!("evidence of {}\n", rest.split('/').next().unwrap_or("")),
                None => format!("{name}\n"),
            })
            .collect();
        BTreeMap::from([
            ("content", content(&self.git(&["ls-tree", "-r", "main"]))),
            (
                "on the run's branch",
                content(&self.git(&["ls-tree", "-r", "redgreen/numbers"])),
            ),
            ("commits", self.git(&["log", "--format=%an %ae %s", "main"])),
            ("references", refs),
            ("status", self.git(&["status", "--porcelain"])),
            (
                "plan",
                fs::read_to_string(self.path("repo/docs/plans/numbers.json")).unwrap(),
            ),
            (
                "report",
                serde_json::to_string_pretty(&normal(&report)).unwrap(),
            ),
        ])
    }
    /// Fails when an effect has more than one result, or something was delivered twice.
    #[track_caller]
    pub fn nothing_was_done_twice(&self) {
        let mut results: BTreeMap<String, usize> = BTreeMap::new();
        for event in self.events() {
            let kind = event["type"].as_str().unwrap().to_owned();
            if kind != "started"
                && let Some(key) = event["data"]["key"].as_str()
            {
                *results.entry(key.to_owned()).or_default() += 1;
            }
        }
        assert!(results.len() > 10, "{results:?}");
        let twice: Vec<_> = results.iter().filter(|(_, count)| **count != 1).collect();
        assert!(twice.is_empty(), "{twice:?}\n{}", self.short_journal());
    }
    /// Fails when a process, a worktree, or a file that a finished run has no use for is left.
    #[track_caller]
    pub fn nothing_is_left(&self) {
        let mut left = Vec::new();
        let state = self.state().unwrap();
        for folder in [state.join("scratch"), state.join("jobs"), self.path("tmp")] {
            left.extend(below(&folder));
        }
        for folder in [state, self.path("repo")] {
            left.extend(below(&folder).into_iter().filter(|path| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                [".tmp", ".lock", ".torn", ".sock"]
                    .iter()
                    .any(|end| name.ends_with(end))
                    || name.starts_with("tmp_obj_")
                    || name.starts_with(".tmp")
            }));
        }
        assert_eq!(left, Vec::<PathBuf>::new());
        assert_eq!(self.git(&["worktree", "list"]).lines().count(), 1);
        self.git(&["fsck", "--no-dangling", "--strict"]);
        assert_eq!(self.processes(), Vec::<String>::new());
    }
    /// Command lines of living processes that belong to this project.
    pub fn processes(&self) -> Vec<String> {
        let mark = self.root.path().display().to_string();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            if !line.is_empty() && String::from_utf8_lossy(&environment).contains(&mark) {
                found.push(String::from_utf8_lossy(&line).replace('\0', " "));
            }
        }
        found
    }
}

/// Fails with the lines that differ.
#[track_caller]
pub fn same(what: &str, one: &str, expected: &str) {
    let differing: Vec<String> = one
        .lines()
        .zip(expected.lines())
        .filter(|(one, expected)| one != expected)
        .take(12)
        .map(|(one, expected)| format!("is {one}\nnot {expected}"))
        .collect();
    let lines = (one.lines().count(), expected.lines().count());
    assert!(
        one == expected,
        "{what}: {} and {} lines\n{}",
        lines.0,
        lines.1,
        differing.join("\n")
    );
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        found.push(entry.path());
        if entry.file_type().unwrap().is_dir() {
            found.extend(below(&entry.path()));
        }
    }
    found
}

/// Lock records name commits, which hold times; everything else of a tree is compared by its bytes.
fn content(listing: &str) -> String {
    let line = |line: &str| match line.split_once("\t.redgreen/locks/") {
        Some((_, name)) => format!("lock {name}\n"),
        None => format!("{line}\n"),
    };
    listing.lines().map(line).collect()
}

/// Fields that say when something happened, how long it took, or how much was remembered when it was done again.
const WHEN: [&str; 7] = [
    // Of the machine, and chosen by the test.
    "isolation",
    "time",
    "begun",
    "ended",
    "seconds",
    "duration_ms",
    "suite_runs",
];

/// A report without times, durations, and ids that contain a time: digests, commits, the run's name.
pub fn normal(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter(|(key, _)| !WHEN.contains(&key.as_str()))
                .map(|(key, value)| (key.clone(), normal(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(normal).collect()),
        Value::String(text) => Value::String(without_ids(text)),
        other => other.clone(),
    }
}

fn without_ids(text: &str) -> String {
    text.split_inclusive(|character: char| !character.is_ascii_alphanumeric())
        .map(|word| {
            let plain = word.trim_end_matches(|character: char| !character.is_ascii_alphanumeric());
            let is_hex = plain.len() >= 7 && plain.bytes().all(|byte| byte.is_ascii_hexdigit());
            let is_run = plain.len() > 10 && plain.starts_with("R20");
            if is_hex || is_run {
                word.replacen(plain, "ID", 1)
            } else {
                word.to_owned()
            }
        })
        .collect()
}
