//! redgreen: agents write, the referee decides.

use clap::Parser as _;
use redgreen::cli::{Cli, Format};
use redgreen::command;
use redgreen::render::printer::Printer;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
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
    match command::dispatch(&cli, printer) {
        Ok(code) => ExitCode::from(code.code()),
        Err(failure) => {
            printer.failure(&failure);
            ExitCode::from(failure.exit.code())
        }
    }
}
