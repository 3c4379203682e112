//! `redgreen demo`

use super::Ending;
use crate::cli::DemoArgs;
use crate::render::printer::Printer;

/// Shows a complete plan on a sample project.
///
/// # Errors
/// A failure with the next step when the machine lacks something.
pub fn run(printer: Printer, arguments: &DemoArgs) -> Ending {
    crate::demo::run(printer, arguments)
}
