//! One file per command. Each returns how the process ends, or a failure that is rendered in one place.

pub mod amend;
pub mod answer;
pub mod audit;
pub mod check;
pub mod clean;
pub mod config;
pub mod controls;
pub mod demo;
pub mod doctor;
pub mod evidence;
pub mod explain;
pub mod full;
pub mod green;
pub mod init;
pub mod lint;
pub mod lock;
pub mod locks;
pub mod log;
pub mod next;
pub mod plan;
pub mod prompt;
pub mod red;
pub mod reference;
pub mod report;
pub mod run;
pub mod services;
pub mod shell;
pub mod show;
pub mod status;
pub mod task;
pub mod trial;
pub mod validate;

use crate::cli::{Cli, Command, IsolationLevel};
use crate::error::Failure;
use crate::referee::context::Context;
use crate::render::printer::Printer;
use crate::render::progress::Progress;
use redgreen_core::exit::ExitCode;
use redgreen_host::process;

/// How a command ends.
pub type Ending = Result<ExitCode, Failure>;

/// Opens the repository that a command works in.
///
/// # Errors
/// A failure with the next step.
pub fn open(cli: &Cli, printer: Printer) -> Result<Context, Failure> {
    Context::open(&folder(cli)?, printer)
}

/// The folder that a command works in.
///
/// # Errors
/// A failure when it is not there.
pub fn folder(cli: &Cli) -> Result<std::path::PathBuf, Failure> {
    let folder = match &cli.global.directory {
        Some(folder) => folder.clone(),
        None => std::env::current_dir().map_err(|error| {
            Failure::not_ready(
                format!("the current folder cannot be read: {error}"),
                "change into an existing folder",
            )
        })?,
    };
    if !folder.is_dir() {
        return Err(Failure::usage(
            format!("`{}` is no folder", folder.display()),
            "name the repository with -C",
        ));
    }
    Ok(folder)
}

/// Runs the command that was asked for.
///
/// # Errors
/// The failure the command ended with.
pub fn dispatch(cli: &Cli, printer: Printer) -> Ending {
    match cli.global.require_isolation {
        Some(IsolationLevel::Landlock) => process::require(process::Isolation::Landlock),
        Some(IsolationLevel::Bubblewrap) => process::require(process::Isolation::Bubblewrap),
        Some(IsolationLevel::None) | None => {}
    }
    let _progress = title(&cli.command).map(|title| Progress::start(printer, &title));
    match &cli.command {
        Command::Demo(arguments) => demo::run(printer, arguments),
        Command::Audit(arguments) => audit::run(&open(cli, printer)?, arguments),
        Command::Red(arguments) => red::run(&open(cli, printer)?, arguments),
        Command::Lock(arguments) => lock::run(&open(cli, printer)?, arguments),
        Command::Green(arguments) => green::run(&open(cli, printer)?, arguments),
        Command::Full(arguments) => full::run(&open(cli, printer)?, arguments),
        Command::Check(arguments) => check::run(&open(cli, printer)?, arguments),
        Command::Next(arguments) => next::run(&open(cli, printer)?, arguments),
        Command::Evidence(arguments) => evidence::run(&open(cli, printer)?, arguments),
        Command::Locks(arguments) => locks::run(&open(cli, printer)?, arguments),
        Command::Amend(arguments) => {
            let context = open(cli, printer)?;
            match amend::in_a_run(&context, arguments)? {
                Some(exit) => Ok(exit),
                None => lock::amend(&context, arguments),
            }
        }
        Command::Reference(arguments) => reference::run(printer, arguments),
        Command::Config(command) => config::run(&open(cli, printer)?, command),
        Command::Completions(arguments) => shell::completions(printer, arguments),
        Command::Man(arguments) => shell::man(printer, arguments),
        Command::Controls => controls::run(&open(cli, printer)?),
        Command::Validate(arguments) => validate::run(&open(cli, printer)?, arguments),
        Command::Services(command) => services::run(&open(cli, printer)?, command),
        Command::Clean(arguments) => clean::run(&open(cli, printer)?, arguments),
        Command::Lint(arguments) => lint::run(cli, printer, arguments),
        Command::Explain(arguments) => explain::run(cli, printer, arguments),
        Command::Init(arguments) => init::run(&open(cli, printer)?, arguments),
        Command::Plan(arguments) => plan::run(&open(cli, printer)?, arguments),
        Command::Run(arguments) => run::run(&open(cli, printer)?, arguments),
        Command::Stop(arguments) => run::stop(&open(cli, printer)?, arguments),
        Command::Status(arguments) => status::run(&open(cli, printer)?, arguments),
        Command::Log(arguments) => log::run(&open(cli, printer)?, arguments),
        Command::Report(arguments) => report::run(&open(cli, printer)?, arguments),
        Command::Show(arguments) => show::run(&open(cli, printer)?, arguments),
        Command::Try(arguments) => trial::run(cli, printer, arguments),
        Command::Prompt(command) => prompt::run(&open(cli, printer)?, command),
        Command::Doctor(arguments) => doctor::run(&open(cli, printer)?, arguments),
        Command::Dispute(arguments) => answer::dispute(arguments, printer),
        Command::Retry(arguments) => answer::retry(&open(cli, printer)?, arguments),
        Command::Approve(arguments) => answer::approve(&open(cli, printer)?, arguments),
        Command::Waive(arguments) => answer::waive(&open(cli, printer)?, arguments),
        Command::Reset(arguments) => answer::reset(&open(cli, printer)?, arguments),
        Command::Take(arguments) => answer::take(&open(cli, printer)?, arguments),
    }
}

/// What a person waits for, for the commands that run something long.
fn title(command: &Command) -> Option<String> {
    Some(match command {
        Command::Demo(_) => "demo".to_owned(),
        Command::Audit(_) => "audit".to_owned(),
        Command::Init(_) => "init".to_owned(),
        Command::Run(_) => "run".to_owned(),
        Command::Red(arguments) => format!("RED {}", arguments.what.join(" "))
            .trim()
            .to_owned(),
        Command::Lock(arguments) => format!("lock {}", arguments.task),
        Command::Green(arguments) => format!("GREEN {}", arguments.task),
        Command::Full(arguments) => format!("full {}", arguments.task),
        Command::Check(arguments) => format!("check {}", arguments.task),
        Command::Amend(arguments) => format!("amend {}", arguments.task),
        Command::Try(arguments) => format!("try {}", arguments.task),
        Command::Doctor(_) => "doctor".to_owned(),
        Command::Validate(_) => "validate".to_owned(),
        Command::Plan(_)
        | Command::Prompt(_)
        | Command::Status(_)
        | Command::Report(_)
        | Command::Stop(_)
        | Command::Next(_)
        | Command::Locks(_)
        | Command::Evidence(_)
        | Command::Dispute(_)
        | Command::Retry(_)
        | Command::Take(_)
        | Command::Reset(_)
        | Command::Waive(_)
        | Command::Approve(_)
        | Command::Show(_)
        | Command::Lint(_)
        | Command::Explain(_)
        | Command::Log(_)
        | Command::Config(_)
        | Command::Clean(_)
        | Command::Services(_)
        | Command::Completions(_)
        | Command::Man(_)
        | Command::Controls
        | Command::Reference(_) => return None,
    })
}
