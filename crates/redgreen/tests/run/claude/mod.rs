//! The real Claude Code under the referee, against a scripted model on loopback (SPEC F1-F3, F8, A7, A9, A10).
//!
//! The command line is that of `scripts/agents`, installed by `scripts/setup`. Every run has a home of its own, a dummy key
//! and the model's address; nothing leaves the machine.

mod ends;
mod plan;
mod probes;
mod tools;

use crate::support::{Ended, Project};
use redgreen_testkit::model::script::Script;
use redgreen_testkit::model::{Exchange, Server};
use std::path::PathBuf;
use std::process::{Child, Command};

/// What stands in for a key: no real one looks like it.
pub const KEY: &str = "dummy-key-of-the-tests-0123456789";

/// The program, or a failure that says where it comes from.
pub fn program() -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let program = root.join("target/agents/node_modules/.bin/claude");
    match program.canonicalize() {
        Ok(program) => program.display().to_string(),
        Err(why) => panic!(
            "the real Claude Code is not in target/agents ({why}): run scripts/setup; it needs npm and its registry"
        ),
    }
}

/// A project whose agents are Claude Code, and their model.
pub struct Claude {
    pub project: Project,
    pub model: Server,
}

impl Claude {
    /// A plan and a script; `more` is added to `redgreen.toml`.
    pub fn new(plan: &str, script: &str, more: &str) -> Self {
        let project = Project::new(plan);
        project.write(
            "redgreen.toml",
            &format!(
                "version = 1\n\n[agent]\nkind = \"claude-code\"\nprogram = {:?}\n{more}",
                program()
            ),
        );
        project.commit("the agent");
        let model = Server::start(Script::read(script).unwrap()).unwrap();
        Self { project, model }
    }

    /// The binary with the model's address and the dummy key, at the best isolation there is.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.project.binary(arguments);
        command
            .env_remove("REDGREEN_ISOLATION")
            .env("ANTHROPIC_BASE_URL", self.model.url())
            .env("ANTHROPIC_API_KEY", KEY);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().unwrap().into()
    }

    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Requests of conversations that are answered by the script, in order.
    pub fn exchanges(&self) -> Vec<Exchange> {
        let all = self.model.exchanges();
        all.into_iter()
            .filter(|exchange| exchange.conversation.is_some())
            .collect()
    }

    /// Sessions as the journal has them.
    pub fn sessions(&self) -> Vec<serde_json::Value> {
        let events = self.project.events();
        events
            .into_iter()
            .filter(|event| event["type"] == "agent_ended")
            .map(|event| event["data"].clone())
            .collect()
    }

    /// Files of private state and of the checkout that hold a text, without what an agent keeps for itself.
    pub fn holding(&self, text: &str) -> Vec<String> {
        let output = Command::new("grep")
            .args(["-rlF", "--exclude-dir=*-claude", text])
            .args([self.project.root().join("state"), self.project.repo()])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(str::to_owned)
            .collect()
    }
}

/// A turn that writes a file.
pub fn write(path: &str, content: &str) -> String {
    format!("[[conversation.turn]]\nwrite = {path:?}\ncontent = {content:?}\n")
}

/// A turn that runs a command.
pub fn run(command: &str) -> String {
    format!("[[conversation.turn]]\nrun = {command:?}\n")
}

/// The test of a module.
pub fn test_of(module: &str) -> String {
    write(
        &format!("tests/{module}.rs"),
        &format!(
            "use sums::{module}::double;\n#[test]\nfn doubles() {{\n    assert_eq!(double(2), 4);\n}}\n"
        ),
    )
}

/// An implementation of a module.
pub fn source_of(module: &str, expression: &str) -> String {
    write(
        &format!("src/{module}.rs"),
        &format!("pub fn double(n: i32) -> i32 {{\n    {expression}\n}}\n"),
    )
}

/// What an author of a task is asked, in words that stand in every prompt of it.
pub fn author(task: &str, turns: &str) -> String {
    format!("[[conversation]]\nwhen = [\"You write tests\", \"Task {task}:\"]\n{turns}")
}

/// The same for an implementer, on its first try.
pub fn implementer(task: &str, turns: &str) -> String {
    format!(
        "[[conversation]]\nwhen = [\"You write the implementation\", \"Task {task}:\"]\nunless = [\"did not pass\"]\n{turns}"
    )
}

/// The same after a try that did not pass.
pub fn again(task: &str, turns: &str) -> String {
    format!(
        "[[conversation]]\nwhen = [\"You write the implementation\", \"Task {task}:\", \"did not pass\"]\n{turns}"
    )
}
