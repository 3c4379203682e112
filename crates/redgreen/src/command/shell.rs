//! `redgreen completions SHELL` and `redgreen man`: made from the same command tree as `--help`.

use super::Ending;
use crate::cli::{CompletionsArgs, ManArgs};
use crate::error::Failure;
use crate::render::help;
use crate::render::printer::Printer;
use redgreen_core::exit::ExitCode;

/// Prints a completion script.
///
/// # Errors
/// None; the result is that of every command.
pub fn completions(printer: Printer, arguments: &CompletionsArgs) -> Ending {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut help::command(),
        "redgreen",
        &mut script,
    );
    printer.data(String::from_utf8_lossy(&script).trim_end());
    Ok(ExitCode::Pass)
}

/// Prints the manual page of the program, or writes one page per command into a folder.
///
/// # Errors
/// A failure when the folder cannot be written.
pub fn man(printer: Printer, arguments: &ManArgs) -> Ending {
    let root = help::command();
    let Some(folder) = &arguments.folder else {
        printer.data(String::from_utf8_lossy(&page(root)?).trim_end());
        return Ok(ExitCode::Pass);
    };
    if !folder.is_dir() {
        return Err(Failure::usage(
            format!("`{}` is no folder", folder.display()),
            "make it first, or name another one",
        ));
    }
    clap_mangen::generate_to(root, folder).map_err(|why| {
        Failure::not_ready(
            format!(
                "the pages cannot be written to `{}`: {why}",
                folder.display()
            ),
            "name a folder that you may write",
        )
    })?;
    printer.talk(format!("written to {}", folder.display()));
    Ok(ExitCode::Pass)
}

fn page(command: clap::Command) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut bytes)
        .map_err(Failure::internal)?;
    Ok(bytes)
}
