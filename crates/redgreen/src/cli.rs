//! Arguments: clap types only. What a command does lies in `command/`.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// The referee for test-driven development: agents write, the referee decides.
#[derive(Debug, Parser)]
#[command(
    name = "redgreen",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = "First steps: `redgreen demo` shows a whole run; `redgreen init` looks at your repository.\n\
                  Exit codes: 0 pass, 2 usage, 10 failed, 11 could not run, 12 limit or stopped, 13 rejected,\n\
                  14 approval needed, 15 environment not ready, 16 not decided."
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Work in this folder instead of the current one.
    #[arg(
        short = 'C',
        long = "directory",
        global = true,
        value_name = "DIR",
        help_heading = "Global options"
    )]
    pub directory: Option<PathBuf>,
    /// How results are printed on standard output.
    #[arg(long, global = true, value_enum, default_value_t = Format::Human, help_heading = "Global options")]
    pub format: Format,
    /// Less: once for the verdict only, twice for the exit code only.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    pub quiet: u8,
    /// More: the commands that are run and the last lines they print.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    pub verbose: u8,
    /// End with 15 unless agents and tests are isolated at least this well.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "LEVEL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "landlock",
        help_heading = "Global options"
    )]
    pub require_isolation: Option<IsolationLevel>,
}

/// An isolation level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IsolationLevel {
    /// No isolation by the system.
    None,
    /// The kernel refuses writes and reads outside of what a command is given.
    Landlock,
    /// Namespaces of its own.
    Bubblewrap,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// One JSON document with a schema.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// A complete plan on a sample project with scripted agents, one of which cheats
    Demo(DemoArgs),
    /// Would these tests fail without the code they came with?
    Audit(AuditArgs),
    /// Detect runners and paths, and write redgreen.toml
    Init(InitArgs),
    /// Show, check, approve or adopt a plan
    #[command(subcommand)]
    Plan(PlanCommand),
    /// Work through a plan with agents, under the referee
    Run(RunArgs),
    /// Run whichever gate is due for a task
    Check(TaskArgs),
    /// Where every task stands
    Status(StatusArgs),
    /// The report of a run
    Report(ReportArgs),
    /// Ask a running redgreen to stop after the current step
    Stop(StopArgs),
    /// The next unit of work, for a person or any agent
    Next(NextArgs),
    /// Prove that new tests fail for the right reason
    Red(RedArgs),
    /// Lock the red tests and everything that can change their result
    Lock(LockArgs),
    /// Prove in a clean copy that exactly the locked tests pass
    Green(TaskArgs),
    /// Whole suite, lock and configured checks
    Full(TaskArgs),
    /// List, show, compare, verify or restore locks
    #[command(subcommand, alias = "snapshot")]
    Locks(LocksCommand),
    /// Whether the records of the gates are those that were written
    #[command(subcommand)]
    Evidence(EvidenceCommand),
    /// Run the locked tests on the work in progress: no verdict, no try used up
    Try(TryArgs),
    /// What an agent is told
    #[command(subcommand)]
    Prompt(PromptCommand),
    /// What works here: isolation, git, runners, agents; each with its fix
    Doctor(DoctorArgs),
    /// Say that a locked test is wrong
    Dispute(DisputeArgs),
    /// Correct locked tests: red is proven again, the old lock is kept
    Amend(AmendArgs),
    /// Give a halted task fresh tries, with a hint
    Retry(RetryArgs),
    /// Open a worktree with the lock and the candidate, to finish a task by hand
    Take(TaskArgs),
    /// Forget a task's lock and tries, and start it over
    Reset(ResetArgs),
    /// Let a task through in your name; the verdict stays what it was
    Waive(WaiveArgs),
    /// Answer a question of a run
    Approve(ApproveArgs),
    /// A task: criterion, tests, red message
    Show(TaskArgs),
    /// Find weak tests, with the place and what to do
    Lint(LintArgs),
    /// What a reason code, a cause, a lint rule or a path means
    Explain(ExplainArgs),
    /// The events of a run
    Log(LogArgs),
    /// The configuration that counts, and where each value comes from
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Build the application as it ships, start it with real services, and use it as declared
    Validate(ValidateArgs),
    /// The real servers that tests use, for your own hands
    #[command(subcommand)]
    Services(ServicesCommand),
    /// Remove private state that is not needed any more
    Clean(CleanArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page, or write one per command into a folder
    Man(ManArgs),
    #[command(hide = true, name = "__controls")]
    /// Internal: would the tests of this project notice other expected values?
    Controls,
    #[command(hide = true, name = "__reference")]
    /// Internal: print a generated document
    Reference(ReferenceArgs),
}

/// `demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Judge by exit codes alone, to see what that lets through.
    #[arg(long)]
    pub naive: bool,
    /// Keep the sample project, in this new folder.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// `init`
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Print what would be written, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not run the suite once in a clean copy.
    #[arg(long)]
    pub no_probe: bool,
}

/// `plan …`
#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// Tasks, criteria, order
    Show(PlanArgs),
    /// Every problem of a plan file, with its place
    Check(PlanArgs),
    /// Approve a plan as it is: its digest is recorded with your name
    Approve(PlanArgs),
    /// Take tasks that say `passes: true` as done; they are never called verified
    Adopt(PlanArgs),
}

/// A plan file.
#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    /// The plan file; the only one in docs/plans by default.
    pub plan: Option<PathBuf>,
}

/// `run`
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The plan file; the only one in docs/plans by default.
    pub plan: Option<PathBuf>,
    /// Only this task (its dependencies must have passed).
    #[arg(long, value_name = "TASK")]
    pub task: Option<String>,
    /// Stop after this phase of every task.
    #[arg(long, value_name = "PHASE")]
    pub until: Option<String>,
    /// Show the order and what would be done; start nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Approve the plan as it is.
    #[arg(long)]
    pub yes: bool,
    /// Tasks that do not depend on a halted one go on.
    #[arg(long)]
    pub keep_going: bool,
    /// Use this command for every role, instead of the configured agents.
    #[arg(long, value_name = "COMMAND")]
    pub agent: Option<String>,
}

/// One task.
#[derive(Debug, Clone, Args)]
pub struct TaskArgs {
    /// The task, such as T43.
    pub task: String,
    /// The plan file the task stands in.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

/// `status`
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The plan file; every known one by default.
    pub plan: Option<PathBuf>,
    /// Print where private state lies.
    #[arg(long)]
    pub paths: bool,
    /// Print it again whenever it changes, until the run stands or Ctrl-C.
    #[arg(long, conflicts_with = "paths")]
    pub watch: bool,
}

/// `report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The plan file; the only one in docs/plans by default.
    pub plan: Option<PathBuf>,
    /// Which report.
    #[arg(long, value_enum, default_value_t = ReportKind::Markdown)]
    pub kind: ReportKind,
}

/// Which report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportKind {
    /// For people.
    Markdown,
    /// `redgreen.report/1`.
    Json,
    /// One suite per gate, one case per check.
    Junit,
}

/// `stop`
#[derive(Debug, Args)]
pub struct StopArgs {
    /// The plan file; the only running one by default.
    pub plan: Option<PathBuf>,
}

/// `next`
#[derive(Debug, Args)]
pub struct NextArgs {
    /// The task; the next ready one by default.
    pub task: Option<String>,
    /// The plan file.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// The same as `--format json`.
    #[arg(long)]
    pub json: bool,
}

/// `try`
#[derive(Debug, Args)]
pub struct TryArgs {
    /// The task, such as T43.
    pub task: String,
    /// Only these tests, by id or by its beginning. Every locked one by default.
    pub tests: Vec<String>,
    /// The plan file the task stands in.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

/// `prompt …`
#[derive(Debug, Subcommand)]
pub enum PromptCommand {
    /// Print what a session of a role would be told
    Show(PromptShowArgs),
}

/// `prompt show`
#[derive(Debug, Args)]
pub struct PromptShowArgs {
    /// The task, such as T43.
    pub task: String,
    /// Whose prompt.
    #[arg(long, value_enum, value_name = "ROLE")]
    pub role: PromptRole,
    /// The plan file the task stands in.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

/// Whose prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PromptRole {
    /// Writes tests.
    Author,
    /// Writes the code.
    Implementer,
}

/// `doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Also ask each agent that is known by name one short question, through its login, its network and the sandbox. It
    /// costs a few tokens.
    #[arg(long)]
    pub ask: bool,
    /// The same as `--format json`.
    #[arg(long)]
    pub json: bool,
}

/// `red`
#[derive(Debug, Args)]
pub struct RedArgs {
    /// A task (T43), or test files and ids for an unnamed red. Every changed test by default.
    #[arg(value_name = "TASK|TEST")]
    pub what: Vec<String>,
    /// How the tests are read.
    #[command(flatten)]
    pub tests: TestClaims,
    /// The plan file the task stands in.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

/// What a person says of the tests.
#[derive(Debug, Clone, Default, Args)]
pub struct TestClaims {
    /// This test serves this criterion.
    #[arg(long = "covers", value_name = "CRITERION=TEST")]
    pub covers: Vec<String>,
    /// This test passes before and after: a guard.
    #[arg(long = "guard", value_name = "TEST")]
    pub guards: Vec<String>,
    /// Every new test that passes already is a guard.
    #[arg(long)]
    pub guard_passing: bool,
    /// The unclear red of this test is right.
    #[arg(long = "accept", value_name = "TEST")]
    pub accept: Vec<String>,
    /// The task replaces this old test.
    #[arg(long = "supersedes", value_name = "TEST")]
    pub supersedes: Vec<String>,
}

/// `lock`
#[derive(Debug, Args)]
pub struct LockArgs {
    /// The task, such as T43.
    pub task: String,
    /// How the tests are read.
    #[command(flatten)]
    pub tests: TestClaims,
    /// The plan file the task stands in.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

/// `locks …`
#[derive(Debug, Subcommand)]
pub enum LocksCommand {
    /// Every lock
    List,
    /// One lock: tests, criteria, what is locked
    Show(TaskArgs),
    /// How the working tree differs from what is locked
    Diff(TaskArgs),
    /// Whether a lock still holds
    Verify(TaskArgs),
    /// Put locked files back as they were locked
    Restore(TaskArgs),
}

/// `evidence …`
#[derive(Debug, Subcommand)]
pub enum EvidenceCommand {
    /// Tell records that were edited, dropped, reordered, truncated or rolled back
    Verify(EvidenceVerifyArgs),
}

/// `evidence verify`
#[derive(Debug, Args)]
pub struct EvidenceVerifyArgs {
    /// A plan (its file or its name), or commits (`base..head`). All evidence that is here by default.
    #[arg(value_name = "PLAN|RANGE")]
    pub what: Option<String>,
}

/// `dispute`
#[derive(Debug, Args)]
pub struct DisputeArgs {
    /// The task.
    pub task: String,
    /// The test, as the gate prints it.
    #[arg(long)]
    pub test: String,
    /// What is wrong with it.
    #[arg(long, value_enum)]
    pub reason: DisputeReason,
    /// The criterion that says otherwise.
    #[arg(long)]
    pub cites: Option<String>,
    /// One sentence for a person.
    #[arg(long)]
    pub note: Option<String>,
    /// The plan file the task stands in.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

/// What is wrong with a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum DisputeReason {
    /// Two locked tests contradict each other.
    Contradiction,
    /// No implementation can pass it.
    Impossible,
    /// It tests what no criterion asks for.
    NotInCriteria,
    /// It expects another value than the criterion.
    WrongExpectation,
    /// The same bytes give different results.
    Flaky,
}

/// `amend`
#[derive(Debug, Args)]
pub struct AmendArgs {
    /// The task.
    pub task: String,
    /// Why; kept with the new lock.
    #[arg(long)]
    pub reason: String,
    /// How the tests are read.
    #[command(flatten)]
    pub tests: TestClaims,
    /// The plan file the task stands in.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

/// `retry`
#[derive(Debug, Args)]
pub struct RetryArgs {
    /// The task.
    pub task: String,
    /// Guidance for the agent.
    #[arg(long)]
    pub hint: Option<String>,
    /// The plan file the task stands in.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

/// `reset`
#[derive(Debug, Args)]
pub struct ResetArgs {
    /// The task.
    pub task: String,
    /// The plan file the task stands in.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

/// `waive`
#[derive(Debug, Args)]
pub struct WaiveArgs {
    /// The task.
    pub task: String,
    /// The reason code that is waived, as the gate prints it.
    pub code: String,
    /// Why; stands in the report with your name.
    #[arg(long)]
    pub reason: String,
    /// Until when, as a date.
    #[arg(long)]
    pub expires: Option<String>,
    /// The plan file the task stands in.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

/// `approve`
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// The task whose question is answered with yes.
    pub task: String,
    /// Answer with no.
    #[arg(long)]
    pub deny: bool,
    /// The plan file the task stands in.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

/// `audit`
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// `HEAD~20..`, `v1.0..v1.1`, a branch or a commit; the commits of this branch by default.
    pub range: Option<String>,
    /// Judge everything since the common ancestor with this branch as one change, as a pull request is merged.
    #[arg(long, value_name = "BRANCH", conflicts_with = "range")]
    pub merge_base: Option<String>,
    /// Judge the whole range as one change.
    #[arg(long)]
    pub whole: bool,
    /// End with 10 on these, too: `does_not_bite`, `no_test`, `weakened`, … (see `[audit] fail_on`).
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub fail_on: Vec<String>,
    /// How the result is printed; files of every form: `--reports`.
    #[arg(long, value_enum, value_name = "FORM")]
    pub output: Option<AuditFormat>,
    /// Write report.md, report.html, audit.json, junit.xml and audit.sarif into this folder.
    #[arg(long, value_name = "DIR")]
    pub reports: Option<PathBuf>,
    /// How many changes at a time.
    #[arg(long, short = 'j', value_name = "N")]
    pub jobs: Option<usize>,
    /// Judge again what is remembered.
    #[arg(long)]
    pub fresh: bool,
}

/// How an audit is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuditFormat {
    /// For people, about ten lines.
    Human,
    /// `redgreen.audit/1`.
    Json,
    /// The whole report as Markdown.
    Markdown,
    /// JUnit XML.
    Junit,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of GitHub Actions, the ten worst; with `GITHUB_STEP_SUMMARY` also the job summary.
    Github,
}

/// `lint`
#[derive(Debug, Args)]
pub struct LintArgs {
    /// Files and folders; the current folder by default. Named files are judged whatever their name.
    pub paths: Vec<PathBuf>,
    /// Only tests that were added or changed since this commit count as new; what is not committed by default.
    #[arg(long, value_name = "REV")]
    pub since: Option<String>,
    /// How findings are printed.
    #[arg(long, value_enum, value_name = "FORM")]
    pub output: Option<LintFormat>,
    /// Also notes that are off by default.
    #[arg(long)]
    pub all: bool,
    /// Some warnings are errors.
    #[arg(long)]
    pub strict: bool,
    /// Print how often each rule fires here, and no findings.
    #[arg(long)]
    pub calibrate: bool,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LintFormat {
    /// For people, with the source line.
    Human,
    /// `redgreen.lint/1`.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of GitHub Actions, the ten worst.
    Github,
}

/// `explain`
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A reason code (`locked_test_edited`), a cause (`missing_symbol`) or a path.
    pub what: String,
}

/// `log`
#[derive(Debug, Args)]
pub struct LogArgs {
    /// The plan file; the only one in docs/plans by default.
    pub plan: Option<PathBuf>,
    /// Go on printing what is added, until the run stands or Ctrl-C.
    #[arg(short, long)]
    pub follow: bool,
}

/// `config …`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Every value that counts
    Show(ConfigShowArgs),
}

/// `config show`
#[derive(Debug, Args)]
pub struct ConfigShowArgs {
    /// Say for each value where it comes from: a line of the file, detection, or a default.
    #[arg(long)]
    pub origin: bool,
}

/// `completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `man`
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write `redgreen.1`, `redgreen-red.1` … into this existing folder.
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

/// `validate`
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// The commit to check out; the one that is checked out now by default. What is not committed does not ship.
    #[arg(value_name = "COMMIT")]
    pub commit: Option<String>,
}

/// `services …`
#[derive(Debug, Subcommand)]
pub enum ServicesCommand {
    /// Start them, print where they are found, and keep them until Ctrl-C or `services down`
    Up,
    /// End those that `services up` started in this repository
    Down,
    /// Which run, and where they are found
    Status,
    /// End what a redgreen that was killed left running
    Sweep,
}

/// `clean`
#[derive(Debug, Args)]
pub struct CleanArgs {
    /// Only say what would be removed.
    #[arg(long)]
    pub dry_run: bool,
    /// Keep the newest caches up to this size, such as `500MB` or `2GB`; everything by default goes.
    #[arg(long, value_name = "SIZE")]
    pub keep: Option<String>,
}

/// `__reference`
#[derive(Debug, Args)]
pub struct ReferenceArgs {
    /// Which document.
    pub document: String,
}
