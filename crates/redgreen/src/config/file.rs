//! `redgreen.toml` as it is written: wire types only. Unknown keys are errors with a suggestion (SPEC G4).

use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The whole file.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Always 1.
    pub version: Option<u32>,
    /// Which paths are tests, source and inert.
    #[serde(default)]
    pub paths: Paths,
    /// One runner, or several named ones (`[runner.NAME]`).
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub runner: Option<toml::Table>,
    /// What git ignores and tests need.
    #[serde(default)]
    pub tree: TreeSection,
    /// Commands that must succeed at full validation.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// The tools that the project configured by itself.
    #[serde(default)]
    pub ladder: Ladder,
    /// Suites by category; without any, each runner's whole suite is run.
    #[serde(default)]
    pub suites: BTreeMap<String, Suite>,
    /// Real servers that tests and the application use.
    #[serde(default)]
    pub services: BTreeMap<String, super::services::Service>,
    /// The real application, started as it ships, and used.
    pub validation: Option<super::validation::Validation>,
    /// The agent of every role that has none of its own under `agents`.
    #[serde(default)]
    pub agent: Option<Agent>,
    /// Agents per role: `author`, `implementer`.
    #[serde(default)]
    pub agents: BTreeMap<String, Agent>,
    /// How often to try and how long to wait.
    #[serde(default)]
    pub limits: Limits,
    /// Runs beside GREEN that show that its result is not empty.
    #[serde(default)]
    pub controls: Controls,
    /// What commands may see and reach.
    #[serde(default)]
    pub sandbox: Sandbox,
    /// What a person may decide.
    #[serde(default)]
    pub policy: Policy,
    /// What waits for a person.
    #[serde(default)]
    pub approve: Approve,
    /// What happens to finished work.
    #[serde(default)]
    pub deliver: Deliver,
    /// How commits are made.
    #[serde(default)]
    pub git: Git,
    /// What history is held to.
    #[serde(default)]
    pub audit: Audit,
    /// Which tests are worth locking.
    #[serde(default)]
    pub lint: Lint,
    /// Which test doubles are allowed where.
    #[serde(default)]
    pub mocks: Mocks,
    /// What prompts include.
    #[serde(default)]
    pub prompts: Prompts,
    /// What must never be kept or shown.
    #[serde(default)]
    pub secrets: Secrets,
    /// Whom to tell.
    #[serde(default)]
    pub notify: Notify,
}

impl File {
    /// Names of the environment variables whose values are taken out of everything that is kept or shown.
    pub fn secret_variables(&self) -> impl Iterator<Item = &str> {
        let agents = self.agent.iter().chain(self.agents.values());
        agents
            .flat_map(|agent| &agent.environment)
            .chain(&self.secrets.environment)
            .chain(
                self.validation
                    .iter()
                    .flat_map(|section| &section.environment),
            )
            .chain(
                self.services
                    .values()
                    .filter_map(|service| service.variable.as_ref()),
            )
            .map(String::as_str)
    }
}

/// `[secrets]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// Names of environment variables whose values are secret although their names do not say so.
    #[serde(default)]
    pub environment: Vec<String>,
}

/// `[paths]`: globs with gitignore semantics, relative to the folder of the file.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Paths {
    /// The author writes these; the lock holds them.
    pub tests: Option<Vec<String>>,
    /// The implementer writes these.
    pub source: Option<Vec<String>>,
    /// Inert files: documents, changelogs, licences.
    pub ignore: Option<Vec<String>>,
}

/// `[runner]` or `[runner.NAME]`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Runner {
    /// `pytest`, `cargo-test`, or `junit` for any command that writes a JUnit XML report.
    pub kind: String,
    /// The folder it runs in; the top level by default.
    #[serde(default)]
    pub root: String,
    /// A command that replaces the detected one, such as `["uv", "run", "python", "-m", "pytest"]`. For `junit` the
    /// command itself: `{report}` is the file it writes (also in `$REDGREEN_REPORT`), `{tree}` the private tree,
    /// `{tests}` the test files to run.
    pub command: Option<Vec<String>>,
    /// Arguments that are added, such as `["--all-features"]`.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Limit for one command, such as `"10m"`.
    pub timeout: Option<String>,
    /// Only for `junit`: globs of reports that the command always writes to the same places, such as
    /// `["target/surefire-reports/*.xml"]`; emptied before every run.
    #[serde(default)]
    pub report: Vec<String>,
    /// Only for `junit`: globs of the files that `{tests}` may name, such as `["*.test.ts"]`; every test path by default.
    #[serde(default)]
    pub files: Vec<String>,
}

/// `[tree]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TreeSection {
    /// Globs of files that git ignores and tests need; digested at lock, private.
    #[serde(default)]
    pub carry: Vec<String>,
    /// Commands the referee runs in the tree before tests.
    #[serde(default)]
    pub prepare: Vec<String>,
    /// Whether the tree is a git repository with one commit.
    #[serde(default)]
    pub git: bool,
}

/// `[[checks]]`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Its name in reports.
    pub name: String,
    /// The command, run in the tree without a shell.
    pub command: Vec<String>,
    /// The exit code that means success; 0 by default.
    #[serde(default)]
    pub exit_code: i32,
    /// A text that the output must contain, as evidence that the check ran.
    pub must_contain: Option<String>,
    /// A text that the output must not contain.
    pub must_not_contain: Option<String>,
    /// Whether success is that it prints nothing, as with `gofmt -l`.
    #[serde(default)]
    pub must_be_empty: bool,
    /// Limit, such as `"5m"`.
    pub timeout: Option<String>,
    /// The command that repairs what the check finds; it is named, never run.
    pub fix: Option<Vec<String>>,
    /// Whether a tool that is not there is only said, and holds nothing up.
    #[serde(default)]
    pub optional: bool,
}

/// `[ladder]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ladder {
    /// Whether the linters, formatters and type checkers that the project configures in files of its own are run at full
    /// validation, beside `[[checks]]`; true by default. One that is not installed is said once.
    pub detect: Option<bool>,
}

/// `[suites.CATEGORY]`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The runner's name; not needed where there is one.
    pub runner: Option<String>,
    /// The paths the category consists of; the whole suite by default.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Suites run in this order, then by name.
    #[serde(default)]
    pub order: i32,
    /// Services that it must really reach, by the servers' own counters; a suite that does not has failed.
    #[serde(default)]
    pub uses: Vec<String>,
}

/// `[agent]` or `[agents.ROLE]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// `command` (default): any program. `claude-code`: Claude Code, as its own command line runs it.
    #[serde(default)]
    pub kind: AgentKind,
    /// For `command`: the program with its arguments; it gets the prompt on standard input and works in its current folder.
    #[serde(default)]
    pub command: Vec<String>,
    /// For `claude-code`: the program, when it is not `claude` on the search path.
    pub program: Option<String>,
    /// For `claude-code`: the model; its own default otherwise.
    pub model: Option<String>,
    /// For `claude-code`: `inherit` (default) carries your login, which is its credential file or the variable it reads;
    /// `environment` only the variables named below.
    pub auth: Option<String>,
    /// For `claude-code`: at most this many turns in a session.
    pub turns: Option<u32>,
    /// Names of environment variables that are handed through; values never appear anywhere.
    #[serde(default)]
    pub environment: Vec<String>,
    /// `provider` (default of `claude-code`): its model endpoint and nothing else. `host` (default of `command`): the
    /// machine's. `none`: no network.
    pub network: Option<String>,
    /// Whether it may make user namespaces, for a sandbox of its own.
    #[serde(default)]
    pub nested: bool,
}

/// Which agent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AgentKind {
    /// Any program.
    #[default]
    Command,
    /// Claude Code.
    #[serde(alias = "claude")]
    ClaudeCode,
}

impl AgentKind {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::ClaudeCode => "claude-code",
        }
    }
}

impl Agent {
    /// What `--agent TEXT` means: a kind that is known by name, or a command.
    #[must_use]
    pub fn of_words(words: Vec<String>) -> Self {
        match words.as_slice() {
            [word] if word == "claude-code" || word == "claude" => Self {
                kind: AgentKind::ClaudeCode,
                ..Self::default()
            },
            _ => Self {
                command: words,
                ..Self::default()
            },
        }
    }

    /// What it is, for people: the command, or kind and model.
    #[must_use]
    pub fn name(&self) -> String {
        match (self.kind, &self.model) {
            (AgentKind::Command, _) => self.command.join(" "),
            (AgentKind::ClaudeCode, Some(model)) => format!("claude-code ({model})"),
            (AgentKind::ClaudeCode, None) => "claude-code".to_owned(),
        }
    }
}

/// `[limits]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// One agent session; `"30m"` by default.
    pub session: Option<String>,
    /// An agent session without output; `"10m"` by default.
    pub idle: Option<String>,
    /// A whole run; unlimited by default.
    pub run: Option<String>,
    /// Retries of the author after its first attempt; 1 by default.
    pub author_retries: Option<u32>,
    /// Retries of the implementer after its first attempt; 2 by default.
    pub implementer_retries: Option<u32>,
    /// Money for one task, in US dollars, as its agents report it; unlimited by default.
    pub task_usd: Option<f64>,
    /// Money for a run, in US dollars; unlimited by default.
    pub run_usd: Option<f64>,
    /// Tokens for one task, in and out together; unlimited by default.
    pub task_tokens: Option<u64>,
    /// Tokens for a run; unlimited by default.
    pub run_tokens: Option<u64>,
    /// Longest wait for a usage limit or an outage; `"1h"` by default.
    pub max_wait: Option<String>,
    /// How much room caches may take in private state, such as `"5GB"`; `"10GB"` by default. The oldest go first.
    pub cache: Option<String>,
}

/// `[policy]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// `allow` (default), `two_people` or `deny`.
    pub waivers: Option<String>,
    /// `evidence` (default) or `heuristic`: when an implementer may send tests back. The heuristic can be provoked.
    pub bounce: Option<String>,
    /// Whether tasks that do not depend on a halted one go on; by default only when nobody watches.
    pub keep_going: Option<bool>,
    /// The lowest isolation level at which anything is run: `none` (default), `landlock` or `bubblewrap`.
    pub isolation: Option<String>,
}

/// `[sandbox]`: what agents, tests and builds may see and reach.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sandbox {
    /// `private` (default): tests and builds have a network of their own with loopback only. `host`: that of the machine,
    /// for a database on localhost or the internet.
    pub network: Option<String>,
    /// Folders and files outside the repository that commands may read although they lie in your home: `"~/datasets"`.
    #[serde(default)]
    pub readable: Vec<String>,
    /// Folders and files outside the repository that commands may write.
    #[serde(default)]
    pub writable: Vec<String>,
    /// Whether commands may make user namespaces, for a browser with a sandbox of its own.
    #[serde(default)]
    pub nested: bool,
}

/// `[controls]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Controls {
    /// `standard` (default): locked tests must notice other expected values. `strict`: also run again from other bytes in
    /// another folder, and with every changed function emptied. `off`: neither.
    pub level: Option<String>,
    /// A criterion none of whose tests was shown to notice another expected value: `note` says so (default), `refuse` does
    /// not decide GREEN (default with `strict`).
    pub uncontrolled: Option<String>,
    /// Another level for single tasks, such as `{ T43 = "strict" }`.
    #[serde(default)]
    pub tasks: BTreeMap<String, String>,
}

/// `[approve]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// Wait for a person after RED.
    #[serde(default)]
    pub tests: bool,
}

/// `[deliver]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deliver {
    /// Push after each delivered task; nothing is pushed by default.
    #[serde(default)]
    pub push: bool,
    /// `merge` (default): every commit; `squash`: one commit per task.
    pub style: Option<String>,
}

/// `[git]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Git {
    /// Add a `Signed-off-by` trailer with the committer's name, as `git commit --signoff` does. Signing itself follows
    /// git's own configuration (`commit.gpgSign`).
    #[serde(default)]
    pub sign_off: bool,
}

/// `[audit]`: read from the commit before the range, so that a pull request cannot loosen it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// Which work must have a lock: `plan` (default): tasks of plans; `always`: every change of source; `never`: none.
    pub require_lock: Option<String>,
    /// Verdicts and findings that end `redgreen audit` with 10: `does_not_bite`, `fails_with_it` (default), `flaky`,
    /// `could_not_run`, `no_test`, `weakened`, `skip_added`, `test_removed`, `snapshot_changed`, `duplicate_test`.
    pub fail_on: Option<Vec<String>>,
}

/// `[lint]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lint {
    /// More functions that assert, such as `check_invoice` or `helpers.verify_*`.
    #[serde(default)]
    pub assertions: Vec<String>,
    /// Some warnings are errors.
    #[serde(default)]
    pub strict: bool,
}

/// `[mocks]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mocks {
    /// What holds where no path says otherwise; `mixed` by default.
    pub policy: Option<MockPolicy>,
    /// Policies of paths; the last one that fits counts.
    #[serde(default)]
    pub paths: Vec<MockPath>,
}

/// `[[mocks.paths]]`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MockPath {
    /// Which files.
    pub glob: String,
    /// What holds there.
    pub policy: MockPolicy,
}

/// Which test doubles are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MockPolicy {
    /// None: real services, real code.
    Real,
    /// Where they help.
    Mixed,
    /// Wherever the unit ends.
    Unit,
}

/// `[prompts]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prompts {
    /// The project's own guidance files, handed to agents.
    #[serde(default)]
    pub include: Vec<String>,
}

/// `[notify]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// Run on halt, approval, limit and end, with the event as its last argument.
    pub command: Option<Vec<String>>,
}
