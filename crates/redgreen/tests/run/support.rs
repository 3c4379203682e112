//! A project with a plan, an agent script and a private world around them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a test waits for something that must happen. It is no measurement: reaching it is a failure.
const PATIENCE: Duration = Duration::from_secs(120);

/// A repository with a crate of the modules `a` to `d`, its plan, its agent, and private state beside it.
pub struct Project {
    root: TempDir,
}

/// What came of a command.
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// Fails with everything that was printed unless the exit code is the wanted one.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "exit code\n--- stdout\n{}\n--- stderr\n{}",
            self.out, self.err
        );
        self
    }
    /// Both streams.
    pub fn all(&self) -> String {
        format!("{}\n{}", self.out, self.err)
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A task of the plan: `fN` of a module doubles its number.
pub fn task(id: &str, module: &str, more: serde_json::Value) -> serde_json::Value {
    let mut task = serde_json::json!({
        "id": id, "name": format!("double in {module}"), "description": "", "module": module,
        "dod": [format!("AC-1: {module}::double(2) is 4")], "passes": false,
    });
    for (key, value) in more.as_object().unwrap() {
        task[key] = value.clone();
    }
    task
}

/// The plan of these tasks, approved.
pub fn plan(tasks: &[serde_json::Value]) -> String {
    let plan = serde_json::json!({"name": "Doubles", "description": "numbers", "status": "APPROVED", "tasks": tasks});
    serde_json::to_string_pretty(&plan).unwrap() + "\n"
}

/// What the author of a task does when a test says nothing else: one right test.
pub fn right_test(module: &str) -> String {
    format!(
        "mkdir -p tests; cat >tests/{module}.rs <<'RUST'\nuse sums::{module}::double;\n#[test]\nfn doubles() {{\n    assert_eq!(double(2), 4);\n}}\nRUST\n"
    )
}

/// What the implementer of a task does when a test says nothing else.
pub fn right_source(module: &str) -> String {
    source(module, "n * 2")
}

/// An implementation with this expression.
pub fn source(module: &str, expression: &str) -> String {
    format!(
        "cat >src/{module}.rs <<'RUST'\npub fn double(n: i32) -> i32 {{\n    {expression}\n}}\nRUST\n"
    )
}

/// One branch of the agent script: `role-task-session` (a shell pattern) and what is done.
pub type Branch<'a> = (&'a str, String);

impl Project {
    /// A project with this plan in `docs/plans/doubles.json`; the agent is scripted by [`Project::agent`].
    pub fn new(plan: &str) -> Self {
        Self::with_config(plan, "")
    }

    /// As [`Project::new`], with more lines for `redgreen.toml`.
    pub fn with_config(plan: &str, more: &str) -> Self {
        let project = Self {
            root: TempDir::new().unwrap(),
        };
        for folder in ["repo", "state", "home", "side"] {
            fs::create_dir(project.root.path().join(folder)).unwrap();
        }
        fs::write(
            project.root.path().join("home/.gitconfig"),
            "[user]\n\tname = Ann Example\n\temail = ann@example.org\n[init]\n\tdefaultBranch = main\n",
        )
        .unwrap();
        project.git(&["init", "--quiet"]);
        project.write(
            "Cargo.toml",
            "[package]\nname = \"sums\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[profile.dev]\ndebug = false\n",
        );
        project.write(".gitignore", "target/\n");
        project.write(
            "src/lib.rs",
            "pub mod a;\npub mod b;\npub mod c;\npub mod d;\n",
        );
        for module in ["a", "b", "c", "d"] {
            project.write(&format!("src/{module}.rs"), "");
        }
        project.write("README.md", "# sums\n");
        let command = format!("[\"sh\", {:?}]", project.agent_path().display().to_string());
        project.write(
            "redgreen.toml",
            &format!("version = 1\n\n[agent]\ncommand = {command}\n{more}"),
        );
        project.write("docs/plans/doubles.json", plan);
        project.commit("start");
        project.agent(&[]);
        project
    }

    /// The folder around everything.
    pub fn root(&self) -> &Path {
        self.root.path()
    }
    /// The user's checkout.
    pub fn repo(&self) -> PathBuf {
        self.root.path().join("repo")
    }
    /// Where agents leave notes for the test.
    pub fn side(&self, name: &str) -> PathBuf {
        self.root.path().join("side").join(name)
    }
    fn agent_path(&self) -> PathBuf {
        self.root.path().join("agent.sh")
    }

    /// Scripts the agent. Each session is noted in `side/sessions` as `role task mode attempt`, its prompt is kept in
    /// `side/prompt-N`, its own number over the role and task is `$N`. Without a matching branch it does the right thing.
    pub fn agent(&self, branches: &[Branch<'_>]) {
        let side = self.root.path().join("side").display().to_string();
        let mut text = format!(
            "#!/bin/sh\nset -eu\nSIDE='{side}'\nREPO='{}'\n\
             echo \"$REDGREEN_ROLE $REDGREEN_TASK $REDGREEN_MODE $REDGREEN_ATTEMPT\" >>\"$SIDE/sessions\"\n\
             ALL=$(wc -l <\"$SIDE/sessions\" | tr -d ' ')\n\
             N=$(grep -c \"^$REDGREEN_ROLE $REDGREEN_TASK \" \"$SIDE/sessions\")\n\
             cat >\"$SIDE/prompt-$ALL\"\n\
             cp \"$SIDE/prompt-$ALL\" \"$SIDE/prompt-$REDGREEN_ROLE-$REDGREEN_TASK-$N\"\n\
             case \"$REDGREEN_ROLE-$REDGREEN_TASK-$N\" in\n",
            self.repo().display()
        );
        for (pattern, body) in branches {
            text.push_str(&format!("{pattern})\n{body}\n;;\n"));
        }
        for (number, module) in ["a", "b", "c", "d"].iter().enumerate() {
            let number = number + 1;
            text.push_str(&format!(
                "author-T{number}-*)\n{}\n;;\n",
                right_test(module)
            ));
            text.push_str(&format!(
                "implementer-T{number}-*)\n{}\n;;\n",
                right_source(module)
            ));
        }
        text.push_str("esac\n");
        fs::write(self.agent_path(), text).unwrap();
        fs::set_permissions(self.agent_path(), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Writes a file of the checkout.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.repo().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    /// Reads a file of the checkout.
    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.repo().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
    /// The plan file as it stands.
    pub fn plan(&self) -> serde_json::Value {
        serde_json::from_str(&self.read("docs/plans/doubles.json")).unwrap()
    }
    /// Whether a task passes, by the plan file.
    #[track_caller]
    pub fn passes(&self, id: &str) -> bool {
        let plan = self.plan();
        let task = plan["tasks"]
            .as_array()
            .unwrap()
            .iter()
            .find(|task| task["id"] == id)
            .unwrap();
        task["passes"].as_bool().unwrap()
    }
    /// Commits everything.
    pub fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    /// Runs git in the checkout and returns what it prints.
    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        let output = self.command("git").args(arguments).output().unwrap();
        let ended = Ended::from(output);
        assert_eq!(ended.code, 0, "git {arguments:?}: {}", ended.err);
        ended.out.trim_end().to_owned()
    }
    /// Runs git and says only whether it succeeded.
    pub fn git_says(&self, arguments: &[&str]) -> bool {
        self.command("git")
            .args(arguments)
            .output()
            .unwrap()
            .status
            .success()
    }
    /// Everything a commit holds, without plan files and redgreen's own records.
    pub fn content(&self, commit: &str) -> String {
        self.git(&["ls-tree", "-r", commit])
            .lines()
            .filter(|line| !line.contains("\t.redgreen/") && !line.contains("\tdocs/plans/"))
            .collect::<Vec<_>>()
            .join("\n")
    }
    /// Subjects of the commits from the first one to `reference`, oldest first.
    pub fn subjects(&self, reference: &str) -> Vec<String> {
        let text = self.git(&["log", "--reverse", "--format=%s", reference]);
        text.lines().skip(1).map(str::to_owned).collect()
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let real_home = std::env::var("HOME").unwrap_or_default();
        let of_user = |name: &str, folder: &str| {
            std::env::var(name).unwrap_or_else(|_| format!("{real_home}/{folder}"))
        };
        let mut command = Command::new(program);
        command
            .current_dir(self.repo())
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("HOME", self.root.path().join("home"))
            .env("CARGO_HOME", of_user("CARGO_HOME", ".cargo"))
            .env("RUSTUP_HOME", of_user("RUSTUP_HOME", ".rustup"))
            .env("CARGO_NET_OFFLINE", "true")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LC_ALL", "C.UTF-8")
            .env("REDGREEN_STATE_DIR", self.root.path().join("state"))
            // Agents leave notes outside their clone; the stronger level is tested where it is made.
            .env("REDGREEN_ISOLATION", "process")
            .stdin(Stdio::null());
        command
    }

    /// The binary under test, ready to be started.
    pub fn binary(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_redgreen"));
        command.args(arguments);
        command
    }
    /// Runs the binary to its end.
    pub fn redgreen(&self, arguments: &[&str]) -> Ended {
        self.binary(arguments).output().unwrap().into()
    }
    /// `redgreen run`.
    pub fn run(&self) -> Ended {
        self.redgreen(&["run"])
    }
    /// Starts the binary in the background.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let log = fs::File::create(self.root.path().join("background.log")).unwrap();
        self.binary(arguments)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap()
    }
    /// What a started binary printed.
    pub fn background(&self) -> String {
        fs::read_to_string(self.root.path().join("background.log")).unwrap_or_default()
    }

    /// The sessions that were started, in order: `role task mode attempt`.
    pub fn sessions(&self) -> Vec<String> {
        fs::read_to_string(self.side("sessions"))
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect()
    }
    /// The prompt of the n-th session of a role and task, from 1.
    #[track_caller]
    pub fn prompt(&self, role: &str, task: &str, n: usize) -> String {
        let path = self.side(&format!("prompt-{role}-{task}-{n}"));
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The private state of this repository.
    pub fn state(&self) -> PathBuf {
        let state = self.root.path().join("state");
        let mut folders = fs::read_dir(&state).unwrap().flatten();
        let only = folders.next().unwrap().path();
        assert!(folders.next().is_none());
        only
    }
    /// The events of the journal, as they are stored: `{"type":…,"data":…}`.
    pub fn events(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.state().join("journals/doubles.jsonl")).unwrap();
        text.lines()
            .map(|line| {
                let record: serde_json::Value = serde_json::from_str(line).unwrap();
                record["data"]["event"].clone()
            })
            .collect()
    }
    /// The journal as text; empty where there is none yet.
    pub fn journal(&self) -> String {
        let state = fs::read_dir(self.root.path().join("state"))
            .ok()
            .and_then(|mut folders| folders.next()?.ok());
        state
            .and_then(|state| fs::read_to_string(state.path().join("journals/doubles.jsonl")).ok())
            .unwrap_or_default()
    }
    /// How often an event of this type was recorded.
    pub fn count(&self, kind: &str) -> usize {
        self.events()
            .iter()
            .filter(|event| event["type"] == kind)
            .count()
    }
    /// The gates that were judged for a task, with their verdicts: `green fail`.
    pub fn gates(&self, task: &str) -> Vec<String> {
        self.events()
            .iter()
            .filter(|event| event["type"] == "gate_judged")
            .filter(|event| {
                let key = event["data"]["key"].as_str().unwrap();
                key.split('/').nth(1) == Some(task)
            })
            .map(|event| {
                let summary = &event["data"]["summary"];
                format!(
                    "{} {}",
                    summary["gate"].as_str().unwrap(),
                    summary["verdict"].as_str().unwrap()
                )
            })
            .collect()
    }
    /// A report file of the plan.
    pub fn report(&self, name: &str) -> String {
        fs::read_to_string(self.state().join("reports/doubles").join(name)).unwrap()
    }
    /// Fails when something is left that a finished command has no use for (DESIGN, invariant 7).
    #[track_caller]
    pub fn nothing_is_left(&self) {
        for folder in ["scratch", "jobs"] {
            let left: Vec<_> = fs::read_dir(self.state().join(folder))
                .unwrap()
                .flatten()
                .map(|entry| entry.path())
                .collect();
            assert_eq!(left, Vec::<PathBuf>::new(), "left in {folder}");
        }
        assert_eq!(
            self.git(&["worktree", "list"]).lines().count(),
            1,
            "worktrees"
        );
        let processes = self.processes();
        assert!(processes.is_empty(), "processes: {processes:?}");
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

/// Waits until something is true.
#[track_caller]
pub fn wait_until(what: &str, mut is: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
