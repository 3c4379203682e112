//! redgreen: agents write, the referee decides.

use clap::FromArgMatches as _;
use redgreen::cli::{Cli, Format};
use redgreen::command;
use redgreen::render::help;
use redgreen::render::printer::Printer;
use redgreen_host::process;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Every command runs below a small supervisor, which is this program again: when redgreen is killed, what it started
    // goes with it (SPEC A9).
    if redgreen_host::env::arguments()
        .get(1)
        .is_some_and(|first| first == process::SUPERVISE)
    {
        std::process::exit(process::supervisor_main());
    }
    // Inside the sandbox of an agent this program is also the way to the agent's model.
    if redgreen_host::env::arguments()
        .get(1)
        .is_some_and(|first| first == redgreen_host::agent::relay::RELAY)
    {
        std::process::exit(redgreen_host::agent::relay::relay_main());
    }
    if let Some(own) = redgreen_host::env::own_executable() {
        process::supervise_with(vec![own.into()]);
    }
    process::own_every_child();
    // Without signal handlers Ctrl-C still ends everything, only less politely.
    let _ =
        redgreen_host::interrupt::install(i32::from(redgreen_core::exit::ExitCode::Limit.code()));
    let parsed = help::command()
        .try_get_matches_from(redgreen_host::env::arguments())
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let printer = Printer::new(
        cli.global.quiet,
        cli.global.verbose,
        cli.global.format == Format::Json,
    );
    let ending = command::dispatch(&cli, printer);
    if redgreen_host::interrupt::ends_now() {
        return ExitCode::from(redgreen_core::exit::ExitCode::Limit.code());
    }
    match ending {
        Ok(code) => ExitCode::from(code.code()),
        Err(failure) => {
            printer.failure(&failure);
            ExitCode::from(failure.exit.code())
        }
    }
}
